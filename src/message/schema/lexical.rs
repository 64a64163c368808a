//! The written forms of XML Schema part 2.

/// What XML takes for white space.
pub const SPACES: [char; 4] = [' ', '\t', '\n', '\r'];

/// Without white space at its ends.
pub fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [b' ' | b'\t' | b'\n' | b'\r', ..] | [.., b' ' | b'\t' | b'\n' | b'\r'] => text.trim_matches(SPACES),
        _ => text,
    }
}

/// Characters that are left when runs of white space are one space and none is at the ends.
pub fn collapsed_length(text: &str) -> usize {
    let words = text.split(SPACES).filter(|word| !word.is_empty());
    words.map(|word| word.chars().count() + 1).sum::<usize>().saturating_sub(1)
}

/// Significant digits before and behind the point, if the text is a decimal number. Zeros at either end do not count.
pub fn decimal(text: &str) -> Option<(usize, usize)> {
    let unsigned = text.as_bytes();
    let unsigned = unsigned.strip_prefix(b"-").or_else(|| unsigned.strip_prefix(b"+")).unwrap_or(unsigned);
    let point = unsigned.iter().position(|b| !b.is_ascii_digit()).unwrap_or(unsigned.len());
    let (whole, fraction) = unsigned.split_at_checked(point)?;
    let fraction = match *fraction {
        [] => fraction,
        [b'.', ref digits @ ..] if digits.iter().all(u8::is_ascii_digit) => digits,
        _ => return None,
    };
    if whole.len() + fraction.len() == 0 {
        return None;
    }
    let not_zero = |&b: &u8| b != b'0';
    let before = whole.iter().position(not_zero).map_or(0, |at| whole.len() - at);
    Some((before, fraction.iter().rposition(not_zero).map_or(0, |at| at + 1)))
}

/// Base64: whole groups of four, white space anywhere, and no bits set that the padding leaves over.
pub fn base64(text: &str) -> bool {
    let mut count: usize = 0;
    let mut padding: usize = 0;
    let mut last = 0;
    for byte in text.bytes() {
        let sextet = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            b' ' | b'\t' | b'\n' | b'\r' => continue,
            _ => return false,
        };
        if padding > 0 {
            return false;
        }
        count += 1;
        last = sextet;
    }
    match padding {
        0 => count.is_multiple_of(4),
        1 => count % 4 == 3 && last.trailing_zeros() >= 2,
        2 => count % 4 == 2 && last.trailing_zeros() >= 4,
        _ => false,
    }
}

/// `yyyy-MM-dd`, with a zone or without.
pub fn date(text: &str) -> bool {
    day(text).is_some_and(zone)
}

/// `yyyy-MM-ddThh:mm:ss`, with a fraction and a zone or without.
pub fn date_time(text: &str) -> bool {
    let rest = day(text).and_then(|rest| clock(rest.strip_prefix('T')?));
    rest.is_some_and(zone)
}

/// Takes a number of two digits off.
fn two(text: &str, least: u8, most: u8) -> Option<(u8, &str)> {
    let (digits, rest) = text.split_at_checked(2)?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = digits.parse().ok().filter(|number| (least..=most).contains(number))?;
    Some((number, rest))
}

fn day(text: &str) -> Option<&str> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (year, rest) = unsigned.split_at_checked(unsigned.bytes().take_while(u8::is_ascii_digit).count())?;
    // Four digits, more only without a zero in front; there was no year 0.
    if year.len() < 4 || (year.len() > 4 && year.starts_with('0')) || year == "0000" {
        return None;
    }
    let (month, rest) = two(rest.strip_prefix('-')?, 1, 12)?;
    let (day, rest) = two(rest.strip_prefix('-')?, 1, 31)?;
    (day <= days(year, month)).then_some(rest)
}

fn days(year: &str, month: u8) -> u8 {
    let last_four = year.get(year.len().saturating_sub(4)..).and_then(|digits| digits.parse::<u16>().ok()).unwrap_or_default();
    let leaps = last_four.is_multiple_of(4) && (!last_four.is_multiple_of(100) || last_four.is_multiple_of(400));
    match month {
        2 if leaps => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn clock(text: &str) -> Option<&str> {
    let (hour, rest) = two(text, 0, 24)?;
    let (minute, rest) = two(rest.strip_prefix(':')?, 0, 59)?;
    let (second, mut rest) = two(rest.strip_prefix(':')?, 0, 59)?;
    let mut is_whole = true;
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, after) = fraction.split_at_checked(digits).filter(|_| digits > 0)?;
        is_whole = fraction.bytes().all(|b| b == b'0');
        rest = after;
    }
    // 24:00:00 is the end of the day.
    (hour < 24 || (minute == 0 && second == 0 && is_whole)).then_some(rest)
}

fn zone(text: &str) -> bool {
    let Some(offset) = text.strip_prefix(['+', '-']) else { return text.is_empty() || text == "Z" };
    let parts = two(offset, 0, 14).and_then(|(hours, rest)| Some((hours, two(rest.strip_prefix(':')?, 0, 59)?)));
    parts.is_some_and(|(hours, (minutes, rest))| rest.is_empty() && (hours < 14 || minutes == 0))
}

/// A URI reference. XML Schema allows nearly every text: what is left is that escapes are whole and a scheme is a scheme.
pub fn uri(text: &str) -> bool {
    text.split('%').skip(1).all(|escape| escape.len() >= 2 && escape.bytes().take(2).all(|b| b.is_ascii_hexdigit()))
        && text.matches('#').count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_whole_groups() {
        for good in ["", "AAAA", "AA==", "AAA=", "A A\r\nA A", "AAAA AQ= =", "////", " + + A ="] {
            assert!(base64(good), "{good}");
        }
        for bad in ["A", "AA", "AAA", "AB==", "AAB=", "AA=A", "A===", "====", "!!", "AAAA=", "中文"] {
            assert!(!base64(bad), "{bad}");
        }
    }

    #[test]
    fn days_and_moments() {
        for good in ["2026-11-11", "2024-02-29", "2000-02-29Z", "12026-01-01", "-0001-12-31", "2026-11-11+08:00", "2026-11-11-14:00"] {
            assert!(date(good), "{good}");
        }
        for bad in [
            "",
            "2026-02-29",
            "1900-02-29",
            "2026-11-31",
            "0000-01-01",
            "02026-01-01",
            "2026-1-1",
            "20261111",
            "2026-11-11+14:01",
            "2026-11-11Zz",
        ] {
            assert!(!date(bad), "{bad}");
        }
        for good in ["2026-11-11T08:09:10", "2026-11-11T24:00:00", "2026-11-11T08:09:10.123Z", "2026-11-11T23:59:59-00:00"] {
            assert!(date_time(good), "{good}");
        }
        for bad in [
            "2026-11-11",
            "2026-11-11T8:09:10",
            "2026-11-11T24:00:01",
            "2026-11-11T08:09:60",
            "2026-11-11T08:09:10.",
            "2026-11-11 08:09:10",
            "2026-11-11T08:09:1中",
        ] {
            assert!(!date_time(bad), "{bad}");
        }
    }

    #[test]
    fn uris() {
        assert!(uri("") && uri("#id") && uri("http://www.w3.org/2000/09/xmldsig#sha1") && uri("中%E4"));
        assert!(!uri("%") && !uri("a%zz") && !uri("a#b#c"));
    }
}
