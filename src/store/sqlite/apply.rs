//! One commit for everything that follows from some arrivals, or from a look at some gates: all or nothing.

use std::collections::HashMap;

use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

use super::{
    numbers::{self, NumberRow},
    rows::{documents_json, hex, id, insert_documents, insert_entries, json},
};
use crate::{
    clock::Timestamp,
    store::{Application, Change, Disposition, MessageChange, Result, Written},
};

pub(super) async fn apply(connection: &mut SqliteConnection, now: Timestamp, application: &Application) -> Result<Written> {
    if !leased(connection, application).await? || !expected(connection, &application.changes).await? {
        return Ok(Written::Stale);
    }
    let changes = &application.changes;
    update_documents(connection, changes).await?;
    insert_documents(connection, changes.iter().flat_map(|change| &change.created)).await?;
    look_again(connection, changes).await?;
    let given: Vec<_> = changes.iter().flat_map(given_numbers).collect();
    numbers::insert(connection, now, &given).await?;
    insert_assessments(connection, now, changes).await?;
    insert_receipts(connection, application).await?;
    close_arrivals(connection, application).await?;
    change_messages(connection, &application.messages).await?;
    stop_senders(connection, now, &application.stops).await?;
    insert_entries(connection, changes.iter().flat_map(|change| &change.entries)).await?;
    Ok(Written::Done)
}

async fn leased(connection: &mut SqliteConnection, application: &Application) -> Result<bool> {
    if application.arrivals.is_empty() {
        return Ok(true);
    }
    let ids = json(&application.arrivals.iter().map(|(id, _)| hex(*id)).collect::<Vec<_>>())?;
    let held: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM json_each(?1) j CROSS JOIN arrivals a ON a.id = unhex(j.value) WHERE a.state = 'kept' AND a.lease_token IS ?2",
    )
    .bind(ids)
    .bind(application.token.map(|token| token.as_bytes().to_vec()))
    .fetch_one(connection)
    .await?;
    Ok(usize::try_from(held).ok() == Some(application.arrivals.len()))
}

/// Whether every document that was looked at still has the version it had then.
async fn expected(connection: &mut SqliteConnection, changes: &[Change]) -> Result<bool> {
    let versions: HashMap<Uuid, i64> = changes.iter().flat_map(|change| &change.expected).map(|(id, version)| (id.0, *version)).collect();
    if versions.is_empty() {
        return Ok(true);
    }
    let ids = json(&versions.keys().map(|id| hex(*id)).collect::<Vec<_>>())?;
    let rows = sqlx::query("SELECT d.id, d.version FROM json_each(?1) j CROSS JOIN documents d ON d.id = unhex(j.value)")
        .bind(ids)
        .fetch_all(connection)
        .await?;
    if rows.len() != versions.len() {
        return Ok(false);
    }
    for row in &rows {
        if versions.get(&id("documents", row, "id")?) != Some(&row.try_get("version")?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes the mutable columns. What is no longer due loses its lease, so that a packer that has it finds it gone.
async fn update_documents(connection: &mut SqliteConnection, changes: &[Change]) -> Result<()> {
    let rows = documents_json(changes.iter().flat_map(|change| &change.documents))?;
    if rows == "[]" {
        return Ok(());
    }
    sqlx::query(
        "UPDATE documents SET version = version + 1, queue = j.value->>'queue', port_no = j.value->>'port_no', \
         inventory_no = j.value->>'inventory_no', state = j.value->>'state', verdict_code = j.value->>'code', verdict_at = j.value->>'at', \
         verdict_info = j.value->>'info', needed_by = j.value->>'needed_by', gate_at = j.value->>'gate_at', lot = unhex(j.value->>'lot'), \
         packed = j.value->>'packed', port_failures = j.value->>'port_failures', message = unhex(j.value->>'message'), lease_token = NULL, lease_until = 0 \
         FROM json_each(?1) j WHERE documents.id = unhex(j.value->>'id')",
    )
    .bind(rows)
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes down when waybills are to be looked at again; one that has got its document is settled.
async fn look_again(connection: &mut SqliteConnection, changes: &[Change]) -> Result<()> {
    let settled = changes.iter().flat_map(|change| &change.created).map(|document| (hex(document.id.0), None));
    let later = changes.iter().flat_map(|change| &change.waybills).map(|(id, at)| (hex(id.0), at.map(|at| at.0)));
    let rows: Vec<_> = later.chain(settled).collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query("UPDATE waybills SET look_at = j.value->>1 FROM json_each(?1) j WHERE waybills.id = unhex(j.value->>0)")
        .bind(json(&rows)?)
        .execute(connection)
        .await?;
    Ok(())
}

fn given_numbers(change: &Change) -> Vec<NumberRow> {
    let tenant = change.documents.first().map_or("", |document| document.tenant.as_str());
    change.numbers.iter().map(|number| NumberRow::given(number, tenant)).collect()
}

async fn insert_assessments(connection: &mut SqliteConnection, now: Timestamp, changes: &[Change]) -> Result<()> {
    let rows: Vec<_> = changes.iter().filter_map(|change| change.assessment.as_ref()).map(|(id, body)| (hex(id.0), body)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO assessments (declaration, ordinal, decided_at, body) SELECT unhex(j.value->>0), \
         (SELECT coalesce(max(ordinal), -1) + 1 FROM assessments a WHERE a.declaration = unhex(j.value->>0)), ?2, j.value->>1 FROM json_each(?1) j",
    )
    .bind(json(&rows)?)
    .bind(now.0)
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_receipts(connection: &mut SqliteConnection, application: &Application) -> Result<()> {
    let mut rows = Vec::with_capacity(application.receipts.len());
    for kept in &application.receipts {
        let document = kept.document.map(|id| hex(id.0));
        rows.push((hex(kept.arrival), kept.ordinal, kept.at.0, document, i64::from(kept.effect), json(&kept.receipt)?));
    }
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO receipts (arrival, ordinal, at, document, effect, body) \
         SELECT unhex(value->>0), value->>1, value->>2, unhex(value->>3), value->>4, value->>5 FROM json_each(?1)",
    )
    .bind(json(&rows)?)
    .execute(connection)
    .await?;
    Ok(())
}

async fn close_arrivals(connection: &mut SqliteConnection, application: &Application) -> Result<()> {
    let rows: Vec<_> = application
        .arrivals
        .iter()
        .map(|(id, disposition)| match disposition {
            Disposition::Read => (hex(*id), "read", None),
            Disposition::Quarantined(reason) => (hex(*id), "quarantined", Some(reason)),
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE arrivals SET state = j.value->>1, reason = j.value->>2, lease_token = NULL, lease_until = 0 \
         FROM json_each(?1) j WHERE arrivals.id = unhex(j.value->>0)",
    )
    .bind(json(&rows)?)
    .execute(connection)
    .await?;
    Ok(())
}

async fn change_messages(connection: &mut SqliteConnection, changes: &[MessageChange]) -> Result<()> {
    let rows: Vec<_> = changes
        .iter()
        .map(|change| match change {
            MessageChange::Dissolved(id) => (hex(id.0), "dissolved", None, None),
            MessageChange::Again(id, at) => (hex(id.0), "queued", Some(at.0), None),
            MessageChange::Shelved(id, reason) => (hex(id.0), "shelved", None, Some(reason)),
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    // What was dissolved or shelved once is not brought back by a late answer.
    sqlx::query(
        "UPDATE messages SET state = j.value->>1, due_at = j.value->>2, reason = j.value->>3, lease_token = NULL, lease_until = 0, \
         failed = failed + (j.value->>1 = 'queued') \
         FROM json_each(?1) j WHERE messages.id = unhex(j.value->>0) AND state IN ('queued', 'delivered')",
    )
    .bind(json(&rows)?)
    .execute(connection)
    .await?;
    Ok(())
}

async fn stop_senders(connection: &mut SqliteConnection, now: Timestamp, stops: &[(String, String)]) -> Result<()> {
    for (sender, reason) in stops {
        sqlx::query("INSERT INTO stops (sender, at, reason) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
            .bind(sender)
            .bind(now.0)
            .bind(reason)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
