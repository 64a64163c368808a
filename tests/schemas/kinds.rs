//! Every kind of document: what is composed reads back, in full and at its barest.

use std::sync::Arc;

use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use tongguan::{
    declaration::{FollowUp, Kind, MessageId, Part},
    dossier::Content,
    message::{self, FollowUpRequest, Message, Namespacing, Outgoing, RequestContent, Style},
    receipt::{Answer, Key},
};

use super::{at, document, guid, official_schema, our_schema, receipts, samples, sender, summary_results, verdicts};

fn composed(content: &Content, kind: Kind) -> Vec<u8> {
    let document = document(kind);
    let outgoing = Outgoing { document: &document, content, waybill_no: "" };
    message::compose(kind, MessageId(guid(3)), &sender(), &[outgoing], at()).unwrap()
}

/// What a document must be read as: named by hand from what it says, not by the code that reads it.
fn expected(follow_up: &FollowUp) -> FollowUpRequest {
    let kind = follow_up.kind();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let split = |part: Part| (part.number.to_string(), part.count.to_string());
    let blank = FollowUpRequest {
        key: Key::FollowUp {
            kind,
            party: follow_up.transmitter().code.clone(),
            enterprise_no: "TG1".to_owned(),
            part: follow_up.part().number,
        },
        declared_at: follow_up.declared_at().unwrap_or_default().to_owned(),
        port_no: "B20261111000000001".to_owned(),
        summary_no: String::new(),
        platform: String::new(),
        seller: String::new(),
        carrier: String::new(),
        bill_no: String::new(),
        vehicle: String::new(),
        voyage: String::new(),
        part: String::new(),
        part_count: String::new(),
        period: Default::default(),
        reason: String::new(),
        charge: String::new(),
        waybill_nos: Vec::new(),
        bag_nos: Vec::new(),
        inventory_nos: Vec::new(),
        lines: Vec::new(),
    };
    match follow_up {
        FollowUp::Payment(payment) => FollowUpRequest {
            key: Key::Payment {
                seller: payment.seller.code.clone(),
                order_no: payment.order_no.clone(),
                payment_no: text(&payment.payment_no),
            },
            port_no: String::new(),
            platform: payment.platform.code.clone(),
            seller: payment.seller.code.clone(),
            charge: payment.charge.normalize().to_string(),
            ..blank
        },
        FollowUp::Arrival(arrival) => {
            let (part, part_count) = split(arrival.part);
            FollowUpRequest {
                carrier: arrival.carrier.code.clone(),
                bill_no: text(&arrival.bill_no),
                waybill_nos: arrival.lines.iter().map(|line| line.waybill_no.clone()).collect(),
                bag_nos: arrival.lines.iter().filter_map(|line| line.bag_no.clone()).collect(),
                part,
                part_count,
                ..blank
            }
        }
        FollowUp::Departure(departure) => {
            let (part, part_count) = split(departure.part);
            FollowUpRequest {
                carrier: departure.carrier.code.clone(),
                bill_no: text(&departure.bill_no),
                vehicle: text(&departure.vehicle),
                voyage: text(&departure.voyage),
                waybill_nos: departure.lines.iter().map(|line| line.waybill_no.clone()).collect(),
                bag_nos: departure.lines.iter().filter_map(|line| line.bag_no.clone()).collect(),
                part,
                part_count,
                ..blank
            }
        }
        FollowUp::Cancellation(cancellation) => FollowUpRequest {
            seller: cancellation.seller.code.clone(),
            reason: cancellation.reason.clone(),
            inventory_nos: vec![cancellation.inventory_no.clone()],
            ..blank
        },
        FollowUp::Manifest(manifest) => {
            let (part, part_count) = split(manifest.part);
            FollowUpRequest {
                carrier: manifest.carrier.code.clone(),
                bill_no: manifest.bill_no.clone(),
                vehicle: manifest.vehicle.clone(),
                voyage: manifest.voyage.clone(),
                waybill_nos: manifest.lines.iter().map(|line| line.waybill_no.clone()).collect(),
                bag_nos: manifest.lines.iter().filter_map(|line| line.bag_no.clone()).collect(),
                inventory_nos: manifest.lines.iter().filter_map(|line| line.inventory_no.clone()).collect(),
                part,
                part_count,
                ..blank
            }
        }
        FollowUp::Summary(summary) => {
            let (part, part_count) = split(summary.part);
            let period = summary.period.map(|period| (period.from.to_seconds(), period.to.to_seconds()));
            FollowUpRequest {
                seller: summary.seller.code.clone(),
                period: period.unwrap_or_default(),
                inventory_nos: summary.inventory_nos.clone(),
                part,
                part_count,
                ..blank
            }
        }
        FollowUp::GoodsReturn(back) => FollowUpRequest {
            platform: back.platform.code.clone(),
            seller: back.seller.code.clone(),
            carrier: back.carrier.code.clone(),
            bill_no: back.bill_no.clone(),
            vehicle: back.vehicle.clone(),
            voyage: back.voyage.clone(),
            reason: back.reason.clone(),
            waybill_nos: vec![back.waybill_no.clone()],
            inventory_nos: vec![back.inventory_no.clone()],
            lines: back
                .lines
                .iter()
                .map(|line| message::RequestLine {
                    number: line.number.to_string(),
                    hs_code: line.hs_code.clone(),
                    quantity: line.quantity.normalize().to_string(),
                    ..Default::default()
                })
                .collect(),
            ..blank
        },
        FollowUp::ReturnTally(tally) => FollowUpRequest {
            carrier: tally.carrier.code.clone(),
            bill_no: tally.bill_no.clone(),
            vehicle: tally.vehicle.clone(),
            voyage: tally.voyage.clone(),
            waybill_nos: vec![tally.waybill_no.clone()],
            inventory_nos: tally.inventory_no.iter().cloned().collect(),
            ..blank
        },
    }
}

fn assert_reads_back(follow_up: &FollowUp) -> Vec<u8> {
    let kind = follow_up.kind();
    let bytes = composed(&Content::FollowUp(Arc::new(follow_up.clone())), kind);
    assert_eq!(message::examine(&bytes), [], "{}", String::from_utf8_lossy(&bytes));
    let request = message::parse_request(&bytes).unwrap();
    assert_eq!(request.kind, kind);
    let RequestContent::FollowUp(read) = &request.documents[0].content else { panic!("{kind:?}") };
    assert_eq!(**read, expected(follow_up));
    bytes
}

fn submitted_alone() -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(|kind| kind.is_follow_up())
}

#[test]
fn every_kind_reads_back_in_full_and_at_its_barest() {
    for kind in submitted_alone() {
        let documents = [assert_reads_back(&samples::follow_up(kind)), assert_reads_back(&samples::bare(kind))];
        let message = Message::Request(kind);
        for schema in [Some(our_schema(message)), official_schema(message)].into_iter().flatten() {
            let (valid, said) = verdicts(&schema, &documents);
            assert_eq!(valid, [true, true], "{said}");
        }
    }
}

/// Texts with all that XML must escape; white space at the ends is not kept by a reader.
fn words(most: usize) -> impl Strategy<Value = String> {
    proptest::string::string_regex(&format!("[!-~一-龥]([ -~一-龥]{{0,{}}}[!-~一-龥])?", most.saturating_sub(2))).unwrap()
}

/// Any document of that kind: its texts, numbers and lists are changed as one.
fn changed(kind: Kind, short: &str, long: &str, number: u32, count: usize) -> FollowUp {
    let (mut follow_up, short, long) = (samples::follow_up(kind), short.to_owned(), long.to_owned());
    let part = Part { number, count: number.saturating_add(1) };
    match &mut follow_up {
        FollowUp::Payment(payment) => {
            (payment.order_no, payment.payer_name, payment.charge) = (short, long, number.into());
        }
        FollowUp::Arrival(arrival) => {
            (arrival.vehicle, arrival.bill_no, arrival.part) = (long, Some(short), part);
            arrival.lines = arrival.lines.iter().cycle().take(count).cloned().collect();
            arrival.lines.iter_mut().zip(1..).for_each(|(line, number)| line.number = number);
        }
        FollowUp::Departure(departure) => {
            (departure.carrier.name, departure.vehicle, departure.part) = (long, Some(short), part);
            departure.lines = departure.lines.iter().cycle().take(count.max(1)).cloned().collect();
            departure.lines.iter_mut().zip(7..).for_each(|(line, number)| line.number = number);
        }
        FollowUp::Cancellation(cancellation) => (cancellation.reason, cancellation.note) = (long, Some(short)),
        FollowUp::Manifest(manifest) => {
            (manifest.vehicle, manifest.voyage, manifest.part, manifest.gross_weight) = (long, short, part, number.into());
            manifest.lines = manifest.lines.iter().cycle().take(count.max(1)).cloned().collect();
            manifest.lines.iter_mut().zip(1..).for_each(|(line, number)| line.number = number);
        }
        FollowUp::Summary(summary) => {
            (summary.seller.name, summary.site, summary.part) = (long, Some(short.chars().take(1).collect()), part);
            summary.inventory_nos = (0..count).map(|serial| format!("51412026E{serial:09}")).collect();
        }
        FollowUp::GoodsReturn(back) => {
            (back.reason, back.waybill_no) = (long, short);
            back.lines = back.lines.iter().cycle().take(count.clamp(1, 100)).cloned().collect();
            back.lines.iter_mut().for_each(|line| (line.number, line.quantity) = (number % 10_000, number.into()));
        }
        FollowUp::ReturnTally(tally) => (tally.vehicle, tally.voyage, tally.location) = (long, short.clone(), Some(short)),
    }
    follow_up
}

#[test]
fn whatever_is_composed_reads_back() {
    let mut runner = TestRunner::new_with_rng(Config::with_cases(400), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let kinds = prop::sample::select(submitted_alone().collect::<Vec<_>>());
    let inputs = (kinds, words(30), words(100), 1_u32..999_999_999, 0_usize..40);
    runner
        .run(&inputs, |(kind, short, long, number, count)| {
            assert_reads_back(&changed(kind, &short, &long, number, count));
            Ok(())
        })
        .unwrap();
}

#[test]
fn results_of_summaries_read_back_and_what_customs_leaves_out_is_tolerated() {
    let mut result = samples::summary_result();
    let read = |bytes: &[u8]| match message::parse_answer(bytes) {
        Ok(Answer::SummaryResults(results)) => results,
        other => panic!("{other:?}"),
    };
    let style = Style { namespacing: Namespacing::Default, lower_case: true };
    let bytes = summary_results(&result, style);
    assert_eq!(read(&bytes), [result.clone()]);
    let text = String::from_utf8(bytes).unwrap();
    let other = text.replace("declAgentCode", "declagAgentCode").replace("<gseqno>1</gseqno>", "").replace("<gseqno>2</gseqno>", "");
    for line in &mut result.lines {
        line.place = None;
    }
    assert_eq!(read(other.as_bytes()), [result.clone()]);
    result.lines.clear();
    (result.draft_no, result.port_no, result.customs_declaration_no) = (None, None, None);
    assert_eq!(read(&summary_results(&result, style)), [result]);
    let problem = |from: &str, to: &str| message::parse_answer(text.replacen(from, to, 1).as_bytes()).unwrap_err().problem();
    assert_eq!(problem("<sumNo>514120260000000001</sumNo>", ""), message::Problem::Missing);
    assert_eq!(problem("<declSeqNo>514120260000000002</declSeqNo>", "<declSeqNo/>"), message::Problem::Missing);
    assert_eq!(problem("<gnum>1<", "<gnum>one<"), message::Problem::Value);
    assert_eq!(problem("<grossWeight>1.2<", "<grossWeight>heavy<"), message::Problem::Value);
    assert_eq!(problem("<agentName>", &format!("<agentName>{}", "长".repeat(300))), message::Problem::Value);
}

#[test]
fn receipts_are_read_in_any_order_with_what_others_add_and_without_what_customs_leaves_out() {
    let style = Style { namespacing: Namespacing::Absent, lower_case: false };
    let read = |xml: &str| match message::parse_answer(xml.as_bytes()) {
        Ok(Answer::Receipts(mut receipts)) => receipts.remove(0),
        other => panic!("{other:?}"),
    };
    for kind in Kind::ALL {
        let good = String::from_utf8(receipts(kind, style)).unwrap();
        let whole = read(&good);
        assert_eq!(whole.key.kind(), kind);
        // The fields of the one receipt, from last to first.
        let inner = &good[good.find("<guid>").unwrap()..good.rfind("</returnInfo>").unwrap() + "</returnInfo>".len()];
        let leaves: Vec<_> = super::corpus::leaves(inner).into_iter().map(|leaf| &inner[leaf.outer]).collect();
        let turned: String = leaves.iter().rev().copied().collect();
        assert_eq!(read(&good.replace(inner, &turned)), whole, "{kind:?}");
        let without = |name: &str| leaves.iter().filter(|leaf| !leaf.starts_with(&format!("<{name}>"))).copied().collect::<String>();
        assert_eq!(read(&good.replace(inner, &without("preNo"))).port_no, None, "{kind:?}");
        assert_eq!(read(&good.replace(inner, &without("returnInfo"))).info, "", "{kind:?}");
        assert!(message::parse_answer(good.replace(inner, &without("returnStatus")).as_bytes()).is_err(), "{kind:?}");
    }
    let cancelled = String::from_utf8(receipts(Kind::Cancellation, style)).unwrap();
    let with_part = cancelled.replace("<returnStatus>", "<msgSeqNo>7</msgSeqNo><returnStatus>");
    assert_eq!(read(&with_part), read(&cancelled), "a cancellation has no parts");
    let returned = String::from_utf8(receipts(Kind::GoodsReturn, style)).unwrap();
    assert_eq!(read(&returned.replace("<coElNo>", "<appSenderId>A</appSenderId><coElNo>")), read(&returned));
    let summed = read(&String::from_utf8(receipts(Kind::Summary, style)).unwrap());
    assert_eq!(summed.summary_no.unwrap().0, "514120260000000001");
}
