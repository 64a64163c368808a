//! The audit log: entries, the RFC 6962 tree over them, and signed checkpoints of it.
//!
//! An entry is written with the change it tells of and waits; the sequencer gives it a position, appends the hash of its bytes to
//! the [`Tree`] and signs a [`Checkpoint`] of it. The formats are those of C2SP (tlog-tiles, tlog-checkpoint, signed-note), so that
//! public tools can check the log. [`verify`] goes through a kept log and names what is broken.

mod broken;
mod checkpoint;
mod cosign;
mod hash;
mod note;
pub mod proof;
mod stored;
mod tree;
pub mod verify;

pub use self::{
    broken::{Broken, Damage, Fault, Place},
    checkpoint::{Checkpoint, CheckpointError},
    cosign::WitnessVerifier,
    hash::{Hash, leaf_hash, node_hash},
    note::{LogKey, LogVerifier, NoteError, SignedNote},
    stored::{StoredCheckpoint, StoredEntry},
    tree::{Edge, Misfit, Sequenced, Tile, TileId, TileRun, Tree},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{clock::Timestamp, party::Actor};

/// One thing that was done. Its canonical bytes ([`Entry::to_leaf`]) are the leaf of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its id (UUIDv7).
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// Who, for which tenant.
    pub actor: Actor,
    /// What was done: `accept`, `pack`, `deliver`, `receipt`, …
    pub act: String,
    /// The declaration (or the waybill document that has none yet) it was done to; nil where it concerns no single one.
    pub subject: Uuid,
    /// What changed, a small diff: field, before, after. Never personal data.
    pub changes: Vec<Difference>,
    /// Why, in a few words; never personal data.
    pub why: String,
}

/// One field that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// Which: `inventory.state`, `order.verdict`, …
    pub field: String,
    /// Before; empty if it was not there.
    pub from: String,
    /// After; empty if it is gone.
    pub to: String,
}

impl Entry {
    /// The bytes that are hashed into the tree and kept: compact JSON, fields in the order of the type.
    #[must_use]
    pub fn to_leaf(&self) -> Vec<u8> {
        // A struct of strings and integers always serialises.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
