//! The store on SQLite: one file, one writer task with group commit (WAL, synchronous FULL), readers beside it.
//!
//! Statements are set-based: rows travel as one JSON text through `json_each`, since a statement per row costs ten times as
//! much. Ids travel in hexadecimal and are kept as 16 bytes.

use std::{fs::File, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use uuid::Uuid;

use self::{
    bulk::Script,
    papers::{Paper, Papers},
    writer::Writer,
};
use super::{
    Acceptance, Accepted, Application, Arrival, Batch, Count, Deadline, DeadlineFilter, Decided, DecisionFilter, Delivery, EntryFilter,
    Error, FollowUpAcceptance, FollowUpAccepted, FollowUpFound, FollowUpLookup, Found, Gated, Hints, Hit, KeptNode, KeptReceipt,
    KeptWaybill, LeasedArrival, ListFilter, LogHead, Lookup, Matches, MessageFound, Overtaking, Packing, PendingEntry, PlacedEntry,
    Relabel, Relabelled, Result, Sequencing, Settlement, Shown, ShownFollowUp, Store, StoredCheckpoint, StoredRow, SummedFound,
    SummedLookup, WaybillAcceptance, WaybillAccepted, Written,
};
use crate::{
    audit::Entry,
    clock::Timestamp,
    declaration::{DeclarationId, DocumentId},
    dossier::Dossier,
    party::Tenant,
    queue::Lease,
    receipt::Key,
};

mod accept;
mod apply;
mod arrivals;
mod bulk;
mod decisions;
mod deliveries;
mod follow_ups;
mod gates;
mod log;
mod matching;
mod nodes;
mod numbers;
mod packing;
mod papers;
mod relabel;
mod revisions;
mod rows;
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
const READERS: u32 = 4;
const PATIENCE: Duration = Duration::from_secs(10);

/// The store on SQLite.
pub struct Sqlite {
    writer: Option<Writer>,
    readers: SqlitePool,
    hints: Hints,
    papers: Arc<Papers>,
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
        let options = SqliteConnectOptions::new()
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
            .statement_cache_capacity(bulk::STATEMENTS_KEPT)
            .disable_statement_logging();
        let lock = lock(file)?;
        let mut connection = options.connect().await?;
        claim(&mut connection).await?;
        MIGRATIONS.run(&mut connection).await.map_err(|error| Error::Schema(error.to_string()))?;
        log::settle_waiting(&mut connection).await?;
        let writer = Writer::start(connection, file).map_err(|error| Error::Unavailable(Box::new(error)))?;
        let readers = pool(options.read_only(true).create_if_missing(false).pragma("cache_size", READER_CACHE)).await?;
        Ok(Self { writer: Some(writer), readers, hints: Hints::default(), papers: Arc::default(), _lock: Some(lock) })
    }

    /// Opens the database file for looking only, and sees it as it was at the first look, whatever is written meanwhile. Works
    /// where it may not be written, too.
    ///
    /// # Errors
    /// The file is not there or cannot be read.
    pub async fn open_read_only(file: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new().filename(file).read_only(true).disable_statement_logging();
        // Where not even SQLite's shared-memory file can be made, nobody can be writing.
        let readers = match snapshot(options.clone()).await {
            Ok(readers) => readers,
            Err(_) => snapshot(options.immutable(true)).await?,
        };
        Ok(Self { writer: None, readers, hints: Hints::default(), papers: Arc::default(), _lock: None })
    }

    fn writer(&self) -> Result<&Writer> {
        self.writer.as_ref().ok_or_else(|| Error::Unavailable("the store was opened for reading only".into()))
    }
}

/// Makes sure that no other process writes the same file. The lock goes with the process, however it ends.
fn lock(file: &Path) -> Result<File> {
    let beside = file.with_extension("lock");
    let lock = File::create(&beside).map_err(|error| Error::Unavailable(Box::new(error)))?;
    lock.try_lock().map_err(|error| {
        Error::Unavailable(format!("{} is locked: another gateway serves this store ({error})", beside.display()).into())
    })?;
    Ok(lock)
}

/// Marks an empty file as ours, and refuses one that another program made.
async fn claim(connection: &mut SqliteConnection) -> Result<()> {
    /// `TGWY`, in SQLite's header of the file.
    const OURS: i64 = 0x5447_5759;
    let (found, tables): (i64, i64) =
        sqlx::query_as("SELECT (SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_schema)")
            .fetch_one(&mut *connection)
            .await?;
    if found != OURS && tables > 0 {
        return Err(Error::Schema("the file is the database of another program".to_owned()));
    }
    if found != OURS {
        sqlx::query("PRAGMA application_id = 1413961561").execute(connection).await?;
    }
    Ok(())
}

/// One connection that sees the file as it was at its first look.
async fn snapshot(options: SqliteConnectOptions) -> Result<SqlitePool> {
    let one = SqlitePoolOptions::new().max_connections(1).acquire_timeout(PATIENCE).idle_timeout(None).max_lifetime(None);
    let begin = one.after_connect(|connection, _| {
        Box::pin(async move {
            sqlx::query("BEGIN").execute(&mut *connection).await?;
            sqlx::query("SELECT count(*) FROM sqlite_schema").execute(connection).await.map(drop)
        })
    });
    Ok(begin.connect_with(options).await?)
}

async fn pool(options: SqliteConnectOptions) -> Result<SqlitePool> {
    Ok(SqlitePoolOptions::new().max_connections(READERS).acquire_timeout(PATIENCE).connect_with(options).await?)
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
        let mut connection = self.readers.acquire().await?;
        accept::lookup(&mut connection, now, &asked).await
    }

    async fn accept(&self, now: Timestamp, many: Vec<Acceptance>) -> Result<Vec<Accepted>> {
        let papers: Vec<_> = many.iter().map(|acceptance| (acceptance.id, Paper::of(acceptance, now))).collect();
        let accepted =
            self.writer()?.write(move |connection| Box::pin(async move { accept::accept(connection, now, &many).await })).await?;
        let kept = papers.into_iter().zip(&accepted).filter(|((id, _), accepted)| **accepted == Accepted::New(*id));
        self.papers.accepted(kept.map(|((id, paper), _)| (id.0, paper)).collect());
        self.hints.pack.tell();
        self.hints.gate.tell();
        self.hints.sequence.tell();
        Ok(accepted)
    }

    async fn accept_waybills(&self, now: Timestamp, many: Vec<WaybillAcceptance>) -> Result<Vec<WaybillAccepted>> {
        let accepted =
            self.writer()?.write(move |connection| Box::pin(async move { waybills::accept(connection, now, &many).await })).await?;
        self.hints.pack.tell();
        self.hints.gate.tell();
        self.hints.sequence.tell();
        Ok(accepted)
    }

    async fn follow_up_lookup(&self, asked: &FollowUpLookup) -> Result<FollowUpFound> {
        let mut connection = self.readers.acquire().await?;
        let mut snapshot = connection.begin().await?;
        let found = follow_ups::lookup(&mut snapshot, &self.papers, asked).await?;
        snapshot.commit().await?;
        Ok(found)
    }

    async fn accept_follow_up(&self, now: Timestamp, acceptance: FollowUpAcceptance) -> Result<FollowUpAccepted> {
        let accepted =
            self.writer()?.write(move |connection| Box::pin(async move { follow_ups::accept(connection, now, &acceptance).await })).await?;
        self.hints.pack.tell();
        self.hints.gate.tell();
        self.hints.sequence.tell();
        Ok(accepted)
    }

    async fn relabel(&self, now: Timestamp, asked: Relabel) -> Result<Relabelled> {
        let done = self.writer()?.write(move |connection| Box::pin(async move { relabel::relabel(connection, now, &asked).await })).await?;
        self.hints.gate.tell();
        self.hints.sequence.tell();
        Ok(done)
    }

    async fn gates(&self, now: Timestamp, limit: u32) -> Result<Vec<Gated>> {
        let mut connection = self.readers.acquire().await?;
        let mut snapshot = connection.begin().await?;
        let found = gates::gates(&mut snapshot, &self.papers, now, limit).await?;
        snapshot.commit().await?;
        Ok(found)
    }

    async fn overtaken(&self, now: Timestamp, limit: u32) -> Result<Vec<Overtaking>> {
        let mut connection = self.readers.acquire().await?;
        let mut snapshot = connection.begin().await?;
        let found = matching::overtaken(&mut snapshot, &self.papers, now, limit).await?;
        snapshot.commit().await?;
        Ok(found)
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
        self.writer()?.write(move |connection| Box::pin(async move { deliveries::lease(connection, now, lease, &road, limit).await })).await
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
        self.writer()?.write(move |connection| Box::pin(async move { arrivals::keep(connection, now, &many).await })).await?;
        self.hints.collect.tell();
        Ok(())
    }

    async fn lease_arrivals(&self, now: Timestamp, lease: Lease, limit: u32) -> Result<Vec<LeasedArrival>> {
        self.writer()?.write(move |connection| Box::pin(arrivals::lease(connection, now, lease, limit))).await
    }

    async fn matches(&self, keys: &[Key]) -> Result<Matches> {
        let mut connection = self.readers.acquire().await?;
        // One snapshot: a waybill that is bound to its order between two looks would be taken for one without an order, and the
        // list that waits for it would not be told.
        let mut snapshot = connection.begin().await?;
        let found = numbers::matches(&mut snapshot, &self.papers, keys).await?;
        snapshot.commit().await?;
        Ok(found)
    }

    async fn members(&self, asked: &[DocumentId]) -> Result<Vec<(DocumentId, Dossier)>> {
        let mut connection = self.readers.acquire().await?;
        follow_ups::members(&mut connection, &self.papers, asked).await
    }

    async fn summed(&self, asked: &[SummedLookup]) -> Result<Vec<Vec<SummedFound>>> {
        let mut connection = self.readers.acquire().await?;
        revisions::find_summed(&mut connection, asked).await
    }

    async fn message(&self, cop_msg_id: &str) -> Result<Option<MessageFound>> {
        let mut connection = self.readers.acquire().await?;
        deliveries::find(&mut connection, cop_msg_id).await
    }

    async fn take_role(&self, now: Timestamp, role: &str, holder: Uuid, until: Timestamp) -> Result<bool> {
        let role = role.to_owned();
        self.writer()?.write(move |connection| Box::pin(async move { log::take_role(connection, now, &role, holder, until).await })).await
    }

    async fn pending_entries(&self, limit: u32) -> Result<Vec<PendingEntry>> {
        let mut connection = self.readers.acquire().await?;
        log::pending(&mut connection, limit).await
    }

    async fn log_head(&self) -> Result<LogHead> {
        let mut connection = self.readers.acquire().await?;
        log::head(&mut connection).await
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
        let mut connection = self.readers.acquire().await?;
        log::stored_entries(&mut connection, from, limit).await
    }

    async fn stored_tile(&self, level: i64, index: i64) -> Result<Option<Vec<u8>>> {
        let mut connection = self.readers.acquire().await?;
        log::stored_tile(&mut connection, level, index).await
    }

    async fn stored_tiles(&self) -> Result<Vec<(i64, i64)>> {
        let mut connection = self.readers.acquire().await?;
        log::stored_tiles(&mut connection).await
    }

    async fn last_checkpoint(&self) -> Result<Option<StoredCheckpoint>> {
        let mut connection = self.readers.acquire().await?;
        log::last_checkpoint(&mut connection).await
    }

    async fn untold(&self) -> Result<Option<DeclarationId>> {
        let mut connection = self.readers.acquire().await?;
        log::untold(&mut connection).await
    }

    async fn stored_checkpoints(&self) -> Result<Vec<StoredCheckpoint>> {
        let mut connection = self.readers.acquire().await?;
        log::stored_checkpoints(&mut connection).await
    }

    async fn beat(&self, node: KeptNode) -> Result<Vec<KeptNode>> {
        self.writer()?.write(move |connection| Box::pin(async move { nodes::beat(connection, &node).await })).await?;
        self.nodes().await
    }

    async fn nodes(&self) -> Result<Vec<KeptNode>> {
        let mut connection = self.readers.acquire().await?;
        nodes::nodes(&mut connection).await
    }

    async fn forget(&self, gone: Vec<(Uuid, i64)>) -> Result<()> {
        self.writer()?.write(move |connection| Box::pin(async move { nodes::forget(connection, &gone).await })).await
    }

    async fn show(&self, tenant: Option<&Tenant>, id: DeclarationId) -> Result<Option<Shown>> {
        let mut connection = self.readers.acquire().await?;
        views::show(&mut connection, &self.papers, tenant, id).await
    }

    async fn follow_up(&self, tenant: Option<&Tenant>, id: DocumentId) -> Result<Option<ShownFollowUp>> {
        let mut connection = self.readers.acquire().await?;
        follow_ups::show(&mut connection, tenant, id).await
    }

    async fn deadlines(&self, filter: DeadlineFilter) -> Result<Vec<Deadline>> {
        let mut connection = self.readers.acquire().await?;
        revisions::open(&mut connection, &filter).await
    }

    async fn list(&self, filter: ListFilter) -> Result<Vec<Dossier>> {
        let mut connection = self.readers.acquire().await?;
        views::list(&mut connection, &self.papers, &filter).await
    }

    async fn decisions(&self, filter: DecisionFilter) -> Result<Vec<Decided>> {
        let mut connection = self.readers.acquire().await?;
        decisions::page(&mut connection, &self.papers, filter).await
    }

    async fn waybill(&self, tenant: Option<&Tenant>, carrier: &str, waybill_no: &str) -> Result<Option<KeptWaybill>> {
        let mut connection = self.readers.acquire().await?;
        waybills::show(&mut connection, tenant, carrier, waybill_no).await
    }

    async fn find(&self, tenant: Option<&Tenant>, asked: &[String]) -> Result<Vec<Hit>> {
        let mut connection = self.readers.acquire().await?;
        numbers::find(&mut connection, tenant, asked).await
    }

    async fn entries(&self, filter: EntryFilter) -> Result<Vec<PlacedEntry>> {
        let mut connection = self.readers.acquire().await?;
        log::entries(&mut connection, &filter).await
    }

    async fn unmatched(&self, limit: u32) -> Result<Vec<KeptReceipt>> {
        let mut connection = self.readers.acquire().await?;
        arrivals::unmatched(&mut connection, limit).await
    }

    async fn counts(&self, tenant: Option<&Tenant>) -> Result<Vec<Count>> {
        let mut connection = self.readers.acquire().await?;
        views::counts(&mut connection, tenant).await
    }

    async fn stopped(&self) -> Result<Vec<(String, String)>> {
        let mut connection = self.readers.acquire().await?;
        views::stopped(&mut connection).await
    }

    async fn resume(&self, now: Timestamp, sender: &str, entry: Entry) -> Result<()> {
        let sender = sender.to_owned();
        self.writer()?.write(move |connection| Box::pin(async move { deliveries::resume(connection, now, &sender, &entry).await })).await?;
        self.hints.pack.tell();
        self.hints.deliver.tell();
        Ok(())
    }
}
