//! 物流离境单: 509 and its receipt 510.

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
    request: "CEB509Message",
    document: "Departure",
    head: Some("DepartureHead"),
    list: Some(List { block: "DepartureList", numbers: Numbers::Upwards }),
    write,
    read,
    answer: "CEB510Message",
    receipt: "DepartureReturn",
    read_key,
    write_key,
};

fn write(writer: &mut Writer, head: &Head<'_>, outgoing: &Outgoing<'_>) -> Result<(), Error> {
    let Content::FollowUp(content) = outgoing.content else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    let FollowUp::Departure(departure) = content.as_ref() else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    writer.open("DepartureHead");
    head.write(writer);
    writer.leaf("customsCode", &departure.declared_at);
    writer.leaf("copNo", outgoing.enterprise_no("copNo")?);
    writer.optional("preNo", outgoing.port_no());
    write_party(writer, "logisticsCode", "logisticsName", &departure.carrier);
    writer.leaf("trafMode", &departure.transport);
    writer.optional("trafName", departure.vehicle.as_deref());
    writer.optional("voyageNo", departure.voyage.as_deref());
    writer.optional("billNo", departure.bill_no.as_deref());
    writer.leaf("leaveTime", &departure.left_at.to_seconds());
    follow_up::write_part(writer, head, departure.part);
    writer.optional("note", departure.note.as_deref());
    writer.close("DepartureHead");
    for line in &departure.lines {
        writer.open("DepartureList");
        writer.number("gnum", line.number);
        writer.optional("totalPackageNo", line.bag_no.as_deref());
        writer.leaf("logisticsNo", &line.waybill_no);
        writer.optional("note", line.note.as_deref());
        writer.close("DepartureList");
    }
    Ok(())
}

fn read(document: Element<'_, '_>) -> RequestContent {
    follow_up::read(document, &FAMILY, key)
}

fn key(block: Element<'_, '_>) -> Key {
    follow_up::key(Kind::Departure, block, "logisticsCode", "copNo")
}

fn read_key(receipt: Element<'_, '_>) -> Result<Key, Error> {
    follow_up::named(key(receipt), receipt, "copNo")
}

fn write_key(writer: &mut Writer, reply: &Reply<'_>) -> bool {
    let Some((carrier, enterprise_no, part)) = follow_up::written(Kind::Departure, reply) else { return false };
    writer.leaf("logisticsCode", carrier);
    writer.leaf("copNo", enterprise_no);
    follow_up::write_port_no(writer, reply);
    writer.number("msgSeqNo", part);
    true
}
