//! What the check goes by besides code lists: limits by name and exchange rates by currency, each with the days on which it holds
//! and where it comes from.
//!
//! Both are tables of comma-separated text. The limits are shipped; a table that is configured takes their place. Exchange rates
//! are only what is configured: none is shipped, and where none holds on a day nothing is guessed.

use rust_decimal::Decimal;
use time::Date;

use self::table::{Cells, Row, rows};
use crate::{clock, codes, codes::Days};

use super::read::{exact, product};

mod table;

pub use self::table::{Fault, Faults, MOST_BYTES};

const SHIPPED: &str = include_str!("limits.csv");
const SAMPLE: &str = include_str!("sample_rates.csv");
/// The currency in which limits are set: 人民币.
const YUAN: &str = "142";
/// Digits of a rate before the point and after it.
const RATE_DIGITS: (usize, usize) = (8, 8);
/// Digits of a limit before the point and after it.
const LIMIT_DIGITS: (usize, usize) = (14, 5);

/// Everything that the check goes by and that is no code list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters {
    /// Limits by name.
    pub limits: Limits,
    /// Exchange rates.
    pub rates: Rates,
}

/// A limit that the check knows: a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// The most that a parcel may be worth under 简化申报, in yuan (海关总署公告2018年第194号).
    SimplifiedParcel,
    /// The most that a parcel of 9710 or 9810 may be worth on a list, in yuan (海关总署公告2020年第75号).
    BusinessParcel,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::SimplifiedParcel, Self::BusinessParcel];

    /// As written in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SimplifiedParcel => "simplified_parcel_cny",
            Self::BusinessParcel => "business_parcel_cny",
        }
    }
}

/// A value with the days on which it holds, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Dated<K> {
    key: K,
    value: Decimal,
    days: Days,
    source: String,
}

/// Limits by name and day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits(Vec<Dated<Limit>>);

impl Default for Limits {
    /// Those that are shipped.
    fn default() -> Self {
        // A test holds the shipped table to having no fault.
        Self::read(SHIPPED).unwrap_or(Self(Vec::new()))
    }
}

impl Limits {
    /// Reads a table with the columns `name,value,from,until,source`; days may be left out where they are open.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(text: &str) -> Result<Self, Faults> {
        read(text, ["name", "value", "from", "until", "source"], |row, faults| {
            let [name, value, from, until, source] = &row.cells;
            let key = Limit::ALL.into_iter().find(|limit| limit.as_str() == name);
            if key.is_none() {
                faults.add(row.line, "没有这个限额名称", "there is no limit of that name");
            }
            let value = amount(row, value, LIMIT_DIGITS, faults);
            let days = days(row, (from, until), true, faults);
            said(row, source, faults);
            Some(Dated { key: key?, value: value?, days: days?, source: source.clone() })
        })
        .map(Self)
    }

    /// A limit as it stands on a day; nothing if there is none then.
    #[must_use]
    pub fn on(&self, limit: Limit, day: Date) -> Option<Decimal> {
        self.0.iter().find(|dated| dated.key == limit && dated.days.hold(day)).map(|dated| dated.value)
    }

    /// Each limit with its value, its days and its source.
    pub fn rows(&self) -> impl Iterator<Item = (Limit, Decimal, Days, &str)> {
        self.0.iter().map(|dated| (dated.key, dated.value, dated.days, dated.source.as_str()))
    }
}

/// Yuan for one unit of a currency, by day.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rates(Vec<Dated<&'static str>>);

impl Rates {
    /// Reads a table with the columns `currency,rate,from,until,source`. A currency is written by its customs code or its ISO
    /// letters, a rate as yuan for one unit. Both days are needed: a rate that never ends would be wrong one day, unnoticed.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(text: &str) -> Result<Self, Faults> {
        let read = read(text, ["currency", "rate", "from", "until", "source"], |row, faults| {
            let [currency, rate, from, until, source] = &row.cells;
            let days = days(row, (from, until), false, faults);
            let key = known_currency(row, currency, days, faults);
            let value = amount(row, rate, RATE_DIGITS, faults);
            said(row, source, faults);
            Some(Dated { key: key?, value: value?, days: days?, source: source.clone() })
        });
        read.map(Self)
    }

    /// The shipped sample: made up, labelled so, for demonstrations.
    #[must_use]
    pub fn sample() -> Self {
        // A test holds the shipped table to having no fault.
        Self::read(SAMPLE).unwrap_or_default()
    }

    /// Yuan for one unit of that currency (old three-digit code) on a day; nothing if the table does not say.
    #[must_use]
    pub fn on(&self, currency: &str, day: Date) -> Option<Decimal> {
        if currency == YUAN { Some(Decimal::ONE) } else { self.find(currency, day).map(|dated| dated.value) }
    }

    /// The same with its source; a yuan is a yuan by itself.
    #[must_use]
    pub fn with_source(&self, currency: &str, day: Date) -> Option<(Decimal, &str)> {
        if currency == YUAN {
            return Some((Decimal::ONE, "CNY"));
        }
        self.find(currency, day).map(|dated| (dated.value, dated.source.as_str()))
    }

    fn find(&self, currency: &str, day: Date) -> Option<&Dated<&'static str>> {
        let start = self.0.partition_point(|dated| dated.key < currency);
        let of_it = self.0.get(start..)?.iter().take_while(|dated| dated.key == currency);
        of_it.into_iter().find(|dated| dated.days.hold(day))
    }

    /// How many rates there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Tells whether an amount, at a rate, is greater than a limit. Counted in whole numbers: nothing is rounded.
pub(super) fn is_over(amount: Decimal, rate: Decimal, limit: Decimal) -> bool {
    let scale = (amount.scale() + rate.scale()).max(limit.scale());
    // What is too large to be counted is over every limit that can be written.
    product(amount, rate, scale).zip(product(limit, Decimal::ONE, scale)).is_none_or(|(worth, limit)| worth > limit)
}

/// Reads a dated table, sorted by key and first day; no key may have two values on one day.
fn read<K: Copy + Ord, const N: usize>(
    text: &str,
    columns: [&str; N],
    one: impl Fn(&Row<N>, &mut Faults) -> Option<Dated<K>>,
) -> Result<Vec<Dated<K>>, Faults> {
    let mut faults = Faults::default();
    let mut read = Vec::new();
    for row in rows(text, columns, &mut faults) {
        read.extend(one(&row, &mut faults).map(|dated| (row.line, dated)));
    }
    read.sort_by_key(|(line, dated)| (dated.key, dated.days.from, *line));
    for pair in read.windows(2) {
        let [(first, earlier), (second, later)] = pair else { continue };
        let apart = earlier.days.to.zip(later.days.from).is_some_and(|(to, from)| to < from);
        if earlier.key == later.key && !apart {
            faults.add(*second, &format!("与第{first}行的日期重叠"), &format!("its days overlap those of line {first}"));
        }
    }
    if faults.is_empty() { Ok(read.into_iter().map(|(_, dated)| dated).collect()) } else { Err(faults.sorted()) }
}

fn known_currency<const N: usize>(row: &Row<N>, written: &str, days: Option<Days>, faults: &mut Faults) -> Option<&'static str> {
    // With days that could not be read, it is enough that the currency is known at all.
    let holds = |known: &codes::Currency| days.and_then(|days| days.from).is_none_or(|day| known.days.hold(day));
    let found = codes::CURRENCIES.rows().iter().find(|known| (known.code == written || known.iso == written) && holds(known));
    match found.map(|known| known.code) {
        None => faults.add(row.line, "币制不在代码表中", "the currency is not in the code list"),
        Some(YUAN) => faults.add(row.line, "人民币不需要汇率", "the yuan needs no rate"),
        found => return found,
    }
    None
}

fn amount<const N: usize>(row: &Row<N>, written: &str, (whole, fraction): (usize, usize), faults: &mut Faults) -> Option<Decimal> {
    let read = exact(written, whole, fraction).ok().filter(|value| !value.is_zero());
    if read.is_none() {
        let zh = format!("数值须大于零，整数最多{whole}位，小数最多{fraction}位");
        let en = format!("a number greater than zero is expected, of at most {whole} digits before the point and {fraction} after it");
        faults.add(row.line, &zh, &en);
    }
    read
}

fn days<const N: usize>(row: &Row<N>, (from, until): Cells<'_>, may_be_open: bool, faults: &mut Faults) -> Option<Days> {
    let mut day = |cell: &str, zh: &str, en: &str| {
        let read = clock::parse_day(cell);
        if read.is_none() && !(may_be_open && cell.is_empty()) {
            faults.add(row.line, &format!("{zh}日期须写作 2026-11-23"), &format!("the {en} day is written as 2026-11-23"));
            return None;
        }
        Some(read)
    };
    let (from, until) = (day(from, "起始", "first"), day(until, "截止", "last"));
    let days = Days { from: from?, to: until? };
    if days.from.zip(days.to).is_some_and(|(from, to)| to < from) {
        faults.add(row.line, "截止日期早于起始日期", "it ends before it begins");
        return None;
    }
    Some(days)
}

fn said<const N: usize>(row: &Row<N>, source: &str, faults: &mut Faults) {
    if source.is_empty() {
        faults.add(row.line, "未写明来源", "the source is missing");
    }
}

#[cfg(test)]
mod tests;
