//! What this process has done since it started, counted for those who look at it from outside. Counters begin at zero for every label, so
//! that a rate is right from the first.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Declarations kept.
    Accepted,
    /// Waybills kept.
    WaybillAccepted,
    /// A send that the road took.
    Delivered,
    /// A send that failed and goes again.
    DeliveredAgain,
    /// A send of which nobody knows whether it was done.
    DeliveryUnknown,
    /// A message that could not be tried.
    DeliveryPutOff,
    /// A message that was shelved.
    Shelved,
}

static COUNTERS: [AtomicU64; 7] = [const { AtomicU64::new(0) }; 7];

impl Event {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Accepted,
        Self::WaybillAccepted,
        Self::Delivered,
        Self::DeliveredAgain,
        Self::DeliveryUnknown,
        Self::DeliveryPutOff,
        Self::Shelved,
    ];

    fn counter(self) -> Option<&'static AtomicU64> {
        Self::ALL.iter().position(|event| *event == self).and_then(|place| COUNTERS.get(place))
    }

    /// Counts so many.
    pub fn happened(self, times: usize) {
        if let Some(counter) = self.counter() {
            counter.fetch_add(u64::try_from(times).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    /// How many there were.
    #[must_use]
    pub fn times(self) -> u64 {
        self.counter().map_or(0, |counter| counter.load(Ordering::Relaxed))
    }
}
