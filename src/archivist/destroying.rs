//! Destroying what has been kept long enough: previewed, confirmed by the preview's digest, told in the log.

use std::collections::HashSet;

use super::{Archivist, Error, Result, digest, until};
use crate::{
    archive::{self, Name, Set},
    clock::Timestamp,
    retention::{Class, Month},
    store::{ArchiveState, KeptArchive},
    task,
};

/// Attempts that are removed at once.
const AT_ONCE: u32 = 1_000;

/// What would be destroyed, and what would not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Archives whose time is over.
    pub doomed: Vec<Doomed>,
    /// Archives whose time is over, and which are held all the same.
    pub spared: Vec<Spared>,
    /// Attempts of before this moment go.
    pub attempts_before: Timestamp,
    /// How many attempts of which months there are.
    pub attempts: Vec<(Month, u64)>,
    /// By it the preview is confirmed.
    pub digest: String,
}

/// An archive that would be destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doomed {
    /// Which.
    pub name: Name,
    /// The digest of its manifest.
    pub manifest: String,
    /// How many bodies are in it.
    pub items: u64,
    /// Until when it had to be kept.
    pub until: Timestamp,
}

/// An archive that stays although its time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spared {
    /// Which.
    pub name: Name,
    /// How many declarations and documents in it are under legal hold, or not over; all that is in it, where its month is held.
    pub held: usize,
}

impl Preview {
    /// Whether there is nothing to destroy.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.doomed.is_empty() && self.attempts.is_empty()
    }
}

impl Archivist {
    /// Tells what would be destroyed of what was kept until before a moment, the present one at the latest. Reads the archives whose time is
    /// over: they must be at hand, since they tell what they are about.
    ///
    /// # Errors
    /// The store or an archive cannot be read.
    pub async fn preview(&self, before: Timestamp) -> Result<Preview> {
        let before = Ord::min(before, self.clockwork.now());
        let (mut doomed, mut spared) = (Vec::new(), Vec::new());
        for kept in self.store.archives().await? {
            let until = until(&self.options, &kept);
            if kept.state != ArchiveState::Emptied || until > before {
                continue;
            }
            let (set, held) = self.held(&kept).await?;
            if held > 0 {
                spared.push(Spared { name: kept.name, held });
            } else {
                doomed.push(Doomed { name: kept.name, manifest: set.digest_text(), items: kept.items, until });
            }
        }
        // Attempts are not told apart by declaration: as long as anything is held, all stay.
        let months = if self.store.legal_holds(None).await?.is_empty() { self.store.kept_by_month().await? } else { Vec::new() };
        let attempts = months.into_iter().filter(|kept| kept.class == Class::Attempts);
        let attempts: Vec<_> = attempts
            .filter(|kept| self.options.until(Class::Attempts, kept.month) <= before)
            .map(|kept| (kept.month, kept.count))
            .collect();
        let attempts_before = attempts.iter().map(|(month, _)| month.end()).max().unwrap_or(Timestamp(0));
        let lines = doomed.iter().map(|doomed| format!("archive {} {}", doomed.name, doomed.manifest));
        let lines = lines.chain(attempts.iter().map(|(month, _)| format!("attempts {month}")));
        let digest = digest(&lines.collect::<Vec<_>>());
        Ok(Preview { doomed, spared, attempts_before, attempts, digest })
    }

    /// How many of what an archive is about must stay.
    async fn held(&self, kept: &KeptArchive) -> Result<(Set, usize)> {
        let set = self.open(kept)?;
        let mut held = HashSet::new();
        for member in 0..set.members() {
            held.extend(self.staying(set.member(member)?.iter()).await?);
        }
        let all = usize::try_from(set.manifest.items()).unwrap_or(usize::MAX);
        let held = if self.is_held(kept.name.month).await? { all } else { held.len() };
        Ok((set, held))
    }

    /// Destroys what a preview named; what is already gone of it is not missed. The log is told first: files without which it says
    /// that they were destroyed are removed by the next try.
    ///
    /// # Errors
    /// The preview is no longer so, or something cannot be read or written.
    pub async fn destroy(&self, before: Timestamp, confirmed: &str, why: &str) -> Result<Preview> {
        let _lock = archive::lock(&self.folder)?;
        self.remove_left().await?;
        let preview = self.preview(before).await?;
        if preview.digest != confirmed {
            return Err(Error::Changed);
        }
        for doomed in &preview.doomed {
            let changes = vec![
                task::difference("archive.name".into(), &doomed.name.to_string(), ""),
                task::difference("archive.digest".into(), &doomed.manifest, ""),
                task::difference("archive.items".into(), &doomed.items.to_string(), ""),
            ];
            let entry = self.entry("destroy", changes, why);
            self.store.move_archive(entry.at, doomed.name, ArchiveState::Destroyed, Some(entry)).await?;
            Set::remove(&self.folder, doomed.name)?;
        }
        if !preview.attempts.is_empty() {
            let mut gone = 0;
            loop {
                let some = self.store.forget_attempts(preview.attempts_before, AT_ONCE).await?;
                gone += some;
                if some == 0 {
                    break;
                }
            }
            let changes = vec![task::difference("attempts".into(), &gone.to_string(), "")];
            let entry = self.entry("destroy", changes, why);
            self.store.tell(entry.at, entry).await?;
        }
        Ok(preview)
    }

    /// Removes the files of archives that were destroyed, where an earlier try was cut off before it did.
    async fn remove_left(&self) -> Result<()> {
        for kept in self.store.archives().await?.into_iter().filter(|kept| kept.state == ArchiveState::Destroyed) {
            Set::remove(&self.folder, kept.name)?;
        }
        Ok(())
    }
}
