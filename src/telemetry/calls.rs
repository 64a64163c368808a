//! What callers do to what has a trace already: operations staff to declarations, carriers to waybills.

use uuid::Uuid;

use super::{EXPORT, Seed, Told, attributes, is_sampled, root};
use crate::{
    audit::Entry,
    dossier::Dossier,
    party::Trace,
    store::{self, Change, Store, Traces},
};

/// What an entry of a waybill that was pushed is called: as long as it belongs to no declaration nothing hangs above it.
const ACCEPT_WAYBILL: &str = "accept_waybill";

/// The trace of what something is done to.
#[derive(Debug, Clone, Copy)]
pub struct Home {
    /// Its id; nil: it has no trace.
    id: Uuid,
    /// The caller's trace in which it was submitted; nothing: its id is the trace's.
    trace: Option<Trace>,
}

impl Home {
    /// That of what has this id, among the traces that are known.
    #[must_use]
    pub fn among(traces: &Traces, id: Uuid) -> Self {
        Self { id, trace: traces.get(&id).copied() }
    }

    /// That of a declaration; without one, of what has this id.
    #[must_use]
    pub fn of(dossier: Option<&Dossier>, id: Uuid) -> Self {
        dossier.map_or(Self { id, trace: None }, |dossier| Self { id: dossier.id.0, trace: dossier.trace })
    }
}

/// Whether anything is told at all.
pub fn is_on() -> bool {
    EXPORT.get().is_some()
}

/// What is to be told of what callers do; nothing where traces are off, or these are not sampled.
pub fn of_calls<'e>(entries: impl IntoIterator<Item = (&'e Entry, Home)>) -> Told {
    let Some(export) = EXPORT.get() else { return Told::default() };
    Told(entries.into_iter().filter_map(|(entry, home)| seed(entry, home, export.permille)).collect())
}

/// Puts entries that name no trace into those of the declarations that they are about; gives these traces.
///
/// # Errors
/// If the store cannot be read.
pub async fn join(store: &dyn Store, changes: &mut [Change]) -> store::Result<Traces> {
    let mut about: Vec<_> = changes.iter().flat_map(|change| &change.entries).map(|entry| entry.subject).collect();
    about.retain(|id| !id.is_nil());
    about.sort_unstable();
    about.dedup();
    if about.is_empty() {
        return Ok(Traces::default());
    }
    let traces = store.traces(&about).await?;
    for entry in changes.iter_mut().flat_map(|change| &mut change.entries).filter(|entry| entry.actor.trace.is_none()) {
        entry.actor.trace = traces.get(&entry.subject).copied();
    }
    Ok(traces)
}

fn seed(entry: &Entry, home: Home, permille: u32) -> Option<Seed> {
    // One that was put into the trace of what it is about was called in none.
    let called = entry.actor.trace.filter(|trace| Some(*trace) != home.trace);
    let of_home = home.trace.map_or(home.id.as_u128(), |trace| trace.id.get());
    let trace = called.map_or(of_home, |called| called.id.get());
    if trace == 0 || called.or(home.trace).is_some_and(|trace| !trace.is_sampled) || !is_sampled(trace, permille) {
        return None;
    }
    let is_first = entry.act == ACCEPT_WAYBILL && entry.subject == home.id;
    Some(Seed {
        trace,
        parent: called.map_or(if is_first { 0 } else { root(home.id) }, |called| called.span.get()),
        is_remote: called.is_some(),
        id: is_first.then(|| root(home.id)),
        link: called.filter(|_| !is_first && !home.id.is_nil()).map(|_| (of_home, root(home.id))),
        is_call: true,
        entry: entry.id,
        attributes: attributes(entry),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Timestamp,
        party::{Actor, Role, Tenant},
        telemetry::{WHOLE, span},
    };

    const DECLARATION: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_002a);
    const WAYBILL: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0077);
    const SELLERS: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const STAFFS: &str = "00-11111111111111111111111111111111-2222222222222222-01";

    fn entry(act: &str, subject: Uuid, trace: Option<&str>) -> Entry {
        let actor = Actor { trace: trace.map(|text| text.parse().unwrap()), ..Actor::new(Tenant::local(), Role::Operator, "desk") };
        Entry { id: Uuid::from_u128(7), at: Timestamp(5), actor, act: act.into(), subject, changes: Vec::new(), why: "secret".into() }
    }

    /// The trace, the parent and what is pointed to.
    fn told(entry: &Entry, home: Home) -> (String, u64, Vec<String>) {
        let span = span(&seed(entry, home, WHOLE).unwrap(), "desk", Timestamp(1), Timestamp(2));
        let links = span.links.iter().map(|link| link.span_context.trace_id().to_string()).collect();
        (span.span_context.trace_id().to_string(), u64::from_be_bytes(span.parent_span_id.to_bytes()), links)
    }

    #[test]
    fn a_call_is_told_in_its_own_trace_and_points_home_or_else_at_home() {
        let id = |text: &str| text[3..35].to_owned();
        let own = DECLARATION.simple().to_string();
        for (trace, home) in [(None, own.clone()), (Some(SELLERS.parse().unwrap()), id(SELLERS))] {
            let home_of = Home { id: DECLARATION, trace };
            let called = told(&entry("hold", DECLARATION, Some(STAFFS)), home_of);
            assert_eq!(called, (id(STAFFS), 0x2222_2222_2222_2222, vec![home.clone()]));
            for joined in [None, trace.map(|_| SELLERS)] {
                assert_eq!(told(&entry("hold", DECLARATION, joined), home_of), (home.clone(), root(DECLARATION), Vec::new()));
            }
            assert_eq!(told(&entry("accept_waybill", WAYBILL, None), home_of), (home, root(DECLARATION), Vec::new()));
        }
    }

    #[test]
    fn what_belongs_to_nothing_yet_stands_alone() {
        let alone = Home { id: WAYBILL, trace: None };
        assert_eq!(told(&entry("accept_waybill", WAYBILL, None), alone), (WAYBILL.simple().to_string(), 0, Vec::new()));
        let called = told(&entry("accept_waybill", WAYBILL, Some(STAFFS)), alone);
        assert_eq!((called.1, called.2.len()), (0x2222_2222_2222_2222, 0));
        let nowhere = Home { id: Uuid::nil(), trace: None };
        assert!(seed(&entry("pause", Uuid::nil(), None), nowhere, WHOLE).is_none());
        assert_eq!(told(&entry("pause", Uuid::nil(), Some(STAFFS)), nowhere).2.len(), 0);
    }

    #[test]
    fn whoever_does_not_want_it_told_is_not_told_of() {
        let home = Home { id: DECLARATION, trace: Some(SELLERS.replace("-01", "-00").parse().unwrap()) };
        assert!(seed(&entry("hold", DECLARATION, None), home, WHOLE).is_none());
        assert!(seed(&entry("hold", DECLARATION, Some(&STAFFS.replace("-01", "-00"))), home, WHOLE).is_none());
        assert!(seed(&entry("hold", DECLARATION, Some(STAFFS)), home, WHOLE).is_some());
    }
}
