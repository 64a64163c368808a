//! Rows of the log as a store keeps them, and what a row must have in common with its entry.

use uuid::Uuid;

use super::{Entry, broken::Fault};
use crate::clock::Timestamp;

/// An entry that has its place. Numbers and lengths are as the row has them, which may be anything.
#[derive(Debug, Clone, Copy)]
pub struct StoredEntry<'a> {
    /// Its place in the tree, from 0.
    pub position: i64,
    /// The entry's id.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// The tenant of its actor.
    pub tenant: &'a str,
    /// What it was done to.
    pub subject: Uuid,
    /// What was done.
    pub act: &'a str,
    /// The hash of the body.
    pub leaf: &'a [u8],
    /// The entry itself, as hashed.
    pub body: &'a [u8],
}

impl StoredEntry<'_> {
    /// What is wrong with the row if its body is right: the columns are there to search by and must say what the body says.
    pub(super) fn fault(&self) -> Option<Fault> {
        let Ok(entry) = serde_json::from_slice::<Entry>(self.body) else { return Some(Fault::NotAnEntry) };
        let columns = [
            ("id", entry.id == self.id),
            ("at", entry.at == self.at),
            ("tenant", entry.actor.tenant.as_str() == self.tenant),
            ("subject", entry.subject == self.subject),
            ("act", entry.act == self.act),
        ];
        columns.into_iter().find(|(_, same)| !same).map(|(column, _)| Fault::Column(column))
    }
}

/// A checkpoint as kept. Numbers and lengths are as the row has them.
#[derive(Debug, Clone, Copy)]
pub struct StoredCheckpoint<'a> {
    /// How many entries it covers.
    pub size: i64,
    /// The root over them.
    pub root: &'a [u8],
    /// The signed note that says so.
    pub note: &'a str,
}
