//! Nodes: what each says of itself, for the others to see.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::clock::Timestamp;

/// Nodes that are shown; more than anybody runs.
pub(super) const MOST_NODES: i64 = 1_000;

/// A node as it last spoke of itself. All times are by its own clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptNode {
    /// New at each start.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The parts that run there, separated by commas.
    pub roles: String,
    /// The program's version.
    pub version: String,
    /// A digest of each section of its configuration.
    pub sections: BTreeMap<String, String>,
    /// By how many milliseconds other nodes' clocks are ahead of its own, where that is much.
    pub clocks: BTreeMap<Uuid, i64>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it spoke.
    pub seen_at: Timestamp,
    /// When it counts as gone, unless it speaks again.
    pub until: Timestamp,
    /// How often it spoke.
    pub beats: i64,
}
