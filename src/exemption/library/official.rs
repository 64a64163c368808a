//! From the authority's files (CMCODE: a DBF table with its FPT memo texts) to the form in which a gateway loads a version.

use std::fmt::Write as _;

use super::{COLUMNS, Version, dbf::Table, rate};
use crate::exemption::table::{DataError, Span};

const TABLE: &str = "rate library";
/// What else the authority's table holds of a row.
const MORE: [&str; 3] = ["name", "unit", "dwcode"];
/// Faults told of one file.
const MOST_FAULTS: usize = 20;

/// What the files do not say of themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The version: `2026B`.
    pub version: String,
    /// What it is, for people, and where it was got.
    pub label: String,
    /// The export dates it speaks for.
    pub covers: Span,
}

/// The cells of a row of which the library can make something.
fn sound(line: usize, cells: Vec<String>) -> Result<Vec<String>, DataError> {
    let mut places = cells.iter().map(|cell| cell.trim());
    let own = COLUMNS.map(|_| places.next().unwrap_or_default());
    rate(line, own)?;
    Ok(cells)
}

/// The text of a version's file, from the authority's; read back once, so that what is written can be loaded.
///
/// # Errors
/// Everything that is wrong with the files, the first [`MOST_FAULTS`] of it.
pub fn convert(dbf: &[u8], memo: Option<&[u8]>, about: &About) -> Result<String, Vec<DataError>> {
    let alone = |what: &str| vec![DataError::new(TABLE, 0, what)];
    if about.version.trim().is_empty() || [&about.version, &about.label].iter().any(|text| text.contains(['\n', '\r'])) {
        return Err(alone("版本与来源说明各为一行文字 · the version and its label are one line of text each"));
    }
    let table = Table::read(dbf, memo).map_err(|error| vec![error])?;
    if let Some(missing) = COLUMNS.iter().find(|column| !table.has(column)) {
        return Err(alone(&format!("表中没有字段 {0} · the table has no field {0}", missing.to_ascii_uppercase())));
    }
    let day = |day: Option<time::Date>| day.map(|day| day.to_string()).unwrap_or_default();
    let mut text = format!("# version: {}\n# label: {}\n# covers: ", about.version.trim(), about.label.trim());
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}..{}", day(about.covers.from), day(about.covers.to));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let columns = || COLUMNS.iter().chain(&MORE);
    let mut faults: Vec<DataError> = Vec::new();
    let mut keep = |record: Result<Vec<String>, DataError>| match record.map(|record| writer.write_record(record)) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => faults.push(DataError::new(TABLE, 0, error.to_string())),
        Err(error) if faults.len() < MOST_FAULTS => faults.push(error),
        Err(_) => {}
    };
    keep(Ok(columns().map(|column| (*column).to_owned()).collect()));
    for (line, record) in table.numbers() {
        keep(columns().map(|column| table.text(line, record, column)).collect::<Result<_, _>>().and_then(|cells| sound(line, cells)));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let rows = writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.push_str(&rows.ok_or_else(|| alone("行无法写出 · the rows cannot be written"))?);
    Version::parse_csv(&text).map_err(|error| vec![error])?;
    Ok(text)
}
