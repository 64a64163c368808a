//! What the moving parts lease and write: batches, messages, arrivals, changes.

use uuid::Uuid;

use super::{Attached, DeadlineChange, KeptWaybill, Matching, ProposalEnd, Redecision, Revision, RoadChange, Summed, WaybillRevision};
use crate::{
    audit::Entry,
    clock::Timestamp,
    declaration::{DeclarationId, DocumentGuid, DocumentId, Kind, MessageId},
    dossier::{Content, Document, Dossier},
    party::{Tenant, Trace},
    queue::{Fault, Lease},
    receipt::Receipt,
    state::State,
};

/// What a receipt is about: a whole declaration, or a waybill whose order is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A declaration with all its documents.
    Dossier(Dossier),
    /// A waybill's document without a declaration.
    Waybill(Document),
}

impl Subject {
    /// The id that audit entries carry.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        match self {
            Self::Dossier(dossier) => dossier.id.0,
            Self::Waybill(document) => document.id.0,
        }
    }
}

/// What the business keys of receipts lead to.
#[derive(Debug, Clone, Default)]
pub struct Matches {
    /// Each subject once.
    pub subjects: Vec<Subject>,
    /// For each key: which subject, and which of its documents.
    pub of: Vec<Option<(usize, DocumentId)>>,
}

/// A declaration whose gate is to be looked at, with its waybill if that has been pushed.
#[derive(Debug, Clone)]
pub struct Gated {
    /// The declaration.
    pub dossier: Dossier,
    /// Its waybill.
    pub waybill: Option<KeptWaybill>,
}

/// Documents of one sender, kind, road and lot that are packed together, at most 100.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Who transmits them.
    pub sender: String,
    /// What they are.
    pub kind: Kind,
    /// The road they take.
    pub road: String,
    /// Leased documents with what they say.
    pub documents: Vec<Leased>,
}

/// A leased document with what it says.
#[derive(Debug, Clone)]
pub struct Leased {
    /// The document.
    pub document: Document,
    /// What it says.
    pub content: Content,
    /// The waybill number of its declaration; empty if none is known, never so for an inventory at an open gate.
    pub waybill_no: String,
    /// In the course of what its declaration was submitted: of an order and of an inventory, where the caller told.
    pub trace: Option<Trace>,
}

/// A sealed message to be kept, with the documents in it.
#[derive(Debug, Clone)]
pub struct Packing {
    /// Its id and guid.
    pub id: MessageId,
    /// Who transmits it.
    pub sender: String,
    /// What it carries.
    pub kind: Kind,
    /// The road it takes.
    pub road: String,
    /// The sealed bytes: from here on only these are sent.
    pub bytes: Vec<u8>,
    /// Their digest.
    pub digest: [u8; 32],
    /// The documents in it.
    pub documents: Vec<DocumentId>,
    /// The earliest deadline among them.
    pub needed_by: Timestamp,
    /// Audit entries, one for each document.
    pub entries: Vec<Entry>,
}

/// Whether a guarded write was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Done.
    Done,
    /// Not done: the lease was lost, or a version was not the one expected. Nothing was written.
    Stale,
}

/// A member of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The document.
    pub document: DocumentId,
    /// The id that audit entries carry: its declaration's, or its own.
    pub subject: Uuid,
    /// Whose it is.
    pub tenant: Tenant,
    /// Whether it is still only packed, so that a delivery moves it.
    pub packed: bool,
    /// In the course of what its declaration was submitted, where the caller told.
    pub trace: Option<Trace>,
}

/// A leased message.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its id and guid.
    pub message: MessageId,
    /// Who transmits it.
    pub sender: String,
    /// What it carries.
    pub kind: Kind,
    /// The road it takes.
    pub road: String,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
    /// When it was sealed: part of the envelope, so that a retry is the same bytes.
    pub sealed_at: Timestamp,
    /// The number of this attempt, from 1; counted when leased, so that a crash counts.
    pub attempt: u32,
    /// How many attempts failed or fell silent in a row.
    pub failed: u32,
    /// What is in it.
    pub members: Vec<Member>,
}

/// How a delivery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The road took it. If no document of it has been answered by `silent_at`, the same bytes go again.
    Delivered {
        /// When silence counts as a lost message.
        silent_at: Timestamp,
    },
    /// It failed; the same bytes go again at `at`.
    Again {
        /// How it failed.
        fault: Fault,
        /// When to try again.
        at: Timestamp,
    },
    /// It could not even be tried, by no fault of the road: looked at again at `at`, and not counted.
    PutOff {
        /// What is missing.
        fault: Fault,
        /// When to look again.
        at: Timestamp,
    },
    /// It will not be tried again by itself.
    Shelved {
        /// How it failed.
        fault: Fault,
    },
}

/// The end of one attempt.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The message.
    pub message: MessageId,
    /// The attempt.
    pub attempt: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// Audit entries, one for each member whose state it changes, or one for the message.
    pub entries: Vec<Entry>,
}

/// Bytes from customs, as received.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Their new id.
    pub id: Uuid,
    /// The road they came by.
    pub road: String,
    /// Their name there.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes: the same name and bytes on the same road are kept once.
    pub digest: [u8; 32],
    /// Whose it is to read at first, and until when. Nothing: anybody's.
    pub reserved: Option<Lease>,
}

/// A leased arrival.
#[derive(Debug, Clone)]
pub struct LeasedArrival {
    /// Its id.
    pub id: Uuid,
    /// The road it came by.
    pub road: String,
    /// Its name there.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// When it arrived.
    pub at: Timestamp,
    /// How many times it has been leased, this time included.
    pub attempt: u32,
}

/// What becomes of an arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// Read; its receipts are kept.
    Read,
    /// Not readable, or nothing of ours: kept raw, with the reason.
    Quarantined(String),
    /// Nobody can say yet what it is about: it is leased again from then on.
    PutOff(Timestamp),
}

/// A receipt to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptReceipt {
    /// The arrival it came in.
    pub arrival: Uuid,
    /// Its place in the arrival, from 0.
    pub ordinal: u32,
    /// When it arrived.
    pub at: Timestamp,
    /// What it says.
    pub receipt: Receipt,
    /// The document it was matched to; nothing: unmatched.
    pub document: Option<DocumentId>,
    /// Whether it moved the document.
    pub effect: bool,
}

/// A number by which a declaration can be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// What kind of number.
    pub kind: NumberKind,
    /// The number.
    pub number: String,
    /// What it is unique within: platform and seller, carrier, declarant; empty if by itself.
    pub scope: String,
    /// The declaration.
    pub declaration: Option<DeclarationId>,
    /// The document.
    pub document: Option<DocumentId>,
}

/// The kinds of number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NumberKind {
    /// orderNo.
    Order,
    /// logisticsNo.
    Waybill,
    /// copNo.
    Enterprise,
    /// preNo.
    Port,
    /// invtNo.
    Inventory,
    /// billNo.
    Bill,
    /// totalPackageNo.
    Bag,
    /// orderNo of a payment.
    Payment,
    /// sumNo, given by customs.
    Summary,
    /// entryId: the number of a customs declaration that inventories were summed into.
    CustomsDeclaration,
}

impl NumberKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Order,
        Self::Waybill,
        Self::Enterprise,
        Self::Port,
        Self::Inventory,
        Self::Bill,
        Self::Bag,
        Self::Payment,
        Self::Summary,
        Self::CustomsDeclaration,
    ];

    /// As written in answers and as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Waybill => "waybill",
            Self::Enterprise => "enterprise",
            Self::Port => "port",
            Self::Inventory => "inventory",
            Self::Bill => "bill",
            Self::Bag => "bag",
            Self::Payment => "payment",
            Self::Summary => "summary",
            Self::CustomsDeclaration => "customs_declaration",
        }
    }
}

/// A change to one subject, guarded by the versions it was decided on.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The versions of the documents that the decision rests on.
    pub expected: Vec<(DocumentId, i64)>,
    /// Documents as they are to be; their `version` is the one expected, the store counts it up.
    pub documents: Vec<Document>,
    /// Declarations of which something has changed that their inventory may wait for: if it waits, in whatever version, its gate is looked
    /// at again, and what was decided about it before is stale.
    pub woken: Vec<DeclarationId>,
    /// Documents that are new: a waybill's, once its order's lane is known.
    pub created: Vec<Document>,
    /// Waybills that were looked at, and when to look again; nothing: settled. Those of `created` documents are settled anyway.
    pub waybills: Vec<(DocumentId, Option<Timestamp>)>,
    /// Numbers that customs gave.
    pub numbers: Vec<Number>,
    /// A new exemption decision, as JSON; kept beside the earlier ones.
    pub assessment: Option<(DeclarationId, String)>,
    /// A declaration's new content; what it said before is kept.
    pub revision: Option<Revision>,
    /// A waybill's new content; what it said before is kept.
    pub rewritten: Option<WaybillRevision>,
    /// Those of `documents` that go out under a new guid.
    pub renewed: Vec<(DocumentId, DocumentGuid)>,
    /// When `created` documents may be packed, where not at once: what amends another must be newer by a second at least.
    pub not_before: Option<Timestamp>,
    /// What customs made of inventories that were summed.
    pub summed: Vec<Summed>,
    /// Deadlines that are set or met.
    pub deadlines: Vec<DeadlineChange>,
    /// Documents submitted on their own that came before their declarations, and what a look at each came to.
    pub matched: Vec<Matching>,
    /// What is to be decided again once this is kept.
    pub again: Option<Redecision>,
    /// What was done.
    pub entries: Vec<Entry>,
}

/// What becomes of a whole message that was answered by the transport or refused whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageChange {
    /// Its documents were set free: it is not sent again.
    Dissolved(MessageId),
    /// The same bytes go again at that time.
    Again(MessageId, Timestamp),
    /// It will not be tried again by itself.
    Shelved(MessageId, String),
    /// One that was given up: the same bytes go again at that time, and its failures count from none.
    Retried(MessageId, Timestamp),
    /// One that was given up: it did arrive, and is not sent again.
    Arrived(MessageId),
}

impl MessageChange {
    /// The message, where it must have been given up.
    #[must_use]
    pub const fn given_up(&self) -> Option<MessageId> {
        match self {
            Self::Retried(id, _) | Self::Arrived(id) => Some(*id),
            Self::Dissolved(_) | Self::Again(..) | Self::Shelved(..) => None,
        }
    }
}

/// Everything that follows from some arrivals, or from a look at some gates: one commit, all or nothing unless it is `apart`.
#[derive(Debug, Clone, Default)]
pub struct Application {
    /// The lease on the arrivals.
    pub token: Option<Uuid>,
    /// The arrivals and what becomes of them.
    pub arrivals: Vec<(Uuid, Disposition)>,
    /// The receipts in them.
    pub receipts: Vec<KeptReceipt>,
    /// What changes.
    pub changes: Vec<Change>,
    /// Each change stands by itself: those whose versions no longer hold are left out, and it is stale only if none is left.
    pub apart: bool,
    /// What becomes of whole messages.
    pub messages: Vec<MessageChange>,
    /// Senders to be stopped, with the reason.
    pub stops: Vec<(String, String)>,
    /// Receipts that matched nothing, and what they are about: stale if one of them has a document by now.
    pub attached: Vec<Attached>,
    /// Roads that are paused or go on.
    pub roads: Vec<RoadChange>,
    /// Stopped senders that go on: what each had queued is due at once.
    pub resumed: Vec<String>,
    /// The proposal that this carries out: stale if it is not open any more.
    pub carries_out: Option<ProposalEnd>,
}

impl Application {
    /// Who is waiting for what it writes.
    #[must_use]
    pub fn awaited(&self) -> Awaited {
        let resumed = !self.resumed.is_empty() || self.roads.iter().any(|change| matches!(change, RoadChange::Resumed(_)));
        let mut awaited = Awaited { deliver: resumed || !self.messages.is_empty(), pack: resumed, ..Awaited::default() };
        // What a manifest has given a bill may be waited for by that.
        awaited.decide = self.changes.iter().any(|change| change.again.is_some());
        awaited.gate = self.changes.iter().any(|change| !change.woken.is_empty() || !change.matched.is_empty());
        for document in self.changes.iter().flat_map(|change| change.documents.iter().chain(&change.created)) {
            awaited.pack |= document.state == State::Due && !document.on_hold;
            awaited.gate |= document.state == State::Waiting && document.gate_at.is_some();
        }
        awaited
    }
}

/// Who has something to do once a command is kept. The sequencer always has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Awaited {
    /// The packer: documents are due.
    pub pack: bool,
    /// The gatekeeper: a gate is to be looked at.
    pub gate: bool,
    /// The courier: messages go again.
    pub deliver: bool,
    /// The redecider: something is to be decided again.
    pub decide: bool,
}

/// A message found by its CopMsgId (which is its guid), with its documents as they are now.
#[derive(Debug, Clone)]
pub struct MessageFound {
    /// Its id.
    pub id: MessageId,
    /// Who transmits it.
    pub sender: String,
    /// What it carries.
    pub kind: Kind,
    /// How many documents were sealed into it.
    pub sealed: usize,
    /// Its documents that it still carries.
    pub documents: Vec<Document>,
}
