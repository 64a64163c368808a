//! Goods that come back: the application, and the tally of what was unloaded.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::party::Party;

/// 退货申请单 (213): exported goods come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodsReturn {
    /// customsCode: may be an office of another district than the export's.
    pub declared_at: String,
    /// loctNo: the site, where an office has several.
    pub site: Option<String>,
    /// 电商平台 (ebpCode, ebpName), that of the inventory.
    pub platform: Party,
    /// 电商企业 (ebcCode, ebcName), that of the inventory.
    pub seller: Party,
    /// 物流企业 (logisticsCode, logisticsName): of the export, or of the way back.
    pub carrier: Party,
    /// logisticsNo: of the export, or of the way back; up to 80 characters.
    pub waybill_no: String,
    /// invtNo of the original inventory.
    pub inventory_no: String,
    /// tradeMode: 9661, or 1261 from a special area.
    pub trade_mode: String,
    /// 申报企业 (agentCode, agentName).
    pub declarant: Party,
    /// billNo; the waybill's number if there is none.
    pub bill_no: String,
    /// trafMode.
    pub transport: String,
    /// trafName.
    pub vehicle: String,
    /// voyageNo.
    pub voyage: String,
    /// portCode: the office at which the goods come in.
    pub enters_at: String,
    /// reason: up to 500 characters (messages §7, 9).
    pub reason: String,
    /// country: old three-digit code of where they come from; never China.
    pub country: String,
    /// Free text; may be personal, never logged.
    pub note: Option<String>,
    /// 1 to 100.
    pub lines: Vec<ReturnLine>,
}

/// A line of goods that come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnLine {
    /// gnum of the original inventory's line.
    pub number: u32,
    /// gcode, as in the inventory.
    pub hs_code: String,
    /// gname, as in the inventory.
    pub customs_name: String,
    /// gmodel, as in the inventory.
    pub specification: String,
    /// qty: no more than was declared.
    pub quantity: Decimal,
    /// unit, as in the inventory.
    pub unit: String,
    /// qty1: no more than was declared.
    pub legal_quantity: Decimal,
    /// unit1, as in the inventory.
    pub legal_unit: String,
    /// qty2 with unit2: no more than was declared.
    pub second: Option<(Decimal, String)>,
    /// Free text; may be personal, never logged.
    pub note: Option<String>,
}

/// 退货理货明细单 (215): what was unloaded of goods that come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnTally {
    /// customsCode.
    pub declared_at: String,
    /// 监管场所经营人 (operatorCode, operatorName).
    pub operator: Party,
    /// 物流企业 (logisticsCode, logisticsName).
    pub carrier: Party,
    /// logisticsNo: of the export, or of the way back; up to 80 characters.
    pub waybill_no: String,
    /// invtNo of the original inventory.
    pub inventory_no: Option<String>,
    /// billNo; the waybill's number if there is none.
    pub bill_no: String,
    /// trafMode.
    pub transport: String,
    /// trafName.
    pub vehicle: String,
    /// voyageNo.
    pub voyage: String,
    /// location: where they are stored.
    pub location: Option<String>,
    /// Free text; may be personal, never logged.
    pub note: Option<String>,
}
