//! Looking through the audit log, for the door and the console.

use std::{collections::HashSet, net::IpAddr, time::Duration};

use uuid::Uuid;

use crate::{
    audit::{Difference, Entry},
    clock::Timestamp,
    declaration::Kind,
    party::Tenant,
    store::{self, EntryFilter, PlacedEntry, Store},
};

/// Pages looked through for one answer, where the store cannot sort out the actor itself.
const MOST_PAGES: u32 = 20;
/// Entries of a page that is looked through.
pub const SEARCH_PAGE: u32 = 500;
/// The longest number there is has 60 characters (orderNo).
const LONGEST_NUMBER: usize = 100;

/// Positions that one answer looks through backwards, where the store cannot sort out everything itself.
const MOST_LOOKED_THROUGH: i64 = 50_000;
/// Positions looked through at a time: few at first, for nearly always the first are what is wanted.
const NARROWEST: i64 = 500;
const WIDEST: i64 = 8_000;
/// Entries about what one number leads to, or of one trace.
const MOST_OF_SUBJECTS: usize = 10_000;
/// Entries get their places in nearly the order of their times: no transaction takes so long.
const ASTRAY: Duration = Duration::from_secs(10);

/// What the store itself does not sort out.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The name of who did it; empty: anybody.
    pub actor: String,
    /// The kind of document that changed.
    pub kind: Option<Kind>,
    /// What a field came to; empty: whatever.
    pub outcome: String,
    /// Where the call came from.
    pub address: Option<IpAddr>,
}

impl Wanted {
    /// Whether an entry is one of those.
    #[must_use]
    pub fn fits(&self, entry: &Entry) -> bool {
        let of_kind = |change: &Difference| {
            let field = change.field.split_once('.').map_or("", |(kind, _)| kind);
            self.kind.is_none_or(|kind| field == kind.as_str())
        };
        let came_out = |change: &Difference| self.outcome.is_empty() || change.to == self.outcome;
        let any = self.kind.is_none() && self.outcome.is_empty();
        (self.actor.is_empty() || entry.actor.name == self.actor)
            && (self.address.is_none() || entry.actor.address == self.address)
            && (any || entry.changes.iter().any(|change| of_kind(change) && came_out(change)))
    }
}

/// Entries that fit, the newest first, and the position to go on before; looks through a bounded number of positions.
///
/// # Errors
/// If the store cannot be read.
pub async fn look_back(
    store: &dyn Store,
    filter: EntryFilter,
    wanted: &Wanted,
    most: usize,
) -> store::Result<(Vec<PlacedEntry>, Option<i64>)> {
    if filter.subjects.is_some() || filter.trace.is_some() {
        return about(store, filter, wanted, most).await;
    }
    let size = store.last_checkpoint().await?.map_or(0, |last| last.size);
    let (low, high) = span(store, filter.from, filter.to, size).await?;
    let mut end = filter.before.unwrap_or(size).min(high);
    let (mut found, mut width, mut left) = (Vec::new(), NARROWEST, MOST_LOOKED_THROUGH);
    while end > low && left > 0 {
        let start = end.saturating_sub(width).max(low);
        let limit = u32::try_from(end - start).unwrap_or(u32::MAX);
        let page = EntryFilter { after: Some(start - 1), before: Some(end), limit, pending: false, ..filter.clone() };
        for placed in store.entries(page).await?.into_iter().rev().filter(|placed| wanted.fits(&placed.entry)) {
            let position = placed.position;
            found.push(placed);
            if found.len() == most {
                return Ok((found, position.filter(|position| *position > low)));
            }
        }
        (end, left, width) = (start, left - (end - start), width.saturating_mul(2).min(WIDEST));
    }
    Ok((found, (end > low).then_some(end)))
}

/// The same, of what one number leads to, or of one trace.
async fn about(store: &dyn Store, mut filter: EntryFilter, wanted: &Wanted, most: usize) -> store::Result<(Vec<PlacedEntry>, Option<i64>)> {
    let mut found = Vec::new();
    filter.limit = SEARCH_PAGE;
    filter.pending &= filter.before.is_none();
    while found.len() < MOST_OF_SUBJECTS {
        let page = store.entries(filter.clone()).await?;
        let is_last = u32::try_from(page.len()).is_ok_and(|len| len < SEARCH_PAGE) || page.iter().any(|placed| placed.position.is_none());
        filter.after = page.last().and_then(|placed| placed.position).or(filter.after);
        found.extend(page.into_iter().filter(|placed| wanted.fits(&placed.entry)));
        if is_last {
            break;
        }
    }
    let is_more = found.len() > most;
    found.reverse();
    found.truncate(most);
    let last = found.last().and_then(|placed| placed.position).filter(|_| is_more);
    Ok((found, last))
}

/// The positions between which entries of a span of time stand.
async fn span(store: &dyn Store, from: Option<Timestamp>, to: Option<Timestamp>, size: i64) -> store::Result<(i64, i64)> {
    let low = match from {
        Some(from) => first_at(store, from - ASTRAY, size).await?,
        None => 0,
    };
    let high = match to {
        Some(to) => first_at(store, to + ASTRAY, size).await?,
        None => size,
    };
    Ok((low, high))
}

/// The first position whose entry is not older.
async fn first_at(store: &dyn Store, at: Timestamp, size: i64) -> store::Result<i64> {
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        match store.stored_entries(middle, 1).await?.first() {
            Some(row) if row.at < at => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// Entries that fit, and the position to go on after; looks through a bounded number of pages. Pages of
/// `filter` have [`SEARCH_PAGE`] entries.
///
/// # Errors
/// If the store cannot be read.
pub async fn look_through(
    store: &dyn Store,
    mut filter: EntryFilter,
    fits: &(dyn Fn(&Entry) -> bool + Sync),
    wanted: u32,
) -> store::Result<(Vec<PlacedEntry>, Option<i64>)> {
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    filter.limit = SEARCH_PAGE;
    let mut found = Vec::new();
    for _ in 0..MOST_PAGES {
        let page = store.entries(filter.clone()).await?;
        // Behind what has no place yet there is nothing.
        let is_short = u32::try_from(page.len()).is_ok_and(|len| len < SEARCH_PAGE);
        let last_page = is_short || page.iter().any(|placed| placed.position.is_none());
        for placed in page {
            filter.after = placed.position.or(filter.after);
            if fits(&placed.entry) {
                found.push(placed);
            }
            if found.len() == wanted {
                return Ok((found, filter.after));
            }
        }
        if last_page {
            return Ok((found, None));
        }
    }
    Ok((found, filter.after))
}

/// A trace as it is asked for: its id, or without a caller's that of the declaration, with hyphens or without. Nothing: it is none.
#[must_use]
pub fn trace_asked(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|id| !id.is_nil())
}

/// The ids under which the log tells of what a number or an id leads to: declarations, and waybills from before they were bound.
///
/// # Errors
/// If the store cannot be read.
pub async fn subjects(store: &dyn Store, scope: Option<&Tenant>, number: &str) -> store::Result<Vec<Uuid>> {
    if number.is_empty() || number.chars().count() > LONGEST_NUMBER {
        return Ok(Vec::new());
    }
    let hits = store.find(scope, &[number.to_owned()]).await?;
    let led = hits.iter().filter_map(|hit| hit.declaration.map(|id| id.0).or(hit.document.map(|id| id.0)));
    let ids: Vec<_> = led.chain(Uuid::try_parse(number).ok()).collect::<HashSet<_>>().into_iter().collect();
    let mut subjects = HashSet::new();
    for document in store.documents(scope, &ids).await? {
        subjects.extend(document.declaration.map(|id| id.0));
        if document.kind == Kind::Waybill || document.declaration.is_none() {
            subjects.insert(document.id.0);
        }
    }
    Ok(subjects.into_iter().collect())
}
