//! Encryption of what is kept raw: sealed messages and what came from customs, both of which name persons (a seller's telephone, notes,
//! the subjects of certificates). XChaCha20-Poly1305 with a random nonce; where a row's bytes are put into another row they do not open.
//!
//! Several keys are known at a time: the first one encrypts, all of them decrypt. So a key is changed by putting a new one before it,
//! and [`crate::store::Store::reseal`] brings what is kept under the new one; then the old one can go.
//!
//! What is kept tells by itself how it is kept. Bytes that do not begin with a mark are as they came; after the mark stands the way: plain
//! (for bytes that happen to begin with the mark), or encrypted, with the key's sign and the nonce.

use std::{
    fmt,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::clock::Clockwork;

/// No XML begins so.
const MARK: [u8; 4] = [0, b'T', b'G', b'V'];
const PLAIN: u8 = 0;
const ENCRYPTED: u8 = 1;
const SIGN: usize = 8;
const NONCE: usize = 24;
const KEY: usize = 32;
/// Bytes of the largest key file: a key in base64 takes 44.
const LARGEST_FILE: u64 = 1_024;
const MOST_KEYS: usize = 16;

/// With which keys what is kept raw is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The keys; the first one encrypts, all of them decrypt. None: nothing is encrypted.
    pub keys: Vec<KeyOptions>,
}

/// Where one key is: in a file or in the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyOptions {
    /// The file, made by `tongguan key vault`.
    pub file: Option<PathBuf>,
    /// The environment variable that holds the text of such a file; its name does not begin with `TONGGUAN_`.
    pub environment: Option<String>,
}

impl KeyOptions {
    fn shown(&self) -> String {
        match (&self.file, &self.environment) {
            (Some(file), _) => file.display().to_string(),
            (None, Some(name)) => format!("${name}"),
            (None, None) => "—".to_owned(),
        }
    }

    fn text(&self) -> Result<Zeroizing<String>, Error> {
        match (&self.file, &self.environment) {
            (Some(file), None) => read(file).map_err(|source| Error::File(file.clone(), source)),
            (None, Some(name)) => std::env::var(name).map(Zeroizing::new).map_err(|_| Error::Environment(name.clone())),
            _ => Err(Error::Place),
        }
    }
}

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither or both.
    #[error("vault.keys：每个密钥须写 file 或 environment 之一 · vault.keys: each key takes either file or environment")]
    Place,
    /// More than anybody needs.
    #[error("vault.keys：最多16个 · vault.keys: at most 16")]
    TooMany,
    /// A file cannot be read.
    #[error("{path} 无法读取 · {path} cannot be read: {1}", path = .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// A variable is not set.
    #[error("环境变量 {0} 未设置 · the environment variable {0} is not set")]
    Environment(String),
    /// No key is in it.
    #[error("{0}：须为32字节密钥的 base64（tongguan key vault）· {0}: takes a key of 32 bytes in base64, as `tongguan key vault` makes it")]
    Key(String),
    /// The same key twice.
    #[error("{0}：密钥重复 · {0}: the same key is there twice")]
    Twice(String),
}

/// Why bytes cannot be given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Locked {
    /// They were encrypted with a key that is not known here.
    #[error("they were encrypted with a key that is not configured")]
    UnknownKey,
    /// They were altered, or belong to another row.
    #[error("they were altered since they were encrypted, or moved from another row")]
    Altered,
}

/// What bytes belong to, so that they open nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A sealed message.
    Message(Uuid),
    /// What arrived.
    Arrival(Uuid),
    /// What an account's codes are made of.
    Account(Uuid),
}

impl Place {
    fn text(self) -> [u8; 17] {
        let (kind, id) = match self {
            Self::Message(id) => (b'm', id),
            Self::Arrival(id) => (b'a', id),
            Self::Account(id) => (b'c', id),
        };
        let mut text = [kind; 17];
        text[1..].copy_from_slice(id.as_bytes());
        text
    }
}

struct Key {
    /// By which bytes tell their key: a digest, which tells nothing of it.
    sign: [u8; SIGN],
    cipher: XChaCha20Poly1305,
}

/// The keys. Without any, bytes are kept as they are.
#[derive(Clone, Default)]
pub struct Vault {
    keys: Arc<[Key]>,
    clockwork: Option<Clockwork>,
}

impl Vault {
    /// Reads the keys.
    ///
    /// # Errors
    /// If one cannot be read, or is none.
    pub fn open(options: &Options, clockwork: &Clockwork) -> Result<Self, Error> {
        Ok(Self { keys: keys(options)?.into(), clockwork: Some(clockwork.clone()) })
    }

    /// Bytes as they are to be kept.
    #[must_use]
    pub fn lock(&self, place: Place, bytes: Vec<u8>) -> Vec<u8> {
        let (Some(key), Some(clockwork)) = (self.keys.first(), &self.clockwork) else { return unmarked(bytes) };
        let mut nonce = [0; NONCE];
        clockwork.fill(&mut nonce);
        let payload = Payload { msg: &bytes, aad: &place.text() };
        // It fails only above 256 GiB, and every input is bounded far below that.
        let Ok(encrypted) = key.cipher.encrypt(&XNonce::from(nonce), payload) else { return unmarked(bytes) };
        [&MARK[..], &[ENCRYPTED], &key.sign, &nonce, &encrypted].concat()
    }

    /// Bytes as they were before they were kept.
    ///
    /// # Errors
    /// If they cannot be decrypted.
    pub fn unlock(&self, place: Place, kept: Vec<u8>) -> Result<Vec<u8>, Locked> {
        let Some((way, rest)) = kept.strip_prefix(&MARK).and_then(<[u8]>::split_first) else { return Ok(kept) };
        if *way == PLAIN {
            return Ok(rest.to_vec());
        }
        let (sign, rest) = rest.split_first_chunk::<SIGN>().ok_or(Locked::Altered)?;
        let (nonce, encrypted) = rest.split_first_chunk::<NONCE>().ok_or(Locked::Altered)?;
        let key = self.keys.iter().find(|key| key.sign == *sign).ok_or(Locked::UnknownKey)?;
        let payload = Payload { msg: encrypted, aad: &place.text() };
        key.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| Locked::Altered)
    }

    /// Whether kept bytes are as they would be kept now: encrypted with the first key, or with none where there is none.
    #[must_use]
    pub fn is_current(&self, kept: &[u8]) -> bool {
        let sign = kept.strip_prefix(&MARK).and_then(|rest| rest.strip_prefix(&[ENCRYPTED])).and_then(|rest| rest.get(..SIGN));
        sign == self.keys.first().map(|key| &key.sign[..])
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

/// By what nodes tell that they have the same keys; nothing of a key can be told from it.
///
/// # Errors
/// As [`Vault::open`].
pub fn signs(options: &Options) -> Result<Vec<[u8; SIGN]>, Error> {
    Ok(keys(options)?.iter().map(|key| key.sign).collect())
}

fn keys(options: &Options) -> Result<Vec<Key>, Error> {
    if options.keys.len() > MOST_KEYS {
        return Err(Error::TooMany);
    }
    let mut keys: Vec<Key> = Vec::with_capacity(options.keys.len());
    for named in &options.keys {
        let text = named.text()?;
        let key = parse(&text).ok_or_else(|| Error::Key(named.shown()))?;
        let sign = sign(&key);
        if keys.iter().any(|known| known.sign == sign) {
            return Err(Error::Twice(named.shown()));
        }
        keys.push(Key { sign, cipher: XChaCha20Poly1305::new((&*key).into()) });
    }
    Ok(keys)
}

/// A new key, as it stands in a file.
#[must_use]
pub fn new_key(clockwork: &Clockwork) -> Zeroizing<String> {
    let mut key = Zeroizing::new([0; KEY]);
    clockwork.fill(&mut *key);
    Zeroizing::new(STANDARD.encode(*key))
}

/// The first bytes of [`MARK`], and of what stands in a store for what was archived: only marks begin so.
const RESERVED: [u8; 3] = [0, b'T', b'G'];

fn unmarked(bytes: Vec<u8>) -> Vec<u8> {
    if bytes.starts_with(&RESERVED) { [&MARK[..], &[PLAIN], &bytes].concat() } else { bytes }
}

fn sign(key: &[u8; KEY]) -> [u8; SIGN] {
    let digest = Sha256::new().chain_update(b"tongguan vault key").chain_update(key).finalize();
    let mut sign = [0; SIGN];
    sign.copy_from_slice(&digest[..SIGN]);
    sign
}

fn parse(text: &str) -> Option<Zeroizing<[u8; KEY]>> {
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
    Some(Zeroizing::new(<[u8; KEY]>::try_from(bytes.as_slice()).ok()?))
}

fn read(file: &Path) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(64));
    File::open(file)?.take(LARGEST_FILE).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests;
