//! Documents that are submitted on their own: what they are together, and those that have no lines.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Arrival, Departure, GoodsReturn, Kind, Manifest, ReturnTally, Summary};
use crate::{clock::Timestamp, party::Party};

/// A document that is submitted on its own, neither a waybill nor out of a declaration.
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

    /// The office that it is declared at, where it names one.
    #[must_use]
    pub fn declared_at(&self) -> Option<&str> {
        match self {
            Self::Payment(_) => None,
            Self::Arrival(arrival) => Some(&arrival.declared_at),
            Self::Departure(departure) => Some(&departure.declared_at),
            Self::Cancellation(cancellation) => Some(&cancellation.declared_at),
            Self::Manifest(manifest) => Some(&manifest.declared_at),
            Self::Summary(summary) => Some(&summary.declared_at),
            Self::GoodsReturn(goods_return) => Some(&goods_return.declared_at),
            Self::ReturnTally(tally) => Some(&tally.declared_at),
        }
    }

    /// The enterprise by which customs knows it beside its number, which is also the one that transmits it where no sender is
    /// named: the operator an arrival and a tally, the carrier a departure, the seller a payment, the declarant all others
    /// (messages §2, §5).
    #[must_use]
    pub const fn transmitter(&self) -> &Party {
        match self {
            Self::Payment(payment) => &payment.seller,
            Self::Arrival(arrival) => &arrival.operator,
            Self::Departure(departure) => &departure.carrier,
            Self::Cancellation(cancellation) => &cancellation.declarant,
            Self::Manifest(manifest) => &manifest.declarant,
            Self::Summary(summary) => &summary.declarant,
            Self::GoodsReturn(goods_return) => &goods_return.declarant,
            Self::ReturnTally(tally) => &tally.operator,
        }
    }

    /// How many lines it has.
    #[must_use]
    pub const fn line_count(&self) -> usize {
        match self {
            Self::Arrival(arrival) => arrival.lines.len(),
            Self::Departure(departure) => departure.lines.len(),
            Self::Manifest(manifest) => manifest.lines.len(),
            Self::Summary(summary) => summary.inventory_nos.len(),
            Self::GoodsReturn(goods_return) => goods_return.lines.len(),
            Self::Payment(_) | Self::Cancellation(_) | Self::ReturnTally(_) => 0,
        }
    }

    /// Which part of the whole it is, where it can be split.
    #[must_use]
    pub const fn part(&self) -> Part {
        match self {
            Self::Arrival(arrival) => arrival.part,
            Self::Departure(departure) => departure.part,
            Self::Manifest(manifest) => manifest.part,
            Self::Summary(summary) => summary.part,
            Self::Payment(_) | Self::Cancellation(_) | Self::GoodsReturn(_) | Self::ReturnTally(_) => Part::WHOLE,
        }
    }
}

/// Which of how many: a long document is split, its parts sharing one copNo (msgCount, msgSeqNo).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Part {
    /// msgSeqNo: 1, 2, 3, … without gaps.
    pub number: u32,
    /// msgCount.
    pub count: u32,
}

impl Part {
    /// What was not split (message specification 202205, 607 msgCount: 未拆分的填1).
    pub const WHOLE: Self = Self { number: 1, count: 1 };
}

impl Default for Part {
    fn default() -> Self {
        Self::WHOLE
    }
}

/// 收款单 (403): that the seller was paid for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// 电商平台 (ebpCode, ebpName).
    pub platform: Party,
    /// 电商企业 (ebcCode, ebcName).
    pub seller: Party,
    /// orderNo.
    pub order_no: String,
    /// payCode: of a domestic payment firm.
    pub payer_code: Option<String>,
    /// payName; `现金支付` where it was not paid online.
    pub payer_name: String,
    /// payNo.
    pub payment_no: Option<String>,
    /// charge.
    pub charge: Decimal,
    /// Old three-digit currency code.
    pub currency: String,
    /// accountingDate: 到账时间.
    pub received_at: Timestamp,
    /// Free text; may be personal, never logged.
    pub note: Option<String>,
}

/// 撤销申请单 (605): asks customs to cancel an inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    pub note: Option<String>,
}
