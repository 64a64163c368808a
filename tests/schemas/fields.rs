//! The forms of fields, as `check` holds them, against the schemas of the messages that they become: neither narrower nor wider.

use std::sync::Arc;

use serde_json::{Value, json};
use time::macros::date;
use tongguan::{
    check::{
        Parameters, Taken, TakenWaybill, check, check_waybill,
        fields::{Field, Form},
        follow_up,
    },
    declaration::{Declaration, FollowUp, Kind, MessageId, Waybill, draft},
    dossier::Content,
    message::{self, Outgoing},
};

use super::{accepted::follow_ups, at, document, guid, sender};

const TODAY: time::Date = date!(2026 - 11 - 23);
const SELLER: &str = "91440101MA5CXXXX1B";

fn sample() -> Value {
    let line = json!({
        "number": "1", "item_no": "SKU", "item_name": "包", "description": "包", "bar_code": "6901", "unit": "011", "currency": "142",
        "quantity": "1", "price": "1", "total": "1", "note": "n"
    });
    let listed = json!({
        "number": "1", "record_no": "R", "hs_code": "4202220000", "customs_name": "包", "specification": "包", "country": "502", "legal_quantity": "1",
        "legal_unit": "011", "second_quantity": "0.35", "second_unit": "035", "invoice": "NONE", "note": "n"
    });
    let seller = json!({ "code": SELLER, "name": "卖家" });
    json!({
        "order": {
            "order_no": "1", "order_type": "E", "platform": { "code": "无", "name": "P" }, "seller": seller, "goods_value": "1",
            "freight": "0", "currency": "142", "note": "n", "lines": [line]
        },
        "inventory": {
            "declared_at": "5141", "exits_at": "5141", "exit_date": "20261124", "statistics": "B", "declarant": seller, "owner": seller,
            "owner_registered": true, "area_enterprise": seller, "book_no": "B", "trade_mode": "1210", "transport": "5", "vehicle": "V", "voyage": "V", "bill_no": "B", "bag_no": "B",
            "site": "514101", "licence_no": "L", "country": "502", "destination_port": "502", "freight": "0", "freight_currency": "142",
            "insured_fee": "0", "insured_currency": "142", "wrap": "2", "packs": "1", "gross_weight": "1", "net_weight": "1", "note": "n",
            "carrier": seller, "waybill_no": "W", "lines": [listed]
        }
    })
}

fn sample_waybill() -> Value {
    json!({
        "carrier": { "code": SELLER, "name": "承运" }, "waybill_no": "W", "freight": "1", "insured_fee": "0", "currency": "142",
        "gross_weight": "1", "packs": "1", "goods_info": "包", "seller": { "code": SELLER, "name": "卖家" }, "seller_telephone": "1", "note": "n",
        "order": null
    })
}

fn set(value: &mut Value, field: Field, text: String) {
    let pointer = format!("/{}", field.spec().path_at(0).replace(['.', '['], "/").replace(']', ""));
    *value.pointer_mut(&pointer).unwrap() = Value::String(text);
}

fn checked() -> Value {
    let draft: draft::Declaration = serde_json::from_value(sample()).unwrap();
    serde_json::to_value(check(&draft, &Taken::default(), &Parameters::default(), TODAY).unwrap().declaration()).unwrap()
}

fn checked_waybill() -> Value {
    let draft: draft::Waybill = serde_json::from_value(sample_waybill()).unwrap();
    serde_json::to_value(check_waybill(&draft, &TakenWaybill::default(), TODAY).unwrap().waybill()).unwrap()
}

fn checked_follow_up(kind: Kind, sent: Value) -> Value {
    let draft = serde_json::from_value(json!({ kind.as_str(): sent })).unwrap();
    let checked = follow_up::check(&draft, &Parameters::default(), TODAY).unwrap_or_else(|findings| panic!("{kind:?}: {findings:?}"));
    serde_json::to_value(checked.follow_up()).unwrap()[kind.as_str()].take()
}

/// The defects of the messages that a checked value becomes, by schema and text.
fn defects(kind: Kind, value: Value) -> Vec<String> {
    let (kinds, content): (&[Kind], _) = match kind {
        Kind::Order | Kind::Inventory => {
            (&[Kind::Order, Kind::Inventory], Content::Declaration(Arc::new(serde_json::from_value::<Declaration>(value).unwrap())))
        }
        Kind::Waybill => (&[Kind::Waybill], Content::Waybill(Arc::new(serde_json::from_value::<Waybill>(value).unwrap()))),
        _ => {
            let follow_up: FollowUp = serde_json::from_value(json!({ kind.as_str(): value })).unwrap();
            (&[kind], Content::FollowUp(Arc::new(follow_up)))
        }
    };
    let waybill_no = match &content {
        Content::Declaration(declaration) => declaration.inventory.waybill_no.clone().unwrap_or_default(),
        Content::Waybill(_) | Content::FollowUp(_) => String::new(),
    };
    let composed = kinds.iter().filter_map(|kind| {
        let document = document(*kind);
        let outgoing = Outgoing { document: &document, content: &content, waybill_no: &waybill_no };
        message::compose(*kind, MessageId(guid(3)), &sender(), &[outgoing], at()).ok()
    });
    composed.flat_map(|message| message::examine(&message)).map(|defect| defect.code.to_owned()).collect()
}

/// Fields that are no element of a message: what names an order beside its waybill, and what stays with us.
fn is_sent(field: Field) -> bool {
    ![Field::ReferencePlatform, Field::ReferenceSeller, Field::ReferenceOrderNo, Field::Invoice].contains(&field)
}

/// A checked value of the kind that a field belongs to.
fn base(field: Field) -> Value {
    match field.spec().kind {
        Kind::Order | Kind::Inventory => checked(),
        Kind::Waybill => checked_waybill(),
        kind => checked_follow_up(kind, follow_ups::samples()[&kind].clone()),
    }
}

/// The most characters of a text.
fn longest(field: Field) -> Option<usize> {
    match field.spec().form {
        // An inventory holds less of an article number than an order.
        _ if field == Field::ItemNo => Some(20),
        Form::Text(limit) | Form::Free(limit) => Some(limit),
        _ => None,
    }
}

#[test]
fn a_text_that_fills_its_field_is_valid_and_one_character_more_is_not() {
    let mut tried = 0;
    for &field in Field::ALL.iter().filter(|field| is_sent(**field)) {
        // A number of an inventory is of letters and digits.
        let (limit, letter) = match field.spec().form {
            Form::InventoryNo => (20, "1"),
            _ => (longest(field).unwrap_or_default(), "长"),
        };
        if limit == 0 {
            continue;
        }
        for (length, valid) in [(limit, true), (limit + 1, false)] {
            let mut value = base(field);
            set(&mut value, field, letter.repeat(length));
            let found = defects(field.spec().kind, value);
            let fits = if valid { found.is_empty() } else { found.iter().any(|code| code == "S-LENGTH") };
            assert!(fits, "{} of {length}: {found:?}", field.spec().path);
        }
        tried += 1;
    }
    assert!(tried > 95, "{tried}");
}

// Of N19,5 the specification means 14 digits before the point; the schema counts 19 in all, so it sees the 15th only beside 5 behind it.
#[test]
fn an_amount_that_fills_its_field_is_valid_and_one_digit_more_is_not() {
    let mut tried = 0;
    for &field in Field::ALL.iter().filter(|field| is_sent(**field) && field.spec().form == Form::Decimal) {
        // Kept in a pair with its unit: seen to by the line's other quantity.
        if [Field::SecondQuantity, Field::ReturnSecondQuantity].contains(&field) {
            continue;
        }
        for (amount, code) in [
            ("99999999999999.99999", None),
            ("0.00001", None),
            ("100000000000000.00001", Some("S-DIGITS")),
            ("1.000001", Some("S-FRACTION")),
        ] {
            let mut value = base(field);
            set(&mut value, field, amount.to_owned());
            let found = defects(field.spec().kind, value);
            assert_eq!(found.first().map(String::as_str), code, "{} {amount}: {found:?}", field.spec().path);
        }
        tried += 1;
    }
    assert!(tried > 10, "{tried}");
}

/// Fills every field of a kind with as much as it holds.
fn fill(kind: Kind, value: &mut Value) {
    for &field in Field::ALL.iter().filter(|field| is_sent(**field) && field.spec().kind == kind) {
        match field.spec().form {
            Form::Decimal => set(value, field, "99999999999999.99999".to_owned()),
            Form::Integer(digits) if field.spec().path.ends_with("packs") => set(value, field, "9".repeat(digits)),
            Form::InventoryNo => set(value, field, "51412026E00000000009".to_owned()),
            _ => longest(field).into_iter().for_each(|limit| set(value, field, "长".repeat(limit))),
        }
    }
}

#[test]
fn everything_at_its_longest_at_once_is_accepted_and_valid() {
    let (mut declaration, mut waybill) = (sample(), sample_waybill());
    fill(Kind::Order, &mut declaration);
    fill(Kind::Inventory, &mut declaration);
    fill(Kind::Waybill, &mut waybill);
    for field in [Field::Quantity, Field::LegalQuantity] {
        set(&mut declaration, field, "1".to_owned());
    }
    let draft: draft::Declaration = serde_json::from_value(declaration).unwrap();
    let checked = check(&draft, &Taken::default(), &Parameters::default(), TODAY).unwrap();
    assert_eq!(defects(Kind::Order, serde_json::to_value(checked.declaration()).unwrap()), [""; 0]);
    let draft: draft::Waybill = serde_json::from_value(waybill).unwrap();
    let checked = check_waybill(&draft, &TakenWaybill::default(), TODAY).unwrap();
    assert_eq!(defects(Kind::Waybill, serde_json::to_value(checked.waybill()).unwrap()), [""; 0]);
    for (kind, mut sent) in follow_ups::samples() {
        fill(kind, &mut sent);
        assert_eq!(defects(kind, checked_follow_up(kind, sent)), [""; 0], "{kind:?}");
    }
}
