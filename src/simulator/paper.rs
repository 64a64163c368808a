//! A message and its documents as the customs side understands them: only what decides what happens next.

use std::sync::Arc;

use rust_decimal::Decimal;

use crate::{
    clock::Timestamp,
    declaration::{Action, Kind, Part},
    message::{FollowUpRequest, SummaryTerms},
    receipt::Key,
};

/// What makes a document the same one: kind and business key (spec of the messages, §5).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// What it is.
    pub kind: Kind,
    parts: [String; 3],
}

impl Name {
    /// An order, or the inventory of that order: number with platform and seller.
    #[must_use]
    pub fn of_order(kind: Kind, platform: &str, seller: &str, order_no: &str) -> Self {
        Self { kind, parts: [platform.to_owned(), seller.to_owned(), order_no.to_owned()] }
    }

    /// A waybill: number with carrier.
    #[must_use]
    pub fn of_waybill(carrier: &str, waybill_no: &str) -> Self {
        Self { kind: Kind::Waybill, parts: [carrier.to_owned(), waybill_no.to_owned(), String::new()] }
    }

    /// The document that a receipt with this key answers.
    #[must_use]
    pub fn of_key(key: &Key) -> Self {
        match key {
            Key::Order { platform, seller, order_no } => Self::of_order(Kind::Order, platform, seller, order_no),
            Key::Inventory { platform, seller, order_no, .. } => Self::of_order(Kind::Inventory, platform, seller, order_no),
            Key::Waybill { carrier, waybill_no } => Self::of_waybill(carrier, waybill_no),
            Key::Payment { seller, order_no, payment_no } => {
                Self { kind: Kind::Payment, parts: [seller.clone(), order_no.clone(), payment_no.clone()] }
            }
            Key::FollowUp { kind, party, enterprise_no, part } => {
                Self { kind: *kind, parts: [party.clone(), enterprise_no.clone(), part.to_string()] }
            }
        }
    }

    /// What comes before all that share its first two parts: the payments of an order, the parts of a split document.
    #[must_use]
    pub fn first_of(kind: Kind, party: &str, number: &str) -> Self {
        Self { kind, parts: [party.to_owned(), number.to_owned(), String::new()] }
    }

    /// Whether the other is a payment of the same order, or another part of the same document.
    #[must_use]
    pub fn is_beside(&self, other: &Self) -> bool {
        self.kind == other.kind && self.parts[..2] == other.parts[..2]
    }

    /// Its own number: of the order, of the waybill, or the one that an enterprise gave it.
    #[must_use]
    pub fn number(&self) -> &str {
        match self.kind {
            Kind::Order | Kind::Inventory => &self.parts[2],
            _ => &self.parts[1],
        }
    }

    /// The enterprise that it is named with: the seller of an order and its inventory.
    #[must_use]
    pub fn party(&self) -> &str {
        match self.kind {
            Kind::Order | Kind::Inventory => &self.parts[1],
            _ => &self.parts[0],
        }
    }

    /// As written in reports and texts, and as thrown dice for.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}:{}", self.kind.as_str(), self.parts.join("/").trim_end_matches('/'))
    }
}

/// What an inventory says that something later depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its order.
    pub order: Name,
    /// Its waybill.
    pub waybill: Name,
    /// customsCode.
    pub office: String,
    /// statisticsFlag.
    pub statistics: String,
    /// agentCode.
    pub declarant: String,
    /// ownerCode.
    pub owner: String,
    /// billNo; may be empty until a manifest gives it.
    pub bill: String,
    /// grossWeight and netWeight, in kg.
    pub weights: [Decimal; 2],
    /// Its lines.
    pub goods: Vec<Goods>,
}

/// A line of goods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goods {
    /// gnum.
    pub number: u32,
    /// gcode.
    pub hs_code: String,
    /// qty.
    pub quantity: Decimal,
}

/// One document as customs reads it. What documents of its kind do not have is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// What receipts call it.
    pub key: Key,
    /// Whether it adds, amends or deletes.
    pub action: Action,
    /// guid of the document, as written.
    pub guid: String,
    /// appTime: of two the newer one counts, and its day dates the numbers that are given.
    pub at: Timestamp,
    /// What an inventory says.
    pub list: Option<Arc<Listed>>,
    /// What a document that is submitted on its own says.
    pub follow_up: Option<Arc<FollowUpRequest>>,
    /// Which part it is, of the kinds that can be split.
    pub part: Option<Part>,
    /// What a summary asks for.
    pub terms: Option<Arc<SummaryTerms>>,
    /// What customs refuses it for (100), if its figures do not agree.
    pub quarrel: Option<String>,
}

impl Paper {
    /// What makes it the same document.
    #[must_use]
    pub fn name(&self) -> Name {
        Name::of_key(&self.key)
    }
}

/// Where an answer goes, and in what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The road.
    pub road: String,
    /// dxpId of the sender that is answered.
    pub dxp_id: String,
    /// Whether it speaks in envelopes (DxpMsg).
    pub enveloped: bool,
}

/// One message that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Where answers go.
    pub address: Address,
    /// CopMsgId; the guid of the message where it came without an envelope.
    pub original: String,
    /// MsgType: `CEB303Message`.
    pub message_type: String,
    /// guid of the message, as written.
    pub guid: String,
    /// SHA-256 of the sealed bytes.
    pub digest: [u8; 32],
    /// Its documents.
    pub papers: Vec<Paper>,
}

/// Why a whole message was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// 报文格式校验回执 (900).
    Format {
        /// returnStatus, below zero.
        code: &'static str,
        /// returnInfo.
        info: String,
    },
    /// The platform's answer (DxpRep; codes of message specification 202205, table 7-1).
    Transport {
        /// ResponseCode.
        code: &'static str,
        /// ResponseInfo.
        info: String,
    },
}
