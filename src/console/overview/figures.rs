//! What the overview shows, counted behind it. Counting goes through everything that is kept, so a page never waits for it longer than a
//! moment: it shows what was counted last, and says when. Every node counts what all nodes share; each minute that has passed is
//! counted by ranges, and kept.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use crate::{
    clock::{Clockwork, Timestamp, start_of},
    console::Console,
    party::Tenant,
    store::{self, Count, Overview, OverviewAsked, Pulse, Store},
    task,
};

/// What was counted so long ago is counted again.
const FRESH: Duration = Duration::from_secs(10);
/// Counting takes at most one part in so many of the time.
const SHARE: u32 = 30;
/// What is older is not shown.
const STALE: Duration = Duration::from_secs(600);
/// Minutes that charts show.
const MINUTES: i64 = 60;
const MINUTE: i64 = 60_000_000;
/// Ids are made before what they name is kept: a minute is counted only when it has been over for so long.
const SETTLED: i64 = 5_000_000;

/// What was counted.
#[derive(Debug, Clone)]
pub(in crate::console) struct Figures {
    pub counts: Vec<Count>,
    pub overview: Overview,
    /// The last hour, minute by minute, oldest first; a minute that is not counted yet is not there.
    pub pulses: Vec<Pulse>,
    pub at: Timestamp,
    took: Duration,
}

#[derive(Default)]
struct Known {
    figures: BTreeMap<Option<Tenant>, Arc<Figures>>,
    /// Those that are being counted.
    counting: Vec<Option<Tenant>>,
    /// Minutes, with the time at which each was counted: answers to what was sent in one come later.
    pulses: BTreeMap<Timestamp, (Timestamp, Pulse)>,
}

/// What was counted last, by whose it is.
#[derive(Default)]
pub(in crate::console) struct Cache {
    known: Mutex<Known>,
    told: watch::Sender<()>,
}

impl Cache {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was counted last; what is not fresh is counted again behind it, and waited for as long as there is patience.
    pub(in crate::console) async fn figures(
        self: &Arc<Self>,
        console: &Console,
        scope: Option<&Tenant>,
        patience: Duration,
    ) -> Option<Arc<Figures>> {
        let (scope, clockwork) = (scope.cloned(), console.parts.clockwork.clone());
        let last = self.known().figures.get(&scope).cloned();
        let now = clockwork.now();
        if let Some(figures) = last.as_ref().filter(|figures| now.since(figures.at) < FRESH.max(figures.took * SHARE)) {
            return Some(Arc::clone(figures));
        }
        let mut told = self.told.subscribe();
        if self.begin(&scope) {
            let (cache, store, scope) = (Arc::clone(self), Arc::clone(&console.parts.store), scope.clone());
            tokio::spawn(async move { cache.count(store, clockwork, scope).await });
        }
        let until = Instant::now() + patience;
        loop {
            let found = self.known().figures.get(&scope).cloned();
            let is_new = found.as_ref().is_some_and(|found| last.as_ref().is_none_or(|last| found.at > last.at));
            let left = until.saturating_duration_since(Instant::now());
            if is_new || timeout(left, told.changed()).await.is_err() {
                return found.filter(|found| is_new || now.since(found.at) < STALE);
            }
        }
    }

    fn begin(&self, scope: &Option<Tenant>) -> bool {
        let mut known = self.known();
        let is_first = !known.counting.contains(scope);
        if is_first {
            known.counting.push(scope.clone());
        }
        is_first
    }

    async fn count(&self, store: Arc<dyn Store>, clockwork: Clockwork, scope: Option<Tenant>) {
        let began = Instant::now();
        let at = clockwork.now();
        let minutes = self.known().wanted(at);
        let counted = counted(store.as_ref(), scope.clone(), at, minutes).await;
        let mut known = self.known();
        known.counting.retain(|other| *other != scope);
        match counted {
            Ok((counts, overview)) => {
                let pulses = known.keep(at, &overview.pulses);
                let took = began.elapsed();
                known.figures.insert(scope, Arc::new(Figures { counts, overview, pulses, at, took }));
            }
            Err(error) => tracing::warn!(error = task::chain(&error), "the overview could not be counted"),
        }
        drop(known);
        self.told.send_replace(());
    }
}

async fn counted(
    store: &dyn Store,
    tenant: Option<Tenant>,
    at: Timestamp,
    minutes: Vec<Timestamp>,
) -> store::Result<(Vec<Count>, Overview)> {
    let counts = store.counts(tenant.as_ref()).await?;
    let overview = store.overview(OverviewAsked { tenant, since: start_of(at.day()), minutes }).await?;
    Ok((counts, overview))
}

impl Known {
    /// Minutes to be counted: those that were not, and now and then those that were, ever more seldom.
    fn wanted(&self, now: Timestamp) -> Vec<Timestamp> {
        let last = (now.0 - SETTLED) / MINUTE;
        let minutes = (last - MINUTES..last).map(|minute| Timestamp(minute * MINUTE));
        let is_wanted = |minute: &Timestamp| {
            let age = |then: Timestamp| then.0 - minute.0 - MINUTE;
            self.pulses.get(minute).is_none_or(|(counted, _)| age(now) > age(*counted).saturating_mul(2))
        };
        minutes.filter(is_wanted).collect()
    }

    /// Keeps what was counted; gives the last hour.
    fn keep(&mut self, at: Timestamp, pulses: &[Pulse]) -> Vec<Pulse> {
        self.pulses.extend(pulses.iter().map(|pulse| (pulse.minute, (at, pulse.clone()))));
        self.pulses.retain(|minute, _| minute.0 >= at.0 - (MINUTES + 2) * MINUTE);
        self.pulses.values().map(|(_, pulse)| pulse.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_counted_when_it_is_over_and_then_ever_more_seldom() {
        let mut known = Known::default();
        let at = |seconds: i64| Timestamp(1_000 * MINUTE + seconds * 1_000_000);
        let first = known.wanted(at(64));
        assert_eq!((first.len(), first.last()), (60, Some(&Timestamp(999 * MINUTE))), "the minute has not settled yet");
        let pulses: Vec<_> = known.wanted(at(65)).into_iter().map(|minute| Pulse { minute, ..Pulse::default() }).collect();
        assert_eq!(known.keep(at(65), &pulses).len(), 60);
        assert_eq!(known.wanted(at(66)), []);
        assert_eq!(known.wanted(at(71)), [Timestamp(1_000 * MINUTE)], "5 s after its end, then 10 s");
        let many = (0..3_600).filter(|second| {
            let wanted = known.wanted(at(70 + second));
            let pulses: Vec<_> = wanted.iter().map(|minute| Pulse { minute: *minute, ..Pulse::default() }).collect();
            known.keep(at(70 + second), &pulses);
            wanted.contains(&Timestamp(1_000 * MINUTE))
        });
        assert!(many.count() < 12);
        assert!(known.pulses.len() < 64);
    }
}
