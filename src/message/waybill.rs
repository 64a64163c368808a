//! 物流运单: 505 and its receipt 506.

use super::{
    answer::Reply,
    compose::Outgoing,
    error::{Error, Problem},
    family::{Family, Head},
    request::{RequestContent, WaybillRequest},
    xml::{tree::Element, writer::Writer},
};
use crate::{dossier::Content, receipt::Key};

pub static FAMILY: Family = Family {
    request: "CEB505Message",
    document: "Logistics",
    head: None,
    list: None,
    write,
    read,
    answer: "CEB506Message",
    receipt: "LogisticsReturn",
    read_key,
    write_key,
};

fn write(writer: &mut Writer, head: &Head<'_>, outgoing: &Outgoing<'_>) -> Result<(), Error> {
    let Content::Waybill(waybill) = outgoing.content else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    head.write(writer);
    writer.leaf("logisticsCode", &waybill.carrier.code);
    writer.leaf("logisticsName", &waybill.carrier.name);
    writer.leaf("logisticsNo", &waybill.waybill_no);
    writer.decimal("freight", waybill.freight);
    writer.decimal("insuredFee", waybill.insured_fee);
    writer.leaf("currency", &waybill.currency);
    writer.decimal("grossWeight", waybill.gross_weight);
    writer.number("packNo", waybill.packs);
    writer.leaf("goodsInfo", &waybill.goods_info);
    writer.optional("ebcCode", waybill.seller.as_ref().map(|seller| seller.code.as_str()));
    writer.optional("ebcName", waybill.seller.as_ref().map(|seller| seller.name.as_str()));
    writer.optional("ebcTelephone", waybill.seller_telephone.as_deref());
    writer.optional("note", waybill.note.as_deref());
    Ok(())
}

fn read(document: Element<'_, '_>) -> RequestContent {
    let text = |name| document.value(name).to_owned();
    RequestContent::Waybill(WaybillRequest {
        carrier: text("logisticsCode"),
        waybill_no: text("logisticsNo"),
        freight: text("freight"),
        insured_fee: text("insuredFee"),
        currency: text("currency"),
        gross_weight: text("grossWeight"),
        packs: text("packNo"),
        seller: text("ebcCode"),
    })
}

fn read_key(receipt: Element<'_, '_>) -> Result<Key, Error> {
    Ok(Key::Waybill { carrier: receipt.value("logisticsCode").to_owned(), waybill_no: receipt.required("logisticsNo")?.to_owned() })
}

fn write_key(writer: &mut Writer, reply: &Reply<'_>) -> bool {
    let Key::Waybill { carrier, waybill_no } = &reply.receipt.key else { return false };
    writer.leaf("logisticsCode", carrier);
    writer.leaf("logisticsNo", waybill_no);
    true
}
