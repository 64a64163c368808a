//! 汇总申请单: 701 and its receipt 702.

use super::{
    answer::Reply,
    compose::Outgoing,
    error::{Error, Problem},
    family::{Family, Head, List, Numbers, write_party},
    follow_up,
    request::RequestContent,
    xml::{
        tree::{Document, Element},
        writer::Writer,
    },
};
use crate::{
    declaration::{FollowUp, Kind},
    dossier::Content,
    party::Party,
    receipt::Key,
};

pub static FAMILY: Family = Family {
    request: "CEB701Message",
    document: "SummaryApply",
    head: Some("SummaryApplyHead"),
    list: Some(List { block: "SummaryApplyList", numbers: Numbers::None }),
    write,
    read,
    answer: "CEB702Message",
    receipt: "SummaryReturn",
    read_key,
    write_key,
};

/// summaryFlag: by consignor alone, or by consignor and owner.
const BY_SELLER: &str = "1";
const BY_OWNER: &str = "2";

fn write(writer: &mut Writer, head: &Head<'_>, outgoing: &Outgoing<'_>) -> Result<(), Error> {
    let Content::FollowUp(content) = outgoing.content else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    let FollowUp::Summary(summary) = content.as_ref() else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    writer.open("SummaryApplyHead");
    head.write(writer);
    writer.leaf("customsCode", &summary.declared_at);
    writer.leaf("copNo", outgoing.enterprise_no("copNo")?);
    writer.optional("preNo", outgoing.port_no());
    write_party(writer, "agentCode", "agentName", &summary.declarant);
    write_party(writer, "ebcCode", "ebcName", &summary.seller);
    write_party(writer, "declAgentCode", "declAgentName", &summary.customs_declarant);
    if let Some(period) = &summary.period {
        writer.leaf("startTime", &period.from.to_seconds());
        writer.leaf("endTime", &period.to.to_seconds());
    }
    writer.optional("loctNo", summary.site.as_deref());
    writer.leaf("summaryFlag", if summary.by_owner { BY_OWNER } else { BY_SELLER });
    // 1, or another digit: the specification says that nothing stands for the other, the schema wants a character (messages §6).
    writer.leaf("itemNameFlag", if summary.by_item_name { "1" } else { "0" });
    follow_up::write_part(writer, head, summary.part);
    writer.optional("note", summary.note.as_deref());
    writer.close("SummaryApplyHead");
    for inventory_no in &summary.inventory_nos {
        writer.open("SummaryApplyList");
        writer.leaf("invtNo", inventory_no);
        writer.close("SummaryApplyList");
    }
    Ok(())
}

fn read(document: Element<'_, '_>) -> RequestContent {
    follow_up::read(document, &FAMILY, key)
}

fn key(block: Element<'_, '_>) -> Key {
    follow_up::key(Kind::Summary, block, "agentCode", "copNo")
}

fn read_key(receipt: Element<'_, '_>) -> Result<Key, Error> {
    follow_up::named(key(receipt), receipt, "copNo")
}

fn write_key(writer: &mut Writer, reply: &Reply<'_>) -> bool {
    let Some((declarant, enterprise_no, part)) = follow_up::written(Kind::Summary, reply) else { return false };
    writer.leaf("agentCode", declarant);
    writer.leaf("ebcCode", follow_up::said(reply, |summary| &summary.seller));
    writer.leaf("copNo", enterprise_no);
    follow_up::write_port_no(writer, reply);
    writer.optional("sumNo", reply.receipt.summary_no.as_ref().map(|no| no.0.as_str()));
    writer.number("msgSeqNo", part);
    true
}

/// What a summary asks for beside its list of inventories: customs' side repeats it in the results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryTerms {
    /// summaryFlag: by consignor and owner.
    pub by_owner: bool,
    /// agentCode, agentName.
    pub declarant: Party,
    /// ebcCode, ebcName.
    pub seller: Party,
    /// declAgentCode, declAgentName.
    pub customs_declarant: Party,
}

/// Reads what each summary of a request asks for, in their order.
///
/// # Errors
/// When it cannot be read.
pub fn parse_summary_terms(xml: &[u8]) -> Result<Vec<SummaryTerms>, Error> {
    let document = Document::read(xml)?;
    let heads = document.root().children().filter(|child| child.name() == FAMILY.document);
    let heads = heads.filter_map(|summary| summary.child("SummaryApplyHead"));
    let party = |head: Element<'_, '_>, code, name| Party { code: head.value(code).to_owned(), name: head.value(name).to_owned() };
    let terms = heads.map(|head| SummaryTerms {
        by_owner: head.value("summaryFlag") == BY_OWNER,
        declarant: party(head, "agentCode", "agentName"),
        seller: party(head, "ebcCode", "ebcName"),
        customs_declarant: party(head, "declAgentCode", "declAgentName"),
    });
    Ok(terms.collect())
}
