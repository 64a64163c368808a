//! What is decided about lines: outcome, stage, reasons, and all it was made from. Without texts: those are the pack's, and are
//! put beside it where a decision is shown ([`super::Paper`]).

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::Date;

use super::{
    conditions::Mark,
    facts::{Facts, ListStatus, Override},
    library::{Hint, Rate},
    pack::Pack,
    places::{Located, Reading},
    reasons::{Code, Text},
};

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

    /// All of them.
    pub const ALL: [Self; 6] = [Self::ExemptNoInvoice, Self::Exempt, Self::RefundEligible, Self::Taxable, Self::Review, Self::NotEligible];

    /// The outcome written so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }

    /// Whether the line is exempt, with or without a voucher.
    #[must_use]
    pub const fn is_exempt(self) -> bool {
        matches!(self, Self::ExemptNoInvoice | Self::Exempt)
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

impl Cause {
    /// As written in papers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Declared => "declared",
            Self::Released => "released",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
            Self::Returned => "returned",
            Self::Evidence => "evidence",
            Self::Version => "version",
            Self::WhatIf => "what-if",
        }
    }
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
    /// SHA-256 of its bytes, in hexadecimal.
    pub digest: String,
}

/// The version of the rate library a decision was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryUsed {
    /// Its name.
    pub version: String,
    /// What kind it is: a sample says so.
    pub label: String,
    /// The first half of the SHA-256 of its file, in hexadecimal; empty in papers that were kept before it was noted.
    #[serde(default)]
    pub digest: String,
}

/// Why a line was decided so: the code, the rule that gave it, and whether it can be put right (not said where there is nothing to).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Its code.
    pub code: Code,
    /// The rule that gave it: `D56`.
    pub rule: Text,
    /// Whether it can be put right.
    pub curable: Option<bool>,
}

/// How one of the four tests came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// How.
    pub mark: Mark,
    /// Whether it rests on inference.
    pub inferred: bool,
    /// The codes of what stands against it or is still to come.
    pub codes: Vec<Code>,
}

/// Yuan for one unit of a currency, and where the rate comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Yuan {
    /// The rate.
    pub rate: Decimal,
    /// Its source.
    pub source: String,
}

/// What the tables said about a line on its export date: kept with the decision, since tables change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Looked {
    /// The declaring office, if its place is known well enough.
    pub office: Option<Arc<Located>>,
    /// The reading of 综试区所在地海关 that the configuration had chosen.
    pub reading: Option<Reading>,
    /// The row of the rate library.
    pub rate: Option<Arc<Rate>>,
    /// The row of the screening list, where no library covers the date.
    pub hint: Option<Arc<Hint>>,
    /// Whether the line counts as registered on the zone's platform.
    pub registered: bool,
    /// The rate of exchange of the export date, if a table of rates has one: a ledger made years later says the same.
    pub yuan: Option<Arc<Yuan>>,
}

/// What would be advised if one of the readings that are possible held: shown beside what is for a person to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alternative {
    /// The reading: `in_force` and `not_in_force` of 财税〔2018〕103号, or a [`Reading`] of 综试区所在地海关.
    pub reading: Text,
    /// What it would lead to.
    pub outcome: Outcome,
}

/// The decision about one line, or part of one, with all it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// What each possible reading would lead to, where they are why a person must decide.
    pub alternatives: Vec<Alternative>,
    /// The four tests of the working paper, in its order.
    pub tests: [Tested; 4],
    /// What the tables said.
    pub looked: Looked,
    /// The facts; as JSON, the decision's canonical input.
    pub inputs: Facts,
    /// The rule pack.
    pub pack: Arc<Pack>,
    /// The rate library, if a version covers the export date.
    pub library: Option<Arc<LibraryUsed>>,
    /// The override of N-REGIME-UNVERIFIED, where the decision needed it: belongs in the audit log.
    pub override_used: Option<Arc<Override>>,
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    pub const fn because(mut self, cause: Cause) -> Self {
        self.cause = cause;
        self
    }

    /// The overrides its decisions needed, each once: for the audit log.
    #[must_use]
    pub fn overrides_used(&self) -> Vec<&Override> {
        let mut used: Vec<&Override> = self.lines.iter().filter_map(|line| line.override_used.as_deref()).collect();
        used.dedup();
        used
    }
}
