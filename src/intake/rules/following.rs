//! The rules of what is asked about documents that are kept already: `R-…`.

use super::{SOURCE_EN, SOURCE_ZH};
use crate::{
    check::{Rule, Severity::Error},
    state::Obstacle,
};

/// An inventory that is none of the caller's.
pub const NO_INVENTORY: Rule = Rule {
    code: "R-NO-INVENTORY",
    severity: Error,
    source_zh: SOURCE_ZH,
    source_en: SOURCE_EN,
    zh: "没有编号为{detail}的清单",
    en: "there is no inventory {detail}",
    remedy_zh: "核对清单编号；只能填写经本网关申报的清单",
    remedy_en: "check the number; it must be of an inventory that was declared through this gateway",
};
/// The state of a document does not permit it.
pub const STATE: Rule = Rule {
    code: "R-STATE",
    severity: Error,
    source_zh: "报文规范（202205版） appType；各单证的当前状态",
    source_en: "message specification 202205, appType; the present state of the document",
    zh: "{field}现在不能这样处理：{detail}",
    en: "the {field} is not in a state for this: {detail}",
    remedy_zh: "按所述原因处理后再试，或改用其他方式",
    remedy_en: "wait for what it says, or take another way",
};
/// The same was asked for before, and customs has not refused it.
pub const ASKED_ALREADY: Rule = Rule {
    code: "R-ASKED-ALREADY",
    severity: Error,
    source_zh: SOURCE_ZH,
    source_en: SOURCE_EN,
    zh: "已为该清单提交过{field}，海关尚未退回",
    en: "a {field} of this inventory has been submitted and not been refused",
    remedy_zh: "等待海关处理；被退回后可再次提交",
    remedy_en: "wait for customs; it may be submitted again once it is refused",
};
/// A line that the inventory does not have.
pub const NO_LINE: Rule = Rule {
    code: "R-NO-LINE",
    severity: Error,
    source_zh: "报文规范（202205版） 213 gnum",
    source_en: "message specification 202205, 213 gnum",
    zh: "原清单没有第{detail}项",
    en: "the inventory has no line {detail}",
    remedy_zh: "填写原清单的商品序号",
    remedy_en: "write the number of the inventory's line",
};
/// A line that says something else than the inventory's.
pub const OTHER_LINE: Rule = Rule {
    code: "R-OTHER-LINE",
    severity: Error,
    source_zh: "报文规范（202205版） 213 商品表体：与原清单一致",
    source_en: "message specification 202205, 213 lines: as in the inventory",
    zh: "{field}与原清单不一致，原清单为{detail}",
    en: "the {field} is not that of the inventory, {detail}",
    remedy_zh: "照原清单填写",
    remedy_en: "write what the inventory says",
};
/// More comes back than has left.
pub const TOO_MUCH: Rule = Rule {
    code: "R-TOO-MUCH",
    severity: Error,
    source_zh: "报文规范（202205版） 213 qty：不超过原清单数量",
    source_en: "message specification 202205, 213 qty: no more than was declared",
    zh: "{field}超过尚未退回的数量{detail}",
    en: "the {field} is more than the {detail} that have not come back yet",
    remedy_zh: "核对数量，含此前已申报的退货",
    remedy_en: "check the quantity, returns declared before included",
};
/// Another enterprise than the inventory's.
pub const OTHER_PARTY: Rule = Rule {
    code: "R-OTHER-PARTY",
    severity: Error,
    source_zh: "报文规范（202205版） 605、701、213：与原清单一致",
    source_en: "message specification 202205, 605, 701 and 213: as in the inventory",
    zh: "{field}与清单{detail}不一致",
    en: "the {field} is not that of the inventory {detail}",
    remedy_zh: "照清单填写；不同企业的清单请分开提交",
    remedy_en: "write that of the inventory; submit inventories of several enterprises apart",
};
/// Customs has a waybill whose order is not known yet.
pub const WAYBILL_ALONE: Rule = Rule {
    code: "R-WAYBILL-ALONE",
    severity: Error,
    source_zh: SOURCE_ZH,
    source_en: SOURCE_EN,
    zh: "海关已收到运单{detail}，而其订单尚未提交",
    en: "customs has the waybill {detail}, and its order is not known yet",
    remedy_zh: "订单提交后再变更或撤回",
    remedy_en: "amend it or take it back once its order is there",
};
/// An inventory of the A kind cannot be summed.
pub const NOT_TO_SUM: Rule = Rule {
    code: "R-NOT-TO-SUM",
    severity: Error,
    source_zh: "报文规范（202205版） 603 statisticsFlag：A为简化申报，不再汇总",
    source_en: "message specification 202205, 603 statisticsFlag: A is simplified, and not summed",
    zh: "清单{detail}为简化申报，或已汇总",
    en: "the inventory {detail} is of the simplified kind, or summed already",
    remedy_zh: "删除该清单编号",
    remedy_en: "leave it out",
};
/// Nobody sends documents of this kind.
pub const NOT_SENT: Rule = Rule {
    code: "R-NOT-SENT",
    severity: Error,
    source_zh: "通道配置；收款单：海关总署公告2024年第167号（经二手资料，原文未核对）",
    source_en: "the configured lanes; payments: GACC announcement 2024 no. 167 (from secondary sources; the text itself was not seen)",
    zh: "按通道配置不报送{field}",
    en: "by the configured lanes nobody sends a {field}",
    remedy_zh: "无需报送；确需报送请管理员配置通道（收款单自2024年12月15日起不再要求）",
    remedy_en: "it need not be sent; if it must be, have a lane configured (payments are not required since 2024-12-15)",
};
/// An amendment that would make another declaration of it.
pub const FIXED: Rule = Rule {
    code: "R-FIXED",
    severity: Error,
    source_zh: "报文规范（202205版） 业务主键；变更须沿用原单证的业务主键",
    source_en: "message specification 202205, business keys: an amendment keeps those of what it amends",
    zh: "{field}不能变更，原为{detail}",
    en: "the {field} cannot be amended; it was {detail}",
    remedy_zh: "沿用原值；运单号请用 BindWaybill 更换；确需其他值请撤回后重新申报",
    remedy_en: "keep it; another waybill's number takes BindWaybill; for others take the declaration back and submit a new one",
};
/// Nothing would change.
pub const NOTHING_AMENDED: Rule = Rule {
    code: "R-NOTHING-AMENDED",
    severity: Error,
    source_zh: SOURCE_ZH,
    source_en: SOURCE_EN,
    zh: "内容与现有申报完全相同",
    en: "it says what the declaration says already",
    remedy_zh: "无需变更；要原样重发被退回的单证，请先更正内容",
    remedy_en: "nothing to do; what was refused is sent anew once something is corrected",
};

/// No waybill's number.
pub const WAYBILL_NO: Rule = Rule {
    code: "R-WAYBILL-NO",
    severity: Error,
    source_zh: "报文规范（202205版） 505 logisticsNo：C..32",
    source_en: "message specification 202205, 505 logisticsNo: C..32",
    zh: "物流运单编号须为1至32个可见的ASCII字符",
    en: "a waybill's number has 1 to 32 visible ASCII characters",
    remedy_zh: "填写运单号",
    remedy_en: "write the number of the waybill",
};
/// Another declaration has that waybill.
pub const WAYBILL_TAKEN: Rule = Rule {
    code: "R-WAYBILL-TAKEN",
    severity: Error,
    source_zh: "报文规范（202205版） 505 logisticsNo：六个月内不可重复",
    source_en: "message specification 202205, 505 logisticsNo: not again within six months",
    zh: "运单号{detail}已属于另一申报",
    en: "the waybill {detail} belongs to another declaration",
    remedy_zh: "核对运单号",
    remedy_en: "check the number",
};

/// Each of them.
pub const RULES: [Rule; 14] = [
    NO_INVENTORY,
    STATE,
    ASKED_ALREADY,
    WAYBILL_ALONE,
    NO_LINE,
    OTHER_LINE,
    TOO_MUCH,
    OTHER_PARTY,
    NOT_TO_SUM,
    NOT_SENT,
    FIXED,
    NOTHING_AMENDED,
    WAYBILL_NO,
    WAYBILL_TAKEN,
];

/// What stands against something, in Chinese and in English.
#[must_use]
pub const fn obstacle(obstacle: Obstacle) -> (&'static str, &'static str) {
    match obstacle {
        Obstacle::OnTheWay => ("正在报送途中，请待回执后再试", "it is on its way; try again once it is answered"),
        Obstacle::Declared => ("所属清单已向海关申报（-301011）", "its inventory is declared (-301011)"),
        Obstacle::UnderReview => ("海关正在审核或查验", "customs is reviewing or inspecting it"),
        Obstacle::Passed => ("海关已审结或放行，只能申请撤销", "customs has passed or released it; it can only be cancelled"),
        Obstacle::Closed => ("已结关，货物退回请申报退货", "it is closed; if the goods come back, declare a return"),
        Obstacle::NotThere => ("海关没有该清单，请直接撤回", "customs does not have it; take it back instead"),
        Obstacle::NotReleased => ("尚未放行", "it has not been released"),
        Obstacle::Sealed => ("已打包签名", "it is sealed"),
        Obstacle::NotTurnedAway => ("未被退回，重发将构成重复申报", "it has not been turned away; sending it again would declare it twice"),
        Obstacle::Over => ("已撤销", "it is withdrawn"),
    }
}
