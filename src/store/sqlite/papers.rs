//! What declarations say, as it is kept here.

use std::{collections::HashMap, sync::Arc};

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::rows::{from_json, hex, id, json, readable, tenant, trace};
use crate::{
    archive::{Archives, Part},
    clock::Timestamp,
    store::{Error, Result, Traces, retaining::text},
};

pub(super) use crate::store::papers::{Paper, Papers};

/// The traces in which declarations were submitted.
pub(super) async fn traces(connection: &mut SqliteConnection, ids: &[Uuid]) -> Result<Traces> {
    let statement =
        "SELECT d.id, d.trace FROM json_each(?1) j CROSS JOIN declarations d ON d.id = unhex(j.value) WHERE d.trace IS NOT NULL";
    let asked = json(&ids.iter().map(|id| hex(*id)).collect::<Vec<_>>())?;
    let rows = sqlx::query(statement).bind(asked).fetch_all(connection).await?;
    let read = |row: &SqliteRow| Ok((id("declarations", row, "id")?, trace("declarations", row.try_get("trace")?)?));
    let read = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(read.into_iter().filter_map(|(id, trace)| Some((id, trace?))).collect())
}

impl Papers {
    /// The papers of declarations in their present revisions; those that are not there or cannot be read are left out.
    pub(super) async fn of(&self, connection: &mut SqliteConnection, ids: &[(Uuid, i64)]) -> Result<HashMap<Uuid, Arc<Paper>>> {
        let (mut found, missing) = self.recall(ids);
        if missing.is_empty() {
            return Ok(found);
        }
        let rows = sqlx::query(
            "SELECT d.id, d.tenant, d.accepted_at, d.needed_by, d.revision, d.plan, d.body, d.trace FROM json_each(?1) j \
             CROSS JOIN declarations d ON d.id = unhex(j.value)",
        )
        .bind(json(&missing.iter().map(|id| hex(*id)).collect::<Vec<_>>())?)
        .fetch_all(connection)
        .await?;
        let read: Vec<_> = rows.iter().filter_map(|row| readable(paper(&self.archives, row))).collect();
        self.remember(&read);
        found.extend(read);
        Ok(found)
    }

    /// Why a declaration that is there has no paper.
    ///
    /// # Errors
    /// It was archived, and the archive cannot give it.
    pub(super) async fn why(&self, connection: &mut SqliteConnection, asked: Uuid) -> Result<()> {
        let statement = "SELECT id, tenant, accepted_at, needed_by, revision, plan, body, trace FROM declarations WHERE id = ?1";
        let row = sqlx::query(statement).bind(asked.as_bytes().as_slice()).fetch_optional(connection).await?;
        match row.map(|row| paper(&self.archives, &row)) {
            Some(Err(error @ Error::Archived(_))) => Err(error),
            _ => Ok(()),
        }
    }
}

fn paper(archives: &Archives, row: &SqliteRow) -> Result<(Uuid, Arc<Paper>)> {
    const TABLE: &str = "declarations";
    let key = id(TABLE, row, "id")?;
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
