//! The export refund rate library (出口退税率文库, CMCODE) by version and date, and the screening list for when there is none.
//!
//! The library has codes of 8, 10 and more digits. A line's code of 10 digits finds the rows of its longest prefix, and beside them the
//! longer codes under it; if their flags differ, the goods are not settled.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::Date;

use super::{
    decision::LibraryUsed,
    pack::hexadecimal,
    table::{DataError, Span, rows, span},
};

const SAMPLE: &str = include_str!("sample_library.tsv");
const SEED: &str = include_str!("cancelled_seed.tsv");
const TABLE: &str = "rate library";
/// The authority's library has about 12,000 codes and 40,000 rows with its history.
const MOST_ROWS: usize = 500_000;
const COLUMNS: [&str; 6] = ["code", "zssl_set", "tsl", "tsflag", "st_date", "end_date"];

/// 特殊商品标识 (TSFLAG): 0 where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Flag(pub u8);

impl Flag {
    /// 1: no refund and no exemption; taxed as a domestic sale.
    pub const TAXED: Self = Self(1);
    /// 2: exempt.
    pub const EXEMPT: Self = Self(2);
}

/// One row of the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// 8 digits or more.
    pub code: Box<str>,
    /// 征税率 (ZSSL_SET), per cent.
    pub vat: Decimal,
    /// 退税率 (TSL), per cent.
    pub refund: Decimal,
    /// 特殊商品标识.
    pub flag: Flag,
    /// The days it holds for.
    pub span: Span,
}

/// One version of the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its name (`2026B`), what kind it is for people (the sample says so here), and its digest.
    pub used: Arc<LibraryUsed>,
    /// The export dates it speaks for.
    pub covers: Span,
    /// Sorted by code, then by first day.
    rates: Vec<Rate>,
}

impl Version {
    /// Reads comma-separated text. Comment lines before the header name the version: `# version: 2026B`, `# label: …`,
    /// `# covers: 2026-01-01..2026-12-31` (either end may be left out).
    ///
    /// # Errors
    /// If a row is not of that form, with its line.
    pub fn parse_csv(text: &str) -> Result<Self, DataError> {
        Self::parse(text, b',')
    }

    /// Reads tab-separated text of the same form.
    ///
    /// # Errors
    /// If a row is not of that form, with its line.
    pub fn parse_tsv(text: &str) -> Result<Self, DataError> {
        Self::parse(text, b'\t')
    }

    fn parse(text: &str, delimiter: u8) -> Result<Self, DataError> {
        let text = text.trim_start_matches('\u{feff}');
        let (name, label, covers) = headed(text)?;
        let mut reader =
            csv::ReaderBuilder::new().delimiter(delimiter).comment(Some(b'#')).trim(csv::Trim::All).from_reader(text.as_bytes());
        let headers = reader.headers().map_err(|error| broken(&error))?;
        let place = |column: &str| {
            let found = headers.iter().position(|header| header.eq_ignore_ascii_case(column));
            found.ok_or_else(|| DataError::new(TABLE, 0, format!("column {column} is missing")))
        };
        let places =
            [place(COLUMNS[0])?, place(COLUMNS[1])?, place(COLUMNS[2])?, place(COLUMNS[3])?, place(COLUMNS[4])?, place(COLUMNS[5])?];
        let mut rates = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| broken(&error))?;
            if rates.len() == MOST_ROWS {
                return Err(DataError::new(TABLE, 0, format!("more than {MOST_ROWS} rows")));
            }
            let line = record.position().map_or(0, |at| usize::try_from(at.line()).unwrap_or(0));
            rates.push(rate(line, places.map(|place| record.get(place).unwrap_or_default()))?);
        }
        if rates.is_empty() {
            return Err(DataError::new(TABLE, 0, "there are no rows"));
        }
        rates.sort_by(|a, b| a.code.cmp(&b.code).then(a.span.from.cmp(&b.span.from)));
        let digest = hexadecimal(&Sha256::digest(text.as_bytes())[..16]);
        Ok(Self { used: Arc::new(LibraryUsed { version: name, label, digest }), covers, rates })
    }

    fn find(&self, hs_code: &str, day: Date) -> Lookup<'_> {
        let prefixes = (8..=hs_code.len()).rev().filter_map(|length| hs_code.get(..length));
        let mut found = prefixes.map(|prefix| self.exactly(prefix, day)).find(|found| !found.is_empty()).unwrap_or_default();
        found.extend(self.under(hs_code).iter().filter(|rate| rate.code.len() > hs_code.len() && rate.span.holds(day)));
        match found.first() {
            None => Lookup::Absent(self),
            Some(first) if found.iter().any(|rate| rate.flag != first.flag) => Lookup::Ambiguous(self),
            Some(first) => Lookup::Found(self, first),
        }
    }

    /// The rows of exactly this code that hold on the day, the newest first: where two of one flag overlap, it gives the rates.
    fn exactly(&self, code: &str, day: Date) -> Vec<&Rate> {
        self.under(code).iter().rev().filter(|rate| &*rate.code == code && rate.span.holds(day)).collect()
    }

    /// The rows of this code and of longer ones under it.
    fn under(&self, code: &str) -> &[Rate] {
        let start = self.rates.partition_point(|rate| &*rate.code < code);
        let rest = self.rates.get(start..).unwrap_or_default();
        rest.get(..rest.partition_point(|rate| rate.code.starts_with(code))).unwrap_or_default()
    }
}

fn broken(error: &csv::Error) -> DataError {
    let line = error.position().map_or(0, |at| usize::try_from(at.line()).unwrap_or(0));
    DataError::new(TABLE, line, error.to_string())
}

fn headed(text: &str) -> Result<(String, String, Span), DataError> {
    let said = |key: &str| {
        let comments = text.lines().take_while(|line| line.starts_with('#'));
        comments.filter_map(|line| line.trim_start_matches('#').trim().strip_prefix(key)).map(str::trim).next()
    };
    let name = said("version:").filter(|name| !name.is_empty()).ok_or_else(|| DataError::new(TABLE, 0, "`# version:` is missing"))?;
    let covers = said("covers:").and_then(|covers| covers.split_once(".."));
    let (from, to) = covers.ok_or_else(|| DataError::new(TABLE, 0, "`# covers: from..to` is missing"))?;
    Ok((name.to_owned(), said("label:").unwrap_or_default().to_owned(), span(TABLE, 0, from.trim(), to.trim())?))
}

fn rate(line: usize, cells: [&str; 6]) -> Result<Rate, DataError> {
    let [code, vat, refund, flag, from, to] = cells;
    if !(8..=20).contains(&code.len()) || !code.bytes().all(|b| b.is_ascii_digit()) {
        return Err(DataError::new(TABLE, line, "a code of 8 to 20 digits is expected"));
    }
    let percent = |cell: &str| {
        let rate = cell.parse::<Decimal>().ok().filter(|rate| (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(rate));
        rate.ok_or_else(|| DataError::new(TABLE, line, "a rate of 0 to 100 per cent is expected"))
    };
    let flag = if flag.is_empty() { Ok(0) } else { flag.parse::<u8>() };
    let flag = flag.map_err(|_| DataError::new(TABLE, line, "a flag is a small number or nothing"))?;
    Ok(Rate { code: code.into(), vat: percent(vat)?, refund: percent(refund)?, flag: Flag(flag), span: span(TABLE, line, from, to)? })
}

/// What the library says of a code on a day.
#[derive(Debug, Clone, Copy)]
pub enum Lookup<'a> {
    /// No version covers the day.
    NotCovered,
    /// A version covers it and has no such code.
    Absent(&'a Version),
    /// Rows of differing flags.
    Ambiguous(&'a Version),
    /// One answer.
    Found(&'a Version, &'a Rate),
}

impl<'a> Lookup<'a> {
    /// The version that answered.
    #[must_use]
    pub const fn version(&self) -> Option<&'a Version> {
        match self {
            Self::NotCovered => None,
            Self::Absent(version) | Self::Ambiguous(version) | Self::Found(version, _) => Some(version),
        }
    }

    /// The row that answered.
    #[must_use]
    pub const fn rate(&self) -> Option<&'a Rate> {
        if let Self::Found(_, rate) = self { Some(rate) } else { None }
    }
}

/// All versions that are loaded; of those that cover a day the one added last answers.
#[derive(Debug, Clone, Default)]
pub struct Library {
    versions: Vec<Version>,
}

impl Library {
    /// The shipped sample: made up, labelled so, for demonstrations and tests.
    ///
    /// # Errors
    /// If the shipped table is broken.
    pub fn sample() -> Result<Self, DataError> {
        Ok(Self { versions: vec![Version::parse_tsv(SAMPLE)?] })
    }

    /// Adds a version.
    #[must_use]
    pub fn with(mut self, version: Version) -> Self {
        self.versions.push(version);
        self
    }

    /// What is loaded.
    #[must_use]
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// What is known of a code of 10 digits on an export date.
    #[must_use]
    pub fn find(&self, hs_code: &str, day: Date) -> Lookup<'_> {
        self.versions
            .iter()
            .rev()
            .find(|version| version.covers.holds(day))
            .map_or(Lookup::NotCovered, |version| version.find(hs_code, day))
    }
}

/// One row of the screening list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Digits with which a code begins.
    pub prefix: String,
    /// The export dates it speaks of.
    pub span: Span,
    /// How it matches: PARTIAL, EXACT, CONFLICT, FLAG2/50%RULE.
    pub matches: String,
    /// The document it comes from.
    pub document: String,
    /// The goods.
    pub goods: String,
}

/// The screening list of goods whose refund or exemption may have been cancelled: a hit only ever leads to review.
#[derive(Debug, Clone, Default)]
pub struct Seed(Vec<Arc<Hint>>);

impl Seed {
    /// The shipped one.
    ///
    /// # Errors
    /// If the shipped table is broken.
    pub fn shipped() -> Result<Self, DataError> {
        const TABLE: &str = "screening list";
        let mut hints = Vec::new();
        for row in rows(TABLE, ["hs_prefix", "from", "to", "match", "document", "goods", "confidence"], SEED)? {
            let [prefix, from, to, matches, document, goods, _] = row.cells;
            let span = span(TABLE, row.line, from, to)?;
            let [prefix, matches, document, goods] = [prefix, matches, document, goods].map(str::to_owned);
            hints.push(Arc::new(Hint { prefix, span, matches, document, goods }));
        }
        Ok(Self(hints))
    }

    /// The longest row that a code begins with, on an export date.
    #[must_use]
    pub fn find(&self, hs_code: &str, day: Date) -> Option<&Arc<Hint>> {
        let hits = self.0.iter().filter(|hint| hint.span.holds(day) && hs_code.starts_with(&hint.prefix));
        hits.max_by_key(|hint| hint.prefix.len())
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    const DAY: Date = date!(2026 - 11 - 23);
    const HEAD: &str = "# version: T\n# covers: 2026-01-01..2026-12-31\ncode,zssl_set,tsl,tsflag,st_date,end_date\n";

    fn library(rows: &str) -> Library {
        Library::default().with(Version::parse_csv(&format!("{HEAD}{rows}")).unwrap())
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
}
