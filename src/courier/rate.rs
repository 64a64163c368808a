//! So many a second, and no more than a second's worth at once.

use crate::clock::Timestamp;

const SECOND: u64 = 1_000_000;

/// What may still be sent now, in millionths of a message.
#[derive(Debug)]
pub(super) struct Rate {
    per_second: u64,
    left: u64,
    at: Timestamp,
}

impl Rate {
    /// A full second's worth; at least one a second.
    pub fn new(per_second: u32, now: Timestamp) -> Self {
        let per_second = u64::from(if per_second == 0 { 1 } else { per_second });
        Self { per_second, left: per_second.saturating_mul(SECOND), at: now }
    }

    /// How many may start now.
    pub fn allows(&mut self, now: Timestamp) -> usize {
        let passed = u64::try_from(now.since(self.at).as_micros()).unwrap_or(u64::MAX);
        let (full, grown) = (self.per_second.saturating_mul(SECOND), self.left.saturating_add(passed.saturating_mul(self.per_second)));
        self.left = if grown > full { full } else { grown };
        // A clock that was set back starts anew from there.
        self.at = now;
        usize::try_from(self.left / SECOND).unwrap_or(usize::MAX)
    }

    /// Notes that so many were started.
    pub fn used(&mut self, count: usize) {
        self.left = self.left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX).saturating_mul(SECOND));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fills_up_with_time_and_not_beyond_a_second() {
        let mut rate = Rate::new(4, Timestamp(0));
        assert_eq!(rate.allows(Timestamp(0)), 4);
        rate.used(4);
        assert_eq!(rate.allows(Timestamp(200_000)), 0);
        assert_eq!(rate.allows(Timestamp(500_000)), 2);
        assert_eq!(rate.allows(Timestamp(90_000_000)), 4);
        rate.used(4);
        assert_eq!(rate.allows(Timestamp(0)), 0, "a clock set back gives nothing away");
        assert_eq!(rate.allows(Timestamp(250_000)), 1);
    }
}
