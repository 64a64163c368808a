//! What a cell holds, as text: exactly, or not at all.

use calamine::{DataRef, ExcelDateTime};
use rust_decimal::Decimal;

use super::{columns::CellForm, rules};
use crate::check::Rule;

/// The significant digits that Excel keeps of a number.
const EXCEL_DIGITS: usize = 15;
/// The most characters of a cell: more than any field may have.
const MOST_CHARACTERS: usize = 4_000;

/// A cell as it was saved.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Saved {
    /// A text.
    Text(String),
    /// A number, as Excel keeps it: a binary one.
    Number(f64),
    /// A yes or no.
    Bool(bool),
    /// A date: `yyyy-MM-dd`.
    Day(String),
    /// A length of time.
    Duration,
    /// An error: `#N/A`.
    Error(String),
    /// A formula without a value.
    Formula,
}

impl Saved {
    /// Nothing for an empty cell.
    pub fn of(value: &DataRef<'_>, is_formula: bool) -> Option<Self> {
        Some(match value {
            DataRef::Int(number) => Self::Text(number.to_string()),
            DataRef::Float(number) => Self::Number(*number),
            DataRef::String(text) => return Self::text(text),
            DataRef::SharedString(text) => return Self::text(text),
            DataRef::Bool(yes) => Self::Bool(*yes),
            DataRef::DateTime(at) if at.is_datetime() => Self::Day(day(*at)),
            DataRef::DateTimeIso(text) => Self::Day(text.chars().take(10).collect()),
            DataRef::DateTime(_) | DataRef::DurationIso(_) => Self::Duration,
            DataRef::Error(error) => Self::Error(error.to_string()),
            DataRef::Empty if is_formula => Self::Formula,
            DataRef::Empty => return None,
        })
    }

    fn text(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self::Text(text.chars().take(MOST_CHARACTERS + 1).collect()))
    }

    /// What a heading says.
    pub fn as_heading(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Bool(_) | Self::Day(_) | Self::Duration | Self::Error(_) | Self::Formula => String::new(),
        }
    }

    /// The text for a column of that form, or the rule that it breaks with the detail of the finding.
    pub fn read(&self, form: CellForm) -> Result<String, (&'static Rule, String)> {
        match (self, form) {
            (Self::Error(error), _) => Err((&rules::CELL_ERROR, error.clone())),
            (Self::Formula, _) => Err((&rules::FORMULA, String::new())),
            (Self::Text(text), _) if text.chars().nth(MOST_CHARACTERS).is_some() => Err((&rules::LONG, MOST_CHARACTERS.to_string())),
            (_, CellForm::YesNo) => yes_or_no(self),
            (Self::Text(text), CellForm::Day) => Ok(written_day(text)),
            (Self::Text(text), CellForm::Text(_) | CellForm::HsCode | CellForm::Number) => Ok(text.clone()),
            (Self::Number(number), _) => {
                let digits = exact(*number).ok_or((&rules::ROUNDED, String::new()))?;
                Ok(match form {
                    CellForm::Text(width) => widened(digits, width),
                    // Filled up to ten digits, 6109 or 61091000 would be another code.
                    CellForm::HsCode => widened_to_pairs(digits),
                    _ => digits,
                })
            }
            (Self::Day(day), CellForm::Day) => Ok(day.clone()),
            (Self::Day(_), _) => Err((&rules::TYPE, "日期 date".to_owned())),
            (Self::Duration, _) => Err((&rules::TYPE, "时间 time".to_owned())),
            (Self::Bool(_), _) => Err((&rules::TYPE, "TRUE/FALSE".to_owned())),
        }
    }
}

fn day(at: ExcelDateTime) -> String {
    let (year, month, day, ..) = at.to_ymd_hms_milli();
    format!("{year:04}-{month:02}-{day:02}")
}

/// 2026/1/5, 2026.1.5, 2026年1月5日 as 2026-01-05; anything else as it is.
fn written_day(text: &str) -> String {
    let parts: Vec<_> = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [year, month, day] if year.len() == 4 && month.len() <= 2 && day.len() <= 2 && text.starts_with(year) => {
            format!("{year}-{month:0>2}-{day:0>2}")
        }
        _ => text.to_owned(),
    }
}

fn yes_or_no(saved: &Saved) -> Result<String, (&'static Rule, String)> {
    let yes = match saved {
        Saved::Bool(yes) => Some(*yes),
        Saved::Text(text) => match text.to_lowercase().as_str() {
            "是" | "yes" | "y" | "true" | "1" => Some(true),
            "否" | "no" | "n" | "false" | "0" => Some(false),
            _ => None,
        },
        Saved::Number(number) => match exact(*number).as_deref() {
            Some("1") => Some(true),
            Some("0") => Some(false),
            _ => None,
        },
        Saved::Day(_) | Saved::Duration | Saved::Error(_) | Saved::Formula => None,
    };
    yes.map(|yes| yes.to_string()).ok_or((&rules::YES_NO, String::new()))
}

/// A number in the digits that were entered: the shortest that lead to the same binary number. What is left of a calculation behind
/// the fifteenth digit is Excel's own noise, which it does not show either. Nothing where fifteen digits were not enough.
pub(super) fn exact(number: f64) -> Option<String> {
    if !number.is_finite() {
        return None;
    }
    let shortest = number.to_string();
    let whole = !shortest.contains('.');
    if significant(&shortest) <= EXCEL_DIGITS && (whole || significant(&shortest) < EXCEL_DIGITS) {
        return Some(if shortest == "-0" { "0".to_owned() } else { shortest });
    }
    if whole {
        return None;
    }
    let rounded = Decimal::from_scientific(&format!("{number:.14e}")).ok()?.normalize().to_string();
    (significant(&rounded) < EXCEL_DIGITS).then_some(rounded)
}

fn significant(digits: &str) -> usize {
    digits.trim_start_matches(['-', '0', '.']).chars().filter(char::is_ascii_digit).count()
}

/// Zeros that Excel drops from a code that is entered as a number.
fn widened(digits: String, width: usize) -> String {
    if digits.bytes().all(|b| b.is_ascii_digit()) { format!("{digits:0>width$}") } else { digits }
}

/// The zero that Excel drops from a code whose digits come in pairs.
fn widened_to_pairs(digits: String) -> String {
    let width = digits.len().next_multiple_of(2);
    widened(digits, width)
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;
    use proptest::prelude::*;

    use super::*;

    const TEXT: CellForm = CellForm::Text(0);

    #[test]
    fn numbers_are_what_was_entered() {
        for text in ["2.11", "0.1", "1234.5", "0.00001", "6901234567892", "100", "0", "999999999999999", "4.35", "-3.5"] {
            assert_eq!(exact(text.parse().unwrap()).as_deref(), Some(text));
        }
        // As Excel itself writes 4.35, and the sum of 0.1 and 0.2.
        assert_eq!(exact("4.3499999999999996".parse().unwrap()).as_deref(), Some("4.35"));
        assert_eq!(exact("0.30000000000000004".parse().unwrap()).as_deref(), Some("0.3"));
        assert_eq!(exact("-0".parse().unwrap()).as_deref(), Some("0"));
        for text in ["690123456789012345", "1e15", "3.3333333333333335", "12345678901.12345", "NaN", "inf", "1e300"] {
            assert_eq!(exact(text.parse().unwrap()), None, "{text}");
        }
    }

    #[test]
    fn codes_get_back_the_zeros_that_excel_drops() {
        let number = |text: &str, width| Saved::Number(text.parse().unwrap()).read(CellForm::Text(width)).unwrap();
        assert_eq!(number("7", 3), "007");
        assert_eq!(number("6901234567892", 0), "6901234567892");
        assert_eq!(number("1.5", 3), "1.5", "no code: left for the check to refuse");
        assert_eq!(Saved::Text("07".into()).read(CellForm::Text(3)).unwrap(), "07", "a text is left as it is");
    }

    #[test]
    fn a_short_commodity_code_does_not_become_another() {
        let numbers =
            [("101210090", "0101210090"), ("6109100021", "6109100021"), ("901", "0901"), ("6109", "6109"), ("61091000", "61091000")];
        for (number, code) in numbers {
            assert_eq!(Saved::Number(number.parse().unwrap()).read(CellForm::HsCode).unwrap(), code);
        }
        assert_eq!(Saved::Text("610".into()).read(CellForm::HsCode).unwrap(), "610", "a text is left as it is");
    }

    #[test]
    fn what_excel_changed_is_a_fault() {
        let rule = |saved: Saved, form| saved.read(form).unwrap_err().0.code;
        assert_eq!(rule(Saved::Number("690123456789012345".parse().unwrap()), TEXT), "B-ROUNDED");
        assert_eq!(rule(Saved::Day("2026-03-05".into()), TEXT), "B-TYPE");
        assert_eq!(rule(Saved::Duration, CellForm::Day), "B-TYPE");
        assert_eq!(rule(Saved::Bool(true), TEXT), "B-TYPE");
        assert_eq!(rule(Saved::Error("#N/A".into()), CellForm::Number), "B-ERROR");
        assert_eq!(rule(Saved::Formula, CellForm::Number), "B-FORMULA");
        assert_eq!(rule(Saved::Text("maybe".into()), CellForm::YesNo), "B-YES-NO");
        assert_eq!(rule(Saved::text(&"x".repeat(5_000)).unwrap(), TEXT), "B-LONG");
    }

    #[test]
    fn days_and_answers_are_read_however_they_are_written() {
        for text in ["2026/1/5", "2026-01-05", "2026.1.05", "2026年1月5日"] {
            assert_eq!(Saved::Text(text.into()).read(CellForm::Day).unwrap(), "2026-01-05");
        }
        for text in ["20260105", "5/1/2026", "tomorrow"] {
            assert_eq!(Saved::Text(text.into()).read(CellForm::Day).unwrap(), text);
        }
        let serial = |value: &str, of_1904| {
            Saved::of(&DataRef::DateTime(ExcelDateTime::new(value.parse().unwrap(), ExcelDateTimeType::DateTime, of_1904)), false).unwrap()
        };
        assert_eq!(serial("46352", false), Saved::Day("2026-11-26".into()));
        assert_eq!(serial("44890.75", true), Saved::Day("2026-11-26".into()));
        for (saved, said) in [(Saved::Bool(true), "true"), (Saved::Text("否".into()), "false"), (Saved::Number(1.0), "true")] {
            assert_eq!(saved.read(CellForm::YesNo).unwrap(), said);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever is entered with at most 14 digits comes back to the digit.
        #[test]
        fn every_number_comes_back(digits in 1_i64..100_000_000_000_000, scale in 0_u32..=5) {
            let entered = Decimal::new(digits, scale).normalize().to_string();
            prop_assert_eq!(exact(entered.parse().unwrap()), Some(entered));
        }

        #[test]
        fn no_number_makes_it_panic(bits in any::<u64>()) {
            let _ = exact(f64::from_bits(bits));
        }
    }
}
