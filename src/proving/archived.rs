//! What a check of the log finds of archives: entries of which only leaf hashes are at hand, and whether archives are what the log says.

use std::{collections::BTreeMap, path::Path};

use super::Result;
use crate::{
    archive::{self, Name, Set},
    audit::Entry,
    store::{Absent, ArchiveState, EntryFilter, KeptArchive, Store},
};

/// Entries of an archive that is not at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashed {
    /// The archive.
    pub archive: Name,
    /// The first of them.
    pub first: i64,
    /// The last of them.
    pub last: i64,
    /// How many there are; others may stand between the first and the last.
    pub count: u64,
    /// Whether the archive was destroyed after its time, as the log tells.
    pub is_destroyed: bool,
}

/// What was seen of archives while the log was gone through.
#[derive(Debug, Default)]
pub(super) struct Archived {
    hashed: BTreeMap<Name, Hashed>,
    /// What the log tells of archives: the digests of their manifests.
    told: BTreeMap<String, String>,
    /// Archives of which it tells that they were destroyed.
    destroyed: Vec<String>,
    /// What could not be read.
    wrong: Vec<String>,
}

/// Faults that are listed.
const MOST: usize = 100;
/// Entries that no checkpoint covers yet: a moment's.
const MOST_TOLD: u32 = 1_000;
/// The acts that tell of archives.
const TELLING: [&str; 2] = ["archive", DESTROY];
const DESTROY: &str = "destroy";

impl Archived {
    /// Notes an entry that is not at hand.
    pub(super) fn absent(&mut self, position: i64, absent: &Absent) {
        match absent {
            Absent::Away(name) => {
                let new = Hashed { archive: *name, first: position, last: position, count: 0, is_destroyed: false };
                let hashed = self.hashed.entry(*name).or_insert(new);
                hashed.last = position;
                hashed.count += 1;
            }
            Absent::Altered(told) if self.wrong.len() < MOST && !self.wrong.contains(told) => self.wrong.push(told.clone()),
            Absent::Altered(_) => {}
        }
    }

    /// Notes what an entry in its place tells of archives.
    pub(super) fn look(&mut self, act: &str, body: &[u8]) {
        if TELLING.contains(&act)
            && let Ok(entry) = serde_json::from_slice(body)
        {
            self.told(&entry);
        }
    }

    /// Notes what entries tell that no checkpoint covers yet: an archive is taken out of the store at once.
    pub(super) async fn look_on(&mut self, store: &dyn Store, from: i64) -> Result<()> {
        for act in TELLING {
            let filter =
                EntryFilter { act: Some(act.to_owned()), after: Some(from - 1), pending: true, limit: MOST_TOLD, ..EntryFilter::default() };
            store.entries(filter).await?.iter().for_each(|placed| self.told(&placed.entry));
        }
        Ok(())
    }

    fn told(&mut self, entry: &Entry) {
        let value = |field: &str| {
            let change = entry.changes.iter().find(|change| change.field == field)?;
            Some(if change.to.is_empty() { change.from.clone() } else { change.to.clone() })
        };
        match (value("archive.name"), value("archive.digest")) {
            (Some(name), _) if entry.act == DESTROY => self.destroyed.push(name),
            (Some(name), Some(digest)) => drop(self.told.insert(name, digest)),
            _ => {}
        }
    }

    /// Entries of which only the leaf hash could be verified.
    pub(super) fn hashed(self) -> Vec<Hashed> {
        self.hashed.into_values().collect()
    }

    /// Compares the archives that the store knows with what the log tells and with their files: how many were read and are whole, and
    /// what is wrong. An archive without a checkpoint yet is nobody's, and its digest is the store's alone.
    pub(super) fn check(&mut self, kept: &[KeptArchive], folder: Option<&Path>) -> (usize, Vec<String>) {
        let mut wrong = std::mem::take(&mut self.wrong);
        let mut whole = 0;
        for hashed in self.hashed.values_mut() {
            hashed.is_destroyed = self.destroyed.contains(&hashed.archive.to_string());
            let known = kept.iter().find(|kept| kept.name == hashed.archive);
            let within = known.and_then(|kept| kept.span).is_some_and(|span| {
                let position = |at: i64| u64::try_from(at).is_ok_and(|at| (span.first..=span.last).contains(&at));
                position(hashed.first) && position(hashed.last)
            });
            if !within || !self.told.contains_key(&hashed.archive.to_string()) {
                wrong.push(format!(
                    "第 {0} 至 {1} 号记录称在归档 {2}，日志中没有这样的归档 · entries {0} to {1} are said to be in {2}: the log tells of no such archive",
                    hashed.first, hashed.last, hashed.archive
                ));
            }
        }
        for archive in kept {
            let name = archive.name.to_string();
            let is_destroyed = self.destroyed.contains(&name);
            if archive.state == ArchiveState::Destroyed && !is_destroyed {
                wrong.push(format!(
                    "归档 {name} 已无，日志未载其销毁 · the archive {name} is gone, and the log does not tell of its destruction"
                ));
            }
            let digest = hex::encode(archive.digest);
            if self.told.get(&name).is_some_and(|told| *told != digest) {
                wrong.push(format!("归档 {name} 的摘要与日志不符 · the digest of the archive {name} is not the one that the log tells"));
            }
            let (Some(folder), false) = (folder, archive.state == ArchiveState::Destroyed) else { continue };
            match Set::open(folder, archive.name).and_then(|set| set.check().map(|()| set.digest)) {
                Ok(digest) if digest == archive.digest => whole += 1,
                Ok(_) => wrong.push(format!("归档 {name} 的清单被替换 · the manifest of the archive {name} is another")),
                // Not at hand is no damage: what could not be verified is told.
                Err(archive::Error::Away(_)) => {}
                Err(error) => wrong.push(error.to_string()),
            }
        }
        wrong.truncate(MOST);
        (whole, wrong)
    }
}
