//! Numbers as they are kept, and what a receipt's key asks for: the same whatever keeps them.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Matches, Number, NumberKind, Subject, order_scope};
use crate::{
    declaration::{DocumentId, Kind},
    receipt::Key,
};

/// A number as it is kept.
#[derive(Debug)]
pub(super) struct NumberRow {
    pub number: String,
    pub kind: &'static str,
    pub scope: String,
    pub holder: Option<Uuid>,
    pub tenant: Option<String>,
    pub declaration: Option<Uuid>,
    pub document_tenant: Option<String>,
    pub document: Option<Uuid>,
}

impl NumberRow {
    /// A number that one declaration holds alone.
    pub(super) fn of_declaration(kind: NumberKind, number: &str, scope: String, tenant: &str, declaration: Uuid) -> Self {
        Self {
            number: number.to_owned(),
            kind: kind.as_str(),
            scope,
            holder: None,
            tenant: Some(tenant.to_owned()),
            declaration: Some(declaration),
            document_tenant: None,
            document: None,
        }
    }

    /// A waybill number that one waybill holds alone.
    pub(super) fn of_waybill(number: &str, carrier: &str, tenant: &str, waybill: Uuid) -> Self {
        Self {
            number: number.to_owned(),
            kind: NumberKind::Waybill.as_str(),
            scope: carrier.to_owned(),
            holder: None,
            tenant: None,
            declaration: None,
            document_tenant: Some(tenant.to_owned()),
            document: Some(waybill),
        }
    }

    /// A number of a document that is submitted on its own.
    pub(super) fn of_follow_up(kind: NumberKind, number: &str, scope: String, tenant: &str, document: Uuid) -> Self {
        Self {
            number: number.to_owned(),
            kind: kind.as_str(),
            scope,
            holder: None,
            tenant: Some(tenant.to_owned()),
            declaration: None,
            document_tenant: None,
            document: Some(document),
        }
    }

    /// The same number, shared with others: a bill, a bag.
    pub(super) fn shared(mut self) -> Self {
        self.holder = self.declaration.or(self.document);
        self
    }

    /// A number that customs gave.
    pub(super) fn given(number: &Number, tenant: &str) -> Self {
        Self {
            number: number.number.clone(),
            kind: number.kind.as_str(),
            scope: number.scope.clone(),
            // Customs' numbers are its own affair: should it give one twice, both are found.
            holder: number.declaration.map(|id| id.0).or_else(|| number.document.map(|id| id.0)),
            tenant: Some(tenant.to_owned()),
            declaration: number.declaration.map(|id| id.0),
            document_tenant: None,
            document: number.document.map(|id| id.0),
        }
    }
}

/// The document of a subject that a number leads to: the one it names, or the one of the kind that customs speaks of.
fn meant(subject: &Subject, kind: Kind, named: Option<Uuid>) -> Option<DocumentId> {
    match subject {
        Subject::Waybill(document) => Some(document.id),
        Subject::Dossier(dossier) => match named {
            // A waybill may be amended or deleted by a document of its own, and has one number.
            Some(_) if kind == Kind::Waybill => dossier.spoken_of(kind).map(|document| document.id),
            Some(named) => dossier.documents.iter().map(|document| document.id).find(|id| id.0 == named),
            None => dossier.spoken_of(kind).map(|document| document.id),
        },
    }
}

/// What a follow-up's copNo is unique within: its kind and part, so that the parts of one share their number.
pub(super) fn follow_up_scope(kind: Kind, part: u32) -> String {
    format!("{}/{part}", kind.number())
}

/// Number, kind, scope.
pub(super) fn question(key: &Key) -> (&str, &'static str, String) {
    match key {
        Key::Order { platform, seller, order_no } => (order_no, NumberKind::Order.as_str(), order_scope(platform, seller)),
        Key::Waybill { carrier, waybill_no } => (waybill_no, NumberKind::Waybill.as_str(), carrier.clone()),
        Key::Inventory { enterprise_no, platform, seller, order_no, .. } if enterprise_no.is_empty() => {
            (order_no, NumberKind::Order.as_str(), order_scope(platform, seller))
        }
        Key::Inventory { enterprise_no, .. } => (enterprise_no, NumberKind::Enterprise.as_str(), String::new()),
        Key::Payment { seller, order_no, .. } => (order_no, NumberKind::Payment.as_str(), seller.clone()),
        Key::FollowUp { kind, enterprise_no, part, .. } => (enterprise_no, NumberKind::Enterprise.as_str(), follow_up_scope(*kind, *part)),
    }
}

/// What a number leads to: a declaration, a document.
pub(super) type Held = Option<(Option<Uuid>, Option<Uuid>)>;

/// The declarations that numbers lead to, and the documents without one; each once.
pub(super) fn subject_ids(found: &[Held]) -> (Vec<Uuid>, Vec<Uuid>) {
    let (mut declarations, mut lone) = (Vec::new(), Vec::new());
    for held in found.iter().flatten() {
        match *held {
            (Some(declaration), _) => declarations.push(declaration),
            (None, Some(document)) => lone.push(document),
            (None, None) => {}
        }
    }
    for ids in [&mut declarations, &mut lone] {
        ids.sort_unstable();
        ids.dedup();
    }
    (declarations, lone)
}

/// Joins keys with the subjects that they lead to.
pub(super) fn matched(keys: &[Key], found: &[Held], subjects: Vec<Subject>) -> Matches {
    let places: HashMap<_, _> = subjects.iter().enumerate().map(|(place, subject)| (subject.id(), place)).collect();
    let of = keys.iter().zip(found).map(|(key, held)| {
        let (declaration, document) = (*held)?;
        let place = *places.get(&declaration.or(document)?)?;
        Some((place, meant(subjects.get(place)?, key.kind(), document)?))
    });
    Matches { of: of.collect(), subjects }
}
