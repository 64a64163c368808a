//! What a kind of document is on the wire: names, how it is written and read. One row a kind.

use super::{
    answer::Reply,
    compose::Outgoing,
    error::Error,
    inventory, order,
    request::RequestContent,
    waybill,
    xml::{tree::Element, writer::Writer},
};
use crate::{
    declaration::{Action, DocumentGuid, Kind},
    receipt::Key,
};

/// A kind of document on the wire.
pub struct Family {
    /// Root element of the message that carries it.
    pub request: &'static str,
    /// Its block in that message.
    pub document: &'static str,
    /// The block in it that holds what is said of all its lines; none if it has no lines.
    pub head: Option<&'static str>,
    /// Writes what a document says.
    pub write: fn(&mut Writer, &Head<'_>, &Outgoing<'_>) -> Result<(), Error>,
    /// Reads what a document says.
    pub read: fn(Element<'_, '_>) -> RequestContent,
    /// Root element of the message that answers it.
    pub answer: &'static str,
    /// Its block in that message.
    pub receipt: &'static str,
    /// Reads which document a receipt is about.
    pub read_key: fn(Element<'_, '_>) -> Result<Key, Error>,
    /// Writes which document a receipt is about; tells whether it is of this kind.
    pub write_key: fn(&mut Writer, &Reply<'_>) -> bool,
}

/// A row a kind, in the order of [`Kind::OF_PARCEL`].
pub static FAMILIES: [&Family; 3] = [&order::FAMILY, &waybill::FAMILY, &inventory::FAMILY];

/// What a kind is on the wire.
pub fn of(kind: Kind) -> &'static Family {
    match kind {
        Kind::Waybill => FAMILIES[1],
        Kind::Inventory => FAMILIES[2],
        _ => FAMILIES[0],
    }
}

/// What every document begins with: guid, appType, appTime, appStatus.
pub struct Head<'a> {
    pub guid: DocumentGuid,
    pub action: Action,
    /// `yyyyMMddHHmmss`.
    pub time: &'a str,
}

impl Head<'_> {
    pub fn write(&self, writer: &mut Writer) {
        writer.guid("guid", self.guid.0, false);
        writer.number("appType", self.action.number());
        writer.leaf("appTime", self.time);
        // Always 2, 申报: the gateway never leaves drafts at the port.
        writer.leaf("appStatus", "2");
    }
}
