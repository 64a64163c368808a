//! `template FILE.xlsx`: an empty sheet with headings, comments, an example that is not submitted, and the codes.

use std::{fs, io::Write, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use rust_xlsxwriter::{DataValidation, Format, Formula, Note, Workbook, Worksheet};

use super::{
    columns::{CellForm, Column, MARK, What},
    is_sheet, refused,
};
use crate::{check::fields::Form, cli::say, codes};

/// Our sheets that hold no data.
const CODES: &str = "代码 Codes";
const HELP: &str = "说明 Help";
/// Rows of a template that have the form of texts and lists to choose from.
const PREPARED: u32 = 2_000;

#[derive(Debug, Args)]
pub(in crate::cli) struct TemplateArgs {
    /// 要生成的文件（.xlsx），不覆盖已有文件 · The file to write (.xlsx); one that is there is not overwritten.
    pub(super) file: PathBuf,
    /// 运单模板 · A template for waybills.
    #[arg(long)]
    pub(super) waybills: bool,
}

/// Whether a sheet is one of a template that holds no data.
pub(super) fn is_ours_to_skip(name: &str) -> bool {
    [CODES, HELP].contains(&name)
}

/// Writes a template.
pub(in crate::cli) fn template(args: &TemplateArgs) -> Result<ExitCode> {
    let name = args.file.display();
    if !is_sheet(&args.file) {
        bail!("文件名应以 .xlsx 结尾 · the file's name must end with .xlsx");
    }
    let what = if args.waybills { What::Waybills } else { What::Orders };
    let bytes = made(what).context("模板未能生成 · the template cannot be made")?;
    let mut file = fs::File::create_new(&args.file).with_context(|| format!("{name} 无法新建 · {name} cannot be made anew"))?;
    file.write_all(&bytes).with_context(|| format!("{name} 无法写入 · {name} cannot be written"))?;
    say(&format!("{name}: {} 列 · columns", what.columns().len()));
    Ok(ExitCode::SUCCESS)
}

/// The bytes of a template.
pub(super) fn made(what: What) -> Result<Vec<u8>> {
    let mut workbook = Workbook::new();
    let lists = lists();
    let name = match what {
        What::Orders => "订单 Orders",
        What::Waybills => "运单 Waybills",
    };
    data(workbook.add_worksheet().set_name(name)?, what, &lists)?;
    code_lists(workbook.add_worksheet().set_name(CODES)?, &lists)?;
    help(workbook.add_worksheet().set_name(HELP)?)?;
    Ok(workbook.save_to_buffer()?)
}

fn data(sheet: &mut Worksheet, what: What, lists: &[List]) -> Result<()> {
    let heading = refused::heading_format();
    let text = Format::new().set_num_format("@");
    let example = Format::new().set_num_format("@").set_italic();
    sheet.write_string_with_format(0, 0, MARK, &heading)?;
    sheet.insert_note(0, 0, &note("以 # 开头的行不提交 · A row that begins with # is not submitted."))?;
    sheet.write_string_with_format(1, 0, "# 示例 example", &example)?;
    sheet.set_column_width(0, 14)?;
    for (at, column) in (1..).zip(what.columns()) {
        sheet.write_string_with_format(0, at, column.heading(), &heading)?;
        let list = lists.iter().find(|list| list.is_of(&column.path));
        sheet.insert_note(0, at, &note(&comment(column, list)))?;
        sheet.set_column_width(at, 18)?;
        sheet.set_column_format(at, &text)?;
        sheet.write_string_with_format(1, at, sample(&column.path), &example)?;
        if let Some(list) = list {
            // Only offered: a code that is newer than the list may be written as well.
            let choice = DataValidation::new().allow_list_formula(Formula::new(list.range())).show_error_message(false);
            sheet.add_data_validation(1, at, PREPARED, at, &choice)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

fn note(text: &str) -> Note {
    Note::new(text).add_author_prefix(false).set_width(320).set_height(140)
}

/// How a commodity code is written: [`crate::check`] asks as many digits as are declared by.
const COMMODITY: &str = "4、6、8或10位数字，不足部分补0：简化申报（A）至少4位，B2B（9710、9810）至少6位；汇总申报（B）须10位 · \
     4, 6, 8 or 10 digits, zeros take the place of the others: at least 4 where simplified (A), 6 of them in B2B (9710, 9810); all 10 where summed (B)";

fn comment(column: &Column, list: Option<&List>) -> String {
    let required = if column.required { "必填 · required" } else { "可空 · may be empty" };
    let form = match (column.form, column.field) {
        (CellForm::YesNo, _) => "是 或 否 · yes or no".to_owned(),
        (CellForm::Day, _) => "日期 · a day: 2026-01-31".to_owned(),
        (_, Some(Form::Decimal)) => "数，小数不超过5位 · a number, at most 5 digits behind the point".to_owned(),
        (_, Some(Form::Integer(digits))) => format!("整数，不超过{digits}位 · a whole number of at most {digits} digits"),
        (_, Some(Form::Commodity)) => COMMODITY.to_owned(),
        (_, Some(Form::Text(most) | Form::Free(most))) => format!("不超过{most}个字符 · at most {most} characters"),
        (_, Some(Form::Enterprise)) => "统一社会信用代码（18位）或海关代码（10位）· credit code (18) or customs code (10)".to_owned(),
        _ => String::new(),
    };
    let choice = list.map_or_else(String::new, |list| format!("代码见工作表“{CODES}” · codes: sheet {CODES}, {}", list.title));
    [required, &form, &choice, &column.path].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("\n")
}

/// A list of codes, and where it stands in its sheet.
struct List {
    title: &'static str,
    /// The ends of the paths that take its codes.
    paths: &'static [&'static str],
    rows: Codes,
    column: u16,
}

/// Codes with their names.
type Codes = Vec<(String, String)>;
/// A list before it has its place: title, paths, codes.
type Listed = (&'static str, &'static [&'static str], Codes);

impl List {
    fn is_of(&self, path: &str) -> bool {
        let name = path.rsplit('.').next().unwrap_or(path);
        self.paths.contains(&name)
    }

    /// Its codes, as a formula names them.
    fn range(&self) -> String {
        let letter = rust_xlsxwriter::utility::column_number_to_name(self.column);
        format!("='{CODES}'!${letter}$2:${letter}${}", self.rows.len() + 1)
    }
}

fn lists() -> Vec<List> {
    let own = |rows: &[(&str, &str)]| rows.iter().map(|(code, name)| ((*code).to_owned(), (*name).to_owned())).collect::<Vec<_>>();
    let pair = |code: &str, name: &str| (code.to_owned(), name.to_owned());
    let offices = codes::OFFICES.rows().iter().filter(|row| row.days.to.is_none()).map(|row| pair(row.code, row.short_name)).collect();
    let currencies = codes::CURRENCIES.rows().iter().map(|row| pair(row.code, &format!("{} {}", row.zh, row.iso))).collect();
    let countries = codes::COUNTRIES.rows().iter().map(|row| pair(row.code, &format!("{} {}", row.zh, row.en))).collect();
    let units = codes::UNITS.rows().iter().map(|row| pair(row.code, row.name)).collect();
    let transports = codes::TRANSPORTS.rows().iter().map(|row| pair(row.code, row.name)).collect();
    let wraps = codes::WRAPS.rows().iter().map(|row| pair(row.code, row.name)).collect();
    let modes = codes::TRADE_MODES.rows().iter().map(|row| pair(row.code, row.name)).collect();
    let all: [Listed; 11] = [
        (
            "订单类型 order type",
            &["order_type"],
            own(&[("E", "零售出口 retail"), ("B", "B2B出口 B2B"), ("W", "海外仓 overseas warehouse")]),
        ),
        ("申报业务类型 statistics", &["statistics"], own(&[("A", "简化申报 simplified"), ("B", "汇总申报 summed")])),
        (
            "进货凭证 invoice",
            &["invoice"],
            own(&[
                ("SPECIAL", "增值税专用发票 special VAT invoice"),
                ("ORDINARY", "普通发票 ordinary invoice"),
                ("OTHER_VALID", "其他有效凭证 other voucher"),
                ("NONE", "未取得有效进货凭证 none"),
                ("UNKNOWN", "不明 unknown"),
            ]),
        ),
        ("是否 yes or no", &["owner_registered"], own(&[("是", "yes"), ("否", "no")])),
        ("贸易方式 trade mode", &["trade_mode"], modes),
        ("运输方式 transport", &["transport"], transports),
        ("包装种类 wrap", &["wrap"], wraps),
        ("关区 office", &["declared_at", "exits_at"], offices),
        ("币制 currency", &["currency", "freight_currency", "insured_currency"], currencies),
        ("计量单位 unit", &["unit", "legal_unit", "second_unit"], units),
        ("国别(地区) country", &["country"], countries),
    ];
    let list = |(at, (title, paths, rows)): (u16, _)| List { title, paths, rows, column: at * 2 };
    (0..).zip(all).map(list).collect()
}

fn code_lists(sheet: &mut Worksheet, lists: &[List]) -> Result<()> {
    let heading = refused::heading_format();
    let text = Format::new().set_num_format("@");
    for list in lists {
        sheet.write_string_with_format(0, list.column, list.title, &heading)?;
        sheet.write_string_with_format(0, list.column + 1, "名称 name", &heading)?;
        sheet.set_column_width(list.column, 12)?.set_column_width(list.column + 1, 24)?;
        for (at, (code, name)) in (1..).zip(&list.rows) {
            sheet.write_string_with_format(at, list.column, code, &text)?;
            sheet.write_string(at, list.column + 1, name)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

fn help(sheet: &mut Worksheet) -> Result<()> {
    const LINES: [&str; 8] = [
        "一行一个商品项；同一订单（平台、企业、订单编号相同）的行可以不相邻，表头只填第一行或各行一致。",
        "A row is a line of goods. Rows of one order (same platform, seller and number) say the same about it, or only the first one does; the order number stands in each.",
        "编号、条码、商品编码请保持“文本”格式：Excel 只保留15位数字，并会去掉前面的零。",
        "Keep numbers, bar codes and HS codes as text: Excel keeps 15 digits and drops zeros in front.",
        "标 * 的列必填；# 列以 # 开头的行不提交；表头以 # 开头的列不读取。",
        "Columns with * must be filled. Rows that begin with # in the column # are not submitted, columns whose heading begins with # are not read.",
        "提交：tongguan submit 本文件 --refused 退回.xlsx；改正“退回.xlsx”后原样再提交。",
        "Submit: tongguan submit FILE --refused REFUSED.xlsx; correct REFUSED.xlsx and submit it the same way.",
    ];
    let wrapped = Format::new().set_text_wrap();
    sheet.set_column_width(0, 110)?;
    for (at, line) in (0..).zip(LINES) {
        sheet.write_string_with_format(at, 0, line, &wrapped)?;
    }
    Ok(())
}

/// What stands in the example of a column.
fn sample(path: &str) -> &'static str {
    let rows = include_str!("example.tsv").lines().filter_map(|line| line.split_once('\t'));
    rows.into_iter().find(|(known, _)| *known == path).map_or("", |(_, value)| value)
}
