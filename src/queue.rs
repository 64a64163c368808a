//! Delivery of messages: leases, attempts, faults, backoff, breaker. Knows nothing of customs ([`crate::state`] does).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::{Clockwork, Timestamp};

/// A right to work on rows until it expires. Every later write matches the token; no row matched means that it was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Secret and random, new for every lease.
    pub token: Uuid,
    /// When it ends by itself.
    pub until: Timestamp,
}

impl Lease {
    /// A new lease of that length.
    #[must_use]
    pub fn take(clockwork: &Clockwork, length: Duration) -> Self {
        Self { token: clockwork.id(), until: clockwork.now() + length }
    }
}

/// How a send can end other than done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Fault {
    /// Nothing was handed over; the same may succeed later.
    #[error("not sent: {0}")]
    Transient(String),
    /// Nothing was handed over, and the same will never succeed.
    #[error("cannot be sent: {0}")]
    Permanent(String),
    /// It may have been handed over: the connection broke after writing.
    #[error("may have been sent: {0}")]
    Unknown(String),
}

impl Fault {
    /// Its name in the audit log, in metrics and as stored.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Transient(_) => "transient",
            Self::Permanent(_) => "permanent",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// How long to wait before the next try: doubling, capped, with jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backoff {
    /// Milliseconds before the second try.
    pub first_ms: u64,
    /// Milliseconds never exceeded, before jitter.
    pub longest_ms: u64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first_ms: 500, longest_ms: 300_000 }
    }
}

impl Backoff {
    /// The wait after the given number of failed tries: between half and all of the doubled time, so that many do not come back at once.
    #[must_use]
    pub fn after(&self, failed: u32, clockwork: &Clockwork) -> Duration {
        let doubled = self.first_ms.saturating_mul(1_u64 << failed.saturating_sub(1).clamp(0, 20));
        let full = if doubled > self.longest_ms { self.longest_ms } else { doubled };
        Duration::from_millis(full / 2 + clockwork.below(full / 2 + 1))
    }
}

/// Keeps a broken road from being tried by everything at once: after some failures in a row it is shut; then one pilot may
/// pass, and only its success opens the road again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    failures: u32,
    threshold: u32,
    rest: Duration,
    shut_until: Option<Timestamp>,
}

impl Breaker {
    /// An open road that shuts after `threshold` failures in a row, for `rest` at a time.
    #[must_use]
    pub const fn new(threshold: u32, rest: Duration) -> Self {
        Self { failures: 0, threshold, rest, shut_until: None }
    }

    /// How many may start now: `wanted` on an open road, one pilot once the rest is over, none before.
    #[must_use]
    pub fn admits(&self, wanted: usize, now: Timestamp) -> usize {
        match self.shut_until {
            None => wanted,
            Some(until) if now >= until && wanted > 0 => 1,
            Some(_) => 0,
        }
    }

    /// Notes a success: the road is open.
    pub const fn succeeded(&mut self) {
        self.failures = 0;
        self.shut_until = None;
    }

    /// Notes a failure; true if it is the one that shuts the road.
    pub fn failed(&mut self, now: Timestamp) -> bool {
        self.failures = self.failures.saturating_add(1);
        if self.failures < self.threshold {
            return false;
        }
        let opened = self.shut_until.is_none();
        self.shut_until = Some(now + self.rest);
        opened
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::{ManualClock, SeededEntropy};

    #[test]
    fn backoff_doubles_within_its_bounds() {
        let clockwork = Clockwork::new(Arc::new(ManualClock::default()), Arc::new(SeededEntropy::new(7)));
        let backoff = Backoff { first_ms: 100, longest_ms: 1_000 };
        for failed in 1..100 {
            let full = if failed < 5 { 100 << (failed - 1) } else { 1_000 };
            let wait = backoff.after(failed, &clockwork);
            assert!((full / 2..=full).contains(&u64::try_from(wait.as_millis()).unwrap()), "{failed}: {wait:?}");
        }
    }

    #[test]
    fn a_breaker_lets_one_pilot_through() {
        let mut breaker = Breaker::new(2, Duration::from_secs(1));
        let (start, later) = (Timestamp(0), Timestamp(1_000_000));
        assert!(!breaker.failed(start));
        assert_eq!(breaker.admits(5, start), 5);
        assert!(breaker.failed(start));
        assert_eq!(breaker.admits(5, start), 0);
        assert_eq!(breaker.admits(5, later), 1);
        assert!(!breaker.failed(later), "already shut");
        assert_eq!(breaker.admits(5, later), 0);
        breaker.succeeded();
        assert_eq!(breaker.admits(5, later), 5);
    }
}
