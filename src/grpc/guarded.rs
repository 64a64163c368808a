//! Answers that end when their caller's key or certificate does: a stream that was opened with it is not read on after it was revoked.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use http_body::{Body as _, Frame, SizeHint};
use tonic::{
    Status,
    body::Body,
    codegen::{Bytes, http},
};

use super::status;

/// The body of an answer, until its caller is gone.
struct Guarded {
    inner: Body,
    /// Nothing once it has come.
    gone: Option<BoxFuture<'static, ()>>,
}

/// Ends an answer, with the reason, as soon as `gone` is there.
pub(super) fn guarded(inner: Body, gone: BoxFuture<'static, ()>) -> Body {
    if inner.is_end_stream() { inner } else { Body::new(Guarded { inner, gone: Some(gone) }) }
}

impl http_body::Body for Guarded {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(gone) = self.gone.as_mut() else { return Poll::Ready(None) };
        if gone.as_mut().poll(context).is_pending() {
            return Pin::new(&mut self.inner).poll_frame(context);
        }
        self.gone = None;
        self.inner = Body::empty();
        let mut trailers = http::HeaderMap::new();
        // Our own statuses always fit into headers.
        drop(status::revoked().add_header(&mut trailers));
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.gone.is_none() || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
