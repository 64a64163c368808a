//! Archives (归档): what was taken out of the store, in files that anybody can read.
//!
//! An archive of a name, `2026-11.1`, is two files. `2026-11.1.jsonl.gz` holds one JSON object a line ([`Item`]), compressed in members
//! that follow each other: `zcat` reads the whole, a reader who knows where a member begins reads it alone. `2026-11.1.json` is the
//! [`Manifest`]: what is in it, and a digest of every member. The digest of the manifest's bytes is an entry of the audit log, so whoever
//! alters either file is found out.
//!
//! What was encrypted in the store is encrypted here in the same way, bound to the same row, by the same key: no secret is needed to make or
//! check an archive, and an old key must be kept as long as archives that were made under it.
//!
//! In the store a [`Reference`] stands where the body stood. [`Archives`] gives the body back, if the files are at hand.

mod item;
mod manifest;
mod reading;
mod writing;

pub use self::{
    item::{Item, Part},
    manifest::{Manifest, Member, Name, Reference, Size, Span},
    reading::{Archives, Set, is_at_hand},
    writing::{Lock, Writer, lock},
};

use std::path::PathBuf;

/// Why a body cannot be given.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The files are not here.
    #[error("已归档于 {0}，该归档不在手边 · archived in {0}, which is not at hand")]
    Away(String),
    /// The files are not what they were.
    #[error("归档 {0} 已损坏或被改动：{1} · the archive {0} is damaged or was altered: {1}")]
    Altered(String, String),
    /// Somebody else writes into the folder.
    #[error("{path} 正由另一进程写入 · another process writes into {path}", path = .0.display())]
    Busy(PathBuf),
    /// A file cannot be read or written.
    #[error("{path} 无法读写 · {path} cannot be read or written: {1}", path = .0.display())]
    File(PathBuf, #[source] std::io::Error),
}

/// The result of reading or writing.
pub type Result<T> = std::result::Result<T, Error>;

/// Bytes of a manifest at most.
const LARGEST_MANIFEST: u64 = 64 << 20;
/// Bytes of a member's lines, after which the next one begins.
const MEMBER: usize = 256 << 10;
/// Bytes of a member's lines at most: one item may be large, and base64 makes it larger.
const LARGEST_MEMBER: u64 = 64 << 20;

#[cfg(test)]
mod tests;
