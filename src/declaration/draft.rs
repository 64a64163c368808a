//! What callers send, before anything is known to be right: text as it came, empty where nothing was said. Only
//! [`crate::check`] turns it into a [`crate::declaration::Declaration`], a [`crate::declaration::Waybill`] or a
//! [`crate::declaration::FollowUp`].

use serde::{Deserialize, Serialize};

use crate::party::Party;

mod follow_up;

pub use follow_up::{
    Arrival, Cancellation, Departure, FollowUp, GoodsReturn, Manifest, ManifestLine, MovementLine, Payment, Period, ReturnLine,
    ReturnTally, Summary,
};

/// One order with what its inventory needs, as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Declaration {
    /// 电子订单.
    pub order: Order,
    /// 清单.
    pub inventory: Inventory,
}

/// 电子订单 as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Order {
    /// orderNo, unique per platform and seller; up to 60 characters.
    pub order_no: String,
    /// orderType.
    pub order_type: String,
    /// 电商平台 (ebpCode, ebpName).
    pub platform: Party,
    /// 电商企业 (ebcCode, ebcName), the consignor of the inventory.
    pub seller: Party,
    /// goodsValue: FOB, without freight.
    pub goods_value: String,
    /// freight: zero if there is none.
    pub freight: String,
    /// Old three-digit currency code (142), or ISO letters (CNY).
    pub currency: String,
    /// Free text; may be personal, never logged.
    pub note: String,
    /// 1 to 100 lines.
    pub lines: Vec<OrderLine>,
}

/// One line of an order as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrderLine {
    /// gnum: 1, 2, 3, …
    pub number: String,
    /// itemNo: the seller's article number, up to 20 characters (30 in an order that no inventory follows).
    pub item_no: String,
    /// itemName.
    pub item_name: String,
    /// itemDescribe.
    pub description: String,
    /// barCode.
    pub bar_code: String,
    /// Old three-digit unit code (011 = 件).
    pub unit: String,
    /// Old three-digit currency code.
    pub currency: String,
    /// qty.
    pub quantity: String,
    /// price per unit.
    pub price: String,
    /// totalPrice.
    pub total: String,
    /// Free text; may be personal, never logged.
    pub note: String,
}

/// 清单 as sent: what it says beyond the order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Inventory {
    /// customsCode: the office that clears it.
    pub declared_at: String,
    /// portCode: the office at which the goods leave the country.
    pub exits_at: String,
    /// ieDate: 出口日期.
    pub exit_date: String,
    /// statisticsFlag.
    pub statistics: String,
    /// 申报企业 (agentCode, agentName).
    pub declarant: Party,
    /// 生产销售企业: its code, and whether customs knows it (see [`Inventory::owner_code`]).
    pub owner: Party,
    /// Whether the owner is registered with customs.
    pub owner_registered: bool,
    /// 区内企业 (iacCode, iacName): who stores the goods in the special area; of 1210 alone.
    pub area_enterprise: Party,
    /// emsNo: the books they are kept in, up to 30 characters; of 1210 alone.
    pub book_no: String,
    /// tradeMode: 9610, 9710, 9810, or 1210 from a special area.
    pub trade_mode: String,
    /// trafMode.
    pub transport: String,
    /// trafName.
    pub vehicle: String,
    /// voyageNo.
    pub voyage: String,
    /// billNo: 提运单号.
    pub bill_no: String,
    /// totalPackageNo: 总包号.
    pub bag_no: String,
    /// loctNo: 监管场所, where an office has several.
    pub site: String,
    /// licenseNo.
    pub licence_no: String,
    /// country: old three-digit code of the country of arrival, or ISO letters.
    pub country: String,
    /// POD: 指运港, old code or the new six characters.
    pub destination_port: String,
    /// freight.
    pub freight: String,
    /// fCurrency.
    pub freight_currency: String,
    /// insuredFee.
    pub insured_fee: String,
    /// iCurrency.
    pub insured_currency: String,
    /// wrapType: one digit, or the new two.
    pub wrap: String,
    /// packNo: parcels.
    pub packs: String,
    /// grossWeight in kg.
    pub gross_weight: String,
    /// netWeight in kg.
    pub net_weight: String,
    /// Free text; may be personal, never logged.
    pub note: String,
    /// 物流企业 (logisticsCode, logisticsName).
    pub carrier: Party,
    /// logisticsNo, if the seller knows it already.
    pub waybill_no: String,
    /// A line for each line of the order.
    pub lines: Vec<InventoryLine>,
}

/// What an inventory line says beyond the order line of the same number, as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InventoryLine {
    /// gnum: the number of its order line.
    pub number: String,
    /// itemRecordNo: the goods' number in the books, up to 30 characters; of 1210 alone.
    pub record_no: String,
    /// gcode: 10 digits; simplified, the first 4 or 6 are enough.
    pub hs_code: String,
    /// gname.
    pub customs_name: String,
    /// gmodel: brand, model, composition.
    pub specification: String,
    /// country: destination, old three-digit code, or ISO letters.
    pub country: String,
    /// qty1: 法定数量.
    pub legal_quantity: String,
    /// unit1.
    pub legal_unit: String,
    /// qty2.
    pub second_quantity: String,
    /// unit2.
    pub second_unit: String,
    /// What voucher the seller has for it.
    pub invoice: String,
    /// Free text; may be personal, never logged.
    pub note: String,
}

/// 物流运单 as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Waybill {
    /// 物流企业 (logisticsCode, logisticsName).
    pub carrier: Party,
    /// logisticsNo: unique per carrier within 6 months; up to 32 characters.
    pub waybill_no: String,
    /// freight.
    pub freight: String,
    /// insuredFee.
    pub insured_fee: String,
    /// Old three-digit currency code.
    pub currency: String,
    /// grossWeight in kg.
    pub gross_weight: String,
    /// packNo.
    pub packs: String,
    /// goodsInfo.
    pub goods_info: String,
    /// 电商企业 (ebcCode, ebcName).
    pub seller: Party,
    /// ebcTelephone: personal, never logged.
    pub seller_telephone: String,
    /// Free text; may be personal, never logged.
    pub note: String,
    /// The order it belongs to, where the carrier knows it and the seller did not give the waybill number.
    pub order: Option<OrderReference>,
}

/// Names an order by what makes it unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrderReference {
    /// ebpCode.
    pub platform: String,
    /// ebcCode.
    pub seller: String,
    /// orderNo.
    pub order_no: String,
}
