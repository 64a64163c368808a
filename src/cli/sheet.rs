//! Spreadsheets (.xlsx), which sellers live in: read for `submit`, written as templates and with what was refused.
//!
//! A row is a line of goods, or a waybill. Headings are ours in Chinese, English, both, or paths as in a CSV. Rows of one order need
//! not stand together: platform, seller and order number make them one. What a cell shows is taken exactly or not at all: a text as
//! it is, a number as Excel keeps it (15 digits; what needs more is a fault), a date as a day, a formula by the value that Excel last
//! saved. Nothing is guessed: a cell at fault keeps its order from being sent.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;

use crate::check::Finding;

mod cell;
mod columns;
mod grid;
mod guard;
mod items;
mod refused;
pub(super) mod rules;
mod template;
#[cfg(test)]
mod tests;

pub(super) use columns::What;
pub(super) use items::{orders, waybills};
pub(super) use refused::{Refused, write as write_refused};
pub(super) use template::{TemplateArgs, template};

/// The most rows of all sheets together.
const MOST_ROWS: usize = 50_000;

/// Tells by its name whether a file is a spreadsheet.
pub(super) fn is_sheet(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xlsx"))
}

/// What a file holds.
#[derive(Debug)]
pub(super) struct Book {
    what: What,
    /// The columns that it has, as they stand, by their place among [`What::columns`].
    columns: Vec<usize>,
    /// Its orders or waybills, in the order in which they begin.
    pub groups: Vec<Group>,
    /// Sheets that were not read, and why.
    pub notes: Vec<String>,
}

/// The rows of one order, or the row of a waybill.
#[derive(Debug)]
pub(super) struct Group {
    rows: Vec<Row>,
    /// What keeps it from being sent.
    pub findings: Vec<Finding>,
}

impl Group {
    /// Where it begins.
    pub fn place(&self) -> (&str, usize) {
        self.rows.first().map_or(("", 0), |row| (&*row.sheet, row.number))
    }
}

/// A row: its cells as text, by the column's place among [`What::columns`].
#[derive(Debug)]
struct Row {
    sheet: std::rc::Rc<str>,
    /// Its number in the sheet, from 1.
    number: usize,
    cells: BTreeMap<usize, String>,
    faults: Vec<Fault>,
}

/// A cell that cannot be taken.
#[derive(Debug)]
struct Fault {
    column: usize,
    rule: &'static crate::check::Rule,
    detail: String,
}

/// A JSON object under construction.
type Object = serde_json::Map<String, Value>;
