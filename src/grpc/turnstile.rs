//! Before a request is read: who calls is known by its headers, and has a place. Without a key nobody can have the gateway read as much
//! as a request, and one key's calls leave room for those of others.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError},
    time::timeout,
};
use tonic::{
    Code, Status,
    body::Body,
    codegen::{BoxFuture, Service, http},
    server::NamedService,
};
use tracing::{Instrument, Span};

use super::{guarded::guarded, peer::Peer, status};
use crate::{
    access::{Access, Caller, Cause},
    party::Trace,
};

/// Places, so many in all and so many for one key.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    all: Arc<Semaphore>,
    most: usize,
    most_of_one: usize,
    /// By the name of the key: there are as many as there are keys.
    of_one: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Pass {
    _all: OwnedSemaphorePermit,
    _of_one: OwnedSemaphorePermit,
}

impl Gate {
    pub(super) fn new(most: usize, most_of_one: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        let most_of_one = most_of_one.clamp(1, Semaphore::MAX_PERMITS);
        Self { all: Arc::new(Semaphore::new(most)), most, most_of_one, of_one: Arc::default() }
    }

    /// A place for one more of this caller's; nothing if there is none now.
    pub(super) fn enter(&self, caller: &Caller) -> Option<Pass> {
        let of_one = {
            let mut known = self.of_one.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry(caller.actor.name.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.most_of_one))))
        };
        let enter = |places: &Arc<Semaphore>| -> Result<_, TryAcquireError> { Arc::clone(places).try_acquire_owned() };
        Some(Pass { _of_one: enter(&of_one).ok()?, _all: enter(&self.all).ok()? })
    }

    /// Whether nobody is in.
    pub(super) fn is_empty(&self) -> bool {
        self.all.available_permits() == self.most
    }
}

/// What every call goes through.
#[derive(Debug, Clone)]
pub(super) struct Turnstile<S> {
    inner: S,
    access: Arc<Access>,
    calls: Gate,
    longest: Duration,
}

impl<S> Turnstile<S> {
    pub(super) const fn new(inner: S, access: Arc<Access>, calls: Gate, longest: Duration) -> Self {
        Self { inner, access, calls, longest }
    }

    fn pass(&self, request: &http::Request<Body>) -> Result<Passed, Status> {
        let peer = request.extensions().get::<Peer>();
        let authorization = authorization(request.headers());
        let presented = peer.and_then(|peer| peer.presented.clone());
        let caller = self.access.identify_as(authorization, presented.as_deref()).map_err(|denied| {
            self.access.refusals().unknown(peer.and_then(|peer| peer.address));
            status::of_denied(denied)
        })?;
        if let Err(wait) = self.access.take(&caller) {
            self.access.refusals().known(&called(caller, peer, request.headers()), Cause::Rate, request.uri().path());
            return Err(status::too_often(wait));
        }
        let pass = self.calls.enter(&caller).ok_or_else(status::too_many_calls)?;
        let gone = Arc::clone(&self.access).gone(authorization.map(str::to_owned), presented, caller.clone());
        Ok(Passed { pass, caller: called(caller, peer, request.headers()), gone: Box::pin(gone) })
    }
}

/// Who was let in.
struct Passed {
    pass: Pass,
    caller: Caller,
    gone: futures_util::future::BoxFuture<'static, ()>,
}

/// The value of `authorization`.
pub(super) fn authorization(headers: &http::HeaderMap) -> Option<&str> {
    headers.get("authorization").and_then(|value| value.to_str().ok())
}

/// A caller with what its call tells beside who it is.
pub(super) fn called(caller: Caller, peer: Option<&Peer>, headers: &http::HeaderMap) -> Caller {
    let traceparent = headers.get("traceparent").and_then(|value| value.to_str().ok());
    caller.calling(peer.and_then(|peer| peer.address), traceparent)
}

impl<S: NamedService> NamedService for Turnstile<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<http::Request<Body>> for Turnstile<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let Passed { pass, caller, gone } = match self.pass(&request) {
            Ok(passed) => passed,
            Err(status) => return Box::pin(async move { Ok(status.into_http()) }),
        };
        let (access, path) = (Arc::clone(&self.access), request.uri().path().to_owned());
        // What is logged in the course of a caller's trace says so.
        let trace = caller.actor.trace.map_or_else(Span::none, |trace| tracing::info_span!("call", trace_id = Trace::shown(trace.id)));
        let answering = timeout(self.longest, trace.in_scope(|| self.inner.call(request)).instrument(trace.clone()));
        Box::pin(async move {
            let answer = answering.await;
            drop(pass);
            match answer {
                Ok(Ok(answer)) => {
                    if let Some(cause) = refused(&answer, &caller) {
                        access.refusals().known(&caller, cause, &path);
                    }
                    Ok(in_both(answer).map(|body| guarded(body, gone)))
                }
                Ok(Err(never)) => match never {},
                Err(_) => Ok(status::too_slow().into_http()),
            }
        })
    }
}

/// Why a known caller was refused, if that is worth an entry: what staff, who see everything, do not find is not there.
fn refused(answer: &http::Response<Body>, caller: &Caller) -> Option<Cause> {
    match Status::from_header_map(answer.headers())?.code() {
        Code::PermissionDenied => Some(Cause::Forbidden),
        Code::NotFound if caller.scope.is_some() => Some(Cause::NotFound),
        _ => None,
    }
}

/// Refusals of the transport itself are in English only.
fn in_both(answer: http::Response<Body>) -> http::Response<Body> {
    match Status::from_header_map(answer.headers()) {
        Some(status) if status::is_of_transport(&status) => status::in_both(&status).into_http(),
        _ => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::party::{Actor, Role, Tenant};

    fn caller(name: &str) -> Caller {
        Caller { actor: Actor::new(Tenant::local(), Role::Seller, name), scope: None, person: None }
    }

    #[test]
    fn one_key_leaves_room_for_another() {
        let gate = Gate::new(3, 2);
        let (one, two) = (gate.enter(&caller("a")), gate.enter(&caller("a")));
        assert!(one.is_some() && two.is_some() && gate.enter(&caller("a")).is_none());
        let three = gate.enter(&caller("b"));
        assert!(three.is_some() && gate.enter(&caller("b")).is_none(), "three in all");
        drop(one);
        assert!(gate.enter(&caller("a")).is_some());
        drop((two, three));
        assert!(gate.is_empty());
    }
}
