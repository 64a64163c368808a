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

fn width(text: &str) -> usize {
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
