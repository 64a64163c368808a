//! Records as callers send them: text as sent. As JSON they are what `tongguan exemption record` reads, and what is kept.

use serde::{Deserialize, Serialize};

use crate::store::RecordKind;

/// Lines of a declaration, as a caller names them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrderLines {
    /// Our id of the declaration.
    pub declaration_id: String,
    /// Or the number of its order.
    pub order_no: String,
    /// The numbers of its lines; none: all.
    pub lines: Vec<u32>,
}

/// A line's registration: the six statutory values as they stand on the platform.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegisteredLine {
    /// Our id of the declaration.
    pub declaration_id: String,
    /// Or the number of its order.
    pub order_no: String,
    /// The number of the line.
    pub line: u32,
    /// The number given on the platform.
    pub record_no: String,
    /// 出口日期.
    pub export_date: String,
    /// 货物名称.
    pub name: String,
    /// 计量单位: the three-digit customs code.
    pub unit: String,
    /// 数量.
    pub quantity: String,
    /// 单价.
    pub price: String,
    /// 金额.
    pub amount: String,
}

/// A seller's profile.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SellerDraft {
    /// Credit code with its check digit, or the customs code by which declarations name it.
    pub code: String,
    /// `enterprise`, `individual_business`, `natural_person`.
    pub kind: String,
    /// `exporter`, `platform`, `logistics`, `agent`.
    pub role: String,
    /// City of registration.
    pub city: String,
    /// `general`, `small`, `unknown`.
    pub taxpayer: String,
    /// `accounts`, `deemed`, `unknown`.
    pub income_tax: String,
    /// The zone on whose platform it is registered.
    pub platform_zone: String,
    /// Its number there.
    pub platform_reg_no: String,
    /// Whether it says that it registers every line with the values of its list.
    pub registers_lines: bool,
    /// The days for which the tax authority suspended its refunds and exemptions: first and last, either may be left out.
    pub suspended: Vec<[String; 2]>,
}

/// What is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case", deny_unknown_fields)]
pub enum RecordDraft {
    /// A seller's profile: takes the place of the one before.
    Seller(SellerDraft),
    /// A voucher against order lines.
    Invoice {
        /// Against which.
        orders: Vec<OrderLines>,
        /// `SPECIAL`, `ORDINARY`, `OTHER_VALID`, or `NONE`: there is none after all.
        status: String,
        /// Its number; not needed for `NONE`.
        #[serde(default)]
        number: String,
        /// The rate on a special invoice, per cent.
        #[serde(default)]
        rate: String,
    },
    /// Registrations on a zone's platform.
    Registration {
        /// The platform, by its zone.
        platform: String,
        /// When it confirmed them.
        confirmed_on: String,
        /// What stands there.
        lines: Vec<RegisteredLine>,
    },
    /// A signed statement that the seller has no voucher for what it declared without one in a period.
    Statement {
        /// The seller's code.
        seller: String,
        /// The first export day.
        from: String,
        /// The last export day.
        to: String,
        /// When it was signed.
        signed_on: String,
        /// By whom: kept, and told nowhere else.
        signed_by: String,
    },
    /// A paper that defends the exemption.
    Evidence {
        /// Of which lines.
        orders: Vec<OrderLines>,
        /// `contract`, `payment`, `agency`.
        what: String,
        /// Its number or name at the seller.
        number: String,
        /// Its day.
        on: String,
        /// SHA-256 of its bytes in hexadecimal, if known.
        #[serde(default)]
        sha256: String,
    },
    /// That the exemption was filed with the tax office: of some lines, or of all that a seller exported in a period.
    Filing {
        /// Of which lines; none: of the period.
        #[serde(default)]
        orders: Vec<OrderLines>,
        /// The seller's code, of a period.
        #[serde(default)]
        seller: String,
        /// The first export day, of a period.
        #[serde(default)]
        from: String,
        /// The last export day, of a period.
        #[serde(default)]
        to: String,
        /// When it was filed.
        on: String,
        /// The number of the acknowledgement.
        number: String,
    },
    /// That a refund is given up by choosing summed statistics for lines with a special invoice.
    Choice {
        /// Of which lines.
        orders: Vec<OrderLines>,
        /// Who chose it: kept, and told only on the working paper.
        name: String,
        /// What is lost for each line, in CNY.
        amount: String,
    },
}

impl RecordDraft {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> RecordKind {
        match self {
            Self::Seller(_) => RecordKind::Seller,
            Self::Invoice { .. } => RecordKind::Invoice,
            Self::Registration { .. } => RecordKind::Registration,
            Self::Statement { .. } => RecordKind::Statement,
            Self::Evidence { .. } => RecordKind::Evidence,
            Self::Filing { .. } => RecordKind::Filing,
            Self::Choice { .. } => RecordKind::Choice,
        }
    }
}
