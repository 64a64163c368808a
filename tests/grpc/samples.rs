//! What callers send: one good declaration, its waybill, to be spoilt by tests.

use tongguan::grpc::proto::{Declaration, Inventory, InventoryLine, Order, OrderLine, Party, SubmitRequest, Waybill};

pub(crate) const CARRIER: &str = "91440101MA59ABCD2G";
pub(crate) const DECLARANT: &str = "4401960ABC";

pub(crate) fn party(code: &str, name: &str) -> Option<Party> {
    Some(Party { code: code.into(), name: name.into() })
}

pub(crate) fn order_line(number: usize) -> OrderLine {
    OrderLine {
        number: number.to_string(),
        item_no: format!("SKU-{number}"),
        item_name: "女式手提包".into(),
        unit: "011".into(),
        currency: "142".into(),
        quantity: "2".into(),
        price: "49.99".into(),
        total: "99.98".into(),
        ..OrderLine::default()
    }
}

pub(crate) fn inventory_line(number: usize) -> InventoryLine {
    InventoryLine {
        number: number.to_string(),
        hs_code: "4202220000".into(),
        customs_name: "手提包".into(),
        specification: "女式|塑料片作面|无品牌".into(),
        country: "502".into(),
        legal_quantity: "2".into(),
        legal_unit: "011".into(),
        second_quantity: "0.35".into(),
        second_unit: "035".into(),
        invoice: "NONE".into(),
        ..InventoryLine::default()
    }
}

pub(crate) fn declaration(order_no: &str, waybill_no: &str) -> Declaration {
    let seller = party("91440101MA5CXXXX1B", "广州样例贸易有限公司");
    Declaration {
        order: Some(Order {
            order_no: order_no.into(),
            order_type: "E".into(),
            platform: party("无", "Example Marketplace"),
            seller: seller.clone(),
            goods_value: "99.98".into(),
            freight: "0".into(),
            currency: "142".into(),
            note: String::new(),
            lines: vec![order_line(1)],
        }),
        inventory: Some(Inventory {
            declared_at: "5141".into(),
            exits_at: "5141".into(),
            exit_date: "20261124".into(),
            statistics: "A".into(),
            declarant: party(DECLARANT, "广州样例报关有限公司"),
            owner: seller,
            owner_registered: true,
            trade_mode: "9610".into(),
            transport: "5".into(),
            vehicle: "CZ8099".into(),
            voyage: "CZ8099".into(),
            bill_no: "784-12345675".into(),
            site: "514101".into(),
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
            carrier: party(CARRIER, "广州样例物流有限公司"),
            waybill_no: waybill_no.into(),
            lines: vec![inventory_line(1)],
            ..Inventory::default()
        }),
    }
}

pub(crate) fn submit(order_no: &str, waybill_no: &str) -> SubmitRequest {
    SubmitRequest { declaration: Some(declaration(order_no, waybill_no)), ..SubmitRequest::default() }
}

/// The order of a request, to be spoilt.
pub(crate) fn order(request: &mut SubmitRequest) -> &mut Order {
    request.declaration.as_mut().unwrap().order.as_mut().unwrap()
}

/// The inventory of a request, to be spoilt.
pub(crate) fn inventory(request: &mut SubmitRequest) -> &mut Inventory {
    request.declaration.as_mut().unwrap().inventory.as_mut().unwrap()
}

pub(crate) fn waybill(waybill_no: &str) -> Waybill {
    Waybill {
        carrier: party(CARRIER, "广州样例物流有限公司"),
        waybill_no: waybill_no.into(),
        freight: "18.5".into(),
        insured_fee: "0".into(),
        currency: "142".into(),
        gross_weight: "1.2".into(),
        packs: "1".into(),
        goods_info: "手提包".into(),
        ..Waybill::default()
    }
}
