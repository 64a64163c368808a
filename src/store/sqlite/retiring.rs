//! Taking bodies out of the store: what is ripe for an archive, and references in the place of bodies.

use sqlx::{AssertSqlSafe, Row, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::rows::{hex, id, json, uuid};
use crate::{
    archive::{Item, Part},
    clock::Timestamp,
    store::{
        Exchange, Result, Ripe, RipeFilter, Stage,
        reading::from_json,
        retaining::{MOVING, leaving, mark, split_key, unarchived},
    },
};

/// Of these declarations and documents, those that must stay.
pub(super) async fn staying(connection: &mut SqliteConnection, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    // What something is about: itself, its declaration, and the declarations that a document submitted on its own names.
    let statement = format!(
        "WITH asked (id) AS MATERIALIZED (SELECT unhex(value) FROM json_each(?1)), links (id, about) AS MATERIALIZED ( \
           SELECT id, id FROM asked \
           UNION ALL SELECT a.id, c.declaration FROM asked a CROSS JOIN documents c ON c.id = a.id WHERE c.declaration IS NOT NULL \
           UNION ALL SELECT a.id, m.declaration FROM asked a CROSS JOIN follow_up_members m ON m.follow_up = a.id) \
         SELECT DISTINCT o.id FROM links o WHERE EXISTS (SELECT 1 FROM documents c WHERE c.declaration = o.about AND {MOVING}) \
           OR EXISTS (SELECT 1 FROM documents c WHERE c.id = o.about AND {MOVING}) \
           OR EXISTS (SELECT 1 FROM deadlines l WHERE l.declaration = o.about) \
           OR (EXISTS (SELECT 1 FROM legal_holds) AND EXISTS (SELECT 1 FROM declarations d JOIN legal_holds h ON (h.tenant = '' OR h.tenant = d.tenant) AND ( \
             (h.kind = 'declaration' AND replace(h.target, '-', '') = lower(hex(d.id))) \
             OR (h.kind = 'seller' AND h.target = d.body->'order'->'seller'->>'code') \
             OR (h.kind = 'month' AND d.accepted_at >= h.from_at AND d.accepted_at < h.to_at)) WHERE d.id = o.about))"
    );
    let asked = json(&ids.iter().map(|id| hex(*id)).collect::<Vec<_>>())?;
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(asked).fetch_all(connection).await?;
    rows.iter().map(|row| uuid("documents", row.try_get(0)?)).collect()
}

/// A page of what may be archived.
pub(super) async fn ripe(connection: &mut SqliteConnection, filter: RipeFilter) -> Result<Ripe> {
    match filter.stage {
        Stage::Declarations(after) => declarations(connection, filter, after).await,
        Stage::Messages(after) => messages(connection, filter, after).await,
        Stage::Arrivals(after) => arrivals(connection, filter, after).await,
        Stage::Entries(from) => entries(connection, filter, from).await,
    }
}

/// Leaves out what is about something that stays, and what is archived already.
async fn settled(connection: &mut SqliteConnection, items: Vec<Item>) -> Result<Vec<Item>> {
    let (items, about) = unarchived(items);
    let staying = staying(connection, &about).await?;
    Ok(leaving(items, staying))
}

async fn declarations(connection: &mut SqliteConnection, filter: RipeFilter, after: Uuid) -> Result<Ripe> {
    let (low, high) = filter.ids();
    let looked: Vec<(Vec<u8>, i64)> =
        sqlx::query_as("SELECT id, accepted_at FROM declarations WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3")
            .bind(Ord::max(low, after).as_bytes().as_slice())
            .bind(high.as_bytes().as_slice())
            .bind(filter.limit)
            .fetch_all(&mut *connection)
            .await?;
    let last = looked.last().map(|(last, _)| uuid("declarations", last)).transpose()?.map(Stage::Declarations);
    let next = filter.next(looked.len(), last);
    let within = looked.iter().filter(|(_, at)| (filter.from.0..filter.to.0).contains(at));
    let ids = json(&within.map(|(bytes, _)| uuid("declarations", bytes).map(hex)).collect::<Result<Vec<_>>>()?)?;
    let mut items = Vec::new();
    let rows = sqlx::query("SELECT d.id, d.body FROM json_each(?1) j CROSS JOIN declarations d ON d.id = unhex(j.value) ORDER BY d.id")
        .bind(&ids)
        .fetch_all(&mut *connection)
        .await?;
    for row in &rows {
        let of = id("declarations", row, "id")?;
        items.push(text_item(Part::Declaration, of.to_string(), of, row)?);
    }
    let rows = sqlx::query(
        "SELECT a.declaration, a.ordinal, a.body FROM json_each(?1) j CROSS JOIN assessments a ON a.declaration = unhex(j.value) \
         ORDER BY a.declaration, a.ordinal",
    )
    .bind(&ids)
    .fetch_all(&mut *connection)
    .await?;
    for row in &rows {
        let (of, ordinal): (_, i64) = (id("assessments", row, "declaration")?, row.try_get("ordinal")?);
        items.push(text_item(Part::Assessment, format!("{of}/{ordinal}"), of, row)?);
    }
    let rows = sqlx::query(
        "SELECT c.declaration, r.arrival, r.ordinal, r.document, r.body FROM json_each(?1) j \
         CROSS JOIN documents c ON c.declaration = unhex(j.value) CROSS JOIN receipts r ON r.document = c.id ORDER BY r.arrival, r.ordinal",
    )
    .bind(&ids)
    .fetch_all(&mut *connection)
    .await?;
    for row in &rows {
        let (of, arrival) = (id("receipts", row, "declaration")?, id("receipts", row, "arrival")?);
        let (ordinal, document): (i64, _) = (row.try_get("ordinal")?, id("receipts", row, "document")?);
        items.push(text_item(Part::Receipt, format!("{arrival}/{ordinal}/{document}"), of, row)?);
    }
    Ok(Ripe { items: settled(connection, items).await?, next })
}

fn text_item(part: Part, key: String, about: Uuid, row: &SqliteRow) -> Result<Item> {
    Ok(Item { part, key, about: vec![about], body: row.try_get::<String, _>("body")?.into_bytes() })
}

async fn messages(connection: &mut SqliteConnection, filter: RipeFilter, after: Uuid) -> Result<Ripe> {
    let (low, high) = filter.ids();
    let rows = sqlx::query(
        "SELECT m.id, m.sealed_at >= ?4 AND m.sealed_at < ?5 AND m.state IN ('delivered', 'dissolved') AND (m.due_at IS NULL OR m.due_at >= ?6) AS is_over, \
         s.members, s.bytes FROM messages m CROSS JOIN sealed s ON s.message = m.id WHERE m.id > ?1 AND m.id < ?2 ORDER BY m.id LIMIT ?3",
    )
    .bind(Ord::max(low, after).as_bytes().as_slice())
    .bind(high.as_bytes().as_slice())
    .bind(filter.limit)
    .bind(filter.from.0)
    .bind(filter.to.0)
    .bind(Timestamp::NEVER.0)
    .fetch_all(&mut *connection)
    .await?;
    let last = rows.last().map(|row| id("messages", row, "id")).transpose()?.map(Stage::Messages);
    let next = filter.next(rows.len(), last);
    let mut items = Vec::new();
    for row in rows.iter().filter(|row| row.try_get("is_over").unwrap_or(false)) {
        let members: Vec<Uuid> = from_json("sealed", row.try_get("members")?)?;
        let key = id("messages", row, "id")?.to_string();
        items.push(Item { part: Part::Message, key, about: members, body: row.try_get("bytes")? });
    }
    Ok(Ripe { items: settled(connection, items).await?, next })
}

async fn arrivals(connection: &mut SqliteConnection, filter: RipeFilter, after: Uuid) -> Result<Ripe> {
    let (low, high) = filter.ids();
    // An answer in it that matches nothing of ours may yet be given to its document.
    let rows = sqlx::query(
        "SELECT a.id, a.at >= ?4 AND a.at < ?5 AND a.state = 'read' AND NOT EXISTS (SELECT 1 FROM receipts r WHERE r.arrival = a.id AND r.document IS NULL) AS is_over, \
         (SELECT json_group_array(lower(hex(r.document))) FROM receipts r WHERE r.arrival = a.id AND r.document IS NOT NULL) AS documents, b.bytes \
         FROM arrivals a CROSS JOIN arrival_bytes b ON b.arrival = a.id WHERE a.id > ?1 AND a.id < ?2 ORDER BY a.id LIMIT ?3",
    )
    .bind(Ord::max(low, after).as_bytes().as_slice())
    .bind(high.as_bytes().as_slice())
    .bind(filter.limit)
    .bind(filter.from.0)
    .bind(filter.to.0)
    .fetch_all(&mut *connection)
    .await?;
    let last = rows.last().map(|row| id("arrivals", row, "id")).transpose()?.map(Stage::Arrivals);
    let next = filter.next(rows.len(), last);
    let mut items = Vec::new();
    for row in rows.iter().filter(|row| row.try_get("is_over").unwrap_or(false)) {
        let documents: Vec<Uuid> = from_json("receipts", row.try_get("documents")?)?;
        let key = id("arrivals", row, "id")?.to_string();
        items.push(Item { part: Part::Arrival, key, about: documents, body: row.try_get("bytes")? });
    }
    Ok(Ripe { items: settled(connection, items).await?, next })
}

async fn entries(connection: &mut SqliteConnection, filter: RipeFilter, from: i64) -> Result<Ripe> {
    // Only what is under a checkpoint.
    let rows = sqlx::query(
        "SELECT position, at >= ?3 AND at < ?4 AS within, subject, body FROM audit_entries \
         WHERE position >= ?1 AND position < (SELECT coalesce(max(size), 0) FROM audit_checkpoints) ORDER BY position LIMIT ?2",
    )
    .bind(from)
    .bind(filter.limit)
    .bind(filter.from.0)
    .bind(filter.to.0)
    .fetch_all(&mut *connection)
    .await?;
    let last = rows.last().map(|row| row.try_get::<i64, _>("position")).transpose()?.map(|last| Stage::Entries(last + 1));
    let next = filter.next(rows.len(), last);
    let mut items = Vec::new();
    for row in rows.iter().filter(|row| row.try_get("within").unwrap_or(false)) {
        let subject = id("audit_entries", row, "subject")?;
        let about = if subject.is_nil() { Vec::new() } else { vec![subject] };
        items.push(Item { part: Part::Entry, key: row.try_get::<i64, _>("position")?.to_string(), about, body: row.try_get("body")? });
    }
    Ok(Ripe { items: settled(connection, items).await?, next })
}

/// Puts references in the place of bodies that are still what was archived.
pub(super) async fn exchange(connection: &mut SqliteConnection, many: &[Exchange]) -> Result<()> {
    for part in Part::ALL {
        let rows: Vec<_> = many.iter().filter(|exchange| exchange.item.part == part).collect();
        let (table, is_row) = match part {
            Part::Declaration => ("declarations", "t.id = j.id"),
            Part::Assessment => ("assessments", "t.declaration = j.id AND t.ordinal = j.ordinal"),
            Part::Message => ("sealed", "t.message = j.id"),
            Part::Arrival => ("arrival_bytes", "t.arrival = j.id"),
            Part::Receipt => ("receipts", "t.arrival = j.id AND t.ordinal = j.ordinal"),
            Part::Entry => ("audit_entries", "t.position = j.ordinal"),
        };
        let (column, is_text) = match part {
            Part::Message | Part::Arrival => ("bytes", false),
            Part::Entry => ("body", false),
            Part::Declaration | Part::Assessment | Part::Receipt => ("body", true),
        };
        // Row by row: a body may be large, and nobody waits for this.
        let statement = format!(
            "WITH j (id, ordinal, body, mark) AS (VALUES (?1, ?2, ?3, ?4)) UPDATE {table} AS t SET {column} = j.mark FROM j WHERE {is_row} AND t.{column} = j.body"
        );
        for exchange in rows {
            let Some((id, ordinal)) = row_of(&exchange.item) else { continue };
            let update = sqlx::query(AssertSqlSafe(statement.clone())).bind(id.as_bytes().to_vec()).bind(ordinal);
            let (body, mark) = (exchange.item.body.clone(), mark(exchange));
            let update = match (is_text, String::from_utf8(body), String::from_utf8(mark)) {
                (true, Ok(body), Ok(mark)) => update.bind(body).bind(mark),
                (true, ..) => continue,
                (false, body, mark) => {
                    let bytes = |text: std::result::Result<String, std::string::FromUtf8Error>| {
                        text.map_or_else(|error| error.into_bytes(), String::into_bytes)
                    };
                    update.bind(bytes(body)).bind(bytes(mark))
                }
            };
            update.execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// The key of an item's row: an id and an ordinal; of an entry, its position is the ordinal.
fn row_of(item: &Item) -> Option<(Uuid, i64)> {
    match item.part {
        Part::Entry => item.key.parse().ok().map(|position| (Uuid::nil(), position)),
        _ => split_key(&item.key).map(|(id, ordinal, _)| (id, ordinal)),
    }
}

/// Removes attempts to send messages of long ago.
pub(super) async fn forget_attempts(connection: &mut SqliteConnection, before: Timestamp, limit: u32) -> Result<u64> {
    let gone = sqlx::query(
        "DELETE FROM attempts WHERE message IN (SELECT a.message FROM attempts a WHERE a.message < ?1 AND NOT EXISTS ( \
           SELECT 1 FROM messages m WHERE m.id = a.message AND (m.state IN ('queued', 'shelved') OR m.due_at < ?3)) ORDER BY a.message LIMIT ?2)",
    )
    .bind(RipeFilter::first_id(before).as_bytes().as_slice())
    .bind(limit)
    .bind(Timestamp::NEVER.0)
    .execute(connection)
    .await?;
    Ok(gone.rows_affected())
}

/// Removes sessions that are over, and proposals that lapsed before a moment: those were made before it, and ids tell when.
pub(super) async fn sweep(connection: &mut SqliteConnection, now: Timestamp, proposals_before: Timestamp, limit: u32) -> Result<u64> {
    let statement = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE until <= ?1 ORDER BY until LIMIT ?2)";
    let sessions = sqlx::query(statement).bind(now.0).bind(limit).execute(&mut *connection).await?;
    let statement = "DELETE FROM proposals WHERE id IN (SELECT id FROM proposals WHERE id < ?1 AND until <= ?2 ORDER BY id LIMIT ?3)";
    let first = RipeFilter::first_id(proposals_before);
    let asked = sqlx::query(statement).bind(first.as_bytes().as_slice()).bind(proposals_before.0).bind(limit);
    let proposals = asked.execute(connection).await?;
    Ok(sessions.rows_affected() + proposals.rows_affected())
}
