//! Tables of plain text, aligned for Chinese characters, which are two columns wide.

/// Lays out rows under a heading, each column as wide as its widest cell up to `widest` columns.
pub(super) fn layout(heading: &[&str], rows: &[Vec<String>], widest: usize) -> String {
    let mut widths: Vec<usize> = heading.iter().map(|cell| width(cell)).collect();
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            if let Some(known) = widths.get_mut(at) {
                *known = width(cell).clamp(*known, widest);
            }
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<_> = cells.zip(&widths).map(|(cell, &width)| pad(cell, width)).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&mut heading.iter().copied())];
    lines.push(widths.iter().map(|width| "─".repeat(*width)).collect::<Vec<_>>().join("  "));
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}

fn pad(cell: &str, to: usize) -> String {
    let mut shown = String::new();
    let mut used = 0;
    for c in cell.chars() {
        let wide = char_width(c);
        if used + wide > to {
            break;
        }
        used += wide;
        shown.push(c);
    }
    shown.push_str(&" ".repeat(to.saturating_sub(used)));
    shown
}

/// Breaks a text into lines of at most so many columns: at spaces where it can, else between characters.
pub(super) fn wrap(text: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in words(text) {
        let wide = width(word);
        if used > 0 && used + width(word.trim_end()) > most {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
        }
        used += wide;
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// What must not be broken: a word of letters with the spaces after it, or one wide character with the marks after it.
fn words(text: &str) -> Vec<&str> {
    const CLOSING: &str = "，。；：！？、）》”";
    let mut words = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|&(_, next)| next);
        let end = at + c.len_utf8();
        let may_break = match next {
            None => true,
            Some(' ') => false,
            Some(next) if CLOSING.contains(next) => false,
            Some(next) => c == ' ' || char_width(c) == 2 && !"（《“".contains(c) || char_width(next) == 2,
        };
        if may_break {
            words.extend(text.get(start..end));
            start = end;
        }
    }
    words
}

pub(super) fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Chinese characters and full-width forms take two columns of a terminal.
fn char_width(c: char) -> usize {
    match c {
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_script() {
        let rows = vec![vec!["广州".to_owned(), "x".to_owned()], vec!["ab".to_owned(), "a longer cell".to_owned()]];
        assert_eq!(layout(&["关区", "b"], &rows, 8), "关区  b\n────  ────────\n广州  x\nab    a longer");
    }
}
