//! Reads what customs answers (304, 506, 604, 900, DxpRep), and writes it for a simulated customs.
//!
//! Production receipts come under any prefix or none, with or without the namespace, with guids in either case that match nothing,
//! several in a message, with numbers missing (messages §3, §5, §7; transport §4.6): all of that is read. A message is read whole
//! or not at all.

use uuid::Uuid;

use super::{
    MAX_DOCUMENTS, Message, dxp,
    error::{Error, Problem},
    family,
    xml::{
        self,
        tree::{Document, Element},
        writer::Writer,
    },
};
use crate::{
    clock::Timestamp,
    declaration::{DocumentGuid, InventoryNo, Kind, MessageId, PortNo},
    receipt::{Answer, FormatReceipt, Receipt},
};

/// The most characters kept of a returnInfo: the specification's 5000 of CEB900.
pub const MAX_INFO: usize = 5_000;

/// The most characters of a number or code in a receipt; the longest that the specification knows is oriCopMsgId.
const MAX_VALUE: usize = 255;

/// Reads an answer that came by itself or out of an envelope.
///
/// # Errors
/// When it cannot be read, is no answer, carries no receipt or more than 100, or any of them names no document or no status.
pub fn parse_answer(xml: &[u8]) -> Result<Answer, Error> {
    let document = Document::read(xml)?;
    let root = document.root();
    match Message::of(root)? {
        Message::Receipts(kind) => receipts(root, kind).map(Answer::Receipts),
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
fn format_receipt(root: Element<'_, '_>) -> Result<FormatReceipt, Error> {
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
    fn writer(self, message: Message, guid: Uuid, capacity: usize) -> Writer {
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

fn time(at: Option<Timestamp>) -> String {
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
