//! What every store must do: the same commands, the same meanings. Each test of the suite runs on each backend, under its name;
//! what only one of them has to do stands in a file of that one's name.

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tongguan::{
    archive::Archives,
    clock::{Clockwork, ManualClock, SeededEntropy, Timestamp},
    declaration::{DeclarationId, Kind, MessageId},
    dossier::Document,
    store::{Accepted, Application, Change, ListFilter, Shown, Store, Written, postgres::Postgres, sqlite::Sqlite},
    vault::Vault,
};
use uuid::Uuid;

use self::samples::{Maker, START};
pub use self::{
    postgres::database,
    samples::{CARRIER, declaration, party},
};
use super::rig::postgres::shared;

/// Makes two tests of each function named: one for each backend.
macro_rules! on_each_store {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::store::Backend::Sqlite.world().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::store::Backend::Postgres.world().await).await;
            })*
        }
    };
}

mod again;
mod altered;
mod answers;
mod desk;
mod following;
mod log;
mod looking;
mod matching;
mod model;
mod moving;
mod nodes;
mod people;
mod plans;
mod postgres;
mod races;
mod random;
mod recording;
mod retaining;
mod samples;
mod sizes;
mod sqlite;
mod taking;
mod tenants;
mod time;
mod trouble;
mod upgrade;
mod vaulted;

/// What keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// What holds a test's store, and lets go of it at the end.
enum Kept {
    Folder {
        _folder: tempfile::TempDir,
    },
    /// Databases go with their server.
    Database(String),
}

/// A store, and what is handed to it.
pub struct World {
    pub handles: Vec<Arc<dyn Store>>,
    turn: AtomicUsize,
    maker: Maker,
    kept: Kept,
}

impl Deref for World {
    type Target = Maker;

    fn deref(&self) -> &Maker {
        &self.maker
    }
}

impl Backend {
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// An empty store.
    pub async fn world(self) -> World {
        let (handles, kept) = match self {
            Self::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("tongguan.db")).await.unwrap());
                (vec![Arc::clone(&store), store], Kept::Folder { _folder: folder })
            }
            Self::Postgres => {
                let (name, options) = database(shared()).await;
                let mut handles: Vec<Arc<dyn Store>> = Vec::new();
                for _ in 0..2 {
                    handles.push(Arc::new(Postgres::open(&options).await.unwrap()));
                }
                (handles, Kept::Database(name))
            }
        };
        World { handles, turn: AtomicUsize::new(0), maker: Maker::new(1), kept }
    }
}

impl Maker {
    pub fn new(seed: u64) -> Self {
        Self { clockwork: Clockwork::new(Arc::new(ManualClock::at(START)), Arc::new(SeededEntropy::new(seed))) }
    }
}

impl World {
    /// What lets a stopped sender go on.
    fn resuming(&self, sender: &str) -> Application {
        let changes = vec![Change { entries: vec![self.entry("resume", Uuid::nil())], ..Change::default() }];
        Application { resumed: vec![sender.to_owned()], changes, ..Application::default() }
    }

    /// The same store, opened anew with other keys.
    async fn with_vault(self, vault: Vault) -> Self {
        self.reopened(vault, Archives::default()).await
    }

    /// The same store, opened anew with other keys and archives.
    async fn reopened(self, vault: Vault, archives: Archives) -> Self {
        for handle in &self.handles {
            handle.close().await;
        }
        let handles: Vec<Arc<dyn Store>> = match &self.kept {
            Kept::Folder { _folder } => {
                drop(self.handles);
                let store = Sqlite::open(&_folder.path().join("tongguan.db")).await.unwrap();
                vec![Arc::new(store.with_vault(vault).with_archives(archives))]
            }
            Kept::Database(name) => {
                let options = postgres::options(&shared().url(name));
                vec![Arc::new(Postgres::open(&options).await.unwrap().with_vault(vault).with_archives(archives))]
            }
        };
        Self { handles, ..self }
    }

    /// Takes away all that is kept.
    async fn empty(&mut self) {
        match &self.kept {
            Kept::Folder { .. } => *self = Backend::Sqlite.world().await,
            Kept::Database(name) => postgres::empty(shared(), name).await,
        }
    }

    /// The store. Where several handles may share one, as nodes do, each call has another than the one before.
    pub fn store(&self) -> &Arc<dyn Store> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        &self.handles[turn % self.handles.len()]
    }

    async fn accept_one(&self, order_no: &str, waybill_no: Option<&str>) -> DeclarationId {
        let accepted = self.store().accept(START, vec![self.acceptance(order_no, waybill_no)]).await.unwrap();
        let [Accepted::New(id)] = accepted[..] else { panic!("{accepted:?}") };
        id
    }

    async fn pack_all(&self) -> Vec<MessageId> {
        let mut messages = Vec::new();
        let lease = self.lease();
        for batch in self.store().lease_documents(START, lease, 10).await.unwrap() {
            let packing = self.packing(batch.documents.iter().map(|leased| leased.document.id).collect(), batch.kind);
            messages.push(packing.id);
            assert_eq!(self.store().pack(START, lease.token, packing).await.unwrap(), Written::Done);
        }
        messages
    }

    async fn shown(&self, id: DeclarationId) -> Shown {
        self.store().show(None, id).await.unwrap().expect("it was accepted")
    }

    /// A declaration's document of a kind, as it is now.
    async fn now(&self, id: DeclarationId, kind: Kind) -> Document {
        self.shown(id).await.dossier.document(kind).expect("it has one").clone()
    }

    /// Changes one document, which nobody else has changed since it was read.
    async fn change(&self, now: Timestamp, changed: Document) {
        assert_eq!(self.store().apply(now, changing(changed)).await.unwrap(), Written::Done);
    }

    async fn all(&self) -> Vec<DeclarationId> {
        let all = ListFilter { limit: 10_000, ..ListFilter::default() };
        self.store().list(all).await.unwrap().dossiers.into_iter().map(|dossier| dossier.id).collect()
    }

    /// The acts of all audit entries about a subject.
    async fn acts(&self, subject: Uuid) -> Vec<String> {
        let filter = tongguan::store::EntryFilter { subjects: Some(vec![subject]), pending: true, limit: 10_000, ..Default::default() };
        let mut acts: Vec<_> = self.store().entries(filter).await.unwrap().into_iter().map(|placed| placed.entry.act).collect();
        acts.sort();
        acts
    }
}

/// The change of one document to what it is to be, if it still has the version that it says.
fn changing(changed: Document) -> Application {
    let change = Change { expected: vec![(changed.id, changed.version)], documents: vec![changed], ..Change::default() };
    Application { changes: vec![change], ..Application::default() }
}
