//! What the log tells of one declaration, in a file that a third party verifies without the gateway: the entries, a proof for each that
//! it stands in the log, the signed checkpoint, and the public key.
//!
//! A bundle shows that each entry was in the log, where, and unaltered. It cannot show that no other entry is about the same.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Error, Kept, Published, Result};
use crate::{
    audit::{Checkpoint, CheckpointError, Entry, Hash, LogVerifier, leaf_hash, proof::verify_inclusion},
    store::{EntryFilter, PlacedEntry},
};

/// The name of the format.
pub const FORMAT: &str = "tongguan.audit-bundle/1";
/// The entries of one bundle, at most.
const MOST: usize = 10_000;
const PAGE: u32 = 500;
/// The longest path in a tree of 2^64.
const LONGEST_PROOF: usize = 64;

/// A bundle; as JSON it is the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// [`FORMAT`].
    pub format: String,
    /// The log's public key (a vkey). Whoever verifies should have it from elsewhere.
    pub key: String,
    /// The signed checkpoint that the proofs lead to.
    pub checkpoint: String,
    /// What the entries are about, in the order of the ids: the declaration and the documents that were there before it.
    pub subjects: Vec<Uuid>,
    /// The entries by position.
    pub entries: Vec<Proven>,
}

/// An entry with its proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proven {
    /// Its position.
    pub position: u64,
    /// The bytes that are hashed, as text.
    pub entry: String,
    /// The proof that it is in the tree (RFC 6962 §2.1.1): hashes in base64.
    pub proof: Vec<String>,
}

/// What is wrong with a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is of another format.
    #[error("格式不是 {FORMAT} · the format is not {FORMAT}")]
    Format,
    /// Its key is not the one that is trusted.
    #[error("其中的公钥不是所信任的公钥 · its key is not the one that is trusted")]
    Key,
    /// Its checkpoint is not the log's.
    #[error("检查点不成立 · the checkpoint does not hold: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// There is nothing in it.
    #[error("没有记录 · there are no entries")]
    Empty,
    /// Positions do not increase.
    #[error("第 {0} 号记录次序有误 · entry {0}: out of order")]
    Order(u64),
    /// It is not in the log in this form.
    #[error("第 {0} 号记录的证明不成立 · entry {0}: it is not in the log as it stands here")]
    Proof(u64),
    /// It is no entry.
    #[error("第 {0} 号不是审计记录 · entry {0}: it is no audit entry")]
    NotAnEntry(u64),
    /// It is about something else than the bundle says, or the bundle names something that no entry is about.
    #[error("记录与所列申报不符 · the entries are not about what the bundle names")]
    Subjects,
}

impl Bundle {
    /// Makes the bundle of what the log tells of these subjects.
    ///
    /// # Errors
    /// [`Error::Absent`] if no entry about them is under a checkpoint; the store cannot be read, or the log is damaged.
    pub async fn make(log: &Kept, subjects: Vec<Uuid>, key: &LogVerifier) -> Result<Self> {
        let note = log.checkpoint().await?;
        let head = Checkpoint::open(&note, key).map_err(|_| Error::Damaged)?;
        let mut entries = Vec::new();
        let mut told = std::collections::BTreeSet::new();
        for placed in all(log, subjects).await? {
            let position = placed.position.and_then(|position| u64::try_from(position).ok());
            // What came under a checkpoint only after this one was read stays out.
            let Some(position) = position.filter(|position| *position < head.size) else { continue };
            let proof = super::inclusion(log, position, head.size).await?;
            if proof.root != head.root {
                return Err(Error::Damaged);
            }
            told.insert(placed.entry.subject);
            let entry = log.entry(position).await?;
            let proof = proof.path.iter().map(Hash::to_string).collect();
            entries.push(Proven { position, entry, proof });
        }
        if entries.is_empty() {
            return Err(Error::Absent);
        }
        let subjects = told.into_iter().collect();
        Ok(Self { format: FORMAT.to_owned(), key: key.to_string(), checkpoint: note, subjects, entries })
    }

    /// Verifies it with a key that is trusted; gives the checkpoint that everything in it leads to.
    ///
    /// # Errors
    /// The first fault.
    pub fn verify(&self, trusted: &LogVerifier) -> std::result::Result<Checkpoint, Fault> {
        if self.format != FORMAT {
            return Err(Fault::Format);
        }
        if LogVerifier::parse(&self.key).as_ref() != Ok(trusted) {
            return Err(Fault::Key);
        }
        let head = Checkpoint::open(&self.checkpoint, trusted)?;
        let mut last = None;
        let mut told = std::collections::BTreeSet::new();
        for proven in &self.entries {
            let position = proven.position;
            if last.is_some_and(|last| last >= position) {
                return Err(Fault::Order(position));
            }
            last = Some(position);
            told.insert(proven.verify(&head)?.subject);
        }
        if self.entries.is_empty() {
            return Err(Fault::Empty);
        }
        if told.into_iter().eq(self.subjects.iter().copied()) { Ok(head) } else { Err(Fault::Subjects) }
    }
}

impl Proven {
    fn verify(&self, head: &Checkpoint) -> std::result::Result<Entry, Fault> {
        let fault = Fault::Proof(self.position);
        let proof: Option<Vec<_>> = self.proof.iter().take(LONGEST_PROOF + 1).map(|hash| Hash::parse(hash)).collect();
        let leaf = leaf_hash(self.entry.as_bytes());
        let holds = proof.is_some_and(|proof| verify_inclusion(leaf, self.position, head.size, head.root, &proof));
        if !holds {
            return Err(fault);
        }
        serde_json::from_str(&self.entry).map_err(|_| Fault::NotAnEntry(self.position))
    }
}

impl Kept {
    /// The bytes of one entry, as text.
    async fn entry(&self, position: u64) -> Result<String> {
        let position = i64::try_from(position).map_err(|_| Error::Absent)?;
        let row = self.0.stored_entries(position, 1).await?.pop().filter(|row| row.position == position).ok_or(Error::Damaged)?;
        String::from_utf8(super::body(row)?).map_err(|_| Error::Damaged)
    }
}

/// Every entry about these that has its place.
async fn all(log: &Kept, subjects: Vec<Uuid>) -> Result<Vec<PlacedEntry>> {
    let mut filter = EntryFilter { subjects: Some(subjects), limit: PAGE, ..EntryFilter::default() };
    let mut found = Vec::new();
    loop {
        let page = log.0.entries(filter.clone()).await?;
        let is_last = u32::try_from(page.len()).is_ok_and(|len| len < PAGE);
        filter.after = page.last().and_then(|placed| placed.position).or(filter.after);
        found.extend(page);
        if is_last || found.len() >= MOST {
            found.truncate(MOST);
            return Ok(found);
        }
    }
}
