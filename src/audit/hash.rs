//! The hashes of the tree (RFC 6962 §2.1): SHA-256, with one first byte for leaves and another for nodes.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

/// A SHA-256 hash: of a leaf, a node or a whole tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// How many bytes it has.
    pub const LENGTH: usize = 32;
    /// The root of a tree without leaves: the hash of nothing.
    pub const EMPTY_ROOT: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
        0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    ]);

    /// Takes the 32 bytes.
    #[must_use]
    pub const fn new(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// Takes exactly 32 bytes; nothing if there are more or fewer.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// Reads the base64 form (RFC 4648 §4, padded), the only one in which checkpoints write a hash.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // 44 characters hold 32 bytes: nothing longer is worth decoding.
        if text.len() != 44 {
            return None;
        }
        STANDARD.decode(text).ok().as_deref().and_then(Self::from_slice)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The hash of a leaf: SHA-256(0x00 || body).
#[must_use]
pub fn leaf_hash(body: &[u8]) -> Hash {
    Hash(Sha256::new_with_prefix([0]).chain_update(body).finalize().into())
}

/// The hash of a node: SHA-256(0x01 || left || right).
#[must_use]
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    let mut bytes = [1; 1 + 2 * Hash::LENGTH];
    let (head, tail) = bytes.split_at_mut(1 + Hash::LENGTH);
    head[1..].copy_from_slice(&left.0);
    tail.copy_from_slice(&right.0);
    Hash(Sha256::digest(bytes).into())
}

#[cfg(test)]
pub(super) mod vectors {
    //! The reference leaves and roots of the certificate-transparency project (transparency-dev/merkle, testonly/constants.go).

    use super::Hash;

    pub(crate) const LEAVES: [&[u8]; 8] =
        [b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43", b"\x50\x51\x52\x53\x54\x55\x56\x57", b"`abcdefghijklmno"];

    pub(crate) const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    pub(crate) fn hex(text: &str) -> Hash {
        let bytes: Vec<u8> = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect();
        Hash::from_slice(&bytes).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_and_nodes_hash_as_the_reference_does() {
        assert_eq!(leaf_hash(b""), vectors::hex("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"));
        assert_eq!(leaf_hash(b"L123456"), vectors::hex("395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"));
        assert_eq!(node_hash(leaf_hash(b""), leaf_hash(b"\x00")), vectors::hex(vectors::ROOTS[2]));
        assert_eq!(Hash::EMPTY_ROOT, Hash(Sha256::digest(b"").into()));
    }

    #[test]
    fn the_text_form_reads_back_and_nothing_else_does() {
        let hash = leaf_hash(b"x");
        assert_eq!(Hash::parse(&hash.to_string()), Some(hash));
        assert_eq!(Hash::parse(""), None);
        assert_eq!(Hash::parse(&"A".repeat(44)), None, "33 bytes");
        assert_eq!(Hash::parse(&"!".repeat(44)), None);
        assert_eq!(Hash::from_slice(&[0; 31]), None);
    }
}
