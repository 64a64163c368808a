//! Nodes: processes that work on one store, each with the parts that its roles name. A node tells the others every few seconds that it
//! lives, what it runs and how it is configured ([`Beat`]); what only one node is to do at a time it does in its [`Turn`], and of what
//! all do together each takes its [`Share`].
//!
//! No node is more than another, and none is needed to know of the others: leases on rows and versions keep what is worked on apart
//! whatever nodes believe of each other. What stands here spares them from working against each other, and tells people what differs.

use std::{collections::BTreeMap, fmt, fs, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{clock::Timestamp, store::KeptNode};

mod beat;
mod share;
mod turn;

pub use self::{
    beat::Beat,
    share::{Share, Shares},
    turn::Turn,
};

/// A part that a node runs, as `serve --roles` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The door: takes in what callers send, and answers what they ask.
    Intake,
    /// Looks at the gates.
    Gate,
    /// Makes and signs messages.
    Pack,
    /// Carries messages along the roads.
    Deliver,
    /// Takes from the roads what has come.
    Receive,
    /// Reads what was received.
    Collect,
    /// Puts audit entries into the tree, under signed checkpoints.
    Sequence,
}

impl Role {
    /// All of them, in the order in which work flows.
    pub const ALL: [Self; 7] = [Self::Intake, Self::Gate, Self::Pack, Self::Deliver, Self::Receive, Self::Collect, Self::Sequence];

    /// Its name in configuration, in rows and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Gate => "gate",
            Self::Pack => "pack",
            Self::Deliver => "deliver",
            Self::Receive => "receive",
            Self::Collect => "collect",
            Self::Sequence => "sequence",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A role that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("没有角色 {0:?} · there is no role {0:?}; roles are {all}", all = joined(&Role::ALL))]
pub struct NoRole(String);

impl FromStr for Role {
    type Err = NoRole;

    fn from_str(text: &str) -> Result<Self, NoRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| NoRole(text.to_owned()))
    }
}

/// Roles as rows and people have them.
#[must_use]
pub fn joined(roles: &[Role]) -> String {
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(",")
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Its name, for people; empty: that of the machine.
    pub name: String,
    /// The parts that run here.
    pub roles: Vec<Role>,
    /// Milliseconds from one word to the others to the next.
    pub beat_ms: u64,
    /// Seconds without a word after which a node counts as gone: its turns and its share are the others'.
    pub gone_s: u64,
    /// Seconds after which another node takes over what only one does at a time, where its node is gone.
    pub turn_s: u64,
    /// Milliseconds by which clocks may differ before it is told as a fault. Nothing breaks when they differ by more; times in the log
    /// and in messages are then as wrong as the clocks.
    pub clock_tolerance_ms: u64,
    /// Milliseconds by which this node's clock is put ahead (or, below zero, back): for rehearsals only.
    pub clock_shift_ms: i64,
}

impl Default for Options {
    fn default() -> Self {
        let roles = Role::ALL.to_vec();
        Self { name: String::new(), roles, beat_ms: 3_000, gone_s: 15, turn_s: 5, clock_tolerance_ms: 2_000, clock_shift_ms: 0 }
    }
}

impl Options {
    /// Whether a part runs here.
    #[must_use]
    pub fn runs(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether one of these parts runs here.
    #[must_use]
    pub fn runs_any(&self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.runs(*role))
    }

    /// The name that others see.
    #[must_use]
    pub fn shown_name(&self) -> String {
        if !self.name.is_empty() {
            return self.name.clone();
        }
        let machine = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let machine: String = machine.trim().chars().filter(|c| c.is_ascii_graphic()).take(60).collect();
        if machine.is_empty() { "node".to_owned() } else { machine }
    }
}

/// The sections of a configuration that nodes must agree on, and the roles that each concerns: only nodes that both have one of them
/// are compared. What a node is and where it listens is its own.
pub const SECTIONS: [(&str, &[Role]); 17] = [
    ("program", &Role::ALL),
    ("access", &[Role::Intake]),
    ("grpc", &[Role::Intake]),
    ("intake", &[Role::Intake]),
    ("check", &[Role::Intake]),
    ("exemption", &[Role::Intake, Role::Collect]),
    ("lanes", &[Role::Intake, Role::Gate]),
    ("senders", &[Role::Intake, Role::Gate, Role::Pack, Role::Deliver]),
    ("gatekeeper", &[Role::Gate]),
    ("signers", &[Role::Pack]),
    ("packer", &[Role::Pack]),
    ("roads", &[Role::Deliver, Role::Receive]),
    ("courier", &[Role::Deliver]),
    ("collector", &[Role::Receive, Role::Collect]),
    ("vault", &[Role::Pack, Role::Deliver, Role::Receive, Role::Collect]),
    ("audit", &[Role::Sequence]),
    ("retention", &[Role::Intake, Role::Collect]),
];

/// A section in which nodes differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// Which.
    pub section: String,
    /// The nodes that agree with each other, group by group; the largest group first.
    pub groups: Vec<Vec<String>>,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups: Vec<_> = self.groups.iter().map(|group| group.join(", ")).collect();
        write!(f, "{}: {}", self.section, groups.join(" | "))
    }
}

/// How a node is called where two may have one name: its name and the end of its id.
#[must_use]
pub fn label(node: &KeptNode) -> String {
    let id = node.id.simple().to_string();
    format!("{}#{}", node.name, id.get(id.len() - 4..).unwrap_or_default())
}

/// The sections in which nodes differ whom they concern.
#[must_use]
pub fn disagreements<'n>(nodes: impl IntoIterator<Item = &'n KeptNode> + Clone) -> Vec<Disagreement> {
    let mut found = Vec::new();
    for (section, concerned) in SECTIONS {
        let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for node in nodes.clone() {
            let concerns = node.roles.split(',').any(|role| concerned.iter().any(|known| known.as_str() == role));
            if let Some(digest) = node.sections.get(section).filter(|_| concerns) {
                groups.entry(digest).or_default().push(label(node));
            }
        }
        if groups.len() > 1 {
            let mut groups: Vec<_> = groups.into_values().collect();
            groups.iter_mut().for_each(|group| group.sort());
            groups.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
            found.push(Disagreement { section: section.to_owned(), groups });
        }
    }
    found
}

/// Whether a node counts as gone for somebody who looks once, by his own clock.
#[must_use]
pub fn is_gone(node: &KeptNode, now: Timestamp) -> bool {
    node.until <= now
}

#[cfg(test)]
mod tests;
