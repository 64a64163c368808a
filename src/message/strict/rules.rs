//! What a rule is. The rules themselves stand in one table.

use crate::clock::{Timestamp, parse_day};

mod table;

pub use table::*;

/// The code of the rule about encodings: it speaks before anything can be read.
pub const UTF8: &str = "X-UTF8";

/// A rule of the specification's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Stable.
    pub code: &'static str,
    /// The fields that it is about.
    pub fields: &'static [&'static str],
    /// Document and section.
    pub source: &'static str,
    /// What must be, in Chinese.
    pub zh: &'static str,
    /// In English.
    pub en: &'static str,
    pub(super) side: Side,
    /// The blocks in which it is about them; all of them where none is named.
    pub(super) blocks: &'static [&'static str],
    pub(super) form: Form,
}

/// Which messages a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What enterprises send.
    Request,
    /// What customs answers.
    Receipt,
    Both,
}

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One of these.
    OneOf(&'static [&'static str]),
    /// None of these.
    NoneOf(&'static [&'static str]),
    /// So many digits that are a moment: 14 or 17.
    Moment(usize),
    /// 8 digits that are a day.
    Day,
    /// So many digits.
    Digits(usize),
    /// So many letters or digits of ASCII.
    Code(usize),
    /// Letters or digits of ASCII, as many as there are.
    Letters,
    /// A whole number, below zero or not.
    Number,
    /// A whole number above zero.
    Positive,
    /// No letter in lower case.
    Upper,
    /// More than a value alone says: seen to elsewhere.
    Elsewhere,
}

impl Form {
    pub fn fits(self, value: &str) -> bool {
        let digits = |count: usize| value.len() == count && value.bytes().all(|b| b.is_ascii_digit());
        match self {
            Self::OneOf(values) => values.contains(&value),
            Self::NoneOf(values) => !values.contains(&value),
            Self::Moment(14) => digits(14) && Timestamp::parse_seconds(value).is_some(),
            Self::Moment(count) => digits(count) && Timestamp::parse_milliseconds(value).is_some(),
            Self::Day => digits(8) && parse_day(value).is_some(),
            Self::Digits(count) => digits(count),
            Self::Code(count) => value.len() == count && value.bytes().all(|b| b.is_ascii_alphanumeric()),
            Self::Number => {
                let digits = value.strip_prefix('-').unwrap_or(value);
                !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
            }
            Self::Letters => value.bytes().all(|b| b.is_ascii_alphanumeric()),
            // What is no number is the schema's to refuse.
            Self::Positive => value.parse::<i64>().map_or(true, |number| number > 0),
            Self::Upper => !value.bytes().any(|b| b.is_ascii_lowercase()),
            Self::Elsewhere => true,
        }
    }
}
