//! 汇总结果单: 792, which customs sends unasked, one for each customs declaration and more as that goes on.
//!
//! Customs leaves out gseqno at times, and the lists of later ones; two documents write declagAgentCode (messages §7, 2 and 5): all
//! of that is read, and written as the schema of 2022-05 has it.

use rust_decimal::Decimal;

use super::{
    MAX_DOCUMENTS, Message,
    answer::{MAX_VALUE, Style, time},
    error::{Error, Problem},
    xml::{tree::Element, writer::Writer},
};
use crate::{
    clock::Timestamp,
    declaration::{DocumentGuid, MessageId, Part, SummaryResult, SummaryResultLine},
};

const HEAD: &str = "SummaryResultHead";
const LIST: &str = "SummaryResultList";

/// Reads 1 to 100 results.
pub fn read(root: Element<'_, '_>) -> Result<Vec<SummaryResult>, Error> {
    let block = Message::SummaryResults.block();
    let mut results = Vec::new();
    for result in root.children() {
        if result.name() != block {
            return Err(result.error(Problem::Value));
        }
        if results.len() == MAX_DOCUMENTS {
            return Err(result.error(Problem::Count));
        }
        results.push(one(result)?);
    }
    if results.is_empty() { Err(root.error(Problem::Count)) } else { Ok(results) }
}

fn one(result: Element<'_, '_>) -> Result<SummaryResult, Error> {
    let head = result.child(HEAD).ok_or_else(|| result.missing(HEAD))?;
    bounded(head)?;
    let text = |name| head.value(name).to_owned();
    let optional = |name| Some(head.value(name)).filter(|value| !value.is_empty());
    let weight = |name| optional(name).map(|value| value.parse::<Decimal>().map_err(|_| head.error(Problem::Value))).transpose();
    let part = |name| optional(name).map_or(Ok(1), |value| value.parse().map_err(|_| head.error(Problem::Value)));
    Ok(SummaryResult {
        declared_at: text("customsCode"),
        summary_no: head.required("sumNo")?.to_owned(),
        at: Timestamp::parse_milliseconds(head.value("opDate")),
        declaration_seq_no: head.required("declSeqNo")?.to_owned(),
        draft_no: optional("decTmpNo").map(str::to_owned),
        port_no: optional("decPreNo").map(str::to_owned),
        customs_declaration_no: optional("entryId").map(str::to_owned),
        state: text("decState"),
        declarant: text("agentCode"),
        seller: text("ebcCode"),
        customs_declarant: optional("declAgentCode").or_else(|| optional("declagAgentCode")).unwrap_or_default().to_owned(),
        gross_weight: weight("grossWeight")?,
        net_weight: weight("netWeight")?,
        part: Part { number: part("msgSeqNo")?, count: part("msgCount")? },
        lines: result.children().filter(|child| child.name() != HEAD).map(line).collect::<Result<_, _>>()?,
    })
}

fn line(line: Element<'_, '_>) -> Result<SummaryResultLine, Error> {
    if line.name() != LIST {
        return Err(line.error(Problem::Value));
    }
    bounded(line)?;
    let number = |value: &str| value.parse::<u32>().map_err(|_| line.error(Problem::Value));
    Ok(SummaryResultLine {
        inventory_no: line.required("invtNo")?.to_owned(),
        waybill_no: line.value("logisticsNo").to_owned(),
        place: Some(line.value("gseqno")).filter(|value| !value.is_empty()).map(number).transpose()?,
        number: number(line.required("gnum")?)?,
        hs_code: line.value("gcode").to_owned(),
    })
}

fn bounded(block: Element<'_, '_>) -> Result<(), Error> {
    let long = block.children().find(|field| field.name() != "note" && field.text().chars().nth(MAX_VALUE).is_some());
    long.map_or(Ok(()), |long| Err(long.error(Problem::Value)))
}

/// A result to be written.
#[derive(Debug, Clone, Copy)]
pub struct SummaryReply<'a> {
    /// guid in the result; which one it is means nothing.
    pub guid: DocumentGuid,
    /// What it says.
    pub result: &'a SummaryResult,
    /// agentName, ebcName and declAgentName.
    pub names: [&'a str; 3],
}

/// Writes 1 to 100 results of summaries. One without a time has an empty opDate.
///
/// # Errors
/// When there are none or too many, or one holds a character that XML does not allow.
pub fn compose_summary_results(guid: MessageId, replies: &[SummaryReply<'_>], style: Style) -> Result<Vec<u8>, Error> {
    if !(1..=MAX_DOCUMENTS).contains(&replies.len()) {
        return Err(Problem::Count.into());
    }
    let message = Message::SummaryResults;
    let lines: usize = replies.iter().map(|reply| reply.result.lines.len()).sum();
    let mut writer = style.writer(message, guid.0, 256 + replies.len() * 1_280 + lines * 256);
    for reply in replies {
        writer.open(message.block());
        writer.open(HEAD);
        writer.guid("guid", reply.guid.0, style.lower_case);
        write_head(&mut writer, reply);
        writer.close(HEAD);
        for line in &reply.result.lines {
            write_line(&mut writer, line);
        }
        writer.close(message.block());
    }
    writer.close(message.wire_type());
    writer.finish()
}

fn write_head(writer: &mut Writer, reply: &SummaryReply<'_>) {
    let (result, [declarant, seller, customs_declarant]) = (reply.result, reply.names);
    writer.leaf("customsCode", &result.declared_at);
    writer.leaf("sumNo", &result.summary_no);
    writer.leaf("opDate", &time(result.at));
    writer.leaf("declSeqNo", &result.declaration_seq_no);
    writer.optional("decTmpNo", result.draft_no.as_deref());
    writer.optional("decPreNo", result.port_no.as_deref());
    writer.optional("entryId", result.customs_declaration_no.as_deref());
    writer.leaf("decState", &result.state);
    writer.leaf("agentCode", &result.declarant);
    writer.leaf("agentName", declarant);
    writer.leaf("ebcCode", &result.seller);
    writer.leaf("ebcName", seller);
    writer.leaf("declAgentCode", &result.customs_declarant);
    writer.leaf("declAgentName", customs_declarant);
    writer.decimal("grossWeight", result.gross_weight.unwrap_or_default());
    writer.decimal("netWeight", result.net_weight.unwrap_or_default());
    writer.number("msgCount", result.part.count);
    writer.number("msgSeqNo", result.part.number);
}

fn write_line(writer: &mut Writer, line: &SummaryResultLine) {
    writer.open(LIST);
    writer.leaf("invtNo", &line.inventory_no);
    writer.leaf("logisticsNo", &line.waybill_no);
    if let Some(place) = line.place {
        writer.number("gseqno", place);
    }
    writer.number("gnum", line.number);
    writer.leaf("gcode", &line.hs_code);
    writer.close(LIST);
}
