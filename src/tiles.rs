//! The audit log over HTTP, read-only, in the layout of C2SP tlog-tiles: `/checkpoint`, `/tile/<L>/<N>[.p/<W>]` and
//! `/tile/entries/<N>[.p/<W>]`. Public verifiers read it as they read any other log; [`Remote`] is our own.
//!
//! Whoever reaches the address reads every entry of every tenant: there are no keys. It is off unless an address is given.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderValue, Method, Response, StatusCode, Uri, header},
};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    listener::{Bounds, Lines, cut_after},
    proving::{Error, Kept, Published},
    store::Store,
    task,
};

mod fetch;
mod path;
mod trust;

pub use fetch::Remote;
use path::Resource;
pub use trust::Trust;

/// What connections get to end when the gateway stops.
const DRAIN: Duration = Duration::from_secs(2);

/// Where the log is served, and how wide that door is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Where it listens; nothing: the log is not served.
    pub listen: Option<String>,
    /// Connections at a time.
    pub connections: usize,
    /// Connections at a time from one address.
    pub connections_per_address: usize,
    /// Seconds for which a connection may neither send nor take anything.
    pub silence_s: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: None, connections: 64, connections_per_address: 16, silence_s: 30 }
    }
}

impl Options {
    fn bounds(&self) -> Bounds {
        const LONGEST_S: u64 = 3_600;
        let silence = Duration::from_secs(self.silence_s.clamp(1, LONGEST_S));
        Bounds {
            connections: self.connections,
            connections_per_address: self.connections_per_address,
            handshake: silence,
            preface: 1,
            silence,
            stall: silence,
            answers_count: true,
            farewell: Vec::new(),
        }
    }
}

/// Serves until `stop` says so.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    store: Arc<dyn Store>,
    options: &Options,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let router = Router::new().fallback(answer).with_state(Kept(store));
    let (cutting, cut) = watch::channel(false);
    tokio::spawn(cut_after(stop.clone(), DRAIN, cutting));
    let listener = Lines::new(listener, &options.bounds(), None, cut)?;
    let stopped = async move {
        // An error means that nobody is left to say so, which is a stop as well.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    axum::serve(listener, router).with_graceful_shutdown(stopped).await
}

/// What is cut into tiles never changes; the checkpoint does.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NEVER: HeaderValue = HeaderValue::from_static("no-cache");

async fn answer(State(log): State<Kept>, method: Method, uri: Uri) -> Response<Body> {
    if method != Method::GET && method != Method::HEAD {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "只读 / read-only: GET");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let Some(resource) = Resource::parse(uri.path()) else {
        return plain(StatusCode::NOT_FOUND, "没有此路径 / no such path: /checkpoint, /tile/<L>/<N>, /tile/entries/<N>");
    };
    match content(&log, resource).await {
        Ok(bytes) => give(resource, bytes),
        Err(Error::Away(_)) => plain(StatusCode::SERVICE_UNAVAILABLE, "已归档，归档不在手边 / archived, and the archive is not at hand"),
        Err(Error::Absent | Error::Proof(_)) => plain(StatusCode::NOT_FOUND, "日志中没有 / not in the log as far as it is signed"),
        Err(Error::Store(error)) => {
            tracing::warn!(error = task::chain(&error), "the audit log cannot be served now");
            plain(StatusCode::SERVICE_UNAVAILABLE, "暂时无法读取，请稍后重试 / it cannot be read now: try again later")
        }
        Err(error) => {
            tracing::error!(error = task::chain(&error), http.path = uri.path(), "审计日志无法提供 · the audit log cannot be served");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "日志已损坏 / the log is damaged: audit verify names the place")
        }
    }
}

async fn content(log: &Kept, resource: Resource) -> Result<Vec<u8>, Error> {
    match resource {
        Resource::Checkpoint => Ok(log.checkpoint().await?.into_bytes()),
        Resource::Tile { id, width } => Ok(log.tile(id, width).await?.iter().flat_map(|hash| *hash.as_bytes()).collect()),
        Resource::Entries { index, width } => path::bundle(&log.entries(index, width).await?).ok_or(Error::Damaged),
    }
}

fn give(resource: Resource, bytes: Vec<u8>) -> Response<Body> {
    let (kind, caching) = match resource {
        Resource::Checkpoint => ("text/plain; charset=utf-8", NEVER),
        Resource::Tile { .. } | Resource::Entries { .. } => ("application/octet-stream", FOR_EVER),
    };
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, caching);
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{text}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(header::CACHE_CONTROL, NEVER);
    response
}
