//! How often one caller may call: a bucket of credit for each, that fills with time.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

const SECOND_US: u64 = 1_000_000;

/// How often one caller may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateOptions {
    /// Calls a second that each key or certificate may begin, over time; a stream is one call. 0: as many as it likes.
    pub calls_per_s: u32,
    /// Calls that it may begin at once after it was silent; 0: as many as in a second.
    pub burst: u32,
}

/// Credit in microseconds, as it was at a time.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    credit: u64,
    at: Timestamp,
}

/// The buckets; there are as many as callers that are known.
#[derive(Debug, Default)]
pub(super) struct Rates(Mutex<HashMap<String, Bucket>>);

impl Rates {
    /// Takes the credit of one call, or says when there will be enough.
    pub(super) fn take(&self, options: RateOptions, name: &str, now: Timestamp) -> Result<(), Duration> {
        if options.calls_per_s == 0 {
            return Ok(());
        }
        let cost = (SECOND_US / u64::from(options.calls_per_s)).max(1);
        let burst = if options.burst == 0 { options.calls_per_s } else { options.burst };
        let full = cost.saturating_mul(u64::from(burst));
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(name.to_owned()).or_insert(Bucket { credit: full, at: now });
        // A clock that was set back gives nothing, and takes nothing.
        let passed = u64::try_from(now.0.saturating_sub(bucket.at.0)).unwrap_or(0);
        *bucket = Bucket { credit: bucket.credit.saturating_add(passed).clamp(0, full), at: now };
        match bucket.credit.checked_sub(cost) {
            Some(left) => {
                bucket.credit = left;
                Ok(())
            }
            None => Err(Duration::from_micros(cost - bucket.credit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_fills_with_time_up_to_the_burst_and_each_has_its_own() {
        let (rates, options) = (Rates::default(), RateOptions { calls_per_s: 10, burst: 3 });
        let at = |ms: i64| Timestamp(ms * 1_000);
        let take = |name: &str, ms| rates.take(options, name, at(ms));
        assert!((0..3).all(|_| take("a", 0).is_ok()));
        assert_eq!(take("a", 0), Err(Duration::from_millis(100)));
        assert_eq!(take("a", 60), Err(Duration::from_millis(40)));
        assert!(take("b", 60).is_ok(), "another has its own");
        assert!(take("a", 100).is_ok() && take("a", 100).is_err());
        assert!((0..3).all(|_| take("a", 100_000).is_ok()), "the burst, however long it was silent");
        assert!(take("a", 100_000).is_err());
        assert!(take("a", 50_000).is_err(), "a clock set back gives nothing");
        assert!(take("a", 50_100).is_ok(), "and goes on from there");
        assert!((0..1_000).all(|_| rates.take(RateOptions::default(), "a", at(0)).is_ok()));
    }
}
