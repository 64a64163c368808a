//! What customs answered, in our words: one [`Receipt`] per answered document, and the meaning of its code.
//!
//! Codes and their meaning: message specification 202205, returnStatus of 304, 506, 604 and 900; the lists are open (等), so an
//! unknown code survives and is shown raw.

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    declaration::{InventoryNo, Kind, PortNo},
};

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
}

impl Key {
    /// The kind of document it names.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Order { .. } => Kind::Order,
            Self::Waybill { .. } => Kind::Waybill,
            Self::Inventory { .. } => Kind::Inventory,
        }
    }
}

/// What customs answered about one document (304, 506, 604).
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
    /// invtNo, if given.
    pub inventory_no: Option<InventoryNo>,
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
    /// 304, 506, 604: 1 to 100 receipts.
    Receipts(Vec<Receipt>),
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
