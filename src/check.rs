//! Everything a declaration, a waybill or a document of its own can get wrong, all at once, before it is accepted.
//!
//! What callers send ([`draft`]) becomes a [`Checked`], a [`CheckedWaybill`] or a [`CheckedFollowUp`] here and nowhere else. Findings come in the order
//! of the document; a path counts lines from 0, in the list as sent. Findings never repeat what people wrote freely.

use serde::{Deserialize, Serialize};
use time::Date;

use crate::declaration::{
    Declaration, Waybill,
    draft::{self, OrderReference},
};
use fields::Field;
use report::Report;

pub mod characters;
mod coded;
pub mod fields;
pub mod follow_up;
mod goods;
mod inventory;
mod order;
pub mod parameters;
mod read;
mod report;
pub mod rules;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
mod waybill;

pub use follow_up::CheckedFollowUp;
pub use parameters::{Limits, Parameters};
pub use rules::{Rule, UNCHECKED};

/// The most lines an order or an inventory may have (message specification 202205, 303 and 603).
pub const MOST_LINES: usize = 100;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Not accepted.
    Error,
    /// Accepted; likely to cause trouble.
    Warning,
}

/// One thing that is wrong, where, by which rule, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Where: `order.lines[2].price`.
    pub path: String,
    /// The stable code of the rule.
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// What is wrong, in Chinese. Holds no value of a free-text field.
    pub zh: String,
    /// What is wrong, in English. Holds no value of a free-text field.
    pub en: String,
    /// What to do about it, in Chinese.
    pub remedy_zh: String,
    /// What to do about it, in English.
    pub remedy_en: String,
}

/// Why something was not accepted: errors and warnings, in the order of the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{total} findings, first {}", .list.first().map_or("-", |finding| finding.rule.as_str()))]
pub struct Findings {
    list: Vec<Finding>,
    total: usize,
}

impl Findings {
    /// The most that are kept; the rest is only counted.
    pub const MOST: usize = 500;

    /// Those that are kept.
    #[must_use]
    pub fn list(&self) -> &[Finding] {
        &self.list
    }

    /// Those that are kept, given away.
    #[must_use]
    pub fn into_list(self) -> Vec<Finding> {
        self.list
    }

    /// How many there were.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.total
    }
}

/// A code that is written to customs otherwise than it was sent: an ISO code, a new code of a list whose old ones are written, or an HS
/// code with fewer digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// Where: `order.currency`.
    pub path: String,
    /// As sent; a code of a list, nothing that people wrote freely.
    pub sent: String,
    /// As written.
    pub written: String,
}

/// What the store says is already used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// Another declaration holds this order number of the same platform and seller.
    pub order_taken: bool,
    /// The waybill number of that carrier is bound to another declaration within 6 months.
    pub waybill_taken: bool,
    /// The seller that the carrier's waybill of that number names, if it has been pushed.
    pub waybill_seller: Option<String>,
}

/// What the store says is already used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TakenWaybill {
    /// Another waybill, or another declaration, holds this number of that carrier within 6 months.
    pub waybill_taken: bool,
}

/// A declaration in which nothing is wrong; only [`check`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    declaration: Declaration,
    warnings: Vec<Finding>,
}

impl Checked {
    /// The declaration.
    #[must_use]
    pub const fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    /// What is likely to cause trouble.
    #[must_use]
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// Both, given away.
    #[must_use]
    pub fn into_parts(self) -> (Declaration, Vec<Finding>) {
        (self.declaration, self.warnings)
    }
}

/// A waybill in which nothing is wrong; only [`check_waybill`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedWaybill {
    waybill: Waybill,
    order: Option<OrderReference>,
    warnings: Vec<Finding>,
}

impl CheckedWaybill {
    /// The waybill.
    #[must_use]
    pub const fn waybill(&self) -> &Waybill {
        &self.waybill
    }

    /// The order it says it belongs to.
    #[must_use]
    pub const fn order(&self) -> Option<&OrderReference> {
        self.order.as_ref()
    }

    /// What is likely to cause trouble.
    #[must_use]
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// All of it, given away.
    #[must_use]
    pub fn into_parts(self) -> (Waybill, Option<OrderReference>, Vec<Finding>) {
        (self.waybill, self.order, self.warnings)
    }
}

/// Checks a declaration as sent, by what holds today.
///
/// # Errors
/// Every finding, if at least one of them is an error.
pub fn check(draft: &draft::Declaration, taken: &Taken, parameters: &Parameters, today: Date) -> Result<Checked, Findings> {
    let mut report = Report::new(today);
    let order = order::read(&mut report, &draft.order);
    let inventory = inventory::read(&mut report, &draft.inventory, &order);
    inventory::check_parcel(&mut report, parameters, &order, &inventory);
    if taken.order_taken {
        report.add(&rules::ORDER_TAKEN, Field::OrderNo, 0, "");
    }
    if taken.waybill_taken && inventory.waybill_no.is_some() {
        report.add(&rules::WAYBILL_TAKEN, Field::InventoryWaybillNo, 0, "");
    }
    if taken.waybill_seller.as_deref().is_some_and(|seller| waybill::is_other(seller, &order.seller.code)) {
        report.add(&rules::CONSIGNOR, Field::InventoryWaybillNo, 0, "");
    }
    let warnings = report.finish()?;
    Ok(Checked { declaration: Declaration { order, inventory }, warnings })
}

/// The codes of a declaration that are written otherwise than they were sent, whatever else is wrong with it.
#[must_use]
pub fn conversions(draft: &draft::Declaration, today: Date) -> Vec<Conversion> {
    let mut report = Report::new(today);
    let order = order::read(&mut report, &draft.order);
    inventory::read(&mut report, &draft.inventory, &order);
    report.conversions()
}

/// Checks a waybill as sent.
///
/// # Errors
/// Every finding, if at least one of them is an error.
pub fn check_waybill(draft: &draft::Waybill, taken: &TakenWaybill, today: Date) -> Result<CheckedWaybill, Findings> {
    let mut report = Report::new(today);
    let (waybill, order) = waybill::read(&mut report, draft);
    if taken.waybill_taken {
        report.add(&rules::WAYBILL_TAKEN, Field::WaybillNo, 0, "");
    }
    let warnings = report.finish()?;
    Ok(CheckedWaybill { waybill, order, warnings })
}

/// Every rule, for whoever explains or prints them.
#[must_use]
pub fn rules() -> &'static [Rule] {
    rules::RULES
}
