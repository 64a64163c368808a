//! New keys with certificates of their own making: for tests and rehearsals. Customs accepts only those of its data centre.

use std::{
    convert::Infallible,
    io::Write,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use rsa::{
    rand_core::{TryCryptoRng, TryRng},
    sha2::Sha256,
};
use sm2::{
    SecretKey,
    dsa::{Signature, SigningKey, signature::Signer as _},
    pkcs8::{EncodePrivateKey, LineEnding},
};
use x509_cert::{
    Certificate, SubjectPublicKeyInfo, TbsCertificate,
    builder::{self, Builder, CertificateBuilder, profile::BuilderProfile},
    der::{
        EncodePem,
        asn1::BitString,
        asn1::{GeneralizedTime, UtcTime},
    },
    ext::{
        Extension, ToExtension,
        pkix::{BasicConstraints, KeyUsage, KeyUsages},
    },
    name::Name,
    serial_number::SerialNumber,
    spki::SubjectPublicKeyInfoRef,
    time::{Time, Validity},
};
use zeroize::Zeroizing;

use super::Error;
use crate::{clock::Clockwork, seal::USER_ID};

const MOST_DAYS: u32 = 36_500;
const DAY: u64 = 24 * 60 * 60;

/// Makes a test key: the private key (PKCS#8) and a self-signed certificate (X.509 v3), both PEM.
///
/// `subject` names an organisation, never a person. The serial number has 16 hex digits, as on the cards.
///
/// # Errors
/// When the subject or the days do not fit a certificate.
pub fn new_key(clockwork: &Clockwork, subject: &str, days: u32) -> Result<(String, String), Error> {
    let profile = TestProfile { name: name(subject)? };
    let validity = validity(clockwork, days)?;
    let key = secret(clockwork);
    let certificate = certificate(&key, profile, serial(clockwork)?, validity)?;
    let key_pem = key.to_pkcs8_pem(LineEnding::LF).map_err(encoding)?;
    Ok((key_pem.as_str().to_owned(), certificate.to_pem(LineEnding::LF).map_err(encoding)?))
}

/// Makes a test key as cards had before 2022-07-01: RSA of 1024 or 2048 bits.
///
/// # Errors
/// When the subject, the days or the bits do not fit a certificate.
pub fn new_rsa_key(clockwork: &Clockwork, subject: &str, days: u32, bits: usize) -> Result<(String, String), Error> {
    if ![1_024, 2_048].contains(&bits) {
        return Err(Error::Bits);
    }
    let profile = TestProfile { name: name(subject)? };
    let validity = validity(clockwork, days)?;
    let key = rsa::PrivateKey::new(&mut Random(clockwork), bits).map_err(encoding)?;
    let public = SubjectPublicKeyInfo::from_key(&key.to_public_key()).map_err(encoding)?;
    let builder = CertificateBuilder::new(profile, serial(clockwork)?, validity, public).map_err(encoding)?;
    let signing = rsa::pkcs1v15::SigningKey::<Sha256>::new(key.clone());
    let certificate = builder.build::<_, rsa::pkcs1v15::Signature>(&signing).map_err(encoding)?;
    let key_pem = key.to_pkcs8_pem(LineEnding::LF).map_err(encoding)?;
    Ok((key_pem.as_str().to_owned(), certificate.to_pem(LineEnding::LF).map_err(encoding)?))
}

/// The clockwork's randomness in the form that the maker of RSA keys asks for.
struct Random<'c>(&'c Clockwork);

impl TryRng for Random<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Random<'_> {}

/// Writes `<name>.key.pem`, for its owner only, and `<name>.cert.pem`; says where. Nothing is written over.
///
/// # Errors
/// When the name is none, or a file is there already or cannot be written. A half-written pair is taken away again.
pub fn write_key(dir: &Path, name: &str, key_pem: &str, certificate_pem: &str) -> Result<(PathBuf, PathBuf), Error> {
    let fits = (1..=60).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !fits {
        return Err(Error::Name);
    }
    let (key, certificate) = (dir.join(format!("{name}.key.pem")), dir.join(format!("{name}.cert.pem")));
    create(&key, key_pem, 0o600)?;
    if let Err(error) = create(&certificate, certificate_pem, 0o644) {
        // The key was made just now and has no certificate: nobody can miss it.
        let _ = std::fs::remove_file(&key);
        return Err(error);
    }
    Ok((key, certificate))
}

fn create(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let failed = |source| Error::File { path: path.to_owned(), source };
    let mut file = options.open(path).map_err(failed)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|source| {
        let _ = std::fs::remove_file(path);
        failed(source)
    })
}

fn secret(clockwork: &Clockwork) -> SecretKey {
    let mut bytes = Zeroizing::new([0; 32]);
    loop {
        clockwork.fill(bytes.as_mut());
        // One number in four thousand million is no key.
        if let Ok(key) = SecretKey::from_slice(bytes.as_slice())
            && is_read_by_all(&key)
        {
            return key;
        }
    }
}

/// gmssl for Python (3.2.2, `CryptSM2`) takes a leading 04 of the point's x for the mark of an uncompressed point and drops it: whoever
/// checks a rehearsal with it would see one key in 256 fail, and fault the signatures.
fn is_read_by_all(key: &SecretKey) -> bool {
    key.public_key().to_sec1_bytes().get(1) != Some(&4)
}

/// Eight bytes that stay eight: positive, and no leading zero.
fn serial(clockwork: &Clockwork) -> Result<SerialNumber, Error> {
    let mut bytes = [0; 8];
    clockwork.fill(&mut bytes);
    let [first, ..] = &mut bytes;
    *first = (*first & 0x7F) | 0x40;
    SerialNumber::new(&bytes).map_err(encoding)
}

fn validity(clockwork: &Clockwork, days: u32) -> Result<Validity, Error> {
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(Error::Days);
    }
    let from = Duration::from_secs(u64::try_from(clockwork.now().0 / 1_000_000).unwrap_or(0));
    let until = from.saturating_add(Duration::from_secs(u64::from(days) * DAY));
    Ok(Validity::new(time(from)?, time(until)?))
}

/// Until 2049 in two digits of the year, then in four (RFC 5280, §4.1.2.5).
fn time(since_1970: Duration) -> Result<Time, Error> {
    let short = UtcTime::from_unix_duration(since_1970).map(Time::UtcTime);
    short.or_else(|_| GeneralizedTime::from_unix_duration(since_1970).map(Time::GeneralTime)).map_err(|_| Error::Days)
}

fn name(subject: &str) -> Result<Name, Error> {
    let fits = (1..=64).contains(&subject.chars().count()) && subject.trim() == subject && !subject.chars().any(char::is_control);
    if !fits {
        return Err(Error::Subject);
    }
    let escaped: String = subject
        .chars()
        .flat_map(|c| [matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '#' | '=').then_some('\\'), Some(c)])
        .flatten()
        .collect();
    Name::from_str(&format!("CN=TEST KEY,O={escaped},C=CN")).map_err(encoding)
}

/// Signs for itself, signs messages, and is no authority over others.
struct TestProfile {
    name: Name,
}

impl BuilderProfile for TestProfile {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.name.clone()
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        certificate: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let constraints = BasicConstraints { ca: false, path_len_constraint: None };
        let usage = KeyUsage(KeyUsages::DigitalSignature | KeyUsages::NonRepudiation);
        Ok(vec![constraints.to_extension(certificate.subject(), &[])?, usage.to_extension(certificate.subject(), &[])?])
    }
}

fn certificate(key: &SecretKey, profile: TestProfile, serial: SerialNumber, validity: Validity) -> Result<Certificate, Error> {
    let public = SubjectPublicKeyInfo::from_key(&key.public_key()).map_err(encoding)?;
    let signing = SigningKey::new(USER_ID, key).map_err(encoding)?;
    let mut builder = CertificateBuilder::new(profile, serial, validity, public).map_err(encoding)?;
    let body = builder.finalize(&signing).map_err(encoding)?;
    // In a certificate the signature is DER (GM/T 0015), where messages have r‖s; the crate's builder would write the latter.
    let signature: Signature = signing.try_sign(&body).map_err(encoding)?;
    let signature = BitString::from_bytes(signature.to_der().as_bytes()).map_err(encoding)?;
    builder.assemble(signature, &signing).map_err(encoding)
}

fn encoding(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Encoding(error.into())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::clock::{Entropy, ManualClock};

    /// Gives out small numbers, each larger by one than the one before.
    #[derive(Debug)]
    struct Counting(Mutex<u64>);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            let mut next = self.0.lock().unwrap();
            *next += 1;
            bytes.fill(0);
            bytes[24..].copy_from_slice(&next.to_be_bytes());
        }
    }

    #[test]
    fn no_key_is_made_that_a_common_checker_misreads() {
        let key = |number: u64| {
            let mut bytes = [0; 32];
            bytes[24..].copy_from_slice(&number.to_be_bytes());
            SecretKey::from_slice(&bytes).unwrap()
        };
        let misread = (1..5_000).find(|number| !is_read_by_all(&key(*number))).expect("one key in 256");
        let clockwork = Clockwork::new(Arc::new(ManualClock::default()), Arc::new(Counting(Mutex::new(misread - 1))));
        assert_eq!(secret(&clockwork).to_bytes(), key(misread + 1).to_bytes());
    }
}
