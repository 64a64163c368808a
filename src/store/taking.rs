//! What is handed in by sellers and carriers, and what became of it.

use std::sync::Arc;

use crate::{
    audit::Entry,
    check::Finding,
    clock::Timestamp,
    declaration::{Declaration, DeclarationId, DocumentId, Waybill, draft::OrderReference},
    dossier::Document,
    exemption::Seller,
    lane::Plan,
    party::{Actor, Tenant},
};

/// Names what a caller wants to know before it checks: what is taken already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// Whose idempotency key.
    pub tenant: Tenant,
    /// The idempotency key; nothing: the order's own number stands in.
    pub idempotency_key: Option<String>,
    /// The order.
    pub order: OrderReference,
    /// Carrier code and waybill number, if given.
    pub waybill: Option<(String, String)>,
    /// The code of the owner of the goods: beside the order's seller the one who may have a recorded profile.
    pub owner: String,
}

/// What is taken already.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// What the key is bound to: the digest of the request and what was made of it.
    pub bound: Option<([u8; 32], DeclarationId)>,
    /// Whether another declaration holds the order number.
    pub order_taken: bool,
    /// Whether another declaration holds the waybill number.
    pub waybill_taken: bool,
    /// The seller that the waybill of that number names, if it has been pushed.
    pub waybill_seller: Option<String>,
    /// The profiles recorded of those who may be its real seller.
    pub sellers: Vec<Arc<Seller>>,
}

/// A declaration to be kept.
#[derive(Debug, Clone)]
pub struct Acceptance {
    /// Its new id.
    pub id: DeclarationId,
    /// Who submits it, for which tenant.
    pub actor: Actor,
    /// The idempotency key, if the caller gave one; else the order's own number stands in.
    pub idempotency_key: Option<String>,
    /// SHA-256 of the request without the key.
    pub digest: [u8; 32],
    /// When it should be delivered by.
    pub needed_by: Timestamp,
    /// What was submitted, checked.
    pub declaration: Arc<Declaration>,
    /// Warnings of the check.
    pub warnings: Vec<Finding>,
    /// Who transmits what.
    pub plan: Plan,
    /// Its documents, order and inventory as far as we send them.
    pub documents: Vec<Document>,
    /// The exemption advice as JSON.
    pub assessment: String,
    /// The audit entry.
    pub entry: Entry,
}

/// What became of an [`Acceptance`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// Kept.
    New(DeclarationId),
    /// The same request came before: this is what was made of it.
    Again(DeclarationId),
    /// The key is bound to another request.
    KeyConflict,
    /// Another declaration holds the order number.
    OrderTaken,
    /// Another declaration holds the waybill number.
    WaybillTaken,
}

/// A waybill to be kept.
#[derive(Debug, Clone)]
pub struct WaybillAcceptance {
    /// Its new id, also that of its document.
    pub id: DocumentId,
    /// Who pushes it, for which tenant.
    pub actor: Actor,
    /// SHA-256 of the request.
    pub digest: [u8; 32],
    /// What was pushed, checked.
    pub waybill: Arc<Waybill>,
    /// The order it names, if any: binds it where the seller gave no number.
    pub order: Option<OrderReference>,
    /// Its document if it is to be transmitted whatever its order says; else one is made once its order is known.
    pub document: Option<Document>,
    /// The audit entry.
    pub entry: Entry,
}

/// What became of a [`WaybillAcceptance`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaybillAccepted {
    /// Kept; bound to a declaration if one was there.
    New {
        /// The waybill's id.
        id: DocumentId,
        /// The declaration it belongs to, if known.
        declaration: Option<DeclarationId>,
    },
    /// The same waybill came before.
    Again {
        /// The waybill's id.
        id: DocumentId,
        /// The declaration it belongs to, if known.
        declaration: Option<DeclarationId>,
    },
    /// The carrier used this number for another waybill within six months.
    Taken,
}

/// A waybill as kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptWaybill {
    /// Its id.
    pub id: DocumentId,
    /// Whose it is: the carrier's tenant.
    pub tenant: Tenant,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// What was pushed.
    pub waybill: Arc<Waybill>,
    /// The declaration it belongs to, if known.
    pub declaration: Option<DeclarationId>,
    /// Its document, if it is transmitted by us.
    pub document: Option<Document>,
}
