//! Says in plain words what an answer means, whose turn it is, and what to do. Facts are rows in `src/receipt/*.tsv`, whose first
//! lines name their source. Ranges of negative codes overlap between kinds, so a code is read by the kind of its document.

use std::{fmt::Write as _, sync::LazyLock};

use serde::{Deserialize, Serialize};

use super::{Missing, Verdict, missing, verdict};
use crate::declaration::Kind;

/// The most remarks that are read from one text.
const MOST_REMARKS: usize = 20;
/// The longest code, and the longest text of a remark, that is repeated.
const SHOWN: (usize, usize) = (20, 100);

/// Who has to act next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The gateway, or whoever runs it.
    Gateway,
    /// The seller.
    Seller,
    /// The carrier.
    Carrier,
    /// The port or customs.
    Customs,
    /// Nobody.
    Nobody,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Its meaning, in Chinese.
    pub meaning_zh: String,
    /// Its meaning, in English.
    pub meaning_en: String,
    /// Who has to act.
    pub side: Side,
    /// What to do next, in Chinese.
    pub next_zh: String,
    /// What to do next, in English.
    pub next_en: String,
}

/// A remark customs puts into its text: `[Code:1800;Desc:逻辑校验通过]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// Its number.
    pub code: String,
    /// Its text.
    pub text: String,
}

/// A row: for which kinds and codes, and what it says.
struct Row {
    kinds: &'static str,
    first: i64,
    last: i64,
    meaning_zh: &'static str,
    meaning_en: &'static str,
    side: &'static str,
    next_zh: &'static str,
    next_en: &'static str,
    source: &'static str,
}

static STATUSES: LazyLock<Vec<Row>> = LazyLock::new(|| {
    rows(include_str!("statuses.tsv"), |cells| match *cells {
        [kinds, code, ref rest @ ..] => row(kinds, code, code, rest),
        _ => None,
    })
});
static ERRORS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    rows(include_str!("errors.tsv"), |cells| match *cells {
        [kinds, first, last, ref rest @ ..] => row(kinds, first, last, rest),
        _ => None,
    })
});
static TRANSPORT: LazyLock<Vec<Row>> = LazyLock::new(|| {
    rows(include_str!("transport.tsv"), |cells| match *cells {
        [first, last, ref rest @ ..] => row("*", first, last, rest),
        _ => None,
    })
});

fn rows(text: &'static str, read: fn(&[&'static str]) -> Option<Row>) -> Vec<Row> {
    text.lines().skip(1).filter_map(|line| read(&line.split('\t').collect::<Vec<_>>())).collect()
}

fn row(kinds: &'static str, first: &str, last: &str, rest: &[&'static str]) -> Option<Row> {
    let [meaning_zh, meaning_en, side, next_zh, next_en, ref source @ ..] = *rest else { return None };
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    Some(Row { kinds, first, last, meaning_zh, meaning_en, side, next_zh, next_en, source: source.first().copied().unwrap_or("") })
}

impl Row {
    fn fits(&self, kind: Option<Kind>, code: i64) -> bool {
        let range = if self.first <= self.last { self.first..=self.last } else { self.last..=self.first };
        let kind = kind.map(|kind| kind.number().to_string());
        range.contains(&code) && (self.kinds == "*" || self.kinds.split(',').any(|known| Some(known) == kind.as_deref()))
    }

    fn side(&self, kind: Option<Kind>) -> Side {
        match self.side {
            "sender" if kind == Some(Kind::Waybill) => Side::Carrier,
            "sender" => Side::Seller,
            "carrier" => Side::Carrier,
            "customs" => Side::Customs,
            "nobody" => Side::Nobody,
            _ => Side::Gateway,
        }
    }

    fn explain(&self, kind: Option<Kind>) -> Explanation {
        Explanation {
            meaning_zh: self.meaning_zh.to_owned(),
            meaning_en: self.meaning_en.to_owned(),
            side: self.side(kind),
            next_zh: self.next_zh.to_owned(),
            next_en: self.next_en.to_owned(),
        }
    }
}

/// What a returnStatus means for a document of that kind (304, 506, 604; a code of 900 is read the same way).
#[must_use]
pub fn explain(kind: Kind, code: &str, info: &str) -> Explanation {
    let mut explanation = match verdict(kind, code, info) {
        Verdict::Missing => lacking(missing(info)),
        Verdict::Duplicate => said(
            ("海关称同一单证已经存在：首次发送已到达", "customs says the same document is already there: the first one arrived"),
            Side::Nobody,
            ("无需处理，以首次发送的回执为准", "nothing to do: the receipts of the first one count"),
        ),
        Verdict::Outdated => said(
            ("海关称已有较新的报文，本次不做处理", "customs says a newer message is already there; this one was not processed"),
            Side::Nobody,
            ("无需处理，以较新报文的回执为准", "nothing to do: the receipts of the newer one count"),
        ),
        Verdict::Rejected => rejected(kind, code),
        _ => find(&STATUSES, Some(kind), code).map_or_else(|| unknown(code), |row| row.explain(Some(kind))),
    };
    for remark in remarks(info) {
        // Writing to a String cannot fail.
        let _ = write!(explanation.meaning_zh, "；海关附注{}：{}", remark.code, remark.text);
        let _ = write!(explanation.meaning_en, "; remark {}: {}", remark.code, translated(&remark));
    }
    explanation
}

/// What the transport's ResponseCode (DxpRep) means.
#[must_use]
pub fn explain_transport(code: &str) -> Explanation {
    let four = code.len() == 4 && code.bytes().all(|b| b.is_ascii_digit());
    find(&TRANSPORT, None, code).filter(|_| four).map_or_else(|| unknown(code), |row| row.explain(None))
}

/// The remarks in a text, at most 20 of them.
#[must_use]
pub fn remarks(info: &str) -> Vec<Remark> {
    let remark = |part: &str| {
        let (inside, _) = part.split_once(']')?;
        let (code, text) = inside.split_once(";Desc:")?;
        Some(Remark { code: shown(code, SHOWN.0), text: shown(text, SHOWN.1) })
    };
    info.split("[Code:").skip(1).filter_map(remark).take(MOST_REMARKS).collect()
}

/// Remarks seen in receipts (transport §4.6), in English; others as they are.
fn translated(remark: &Remark) -> &str {
    match remark.code.as_str() {
        "1800" => "logic checks passed",
        "2300" => "approved",
        "2600" => "released",
        _ => &remark.text,
    }
}

fn find(rows: &'static [Row], kind: Option<Kind>, code: &str) -> Option<&'static Row> {
    let code = code.trim().parse().ok()?;
    rows.iter().find(|row| row.fits(kind, code))
}

/// A code below zero: the exact meaning first, then what its range means in the other table.
fn rejected(kind: Kind, code: &str) -> Explanation {
    let number: Option<i64> = code.trim().parse().ok();
    let mut rows = ERRORS.iter().filter(|row| number.is_some_and(|number| row.fits(Some(kind), number)));
    let Some(first) = rows.next() else {
        return said(
            (
                &format!("异常回执{}：未处理，海关未公布该代码", shown(code, SHOWN.0)),
                &format!("error receipt {}: not processed; the code is not published", shown(code, SHOWN.0)),
            ),
            if kind == Kind::Waybill { Side::Carrier } else { Side::Seller },
            (
                "按回执说明改正后变更或重试；说明不清的联系电子口岸",
                "correct what the receipt names, then amend or retry; ask the port if it names nothing",
            ),
        );
    };
    let mut explanation = first.explain(Some(kind));
    let _ = write!(explanation.meaning_zh, "（{}）", first.source);
    if let Some(second) = rows.next() {
        let _ = write!(explanation.meaning_zh, "；或：{}（{}）", second.meaning_zh, second.source);
        let _ = write!(explanation.meaning_en, "; or: {}", second.meaning_en);
    }
    explanation
}

fn lacking(missing: Missing) -> Explanation {
    let named = [(missing.order, "订单", "order"), (missing.waybill, "运单", "waybill"), (missing.payment, "支付单", "payment")];
    let zh: Vec<_> = named.iter().filter(|name| name.0).map(|name| name.1).collect();
    let en: Vec<_> = named.iter().filter(|name| name.0).map(|name| name.2).collect();
    said(
        (
            &format!("电子口岸已收清单，但对应的{}不存在", zh.join("、")),
            &format!("the port has the list, but no {} for it", en.join(", no ")),
        ),
        if missing.waybill && !missing.order { Side::Carrier } else { Side::Gateway },
        ("补发缺少的单证，不要重发清单", "send what is missing, not the list again"),
    )
}

/// An open list: an unknown code is valid, not final, and shown raw (messages §5).
fn unknown(code: &str) -> Explanation {
    let code = shown(code, SHOWN.0);
    said(
        (
            &format!("回执代码{code}：海关未公布其含义，不视为终结"),
            &format!("code {code}: its meaning is not published; not taken as final"),
        ),
        Side::Customs,
        ("查看回执说明，等待后续回执", "read the receipt's text and wait for the next one"),
    )
}

fn said(meaning: (&str, &str), side: Side, next: (&str, &str)) -> Explanation {
    Explanation {
        meaning_zh: meaning.0.to_owned(),
        meaning_en: meaning.1.to_owned(),
        side,
        next_zh: next.0.to_owned(),
        next_en: next.1.to_owned(),
    }
}

/// The beginning of a foreign text, without control characters.
fn shown(text: &str, longest: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(longest).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_shipped_row_is_read() {
        for (rows, file) in
            [(&STATUSES, include_str!("statuses.tsv")), (&ERRORS, include_str!("errors.tsv")), (&TRANSPORT, include_str!("transport.tsv"))]
        {
            assert_eq!(rows.len(), file.lines().count() - 1);
            for row in rows.iter() {
                assert!(["gateway", "sender", "carrier", "customs", "nobody"].contains(&row.side), "{}", row.meaning_en);
                assert!(!row.next_zh.is_empty() && row.next_en.is_ascii() && row.meaning_en.is_ascii(), "{}", row.meaning_en);
            }
        }
    }

    #[test]
    fn every_status_of_a_kind_is_explained() {
        for kind in Kind::OF_PARCEL {
            for code in ["1", "2", "3", "4", "100", "120", "399"] {
                assert!(!explain(kind, code, "").meaning_en.contains("not published"), "{kind:?} {code}");
            }
        }
        for code in ["300", "500", "800", "899"] {
            assert!(!explain(Kind::Inventory, code, "").meaning_en.contains("not published"), "{code}");
        }
        assert_eq!(explain(Kind::Inventory, "899", "").side, Side::Nobody);
        assert_eq!(explain(Kind::Waybill, "100", "").side, Side::Carrier);
    }

    #[test]
    fn codes_below_zero_are_read_by_kind() {
        assert!(explain(Kind::Inventory, "-602001", "").meaning_zh.starts_with("清单格式校验失败"));
        assert!(explain(Kind::Order, "-303000", "").meaning_zh.starts_with("订单格式校验失败"));
        assert!(explain(Kind::Waybill, "-501001", "").meaning_en.contains("signature"));
        assert!(explain(Kind::Inventory, "-501001", "").meaning_en.contains("not published"));
        let both = explain(Kind::Order, "-301008", "");
        assert!(both.meaning_zh.contains("参数校验不通过") && both.meaning_zh.contains("订单签名校验失败"), "{both:?}");
        assert_eq!(explain(Kind::Order, "-10101", "").side, Side::Seller);
        assert_eq!(explain(Kind::Order, "-301010", "").side, Side::Nobody);
    }

    #[test]
    fn unknown_codes_are_shown_raw() {
        assert!(explain(Kind::Order, "777", "").meaning_en.contains("777"));
        assert!(explain(Kind::Order, "-99", "").meaning_zh.contains("-99"));
        assert!(explain_transport("8123").meaning_en.contains("users"));
        assert!(explain_transport("x").meaning_en.contains('x'));
        assert_eq!(explain_transport("1004").meaning_zh, "签名与数据不符");
    }

    #[test]
    fn remarks_are_read_and_added() {
        let info = "[Code:2300;Desc:审核通过],撤单申请审核通过,[Code:1800;Desc:逻辑校验通过][Code:broken";
        let found = remarks(info);
        assert_eq!(found.iter().map(|remark| remark.code.as_str()).collect::<Vec<_>>(), ["2300", "1800"]);
        let explained = explain(Kind::Inventory, "120", info);
        assert!(explained.meaning_zh.contains("1800：逻辑校验通过") && explained.meaning_en.contains("1800: logic checks passed"));
        assert_eq!(remarks(&"[Code:1;Desc:x]".repeat(1000)).len(), MOST_REMARKS);
    }

    #[test]
    fn what_is_missing_is_named() {
        let explained = explain(Kind::Inventory, "2", "订单号为[1]的订单信息不存在 运单号为[2]的运单信息不存在");
        assert!(explained.meaning_zh.contains("订单、运单") && explained.meaning_en.contains("no order, no waybill"), "{explained:?}");
        assert!(explained.next_en.contains("not the list again"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_makes_it_panic(code in any::<String>(), number in any::<i64>(), info in any::<String>(), marked in "(\\[Code:|;Desc:|\\]|不存在|订单|运单|支付|x){0,40}") {
            for kind in Kind::OF_PARCEL {
                for code in [code.clone(), number.to_string()] {
                    for info in [&info, &marked] {
                        prop_assert!(explain(kind, &code, info).meaning_zh.len() < 10_000);
                    }
                }
            }
            prop_assert!(!explain_transport(&code).next_en.is_empty());
        }
    }
}
