//! A listener's encryption: TLS 1.2 and 1.3 by rustls, with a certificate that may be changed while it listens, and callers'
//! certificates where an authority for them is named. What comes out of a handshake knows whose it is ([`Peer`]).

use std::{
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use futures_util::{Stream, StreamExt, future};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::{CryptoProvider, ring},
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    },
    server::TlsStream,
};

use super::{Error, TlsOptions, connections::Connection};
use crate::access::Presented;

/// A listener's certificate and what callers' certificates are held to, as they are now.
#[derive(Debug)]
pub struct Tls {
    options: TlsOptions,
    /// The protocol that is spoken within (ALPN).
    protocol: &'static [u8],
    current: RwLock<(Arc<ServerConfig>, Vec<Stamp>)>,
}

/// When a file was last written, and its length.
type Stamp = Option<(SystemTime, u64)>;

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// One of them cannot be read or is of no use.
    pub fn open(options: &TlsOptions, protocol: &'static [u8]) -> Result<Self, Error> {
        let stamps = stamps(options);
        let current = RwLock::new((Arc::new(configured(options, protocol)?), stamps));
        Ok(Self { options: options.clone(), protocol, current })
    }

    /// Reads the files again if they were written since; tells whether they were. Connections that are there stay as they are.
    ///
    /// # Errors
    /// The new files are of no use; the old ones stay.
    pub fn look_again(&self) -> Result<bool, Error> {
        let stamps = stamps(&self.options);
        if self.current.read().unwrap_or_else(PoisonError::into_inner).1 == stamps {
            return Ok(false);
        }
        let read = configured(&self.options, self.protocol).map(Arc::new);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        // Files that are of no use are told of once, and the old ones stay.
        current.1 = stamps;
        current.0 = read?;
        Ok(true)
    }

    fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).0))
    }
}

fn stamps(options: &TlsOptions) -> Vec<Stamp> {
    let stamp = |path: &PathBuf| fs::metadata(path).and_then(|file| Ok((file.modified()?, file.len()))).ok();
    [&options.certificate, &options.key].into_iter().chain(&options.client_ca).map(stamp).collect()
}

fn configured(options: &TlsOptions, protocol: &[u8]) -> Result<ServerConfig, Error> {
    let useless = |path: &Path, why: &dyn std::fmt::Display| Error::Tls(path.to_owned(), why.to_string());
    let read = |path: &PathBuf| fs::read(path).map_err(|error| Error::File(path.clone(), error));
    let certificates = |path: &PathBuf| -> Result<Vec<CertificateDer<'static>>, Error> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
        let found = found.map_err(|error| useless(path, &error))?;
        if found.is_empty() { Err(useless(path, &"其中没有证书 · there is no certificate in it")) } else { Ok(found) }
    };
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let verifier = match &options.client_ca {
        None => WebPkiClientVerifier::no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| useless(path, &error))?;
            }
            // Whoever has a key instead needs no certificate; one that is shown must be good.
            let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            let verifier: Arc<dyn ClientCertVerifier> = builder.allow_unauthenticated().build().map_err(|error| useless(path, &error))?;
            verifier
        }
    };
    let key = PrivateKeyDer::from_pem_slice(&read(&options.key)?).map_err(|error| useless(&options.key, &error))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| useless(&options.certificate, &error))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates(&options.certificate)?, key)
        .map_err(|error| useless(&options.certificate, &error))?;
    config.alpn_protocols = vec![protocol.to_vec()];
    // A session that is resumed would not be asked for its certificate again, however long it has expired.
    config.session_storage = Arc::new(tokio_rustls::rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// A connection, encrypted or not.
pub enum Line {
    /// As it came.
    Plain(Connection),
    /// Encrypted, with the certificate that the caller showed.
    Secured(Box<TlsStream<Connection>>, Option<Arc<Presented>>),
}

/// Connections after their handshake; those whose handshake fails or takes too long are dropped. One that is slow holds up no other.
pub(super) fn secured(
    incoming: impl Stream<Item = io::Result<Connection>> + Send,
    tls: Option<Arc<Tls>>,
    most: usize,
    longest: Duration,
) -> impl Stream<Item = io::Result<Line>> + Send {
    let Some(tls) = tls else {
        return incoming.map(|connection| connection.map(Line::Plain)).left_stream();
    };
    let shake = move |connection: io::Result<Connection>| {
        let acceptor = tls.acceptor();
        async move {
            let stream = timeout(longest, acceptor.accept(connection?)).await??;
            let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let presented = shown.and_then(|certificate| Presented::read(certificate)).map(Arc::new);
            Ok(Line::Secured(Box::new(stream), presented))
        }
    };
    let lines = incoming.map(shake).buffer_unordered(most.clamp(1, 65_536));
    let good = lines.filter_map(|line: io::Result<Line>| {
        if let Err(error) = &line {
            tracing::debug!(error.message = %error, "a TLS handshake failed");
        }
        future::ready(line.ok().map(Ok))
    });
    good.right_stream()
}

/// What both kinds of stream are, where they are the same.
trait Either: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Either for T {}

impl Line {
    /// Where it comes from.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        match self {
            Self::Plain(connection) => connection.address(),
            Self::Secured(stream, _) => stream.get_ref().0.address(),
        }
    }

    /// The certificate that the caller showed.
    #[must_use]
    pub fn presented(&self) -> Option<&Arc<Presented>> {
        match self {
            Self::Plain(_) => None,
            Self::Secured(_, presented) => presented.as_ref(),
        }
    }

    fn stream(self: Pin<&mut Self>) -> Pin<&mut dyn Either> {
        match self.get_mut() {
            Self::Plain(connection) => Pin::new(connection),
            Self::Secured(stream, _) => Pin::new(stream.as_mut()),
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream().poll_write(context, bytes)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, context: &mut Context<'_>, pieces: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(connection) => connection.is_write_vectored(),
            Self::Secured(stream, _) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }
}
