//! One good declaration, one good waybill of it, and one good document of each other kind, for tests to spoil.

use time::{Date, macros::date};

mod follow_up;

pub(crate) use follow_up::FollowUps;

use crate::{
    declaration::draft::{Declaration, Inventory, InventoryLine, Order, OrderLine, Waybill},
    party::Party,
};

/// The day on which the sample is good.
pub(crate) const TODAY: Date = date!(2026 - 11 - 23);

/// The sample's seller (test code, right check digit).
pub(crate) const SELLER: &str = "91440101MA5CXXXX1B";
/// The sample's carrier (test code, right check digit).
pub(crate) const CARRIER: &str = "91440101MA59ABCD2G";

fn party(code: &str, name: &str) -> Party {
    Party { code: code.to_owned(), name: name.to_owned() }
}

fn order_line(number: &str, quantity: &str, price: &str, total: &str) -> OrderLine {
    OrderLine {
        number: number.into(),
        item_no: format!("SKU-{number}"),
        item_name: "女式手提包".into(),
        description: "塑料片作面".into(),
        bar_code: "6901234567892".into(),
        unit: "011".into(),
        currency: "142".into(),
        quantity: quantity.into(),
        price: price.into(),
        total: total.into(),
        note: String::new(),
    }
}

fn inventory_line(number: &str, quantity: &str) -> InventoryLine {
    InventoryLine {
        number: number.into(),
        record_no: String::new(),
        hs_code: "4202220000".into(),
        customs_name: "手提包".into(),
        specification: "女式|塑料片作面|无品牌".into(),
        country: "502".into(),
        legal_quantity: quantity.into(),
        legal_unit: "011".into(),
        second_quantity: "0.35".into(),
        second_unit: "035".into(),
        invoice: "NONE".into(),
        note: String::new(),
    }
}

/// A good declaration of two lines: nothing is found in it.
pub(crate) fn sample() -> Declaration {
    let seller = party(SELLER, "广州样例贸易有限公司");
    Declaration {
        order: Order {
            order_no: "GZ20261123000001".into(),
            order_type: "E".into(),
            platform: party("无", "Example Marketplace"),
            seller: seller.clone(),
            goods_value: "117.48".into(),
            freight: "0".into(),
            currency: "142".into(),
            note: String::new(),
            lines: vec![order_line("1", "2", "49.99", "99.98"), order_line("2", "1.25", "14", "17.50")],
        },
        inventory: Inventory {
            declared_at: "5141".into(),
            exits_at: "5141".into(),
            exit_date: "20261124".into(),
            statistics: "A".into(),
            declarant: party("4401960ABC", "广州样例报关有限公司"),
            owner: seller,
            owner_registered: true,
            area_enterprise: Party::default(),
            book_no: String::new(),
            trade_mode: "9610".into(),
            transport: "5".into(),
            vehicle: "CZ8099".into(),
            voyage: "CZ8099".into(),
            bill_no: "784-12345675".into(),
            bag_no: String::new(),
            site: "514101".into(),
            licence_no: String::new(),
            country: "502".into(),
            destination_port: "502".into(),
            freight: "0".into(),
            freight_currency: "142".into(),
            insured_fee: "0".into(),
            insured_currency: "142".into(),
            wrap: "2".into(),
            packs: "1".into(),
            gross_weight: "1.2".into(),
            net_weight: "1.05".into(),
            note: String::new(),
            carrier: party(CARRIER, "广州样例物流有限公司"),
            waybill_no: "YT2612300001".into(),
            lines: vec![inventory_line("1", "2"), inventory_line("2", "1.25")],
        },
    }
}

/// A good waybill of the sample's carrier: nothing is found in it.
pub(crate) fn sample_waybill() -> Waybill {
    Waybill {
        carrier: party(CARRIER, "广州样例物流有限公司"),
        waybill_no: "YT2612300001".into(),
        freight: "18.5".into(),
        insured_fee: "0".into(),
        currency: "142".into(),
        gross_weight: "1.2".into(),
        packs: "1".into(),
        goods_info: "手提包".into(),
        seller: party(SELLER, "广州样例贸易有限公司"),
        seller_telephone: "020-00000000".into(),
        note: String::new(),
        order: None,
    }
}
