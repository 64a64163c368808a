//! What declarations say, read once: it changes only when one is amended, and every step of a life asks for it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use uuid::Uuid;

use super::Acceptance;
use crate::{
    archive::Archives,
    clock::Timestamp,
    declaration::{Declaration, DeclarationId},
    dossier::Dossier,
    lane::Plan,
    party::{Tenant, Trace},
};

/// Declarations that are remembered: a few KiB each.
const REMEMBERED: usize = 8_192;

/// What hardly ever changes of a declaration.
#[derive(Debug)]
pub(super) struct Paper {
    /// How often it was amended: another number means that this paper is an old one.
    pub revision: i64,
    pub tenant: Tenant,
    pub accepted_at: Timestamp,
    pub needed_by: Timestamp,
    pub plan: Plan,
    pub declaration: Arc<Declaration>,
    pub trace: Option<Trace>,
}

impl Paper {
    /// The paper of what is being accepted.
    pub(super) fn of(acceptance: &Acceptance, now: Timestamp) -> Self {
        Self {
            revision: 0,
            tenant: acceptance.actor.tenant.clone(),
            accepted_at: now,
            needed_by: acceptance.needed_by,
            plan: acceptance.plan.clone(),
            declaration: Arc::clone(&acceptance.declaration),
            trace: acceptance.actor.trace,
        }
    }

    /// A declaration with the number of its waybill, its documents still to come.
    pub(super) fn dossier(&self, id: DeclarationId, waybill_no: Option<String>) -> Dossier {
        Dossier {
            id,
            tenant: self.tenant.clone(),
            accepted_at: self.accepted_at,
            needed_by: self.needed_by,
            declaration: Arc::clone(&self.declaration),
            waybill_no,
            plan: self.plan.clone(),
            documents: Vec::with_capacity(3),
            recorded: Arc::default(),
            trace: self.trace,
        }
    }
}

/// The papers read last, and where those are that were archived.
#[derive(Debug, Default)]
pub(super) struct Papers {
    remembered: Mutex<Remembered>,
    pub archives: Archives,
}

#[derive(Debug, Default)]
struct Remembered {
    papers: HashMap<Uuid, Arc<Paper>>,
    /// By when they came; the eldest goes first.
    order: VecDeque<Uuid>,
}

impl Papers {
    /// None yet, over archives.
    pub(super) fn over(archives: Archives) -> Self {
        Self { remembered: Mutex::default(), archives }
    }

    /// Remembers what was just accepted and committed.
    pub(super) fn accepted(&self, accepted: Vec<(Uuid, Paper)>) {
        self.remember(&accepted.into_iter().map(|(id, paper)| (id, Arc::new(paper))).collect::<Vec<_>>());
    }

    /// Those that are remembered in the revision asked for, and the ids of those that are to be read.
    pub(super) fn recall(&self, ids: &[(Uuid, i64)]) -> (HashMap<Uuid, Arc<Paper>>, Vec<Uuid>) {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = HashMap::with_capacity(ids.len());
        let mut missing = Vec::new();
        for (id, revision) in ids {
            match remembered.papers.get(id).filter(|paper| paper.revision == *revision) {
                Some(paper) => drop(found.insert(*id, Arc::clone(paper))),
                None => missing.push(*id),
            }
        }
        (found, missing)
    }

    /// Remembers what was read.
    pub(super) fn remember(&self, read: &[(Uuid, Arc<Paper>)]) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
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
