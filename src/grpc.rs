//! The gRPC door, package `tongguan.v1`: one file per service, [`convert`] between our words and the wire's, one table from our
//! refusals to gRPC's statuses ([`status`]).
//!
//! Everything a caller can make large or long is bounded: connections ([`crate::listener`]), calls and streams in all and for one key
//! ([`turnstile`]), message and header size, what is in a message ([`codec`]), items in flight per stream, silence and slowness
//! ([`outlet`]). Requests are not accepted compressed, so none can unfold into more than it weighs. `docs/bounds.md` lists them.

use std::{sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use tonic::{
    Request, Status,
    transport::{Server, server::Router},
};

use crate::{
    access::{Access, Call, Caller},
    clock::Clockwork,
    desk::Desk,
    intake::Intake,
    listener::{self, HTTP_2, Tls},
    party::Tenant,
    store::Store,
};
use follow::Growth;
use peer::Peer;
use proto::{
    audit_log_server::AuditLogServer, declarations_server::DeclarationsServer, exemptions_server::ExemptionsServer,
    logistics_server::LogisticsServer, operations_server::OperationsServer, retention_server::RetentionServer,
};
use turnstile::{Gate, Turnstile};

mod advice;
mod audit_log;
pub mod client;
mod codec;
mod convert;
mod declarations;
mod desk;
mod drafts;
mod exemptions;
mod find;
mod follow;
mod follow_ups;
mod guarded;
mod items;
mod logistics;
mod nodes;
mod operations;
mod options;
mod outlet;
mod proofs;
mod records;
mod peer;
mod retention;
mod sight;
mod status;
mod turnstile;
mod watching;
mod whereabouts;

pub use crate::listener::TlsOptions;
pub use options::Options;

/// What the door speaks: made from `proto/`, for our own clients and tests as well.
#[expect(unused_qualifications, clippy::allow_attributes, reason = "the code is generated")]
pub mod proto {
    tonic::include_proto!("tongguan.v1");
}

/// The descriptors of everything in [`proto`], as reflection gives them out.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tongguan.bin"));

/// What the door opens to.
#[derive(Clone)]
pub struct Parts {
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// The way in.
    pub intake: Intake,
    /// What operations staff decide.
    pub desk: Desk,
    /// Who may do what.
    pub access: Arc<Access>,
    /// Time and randomness.
    pub clockwork: Clockwork,
    /// How wide the door is.
    pub options: Options,
}

/// Why the door could not be opened or was shut.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The descriptors cannot be given out.
    #[error("gRPC 描述无法读取 · the gRPC descriptors cannot be read")]
    Reflection(#[source] tonic_reflection::server::Error),
    /// The listener's certificate.
    #[error(transparent)]
    Listener(#[from] listener::Error),
    /// Serving failed.
    #[error("gRPC 服务无法运行 · gRPC cannot be served")]
    Transport(#[source] tonic::transport::Error),
}

/// What every service holds.
#[derive(Clone)]
struct Door {
    parts: Parts,
    followers: Gate,
    streams: Gate,
    ledgers: Gate,
    growth: watch::Receiver<Growth>,
    stop: watch::Receiver<bool>,
}

impl Door {
    /// Tells who calls and whether it may.
    fn admit<T>(&self, request: &Request<T>, call: Call) -> Result<Caller, Status> {
        let headers = request.metadata().as_ref();
        let peer = request.extensions().get::<Peer>();
        let presented = peer.and_then(|peer| peer.presented.as_deref());
        let caller = self.parts.access.admit_as(turnstile::authorization(headers), presented, call).map_err(status::of_denied)?;
        Ok(turnstile::called(caller, peer, headers))
    }

    fn store(&self) -> &dyn Store {
        self.parts.store.as_ref()
    }
}

/// Whose data a caller sees, as the store asks it.
const fn scope(caller: &Caller) -> Option<&Tenant> {
    caller.scope.as_ref()
}

/// Serves until `stop` says so: then streams are ended, calls in hand are finished, and no new one is taken.
///
/// # Errors
/// If the listener fails.
pub async fn serve(listener: TcpListener, parts: Parts, stop: watch::Receiver<bool>) -> Result<(), Error> {
    if parts.access.is_open() {
        tracing::warn!(
            "未配置 access.keys：任何能连到此地址的人都是管理员 · the door is open: no access.keys, whoever reaches it is the administrator"
        );
    }
    let mut tasks = JoinSet::new();
    let (growing, growth) = watch::channel(Growth::default());
    let options = parts.options.clone();
    let followers = Gate::new(options.followers, options.followers_per_key);
    let streams = Gate::new(options.streams, options.streams_per_key);
    let ledgers = Gate::new(LEDGERS, LEDGERS_PER_KEY);
    let door = Door { parts, followers, streams, ledgers, growth, stop: stop.clone() };
    tasks.spawn(follow::watch_growth(door.clone(), growing));
    let (cutting, cut) = watch::channel(false);
    tasks.spawn(listener::cut_after(stop.clone(), Options::seconds(options.drain_s), cutting));
    let tls = options.tls.as_ref().map(|tls| Tls::open(tls, HTTP_2)).transpose()?.map(Arc::new);
    let incoming = listener::lines(listener, &options.bounds(), tls.clone(), cut);
    tasks.spawn(watching::watch(door.clone()));
    if let Some(tls) = tls {
        tasks.spawn(listener::renew(tls, stop.clone()));
    }
    let (health, health_server) = tonic_health::server::health_reporter();
    health.set_serving::<DeclarationsServer<Door>>().await;
    health.set_serving::<LogisticsServer<Door>>().await;
    health.set_serving::<ExemptionsServer<Door>>().await;
    health.set_serving::<AuditLogServer<Door>>().await;
    health.set_serving::<OperationsServer<Door>>().await;
    health.set_serving::<RetentionServer<Door>>().await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(Error::Reflection)?;
    let router = server(&options)
        .add_service(health_server.max_decoding_message_size(SMALL_BYTES))
        .add_service(reflection.max_decoding_message_size(SMALL_BYTES));
    let router = with_services(router, &door, &options);
    let last = door.clone();
    let stopped = async move {
        stopped(stop).await;
        health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
    };
    let served = router.serve_with_incoming_shutdown(Box::pin(incoming), stopped).await.map_err(Error::Transport);
    watching::tell_refusals(&last).await;
    served
}

/// The largest request of services that anybody may call, and of those that only ask.
const SMALL_BYTES: usize = 4 * 1_024;
/// Ledgers being made, in all and for one key: each reads everything that is kept.
const LEDGERS: usize = 4;
const LEDGERS_PER_KEY: usize = 1;
/// The largest question: 1,000 ids of declarations, 200 numbers.
const QUESTION_BYTES: usize = 256 * 1_024;

/// Our services, each behind the same turnstile.
fn with_services(router: Router, door: &Door, options: &Options) -> Router {
    let calls = Gate::new(options.calls, options.calls_per_key);
    let longest = Options::seconds(options.request_timeout_s);
    let largest = options.request_kib.saturating_mul(1_024);
    let access = &door.parts.access;
    router
        .add_service(Turnstile::new(
            DeclarationsServer::new(door.clone()).max_decoding_message_size(largest),
            Arc::clone(access),
            calls.clone(),
            longest,
        ))
        .add_service(Turnstile::new(
            LogisticsServer::new(door.clone()).max_decoding_message_size(largest),
            Arc::clone(access),
            calls.clone(),
            longest,
        ))
        .add_service(Turnstile::new(
            ExemptionsServer::new(door.clone()).max_decoding_message_size(largest),
            Arc::clone(access),
            calls.clone(),
            longest,
        ))
        .add_service(Turnstile::new(
            AuditLogServer::new(door.clone()).max_decoding_message_size(QUESTION_BYTES),
            Arc::clone(access),
            calls.clone(),
            longest,
        ))
        .add_service(Turnstile::new(
            OperationsServer::new(door.clone()).max_decoding_message_size(QUESTION_BYTES),
            Arc::clone(access),
            calls.clone(),
            longest,
        ))
        .add_service(Turnstile::new(
            RetentionServer::new(door.clone()).max_decoding_message_size(QUESTION_BYTES),
            Arc::clone(access),
            calls,
            longest,
        ))
}

fn server(options: &Options) -> Server {
    const HEADER_BYTES: u32 = 16 * 1_024;
    const RESETS: usize = 64;
    /// The turnstile gives a call up first, and says so in both languages.
    const LATER: Duration = Duration::from_secs(5);
    Server::builder()
        .timeout(Options::seconds(options.request_timeout_s) + LATER)
        .max_concurrent_streams(options.streams_per_connection)
        .concurrency_limit_per_connection(options.calls_per_connection.clamp(1, 65_536))
        .http2_keepalive_interval(Some(options.keepalive()))
        .http2_keepalive_timeout(Some(options.pong()))
        .http2_max_header_list_size(HEADER_BYTES)
        .http2_max_pending_accept_reset_streams(Some(RESETS))
}

/// Waits until `stop` says so, or nobody is left who could.
async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that the other side is gone, which is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}
