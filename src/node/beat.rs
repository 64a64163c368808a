//! Every few seconds a node says that it lives, and looks what the others say.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::watch;
use tracing::{info, warn};
use uuid::Uuid;

use super::{Options, Role, Shares, disagreements, joined, label};
use crate::{
    clock::{Clockwork, Timestamp},
    queue::Backoff,
    store::{Hint, KeptNode, Store},
    task::{self, Error, Pace, Task},
};

/// Looks at another's clock that are remembered: the best of them counts, and a clock that was set right is soon believed.
const LOOKS: usize = 8;
/// A row is removed after so many times the silence by which its node counts as gone.
const FORGOTTEN: u32 = 10;

const GONE: &str = "is gone without a word";

/// The task.
#[derive(Clone)]
pub struct Beat {
    store: Arc<dyn Store>,
    clockwork: Clockwork,
    options: Options,
    shares: Shares,
    state: Arc<Mutex<State>>,
    /// Nothing hints at a beat: this one is never rung.
    silent: Arc<Hint>,
}

struct State {
    own: KeptNode,
    others: BTreeMap<Uuid, Other>,
    /// When this node listened last.
    heard: Timestamp,
    /// What the log was told last.
    told: Vec<String>,
}

/// Another node, as this one has watched it. Whether it lives is told by its beats alone, not by its clock.
#[derive(Debug)]
struct Other {
    beats: i64,
    /// For how long that beat has been its last, by this node's clock, as far as this node has listened: where the store could not be read
    /// for a while nobody was silent.
    silent: Duration,
    /// By how many microseconds its clock was ahead at least: what it said the time was, less the time at which that was seen here. A
    /// word is read after it was written, so this is never too much; and the two meet at ever other moments.
    ahead: VecDeque<i64>,
}

impl Beat {
    /// A node of that id. `shares` are told what is this node's part of what all do.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        clockwork: Clockwork,
        id: Uuid,
        options: Options,
        sections: BTreeMap<String, String>,
        shares: Shares,
    ) -> Self {
        let now = clockwork.now();
        let own = KeptNode {
            id,
            name: options.shown_name(),
            roles: joined(&options.roles),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sections,
            clocks: BTreeMap::new(),
            started_at: now,
            seen_at: now,
            until: now,
            beats: 0,
        };
        let state = State { own, others: BTreeMap::new(), heard: now, told: Vec::new() };
        Self { store, clockwork, options, shares, state: Arc::new(Mutex::new(state)), silent: Arc::default() }
    }

    /// Runs until stopped, then takes its row away.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        // No two nodes keep in step, so that each sees the others' beats at ever other moments after they were made.
        let eighth = if self.options.beat_ms < 8 { 1 } else { self.options.beat_ms / 8 };
        let period = self.options.beat_ms.saturating_sub(eighth) + self.clockwork.below(2 * eighth);
        let backoff = Backoff { first_ms: 250, longest_ms: self.options.beat_ms };
        let pace = Pace { poll: Duration::from_millis(period), rest: Duration::from_millis(period), backoff };
        task::run(&self, pace, &self.clockwork, stop).await;
        let own = self.own();
        if let Err(error) = self.store.forget(vec![(own.id, own.beats)]).await {
            tracing::debug!(error = %error, "the node's row was not taken away; others see that it is gone after a while");
        }
    }

    fn own(&self) -> KeptNode {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).own.clone()
    }

    fn gone_after(&self) -> Duration {
        Duration::from_secs(self.options.gone_s)
    }

    /// The next word of this node.
    fn word(&self) -> KeptNode {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let clocks = state.others.iter().filter_map(|(id, other)| Some((*id, self.far_ahead(other)?))).collect();
        let now = self.clockwork.now();
        let own = &mut state.own;
        own.clocks = clocks;
        (own.seen_at, own.until) = (now, now + self.gone_after());
        own.beats = own.beats.saturating_add(1);
        own.clone()
    }

    /// By how many milliseconds another's clock is ahead, where that is more than clocks may differ.
    fn far_ahead(&self, other: &Other) -> Option<i64> {
        let ahead = other.ahead.iter().copied().max()? / 1_000;
        (ahead > i64::try_from(self.options.clock_tolerance_ms).unwrap_or(i64::MAX)).then_some(ahead)
    }

    /// Takes in what all nodes say; tells which are to be forgotten.
    fn hear(&self, all: &[KeptNode]) -> Vec<(Uuid, i64)> {
        let now = self.clockwork.now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let own = state.own.id;
        // A third of what makes a node gone: it takes three looks at least.
        let (elapsed, most) = (now.since(state.heard), self.gone_after() / 3);
        let elapsed = if elapsed > most { most } else { elapsed };
        state.heard = now;
        state.others.retain(|id, _| all.iter().any(|node| node.id == *id));
        for node in all.iter().filter(|node| node.id != own) {
            hear_one(&mut state.others, node, now, elapsed);
        }
        let silence = |id: &Uuid| state.others.get(id).map_or(Duration::ZERO, |other| other.silent);
        let (lost, living): (Vec<&KeptNode>, Vec<_>) = all.iter().partition(|node| silence(&node.id) >= self.gone_after());
        let forgotten = lost.iter().filter(|node| silence(&node.id) >= self.gone_after().saturating_mul(FORGOTTEN));
        let forgotten = forgotten.map(|node| (node.id, node.beats)).collect();
        self.divide(own, &living);
        let told = self.notices(&state, &living, &lost);
        for new in told.iter().filter(|notice| !state.told.contains(notice)) {
            warn!(node.name = state.own.name, "{new}");
        }
        // Whoever is gone for long is forgotten: that is no news.
        for over in state.told.iter().filter(|notice| !told.contains(notice) && !notice.ends_with(GONE)) {
            info!(node.name = state.own.name, "no longer so: {over}");
        }
        state.told = told;
        forgotten
    }

    fn divide(&self, own: Uuid, living: &[&KeptNode]) {
        for (role, share) in self.shares.iter() {
            let has_it = |node: &&&KeptNode| node.roles.split(',').any(|named| named == role.as_str());
            let mut together: Vec<_> = living.iter().filter(has_it).map(|node| node.id).collect();
            together.sort_unstable();
            if let Some(index) = together.iter().position(|id| *id == own)
                && share.set(index, together.len())
                && role == Role::Deliver
            {
                self.store.hints().deliver.tell();
            }
        }
    }

    /// What people should know.
    fn notices(&self, state: &State, living: &[&KeptNode], lost: &[&KeptNode]) -> Vec<String> {
        let differing = disagreements(living.iter().copied());
        let differing = differing.iter().map(|found| format!("nodes are configured differently in {found}"));
        let clocks = living.iter().filter_map(|node| {
            let other = state.others.get(&node.id)?;
            // Told once, not at every other figure.
            self.far_ahead(other).map(|_| format!("the clock of node {} is ahead of this one's", label(node)))
        });
        let lost = lost.iter().map(|node| format!("node {} ({}) {GONE}", label(node), node.roles));
        differing.chain(clocks).chain(lost).collect()
    }
}

fn hear_one(others: &mut BTreeMap<Uuid, Other>, node: &KeptNode, now: Timestamp, elapsed: Duration) {
    let ahead = node.seen_at.0.saturating_sub(now.0);
    match others.get_mut(&node.id) {
        // A node that was there before this one: how long it has been silent is not known.
        None => drop(others.insert(node.id, Other { beats: node.beats, silent: Duration::ZERO, ahead: VecDeque::from([ahead]) })),
        Some(other) if other.beats != node.beats => {
            (other.beats, other.silent) = (node.beats, Duration::ZERO);
            other.ahead.push_back(ahead);
            if other.ahead.len() > LOOKS {
                other.ahead.pop_front();
            }
        }
        Some(other) => other.silent = other.silent.saturating_add(elapsed),
    }
}

#[async_trait]
impl Task for Beat {
    fn name(&self) -> &'static str {
        "node"
    }

    fn hint(&self) -> &Hint {
        &self.silent
    }

    async fn pass(&self) -> Result<usize, Error> {
        let all = self.store.beat(self.word()).await?;
        let forgotten = self.hear(&all);
        if !forgotten.is_empty() {
            self.store.forget(forgotten).await?;
        }
        Ok(0)
    }
}
