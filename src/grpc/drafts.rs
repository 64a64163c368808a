//! What callers send, as drafts: every field by its name, nothing judged.

use prost::Message;
use sha2::{Digest, Sha256};

use super::{convert, proto};
use crate::{
    declaration::draft::{Declaration, Inventory, InventoryLine, Order, OrderLine, OrderReference, Waybill},
    intake::{Push, Submission},
    party::Party,
};

/// A request as intake takes it. The digest is that of the message as encoded anew without the key, so that it does not depend on
/// how the caller's library orders or repeats fields.
pub(super) fn submission(mut request: proto::SubmitRequest) -> Submission {
    let idempotency_key = std::mem::take(&mut request.idempotency_key);
    let encoded = request.encode_to_vec();
    Submission {
        idempotency_key,
        digest: Sha256::digest(&encoded).into(),
        needed_by: request.needed_by.as_ref().map(convert::moment),
        size: encoded.len(),
        draft: declaration(request.declaration.unwrap_or_default()),
    }
}

/// A declaration's new content as intake takes it; the digest is that of the whole request.
pub(super) fn amendment(request: proto::AmendRequest) -> Submission {
    let encoded = request.encode_to_vec();
    Submission {
        idempotency_key: String::new(),
        digest: Sha256::digest(&encoded).into(),
        needed_by: request.needed_by.as_ref().map(convert::moment),
        size: encoded.len(),
        draft: declaration(request.declaration.unwrap_or_default()),
    }
}

pub(super) fn push(waybill: proto::Waybill) -> Push {
    let encoded = waybill.encode_to_vec();
    Push { digest: Sha256::digest(&encoded).into(), size: encoded.len(), draft: draft_waybill(waybill) }
}

pub(super) fn party(party: Option<proto::Party>) -> Party {
    let proto::Party { code, name } = party.unwrap_or_default();
    Party { code, name }
}

pub(super) fn declaration(declaration: proto::Declaration) -> Declaration {
    Declaration { order: order(declaration.order.unwrap_or_default()), inventory: inventory(declaration.inventory.unwrap_or_default()) }
}

fn order(order: proto::Order) -> Order {
    Order {
        order_no: order.order_no,
        order_type: order.order_type,
        platform: party(order.platform),
        seller: party(order.seller),
        goods_value: order.goods_value,
        freight: order.freight,
        currency: order.currency,
        note: order.note,
        lines: order.lines.into_iter().map(order_line).collect(),
    }
}

fn order_line(line: proto::OrderLine) -> OrderLine {
    OrderLine {
        number: line.number,
        item_no: line.item_no,
        item_name: line.item_name,
        description: line.description,
        bar_code: line.bar_code,
        unit: line.unit,
        currency: line.currency,
        quantity: line.quantity,
        price: line.price,
        total: line.total,
        note: line.note,
    }
}

fn inventory(inventory: proto::Inventory) -> Inventory {
    Inventory {
        declared_at: inventory.declared_at,
        exits_at: inventory.exits_at,
        exit_date: inventory.exit_date,
        statistics: inventory.statistics,
        declarant: party(inventory.declarant),
        owner: party(inventory.owner),
        owner_registered: inventory.owner_registered,
        area_enterprise: party(inventory.area_enterprise),
        book_no: inventory.book_no,
        trade_mode: inventory.trade_mode,
        transport: inventory.transport,
        vehicle: inventory.vehicle,
        voyage: inventory.voyage,
        bill_no: inventory.bill_no,
        bag_no: inventory.bag_no,
        site: inventory.site,
        licence_no: inventory.licence_no,
        country: inventory.country,
        destination_port: inventory.destination_port,
        freight: inventory.freight,
        freight_currency: inventory.freight_currency,
        insured_fee: inventory.insured_fee,
        insured_currency: inventory.insured_currency,
        wrap: inventory.wrap,
        packs: inventory.packs,
        gross_weight: inventory.gross_weight,
        net_weight: inventory.net_weight,
        note: inventory.note,
        carrier: party(inventory.carrier),
        waybill_no: inventory.waybill_no,
        lines: inventory.lines.into_iter().map(inventory_line).collect(),
    }
}

fn inventory_line(line: proto::InventoryLine) -> InventoryLine {
    InventoryLine {
        number: line.number,
        record_no: line.record_no,
        hs_code: line.hs_code,
        customs_name: line.customs_name,
        specification: line.specification,
        country: line.country,
        legal_quantity: line.legal_quantity,
        legal_unit: line.legal_unit,
        second_quantity: line.second_quantity,
        second_unit: line.second_unit,
        invoice: line.invoice,
        note: line.note,
    }
}

fn draft_waybill(waybill: proto::Waybill) -> Waybill {
    Waybill {
        carrier: party(waybill.carrier),
        waybill_no: waybill.waybill_no,
        freight: waybill.freight,
        insured_fee: waybill.insured_fee,
        currency: waybill.currency,
        gross_weight: waybill.gross_weight,
        packs: waybill.packs,
        goods_info: waybill.goods_info,
        seller: party(waybill.seller),
        seller_telephone: waybill.seller_telephone,
        note: waybill.note,
        order: waybill.order.map(|order| OrderReference { platform: order.platform, seller: order.seller, order_no: order.order_no }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_leaves_the_key_out_and_nothing_else() {
        let request = |key: &str, order_no: &str| proto::SubmitRequest {
            declaration: Some(proto::Declaration {
                order: Some(proto::Order { order_no: order_no.into(), ..Default::default() }),
                inventory: None,
            }),
            needed_by: None,
            idempotency_key: key.into(),
        };
        assert_eq!(submission(request("a", "1")).digest, submission(request("b", "1")).digest);
        assert_ne!(submission(request("a", "1")).digest, submission(request("a", "2")).digest);
        assert_eq!(submission(request("a", "1")).idempotency_key, "a");
    }
}
