//! What follows from an answer beyond the document that it answers: a deletion or a cancellation that customs grants ends the
//! inventory, and deadlines are set and met.

use super::fold::{Rules, list_status};
use crate::{
    declaration::{Action, DocumentId, Kind, Statistics},
    dossier::{Document, Dossier},
    exemption::Cause,
    intake::deadlines,
    state::{self, Event, Next, State},
    store::{Change, Deadline, DeadlineChange, DeadlineKind, Redecision, Store},
    task::{self, Error, Note},
};

/// Whether customs has granted what a document asks for that deletes another: an order or a waybill is done at 120, a list at 399
/// (messages §5).
fn is_granted(document: &Document) -> bool {
    document.action == Action::Delete
        && match document.kind {
            Kind::Inventory => matches!(document.state, State::Passed | State::Released | State::Closed),
            _ => document.state.is_stored(),
        }
}

/// Ends what was deleted: all of the kind that is alive.
pub(super) fn delete<'a>(documents: impl Iterator<Item = &'a mut Document>) {
    let mut documents: Vec<_> = documents.collect();
    let granted: Vec<_> = documents.iter().filter(|document| is_granted(document)).map(|document| document.kind).collect();
    let ended = |document: &&mut Document| document.action != Action::Delete && granted.contains(&document.kind);
    for document in documents.iter_mut().filter(|document| ended(document)) {
        if let Next::To(to) = state::next(document.state, None, Event::Revoked) {
            document.state = to;
        }
    }
}

/// Deadlines that follow from where an inventory has come.
pub(super) fn of_inventory(dossier: &Dossier, old: State, new: &Document) -> Vec<DeadlineChange> {
    if new.state == old {
        return Vec::new();
    }
    let summed = dossier.declaration.inventory.statistics == Statistics::Summed;
    match new.state {
        State::Closed if summed => {
            let closed_at = new.last_word.as_ref().map(|word| word.at);
            let set = |at| {
                DeadlineChange::Set(Deadline { declaration: dossier.id, tenant: dossier.tenant.clone(), kind: DeadlineKind::Summary, at })
            };
            closed_at.map(deadlines::summary_due).map(set).into_iter().collect()
        }
        State::Cancelled => {
            vec![DeadlineChange::Met(dossier.id, DeadlineKind::CutOff), DeadlineChange::Met(dossier.id, DeadlineKind::Summary)]
        }
        _ => Vec::new(),
    }
}

/// Adds what follows for the inventories that documents submitted on their own are about.
pub(super) async fn follow(store: &dyn Store, rules: Rules<'_>, changes: &mut Vec<Change>) -> Result<(), Error> {
    let decided = |document: &&Document| {
        matches!(
            (document.kind, document.state),
            (Kind::Cancellation, State::Passed) | (Kind::GoodsReturn, State::Released | State::Closed)
        )
    };
    let ids: Vec<_> =
        changes.iter().flat_map(|change| &change.documents).filter(decided).map(|document| (document.id, document.kind)).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let members = store.members(&ids.iter().map(|(id, _)| *id).collect::<Vec<_>>()).await?;
    for (id, dossier) in members {
        match ids.iter().find(|(known, _)| *known == id).map(|(_, kind)| *kind) {
            Some(Kind::Cancellation) => {
                let change = cancel(rules, &dossier, changes);
                changes.extend(change);
            }
            Some(Kind::GoodsReturn) => {
                let met = [DeadlineKind::ReturnTax, DeadlineKind::ReturnCustoms].map(|kind| DeadlineChange::Met(dossier.id, kind));
                changes.push(Change { deadlines: met.to_vec(), again: Some(came_back(rules, id, &dossier)), ..Change::default() });
            }
            _ => {}
        }
    }
    Ok(())
}

/// What came back is no exempt sale: the declaration is decided again once the release of its return is kept.
fn came_back(rules: Rules<'_>, back: DocumentId, dossier: &Dossier) -> Redecision {
    Redecision {
        id: dossier.id.0,
        tenant: Some(dossier.tenant.clone()),
        seller: None,
        cause: Cause::Evidence,
        why: format!("return {back}"),
        seen: None,
        at: rules.now,
    }
}

/// The inventory's end, as customs has granted it (606: 399). Where the same arrivals moved the inventory, it ends all the same.
fn cancel(rules: Rules<'_>, dossier: &Dossier, changes: &mut [Change]) -> Option<Change> {
    let inventory = dossier.document(Kind::Inventory)?;
    let moved = changes.iter_mut().flat_map(|change| &mut change.documents).find(|document| document.id == inventory.id);
    let old = moved.as_ref().map_or(inventory.state, |document| document.state);
    let Next::To(to) = state::next(old, None, Event::Revoked) else { return None };
    let mut change = Change::default();
    match moved {
        Some(document) => document.state = to,
        None => {
            change.expected = vec![(inventory.id, inventory.version)];
            change.documents = vec![Document { state: to, ..inventory.clone() }];
        }
    }
    change.deadlines = of_inventory(dossier, old, &Document { state: to, ..inventory.clone() });
    let list = list_status(to, None)?;
    let assessment = rules.advisor.assess(&dossier.declaration, &dossier.recorded, list, rules.now.day());
    change.deadlines.extend(deadlines::filing(dossier, &assessment));
    change.assessment = Some((dossier.id, assessment.to_kept()));
    let differences = vec![task::difference("inventory.state".to_owned(), old.as_str(), to.as_str())];
    let note = Note { task: super::NAME, act: "receipt", subject: dossier.id.0, why: "customs granted the cancellation" };
    change.entries = vec![task::entry(rules.clockwork, rules.now, &dossier.tenant, note, differences)];
    Some(change)
}
