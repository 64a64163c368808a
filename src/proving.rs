//! What is shown of the audit log to somebody who trusts nothing of it: the log as it is published ([`Published`]: a signed checkpoint,
//! tiles of hashes, the entries themselves), proofs made of that, and the check of a whole log ([`check`]).
//!
//! A store publishes its log as [`Kept`]; what was published by tiles over HTTP is read the same way. Nothing here needs a right to
//! write, nor any secret.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;

use crate::{
    audit::{
        Hash, Tile, TileId,
        proof::{self, ProofError, Tiles},
    },
    store::{self, Store},
};

pub mod archived;
pub mod bundle;
pub mod check;
pub mod witness;

/// Why something of the log cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store.
    #[error("存储无法读取 · the store cannot be read")]
    Store(#[from] store::Error),
    /// It is not in the log, or not yet under a checkpoint.
    #[error("日志中没有 · not in the log as far as it is signed")]
    Absent,
    /// It was archived; what is told of that.
    #[error("{0}")]
    Away(String),
    /// The log elsewhere cannot be reached or answers what makes no sense.
    #[error("日志无法读取 · the log cannot be read: {0}")]
    Unreachable(String),
    /// A position or a size that the log has not reached, or tiles that are not there.
    #[error("无法证明 · there is no such proof")]
    Proof(#[from] ProofError),
    /// What is kept contradicts itself: a check of the whole names the place.
    #[error("日志已损坏，请运行 audit verify · the log is damaged: audit verify names the place")]
    Damaged,
}

/// What a command gives.
pub type Result<T> = std::result::Result<T, Error>;

/// A log as it is published (C2SP tlog-tiles).
#[async_trait]
pub trait Published: Send + Sync {
    /// The newest signed checkpoint.
    async fn checkpoint(&self) -> Result<String>;
    /// The first hashes of a tile, as many as asked for.
    async fn tile(&self, id: TileId, width: u64) -> Result<Vec<Hash>>;
    /// The entries under the first hashes of a tile of level 0, as many as asked for: the bytes that are hashed.
    async fn entries(&self, index: u64, width: u64) -> Result<Vec<Vec<u8>>>;
}

/// The log that a store keeps, as far as it is under a checkpoint.
#[derive(Clone)]
pub struct Kept(pub Arc<dyn Store>);

impl Kept {
    /// How many entries are under the newest checkpoint.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn size(&self) -> Result<u64> {
        let last = self.0.last_checkpoint().await?;
        Ok(last.and_then(|last| u64::try_from(last.size).ok()).unwrap_or(0))
    }

    async fn full(&self, id: TileId) -> Result<Vec<Hash>> {
        let index = i64::try_from(id.index).map_err(|_| Error::Absent)?;
        let kept = self.0.tiles_from(i64::from(id.level), index, 1).await?.pop().filter(|tile| tile.index == index);
        let bytes = kept.ok_or(Error::Absent)?.hashes;
        Tile::from_bytes(id, &bytes).map(|tile| tile.hashes).ok_or(Error::Damaged)
    }

    async fn rows(&self, index: u64, width: u64) -> Result<Vec<store::StoredRow>> {
        let first = index.checked_mul(TileId::WIDTH).and_then(|first| i64::try_from(first).ok()).ok_or(Error::Absent)?;
        let rows = self.0.stored_entries(first, u32::try_from(width).map_err(|_| Error::Absent)?).await?;
        let in_place = rows.iter().zip(first..).all(|(row, position)| row.position == position);
        if in_place && u64::try_from(rows.len()) == Ok(width) { Ok(rows) } else { Err(Error::Damaged) }
    }

    /// What lies beyond the signed part is not shown: it may still be nobody's.
    async fn within(&self, id: TileId, width: u64) -> Result<()> {
        let is_there = (1..=TileId::WIDTH).contains(&width) && id.width_in(self.size().await?) >= width;
        if is_there { Ok(()) } else { Err(Error::Absent) }
    }
}

#[async_trait]
impl Published for Kept {
    async fn checkpoint(&self) -> Result<String> {
        Ok(self.0.last_checkpoint().await?.ok_or(Error::Absent)?.note)
    }

    async fn tile(&self, id: TileId, width: u64) -> Result<Vec<Hash>> {
        self.within(id, width).await?;
        if width == TileId::WIDTH {
            return self.full(id).await;
        }
        let Some(below) = id.level.checked_sub(1) else {
            let rows = self.rows(id.index, width).await?;
            return rows.iter().map(|row| Hash::from_slice(&row.leaf).ok_or(Error::Damaged)).collect();
        };
        let first = id.index.saturating_mul(TileId::WIDTH);
        let mut hashes = Vec::new();
        for index in first..first.saturating_add(width) {
            let id = TileId { level: below, index };
            hashes.push(Tile { level: below, index, hashes: self.full(id).await? }.root());
        }
        Ok(hashes)
    }

    async fn entries(&self, index: u64, width: u64) -> Result<Vec<Vec<u8>>> {
        self.within(TileId { level: 0, index }, width).await?;
        self.rows(index, width).await?.into_iter().map(body).collect()
    }
}

/// The bytes of an entry, if they are at hand.
fn body(row: store::StoredRow) -> Result<Vec<u8>> {
    match row.absent {
        None => Ok(row.body),
        Some(absent) => Err(Error::Away(absent.told())),
    }
}

/// That an entry stands at a position of the tree of a size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// The position.
    pub position: u64,
    /// The size.
    pub size: u64,
    /// The hash of the entry.
    pub leaf: Hash,
    /// The root of the tree.
    pub root: Hash,
    /// The proof (RFC 6962 §2.1.1).
    pub path: Vec<Hash>,
}

/// That a tree begins with a smaller one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    /// The smaller size.
    pub old: u64,
    /// Its root.
    pub old_root: Hash,
    /// The larger size.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// The proof (RFC 6962 §2.1.2).
    pub path: Vec<Hash>,
}

/// Tiles of the tree of a size.
async fn tiles(log: &dyn Published, ids: BTreeSet<TileId>, size: u64) -> Result<Tiles> {
    let mut tiles = Tiles::default();
    for id in ids {
        let hashes = log.tile(id, id.width_in(size)).await?;
        tiles.extend([Tile { level: id.level, index: id.index, hashes }]);
    }
    Ok(tiles)
}

/// The root of the log when it had `size` entries.
///
/// # Errors
/// The log is shorter, or cannot be read.
pub async fn root(log: &dyn Published, size: u64) -> Result<Hash> {
    let tiles = tiles(log, proof::tiles_of_root(size)?, size).await?;
    Ok(proof::root_at(&tiles, size)?)
}

/// Proves that the entry at `position` is in the log of `size` entries.
///
/// # Errors
/// The position is not in that log, the log is shorter, cannot be read or is damaged.
pub async fn inclusion(log: &dyn Published, position: u64, size: u64) -> Result<Inclusion> {
    let mut ids = proof::tiles_of_inclusion(position, size)?;
    let own = TileId { level: 0, index: position / TileId::WIDTH };
    ids.insert(own);
    ids.extend(proof::tiles_of_root(size)?);
    let tiles = tiles(log, ids, size).await?;
    let leaf = proof::Hashes::subtree(&tiles, 0, position)?;
    let (root, path) = (proof::root_at(&tiles, size)?, proof::inclusion_proof(&tiles, position, size)?);
    if proof::verify_inclusion(leaf, position, size, root, &path) {
        Ok(Inclusion { position, size, leaf, root, path })
    } else {
        Err(Error::Damaged)
    }
}

/// Proves that the log of `size` entries begins with that of `old` entries.
///
/// # Errors
/// `old` is more than `size`, the log is shorter, cannot be read or is damaged.
pub async fn consistency(log: &dyn Published, old: u64, size: u64) -> Result<Consistency> {
    let mut ids = proof::tiles_of_consistency(old, size)?;
    ids.extend(proof::tiles_of_root(size)?);
    let tiles = tiles(log, ids, size).await?;
    let (old_root, root) = (root(log, old).await?, proof::root_at(&tiles, size)?);
    let path = proof::consistency_proof(&tiles, old, size)?;
    if proof::verify_consistency(old, old_root, size, root, &path) {
        Ok(Consistency { old, old_root, size, root, path })
    } else {
        Err(Error::Damaged)
    }
}
