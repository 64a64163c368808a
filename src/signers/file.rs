//! A key in a file, used in this process: for tests, rehearsals, and whoever accepts the risk.

use std::{fmt, fs::File, io::Read, path::Path};

use async_trait::async_trait;
use rsa::{pkcs1v15, pkcs8::EncodePublicKey};
use sha1::Sha1;
use sm2::{
    SecretKey,
    dsa::{
        Signature, SigningKey,
        signature::{SignatureEncoding as _, Signer as _},
    },
    pkcs8::DecodePrivateKey,
};
use x509_cert::{
    Certificate,
    der::{DecodePem, Encode},
};
use zeroize::Zeroizing;

use super::Error;
use crate::{
    clock::Timestamp,
    seal::{Identity, LARGEST_CERTIFICATE, SignError, Signer, USER_ID},
};

/// PEM is a third longer than DER.
const LARGEST: u64 = 2 * LARGEST_CERTIFICATE as u64;

/// Signs with a key from a file. What was read is wiped from memory at once; the key itself stays there while the process lives.
pub struct FileSigner {
    key: Key,
    identity: Identity,
}

enum Key {
    Sm2(Box<SigningKey>),
    Rsa(Box<pkcs1v15::SigningKey<Sha1>>),
}

impl Key {
    /// A private key, and its public key in the form of [`Identity::public_key`].
    fn read(pem: &str) -> Option<(Self, Vec<u8>)> {
        if let Ok(key) = SecretKey::from_pkcs8_pem(pem) {
            let public = key.public_key().to_sec1_bytes().to_vec();
            return Some((Self::Sm2(Box::new(SigningKey::new(USER_ID, &key).ok()?)), public));
        }
        let key = rsa::PrivateKey::from_pkcs8_pem(pem).ok()?;
        let public = key.to_public_key().to_public_key_der().ok()?.as_bytes().to_vec();
        Some((Self::Rsa(Box::new(pkcs1v15::SigningKey::new(key))), public))
    }
}

impl FileSigner {
    /// Reads a private key (PEM, PKCS#8, SM2 or RSA) and its certificate (PEM).
    ///
    /// # Errors
    /// When either cannot be read, or they do not belong together.
    pub fn open(key_path: &Path, certificate_path: &Path) -> Result<Self, Error> {
        warn_if_open_to_all(key_path);
        let pem = read(key_path)?;
        let (key, public) = Key::read(&pem).ok_or_else(|| Error::Key(key_path.to_owned()))?;
        let identity = certificate(certificate_path)?;
        if public != identity.public_key() {
            return Err(Error::Mismatch(key_path.to_owned()));
        }
        Ok(Self { key, identity })
    }

    /// The same, but of no use after `until`.
    #[must_use]
    pub fn ending(self, until: Timestamp) -> Self {
        Self { identity: self.identity.ending(until), ..self }
    }
}

impl fmt::Debug for FileSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSigner").field("identity", &self.identity).finish_non_exhaustive()
    }
}

#[async_trait]
impl Signer for FileSigner {
    async fn sign(&self, signed_info: &[u8]) -> Result<Vec<u8>, SignError> {
        let refused = || SignError::Refused("the key cannot sign this".into());
        let key = match &self.key {
            Key::Sm2(key) => key,
            // PKCS#1 v1.5 needs no randomness at all.
            Key::Rsa(key) => return key.try_sign(signed_info).map(|value: pkcs1v15::Signature| value.to_vec()).map_err(|_| refused()),
        };
        // RFC 6979 gives the secret number of each signature, so no weak randomness can betray the key.
        let signature: Signature = key.try_sign(signed_info).map_err(|_| refused())?;
        Ok(signature.to_vec())
    }

    fn identity(&self) -> &Identity {
        &self.identity
    }
}

/// Reads a certificate (PEM).
pub(super) fn certificate(path: &Path) -> Result<Identity, Error> {
    let pem = read(path)?;
    let certificate = Certificate::from_pem(pem.as_bytes()).and_then(|certificate| certificate.to_der());
    let der = certificate.map_err(|_| Error::NotPem(path.to_owned()))?;
    Identity::from_certificate(&der).map_err(|source| Error::Certificate { path: path.to_owned(), source })
}

fn read(path: &Path) -> Result<Zeroizing<String>, Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mut text = Zeroizing::new(String::with_capacity(4_096));
    let length = file.take(LARGEST + 1).read_to_string(&mut text).map_err(failed)?;
    if u64::try_from(length).unwrap_or(u64::MAX) > LARGEST {
        return Err(Error::TooLarge(path.to_owned()));
    }
    Ok(text)
}

#[cfg(unix)]
fn warn_if_open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = path.metadata().map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        tracing::warn!(key.path = %path.display(), "others than its owner may read or change a private key: chmod 600");
    }
}

#[cfg(not(unix))]
const fn warn_if_open_to_all(_: &Path) {}
