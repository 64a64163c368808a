//! The rules of what sellers record for the exemption: `R-…`.

use super::{SOURCE_EN, SOURCE_ZH};
use crate::check::{Rule, Severity::Error};

macro_rules! rules {
    ($($name:ident: $code:literal, ($source_zh:expr, $source_en:expr), $zh:literal, $en:literal, $remedy_zh:literal, $remedy_en:literal;)*) => {
        $(
            #[doc = $en]
            pub const $name: Rule = Rule {
                code: $code,
                severity: Error,
                source_zh: $source_zh,
                source_en: $source_en,
                zh: $zh,
                en: $en,
                remedy_zh: $remedy_zh,
                remedy_en: $remedy_en,
            };
        )*
        /// Every rule of records.
        pub const RULES: &[Rule] = &[$($name),*];
    };
}

rules! {
    SELLER_CODE: "R-SELLER-CODE", ("GB 32100-2015；海关注册编码规则", "GB 32100-2015; the structure of customs codes"),
        "{field}既不是校验位正确的统一社会信用代码，也不是海关注册编码",
        "the {field} is neither a credit code with a right check digit nor a customs code",
        "核对代码，末位为校验位", "check the code; its last character is a check digit";
    WORD: "R-WORD", (SOURCE_ZH, SOURCE_EN),
        "{field}未填写或不是可选值", "the {field} is not said, or not one of its values",
        "填写：{detail}", "say one of: {detail}";
    TEXT: "R-TEXT", (SOURCE_ZH, SOURCE_EN),
        "{field}应为1至{detail}个字符，不含控制字符", "the {field} takes 1 to {detail} characters, none of control",
        "补填或缩短", "fill it in or shorten it";
    DAY: "R-DAY", (SOURCE_ZH, SOURCE_EN),
        "{field}不是日期", "the {field} is no day",
        "按 YYYY-MM-DD 填写（北京日期）", "write YYYY-MM-DD (Beijing)";
    DAY_RANGE: "R-DAY-RANGE", ("财税〔2018〕103号六：自2018年10月1日起执行", "Caishui [2018] 103, article 6: in force from 2018-10-01"),
        "{field}须在{detail}之间", "the {field} must lie within {detail}",
        "核对日期；不得早于政策执行日，也不得晚于今天", "check the day: not before the policy began, not after today";
    DAY_ORDER: "R-DAY-ORDER", (SOURCE_ZH, SOURCE_EN),
        "{field}早于{detail}", "the {field} is before {detail}",
        "核对两个日期", "check both days";
    DECIMAL: "R-DECIMAL", (SOURCE_ZH, SOURCE_EN),
        "{field}不是正数，或位数过多", "the {field} is no positive number, or has too many digits",
        "填写十进制正数，如 12.50", "write a positive decimal number such as 12.50";
    DIGEST: "R-DIGEST", (SOURCE_ZH, SOURCE_EN),
        "{field}不是64位十六进制的SHA-256", "the {field} is no SHA-256 of 64 hexadecimal digits",
        "填写文件的SHA-256，或留空", "give the SHA-256 of the file, or leave it out";
    NO_ORDERS: "R-NO-ORDERS", (SOURCE_ZH, SOURCE_EN),
        "{field}未填写，或超过{detail}项", "there are no {field}, or more than {detail}",
        "至少填写一项；多的分次记录", "name at least one; record more in several requests";
    NO_ORDER: "R-NO-ORDER", (SOURCE_ZH, SOURCE_EN),
        "没有本租户的申报{detail}", "there is no declaration {detail} of this tenant",
        "核对申报编号或订单编号；只能记录经本网关申报的商品", "check the id or the order number; only what was declared through this gateway can be recorded";
    ORDER_UNCLEAR: "R-ORDER-UNCLEAR", (SOURCE_ZH, SOURCE_EN),
        "订单编号{detail}对应多个申报", "several declarations have the order number {detail}",
        "改用申报编号 declaration_id", "name the declaration by its id";
    ORDER_LINE: "R-ORDER-LINE", (SOURCE_ZH, SOURCE_EN),
        "该申报没有第{detail}项商品", "the declaration has no line {detail}",
        "填写清单的商品序号", "write the number of a line of the inventory";
    LINE_TWICE: "R-LINE-TWICE", (SOURCE_ZH, SOURCE_EN),
        "第{detail}项商品在同一请求中重复", "line {detail} is named twice in one request",
        "每项只记录一次", "record each line once";
    NOT_FORGONE: "R-NOT-FORGONE", ("公告2018年第194号；财税〔2012〕39号，2026年第11号", "announcement 194 of 2018; Caishui [2012] 39, announcement 11 of 2026"),
        "第{detail}项商品不是取得专用发票且选择汇总统计的商品，没有可放弃的退税",
        "line {detail} is not one with a special invoice under summed statistics: there is no refund to give up",
        "核对商品项；先用 RecordInvoice 记录专用发票", "check the line; record its special invoice with RecordInvoice first";
}
