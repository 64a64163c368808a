//! D82, a pass of its own: an entity that has refunds beside lines of 103号 in one year cannot have the deemed-profit rule
//! (税务总局公告2019年第36号一(三)): accounts and deemed profit do not stand together.

use std::collections::BTreeMap;

use super::{
    decision::{LineAssessment, Outcome},
    facts::IncomeTax,
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

/// The entities and years for which N-MIXED-INCOME-REGIME is to be noted.
pub fn mixed_regimes<'a>(lines: impl IntoIterator<Item = &'a LineAssessment>) -> Vec<Mixed> {
    let mut counts: BTreeMap<(&str, i32), [u64; 2]> = BTreeMap::new();
    for line in lines {
        let Some((seller, day)) = line.inputs.seller.as_ref().zip(line.inputs.fields.export_date) else { continue };
        let place = match line.outcome {
            Outcome::ExemptNoInvoice => 0,
            Outcome::RefundEligible => 1,
            _ => continue,
        };
        if seller.income_tax == IncomeTax::Deemed {
            let counted = counts.entry((&seller.code, day.year())).or_default();
            counted[place] = counted[place].saturating_add(1);
        }
    }
    let both = counts.into_iter().filter(|(_, [exempt, refund])| *exempt > 0 && *refund > 0);
    both.map(|((seller, year), [exempt, refund])| Mixed { seller: seller.to_owned(), year, exempt, refund }).collect()
}
