//! What declarations say, as it is kept here.

use std::{collections::HashMap, sync::Arc};

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::rows::{from_json, hex, id, json, readable, tenant, trace};
use crate::{clock::Timestamp, store::Result};

pub(super) use crate::store::papers::{Paper, Papers};

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
        let read: Vec<_> = rows.iter().filter_map(|row| readable(paper(row))).collect();
        self.remember(&read);
        found.extend(read);
        Ok(found)
    }
}

fn paper(row: &SqliteRow) -> Result<(Uuid, Arc<Paper>)> {
    const TABLE: &str = "declarations";
    let paper = Paper {
        revision: row.try_get("revision")?,
        tenant: tenant(TABLE, row.try_get("tenant")?)?,
        accepted_at: Timestamp(row.try_get("accepted_at")?),
        needed_by: Timestamp(row.try_get("needed_by")?),
        plan: from_json(TABLE, row.try_get("plan")?)?,
        declaration: Arc::new(from_json(TABLE, row.try_get("body")?)?),
        trace: trace(TABLE, row.try_get("trace")?)?,
    };
    Ok((id(TABLE, row, "id")?, Arc::new(paper)))
}
