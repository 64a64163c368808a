//! A log as it is kept, built as the sequencer does it.

use std::{collections::BTreeMap, sync::Arc};

use uuid::Uuid;

use super::super::*;
use crate::{
    audit::{Difference, Entry, LogKey},
    clock::{Clockwork, ManualClock, SeededEntropy, Timestamp},
    party::{Actor, Tenant},
};

pub(super) const ENTRIES: u64 = 1_500;
/// Entries below this stand in a full tile.
pub(super) const TILED: u64 = 1_280;

/// An entry as a row keeps it, without its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pending {
    /// The entry's id.
    pub(super) id: Uuid,
    /// When.
    pub(super) at: Timestamp,
    /// The tenant of its actor.
    pub(super) tenant: String,
    /// What it was done to.
    pub(super) subject: Uuid,
    /// What was done.
    pub(super) act: String,
    /// The bytes that will be hashed.
    pub(super) body: Vec<u8>,
}

impl From<&Entry> for Pending {
    fn from(entry: &Entry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            tenant: entry.actor.tenant.as_str().to_owned(),
            subject: entry.subject,
            act: entry.act.clone(),
            body: entry.to_leaf(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) position: i64,
    pub(super) pending: Pending,
    pub(super) leaf: Vec<u8>,
}

/// The three tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Log {
    pub(super) entries: Vec<Row>,
    pub(super) tiles: BTreeMap<TileId, Vec<u8>>,
    pub(super) checkpoints: Vec<(i64, Vec<u8>, String)>,
}

pub(super) fn key() -> LogKey {
    LogKey::new("tongguan.example/log", &[5; 32]).unwrap()
}

pub(super) fn dice(seed: u64) -> Clockwork {
    Clockwork::new(Arc::new(ManualClock::at(Timestamp(1_790_000_000_000_000))), Arc::new(SeededEntropy::new(seed)))
}

pub(super) fn entry(number: u64, id: Uuid) -> Entry {
    Entry {
        id,
        at: Timestamp(1_790_000_000_000_000 + i64::try_from(number).unwrap()),
        actor: Actor::gateway(Tenant::local(), "courier"),
        act: if number.is_multiple_of(3) { "deliver" } else { "receipt" }.to_owned(),
        subject: Uuid::from_u128(u128::from(number % 40)),
        changes: vec![Difference { field: "inventory.state".to_owned(), from: "packed".to_owned(), to: format!("\"{number}\" 放行") }],
        why: String::new(),
    }
}

impl Log {
    /// `signed` entries in batches of 1 to 97, each batch with a checkpoint, then entries nobody signed.
    pub(super) fn build(signed: u64, unsigned: u64) -> Self {
        let work = dice(11);
        let mut log = Self { entries: Vec::new(), tiles: BTreeMap::new(), checkpoints: Vec::new() };
        let mut tree = Tree::empty();
        while tree.size() < signed {
            let batch = (work.below(97) + 1).min(signed - tree.size());
            log.grow(&mut tree, batch, &work);
            log.sign(&tree);
        }
        log.grow(&mut tree, unsigned, &work);
        log
    }

    pub(super) fn grow(&mut self, tree: &mut Tree, batch: u64, work: &Clockwork) {
        let pending: Vec<Pending> = (tree.size()..tree.size() + batch).map(|number| Pending::from(&entry(number, work.id()))).collect();
        let done = tree.sequence(pending.iter().map(|pending| leaf_hash(&pending.body)));
        for (position, (pending, leaf)) in (done.first..).zip(pending.into_iter().zip(done.leaves)) {
            self.entries.push(Row { position: i64::try_from(position).unwrap(), pending, leaf: leaf.as_bytes().to_vec() });
        }
        self.tiles.extend(done.tiles.iter().map(|tile| (tile.id(), tile.to_bytes())));
    }

    pub(super) fn sign(&mut self, tree: &Tree) {
        let checkpoint = Checkpoint { origin: key().name().to_owned(), size: tree.size(), root: tree.root() };
        let size = i64::try_from(checkpoint.size).unwrap();
        self.checkpoints.push((size, checkpoint.root.as_bytes().to_vec(), checkpoint.sign(&key()).unwrap()));
    }

    pub(super) fn verify(&self) -> Result<Summary, Damage> {
        self.verify_since(None)
    }

    pub(super) fn verify_since(&self, since: Option<&str>) -> Result<Summary, Damage> {
        let mut checkpoints = Checkpoints::new(key().verifier());
        for (size, root, note) in &self.checkpoints {
            checkpoints.add(&StoredCheckpoint { size: *size, root, note });
        }
        if let Some(note) = since {
            checkpoints.since(note).unwrap();
        }
        let mut verifier = checkpoints.verifier();
        let mut rows = self.entries.iter();
        loop {
            while let Some(id) = verifier.wanted() {
                verifier.tile(id, self.tiles.get(&id).map(Vec::as_slice));
            }
            let Some(Row { position, pending, leaf }) = rows.next() else { break };
            verifier.entry(&StoredEntry {
                position: *position,
                id: pending.id,
                at: pending.at,
                tenant: &pending.tenant,
                subject: pending.subject,
                act: &pending.act,
                trace: None,
                leaf,
                body: &pending.body,
            });
        }
        verifier.finish(u64::try_from(self.tiles.len()).unwrap())
    }

    pub(super) fn row(&mut self, position: u64) -> &mut Row {
        &mut self.entries[usize::try_from(position).unwrap()]
    }

    pub(super) fn tile_hash(&mut self, position: u64) -> &mut [u8] {
        let tile = self.tiles.get_mut(&TileId { level: 0, index: position / TILE_WIDTH }).unwrap();
        let start = usize::try_from(position % TILE_WIDTH).unwrap() * Hash::LENGTH;
        &mut tile[start..start + Hash::LENGTH]
    }

    /// Gives rows the positions 0, 1, 2, … again, as a careful forger would.
    pub(super) fn renumber(&mut self) {
        for (position, row) in (0..).zip(&mut self.entries) {
            row.position = position;
        }
    }

    /// The signed sizes around a position: the last at or below it, the first above.
    pub(super) fn around(&self, position: u64) -> (u64, u64) {
        let sizes: Vec<u64> = self.checkpoints.iter().map(|(size, ..)| u64::try_from(*size).unwrap()).collect();
        let before = sizes.iter().rev().find(|&&size| size <= position).copied().unwrap_or(0);
        (before, sizes.into_iter().find(|&size| size > position).unwrap())
    }

    /// What a forger leaves who alters everything alike: the range between two signed roots.
    pub(super) fn range(&self, position: u64) -> Broken {
        let (before, after) = self.around(position);
        Broken { place: Place::Entries { first: before, last: after - 1 }, fault: Fault::RootDiffers { size: after } }
    }
}

pub(super) fn at(position: u64, fault: Fault) -> Broken {
    Broken { place: Place::Entry(position), fault }
}

pub(super) fn tile_of(position: u64, fault: Fault) -> Broken {
    let index = position / TILE_WIDTH;
    let first = if fault == Fault::TileAltered { position } else { index * TILE_WIDTH };
    Broken { place: Place::Tile { level: 0, index, first }, fault }
}

pub(super) fn forge(row: &mut Row) {
    let mut entry: Entry = serde_json::from_slice(&row.pending.body).unwrap();
    entry.why = "nothing happened".to_owned();
    row.pending.body = entry.to_leaf();
}

pub(super) fn reseal(row: &mut Row) {
    row.leaf = leaf_hash(&row.pending.body).as_bytes().to_vec();
}
