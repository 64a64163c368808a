//! Files as Excel and others write them, made here: with the crate that writes ours, and by hand where it cannot.

use std::{collections::BTreeMap, io::Write as _, path::PathBuf};

use proptest::prelude::*;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook, Worksheet};
use tempfile::TempDir;
use time::macros::date;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;
use crate::declaration::draft;

const TODAY: time::Date = date!(2026 - 01 - 15);

/// What stands in the example of a template.
fn example() -> BTreeMap<&'static str, &'static str> {
    include_str!("example.tsv").lines().filter_map(|line| line.split_once('\t')).collect()
}

struct File {
    _folder: TempDir,
    path: PathBuf,
}

fn file(bytes: &[u8]) -> File {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.xlsx");
    std::fs::write(&path, bytes).unwrap();
    File { _folder: folder, path }
}

fn written(fill: impl FnOnce(&mut Workbook)) -> File {
    let mut book = Workbook::new();
    fill(&mut book);
    file(&book.save_to_buffer().unwrap())
}

/// A sheet with every column of the example, by its name in one of the languages, and its row `rows` times.
fn example_rows(sheet: &mut Worksheet, rows: u32) {
    for (at, column) in (0..).zip(What::Orders.columns()) {
        let heading = match at % 4 {
            0 => column.zh.to_owned(),
            1 => column.en.to_owned(),
            2 => column.heading(),
            _ => column.path.clone(),
        };
        sheet.write_string(0, at, heading).unwrap();
        for row in 1..=rows {
            sheet.write_string(row, at, example().get(column.path.as_str()).copied().unwrap_or("")).unwrap();
        }
    }
}

/// The column of a path in such a sheet.
fn at(path: &str) -> u16 {
    u16::try_from(What::Orders.place(path).unwrap()).unwrap()
}

fn read(file: &File) -> (Vec<draft::Declaration>, Book) {
    let (items, book) = orders(&file.path, TODAY, false).unwrap();
    (items.into_iter().map(|item| item.draft).collect(), book)
}

fn refusal(file: &File) -> String {
    format!("{:#}", orders(&file.path, TODAY, false).unwrap_err())
}

/// A file by hand: sheets with their cells, and what the book says of itself.
fn raw(about: &str, sheets: &[&str]) -> File {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut put = |name: &str, text: &str| {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    };
    let numbers: Vec<_> = (1..=sheets.len()).collect();
    let types: String = numbers
        .iter()
        .map(|n| format!("<Override PartName=\"/xl/worksheets/sheet{n}.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/>"))
        .collect();
    put("[Content_Types].xml", &format!("<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">{types}</Types>"));
    put(
        "_rels/.rels",
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>",
    );
    let listed: String = numbers.iter().map(|n| format!("<sheet name=\"S{n}\" sheetId=\"{n}\" r:id=\"r{n}\"/>")).collect();
    put(
        "xl/workbook.xml",
        &format!(
            "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\">{about}<sheets>{listed}</sheets></workbook>"
        ),
    );
    let related: String = numbers
        .iter()
        .map(|n| format!("<Relationship Id=\"r{n}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet{n}.xml\"/>"))
        .collect();
    put(
        "xl/_rels/workbook.xml.rels",
        &format!("<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{related}</Relationships>"),
    );
    put(
        "xl/styles.xml",
        "<styleSheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>",
    );
    for (number, sheet) in numbers.iter().zip(sheets) {
        put(
            &format!("xl/worksheets/sheet{number}.xml"),
            &format!(
                "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>{sheet}</sheetData></worksheet>"
            ),
        );
    }
    file(&zip.finish().unwrap().into_inner())
}

/// Rows of a file by hand, from the first, each a list of cells: `=x` a formula's text result, `#x` a number, `@x` a number shown as a day.
fn cells(rows: &[&[&str]]) -> String {
    let cell = |text: &&str| match text.split_at_checked(1) {
        Some(("#", number)) if number.parse::<f64>().is_ok() => format!("<c><v>{number}</v></c>"),
        Some(("@", number)) => format!("<c s=\"1\"><v>{number}</v></c>"),
        Some(("=", "")) => "<c><f>A1</f></c>".to_owned(),
        Some(("=", result)) => format!("<c t=\"str\"><f>A1</f><v>{result}</v></c>"),
        _ => format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>"),
    };
    rows.iter().map(|row| format!("<row>{}</row>", row.iter().map(cell).collect::<String>())).collect()
}

#[test]
fn the_example_is_an_order_that_would_be_accepted() {
    let (drafts, book) = read(&written(|book| example_rows(book.add_worksheet(), 1)));
    assert!(book.notes.is_empty());
    assert_eq!(drafts.len(), 1);
    let findings = crate::check::check(&drafts[0], &crate::check::Taken::default(), &crate::check::Parameters::default(), TODAY);
    assert!(findings.is_ok(), "{:#?}", findings.unwrap_err().list());
    assert!(drafts[0].inventory.owner_registered);
}

#[test]
fn the_example_of_a_template_is_not_submitted() {
    for what in [What::Orders, What::Waybills] {
        let file = file(&template::made(what).unwrap());
        let (count, book) = match what {
            What::Orders => orders(&file.path, TODAY, false).map(|(items, book)| (items.len(), book)).unwrap(),
            What::Waybills => waybills(&file.path, TODAY).map(|(items, book)| (items.len(), book)).unwrap(),
        };
        assert_eq!((count, book.groups.len(), book.columns.len()), (0, 0, what.columns().len()));
        assert!(book.notes.is_empty(), "{:?}", book.notes);
    }
    let folder = tempfile::tempdir().unwrap();
    let args = |name: &str| TemplateArgs { file: folder.path().join(name), waybills: false };
    assert!(template(&args("t.xlsx")).is_ok());
    assert!(template(&args("t.xlsx")).unwrap_err().to_string().contains("cannot be made anew"));
    assert!(template(&args("t.csv")).unwrap_err().to_string().contains(".xlsx"));
}

#[test]
fn cells_arrive_as_excel_shows_them() {
    let (drafts, _) = read(&written(|book| {
        let sheet = book.add_worksheet();
        example_rows(sheet, 1);
        sheet.write_number(1, at("order.line.price"), 2.11).unwrap();
        sheet.write_number(1, at("order.goods_value"), 0.300_000_000_000_000_04).unwrap();
        sheet.write_number(1, at("order.line.bar_code"), 6_901_234_567_892_f64).unwrap();
        sheet.write_number(1, at("order.line.unit"), 15).unwrap();
        sheet.write_number(1, at("inventory.line.hs_code"), 101_210_090).unwrap();
        sheet.write_boolean(1, at("inventory.owner_registered"), false).unwrap();
        let day = Format::new().set_num_format("yyyy/m/d");
        sheet.write_datetime_with_format(1, at("inventory.exit_date"), ExcelDateTime::from_ymd(2026, 1, 31).unwrap(), &day).unwrap();
        sheet.write_formula(1, at("order.line.total"), Formula::new("=1*2.11").set_result("2.11")).unwrap();
        sheet.set_column_hidden(at("order.line.price")).unwrap();
    }));
    let (order, inventory) = (&drafts[0].order, &drafts[0].inventory);
    let line = &order.lines[0];
    assert_eq!((line.price.as_str(), line.total.as_str(), order.goods_value.as_str()), ("2.11", "2.11", "0.3"));
    assert_eq!((line.bar_code.as_str(), line.unit.as_str()), ("6901234567892", "015"));
    assert_eq!((inventory.lines[0].hs_code.as_str(), inventory.exit_date.as_str()), ("0101210090", "2026-01-31"));
    assert!(!inventory.owner_registered);
}

#[test]
fn orders_span_rows_merged_cells_sheets_and_gaps() {
    let (drafts, book) = read(&written(|book| {
        let sheet = book.add_worksheet();
        example_rows(sheet, 2);
        let text = Format::new();
        sheet.merge_range(1, at("order.order_no"), 2, at("order.order_no"), "M1", &text).unwrap();
        sheet.merge_range(1, at("order.seller.name"), 2, at("order.seller.name"), "N", &text).unwrap();
        sheet.write_string(2, at("order.line.number"), "2").unwrap();
        sheet.write_string(2, at("inventory.line.number"), "2").unwrap();
        // An empty row, a row of a title only of spaces, another order, and then one more line of the first.
        sheet.write_string(4, 3, "   ").unwrap();
        let second = book.add_worksheet();
        example_rows(second, 2);
        second.write_string(1, at("order.order_no"), "M2").unwrap();
        second.write_string(2, at("order.order_no"), "M1").unwrap();
        second.write_string(2, at("order.seller.name"), "N").unwrap();
        second.write_string(2, at("order.line.number"), "3").unwrap();
        book.add_worksheet().write_string(0, 0, "备忘").unwrap();
        book.add_worksheet().write_string(0, 0, "order.order_no").unwrap().set_hidden(true);
    }));
    let seen: Vec<_> =
        drafts.iter().map(|draft| (draft.order.order_no.as_str(), draft.order.lines.len(), draft.inventory.lines.len())).collect();
    assert_eq!(seen, [("M1", 3, 3), ("M2", 1, 1)], "{:#?}", book.groups);
    assert_eq!(drafts[0].order.lines.iter().map(|line| line.number.as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!(book.notes.len(), 2, "{:?}", book.notes);
}

#[test]
fn a_sheet_numbers_its_lines_once() {
    let file = raw(
        "",
        &[&cells(&[&["订单编号", "order.line.number", "商品编码", "单价"], &["A", "#1", "8544421900", "#2.11"], &["A", "#2", "", "#3"]])],
    );
    let (drafts, _) = read(&file);
    assert_eq!(drafts[0].inventory.lines.iter().map(|line| line.number.as_str()).collect::<Vec<_>>(), ["1", "2"]);
}

#[test]
fn days_of_both_systems_are_read() {
    let sheet = cells(&[&["订单编号", "出口日期", "单价"], &["A", "@44890", "#1"]]);
    assert_eq!(read(&raw("<workbookPr date1904=\"1\"/>", &[&sheet])).0[0].inventory.exit_date, "2026-11-26");
    let sheet = cells(&[&["订单编号", "出口日期", "单价"], &["A", "@46352", "#1"]]);
    assert_eq!(read(&raw("", &[&sheet])).0[0].inventory.exit_date, "2026-11-26");
}

#[test]
fn a_cell_at_fault_keeps_its_order_from_being_sent_and_all_is_told_at_once() {
    let heading: &[&str] = &["订单编号", "电商平台代码", "条形码", "单价", "总价", "数量", "电商平台名称"];
    let rows: [&[&str]; 6] = [
        heading,
        &["A", "无", "#690123456789012345", "=", "#1", "#2", "P"],
        &["A", "无", "6901234567892345678", "=2.11", "#1", "#2", "Q"],
        &["", "无", "1", "#1", "#1", "#2", "P"],
        &["B", "无", "@46352", "#1", "#1", "#2", "P"],
        &["C", "无", "1", "#1", "#1", "#2", "P"],
    ];
    let (drafts, book) = read(&raw("", &[&cells(&rows)]));
    assert_eq!(drafts.iter().map(|draft| draft.order.order_no.as_str()).collect::<Vec<_>>(), ["C"]);
    let told = |at: usize| {
        let findings = book.groups[at].findings.iter();
        findings.map(|finding| format!("{} {}", finding.rule, finding.path)).collect::<Vec<_>>()
    };
    let first = told(0);
    assert_eq!(first[..3], ["B-ROUNDED order.lines[0].bar_code", "B-FORMULA order.lines[0].price", "B-HEAD order.platform.name"]);
    assert!(
        first.iter().any(|finding| finding.starts_with("F-") && finding.ends_with(" order.seller.code")),
        "and what check says: {first:?}"
    );
    assert!(!first.iter().any(|finding| finding.starts_with("F-") && finding.contains("lines[0].price")), "{first:?}");
    assert_eq!(told(1)[0], "B-ORDER-NO order.order_no");
    assert_eq!(told(2)[0], "B-TYPE order.lines[0].bar_code");
    assert_eq!(book.groups[1].place(), ("S1", 4));
}

#[test]
fn headings_are_known_or_the_file_is_refused() {
    let of = |heading: &[&str]| refusal(&raw("", &[&cells(&[heading, &["A"]])]));
    assert!(of(&["订单编号", "单价", "总价", "颜色"]).contains("颜色"));
    assert!(of(&["订单编号", "单价", "总价", "Price"]).contains("stands twice"));
    assert!(of(&["单价", "总价", "数量"]).contains("no row of headings"));
    assert!(of(&["订单编号", "单价"]).contains("no row of headings"), "too few to be sure");
    let (drafts, _) =
        read(&raw("", &[&cells(&[&["月度汇总"], &["订单编号*", "单价（元）", "# 备忘", "总价\nline total"], &["A", "#1", "x", "#1"]])]));
    assert_eq!(drafts[0].order.lines[0].total, "1");
}

#[test]
fn fifty_thousand_rows_are_read_and_no_more() {
    let sheet = |rows: usize| {
        let mut text = cells(&[&["订单编号", "单价", "数量"]]);
        for row in 0..rows {
            text.push_str(&format!("<row><c t=\"str\"><v>O{row}</v></c><c><v>2.11</v></c><c><v>1</v></c></row>"));
        }
        text
    };
    assert_eq!(read(&raw("", &[&sheet(MOST_ROWS)])).0.len(), MOST_ROWS);
    assert!(refusal(&raw("", &[&sheet(MOST_ROWS), &sheet(1)])).contains("more than 50000 rows"));
    let far = "<row r=\"1\"><c r=\"A1\" t=\"str\"><v>订单编号</v></c><c r=\"XFD1\"><v>1</v></c></row>";
    assert!(refusal(&raw("", &[far])).contains("columns"));
    let deep = "<row r=\"1048576\"><c r=\"A1048576\" t=\"str\"><v>订单编号</v></c></row>";
    assert!(refusal(&raw("", &[deep])).contains("no row of headings"), "and nothing is made of the rows between");
}

#[test]
fn what_is_damaged_is_told() {
    for bytes in [b"".as_slice(), b"PK\x03\x04", b"order.order_no,order.note\n"] {
        assert!(refusal(&file(bytes)).contains("not an .xlsx"), "{bytes:?}");
    }
    let good = std::fs::read(&written(|book| example_rows(book.add_worksheet(), 1)).path).unwrap();
    for cut in [good.len() / 2, good.len() - 30] {
        assert!(orders(&file(&good[..cut]).path, TODAY, false).is_err());
    }
    assert!(refusal(&raw("", &["<row><c t=\"s\"><v>7</v></c></row>"])).contains("S1"), "a text that is not there");
}

#[test]
fn what_was_refused_is_read_again_as_it_was() {
    let source = written(|book| example_rows(book.add_worksheet(), 2));
    let (_, book) = read(&source);
    let findings = |path: &str| vec![rules::TYPE.finding(path.to_owned(), ("单价", "price"), "x")];
    let said = findings("order.lines[1].price");
    let target = file(b"");
    write_refused(&target.path, &book, &[Refused { group: 0, zh: "有误", en: "faults", findings: &said }]).unwrap();
    let (drafts, again) = read(&target);
    assert_eq!(drafts, read(&source).0);
    assert_eq!(again.columns, book.columns);
    let mut workbook: calamine::Xlsx<_> = calamine::open_workbook(&target.path).unwrap();
    let mut reader = workbook.worksheet_cells_reader("退回 Refused").unwrap();
    let mut styles = BTreeMap::new();
    let mut texts = BTreeMap::new();
    while let Some((cell, style)) = reader.next_cell_with_style_id().unwrap() {
        let (row, column) = cell.get_position();
        styles.insert((row, column), style);
        texts.insert((row, column), format!("{:?}", cell.get_value()));
    }
    let column = 5 + u32::from(at("order.line.price"));
    let other = styles[&(2, column + 1)];
    let coloured: Vec<_> =
        styles.iter().filter(|((row, at), style)| *row > 0 && *at >= 5 && **style != other).map(|(place, _)| *place).collect();
    assert_eq!(coloured, [(2, column)], "the cell at fault and no other");
    assert!(texts[&(2, 1)].contains("order.lines[1].price") && texts[&(2, 2)].contains("B-TYPE"), "{texts:?}");
    assert!(!texts[&(1, 1)].contains("price"), "the reason stands beside its own row");
    assert!(texts[&(1, 4)].contains("Sheet1!2"));
}

#[test]
fn waybills_are_a_row_each() {
    let rows: [&[&str]; 3] =
        [&["物流运单编号", "物流企业代码", "运费", "Order number"], &["W1", "C", "#18.5", "O1"], &["W2", "C", "#690123456789012345", "O1"]];
    let file = raw("", &[&cells(&rows)]);
    let (items, book) = waybills(&file.path, TODAY).unwrap();
    assert_eq!(items.iter().map(|item| item.draft.waybill_no.as_str()).collect::<Vec<_>>(), ["W1"]);
    assert_eq!(items[0].draft.order.as_ref().unwrap().order_no, "O1");
    assert_eq!(book.groups[1].findings[0].rule, "B-ROUNDED");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    /// Whatever stands where the cells should: it is read or refused.
    #[test]
    fn no_sheet_makes_it_panic(
        pieces in proptest::collection::vec(
            "<row>|</row>|<row r=\"[0-9]{1,12}\">|<c r=\"[A-Z]{0,9}[0-9]{0,12}\"( t=\"(s|b|e|n|d|str|inlineStr)\")?>|</c>|<v>|</v>|<f( t=\"shared\" si=\"[0-9]{1,20}\")?>|</f>|<is><t>|</t></is>|[0-9.eE-]{1,25}|\u{8ba2}\u{5355}\u{7f16}\u{53f7}|&amp;|&#x[0-9]{1,9};|<!--|]]>",
            0..40,
        ),
        merged in "(<mergeCell ref=\"[A-Z]{0,8}[0-9]{0,12}(:[A-Z]{0,8}[0-9]{0,12})?\"/>)?",
    ) {
        let sheet = format!("{}{}</sheetData><mergeCells count=\"1\">{merged}</mergeCells><sheetData>", cells(&[&["订单编号", "单价", "总价"]]), pieces.concat());
        drop(orders(&raw("", &[&sheet]).path, TODAY, false));
    }
}
