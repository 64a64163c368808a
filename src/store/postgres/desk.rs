//! What operations staff look for, and what they write.

use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::{
    arrivals::{RECEIPT, receipt as read_receipt},
    people,
    rows::{DOCUMENT, Result, column, count, document, kind},
};
use crate::{
    archive::Archives,
    clock::Timestamp,
    declaration::{DocumentId, MessageId},
    dossier::Document,
    party::Tenant,
    store::{
        Application, Carriage, DeliveryFilter, KeptArrival, KeptMessage, KeptReceipt, MessageChange, MessageWithDocuments, RoadChange,
    },
};

const MESSAGE: &str = "m.id, m.sender, m.kind, m.road, m.state, m.reason, m.sealed_at, m.needed_by, m.due_at, m.attempt, \
     (SELECT cardinality(s.members)::bigint FROM sealed s WHERE s.message = m.id) AS sealed, \
     EXISTS (SELECT 1 FROM attempts a WHERE a.message = m.id AND (a.outcome IS NULL OR a.outcome IN ('delivered', 'unknown'))) AS may_have_arrived, \
     EXISTS (SELECT 1 FROM sealed s JOIN documents d ON d.id = ANY(s.members) WHERE s.message = m.id AND d.message = m.id AND d.state IN ('packed', 'delivered')) AS waits";

/// Given up without an answer, and not answered since; and all that is listed beside what is shelved.
const UNANSWERED: &str = "AND m.state = 'delivered' AND m.due_at >= $5 AND EXISTS (SELECT 1 FROM sealed s JOIN documents d ON d.id = ANY(s.members) WHERE s.message = m.id AND d.message = m.id AND d.state IN ('packed', 'delivered'))";
const LISTED: &str = "AND (m.due_at < $5 OR EXISTS (SELECT 1 FROM sealed s JOIN documents d ON d.id = ANY(s.members) WHERE s.message = m.id AND d.message = m.id AND d.state IN ('packed', 'delivered')))";

fn message(row: &PgRow) -> Result<KeptMessage> {
    const TABLE: &str = "messages";
    let due_at = row.try_get::<Option<i64>, _>("due_at")?.map(Timestamp);
    Ok(KeptMessage {
        id: MessageId(row.try_get("id")?),
        sender: row.try_get("sender")?,
        kind: kind(TABLE, row.try_get("kind")?)?,
        road: row.try_get("road")?,
        carriage: Carriage::of(row.try_get("state")?, due_at, row.try_get("waits")?),
        reason: row.try_get::<Option<String>, _>("reason")?.unwrap_or_default(),
        sealed_at: Timestamp(row.try_get("sealed_at")?),
        needed_by: Timestamp(row.try_get("needed_by")?),
        due_at: due_at.filter(|at| *at < Timestamp::NEVER),
        attempts: count(TABLE, row.try_get("attempt")?)?,
        sealed: count(TABLE, row.try_get::<Option<i64>, _>("sealed")?.unwrap_or_default())?,
        may_have_arrived: row.try_get("may_have_arrived")?,
    })
}

/// Messages that are not over, by their ids.
pub(super) async fn messages(connection: &mut PgConnection, filter: &DeliveryFilter) -> Result<Vec<KeptMessage>> {
    let (due, shelved) = match filter.carriage {
        None => (LISTED, "AND true"),
        Some(Carriage::Queued) => ("AND m.state = 'queued'", "AND false"),
        Some(Carriage::Delivered) => ("AND m.state = 'delivered' AND m.due_at < $5", "AND false"),
        Some(Carriage::Unanswered) => (UNANSWERED, "AND false"),
        Some(Carriage::Shelved) => ("AND false", "AND true"),
        Some(Carriage::Over) => return Ok(Vec::new()),
    };
    let asked = "m.id > $1 AND ($2::text IS NULL OR m.sender = $2) AND ($3::text IS NULL OR m.road = $3) AND $5::bigint IS NOT NULL";
    // Each half by its own index: nearly all messages there are are over.
    let statement = format!(
        "SELECT {MESSAGE} FROM ( \
           SELECT m.* FROM messages m WHERE m.due_at IS NOT NULL {due} AND {asked} \
           UNION ALL SELECT m.* FROM messages m WHERE m.state = 'shelved' {shelved} AND {asked} \
           ORDER BY id LIMIT $4 \
         ) m ORDER BY m.id"
    );
    let rows = sqlx::query(AssertSqlSafe(statement))
        .bind(filter.after.map_or(Uuid::nil(), |id| id.0))
        .bind(filter.sender.as_deref())
        .bind(filter.road.as_deref())
        .bind(i64::from(filter.limit))
        .bind(Timestamp::NEVER.0)
        .fetch_all(connection)
        .await?;
    rows.iter().map(message).collect()
}

/// Messages with their documents, in the order of `ids`.
pub(super) async fn messages_of(connection: &mut PgConnection, ids: &[MessageId]) -> Result<Vec<MessageWithDocuments>> {
    let asked = column(ids, |id| id.0);
    let statement = format!(
        "SELECT {MESSAGE} FROM unnest($1::uuid[]) WITH ORDINALITY AS j (id, place) \
         CROSS JOIN LATERAL (SELECT * FROM messages WHERE id = j.id LIMIT 1) m ORDER BY j.place"
    );
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(&asked).fetch_all(&mut *connection).await?;
    let with = |row| Ok(MessageWithDocuments { message: message(row)?, documents: Vec::new() });
    let mut found = rows.iter().map(with).collect::<Result<Vec<_>>>()?;
    let statement = format!(
        "SELECT {DOCUMENT} FROM documents WHERE id = ANY(ARRAY(SELECT unnest(members) FROM sealed WHERE message = ANY($1))) \
         AND message = ANY($1) ORDER BY id"
    );
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(&asked).fetch_all(connection).await?;
    for row in &rows {
        let document = document(row)?;
        if let Some(with) = found.iter_mut().find(|with| Some(with.message.id) == document.message) {
            with.documents.push(document);
        }
    }
    Ok(found)
}

pub(super) async fn sealed(connection: &mut PgConnection, asked: MessageId) -> Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar("SELECT bytes FROM sealed WHERE message = $1").bind(asked.0).fetch_optional(connection).await?)
}

/// Documents by their ids or by those of their declarations.
pub(super) async fn documents(connection: &mut PgConnection, tenant: Option<&Tenant>, ids: &[Uuid]) -> Result<Vec<Document>> {
    // Each half by its own index.
    let statement = format!(
        "SELECT {DOCUMENT} FROM documents WHERE id = ANY($1) AND ($2::text IS NULL OR tenant = $2) \
         UNION SELECT {DOCUMENT} FROM documents WHERE declaration = ANY($1) AND ($2::text IS NULL OR tenant = $2) ORDER BY id"
    );
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(ids).bind(tenant.map(Tenant::as_str)).fetch_all(connection).await?;
    rows.iter().map(document).collect()
}

pub(super) async fn paused(connection: &mut PgConnection) -> Result<Vec<(String, String)>> {
    Ok(sqlx::query_as("SELECT road, why FROM pauses ORDER BY road").fetch_all(connection).await?)
}

/// How many documents wait for senders.
pub(super) async fn awaiting(connection: &mut PgConnection, senders: &[String], most: u32) -> Result<Vec<u64>> {
    let statement = "SELECT (SELECT count(*) FROM (SELECT 1 FROM due d WHERE d.queue >= j.sender || '/' AND d.queue < j.sender || '0' LIMIT $2) q) \
         + (SELECT coalesce(sum(q.many), 0)::bigint FROM (SELECT cardinality(s.members) AS many FROM messages m JOIN sealed s ON s.message = m.id \
           WHERE m.due_at IS NOT NULL AND m.state = 'queued' AND m.sender = j.sender LIMIT $2) q) \
         FROM unnest($1::text[]) WITH ORDINALITY j (sender, place) ORDER BY j.place";
    let counts: Vec<i64> = sqlx::query_scalar(statement).bind(senders).bind(i64::from(most)).fetch_all(connection).await?;
    Ok(counts.into_iter().map(|count| u64::try_from(count).unwrap_or_default()).collect())
}

pub(super) async fn receipt(
    connection: &mut PgConnection,
    archives: &Archives,
    arrival: Uuid,
    ordinal: u32,
    of: DocumentId,
) -> Result<Option<KeptReceipt>> {
    let statement = format!("SELECT {RECEIPT} FROM receipts WHERE document = ANY($3) AND arrival = $1 AND ordinal = $2");
    let asked = sqlx::query(AssertSqlSafe(statement)).bind(arrival).bind(i64::from(ordinal));
    let row = asked.bind(vec![Uuid::nil(), of.0]).fetch_optional(connection).await?;
    row.as_ref().map(|row| read_receipt(archives, row)).transpose()
}

const ARRIVAL: &str =
    "id, road, name, at, reason, (SELECT octet_length(b.bytes)::bigint FROM arrival_bytes b WHERE b.arrival = arrivals.id) AS size";

fn kept_arrival(row: &PgRow) -> Result<KeptArrival> {
    Ok(KeptArrival {
        id: row.try_get("id")?,
        road: row.try_get("road")?,
        name: row.try_get("name")?,
        at: Timestamp(row.try_get("at")?),
        reason: row.try_get::<Option<String>, _>("reason")?.unwrap_or_default(),
        size: u64::try_from(row.try_get::<Option<i64>, _>("size")?.unwrap_or_default()).unwrap_or_default(),
    })
}

/// Arrivals that were put aside, newest first.
pub(super) async fn quarantined(connection: &mut PgConnection, before: Option<Uuid>, limit: u32) -> Result<Vec<KeptArrival>> {
    let statement = format!("SELECT {ARRIVAL} FROM arrivals WHERE state = 'quarantined' AND id < $1 ORDER BY id DESC LIMIT $2");
    let asked = sqlx::query(AssertSqlSafe(statement)).bind(before.unwrap_or(Uuid::max())).bind(i64::from(limit));
    asked.fetch_all(connection).await?.iter().map(kept_arrival).collect()
}

pub(super) async fn arrival(connection: &mut PgConnection, asked: Uuid) -> Result<Option<(KeptArrival, Vec<u8>)>> {
    let statement = format!(
        "SELECT {ARRIVAL}, (SELECT b.bytes FROM arrival_bytes b WHERE b.arrival = arrivals.id) AS bytes FROM arrivals WHERE id = $1"
    );
    let row = sqlx::query(AssertSqlSafe(statement)).bind(asked).fetch_optional(connection).await?;
    row.as_ref().map(|row| Ok((kept_arrival(row)?, row.try_get::<Option<Vec<u8>>, _>("bytes")?.unwrap_or_default()))).transpose()
}

/// Whether what somebody has decided on is still so: messages that were given up, receipts that match nothing.
pub(super) async fn holds(connection: &mut PgConnection, now: Timestamp, application: &Application) -> Result<bool> {
    if let Some(end) = &application.carries_out
        && !people::is_open(&mut *connection, now, end.id).await?
    {
        return Ok(false);
    }
    let messages: Vec<_> = application.messages.iter().filter_map(MessageChange::given_up).map(|id| id.0).collect();
    if !messages.is_empty() {
        let statement = "SELECT 1 FROM messages WHERE id = ANY($1) AND (state = 'shelved' OR (state = 'delivered' AND due_at >= $2)) \
             ORDER BY id FOR UPDATE";
        let held = sqlx::query(statement).bind(&messages).bind(Timestamp::NEVER.0).fetch_all(&mut *connection).await?;
        if held.len() != messages.len() {
            return Ok(false);
        }
    }
    if application.attached.is_empty() {
        return Ok(true);
    }
    let statement = "SELECT 1 FROM unnest($1::uuid[], $2::bigint[]) AS j (arrival, ordinal) CROSS JOIN LATERAL ( \
           SELECT 1 FROM receipts WHERE document = $3 AND arrival = j.arrival AND ordinal = j.ordinal LIMIT 1 FOR UPDATE) r";
    let asked = sqlx::query(statement).bind(column(&application.attached, |attached| attached.arrival));
    let asked = asked.bind(column(&application.attached, |attached| i64::from(attached.ordinal))).bind(Uuid::nil());
    Ok(asked.fetch_all(connection).await?.len() == application.attached.len())
}

/// Writes what somebody has decided beside the lives of documents.
pub(super) async fn write(connection: &mut PgConnection, now: Timestamp, application: &Application) -> Result<()> {
    let again: Vec<_> = application
        .messages
        .iter()
        .filter_map(|change| match change {
            MessageChange::Retried(id, at) => Some((id.0, "queued", Some(at.0))),
            MessageChange::Arrived(id) => Some((id.0, "delivered", None)),
            MessageChange::Dissolved(_) | MessageChange::Again(..) | MessageChange::Shelved(..) => None,
        })
        .collect();
    if !again.is_empty() {
        sqlx::query(
            "UPDATE messages SET state = ($2::text[])[array_position($1, id)], due_at = ($3::bigint[])[array_position($1, id)], reason = NULL, \
             failed = 0, lease_token = NULL, lease_until = 0 WHERE id = ANY($1)",
        )
        .bind(column(&again, |(id, ..)| *id))
        .bind(column(&again, |(_, state, _)| *state))
        .bind(column(&again, |(.., due_at)| *due_at))
        .execute(&mut *connection)
        .await?;
    }
    let attached = &application.attached;
    if !attached.is_empty() {
        sqlx::query(
            "UPDATE receipts r SET document = j.document, effect = j.effect FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::boolean[]) \
             AS j (arrival, ordinal, document, effect) WHERE r.document = $5 AND r.arrival = j.arrival AND r.ordinal = j.ordinal",
        )
        .bind(column(attached, |attached| attached.arrival))
        .bind(column(attached, |attached| i64::from(attached.ordinal)))
        .bind(column(attached, |attached| attached.document.0))
        .bind(column(attached, |attached| attached.effect))
        .bind(Uuid::nil())
        .execute(&mut *connection)
        .await?;
    }
    for change in &application.roads {
        let done = match change {
            RoadChange::Paused(road, why) => {
                let statement = sqlx::query("INSERT INTO pauses (road, at, why) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
                statement.bind(road.as_str()).bind(now.0).bind(why.as_str())
            }
            RoadChange::Resumed(road) => sqlx::query("DELETE FROM pauses WHERE road = $1").bind(road.as_str()),
        };
        done.execute(&mut *connection).await?;
    }
    if !application.resumed.is_empty() {
        sqlx::query(
            "WITH gone AS (DELETE FROM stops WHERE sender = ANY($1)) \
             UPDATE messages SET due_at = $2 WHERE sender = ANY($1) AND state = 'queued' AND due_at IS NOT NULL",
        )
        .bind(&application.resumed)
        .bind(now.0)
        .execute(&mut *connection)
        .await?;
    }
    if let Some(end) = &application.carries_out {
        people::end_proposal(connection, now, end).await?;
    }
    Ok(())
}
