use std::collections::HashSet;

use rust_decimal::Decimal;
use time::macros::date;

use super::{
    fields::{Field, Form},
    sample::{CARRIER, FollowUps, SELLER, TODAY, sample, sample_waybill},
    *,
};

mod cases;
mod facets;
mod properties;
mod trial;

fn findings(draft: &draft::Declaration) -> Vec<Finding> {
    match check(draft, &Taken::default(), &Parameters::default(), TODAY) {
        Ok(checked) => checked.into_parts().1,
        Err(findings) => findings.into_list(),
    }
}

fn has(list: &[Finding], rule: &str, path: &str) -> bool {
    list.iter().any(|finding| finding.rule == rule && finding.path == path)
}

#[test]
fn nothing_is_found_in_the_sample_and_its_values_are_kept() {
    let checked = check(&sample(), &Taken::default(), &Parameters::default(), TODAY).expect("the sample is good");
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

    for draft in FollowUps::good().all() {
        let checked = follow_up::check(&draft, &Parameters::default(), TODAY).expect("the sample is good");
        assert_eq!(checked.warnings(), [], "{:?}", draft.kind());
        assert_eq!(checked.follow_up().kind(), draft.kind());
    }
}

#[test]
fn numbers_that_are_taken_are_refused() {
    let taken = Taken { order_taken: true, waybill_taken: true, ..Taken::default() };
    let list = check(&sample(), &taken, &Parameters::default(), TODAY).expect_err("taken").into_list();
    assert!(has(&list, "T-ORDER-TAKEN", "order.order_no") && has(&list, "T-WAYBILL-TAKEN", "inventory.waybill_no"));
    let mut without = sample();
    without.inventory.waybill_no.clear();
    assert!(
        check(&without, &Taken { waybill_taken: true, ..Taken::default() }, &Parameters::default(), TODAY).is_ok(),
        "no number, none taken"
    );
    let list = check_waybill(&sample_waybill(), &TakenWaybill { waybill_taken: true }, TODAY).expect_err("taken").into_list();
    assert!(has(&list, "T-WAYBILL-TAKEN", "waybill_no"));
}

#[test]
fn warnings_alone_do_not_refuse() {
    let mut draft = sample();
    draft.inventory.lines[0].hs_code = "4202229999".into();
    let checked = check(&draft, &Taken::default(), &Parameters::default(), TODAY).expect("a warning only");
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
    let findings = check(&draft, &Taken::default(), &Parameters::default(), TODAY).expect_err("bad");
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
fn codes_hold_on_their_days_alone() {
    let mut draft = sample();
    draft.inventory.trade_mode = "3039".into();
    let on = |day| {
        let list = check(&draft, &Taken::default(), &Parameters::default(), day).expect_err("not carried").into_list();
        list.into_iter().filter(|finding| finding.path == "inventory.trade_mode").map(|finding| finding.rule).collect::<Vec<_>>()
    };
    assert_eq!(on(date!(2022 - 06 - 04)), ["M-TRADE-MODE"], "known, though not to us");
    assert_eq!(on(date!(2022 - 06 - 05)), ["C-TRADE-MODE"], "abolished");
}

#[test]
fn new_codes_are_kept_as_old_ones_and_short_ones_are_filled_up() {
    let mut draft = sample();
    draft.order.currency = "CNY".into();
    draft.order.lines[0].currency = "CNY".into();
    draft.inventory.country = "US".into();
    draft.inventory.lines[0].country = "USA".into();
    draft.inventory.wrap = "22".into();
    draft.inventory.destination_port = "USA264".into();
    draft.inventory.lines[0].hs_code = "4202".into();
    draft.inventory.lines[1].hs_code = "420222".into();
    let checked = check(&draft, &Taken::default(), &Parameters::default(), TODAY).expect("good");
    assert_eq!(checked.warnings(), []);
    let Declaration { order, inventory } = checked.declaration();
    assert_eq!((order.currency.as_str(), order.lines[0].currency.as_str(), inventory.country.as_str()), ("142", "142", "502"));
    assert_eq!((inventory.lines[0].country.as_str(), inventory.wrap.as_str(), inventory.destination_port.as_str()), ("502", "2", "3154"));
    assert_eq!((inventory.lines[0].hs_code.as_str(), inventory.lines[1].hs_code.as_str()), ("4202000000", "4202220000"));

    let mut waybill = sample_waybill();
    waybill.currency = "USD".into();
    let checked = check_waybill(&waybill, &TakenWaybill::default(), TODAY).expect("good");
    assert_eq!(checked.waybill().currency, "502");
    let mut followups = FollowUps::good();
    followups.payment.currency = "HKD".into();
    followups.goods_return.country = "CN".into();
    let checked = follow_up::check(&draft::FollowUp::Payment(followups.payment), &Parameters::default(), TODAY).expect("good");
    assert!(matches!(checked.follow_up(), crate::declaration::FollowUp::Payment(payment) if payment.currency == "110"));
    let refused = follow_up::check(&draft::FollowUp::GoodsReturn(followups.goods_return), &Parameters::default(), TODAY);
    assert!(has(refused.expect_err("China in letters, too").list(), "C-COUNTRY-CHINA", "country"));
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
    let mut seen = HashSet::new();
    for field in Field::ALL {
        let spec = field.spec();
        assert!(!spec.zh.is_empty() && !spec.zh.is_ascii() && spec.en.is_ascii(), "{}", spec.path);
        assert!(seen.insert((spec.path, spec.kind)), "{} of {:?} twice", spec.path, spec.kind);
        if let Form::Text(limit) | Form::Free(limit) = spec.form {
            assert!((10..=1000).contains(&limit), "{}", spec.path);
        }
    }
}
