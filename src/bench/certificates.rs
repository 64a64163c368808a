//! Certificates for a measurement by mutual TLS, made with openssl: an authority, the door's and a caller's.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::Error;
use crate::{access::CertificateOptions, config::Config, grpc::TlsOptions, party::Role, tiles::Trust};

const AUTHORITY: &str = "authority";
const DOOR: &str = "door";
const CALLER: &str = "caller";

fn certificate(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.cert.pem"))
}

fn key(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.key.pem"))
}

/// Makes the certificates, has the door ask for them, and lets the caller in as the administrator of the tenant that there is without keys.
pub(super) fn secure(config: &mut Config, folder: &Path) -> Result<(), Error> {
    make(folder, AUTHORITY, "basicConstraints=critical,CA:TRUE", None)?;
    make(folder, DOOR, "subjectAltName=IP:127.0.0.1", Some(AUTHORITY))?;
    make(folder, CALLER, "extendedKeyUsage=clientAuth", Some(AUTHORITY))?;
    let client_ca = Some(certificate(folder, AUTHORITY));
    config.grpc.tls = Some(TlsOptions { certificate: certificate(folder, DOOR), key: key(folder, DOOR), client_ca });
    config.access.certificates = vec![CertificateOptions {
        name: CALLER.to_owned(),
        tenant: "local".to_owned(),
        role: Some(Role::Administrator),
        subject: Some(format!("CN={CALLER}")),
        ..CertificateOptions::default()
    }];
    Ok(())
}

/// What the caller needs.
///
/// # Errors
/// If the files are not there.
pub fn trust(folder: &Path) -> Result<Trust, Error> {
    let identity = Some((fs::read(certificate(folder, CALLER))?, fs::read(key(folder, CALLER))?));
    Ok(Trust { authority: fs::read(certificate(folder, AUTHORITY))?, identity })
}

/// A key of the curve P-256 with its certificate, signed by itself or by another.
fn make(folder: &Path, name: &str, extension: &str, by: Option<&str>) -> Result<(), Error> {
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    openssl.args(["-subj", &format!("/CN={name}"), "-addext", extension]);
    if let Some(by) = by {
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        openssl.arg("-CA").arg(certificate(folder, by)).arg("-CAkey").arg(key(folder, by));
    }
    let made = openssl.arg("-keyout").arg(key(folder, name)).arg("-out").arg(certificate(folder, name)).stdin(Stdio::null()).output();
    let made = made.map_err(|error| Error::Beside(format!("openssl is needed for certificates: {error}")))?;
    if made.status.success() { Ok(()) } else { Err(Error::Beside(String::from_utf8_lossy(&made.stderr).into_owned())) }
}
