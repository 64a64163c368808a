//! Looking through the audit log, for the door and the console.

use std::collections::HashSet;

use uuid::Uuid;

use crate::{
    audit::Entry,
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
