//! The rules of documents that are submitted on their own: what they say by themselves. Whether an inventory of that number
//! exists, what was declared in it and what its state permits is known to the store alone.

use std::collections::HashMap;

use time::Date;

use super::{Finding, Findings, Parameters, fields::Field, report::Report, rules, waybill::is_other};
use crate::{
    declaration::{FollowUp, draft},
    party::Party,
};

mod cancellation;
mod goods_return;
mod manifest;
mod movement;
mod payment;
mod summary;

/// The most lines a numbered list may have before it is split: gnum is N5 and counts through the whole.
pub const MOST_NUMBERED: usize = 99_999;
/// The most inventories that one application may sum before it is split.
pub const MOST_SUMMED: usize = 100_000;
/// trafMode of what goes by post: 邮件运输.
const BY_POST: &str = "6";

/// A document in which nothing is wrong; only [`check`] makes one. It is whole: nothing is split yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedFollowUp {
    follow_up: FollowUp,
    warnings: Vec<Finding>,
}

impl CheckedFollowUp {
    /// The document.
    #[must_use]
    pub const fn follow_up(&self) -> &FollowUp {
        &self.follow_up
    }

    /// What is likely to cause trouble.
    #[must_use]
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// Both, given away.
    #[must_use]
    pub fn into_parts(self) -> (FollowUp, Vec<Finding>) {
        (self.follow_up, self.warnings)
    }
}

/// Checks a document as sent, by what holds today. None of these kinds has a limit in money, so that the parameters say nothing
/// of them yet.
///
/// # Errors
/// Every finding, if at least one of them is an error.
pub fn check(draft: &draft::FollowUp, _parameters: &Parameters, today: Date) -> Result<CheckedFollowUp, Findings> {
    let mut report = Report::new(today);
    let follow_up = read(&mut report, draft);
    let warnings = report.finish()?;
    Ok(CheckedFollowUp { follow_up, warnings })
}

/// Reads the document; what was not good is empty, zero or today in it.
fn read(report: &mut Report, draft: &draft::FollowUp) -> FollowUp {
    match draft {
        draft::FollowUp::Payment(draft) => FollowUp::Payment(payment::read(report, draft)),
        draft::FollowUp::Arrival(draft) => FollowUp::Arrival(movement::read_arrival(report, draft)),
        draft::FollowUp::Departure(draft) => FollowUp::Departure(movement::read_departure(report, draft)),
        draft::FollowUp::Cancellation(draft) => FollowUp::Cancellation(cancellation::read(report, draft)),
        draft::FollowUp::Manifest(draft) => FollowUp::Manifest(manifest::read(report, draft)),
        draft::FollowUp::Summary(draft) => FollowUp::Summary(summary::read(report, draft)),
        draft::FollowUp::GoodsReturn(draft) => FollowUp::GoodsReturn(goods_return::read(report, draft)),
        draft::FollowUp::ReturnTally(draft) => FollowUp::ReturnTally(goods_return::read_tally(report, draft)),
    }
}

/// The number of a line: its place, which need not be said.
fn place(report: &mut Report, field: Field, index: usize, sent: &str) -> u32 {
    let place = u32::try_from(index.saturating_add(1)).unwrap_or(u32::MAX);
    if report.integer(field, index, sent).is_some_and(|number| number != place) {
        report.add(&rules::NUMBER, field, index, place.to_string());
    }
    place
}

/// Notes what is said by an earlier line of the list already.
fn check_repeats<'a>(report: &mut Report, field: Field, sent: impl Iterator<Item = &'a str>) {
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (index, value) in sent.enumerate().filter(|(_, value)| !value.trim().is_empty()) {
        let place = index.saturating_add(1);
        let first = *places.entry(value).or_insert(place);
        if first != place {
            report.add(&rules::REPEATED, field, index, first.to_string());
        }
    }
}

/// What may be missing, but only by post.
fn unless_by_post(report: &mut Report, field: Field, sent: &str, transport: &str) -> Option<String> {
    // A mode of transport that is not good is noted already.
    if sent.trim().is_empty() && transport != BY_POST && !transport.is_empty() {
        report.add(&rules::POST_ONLY, field, 0, "");
    }
    report.text(field, 0, sent)
}

/// By post the operator is the postal carrier itself.
fn check_operator(report: &mut Report, field: Field, transport: &str, operator: &Party, carrier: &Party) {
    if transport == BY_POST && is_other(&operator.code, &carrier.code) {
        report.add(&rules::POSTAL_OPERATOR, field, 0, "");
    }
}

/// An inventory is at the office that its number begins with.
fn check_office(report: &mut Report, field: Field, index: usize, inventory_no: &str, declared_at: &str) {
    let office = inventory_no.get(..4).unwrap_or_default();
    if !office.is_empty() && !declared_at.is_empty() && office != declared_at {
        report.add(&rules::OTHER_OFFICE, field, index, office);
    }
}
