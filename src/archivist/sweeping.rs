//! Sweeping out what no law asks for and nobody needs any more: sessions that are over, proposals that were decided or lapsed long ago. The
//! log tells of them for as long as it tells of anything.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{
    clock::Clockwork,
    queue::Backoff,
    retention::Options,
    store::{Hint, Store},
    task::{self, Error, Pace, Task},
};

/// Rows of a kind that are removed in one commit.
const AT_ONCE: u32 = 500;
/// How often one looks.
const POLL: Duration = Duration::from_secs(600);
/// Between commits, so that nobody waits for them.
const REST: Duration = Duration::from_millis(100);

/// The part that sweeps. Several nodes may do so at a time.
pub struct Sweeper {
    store: Arc<dyn Store>,
    clockwork: Clockwork,
    options: Options,
    hint: Hint,
}

impl Sweeper {
    /// One that goes by these options.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clockwork: Clockwork, options: Options) -> Self {
        Self { store, clockwork, options, hint: Hint::default() }
    }

    /// Runs until stopped.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let pace = Pace { poll: POLL, rest: REST, backoff: Backoff::default() };
        task::run(&self, pace, &self.clockwork, stop).await;
    }
}

#[async_trait]
impl Task for Sweeper {
    fn name(&self) -> &'static str {
        "sweeper"
    }

    fn hint(&self) -> &Hint {
        &self.hint
    }

    async fn pass(&self) -> Result<usize, Error> {
        let now = self.clockwork.now();
        let swept = self.store.sweep(now, self.options.proposals_before(now), AT_ONCE).await?;
        Ok(usize::try_from(swept).unwrap_or(usize::MAX))
    }
}
