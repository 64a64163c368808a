//! Messages: bytes to and from what the rest of the gateway speaks of. Customs' own names appear only here.
//!
//! | message | carries | answered by |
//! | --- | --- | --- |
//! | CEB303 | 1 to 100 orders | CEB304 |
//! | CEB403 | payments | CEB404 |
//! | CEB505 | waybills | CEB506 |
//! | CEB507 | arrivals | CEB508 |
//! | CEB509 | departures | CEB510 |
//! | CEB603 | inventories | CEB604 |
//! | CEB605 | cancellations | CEB606 |
//! | CEB607 | manifests | CEB608 |
//! | CEB701 | summaries | CEB702, then CEB792 unasked |
//! | CEB213 | goods returns | CEB214 |
//! | CEB215 | return tallies | CEB216 |
//! | CEB900 | the refusal of a whole message | |
//! | DxpMsg | any of these, in base64 (with a shell for relays: DxpMsgSv) | DxpRep, when the transport could not deliver it |
//!
//! A request goes through [`compose`], whose bytes are canonical as they stand, so that they are signed as they are; then through
//! [`dxp::wrap`]. What arrives goes through [`dxp::open`] and [`parse_answer`]: a whole message or nothing.
//! [`parse_request`] and [`compose_receipts`] are the other side of the same table: customs' side.
//!
//! [`validate`] holds a message against its schema, exactly; [`examine`] against the specification's text as well. Which schema and
//! text that is, a [`Pack`] says, by the message's date.
//!
//! A kind of document is one file with a [`family::Family`] and one row of the table there.
//!
//! Source of every name, order and length: message specification 202205 and its schema (海关跨境统一版系统企业对接报文规范).

mod answer;
mod arrival;
mod cancellation;
mod codes;
mod compose;
mod departure;
pub mod dxp;
mod error;
mod family;
mod follow_up;
pub mod gist;
mod goods_return;
mod inventory;
mod json;
mod manifest;
mod masked;
mod order;
mod pack;
mod payment;
mod request;
mod return_tally;
mod schema;
mod strict;
mod summary;
mod summary_result;
mod transfer;
mod waybill;
pub mod xml;

pub use answer::{MAX_INFO, Namespacing, Reply, Style, compose_format, compose_receipts, parse_answer};
pub use codes::{SCHEMA_CODES, SchemaCode};
pub use compose::{Outgoing, compose, compose_in};
pub use error::{Error, Place, Problem};
pub use follow_up::FollowUpRequest;
pub use json::{from_json, to_json};
pub use masked::{MASK, masked, masked_text};
pub use pack::{Differences, Pack, packs};
pub use request::{InventoryRequest, OrderRequest, Request, RequestContent, RequestDocument, RequestLine, WaybillRequest, parse_request};
pub use schema::{Defect, MAX_DEFECTS, Refusal as SchemaRefusal, load as load_schemas, validate, validate_in};
pub use strict::{RULES as STRICT_RULES, Rule as StrictRule, examine, examine_in, strict_defects};
pub use summary::{SummaryTerms, parse_summary_terms};
pub use summary_result::{SummaryReply, compose_summary_results};
pub use transfer::{check_sender, signature_position};
pub use xml::canonical::{ElementName, Part, canonical};

use crate::declaration::Kind;

/// The most documents in a message, and the most receipts (schema 202205: 1..100; -301015 refuses more).
pub const MAX_DOCUMENTS: usize = 100;

/// Every message that is sent or read: a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Message {
    /// Documents of a kind: 303, 403, 505, 507, 509, 603, 605, 607, 701, 213, 215.
    Request(Kind),
    /// Receipts for documents of a kind: 304, 404, 506, 508, 510, 604, 606, 608, 702, 214, 216.
    Receipts(Kind),
    /// 792: results of summaries.
    SummaryResults,
    /// 900: a whole message was refused.
    Format,
    /// DxpMsg: the envelope of an enterprise.
    Envelope,
    /// DxpMsgSv: the envelope in the shell of a relay.
    RoutedEnvelope,
    /// DxpRep: the transport's own answer.
    TransportReport,
}

impl Message {
    const OTHERS: [Self; 5] = [Self::SummaryResults, Self::Format, Self::Envelope, Self::RoutedEnvelope, Self::TransportReport];

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Kind::ALL.into_iter().flat_map(|kind| [Self::Request(kind), Self::Receipts(kind)]).chain(Self::OTHERS)
    }

    /// The name of its root element, which is also the envelope's message type.
    #[must_use]
    pub fn wire_type(self) -> &'static str {
        match self {
            Self::Request(kind) => family::of(kind).request,
            Self::Receipts(kind) => family::of(kind).answer,
            Self::SummaryResults => "CEB792Message",
            Self::Format => "CEB900Message",
            Self::Envelope => "DxpMsg",
            Self::RoutedEnvelope => "DxpMsgSv",
            Self::TransportReport => "DxpRep",
        }
    }

    /// The name of the block that it repeats or carries.
    #[must_use]
    pub fn block(self) -> &'static str {
        match self {
            Self::Request(kind) => family::of(kind).document,
            Self::Receipts(kind) => family::of(kind).receipt,
            Self::SummaryResults => "SummaryResult",
            Self::Format => "MessageReturn",
            Self::Envelope => "Data",
            Self::RoutedEnvelope => "DxpMsg",
            Self::TransportReport => "Response",
        }
    }

    /// The message with that root element.
    #[must_use]
    pub fn from_wire_type(name: &str) -> Option<Self> {
        Self::all().find(|message| message.wire_type() == name)
    }

    fn of(root: xml::tree::Element<'_, '_>) -> Result<Self, Error> {
        use xml::tree::Space;
        let message = Self::from_wire_type(root.name()).ok_or_else(|| root.error(Problem::UnknownMessage))?;
        let space = match message {
            Self::Request(_) | Self::Receipts(_) | Self::SummaryResults | Self::Format => Space::Ceb,
            Self::Envelope | Self::RoutedEnvelope | Self::TransportReport => Space::Dxp,
        };
        // Receipts from production have been seen without any namespace (messages §3).
        if root.space() == space || root.space() == Space::None { Ok(message) } else { Err(root.error(Problem::UnknownMessage)) }
    }
}

/// The message type that carries documents of a kind: `CEB303Message`.
#[must_use]
pub fn wire_type(kind: Kind) -> &'static str {
    Message::Request(kind).wire_type()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_closed_and_its_names_differ() {
        let pairs = Kind::ALL.into_iter().flat_map(|kind| [kind.number(), kind.number() + 1]);
        let names: Vec<_> = pairs.chain([792, 900]).map(|number| format!("CEB{number}Message")).collect();
        let all: Vec<_> = Message::all().map(Message::wire_type).collect();
        assert_eq!(all[..names.len()], names);
        assert_eq!(all[names.len()..], ["DxpMsg", "DxpMsgSv", "DxpRep"]);
        for message in Message::all() {
            assert_eq!(Message::from_wire_type(message.wire_type()), Some(message));
        }
        assert_eq!(Message::from_wire_type("CEB402Message"), None);
        for kind in Kind::ALL {
            assert_eq!(wire_type(kind), format!("CEB{}Message", kind.number()));
        }
    }
}
