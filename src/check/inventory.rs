//! The rules of the inventory (603), alone and against its order.

use super::{
    MOST_LINES,
    coded::{self, HsDigits},
    fields::Field,
    goods,
    order::{check_pairs, count, line_number},
    parameters::{Limit, Parameters, is_over},
    read::{Amount, is_longer, shown},
    report::Report,
    rules,
};
use crate::{
    codes,
    declaration::{Inventory, InventoryLine, InvoiceStatus, Order, OrderType, Statistics, draft},
    party::{self, Party},
};

/// The trade modes of a list, with the orders they go with (messages §6).
const CARRIED: [(&str, OrderType); 4] =
    [("9610", OrderType::Retail), (FROM_AREA, OrderType::Retail), ("9710", OrderType::Business), ("9810", OrderType::OverseasWarehouse)];
/// tradeMode of goods from a special area, which are kept in books.
const FROM_AREA: &str = "1210";
/// The longest note (603 note).
const LONGEST_NOTE: usize = 1000;

/// Reads the inventory; what was not good is empty or zero in it.
pub(super) fn read(report: &mut Report, draft: &draft::Inventory, order: &Order) -> Inventory {
    let declared_at = coded::declaring_office(report, Field::DeclaredAt, &draft.declared_at);
    let gross_weight = report.amount(Field::GrossWeight, 0, &draft.gross_weight, Amount::Positive);
    let net_weight = report.amount(Field::NetWeight, 0, &draft.net_weight, Amount::Positive);
    if gross_weight.zip(net_weight).is_some_and(|(gross, net)| net > gross) {
        report.add(&rules::WEIGHT, Field::NetWeight, 0, "");
    }
    let statistics = statistics(report, &draft.statistics);
    let trade_mode = trade_mode(report, &draft.trade_mode, order.order_type);
    let digits = match statistics {
        Statistics::Summed => HsDigits::All,
        Statistics::Simplified if is_business(&trade_mode) => HsDigits::Six,
        Statistics::Simplified => HsDigits::Four,
    };
    let inventory = Inventory {
        exits_at: coded::office(report, Field::ExitsAt, &draft.exits_at),
        exit_date: report.exit_date(&draft.exit_date).unwrap_or(report.today),
        statistics,
        declarant: report.party(Field::DeclarantCode, Field::DeclarantName, &draft.declarant),
        owner: owner(report, draft),
        owner_registered: draft.owner_registered,
        area_enterprise: area_enterprise(report, &draft.area_enterprise, &trade_mode),
        book_no: of_area(report, Field::BookNo, 0, &draft.book_no, &trade_mode),
        transport: coded::transport(report, Field::Transport, &draft.transport),
        vehicle: report.text(Field::Vehicle, 0, &draft.vehicle),
        voyage: report.text(Field::Voyage, 0, &draft.voyage),
        bill_no: report.text(Field::BillNo, 0, &draft.bill_no),
        bag_no: report.text(Field::BagNo, 0, &draft.bag_no),
        site: coded::site(report, Field::Site, &draft.site, &declared_at),
        licence_no: report.text(Field::LicenceNo, 0, &draft.licence_no),
        country: coded::country(report, Field::Country, 0, &draft.country),
        destination_port: coded::port(report, Field::DestinationPort, &draft.destination_port),
        freight: report.amount(Field::Freight, 0, &draft.freight, Amount::ZeroIfNone).unwrap_or_default(),
        freight_currency: coded::currency(report, Field::FreightCurrency, 0, &draft.freight_currency),
        insured_fee: report.amount(Field::InsuredFee, 0, &draft.insured_fee, Amount::ZeroIfNone).unwrap_or_default(),
        insured_currency: coded::currency(report, Field::InsuredCurrency, 0, &draft.insured_currency),
        wrap: coded::wrap(report, Field::Wrap, &draft.wrap),
        packs: packs(report, Field::Packs, &draft.packs),
        gross_weight: gross_weight.unwrap_or_default(),
        net_weight: net_weight.unwrap_or_default(),
        note: report.text(Field::InventoryNote, 0, &draft.note),
        carrier: report.party(Field::CarrierCode, Field::CarrierName, &draft.carrier),
        waybill_no: report.text(Field::InventoryWaybillNo, 0, &draft.waybill_no),
        lines: read_lines(report, &draft.lines, order, &trade_mode, digits),
        declared_at,
        trade_mode,
    };
    check_whole(report, draft, &inventory, order);
    inventory
}

/// Rules that look at several parts of the list.
fn check_whole(report: &mut Report, draft: &draft::Inventory, inventory: &Inventory, order: &Order) {
    if inventory.statistics == Statistics::Simplified {
        if inventory.licence_no.is_some() {
            report.add(&rules::LICENCE, Field::LicenceNo, 0, "");
        }
        for (index, _) in inventory.lines.iter().enumerate().filter(|(_, line)| line.invoice == InvoiceStatus::Special) {
            report.add(&rules::REFUND, Field::Invoice, index, "");
        }
    }
    for (index, line) in inventory.lines.iter().enumerate() {
        goods::check(report, index, line, inventory);
    }
    check_wire_note(report, inventory);
    check_business(report, inventory);
    if draft.lines.len() <= MOST_LINES {
        let ours: Vec<_> = inventory.lines.iter().map(|line| line.number).collect();
        let theirs: Vec<_> = order.lines.iter().map(|line| line.number).collect();
        check_pairs(report, &theirs, &ours);
    }
}

/// Goods that need a licence go by a full declaration where business buys.
fn check_business(report: &mut Report, inventory: &Inventory) {
    if is_business(&inventory.trade_mode) && inventory.licence_no.is_some() {
        report.add(&rules::BUSINESS_LICENCE, Field::LicenceNo, 0, "");
    }
}

fn is_business(trade_mode: &str) -> bool {
    CARRIED.iter().any(|(carried, order)| *carried == trade_mode && *order != OrderType::Retail)
}

/// The most that a parcel may be worth, by the day on which it is declared. Above it there is another way to declare, not
/// another order: 汇总申报 for retail (海关总署公告2018年第194号), a full declaration where business buys (2020年第75号).
pub(super) fn check_parcel(report: &mut Report, parameters: &Parameters, order: &Order, inventory: &Inventory) {
    let (limit, rule) = if is_business(&inventory.trade_mode) {
        (Limit::BusinessParcel, &rules::BUSINESS_LIMIT)
    } else if inventory.statistics == Statistics::Simplified {
        (Limit::SimplifiedParcel, &rules::PARCEL_LIMIT)
    } else {
        return;
    };
    let Some(limit) = parameters.limits.on(limit, report.today) else { return };
    if order.currency.is_empty() || order.goods_value.is_zero() {
        return;
    }
    match parameters.rates.on(&order.currency, report.today) {
        Some(rate) if is_over(order.goods_value, rate, limit) => report.add(rule, Field::GoodsValue, 0, limit.to_string()),
        Some(_) => {}
        None => report.add(&rules::NO_RATE, Field::OrderCurrency, 0, order.currency.as_str()),
    }
}

/// The note on the wire may begin with the owner's code, which leaves less room for the note as sent.
fn check_wire_note(report: &mut Report, inventory: &Inventory) {
    let Some(note) = &inventory.note else { return };
    if inventory.wire_note().is_some_and(|wire| is_longer(&wire, LONGEST_NOTE)) {
        let wire = inventory.wire_note().map_or(0, |wire| wire.chars().count());
        let overhead = wire.saturating_sub(note.chars().count());
        report.add(&rules::TOO_LONG, Field::InventoryNote, 0, LONGEST_NOTE.saturating_sub(overhead).to_string());
    }
}

fn statistics(report: &mut Report, value: &str) -> Statistics {
    let letter = coded::known(report, Field::Statistics, value, &rules::STATISTICS, |letter, _| Statistics::from_letter(letter).is_some());
    // Summed, because rules that hold for simplified lists alone should not follow from a value that was not good.
    Statistics::from_letter(&letter).unwrap_or(Statistics::Summed)
}

/// An owner that customs does not know is named by its credit code in the note (exemption §3.1), so it needs one.
fn owner(report: &mut Report, draft: &draft::Inventory) -> Party {
    let code = if draft.owner_registered {
        report.enterprise(Field::OwnerCode, 0, &draft.owner.code)
    } else {
        coded::known(report, Field::OwnerCode, &draft.owner.code, &rules::OWNER_CODE, |code, _| party::is_credit_code(code))
    };
    Party { code, name: report.required(Field::OwnerName, 0, &draft.owner.name) }
}

fn trade_mode(report: &mut Report, value: &str, order_type: OrderType) -> String {
    let mode = coded::known(report, Field::TradeMode, value, &rules::TRADE_MODE, |code, today| codes::trade_mode(code, today).is_some());
    match CARRIED.into_iter().find(|(carried, _)| *carried == mode) {
        Some((_, wanted)) if wanted != order_type => report.add(&rules::TRADE_ORDER, Field::OrderType, 0, wanted.letter()),
        None if !mode.is_empty() => report.add(&rules::TRADE_CARRIED, Field::TradeMode, 0, shown(&mode)),
        _ => {}
    }
    mode
}

/// What goods from a special area must say, and no others may.
fn of_area(report: &mut Report, field: Field, index: usize, sent: &str, trade_mode: &str) -> Option<String> {
    check_area(report, field, index, sent, trade_mode);
    report.text(field, index, sent)
}

fn check_area(report: &mut Report, field: Field, index: usize, sent: &str, trade_mode: &str) {
    let is_said = !sent.trim().is_empty();
    match trade_mode {
        FROM_AREA if !is_said => report.add(&rules::AREA, field, index, ""),
        // A trade mode that is not good is noted already.
        FROM_AREA | "" => {}
        _ if is_said => report.add(&rules::NOT_AREA, field, index, ""),
        _ => {}
    }
}

fn area_enterprise(report: &mut Report, sent: &Party, trade_mode: &str) -> Option<Party> {
    check_area(report, Field::AreaEnterpriseCode, 0, &sent.code, trade_mode);
    check_area(report, Field::AreaEnterpriseName, 0, &sent.name, trade_mode);
    let enterprise = report.party(Field::AreaEnterpriseCode, Field::AreaEnterpriseName, sent);
    (trade_mode == FROM_AREA).then_some(enterprise)
}

/// A number of parcels.
pub(super) fn packs(report: &mut Report, field: Field, value: &str) -> u32 {
    let packs = report.integer(field, 0, value);
    if packs == Some(0) {
        report.add(&rules::POSITIVE, field, 0, "");
    }
    packs.unwrap_or_default()
}

fn read_lines(
    report: &mut Report,
    draft: &[draft::InventoryLine],
    order: &Order,
    trade_mode: &str,
    digits: HsDigits,
) -> Vec<InventoryLine> {
    count(report, Field::InventoryLines, draft.len(), MOST_LINES);
    let mut lines = Vec::with_capacity(draft.len().min(MOST_LINES));
    for (index, line) in draft.iter().take(MOST_LINES).enumerate() {
        let record_no = of_area(report, Field::RecordNo, index, &line.record_no, trade_mode);
        lines.push(InventoryLine { record_no, ..read_line(report, index, line, order, digits) });
    }
    lines
}

fn read_line(report: &mut Report, index: usize, draft: &draft::InventoryLine, order: &Order, digits: HsDigits) -> InventoryLine {
    let number = line_number(report, Field::InventoryLineNumber, index, &draft.number);
    let legal_quantity = report.amount(Field::LegalQuantity, index, &draft.legal_quantity, Amount::Positive);
    let legal_unit = coded::unit(report, Field::LegalUnit, index, &draft.legal_unit).unwrap_or_default();
    if let (Some(quantity), Some(ordered)) = (legal_quantity, order.lines.iter().find(|line| line.number == number)) {
        let legal = (quantity, legal_unit.as_str());
        coded::check_unit_equal(report, Field::LegalQuantity, index, legal, (ordered.quantity, &ordered.unit));
    }
    InventoryLine {
        number,
        record_no: None,
        hs_code: coded::hs_code(report, Field::HsCode, index, &draft.hs_code, digits),
        customs_name: report.required(Field::CustomsName, index, &draft.customs_name),
        specification: report.required(Field::Specification, index, &draft.specification),
        country: coded::country(report, Field::LineCountry, index, &draft.country),
        legal_quantity: legal_quantity.unwrap_or_default(),
        legal_unit,
        second: coded::second(report, (Field::SecondQuantity, Field::SecondUnit), index, (&draft.second_quantity, &draft.second_unit)),
        invoice: invoice(report, index, &draft.invoice),
        note: report.text(Field::InventoryLineNote, index, &draft.note),
    }
}

/// Unsaid is unknown, never presumed.
fn invoice(report: &mut Report, index: usize, value: &str) -> InvoiceStatus {
    let said = report.code(Field::Invoice, index, value, &rules::INVOICE, |word, _| InvoiceStatus::parse(word).is_some());
    said.and_then(|word| InvoiceStatus::parse(&word)).unwrap_or_default()
}
