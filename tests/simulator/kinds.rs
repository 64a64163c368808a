//! Every kind of document through the folders: what is answered, that it fits our schemas and reads back, and that a restart forgets
//! nothing.

use std::{collections::BTreeSet, fs, time::Duration};

use rust_decimal::Decimal;
use tongguan::{
    declaration::{Action, Kind, Part, SummaryResult},
    message::{self, dxp},
    receipt::Answer,
    simulator::{Matching, Movement, Oddities, Options},
};

use super::{
    stage::{ROADS, Stage, codes_of, files, quick, receipts},
    story::Story,
};

fn reported() -> Options {
    Options { movement: Movement::Reported, matching: Matching::Each, ..quick() }
}

/// Sends the three documents of a parcel, and lets time go by.
fn send_parcel(stage: &mut Stage, story: &Story) -> Vec<Answer> {
    for kind in Kind::OF_PARCEL {
        let guid = stage.guid();
        stage.send(ROADS[0], kind, &[(guid, story.content(kind), &story.waybill.waybill_no)]);
    }
    stage.play(ROADS[0])
}

fn inventory_no(answers: &[Answer]) -> String {
    receipts(answers)
        .into_iter()
        .filter(|receipt| receipt.key.kind() == Kind::Inventory)
        .find_map(|receipt| receipt.inventory_no)
        .unwrap()
        .0
}

fn results(answers: &[Answer]) -> Vec<SummaryResult> {
    let each = answers.iter().flat_map(|answer| match answer {
        Answer::SummaryResults(results) => results.clone(),
        _ => Vec::new(),
    });
    let mut results: Vec<_> = each.collect();
    results.sort_by_key(|result| result.at);
    results
}

/// All eleven kinds: two parcels of one bill leave the country and are summed, goods of one come back, a third parcel is cancelled.
pub fn whole_story(stage: &mut Stage) -> Vec<Answer> {
    let [first, second] = [0, 1].map(Story::of);
    let third = Story::of(2).without_bill();
    let mut answers = Vec::new();
    let play = |answers: &mut Vec<Answer>, stage: &mut Stage, kind: Kind, expected: &[&str]| {
        let said = stage.play(ROADS[0]);
        assert_eq!(codes_of(&said, kind), expected, "{kind:?}: {said:?}");
        answers.extend(said.clone());
        said
    };
    let [one, two, three] = [&first, &second, &third].map(|story| {
        let said = send_parcel(stage, story);
        assert_eq!(codes_of(&said, Kind::Inventory), ["2", "120", "399"]);
        answers.extend(said.clone());
        inventory_no(&said)
    });
    stage.follow_up(ROADS[1], 1, Action::Add, &first.payment());
    stage.follow_up(ROADS[0], 2, Action::Add, &first.manifest(Part { number: 1, count: 2 }));
    play(&mut answers, stage, Kind::Manifest, &["2"]);
    assert_eq!(codes_of(&stage.answers(ROADS[1]), Kind::Payment), ["2", "120"]);
    stage.follow_up(ROADS[0], 2, Action::Add, &second.manifest(Part { number: 2, count: 2 }));
    play(&mut answers, stage, Kind::Manifest, &["2", "399", "399"]);
    stage.follow_up(ROADS[0], 3, Action::Add, &first.arrival());
    let said = play(&mut answers, stage, Kind::Arrival, &["2", "399"]);
    assert_eq!(codes_of(&said, Kind::Inventory), ["800", "800"]);
    for (number, story) in [(4, &first), (5, &second)] {
        stage.follow_up(ROADS[0], number, Action::Add, &story.departure());
        let said = play(&mut answers, stage, Kind::Departure, &["2", "399"]);
        assert_eq!(codes_of(&said, Kind::Inventory), ["899"]);
    }
    stage.follow_up(ROADS[0], 6, Action::Add, &third.cancellation(&three));
    play(&mut answers, stage, Kind::Cancellation, &["2", "399"]);
    stage.follow_up(ROADS[0], 7, Action::Add, &first.goods_return(&one, Decimal::ONE));
    play(&mut answers, stage, Kind::GoodsReturn, &["2", "120", "800"]);
    stage.follow_up(ROADS[0], 8, Action::Add, &first.tally(&one));
    play(&mut answers, stage, Kind::ReturnTally, &["2", "399"]);
    let same = first.declaration.order.seller == second.declaration.order.seller;
    let numbers = if same { vec![one, two] } else { vec![one] };
    stage.follow_up(ROADS[0], 9, Action::Add, &first.summary(&numbers));
    let said = play(&mut answers, stage, Kind::Summary, &["2", "399"]);
    let results = results(&said);
    assert_eq!(results.len() % 3, 0);
    assert!(!results.is_empty() && results.last().unwrap().customs_declaration_no.is_some());
    let summed: BTreeSet<_> = results.iter().flat_map(|result| &result.lines).map(|line| line.inventory_no.clone()).collect();
    assert_eq!(summed, numbers.into_iter().collect());
    answers
}

#[test]
fn every_kind_is_taken_answered_kept_and_counted() {
    let mut stage = Stage::new(reported());
    whole_story(&mut stage);
    let report = stage.office.report();
    assert_eq!(report.documents.keys().copied().collect::<Vec<_>>(), Kind::ALL);
    for (kind, counts) in &report.kinds {
        let withdrawn = u64::from(*kind == Kind::Inventory);
        assert_eq!((counts.ended, counts.withdrawn), (report.documents[kind] - withdrawn, withdrawn), "{kind:?}");
        assert_eq!((counts.waiting, counts.twice, counts.again, counts.refused, counts.rejected), (0, 0, 0, 0, 0), "{kind:?}");
    }
    let sent: usize = ROADS.iter().map(|road| files(&stage.folder(road, "sent")).len()).sum();
    assert_eq!(u64::try_from(sent), Ok(report.messages));
    let told = report.to_string();
    for kind in Kind::ALL {
        assert!(told.contains(kind.row().zh) && told.contains(kind.row().en), "{told}");
    }
    assert!(told.contains("declared twice 0"), "{told}");
}

/// What cannot be valid, since the schema demands what customs has not given yet: invtNo in a 604 before 120.
fn lacks_a_number(payload: &[u8]) -> bool {
    let text = String::from_utf8_lossy(payload);
    text.contains("CEB604Message") && (text.contains("returnStatus>2<") || text.contains("returnStatus>3<"))
}

#[test]
fn whatever_it_answers_fits_our_schemas_in_every_form() {
    let odd = Oddities { prefixed: 500, lower_case: 500, other_guid: 500, sent: 500, ..Oddities::none() };
    for oddities in [Oddities::none(), odd] {
        let mut stage = Stage::new(Options { oddities, receipts_per_message: 1, ..reported() });
        if oddities == Oddities::none() {
            whole_story(&mut stage);
        } else {
            send_parcel(&mut stage, &Story::of(0));
        }
        let mut kinds = BTreeSet::new();
        for road in ROADS {
            for (name, bytes) in files(&stage.folder(road, "received")) {
                let Ok(dxp::Opened::Envelope(envelope)) = dxp::open(&bytes) else { panic!("{name}") };
                kinds.insert(envelope.msg_type.clone());
                message::parse_answer(&envelope.data).unwrap();
                if !lacks_a_number(&envelope.data) {
                    assert_eq!(message::validate(&envelope.data), [], "{name}: {}", String::from_utf8_lossy(&envelope.data));
                }
            }
        }
        if oddities == Oddities::none() {
            let answers = Kind::ALL.map(|kind| format!("CEB{}Message", kind.number() + 1));
            assert_eq!(kinds, answers.into_iter().chain(["CEB792Message".to_owned()]).collect());
        }
    }
}

#[test]
fn a_restart_forgets_nothing_of_any_kind() {
    let mut stage = Stage::new(reported());
    whole_story(&mut stage);
    let before = stage.office.report();
    stage.restart();
    stage.pass_time();
    assert_eq!(stage.office.report(), before);
    assert_eq!(ROADS.map(|road| stage.answers(road).len()), [0, 0], "everything was said");
}

/// Killed between any two words of a summary, it says each of them once, and each result once.
#[test]
fn a_summary_survives_a_restart_between_any_two_words() {
    for passes in 1..14 {
        let mut stage = Stage::new(quick());
        let story = Story::of(0);
        let no = inventory_no(&send_parcel(&mut stage, &story));
        stage.follow_up(ROADS[0], 1, Action::Add, &story.summary(&[no]));
        let mut said = Vec::new();
        for _ in 0..passes {
            stage.office.pass().unwrap();
            stage.clock.advance(Duration::from_millis(25));
            said.extend(stage.answers(ROADS[0]));
        }
        stage.restart();
        said.extend(stage.play(ROADS[0]));
        assert_eq!(codes_of(&said, Kind::Summary), ["2", "399"], "after {passes}");
        let states: Vec<_> = results(&said).into_iter().map(|result| result.state).collect();
        assert_eq!(states, ["1", "2", "3"], "after {passes}");
    }
}

#[test]
fn a_list_is_amended_and_deleted_over_the_wire() {
    let mut stage = Stage::new(quick());
    let story = Story::of(0);
    let guid = stage.guid();
    stage.send(ROADS[0], Kind::Inventory, &[(guid, story.content(Kind::Inventory), &story.waybill.waybill_no)]);
    assert_eq!(codes_of(&stage.play(ROADS[0]), Kind::Inventory), ["2"]);
    stage.send_as(ROADS[0], Kind::Inventory, 1, Action::Amend, &story.content(Kind::Inventory), &story.waybill.waybill_no);
    let said = stage.play(ROADS[0]);
    assert_eq!(codes_of(&said, Kind::Inventory), ["2"]);
    assert!(receipts(&said)[0].info.starts_with("清单变更申报成功"));
    stage.send_as(ROADS[0], Kind::Inventory, 1, Action::Delete, &story.content(Kind::Inventory), &story.waybill.waybill_no);
    assert_eq!(codes_of(&stage.play(ROADS[0]), Kind::Inventory), ["2", "399"]);
    assert_eq!(stage.office.report().declared_twice, [""; 0]);
}

#[test]
fn a_message_of_parts_that_are_no_numbers_is_refused_whole() {
    let mut stage = Stage::new(quick());
    let (_, bytes) = stage.follow_up(ROADS[0], 1, Action::Add, &Story::of(0).manifest(Part::WHOLE));
    let Ok(dxp::Opened::Envelope(envelope)) = dxp::open(&bytes) else { panic!("an envelope") };
    let text = String::from_utf8(envelope.data).unwrap().replace("msgSeqNo>1<", "msgSeqNo>-1<");
    for (name, _) in files(&stage.folder(ROADS[0], "out")) {
        fs::remove_file(stage.folder(ROADS[0], "out").join(name)).unwrap();
    }
    let guid = stage.guid();
    let bytes = super::envelope(text.as_bytes(), guid, message::wire_type(Kind::Manifest), stage.clock_now());
    stage.put(ROADS[0], "m.xml", &bytes);
    assert!(matches!(&stage.play(ROADS[0])[..], [Answer::Format(_)]));
    assert!(stage.office.report().documents.is_empty());
}
