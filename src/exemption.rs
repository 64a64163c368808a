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
//! - Evidence-complete is said of a line only where its registration was recorded, with the values of its list: the seller's word that it
//!   registers every line makes it count as registered, not as proved. What is recorded stands in [`Recorded`].
//! - A seller without a profile has no registration on record: N-PLATFORM-UNREG, curable by filing the profile. Nothing is
//!   concluded from what the profile would say, and its taxpayer status counts as unknown.
//! - A refund is given up only by a recorded choice, by name and with the amount (D43); without it such a line is for a person (D47).
//! - After an exemption was decided, its filing is watched (D80, D81), and per entity and year the two regimes of tax (D82).
//! - The rules, their order and what each leads to are the pack's ([`Pack`]), as are limits, readings and texts; the test of each rule
//!   is in the program.
//! - A partly returned line has two decisions: for what stayed abroad and for what came back (D04).
//! - Decisions are compared ([`compare`]), never overwritten.

mod advisor;
mod case;
mod compare;
mod conditions;
mod deadlines;
mod decision;
mod facts;
mod kept;
pub mod ledger;
pub mod library;
mod mixed;
mod pack;
mod page;
mod paper;
mod places;
mod predicates;
#[cfg(test)]
mod properties;
mod reasons;
mod recorded;
mod replay;
mod rules;
mod table;
#[cfg(test)]
mod tests;

pub use self::{
    advisor::{Advisor, SetupError},
    compare::{Change, Summary, compare},
    conditions::{Condition, Mark},
    deadlines::Deadlines,
    decision::{Alternative, Assessment, Cause, LibraryUsed, LineAssessment, Looked, Outcome, PackUsed, Part, Reason, Stage, Tested, Yuan},
    facts::{
        Confirmed, CountedFrom, Direction, Entered, Evidence, Facts, Forgone, IncomeTax, ListStatus, Materials, Override,
        PlatformRegistration, Registration, Seller, SellerKind, SellerNamed, Settings, SixFields, Taxpayer, Trade, ZoneRule,
    },
    kept::{ReadError, read},
    library::{Flag, Hint, Library, Lookup, Rate, Version},
    mixed::{Mixed, Regimes},
    pack::{Pack, Packs, Parameter, RegimeStatus, shipped_files},
    page::{Heading, Language, Page},
    paper::{Paper, PaperLine, Test, Worded},
    places::{Confidence, Located, Offices, Reading, Zone, Zones},
    reasons::{Code, Reasons, Text},
    recorded::{OfLine, OfPeriod, POLICY_FROM, PeriodKind, Proof, Recorded, Said},
    replay::{Move, Moved, Replay, WhatIf},
    table::{DataError, Span},
};

/// Said beside every advice, in Chinese.
pub const NOTICE_ZH: &str = "申报主体为卖家，本系统仅提示";
/// Said beside every advice, in English.
pub const NOTICE_EN: &str = "The seller declares; this system only advises";
