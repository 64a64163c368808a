//! Files in and out, as those who work with them would: spreadsheets with faults that come back annotated, and `explain`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use calamine::{Data, Reader, Xlsx};
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook, Worksheet};
use serde_json::Value;
use tongguan::store::{ListFilter, Store, sqlite::Sqlite};

use super::rig::{self, Program};

const ROWS: usize = 1_000;
const FAULTS: usize = 30;

/// A row of goods: what it says, by the path of the column.
type Row = BTreeMap<String, String>;

/// The rows of an order as a file of JSON lines has it.
fn rows_of(order: &Value) -> Vec<Row> {
    fn flat(value: &Value, at: &str, row: &mut Row) {
        match value {
            Value::Object(object) => {
                for (name, inner) in object.iter().filter(|(name, _)| *name != "lines") {
                    flat(inner, &if at.is_empty() { name.clone() } else { format!("{at}.{name}") }, row);
                }
            }
            Value::Bool(yes) => drop(row.insert(at.to_owned(), if *yes { "是" } else { "否" }.to_owned())),
            other => drop(row.insert(at.to_owned(), other.as_str().unwrap().to_owned())),
        }
    }
    let mut head = Row::new();
    flat(order, "", &mut head);
    let lines = order["order"]["lines"].as_array().unwrap();
    let line = |index: usize| {
        let mut row = head.clone();
        flat(&lines[index], "order.line", &mut row);
        flat(&order["inventory"]["lines"][index], "inventory.line", &mut row);
        row
    };
    (0..lines.len()).map(line).collect()
}

/// Orders of exactly so many rows.
fn orders_of(rows: usize) -> Vec<Vec<Row>> {
    let mut orders = Vec::new();
    let mut count = 0;
    for order in rig::many(rows).0 {
        let lines = rows_of(&order);
        if count + lines.len() <= rows {
            count += lines.len();
            orders.push(lines);
        }
    }
    assert_eq!(count, rows);
    orders
}

/// What is spoilt: where, and how.
const SPOILT: [(&str, &str); 10] = [
    ("order.freight", "-1"),
    ("order.line.total", "12345.67"),
    ("inventory.line.hs_code", "12"),
    ("order.line.currency", "999"),
    ("order.line.item_no", "A-NUMBER-OF-MORE-THAN-30-CHARACTERS"),
    ("order.line.bar_code", "number 690123456789012345"),
    ("inventory.exit_date", "tomorrow"),
    ("inventory.declared_at", ""),
    ("inventory.owner_registered", "maybe"),
    ("order.line.quantity", "formula #N/A"),
];

fn is_number(path: &str) -> bool {
    ["price", "total", "quantity", "goods_value", "freight", "insured_fee", "weight", "packs"].iter().any(|end| path.ends_with(end))
}

/// Writes a cell as a seller would have it: numbers as numbers, days as days, codes as texts.
fn write_cell(sheet: &mut Worksheet, (row, column): (u32, u16), path: &str, text: &str) {
    let day = Format::new().set_num_format("yyyy/m/d");
    if let Some(number) = text.strip_prefix("number ") {
        sheet.write_number(row, column, number.parse::<f64>().unwrap()).unwrap();
    } else if let Some(result) = text.strip_prefix("formula ") {
        sheet.write_formula(row, column, Formula::new("=NA()").set_result(result)).unwrap();
    } else if let Ok(number) = text.parse::<f64>().map_err(drop).and_then(|number| if is_number(path) { Ok(number) } else { Err(()) }) {
        sheet.write_number(row, column, number).unwrap();
    } else if path.ends_with("exit_date") && text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        let date = ExcelDateTime::from_ymd(text[..4].parse().unwrap(), text[4..6].parse().unwrap(), text[6..].parse().unwrap()).unwrap();
        sheet.write_datetime_with_format(row, column, date, &day).unwrap();
    } else {
        sheet.write_string(row, column, text).unwrap();
    }
}

/// The columns of a sheet with such rows, in their order.
fn columns_of(orders: &[Vec<Row>]) -> BTreeSet<String> {
    orders.iter().flatten().flat_map(|row| row.keys().cloned()).collect()
}

fn write_sheet(file: &Path, orders: &[Vec<Row>]) {
    let columns = columns_of(orders);
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (at, path) in (0..).zip(&columns) {
        sheet.write_string(0, at, path).unwrap();
        for (number, row) in (1..).zip(orders.iter().flatten()) {
            if let Some(text) = row.get(path) {
                write_cell(sheet, (number, at), path, text);
            }
        }
    }
    book.save(file).unwrap();
}

/// The cells of the first sheet of a file.
fn cells(file: &Path) -> Vec<Vec<String>> {
    let mut book: Xlsx<_> = calamine::open_workbook(file).unwrap();
    let range = book.worksheet_range_at(0).unwrap().unwrap();
    let text = |cell: &Data| match cell {
        Data::String(text) => text.clone(),
        Data::Empty => String::new(),
        other => panic!("not a text: {other:?}"),
    };
    range.rows().map(|row| row.iter().map(text).collect()).collect()
}

/// What was refused, corrected: every cell as it was before it was spoilt, the remarks left beside it.
fn correct(file: &Path, good: &[Vec<Row>], columns: &BTreeSet<String>) -> (usize, Vec<Vec<String>>) {
    let mut cells = cells(file);
    // The headings are ours in both languages; a sheet of paths tells which column is which.
    let place = |name: &str| cells[0].iter().position(|heading| heading.starts_with(name)).unwrap();
    let (order_no, number, reason) = (place("订单编号"), place("订单商品序号"), place("退回原因"));
    let first = place("原位置") + 1;
    let rows: BTreeMap<_, _> =
        good.iter().flatten().map(|row| ((row["order.order_no"].as_str(), row["order.line.number"].as_str()), row)).collect();
    let mut reasons = BTreeSet::new();
    for row in cells.iter_mut().skip(1) {
        let good = rows[&(row[order_no].as_str(), row[number].as_str())];
        if !row[reason].is_empty() {
            reasons.insert(row[order_no].clone());
        }
        for (at, path) in (first..).zip(columns) {
            row[at] = good.get(path).cloned().unwrap_or_default();
        }
    }
    (reasons.len(), cells)
}

fn write_texts(file: &Path, cells: &[Vec<String>]) {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (at, row) in (0..).zip(cells) {
        for (column, text) in (0..).zip(row) {
            sheet.write_string(at, column, text).unwrap();
        }
    }
    book.save(file).unwrap();
}

struct Town {
    folder: tempfile::TempDir,
    server: String,
    serve: Program,
}

fn town() -> Town {
    let folder = rig::folder();
    let mut config = rig::config(folder.path());
    let port = rig::free_port();
    config.grpc.listen = format!("127.0.0.1:{port}");
    let file = folder.path().join("tongguan.toml");
    rig::write_config(&config, &file);
    let serve = Program::start(&["serve", "--config", file.to_str().unwrap()], &folder.path().join("serve.log"));
    Town { folder, server: format!("http://127.0.0.1:{port}"), serve }
}

impl Town {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Submits a file; whether all of it was accepted, what was said, and the lines of the report.
    fn submit(&self, file: &str, refused: &str) -> (bool, String, Vec<Value>) {
        let paths = [file, refused, "report.jsonl"].map(|name| self.path(name).to_str().unwrap().to_owned());
        let (content, said) = rig::run(&["submit", &paths[0], "--refused", &paths[1], "--report", &paths[2], "--server", &self.server]);
        let report = fs::read_to_string(&paths[2]).unwrap();
        (content, said, report.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_with_faults_comes_back_and_is_accepted_once_it_is_corrected() {
    let town = town();
    let good = orders_of(ROWS);
    let mut spoilt = good.clone();
    let step = good.len() / FAULTS;
    for (at, (path, text)) in SPOILT.iter().cycle().take(FAULTS).enumerate() {
        let order = &mut spoilt[at * step];
        let lines = if path.contains(".line.") { 1 } else { order.len() };
        for row in order.iter_mut().take(lines) {
            row.insert((*path).to_owned(), (*text).to_owned());
        }
    }
    write_sheet(&town.path("orders.xlsx"), &spoilt);

    let (content, said, report) = town.submit("orders.xlsx", "refused.xlsx");
    assert!(!content, "{said}");
    let refused: Vec<_> = report.iter().filter(|line| line["status"] != "accepted").collect();
    assert_eq!((report.len(), refused.len()), (good.len(), FAULTS), "{said}");
    let rules: BTreeSet<_> =
        refused.iter().flat_map(|line| line["findings"].as_array().unwrap()).map(|finding| finding["rule"].as_str().unwrap()).collect();
    for rule in ["B-ROUNDED", "B-YES-NO", "B-ERROR", "F-NEGATIVE", "A-TOTAL"] {
        assert!(rules.contains(rule), "{rule} is not among {rules:?}");
    }
    assert!(refused.iter().all(|line| line["sheet"] == "Sheet1" && line["line"].as_u64().unwrap() > 1), "{refused:?}");

    let (reasons, corrected) = correct(&town.path("refused.xlsx"), &good, &columns_of(&spoilt));
    let rows: usize = good.iter().step_by(step).take(FAULTS).map(Vec::len).sum();
    assert_eq!((reasons, corrected.len()), (FAULTS, rows + 1), "each order with its reason, and every row of it");
    write_texts(&town.path("corrected.xlsx"), &corrected);
    let (content, said, report) = town.submit("corrected.xlsx", "again.xlsx");
    assert!(content, "{said}");
    assert_eq!(report.len(), FAULTS);
    assert!(!town.path("again.xlsx").exists(), "nothing was refused");

    let (content, said, _) = town.submit("corrected.xlsx", "again.xlsx");
    assert!(content, "the same file again is harmless: {said}");
    assert!(town.serve.stop().success());
    let store = Sqlite::open_read_only(&town.folder.path().join("tongguan.db")).await.unwrap();
    let kept = store.list(ListFilter { limit: 2_000, ..ListFilter::default() }).await.unwrap().dossiers;
    assert_eq!(kept.len(), good.len(), "every order once");
}

#[test]
fn what_submit_cannot_do_with_a_sheet_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("a.xlsx"), "no archive").unwrap();
    fs::write(path("a.csv"), "order.order_no\n").unwrap();
    for (arguments, said) in [
        (vec!["submit".to_owned(), path("a.xlsx")], "not an .xlsx"),
        (vec!["submit".to_owned(), path("a.csv"), "--refused".to_owned(), path("b.xlsx")], "goes with .xlsx"),
        (vec!["submit".to_owned(), path("a.xlsx"), "--refused".to_owned(), path("a.xlsx")], "is the file that is submitted"),
    ] {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let (content, told) = rig::run(&arguments);
        assert!(!content && told.contains(said), "{arguments:?}: {told}");
    }
    let template = path("t.xlsx");
    assert!(rig::run(&["template", &template]).0);
    assert!(!rig::run(&["template", &template]).0, "a file that is there is left alone");
}

#[test]
fn whatever_can_be_read_is_explained() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/receipts");
    let named = rig::files(&corpus).into_iter().filter(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        ["CEB", "DxpRep", "envelope", "shell"].iter().any(|start| name.starts_with(start))
    });
    let files: Vec<_> = named.map(|path| path.to_str().unwrap().to_owned()).collect();
    assert!(files.len() > 8, "{files:?}");
    let arguments: Vec<_> = ["explain"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let (content, told) = rig::run(&arguments);
    assert!(content, "{told}");
    assert!(told.matches("whose fault").count() >= files.len(), "{told}");
    for said in ["CEB304 电子订单回执", "CEB604 出口清单回执", "DxpRep", "CEB900", "a leading byte of zero", "in a relay's shell"]
    {
        assert!(told.contains(said), "{said}: {told}");
    }
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let (content, told) = rig::run(&["explain", readme, &files[0]]);
    assert!(!content && told.contains("not understood") && told.contains("whose fault"), "{told}");
}

#[test]
fn the_authoritys_own_samples_are_explained() {
    let Some(folder) = std::env::var_os("TONGGUAN_OFFICIAL") else {
        eprintln!("not run: TONGGUAN_OFFICIAL does not name the folder of the authority's files");
        return;
    };
    let samples = Path::new(&folder).join("samples");
    let files: Vec<_> = ["messages", "receipts", "transport"].iter().flat_map(|name| rig::files(&samples.join(name))).collect();
    // A template is no message yet.
    let files: Vec<_> =
        files.iter().map(|path| path.to_str().unwrap()).filter(|path| path.ends_with(".xml") && !path.contains("tpl")).collect();
    assert!(files.len() > 15, "{files:?}");
    let (content, told) = rig::run(&[["explain"].as_slice(), &files].concat());
    assert!(content, "{told}");
    assert!(told.contains("released"), "{told}");
}
