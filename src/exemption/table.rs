//! Reads the tables this family ships, and spans of days.

use serde::{Deserialize, Serialize};
use time::Date;

use crate::clock::parse_day;

/// A table that cannot be read: which, where, why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{table}，第 {line} 行 · line {line}: {what}")]
pub struct DataError {
    /// The table.
    pub table: String,
    /// The line, counted from 1; 0 where it is the whole table.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl DataError {
    pub(super) fn new(table: &str, line: usize, what: impl Into<String>) -> Self {
        Self { table: table.to_owned(), line, what: what.into() }
    }
}

/// From a day to a day, both included; open where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Span {
    /// The first day.
    pub from: Option<Date>,
    /// The last day.
    pub to: Option<Date>,
}

impl Span {
    /// Whether it ends before it begins.
    #[must_use]
    pub fn is_backwards(&self) -> bool {
        self.from.zip(self.to).is_some_and(|(from, to)| to < from)
    }

    /// Whether the day lies in it.
    #[must_use]
    pub fn holds(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }
}

/// One row: its line in the text and its cells, as many as the header has.
pub(super) struct Row<'a, const N: usize> {
    pub(super) line: usize,
    pub(super) cells: [&'a str; N],
}

/// The rows of a tab-separated table with exactly this header; `#` starts a comment line.
pub(super) fn rows<'a, const N: usize>(table: &str, header: [&str; N], text: &'a str) -> Result<Vec<Row<'a, N>>, DataError> {
    let mut rows = Vec::new();
    let mut headed = false;
    for (index, written) in text.lines().enumerate() {
        let line = index + 1;
        if written.starts_with('#') || written.trim().is_empty() {
            continue;
        }
        let cells: Vec<&str> = written.split('\t').map(str::trim).collect();
        let Ok(cells) = <[&str; N]>::try_from(cells) else {
            return Err(DataError::new(table, line, format!("应有 {N} 列 · {N} columns are expected")));
        };
        if headed {
            rows.push(Row { line, cells });
        } else if cells == header {
            headed = true;
        } else {
            return Err(DataError::new(table, line, format!("表头应为 {0} · the header must be {0}", header.join(" "))));
        }
    }
    if headed { Ok(rows) } else { Err(DataError::new(table, 0, "没有表头 · there is no header")) }
}

/// A day, or none if the cell is empty.
pub(super) fn day(table: &str, line: usize, cell: &str) -> Result<Option<Date>, DataError> {
    if cell.is_empty() {
        return Ok(None);
    }
    parse_day(cell).map(Some).ok_or_else(|| DataError::new(table, line, "应为日期 · a day is expected"))
}

/// A span of two cells.
pub(super) fn span(table: &str, line: usize, from: &str, to: &str) -> Result<Span, DataError> {
    let span = Span { from: day(table, line, from)?, to: day(table, line, to)? };
    if span.is_backwards() { Err(DataError::new(table, line, "止日早于起日 · it ends before it begins")) } else { Ok(span) }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn a_span_includes_both_ends() {
        let span = Span { from: Some(date!(2026 - 01 - 01)), to: Some(date!(2026 - 12 - 31)) };
        assert!(span.holds(date!(2026 - 01 - 01)) && span.holds(date!(2026 - 12 - 31)));
        assert!(!span.holds(date!(2025 - 12 - 31)) && !span.holds(date!(2027 - 01 - 01)));
        assert!(Span::default().holds(date!(1949 - 10 - 01)));
    }

    #[test]
    fn a_broken_table_is_refused_with_its_line() {
        assert_eq!(rows("t", ["a", "b"], "a\tb\n1\t2\n# c\n3\n").err().map(|e| e.line), Some(4));
        assert_eq!(rows("t", ["a", "b"], "b\ta\n").err().map(|e| e.line), Some(1));
        assert_eq!(rows("t", ["a", "b"], "").err().map(|e| e.line), Some(0));
        assert!(span("t", 1, "2026-02-01", "2026-01-01").is_err());
        assert!(span("t", 1, "2026-02-30", "").is_err());
    }
}
