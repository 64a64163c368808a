//! 撤销申请单: 605 and its receipt 606, in which some senders put a msgSeqNo (messages §7, 4): never written, passed over on
//! reading.

use super::{
    answer::Reply,
    compose::Outgoing,
    error::{Error, Problem},
    family::{Family, Head, write_party},
    follow_up,
    request::RequestContent,
    xml::{tree::Element, writer::Writer},
};
use crate::{
    declaration::{FollowUp, Kind, Part},
    dossier::Content,
    receipt::Key,
};

pub static FAMILY: Family = Family {
    request: "CEB605Message",
    document: "InvtCancel",
    head: None,
    list: None,
    write,
    read,
    answer: "CEB606Message",
    receipt: "InvtCancelReturn",
    read_key,
    write_key,
};

fn write(writer: &mut Writer, head: &Head<'_>, outgoing: &Outgoing<'_>) -> Result<(), Error> {
    let Content::FollowUp(content) = outgoing.content else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    let FollowUp::Cancellation(cancellation) = content.as_ref() else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    head.write(writer);
    writer.leaf("customsCode", &cancellation.declared_at);
    writer.leaf("copNo", outgoing.enterprise_no("copNo")?);
    writer.optional("preNo", outgoing.port_no());
    writer.leaf("invtNo", &cancellation.inventory_no);
    writer.leaf("reason", &cancellation.reason);
    write_party(writer, "agentCode", "agentName", &cancellation.declarant);
    write_party(writer, "ebcCode", "ebcName", &cancellation.seller);
    writer.optional("note", cancellation.note.as_deref());
    Ok(())
}

fn read(document: Element<'_, '_>) -> RequestContent {
    follow_up::read(document, &FAMILY, key)
}

fn key(block: Element<'_, '_>) -> Key {
    let text = |name| block.value(name).to_owned();
    Key::FollowUp { kind: Kind::Cancellation, party: text("agentCode"), enterprise_no: text("copNo"), part: Part::WHOLE.number }
}

fn read_key(receipt: Element<'_, '_>) -> Result<Key, Error> {
    follow_up::named(key(receipt), receipt, "copNo")
}

fn write_key(writer: &mut Writer, reply: &Reply<'_>) -> bool {
    let Some((declarant, enterprise_no, _)) = follow_up::written(Kind::Cancellation, reply) else { return false };
    writer.leaf("agentCode", declarant);
    writer.leaf("copNo", enterprise_no);
    follow_up::write_port_no(writer, reply);
    follow_up::write_inventory_no(writer, reply);
    true
}
