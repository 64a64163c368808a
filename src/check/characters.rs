//! Characters that a message may hold, but nobody can see, or not everybody in the same way.

/// Ranges of the general categories Cf (format: zero width, direction, tags), Zl, Zp (line and paragraph separators) and Co
/// (private use), and the noncharacters: Unicode 15.1, DerivedGeneralCategory.txt and the core specification §23.7.
const UNSEEN: [(char, char); 24] = [
    ('\u{AD}', '\u{AD}'),
    ('\u{600}', '\u{605}'),
    ('\u{61C}', '\u{61C}'),
    ('\u{6DD}', '\u{6DD}'),
    ('\u{70F}', '\u{70F}'),
    ('\u{890}', '\u{891}'),
    ('\u{8E2}', '\u{8E2}'),
    ('\u{180E}', '\u{180E}'),
    ('\u{200B}', '\u{200F}'),
    ('\u{2028}', '\u{202E}'),
    ('\u{2060}', '\u{2064}'),
    ('\u{2066}', '\u{206F}'),
    ('\u{E000}', '\u{F8FF}'),
    ('\u{FDD0}', '\u{FDEF}'),
    ('\u{FEFF}', '\u{FEFF}'),
    ('\u{FFF9}', '\u{FFFB}'),
    ('\u{110BD}', '\u{110BD}'),
    ('\u{110CD}', '\u{110CD}'),
    ('\u{13430}', '\u{1343F}'),
    ('\u{1BCA0}', '\u{1BCA3}'),
    ('\u{1D173}', '\u{1D17A}'),
    ('\u{E0001}', '\u{E0001}'),
    ('\u{E0020}', '\u{E007F}'),
    ('\u{F0000}', '\u{10FFFF}'),
];

/// Tells whether a character is one of those that are not seen, control characters included.
#[must_use]
pub fn is_unseen(c: char) -> bool {
    match c {
        // What nearly all texts consist of.
        ' '..='~' | '\u{3000}'..='\u{D7FF}' | '\u{FF00}'..='\u{FFEF}' => false,
        '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' => true,
        _ => {
            let last_two_of_a_plane = matches!(u32::from(c) & 0xFFFF, 0xFFFE | 0xFFFF);
            let at = UNSEEN.partition_point(|&(_, last)| last < c);
            last_two_of_a_plane || UNSEEN.get(at).is_some_and(|&(first, _)| first <= c)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_ways_say_what_the_table_says() {
        assert!(UNSEEN.is_sorted());
        for c in '\0'..=char::MAX {
            let last_two = matches!(u32::from(c) & 0xFFFF, 0xFFFE | 0xFFFF);
            let listed = UNSEEN.iter().any(|&(first, last)| (first..=last).contains(&c));
            assert_eq!(is_unseen(c), c.is_control() || last_two || listed, "{c:?}");
        }
    }

    #[test]
    fn what_is_not_seen_is_known() {
        let unseen = "\u{0}\t\u{7F}\u{85}\u{AD}\u{61C}\u{200B}\u{200D}\u{200F}\u{2028}\u{2029}\u{202E}\u{2060}\u{2066}\u{2069}\u{E000}\u{F8FF}\u{FDD0}\
                      \u{FEFF}\u{FFFE}\u{FFFF}\u{1FFFE}\u{E0041}\u{EFFFF}\u{F0000}\u{10FFFD}";
        for c in unseen.chars() {
            assert!(is_unseen(c), "{c:?}");
        }
        for c in "Az09 -\u{A0}无（）·é中\u{3000}𠀀\u{2027}\u{202F}\u{F900}\u{FFFD}😀".chars() {
            assert!(!is_unseen(c), "{c:?}");
        }
    }
}
