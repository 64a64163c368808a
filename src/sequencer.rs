//! Puts audit entries into the tree in the order of their places, and signs checkpoints. One node at a time holds the role; the size
//! of the log, compared when it is written, is what really guards it.

use std::{collections::HashSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, watch};
use tracing::{debug, info, warn};
use uuid::Uuid;

use crate::{
    audit::{Checkpoint, Hash, LogKey, Tile, TileId, Tree},
    clock::Clockwork,
    node::Turn,
    queue::Backoff,
    store::{Hint, LogHead, PendingEntry, Sequencing, Store, StoredTile, Written},
    task::{self, Error, Pace, Task},
};

/// Passes at the end, and the wait after one that did nothing although entries wait: a busy store, a role not yet free.
const LAST_TRIES: u32 = 200;
const LAST_WAIT: Duration = Duration::from_millis(50);
const NAME: &str = "sequencer";

/// How the log grows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Milliseconds from one checkpoint to the next, at least.
    pub interval_ms: u64,
    /// Milliseconds between two looks when nothing hints at work.
    pub poll_ms: u64,
    /// Entries in one pass.
    pub batch: u32,
    /// Seconds after which another node may take over from one that is gone.
    pub role_s: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { interval_ms: 200, poll_ms: 1_000, batch: 4_096, role_s: 15 }
    }
}

/// The task.
#[derive(Clone)]
pub struct Sequencer {
    store: Arc<dyn Store>,
    clockwork: Clockwork,
    key: Arc<LogKey>,
    turn: Turn,
    options: Options,
    /// The tree as it was last written; nothing before the first pass, and after somebody else has written.
    tree: Arc<Mutex<Option<Tree>>>,
}

impl Sequencer {
    /// Joins its parts.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clockwork: Clockwork, key: Arc<LogKey>, options: Options) -> Self {
        let turn = Turn::new(Arc::clone(&store), clockwork.clone(), NAME, clockwork.id(), Duration::from_secs(options.role_s));
        Self { store, clockwork, key, turn, options, tree: Arc::default() }
    }

    /// Runs until stopped, and then until no entry waits for a checkpoint.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let pace = Pace {
            poll: Duration::from_millis(self.options.poll_ms),
            rest: Duration::from_millis(self.options.interval_ms),
            backoff: Backoff::default(),
        };
        task::run(&self, pace, &self.clockwork, stop).await;
        if !self.finish().await {
            warn!("sequencer ends while entries wait for a checkpoint; they get it at the next start");
        }
        // Another node need not wait until the role is free by itself.
        self.turn.pass_on().await;
    }

    /// It is the last to stop: what the others of this node wrote at their end comes under a checkpoint, too, by this node or, where
    /// another has the role, by that one. What other nodes go on writing is not waited for.
    async fn finish(&self) -> bool {
        let batch = self.options.batch;
        let mut last: Option<HashSet<Uuid>> = None;
        for _ in 0..LAST_TRIES {
            let done = self.pass().await;
            // A list that is cut tells nothing of its end.
            let waiting = self.store.pending_entries(batch).await.ok();
            if let Some(waiting) = waiting.filter(|waiting| u32::try_from(waiting.len()).is_ok_and(|waiting| waiting < batch)) {
                let waiting: HashSet<_> = waiting.iter().map(|entry| entry.id).collect();
                let last = last.get_or_insert_with(|| waiting.clone());
                last.retain(|id| waiting.contains(id));
                if last.is_empty() {
                    return true;
                }
            }
            if !matches!(done, Ok(done) if done > 0) {
                tokio::time::sleep(LAST_WAIT).await;
            }
        }
        false
    }

    /// The tree as it is kept. A log that another key has signed is not gone on with.
    async fn restored(&self) -> Result<Tree, Error> {
        let last = self.store.last_checkpoint().await?;
        if last.is_some_and(|last| Checkpoint::open(&last.note, &self.key.verifier()).is_err()) {
            return Err(Error::Part("the log cannot be gone on with: it was signed with another key than this node has".into()));
        }
        let head = self.store.log_head().await?;
        let tree = restore(&head).map_err(|reason| Error::Part(format!("the log cannot be gone on with: {reason}")))?;
        info!(log.size = tree.size(), "sequencer goes on with the log");
        Ok(tree)
    }

    /// Appends entries to a tree and says what is to be written.
    fn place(&self, tree: &mut Tree, pending: &[PendingEntry]) -> Result<Sequencing, Error> {
        let broken = |what: &str| Error::Part(what.to_owned());
        let done = tree.sequence(pending.iter().map(|entry| entry.leaf));
        let checkpoint = Checkpoint { origin: self.key.name().to_owned(), size: tree.size(), root: tree.root() };
        let note = checkpoint.sign(&self.key).map_err(|error| Error::Part(error.to_string()))?;
        let tiles = done.tiles.iter().map(|tile| {
            let index = i64::try_from(tile.index).map_err(|_| broken("a tile's index is too large"))?;
            Ok(StoredTile { level: i64::from(tile.level), index, hashes: tile.to_bytes() })
        });
        Ok(Sequencing {
            expected_size: i64::try_from(done.first).map_err(|_| broken("the log is too long"))?,
            entries: pending.iter().map(|entry| entry.id).zip(done.leaves.iter().map(|leaf| *leaf.as_bytes())).collect(),
            tiles: tiles.collect::<Result<_, Error>>()?,
            root: *tree.root().as_bytes(),
            note,
        })
    }
}

/// Leaves out what a full batch would cut from what was written together; it comes with the next, unless the batch holds nothing else.
fn leave_whole(pending: &mut Vec<PendingEntry>) {
    if let Some(last) = pending.iter().rposition(|entry| entry.is_last) {
        pending.truncate(last + 1);
    }
}

/// The tree whose edge was read.
fn restore(head: &LogHead) -> Result<Tree, String> {
    let size = u64::try_from(head.size).map_err(|_| "its size is below zero".to_owned())?;
    let leaves: Vec<Hash> = head.leaves.iter().filter_map(|leaf| Hash::from_slice(leaf)).collect();
    let tiles = head.tiles.iter().map(|tile| {
        let id = TileId { level: u8::try_from(tile.level).ok()?, index: u64::try_from(tile.index).ok()? };
        Tile::from_bytes(id, &tile.hashes)
    });
    let tiles = tiles.collect::<Option<Vec<_>>>().ok_or_else(|| "a tile is not 256 hashes".to_owned())?;
    Tree::restore(size, &leaves, &tiles).map_err(|error| error.to_string())
}

#[async_trait]
impl Task for Sequencer {
    fn name(&self) -> &'static str {
        NAME
    }

    fn hint(&self) -> &Hint {
        &self.store.hints().sequence
    }

    async fn pass(&self) -> Result<usize, Error> {
        let mut held = self.tree.lock().await;
        // Where another has the turn, all that waits is not read only to be left to it.
        if !self.turn.is_mine() {
            if self.turn.is_anothers() || self.store.pending_entries(1).await?.is_empty() {
                return Ok(0);
            }
            if !self.turn.take().await? {
                *held = None;
                return Ok(0);
            }
        }
        let mut pending = self.store.pending_entries(self.options.batch).await?;
        if pending.len() >= usize::try_from(self.options.batch).unwrap_or(usize::MAX) {
            leave_whole(&mut pending);
        }
        if pending.is_empty() {
            return Ok(0);
        }
        if !self.turn.take().await? {
            *held = None;
            return Ok(0);
        }
        // Taken out: whatever fails from here on, the next pass reads the tree anew.
        let mut tree = match held.take() {
            Some(tree) => tree,
            None => self.restored().await?,
        };
        let sequencing = self.place(&mut tree, &pending)?;
        if self.store.sequence(self.clockwork.now(), sequencing).await? == Written::Stale {
            return Ok(0);
        }
        debug!(log.size = tree.size(), log.entries = pending.len(), "log has grown");
        *held = Some(tree);
        Ok(pending.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(is_last: &[bool]) -> usize {
        let entry = |is_last: &bool| PendingEntry { id: Uuid::nil(), leaf: Hash::new([0; 32]), is_last: *is_last };
        let mut pending = is_last.iter().map(entry).collect();
        leave_whole(&mut pending);
        pending.len()
    }

    #[test]
    fn what_was_written_together_is_not_cut() {
        assert_eq!(left(&[false, true, false, true, false]), 4);
        assert_eq!(left(&[true, true]), 2);
        assert_eq!(left(&[false, false]), 2, "more than a batch at once has to be cut");
        assert_eq!(left(&[]), 0);
    }
}
