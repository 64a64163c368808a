//! Our validator and libxml2 over the same documents: every good message, and tens of thousands that are spoilt. They agree on each
//! one, save where a name below says why not; a name that nothing needs any more fails the test.

use std::collections::{BTreeMap, BTreeSet};

use tongguan::message::{self, Defect, Message};

use super::{SIGNATURE, corpus, everything, official, official_schema, our_schema, verdicts};

/// What we refuse and libxml2 takes: our code, and why.
const REFUSALS: [(&str, &str); 7] = [
    ("S-REFUSED", "safety: no DOCTYPE, no processing instruction"),
    ("S-ENCODING", "safety: UTF-8 alone"),
    ("S-LIMIT", "safety: bounded depth, size and counts"),
    ("S-ROOT", "a message is asked for, not any element that the schema declares at its top"),
    ("S-INSTANCE", "safety: a message does not choose its types (xsi:type)"),
    ("S-PREFIX", "libxml2 tells of a prefix that is bound to nothing, and goes on"),
    ("S-BASE64", "libxml2 passes over every character that is not of base64 (XML Schema part 2, 3.2.16: none may be there)"),
];

type Change = fn(&str) -> String;

/// What libxml2 refuses and we take, because XML Schema does; each with a change of nothing that matters, after which libxml2 takes it too.
const FAULTS: [(&str, Change); 3] = [
    // Part 1, 3.4.4 (2.3): white space between elements is white space however it is written.
    ("white space as CDATA between elements", |text| text.replace("<![CDATA[ ]]>", " ")),
    // Part 1, 3.3.4 (5.1): no characters, so the default counts.
    ("nothing as CDATA where a default is declared", |text| text.replace("<![CDATA[]]>", "")),
    // Part 2, 4.3.6: white space is collapsed before a number or moment is looked at.
    ("white space around whole numbers and moments", |text| {
        ["gnum", "gseqno", "packNo", "msgCount", "msgSeqNo", "CreatTime", "SendTime", "NoticeTime", "X509SerialNumber"]
            .into_iter()
            .fold(text.to_owned(), |text, name| trimmed(&text, name))
    }),
];

/// The elements of a name without white space at the ends of their text.
fn trimmed(text: &str, name: &str) -> String {
    let tag = format!("{name}>");
    let mut pieces = text.split(&tag);
    let mut result = pieces.next().unwrap().to_owned();
    for piece in pieces {
        result.push_str(&tag);
        let (value, rest) = piece.split_once('<').unwrap_or((piece, ""));
        result.push_str(value.replace("&#32;", " ").trim());
        if piece.contains('<') {
            result.push('<');
        }
        result.push_str(rest);
    }
    result
}

/// Beside the messages that we write: ones that hold all that the schemas know.
fn rich() -> Vec<(Message, String)> {
    let signature = SIGNATURE.replace("<ds:Signature>", "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" Id=\"s\">").replace(
        "</ds:KeyInfo>",
        concat!(
            "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AAAA</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>",
            "<ds:KeyValue><ds:DSAKeyValue><ds:P>AAAA</ds:P><ds:Q>AAAA</ds:Q><ds:Y>AAAA</ds:Y><ds:Seed>AAAA</ds:Seed>",
            "<ds:PgenCounter>AAAA</ds:PgenCounter></ds:DSAKeyValue></ds:KeyValue>",
            "<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>CN=a</ds:X509IssuerName><ds:X509SerialNumber>12</ds:X509SerialNumber>",
            "</ds:X509IssuerSerial><ds:X509SKI>AAAA</ds:X509SKI><ds:X509CRL>AAAA</ds:X509CRL></ds:X509Data>",
            "<ds:PGPData><ds:PGPKeyID>AAAA</ds:PGPKeyID><ds:PGPKeyPacket>AAAA</ds:PGPKeyPacket></ds:PGPData>",
            "<ds:SPKIData><ds:SPKISexp>AAAA</ds:SPKISexp></ds:SPKIData><ds:MgmtData>a</ds:MgmtData><ds:RetrievalMethod URI=\"#s\">",
            "<ds:Transforms><ds:Transform Algorithm=\"a\"><ds:XPath>b</ds:XPath></ds:Transform></ds:Transforms></ds:RetrievalMethod>",
            "<o:other xmlns:o=\"u:o\"><o:a>b</o:a></o:other></ds:KeyInfo>"
        ),
    );
    let subscribe = "<ceb:BaseSubscribe><ceb:status>ALL</ceb:status><ceb:dxpMode>DXP</ceb:dxpMode><ceb:dxpAddress>A</ceb:dxpAddress></ceb:BaseSubscribe>";
    let extend = concat!(
        "<ceb:ExtendMessage><ceb:name>a</ceb:name><ceb:version>1</ceb:version><ceb:Message><o:other xmlns:o=\"u:o\" o:b=\"1\"><o:a>b</o:a>",
        "</o:other></ceb:Message></ceb:ExtendMessage>"
    );
    let more = concat!(
        "<AddInfo><FileName>a.xml</FileName><IcCard>1</IcCard><BizKey><Key name=\"a\">b</Key><Key>c</Key></BizKey><IsText Encode=\"UTF-8\"></IsText>",
        "<RecMapId a=\"1\"><b>c</b></RecMapId></AddInfo>"
    );
    let results = concat!(
        "<Results><Result><RecId>A</RecId><Code>1</Code><Info>i</Info><Note>n</Note></Result><Result><RecId>B</RecId><Code>2</Code></Result>",
        "</Results><NoticeTime>"
    );
    let change = |(message, document): (Message, Vec<u8>)| {
        let text = String::from_utf8(document).unwrap();
        let text = match message {
            Message::Request(_) => text.replace(SIGNATURE, &format!("{}{signature}{extend}", subscribe.repeat(2))),
            Message::Envelope => {
                let start = text.find("<Data>").unwrap();
                let end = text.find("</DxpMsg>").unwrap();
                format!("{}<Data>AAAA</Data>{more}{signature}{}", &text[..start], &text[end..])
            }
            Message::TransportReport => text
                .replace("<Response>", "<AdNodeId>1</AdNodeId><Response><NodeId>1</NodeId>")
                .replace("<NoticeTime>", results)
                .replace("</DxpRep>", &format!("{signature}</DxpRep>")),
            _ => return None,
        };
        Some((message, text))
    };
    everything().into_iter().filter_map(change).collect()
}

/// Documents that only a name above explains, and what a schema allows that no good message does.
fn odd(good: &str) -> Vec<String> {
    let inside = |text: &str| good.replacen("<o:a>b</o:a>", text, 1);
    vec![
        inside(&format!("{}{}", "<o:a>".repeat(40), "</o:a>".repeat(40))),
        inside("<q:a/>"),
        inside("<ceb:BaseTransfer/>"),
        inside("text <b/> text <!-- a --><![CDATA[<]]>"),
        good.replace("<RecMapId a=\"1\">", "<RecMapId xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:x=\"http://www.w3.org/2001/XMLSchema\" i:type=\"x:anyType\">"),
        good.replace("<b>c</b>", "<d:DxpMsg xmlns:d=\"http://www.chinaport.gov.cn/dxp\"/>"),
        good.replace("<b>c</b>", "<b xmlns=\"u:b\"><ds:KeyName xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><a/></ds:KeyName></b>"),
        good.replace("<b>c</b>", "text"),
        good.replace(" Id=\"s\"", " Id=\"1\""),
        good.replace("<ds:SignatureValue>", "<ds:SignatureValue Id=\"s\">"),
        good.replace("<ds:Reference URI=\"\">", "<ds:Reference URI=\"#a\" Id=\"s\" Type=\"a\">"),
        good.replace("<ds:Reference URI=\"\">", "<ds:Reference URI=\"%zz\">"),
        good.replace("<ds:Reference URI=\"\">", "<ds:Reference>"),
        good.replace("<IsText Encode=\"UTF-8\"></IsText>", "<IsText Encode=\"UTF-8\"> </IsText>"),
        good.replace("<IsText Encode=\"UTF-8\"></IsText>", "<IsText Encode=\"UTF-8\"><!-- a --></IsText>"),
        good.replace("<Key>c</Key>", "<Key name=\"\">c</Key>"),
        good.replace("<Key>c</Key>", &"<Key>c</Key>".repeat(5)),
        good.find("<ceb:BaseTransfer>").map_or_else(String::new, |start| {
            let block = &good[start..good.find("</ceb:BaseTransfer>").unwrap()];
            format!("{}</ceb:BaseTransfer>", block.replacen('>', " xmlns:ceb=\"http://www.chinaport.gov.cn/ceb\">", 1))
        }),
    ]
}

/// Every document for which a message is known, and how far the small run skips.
fn documents() -> Vec<(Message, Vec<Vec<u8>>)> {
    let step = if official().is_some() { 1 } else { 12 };
    let bytes = |all: Vec<String>, step: usize| all.into_iter().step_by(step).map(String::into_bytes);
    let mut groups = Vec::new();
    for (message, document) in everything() {
        let good = String::from_utf8(document).unwrap();
        // The blocks and leaves of a parcel's own documents stand for those that are built alike.
        let (step, whole) = match message {
            Message::Request(kind) | Message::Receipts(kind) if kind.is_follow_up() => (step * 8, step * 4),
            _ => (step, 1),
        };
        let mut all: Vec<_> = bytes(corpus::of_whole(&good), whole).collect();
        all.extend(bytes(corpus::of_leaves(&good), step));
        all.extend(bytes(corpus::by_chance(&good, 600, 1), step));
        all.push(good.into_bytes());
        groups.push((message, all));
    }
    for (message, good) in rich() {
        let mut all: Vec<_> = bytes(odd(&good), 1).collect();
        let is_follow_up = matches!(message, Message::Request(kind) if kind.is_follow_up());
        all.extend(bytes(corpus::of_whole(&good), if is_follow_up { step * 8 } else { 1 }));
        // What the plain message holds was spoilt above.
        let start = good.find("BaseSubscribe").or_else(|| good.find("AddInfo")).or_else(|| good.find("AdNodeId")).unwrap();
        let spoilt = corpus::of_leaves(&good).into_iter().filter(|mutant| mutant.as_bytes().get(..start) == good.as_bytes().get(..start));
        all.extend(bytes(spoilt.collect(), step * if is_follow_up { 24 } else { 3 }));
        all.push(good.into_bytes());
        groups.push((message, all));
    }
    groups
}

fn refusal(ours: &[Defect]) -> Option<&'static str> {
    let names: BTreeSet<_> =
        ours.iter().map(|defect| REFUSALS.iter().find(|(code, _)| *code == defect.code).map(|(code, _)| *code)).collect();
    names.into_iter().next_back().flatten().filter(|_| ours.iter().all(|defect| REFUSALS.iter().any(|(code, _)| *code == defect.code)))
}

#[test]
fn our_verdict_is_libxmls_over_every_spoilt_message() {
    let (mut total, mut valid, mut used) = (0, 0, BTreeMap::<&str, usize>::new());
    for (message, documents) in documents() {
        let schema = official_schema(message).unwrap_or_else(|| our_schema(message));
        let theirs = verdicts(&schema, &documents).0;
        let mut taken = Vec::new();
        for (document, theirs) in documents.iter().zip(&theirs) {
            let ours = message::validate(document);
            // One reading for both layers says what two say.
            let apart = ours.is_empty() && message::strict_defects(document).is_empty();
            assert_eq!(message::examine(document).is_empty(), apart, "{}", String::from_utf8_lossy(document));
            total += 1;
            valid += usize::from(*theirs);
            match (ours.is_empty(), *theirs) {
                (true, true) | (false, false) => {}
                (true, false) => taken.push(String::from_utf8(document.clone()).unwrap()),
                (false, true) => {
                    let name = refusal(&ours);
                    let name = name.unwrap_or_else(|| panic!("{}: {ours:#?}\n{}", message.wire_type(), String::from_utf8_lossy(document)));
                    *used.entry(name).or_default() += 1;
                }
            }
        }
        for (name, change) in FAULTS {
            let changed: Vec<_> = taken.iter().map(|text| change(text).into_bytes()).collect();
            let theirs = verdicts(&schema, &changed).0;
            *used.entry(name).or_default() += theirs.iter().filter(|valid| **valid).count();
            let mut explained = theirs.iter();
            taken.retain(|_| !explained.next().unwrap());
        }
        // Two at once.
        let changed: Vec<_> =
            taken.iter().map(|text| FAULTS.iter().fold(text.clone(), |text, (_, change)| change(&text)).into_bytes()).collect();
        for (text, explained) in taken.iter().zip(verdicts(&schema, &changed).0) {
            assert!(explained, "{}: libxml2 refuses {text}", message.wire_type());
        }
    }
    println!("{total} documents, {valid} of them valid; apart: {used:?}");
    if official().is_some() {
        assert!(total >= 20_000 && valid > total / 10 && valid < total / 2, "{valid} of {total}");
        for name in REFUSALS.iter().map(|(code, _)| code).chain(FAULTS.iter().map(|(name, _)| name)) {
            assert!(used.get(name).is_some_and(|count| *count > 0), "nothing needs the exception {name} any more");
        }
    }
}
