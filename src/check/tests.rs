use std::collections::BTreeSet;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{
    fields::{Field, Form},
    sample::{CARRIER, SELLER, TODAY, sample, sample_waybill},
    *,
};
use crate::party::Party;

type Spoil = fn(&mut draft::Declaration);
type SpoilWaybill = fn(&mut draft::Waybill);

/// Every fault: the rule it breaks, where that is noted, and how it is made.
const FAULTS: &[(&str, &str, Spoil)] = &[
    ("F-REQUIRED", "order.order_no", |d| d.order.order_no.clear()),
    ("F-REQUIRED", "order.order_type", |d| d.order.order_type.clear()),
    ("F-REQUIRED", "order.lines[1].item_name", |d| d.order.lines[1].item_name = "\u{3000} ".into()),
    ("F-REQUIRED", "inventory.destination_port", |d| d.inventory.destination_port.clear()),
    ("F-REQUIRED", "inventory.lines[0].hs_code", |d| d.inventory.lines[0].hs_code.clear()),
    ("F-NIL", "order.freight", |d| d.order.freight.clear()),
    ("F-NIL", "inventory.insured_fee", |d| d.inventory.insured_fee.clear()),
    ("F-CHARACTERS", "order.order_no", |d| d.order.order_no = "A\u{0}1".into()),
    ("F-CHARACTERS", "inventory.note", |d| d.inventory.note = "two\r\nlines".into()),
    ("F-CHARACTERS", "order.seller.name", |d| d.order.seller.name = "name\u{FFFE}".into()),
    ("F-CHARACTERS", "order.order_no", |d| d.order.order_no.push('\u{200B}')),
    ("F-CHARACTERS", "inventory.waybill_no", |d| d.inventory.waybill_no.insert(0, '\u{FEFF}')),
    ("F-CHARACTERS", "order.lines[0].item_name", |d| d.order.lines[0].item_name = "包\u{202E}包".into()),
    ("F-CHARACTERS", "inventory.note", |d| d.inventory.note = "\u{E000}".into()),
    ("F-SPACES", "order.order_no", |d| d.order.order_no.push(' ')),
    ("F-TOO-LONG", "order.order_no", |d| d.order.order_no = "9".repeat(61)),
    ("F-TOO-LONG", "inventory.waybill_no", |d| d.inventory.waybill_no = "9".repeat(33)),
    ("F-TOO-LONG", "order.lines[0].item_name", |d| d.order.lines[0].item_name = "包".repeat(251)),
    ("F-TOO-LONG", "inventory.note", |d| {
        d.inventory.owner_registered = false;
        d.inventory.note = "注".repeat(969);
    }),
    ("F-LENGTH", "inventory.lines[0].hs_code", |d| d.inventory.lines[0].hs_code = "42022200".into()),
    ("F-NOT-DECIMAL", "order.lines[0].price", |d| d.order.lines[0].price = "4.999e1".into()),
    ("F-NOT-DECIMAL", "inventory.freight", |d| d.inventory.freight = "+0".into()),
    ("F-DECIMAL-DIGITS", "order.goods_value", |d| d.order.goods_value = "12345678901234567890".into()),
    ("F-DECIMAL-DIGITS", "inventory.net_weight", |d| d.inventory.net_weight = "0.123456".into()),
    ("F-NEGATIVE", "order.freight", |d| d.order.freight = "-1".into()),
    ("F-NOT-INTEGER", "inventory.packs", |d| d.inventory.packs = "1.5".into()),
    ("F-NOT-INTEGER", "order.lines[0].number", |d| d.order.lines[0].number = "100000".into()),
    ("F-DATE", "inventory.exit_date", |d| d.inventory.exit_date = "20261131".into()),
    ("C-OFFICE", "inventory.declared_at", |d| d.inventory.declared_at = "5199X".into()),
    ("C-OFFICE", "inventory.exits_at", |d| d.inventory.exits_at = "0000".into()),
    ("C-OFFICE-DISTRICT", "inventory.declared_at", |d| d.inventory.declared_at = "5301".into()),
    ("C-SITE", "inventory.site", |d| d.inventory.site = "999999".into()),
    ("C-SITE", "inventory.site", |d| d.inventory.site = "513001".into()),
    ("C-CURRENCY", "order.currency", |d| d.order.currency = "CNY".into()),
    ("C-CURRENCY", "inventory.freight_currency", |d| d.inventory.freight_currency = "000".into()),
    ("C-COUNTRY", "inventory.lines[1].country", |d| d.inventory.lines[1].country = "US".into()),
    ("C-UNIT", "order.lines[0].unit", |d| d.order.lines[0].unit = "11".into()),
    ("C-UNIT", "inventory.lines[0].second_unit", |d| d.inventory.lines[0].second_unit = "kg".into()),
    ("C-TRANSPORT", "inventory.transport", |d| d.inventory.transport = "55".into()),
    ("C-WRAP", "inventory.wrap", |d| d.inventory.wrap = "22".into()),
    ("C-PORT", "inventory.destination_port", |d| d.inventory.destination_port = "USLAX".into()),
    ("C-TRADE-MODE", "inventory.trade_mode", |d| d.inventory.trade_mode = "9611".into()),
    ("C-HS-HEADING", "inventory.lines[0].hs_code", |d| d.inventory.lines[0].hs_code = "9999000000".into()),
    ("C-HS-CODE", "inventory.lines[0].hs_code", |d| d.inventory.lines[0].hs_code = "4202000000".into()),
    ("P-CREDIT-CODE", "order.seller.code", |d| d.order.seller.code = "91440101MA5CXXXX1C".into()),
    ("P-CUSTOMS-CODE", "inventory.declarant.code", |d| d.inventory.declarant.code = "44X1960ABC".into()),
    ("P-PLATFORM-CODE", "order.platform.code", |d| d.order.platform.code = "none".into()),
    ("P-OWNER-CODE", "inventory.owner.code", |d| {
        d.inventory.owner_registered = false;
        d.inventory.owner.code = "4401960ABC".into();
    }),
    ("L-NO-LINES", "order.lines", |d| d.order.lines.clear()),
    ("L-NO-LINES", "inventory.lines", |d| d.inventory.lines.clear()),
    ("L-TOO-MANY", "order.lines", |d| d.order.lines = vec![d.order.lines[0].clone(); 101]),
    ("L-TOO-MANY", "inventory.lines", |d| d.inventory.lines = vec![d.inventory.lines[0].clone(); 101]),
    ("L-NUMBER", "order.lines[1].number", |d| d.order.lines[1].number = "1".into()),
    ("L-NUMBER", "inventory.lines[0].number", |d| d.inventory.lines.swap(0, 1)),
    ("L-UNPAIRED", "order.lines[1].number", |d| d.inventory.lines.truncate(1)),
    ("L-UNPAIRED", "inventory.lines[1].number", |d| d.order.lines.truncate(1)),
    ("L-ITEM-NO-20", "order.lines[0].item_no", |d| d.order.lines[0].item_no = "A".repeat(21)),
    ("A-TOTAL", "order.lines[0].total", |d| d.order.lines[0].total = "99.97".into()),
    ("A-TOTAL-LARGE", "order.lines[0].total", |d| {
        d.order.lines[0].quantity = "99999999999999.99999".into();
        d.order.lines[0].price = "99999999999999.99999".into();
    }),
    ("A-SUM-LARGE", "order.goods_value", |d| {
        for line in &mut d.order.lines {
            line.total = "99999999999999".into();
        }
    }),
    ("A-GOODS-VALUE", "order.goods_value", |d| d.order.goods_value = "117.49".into()),
    ("A-CURRENCY", "order.lines[1].currency", |d| d.order.lines[1].currency = "502".into()),
    ("A-WEIGHT", "inventory.net_weight", |d| d.inventory.net_weight = "1.20001".into()),
    ("A-POSITIVE", "order.lines[0].price", |d| d.order.lines[0].price = "0.00".into()),
    ("A-POSITIVE", "inventory.packs", |d| d.inventory.packs = "0".into()),
    ("A-POSITIVE", "inventory.net_weight", |d| d.inventory.net_weight = "0".into()),
    ("A-SECOND", "inventory.lines[0].second_quantity", |d| d.inventory.lines[0].second_unit.clear()),
    ("A-UNIT-EQUAL", "inventory.lines[1].legal_quantity", |d| d.inventory.lines[1].legal_quantity = "1.26".into()),
    ("M-ORDER-TYPE", "order.order_type", |d| d.order.order_type = "I".into()),
    ("M-TRADE-MODE", "inventory.trade_mode", |d| d.inventory.trade_mode = "1210".into()),
    ("M-TRADE-ORDER", "order.order_type", |d| d.order.order_type = "B".into()),
    ("M-STATISTICS", "inventory.statistics", |d| d.inventory.statistics = "a".into()),
    ("M-LICENCE", "inventory.licence_no", |d| d.inventory.licence_no = "26-01-000001".into()),
    ("M-INVOICE", "inventory.lines[0].invoice", |d| d.inventory.lines[0].invoice = "maybe".into()),
    ("D-EXIT-DATE", "inventory.exit_date", |d| d.inventory.exit_date = "2062-11-24".into()),
];

/// The same for waybills.
const WAYBILL_FAULTS: &[(&str, &str, SpoilWaybill)] = &[
    ("F-REQUIRED", "goods_info", |w| w.goods_info.clear()),
    ("F-REQUIRED", "seller.name", |w| w.seller.name.clear()),
    ("F-REQUIRED", "seller.code", |w| w.seller.code.clear()),
    ("F-NIL", "insured_fee", |w| w.insured_fee.clear()),
    ("F-TOO-LONG", "waybill_no", |w| w.waybill_no = "9".repeat(33)),
    ("F-TOO-LONG", "seller_telephone", |w| w.seller_telephone = "9".repeat(51)),
    ("P-CREDIT-CODE", "carrier.code", |w| w.carrier.code = "91440101MA59ABCD2".into()),
    ("C-CURRENCY", "currency", |w| w.currency = "RMB".into()),
    ("A-POSITIVE", "gross_weight", |w| w.gross_weight = "0".into()),
    ("A-POSITIVE", "packs", |w| w.packs = "0".into()),
    ("F-REQUIRED", "order.order_no", |w| {
        w.order = Some(OrderReference { platform: "无".into(), seller: SELLER.into(), order_no: String::new() })
    }),
];

fn findings(draft: &draft::Declaration) -> Vec<Finding> {
    match check(draft, &Taken::default(), TODAY) {
        Ok(checked) => checked.into_parts().1,
        Err(findings) => findings.into_list(),
    }
}

fn has(list: &[Finding], rule: &str, path: &str) -> bool {
    list.iter().any(|finding| finding.rule == rule && finding.path == path)
}

#[test]
fn nothing_is_found_in_the_sample_and_its_values_are_kept() {
    let checked = check(&sample(), &Taken::default(), TODAY).expect("the sample is good");
    assert_eq!(checked.warnings(), []);
    let declaration = checked.declaration();
    assert_eq!(declaration.order.goods_value, Decimal::new(11_748, 2));
    assert_eq!(declaration.order.lines[1].total.to_string(), "17.50", "the scale as sent");
    assert_eq!(declaration.inventory.lines[0].second, Some((Decimal::new(35, 2), "035".to_owned())));
    assert_eq!(declaration.inventory.bag_no, None);
    assert!(declaration.order_line(&declaration.inventory.lines[1]).is_some());

    let checked = check_waybill(&sample_waybill(), &TakenWaybill::default(), TODAY).expect("the sample is good");
    assert_eq!(checked.warnings(), []);
    assert_eq!(checked.waybill().carrier.code, CARRIER);
    assert!(checked.order().is_none());
}

#[test]
fn every_fault_is_found_where_it_is() {
    for (rule, path, spoil) in FAULTS {
        let mut draft = sample();
        assert!(!has(&findings(&draft), rule, path), "{rule} in a good declaration");
        spoil(&mut draft);
        let list = findings(&draft);
        assert!(has(&list, rule, path), "{rule} at {path}: {list:#?}");
    }
    for (rule, path, spoil) in WAYBILL_FAULTS {
        let mut draft = sample_waybill();
        spoil(&mut draft);
        let list = check_waybill(&draft, &TakenWaybill::default(), TODAY).expect_err(rule).into_list();
        assert!(has(&list, rule, path), "{rule} at {path}: {list:#?}");
    }
}

#[test]
fn every_rule_has_a_fault_that_breaks_it() {
    let tested: BTreeSet<_> = FAULTS.iter().map(|fault| fault.0).chain(["T-ORDER-TAKEN", "T-WAYBILL-TAKEN"]).collect();
    let rules: BTreeSet<_> = rules().iter().map(|rule| rule.code).collect();
    assert_eq!(tested, rules);
}

#[test]
fn numbers_that_are_taken_are_refused() {
    let taken = Taken { order_taken: true, waybill_taken: true };
    let list = check(&sample(), &taken, TODAY).expect_err("taken").into_list();
    assert!(has(&list, "T-ORDER-TAKEN", "order.order_no") && has(&list, "T-WAYBILL-TAKEN", "inventory.waybill_no"));
    let mut without = sample();
    without.inventory.waybill_no.clear();
    assert!(check(&without, &Taken { order_taken: false, waybill_taken: true }, TODAY).is_ok(), "no number, none taken");
    let list = check_waybill(&sample_waybill(), &TakenWaybill { waybill_taken: true }, TODAY).expect_err("taken").into_list();
    assert!(has(&list, "T-WAYBILL-TAKEN", "waybill_no"));
}

#[test]
fn warnings_alone_do_not_refuse() {
    let mut draft = sample();
    draft.inventory.lines[0].hs_code = "4202000000".into();
    let checked = check(&draft, &Taken::default(), TODAY).expect("a warning only");
    assert_eq!(checked.warnings().len(), 1);
    assert_eq!(checked.warnings()[0].severity, Severity::Warning);
}

#[test]
fn all_faults_at_once_come_in_the_order_of_the_document() {
    let mut draft = sample();
    draft.order.goods_value = "1".into();
    draft.order.lines[0].unit = "?".into();
    draft.order.lines[1].number = "7".into();
    draft.inventory.wrap = "?".into();
    draft.inventory.lines[1].hs_code = "1".into();
    let list = findings(&draft);
    let paths: Vec<_> = list.iter().map(|finding| finding.path.as_str()).collect();
    let expected = [
        "order.goods_value",
        "order.lines[0].unit",
        "order.lines[1].number",
        "order.lines[1].number",
        "inventory.wrap",
        "inventory.lines[1].number",
        "inventory.lines[1].hs_code",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn findings_are_bounded_and_counted() {
    let mut draft = sample();
    draft.order.lines = vec![draft::OrderLine::default(); 5_000];
    draft.inventory.lines = vec![draft::InventoryLine::default(); 5_000];
    let findings = check(&draft, &Taken::default(), TODAY).expect_err("bad");
    assert_eq!(findings.list().len(), Findings::MOST);
    assert!(findings.total() > Findings::MOST && findings.total() < 5_000, "{}", findings.total());
    assert_eq!(findings.list()[0].rule, "L-TOO-MANY");
}

#[test]
fn a_finding_tells_what_is_expected() {
    let mut draft = sample();
    draft.order.lines[0].total = "99.97".into();
    let list = findings(&draft);
    let total = list.iter().find(|finding| finding.rule == "A-TOTAL").expect("found");
    assert!(total.zh.contains("99.98") && total.en.contains("99.98") && total.zh.contains("总价"), "{total:?}");
    assert!(list.iter().all(|finding| !finding.zh.contains('{') && !finding.en.contains('{') && !finding.remedy_zh.contains('{')));
}

#[test]
fn what_people_wrote_freely_is_not_repeated() {
    let secret = "张三13800000000\u{1}".repeat(100);
    let mut draft = sample();
    draft.order.note.clone_from(&secret);
    draft.inventory.note.clone_from(&secret);
    draft.order.seller.name.clone_from(&secret);
    draft.order.lines[0].item_name.clone_from(&secret);
    draft.inventory.transport.clone_from(&secret);
    let mut waybill = sample_waybill();
    waybill.seller_telephone.clone_from(&secret);
    waybill.note.clone_from(&secret);
    let mut list = findings(&draft);
    list.extend(check_waybill(&waybill, &TakenWaybill::default(), TODAY).expect_err("bad").into_list());
    assert!(list.len() > 8);
    assert!(list.iter().all(|finding| !format!("{finding:?}").contains("13800000000")));
}

#[test]
fn trade_modes_go_with_their_order_types() {
    for (mode, letter) in [("9710", "B"), ("9810", "W")] {
        let mut draft = sample();
        draft.inventory.trade_mode = mode.into();
        assert!(has(&findings(&draft), "M-TRADE-ORDER", "order.order_type"));
        draft.order.order_type = letter.into();
        assert_eq!(findings(&draft), []);
    }
}

#[test]
fn fields_say_what_they_are() {
    let mut seen = BTreeSet::new();
    for field in Field::ALL {
        let spec = field.spec();
        assert!(!spec.zh.is_empty() && !spec.zh.is_ascii() && spec.en.is_ascii(), "{}", spec.path);
        assert!(seen.insert((spec.path, *field >= Field::WaybillCarrierCode)), "{} twice", spec.path);
        if let Form::Text(limit) | Form::Free(limit) = spec.form {
            assert!((10..=1000).contains(&limit), "{}", spec.path);
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[0-9]{0,25}",
        "-?[0-9]{0,20}\\.?[0-9]{0,8}",
        "[A-Z0-9]{10}|[A-Z0-9]{18}",
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
        let result = check(&draft, &Taken { order_taken: order > 50, waybill_taken: registered }, TODAY);
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
        if let Ok(checked) = check(&draft, &Taken::default(), TODAY) {
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
}

fn collect(value: &serde_json::Value, into: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => into.push(text.clone()),
        serde_json::Value::Array(list) => list.iter().for_each(|item| collect(item, into)),
        serde_json::Value::Object(map) => map.values().for_each(|item| collect(item, into)),
        _ => {}
    }
}
