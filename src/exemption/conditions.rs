//! The four tests of the working paper: no voucher, registered, office, goods. Each is judged from the facts alone, whatever rule
//! decided, so that the paper is whole even where a decision stopped early.

use serde::{Deserialize, Serialize};

use crate::declaration::InvoiceStatus;

use super::{
    case::{Case, is_hs10},
    decision::Tested,
    library::{Flag, Lookup},
    places::Reading,
    reasons::Code,
    rules::{Found, Trail, collected},
};

/// What is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// 未取得有效进货凭证.
    NoVoucher,
    /// 在注册地综试区平台登记.
    Registered,
    /// 通过综试区所在地海关申报.
    Office,
    /// 不属于取消出口退(免)税货物.
    Goods,
}

impl Condition {
    /// All four, in the order of the paper.
    pub const ALL: [Self; 4] = [Self::NoVoucher, Self::Registered, Self::Office, Self::Goods];

    /// In Chinese.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::NoVoucher => "未取得有效进货凭证",
            Self::Registered => "注册地平台登记",
            Self::Office => "综试区所在地海关申报",
            Self::Goods => "非取消退(免)税货物",
        }
    }

    /// In English.
    #[must_use]
    pub const fn en(self) -> &'static str {
        match self {
            Self::NoVoucher => "no valid purchase voucher",
            Self::Registered => "registered on the zone's platform",
            Self::Office => "declared at the zone's customs",
            Self::Goods => "goods whose refund is not cancelled",
        }
    }

    pub(super) const fn basis(self) -> &'static str {
        match self {
            Self::NoVoucher => "财税〔2018〕103号一",
            Self::Registered => "财税〔2018〕103号一(一)、四",
            Self::Office => "财税〔2018〕103号一(二)",
            Self::Goods => "财税〔2018〕103号一(三)",
        }
    }
}

/// How a test came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// 符合.
    Met,
    /// 不符合.
    NotMet,
    /// 待补.
    Missing,
    /// 需人工.
    Person,
}

impl Mark {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Met, Self::NotMet, Self::Missing, Self::Person];

    /// In Chinese.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Met => "符合",
            Self::NotMet => "不符合",
            Self::Missing => "待补",
            Self::Person => "需人工",
        }
    }

    /// In English.
    #[must_use]
    pub const fn en(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::NotMet => "not met",
            Self::Missing => "to be supplied",
            Self::Person => "for a person",
        }
    }
}

/// All four, in the order of the paper.
pub(super) fn judge(case: &Case<'_>) -> [Tested; 4] {
    let trail = collected(case);
    [no_voucher(case), registered(&trail), office(case, &trail), goods(case)]
}

const fn tested(mark: Mark, codes: Vec<Code>) -> Tested {
    Tested { mark, inferred: false, codes }
}

fn no_voucher(case: &Case<'_>) -> Tested {
    match (case.facts.invoice, case.facts.invoice_linked) {
        (InvoiceStatus::None, false) => tested(Mark::Met, Vec::new()),
        (InvoiceStatus::None, true) => tested(Mark::NotMet, vec![Code::InvoiceConflict]),
        (InvoiceStatus::Unknown, _) => tested(Mark::Missing, vec![Code::InvoiceUnknown]),
        _ => tested(Mark::NotMet, vec![Code::VoucherUndecided]),
    }
}

fn codes(found: &[&Found<'_>]) -> Vec<Code> {
    found.iter().map(|found| found.code).collect()
}

fn about_office(found: &Found<'_>) -> bool {
    matches!(found.code, Code::CustomsUnmapped | Code::CustomsCity | Code::CustomsReading)
}

fn registered(trail: &Trail<'_>) -> Tested {
    let found: Vec<&Found<'_>> = trail.failures.iter().chain(&trail.pending).filter(|found| !about_office(found)).collect();
    let final_one = |certain| found.iter().any(|found| found.rule.curable == Some(false) && found.certain == certain);
    let mark = if final_one(true) {
        Mark::NotMet
    } else if final_one(false) {
        Mark::Person
    } else if found.is_empty() {
        Mark::Met
    } else {
        Mark::Missing
    };
    tested(mark, codes(&found))
}

fn office(case: &Case<'_>, trail: &Trail<'_>) -> Tested {
    let found: Vec<&Found<'_>> = trail.failures.iter().filter(|found| about_office(found)).collect();
    let judged = |reading: Reading| case.says(reading).is_some();
    let known = case.settings.office_reading.map_or_else(|| case.pack.readings.iter().all(|&reading| judged(reading)), judged);
    let mark = match found.first().map(|found| found.code) {
        Some(Code::CustomsCity) => Mark::NotMet,
        Some(_) => Mark::Person,
        None if known => Mark::Met,
        None => Mark::Missing,
    };
    // A certain city under which all readings agree rests on no inference; a reading that is chosen does.
    let inferred = case.settings.office_reading.is_some() || case.readings_disagree() || !case.office.is_some_and(|office| office.certain);
    Tested { mark, inferred, codes: codes(&found) }
}

fn goods(case: &Case<'_>) -> Tested {
    let (mark, codes) = match case.goods {
        _ if !is_hs10(&case.facts.hs_code) => (Mark::Missing, vec![Code::HsInvalid]),
        Lookup::Absent(_) => (Mark::Missing, vec![Code::HsInvalid]),
        Lookup::Ambiguous(_) => (Mark::Person, vec![Code::HsAmbiguous]),
        Lookup::Found(_, rate) if rate.flag == Flag::TAXED => (Mark::NotMet, vec![Code::Cancelled]),
        Lookup::Found(..) => (Mark::Met, Vec::new()),
        Lookup::NotCovered if case.hint.is_some() => (Mark::Person, vec![Code::ListReview]),
        Lookup::NotCovered => (Mark::Person, vec![Code::LibraryStale]),
    };
    // That flag 1 is the form of condition (3) is our reading.
    Tested { mark, inferred: true, codes }
}
