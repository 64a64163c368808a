//! The store on PostgreSQL: any number of nodes on one database, each command a transaction of its own.
//!
//! Statements are set-based: rows travel as one array for each column (`unnest`). Nodes meet only in rows: keys decide who came first,
//! leases are rows that others step over (`SKIP LOCKED`), documents are locked in the order of their ids. There are no advisory locks, no
//! sequences and no clocks in it, so that another database which speaks PostgreSQL's protocol can take its place. Nodes poll; there is no
//! `NOTIFY`.
//!
//! A command whose connection breaks is begun anew on another, and told that an earlier try may have been committed: it then looks for
//! what it did before it does it.

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use self::{
    pool::{Pool, Purpose},
    trying::{Failed, tried},
};
use super::{
    Acceptance, Accepted, Application, Arrival, Batch, Count, Deadline, DeadlineFilter, Decided, DecisionFilter, Delivery, DeliveryFilter,
    EntryFilter, Error, FollowUpAcceptance, FollowUpAccepted, FollowUpFound, FollowUpLookup, Found, Gated, Hints, Hit, KeptArrival,
    KeptMessage, KeptNode, KeptReceipt, KeptWaybill, LeasedArrival, ListFilter, Listed, LogHead, Lookup, Matches, MessageFound,
    MessageWithDocuments, Overtaking, Overview, OverviewAsked, Packing, PendingEntry, PlacedEntry, RecordKept, Recording, Redecision,
    RedecisionEnd, Relabel, Relabelled, Resealed, Result, SellerFilter, Sellers, Sequencing, Settlement, Shown, ShownFollowUp, Store,
    StoredCheckpoint, StoredRow, StoredTile, SummedFound, SummedLookup, Traces, WaybillAcceptance, WaybillAccepted, Written, guarding,
    papers::{Paper, Papers},
};
use crate::{
    archive::Archives,
    clock::Timestamp,
    declaration::{DeclarationId, DocumentId, MessageId},
    dossier::{Document, Dossier},
    party::Tenant,
    queue::Lease,
    receipt::Key,
    vault::{Place, Vault},
};

mod about;
mod accept;
mod apply;
mod arrivals;
mod decisions;
mod deliveries;
mod desk;
pub(crate) mod filling;
mod follow_ups;
mod gates;
mod log;
mod matching;
mod migrate;
mod nodes;
mod numbers;
mod options;
mod overview;
mod packing;
mod papers;
mod people;
mod pool;
mod records;
mod relabel;
mod retaining;
mod retiring;
mod revisions;
mod rows;
mod sequence;
mod trying;
mod vaulted;
mod views;
mod waybills;

pub use self::{
    about::{About, about},
    migrate::migrate,
    options::{Address, Options},
};

/// The store on PostgreSQL.
pub struct Postgres {
    pool: Arc<Pool>,
    hints: Hints,
    papers: Papers,
    vault: Vault,
}

impl Postgres {
    /// Opens the database at the host that takes writes.
    ///
    /// # Errors
    /// It cannot be reached, or its schema is not the one that this program knows ([`migrate`] brings it there).
    pub async fn open(options: &Options) -> Result<Self> {
        Self::open_for(options, Purpose::Writing).await
    }

    /// Opens the database as [`Postgres::open`] does. Where none of its hosts can be reached now, or none takes writes, that is told
    /// beside the store, and commands fail until one does: whoever starts first need not start anew.
    ///
    /// # Errors
    /// What waiting does not mend: a wrong password, a schema that this program does not know.
    pub async fn open_patiently(options: &Options) -> Result<(Self, Option<Error>)> {
        let (pool, failed) = Pool::open_patiently(options.setting()?, options.connections).await?;
        Ok((Self { pool, hints: Hints::default(), papers: Papers::default(), vault: Vault::default() }, failed))
    }

    /// Opens the database for looking only, at any of its hosts, and sees it as it was at the first look, whatever is written meanwhile.
    ///
    /// # Errors
    /// As [`Postgres::open`].
    pub async fn open_read_only(options: &Options) -> Result<Self> {
        Self::open_for(options, Purpose::Looking).await
    }

    async fn open_for(options: &Options, purpose: Purpose) -> Result<Self> {
        let pool = Pool::open(options.setting()?, purpose, options.connections).await?;
        let mut held = pool.take().await.map_err(Failed::told)?;
        migrate::look(&mut held.connection).await?;
        pool.give_back(held);
        Ok(Self { pool, hints: Hints::default(), papers: Papers::default(), vault: Vault::default() })
    }

    /// Encrypts what is kept raw from now on, and decrypts what was.
    #[must_use]
    pub fn with_vault(self, vault: Vault) -> Self {
        Self { vault, ..self }
    }

    /// Reads what was archived from archives that are at hand.
    #[must_use]
    pub fn with_archives(self, archives: Archives) -> Self {
        Self { papers: Papers::over(archives), ..self }
    }

    fn may_write(&self) -> Result<&Arc<Pool>> {
        match self.pool.purpose() {
            Purpose::Writing => Ok(&self.pool),
            Purpose::Looking => Err(Error::Unavailable("the store was opened for reading only".into())),
        }
    }
}

#[async_trait]
impl Store for Postgres {
    fn hints(&self) -> &Hints {
        &self.hints
    }

    async fn close(&self) {
        self.pool.close().await;
    }

    async fn lookup(&self, now: Timestamp, asked: Vec<Lookup>) -> Result<Vec<Found>> {
        tried!(&self.pool, Single, |connection| accept::lookup(connection, now, &asked))
    }

    async fn accept(&self, now: Timestamp, many: Vec<Acceptance>) -> Result<Vec<Accepted>> {
        let accepted = tried!(self.may_write()?, Together, |connection| accept::accept(connection, now, &many))?;
        let kept = many.iter().zip(&accepted).filter(|(acceptance, accepted)| **accepted == Accepted::New(acceptance.id));
        self.papers.accepted(kept.map(|(acceptance, _)| (acceptance.id.0, Paper::of(acceptance, now))).collect());
        self.hints.taken_in();
        Ok(accepted)
    }

    async fn accept_waybills(&self, now: Timestamp, many: Vec<WaybillAcceptance>) -> Result<Vec<WaybillAccepted>> {
        let accepted = tried!(self.may_write()?, Together, |connection| waybills::accept(connection, now, &many))?;
        self.hints.taken_in();
        Ok(accepted)
    }

    async fn follow_up_lookup(&self, asked: &FollowUpLookup) -> Result<FollowUpFound> {
        tried!(&self.pool, Snapshot, |connection| follow_ups::lookup(connection, &self.papers, asked))
    }

    async fn accept_follow_up(&self, now: Timestamp, acceptance: FollowUpAcceptance) -> Result<FollowUpAccepted> {
        let accepted = tried!(self.may_write()?, Together, |connection| follow_ups::accept(connection, now, &acceptance))?;
        self.hints.taken_in();
        Ok(accepted)
    }

    async fn relabel(&self, now: Timestamp, asked: Relabel) -> Result<Relabelled> {
        let done = tried!(self.may_write()?, Together, |connection| relabel::relabel(connection, now, &asked))?;
        self.hints.gate.tell();
        self.hints.sequence.tell();
        Ok(done)
    }

    async fn record(&self, now: Timestamp, recording: Recording) -> Result<RecordKept> {
        let kept = tried!(self.may_write()?, Together, |connection| records::record(connection, now, &recording))?;
        self.hints.decide.tell();
        self.hints.sequence.tell();
        Ok(kept)
    }

    async fn note_basis(&self, basis: [u8; 32], again: Redecision) -> Result<bool> {
        tried!(self.may_write()?, Together, |connection| records::note_basis(connection, basis, &again))
    }

    async fn lease_redecision(&self, now: Timestamp, lease: Lease) -> Result<Option<Redecision>> {
        tried!(self.may_write()?, Single, |connection| records::lease(connection, now, lease))
    }

    async fn settle_redecision(&self, token: Uuid, id: Uuid, end: RedecisionEnd) -> Result<Written> {
        tried!(self.may_write()?, Single, |connection, unsure| records::settle(connection, token, id, end, unsure))
    }

    async fn gates(&self, now: Timestamp, limit: u32) -> Result<Vec<Gated>> {
        tried!(&self.pool, Snapshot, |connection| gates::gates(connection, &self.papers, now, limit))
    }

    async fn overtaken(&self, now: Timestamp, limit: u32) -> Result<Vec<Overtaking>> {
        tried!(&self.pool, Snapshot, |connection| matching::overtaken(connection, &self.papers, now, limit))
    }

    async fn apply(&self, now: Timestamp, application: Application) -> Result<Written> {
        let written = tried!(self.may_write()?, Together, |connection, unsure| apply::apply(connection, now, &application, unsure))?;
        if written == Written::Done {
            self.hints.awaited(application.awaited());
        }
        Ok(written)
    }

    async fn lease_documents(&self, now: Timestamp, lease: Lease, batches: u32) -> Result<Vec<Batch>> {
        tried!(self.may_write()?, Together, |connection, unsure| packing::lease(connection, &self.papers, now, lease, batches, unsure))
    }

    async fn pack(&self, now: Timestamp, token: Uuid, packing: Packing) -> Result<Written> {
        let packing = guarding::lock_packing(&self.vault, packing);
        let written = tried!(self.may_write()?, Together, |connection| packing::pack(connection, now, token, &packing))?;
        self.hints.deliver.tell();
        self.hints.sequence.tell();
        Ok(written)
    }

    async fn give_back(&self, token: Uuid, documents: Vec<DocumentId>, at: Timestamp) -> Result<()> {
        tried!(self.may_write()?, Single, |connection| packing::give_back(connection, token, &documents, at))
    }

    async fn lease_deliveries(&self, now: Timestamp, lease: Lease, road: &str, limit: u32) -> Result<Vec<Delivery>> {
        let leased =
            tried!(self.may_write()?, Together, |connection, unsure| deliveries::lease(connection, now, lease, road, limit, unsure))?;
        Ok(guarding::unlock_deliveries(&self.vault, leased))
    }

    async fn settle(&self, now: Timestamp, token: Uuid, many: Vec<Settlement>) -> Result<Vec<Written>> {
        let written = tried!(self.may_write()?, Together, |connection, unsure| deliveries::settle(connection, now, token, &many, unsure))?;
        self.hints.sequence.tell();
        Ok(written)
    }

    async fn keep(&self, now: Timestamp, many: Vec<Arrival>) -> Result<()> {
        let many = guarding::lock_arrivals(&self.vault, many);
        tried!(self.may_write()?, Single, |connection| arrivals::keep(connection, now, &many))?;
        self.hints.collect.tell();
        Ok(())
    }

    async fn lease_arrivals(&self, now: Timestamp, lease: Lease, own: Option<Uuid>, limit: u32) -> Result<Vec<LeasedArrival>> {
        let leased = tried!(self.may_write()?, Single, |connection, unsure| arrivals::lease(connection, now, lease, own, limit, unsure))?;
        Ok(guarding::unlock_arrivals(&self.vault, leased))
    }

    async fn matches(&self, keys: &[Key]) -> Result<Matches> {
        // One snapshot: a waybill that is bound to its order between two looks would be taken for one without an order, and the
        // list that waits for it would not be told.
        tried!(&self.pool, Snapshot, |connection| numbers::matches(connection, &self.papers, keys))
    }

    async fn members(&self, asked: &[DocumentId]) -> Result<Vec<(DocumentId, Dossier)>> {
        tried!(&self.pool, Snapshot, |connection| follow_ups::members(connection, &self.papers, asked))
    }

    async fn summed(&self, asked: &[SummedLookup]) -> Result<Vec<Vec<SummedFound>>> {
        tried!(&self.pool, Snapshot, |connection| revisions::find_summed(connection, asked))
    }

    async fn message(&self, cop_msg_id: &str) -> Result<Option<MessageFound>> {
        tried!(&self.pool, Snapshot, |connection| deliveries::find(connection, cop_msg_id))
    }

    async fn reseal(&self, from: Place, limit: u32) -> Result<Resealed> {
        tried!(self.may_write()?, Together, |connection| vaulted::reseal(connection, &self.vault, from, limit))
    }

    async fn take_role(&self, now: Timestamp, role: &str, holder: Uuid, until: Timestamp) -> Result<bool> {
        tried!(self.may_write()?, Single, |connection| log::take_role(connection, now, role, holder, until))
    }

    async fn pending_entries(&self, limit: u32) -> Result<Vec<PendingEntry>> {
        tried!(&self.pool, Single, |connection| log::pending(connection, limit))
    }

    async fn log_head(&self) -> Result<LogHead> {
        tried!(&self.pool, Snapshot, |connection| log::head(connection))
    }

    async fn sequence(&self, now: Timestamp, sequencing: Sequencing) -> Result<Written> {
        let written = tried!(self.may_write()?, Together, |connection, unsure| sequence::sequence(connection, now, &sequencing, unsure))?;
        if written == Written::Done {
            self.hints.grown.tell();
        }
        Ok(written)
    }

    async fn stored_entries(&self, from: i64, limit: u32) -> Result<Vec<StoredRow>> {
        tried!(&self.pool, Single, |connection| log::stored_entries(connection, &self.papers.archives, from, limit))
    }

    async fn tiles_from(&self, level: i64, index: i64, limit: u32) -> Result<Vec<StoredTile>> {
        tried!(&self.pool, Single, |connection| log::tiles_from(connection, level, index, limit))
    }

    async fn stored_tiles(&self) -> Result<Vec<(i64, i64)>> {
        tried!(&self.pool, Single, |connection| log::stored_tiles(connection))
    }

    async fn checkpoint_over(&self, size: i64) -> Result<Option<StoredCheckpoint>> {
        tried!(&self.pool, Single, |connection| log::checkpoint_over(connection, size))
    }

    async fn last_checkpoint(&self) -> Result<Option<StoredCheckpoint>> {
        tried!(&self.pool, Single, |connection| log::last_checkpoint(connection))
    }

    async fn untold(&self) -> Result<Option<DeclarationId>> {
        tried!(&self.pool, Snapshot, |connection| log::untold(connection))
    }

    async fn stored_checkpoints(&self) -> Result<Vec<StoredCheckpoint>> {
        tried!(&self.pool, Single, |connection| log::stored_checkpoints(connection))
    }

    async fn beat(&self, node: KeptNode) -> Result<Vec<KeptNode>> {
        tried!(self.may_write()?, Single, |connection| nodes::beat(connection, &node))?;
        self.nodes().await
    }

    async fn nodes(&self) -> Result<Vec<KeptNode>> {
        tried!(&self.pool, Single, |connection| nodes::nodes(connection))
    }

    async fn forget(&self, gone: Vec<(Uuid, i64)>) -> Result<()> {
        tried!(self.may_write()?, Single, |connection| nodes::forget(connection, &gone))
    }

    async fn show(&self, tenant: Option<&Tenant>, id: DeclarationId) -> Result<Option<Shown>> {
        tried!(&self.pool, Snapshot, |connection| views::show(connection, &self.papers, tenant, id))
    }

    async fn follow_up(&self, tenant: Option<&Tenant>, id: DocumentId) -> Result<Option<ShownFollowUp>> {
        tried!(&self.pool, Snapshot, |connection| follow_ups::show(connection, tenant, id))
    }

    async fn deadlines(&self, filter: DeadlineFilter) -> Result<Vec<Deadline>> {
        tried!(&self.pool, Single, |connection| revisions::open(connection, &filter))
    }

    async fn list(&self, filter: ListFilter) -> Result<Listed> {
        tried!(&self.pool, Snapshot, |connection| views::list(connection, &self.papers, &filter))
    }

    async fn decisions(&self, filter: DecisionFilter) -> Result<Vec<Decided>> {
        tried!(&self.pool, Snapshot, |connection| decisions::page(connection, &self.papers, &filter))
    }

    async fn waybill(&self, tenant: Option<&Tenant>, carrier: &str, waybill_no: &str) -> Result<Option<KeptWaybill>> {
        tried!(&self.pool, Snapshot, |connection| waybills::show(connection, tenant, carrier, waybill_no))
    }

    async fn find(&self, tenant: Option<&Tenant>, asked: &[String]) -> Result<Vec<Hit>> {
        tried!(&self.pool, Single, |connection| numbers::find(connection, tenant, asked))
    }

    async fn entries(&self, filter: EntryFilter) -> Result<Vec<PlacedEntry>> {
        tried!(&self.pool, Snapshot, |connection| log::entries(connection, &self.papers.archives, &filter))
    }

    async fn unmatched(&self, limit: u32) -> Result<Vec<KeptReceipt>> {
        tried!(&self.pool, Single, |connection| arrivals::unmatched(connection, limit))
    }

    async fn counts(&self, tenant: Option<&Tenant>) -> Result<Vec<Count>> {
        tried!(&self.pool, Snapshot, |connection| views::counts(connection, tenant))
    }

    async fn stopped(&self) -> Result<Vec<(String, String)>> {
        tried!(&self.pool, Single, |connection| views::stopped(connection))
    }

    async fn messages(&self, filter: DeliveryFilter) -> Result<Vec<KeptMessage>> {
        tried!(&self.pool, Single, |connection| desk::messages(connection, &filter))
    }

    async fn messages_of(&self, ids: &[MessageId]) -> Result<Vec<MessageWithDocuments>> {
        tried!(&self.pool, Snapshot, |connection| desk::messages_of(connection, ids))
    }

    async fn sealed(&self, id: MessageId) -> Result<Option<Vec<u8>>> {
        let kept = tried!(&self.pool, Single, |connection| desk::sealed(connection, id))?;
        kept.map(|bytes| guarding::open(&self.vault, &self.papers.archives, Place::Message(id.0), bytes)).transpose()
    }

    async fn documents(&self, tenant: Option<&Tenant>, ids: &[Uuid]) -> Result<Vec<Document>> {
        tried!(&self.pool, Snapshot, |connection| desk::documents(connection, tenant, ids))
    }

    async fn traces(&self, declarations: &[Uuid]) -> Result<Traces> {
        tried!(&self.pool, Single, |connection| papers::traces(connection, declarations))
    }

    async fn paused(&self) -> Result<Vec<(String, String)>> {
        tried!(&self.pool, Single, |connection| desk::paused(connection))
    }

    async fn receipt(&self, arrival: Uuid, ordinal: u32, of: DocumentId) -> Result<Option<KeptReceipt>> {
        tried!(&self.pool, Snapshot, |connection| desk::receipt(connection, &self.papers.archives, arrival, ordinal, of))
    }

    async fn quarantined(&self, before: Option<Uuid>, limit: u32) -> Result<Vec<KeptArrival>> {
        tried!(&self.pool, Single, |connection| desk::quarantined(connection, before, limit))
    }

    async fn arrival(&self, id: Uuid) -> Result<Option<(KeptArrival, Vec<u8>)>> {
        let kept = tried!(&self.pool, Single, |connection| desk::arrival(connection, id))?;
        kept.map(|(arrival, bytes)| Ok((arrival, guarding::open(&self.vault, &self.papers.archives, Place::Arrival(id), bytes)?)))
            .transpose()
    }

    async fn sellers(&self, filter: SellerFilter) -> Result<Sellers> {
        tried!(&self.pool, Snapshot, |connection| records::sellers(connection, &filter))
    }

    async fn overview(&self, asked: OverviewAsked) -> Result<Overview> {
        tried!(&self.pool, Snapshot, |connection| overview::overview(connection, &asked))
    }

    async fn awaiting(&self, senders: &[String], most: u32) -> Result<Vec<u64>> {
        tried!(&self.pool, Single, |connection| desk::awaiting(connection, senders, most))
    }
}
