//! Any message at a glance, for whoever has it explained: what it is, who sent it, which documents are in it, what was answered.
//! It reads also what the gateway neither sends nor takes in, such as the receipts of imports, and asks for nothing but form: a
//! document of which little can be told is told with that little.

mod names;

use names::{LABELS, NAMES, Name};

use super::{
    Message, answer,
    dxp::{self, Opened},
    error::{Error, Problem},
    xml::tree::{Document, Element, Space},
};
use crate::{
    clock::Timestamp,
    declaration::Action,
    receipt::{FormatReceipt, TransportReceipt},
};

/// The most characters of a value that are told.
const MAX_VALUE: usize = 255;
/// The most documents that are told; the rest is counted.
const MAX_TOLD: usize = 1_000;

/// What a file turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gist {
    /// What is odd about its bytes.
    pub oddities: Oddities,
    /// The envelope it came in.
    pub envelope: Option<Envelope>,
    /// What it says.
    pub content: Content,
}

/// What is odd about the bytes of a message, and harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Oddities {
    /// It begins with a byte of zero (海关头).
    pub zero: bool,
    /// It begins with a byte order mark.
    pub mark: bool,
    /// The business message names no namespace.
    pub no_namespace: bool,
}

/// The outside of an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Whether a relay's shell (DxpMsgSv) is around it.
    pub relayed: bool,
    /// CopMsgId.
    pub id: String,
    /// SenderId.
    pub sender: String,
    /// ReceiverId, 1 to 5.
    pub receivers: Vec<String>,
    /// CreatTime as written.
    pub created: String,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A business message from an enterprise.
    Request(Business),
    /// Receipts of customs, or the result of a summary.
    Answer(Business),
    /// 900: a whole message was refused.
    Format(FormatReceipt, i64),
    /// DxpRep: the transport's own answer.
    Transport(TransportReceipt),
}

/// A business message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Business {
    /// The number of the message: 303, 604.
    pub number: i64,
    /// For an answer: the number of what it answers, 303 for 304; its own for what customs sends unasked (792).
    pub about: i64,
    /// What its documents are called, in Chinese and English.
    pub name: (&'static str, &'static str),
    /// Who transmits it (copCode, copName, dxpId); answers do not say.
    pub transfer: Option<(String, String, String)>,
    /// Whether it carries a signature; that it verifies is not said here.
    pub signed: bool,
    /// How many documents there are.
    pub count: usize,
    /// The first thousand of them.
    pub documents: Vec<Told>,
}

/// A document or a receipt, as far as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What identifies it: name in Chinese, name in English, value.
    pub numbers: Vec<(&'static str, &'static str, String)>,
    /// appType, of a document.
    pub action: Option<Action>,
    /// How many lines it has.
    pub lines: usize,
    /// What customs says of it.
    pub status: Option<Status>,
}

/// What customs says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// returnStatus, or decState of 792, as received; may be empty there.
    pub code: String,
    /// returnTime.
    pub at: Option<Timestamp>,
    /// returnInfo.
    pub info: String,
}

/// Tells what bytes are, in an envelope or without.
///
/// # Errors
/// When they cannot be read, or are no message of the unified system; what stands in an envelope counts as well.
pub fn gist(bytes: &[u8]) -> Result<Gist, Error> {
    let document = Document::read(bytes)?;
    let mut oddities = oddities(bytes);
    let root = document.root();
    if number(root).is_some() {
        oddities.no_namespace = root.space() == Space::None;
        return Ok(Gist { oddities, envelope: None, content: content(&document)? });
    }
    match dxp::open(bytes)? {
        Opened::Report(report) => Ok(Gist { oddities, envelope: None, content: Content::Transport(report) }),
        Opened::Business(_) => Err(root.error(Problem::UnknownMessage)),
        Opened::Envelope(envelope) => {
            let inner = Document::read(&envelope.data)?;
            oddities.no_namespace = inner.root().space() == Space::None;
            let content = content(&inner)?;
            let relayed = root.name() == Message::RoutedEnvelope.wire_type();
            let dxp::Envelope { cop_msg_id, sender, receivers, created, .. } = envelope;
            Ok(Gist { oddities, envelope: Some(Envelope { relayed, id: cop_msg_id, sender, receivers, created }), content })
        }
    }
}

fn oddities(bytes: &[u8]) -> Oddities {
    let rest = bytes.strip_prefix(b"\0");
    Oddities { zero: rest.is_some(), mark: rest.unwrap_or(bytes).starts_with("\u{FEFF}".as_bytes()), no_namespace: false }
}

/// nnn of `CEBnnnMessage`.
fn number(root: Element<'_, '_>) -> Option<i64> {
    let digits = root.name().strip_prefix("CEB")?.strip_suffix("Message")?;
    digits.parse().ok().filter(|_| digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn content(document: &Document<'_>) -> Result<Content, Error> {
    let root = document.root();
    let unknown = || root.error(Problem::UnknownMessage);
    let number = number(root).filter(|_| matches!(root.space(), Space::Ceb | Space::None)).ok_or_else(unknown)?;
    if number == 900 {
        let block = root.child(Message::Format.block()).ok_or_else(|| root.missing("MessageReturn"))?;
        let refused = block.value("oriMessageType").strip_prefix("CEB").and_then(|rest| rest.get(..3)?.parse().ok());
        return answer::format_receipt(root).map(|receipt| Content::Format(receipt, refused.unwrap_or(0)));
    }
    let name = NAMES.iter().find(|name| name.number == number).ok_or_else(unknown)?;
    let blocks: Vec<_> = root.children().filter(|child| !names::AROUND.contains(&child.name())).collect();
    if blocks.is_empty() {
        return Err(root.error(Problem::Count));
    }
    let transfer = root.child("BaseTransfer").map(|transfer| {
        let value = |name| cut(transfer.value(name));
        (value("copCode"), value("copName"), value("dxpId"))
    });
    let business = Business {
        number,
        about: name.about,
        name: (name.zh, name.en),
        transfer,
        signed: root.children().any(|child| child.name() == "Signature"),
        count: blocks.len(),
        documents: blocks.into_iter().take(MAX_TOLD).map(|block| told(block, name)).collect(),
    };
    Ok(if name.is_answer() { Content::Answer(business) } else { Content::Request(business) })
}

fn told(block: Element<'_, '_>, name: &Name) -> Told {
    let head = block.children().find(|child| child.name().ends_with("Head")).unwrap_or(block);
    let numbers = LABELS.iter().filter_map(|(wire, zh, en)| {
        let value = head.value(wire);
        (!value.is_empty()).then(|| (*zh, *en, cut(value)))
    });
    let status = name.is_answer().then(|| Status {
        code: cut(head.value(if name.number == names::SUMMARY_RESULT { "decState" } else { "returnStatus" })),
        at: Timestamp::parse_milliseconds(head.value("returnTime")),
        info: answer::info(head.value("returnInfo")),
    });
    Told {
        numbers: numbers.collect(),
        action: head.value("appType").parse().ok().and_then(Action::from_number),
        lines: block.children().filter(|child| child.name().ends_with("List")).count(),
        status,
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_VALUE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "4CDE1CFD-EDED-46B1-946C-B8022E42FC94";

    fn receipts(xml: &str) -> (Gist, Business) {
        let gist = gist(xml.as_bytes()).unwrap();
        match gist.content.clone() {
            Content::Answer(business) => (gist, business),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn receipts_of_kinds_that_are_not_taken_in_are_told() {
        let xml = "\0\u{FEFF}<CEB622Message guid='x' version='1.0'><InventoryReturn><copNo>124183351885</copNo>\
            <preNo>B20200615494000227</preNo><invtNo>29242020I439440284</invtNo><returnStatus>800</returnStatus>\
            <returnTime>20200615171556654</returnTime><returnInfo>[Code:2600;Desc:放行]</returnInfo></InventoryReturn></CEB622Message>";
        let (gist, business) = receipts(xml);
        assert_eq!(gist.oddities, Oddities { zero: true, mark: true, no_namespace: true });
        assert_eq!((business.number, business.about, business.count), (622, 621, 1));
        let told = &business.documents[0];
        assert_eq!(
            told.numbers.iter().map(|number| number.2.as_str()).collect::<Vec<_>>(),
            ["124183351885", "B20200615494000227", "29242020I439440284"]
        );
        assert_eq!(told.status.as_ref().unwrap().code, "800");
        assert!(told.status.as_ref().unwrap().at.is_some());
    }

    #[test]
    fn every_known_message_is_told_and_no_other() {
        for name in &NAMES {
            let xml = format!(
                "<CEB{0}Message xmlns='http://www.chinaport.gov.cn/ceb' guid='{GUID}'><Any><copNo>1</copNo></Any></CEB{0}Message>",
                name.number
            );
            let told = gist(xml.as_bytes()).unwrap();
            let is_answer = matches!(told.content, Content::Answer(_));
            assert_eq!(is_answer, name.number % 2 == 0 && name.number != 0, "{}", name.number);
        }
        for message in Message::all().filter(|message| matches!(message, Message::Request(_) | Message::Receipts(_))) {
            assert!(NAMES.iter().any(|name| message.wire_type() == format!("CEB{}Message", name.number)), "{}", message.wire_type());
        }
        for (xml, problem) in [
            ("<CEB999Message/>", Problem::UnknownMessage),
            ("<CEB303Message/>", Problem::Count),
            ("<CEB303Message xmlns='urn:x'><Order/></CEB303Message>", Problem::UnknownMessage),
            ("<html/>", Problem::UnknownMessage),
            ("text", Problem::Syntax),
        ] {
            assert_eq!(gist(xml.as_bytes()).unwrap_err().problem(), problem, "{xml}");
        }
    }

    #[test]
    fn a_request_in_a_relays_shell_is_told() {
        let xml = "<CEB303Message xmlns='http://www.chinaport.gov.cn/ceb' guid='G'><Order><OrderHead><appType>2</appType><orderNo>O1</orderNo>\
            </OrderHead><OrderList/><OrderList/></Order><BaseTransfer><copCode>C</copCode><copName>N</copName><dxpId>D</dxpId>\
            </BaseTransfer><Signature xmlns='http://www.w3.org/2000/09/xmldsig#'/></CEB303Message>";
        let address = dxp::Address { cop_msg_id: "M", sender: "S", receiver: "R", at: Timestamp::default(), msg_type: "CEB303Message" };
        let envelope = dxp::wrap(&address, xml.as_bytes(), "").unwrap();
        let shell = dxp::shell(&envelope, uuid::Uuid::nil(), Timestamp::default()).unwrap();
        let told = gist(&shell).unwrap();
        assert!(told.envelope.is_some_and(|envelope| envelope.relayed && envelope.sender == "S"));
        let Content::Request(business) = told.content else { panic!("a request") };
        assert_eq!((business.signed, business.documents[0].action, business.documents[0].lines), (true, Some(Action::Amend), 2));
        assert_eq!(business.transfer.unwrap().2, "D");
    }

    #[test]
    fn the_refusal_of_a_message_names_what_it_refuses() {
        let xml = "<CEB900Message guid='G'><MessageReturn><returnStatus>-999999</returnStatus><returnInfo>验签失败</returnInfo>\
            <oriCopMsgId>M1</oriCopMsgId><oriMessageType>CEB603Message</oriMessageType></MessageReturn></CEB900Message>";
        let Content::Format(receipt, about) = gist(xml.as_bytes()).unwrap().content else { panic!("a refusal") };
        assert_eq!((receipt.original.as_str(), about), ("M1", 603));
        let Content::Format(_, about) = gist(xml.replace("CEB603Message", "Unknown").as_bytes()).unwrap().content else { panic!() };
        assert_eq!(about, 0);
    }
}
