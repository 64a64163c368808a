//! Every rule with a change to the good sample that breaks it, and beside it one that comes as near as can be and is accepted.

use std::collections::BTreeSet;

use super::{
    super::{
        sample::{CARRIER, SELLER},
        *,
    },
    has,
    trial::{Trial, halves, largest, last_month, later_limits, licence_and_sum, odd_price},
};

mod follow_up;
mod goods;

type Change = fn(&mut Trial);
/// The rule, where it is noted, what breaks it, what does not.
type Case = (&'static str, &'static str, Change, Change);

const CASES: &[Case] = &[
    ("F-REQUIRED", "order.order_no", |t| t.d.order.order_no.clear(), |t| t.d.order.order_no = "1".into()),
    (
        "F-REQUIRED",
        "order.lines[1].item_name",
        |t| t.d.order.lines[1].item_name = "\u{3000} ".into(),
        |t| {
            t.d.order.lines[1].item_name = "\u{3000}包".into();
        },
    ),
    ("F-REQUIRED", "waybill:goods_info", |t| t.w.goods_info.clear(), |t| t.w.goods_info = "包".into()),
    ("F-REQUIRED", "waybill:seller.name", |t| t.w.seller.name.clear(), |t| (t.w.seller.name, t.w.seller.code) = Default::default()),
    ("F-REQUIRED", "waybill:seller.code", |t| t.w.seller.code.clear(), |t| (t.w.seller.name, t.w.seller.code) = Default::default()),
    ("F-REQUIRED", "waybill:order.order_no", |t| t.reference(SELLER, ""), |t| t.reference(SELLER, "1")),
    ("F-NIL", "order.freight", |t| t.d.order.freight.clear(), |t| t.d.order.freight = "0.00000".into()),
    ("F-NIL", "waybill:insured_fee", |t| t.w.insured_fee.clear(), |t| t.w.insured_fee = "0".into()),
    ("F-CHARACTERS", "order.order_no", |t| t.d.order.order_no = "A\u{0}1".into(), |t| t.d.order.order_no = "A~1".into()),
    ("F-CHARACTERS", "inventory.note", |t| t.d.inventory.note = "two\r\nlines".into(), |t| t.d.inventory.note = "two  lines".into()),
    (
        "F-CHARACTERS",
        "order.seller.name",
        |t| t.d.order.seller.name = "name\u{FFFE}".into(),
        |t| {
            t.d.order.seller.name = "name\u{FFFD}".into();
        },
    ),
    ("F-CHARACTERS", "order.order_no", |t| t.d.order.order_no.push('\u{200B}'), |t| t.d.order.order_no.push('\u{2010}')),
    (
        "F-CHARACTERS",
        "inventory.waybill_no",
        |t| t.d.inventory.waybill_no.insert(0, '\u{FEFF}'),
        |t| t.d.inventory.waybill_no.insert(0, '\u{FF21}'),
    ),
    (
        "F-CHARACTERS",
        "order.lines[0].item_name",
        |t| t.d.order.lines[0].item_name = "包\u{202E}包".into(),
        |t| {
            t.d.order.lines[0].item_name = "包\u{202F}包😀".into();
        },
    ),
    ("F-SPACES", "order.order_no", |t| t.d.order.order_no.push(' '), |t| t.d.order.order_no = "GZ 1".into()),
    ("F-SPACES", "waybill:waybill_no", |t| t.w.waybill_no.insert(0, '\u{3000}'), |t| t.w.note = " 备注 ".into()),
    ("F-TOO-LONG", "order.order_no", |t| t.d.order.order_no = "9".repeat(61), |t| t.d.order.order_no = "9".repeat(60)),
    (
        "F-TOO-LONG",
        "inventory.note",
        |t| {
            t.unregistered(SELLER);
            t.d.inventory.note = "注".repeat(969);
        },
        |t| {
            t.unregistered(SELLER);
            t.d.inventory.note = "注".repeat(968);
        },
    ),
    (
        "F-LENGTH",
        "inventory.lines[0].hs_code",
        |t| t.d.inventory.lines[0].hs_code = "42022".into(),
        |t| {
            t.d.inventory.lines[0].hs_code = "4202210090".into();
        },
    ),
    ("F-LENGTH", "inventory.lines[0].hs_code", |t| t.d.inventory.lines[0].hs_code = "４２０２２２００００".into(), |_| {}),
    (
        "F-NOT-DECIMAL",
        "order.lines[0].price",
        |t| t.d.order.lines[0].price = "4.999e1".into(),
        |t| t.d.order.lines[0].price = "0049.99000".into(),
    ),
    ("F-NOT-DECIMAL", "inventory.freight", |t| t.d.inventory.freight = "+0".into(), |t| t.d.inventory.freight = "0.0".into()),
    ("F-NOT-DECIMAL", "inventory.freight", |t| t.d.inventory.freight = "１".into(), |t| t.d.inventory.freight = "1".into()),
    (
        "F-DECIMAL-DIGITS",
        "order.freight",
        |t| t.d.order.freight = "100000000000000".into(),
        |t| t.d.order.freight = "99999999999999".into(),
    ),
    (
        "F-DECIMAL-DIGITS",
        "inventory.net_weight",
        |t| t.d.inventory.net_weight = "0.123456".into(),
        |t| t.d.inventory.net_weight = "0.12345".into(),
    ),
    ("F-NEGATIVE", "order.freight", |t| t.d.order.freight = "-1".into(), |t| t.d.order.freight = "1".into()),
    ("F-NOT-INTEGER", "inventory.packs", |t| t.d.inventory.packs = "1000000000".into(), |t| t.d.inventory.packs = "999999999".into()),
    ("F-NOT-INTEGER", "waybill:packs", |t| t.w.packs = "1.5".into(), |t| t.w.packs = "1".into()),
    (
        "F-NOT-INTEGER",
        "order.lines[0].number",
        |t| t.d.order.lines[0].number = "100000".into(),
        |t| t.d.order.lines[0].number = "000001".into(),
    ),
    ("F-DATE", "inventory.exit_date", |t| t.d.inventory.exit_date = "20261131".into(), |t| t.d.inventory.exit_date = "2026-11-30".into()),
    ("C-OFFICE", "inventory.declared_at", |t| t.d.inventory.declared_at = "5199X".into(), |t| t.d.inventory.declared_at = "5197".into()),
    ("C-OFFICE", "inventory.exits_at", |t| t.d.inventory.exits_at = "0000".into(), |t| t.d.inventory.exits_at = "0101".into()),
    (
        "C-OFFICE-DISTRICT",
        "inventory.declared_at",
        |t| t.d.inventory.declared_at = "5300".into(),
        |t| t.d.inventory.declared_at = "5210".into(),
    ),
    ("C-SITE", "inventory.site", |t| t.d.inventory.site = "999999".into(), |t| t.d.inventory.site.clear()),
    ("C-SITE", "inventory.site", |t| t.d.inventory.site = "513001".into(), |t| t.d.inventory.site = "514101".into()),
    ("C-CURRENCY", "order.currency", |t| t.d.order.currency = "RMB".into(), |t| t.d.order.currency = "CNY".into()),
    (
        "C-CURRENCY",
        "inventory.freight_currency",
        |t| t.d.inventory.freight_currency = "000".into(),
        |t| t.d.inventory.freight_currency = "502".into(),
    ),
    ("C-CURRENCY", "waybill:currency", |t| t.w.currency = "RMB".into(), |t| t.w.currency = "502".into()),
    (
        "C-COUNTRY",
        "inventory.lines[1].country",
        |t| t.d.inventory.lines[1].country = "us".into(),
        |t| t.d.inventory.lines[1].country = "JPN".into(),
    ),
    ("C-UNIT", "order.lines[0].unit", |t| t.d.order.lines[0].unit = "11".into(), |t| t.d.order.lines[0].unit = "035".into()),
    (
        "C-UNIT",
        "inventory.lines[0].second_unit",
        |t| t.d.inventory.lines[0].second_unit = "kg".into(),
        |t| t.d.inventory.lines[0].second_unit = "036".into(),
    ),
    ("C-TRANSPORT", "inventory.transport", |t| t.d.inventory.transport = "55".into(), |t| t.d.inventory.transport = "6".into()),
    ("C-WRAP", "inventory.wrap", |t| t.d.inventory.wrap = "02".into(), |t| t.d.inventory.wrap = "22".into()),
    (
        "C-PORT",
        "inventory.destination_port",
        |t| t.d.inventory.destination_port = "USLAX".into(),
        |t| t.d.inventory.destination_port = "1105".into(),
    ),
    ("C-TRADE-MODE", "inventory.trade_mode", |t| t.d.inventory.trade_mode = "9611".into(), |t| t.d.inventory.trade_mode = "9610".into()),
    (
        "C-HS-HEADING",
        "inventory.lines[0].hs_code",
        |t| t.d.inventory.lines[0].hs_code = "9999000000".into(),
        |t| {
            t.d.inventory.lines[0].hs_code = "4202000000".into();
        },
    ),
    (
        "C-HS-CODE",
        "inventory.lines[0].hs_code",
        |t| t.d.inventory.lines[0].hs_code = "4202229999".into(),
        |t| {
            t.d.inventory.lines[0].hs_code = "4202220000".into();
        },
    ),
    (
        "P-CREDIT-CODE",
        "order.seller.code",
        |t| t.d.order.seller.code = "91440101MA5CXXXX1C".into(),
        |t| t.d.order.seller.code = CARRIER.into(),
    ),
    ("P-CREDIT-CODE", "waybill:carrier.code", |t| t.w.carrier.code = "91440101MA59ABCD2".into(), |t| t.w.carrier.code = SELLER.into()),
    (
        "P-CUSTOMS-CODE",
        "inventory.declarant.code",
        |t| t.d.inventory.declarant.code = "44X1960ABC".into(),
        |t| {
            t.d.inventory.declarant.code = "440196XABC".into();
        },
    ),
    ("P-PLATFORM-CODE", "order.platform.code", |t| t.d.order.platform.code = "none".into(), |t| t.d.order.platform.code = CARRIER.into()),
    ("P-OWNER-CODE", "inventory.owner.code", |t| t.unregistered("4401960ABC"), |t| t.d.inventory.owner.code = "4401960ABC".into()),
    ("P-WAYBILL-SELLER", "waybill:order.seller", |t| t.reference(CARRIER, "1"), |t| t.reference(SELLER, "1")),
    (
        "P-WAYBILL-SELLER",
        "waybill:order.seller",
        |t| {
            t.reference("4401960ABC", "1");
            t.w.seller.code = "4401960ABD".into();
        },
        |t| {
            t.reference("4401960ABC", "1");
        },
    ),
    (
        "P-CONSIGNOR",
        "inventory.waybill_no",
        |t| t.taken.waybill_seller = Some(CARRIER.into()),
        |t| t.taken.waybill_seller = Some(SELLER.into()),
    ),
    (
        "P-CONSIGNOR",
        "inventory.waybill_no",
        |t| {
            t.d.order.seller.code = "4401960ABC".into();
            t.taken.waybill_seller = Some("4401960ABD".into());
        },
        |t| t.taken.waybill_seller = Some("4401960ABC".into()),
    ),
    ("L-NO-LINES", "order.lines", |t| t.d.order.lines.clear(), |t| t.lines(1)),
    ("L-NO-LINES", "inventory.lines", |t| t.d.inventory.lines.clear(), |t| t.lines(1)),
    (
        "L-TOO-MANY",
        "order.lines",
        |t| {
            t.d.inventory.statistics = "B".into();
            t.lines(101);
        },
        |t| {
            t.d.inventory.statistics = "B".into();
            t.lines(100);
        },
    ),
    (
        "L-TOO-MANY",
        "inventory.lines",
        |t| {
            t.d.inventory.statistics = "B".into();
            t.lines(101);
        },
        |t| {
            t.d.inventory.statistics = "B".into();
            t.lines(100);
        },
    ),
    ("L-NUMBER", "order.lines[1].number", |t| t.d.order.lines[1].number = "1".into(), |t| t.d.order.lines[1].number = "02".into()),
    ("L-NUMBER", "inventory.lines[0].number", |t| t.d.inventory.lines.swap(0, 1), |_| {}),
    ("L-UNPAIRED", "order.lines[1].number", |t| t.d.inventory.lines.truncate(1), |t| t.lines(1)),
    ("L-UNPAIRED", "inventory.lines[1].number", |t| t.d.order.lines.truncate(1), |t| t.lines(2)),
    (
        "L-ITEM-NO-20",
        "order.lines[0].item_no",
        |t| t.d.order.lines[0].item_no = "货".repeat(21),
        |t| t.d.order.lines[0].item_no = "货".repeat(20),
    ),
    ("A-TOTAL", "order.lines[0].total", |t| t.d.order.lines[0].total = "99.97".into(), |t| t.d.order.lines[0].total = "99.98000".into()),
    // 3 × 1.335 is 4.005: half up at two places is 4.01, half to even would be 4.00.
    (
        "A-TOTAL",
        "order.lines[0].total",
        |t| {
            t.worth("4.00");
            odd_price(t);
        },
        |t| {
            t.worth("4.01");
            odd_price(t);
        },
    ),
    (
        "A-TOTAL-LARGE",
        "order.lines[0].total",
        |t| {
            largest(t);
            t.d.order.lines[0].quantity = "1.00001".into();
        },
        largest,
    ),
    (
        "A-SUM-LARGE",
        "order.goods_value",
        |t| {
            t.d.inventory.statistics = "B".into();
            halves(t, "50000000000000");
        },
        |t| {
            t.d.inventory.statistics = "B".into();
            halves(t, "49999999999999.5");
            t.d.order.goods_value = "99999999999999".into();
        },
    ),
    ("A-GOODS-VALUE", "order.goods_value", |t| t.d.order.goods_value = "117.49".into(), |t| t.d.order.goods_value = "117.480".into()),
    (
        "A-CURRENCY",
        "order.lines[1].currency",
        |t| t.d.order.lines[1].currency = "502".into(),
        |t| {
            t.currency("502");
            t.sample_rates();
        },
    ),
    ("A-WEIGHT", "inventory.net_weight", |t| t.d.inventory.net_weight = "1.20001".into(), |t| t.d.inventory.net_weight = "1.20000".into()),
    ("A-POSITIVE", "order.lines[0].price", |t| t.d.order.lines[0].price = "0.00".into(), |t| t.worth("0.00001")),
    ("A-POSITIVE", "inventory.packs", |t| t.d.inventory.packs = "0".into(), |t| t.d.inventory.packs = "1".into()),
    ("A-POSITIVE", "waybill:gross_weight", |t| t.w.gross_weight = "0".into(), |t| t.w.gross_weight = "0.00001".into()),
    (
        "A-SECOND",
        "inventory.lines[0].second_quantity",
        |t| t.d.inventory.lines[0].second_unit.clear(),
        |t| {
            t.d.inventory.lines[0].second_unit.clear();
            t.d.inventory.lines[0].second_quantity.clear();
        },
    ),
    (
        "A-UNIT-EQUAL",
        "inventory.lines[1].legal_quantity",
        |t| t.d.inventory.lines[1].legal_quantity = "1.26".into(),
        |t| {
            t.d.inventory.lines[1].legal_quantity = "1.26".into();
            t.d.inventory.lines[1].legal_unit = "035".into();
        },
    ),
    ("M-ORDER-TYPE", "order.order_type", |t| t.d.order.order_type = "I".into(), |t| t.d.order.order_type = "E".into()),
    (
        "M-TRADE-MODE",
        "inventory.trade_mode",
        |t| t.d.inventory.trade_mode = "1239".into(),
        |t| {
            t.d.inventory.trade_mode = "9810".into();
            t.d.order.order_type = "W".into();
        },
    ),
    ("M-TRADE-ORDER", "order.order_type", |t| t.d.order.order_type = "B".into(), Trial::business),
    ("M-STATISTICS", "inventory.statistics", |t| t.d.inventory.statistics = "a".into(), |t| t.d.inventory.statistics = "B".into()),
    (
        "M-LICENCE",
        "inventory.licence_no",
        |t| t.d.inventory.licence_no = "26-01-000001".into(),
        |t| {
            t.d.inventory.licence_no = "26-01-000001".into();
            t.d.inventory.statistics = "B".into();
        },
    ),
    (
        "M-INVOICE",
        "inventory.lines[0].invoice",
        |t| t.d.inventory.lines[0].invoice = "maybe".into(),
        |t| t.d.inventory.lines[0].invoice.clear(),
    ),
    (
        "M-REFUND",
        "inventory.lines[1].invoice",
        |t| t.d.inventory.lines[1].invoice = "SPECIAL".into(),
        |t| {
            t.d.inventory.lines[0].invoice = "SPECIAL".into();
            t.d.inventory.lines[1].invoice = "ORDINARY".into();
            t.d.inventory.statistics = "B".into();
        },
    ),
    ("M-PARCEL-LIMIT", "order.goods_value", |t| t.worth("5000.00001"), |t| t.worth("5000.00000")),
    (
        "M-PARCEL-LIMIT",
        "order.goods_value",
        |t| t.worth("5000.01"),
        |t| {
            t.worth("5000.01");
            t.d.inventory.statistics = "B".into();
        },
    ),
    (
        "M-PARCEL-LIMIT",
        "order.goods_value",
        |t| {
            t.worth("704.22536");
            t.currency("502");
            t.sample_rates();
        },
        |t| {
            t.worth("704.22535");
            t.currency("502");
            t.sample_rates();
        },
    ),
    (
        "M-PARCEL-LIMIT",
        "order.goods_value",
        |t| t.worth("6000"),
        |t| {
            t.worth("6000");
            t.parameters.limits = later_limits();
        },
    ),
    (
        "M-B2B-LIMIT",
        "order.goods_value",
        |t| {
            t.worth("5000.01");
            t.business();
            t.d.inventory.statistics = "B".into();
        },
        |t| {
            t.worth("5000");
            t.business();
            t.d.inventory.statistics = "B".into();
        },
    ),
    (
        "M-B2B-LICENCE",
        "inventory.licence_no",
        |t| {
            t.business();
            licence_and_sum(t);
        },
        licence_and_sum,
    ),
    (
        "M-NO-RATE",
        "order.currency",
        |t| t.currency("502"),
        |t| {
            t.currency("502");
            t.sample_rates();
        },
    ),
    (
        "M-NO-RATE",
        "order.currency",
        |t| {
            t.currency("303");
            t.parameters.rates = last_month();
        },
        |t| {
            t.currency("303");
            t.d.inventory.statistics = "B".into();
        },
    ),
    (
        "D-EXIT-DATE",
        "inventory.exit_date",
        |t| t.d.inventory.exit_date = "20271125".into(),
        |t| t.d.inventory.exit_date = "20271124".into(),
    ),
    (
        "D-EXIT-DATE",
        "inventory.exit_date",
        |t| t.d.inventory.exit_date = "20251121".into(),
        |t| t.d.inventory.exit_date = "20251122".into(),
    ),
    ("T-ORDER-TAKEN", "order.order_no", |t| t.taken.order_taken = true, |t| t.taken_waybill.waybill_taken = false),
    (
        "T-WAYBILL-TAKEN",
        "inventory.waybill_no",
        |t| t.taken.waybill_taken = true,
        |t| {
            t.taken.waybill_taken = true;
            t.d.inventory.waybill_no.clear();
        },
    ),
    ("T-WAYBILL-TAKEN", "waybill:waybill_no", |t| t.taken_waybill.waybill_taken = true, |_| {}),
];

fn all() -> impl Iterator<Item = &'static Case> {
    CASES.iter().chain(goods::CASES).chain(follow_up::CASES)
}

#[test]
fn every_rule_is_broken_by_its_case_and_by_no_near_miss() {
    assert_eq!(Trial::good().findings(), []);
    for (number, (rule, path, fires, spares)) in all().enumerate() {
        let mut trial = Trial::good();
        fires(&mut trial);
        let list = trial.findings();
        assert!(has(&list, rule, path), "case {number}: {rule} at {path}: {list:#?}");

        let mut trial = Trial::good();
        spares(&mut trial);
        let list = trial.findings();
        assert!(!list.iter().any(|finding| finding.rule == *rule), "case {number}: the near miss of {rule}: {list:#?}");
        assert!(list.iter().all(|finding| finding.severity == Severity::Warning), "case {number}: beside {rule}: {list:#?}");
    }
}

#[test]
fn no_rule_is_without_its_case() {
    let tried: BTreeSet<_> = all().map(|case| case.0).collect();
    let untried: Vec<_> = rules().iter().map(|rule| rule.code).filter(|code| !tried.contains(code)).collect();
    assert_eq!(untried, [""; 0], "rules without a case that breaks them and one that does not");
    let unknown: Vec<_> = tried.into_iter().filter(|code| rules().iter().all(|rule| rule.code != *code)).collect();
    assert_eq!(unknown, [""; 0], "cases of no rule");
}
