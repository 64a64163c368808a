//! What is fuzzed: for each target a function from bytes to checks that must hold whatever the bytes are. It panics where one does
//! not. The fuzzer's own package and the ordinary tests both use this file.

use tongguan::{
    message::{
        self, Defect, ElementName, MAX_DEFECTS, MAX_DOCUMENTS, MAX_INFO, Message, Namespacing, Part, Problem, Reply, Style,
        dxp::{self, Opened},
        xml::DS,
    },
    receipt::{self, Answer, Key, Receipt},
};

#[path = "folder.rs"]
mod folder;

/// A target.
pub type Target = fn(&[u8]);

/// All of them, by name.
pub const TARGETS: [(&str, Target); 4] = [("xml", xml), ("validator", validator), ("receipts", receipts), ("folder", folder::folder)];

const SIGNATURE: ElementName<'static> = ElementName { space: DS, local: "Signature" };

/// What a message may be wrong in although it can be read as XML.
const fn is_of_reading(problem: Problem) -> bool {
    !matches!(
        problem,
        Problem::UnknownMessage
            | Problem::Missing
            | Problem::Value
            | Problem::Count
            | Problem::Content
            | Problem::Base64
            | Problem::ElementTwice
    )
}

/// A place lies within the input, or one behind its end.
fn assert_within(bytes: &[u8], line: usize, column: usize) {
    let lines: Vec<_> = bytes.split(|&byte| byte == b'\n').collect();
    let length = lines.get(line.wrapping_sub(1)).map(|line| line.len());
    assert!(length.is_some_and(|length| (1..=length + 1).contains(&column)), "{line}:{column} is not in the input");
}

fn assert_told(error: &message::Error, bytes: &[u8]) {
    assert!(!error.zh().is_empty() && !error.to_string().is_empty());
    assert!(error.subject().len() <= 1_000, "a subject of {} bytes", error.subject().len());
    if let Some(place) = error.place() {
        assert_within(bytes, place.line, place.column);
    }
}

/// The reader, the tree and the canonical form: what one reads all read; the canonical form is its own, and says the same.
pub fn xml(bytes: &[u8]) {
    let opened = dxp::open(bytes);
    let whole = message::canonical(bytes, Part::Whole);
    for error in [opened.as_ref().err(), whole.as_ref().err()].into_iter().flatten() {
        assert_told(error, bytes);
    }
    assert_eq!(opened, dxp::open(bytes), "the same bytes are read differently");
    for part in [Part::Without(SIGNATURE), Part::Only(SIGNATURE)] {
        match (&whole, message::canonical(bytes, part)) {
            (Err(error), Ok(_)) => panic!("{part:?} is read where the whole is not: {error}"),
            (_, Ok(part)) => assert!(part.len() <= bytes.len() * 8 + 64 * 1_024),
            (_, Err(error)) => assert_told(&error, bytes),
        }
    }
    let Ok(whole) = whole else { return };
    assert!(whole.len() <= bytes.len() * 8 + 64, "{} bytes became {}", bytes.len(), whole.len());
    let problem = opened.as_ref().err().map(message::Error::problem);
    assert!(!problem.is_some_and(is_of_reading), "one reading is refused, the other is not: {problem:?}");
    assert_eq!(message::canonical(&whole, Part::Whole).as_ref(), Ok(&whole), "the canonical form of itself is another");
    assert_eq!(opened.ok(), dxp::open(&whole).ok(), "the canonical form says something else");
    assert_eq!(message::parse_request(bytes).ok(), message::parse_request(&whole).ok());
    assert_eq!(message::parse_answer(bytes).ok(), message::parse_answer(&whole).ok());
}

fn assert_defects(defects: &[Defect], bytes: &[u8]) {
    assert!(defects.len() <= MAX_DEFECTS);
    assert!(defects.windows(2).all(|pair| (pair[0].line, pair[0].column) <= (pair[1].line, pair[1].column)), "not in order");
    for defect in defects {
        assert_within(bytes, defect.line, defect.column);
        assert!(defect.path.starts_with('/') && !defect.code.is_empty() && !defect.zh.is_empty() && !defect.en.is_empty());
        let lengths = [defect.path.len(), defect.zh.len(), defect.en.len()];
        assert!(lengths.into_iter().all(|length| length <= 16 * 1_024), "{}: {lengths:?} bytes", defect.code);
    }
}

/// The validator: defects are bounded, in order and within the input; a verdict is the same twice and for the canonical form; what is
/// valid can be read.
pub fn validator(bytes: &[u8]) {
    let by_schema = message::validate(bytes);
    let by_all = message::examine(bytes);
    assert_defects(&by_schema, bytes);
    assert_defects(&by_all, bytes);
    assert_eq!(by_schema, message::validate(bytes));
    assert!(!by_all.is_empty() || by_schema.is_empty(), "a message that its schema refuses is let pass");
    let canonical = message::canonical(bytes, Part::Whole);
    if let Ok(canonical) = &canonical
        && bytes.first() != Some(&0)
    {
        assert_eq!(by_schema.is_empty(), message::validate(canonical).is_empty(), "the canonical form is judged otherwise");
    }
    if by_schema.is_empty() {
        assert!(canonical.is_ok(), "what is valid cannot be read: {canonical:?}");
        let read = dxp::open(bytes).map(|_| ());
        assert!(!read.as_ref().is_err_and(|error| is_of_reading(error.problem())), "what is valid cannot be read: {read:?}");
    }
    if by_all.is_empty() && matches!(dxp::open(bytes), Ok(Opened::Business(Message::Request(_)))) {
        let request = message::parse_request(bytes);
        assert!(request.is_ok(), "what is valid cannot be taken: {request:?}");
    }
}

/// What the collector makes of an arrival.
fn read(bytes: &[u8]) -> Result<Answer, message::Error> {
    dxp::open(bytes).and_then(|opened| match opened {
        Opened::Business(_) => message::parse_answer(bytes),
        Opened::Envelope(envelope) => message::parse_answer(&envelope.data),
        Opened::Report(report) => Ok(Answer::Transport(report)),
    })
}

/// Arrivals: receipts are bounded, keep through JSON, are explained in both languages, and what customs' side would write of them
/// reads the same.
pub fn receipts(bytes: &[u8]) {
    let answer = read(bytes);
    assert_eq!(answer, read(bytes), "the same bytes are read differently");
    if let Ok(Opened::Envelope(envelope)) = dxp::open(bytes) {
        assert!(!envelope.data.is_empty() && envelope.data.len() <= bytes.len() && envelope.receivers.len() <= 5);
    }
    let answer = match answer {
        Ok(answer) => answer,
        // The place may lie in what was inside the envelope.
        Err(error) => return assert!(error.subject().len() <= 1_000 && !error.zh().is_empty()),
    };
    let kept = serde_json::to_string(&answer).unwrap();
    assert_eq!(serde_json::from_str::<Answer>(&kept).unwrap(), answer, "kept otherwise than read");
    match answer {
        Answer::Receipts(receipts) => assert_receipts(&receipts),
        Answer::SummaryResults(results) => {
            assert!((1..=100).contains(&results.len()) && results.iter().all(|result| !result.summary_no.is_empty()));
        }
        Answer::Format(format) => {
            assert!(format.code.len() <= 20 && format.info.chars().count() <= MAX_INFO && format.original.chars().count() <= 255);
        }
        Answer::Transport(report) => {
            assert!([&report.code, &report.original, &report.sender_dxp_id].iter().all(|text| text.chars().count() <= 255));
            let told = receipt::explain_transport(&report.code);
            assert!(!told.meaning_zh.is_empty() && !told.meaning_en.is_empty());
        }
    }
}

fn assert_receipts(receipts: &[Receipt]) {
    assert!((1..=MAX_DOCUMENTS).contains(&receipts.len()));
    let kind = receipts[0].key.kind();
    for receipt in receipts {
        assert_eq!(receipt.key.kind(), kind, "receipts of several kinds in a message");
        assert!(receipt.code.len() <= 20 && receipt.info.chars().count() <= MAX_INFO);
        assert!(parts(&receipt.key).iter().all(|part| part.chars().count() <= 255));
        let told = receipt::explain(kind, &receipt.code, &receipt.info);
        assert!(!told.meaning_zh.is_empty() && !told.meaning_en.is_empty());
        let _ = receipt::verdict(kind, &receipt.code, &receipt.info);
        let _ = receipt::missing(&receipt.info);
        assert!(receipt::remarks(&receipt.info).len() <= 20);
    }
    let guid = tongguan::declaration::MessageId(Default::default());
    let replies: Vec<_> = receipts
        .iter()
        .map(|receipt| Reply { guid: tongguan::declaration::DocumentGuid(Default::default()), receipt, statistics: "", follow_up: None })
        .collect();
    let style = Style { namespacing: Namespacing::Default, lower_case: false };
    let written = message::compose_receipts(kind, guid, &replies, style).unwrap();
    match message::parse_answer(&written) {
        Ok(Answer::Receipts(mut again)) => {
            // A text that was cut may end with a space, which reading takes off.
            for (again, receipt) in again.iter_mut().zip(receipts).filter(|(again, receipt)| again.info == receipt.info.trim()) {
                again.info.clone_from(&receipt.info);
            }
            assert_eq!(again, receipts, "what is written reads otherwise");
        }
        other => panic!("what was read cannot be written: {other:?}"),
    }
}

fn parts(key: &Key) -> Vec<&String> {
    match key {
        Key::Order { platform, seller, order_no } => vec![platform, seller, order_no],
        Key::Waybill { carrier, waybill_no } => vec![carrier, waybill_no],
        Key::Inventory { declarant, enterprise_no, platform, seller, order_no } => {
            vec![declarant, enterprise_no, platform, seller, order_no]
        }
        Key::Payment { seller, order_no, payment_no } => vec![seller, order_no, payment_no],
        Key::FollowUp { party, enterprise_no, .. } => vec![party, enterprise_no],
    }
}
