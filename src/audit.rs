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

use std::num::NonZeroU128;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    clock::Timestamp,
    party::{Actor, Trace},
};

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
    /// The same in the course of a trace, where there is one.
    #[must_use]
    pub fn traced(mut self, trace: Option<Trace>) -> Self {
        self.actor.trace = trace;
        self
    }

    /// The trace that it belongs to, 32 hexadecimal digits: the caller's, or where it named none, that of what it was done to, whose id it
    /// is. Nothing where there is neither.
    #[must_use]
    pub fn trace_id(&self) -> Option<String> {
        let own = NonZeroU128::new(self.subject.as_u128());
        self.actor.trace.map(|trace| trace.id).or(own).map(Trace::shown)
    }

    /// The bytes that are hashed into the tree and kept: compact JSON, fields in the order of the type, those of [`Actor`] that came later left
    /// out where they say nothing: what was hashed before them is hashed so still.
    #[must_use]
    pub fn to_leaf(&self) -> Vec<u8> {
        // A struct of strings and integers always serialises.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::party::{Role, Tenant};

    fn entry(subject: u128, actor: Actor) -> Entry {
        let subject = Uuid::from_u128(subject);
        Entry { id: Uuid::from_u128(1), at: Timestamp(5), actor, act: "hold".into(), subject, changes: Vec::new(), why: "x".into() }
    }

    #[test]
    fn what_was_hashed_before_there_were_addresses_and_traces_is_hashed_so_still() {
        let before = r#"{"id":"00000000-0000-0000-0000-000000000001","at":5,"actor":{"tenant":"local","role":"operator","name":"desk"},"act":"hold","subject":"00000000-0000-0000-0000-000000000002","changes":[],"why":"x"}"#;
        let old: Entry = serde_json::from_str(before).unwrap();
        assert_eq!(old, entry(2, Actor::new(Tenant::local(), Role::Operator, "desk")));
        assert_eq!(String::from_utf8(old.to_leaf()).unwrap(), before);
    }

    #[test]
    fn an_entry_with_an_address_and_a_trace_reads_back() {
        let trace: Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap();
        for address in ["10.1.2.3", "2001:db8::7"] {
            let actor = Actor { address: address.parse().ok(), trace: Some(trace), ..Actor::gateway(Tenant::local(), "t") };
            let (whole, text) = (entry(2, actor), format!(r#""address":"{address}","trace":"{trace}"}}"#));
            let leaf = whole.to_leaf();
            assert!(String::from_utf8_lossy(&leaf).contains(&text));
            assert_eq!(serde_json::from_slice::<Entry>(&leaf).unwrap(), whole);
            assert_eq!(whole.trace_id().as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
        }
    }

    #[test]
    fn without_a_callers_trace_it_is_that_of_what_it_was_done_to() {
        let of = |subject| entry(subject, Actor::gateway(Tenant::local(), "t")).trace_id();
        assert_eq!(of(0x2a).as_deref(), Some("0000000000000000000000000000002a"));
        assert_eq!(of(0), None);
    }
}
