//! What is known of declarations beside what they say: what sellers and their accountants have recorded (profiles, vouchers,
//! registrations, statements, evidence, filings, choices), and what came back. A later
//! record counts instead of an earlier one about the same; every one is kept, and decisions keep what they were made from.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::Date;

use crate::declaration::InvoiceStatus;

use super::facts::{Entered, Facts, Forgone, Registration, Seller, SixFields};

/// The day from which 财税〔2018〕103号 holds: nothing recorded for the exemption can be older (its own article 六).
pub const POLICY_FROM: Date = time::macros::date!(2018 - 10 - 01);

/// What is recorded about a line. JSON in this form is what is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Said {
    /// A voucher, or that there is none.
    Invoice {
        /// What kind; `None`: none after all.
        status: InvoiceStatus,
        /// Its number.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        number: String,
        /// The rate on a special invoice, per cent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rate: Option<Decimal>,
    },
    /// The line's registration on the zone's platform.
    Registration {
        /// Where, under which number, confirmed when.
        entered: Entered,
        /// The six values that stand there.
        fields: SixFields,
    },
    /// A paper that defends the exemption.
    Evidence {
        /// Which.
        what: Proof,
        /// Its number or name at the seller.
        number: String,
        /// Its day.
        on: Date,
        /// SHA-256 of its bytes in hexadecimal, where the seller told it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        sha256: String,
    },
    /// The exemption was filed with the tax office.
    Filing {
        /// When.
        on: Date,
        /// The number of the acknowledgement.
        number: String,
    },
    /// The refund on a line with a special invoice is given up.
    Choice(Forgone),
}

/// The papers that [`Said::Evidence`] tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// 购销合同.
    Contract,
    /// 付款凭证.
    Payment,
    /// 委托代理出口协议.
    Agency,
}

/// Something recorded about a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfLine {
    /// The line's number.
    pub line: u32,
    /// What.
    pub said: Said,
}

/// What a seller says of all it exported in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeriodKind {
    /// It has no voucher for what it declared without one (无票声明), signed.
    Statement,
    /// It has filed the exemption.
    Filing,
}

impl PeriodKind {
    /// As kept.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Statement => "statement",
            Self::Filing => "filing",
        }
    }

    /// The kind kept so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Statement, Self::Filing].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Something recorded about a seller's exports of a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfPeriod {
    /// What.
    pub kind: PeriodKind,
    /// The seller's code.
    pub seller: String,
    /// The first export day.
    pub from: Date,
    /// The last export day.
    pub to: Date,
    /// When it was signed or filed.
    pub on: Date,
}

/// All that is recorded about one declaration, each list in the order in which it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// The profiles of those whom the declaration names.
    pub sellers: Vec<Arc<Seller>>,
    /// Of periods of those sellers.
    pub periods: Vec<OfPeriod>,
    /// Of its lines.
    pub lines: Vec<OfLine>,
    /// How much of which lines came back (213, released).
    pub returned: Vec<(u32, Decimal)>,
}

impl Recorded {
    pub(super) fn seller(&self, code: &str) -> Option<&Arc<Seller>> {
        self.sellers.iter().rfind(|seller| seller.code == code)
    }

    /// Adds what is recorded to what the declaration itself tells of a line of this seller.
    pub(super) fn tell(&self, facts: &mut Facts, seller: &str) {
        let day = facts.fields.export_date;
        let holds = |period: &&OfPeriod| period.seller == seller && day.is_some_and(|day| (period.from..=period.to).contains(&day));
        for period in self.periods.iter().filter(holds) {
            match period.kind {
                PeriodKind::Statement => facts.evidence.statement = Some(period.on),
                PeriodKind::Filing => facts.evidence.filing = Some(period.on),
            }
        }
        let (line, declared) = (facts.line, facts.invoice);
        let back = self.returned.iter().filter(|(of, _)| *of == line).map(|(_, quantity)| *quantity);
        facts.returned = back.fold(facts.returned, Decimal::saturating_add);
        for of_line in self.lines.iter().filter(|of_line| of_line.line == line) {
            match &of_line.said {
                Said::Invoice { status, rate, .. } => {
                    (facts.invoice, facts.invoice_linked) = voucher(declared, *status);
                    facts.invoice_rate = *rate;
                }
                Said::Registration { entered, fields } => {
                    facts.registration = Registration::Registered(fields.clone());
                    facts.entered = Some(entered.clone());
                }
                Said::Evidence { what: Proof::Contract, on, .. } => facts.evidence.contract = Some(*on),
                Said::Evidence { what: Proof::Payment, on, .. } => facts.evidence.payment = Some(*on),
                Said::Evidence { what: Proof::Agency, on, .. } => facts.evidence.agency = Some(*on),
                Said::Filing { on, .. } => facts.evidence.filing = Some(*on),
                Said::Choice(forgone) => facts.forgone = Some(forgone.clone()),
            }
        }
    }
}

/// What a line's voucher counts as, and whether declaration and record contradict each other: one of them says that there is none.
const fn voucher(declared: InvoiceStatus, recorded: InvoiceStatus) -> (InvoiceStatus, bool) {
    match (declared, recorded) {
        (InvoiceStatus::None | InvoiceStatus::Unknown, InvoiceStatus::None) => (InvoiceStatus::None, false),
        (_, InvoiceStatus::Unknown) => (declared, false),
        (InvoiceStatus::None, _) | (_, InvoiceStatus::None) => (InvoiceStatus::None, true),
        (_, recorded) => (recorded, false),
    }
}

#[cfg(test)]
mod tests {
    use InvoiceStatus::{None, Ordinary, Special, Unknown};

    use super::*;

    #[test]
    fn a_voucher_and_none_contradict_each_other_whoever_says_which() {
        for (declared, recorded, counts, contradict) in [
            (None, None, None, false),
            (Unknown, None, None, false),
            (None, Special, None, true),
            (Special, None, None, true),
            (Unknown, Special, Special, false),
            (Ordinary, Special, Special, false),
            (None, Unknown, None, false),
        ] {
            assert_eq!(voucher(declared, recorded), (counts, contradict), "{declared:?} {recorded:?}");
        }
    }
}
