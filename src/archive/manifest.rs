//! What an archive says of itself, and how the store points into it.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::Part;
use crate::{clock::Timestamp, retention::Month};

/// The name of the format.
pub(super) const FORMAT: &str = "tongguan.archive/1";
/// Hexadecimal digits of a manifest's digest that stand in a reference.
const PIN: usize = 16;

/// An archive's name: the month, and which of the month's archives it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// The month.
    pub month: Month,
    /// From 1.
    pub serial: u32,
}

impl Name {
    /// Reads `2026-11.1`; nothing if it is no name. So no name leads out of a folder.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (month, serial) = text.split_once('.')?;
        let name = Self { month: Month::parse(month)?, serial: serial.parse().ok()? };
        (name.to_string() == text && name.serial > 0).then_some(name)
    }

    /// The file that holds the items.
    pub(super) fn data(self) -> String {
        format!("{self}.jsonl.gz")
    }

    /// The file that holds the manifest.
    pub(super) fn manifest(self) -> String {
        format!("{self}.json")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.month, self.serial)
    }
}

/// What is in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `tongguan.archive/1`.
    pub format: String,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// How much of what.
    pub parts: BTreeMap<Part, Size>,
    /// The first and the last of the log's entries in it; there may be others between them that are not.
    pub entries: Option<Span>,
    /// Bytes of the file with the items.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Its members, in their order.
    pub members: Vec<Member>,
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// How many.
    pub count: u64,
    /// How many bytes, before they were compressed.
    pub bytes: u64,
}

/// Positions in the log, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// A member of the file: a part that is compressed by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Where it begins.
    pub at: u64,
    /// How long it is.
    pub bytes: u64,
    /// How many items are in it.
    pub items: u32,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// How many items there are.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.members.iter().map(|member| u64::from(member.items)).sum()
    }
}

/// Where a body is: what stands in the store in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The archive.
    pub name: Name,
    /// The beginning of its manifest's digest: another archive of the same name is not taken for it.
    pub pin: String,
    /// The member, from 0.
    pub member: u32,
    /// The place in the member, from 0.
    pub item: u32,
}

impl Reference {
    /// The part of a manifest's digest that stands in references.
    pub(super) fn pin(digest: &[u8]) -> String {
        hex::encode(digest).chars().take(PIN).collect()
    }

    /// Reads what [`Reference`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let mut next = || parts.next();
        let reference = Self {
            name: Name::parse(next()?)?,
            pin: next().filter(|pin| pin.len() == PIN)?.to_owned(),
            member: next()?.parse().ok()?,
            item: next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(reference)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.name, self.pin, self.member, self.item)
    }
}
