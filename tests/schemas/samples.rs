//! Documents of every kind that is submitted on its own, saying all that can be said.

use std::sync::Arc;

use rust_decimal::Decimal;
use tongguan::{
    clock::Timestamp,
    declaration::{
        Arrival, Cancellation, Departure, FollowUp, GoodsReturn, Kind, Manifest, ManifestLine, MovementLine, Part, Payment, Period,
        ReturnLine, ReturnTally, Summary, SummaryResult, SummaryResultLine,
    },
    dossier::Content,
    party::Party,
};

pub const INVENTORY_NO: &str = "51412026E000000001";

fn party(code: &str, name: &str) -> Party {
    Party { code: code.to_owned(), name: name.to_owned() }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn moment(text: &str) -> Timestamp {
    Timestamp::parse_seconds(text).unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn seller() -> Party {
    party("91440101MA5AAAAAAA", "卖家")
}

fn carrier() -> Party {
    party("4401980DEF", "物流")
}

fn declarant() -> Party {
    party("4401960ABC", "报关行")
}

fn parcels() -> Vec<MovementLine> {
    let line = |number: u32| MovementLine { number, waybill_no: format!("W-{number}"), bag_no: text("BAG-1"), note: text("n") };
    vec![line(1), line(2)]
}

fn payment() -> Payment {
    Payment {
        platform: party("无", "Shop"),
        seller: seller(),
        order_no: "A-1".to_owned(),
        payer_code: text("4403160AAA"),
        payer_name: "支付公司".to_owned(),
        payment_no: text("P-1"),
        charge: decimal("199.60"),
        currency: "142".to_owned(),
        received_at: moment("20261110101112"),
        note: text("n"),
    }
}

fn arrival() -> Arrival {
    Arrival {
        declared_at: "5141".to_owned(),
        operator: party("4401980GHI", "场所"),
        site: text("514101"),
        transport: "5".to_owned(),
        bill_no: text("784-1"),
        vehicle: "粤A12345".to_owned(),
        carrier: carrier(),
        part: Part { number: 2, count: 3 },
        note: text("n"),
        lines: parcels(),
    }
}

fn departure() -> Departure {
    Departure {
        declared_at: "5141".to_owned(),
        carrier: carrier(),
        transport: "5".to_owned(),
        vehicle: text("CZ"),
        voyage: text("CZ001"),
        bill_no: text("784-1"),
        left_at: moment("20261112030405"),
        part: Part::WHOLE,
        note: text("n"),
        lines: parcels(),
    }
}

fn cancellation() -> Cancellation {
    Cancellation {
        declared_at: "5141".to_owned(),
        inventory_no: INVENTORY_NO.to_owned(),
        reason: "买家取消".to_owned(),
        declarant: declarant(),
        seller: seller(),
        note: text("n"),
    }
}

fn manifest() -> Manifest {
    let line = |number: u32| ManifestLine {
        number,
        bag_no: text("BAG-1"),
        waybill_no: format!("W-{number}"),
        inventory_no: text(INVENTORY_NO),
        note: text("n"),
    };
    Manifest {
        declared_at: "5141".to_owned(),
        declarant: declarant(),
        site: text("514101"),
        transport: "5".to_owned(),
        vehicle: "CZ".to_owned(),
        voyage: "CZ001".to_owned(),
        bill_no: "784-1".to_owned(),
        domestic_vehicle: text("粤A12345"),
        gross_weight: decimal("1.20"),
        carrier: carrier(),
        part: Part::WHOLE,
        note: text("n"),
        lines: vec![line(1), line(2)],
    }
}

fn summary() -> Summary {
    Summary {
        declared_at: "5141".to_owned(),
        declarant: declarant(),
        seller: seller(),
        customs_declarant: declarant(),
        period: Some(Period { from: moment("20261101000000"), to: moment("20261130235959") }),
        site: text("514101"),
        by_owner: true,
        by_item_name: true,
        part: Part::WHOLE,
        note: text("n"),
        inventory_nos: vec![INVENTORY_NO.to_owned(), "51412026E000000002".to_owned()],
    }
}

fn goods_return() -> GoodsReturn {
    let line = |number: u32| ReturnLine {
        number,
        hs_code: "6911101100".to_owned(),
        customs_name: "瓷杯".to_owned(),
        specification: "瓷|无牌".to_owned(),
        quantity: decimal("2"),
        unit: "011".to_owned(),
        legal_quantity: decimal("0.50000"),
        legal_unit: "035".to_owned(),
        second: Some((decimal("2"), "011".to_owned())),
        note: text("n"),
    };
    GoodsReturn {
        declared_at: "5345".to_owned(),
        site: text("534501"),
        platform: party("无", "Shop"),
        seller: seller(),
        carrier: carrier(),
        waybill_no: "R-1".to_owned(),
        inventory_no: INVENTORY_NO.to_owned(),
        trade_mode: "9661".to_owned(),
        declarant: declarant(),
        bill_no: "R-1".to_owned(),
        transport: "5".to_owned(),
        vehicle: "CZ".to_owned(),
        voyage: "CZ002".to_owned(),
        enters_at: "5345".to_owned(),
        reason: "拒收 <退回>".to_owned(),
        country: "502".to_owned(),
        note: text("n"),
        lines: vec![line(1), line(2)],
    }
}

fn return_tally() -> ReturnTally {
    ReturnTally {
        declared_at: "5345".to_owned(),
        operator: party("4401980GHI", "场所"),
        carrier: carrier(),
        waybill_no: "R-1".to_owned(),
        inventory_no: text(INVENTORY_NO),
        bill_no: "R-1".to_owned(),
        transport: "5".to_owned(),
        vehicle: "CZ".to_owned(),
        voyage: "CZ002".to_owned(),
        location: text("A-1-1"),
        note: text("n"),
    }
}

/// A document of a kind that is submitted on its own.
pub fn follow_up(kind: Kind) -> FollowUp {
    match kind {
        Kind::Payment => FollowUp::Payment(payment()),
        Kind::Arrival => FollowUp::Arrival(arrival()),
        Kind::Departure => FollowUp::Departure(departure()),
        Kind::Cancellation => FollowUp::Cancellation(cancellation()),
        Kind::Manifest => FollowUp::Manifest(manifest()),
        Kind::Summary => FollowUp::Summary(summary()),
        Kind::GoodsReturn => FollowUp::GoodsReturn(goods_return()),
        Kind::ReturnTally => FollowUp::ReturnTally(return_tally()),
        Kind::Order | Kind::Waybill | Kind::Inventory => panic!("submitted with a declaration, or as a waybill"),
    }
}

/// The same with nothing that may be left out.
pub fn bare(kind: Kind) -> FollowUp {
    match follow_up(kind) {
        FollowUp::Payment(payment) => FollowUp::Payment(Payment { payer_code: None, payment_no: None, note: None, ..payment }),
        // By post, which alone need not say which bill, vehicle and voyage.
        FollowUp::Arrival(arrival) => {
            FollowUp::Arrival(Arrival { site: None, transport: "6".to_owned(), bill_no: None, note: None, lines: Vec::new(), ..arrival })
        }
        FollowUp::Departure(departure) => {
            let lines = vec![MovementLine { number: 1, waybill_no: "W".to_owned(), bag_no: None, note: None }];
            FollowUp::Departure(Departure {
                transport: "6".to_owned(),
                vehicle: None,
                voyage: None,
                bill_no: None,
                note: None,
                lines,
                ..departure
            })
        }
        FollowUp::Cancellation(cancellation) => FollowUp::Cancellation(Cancellation { note: None, ..cancellation }),
        FollowUp::Manifest(manifest) => {
            let lines = vec![ManifestLine { number: 1, bag_no: None, waybill_no: "W".to_owned(), inventory_no: None, note: None }];
            FollowUp::Manifest(Manifest { site: None, domestic_vehicle: None, note: None, lines, ..manifest })
        }
        FollowUp::Summary(summary) => FollowUp::Summary(Summary { period: None, site: None, note: None, by_item_name: false, ..summary }),
        FollowUp::GoodsReturn(back) => {
            let lines = back.lines.iter().cloned().map(|line| ReturnLine { second: None, note: None, ..line }).collect();
            FollowUp::GoodsReturn(GoodsReturn { site: None, note: None, lines, ..back })
        }
        FollowUp::ReturnTally(tally) => FollowUp::ReturnTally(ReturnTally { inventory_no: None, location: None, note: None, ..tally }),
    }
}

/// What a document of that kind says.
pub fn content(kind: Kind) -> Content {
    match kind {
        Kind::Order | Kind::Inventory => super::declaration(),
        Kind::Waybill => super::waybill(),
        _ => Content::FollowUp(Arc::new(follow_up(kind))),
    }
}

/// What customs made of a summary.
pub fn summary_result() -> SummaryResult {
    let line = |number: u32| SummaryResultLine {
        inventory_no: INVENTORY_NO.to_owned(),
        waybill_no: format!("W-{number}"),
        place: Some(number),
        number,
        hs_code: "6911101100".to_owned(),
    };
    SummaryResult {
        declared_at: "5141".to_owned(),
        summary_no: "514120260000000001".to_owned(),
        at: Timestamp::parse_milliseconds("20261201010203004"),
        declaration_seq_no: "514120260000000002".to_owned(),
        draft_no: text("T20261201000000001"),
        port_no: text("E20261201000000001"),
        customs_declaration_no: text("514120260000000003"),
        state: "9".to_owned(),
        declarant: "4401960ABC".to_owned(),
        seller: "91440101MA5AAAAAAA".to_owned(),
        customs_declarant: "4401960ABC".to_owned(),
        gross_weight: Some(decimal("1.2")),
        net_weight: Some(decimal("1")),
        part: Part::WHOLE,
        lines: vec![line(1), line(2)],
    }
}
