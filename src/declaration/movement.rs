//! Where the goods are: they reach the supervised site, and they leave the country.

use serde::{Deserialize, Serialize};

use super::Part;
use crate::{clock::Timestamp, party::Party};

/// 物流运抵单 (507): goods have reached the supervised site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// customsCode.
    pub declared_at: String,
    /// 监管场所经营人 (operatorCode, operatorName); by post, the postal carrier.
    pub operator: Party,
    /// loctNo: the site, where an office has several.
    pub site: Option<String>,
    /// trafMode.
    pub transport: String,
    /// billNo; only by post may it be missing.
    pub bill_no: Option<String>,
    /// domesticTrafNo: the vehicle that brought them.
    pub vehicle: String,
    /// 物流企业 (logisticsCode, logisticsName).
    pub carrier: Party,
    /// Which part it is.
    #[serde(default)]
    pub part: Part,
    /// Free text; may be personal, never logged.
    pub note: Option<String>,
    /// May be empty: then all of the bill.
    pub lines: Vec<MovementLine>,
}

/// 物流离境单 (509): goods have left the country.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// customsCode.
    pub declared_at: String,
    /// 物流企业 (logisticsCode, logisticsName).
    pub carrier: Party,
    /// trafMode.
    pub transport: String,
    /// trafName; only by post may it be missing.
    pub vehicle: Option<String>,
    /// voyageNo; only by post may it be missing.
    pub voyage: Option<String>,
    /// billNo; only by post may it be missing.
    pub bill_no: Option<String>,
    /// leaveTime.
    pub left_at: Timestamp,
    /// Which part it is.
    #[serde(default)]
    pub part: Part,
    /// Free text; may be personal, never logged.
    pub note: Option<String>,
    /// At least one.
    pub lines: Vec<MovementLine>,
}

/// A parcel that arrived or left. Its number (gnum) is its place in the whole document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovementLine {
    /// gnum: 1, 2, 3, …
    pub number: u32,
    /// logisticsNo.
    pub waybill_no: String,
    /// totalPackageNo: up to 37 characters.
    pub bag_no: Option<String>,
    /// Free text; may be personal, never logged.
    pub note: Option<String>,
}
