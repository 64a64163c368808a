//! The half that receives. Where nodes share a road one of them at a time takes from it: two would read the same files, and keep them
//! once, which is harmless but idle.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tracing::debug;
use uuid::Uuid;

use super::Options;
use crate::{
    clock::Clockwork,
    endpoint::{Endpoint, Received},
    node::Turn,
    queue::{Backoff, Lease},
    store::{Arrival, Hint, Store},
    task::{self, Error, Pace, Task},
};

/// A file that keeps growing must not keep its receiver from resting.
const REST: Duration = Duration::from_millis(20);
/// For so long what a node received is its own to read. Another reads it after that: the node is gone, or has more than it can do.
const RESERVED: Duration = Duration::from_secs(5);

/// Receives from one road: keeps first, acknowledges then.
#[derive(Clone)]
pub struct Receiver {
    store: Arc<dyn Store>,
    clockwork: Clockwork,
    endpoint: Arc<dyn Endpoint>,
    options: Options,
    /// This node's turn to receive; nothing: there are no others.
    turn: Option<Turn>,
    /// This node's id, where it reads what it receives and others read too.
    reader: Option<Uuid>,
    /// Roads give no hints: this one is never rung.
    silent: Arc<Hint>,
}

impl Receiver {
    /// Joins its parts.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clockwork: Clockwork, endpoint: Arc<dyn Endpoint>, options: Options) -> Self {
        Self { store, clockwork, endpoint, options, turn: None, reader: None, silent: Arc::default() }
    }

    /// Takes turns with other nodes.
    #[must_use]
    pub fn in_turn(self, turn: Option<Turn>) -> Self {
        Self { turn, ..self }
    }

    /// Keeps arrivals for the collector of this node at first: two that read answers about the same documents at once would only have to
    /// decide anew, and this one is told at once.
    #[must_use]
    pub fn for_reader(self, reader: Option<Uuid>) -> Self {
        Self { reader, ..self }
    }

    /// Runs until stopped.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let pace = Pace { poll: Duration::from_millis(self.options.poll_ms), rest: REST, backoff: Backoff::default() };
        task::run(&self, pace, &self.clockwork, stop).await;
        if let Some(turn) = &self.turn {
            turn.pass_on().await;
        }
    }

    /// What has come, if it is this node's turn. A node that sees nothing on the road takes no turn from one that does.
    async fn receive(&self) -> Result<Vec<Received>, Error> {
        let limit = self.options.receive_batch;
        let Some(turn) = &self.turn else { return Ok(self.endpoint.receive(limit).await?) };
        if !turn.is_mine() && (self.endpoint.receive(1).await?.is_empty() || !turn.take().await?) {
            return Ok(Vec::new());
        }
        let received = self.endpoint.receive(limit).await?;
        Ok(if received.is_empty() || turn.take().await? { received } else { Vec::new() })
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
        let received = self.receive().await?;
        if received.is_empty() {
            return Ok(0);
        }
        let now = self.clockwork.now();
        let reserved = self.reader.map(|token| Lease { token, until: now + RESERVED });
        let names: Vec<_> = received.iter().map(|item| item.name.clone()).collect();
        let arrivals = received.into_iter().map(|item| Arrival {
            id: self.clockwork.id(),
            road: self.endpoint.road().to_owned(),
            digest: Sha256::digest(&item.bytes).into(),
            name: item.name,
            bytes: item.bytes,
            reserved,
        });
        self.store.keep(now, arrivals.collect()).await?;
        self.endpoint.acknowledge(&names).await?;
        debug!(road.name = self.endpoint.road(), road.received = names.len(), "arrivals were kept");
        Ok(names.len())
    }
}
