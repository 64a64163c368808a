//! Looks at a message's signature as strictly as it is told to.

use crate::seal::{self, Mode, Refusal};

use super::options::Signatures;

/// What is wrong with a signature.
#[derive(Debug)]
pub struct SignatureFault {
    /// The platform's code for it (message specification 202205, table 7-1): 1004 数字签名与数据不符, 1001 数字签名无效.
    pub code: &'static str,
    /// In words.
    pub what: String,
}

/// Checks the signature over a business message.
pub fn check(bytes: &[u8], signatures: Signatures) -> Result<(), SignatureFault> {
    let mode = match signatures {
        Signatures::Strict => Mode::Strict,
        Signatures::Lenient => Mode::Lenient,
        Signatures::Ignored => return Ok(()),
    };
    seal::verify(bytes, mode).map(drop).map_err(|refusal| SignatureFault {
        code: if matches!(refusal, Refusal::DigestDiffers { .. }) { "1004" } else { "1001" },
        what: refusal.zh(),
    })
}
