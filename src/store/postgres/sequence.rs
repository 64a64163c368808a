//! Giving entries their place. Nobody needs a lock: the keys of the log and of its checkpoints let only one come first.

use std::collections::HashMap;

use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::{
    log,
    rows::{Result, column, inconsistent},
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
    let waiting = waiting(connection, sequencing).await?;
    if waiting.is_in_order {
        move_whole(connection, sequencing.expected_size, entries, &waiting.keys).await?;
    } else {
        move_some(connection, sequencing, &waiting.keys).await?;
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

type Key = (i64, Uuid);

/// Where the entries wait that are to get their place.
struct Waiting {
    /// The rows that hold them, in order.
    keys: Vec<Key>,
    /// Whether these rows hold nothing else, and in just this order.
    is_in_order: bool,
}

async fn waiting(connection: &mut PgConnection, sequencing: &Sequencing) -> Result<Waiting> {
    let wanted: HashMap<Uuid, usize> = sequencing.entries.iter().enumerate().map(|(place, (id, _))| (*id, place)).collect();
    let (mut keys, mut found, mut is_in_order) = (Vec::new(), 0, true);
    let mut after: Key = (i64::MIN, Uuid::nil());
    while found < wanted.len() {
        // They stand among the first, but a command that took its time may have put its own before them since.
        let statement = "SELECT at, id, ids FROM audit_pending WHERE (at, id) > ($1, $2) ORDER BY at, id LIMIT 256";
        let rows = sqlx::query(statement).bind(after.0).bind(after.1).fetch_all(&mut *connection).await?;
        let Some(last) = rows.last() else { return Err(gone(connection, sequencing).await?) };
        after = (last.try_get(0)?, last.try_get(1)?);
        for row in &rows {
            let ids: Vec<Uuid> = row.try_get(2)?;
            let here = ids.iter().filter(|id| wanted.contains_key(id)).count();
            if here > 0 {
                is_in_order &= ids.iter().enumerate().all(|(place, id)| wanted.get(id) == Some(&(found + place)));
                keys.push((row.try_get(0)?, row.try_get(1)?));
                found += here;
            }
        }
    }
    Ok(Waiting { keys, is_in_order })
}

/// Another has given them their place, or else they were taken away.
async fn gone(connection: &mut PgConnection, sequencing: &Sequencing) -> Result<Failed> {
    if log::size(connection).await? == sequencing.expected_size {
        return Ok(inconsistent("audit_pending", "entries that were to be covered are gone").into());
    }
    Ok(Failed::Raced("the log's size"))
}

/// Moves whole rows, within the server.
async fn move_whole(connection: &mut PgConnection, first: i64, entries: i64, keys: &[Key]) -> Result<()> {
    let moved = sqlx::query(
        "WITH gone AS (DELETE FROM audit_pending p USING unnest($1::bigint[], $2::uuid[]) AS k (at, id) WHERE p.at = k.at AND p.id = k.id RETURNING p.*) \
         INSERT INTO audit_entries (position, id, at, tenant, subject, act, leaf, body) \
         SELECT $3 + row_number() OVER (ORDER BY g.at, g.id, u.place) - 1, u.id, u.at, u.tenant, u.subject, u.act, u.leaf, u.body \
         FROM gone g CROSS JOIN LATERAL unnest(g.ids, g.ats, g.tenants, g.subjects, g.acts, g.leaves, g.bodies) WITH ORDINALITY \
         AS u (id, at, tenant, subject, act, leaf, body, place)",
    )
    .bind(column(keys, |(at, _)| *at))
    .bind(column(keys, |(_, id)| *id))
    .bind(first)
    .execute(connection)
    .await?;
    if i64::try_from(moved.rows_affected()).ok() == Some(entries) { Ok(()) } else { Err(Failed::Raced("the entries that wait")) }
}

/// Moves some entries out of their rows and in another order; the others go on waiting.
async fn move_some(connection: &mut PgConnection, sequencing: &Sequencing, keys: &[Key]) -> Result<()> {
    let moved = sqlx::query(
        "WITH gone AS (DELETE FROM audit_pending p USING unnest($1::bigint[], $2::uuid[]) AS k (at, id) WHERE p.at = k.at AND p.id = k.id RETURNING p.*), \
         each AS MATERIALIZED ( \
           SELECT g.at AS row_at, g.id AS row_id, u.*, w.position FROM gone g \
           CROSS JOIN LATERAL unnest(g.ids, g.ats, g.tenants, g.subjects, g.acts, g.leaves, g.bodies) WITH ORDINALITY \
           AS u (id, at, tenant, subject, act, leaf, body, place) \
           LEFT JOIN unnest($3::uuid[]) WITH ORDINALITY AS w (id, position) ON w.id = u.id \
         ), \
         rest AS (INSERT INTO audit_pending (at, id, ids, ats, tenants, subjects, acts, leaves, bodies) \
           SELECT row_at, (array_agg(id ORDER BY place))[1], array_agg(id ORDER BY place), array_agg(at ORDER BY place), array_agg(tenant ORDER BY place), \
           array_agg(subject ORDER BY place), array_agg(act ORDER BY place), array_agg(leaf ORDER BY place), array_agg(body ORDER BY place) \
           FROM each WHERE position IS NULL GROUP BY row_at, row_id) \
         INSERT INTO audit_entries (position, id, at, tenant, subject, act, leaf, body) \
         SELECT $4 + position - 1, id, at, tenant, subject, act, leaf, body FROM each WHERE position IS NOT NULL ORDER BY position",
    )
    .bind(column(keys, |(at, _)| *at))
    .bind(column(keys, |(_, id)| *id))
    .bind(column(&sequencing.entries, |(id, _)| *id))
    .bind(sequencing.expected_size)
    .execute(connection)
    .await?;
    let is_all = usize::try_from(moved.rows_affected()).ok() == Some(sequencing.entries.len());
    if is_all { Ok(()) } else { Err(Failed::Raced("the entries that wait")) }
}
