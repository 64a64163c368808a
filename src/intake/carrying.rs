//! What carriers ask about a waybill that is kept: other content, and taking it back. As with declarations, what the state of its
//! document permits decides how it is done ([`crate::state::permits`]), and all of it is one commit, or nothing.

use std::sync::Arc;

use crate::{
    audit::{Difference, Entry},
    check::{self, Finding, TakenWaybill},
    clock::Timestamp,
    declaration::{Action, DocumentGuid, Kind},
    dossier::{Document, Dossier},
    party::Actor,
    state::{self, Event, Next, Obstacle, Operation, Permit, State, permits},
    store::{Application, Change, KeptWaybill, WaybillRevision, Written},
    telemetry::{self, Home},
};

use super::{
    Core, Handled, Push, Refusal, Reply,
    amendments::{NEWER, asking},
    follow_ups::{standing, state_finding},
    rules::following as rules,
};

/// How often a decision is made again because somebody else changed what it rested on.
const RETRIES: usize = 5;
/// logisticsCode and logisticsNo are shorter than this (message specification 202205).
const LONGEST: usize = 100;

/// What became of an amended waybill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaybillAmended {
    /// What became of its document; nothing if it said so already, or nobody transmits it here.
    pub handled: Option<Handled>,
    /// What is likely to cause trouble.
    pub warnings: Vec<Finding>,
}

/// Gives a waybill other content.
pub(super) async fn amend(core: &Core, actor: &Actor, push: &Push) -> Reply<WaybillAmended> {
    let now = core.parts.clockwork.now();
    let (content, _, warnings) = check::check_waybill(&push.draft, &TakenWaybill::default(), now.day())?.into_parts();
    for _ in 0..RETRIES {
        let known = Known::of(core, actor, &content.carrier.code, &content.waybill_no).await?;
        if *known.kept.waybill == content {
            return Ok(WaybillAmended { handled: None, warnings });
        }
        let now = core.parts.clockwork.now();
        let mut change = known.change(core, actor, "amend_waybill", now);
        let handled = known.amend(core, &mut change, now)?;
        if let Some(handled) = &handled {
            known.note(&mut change, handled);
        }
        let by = change.created.first().map(|document| document.id);
        change.rewritten = Some(WaybillRevision { waybill: known.kept.id, content: Some(Arc::new(content.clone())), by });
        if apply(core, now, change, known.dossier.as_ref()).await? {
            return Ok(WaybillAmended { handled, warnings });
        }
    }
    Err(Refusal::Busy)
}

/// Takes a waybill back. One that is taken back already stays so.
pub(super) async fn delete(core: &Core, actor: &Actor, carrier: &str, waybill_no: &str) -> Reply<Handled> {
    if carrier.len() > LONGEST || waybill_no.len() > LONGEST {
        return Err(Refusal::Unknown);
    }
    for _ in 0..RETRIES {
        let known = Known::of(core, actor, carrier, waybill_no).await?;
        let now = core.parts.clockwork.now();
        let mut change = known.change(core, actor, "delete_waybill", now);
        let handled = known.delete(core, &mut change)?;
        if change.documents.is_empty() && change.created.is_empty() {
            return Ok(handled);
        }
        known.note(&mut change, &handled);
        let by = change.created.first().map(|document| document.id);
        change.rewritten = by.map(|by| WaybillRevision { waybill: known.kept.id, content: None, by: Some(by) });
        if apply(core, now, change, known.dossier.as_ref()).await? {
            return Ok(handled);
        }
    }
    Err(Refusal::Busy)
}

async fn apply(core: &Core, now: Timestamp, change: Change, dossier: Option<&Dossier>) -> Reply<bool> {
    let told = telemetry::of_calls(change.entries.iter().map(|entry| (entry, Home::of(dossier, entry.subject))));
    let application = Application { changes: vec![change], ..Application::default() };
    let written = core.parts.store.apply(now, application).await.map_err(|error| Refusal::of_store(&error))?;
    if written == Written::Done {
        told.stage("push", now, core.parts.clockwork.now());
    }
    Ok(written == Written::Done)
}

/// A waybill with the declaration that it belongs to.
struct Known {
    kept: KeptWaybill,
    dossier: Option<Dossier>,
}

impl Known {
    /// The actor's own waybill.
    async fn of(core: &Core, actor: &Actor, carrier: &str, waybill_no: &str) -> Reply<Self> {
        let store = &core.parts.store;
        let failed = |error| Refusal::of_store(&error);
        let kept = store.waybill(Some(&actor.tenant), carrier, waybill_no).await.map_err(failed)?;
        // Its seller sees it, too, but it is the carrier's.
        let kept = kept.filter(|kept| kept.tenant == actor.tenant).ok_or(Refusal::Unknown)?;
        let dossier = match kept.declaration {
            Some(id) => store.show(None, id).await.map_err(failed)?.map(|shown| shown.dossier),
            None => None,
        };
        Ok(Self { kept, dossier })
    }

    /// Its document, as it counts now.
    fn document(&self) -> Option<&Document> {
        match &self.dossier {
            Some(dossier) => dossier.document(Kind::Waybill),
            None => self.kept.document.as_ref(),
        }
    }

    fn inventory(&self) -> Option<&Document> {
        self.dossier.as_ref().and_then(|dossier| dossier.document(Kind::Inventory))
    }

    fn deletion(&self) -> Option<&Document> {
        self.dossier.as_ref().and_then(|dossier| dossier.deletion(Kind::Waybill))
    }

    fn permit(&self, operation: Operation, document: &Document) -> Permit {
        permits(operation, standing(document), self.inventory().map(standing))
    }

    fn amend(&self, core: &Core, change: &mut Change, now: Timestamp) -> Reply<Option<Handled>> {
        // What nobody transmits here, or not yet, only says something else.
        let Some(document) = self.document() else { return Ok(None) };
        let permit =
            if self.deletion().is_some() { Permit::No(Obstacle::OnTheWay) } else { self.permit(Operation::AmendWaybill, document) };
        match permit {
            Permit::No(obstacle) => return Err(refused(obstacle)),
            Permit::InPlace => {
                // A packer that has it finds its lease gone: what it read is old.
                let gate_at = (document.state == State::Waiting).then_some(now);
                change.documents.push(Document { gate_at, ..document.clone() });
            }
            Permit::Anew => {
                let Next::To(state) = state::next(document.state, None, Event::Renewed) else { return Err(Refusal::Internal) };
                let guid = DocumentGuid(core.parts.clockwork.id());
                change.renewed.push((document.id, guid));
                change.documents.push(Document { state, guid, message: None, lot: None, port_failures: 0, ..document.clone() });
            }
            Permit::Asked => change.created.push(self.asking(core, document, Action::Amend)?),
        }
        let new = change.documents.iter().chain(&change.created).next();
        Ok(new.map(|new| Handled { kind: Kind::Waybill, permit, document: new.id, state: new.state }))
    }

    fn delete(&self, core: &Core, change: &mut Change) -> Reply<Handled> {
        let Some(document) = self.document() else { return Err(refused(Obstacle::NotThere)) };
        let handled = |permit, document: &Document| Handled { kind: Kind::Waybill, permit, document: document.id, state: document.state };
        if let Some(asked) = self.deletion().filter(|_| document.state != State::Cancelled) {
            return Ok(handled(Permit::Asked, asked));
        }
        let permit = self.permit(Operation::DeleteWaybill, document);
        match permit {
            Permit::No(Obstacle::Over) => Ok(handled(permit, document)),
            Permit::No(obstacle) => Err(refused(obstacle)),
            Permit::InPlace | Permit::Anew => {
                let Next::To(state) = state::next(document.state, None, Event::Withdrawn) else { return Err(Refusal::Internal) };
                let new = Document { state, gate_at: None, message: None, ..document.clone() };
                let handled = handled(permit, &new);
                change.documents.push(new);
                Ok(handled)
            }
            Permit::Asked => {
                let new = self.asking(core, document, Action::Delete)?;
                let handled = handled(permit, &new);
                change.created.push(new);
                Ok(handled)
            }
        }
    }

    /// The document that asks customs to amend or delete it.
    fn asking(&self, core: &Core, document: &Document, action: Action) -> Reply<Document> {
        // Answers name its number alone: which of several documents is meant is told by their declaration.
        let Some(dossier) = &self.dossier else {
            let finding = rules::WAYBILL_ALONE.finding("waybill_no".into(), ("", ""), &self.kept.waybill.waybill_no);
            return Err(invalid(finding));
        };
        Ok(asking(&core.parts.clockwork, dossier, document, action, document.needed_by))
    }

    fn change(&self, core: &Core, actor: &Actor, act: &str, now: Timestamp) -> Change {
        let rests_on = [self.document(), self.inventory()];
        Change {
            expected: rests_on.into_iter().flatten().map(|document| (document.id, document.version)).collect(),
            not_before: Some(now + NEWER),
            entries: vec![Entry {
                id: core.parts.clockwork.id(),
                at: now,
                actor: actor.clone(),
                act: act.to_owned(),
                subject: self.kept.id.0,
                changes: Vec::new(),
                why: String::new(),
            }],
            ..Change::default()
        }
    }

    fn note(&self, change: &mut Change, handled: &Handled) {
        let old = self.document().map_or("", |document| document.state.as_str());
        let difference =
            |field: &str, from: &str, to: &str| Difference { field: field.to_owned(), from: from.to_owned(), to: to.to_owned() };
        let mut differences = vec![difference("waybill.state", old, handled.state.as_str())];
        let created = change.created.first();
        differences.extend(created.map(|new| difference("waybill.action", "", &new.action.number().to_string())));
        if let Some(entry) = change.entries.first_mut() {
            entry.changes = differences;
        }
    }
}

fn refused(obstacle: Obstacle) -> Refusal {
    invalid(state_finding("waybill_no", Kind::Waybill, obstacle))
}

fn invalid(finding: Finding) -> Refusal {
    Refusal::Invalid { total: 1, findings: vec![finding] }
}
