//! What is submitted on its own and what becomes of it; what is amended, summed, and due by when.

use std::sync::Arc;

use super::{
    NumberKind,
    numbering::{NumberRow, follow_up_scope},
};
use crate::{
    audit::Entry,
    check::Finding,
    clock::Timestamp,
    declaration::{Declaration, DeclarationId, DocumentId, FollowUp, Kind, Part, Waybill},
    dossier::{Document, Dossier},
    party::{Actor, Tenant},
};

/// What a document that is submitted on its own asks of what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUpLookup {
    /// Whose key, and whose inventories.
    pub tenant: Tenant,
    /// The idempotency key.
    pub key: String,
    /// invtNo of the inventories that it is about.
    pub inventory_nos: Vec<String>,
    /// Whether inventories of other tenants count: a site tells of everybody's goods.
    pub of_any_tenant: bool,
    /// The carrier (logisticsCode) of the waybills and of the bill.
    pub carrier: String,
    /// Waybills that it lists.
    pub waybill_nos: Vec<String>,
    /// The bill all of whose parcels it is about.
    pub bill_no: Option<String>,
}

/// What an idempotency key is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundFollowUp {
    /// Of the request.
    pub digest: [u8; 32],
    /// The id of what was made of it; of the first part, if it was split. A declaration's, if the key was given with one.
    pub whole: DocumentId,
    /// Its documents, where we transmit it.
    pub documents: Vec<Document>,
}

/// A declaration that a document submitted on its own is about, and whose it is.
pub type Concerned = (DeclarationId, Tenant);

/// What is kept of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FollowUpFound {
    /// What the key is bound to.
    pub bound: Option<BoundFollowUp>,
    /// The declaration of each inventory, in the order in which they were asked for.
    pub inventories: Vec<Option<Dossier>>,
    /// The declaration of each waybill, likewise.
    pub waybills: Vec<Option<Concerned>>,
    /// The declarations of the bill.
    pub of_bill: Vec<Concerned>,
}

/// A part of a document that is submitted on its own; all of it, if it was not split.
#[derive(Debug, Clone)]
pub struct FollowUpPart {
    /// Its new id, also that of its document.
    pub id: DocumentId,
    /// What it says.
    pub follow_up: Arc<FollowUp>,
    /// Its document, if we transmit it.
    pub document: Option<Document>,
    /// The declarations that it is about.
    pub members: Vec<Concerned>,
    /// What it names and no declaration is known by, or may still come to.
    pub awaited: Vec<super::Named>,
}

/// A document that is submitted on its own, to be kept.
#[derive(Debug, Clone)]
pub struct FollowUpAcceptance {
    /// Who submits it, for which tenant.
    pub actor: Actor,
    /// The idempotency key.
    pub key: String,
    /// SHA-256 of the request without the key.
    pub digest: [u8; 32],
    /// What the key was bound to, where all of that was turned away: then the key is bound anew.
    pub instead_of: Option<DocumentId>,
    /// The versions of the documents that the decision rests on. They are counted up, so that of two that rest on one document the
    /// second is decided again.
    pub expected: Vec<(DocumentId, i64)>,
    /// When goods of its bill must be there.
    pub cut_off: Option<Timestamp>,
    /// Warnings of the check.
    pub warnings: Vec<Finding>,
    /// At least one; the first one's id is that of the whole.
    pub parts: Vec<FollowUpPart>,
    /// Deadlines that it sets or meets.
    pub deadlines: Vec<DeadlineChange>,
    /// Audit entries: one of the whole, one of each declaration that it is about.
    pub entries: Vec<Entry>,
}

/// What became of a [`FollowUpAcceptance`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowUpAccepted {
    /// Kept.
    New,
    /// The same request came before: this is what was made of it.
    Again(DocumentId),
    /// The key is bound to another request.
    KeyConflict,
    /// What the decision rests on has changed: it is to be decided again.
    Stale,
}

/// A part of what was submitted on its own, in a few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFollowUp {
    /// Its id.
    pub id: DocumentId,
    /// The id of the whole.
    pub whole: DocumentId,
    /// Whose it is.
    pub tenant: Tenant,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// What it is.
    pub kind: Kind,
    /// Which part.
    pub part: Part,
    /// billNo, where it has one.
    pub bill_no: Option<String>,
    /// When goods left, of a departure.
    pub happened_at: Option<Timestamp>,
    /// When goods of its bill must be there.
    pub cut_off: Option<Timestamp>,
    /// Its document; nothing: somebody else transmits it.
    pub document: Option<Document>,
}

impl KeptFollowUp {
    /// Whether it stands: nobody has turned it away.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.document.as_ref().is_none_or(|document| !document.state.is_turned_away() && document.state != crate::state::State::Cancelled)
    }
}

/// What was submitted on its own, with what it says.
#[derive(Debug, Clone)]
pub struct ShownFollowUp {
    /// Its parts, in their order, each with what it says.
    pub parts: Vec<(KeptFollowUp, Arc<FollowUp>)>,
    /// Warnings given at acceptance.
    pub warnings: Vec<Finding>,
    /// How many declarations it is about.
    pub members: u64,
}

/// Another waybill's number for a declaration.
#[derive(Debug, Clone)]
pub struct Relabel {
    /// The declaration.
    pub declaration: DeclarationId,
    /// Whose it is.
    pub tenant: Tenant,
    /// The versions of the documents that the decision rests on; they are counted up.
    pub expected: Vec<(DocumentId, i64)>,
    /// The carrier of both waybills, the declaration's own.
    pub carrier: String,
    /// The new number.
    pub waybill_no: String,
    /// The audit entry.
    pub entry: Entry,
}

/// What became of a [`Relabel`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relabelled {
    /// It has that number, and the waybill if that was pushed.
    Done,
    /// Another declaration has it.
    Taken,
    /// What the decision rests on has changed.
    Stale,
}

/// A declaration's new content.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// The declaration.
    pub declaration: DeclarationId,
    /// How often it has been amended before.
    pub expected: u32,
    /// What it says from now on.
    pub content: Arc<Declaration>,
    /// Warnings of the check.
    pub warnings: Vec<Finding>,
    /// SHA-256 of the request.
    pub digest: [u8; 32],
}

/// A waybill's new content, or a document that asks customs for it.
#[derive(Debug, Clone, PartialEq)]
pub struct WaybillRevision {
    /// The waybill.
    pub waybill: DocumentId,
    /// What it says from now on; nothing: as before.
    pub content: Option<Arc<Waybill>>,
    /// The new document that asks customs to amend or delete it.
    pub by: Option<DocumentId>,
}

/// What customs made of an inventory that was summed (792).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summed {
    /// The declaration.
    pub declaration: DeclarationId,
    /// Whose it is.
    pub tenant: Tenant,
    /// sumNo.
    pub summary_no: String,
    /// declSeqNo: stands for one customs declaration.
    pub seq_no: String,
    /// When customs said so.
    pub at: Timestamp,
    /// decTmpNo.
    pub draft_no: Option<String>,
    /// decPreNo.
    pub port_no: Option<String>,
    /// entryId: the customs declaration's number.
    pub customs_declaration_no: Option<String>,
    /// decState as received.
    pub state: String,
}

/// What a result of a summary (792) is about: the inventories that it names, and those that an earlier one named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummedLookup {
    /// sumNo.
    pub summary_no: String,
    /// declSeqNo.
    pub seq_no: String,
    /// invtNo of its lines.
    pub inventory_nos: Vec<String>,
}

/// A declaration that a result of a summary is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummedFound {
    /// The declaration.
    pub declaration: DeclarationId,
    /// Whose it is.
    pub tenant: Tenant,
    /// What was said of it before, in whatever summary.
    pub summed: Option<Summed>,
    /// Whether a summary (701) names it that customs has not turned away: its result may still come.
    pub applied: bool,
}

/// What must be done by when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DeadlineKind {
    /// Goods must be at the site before their vehicle's cut-off.
    CutOff,
    /// An inventory of the B kind is to be summed by the 15th of the month after (transport §4.3).
    Summary,
    /// Goods that come back within six months of export come in without taxes (exemption §1.5: announcement 16 of 2026).
    ReturnTax,
    /// Goods may be declared to come back within a year of release (general administration of customs, announcement 44 of 2020; the
    /// year is general knowledge, not read in the announcement).
    ReturnCustoms,
    /// An exemption is to be filed by 30 April of the year after export (exemption §1.3; 2026年第11号第九条(一)4).
    Filing,
    /// After this day, 36 months after export, it cannot be filed any more, and the goods are taxed.
    FilingEnd,
}

impl DeadlineKind {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::CutOff, Self::Summary, Self::ReturnTax, Self::ReturnCustoms, Self::Filing, Self::FilingEnd];

    /// As written in answers and as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CutOff => "cut_off",
            Self::Summary => "summary",
            Self::ReturnTax => "return_tax",
            Self::ReturnCustoms => "return_customs",
            Self::Filing => "filing",
            Self::FilingEnd => "filing_end",
        }
    }

    /// The kind with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// An open deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// Of which declaration.
    pub declaration: DeclarationId,
    /// Whose it is.
    pub tenant: Tenant,
    /// What must be done.
    pub kind: DeadlineKind,
    /// By when.
    pub at: Timestamp,
}

/// A deadline that is set, or met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadlineChange {
    /// From now on.
    Set(Deadline),
    /// It is met, or does not matter any more.
    Met(DeclarationId, DeadlineKind),
}

/// Which deadlines are wanted, earliest first.
#[derive(Debug, Clone, Default)]
pub struct DeadlineFilter {
    /// Only of this tenant.
    pub tenant: Option<Tenant>,
    /// Only behind this one.
    pub after: Option<(Timestamp, DeclarationId)>,
    /// At most so many.
    pub limit: u32,
}

/// What the numbers of a document that is submitted on its own are: how receipts find it, and how it is found by its bill.
pub(super) fn held_numbers(acceptance: &FollowUpAcceptance) -> Vec<NumberRow> {
    let tenant = acceptance.actor.tenant.as_str();
    let mut rows = Vec::new();
    for part in &acceptance.parts {
        let follow_up = &*part.follow_up;
        let row = |kind, number: &str, scope| NumberRow::of_follow_up(kind, number, scope, tenant, part.id.0);
        if let (FollowUp::Payment(payment), Some(_)) = (follow_up, &part.document) {
            rows.push(row(NumberKind::Payment, &payment.order_no, payment.seller.code.clone()));
        }
        if let Some(no) = part.document.as_ref().and_then(|document| document.enterprise_no.as_ref()) {
            rows.push(row(NumberKind::Enterprise, &no.0, follow_up_scope(follow_up.kind(), follow_up.part().number)));
        }
        let Some(bill_no) = bill_no(follow_up).filter(|bill_no| !bill_no.is_empty()) else { continue };
        if follow_up.part().number == 1 {
            rows.push(row(NumberKind::Bill, bill_no, String::new()).shared());
        }
        // A manifest gives its bill to what is on it.
        if follow_up.kind() == Kind::Manifest {
            let of = |(id, owner): &Concerned| NumberRow::of_declaration(NumberKind::Bill, bill_no, String::new(), owner.as_str(), id.0);
            rows.extend(part.members.iter().map(of).map(NumberRow::shared));
        }
    }
    rows
}

/// billNo, of what has one.
pub(super) fn bill_no(follow_up: &FollowUp) -> Option<&str> {
    match follow_up {
        FollowUp::Arrival(arrival) => arrival.bill_no.as_deref(),
        FollowUp::Departure(departure) => departure.bill_no.as_deref(),
        FollowUp::Manifest(manifest) => Some(&manifest.bill_no),
        FollowUp::GoodsReturn(goods_return) => Some(&goods_return.bill_no),
        FollowUp::ReturnTally(tally) => Some(&tally.bill_no),
        FollowUp::Payment(_) | FollowUp::Cancellation(_) | FollowUp::Summary(_) => None,
    }
}

/// When it happened that a document tells of.
pub(super) const fn happened_at(follow_up: &FollowUp) -> Option<Timestamp> {
    match follow_up {
        FollowUp::Departure(departure) => Some(departure.left_at),
        _ => None,
    }
}

/// What is to be done about a key: nothing if it is free or may be taken over.
pub(super) fn settled(acceptance: &FollowUpAcceptance, bound: Option<([u8; 32], DocumentId)>) -> Option<FollowUpAccepted> {
    let (digest, whole) = bound?;
    let own = acceptance.parts.first().map(|part| part.id);
    if own == Some(whole) {
        return Some(FollowUpAccepted::New);
    }
    if acceptance.instead_of == Some(whole) {
        return None;
    }
    Some(if digest == acceptance.digest { FollowUpAccepted::Again(whole) } else { FollowUpAccepted::KeyConflict })
}
