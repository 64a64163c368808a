//! A message and its documents as the customs side understands them: only what decides what happens next.

use time::Date;

use crate::{
    declaration::{Action, Kind},
    message::FollowUpRequest,
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
            Key::Payment { seller, order_no, .. } => Self::of_order(Kind::Payment, "", seller, order_no),
            Key::FollowUp { kind, party, enterprise_no, part } => {
                Self { kind: *kind, parts: [party.clone(), part.to_string(), enterprise_no.clone()] }
            }
        }
    }

    /// Its own number: of the order or of the waybill.
    #[must_use]
    pub fn number(&self) -> &str {
        match self.kind {
            Kind::Waybill => &self.parts[1],
            _ => &self.parts[2],
        }
    }

    /// The same document's part of another number.
    #[must_use]
    pub fn with_part(&self, part: u32) -> Self {
        let mut other = self.clone();
        other.parts[1] = part.to_string();
        other
    }

    /// Which part it is, of what is submitted on its own.
    #[must_use]
    pub fn part(&self) -> u32 {
        self.parts[1].parse().unwrap_or(1)
    }

    /// The enterprise that customs knows it by, of what is submitted on its own.
    #[must_use]
    pub fn party(&self) -> &str {
        &self.parts[0]
    }

    /// As written in reports and texts, and as thrown dice for.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}:{}", self.kind.as_str(), self.parts.join("/").trim_end_matches('/'))
    }
}

/// What an inventory names, and where it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trio {
    /// Its order.
    pub order: Name,
    /// Its waybill.
    pub waybill: Name,
    /// customsCode.
    pub office: String,
    /// statisticsFlag.
    pub statistics: String,
    /// gnum and gcode of its lines.
    pub lines: Vec<(u32, String)>,
}

/// One document as customs reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// What receipts call it.
    pub key: Key,
    /// Whether it adds, amends or deletes.
    pub action: Action,
    /// guid of the document, as written.
    pub guid: String,
    /// The day of its appTime: dates the numbers that it is given.
    pub day: Date,
    /// appTime, as written: of two that amend one document only a newer one counts.
    pub time: String,
    /// Of what is submitted on its own: all that decides.
    pub follow_up: Option<Box<FollowUpRequest>>,
    /// Of an inventory: what it names.
    pub trio: Option<Trio>,
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
