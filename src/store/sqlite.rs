//! The store on SQLite: one file, one writer task with group commit (WAL, synchronous FULL), readers beside it.
//!
//! Statements are set-based: rows travel as one JSON text through `json_each`, since a statement per row costs ten times as
//! much. Ids travel in hexadecimal and are kept as 16 bytes.

use std::{fs::File, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use sqlx::{
    ConnectOptions, Connection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use uuid::Uuid;

use self::{
    bulk::Script,
    papers::{Paper, Papers},
    writer::Writer,
};
use super::{
    Acceptance, Accepted, Application, Arrival, Batch, Count, Deadline, DeadlineFilter, Decided, DecisionFilter, Delivery, DeliveryFilter,
    EntryFilter, Error, FollowUpAcceptance, FollowUpAccepted, FollowUpFound, FollowUpLookup, Found, Gated, Hints, Hit, KeptArrival,
    KeptMessage, KeptNode, KeptReceipt, KeptWaybill, LeasedArrival, ListFilter, Listed, LogHead, Lookup, Matches, MessageFound,
    MessageWithDocuments, Overtaking, Overview, OverviewAsked, Packing, PendingEntry, PlacedEntry, RecordKept, Recording, Redecision,
    RedecisionEnd, Relabel, Relabelled, Resealed, Result, SellerFilter, Sellers, Sequencing, Settlement, Shown, ShownFollowUp, Store,
    StoredCheckpoint, StoredRow, StoredTile, SummedFound, SummedLookup, Traces, WaybillAcceptance, WaybillAccepted, Written, guarding,
    told_if_asked,
};
use crate::{
    clock::Timestamp,
    declaration::{DeclarationId, DocumentId, MessageId},
    dossier::{Document, Dossier},
    party::Tenant,
    queue::Lease,
    receipt::Key,
    vault::{Place, Vault},
};

mod accept;
mod apply;
mod arrivals;
mod bulk;
mod decisions;
mod deliveries;
mod desk;
pub(crate) mod filling;
mod follow_ups;
mod gates;
mod log;
mod matching;
mod nodes;
mod numbers;
mod opening;
mod overview;
mod packing;
mod papers;
mod people;
mod records;
mod relabel;
mod retaining;
mod retiring;
mod revisions;
mod rows;
mod vaulted;
mod views;
mod waybills;
mod writer;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Mebibytes that a database may grow to unless the configuration says otherwise.
pub const LARGEST_MIB: u32 = 256 * 1_024;
const PAGES_PER_MIB: u64 = 256;
/// Pages in the write-ahead log before they are folded into the file (64 MiB): a page that changes often is folded once.
const WAL_PAGES: &str = "16384";
/// Rows that a connection's thread may be ahead of whoever reads them: waking each other for a few rows costs more than the rows.
const ROWS_AHEAD: usize = 4_096;
/// Pages that the writer keeps in memory (64 MiB, in KiB with a minus), and what each reader does.
const WRITER_CACHE: &str = "-65536";
const READER_CACHE: &str = "-16384";
const PATIENCE: Duration = Duration::from_secs(10);

/// The store on SQLite.
pub struct Sqlite {
    writer: Option<Writer>,
    readers: SqlitePool,
    hints: Hints,
    papers: Arc<Papers>,
    vault: Vault,
    /// Held for as long as the store is open: one gateway to a file.
    _lock: Option<File>,
}

impl Sqlite {
    /// Opens the database file, making it if it is not there, and brings an empty one to the present schema.
    ///
    /// # Errors
    /// The file cannot be opened or written, or was made by another version of this program.
    pub async fn open(file: &Path) -> Result<Self> {
        Self::open_bounded(file, LARGEST_MIB).await
    }

    /// Opens the database file as [`Sqlite::open`] does, and lets it grow no larger than so many mebibytes: a full store refuses
    /// work, it does not fill the disk.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    pub async fn open_bounded(file: &Path, largest_mib: u32) -> Result<Self> {
        let pages = u64::from(largest_mib) * PAGES_PER_MIB;
        let options = told_if_asked(SqliteConnectOptions::new())
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE)
            .page_size(4_096)
            .pragma("max_page_count", pages.to_string())
            .pragma("cache_size", WRITER_CACHE)
            .pragma("wal_autocheckpoint", WAL_PAGES)
            // What a command has changed is noted beside, to be taken back should it fail: in memory, not in a file that is thrown away.
            .pragma("temp_store", "MEMORY")
            .row_buffer_size(ROWS_AHEAD)
            .statement_cache_capacity(bulk::STATEMENTS_KEPT);
        let lock = opening::lock(file)?;
        let mut connection = options.connect().await?;
        opening::claim(&mut connection).await?;
        MIGRATIONS.run(&mut connection).await.map_err(|error| Error::Schema(error.to_string()))?;
        log::settle_waiting(&mut connection).await?;
        let writer = Writer::start(connection, file).map_err(|error| Error::Unavailable(Box::new(error)))?;
        let readers = opening::pool(options.read_only(true).create_if_missing(false).pragma("cache_size", READER_CACHE)).await?;
        Ok(Self {
            writer: Some(writer),
            readers,
            hints: Hints::default(),
            papers: Arc::default(),
            vault: Vault::default(),
            _lock: Some(lock),
        })
    }
}

/// Reads several things as they were at one moment.
macro_rules! at_once {
    ($store:expr, |$snapshot:ident| $look:expr) => {{
        let mut connection = $store.readers.acquire().await?;
        let mut $snapshot = connection.begin().await?;
        let found = $look.await?;
        $snapshot.commit().await?;
        Ok(found)
    }};
}

#[async_trait]
impl Store for Sqlite {
    fn hints(&self) -> &Hints {
        &self.hints
    }

    async fn close(&self) {
        // Readers first: the last connection to leave folds the write-ahead log into the file.
        self.readers.close().await;
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }

    async fn lookup(&self, now: Timestamp, asked: Vec<Lookup>) -> Result<Vec<Found>> {
        accept::lookup(&mut *self.readers.acquire().await?, now, &asked).await
    }

    async fn accept(&self, now: Timestamp, many: Vec<Acceptance>) -> Result<Vec<Accepted>> {
        let papers: Vec<_> = many.iter().map(|acceptance| (acceptance.id, Paper::of(acceptance, now))).collect();
        let accepted =
            self.writer()?.write(move |connection| Box::pin(async move { accept::accept(connection, now, &many).await })).await?;
        let kept = papers.into_iter().zip(&accepted).filter(|((id, _), accepted)| **accepted == Accepted::New(*id));
        self.papers.accepted(kept.map(|((id, paper), _)| (id.0, paper)).collect());
        self.hints.taken_in();
        Ok(accepted)
    }

    async fn accept_waybills(&self, now: Timestamp, many: Vec<WaybillAcceptance>) -> Result<Vec<WaybillAccepted>> {
        let accepted =
            self.writer()?.write(move |connection| Box::pin(async move { waybills::accept(connection, now, &many).await })).await?;
        self.hints.taken_in();
        Ok(accepted)
    }

    async fn follow_up_lookup(&self, asked: &FollowUpLookup) -> Result<FollowUpFound> {
        at_once!(self, |snapshot| follow_ups::lookup(&mut snapshot, &self.papers, asked))
    }

    async fn accept_follow_up(&self, now: Timestamp, acceptance: FollowUpAcceptance) -> Result<FollowUpAccepted> {
        let accepted =
            self.writer()?.write(move |connection| Box::pin(async move { follow_ups::accept(connection, now, &acceptance).await })).await?;
        self.hints.taken_in();
        Ok(accepted)
    }

    async fn relabel(&self, now: Timestamp, asked: Relabel) -> Result<Relabelled> {
        let done = self.writer()?.write(move |connection| Box::pin(async move { relabel::relabel(connection, now, &asked).await })).await?;
        self.hints.gate.tell();
        self.hints.sequence.tell();
        Ok(done)
    }

    async fn record(&self, now: Timestamp, recording: Recording) -> Result<RecordKept> {
        let kept =
            self.writer()?.write(move |connection| Box::pin(async move { records::record(connection, now, &recording).await })).await?;
        self.hints.decide.tell();
        self.hints.sequence.tell();
        Ok(kept)
    }

    async fn note_basis(&self, basis: [u8; 32], again: Redecision) -> Result<bool> {
        self.writer()?.write(move |connection| Box::pin(async move { records::note_basis(connection, basis, &again).await })).await
    }

    async fn lease_redecision(&self, now: Timestamp, lease: Lease) -> Result<Option<Redecision>> {
        self.writer()?.write(move |connection| Box::pin(records::lease(connection, now, lease))).await
    }

    async fn settle_redecision(&self, token: Uuid, id: Uuid, end: RedecisionEnd) -> Result<Written> {
        self.writer()?.write(move |connection| Box::pin(records::settle(connection, token, id, end))).await
    }

    async fn gates(&self, now: Timestamp, limit: u32) -> Result<Vec<Gated>> {
        at_once!(self, |snapshot| gates::gates(&mut snapshot, &self.papers, now, limit))
    }

    async fn overtaken(&self, now: Timestamp, limit: u32) -> Result<Vec<Overtaking>> {
        at_once!(self, |snapshot| matching::overtaken(&mut snapshot, &self.papers, now, limit))
    }

    async fn apply(&self, now: Timestamp, application: Application) -> Result<Written> {
        let awaited = application.awaited();
        let prepared = apply::prepare(now, application)?;
        let written = self.writer()?.write(move |connection| Box::pin(apply::apply(connection, prepared))).await?;
        if written == Written::Done {
            self.hints.awaited(awaited);
        }
        Ok(written)
    }

    async fn lease_documents(&self, now: Timestamp, lease: Lease, batches: u32) -> Result<Vec<Batch>> {
        let papers = Arc::clone(&self.papers);
        self.writer()?
            .write(move |connection| Box::pin(async move { packing::lease(connection, &papers, now, lease, batches).await }))
            .await
    }

    async fn pack(&self, now: Timestamp, token: Uuid, packing: Packing) -> Result<Written> {
        let mut entries = Script::default();
        rows::insert_entries(&mut entries, packing.entries.iter());
        let packing = guarding::lock_packing(&self.vault, packing);
        let written = self
            .writer()?
            .write(move |connection| Box::pin(async move { packing::pack(connection, now, token, &packing, entries).await }))
            .await?;
        self.hints.deliver.tell();
        self.hints.sequence.tell();
        Ok(written)
    }

    async fn give_back(&self, token: Uuid, documents: Vec<DocumentId>, at: Timestamp) -> Result<()> {
        self.writer()?.write(move |connection| Box::pin(async move { packing::give_back(connection, token, &documents, at).await })).await
    }

    async fn lease_deliveries(&self, now: Timestamp, lease: Lease, road: &str, limit: u32) -> Result<Vec<Delivery>> {
        let road = road.to_owned();
        let leased = self
            .writer()?
            .write(move |connection| Box::pin(async move { deliveries::lease(connection, now, lease, &road, limit).await }))
            .await?;
        Ok(guarding::unlock_deliveries(&self.vault, leased))
    }

    async fn settle(&self, now: Timestamp, token: Uuid, many: Vec<Settlement>) -> Result<Vec<Written>> {
        let written = self
            .writer()?
            .write(move |connection| Box::pin(async move { deliveries::settle(connection, now, token, &many).await }))
            .await?;
        self.hints.sequence.tell();
        Ok(written)
    }

    async fn keep(&self, now: Timestamp, many: Vec<Arrival>) -> Result<()> {
        let many = guarding::lock_arrivals(&self.vault, many);
        self.writer()?.write(move |connection| Box::pin(async move { arrivals::keep(connection, now, &many).await })).await?;
        self.hints.collect.tell();
        Ok(())
    }

    async fn lease_arrivals(&self, now: Timestamp, lease: Lease, own: Option<Uuid>, limit: u32) -> Result<Vec<LeasedArrival>> {
        let leased = self.writer()?.write(move |connection| Box::pin(arrivals::lease(connection, now, lease, own, limit))).await?;
        Ok(guarding::unlock_arrivals(&self.vault, leased))
    }

    async fn matches(&self, keys: &[Key]) -> Result<Matches> {
        // One snapshot: a waybill that is bound to its order between two looks would be taken for one without an order, and the
        // list that waits for it would not be told.
        at_once!(self, |snapshot| numbers::matches(&mut snapshot, &self.papers, keys))
    }

    async fn members(&self, asked: &[DocumentId]) -> Result<Vec<(DocumentId, Dossier)>> {
        follow_ups::members(&mut *self.readers.acquire().await?, &self.papers, asked).await
    }

    async fn summed(&self, asked: &[SummedLookup]) -> Result<Vec<Vec<SummedFound>>> {
        revisions::find_summed(&mut *self.readers.acquire().await?, asked).await
    }

    async fn message(&self, cop_msg_id: &str) -> Result<Option<MessageFound>> {
        deliveries::find(&mut *self.readers.acquire().await?, cop_msg_id).await
    }

    async fn reseal(&self, from: Place, limit: u32) -> Result<Resealed> {
        let vault = self.vault.clone();
        self.writer()?.write(move |connection| Box::pin(async move { vaulted::reseal(connection, &vault, from, limit).await })).await
    }

    async fn take_role(&self, now: Timestamp, role: &str, holder: Uuid, until: Timestamp) -> Result<bool> {
        let role = role.to_owned();
        self.writer()?.write(move |connection| Box::pin(async move { log::take_role(connection, now, &role, holder, until).await })).await
    }

    async fn pending_entries(&self, limit: u32) -> Result<Vec<PendingEntry>> {
        log::pending(&mut *self.readers.acquire().await?, limit).await
    }

    async fn log_head(&self) -> Result<LogHead> {
        log::head(&mut *self.readers.acquire().await?).await
    }

    async fn sequence(&self, now: Timestamp, sequencing: Sequencing) -> Result<Written> {
        let written =
            self.writer()?.write(move |connection| Box::pin(async move { log::sequence(connection, now, &sequencing).await })).await?;
        if written == Written::Done {
            self.hints.grown.tell();
        }
        Ok(written)
    }

    async fn stored_entries(&self, from: i64, limit: u32) -> Result<Vec<StoredRow>> {
        log::stored_entries(&mut *self.readers.acquire().await?, &self.papers.archives, from, limit).await
    }

    async fn tiles_from(&self, level: i64, index: i64, limit: u32) -> Result<Vec<StoredTile>> {
        log::tiles_from(&mut *self.readers.acquire().await?, level, index, limit).await
    }

    async fn stored_tiles(&self) -> Result<Vec<(i64, i64)>> {
        log::stored_tiles(&mut *self.readers.acquire().await?).await
    }

    async fn checkpoint_over(&self, size: i64) -> Result<Option<StoredCheckpoint>> {
        log::checkpoint_over(&mut *self.readers.acquire().await?, size).await
    }

    async fn last_checkpoint(&self) -> Result<Option<StoredCheckpoint>> {
        log::last_checkpoint(&mut *self.readers.acquire().await?).await
    }

    async fn untold(&self) -> Result<Option<DeclarationId>> {
        log::untold(&mut *self.readers.acquire().await?).await
    }

    async fn stored_checkpoints(&self) -> Result<Vec<StoredCheckpoint>> {
        log::stored_checkpoints(&mut *self.readers.acquire().await?).await
    }

    async fn beat(&self, node: KeptNode) -> Result<Vec<KeptNode>> {
        self.writer()?.write(move |connection| Box::pin(async move { nodes::beat(connection, &node).await })).await?;
        self.nodes().await
    }

    async fn nodes(&self) -> Result<Vec<KeptNode>> {
        nodes::nodes(&mut *self.readers.acquire().await?).await
    }

    async fn forget(&self, gone: Vec<(Uuid, i64)>) -> Result<()> {
        self.writer()?.write(move |connection| Box::pin(async move { nodes::forget(connection, &gone).await })).await
    }

    async fn show(&self, tenant: Option<&Tenant>, id: DeclarationId) -> Result<Option<Shown>> {
        views::show(&mut *self.readers.acquire().await?, &self.papers, tenant, id).await
    }

    async fn follow_up(&self, tenant: Option<&Tenant>, id: DocumentId) -> Result<Option<ShownFollowUp>> {
        follow_ups::show(&mut *self.readers.acquire().await?, tenant, id).await
    }

    async fn deadlines(&self, filter: DeadlineFilter) -> Result<Vec<Deadline>> {
        revisions::open(&mut *self.readers.acquire().await?, &filter).await
    }

    async fn list(&self, filter: ListFilter) -> Result<Listed> {
        views::list(&mut *self.readers.acquire().await?, &self.papers, &filter).await
    }

    async fn decisions(&self, filter: DecisionFilter) -> Result<Vec<Decided>> {
        decisions::page(&mut *self.readers.acquire().await?, &self.papers, filter).await
    }

    async fn waybill(&self, tenant: Option<&Tenant>, carrier: &str, waybill_no: &str) -> Result<Option<KeptWaybill>> {
        waybills::show(&mut *self.readers.acquire().await?, tenant, carrier, waybill_no).await
    }

    async fn find(&self, tenant: Option<&Tenant>, asked: &[String]) -> Result<Vec<Hit>> {
        numbers::find(&mut *self.readers.acquire().await?, tenant, asked).await
    }

    async fn entries(&self, filter: EntryFilter) -> Result<Vec<PlacedEntry>> {
        log::entries(&mut *self.readers.acquire().await?, &self.papers.archives, &filter).await
    }

    async fn unmatched(&self, limit: u32) -> Result<Vec<KeptReceipt>> {
        arrivals::unmatched(&mut *self.readers.acquire().await?, limit).await
    }

    async fn counts(&self, tenant: Option<&Tenant>) -> Result<Vec<Count>> {
        views::counts(&mut *self.readers.acquire().await?, tenant).await
    }

    async fn stopped(&self) -> Result<Vec<(String, String)>> {
        views::stopped(&mut *self.readers.acquire().await?).await
    }

    async fn messages(&self, filter: DeliveryFilter) -> Result<Vec<KeptMessage>> {
        desk::messages(&mut *self.readers.acquire().await?, &filter).await
    }

    async fn messages_of(&self, ids: &[MessageId]) -> Result<Vec<MessageWithDocuments>> {
        at_once!(self, |snapshot| desk::messages_of(&mut snapshot, ids))
    }

    async fn sealed(&self, id: MessageId) -> Result<Option<Vec<u8>>> {
        let kept = desk::sealed(&mut *self.readers.acquire().await?, id).await?;
        kept.map(|bytes| guarding::open(&self.vault, &self.papers.archives, Place::Message(id.0), bytes)).transpose()
    }

    async fn documents(&self, tenant: Option<&Tenant>, ids: &[Uuid]) -> Result<Vec<Document>> {
        desk::documents(&mut *self.readers.acquire().await?, tenant, ids).await
    }

    async fn traces(&self, declarations: &[Uuid]) -> Result<Traces> {
        papers::traces(&mut *self.readers.acquire().await?, declarations).await
    }

    async fn paused(&self) -> Result<Vec<(String, String)>> {
        desk::paused(&mut *self.readers.acquire().await?).await
    }

    async fn receipt(&self, arrival: Uuid, ordinal: u32, of: DocumentId) -> Result<Option<KeptReceipt>> {
        desk::receipt(&mut *self.readers.acquire().await?, &self.papers.archives, arrival, ordinal, of).await
    }

    async fn quarantined(&self, before: Option<Uuid>, limit: u32) -> Result<Vec<KeptArrival>> {
        desk::quarantined(&mut *self.readers.acquire().await?, before, limit).await
    }

    async fn arrival(&self, id: Uuid) -> Result<Option<(KeptArrival, Vec<u8>)>> {
        let kept = desk::arrival(&mut *self.readers.acquire().await?, id).await?;
        kept.map(|(arrival, bytes)| Ok((arrival, guarding::open(&self.vault, &self.papers.archives, Place::Arrival(id), bytes)?)))
            .transpose()
    }

    async fn sellers(&self, filter: SellerFilter) -> Result<Sellers> {
        at_once!(self, |snapshot| records::sellers(&mut snapshot, &filter))
    }

    async fn overview(&self, asked: OverviewAsked) -> Result<Overview> {
        at_once!(self, |snapshot| overview::overview(&mut snapshot, &asked))
    }

    async fn awaiting(&self, senders: &[String], most: u32) -> Result<Vec<u64>> {
        desk::awaiting(&mut *self.readers.acquire().await?, senders, most).await
    }
}
