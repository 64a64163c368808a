//! What XML takes for a name (XML 1.0, fifth edition, productions 4 and 4a; Namespaces in XML 1.0).

const START: u8 = 1;
const FURTHER: u8 = 2;
/// Above ASCII: the character must be looked at.
const ABOVE: u8 = 4;

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte: u8 = 0;
    loop {
        table[byte as usize] = match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => START | FURTHER,
            b'0'..=b'9' | b'-' | b'.' => FURTHER,
            0x80.. => ABOVE,
            _ => 0,
        };
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

/// Whether that is a name without a colon.
pub fn is_part(part: &str) -> bool {
    let bytes = part.as_bytes();
    let all = bytes.iter().fold(FURTHER, |all, &b| all & CLASSES[usize::from(b)]);
    let starts = bytes.first().is_some_and(|&b| CLASSES[usize::from(b)] & START != 0);
    (starts && all != 0) || (!part.is_ascii() && is_part_above_ascii(part))
}

fn is_part_above_ascii(part: &str) -> bool {
    part.chars().next().is_some_and(starts) && part.chars().all(goes_on)
}

const fn starts(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '_' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
        | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}'
        | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

const fn goes_on(c: char) -> bool {
    starts(c) || matches!(c, '0'..='9' | '-' | '.' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// The name at the start of a tag.
pub struct Leading {
    /// In bytes.
    pub length: usize,
    /// Where its colon is.
    pub colon: Option<usize>,
    /// Whether it is known to be a name; if not, its parts must be looked at.
    pub is_plain: bool,
}

/// The name at the start of some bytes; nothing if there is none, or one with more than one colon.
pub fn leading(bytes: &[u8]) -> Option<Leading> {
    let mut seen = 0;
    let mut part = |from: usize| {
        let length = bytes.get(from..)?.iter().position(|&b| {
            let class = CLASSES[usize::from(b)];
            seen |= class;
            class == 0
        })?;
        let first = bytes.get(from).filter(|_| length > 0)?;
        Some((from + length, CLASSES[usize::from(*first)] & START != 0))
    };
    let (end, starts) = part(0)?;
    if bytes.get(end) != Some(&b':') {
        return Some(Leading { length: end, colon: None, is_plain: starts && seen & ABOVE == 0 });
    }
    let (length, also_starts) = part(end + 1)?;
    let is_plain = starts && also_starts && seen & ABOVE == 0;
    (bytes.get(length) != Some(&b':')).then_some(Leading { length, colon: Some(end), is_plain })
}

/// The prefix of a name, empty if it has none, and its local part.
pub fn split(name: &str) -> (&str, &str) {
    let colon = name.as_bytes().iter().position(|&b| b == b':');
    match colon.and_then(|at| Some((name.get(..at)?, name.get(at + 1..)?))) {
        Some(both) => both,
        None => ("", name),
    }
}

/// Whether that is a name with at most one prefix.
pub fn is_qualified(name: &str) -> bool {
    match split(name) {
        ("", local) => local.len() == name.len() && is_part(local),
        (prefix, local) => is_part(prefix) && is_part(local),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_every_script() {
        for good in ["a", "_a-1.b", "名", "a·b", "été", "a\u{300}", "a‿b", "\u{10000}", "Ω"] {
            assert!(is_part(good) && is_qualified(good) && is_qualified(&format!("{good}:{good}")), "{good}");
        }
        // No letters: a wide space, a multiplication sign, a dash, a combining mark in front, a private character.
        for bad in ["", "1a", "-a", ".a", "a b", "a\u{3000}", "\u{3000}", "×", "a–b", "\u{300}a", "a\u{E000}", "‿a", "·a", "a,"] {
            assert!(!is_part(bad) && !is_qualified(bad) && !is_qualified(&format!("a:{bad}")), "{bad}");
        }
        assert!(!is_qualified(":a") && !is_qualified("a:") && !is_qualified("a:b:c") && !is_qualified(":"));
        assert_eq!((split("a:b"), split("b"), split("a:b:c")), (("a", "b"), ("", "b"), ("a", "b:c")));
    }
}
