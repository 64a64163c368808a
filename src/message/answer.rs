//! Reads what customs answers (receipts of every kind, 792, 900, DxpRep), and writes it for a simulated customs.
//!
//! Production receipts come under any prefix or none, with or without the namespace, with guids in either case that match nothing,
//! several in a message, with numbers missing (messages §3, §5, §7; transport §4.6): all of that is read. A message is read whole
//! or not at all.

use uuid::Uuid;

use super::{
    MAX_DOCUMENTS, Message, dxp,
    error::{Error, Problem},
    family,
    follow_up::FollowUpRequest,
    summary_result,
    xml::{
        self,
        tree::{Document, Element},
        writer::Writer,
    },
};
use crate::{
    clock::Timestamp,
    declaration::{DocumentGuid, InventoryNo, Kind, MessageId, PortNo, SummaryNo},
    receipt::{Answer, FormatReceipt, Receipt},
};

/// The most characters kept of a returnInfo: the specification's 5000 of CEB900.
pub const MAX_INFO: usize = 5_000;

/// The most characters of a number or code in a receipt; the longest that the specification knows is oriCopMsgId.
pub(super) const MAX_VALUE: usize = 255;

/// Reads an answer that came by itself or out of an envelope.
///
/// # Errors
/// When it cannot be read, is no answer, carries no receipt or more than 100, or any of them names no document or no status.
pub fn parse_answer(xml: &[u8]) -> Result<Answer, Error> {
    let document = Document::read(xml)?;
    let root = document.root();
    match Message::of(root)? {
        Message::Receipts(kind) => receipts(root, kind).map(Answer::Receipts),
        Message::SummaryResults => summary_result::read(root).map(Answer::SummaryResults),
        Message::Format => format_receipt(root).map(Answer::Format),
        Message::TransportReport => dxp::report(root).map(Answer::Transport),
        Message::Request(_) | Message::Envelope | Message::RoutedEnvelope => Err(root.error(Problem::UnknownMessage)),
    }
}

fn receipts(root: Element<'_, '_>, kind: Kind) -> Result<Vec<Receipt>, Error> {
    let family = family::of(kind);
    let mut receipts = Vec::new();
    for block in root.children() {
        if block.name() != family.receipt {
            return Err(block.error(Problem::Value));
        }
        if receipts.len() == MAX_DOCUMENTS {
            return Err(block.error(Problem::Count));
        }
        if let Some(long) = block.children().find(|field| field.name() != "returnInfo" && field.text().chars().nth(MAX_VALUE).is_some()) {
            return Err(long.error(Problem::Value));
        }
        let number = |name| Some(block.value(name)).filter(|value| !value.is_empty()).map(str::to_owned);
        receipts.push(Receipt {
            key: (family.read_key)(block)?,
            code: code(block)?,
            at: Timestamp::parse_milliseconds(block.value("returnTime")),
            info: info(block.value("returnInfo")),
            port_no: number("preNo").map(PortNo),
            inventory_no: number("invtNo").map(InventoryNo),
            summary_no: number("sumNo").map(SummaryNo),
            bill_no: number("billNo"),
        });
    }
    if receipts.is_empty() { Err(root.error(Problem::Count)) } else { Ok(receipts) }
}

fn code(block: Element<'_, '_>) -> Result<String, Error> {
    let code = block.required("returnStatus")?;
    if code.len() > 20 { Err(block.error(Problem::Value)) } else { Ok(code.to_owned()) }
}

pub(super) fn info(text: &str) -> String {
    text.char_indices().nth(MAX_INFO).map_or(text, |(end, _)| text.get(..end).unwrap_or(text)).to_owned()
}

/// oriBizMessage, the refused message itself, is not kept: we have our own copy.
pub(super) fn format_receipt(root: Element<'_, '_>) -> Result<FormatReceipt, Error> {
    let mut blocks = root.children().filter(|block| block.name() == Message::Format.block());
    let block = blocks.next().ok_or_else(|| root.missing("MessageReturn"))?;
    if let Some(second) = blocks.next() {
        return Err(second.error(Problem::ElementTwice));
    }
    let original = block.value("oriCopMsgId");
    if original.chars().nth(MAX_VALUE).is_some() {
        return Err(block.error(Problem::Value));
    }
    Ok(FormatReceipt {
        code: code(block)?,
        at: Timestamp::parse_milliseconds(block.value("returnTime")),
        info: info(block.value("returnInfo")),
        original: original.to_owned(),
    })
}

/// How an answer names its namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Namespacing {
    /// As the default namespace: what production does.
    #[default]
    Default,
    /// Under the prefix `ceb`: what the official samples do.
    Prefixed,
    /// Not at all: seen in captures.
    Absent,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// How it names its namespace.
    pub namespacing: Namespacing,
    /// Whether guids are in lower case.
    pub lower_case: bool,
}

impl Style {
    pub(super) fn writer(self, message: Message, guid: Uuid, capacity: usize) -> Writer {
        let mut writer = Writer::new(if self.namespacing == Namespacing::Prefixed { "ceb:" } else { "" }, capacity);
        writer.begin(message.wire_type());
        match self.namespacing {
            Namespacing::Default => writer.attribute("xmlns", xml::CEB),
            Namespacing::Prefixed => writer.attribute("xmlns:ceb", xml::CEB),
            Namespacing::Absent => {}
        }
        let mut buffer = Uuid::encode_buffer();
        let form = guid.hyphenated();
        writer.attribute("guid", if self.lower_case { form.encode_lower(&mut buffer) } else { form.encode_upper(&mut buffer) });
        writer.attribute("version", "1.0");
        writer.opened();
        writer
    }
}

/// A receipt to be written.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'a> {
    /// guid in the receipt; which one it is means nothing.
    pub guid: DocumentGuid,
    /// What it says.
    pub receipt: &'a Receipt,
    /// statisticsFlag as the inventory had it; others have none.
    pub statistics: &'a str,
    /// The document that it answers, of what is submitted on its own: its receipt repeats more of it than its key.
    pub follow_up: Option<&'a FollowUpRequest>,
}

/// Writes 1 to 100 receipts about documents of one kind. One without a time has an empty returnTime.
///
/// # Errors
/// When there are none or too many, one is about a document of another kind, or holds a character that XML does not allow.
pub fn compose_receipts(kind: Kind, guid: MessageId, replies: &[Reply<'_>], style: Style) -> Result<Vec<u8>, Error> {
    if !(1..=MAX_DOCUMENTS).contains(&replies.len()) {
        return Err(Problem::Count.into());
    }
    let (family, message) = (family::of(kind), Message::Receipts(kind));
    let mut writer = style.writer(message, guid.0, 256 + replies.len() * 1_024);
    for reply in replies {
        writer.open(family.receipt);
        writer.guid("guid", reply.guid.0, style.lower_case);
        if !(family.write_key)(&mut writer, reply) {
            return Err(Error::new(Problem::Content, family.receipt));
        }
        writer.leaf("returnStatus", &reply.receipt.code);
        writer.leaf("returnTime", &time(reply.receipt.at));
        writer.leaf("returnInfo", &reply.receipt.info);
        writer.close(family.receipt);
    }
    writer.close(message.wire_type());
    writer.finish()
}

pub(super) fn time(at: Option<Timestamp>) -> String {
    at.map(Timestamp::to_milliseconds).unwrap_or_default()
}

/// Writes the refusal of a whole message (CEB900). `refused` is its type, `content` the refused bytes as text, if it is to repeat them.
///
/// # Errors
/// When it holds a character that XML does not allow.
pub fn compose_format(guid: MessageId, receipt: &FormatReceipt, refused: &str, content: &str, style: Style) -> Result<Vec<u8>, Error> {
    let message = Message::Format;
    let mut writer = style.writer(message, guid.0, 1_024 + content.len());
    writer.open(message.block());
    writer.guid("guid", guid.0, style.lower_case);
    writer.leaf("returnStatus", &receipt.code);
    writer.leaf("returnInfo", &receipt.info);
    writer.leaf("returnTime", &time(receipt.at));
    writer.leaf("oriCopMsgId", &receipt.original);
    writer.leaf("oriMessageType", refused);
    writer.leaf("oriBizMessage", content);
    writer.close(message.block());
    writer.close(message.wire_type());
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::Key;

    const GUID: &str = "4CDE1CFD-EDED-46B1-946C-B8022E42FC94";

    fn inventory_receipts(xml: &str) -> Vec<Receipt> {
        match parse_answer(xml.as_bytes()).unwrap() {
            Answer::Receipts(receipts) => receipts,
            other => panic!("{other:?}"),
        }
    }

    fn problem(xml: &str) -> Problem {
        parse_answer(xml.as_bytes()).unwrap_err().problem()
    }

    /// The shape of a production receipt: default namespace, lower-case guid, pretty-printed.
    #[test]
    fn a_receipt_as_production_sends_it() {
        let xml = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<CEB604Message
    xmlns="http://www.chinaport.gov.cn/ceb" version="1.0" guid="48604738-c342-484f-8ca1-46bcf64098d0">
    <InventoryReturn>
        <guid>f5885dd5-b765-41de-8f0f-e5a30592885c</guid>
        <agentCode>330766K00Q</agentCode>
        <copNo>124183351885</copNo>
        <preNo>B20200615494000227</preNo>
        <returnStatus>800</returnStatus>
        <returnTime>20200615171550734</returnTime>
        <returnInfo>[Code:2600;Desc:放行]</returnInfo>
    </InventoryReturn>
</CEB604Message>"#;
        let expected = Receipt {
            key: Key::Inventory {
                declarant: "330766K00Q".to_owned(),
                enterprise_no: "124183351885".to_owned(),
                platform: String::new(),
                seller: String::new(),
                order_no: String::new(),
            },
            code: "800".to_owned(),
            at: Timestamp::parse_milliseconds("20200615171550734"),
            info: "[Code:2600;Desc:放行]".to_owned(),
            port_no: Some(PortNo("B20200615494000227".to_owned())),
            inventory_no: None,
            summary_no: None,
            bill_no: None,
        };
        assert_eq!(inventory_receipts(xml), std::slice::from_ref(&expected));
        let without_namespace = xml.replace("xmlns=\"http://www.chinaport.gov.cn/ceb\"", "");
        assert_eq!(inventory_receipts(&without_namespace), std::slice::from_ref(&expected));
        let prefixed =
            xml.replace("xmlns=", "xmlns:x=").replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:").replace("<x:?", "<?");
        assert_eq!(inventory_receipts(&prefixed), std::slice::from_ref(&expected));
        assert_eq!(inventory_receipts(&format!("\0\u{FEFF}{xml}")), [expected]);
        assert_eq!(problem(&xml.replace("chinaport.gov.cn/ceb", "chinaport.gov.cn/other")), Problem::UnknownMessage);
    }

    #[test]
    fn fields_in_any_order_and_times_that_cannot_be_read() {
        let xml = "<CEB604Message><InventoryReturn><returnInfo/><returnTime>soon</returnTime><returnStatus> -304001 </returnStatus>\
            <orderNo>A&amp;1</orderNo><ebcCode>S</ebcCode><ebpCode>无</ebpCode><copNo></copNo><invtNo>514120261234567890</invtNo>\
            <later>unknown</later></InventoryReturn></CEB604Message>";
        let receipts = inventory_receipts(xml);
        assert_eq!((receipts[0].code.as_str(), receipts[0].at, receipts[0].info.as_str()), ("-304001", None, ""));
        assert_eq!(receipts[0].inventory_no, Some(InventoryNo("514120261234567890".to_owned())));
        let Key::Inventory { enterprise_no, platform, order_no, .. } = &receipts[0].key else { panic!("an inventory") };
        assert_eq!((enterprise_no.as_str(), platform.as_str(), order_no.as_str()), ("", "无", "A&1"));
    }

    #[test]
    fn what_a_receipt_repeats_of_its_document_is_kept() {
        for (number, block) in [(508, "ArrivalReturn"), (608, "WayBillReturn")] {
            let xml = format!(
                "<CEB{number}Message><{block}><copNo>TG1</copNo><agentCode>D</agentCode><operatorCode>D</operatorCode>\
                 <billNo>784-12345675</billNo><msgSeqNo>1</msgSeqNo><returnStatus>2</returnStatus></{block}></CEB{number}Message>"
            );
            assert_eq!(inventory_receipts(&xml)[0].bill_no.as_deref(), Some("784-12345675"));
        }
        let xml = "<CEB702Message><SummaryReturn><copNo>TG1</copNo><agentCode>D</agentCode><sumNo>514120260000000001</sumNo>\
             <msgSeqNo>1</msgSeqNo><returnStatus>399</returnStatus></SummaryReturn></CEB702Message>";
        assert_eq!(inventory_receipts(xml)[0].summary_no, Some(SummaryNo("514120260000000001".to_owned())));
    }

    #[test]
    fn a_message_is_read_whole_or_not_at_all() {
        let block = |inner: &str| format!("<OrderReturn><orderNo>1</orderNo><ebcCode>2</ebcCode>{inner}</OrderReturn>");
        let good = block("<returnStatus>2</returnStatus>");
        let message = |blocks: &str| format!("<CEB304Message>{blocks}</CEB304Message>");
        assert_eq!(inventory_receipts(&message(&good.repeat(100))).len(), 100);
        assert_eq!(problem(&message(&good.repeat(101))), Problem::Count);
        assert_eq!(problem(&message("")), Problem::Count);
        assert_eq!(problem(&message(&format!("{good}{}", block("")))), Problem::Missing);
        assert_eq!(problem(&message(&format!("{good}<OrderReturn><returnStatus>2</returnStatus></OrderReturn>"))), Problem::Missing);
        assert_eq!(problem(&message(&format!("{good}<InventoryReturn/>"))), Problem::Value);
        assert_eq!(problem(&message(&block("<returnStatus>123456789012345678901</returnStatus>"))), Problem::Value);
        assert_eq!(
            problem(&message(&block(&format!("<returnStatus>2</returnStatus><ebpCode>{}</ebpCode>", "x".repeat(256))))),
            Problem::Value
        );
        let long = block(&format!("<returnStatus>2</returnStatus><returnInfo>{}</returnInfo>", "长".repeat(6_000)));
        assert_eq!(inventory_receipts(&message(&long))[0].info.chars().count(), MAX_INFO);
        assert_eq!(problem("<CEB304Message><OrderReturn>"), Problem::Syntax);
        assert_eq!(problem("<CEB622Message/>"), Problem::UnknownMessage);
        assert_eq!(problem("<ceb:CEB303Message xmlns:ceb='http://www.chinaport.gov.cn/ceb'/>"), Problem::UnknownMessage);
        assert_eq!(
            problem("<CEB604Message><InventoryReturn><returnStatus>2</returnStatus></InventoryReturn></CEB604Message>"),
            Problem::Missing
        );
        assert_eq!(
            problem("<CEB506Message><LogisticsReturn><returnStatus>2</returnStatus></LogisticsReturn></CEB506Message>"),
            Problem::Missing
        );
    }

    #[test]
    fn the_refusal_of_a_whole_message_in_either_order() {
        for (first, second) in [("returnInfo", "returnTime"), ("returnTime", "returnInfo")] {
            let xml = format!(
                "<CEB900Message xmlns='http://www.chinaport.gov.cn/ceb'><MessageReturn><guid>{GUID}</guid><returnStatus>-999999</returnStatus>\
                 <{first}>20261111000000123</{first}><{second}>20261111000000123</{second}><oriCopMsgId>M-1</oriCopMsgId>\
                 <oriMessageType>Unknown</oriMessageType><oriBizMessage><![CDATA[<a>&nbsp;]]></oriBizMessage></MessageReturn></CEB900Message>"
            );
            let Answer::Format(receipt) = parse_answer(xml.as_bytes()).unwrap() else { panic!("a refusal") };
            assert_eq!((receipt.code.as_str(), receipt.original.as_str(), receipt.info.as_str()), ("-999999", "M-1", "20261111000000123"));
            assert!(receipt.at.is_some());
        }
        assert_eq!(problem("<CEB900Message/>"), Problem::Missing);
        let block = "<MessageReturn><returnStatus>-1</returnStatus></MessageReturn>";
        assert_eq!(problem(&format!("<CEB900Message>{block}{block}</CEB900Message>")), Problem::ElementTwice);
    }

    fn receipt(kind: Kind) -> Receipt {
        let text = str::to_owned;
        let key = match kind {
            Kind::Order => Key::Order { platform: text("无"), seller: text("S"), order_no: text("A<1>") },
            Kind::Waybill => Key::Waybill { carrier: text("C"), waybill_no: text("W-1") },
            Kind::Inventory => Key::Inventory {
                declarant: text("D"),
                enterprise_no: text("TG1"),
                platform: text("无"),
                seller: text("S"),
                order_no: text("A-1"),
            },
            Kind::Payment => Key::Payment { seller: text("S"), order_no: text("A-1"), payment_no: text("") },
            _ => Key::FollowUp { kind, party: text("D"), enterprise_no: text("TG1"), part: 1 },
        };
        let is_inventory = kind == Kind::Inventory;
        Receipt {
            key,
            code: text("120"),
            at: Timestamp::parse_milliseconds("20261111000000123"),
            info: text("[Code:1800;Desc:逻辑校验通过]"),
            port_no: is_inventory.then(|| PortNo(text("B20261111000000001"))),
            inventory_no: is_inventory.then(|| InventoryNo(text("51412026E000000001"))),
            summary_no: None,
            bill_no: None,
        }
    }

    #[test]
    fn what_customs_side_writes_reads_back() {
        let guid = Uuid::from_u128(0xABCD);
        for kind in Kind::ALL {
            let receipt = receipt(kind);
            let reply = Reply { guid: DocumentGuid(guid), receipt: &receipt, statistics: "A", follow_up: None };
            for namespacing in [Namespacing::Default, Namespacing::Prefixed, Namespacing::Absent] {
                for lower_case in [false, true] {
                    let xml = compose_receipts(kind, MessageId(guid), &[reply, reply], Style { namespacing, lower_case }).unwrap();
                    assert_eq!(parse_answer(&xml).unwrap(), Answer::Receipts(vec![receipt.clone(), receipt.clone()]));
                    let text = String::from_utf8(xml).unwrap();
                    assert_eq!(text.matches("00abcd").count(), if lower_case { 3 } else { 0 });
                }
            }
            assert_eq!(compose_receipts(kind, MessageId(guid), &[], Style::default()).unwrap_err().problem(), Problem::Count);
            let other = Kind::ALL.into_iter().find(|&other| other != kind).unwrap();
            assert_eq!(compose_receipts(other, MessageId(guid), &[reply], Style::default()).unwrap_err().problem(), Problem::Content);
        }
        let refusal = FormatReceipt { code: "-1".to_owned(), at: None, info: "bad".to_owned(), original: "M-1".to_owned() };
        let xml = compose_format(MessageId(guid), &refusal, "CEB303Message", "<a>", Style::default()).unwrap();
        assert_eq!(parse_answer(&xml).unwrap(), Answer::Format(refusal));
    }
}
