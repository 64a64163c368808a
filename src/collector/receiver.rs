//! The half that receives.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tracing::debug;

use super::Options;
use crate::{
    clock::Clockwork,
    endpoint::Endpoint,
    queue::Backoff,
    store::{Arrival, Hint, Store},
    task::{self, Error, Pace, Task},
};

/// A file that keeps growing must not keep its receiver from resting.
const REST: Duration = Duration::from_millis(20);

/// Receives from one road: keeps first, acknowledges then.
#[derive(Clone)]
pub struct Receiver {
    store: Arc<dyn Store>,
    clockwork: Clockwork,
    endpoint: Arc<dyn Endpoint>,
    options: Options,
    /// Roads give no hints: this one is never rung.
    silent: Arc<Hint>,
}

impl Receiver {
    /// Joins its parts.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clockwork: Clockwork, endpoint: Arc<dyn Endpoint>, options: Options) -> Self {
        Self { store, clockwork, endpoint, options, silent: Arc::default() }
    }

    /// Runs until stopped.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let pace = Pace { poll: Duration::from_millis(self.options.poll_ms), rest: REST, backoff: Backoff::default() };
        task::run(&self, pace, &self.clockwork, stop).await;
    }
}

#[async_trait]
impl Task for Receiver {
    fn name(&self) -> &'static str {
        "receiver"
    }

    fn hint(&self) -> &Hint {
        &self.silent
    }

    async fn pass(&self) -> Result<usize, Error> {
        let received = self.endpoint.receive(self.options.receive_batch).await?;
        if received.is_empty() {
            return Ok(0);
        }
        let names: Vec<_> = received.iter().map(|item| item.name.clone()).collect();
        let arrivals = received.into_iter().map(|item| Arrival {
            id: self.clockwork.id(),
            road: self.endpoint.road().to_owned(),
            digest: Sha256::digest(&item.bytes).into(),
            name: item.name,
            bytes: item.bytes,
        });
        self.store.keep(self.clockwork.now(), arrivals.collect()).await?;
        self.endpoint.acknowledge(&names).await?;
        debug!(road.name = self.endpoint.road(), road.received = names.len(), "arrivals were kept");
        Ok(names.len())
    }
}
