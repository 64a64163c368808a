//! Destroying what has been kept long enough: previewed, confirmed by the preview's digest or approved by a second person, told in the log.

use std::collections::HashSet;

use uuid::Uuid;

use super::{Archivist, Error, Result, Target, until};
use crate::{
    archive::{self, Name, Set},
    audit::Difference,
    clock::Timestamp,
    retention::{Class, Month},
    store::{ArchiveState, KeptArchive},
    task,
};

/// Attempts that are removed at once.
const AT_ONCE: u32 = 1_000;
/// Archives that are destroyed at once; the rest is left to another preview.
const MOST_ARCHIVES: usize = 1_000;

/// What would be destroyed, and what would not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Archives whose time is over; the first thousand of them.
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

/// What one person has proposed to destroy and another has approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    /// Just this.
    pub targets: Vec<Target>,
    /// Why.
    pub why: String,
    /// The proposal.
    pub proposal: Uuid,
    /// Which person proposed it.
    pub proposed_by: String,
    /// Which person approved it.
    pub approved_by: String,
}

impl Preview {
    fn new(doomed: Vec<Doomed>, spared: Vec<Spared>, attempts: Vec<(Month, u64)>) -> Self {
        let attempts_before = attempts.iter().map(|(month, _)| month.end()).max().unwrap_or(Timestamp(0));
        let mut preview = Self { doomed, spared, attempts_before, attempts, digest: String::new() };
        preview.digest = Target::digest_of(&preview.lines());
        preview
    }

    /// Whether there is nothing to destroy.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.doomed.is_empty() && self.attempts.is_empty()
    }

    fn targets(&self) -> Vec<Target> {
        let archives = self.doomed.iter().map(|doomed| Target::Archive(doomed.name, doomed.manifest.clone()));
        archives.chain(self.attempts.iter().map(|(month, _)| Target::Attempts(*month))).collect()
    }

    /// What would be destroyed, a line each: what is proposed to a second person.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.targets().iter().map(Target::to_string).collect()
    }

    /// The same of these alone.
    fn only(self, targets: &[Target]) -> Self {
        let Self { mut doomed, spared, mut attempts, .. } = self;
        doomed.retain(|doomed| targets.contains(&Target::Archive(doomed.name, doomed.manifest.clone())));
        attempts.retain(|(month, _)| targets.contains(&Target::Attempts(*month)));
        Self::new(doomed, spared, attempts)
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
            if kept.state != ArchiveState::Emptied || until > before || doomed.len() >= MOST_ARCHIVES {
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
        let is_any_held = !self.store.legal_holds(None).await?.is_empty();
        let mut attempts = if is_any_held { Vec::new() } else { self.attempts().await? };
        attempts.retain(|(month, _)| self.options.until(Class::Attempts, *month) <= before);
        Ok(Preview::new(doomed, spared, attempts))
    }

    /// How many attempts of which months there are.
    async fn attempts(&self) -> Result<Vec<(Month, u64)>> {
        let kept = self.store.kept_by_month().await?.into_iter().filter(|kept| kept.class == Class::Attempts);
        Ok(kept.map(|kept| (kept.month, kept.count)).collect())
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

    /// Destroys what a preview named. The log is told first: files without which it says that they were destroyed are removed by the next
    /// try.
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
        self.carry_out(preview, &[], why).await
    }

    /// Destroys just what a second person has approved; what is gone of it already is not missed. Nothing is destroyed if anything of it must
    /// stay by now.
    ///
    /// # Errors
    /// It is no longer as it was approved, or something cannot be read or written.
    pub async fn destroy_approved(&self, approved: &Approved) -> Result<Preview> {
        let _lock = archive::lock(&self.folder)?;
        self.remove_left().await?;
        let whole = self.preview(self.clockwork.now()).await?;
        let preview = whole.clone().only(&approved.targets);
        // Attempts go by their time alone: those of an older month would go with them.
        let older = whole.attempts.iter().filter(|(month, _)| month.end() <= preview.attempts_before).count();
        if older != preview.attempts.len() || !self.is_as_approved(&preview, &approved.targets).await? {
            return Err(Error::Changed);
        }
        let told = [
            task::difference("proposal.id".into(), "", &approved.proposal.to_string()),
            task::difference("proposed_by".into(), "", &approved.proposed_by),
            task::difference("approved_by".into(), "", &approved.approved_by),
        ];
        self.carry_out(preview, &told, &approved.why).await
    }

    /// Whether all that was approved is to be destroyed, or gone already.
    async fn is_as_approved(&self, preview: &Preview, approved: &[Target]) -> Result<bool> {
        let known = preview.targets();
        let (archives, attempts) = (self.store.archives().await?, self.attempts().await?);
        let is_gone = |target: &Target| match target {
            Target::Archive(name, _) => archives.iter().any(|kept| kept.name == *name && kept.state == ArchiveState::Destroyed),
            Target::Attempts(month) => !attempts.iter().any(|(there, _)| there == month),
        };
        Ok(approved.iter().all(|target| known.contains(target) || is_gone(target)))
    }

    async fn carry_out(&self, preview: Preview, told: &[Difference], why: &str) -> Result<Preview> {
        for doomed in &preview.doomed {
            let changes = [
                task::difference("archive.name".into(), &doomed.name.to_string(), ""),
                task::difference("archive.digest".into(), &doomed.manifest, ""),
                task::difference("archive.items".into(), &doomed.items.to_string(), ""),
            ];
            let entry = self.entry("destroy", changes.iter().chain(told).cloned().collect(), why);
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
            let changes = [task::difference("attempts".into(), &gone.to_string(), "")];
            let entry = self.entry("destroy", changes.iter().chain(told).cloned().collect(), why);
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
