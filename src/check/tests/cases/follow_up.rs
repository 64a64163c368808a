//! The rules of documents that are submitted on their own.

use super::{
    super::super::sample::{CARRIER, SELLER},
    Case, Trial,
};

pub(super) const CASES: &[Case] = &[
    (
        "F-REQUIRED",
        "summary:period.to",
        |t| t.f.summary.period.from = "20261001000000".into(),
        |t| t.period("20261001000000", "20261031235959"),
    ),
    (
        "F-MOMENT",
        "departure:left_at",
        |t| t.f.departure.left_at = "2026-11-23 09:30".into(),
        |t| t.f.departure.left_at = "20261123000000".into(),
    ),
    (
        "F-MOMENT",
        "payment:received_at",
        |t| t.f.payment.received_at = "20261123246060".into(),
        |t| t.f.payment.received_at = "20261123235959".into(),
    ),
    (
        "F-MOMENT",
        "departure:left_at",
        |t| t.f.departure.left_at = "20260229000000".into(),
        |t| t.f.departure.left_at = "20260228000000".into(),
    ),
    (
        "F-INVENTORY-NO",
        "cancellation:inventory_no",
        |t| t.f.cancellation.inventory_no = "51412026I000000001".into(),
        |t| t.f.cancellation.inventory_no = "51412025E00000000001".into(),
    ),
    (
        "F-INVENTORY-NO",
        "summary:inventory_nos[1]",
        |t| t.f.summary.inventory_nos[1] = "51412027E000000001".into(),
        |t| t.f.summary.inventory_nos[1] = "51412014E000000001".into(),
    ),
    (
        "F-INVENTORY-NO",
        "goods_return:inventory_no",
        |t| t.f.goods_return.inventory_no = "５１412026E000000001".into(),
        |t| t.f.goods_return.inventory_no = "53012026E000000001".into(),
    ),
    (
        "F-TOO-LONG",
        "manifest:lines[0].inventory_no",
        |t| t.f.manifest.lines[0].inventory_no = "51412026E000000000001".into(),
        |t| t.f.manifest.lines[0].inventory_no = "51412026E00000000001".into(),
    ),
    (
        "F-INVENTORY-SHORT",
        "return_tally:inventory_no",
        |t| t.f.tally.inventory_no = "51412026E00000001".into(),
        |t| t.f.tally.inventory_no.clear(),
    ),
    ("F-POST-ONLY", "arrival:bill_no", |t| t.f.arrival.bill_no.clear(), |t| t.post()),
    ("F-POST-ONLY", "departure:voyage", |t| t.f.departure.voyage = " ".into(), |t| t.post()),
    ("F-POST-ONLY", "departure:vehicle", |t| t.f.departure.vehicle.clear(), |t| t.post()),
    ("F-BILL-WAYBILL", "goods_return:bill_no", |t| t.return_without_bill(38), |t| t.return_without_bill(37)),
    ("F-BILL-WAYBILL", "return_tally:bill_no", |t| t.return_without_bill(80), |t| t.return_without_bill(1)),
    ("C-OFFICE-DISTRICT", "manifest:declared_at", |t| t.f.manifest.declared_at = "5301".into(), |t| t.returned_at("5301")),
    ("C-OFFICE", "goods_return:enters_at", |t| t.f.goods_return.enters_at = "0000".into(), |t| t.f.goods_return.enters_at = "5301".into()),
    ("C-COUNTRY-CHINA", "goods_return:country", |t| t.f.goods_return.country = "142".into(), |t| t.f.goods_return.country = "110".into()),
    (
        "P-PAYER",
        "payment:payer_code",
        |t| t.f.payment.payer_code.clear(),
        |t| (t.f.payment.payer_code, t.f.payment.payer_name) = (String::new(), "现金支付".into()),
    ),
    (
        "P-PLATFORM-CODE",
        "goods_return:platform.code",
        |t| t.f.goods_return.platform.code = "NO".into(),
        |t| t.f.goods_return.platform.code = SELLER.into(),
    ),
    (
        "P-POSTAL-OPERATOR",
        "arrival:operator.code",
        |t| (t.f.arrival.transport, t.f.arrival.operator.code) = ("6".into(), SELLER.into()),
        |t| (t.f.arrival.transport, t.f.arrival.operator.code) = ("6".into(), CARRIER.into()),
    ),
    (
        "P-POSTAL-OPERATOR",
        "return_tally:operator.code",
        |t| (t.f.tally.transport, t.f.tally.operator.code) = ("6".into(), SELLER.into()),
        |t| t.f.tally.operator.code = SELLER.into(),
    ),
    ("L-NO-LINES", "departure:lines", |t| t.f.departure.lines.clear(), |t| t.f.arrival.lines.clear()),
    ("L-NO-LINES", "manifest:lines", |t| t.f.manifest.lines.clear(), |t| t.f.manifest.lines.truncate(1)),
    ("L-TOO-MANY", "goods_return:lines", |t| t.return_lines(101), |t| t.return_lines(100)),
    ("L-NUMBER", "arrival:lines[1].number", |t| t.f.arrival.lines[1].number = "3".into(), |t| t.f.arrival.lines[1].number.clear()),
    ("L-NUMBER", "manifest:lines[0].number", |t| t.f.manifest.lines[0].number = "0".into(), |t| t.f.manifest.lines[0].number = "01".into()),
    (
        "L-REPEATED",
        "arrival:lines[1].waybill_no",
        |t| t.f.arrival.lines[1].waybill_no = "YT2612300001".into(),
        |t| t.f.arrival.lines[1].waybill_no = "yt2612300001".into(),
    ),
    (
        "L-REPEATED",
        "departure:lines[1].waybill_no",
        |t| t.f.departure.lines[1].waybill_no = "YT2612300001".into(),
        |t| t.f.departure.lines.truncate(1),
    ),
    (
        "L-REPEATED",
        "manifest:lines[1].waybill_no",
        |t| t.f.manifest.lines[1].waybill_no = "YT2612300001".into(),
        |t| t.f.manifest.lines[1].bag_no = "BAG1".into(),
    ),
    (
        "L-REPEATED",
        "manifest:lines[1].inventory_no",
        |t| t.f.manifest.lines.iter_mut().for_each(|line| line.inventory_no = "51412026E000000001".into()),
        |t| t.f.manifest.lines[1].inventory_no = "51412026E000000001".into(),
    ),
    (
        "L-REPEATED",
        "summary:inventory_nos[1]",
        |t| t.f.summary.inventory_nos[1] = "51412026E000000001".into(),
        |t| t.f.summary.inventory_nos.truncate(1),
    ),
    (
        "L-REPEATED",
        "goods_return:lines[1].number",
        |t| t.f.goods_return.lines[1].number = "01".into(),
        |t| t.f.goods_return.lines[1].number = "7".into(),
    ),
    (
        "A-POSITIVE",
        "goods_return:lines[0].number",
        |t| t.f.goods_return.lines[0].number = "0".into(),
        |t| t.f.goods_return.lines[0].number = "9".into(),
    ),
    ("A-POSITIVE", "payment:charge", |t| t.f.payment.charge = "0".into(), |t| t.f.payment.charge = "0.00001".into()),
    (
        "A-SECOND",
        "goods_return:lines[0].second_quantity",
        |t| t.f.goods_return.lines[0].second_quantity.clear(),
        |t| (t.f.goods_return.lines[0].second_quantity, t.f.goods_return.lines[0].second_unit) = Default::default(),
    ),
    (
        "A-UNIT-EQUAL",
        "goods_return:lines[0].legal_quantity",
        |t| t.f.goods_return.lines[0].legal_quantity = "2".into(),
        |t| t.f.goods_return.lines[0].legal_quantity = "1.000".into(),
    ),
    (
        "M-RETURN-MODE",
        "goods_return:trade_mode",
        |t| t.f.goods_return.trade_mode = "9610".into(),
        |t| t.f.goods_return.trade_mode = "1261".into(),
    ),
    (
        "M-NOTHING-SUMMED",
        "summary:inventory_nos",
        |t| t.f.summary.inventory_nos.clear(),
        |t| {
            t.f.summary.inventory_nos.clear();
            t.period("20261001000000", "20261001000000");
        },
    ),
    (
        "M-PERIOD",
        "summary:inventory_nos",
        |t| t.period("20261001000000", "20261031235959"),
        |t| {
            t.period("20261001000000", "20261031235959");
            t.f.summary.inventory_nos.clear();
        },
    ),
    (
        "M-OTHER-OFFICE",
        "cancellation:inventory_no",
        |t| t.f.cancellation.declared_at = "5142".into(),
        |t| t.f.goods_return.declared_at = "5142".into(),
    ),
    (
        "M-OTHER-OFFICE",
        "summary:inventory_nos[0]",
        |t| t.f.summary.inventory_nos[0] = "52102026E000000001".into(),
        |t| t.f.manifest.lines[0].inventory_no = "52102026E000000001".into(),
    ),
    (
        "D-FAR",
        "departure:left_at",
        |t| t.f.departure.left_at = "20251121235959".into(),
        |t| t.f.departure.left_at = "20251122000000".into(),
    ),
    ("D-FAR", "summary:period.to", |t| t.period("20261001000000", "20271125000000"), |t| t.period("20261001000000", "20271124235959")),
    (
        "D-FUTURE",
        "departure:left_at",
        |t| t.f.departure.left_at = "20261124000000".into(),
        |t| t.f.departure.left_at = "20261123235959".into(),
    ),
    (
        "D-FUTURE",
        "payment:received_at",
        |t| t.f.payment.received_at = "20261124000000".into(),
        |t| t.f.payment.received_at = "20261123000000".into(),
    ),
    (
        "D-PERIOD-ORDER",
        "summary:period.to",
        |t| t.period("20261001000001", "20261001000000"),
        |t| t.period("20261001000000", "20261001000000"),
    ),
];

impl Trial {
    fn period(&mut self, from: &str, to: &str) {
        (self.f.summary.period.from, self.f.summary.period.to) = (from.into(), to.into());
    }

    /// Sent by post: bill, vehicle and voyage are not known.
    fn post(&mut self) {
        (self.f.arrival.transport, self.f.departure.transport) = ("6".into(), "6".into());
        self.f.arrival.operator.code = CARRIER.into();
        for text in
            [&mut self.f.arrival.bill_no, &mut self.f.departure.bill_no, &mut self.f.departure.vehicle, &mut self.f.departure.voyage]
        {
            text.clear();
        }
    }

    /// Goods come back under a waybill's number of that length, without a bill.
    fn return_without_bill(&mut self, length: usize) {
        self.f.goods_return.bill_no.clear();
        self.f.tally.bill_no.clear();
        self.f.goods_return.waybill_no = "1".repeat(length);
        self.f.tally.waybill_no = "1".repeat(length);
    }

    fn returned_at(&mut self, office: &str) {
        self.f.goods_return.declared_at = office.into();
        self.f.tally.declared_at = office.into();
    }

    fn return_lines(&mut self, count: usize) {
        let line = self.f.goods_return.lines[0].clone();
        let numbered = |number: usize| crate::declaration::draft::ReturnLine { number: number.to_string(), ..line.clone() };
        self.f.goods_return.lines = (1..=count).map(numbered).collect();
    }
}
