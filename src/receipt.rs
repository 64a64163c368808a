//! What customs answered, in our words: one [`Receipt`] per answered document, and the meaning of its code.
//!
//! Codes and their meaning: message specification 202205, returnStatus of 304, 506, 604 and 900; the lists are open (等), so an
//! unknown code survives and is shown raw.

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    declaration::{InventoryNo, Kind, PortNo, SummaryNo, SummaryResult},
};

mod explain;

pub use explain::{Explanation, Remark, Side, explain, explain_answer, explain_transport, remarks};

/// The business key by which an answer finds its document. guids do not (transport §4.6).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Key {
    /// 304: order number with platform and seller.
    Order {
        /// ebpCode.
        platform: String,
        /// ebcCode.
        seller: String,
        /// orderNo.
        order_no: String,
    },
    /// 506: waybill number with carrier.
    Waybill {
        /// logisticsCode.
        carrier: String,
        /// logisticsNo.
        waybill_no: String,
    },
    /// 604: our copNo with the declarant; the order's numbers where customs left copNo out.
    Inventory {
        /// agentCode.
        declarant: String,
        /// copNo.
        enterprise_no: String,
        /// ebpCode.
        platform: String,
        /// ebcCode.
        seller: String,
        /// orderNo.
        order_no: String,
    },
    /// 404: order number with seller, and the payment's own number where it was given.
    Payment {
        /// ebcCode.
        seller: String,
        /// orderNo.
        order_no: String,
        /// payNo.
        payment_no: String,
    },
    /// 508, 510, 606, 608, 702, 214, 216: our copNo (coElNo), with the enterprise that customs knows it by.
    FollowUp {
        /// What it is.
        kind: Kind,
        /// agentCode, operatorCode of an arrival or a tally, or logisticsCode of a departure.
        party: String,
        /// copNo, or coElNo.
        enterprise_no: String,
        /// msgSeqNo; 1 where it has none.
        part: u32,
    },
}

impl Key {
    /// The kind of document it names.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Order { .. } => Kind::Order,
            Self::Waybill { .. } => Kind::Waybill,
            Self::Inventory { .. } => Kind::Inventory,
            Self::Payment { .. } => Kind::Payment,
            Self::FollowUp { kind, .. } => *kind,
        }
    }
}

/// What customs answered about one document (304, 404, 506, 508, 510, 604, 606, 608, 702, 214, 216).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Which document.
    pub key: Key,
    /// returnStatus as received.
    pub code: String,
    /// returnTime; nothing if it could not be read, then the time of arrival stands in.
    pub at: Option<Timestamp>,
    /// returnInfo.
    pub info: String,
    /// preNo, if given.
    pub port_no: Option<PortNo>,
    /// invtNo, if given; of a cancellation and of a return it is the number of the inventory that they are about.
    pub inventory_no: Option<InventoryNo>,
    /// sumNo of a summary, if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary_no: Option<SummaryNo>,
    /// billNo of an arrival, a departure or a manifest, if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill_no: Option<String>,
}

/// 报文格式校验回执 (900): a whole message was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormatReceipt {
    /// returnStatus, below zero.
    pub code: String,
    /// returnTime.
    pub at: Option<Timestamp>,
    /// returnInfo.
    pub info: String,
    /// oriCopMsgId: the CopMsgId of the refused message.
    pub original: String,
}

/// The transport's own answer (DxpRep): about a message, not about a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransportReceipt {
    /// ResponseCode, four digits (message specification 202205, table 7-1).
    pub code: String,
    /// ResponseInfo.
    pub info: String,
    /// CopMsgId of the message it answers.
    pub original: String,
    /// SenderId of the message it answers.
    pub sender_dxp_id: String,
}

/// What arrives from customs, read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// 304, 404, 506, 508, 510, 604, 606, 608, 702, 214, 216: 1 to 100 receipts.
    Receipts(Vec<Receipt>),
    /// 792: 1 to 100 results of summaries.
    SummaryResults(Vec<SummaryResult>),
    /// 900.
    Format(FormatReceipt),
    /// DxpRep.
    Transport(TransportReceipt),
}

/// The meaning of a returnStatus, with its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// 1 电子口岸已暂存: the port holds it; it was not declared.
    Held,
    /// 2 电子口岸申报中.
    Declaring,
    /// 2 whose text names documents that are not there yet (transport §4.1).
    Missing,
    /// 3 发送海关成功.
    Sent,
    /// 4 发送海关失败: the port could not pass it on.
    PortFailed,
    /// 100 海关退单.
    Refused,
    /// 120 海关入库.
    Stored,
    /// 300 人工审核.
    Review,
    /// 500 海关查验.
    Inspection,
    /// 399 海关审结.
    Passed,
    /// 800 放行.
    Released,
    /// 899 结关.
    Closed,
    /// Below zero, saying that the same document is already there: proof that the first one arrived.
    Duplicate,
    /// Below zero, saying that a newer version is already there (-301014 and its like).
    Outdated,
    /// Below zero: not processed.
    Rejected,
    /// Any other code, not below zero: valid, not final.
    Other,
}

/// Texts that say the same document is already there (transport §4.5).
const DUPLICATE_TEXTS: [&str; 5] = ["重复申报", "主键重复", "重复发送", "已存在", "已经申报过"];
/// The same within a 100, which may name other things that exist: only what cannot be anything else.
const DUPLICATE_REFUSALS: [&str; 2] = ["重复申报", "业务主键重复"];
/// Codes that say the same, whatever their text, by the message that is answered (message specification 202205, table 7-2).
const DUPLICATE_CODES: [(i64, &str); 7] =
    [(303, "-301010"), (403, "-401007"), (505, "-504012"), (505, "-504015"), (603, "-621004"), (605, "-623009"), (213, "-625033")];
/// Codes that say that a newer one is there.
const OUTDATED_CODES: [(i64, &str); 2] = [(303, "-301014"), (403, "-401012")];

/// What a returnStatus means for a document of that kind, its text read with it.
#[must_use]
pub fn verdict(kind: Kind, code: &str, info: &str) -> Verdict {
    verdict_of(kind.number(), code, info)
}

/// The same for the message of that number; an import message is read as the export message of the same business.
fn verdict_of(number: i64, code: &str, info: &str) -> Verdict {
    let code = code.trim();
    let number = match number {
        311 => 303,
        411 => 403,
        511 => 505,
        621 => 603,
        623 => 605,
        625 => 213,
        other => other,
    };
    let says = |texts: &[&str]| texts.iter().any(|text| info.contains(text));
    match code {
        "1" => Verdict::Held,
        "2" if number == 603 && missing(info).any() => Verdict::Missing,
        "2" => Verdict::Declaring,
        "3" => Verdict::Sent,
        "4" => Verdict::PortFailed,
        // A duplicate list was seen answered with 100 (transport §4.5); the first one must not be refused by it.
        "100" if says(&DUPLICATE_REFUSALS) => Verdict::Duplicate,
        "100" => Verdict::Refused,
        "120" => Verdict::Stored,
        "300" => Verdict::Review,
        "500" => Verdict::Inspection,
        "399" => Verdict::Passed,
        "800" => Verdict::Released,
        "899" => Verdict::Closed,
        _ if !code.starts_with('-') => Verdict::Other,
        _ if info.contains("旧报文") || OUTDATED_CODES.contains(&(number, code)) => Verdict::Outdated,
        _ if says(&DUPLICATE_TEXTS) || DUPLICATE_CODES.contains(&(number, code)) => Verdict::Duplicate,
        _ => Verdict::Rejected,
    }
}

/// Which documents a 2 says are not there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Missing {
    /// 订单信息不存在.
    pub order: bool,
    /// 运单信息不存在.
    pub waybill: bool,
    /// 支付信息不存在; none is sent for exports since 2024-12-15.
    pub payment: bool,
}

impl Missing {
    /// Whether anything is missing.
    #[must_use]
    pub const fn any(self) -> bool {
        self.order || self.waybill || self.payment
    }
}

/// Reads which documents a text names as not there (transport §4.1): each 不存在 speaks of the last one named before it.
#[must_use]
pub fn missing(info: &str) -> Missing {
    let mut missing = Missing::default();
    let mut parts: Vec<_> = info.split("不存在").collect();
    parts.pop();
    for part in parts {
        let last = |words: &[&str]| words.iter().filter_map(|word| part.rfind(word)).max();
        let named = [last(&["订单"]), last(&["运单", "物流信息"]), last(&["支付", "收款"])];
        let Some(latest) = named.into_iter().flatten().max() else { continue };
        match named.iter().position(|at| *at == Some(latest)) {
            Some(0) => missing.order = true,
            Some(1) => missing.waybill = true,
            _ => missing.payment = true,
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_what_the_specification_says() {
        let expected = [
            ("1", Verdict::Held),
            ("2", Verdict::Declaring),
            ("3", Verdict::Sent),
            ("4", Verdict::PortFailed),
            ("100", Verdict::Refused),
            ("120", Verdict::Stored),
            ("300", Verdict::Review),
            ("500", Verdict::Inspection),
            ("399", Verdict::Passed),
            ("800", Verdict::Released),
            ("899", Verdict::Closed),
            ("777", Verdict::Other),
            ("", Verdict::Other),
            ("abc", Verdict::Other),
            ("-601001", Verdict::Rejected),
            ("-", Verdict::Rejected),
        ];
        for (code, verdict_expected) in expected {
            assert_eq!(verdict(Kind::Inventory, code, "新增申报成功[x]"), verdict_expected, "{code}");
        }
    }

    #[test]
    fn a_duplicate_proves_the_first_one_arrived() {
        let text = "处理失败，业务主键重复入库失败，报文业务主键[copNo]，原清单报送时间对应状态为[2026 : 2-申报;]";
        assert_eq!(verdict(Kind::Order, "-304001", text), Verdict::Duplicate);
        assert_eq!(verdict(Kind::Order, "-304001", "订单报文处理失败"), Verdict::Rejected);
        assert_eq!(verdict(Kind::Order, "-301010", ""), Verdict::Duplicate);
        assert_eq!(verdict(Kind::Inventory, "-301010", ""), Verdict::Rejected, "the same number means another thing for a list");
        assert_eq!(verdict(Kind::Waybill, "-504015", ""), Verdict::Duplicate);
        assert_eq!(verdict(Kind::Inventory, "100", "重复申报，业务主键[x]"), Verdict::Duplicate);
        assert_eq!(verdict(Kind::Inventory, "100", "退单：许可证已存在问题"), Verdict::Refused);
        assert_eq!(verdict(Kind::Order, "-301014", ""), Verdict::Outdated);
        assert_eq!(verdict(Kind::Waybill, "-504001", "接收报文为旧报文数据，不做处理"), Verdict::Outdated);
    }

    #[test]
    fn a_two_may_name_what_is_missing() {
        let text = "清单新增申报成功[G] 对应电商企业为[A]订单号为[B]的订单信息不存在 对应物流企业为[C]运单号为[D]的运单信息不存在";
        assert_eq!(verdict(Kind::Inventory, "2", text), Verdict::Missing);
        assert_eq!(verdict(Kind::Order, "2", text), Verdict::Declaring);
        assert_eq!(missing(text), Missing { order: true, waybill: true, payment: false });
        assert_eq!(missing("对应订单[运单]的支付信息不存在"), Missing { order: false, waybill: false, payment: true });
        assert!(!missing("新增申报成功[订单 运单]").any());
        assert!(!missing("不存在不存在").any());
    }
}
