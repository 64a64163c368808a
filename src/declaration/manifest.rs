//! 清单总分单: which waybills travel together.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Part;
use crate::party::Party;

/// 清单总分单 (607): ties waybills to one bill, vehicle and voyage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// customsCode.
    pub declared_at: String,
    /// 申报企业 (agentCode, agentName).
    pub declarant: Party,
    /// loctNo: the site, where an office has several.
    pub site: Option<String>,
    /// trafMode.
    pub transport: String,
    /// trafName.
    pub vehicle: String,
    /// voyageNo.
    pub voyage: String,
    /// billNo.
    pub bill_no: String,
    /// domesticTrafNo: the vehicle that takes them to the site.
    pub domestic_vehicle: Option<String>,
    /// grossWeight in kg.
    pub gross_weight: Decimal,
    /// 物流企业 (logisticsCode, logisticsName).
    pub carrier: Party,
    /// Which part it is.
    #[serde(default)]
    pub part: Part,
    /// Free text; may be personal, never logged.
    pub note: Option<String>,
    /// At least one; a part has at most 1000 (messages §3).
    pub lines: Vec<ManifestLine>,
}

/// A parcel on a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestLine {
    /// gnum: 1, 2, 3, …
    pub number: u32,
    /// totalPackageNo: up to 60 characters.
    pub bag_no: Option<String>,
    /// logisticsNo.
    pub waybill_no: String,
    /// invtNo: of the original inventory where goods come back.
    pub inventory_no: Option<String>,
    /// Free text; may be personal, never logged.
    pub note: Option<String>,
}
