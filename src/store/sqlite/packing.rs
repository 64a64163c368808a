//! Leasing due documents in batches, and keeping the sealed messages made of them.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Row, SqliteConnection};
use uuid::Uuid;

use super::bulk::Script;
use super::papers::Papers;
use super::rows::{DOCUMENT, document, from_json, hex, id, json, readable};
use super::{desk, follow_ups};
use crate::{
    clock::Timestamp,
    declaration::{DocumentId, Kind},
    dossier::Document,
    queue::Lease,
    store::{
        Batch, Leased, Packing, Result, Written,
        batching::{Contents, TOGETHER, groups, join, open},
    },
};

/// Leases the batches with the earliest deadlines. In a batch the tenants that wait share the places evenly, each with its
/// earliest deadlines first, so that one tenant's flood does not hold up another's parcel.
pub(super) async fn lease(
    connection: &mut SqliteConnection,
    papers: &Papers,
    now: Timestamp,
    lease: Lease,
    batches: u32,
) -> Result<Vec<Batch>> {
    let mut found = Vec::new();
    let batches = usize::try_from(batches).unwrap_or(usize::MAX);
    let heads = open(heads(connection, now).await?, &desk::paused(connection).await?);
    for queues in groups(heads).into_iter().take(batches) {
        let mut documents = share(connection, now, lease, queues).await?;
        documents.sort_by_key(|document| (document.needed_by, document.id));
        let Some(first) = documents.first() else { continue };
        let (sender, kind, road) = (first.sender.clone(), first.kind, first.road.clone());
        let documents = with_content(connection, papers, documents).await?;
        found.push(Batch { sender, kind, road, documents });
    }
    Ok(found)
}

/// Every queue with something to lease, and its earliest deadline. Walks from queue to queue through the index, so that a long
/// backlog costs no more than a short one.
async fn heads(connection: &mut SqliteConnection, now: Timestamp) -> Result<Vec<(i64, String)>> {
    Ok(sqlx::query_as(
        "WITH RECURSIVE q (name) AS ( \
           SELECT min(queue) FROM documents WHERE state = 'due' AND on_hold = 0 \
           UNION ALL \
           SELECT (SELECT min(queue) FROM documents WHERE state = 'due' AND on_hold = 0 AND queue > q.name) FROM q WHERE q.name IS NOT NULL \
         ), open (first, name) AS ( \
           SELECT (SELECT needed_by FROM documents WHERE state = 'due' AND on_hold = 0 AND queue = q.name AND lease_until <= ?1 ORDER BY needed_by LIMIT 1), name \
           FROM q WHERE name IS NOT NULL AND NOT EXISTS (SELECT 1 FROM stops WHERE q.name >= stops.sender || '/' AND q.name < stops.sender || '0') \
         ) SELECT first, name FROM open WHERE first IS NOT NULL ORDER BY first",
    )
    .bind(now.0)
    .fetch_all(connection)
    .await?)
}

/// Fills a batch: each tenant gets an even share of the places left, and what one does not need goes to the others.
async fn share(connection: &mut SqliteConnection, now: Timestamp, lease: Lease, mut queues: Vec<String>) -> Result<Vec<Document>> {
    let mut documents = Vec::new();
    while documents.len() < TOGETHER && !queues.is_empty() {
        let each = (TOGETHER - documents.len()).div_ceil(queues.len());
        let mut unfinished = Vec::new();
        for queue in queues {
            let places = (TOGETHER - documents.len()).clamp(0, each);
            if places == 0 {
                break;
            }
            let leased = lease_queue(connection, now, lease, &queue, places).await?;
            if leased.len() == places {
                unfinished.push(queue);
            }
            documents.extend(leased);
        }
        queues = unfinished;
    }
    Ok(documents)
}

/// Leases from one queue, but nothing whose earlier message is on the road at this moment.
async fn lease_queue(connection: &mut SqliteConnection, now: Timestamp, lease: Lease, queue: &str, places: usize) -> Result<Vec<Document>> {
    let statement = format!(
        "UPDATE documents SET lease_token = ?1, lease_until = ?2 WHERE id IN ( \
           SELECT d.id FROM documents d WHERE d.state = 'due' AND d.on_hold = 0 AND d.queue = ?3 AND d.lease_until <= ?4 \
           AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = d.message AND m.lease_until > ?4) ORDER BY d.needed_by LIMIT ?5 \
         ) RETURNING {DOCUMENT}"
    );
    let rows = sqlx::query(AssertSqlSafe(statement))
        .bind(lease.token.as_bytes().as_slice())
        .bind(lease.until.0)
        .bind(queue)
        .bind(now.0)
        .bind(i64::try_from(places).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    rows.iter().map(document).collect()
}

async fn with_content(connection: &mut SqliteConnection, papers: &Papers, documents: Vec<Document>) -> Result<Vec<Leased>> {
    let mut contents = Contents::default();
    let of_declarations = documents.iter().filter(|document| !document.kind.is_follow_up() && document.kind != Kind::Waybill);
    let ids: Vec<_> = of_declarations.filter_map(|document| document.declaration).map(|id| hex(id.0)).collect();
    if !ids.is_empty() {
        let rows =
            sqlx::query("SELECT d.id, d.waybill_no, d.revision FROM json_each(?1) j CROSS JOIN declarations d ON d.id = unhex(j.value)")
                .bind(json(&ids)?)
                .fetch_all(&mut *connection)
                .await?;
        let ids = rows.iter().map(|row| Ok((id("declarations", row, "id")?, row.try_get("revision")?))).collect::<Result<Vec<_>>>()?;
        let known = papers.of(connection, &ids).await?;
        for (row, (id, _)) in rows.iter().zip(ids) {
            let Some(paper) = known.get(&id) else { continue };
            let number: Option<String> = row.try_get("waybill_no")?;
            contents.declarations.insert(id, (Arc::clone(paper), number.unwrap_or_default()));
        }
    }
    let ids: Vec<_> = documents.iter().filter(|document| document.kind == Kind::Waybill).map(|document| hex(document.id.0)).collect();
    if !ids.is_empty() {
        let rows = sqlx::query(
            "SELECT unhex(j.value) AS id, w.body FROM json_each(?1) j LEFT JOIN waybill_documents x ON x.document = unhex(j.value) \
             CROSS JOIN waybills w ON w.id = coalesce(x.waybill, unhex(j.value))",
        )
        .bind(json(&ids)?)
        .fetch_all(&mut *connection)
        .await?;
        for row in &rows {
            let Some(body) = readable(from_json("waybills", row.try_get("body")?)) else { continue };
            contents.waybills.insert(id("waybills", row, "id")?, Arc::new(body));
        }
    }
    let of_their_own: Vec<_> = documents.iter().filter(|document| document.kind.is_follow_up()).map(|document| document.id.0).collect();
    contents.follow_ups = follow_ups::bodies(connection, &of_their_own).await?;
    // What cannot be read stays leased until the lease ends, and is told again then.
    Ok(documents.into_iter().filter_map(|document| readable(join(document, &contents))).collect())
}

/// Keeps a sealed message if every document in it is still leased under the token.
pub(super) async fn pack(
    connection: &mut SqliteConnection,
    now: Timestamp,
    token: Uuid,
    packing: &Packing,
    entries: Script,
) -> Result<Written> {
    let message = packing.id.0.as_bytes().as_slice();
    let there: i64 = sqlx::query_scalar("SELECT count(*) FROM messages WHERE id = ?1").bind(message).fetch_one(&mut *connection).await?;
    if there > 0 {
        return Ok(Written::Done);
    }
    let members = json(&packing.documents.iter().map(|id| hex(id.0)).collect::<Vec<_>>())?;
    let held: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM json_each(?1) j CROSS JOIN documents d ON d.id = unhex(j.value) WHERE d.lease_token = ?2 AND d.state = 'due'",
    )
    .bind(&members)
    .bind(token.as_bytes().as_slice())
    .fetch_one(&mut *connection)
    .await?;
    if usize::try_from(held).ok() != Some(packing.documents.len()) {
        return Ok(Written::Stale);
    }
    sqlx::query(
        "UPDATE documents SET state = 'packed', message = ?1, packed = packed + 1, lot = NULL, resent_at = NULL, copies = 0, set_aside = NULL, lease_token = NULL, lease_until = 0, \
         version = version + 1 FROM json_each(?2) j WHERE documents.id = unhex(j.value)",
    )
    .bind(message)
    .bind(&members)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO messages (id, sender, kind, road, state, sealed_at, needed_by, due_at) VALUES (?1, ?2, ?3, ?4, 'queued', ?5, ?6, ?5)",
    )
    .bind(message)
    .bind(&packing.sender)
    .bind(packing.kind.number())
    .bind(&packing.road)
    .bind(now.0)
    .bind(packing.needed_by.0)
    .execute(&mut *connection)
    .await?;
    sqlx::query("INSERT INTO sealed (message, digest, members, bytes) VALUES (?1, ?2, ?3, ?4)")
        .bind(message)
        .bind(packing.digest.as_slice())
        .bind(&members)
        .bind(packing.bytes.as_slice())
        .execute(&mut *connection)
        .await?;
    entries.run(connection).await?;
    Ok(Written::Done)
}

pub(super) async fn give_back(connection: &mut SqliteConnection, token: Uuid, documents: &[DocumentId], at: Timestamp) -> Result<()> {
    sqlx::query(
        "UPDATE documents SET lease_token = NULL, lease_until = ?3 FROM json_each(?1) j WHERE documents.id = unhex(j.value) AND lease_token = ?2",
    )
    .bind(json(&documents.iter().map(|id| hex(id.0)).collect::<Vec<_>>())?)
    .bind(token.as_bytes().as_slice())
    .bind(at.0)
    .execute(connection)
    .await?;
    Ok(())
}
