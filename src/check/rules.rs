//! The rules, one row each. A rule's code never changes its meaning; its texts may be improved.
//!
//! In the texts `{field}` stands for the name of the field and `{detail}` for what the finding adds (a limit, the expected
//! amount, an unknown code).

use super::{
    Finding,
    Severity::{self, Error, Warning},
};

/// One rule: what it forbids, on whose word, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its stable code: F form, C code lists, P parties, L lines, A arithmetic, M modes, D dates, T taken numbers.
    pub code: &'static str,
    /// How bad.
    pub severity: Severity,
    /// Document and section it rests on, in Chinese.
    pub source_zh: &'static str,
    /// Document and section it rests on, in English.
    pub source_en: &'static str,
    /// What is wrong, in Chinese.
    pub zh: &'static str,
    /// What is wrong, in English.
    pub en: &'static str,
    /// What to do, in Chinese.
    pub remedy_zh: &'static str,
    /// What to do, in English.
    pub remedy_en: &'static str,
}

impl Rule {
    /// What it says of one place: `field` is the name of what is there, in Chinese and English, `detail` what it adds.
    #[must_use]
    pub fn finding(&self, path: String, (zh, en): (&str, &str), detail: &str) -> Finding {
        let fill = |text: &str, name: &str| filled(text, name, detail);
        Finding {
            path,
            rule: self.code.to_owned(),
            severity: self.severity,
            zh: fill(self.zh, zh),
            en: fill(self.en, en),
            remedy_zh: fill(self.remedy_zh, zh),
            remedy_en: fill(self.remedy_en, en),
        }
    }
}

/// The text with the field's name and the detail in their places.
fn filled(text: &str, field: &str, detail: &str) -> String {
    let mut filled = String::with_capacity(text.len() + field.len() + detail.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        rest = if let Some(after) = after.strip_prefix("field}") {
            filled.push_str(field);
            after
        } else if let Some(after) = after.strip_prefix("detail}") {
            filled.push_str(detail);
            after
        } else {
            filled.push('{');
            after
        };
    }
    filled.push_str(rest);
    filled
}

type Source = (&'static str, &'static str);

const TABLES: Source =
    ("报文规范（202205版） §2.1.4至§2.21.4 各报文描述", "message specification 202205, §2.1.4 to §2.21.4, tables of the messages");
const ORDER: Source = ("报文规范（202205版） §2.1.4 订单", "message specification 202205, §2.1.4 order");
const WAYBILL: Source = ("报文规范（202205版） §2.5.4 运单", "message specification 202205, §2.5.4 waybill");
const LIST: Source = ("报文规范（202205版） §2.11.4 清单", "message specification 202205, §2.11.4 list");
const PAYMENT: Source = ("报文规范（202205版） §2.3.4 收款单", "message specification 202205, §2.3.4 payment");
const MOVEMENT: Source =
    ("报文规范（202205版） §2.7.4 运抵单、§2.9.4 离境单", "message specification 202205, §2.7.4 arrival, §2.9.4 departure");
const SUMMARY: Source = ("报文规范（202205版） §2.21.4 汇总申请单", "message specification 202205, §2.21.4 summary");
const RETURN: Source = (
    "报文规范（202205版） §2.17.4 退货申请单、§2.19.4 退货理货明细单",
    "message specification 202205, §2.17.4 goods return, §2.19.4 return tally",
);
const XML: Source = ("W3C XML 1.0 §2.2 字符", "W3C XML 1.0, §2.2 characters");
const SCHEMA: Source = ("跨境出口业务节点报文定义（2022-05） XSD", "export message schema 2022-05");
const OFFICES: Source = ("JGS/T 18《海关关区代码》", "JGS/T 18, customs office codes");
const CODES: Source = ("JGS-20《海关业务代码集》", "JGS-20, customs business codes");
const CREDIT: Source = ("GB 32100-2015 统一社会信用代码编码规则", "GB 32100-2015, unified social credit code");
const PRACTICE: Source = ("行业实践：平台与模拟系统的校验", "practice: checks of platforms and simulators");
const TARIFF: Source = ("进出口税则 2026", "customs tariff 2026");
const ELEMENTS_2022: Source =
    ("国际贸易单一窗口参数 CusMerchElement，2022-06", "single window parameters, table CusMerchElement, June 2022");
const DUAL_USE_2026: Source = (
    "商务部、海关总署公告2025年第91号，2026年度目录（经二手资料，原文未核对）",
    "MOFCOM and GACC announcement 2025 no. 91, list of 2026 (from secondary sources; the text itself was not seen)",
);
const SIMPLIFIED: Source =
    ("报文规范（202205版） §2.12.4 清单回执，申报业务类型", "message specification 202205, §2.12.4 list receipt, kind of declaration");
const PARCEL: Source = (
    "海关总署公告2018年第194号（经二手资料，原文未核对）",
    "GACC announcement 2018 no. 194 (from secondary sources; the text itself was not seen)",
);
const BUSINESS: Source = (
    "海关总署公告2020年第75号（经二手资料，原文未核对）",
    "GACC announcement 2020 no. 75 (from secondary sources; the text itself was not seen)",
);
const OURS: Source = ("本网关规定", "this gateway's own rule");

macro_rules! rules {
    ($($name:ident: $code:literal, $severity:ident, $source:ident, $zh:literal, $en:literal, $remedy_zh:literal, $remedy_en:literal;)*) => {
        $(
            #[doc = concat!("`", $code, "`: ", $en, ".")]
            pub const $name: Rule = Rule {
                code: $code,
                severity: $severity,
                source_zh: $source.0,
                source_en: $source.1,
                zh: $zh,
                en: $en,
                remedy_zh: $remedy_zh,
                remedy_en: $remedy_en,
            };
        )*

        /// Every rule.
        pub static RULES: &[Rule] = &[$($name,)*];
    };
}

rules! {
    REQUIRED: "F-REQUIRED", Error, TABLES, "{field}未填写", "{field} is missing",
        "请填写{field}", "fill in {field}";
    NIL: "F-NIL", Error, TABLES, "{field}未填写；没有也须写明", "{field} is missing; none must be said too",
        "没有则填写0", "write 0 if there is none";
    CHARACTERS: "F-CHARACTERS", Error, XML, "{field}含有控制字符、零宽字符或其他不可见字符", "{field} holds control characters, zero-width or other characters that are not seen",
        "删除换行、制表符和其他不可见字符", "remove line breaks, tabs and other invisible characters";
    SPACES: "F-SPACES", Error, OURS, "{field}首尾有空格", "{field} begins or ends with a space",
        "去掉首尾空格：海关按原文比对", "remove it: customs compares the text as it is";
    PLACEHOLDER: "F-PLACEHOLDER", Error, TABLES, "{field}填写了“无”或“NO”", "{field} says 无 or NO",
        "没有的留空；“无”只用于无代码的境外平台和条形码，NO由本网关填写", "leave it empty if there is none; 无 is only for a foreign platform's code and a bar code, NO is written by the gateway";
    TOO_LONG: "F-TOO-LONG", Error, TABLES, "{field}超过{detail}个字符", "{field} is longer than {detail} characters",
        "缩短到{detail}个字符以内", "shorten it to {detail} characters";
    LENGTH: "F-LENGTH", Error, SCHEMA, "{field}不是{detail}位数字", "{field} is not {detail} digits",
        "填写{detail}位数字", "write {detail} digits";
    NOT_DECIMAL: "F-NOT-DECIMAL", Error, TABLES, "{field}不是十进制数", "{field} is not a decimal number",
        "只写数字和小数点，例如 12.50；不写正号、千分位、指数或空格", "digits and a point only, such as 12.50; no plus sign, thousands separator, exponent or space";
    DECIMAL_DIGITS: "F-DECIMAL-DIGITS", Error, TABLES, "{field}超出N19,5：整数最多14位，小数最多5位", "{field} does not fit N19,5: at most 14 digits before the point and 5 after it",
        "自行决定如何取舍，本网关不代为四舍五入", "decide how to shorten it; the gateway does not round for you";
    NEGATIVE: "F-NEGATIVE", Error, TABLES, "{field}为负数", "{field} is negative",
        "填写零或正数", "write zero or a positive number";
    NOT_INTEGER: "F-NOT-INTEGER", Error, TABLES, "{field}不是最多{detail}位的整数", "{field} is not a whole number of at most {detail} digits",
        "填写最多{detail}位的整数", "write a whole number of at most {detail} digits";
    DATE: "F-DATE", Error, LIST, "{field}不是日期", "{field} is not a day",
        "按 20261123 或 2026-11-23 填写", "write it as 20261123 or 2026-11-23";
    MOMENT: "F-MOMENT", Error, TABLES, "{field}不是14位的真实时间", "{field} is not a real moment of 14 digits",
        "按北京时间填写，例如 20261123093000", "write Beijing time, such as 20261123093000";
    INVENTORY_NO: "F-INVENTORY-NO", Error, LIST, "{field}不是清单编号：4位关区、4位年份、E、流水号", "{field} is no inventory number: office (4 digits), year (4), E, digits",
        "按清单回执中的清单编号填写，例如 51412026E000000001", "copy it from the receipt of the list, such as 51412026E000000001";
    INVENTORY_NO_SHORT: "F-INVENTORY-SHORT", Warning, LIST, "{field}不足18位", "{field} has less than 18 characters",
        "与清单回执核对", "compare it with the receipt of the list";
    POST_ONLY: "F-POST-ONLY", Error, MOVEMENT, "{field}未填写；只有邮件运输（6）可以不填", "{field} is missing, which only post (6) allows",
        "请填写{field}", "fill in {field}";
    BILL_IS_WAYBILL: "F-BILL-WAYBILL", Error, RETURN, "{field}未填写，而运单号超过{detail}个字符，不能代替", "{field} is missing, and the waybill number, longer than {detail} characters, cannot stand in for it",
        "请填写{field}", "fill in {field}";

    OFFICE: "C-OFFICE", Error, OFFICES, "{field}不在关区代码表中{detail}", "{field} is not a customs office{detail}",
        "填写4位关区代码，例如 5141", "write the four digits of an office, such as 5141";
    OFFICE_DISTRICT: "C-OFFICE-DISTRICT", Error, OURS, "{field}不属于广州海关（51xx）或黄埔海关（52xx）{detail}", "{field} belongs neither to Guangzhou (51xx) nor to Huangpu (52xx){detail}",
        "本网关只向广州、黄埔两关申报", "this gateway declares to Guangzhou and Huangpu customs only";
    SITE: "C-SITE", Warning, LIST, "{field}不在已知的监管场所中，或不属于申报地海关{detail}", "{field} is no known site of the declaring office{detail}",
        "与监管场所核对代码；本表不全", "ask the site for its code; the list at hand is not complete";
    CURRENCY: "C-CURRENCY", Error, CODES, "{field}不在币制代码表中{detail}", "{field} is not a currency code{detail}",
        "填写3位海关代码或ISO字母：人民币142或CNY，美元502或USD", "write the three digits of customs or ISO letters: 142 or CNY, 502 or USD";
    COUNTRY: "C-COUNTRY", Error, CODES, "{field}不在国别（地区）代码表中{detail}", "{field} is not a country code{detail}",
        "填写3位海关代码或ISO字母：美国502、US或USA", "write the three digits of customs or ISO letters: 502, US or USA";
    COUNTRY_CHINA: "C-COUNTRY-CHINA", Error, RETURN, "{field}不能为中国", "{field} may not be China",
        "填写退货启运的国家（地区）", "write the country that the goods come back from";
    UNIT: "C-UNIT", Error, CODES, "{field}不在计量单位代码表中{detail}", "{field} is not a unit code{detail}",
        "填写3位海关代码：件011，千克035", "write the three digits of customs: 011 for pieces, 035 for kilograms";
    TRANSPORT: "C-TRANSPORT", Error, CODES, "{field}不在运输方式代码表中{detail}", "{field} is not a mode of transport{detail}",
        "填写1位代码：公路4，航空5，邮件6", "write one character: 4 road, 5 air, 6 post";
    WRAP: "C-WRAP", Error, CODES, "{field}不在包装种类代码表中{detail}", "{field} is not a kind of packing{detail}",
        "填写1位代码或新的2位代码：纸箱2或22，包6或06", "write the one digit or the new two: 2 or 22 carton, 6 or 06 bag";
    PORT: "C-PORT", Error, CODES, "{field}不在港口代码表中{detail}", "{field} is not a port code{detail}",
        "填写4位港口代码或新的6位代码；不能预知时填3位国别代码", "write the four digits of the port or the new six characters, or the three digits of the country if it is not known";
    TRADE_MODE: "C-TRADE-MODE", Error, CODES, "{field}不在贸易方式代码表中{detail}", "{field} is not a trade mode{detail}",
        "一般出口填写9610", "write 9610 for retail export";
    HS_HEADING: "C-HS-HEADING", Error, TARIFF, "{field}的前4位不在税则中{detail}", "the first 4 digits of {field} are no heading of the tariff{detail}",
        "按税则归类，填写10位编码", "classify the goods and write the 10 digits";
    HS_CODE: "C-HS-CODE", Warning, TARIFF, "税则中没有这个10位{field}，只认得前{detail}位", "the tariff at hand does not hold this 10-digit {field}, only its first {detail} digits",
        "简化申报前4位有效即可；汇总申报请核对全部10位", "enough for simplified declaration (4 digits count); else check all 10";

    HS_PADDED: "C-HS-PADDED", Error, LIST, "{field}只有前4位，其余补零；此处需要前{detail}位", "{field} has only its first 4 digits, filled up with zeros; its first {detail} are needed here",
        "简化申报（A）的零售出口只需4位，9710、9810简化申报需6位，汇总申报（B）需10位", "retail under simplified declaration (A) needs 4, 9710 and 9810 under A 6, summed declaration (B) 10";
    ELEMENTS: "C-ELEMENTS", Warning, ELEMENTS_2022, "{field}的要素少于该商品编码的申报要素：{detail}", "{field} says less than the code asks to be declared: {detail}",
        "汇总申报后要逐项填写报关单：按要素顺序填写，以“|”分隔", "what is summed becomes a customs declaration, which wants each of them: write them in order, with bars between";
    DUAL_USE: "C-DUAL-USE", Warning, DUAL_USE_2026, "{field}在两用物项出口许可证管理目录中，而未填写许可证号", "{field} is on the list of dual-use items, yet there is no licence number",
        "核对商品是否属于管制物项；属于的不得简化申报，须填写许可证号", "find out whether the goods are controlled; if so they may not go by simplified declaration and need the licence number";

    CREDIT_CODE: "P-CREDIT-CODE", Error, CREDIT, "{field}不是有效的统一社会信用代码（18位，含校验位）", "{field} is not a valid unified social credit code (18 characters with a check digit)",
        "核对营业执照上的代码，或填写10位海关注册编码", "compare it with the business licence, or write the 10-character customs code";
    CUSTOMS_CODE: "P-CUSTOMS-CODE", Error, TABLES, "{field}不是有效的10位海关注册编码", "{field} is not a valid 10-character customs code",
        "核对海关备案信息，或填写18位统一社会信用代码", "compare it with the customs registration, or write the 18-character credit code";
    PLATFORM_CODE: "P-PLATFORM-CODE", Error, ORDER, "{field}既不是有效的统一社会信用代码，也不是海关注册编码，也不是“无”", "{field} is neither a valid credit code nor a customs code nor 无",
        "境内平台填写其代码；境外平台无代码填写“无”", "write the platform's code; 无 for a foreign platform that has none";
    OWNER_CODE: "P-OWNER-CODE", Error, LIST, "{field}须为统一社会信用代码：企业未在海关登记，代码写入备注", "{field} must be a credit code: the owner is not registered with customs, so it goes into the note",
        "填写18位统一社会信用代码，或注明已在海关登记", "write the 18-character credit code, or say that the owner is registered";
    WAYBILL_SELLER: "P-WAYBILL-SELLER", Error, ORDER, "{field}与运单所填电商企业代码不同", "{field} differs from the seller code of the waybill itself",
        "运单与所属订单须为同一电商企业（清单的收发货人）", "a waybill and its order have one seller, the consignor of the list";
    CONSIGNOR: "P-CONSIGNOR", Warning, ORDER, "该{field}的运单已由物流企业推送，其电商企业代码与订单不同", "the carrier has pushed the waybill of this {field} with another seller's code than the order's",
        "核对运单号与电商企业代码，或请物流企业更正运单", "compare the waybill number and the seller's code, or have the carrier correct its waybill";

    PAYER: "P-PAYER", Warning, PAYMENT, "{field}未填写；境内支付企业必须填写", "{field} is missing, which a domestic payment firm must have",
        "境内支付企业填写其代码；非线上支付的，支付企业名称填“现金支付”", "write the code of a domestic firm; where it was not paid online, write 现金支付 as the firm's name";
    POSTAL_OPERATOR: "P-POSTAL-OPERATOR", Warning, MOVEMENT, "邮件运输的{field}应为邮政物流企业，而与物流企业代码不同", "by post {field} is that of the postal carrier, yet it differs from the carrier's",
        "核对运输方式与两个代码", "compare the mode of transport and both codes";

    NO_LINES: "L-NO-LINES", Error, SCHEMA, "{field}为空", "there are no {field}",
        "至少填写一项", "give at least one line";
    TOO_MANY: "L-TOO-MANY", Error, SCHEMA, "{field}超过{detail}项；只检查了前{detail}项", "there are more than {detail} {field}; only the first {detail} were checked",
        "拆分为多份", "split it into several";
    NUMBER: "L-NUMBER", Error, TABLES, "{field}应为{detail}：须从1起连续递增", "{field} should be {detail}: numbers run 1, 2, 3 without gaps or repeats",
        "按顺序重新编号", "number the lines in order";
    REPEATED: "L-REPEATED", Error, TABLES, "{field}与第{detail}项相同", "{field} is that of line {detail} already",
        "每项只填一次", "give each of them once";
    UNPAIRED: "L-UNPAIRED", Error, TABLES, "订单与清单的商品序号不对应：另一方没有序号{detail}", "the lines of order and list do not pair: the other side has no number {detail}",
        "每项订单商品对应一项序号相同的清单商品", "give each order line one list line of the same number";
    ITEM_NO_20: "L-ITEM-NO-20", Error, LIST, "{field}超过20个字符，清单放不下", "{field} is longer than the 20 characters a list can hold",
        "缩短到20个字符以内（订单允许30，清单只允许20）", "shorten it to 20 characters (an order takes 30, a list only 20)";

    TOTAL: "A-TOTAL", Error, LIST, "{field}不等于数量×单价，应为{detail}", "{field} is not quantity × price, which is {detail}",
        "按数量×单价计算，四舍五入到总价自身的小数位", "multiply, and round half up at the total's own scale";
    TOTAL_LARGE: "A-TOTAL-LARGE", Error, TABLES, "数量×单价过大，{field}写不下（整数最多14位）", "quantity × price is too large for {field}, which takes 14 digits before the point",
        "核对数量与单价", "check quantity and price";
    SUM_LARGE: "A-SUM-LARGE", Error, TABLES, "各项总价之和过大，{field}写不下（整数最多14位）", "the sum of the line totals is too large for {field}, which takes 14 digits before the point",
        "核对各项总价", "check the totals of the lines";
    GOODS_VALUE: "A-GOODS-VALUE", Error, PRACTICE, "{field}不等于各项总价之和，应为{detail}", "{field} is not the sum of the line totals, which is {detail}",
        "商品金额为FOB价，不含运杂费，等于各项总价之和", "goods value is FOB, without freight: the sum of the line totals";
    ONE_CURRENCY: "A-CURRENCY", Error, PRACTICE, "{field}与订单币制不同，金额无法相加", "{field} differs from the order's currency, so the amounts cannot be added",
        "全单使用同一币制", "use one currency in the whole order";
    WEIGHT: "A-WEIGHT", Error, PRACTICE, "净重大于毛重", "net weight is greater than gross weight",
        "核对重量，单位为千克", "check the weights; both are in kilograms";
    POSITIVE: "A-POSITIVE", Error, PRACTICE, "{field}必须大于零", "{field} must be greater than zero",
        "填写大于零的数", "write a number greater than zero";
    SECOND: "A-SECOND", Error, LIST, "第二数量与第二计量单位须同时填写或同时不填", "second quantity and second unit go together: both or neither",
        "补填缺少的一项，或两项都不填", "fill in the missing one, or leave both empty";
    UNIT_EQUAL: "A-UNIT-EQUAL", Error, PRACTICE, "计量单位与法定计量单位相同，{field}应等于申报数量{detail}", "unit and legal unit are the same, so {field} should be the quantity{detail}",
        "改正数量或单位", "correct the quantity or the unit";

    ORDER_TYPE: "M-ORDER-TYPE", Error, ORDER, "{field}不是E、B或W", "{field} is none of E, B, W",
        "零售出口填写E", "write E for retail export";
    TRADE_CARRIED: "M-TRADE-MODE", Error, OURS, "本网关不申报该{field}{detail}", "this gateway does not carry that {field}{detail}",
        "可申报9610、1210、9710、9810", "9610, 1210, 9710 and 9810 are carried";
    TRADE_ORDER: "M-TRADE-ORDER", Error, PRACTICE, "{field}与贸易方式不符，应为{detail}", "{field} does not fit the trade mode, which wants {detail}",
        "9610、1210配E，9710配B，9810配W", "9610 and 1210 go with E, 9710 with B, 9810 with W";
    AREA: "M-AREA", Error, LIST, "特殊区域出口（1210）须填写{field}", "goods from a special area (1210) need {field}",
        "填写{field}；不从特殊区域出口的填写9610", "fill in {field}, or write 9610 for goods that do not come from a special area";
    NOT_AREA: "M-NOT-AREA", Error, LIST, "{field}只用于特殊区域出口（1210）", "{field} is for goods from a special area (1210) alone",
        "删除{field}，或改为1210", "remove {field}, or write 1210";
    STATISTICS: "M-STATISTICS", Error, LIST, "{field}不是A或B", "{field} is neither A nor B",
        "简化申报填写A，汇总申报填写B", "write A for simplified, B for summed declaration";
    LICENCE: "M-LICENCE", Error, SIMPLIFIED, "简化申报（A）的商品不得涉及许可证", "goods under simplified declaration (A) may not need a licence",
        "改为汇总申报（B），或删除许可证号", "declare as B, or remove the licence number";
    INVOICE: "M-INVOICE", Error, OURS, "{field}不是SPECIAL、ORDINARY、OTHER_VALID、NONE、UNKNOWN之一", "{field} is none of SPECIAL, ORDINARY, OTHER_VALID, NONE, UNKNOWN",
        "不清楚时填写UNKNOWN或不填", "write UNKNOWN or nothing if it is not known";
    RETURN_MODE: "M-RETURN-MODE", Error, RETURN, "{field}不是9661或1261{detail}", "{field} is neither 9661 nor 1261{detail}",
        "一般出口退货填写9661，特殊区域出口退货填写1261", "write 9661 for goods of retail export, 1261 for those of a special area";
    NOTHING_SUMMED: "M-NOTHING-SUMMED", Error, SUMMARY, "{field}与汇总时间均未填写", "there are neither {field} nor a period",
        "填写清单编号，或填写汇总开始和结束时间", "give the numbers of the lists, or the start and the end of a period";
    PERIOD_OVERRIDES: "M-PERIOD", Warning, SUMMARY, "已填写汇总时间，海关将忽略{field}；不再发送编号", "a period is given, so customs ignores {field}; they are not sent",
        "只汇总指定清单的，删除汇总时间", "remove the period if only those lists are to be summed";
    OTHER_OFFICE: "M-OTHER-OFFICE", Warning, LIST, "{field}属于另一申报地海关{detail}", "{field} is of another declaring office, {detail}",
        "核对清单编号与申报地海关", "compare the number with the declaring office";

    REFUND: "M-REFUND", Warning, SIMPLIFIED, "简化申报（A）的商品不得涉及出口退税，而{field}为增值税专用发票", "goods under simplified declaration (A) may not ask for a refund, yet {field} is a special VAT invoice",
        "要退税的，改为汇总申报（B）；放弃退税的，留存书面决定", "declare as B if a refund is wanted; if it is given up, keep that decision in writing";
    PARCEL_LIMIT: "M-PARCEL-LIMIT", Error, PARCEL, "{field}折合人民币超过每票{detail}元，不得简化申报（A）", "{field} is worth more than {detail} yuan, the most of a parcel under simplified declaration (A)",
        "改为汇总申报（B）；不得为此拆单", "declare as B; do not split the order for this";
    BUSINESS_LIMIT: "M-B2B-LIMIT", Error, BUSINESS, "{field}折合人民币超过每票{detail}元，9710、9810不得以清单申报", "{field} is worth more than {detail} yuan, the most of a parcel of 9710 or 9810 on a list",
        "以报关单（H2018）申报，随附单证10000004填写订单编号；不得为此拆单", "make a full customs declaration (H2018) with attached document 10000004, the order number; do not split the order for this";
    BUSINESS_LICENCE: "M-B2B-LICENCE", Error, BUSINESS, "涉及许可证的9710、9810商品不得以清单申报", "goods of 9710 or 9810 that need a licence may not be declared on a list",
        "以报关单（H2018）申报，或删除许可证号", "make a full customs declaration (H2018), or remove the licence number";
    NO_RATE: "M-NO-RATE", Warning, OURS, "没有币制{detail}当日的人民币汇率，未核对每票限额", "there is no exchange rate of today for currency {detail}, so the limit of a parcel was not checked",
        "自行核对；请管理员补充汇率表", "check it yourself; have the table of exchange rates completed";

    EXIT_DATE: "D-EXIT-DATE", Error, OURS, "{field}与今天相差超过一年", "{field} is more than a year away from today",
        "核对日期", "check the day";
    FAR: "D-FAR", Error, OURS, "{field}与今天相差超过一年", "{field} is more than a year away from today",
        "核对时间", "check the time";
    FUTURE: "D-FUTURE", Error, OURS, "{field}晚于今天", "{field} is later than today",
        "事后再报，或核对时间", "send it when it has happened, or check the time";
    PERIOD_ORDER: "D-PERIOD-ORDER", Error, SUMMARY, "{field}早于汇总开始时间", "{field} is before the start of the period",
        "核对起止时间", "check both ends";
    ORDER_TAKEN: "T-ORDER-TAKEN", Error, ORDER, "同一平台和电商企业的这个{field}已被另一份申报使用", "this {field} is already used by another declaration of the same platform and seller",
        "使用新的订单编号；要修改原申报请用变更", "use a new order number; to change the other declaration, amend it";
    WAYBILL_TAKEN: "T-WAYBILL-TAKEN", Error, WAYBILL, "该物流企业的这个{field}在6个月内已被使用", "this {field} of that carrier was already used within 6 months",
        "与物流企业核对运单编号", "check the number with the carrier";
}

/// What the rules do not look at because no data at hand allows it, in Chinese and English.
pub static UNCHECKED: &[(&str, &str)] = &[
    (
        "出口关税：手头没有应征出口关税的商品清单，简化申报（A）不因此拒绝",
        "export duty: no list of goods that bear it is at hand, so that no simplified list (A) is refused for it",
    ),
    (
        "监管证件：没有商品编码对应证件的表；只看所填许可证号和两用物项目录",
        "licences and certificates: no table ties them to HS codes; only the licence number that is given and the dual-use list count",
    ),
    (
        "出口退税：简化申报（A）是否涉及退税，只看所报进货凭证",
        "refunds: whether goods under simplified declaration (A) ask for one is seen from the purchase voucher alone",
    ),
    (
        "法定计量单位：没有商品编码对应单位的表；只核对是否为单位代码、与申报单位相同时数量是否相等",
        "legal units: no table ties them to HS codes; they must be unit codes, and quantities equal where units are",
    ),
    ("申报要素：只数个数，不看内容；表为2022年6月", "declaration elements: counted, not understood; the table is of June 2022"),
    (
        "特殊区域出口（1210）：账册和料号是否存在、申报地海关是否为特殊区域",
        "goods from special areas (1210): whether books and numbers in them exist, and whether the office is one of a special area",
    ),
    (
        "企业：只核对代码的结构和校验位；企业名册不公开",
        "enterprises: only structure and check digit of their codes; the registers are not public",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn texts_are_filled_in_one_go() {
        assert_eq!(filled("{field} is {detail}, {field}", "price", "{field}"), "price is {field}, price");
        assert_eq!(filled("plain {other} {", "price", "1"), "plain {other} {");
    }

    #[test]
    fn codes_are_short_and_used_once() {
        let codes: BTreeSet<_> = RULES.iter().map(|rule| rule.code).collect();
        assert_eq!(codes.len(), RULES.len());
        for rule in RULES {
            let (letter, rest) = rule.code.split_once('-').expect("a letter and a word");
            assert!(["F", "C", "P", "L", "A", "M", "D", "T"].contains(&letter), "{}", rule.code);
            assert!(rest.len() <= 16 && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-'), "{}", rule.code);
        }
    }

    #[test]
    fn chinese_texts_have_chinese_marks() {
        let is_han = |c: &char| ('\u{4E00}'..='\u{9FFF}').contains(c);
        for rule in RULES {
            for text in [rule.zh, rule.remedy_zh, rule.source_zh] {
                let chars: Vec<_> = text.chars().collect();
                let odd = chars.windows(3).find(|w| is_han(&w[0]) && [',', ';', ':', '!', '?'].contains(&w[1]) && is_han(&w[2]));
                assert_eq!(odd, None, "{}: {text}", rule.code);
            }
        }
    }

    #[test]
    fn every_rule_says_everything_in_both_languages() {
        for rule in RULES {
            for zh in [rule.zh, rule.remedy_zh, rule.source_zh] {
                assert!(zh.chars().any(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c)) || zh.contains("JGS"), "{}: {zh}", rule.code);
            }
            for en in [rule.en, rule.remedy_en, rule.source_en] {
                let plain = en.replace(['无', '×', '§'], "").replace("现金支付", "");
                assert!(plain.is_ascii() && !plain.is_empty(), "{}: {en}", rule.code);
            }
            assert_eq!(rule.zh.contains("{detail}"), rule.en.contains("{detail}"), "{}", rule.code);
        }
    }
}
