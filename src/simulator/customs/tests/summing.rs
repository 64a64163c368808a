//! Summaries and what they become.

use super::*;

fn party(code: &str) -> Party {
    Party { code: code.to_owned(), name: format!("{code} Ltd") }
}

fn summary(no: &str, inventory_nos: &[&str], by_owner: bool) -> Paper {
    let inventory_nos = inventory_nos.iter().map(|no| (*no).to_owned()).collect();
    let terms = SummaryTerms { by_owner, declarant: party("D"), seller: party("S"), customs_declarant: party("CD") };
    Paper { terms: Some(Arc::new(terms)), ..follow_up(FollowUpRequest { inventory_nos, ..blank(Kind::Summary, no) }) }
}

fn results(said: &[Said]) -> Vec<&Summed> {
    let summed = said.iter().filter_map(|said| match &said.speech {
        Speech::Summed(summed) => Some(summed.as_ref()),
        _ => None,
    });
    summed.collect()
}

/// The number of an inventory, and how it differs from the usual one.
type Differing = (&'static str, fn(&mut Listed));

/// A customs with closed inventories of these numbers, changed as told.
fn closed(lists: &[Differing]) -> (Customs, Timestamp, Vec<String>) {
    let (mut customs, mut now) = (Customs::new(options()), Timestamp(FIRST.0));
    let mut numbers = Vec::new();
    for (no, change) in lists {
        let mut list = listed(no);
        change(&mut list);
        parcel(&mut customs, &Paper { list: Some(Arc::new(list)), ..paper(Kind::Inventory, no) }, &mut now);
        numbers.push(inventory_no(&customs, no));
    }
    (customs, now, numbers)
}

#[test]
fn a_summary_becomes_a_customs_declaration_in_three_results() {
    let (mut customs, mut now, numbers) =
        closed(&[("1", |_| {}), ("2", |list| list.goods[0].hs_code = "6911101100".into()), ("3", |_| {})]);
    let numbers: Vec<_> = numbers.iter().map(String::as_str).collect();
    let said = play(&mut customs, &[summary("1", &numbers, false)], &mut now);
    assert_eq!(codes(&said, Kind::Summary), ["2", "399"]);
    let results = results(&said);
    assert_eq!(results.len(), 3);
    let [first, drafted, declared] = [0, 1, 2].map(|index| &results[index].result);
    let Speech::Receipt(told) = &said[1].speech else { panic!("a receipt") };
    assert_eq!(told.receipt.summary_no.as_ref().unwrap().0, first.summary_no);
    assert_eq!((first.summary_no.len(), first.declaration_seq_no.len()), (18, 18));
    assert_eq!(first.lines.len(), 3);
    let places: Vec<_> = first.lines.iter().map(|line| (line.hs_code.as_str(), line.place.unwrap())).collect();
    for (code, place) in &places {
        assert!(places.iter().all(|(other, at)| (other == code) == (at == place)), "{places:?}");
    }
    assert_eq!((first.gross_weight, first.net_weight), (Some(Decimal::from(6)), Some(Decimal::from(3))));
    assert_eq!((&first.draft_no, &first.customs_declaration_no), (&None, &None));
    assert!(drafted.draft_no.is_some() && drafted.port_no.is_some() && drafted.customs_declaration_no.is_none());
    assert_eq!(declared.customs_declaration_no.as_ref().unwrap().len(), 18);
    assert!(drafted.lines.is_empty() && declared.lines.is_empty());
    assert!([drafted, declared].iter().all(|later| later.declaration_seq_no == first.declaration_seq_no));
    assert_eq!(results[0].names, ["D Ltd", "S Ltd", "CD Ltd"]);
    assert!(first.at < drafted.at && drafted.at < declared.at);
}

#[test]
fn there_is_a_declaration_for_each_office_and_owner_and_month() {
    let lists: [Differing; 4] =
        [("1", |_| {}), ("2", |list| list.office = "5208".into()), ("3", |list| list.owner = "O".into()), ("4", |_| {})];
    for (by_owner, expected) in [(false, vec![1, 3]), (true, vec![1, 1, 2])] {
        let (mut customs, mut now, numbers) = closed(&lists);
        let numbers: Vec<_> = numbers.iter().map(String::as_str).collect();
        let said = play(&mut customs, &[summary("1", &numbers, by_owner)], &mut now);
        let mut lines: Vec<_> = results(&said).iter().map(|summed| summed.result.lines.len()).filter(|lines| *lines > 0).collect();
        lines.sort_unstable();
        assert_eq!(lines, expected);
        assert_eq!(results(&said).len(), 3 * expected.len());
    }
    let (mut customs, mut now, numbers) = closed(&lists[..1]);
    now = Timestamp(now.0 + 40 * 86_400_000_000);
    parcel(&mut customs, &paper(Kind::Inventory, "9"), &mut now);
    let both = [numbers[0].clone(), inventory_no(&customs, "9")];
    let said = play(&mut customs, &[summary("1", &both.each_ref().map(String::as_str), false)], &mut now);
    assert_eq!(results(&said).len(), 6, "two months");
}

#[test]
fn a_split_summary_waits_for_all_of_its_parts() {
    let (mut customs, mut now, numbers) = closed(&[("1", |_| {}), ("2", |_| {})]);
    let [first, second] = [(1, &numbers[0]), (2, &numbers[1])].map(|(part, no)| part_of(summary("1", &[no], false), part, 2));
    let said = play(&mut customs, &[second], &mut now);
    assert_eq!((codes(&said, Kind::Summary), results(&said).len()), (vec!["2"], 0));
    let said = play(&mut customs, &[first], &mut now);
    assert_eq!(codes(&said, Kind::Summary), ["2", "399", "399"]);
    assert_eq!((results(&said).len(), results(&said)[0].result.lines.len()), (3, 2));
}

#[test]
fn what_cannot_be_summed_is_refused_by_name() {
    let (mut customs, mut now, numbers) = closed(&[("1", |list| list.statistics = "A".into()), ("2", |_| {})]);
    let said = play(&mut customs, &[summary("1", &[&numbers[0], "514120261999999999"], false)], &mut now);
    assert_eq!(codes(&said, Kind::Summary), ["2", "100"]);
    assert!(infos(&said)[1].contains(&numbers[0]) && infos(&said)[1].contains("不存在"), "{:?}", infos(&said));
    let said = play(&mut customs, &[summary("2", &[], false)], &mut now);
    assert!(infos(&said)[1].contains("没有可以汇总的清单"));
    let said = play(&mut customs, &[summary("3", &[&numbers[1]], false)], &mut now);
    assert_eq!(codes(&said, Kind::Summary), ["2", "399"]);
    let said = play(&mut customs, &[summary("4", &[&numbers[1]], false)], &mut now);
    assert!(infos(&said)[1].contains("已经汇总"));
    let cancellation = FollowUpRequest { inventory_nos: vec![numbers[1].clone()], ..blank(Kind::Cancellation, "1") };
    let said = play(&mut customs, &[follow_up(cancellation)], &mut now);
    assert!(infos(&said)[1].contains("已汇总"));
}

#[test]
fn a_period_overrides_the_list_of_numbers() {
    let (mut customs, mut now, _) = closed(&[("1", |_| {}), ("2", |list| list.statistics = "A".into()), ("3", |_| {})]);
    let asked = |no: &str, from: i64, to: i64| {
        let written = |seconds: i64| Timestamp(FIRST.0 + seconds * 1_000_000).to_seconds();
        let paper = summary(no, &["514120261999999999"], false);
        let period = (written(from), written(to));
        Paper { follow_up: Some(Arc::new(FollowUpRequest { period, ..paper.follow_up.as_deref().unwrap().clone() })), ..paper }
    };
    let said = play(&mut customs, &[asked("1", -100, -1)], &mut now);
    assert_eq!(codes(&said, Kind::Summary), ["2", "100"]);
    let said = play(&mut customs, &[asked("2", 0, 3_600)], &mut now);
    assert_eq!((codes(&said, Kind::Summary), results(&said)[0].result.lines.len()), (vec!["2", "399"], 2));
}

#[test]
fn a_long_result_is_split() {
    let goods = |list: &mut Listed| list.goods = (1..=1_001).map(|number| Goods { number, ..list.goods[0].clone() }).collect();
    let (mut customs, mut now, numbers) = closed(&[("1", goods)]);
    let said = play(&mut customs, &[summary("1", &[&numbers[0]], false)], &mut now);
    let parts: Vec<_> = results(&said).iter().map(|summed| (summed.result.part, summed.result.lines.len())).collect();
    let part = |number, count| Part { number, count };
    assert_eq!(parts, [(part(1, 2), 1_000), (part(2, 2), 1), (part(1, 1), 0), (part(1, 1), 0)]);
}
