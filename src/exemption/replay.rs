//! What if: kept lines decided again under another pack or library, or as if exported on another day. Nothing is kept of it; what
//! would change is counted by outcome, by reason and by money.
//!
//! A line keeps the facts of its paper, and the override of N-REGIME-UNVERIFIED that it was decided with unless another is configured; a
//! paper made with the shipped sample library is decided with it again where no library is named. So only what is asked for differs.

use std::{collections::BTreeMap, sync::Arc};

use rust_decimal::Decimal;
use time::Date;

use super::{
    advisor::Advisor,
    decision::{LineAssessment, Outcome, Part},
    facts::{Facts, Override, Registration},
    library::Library,
    paper::{Paper, PaperLine},
    reasons::Code,
    table::DataError,
};

/// A change that would happen to some lines: from one outcome to another, for a reason that is new (or, where none is, for one that is
/// gone; or, where the pack itself differs, for the same), in a currency.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Move {
    /// As kept.
    pub from: Outcome,
    /// As it would be.
    pub to: Outcome,
    /// The reason that is new or gone, or the same.
    pub code: Code,
    /// The currency of the money, by its customs code.
    pub currency: String,
}

/// How much would move so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// Lines, or parts of lines.
    pub lines: u64,
    /// Their amounts, in the currency.
    pub amount: Decimal,
    /// The same in yuan, at the rates kept with the papers.
    pub cny: Decimal,
    /// Lines whose papers keep no rate: not in the yuan.
    pub without_rate: u64,
}

/// What differs from how the lines were decided.
#[derive(Debug, Clone)]
pub struct WhatIf {
    advisor: Advisor,
    /// The same with the sample library, where no library is named.
    with_sample: Option<Advisor>,
    as_if_exported: Option<Date>,
}

impl WhatIf {
    /// Decided again with an advisor.
    ///
    /// # Errors
    /// If the shipped sample library is broken.
    pub fn new(advisor: Advisor, as_if_exported: Option<Date>) -> Result<Self, DataError> {
        let bare = advisor.library().versions().is_empty();
        let with_sample = bare.then(Library::sample).transpose()?.map(|sample| advisor.clone().with_library(sample));
        Ok(Self { advisor, with_sample, as_if_exported })
    }

    /// Decides lines again: what is counted of it, to be joined with others.
    #[must_use]
    pub fn replay(self: &Arc<Self>) -> Replay {
        Replay { what_if: Some(Arc::clone(self)), ..Replay::default() }
    }

    /// The advisor for a line.
    fn base(&self, line: &PaperLine) -> &Advisor {
        let of_sample = |advisor: &&Advisor| {
            let digest = advisor.library().versions().first().map(|version| version.used.digest.as_str());
            line.library.as_ref().map(|used| used.digest.as_str()) == digest
        };
        self.with_sample.as_ref().filter(of_sample).unwrap_or(&self.advisor)
    }
}

/// What a replay found.
#[derive(Debug, Clone, Default)]
pub struct Replay {
    what_if: Option<Arc<WhatIf>>,
    /// The last advisor that took over a paper's override: most papers have the same.
    taken_over: Option<(Override, bool, Advisor)>,
    /// Lines looked at, parts of one counted apart.
    pub lines: u64,
    /// Lines whose outcome stays.
    pub same: u64,
    /// Lines that are only there before or after: split otherwise.
    pub split: u64,
    /// Lines that were decided with a library that is not loaded now, and now have another or none.
    pub other_library: u64,
    /// What would move.
    pub moves: BTreeMap<Move, Moved>,
}

impl Replay {
    /// How many lines would move.
    #[must_use]
    pub fn moved(&self) -> u64 {
        self.moves.values().map(|moved| moved.lines).sum()
    }

    /// Takes in what another found.
    pub fn join(&mut self, other: Self) {
        self.lines += other.lines;
        self.same += other.same;
        self.split += other.split;
        self.other_library += other.other_library;
        for (key, found) in other.moves {
            let moved = self.moves.entry(key).or_default();
            moved.lines += found.lines;
            moved.amount = moved.amount.saturating_add(found.amount);
            moved.cny = moved.cny.saturating_add(found.cny);
            moved.without_rate += found.without_rate;
        }
    }

    /// Decides the lines of a paper that are wanted again, on the paper's own day, and adds what would change. Tells the lines that
    /// move, and how.
    pub fn add(&mut self, paper: &Paper, currency: &str, wanted: impl Fn(&PaperLine) -> bool) -> Vec<(u32, Move)> {
        let Some(what_if) = self.what_if.clone() else { return Vec::new() };
        let mut told = Vec::new();
        for of_line in paper.lines.chunk_by(|one, other| one.line == other.line) {
            let Some(first) = of_line.first().filter(|line| wanted(line)) else { continue };
            let facts = moved_to(&first.inputs, what_if.as_if_exported);
            let again = self.advisor(&what_if, of_line).assess_line(&facts, paper.on);
            told.extend(self.compare(of_line, &again, currency));
        }
        told
    }

    fn advisor<'a>(&'a mut self, what_if: &'a WhatIf, of_line: &[PaperLine]) -> &'a Advisor {
        let Some(first) = of_line.first() else { return &what_if.advisor };
        let base = what_if.base(first);
        let used = of_line.iter().find_map(|line| line.override_used.as_ref());
        let Some(used) = used.filter(|_| base.settings().regime_override.is_none()) else { return base };
        let sample = !std::ptr::eq(base, &raw const what_if.advisor);
        if !self.taken_over.as_ref().is_some_and(|(known, of_sample, _)| known == used && *of_sample == sample) {
            self.taken_over = Some((used.clone(), sample, base.clone().overriding(used.clone())));
        }
        self.taken_over.as_ref().map_or(base, |(_, _, advisor)| advisor)
    }

    fn compare(&mut self, of_line: &[PaperLine], again: &[LineAssessment], currency: &str) -> Vec<(u32, Move)> {
        let mut told = Vec::new();
        for before in of_line {
            self.lines += 1;
            let Some(after) = again.iter().find(|after| after.part == before.part) else {
                self.split += 1;
                continue;
            };
            let digest = |used: &super::LibraryUsed| used.digest.clone();
            self.other_library += u64::from(before.library.as_ref().map(digest) != after.library.as_deref().map(digest));
            if before.outcome == after.outcome {
                self.same += 1;
                continue;
            }
            let old: Vec<Code> = before.reasons.iter().map(|reason| reason.code).collect();
            let new = after.reasons.iter().map(|reason| reason.code).find(|code| !old.contains(code));
            let gone = old.iter().copied().find(|code| after.reasons.iter().all(|reason| reason.code != *code));
            // Another pack may lead to another outcome for the same reasons. A decision has at least one.
            let Some(code) = new.or(gone).or_else(|| old.first().copied()) else { continue };
            let currency = if before.inputs.currency.is_empty() { currency } else { &before.inputs.currency };
            let key = Move { from: before.outcome, to: after.outcome, code, currency: currency.to_owned() };
            let moved = self.moves.entry(key.clone()).or_default();
            moved.lines += 1;
            moved.amount = moved.amount.saturating_add(after.amount.unwrap_or_default());
            let cny = after.amount.zip(before.yuan.as_ref()).and_then(|(amount, yuan)| amount.checked_mul(yuan.rate));
            moved.cny = moved.cny.saturating_add(cny.map(super::ledger::cents).unwrap_or_default());
            moved.without_rate += u64::from(cny.is_none());
            told.push((before.line, key));
        }
        let only_after = again.iter().filter(|after| after.part != Part::Whole && of_line.iter().all(|before| before.part != after.part));
        let only_after = u64::try_from(only_after.count()).unwrap_or_default();
        (self.lines, self.split) = (self.lines + only_after, self.split + only_after);
        told
    }
}

/// The same line on another export date: on the list and on the platform.
fn moved_to(facts: &Facts, day: Option<Date>) -> Facts {
    let mut facts = facts.clone();
    let Some(day) = day else { return facts };
    facts.fields.export_date = Some(day);
    if let Registration::Registered(values) = &mut facts.registration {
        values.export_date = Some(day);
    }
    facts
}
