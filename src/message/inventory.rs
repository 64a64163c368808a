//! 出口清单: 603 and its receipt 604.

use super::{
    answer::Reply,
    compose::Outgoing,
    error::{Error, Problem},
    family::{Family, Head, List, Numbers, write_party},
    request::{InventoryRequest, RequestContent, RequestLine},
    xml::{tree::Element, writer::Writer},
};
use crate::{
    clock::day_to_wire,
    declaration::{Action, Declaration, Inventory, InventoryLine, OrderLine},
    dossier::Content,
    receipt::Key,
};

pub static FAMILY: Family = Family {
    request: "CEB603Message",
    document: "Inventory",
    head: Some("InventoryHead"),
    list: Some(List { block: "InventoryList", numbers: Numbers::FromOne }),
    write,
    read,
    answer: "CEB604Message",
    receipt: "InventoryReturn",
    read_key,
    write_key,
};

/// barCode of goods that have none (message specification 202205, 603 barCode).
const NO_BAR_CODE: &str = "无";

/// fFlag and iFlag: 3, a total. The schema allows nothing else.
const TOTAL: &str = "3";

fn write(writer: &mut Writer, head: &Head<'_>, outgoing: &Outgoing<'_>) -> Result<(), Error> {
    let Content::Declaration(declaration) = outgoing.content else { return Err(Error::new(Problem::Content, FAMILY.document)) };
    writer.open("InventoryHead");
    head.write(writer);
    write_numbers(writer, declaration, outgoing)?;
    write_parties(writer, declaration);
    write_journey(writer, &declaration.inventory);
    writer.close("InventoryHead");
    for line in &declaration.inventory.lines {
        let of_order = declaration.order_line(line).ok_or_else(|| Error::new(Problem::Content, "gnum"))?;
        write_line(writer, line, of_order);
    }
    Ok(())
}

/// From customsCode to invtNo.
fn write_numbers(writer: &mut Writer, declaration: &Declaration, outgoing: &Outgoing<'_>) -> Result<(), Error> {
    let (inventory, document) = (&declaration.inventory, outgoing.document);
    let enterprise_no = outgoing.enterprise_no("copNo")?;
    if outgoing.waybill_no.is_empty() {
        return Err(Error::new(Problem::Content, "logisticsNo"));
    }
    writer.leaf("customsCode", &inventory.declared_at);
    write_party(writer, "ebpCode", "ebpName", &declaration.order.platform);
    writer.leaf("orderNo", &declaration.order.order_no);
    write_party(writer, "logisticsCode", "logisticsName", &inventory.carrier);
    writer.leaf("logisticsNo", outgoing.waybill_no);
    writer.leaf("copNo", enterprise_no);
    // The port and customs give these two: who adds a document has none to name.
    if document.action != Action::Add {
        writer.optional("preNo", outgoing.port_no());
        writer.optional("invtNo", document.inventory_no.as_ref().map(|no| no.0.as_str()));
    }
    Ok(())
}

/// From ieFlag to emsNo.
fn write_parties(writer: &mut Writer, declaration: &Declaration) {
    let inventory = &declaration.inventory;
    writer.leaf("ieFlag", "E");
    writer.leaf("portCode", &inventory.exits_at);
    writer.leaf("ieDate", &day_to_wire(inventory.exit_date));
    writer.leaf("statisticsFlag", inventory.statistics.letter());
    write_party(writer, "agentCode", "agentName", &inventory.declarant);
    write_party(writer, "ebcCode", "ebcName", &declaration.order.seller);
    writer.leaf("ownerCode", inventory.owner_code());
    writer.leaf("ownerName", &inventory.owner.name);
    if let Some(enterprise) = &inventory.area_enterprise {
        write_party(writer, "iacCode", "iacName", enterprise);
    }
    writer.optional("emsNo", inventory.book_no.as_deref());
}

/// From tradeMode to note.
fn write_journey(writer: &mut Writer, inventory: &Inventory) {
    writer.leaf("tradeMode", &inventory.trade_mode);
    writer.leaf("trafMode", &inventory.transport);
    writer.optional("trafName", inventory.vehicle.as_deref());
    writer.optional("voyageNo", inventory.voyage.as_deref());
    writer.optional("billNo", inventory.bill_no.as_deref());
    writer.optional("totalPackageNo", inventory.bag_no.as_deref());
    writer.optional("loctNo", inventory.site.as_deref());
    writer.optional("licenseNo", inventory.licence_no.as_deref());
    writer.leaf("country", &inventory.country);
    writer.leaf("POD", &inventory.destination_port);
    writer.decimal("freight", inventory.freight);
    writer.leaf("fCurrency", &inventory.freight_currency);
    writer.leaf("fFlag", TOTAL);
    writer.decimal("insuredFee", inventory.insured_fee);
    writer.leaf("iCurrency", &inventory.insured_currency);
    writer.leaf("iFlag", TOTAL);
    writer.leaf("wrapType", &inventory.wrap);
    writer.number("packNo", inventory.packs);
    writer.decimal("grossWeight", inventory.gross_weight);
    writer.decimal("netWeight", inventory.net_weight);
    writer.optional("note", inventory.wire_note().as_deref());
}

fn write_line(writer: &mut Writer, line: &InventoryLine, of_order: &OrderLine) {
    writer.open("InventoryList");
    writer.number("gnum", line.number);
    writer.leaf("itemNo", &of_order.item_no);
    writer.optional("itemRecordNo", line.record_no.as_deref());
    writer.optional("itemName", Some(&of_order.item_name));
    writer.leaf("gcode", &line.hs_code);
    writer.leaf("gname", &line.customs_name);
    writer.leaf("gmodel", &line.specification);
    writer.leaf("barCode", of_order.bar_code.as_deref().filter(|code| !code.is_empty()).unwrap_or(NO_BAR_CODE));
    writer.leaf("country", &line.country);
    writer.leaf("currency", &of_order.currency);
    writer.decimal("qty", of_order.quantity);
    writer.decimal("qty1", line.legal_quantity);
    if let Some((quantity, _)) = &line.second {
        writer.decimal("qty2", *quantity);
    }
    writer.leaf("unit", &of_order.unit);
    writer.leaf("unit1", &line.legal_unit);
    writer.optional("unit2", line.second.as_ref().map(|(_, unit)| unit.as_str()));
    writer.decimal("price", of_order.price);
    writer.decimal("totalPrice", of_order.total);
    writer.optional("note", line.note.as_deref());
    writer.close("InventoryList");
}

fn read(document: Element<'_, '_>) -> RequestContent {
    let head = document.child("InventoryHead").unwrap_or(document);
    let text = |name| head.value(name).to_owned();
    RequestContent::Inventory(Box::new(InventoryRequest {
        declared_at: text("customsCode"),
        exits_at: text("portCode"),
        exit_date: text("ieDate"),
        statistics: text("statisticsFlag"),
        declarant: text("agentCode"),
        enterprise_no: text("copNo"),
        port_no: text("preNo"),
        inventory_no: text("invtNo"),
        platform: text("ebpCode"),
        seller: text("ebcCode"),
        owner: text("ownerCode"),
        order_no: text("orderNo"),
        carrier: text("logisticsCode"),
        waybill_no: text("logisticsNo"),
        trade_mode: text("tradeMode"),
        vehicle: text("trafName"),
        voyage: text("voyageNo"),
        bill_no: text("billNo"),
        bag_no: text("totalPackageNo"),
        site: text("loctNo"),
        packs: text("packNo"),
        gross_weight: text("grossWeight"),
        net_weight: text("netWeight"),
        lines: RequestLine::read_all(document, "InventoryList"),
    }))
}

/// copNo is the key; where customs left it out, the order's numbers must be there.
fn read_key(receipt: Element<'_, '_>) -> Result<Key, Error> {
    let enterprise_no = receipt.value("copNo").to_owned();
    let order_no = if enterprise_no.is_empty() { receipt.required("orderNo")? } else { receipt.value("orderNo") };
    Ok(Key::Inventory {
        declarant: receipt.value("agentCode").to_owned(),
        enterprise_no,
        platform: receipt.value("ebpCode").to_owned(),
        seller: receipt.value("ebcCode").to_owned(),
        order_no: order_no.to_owned(),
    })
}

fn write_key(writer: &mut Writer, reply: &Reply<'_>) -> bool {
    let Key::Inventory { declarant, enterprise_no, platform, seller, order_no } = &reply.receipt.key else { return false };
    writer.leaf("agentCode", declarant);
    writer.leaf("copNo", enterprise_no);
    writer.optional("preNo", reply.receipt.port_no.as_ref().map(|no| no.0.as_str()));
    writer.optional("invtNo", reply.receipt.inventory_no.as_ref().map(|no| no.0.as_str()));
    writer.leaf("ebcCode", seller);
    writer.leaf("ebpCode", platform);
    writer.leaf("orderNo", order_no);
    writer.leaf("statisticsFlag", reply.statistics);
    true
}
