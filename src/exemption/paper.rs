//! The four tests of the working paper: no voucher, registered, office, goods. Each is made from the facts alone, whatever rule decided,
//! so that the paper is whole even where a decision stopped early.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use time::macros::date;

use crate::declaration::InvoiceStatus;

use super::{
    case::{Case, is_hs10},
    facts::Registration,
    library::{Flag, Lookup},
    places::Reading,
    reasons::{Code, Text},
    rules::{Found, Trail, collected},
    table::Span,
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

    const fn basis(self) -> &'static str {
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

/// One test of the working paper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    /// What is tested.
    pub condition: Condition,
    /// How it came out.
    pub mark: Mark,
    /// The value it rests on.
    pub value: String,
    /// Where the value comes from, in Chinese.
    pub source_zh: Text,
    /// Where the value comes from, in English.
    pub source_en: Text,
    /// The article.
    pub legal_basis: Text,
    /// The days the article holds for, as far as known.
    pub valid: Span,
    /// Whether it rests on inference.
    pub inferred: bool,
    /// The codes of what stands against it or is still to come.
    pub codes: Vec<Code>,
}

/// All four, in the order of the paper.
pub(super) fn tests(case: &Case<'_>) -> Vec<Test> {
    let trail = collected(case);
    vec![no_voucher(case), registered(case, &trail), office(case, &trail), goods(case)]
}

fn test(condition: Condition, mark: Mark, value: String, source: [&'static str; 2], codes: Vec<Code>) -> Test {
    Test {
        condition,
        mark,
        value,
        source_zh: Cow::Borrowed(source[0]),
        source_en: Cow::Borrowed(source[1]),
        legal_basis: Cow::Borrowed(condition.basis()),
        valid: Span { from: Some(date!(2018 - 10 - 01)), to: None },
        inferred: false,
        codes,
    }
}

fn no_voucher(case: &Case<'_>) -> Test {
    let (mark, codes) = match (case.facts.invoice, case.facts.invoice_linked) {
        (InvoiceStatus::None, false) => (Mark::Met, Vec::new()),
        (InvoiceStatus::None, true) => (Mark::NotMet, vec![Code::InvoiceConflict]),
        (InvoiceStatus::Unknown, _) => (Mark::Missing, vec![Code::InvoiceUnknown]),
        _ => (Mark::NotMet, vec![Code::VoucherUndecided]),
    };
    test(Condition::NoVoucher, mark, case.facts.invoice.as_str().to_owned(), ["卖家按行声明", "the seller's word for the line"], codes)
}

fn codes(found: &[&Found]) -> Vec<Code> {
    found.iter().map(|found| found.code).collect()
}

fn about_office(found: &Found) -> bool {
    matches!(found.code, Code::CustomsUnmapped | Code::CustomsCity | Code::CustomsReading)
}

fn registered(case: &Case<'_>, trail: &Trail) -> Test {
    let found: Vec<&Found> = trail.failures.iter().chain(&trail.pending).filter(|found| !about_office(found)).collect();
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
    let seller = case.seller().map_or_else(
        || "无卖家资料".to_owned(),
        |seller| {
            let platform = seller.platform.as_ref().map(|platform| format!("{}平台 {}", platform.zone, platform.enterprise_reg_no));
            format!("注册地 {}，企业登记 {}", seller.city, platform.as_deref().unwrap_or("无"))
        },
    );
    let line = match (case.registered(), &case.facts.registration) {
        (None, _) => "未登记",
        (Some(_), Registration::OnWord) => "已登记（据卖家资料所述，未逐行核对）",
        (Some(_), _) => "已登记",
    };
    let source = ["卖家资料、平台登记记录、清单", "the seller's profile, the platform's record, the list"];
    test(Condition::Registered, mark, format!("{seller}；本行{line}"), source, codes(&found))
}

fn office(case: &Case<'_>, trail: &Trail) -> Test {
    let found: Vec<&Found> = trail.failures.iter().filter(|found| about_office(found)).collect();
    let judged = |reading: Reading| case.says(reading).is_some();
    let known = case.settings.office_reading.map_or_else(|| case.pack.readings.iter().all(|&reading| judged(reading)), judged);
    let mark = match found.first().map(|found| found.code) {
        Some(Code::CustomsCity) => Mark::NotMet,
        Some(_) => Mark::Person,
        None if known => Mark::Met,
        None => Mark::Missing,
    };
    let code = &case.facts.declared_at;
    let place = case
        .office
        .map_or_else(|| format!("{code} → ?"), |office| format!("{code} {} → {} ({})", office.name, office.city, office.district));
    let reading = case.settings.office_reading.map_or("", Reading::as_str);
    let value = if reading.is_empty() { place } else { format!("{place}；{reading}") };
    let mut test = test(
        Condition::Office,
        mark,
        value,
        ["清单申报关区；关区与城市对照表", "the list's declaring office; the table of offices and cities"],
        codes(&found),
    );
    // A certain city under which all readings agree rests on no inference; a reading that is chosen does.
    test.inferred = case.settings.office_reading.is_some() || case.readings_disagree() || !case.office.is_some_and(|office| office.certain);
    test
}

fn goods(case: &Case<'_>) -> Test {
    let hs_code = &case.facts.hs_code;
    let row = |flag: Flag, refund| format!("{hs_code}: TSFLAG {}, TSL {refund}%", flag.0);
    let (mark, value, codes) = match case.goods {
        _ if !is_hs10(hs_code) => (Mark::Missing, hs_code.clone(), vec![Code::HsInvalid]),
        Lookup::Absent(_) => (Mark::Missing, hs_code.clone(), vec![Code::HsInvalid]),
        Lookup::Ambiguous(_) => (Mark::Person, hs_code.clone(), vec![Code::HsAmbiguous]),
        Lookup::Found(_, rate) if rate.flag == Flag::TAXED => (Mark::NotMet, row(rate.flag, rate.refund), vec![Code::Cancelled]),
        Lookup::Found(_, rate) => (Mark::Met, row(rate.flag, rate.refund), Vec::new()),
        Lookup::NotCovered => match case.hint {
            Some(hint) => (Mark::Person, format!("{hs_code}: {} {} ({})", hint.prefix, hint.goods, hint.document), vec![Code::ListReview]),
            None => (Mark::Person, hs_code.clone(), vec![Code::LibraryStale]),
        },
    };
    let mut test = test(Condition::Goods, mark, value, ["没有覆盖出口日期的文库", "no rate library covers the export date"], codes);
    if let Some(version) = case.goods.version() {
        test.source_zh = Cow::Owned(format!("出口退税率文库 {} {}", version.name, version.label));
        test.source_en = Cow::Owned(format!("export refund rate library {} {}", version.name, version.label));
    }
    // That flag 1 is the form of condition (3) is our reading.
    test.inferred = true;
    test
}
