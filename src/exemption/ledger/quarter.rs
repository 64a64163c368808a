//! The quarterly sheet of the deemed-profit rule.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use super::{Column, Row, add_to, cents, quarter_of};
use crate::exemption::{
    decision::{Outcome, Part},
    facts::IncomeTax,
};

/// One seller's quarter under the deemed-profit rule (税务总局公告2019年第36号).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Quarter {
    /// Its number on the zone's platform.
    pub platform_reg_no: String,
    /// How its income tax is assessed, by its profile.
    pub income_tax: IncomeTax,
    /// Exempt without invoice, in yuan.
    pub gross_cny: Decimal,
    /// How many lines.
    pub lines: u64,
    /// What came back, in yuan: already not in the gross.
    pub returned_cny: Decimal,
    /// Lines that are not under 103号, in yuan: the rule does not cover them.
    pub other_cny: Decimal,
    /// How many.
    pub other_lines: u64,
    /// How many of those may have a refund: both cannot stand in one entity.
    pub refund_lines: u64,
    /// Lines for which no rate is known.
    pub without_rate: u64,
    /// The gross by the rate of deemed profit on the export date.
    #[serde(skip)]
    by_rate: BTreeMap<Decimal, Decimal>,
}

impl Quarter {
    /// The columns.
    pub const COLUMNS: &[Column] = &[
        ("seller", "卖家代码"),
        ("platform_reg_no", "平台登记号"),
        ("income_tax", "所得税征收方式"),
        ("period", "季度"),
        ("gross_cny", "无票免税收入总额（人民币）"),
        ("deemed_rate", "应税所得率"),
        ("deemed_profit_cny", "核定应税所得（人民币）"),
        ("lines", "行数"),
        ("returned_cny", "已退回（人民币）"),
        ("other_cny", "不适用103号（人民币）"),
        ("other_lines", "不适用103号行数"),
        ("refund_lines", "其中可退税行数"),
        ("without_rate", "无汇率行数"),
        ("mixed", "同年核定与退税并存"),
    ];

    /// Deemed profit to the cent: the gross at the rate of the pack (4 %).
    #[must_use]
    pub fn deemed_profit(&self) -> Decimal {
        let of = |(rate, gross): (&Decimal, &Decimal)| gross.checked_mul(*rate).map(cents);
        self.by_rate.iter().filter_map(of).fold(Decimal::ZERO, Decimal::saturating_add)
    }

    /// The rate; several, should it have changed within the quarter.
    #[must_use]
    pub fn deemed_rate(&self) -> String {
        self.by_rate.keys().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
}

/// The quarters of all sellers: by seller, year and quarter of export.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quarters(pub BTreeMap<(String, i32, u8), Quarter>);

impl Quarters {
    /// Takes a released row in; others say nothing yet. Tells whether it did.
    pub fn add(&mut self, row: &Row) -> bool {
        let Some(day) = row.export_date.filter(|_| row.is_released()) else { return false };
        let quarter = self.0.entry((row.seller.clone(), day.year(), quarter_of(day))).or_default();
        quarter.platform_reg_no.clone_from(&row.platform_reg_no);
        quarter.income_tax = row.income_tax;
        quarter.without_rate += u64::from(row.amount_cny.is_none());
        if row.outcome == Outcome::ExemptNoInvoice {
            quarter.lines += 1;
            add_to(&mut quarter.gross_cny, row.amount_cny);
            add_to(quarter.by_rate.entry(row.deemed_rate.unwrap_or_default()).or_default(), row.amount_cny);
        } else if row.part == Part::Returned {
            add_to(&mut quarter.returned_cny, row.amount_cny);
        } else {
            quarter.other_lines += 1;
            quarter.refund_lines += u64::from(row.outcome == Outcome::RefundEligible);
            add_to(&mut quarter.other_cny, row.amount_cny);
        }
        true
    }
}
