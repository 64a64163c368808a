//! 清单: what it says beyond the order that it goes with.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::Date;

use crate::party::Party;

/// 申报业务类型 (statisticsFlag).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistics {
    /// A, 简化申报 (汇总统计): no customs declaration follows.
    Simplified,
    /// B, 汇总申报: lists are summed into a customs declaration.
    Summed,
}

impl Statistics {
    /// The letter on the wire.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Simplified => "A",
            Self::Summed => "B",
        }
    }

    /// The type with that letter.
    #[must_use]
    pub fn from_letter(letter: &str) -> Option<Self> {
        [Self::Simplified, Self::Summed].into_iter().find(|kind| kind.letter() == letter)
    }
}

/// What purchase voucher the seller says it has for a line. Never presumed: unsaid is `Unknown` (spec of the exemption, §1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceStatus {
    /// 增值税专用发票.
    Special,
    /// 普通发票.
    Ordinary,
    /// Non-tax receipt, farm purchase voucher, customs payment certificate.
    OtherValid,
    /// 未取得有效进货凭证: the seller says it has none.
    None,
    /// The seller has not said.
    #[default]
    Unknown,
}

impl InvoiceStatus {
    /// As written in requests, files and decisions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Special => "SPECIAL",
            Self::Ordinary => "ORDINARY",
            Self::OtherValid => "OTHER_VALID",
            Self::None => "NONE",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// The status written so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Special, Self::Ordinary, Self::OtherValid, Self::None, Self::Unknown].into_iter().find(|status| status.as_str() == text)
    }
}

/// 清单 (603): what it says beyond the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// customsCode: the office that clears it.
    pub declared_at: String,
    /// portCode: the office at which the goods leave the country.
    pub exits_at: String,
    /// ieDate: 出口日期.
    pub exit_date: Date,
    /// statisticsFlag.
    pub statistics: Statistics,
    /// 申报企业 (agentCode, agentName).
    pub declarant: Party,
    /// 生产销售企业: its code, and whether customs knows it (see [`Inventory::owner_code`]).
    pub owner: Party,
    /// Whether the owner is registered with customs.
    pub owner_registered: bool,
    /// 区内企业 (iacCode, iacName): who stores the goods in the special area; of 1210 alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area_enterprise: Option<Party>,
    /// emsNo: the books they are kept in, up to 30 characters; of 1210 alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub book_no: Option<String>,
    /// tradeMode: 9610, 9710, 9810, or 1210 from a special area.
    pub trade_mode: String,
    /// trafMode.
    pub transport: String,
    /// trafName.
    pub vehicle: Option<String>,
    /// voyageNo.
    pub voyage: Option<String>,
    /// billNo: 提运单号.
    pub bill_no: Option<String>,
    /// totalPackageNo: 总包号.
    pub bag_no: Option<String>,
    /// loctNo: 监管场所, where an office has several.
    pub site: Option<String>,
    /// licenseNo.
    pub licence_no: Option<String>,
    /// country: old three-digit code of the country of arrival.
    pub country: String,
    /// POD: 指运港.
    pub destination_port: String,
    /// freight.
    pub freight: Decimal,
    /// fCurrency.
    pub freight_currency: String,
    /// insuredFee.
    pub insured_fee: Decimal,
    /// iCurrency.
    pub insured_currency: String,
    /// wrapType: one digit.
    pub wrap: String,
    /// packNo: parcels.
    pub packs: u32,
    /// grossWeight in kg.
    pub gross_weight: Decimal,
    /// netWeight in kg.
    pub net_weight: Decimal,
    /// Free text; may be personal, never logged.
    pub note: Option<String>,
    /// 物流企业 (logisticsCode, logisticsName).
    pub carrier: Party,
    /// logisticsNo, if the seller knows it already.
    pub waybill_no: Option<String>,
    /// A line for each line of the order.
    pub lines: Vec<InventoryLine>,
}

/// What an inventory line says beyond the order line of the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryLine {
    /// gnum: the number of its order line.
    pub number: u32,
    /// itemRecordNo: the goods' number in the books, up to 30 characters; of 1210 alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_no: Option<String>,
    /// gcode: 10 digits.
    pub hs_code: String,
    /// gname.
    pub customs_name: String,
    /// gmodel: brand, model, composition.
    pub specification: String,
    /// country: destination, old three-digit code.
    pub country: String,
    /// qty1: 法定数量.
    pub legal_quantity: Decimal,
    /// unit1.
    pub legal_unit: String,
    /// qty2 with unit2.
    pub second: Option<(Decimal, String)>,
    /// What voucher the seller has for it.
    pub invoice: InvoiceStatus,
    /// Free text; may be personal, never logged.
    pub note: Option<String>,
}

/// ownerCode of an owner that customs does not know (message specification 202205, 603 ownerCode).
pub const OWNER_UNREGISTERED: &str = "NO";

impl Inventory {
    /// ownerCode: the owner's code if customs knows it, else NO (exemption §3.1).
    #[must_use]
    pub fn owner_code(&self) -> &str {
        if self.owner_registered { &self.owner.code } else { OWNER_UNREGISTERED }
    }

    /// The note on the wire: an owner that customs does not know is named by its credit code here (exemption §3.1).
    #[must_use]
    pub fn wire_note(&self) -> Option<String> {
        let owner = (!self.owner_registered).then(|| format!("实际卖家统一社会信用代码:{}", self.owner.code));
        match (owner, &self.note) {
            (Some(owner), Some(note)) => Some(format!("{owner};{note}")),
            (owner, note) => owner.or_else(|| note.clone()),
        }
    }
}
