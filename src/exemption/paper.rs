//! The working paper: a decision with the texts of its pack beside it, as it is shown to people and was given when it was made.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::{Date, macros::date};

use super::{
    conditions::{Condition, Mark},
    decision::{Alternative, Assessment, Cause, LibraryUsed, LineAssessment, Outcome, PackUsed, Part, Reason, Stage, Tested, Yuan},
    facts::{Entered, Facts, Override, Registration},
    reasons::{Code, Text},
    table::Span,
};

/// One reason in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worded {
    /// Its code.
    pub code: Code,
    /// The rule that gave it: `D56`.
    pub rule: Text,
    /// What it means, in Chinese.
    pub zh: Text,
    /// What it means, in English.
    pub en: Text,
    /// The legal basis on the export date.
    pub legal_basis: Text,
    /// The days the basis holds for.
    pub valid: Span,
    /// What to do about it, in Chinese.
    pub remedy_zh: Text,
    /// What to do about it, in English.
    pub remedy_en: Text,
    /// Whether it can be put right; not said where there is nothing to put right.
    pub curable: Option<bool>,
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

/// The paper about one line, or part of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaperLine {
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
    pub reasons: Vec<Worded>,
    /// What is still to come.
    pub pending: Vec<Worded>,
    /// What else was seen; no reason of the outcome.
    pub notes: Vec<Worded>,
    /// What each possible reading would lead to, where they are why a person must decide.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Alternative>,
    /// The four tests.
    pub tests: Vec<Test>,
    /// The facts.
    pub inputs: Facts,
    /// The rule pack.
    pub pack: PackUsed,
    /// The rate library, if a version covers the export date.
    pub library: Option<LibraryUsed>,
    /// The override of N-REGIME-UNVERIFIED, where the decision needed it.
    pub override_used: Option<Override>,
    /// The rate of exchange of the export date, if one was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yuan: Option<Yuan>,
}

/// The paper about all lines of a declaration. As JSON it is the form in which decisions were kept before [`super::kept`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    /// The Beijing day.
    pub on: Date,
    /// What made us decide.
    pub cause: Cause,
    /// By line; two for a partly returned one.
    pub lines: Vec<PaperLine>,
}

impl From<&Assessment> for Paper {
    fn from(assessment: &Assessment) -> Self {
        Self {
            on: assessment.on,
            cause: assessment.cause,
            lines: assessment.lines.iter().map(|line| written(line, assessment.on)).collect(),
        }
    }
}

/// Puts the pack's texts beside a decision: as they read on its export date, or on its own day where the list has none.
fn written(line: &LineAssessment, on: Date) -> PaperLine {
    let day = line.inputs.fields.export_date.unwrap_or(on);
    let words = |reasons: &[Reason]| reasons.iter().map(|reason| line.pack.reasons.worded(reason, day)).collect();
    PaperLine {
        line: line.line,
        part: line.part,
        quantity: line.quantity,
        amount: line.amount,
        outcome: line.outcome,
        stage: line.stage,
        rule: line.rule.clone(),
        curable: line.curable,
        reasons: words(&line.reasons),
        pending: words(&line.pending),
        notes: words(&line.notes),
        alternatives: line.alternatives.clone(),
        tests: Condition::ALL.into_iter().zip(&line.tests).map(|(condition, tested)| test(condition, tested, line)).collect(),
        inputs: line.inputs.clone(),
        pack: line.pack.used(),
        library: line.library.as_deref().cloned(),
        override_used: line.override_used.as_deref().cloned(),
        yuan: line.looked.yuan.as_deref().cloned(),
    }
}

fn test(condition: Condition, tested: &Tested, line: &LineAssessment) -> Test {
    let (value, [source_zh, source_en]) = match condition {
        Condition::NoVoucher => {
            (line.inputs.invoice.as_str().to_owned(), ["卖家按行声明", "the seller's word for the line"].map(Cow::Borrowed))
        }
        Condition::Registered => (
            registration(line),
            ["卖家资料、平台登记记录、清单", "the seller's profile, the platform's record, the list"].map(Cow::Borrowed),
        ),
        Condition::Office => (
            office(line),
            ["清单申报关区；关区与城市对照表", "the list's declaring office; the table of offices and cities"].map(Cow::Borrowed),
        ),
        Condition::Goods => (goods(line), library(line)),
    };
    Test {
        condition,
        mark: tested.mark,
        value,
        source_zh,
        source_en,
        legal_basis: Cow::Borrowed(condition.basis()),
        valid: Span { from: Some(date!(2018 - 10 - 01)), to: None },
        inferred: tested.inferred,
        codes: tested.codes.clone(),
    }
}

fn registration(line: &LineAssessment) -> String {
    let seller = line.inputs.seller.as_ref().map_or_else(
        || "无卖家资料".to_owned(),
        |seller| {
            let platform = seller.platform.as_ref().map(|platform| format!("{}平台 {}", platform.zone, platform.enterprise_reg_no));
            format!("注册地 {}，企业登记 {}", seller.city, platform.as_deref().unwrap_or("无"))
        },
    );
    let own = match (line.looked.registered, &line.inputs.registration, &line.inputs.entered) {
        (false, ..) => "未登记".to_owned(),
        (true, Registration::OnWord, _) => "已登记（据卖家资料所述，未逐行核对）".to_owned(),
        (true, _, Some(Entered { platform, number, confirmed_on })) => {
            format!("已登记（{platform}平台 {number}，{confirmed_on} 确认）")
        }
        (true, ..) => "已登记".to_owned(),
    };
    format!("{seller}；本行{own}")
}

fn office(line: &LineAssessment) -> String {
    let code = &line.inputs.declared_at;
    let office = line.looked.office.as_deref();
    let place =
        office.map_or_else(|| format!("{code} → ?"), |office| format!("{code} {} → {} ({})", office.name, office.city, office.district));
    match line.looked.reading {
        Some(reading) => format!("{place}；{}", reading.as_str()),
        None => place,
    }
}

fn goods(line: &LineAssessment) -> String {
    let hs_code = &line.inputs.hs_code;
    match (&line.looked.rate, &line.looked.hint) {
        (Some(rate), _) => format!("{hs_code}: TSFLAG {}, TSL {}%", rate.flag.0, rate.refund),
        (None, Some(hint)) => format!("{hs_code}: {} {} ({})", hint.prefix, hint.goods, hint.document),
        (None, None) => hs_code.clone(),
    }
}

fn library(line: &LineAssessment) -> [Text; 2] {
    line.library.as_deref().map_or(
        ["没有覆盖出口日期的文库", "no rate library covers the export date"].map(Cow::Borrowed),
        |used| {
            let LibraryUsed { version, label, .. } = used;
            [format!("出口退税率文库 {version} {label}"), format!("export refund rate library {version} {label}")].map(Cow::Owned)
        },
    )
}
