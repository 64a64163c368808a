//! The schemas of `schemas/` against what we compose, and against the authority's own files where they are at hand.
//!
//! xmllint (libxml2) is the judge: without it these tests fail. The folder named by `TONGGUAN_OFFICIAL` holds the official schemas
//! and samples; where it is not set, the comparisons with them have nothing to compare and pass unsaid.

mod accepted;
mod agree;
mod corpus;
mod fields;
mod golden;
mod hostile;
mod kinds;
mod packs;
mod samples;
mod spoilt;

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use serde_json::{Value, json};
use tongguan::{
    clock::{Timestamp, parse_day},
    declaration::{Action, DocumentGuid, DocumentId, EnterpriseNo, InventoryNo, Kind, MessageId, PortNo, SummaryNo, SummaryResult},
    dossier::{Content, Document},
    message::{self, Message, Namespacing, Outgoing, Part, Reply, RequestContent, Style, SummaryReply, dxp},
    party::{Party, Sender, Tenant},
    receipt::{FormatReceipt, Key, Receipt},
    state::State,
};
use uuid::Uuid;

/// Names the folder of official schemas and samples.
const OFFICIAL: &str = "TONGGUAN_OFFICIAL";

const SIGNATURE: &str = concat!(
    r#"<ds:Signature><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"></ds:CanonicalizationMethod>"#,
    r#"<ds:SignatureMethod Algorithm="http://www.chinaport.gov.cn/2022/04/xmldsig#sm2-sm3"></ds:SignatureMethod><ds:Reference URI=""><ds:Transforms>"#,
    r#"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></ds:Transform></ds:Transforms>"#,
    r#"<ds:DigestMethod Algorithm="http://www.chinaport.gov.cn/2022/04/xmldsig#sm3"></ds:DigestMethod><ds:DigestValue>AAAA</ds:DigestValue>"#,
    "</ds:Reference></ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue><ds:KeyInfo><ds:KeyName>03000000000cde6f</ds:KeyName>",
    "<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
);

fn official() -> Option<PathBuf> {
    std::env::var_os(OFFICIAL).map(PathBuf::from)
}

fn official_schema(message: Message) -> Option<PathBuf> {
    let name = match message {
        Message::Request(_) | Message::Receipts(_) | Message::SummaryResults => "ceb-export-202205.xsd",
        // Defined on the import side alone.
        Message::Format => "ceb-import-202205.xsd",
        Message::Envelope | Message::TransportReport => "dxp-terminal.xsd",
        Message::RoutedEnvelope => "dxp-transport.xsd",
    };
    official().map(|folder| folder.join("official").join(name))
}

fn our_schema(message: Message) -> PathBuf {
    let name = message.wire_type().strip_suffix("Message").unwrap_or("DXP");
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/202205").join(name).with_extension("xsd")
}

fn xmllint(command: &mut Command) -> Output {
    command.output().expect("xmllint must be installed (Debian: libxml2-utils)")
}

/// Whether each document is valid, and what xmllint said of all of them.
fn verdicts(schema: &Path, documents: &[Vec<u8>]) -> (Vec<bool>, String) {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<_> = (0..documents.len()).map(|index| format!("{index}.xml")).collect();
    for (name, document) in names.iter().zip(documents) {
        fs::write(folder.path().join(name), document).unwrap();
    }
    let mut said = String::new();
    for some in names.chunks(1_000) {
        let output = xmllint(Command::new("xmllint").current_dir(&folder).args(["--noout", "--nonet", "--schema"]).arg(schema).args(some));
        said.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    assert!(!said.contains("failed to compile"), "{said}");
    let valid: HashSet<_> = said.lines().filter_map(|line| line.strip_suffix(" validates")).collect();
    (names.iter().map(|name| valid.contains(name.as_str())).collect(), said)
}

fn is_valid(schema: &Path, document: &[u8]) -> (bool, String) {
    let (verdicts, said) = verdicts(schema, &[document.to_vec()]);
    (verdicts == [true], said)
}

fn guid(number: u128) -> Uuid {
    Uuid::from_u128(0xABCD_0000_0000_7000_8000_0000_0000_0000 | number)
}

fn party(code: &str, name: &str) -> Value {
    json!({ "code": code, "name": name })
}

/// A declaration that says everything that can be said.
fn declaration() -> Content {
    let line = |number: u32| {
        json!({
            "number": number, "item_no": format!("SKU-{number}"), "item_name": "茶杯", "description": "一只 <茶杯> & 碟", "bar_code": "6901234567892",
            "unit": "011", "currency": "142", "quantity": "2", "price": "49.90", "total": "99.80", "note": "n"
        })
    };
    let of_inventory = |number: u32| {
        json!({
            "number": number, "hs_code": "6911101100", "customs_name": "瓷杯", "specification": "瓷|无牌", "country": "502",
            "legal_quantity": "0.50000", "legal_unit": "035", "second": ["2", "011"], "invoice": "special", "note": "n"
        })
    };
    let exit_date = serde_json::to_value(parse_day("20261111").unwrap()).unwrap();
    let value = json!({
        "order": {
            "order_no": "A-1", "order_type": "retail", "platform": party("无", "Shop"), "seller": party("91440101MA5AAAAAAA", "卖家"),
            "goods_value": "199.60", "freight": "0", "currency": "142", "note": "跨境电子商务", "lines": [line(1), line(2)]
        },
        "inventory": {
            "declared_at": "5141", "exits_at": "5141", "exit_date": exit_date, "statistics": "summed",
            "declarant": party("4401960ABC", "报关行"), "owner": party("91440101MA5BBBBBBB", "工厂"), "owner_registered": false,
            "trade_mode": "9610", "transport": "5", "vehicle": "CZ", "voyage": "CZ001", "bill_no": "784-1", "bag_no": "B1", "site": "514101",
            "licence_no": "L1", "country": "502", "destination_port": "USA", "freight": "1", "freight_currency": "142", "insured_fee": "0",
            "insured_currency": "142", "wrap": "2", "packs": 1, "gross_weight": "0.6", "net_weight": "0.5", "note": "n",
            "carrier": party("4401980DEF", "物流"), "waybill_no": null, "lines": [of_inventory(1), of_inventory(2)]
        }
    });
    Content::Declaration(Arc::new(serde_json::from_value(value).unwrap()))
}

fn waybill() -> Content {
    let value = json!({
        "carrier": party("4401980DEF", "物流"), "waybill_no": "W-1", "freight": "12.30", "insured_fee": "0", "currency": "142",
        "gross_weight": "0.6", "packs": 1, "goods_info": "茶杯", "seller": party("91440101MA5AAAAAAA", "卖家"), "seller_telephone": "020-1", "note": "n"
    });
    Content::Waybill(Arc::new(serde_json::from_value(value).unwrap()))
}

fn document(kind: Kind) -> Document {
    Document {
        id: DocumentId(guid(1)),
        version: 1,
        tenant: Tenant::local(),
        declaration: None,
        kind,
        // Only who amends names the numbers of port and customs.
        action: Action::Amend,
        guid: DocumentGuid(guid(2)),
        sender: "s".to_owned(),
        road: "r".to_owned(),
        enterprise_no: Some(EnterpriseNo("TG1".to_owned())),
        port_no: Some(PortNo("B20261111000000001".to_owned())),
        inventory_no: Some(InventoryNo("51412026E000000001".to_owned())),
        state: State::Due,
        last_word: None,
        needed_by: Timestamp::NEVER,
        gate_at: None,
        lot: None,
        packed: 0,
        port_failures: 0,
        resent: None,
        message: None,
        on_hold: false,
    }
}

fn at() -> Timestamp {
    Timestamp::parse_milliseconds("20261111080910123").unwrap()
}

fn sender() -> Sender {
    Sender {
        name: "s".to_owned(),
        party: Party { code: "4401960ABC".to_owned(), name: "报关行".to_owned() },
        dxp_id: "DXPENT0000000001".to_owned(),
        signer: "k".to_owned(),
        road: "r".to_owned(),
        ..Sender::default()
    }
}

fn request(kind: Kind) -> Vec<u8> {
    let content = samples::content(kind);
    let document = document(kind);
    let outgoing = Outgoing { document: &document, content: &content, waybill_no: "W-1" };
    message::compose(kind, MessageId(guid(3)), &sender(), &[outgoing], at()).unwrap()
}

fn signed(kind: Kind) -> Vec<u8> {
    let mut bytes = request(kind);
    let position = message::signature_position(&bytes);
    bytes.splice(position..position, SIGNATURE.bytes());
    bytes
}

fn receipts(kind: Kind, style: Style) -> Vec<u8> {
    let text = str::to_owned;
    let key = match kind {
        Kind::Order => Key::Order { platform: text("无"), seller: text("S"), order_no: text("A-1") },
        Kind::Waybill => Key::Waybill { carrier: text("C"), waybill_no: text("W-1") },
        Kind::Inventory => Key::Inventory {
            declarant: text("D"),
            enterprise_no: text("TG1"),
            platform: text("无"),
            seller: text("S"),
            order_no: text("A-1"),
        },
        Kind::Payment => Key::Payment { seller: text("S"), order_no: text("A-1"), payment_no: text("P-1") },
        _ => Key::FollowUp { kind, party: text("D"), enterprise_no: text("TG1"), part: 1 },
    };
    let request = request(kind);
    let request = message::parse_request(&request).unwrap();
    let follow_up = match &request.documents[0].content {
        RequestContent::FollowUp(follow_up) => Some(&**follow_up),
        _ => None,
    };
    let receipt = Receipt {
        key,
        code: text("120"),
        at: Some(at()),
        info: text("[Code:1800;Desc:逻辑校验通过]"),
        port_no: Some(PortNo(text("B20261111000000001"))),
        inventory_no: Some(InventoryNo(text("51412026E000000001"))),
        summary_no: Some(SummaryNo(text("514120260000000001"))),
        bill_no: None,
    };
    let reply = Reply { guid: DocumentGuid(guid(2)), receipt: &receipt, statistics: "A", follow_up };
    message::compose_receipts(kind, MessageId(guid(4)), &[reply], style).unwrap()
}

fn summary_results(result: &SummaryResult, style: Style) -> Vec<u8> {
    let reply = SummaryReply { guid: DocumentGuid(guid(2)), result, names: ["报关行", "卖家", "报关行"] };
    message::compose_summary_results(MessageId(guid(4)), &[reply], style).unwrap()
}

fn address() -> dxp::Address<'static> {
    dxp::Address { cop_msg_id: "M-1", sender: "DXPENT0000000001", receiver: dxp::EXPORT_RECEIVER, at: at(), msg_type: "CEB603Message" }
}

/// One of every message that has a schema, saying all it can.
fn everything() -> Vec<(Message, Vec<u8>)> {
    let style = Style { namespacing: Namespacing::Prefixed, lower_case: false };
    let refusal = FormatReceipt { code: "-1".to_owned(), at: Some(at()), info: "bad".to_owned(), original: "M-1".to_owned() };
    let mut all: Vec<_> = Kind::ALL.into_iter().map(|kind| (Message::Request(kind), signed(kind))).collect();
    all.extend(Kind::ALL.into_iter().map(|kind| (Message::Receipts(kind), receipts(kind, style))));
    all.push((Message::SummaryResults, summary_results(&samples::summary_result(), style)));
    all.push((Message::Format, message::compose_format(MessageId(guid(4)), &refusal, "CEB303Message", "<a>", style).unwrap()));
    all.push((Message::Envelope, dxp::wrap(&address(), &request(Kind::Inventory), "a.xml").unwrap()));
    let envelope = dxp::wrap(&address(), &request(Kind::Order), "a.xml").unwrap();
    all.push((Message::RoutedEnvelope, dxp::shell(&envelope, guid(5), at()).unwrap()));
    all.push((Message::TransportReport, dxp::compose_report("1001", "数字签名无效", at(), &address()).unwrap()));
    all
}

#[test]
fn what_we_write_is_valid() {
    for (message, document) in everything() {
        for schema in [Some(our_schema(message)), official_schema(message)].into_iter().flatten() {
            let (valid, said) = is_valid(&schema, &document);
            assert!(valid, "{} against {}: {said}", message.wire_type(), schema.display());
        }
        assert_eq!(message::validate(&document), [], "{}", message.wire_type());
    }
    for kind in Kind::ALL {
        let styles =
            [Namespacing::Default, Namespacing::Prefixed].map(|namespacing| receipts(kind, Style { namespacing, lower_case: true }));
        assert_eq!(verdicts(&our_schema(Message::Receipts(kind)), &styles).0, [true, true]);
        assert!(is_valid(&our_schema(Message::Request(kind)), &request(kind)).0, "without a signature too");
    }
}

#[test]
fn our_schemas_refuse_what_is_wrong() {
    let text = String::from_utf8(signed(Kind::Inventory)).unwrap();
    let inventory = &text[text.find("<ceb:Inventory>").unwrap()..text.find("<ceb:BaseTransfer>").unwrap()];
    let wrong = [
        text.replace("<ceb:copNo>TG1</ceb:copNo>", ""),
        text.replace("<ceb:fFlag>3<", "<ceb:fFlag>1<"),
        text.replace(
            "<ceb:ieFlag>E</ceb:ieFlag><ceb:portCode>5141</ceb:portCode>",
            "<ceb:portCode>5141</ceb:portCode><ceb:ieFlag>E</ceb:ieFlag>",
        ),
        text.replace(inventory, ""),
        text.replace(inventory, &inventory.repeat(101)),
        text.replace(" version=\"1.0\"", ""),
        text.replace("<ceb:BaseTransfer>", "<ceb:Order/><ceb:BaseTransfer>"),
        text.replace("<ds:SignatureValue>AAAA</ds:SignatureValue>", ""),
        text.replace("<ds:DigestValue>AAAA<", "<ds:DigestValue>A?<"),
        text.replace("http://www.chinaport.gov.cn/ceb", "http://www.chinaport.gov.cn/other"),
    ];
    let documents: Vec<_> = wrong.iter().map(|text| text.clone().into_bytes()).collect();
    let schema = our_schema(Message::Request(Kind::Inventory));
    assert_eq!(verdicts(&schema, &documents).0, [false; 10]);
    for document in &documents {
        assert!(!message::validate(document).is_empty());
    }
    assert!(is_valid(&schema, text.replace(inventory, &inventory.repeat(100)).as_bytes()).0, "a hundred are not too many");
}

#[test]
fn official_samples_have_the_same_verdict() {
    let Some(folder) = official() else { return };
    for message in Message::all() {
        let Some(name) = message.wire_type().strip_suffix("Message") else { continue };
        let Ok(sample) = fs::read(folder.join("samples/messages").join(name).with_extension("xml")) else { continue };
        let theirs = is_valid(&official_schema(message).unwrap(), &sample);
        let ours = is_valid(&our_schema(message), &sample);
        assert_eq!(ours.0, theirs.0, "{name}: {} {}", ours.1, theirs.1);
        // The samples are of the newest schemas, whatever day they bear.
        let own = message::validate_in(message::Pack::newest(), &sample);
        assert_eq!(own.is_empty(), theirs.0, "{name}: {own:?}");
        match message {
            Message::Request(kind) => assert_eq!(message::parse_request(&sample).unwrap().kind, kind),
            _ => assert!(message::parse_answer(&sample).is_ok(), "{name}"),
        }
    }
    for name in ["DxpMsg-CEB312-receipt-real.xml", "DxpMsgSv-CEB312-receipt-real.xml"] {
        let bytes = fs::read(folder.join("samples/transport").join(name)).unwrap();
        let message = if name.starts_with("DxpMsgSv") { Message::RoutedEnvelope } else { Message::Envelope };
        let theirs = is_valid(&official_schema(message).unwrap(), &bytes);
        assert_eq!(message::validate(&bytes).is_empty(), theirs.0, "{name}: {}", theirs.1);
        assert_eq!(is_valid(&our_schema(message), &bytes).0, theirs.0, "{name}");
        let envelope = dxp::unwrap(&bytes).unwrap();
        assert_eq!(envelope.msg_type, "CEB312Message", "{name}");
        assert!(envelope.data.starts_with(b"<?xml"), "{name}");
    }
}

fn assert_canonical_as_xmllint(name: &str, xml: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.xml");
    fs::write(&file, xml).unwrap();
    let output = xmllint(Command::new("xmllint").args(["--nonet", "--c14n"]).arg(&file));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let ours = message::canonical(xml, Part::Whole).unwrap();
    assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&output.stdout), "{name}");
}

#[test]
fn canonical_form_is_libxmls() {
    // xmllint keeps comments; these have none.
    let nasty = [
        "<?xml version=\"1.0\"?>\r\n<a  b = 'x\r\n\ty&#13;&#10;&#9;&lt;&gt;&quot;&apos;>' a=\"&amp;'\">\r\nt\rx&#xD;&#x4E2D;&#128512;<![CDATA[<&]]&gt;\r\n]]></a>\r\n\r\n",
        "<a xmlns='u:d' xmlns:z='u:z' xmlns:b='u:b' z:y='1' b:y='2' y='3' xml:lang='zh'><b xmlns=''><c xmlns='u:d'/><z:d xmlns:z='u:z2' xmlns:b='u:b'/></b></a>",
        "<z:a xmlns:z='u:1' xmlns:a='u:1'><a:a xmlns:z='u:2' xmlns:y='u:3' y:q='1' z:q='2' q='3'><z:a xmlns:z='u:1'/></a:a></z:a>",
        "<a xmlns=''><b xmlns='u:1'><c xmlns=''><d xmlns=''/></c></b></a>",
        "<a xml:space='preserve' xmlns:xml='http://www.w3.org/XML/1998/namespace'> <b\n/> \t</a>",
        "<中 文='值' _a.b-c='1'>中&#x10FFFF;</中>",
        "<a b=\"1\" b1=\"2\" B=\"3\" a-b='4' a.b='5' a_b='6'/>",
    ];
    for xml in nasty {
        assert_canonical_as_xmllint(xml, xml.as_bytes());
    }
    for (message, document) in everything() {
        assert_canonical_as_xmllint(message.wire_type(), &document);
        if matches!(message, Message::Request(_)) {
            assert_eq!(message::canonical(&document, Part::Whole).unwrap(), document, "what is composed is canonical");
        }
    }
    let Some(folder) = official() else { return };
    for sub in ["messages", "receipts", "signature", "transport"] {
        for entry in fs::read_dir(folder.join("samples").join(sub)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "xml") {
                assert_canonical_as_xmllint(&path.display().to_string(), &fs::read(&path).unwrap());
            }
        }
    }
}
