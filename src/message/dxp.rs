//! The envelope in which business messages travel (DxpMsg, with or without a relay's shell), and the transport's own answer
//! (DxpRep). Message specification 202205 §4, §5 and table 7-1.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use uuid::Uuid;

use super::{
    Message, answer,
    error::{Error, Problem},
    xml::{
        DXP,
        tree::{Document, Element},
        writer::Writer,
    },
};
use crate::{clock::Timestamp, receipt::TransportReceipt};

/// Who receives export messages (transport §1.6: three independent sources, no official text; so configuration may say otherwise).
pub const EXPORT_RECEIVER: &str = "DXPEDCCEB0000003";

/// The most receivers of an envelope.
const MAX_RECEIVERS: usize = 5;

/// What an envelope says on its outside.
#[derive(Debug, Clone, Copy)]
pub struct Address<'a> {
    /// CopMsgId: the sender's own id of the message.
    pub cop_msg_id: &'a str,
    /// SenderId: the dxp id.
    pub sender: &'a str,
    /// ReceiverId.
    pub receiver: &'a str,
    /// CreatTime.
    pub at: Timestamp,
    /// MsgType: the root element of what is inside.
    pub msg_type: &'a str,
}

impl Address<'_> {
    fn write(&self, writer: &mut Writer, name: &'static str) {
        writer.open(name);
        writer.leaf("CopMsgId", self.cop_msg_id);
        writer.leaf("SenderId", self.sender);
        writer.open("ReceiverIds");
        writer.leaf("ReceiverId", self.receiver);
        writer.close("ReceiverIds");
        writer.leaf("CreatTime", &self.at.to_envelope());
        writer.leaf("MsgType", self.msg_type);
        writer.close(name);
    }
}

/// Puts a message into an envelope. No file name where `file_name` is empty.
///
/// # Errors
/// When the outside holds a character that XML does not allow.
pub fn wrap(address: &Address<'_>, payload: &[u8], file_name: &str) -> Result<Vec<u8>, Error> {
    let mut writer = start(Message::Envelope, payload.len() / 3 * 4 + 1_024);
    address.write(&mut writer, "TransInfo");
    writer.open("Data");
    writer.raw(STANDARD.encode(payload).as_bytes());
    writer.close("Data");
    if !file_name.is_empty() {
        writer.open("AddInfo");
        writer.leaf("FileName", file_name);
        writer.close("AddInfo");
    }
    writer.close(Message::Envelope.wire_type());
    writer.finish()
}

fn start(message: Message, capacity: usize) -> Writer {
    let mut writer = Writer::new("", capacity);
    writer.raw(br#"<?xml version="1.0" encoding="UTF-8"?>"#);
    writer.begin(message.wire_type());
    writer.attribute("xmlns", DXP);
    writer.attribute("ver", "1.0");
    writer.opened();
    writer
}

/// Puts an envelope into the shell of a relay (DxpMsgSv), as a third-party platform may hand it over. `id` makes its number.
///
/// # Errors
/// When the shell holds a character that XML does not allow.
pub fn shell(envelope: &[u8], id: Uuid, at: Timestamp) -> Result<Vec<u8>, Error> {
    const NODE: &str = "00000002";
    let inside = envelope.windows(2).position(|pair| pair == b"?>").map_or(0, |end| end + 2);
    let inside = envelope.get(inside..).unwrap_or_default();
    let mut writer = start(Message::RoutedEnvelope, inside.len() + 512);
    writer.raw(br#"<SvNo Ver="1.0">"#);
    writer.leaf("MsgId", &format!("{NODE}{}{:010}", at.to_seconds(), id.as_u128() % 10_000_000_000));
    writer.leaf("SendTime", &at.to_envelope());
    writer.leaf("EndNode", NODE);
    writer.leaf("StaNode", NODE);
    writer.raw(b"</SvNo>");
    writer.raw(inside);
    writer.close(Message::RoutedEnvelope.wire_type());
    writer.finish()
}

/// An envelope, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// CopMsgId.
    pub cop_msg_id: String,
    /// SenderId.
    pub sender: String,
    /// ReceiverId, 1 to 5.
    pub receivers: Vec<String>,
    /// CreatTime as written: with a Z or without, it is Beijing time (transport §1.3), and nothing depends on it.
    pub created: String,
    /// MsgType.
    pub msg_type: String,
    /// FileName; empty if it has none.
    pub file_name: String,
    /// What was inside.
    pub data: Vec<u8>,
}

/// What bytes from a road turn out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// A business message without an envelope, and which.
    Business(Message),
    /// An envelope.
    Envelope(Envelope),
    /// The transport's own answer.
    Report(TransportReceipt),
}

/// Tells what bytes are, and opens the envelope if they are one.
///
/// # Errors
/// When they cannot be read, or are nothing that the catalogue knows.
pub fn open(bytes: &[u8]) -> Result<Opened, Error> {
    let document = Document::read(bytes)?;
    let root = document.root();
    match Message::of(root)? {
        message @ (Message::Request(_) | Message::Receipts(_) | Message::SummaryResults | Message::Format) => Ok(Opened::Business(message)),
        Message::TransportReport => report(root).map(Opened::Report),
        Message::Envelope => envelope(root).map(Opened::Envelope),
        Message::RoutedEnvelope => {
            let inner = root.child(Message::Envelope.wire_type()).ok_or_else(|| root.missing("DxpMsg"))?;
            envelope(inner).map(Opened::Envelope)
        }
    }
}

/// Opens an envelope, and a relay's shell around it.
///
/// # Errors
/// When the bytes cannot be read, or are something else.
pub fn unwrap(xml: &[u8]) -> Result<Envelope, Error> {
    match open(xml)? {
        Opened::Envelope(envelope) => Ok(envelope),
        Opened::Business(_) | Opened::Report(_) => Err(Error::new(Problem::Missing, "DxpMsg")),
    }
}

fn envelope(root: Element<'_, '_>) -> Result<Envelope, Error> {
    let head = root.child("TransInfo").ok_or_else(|| root.missing("TransInfo"))?;
    let receivers = head.child("ReceiverIds").ok_or_else(|| head.missing("ReceiverIds"))?;
    let receivers: Vec<_> = receivers.children().map(|receiver| receiver.text().to_owned()).collect();
    let data = root.child("Data").ok_or_else(|| root.missing("Data"))?;
    let outside = head.children().chain(root.child("AddInfo"));
    if receivers.len() > MAX_RECEIVERS
        || receivers.iter().any(|receiver| is_long(receiver))
        || outside.into_iter().any(|field| is_long(field.text()))
    {
        return Err(head.error(Problem::Value));
    }
    Ok(Envelope {
        cop_msg_id: head.required("CopMsgId")?.to_owned(),
        sender: head.value("SenderId").to_owned(),
        receivers,
        created: head.value("CreatTime").to_owned(),
        msg_type: head.value("MsgType").to_owned(),
        file_name: root.child("AddInfo").map(|more| more.value("FileName").chars().take(255).collect()).unwrap_or_default(),
        data: base64(data)?,
    })
}

/// The longest value on an envelope's outside has 255 characters.
fn is_long(text: &str) -> bool {
    text.chars().nth(255).is_some()
}

fn base64(data: Element<'_, '_>) -> Result<Vec<u8>, Error> {
    let text = data.text().as_bytes();
    let decoded = if text.iter().any(u8::is_ascii_whitespace) {
        let packed: Vec<u8> = text.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
        STANDARD.decode(packed)
    } else {
        STANDARD.decode(text)
    };
    let decoded = decoded.map_err(|_| data.error(Problem::Base64))?;
    if decoded.is_empty() { Err(data.missing("Data")) } else { Ok(decoded) }
}

/// Reads a DxpRep. The schema lets it hold several responses: the first one counts, if all are about the same message.
pub(super) fn report(root: Element<'_, '_>) -> Result<TransportReceipt, Error> {
    let mut responses = root.children().filter(|child| child.name() == "Response").map(response);
    let first = responses.next().ok_or_else(|| root.missing("Response"))??;
    for other in responses {
        if other?.original != first.original {
            return Err(root.error(Problem::ElementTwice));
        }
    }
    Ok(first)
}

fn response(response: Element<'_, '_>) -> Result<TransportReceipt, Error> {
    let original = response.child("OriHead").ok_or_else(|| response.missing("OriHead"))?;
    let receipt = TransportReceipt {
        code: response.required("ResponseCode")?.to_owned(),
        info: answer::info(response.value("ResponseInfo")),
        original: original.required("CopMsgId")?.to_owned(),
        sender_dxp_id: original.value("SenderId").to_owned(),
    };
    if [&receipt.code, &receipt.original, &receipt.sender_dxp_id].into_iter().any(|value| is_long(value)) {
        return Err(response.error(Problem::Value));
    }
    Ok(receipt)
}

/// Writes a DxpRep about the message that was sent under `original`.
///
/// # Errors
/// When it holds a character that XML does not allow.
pub fn compose_report(code: &str, info: &str, at: Timestamp, original: &Address<'_>) -> Result<Vec<u8>, Error> {
    let mut writer = start(Message::TransportReport, 1_024);
    // Spelt so in the schema.
    writer.leaf("RecevierId", original.sender);
    writer.open("Response");
    writer.leaf("ResponseCode", code);
    writer.optional("ResponseInfo", Some(info));
    let day = at.to_envelope();
    writer.leaf("NoticeTime", day.split('T').next().unwrap_or_default());
    original.write(&mut writer, "OriHead");
    writer.close("Response");
    writer.close(Message::TransportReport.wire_type());
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{declaration::Kind, message::parse_answer, receipt::Answer};

    const ADDRESS: Address<'static> = Address {
        cop_msg_id: "M-1",
        sender: "DXPENT0000000001",
        receiver: EXPORT_RECEIVER,
        at: Timestamp(1_700_000_000_000_000),
        msg_type: "CEB303Message",
    };

    #[test]
    fn an_envelope_reads_back() {
        let payload: Vec<u8> = (0..=255).collect();
        let bytes = wrap(&ADDRESS, &payload, "CEB303Message_1.xml").unwrap();
        let expected = Envelope {
            cop_msg_id: "M-1".to_owned(),
            sender: "DXPENT0000000001".to_owned(),
            receivers: vec![EXPORT_RECEIVER.to_owned()],
            created: "2023-11-15T06:13:20".to_owned(),
            msg_type: "CEB303Message".to_owned(),
            file_name: "CEB303Message_1.xml".to_owned(),
            data: payload.clone(),
        };
        assert_eq!(unwrap(&bytes).unwrap(), expected);
        assert_eq!(open(&bytes).unwrap(), Opened::Envelope(expected));
        assert_eq!(unwrap(&wrap(&ADDRESS, &payload, "").unwrap()).unwrap().file_name, "");
    }

    /// The shape of a real receipt's shell: prefixes, a Z on the time, wrapped base64, a leading 0x00.
    #[test]
    fn a_relays_shell_is_stripped() {
        let xml = "\0<?xml version=\"1.0\" encoding=\"UTF-8\"?><DxpMsgSv xmlns=\"http://www.chinaport.gov.cn/dxp\" ver=\"1.0\"><SvNo Ver=\"1.0\">\
            <MsgId>00000002201906281054520057087669</MsgId><SendTime>2019-06-28T10:54:52Z</SendTime><EndNode>46000002</EndNode>\
            <StaNode>00000002</StaNode></SvNo><d:DxpMsg xmlns:d=\"http://www.chinaport.gov.cn/dxp\" ver=\"1.0\"><d:TransInfo>\
            <d:CopMsgId>X</d:CopMsgId><d:SenderId>DXPEDCCEB0000002</d:SenderId><d:ReceiverIds><d:ReceiverId>A</d:ReceiverId>\
            <d:ReceiverId>B</d:ReceiverId></d:ReceiverIds><d:CreatTime>2019-06-28T10:54:52Z</d:CreatTime><d:MsgType>CEB304Message</d:MsgType>\
            </d:TransInfo><d:Data>\r\nPGEv\r\nPg==\r\n</d:Data></d:DxpMsg></DxpMsgSv>";
        let envelope = unwrap(xml.as_bytes()).unwrap();
        assert_eq!((envelope.data.as_slice(), envelope.receivers.len()), (b"<a/>".as_slice(), 2));
        assert_eq!(envelope.created, "2019-06-28T10:54:52Z");
        let broken = |from: &str, to: &str| unwrap(xml.replacen(from, to, 1).as_bytes()).unwrap_err().problem();
        assert_eq!(broken("PGEv", "P*Ev"), Problem::Base64);
        assert_eq!(broken("\r\nPGEv\r\nPg==\r\n", ""), Problem::Missing);
        assert_eq!(broken("<d:CopMsgId>X<", "<d:CopMsgId><"), Problem::Missing);
        assert_eq!(broken("<d:CopMsgId>X<", &format!("<d:CopMsgId>{}<", "X".repeat(256))), Problem::Value);
        assert_eq!(broken("<d:ReceiverId>A</d:ReceiverId>", &"<d:ReceiverId>A</d:ReceiverId>".repeat(5)), Problem::Value);
    }

    #[test]
    fn bytes_are_told_apart() {
        let business = "<CEB604Message xmlns='http://www.chinaport.gov.cn/ceb'/>";
        assert_eq!(open(business.as_bytes()).unwrap(), Opened::Business(Message::Receipts(Kind::Inventory)));
        assert_eq!(unwrap(business.as_bytes()).unwrap_err().problem(), Problem::Missing);
        assert_eq!(open(b"<DxpMsg xmlns='http://www.chinaport.gov.cn/ceb'/>").unwrap_err().problem(), Problem::UnknownMessage);
        assert_eq!(open(b"garbage").unwrap_err().problem(), Problem::Syntax);
    }

    #[test]
    fn the_transports_own_answer_reads_back() {
        let bytes = compose_report("1001", "数字签名无效", ADDRESS.at, &ADDRESS).unwrap();
        let expected = TransportReceipt {
            code: "1001".to_owned(),
            info: "数字签名无效".to_owned(),
            original: "M-1".to_owned(),
            sender_dxp_id: "DXPENT0000000001".to_owned(),
        };
        assert_eq!(open(&bytes).unwrap(), Opened::Report(expected.clone()));
        assert_eq!(parse_answer(&bytes).unwrap(), Answer::Transport(expected.clone()));
        let text = String::from_utf8(bytes).unwrap();
        let start = text.find("<Response>").unwrap();
        let response = &text[start..text.find("</DxpRep>").unwrap()];
        let twice = text.replacen(response, &response.repeat(2), 1);
        assert_eq!(parse_answer(twice.as_bytes()).unwrap(), Answer::Transport(expected));
        let another = text.replacen(response, &format!("{response}{}", response.replace("M-1", "M-2")), 1);
        assert_eq!(parse_answer(another.as_bytes()).unwrap_err().problem(), Problem::ElementTwice);
        assert_eq!(parse_answer(text.replace("1001", "").as_bytes()).unwrap_err().problem(), Problem::Missing);
    }
}
