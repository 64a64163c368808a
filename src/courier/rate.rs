//! So many a second, and no more than a second's worth at once.

use crate::clock::Timestamp;

const SECOND: u64 = 1_000_000;

/// What may still be sent now, in millionths of a message.
#[derive(Debug)]
pub(super) struct Rate {
    left: u64,
    at: Timestamp,
}

impl Rate {
    /// A full second's worth.
    pub fn new(per_second: u32, now: Timestamp) -> Self {
        Self { left: u64::from(per_second).saturating_mul(SECOND), at: now }
    }

    /// How many may start now, at so many a second.
    pub fn allows(&mut self, per_second: u32, now: Timestamp) -> usize {
        let per_second = u64::from(per_second);
        let passed = u64::try_from(now.since(self.at).as_micros()).unwrap_or(u64::MAX);
        let (full, grown) = (per_second.saturating_mul(SECOND), self.left.saturating_add(passed.saturating_mul(per_second)));
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
        assert_eq!(rate.allows(4, Timestamp(0)), 4);
        rate.used(4);
        assert_eq!(rate.allows(4, Timestamp(200_000)), 0);
        assert_eq!(rate.allows(4, Timestamp(500_000)), 2);
        assert_eq!(rate.allows(4, Timestamp(90_000_000)), 4);
        rate.used(4);
        assert_eq!(rate.allows(4, Timestamp(0)), 0, "a clock set back gives nothing away");
        assert_eq!(rate.allows(4, Timestamp(250_000)), 1);
        assert_eq!(rate.allows(0, Timestamp(500_000)), 0, "what others may do is not saved up");
        assert_eq!(rate.allows(8, Timestamp(750_000)), 2);
    }
}
