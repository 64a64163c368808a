//! The rules of the waybill (505).

use super::{coded, fields::Field, inventory::packs, read::Amount, report::Report};
use crate::{
    declaration::{
        Waybill,
        draft::{self, OrderReference},
    },
    party::Party,
};

/// Reads the waybill and the order it names; what was not good is empty or zero in them.
pub(super) fn read(report: &mut Report, draft: &draft::Waybill) -> (Waybill, Option<OrderReference>) {
    let waybill = Waybill {
        carrier: report.party(Field::WaybillCarrierCode, Field::WaybillCarrierName, &draft.carrier),
        waybill_no: report.required(Field::WaybillNo, 0, &draft.waybill_no),
        freight: report.amount(Field::WaybillFreight, 0, &draft.freight, Amount::ZeroIfNone).unwrap_or_default(),
        insured_fee: report.amount(Field::WaybillInsuredFee, 0, &draft.insured_fee, Amount::ZeroIfNone).unwrap_or_default(),
        currency: coded::currency(report, Field::WaybillCurrency, 0, &draft.currency),
        gross_weight: report.amount(Field::WaybillGrossWeight, 0, &draft.gross_weight, Amount::Positive).unwrap_or_default(),
        packs: packs(report, Field::WaybillPacks, &draft.packs),
        goods_info: report.required(Field::GoodsInfo, 0, &draft.goods_info),
        seller: seller(report, &draft.seller),
        seller_telephone: report.text(Field::SellerTelephone, 0, &draft.seller_telephone),
        note: report.text(Field::WaybillNote, 0, &draft.note),
    };
    let order = draft.order.as_ref().map(|order| reference(report, order));
    if let (Some(seller), Some(order)) = (&waybill.seller, &order) {
        check_seller(report, &seller.code, &order.seller);
    }
    (waybill, order)
}

/// Both its code and its name, or neither.
fn seller(report: &mut Report, draft: &Party) -> Option<Party> {
    let empty = |text: &str| text.trim().is_empty();
    if empty(&draft.code) && empty(&draft.name) {
        return None;
    }
    for (field, value) in [(Field::WaybillSellerCode, &draft.code), (Field::WaybillSellerName, &draft.name)] {
        if empty(value) {
            report.add(&super::rules::REQUIRED, field, 0, "");
        }
    }
    Some(report.party(Field::WaybillSellerCode, Field::WaybillSellerName, draft))
}

/// Whether two codes are two sellers. An enterprise has a code of 10 and one of 18 characters: only two of one kind can be told
/// apart.
pub(super) fn is_other(one: &str, other: &str) -> bool {
    one != other && one.len() == other.len() && !one.is_empty()
}

/// The seller of a waybill is that of its order.
fn check_seller(report: &mut Report, own: &str, of_order: &str) {
    if is_other(own, of_order) {
        report.add(&super::rules::WAYBILL_SELLER, Field::ReferenceSeller, 0, "");
    }
}

fn reference(report: &mut Report, draft: &OrderReference) -> OrderReference {
    OrderReference {
        platform: report.platform(Field::ReferencePlatform, &draft.platform),
        seller: report.enterprise(Field::ReferenceSeller, 0, &draft.seller),
        order_no: report.required(Field::ReferenceOrderNo, 0, &draft.order_no),
    }
}
