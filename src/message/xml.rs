//! XML, as far as messages need it: a writer whose output is canonical as it stands, a bounded reader, and Canonical XML 1.0.
//!
//! What is read is hostile until shown otherwise: no DOCTYPE, no processing instruction, no entity of its own, bounded in size,
//! depth, elements and attributes, UTF-8 only. Elements are known by namespace and local name, never by prefix.

pub mod canonical;
pub use tokens::MAX_BYTES;

pub(super) mod names;
pub(super) mod tokens;
pub(super) mod tree;
pub(super) mod writer;

/// The namespace of business messages.
pub const CEB: &str = "http://www.chinaport.gov.cn/ceb";
/// The namespace of transport envelopes.
pub const DXP: &str = "http://www.chinaport.gov.cn/dxp";
/// The namespace of signatures.
pub const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
/// The namespace that requests declare beside the other two, because published signatures were made over it (transport §2.2).
pub const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
