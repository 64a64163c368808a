//! Leasing due documents in batches, and keeping the sealed messages made of them.

use std::{collections::HashMap, sync::Arc};

use sqlx::{AssertSqlSafe, PgConnection, Row};
use uuid::Uuid;

use super::{
    desk, follow_ups, papers,
    rows::{DOCUMENT, Result, column, document, from_json, insert_entries, readable, take_back},
};
use crate::{
    clock::Timestamp,
    declaration::{DocumentId, Kind},
    dossier::Document,
    queue::Lease,
    store::{
        Batch, Leased, Packing, Written,
        batching::{Contents, TOGETHER, groups, join, open},
        papers::Papers,
    },
};

/// Leases the batches with the earliest deadlines. In a batch the tenants that wait share the places evenly, each with its
/// earliest deadlines first, so that one tenant's flood does not hold up another's parcel.
pub(super) async fn lease(
    connection: &mut PgConnection,
    papers: &Papers,
    now: Timestamp,
    lease: Lease,
    batches: u32,
    unsure: bool,
) -> Result<Vec<Batch>> {
    let shares = if unsure { mine(connection, lease.token).await? } else { Vec::new() };
    let shares = if shares.is_empty() { shares_of(connection, now, lease, batches).await? } else { shares };
    let mut found = Vec::new();
    for mut documents in shares {
        documents.sort_by_key(|document| (document.needed_by, document.id));
        let Some(first) = documents.first() else { continue };
        let (sender, kind, road) = (first.sender.clone(), first.kind, first.road.clone());
        let documents = with_content(connection, papers, documents).await?;
        found.push(Batch { sender, kind, road, documents });
    }
    Ok(found)
}

async fn shares_of(connection: &mut PgConnection, now: Timestamp, lease: Lease, batches: u32) -> Result<Vec<Vec<Document>>> {
    let mut shares = Vec::new();
    let batches = usize::try_from(batches).unwrap_or(usize::MAX);
    let heads = open(heads(connection, now).await?, &desk::paused(connection).await?);
    for queues in groups(heads).into_iter().take(batches) {
        shares.push(share(connection, now, lease, queues).await?);
    }
    Ok(shares)
}

/// What a lease holds whose answer was lost: batches as they were, but for those that filled up with what came behind.
async fn mine(connection: &mut PgConnection, token: Uuid) -> Result<Vec<Vec<Document>>> {
    let statement = format!(
        "SELECT d.*, q.queue FROM (SELECT document, queue, needed_by FROM due WHERE lease_token = $1 OFFSET 0) q \
         CROSS JOIN LATERAL (SELECT {DOCUMENT} FROM documents WHERE id = q.document LIMIT 1) d ORDER BY q.queue, q.needed_by"
    );
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(token).fetch_all(connection).await?;
    let mut groups: Vec<(String, Vec<Document>)> = Vec::new();
    for row in &rows {
        let queue: &str = row.try_get("queue")?;
        let group = queue.rsplit_once('/').map_or("", |(group, _)| group);
        match groups.last_mut().filter(|(last, documents)| last == group && documents.len() < TOGETHER) {
            Some((_, documents)) => documents.push(document(row)?),
            None => groups.push((group.to_owned(), vec![document(row)?])),
        }
    }
    Ok(groups.into_iter().map(|(_, documents)| documents).collect())
}

/// Every queue with something to lease, and its earliest deadline. Walks from queue to queue through the index, so that a long
/// backlog costs no more than a short one.
async fn heads(connection: &mut PgConnection, now: Timestamp) -> Result<Vec<(i64, String)>> {
    Ok(sqlx::query_as(
        "WITH RECURSIVE q (name) AS ( \
           (SELECT queue FROM due ORDER BY queue LIMIT 1) \
           UNION ALL \
           SELECT (SELECT d.queue FROM due d WHERE d.queue > q.name ORDER BY d.queue LIMIT 1) FROM q WHERE q.name IS NOT NULL \
         ), open (first, name) AS ( \
           SELECT (SELECT d.needed_by FROM due d WHERE d.queue = q.name AND d.lease_until <= $1 ORDER BY d.needed_by LIMIT 1), q.name \
           FROM q WHERE q.name IS NOT NULL \
           AND NOT EXISTS (SELECT 1 FROM stops s WHERE q.name >= s.sender || '/' AND q.name < s.sender || '0') \
         ) SELECT first, name FROM open WHERE first IS NOT NULL ORDER BY first",
    )
    .bind(now.0)
    .fetch_all(connection)
    .await?)
}

/// Fills a batch: each tenant gets an even share of the places left, and what one does not need goes to the others.
async fn share(connection: &mut PgConnection, now: Timestamp, lease: Lease, mut queues: Vec<String>) -> Result<Vec<Document>> {
    let mut documents = Vec::new();
    while documents.len() < TOGETHER && !queues.is_empty() {
        let left = TOGETHER - documents.len();
        let each = left.div_ceil(queues.len());
        let places = |turn: usize| left.saturating_sub(turn * each).clamp(0, each);
        let asked: Vec<_> =
            queues.into_iter().enumerate().map(|(turn, queue)| (queue, places(turn))).filter(|(_, places)| *places > 0).collect();
        let mut leased: HashMap<String, usize> = HashMap::new();
        for (queue, document) in lease_queues(connection, now, lease, &asked).await? {
            *leased.entry(queue).or_default() += 1;
            documents.push(document);
        }
        queues = asked.into_iter().filter(|(queue, places)| leased.get(queue) == Some(places)).map(|(queue, _)| queue).collect();
    }
    Ok(documents)
}

/// Leases so many from each queue, but nothing whose earlier message is on the road at this moment.
async fn lease_queues(
    connection: &mut PgConnection,
    now: Timestamp,
    lease: Lease,
    asked: &[(String, usize)],
) -> Result<Vec<(String, Document)>> {
    let statement = format!(
        "WITH taken AS MATERIALIZED ( \
           SELECT t.document FROM unnest($4::text[], $5::bigint[]) AS j (queue, places) CROSS JOIN LATERAL ( \
             SELECT q.document FROM due q WHERE q.queue = j.queue AND q.lease_until <= $3 \
             AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = q.message AND m.lease_until > $3) \
             ORDER BY q.needed_by LIMIT j.places FOR UPDATE OF q SKIP LOCKED \
           ) t \
         ), leased AS ( \
           UPDATE due SET lease_token = $1, lease_until = $2 WHERE document = ANY(ARRAY(SELECT document FROM taken)) RETURNING document, queue \
         ) SELECT d.*, l.queue FROM leased l CROSS JOIN LATERAL (SELECT {DOCUMENT} FROM documents WHERE id = l.document LIMIT 1) d"
    );
    let rows = sqlx::query(AssertSqlSafe(statement))
        .bind(lease.token)
        .bind(lease.until.0)
        .bind(now.0)
        .bind(column(asked, |(queue, _)| queue.as_str()))
        .bind(column(asked, |(_, places)| i64::try_from(*places).unwrap_or(i64::MAX)))
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| Ok((row.try_get("queue")?, document(row)?))).collect()
}

async fn with_content(connection: &mut PgConnection, known: &Papers, documents: Vec<Document>) -> Result<Vec<Leased>> {
    let mut contents = Contents::default();
    let of_declarations = documents.iter().filter(|document| !document.kind.is_follow_up() && document.kind != Kind::Waybill);
    let ids: Vec<_> = of_declarations.filter_map(|document| document.declaration.map(|id| id.0)).collect();
    if !ids.is_empty() {
        let statement = "SELECT id, waybill_no, revision FROM declarations WHERE id = ANY($1)";
        let rows: Vec<(Uuid, Option<String>, i64)> = sqlx::query_as(statement).bind(&ids).fetch_all(&mut *connection).await?;
        let papers = papers::of(connection, known, &column(&rows, |(id, _, revision)| (*id, *revision))).await?;
        for (id, number, _) in rows {
            let Some(paper) = papers.get(&id) else { continue };
            contents.declarations.insert(id, (Arc::clone(paper), number.unwrap_or_default()));
        }
    }
    let ids: Vec<_> = documents.iter().filter(|document| document.kind == Kind::Waybill).map(|document| document.id.0).collect();
    if !ids.is_empty() {
        let statement = "SELECT j.id, w.body FROM unnest($1::uuid[]) AS j (id) LEFT JOIN waybill_documents x ON x.document = j.id \
             CROSS JOIN LATERAL (SELECT body FROM waybills WHERE id = coalesce(x.waybill, j.id) LIMIT 1) w";
        let rows = sqlx::query(statement).bind(&ids).fetch_all(&mut *connection).await?;
        for row in &rows {
            let Some(body) = readable(from_json("waybills", row.try_get("body")?)) else { continue };
            contents.waybills.insert(row.try_get("id")?, Arc::new(body));
        }
    }
    let of_their_own: Vec<_> = documents.iter().filter(|document| document.kind.is_follow_up()).map(|document| document.id.0).collect();
    contents.follow_ups = follow_ups::bodies(connection, &of_their_own).await?;
    // What cannot be read stays leased until the lease ends, and is told again then.
    Ok(documents.into_iter().filter_map(|document| readable(join(document, &contents))).collect())
}

/// Keeps a sealed message if every document in it is still leased under the token, and none is on the road in an earlier one.
pub(super) async fn pack(connection: &mut PgConnection, now: Timestamp, token: Uuid, packing: &Packing) -> Result<Written> {
    let message = packing.id.0;
    let mut members = column(&packing.documents, |id| id.0);
    // In one order, as every command locks them.
    members.sort_unstable();
    let row = sqlx::query(
        "WITH packed AS (UPDATE documents SET state = 'packed', message = $1, packed = packed + 1, lot = NULL, resent_at = NULL, copies = 0, set_aside = NULL, version = version + 1 \
           WHERE id = ANY($2) AND state = 'due' RETURNING id), \
         leased AS (DELETE FROM due WHERE document = ANY($2) AND lease_token = $10 RETURNING message), \
         bytes AS (INSERT INTO sealed (message, digest, members, bytes) VALUES ($1, $3, $11, $4) ON CONFLICT DO NOTHING), \
         kept AS (INSERT INTO messages (id, sender, kind, road, state, sealed_at, needed_by, due_at) VALUES ($1, $5, $6, $7, 'queued', $8, $9, $8) \
           ON CONFLICT DO NOTHING RETURNING id) \
         SELECT (SELECT count(*) FROM packed) AS packed, (SELECT count(*) FROM leased) AS leased, (SELECT count(*) FROM kept) AS kept, \
         ARRAY(SELECT message FROM leased WHERE message IS NOT NULL) AS earlier",
    )
    .bind(message)
    .bind(&members)
    .bind(packing.digest)
    .bind(packing.bytes.as_slice())
    .bind(&packing.sender)
    .bind(packing.kind.number())
    .bind(&packing.road)
    .bind(now.0)
    .bind(packing.needed_by.0)
    .bind(token)
    .bind(column(&packing.documents, |id| id.0))
    .fetch_one(&mut *connection)
    .await?;
    let all = i64::try_from(members.len()).unwrap_or(i64::MAX);
    let is_held = row.try_get::<i64, _>("packed")? == all && row.try_get::<i64, _>("leased")? == all;
    let is_new = row.try_get::<i64, _>("kept")? == 1;
    if !is_new || !is_held || on_the_road(connection, now, row.try_get("earlier")?).await? {
        take_back(connection).await?;
        // A message that is there was kept by an earlier call.
        return Ok(if is_new { Written::Stale } else { Written::Done });
    }
    let entries: Vec<_> = packing.entries.iter().collect();
    insert_entries(connection, now, &entries).await?;
    Ok(Written::Done)
}

/// Whether a courier has one of these messages in hand; if not, none will get it before the commit, and then sees what became of its members.
async fn on_the_road(connection: &mut PgConnection, now: Timestamp, mut messages: Vec<Uuid>) -> Result<bool> {
    if messages.is_empty() {
        return Ok(false);
    }
    messages.sort_unstable();
    messages.dedup();
    let statement = "SELECT lease_until FROM messages WHERE id = ANY($1) ORDER BY id FOR UPDATE";
    let until: Vec<i64> = sqlx::query_scalar(statement).bind(messages).fetch_all(connection).await?;
    Ok(until.iter().any(|until| *until > now.0))
}

pub(super) async fn give_back(connection: &mut PgConnection, token: Uuid, documents: &[DocumentId], at: Timestamp) -> Result<()> {
    sqlx::query("UPDATE due SET lease_token = NULL, lease_until = $3 WHERE document = ANY($1) AND lease_token = $2")
        .bind(column(documents, |id| id.0))
        .bind(token)
        .bind(at.0)
        .execute(connection)
        .await?;
    Ok(())
}
