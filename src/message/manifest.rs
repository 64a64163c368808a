//! 清单总分单: 607 and its receipt 608.

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
    request: "CEB607Message",
    document: "WayBill",
    head: Some("WayBillHead"),
    list: Some(List { block: "WayBillList", numbers: Numbers::Upwards }),
    write,
    read,
    answer: "CEB608Message",
    receipt: "WayBillReturn",
    read_key,
    write_key,
};

fn write(writer: &mut Writer, head: &Head<'_>, outgoing: &Outgoing<'_>) -> Result<(), Error> {
    let Content::FollowUp(content) = outgoing.content else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    let FollowUp::Manifest(manifest) = content.as_ref() else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    writer.open("WayBillHead");
    head.write(writer);
    writer.leaf("customsCode", &manifest.declared_at);
    writer.leaf("copNo", outgoing.enterprise_no("copNo")?);
    writer.optional("preNo", outgoing.port_no());
    write_party(writer, "agentCode", "agentName", &manifest.declarant);
    writer.optional("loctNo", manifest.site.as_deref());
    writer.leaf("trafMode", &manifest.transport);
    writer.leaf("trafName", &manifest.vehicle);
    writer.leaf("voyageNo", &manifest.voyage);
    writer.leaf("billNo", &manifest.bill_no);
    writer.optional("domesticTrafNo", manifest.domestic_vehicle.as_deref());
    writer.decimal("grossWeight", manifest.gross_weight);
    write_party(writer, "logisticsCode", "logisticsName", &manifest.carrier);
    follow_up::write_part(writer, head, manifest.part);
    writer.optional("note", manifest.note.as_deref());
    writer.close("WayBillHead");
    for line in &manifest.lines {
        writer.open("WayBillList");
        writer.number("gnum", line.number);
        writer.optional("totalPackageNo", line.bag_no.as_deref());
        writer.leaf("logisticsNo", &line.waybill_no);
        writer.optional("invtNo", line.inventory_no.as_deref());
        writer.optional("note", line.note.as_deref());
        writer.close("WayBillList");
    }
    Ok(())
}

fn read(document: Element<'_, '_>) -> RequestContent {
    follow_up::read(document, &FAMILY, key)
}

fn key(block: Element<'_, '_>) -> Key {
    follow_up::key(Kind::Manifest, block, "agentCode", "copNo")
}

fn read_key(receipt: Element<'_, '_>) -> Result<Key, Error> {
    follow_up::named(key(receipt), receipt, "copNo")
}

fn write_key(writer: &mut Writer, reply: &Reply<'_>) -> bool {
    let Some((declarant, enterprise_no, part)) = follow_up::written(Kind::Manifest, reply) else { return false };
    writer.leaf("agentCode", declarant);
    writer.leaf("logisticsCode", follow_up::said(reply, |manifest| &manifest.carrier));
    writer.leaf("copNo", enterprise_no);
    follow_up::write_port_no(writer, reply);
    writer.leaf("billNo", follow_up::said(reply, |manifest| &manifest.bill_no));
    writer.number("msgSeqNo", part);
    true
}
