//! The authority's files, made here by the rules of their form, whole and broken.

use encoding_rs::GB18030;
use time::macros::date;

use super::*;

const DAY: Date = date!(2026 - 11 - 23);
const HEAD: &str = "# version: T\n# covers: 2026-01-01..2026-12-31\ncode,zssl_set,tsl,tsflag,st_date,end_date\n";

fn library(rows: &str) -> Library {
    Library::default().with(Version::parse_csv(&format!("{HEAD}{rows}")).unwrap())
}

/// One row: code, name, VAT, refund, flag, first day, last day.
type Row<'a> = [&'a str; 7];

const ROWS: [Row<'static>; 3] = [
    ["6109100000", "棉制针织T恤衫", "13", "13", "", "20260101", ""],
    ["8507600090", "锂离子蓄电池，鎔䶮𠮷", "13", "6", "0", "20260401", "20261231"],
    ["8507600090", "锂离子蓄电池", "13", "0", "1", "20270101", ""],
];
const ABOUT: (&str, &str) = ("2026X", "测试");

fn gb(text: &str) -> Vec<u8> {
    GB18030.encode(text).0.into_owned()
}

/// A table of Visual FoxPro with its memo file: the header, the names in blocks of 64 bytes, the records one after the other.
fn made(rows: &[Row<'_>], visual: bool) -> (Vec<u8>, Vec<u8>) {
    let memo_length = if visual { 4 } else { 10 };
    let fields: [(&str, u8, u8); 9] = [
        ("CODE", b'C', 12),
        ("NAME", b'M', memo_length),
        ("UNIT", b'C', 6),
        ("DWCODE", b'C', 3),
        ("ZSSL_SET", b'C', 10),
        ("TSL", b'N', 6),
        ("TSFLAG", b'C', 1),
        ("ST_DATE", b'D', 8),
        ("END_DATE", b'D', 8),
    ];
    let length = 1 + fields.iter().map(|(_, _, length)| u16::from(*length)).sum::<u16>();
    let start = u16::try_from(32 + 32 * fields.len() + 1 + if visual { 263 } else { 0 }).unwrap();
    let mut dbf = vec![if visual { 0x30 } else { 0xF5 }, 126, 6, 9];
    dbf.extend(u32::try_from(rows.len()).unwrap().to_le_bytes());
    dbf.extend(start.to_le_bytes());
    dbf.extend(length.to_le_bytes());
    dbf.resize(32, 0);
    for (name, kind, length) in fields {
        let begin = dbf.len();
        dbf.extend(name.bytes());
        dbf.resize(begin + 11, 0);
        dbf.extend([kind, 0, 0, 0, 0, length]);
        dbf.resize(begin + 32, 0);
    }
    dbf.push(0x0D);
    dbf.resize(usize::from(start), 0);
    let mut memo = vec![0; 512];
    memo[6..8].copy_from_slice(&64_u16.to_be_bytes());
    for [code, name, vat, refund, flag, from, to] in rows {
        let block = u32::try_from(memo.len() / 64).unwrap();
        let name = gb(name);
        memo.extend(1_u32.to_be_bytes());
        memo.extend(u32::try_from(name.len()).unwrap().to_be_bytes());
        memo.extend(&name);
        memo.resize(memo.len().next_multiple_of(64), 0);
        dbf.push(b' ');
        dbf.extend(format!("{code:<12}").bytes());
        dbf.extend(if visual { block.to_le_bytes().to_vec() } else { format!("{block:>10}").into_bytes() });
        dbf.extend(gb("千克  "));
        dbf.extend(b"035");
        dbf.extend(format!("{vat:<10}{refund:>6}{flag:<1}{from:<8}{to:<8}").bytes());
    }
    dbf.push(0x1A);
    (dbf, memo)
}

fn about() -> official::About {
    let covers = Span { from: Some(date!(2026 - 01 - 01)), to: None };
    official::About { version: ABOUT.0.to_owned(), label: ABOUT.1.to_owned(), covers }
}

fn faults(dbf: &[u8], memo: Option<&[u8]>) -> Vec<String> {
    official::convert(dbf, memo, &about()).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn the_authoritys_tables_are_read_with_their_memo_texts() {
    for visual in [true, false] {
        let (dbf, memo) = made(&ROWS, visual);
        let text = official::convert(&dbf, Some(&memo), &about()).unwrap();
        assert!(text.contains("锂离子蓄电池，鎔䶮𠮷") && text.contains("千克"), "{text}");
        let library = Library::default().with(Version::parse_csv(&text).unwrap());
        let flag = |day| library.find("8507600090", day).rate().map(|rate| (rate.flag.0, rate.refund.to_string()));
        assert_eq!(flag(date!(2026 - 12 - 31)), Some((0, "6".to_owned())));
        assert_eq!(flag(date!(2027 - 01 - 01)), Some((1, "0".to_owned())));
        assert_eq!(library.versions()[0].used.version, "2026X");
    }
}

#[test]
fn a_deleted_record_does_not_count() {
    let (mut dbf, memo) = made(&ROWS, true);
    let length = usize::from(u16::from_le_bytes([dbf[10], dbf[11]]));
    let at = dbf.len() - 1 - length;
    dbf[at] = b'*';
    assert_eq!(official::convert(&dbf, Some(&memo), &about()).unwrap().lines().count(), 6);
}

#[test]
fn broken_files_are_refused_with_the_record() {
    let (dbf, memo) = made(&ROWS, true);
    for cut in [0, 1, 3, 9, 31, 33, 100, 400, dbf.len() - 40] {
        assert_eq!(faults(&dbf[..cut], Some(&memo)).len(), 1, "cut to {cut}");
    }
    assert!(faults(&dbf, None)[0].contains("FPT"), "{:?}", faults(&dbf, None));
    assert_eq!(faults(&dbf, Some(&memo[..520])).len(), 3, "every record whose memo is lost is named");
    assert!(faults(b"\x89PNG\r\n\x1a\n", None)[0].contains("0x89"));
    let mut wrong = memo.clone();
    wrong[520] = 0xFF;
    assert!(faults(&dbf, Some(&wrong))[0].contains("line 1: name"), "{:?}", faults(&dbf, Some(&wrong)));
    let bad_day = made(&[["6109100000", "衫", "13", "13", "", "20261301", ""]], true);
    assert!(faults(&bad_day.0, Some(&bad_day.1))[0].contains("st_date"));
    let bad_rate = made(&[["6109100000", "衫", "13", "130", "", "20260101", ""]], true);
    assert!(faults(&bad_rate.0, Some(&bad_rate.1))[0].contains("per cent"));
    let many = made(
        &[
            ["6109100000", "衫", "13", "130", "", "20260101", ""],
            ["61", "衫", "13", "13", "", "20260101", ""],
            ["6109100000", "衫", "13", "13", "", "20261301", ""],
        ],
        true,
    );
    let told = faults(&many.0, Some(&many.1));
    assert!(told.len() == 3 && told.iter().zip(1..).all(|(fault, line)| fault.contains(&format!("line {line}"))), "all at once: {told:?}");
    let mut fields = dbf.clone();
    fields[32] = b'X';
    assert!(faults(&fields, Some(&memo))[0].contains("no field CODE"));
}

#[test]
fn any_bytes_are_answered() {
    let (dbf, memo) = made(&ROWS, true);
    for at in 0..dbf.len() {
        for value in [0, 0x0D, 0x7F, 0xFF] {
            let mut spoiled = dbf.clone();
            spoiled[at] = value;
            drop(official::convert(&spoiled, Some(&memo), &about()));
        }
    }
    for at in 0..memo.len() {
        let mut spoiled = memo.clone();
        spoiled[at] = 0xFF;
        drop(official::convert(&dbf, Some(&spoiled), &about()));
    }
}

#[test]
fn rows_that_begin_on_one_day_and_differ_are_refused() {
    let head = "# version: T\n# covers: 2026-01-01..2026-12-31\ncode,zssl_set,tsl,tsflag,st_date,end_date\n";
    let fails = |rows: &str| Version::parse_csv(&format!("{head}{rows}")).map(|_| ()).map_err(|error| error.line);
    assert_eq!(fails("6109100000,13,13,,2026-01-01,\n6109100000,13,9,,2026-01-01,\n"), Err(5));
    assert_eq!(fails("6109100000,13,13,,2026-01-01,2026-06-30\n6109100000,13,9,,2026-07-01,\n"), Ok(()));
    assert_eq!(fails("6109100000,13,13,,2026-01-01,\n6109100000,13,13,,2026-01-01,\n"), Ok(()), "the same row twice says one thing");
}

#[test]
fn the_sample_answers_by_date_and_says_that_it_is_one() {
    let sample = Library::sample().unwrap();
    assert!(sample.versions()[0].used.label.contains("示例"));
    let flag = |code, day| sample.find(code, day).rate().map(|rate| rate.flag.0);
    assert_eq!(flag("6109100000", DAY), Some(0));
    assert_eq!(flag("8507600090", date!(2026 - 12 - 31)), Some(0));
    assert_eq!(flag("8507600090", date!(2027 - 01 - 01)), Some(1));
    assert!(matches!(sample.find("7615109000", DAY), Lookup::Ambiguous(_)));
    assert!(matches!(sample.find("0101210010", DAY), Lookup::Absent(_)));
    assert!(matches!(sample.find("6109100000", date!(2025 - 12 - 31)), Lookup::NotCovered));
}

#[test]
fn the_longest_prefix_wins_and_siblings_do_not_count() {
    let library = library("71159010,13,0,2,,\n7115901010,13,0,1,,\n");
    assert_eq!(library.find("7115901090", DAY).rate().unwrap().flag, Flag::EXEMPT);
    assert_eq!(library.find("7115901010", DAY).rate().unwrap().flag, Flag::TAXED);
}

#[test]
fn longer_codes_below_make_it_ambiguous_only_if_flags_differ() {
    let differing = library("71159010,13,0,2,,\n71159010902,13,0,1,,\n");
    assert!(matches!(differing.find("7115901090", DAY), Lookup::Ambiguous(_)));
    let past = library("71159010,13,0,2,,\n71159010902,13,0,1,,2026-11-22\n");
    assert!(matches!(past.find("7115901090", DAY), Lookup::Found(..)), "a row that ended yesterday does not count");
    let agreeing = library("71159010901,13,0,1,,\n71159010902,13,0,1,,\n");
    assert_eq!(agreeing.find("7115901090", DAY).rate().unwrap().flag, Flag::TAXED);
}

#[test]
fn the_newest_version_that_covers_the_day_answers() {
    let newer = HEAD.replace("version: T", "version: U").replace("2026-01-01", "2026-06-01") + "6109100000,13,0,1,,\n";
    let both = library("6109100000,13,13,,,\n").with(Version::parse_csv(&newer).unwrap());
    assert_eq!(both.find("6109100000", DAY).version().unwrap().used.version, "U");
    assert_eq!(both.find("6109100000", date!(2026 - 03 - 01)).version().unwrap().used.version, "T");
}

#[test]
fn broken_libraries_are_refused_with_the_line() {
    let fails = |text: &str| Version::parse_csv(text).unwrap_err().line;
    assert_eq!(fails(&format!("{HEAD}6109100000,13,13,,,\n6109,13,13,,,\n")), 5);
    assert_eq!(fails(&format!("{HEAD}6109100000,13,130,,,\n")), 4);
    assert_eq!(fails(&format!("{HEAD}6109100000,13,13,x,,\n")), 4);
    assert_eq!(fails(&format!("{HEAD}6109100000,13,13,,2026-13-01,\n")), 4);
    assert_eq!(fails(&format!("{HEAD}6109100000,13\n")), 4);
    assert_eq!(fails(HEAD), 0);
    assert_eq!(fails("code,zssl_set\n"), 0);
    assert!(Version::parse_tsv(HEAD).is_err(), "the wrong delimiter");
}

#[test]
fn the_screening_list_knows_its_dates() {
    let seed = Seed::shipped().unwrap();
    assert!(seed.find("8507600090", date!(2026 - 12 - 31)).is_none());
    assert!(seed.find("8507600090", date!(2027 - 01 - 01)).is_some());
    assert_eq!(seed.find("7304110000", DAY).unwrap().prefix, "7304", "the longest");
    assert!(seed.find("6109100000", DAY).is_none());
}
