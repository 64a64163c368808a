//! Simple types: what a text must be. XML Schema part 2, as far as the schemas use it.

use super::lexical;
use crate::message::xml::names;

/// Where a simple type begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    String,
    Decimal,
    Int,
    Integer,
    Base64,
    DateTime,
    Date,
    AnyUri,
    Id,
}

impl Base {
    /// The type of that name in XML Schema.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "decimal" => Self::Decimal,
            "int" => Self::Int,
            "integer" => Self::Integer,
            "base64Binary" => Self::Base64,
            "dateTime" => Self::DateTime,
            "date" => Self::Date,
            "anyURI" => Self::AnyUri,
            "ID" => Self::Id,
            _ => return None,
        })
    }
}

/// What happens to white space before a text is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum White {
    /// Nothing.
    Preserve,
    /// Each tab and line end becomes a space: none goes, so that no length changes.
    Replace,
    /// Then runs become one space, and none is left at the ends.
    Collapse,
}

/// A simple type: its base and the facets that narrow it.
#[derive(Debug, Clone)]
pub struct Simple {
    pub base: Base,
    pub white: White,
    /// length is both at once.
    pub min_length: usize,
    pub max_length: usize,
    pub total_digits: Option<usize>,
    pub fraction_digits: Option<usize>,
}

/// Why a text is not what belongs there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub code: &'static str,
    pub zh: String,
    pub en: String,
}

impl Wrong {
    fn new(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { code, zh: zh.into(), en: en.into() }
    }
}

impl Simple {
    /// A type without facets.
    pub const fn of(base: Base) -> Self {
        let white = if matches!(base, Base::String) { White::Preserve } else { White::Collapse };
        Self { base, white, min_length: 0, max_length: usize::MAX, total_digits: None, fraction_digits: None }
    }

    /// Checks a text.
    pub fn check(&self, text: &str) -> Result<(), Wrong> {
        let trimmed = || lexical::trimmed(text);
        match self.base {
            Base::String => self.length(text),
            Base::Decimal => match lexical::decimal(trimmed()) {
                Some(digits) => self.digits(digits),
                None => Err(Wrong::new("S-DECIMAL", "应为十进制数", "must be a decimal number")),
            },
            Base::Int | Base::Integer => match lexical::decimal(trimmed()) {
                Some(digits)
                    if !trimmed().as_bytes().contains(&b'.') && (self.base == Base::Integer || trimmed().parse::<i32>().is_ok()) =>
                {
                    self.digits(digits)
                }
                _ => Err(Wrong::new("S-INTEGER", "应为整数", "must be a whole number")),
            },
            Base::Base64 if !lexical::base64(text) => Err(Wrong::new("S-BASE64", "应为 Base64", "must be base64")),
            Base::DateTime if !lexical::date_time(trimmed()) => {
                Err(Wrong::new("S-DATETIME", "应为日期时间，如 2026-11-11T08:09:10", "must be a moment like 2026-11-11T08:09:10"))
            }
            Base::Date if !lexical::date(trimmed()) => {
                Err(Wrong::new("S-DATE", "应为日期，如 2026-11-11", "must be a day like 2026-11-11"))
            }
            Base::AnyUri if !lexical::uri(trimmed()) => Err(Wrong::new("S-URI", "应为 URI", "must be a URI")),
            Base::Id if !names::is_part(trimmed()) => {
                Err(Wrong::new("S-ID", "应为不含冒号的 XML 名称", "must be an XML name without a colon"))
            }
            _ => Ok(()),
        }
    }

    fn length(&self, text: &str) -> Result<(), Wrong> {
        // Bytes are enough where there are not too many of them, or where each is a character.
        let fits = |length: usize| self.min_length <= length && length <= self.max_length;
        let is_short = self.min_length == 0 && text.len() <= self.max_length;
        if is_short || (self.white != White::Collapse && fits(text.len()) && text.is_ascii()) {
            return Ok(());
        }
        let length = if self.white == White::Collapse { lexical::collapsed_length(text) } else { text.chars().count() };
        let (least, most) = (self.min_length, self.max_length);
        if fits(length) {
            return Ok(());
        }
        let (zh, en) = match (least, most) {
            (least, most) if least == most => (format!("应为 {most} 个字符"), format!("must have {most} characters")),
            (0, most) => (format!("最多 {most} 个字符"), format!("must have at most {most} characters")),
            (least, usize::MAX) => (format!("至少 {least} 个字符"), format!("must have at least {least} characters")),
            (least, most) => (format!("应为 {least} 至 {most} 个字符"), format!("must have {least} to {most} characters")),
        };
        Err(Wrong::new("S-LENGTH", format!("{zh}，实为 {length} 个"), format!("{en}, has {length}")))
    }

    fn digits(&self, (whole, fraction): (usize, usize)) -> Result<(), Wrong> {
        if let Some(most) = self.fraction_digits.filter(|&most| fraction > most) {
            return Err(Wrong::new(
                "S-FRACTION",
                format!("小数最多 {most} 位"),
                format!("must have at most {most} digits behind the point"),
            ));
        }
        if let Some(most) = self.total_digits.filter(|&most| whole + fraction > most) {
            return Err(Wrong::new("S-DIGITS", format!("最多 {most} 位数字"), format!("must have at most {most} digits")));
        }
        Ok(())
    }

    /// Whether a text is that fixed value. Only strings are fixed in the schemas.
    pub fn is_fixed(&self, text: &str, fixed: &str) -> bool {
        match self.white {
            White::Preserve => text == fixed,
            White::Replace => text.chars().map(|c| if lexical::SPACES.contains(&c) { ' ' } else { c }).eq(fixed.chars()),
            White::Collapse => text.split(lexical::SPACES).filter(|word| !word.is_empty()).eq(fixed.split(' ')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(simple: &Simple, text: &str) -> Option<&'static str> {
        simple.check(text).err().map(|wrong| wrong.code)
    }

    #[test]
    fn lengths_count_characters() {
        let exact = Simple { min_length: 4, max_length: 4, ..Simple::of(Base::String) };
        assert_eq!([code(&exact, "四个汉字"), code(&exact, "abcd"), code(&exact, "a\tb\n")], [None; 3]);
        assert_eq!([code(&exact, "四个汉"), code(&exact, "abcde"), code(&exact, "")], [Some("S-LENGTH"); 3]);
        let collapsed = Simple { white: White::Collapse, ..exact };
        assert_eq!([code(&collapsed, "  ab \t\n c "), code(&collapsed, " abcd ")], [None; 2]);
        assert_eq!(code(&collapsed, "ab c d"), Some("S-LENGTH"));
        let wrong = collapsed.check("中").unwrap_err();
        assert_eq!((wrong.zh.as_str(), wrong.en.as_str()), ("应为 4 个字符，实为 1 个", "must have 4 characters, has 1"));
    }

    #[test]
    fn decimals_and_whole_numbers() {
        let decimal = Simple { total_digits: Some(19), fraction_digits: Some(5), ..Simple::of(Base::Decimal) };
        for good in ["0", "1.5", "12345678901234.12345", "0.500000000", "-1", "+2.", ".5", "0000012345678901234567", " 7\n"] {
            assert_eq!(code(&decimal, good), None, "{good}");
        }
        for bad in ["", ".", "1e3", "1,5", "--1", "1.2.3", "1 2", "-", "NaN", "１"] {
            assert_eq!(code(&decimal, bad), Some("S-DECIMAL"), "{bad}");
        }
        assert_eq!(code(&decimal, "0.123456"), Some("S-FRACTION"));
        assert_eq!(code(&decimal, "12345678901234567890"), Some("S-DIGITS"));
        let five = Simple { total_digits: Some(5), ..Simple::of(Base::Int) };
        assert_eq!([code(&five, "99999"), code(&five, "007"), code(&five, "+1"), code(&five, " -00012345 ")], [None; 4]);
        assert_eq!([code(&five, "1.0"), code(&five, ""), code(&five, "99999999999")], [Some("S-INTEGER"); 3]);
        assert_eq!(code(&five, "100000"), Some("S-DIGITS"));
        assert_eq!(code(&Simple::of(Base::Integer), "99999999999"), None);
    }

    #[test]
    fn fixed_values() {
        let string = Simple::of(Base::String);
        assert!(string.is_fixed("1.0", "1.0") && !string.is_fixed(" 1.0", "1.0"));
        let collapsed = Simple { white: White::Collapse, ..string };
        assert!(collapsed.is_fixed(" a  b ", "a b") && !collapsed.is_fixed("ab", "a b"));
    }
}
