//! Whom a client of ours trusts, and what it shows of itself: for logs published by `https://`, and for the door.

use std::{fmt, sync::Arc};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    },
};

/// What a client needs where the other side speaks TLS; all of it PEM.
#[derive(Clone)]
pub struct Trust {
    /// Who vouches for the other side's certificate.
    pub authority: Vec<u8>,
    /// Our own certificate and its secret key, if the other side asks for one.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").field("shows_certificate", &self.identity.is_some()).finish_non_exhaustive()
    }
}

/// Makes encrypted connections for HTTP.
#[derive(Clone)]
pub(super) struct Connector(TlsConnector);

impl Connector {
    pub(super) fn new(trust: &Trust) -> Result<Self, String> {
        let useless = |what: &str, why: &dyn fmt::Display| format!("{what}: {why}");
        let certificates = |pem: &[u8], what: &str| -> Result<Vec<CertificateDer<'static>>, String> {
            let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
            let found = found.map_err(|error| useless(what, &error))?;
            if found.is_empty() { Err(useless(what, &"其中没有证书 · there is no certificate in it")) } else { Ok(found) }
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&trust.authority, "--ca")? {
            roots.add(certificate).map_err(|error| useless("--ca", &error))?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots);
        let config = match &trust.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| useless("--cert-key", &error))?;
                let shown = certificates(certificate, "--cert")?;
                builder.with_client_auth_cert(shown, key).map_err(|error| useless("--cert", &error))?
            }
        };
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Shakes hands with whoever is called so.
    pub(super) async fn connect(&self, host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, String> {
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|error| error.to_string())?;
        self.0.connect(name, stream).await.map_err(|error| error.to_string())
    }
}
