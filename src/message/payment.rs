//! 收款单: 403 and its receipt 404.

use super::{
    answer::Reply,
    compose::Outgoing,
    error::{Error, Problem},
    family::{Family, Head, write_party},
    follow_up,
    request::RequestContent,
    xml::{tree::Element, writer::Writer},
};
use crate::{declaration::FollowUp, dossier::Content, receipt::Key};

pub static FAMILY: Family = Family {
    request: "CEB403Message",
    document: "Receipts",
    head: None,
    list: None,
    write,
    read,
    answer: "CEB404Message",
    receipt: "ReceiptsReturn",
    read_key,
    write_key,
};

fn write(writer: &mut Writer, head: &Head<'_>, outgoing: &Outgoing<'_>) -> Result<(), Error> {
    let Content::FollowUp(content) = outgoing.content else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    let FollowUp::Payment(payment) = content.as_ref() else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    head.write(writer);
    write_party(writer, "ebpCode", "ebpName", &payment.platform);
    write_party(writer, "ebcCode", "ebcName", &payment.seller);
    writer.leaf("orderNo", &payment.order_no);
    writer.optional("payCode", payment.payer_code.as_deref());
    writer.leaf("payName", &payment.payer_name);
    writer.optional("payNo", payment.payment_no.as_deref());
    writer.decimal("charge", payment.charge);
    writer.leaf("currency", &payment.currency);
    writer.leaf("accountingDate", &payment.received_at.to_seconds());
    writer.optional("note", payment.note.as_deref());
    Ok(())
}

fn read(document: Element<'_, '_>) -> RequestContent {
    follow_up::read(document, &FAMILY, key)
}

fn key(block: Element<'_, '_>) -> Key {
    let text = |name| block.value(name).to_owned();
    Key::Payment { seller: text("ebcCode"), order_no: text("orderNo"), payment_no: text("payNo") }
}

fn read_key(receipt: Element<'_, '_>) -> Result<Key, Error> {
    follow_up::named(key(receipt), receipt, "orderNo")
}

fn write_key(writer: &mut Writer, reply: &Reply<'_>) -> bool {
    let Key::Payment { seller, order_no, payment_no } = &reply.receipt.key else { return false };
    writer.leaf("ebcCode", seller);
    writer.leaf("orderNo", order_no);
    writer.optional("payNo", Some(payment_no));
    true
}
