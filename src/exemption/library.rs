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
    table::{DataError, Span, rows, span},
};

mod dbf;
pub mod official;
#[cfg(test)]
mod tests;

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
    rates: Vec<Arc<Rate>>,
    /// The first eight digits of each as a number: one search in these finds all rows that a code can have.
    heads: Vec<u32>,
}

impl Version {
    /// How many rates it has.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rates.len()
    }

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
            found.ok_or_else(|| DataError::new(TABLE, 0, format!("缺少列 {column} · column {column} is missing")))
        };
        let places =
            [place(COLUMNS[0])?, place(COLUMNS[1])?, place(COLUMNS[2])?, place(COLUMNS[3])?, place(COLUMNS[4])?, place(COLUMNS[5])?];
        let mut rates: Vec<(usize, Arc<Rate>)> = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| broken(&error))?;
            if rates.len() == MOST_ROWS {
                return Err(DataError::new(TABLE, 0, format!("超过 {MOST_ROWS} 行 · more than {MOST_ROWS} rows")));
            }
            let line = record.position().map_or(0, |at| usize::try_from(at.line()).unwrap_or(0));
            rates.push((line, Arc::new(rate(line, places.map(|place| record.get(place).unwrap_or_default()))?)));
        }
        if rates.is_empty() {
            return Err(DataError::new(TABLE, 0, "没有数据行 · there are no rows"));
        }
        rates.sort_by(|(_, a), (_, b)| a.code.cmp(&b.code).then(a.span.from.cmp(&b.span.from)));
        let contradicts = |pair: &&[(usize, Arc<Rate>)]| match pair {
            [(_, a), (_, b)] => a.code == b.code && a.span.from == b.span.from && a != b && a.flag == b.flag,
            _ => false,
        };
        if let Some([(a, _), (b, _)]) = rates.windows(2).find(contradicts) {
            let (first, second) = (a.min(b), a.max(b));
            return Err(DataError::new(
                TABLE,
                *second,
                format!("与第 {first} 行同日开始而内容不同 · it begins on the day of line {first} and says something else"),
            ));
        }
        let rates: Vec<_> = rates.into_iter().map(|(_, rate)| rate).collect();
        let heads = rates.iter().map(|rate| head(&rate.code)).collect();
        let digest = hex::encode(&Sha256::digest(text.as_bytes())[..16]);
        Ok(Self { used: Arc::new(LibraryUsed { version: name, label, digest }), covers, rates, heads })
    }

    fn find(&self, hs_code: &str, day: Date) -> Lookup<'_> {
        let near = self.near(hs_code);
        let of_length = |length: usize| {
            let rates = near.iter().rev();
            rates.filter(move |rate| rate.code.len() == length && hs_code.starts_with(&*rate.code) && rate.span.holds(day))
        };
        // The newest first: where two of one flag overlap, it gives the rates.
        let own = (8..=hs_code.len()).rev().map(of_length).find(|found| found.clone().next().is_some());
        let longer = near.iter().filter(|rate| rate.code.len() > hs_code.len() && rate.code.starts_with(hs_code) && rate.span.holds(day));
        let mut found = own.into_iter().flatten().chain(longer);
        match found.next() {
            None => Lookup::Absent(self),
            Some(first) if found.any(|rate| rate.flag != first.flag) => Lookup::Ambiguous(self),
            Some(first) => Lookup::Found(self, first),
        }
    }

    /// The rows with the same first eight digits: all that a code of 8 digits or more can have.
    fn near(&self, hs_code: &str) -> &[Arc<Rate>] {
        let head = head(hs_code);
        let start = self.heads.partition_point(|&other| other < head);
        let rest = self.heads.get(start..).unwrap_or_default();
        let length = rest.iter().take_while(|&&other| other == head).count();
        self.rates.get(start..start + length).unwrap_or_default()
    }
}

/// The first eight digits as a number.
fn head(code: &str) -> u32 {
    code.bytes().take(8).fold(0, |sum, digit| sum * 10 + u32::from(digit.wrapping_sub(b'0') % 10))
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
    let name = said("version:")
        .filter(|name| !name.is_empty())
        .ok_or_else(|| DataError::new(TABLE, 0, "缺少 # version: · `# version:` is missing"))?;
    let covers = said("covers:").and_then(|covers| covers.split_once(".."));
    let (from, to) = covers.ok_or_else(|| DataError::new(TABLE, 0, "缺少 # covers: 起..止 · `# covers: from..to` is missing"))?;
    Ok((name.to_owned(), said("label:").unwrap_or_default().to_owned(), span(TABLE, 0, from.trim(), to.trim())?))
}

fn rate(line: usize, cells: [&str; 6]) -> Result<Rate, DataError> {
    let [code, vat, refund, flag, from, to] = cells;
    if !(8..=20).contains(&code.len()) || !code.bytes().all(|b| b.is_ascii_digit()) {
        return Err(DataError::new(TABLE, line, "商品编码应为8至20位数字 · a code of 8 to 20 digits is expected"));
    }
    let percent = |cell: &str| {
        let rate = cell.parse::<Decimal>().ok().filter(|rate| (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(rate));
        rate.ok_or_else(|| DataError::new(TABLE, line, "税率应为0至100 · a rate of 0 to 100 per cent is expected"))
    };
    let flag = if flag.is_empty() { Ok(0) } else { flag.parse::<u8>() };
    let flag = flag.map_err(|_| DataError::new(TABLE, line, "特殊标志应为小整数或为空 · a flag is a small number or nothing"))?;
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
    Found(&'a Version, &'a Arc<Rate>),
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
    pub const fn rate(&self) -> Option<&'a Arc<Rate>> {
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
