//! Writes Canonical XML 1.0 directly: start and end tags in pairs, no white space, canonical escapes, into one buffer.

use std::io::Write as _;

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::message::error::{Error, Problem};

/// How text bytes are written: as they are, escaped in text and attributes, escaped in attributes only, or not at all.
const PLAIN: u8 = 0;
const BOTH: u8 = 1;
const ATTRIBUTE: u8 = 2;
const TEXT: u8 = 3;
const NEVER: u8 = 4;
/// The first byte of U+FFFE and U+FFFF, which XML does not allow, and of much that it does.
const MAYBE: u8 = 5;

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [PLAIN; 256];
    let mut control = 0;
    while control < 0x20 {
        table[control] = NEVER;
        control += 1;
    }
    table[0xEF] = MAYBE;
    table[b'&' as usize] = BOTH;
    table[b'<' as usize] = BOTH;
    table[b'\r' as usize] = BOTH;
    table[b'>' as usize] = TEXT;
    table[b'"' as usize] = ATTRIBUTE;
    table[b'\t' as usize] = ATTRIBUTE;
    table[b'\n' as usize] = ATTRIBUTE;
    table
}

fn escaped(out: &mut Vec<u8>, text: &str, other: u8) -> bool {
    let bytes = text.as_bytes();
    let mut clean = true;
    let mut from = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let class = CLASSES[usize::from(byte)];
        if class == PLAIN {
            continue;
        }
        if class == MAYBE {
            clean &= !matches!(bytes.get(at + 1..at + 3), Some([0xBF, 0xBE | 0xBF]));
            continue;
        }
        if class != BOTH && class != NEVER && class != other {
            continue;
        }
        out.extend_from_slice(&bytes[from..at]);
        from = at + 1;
        let escape: &[u8] = match byte {
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            b'"' => b"&quot;",
            b'\r' => b"&#xD;",
            b'\t' => b"&#x9;",
            b'\n' => b"&#xA;",
            _ => {
                clean = false;
                b""
            }
        };
        out.extend_from_slice(escape);
    }
    out.extend_from_slice(&bytes[from..]);
    clean
}

/// Whether nothing in it is escaped or refused, or may be: eight bytes at a time, which for what messages say costs half of looking at
/// each. A byte may be taken for a special one beside one that is.
fn is_plain(bytes: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    /// The highest bit of each byte that is zero.
    const fn zeros(of: u64) -> u64 {
        of.wrapping_sub(ONES) & !of & HIGHS
    }
    const fn all(byte: u8) -> u64 {
        ONES * u64::from_le_bytes([byte, 0, 0, 0, 0, 0, 0, 0])
    }
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut special = 0;
    for eight in eights {
        let eight = u64::from_le_bytes(*eight);
        let control = eight.wrapping_sub(all(0x20)) & !eight & HIGHS;
        let named = zeros(eight ^ all(b'&')) | zeros(eight ^ all(b'<')) | zeros(eight ^ all(b'>')) | zeros(eight ^ all(b'"'));
        special |= control | named | zeros(eight ^ all(0xEF));
    }
    special == 0 && rest.iter().fold(PLAIN, |class, &byte| class | CLASSES[usize::from(byte)]) == PLAIN
}

/// Writes the text of an element; tells whether XML allows all of its characters.
pub fn text(out: &mut Vec<u8>, value: &str) -> bool {
    if is_plain(value.as_bytes()) {
        out.extend_from_slice(value.as_bytes());
        return true;
    }
    escaped(out, value, TEXT)
}

fn digit(value: u64) -> u8 {
    const DIGITS: [u8; 10] = *b"0123456789";
    usize::try_from(value % 10).ok().and_then(|at| DIGITS.get(at)).copied().unwrap_or(b'0')
}

/// Writes `digits`, the last `behind` of them behind a point: a quarter of what the formatting of decimals costs.
fn digits(out: &mut Vec<u8>, mut digits: u64, behind: u32) {
    // Scales end at 28, a u64 has 20 digits.
    let mut buffer = [b'0'; 32];
    let mut from = buffer.len();
    let mut written = 0;
    while digits > 0 || written <= behind {
        for byte in [(written == behind && behind > 0).then_some(b'.'), Some(digit(digits))].into_iter().flatten() {
            from -= 1;
            buffer[from] = byte;
        }
        digits /= 10;
        written += 1;
    }
    out.extend_from_slice(&buffer[from..]);
}

/// Writes the value of an attribute; tells whether XML allows all of its characters.
pub fn attribute_value(out: &mut Vec<u8>, value: &str) -> bool {
    escaped(out, value, ATTRIBUTE)
}

/// Writes elements of one namespace under one prefix.
pub struct Writer {
    out: Vec<u8>,
    /// With its colon, or empty.
    prefix: &'static str,
    fault: Option<Error>,
}

impl Writer {
    /// A writer that has room for `capacity` bytes. `prefix` comes with its colon, or is empty.
    pub fn new(prefix: &'static str, capacity: usize) -> Self {
        Self { out: Vec::with_capacity(capacity), prefix, fault: None }
    }

    /// The bytes, unless something could not be written.
    pub fn finish(self) -> Result<Vec<u8>, Error> {
        self.fault.map_or(Ok(self.out), Err)
    }

    /// Writes bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Remembers the first thing that could not be written.
    pub fn fail(&mut self, problem: Problem, subject: &'static str) {
        self.fault.get_or_insert_with(|| Error::new(problem, subject));
    }

    /// `<name` or `</name`. The prefix of requests is written with what stands before it, as one.
    fn name(&mut self, ends: bool, name: &str) {
        match (self.prefix, ends) {
            ("ceb:", false) => self.out.extend_from_slice(b"<ceb:"),
            ("ceb:", true) => self.out.extend_from_slice(b"</ceb:"),
            (prefix, ends) => {
                self.out.extend_from_slice(if ends { b"</" } else { b"<" });
                self.out.extend_from_slice(prefix.as_bytes());
            }
        }
        self.out.extend_from_slice(name.as_bytes());
    }

    /// `<name>`.
    pub fn open(&mut self, name: &'static str) {
        self.name(false, name);
        self.out.push(b'>');
    }

    /// `<name`, to be followed by [`Writer::attribute`] and [`Writer::opened`].
    pub fn begin(&mut self, name: &'static str) {
        self.name(false, name);
    }

    /// ` name="value"`. The caller keeps the canonical order: namespaces by prefix, then attributes by name.
    pub fn attribute(&mut self, name: &'static str, value: &str) {
        self.out.push(b' ');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"=\"");
        if !attribute_value(&mut self.out, value) {
            self.fail(Problem::Character, name);
        }
        self.out.push(b'"');
    }

    /// `>`.
    pub fn opened(&mut self) {
        self.out.push(b'>');
    }

    /// `</name>`.
    pub fn close(&mut self, name: &'static str) {
        self.name(true, name);
        self.out.push(b'>');
    }

    /// `<name>value</name>`.
    pub fn leaf(&mut self, name: &'static str, value: &str) {
        self.open(name);
        if !text(&mut self.out, value) {
            self.fail(Problem::Character, name);
        }
        self.close(name);
    }

    /// As [`Writer::leaf`], or nothing if there is no value: an optional element of fixed length must not be sent empty.
    pub fn optional(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.leaf(name, value);
        }
    }

    /// A decimal without exponent and without zeros that say nothing.
    pub fn decimal(&mut self, name: &'static str, value: Decimal) {
        self.open(name);
        match u64::try_from(value.mantissa()) {
            Ok(mut mantissa) => {
                let mut scale = value.scale();
                while scale > 0 && mantissa.is_multiple_of(10) {
                    (mantissa, scale) = (mantissa / 10, scale - 1);
                }
                digits(&mut self.out, mantissa, scale);
            }
            // Below zero, or longer than any amount. Writing into a Vec does not fail.
            Err(_) => drop(write!(self.out, "{}", value.normalize())),
        }
        self.close(name);
    }

    /// A whole number.
    pub fn number(&mut self, name: &'static str, value: impl Into<i64>) {
        self.open(name);
        let value = value.into();
        match u64::try_from(value) {
            Ok(value) => digits(&mut self.out, value, 0),
            Err(_) => drop(write!(self.out, "{value}")),
        }
        self.close(name);
    }

    /// A guid, its letters in upper case unless `lower`.
    pub fn guid(&mut self, name: &'static str, guid: Uuid, lower: bool) {
        let mut buffer = Uuid::encode_buffer();
        let text = if lower { guid.hyphenated().encode_lower(&mut buffer) } else { guid.hyphenated().encode_upper(&mut buffer) };
        self.name(false, name);
        self.out.push(b'>');
        self.out.extend_from_slice(text.as_bytes());
        self.close(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_as_canonical_xml_does() {
        let mut out = Vec::new();
        assert!(text(&mut out, "，") && std::mem::take(&mut out) == "，".as_bytes(), "what only begins alike is left alone");
        assert!(text(&mut out, "a&b<c>d\"e'f\tg\nh\ri中"));
        assert_eq!(String::from_utf8(out).unwrap(), "a&amp;b&lt;c&gt;d\"e'f\tg\nh&#xD;i中");
        let mut out = Vec::new();
        assert!(attribute_value(&mut out, "a&b<c>d\"e'f\tg\nh\ri"));
        assert_eq!(String::from_utf8(out).unwrap(), "a&amp;b&lt;c>d&quot;e'f&#x9;g&#xA;h&#xD;i");
    }

    #[test]
    fn characters_that_xml_does_not_allow_are_refused() {
        for bad in ["\u{1}", "a\u{0}", "\u{FFFE}", "，\u{FFFF}"] {
            let mut writer = Writer::new("", 0);
            writer.leaf("note", bad);
            let error = writer.finish().unwrap_err();
            assert_eq!((error.problem(), error.subject()), (Problem::Character, "note"));
        }
    }

    #[test]
    fn what_is_plain_is_what_is_written_as_it_stands() {
        let by_byte = |text: &str| text.bytes().all(|byte| CLASSES[usize::from(byte)] == PLAIN);
        for byte in 0..=0x7F_u8 {
            for place in 0..20 {
                let mut text = "abcdefghij中文klmnopqrs".to_owned();
                text.insert(place.min(10), char::from(byte));
                assert_eq!(is_plain(text.as_bytes()), by_byte(&text), "{text:?}");
                let alone: String = std::iter::repeat_n('x', place).chain([char::from(byte)]).collect();
                assert_eq!(is_plain(alone.as_bytes()), by_byte(&alone), "{alone:?}");
            }
        }
        for text in ["，", "女式手提包，夏季", "ＡＢＣ", "", "广州样例物流有限公司"] {
            assert_eq!(is_plain(text.as_bytes()), by_byte(text), "{text}");
        }
    }

    #[test]
    fn numbers_are_as_they_are_printed() {
        for value in [0, 1, 9, 10, 603, 99_999, i64::MAX, -1, -603, i64::MIN] {
            let mut writer = Writer::new("", 0);
            writer.number("n", value);
            assert_eq!(String::from_utf8(writer.finish().unwrap()).unwrap(), format!("<n>{value}</n>"));
        }
        let written = |value: Decimal| {
            let mut writer = Writer::new("", 0);
            writer.decimal("n", value);
            String::from_utf8(writer.finish().unwrap()).unwrap()
        };
        for scale in 0..=28 {
            for mantissa in [0, 1, 10, 100, 12_345, 1_000_000, 10_000_000_000, -1, -250, i64::MAX, i64::MIN] {
                let value = Decimal::new(mantissa, scale);
                assert_eq!(written(value), format!("<n>{}</n>", value.normalize()), "{mantissa} {scale}");
            }
        }
        for value in [Decimal::MAX, Decimal::MIN] {
            assert_eq!(written(value), format!("<n>{value}</n>"));
        }
    }

    #[test]
    fn decimals_are_plain_and_short() {
        let mut writer = Writer::new("", 0);
        for value in ["1.50000", "100", "0.00", "12345678901234.12345", "0.00001"] {
            writer.decimal("n", value.parse().unwrap());
        }
        let text = String::from_utf8(writer.finish().unwrap()).unwrap();
        assert_eq!(text, "<n>1.5</n><n>100</n><n>0</n><n>12345678901234.12345</n><n>0.00001</n>");
    }
}
