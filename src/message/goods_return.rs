//! 退货申请单: 213 and its receipt 214. Order and lengths are the schema's where the specification's text differs (messages §7, 9).

use super::{
    answer::Reply,
    compose::Outgoing,
    error::{Error, Problem},
    family::{Family, Head, List, Numbers, write_party},
    follow_up,
    request::RequestContent,
    xml::{tree::Element, writer::Writer},
};
use crate::{
    declaration::{FollowUp, GoodsReturn, Kind, ReturnLine},
    dossier::Content,
    receipt::Key,
};

pub static FAMILY: Family = Family {
    request: "CEB213Message",
    document: "InvtRefund",
    head: Some("InvtRefundHead"),
    list: Some(List { block: "InvtRefundList", numbers: Numbers::Other }),
    write,
    read,
    answer: "CEB214Message",
    receipt: "RefundReturn",
    read_key,
    write_key,
};

fn write(writer: &mut Writer, head: &Head<'_>, outgoing: &Outgoing<'_>) -> Result<(), Error> {
    let Content::FollowUp(content) = outgoing.content else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    let FollowUp::GoodsReturn(goods_return) = content.as_ref() else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    writer.open("InvtRefundHead");
    head.write(writer);
    write_head(writer, goods_return, outgoing)?;
    writer.close("InvtRefundHead");
    for line in &goods_return.lines {
        write_line(writer, line);
    }
    Ok(())
}

/// From customsCode to note.
fn write_head(writer: &mut Writer, goods_return: &GoodsReturn, outgoing: &Outgoing<'_>) -> Result<(), Error> {
    writer.leaf("customsCode", &goods_return.declared_at);
    writer.optional("loctNo", goods_return.site.as_deref());
    write_party(writer, "ebpCode", "ebpName", &goods_return.platform);
    write_party(writer, "ebcCode", "ebcName", &goods_return.seller);
    writer.leaf("logisticsNo", &goods_return.waybill_no);
    write_party(writer, "logisticsCode", "logisticsName", &goods_return.carrier);
    writer.leaf("coElNo", outgoing.enterprise_no("coElNo")?);
    writer.optional("preNo", outgoing.port_no());
    writer.leaf("invtNo", &goods_return.inventory_no);
    writer.leaf("tradeMode", &goods_return.trade_mode);
    write_party(writer, "agentCode", "agentName", &goods_return.declarant);
    writer.leaf("billNo", &goods_return.bill_no);
    writer.leaf("ieFlag", "I");
    writer.leaf("trafMode", &goods_return.transport);
    writer.leaf("trafName", &goods_return.vehicle);
    writer.leaf("portCode", &goods_return.enters_at);
    writer.leaf("reason", &goods_return.reason);
    writer.leaf("country", &goods_return.country);
    writer.leaf("voyageNo", &goods_return.voyage);
    writer.optional("note", goods_return.note.as_deref());
    Ok(())
}

fn write_line(writer: &mut Writer, line: &ReturnLine) {
    writer.open("InvtRefundList");
    writer.number("gnum", line.number);
    writer.leaf("gcode", &line.hs_code);
    writer.leaf("gname", &line.customs_name);
    writer.leaf("gmodel", &line.specification);
    writer.decimal("qty", line.quantity);
    writer.decimal("qty1", line.legal_quantity);
    writer.leaf("unit", &line.unit);
    writer.leaf("unit1", &line.legal_unit);
    if let Some((quantity, unit)) = &line.second {
        writer.decimal("qty2", *quantity);
        writer.leaf("unit2", unit);
    }
    writer.optional("note", line.note.as_deref());
    writer.close("InvtRefundList");
}

fn read(document: Element<'_, '_>) -> RequestContent {
    follow_up::read(document, &FAMILY, key)
}

fn key(block: Element<'_, '_>) -> Key {
    follow_up::key(Kind::GoodsReturn, block, "agentCode", "coElNo")
}

fn read_key(receipt: Element<'_, '_>) -> Result<Key, Error> {
    follow_up::named(key(receipt), receipt, "coElNo")
}

fn write_key(writer: &mut Writer, reply: &Reply<'_>) -> bool {
    let Some((declarant, enterprise_no, _)) = follow_up::written(Kind::GoodsReturn, reply) else { return false };
    writer.optional("ebpCode", reply.follow_up.map(|goods_return| goods_return.platform.as_str()));
    writer.optional("ebcCode", reply.follow_up.map(|goods_return| goods_return.seller.as_str()));
    writer.leaf("agentCode", declarant);
    writer.leaf("coElNo", enterprise_no);
    follow_up::write_port_no(writer, reply);
    follow_up::write_inventory_no(writer, reply);
    true
}
