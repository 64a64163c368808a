//! What [`fields`](super::super::fields) says of each field is what the check does: at its limits it accepts, one beyond it refuses.

use serde_json::{Value, json};

use super::{
    super::{
        fields::{Field, Form},
        sample::{TODAY, sample, sample_waybill},
        *,
    },
    has,
};

/// The field's path in a JSON pointer, in the first line where it belongs to one.
fn pointer(field: Field) -> String {
    format!("/{}", field.spec().path_at(0).replace(['.', '['], "/").replace(']', ""))
}

fn of_waybill(field: Field) -> bool {
    field >= Field::WaybillCarrierCode
}

/// What is found with that text in that field.
fn with(field: Field, text: &str) -> Vec<Finding> {
    let text = Value::String(text.to_owned());
    if of_waybill(field) {
        let mut waybill = serde_json::to_value(sample_waybill()).expect("writes");
        waybill["order"] = json!({ "platform": "无", "seller": super::SELLER, "order_no": "1" });
        *waybill.pointer_mut(&pointer(field)).expect("a field of the waybill") = text;
        let waybill = serde_json::from_value(waybill).expect("reads");
        return check_waybill(&waybill, &TakenWaybill::default(), TODAY).map_or_else(Findings::into_list, |checked| checked.into_parts().2);
    }
    let mut declaration = serde_json::to_value(sample()).expect("writes");
    // Summed, because a simplified list has rules of its own about what may be filled.
    declaration["inventory"]["statistics"] = "B".into();
    *declaration.pointer_mut(&pointer(field)).expect("a field of the declaration") = text;
    super::findings(&serde_json::from_value(declaration).expect("reads"))
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
        if matches!(form, Form::Code | Form::Enterprise | Form::Digits(_) | Form::Day) {
            for strange in ["?", "Ａ", "142 ", "00000000000000000000000000", "无无", "\u{0}"] {
                let refused = with(field, strange).iter().any(|finding| finding.path == path && finding.severity == Severity::Error);
                assert!(refused, "{path} {strange:?}");
            }
        }
    }
}
