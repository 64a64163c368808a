//! Where this process's CPU time goes, by kind of work. Each poll of a measured future and each measured call adds what its thread
//! has used; what is measured inside another belongs to the inner kind alone.

use std::{
    cell::Cell,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    task::{Context, Poll},
};

use rustix::time::{ClockId, clock_gettime};

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Checking and assessing what callers send.
    Check,
    /// Taking in what callers send, around its checks.
    Intake,
    /// Looking at gates.
    Gate,
    /// Packing, without schema and seal.
    Pack,
    /// Holding messages against the schemas.
    Schema,
    /// Signing, and verifying what was signed.
    Seal,
    /// Sending.
    Deliver,
    /// Receiving.
    Receive,
    /// Matching receipts and what follows from them.
    Collect,
    /// Reading receipts.
    Read,
    /// Giving audit entries their place.
    Sequence,
    /// The store's own part of a write; what its threads do is not in it.
    Store,
}

impl Work {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Check,
        Self::Intake,
        Self::Gate,
        Self::Pack,
        Self::Schema,
        Self::Seal,
        Self::Deliver,
        Self::Receive,
        Self::Collect,
        Self::Read,
        Self::Sequence,
        Self::Store,
    ];

    /// As written in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Intake => "intake",
            Self::Gate => "gate",
            Self::Pack => "pack",
            Self::Schema => "schema",
            Self::Seal => "seal",
            Self::Deliver => "deliver",
            Self::Receive => "receive",
            Self::Collect => "collect",
            Self::Read => "read",
            Self::Sequence => "sequence",
            Self::Store => "store",
        }
    }
}

static USED: [AtomicU64; Work::ALL.len()] = [const { AtomicU64::new(0) }; Work::ALL.len()];

thread_local! {
    /// What was measured inside the present call.
    static INNER: Cell<u64> = const { Cell::new(0) };
}

/// Nanoseconds of CPU that each kind of work has used in this process.
#[must_use]
pub fn used() -> Vec<(Work, u64)> {
    Work::ALL.into_iter().zip(&USED).map(|(work, used)| (work, used.load(Ordering::Relaxed))).collect()
}

/// Runs a call and adds what it used.
pub fn measured<T>(work: Work, call: impl FnOnce() -> T) -> T {
    let outer = INNER.replace(0);
    let before = thread_nanos();
    let result = call();
    let all = thread_nanos().saturating_sub(before);
    let own = all.saturating_sub(INNER.get());
    USED[work as usize].fetch_add(own, Ordering::Relaxed);
    INNER.set(outer.saturating_add(all));
    result
}

/// A future each of whose polls is measured.
pub fn measure<F: Future>(work: Work, future: F) -> Measured<F> {
    Measured { work, future: Box::pin(future) }
}

/// See [`measure`].
#[derive(Debug)]
pub struct Measured<F> {
    work: Work,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Measured<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let work = self.work;
        let future = self.future.as_mut();
        measured(work, || future.poll(context))
    }
}

fn thread_nanos() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spin(nanos: u64) {
        let began = thread_nanos();
        while thread_nanos() < began + nanos {}
    }

    fn of(work: Work) -> u64 {
        USED[work as usize].load(Ordering::Relaxed)
    }

    #[test]
    fn what_is_measured_inside_belongs_to_the_inner_kind() {
        // No other test uses these two kinds in this thread; others may add to them at the same time, so only least amounts hold.
        let before = (of(Work::Gate), of(Work::Seal));
        measured(Work::Gate, || {
            spin(1_000_000);
            measured(Work::Seal, || spin(3_000_000));
        });
        assert!(of(Work::Gate) - before.0 >= 1_000_000);
        assert!(of(Work::Seal) - before.1 >= 3_000_000);
        assert_eq!(used().len(), Work::ALL.len());
    }

    #[tokio::test]
    async fn a_future_is_measured_poll_by_poll() {
        let before = of(Work::Deliver);
        measure(Work::Deliver, async {
            spin(1_000_000);
            tokio::task::yield_now().await;
            spin(1_000_000);
        })
        .await;
        assert!(of(Work::Deliver) - before >= 2_000_000);
    }
}
