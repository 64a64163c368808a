use proptest::prelude::*;
use time::macros::date;

use super::*;

const HEAD: &str = "currency,rate,from,until,source\n";

fn told(text: &str) -> Vec<(u64, String)> {
    Rates::read(text).unwrap_err().list().iter().map(|fault| (fault.line, fault.en.clone())).collect()
}

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn the_shipped_tables_have_no_fault() {
    let limits = Limits::read(SHIPPED).unwrap();
    assert_eq!(limits, Limits::default());
    for limit in Limit::ALL {
        assert_eq!(limits.on(limit, date!(2026 - 11 - 23)), Some(Decimal::from(5_000)), "{limit:?}");
        assert_eq!(limits.on(limit, date!(2018 - 12 - 09)), None, "{limit:?}");
    }
    assert_eq!(Rates::read(SAMPLE).unwrap().len(), 5);
    assert!(SAMPLE.lines().skip(2).all(|line| line.contains("虚构")), "a sample says what it is");
}

#[test]
fn a_rate_holds_from_its_first_day_to_its_last() {
    let rates = Rates::read(&format!(
        "{HEAD}USD,7.1,2026-11-01,2026-11-30,海关\n502,7.2,20261201,20261231,海关\n# next\nEUR,8.2,2026-11-01,2026-11-30,海关\n"
    ))
    .unwrap();
    assert_eq!(rates.on("502", date!(2026 - 10 - 31)), None);
    assert_eq!(rates.on("502", date!(2026 - 11 - 01)), Some(number("7.1")));
    assert_eq!(rates.on("502", date!(2026 - 11 - 30)), Some(number("7.1")));
    assert_eq!(rates.on("502", date!(2026 - 12 - 01)), Some(number("7.2")));
    assert_eq!(rates.on("502", date!(2027 - 01 - 01)), None);
    assert_eq!(rates.on("300", date!(2026 - 11 - 15)), Some(number("8.2")));
    assert_eq!(rates.on("303", date!(2026 - 11 - 15)), None);
    assert_eq!(Rates::default().on("142", date!(1999 - 01 - 01)), Some(Decimal::ONE), "a yuan is a yuan");
}

#[test]
fn columns_are_found_by_name() {
    let rates = Rates::read("\u{feff}Source,Until,From,Rate,Currency\n海关,2026-11-30,2026-11-01,0.047,JPY\n").unwrap();
    assert_eq!(rates.on("116", date!(2026 - 11 - 23)), Some(number("0.047")));
    assert_eq!(told("currency,rate,from,until\n").len(), 1);
    assert_eq!(told("currency,rate,from,until,source,source\n").len(), 2);
    assert_eq!(told("").len(), 5, "every column is missing");
    assert_eq!(told(HEAD), [(0, "there are no rows".to_owned())]);
}

#[test]
fn every_fault_is_told_with_its_line() {
    let text = format!(
        "{HEAD}USD,7.1,2026-11-01,2026-11-30,a\nUSD,7.2,2026-11-30,2026-12-31,a\nXXX,1,2026-11-01,2026-11-30,a\nCNY,1,2026-11-01,2026-11-30,a\n\
         EUR,0,2026-11-01,2026-11-30,a\nEUR,-1,,soon,\nEUR,1e3,2026-11-02,2026-11-01,a\nJPY,1\n\nGBP,9.123456789,2026-02-29,2026-03-01,a\n"
    );
    let told = told(&text);
    let lines: Vec<_> = told.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [3, 4, 5, 6, 7, 7, 7, 7, 8, 8, 9, 11, 11], "{told:#?}");
    assert!(told[0].1.contains("overlap those of line 2"), "{told:#?}");
    let shown = Rates::read(&text).unwrap_err().to_string();
    assert!(shown.contains("第3行") && shown.contains("line 11: ") && shown.lines().count() == lines.len(), "{shown}");
}

#[test]
fn faults_and_sizes_are_bounded() {
    let many = format!("{HEAD}{}", "X,X,X,X,\n".repeat(1_000));
    let faults = Rates::read(&many).unwrap_err();
    assert!(faults.list().len() == 100 && faults.to_string().ends_with("and 4900 more"), "{faults}");
    assert!(told(&"a".repeat(MOST_BYTES + 1))[0].1.contains("too large"));
}

#[test]
fn limits_have_names_that_are_known() {
    let limits = Limits::read(
        "name,value,from,until,source\nsimplified_parcel_cny,8000.5,2027-01-01,,x\nsimplified_parcel_cny,5000,,2026-12-31,x\n",
    )
    .unwrap();
    assert_eq!(limits.on(Limit::SimplifiedParcel, date!(2026 - 12 - 31)), Some(Decimal::from(5_000)));
    assert_eq!(limits.on(Limit::SimplifiedParcel, date!(2027 - 01 - 01)), Some(number("8000.5")));
    assert_eq!(limits.on(Limit::BusinessParcel, date!(2027 - 01 - 01)), None);
    assert_eq!(Limits::read("name,value,from,until,source\nparcel,1,,,x\n").unwrap_err().list()[0].line, 2);
    assert!(
        Limits::read("name,value,from,until,source\nbusiness_parcel_cny,1,,,x\nbusiness_parcel_cny,2,2030-01-01,,x\n").is_err(),
        "overlap"
    );
}

#[test]
fn worth_is_compared_without_rounding() {
    let over = |amount, rate, limit| is_over(number(amount), number(rate), number(limit));
    assert!(!over("5000", "1", "5000") && over("5000.00001", "1", "5000"));
    assert!(!over("704.22535", "7.1", "5000") && over("704.22536", "7.1", "5000"));
    assert!(!over("5000.5", "1", "5000.50") && over("5001", "1", "5000.5"));
    assert!(over("0.00002", "1.00000001", "0.00002"));
    assert!(over("99999999999999.99999", "99999999.99999999", "99999999999999.99999"), "the largest of all");
    assert!(!over("0.00001", "0.00000001", "0.00001"), "the smallest of all");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_table_makes_it_panic(text: String, rows in prop::collection::vec("[A-Z0-9]{0,4},[-0-9.e]{0,9},[0-9-]{0,10},[0-9-]{0,10},.{0,3}", 0..6)) {
        let _ = Rates::read(&text);
        let _ = Limits::read(&text);
        let _ = Rates::read(&format!("{HEAD}{}", rows.join("\n")));
    }
}
