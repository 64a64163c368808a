//! A declaration as it is kept: what was submitted, who transmits what, and how far each document has come.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    clock::Timestamp,
    declaration::{
        Action, Declaration, DeclarationId, DocumentGuid, DocumentId, EnterpriseNo, FollowUp, InventoryNo, Kind, MessageId, PortNo, Waybill,
    },
    exemption::Recorded,
    lane::Plan,
    party::{Tenant, Trace},
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
    /// That its message was sent again; nothing if it was sent once.
    pub resent: Option<Resent>,
    /// The message that carries it now.
    pub message: Option<MessageId>,
    /// Whether somebody holds it back: it is not packed until it is released.
    pub on_hold: bool,
}

/// The same bytes went again. A 4 from before then may be about the first copy while a later one declared the document anew, and then
/// packing it into another message would declare it twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resent {
    /// When they went last, by our clock.
    pub at: Timestamp,
    /// How many copies beside the first may have been taken: one less where customs turned it away as a repetition.
    pub copies: u32,
    /// When the 4 was spoken that was set aside, until it is known which copy it was about.
    pub set_aside: Option<Timestamp>,
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
    /// What was submitted, as last amended.
    pub declaration: Arc<Declaration>,
    /// The number of its waybill: the seller's, or that of the waybill bound to it.
    pub waybill_no: Option<String>,
    /// Who transmits what, as it was decided at acceptance.
    pub plan: Plan,
    /// The documents that we send, and the waybill once it is known; several of a kind where one amends or deletes another.
    pub documents: Vec<Document>,
    /// What is recorded about it for the exemption.
    pub recorded: Arc<Recorded>,
    /// In the course of what it was submitted, where the caller told.
    pub trace: Option<Trace>,
}

impl Dossier {
    /// The trace that it belongs to, as logs tell it: the caller's, or else its own, whose id it is.
    #[must_use]
    pub fn trace_id(&self) -> String {
        self.trace.map_or_else(|| self.id.0.simple().to_string(), |trace| Trace::shown(trace.id))
    }

    /// Its document of a kind, as it counts now: the newest, but for one that was to amend it and was turned away. What only asks
    /// for a deletion is not it.
    #[must_use]
    pub fn document(&self, kind: Kind) -> Option<&Document> {
        current(&self.documents, kind)
    }

    /// The document of a kind that customs speaks of: the newest that it may have, whatever that asks for. What is still to be sent
    /// it cannot know.
    #[must_use]
    pub fn spoken_of(&self, kind: Kind) -> Option<&Document> {
        let known = |document: &&Document| document.packed > 0 || !matches!(document.state, State::Waiting | State::Due);
        let counts = |document: &&Document| document.action == Action::Add || !document.state.is_turned_away();
        let newest = self.of_kind(kind).filter(known).filter(counts).max_by_key(|document| document.id);
        newest.or_else(|| self.of_kind(kind).max_by_key(|document| document.id))
    }

    /// What asks customs to delete its document of a kind, and has not been turned away.
    #[must_use]
    pub fn deletion(&self, kind: Kind) -> Option<&Document> {
        self.of_kind(kind).find(|document| document.action == Action::Delete && !document.state.is_turned_away())
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Document> {
        self.documents.iter().filter(move |document| document.kind == kind)
    }
}

/// Of a declaration's documents the one of a kind, as it counts now; see [`Dossier::document`].
#[must_use]
pub fn current(documents: &[Document], kind: Kind) -> Option<&Document> {
    let counts = |document: &&Document| document.action == Action::Add || !document.state.is_turned_away();
    let of_kind = documents.iter().filter(|document| document.kind == kind && document.action != Action::Delete);
    of_kind.filter(counts).max_by_key(|document| document.id)
}

/// What a document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Of an order and of an inventory.
    Declaration(Arc<Declaration>),
    /// Of a waybill.
    Waybill(Arc<Waybill>),
    /// Of what is submitted on its own.
    FollowUp(Arc<FollowUp>),
}
