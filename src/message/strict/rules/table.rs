//! The rules, in one table.

use super::{Form, Rule, Side, UTF8};

const EMPTY: Rule = Rule { code: "", fields: &[], source: "", zh: "", en: "", side: Side::Request, blocks: &[], form: Form::Elsewhere };

/// Required elements that are empty.
pub const REQUIRED: Rule = Rule {
    code: "X-REQUIRED",
    source: "202205 §2.1 to §2.21, the tables of each message: 必填",
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

/// Parcels of a movement or a manifest that are not counted upwards.
pub const RISING: Rule = Rule {
    code: "X-GNUM-RISING",
    fields: &["gnum"],
    source: "202205 §2.7.4, §2.9.4, §2.15.4: 从1 开始的递增序号; a part of a split document goes on where the last one ended",
    zh: "序号应自 1 或以上逐行递增",
    en: "lines must be numbered upwards, from 1 or above",
    ..EMPTY
};

/// A summary of nothing.
pub const NOTHING_SUMMED: Rule = Rule {
    code: "X-SUMMED",
    fields: &["SummaryApplyList", "startTime"],
    source: "202205 §2.21.4 startTime: 如指定时间范围将忽略表体数据; schema 2022-05: the list may be left out",
    zh: "应列出待汇总的清单，或给出时间范围",
    en: "either inventories or a span of time must be named",
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

/// A second quantity without its unit, or the other way about; likewise the ends of a span of time.
pub const PAIR: Rule = Rule {
    code: "X-PAIR",
    fields: &["qty2", "unit2", "startTime", "endTime"],
    source: "202205 §2.11.4, §2.17.4 and -625009 of table 7-2: 第二数量与第二计量单位成对; §2.21.4 startTime: 填写须成对",
    zh: "第二数量与第二计量单位、开始时间与结束时间应成对出现",
    en: "second quantity and second unit, beginning and end, must come together",
    ..EMPTY
};

/// The pairs, each of two elements that follow in one block.
pub const PAIRS: [(&str, &str); 2] = [("qty2", "unit2"), ("startTime", "endTime")];

/// A part behind the last one.
pub const PART_ORDER: Rule = Rule {
    code: "X-PART-ORDER",
    fields: &["msgCount", "msgSeqNo"],
    source: "202205 §2.7.4, §2.9.4, §2.15.4, §2.21.4: 拆分的填实际数量；以1开始的报文顺序号",
    zh: "报文序号不得大于报文总数",
    en: "must not be above how many parts there are",
    ..EMPTY
};

/// What only goods by post may leave out.
pub const POST_ONLY: Rule = Rule {
    code: "X-POST-ONLY",
    fields: &["billNo", "trafName", "voyageNo"],
    source: "202205 §2.7.4 billNo, §2.9.4 trafName, voyageNo, billNo: 邮路运输方可为空",
    zh: "只有邮件运输（6）可以不填",
    en: "may be left out by post (6) alone",
    ..EMPTY
};

/// trafMode of what goes by post.
pub const BY_POST: &str = "6";

/// What goods that do not go by post must say, by block; it stands behind trafMode.
pub const UNLESS_BY_POST: [(&str, &[&str]); 2] = [("ArrivalHead", &["billNo"]), ("DepartureHead", &["trafName", "voyageNo", "billNo"])];

/// Every rule.
pub static RULES: [Rule; 35] = [
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
    RISING,
    NOTHING_SUMMED,
    SPECIAL_AREA,
    PAIR,
    PART_ORDER,
    POST_ONLY,
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
        blocks: &["InventoryHead", "ArrivalHead"],
        source: "202205 §2.7.4, §2.11.4: I-进口,E-出口; what is exported leaves the country",
        zh: "进出口标记应为 E",
        en: "must be E (export)",
        form: Form::OneOf(&["E"]),
        ..EMPTY
    },
    Rule {
        code: "X-IEFLAG-RETURN",
        fields: &["ieFlag"],
        blocks: &["InvtRefundHead", "InvtRefundDetail"],
        source: "202205 §2.17.4, §2.19.4: 出口退货填I",
        zh: "退货的进出口标记应为 I",
        en: "must be I: the goods come back in",
        form: Form::OneOf(&["I"]),
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
        ..EMPTY
    },
    Rule {
        code: "X-TRADEMODE",
        fields: &["tradeMode"],
        blocks: &["InventoryHead"],
        source: "202205 §2.11.4: 一般出口填9610，特殊区域出口填1210，B2B出口填9710，出口海外仓填9810; 1239: annotation of the schema",
        zh: "贸易方式应为 9610、1210、1239、9710 或 9810",
        en: "must be 9610, 1210, 1239, 9710 or 9810",
        form: Form::OneOf(&["9610", "1210", "1239", "9710", "9810"]),
        ..EMPTY
    },
    Rule {
        code: "X-TRADEMODE-RETURN",
        fields: &["tradeMode"],
        blocks: &["InvtRefundHead"],
        source: "202205 §2.17.4: 一般出口填9661，特殊区域出口填1261",
        zh: "退货的贸易方式应为 9661 或 1261",
        en: "must be 9661, or 1261 from a special area",
        form: Form::OneOf(&["9661", "1261"]),
        ..EMPTY
    },
    Rule {
        code: "X-COUNTRY-RETURN",
        fields: &["country"],
        blocks: &["InvtRefundHead"],
        source: "202205 §2.17.4 country: 不能为中国; 142 in the 国家（地区）代码表",
        zh: "退货的国家（地区）不能为中国",
        en: "must not be China",
        form: Form::NoneOf(&["142"]),
        ..EMPTY
    },
    Rule {
        code: "X-TRANSPORT",
        fields: &["trafMode"],
        source: "202205 §2.7.4, §2.9.4, §2.11.4, §2.15.4, §2.17.4, §2.19.4: C1, JGS-20 海关业务代码集 运输方式代码",
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
        source: "202205 §2.11.4: 前4位按税则归类申报; §2.17.4: 与原申报清单一致; schema 2022-05: 10 characters",
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
        source: "202205 §2.2.4 to §2.22.4, §3.19: 若小于0数字表示处理异常回执; the list of codes ends with 等 and stays open",
        zh: "操作结果应为整数",
        en: "must be a whole number",
        side: Side::Receipt,
        form: Form::Number,
        ..EMPTY
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
        code: "X-MOMENT",
        fields: &["accountingDate", "leaveTime", "startTime", "endTime"],
        source: "202205 §2.3.4, §2.9.4, §2.21.4: YYYYMMDDhhmmss",
        zh: "时间应为 14 位数字的真实时间",
        en: "must be a real moment of 14 digits",
        form: Form::Moment(14),
        ..EMPTY
    },
    Rule {
        code: "X-PART",
        fields: &["msgCount", "msgSeqNo"],
        source: "202205 §2.7.4, §2.9.4, §2.15.4, §2.21.4: 未拆分的填1，拆分的填实际数量；以1开始的报文顺序号",
        zh: "报文总数与报文序号应从 1 起",
        en: "how many parts there are, and which one this is, begin with 1",
        form: Form::Positive,
        ..EMPTY
    },
    Rule {
        code: "X-INVTNO",
        fields: &["invtNo"],
        source: "202205 §2.11.4, §2.13.4, §2.15.4, §2.17.4, §2.19.4, §2.21.4: 4位关区+4位年份+1位进出口标记+流水号",
        zh: "清单编号应为字母和数字",
        en: "an inventory number has letters and digits alone",
        form: Form::Letters,
        ..EMPTY
    },
    Rule {
        code: "X-SUMMARYFLAG",
        fields: &["summaryFlag"],
        source: "202205 §2.21.4: 1:按收发货人单一汇总，2:按收发货人和生产销售单位汇总",
        zh: "汇总标志应为 1 或 2",
        en: "must be 1 (by consignor) or 2 (by consignor and owner)",
        form: Form::OneOf(&["1", "2"]),
        ..EMPTY
    },
    Rule {
        code: "X-ITEMNAMEFLAG",
        fields: &["itemNameFlag"],
        source: "202205 §2.21.4: 填1,按清单原始商品名相同汇总; schema 2022-05: one character; other values are not published",
        zh: "按企业商品名汇总标志应为 1 位数字",
        en: "must be a digit; 1 sums by item name",
        form: Form::Digits(1),
        ..EMPTY
    },
    Rule {
        code: "X-RETURNTIME",
        fields: &["returnTime", "opDate"],
        source: "202205 §2.2.4, §2.23.4: yyyyMMddHHmmssfff",
        zh: "回执时间应为 17 位数字的真实时间",
        en: "must be a real moment of 17 digits",
        side: Side::Receipt,
        form: Form::Moment(17),
        ..EMPTY
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
        source: "202205 §2.7.4 to §2.21.4: JGS/T 18 海关关区代码，4 位",
        zh: "关区代码应为 4 位数字",
        en: "a customs office has 4 digits",
        form: Form::Digits(4),
        ..EMPTY
    },
    Rule {
        code: "X-PARAMETER",
        fields: &["currency", "fCurrency", "iCurrency", "country", "unit", "unit1", "unit2"],
        source: "202205 §2.1.4, §2.3.4, §2.5.4, §2.11.4, §2.17.4: C3, JGS-20 海关业务代码集",
        zh: "参数代码应为 3 位字母或数字",
        en: "a parameter code has 3 letters or digits",
        form: Form::Code(3),
        ..EMPTY
    },
];
