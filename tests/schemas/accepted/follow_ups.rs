//! The same of documents that are submitted on their own.

use std::{collections::BTreeMap, sync::Arc};

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};
use tongguan::{
    check::{Parameters, follow_up},
    declaration::Kind,
    dossier::Content,
    message::{self, Message},
};

use super::{
    super::{official_schema, our_schema, party, verdicts},
    CARRIER, SELLER, TODAY, changed, compose, text,
};

const INVENTORY_NO: &str = "51412026E000000001";
/// Documents of each kind that are tried.
const TRIES: usize = 500;

fn journey() -> Value {
    json!({
        "declared_at": "5141", "transport": "5", "vehicle": "CZ8099", "bill_no": "784-12345675", "note": "",
        "carrier": party(CARRIER, "广州样例物流有限公司")
    })
}

/// The journey with what is said beside it.
fn with(more: Value) -> Value {
    let mut all = journey();
    if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
        all.extend(more);
    }
    all
}

fn parcels() -> Value {
    json!([{ "number": "1", "waybill_no": "YT1", "bag_no": "BAG1", "note": "" }, { "number": "", "waybill_no": "YT2", "bag_no": "", "note": "n" }])
}

fn returned() -> Value {
    json!([{
        "number": "2", "hs_code": "4202220000", "customs_name": "手提包", "specification": "女式|塑料片作面", "quantity": "1", "unit": "011",
        "legal_quantity": "1", "legal_unit": "011", "second_quantity": "0.35", "second_unit": "035", "note": ""
    }])
}

/// A good one of each kind.
pub fn samples() -> BTreeMap<Kind, Value> {
    let seller = || party(SELLER, "广州样例贸易有限公司");
    let declarant = || party("4401960ABC", "广州样例报关有限公司");
    let operator = || party("4401680XYZ", "广州样例监管场所有限公司");
    BTreeMap::from([
        (
            Kind::Payment,
            json!({
                "platform": party("无", "Example Marketplace"), "seller": seller(), "order_no": "GZ1", "payer_code": CARRIER, "payer_name": "支付",
                "payment_no": "P1", "charge": "117.48", "currency": "142", "received_at": "20261123093000", "note": ""
            }),
        ),
        (Kind::Arrival, with(json!({ "operator": operator(), "site": "514101", "lines": parcels() }))),
        (Kind::Departure, with(json!({ "voyage": "CZ8099", "left_at": "20261123093000", "lines": parcels() }))),
        (
            Kind::Cancellation,
            json!({
                "declared_at": "5141", "inventory_no": INVENTORY_NO, "reason": "订单取消", "declarant": declarant(), "seller": seller(), "note": ""
            }),
        ),
        (
            Kind::Manifest,
            with(json!({
                "declarant": declarant(), "site": "514101", "voyage": "CZ8099", "domestic_vehicle": "粤A12345", "gross_weight": "2.4",
                "lines": [
                    { "number": "1", "waybill_no": "YT1", "bag_no": "BAG1", "inventory_no": INVENTORY_NO, "note": "" },
                    { "number": "", "waybill_no": "YT2", "bag_no": "", "inventory_no": "", "note": "n" }
                ]
            })),
        ),
        (
            Kind::Summary,
            json!({
                "declared_at": "5141", "declarant": declarant(), "seller": seller(), "customs_declarant": declarant(),
                "period": { "from": "", "to": "" }, "site": "514101", "by_owner": true, "by_item_name": false, "note": "",
                "inventory_nos": [INVENTORY_NO, "51412026E000000002"]
            }),
        ),
        (
            Kind::GoodsReturn,
            with(json!({
                "site": "514101", "platform": party("无", "Example Marketplace"), "seller": seller(), "waybill_no": "YT1",
                "inventory_no": INVENTORY_NO, "trade_mode": "9661", "declarant": declarant(), "voyage": "CZ8100", "enters_at": "5141",
                "reason": "滞销", "country": "502", "lines": returned()
            })),
        ),
        (
            Kind::ReturnTally,
            with(
                json!({ "operator": operator(), "waybill_no": "YT1", "inventory_no": INVENTORY_NO, "voyage": "CZ8100", "location": "A区" }),
            ),
        ),
    ])
}

/// Texts that fit where those of a declaration do not, besides them.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => text(),
        1 => "2026(0[1-9]|1[01])(0[1-9]|1[0-9]|2[0-3])([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]",
        1 => "(5141|5210|5301)20(14|25|26)E[0-9]{1,11}",
        1 => prop::sample::select(vec!["6", "9661", "1261", "US", "HKG", "CNY", "4202", "420222", "5301", "现金支付", ""]).prop_map(str::to_owned),
        1 => (prop::sample::select(vec![37_usize, 38, 80, 81, 250, 251, 500, 501]), "[长a]").prop_map(|(length, letter)| letter.repeat(length)),
    ]
}

#[test]
fn what_check_accepts_of_every_kind_is_valid() {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let changes = prop::collection::vec((any::<prop::sample::Index>(), texts()), 0..3);
    let samples = samples();
    assert_eq!(samples.len(), Kind::ALL.into_iter().filter(|kind| kind.is_follow_up()).count());
    for (kind, sample) in samples {
        let mut accepted = Vec::new();
        for _ in 0..TRIES {
            let sent = changed(sample.clone(), &changes.new_tree(&mut runner).unwrap().current());
            let draft = serde_json::from_value(json!({ kind.as_str(): sent })).unwrap();
            if let Ok(checked) = follow_up::check(&draft, &Parameters::default(), TODAY) {
                let content = Content::FollowUp(Arc::new(checked.into_parts().0));
                accepted.push(compose(kind, &content, ""));
            }
        }
        assert!((TRIES / 4..TRIES).contains(&accepted.len()), "{kind:?}: {}", accepted.len());
        for document in &accepted {
            assert_eq!(message::examine(document), [], "{}", String::from_utf8_lossy(document));
        }
        let message = Message::Request(kind);
        let schema = official_schema(message).unwrap_or_else(|| our_schema(message));
        let (verdicts, said) = verdicts(&schema, &accepted);
        assert!(verdicts.iter().all(|valid| *valid), "{said}");
    }
}
