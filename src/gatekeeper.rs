//! Looks at the gates: an inventory that waits leaves once order and waybill are where its lane wants them
//! ([`crate::lane::gate`]). It also makes the waybill's own document once the order tells who transmits it, and matches what came
//! before the declarations that it is about.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::{
    audit::Difference,
    clock::{Clockwork, Timestamp},
    declaration::{Action, DocumentGuid, DocumentId, Kind},
    dossier::{Document, Dossier},
    lane::{self, Case, Duty, Gate, Lane},
    node::Turn,
    party::Sender,
    queue::Backoff,
    state::{self, Event, Next, State},
    store::{Application, Change, Gated, Hint, KeptWaybill, Store, Written},
    task::{self, Error, Note, Pace, Task},
    telemetry,
};

mod matching;

const NAME: &str = "gatekeeper";
/// After a pass that found something: what comes meanwhile is looked at together.
const REST: Duration = Duration::from_millis(20);

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
    /// This node's turn to look; nothing: there are no others.
    turn: Option<Turn>,
}

impl Gatekeeper {
    /// Joins its parts.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clockwork: Clockwork, lanes: Arc<[Lane]>, senders: Arc<[Sender]>, options: Options) -> Self {
        Self { store, clockwork, lanes, senders, options, turn: None }
    }

    /// Takes turns with other nodes: two that look at the same gates only get in each other's way.
    #[must_use]
    pub fn in_turn(self, turn: Option<Turn>) -> Self {
        Self { turn, ..self }
    }

    /// Runs until stopped.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let pace = Pace { poll: Duration::from_millis(self.options.poll_ms), rest: REST, backoff: Backoff::default() };
        task::run(&self, pace, &self.clockwork, stop).await;
        if let Some(turn) = &self.turn {
            turn.pass_on().await;
        }
    }

    /// What one look decides: who transmits the waybill, if that is open, and whether the inventory may leave, if it waits.
    fn look(&self, gated: &Gated, now: Timestamp) -> Option<Change> {
        let dossier = &gated.dossier;
        let mut differences = Vec::new();
        let waybill = self.waybill(gated, now);
        let mut change = Change {
            // Whatever brings order or waybill nearer to the mark touches the inventory that waits for it; how else they move is no matter.
            expected: dossier.document(Kind::Inventory).map(|document| (document.id, document.version)).into_iter().collect(),
            waybills: waybill.look.into_iter().collect(),
            ..Change::default()
        };
        if let Some(document) = waybill.made {
            differences.push(task::difference("waybill.state".to_owned(), "", document.state.as_str()));
            change.created.push(document);
        }
        let made = change.created.first().map(|document| document.state);
        let (inventory, why) = inventory(dossier, made, waybill.again, now, &mut differences);
        change.documents.extend(inventory);
        if !differences.is_empty() {
            let note = Note { task: NAME, act: "gate", subject: dossier.id.0, why };
            let entry = task::entry(&self.clockwork, now, &dossier.tenant, note, differences);
            change.entries.push(entry.traced(dossier.trace));
        }
        let nothing = change.documents.is_empty() && change.created.is_empty() && change.waybills.is_empty();
        (!nothing).then_some(change)
    }

    /// The waybill's document, where we transmit it and it is not there yet.
    fn waybill(&self, gated: &Gated, now: Timestamp) -> Waybill {
        let Some(kept) = gated.waybill.as_ref().filter(|kept| kept.document.is_none()) else { return Waybill::default() };
        if !matches!(gated.dossier.plan.waybill, Duty::Send(_)) {
            return Waybill { look: Some((kept.id, None)), ..Waybill::default() };
        }
        let made = self.make(&gated.dossier, kept);
        // A sender that is configured by then may take it.
        let again = made.is_none().then(|| now + Duration::from_secs(self.options.again_s));
        Waybill { look: Some((kept.id, again)), made, again }
    }

    fn make(&self, dossier: &Dossier, kept: &KeptWaybill) -> Option<Document> {
        let parties = lane::waybill_transmitters(&kept.waybill);
        let Some(sender) = lane::choose_sender(&self.senders, &dossier.plan.waybill, &parties) else {
            warn!(declaration.id = %dossier.id, trace_id = dossier.trace_id(), "waybill has no sender to transmit it; its inventory waits");
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
            port_failures: 0,
            resent: None,
            message: None,
            on_hold: false,
        })
    }

    /// In one commit, but for what somebody else has changed meanwhile: that is looked at anew.
    async fn apply(&self, changes: Vec<Change>, now: Timestamp) -> Result<usize, Error> {
        let count = changes.len();
        let told = telemetry::of(changes.iter().flat_map(|change| &change.entries));
        let written = self.store.apply(now, Application { changes, apart: true, ..Application::default() }).await?;
        if written == Written::Done {
            told.stage("gate", now, self.clockwork.now());
        }
        Ok(if written == Written::Done { count } else { 0 })
    }
}

/// What is decided about a waybill that was pushed before anybody could say who transmits it.
#[derive(Default)]
struct Waybill {
    /// It was looked at; when to look again.
    look: Option<(DocumentId, Option<Timestamp>)>,
    /// The document that it gets.
    made: Option<Document>,
    /// When to look again at the inventory that waits for it.
    again: Option<Timestamp>,
}

/// The inventory as it is to be, if it waits, and why it may leave.
fn inventory(
    dossier: &Dossier,
    made: Option<State>,
    again: Option<Timestamp>,
    now: Timestamp,
    differences: &mut Vec<Difference>,
) -> (Option<Document>, &'static str) {
    let Some(mut inventory) = dossier.document(Kind::Inventory).filter(|document| document.state == State::Waiting).cloned() else {
        return (None, "");
    };
    let state = |kind| dossier.document(kind).map(|document| document.state);
    let waybill = state(Kind::Waybill).or(made);
    let mut why = "";
    match lane::gate(&dossier.plan, dossier.waybill_no.is_some(), state(Kind::Order), waybill, dossier.accepted_at, now) {
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
    (Some(inventory), why)
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

#[async_trait]
impl Task for Gatekeeper {
    fn name(&self) -> &'static str {
        NAME
    }

    fn hint(&self) -> &Hint {
        &self.store.hints().gate
    }

    async fn pass(&self) -> Result<usize, Error> {
        if let Some(turn) = &self.turn
            && !turn.take().await?
        {
            return Ok(0);
        }
        let now = self.clockwork.now();
        let gated = self.store.gates(now, self.options.batch).await?;
        let changes: Vec<_> = gated.iter().filter_map(|gated| self.look(gated, now)).collect();
        let done = self.open(changes, now).await?;
        // Apart from the gates: both may change one inventory's neighbours, and neither is to hold up the other.
        let overtaken = self.store.overtaken(now, self.options.batch).await?;
        let changes = self.matched(&overtaken, now);
        if changes.is_empty() { Ok(done) } else { Ok(done + self.apply(changes, now).await?) }
    }
}

impl Gatekeeper {
    /// Writes down what looks at gates came to.
    async fn open(&self, changes: Vec<Change>, now: Timestamp) -> Result<usize, Error> {
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
