//! The core alone: letters made by hand, a clock that is only a number.

use rust_decimal::Decimal;

use super::*;
use crate::{
    declaration::{Action, Part},
    message::{RequestLine, SummaryTerms},
    party::Party,
    receipt::Key,
    simulator::{
        Delays, Matching, Movement, Oddities, Rule, Script,
        paper::{Goods, Listed},
    },
};

mod changing;
mod moving;
mod scripted;
mod summing;
mod undoing;

const END: Timestamp = Timestamp(60_000_000);
/// appTime of what is sent first: 2026-11-11 00:00:00 in Beijing.
const FIRST: Timestamp = Timestamp(1_794_326_400_000_000);

fn options() -> Options {
    Options { delays: Delays::NONE, oddities: Oddities::none(), ..Options::default() }
}

fn key(kind: Kind, no: &str) -> Key {
    let (platform, seller, order_no) = ("P".to_owned(), "S".to_owned(), no.to_owned());
    match kind {
        Kind::Order => Key::Order { platform, seller, order_no },
        Kind::Waybill => Key::Waybill { carrier: "C".to_owned(), waybill_no: no.to_owned() },
        Kind::Inventory => Key::Inventory { declarant: "D".to_owned(), enterprise_no: format!("TG{no}"), platform, seller, order_no },
        Kind::Payment => Key::Payment { seller, order_no, payment_no: String::new() },
        _ => Key::FollowUp { kind, party: "D".to_owned(), enterprise_no: format!("TG{no}"), part: 1 },
    }
}

fn listed(no: &str) -> Listed {
    Listed {
        order: Name::of_order(Kind::Order, "P", "S", no),
        waybill: Name::of_waybill("C", no),
        office: "5141".to_owned(),
        statistics: "B".to_owned(),
        declarant: "D".to_owned(),
        owner: "S".to_owned(),
        bill: String::new(),
        weights: [Decimal::TWO, Decimal::ONE],
        goods: vec![Goods { number: 1, hs_code: "4202220000".to_owned(), quantity: Decimal::TEN }],
    }
}

fn paper(kind: Kind, no: &str) -> Paper {
    Paper {
        key: key(kind, no),
        action: Action::Add,
        guid: format!("{kind:?}{no}"),
        at: FIRST,
        list: (kind == Kind::Inventory).then(|| Arc::new(listed(no))),
        follow_up: None,
        part: None,
        terms: None,
        quarrel: None,
    }
}

/// An inventory of a bill.
fn of_bill(no: &str, bill: &str) -> Paper {
    Paper { list: Some(Arc::new(Listed { bill: bill.to_owned(), ..listed(no) })), ..paper(Kind::Inventory, no) }
}

/// What is submitted on its own, with nothing in it.
fn blank(kind: Kind, no: &str) -> FollowUpRequest {
    let text = String::new;
    FollowUpRequest {
        key: key(kind, no),
        declared_at: "5141".to_owned(),
        port_no: text(),
        summary_no: text(),
        platform: "P".to_owned(),
        seller: "S".to_owned(),
        carrier: "C".to_owned(),
        bill_no: text(),
        vehicle: text(),
        voyage: text(),
        part: text(),
        part_count: text(),
        period: (text(), text()),
        reason: text(),
        charge: text(),
        waybill_nos: Vec::new(),
        bag_nos: Vec::new(),
        inventory_nos: Vec::new(),
        lines: Vec::new(),
    }
}

fn follow_up(said: FollowUpRequest) -> Paper {
    let kind = said.key.kind();
    let splits = matches!(kind, Kind::Manifest | Kind::Arrival | Kind::Departure | Kind::Summary);
    Paper {
        key: said.key.clone(),
        guid: format!("{:?}", said.key),
        part: splits.then_some(Part::WHOLE),
        list: None,
        follow_up: Some(Arc::new(said)),
        ..paper(kind, "")
    }
}

/// That part of a document that is split.
fn part_of(paper: Paper, number: u32, count: u32) -> Paper {
    let mut key = paper.key.clone();
    if let Key::FollowUp { part, .. } = &mut key {
        *part = number;
    }
    Paper { guid: format!("{}-{number}", paper.guid), key, part: Some(Part { number, count }), ..paper }
}

fn letter(guid: &str, papers: Vec<Paper>) -> Letter {
    let mut digest = [0; 32];
    for (to, from) in digest.iter_mut().zip(guid.bytes()) {
        *to = from;
    }
    Letter {
        address: Address { road: "r".to_owned(), dxp_id: "DXPENT0000000001".to_owned(), enveloped: true },
        original: guid.to_owned(),
        message_type: "CEB303Message".to_owned(),
        guid: guid.to_owned(),
        digest,
        papers,
    }
}

fn take(customs: &mut Customs, kind: Kind, no: &str) {
    customs.take(&letter(&format!("M{kind:?}{no}"), vec![paper(kind, no)]), Timestamp(0));
}

/// Sends a document in a message of its own.
fn send(customs: &mut Customs, paper: &Paper, at: Timestamp) {
    customs.take(&letter(&format!("M{}{:?}", paper.guid, paper.action), vec![paper.clone()]), at);
}

/// Sends order, waybill and inventory, and lets time go by.
fn parcel(customs: &mut Customs, list: &Paper, now: &mut Timestamp) -> Vec<Said> {
    let no = list.name().number().to_owned();
    for paper in [&paper(Kind::Order, &no), &paper(Kind::Waybill, &no), list] {
        send(customs, paper, *now);
    }
    pass(customs, now)
}

/// Sends documents, and lets time go by.
fn play(customs: &mut Customs, papers: &[Paper], now: &mut Timestamp) -> Vec<Said> {
    papers.iter().for_each(|paper| send(customs, paper, *now));
    pass(customs, now)
}

/// Lets a minute go by.
fn pass(customs: &mut Customs, now: &mut Timestamp) -> Vec<Said> {
    *now = Timestamp(now.0 + END.0);
    customs.due(*now)
}

fn inventory_no(customs: &Customs, no: &str) -> String {
    let record = customs.record(&Name::of_order(Kind::Inventory, "P", "S", no)).unwrap();
    record.inventory_no.clone().unwrap().0
}

/// The order or copNo of each receipt with that code, in order.
fn named<'a>(said: &'a [Said], kind: Kind, code: &str) -> Vec<&'a str> {
    let told = said.iter().filter_map(|said| match &said.speech {
        Speech::Receipt(told) if told.receipt.key.kind() == kind && told.receipt.code == code => Some(&told.receipt.key),
        _ => None,
    });
    told.map(|key| match key {
        Key::Order { order_no, .. } | Key::Inventory { order_no, .. } | Key::Payment { order_no, .. } => order_no.as_str(),
        Key::Waybill { waybill_no, .. } => waybill_no,
        Key::FollowUp { enterprise_no, .. } => enterprise_no,
    })
    .collect()
}

/// The codes said of each kind, in order.
fn codes(said: &[Said], kind: Kind) -> Vec<&str> {
    let told = said.iter().filter_map(|said| match &said.speech {
        Speech::Receipt(told) if told.receipt.key.kind() == kind => Some(told.receipt.code.as_str()),
        _ => None,
    });
    told.collect()
}

fn infos(said: &[Said]) -> Vec<String> {
    let told = said.iter().filter_map(|said| match &said.speech {
        Speech::Receipt(told) => Some(told.receipt.info.clone()),
        _ => None,
    });
    told.collect()
}

const LIFE: [&str; 5] = ["2", "120", "399", "800", "899"];

#[test]
fn each_by_itself_an_order_is_stored_without_the_others() {
    let mut customs = Customs::new(options());
    take(&mut customs, Kind::Order, "1");
    assert_eq!(codes(&customs.due(END), Kind::Order), ["2", "120"]);
    take(&mut customs, Kind::Waybill, "1");
    take(&mut customs, Kind::Inventory, "1");
    let said = customs.due(END);
    assert_eq!(codes(&said, Kind::Waybill), ["2", "120"]);
    assert_eq!(codes(&said, Kind::Inventory), LIFE);
    assert_eq!((customs.report().closed, customs.report().stored), (1, 2));
}

#[test]
fn together_nothing_is_stored_before_all_three_are_there() {
    let mut customs = Customs::new(Options { matching: Matching::Together, ..options() });
    take(&mut customs, Kind::Order, "1");
    take(&mut customs, Kind::Inventory, "1");
    let said = customs.due(END);
    assert_eq!((codes(&said, Kind::Order), codes(&said, Kind::Inventory)), (vec!["2"], vec!["2"]));
    assert_eq!(customs.report().unmatched, 1);
    take(&mut customs, Kind::Waybill, "1");
    let said = customs.due(END);
    assert_eq!(codes(&said, Kind::Order), ["120"]);
    assert_eq!(codes(&said, Kind::Waybill), ["2", "120"]);
    assert_eq!(codes(&said, Kind::Inventory), LIFE[1..]);
}

#[test]
fn a_two_names_what_is_missing_and_goes_on_when_it_comes() {
    for matching in [Matching::Each, Matching::Together] {
        let mut customs = Customs::new(Options { matching, ..options() });
        take(&mut customs, Kind::Inventory, "7");
        let info = infos(&customs.due(END)).join("");
        assert!(info.contains("订单号为[7]的订单信息不存在") && info.contains("[7]的运单信息不存在"), "{info}");
        take(&mut customs, Kind::Waybill, "7");
        assert_eq!(codes(&customs.due(END), Kind::Inventory), [""; 0]);
        take(&mut customs, Kind::Order, "7");
        assert_eq!(codes(&customs.due(END), Kind::Inventory), LIFE[1..]);
    }
}

#[test]
fn numbers_come_with_the_words_and_are_the_documents_own() {
    let run = |seed| {
        let mut customs = Customs::new(Options { seed, ..options() });
        for kind in Kind::OF_PARCEL {
            take(&mut customs, kind, "1");
        }
        customs.due(END);
        let record = customs.record(&Name::of_order(Kind::Inventory, "P", "S", "1")).unwrap();
        (record.port_no.clone().unwrap().0, record.inventory_no.clone().unwrap().0)
    };
    let (port_no, inventory_no) = run(1);
    assert!(port_no.starts_with("B20261111") && port_no.len() == 18, "{port_no}");
    assert!(inventory_no.starts_with("51412026E") && inventory_no.len() == 18, "{inventory_no}");
    assert_eq!(run(1), (port_no.clone(), inventory_no));
    assert_ne!(run(2).0, port_no);
}

#[test]
fn the_same_bytes_again_are_harmless_but_another_message_is_a_second_declaration() {
    let mut customs = Customs::new(options());
    take(&mut customs, Kind::Order, "1");
    take(&mut customs, Kind::Order, "1");
    let said = customs.due(END);
    assert_eq!(codes(&said, Kind::Order), ["2", "-304001", "120"]);
    assert!(infos(&said)[1].contains("业务主键重复入库失败"));
    assert_eq!((customs.report().delivered_again, customs.report().declared_twice.len()), (1, 0));
    customs.take(&letter("another", vec![paper(Kind::Order, "1")]), END);
    customs.take(&letter("MOrder1", vec![Paper { guid: "other".into(), ..paper(Kind::Order, "1") }]), END);
    assert_eq!(customs.report().declared_twice, ["order:P/S/1", "order:P/S/1"]);
    assert_eq!(customs.report().documents[&Kind::Order], 1);
}

#[test]
fn after_a_refusal_the_same_document_may_be_declared_anew() {
    let mut customs = Customs::new(options());
    let wrong = Paper { quarrel: Some("总价".into()), ..paper(Kind::Order, "1") };
    customs.take(&letter("M1", vec![wrong]), Timestamp(0));
    assert_eq!(codes(&customs.due(END), Kind::Order), ["2", "100"]);
    customs.take(&letter("M2", vec![paper(Kind::Order, "1")]), END);
    assert_eq!(codes(&customs.due(Timestamp(2 * END.0)), Kind::Order), ["2", "120"]);
    assert_eq!((customs.report().refused, customs.report().declared_twice.len()), (1, 0));
}

#[test]
fn times_never_run_backwards_along_a_life_whatever_the_seed() {
    for seed in 0..50 {
        let oddities = Oddities { sent: 500, review: 300, inspection: 300, ..Oddities::none() };
        let mut customs = Customs::new(Options { seed, oddities, delays: Delays::DEMO, ..options() });
        for kind in Kind::OF_PARCEL {
            take(&mut customs, kind, "1");
        }
        let said = customs.due(END);
        let list: Vec<_> = said
            .iter()
            .filter(|said| matches!(&said.speech, Speech::Receipt(told) if told.receipt.key.kind() == Kind::Inventory))
            .collect();
        assert!(list.windows(2).all(|pair| pair[0].at < pair[1].at), "seed {seed}");
        assert_eq!(codes(&said, Kind::Inventory).last(), Some(&"899"), "seed {seed}");
    }
}

#[test]
fn a_restart_says_only_what_was_not_said() {
    let oddities = Oddities { sent: 300, review: 300, port_failed: 200, ..Oddities::none() };
    let options = Options { oddities, delays: Delays::DEMO, seed: 5, ..options() };
    let letters: Vec<_> = (0..40)
        .flat_map(|n: u32| Kind::OF_PARCEL.map(|kind| letter(&format!("M{kind:?}{n}"), vec![paper(kind, &n.to_string())])))
        .collect();
    let fill = |customs: &mut Customs| letters.iter().for_each(|letter| customs.take(letter, Timestamp(0)));
    let mut whole = Customs::new(options.clone());
    fill(&mut whole);
    let everything = whole.due(END);
    let mut first = Customs::new(options.clone());
    fill(&mut first);
    let early = first.due(Timestamp(250_000));
    assert!(early.len() > 40 && early.len() < everything.len());
    let mut second = Customs::new(options);
    for said in &early {
        if let Speech::Receipt(told) = &said.speech {
            second.remember(&told.receipt);
        }
    }
    fill(&mut second);
    let late = second.due(END);
    assert_eq!([early, late].concat(), everything);
    assert_eq!(second.report(), whole.report());
}
