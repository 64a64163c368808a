//! The rules of the order (303).

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::{
    MOST_LINES, coded,
    fields::Field,
    read::{Amount, is_longer, product},
    report::Report,
    rules,
};
use crate::{
    declaration::{Order, OrderLine, OrderType, draft},
    party::Party,
};

/// The longest itemNo that an inventory holds (message specification 202205, 603 itemNo; an order holds 30).
const ITEM_NO_IN_LIST: usize = 20;

/// The first whole number that N19,5 cannot hold.
const AMOUNT_END: u64 = 100_000_000_000_000;

/// Reads the order; what was not good is empty or zero in it.
pub(super) fn read(report: &mut Report, draft: &draft::Order) -> Order {
    let order_type =
        report.code(Field::OrderType, 0, &draft.order_type, &rules::ORDER_TYPE, |letter, _| OrderType::from_letter(letter).is_some());
    let platform = Party {
        code: report.platform(Field::PlatformCode, &draft.platform.code),
        name: report.required(Field::PlatformName, 0, &draft.platform.name),
    };
    let goods_value = report.amount(Field::GoodsValue, 0, &draft.goods_value, Amount::Positive);
    let order = Order {
        order_no: report.required(Field::OrderNo, 0, &draft.order_no),
        order_type: order_type.and_then(|letter| OrderType::from_letter(&letter)).unwrap_or(OrderType::Retail),
        platform,
        seller: report.party(Field::SellerCode, Field::SellerName, &draft.seller),
        goods_value: goods_value.unwrap_or_default(),
        freight: report.amount(Field::OrderFreight, 0, &draft.freight, Amount::ZeroIfNone).unwrap_or_default(),
        currency: coded::currency(report, Field::OrderCurrency, 0, &draft.currency),
        note: report.text(Field::OrderNote, 0, &draft.note),
        lines: Vec::new(),
    };
    count(report, Field::OrderLines, draft.lines.len(), MOST_LINES);
    let lines = draft.lines.iter().take(MOST_LINES).enumerate().map(|(index, line)| read_line(report, index, line, &order)).collect();
    let order = Order { lines, ..order };
    if draft.lines.len() <= MOST_LINES {
        check_goods_value(report, goods_value, &order.lines);
    }
    order
}

/// Notes too few or too many lines.
pub(super) fn count(report: &mut Report, lines: Field, count: usize, most: usize) {
    if count == 0 && lines.spec().required {
        report.add(&rules::NO_LINES, lines, 0, "");
    }
    if count > most {
        report.add(&rules::TOO_MANY, lines, 0, most.to_string());
    }
}

/// A line's number, which must be its place in the list; zero if it cannot be read.
pub(super) fn line_number(report: &mut Report, field: Field, index: usize, value: &str) -> u32 {
    let Some(number) = report.integer(field, index, value) else { return 0 };
    let place = index.saturating_add(1);
    if usize::try_from(number) != Ok(place) {
        report.add(&rules::NUMBER, field, index, place.to_string());
    }
    number
}

fn read_line(report: &mut Report, index: usize, draft: &draft::OrderLine, order: &Order) -> OrderLine {
    let number = line_number(report, Field::LineNumber, index, &draft.number);
    let item_no = report.required(Field::ItemNo, index, &draft.item_no);
    if is_longer(&item_no, ITEM_NO_IN_LIST) {
        report.add(&rules::ITEM_NO_20, Field::ItemNo, index, "");
    }
    let currency = coded::currency(report, Field::LineCurrency, index, &draft.currency);
    if !currency.is_empty() && !order.currency.is_empty() && currency != order.currency {
        report.add(&rules::ONE_CURRENCY, Field::LineCurrency, index, "");
    }
    let quantity = report.amount(Field::Quantity, index, &draft.quantity, Amount::Positive);
    let price = report.amount(Field::Price, index, &draft.price, Amount::Positive);
    let total = report.amount(Field::Total, index, &draft.total, Amount::Positive);
    if let (Some(quantity), Some(price), Some(total)) = (quantity, price, total) {
        check_total(report, index, quantity, price, total);
    }
    OrderLine {
        number,
        item_no,
        item_name: report.required(Field::ItemName, index, &draft.item_name),
        description: report.text(Field::Description, index, &draft.description),
        bar_code: report.text(Field::BarCode, index, &draft.bar_code),
        unit: coded::unit(report, Field::Unit, index, &draft.unit).unwrap_or_default(),
        currency,
        quantity: quantity.unwrap_or_default(),
        price: price.unwrap_or_default(),
        total: total.unwrap_or_default(),
        note: report.text(Field::LineNote, index, &draft.note),
    }
}

/// totalPrice = 成交数量×单价 (message specification 202205, 603 totalPrice), rounded half up at its own scale.
fn check_total(report: &mut Report, index: usize, quantity: Decimal, price: Decimal, total: Decimal) {
    let expected = product(quantity, price, total.scale());
    if expected == Some(total.mantissa()) {
        return;
    }
    match expected.and_then(|digits| Decimal::try_from_i128_with_scale(digits, total.scale()).ok()).filter(is_writable) {
        Some(expected) => report.add(&rules::TOTAL, Field::Total, index, expected.to_string()),
        None => report.add(&rules::TOTAL_LARGE, Field::Total, index, ""),
    }
}

/// Whether an amount fits before the point of N19,5.
fn is_writable(amount: &Decimal) -> bool {
    *amount < Decimal::from(AMOUNT_END)
}

/// goodsValue is the sum of the line totals, if all of them could be read.
fn check_goods_value(report: &mut Report, goods_value: Option<Decimal>, lines: &[OrderLine]) {
    let Some(goods_value) = goods_value else { return };
    if lines.is_empty() || lines.iter().any(|line| line.total.is_zero()) {
        return;
    }
    let sum = lines.iter().try_fold(Decimal::ZERO, |sum, line| sum.checked_add(line.total));
    match sum.filter(is_writable) {
        Some(sum) if sum == goods_value => {}
        Some(sum) => report.add(&rules::GOODS_VALUE, Field::GoodsValue, 0, sum.to_string()),
        None => report.add(&rules::SUM_LARGE, Field::GoodsValue, 0, ""),
    }
}

/// Every line of one side has one of the same number on the other. Silent where numbers could not be read or lines are missing
/// altogether: that is noted already.
pub(super) fn check_pairs(report: &mut Report, order: &[u32], inventory: &[u32]) {
    let unclear = |numbers: &[u32]| numbers.is_empty() || numbers.contains(&0);
    if unclear(order) || unclear(inventory) {
        return;
    }
    for (field, these, others) in [(Field::LineNumber, order, inventory), (Field::InventoryLineNumber, inventory, order)] {
        let others: BTreeSet<_> = others.iter().collect();
        for (index, number) in these.iter().enumerate().filter(|(_, number)| !others.contains(number)) {
            report.add(&rules::UNPAIRED, field, index, number.to_string());
        }
    }
}
