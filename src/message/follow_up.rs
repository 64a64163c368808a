//! What the families of documents that are submitted on their own share: how they are read, and which document a receipt is about.

use super::{
    answer::Reply,
    compose::Outgoing,
    error::{Error, Problem},
    family::{Family, Head},
    request::{RequestContent, RequestLine},
    xml::{tree::Element, writer::Writer},
};
use crate::{
    declaration::{Action, Kind, Part},
    receipt::Key,
};

/// A document that is submitted on its own, as received. What its kind does not have is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUpRequest {
    /// What a receipt calls it.
    pub key: Key,
    /// customsCode.
    pub declared_at: String,
    /// preNo.
    pub port_no: String,
    /// sumNo.
    pub summary_no: String,
    /// ebpCode.
    pub platform: String,
    /// ebcCode.
    pub seller: String,
    /// logisticsCode.
    pub carrier: String,
    /// billNo.
    pub bill_no: String,
    /// trafName.
    pub vehicle: String,
    /// voyageNo.
    pub voyage: String,
    /// msgSeqNo.
    pub part: String,
    /// msgCount.
    pub part_count: String,
    /// startTime and endTime.
    pub period: (String, String),
    /// reason.
    pub reason: String,
    /// charge.
    pub charge: String,
    /// logisticsNo, of the whole and of each line, in their order.
    pub waybill_nos: Vec<String>,
    /// totalPackageNo of each line that names one.
    pub bag_nos: Vec<String>,
    /// invtNo, of the whole and of each line, in their order.
    pub inventory_nos: Vec<String>,
    /// Goods that come back.
    pub lines: Vec<RequestLine>,
}

/// Reads a document whose receipts name it by `key`.
pub fn read(document: Element<'_, '_>, family: &Family, key: fn(Element<'_, '_>) -> Key) -> RequestContent {
    let whole = family.head.and_then(|name| document.child(name)).unwrap_or(document);
    let list = family.list.map_or("", |list| list.block);
    let lines = || document.children().filter(|child| child.name() == list);
    let text = |name| whole.value(name).to_owned();
    let all = |name: &str| {
        let values = std::iter::once(whole.value(name)).chain(lines().map(|line| line.value(name)));
        values.filter(|value| !value.is_empty()).map(str::to_owned).collect()
    };
    let key = key(whole);
    let kind = key.kind();
    RequestContent::FollowUp(Box::new(FollowUpRequest {
        key,
        declared_at: text("customsCode"),
        port_no: text("preNo"),
        summary_no: text("sumNo"),
        platform: text("ebpCode"),
        seller: text("ebcCode"),
        carrier: text("logisticsCode"),
        bill_no: text("billNo"),
        vehicle: text("trafName"),
        voyage: text("voyageNo"),
        part: text("msgSeqNo"),
        part_count: text("msgCount"),
        period: (text("startTime"), text("endTime")),
        reason: text("reason"),
        charge: text("charge"),
        waybill_nos: all("logisticsNo"),
        bag_nos: all("totalPackageNo"),
        inventory_nos: all("invtNo"),
        lines: if kind == Kind::GoodsReturn { RequestLine::read_all(document, list) } else { Vec::new() },
    }))
}

/// The key of a document, or of a receipt, that names an enterprise and its number; msgSeqNo is 1 where there is none.
pub fn key(kind: Kind, block: Element<'_, '_>, party: &str, number: &str) -> Key {
    Key::FollowUp {
        kind,
        party: block.value(party).to_owned(),
        enterprise_no: block.value(number).to_owned(),
        part: block.value("msgSeqNo").parse().unwrap_or(Part::WHOLE.number),
    }
}

/// A key that names something: `element` is what the number is called.
pub fn named(key: Key, block: Element<'_, '_>, element: &'static str) -> Result<Key, Error> {
    block.required(element).map(|_| key)
}

/// What a receipt says beside its key, where the document that it answers is known.
pub fn said<'a>(reply: &Reply<'a>, field: impl Fn(&'a FollowUpRequest) -> &'a str) -> &'a str {
    reply.follow_up.map_or("", field)
}

/// The enterprise, number and part of a receipt about a document of that kind.
pub fn written<'a>(kind: Kind, reply: &Reply<'a>) -> Option<(&'a str, &'a str, u32)> {
    match &reply.receipt.key {
        Key::FollowUp { kind: of, party, enterprise_no, part } if *of == kind => Some((party, enterprise_no, *part)),
        _ => None,
    }
}

/// preNo, if the port gave one.
pub fn write_port_no(writer: &mut Writer, reply: &Reply<'_>) {
    writer.optional("preNo", reply.receipt.port_no.as_ref().map(|no| no.0.as_str()));
}

/// invtNo: as the receipt has it, or else as the document had it.
pub fn write_inventory_no(writer: &mut Writer, reply: &Reply<'_>) {
    let given = reply.receipt.inventory_no.as_ref().map(|no| no.0.as_str());
    writer.leaf("invtNo", given.unwrap_or_else(|| said(reply, |document| document.inventory_nos.first().map_or("", String::as_str))));
}

/// msgCount and msgSeqNo: what was not split is 1 of 1 (message specification 202205, 607 msgCount).
pub fn write_part(writer: &mut Writer, head: &Head<'_>, part: Part) {
    let has_none = head.action == Action::Delete && head.differences.zero_parts_when_deleting;
    let (count, number) = if has_none { (0, 0) } else { (part.count, part.number) };
    writer.number("msgCount", count);
    writer.number("msgSeqNo", number);
}

impl<'a> Outgoing<'a> {
    /// Our number of a document that is submitted on its own (copNo, coElNo).
    pub(super) fn enterprise_no(&self, element: &'static str) -> Result<&'a str, Error> {
        self.document.enterprise_no.as_ref().map(|no| no.0.as_str()).ok_or_else(|| Error::new(Problem::Content, element))
    }

    /// preNo: the port gives it, so who adds a document has none to name. One that is not of 18 characters is none (schema 202205:
    /// length 18, and left out rather than empty).
    pub(super) fn port_no(&self) -> Option<&'a str> {
        let given = self.document.port_no.as_ref().filter(|_| self.document.action != Action::Add);
        given.map(|no| no.0.as_str()).filter(|no| no.chars().count() == 18)
    }
}
