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
    let (mut replay, mut told) = (Replay::default(), Vec::new());
    for day in 1..=31 {
        let day = Date::from_calendar_date(2026, time::Month::December, day).unwrap();
        let paper = Paper::from(&advisor.assess_facts(&batteries_and_shirts(day), Cause::Closed, TODAY));
        let paper = read(&advisor.assess_facts(&batteries_and_shirts(day), Cause::Closed, TODAY).to_kept()).map(|kept| {
            assert_eq!(kept, paper);
            kept
        });
        told.push(replay.add(&advisor, &paper.unwrap(), "502", Some(date!(2027 - 01 - 01))));
    }
    assert!(told.iter().all(|lines| *lines == [2, 4]), "{told:?}");
    let moved: Vec<_> = replay.moves.iter().collect();
    let [(moved, sum)] = moved[..] else { panic!("{moved:?}") };
    assert_eq!((moved.from, moved.to, moved.code.as_str()), (Outcome::ExemptNoInvoice, Outcome::Taxable, "T-CANCELLED"));
    assert_eq!((sum.lines, sum.amount, replay.lines, replay.same), (62, number("3701.40"), 155, 93));
}

#[test]
fn nothing_moves_where_nothing_differs() {
    let (advisor, mut replay) = (advisor(overridden()), Replay::default());
    let returned = Facts { line: 6, returned: Decimal::ONE, ..good() };
    let facts = [batteries_and_shirts(date!(2026 - 12 - 01)), vec![returned]].concat();
    let paper = Paper::from(&advisor.assess_facts(&facts, Cause::Closed, TODAY));
    assert_eq!(replay.add(&advisor, &paper, "502", None), Vec::<u32>::new());
    assert_eq!((replay.lines, replay.same, replay.moved(), replay.split), (7, 7, 0, 0));
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
    let yuan = || Some(ledger::Yuan { rate: number("7.1234"), source: "a table".to_owned() });
    let rows: Vec<_> = paper.lines.iter().map(|line| ledger::Row::of(&heading, line, yuan())).collect();
    let (mut totals, mut quarters) = (ledger::Totals::default(), ledger::Quarters::default());
    rows.iter().filter(|row| row.is_exempt_sale()).for_each(|row| totals.add(row));
    rows.iter().for_each(|row| quarters.add(row));
    // Two of the three pieces of line 1, and line 2: 39.80 and 59.70, each rounded to the cent in yuan.
    assert_eq!((totals.lines, totals.by_currency["502"], totals.cny), (2, number("99.50"), number("283.51") + number("425.27")));
    let quarter = &quarters.0[&(SELLER.to_owned(), 2026, 4)];
    assert_eq!((quarter.lines, quarter.gross_cny, quarter.deemed_profit()), (1, number("283.51"), number("11.34")));
    assert_eq!((quarter.returned_cny, quarter.other_lines, quarter.refund_lines), (number("141.76"), 3, 1));
    let sale = &rows[0];
    assert_eq!((sale.due, sale.last_day), (Some(date!(2027 - 04 - 30)), Some(date!(2029 - 11 - 11))));
    assert!(sale.legal_basis.contains("103号") && sale.pack.contains("export-2026 2") && !sale.consumption_tax);
    let without = ledger::Row::of(&heading, &paper.lines[0], None);
    totals.add(&without);
    assert_eq!((totals.without_rate, totals.cny), (1, number("708.78")), "a line without a rate is counted, not guessed");
}
