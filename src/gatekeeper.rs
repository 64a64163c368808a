//! Looks at the gates: an inventory that waits leaves once order and waybill are where its lane wants them
//! ([`crate::lane::gate`]). It also makes the waybill's own document once the order tells who transmits it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};
use tracing::{info, warn};

use crate::{
    audit::Difference,
    clock::{Clockwork, Timestamp},
    declaration::{Action, DocumentGuid, Kind},
    dossier::{Document, Dossier},
    lane::{self, Case, Duty, Gate, Lane},
    party::Sender,
    queue::Backoff,
    state::{self, Event, Next, State},
    store::{Application, Change, KeptWaybill, Store, Written},
    task::{self, Error, Note, Pace, Task},
};

const NAME: &str = "gatekeeper";

/// How gates are looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Milliseconds between two looks when nothing hints at work.
    pub poll_ms: u64,
    /// Declarations in one pass.
    pub batch: u32,
    /// Seconds before the next look where a waybill has nobody to transmit it.
    pub again_s: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { poll_ms: 500, batch: 1_000, again_s: 60 }
    }
}

/// The task.
#[derive(Clone)]
pub struct Gatekeeper {
    store: Arc<dyn Store>,
    clockwork: Clockwork,
    lanes: Arc<[Lane]>,
    senders: Arc<[Sender]>,
    options: Options,
}

impl Gatekeeper {
    /// Joins its parts.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clockwork: Clockwork, lanes: Arc<[Lane]>, senders: Arc<[Sender]>, options: Options) -> Self {
        Self { store, clockwork, lanes, senders, options }
    }

    /// Runs until stopped.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let pace = Pace { poll: Duration::from_millis(self.options.poll_ms), rest: Duration::ZERO, backoff: Backoff::default() };
        task::run(&self, pace, &self.clockwork, stop).await;
    }

    /// What one look at a gate decides; nothing if there is no gate.
    async fn look(&self, dossier: &Dossier, now: Timestamp) -> Result<Option<Change>, Error> {
        let Some(inventory) = dossier.document(Kind::Inventory).filter(|document| document.state == State::Waiting) else {
            return Ok(None);
        };
        let mut differences = Vec::new();
        let waybill = self.waybill(dossier, now).await?;
        let (created, again) = match waybill {
            Transmitted::Made(document) => {
                differences.push(task::difference("waybill.state".to_owned(), "", document.state.as_str()));
                (Some(*document), None)
            }
            Transmitted::Later(at) => (None, Some(at)),
            Transmitted::Settled => (None, None),
        };
        let state = |kind| dossier.document(kind).map(|document| document.state);
        let waybill_state = state(Kind::Waybill).or(created.as_ref().map(|document| document.state));
        let gate = lane::gate(&dossier.plan, dossier.waybill_no.is_some(), state(Kind::Order), waybill_state, dossier.accepted_at, now);
        let mut inventory = inventory.clone();
        let mut why = "";
        match gate {
            Gate::Open { overdue } => {
                inventory.gate_at = None;
                why = if overdue { "the longest wait is over" } else { "" };
                if let Next::To(to) = state::next(inventory.state, None, Event::GateOpened) {
                    differences.push(task::difference("inventory.state".to_owned(), inventory.state.as_str(), to.as_str()));
                    inventory.state = to;
                }
            }
            // Time alone may open it, or a sender that is configured by then.
            Gate::Shut { look_at, .. } => inventory.gate_at = earliest(look_at, again),
        }
        Ok(Some(self.change(dossier, inventory, created, differences, why, now)))
    }

    fn change(
        &self,
        dossier: &Dossier,
        inventory: Document,
        created: Option<Document>,
        differences: Vec<Difference>,
        why: &str,
        now: Timestamp,
    ) -> Change {
        let note = Note { task: NAME, act: "gate", subject: dossier.id.0, why };
        let entries = match differences.is_empty() {
            true => Vec::new(),
            false => vec![task::entry(&self.clockwork, now, &dossier.tenant, note, differences)],
        };
        Change {
            expected: dossier.documents.iter().map(|document| (document.id, document.version)).collect(),
            documents: vec![inventory],
            created: created.into_iter().collect(),
            entries,
            ..Change::default()
        }
    }

    /// The waybill's document, where we transmit it and it is not there yet.
    async fn waybill(&self, dossier: &Dossier, now: Timestamp) -> Result<Transmitted, Error> {
        if !matches!(dossier.plan.waybill, Duty::Send(_)) || dossier.document(Kind::Waybill).is_some() {
            return Ok(Transmitted::Settled);
        }
        let Some(number) = &dossier.waybill_no else { return Ok(Transmitted::Settled) };
        let carrier = &dossier.declaration.inventory.carrier.code;
        let later = Transmitted::Later(now + Duration::from_secs(self.options.again_s));
        match self.store.waybill(None, carrier, number).await? {
            // Its push will hint at this gate again.
            None => Ok(Transmitted::Settled),
            Some(kept) if kept.document.is_some() || kept.declaration != Some(dossier.id) => Ok(later),
            Some(kept) => Ok(self.make(dossier, &kept).map_or(later, |document| Transmitted::Made(Box::new(document)))),
        }
    }

    fn make(&self, dossier: &Dossier, kept: &KeptWaybill) -> Option<Document> {
        let parties = lane::waybill_transmitters(&kept.waybill);
        let Some(sender) = lane::choose_sender(&self.senders, &dossier.plan.waybill, &parties) else {
            warn!(declaration.id = %dossier.id, "waybill has no sender to transmit it; its inventory waits");
            return None;
        };
        let inventory = &dossier.declaration.inventory;
        let case = Case {
            office: &inventory.declared_at,
            site: inventory.site.as_deref().unwrap_or_default(),
            trade_mode: &inventory.trade_mode,
            seller: &dossier.declaration.order.seller.code,
        };
        Some(Document {
            id: kept.id,
            version: 0,
            tenant: kept.tenant.clone(),
            declaration: Some(dossier.id),
            kind: Kind::Waybill,
            action: Action::Add,
            guid: DocumentGuid(self.clockwork.id()),
            sender: sender.name.clone(),
            road: lane::choose_road(lane::choose(&self.lanes, case), sender).to_owned(),
            enterprise_no: None,
            port_no: None,
            inventory_no: None,
            state: State::Due,
            last_word: None,
            needed_by: dossier.needed_by,
            gate_at: None,
            lot: None,
            packed: 0,
            message: None,
        })
    }

    /// All in one commit; one by one if somebody else has changed one of them meanwhile.
    async fn apply(&self, changes: Vec<Change>, now: Timestamp) -> Result<usize, Error> {
        let application = |changes| Application { changes, ..Application::default() };
        let count = changes.len();
        if self.store.apply(now, application(changes.clone())).await? == Written::Done {
            return Ok(count);
        }
        let mut done = 0;
        for change in changes {
            done += usize::from(self.store.apply(now, application(vec![change])).await? == Written::Done);
        }
        Ok(done)
    }
}

/// Whether the waybill has its document.
enum Transmitted {
    /// It has, or needs none, or is not known.
    Settled,
    /// It gets this one.
    Made(Box<Document>),
    /// It cannot get one now: look again then.
    Later(Timestamp),
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

#[async_trait]
impl Task for Gatekeeper {
    fn name(&self) -> &'static str {
        NAME
    }

    fn hint(&self) -> &Notify {
        &self.store.hints().gate
    }

    async fn pass(&self) -> Result<usize, Error> {
        let now = self.clockwork.now();
        let dossiers = self.store.gates(now, self.options.batch).await?;
        let mut changes = Vec::with_capacity(dossiers.len());
        for dossier in &dossiers {
            changes.extend(self.look(dossier, now).await?);
        }
        if changes.is_empty() {
            return Ok(0);
        }
        let opened = changes.iter().flat_map(|change| &change.documents).filter(|document| document.state == State::Due).count();
        let done = self.apply(changes, now).await?;
        if opened > 0 {
            info!(gate.opened = opened, gate.looked_at = done, "gates were looked at");
        }
        Ok(done)
    }
}
