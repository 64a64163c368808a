//! What a kind of document is on the wire: names, how it is written and read. One row a kind.

use super::{
    answer::Reply,
    arrival, cancellation,
    compose::Outgoing,
    departure,
    error::Error,
    goods_return, inventory, manifest, order,
    pack::Differences,
    payment,
    request::RequestContent,
    return_tally, summary, waybill,
    xml::{tree::Element, writer::Writer},
};
use crate::{
    declaration::{Action, DocumentGuid, Kind},
    party::Party,
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
    /// Its lines; none if it has none.
    pub list: Option<List>,
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

/// The lines of a document.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct List {
    /// The block of a line.
    pub block: &'static str,
    /// What their numbers (gnum) are.
    pub numbers: Numbers,
}

/// What the numbers of lines are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// 1, 2, 3, …
    FromOne,
    /// Each above the last: a part of a split document goes on where the one before it ended.
    Upwards,
    /// Those of another document's lines.
    Other,
    /// There are none.
    None,
}

/// The family that has a block as its document, its head or its line, which no other has.
pub fn of_block(block: &str) -> Option<&'static Family> {
    let is_of =
        |family: &Family| family.document == block || family.head == Some(block) || family.list.is_some_and(|list| list.block == block);
    FAMILIES.into_iter().find(|family| is_of(family))
}

/// A row a kind, in the order of [`Kind::ALL`].
static FAMILIES: [&Family; Kind::ALL.len()] = [
    &order::FAMILY,
    &payment::FAMILY,
    &waybill::FAMILY,
    &arrival::FAMILY,
    &departure::FAMILY,
    &inventory::FAMILY,
    &cancellation::FAMILY,
    &manifest::FAMILY,
    &summary::FAMILY,
    &goods_return::FAMILY,
    &return_tally::FAMILY,
];

/// What a kind is on the wire.
pub fn of(kind: Kind) -> &'static Family {
    FAMILIES[kind as usize]
}

/// What every document begins with: guid, appType, appTime, appStatus.
pub struct Head<'a> {
    pub guid: DocumentGuid,
    pub action: Action,
    /// `yyyyMMddHHmmss`.
    pub time: &'a str,
    /// What the pack has otherwise.
    pub differences: Differences,
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

/// An enterprise: its code and its name.
pub fn write_party(writer: &mut Writer, code: &'static str, name: &'static str, party: &Party) {
    writer.leaf(code, &party.code);
    writer.leaf(name, &party.name);
}
