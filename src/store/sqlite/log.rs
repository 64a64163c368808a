//! The audit log's tables: the entries in their place, full tiles, signed checkpoints.

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::bulk::Script;
use super::rows::{digest, hex, id, inconsistent, insert_entries, json, tenant, uuid};
use crate::{
    archive::Archives,
    audit::{Entry, Hash},
    clock::Timestamp,
    declaration::DeclarationId,
    party::Actor,
    store::{
        Absent, EntryFilter, LogHead, PendingEntry, PlacedEntry, Result, Sequencing, StoredCheckpoint, StoredRow, StoredTile, Written,
        retaining,
    },
};

/// Hashes in a full tile (C2SP tlog-tiles).
const TILE: i64 = 256;

pub(super) async fn take_role(
    connection: &mut SqliteConnection,
    now: Timestamp,
    role: &str,
    holder: Uuid,
    until: Timestamp,
) -> Result<bool> {
    let taken = sqlx::query(
        "INSERT INTO roles (role, holder, until) VALUES (?1, ?2, ?3) \
         ON CONFLICT (role) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE roles.holder = excluded.holder OR roles.until <= ?4",
    )
    .bind(role)
    .bind(holder.as_bytes().as_slice())
    .bind(until.0)
    .bind(now.0)
    .execute(connection)
    .await?;
    Ok(taken.rows_affected() == 1)
}

pub(super) async fn pending(connection: &mut SqliteConnection, limit: u32) -> Result<Vec<PendingEntry>> {
    let from = size(connection).await?;
    let rows = sqlx::query("SELECT id, leaf FROM audit_entries WHERE position >= ?1 ORDER BY position LIMIT ?2")
        .bind(from)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let leaf = digest("audit_entries", row.try_get("leaf")?)?;
            Ok(PendingEntry { id: id("audit_entries", row, "id")?, leaf: Hash::new(leaf), is_last: true })
        })
        .collect()
}

/// Takes in what an earlier version of this program left waiting for its place.
pub(super) async fn settle_waiting(connection: &mut SqliteConnection) -> Result<()> {
    let rows = sqlx::query("SELECT body FROM audit_pending ORDER BY id").fetch_all(&mut *connection).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let mut entries = Vec::with_capacity(rows.len());
    for row in &rows {
        entries.push(entry("audit_pending", row.try_get("body")?)?);
    }
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    let mut script = Script::default();
    insert_entries(&mut script, entries.iter());
    script.run(&mut *connection).await?;
    sqlx::query("DELETE FROM audit_pending").execute(&mut *connection).await?;
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(())
}

pub(super) async fn head(connection: &mut SqliteConnection) -> Result<LogHead> {
    let size = size(connection).await?;
    let rows = sqlx::query("SELECT leaf FROM audit_entries WHERE position >= ?1 AND position < ?2 ORDER BY position")
        .bind(size - size % TILE)
        .bind(size)
        .fetch_all(&mut *connection)
        .await?;
    let leaves = rows.iter().map(|row| digest("audit_entries", row.try_get("leaf")?)).collect::<Result<Vec<_>>>()?;
    let mut tiles = Vec::new();
    let (mut level, mut full) = (0, size / TILE);
    while full > 0 {
        let rows = sqlx::query("SELECT idx, hashes FROM audit_tiles WHERE level = ?1 AND idx >= ?2 ORDER BY idx")
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

/// How many entries checkpoints cover.
async fn size(connection: &mut SqliteConnection) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT coalesce(max(size), 0) FROM audit_checkpoints").fetch_one(connection).await?)
}

pub(super) async fn sequence(connection: &mut SqliteConnection, now: Timestamp, sequencing: &Sequencing) -> Result<Written> {
    if size(connection).await? != sequencing.expected_size {
        return Ok(Written::Stale);
    }
    let entries = i64::try_from(sequencing.entries.len()).map_err(|_| inconsistent("audit_entries", "too many at once"))?;
    let size = sequencing.expected_size + entries;
    let there: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_entries WHERE position >= ?1 AND position < ?2")
        .bind(sequencing.expected_size)
        .bind(size)
        .fetch_one(&mut *connection)
        .await?;
    if there != entries {
        return Err(inconsistent("audit_entries", "entries that were to be covered are gone"));
    }
    for tile in &sequencing.tiles {
        sqlx::query("INSERT INTO audit_tiles (level, idx, hashes) VALUES (?1, ?2, ?3)")
            .bind(tile.level)
            .bind(tile.index)
            .bind(tile.hashes.as_slice())
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query("INSERT INTO audit_checkpoints (size, root, at, note) VALUES (?1, ?2, ?3, ?4)")
        .bind(size)
        .bind(sequencing.root.as_slice())
        .bind(now.0)
        .bind(&sequencing.note)
        .execute(connection)
        .await?;
    Ok(Written::Done)
}

pub(super) async fn stored_entries(
    connection: &mut SqliteConnection,
    archives: &Archives,
    from: i64,
    limit: u32,
) -> Result<Vec<StoredRow>> {
    let rows = sqlx::query(
        "SELECT position, id, at, tenant, subject, act, leaf, body, trace FROM audit_entries WHERE position >= ?1 ORDER BY position LIMIT ?2",
    )
    .bind(from)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let position = row.try_get(0)?;
            let (body, absent) = retaining::entry(archives, position, row.try_get(7)?);
            // By place: looking each up by its name costs more than reading it, and a whole log is read like this.
            Ok(StoredRow {
                position,
                id: uuid("audit_entries", row.try_get(1)?)?,
                at: Timestamp(row.try_get(2)?),
                tenant: row.try_get(3)?,
                subject: uuid("audit_entries", row.try_get(4)?)?,
                act: row.try_get(5)?,
                trace: row.try_get::<Option<&[u8]>, _>(8)?.map(|trace| uuid("audit_entries", trace)).transpose()?,
                leaf: row.try_get(6)?,
                body,
                absent,
            })
        })
        .collect()
}

pub(super) async fn tiles_from(connection: &mut SqliteConnection, level: i64, index: i64, limit: u32) -> Result<Vec<StoredTile>> {
    let statement = "SELECT idx, hashes FROM audit_tiles WHERE level = ?1 AND idx >= ?2 ORDER BY idx LIMIT ?3";
    let rows = sqlx::query(statement).bind(level).bind(index).bind(i64::from(limit)).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(StoredTile { level, index: row.try_get(0)?, hashes: row.try_get(1)? })).collect()
}

pub(super) async fn stored_tiles(connection: &mut SqliteConnection) -> Result<Vec<(i64, i64)>> {
    Ok(sqlx::query_as("SELECT level, idx FROM audit_tiles ORDER BY level, idx").fetch_all(connection).await?)
}

pub(super) async fn stored_checkpoints(connection: &mut SqliteConnection) -> Result<Vec<StoredCheckpoint>> {
    let rows = sqlx::query("SELECT size, root, at, note FROM audit_checkpoints ORDER BY size").fetch_all(connection).await?;
    rows.iter().map(checkpoint).collect()
}

pub(super) async fn last_checkpoint(connection: &mut SqliteConnection) -> Result<Option<StoredCheckpoint>> {
    let statement = "SELECT size, root, at, note FROM audit_checkpoints ORDER BY size DESC LIMIT 1";
    sqlx::query(statement).fetch_optional(connection).await?.as_ref().map(checkpoint).transpose()
}

pub(super) async fn checkpoint_over(connection: &mut SqliteConnection, size: i64) -> Result<Option<StoredCheckpoint>> {
    let statement = "SELECT size, root, at, note FROM audit_checkpoints WHERE size >= ?1 ORDER BY size LIMIT 1";
    sqlx::query(statement).bind(size).fetch_optional(connection).await?.as_ref().map(checkpoint).transpose()
}

fn checkpoint(row: &SqliteRow) -> Result<StoredCheckpoint> {
    Ok(StoredCheckpoint {
        size: row.try_get("size")?,
        root: row.try_get("root")?,
        at: Timestamp(row.try_get("at")?),
        note: row.try_get("note")?,
    })
}

/// A declaration of whose acceptance the log does not tell.
pub(super) async fn untold(connection: &mut SqliteConnection) -> Result<Option<DeclarationId>> {
    let row = sqlx::query(
        "SELECT d.id FROM declarations d \
         WHERE NOT EXISTS (SELECT 1 FROM audit_entries e WHERE e.subject = d.id AND e.act = 'accept') ORDER BY d.id LIMIT 1",
    )
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(|row| id("declarations", row, "id").map(DeclarationId)).transpose()
}

/// Entries under a checkpoint, then, if wanted, those that no checkpoint covers yet.
pub(super) async fn entries(connection: &mut SqliteConnection, archives: &Archives, filter: &EntryFilter) -> Result<Vec<PlacedEntry>> {
    let mut found = if filter.trace.is_some() {
        // Each of the two has an index in the order of the log; asked for together they would be sorted whole.
        let mut found = select(connection, archives, filter, Some("trace = ?10")).await?;
        found.extend(select(connection, archives, filter, Some("subject = ?10 AND trace IS NULL")).await?);
        found.sort_unstable_by_key(|(position, _)| *position);
        found
    } else {
        select(connection, archives, filter, None).await?
    };
    found.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
    Ok(found.into_iter().map(|(_, placed)| placed).collect())
}

/// Entries with their places, those under no checkpoint as well.
async fn select(
    connection: &mut SqliteConnection,
    archives: &Archives,
    filter: &EntryFilter,
    of_trace: Option<&'static str>,
) -> Result<Vec<(i64, PlacedEntry)>> {
    let subjects = filter.subjects.as_ref().map(|ids| json(&ids.iter().map(|id| hex(*id)).collect::<Vec<_>>())).transpose()?;
    let size = size(connection).await?;
    // Only the conditions that are asked for, so that each plan uses its index.
    let mut conditions = vec!["?6 IS NOT NULL"];
    conditions.extend(filter.tenant.is_some().then_some("tenant = ?1"));
    conditions.extend(subjects.is_some().then_some("subject IN (SELECT unhex(value) FROM json_each(?2))"));
    conditions.extend(of_trace);
    conditions.extend(filter.act.is_some().then_some("act = ?3"));
    conditions.extend(filter.from.is_some().then_some("at >= ?4"));
    conditions.extend(filter.to.is_some().then_some("at < ?5"));
    conditions.extend(filter.after.is_some().then_some("position > ?7"));
    conditions.extend((!filter.pending).then_some("position < ?8"));
    conditions.extend(filter.before.is_some().then_some("position < ?9"));
    let statement = format!(
        "SELECT position, id, at, tenant, subject, act, body FROM audit_entries WHERE {} AND (?7 IS NULL OR ?8 IS NULL OR ?9 IS NULL OR ?10 IS NULL OR true) ORDER BY position LIMIT ?6",
        conditions.join(" AND ")
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(filter.tenant.as_ref().map(|tenant| tenant.as_str()))
        .bind(subjects.as_deref())
        .bind(filter.act.as_deref())
        .bind(filter.from.map(|at| at.0))
        .bind(filter.to.map(|at| at.0))
        .bind(filter.limit)
        .bind(filter.after)
        .bind(size)
        .bind(filter.before)
        .bind(filter.trace.map(|trace| trace.as_bytes().to_vec()))
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let position: i64 = row.try_get("position")?;
            let entry = match retaining::entry(archives, position, row.try_get("body")?) {
                (body, None) => entry("audit_entries", &body)?,
                (_, Some(absent)) => away(row, &absent)?,
            };
            Ok((position, PlacedEntry { position: (position < size).then_some(position), entry }))
        })
        .collect()
}

/// What the columns tell of an entry whose body is not at hand.
fn away(row: &SqliteRow, absent: &Absent) -> Result<Entry> {
    const TABLE: &str = "audit_entries";
    Ok(Entry {
        id: id(TABLE, row, "id")?,
        at: Timestamp(row.try_get("at")?),
        actor: Actor::gateway(tenant(TABLE, row.try_get("tenant")?)?, ""),
        act: row.try_get("act")?,
        subject: id(TABLE, row, "subject")?,
        changes: Vec::new(),
        why: absent.told(),
    })
}

fn entry(table: &'static str, body: &[u8]) -> Result<Entry> {
    serde_json::from_slice(body).map_err(|error| inconsistent(table, format!("an entry: {error}")))
}
