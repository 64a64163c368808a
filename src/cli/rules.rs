//! `rules`: every rule that something can be refused by or warned of, of every layer, from the tables that the layers work by.

use std::{fmt::Write, process::ExitCode};

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{
    say, sheet,
    table::{width, wrap},
};
use crate::{
    check::{self, Limits, Rule, Severity},
    codes, intake,
    message::{SCHEMA_CODES, STRICT_RULES},
};

/// Columns of a terminal that the text form keeps to.
const COLUMNS: usize = 140;
/// How far a rule's text stands in.
const INDENT: &str = "    ";
/// Over what the rules do not look at.
const UNCHECKED_TITLE: &str = "未核对 · Not checked";

#[derive(Debug, Args)]
pub(super) struct RulesArgs {
    /// 输出形式 · The form.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// 终端文本 · For people.
    #[default]
    Text,
    /// JSON，一个数组 · One array of JSON.
    Json,
    /// Markdown，docs/rules.md 即由此生成 · The form of docs/rules.md.
    Markdown,
}

/// A rule as it is listed, whatever layer it is of.
#[derive(Debug, Serialize)]
struct Listed {
    code: &'static str,
    layer: &'static str,
    severity: Severity,
    source_zh: &'static str,
    source_en: &'static str,
    zh: &'static str,
    en: &'static str,
    remedy_zh: &'static str,
    remedy_en: &'static str,
}

/// A layer: its name, its title in both languages, what it is.
struct Layer {
    name: &'static str,
    title: &'static str,
    zh: &'static str,
    en: &'static str,
}

const LAYERS: [Layer; 5] = [
    Layer {
        name: "check",
        title: "订单与运单 · Orders and waybills",
        zh: "接受之前一次告知全部问题。{field} 为字段名称，{detail} 为限值、应填值或所填代码。",
        en: "Everything at once, before anything is accepted. {field} stands for the name of a field, {detail} for a limit, the expected value or \
             the code that was sent.",
    },
    Layer {
        name: "request",
        title: "请求与通道 · Requests and lanes",
        zh: "请求本身，以及由谁传输。",
        en: "The request itself, and who can transmit what follows from it.",
    },
    Layer {
        name: "file",
        title: "表格文件 · Spreadsheets",
        zh: "提交 XLSX 时，单元格本身的问题；有问题的订单不发送。",
        en: "What is wrong with the cells of an XLSX before anything of its order is sent.",
    },
    Layer {
        name: "schema",
        title: "报文模式 · Message schema",
        zh: "与官方 XSD 判定一致；`tongguan validate --schema-only` 只用这一层。",
        en: "Says exactly what the official XSD says; `tongguan validate --schema-only` goes by this layer alone.",
    },
    Layer {
        name: "strict",
        title: "报文规范 · Message specification",
        zh: "规范正文比模式要求更多之处。",
        en: "Where the text of the specification asks for more than the schema.",
    },
];

pub(super) fn rules(args: &RulesArgs) -> Result<ExitCode> {
    let listed = listed();
    match args.format {
        Format::Text => say(text(&listed).trim_end()),
        Format::Json => say(&serde_json::to_string_pretty(&listed)?),
        Format::Markdown => say(markdown(&listed).trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}

fn listed() -> Vec<Listed> {
    const SCHEMA_ZH: &str = "跨境出口业务节点报文定义（2022-05） XSD";
    const SCHEMA_EN: &str = "export message schema 2022-05";
    let ours = |layer: &'static str| {
        move |rule: &Rule| {
            let Rule { code, severity, source_zh, source_en, zh, en, remedy_zh, remedy_en } = *rule;
            Listed { code, layer, severity, source_zh, source_en, zh, en, remedy_zh, remedy_en }
        }
    };
    // A message is mended where it is made: what to do stands in each defect.
    let of_message = |layer, code, (source_zh, source_en), (zh, en)| Listed {
        code,
        layer,
        severity: Severity::Error,
        source_zh,
        source_en,
        zh,
        en,
        remedy_zh: "",
        remedy_en: "",
    };
    let check = check::rules().iter().map(ours("check"));
    let request = intake::rules::RULES.iter().map(ours("request"));
    let file = sheet::rules::RULES.iter().map(ours("file"));
    let schema = SCHEMA_CODES.iter().map(|code| of_message("schema", code.code, (SCHEMA_ZH, SCHEMA_EN), (code.zh, code.en)));
    let strict = STRICT_RULES.iter().map(|rule| of_message("strict", rule.code, (rule.source, rule.source), (rule.zh, rule.en)));
    check.chain(request).chain(file).chain(schema).chain(strict).collect()
}

const fn severity(rule: &Listed) -> (&'static str, &'static str) {
    match rule.severity {
        Severity::Error => ("拒绝", "error"),
        Severity::Warning => ("提示", "warning"),
    }
}

/// Both languages, once where they are the same.
fn both(zh: &str, en: &str) -> String {
    if zh == en { zh.to_owned() } else { format!("{zh} · {en}") }
}

fn text(listed: &[Listed]) -> String {
    let mut lines = Vec::new();
    for layer in &LAYERS {
        lines.extend([layer.title.to_owned(), "─".repeat(width(layer.title))]);
        lines.extend(wrap(&both(layer.zh, layer.en), COLUMNS));
        lines.push(String::new());
        for rule in listed.iter().filter(|rule| rule.layer == layer.name) {
            let (zh, en) = severity(rule);
            lines.push(format!("{}  {zh} {en}", rule.code));
            let source = both(rule.source_zh, rule.source_en);
            for text in [rule.zh, rule.en, &format!("[{source}]")] {
                lines.extend(indented(text, INDENT));
            }
            if !rule.remedy_zh.is_empty() {
                lines.extend(indented(&format!("→ {}", both(rule.remedy_zh, rule.remedy_en)), INDENT));
            }
        }
        lines.push(String::new());
    }
    lines.extend(["代码表 · Code lists".to_owned(), "─".repeat(width("代码表 · Code lists"))]);
    for (name, as_of, source, rows) in codes::sources() {
        lines.extend(wrap(&format!("{name}: {rows} rows, {as_of}, {source}"), COLUMNS));
    }
    lines.extend([String::new(), UNCHECKED_TITLE.to_owned(), "─".repeat(width(UNCHECKED_TITLE))]);
    for (zh, en) in check::UNCHECKED {
        lines.extend(wrap(&both(zh, en), COLUMNS));
    }
    lines.join("\n")
}

fn indented(text: &str, indent: &str) -> Vec<String> {
    wrap(text, COLUMNS.saturating_sub(indent.len())).into_iter().map(|line| format!("{indent}{line}")).collect()
}

fn markdown(listed: &[Listed]) -> String {
    let mut page = String::from(
        "# 校验规则 · Rules\n\n由 `tongguan rules --format markdown` 生成，勿手工修改 · generated by that command; not written by hand.\n\n\
         代码含义不变，文字可以改进 · a code never changes its meaning; its texts may be improved. 拒绝 error: 不接受 · not accepted. \
         提示 warning: 接受，但可能有麻烦 · accepted, likely to cause trouble.\n",
    );
    for layer in &LAYERS {
        // Writing to a string cannot fail.
        let _ = write!(page, "\n## {}\n\n{}\n{}\n\n", layer.title, layer.zh, layer.en);
        page.push_str("| 代码 code | 级别 severity | 规则 rule | 处理 remedy | 依据 source |\n| --- | --- | --- | --- | --- |\n");
        for rule in listed.iter().filter(|rule| rule.layer == layer.name) {
            let (zh, en) = severity(rule);
            let cells = [(zh, en), (rule.zh, rule.en), (rule.remedy_zh, rule.remedy_en), (rule.source_zh, rule.source_en)].map(cell);
            let _ = writeln!(page, "| `{}` | {} |", rule.code, cells.join(" | "));
        }
    }
    page.push_str("\n## 代码表 · Code lists\n\n随程序附带，与数据日期一样旧 · shipped, and as old as their data.\n\n");
    page.push_str("| 表 list | 行 rows | 数据日期 as of | 来源 source |\n| --- | --- | --- | --- |\n");
    for (name, as_of, source, rows) in codes::sources() {
        let _ = writeln!(page, "| {name} | {rows} | {as_of} | {} |", source.replace('|', "\\|"));
    }
    page.push_str("\n## 限额 · Limits\n\n内置，可由 `check.limits` 替代 · shipped; `check.limits` takes their place.\n\n");
    page.push_str("| 名称 name | 值 value | 起 from | 止 until | 依据 source |\n| --- | --- | --- | --- | --- |\n");
    for (limit, value, days, source) in Limits::default().rows() {
        let day = |day: Option<time::Date>| day.map(|day| day.to_string()).unwrap_or_default();
        let _ = writeln!(page, "| `{}` | {value} | {} | {} | {source} |", limit.as_str(), day(days.from), day(days.to));
    }
    let _ = write!(page, "\n## {UNCHECKED_TITLE}\n\n");
    for (zh, en) in check::UNCHECKED {
        let _ = writeln!(page, "- {zh}<br>{en}");
    }
    page
}

fn cell((zh, en): (&str, &str)) -> String {
    let plain = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
    if zh == en { plain(zh) } else { format!("{}<br>{}", plain(zh), plain(en)) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_is_listed_once_in_a_layer_that_is_shown() {
        let listed = listed();
        let codes: BTreeSet<_> = listed.iter().map(|rule| rule.code).collect();
        assert_eq!(codes.len(), listed.len());
        assert_eq!(
            listed.len(),
            check::rules().len() + intake::rules::RULES.len() + sheet::rules::RULES.len() + SCHEMA_CODES.len() + STRICT_RULES.len()
        );
        let (text, markdown) = (text(&listed), markdown(&listed));
        for rule in &listed {
            assert!(text.contains(&format!("\n{}  ", rule.code)) && markdown.contains(&format!("\n| `{}` |", rule.code)), "{}", rule.code);
            assert!(
                !rule.source_zh.is_empty() && !rule.source_en.is_empty() && !rule.zh.is_empty() && !rule.en.is_empty(),
                "{}",
                rule.code
            );
            assert_eq!(rule.remedy_zh.is_empty(), ["schema", "strict"].contains(&rule.layer), "{}", rule.code);
        }
    }

    #[test]
    fn the_text_fits_a_terminal() {
        for line in text(&listed()).lines() {
            assert!(width(line) <= COLUMNS, "{} columns: {line}", width(line));
        }
    }

    #[test]
    fn every_row_of_a_table_has_as_many_cells_as_its_heading() {
        let cells = |line: &str| line.replace("\\|", "").matches('|').count();
        let page = markdown(&listed());
        let mut heading = 0;
        for (line, before) in page.lines().skip(1).zip(page.lines()).filter(|(line, _)| line.starts_with('|')) {
            heading = if before.starts_with('|') { heading } else { cells(line) };
            assert_eq!(cells(line), heading, "{line}");
        }
        assert!(heading > 0);
    }
}
