//! What [`fields`](super::super::fields) says of each field is what the check does: at its limits it accepts, one beyond it refuses.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    super::{
        fields::{Field, Form},
        sample::{FollowUps, TODAY, sample, sample_waybill},
        *,
    },
    has,
};
use crate::declaration::Kind;

/// The field's path in a JSON pointer, in the first line where it belongs to one.
fn pointer(field: Field) -> String {
    format!("/{}", field.spec().path_at(0).replace(['.', '['], "/").replace(']', ""))
}

/// Good documents with the text put in that field.
fn with(field: Field, text: &str) -> Vec<Finding> {
    with_all(field.spec().kind, &[(field, text.to_owned())])
}

/// What is found in the good document of a kind with each text put in its field.
fn with_all(kind: Kind, texts: &[(Field, String)]) -> Vec<Finding> {
    let mut sent = good(kind);
    for (field, text) in texts {
        *sent.pointer_mut(&pointer(*field)).unwrap_or_else(|| panic!("{} of {kind:?}", field.spec().path)) = Value::String(text.clone());
    }
    found(kind, sent)
}

/// A good document of a kind, as it is written: that of a follow-up without its name.
pub(super) fn good(kind: Kind) -> Value {
    match kind {
        Kind::Order | Kind::Inventory => {
            let mut declaration = serde_json::to_value(sample()).expect("writes");
            // Summed, because a simplified list has rules of its own about what may be filled.
            declaration["inventory"]["statistics"] = "B".into();
            // From a special area, because what only its goods say may not be filled by others.
            declaration["inventory"]["trade_mode"] = "1210".into();
            declaration["inventory"]["area_enterprise"] = json!({ "code": "4401660XYZ", "name": "广州样例仓储有限公司" });
            declaration["inventory"]["book_no"] = "T5208W000001".into();
            for line in 0..2 {
                declaration["inventory"]["lines"][line]["record_no"] = "LH0001".into();
            }
            declaration
        }
        Kind::Waybill => {
            let mut waybill = serde_json::to_value(sample_waybill()).expect("writes");
            waybill["order"] = json!({ "platform": "无", "seller": super::SELLER, "order_no": "1" });
            waybill
        }
        kind => {
            let draft = FollowUps::good().all().into_iter().find(|draft| draft.kind() == kind).expect("a kind of its own");
            serde_json::to_value(draft).expect("writes")[kind.as_str()].take()
        }
    }
}

/// What is found in it.
pub(super) fn found(kind: Kind, sent: Value) -> Vec<Finding> {
    match kind {
        Kind::Order | Kind::Inventory => super::findings(&serde_json::from_value(sent).expect("reads")),
        Kind::Waybill => {
            let waybill = serde_json::from_value(sent).expect("reads");
            check_waybill(&waybill, &TakenWaybill::default(), TODAY).map_or_else(Findings::into_list, |checked| checked.into_parts().2)
        }
        kind => {
            let draft = serde_json::from_value(json!({ kind.as_str(): sent })).expect("reads");
            let checked = follow_up::check(&draft, &Parameters::default(), TODAY);
            checked.map_or_else(Findings::into_list, |checked| checked.into_parts().1)
        }
    }
}

fn fields() -> impl Iterator<Item = (Field, String, Form)> {
    Field::ALL.iter().filter(|field| field.spec().form != Form::Other).map(|&field| (field, field.spec().path_at(0), field.spec().form))
}

#[test]
fn what_is_required_must_be_filled_and_nothing_else() {
    for (field, path, _) in fields() {
        for empty in ["", " ", "\u{3000}\t"] {
            let list = with(field, empty);
            let missing = has(&list, "F-REQUIRED", &path) || has(&list, "F-NIL", &path);
            // A party or a pair of which one half is there wants the other too.
            let half = [Field::WaybillSellerCode, Field::WaybillSellerName].contains(&field);
            assert_eq!(missing, field.spec().required || half, "{path} {empty:?}: {list:#?}");
        }
    }
}

#[test]
fn texts_are_measured_in_characters() {
    for (field, path, form) in fields() {
        let (Form::Text(limit) | Form::Free(limit)) = form else { continue };
        for letter in ["长", "a", "😀"] {
            let list = with(field, &letter.repeat(limit));
            // An article number of 30 fits an order, and 20 a list.
            let expected: &[&str] = if field == Field::ItemNo { &["L-ITEM-NO-20"] } else { &[] };
            let found: Vec<_> =
                list.iter().filter(|finding| finding.severity == Severity::Error).map(|finding| finding.rule.as_str()).collect();
            assert_eq!(found, expected, "{path} with {limit} {letter}");
            assert!(has(&with(field, &letter.repeat(limit + 1)), "F-TOO-LONG", &path), "{path} with one more {letter}");
        }
        assert_eq!(has(&with(field, " a"), "F-SPACES", &path), matches!(form, Form::Text(_)), "{path}");
        assert!(has(&with(field, "a\u{1}b"), "F-CHARACTERS", &path), "{path}");
    }
}

#[test]
fn amounts_take_14_digits_before_the_point_and_5_after_it() {
    for (field, path, _) in fields().filter(|(.., form)| *form == Form::Decimal) {
        let form =
            |text| with(field, text).into_iter().find(|finding| finding.path == path && finding.rule.starts_with("F-")).map(|f| f.rule);
        for good in ["99999999999999.99999", "99999999999999", "0.00001", "000000000000000000000000000001.10000"] {
            assert_eq!(form(good), None, "{path} {good}");
        }
        for long in ["100000000000000", "1.000001", "0.000000", "99999999999999999999999999999999999999999.9"] {
            assert_eq!(form(long).as_deref(), Some("F-DECIMAL-DIGITS"), "{path} {long}");
        }
        for odd in ["1e3", "1E-2", "+1", " 1", "1 ", "1,000", ".5", "1.", "１", "٣", "0x1", "NaN", "inf", "一", "1\u{200B}", "--1", "1.2.3"]
        {
            assert_eq!(form(odd).as_deref(), Some("F-NOT-DECIMAL"), "{path} {odd:?}");
        }
        assert_eq!(form("-0.00001").as_deref(), Some("F-NEGATIVE"), "{path}");
    }
}

#[test]
fn whole_numbers_take_their_digits() {
    for (field, path, form) in fields() {
        let Form::Integer(digits) = form else { continue };
        assert!(!has(&with(field, &"9".repeat(digits)), "F-NOT-INTEGER", &path), "{path}");
        for bad in [&"9".repeat(digits + 1), "1.0", "-1", "+1", "1e1", "１", " 1", "99999999999999999999999999"] {
            assert!(has(&with(field, bad), "F-NOT-INTEGER", &path), "{path} {bad}");
        }
    }
}

#[test]
fn codes_are_exactly_those_of_their_list() {
    for (field, path, form) in fields() {
        if matches!(form, Form::Code | Form::Enterprise | Form::Commodity | Form::Day | Form::Moment | Form::InventoryNo) {
            for strange in ["?", "Ａ", "142 ", "00000000000000000000000000", "无无", "\u{0}"] {
                let refused = with(field, strange).iter().any(|finding| finding.path == path && finding.severity == Severity::Error);
                assert!(refused, "{path} {strange:?}");
            }
        }
    }
}

/// The paths of all texts in it, the first line standing for its list.
fn paths(value: &Value, path: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::String(_) => {
            into.insert(path.to_owned());
        }
        Value::Array(list) => list.iter().for_each(|item| paths(item, &format!("{path}[]"), into)),
        Value::Object(map) => {
            let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            map.iter().for_each(|(name, item)| paths(item, &below(name), into));
        }
        _ => {}
    }
}

#[test]
fn every_text_that_is_sent_is_a_field_and_every_field_is_sent() {
    for kind in Kind::ALL {
        let mut sent = BTreeSet::new();
        paths(&good(kind), "", &mut sent);
        let ours = |field: &&Field| field.spec().form != Form::Other;
        let of_kind =
            |field: &&Field| field.spec().kind == kind || [field.spec().kind, kind].iter().all(|kind| OF_DECLARATION.contains(kind));
        let fields = Field::ALL.iter().filter(ours).filter(of_kind).map(|field| field.spec().path.to_owned()).collect();
        assert_eq!(sent, fields, "{kind:?}");
    }
}

const OF_DECLARATION: [Kind; 2] = [Kind::Order, Kind::Inventory];

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    for kind in Kind::ALL {
        let fields: Vec<_> = fields().filter(|(field, ..)| field.spec().kind == kind).collect();
        for strange in ["", "\u{1}", &"长".repeat(1001), " ?"] {
            let texts: Vec<_> = fields.iter().map(|(field, ..)| (*field, strange.to_owned())).collect();
            let list = with_all(kind, &texts);
            for (field, path, form) in &fields {
                // Text of people may begin with a space and hold a question mark.
                let accepted = match strange {
                    "" => !field.spec().required,
                    " ?" => matches!(form, Form::Free(_)),
                    _ => false,
                };
                let noted = list.iter().any(|finding| finding.path == *path && finding.severity == Severity::Error);
                let unsaid = strange.is_empty() && accepted;
                assert!(noted || accepted, "{kind:?} {path} {strange:?}");
                assert!(!noted || !accepted || unsaid, "{kind:?} {path} {strange:?}");
            }
        }
    }
}

#[test]
fn moments_are_14_digits_of_the_calendar() {
    for (field, path, _) in fields().filter(|(.., form)| *form == Form::Moment) {
        for good in ["20261123000000", "20261123235959"] {
            assert!(!has(&with(field, good), "F-MOMENT", &path), "{path} {good}");
        }
        for bad in [
            "20261123",
            "2026112300000",
            "202611230000000",
            "20261123240000",
            "20261131000000",
            "２0261123000000",
            "20261123T00000",
            "+2026112300000",
        ] {
            assert!(has(&with(field, bad), "F-MOMENT", &path), "{path} {bad}");
        }
    }
}

#[test]
fn numbers_of_inventories_are_office_year_letter_and_digits() {
    for (field, path, _) in fields().filter(|(.., form)| *form == Form::InventoryNo) {
        for good in ["51412026E000000009", "51412026E00000000009", "00002014E1"] {
            assert!(with(field, good).iter().all(|finding| finding.severity == Severity::Warning), "{path} {good}");
        }
        for bad in [
            "51412026e000000001",
            "5141202E0000000001",
            "514120261000000001",
            "51412026E",
            "51412026E00000000A",
            "51412013E000000001",
            " 51412026E000000001",
        ] {
            let refused = with(field, bad).iter().any(|finding| finding.path == path && finding.severity == Severity::Error);
            assert!(refused, "{path} {bad}");
        }
        assert!(has(&with(field, "51412026E000000000001"), "F-TOO-LONG", &path), "{path}");
    }
}

/// The limit of each list, none of which may be forgotten.
fn most(list: Field) -> usize {
    match list.spec().kind {
        Kind::Order | Kind::Inventory | Kind::GoodsReturn => MOST_LINES,
        Kind::Arrival | Kind::Departure | Kind::Manifest => follow_up::MOST_NUMBERED,
        Kind::Summary => follow_up::MOST_SUMMED,
        Kind::Payment | Kind::Waybill | Kind::Cancellation | Kind::ReturnTally => panic!("{} has no list", list.spec().path),
    }
}

/// The good document with so many lines in that list, each with the number of its place.
fn with_lines(list: Field, count: usize) -> Vec<Finding> {
    let kind = list.spec().kind;
    let mut good = FollowUps::good();
    let movement = |line: &draft::MovementLine, place: usize| draft::MovementLine {
        number: place.to_string(),
        waybill_no: format!("W{place}"),
        ..line.clone()
    };
    match kind {
        Kind::Arrival => good.arrival.lines = (1..=count).map(|place| movement(&good.arrival.lines[0], place)).collect(),
        Kind::Departure => good.departure.lines = (1..=count).map(|place| movement(&good.departure.lines[0], place)).collect(),
        Kind::Manifest => {
            let line = good.manifest.lines.swap_remove(0);
            let numbered = |place: usize| (place.to_string(), format!("W{place}"));
            let line = |(number, waybill_no)| draft::ManifestLine { number, waybill_no, ..line.clone() };
            good.manifest.lines = (1..=count).map(numbered).map(line).collect();
        }
        Kind::Summary => good.summary.inventory_nos = (1..=count).map(|place| format!("51412026E{place:09}")).collect(),
        kind => {
            let mut sent = self::good(kind);
            let lines = sent.pointer_mut(&pointer(list)).expect("a list");
            let line = lines[0].take();
            let numbered = |place: usize| {
                let mut line = line.clone();
                line["number"] = place.to_string().into();
                line
            };
            *lines = (1..=count).map(numbered).collect();
            return found(kind, sent);
        }
    }
    let draft = good.all().into_iter().find(|draft| draft.kind() == kind).expect("a kind of its own");
    follow_up::check(&draft, &Parameters::default(), TODAY).map_or_else(Findings::into_list, |checked| checked.into_parts().1)
}

#[test]
fn lists_are_not_empty_and_not_longer_than_their_limit() {
    let lists: BTreeSet<_> = Field::ALL.iter().filter_map(|field| field.list()).collect();
    assert_eq!(lists.len(), 7);
    for list in lists {
        let (kind, path) = (list.spec().kind, list.spec().path);
        let about = |list: &[Finding], rule: &str| list.iter().filter(|finding| finding.path == path && finding.rule == rule).count();
        assert_eq!(about(&with_lines(list, 0), "L-NO-LINES"), usize::from(list.spec().required), "{path} of {kind:?}");
        let full = with_lines(list, most(list));
        // The other list of a declaration has two lines, and the amounts are those of two.
        let other = ["L-UNPAIRED", "A-GOODS-VALUE", "A-UNIT-EQUAL"];
        let fault = full.iter().find(|finding| finding.severity == Severity::Error && !other.contains(&finding.rule.as_str()));
        assert_eq!(fault, None, "{path} of {kind:?}");
        assert_eq!(about(&with_lines(list, most(list) + 1), "L-TOO-MANY"), 1, "{path} of {kind:?}");
    }
}

#[test]
fn a_long_list_of_faults_is_counted_and_not_held() {
    let line = draft::MovementLine { number: "0".into(), note: "\u{1}".into(), ..draft::MovementLine::default() };
    let mut departure = FollowUps::good().departure;
    departure.lines = vec![line; follow_up::MOST_NUMBERED + 1];
    let findings = follow_up::check(&draft::FollowUp::Departure(departure), &Parameters::default(), TODAY).expect_err("faults");
    assert_eq!((findings.total(), findings.list().len()), (3 * follow_up::MOST_NUMBERED + 1, Findings::MOST));
    assert_eq!((findings.list()[0].rule.as_str(), findings.list()[1].path.as_str()), ("L-TOO-MANY", "lines[0].number"));
}
