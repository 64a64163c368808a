//! What is shown to people, and what would be if.

use super::*;

fn batteries_and_shirts(day: Date) -> Vec<Facts> {
    let of = |line, hs_code: &str| {
        let mut facts = Facts { line, hs_code: hs_code.to_owned(), ..good() };
        exported(&mut facts, day);
        facts
    };
    vec![of(1, "6109100000"), of(2, "8507600090"), of(3, "3926909090"), of(4, "8506500090"), of(5, "7607119000")]
}

#[test]
fn the_first_day_of_2027_moves_the_batteries_and_nothing_else() {
    let advisor = advisor(overridden());
    let what_if = Arc::new(WhatIf::new(advisor.clone(), Some(date!(2027 - 01 - 01))).unwrap());
    let (mut replay, mut told) = (Replay::default(), Vec::new());
    for day in 1..=31 {
        let day = Date::from_calendar_date(2026, time::Month::December, day).unwrap();
        let paper = Paper::from(&advisor.assess_facts(&batteries_and_shirts(day), Cause::Closed, TODAY));
        let paper = read(&advisor.assess_facts(&batteries_and_shirts(day), Cause::Closed, TODAY).to_kept()).map(|kept| {
            assert_eq!(kept, paper);
            kept
        });
        let mut one = what_if.replay();
        told.push(one.add(&paper.unwrap(), "502", |_| true).into_iter().map(|(line, _)| line).collect::<Vec<_>>());
        replay.join(one);
    }
    assert!(told.iter().all(|lines| *lines == [2, 4]), "{told:?}");
    let moved: Vec<_> = replay.moves.iter().collect();
    let [(moved, sum)] = moved[..] else { panic!("{moved:?}") };
    assert_eq!((moved.from, moved.to, moved.code.as_str()), (Outcome::ExemptNoInvoice, Outcome::Taxable, "T-CANCELLED"));
    assert_eq!((sum.lines, sum.amount, replay.lines, replay.same), (62, number("3701.40"), 155, 93));
}

#[test]
fn nothing_moves_where_nothing_differs() {
    let advisor = advisor(overridden());
    let returned = Facts { line: 6, returned: Decimal::ONE, ..good() };
    let facts = [batteries_and_shirts(date!(2026 - 12 - 01)), vec![returned]].concat();
    let paper = Paper::from(&advisor.assess_facts(&facts, Cause::Closed, TODAY));
    let mut replay = Arc::new(WhatIf::new(advisor, None).unwrap()).replay();
    assert_eq!(replay.add(&paper, "502", |_| true), Vec::new());
    assert_eq!((replay.lines, replay.same, replay.moved(), replay.split), (7, 7, 0, 0));
}

#[test]
fn a_replay_takes_over_the_override_and_the_sample_library_of_a_paper() {
    let decided = Advisor::new(Library::sample().unwrap(), overridden(), vec![seller()]).unwrap();
    let paper = Paper::from(&decided.assess_facts(&batteries_and_shirts(date!(2026 - 12 - 01)), Cause::Closed, TODAY));
    let bare = Advisor::new(Library::default(), Settings::default(), Vec::new()).unwrap();
    let mut same = Arc::new(WhatIf::new(bare.clone(), None).unwrap()).replay();
    assert_eq!((same.add(&paper, "502", |_| true), same.lines, same.other_library), (Vec::new(), 5, 0));
    // The authority's library, say: what it says counts, and it is told that the papers had another.
    let own = "# version: X\n# covers: 2026-01-01..\ncode,zssl_set,tsl,tsflag,st_date,end_date\n6109100000,13,13,,2026-01-01,\n";
    let own = Library::default().with(Version::parse_csv(own).unwrap());
    let mut other = Arc::new(WhatIf::new(bare.with_library(own), None).unwrap()).replay();
    other.add(&paper, "502", |_| true);
    assert_eq!((other.lines, other.other_library), (5, 5));
}

#[test]
fn a_page_says_everything_in_both_languages() {
    let advisor = advisor(overridden());
    let at = |list| {
        Paper::from(&advisor.assess_facts(
            &[Facts { list, registration: Registration::NotRegistered, ..good() }],
            ListStatus::into(list),
            TODAY,
        ))
    };
    let papers = [at(ListStatus::Declared), at(ListStatus::Closed { on: Some(TODAY) })];
    let heading = Heading { order_no: "O-1<script>".to_owned(), currency: "502".to_owned(), ..Heading::default() };
    let page = Page { heading: &heading, papers: &papers };
    let (zh, en) = (page.text(Language::Zh), page.text(Language::En));
    for said in [
        "无票免税工作底稿",
        "N-LINE-UNREG",
        "财税〔2018〕103号一(一)",
        "+N-LINE-UNREG",
        "−OK-103-PROV",
        NOTICE_ZH,
        "a demonstration",
        "6109100000",
    ] {
        assert!(zh.contains(said), "{said}: {zh}");
    }
    for said in ["Working paper", "Register it with the six values", NOTICE_EN, "purchase contract missing", "to be supplied"] {
        assert!(en.contains(said), "{said}: {en}");
    }
    let html = page.html(Language::Zh);
    assert!(html.contains("O-1&lt;script&gt;") && !html.contains("<script"), "every text is escaped");
    assert_eq!((html.matches("<table").count(), html.matches("</table>").count()), (6, 6));
}

#[test]
fn a_page_of_every_outcome_can_be_made() {
    let advisor = advisor(overridden());
    let facts = [
        good(),
        Facts { line: 2, invoice: InvoiceStatus::Ordinary, ..good() },
        Facts { line: 3, invoice: InvoiceStatus::Special, route: Statistics::Summed, ..good() },
        Facts { line: 4, hs_code: "7607119000".to_owned(), ..good() },
        Facts { line: 5, declared_at: "5110".to_owned(), ..good() },
        Facts { line: 6, invoice: InvoiceStatus::Unknown, ..good() },
    ];
    let papers = [Paper::from(&advisor.assess_facts(&facts, Cause::Closed, TODAY))];
    let heading = Heading::default();
    let text = Page { heading: &heading, papers: &papers }.text(Language::En);
    for outcome in Outcome::ALL {
        assert!(text.contains(outcome.as_str()), "{}", outcome.as_str());
    }
    assert!(text.contains("If own_city") && text.contains("2027-04-30"), "{text}");
}

#[test]
fn a_ledgers_totals_are_the_sum_of_its_lines_and_hold_only_exempt_sales() {
    let advisor = advisor(overridden());
    let facts = [
        Facts { returned: Decimal::ONE, ..good() },
        Facts { line: 2, invoice: InvoiceStatus::Ordinary, hs_code: "3303000020".to_owned(), ..good() },
        Facts { line: 3, invoice: InvoiceStatus::Special, route: Statistics::Summed, ..good() },
        Facts { line: 4, list: ListStatus::Declared, ..good() },
        Facts { line: 5, hs_code: "7607119000".to_owned(), ..good() },
    ];
    let paper = Paper::from(&advisor.assess_facts(&facts, Cause::Closed, TODAY));
    let heading = Heading { inventory_no: "51412026E1".to_owned(), currency: "502".to_owned(), ..Heading::default() };
    let yuan = |_: &str, _: Date| Some(Yuan { rate: number("7.1234"), source: "a table".to_owned() });
    let rows: Vec<_> = paper.lines.iter().map(|line| ledger::Row::of(&heading, line, yuan)).collect();
    let (mut totals, mut quarters) = (ledger::Totals::default(), ledger::Quarters::default());
    let mut add = |row: &ledger::Row| totals.add(&row.currency, row.amount, row.amount_cny);
    rows.iter().filter(|row| row.is_exempt_sale()).for_each(&mut add);
    assert_eq!(rows.iter().filter(|row| quarters.add(row)).count(), 5, "one of six is not released");
    // Two of the three pieces of line 1, and line 2: 39.80 and 59.70, each rounded to the cent in yuan.
    assert_eq!((totals.lines, totals.by_currency["502"], totals.cny), (2, number("99.50"), number("283.51") + number("425.27")));
    let quarter = &quarters.0[&(SELLER.to_owned(), 2026, 4)];
    assert_eq!((quarter.lines, quarter.gross_cny, quarter.deemed_profit()), (1, number("283.51"), number("11.34")));
    assert_eq!((quarter.returned_cny, quarter.other_lines, quarter.refund_lines), (number("141.76"), 3, 1));
    let sale = &rows[0];
    assert_eq!((sale.due, sale.last_day), (Some(date!(2027 - 04 - 30)), Some(date!(2029 - 11 - 11))));
    assert!(sale.legal_basis.contains("103号") && sale.pack.contains("export-2026 2") && !sale.consumption_tax);
    let shown = totals.to_string();
    assert!(shown.contains("2 行 · lines") && shown.contains("502: 99.50; CNY 708.78"), "{shown}");
    let without = ledger::Row::of(&heading, &paper.lines[0], |_, _| None);
    totals.add(&without.currency, without.amount, without.amount_cny);
    assert_eq!((totals.without_rate, totals.cny), (1, number("708.78")), "a line without a rate is counted, not guessed");
}

#[test]
fn a_rate_of_exchange_is_kept_with_the_decision() {
    let table = |rate: &str| {
        let rows = format!("currency,rate,from,until,source\nUSD,{rate},2026-11-01,2026-11-30,a table\n");
        advisor(overridden()).with_rates(Rates::read(&rows).unwrap())
    };
    let kept = table("7.1").assess_facts(&[good()], Cause::Closed, TODAY).to_kept();
    let paper = read(&kept).unwrap();
    let row = |paper: &Paper, other| ledger::Row::of(&Heading::default(), &paper.lines[0], |_, _| other);
    let other = Some(Yuan { rate: number("9"), source: "another".to_owned() });
    let made = row(&paper, other.clone());
    assert_eq!((made.currency.as_str(), made.rate, made.rate_source.as_str()), ("502", Some(number("7.1")), "a table"));
    assert_eq!(made.amount_cny, Some(number("423.87")), "59.70 at 7.1");
    let unknown = advisor(overridden()).assess_facts(&[good()], Cause::Closed, TODAY).to_kept();
    assert_eq!(row(&read(&unknown).unwrap(), other).rate, Some(number("9")), "what is not kept is asked for");
    let yuan = Facts { currency: "142".to_owned(), ..good() };
    let yuan = advisor(overridden()).assess_facts(&[yuan], Cause::Closed, TODAY);
    assert_eq!(row(&Paper::from(&yuan), None).amount_cny, Some(number("59.70")), "a yuan needs no table");
}

#[test]
fn what_an_agent_exported_is_summed_by_whom_it_was_for() {
    let advisor = advisor(overridden());
    let facts = [
        Facts { seller_named: SellerNamed::AsOwner, ..good() },
        Facts { line: 2, seller_named: SellerNamed::AsOwner, ..good() },
        Facts { line: 3, seller_named: SellerNamed::Nowhere, seller: None, ..good() },
        Facts { line: 4, ..good() },
    ];
    let paper = Paper::from(&advisor.assess_facts(&facts, Cause::Closed, TODAY));
    let heading = Heading {
        seller: "AGENT".into(),
        seller_name: "代理".into(),
        owner: SELLER.into(),
        owner_name: "卖家".into(),
        ..Heading::default()
    };
    let mut agencies = ledger::Agencies::default();
    let yuan = |_: &str, _: Date| Some(Yuan { rate: number("7"), source: "a table".to_owned() });
    let taken = paper.lines.iter().filter(|line| agencies.add(&ledger::Row::of(&heading, line, yuan))).count();
    assert_eq!(taken, 3, "what a seller exports itself is not an agent's");
    let of = |principal: &str| &agencies.sums[&("AGENT".to_owned(), principal.to_owned(), 2026, 4, "502".to_owned())];
    let named = of(SELLER);
    assert_eq!((named.agent_name.as_str(), named.principal_name.as_str()), ("代理", "卖家"));
    assert_eq!((named.lists, named.lines, named.amount, named.amount_cny), (1, 2, number("119.40"), number("835.80")));
    assert_eq!((of("").lines, agencies.unnamed.len()), (1, 1), "who is not named is told");
}
