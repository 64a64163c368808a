//! What is kept. [`Store`] is a list of use cases, many in and a result for each out, each one commit. The rules live above
//! (what follows from a receipt is [`crate::state`]'s business); a store only guards what was expected: a write whose
//! [`Change::expected`] versions no longer hold, or whose lease was lost, does nothing and says so.
//!
//! Every command takes `now`, ids and tokens; none reads a clock. A command is idempotent: called again after a commit whose
//! outcome is unknown, it finds what it did and answers the same.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    audit::Entry,
    check::Finding,
    clock::Timestamp,
    declaration::{Declaration, DeclarationId, DocumentId, Kind, MessageId, Waybill, draft::OrderReference},
    dossier::{Content, Document, Dossier},
    lane::Plan,
    party::{Actor, Tenant},
    queue::{Fault, Lease},
    receipt::{Key, Receipt},
    state::State,
};

pub mod sqlite;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store is busy, full, unreachable or shutting down: the same call may succeed later. Nothing was kept.
    #[error("the store cannot be written or read now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is kept contradicts itself.
    #[error("inconsistent row in {table}, {what}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// Which row or column.
        what: String,
    },
    /// The store was made by another version of this program.
    #[error("the store's schema is not one that this program knows: {0}")]
    Schema(String),
}

/// What an order number is unique within: the platform and the seller together (foreign platforms all write 无).
#[must_use]
pub fn order_scope(platform: &str, seller: &str) -> String {
    format!("{platform}|{seller}")
}

/// The result of a command.
pub type Result<T> = std::result::Result<T, Error>;

/// Names what a caller wants to know before it checks: what is taken already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// Whose idempotency key.
    pub tenant: Tenant,
    /// The idempotency key.
    pub idempotency_key: String,
    /// The order.
    pub order: OrderReference,
    /// Carrier code and waybill number, if given.
    pub waybill: Option<(String, String)>,
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
}

/// A declaration to be kept.
#[derive(Debug, Clone)]
pub struct Acceptance {
    /// Its new id.
    pub id: DeclarationId,
    /// Who submits it, for which tenant.
    pub actor: Actor,
    /// The idempotency key: the caller's, or one made of the order's number.
    pub idempotency_key: String,
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
}

impl NumberKind {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Order, Self::Waybill, Self::Enterprise, Self::Port, Self::Inventory, Self::Bill, Self::Bag];

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
        }
    }
}

/// A change to one subject, guarded by the versions it was decided on.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The versions of every document the decision looked at.
    pub expected: Vec<(DocumentId, i64)>,
    /// Documents as they are to be; their `version` is the one expected, the store counts it up. An inventory whose siblings
    /// changed should get `gate_at`, so that its gate is looked at.
    pub documents: Vec<Document>,
    /// Documents that are new: a waybill's, once its order's lane is known.
    pub created: Vec<Document>,
    /// Numbers that customs gave.
    pub numbers: Vec<Number>,
    /// A new exemption decision, as JSON; kept beside the earlier ones.
    pub assessment: Option<(DeclarationId, String)>,
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
}

/// Everything that follows from some arrivals, or from a look at some gates: one commit, all or nothing.
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
    /// What becomes of whole messages.
    pub messages: Vec<MessageChange>,
    /// Senders to be stopped, with the reason.
    pub stops: Vec<(String, String)>,
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
    /// Its documents that it still carries.
    pub documents: Vec<Document>,
}

/// An entry that has no place in the log yet.
#[derive(Debug, Clone)]
pub struct PendingEntry {
    /// Its id.
    pub id: Uuid,
    /// Its canonical bytes.
    pub body: Vec<u8>,
}

/// An entry as stored, with its place if it has one.
#[derive(Debug, Clone)]
pub struct PlacedEntry {
    /// Its place in the log; nothing before the sequencer has come by.
    pub position: Option<i64>,
    /// The entry.
    pub entry: Entry,
}

/// A full tile of the log (256 hashes).
#[derive(Debug, Clone)]
pub struct StoredTile {
    /// 0 for leaves.
    pub level: i64,
    /// Its place on the level.
    pub index: i64,
    /// 256 hashes of 32 bytes.
    pub hashes: Vec<u8>,
}

/// What is needed to go on with the log: its size and its edge.
#[derive(Debug, Clone, Default)]
pub struct LogHead {
    /// Entries with a place.
    pub size: i64,
    /// Leaf hashes after the last full tile.
    pub leaves: Vec<[u8; 32]>,
    /// The full tiles that no full tile above them covers, by level and index.
    pub tiles: Vec<StoredTile>,
}

/// New places for entries, guarded by the size of the log.
#[derive(Debug, Clone)]
pub struct Sequencing {
    /// The size it was decided on.
    pub expected_size: i64,
    /// Entry ids in their new order, with leaf hashes.
    pub entries: Vec<(Uuid, [u8; 32])>,
    /// Tiles that became full.
    pub tiles: Vec<StoredTile>,
    /// The new root.
    pub root: [u8; 32],
    /// The signed note over it.
    pub note: String,
}

/// A row of the log as stored, for a check of the whole.
#[derive(Debug, Clone)]
pub struct StoredRow {
    /// Its place.
    pub position: i64,
    /// The columns beside the body.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub tenant: String,
    /// About what.
    pub subject: Uuid,
    /// What was done.
    pub act: String,
    /// The leaf hash.
    pub leaf: Vec<u8>,
    /// The canonical bytes.
    pub body: Vec<u8>,
}

/// A checkpoint as stored.
#[derive(Debug, Clone)]
pub struct StoredCheckpoint {
    /// How many entries it covers.
    pub size: i64,
    /// The root over them.
    pub root: Vec<u8>,
    /// When it was signed.
    pub at: Timestamp,
    /// The signed note.
    pub note: String,
}

/// Which audit entries are wanted.
#[derive(Debug, Clone, Default)]
pub struct EntryFilter {
    /// Only of this tenant.
    pub tenant: Option<Tenant>,
    /// Only about these subjects.
    pub subjects: Option<Vec<Uuid>>,
    /// Only this act.
    pub act: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Only with a greater position.
    pub after: Option<i64>,
    /// Also those without a position yet, at the end.
    pub pending: bool,
    /// At most so many.
    pub limit: u32,
}

/// What a number leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The number as asked.
    pub number: String,
    /// What kind of number it is here.
    pub kind: NumberKind,
    /// The declaration.
    pub declaration: Option<DeclarationId>,
    /// The document, of a waybill without a declaration.
    pub document: Option<DocumentId>,
}

/// A declaration as shown: all that is kept of it but the raw bytes.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The declaration with its documents.
    pub dossier: Dossier,
    /// Warnings given at acceptance.
    pub warnings: Vec<Finding>,
    /// Exemption decisions as JSON, oldest first.
    pub assessments: Vec<String>,
    /// Receipts, oldest first by returnTime.
    pub receipts: Vec<KeptReceipt>,
}

/// Which declarations are wanted, in the order of their ids (time).
#[derive(Debug, Clone, Default)]
pub struct ListFilter {
    /// Only of this tenant.
    pub tenant: Option<Tenant>,
    /// Only declared at offices whose code starts so.
    pub office: Option<String>,
    /// Only whose inventory is in this state.
    pub state: Option<State>,
    /// Only after this id.
    pub after: Option<DeclarationId>,
    /// At most so many.
    pub limit: u32,
}

/// How many documents of a kind are in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// The kind.
    pub kind: Kind,
    /// The state.
    pub state: State,
    /// How many.
    pub count: i64,
}

/// Hints within one process that there is something to do. Only hints: whoever waits polls as well.
#[derive(Debug, Default)]
pub struct Hints {
    /// A gate may open.
    pub gate: Notify,
    /// Documents may be due.
    pub pack: Notify,
    /// Messages may be due.
    pub deliver: Notify,
    /// Something arrived.
    pub collect: Notify,
    /// Audit entries were written.
    pub sequence: Notify,
    /// The log has grown.
    pub grown: Notify,
}

/// What is kept.
#[async_trait]
pub trait Store: Send + Sync {
    /// Hints that there is something to do.
    fn hints(&self) -> &Hints;

    // — intake —

    /// Tells for each what is taken already.
    async fn lookup(&self, now: Timestamp, asked: Vec<Lookup>) -> Result<Vec<Found>>;
    /// Keeps declarations with their documents, numbers and audit entries.
    async fn accept(&self, now: Timestamp, many: Vec<Acceptance>) -> Result<Vec<Accepted>>;
    /// Keeps waybills, and binds them to declarations that name them or that they name.
    async fn accept_waybills(&self, now: Timestamp, many: Vec<WaybillAcceptance>) -> Result<Vec<WaybillAccepted>>;

    // — gatekeeper —

    /// Declarations whose inventory waits and whose gate is to be looked at by `now`, earliest deadline first.
    async fn gates(&self, now: Timestamp, limit: u32) -> Result<Vec<Dossier>>;
    /// Applies changes; see [`Application`].
    async fn apply(&self, now: Timestamp, application: Application) -> Result<Written>;

    // — packer —

    /// Leases due documents in batches of one sender, kind, road and lot; earliest deadline first, stopped senders left out.
    async fn lease_documents(&self, now: Timestamp, lease: Lease, batches: u32) -> Result<Vec<Batch>>;
    /// Keeps a sealed message, if the lease still holds for every document in it.
    async fn pack(&self, now: Timestamp, token: Uuid, packing: Packing) -> Result<Written>;
    /// Gives leased documents back, not to be leased again before `at`.
    async fn give_back(&self, token: Uuid, documents: Vec<DocumentId>, at: Timestamp) -> Result<()>;

    // — courier —

    /// Leases messages of a road that are due, and delivered ones that nobody answered by their `silent_at`.
    async fn lease_deliveries(&self, now: Timestamp, lease: Lease, road: &str, limit: u32) -> Result<Vec<Delivery>>;
    /// Writes down how attempts ended; those whose lease was lost are left alone and told as stale.
    async fn settle(&self, now: Timestamp, token: Uuid, many: Vec<Settlement>) -> Result<Vec<Written>>;

    // — collector —

    /// Keeps what arrived, before the transport is told that it may forget.
    async fn keep(&self, now: Timestamp, many: Vec<Arrival>) -> Result<()>;
    /// Leases arrivals that are not read yet, oldest first.
    async fn lease_arrivals(&self, now: Timestamp, lease: Lease, limit: u32) -> Result<Vec<LeasedArrival>>;
    /// Finds what receipts are about.
    async fn matches(&self, keys: &[Key]) -> Result<Matches>;
    /// Finds a message by its CopMsgId.
    async fn message(&self, cop_msg_id: &str) -> Result<Option<MessageFound>>;

    // — sequencer —

    /// Takes or keeps the named role for as long as the lease says; false if somebody else has it.
    async fn take_role(&self, now: Timestamp, role: &str, holder: Uuid, until: Timestamp) -> Result<bool>;
    /// Entries without a place, in the order of their ids.
    async fn pending_entries(&self, limit: u32) -> Result<Vec<PendingEntry>>;
    /// What is needed to go on with the log.
    async fn log_head(&self) -> Result<LogHead>;
    /// Gives entries their place.
    async fn sequence(&self, now: Timestamp, sequencing: Sequencing) -> Result<Written>;

    /// Rows of the log from a position on, for a check of the whole.
    async fn stored_entries(&self, from: i64, limit: u32) -> Result<Vec<StoredRow>>;
    /// One full tile.
    async fn stored_tile(&self, level: i64, index: i64) -> Result<Option<Vec<u8>>>;
    /// Level and index of every full tile, in that order.
    async fn stored_tiles(&self) -> Result<Vec<(i64, i64)>>;
    /// Every checkpoint, by size.
    async fn stored_checkpoints(&self) -> Result<Vec<StoredCheckpoint>>;

    // — looking in —

    /// One declaration of a tenant (of any, if none is named).
    async fn show(&self, tenant: Option<&Tenant>, id: DeclarationId) -> Result<Option<Shown>>;
    /// Declarations in the order of their ids.
    async fn list(&self, filter: ListFilter) -> Result<Vec<Dossier>>;
    /// A waybill by carrier and number.
    async fn waybill(&self, tenant: Option<&Tenant>, carrier: &str, waybill_no: &str) -> Result<Option<KeptWaybill>>;
    /// What numbers of any kind lead to, within a tenant (any, if none is named).
    async fn find(&self, tenant: Option<&Tenant>, numbers: &[String]) -> Result<Vec<Hit>>;
    /// Audit entries.
    async fn entries(&self, filter: EntryFilter) -> Result<Vec<PlacedEntry>>;
    /// Receipts that match nothing of ours, newest first.
    async fn unmatched(&self, limit: u32) -> Result<Vec<KeptReceipt>>;
    /// How many documents are in which state.
    async fn counts(&self, tenant: Option<&Tenant>) -> Result<Vec<Count>>;
    /// Senders that are stopped, with the reason.
    async fn stopped(&self) -> Result<Vec<(String, String)>>;
    /// Lets a stopped sender go on.
    async fn resume(&self, now: Timestamp, sender: &str, entry: Entry) -> Result<()>;
}
