//! D82, a pass of its own: an entity that has refunds beside lines of 103号 in one year cannot have the deemed-profit rule
//! (税务总局公告2019年第36号一(三)): accounts and deemed profit do not stand together.

use std::collections::BTreeMap;

use super::{
    decision::Outcome,
    facts::{Facts, IncomeTax},
};

/// An entity and year in which both stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mixed {
    /// The seller.
    pub seller: String,
    /// The year of export.
    pub year: i32,
    /// How many lines are exempt without invoice.
    pub exempt: u64,
    /// How many may have a refund.
    pub refund: u64,
}

/// Counts what entities with the deemed-profit rule have of either, by year of export.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Regimes(BTreeMap<(String, i32), [u64; 2]>);

impl Regimes {
    /// Takes in what was decided about a line.
    pub fn add(&mut self, facts: &Facts, outcome: Outcome) {
        let Some((seller, day)) = facts.seller.as_ref().zip(facts.fields.export_date) else { return };
        let place = match outcome {
            Outcome::ExemptNoInvoice => 0,
            Outcome::RefundEligible => 1,
            _ => return,
        };
        if seller.income_tax == IncomeTax::Deemed {
            let counted = self.0.entry((seller.code.clone(), day.year())).or_default();
            counted[place] = counted[place].saturating_add(1);
        }
    }

    /// Takes in what another counted.
    pub fn join(&mut self, other: Self) {
        for (key, [exempt, refund]) in other.0 {
            let counted = self.0.entry(key).or_default();
            *counted = [counted[0].saturating_add(exempt), counted[1].saturating_add(refund)];
        }
    }

    /// The entities and years for which N-MIXED-INCOME-REGIME is to be noted.
    #[must_use]
    pub fn mixed(&self) -> Vec<Mixed> {
        let both = self.0.iter().filter(|(_, [exempt, refund])| *exempt > 0 && *refund > 0);
        both.map(|((seller, year), &[exempt, refund])| Mixed { seller: seller.clone(), year: *year, exempt, refund }).collect()
    }
}
