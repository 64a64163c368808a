//! 电子订单: 303 and its receipt 304.

use super::{
    answer::Reply,
    compose::Outgoing,
    error::{Error, Problem},
    family::{Family, Head, List, Numbers},
    request::{OrderRequest, RequestContent, RequestLine},
    xml::{tree::Element, writer::Writer},
};
use crate::{declaration::OrderLine, dossier::Content, receipt::Key};

pub static FAMILY: Family = Family {
    request: "CEB303Message",
    document: "Order",
    head: Some("OrderHead"),
    list: Some(List { block: "OrderList", numbers: Numbers::FromOne }),
    write,
    read,
    answer: "CEB304Message",
    receipt: "OrderReturn",
    read_key,
    write_key,
};

fn write(writer: &mut Writer, head: &Head<'_>, outgoing: &Outgoing<'_>) -> Result<(), Error> {
    let Content::Declaration(declaration) = outgoing.content else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    let order = &declaration.order;
    writer.open("OrderHead");
    head.write(writer);
    writer.leaf("orderType", order.order_type.letter());
    writer.leaf("orderNo", &order.order_no);
    writer.leaf("ebpCode", &order.platform.code);
    writer.leaf("ebpName", &order.platform.name);
    writer.leaf("ebcCode", &order.seller.code);
    writer.leaf("ebcName", &order.seller.name);
    writer.decimal("goodsValue", order.goods_value);
    writer.decimal("freight", order.freight);
    writer.leaf("currency", &order.currency);
    writer.optional("note", order.note.as_deref());
    writer.close("OrderHead");
    for line in &order.lines {
        write_line(writer, line);
    }
    Ok(())
}

fn write_line(writer: &mut Writer, line: &OrderLine) {
    writer.open("OrderList");
    writer.number("gnum", line.number);
    writer.leaf("itemNo", &line.item_no);
    writer.leaf("itemName", &line.item_name);
    writer.optional("itemDescribe", line.description.as_deref());
    writer.optional("barCode", line.bar_code.as_deref());
    writer.leaf("unit", &line.unit);
    writer.leaf("currency", &line.currency);
    writer.decimal("qty", line.quantity);
    writer.decimal("price", line.price);
    writer.decimal("totalPrice", line.total);
    writer.optional("note", line.note.as_deref());
    writer.close("OrderList");
}

fn read(document: Element<'_, '_>) -> RequestContent {
    let head = document.child("OrderHead").unwrap_or(document);
    let text = |name| head.value(name).to_owned();
    RequestContent::Order(OrderRequest {
        order_type: text("orderType"),
        order_no: text("orderNo"),
        platform: text("ebpCode"),
        seller: text("ebcCode"),
        goods_value: text("goodsValue"),
        freight: text("freight"),
        currency: text("currency"),
        lines: RequestLine::read_all(document, "OrderList"),
    })
}

fn read_key(receipt: Element<'_, '_>) -> Result<Key, Error> {
    Ok(Key::Order {
        platform: receipt.value("ebpCode").to_owned(),
        seller: receipt.value("ebcCode").to_owned(),
        order_no: receipt.required("orderNo")?.to_owned(),
    })
}

fn write_key(writer: &mut Writer, reply: &Reply<'_>) -> bool {
    let Key::Order { platform, seller, order_no } = &reply.receipt.key else { return false };
    writer.leaf("ebpCode", platform);
    writer.leaf("ebcCode", seller);
    writer.leaf("orderNo", order_no);
    true
}
