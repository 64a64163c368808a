//! What a spreadsheet can get wrong before anything of it is sent: `B-…`.

use crate::check::{Rule, Severity::Error};

const fn rule(code: &'static str, zh: &'static str, en: &'static str, remedy_zh: &'static str, remedy_en: &'static str) -> Rule {
    let (source_zh, source_en) =
        ("本网关规定：表格逐字读取，不作猜测", "this gateway's own rule: a sheet is read to the letter, nothing is guessed");
    Rule { code, severity: Error, source_zh, source_en, zh, en, remedy_zh, remedy_en }
}

/// More digits than Excel keeps.
pub const ROUNDED: Rule = rule(
    "B-ROUNDED",
    "{field}以数字保存且超过15位有效数字：Excel 只保留15位，原值可能已被舍入",
    "{field} is kept as a number of more than 15 digits: Excel keeps only 15, so it may have been rounded",
    "把单元格格式设为“文本”后重新填写原值；计算结果先用 ROUND 取整",
    "set the cell's format to Text and enter the value again; ROUND what is calculated",
);
/// A formula without a value.
pub const FORMULA: Rule = rule(
    "B-FORMULA",
    "{field}是没有保存结果的公式",
    "{field} is a formula without a saved result",
    "用 Excel 打开并保存一次，或直接填写数值",
    "open the file in Excel and save it, or write the value itself",
);
/// An error of Excel.
pub const CELL_ERROR: Rule = rule(
    "B-ERROR",
    "{field}是 Excel 错误值 {detail}",
    "{field} is the error {detail} of Excel",
    "改正公式或直接填写数值",
    "correct the formula or write the value itself",
);
/// A date or a yes or no where something else belongs.
pub const TYPE: Rule = rule(
    "B-TYPE",
    "{field}被 Excel 保存为{detail}",
    "Excel keeps {field} as {detail}",
    "把单元格格式设为“文本”后重新填写",
    "set the cell's format to Text and enter it again",
);
/// Neither yes nor no.
pub const YES_NO: Rule = rule(
    "B-YES-NO",
    "{field}应填是或否",
    "{field} is neither yes nor no",
    "填写 是 或 否（也可 TRUE、FALSE、1、0）",
    "write yes or no (TRUE, FALSE, 1 and 0 will do)",
);
/// Too long to be anything.
pub const LONG: Rule = rule("B-LONG", "{field}超过{detail}个字符", "{field} has more than {detail} characters", "缩短内容", "shorten it");
/// No number of an order.
pub const ORDER_NO: Rule = rule(
    "B-ORDER-NO",
    "本行没有{field}，不知属于哪一票订单",
    "the row has no {field}: which order it belongs to is not known",
    "每一行都填写订单编号，或把同一订单的单元格合并",
    "write the order number in every row, or merge the cells of one order",
);
/// Two rows of one order differ.
pub const HEAD: Rule = rule(
    "B-HEAD",
    "{field}与该订单第一行（{detail}）不同",
    "{field} is not as in the first row of the order ({detail})",
    "同一订单的表头各行应一致，或只填第一行",
    "rows of one order say the same about it, or only the first one does",
);

/// Every rule.
pub static RULES: [Rule; 8] = [ROUNDED, FORMULA, CELL_ERROR, TYPE, YES_NO, LONG, ORDER_NO, HEAD];
