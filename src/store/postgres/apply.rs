//! One commit for everything that follows from some arrivals, or from a look at some gates: all or nothing.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    desk, matching,
    numbers::{self, NumberRow},
    records, revisions,
    rows::{Result, column, insert_documents, insert_entries, is_told, json, take_back, update_documents},
    waybills,
};
use crate::{
    clock::Timestamp,
    dossier::Document,
    store::{Application, Change, Disposition, MessageChange, Number, Written, matching::given_bills},
};

pub(super) async fn apply(connection: &mut PgConnection, now: Timestamp, application: &Application, unsure: bool) -> Result<Written> {
    if unsure && is_done(connection, application).await? {
        return Ok(Written::Done);
    }
    let had_changes = !application.changes.is_empty();
    let without;
    let application = if application.apart {
        without = without_stale(connection, application).await?;
        &without
    } else {
        application
    };
    let changes = &application.changes;
    if changes.is_empty() && had_changes {
        return Ok(Written::Stale);
    }
    if !leased(connection, application).await? || made(connection, changes).await? || !desk::holds(connection, now, application).await? {
        return Ok(Written::Stale);
    }
    if !revisions::expected(connection, changes).await? || !write(connection, changes).await? {
        take_back(connection).await?;
        return Ok(Written::Stale);
    }
    let created: Vec<_> = changes.iter().flat_map(|change| &change.created).collect();
    insert_documents(connection, &created).await?;
    revisions::write(connection, now, changes).await?;
    matching::write(connection, changes).await?;
    let woken: Vec<_> = changes.iter().flat_map(|change| &change.woken).map(|id| id.0).collect();
    waybills::wake(connection, now, &woken).await?;
    look_again(connection, changes).await?;
    let given = changes.iter().flat_map(given_numbers).chain(revisions::summed_numbers(changes)).chain(given_bills(changes));
    numbers::insert(connection, now, given.collect()).await?;
    insert_assessments(connection, now, changes).await?;
    for again in changes.iter().filter_map(|change| change.again.as_ref()) {
        records::ask(connection, again).await?;
    }
    insert_receipts(connection, application).await?;
    close_arrivals(connection, application).await?;
    change_messages(connection, &application.messages).await?;
    stop_senders(connection, now, &application.stops).await?;
    desk::write(connection, now, application).await?;
    let entries: Vec<_> = changes.iter().flat_map(|change| &change.entries).collect();
    insert_entries(connection, now, &entries).await.map(|()| Written::Done)
}

/// Leaves out the changes that rest on a document which has changed since, or make one that another node has made; the documents of the
/// others stay as they are until the commit.
async fn without_stale(connection: &mut PgConnection, application: &Application) -> Result<Application> {
    let changes = &application.changes;
    let ids: Vec<_> = changes.iter().flat_map(|change| &change.expected).map(|(id, _)| id.0).collect();
    let statement = "SELECT id, version FROM documents WHERE id = ANY($1) ORDER BY id FOR UPDATE";
    let versions: HashMap<Uuid, i64> =
        sqlx::query_as::<_, (Uuid, i64)>(statement).bind(&ids).fetch_all(&mut *connection).await?.into_iter().collect();
    let created: Vec<_> = changes.iter().flat_map(|change| &change.created).map(|document| document.id.0).collect();
    let there: HashSet<Uuid> = if created.is_empty() {
        HashSet::new()
    } else {
        sqlx::query_scalar("SELECT id FROM documents WHERE id = ANY($1)").bind(&created).fetch_all(connection).await?.into_iter().collect()
    };
    let holds = |change: &&Change| {
        change.expected.iter().all(|(id, version)| versions.get(&id.0) == Some(version))
            && !change.created.iter().any(|document| there.contains(&document.id.0))
    };
    Ok(Application { changes: changes.iter().filter(holds).cloned().collect(), ..application.clone() })
}

/// Whether an earlier try was committed although nobody was told.
async fn is_done(connection: &mut PgConnection, application: &Application) -> Result<bool> {
    if let Some(entry) = application.changes.iter().find_map(|change| change.entries.first()) {
        return is_told(connection, entry).await;
    }
    if application.arrivals.is_empty() {
        return Ok(false);
    }
    // Whoever else has them now, they are still to be read.
    let statement = "SELECT count(*) FROM arrivals WHERE id = ANY($1) AND state <> 'kept'";
    let ids = column(&application.arrivals, |(id, _)| *id);
    let closed: i64 = sqlx::query_scalar(statement).bind(ids).fetch_one(connection).await?;
    Ok(usize::try_from(closed).ok() == Some(application.arrivals.len()))
}

async fn leased(connection: &mut PgConnection, application: &Application) -> Result<bool> {
    if application.arrivals.is_empty() {
        return Ok(true);
    }
    let statement =
        "SELECT 1 FROM arrivals WHERE id = ANY($1) AND state = 'kept' AND lease_token IS NOT DISTINCT FROM $2 ORDER BY id FOR UPDATE";
    let held =
        sqlx::query(statement).bind(column(&application.arrivals, |(id, _)| *id)).bind(application.token).fetch_all(connection).await?;
    Ok(held.len() == application.arrivals.len())
}

/// Writes documents, if every one that was looked at still has the version it had then.
async fn write(connection: &mut PgConnection, changes: &[Change]) -> Result<bool> {
    let expected: HashMap<Uuid, i64> = changes.iter().flat_map(|change| &change.expected).map(|(id, version)| (id.0, *version)).collect();
    let documents: Vec<_> = changes.iter().flat_map(|change| &change.documents).collect();
    let is_checked = |document: &&&Document| expected.get(&document.id.0) == Some(&document.version);
    if documents.len() == expected.len() && documents.iter().all(|document| is_checked(&document)) {
        // Writing them looks at their versions.
        return update_documents(connection, &documents).await;
    }
    let mut ids: Vec<_> = expected.keys().copied().chain(documents.iter().map(|document| document.id.0)).collect();
    ids.sort_unstable();
    ids.dedup();
    // All of them, in one order, until the commit.
    let statement = "SELECT id, version FROM documents WHERE id = ANY($1) ORDER BY id FOR UPDATE";
    let versions: HashMap<Uuid, i64> =
        sqlx::query_as::<_, (Uuid, i64)>(statement).bind(&ids).fetch_all(&mut *connection).await?.into_iter().collect();
    if !expected.iter().all(|(id, version)| versions.get(id) == Some(version)) {
        return Ok(false);
    }
    let of_now = |document: &&Document| Some(Document { version: *versions.get(&document.id.0)?, ..(*document).clone() });
    let documents: Vec<_> = documents.iter().filter_map(of_now).collect();
    update_documents(connection, &documents.iter().collect::<Vec<_>>()).await
}

/// Whether another node has made a document that is to be made.
async fn made(connection: &mut PgConnection, changes: &[Change]) -> Result<bool> {
    let ids: Vec<_> = changes.iter().flat_map(|change| &change.created).map(|document| document.id.0).collect();
    if ids.is_empty() {
        return Ok(false);
    }
    let statement = "SELECT EXISTS (SELECT 1 FROM documents WHERE id = ANY($1))";
    Ok(sqlx::query_scalar(statement).bind(ids).fetch_one(connection).await?)
}

/// Writes down when waybills are to be looked at again; one that has got its document is settled.
async fn look_again(connection: &mut PgConnection, changes: &[Change]) -> Result<()> {
    let settled = changes.iter().flat_map(|change| &change.created).map(|document| (document.id.0, None));
    let later = changes.iter().flat_map(|change| &change.waybills).map(|(id, at)| (id.0, at.map(|at| at.0)));
    // Of two words on one waybill the last counts.
    let rows: HashMap<Uuid, Option<i64>> = later.chain(settled).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let (again, settled): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, at)| at.is_some());
    sqlx::query(
        "WITH settled AS (DELETE FROM gates WHERE document = ANY($1)) \
         UPDATE gates SET at = ($3::bigint[])[array_position($2, document)] WHERE document = ANY($2)",
    )
    .bind(column(&settled, |(id, _)| *id))
    .bind(column(&again, |(id, _)| *id))
    .bind(column(&again, |(_, at)| *at))
    .execute(connection)
    .await?;
    Ok(())
}

fn given_numbers(change: &Change) -> Vec<NumberRow> {
    // A number is its document's tenant's: beside an inventory, the carrier's waybill may have moved.
    let owner =
        |number: &Number| change.documents.iter().find(|document| Some(document.id) == number.document).or(change.documents.first());
    let tenant = |number: &Number| owner(number).map_or("", |document| document.tenant.as_str());
    change.numbers.iter().map(|number| NumberRow::given(number, tenant(number))).collect()
}

async fn insert_assessments(connection: &mut PgConnection, now: Timestamp, changes: &[Change]) -> Result<()> {
    let rows: Vec<_> = changes.iter().filter_map(|change| change.assessment.as_ref()).collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO assessments (declaration, ordinal, decided_at, body) SELECT j.declaration, \
         (SELECT coalesce(max(a.ordinal), -1) + 1 FROM assessments a WHERE a.declaration = j.declaration), $3, j.body \
         FROM unnest($1::uuid[], $2::text[]) AS j (declaration, body)",
    )
    .bind(column(&rows, |(id, _)| id.0))
    .bind(column(&rows, |(_, body)| body.as_str()))
    .bind(now.0)
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_receipts(connection: &mut PgConnection, application: &Application) -> Result<()> {
    let receipts = &application.receipts;
    if receipts.is_empty() {
        return Ok(());
    }
    let bodies = receipts.iter().map(|kept| json(&kept.receipt)).collect::<crate::store::Result<Vec<_>>>()?;
    sqlx::query(
        "INSERT INTO receipts (arrival, ordinal, at, document, effect, body) \
         SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::uuid[], $5::boolean[], $6::text[])",
    )
    .bind(column(receipts, |kept| kept.arrival))
    .bind(column(receipts, |kept| i64::from(kept.ordinal)))
    .bind(column(receipts, |kept| kept.at.0))
    .bind(column(receipts, |kept| kept.document.map_or(Uuid::nil(), |id| id.0)))
    .bind(column(receipts, |kept| kept.effect))
    .bind(bodies)
    .execute(connection)
    .await?;
    Ok(())
}

async fn close_arrivals(connection: &mut PgConnection, application: &Application) -> Result<()> {
    if application.arrivals.is_empty() {
        return Ok(());
    }
    let told = |disposition: &Disposition| match disposition {
        Disposition::Read => ("read", None, 0),
        Disposition::Quarantined(reason) => ("quarantined", Some(reason.clone()), 0),
        Disposition::PutOff(at) => ("kept", None, at.0),
    };
    sqlx::query(
        "UPDATE arrivals SET state = ($2::text[])[array_position($1, id)], reason = ($3::text[])[array_position($1, id)], \
         lease_token = NULL, lease_until = ($4::bigint[])[array_position($1, id)] WHERE id = ANY($1)",
    )
    .bind(column(&application.arrivals, |(id, _)| *id))
    .bind(column(&application.arrivals, |(_, disposition)| told(disposition).0))
    .bind(column(&application.arrivals, |(_, disposition)| told(disposition).1))
    .bind(column(&application.arrivals, |(_, disposition)| told(disposition).2))
    .execute(connection)
    .await?;
    Ok(())
}

async fn change_messages(connection: &mut PgConnection, changes: &[MessageChange]) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = changes
        .iter()
        .filter_map(|change| match change {
            MessageChange::Dissolved(id) => Some((id.0, "dissolved", None, None)),
            MessageChange::Again(id, at) => Some((id.0, "queued", Some(at.0), None)),
            MessageChange::Shelved(id, reason) => Some((id.0, "shelved", None, Some(reason.as_str()))),
            // Told by desk.
            MessageChange::Retried(..) | MessageChange::Arrived(_) => None,
        })
        .collect();
    // What was dissolved or shelved once is not brought back by a late answer.
    sqlx::query(
        "UPDATE messages SET state = ($2::text[])[array_position($1, id)], due_at = ($3::bigint[])[array_position($1, id)], \
         reason = ($4::text[])[array_position($1, id)], lease_token = NULL, lease_until = 0, \
         failed = failed + (($2::text[])[array_position($1, id)] = 'queued')::int \
         WHERE id = ANY($1) AND state IN ('queued', 'delivered')",
    )
    .bind(column(&rows, |(id, ..)| *id))
    .bind(column(&rows, |(_, state, ..)| *state))
    .bind(column(&rows, |(_, _, due_at, _)| *due_at))
    .bind(column(&rows, |(.., reason)| *reason))
    .execute(connection)
    .await?;
    Ok(())
}

async fn stop_senders(connection: &mut PgConnection, now: Timestamp, stops: &[(String, String)]) -> Result<()> {
    if stops.is_empty() {
        return Ok(());
    }
    sqlx::query("INSERT INTO stops (sender, reason, at) SELECT j.*, $3 FROM unnest($1::text[], $2::text[]) j ON CONFLICT DO NOTHING")
        .bind(column(stops, |(sender, _)| sender.as_str()))
        .bind(column(stops, |(_, reason)| reason.as_str()))
        .bind(now.0)
        .execute(connection)
        .await?;
    Ok(())
}
