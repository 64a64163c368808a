//! Leasing messages that are due, and writing down how attempts ended.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, PgConnection, Row};
use uuid::Uuid;

use super::rows::{DOCUMENT, Result, column, count, document, insert_entries, kind, tenant, trace};
use crate::{
    clock::Timestamp,
    declaration::{DocumentId, MessageId},
    queue::Lease,
    store::{Delivery, Member, MessageFound, Outcome, Settlement, Written},
};

/// Leases messages of a road. One that was tried before is due again only if none of its documents was answered: the same bytes
/// then go once more. The attempt is counted and written down now, so that one that never ends counts too.
pub(super) async fn lease(
    connection: &mut PgConnection,
    now: Timestamp,
    lease: Lease,
    road: &str,
    limit: u32,
    unsure: bool,
) -> Result<Vec<Delivery>> {
    let mut deliveries = if unsure { leased(connection, lease.token).await? } else { Vec::new() };
    if deliveries.is_empty() {
        let chosen = choose(connection, now, road, limit).await?;
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        deliveries = take(connection, now, lease, &chosen).await?;
        mark_resent(connection, now, &deliveries).await?;
    }
    members(connection, &mut deliveries).await?;
    Ok(deliveries)
}

/// A message that could be leased.
struct Candidate {
    id: Uuid,
    needed_by: i64,
    is_stopped: bool,
}

/// Locks the messages that are due, so that no packer packs their members anew meanwhile, then looks which of them have arrived; gives
/// those that go, earliest deadline first.
async fn choose(connection: &mut PgConnection, now: Timestamp, road: &str, limit: u32) -> Result<Vec<Uuid>> {
    let rows = sqlx::query(
        "WITH tried AS MATERIALIZED ( \
           SELECT id, needed_by, sender FROM messages WHERE road = $1 AND due_at <= $2 AND lease_until <= $2 AND attempt > 0 FOR UPDATE SKIP LOCKED \
         ), fresh AS MATERIALIZED ( \
           SELECT id, needed_by FROM messages WHERE road = $1 AND due_at <= $2 AND lease_until <= $2 AND attempt = 0 \
           AND sender NOT IN (SELECT sender FROM stops) AND NOT EXISTS (SELECT 1 FROM pauses WHERE road = $1) ORDER BY needed_by LIMIT $3 FOR UPDATE SKIP LOCKED \
         ) \
         SELECT id, needed_by, true AS tried, (EXISTS (SELECT 1 FROM stops s WHERE s.sender = tried.sender) OR EXISTS (SELECT 1 FROM pauses WHERE road = $1)) AS stopped FROM tried \
         UNION ALL SELECT id, needed_by, false, false FROM fresh",
    )
    .bind(road)
    .bind(now.0)
    .bind(i64::from(limit))
    .fetch_all(&mut *connection)
    .await?;
    let (mut candidates, mut tried) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in &rows {
        let id = row.try_get("id")?;
        if row.try_get("tried")? {
            tried.push(id);
        }
        candidates.push(Candidate { id, needed_by: row.try_get("needed_by")?, is_stopped: row.try_get("stopped")? });
    }
    let arrived = if tried.is_empty() { Vec::new() } else { settle_arrived(connection, &tried).await? };
    candidates.retain(|candidate| !candidate.is_stopped && !arrived.contains(&candidate.id));
    candidates.sort_unstable_by_key(|candidate| (candidate.needed_by, candidate.id));
    candidates.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(column(&candidates, |candidate| candidate.id))
}

/// Takes messages off the road that were tried and have arrived, whatever their attempts say: customs takes a message whole or not
/// at all, so the answer to one document proves it. A member that was turned away or has moved on may be in another message by now,
/// and the old bytes would declare it twice. One that was packed more than once may have been answered for its earlier message,
/// which proves nothing of this one, unless it was turned away. Where a 4 was set aside the bytes go once more: the answer to them tells
/// what it was about.
async fn settle_arrived(connection: &mut PgConnection, tried: &[Uuid]) -> Result<Vec<Uuid>> {
    let arrived: Vec<Uuid> = sqlx::query_scalar(
        "SELECT s.message FROM sealed s WHERE s.message = ANY($1) AND ( \
           SELECT coalesce(bool_and(d.message IS DISTINCT FROM s.message OR (d.state NOT IN ('packed', 'delivered') AND d.set_aside IS NULL)), true) OR coalesce(bool_or( \
             d.message IS DISTINCT FROM s.message OR d.state IN ('due', 'port_failed', 'refused', 'rejected', 'cancelled')), false) \
           OR (coalesce(bool_and(d.message IS DISTINCT FROM s.message OR d.set_aside IS NULL), true) \
             AND coalesce(bool_or(d.packed = 1 AND d.state NOT IN ('packed', 'delivered')), false)) \
           FROM documents d WHERE d.id = ANY(s.members) \
         )",
    )
    .bind(tried)
    .fetch_all(&mut *connection)
    .await?;
    if arrived.is_empty() {
        return Ok(arrived);
    }
    sqlx::query(
        "WITH moved AS (UPDATE documents SET state = 'delivered', version = version + 1 WHERE id = ANY(ARRAY( \
           SELECT d.id FROM documents d WHERE d.id = ANY(ARRAY(SELECT unnest(members) FROM sealed WHERE message = ANY($1))) \
           AND d.message = ANY($1) AND d.state = 'packed' ORDER BY d.id FOR UPDATE \
         ))) \
         UPDATE messages SET due_at = NULL, state = 'delivered' WHERE id = ANY($1)",
    )
    .bind(&arrived)
    .execute(connection)
    .await?;
    Ok(arrived)
}

const DELIVERY: &str = "m.id, m.sender, m.kind, m.road, m.sealed_at, m.attempt, m.failed, m.needed_by, \
     (SELECT s.bytes FROM sealed s WHERE s.message = m.id) AS bytes";

async fn take(connection: &mut PgConnection, now: Timestamp, lease: Lease, chosen: &[Uuid]) -> Result<Vec<Delivery>> {
    let statement = format!(
        "WITH taken AS ( \
           UPDATE messages m SET lease_token = $1, lease_until = $2, attempt = m.attempt + 1, failed = m.failed + (m.state = 'delivered')::int \
           WHERE m.id = ANY($3) RETURNING {DELIVERY} \
         ), begun AS (INSERT INTO attempts (message, attempt, started_at) SELECT id, attempt, $4 FROM taken) \
         SELECT * FROM taken ORDER BY needed_by, id"
    );
    let rows =
        sqlx::query(AssertSqlSafe(statement)).bind(lease.token).bind(lease.until.0).bind(chosen).bind(now.0).fetch_all(connection).await?;
    rows.into_iter().map(delivery).collect()
}

/// What a lease holds whose answer was lost.
async fn leased(connection: &mut PgConnection, token: Uuid) -> Result<Vec<Delivery>> {
    let statement =
        format!("SELECT {DELIVERY} FROM messages m WHERE m.due_at IS NOT NULL AND m.lease_token = $1 ORDER BY m.needed_by, m.id");
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(token).fetch_all(connection).await?;
    rows.into_iter().map(delivery).collect()
}

fn delivery(row: sqlx::postgres::PgRow) -> Result<Delivery> {
    Ok(Delivery {
        message: MessageId(row.try_get("id")?),
        sender: row.try_get("sender")?,
        kind: kind("messages", row.try_get("kind")?)?,
        road: row.try_get("road")?,
        bytes: row.try_get::<Option<Vec<u8>>, _>("bytes")?.unwrap_or_default(),
        sealed_at: Timestamp(row.try_get("sealed_at")?),
        attempt: count("messages", row.try_get("attempt")?)?,
        failed: count("messages", row.try_get("failed")?)?,
        members: Vec::new(),
    })
}

/// Tells the documents of messages that go again when they do: what customs said before of a failure is then out of date.
async fn mark_resent(connection: &mut PgConnection, now: Timestamp, deliveries: &[Delivery]) -> Result<()> {
    let again: Vec<_> = deliveries.iter().filter(|delivery| delivery.attempt > 1).map(|delivery| delivery.message.0).collect();
    if again.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE documents SET resent_at = $2, copies = copies + 1, version = version + 1 WHERE id = ANY(ARRAY( \
           SELECT d.id FROM documents d WHERE d.id = ANY(ARRAY(SELECT unnest(members) FROM sealed WHERE message = ANY($1))) \
           AND d.message = ANY($1) ORDER BY d.id FOR UPDATE \
         ))",
    )
    .bind(again)
    .bind(now.0)
    .execute(connection)
    .await?;
    Ok(())
}

/// Reads the members of leased messages.
async fn members(connection: &mut PgConnection, deliveries: &mut [Delivery]) -> Result<()> {
    let places: HashMap<Uuid, usize> = deliveries.iter().enumerate().map(|(place, delivery)| (delivery.message.0, place)).collect();
    let rows = sqlx::query(
        "SELECT d.message, d.id, d.declaration, d.tenant, d.state = 'packed', p.trace FROM documents d \
         LEFT JOIN LATERAL (SELECT trace FROM declarations WHERE id = d.declaration LIMIT 1) p ON true \
         WHERE d.id = ANY(ARRAY(SELECT unnest(members) FROM sealed WHERE message = ANY($1))) AND d.message = ANY($1)",
    )
    .bind(column(deliveries, |delivery| delivery.message.0))
    .fetch_all(connection)
    .await?;
    for row in &rows {
        let document: Uuid = row.try_get(1)?;
        let member = Member {
            document: DocumentId(document),
            subject: row.try_get::<Option<Uuid>, _>(2)?.unwrap_or(document),
            tenant: tenant("documents", row.try_get(3)?)?,
            packed: row.try_get(4)?,
            trace: trace("declarations", row.try_get(5)?)?,
        };
        if let Some(delivery) = places.get(&row.try_get(0)?).and_then(|place| deliveries.get_mut(*place)) {
            delivery.members.push(member);
        }
    }
    for delivery in deliveries {
        delivery.members.sort_unstable_by_key(|member| member.document);
    }
    Ok(())
}

/// Writes down how attempts ended; a delivered message takes its documents along. So it does with one that the port had set free
/// (4) while these bytes were on the road once more: they may declare it anew, and packing it into others would declare it twice; the 4
/// is set aside. On the road for the first time they are what the 4 was about.
pub(super) async fn settle(
    connection: &mut PgConnection,
    now: Timestamp,
    token: Uuid,
    many: &[Settlement],
    unsure: bool,
) -> Result<Vec<Written>> {
    let done = if unsure { settled_before(connection, now, many).await? } else { Vec::new() };
    if done.contains(&true) {
        return Ok(written(&done));
    }
    let held = held(connection, token, many).await?;
    let settled: Vec<_> = many.iter().zip(&held).filter(|(_, held)| **held).map(|(settlement, _)| settlement).collect();
    if !settled.is_empty() {
        let rows: Vec<_> = settled.iter().map(|settlement| Ended::of(settlement)).collect();
        sqlx::query(
            "WITH ended AS (UPDATE attempts SET ended_at = $8, outcome = ($4::text[])[array_position($1, message)], \
               detail = ($5::text[])[array_position($1, message)] WHERE message = ANY($1) AND attempt = ($2::bigint[])[array_position($1, message)]), \
             locked AS MATERIALIZED ( \
               SELECT d.id, ($3::text[])[array_position($1, d.message)] AS state FROM documents d \
               WHERE d.id = ANY(ARRAY(SELECT unnest(members) FROM sealed WHERE message = ANY($1))) AND d.message = ANY($1) \
               AND (((d.state = 'packed' OR (d.state = 'due' AND d.copies > 0)) AND ($3::text[])[array_position($1, d.message)] = 'delivered') \
                 OR (d.state = 'due' AND d.copies > 0 AND ($4::text[])[array_position($1, d.message)] = 'unknown')) ORDER BY d.id FOR UPDATE \
             ), \
             delivered AS (UPDATE documents SET state = 'delivered', version = version + 1, \
                 set_aside = CASE WHEN state = 'due' THEN coalesce(verdict_at, set_aside) ELSE set_aside END \
               WHERE id = ANY(ARRAY(SELECT id FROM locked WHERE state = 'delivered'))), \
             unknown AS (UPDATE documents SET state = 'packed', version = version + 1, set_aside = coalesce(verdict_at, set_aside) \
               WHERE id = ANY(ARRAY(SELECT id FROM locked WHERE state <> 'delivered'))), \
             gone AS (DELETE FROM due WHERE document = ANY(ARRAY(SELECT id FROM locked))) \
             UPDATE messages SET state = ($3::text[])[array_position($1, id)], reason = ($5::text[])[array_position($1, id)], \
             due_at = ($6::bigint[])[array_position($1, id)], failed = failed + ($7::bigint[])[array_position($1, id)], \
             lease_token = NULL, lease_until = 0 WHERE id = ANY($1)",
        )
        .bind(column(&rows, |row| row.message))
        .bind(column(&rows, |row| row.attempt))
        .bind(column(&rows, |row| row.state))
        .bind(column(&rows, |row| row.outcome))
        .bind(column(&rows, |row| row.detail.clone()))
        .bind(column(&rows, |row| row.due_at))
        .bind(column(&rows, |row| row.failures))
        .bind(now.0)
        .execute(&mut *connection)
        .await?;
        let entries: Vec<_> = settled.iter().flat_map(|settlement| &settlement.entries).collect();
        insert_entries(connection, now, &entries).await?;
    }
    Ok(written(&held))
}

fn written(held: &[bool]) -> Vec<Written> {
    column(held, |held| if *held { Written::Done } else { Written::Stale })
}

/// Which were written down by an earlier try that was committed although nobody was told.
async fn settled_before(connection: &mut PgConnection, now: Timestamp, many: &[Settlement]) -> Result<Vec<bool>> {
    let rows = column(many, Ended::of);
    let statement = "SELECT a.ended_at IS NOT NULL FROM unnest($1::uuid[], $2::bigint[], $3::text[]) WITH ORDINALITY AS j (message, attempt, outcome, place) \
         LEFT JOIN LATERAL (SELECT ended_at FROM attempts WHERE message = j.message AND attempt = j.attempt AND outcome = j.outcome AND ended_at = $4 LIMIT 1) a \
         ON true ORDER BY j.place";
    let asked = sqlx::query_scalar(statement).bind(column(&rows, |row| row.message)).bind(column(&rows, |row| row.attempt));
    Ok(asked.bind(column(&rows, |row| row.outcome)).bind(now.0).fetch_all(connection).await?)
}

/// Which are still leased under the token; their messages are locked until the commit.
async fn held(connection: &mut PgConnection, token: Uuid, many: &[Settlement]) -> Result<Vec<bool>> {
    let statement = "SELECT m.id, m.attempt FROM messages m WHERE m.id = ANY($1) AND m.lease_token = $2 AND m.state IN ('queued', 'delivered') ORDER BY m.id FOR UPDATE";
    let ids = column(many, |settlement| settlement.message.0);
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(statement).bind(ids).bind(token).fetch_all(connection).await?;
    let attempts: HashMap<_, _> = rows.into_iter().collect();
    Ok(column(many, |settlement| attempts.get(&settlement.message.0) == Some(&i64::from(settlement.attempt))))
}

/// What a settlement writes.
struct Ended {
    message: Uuid,
    attempt: i64,
    state: &'static str,
    outcome: &'static str,
    detail: Option<String>,
    due_at: Option<i64>,
    failures: i64,
}

impl Ended {
    fn of(settlement: &Settlement) -> Self {
        let (state, outcome, detail, due_at, failures) = match &settlement.outcome {
            Outcome::Delivered { silent_at } => ("delivered", "delivered", None, Some(silent_at.0), 0),
            Outcome::Again { fault, at } => ("queued", fault.as_str(), Some(fault.to_string()), Some(at.0), 1),
            Outcome::PutOff { fault, at } => ("queued", fault.as_str(), Some(fault.to_string()), Some(at.0), 0),
            Outcome::Shelved { fault } => ("shelved", fault.as_str(), Some(fault.to_string()), None, 1),
        };
        Self { message: settlement.message.0, attempt: i64::from(settlement.attempt), state, outcome, detail, due_at, failures }
    }
}

/// Finds a message by its CopMsgId, which is its guid in either case of letters.
pub(super) async fn find(connection: &mut PgConnection, cop_msg_id: &str) -> Result<Option<MessageFound>> {
    let Ok(guid) = Uuid::parse_str(cop_msg_id) else { return Ok(None) };
    let statement = "SELECT m.sender, m.kind, s.members FROM messages m LEFT JOIN sealed s ON s.message = m.id WHERE m.id = $1";
    let row = sqlx::query(statement).bind(guid).fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(None) };
    let members: Vec<Uuid> = row.try_get::<Option<Vec<Uuid>>, _>("members")?.unwrap_or_default();
    let statement = format!("SELECT {DOCUMENT} FROM documents WHERE id = ANY($1) AND message = $2 ORDER BY id");
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(&members).bind(guid).fetch_all(connection).await?;
    Ok(Some(MessageFound {
        id: MessageId(guid),
        sender: row.try_get("sender")?,
        kind: kind("messages", row.try_get("kind")?)?,
        sealed: members.len(),
        documents: rows.iter().map(document).collect::<Result<_>>()?,
    }))
}
