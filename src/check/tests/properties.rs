//! Whatever is sent: there is an answer.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::super::{
    sample::{FollowUps, TODAY, sample, sample_waybill},
    *,
};
use crate::party::Party;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[0-9]{0,25}",
        "-?[0-9]{0,20}\\.?[0-9]{0,8}",
        "[A-Z0-9]{10}|[A-Z0-9]{18}",
        "[０-９]{1,20}[．.]?[０-９]{0,6}",
        "[0-9]{20,60}(\\.[0-9]{0,40})?",
        "-?[0-9]{1,3}[eE][-+]?[0-9]{1,9}",
        Just(String::new()),
        Just("9610".to_owned()),
        Just("142".to_owned()),
        Just("99999999999999.99999".to_owned()),
        Just("1".to_owned()),
        "x{900,1100}",
    ]
}

/// Puts strings into every field of a value through its serialised form, so that no field is forgotten.
fn scatter(value: &mut serde_json::Value, strings: &mut impl Iterator<Item = String>) {
    match value {
        serde_json::Value::String(text) => *text = strings.next().unwrap_or_default(),
        serde_json::Value::Array(list) => list.iter_mut().for_each(|item| scatter(item, strings)),
        serde_json::Value::Object(map) => map.values_mut().for_each(|item| scatter(item, strings)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_input_makes_it_panic(strings in prop::collection::vec(text(), 60..120), order in 0_usize..130, inventory in 0_usize..130, registered: bool) {
        let mut draft = sample();
        draft.order.lines = vec![draft.order.lines[0].clone(); order];
        draft.inventory.lines = vec![draft.inventory.lines[0].clone(); inventory];
        draft.inventory.owner_registered = registered;
        let mut value = serde_json::to_value(&draft).expect("writes");
        scatter(&mut value, &mut strings.iter().cycle().cloned());
        let draft: draft::Declaration = serde_json::from_value(value).expect("reads");
        let result = check(&draft, &Taken { order_taken: order > 50, waybill_taken: registered, ..Taken::default() }, &Parameters::default(), TODAY);
        if let Err(findings) = result {
            prop_assert!(findings.list().len() <= Findings::MOST && findings.total() >= findings.list().len());
            prop_assert!(findings.list().iter().all(|finding| finding.zh.len() + finding.en.len() < 600));
        }
    }

    #[test]
    fn one_strange_field_is_accepted_only_if_it_fits(strange in text(), place in 0_usize..90) {
        let mut value = serde_json::to_value(sample()).expect("writes");
        let mut originals = Vec::new();
        scatter(&mut value.clone(), &mut std::iter::from_fn(|| { originals.push(()); Some(String::new()) }));
        let count = originals.len();
        let mut kept = Vec::new();
        collect(&value, &mut kept);
        kept[place % count] = strange;
        scatter(&mut value, &mut kept.into_iter());
        let draft: draft::Declaration = serde_json::from_value(value).expect("reads");
        if let Ok(checked) = check(&draft, &Taken::default(), &Parameters::default(), TODAY) {
            let declaration = checked.declaration();
            prop_assert_eq!(declaration.order.lines.len(), 2);
            prop_assert!(!declaration.order.order_no.trim().is_empty() && declaration.order.order_no.chars().count() <= 60);
            prop_assert!(declaration.inventory.net_weight <= declaration.inventory.gross_weight);
            prop_assert_eq!(declaration.order.lines.iter().map(|line| line.total).sum::<Decimal>(), declaration.order.goods_value);
        }
    }

    #[test]
    fn no_waybill_makes_it_panic(strings in prop::collection::vec(text(), 20..30)) {
        let mut draft = sample_waybill();
        draft.order = Some(OrderReference::default());
        let mut value = serde_json::to_value(&draft).expect("writes");
        scatter(&mut value, &mut strings.into_iter());
        let draft: draft::Waybill = serde_json::from_value(value).expect("reads");
        if let Ok(checked) = check_waybill(&draft, &TakenWaybill::default(), TODAY) {
            prop_assert!(checked.waybill().seller.as_ref().is_none_or(|seller: &Party| !seller.code.is_empty()));
        }
    }

    #[test]
    fn no_follow_up_makes_it_panic(strings in prop::collection::vec(text(), 20..40)) {
        for draft in FollowUps::good().all() {
            let mut value = serde_json::to_value(&draft).expect("writes");
            scatter(&mut value, &mut strings.iter().cycle().cloned());
            let draft: draft::FollowUp = serde_json::from_value(value).expect("reads");
            match follow_up::check(&draft, &Parameters::default(), TODAY) {
                Ok(checked) => prop_assert_eq!(checked.follow_up().kind(), draft.kind()),
                Err(findings) => prop_assert!(findings.list().iter().all(|finding| finding.zh.len() + finding.en.len() < 600)),
            }
        }
    }
}

fn collect(value: &serde_json::Value, into: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => into.push(text.clone()),
        serde_json::Value::Array(list) => list.iter().for_each(|item| collect(item, into)),
        serde_json::Value::Object(map) => map.values().for_each(|item| collect(item, into)),
        _ => {}
    }
}
