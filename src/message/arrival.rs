//! 物流运抵单: 507 and its receipt 508.

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
    declaration::{FollowUp, Kind},
    dossier::Content,
    receipt::Key,
};

pub static FAMILY: Family = Family {
    request: "CEB507Message",
    document: "Arrival",
    head: Some("ArrivalHead"),
    list: Some(List { block: "ArrivalList", numbers: Numbers::Upwards }),
    write,
    read,
    answer: "CEB508Message",
    receipt: "ArrivalReturn",
    read_key,
    write_key,
};

fn write(writer: &mut Writer, head: &Head<'_>, outgoing: &Outgoing<'_>) -> Result<(), Error> {
    let Content::FollowUp(content) = outgoing.content else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    let FollowUp::Arrival(arrival) = content.as_ref() else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    writer.open("ArrivalHead");
    head.write(writer);
    writer.leaf("customsCode", &arrival.declared_at);
    writer.leaf("copNo", outgoing.enterprise_no("copNo")?);
    writer.optional("preNo", outgoing.port_no());
    write_party(writer, "operatorCode", "operatorName", &arrival.operator);
    writer.optional("loctNo", arrival.site.as_deref());
    writer.leaf("ieFlag", "E");
    writer.leaf("trafMode", &arrival.transport);
    writer.optional("billNo", arrival.bill_no.as_deref());
    writer.leaf("domesticTrafNo", &arrival.vehicle);
    write_party(writer, "logisticsCode", "logisticsName", &arrival.carrier);
    follow_up::write_part(writer, head, arrival.part);
    writer.optional("note", arrival.note.as_deref());
    writer.close("ArrivalHead");
    for line in &arrival.lines {
        writer.open("ArrivalList");
        writer.number("gnum", line.number);
        writer.leaf("logisticsNo", &line.waybill_no);
        writer.optional("totalPackageNo", line.bag_no.as_deref());
        writer.optional("note", line.note.as_deref());
        writer.close("ArrivalList");
    }
    Ok(())
}

fn read(document: Element<'_, '_>) -> RequestContent {
    follow_up::read(document, &FAMILY, key)
}

fn key(block: Element<'_, '_>) -> Key {
    follow_up::key(Kind::Arrival, block, "operatorCode", "copNo")
}

fn read_key(receipt: Element<'_, '_>) -> Result<Key, Error> {
    follow_up::named(key(receipt), receipt, "copNo")
}

fn write_key(writer: &mut Writer, reply: &Reply<'_>) -> bool {
    let Some((operator, enterprise_no, part)) = follow_up::written(Kind::Arrival, reply) else { return false };
    writer.leaf("operatorCode", operator);
    writer.leaf("logisticsCode", follow_up::said(reply, |arrival| &arrival.carrier));
    follow_up::write_port_no(writer, reply);
    writer.leaf("copNo", enterprise_no);
    writer.leaf("billNo", follow_up::said(reply, |arrival| &arrival.bill_no));
    writer.number("msgSeqNo", part);
    true
}
