//! Writes requests: canonical bytes, so that what is digested and signed is what is sent.

use uuid::Uuid;

use super::{
    MAX_DOCUMENTS,
    error::{Error, Problem},
    family::{self, Head},
    xml::{self, writer::Writer},
};
use crate::{
    clock::Timestamp,
    declaration::{Kind, MessageId},
    dossier::{Content, Document},
    party::Sender,
};

/// A document to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// Its guid, action and numbers.
    pub document: &'a Document,
    /// What it says.
    pub content: &'a Content,
    /// Of an inventory: the waybill that is bound to it. Others have no use for it.
    pub waybill_no: &'a str,
}

/// Composes a request of 1 to 100 documents of one kind, in canonical form, not signed.
///
/// The root declares the three namespaces over which published signatures were made; no white space stands between elements
/// (transport §2.2, §2.3). No ExtendMessage is written.
///
/// # Errors
/// When there are no documents, or more than 100, or one is of another kind, lacks its number, or holds a character that XML does not allow.
pub fn compose(kind: Kind, guid: MessageId, sender: &Sender, documents: &[Outgoing<'_>], at: Timestamp) -> Result<Vec<u8>, Error> {
    if !(1..=MAX_DOCUMENTS).contains(&documents.len()) {
        return Err(Problem::Count.into());
    }
    let family = family::of(kind);
    let time = at.to_seconds();
    let mut writer = Writer::new("ceb:", 1_024 + documents.iter().map(room).sum::<usize>());
    writer.begin(family.request);
    writer.attribute("xmlns:ceb", xml::CEB);
    writer.attribute("xmlns:ds", xml::DS);
    writer.attribute("xmlns:xsi", xml::XSI);
    writer.attribute("guid", guid.0.hyphenated().encode_upper(&mut Uuid::encode_buffer()));
    writer.attribute("version", "1.0");
    writer.opened();
    for outgoing in documents {
        if outgoing.document.kind != kind {
            return Err(Error::new(Problem::Content, family.document));
        }
        let head = Head { guid: outgoing.document.guid, action: outgoing.document.action, time: &time };
        writer.open(family.document);
        (family.write)(&mut writer, &head, outgoing)?;
        writer.close(family.document);
    }
    transfer(&mut writer, sender);
    writer.close(family.request);
    writer.finish()
}

/// About how many bytes a document takes.
fn room(outgoing: &Outgoing<'_>) -> usize {
    match outgoing.content {
        Content::Declaration(declaration) => 2_560 + declaration.order.lines.len() * 1_024,
        Content::Waybill(_) => 1_024,
    }
}

fn transfer(writer: &mut Writer, sender: &Sender) {
    writer.open("BaseTransfer");
    writer.leaf("copCode", &sender.party.code);
    writer.leaf("copName", &sender.party.name);
    writer.leaf("dxpMode", "DXP");
    writer.leaf("dxpId", &sender.dxp_id);
    writer.close("BaseTransfer");
}

/// Where a signature goes into a composed message: before the root's end tag, behind everything else.
#[must_use]
pub fn signature_position(unsigned: &[u8]) -> usize {
    unsigned.windows(2).rposition(|pair| pair == b"</").unwrap_or(unsigned.len())
}
