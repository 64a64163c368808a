//! What a decision is made from: the facts of one line, the seller's profile, and what the configuration chooses.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::Date;

use crate::declaration::{InvoiceStatus, Statistics};

use super::{places::Reading, table::Span};

/// Which way the goods go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// E.
    #[default]
    Export,
    /// I.
    Import,
}

/// How far the list (清单) is at customs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum ListStatus {
    /// Not declared yet: whatever is said is a forecast.
    NotDeclared,
    /// On its way or under review.
    Declared,
    /// 800.
    Released {
        /// The day of release, if known.
        on: Option<Date>,
    },
    /// 899.
    Closed {
        /// The day of closing, if known.
        on: Option<Date>,
    },
    /// Withdrawn or cancelled.
    Cancelled,
    /// Refused.
    Rejected,
}

impl ListStatus {
    /// Whether customs has released it.
    #[must_use]
    pub const fn released(self) -> bool {
        matches!(self, Self::Released { .. } | Self::Closed { .. })
    }
}

/// The six statutory values of a line (财税〔2018〕103号一(一): 出口日期、货物名称、计量单位、数量、单价、金额).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SixFields {
    /// 出口日期: the list's own, in Beijing.
    pub export_date: Option<Date>,
    /// 货物名称.
    pub name: Option<String>,
    /// 计量单位: the three-digit customs code.
    pub unit: Option<String>,
    /// 数量.
    pub quantity: Option<Decimal>,
    /// 单价.
    pub price: Option<Decimal>,
    /// 金额.
    pub amount: Option<Decimal>,
}

/// Whether the line stands on the zone's service platform (线上综合服务平台).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// It does not, or nobody has said so.
    #[default]
    NotRegistered,
    /// With these values.
    Registered(SixFields),
    /// The seller's profile says that it registers every line as soon as it can, with the values of its list; nobody has compared.
    OnWord,
}

/// Where the list names the real seller (spec of the exemption, §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SellerNamed {
    /// As the e-commerce enterprise itself: the strong case.
    #[default]
    AsEnterprise,
    /// As owner (生产销售单位) only.
    AsOwner,
    /// By its credit code in the note only.
    InNote,
    /// Nowhere.
    Nowhere,
}

/// What has been gathered to defend a decision; each by its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Evidence {
    /// The seller's signed statement of no voucher for the period.
    pub statement: Option<Date>,
    /// The purchase contract.
    pub contract: Option<Date>,
    /// The payment.
    pub payment: Option<Date>,
    /// The filing of the exemption.
    pub filing: Option<Date>,
    /// The agency agreement, where an agent exports for the seller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agency: Option<Date>,
}

/// Where a line stands on a platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entered {
    /// The platform, by its zone.
    pub platform: String,
    /// The number given there.
    pub number: String,
    /// When it was confirmed.
    pub confirmed_on: Date,
}

/// What is known of the materials of annex 9 in the goods (2026年第11号附件9: diamonds, silver, gold, platinum metals).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Materials {
    /// Their share of the cost of materials, 0 to 1.
    pub share: Decimal,
    /// The HS code of the material that makes up most of it, 10 digits.
    pub hs_code: String,
    /// Whether the goods stand in annex 8, which are exempt whatever they are made of.
    #[serde(default)]
    pub annex_8: bool,
}

/// What the tax authority itself has found and confirmed about a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Confirmed {
    /// 虚假备案单证 or 伪造凭证.
    pub false_documents: bool,
    /// 借名出口, 假自营真代理.
    pub name_lending: bool,
}

/// A refund that somebody gives up by choosing summed statistics for a line with a special invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forgone {
    /// Who chose it.
    pub name: String,
    /// What is lost, in CNY.
    pub amount: Decimal,
}

/// Everything a decision about one line is made from. Written as JSON in this order, it is the decision's canonical input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The line's number.
    pub line: u32,
    /// Which way.
    pub direction: Direction,
    /// 监管方式.
    pub trade_mode: String,
    /// 申报业务类型: whether a customs declaration follows.
    pub route: Statistics,
    /// How far the list is.
    pub list: ListStatus,
    /// 10 digits.
    pub hs_code: String,
    /// The list's six values.
    pub fields: SixFields,
    /// The currency of price and amount, by its customs code; empty in facts that were kept before it was noted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub currency: String,
    /// The declaring office; never the port of exit.
    pub declared_at: String,
    /// What voucher the seller says it has.
    pub invoice: InvoiceStatus,
    /// Whether a voucher is linked although it says none.
    pub invoice_linked: bool,
    /// How much of it came back.
    pub returned: Decimal,
    /// The real seller's profile, if there is one.
    pub seller: Option<Arc<Seller>>,
    /// Where the list names the real seller.
    pub seller_named: SellerNamed,
    /// Whether it is registered on the platform.
    pub registration: Registration,
    /// Where the recorded registration stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered: Option<Entered>,
    /// What has been gathered.
    #[serde(default)]
    pub evidence: Evidence,
    /// The rate on the special invoice, per cent, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice_rate: Option<Decimal>,
    /// The materials of annex 9, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub materials: Option<Materials>,
    /// What the tax authority has confirmed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub found: Confirmed,
    /// The recorded choice to give up a refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgone: Option<Forgone>,
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What a seller is in law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SellerKind {
    /// 单位.
    Enterprise,
    /// 个体工商户.
    IndividualBusiness,
    /// 自然人.
    NaturalPerson,
}

/// What a seller does in the trade (财税〔2018〕103号四, 财税〔2013〕96号四: platforms do not qualify).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trade {
    /// 自建或利用第三方平台出口的电子商务出口企业.
    Exporter,
    /// 第三方平台.
    Platform,
    /// 物流.
    Logistics,
    /// 报关或综合服务代理.
    Agent,
}

/// 纳税人类型.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taxpayer {
    /// 一般纳税人.
    General,
    /// 小规模纳税人.
    Small,
    /// Not said.
    #[default]
    Unknown,
}

/// How a seller's income tax is assessed (企业所得税征收方式).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncomeTax {
    /// 查账征收.
    Accounts,
    /// 核定征收 (税务总局公告2019年第36号), granted or asked for.
    Deemed,
    /// Not said.
    #[default]
    Unknown,
}

/// The enterprise's own registration on a zone's service platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlatformRegistration {
    /// The zone whose platform it is.
    pub zone: String,
    /// The number given there.
    pub enterprise_reg_no: String,
    /// Whether the seller says that it registers every line as soon as it can, with the values of its list. Stands in until the
    /// registration of each line is recorded.
    #[serde(default)]
    pub registers_lines: bool,
}

/// A seller's profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seller {
    /// 统一社会信用代码, or the code by which declarations name it.
    pub code: String,
    /// What it is in law.
    pub kind: SellerKind,
    /// What it does in the trade.
    pub role: Trade,
    /// The city of registration (注册地).
    pub city: String,
    /// 纳税人类型.
    #[serde(default)]
    pub taxpayer: Taxpayer,
    /// Its registration on the zone's platform.
    #[serde(default)]
    pub platform: Option<PlatformRegistration>,
    /// How its income tax is assessed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub income_tax: IncomeTax,
    /// The days for which the tax authority suspended its refunds and exemptions (停止办理出口退税).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspended: Vec<Span>,
}

/// A named, labelled override of N-REGIME-UNVERIFIED: goes into every decision it touches and into the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Who takes it on.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// From what a zone's platform counts the days until a line can be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountedFrom {
    /// Release (放行).
    Release,
    /// Closing (结关).
    Closing,
}

/// When a zone's platform takes a line. A zone without a row takes it from release on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneRule {
    /// The zone.
    pub zone: String,
    /// What the days are counted from.
    pub counted_from: CountedFrom,
    /// How many days later it is possible.
    pub days: u16,
    /// By when it must be done, in days; none known.
    #[serde(default)]
    pub deadline_days: Option<u16>,
    /// Whether an agent may do it; none: not known.
    #[serde(default)]
    pub agent_allowed: Option<bool>,
    /// Where the seller's credit code must stand.
    #[serde(default)]
    pub seller_id_location: Option<String>,
}

/// What the configuration chooses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Lets decisions go on although 财税〔2018〕103号 is not verified.
    pub regime_override: Option<Override>,
    /// Which reading of 综试区所在地海关 holds; unchosen, a disagreement is for a person.
    pub office_reading: Option<Reading>,
    /// When each zone's platform takes a line.
    pub zone_rules: Vec<ZoneRule>,
}

impl Default for Settings {
    fn default() -> Self {
        // Shenzhen: notice of its commerce bureau of 2024-01-31: after closing, T+2, no third-party agents, the real seller's code in
        // the header or item note. No text was found for Guangzhou or Dongguan, so they have no row.
        let shenzhen = ZoneRule {
            zone: "深圳".to_owned(),
            counted_from: CountedFrom::Closing,
            days: 2,
            deadline_days: None,
            agent_allowed: Some(false),
            seller_id_location: Some("清单表头或表体备注".to_owned()),
        };
        Self { regime_override: None, office_reading: None, zone_rules: vec![shenzhen] }
    }
}
