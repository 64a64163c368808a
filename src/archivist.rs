//! The archivist: makes archives (归档) of months that are over, takes what is in them out of the store, and destroys what has been kept
//! long enough.
//!
//! An archive comes about in four steps, and a kill at any moment leaves one of them to be done again, by the same command:
//!
//! 1. **Written.** What is ripe is written into files under names that end in `.part`, synced, given their names, and read back whole.
//!    Until here the store knows nothing of it: files left behind are overwritten.
//! 2. **Noted.** One commit: the store knows the archive, and an entry of the audit log has the digest of its manifest.
//! 3. **Emptied.** Batch by batch, each a commit, the archive is read again and a reference put in the place of each body that is, byte for
//!    byte, what the archive gives back. What changed meanwhile stays, and so does what is held by then.
//! 4. **Ended.** The store notes that it is emptied.
//!
//! At every moment each body is in the store, or in a verified archive that the log tells of.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    archive::{self, Item, Name, Set, Size, Writer},
    audit::{Difference, Entry},
    clock::{Clockwork, Timestamp},
    party::{Actor, Tenant},
    retention::{Class, Month, Options},
    store::{self, ArchiveState, Exchange, Held, KeptArchive, RipeFilter, Stage, Store, Written},
    task,
};

mod destroying;
mod sweeping;
mod target;

pub use destroying::{Approved, Doomed, Preview, Spared};
pub use sweeping::Sweeper;
pub use target::Target;

/// Rows that are looked at, and bodies that are exchanged, at once.
const PAGE: u32 = 256;
const EXCHANGED: usize = 256;
/// An archive is full with so many bodies, or bytes: the month goes on in another one.
const MOST_ITEMS: u64 = 500_000;
const MOST_BYTES: u64 = 2 << 30;

/// Archives that one run makes at most.
const MOST_ARCHIVES: u32 = 1_000;

/// Why something was not archived or destroyed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store.
    #[error("存储无法读写 · the store cannot be read or written")]
    Store(#[from] store::Error),
    /// The archive.
    #[error(transparent)]
    Archive(#[from] archive::Error),
    /// Not yet.
    #[error("{month} 须在月末 {days} 天后（{from}）方可归档 · {month} may be archived {days} days after its end, from {from} on")]
    Early {
        /// The month.
        month: Month,
        /// The days.
        days: u32,
        /// Since when.
        from: Timestamp,
    },
    /// Somebody else makes an archive at the same time.
    #[error("另有进程在归档同一月份 · another process archives the same month")]
    Raced,
    /// What is to be destroyed is not what was previewed.
    #[error("待销毁内容与预览不符，请重新预览 · what would be destroyed is no longer what was previewed: preview it again")]
    Changed,
}

/// The result.
pub type Result<T> = std::result::Result<T, Error>;

/// The archivist.
pub struct Archivist {
    store: Arc<dyn Store>,
    clockwork: Clockwork,
    options: Options,
    folder: PathBuf,
    most: Size,
}

/// What was archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Done {
    /// Archives that were made now.
    pub made: u32,
    /// Archives that an earlier try had made, and that are emptied now.
    pub resumed: u32,
    /// Bodies in them.
    pub items: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Bytes of the files.
    pub written: u64,
}

impl Archivist {
    /// One that keeps archives in a folder.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clockwork: Clockwork, options: Options, folder: &Path) -> Self {
        let most = Size { count: MOST_ITEMS, bytes: MOST_BYTES };
        Self { store, clockwork, options, folder: folder.to_owned(), most }
    }

    /// The same, with archives that are full with so much.
    #[must_use]
    pub fn with_most(self, most: Size) -> Self {
        Self { most, ..self }
    }

    /// Archives what is over of a month, and first ends what an earlier try has begun. Called again it finds nothing more to do.
    ///
    /// # Errors
    /// The month rests too short, or something cannot be read or written.
    pub async fn archive(&self, month: Month) -> Result<Done> {
        let from = self.options.rested(month);
        if self.clockwork.now() < from {
            return Err(Error::Early { month, days: self.options.rest_days, from });
        }
        let _lock = archive::lock(&self.folder)?;
        let mut done = Done::default();
        for begun in self.store.archives().await?.into_iter().filter(|kept| kept.state == ArchiveState::Written) {
            let set = self.open(&begun)?;
            self.empty(&set).await?;
            done.resumed += 1;
            done.count(&set);
        }
        while !self.is_held(month).await?
            && done.made < MOST_ARCHIVES
            && let Some(set) = self.write(month).await?
        {
            self.note(&set).await?;
            self.empty(&set).await?;
            done.made += 1;
            done.count(&set);
        }
        Ok(done)
    }

    /// Whether all of a month is under legal hold: then even what is about nobody stays.
    async fn is_held(&self, month: Month) -> Result<bool> {
        let holds = self.store.legal_holds(None).await?;
        Ok(holds.iter().any(|hold| hold.held == Held::Month(month) && hold.tenant.is_none()))
    }

    /// Opens an archive that the store knows.
    fn open(&self, kept: &KeptArchive) -> Result<Set> {
        let set = Set::open(&self.folder, kept.name)?;
        if set.digest == kept.digest {
            return Ok(set);
        }
        let what = "its manifest is not the one that was written".to_owned();
        Err(archive::Error::Altered(kept.name.to_string(), what).into())
    }

    /// Writes the next archive of a month; nothing if nothing is ripe.
    async fn write(&self, month: Month) -> Result<Option<Set>> {
        let known = self.store.archives().await?;
        let serial = known.iter().filter(|kept| kept.name.month == month).map(|kept| kept.name.serial).max().unwrap_or(0) + 1;
        let name = Name { month, serial };
        let mut writer: Option<Writer> = None;
        let mut next = Some(Stage::Declarations(Uuid::nil()));
        while let Some(stage) = next {
            let filter = RipeFilter { from: month.start(), to: month.end(), stage, limit: PAGE };
            let ripe = self.store.ripe(filter).await?;
            next = ripe.next;
            for item in &ripe.items {
                let writer = match &mut writer {
                    Some(writer) => writer,
                    None => writer.insert(Writer::begin(&self.folder, name)?),
                };
                writer.add(item)?;
            }
            let size = writer.as_ref().map(Writer::size).unwrap_or_default();
            if size.count >= self.most.count || size.bytes >= self.most.bytes {
                break;
            }
        }
        Ok(writer.map(|writer| writer.finish(self.clockwork.now())).transpose()?)
    }

    async fn note(&self, set: &Set) -> Result<()> {
        let mut changes = vec![
            task::difference("archive.name".into(), "", &set.name.to_string()),
            task::difference("archive.digest".into(), "", &set.digest_text()),
            task::difference("archive.items".into(), "", &set.manifest.items().to_string()),
        ];
        if let Some(span) = set.manifest.entries {
            changes.push(task::difference("archive.entries".into(), "", &format!("{}-{}", span.first, span.last)));
        }
        let entry = self.entry("archive", changes, "");
        match self.store.note_archive(entry.at, KeptArchive::of(set), entry).await? {
            Written::Done => Ok(()),
            Written::Stale => Err(Error::Raced),
        }
    }

    /// Takes what is in an archive out of the store.
    async fn empty(&self, set: &Set) -> Result<()> {
        for member in 0..set.members() {
            let items = set.member(member)?;
            let many: Vec<_> = (0..).zip(items).map(|(place, item)| Exchange { item, reference: set.reference(member, place) }).collect();
            for some in many.chunks(EXCHANGED) {
                let some = self.not_held(some).await?;
                if !some.is_empty() {
                    self.store.exchange(set.name, some).await?;
                }
            }
        }
        self.store.move_archive(self.clockwork.now(), set.name, ArchiveState::Emptied, None).await?;
        Ok(())
    }

    /// Leaves out what has been put under legal hold, or has come to life again, since it was written.
    async fn not_held(&self, some: &[Exchange]) -> Result<Vec<Exchange>> {
        let staying = self.staying(some.iter().map(|exchange| &exchange.item)).await?;
        Ok(some.iter().filter(|exchange| !exchange.item.about.iter().any(|id| staying.contains(id))).cloned().collect())
    }

    async fn staying(&self, items: impl Iterator<Item = &Item>) -> Result<Vec<Uuid>> {
        let mut about: Vec<_> = items.flat_map(|item| item.about.iter().copied()).collect();
        about.sort_unstable();
        about.dedup();
        Ok(self.store.staying(&about).await?)
    }

    fn entry(&self, act: &str, changes: Vec<Difference>, why: &str) -> Entry {
        let actor = Actor::gateway(Tenant::local(), "archivist");
        let (id, at) = (self.clockwork.id(), self.clockwork.now());
        Entry { id, at, actor, act: act.to_owned(), subject: Uuid::nil(), changes, why: why.to_owned() }
    }
}

impl Done {
    fn count(&mut self, set: &Set) {
        self.items += set.manifest.items();
        self.bytes += set.manifest.parts.values().map(|size| size.bytes).sum::<u64>();
        self.written += set.manifest.bytes;
    }
}

/// A digest of lines: by it a preview is confirmed.
fn digest(lines: &[String]) -> String {
    hex::encode(Sha256::digest(lines.join("\n").as_bytes()))
}

/// Until when everything of an archive must be kept: all of it is tax evidence of its month.
fn until(options: &Options, kept: &KeptArchive) -> Timestamp {
    options.until(Class::Declarations, kept.name.month)
}
