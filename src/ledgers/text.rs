//! The two forms in which rows are written.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::Error;
use crate::exemption::ledger::Column;

/// Tells Excel that the text is UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// The form of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// Comma-separated, for Excel: the first row names each column in Chinese and as programs call it.
    #[default]
    Csv,
    /// A JSON object a line.
    Jsonl,
}

impl Form {
    /// Writes what stands above the rows.
    pub(super) fn head(self, columns: &[Column], to: &mut Vec<u8>) {
        if self == Self::Csv {
            to.extend_from_slice(MARK);
            line(columns.iter().map(|(name, zh)| format!("{zh} {name}")), to);
        }
    }

    /// Writes the columns of an object.
    pub(super) fn row(self, row: &Value, columns: &[Column], to: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Csv => line(columns.iter().map(|(name, _)| cell(row.get(name))), to),
            Self::Jsonl => {
                let picked: Map<String, Value> =
                    columns.iter().filter_map(|&(name, _)| Some((name.to_owned(), row.get(name)?.clone()))).collect();
                serde_json::to_writer(&mut *to, &picked)?;
                to.push(b'\n');
            }
        }
        Ok(())
    }
}

/// Writes cells as Excel reads them (RFC 4180).
fn line(cells: impl Iterator<Item = String>, to: &mut Vec<u8>) {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            to.push(b',');
        }
        if cell.contains([',', '"', '\n', '\r']) {
            to.extend(format!("\"{}\"", cell.replace('"', "\"\"")).into_bytes());
        } else {
            to.extend(cell.into_bytes());
        }
    }
    to.extend(b"\r\n");
}

/// A cell. Text that a spreadsheet would take for a formula is marked by a quote; a code that it would take for a number and spoil (zeros
/// in front, more than 15 digits) is marked by a tab behind it. Numbers are left as they are.
fn cell(value: Option<&Value>) -> String {
    const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) if text.starts_with(FORMULA) && text.parse::<Decimal>().is_err() => format!("'{text}"),
        Some(Value::String(text)) if is_spoilt(text) => format!("{text}\t"),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Whether a spreadsheet would change the digits.
fn is_spoilt(text: &str) -> bool {
    text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() > 15 || text.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_spreadsheet_is_given_no_formula_and_no_broken_row() {
        let columns: &[Column] = &[("a", "甲"), ("b", "乙"), ("c", "丙"), ("d", "丁")];
        let mut csv = Vec::new();
        Form::Csv.head(columns, &mut csv);
        Form::Csv.row(&json!({"a": "=1+1", "b": "-12.30", "c": "-cmd", "d": "x,\"y\"\nz"}), columns, &mut csv).unwrap();
        Form::Csv.row(&json!({"a": null, "b": 7, "c": true}), columns, &mut csv).unwrap();
        Form::Csv.row(&json!({"a": "007", "b": "1234567890123456", "c": "0", "d": "0.04"}), columns, &mut csv).unwrap();
        let expected =
            "\u{feff}甲 a,乙 b,丙 c,丁 d\r\n'=1+1,-12.30,'-cmd,\"x,\"\"y\"\"\nz\"\r\n,7,true,\r\n007\t,1234567890123456\t,0,0.04\r\n";
        assert_eq!(String::from_utf8(csv).unwrap(), expected);
        let mut lines = Vec::new();
        Form::Jsonl.head(columns, &mut lines);
        Form::Jsonl.row(&json!({"b": "=1", "z": 1}), columns, &mut lines).unwrap();
        assert_eq!(String::from_utf8(lines).unwrap(), "{\"b\":\"=1\"}\n");
    }
}
