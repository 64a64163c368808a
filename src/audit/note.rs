//! Signed notes (C2SP signed-note) with Ed25519, and the text forms of their keys.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// The signature type of Ed25519 in signed notes.
const ED25519: u8 = 1;
const SECRET: &str = "PRIVATE+KEY+";
/// A checkpoint with some witnesses stays far below; what is longer is not read.
const LONGEST: usize = 64 * 1024;
const MOST_SIGNATURES: usize = 100;
const LONGEST_NAME: usize = 255;

/// What is wrong with a key or a note. Never says what a secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Key names are not empty and have no spaces, plus signs or control characters.
    #[error("a key name must have 1 to {LONGEST_NAME} bytes, without spaces, plus signs or control characters")]
    Name,
    /// The text of a key is not of its form, or its hash does not fit.
    #[error("不是 Ed25519 日志密钥 · this is not an Ed25519 note key")]
    Key,
    /// The text of a note ends with a newline and has no control characters but newlines.
    #[error("a note's text must end with a newline and have no other control characters")]
    Text,
    /// A note is a text, an empty line and signature lines.
    #[error("不是签名的检查点 · this is not a signed note")]
    Malformed,
    /// Nobody that is trusted signed it.
    #[error("检查点不是由应有的密钥签名 · the note is not signed by the key it should be signed by")]
    Unsigned,
    /// A signature that names the trusted key is not by it.
    #[error("检查点的签名与内容不符 · the signature of the note does not fit its text")]
    Signature,
}

/// Tells whether a text may name a key.
#[must_use]
pub(super) fn is_name(name: &str) -> bool {
    let fits = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
    (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(fits)
}

fn is_text(text: &str) -> bool {
    text.len() <= LONGEST && text.bytes().all(|b| b >= 0x20 || b == b'\n')
}

pub(super) type KeyId = [u8; 4];

/// SHA-256(name || newline || type || public key), its first four bytes.
pub(super) fn key_id(name: &str, kind: u8, key: &VerifyingKey) -> KeyId {
    let hash = Sha256::new_with_prefix(name).chain_update([b'\n', kind]).chain_update(key.as_bytes()).finalize();
    let mut id = KeyId::default();
    for (to, from) in id.iter_mut().zip(hash) {
        *to = from;
    }
    id
}

/// The text form that secret and public keys share: name, hash, and the type with 32 bytes.
pub(super) fn key_text(name: &str, id: KeyId, kind: u8, bytes: &[u8; 32]) -> String {
    let typed: Vec<u8> = [kind].iter().chain(bytes).copied().collect();
    format!("{name}+{:08x}+{}", u32::from_be_bytes(id), STANDARD.encode(typed))
}

pub(super) fn parse_key(text: &str, wanted: u8) -> Option<(&str, KeyId, [u8; 32])> {
    let mut parts = text.splitn(3, '+');
    let (name, id, bytes) = (parts.next()?, parts.next()?, parts.next()?);
    let is_hex = id.len() == 8 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if !is_name(name) || !is_hex || bytes.len() != 44 {
        return None;
    }
    let id = u32::from_str_radix(id, 16).ok()?.to_be_bytes();
    let bytes = STANDARD.decode(bytes).ok()?;
    let (&kind, bytes) = bytes.split_first()?;
    (kind == wanted).then_some(())?;
    Some((name, id, bytes.try_into().ok()?))
}

/// The secret key of a log, or of a witness.
#[derive(Clone)]
pub struct LogKey {
    name: String,
    key: SigningKey,
}

impl LogKey {
    /// Makes a key from 32 random bytes.
    ///
    /// # Errors
    /// The name may not name a key.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::Name);
        }
        Ok(Self { name: name.to_owned(), key: SigningKey::from_bytes(seed) })
    }

    /// Reads what [`to_secret_text`](Self::to_secret_text) wrote; space around it does not matter.
    ///
    /// # Errors
    /// It is no such text.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, id, seed) = text.trim().strip_prefix(SECRET).and_then(|text| parse_key(text, ED25519)).ok_or(NoteError::Key)?;
        let key = Self::new(name, &seed)?;
        if key_id(name, ED25519, &key.public()) == id { Ok(key) } else { Err(NoteError::Key) }
    }

    /// `PRIVATE+KEY+name+hash+key`, the form of the reference implementation (golang.org/x/mod/sumdb/note). Whoever has it is the log.
    #[must_use]
    pub fn to_secret_text(&self) -> String {
        let id = key_id(&self.name, ED25519, &self.public());
        format!("{SECRET}{}", key_text(&self.name, id, ED25519, self.key.as_bytes()))
    }

    /// Its name: the origin of the log.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What others check its signatures with.
    #[must_use]
    pub fn verifier(&self) -> LogVerifier {
        LogVerifier::new(self.name.clone(), self.public())
    }

    pub(super) fn public(&self) -> VerifyingKey {
        self.key.verifying_key()
    }

    pub(super) fn sign_bytes(&self, bytes: &[u8]) -> Result<[u8; 64], NoteError> {
        Ok(self.key.try_sign(bytes).map_err(|_| NoteError::Signature)?.to_bytes())
    }

    /// Signs a text and writes the note.
    ///
    /// # Errors
    /// The text may not be the text of a note.
    pub fn sign(&self, text: &str) -> Result<String, NoteError> {
        if !text.ends_with('\n') || !is_text(text) {
            return Err(NoteError::Text);
        }
        let signature = self.sign_bytes(text.as_bytes())?;
        let id = key_id(&self.name, ED25519, &self.public());
        let signed: Vec<u8> = id.into_iter().chain(signature).collect();
        Ok(format!("{text}\n— {} {}\n", self.name, STANDARD.encode(signed)))
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogKey").field(&self.name).finish()
    }
}

/// The public key of a log, or of a witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogVerifier {
    name: String,
    id: KeyId,
    key: VerifyingKey,
}

impl LogVerifier {
    fn new(name: String, key: VerifyingKey) -> Self {
        let id = key_id(&name, ED25519, &key);
        Self { name, id, key }
    }

    /// Reads `name+hash+key` (a vkey); space around it does not matter.
    ///
    /// # Errors
    /// It is no such text, or its hash is not that of the key.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, id, bytes) = parse_key(text.trim(), ED25519).ok_or(NoteError::Key)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| NoteError::Key)?;
        let verifier = Self::new(name.to_owned(), key);
        if verifier.id == id { Ok(verifier) } else { Err(NoteError::Key) }
    }

    /// Its name: the origin of the log.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives the text of a note that this key signed.
    ///
    /// # Errors
    /// It is no note, or this key did not sign it.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        SignedNote::parse(note)?.verify(self)
    }
}

impl fmt::Display for LogVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&key_text(&self.name, self.id, ED25519, self.key.as_bytes()))
    }
}

/// A note taken apart. Its text means nothing until a trusted key has been found to have signed it.
#[derive(Debug, Clone)]
pub struct SignedNote<'a> {
    text: &'a str,
    signatures: Vec<(&'a str, KeyId, Vec<u8>)>,
}

impl<'a> SignedNote<'a> {
    /// Takes a note apart.
    ///
    /// # Errors
    /// It is no note.
    pub fn parse(note: &'a str) -> Result<Self, NoteError> {
        if !is_text(note) {
            return Err(NoteError::Malformed);
        }
        // The last empty line parts the text, which keeps its newline, from the signatures.
        let (text, lines) = note.rfind("\n\n").and_then(|at| note.split_at_checked(at + 1)).ok_or(NoteError::Malformed)?;
        let lines = lines.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n')).ok_or(NoteError::Malformed)?;
        if lines.split('\n').nth(MOST_SIGNATURES).is_some() {
            return Err(NoteError::Malformed);
        }
        let signatures = lines.split('\n').map(signature).collect::<Option<_>>().ok_or(NoteError::Malformed)?;
        Ok(Self { text, signatures })
    }

    /// The text, which anybody may have written.
    #[must_use]
    pub const fn unverified(&self) -> &'a str {
        self.text
    }

    /// What a key of this name and hash signed with, whatever it is worth.
    pub(super) fn signature_of(&self, name: &str, id: KeyId) -> Option<&[u8]> {
        self.signatures.iter().find(|(known, its, _)| *known == name && *its == id).map(|(_, _, signature)| signature.as_slice())
    }

    /// Gives the text if the key signed it.
    ///
    /// # Errors
    /// It did not, or a signature that names it is wrong.
    pub fn verify(&self, key: &LogVerifier) -> Result<&'a str, NoteError> {
        let mut signed = Err(NoteError::Unsigned);
        for (_, _, signature) in self.signatures.iter().filter(|(name, id, _)| *name == key.name && *id == key.id) {
            let signature = Signature::from_slice(signature).map_err(|_| NoteError::Signature)?;
            key.key.verify_strict(self.text.as_bytes(), &signature).map_err(|_| NoteError::Signature)?;
            signed = Ok(self.text);
        }
        signed
    }
}

/// Reads `— name base64(key id || signature)`.
fn signature(line: &str) -> Option<(&str, KeyId, Vec<u8>)> {
    let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
    let bytes = STANDARD.decode(encoded).ok()?;
    let (id, signature) = bytes.split_first_chunk()?;
    (is_name(name) && !signature.is_empty()).then(|| (name, *id, signature.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of golang.org/x/mod/sumdb/note, the reference implementation.
    const SECRET_KEY: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const PUBLIC_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const TEXT: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    const SIGNED: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn the_reference_example_is_signed_and_opened_alike() {
        let key = LogKey::parse(SECRET_KEY).unwrap();
        let note = format!("{TEXT}\n{SIGNED}");
        assert_eq!(key.sign(TEXT).unwrap(), note);
        assert_eq!(key.to_secret_text(), SECRET_KEY);
        assert_eq!(key.verifier().to_string(), PUBLIC_KEY);
        let verifier = LogVerifier::parse(&format!(" {PUBLIC_KEY}\n")).unwrap();
        assert_eq!(verifier.open(&note), Ok(TEXT));
        assert_eq!(format!("{key:?}"), r#"LogKey("PeterNeumann")"#);
    }

    #[test]
    fn the_example_of_the_specification_opens() {
        let verifier = LogVerifier::parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k").unwrap();
        let note = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
        assert_eq!(verifier.open(note), Ok("This is an example message.\n"));
    }

    #[test]
    fn other_signatures_are_passed_over_and_wrong_ones_refused() {
        let key = LogKey::parse(SECRET_KEY).unwrap();
        let other = LogKey::new("witness.example/w", &[7; 32]).unwrap();
        let theirs = other.sign(TEXT).unwrap();
        let theirs = &theirs[TEXT.len() + 1..];
        let both = format!("{TEXT}\n{theirs}{SIGNED}");
        assert_eq!(key.verifier().open(&both), Ok(TEXT));
        assert_eq!(other.verifier().open(&both), Ok(TEXT));
        assert_eq!(key.verifier().open(&format!("{TEXT}\n{theirs}")), Err(NoteError::Unsigned));
        assert_eq!(key.verifier().open(&both.replace("cryptography", "Cryptography")), Err(NoteError::Signature));
        let namesake = LogKey::new("PeterNeumann", &[7; 32]).unwrap();
        assert_eq!(namesake.verifier().open(&both), Err(NoteError::Unsigned), "same name, other key");
    }

    #[test]
    fn what_is_no_note_is_refused() {
        let verifier = LogVerifier::parse(PUBLIC_KEY).unwrap();
        let note = format!("{TEXT}\n{SIGNED}");
        let many = format!("{TEXT}\n{}", SIGNED.repeat(MOST_SIGNATURES + 1));
        let long = format!("{}{note}", "x\n".repeat(LONGEST));
        let cases = [
            "",
            "\n",
            "\n\n",
            TEXT,
            note.trim_end(),
            &note.replace("— ", "- "),
            &note.replace("x08go", "!"),
            &note.replace("problem", "\u{7}problem"),
            &format!("{TEXT}\n— PeterNeumann x08g\n"),
            &format!("{note}\n"),
            &many,
            &long,
        ];
        for case in cases {
            assert_eq!(verifier.open(case), Err(NoteError::Malformed), "{case:.80}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in
            ["", "a", "a+b+c", &PUBLIC_KEY.replace("c74", "c75"), &PUBLIC_KEY.replace("Peter", "Paul"), &PUBLIC_KEY[1..], SECRET_KEY]
        {
            assert_eq!(LogVerifier::parse(text), Err(NoteError::Key), "{text}");
        }
        for text in [
            "",
            SECRET,
            PUBLIC_KEY,
            &SECRET_KEY.replace("c74", "C74"),
            &SECRET_KEY.replace("AYEK", "AoEK"),
            &SECRET_KEY.replace("YEK", "YEL"),
        ] {
            assert_eq!(LogKey::parse(text).map(|_| ()), Err(NoteError::Key), "{text}");
        }
        for name in ["", "a b", "a+b", "a\u{3000}b", "a\nb", &"x".repeat(256)] {
            assert_eq!(LogKey::new(name, &[1; 32]).map(|_| ()), Err(NoteError::Name), "{name}");
        }
        let key = LogKey::new("a", &[1; 32]).unwrap();
        assert_eq!(key.sign("no newline"), Err(NoteError::Text));
        assert_eq!(key.sign("tab\t\n"), Err(NoteError::Text));
    }
}
