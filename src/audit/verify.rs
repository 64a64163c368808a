//! Going through a kept log, in one pass and with little memory, to name what is broken in it.
//!
//! ```text
//! let mut checkpoints = Checkpoints::new(key);        // every row of audit_checkpoints, by size
//! checkpoints.add(row); …
//! let mut verifier = checkpoints.verifier();
//! loop {
//!     while let Some(id) = verifier.wanted() {        // the row of audit_tiles with that level and index, if there is one
//!         verifier.tile(id, hashes);
//!     }
//!     let Some(row) = next else { break };            // every row of audit_entries, by position
//!     verifier.entry(&row);                           // or verifier.unreadable(position)
//! }
//! verifier.finish(tiles)                              // how many rows audit_tiles has
//! ```
//!
//! All of it must be read from one snapshot. Three things vouch for an entry: its body, the leaf hash beside it, and the hash in its
//! tile once that is full. Where they disagree two trees are carried on, one of the bodies and one of the hashes, until a signed root
//! tells which is right. Where all three were altered alike, the signed roots leave only a range.
//!
//! What it cannot see: entries after the last checkpoint that were altered with their leaf hash, and a log cut back to an earlier
//! checkpoint together with its entries and tiles. Against the latter give [`Checkpoints::since`] a checkpoint that was kept elsewhere.

use std::collections::{BTreeSet, VecDeque};

use super::{
    broken::{Broken, Damage, Fault, Place},
    checkpoint::{Checkpoint, CheckpointError},
    hash::{Hash, leaf_hash},
    note::{LogVerifier, NoteError, SignedNote},
    stored::{StoredCheckpoint, StoredEntry},
    tree::{TILE_WIDTH, Tile, TileId, Tree},
};

/// After so many faults more are only counted.
const MOST_LISTED: usize = 1_000;

/// A log in which nothing was found broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// How many entries it has.
    pub entries: u64,
    /// How many of them the last checkpoint covers. The others are not yet signed, which is no fault.
    pub signed: u64,
    /// How many checkpoints it has; a log with entries and none at all has never been signed.
    pub checkpoints: u64,
    /// The root over all entries.
    pub root: Hash,
}

#[derive(Debug, Default)]
struct Report {
    /// The one that concerns the earliest entry, listed or not.
    first: Option<Broken>,
    found: Vec<Broken>,
    unlisted: u64,
}

impl Report {
    fn add(&mut self, place: Place, fault: Fault) {
        let broken = Broken { place, fault };
        if self.first.is_none_or(|first| broken.rank() < first.rank()) {
            self.first = Some(broken);
        }
        if self.found.len() < MOST_LISTED {
            self.found.push(broken);
        } else {
            self.unlisted += 1;
        }
    }

    /// Names a tile once, at the first hash that is wrong.
    fn add_tile(&mut self, id: TileId, first: u64) {
        let named = |broken: &Broken| matches!(broken.place, Place::Tile { level, index, .. } if (level, index) == (id.level, id.index));
        if !self.found.iter().any(named) {
            self.add(Place::Tile { level: id.level, index: id.index, first }, Fault::TileAltered);
        }
    }
}

/// The checkpoints of a log, taken in before its entries.
#[derive(Debug)]
pub struct Checkpoints {
    key: LogVerifier,
    report: Report,
    signed: Vec<(u64, Hash)>,
    last_size: Option<i64>,
    count: u64,
}

impl Checkpoints {
    /// None yet, of the log with this key.
    #[must_use]
    pub fn new(key: LogVerifier) -> Self {
        Self { key, report: Report::default(), signed: Vec::new(), last_size: None, count: 0 }
    }

    /// Takes in the next kept one, ordered by size.
    pub fn add(&mut self, row: &StoredCheckpoint<'_>) {
        let place = Place::Checkpoint { size: row.size };
        self.count += 1;
        if self.last_size.is_some_and(|last| row.size <= last) {
            self.report.add(place, Fault::OutOfOrder);
        }
        self.last_size = Some(row.size);
        match Checkpoint::open(row.note, &self.key) {
            Ok(checkpoint) => {
                if u64::try_from(row.size) != Ok(checkpoint.size) || Hash::from_slice(row.root) != Some(checkpoint.root) {
                    self.report.add(place, Fault::NoteDiffers);
                }
                // What the log signed holds, whatever the row says.
                self.signed.push((checkpoint.size, checkpoint.root));
            }
            Err(error) => self.report.add(place, self.fault(error, row.note)),
        }
    }

    fn fault(&self, error: CheckpointError, note: &str) -> Fault {
        let claimed = SignedNote::parse(note).ok().and_then(|note| Checkpoint::parse(note.unverified()));
        match error {
            _ if claimed.is_some_and(|checkpoint| checkpoint.origin != self.key.name()) => Fault::OtherLog,
            CheckpointError::OtherLog => Fault::OtherLog,
            CheckpointError::Note(NoteError::Unsigned | NoteError::Signature) => Fault::NoteUnsigned,
            CheckpointError::Note(_) | CheckpointError::Text => Fault::NoteMalformed,
        }
    }

    /// Takes in a checkpoint of this log that was kept elsewhere: the log must have grown from it.
    ///
    /// # Errors
    /// It is not a checkpoint signed by this log.
    pub fn since(&mut self, note: &str) -> Result<(), CheckpointError> {
        let checkpoint = Checkpoint::open(note, &self.key)?;
        self.signed.push((checkpoint.size, checkpoint.root));
        Ok(())
    }

    /// Goes on to the entries.
    #[must_use]
    pub fn verifier(mut self) -> Verifier {
        self.signed.sort_unstable();
        self.signed.dedup();
        let mut verifier = Verifier {
            signed: self.signed.into(),
            last_signed: 0,
            checkpoints: self.count,
            report: self.report,
            next: 0,
            by_entries: Tree::empty(),
            by_hashes: None,
            suspects: Vec::new(),
            lost: false,
            tile: None,
            due: VecDeque::new(),
        };
        verifier.settle();
        verifier
    }
}

/// A position at which body, leaf hash and tile do not agree.
#[derive(Debug)]
struct Suspect {
    position: u64,
    body: Hash,
    leaf: Option<Hash>,
    tile: Option<Hash>,
    /// Where in the tile the body's hash does stand.
    from: Option<u64>,
}

impl Suspect {
    fn tile_index(&self) -> u64 {
        self.position / TILE_WIDTH
    }

    /// What the tile says, if the body, the leaf hash or a body elsewhere bears it out.
    fn likely(&self, borne_out: &BTreeSet<u64>) -> Option<Hash> {
        self.tile.filter(|&tile| self.leaf == Some(tile) || self.body == tile || borne_out.contains(&self.tile_index()))
    }
}

/// Who was found to be right by a signed root.
#[derive(Debug, Clone, Copy)]
enum Right {
    Bodies,
    Hashes,
    Unknown,
}

/// The kept tile of level 0 that holds the next position.
#[derive(Debug)]
struct KeptTile {
    index: u64,
    /// Nothing if it is not kept or unusable.
    hashes: Option<Vec<Hash>>,
    is_kept: bool,
}

/// Goes through the entries of a log; see the module for the order in which it is fed.
#[derive(Debug)]
pub struct Verifier {
    /// Signed sizes and roots that are not reached yet.
    signed: VecDeque<(u64, Hash)>,
    /// The size of the last signed root that fitted.
    last_signed: u64,
    checkpoints: u64,
    report: Report,
    /// The position that comes next.
    next: u64,
    by_entries: Tree,
    /// The tree of leaf hashes and tiles, while it is not the same.
    by_hashes: Option<Tree>,
    /// Positions since the last signed root at which the two differ.
    suspects: Vec<Suspect>,
    /// No tree can be right any more: something unknown is missing, or a signed root fits neither.
    lost: bool,
    tile: Option<KeptTile>,
    /// Tiles above level 0 that became full, as each tree has them.
    due: VecDeque<(Tile, Option<Tile>)>,
}

impl Verifier {
    /// How many entries signed checkpoints cover in all.
    #[must_use]
    pub fn covered(&self) -> u64 {
        self.signed.back().map_or(self.last_signed, |&(size, _)| size)
    }

    /// The tile to be read next, if one is needed before the next entry.
    #[must_use]
    pub fn wanted(&self) -> Option<TileId> {
        if let Some((tile, _)) = self.due.front() {
            return Some(tile.id());
        }
        let index = self.next / TILE_WIDTH;
        self.tile.as_ref().is_none_or(|tile| tile.index != index).then_some(TileId { level: 0, index })
    }

    /// Takes in the kept hashes of the tile that was [`wanted`](Self::wanted), or that there is no such row.
    pub fn tile(&mut self, id: TileId, hashes: Option<&[u8]>) {
        let kept = hashes.and_then(|bytes| Tile::from_bytes(id, bytes));
        if id.level > 0 {
            return self.check_upper(id, hashes.is_some(), kept);
        }
        if hashes.is_some() && kept.is_none() {
            self.report.add_tile(id, id.index.saturating_mul(TILE_WIDTH));
        }
        self.tile = Some(KeptTile { index: id.index, is_kept: hashes.is_some(), hashes: kept.map(|tile| tile.hashes) });
    }

    fn check_upper(&mut self, id: TileId, is_kept: bool, kept: Option<Tile>) {
        let Some((tile, other)) = self.due.pop_front_if(|(tile, _)| tile.id() == id) else { return };
        let span = TILE_WIDTH.saturating_pow(u32::from(id.level));
        let start = id.index.saturating_mul(TILE_WIDTH);
        let Some(kept) = kept else {
            let first = start.saturating_mul(span);
            if is_kept {
                self.report.add_tile(id, first);
            } else {
                self.report.add(Place::Tile { level: id.level, index: id.index, first }, Fault::TileMissing);
            }
            return;
        };
        if kept == tile || Some(&kept) == other.as_ref() {
            return;
        }
        let wrong = (start..).zip(kept.hashes.iter().zip(&tile.hashes)).find(|(_, (a, b))| a != b);
        self.report.add_tile(id, wrong.map_or(start, |(at, _)| at).saturating_mul(span));
    }

    /// Takes in the next entry, ordered by position.
    pub fn entry(&mut self, row: &StoredEntry<'_>) {
        let Some(position) = self.reach(row.position) else { return };
        let body = leaf_hash(row.body);
        let leaf = Hash::from_slice(row.leaf);
        let tile = self.in_tile(position);
        if leaf == Some(body) && tile.is_none_or(|tile| tile == body) {
            if let Some(fault) = row.fault() {
                self.report.add(Place::Entry(position), fault);
            }
        } else if self.suspects.len() < MOST_LISTED {
            let from = self.elsewhere(body);
            self.suspects.push(Suspect { position, body, leaf, tile, from });
        } else {
            self.report.unlisted += 1;
        }
        self.advance(body, tile.or(leaf).unwrap_or(body));
    }

    /// Takes in an entry of which only its leaf hash is at hand: its body was archived. The hash vouches for it where tile and root do.
    pub fn hashed(&mut self, position: i64, leaf: &[u8]) {
        let Some(leaf) = Hash::from_slice(leaf) else { return self.unreadable(position) };
        let Some(position) = self.reach(position) else { return };
        let tile = self.in_tile(position);
        if tile.is_some_and(|tile| tile != leaf) && self.suspects.len() < MOST_LISTED {
            self.suspects.push(Suspect { position, body: leaf, leaf: Some(leaf), tile, from: None });
        }
        self.advance(leaf, tile.unwrap_or(leaf));
    }

    /// Takes in that there is a row with this position, but that its columns are not what they should be.
    pub fn unreadable(&mut self, position: i64) {
        let Some(position) = self.reach(position) else { return };
        self.report.add(Place::Entry(position), Fault::Unreadable);
        self.step_over(position + 1);
    }

    /// Ends it. `tiles` is how many tiles are kept in all.
    ///
    /// # Errors
    /// Something is broken.
    pub fn finish(mut self, tiles: u64) -> Result<Summary, Damage> {
        self.judge(Right::Unknown);
        if let Some(&(size, _)) = self.signed.back() {
            self.report.add(Place::Entries { first: self.next, last: size.saturating_sub(1) }, Fault::Missing);
        } else if !self.lost && tiles > full_tiles(self.next) {
            self.report.add(Place::Entry(self.next), Fault::TilesTooMany { count: tiles - full_tiles(self.next) });
        }
        let Report { first, mut found, unlisted } = self.report;
        let Some(first) = first else {
            let root = self.by_entries.root();
            return Ok(Summary { entries: self.next, signed: self.last_signed, checkpoints: self.checkpoints, root });
        };
        found.sort_by_key(Broken::rank);
        Err(Damage { first, found, unlisted })
    }

    /// Comes to the position of a row: nothing if the row should not be there; what was left out is named.
    fn reach(&mut self, row: i64) -> Option<u64> {
        let Some(position) = u64::try_from(row).ok().filter(|&position| position >= self.next) else {
            self.report.add(Place::Entry(u64::try_from(row).unwrap_or(0)), Fault::Stray { position: row });
            return None;
        };
        if position > self.next {
            self.report.add(Place::Entries { first: self.next, last: position - 1 }, Fault::Missing);
            self.step_over(position);
        }
        Some(position)
    }

    /// Goes on to a position without entries: with the hashes of the tile as far as it is known, lost after that.
    fn step_over(&mut self, position: u64) {
        while self.next < position {
            if let Some(hash) = self.in_tile(self.next) {
                self.advance(hash, hash);
            } else {
                self.lost = true;
                self.next = position;
            }
        }
    }

    fn in_tile(&self, position: u64) -> Option<Hash> {
        let tile = self.tile.as_ref().filter(|tile| tile.index == position / TILE_WIDTH)?;
        tile.hashes.as_ref()?.get(usize::try_from(position % TILE_WIDTH).ok()?).copied()
    }

    fn elsewhere(&self, body: Hash) -> Option<u64> {
        let tile = self.tile.as_ref()?;
        let slot = tile.hashes.as_ref()?.iter().position(|&hash| hash == body)?;
        Some(tile.index.saturating_mul(TILE_WIDTH).saturating_add(u64::try_from(slot).ok()?))
    }

    /// Adds the leaf of the next position to both trees.
    fn advance(&mut self, by_entry: Hash, by_hash: Hash) {
        self.next += 1;
        if !self.lost {
            if by_entry != by_hash && self.by_hashes.is_none() {
                self.by_hashes = Some(self.by_entries.clone());
            }
            let others = self.by_hashes.as_mut().map(|tree| tree.append(by_hash));
            let mut others = others.into_iter().flatten();
            for tile in self.by_entries.append(by_entry) {
                let other = others.next();
                if tile.level > 0 {
                    self.due.push_back((tile, other));
                }
            }
        }
        if self.next.is_multiple_of(TILE_WIDTH) {
            self.close_tile(self.next / TILE_WIDTH - 1);
        }
        self.settle();
    }

    fn close_tile(&mut self, index: u64) {
        if !self.tile.as_ref().is_some_and(|tile| tile.index == index && tile.is_kept) {
            self.report.add(Place::Tile { level: 0, index, first: index * TILE_WIDTH }, Fault::TileMissing);
        }
    }

    /// Compares the trees with the signed roots of this size.
    fn settle(&mut self) {
        while let Some((size, root)) = self.signed.pop_front_if(|(size, _)| *size <= self.next) {
            if self.lost {
                continue;
            }
            if self.by_entries.root() == root {
                self.by_hashes = None;
                self.judge(Right::Bodies);
            } else if let Some(tree) = self.by_hashes.take_if(|tree| tree.root() == root) {
                self.by_entries = tree;
                self.judge(Right::Hashes);
            } else {
                self.judge(Right::Unknown);
                self.report.add(self.unsigned_until(size), Fault::RootDiffers { size });
                self.lost = true;
                continue;
            }
            self.last_signed = size;
        }
    }

    /// The entries between the last root that fitted and one that does not.
    fn unsigned_until(&self, size: u64) -> Place {
        if self.last_signed < size {
            Place::Entries { first: self.last_signed, last: size - 1 }
        } else {
            Place::Checkpoint { size: i64::try_from(size).unwrap_or(i64::MAX) }
        }
    }

    /// Names what was wrong at the positions that did not agree.
    fn judge(&mut self, right: Right) {
        let suspects = std::mem::take(&mut self.suspects);
        // An altered tile would hardly have the hash of an entry that was moved.
        let borne_out = suspects.iter().filter(|suspect| suspect.from.is_some()).map(Suspect::tile_index).collect();
        for suspect in suspects {
            let truth = match right {
                Right::Bodies => Some(suspect.body),
                Right::Hashes => suspect.tile.or(suspect.leaf),
                Right::Unknown => suspect.likely(&borne_out),
            };
            let place = Place::Entry(suspect.position);
            let Some(truth) = truth else {
                self.report.add(place, Fault::Undecided);
                continue;
            };
            if suspect.body != truth {
                self.report.add(place, suspect.from.map_or(Fault::Altered, |from| Fault::Moved { from }));
            } else if suspect.leaf != Some(truth) {
                self.report.add(place, Fault::LeafAltered);
            }
            if suspect.tile.is_some_and(|tile| tile != truth) {
                self.report.add_tile(TileId { level: 0, index: suspect.tile_index() }, suspect.position);
            }
        }
    }
}

/// How many full tiles a tree of `size` leaves has, on all levels.
fn full_tiles(size: u64) -> u64 {
    std::iter::successors(Some(size / TILE_WIDTH), |count| Some(count / TILE_WIDTH)).take_while(|&count| count > 0).sum()
}

#[cfg(test)]
mod tests;
