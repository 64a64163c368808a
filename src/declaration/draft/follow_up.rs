//! Documents that are submitted on their own, as sent. A number is not asked for where it is only the place of a line, nor is
//! the part where a long document is split: both are ours to count.

use serde::{Deserialize, Serialize};

use crate::{declaration::Kind, party::Party};

/// A document that is submitted on its own, neither a waybill nor out of a declaration, as sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FollowUp {
    /// 收款单.
    Payment(Payment),
    /// 物流运抵单.
    Arrival(Arrival),
    /// 物流离境单.
    Departure(Departure),
    /// 撤销申请单.
    Cancellation(Cancellation),
    /// 清单总分单.
    Manifest(Manifest),
    /// 汇总申请单.
    Summary(Summary),
    /// 退货申请单.
    GoodsReturn(GoodsReturn),
    /// 退货理货明细单.
    ReturnTally(ReturnTally),
}

impl FollowUp {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Payment(_) => Kind::Payment,
            Self::Arrival(_) => Kind::Arrival,
            Self::Departure(_) => Kind::Departure,
            Self::Cancellation(_) => Kind::Cancellation,
            Self::Manifest(_) => Kind::Manifest,
            Self::Summary(_) => Kind::Summary,
            Self::GoodsReturn(_) => Kind::GoodsReturn,
            Self::ReturnTally(_) => Kind::ReturnTally,
        }
    }
}

/// 收款单 as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Payment {
    /// 电商平台 (ebpCode, ebpName).
    pub platform: Party,
    /// 电商企业 (ebcCode, ebcName).
    pub seller: Party,
    /// orderNo.
    pub order_no: String,
    /// payCode: of a domestic payment firm.
    pub payer_code: String,
    /// payName; `现金支付` where it was not paid online.
    pub payer_name: String,
    /// payNo.
    pub payment_no: String,
    /// charge.
    pub charge: String,
    /// Old three-digit currency code, or ISO letters.
    pub currency: String,
    /// accountingDate: `yyyyMMddHHmmss`, Beijing time.
    pub received_at: String,
    /// Free text; may be personal, never logged.
    pub note: String,
}

/// 物流运抵单 as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Arrival {
    /// customsCode.
    pub declared_at: String,
    /// 监管场所经营人 (operatorCode, operatorName); by post, the postal carrier.
    pub operator: Party,
    /// loctNo: the site, where an office has several.
    pub site: String,
    /// trafMode.
    pub transport: String,
    /// billNo; only by post may it be missing.
    pub bill_no: String,
    /// domesticTrafNo: the vehicle that brought them.
    pub vehicle: String,
    /// 物流企业 (logisticsCode, logisticsName).
    pub carrier: Party,
    /// Free text; may be personal, never logged.
    pub note: String,
    /// May be empty: then all of the bill.
    pub lines: Vec<MovementLine>,
}

/// 物流离境单 as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Departure {
    /// customsCode.
    pub declared_at: String,
    /// 物流企业 (logisticsCode, logisticsName).
    pub carrier: Party,
    /// trafMode.
    pub transport: String,
    /// trafName; only by post may it be missing.
    pub vehicle: String,
    /// voyageNo; only by post may it be missing.
    pub voyage: String,
    /// billNo; only by post may it be missing.
    pub bill_no: String,
    /// leaveTime: `yyyyMMddHHmmss`, Beijing time.
    pub left_at: String,
    /// Free text; may be personal, never logged.
    pub note: String,
    /// At least one.
    pub lines: Vec<MovementLine>,
}

/// A parcel that arrived or left, as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MovementLine {
    /// gnum: its place in the list, if it is said at all.
    pub number: String,
    /// logisticsNo.
    pub waybill_no: String,
    /// totalPackageNo: up to 37 characters.
    pub bag_no: String,
    /// Free text; may be personal, never logged.
    pub note: String,
}

/// 撤销申请单 as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cancellation {
    /// customsCode.
    pub declared_at: String,
    /// invtNo of the inventory.
    pub inventory_no: String,
    /// reason: up to 1000 characters.
    pub reason: String,
    /// 申报企业 (agentCode, agentName).
    pub declarant: Party,
    /// 收发货人 (ebcCode, ebcName).
    pub seller: Party,
    /// Free text; may be personal, never logged.
    pub note: String,
}

/// 清单总分单 as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Manifest {
    /// customsCode.
    pub declared_at: String,
    /// 申报企业 (agentCode, agentName).
    pub declarant: Party,
    /// loctNo: the site, where an office has several.
    pub site: String,
    /// trafMode.
    pub transport: String,
    /// trafName.
    pub vehicle: String,
    /// voyageNo.
    pub voyage: String,
    /// billNo.
    pub bill_no: String,
    /// domesticTrafNo: the vehicle that takes them to the site.
    pub domestic_vehicle: String,
    /// grossWeight in kg.
    pub gross_weight: String,
    /// 物流企业 (logisticsCode, logisticsName).
    pub carrier: Party,
    /// Free text; may be personal, never logged.
    pub note: String,
    /// At least one.
    pub lines: Vec<ManifestLine>,
}

/// A parcel on a manifest, as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ManifestLine {
    /// gnum: its place in the list, if it is said at all.
    pub number: String,
    /// totalPackageNo: up to 60 characters.
    pub bag_no: String,
    /// logisticsNo.
    pub waybill_no: String,
    /// invtNo: of the original inventory where goods come back.
    pub inventory_no: String,
    /// Free text; may be personal, never logged.
    pub note: String,
}

/// 汇总申请单 as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Summary {
    /// customsCode.
    pub declared_at: String,
    /// 申报单位 (agentCode, agentName).
    pub declarant: Party,
    /// 收发货人 (ebcCode, ebcName).
    pub seller: Party,
    /// 报关单位 (declAgentCode, declAgentName) of the customs declaration that follows.
    pub customs_declarant: Party,
    /// startTime and endTime: overrides the list of numbers.
    pub period: Period,
    /// loctNo: the site, where an office has several.
    pub site: String,
    /// summaryFlag: by consignor alone, or by consignor and owner.
    pub by_owner: bool,
    /// itemNameFlag: by the item names of the inventories, or by customs' own.
    pub by_item_name: bool,
    /// Free text; may be personal, never logged.
    pub note: String,
    /// invtNo of each inventory; empty only with a period.
    pub inventory_nos: Vec<String>,
}

/// A span of time as sent, both ends included; both empty where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Period {
    /// startTime: `yyyyMMddHHmmss`, Beijing time.
    pub from: String,
    /// endTime: `yyyyMMddHHmmss`, Beijing time, not before `from`.
    pub to: String,
}

/// 退货申请单 as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GoodsReturn {
    /// customsCode: may be an office of another district than the export's.
    pub declared_at: String,
    /// loctNo: the site, where an office has several.
    pub site: String,
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
    /// reason: up to 500 characters.
    pub reason: String,
    /// country: where they come from, old three-digit code or ISO letters; never China.
    pub country: String,
    /// Free text; may be personal, never logged.
    pub note: String,
    /// 1 to 100.
    pub lines: Vec<ReturnLine>,
}

/// A line of goods that come back, as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReturnLine {
    /// gnum of the original inventory's line.
    pub number: String,
    /// gcode, as in the inventory.
    pub hs_code: String,
    /// gname, as in the inventory.
    pub customs_name: String,
    /// gmodel, as in the inventory.
    pub specification: String,
    /// qty.
    pub quantity: String,
    /// unit, as in the inventory.
    pub unit: String,
    /// qty1.
    pub legal_quantity: String,
    /// unit1, as in the inventory.
    pub legal_unit: String,
    /// qty2.
    pub second_quantity: String,
    /// unit2.
    pub second_unit: String,
    /// Free text; may be personal, never logged.
    pub note: String,
}

/// 退货理货明细单 as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
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
    pub inventory_no: String,
    /// billNo; the waybill's number if there is none.
    pub bill_no: String,
    /// trafMode.
    pub transport: String,
    /// trafName.
    pub vehicle: String,
    /// voyageNo.
    pub voyage: String,
    /// location: where they are stored.
    pub location: String,
    /// Free text; may be personal, never logged.
    pub note: String,
}
