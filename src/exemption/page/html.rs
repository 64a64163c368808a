//! A page as HTML: one file, no script, nothing fetched, every text escaped.

use std::fmt::Write as _;

use super::{Block, Grid, Language};

const STYLE: &str = "body{font:14px/1.5 'Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei',sans-serif;max-width:60em;margin:2em auto;\
padding:0 1em;color:#111}h1{font-size:1.5em}h2{font-size:1.15em;margin:1.6em 0 .4em;border-bottom:1px solid #999}table{border-collapse:\
collapse;width:100%;margin:.4em 0}th,td{border:1px solid #bbb;padding:.25em .5em;text-align:left;vertical-align:top;overflow-wrap:anywhere}\
th{background:#f2f2f2;font-weight:600}.rows th{width:14em}@media print{body{margin:0;max-width:none;font-size:10pt}h2{break-after:avoid}\
tr{break-inside:avoid}}@page{size:A4;margin:15mm}";

pub(super) fn written(blocks: &[Block], language: Language) -> String {
    let title = blocks.first().map_or("", |block| block.title.as_str());
    let lang = language.of("zh-CN", "en");
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{lang}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{}</title><style>{STYLE}</style></head><body>\n",
        escaped(title)
    );
    for (place, block) in blocks.iter().enumerate() {
        let tag = if place == 0 { "h1" } else { "h2" };
        // Writing to a string cannot fail.
        let _ = writeln!(page, "<{tag}>{}</{tag}>", escaped(&block.title));
        if !block.rows.is_empty() {
            page.push_str("<table class=\"rows\">\n");
            for (name, value) in &block.rows {
                let _ = writeln!(page, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escaped(name), escaped(value));
            }
            page.push_str("</table>\n");
        }
        if let Some(grid) = &block.table {
            table(&mut page, grid);
        }
    }
    page.push_str("</body></html>\n");
    page
}

fn table(page: &mut String, grid: &Grid) {
    page.push_str("<table>\n<thead><tr>");
    for name in &grid.header {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escaped(name));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in &grid.rows {
        page.push_str("<tr>");
        for cell in row {
            let _ = write!(page, "<td>{}</td>", escaped(cell));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table>\n");
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
