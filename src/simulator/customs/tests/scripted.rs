//! What a script, or a number in a sandbox, asks for.

use super::*;

fn rule(kind: Kind, order: &str, outcome: Outcome) -> Rule {
    Rule::of_order(kind, order, outcome)
}

fn with(rules: Vec<Rule>) -> (Customs, Timestamp) {
    let script = Script { rule: rules };
    assert_eq!(script.faults(), [""; 0]);
    (Customs::new(Options { script, ..options() }), Timestamp(0))
}

#[test]
fn refusals_failures_and_poison_happen_to_the_documents_they_name() {
    let rules = [(Kind::Inventory, "R", Outcome::Refused), (Kind::Order, "P", Outcome::Poison), (Kind::Order, "F", Outcome::PortFailed)];
    let (mut customs, mut now) = with(rules.map(|(kind, no, outcome)| rule(kind, no, outcome)).into());
    let said = parcel(&mut customs, &paper(Kind::Inventory, "R"), &mut now);
    assert_eq!(codes(&said, Kind::Order), ["2", "120"]);
    assert_eq!(codes(&said, Kind::Inventory), ["2", "100"]);
    assert_eq!(codes(&play(&mut customs, &[paper(Kind::Order, "F")], &mut now), Kind::Order), ["2", "4"]);
    let again = Paper { guid: "again".into(), ..paper(Kind::Order, "F") };
    assert_eq!(codes(&play(&mut customs, &[again], &mut now), Kind::Order), ["2", "120"]);
    customs.take(&letter("MP", vec![paper(Kind::Order, "1"), paper(Kind::Order, "P")]), now);
    let said = pass(&mut customs, &mut now);
    assert!(
        matches!(&said[..], [Said { speech: Speech::Format(receipt, _), .. }] if receipt.original == "MP" && receipt.code == "-999999")
    );
    assert!(customs.record(&paper(Kind::Order, "1").name()).is_none(), "none of a refused message is on record");
    assert_eq!(codes(&play(&mut customs, &[paper(Kind::Order, "1")], &mut now), Kind::Order), ["2", "120"]);
    assert_eq!(customs.report().declared_twice, [""; 0]);
}

/// The fate of an inventory by each outcome, in full.
#[test]
fn each_outcome_of_an_inventory_is_what_it_says() {
    let coded = |code: &str, outcome| Rule { code: code.into(), text: "按脚本".into(), ..rule(Kind::Inventory, "1", outcome) };
    for (rule, expected) in [
        (coded("", Outcome::Pass), vec!["2", "120", "399", "800", "899"]),
        (coded("", Outcome::Refused), vec!["2", "100"]),
        (coded("", Outcome::PortFailed), vec!["2", "4"]),
        (coded("-603001", Outcome::Rejected), vec!["-603001"]),
        (coded("", Outcome::Silent), vec![]),
        (coded("2", Outcome::Stops), vec!["2"]),
        (coded("3", Outcome::Stops), vec!["2", "3"]),
        (coded("120", Outcome::Stops), vec!["2", "120"]),
        (coded("399", Outcome::Stops), vec!["2", "120", "399"]),
        (coded("800", Outcome::Stops), vec!["2", "120", "399", "800"]),
        (coded("", Outcome::Review), vec!["2", "120", "300", "399", "800", "899"]),
        (coded("", Outcome::Inspection), vec!["2", "120", "500", "399", "800", "899"]),
        (coded("777", Outcome::Says), vec!["2", "777", "120", "399", "800", "899"]),
    ] {
        let (mut customs, mut now) = with(vec![rule.clone()]);
        let said = parcel(&mut customs, &paper(Kind::Inventory, "1"), &mut now);
        assert_eq!(codes(&said, Kind::Inventory), expected, "{:?}", rule.outcome);
        assert_eq!(codes(&said, Kind::Order), ["2", "120"], "{:?}", rule.outcome);
        if matches!(rule.outcome, Outcome::Refused | Outcome::Rejected | Outcome::Says) {
            assert!(infos(&said).iter().any(|info| info.ends_with("按脚本")), "{:?}", rule.outcome);
        }
    }
}

#[test]
fn an_answer_waits_as_long_as_it_is_told_and_only_so_many_times() {
    let slow = Rule { delay_ms: 5_000, times: 1, outcome: Outcome::Refused, ..rule(Kind::Order, "1", Outcome::Pass) };
    let (mut customs, _) = with(vec![slow]);
    take(&mut customs, Kind::Order, "1");
    assert_eq!(customs.due(Timestamp(4_900_000)), []);
    assert_eq!(codes(&customs.due(Timestamp(5_100_000)), Kind::Order), ["2"]);
    assert_eq!(codes(&customs.due(END), Kind::Order), ["100"]);
    let again = Paper { guid: "again".into(), ..paper(Kind::Order, "1") };
    send(&mut customs, &again, END);
    assert_eq!(codes(&customs.due(Timestamp(END.0 + 100_000)), Kind::Order), ["2", "120"], "the second time it passes, and at once");
}

#[test]
fn what_is_rejected_by_a_script_may_be_declared_anew() {
    let rejected = Rule { code: "-301008".into(), times: 1, ..rule(Kind::Order, "1", Outcome::Rejected) };
    let (mut customs, mut now) = with(vec![rejected]);
    assert_eq!(codes(&play(&mut customs, &[paper(Kind::Order, "1")], &mut now), Kind::Order), ["-301008"]);
    let again = Paper { guid: "again".into(), ..paper(Kind::Order, "1") };
    assert_eq!(codes(&play(&mut customs, &[again], &mut now), Kind::Order), ["2", "120"]);
    assert_eq!(customs.report().declared_twice, [""; 0]);
}

#[test]
fn in_a_sandbox_numbers_ask_for_themselves_and_a_script_comes_first() {
    let script = Script { rule: vec![rule(Kind::Inventory, "scripted-604-4", Outcome::Review)] };
    let mut customs = Customs::new(Options { sandbox: true, script, ..options() });
    let mut now = Timestamp(0);
    let mut life = |no: &str| {
        let said = parcel(&mut customs, &paper(Kind::Inventory, no), &mut now);
        [Kind::Order, Kind::Waybill, Kind::Inventory].map(|kind| codes(&said, kind).join(" "))
    };
    assert_eq!(life("a-604-100"), ["2 120", "2 120", "2 100"]);
    assert_eq!(life("a-604-500"), ["2 120", "2 120", "2 120 500 399 800 899"]);
    assert_eq!(life("a-506-120"), ["2 120", "2 120", "2 120 399 800 899"], "a waybill ends at 120 anyway");
    assert_eq!(life("a-304-N301008"), ["-301008", "2 120", "2"]);
    assert_eq!(life("scripted-604-4"), ["2 120", "2 120", "2 120 300 399 800 899"]);
}

/// What asks about an inventory is told by the number of that inventory's order.
#[test]
fn in_a_sandbox_an_order_number_speaks_for_what_comes_later() {
    let mut customs = Customs::new(Options { sandbox: true, ..options() });
    let mut now = Timestamp(0);
    let order_no = "a-606-100-214-500-216-4-702-N703001";
    parcel(&mut customs, &paper(Kind::Inventory, order_no), &mut now);
    let inventory_nos = vec![inventory_no(&customs, order_no)];
    let mut ask = |kind| {
        let line = RequestLine { number: "1".into(), hs_code: "4202220000".into(), quantity: "1".into(), ..RequestLine::default() };
        let asked = FollowUpRequest { inventory_nos: inventory_nos.clone(), lines: vec![line], ..blank(kind, "1") };
        codes(&play(&mut customs, &[follow_up(asked)], &mut now), kind).join(" ")
    };
    assert_eq!(ask(Kind::Cancellation), "2 100");
    assert_eq!(ask(Kind::GoodsReturn), "2 120 500 800");
    assert_eq!(ask(Kind::ReturnTally), "2 4");
    assert_eq!(ask(Kind::Summary), "-703001");
}

#[test]
fn in_a_sandbox_a_bill_speaks_for_its_manifest_and_its_movements() {
    let mut customs = Customs::new(Options { sandbox: true, movement: Movement::Reported, ..options() });
    let mut now = Timestamp(0);
    let bill = "b-608-100-508-2-510-4";
    let said = parcel(&mut customs, &of_bill("1", bill), &mut now);
    assert_eq!(codes(&said, Kind::Inventory), LIFE[..3]);
    for (kind, expected) in [(Kind::Manifest, "2 100"), (Kind::Arrival, "2"), (Kind::Departure, "2 4")] {
        let asked = FollowUpRequest { bill_no: bill.into(), waybill_nos: vec!["1".into()], ..blank(kind, "1") };
        let said = play(&mut customs, &[follow_up(asked)], &mut now);
        assert_eq!(codes(&said, kind).join(" "), expected);
        assert_eq!(codes(&said, Kind::Inventory), [""; 0]);
    }
}
