//! What came before the declarations that it is about: a manifest, an arrival or a departure names waybills, or a bill, that no
//! declaration has yet. What it names is kept until one has.

use std::time::Duration;

use super::{Change, Concerned, FollowUpAcceptance, NumberKind, numbering::NumberRow};
use crate::{
    clock::Timestamp,
    declaration::{DocumentId, Kind},
    dossier::Dossier,
};

/// A look is taken once this long after acceptance, whatever has happened: a declaration that came in the same moment saw nothing of it.
pub(super) const SETTLED: Duration = Duration::from_secs(10);

/// What a document submitted on its own names and no declaration was known by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Named {
    /// [`NumberKind::Waybill`], or [`NumberKind::Bill`] of what tells of a whole bill.
    pub kind: NumberKind,
    /// The number.
    pub number: String,
    /// The carrier (logisticsCode) whose number it is.
    pub carrier: String,
}

/// A document submitted on its own that may have come before a declaration.
#[derive(Debug, Clone)]
pub struct Overtaking {
    /// The part of it that names the number.
    pub follow_up: DocumentId,
    /// The id of the whole.
    pub whole: DocumentId,
    /// What it is.
    pub kind: Kind,
    /// Its billNo.
    pub bill_no: Option<String>,
    /// When goods of its bill must be there.
    pub cut_off: Option<Timestamp>,
    /// What it names.
    pub named: Named,
    /// Since when a look is due.
    pub look_at: Timestamp,
    /// The declaration that has that number now and is not known to be meant yet; nothing: none has.
    pub found: Option<Dossier>,
}

/// What such a look came to.
#[derive(Debug, Clone)]
pub struct Matching {
    /// The part.
    pub follow_up: DocumentId,
    /// What it is.
    pub kind: Kind,
    /// Its billNo, which a manifest gives to what is on it.
    pub bill_no: Option<String>,
    /// What it names.
    pub named: Named,
    /// Since when that look was due: a newer one stays.
    pub look_at: Timestamp,
    /// The declaration that it is about, too.
    pub member: Option<Concerned>,
}

/// Each number that is waited for, with the part that names it.
pub(super) fn awaited(acceptance: &FollowUpAcceptance) -> Vec<(DocumentId, &Named)> {
    acceptance.parts.iter().flat_map(|part| part.awaited.iter().map(|named| (part.id, named))).collect()
}

/// The numbers by which declarations may be waited for.
pub(super) fn told(rows: &[NumberRow]) -> Vec<String> {
    let awaitable = [NumberKind::Waybill.as_str(), NumberKind::Bill.as_str()];
    let told = rows.iter().filter(|row| row.declaration.is_some() && awaitable.contains(&row.kind));
    let mut numbers: Vec<_> = told.map(|row| row.number.clone()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// The bills that declarations get from their manifests.
pub(super) fn given_bills(changes: &[Change]) -> impl Iterator<Item = NumberRow> {
    changes.iter().flat_map(|change| &change.matched).filter(|matching| matching.kind == Kind::Manifest).filter_map(|matching| {
        let (id, owner) = matching.member.as_ref()?;
        let bill_no = matching.bill_no.as_deref().filter(|bill_no| !bill_no.is_empty())?;
        Some(NumberRow::of_declaration(NumberKind::Bill, bill_no, String::new(), owner.as_str(), id.0).shared())
    })
}
