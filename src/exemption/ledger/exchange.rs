//! Foreign exchange (结汇): order, payment and list beside each other. Receipts may differ from what was declared, since a platform
//! nets its fees (汇发〔2020〕11号): a difference is shown, and is no fault by itself.

use rust_decimal::Decimal;
use serde::Serialize;
use time::Date;

use super::{Column, Row, cents};
use crate::declaration::{Order, Payment};

/// What stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Order, payment and list say the same.
    Equal,
    /// The list's goods are not worth what the order says.
    ListDiffers,
    /// No payment is known here.
    Unpaid,
    /// It was paid in another currency than that of the order.
    OtherCurrency,
    /// Less was received than the order says.
    Short,
    /// More was received.
    Over,
}

/// One order: what it says, what was received, and what the list says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// The order.
    pub order_no: String,
    /// The seller.
    pub seller: String,
    /// 清单编号.
    pub inventory_no: String,
    /// 出口日期 of the list.
    pub export_date: Option<Date>,
    /// The customs code of the order's currency.
    pub currency: String,
    /// What the list's goods are worth, in it.
    pub list_amount: Decimal,
    /// What the order's goods are worth, in it.
    pub order_amount: Decimal,
    /// The order's freight, in it.
    pub freight: Decimal,
    /// The list's goods less the order's.
    pub list_difference: Decimal,
    /// How many payments.
    pub payments: usize,
    /// Their numbers.
    pub payment_nos: String,
    /// Through whom: banks or payment institutions.
    pub channels: String,
    /// The day of the last one.
    pub received_on: Option<Date>,
    /// The currency received; several, should they differ.
    pub received_currency: String,
    /// What was received, if in one currency.
    pub received: Option<Decimal>,
    /// What was received less goods and freight, where the currencies are the same: fees that were netted are in it.
    pub difference: Option<Decimal>,
    /// What stands out.
    pub finding: Finding,
    /// Yuan for one unit of the order's currency.
    pub rate: Option<Decimal>,
    /// Where the rate comes from.
    pub rate_source: String,
    /// The list's goods in yuan: the sum of its lines, each rounded.
    pub amount_cny: Option<Decimal>,
}

impl Exchange {
    /// The columns.
    pub const COLUMNS: &[Column] = &[
        ("order_no", "订单编号"),
        ("seller", "卖家代码"),
        ("inventory_no", "清单编号"),
        ("export_date", "出口日期"),
        ("currency", "币制"),
        ("list_amount", "清单金额"),
        ("order_amount", "订单货值"),
        ("freight", "运杂费"),
        ("list_difference", "清单与订单之差"),
        ("payments", "收款笔数"),
        ("payment_nos", "收款单号"),
        ("channels", "收款渠道"),
        ("received_on", "到账日期"),
        ("received_currency", "到账币制"),
        ("received", "到账金额"),
        ("difference", "到账与应收之差"),
        ("finding", "核对结果"),
        ("rate", "汇率"),
        ("rate_source", "汇率来源"),
        ("amount_cny", "清单人民币金额"),
    ];

    /// Of an order, the rows of its list and the payments that stand; nothing if the list was not released.
    #[must_use]
    pub fn of(order: &Order, rows: &[Row], payments: &[&Payment]) -> Option<Self> {
        let first = rows.first().filter(|row| row.is_released())?;
        let list_amount = rows.iter().filter_map(|row| row.amount).fold(Decimal::ZERO, Decimal::saturating_add);
        let yuan = rows.iter().map(|row| row.amount_cny).try_fold(Decimal::ZERO, |sum, cny| Some(sum.saturating_add(cny?)));
        let one_of = |texts: Vec<&str>| {
            let mut texts = texts;
            texts.sort_unstable();
            texts.dedup();
            texts.join(" ")
        };
        let received_currency = one_of(payments.iter().map(|payment| payment.currency.as_str()).collect());
        let in_one = !payments.is_empty() && payments.iter().all(|payment| payment.currency == received_currency);
        let sum = || payments.iter().map(|payment| payment.charge).fold(Decimal::ZERO, Decimal::saturating_add);
        let received = in_one.then(sum);
        let wanted = order.goods_value.saturating_add(order.freight);
        let difference = received.filter(|_| received_currency == order.currency).and_then(|received| received.checked_sub(wanted));
        let list_difference = list_amount.saturating_sub(order.goods_value);
        let through = |payment: &&Payment| payment.payer_code.clone().unwrap_or_else(|| payment.payer_name.clone());
        let channels: Vec<String> = payments.iter().map(through).collect();
        Some(Self {
            order_no: order.order_no.clone(),
            seller: first.seller.clone(),
            inventory_no: first.inventory_no.clone(),
            export_date: first.export_date,
            currency: order.currency.clone(),
            list_amount,
            order_amount: order.goods_value,
            freight: order.freight,
            list_difference,
            payments: payments.len(),
            payment_nos: payments.iter().filter_map(|payment| payment.payment_no.as_deref()).collect::<Vec<_>>().join(" "),
            channels: one_of(channels.iter().map(String::as_str).collect()),
            received_on: payments.iter().map(|payment| payment.received_at.day()).max(),
            finding: finding(list_difference, !payments.is_empty(), difference),
            received_currency,
            received,
            difference,
            rate: first.rate,
            rate_source: first.rate_source.clone(),
            amount_cny: yuan.map(cents),
        })
    }
}

fn finding(list_difference: Decimal, paid: bool, difference: Option<Decimal>) -> Finding {
    match difference {
        _ if !list_difference.is_zero() => Finding::ListDiffers,
        _ if !paid => Finding::Unpaid,
        None => Finding::OtherCurrency,
        Some(difference) if difference < Decimal::ZERO => Finding::Short,
        Some(difference) if difference > Decimal::ZERO => Finding::Over,
        Some(_) => Finding::Equal,
    }
}
