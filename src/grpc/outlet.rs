//! Answers on their way out. Whoever reads them too slowly is let go: its stream ends with a reason, and nothing more is made for it.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures_util::{Stream, StreamExt, future, stream};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{status, turnstile::Pass};

/// What lies ready for a reader.
const ON_THE_WAY: usize = 16;

/// Answers as a caller reads them.
pub(super) type Answers<A> = Pin<Box<dyn Stream<Item = Result<A, Status>> + Send>>;

/// Where answers are put.
pub(super) struct Outlet<A> {
    answers: mpsc::Sender<A>,
    end: Arc<OnceLock<Status>>,
    stall: Duration,
}

/// An outlet and what comes out of it; the caller has its place until that is dropped.
pub(super) fn outlet<A: Send + 'static>(pass: Pass, stall: Duration) -> (Outlet<A>, Answers<A>) {
    let (answers, waiting) = mpsc::channel(ON_THE_WAY);
    let end = Arc::new(OnceLock::new());
    let told = Arc::clone(&end);
    let last = stream::once(future::lazy(move |_| {
        drop(pass);
        told.get().cloned()
    }));
    let last = last.filter_map(|end: Option<Status>| future::ready(end.map(Err)));
    (Outlet { answers, end, stall }, Box::pin(ReceiverStream::new(waiting).map(Ok).chain(last)))
}

impl<A> Outlet<A> {
    /// Waits until there is room; false if the reader is gone, or takes nothing.
    pub(super) async fn put(&self, answer: A) -> bool {
        match timeout(self.stall, self.answers.send(answer)).await {
            Ok(sent) => sent.is_ok(),
            Err(_) => {
                self.end_with(status::stalled());
                false
            }
        }
    }

    /// What the reader is told at the end, after what lies ready.
    pub(super) fn end_with(&self, status: Status) {
        // The first reason counts.
        let _ = self.end.set(status);
    }

    /// Until nobody reads any more.
    pub(super) async fn closed(&self) {
        self.answers.closed().await;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.answers.is_closed()
    }
}
