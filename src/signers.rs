//! Who signs: keys from files, under the names that senders give, each paced as its device allows.

mod file;
mod key;
mod paced;

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

pub use file::FileSigner;
pub use key::{new_key, new_rsa_key, write_key};
pub use paced::Pace;

use crate::{
    clock::{Timestamp, last_moment},
    seal::{Algorithm, CertificateFault, Signer},
};

/// Why a key is of no use, or was not made. Texts name files, never what is in them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is larger than any key or certificate.
    #[error("{path}：文件过大，不是密钥或证书 · {path}: too large for a key or a certificate", path = .0.display())]
    TooLarge(PathBuf),
    /// No SM2 or RSA private key in PKCS#8 PEM.
    #[error("{path}：没有 SM2 或 RSA 私钥（PEM，PKCS#8，未加密） · {path}: no SM2 or RSA private key (PEM, PKCS#8, not encrypted)", path = .0.display())]
    Key(PathBuf),
    /// No certificate in PEM.
    #[error("{path}：没有 X.509 证书（PEM） · {path}: no X.509 certificate (PEM)", path = .0.display())]
    NotPem(PathBuf),
    /// A certificate of no use.
    #[error("{}", path.display())]
    Certificate {
        /// Which.
        path: PathBuf,
        /// Why.
        source: CertificateFault,
    },
    /// The private key is not the certificate's.
    #[error("{path}：私钥与证书不匹配 · {path}: the private key does not belong to the certificate", path = .0.display())]
    Mismatch(PathBuf),
    /// A last day that is none.
    #[error("签名密钥 {0} 的 until 应为8位日期 · until of the signer {0} is a day of 8 digits")]
    Until(String),
    /// Two signers of one name.
    #[error("签名密钥 {0} 重名 · there are two signers named {0}")]
    NameTaken(String),
    /// A name that no file can have.
    #[error("密钥名称为1至60个 a-z A-Z 0-9 - _ · a name for a key has 1 to 60 of a-z A-Z 0-9 - _")]
    Name,
    /// What a new certificate's subject cannot be.
    #[error(
        "主体为单位名称：1至64个字符，不含控制字符 · a subject is the name of an organisation: 1 to 64 characters, no control characters"
    )]
    Subject,
    /// A validity that a certificate cannot express.
    #[error("证书有效期为1至36500天 · a certificate is valid for 1 to 36500 days")]
    Days,
    /// A length that no RSA key of cards has.
    #[error("RSA 密钥为1024或2048位 · an RSA key has 1024 or 2048 bits")]
    Bits,
    /// A certificate could not be encoded.
    #[error("无法生成证书 · the certificate could not be made")]
    Encoding(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A signer in the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The name by which senders refer to it.
    pub name: String,
    /// The private key: PEM, PKCS#8.
    pub key: PathBuf,
    /// The certificate: PEM.
    pub certificate: PathBuf,
    /// The last day on which it may be used (`yyyyMMdd`), where that is earlier than the certificate's own.
    #[serde(default)]
    pub until: Option<String>,
    /// How fast it may be used.
    #[serde(default)]
    pub pace: Pace,
}

/// A signer as shown: its name in the settings and what its certificate says, without who it names.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The name.
    pub name: String,
    /// Its certificate: the serial number, how it signs, and the last moment at which it may be used; or why it cannot be read.
    pub certificate: Result<(String, Algorithm, Timestamp), Arc<Error>>,
}

/// How the signers of the settings stand, by their certificates alone.
#[must_use]
pub fn standings(options: &[Options]) -> Vec<Standing> {
    let standing = |option: &Options| {
        let until = option.until.as_deref().and_then(last_moment);
        let read = file::certificate(&option.certificate).map(|identity| match until {
            Some(until) => identity.ending(until),
            None => identity,
        });
        let certificate = read.map(|identity| (identity.key_name().to_owned(), identity.algorithm(), identity.valid_until()));
        Standing { name: option.name.clone(), certificate: certificate.map_err(Arc::new) }
    };
    options.iter().map(standing).collect()
}

/// All signers by name.
#[derive(Default)]
pub struct Signers(BTreeMap<String, Arc<dyn Signer>>);

impl Signers {
    /// Opens the keys of the settings.
    ///
    /// # Errors
    /// When a key or a certificate is of no use, or a name is there twice.
    pub fn open(options: &[Options]) -> Result<Self, Error> {
        let mut signers = Self::default();
        for option in options {
            let signer = FileSigner::open(&option.key, &option.certificate)?;
            let until = option.until.as_deref().map(|day| last_moment(day).ok_or_else(|| Error::Until(option.name.clone())));
            let signer = match until.transpose()? {
                Some(until) => signer.ending(until),
                None => signer,
            };
            signers.add(&option.name, Arc::new(signer), option.pace)?;
        }
        Ok(signers)
    }

    /// Adds a signer under a name, to be used no faster than `pace` allows by all who ask for it together.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn add(&mut self, name: &str, signer: Arc<dyn Signer>, pace: Pace) -> Result<(), Error> {
        if self.0.contains_key(name) {
            return Err(Error::NameTaken(name.to_owned()));
        }
        self.0.insert(name.to_owned(), Arc::new(paced::Paced::new(signer, pace)));
        Ok(())
    }

    /// The signer of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<dyn Signer>> {
        self.0.get(name).cloned()
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl fmt::Debug for Signers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, signer)| (name, signer.identity()))).finish()
    }
}
