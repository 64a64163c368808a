//! How long what is kept must be kept, by class and month, and what is under legal hold (法律保全).
//!
//! Evidence of exempt exports is kept for ten years (国家税务总局公告2026年第5号; it was five before): declarations, decisions with their
//! evidence, messages as signed, what customs answered, and the audit log that speaks of them. Years count from the end of the year in which
//! something was kept. `docs/retention.md` tells which table is of which class, and why.

use std::{fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use time::{Date, Month as Calendar};

use crate::clock::{Timestamp, start_of};

/// The least years for tax evidence.
pub const TAX_YEARS: u32 = 10;
/// The least years for attempts at delivery, which no law asks for: what is asked about last year's deliveries can be answered.
pub const ATTEMPT_YEARS: u32 = 1;
/// The least days for proposals: longer than any stands, approved or not.
pub const PROPOSAL_DAYS: u32 = 7;
/// Longer than anything is kept.
const MOST_YEARS: u32 = 100;
const MOST_DAYS: u32 = 3_650;

/// How long things are kept, and where archives lie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Years for tax evidence: 10 or more.
    pub tax_years: u32,
    /// Years for attempts at delivery: 1 or more.
    pub attempt_years: u32,
    /// Days for proposals, from when they lapse: 7 or more.
    pub proposal_days: u32,
    /// Days after the end of a month before it may be archived.
    pub rest_days: u32,
    /// The folder in which archives lie at hand; nothing: none are.
    pub archives: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { tax_years: TAX_YEARS, attempt_years: 2, proposal_days: 365, rest_days: 90, archives: None }
    }
}

impl Options {
    /// What is below the law, or beyond sense.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let years = |name: &str, years: u32, least: u32| {
            (!(least..=MOST_YEARS).contains(&years)).then(|| {
                format!("retention.{name}：{least} 至 {MOST_YEARS} 年 · retention.{name} takes {least} to {MOST_YEARS} years, not {years}")
            })
        };
        let days = |name: &str, days: u32, least: u32| {
            (!(least..=MOST_DAYS).contains(&days)).then(|| {
                format!("retention.{name}：{least} 至 {MOST_DAYS} 天 · retention.{name} takes {least} to {MOST_DAYS} days, not {days}")
            })
        };
        let faults = [
            years("tax_years", self.tax_years, TAX_YEARS),
            years("attempt_years", self.attempt_years, ATTEMPT_YEARS),
            days("proposal_days", self.proposal_days, PROPOSAL_DAYS),
            days("rest_days", self.rest_days, 0),
        ];
        faults.into_iter().flatten().collect()
    }

    /// Until when what was kept in a month must be kept: for years, from the end of its year; for days, from the end of the month.
    #[must_use]
    pub fn until(&self, class: Class, month: Month) -> Timestamp {
        let years = match class {
            // They are of use as long as they open something.
            Class::Sessions => return month.end(),
            Class::Proposals => return month.end() + days(self.proposal_days),
            Class::Attempts => self.attempt_years,
            _ => self.tax_years,
        };
        let years = i32::try_from(years).unwrap_or(i32::MAX);
        Month { year: month.year.saturating_add(years).saturating_add(1), number: 1 }.start()
    }

    /// Proposals that lapsed by then are over.
    #[must_use]
    pub fn proposals_before(&self, now: Timestamp) -> Timestamp {
        now - days(self.proposal_days)
    }

    /// Since when a month may be archived.
    #[must_use]
    pub fn rested(&self, month: Month) -> Timestamp {
        month.end() + days(self.rest_days)
    }
}

fn days(count: u32) -> Duration {
    Duration::from_secs(u64::from(count) * 86_400)
}

/// What kept things are, by how long they must be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// What was declared, amended, submitted on its own, pushed and recorded.
    Declarations,
    /// Decisions on the exemption.
    Decisions,
    /// Messages as signed and sent.
    Messages,
    /// What came from customs, as it came.
    Arrivals,
    /// What customs answered, as read.
    Receipts,
    /// Entries of the audit log: as long as what they speak of.
    Entries,
    /// Attempts at delivery.
    Attempts,
    /// What one person proposed and a second one was to decide.
    Proposals,
    /// Who is signed in at the console.
    Sessions,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Declarations,
        Self::Decisions,
        Self::Messages,
        Self::Arrivals,
        Self::Receipts,
        Self::Entries,
        Self::Attempts,
        Self::Proposals,
        Self::Sessions,
    ];

    /// Its name in reports and in the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Declarations => "declarations",
            Self::Decisions => "decisions",
            Self::Messages => "messages",
            Self::Arrivals => "arrivals",
            Self::Receipts => "receipts",
            Self::Entries => "entries",
            Self::Attempts => "attempts",
            Self::Proposals => "proposals",
            Self::Sessions => "sessions",
        }
    }

    /// The class with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == name)
    }

    /// In Chinese.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Declarations => "申报与凭证",
            Self::Decisions => "免税判定",
            Self::Messages => "已签报文",
            Self::Arrivals => "海关来文原文",
            Self::Receipts => "回执",
            Self::Entries => "审计记录",
            Self::Attempts => "发送记录",
            Self::Proposals => "双人复核提案",
            Self::Sessions => "控制台会话",
        }
    }
}

/// A calendar month in Beijing: `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Month {
    year: i32,
    number: u8,
}

impl Month {
    /// The month of a moment.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let day = at.day();
        Self { year: day.year(), number: day.month().into() }
    }

    /// Reads `2026-11`; nothing if it is no month.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, number) = text.split_once('-')?;
        let is_plain = year.len() == 4 && number.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let month = Self { year: year.parse().ok()?, number: number.parse().ok()? };
        (is_plain && month.year >= 2000 && (1..=12).contains(&month.number)).then_some(month)
    }

    /// Its first moment.
    #[must_use]
    pub fn start(self) -> Timestamp {
        let calendar = Calendar::try_from(self.number).unwrap_or(Calendar::January);
        Date::from_calendar_date(self.year, calendar, 1).map_or(Timestamp::NEVER, start_of)
    }

    /// The first moment after it.
    #[must_use]
    pub fn end(self) -> Timestamp {
        self.next().start()
    }

    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Self {
        match self.number {
            12 => Self { year: self.year.saturating_add(1), number: 1 },
            number => Self { year: self.year, number: number + 1 },
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_read_written_and_follow_each_other() {
        let month = Month::parse("2026-12").unwrap();
        assert_eq!((month.to_string().as_str(), month.next().to_string().as_str()), ("2026-12", "2027-01"));
        assert_eq!(month.start().to_string(), "2026-12-01T00:00:00.000000+08:00");
        assert_eq!(Month::of(Timestamp(month.end().0 - 1)), month);
        assert_eq!(Month::of(month.end()), month.next());
        for text in ["", "2026", "2026-13", "2026-00", "26-01", "2026-1", "2026-01-01", "+026-01", "1999-12", "２０２６-01"] {
            assert_eq!(Month::parse(text), None, "{text}");
        }
    }

    #[test]
    fn years_count_from_the_end_of_the_year_and_never_below_the_law() {
        let options = Options::default();
        let month = Month::parse("2026-01").unwrap();
        assert_eq!(options.until(Class::Messages, month).to_string(), "2037-01-01T00:00:00.000000+08:00");
        assert_eq!(options.until(Class::Attempts, month).to_string(), "2029-01-01T00:00:00.000000+08:00");
        assert_eq!(options.until(Class::Proposals, month).to_string(), "2027-02-01T00:00:00.000000+08:00");
        assert_eq!(options.until(Class::Sessions, month), month.end());
        assert_eq!(options.proposals_before(month.end() + days(365)), month.end());
        assert!(options.faults().is_empty());
        let wrong = Options { tax_years: 9, attempt_years: 0, proposal_days: 6, rest_days: 100_000, archives: None };
        assert_eq!(wrong.faults().len(), 4);
    }

    #[test]
    fn classes_are_known_by_their_names() {
        assert!(Class::ALL.into_iter().all(|class| Class::parse(class.as_str()) == Some(class)));
    }
}
