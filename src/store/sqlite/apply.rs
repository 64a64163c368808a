//! One commit for everything that follows from some arrivals, or from a look at some gates: all or nothing.

use std::collections::{HashMap, HashSet};

use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

use super::{
    bulk::{Bound, Bulk, Script},
    desk, matching,
    numbers::{self, NumberRow},
    records, revisions,
    rows::{bind_id, hex, id, insert_documents, insert_entries, json, update_documents},
    waybills,
};
use crate::{
    clock::Timestamp,
    store::{Application, Change, Disposition, KeptReceipt, MessageChange, Number, Result, Written, matching::given_bills},
};

/// A change made ready: what must hold, and what is written if it does.
pub(super) struct Prepared {
    /// What it was made of, where its changes stand apart: some may have to be left out.
    apart: Option<(Timestamp, Application)>,
    /// The lease, and the arrivals under it, as JSON and by count.
    leased: Option<(Option<Uuid>, String, usize)>,
    versions: HashMap<Uuid, i64>,
    /// The revisions that declarations to be amended must have, as JSON and by count.
    revisions: Option<(String, usize)>,
    /// What operations staff decided on must still be so.
    desk: desk::Guard,
    script: Script,
}

/// Makes a change ready, outside the writer.
pub(super) fn prepare(now: Timestamp, application: Application) -> Result<Prepared> {
    let prepared = ready(now, &application)?;
    Ok(Prepared { apart: application.apart.then_some((now, application)), ..prepared })
}

fn ready(now: Timestamp, application: &Application) -> Result<Prepared> {
    let arrivals: Vec<_> = application.arrivals.iter().map(|(id, _)| hex(*id)).collect();
    let leased = if arrivals.is_empty() { None } else { Some((application.token, json(&arrivals)?, arrivals.len())) };
    let changes = &application.changes;
    let versions = changes.iter().flat_map(|change| &change.expected).map(|(id, version)| (id.0, *version)).collect();
    let mut script = Script::default();
    update_documents(&mut script, changes.iter().flat_map(|change| &change.documents));
    insert_documents(&mut script, changes.iter().flat_map(|change| &change.created));
    wake(&mut script, now, changes)?;
    look_again(&mut script, changes)?;
    revisions::write(&mut script, now, changes)?;
    matching::write(&mut script, changes)?;
    let given: Vec<_> =
        changes.iter().flat_map(given_numbers).chain(revisions::summed_numbers(changes)).chain(given_bills(changes)).collect();
    numbers::insert(&mut script, now, &given)?;
    insert_assessments(&mut script, now, changes);
    changes.iter().filter_map(|change| change.again.as_ref()).for_each(|again| script.add(records::asking(again)));
    insert_receipts(&mut script, application)?;
    close_arrivals(&mut script, application)?;
    change_messages(&mut script, &application.messages)?;
    stop_senders(&mut script, now, &application.stops);
    desk::write(&mut script, now, application)?;
    insert_entries(&mut script, changes.iter().flat_map(|change| &change.entries));
    Ok(Prepared { apart: None, leased, versions, revisions: revisions::asked(changes)?, desk: desk::Guard::of(now, application), script })
}

pub(super) async fn apply(connection: &mut SqliteConnection, mut prepared: Prepared) -> Result<Written> {
    if !leased(connection, &prepared).await? {
        return Ok(Written::Stale);
    }
    if !expected(connection, &prepared.versions).await? {
        let Some((now, application)) = prepared.apart.take() else { return Ok(Written::Stale) };
        let application = without_stale(connection, &prepared.versions, application).await?;
        if application.changes.is_empty() {
            return Ok(Written::Stale);
        }
        prepared = ready(now, &application)?;
    }
    if let Some((asked, many)) = &prepared.revisions
        && !revisions::expected(connection, asked, *many).await?
    {
        return Ok(Written::Stale);
    }
    if !prepared.desk.holds(connection).await? {
        return Ok(Written::Stale);
    }
    prepared.script.run(connection).await?;
    Ok(Written::Done)
}

async fn leased(connection: &mut SqliteConnection, prepared: &Prepared) -> Result<bool> {
    let Some((token, ids, many)) = &prepared.leased else { return Ok(true) };
    let held: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM json_each(?1) j CROSS JOIN arrivals a ON a.id = unhex(j.value) WHERE a.state = 'kept' AND a.lease_token IS ?2",
    )
    .bind(ids)
    .bind(token.map(|token| token.as_bytes().to_vec()))
    .fetch_one(connection)
    .await?;
    Ok(usize::try_from(held).ok() == Some(*many))
}

/// Whether every document that was looked at still has the version it had then.
async fn expected(connection: &mut SqliteConnection, versions: &HashMap<Uuid, i64>) -> Result<bool> {
    if versions.is_empty() {
        return Ok(true);
    }
    let expected: Vec<_> = versions.iter().map(|(id, version)| (hex(*id), version)).collect();
    let same: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM json_each(?1) j CROSS JOIN documents d ON d.id = unhex(j.value->>0) WHERE d.version = j.value->>1",
    )
    .bind(json(&expected)?)
    .fetch_one(connection)
    .await?;
    Ok(usize::try_from(same).ok() == Some(versions.len()))
}

/// Leaves out the changes that rest on a document which has changed since.
async fn without_stale(
    connection: &mut SqliteConnection,
    versions: &HashMap<Uuid, i64>,
    mut application: Application,
) -> Result<Application> {
    let ids = json(&versions.keys().map(|id| hex(*id)).collect::<Vec<_>>())?;
    let rows = sqlx::query("SELECT d.id, d.version FROM json_each(?1) j CROSS JOIN documents d ON d.id = unhex(j.value)")
        .bind(ids)
        .fetch_all(connection)
        .await?;
    let present = rows.iter().map(|row| Ok((id("documents", row, "id")?, row.try_get("version")?))).collect::<Result<HashSet<_>>>()?;
    application.changes.retain(|change| change.expected.iter().all(|(id, version)| present.contains(&(id.0, *version))));
    Ok(application)
}

/// Has the gates of inventories looked at that wait.
fn wake(script: &mut Script, now: Timestamp, changes: &[Change]) -> Result<()> {
    let woken: Vec<_> = changes.iter().flat_map(|change| &change.woken).map(|id| hex(id.0)).collect();
    if !woken.is_empty() {
        script.add(waybills::waking(now, json(&woken)?));
    }
    Ok(())
}

/// Writes down when waybills are to be looked at again; one that has got its document is settled.
fn look_again(script: &mut Script, changes: &[Change]) -> Result<()> {
    let settled = changes.iter().flat_map(|change| &change.created).map(|document| (hex(document.id.0), None));
    let later = changes.iter().flat_map(|change| &change.waybills).map(|(id, at)| (hex(id.0), at.map(|at| at.0)));
    let rows: Vec<_> = later.chain(settled).collect();
    if rows.is_empty() {
        return Ok(());
    }
    script.add(
        sqlx::query("UPDATE waybills SET look_at = j.value->>1 FROM json_each(?1) j WHERE waybills.id = unhex(j.value->>0)")
            .bind(json(&rows)?),
    );
    Ok(())
}

fn given_numbers(change: &Change) -> Vec<NumberRow> {
    // A number is its document's tenant's: beside an inventory, the carrier's waybill may have moved.
    let owner =
        |number: &Number| change.documents.iter().find(|document| Some(document.id) == number.document).or(change.documents.first());
    let tenant = |number: &Number| owner(number).map_or("", |document| document.tenant.as_str());
    change.numbers.iter().map(|number| NumberRow::given(number, tenant(number))).collect()
}

fn insert_assessments(script: &mut Script, now: Timestamp, changes: &[Change]) {
    const INSERT: Bulk = Bulk {
        before: "WITH j (declaration, at, body) AS (",
        columns: 3,
        after: ") INSERT INTO assessments (declaration, ordinal, decided_at, body) SELECT j.declaration, \
                (SELECT coalesce(max(ordinal), -1) + 1 FROM assessments a WHERE a.declaration = j.declaration), j.at, j.body FROM j",
    };
    let rows: Vec<_> = changes.iter().filter_map(|change| change.assessment.as_ref()).collect();
    script.rows(&INSERT, &rows, |query, (id, body)| bind_id(query, id.0).bind(now.0).bind(body.as_str()));
}

fn insert_receipts(script: &mut Script, application: &Application) -> Result<()> {
    const INSERT: Bulk = Bulk { before: "INSERT INTO receipts (arrival, ordinal, at, document, effect, body) ", columns: 6, after: "" };
    let mut rows = Vec::with_capacity(application.receipts.len());
    for kept in &application.receipts {
        rows.push((kept, json(&kept.receipt)?));
    }
    let bind = |query: Bound, (kept, body): &(&KeptReceipt, String)| {
        let query = bind_id(query, kept.arrival).bind(kept.ordinal).bind(kept.at.0);
        query.bind(kept.document.map(|id| id.0.as_bytes().to_vec())).bind(kept.effect).bind(body.as_str())
    };
    script.rows(&INSERT, &rows, bind);
    Ok(())
}

fn close_arrivals(script: &mut Script, application: &Application) -> Result<()> {
    let rows: Vec<_> = application
        .arrivals
        .iter()
        .map(|(id, disposition)| match disposition {
            Disposition::Read => (hex(*id), "read", None, 0),
            Disposition::Quarantined(reason) => (hex(*id), "quarantined", Some(reason), 0),
            Disposition::PutOff(at) => (hex(*id), "kept", None, at.0),
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let statement = sqlx::query(
        "UPDATE arrivals SET state = j.value->>1, reason = j.value->>2, lease_token = NULL, lease_until = j.value->>3 \
         FROM json_each(?1) j WHERE arrivals.id = unhex(j.value->>0)",
    );
    script.add(statement.bind(json(&rows)?));
    Ok(())
}

fn change_messages(script: &mut Script, changes: &[MessageChange]) -> Result<()> {
    let rows: Vec<_> = changes
        .iter()
        .filter_map(|change| match change {
            MessageChange::Dissolved(id) => Some((hex(id.0), "dissolved", None, None)),
            MessageChange::Again(id, at) => Some((hex(id.0), "queued", Some(at.0), None)),
            MessageChange::Shelved(id, reason) => Some((hex(id.0), "shelved", None, Some(reason))),
            // Told by desk.
            MessageChange::Retried(..) | MessageChange::Arrived(_) => None,
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    // What was dissolved or shelved once is not brought back by a late answer.
    let statement = sqlx::query(
        "UPDATE messages SET state = j.value->>1, due_at = j.value->>2, reason = j.value->>3, lease_token = NULL, lease_until = 0, \
         failed = failed + (j.value->>1 = 'queued') \
         FROM json_each(?1) j WHERE messages.id = unhex(j.value->>0) AND state IN ('queued', 'delivered')",
    );
    script.add(statement.bind(json(&rows)?));
    Ok(())
}

fn stop_senders(script: &mut Script, now: Timestamp, stops: &[(String, String)]) {
    for (sender, reason) in stops {
        let statement = sqlx::query("INSERT INTO stops (sender, at, reason) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING");
        script.add(statement.bind(sender.as_str()).bind(now.0).bind(reason.as_str()));
    }
}
