//! Manifests, arrivals and departures: parts, gaps, repeats, and what they do to inventories.

use super::*;

fn reported() -> (Customs, Timestamp) {
    (Customs::new(Options { movement: Movement::Reported, ..options() }), Timestamp(0))
}

fn report_of(kind: Kind, no: &str, bill: &str, waybill_nos: &[&str]) -> Paper {
    let waybill_nos = waybill_nos.iter().map(|no| (*no).to_owned()).collect();
    follow_up(FollowUpRequest { bill_no: bill.to_owned(), waybill_nos, ..blank(kind, no) })
}

#[test]
fn goods_move_when_it_is_reported_and_not_before() {
    let (mut customs, mut now) = reported();
    let said = parcel(&mut customs, &of_bill("1", "B"), &mut now);
    assert_eq!(codes(&said, Kind::Inventory), LIFE[..3]);
    let said = play(&mut customs, &[report_of(Kind::Departure, "0", "OTHER", &["9"])], &mut now);
    assert_eq!((codes(&said, Kind::Departure), codes(&said, Kind::Inventory)), (vec!["2", "399"], vec![]));
    let said = play(&mut customs, &[report_of(Kind::Arrival, "1", "B", &[])], &mut now);
    assert_eq!((codes(&said, Kind::Arrival), codes(&said, Kind::Inventory)), (vec!["2", "399"], vec!["800"]));
    assert!(infos(&said).iter().any(|info| info.starts_with("审核成功")));
    let said = play(&mut customs, &[report_of(Kind::Departure, "1", "B", &["1"])], &mut now);
    assert_eq!((codes(&said, Kind::Departure), codes(&said, Kind::Inventory)), (vec!["2", "399"], vec!["899"]));
    assert_eq!(customs.report().closed, 1);
}

#[test]
fn what_was_reported_first_counts_when_the_list_comes() {
    let (mut customs, mut now) = reported();
    let early = [report_of(Kind::Arrival, "1", "B", &[]), report_of(Kind::Departure, "1", "B", &["1"])];
    play(&mut customs, &early, &mut now);
    let said = parcel(&mut customs, &of_bill("1", "B"), &mut now);
    assert_eq!(codes(&said, Kind::Inventory), LIFE);
    let said = parcel(&mut customs, &of_bill("2", "B"), &mut now);
    assert_eq!(codes(&said, Kind::Inventory), LIFE[..4], "the departure did not name it");
    let said = parcel(&mut customs, &of_bill("3", "OTHER"), &mut now);
    assert_eq!(codes(&said, Kind::Inventory), LIFE[..3]);
}

#[test]
fn by_itself_a_report_only_hastens_what_comes_anyway() {
    let mut customs = Customs::new(Options { delays: Delays { released_ms: 30_000, closed_ms: 90_000, ..Delays::NONE }, ..options() });
    for kind in [Kind::Order, Kind::Waybill] {
        take(&mut customs, kind, "1");
    }
    send(&mut customs, &of_bill("1", "B"), Timestamp(0));
    assert_eq!(codes(&customs.due(Timestamp(10_000_000)), Kind::Inventory), LIFE[..3]);
    send(&mut customs, &report_of(Kind::Arrival, "1", "B", &[]), Timestamp(10_000_000));
    let said = customs.due(Timestamp(1_000_000_000));
    assert_eq!(codes(&said, Kind::Inventory), LIFE[3..], "each of them once");
}

#[test]
fn a_manifest_gives_lists_their_bill() {
    let (mut customs, mut now) = reported();
    parcel(&mut customs, &paper(Kind::Inventory, "1"), &mut now);
    parcel(&mut customs, &of_bill("2", "WRONG"), &mut now);
    let said = play(&mut customs, &[report_of(Kind::Arrival, "1", "B", &[])], &mut now);
    assert_eq!(codes(&said, Kind::Inventory), [""; 0]);
    let said = play(&mut customs, &[report_of(Kind::Manifest, "1", "B", &["1", "2", "unknown"])], &mut now);
    assert_eq!(codes(&said, Kind::Manifest), ["2", "399"]);
    assert_eq!(named(&said, Kind::Inventory, "800"), ["1", "2"], "the bill had arrived");
    let said = play(&mut customs, &[report_of(Kind::Departure, "1", "B", &["1"])], &mut now);
    assert_eq!(named(&said, Kind::Inventory, "899"), ["1"]);
}

#[test]
fn by_post_waybills_alone_are_named() {
    let (mut customs, mut now) = reported();
    parcel(&mut customs, &paper(Kind::Inventory, "1"), &mut now);
    parcel(&mut customs, &paper(Kind::Inventory, "2"), &mut now);
    let said = play(&mut customs, &[report_of(Kind::Arrival, "1", "", &["2"])], &mut now);
    assert_eq!(named(&said, Kind::Inventory, "800"), ["2"]);
    let said = play(&mut customs, &[report_of(Kind::Arrival, "2", "", &[])], &mut now);
    assert_eq!(named(&said, Kind::Inventory, "800"), [""; 0], "nothing is named by nothing");
}

/// All orders of three parts: nothing passes before the last one is there, then each of them does.
#[test]
fn a_whole_passes_with_its_last_part_whichever_comes_last() {
    for order in [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]] {
        for kind in [Kind::Manifest, Kind::Arrival, Kind::Departure] {
            let (mut customs, mut now) = reported();
            parcel(&mut customs, &of_bill("1", "B"), &mut now);
            let whole = report_of(kind, "1", "B", &["1"]);
            for number in &order[..2] {
                let said = play(&mut customs, &[part_of(whole.clone(), *number, 3)], &mut now);
                assert_eq!(codes(&said, kind), ["2"], "{kind:?} {order:?}");
            }
            assert_eq!(customs.report().kinds[&kind].waiting, 2);
            let said = play(&mut customs, &[part_of(whole.clone(), order[2], 3)], &mut now);
            assert_eq!(codes(&said, kind), ["2", "399", "399", "399"], "{kind:?} {order:?}");
            let released = if kind == Kind::Arrival { vec!["800"] } else { vec![] };
            assert_eq!(codes(&said, Kind::Inventory), released, "{kind:?} {order:?}");
            let counts = customs.report().kinds[&kind];
            assert_eq!((counts.ended, counts.waiting), (3, 0));
        }
    }
}

#[test]
fn a_gap_or_a_repeat_passes_nothing_and_a_refused_part_may_come_again() {
    let (mut customs, mut now) = reported();
    let whole = report_of(Kind::Manifest, "1", "B", &["1"]);
    let wrong = Paper { quarrel: Some("不符".into()), ..part_of(whole.clone(), 2, 3) };
    let said = play(&mut customs, &[part_of(whole.clone(), 1, 3), wrong, part_of(whole.clone(), 3, 3)], &mut now);
    assert_eq!(codes(&said, Kind::Manifest), ["2", "2", "2", "100"]);
    let said = play(&mut customs, &[part_of(whole.clone(), 3, 3)], &mut now);
    assert_eq!(codes(&said, Kind::Manifest), ["-904001"], "a repeat fills no gap");
    let again = Paper { guid: "again".into(), ..part_of(whole, 2, 3) };
    let said = play(&mut customs, &[again], &mut now);
    assert_eq!(codes(&said, Kind::Manifest), ["2", "399", "399", "399"]);
    assert_eq!((customs.report().delivered_again, customs.report().declared_twice.len()), (1, 0));
}

#[test]
fn parts_that_make_no_sense_are_rejected() {
    for kind in [Kind::Manifest, Kind::Arrival, Kind::Departure, Kind::Summary] {
        let (mut customs, mut now) = reported();
        let whole = report_of(kind, "1", "B", &["1"]);
        play(&mut customs, &[part_of(whole.clone(), 1, 3)], &mut now);
        for (number, count) in [(0, 3), (4, 3), (2, 2), (2, 4)] {
            let said = play(&mut customs, &[part_of(whole.clone(), number, count)], &mut now);
            assert!(infos(&said)[0].contains("报文总数与报文序号不符"), "{kind:?} {number} of {count}");
        }
        assert_eq!(customs.report().documents[&kind], 1);
    }
}

#[test]
fn a_manifest_says_120_and_800_where_it_is_told_to() {
    let options = Options { movement: Movement::Reported, manifest_stored: true, manifest_released: true, ..options() };
    let (mut customs, mut now) = (Customs::new(options), Timestamp(0));
    let whole = report_of(Kind::Manifest, "1", "B", &["1"]);
    let said = play(&mut customs, &[part_of(whole.clone(), 1, 2)], &mut now);
    assert_eq!(codes(&said, Kind::Manifest), ["2", "120"]);
    let said = play(&mut customs, &[part_of(whole, 2, 2)], &mut now);
    assert_eq!(codes(&said, Kind::Manifest), ["2", "120", "399", "399"]);
    let said = play(&mut customs, &[report_of(Kind::Arrival, "1", "B", &[])], &mut now);
    assert_eq!(codes(&said, Kind::Manifest), ["800", "800"]);
    let said = play(&mut customs, &[report_of(Kind::Arrival, "2", "B", &[])], &mut now);
    assert_eq!(codes(&said, Kind::Manifest), [""; 0], "once is enough");
}
