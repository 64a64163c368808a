//! The rules, in one table.

use crate::clock::{Timestamp, parse_day};

/// The code of the rule about encodings: it speaks before anything can be read.
pub const UTF8: &str = "X-UTF8";

/// A rule of the specification's text.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable.
    pub code: &'static str,
    /// The fields that it is about.
    pub fields: &'static [&'static str],
    /// Document and section.
    pub source: &'static str,
    /// What must be, in Chinese.
    pub zh: &'static str,
    /// In English.
    pub en: &'static str,
    pub(super) side: Side,
    pub(super) form: Form,
}

/// Which messages a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// 303, 505, 603.
    Request,
    /// 304, 506, 604, 900.
    Receipt,
    Both,
}

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One of these.
    OneOf(&'static [&'static str]),
    /// So many digits that are a moment: 14 or 17.
    Moment(usize),
    /// 8 digits that are a day.
    Day,
    /// So many digits.
    Digits(usize),
    /// So many letters or digits of ASCII.
    Code(usize),
    /// A whole number, below zero or not.
    Number,
    /// No letter in lower case.
    Upper,
    /// More than a value alone says: seen to elsewhere.
    Elsewhere,
}

impl Form {
    pub fn fits(self, value: &str) -> bool {
        let digits = |count: usize| value.len() == count && value.bytes().all(|b| b.is_ascii_digit());
        match self {
            Self::OneOf(values) => values.contains(&value),
            Self::Moment(14) => digits(14) && Timestamp::parse_seconds(value).is_some(),
            Self::Moment(count) => digits(count) && Timestamp::parse_milliseconds(value).is_some(),
            Self::Day => digits(8) && parse_day(value).is_some(),
            Self::Digits(count) => digits(count),
            Self::Code(count) => value.len() == count && value.bytes().all(|b| b.is_ascii_alphanumeric()),
            Self::Number => {
                let digits = value.strip_prefix('-').unwrap_or(value);
                !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
            }
            Self::Upper => !value.bytes().any(|b| b.is_ascii_lowercase()),
            Self::Elsewhere => true,
        }
    }
}

const EMPTY: Rule = Rule { code: "", fields: &[], source: "", zh: "", en: "", side: Side::Request, form: Form::Elsewhere };

/// Required elements that are empty.
pub const REQUIRED: Rule = Rule {
    code: "X-REQUIRED",
    source: "202205 §2.1.3, §2.1.4, §2.5.3, §2.5.4, §2.11.3, §2.11.4: 必填",
    zh: "必填项不得为空",
    en: "is required and must not be empty",
    ..EMPTY
};

/// Lines that are not counted from 1.
pub const LINE_NUMBER: Rule = Rule {
    code: "X-GNUM",
    fields: &["gnum"],
    source: "202205 §2.1.4, §2.11.4: 从1开始连续序号",
    zh: "商品序号应从 1 起连续",
    en: "lines must be numbered from 1 without a gap",
    ..EMPTY
};

/// What goods of special areas must say beside.
pub const SPECIAL_AREA: Rule = Rule {
    code: "X-AREA",
    fields: &["iacCode", "iacName", "emsNo"],
    source: "202205 §2.11.4: 特殊区域出口模式必填",
    zh: "特殊区域出口（1210）时必填",
    en: "is required of goods from special areas (1210)",
    ..EMPTY
};

/// The trade modes of special areas: 1239 in the annotation of the schema alone.
pub const SPECIAL_AREAS: [&str; 2] = ["1210", "1239"];

/// A second quantity without its unit, or the other way about.
pub const PAIR: Rule = Rule {
    code: "X-PAIR",
    fields: &["qty2", "unit2"],
    source: "202205 §2.11.4 and -625009 of table 7-2: 第二数量与第二计量单位成对",
    zh: "第二数量与第二计量单位应成对出现",
    en: "second quantity and second unit must come together",
    ..EMPTY
};

/// Every rule.
pub static RULES: [Rule; 23] = [
    Rule {
        code: UTF8,
        source: "202205 §2: encoding=\"UTF-8\" of every published sample",
        zh: "报文应为 UTF-8 编码",
        en: "must be UTF-8",
        side: Side::Both,
        ..EMPTY
    },
    REQUIRED,
    LINE_NUMBER,
    SPECIAL_AREA,
    PAIR,
    Rule {
        code: "X-GUID",
        fields: &["guid"],
        source: "202205 §2.1.2, §2.1.4: 英文字母大写",
        zh: "36 位唯一序号的英文字母应大写",
        en: "letters of a guid must be in upper case",
        form: Form::Upper,
        ..EMPTY
    },
    Rule {
        code: "X-APPTYPE",
        fields: &["appType"],
        source: "202205 §2.1.4: 1-新增 2-变更 3-删除",
        zh: "报送类型应为 1 新增、2 变更或 3 删除",
        en: "must be 1 (add), 2 (amend) or 3 (delete)",
        form: Form::OneOf(&["1", "2", "3"]),
        ..EMPTY
    },
    Rule {
        code: "X-APPSTATUS",
        fields: &["appStatus"],
        source: "202205 §2.1.4: 1-暂存,2-申报",
        zh: "业务状态应为 1 暂存或 2 申报",
        en: "must be 1 (hold) or 2 (declare)",
        form: Form::OneOf(&["1", "2"]),
        ..EMPTY
    },
    Rule {
        code: "X-ORDERTYPE",
        fields: &["orderType"],
        source: "202205 §2.1.4: E-B2C 出口订单；B-B2B 出口订单；W-海外仓订仓单",
        zh: "订单类型应为 E、B 或 W",
        en: "must be E (retail), B (business) or W (overseas warehouse)",
        form: Form::OneOf(&["E", "B", "W"]),
        ..EMPTY
    },
    Rule {
        code: "X-IEFLAG",
        fields: &["ieFlag"],
        source: "202205 §2.11.4: I-进口,E-出口; a 出口清单 leaves the country",
        zh: "进出口标记应为 E",
        en: "must be E (export)",
        form: Form::OneOf(&["E"]),
        ..EMPTY
    },
    Rule {
        code: "X-STATISTICS",
        fields: &["statisticsFlag"],
        source: "202205 §2.11.4: A-简化申报;B-汇总申报",
        zh: "申报业务类型应为 A 简化申报或 B 汇总申报",
        en: "must be A (simplified) or B (summed)",
        side: Side::Both,
        form: Form::OneOf(&["A", "B"]),
    },
    Rule {
        code: "X-TRADEMODE",
        fields: &["tradeMode"],
        source: "202205 §2.11.4: 一般出口填9610，特殊区域出口填1210，B2B出口填9710，出口海外仓填9810; 1239: annotation of the schema",
        zh: "贸易方式应为 9610、1210、1239、9710 或 9810",
        en: "must be 9610, 1210, 1239, 9710 or 9810",
        form: Form::OneOf(&["9610", "1210", "1239", "9710", "9810"]),
        ..EMPTY
    },
    Rule {
        code: "X-TRANSPORT",
        fields: &["trafMode"],
        source: "202205 §2.11.4: C1, JGS-20 海关业务代码集 运输方式代码",
        zh: "运输方式应为 1 位字母或数字",
        en: "a mode of transport is a letter or a digit",
        form: Form::Code(1),
        ..EMPTY
    },
    Rule {
        code: "X-WRAP",
        fields: &["wrapType"],
        source: "202205 §2.11.4: 采用1位数字表示",
        zh: "包装种类应为 1 位数字",
        en: "a kind of packing is a digit",
        form: Form::Digits(1),
        ..EMPTY
    },
    Rule {
        code: "X-HSCODE",
        fields: &["gcode"],
        source: "202205 §2.11.4: 前4位按税则归类申报; schema 2022-05: 10 characters",
        zh: "商品编码应为 10 位数字",
        en: "an HS code has 10 digits",
        form: Form::Digits(10),
        ..EMPTY
    },
    Rule {
        code: "X-SUBSCRIBE",
        fields: &["status"],
        source: "schema 2022-05, BaseSubscribe: ALL-订阅数据和回执, DATA-只订阅数据, RET-只订阅回执",
        zh: "订阅业务状态应为 ALL、DATA 或 RET",
        en: "must be ALL, DATA or RET",
        form: Form::OneOf(&["ALL", "DATA", "RET"]),
        ..EMPTY
    },
    Rule {
        code: "X-RETURNSTATUS",
        fields: &["returnStatus"],
        source: "202205 §2.2.4, §2.6.4, §2.12.4, §3.19: 若小于0数字表示处理异常回执; the list of codes ends with 等 and stays open",
        zh: "操作结果应为整数",
        en: "must be a whole number",
        side: Side::Receipt,
        form: Form::Number,
    },
    Rule {
        code: "X-DXPMODE",
        fields: &["dxpMode"],
        source: "202205 §2.1.4 BaseTransfer: 默认为DXP",
        zh: "报文传输模式应为 DXP",
        en: "must be DXP",
        form: Form::OneOf(&["DXP"]),
        ..EMPTY
    },
    Rule {
        code: "X-APPTIME",
        fields: &["appTime"],
        source: "202205 §2.1.4: YYYYMMDDhhmmss",
        zh: "报送时间应为 14 位数字的真实时间",
        en: "must be a real moment of 14 digits",
        form: Form::Moment(14),
        ..EMPTY
    },
    Rule {
        code: "X-RETURNTIME",
        fields: &["returnTime"],
        source: "202205 §2.2.4: yyyyMMddHHmmssfff",
        zh: "回执时间应为 17 位数字的真实时间",
        en: "must be a real moment of 17 digits",
        side: Side::Receipt,
        form: Form::Moment(17),
    },
    Rule {
        code: "X-DAY",
        fields: &["ieDate"],
        source: "202205 §2.11.4: YYYYMMDD",
        zh: "出口日期应为 8 位数字的真实日期",
        en: "must be a real day of 8 digits",
        form: Form::Day,
        ..EMPTY
    },
    Rule {
        code: "X-CUSTOMS",
        fields: &["customsCode", "portCode"],
        source: "202205 §2.11.4: JGS/T 18 海关关区代码，4 位",
        zh: "关区代码应为 4 位数字",
        en: "a customs office has 4 digits",
        form: Form::Digits(4),
        ..EMPTY
    },
    Rule {
        code: "X-PARAMETER",
        fields: &["currency", "fCurrency", "iCurrency", "country", "unit", "unit1", "unit2"],
        source: "202205 §2.1.4, §2.5.4, §2.11.4: C3, JGS-20 海关业务代码集",
        zh: "参数代码应为 3 位字母或数字",
        en: "a parameter code has 3 letters or digits",
        form: Form::Code(3),
        ..EMPTY
    },
];
