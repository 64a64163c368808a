//! The audit log's tables: what waits for its place, entries in their place, full tiles, signed checkpoints.

use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::rows::{Result, digest, inconsistent};
use crate::{
    audit::{Entry, Hash},
    clock::Timestamp,
    declaration::DeclarationId,
    store::{EntryFilter, LogHead, PendingEntry, PlacedEntry, StoredCheckpoint, StoredRow, StoredTile},
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
        "SELECT u.id, u.leaf FROM audit_pending p CROSS JOIN LATERAL unnest(p.ids, p.leaves) WITH ORDINALITY AS u (id, leaf, place) \
         ORDER BY p.at, p.id, u.place LIMIT $1",
    )
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok(PendingEntry { id: row.try_get(0)?, leaf: Hash::new(digest("audit_pending", row.try_get(1)?)?) })).collect()
}

pub(super) async fn head(connection: &mut PgConnection) -> Result<LogHead> {
    let size = size(connection).await?;
    let rows = sqlx::query("SELECT leaf FROM audit_entries WHERE position >= $1 AND position < $2 ORDER BY position")
        .bind(size - size % TILE)
        .bind(size)
        .fetch_all(&mut *connection)
        .await?;
    let leaves = rows.iter().map(|row| Ok(digest("audit_entries", row.try_get(0)?)?)).collect::<Result<Vec<_>>>()?;
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

pub(super) async fn stored_entries(connection: &mut PgConnection, from: i64, limit: u32) -> Result<Vec<StoredRow>> {
    let rows = sqlx::query(
        "SELECT position, id, at, tenant, subject, act, leaf, body FROM audit_entries WHERE position >= $1 ORDER BY position LIMIT $2",
    )
    .bind(from)
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(StoredRow {
                position: row.try_get("position")?,
                id: row.try_get("id")?,
                at: Timestamp(row.try_get("at")?),
                tenant: row.try_get("tenant")?,
                subject: row.try_get("subject")?,
                act: row.try_get("act")?,
                leaf: row.try_get("leaf")?,
                body: row.try_get("body")?,
            })
        })
        .collect()
}

pub(super) async fn stored_tile(connection: &mut PgConnection, level: i64, index: i64) -> Result<Option<Vec<u8>>> {
    let statement = "SELECT hashes FROM audit_tiles WHERE level = $1 AND idx = $2";
    Ok(sqlx::query_scalar(statement).bind(level).bind(index).fetch_optional(connection).await?)
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

fn checkpoint(row: &PgRow) -> Result<StoredCheckpoint> {
    Ok(StoredCheckpoint {
        size: row.try_get("size")?,
        root: row.try_get("root")?,
        at: Timestamp(row.try_get("at")?),
        note: row.try_get("note")?,
    })
}

/// A declaration of whose acceptance the log does not tell, in its place or waiting for it.
pub(super) async fn untold(connection: &mut PgConnection) -> Result<Option<DeclarationId>> {
    let untold = sqlx::query_scalar(
        "SELECT d.id FROM declarations d \
         WHERE NOT EXISTS (SELECT 1 FROM audit_entries e WHERE e.subject = d.id AND e.act = 'accept') \
         AND NOT EXISTS (SELECT 1 FROM audit_pending p CROSS JOIN LATERAL unnest(p.subjects, p.acts) AS u (subject, act) WHERE u.subject = d.id AND u.act = 'accept') \
         ORDER BY d.id LIMIT 1",
    );
    Ok(untold.fetch_optional(connection).await?.map(DeclarationId))
}

/// Entries in their place, then, if wanted, those that wait for one.
pub(super) async fn entries(connection: &mut PgConnection, filter: &EntryFilter) -> Result<Vec<PlacedEntry>> {
    let mut found = select(connection, filter, "position, body FROM audit_entries", Some("position > $7"), "position").await?;
    let left = filter.limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
    if filter.pending && left > 0 {
        let rows = "NULL::bigint AS position, body FROM audit_pending p CROSS JOIN LATERAL \
             unnest(p.ats, p.tenants, p.subjects, p.acts, p.bodies) WITH ORDINALITY AS u (at, tenant, subject, act, body, place)";
        let rest = EntryFilter { limit: left, ..filter.clone() };
        found.extend(select(connection, &rest, rows, None, "p.at, p.id, u.place").await?);
    }
    Ok(found)
}

async fn select(
    connection: &mut PgConnection,
    filter: &EntryFilter,
    rows: &str,
    after: Option<&'static str>,
    order: &str,
) -> Result<Vec<PlacedEntry>> {
    let waits = if after.is_none() { "u." } else { "" };
    // Only the conditions that are asked for, so that each plan uses its index.
    let mut conditions = vec!["$6 > 0".to_owned(), "($7::bigint IS NULL OR true)".to_owned()];
    let mut ask = |is_asked: bool, condition: &str| conditions.extend(is_asked.then(|| condition.replace("%", waits)));
    ask(filter.tenant.is_some(), "%tenant = $1::text");
    ask(filter.subjects.is_some(), "%subject = ANY($2::uuid[])");
    ask(filter.act.is_some(), "%act = $3::text");
    ask(filter.from.is_some(), "%at >= $4::bigint");
    ask(filter.to.is_some(), "%at < $5::bigint");
    conditions.extend(after.filter(|_| filter.after.is_some()).map(str::to_owned));
    let typed = "($1::text, $2::uuid[], $3::text, $4::bigint, $5::bigint) IS NOT NULL OR true";
    let statement = format!("SELECT {rows} WHERE {} AND ({typed}) ORDER BY {order} LIMIT $6", conditions.join(" AND "));
    let found = sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(filter.tenant.as_ref().map(|tenant| tenant.as_str()))
        .bind(filter.subjects.as_deref())
        .bind(filter.act.as_deref())
        .bind(filter.from.map(|at| at.0))
        .bind(filter.to.map(|at| at.0))
        .bind(i64::from(filter.limit))
        .bind(filter.after)
        .fetch_all(connection)
        .await?;
    found.iter().map(|row| Ok(PlacedEntry { position: row.try_get(0)?, entry: entry("audit_entries", row.try_get(1)?)? })).collect()
}

fn entry(table: &'static str, body: &[u8]) -> Result<Entry> {
    Ok(serde_json::from_slice(body).map_err(|error| inconsistent(table, format!("an entry: {error}")))?)
}
