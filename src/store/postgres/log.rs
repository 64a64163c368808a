//! The audit log's tables: what waits for its place, entries in their place, full tiles, signed checkpoints.

use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::rows::{Result, digest, inconsistent, tenant};
use crate::{
    archive::Archives,
    audit::{Entry, Hash},
    clock::Timestamp,
    declaration::DeclarationId,
    party::Actor,
    store::{Absent, EntryFilter, LogHead, PendingEntry, PlacedEntry, StoredCheckpoint, StoredRow, StoredTile, retaining},
};

/// Hashes in a full tile (C2SP tlog-tiles).
const TILE: i64 = 256;

pub(super) async fn take_role(connection: &mut PgConnection, now: Timestamp, role: &str, holder: Uuid, until: Timestamp) -> Result<bool> {
    let taken = sqlx::query(
        "INSERT INTO roles (role, holder, until) VALUES ($1, $2, $3) \
         ON CONFLICT (role) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE roles.holder = excluded.holder OR roles.until <= $4",
    )
    .bind(role)
    .bind(holder)
    .bind(until.0)
    .bind(now.0)
    .execute(connection)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Entries without a place, in the order of their commands as far as the nodes' clocks tell it.
pub(super) async fn pending(connection: &mut PgConnection, limit: u32) -> Result<Vec<PendingEntry>> {
    let rows = sqlx::query(
        "SELECT u.id, u.leaf, u.place = r.length FROM (SELECT at, run FROM audit_waiting ORDER BY at, run OFFSET 0) w \
         CROSS JOIN LATERAL (SELECT ids, leaves, cardinality(ids) AS length FROM audit_runs WHERE id = w.run LIMIT 1) r \
         CROSS JOIN LATERAL unnest(r.ids, r.leaves) WITH ORDINALITY AS u (id, leaf, place) ORDER BY w.at, w.run, u.place LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    let entry = |row: &PgRow| {
        let leaf = Hash::new(digest("audit_runs", row.try_get(1)?)?);
        Ok(PendingEntry { id: row.try_get(0)?, leaf, is_last: row.try_get(2)? })
    };
    rows.iter().map(entry).collect()
}

/// Runs from the one that holds a position on, as `p`; the position is the first parameter.
const FROM_POSITION: &str = "(SELECT first, run FROM audit_places \
     WHERE first >= coalesce((SELECT max(first) FROM audit_places WHERE first <= $1), $1) ORDER BY first OFFSET 0) p";
/// The same, as far as another position: the eighth parameter.
const UP_TO_POSITION: &str = "(SELECT first, run FROM audit_places \
     WHERE first >= coalesce((SELECT max(first) FROM audit_places WHERE first <= $1), $1) AND first < $8 ORDER BY first OFFSET 0) p";

pub(super) async fn head(connection: &mut PgConnection) -> Result<LogHead> {
    let size = size(connection).await?;
    let statement = format!(
        "SELECT u.leaf FROM {FROM_POSITION} CROSS JOIN LATERAL (SELECT leaves FROM audit_runs WHERE id = p.run LIMIT 1) r \
         CROSS JOIN LATERAL unnest(r.leaves) WITH ORDINALITY AS u (leaf, place) \
         WHERE p.first + u.place - 1 >= $1 AND p.first + u.place - 1 < $2 ORDER BY p.first, u.place"
    );
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(size - size % TILE).bind(size).fetch_all(&mut *connection).await?;
    let leaves = rows.iter().map(|row| Ok(digest("audit_runs", row.try_get(0)?)?)).collect::<Result<Vec<_>>>()?;
    let mut tiles = Vec::new();
    let (mut level, mut full) = (0, size / TILE);
    while full > 0 {
        let rows = sqlx::query("SELECT idx, hashes FROM audit_tiles WHERE level = $1 AND idx >= $2 ORDER BY idx")
            .bind(level)
            .bind(full - full % TILE)
            .fetch_all(&mut *connection)
            .await?;
        for row in &rows {
            tiles.push(StoredTile { level, index: row.try_get("idx")?, hashes: row.try_get("hashes")? });
        }
        (level, full) = (level + 1, full / TILE);
    }
    Ok(LogHead { size, leaves, tiles })
}

/// How many entries checkpoints cover: all that have a place.
pub(super) async fn size(connection: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT coalesce(max(size), 0) FROM audit_checkpoints").fetch_one(connection).await?)
}

/// A page of the log as it is kept: as far as so many positions go, from where there are entries again, so that what is missing leaves no
/// page empty. An array for each column and run: a row for each entry costs the server more than all the rest of a check.
pub(super) async fn stored_entries(connection: &mut PgConnection, archives: &Archives, from: i64, limit: u32) -> Result<Vec<StoredRow>> {
    const RUNS: &str = "SELECT p.first + b.low - 1, r.ids[b.low:b.high], r.ats[b.low:b.high], r.tenants[b.low:b.high], r.subjects[b.low:b.high], \
         r.acts[b.low:b.high], r.leaves[b.low:b.high], r.bodies[b.low:b.high], r.traces[b.low:b.high] FROM ( \
           SELECT first, run, CASE WHEN first <= $1 THEN $1 + $2 ELSE e.until END AS until FROM ( \
             SELECT base, CASE WHEN next >= $1 + $2 THEN next ELSE $1 END + $2 AS until FROM ( \
               SELECT (SELECT max(first) FROM audit_places WHERE first <= $1) AS base, (SELECT min(first) FROM audit_places WHERE first > $1) AS next \
             ) n \
           ) e JOIN audit_places ON first >= coalesce(e.base, $1) AND first < e.until ORDER BY first OFFSET 0 \
         ) p CROSS JOIN LATERAL ( \
           SELECT CASE WHEN p.first < $1 THEN least($1 - p.first + 1, 2147483647) ELSE 1 END::int AS low, \
             least(p.until - p.first, 2147483647)::int AS high \
         ) b CROSS JOIN LATERAL (SELECT * FROM audit_runs WHERE id = p.run LIMIT 1) r ORDER BY p.first";
    let limit = i64::from(limit);
    let runs = sqlx::query(RUNS).bind(from).bind(limit).fetch_all(connection).await?;
    let mut rows = Vec::new();
    for run in &runs {
        push_run(&mut rows, archives, run)?;
    }
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(rows)
}

/// Adds the entries of a run, or of a part of one.
fn push_run(rows: &mut Vec<StoredRow>, archives: &Archives, run: &PgRow) -> Result<()> {
    let (ids, ats, tenants): (Vec<Uuid>, Vec<i64>, Vec<String>) = (run.try_get(1)?, run.try_get(2)?, run.try_get(3)?);
    let (subjects, acts): (Vec<Uuid>, Vec<String>) = (run.try_get(4)?, run.try_get(5)?);
    let (leaves, bodies): (Vec<Vec<u8>>, Vec<Vec<u8>>) = (run.try_get(6)?, run.try_get(7)?);
    let many = ids.len();
    let traces = run.try_get::<Option<Vec<Option<Uuid>>>, _>(8)?.unwrap_or_else(|| vec![None; many]);
    if [ats.len(), tenants.len(), subjects.len(), acts.len(), leaves.len(), bodies.len(), traces.len()] != [many; 7] {
        return Err(inconsistent("audit_runs", "columns of different lengths").into());
    }
    let columns = ids.into_iter().zip(ats).zip(tenants).zip(subjects).zip(acts).zip(leaves).zip(bodies).zip(traces);
    rows.extend((run.try_get::<i64, _>(0)?..).zip(columns).map(
        |(position, (((((((id, at), tenant), subject), act), leaf), body), trace))| {
            let (body, absent) = retaining::entry(archives, position, body);
            StoredRow { position, id, at: Timestamp(at), tenant, subject, act, trace, leaf, body, absent }
        },
    ));
    Ok(())
}

pub(super) async fn tiles_from(connection: &mut PgConnection, level: i64, index: i64, limit: u32) -> Result<Vec<StoredTile>> {
    let statement = "SELECT idx, hashes FROM audit_tiles WHERE level = $1 AND idx >= $2 ORDER BY idx LIMIT $3";
    let rows = sqlx::query(statement).bind(level).bind(index).bind(i64::from(limit)).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(StoredTile { level, index: row.try_get(0)?, hashes: row.try_get(1)? })).collect()
}

pub(super) async fn stored_tiles(connection: &mut PgConnection) -> Result<Vec<(i64, i64)>> {
    Ok(sqlx::query_as("SELECT level, idx FROM audit_tiles ORDER BY level, idx").fetch_all(connection).await?)
}

pub(super) async fn stored_checkpoints(connection: &mut PgConnection) -> Result<Vec<StoredCheckpoint>> {
    let rows = sqlx::query("SELECT size, root, at, note FROM audit_checkpoints ORDER BY size").fetch_all(connection).await?;
    rows.iter().map(checkpoint).collect()
}

pub(super) async fn last_checkpoint(connection: &mut PgConnection) -> Result<Option<StoredCheckpoint>> {
    let statement = "SELECT size, root, at, note FROM audit_checkpoints ORDER BY size DESC LIMIT 1";
    sqlx::query(statement).fetch_optional(connection).await?.as_ref().map(checkpoint).transpose()
}

pub(super) async fn checkpoint_over(connection: &mut PgConnection, size: i64) -> Result<Option<StoredCheckpoint>> {
    let statement = "SELECT size, root, at, note FROM audit_checkpoints WHERE size >= $1 ORDER BY size LIMIT 1";
    sqlx::query(statement).bind(size).fetch_optional(connection).await?.as_ref().map(checkpoint).transpose()
}

fn checkpoint(row: &PgRow) -> Result<StoredCheckpoint> {
    Ok(StoredCheckpoint {
        size: row.try_get("size")?,
        root: row.try_get("root")?,
        at: Timestamp(row.try_get("at")?),
        note: row.try_get("note")?,
    })
}

/// A declaration of whose acceptance the log does not tell, in its place or waiting for it. Reads the whole log: nothing but its entries
/// is believed.
pub(super) async fn untold(connection: &mut PgConnection) -> Result<Option<DeclarationId>> {
    // It takes as long as there are entries. As a list that is looked up in: joined, each declaration would be held against every entry, since
    // nobody knows how many there are in a run.
    sqlx::raw_sql("SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on; SET LOCAL statement_timeout = 0")
        .execute(&mut *connection)
        .await?;
    let untold = sqlx::query_scalar(
        "SELECT d.id FROM declarations d WHERE d.id NOT IN ( \
           SELECT u.subject FROM (SELECT run FROM audit_places UNION ALL SELECT run FROM audit_waiting) l \
           JOIN audit_runs r ON r.id = l.run CROSS JOIN LATERAL unnest(r.subjects, r.acts) AS u (subject, act) \
           WHERE u.act = 'accept' AND u.subject IS NOT NULL \
         ) ORDER BY d.id LIMIT 1",
    );
    Ok(untold.persistent(false).fetch_optional(connection).await?.map(DeclarationId))
}

/// Entries in their place, then, if wanted, those that wait for one.
pub(super) async fn entries(connection: &mut PgConnection, archives: &Archives, filter: &EntryFilter) -> Result<Vec<PlacedEntry>> {
    let mut found = select(connection, archives, filter, false).await?;
    let left = filter.limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
    if filter.pending && left > 0 {
        found.extend(select(connection, archives, &EntryFilter { limit: left, ..filter.clone() }, true).await?);
    }
    Ok(found)
}

async fn select(connection: &mut PgConnection, archives: &Archives, filter: &EntryFilter, waiting: bool) -> Result<Vec<PlacedEntry>> {
    let runs = match (waiting, filter.subjects.is_some(), filter.trace.is_some()) {
        (true, ..) => "(SELECT at AS first, run FROM audit_waiting ORDER BY at, run OFFSET 0) p",
        // In the order of the log, so that a page of a long trace is read no further than it goes.
        (false, _, true) => {
            "(SELECT l.* FROM (SELECT run FROM audit_traces WHERE trace = $9 UNION SELECT run FROM audit_subjects WHERE subject = $9 OFFSET 0) s \
             CROSS JOIN LATERAL (SELECT first, run FROM audit_places WHERE run = s.run LIMIT 1) l \
             WHERE l.first >= coalesce((SELECT max(first) FROM audit_places WHERE first <= $1), $1) ORDER BY l.first OFFSET 0) p"
        }
        (false, true, false) => {
            "(SELECT l.* FROM (SELECT DISTINCT run FROM audit_subjects WHERE subject = ANY($3) OFFSET 0) s \
             CROSS JOIN LATERAL (SELECT first, run FROM audit_places WHERE run = s.run LIMIT 1) l OFFSET 0) p"
        }
        (false, false, false) if filter.before.is_some() => UP_TO_POSITION,
        (false, false, false) => FROM_POSITION,
    };
    // Only the conditions that are asked for.
    let mut conditions =
        vec!["(($1::bigint, $2::text, $3::uuid[], $4::text, $5::bigint, $6::bigint, $8::bigint, $9::uuid) IS NOT NULL OR true)"];
    conditions.extend((!waiting).then_some("p.first + u.place - 1 >= $1"));
    conditions.extend((!waiting && filter.before.is_some()).then_some("p.first + u.place - 1 < $8"));
    conditions.extend(filter.tenant.is_some().then_some("u.tenant = $2"));
    conditions.extend(filter.subjects.is_some().then_some("u.subject = ANY($3)"));
    conditions.extend(filter.trace.is_some().then_some("coalesce(u.trace, u.subject) = $9"));
    conditions.extend(filter.act.is_some().then_some("u.act = $4"));
    conditions.extend(filter.from.is_some().then_some("u.at >= $5"));
    conditions.extend(filter.to.is_some().then_some("u.at < $6"));
    let statement = format!(
        "SELECT p.first + u.place - 1, u.body, u.id, u.at, u.tenant, u.subject, u.act FROM {runs} \
         CROSS JOIN LATERAL (SELECT ids, ats, tenants, subjects, acts, bodies, traces FROM audit_runs WHERE id = p.run LIMIT 1) r \
         CROSS JOIN LATERAL unnest(r.ids, r.ats, r.tenants, r.subjects, r.acts, r.bodies, r.traces) WITH ORDINALITY \
         AS u (id, at, tenant, subject, act, body, trace, place) \
         WHERE {} ORDER BY p.first, p.run, u.place LIMIT $7",
        conditions.join(" AND ")
    );
    let found = sqlx::query(AssertSqlSafe(statement))
        .bind(filter.after.map_or(0, |after| after.saturating_add(1)))
        .bind(filter.tenant.as_ref().map(|tenant| tenant.as_str()))
        .bind(filter.subjects.as_deref())
        .bind(filter.act.as_deref())
        .bind(filter.from.map(|at| at.0))
        .bind(filter.to.map(|at| at.0))
        .bind(i64::from(filter.limit))
        .bind(filter.before)
        .bind(filter.trace)
        .fetch_all(connection)
        .await?;
    found
        .iter()
        .map(|row| {
            let position = if waiting { None } else { Some(row.try_get(0)?) };
            let entry = match retaining::entry(archives, position.unwrap_or(-1), row.try_get(1)?) {
                (body, None) => entry("audit_runs", &body)?,
                (_, Some(absent)) => away(row, &absent)?,
            };
            Ok(PlacedEntry { position, entry })
        })
        .collect()
}

/// What the columns tell of an entry whose body is not at hand.
fn away(row: &PgRow, absent: &Absent) -> Result<Entry> {
    Ok(Entry {
        id: row.try_get("id")?,
        at: Timestamp(row.try_get("at")?),
        actor: Actor::gateway(tenant("audit_runs", row.try_get("tenant")?)?, ""),
        act: row.try_get("act")?,
        subject: row.try_get("subject")?,
        changes: Vec::new(),
        why: absent.told(),
    })
}

fn entry(table: &'static str, body: &[u8]) -> Result<Entry> {
    Ok(serde_json::from_slice(body).map_err(|error| inconsistent(table, format!("an entry: {error}")))?)
}
