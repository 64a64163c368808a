//! What nodes say of themselves.

use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::rows::{Result, column, from_json, json, readable};
use crate::{
    clock::Timestamp,
    store::nodes::{KeptNode, MOST_NODES},
};

/// Writes a node's row. One that was overtaken by a later word of the same node changes nothing.
pub(super) async fn beat(connection: &mut PgConnection, node: &KeptNode) -> Result<()> {
    sqlx::query(
        "INSERT INTO nodes (id, name, roles, version, sections, clocks, started_at, seen_at, until, beats) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, roles = excluded.roles, version = excluded.version, \
         sections = excluded.sections, clocks = excluded.clocks, started_at = excluded.started_at, seen_at = excluded.seen_at, \
         until = excluded.until, beats = excluded.beats WHERE nodes.beats <= excluded.beats",
    )
    .bind(node.id)
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

pub(super) async fn nodes(connection: &mut PgConnection) -> Result<Vec<KeptNode>> {
    let statement =
        "SELECT id, name, roles, version, sections, clocks, started_at, seen_at, until, beats FROM nodes ORDER BY id DESC LIMIT $1";
    let rows = sqlx::query(statement).bind(MOST_NODES).fetch_all(connection).await?;
    // Those that started first stand first; where there are more than are shown, the oldest are left out.
    Ok(rows.iter().rev().filter_map(|row| readable(node(row))).collect())
}

fn node(row: &PgRow) -> crate::store::Result<KeptNode> {
    const TABLE: &str = "nodes";
    Ok(KeptNode {
        id: row.try_get("id")?,
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
pub(super) async fn forget(connection: &mut PgConnection, gone: &[(Uuid, i64)]) -> Result<()> {
    sqlx::query("DELETE FROM nodes USING unnest($1::uuid[], $2::bigint[]) AS gone (id, beats) WHERE nodes.id = gone.id AND nodes.beats <= gone.beats")
        .bind(column(gone, |(id, _)| *id))
        .bind(column(gone, |(_, beats)| *beats))
        .execute(connection)
        .await?;
    Ok(())
}
