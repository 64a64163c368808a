//! Leasing messages that are due, and writing down how attempts ended.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, Row, SqliteConnection};
use uuid::Uuid;

use super::bulk::Script;
use super::rows::{DOCUMENT, count, document, hex, id, insert_entries, json, kind, optional_id, tenant, trace};
use crate::{
    clock::Timestamp,
    declaration::{DocumentId, MessageId},
    queue::Lease,
    store::{Delivery, Member, MessageFound, Outcome, Result, Settlement, Written},
};

/// Leases messages of a road. One that was tried before is due again only if none of its documents was answered: the same bytes
/// then go once more. The attempt is counted and written down now, so that one that never ends counts too.
pub(super) async fn lease(
    connection: &mut SqliteConnection,
    now: Timestamp,
    lease: Lease,
    road: &str,
    limit: u32,
) -> Result<Vec<Delivery>> {
    settle_arrived(connection, now, road).await?;
    let rows = sqlx::query(
        "UPDATE messages SET lease_token = ?1, lease_until = ?2, attempt = attempt + 1, failed = failed + (state = 'delivered') WHERE id IN ( \
           SELECT id FROM messages WHERE road = ?3 AND due_at <= ?4 AND lease_until <= ?4 \
           AND sender NOT IN (SELECT sender FROM stops) AND NOT EXISTS (SELECT 1 FROM pauses WHERE road = ?3) ORDER BY needed_by LIMIT ?5 \
         ) RETURNING id, sender, kind, road, sealed_at, attempt, failed, needed_by",
    )
    .bind(lease.token.as_bytes().as_slice())
    .bind(lease.until.0)
    .bind(road)
    .bind(now.0)
    .bind(limit)
    .fetch_all(&mut *connection)
    .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut deliveries = Vec::with_capacity(rows.len());
    for row in &rows {
        let delivery = Delivery {
            message: MessageId(id("messages", row, "id")?),
            sender: row.try_get("sender")?,
            kind: kind("messages", row.try_get("kind")?)?,
            road: row.try_get("road")?,
            bytes: Vec::new(),
            sealed_at: Timestamp(row.try_get("sealed_at")?),
            attempt: count("messages", row.try_get("attempt")?)?,
            failed: count("messages", row.try_get("failed")?)?,
            members: Vec::new(),
        };
        deliveries.push((row.try_get::<i64, _>("needed_by")?, delivery));
    }
    deliveries.sort_by_key(|(needed_by, delivery)| (*needed_by, delivery.message));
    let mut deliveries: Vec<_> = deliveries.into_iter().map(|(_, delivery)| delivery).collect();
    mark_resent(connection, now, &deliveries).await?;
    fill(connection, &mut deliveries).await?;
    begin_attempts(connection, now, &deliveries).await?;
    Ok(deliveries)
}

/// Takes messages off the road that were tried and have arrived, whatever their attempts say: customs takes a message whole or not
/// at all, so the answer to one document proves it. A member that was turned away or has moved on may be in another message by now,
/// and the old bytes would declare it twice. One that was packed more than once may have been answered for its earlier message,
/// which proves nothing of this one, unless it was turned away. Where a 4 was set aside the bytes go once more: the answer to them tells
/// what it was about.
async fn settle_arrived(connection: &mut SqliteConnection, now: Timestamp, road: &str) -> Result<()> {
    let statement = "SELECT m.id FROM messages m WHERE m.road = ?1 AND m.due_at <= ?2 AND m.lease_until <= ?2 AND m.attempt > 0 \
         AND (NOT EXISTS (SELECT 1 FROM documents d WHERE d.message = m.id AND (d.state IN ('packed', 'delivered') OR d.set_aside IS NOT NULL)) OR EXISTS ( \
           SELECT 1 FROM sealed s, json_each(s.members) j CROSS JOIN documents d ON d.id = unhex(j.value) WHERE s.message = m.id \
           AND (d.message IS NOT m.id OR d.state IN ('due', 'port_failed', 'refused', 'rejected', 'cancelled') \
             OR (d.packed = 1 AND d.state NOT IN ('packed', 'delivered') AND NOT EXISTS ( \
               SELECT 1 FROM documents w WHERE w.message = m.id AND w.set_aside IS NOT NULL))) \
         ))";
    let rows = sqlx::query(statement).bind(road).bind(now.0).fetch_all(&mut *connection).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let ids = rows.iter().map(|row| Ok(hex(id("messages", row, "id")?))).collect::<Result<Vec<_>>>()?;
    let ids = json(&ids)?;
    for statement in [
        "UPDATE messages SET due_at = NULL, state = 'delivered' WHERE id IN (SELECT unhex(value) FROM json_each(?1))",
        "UPDATE documents SET state = 'delivered', version = version + 1 WHERE state = 'packed' \
         AND message IN (SELECT unhex(value) FROM json_each(?1))",
    ] {
        sqlx::query(statement).bind(&ids).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Tells the documents of messages that go again when they do: what customs said before of a failure is then out of date.
async fn mark_resent(connection: &mut SqliteConnection, now: Timestamp, deliveries: &[Delivery]) -> Result<()> {
    let again: Vec<_> = deliveries.iter().filter(|delivery| delivery.attempt > 1).map(|delivery| hex(delivery.message.0)).collect();
    if again.is_empty() {
        return Ok(());
    }
    sqlx::query("UPDATE documents SET resent_at = ?2, copies = copies + 1, version = version + 1 WHERE message IN (SELECT unhex(value) FROM json_each(?1))")
        .bind(json(&again)?)
        .bind(now.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Reads the bytes and the members of leased messages.
async fn fill(connection: &mut SqliteConnection, deliveries: &mut [Delivery]) -> Result<()> {
    let asked = json(&deliveries.iter().map(|delivery| hex(delivery.message.0)).collect::<Vec<_>>())?;
    let places: HashMap<Uuid, usize> = deliveries.iter().enumerate().map(|(place, delivery)| (delivery.message.0, place)).collect();
    let at = |message: Uuid| places.get(&message).copied();
    let rows = sqlx::query("SELECT s.message, s.bytes FROM json_each(?1) j CROSS JOIN sealed s ON s.message = unhex(j.value)")
        .bind(&asked)
        .fetch_all(&mut *connection)
        .await?;
    for row in &rows {
        if let Some(delivery) = at(id("sealed", row, "message")?).and_then(|place| deliveries.get_mut(place)) {
            delivery.bytes = row.try_get("bytes")?;
        }
    }
    let rows = sqlx::query(
        "SELECT d.message, d.id, d.declaration, d.tenant, d.state = 'packed' AS packed, p.trace FROM json_each(?1) j \
         CROSS JOIN documents d ON d.message = unhex(j.value) LEFT JOIN declarations p ON p.id = d.declaration ORDER BY d.id",
    )
    .bind(&asked)
    .fetch_all(connection)
    .await?;
    for row in &rows {
        let document = id("documents", row, "id")?;
        let member = Member {
            document: DocumentId(document),
            subject: optional_id("documents", row, "declaration")?.unwrap_or(document),
            tenant: tenant("documents", row.try_get("tenant")?)?,
            packed: row.try_get("packed")?,
            trace: trace("declarations", row.try_get("trace")?)?,
        };
        if let Some(delivery) = at(id("documents", row, "message")?).and_then(|place| deliveries.get_mut(place)) {
            delivery.members.push(member);
        }
    }
    Ok(())
}

async fn begin_attempts(connection: &mut SqliteConnection, now: Timestamp, deliveries: &[Delivery]) -> Result<()> {
    let rows: Vec<_> = deliveries.iter().map(|delivery| (hex(delivery.message.0), delivery.attempt)).collect();
    sqlx::query("INSERT INTO attempts (message, attempt, started_at) SELECT unhex(value->>0), value->>1, ?2 FROM json_each(?1)")
        .bind(json(&rows)?)
        .bind(now.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes down how attempts ended; a delivered message takes its documents along. So it does with one that the port had set free
/// (4) while these bytes were on the road once more: they may declare it anew, and packing it into others would declare it twice; the 4
/// is set aside. On the road for the first time they are what the 4 was about.
pub(super) async fn settle(connection: &mut SqliteConnection, now: Timestamp, token: Uuid, many: &[Settlement]) -> Result<Vec<Written>> {
    let held = held(connection, token, many).await?;
    let settled: Vec<_> = many.iter().zip(&held).filter(|(_, held)| **held).map(|(settlement, _)| settlement).collect();
    if !settled.is_empty() {
        let rows = json(&settled.iter().map(|settlement| settlement_row(settlement)).collect::<Vec<_>>())?;
        for statement in [
            "UPDATE messages SET state = j.value->>2, reason = j.value->>4, due_at = j.value->>5, failed = failed + (j.value->>6), \
             lease_token = NULL, lease_until = 0 FROM json_each(?1) j WHERE messages.id = unhex(j.value->>0)",
            "UPDATE attempts SET ended_at = ?2, outcome = j.value->>3, detail = j.value->>4 FROM json_each(?1) j \
             WHERE message = unhex(j.value->>0) AND attempt = j.value->>1",
            "UPDATE documents SET set_aside = iif(state = 'due', coalesce(verdict_at, set_aside), set_aside), state = 'delivered', \
             lease_token = NULL, lease_until = 0, version = version + 1 \
             WHERE (state = 'packed' OR (state = 'due' AND copies > 0)) AND message IN (SELECT unhex(value->>0) FROM json_each(?1) WHERE value->>2 = 'delivered')",
            "UPDATE documents SET set_aside = coalesce(verdict_at, set_aside), state = 'packed', \
             lease_token = NULL, lease_until = 0, version = version + 1 \
             WHERE state = 'due' AND copies > 0 AND message IN (SELECT unhex(value->>0) FROM json_each(?1) WHERE value->>3 = 'unknown')",
        ] {
            sqlx::query(statement).bind(&rows).bind(now.0).execute(&mut *connection).await?;
        }
        let mut entries = Script::default();
        insert_entries(&mut entries, settled.iter().flat_map(|settlement| &settlement.entries));
        entries.run(connection).await?;
    }
    Ok(held.into_iter().map(|held| if held { Written::Done } else { Written::Stale }).collect())
}

async fn held(connection: &mut SqliteConnection, token: Uuid, many: &[Settlement]) -> Result<Vec<bool>> {
    let asked = json(&many.iter().map(|settlement| (hex(settlement.message.0), settlement.attempt)).collect::<Vec<_>>())?;
    let rows = sqlx::query(
        "SELECT m.lease_token IS ?2 AND m.attempt = j.value->>1 AND m.state IN ('queued', 'delivered') AS held \
         FROM json_each(?1) j LEFT JOIN messages m ON m.id = unhex(j.value->>0) ORDER BY j.key",
    )
    .bind(asked)
    .bind(token.as_bytes().as_slice())
    .fetch_all(connection)
    .await?;
    Ok(rows.iter().map(|row| Ok(row.try_get::<Option<bool>, _>("held")?.unwrap_or(false))).collect::<sqlx::Result<_>>()?)
}

/// Message, attempt, state, outcome, detail, due_at, failures to add.
fn settlement_row(settlement: &Settlement) -> (String, u32, &'static str, &'static str, Option<String>, Option<i64>, u32) {
    let (state, outcome, detail, due_at, failures) = match &settlement.outcome {
        Outcome::Delivered { silent_at } => ("delivered", "delivered", None, Some(silent_at.0), 0),
        Outcome::Again { fault, at } => ("queued", fault.as_str(), Some(fault.to_string()), Some(at.0), 1),
        Outcome::PutOff { fault, at } => ("queued", fault.as_str(), Some(fault.to_string()), Some(at.0), 0),
        Outcome::Shelved { fault } => ("shelved", fault.as_str(), Some(fault.to_string()), None, 1),
    };
    (hex(settlement.message.0), settlement.attempt, state, outcome, detail, due_at, failures)
}

/// Finds a message by its CopMsgId, which is its guid in either case of letters.
pub(super) async fn find(connection: &mut SqliteConnection, cop_msg_id: &str) -> Result<Option<MessageFound>> {
    let Ok(guid) = Uuid::parse_str(cop_msg_id) else { return Ok(None) };
    let bytes = guid.as_bytes().as_slice();
    let statement = "SELECT m.sender, m.kind, json_array_length(s.members) AS sealed \
         FROM messages m LEFT JOIN sealed s ON s.message = m.id WHERE m.id = ?1";
    let row = sqlx::query(statement).bind(bytes).fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(None) };
    let statement = format!("SELECT {DOCUMENT} FROM documents WHERE message = ?1 ORDER BY id");
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(bytes).fetch_all(connection).await?;
    Ok(Some(MessageFound {
        id: MessageId(guid),
        sender: row.try_get("sender")?,
        kind: kind("messages", row.try_get("kind")?)?,
        sealed: row.try_get::<Option<i64>, _>("sealed")?.and_then(|sealed| usize::try_from(sealed).ok()).unwrap_or_default(),
        documents: rows.iter().map(document).collect::<Result<_>>()?,
    }))
}
