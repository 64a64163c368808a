//! What declarations say, read once: it never changes after acceptance, and every step of a life asks for it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::rows::{from_json, hex, id, json, readable, tenant};
use crate::{
    clock::Timestamp,
    declaration::Declaration,
    lane::Plan,
    party::Tenant,
    store::{Acceptance, Result},
};

/// Declarations that are remembered: a few KiB each.
const REMEMBERED: usize = 8_192;

/// What never changes of a declaration.
#[derive(Debug)]
pub(super) struct Paper {
    pub tenant: Tenant,
    pub accepted_at: Timestamp,
    pub needed_by: Timestamp,
    pub plan: Plan,
    pub declaration: Arc<Declaration>,
}

impl Paper {
    /// The paper of what is being accepted.
    pub(super) fn of(acceptance: &Acceptance, now: Timestamp) -> Self {
        Self {
            tenant: acceptance.actor.tenant.clone(),
            accepted_at: now,
            needed_by: acceptance.needed_by,
            plan: acceptance.plan.clone(),
            declaration: Arc::clone(&acceptance.declaration),
        }
    }
}

/// The papers read last.
#[derive(Debug, Default)]
pub(super) struct Papers(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    papers: HashMap<Uuid, Arc<Paper>>,
    /// By when they came; the eldest goes first.
    order: VecDeque<Uuid>,
}

impl Papers {
    /// The papers of declarations; those that are not there or cannot be read are left out.
    pub(super) async fn of(&self, connection: &mut SqliteConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, Arc<Paper>>> {
        let (mut found, missing) = self.recall(ids);
        if missing.is_empty() {
            return Ok(found);
        }
        let rows = sqlx::query(
            "SELECT d.id, d.tenant, d.accepted_at, d.needed_by, d.plan, d.body FROM json_each(?1) j \
             CROSS JOIN declarations d ON d.id = unhex(j.value)",
        )
        .bind(json(&missing)?)
        .fetch_all(connection)
        .await?;
        let read: Vec<_> = rows.iter().filter_map(|row| readable(paper(row))).collect();
        self.remember(&read);
        found.extend(read);
        Ok(found)
    }

    /// Remembers what was just accepted and committed.
    pub(super) fn accepted(&self, accepted: Vec<(Uuid, Paper)>) {
        self.remember(&accepted.into_iter().map(|(id, paper)| (id, Arc::new(paper))).collect::<Vec<_>>());
    }

    fn recall(&self, ids: &[Uuid]) -> (HashMap<Uuid, Arc<Paper>>, Vec<String>) {
        let remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = HashMap::with_capacity(ids.len());
        let mut missing = Vec::new();
        for id in ids {
            match remembered.papers.get(id) {
                Some(paper) => drop(found.insert(*id, Arc::clone(paper))),
                None => missing.push(hex(*id)),
            }
        }
        (found, missing)
    }

    fn remember(&self, read: &[(Uuid, Arc<Paper>)]) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, paper) in read {
            if remembered.papers.insert(*id, Arc::clone(paper)).is_none() {
                remembered.order.push_back(*id);
            }
        }
        while remembered.order.len() > REMEMBERED {
            if let Some(eldest) = remembered.order.pop_front() {
                remembered.papers.remove(&eldest);
            }
        }
    }
}

fn paper(row: &SqliteRow) -> Result<(Uuid, Arc<Paper>)> {
    const TABLE: &str = "declarations";
    let paper = Paper {
        tenant: tenant(TABLE, row.try_get("tenant")?)?,
        accepted_at: Timestamp(row.try_get("accepted_at")?),
        needed_by: Timestamp(row.try_get("needed_by")?),
        plan: from_json(TABLE, row.try_get("plan")?)?,
        declaration: Arc::new(from_json(TABLE, row.try_get("body")?)?),
    };
    Ok((id(TABLE, row, "id")?, Arc::new(paper)))
}
