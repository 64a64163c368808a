//! What declarations say, as it is kept here.

use std::{collections::HashMap, sync::Arc};

use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::rows::{Result, from_json, readable, tenant, trace};
use crate::{
    archive::{Archives, Part},
    clock::Timestamp,
    store::{
        Error, Traces,
        papers::{Paper, Papers},
        retaining::text,
    },
};

/// The papers of declarations in their present revisions; those that are not there or cannot be read are left out.
pub(super) async fn of(connection: &mut PgConnection, known: &Papers, ids: &[(Uuid, i64)]) -> Result<HashMap<Uuid, Arc<Paper>>> {
    let (mut found, missing) = known.recall(ids);
    if missing.is_empty() {
        return Ok(found);
    }
    let statement = "SELECT d.id, d.tenant, d.accepted_at, d.needed_by, d.revision, d.plan, d.body, d.trace FROM unnest($1::uuid[]) AS j (id) \
         CROSS JOIN LATERAL (SELECT * FROM declarations WHERE id = j.id LIMIT 1) d";
    let rows = sqlx::query(statement).bind(missing).fetch_all(connection).await?;
    let read: Vec<_> = rows.iter().filter_map(|row| readable(paper(&known.archives, row))).collect();
    known.remember(&read);
    found.extend(read);
    Ok(found)
}

/// The traces in which declarations were submitted.
pub(super) async fn traces(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Traces> {
    let statement = "SELECT d.id, d.trace FROM unnest($1::uuid[]) AS j (id) \
         CROSS JOIN LATERAL (SELECT id, trace FROM declarations WHERE id = j.id LIMIT 1) d WHERE d.trace IS NOT NULL";
    let rows = sqlx::query(statement).bind(ids).fetch_all(connection).await?;
    let read = |row: &PgRow| Ok((row.try_get("id")?, trace("declarations", row.try_get("trace")?)?));
    let read = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(read.into_iter().filter_map(|(id, trace)| Some((id, trace?))).collect())
}

/// Why a declaration that is there has no paper.
///
/// # Errors
/// It was archived, and the archive cannot give it.
pub(super) async fn why(connection: &mut PgConnection, known: &Papers, asked: Uuid) -> Result<()> {
    let statement = "SELECT id, tenant, accepted_at, needed_by, revision, plan, body, trace FROM declarations WHERE id = $1";
    let row = sqlx::query(statement).bind(asked).fetch_optional(connection).await?;
    match row.map(|row| paper(&known.archives, &row)) {
        Some(Err(error @ Error::Archived(_))) => Err(error.into()),
        _ => Ok(()),
    }
}

fn paper(archives: &Archives, row: &PgRow) -> crate::store::Result<(Uuid, Arc<Paper>)> {
    const TABLE: &str = "declarations";
    let key: Uuid = row.try_get("id")?;
    let paper = Paper {
        revision: row.try_get("revision")?,
        tenant: tenant(TABLE, row.try_get("tenant")?)?,
        accepted_at: Timestamp(row.try_get("accepted_at")?),
        needed_by: Timestamp(row.try_get("needed_by")?),
        plan: from_json(TABLE, row.try_get("plan")?)?,
        declaration: Arc::new(from_json(TABLE, &text(archives, Part::Declaration, || key.to_string(), row.try_get("body")?)?)?),
        trace: trace(TABLE, row.try_get("trace")?)?,
    };
    Ok((key, Arc::new(paper)))
}
