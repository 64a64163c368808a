//! The check of a whole log: of one that a store keeps, row by row, or of one that is published, tile by tile.

use std::{collections::VecDeque, path::Path};

use super::{
    Error, Published, Result,
    archived::{Archived, Hashed},
};
use crate::{
    audit::{
        Checkpoint, CheckpointError, Damage, Entry, LogVerifier, StoredCheckpoint, StoredEntry, TileId,
        verify::{Checkpoints, Summary, Verifier},
    },
    clock::Timestamp,
    declaration::DeclarationId,
    store::{Store, StoredTile},
};

/// Tiles read at a time.
const TILES: u32 = 16;
/// Entries read at a time: as many as there are in so many tiles.
const PAGE: u32 = TILES << 8;

/// What became of a check.
#[derive(Debug)]
pub enum Checked {
    /// Nothing is broken.
    Whole {
        /// What there is.
        summary: Summary,
        /// Entries that no checkpoint covers yet.
        pending: usize,
        /// Entries that were archived, and of which only leaf hashes could be verified.
        hashed: Vec<Hashed>,
        /// Archives that were read and are what they were.
        archives: usize,
    },
    /// Archives are not what they were, or the log does not tell of them: what is wrong with each.
    Archives(Vec<String>),
    /// Entries are there, and no checkpoint: nothing vouches for them.
    Unsigned,
    /// Something is broken.
    Broken(Damage),
    /// The log does not tell of the acceptance of this declaration.
    Untold(DeclarationId),
    /// The published checkpoint is none of this log.
    NoCheckpoint(CheckpointError),
    /// The checkpoint that was saved elsewhere is none of this log.
    NotSince(CheckpointError),
    /// The published tiles do not have the root that was signed, although the entries do.
    TilesDiffer,
}

/// Is told how far a check has come: so many entries of so many.
pub type Told<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

/// Checks the log that a store keeps. `since` is a checkpoint that was saved elsewhere, `folder` is where archives lie. The log may grow meanwhile: what comes under a
/// checkpoint after the first look is left to the next check.
///
/// # Errors
/// The store cannot be read.
pub async fn kept(store: &dyn Store, key: LogVerifier, since: Option<&str>, folder: Option<&Path>, told: Told<'_>) -> Result<Checked> {
    // Before the checkpoints: a tile that becomes full comes with one.
    let tiles = u64::try_from(store.stored_tiles().await?.len()).unwrap_or(u64::MAX);
    let mut checkpoints = Checkpoints::new(key);
    let kept = store.stored_checkpoints().await?;
    for row in &kept {
        checkpoints.add(&StoredCheckpoint { size: row.size, root: &row.root, note: &row.note });
    }
    if let Some(Err(error)) = since.map(|note| checkpoints.since(note)) {
        return Ok(Checked::NotSince(error));
    }
    let pending = store.pending_entries(u32::MAX).await?.len();
    if kept.is_empty() && pending > 0 {
        return Ok(Checked::Unsigned);
    }
    let mut verifier = checkpoints.verifier();
    // What no checkpoint covers yet is under nobody's signature: it has no tiles, and nothing can be said of it.
    let signed = i64::try_from(verifier.covered()).unwrap_or(i64::MAX);
    let mut archived = Archived::default();
    let covered = kept.iter().map(|row| row.size).fold(signed, i64::max);
    feed(store, &mut verifier, &mut archived, covered, told).await?;
    archived.look_on(store, covered).await?;
    let untold = store.untold().await?;
    let (archives, wrong) = archived.check(&store.archives().await?, folder);
    Ok(match (verifier.finish(tiles), untold) {
        (Err(damage), _) => Checked::Broken(damage),
        (Ok(_), Some(id)) => Checked::Untold(id),
        (Ok(_), None) if !wrong.is_empty() => Checked::Archives(wrong),
        (Ok(summary), None) => Checked::Whole { summary, pending, hashed: archived.hashed(), archives },
    })
}

/// Gives the verifier every entry before a position, with the tiles that it asks for.
async fn feed(store: &dyn Store, verifier: &mut Verifier, archived: &mut Archived, covered: i64, told: Told<'_>) -> Result<()> {
    let counted = |position: i64| u64::try_from(position).unwrap_or(0);
    let mut tiles = KeptTiles { store, ahead: VecDeque::new(), until: 0 };
    let mut from = i64::MIN;
    loop {
        let mut page = store.stored_entries(from, PAGE).await?;
        page.retain(|row| row.position < covered);
        for row in &page {
            while let Some(id) = verifier.wanted() {
                tiles.give(verifier, id).await?;
            }
            if let Some(absent) = &row.absent {
                archived.absent(row.position, absent);
                verifier.hashed(row.position, &row.leaf);
                continue;
            }
            archived.look(&row.act, &row.body);
            verifier.entry(&StoredEntry {
                position: row.position,
                id: row.id,
                at: row.at,
                tenant: &row.tenant,
                subject: row.subject,
                act: &row.act,
                trace: row.trace,
                leaf: &row.leaf,
                body: &row.body,
            });
        }
        let Some(last) = page.last() else { break };
        from = last.position.saturating_add(1);
        told(counted(from), counted(covered));
    }
    while let Some(id) = verifier.wanted().filter(|id| id.level > 0) {
        tiles.give(verifier, id).await?;
    }
    Ok(())
}

/// The tiles that a store keeps, those of level 0 read some at a time.
struct KeptTiles<'s> {
    store: &'s dyn Store,
    /// Tiles of level 0 that were read and not yet asked for.
    ahead: VecDeque<StoredTile>,
    /// Every index of level 0 before this one was read.
    until: i64,
}

impl KeptTiles<'_> {
    /// Gives the verifier the tile that it wants, or that there is none.
    async fn give(&mut self, verifier: &mut Verifier, id: TileId) -> Result<()> {
        let index = i64::try_from(id.index).map_err(|_| Error::Damaged)?;
        let tile = match id.level {
            0 => self.leaves(index).await?,
            level => self.store.tiles_from(i64::from(level), index, 1).await?.pop().filter(|tile| tile.index == index),
        };
        verifier.tile(id, tile.as_ref().map(|tile| tile.hashes.as_slice()));
        Ok(())
    }

    /// A tile of level 0; indices only grow.
    async fn leaves(&mut self, index: i64) -> Result<Option<StoredTile>> {
        if index >= self.until {
            self.ahead = self.store.tiles_from(0, index, TILES).await?.into();
            self.until = index.saturating_add(i64::from(TILES));
        }
        while self.ahead.pop_front_if(|tile| tile.index < index).is_some() {}
        Ok(self.ahead.pop_front_if(|tile| tile.index == index))
    }
}

/// Checks a log that is published: every entry, every full tile, and the root over them. `since` is a checkpoint that was saved elsewhere.
///
/// # Errors
/// The log cannot be read.
pub async fn published(log: &dyn Published, key: LogVerifier, since: Option<&str>) -> Result<Checked> {
    let note = log.checkpoint().await?;
    let head = match Checkpoint::open(&note, &key) {
        Ok(head) => head,
        Err(error) => return Ok(Checked::NoCheckpoint(error)),
    };
    let mut checkpoints = Checkpoints::new(key);
    let size = i64::try_from(head.size).map_err(|_| Error::Damaged)?;
    checkpoints.add(&StoredCheckpoint { size, root: head.root.as_bytes(), note: &note });
    if let Some(Err(error)) = since.map(|note| checkpoints.since(note)) {
        return Ok(Checked::NotSince(error));
    }
    let mut verifier = checkpoints.verifier();
    for index in 0..head.size.div_ceil(TileId::WIDTH) {
        feed_tile(log, &mut verifier, index, head.size).await?;
    }
    give_published(log, &mut verifier, |id| id.level > 0).await?;
    let summary = match verifier.finish(0) {
        Ok(summary) => summary,
        Err(damage) => return Ok(Checked::Broken(damage)),
    };
    if super::root(log, head.size).await? != head.root {
        return Ok(Checked::TilesDiffer);
    }
    Ok(Checked::Whole { summary, pending: 0, hashed: Vec::new(), archives: 0 })
}

async fn feed_tile(log: &dyn Published, verifier: &mut Verifier, index: u64, size: u64) -> Result<()> {
    let id = TileId { level: 0, index };
    let width = id.width_in(size);
    let hashes = log.tile(id, width).await?;
    let bodies = log.entries(index, width).await?;
    let first = index.saturating_mul(TileId::WIDTH);
    for (position, (body, leaf)) in (first..).zip(bodies.iter().zip(&hashes)) {
        give_published(log, verifier, |_| true).await?;
        // There are no columns beside a published entry: what it says of itself is all there is.
        let entry: Option<Entry> = serde_json::from_slice(body).ok();
        let entry = entry.as_ref();
        verifier.entry(&StoredEntry {
            position: i64::try_from(position).map_err(|_| Error::Damaged)?,
            id: entry.map(|entry| entry.id).unwrap_or_default(),
            at: entry.map_or(Timestamp(0), |entry| entry.at),
            tenant: entry.map_or("", |entry| entry.actor.tenant.as_str()),
            subject: entry.map(|entry| entry.subject).unwrap_or_default(),
            act: entry.map_or("", |entry| entry.act.as_str()),
            trace: entry.and_then(|entry| entry.actor.trace).map(|trace| trace.as_uuid()),
            leaf: leaf.as_bytes(),
            body,
        });
    }
    Ok(())
}

/// Gives the verifier the full tiles that it asks for; those that are not there are told as missing.
async fn give_published(log: &dyn Published, verifier: &mut Verifier, also: impl Fn(TileId) -> bool) -> Result<()> {
    while let Some(id) = verifier.wanted().filter(|id| also(*id)) {
        let hashes = match log.tile(id, TileId::WIDTH).await {
            Ok(hashes) => Some(hashes.iter().flat_map(|hash| *hash.as_bytes()).collect::<Vec<u8>>()),
            Err(Error::Absent) => None,
            Err(error) => return Err(error),
        };
        verifier.tile(id, hashes.as_deref());
    }
    Ok(())
}
