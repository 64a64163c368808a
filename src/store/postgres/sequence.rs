//! Giving entries their place. Nobody needs a lock: the keys of the log and of its checkpoints let only one come first.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    log,
    rows::{Result, column, inconsistent, named},
    trying::Failed,
};
use crate::{
    clock::Timestamp,
    store::{Sequencing, Written},
};

pub(super) async fn sequence(connection: &mut PgConnection, now: Timestamp, sequencing: &Sequencing, unsure: bool) -> Result<Written> {
    let entries = i64::try_from(sequencing.entries.len()).map_err(|_| inconsistent("audit_entries", "too many at once"))?;
    let size = sequencing.expected_size + entries;
    if log::size(connection).await? != sequencing.expected_size {
        return Ok(if unsure && is_done(connection, size, sequencing).await? { Written::Done } else { Written::Stale });
    }
    let (runs, is_in_order) = waiting(connection, sequencing).await?;
    if is_in_order {
        place(connection, sequencing.expected_size, &runs).await?;
    } else {
        rearrange(connection, sequencing, &runs).await?;
    }
    sqlx::query(
        "WITH tiles AS (INSERT INTO audit_tiles (level, idx, hashes) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])) \
         INSERT INTO audit_checkpoints (size, root, at, note) VALUES ($4, $5, $6, $7)",
    )
    .bind(column(&sequencing.tiles, |tile| tile.level))
    .bind(column(&sequencing.tiles, |tile| tile.index))
    .bind(column(&sequencing.tiles, |tile| tile.hashes.as_slice()))
    .bind(size)
    .bind(sequencing.root)
    .bind(now.0)
    .bind(&sequencing.note)
    .execute(connection)
    .await?;
    Ok(Written::Done)
}

/// Whether the checkpoint is there that an earlier try was to write.
async fn is_done(connection: &mut PgConnection, size: i64, sequencing: &Sequencing) -> Result<bool> {
    let statement = "SELECT EXISTS (SELECT 1 FROM audit_checkpoints WHERE size = $1 AND root = $2 AND note = $3)";
    Ok(sqlx::query_scalar(statement).bind(size).bind(sequencing.root).bind(&sequencing.note).fetch_one(connection).await?)
}

/// A run that waits.
struct Waiting {
    at: i64,
    run: Uuid,
    entries: i64,
}

/// The runs that hold the entries which are to get their place, and whether they hold nothing else and in just this order.
async fn waiting(connection: &mut PgConnection, sequencing: &Sequencing) -> Result<(Vec<Waiting>, bool)> {
    const STATEMENT: &str = "SELECT w.at, w.run, r.ids FROM (SELECT at, run FROM audit_waiting WHERE (at, run) > ($1, $2) ORDER BY at, run LIMIT 256) w \
         CROSS JOIN LATERAL (SELECT ids FROM audit_runs WHERE id = w.run LIMIT 1) r ORDER BY w.at, w.run";
    let wanted: HashMap<Uuid, usize> = sequencing.entries.iter().enumerate().map(|(place, (id, _))| (*id, place)).collect();
    let (mut runs, mut found, mut is_in_order) = (Vec::new(), 0, true);
    let mut after = (i64::MIN, Uuid::nil());
    while found < wanted.len() {
        // They stand among the first, but a command that took its time may have put its own before them since.
        let rows: Vec<(i64, Uuid, Vec<Uuid>)> = sqlx::query_as(STATEMENT).bind(after.0).bind(after.1).fetch_all(&mut *connection).await?;
        let Some((at, run, _)) = rows.last() else { return Err(gone(connection, sequencing).await?) };
        after = (*at, *run);
        for (at, run, ids) in rows {
            let here = ids.iter().filter(|id| wanted.contains_key(id)).count();
            if here > 0 {
                is_in_order &= ids.iter().enumerate().all(|(place, id)| wanted.get(id) == Some(&(found + place)));
                runs.push(Waiting { at, run, entries: i64::try_from(ids.len()).unwrap_or(i64::MAX) });
                found += here;
            }
        }
    }
    Ok((runs, is_in_order))
}

/// Another has given them their place, or else they were taken away.
async fn gone(connection: &mut PgConnection, sequencing: &Sequencing) -> Result<Failed> {
    if log::size(connection).await? == sequencing.expected_size {
        return Ok(inconsistent("audit_pending", "entries that were to be covered are gone").into());
    }
    Ok(Failed::Raced("the log's size"))
}

/// Gives whole runs their place.
async fn place(connection: &mut PgConnection, mut first: i64, runs: &[Waiting]) -> Result<()> {
    let mut firsts = Vec::with_capacity(runs.len());
    for run in runs {
        firsts.push(first);
        first = first.saturating_add(run.entries);
    }
    let placed = sqlx::query(
        "WITH placed AS (INSERT INTO audit_places (first, run) SELECT * FROM unnest($1::bigint[], $2::uuid[])) \
         DELETE FROM audit_waiting WHERE at = ANY($3) AND run = ANY($2)",
    )
    .bind(firsts)
    .bind(column(runs, |run| run.run))
    .bind(column(runs, |run| run.at))
    .execute(connection)
    .await?;
    if usize::try_from(placed.rows_affected()).ok() == Some(runs.len()) { Ok(()) } else { Err(Failed::Raced("the entries that wait")) }
}

/// An entry as it is kept.
#[derive(sqlx::FromRow)]
struct Kept {
    row_at: i64,
    row_run: Uuid,
    id: Uuid,
    at: i64,
    tenant: String,
    subject: Uuid,
    act: String,
    leaf: Vec<u8>,
    body: Vec<u8>,
    trace: Option<Uuid>,
}

/// Takes runs apart: what is to get its place becomes one run in the order asked for, and the rest goes on waiting.
async fn rearrange(connection: &mut PgConnection, sequencing: &Sequencing, runs: &[Waiting]) -> Result<()> {
    let old = column(runs, |run| run.run);
    let statement = "SELECT j.at AS row_at, j.run AS row_run, u.* FROM unnest($1::bigint[], $2::uuid[]) AS j (at, run) \
         CROSS JOIN LATERAL (SELECT * FROM audit_runs WHERE id = j.run LIMIT 1 FOR UPDATE) r \
         CROSS JOIN LATERAL unnest(r.ids, r.ats, r.tenants, r.subjects, r.acts, r.leaves, r.bodies, r.traces) \
         AS u (id, at, tenant, subject, act, leaf, body, trace)";
    let kept: Vec<Kept> = sqlx::query_as(statement).bind(column(runs, |run| run.at)).bind(&old).fetch_all(&mut *connection).await?;
    let statement = "WITH told AS (DELETE FROM audit_subjects WHERE run = ANY($2) AND subject = ANY($3)), \
         traced AS (DELETE FROM audit_traces WHERE run = ANY($2) AND trace = ANY($4)), \
         runs AS (DELETE FROM audit_runs WHERE id = ANY($2)) DELETE FROM audit_waiting WHERE at = ANY($1) AND run = ANY($2)";
    let gone = sqlx::query(statement).bind(column(runs, |run| run.at)).bind(&old).bind(column(&kept, |entry| entry.subject));
    let gone = gone.bind(column(&kept, |entry| entry.trace));
    if usize::try_from(gone.execute(&mut *connection).await?.rows_affected()).ok() != Some(runs.len()) {
        return Err(Failed::Raced("the entries that wait"));
    }
    let wanted: HashMap<Uuid, usize> = sequencing.entries.iter().enumerate().map(|(place, (id, _))| (*id, place)).collect();
    let (mut placed, rest): (Vec<_>, Vec<_>) = kept.into_iter().partition(|entry| wanted.contains_key(&entry.id));
    placed.sort_by_key(|entry| wanted.get(&entry.id).copied());
    let run = write_run(connection, &placed).await?;
    sqlx::query("INSERT INTO audit_places (first, run) VALUES ($1, $2)")
        .bind(sequencing.expected_size)
        .bind(run)
        .execute(&mut *connection)
        .await?;
    for entries in rest.chunk_by(|a, b| a.row_run == b.row_run) {
        let run = write_run(connection, entries).await?;
        let at = entries.first().map(|entry| entry.row_at);
        sqlx::query("INSERT INTO audit_waiting (at, run) VALUES ($1, $2)").bind(at).bind(run).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn write_run(connection: &mut PgConnection, entries: &[Kept]) -> Result<Option<Uuid>> {
    let run = entries.first().map(|entry| entry.id);
    let mut subjects = column(entries, |entry| entry.subject);
    subjects.sort_unstable();
    subjects.dedup();
    sqlx::query(
        "WITH told AS (INSERT INTO audit_subjects (subject, run) SELECT subject, $1 FROM unnest($9::uuid[]) AS u (subject)), \
         traced AS (INSERT INTO audit_traces (trace, run) SELECT DISTINCT trace, $1 FROM unnest($10::uuid[]) AS u (trace) WHERE trace IS NOT NULL) \
         INSERT INTO audit_runs (id, ids, ats, tenants, subjects, acts, leaves, bodies, traces) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $10)",
    )
    .bind(run)
    .bind(column(entries, |entry| entry.id))
    .bind(column(entries, |entry| entry.at))
    .bind(column(entries, |entry| entry.tenant.as_str()))
    .bind(column(entries, |entry| entry.subject))
    .bind(column(entries, |entry| entry.act.as_str()))
    .bind(column(entries, |entry| entry.leaf.as_slice()))
    .bind(column(entries, |entry| entry.body.as_slice()))
    .bind(subjects)
    .bind(named(column(entries, |entry| entry.trace)))
    .execute(connection)
    .await?;
    Ok(run)
}
