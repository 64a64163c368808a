//! Reads one field of what was sent: notes every fault of its form, and gives the value if there is none.

use std::borrow::Cow;

use rust_decimal::Decimal;
use time::Date;

use super::{
    characters::is_unseen,
    fields::{Field, Form},
    report::Report,
    rules::{self, Rule},
};
use crate::{
    clock::{self, Timestamp},
    party::{self, Party},
};

/// Digits before the point in N19,5.
const WHOLE_DIGITS: usize = 14;
/// Digits after the point in N19,5.
const FRACTION_DIGITS: usize = 5;
/// Longest distance of a day from today, in days.
const FAR_DAYS: u64 = 366;
/// The shortest number that customs gives an inventory: office, year, E, 9 digits (messages §7, 13).
const SHORTEST_INVENTORY_NO: usize = 18;
/// Its longest: since 2022-05 the last part has up to 11 digits.
const LONGEST_INVENTORY_NO: usize = 20;

/// What an amount may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Amount {
    /// Greater than zero.
    Positive,
    /// Zero where there is none; zero must be written.
    ZeroIfNone,
}

/// A value that a finding may repeat: short, of plain letters and digits. Written `: value`.
pub(super) fn shown(value: &str) -> Cow<'static, str> {
    let plain = !value.is_empty() && value.len() <= 20 && value.bytes().all(|b| b.is_ascii_graphic());
    if plain { Cow::Owned(format!(": {value}")) } else { Cow::Borrowed("") }
}

/// Tells whether a text has more than `limit` characters (the schema counts characters, not bytes).
pub(super) fn is_longer(text: &str, limit: usize) -> bool {
    // A character has at least one byte.
    text.len() > limit && text.chars().nth(limit).is_some()
}

impl Report {
    /// Whether a field says anything; a required one that does not is noted under `rule`.
    fn is_filled(&mut self, field: Field, index: usize, value: &str, rule: &'static Rule) -> bool {
        let filled = !value.trim().is_empty();
        if !filled && field.spec().required {
            self.add(rule, field, index, "");
        }
        filled
    }

    /// A name, a number, or free text.
    pub(super) fn text(&mut self, field: Field, index: usize, value: &str) -> Option<String> {
        if !self.is_filled(field, index, value, &rules::REQUIRED) {
            return None;
        }
        let (limit, free) = match field.spec().form {
            Form::Text(limit) => (limit, false),
            Form::InventoryNo => (LONGEST_INVENTORY_NO, false),
            Form::Free(limit) => (limit, true),
            _ => (usize::MAX, true),
        };
        let mut good = true;
        if !free && is_placeholder(field, value) {
            self.add(&rules::PLACEHOLDER, field, index, "");
            good = false;
        }
        // XML 1.0 §2.2 tolerates some control characters, but parsers rewrite line ends and a signature does not survive that;
        // other unseen characters make two numbers of what looks like one.
        if value.chars().any(is_unseen) {
            self.add(&rules::CHARACTERS, field, index, "");
            good = false;
        }
        if !free && value.trim() != value {
            self.add(&rules::SPACES, field, index, "");
            good = false;
        }
        if is_longer(value, limit) {
            self.add(&rules::TOO_LONG, field, index, limit.to_string());
            good = false;
        }
        good.then(|| value.to_owned())
    }

    /// A required text; empty if it was not good.
    pub(super) fn required(&mut self, field: Field, index: usize, value: &str) -> String {
        self.text(field, index, value).unwrap_or_default()
    }

    /// A code that `known` knows; nothing if it does not, which is noted under `rule`.
    pub(super) fn code(
        &mut self,
        field: Field,
        index: usize,
        value: &str,
        rule: &'static Rule,
        known: impl FnOnce(&str, Date) -> bool,
    ) -> Option<String> {
        if !self.is_filled(field, index, value, &rules::REQUIRED) {
            return None;
        }
        if known(value, self.today) {
            return Some(value.to_owned());
        }
        self.add(rule, field, index, shown(value));
        None
    }

    /// What the wire writes for a code of a list; nothing for what is not in it, which is noted under `rule`.
    pub(super) fn listed(
        &mut self,
        field: Field,
        index: usize,
        value: &str,
        rule: &'static Rule,
        to_wire: impl FnOnce(&str, Date) -> Option<&'static str>,
    ) -> Option<String> {
        if !self.is_filled(field, index, value, &rules::REQUIRED) {
            return None;
        }
        let wire = to_wire(value, self.today);
        if wire.is_none() {
            self.add(rule, field, index, shown(value));
        }
        self.convert(field, index, value, wire.unwrap_or(value));
        wire.map(str::to_owned)
    }

    /// An enterprise code: credit code or customs code. Empty if it was not good.
    pub(super) fn enterprise(&mut self, field: Field, index: usize, value: &str) -> String {
        if !self.is_filled(field, index, value, &rules::REQUIRED) {
            return String::new();
        }
        if is_enterprise(value) {
            return value.to_owned();
        }
        let rule = if value.chars().count() == 10 { &rules::CUSTOMS_CODE } else { &rules::CREDIT_CODE };
        self.add(rule, field, index, "");
        String::new()
    }

    /// A platform's code, or 无.
    pub(super) fn platform(&mut self, field: Field, value: &str) -> String {
        let known = |value: &str, _| is_enterprise(value) || value == party::NO_PLATFORM_CODE;
        self.code(field, 0, value, &rules::PLATFORM_CODE, known).unwrap_or_default()
    }

    /// An enterprise with its name.
    pub(super) fn party(&mut self, code: Field, name: Field, value: &Party) -> Party {
        Party { code: self.enterprise(code, 0, &value.code), name: self.required(name, 0, &value.name) }
    }

    /// An amount.
    pub(super) fn amount(&mut self, field: Field, index: usize, value: &str, amount: Amount) -> Option<Decimal> {
        let missing = if amount == Amount::ZeroIfNone { &rules::NIL } else { &rules::REQUIRED };
        if !self.is_filled(field, index, value, missing) {
            return None;
        }
        match parse_decimal(value) {
            Ok(zero) if zero.is_zero() && amount == Amount::Positive => self.add(&rules::POSITIVE, field, index, ""),
            Ok(value) => return Some(value),
            Err(rule) => self.add(rule, field, index, ""),
        }
        None
    }

    /// A whole number.
    pub(super) fn integer(&mut self, field: Field, index: usize, value: &str) -> Option<u32> {
        if !self.is_filled(field, index, value, &rules::REQUIRED) {
            return None;
        }
        let digits = if let Form::Integer(digits) = field.spec().form { digits } else { 9 };
        let significant = value.trim_start_matches('0');
        let number = value.bytes().all(|b| b.is_ascii_digit()).then_some(if significant.is_empty() { "0" } else { significant });
        let number = number.filter(|number| number.len() <= digits).and_then(|number| number.parse().ok());
        if number.is_none() {
            self.add(&rules::NOT_INTEGER, field, index, digits.to_string());
        }
        number
    }

    /// The exit date.
    pub(super) fn exit_date(&mut self, value: &str) -> Option<Date> {
        let field = Field::ExitDate;
        if !self.is_filled(field, 0, value, &rules::REQUIRED) {
            return None;
        }
        let Some(day) = clock::parse_day(value) else {
            self.add(&rules::DATE, field, 0, "");
            return None;
        };
        if self.is_far(day) {
            self.add(&rules::EXIT_DATE, field, 0, "");
        }
        Some(day)
    }

    fn is_far(&self, day: Date) -> bool {
        (day - self.today).whole_days().unsigned_abs() > FAR_DAYS
    }

    /// A moment to the second, in Beijing, within a year of today.
    pub(super) fn moment(&mut self, field: Field, value: &str) -> Option<Timestamp> {
        if !self.is_filled(field, 0, value, &rules::REQUIRED) {
            return None;
        }
        let digits = value.len() == 14 && value.bytes().all(|b| b.is_ascii_digit());
        let Some(moment) = Timestamp::parse_seconds(value).filter(|_| digits) else {
            self.add(&rules::MOMENT, field, 0, "");
            return None;
        };
        if self.is_far(moment.day()) {
            self.add(&rules::FAR, field, 0, "");
        }
        Some(moment)
    }

    /// A moment that has come: no later than the end of today.
    pub(super) fn past(&mut self, field: Field, value: &str) -> Option<Timestamp> {
        let moment = self.moment(field, value)?;
        if moment.day() > self.today {
            self.add(&rules::FUTURE, field, 0, "");
        }
        Some(moment)
    }

    /// The number of an inventory: office, year, E, digits.
    pub(super) fn inventory_no(&mut self, field: Field, index: usize, value: &str) -> Option<String> {
        let number = self.text(field, index, value)?;
        if !is_inventory_no(&number, self.today) {
            self.add(&rules::INVENTORY_NO, field, index, "");
            return None;
        }
        if number.len() < SHORTEST_INVENTORY_NO {
            self.add(&rules::INVENTORY_NO_SHORT, field, index, "");
        }
        Some(number)
    }
}

/// Whether a value says that there is none, where that is not asked for: 无 stands for a platform's code and a bar code alone, NO
/// for an owner's code alone (messages §6).
fn is_placeholder(field: Field, value: &str) -> bool {
    matches!(value, "无" | "NO") && field != Field::BarCode
}

/// Office, year, E, at least one digit: no more is certain (messages §6, §7 13).
fn is_inventory_no(number: &str, today: Date) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let Some((place, serial)) = number.split_once('E') else { return false };
    let year = place.get(4..).and_then(|year| year.parse::<i32>().ok());
    place.len() == 8 && digits(place) && digits(serial) && year.is_some_and(|year| (2014..=today.year()).contains(&year))
}

fn is_enterprise(code: &str) -> bool {
    party::is_credit_code(code) || party::is_customs_code(code)
}

/// Reads N19,5.
fn parse_decimal(text: &str) -> Result<Decimal, &'static Rule> {
    exact(text, WHOLE_DIGITS, FRACTION_DIGITS)
}

/// Reads a decimal exactly: digits, perhaps a point and digits, at most so many before it and after it; nothing is rounded.
pub(super) fn exact(text: &str, whole_digits: usize, fraction_digits: usize) -> Result<Decimal, &'static Rule> {
    let (negative, body) = text.strip_prefix('-').map_or((false, text), |body| (true, body));
    let (whole, fraction) = match body.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(&rules::NOT_DECIMAL),
        None => (body, ""),
    };
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return Err(&rules::NOT_DECIMAL);
    }
    let whole = whole.trim_start_matches('0');
    if whole.len() > whole_digits || fraction.len() > fraction_digits {
        return Err(&rules::DECIMAL_DIGITS);
    }
    if negative {
        return Err(&rules::NEGATIVE);
    }
    let digits = whole.bytes().chain(fraction.bytes()).fold(0_i128, |number, digit| number * 10 + i128::from(digit - b'0'));
    let scale = u32::try_from(fraction.len()).map_err(|_| &rules::DECIMAL_DIGITS)?;
    Decimal::try_from_i128_with_scale(digits, scale).map_err(|_| &rules::DECIMAL_DIGITS)
}

/// quantity × price, rounded half up at `scale`. Counted in whole numbers: a product of two N19,5 has up to 38 digits, more
/// than a decimal holds, and a decimal would round it unasked. Nothing if not even that is enough.
pub(super) fn product(quantity: Decimal, price: Decimal, scale: u32) -> Option<i128> {
    let exact = quantity.mantissa().checked_mul(price.mantissa())?;
    let exact_scale = quantity.scale().checked_add(price.scale())?;
    if let Some(surplus) = exact_scale.checked_sub(scale) {
        let unit = 10_i128.checked_pow(surplus)?;
        exact.checked_add(unit / 2)?.checked_div(unit)
    } else {
        exact.checked_mul(10_i128.checked_pow(scale.checked_sub(exact_scale)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly_or_not_at_all() {
        let read = |text| parse_decimal(text).map(|number| number.to_string()).map_err(|rule| rule.code);
        assert_eq!(read("12.50").as_deref(), Ok("12.50"));
        assert_eq!(read("99999999999999.99999").as_deref(), Ok("99999999999999.99999"));
        assert_eq!(read("007").as_deref(), Ok("7"));
        assert_eq!(read("0.00").as_deref(), Ok("0.00"));
        for bad in ["", ".", "1.", ".5", "+1", " 1", "1 ", "1e3", "1E-2", "1,000", "1_000", "0x1F", "NaN", "１２", "--1", "1.2.3", "-"] {
            assert_eq!(read(bad), Err("F-NOT-DECIMAL"), "{bad:?}");
        }
        for bad in ["100000000000000", "1.000001", "12345678901234567890"] {
            assert_eq!(read(bad), Err("F-DECIMAL-DIGITS"), "{bad:?}");
        }
        assert_eq!(read("-0.01"), Err("F-NEGATIVE"));
    }

    #[test]
    fn products_are_exact_and_rounded_half_up() {
        let number = |text| parse_decimal(text).expect("a number");
        assert_eq!(product(number("3"), number("1.335"), 2), Some(401));
        assert_eq!(product(number("1"), number("0.125"), 2), Some(13));
        assert_eq!(product(number("1"), number("0.1249"), 2), Some(12));
        assert_eq!(product(number("2"), number("5"), 5), Some(1_000_000));
        let largest = number("99999999999999.99999");
        assert_eq!(product(largest, largest, 10), Some(9_999_999_999_999_999_999 * 9_999_999_999_999_999_999));
    }

    #[test]
    fn only_plain_codes_are_shown() {
        assert_eq!(shown("ABC"), ": ABC");
        assert_eq!(shown("张三"), "");
        assert_eq!(shown("a b"), "");
        assert_eq!(shown("123456789012345678901"), "");
    }
}
