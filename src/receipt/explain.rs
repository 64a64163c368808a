//! Says in plain words what an answer means, whose fault it is, whose turn it is, and what to do. Facts are rows in
//! `src/receipt/*.tsv`, whose first lines name their source. Ranges of negative codes overlap between messages, so a code is read by
//! the number of the message that is answered: 603 for an answer in 604.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Missing, Verdict, missing, verdict_of};
use crate::declaration::Kind;

mod table;
#[cfg(test)]
mod tests;
mod text;

use table::{ERRORS, PHRASES, Phrase, REMARKS, Row, STATUSES, TRANSPORT, remedy};
pub use text::{Remark, remarks};

/// The longest foreign code that is repeated.
const SHOWN: usize = 20;
/// CEB792, which customs sends unasked: its decState is the state of a customs declaration.
const SUMMARY_RESULT: i64 = 792;

/// Who did it, and who has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The gateway, or whoever runs it.
    Gateway,
    /// 电商企业: the seller.
    Seller,
    /// 物流企业: the carrier.
    Carrier,
    /// 申报企业: the declarant.
    Declarant,
    /// 监管场所经营人: who runs the supervised site.
    Site,
    /// 电子口岸: the electronic port and its transport.
    Port,
    /// 海关: customs.
    Customs,
    /// Nobody.
    Nobody,
}

impl Side {
    /// Every one.
    pub const ALL: [Self; 8] =
        [Self::Gateway, Self::Seller, Self::Carrier, Self::Declarant, Self::Site, Self::Port, Self::Customs, Self::Nobody];

    /// Its name, in Chinese and in English.
    #[must_use]
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Gateway => ("网关", "the gateway"),
            Self::Seller => ("电商企业", "the seller"),
            Self::Carrier => ("物流企业", "the carrier"),
            Self::Declarant => ("申报企业", "the declarant"),
            Self::Site => ("监管场所", "the supervised site"),
            Self::Port => ("电子口岸", "the electronic port"),
            Self::Customs => ("海关", "customs"),
            Self::Nobody => ("无", "nobody"),
        }
    }
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Its meaning, in Chinese.
    pub meaning_zh: String,
    /// Its meaning, in English.
    pub meaning_en: String,
    /// Whose fault it is; nobody's where nothing is wrong or nobody can tell.
    pub fault: Side,
    /// Who has to act.
    pub side: Side,
    /// What to do next, in Chinese.
    pub next_zh: String,
    /// What to do next, in English.
    pub next_en: String,
}

/// What a returnStatus means for a document of that kind, its text read with it.
#[must_use]
pub fn explain(kind: Kind, code: &str, info: &str) -> Explanation {
    explain_answer(kind.number(), code, info)
}

/// What a returnStatus means in an answer to the message of that number (303, 403, …; an import message's too), its text read with
/// it; for 792 what its decState means. An answer to a message whose number nobody knows is read as one to 0.
#[must_use]
pub fn explain_answer(number: i64, code: &str, info: &str) -> Explanation {
    if number == SUMMARY_RESULT {
        return declaration_state(code);
    }
    let mut explanation = match verdict_of(number, code, info) {
        Verdict::Missing => lacking(missing(info), info),
        Verdict::Duplicate => duplicate(info),
        Verdict::Outdated => said(
            ("海关称已有较新的报文，本次不做处理", "customs says a newer message is already there; this one was not processed"),
            Side::Nobody,
            "newer",
        ),
        Verdict::Rejected => rejected(number, code, info),
        _ => {
            let row = parsed(code).and_then(|code| STATUSES.iter().find(|row| row.fits(number, code)));
            row.map_or_else(|| unknown(code), |row| row.explain(number))
        }
    };
    annotate(&mut explanation, number, info);
    explanation
}

/// What the transport's ResponseCode (DxpRep) means.
#[must_use]
pub fn explain_transport(code: &str) -> Explanation {
    let four = code.len() == 4 && code.bytes().all(|b| b.is_ascii_digit());
    let row = parsed(code).filter(|_| four).and_then(|code| TRANSPORT.iter().find(|row| row.has(code)));
    row.map_or_else(|| unknown(code), |row| row.explain(0))
}

impl Row {
    fn explain(&self, number: i64) -> Explanation {
        Explanation {
            meaning_zh: self.zh.to_owned(),
            meaning_en: self.en.to_owned(),
            fault: self.fault.side(number),
            side: self.remedy.side.side(number),
            next_zh: self.remedy.zh.to_owned(),
            next_en: self.remedy.en.to_owned(),
        }
    }
}

fn parsed(code: &str) -> Option<i64> {
    code.trim().parse().ok()
}

/// A code below zero: the exact meaning first, then what its range means in the other table; where only a range is known, a phrase
/// of the text says better whose fault it is and what to do.
fn rejected(number: i64, code: &str, info: &str) -> Explanation {
    let Some(value) = parsed(code) else { return unpublished(number, code, info) };
    let mut rows = ERRORS.iter().filter(|row| row.fits(number, value));
    let Some(first) = rows.next() else { return unpublished(number, code, info) };
    let mut explanation = first.explain(number);
    // Writing to a String cannot fail.
    let _ = write!(explanation.meaning_zh, "（{}）", first.source);
    for other in rows {
        let _ = write!(explanation.meaning_zh, "；或：{}（{}）", other.zh, other.source);
        let _ = write!(explanation.meaning_en, "; or: {}", other.en);
    }
    if !first.is_exact() || code.trim() == "-999999" {
        follow(&mut explanation, number, error_phrase(number, info));
    }
    explanation
}

/// A code below zero that no table knows for this message; what it means for another one is told as such.
fn unpublished(number: i64, code: &str, info: &str) -> Explanation {
    let shown = shown(code, SHOWN);
    let mut explanation = said(
        (
            &format!("异常回执{shown}：未处理，海关未公布该代码"),
            &format!("error receipt {shown}: not processed; the code is not published"),
        ),
        table::Fault::Sender.side(number),
        "read-correct",
    );
    explanation.side = explanation.fault;
    let elsewhere = parsed(code).and_then(|value| ERRORS.iter().find(|row| row.has(value)));
    if let Some(row) = elsewhere {
        let _ = write!(explanation.meaning_zh, "；该代码在表中属于{}报文：{}", row.kinds(), row.zh);
        let _ = write!(explanation.meaning_en, "; the tables list it for message {}: {}", row.kinds(), row.en);
    }
    follow(&mut explanation, number, error_phrase(number, info));
    explanation
}

fn error_phrase(number: i64, info: &str) -> Option<&'static Phrase> {
    PHRASES.iter().find(|phrase| phrase.of_errors && phrase.fits(number, info))
}

/// Takes over what a phrase says of fault and remedy.
fn follow(explanation: &mut Explanation, number: i64, phrase: Option<&'static Phrase>) {
    let Some((phrase, remedy)) = phrase.and_then(|phrase| Some((phrase, phrase.remedy?))) else { return };
    let _ = write!(explanation.meaning_zh, "；{}", phrase.zh);
    let _ = write!(explanation.meaning_en, "; {}", phrase.en);
    explanation.fault = phrase.fault.side(number);
    explanation.side = remedy.side.side(number);
    explanation.next_zh = remedy.zh.to_owned();
    explanation.next_en = remedy.en.to_owned();
}

/// Adds what remarks and plain phrases of the text say.
fn annotate(explanation: &mut Explanation, number: i64, info: &str) {
    for phrase in PHRASES.iter().filter(|phrase| !phrase.of_errors && phrase.fits(number, info)) {
        let _ = write!(explanation.meaning_zh, "；{}", phrase.zh);
        let _ = write!(explanation.meaning_en, "; {}", phrase.en);
    }
    for remark in remarks(info) {
        let known = REMARKS.iter().find(|known| known.phrase == remark.code);
        let _ = write!(explanation.meaning_zh, "；海关附注{}：{}", remark.code, remark.text);
        let _ = write!(explanation.meaning_en, "; remark {}: {}", remark.code, known.map_or(remark.text.as_str(), |known| known.en));
        if let Some((known, remedy)) = known.and_then(|known| Some((known, known.remedy?))) {
            explanation.fault = known.fault.side(number);
            explanation.side = remedy.side.side(number);
        }
    }
}

fn lacking(missing: Missing, info: &str) -> Explanation {
    let named = [(missing.order, "订单", "order"), (missing.waybill, "运单", "waybill"), (missing.payment, "收款单", "payment")];
    let zh: Vec<_> = named.iter().filter(|name| name.0).map(|name| name.1).collect();
    let en: Vec<_> = named.iter().filter(|name| name.0).map(|name| name.2).collect();
    let numbers = text::missing_numbers(info);
    let (of_zh, of_en) = if numbers.is_empty() {
        (String::new(), String::new())
    } else {
        (format!("（{}）", numbers.join("、")), format!(" ({})", numbers.join(", ")))
    };
    let (fault, key) = match (missing.order, missing.waybill) {
        (true, true) => (Side::Seller, "both-first"),
        (true, false) => (Side::Seller, "order-first"),
        (false, true) => (Side::Carrier, "waybill-first"),
        (false, false) => (Side::Nobody, "no-payment"),
    };
    said(
        (
            &format!("电子口岸已收清单，但对应的{}不存在{of_zh}", zh.join("、")),
            &format!("the port has the list, but no {} for it{of_en}", en.join(", no ")),
        ),
        fault,
        key,
    )
}

fn duplicate(info: &str) -> Explanation {
    let first = text::first_one(info);
    let (zh, en) = first.map_or_else(Default::default, |first| (format!("（{first}）"), format!(" ({first})")));
    said(
        (
            &format!("海关称同一单证已经存在：首次发送已到达{zh}"),
            &format!("customs says the same document is already there: the first one arrived{en}"),
        ),
        Side::Nobody,
        "first",
    )
}

/// 报关单状态 (decState of 792): which values there are is for customs to decide, and no list is published.
fn declaration_state(code: &str) -> Explanation {
    let code = shown(code, SHOWN);
    let text = if code.is_empty() {
        (
            "汇总结果单：已生成报关单，状态尚未返回".to_owned(),
            "a customs declaration was made of the summary; its state is not told yet".to_owned(),
        )
    } else {
        (
            format!("汇总结果单：报关单状态{code}，由海关确定，含义未公布"),
            format!("state {code} of the customs declaration made of the summary: customs decides on it and publishes no list"),
        )
    };
    said((&text.0, &text.1), Side::Nobody, "read")
}

/// An open list: an unknown code is valid, not final, and shown raw (messages §5).
fn unknown(code: &str) -> Explanation {
    let code = shown(code, SHOWN);
    said(
        (
            &format!("回执代码{code}：海关未公布其含义，不视为终结"),
            &format!("code {code}: its meaning is not published; not taken as final"),
        ),
        Side::Nobody,
        "read",
    )
}

/// What is said of nobody's row: the remedy is of no document in particular.
fn said(meaning: (&str, &str), fault: Side, key: &str) -> Explanation {
    let remedy = remedy(key);
    let (next_zh, next_en) = remedy.map_or(("", ""), |remedy| (remedy.zh, remedy.en));
    Explanation {
        meaning_zh: meaning.0.to_owned(),
        meaning_en: meaning.1.to_owned(),
        fault,
        side: remedy.map_or(Side::Gateway, |remedy| remedy.side.side(0)),
        next_zh: next_zh.to_owned(),
        next_en: next_en.to_owned(),
    }
}

/// The beginning of a foreign text, without control characters.
fn shown(text: &str, longest: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(longest).collect()
}
