//! Keeps everyone who shares a signer within what its device can do.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Mutex, Semaphore},
    time::{Instant, sleep_until},
};

use crate::seal::{Identity, SignError, Signer};

/// How fast a signer may be used. A card signs about 250 times a minute, one at a time (guide to cryptographic products, 202205).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pace {
    /// How many signatures at once.
    pub at_once: NonZeroU32,
    /// How many a minute; without it, as many as come.
    pub per_minute: Option<NonZeroU32>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { at_once: NonZeroU32::MIN.saturating_add(3), per_minute: None }
    }
}

/// A signer behind its pace.
pub struct Paced {
    signer: Arc<dyn Signer>,
    permits: Semaphore,
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl Paced {
    pub fn new(signer: Arc<dyn Signer>, pace: Pace) -> Self {
        let permits = usize::try_from(pace.at_once.get()).unwrap_or(Semaphore::MAX_PERMITS);
        let interval = pace.per_minute.map_or(Duration::ZERO, |rate| Duration::from_secs(60) / rate.get());
        Self { signer, permits: Semaphore::new(permits), interval, next: Mutex::new(None) }
    }

    /// Waits for this signature's turn: turns are an interval apart.
    async fn turn(&self) {
        if self.interval.is_zero() {
            return;
        }
        let mut next = self.next.lock().await;
        let now = Instant::now();
        let turn = next.filter(|turn| *turn > now).unwrap_or(now);
        // Waiting under the lock: whoever gives up while waiting leaves no gap.
        sleep_until(turn).await;
        *next = Some(turn + self.interval);
    }
}

#[async_trait]
impl Signer for Paced {
    async fn sign(&self, signed_info: &[u8]) -> Result<Vec<u8>, SignError> {
        let _permit = self.permits.acquire().await.map_err(|_| SignError::Unavailable("closed".into()))?;
        self.turn().await;
        self.signer.sign(signed_info).await
    }

    fn identity(&self) -> &Identity {
        self.signer.identity()
    }
}
