//! 退货理货明细单: 215 and its receipt 216.

use super::{
    answer::Reply,
    compose::Outgoing,
    error::{Error, Problem},
    family::{Family, Head, write_party},
    follow_up,
    request::RequestContent,
    xml::{tree::Element, writer::Writer},
};
use crate::{
    declaration::{FollowUp, Kind},
    dossier::Content,
    receipt::Key,
};

pub static FAMILY: Family = Family {
    request: "CEB215Message",
    document: "InvtRefundDetail",
    head: None,
    list: None,
    write,
    read,
    answer: "CEB216Message",
    receipt: "InvtRefundDetailReturn",
    read_key,
    write_key,
};

fn write(writer: &mut Writer, head: &Head<'_>, outgoing: &Outgoing<'_>) -> Result<(), Error> {
    let Content::FollowUp(content) = outgoing.content else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    let FollowUp::ReturnTally(tally) = content.as_ref() else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    head.write(writer);
    writer.leaf("customsCode", &tally.declared_at);
    write_party(writer, "operatorCode", "operatorName", &tally.operator);
    write_party(writer, "logisticsCode", "logisticsName", &tally.carrier);
    writer.leaf("logisticsNo", &tally.waybill_no);
    writer.optional("invtNo", tally.inventory_no.as_deref());
    writer.leaf("coElNo", outgoing.enterprise_no("coElNo")?);
    writer.optional("preNo", outgoing.port_no());
    writer.leaf("billNo", &tally.bill_no);
    writer.leaf("ieFlag", "I");
    writer.leaf("trafMode", &tally.transport);
    writer.leaf("trafName", &tally.vehicle);
    writer.leaf("voyageNo", &tally.voyage);
    writer.optional("location", tally.location.as_deref());
    writer.optional("note", tally.note.as_deref());
    Ok(())
}

fn read(document: Element<'_, '_>) -> RequestContent {
    follow_up::read(document, &FAMILY, key)
}

fn key(block: Element<'_, '_>) -> Key {
    follow_up::key(Kind::ReturnTally, block, "operatorCode", "coElNo")
}

fn read_key(receipt: Element<'_, '_>) -> Result<Key, Error> {
    follow_up::named(key(receipt), receipt, "coElNo")
}

fn write_key(writer: &mut Writer, reply: &Reply<'_>) -> bool {
    let Some((operator, enterprise_no, _)) = follow_up::written(Kind::ReturnTally, reply) else { return false };
    writer.leaf("operatorCode", operator);
    writer.leaf("logisticsCode", follow_up::said(reply, |tally| &tally.carrier));
    writer.leaf("logisticsNo", follow_up::said(reply, |tally| tally.waybill_nos.first().map_or("", String::as_str)));
    writer.leaf("coElNo", enterprise_no);
    follow_up::write_port_no(writer, reply);
    true
}
