//! What operations staff look for, and what they write.

use sqlx::{AssertSqlSafe, Row, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    arrivals::{RECEIPT, receipt as read_receipt},
    bulk::Script,
    people,
    rows::{DOCUMENT, count, document, hex, id, json, kind},
};
use crate::{
    archive::Archives,
    clock::Timestamp,
    declaration::{DocumentId, MessageId},
    dossier::Document,
    party::Tenant,
    store::{
        Application, Carriage, DeliveryFilter, KeptArrival, KeptMessage, KeptReceipt, MessageChange, MessageWithDocuments, Result,
        RoadChange,
    },
};

const MESSAGE: &str = "m.id, m.sender, m.kind, m.road, m.state, m.reason, m.sealed_at, m.needed_by, m.due_at, m.attempt, \
     (SELECT json_array_length(s.members) FROM sealed s WHERE s.message = m.id) AS sealed, \
     EXISTS (SELECT 1 FROM attempts a WHERE a.message = m.id AND (a.outcome IS NULL OR a.outcome IN ('delivered', 'unknown'))) AS may_have_arrived, \
     EXISTS (SELECT 1 FROM documents d WHERE d.message = m.id AND d.state IN ('packed', 'delivered')) AS waits";

/// Given up without an answer, and not answered since; and all that is listed beside what is shelved.
const UNANSWERED: &str = "AND m.state = 'delivered' AND m.due_at >= ?5 AND EXISTS (SELECT 1 FROM documents d WHERE d.message = m.id AND d.state IN ('packed', 'delivered'))";
const LISTED: &str =
    "AND (m.due_at < ?5 OR EXISTS (SELECT 1 FROM documents d WHERE d.message = m.id AND d.state IN ('packed', 'delivered')))";

fn message(row: &SqliteRow) -> Result<KeptMessage> {
    const TABLE: &str = "messages";
    let due_at = row.try_get::<Option<i64>, _>("due_at")?.map(Timestamp);
    Ok(KeptMessage {
        id: MessageId(id(TABLE, row, "id")?),
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
pub(super) async fn messages(connection: &mut SqliteConnection, filter: &DeliveryFilter) -> Result<Vec<KeptMessage>> {
    let (due, shelved) = match filter.carriage {
        None => (LISTED, "AND true"),
        Some(Carriage::Queued) => ("AND m.state = 'queued'", "AND false"),
        Some(Carriage::Delivered) => ("AND m.state = 'delivered' AND m.due_at < ?5", "AND false"),
        Some(Carriage::Unanswered) => (UNANSWERED, "AND false"),
        Some(Carriage::Shelved) => ("AND false", "AND true"),
        Some(Carriage::Over) => return Ok(Vec::new()),
    };
    let asked = "m.id > ?1 AND (?2 IS NULL OR m.sender = ?2) AND (?3 IS NULL OR m.road = ?3) AND ?5 IS NOT NULL";
    // Each half by its own index: nearly all messages there are are over.
    let statement = format!(
        "SELECT {MESSAGE} FROM ( \
           SELECT m.* FROM messages m WHERE m.due_at IS NOT NULL {due} AND {asked} \
           UNION ALL SELECT m.* FROM messages m WHERE m.state = 'shelved' {shelved} AND {asked} \
           ORDER BY id LIMIT ?4 \
         ) m ORDER BY m.id"
    );
    let rows = sqlx::query(AssertSqlSafe(statement))
        .bind(filter.after.map_or(Uuid::nil(), |id| id.0).as_bytes().as_slice())
        .bind(filter.sender.as_deref())
        .bind(filter.road.as_deref())
        .bind(filter.limit)
        .bind(Timestamp::NEVER.0)
        .fetch_all(connection)
        .await?;
    rows.iter().map(message).collect()
}

/// Messages with their documents, in the order of `ids`.
pub(super) async fn messages_of(connection: &mut SqliteConnection, ids: &[MessageId]) -> Result<Vec<MessageWithDocuments>> {
    let asked = json(&ids.iter().map(|id| hex(id.0)).collect::<Vec<_>>())?;
    let statement = format!("SELECT {MESSAGE} FROM json_each(?1) j CROSS JOIN messages m ON m.id = unhex(j.value) ORDER BY j.key");
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(&asked).fetch_all(&mut *connection).await?;
    let with = |row| Ok(MessageWithDocuments { message: message(row)?, documents: Vec::new() });
    let mut found = rows.iter().map(with).collect::<Result<Vec<_>>>()?;
    let statement = format!("SELECT {DOCUMENT} FROM documents WHERE message IN (SELECT unhex(value) FROM json_each(?1)) ORDER BY id");
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(&asked).fetch_all(connection).await?;
    for row in &rows {
        let document = document(row)?;
        if let Some(with) = found.iter_mut().find(|with| Some(with.message.id) == document.message) {
            with.documents.push(document);
        }
    }
    Ok(found)
}

pub(super) async fn sealed(connection: &mut SqliteConnection, asked: MessageId) -> Result<Option<Vec<u8>>> {
    let statement = "SELECT bytes FROM sealed WHERE message = ?1";
    Ok(sqlx::query_scalar(statement).bind(asked.0.as_bytes().as_slice()).fetch_optional(connection).await?)
}

/// Documents by their ids or by those of their declarations.
pub(super) async fn documents(connection: &mut SqliteConnection, tenant: Option<&Tenant>, ids: &[Uuid]) -> Result<Vec<Document>> {
    let asked = json(&ids.iter().map(|id| hex(*id)).collect::<Vec<_>>())?;
    let statement = format!(
        "SELECT {DOCUMENT} FROM documents WHERE (id IN (SELECT unhex(value) FROM json_each(?1)) \
         OR declaration IN (SELECT unhex(value) FROM json_each(?1))) AND (?2 IS NULL OR tenant = ?2) ORDER BY id"
    );
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(asked).bind(tenant.map(Tenant::as_str)).fetch_all(connection).await?;
    rows.iter().map(document).collect()
}

pub(super) async fn paused(connection: &mut SqliteConnection) -> Result<Vec<(String, String)>> {
    Ok(sqlx::query_as("SELECT road, why FROM pauses ORDER BY road").fetch_all(connection).await?)
}

/// How many documents wait for senders.
pub(super) async fn awaiting(connection: &mut SqliteConnection, senders: &[String], most: u32) -> Result<Vec<u64>> {
    let statement = "SELECT (SELECT count(*) FROM (SELECT 1 FROM documents d WHERE d.state = 'due' AND d.on_hold = 0 \
           AND d.queue >= j.value || '/' AND d.queue < j.value || '0' LIMIT ?2)) \
         + (SELECT coalesce(sum(q.many), 0) FROM (SELECT json_array_length(s.members) AS many FROM messages m JOIN sealed s ON s.message = m.id \
           WHERE m.due_at IS NOT NULL AND m.state = 'queued' AND m.sender = j.value LIMIT ?2) q) FROM json_each(?1) j ORDER BY j.key";
    let counts: Vec<i64> = sqlx::query_scalar(statement).bind(json(senders)?).bind(most).fetch_all(connection).await?;
    Ok(counts.into_iter().map(|count| u64::try_from(count).unwrap_or_default()).collect())
}

pub(super) async fn receipt(
    connection: &mut SqliteConnection,
    archives: &Archives,
    arrival: Uuid,
    ordinal: u32,
    of: DocumentId,
) -> Result<Option<KeptReceipt>> {
    let statement = format!("SELECT {RECEIPT} FROM receipts WHERE arrival = ?1 AND ordinal = ?2 AND (document IS NULL OR document = ?3)");
    let asked = sqlx::query(AssertSqlSafe(statement)).bind(arrival.as_bytes().as_slice()).bind(ordinal);
    let row = asked.bind(of.0.as_bytes().as_slice()).fetch_optional(connection).await?;
    row.as_ref().map(|row| read_receipt(archives, row)).transpose()
}

const ARRIVAL: &str = "id, road, name, at, reason, (SELECT length(b.bytes) FROM arrival_bytes b WHERE b.arrival = arrivals.id) AS size";

fn kept_arrival(row: &SqliteRow) -> Result<KeptArrival> {
    const TABLE: &str = "arrivals";
    Ok(KeptArrival {
        id: id(TABLE, row, "id")?,
        road: row.try_get("road")?,
        name: row.try_get("name")?,
        at: Timestamp(row.try_get("at")?),
        reason: row.try_get::<Option<String>, _>("reason")?.unwrap_or_default(),
        size: u64::try_from(row.try_get::<Option<i64>, _>("size")?.unwrap_or_default()).unwrap_or_default(),
    })
}

/// Arrivals that were put aside, newest first.
pub(super) async fn quarantined(connection: &mut SqliteConnection, before: Option<Uuid>, limit: u32) -> Result<Vec<KeptArrival>> {
    let statement = format!("SELECT {ARRIVAL} FROM arrivals WHERE state = 'quarantined' AND id < ?1 ORDER BY id DESC LIMIT ?2");
    let before = before.unwrap_or(Uuid::max());
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(before.as_bytes().as_slice()).bind(limit).fetch_all(connection).await?;
    rows.iter().map(kept_arrival).collect()
}

pub(super) async fn arrival(connection: &mut SqliteConnection, asked: Uuid) -> Result<Option<(KeptArrival, Vec<u8>)>> {
    let statement =
        format!("SELECT {ARRIVAL}, (SELECT bytes FROM arrival_bytes b WHERE b.arrival = arrivals.id) AS bytes FROM arrivals WHERE id = ?1");
    let row = sqlx::query(AssertSqlSafe(statement)).bind(asked.as_bytes().as_slice()).fetch_optional(connection).await?;
    row.as_ref().map(|row| Ok((kept_arrival(row)?, row.try_get::<Option<Vec<u8>>, _>("bytes")?.unwrap_or_default()))).transpose()
}

/// What must still be so for what somebody has decided: messages that were given up, receipts that match nothing.
pub(super) struct Guard {
    messages: Vec<String>,
    receipts: Vec<(String, u32)>,
    proposal: Option<(Uuid, Timestamp)>,
}

impl Guard {
    pub(super) fn of(now: Timestamp, application: &Application) -> Self {
        Self {
            messages: application.messages.iter().filter_map(MessageChange::given_up).map(|id| hex(id.0)).collect(),
            receipts: application.attached.iter().map(|attached| (hex(attached.arrival), attached.ordinal)).collect(),
            proposal: application.carries_out.as_ref().map(|end| (end.id, now)),
        }
    }

    pub(super) async fn holds(&self, connection: &mut SqliteConnection) -> Result<bool> {
        if let Some((id, now)) = self.proposal
            && !people::is_open(&mut *connection, now, id).await?
        {
            return Ok(false);
        }
        if !self.messages.is_empty() {
            let statement = "SELECT count(*) FROM json_each(?1) j CROSS JOIN messages m ON m.id = unhex(j.value) \
                 WHERE m.state = 'shelved' OR (m.state = 'delivered' AND m.due_at >= ?2)";
            let asked = sqlx::query_scalar(statement).bind(json(&self.messages)?).bind(Timestamp::NEVER.0);
            let many: i64 = asked.fetch_one(&mut *connection).await?;
            if usize::try_from(many).ok() != Some(self.messages.len()) {
                return Ok(false);
            }
        }
        if !self.receipts.is_empty() {
            let statement = "SELECT count(*) FROM json_each(?1) j CROSS JOIN receipts r ON r.arrival = unhex(j.value->>0) \
                 AND r.ordinal = j.value->>1 WHERE r.document IS NULL";
            let many: i64 = sqlx::query_scalar(statement).bind(json(&self.receipts)?).fetch_one(&mut *connection).await?;
            return Ok(usize::try_from(many).ok() == Some(self.receipts.len()));
        }
        Ok(true)
    }
}

/// Writes what somebody has decided beside the lives of documents.
pub(super) fn write(script: &mut Script, now: Timestamp, application: &Application) -> Result<()> {
    let again: Vec<_> = application
        .messages
        .iter()
        .filter_map(|change| match change {
            MessageChange::Retried(id, at) => Some((hex(id.0), "queued", Some(at.0))),
            MessageChange::Arrived(id) => Some((hex(id.0), "delivered", None)),
            MessageChange::Dissolved(_) | MessageChange::Again(..) | MessageChange::Shelved(..) => None,
        })
        .collect();
    if !again.is_empty() {
        let statement = sqlx::query(
            "UPDATE messages SET state = j.value->>1, due_at = j.value->>2, reason = NULL, failed = 0, lease_token = NULL, lease_until = 0 \
             FROM json_each(?1) j WHERE messages.id = unhex(j.value->>0)",
        );
        script.add(statement.bind(json(&again)?));
    }
    let attached: Vec<_> =
        application.attached.iter().map(|a| (hex(a.arrival), a.ordinal, hex(a.document.0), i64::from(a.effect))).collect();
    if !attached.is_empty() {
        let statement = sqlx::query(
            "UPDATE receipts SET document = unhex(j.value->>2), effect = j.value->>3 FROM json_each(?1) j \
             WHERE receipts.arrival = unhex(j.value->>0) AND receipts.ordinal = j.value->>1",
        );
        script.add(statement.bind(json(&attached)?));
    }
    for change in &application.roads {
        script.add(match change {
            RoadChange::Paused(road, why) => {
                let statement = sqlx::query("INSERT INTO pauses (road, at, why) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING");
                statement.bind(road.as_str()).bind(now.0).bind(why.as_str())
            }
            RoadChange::Resumed(road) => sqlx::query("DELETE FROM pauses WHERE road = ?1").bind(road.as_str()),
        });
    }
    if !application.resumed.is_empty() {
        let resumed = json(&application.resumed)?;
        script.add(sqlx::query("DELETE FROM stops WHERE sender IN (SELECT value FROM json_each(?1))").bind(resumed.clone()));
        let statement = sqlx::query(
            "UPDATE messages SET due_at = ?2 WHERE sender IN (SELECT value FROM json_each(?1)) AND state = 'queued' AND due_at IS NOT NULL",
        );
        script.add(statement.bind(resumed).bind(now.0));
    }
    if let Some(end) = &application.carries_out {
        people::end_proposal(script, now, end);
    }
    Ok(())
}
