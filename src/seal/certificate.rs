//! What a certificate says about a key, and whether a key made a signature.

use rsa::{pkcs1v15, pkcs8::DecodePublicKey, traits::PublicKeyParts};
use sha1::Sha1;
use sm2::dsa::{Signature, VerifyingKey, signature::Verifier};
use sm2::pkcs8::spki::SubjectPublicKeyInfoRef;
use x509_cert::{
    Certificate,
    der::{Decode, Encode, asn1::ObjectIdentifier},
    time::Time,
};

use crate::clock::Timestamp;

/// The SM2 user id. Not written in the specification of 202205; proven by its sample.
pub const USER_ID: &str = "1234567812345678";

/// No certificate is this large.
pub const LARGEST: usize = 16 * 1024;

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SM2_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");

/// Why a certificate is of no use here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not an X.509 certificate, or a huge one.
    #[error("不是 X.509 证书 · not an X.509 certificate")]
    Unreadable,
    /// Its key is of another kind.
    #[error(
        "证书中没有 SM2 公钥，也没有 1024 至 4096 位的 RSA 公钥 · the certificate holds neither an SM2 key nor an RSA key of 1024 to 4096 bits"
    )]
    OtherKey,
}

impl Fault {
    /// In Chinese.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Unreadable => "不是 X.509 证书",
            Self::OtherKey => "证书中既非 SM2 公钥，也非 1024 至 4096 位的 RSA 公钥",
        }
    }
}

/// How messages are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// SM2 with SM3, the preferred one (specification 202205, §6).
    Sm2Sm3,
    /// RSA with SHA-1 (PKCS#1 v1.5): of cards issued before 2022-07-01, which stay valid until they expire.
    RsaSha1,
}

/// Who signs: a certificate and what it says. The certificate may name a natural person, so it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    key_name: String,
    certificate_der: Vec<u8>,
    algorithm: Algorithm,
    public_key: Vec<u8>,
    from: Timestamp,
    until: Timestamp,
}

impl Identity {
    /// Reads a certificate in DER.
    pub fn from_certificate(der: &[u8]) -> Result<Self, Fault> {
        if der.len() > LARGEST {
            return Err(Fault::Unreadable);
        }
        let certificate = Certificate::from_der(der).map_err(|_| Fault::Unreadable)?;
        let body = certificate.tbs_certificate();
        let key = body.subject_public_key_info().to_der().map_err(|_| Fault::Unreadable)?;
        let (algorithm, public_key) = match sm2_point(&key) {
            Ok(point) => (Algorithm::Sm2Sm3, point),
            Err(fault) => (Algorithm::RsaSha1, rsa_key(&key).ok_or(fault).map(|_| key)?),
        };
        Ok(Self {
            key_name: serial(body.serial_number().as_bytes()),
            certificate_der: der.to_vec(),
            algorithm,
            public_key,
            from: moment(&body.validity().not_before),
            until: moment(&body.validity().not_after),
        })
    }

    /// The certificate's serial number in lower-case hex, two digits a byte: what stands in `KeyName`.
    #[must_use]
    pub fn key_name(&self) -> &str {
        &self.key_name
    }

    /// The certificate.
    #[must_use]
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate_der
    }

    /// How it signs.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public key: for SM2 the uncompressed point, 65 bytes; for RSA the SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// Whether the certificate is valid then.
    #[must_use]
    pub fn is_valid_at(&self, at: Timestamp) -> bool {
        self.from <= at && at <= self.until
    }

    /// The same, but of no use after `until`, even if the certificate lasts longer.
    #[must_use]
    pub fn ending(self, until: Timestamp) -> Self {
        let until = if until < self.until { until } else { self.until };
        Self { until, ..self }
    }

    /// The last moment at which it may be used.
    #[must_use]
    pub const fn valid_until(&self) -> Timestamp {
        self.until
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("key_name", &self.key_name).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

fn serial(bytes: &[u8]) -> String {
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    let significant = bytes.get(zeros..).filter(|rest| !rest.is_empty()).unwrap_or(&[0]);
    hex::encode(significant)
}

fn moment(time: &Time) -> Timestamp {
    Timestamp(i64::try_from(time.to_unix_duration().as_micros()).unwrap_or(i64::MAX))
}

fn sm2_point(key: &[u8]) -> Result<Vec<u8>, Fault> {
    let key = SubjectPublicKeyInfoRef::from_der(key).map_err(|_| Fault::OtherKey)?;
    let curve = key.algorithm.parameters_oid().map_err(|_| Fault::OtherKey)?;
    let point = key.subject_public_key.as_bytes().filter(|point| point.len() == 65).ok_or(Fault::OtherKey)?;
    if key.algorithm.oid != EC_PUBLIC_KEY || curve != SM2_CURVE || verifying_key(point).is_none() {
        return Err(Fault::OtherKey);
    }
    Ok(point.to_vec())
}

fn verifying_key(point: &[u8]) -> Option<VerifyingKey> {
    VerifyingKey::from_sec1_bytes(USER_ID, point).ok()
}

fn rsa_key(key: &[u8]) -> Option<rsa::PublicKey> {
    rsa::PublicKey::from_public_key_der(key).ok().filter(|key| (1_024..=4_096).contains(&(key.size() * 8)))
}

/// Whether the value is a signature of these bytes by the certificate's key.
pub fn verifies(identity: &Identity, signed: &[u8], value: &[u8]) -> bool {
    match identity.algorithm {
        Algorithm::Sm2Sm3 => sm2_verifies(&identity.public_key, signed, value),
        Algorithm::RsaSha1 => rsa_verifies(&identity.public_key, signed, value),
    }
}

/// Whether the value is a signature of these bytes by PKCS#1 v1.5 with SHA-1 and the key that this SubjectPublicKeyInfo holds.
pub fn rsa_verifies(key: &[u8], signed: &[u8], value: &[u8]) -> bool {
    let (Some(key), Ok(signature)) = (rsa_key(key), pkcs1v15::Signature::try_from(value)) else { return false };
    pkcs1v15::VerifyingKey::<Sha1>::new(key).verify(signed, &signature).is_ok()
}

/// Whether the raw `r‖s` is an SM2 signature of these bytes by the key with this point.
pub fn sm2_verifies(point: &[u8], signed: &[u8], value: &[u8]) -> bool {
    let Some(key) = verifying_key(point) else { return false };
    Signature::from_slice(value).is_ok_and(|signature| key.verify(signed, &signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_keep_their_leading_nibble_and_lose_the_sign_byte() {
        assert_eq!(serial(&[0x03, 0, 0, 0, 0, 0x0c, 0xde, 0x6f]), "03000000000cde6f");
        assert_eq!(serial(&[0, 0x91, 0xFE]), "91fe");
        assert_eq!(serial(&[0]), "00");
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert_eq!(Identity::from_certificate(b"").unwrap_err(), Fault::Unreadable);
        assert_eq!(Identity::from_certificate(&[0x30; 20_000]).unwrap_err(), Fault::Unreadable);
    }
}
