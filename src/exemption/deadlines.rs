//! Until when an exemption must be filed (增值税法实施条例第四十八条; 2026年第11号第九条(一)4: by 30 April of the next year, at the latest
//! 36 months after export).

use time::{Date, Duration, Month};

use super::{Assessment, case::Case, pack::Pack};

/// The two deadlines of a line, and how long before each a warning begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// The day by which the exemption is normally filed.
    pub due: Date,
    /// The last day on which it can be filed at all.
    pub last: Date,
    warn_days: u16,
}

impl Deadlines {
    /// Of goods exported on a day, by the rules of a pack; nothing if the pack names no deadline.
    #[must_use]
    pub fn after(pack: &Pack, export_date: Date) -> Option<Self> {
        let value = |name: &str| pack.parameter(name, export_date).map(|known| known.value.as_str());
        let (month, day) = value("filing_due")?.split_once('-')?;
        let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
        let due = Date::from_calendar_date(export_date.year().checked_add(1)?, month, day.parse().ok()?).ok()?;
        let last = months_later(export_date, value("filing_stop_months")?.parse().ok()?)?;
        Some(Self { due, last, warn_days: value("filing_warn_days").and_then(|days| days.parse().ok()).unwrap_or_default() })
    }

    /// Whether it is too late.
    #[must_use]
    pub fn stopped(self, today: Date) -> bool {
        today > self.last
    }

    /// Whether a warning is due: before the normal day and ever after it.
    #[must_use]
    pub fn warns(self, today: Date) -> bool {
        let begin = self.due.min(self.last).checked_sub(Duration::days(i64::from(self.warn_days)));
        begin.is_none_or(|begin| today >= begin)
    }
}

impl Assessment {
    /// By when what it advises to be exempt must be filed, the earliest of its lines: of what was released and is not recorded as filed.
    #[must_use]
    pub fn to_file(&self) -> Option<Deadlines> {
        let open = self
            .lines
            .iter()
            .filter(|line| line.outcome.is_exempt() && line.inputs.list.released() && line.inputs.evidence.filing.is_none());
        open.filter_map(|line| Deadlines::after(&line.pack, line.inputs.fields.export_date?)).min_by_key(|due| (due.due, due.last))
    }
}

/// The same day of a later month, or its last day.
fn months_later(day: Date, months: u16) -> Option<Date> {
    let count = i32::from(u8::from(day.month())) - 1 + i32::from(months);
    let year = day.year().checked_add(count.div_euclid(12))?;
    let month = Month::try_from(u8::try_from(count.rem_euclid(12) + 1).ok()?).ok()?;
    Date::from_calendar_date(year, month, day.day().min(month.length(year))).ok()
}

/// Of a line that was released and whose filing is not recorded.
pub(super) fn of(case: &Case<'_>) -> Option<Deadlines> {
    let open = case.facts.list.released() && case.facts.evidence.filing.is_none();
    if open { Deadlines::after(case.pack, case.facts.fields.export_date?) } else { None }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::{super::pack::Packs, *};

    fn of(day: Date) -> Deadlines {
        Deadlines::after(Packs::shipped().unwrap().on(day), day).unwrap()
    }

    #[test]
    fn filing_is_due_next_april_and_ends_after_36_months() {
        let deadlines = of(date!(2026 - 11 - 11));
        assert_eq!((deadlines.due, deadlines.last), (date!(2027 - 04 - 30), date!(2029 - 11 - 11)));
        assert_eq!(of(date!(2024 - 02 - 29)).last, date!(2027 - 02 - 28), "no such day three years on");
        assert_eq!(of(date!(2026 - 01 - 31)).due, date!(2027 - 04 - 30));
    }

    #[test]
    fn a_warning_begins_before_and_does_not_end() {
        let deadlines = of(date!(2026 - 11 - 11));
        assert!(
            !deadlines.warns(date!(2027 - 02 - 28)) && deadlines.warns(date!(2027 - 03 - 01)) && deadlines.warns(date!(2028 - 01 - 01))
        );
        assert!(!deadlines.stopped(date!(2029 - 11 - 11)) && deadlines.stopped(date!(2029 - 11 - 12)));
    }
}
