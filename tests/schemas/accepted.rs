//! Whatever `check` accepts becomes messages that schema and text allow: no document can be refused for its form after it was accepted.

pub mod follow_ups;

use std::sync::Arc;

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};
use time::macros::date;
use tongguan::{
    check::{Parameters, Taken, TakenWaybill, check, check_waybill},
    declaration::{Kind, MessageId, draft},
    dossier::Content,
    message::{self, Message, Outgoing},
};

use super::{at, document, guid, official_schema, our_schema, party, sender, verdicts};

const TODAY: time::Date = date!(2026 - 11 - 23);
const SELLER: &str = "91440101MA5CXXXX1B";
const CARRIER: &str = "91440101MA59ABCD2G";

fn order_line(number: &str, quantity: &str, price: &str, total: &str) -> Value {
    json!({
        "number": number, "item_no": format!("SKU-{number}"), "item_name": "女式手提包", "description": "塑料片作面", "bar_code": "6901234567892",
        "unit": "011", "currency": "142", "quantity": quantity, "price": price, "total": total, "note": ""
    })
}

fn inventory_line(number: &str, quantity: &str) -> Value {
    json!({
        "number": number, "hs_code": "4202220000", "customs_name": "手提包", "specification": "女式|塑料片作面|无品牌", "country": "502",
        "legal_quantity": quantity, "legal_unit": "011", "second_quantity": "0.35", "second_unit": "035", "invoice": "NONE", "note": ""
    })
}

fn sample() -> Value {
    json!({
        "order": {
            "order_no": "GZ20261123000001", "order_type": "E", "platform": party("无", "Example Marketplace"),
            "seller": party(SELLER, "广州样例贸易有限公司"), "goods_value": "117.48", "freight": "0", "currency": "142", "note": "",
            "lines": [order_line("1", "2", "49.99", "99.98"), order_line("2", "1.25", "14", "17.50")]
        },
        "inventory": {
            "declared_at": "5141", "exits_at": "5141", "exit_date": "20261124", "statistics": "A",
            "declarant": party("4401960ABC", "广州样例报关有限公司"), "owner": party(SELLER, "广州样例贸易有限公司"), "owner_registered": true,
            "trade_mode": "9610", "transport": "5", "vehicle": "CZ8099", "voyage": "CZ8099", "bill_no": "784-12345675", "bag_no": "",
            "site": "514101", "licence_no": "", "country": "502", "destination_port": "502", "freight": "0", "freight_currency": "142",
            "insured_fee": "0", "insured_currency": "142", "wrap": "2", "packs": "1", "gross_weight": "1.2", "net_weight": "1.05", "note": "",
            "carrier": party(CARRIER, "广州样例物流有限公司"), "waybill_no": "YT2612300001",
            "lines": [inventory_line("1", "2"), inventory_line("2", "1.25")]
        }
    })
}

fn sample_waybill() -> Value {
    json!({
        "carrier": party(CARRIER, "广州样例物流有限公司"), "waybill_no": "YT2612300001", "freight": "18.5", "insured_fee": "0", "currency": "142",
        "gross_weight": "1.2", "packs": "1", "goods_info": "手提包", "seller": party(SELLER, "广州样例贸易有限公司"),
        "seller_telephone": "020-00000000", "note": "", "order": null
    })
}

/// Texts of which many fit somewhere: at the limits, in every script, with what XML must escape, and codes.
fn text() -> impl Strategy<Value = String> {
    let limit = prop::sample::select(vec![1_usize, 10, 18, 19, 20, 30, 32, 37, 50, 60, 100, 200, 250, 1_000]);
    prop_oneof![
        4 => "[ -~一-龥]{1,30}",
        2 => "\\PC{0,20}",
        2 => (limit, "[长a<&\"'>]").prop_map(|(length, letter)| letter.repeat(length)),
        2 => "-?[0-9]{1,14}(\\.[0-9]{0,6})?",
        1 => "[ \\u{3000}\\u{a0}\\u{2003}a]{1,4}",
        1 => Just(String::new()),
        2 => prop::sample::select(vec![
            "B", "W", "E", "A", "9610", "9710", "9810", "0", "0.00001", "99999999999999.99999", "999999999", "5210", "5141", "142", "502", "110", "035",
            "20261231", "2026-12-31", "00", "01", "1", "2", "99", "11", "无", "NO", "]]>", "USA", "4401960ABC", "UNKNOWN", "ﷺ", "😀",
        ])
        .prop_map(str::to_owned),
    ]
}

fn strings<'v>(value: &'v mut Value, into: &mut Vec<&'v mut String>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(list) => list.iter_mut().for_each(|item| strings(item, into)),
        Value::Object(map) => map.values_mut().for_each(|item| strings(item, into)),
        _ => {}
    }
}

fn changed(mut value: Value, changes: &[(prop::sample::Index, String)]) -> Value {
    let mut all = Vec::new();
    strings(&mut value, &mut all);
    for (place, text) in changes {
        let place = place.index(all.len());
        text.clone_into(all[place]);
    }
    value
}

fn compose(kind: Kind, content: &Content, waybill_no: &str) -> Vec<u8> {
    let document = document(kind);
    let outgoing = Outgoing { document: &document, content, waybill_no };
    message::compose(kind, MessageId(guid(3)), &sender(), &[outgoing], at()).unwrap()
}

#[test]
fn what_check_accepts_is_valid() {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let changes = prop::collection::vec((any::<prop::sample::Index>(), text()), 1..3);
    let mut accepted: [Vec<Vec<u8>>; 3] = Default::default();
    let mut refused = 0;
    for round in 0..6_000 {
        let changes = changes.new_tree(&mut runner).unwrap().current();
        if round % 4 == 0 {
            let draft: draft::Waybill = serde_json::from_value(changed(sample_waybill(), &changes)).unwrap();
            match check_waybill(&draft, &TakenWaybill::default(), TODAY) {
                Ok(checked) => accepted[1].push(compose(Kind::Waybill, &Content::Waybill(Arc::new(checked.into_parts().0)), "")),
                Err(_) => refused += 1,
            }
            continue;
        }
        let draft: draft::Declaration = serde_json::from_value(changed(sample(), &changes)).unwrap();
        match check(&draft, &Taken::default(), &Parameters::default(), TODAY) {
            Ok(checked) => {
                let declaration = checked.into_parts().0;
                let waybill_no = declaration.inventory.waybill_no.clone().unwrap_or_else(|| "W-1".to_owned());
                let content = Content::Declaration(Arc::new(declaration));
                accepted[0].push(compose(Kind::Order, &content, ""));
                accepted[2].push(compose(Kind::Inventory, &content, &waybill_no));
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 1_000 && accepted.iter().all(|accepted| accepted.len() > 300), "{refused} {:?}", accepted.each_ref().map(Vec::len));
    for (kind, accepted) in [Kind::Order, Kind::Waybill, Kind::Inventory].into_iter().zip(accepted) {
        for document in &accepted {
            let defects = message::examine(document);
            assert_eq!(defects, [], "{}", String::from_utf8_lossy(document));
        }
        let message = Message::Request(kind);
        let schema = official_schema(message).unwrap_or_else(|| our_schema(message));
        let (verdicts, said) = verdicts(&schema, &accepted);
        assert!(verdicts.iter().all(|valid| *valid), "{said}");
    }
}
