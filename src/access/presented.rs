//! What a caller's certificate says of it, once the handshake has verified it: its subject and its alternative names.

use x509_cert::{
    Certificate,
    der::Decode,
    ext::pkix::{SubjectAltName, name::GeneralName},
};

/// A certificate that an authority of ours vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// Its subject, as RFC 4514 writes it: `CN=erp,O=Acme`.
    pub subject: String,
    /// Its alternative names: `DNS:erp.acme.example`, `URI:spiffe://acme/erp`, `EMAIL:…`.
    pub names: Vec<String>,
}

/// Names of a certificate that are looked at.
const MOST_NAMES: usize = 100;

impl Presented {
    /// Reads a certificate (DER); nothing if it is none.
    #[must_use]
    pub fn read(der: &[u8]) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?;
        let certificate = certificate.tbs_certificate();
        let alternative = certificate.get_extension::<SubjectAltName>().ok()?;
        let names = alternative.into_iter().flat_map(|(_, names)| names.0).take(MOST_NAMES).filter_map(|name| match name {
            GeneralName::DnsName(name) => Some(format!("DNS:{}", name.as_str())),
            GeneralName::UniformResourceIdentifier(name) => Some(format!("URI:{}", name.as_str())),
            GeneralName::Rfc822Name(name) => Some(format!("EMAIL:{}", name.as_str())),
            _ => None,
        });
        Some(Self { subject: certificate.subject().to_string(), names: names.collect() })
    }
}
