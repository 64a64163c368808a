//! Taking bodies out of the store: what is ripe for an archive, and references in the place of bodies.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::rows::{Result, column};
use crate::{
    archive::{Item, Part},
    clock::Timestamp,
    store::{
        Exchange, Ripe, RipeFilter, Stage,
        retaining::{MOVING, leaving, mark, split_key, unarchived},
    },
};

/// Of these declarations and documents, those that must stay.
pub(super) async fn staying(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    // What something is about: itself, its declaration, and the declarations that a document submitted on its own names.
    let statement = format!(
        "WITH asked AS MATERIALIZED (SELECT DISTINCT id FROM unnest($1::uuid[]) AS j (id)), links AS MATERIALIZED ( \
           SELECT id, id AS about FROM asked \
           UNION ALL SELECT a.id, c.declaration FROM asked a CROSS JOIN LATERAL (SELECT declaration FROM documents WHERE id = a.id LIMIT 1) c \
             WHERE c.declaration IS NOT NULL \
           UNION ALL SELECT a.id, m.declaration FROM asked a CROSS JOIN LATERAL (SELECT declaration FROM follow_up_members WHERE follow_up = a.id OFFSET 0) m) \
         SELECT DISTINCT o.id FROM links o WHERE EXISTS (SELECT 1 FROM (SELECT kind, state FROM documents WHERE declaration = o.about OFFSET 0) c WHERE {MOVING}) \
           OR EXISTS (SELECT 1 FROM (SELECT kind, state FROM documents WHERE id = o.about OFFSET 0) c WHERE {MOVING}) \
           OR EXISTS (SELECT 1 FROM deadlines l WHERE l.declaration = o.about) \
           OR (EXISTS (SELECT 1 FROM legal_holds) AND EXISTS (SELECT 1 FROM (SELECT * FROM declarations WHERE id = o.about LIMIT 1) d \
             JOIN legal_holds h ON (h.tenant = '' OR h.tenant = d.tenant) AND ( \
             (h.kind = 'declaration' AND h.target = d.id::text) \
             OR (h.kind = 'seller' AND h.target = d.body::json->'order'->'seller'->>'code') \
             OR (h.kind = 'month' AND d.accepted_at >= h.from_at AND d.accepted_at < h.to_at))))"
    );
    Ok(sqlx::query_scalar(AssertSqlSafe(statement)).bind(ids).fetch_all(connection).await?)
}

/// A page of what may be archived.
pub(super) async fn ripe(connection: &mut PgConnection, filter: RipeFilter) -> Result<Ripe> {
    match filter.stage {
        Stage::Declarations(after) => declarations(connection, filter, after).await,
        Stage::Messages(after) => messages(connection, filter, after).await,
        Stage::Arrivals(after) => arrivals(connection, filter, after).await,
        Stage::Entries(from) => entries(connection, filter, from).await,
    }
}

/// Leaves out what is about something that stays, and what is archived already.
async fn settled(connection: &mut PgConnection, items: Vec<Item>) -> Result<Vec<Item>> {
    let (items, about) = unarchived(items);
    let staying = staying(connection, &about).await?;
    Ok(leaving(items, staying))
}

fn text_item(part: Part, key: String, about: Uuid, body: String) -> Item {
    Item { part, key, about: vec![about], body: body.into_bytes() }
}

async fn declarations(connection: &mut PgConnection, filter: RipeFilter, after: Uuid) -> Result<Ripe> {
    let (low, high) = filter.ids();
    let looked: Vec<(Uuid, i64, String)> =
        sqlx::query_as("SELECT id, accepted_at, body FROM declarations WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3")
            .bind(Ord::max(low, after))
            .bind(high)
            .bind(i64::from(filter.limit))
            .fetch_all(&mut *connection)
            .await?;
    let next = filter.next(looked.len(), looked.last().map(|(last, ..)| Stage::Declarations(*last)));
    let within: Vec<_> = looked.into_iter().filter(|(_, at, _)| (filter.from.0..filter.to.0).contains(at)).collect();
    let ids = column(&within, |(id, ..)| *id);
    let mut items: Vec<_> = within.into_iter().map(|(id, _, body)| text_item(Part::Declaration, id.to_string(), id, body)).collect();
    let decided: Vec<(Uuid, i64, String)> = sqlx::query_as(
        "SELECT a.declaration, a.ordinal, a.body FROM unnest($1::uuid[]) AS j (id) \
         CROSS JOIN LATERAL (SELECT * FROM assessments WHERE declaration = j.id OFFSET 0) a ORDER BY a.declaration, a.ordinal",
    )
    .bind(&ids)
    .fetch_all(&mut *connection)
    .await?;
    items.extend(decided.into_iter().map(|(id, ordinal, body)| text_item(Part::Assessment, format!("{id}/{ordinal}"), id, body)));
    let receipts: Vec<(Uuid, Uuid, i64, Uuid, String)> = sqlx::query_as(
        "SELECT j.id, r.arrival, r.ordinal, r.document, r.body FROM unnest($1::uuid[]) AS j (id) \
         CROSS JOIN LATERAL (SELECT id FROM documents WHERE declaration = j.id OFFSET 0) c \
         CROSS JOIN LATERAL (SELECT * FROM receipts WHERE document = c.id OFFSET 0) r ORDER BY r.arrival, r.ordinal",
    )
    .bind(&ids)
    .fetch_all(&mut *connection)
    .await?;
    let receipt = |(of, arrival, ordinal, document, body): (Uuid, Uuid, i64, Uuid, String)| {
        text_item(Part::Receipt, format!("{arrival}/{ordinal}/{document}"), of, body)
    };
    items.extend(receipts.into_iter().map(receipt));
    Ok(Ripe { items: settled(connection, items).await?, next })
}

async fn messages(connection: &mut PgConnection, filter: RipeFilter, after: Uuid) -> Result<Ripe> {
    let (low, high) = filter.ids();
    let looked: Vec<(Uuid, bool, Vec<Uuid>, Vec<u8>)> = sqlx::query_as(
        "SELECT m.id, m.sealed_at >= $4 AND m.sealed_at < $5 AND m.state IN ('delivered', 'dissolved') AND (m.due_at IS NULL OR m.due_at >= $6), \
         s.members, s.bytes FROM (SELECT * FROM messages WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3) m \
         CROSS JOIN LATERAL (SELECT members, bytes FROM sealed WHERE message = m.id LIMIT 1) s ORDER BY m.id",
    )
    .bind(Ord::max(low, after))
    .bind(high)
    .bind(i64::from(filter.limit))
    .bind(filter.from.0)
    .bind(filter.to.0)
    .bind(Timestamp::NEVER.0)
    .fetch_all(&mut *connection)
    .await?;
    let next = filter.next(looked.len(), looked.last().map(|(last, ..)| Stage::Messages(*last)));
    let over = looked.into_iter().filter(|(_, over, ..)| *over);
    let items = over.map(|(id, _, members, body)| Item { part: Part::Message, key: id.to_string(), about: members, body }).collect();
    Ok(Ripe { items: settled(connection, items).await?, next })
}

async fn arrivals(connection: &mut PgConnection, filter: RipeFilter, after: Uuid) -> Result<Ripe> {
    let (low, high) = filter.ids();
    let looked: Vec<(Uuid, bool, Vec<u8>)> = sqlx::query_as(
        "SELECT a.id, a.at >= $4 AND a.at < $5 AND a.state = 'read', b.bytes FROM (SELECT * FROM arrivals WHERE id > $1 AND id < $2 ORDER BY id LIMIT $3) a \
         CROSS JOIN LATERAL (SELECT bytes FROM arrival_bytes WHERE arrival = a.id LIMIT 1) b ORDER BY a.id",
    )
    .bind(Ord::max(low, after))
    .bind(high)
    .bind(i64::from(filter.limit))
    .bind(filter.from.0)
    .bind(filter.to.0)
    .fetch_all(&mut *connection)
    .await?;
    let ends = looked.first().map(|(first, ..)| *first).zip(looked.last().map(|(last, ..)| *last));
    let next = filter.next(looked.len(), ends.map(|(_, last)| Stage::Arrivals(last)));
    let Some((first, last)) = ends else { return Ok(Ripe { items: Vec::new(), next }) };
    // A block range index is only ever read into a bitmap.
    sqlx::raw_sql("SET LOCAL enable_bitmapscan = on").execute(&mut *connection).await?;
    let answers: Vec<(Uuid, Uuid)> = sqlx::query_as("SELECT arrival, document FROM receipts WHERE arrival >= $1 AND arrival <= $2")
        .bind(first)
        .bind(last)
        .fetch_all(&mut *connection)
        .await?;
    let mut documents: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for (arrival, document) in answers {
        documents.entry(arrival).or_default().push(document);
    }
    let mut items = Vec::new();
    for (id, _, body) in looked.into_iter().filter(|(_, over, _)| *over) {
        let about = documents.remove(&id).unwrap_or_default();
        // An answer in it that matches nothing of ours may yet be given to its document.
        if !about.iter().any(Uuid::is_nil) {
            items.push(Item { part: Part::Arrival, key: id.to_string(), about, body });
        }
    }
    Ok(Ripe { items: settled(connection, items).await?, next })
}

async fn entries(connection: &mut PgConnection, filter: RipeFilter, from: i64) -> Result<Ripe> {
    // All that have a place are under a checkpoint.
    let rows: Vec<(i64, bool, Uuid, Vec<u8>)> = sqlx::query_as(
        "SELECT p.first + u.place - 1, u.at >= $3 AND u.at < $4, u.subject, u.body FROM (SELECT first, run FROM audit_places \
           WHERE first >= coalesce((SELECT max(first) FROM audit_places WHERE first <= $1), $1) ORDER BY first OFFSET 0) p \
         CROSS JOIN LATERAL (SELECT ats, subjects, bodies FROM audit_runs WHERE id = p.run LIMIT 1) r \
         CROSS JOIN LATERAL unnest(r.ats, r.subjects, r.bodies) WITH ORDINALITY AS u (at, subject, body, place) \
         WHERE p.first + u.place - 1 >= $1 ORDER BY p.first, u.place LIMIT $2",
    )
    .bind(from)
    .bind(i64::from(filter.limit))
    .bind(filter.from.0)
    .bind(filter.to.0)
    .fetch_all(&mut *connection)
    .await?;
    let next = filter.next(rows.len(), rows.last().map(|(last, ..)| Stage::Entries(last + 1)));
    let mut items = Vec::new();
    for (position, _, subject, body) in rows.into_iter().filter(|(_, within, ..)| *within) {
        let about = if subject.is_nil() { Vec::new() } else { vec![subject] };
        items.push(Item { part: Part::Entry, key: position.to_string(), about, body });
    }
    Ok(Ripe { items: settled(connection, items).await?, next })
}

/// Puts references in the place of bodies that are still what was archived.
pub(super) async fn exchange(connection: &mut PgConnection, many: &[Exchange]) -> Result<()> {
    for part in Part::ALL {
        let rows: Vec<_> = many.iter().filter(|exchange| exchange.item.part == part).collect();
        if rows.is_empty() {
            continue;
        }
        match part {
            Part::Entry => exchange_entries(connection, &rows).await?,
            Part::Message => {
                exchange_bytes(connection, &rows, "UPDATE sealed t SET bytes = j.mark", "t.message = j.id AND t.bytes = j.body").await?
            }
            Part::Arrival => {
                exchange_bytes(connection, &rows, "UPDATE arrival_bytes t SET bytes = j.mark", "t.arrival = j.id AND t.bytes = j.body")
                    .await?;
            }
            Part::Declaration => exchange_texts(connection, &rows, "UPDATE declarations t SET body = j.mark", "t.id = j.id").await?,
            Part::Assessment => {
                let is_row = "t.declaration = j.id AND t.ordinal = j.ordinal";
                exchange_texts(connection, &rows, "UPDATE assessments t SET body = j.mark", is_row).await?;
            }
            Part::Receipt => {
                let is_row = "t.document = j.second AND t.arrival = j.id AND t.ordinal = j.ordinal";
                exchange_texts(connection, &rows, "UPDATE receipts t SET body = j.mark", is_row).await?;
            }
        }
    }
    Ok(())
}

async fn exchange_bytes(connection: &mut PgConnection, rows: &[&Exchange], update: &str, is_row: &str) -> Result<()> {
    let statement = format!("{update} FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS j (id, body, mark) WHERE {is_row}");
    sqlx::query(AssertSqlSafe(statement))
        .bind(column(rows, |exchange| Uuid::try_parse(&exchange.item.key).unwrap_or_default()))
        .bind(column(rows, |exchange| exchange.item.body.as_slice()))
        .bind(column(rows, |exchange| mark(exchange)))
        .execute(connection)
        .await?;
    Ok(())
}

async fn exchange_texts(connection: &mut PgConnection, rows: &[&Exchange], update: &str, is_row: &str) -> Result<()> {
    let keys = column(rows, |exchange| split_key(&exchange.item.key).unwrap_or_default());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let statement = format!(
        "{update} FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::text[]) AS j (id, ordinal, second, body, mark) \
         WHERE {is_row} AND t.body = j.body"
    );
    sqlx::query(AssertSqlSafe(statement))
        .bind(column(&keys, |(id, ..)| *id))
        .bind(column(&keys, |(_, ordinal, _)| *ordinal))
        .bind(column(&keys, |(.., second)| *second))
        .bind(column(rows, |exchange| text(&exchange.item.body)))
        .bind(column(rows, |exchange| text(&mark(exchange))))
        .execute(connection)
        .await?;
    Ok(())
}

async fn exchange_entries(connection: &mut PgConnection, rows: &[&Exchange]) -> Result<()> {
    sqlx::query(
        "WITH at AS MATERIALIZED (SELECT p.run, j.position - p.first + 1 AS place, j.body, j.mark \
           FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) AS j (position, body, mark) \
           CROSS JOIN LATERAL (SELECT first, run FROM audit_places WHERE first <= j.position ORDER BY first DESC LIMIT 1) p) \
         UPDATE audit_runs r SET bodies = (SELECT array_agg(coalesce(a.mark, u.body) ORDER BY u.place) \
           FROM unnest(r.bodies) WITH ORDINALITY AS u (body, place) LEFT JOIN at a ON a.run = r.id AND a.place = u.place AND a.body = u.body) \
         WHERE r.id = ANY(ARRAY(SELECT DISTINCT run FROM at))",
    )
    .bind(column(rows, |exchange| exchange.item.key.parse::<i64>().unwrap_or(-1)))
    .bind(column(rows, |exchange| exchange.item.body.as_slice()))
    .bind(column(rows, |exchange| mark(exchange)))
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes attempts to send messages of long ago.
pub(super) async fn forget_attempts(connection: &mut PgConnection, before: Timestamp, limit: u32) -> Result<u64> {
    let gone = sqlx::query(
        "DELETE FROM attempts WHERE message = ANY(ARRAY(SELECT a.message FROM attempts a WHERE a.message < $1 AND NOT EXISTS ( \
           SELECT 1 FROM messages m WHERE m.id = a.message AND (m.state IN ('queued', 'shelved') OR m.due_at < $3)) ORDER BY a.message LIMIT $2))",
    )
    .bind(RipeFilter::first_id(before))
    .bind(i64::from(limit))
    .bind(Timestamp::NEVER.0)
    .execute(connection)
    .await?;
    Ok(gone.rows_affected())
}

/// Removes sessions that are over, and proposals that lapsed before a moment: those were made before it, and ids tell when.
pub(super) async fn sweep(connection: &mut PgConnection, now: Timestamp, proposals_before: Timestamp, limit: u32) -> Result<u64> {
    let statement = "DELETE FROM sessions WHERE id = ANY(ARRAY(SELECT id FROM sessions WHERE until <= $1 ORDER BY until LIMIT $2 \
         FOR UPDATE SKIP LOCKED))";
    let sessions = sqlx::query(statement).bind(now.0).bind(i64::from(limit)).execute(&mut *connection).await?;
    let statement = "DELETE FROM proposals WHERE id = ANY(ARRAY(SELECT id FROM proposals WHERE id < $1 AND until <= $2 ORDER BY id LIMIT $3 \
         FOR UPDATE SKIP LOCKED))";
    let asked = sqlx::query(statement).bind(RipeFilter::first_id(proposals_before)).bind(proposals_before.0).bind(i64::from(limit));
    let proposals = asked.execute(connection).await?;
    Ok(sessions.rows_affected() + proposals.rows_affected())
}
