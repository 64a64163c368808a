//! The no-invoice exemption (无票免税, 财税〔2018〕103号): advice for each line of a declaration, with its reasons, never a verdict.
//! The seller declares to the tax office; what is said here is 建议适用, 待补 or 需人工. No field of any message carries it.
//!
//! A decision is made from [`Facts`] by rules in a fixed order, under the rule pack of the *export date* on the list (清单
//! 出口日期), with the rate library, the pilot zones and the offices as they stood on that day. It keeps its inputs and the version of
//! everything it looked at, so that it can be read, and made again, years later. Days are Beijing days.
//!
//! - No line is advised EXEMPT_NO_INVOICE, and none is called T-NO-VOUCHER, unless its seller said NONE. Unsaid is never presumed.
//! - TAXABLE comes only from the library's flag 1 (D21) or from a rule the pack calls verified, on mapped facts (D74). Whatever is inferred
//!   goes to a person: REVIEW.
//! - Whether 103号 still holds is not verified: D00 stops there unless the configuration names an override, with a name and a reason.
//! - A seller without a profile has no registration on record: N-PLATFORM-UNREG, curable by filing the profile. Nothing is
//!   concluded from what the profile would say, and its taxpayer status counts as unknown.
//! - With a voucher (SPECIAL, ORDINARY, OTHER_VALID) the rules that would choose refund or ordinary exemption (D42 to D46) are not built
//!   yet: such lines end at D47, for a person. Nor are D22 to D33 and D80 to D82.
//! - A partly returned line has two decisions: for what stayed abroad and for what came back (D04).
//! - Decisions are compared ([`compare`]), never overwritten.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::Date;

mod advisor;
mod case;
mod facts;
mod library;
mod pack;
mod paper;
mod places;
#[cfg(test)]
mod properties;
mod reasons;
mod rules;
mod table;
#[cfg(test)]
mod tests;

pub use self::{
    advisor::{Advisor, SetupError},
    facts::{
        CountedFrom, Direction, Evidence, Facts, ListStatus, Override, PlatformRegistration, Registration, Seller, SellerKind, SellerNamed,
        Settings, SixFields, Taxpayer, Trade, ZoneRule,
    },
    library::{Flag, Library, Lookup, Rate, Version},
    pack::{Pack, Packs, Parameter, RegimeStatus},
    paper::{Condition, Mark, Test},
    places::{Confidence, Located, Offices, Reading, Zone, Zones},
    reasons::{Code, Reason, Reasons, Text},
    table::{DataError, Span},
};

/// Said beside every advice, in Chinese.
pub const NOTICE_ZH: &str = "申报主体为卖家，本系统仅提示";
/// Said beside every advice, in English.
pub const NOTICE_EN: &str = "The seller declares; this system only advises";

/// What is advised for a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// 无票免税.
    ExemptNoInvoice,
    /// Exempt with a voucher.
    Exempt,
    /// Refund.
    RefundEligible,
    /// Taxed as a domestic sale.
    Taxable,
    /// A person must decide.
    Review,
    /// Not as it stands.
    NotEligible,
}

impl Outcome {
    /// As written in answers and files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExemptNoInvoice => "EXEMPT_NO_INVOICE",
            Self::Exempt => "EXEMPT",
            Self::RefundEligible => "REFUND_ELIGIBLE",
            Self::Taxable => "TAXABLE",
            Self::Review => "REVIEW",
            Self::NotEligible => "NOT_ELIGIBLE",
        }
    }

    /// The advice in Chinese.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::ExemptNoInvoice => "建议适用：无票免税",
            Self::Exempt => "建议适用：有票免税",
            Self::RefundEligible => "建议适用：退税",
            Self::Taxable => "提示：可能须视同内销征税",
            Self::Review => "需人工判断",
            Self::NotEligible => "目前不适用无票免税",
        }
    }

    /// The advice in English.
    #[must_use]
    pub const fn en(self) -> &'static str {
        match self {
            Self::ExemptNoInvoice => "advised: exemption without invoice",
            Self::Exempt => "advised: exemption with a voucher",
            Self::RefundEligible => "advised: refund",
            Self::Taxable => "notice: may be taxed as a domestic sale",
            Self::Review => "for a person to decide",
            Self::NotEligible => "no exemption without invoice as it stands",
        }
    }
}

/// How much is known when a decision is made. A later stage never rewrites an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Before release.
    Forecast,
    /// Released or closed, with the list's own export date.
    CustomsFinal,
    /// Registered with the same values, and statement, contract and payment are there.
    EvidenceComplete,
    /// The filing is recorded.
    Filed,
}

impl Stage {
    /// As written in answers and files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forecast => "forecast",
            Self::CustomsFinal => "customs-final",
            Self::EvidenceComplete => "evidence-complete",
            Self::Filed => "filed",
        }
    }
}

/// Which part of a line a decision is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// All of it.
    Whole,
    /// What stayed abroad of a partly returned line.
    Kept,
    /// What came back.
    Returned,
}

/// What made us decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The order was submitted.
    Submit,
    /// Customs took, changed or reviewed the list.
    Declared,
    /// It was released.
    Released,
    /// It was closed.
    Closed,
    /// It was cancelled or refused.
    Cancelled,
    /// Goods came back.
    Returned,
    /// A profile, voucher, registration, statement or filing came in.
    Evidence,
    /// A new version of the library or of a rule pack.
    Version,
    /// Somebody asks; nothing is kept.
    WhatIf,
}

impl From<ListStatus> for Cause {
    fn from(list: ListStatus) -> Self {
        match list {
            ListStatus::NotDeclared => Self::Submit,
            ListStatus::Declared => Self::Declared,
            ListStatus::Released { .. } => Self::Released,
            ListStatus::Closed { .. } => Self::Closed,
            ListStatus::Cancelled | ListStatus::Rejected => Self::Cancelled,
        }
    }
}

/// The rule pack a decision was made under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackUsed {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its bytes.
    pub digest: String,
}

/// The version of the rate library a decision was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryUsed {
    /// Its name.
    pub version: String,
    /// What kind it is: a sample says so.
    pub label: String,
}

/// The decision about one line, or part of one, with all it was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineAssessment {
    /// The line's number.
    pub line: u32,
    /// Which part of it.
    pub part: Part,
    /// The part's quantity.
    pub quantity: Option<Decimal>,
    /// The part's amount.
    pub amount: Option<Decimal>,
    /// What is advised.
    pub outcome: Outcome,
    /// How much was known.
    pub stage: Stage,
    /// The rule that decided: `D70`.
    pub rule: Text,
    /// Whether what stands against it can be put right; not said where nothing does.
    pub curable: Option<bool>,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What is still to come.
    pub pending: Vec<Reason>,
    /// What else was seen; no reason of the outcome.
    pub notes: Vec<Reason>,
    /// The four tests of the working paper.
    pub tests: Vec<Test>,
    /// The facts; as JSON, the decision's canonical input.
    pub inputs: Facts,
    /// The rule pack.
    pub pack: PackUsed,
    /// The rate library, if a version covers the export date.
    pub library: Option<LibraryUsed>,
    /// The override of N-REGIME-UNVERIFIED, where the decision needed it: belongs in the audit log.
    pub override_used: Option<Override>,
}

impl LineAssessment {
    /// The canonical JSON of its inputs: fields in the order of [`Facts`], no blanks.
    #[must_use]
    pub fn inputs_json(&self) -> String {
        // A struct of text, numbers and days always serialises.
        serde_json::to_string(&self.inputs).unwrap_or_default()
    }
}

/// The decisions about all lines of a declaration, made together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// The Beijing day.
    pub on: Date,
    /// What made us decide.
    pub cause: Cause,
    /// By line; two for a partly returned one.
    pub lines: Vec<LineAssessment>,
}

impl Assessment {
    /// The same, for another cause than the list's own progress.
    #[must_use]
    pub fn because(mut self, cause: Cause) -> Self {
        self.cause = cause;
        self
    }

    /// The overrides its decisions needed, each once: for the audit log.
    #[must_use]
    pub fn overrides_used(&self) -> Vec<&Override> {
        let mut used: Vec<&Override> = self.lines.iter().filter_map(|line| line.override_used.as_ref()).collect();
        used.dedup();
        used
    }
}

/// What a comparison looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

impl From<&LineAssessment> for Summary {
    fn from(line: &LineAssessment) -> Self {
        let codes = line.reasons.iter().chain(&line.pending).map(|reason| reason.code).collect();
        Self { outcome: line.outcome, stage: line.stage, codes, pack: line.pack.clone(), library: line.library.clone() }
    }
}

/// One line whose decision differs: nothing before if it was split off, nothing after if it was split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
pub fn compare(before: &Assessment, after: &Assessment) -> Vec<Change> {
    let same = |a: &LineAssessment, b: &LineAssessment| a.line == b.line && a.part == b.part;
    let find = |side: &Assessment, line: &LineAssessment| side.lines.iter().find(|other| same(other, line)).map(Summary::from);
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
