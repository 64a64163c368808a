//! What is asked about a declaration that is kept: other content, and taking a document back. What the state of each document
//! permits decides how it is done ([`crate::state::permits`]); all of it is one commit, or nothing.

use std::{sync::Arc, time::Duration};

use crate::{
    audit::{Difference, Entry},
    check::{self, Finding, Taken},
    clock::{
        Clockwork, Timestamp,
        meter::{Work, measured},
    },
    declaration::{Action, Declaration, DeclarationId, DocumentGuid, DocumentId, Kind},
    dossier::{Document, Dossier},
    exemption::{Cause, ListStatus, Paper},
    party::Actor,
    state::{self, Event, Next, Obstacle, Operation, Permit, State, permits},
    store::{Application, Change, DeadlineChange, DeadlineKind, Revision, Shown, Written},
    telemetry::{self, Home},
};

use super::{
    Core, Refusal, Reply, Submission,
    follow_ups::{standing, state_finding},
    prepare,
    rules::following as rules,
};

/// How often a decision is made again because somebody else changed what it rested on.
const RETRIES: usize = 5;
/// Before this has passed, what amends or deletes another is not packed: appTime has whole seconds, customs heeds only a newer one
/// (-301014), and the clocks of two nodes may differ.
pub(super) const NEWER: Duration = Duration::from_secs(2);

/// What became of one document of an amended declaration, or of one that was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handled {
    /// Which.
    pub kind: Kind,
    /// How it was done.
    pub permit: Permit,
    /// The document that now says it, or asks for it.
    pub document: DocumentId,
    /// How far that has come.
    pub state: State,
}

/// The declaration says something else from now on.
#[derive(Debug, Clone, PartialEq)]
pub struct AmendmentAnswer {
    /// How often it has been amended.
    pub revision: u32,
    /// What became of its documents; nothing of those that say the same as before.
    pub handled: Vec<Handled>,
    /// What is likely to cause trouble.
    pub warnings: Vec<Finding>,
    /// The exemption advice on the new content.
    pub assessment: Paper,
}

/// Gives a declaration other content.
pub(super) async fn amend(core: &Core, actor: &Actor, id: DeclarationId, submission: &Submission) -> Reply<AmendmentAnswer> {
    for _ in 0..RETRIES {
        let shown = known(core, actor, id).await?;
        if shown.amended.1 == Some(submission.digest) {
            return again(&shown);
        }
        let now = core.parts.clockwork.now();
        let (content, warnings) = content(core, &shown.dossier, submission, now)?;
        let mut work = Handling::new(core, actor, &shown, now);
        for kind in changed(&shown.dossier.declaration, &content) {
            work.amend(kind, submission.needed_by);
        }
        if !work.findings.is_empty() {
            return Err(invalid([work.findings, warnings].concat()));
        }
        let list = if alive(&shown.dossier) { ListStatus::Declared } else { ListStatus::NotDeclared };
        let assessment = core.parts.rules.advisor.assess(&content, &shown.dossier.recorded, list, now.day()).because(Cause::Submit);
        let revision = shown.amended.0.saturating_add(1);
        work.differences.insert(0, difference("declaration.revision", &shown.amended.0.to_string(), &revision.to_string()));
        let answer =
            AmendmentAnswer { revision, handled: work.handled.clone(), warnings: warnings.clone(), assessment: Paper::from(&assessment) };
        let mut change = work.change("amend");
        change.assessment = Some((id, assessment.to_kept()));
        change.revision =
            Some(Revision { declaration: id, expected: shown.amended.0, content: Arc::new(content), warnings, digest: submission.digest });
        if apply(core, now, change, &shown.dossier).await? {
            return Ok(answer);
        }
    }
    Err(Refusal::Busy)
}

/// Takes a document of a declaration back: the order, with the inventory that cannot go without it, or the inventory alone. What is
/// taken back already stays so.
pub(super) async fn delete(core: &Core, actor: &Actor, id: DeclarationId, kind: Kind) -> Reply<Vec<Handled>> {
    for _ in 0..RETRIES {
        let shown = known(core, actor, id).await?;
        let now = core.parts.clockwork.now();
        let mut work = Handling::new(core, actor, &shown, now);
        work.delete(kind);
        // An inventory that customs does not have cannot pass without its order.
        let inventory = shown.dossier.document(Kind::Inventory).filter(|document| document.state != State::Cancelled);
        if kind == Kind::Order && inventory.is_some() && work.findings.is_empty() {
            work.delete(Kind::Inventory);
        }
        if !work.findings.is_empty() {
            return Err(invalid(work.findings));
        }
        let handled = work.handled.clone();
        if work.differences.is_empty() {
            return Ok(handled);
        }
        let withdrawn = |handled: &Handled| handled.kind == Kind::Inventory && handled.state == State::Cancelled;
        let ended = handled.iter().any(withdrawn);
        let mut change = work.change("delete");
        if ended {
            let assessment =
                core.parts.rules.advisor.assess(&shown.dossier.declaration, &shown.dossier.recorded, ListStatus::Cancelled, now.day());
            change.assessment = Some((id, assessment.to_kept()));
            change.deadlines = [DeadlineKind::CutOff, DeadlineKind::Summary].map(|kind| DeadlineChange::Met(id, kind)).to_vec();
        }
        if apply(core, now, change, &shown.dossier).await? {
            return Ok(handled);
        }
    }
    Err(Refusal::Busy)
}

async fn known(core: &Core, actor: &Actor, id: DeclarationId) -> Reply<Shown> {
    let shown = core.parts.store.show(Some(&actor.tenant), id).await.map_err(|error| Refusal::of_store(&error))?;
    shown.ok_or(Refusal::Unknown)
}

async fn apply(core: &Core, now: Timestamp, mut change: Change, dossier: &Dossier) -> Reply<bool> {
    change.entries.iter_mut().for_each(|entry| entry.actor.trace = entry.actor.trace.or(dossier.trace));
    let told = telemetry::of_calls(change.entries.iter().map(|entry| (entry, Home::of(Some(dossier), entry.subject))));
    let application = Application { changes: vec![change], ..Application::default() };
    let written = core.parts.store.apply(now, application).await.map_err(|error| Refusal::of_store(&error))?;
    if written == Written::Done {
        told.stage("amend", now, core.parts.clockwork.now());
    }
    Ok(written == Written::Done)
}

fn invalid(findings: Vec<Finding>) -> Refusal {
    Refusal::Invalid { total: findings.len(), findings }
}

/// The answer to a request that was carried out before.
fn again(shown: &Shown) -> Reply<AmendmentAnswer> {
    let kept = shown.assessments.last().and_then(|kept| crate::exemption::read(kept).ok());
    Ok(AmendmentAnswer {
        revision: shown.amended.0,
        handled: Vec::new(),
        warnings: shown.warnings.clone(),
        assessment: kept.ok_or(Refusal::Internal)?,
    })
}

/// The new content, checked by itself and against what it amends.
fn content(core: &Core, dossier: &Dossier, submission: &Submission, now: Timestamp) -> Reply<(Declaration, Vec<Finding>)> {
    let own = prepare::own_findings(submission);
    let parameters = &core.parts.rules.parameters;
    let checked = measured(Work::Check, || check::check(&submission.draft, &Taken::default(), parameters, now.day()));
    let (mut content, warnings) = match checked {
        Ok(checked) => checked.into_parts(),
        Err(findings) => {
            let total = findings.total() + own.len();
            return Err(Refusal::Invalid { findings: [own, findings.into_list()].concat(), total });
        }
    };
    let fixed = [own, fixed(dossier, &content)].concat();
    if !fixed.is_empty() {
        return Err(invalid([fixed, warnings].concat()));
    }
    // The number of the waybill is changed by binding another one only.
    content.inventory.waybill_no.clone_from(&dossier.declaration.inventory.waybill_no);
    if content == *dossier.declaration {
        let finding = rules::NOTHING_AMENDED.finding("declaration".into(), ("", ""), "");
        return Err(invalid([vec![finding], warnings].concat()));
    }
    Ok((content, warnings))
}

/// What an amendment must leave as it is: the business keys, and what lanes are chosen by.
fn fixed(dossier: &Dossier, new: &Declaration) -> Vec<Finding> {
    let old = &*dossier.declaration;
    let waybill_no = dossier.waybill_no.clone().unwrap_or_default();
    let said = new.inventory.waybill_no.clone().unwrap_or_else(|| waybill_no.clone());
    let fields = [
        ("order.order_no", ("订单编号", "order number"), &old.order.order_no, &new.order.order_no),
        ("order.platform.code", ("电商平台", "platform"), &old.order.platform.code, &new.order.platform.code),
        ("order.seller.code", ("电商企业", "seller"), &old.order.seller.code, &new.order.seller.code),
        ("inventory.declared_at", ("申报地海关", "declaring office"), &old.inventory.declared_at, &new.inventory.declared_at),
        ("inventory.declarant.code", ("申报企业", "declarant"), &old.inventory.declarant.code, &new.inventory.declarant.code),
        ("inventory.trade_mode", ("贸易方式", "trade mode"), &old.inventory.trade_mode, &new.inventory.trade_mode),
        ("inventory.carrier.code", ("物流企业", "carrier"), &old.inventory.carrier.code, &new.inventory.carrier.code),
        ("inventory.waybill_no", ("物流运单编号", "waybill number"), &waybill_no, &said),
    ];
    let differs = fields.into_iter().filter(|(_, _, old, new)| old != new);
    differs.map(|(path, name, old, _)| rules::FIXED.finding(path.to_owned(), name, old)).collect()
}

/// The documents that say something else. An inventory takes from its order the lines, and the names of the platform and the seller.
fn changed(old: &Declaration, new: &Declaration) -> Vec<Kind> {
    let of_order = |declaration: &Declaration| {
        let order = &declaration.order;
        (order.lines.clone(), order.platform.clone(), order.seller.clone())
    };
    let mut kinds = Vec::with_capacity(2);
    kinds.extend((old.order != new.order).then_some(Kind::Order));
    kinds.extend((old.inventory != new.inventory || of_order(old) != of_order(new)).then_some(Kind::Inventory));
    kinds
}

fn alive(dossier: &Dossier) -> bool {
    dossier.document(Kind::Inventory).is_some_and(|document| document.state.is_alive())
}

fn difference(field: &str, from: &str, to: &str) -> Difference {
    Difference { field: field.to_owned(), from: from.to_owned(), to: to.to_owned() }
}

/// The document that asks customs to amend or delete another of a declaration, under the same numbers.
pub(super) fn asking(clockwork: &Clockwork, dossier: &Dossier, document: &Document, action: Action, needed_by: Timestamp) -> Document {
    let newest = dossier.documents.iter().filter(|other| other.kind == document.kind).map(|other| other.id).max();
    Document {
        id: DocumentId::behind(newest.unwrap_or(document.id), clockwork.id()),
        version: 0,
        action,
        guid: DocumentGuid(clockwork.id()),
        state: State::Due,
        needed_by,
        gate_at: None,
        lot: None,
        packed: 0,
        port_failures: 0,
        resent: None,
        message: None,
        on_hold: false,
        ..document.clone()
    }
}

/// What is done to the documents of one declaration.
struct Handling<'a> {
    core: &'a Core,
    actor: &'a Actor,
    dossier: &'a Dossier,
    now: Timestamp,
    findings: Vec<Finding>,
    handled: Vec<Handled>,
    differences: Vec<Difference>,
    change: Change,
}

impl<'a> Handling<'a> {
    fn new(core: &'a Core, actor: &'a Actor, shown: &'a Shown, now: Timestamp) -> Self {
        let dossier = &shown.dossier;
        Self {
            core,
            actor,
            dossier,
            now,
            findings: Vec::new(),
            handled: Vec::new(),
            differences: Vec::new(),
            // What an order permits depends on its inventory.
            change: Change {
                expected: dossier.document(Kind::Inventory).map(|document| (document.id, document.version)).into_iter().collect(),
                not_before: Some(now + NEWER),
                ..Change::default()
            },
        }
    }

    fn permit(&self, operation: Operation, document: &Document) -> Permit {
        let inventory = self.dossier.document(Kind::Inventory).map(standing);
        permits(operation, standing(document), inventory)
    }

    fn amend(&mut self, kind: Kind, needed_by: Option<Timestamp>) {
        // What somebody else transmits is theirs to amend at customs; here it only says something else.
        let Some(document) = self.dossier.document(kind) else { return };
        let operation = if kind == Kind::Order { Operation::AmendOrder } else { Operation::AmendInventory };
        let permit = if self.dossier.deletion(kind).is_some() { Permit::No(Obstacle::OnTheWay) } else { self.permit(operation, document) };
        let needed_by = needed_by.unwrap_or(document.needed_by);
        match permit {
            Permit::No(obstacle) => self.findings.push(state_finding(kind.as_str(), kind, obstacle)),
            Permit::InPlace => {
                let gate_at = (document.state == State::Waiting).then_some(self.now);
                self.update(document, Document { needed_by, gate_at, ..document.clone() }, permit);
            }
            Permit::Anew => {
                let Next::To(to) = state::next(document.state, None, Event::Renewed) else { return };
                let guid = DocumentGuid(self.core.parts.clockwork.id());
                let renewed = Document { state: to, guid, needed_by, message: None, lot: None, port_failures: 0, ..document.clone() };
                self.change.renewed.push((document.id, guid));
                self.update(document, self.gated(renewed, self.now), permit);
            }
            Permit::Asked => {
                let asking = asking(&self.core.parts.clockwork, self.dossier, document, Action::Amend, needed_by);
                let asking = self.gated(asking, self.now + NEWER);
                self.create(document, asking, permit);
            }
        }
    }

    fn delete(&mut self, kind: Kind) {
        let Some(document) = self.dossier.document(kind) else {
            self.findings.push(state_finding(kind.as_str(), kind, Obstacle::NotThere));
            return;
        };
        if let Some(asked) = self.dossier.deletion(kind).filter(|_| document.state != State::Cancelled) {
            self.handled.push(Handled { kind, permit: Permit::Asked, document: asked.id, state: asked.state });
            return;
        }
        let operation = if kind == Kind::Order { Operation::DeleteOrder } else { Operation::DeleteInventory };
        let permit = self.permit(operation, document);
        match permit {
            Permit::No(Obstacle::Over) => self.handled.push(Handled { kind, permit, document: document.id, state: document.state }),
            Permit::No(obstacle) => self.findings.push(state_finding(kind.as_str(), kind, obstacle)),
            Permit::InPlace | Permit::Anew => {
                let Next::To(to) = state::next(document.state, None, Event::Withdrawn) else { return };
                self.update(document, Document { state: to, gate_at: None, message: None, ..document.clone() }, permit);
            }
            Permit::Asked => {
                let asking = asking(&self.core.parts.clockwork, self.dossier, document, Action::Delete, document.needed_by);
                self.create(document, asking, permit);
            }
        }
    }

    /// An inventory goes through its gate again: its order may have to be ahead of it.
    fn gated(&self, document: Document, at: Timestamp) -> Document {
        if document.kind == Kind::Inventory && self.dossier.document(Kind::Order).is_some() {
            return Document { state: State::Waiting, gate_at: Some(at), ..document };
        }
        document
    }

    fn update(&mut self, old: &Document, new: Document, permit: Permit) {
        self.note(old.state, &new, permit);
        if !self.change.expected.iter().any(|(id, _)| *id == old.id) {
            self.change.expected.push((old.id, old.version));
        }
        self.change.documents.push(new);
    }

    fn create(&mut self, old: &Document, new: Document, permit: Permit) {
        self.note(old.state, &new, permit);
        if !self.change.expected.iter().any(|(id, _)| *id == old.id) {
            self.change.expected.push((old.id, old.version));
        }
        self.change.created.push(new);
    }

    fn note(&mut self, old: State, new: &Document, permit: Permit) {
        self.handled.push(Handled { kind: new.kind, permit, document: new.id, state: new.state });
        self.differences.push(difference(&format!("{}.state", new.kind.as_str()), old.as_str(), new.state.as_str()));
        if new.action != Action::Add {
            self.differences.push(difference(&format!("{}.action", new.kind.as_str()), "", &new.action.number().to_string()));
        }
    }

    fn change(self, act: &str) -> Change {
        let entry = Entry {
            id: self.core.parts.clockwork.id(),
            at: self.now,
            actor: self.actor.clone(),
            act: act.to_owned(),
            subject: self.dossier.id.0,
            changes: self.differences,
            why: String::new(),
        };
        Change { entries: vec![entry], ..self.change }
    }
}
