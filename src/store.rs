//! What is kept. [`Store`] is a list of use cases, many in and a result for each out, each one commit. The rules live above
//! (what follows from a receipt is [`crate::state`]'s business); a store only guards what was expected: a write whose
//! [`Change::expected`] versions no longer hold, or whose lease was lost, does nothing and says so.
//!
//! Every command takes `now`, ids and tokens; none reads a clock. A command is idempotent: called again after a commit whose
//! outcome is unknown, it finds what it did and answers the same.

use async_trait::async_trait;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    archive,
    clock::Timestamp,
    declaration::{DeclarationId, DocumentId, MessageId},
    dossier::{Document, Dossier},
    party::Tenant,
    queue::Lease,
    receipt::Key,
    vault,
};

mod accepting;
mod batching;
mod deciding;
mod desk;
mod failure;
pub(crate) mod filling;
mod following;
mod guarding;
mod looking;
mod matching;
mod moving;
mod nodes;
mod numbering;
mod overview;
mod papers;
mod people;
pub mod postgres;
mod reading;
mod recording;
mod retaining;
pub(crate) mod silence;
pub mod sqlite;
mod taking;

pub use self::{
    desk::*,
    following::*,
    guarding::Resealed,
    looking::*,
    matching::*,
    moving::*,
    nodes::KeptNode,
    overview::{Backlog, DueBy, MOST_DUE, OfficeCount, Overview, OverviewAsked, Pulse, RoadQueue},
    people::*,
    recording::{KeptRecord, KeptSeller, RecordKept, RecordKind, Recording, Redecision, RedecisionEnd, SellerFilter, Sellers},
    retaining::*,
    taking::*,
};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store is busy, full, unreachable or shutting down: the same call may succeed later. Nothing was kept.
    #[error("存储暂时无法读写 · the store cannot be written or read now")]
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
    #[error("本程序不认识该存储的结构 · the store's schema is not one that this program knows: {0}")]
    Schema(String),
    /// What is asked for was archived, and the archive cannot give it.
    #[error(transparent)]
    Archived(#[from] archive::Error),
}

/// What an order number is unique within: the platform and the seller together (foreign platforms all write 无).
#[must_use]
pub fn order_scope(platform: &str, seller: &str) -> String {
    format!("{platform}|{seller}")
}

/// The result of a command.
pub type Result<T> = std::result::Result<T, Error>;

/// Statements, without what is bound to them, go into the program's log where it asks for them (`sqlx::query=trace`) and nowhere else:
/// telling them costs as much as some of them.
fn told_if_asked<O: sqlx::ConnectOptions>(options: O) -> O {
    match "trace".parse() {
        Ok(level) if tracing::enabled!(target: "sqlx::query", tracing::Level::TRACE) => options.log_statements(level),
        _ => options.disable_statement_logging(),
    }
}

/// A hint that there is something to do. Whoever waits for it subscribes once: what is told while it is at work is not missed.
#[derive(Debug, Default)]
pub struct Hint(watch::Sender<()>);

impl Hint {
    /// Tells everybody who waits, or will wait next.
    pub fn tell(&self) {
        self.0.send_replace(());
    }

    /// Who listens from now on.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }
}

/// Hints within one process that there is something to do. Only hints: whoever waits polls as well.
#[derive(Debug, Default)]
pub struct Hints {
    /// A gate may open.
    pub gate: Hint,
    /// Documents may be due.
    pub pack: Hint,
    /// Messages may be due.
    pub deliver: Hint,
    /// Something arrived.
    pub collect: Hint,
    /// Something is to be decided again.
    pub decide: Hint,
    /// Audit entries were written.
    pub sequence: Hint,
    /// The log has grown.
    pub grown: Hint,
}

impl Hints {
    /// Tells those who have something to do with what callers sent.
    fn taken_in(&self) {
        for hint in [&self.pack, &self.gate, &self.sequence] {
            hint.tell();
        }
    }

    /// Tells those who have something to do now.
    fn awaited(&self, awaited: Awaited) {
        let told = [
            (awaited.pack, &self.pack),
            (awaited.gate, &self.gate),
            (awaited.deliver, &self.deliver),
            (awaited.decide, &self.decide),
            (true, &self.sequence),
        ];
        for (_, hint) in told.iter().filter(|(waits, _)| *waits) {
            hint.tell();
        }
    }
}

/// What is kept.
#[async_trait]
pub trait Store: People + Retaining {
    /// Hints that there is something to do.
    fn hints(&self) -> &Hints;
    /// Takes no more commands, finishes those that wait, and lets go of what is kept. Dropping it does the same unseen.
    async fn close(&self);

    // — intake —

    /// Tells for each what is taken already.
    async fn lookup(&self, now: Timestamp, asked: Vec<Lookup>) -> Result<Vec<Found>>;
    /// Keeps declarations with their documents, numbers and audit entries.
    async fn accept(&self, now: Timestamp, many: Vec<Acceptance>) -> Result<Vec<Accepted>>;
    /// Keeps waybills, and binds them to declarations that name them or that they name.
    async fn accept_waybills(&self, now: Timestamp, many: Vec<WaybillAcceptance>) -> Result<Vec<WaybillAccepted>>;

    /// Tells what a document that is submitted on its own is about.
    async fn follow_up_lookup(&self, asked: &FollowUpLookup) -> Result<FollowUpFound>;
    /// Keeps a document that is submitted on its own, all parts of it or none.
    async fn accept_follow_up(&self, now: Timestamp, acceptance: FollowUpAcceptance) -> Result<FollowUpAccepted>;

    /// Gives a declaration the number of its waybill, or another one.
    async fn relabel(&self, now: Timestamp, asked: Relabel) -> Result<Relabelled>;

    /// Keeps what a seller records for the exemption, and that what it touches is to be decided again.
    async fn record(&self, now: Timestamp, recording: Recording) -> Result<RecordKept>;

    // — redecider —

    /// Notes what decisions are made with from now on; where that is new, `again` is kept with it. Tells whether it was.
    async fn note_basis(&self, basis: [u8; 32], again: Redecision) -> Result<bool>;
    /// Leases one thing that is to be decided again and is due.
    async fn lease_redecision(&self, now: Timestamp, lease: Lease) -> Result<Option<Redecision>>;
    /// Writes down how a turn at it ended, if the lease still holds.
    async fn settle_redecision(&self, token: Uuid, id: Uuid, end: RedecisionEnd) -> Result<Written>;

    // — gatekeeper —

    /// Declarations whose inventory waits at a gate that is to be looked at by `now`, or whose waybill was pushed before anybody
    /// could say who transmits it; earliest deadline first.
    async fn gates(&self, now: Timestamp, limit: u32) -> Result<Vec<Gated>>;
    /// Documents submitted on their own that came before a declaration which they may be about, and at which a look is due by `now`: one
    /// of these for each such declaration, and one for a number that none has.
    async fn overtaken(&self, now: Timestamp, limit: u32) -> Result<Vec<Overtaking>>;
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
    /// Leases arrivals that are not read yet, oldest first: also those that are reserved for `own`, and none that are reserved for another.
    async fn lease_arrivals(&self, now: Timestamp, lease: Lease, own: Option<Uuid>, limit: u32) -> Result<Vec<LeasedArrival>>;
    /// Finds what receipts are about.
    async fn matches(&self, keys: &[Key]) -> Result<Matches>;
    /// The declarations that documents submitted on their own are about.
    async fn members(&self, follow_ups: &[DocumentId]) -> Result<Vec<(DocumentId, Dossier)>>;
    /// The declarations that results of summaries are about, in the order in which they were asked for.
    async fn summed(&self, asked: &[SummedLookup]) -> Result<Vec<Vec<SummedFound>>>;
    /// Finds a message by its CopMsgId.
    async fn message(&self, cop_msg_id: &str) -> Result<Option<MessageFound>>;

    // — encryption —

    /// Brings what is kept raw under the vault's first key, or under none where it has none: so many rows from a place on.
    async fn reseal(&self, from: vault::Place, limit: u32) -> Result<Resealed>;

    // — sequencer —

    /// Takes or keeps the named role for as long as the lease says; false if somebody else has it.
    async fn take_role(&self, now: Timestamp, role: &str, holder: Uuid, until: Timestamp) -> Result<bool>;
    /// Entries that no checkpoint covers yet, in the order in which they are to be given their place.
    async fn pending_entries(&self, limit: u32) -> Result<Vec<PendingEntry>>;
    /// What is needed to go on with the log.
    async fn log_head(&self) -> Result<LogHead>;
    /// Gives entries their place.
    async fn sequence(&self, now: Timestamp, sequencing: Sequencing) -> Result<Written>;

    /// Rows of the log from a position on, for a check of the whole.
    async fn stored_entries(&self, from: i64, limit: u32) -> Result<Vec<StoredRow>>;
    /// Full tiles of a level from an index on, up to so many.
    async fn tiles_from(&self, level: i64, index: i64, limit: u32) -> Result<Vec<StoredTile>>;
    /// Level and index of every full tile, in that order.
    async fn stored_tiles(&self) -> Result<Vec<(i64, i64)>>;
    /// The newest checkpoint.
    async fn last_checkpoint(&self) -> Result<Option<StoredCheckpoint>>;
    /// A declaration of whose acceptance the log does not tell; there should be none.
    async fn untold(&self) -> Result<Option<DeclarationId>>;
    /// The first checkpoint that covers so many entries.
    async fn checkpoint_over(&self, size: i64) -> Result<Option<StoredCheckpoint>>;
    /// Every checkpoint, by size.
    async fn stored_checkpoints(&self) -> Result<Vec<StoredCheckpoint>>;

    // — nodes —

    /// Writes down what a node says of itself, and tells what all of them said last, itself among them.
    async fn beat(&self, node: KeptNode) -> Result<Vec<KeptNode>>;
    /// What all nodes said last, the one that started first leading.
    async fn nodes(&self) -> Result<Vec<KeptNode>>;
    /// Removes nodes that have not spoken since the beat named.
    async fn forget(&self, gone: Vec<(Uuid, i64)>) -> Result<()>;

    // — looking in —

    /// One declaration of a tenant (of any, if none is named).
    async fn show(&self, tenant: Option<&Tenant>, id: DeclarationId) -> Result<Option<Shown>>;
    /// What was submitted on its own, by the id of any part of it.
    async fn follow_up(&self, tenant: Option<&Tenant>, id: DocumentId) -> Result<Option<ShownFollowUp>>;
    /// Open deadlines, earliest first.
    async fn deadlines(&self, filter: DeadlineFilter) -> Result<Vec<Deadline>>;
    /// Declarations in the order of their ids; those that cannot be read are told by their ids.
    async fn list(&self, filter: ListFilter) -> Result<Listed>;
    /// Declarations in the order of their ids, each with the decision on its lines as it stood at a time: for ledgers and replays.
    async fn decisions(&self, filter: DecisionFilter) -> Result<Vec<Decided>>;
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
    /// Messages that are not over, by their ids.
    async fn messages(&self, filter: DeliveryFilter) -> Result<Vec<KeptMessage>>;
    /// Messages with their documents, in the order of `ids`; those that are not there are left out.
    async fn messages_of(&self, ids: &[MessageId]) -> Result<Vec<MessageWithDocuments>>;
    /// The bytes that were sealed.
    async fn sealed(&self, id: MessageId) -> Result<Option<Vec<u8>>>;
    /// The documents with these ids, and those of the declarations with these ids, by their ids; of a tenant, if one is named.
    async fn documents(&self, tenant: Option<&Tenant>, ids: &[Uuid]) -> Result<Vec<Document>>;
    /// The traces in which callers submitted the declarations with these ids; those that were submitted in none are left out.
    async fn traces(&self, declarations: &[Uuid]) -> Result<Traces>;
    /// Roads that are paused, with the reason.
    async fn paused(&self) -> Result<Vec<(String, String)>>;
    /// A receipt by its arrival and its place there, if it matches nothing of ours or is about that document.
    async fn receipt(&self, arrival: Uuid, ordinal: u32, of: DocumentId) -> Result<Option<KeptReceipt>>;
    /// Arrivals that were put aside, newest first; older than the one named, if one is.
    async fn quarantined(&self, before: Option<Uuid>, limit: u32) -> Result<Vec<KeptArrival>>;
    /// An arrival with its bytes.
    async fn arrival(&self, id: Uuid) -> Result<Option<(KeptArrival, Vec<u8>)>>;
    /// Sellers' profiles, a page of them by tenant and code, and what was recorded last.
    async fn sellers(&self, filter: SellerFilter) -> Result<Sellers>;
    /// How things stand, counted. It may take seconds where much is kept: whoever shows it keeps it for a while.
    async fn overview(&self, asked: OverviewAsked) -> Result<Overview>;
    /// How many documents wait for each of these senders, due or in messages that are to be sent; counted up to so many of each.
    async fn awaiting(&self, senders: &[String], most: u32) -> Result<Vec<u64>>;
}
