//! The simulated customs through its folders.

mod demo;
mod kinds;
mod official;
mod stage;
mod story;

use std::{fs, time::Duration};

use tongguan::{
    clock::{Clockwork, day_to_wire},
    declaration::Kind,
    receipt::{Answer, Receipt},
    seal,
    signers::{self, FileSigner},
    simulator::{self, Matching, Oddities, Office, Options, Script, Signatures},
};
use uuid::Uuid;

use demo::{EXPECTED, drafts, expected};
use stage::{ROADS, Stage, codes_of, content, envelope, files, parcel, quick, receipts, unsigned};

const LIFE: [&str; 5] = ["2", "120", "399", "800", "899"];

#[test]
fn a_parcel_lives_its_life_over_two_roads_and_both_matchings() {
    for matching in [Matching::Each, Matching::Together] {
        let mut stage = Stage::new(Options { matching, ..quick() });
        let parcel = parcel(0);
        let waybill_no = parcel.1.waybill_no.clone();
        for (road, kind) in [(ROADS[0], Kind::Order), (ROADS[1], Kind::Waybill), (ROADS[0], Kind::Inventory)] {
            let guid = stage.guid();
            stage.send(road, kind, &[(guid, content(kind, &parcel), &waybill_no)]);
        }
        let first = stage.play(ROADS[0]);
        let second = stage.answers(ROADS[1]);
        assert_eq!(codes_of(&first, Kind::Order), ["2", "120"]);
        assert_eq!(codes_of(&second, Kind::Waybill), ["2", "120"]);
        assert_eq!(codes_of(&first, Kind::Inventory), LIFE);
        let last = receipts(&first).into_iter().next_back().unwrap();
        let day = day_to_wire(stage.clock_now().day());
        assert!(last.port_no.unwrap().0.starts_with(&format!("B{day}")));
        let office = &parcel.0.inventory.declared_at;
        assert!(last.inventory_no.unwrap().0.starts_with(&format!("{office}{}E", stage.clock_now().day().year())));
        let report = stage.office.report();
        assert_eq!((report.messages, report.closed, report.declared_twice.len()), (3, 1, 0));
        assert_eq!(files(&stage.folder(ROADS[0], "sent")).len(), 2);
        assert_eq!(files(&stage.folder(ROADS[0], "out")).len(), 0);
        assert!(files(&stage.folder(ROADS[0], "received")).len() >= 5);
    }
}

#[test]
fn what_is_taken_twice_is_kept_once_and_counted_only_if_it_differs() {
    let mut stage = Stage::new(quick());
    let parcel = parcel(0);
    let guid = stage.guid();
    let order = [(guid, content(Kind::Order, &parcel), "")];
    let (name, bytes) = stage.send(ROADS[0], Kind::Order, &order);
    stage.play(ROADS[0]);
    stage.put(ROADS[0], &name, &bytes);
    let again = stage.play(ROADS[0]);
    assert_eq!(codes_of(&again, Kind::Order), ["-304001"]);
    assert_eq!(files(&stage.folder(ROADS[0], "sent")).len(), 1);
    let report = stage.office.report();
    assert_eq!((report.delivered_again, report.declared_twice.len(), report.renamed), (1, 0, 0));

    stage.send(ROADS[1], Kind::Order, &order);
    stage.play(ROADS[1]);
    assert_eq!(stage.office.report().declared_twice.len(), 1, "another message with the same document");

    let guid = stage.guid();
    let other =
        stage.message(Kind::Order, Uuid::parse_str(name.split(['_', '.']).nth(1).unwrap()).unwrap(), &[(guid, order[0].1.clone(), "")]);
    stage.put(ROADS[0], &name, &other);
    stage.play(ROADS[0]);
    let report = stage.office.report();
    assert_eq!((report.declared_twice.len(), report.renamed), (2, 1));
    assert_eq!(files(&stage.folder(ROADS[0], "sent")).len(), 2);
}

#[test]
fn a_bad_signature_and_a_bad_envelope_are_answered_by_the_platform() {
    let mut stage = Stage::new(Options { signatures: Signatures::Strict, ..quick() });
    let parcel = parcel(0);
    let guid = stage.guid();
    stage.send(ROADS[0], Kind::Order, &[(guid, content(Kind::Order, &parcel), "")]);
    let at = stage.clock_now();
    stage.put(ROADS[0], "wrong-type.xml", &envelope(b"<a/>", guid, "CEB303Message", at));
    stage.put(ROADS[0], "plain.xml", &unsigned(Uuid::from_u128(7), &parcel, at));
    let answers = stage.play(ROADS[0]);
    let mut said: Vec<_> = answers
        .iter()
        .map(|answer| match answer {
            Answer::Transport(receipt) => receipt.code.clone(),
            Answer::Format(receipt) => receipt.code.clone(),
            Answer::Receipts(_) | Answer::SummaryResults(_) => panic!("nothing was taken"),
        })
        .collect();
    said.sort();
    assert_eq!(said, ["-999999", "-999999", "1001"]);
    assert_eq!(stage.office.report().refused_messages, 3);
    assert!(stage.office.report().documents.is_empty());
}

#[tokio::test]
async fn a_good_signature_passes_and_a_changed_message_does_not() {
    let mut stage = Stage::new(Options { signatures: Signatures::Strict, ..quick() });
    let (key, certificate) = signers::new_key(&Clockwork::system(), "示例", 30).unwrap();
    let (key, certificate) = signers::write_key(stage.place.path(), "test", &key, &certificate).unwrap();
    let signer = FileSigner::open(&key, &certificate).unwrap();
    let parcel = parcel(0);
    let at = stage.clock_now();
    for (number, changes) in [(1_u128, false), (2, true)] {
        let guid = Uuid::from_u128(number);
        let mut bytes = seal::seal(&unsigned(guid, &parcel, at), &signer).await.unwrap().bytes().to_vec();
        if changes {
            let text = String::from_utf8(bytes).unwrap();
            bytes = text.replacen("<ceb:freight>0</ceb:freight>", "<ceb:freight>1</ceb:freight>", 1).into_bytes();
        }
        stage.put(ROADS[0], &format!("{number}.xml"), &envelope(&bytes, guid, "CEB303Message", at));
    }
    let answers = stage.play(ROADS[0]);
    assert_eq!(codes_of(&answers, Kind::Order), ["2", "120"]);
    assert!(answers.iter().any(|answer| matches!(answer, Answer::Transport(receipt) if receipt.code == "1004")), "{answers:?}");
}

#[tokio::test]
async fn it_runs_until_it_is_told_to_stop() {
    let place = tempfile::tempdir().unwrap();
    let options = Options { dir: place.path().to_owned(), poll_ms: 5, ..quick() };
    let (tell, stop) = tokio::sync::watch::channel(false);
    let running = tokio::spawn(simulator::run(options, Clockwork::system(), stop));
    let out = place.path().join("guangzhou/out");
    wait_for(|| out.is_dir()).await;
    // The customs looks every few milliseconds: whole, or not there.
    fs::write(out.join(".m.xml"), unsigned(Uuid::from_u128(1), &parcel(0), Clockwork::system().now())).unwrap();
    fs::rename(out.join(".m.xml"), out.join("m.xml")).unwrap();
    wait_for(|| files(&place.path().join("guangzhou/received")).len() == 2).await;
    tell.send(true).unwrap();
    let report = running.await.unwrap().unwrap();
    assert_eq!((report.messages, report.stored), (1, 1));
}

async fn wait_for(mut done: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen within 10 seconds");
}

#[test]
fn a_road_must_have_the_name_of_a_folder() {
    let place = tempfile::tempdir().unwrap();
    for road in ["", "..", "a/b", "a b"] {
        let options = Options { dir: place.path().to_owned(), roads: vec![road.to_owned()], ..quick() };
        assert!(Office::open(options, Clockwork::system()).is_err(), "{road:?}");
    }
}

#[test]
fn a_message_that_holds_poison_is_refused_whole_and_the_others_may_go_alone() {
    let mut stage = Stage::new(Options { script: Script::read(EXPECTED), ..quick() });
    let good = parcel(0);
    let poison = drafts().iter().position(|draft| expected(&draft.order.order_no).is_some_and(|(outcome, _)| outcome == "poison"));
    let poison = parcel(poison.unwrap());
    let (a, b) = (stage.guid(), stage.guid());
    let (name, _) = stage.send(ROADS[0], Kind::Order, &[(a, content(Kind::Order, &good), ""), (b, content(Kind::Order, &poison), "")]);
    let answers = stage.play(ROADS[0]);
    assert!(matches!(&answers[..], [Answer::Format(receipt)] if name.contains(&receipt.original) && receipt.code.starts_with('-')));
    stage.send(ROADS[0], Kind::Order, &[(a, content(Kind::Order, &good), "")]);
    assert_eq!(codes_of(&stage.play(ROADS[0]), Kind::Order), ["2", "120"]);
    stage.send(ROADS[0], Kind::Order, &[(b, content(Kind::Order, &poison), "")]);
    assert!(matches!(&stage.play(ROADS[0])[..], [Answer::Format(_)]));
    assert_eq!(stage.office.report().declared_twice.len(), 0);
}

#[test]
fn garbage_on_the_road_is_set_aside_and_stops_nothing() {
    let mut stage = Stage::new(quick());
    let parcel = parcel(0);
    let guid = stage.guid();
    let (_, bytes) = stage.send(ROADS[0], Kind::Order, &[(guid, content(Kind::Order, &parcel), "")]);
    stage.put(ROADS[0], "truncated.xml", &bytes[..bytes.len() / 2]);
    stage.put(ROADS[0], "garbage", &[0xff; 1_000]);
    stage.put(ROADS[0], "empty.xml", b"");
    stage.put(ROADS[0], ".half.xml.part", &bytes[..10]);
    fs::create_dir(stage.folder(ROADS[0], "out").join("folder.xml")).unwrap();
    assert_eq!(codes_of(&stage.play(ROADS[0]), Kind::Order), ["2", "120"]);
    assert_eq!(stage.office.report().unreadable, 3);
    let aside = files(&stage.folder(ROADS[0], "unreadable"));
    assert_eq!(aside.iter().filter(|(name, reason)| name.ends_with(".reason.txt") && !reason.is_empty()).count(), 3);
    assert_eq!(aside.len(), 6);
}

/// Sends the first parcels of the demonstration, all kinds, some to a message.
fn send_many(stage: &mut Stage) {
    let parcels: Vec<_> = (0..15).map(parcel).collect();
    for kind in Kind::OF_PARCEL {
        for (some, road) in parcels.chunks(5).zip([ROADS[0], ROADS[1], ROADS[0]]) {
            let contents: Vec<_> = some.iter().map(|parcel| (stage.guid(), content(kind, parcel), parcel.1.waybill_no.as_str())).collect();
            stage.send(road, kind, &contents);
        }
    }
}

fn everything(stage: &mut Stage) -> Vec<Receipt> {
    let first = stage.play(ROADS[0]);
    let second = stage.answers(ROADS[1]);
    receipts(&[first, second].concat())
}

#[test]
fn after_a_restart_customs_is_the_same_and_says_what_it_had_not_said() {
    let mut stage = Stage::new(quick());
    send_many(&mut stage);
    let mut early = Vec::new();
    for _ in 0..4 {
        stage.office.pass().unwrap();
        stage.clock.advance(Duration::from_millis(50));
    }
    for road in ROADS {
        early.extend(stage.answers(road));
    }
    let before = stage.office.report();
    stage.restart();
    let late = everything(&mut stage);
    let after = stage.office.report();
    assert!(!early.is_empty() && before.closed < 15);
    assert_eq!((after.messages, &after.documents, after.closed), (before.messages, &before.documents, 15));
    let mut codes: Vec<_> = receipts(&early).into_iter().chain(late).map(|receipt| (format!("{:?}", receipt.key), receipt.code)).collect();
    let all = codes.len();
    codes.sort();
    codes.dedup();
    assert_eq!((all, codes.len()), (15 * 9, 15 * 9), "each word once, none lost");
    stage.restart();
    assert_eq!(everything(&mut stage).len(), 0, "everything was said");
    assert_eq!(stage.office.report(), after);
}

#[test]
fn the_same_seed_says_the_same() {
    let run = |seed| {
        let mut stage = Stage::new(Options { seed, oddities: Oddities { silence: 0, time_out: 0, ..Oddities::demo() }, ..quick() });
        send_many(&mut stage);
        let said: Vec<_> = everything(&mut stage).into_iter().map(|receipt| (receipt.key, receipt.code)).collect();
        let mut said: Vec<_> = said.into_iter().map(|pair| format!("{pair:?}")).filter(|said| !said.contains("OTHER")).collect();
        said.sort();
        (said, stage.office.report().closed)
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3).0, run(4).0);
}

#[test]
fn under_every_oddity_a_gateway_that_sends_again_sees_everything_close() {
    let oddities = Oddities {
        silence: 500,
        time_out: 500,
        shell: 500,
        zero_byte: 500,
        repeat: 300,
        late: 300,
        garbage: 300,
        stranger: 300,
        ..Oddities::demo()
    };
    let mut stage = Stage::new(Options { oddities: Oddities { port_failed: 0, ..oddities }, receipts_per_message: 3, ..quick() });
    let mut sent = Vec::new();
    send_many(&mut stage);
    for road in ROADS {
        sent.extend(files(&stage.folder(road, "out")).into_iter().map(|(name, bytes)| (road, name, bytes)));
    }
    everything(&mut stage);
    for (road, name, bytes) in &sent {
        stage.put(road, name, bytes);
    }
    let said = everything(&mut stage);
    let report = stage.office.report();
    assert_eq!((report.closed, report.declared_twice.len()), (15, 0), "{report:?}");
    assert!(report.silenced > 0 && report.delivered_again > 0);
    assert!(!said.is_empty());
}
