//! Countersignatures (C2SP tlog-cosignature, cosignature/v1): a second key says when it saw a checkpoint, and that it saw none that
//! contradicts it.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};

use super::note::{KeyId, LogKey, NoteError, SignedNote, key_id, key_text, parse_key};

/// The signature type of cosignature/v1 in signed notes.
const COSIGNATURE: u8 = 4;

/// What is signed: the time in seconds since 1970, and the text of the checkpoint.
fn signed_text(text: &str, seconds: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {seconds}\n{text}").into_bytes()
}

impl LogKey {
    /// Adds the countersignature of this key, made at a time (seconds since 1970), to a note. What the note says is not looked at.
    ///
    /// # Errors
    /// It is no note.
    pub fn cosign(&self, note: &str, seconds: u64) -> Result<String, NoteError> {
        let text = SignedNote::parse(note)?.unverified();
        let signature = self.sign_bytes(&signed_text(text, seconds))?;
        let id = key_id(self.name(), COSIGNATURE, &self.public());
        let signed: Vec<u8> = id.into_iter().chain(seconds.to_be_bytes()).chain(signature).collect();
        Ok(format!("{note}— {} {}\n", self.name(), STANDARD.encode(signed)))
    }

    /// What others check its countersignatures with.
    #[must_use]
    pub fn witness(&self) -> WitnessVerifier {
        let key = self.public();
        WitnessVerifier { name: self.name().to_owned(), id: key_id(self.name(), COSIGNATURE, &key), key }
    }
}

/// The public key of a witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessVerifier {
    name: String,
    id: KeyId,
    key: VerifyingKey,
}

impl WitnessVerifier {
    /// Reads `name+hash+key`; space around it does not matter.
    ///
    /// # Errors
    /// It is no such text, or its hash is not that of the key.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let (name, id, bytes) = parse_key(text.trim(), COSIGNATURE).ok_or(NoteError::Key)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| NoteError::Key)?;
        if key_id(name, COSIGNATURE, &key) == id { Ok(Self { name: name.to_owned(), id, key }) } else { Err(NoteError::Key) }
    }

    /// When this witness saw the checkpoint: seconds since 1970.
    ///
    /// # Errors
    /// It did not sign it, or what names it is not by it.
    pub fn seen(&self, note: &str) -> Result<u64, NoteError> {
        let note = SignedNote::parse(note)?;
        let bytes = note.signature_of(&self.name, self.id).ok_or(NoteError::Unsigned)?;
        let (seconds, signature) = bytes.split_first_chunk().ok_or(NoteError::Signature)?;
        let seconds = u64::from_be_bytes(*seconds);
        let signature = Signature::from_slice(signature).map_err(|_| NoteError::Signature)?;
        self.key.verify_strict(&signed_text(note.unverified(), seconds), &signature).map_err(|_| NoteError::Signature)?;
        Ok(seconds)
    }
}

impl fmt::Display for WitnessVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&key_text(&self.name, self.id, COSIGNATURE, self.key.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_signs_beside_the_log_and_says_when() {
        let log = LogKey::new("tongguan.example/log", &[1; 32]).unwrap();
        let witness = LogKey::new("witness.example/w", &[2; 32]).unwrap();
        let note = log.sign("tongguan.example/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n").unwrap();
        let both = witness.cosign(&note, 1_679_315_147).unwrap();
        assert_eq!(witness.witness().seen(&both), Ok(1_679_315_147));
        assert!(log.verifier().open(&both).is_ok(), "the log's own signature still stands");
        let again = WitnessVerifier::parse(&witness.witness().to_string()).unwrap();
        assert_eq!(again, witness.witness());
        assert_eq!(again.seen(&note), Err(NoteError::Unsigned));
        assert_eq!(again.seen(&both.replace("\n0\n", "\n1\n")), Err(NoteError::Signature));
        assert_eq!(log.witness().seen(&both), Err(NoteError::Unsigned));
        assert_eq!(witness.verifier().open(&both), Err(NoteError::Unsigned), "it is no signature of a log");
        assert_eq!(WitnessVerifier::parse(&witness.verifier().to_string()), Err(NoteError::Key), "another type of key");
        assert_eq!(witness.cosign("no note", 1), Err(NoteError::Malformed));
    }
}
