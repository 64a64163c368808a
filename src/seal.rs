//! Signing: a message in canonical form becomes a [`Sealed`] one, which nobody changes any more.
//!
//! The digest is SM3 over the message without its signature; the signature is SM2 over `SignedInfo` as it stands in the message
//! (SHA-1 and RSA where the certificate is of that kind),
//! with every namespace of the root (specification 202205, §6). `SignedInfo` is written without declarations of its own, since the
//! root has them all, and nothing is put between the tags: so the signed message is still canonical, and is right for a verifier
//! that canonicalises and for one that does not. What is sealed was verified from its final bytes before it leaves here.

mod certificate;
mod outline;
mod refusal;
mod verify;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use sha1::Sha1;
use sha2::Sha256;
use sm3::{Digest, Sm3};

use crate::message;

pub use certificate::{Algorithm, Fault as CertificateFault, Identity, LARGEST as LARGEST_CERTIFICATE, USER_ID};
pub use refusal::Refusal;
pub use verify::{Mode, Verified, verify};

/// A signed message: the bytes that are sent, the same ones every time. Only [`seal`] makes it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    bytes: Arc<[u8]>,
    digest: [u8; 32],
}

impl Sealed {
    /// The bytes to send.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of all the bytes, signature included: whether two are the same bytes. For ourselves alone, so the quicker digest.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("length", &self.bytes.len()).field("digest", &BASE64.encode(self.digest)).finish()
    }
}

/// Makes signatures with one key. Whoever implements it paces the device and never tries a PIN twice.
#[async_trait]
pub trait Signer: Send + Sync {
    /// The raw signature value over the canonical `SignedInfo`: for SM2 the 64 bytes `r‖s` over SM3(Z ‖ signed), user id [`USER_ID`];
    /// for RSA PKCS#1 v1.5 with SHA-1.
    async fn sign(&self, signed_info: &[u8]) -> Result<Vec<u8>, SignError>;

    /// Whose key it is.
    fn identity(&self) -> &Identity;
}

/// Why a signer gave no signature. The texts name no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The device is busy or not there: trying again later may help.
    #[error("the signer is not available: {0}")]
    Unavailable(String),
    /// The device refused: a wrong PIN, a locked card, a key that is gone. Trying again may lock the card: nobody does so unasked.
    #[error("the signer refused: {0}")]
    Refused(String),
}

impl SignError {
    /// Whether it may be tried again without a person looking at it.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Refused(_) => false,
        }
    }
}

/// Why a message was not sealed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not a message as our writer makes it: canonical, all namespaces on the root, `ds` among them.
    #[error("the message to sign is not in canonical form: {0}")]
    NotCanonical(&'static str),
    /// It has a signature.
    #[error("the message to sign has a signature already")]
    AlreadySigned,
    /// The signer gave no signature.
    #[error(transparent)]
    Signer(#[from] SignError),
    /// The signer's signature does not hold, so nothing leaves.
    #[error("the signed message does not verify")]
    Refused(#[source] Refusal),
}

/// Signs a canonical message and verifies the result from its bytes.
///
/// # Errors
/// When the message is not canonical or has a signature, when the signer fails, and when its signature does not hold.
pub async fn seal(unsigned: &[u8], signer: &dyn Signer) -> Result<Sealed, Error> {
    let (signed_info, signed) = prepare(unsigned, signer.identity().algorithm())?;
    let value = signer.sign(signed.as_bytes()).await?;
    let bytes = assemble(unsigned, &signed_info, &value, signer.identity())?;
    check(&bytes, signer.identity()).map_err(Error::Refused)?;
    let digest = Sha256::digest(&bytes).into();
    Ok(Sealed { bytes: bytes.into(), digest })
}

/// `SignedInfo` as it is written, and as it is signed.
fn prepare(unsigned: &[u8], algorithm: Algorithm) -> Result<(String, String), Error> {
    let outline = outline::read(unsigned).map_err(|broken| Error::NotCanonical(broken.0))?;
    if outline.signatures > 0 {
        return Err(Error::AlreadySigned);
    }
    if !outline.plain {
        return Err(Error::NotCanonical("a namespace or an attribute that messages do not have"));
    }
    if outline.ds != Some("ds") {
        return Err(Error::NotCanonical("a root that does not declare xmlns:ds"));
    }
    let (method, digest_method, digest) = match algorithm {
        Algorithm::Sm2Sm3 => (verify::SM2_SM3, verify::SM3, BASE64.encode(Sm3::digest(unsigned))),
        Algorithm::RsaSha1 => (verify::RSA_SHA1, verify::SHA1, BASE64.encode(Sha1::digest(unsigned))),
    };
    let inner = format!(
        "<ds:CanonicalizationMethod Algorithm=\"{}\"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\"{}\"></ds:SignatureMethod>\
         <ds:Reference URI=\"\"><ds:Transforms><ds:Transform Algorithm=\"{}\"></ds:Transform></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{}\"></ds:DigestMethod><ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
        verify::CANONICAL,
        method,
        verify::ENVELOPED,
        digest_method
    );
    let signed = format!("<ds:SignedInfo{}>{inner}", outline.declarations);
    Ok((format!("<ds:SignedInfo>{inner}"), signed))
}

/// The message with its signature right before the root's end tag.
fn assemble(unsigned: &[u8], signed_info: &str, value: &[u8], identity: &Identity) -> Result<Vec<u8>, Error> {
    let at = message::signature_position(unsigned);
    let (body, end) = unsigned.split_at_checked(at).ok_or(Error::NotCanonical("no end tag"))?;
    let signature = format!(
        "<ds:Signature>{signed_info}<ds:SignatureValue>{}</ds:SignatureValue><ds:KeyInfo><ds:KeyName>{}</ds:KeyName><ds:X509Data>\
         <ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>",
        BASE64.encode(value),
        identity.key_name(),
        BASE64.encode(identity.certificate_der())
    );
    Ok([body, signature.as_bytes(), end].concat())
}

/// Verifies our own message. It need not be canonicalised for that: [`outline::Outline::plain`] shows from the bytes that it is
/// canonical, and what is not so shown is refused.
fn check(bytes: &[u8], identity: &Identity) -> Result<(), Refusal> {
    let outline = verify::outline(bytes)?;
    if !outline.plain {
        return Err(Refusal::Unreadable("报文不是规范形式".into(), "the message is not in canonical form".into()));
    }
    let verified = verify::judge(&outline, Mode::Strict)?;
    if verified.identity.certificate_der() == identity.certificate_der() { Ok(()) } else { Err(Refusal::SignatureWrong) }
}
