//! The gRPC door, package `tongguan.v1`: one file per service, [`convert`] between our words and the wire's, one table from our
//! refusals to gRPC's statuses ([`status`]).
//!
//! Everything a caller can make large is bounded: message and header size, streams and calls per connection, items in flight
//! per stream, followers in all. Requests are not accepted compressed, so none can unfold into more than it weighs.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Status,
    transport::{Identity, Server, ServerTlsConfig},
};

use crate::{
    access::{Access, Call, Caller},
    clock::Clockwork,
    intake::Intake,
    party::Tenant,
    store::Store,
};
use follow::Growth;
use proto::{
    audit_log_server::AuditLogServer, declarations_server::DeclarationsServer, logistics_server::LogisticsServer,
    operations_server::OperationsServer,
};

mod advice;
mod audit_log;
pub mod client;
mod convert;
mod declarations;
mod drafts;
mod find;
mod follow;
mod items;
mod logistics;
mod operations;
mod status;

/// What the door speaks: made from `proto/`, for our own clients and tests as well.
#[expect(unused_qualifications, clippy::allow_attributes, reason = "the code is generated")]
pub mod proto {
    tonic::include_proto!("tongguan.v1");
}

/// The descriptors of everything in [`proto`], as reflection gives them out.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tongguan.bin"));

/// How wide the door is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Where it listens.
    pub listen: String,
    /// Seconds after which a call that is not a stream is given up.
    pub request_timeout_s: u64,
    /// Kibibytes of the largest request.
    pub request_kib: usize,
    /// Streams open at a time on one connection.
    pub streams_per_connection: u32,
    /// Calls worked on at a time for one connection.
    pub calls_per_connection: usize,
    /// Items of one stream that are worked on at a time.
    pub items_in_flight: usize,
    /// Watch and Tail calls open at a time, of all callers.
    pub followers: usize,
    /// Seconds between questions whether a silent caller is still there.
    pub keepalive_s: u64,
    /// Encryption; without it keys and declarations cross the network in the clear.
    pub tls: Option<TlsOptions>,
}

/// The door's certificate (TLS 1.2 and 1.3, by rustls).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsOptions {
    /// The certificate chain: PEM.
    pub certificate: PathBuf,
    /// Its private key: PEM.
    pub key: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8650".into(),
            request_timeout_s: 30,
            request_kib: 4_096,
            streams_per_connection: 256,
            calls_per_connection: 256,
            items_in_flight: 256,
            followers: 256,
            keepalive_s: 30,
            tls: None,
        }
    }
}

/// What the door opens to.
#[derive(Clone)]
pub struct Parts {
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// The way in.
    pub intake: Intake,
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
    #[error("the gRPC descriptors cannot be read")]
    Reflection(#[source] tonic_reflection::server::Error),
    /// The certificate or its key.
    #[error("{} cannot be read", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// Serving failed.
    #[error("gRPC cannot be served")]
    Transport(#[source] tonic::transport::Error),
}

/// What every service holds.
#[derive(Clone)]
struct Door {
    parts: Parts,
    followers: Arc<Semaphore>,
    growth: watch::Receiver<Growth>,
    stop: watch::Receiver<bool>,
}

impl Door {
    /// Tells who calls and whether it may.
    fn admit<T>(&self, request: &Request<T>, call: Call) -> Result<Caller, Status> {
        let authorization = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        self.parts.access.admit(authorization, call).map_err(status::of_denied)
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
    let door = Door { parts, followers: Arc::new(Semaphore::new(options.followers)), growth, stop: stop.clone() };
    tasks.spawn(follow::watch_growth(door.clone(), growing));
    let largest = options.request_kib.saturating_mul(1_024);
    let (health, health_server) = tonic_health::server::health_reporter();
    health.set_serving::<DeclarationsServer<Door>>().await;
    health.set_serving::<LogisticsServer<Door>>().await;
    health.set_serving::<AuditLogServer<Door>>().await;
    health.set_serving::<OperationsServer<Door>>().await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(Error::Reflection)?;
    let router = server(&options)?
        .add_service(health_server)
        .add_service(reflection)
        .add_service(DeclarationsServer::new(door.clone()).max_decoding_message_size(largest))
        .add_service(LogisticsServer::new(door.clone()).max_decoding_message_size(largest))
        .add_service(AuditLogServer::new(door.clone()).max_decoding_message_size(largest))
        .add_service(OperationsServer::new(door).max_decoding_message_size(largest));
    let stopped = async move {
        stopped(stop).await;
        health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
    };
    router.serve_with_incoming_shutdown(TcpListenerStream::new(listener), stopped).await.map_err(Error::Transport)
}

fn server(options: &Options) -> Result<Server, Error> {
    const HEADER_BYTES: u32 = 16 * 1_024;
    const RESETS: usize = 64;
    let keepalive = Duration::from_secs(options.keepalive_s.clamp(1, 3_600));
    let mut server = Server::builder();
    if let Some(TlsOptions { certificate, key }) = &options.tls {
        let read = |path: &PathBuf| fs::read(path).map_err(|error| Error::File(path.clone(), error));
        server = server
            .tls_config(ServerTlsConfig::new().identity(Identity::from_pem(read(certificate)?, read(key)?)))
            .map_err(Error::Transport)?;
    }
    Ok(server
        .timeout(Duration::from_secs(options.request_timeout_s.clamp(1, 3_600)))
        .max_concurrent_streams(options.streams_per_connection)
        .concurrency_limit_per_connection(options.calls_per_connection.clamp(1, 65_536))
        .http2_keepalive_interval(Some(keepalive))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        .http2_max_header_list_size(HEADER_BYTES)
        .http2_max_pending_accept_reset_streams(Some(RESETS))
        .tcp_nodelay(true))
}

/// Waits until `stop` says so, or nobody is left who could.
async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that the other side is gone, which is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}
