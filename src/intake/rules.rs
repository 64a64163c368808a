//! The rules of the request around a declaration, and of who can transmit it: `R-…`.

use crate::check::{Rule, Severity::Error};

pub mod following;
pub mod recording;

const SOURCE_ZH: &str = "本网关规定";
const SOURCE_EN: &str = "this gateway's own rule";

/// The longest key that a caller may give.
pub const LONGEST_KEY: usize = 200;

/// The caller's key.
pub const KEY: Rule = Rule {
    code: "R-KEY",
    severity: Error,
    source_zh: SOURCE_ZH,
    source_en: SOURCE_EN,
    zh: "幂等键超过200个字符或含控制字符",
    en: "the idempotency key has more than 200 characters or a control character",
    remedy_zh: "改用较短的可见字符",
    remedy_en: "use fewer, printable characters",
};
/// The time by which it should have reached customs.
pub const NEEDED_BY: Rule = Rule {
    code: "R-NEEDED-BY",
    severity: Error,
    source_zh: SOURCE_ZH,
    source_en: SOURCE_EN,
    zh: "要求送达时间不是有效时间",
    en: "needed_by is not a moment that can be written down",
    remedy_zh: "填写有效时间，或留空（接受后24小时）",
    remedy_en: "give a moment of this age, or none (24 hours after acceptance)",
};
/// No lane.
pub const NO_LANE: Rule = Rule {
    code: "R-NO-LANE",
    severity: Error,
    source_zh: SOURCE_ZH,
    source_en: SOURCE_EN,
    zh: "网关未配置该关区、监管场所、贸易方式和电商企业的报送通道",
    en: "the gateway has no lane for this office, site, trade mode and seller",
    remedy_zh: "更正申报地海关等字段，或请管理员配置通道",
    remedy_en: "correct the office and its like, or have a lane configured",
};
/// No sender.
pub const NO_SENDER: Rule = Rule {
    code: "R-NO-SENDER",
    severity: Error,
    source_zh: "报文规范（202205版） 基础报文传输实体：传输企业须与接入身份一致",
    source_en: "message specification 202205, base transfer: the transmitting enterprise must be that of the connection",
    zh: "没有可代该企业传输{field}的传输企业",
    en: "none of the gateway's senders may transmit the {field} for this enterprise",
    remedy_zh: "更正企业代码，或请管理员为其配置传输企业",
    remedy_en: "correct the enterprise's code, or have a sender configured for it",
};

/// The rules of a request to declare something.
pub const OF_SUBMISSIONS: [Rule; 4] = [KEY, NEEDED_BY, NO_LANE, NO_SENDER];

/// Every rule.
pub static RULES: std::sync::LazyLock<Vec<Rule>> =
    std::sync::LazyLock::new(|| [&OF_SUBMISSIONS[..], &following::RULES, recording::RULES].concat());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_say_the_limits() {
        for text in [KEY.zh, KEY.en] {
            assert!(text.contains(&LONGEST_KEY.to_string()), "{text}");
        }
    }
}
