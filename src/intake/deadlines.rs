//! What must be done by when, as it follows from what is kept.

use std::time::Duration;

use time::{Date, Month};

use crate::{
    clock::{Timestamp, start_of},
    declaration::Kind,
    dossier::Dossier,
    exemption::Assessment,
    store::{Deadline, DeadlineChange, DeadlineKind, Shown},
};

/// The day of the month by which what was closed in the month before is to be summed (transport §4.3). Where it is a holiday, the
/// announcement gives until the next working day; that is not counted on.
const SUMMED_BY: u8 = 15;
/// Months within which goods that come back do so without taxes (exemption §1.5).
const TAX_MONTHS: u8 = 6;
/// Months within which goods may be declared to come back.
const CUSTOMS_MONTHS: u8 = 12;

/// When an inventory of the B kind that was closed at that moment is to be summed at the latest: the end of the 15th of the month
/// after, Beijing time.
#[must_use]
pub fn summary_due(closed_at: Timestamp) -> Timestamp {
    let month = later(closed_at.day(), 1);
    end_of(month.replace_day(SUMMED_BY).unwrap_or(month))
}

/// By when the goods of a declaration must come back: without taxes, and at all. Nothing as long as they have not been released.
/// The first clock runs from the day of export, as far as it is known: that of the departure, else the one declared.
#[must_use]
pub fn returns(shown: &Shown) -> Vec<Deadline> {
    let dossier = &shown.dossier;
    let Some(released_at) = released_at(shown) else { return Vec::new() };
    let left =
        shown.follow_ups.iter().filter(|kept| kept.kind == Kind::Departure && kept.stands()).filter_map(|kept| kept.happened_at).min();
    let exported_on = left.map_or(dossier.declaration.inventory.exit_date, Timestamp::day);
    let deadline = |kind, at| Deadline { declaration: dossier.id, tenant: dossier.tenant.clone(), kind, at };
    vec![
        deadline(DeadlineKind::ReturnTax, end_of(later(exported_on, TAX_MONTHS))),
        deadline(DeadlineKind::ReturnCustoms, end_of(later(released_at.day(), CUSTOMS_MONTHS))),
    ]
}

/// By when the exemption that is advised for a declaration must be filed, and can be filed at all: set where something is to be filed,
/// met where nothing is any more. What was never advised to be exempt has no such deadline.
#[must_use]
pub fn filing(dossier: &Dossier, assessment: &Assessment) -> Vec<DeadlineChange> {
    let set = |kind, day| DeadlineChange::Set(Deadline { declaration: dossier.id, tenant: dossier.tenant.clone(), kind, at: end_of(day) });
    match assessment.to_file() {
        Some(due) => vec![set(DeadlineKind::Filing, due.due), set(DeadlineKind::FilingEnd, due.last)],
        None => [DeadlineKind::Filing, DeadlineKind::FilingEnd].map(|kind| DeadlineChange::Met(dossier.id, kind)).into(),
    }
}

/// When customs released the inventory: its 800, or the 899 that came instead.
fn released_at(shown: &Shown) -> Option<Timestamp> {
    let ids: Vec<_> =
        shown.dossier.documents.iter().filter(|document| document.kind == Kind::Inventory).map(|document| document.id).collect();
    let says = |code: &str| {
        let of_inventory = shown.receipts.iter().filter(|kept| kept.document.is_some_and(|id| ids.contains(&id)));
        of_inventory.filter(|kept| kept.receipt.code == code).map(|kept| kept.receipt.at.unwrap_or(kept.at)).min()
    };
    says("800").or_else(|| says("899"))
}

/// The same day so many months later; the last of the month where it has no such day.
fn later(day: Date, months: u8) -> Date {
    let mut month = day.month();
    let mut year = day.year();
    for _ in 0..months {
        if month == Month::December {
            year += 1;
        }
        month = month.next();
    }
    (1..=day.day()).rev().find_map(|day| Date::from_calendar_date(year, month, day).ok()).unwrap_or(day)
}

/// The last moment of a day, Beijing time.
fn end_of(day: Date) -> Timestamp {
    start_of(day) + Duration::from_secs(86_399)
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn what_was_closed_is_summed_by_the_fifteenth_of_the_month_after() {
        let due = |day| summary_due(start_of(day)).to_seconds();
        assert_eq!(due(date!(2026 - 11 - 01)), "20261215235959");
        assert_eq!(due(date!(2026 - 11 - 30)), "20261215235959");
        assert_eq!(due(date!(2026 - 12 - 31)), "20270115235959");
        assert_eq!(due(date!(2027 - 01 - 31)), "20270215235959");
        // By Beijing's day: an hour before its midnight is still November.
        assert_eq!(summary_due(Timestamp(start_of(date!(2026 - 12 - 01)).0 - 1)).to_seconds(), "20261215235959");
    }

    #[test]
    fn months_end_where_they_end() {
        assert_eq!(later(date!(2026 - 08 - 31), 6), date!(2027 - 02 - 28));
        assert_eq!(later(date!(2027 - 08 - 31), 6), date!(2028 - 02 - 29));
        assert_eq!(later(date!(2026 - 02 - 28), 12), date!(2027 - 02 - 28));
    }
}
