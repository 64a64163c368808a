//! One good document of each kind that is submitted on its own.

use super::{CARRIER, SELLER, party};
use crate::declaration::draft::{
    Arrival, Cancellation, Departure, FollowUp, GoodsReturn, Manifest, ManifestLine, MovementLine, Payment, Period, ReturnLine,
    ReturnTally, Summary,
};

/// One good document of each kind: nothing is found in them.
#[derive(Debug, Clone, Default)]
pub(crate) struct FollowUps {
    pub(crate) payment: Payment,
    pub(crate) arrival: Arrival,
    pub(crate) departure: Departure,
    pub(crate) cancellation: Cancellation,
    pub(crate) manifest: Manifest,
    pub(crate) summary: Summary,
    pub(crate) goods_return: GoodsReturn,
    pub(crate) tally: ReturnTally,
}

impl FollowUps {
    /// All good.
    pub(crate) fn good() -> Self {
        Self {
            payment: payment(),
            arrival: arrival(),
            departure: departure(),
            cancellation: cancellation(),
            manifest: manifest(),
            summary: summary(),
            goods_return: goods_return(),
            tally: tally(),
        }
    }

    /// Each of them.
    pub(crate) fn all(&self) -> [FollowUp; 8] {
        [
            FollowUp::Payment(self.payment.clone()),
            FollowUp::Arrival(self.arrival.clone()),
            FollowUp::Departure(self.departure.clone()),
            FollowUp::Cancellation(self.cancellation.clone()),
            FollowUp::Manifest(self.manifest.clone()),
            FollowUp::Summary(self.summary.clone()),
            FollowUp::GoodsReturn(self.goods_return.clone()),
            FollowUp::ReturnTally(self.tally.clone()),
        ]
    }
}

fn seller() -> crate::party::Party {
    party(SELLER, "广州样例贸易有限公司")
}

fn carrier() -> crate::party::Party {
    party(CARRIER, "广州样例物流有限公司")
}

fn declarant() -> crate::party::Party {
    party("4401960ABC", "广州样例报关有限公司")
}

fn operator() -> crate::party::Party {
    party("4401680XYZ", "广州样例监管场所有限公司")
}

fn payment() -> Payment {
    Payment {
        platform: party("无", "Example Marketplace"),
        seller: seller(),
        order_no: "GZ20261123000001".into(),
        payer_code: CARRIER.into(),
        payer_name: "样例支付有限公司".into(),
        payment_no: "PAY0001".into(),
        charge: "117.48".into(),
        currency: "142".into(),
        received_at: "20261123093000".into(),
        note: String::new(),
    }
}

fn movement_line(number: &str, waybill_no: &str) -> MovementLine {
    MovementLine { number: number.into(), waybill_no: waybill_no.into(), bag_no: "BAG1".into(), note: String::new() }
}

fn arrival() -> Arrival {
    Arrival {
        declared_at: "5141".into(),
        operator: operator(),
        site: "514101".into(),
        transport: "5".into(),
        bill_no: "784-12345675".into(),
        vehicle: "粤A12345".into(),
        carrier: carrier(),
        note: String::new(),
        lines: vec![movement_line("1", "YT2612300001"), movement_line("2", "YT2612300002")],
    }
}

fn departure() -> Departure {
    Departure {
        declared_at: "5141".into(),
        carrier: carrier(),
        transport: "5".into(),
        vehicle: "CZ8099".into(),
        voyage: "CZ8099".into(),
        bill_no: "784-12345675".into(),
        left_at: "20261123235959".into(),
        note: String::new(),
        lines: vec![movement_line("1", "YT2612300001"), movement_line("2", "YT2612300002")],
    }
}

fn cancellation() -> Cancellation {
    Cancellation {
        declared_at: "5141".into(),
        inventory_no: "51412026E000000001".into(),
        reason: "订单取消".into(),
        declarant: declarant(),
        seller: seller(),
        note: String::new(),
    }
}

fn manifest_line(number: &str, waybill_no: &str) -> ManifestLine {
    let (number, waybill_no) = (number.into(), waybill_no.into());
    ManifestLine { number, bag_no: "BAG1".into(), waybill_no, inventory_no: String::new(), note: String::new() }
}

fn manifest() -> Manifest {
    Manifest {
        declared_at: "5141".into(),
        declarant: declarant(),
        site: "514101".into(),
        transport: "5".into(),
        vehicle: "CZ8099".into(),
        voyage: "CZ8099".into(),
        bill_no: "784-12345675".into(),
        domestic_vehicle: "粤A12345".into(),
        gross_weight: "2.4".into(),
        carrier: carrier(),
        note: String::new(),
        lines: vec![manifest_line("1", "YT2612300001"), manifest_line("2", "YT2612300002")],
    }
}

fn summary() -> Summary {
    Summary {
        declared_at: "5141".into(),
        declarant: declarant(),
        seller: seller(),
        customs_declarant: declarant(),
        period: Period::default(),
        site: "514101".into(),
        by_owner: false,
        by_item_name: true,
        note: String::new(),
        inventory_nos: vec!["51412026E000000001".into(), "51412026E000000002".into()],
    }
}

fn return_line(number: &str) -> ReturnLine {
    ReturnLine {
        number: number.into(),
        hs_code: "4202220000".into(),
        customs_name: "手提包".into(),
        specification: "女式|塑料片作面|无品牌".into(),
        quantity: "1".into(),
        unit: "011".into(),
        legal_quantity: "1".into(),
        legal_unit: "011".into(),
        second_quantity: "0.35".into(),
        second_unit: "035".into(),
        note: String::new(),
    }
}

fn goods_return() -> GoodsReturn {
    GoodsReturn {
        declared_at: "5141".into(),
        site: "514101".into(),
        platform: party("无", "Example Marketplace"),
        seller: seller(),
        carrier: carrier(),
        waybill_no: "YT2612300001".into(),
        inventory_no: "51412026E000000001".into(),
        trade_mode: "9661".into(),
        declarant: declarant(),
        bill_no: "784-12345675".into(),
        transport: "5".into(),
        vehicle: "CZ8100".into(),
        voyage: "CZ8100".into(),
        enters_at: "5141".into(),
        reason: "滞销".into(),
        country: "502".into(),
        note: String::new(),
        lines: vec![return_line("1"), return_line("2")],
    }
}

fn tally() -> ReturnTally {
    ReturnTally {
        declared_at: "5141".into(),
        operator: operator(),
        carrier: carrier(),
        waybill_no: "YT2612300001".into(),
        inventory_no: "51412026E000000001".into(),
        bill_no: "784-12345675".into(),
        transport: "5".into(),
        vehicle: "CZ8100".into(),
        voyage: "CZ8100".into(),
        location: "A区3排".into(),
        note: String::new(),
    }
}
