//! The field tables of the catalogue, and what of a message does not fit them: order, presence, length. Stricter than the schema
//! in one thing: where the specification says 必填 (required), an empty element is a fault too.

use super::{
    MAX_DOCUMENTS, Message, family,
    xml::tree::{Document, Element, Space},
};

/// The form of a value (message specification 202205: C36, C..60, C3..4, N19,5, N5).
#[derive(Clone, Copy)]
pub enum Form {
    /// So many characters.
    Exact(usize),
    /// At most so many characters.
    UpTo(usize),
    /// From so many characters to so many.
    Between(usize, usize),
    /// N19,5.
    Decimal,
    /// A whole number of at most so many digits.
    Whole(usize),
    /// This and nothing else.
    Fixed(&'static str),
}

/// One field of a block.
pub struct Field {
    name: &'static str,
    form: Form,
    required: bool,
}

/// A field that must be there.
pub const fn must(name: &'static str, form: Form) -> Field {
    Field { name, form, required: true }
}

/// A field that may be there.
pub const fn may(name: &'static str, form: Form) -> Field {
    Field { name, form, required: false }
}

/// How a document is built.
pub enum Shape {
    /// Its fields stand in it.
    Flat(&'static [Field]),
    /// A head, then 1 to 100 lines.
    Lines { head: (&'static str, &'static [Field]), line: (&'static str, &'static [Field]) },
}

const TRANSFER: &[Field] = &[
    must("copCode", Form::UpTo(18)),
    must("copName", Form::UpTo(100)),
    must("dxpMode", Form::Exact(3)),
    must("dxpId", Form::UpTo(30)),
    may("note", Form::UpTo(1000)),
];

const SUBSCRIPTION: &[Field] =
    &[must("status", Form::UpTo(100)), must("dxpMode", Form::Exact(3)), must("dxpAddress", Form::UpTo(100)), may("note", Form::UpTo(1000))];

const MAX_FAULTS: usize = 100;

/// What of a request does not fit the catalogue, at most 100 faults, by path; nothing if it fits.
#[must_use]
pub fn catalogue_faults(xml: &[u8]) -> Vec<String> {
    let document = match Document::read(xml) {
        Ok(document) => document,
        Err(error) => return vec![error.zh()],
    };
    let root = document.root();
    let mut faults = Faults(Vec::new());
    let Ok(Message::Request(kind)) = Message::of(root) else {
        faults.add(root.name(), "未知报文类型 unknown message type");
        return faults.0;
    };
    let length = |name| document.attribute(name).map_or(0, |value| value.chars().count());
    if length("guid") != 36 {
        faults.add("@guid", "应为36位 must have 36 characters");
    }
    if !(1..=10).contains(&length("version")) {
        faults.add("@version", "应为1至10位 must have 1 to 10 characters");
    }
    faults.message(root, family::of(kind));
    faults.0
}

struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, path: &str, what: &str) {
        if self.0.len() < MAX_FAULTS {
            self.0.push(format!("{path}: {what}"));
        }
    }

    fn message(&mut self, root: Element<'_, '_>, family: &family::Family) {
        // The blocks of a message in their order, and how often each may be there.
        let blocks: [(&str, usize, usize); 5] = [
            (family.document, 1, MAX_DOCUMENTS),
            ("BaseTransfer", 1, 1),
            ("BaseSubscribe", 0, 5),
            ("Signature", 0, 1),
            ("ExtendMessage", 0, 1),
        ];
        let mut counts = [0_usize; 5];
        let mut stage = 0;
        for child in root.children() {
            let place = blocks.iter().position(|(name, _, _)| *name == child.name());
            let Some(place) = place.filter(|&place| place >= stage && (place == 3) == (child.space() == Space::Ds)) else {
                self.add(child.name(), "节点位置不符 not allowed here");
                continue;
            };
            stage = place;
            counts[place] += 1;
            match place {
                0 => self.document(child, &format!("{}[{}]", family.document, counts[0]), &family.shape),
                1 => self.block(child, "BaseTransfer", TRANSFER),
                2 => self.block(child, "BaseSubscribe", SUBSCRIPTION),
                _ => {}
            }
        }
        for ((name, least, most), count) in blocks.into_iter().zip(counts) {
            if !(least..=most).contains(&count) {
                self.add(name, &format!("应出现{least}至{most}次 must be there {least} to {most} times"));
            }
        }
    }

    fn document(&mut self, document: Element<'_, '_>, path: &str, shape: &Shape) {
        let (head, line) = match shape {
            Shape::Flat(fields) => return self.block(document, path, fields),
            Shape::Lines { head, line } => (head, line),
        };
        let mut lines = 0;
        for (index, child) in document.children().enumerate() {
            if index == 0 && child.name() == head.0 {
                self.block(child, &format!("{path}/{}", head.0), head.1);
            } else if index > 0 && child.name() == line.0 {
                lines += 1;
                self.block(child, &format!("{path}/{}[{lines}]", line.0), line.1);
            } else {
                self.add(&format!("{path}/{}", child.name()), "节点位置不符 not allowed here");
            }
        }
        if document.child(head.0).is_none() {
            self.add(&format!("{path}/{}", head.0), "缺少 missing");
        }
        if !(1..=MAX_DOCUMENTS).contains(&lines) {
            self.add(&format!("{path}/{}", line.0), "应出现1至100次 must be there 1 to 100 times");
        }
    }

    fn block(&mut self, block: Element<'_, '_>, path: &str, fields: &[Field]) {
        let mut expected = fields.iter();
        for child in block.children() {
            let mut ahead = expected.clone();
            let Some(field) = ahead.by_ref().find(|field| field.name == child.name()) else {
                self.add(&format!("{path}/{}", child.name()), "节点位置不符 not allowed here");
                continue;
            };
            for skipped in expected.by_ref().take_while(|skipped| skipped.name != field.name) {
                self.absent(path, skipped);
            }
            let value = child.whole_text();
            if child.text().is_empty() && (field.required || !matches!(field.form, Form::UpTo(_))) {
                self.add(&format!("{path}/{}", field.name), "不得为空 must not be empty");
            } else if !fits(value, field.form) {
                self.add(&format!("{path}/{}", field.name), "长度或格式不符 wrong length or form");
            }
        }
        for skipped in expected {
            self.absent(path, skipped);
        }
    }

    fn absent(&mut self, path: &str, field: &Field) {
        if field.required {
            self.add(&format!("{path}/{}", field.name), "缺少 missing");
        }
    }
}

fn fits(value: &str, form: Form) -> bool {
    let length = || value.chars().count();
    match form {
        Form::Exact(exact) => length() == exact,
        Form::UpTo(most) => length() <= most,
        Form::Between(least, most) => (least..=most).contains(&length()),
        Form::Decimal => is_decimal(value.trim()),
        Form::Whole(digits) => is_whole(value.trim(), digits),
        Form::Fixed(fixed) => value == fixed,
    }
}

/// N19,5 as the schema counts it: zeros at either end do not count.
fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_number = unsigned.bytes().any(|b| b.is_ascii_digit()) && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
    let (whole, fraction) = (whole.trim_start_matches('0').len(), fraction.trim_end_matches('0').len());
    is_number && fraction <= 5 && whole + fraction <= 19
}

fn is_whole(text: &str, digits: usize) -> bool {
    text.parse::<i32>().is_ok_and(|number| number.unsigned_abs().to_string().len() <= digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_and_whole_numbers() {
        for good in ["0", "1.5", "12345678901234.12345", "0.500000000", "-1", "+2.", ".5", "0000012345678901234567"] {
            assert!(is_decimal(good), "{good}");
        }
        for bad in ["", ".", "1e3", "0.123456", "12345678901234567890", "1,5", "--1", "1.2.3"] {
            assert!(!is_decimal(bad), "{bad}");
        }
        assert!(is_whole("99999", 5) && is_whole("007", 1) && is_whole("+1", 1));
        assert!(!is_whole("100000", 5) && !is_whole("1.0", 5) && !is_whole("", 5) && !is_whole("99999999999", 9));
    }
}
