//! Reads a small table of comma-separated text and tells everything that is wrong with it, line by line.

use std::fmt;

/// The most bytes a table may have.
pub const MOST_BYTES: usize = 4 << 20;
/// The most rows.
const MOST_ROWS: usize = 50_000;
/// The most faults that are told; the rest is only counted.
const MOST_FAULTS: usize = 100;

/// Two cells that belong together.
pub(super) type Cells<'a> = (&'a str, &'a str);

/// One thing that is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, counted from 1; 0 where it is the whole table.
    pub line: u64,
    /// What is wrong, in Chinese.
    pub zh: String,
    /// What is wrong, in English.
    pub en: String,
}

/// Everything that is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq, Default, thiserror::Error)]
pub struct Faults {
    list: Vec<Fault>,
    total: usize,
}

impl Faults {
    pub(super) fn add(&mut self, line: u64, zh: &str, en: &str) {
        self.total += 1;
        if self.list.len() < MOST_FAULTS {
            self.list.push(Fault { line, zh: zh.to_owned(), en: en.to_owned() });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn sorted(mut self) -> Self {
        self.list.sort_by_key(|fault| fault.line);
        self
    }

    /// Those that are kept, by line.
    #[must_use]
    pub fn list(&self) -> &[Fault] {
        &self.list
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Fault { line, zh, en }) in self.list.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            match line {
                0 => write!(f, "{end}  {zh} · {en}")?,
                line => write!(f, "{end}  第{line}行：{zh} · line {line}: {en}")?,
            }
        }
        match self.total.saturating_sub(self.list.len()) {
            0 => Ok(()),
            more => write!(f, "\n  另有{more}处 · and {more} more"),
        }
    }
}

/// One row: its line in the text, and its cells in the order of the columns asked for.
pub(super) struct Row<const N: usize> {
    pub(super) line: u64,
    pub(super) cells: [String; N],
}

/// The rows of a table whose first line names its columns, in any order; `#` begins a comment line.
pub(super) fn rows<const N: usize>(text: &str, columns: [&str; N], faults: &mut Faults) -> Vec<Row<N>> {
    if text.len() > MOST_BYTES {
        faults.add(0, "文件过大", "the file is too large");
        return Vec::new();
    }
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let (first, head) = lines.next().unwrap_or((1, ""));
    let Some(places) = places(first, &cells(head).unwrap_or_default(), columns, faults) else { return Vec::new() };
    let mut found = Vec::new();
    for (line, written) in lines {
        if found.len() == MOST_ROWS {
            faults.add(line, &format!("超过{MOST_ROWS}行"), &format!("there are more than {MOST_ROWS} rows"));
            break;
        }
        match cells(written) {
            Some(cells) if cells.len() == N => {
                found.push(Row { line, cells: places.map(|place| cells.get(place).unwrap_or_default().to_owned()) });
            }
            Some(_) => faults.add(line, &format!("应有{N}列"), &format!("{N} columns are expected")),
            None => faults.add(line, "无法读取", "cannot be read"),
        }
    }
    if found.is_empty() && faults.is_empty() {
        faults.add(0, "没有数据行", "there are no rows");
    }
    found
}

/// The cells of one line. A cell has no line break in it, so that the lines can be counted.
fn cells(line: &str) -> Option<csv::StringRecord> {
    let reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .buffer_capacity(line.len())
        .from_reader(line.as_bytes());
    reader.into_records().next()?.ok()
}

/// Where each column stands.
fn places<const N: usize>(line: u64, headers: &csv::StringRecord, columns: [&str; N], faults: &mut Faults) -> Option<[usize; N]> {
    let mut places = [0; N];
    let mut good = true;
    for (place, column) in places.iter_mut().zip(columns) {
        let mut found = headers.iter().enumerate().filter(|(_, header)| header.eq_ignore_ascii_case(column));
        match (found.next(), found.next()) {
            (Some((at, _)), None) => *place = at,
            _ => {
                faults.add(line, &format!("须有一列 {column}"), &format!("one column {column} is expected"));
                good = false;
            }
        }
    }
    if headers.len() > N {
        faults.add(line, &format!("应有{N}列"), &format!("{N} columns are expected"));
        good = false;
    }
    good.then_some(places)
}
