//! Answers of the search as tables for other programs.

use rust_xlsxwriter::Workbook;

use super::{
    find::{Row, what},
    page::Problem,
    words::Lang,
};
use crate::{declaration::Kind, dossier::Document, explain::explain_turn};

/// The type of an XLSX file.
pub(super) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

fn heading(lang: Lang) -> Vec<String> {
    let mut heading = vec![lang.t("编号", "number"), lang.t("种类", "kind"), "ID"];
    heading.extend(Kind::OF_PARCEL.map(|kind| lang.kind(kind)));
    heading.extend([lang.t("清单编号", "inventory number"), lang.t("海关代码", "customs code"), lang.t("轮到谁", "whose turn")]);
    heading.into_iter().map(str::to_owned).collect()
}

fn cells(lang: Lang, row: &Row) -> Vec<String> {
    let inventory = row.document(Kind::Inventory);
    let state = |document: &Document| lang.state(document.kind, document.state).to_owned();
    let turn = inventory.or(row.documents.last()).map(|document| explain_turn(document.state.turn()));
    let number = |document: &Document| document.inventory_no.as_ref().map(|no| no.0.clone());
    let code = |document: &Document| document.last_word.as_ref().map(|word| word.code.clone());
    let mut cells = vec![row.number.clone(), row.id.map_or(lang.t("未找到", "not found"), |_| what(lang, row.what)).to_owned()];
    cells.push(row.id.map(|id| id.to_string()).unwrap_or_default());
    cells.extend(Kind::OF_PARCEL.map(|kind| row.document(kind).map(state).unwrap_or_default()));
    cells.push(inventory.and_then(number).unwrap_or_default());
    cells.push(inventory.and_then(code).unwrap_or_default());
    cells.push(turn.map(|(zh, en)| lang.t(zh, en).to_owned()).unwrap_or_default());
    cells
}

fn failed(error: &dyn std::error::Error) -> Problem {
    tracing::error!(error = %error, "a table could not be written");
    Problem::Internal
}

/// What was found, under its heading.
pub(super) fn found(lang: Lang, rows: &[Row]) -> impl Iterator<Item = Vec<String>> {
    std::iter::once(heading(lang)).chain(rows.iter().map(move |row| cells(lang, row)))
}

/// CSV in UTF-8, with the mark by which spreadsheets know it; no cell begins as a formula does.
pub(super) fn csv(rows: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>, Problem> {
    let mut writer = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    for cells in rows {
        writer.write_record(cells.iter().map(|cell| harmless(cell))).map_err(|error| failed(&error))?;
    }
    writer.into_inner().map_err(|error| failed(&error))
}

/// Spreadsheets compute what begins with one of these; an error code of customs begins with a minus, and is a number.
fn harmless(cell: &str) -> String {
    let computes = cell.starts_with(['=', '+', '@', '\t', '\r']) || cell.starts_with('-') && cell.parse::<i64>().is_err();
    if computes { format!("'{cell}") } else { cell.to_owned() }
}

/// XLSX, every cell a text.
pub(super) fn xlsx(rows: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>, Problem> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (at, cells) in (0_u32..).zip(rows) {
        for (column, cell) in (0_u16..).zip(cells) {
            sheet.write_string(at, column, cell).map_err(|error| failed(&error))?;
        }
    }
    workbook.save_to_buffer().map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_computes_and_error_codes_stay_numbers() {
        for (cell, written) in [("=1+1", "'=1+1"), ("+1", "'+1"), ("@x", "'@x"), ("-301011", "-301011"), ("-x", "'-x"), ("A-1", "A-1")] {
            assert_eq!(harmless(cell), written);
        }
        let row = Row { number: "=cmd()".into(), what: None, id: None, is_declaration: false, documents: Vec::new() };
        let text = String::from_utf8(csv(found(Lang::Zh, &[row])).unwrap()).unwrap();
        assert!(text.starts_with("\u{feff}编号,") && text.contains("'=cmd(),未找到"), "{text}");
    }
}
