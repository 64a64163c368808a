//! A parcel's documents of every kind, made from a parcel of the demonstration.

use std::sync::Arc;

use rust_decimal::Decimal;
use tongguan::{
    clock::Timestamp,
    declaration::{
        Arrival, Cancellation, Declaration, Departure, FollowUp, GoodsReturn, Inventory, Manifest, ManifestLine, MovementLine, Part,
        Payment, ReturnLine, ReturnTally, Statistics, Summary, Waybill,
    },
    party::Party,
};

use super::stage::{content, parcel};

/// A parcel that travels with a bill, to be summed.
pub struct Story {
    pub declaration: Arc<Declaration>,
    pub waybill: Arc<Waybill>,
}

pub const BILL: &str = "784-12345678";

fn operator() -> Party {
    Party { code: "91440101MA5TG07G5B".to_owned(), name: "广州示例监管场所".to_owned() }
}

impl Story {
    pub fn of(index: usize) -> Self {
        let (declaration, waybill) = parcel(index);
        let bill_no = Some(BILL.to_owned());
        let inventory = Inventory { bill_no, statistics: Statistics::Summed, ..declaration.inventory.clone() };
        Self { declaration: Arc::new(Declaration { order: declaration.order.clone(), inventory }), waybill }
    }

    /// One without a bill.
    pub fn without_bill(self) -> Self {
        let inventory = Inventory { bill_no: None, ..self.declaration.inventory.clone() };
        Self { declaration: Arc::new(Declaration { order: self.declaration.order.clone(), inventory }), ..self }
    }

    pub fn content(&self, kind: tongguan::declaration::Kind) -> tongguan::dossier::Content {
        content(kind, &(self.declaration.clone(), self.waybill.clone()))
    }

    fn inventory(&self) -> &Inventory {
        &self.declaration.inventory
    }

    fn lines(&self) -> Vec<MovementLine> {
        vec![MovementLine { number: 1, waybill_no: self.waybill.waybill_no.clone(), bag_no: None, note: None }]
    }

    pub fn payment(&self) -> FollowUp {
        let order = &self.declaration.order;
        FollowUp::Payment(Payment {
            platform: order.platform.clone(),
            seller: order.seller.clone(),
            order_no: order.order_no.clone(),
            payer_code: None,
            payer_name: "现金支付".to_owned(),
            payment_no: None,
            charge: order.goods_value,
            currency: order.currency.clone(),
            received_at: Timestamp::parse_seconds("20261122101112").unwrap(),
            note: None,
        })
    }

    pub fn manifest(&self, part: Part) -> FollowUp {
        let inventory = self.inventory();
        let line = ManifestLine { number: 1, bag_no: None, waybill_no: self.waybill.waybill_no.clone(), inventory_no: None, note: None };
        FollowUp::Manifest(Manifest {
            declared_at: inventory.declared_at.clone(),
            declarant: inventory.declarant.clone(),
            site: None,
            transport: "5".to_owned(),
            vehicle: "CZ".to_owned(),
            voyage: "CZ001".to_owned(),
            bill_no: BILL.to_owned(),
            domestic_vehicle: None,
            gross_weight: inventory.gross_weight,
            carrier: inventory.carrier.clone(),
            part,
            note: None,
            lines: vec![line],
        })
    }

    pub fn arrival(&self) -> FollowUp {
        let inventory = self.inventory();
        FollowUp::Arrival(Arrival {
            declared_at: inventory.declared_at.clone(),
            operator: operator(),
            site: None,
            transport: "5".to_owned(),
            bill_no: Some(BILL.to_owned()),
            vehicle: "粤A12345".to_owned(),
            carrier: inventory.carrier.clone(),
            part: Part::WHOLE,
            note: None,
            lines: Vec::new(),
        })
    }

    pub fn departure(&self) -> FollowUp {
        let inventory = self.inventory();
        FollowUp::Departure(Departure {
            declared_at: inventory.declared_at.clone(),
            carrier: inventory.carrier.clone(),
            transport: "5".to_owned(),
            vehicle: Some("CZ".to_owned()),
            voyage: Some("CZ001".to_owned()),
            bill_no: Some(BILL.to_owned()),
            left_at: Timestamp::parse_seconds("20261123111213").unwrap(),
            part: Part::WHOLE,
            note: None,
            lines: self.lines(),
        })
    }

    pub fn cancellation(&self, inventory_no: &str) -> FollowUp {
        let inventory = self.inventory();
        FollowUp::Cancellation(Cancellation {
            declared_at: inventory.declared_at.clone(),
            inventory_no: inventory_no.to_owned(),
            reason: "买家取消订单".to_owned(),
            declarant: inventory.declarant.clone(),
            seller: self.declaration.order.seller.clone(),
            note: None,
        })
    }

    pub fn summary(&self, inventory_nos: &[String]) -> FollowUp {
        let inventory = self.inventory();
        FollowUp::Summary(Summary {
            declared_at: inventory.declared_at.clone(),
            declarant: inventory.declarant.clone(),
            seller: self.declaration.order.seller.clone(),
            customs_declarant: inventory.declarant.clone(),
            period: None,
            site: None,
            by_owner: true,
            by_item_name: true,
            part: Part::WHOLE,
            note: None,
            inventory_nos: inventory_nos.to_vec(),
        })
    }

    /// Of the first line, so much.
    pub fn goods_return(&self, inventory_no: &str, quantity: Decimal) -> FollowUp {
        let (inventory, order) = (self.inventory(), &self.declaration.order);
        let (line, sold) = (&inventory.lines[0], &order.lines[0]);
        FollowUp::GoodsReturn(GoodsReturn {
            declared_at: inventory.declared_at.clone(),
            site: None,
            platform: order.platform.clone(),
            seller: order.seller.clone(),
            carrier: inventory.carrier.clone(),
            waybill_no: self.waybill.waybill_no.clone(),
            inventory_no: inventory_no.to_owned(),
            trade_mode: "9661".to_owned(),
            declarant: inventory.declarant.clone(),
            bill_no: self.waybill.waybill_no.clone(),
            transport: "5".to_owned(),
            vehicle: "CZ".to_owned(),
            voyage: "CZ002".to_owned(),
            enters_at: inventory.declared_at.clone(),
            reason: "拒收".to_owned(),
            country: "502".to_owned(),
            note: None,
            lines: vec![ReturnLine {
                number: line.number,
                hs_code: line.hs_code.clone(),
                customs_name: line.customs_name.clone(),
                specification: line.specification.clone(),
                quantity,
                unit: sold.unit.clone(),
                legal_quantity: line.legal_quantity,
                legal_unit: line.legal_unit.clone(),
                second: line.second.clone(),
                note: None,
            }],
        })
    }

    pub fn tally(&self, inventory_no: &str) -> FollowUp {
        let inventory = self.inventory();
        FollowUp::ReturnTally(ReturnTally {
            declared_at: inventory.declared_at.clone(),
            operator: operator(),
            carrier: inventory.carrier.clone(),
            waybill_no: self.waybill.waybill_no.clone(),
            inventory_no: Some(inventory_no.to_owned()),
            bill_no: self.waybill.waybill_no.clone(),
            transport: "5".to_owned(),
            vehicle: "CZ".to_owned(),
            voyage: "CZ002".to_owned(),
            location: None,
            note: None,
        })
    }
}
