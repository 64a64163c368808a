//! What if: kept lines decided again under another pack or library, or as if exported on another day. Nothing is kept of it; what
//! would change is counted by outcome, by reason and by money.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use time::Date;

use super::{
    advisor::Advisor,
    decision::{LineAssessment, Outcome, Part},
    facts::{Facts, Registration},
    paper::Paper,
    reasons::Code,
};

/// A change that would happen to some lines: from one outcome to another, for a reason that is new (or, where none is, for one that is
/// gone), in a currency.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Move {
    /// As kept.
    pub from: Outcome,
    /// As it would be.
    pub to: Outcome,
    /// The reason that is new or gone.
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
}

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replay {
    /// Lines looked at, parts of one counted apart.
    pub lines: u64,
    /// Lines whose outcome stays.
    pub same: u64,
    /// Lines that are only there before or after: split otherwise.
    pub split: u64,
    /// What would move.
    pub moves: BTreeMap<Move, Moved>,
}

impl Replay {
    /// How many lines would move.
    #[must_use]
    pub fn moved(&self) -> u64 {
        self.moves.values().map(|moved| moved.lines).sum()
    }

    /// Decides the lines of a paper again, on the paper's own day, and adds what would change. Tells the lines that move.
    pub fn add(&mut self, advisor: &Advisor, paper: &Paper, currency: &str, as_if_exported: Option<Date>) -> Vec<u32> {
        let mut told = Vec::new();
        let mut inputs: Vec<&Facts> = paper.lines.iter().map(|line| &line.inputs).collect();
        inputs.dedup_by_key(|facts| facts.line);
        let again: Vec<LineAssessment> =
            inputs.into_iter().flat_map(|facts| advisor.assess_line(&moved_to(facts, as_if_exported), paper.on)).collect();
        for before in &paper.lines {
            self.lines += 1;
            let Some(after) = again.iter().find(|after| (after.line, after.part) == (before.line, before.part)) else {
                self.split += 1;
                continue;
            };
            if before.outcome == after.outcome {
                self.same += 1;
                continue;
            }
            let old: Vec<Code> = before.reasons.iter().map(|reason| reason.code).collect();
            let new = after.reasons.iter().map(|reason| reason.code).find(|code| !old.contains(code));
            let gone = old.iter().copied().find(|code| after.reasons.iter().all(|reason| reason.code != *code));
            // An outcome does not change without a reason that does.
            let Some(code) = new.or(gone) else { continue };
            let key = Move { from: before.outcome, to: after.outcome, code, currency: currency.to_owned() };
            let moved = self.moves.entry(key).or_default();
            moved.lines += 1;
            moved.amount = moved.amount.saturating_add(after.amount.unwrap_or_default());
            told.push(before.line);
        }
        self.lines += u64::try_from(again.iter().filter(|after| is_new(after, paper)).count()).unwrap_or_default();
        told
    }
}

fn is_new(after: &LineAssessment, paper: &Paper) -> bool {
    after.part != Part::Whole && !paper.lines.iter().any(|before| (before.line, before.part) == (after.line, after.part))
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
