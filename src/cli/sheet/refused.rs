//! What was refused, as a sheet to be corrected and submitted again: the same columns, with reason, rule and remedy beside each row
//! and the cells at fault coloured. All cells are texts, so that nothing changes on the way.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context, Result};
use rust_xlsxwriter::{Color, Format, FormatAlign, Workbook, Worksheet};

use super::{
    Book, Group,
    columns::{MARK, REMARKS},
};
use crate::check::Finding;

/// What was said of a group, by its place in the book.
pub(in crate::cli) struct Refused<'a> {
    pub group: usize,
    pub zh: &'a str,
    pub en: &'a str,
    pub findings: &'a [Finding],
}

/// The most characters of a remark: Excel takes 32,767.
const LONGEST: usize = 8_000;
/// Columns before the first of the file's own: the mark and the remarks.
const BEFORE: u16 = 5;

struct Styles {
    heading: Format,
    remark: Format,
    text: Format,
    fault: Format,
}

/// Writes them to a file.
pub(in crate::cli) fn write(file: &Path, book: &Book, refused: &[Refused<'_>]) -> Result<()> {
    let bytes = made(book, refused).context("退回文件未能生成 · the file of what was refused cannot be made")?;
    std::fs::write(file, bytes).with_context(|| format!("{0} 无法写入 · {0} cannot be written", file.display()))
}

fn made(book: &Book, refused: &[Refused<'_>]) -> Result<Vec<u8>> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet().set_name("退回 Refused")?;
    let styles = Styles {
        heading: heading_format(),
        remark: Format::new().set_text_wrap().set_align(FormatAlign::Top).set_font_color(Color::RGB(0x9C_0006)),
        text: Format::new().set_num_format("@").set_align(FormatAlign::Top),
        fault: Format::new().set_num_format("@").set_align(FormatAlign::Top).set_background_color(Color::RGB(0xFF_C7CE)),
    };
    headings(sheet, book, &styles)?;
    let mut at = 1;
    for refused in refused {
        let Some(group) = book.groups.get(refused.group) else { continue };
        for index in 0..group.rows.len() {
            row(sheet, at, (book, group, index), refused, &styles)?;
            at += 1;
        }
    }
    Ok(workbook.save_to_buffer()?)
}

/// How headings look in all that we write.
pub(super) fn heading_format() -> Format {
    Format::new().set_bold().set_text_wrap().set_align(FormatAlign::Top).set_num_format("@").set_background_color(Color::RGB(0xDD_EBF7))
}

fn headings(sheet: &mut Worksheet, book: &Book, styles: &Styles) -> Result<()> {
    for (at, (heading, width)) in [MARK].into_iter().chain(REMARKS).zip([4, 50, 14, 50, 14]).enumerate() {
        let at = u16::try_from(at)?;
        sheet.write_string_with_format(0, at, heading, &styles.heading)?.set_column_width(at, width)?;
    }
    for (at, place) in (BEFORE..).zip(&book.columns) {
        let Some(column) = book.what.columns().get(*place) else { continue };
        sheet.write_string_with_format(0, at, column.heading(), &styles.heading)?.set_column_width(at, 16)?;
    }
    sheet.set_freeze_panes(1, BEFORE)?;
    Ok(())
}

fn row(sheet: &mut Worksheet, at: u32, (book, group, index): (&Book, &Group, usize), refused: &Refused<'_>, styles: &Styles) -> Result<()> {
    let Some(row) = group.rows.get(index) else { return Ok(()) };
    let here: Vec<_> = refused.findings.iter().filter(|finding| line_of(&finding.path).unwrap_or(0) == index).collect();
    let mut reasons: Vec<_> = here.iter().map(|finding| format!("{}：{} · {}", finding.path, finding.zh, finding.en)).collect();
    if refused.findings.is_empty() && index == 0 {
        reasons.push(format!("{} · {}", refused.zh, refused.en));
    }
    let mut codes: Vec<_> = here.iter().map(|finding| finding.rule.as_str()).collect();
    codes.dedup();
    let mut remedies: Vec<_> = here.iter().map(|finding| format!("{} · {}", finding.remedy_zh, finding.remedy_en)).collect();
    remedies.dedup();
    let remarks = [reasons.join("\n"), codes.join("\n"), remedies.join("\n"), format!("{}!{}", row.sheet, row.number)];
    for (column, text) in (1..BEFORE).zip(remarks) {
        let text: String = text.chars().take(LONGEST).collect();
        sheet.write_string_with_format(at, column, text, &styles.remark)?;
    }
    let bad = cells_at_fault(book, index, refused.findings);
    for (column, place) in (BEFORE..).zip(&book.columns) {
        let text = row.cells.get(place).map_or("", String::as_str);
        let style = if bad.contains(place) { &styles.fault } else { &styles.text };
        sheet.write_string_with_format(at, column, text, style)?;
    }
    Ok(())
}

/// The line that a path speaks of; none if it speaks of what all lines share.
fn line_of(path: &str) -> Option<usize> {
    let (_, rest) = path.split_once('[')?;
    rest.split_once(']')?.0.parse().ok()
}

/// The columns of a row that findings speak of; what speaks of no column the file has is told by the reason alone.
fn cells_at_fault(book: &Book, index: usize, findings: &[Finding]) -> BTreeSet<usize> {
    let of_this = |finding: &&Finding| line_of(&finding.path).unwrap_or(index) == index;
    let columns = |finding: &Finding| {
        let path = finding.path.clone();
        let all = book.what.columns();
        book.columns.iter().copied().filter(move |place| {
            all.get(*place).is_some_and(|column| {
                let own = column.path_at(index);
                own == path || own.strip_prefix(&path).is_some_and(|rest| rest.starts_with('.'))
            })
        })
    };
    findings.iter().filter(of_this).flat_map(columns).collect()
}
