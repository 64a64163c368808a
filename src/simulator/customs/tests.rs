//! The core alone: letters made by hand, a clock that is only a number.

use time::macros::date;

use super::*;
use crate::{
    receipt::Key,
    simulator::{Delays, Oddities, Script, paper::Trio},
};

const END: Timestamp = Timestamp(60_000_000);

fn options() -> Options {
    Options { delays: Delays::NONE, oddities: Oddities::none(), ..Options::default() }
}

fn key(kind: Kind, no: &str) -> Key {
    let (platform, seller, order_no) = ("P".to_owned(), "S".to_owned(), no.to_owned());
    match kind {
        Kind::Order => Key::Order { platform, seller, order_no },
        Kind::Waybill => Key::Waybill { carrier: "C".to_owned(), waybill_no: no.to_owned() },
        Kind::Inventory => Key::Inventory { declarant: "D".to_owned(), enterprise_no: format!("TG{no}"), platform, seller, order_no },
        _ => Key::FollowUp { kind, party: "D".to_owned(), enterprise_no: format!("TG{no}"), part: 1 },
    }
}

fn paper(kind: Kind, no: &str) -> Paper {
    let trio = (kind == Kind::Inventory).then(|| Trio {
        order: Name::of_order(Kind::Order, "P", "S", no),
        waybill: Name::of_waybill("C", no),
        office: "5141".to_owned(),
        statistics: "A".to_owned(),
        lines: Vec::new(),
    });
    let time = "20261111000000".to_owned();
    let day = date!(2026 - 11 - 11);
    Paper { key: key(kind, no), action: Action::Add, guid: format!("{kind:?}{no}"), day, time, follow_up: None, trio, quarrel: None }
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
fn what_is_scripted_happens() {
    let fates = [("R", Fate::Refused), ("P", Fate::Poison), ("F", Fate::PortFailed)];
    let script = Script(fates.into_iter().map(|(no, fate)| (no.to_owned(), fate)).collect());
    let mut customs = Customs::new(Options { script, ..options() });
    for kind in Kind::OF_PARCEL {
        take(&mut customs, kind, "R");
    }
    let said = customs.due(END);
    assert_eq!(codes(&said, Kind::Order), ["2", "120"]);
    assert_eq!(codes(&said, Kind::Inventory), ["2", "100"]);
    take(&mut customs, Kind::Order, "F");
    assert_eq!(codes(&customs.due(END), Kind::Order), ["2", "4"]);
    customs.take(&letter("F2", vec![paper(Kind::Order, "F")]), Timestamp(0));
    assert_eq!(codes(&customs.due(END), Kind::Order), ["2", "120"]);
    customs.take(&letter("MP", vec![paper(Kind::Order, "1"), paper(Kind::Order, "P")]), Timestamp(0));
    let said = customs.due(END);
    assert!(
        matches!(&said[..], [Said { speech: Speech::Format(receipt, _), .. }] if receipt.original == "MP" && receipt.code == "-999999")
    );
    assert!(customs.record(&paper(Kind::Order, "1").name()).is_none(), "none of a refused message is on record");
    customs.take(&letter("M1", vec![paper(Kind::Order, "1")]), Timestamp(0));
    assert_eq!(codes(&customs.due(END), Kind::Order), ["2", "120"]);
    assert_eq!(customs.report().declared_twice, [""; 0]);
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

#[test]
fn to_amend_what_is_not_there_is_rejected() {
    let mut customs = Customs::new(options());
    customs.take(&letter("M", vec![Paper { action: Action::Amend, ..paper(Kind::Inventory, "1") }]), Timestamp(0));
    assert_eq!(codes(&customs.due(END), Kind::Inventory), ["-603009"]);
    assert_eq!(customs.report().documents.len(), 0);
}
