//! What nodes say of themselves: with one process to a file, only one at a time.

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::rows::{from_json, hex, id, json, readable};
use crate::{
    clock::Timestamp,
    store::{
        Result,
        nodes::{KeptNode, MOST_NODES},
    },
};

/// Writes a node's row. One that was overtaken by a later word of the same node changes nothing.
pub(super) async fn beat(connection: &mut SqliteConnection, node: &KeptNode) -> Result<()> {
    sqlx::query(
        "INSERT INTO nodes (id, name, roles, version, sections, clocks, started_at, seen_at, until, beats) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, roles = excluded.roles, version = excluded.version, \
         sections = excluded.sections, clocks = excluded.clocks, started_at = excluded.started_at, seen_at = excluded.seen_at, \
         until = excluded.until, beats = excluded.beats WHERE nodes.beats <= excluded.beats",
    )
    .bind(node.id.as_bytes().as_slice())
    .bind(&node.name)
    .bind(&node.roles)
    .bind(&node.version)
    .bind(json(&node.sections)?)
    .bind(json(&node.clocks)?)
    .bind(node.started_at.0)
    .bind(node.seen_at.0)
    .bind(node.until.0)
    .bind(node.beats)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn nodes(connection: &mut SqliteConnection) -> Result<Vec<KeptNode>> {
    let statement =
        "SELECT id, name, roles, version, sections, clocks, started_at, seen_at, until, beats FROM nodes ORDER BY id DESC LIMIT ?1";
    let rows = sqlx::query(statement).bind(MOST_NODES).fetch_all(connection).await?;
    // Those that started first stand first; where there are more than are shown, the oldest are left out.
    Ok(rows.iter().rev().filter_map(|row| readable(node(row))).collect())
}

fn node(row: &SqliteRow) -> Result<KeptNode> {
    const TABLE: &str = "nodes";
    Ok(KeptNode {
        id: id(TABLE, row, "id")?,
        name: row.try_get("name")?,
        roles: row.try_get("roles")?,
        version: row.try_get("version")?,
        sections: from_json(TABLE, row.try_get("sections")?)?,
        clocks: from_json(TABLE, row.try_get("clocks")?)?,
        started_at: Timestamp(row.try_get("started_at")?),
        seen_at: Timestamp(row.try_get("seen_at")?),
        until: Timestamp(row.try_get("until")?),
        beats: row.try_get("beats")?,
    })
}

/// Removes nodes that have said nothing since the beat named.
pub(super) async fn forget(connection: &mut SqliteConnection, gone: &[(Uuid, i64)]) -> Result<()> {
    let gone: Vec<_> = gone.iter().map(|(id, beats)| (hex(*id), *beats)).collect();
    sqlx::query(
        "DELETE FROM nodes WHERE EXISTS (SELECT 1 FROM json_each(?1) j \
         WHERE nodes.id = unhex(j.value ->> 0) AND nodes.beats <= (j.value ->> 1))",
    )
    .bind(json(&gone)?)
    .execute(connection)
    .await?;
    Ok(())
}
