//! What differs between two decisions about the same declaration. The earlier one stays as it is.

use super::{
    decision::{LibraryUsed, Outcome, PackUsed, Part, Stage},
    paper::{Paper, PaperLine},
    reasons::Code,
};

/// What a comparison looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// What was advised.
    pub outcome: Outcome,
    /// How much was known.
    pub stage: Stage,
    /// Why, and what is still to come.
    pub codes: Vec<Code>,
    /// The rule pack: name, version, digest.
    pub pack: PackUsed,
    /// The rate library.
    pub library: Option<LibraryUsed>,
}

impl From<&PaperLine> for Summary {
    fn from(line: &PaperLine) -> Self {
        let codes = line.reasons.iter().chain(&line.pending).map(|reason| reason.code).collect();
        Self { outcome: line.outcome, stage: line.stage, codes, pack: line.pack.clone(), library: line.library.clone() }
    }
}

/// One line whose decision differs: nothing before if it was split off, nothing after if it was split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The line's number.
    pub line: u32,
    /// Which part of it.
    pub part: Part,
    /// Before.
    pub before: Option<Summary>,
    /// After.
    pub after: Option<Summary>,
}

impl Change {
    fn codes(summary: Option<&Summary>) -> &[Code] {
        summary.map_or(&[], |summary| &summary.codes)
    }

    /// Codes that are new.
    #[must_use]
    pub fn added(&self) -> Vec<Code> {
        let before = Self::codes(self.before.as_ref());
        Self::codes(self.after.as_ref()).iter().copied().filter(|code| !before.contains(code)).collect()
    }

    /// Codes that are gone.
    #[must_use]
    pub fn removed(&self) -> Vec<Code> {
        let after = Self::codes(self.after.as_ref());
        Self::codes(self.before.as_ref()).iter().copied().filter(|code| !after.contains(code)).collect()
    }
}

/// What differs between two decisions about the same declaration: outcome, stage, codes, or what they were made with. The earlier one
/// stays as it is.
#[must_use]
pub fn compare(before: &Paper, after: &Paper) -> Vec<Change> {
    let same = |a: &PaperLine, b: &PaperLine| a.line == b.line && a.part == b.part;
    let find = |side: &Paper, line: &PaperLine| side.lines.iter().find(|other| same(other, line)).map(Summary::from);
    let gone = before.lines.iter().filter(|line| !after.lines.iter().any(|other| same(other, line)));
    let pairs = after.lines.iter().map(|line| (line, find(before, line), Some(Summary::from(line))));
    let mut changes: Vec<Change> = pairs
        .chain(gone.map(|line| (line, Some(Summary::from(line)), None)))
        .filter(|(_, before, after)| before != after)
        .map(|(line, before, after)| Change { line: line.line, part: line.part, before, after })
        .collect();
    changes.sort_by_key(|change| (change.line, change.part));
    changes
}
