//! Listening: connections before anybody has said who calls, bounded in number and in what they may leave undone, encrypted where a
//! certificate is named. The door, the console and the tiles all listen here, each with its own bounds.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use futures_util::{Stream, StreamExt as _, stream::BoxStream};
use serde::{Deserialize, Serialize};
use tokio::{
    net::TcpListener,
    sync::watch,
    time::{sleep, timeout},
};

use crate::task;

mod connections;
mod secured;

pub use connections::Connection;
pub use secured::{Line, Tls};

/// HTTP/2 and HTTP/1.1, as a handshake names them (ALPN).
pub const HTTP_2: &[u8] = b"h2";
/// HTTP/1.1.
pub const HTTP_1: &[u8] = b"http/1.1";
/// Between two looks at the files of a certificate.
const LOOK: Duration = Duration::from_secs(1);

/// A listener's certificate (TLS 1.2 and 1.3, by rustls).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsOptions {
    /// The certificate chain: PEM.
    pub certificate: PathBuf,
    /// Its private key: PEM.
    pub key: PathBuf,
    /// The authorities that vouch for callers' certificates: PEM. Without it none is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<PathBuf>,
}

/// Why a listener cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The certificate or its key.
    #[error("{path} 无法读取 · {path} cannot be read", path = .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The certificate, its key or the callers' authority is of no use.
    #[error("{path}: {1} · {path} is of no use", path = .0.display())]
    Tls(PathBuf, String),
}

/// What bounds the connections of a listener.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// At a time.
    pub connections: usize,
    /// At a time from one address.
    pub connections_per_address: usize,
    /// In which one must have begun to speak, and have ended its handshake.
    pub handshake: Duration,
    /// Bytes with which one has begun to speak.
    pub preface: usize,
    /// For which nothing may come.
    pub silence: Duration,
    /// For which nothing may be taken of what is sent.
    pub stall: Duration,
    /// Whether what is sent and taken breaks the silence as well.
    pub answers_count: bool,
    /// What whoever is turned away is told; nothing: it is closed without a word.
    pub farewell: Vec<u8>,
}

/// Connections after their handshake, as long as there is room. `cut` ends all of them.
pub fn lines(
    listener: TcpListener,
    bounds: &Bounds,
    tls: Option<Arc<Tls>>,
    cut: watch::Receiver<bool>,
) -> impl Stream<Item = io::Result<Line>> + Send + use<> {
    let incoming = connections::incoming(listener, bounds, cut);
    secured::secured(incoming, tls, bounds.connections, bounds.handshake)
}

/// Waits for `stop`, then as long as connections get to end, then cuts them.
pub async fn cut_after(mut stop: watch::Receiver<bool>, drain: Duration, cutting: watch::Sender<bool>) {
    // An error means that the other side is gone, which is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
    sleep(drain).await;
    cutting.send_replace(true);
}

/// Reads the files of a certificate again whenever they were written, until `stop` says so.
pub async fn renew(tls: Arc<Tls>, mut stop: watch::Receiver<bool>) {
    // What comes of waiting is a stop, be it that the other side is gone; else it is time to look.
    while timeout(LOOK, stop.wait_for(|stop| *stop)).await.is_err() {
        match tls.look_again() {
            Ok(true) => tracing::info!("TLS 证书已重新读取 · the TLS files of a listener were read again"),
            Ok(false) => {}
            Err(error) => {
                let error = task::chain(&error);
                tracing::error!(error, "新的 TLS 文件不可用，继续使用旧的 · new TLS files are of no use; the old ones stay");
            }
        }
    }
}

/// Connections for HTTP/1.1 as axum takes them.
pub struct Lines {
    lines: BoxStream<'static, io::Result<Line>>,
    address: SocketAddr,
}

impl Lines {
    /// Listens.
    ///
    /// # Errors
    /// The listener has no address.
    pub fn new(listener: TcpListener, bounds: &Bounds, tls: Option<Arc<Tls>>, cut: watch::Receiver<bool>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { lines: lines(listener, bounds, tls, cut).boxed(), address })
    }
}

impl Listener for Lines {
    type Io = Line;
    type Addr = IpAddr;

    async fn accept(&mut self) -> (Line, IpAddr) {
        loop {
            match self.lines.next().await {
                Some(Ok(line)) => {
                    let address = line.address();
                    return (line, address);
                }
                Some(Err(error)) => tracing::debug!(error.message = %error, "a connection could not be taken"),
                // A listener never ends.
                None => std::future::pending::<()>().await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<IpAddr> {
        Ok(self.address.ip())
    }
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy)]
pub struct Origin(pub IpAddr);

impl Connected<IncomingStream<'_, Lines>> for Origin {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        Self(*stream.remote_addr())
    }
}
