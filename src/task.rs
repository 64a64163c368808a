//! The loop that every moving part runs: pass after pass while there is work, then wait for a hint, for the clock or for the end.
//! A failing pass never ends the loop.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tracing::{debug, error, info};
use uuid::Uuid;

use crate::{
    audit::{Difference, Entry},
    clock::{Clockwork, Timestamp},
    party::{Actor, Tenant},
    queue::{Backoff, Fault},
    store::{self, Hint},
};

/// Why a pass failed. Nothing is half-done: what it had leased comes back by itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// The road.
    #[error("the road failed")]
    Road(#[from] Fault),
    /// A part that the pass needs is not as it should be.
    #[error("{0}")]
    Part(String),
}

impl Error {
    /// The whole chain of causes in one line.
    #[must_use]
    pub fn chain(&self) -> String {
        chain(self)
    }
}

/// An error with the whole chain of its causes in one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

/// What an audit entry tells beside the changes.
#[derive(Debug, Clone, Copy)]
pub struct Note<'a> {
    /// Which task did it.
    pub task: &'a str,
    /// What was done.
    pub act: &'a str,
    /// To what.
    pub subject: Uuid,
    /// Why; never personal data.
    pub why: &'a str,
}

/// An audit entry by one of the gateway's own tasks.
#[must_use]
pub fn entry(clockwork: &Clockwork, at: Timestamp, tenant: &Tenant, note: Note<'_>, changes: Vec<Difference>) -> Entry {
    let actor = Actor::gateway(tenant.clone(), note.task);
    Entry { id: clockwork.id(), at, actor, act: note.act.to_owned(), subject: note.subject, changes, why: note.why.to_owned() }
}

/// A field that changed.
#[must_use]
pub fn difference(field: String, from: &str, to: &str) -> Difference {
    Difference { field, from: from.to_owned(), to: to.to_owned() }
}

/// One of the moving parts.
#[async_trait]
pub trait Task: Send + Sync {
    /// Its name in logs.
    fn name(&self) -> &'static str;
    /// What tells it that there may be work.
    fn hint(&self) -> &Hint;
    /// How many nodes do this together, this one among them. Each rests so much longer after a pass, so that there are as many passes in
    /// all as one node would make, and what is done in one is no less.
    fn company(&self) -> u32 {
        1
    }
    /// Does what can be done now; tells how much that was. A queue is run dry by calling it until it is zero.
    async fn pass(&self) -> Result<usize, Error>;
}

/// After failed passes a task looks again no later than so: what stood in its way may be gone, and everything waits for it.
const LONGEST_REST_MS: u64 = 10_000;

/// How a task waits.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// After a pass that did nothing, at most so long.
    pub poll: Duration,
    /// After every pass, at least so long for each node that does the same ([`Task::company`]).
    pub rest: Duration,
    /// After passes that failed; never longer than ten seconds.
    pub backoff: Backoff,
}

impl Pace {
    /// The wait after so many failed passes in a row.
    fn after(&self, failed: u32, clockwork: &Clockwork) -> Duration {
        let Backoff { first_ms, longest_ms } = self.backoff;
        let longest_ms = if longest_ms > LONGEST_REST_MS { LONGEST_REST_MS } else { longest_ms };
        Backoff { first_ms, longest_ms }.after(failed, clockwork)
    }
}

/// Runs a task until `stop` says so (or nobody is left to say it). A pass that has begun is finished.
pub async fn run(task: &dyn Task, pace: Pace, clockwork: &Clockwork, mut stop: watch::Receiver<bool>) {
    let mut condition = Condition::default();
    let mut hint = task.hint().subscribe();
    while !*stop.borrow() {
        let wait = match task.pass().await {
            Ok(done) => {
                condition.well(task.name());
                if done > 0 { Wait::Exactly(pace.rest * task.company()) } else { Wait::Hint(pace.poll) }
            }
            Err(error) => Wait::Exactly(pace.after(condition.failed(task.name(), &error), clockwork)),
        };
        tokio::select! {
            changed = stop.changed() => if changed.is_err() { break },
            () = wait.over(&mut hint) => {}
        }
    }
    debug!(task.name = task.name(), "task has stopped");
}

enum Wait {
    Exactly(Duration),
    Hint(Duration),
}

impl Wait {
    async fn over(self, hint: &mut watch::Receiver<()>) {
        match self {
            Self::Exactly(time) if time.is_zero() => tokio::task::yield_now().await,
            Self::Exactly(time) => tokio::time::sleep(time).await,
            // Over in either case: the hint has come, or it is time to look anyway.
            Self::Hint(time) => drop(tokio::time::timeout(time, hint.changed()).await),
        }
    }
}

/// Whether passes fail, so that the log tells of a change and not of every pass.
#[derive(Debug, Default)]
struct Condition {
    failures: u32,
    last: String,
}

impl Condition {
    fn well(&mut self, name: &'static str) {
        if self.failures > 0 {
            info!(task.name = name, task.failures = self.failures, "task goes on");
            *self = Self::default();
        }
    }

    fn failed(&mut self, name: &'static str, error: &Error) -> u32 {
        let text = error.chain();
        if text != self.last {
            error!(task.name = name, error = text, "task cannot go on now and will try again");
            self.last = text;
        }
        self.failures = self.failures.saturating_add(1);
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    struct Fragile {
        hint: Hint,
        passes: AtomicUsize,
        stop: watch::Sender<bool>,
    }

    #[async_trait]
    impl Task for Fragile {
        fn name(&self) -> &'static str {
            "fragile"
        }

        fn hint(&self) -> &Hint {
            &self.hint
        }

        async fn pass(&self) -> Result<usize, Error> {
            match self.passes.fetch_add(1, Ordering::SeqCst) {
                0 | 1 => Err(Error::Part("not now".into())),
                2 => Ok(1),
                _ => {
                    self.stop.send_replace(true);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    self.passes.fetch_add(100, Ordering::SeqCst);
                    Ok(0)
                }
            }
        }
    }

    #[test]
    fn it_never_rests_longer_than_ten_seconds() {
        let pace = Pace { poll: Duration::ZERO, rest: Duration::ZERO, backoff: Backoff::default() };
        for failed in [1, 5, 20, u32::MAX] {
            assert!(pace.after(failed, &Clockwork::system()) <= Duration::from_secs(10), "{failed}");
        }
    }

    #[tokio::test]
    async fn it_survives_failures_and_finishes_what_is_in_hand() {
        let (stop, stopped) = watch::channel(false);
        let task = Arc::new(Fragile { hint: Hint::default(), passes: AtomicUsize::new(0), stop });
        let pace = Pace { poll: Duration::from_secs(600), rest: Duration::ZERO, backoff: Backoff { first_ms: 1, longest_ms: 2 } };
        run(&*task, pace, &Clockwork::system(), stopped).await;
        assert_eq!(task.passes.load(Ordering::SeqCst), 104, "the fourth pass was finished and no fifth begun");
    }
}
