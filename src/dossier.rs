//! A declaration as it is kept: what was submitted, who transmits what, and how far each document has come.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    clock::Timestamp,
    declaration::{
        Action, Declaration, DeclarationId, DocumentGuid, DocumentId, EnterpriseNo, FollowUp, InventoryNo, Kind, MessageId, PortNo, Waybill,
    },
    lane::Plan,
    party::Tenant,
    state::State,
};

/// What customs last said of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastWord {
    /// returnStatus as received.
    pub code: String,
    /// returnTime.
    pub at: Timestamp,
    /// returnInfo.
    pub info: String,
}

/// One document on its way: who sends it, by which road, and how far it has come. The mutable part of a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Our id.
    pub id: DocumentId,
    /// Counts changes: a write that expects another version is stale.
    pub version: i64,
    /// Whose it is.
    pub tenant: Tenant,
    /// Which declaration it belongs to; a waybill may come before its order.
    pub declaration: Option<DeclarationId>,
    /// What it is.
    pub kind: Kind,
    /// Whether it adds, amends or deletes.
    pub action: Action,
    /// guid on the wire.
    pub guid: DocumentGuid,
    /// The name of the sender that transmits it.
    pub sender: String,
    /// The road it takes.
    pub road: String,
    /// copNo, of an inventory.
    pub enterprise_no: Option<EnterpriseNo>,
    /// preNo, once the port has given one.
    pub port_no: Option<PortNo>,
    /// invtNo, once customs has given one.
    pub inventory_no: Option<InventoryNo>,
    /// How far it has come.
    pub state: State,
    /// What customs last said.
    pub last_word: Option<LastWord>,
    /// When it should have been delivered by: the earliest goes first.
    pub needed_by: Timestamp,
    /// When its gate is to be looked at next; nothing if only an event can open it.
    pub gate_at: Option<Timestamp>,
    /// Documents with a lot are packed only with their own lot: the halves of a message that was refused whole.
    pub lot: Option<Uuid>,
    /// How many times it has been packed.
    pub packed: u32,
    /// How many times it has been packed anew because the port could not pass it on.
    pub port_failures: u32,
    /// When its message was last sent again; nothing if it was sent once. A 4 from before then is no answer to what was sent last.
    pub resent_at: Option<Timestamp>,
    /// The message that carries it now.
    pub message: Option<MessageId>,
}

/// A declaration as it is kept: what was submitted, and its documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dossier {
    /// Our id.
    pub id: DeclarationId,
    /// Whose it is.
    pub tenant: Tenant,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it should be delivered by.
    pub needed_by: Timestamp,
    /// What was submitted. Shared: it never changes.
    pub declaration: Arc<Declaration>,
    /// The number of its waybill: the seller's, or that of the waybill bound to it.
    pub waybill_no: Option<String>,
    /// Who transmits what, as it was decided at acceptance.
    pub plan: Plan,
    /// The documents that we send, and the waybill once it is known; at most one of a kind alive.
    pub documents: Vec<Document>,
}

impl Dossier {
    /// Its document of a kind.
    #[must_use]
    pub fn document(&self, kind: Kind) -> Option<&Document> {
        self.documents.iter().find(|document| document.kind == kind)
    }
}

/// What a document says: the part that never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Of an order and of an inventory.
    Declaration(Arc<Declaration>),
    /// Of a waybill.
    Waybill(Arc<Waybill>),
    /// Of what is submitted on its own.
    FollowUp(Arc<FollowUp>),
}
