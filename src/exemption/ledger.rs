//! Ledgers out of kept papers: exempt sales for the filing, the six values for the platform, the quarterly sheet of the deemed-profit
//! rule, what an agent exported for whom, and order, payment and list beside each other. Each is made line by line from the paper of a
//! declaration, so that totals reconcile to lines.

use std::{collections::BTreeMap, fmt};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;
use time::Date;

mod agency;
mod exchange;
mod quarter;
mod row;

pub use self::{
    agency::{Agencies, Agency},
    exchange::{Exchange, Finding},
    quarter::{Quarter, Quarters},
    row::Row,
};

/// A column of a ledger: its name in programs, and its name for people.
pub type Column = (&'static str, &'static str);

/// Sums of rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// How many.
    pub lines: u64,
    /// Amounts by currency.
    pub by_currency: BTreeMap<String, Decimal>,
    /// In yuan.
    pub cny: Decimal,
    /// Lines for whose currency and day no rate is known: not in the yuan.
    pub without_rate: u64,
}

impl Totals {
    /// Takes a row in: its currency, its amount, and that in yuan.
    pub fn add(&mut self, currency: &str, amount: Option<Decimal>, cny: Option<Decimal>) {
        self.lines += 1;
        add_to(self.by_currency.entry(currency.to_owned()).or_default(), amount);
        add_to(&mut self.cny, cny);
        self.without_rate += u64::from(cny.is_none());
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "合计 · total: {} 行 · lines", self.lines)?;
        for (currency, amount) in &self.by_currency {
            write!(f, "; 币制 · currency {currency}: {}", Money(*amount))?;
        }
        write!(f, "; CNY {}", Money(self.cny))?;
        if self.without_rate > 0 {
            write!(f, "; {} 行无汇率，未计入 CNY · lines without a rate, not in the CNY", self.without_rate)?;
        }
        Ok(())
    }
}

/// An amount with two decimals or more, as people write it.
#[derive(Debug, Clone, Copy)]
pub struct Money(pub Decimal);

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = usize::try_from(self.0.normalize().scale().max(2)).unwrap_or(2);
        write!(f, "{:.decimals$}", self.0)
    }
}

/// To the cent, half up.
pub(super) fn cents(amount: Decimal) -> Decimal {
    let mut cents = amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    cents.rescale(2);
    cents
}

/// 1 to 4.
fn quarter_of(day: Date) -> u8 {
    (u8::from(day.month()) - 1) / 3 + 1
}

fn add_to(sum: &mut Decimal, amount: Option<Decimal>) {
    *sum = sum.saturating_add(amount.unwrap_or_default());
}
