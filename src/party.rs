//! Who takes part: tenants and actors on our side, enterprises on the wire, senders towards customs.

use std::{fmt, net::IpAddr, sync::Arc};

use serde::{Deserialize, Serialize};

mod trace;

pub use self::trace::{NoTrace, Trace};

/// The firm on whose behalf everything is kept: rows, keys and answers belong to one tenant each.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tenant(Arc<str>);

impl Tenant {
    /// The tenant of an installation that names none.
    pub const LOCAL: &str = "local";
    const LONGEST: usize = 40;

    /// Takes 1 to 40 of `a-z 0-9 -`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits =
            (1..=Self::LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        fits.then(|| Self(text.into()))
    }

    /// The tenant of an installation that names none.
    #[must_use]
    pub fn local() -> Self {
        Self(Self::LOCAL.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an actor is allowed to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 跨境电商企业: submits and watches declarations.
    Seller,
    /// 物流企业: pushes waybills.
    Carrier,
    /// Operations staff: finds, holds, releases, resolves, in every tenant.
    Operator,
    /// Reads the audit log of every tenant.
    Auditor,
    /// Everything.
    Administrator,
    /// The gateway's own tasks.
    Gateway,
}

impl Role {
    /// As written in configuration and in the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seller => "seller",
            Self::Carrier => "carrier",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Administrator => "administrator",
            Self::Gateway => "gateway",
        }
    }
}

/// Who did something: written into every audit entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Whose data it works on.
    pub tenant: Tenant,
    /// What it may do.
    pub role: Role,
    /// The name of its key or task; never a person's.
    pub name: String,
    /// Where it called from; nothing for what came over no network: the gateway's own tasks and commands on its machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// In the course of what: the trace that the caller named, or that what the gateway works on was submitted in; nothing where none was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
}

impl Actor {
    /// Somebody of whose call nothing is known.
    #[must_use]
    pub fn new(tenant: Tenant, role: Role, name: impl Into<String>) -> Self {
        Self { tenant, role, name: name.into(), address: None, trace: None }
    }

    /// One of the gateway's own tasks, working for `tenant`.
    #[must_use]
    pub fn gateway(tenant: Tenant, task: &str) -> Self {
        Self::new(tenant, Role::Gateway, task)
    }
}

/// An enterprise as messages name it: a code (统一社会信用代码, 18, or 海关注册编码, 10) and its registered name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Party {
    /// Credit code or customs code; 无 for a foreign platform without one.
    pub code: String,
    /// Registered name.
    pub name: String,
}

/// What platforms without a Chinese code write in their place (revision notes 202205, 303.ebpCode).
pub const NO_PLATFORM_CODE: &str = "无";

/// Tells whether a code is a 统一社会信用代码 with a right check digit (GB 32100-2015).
#[must_use]
pub fn is_credit_code(code: &str) -> bool {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
    let value = |b: u8| ALPHABET.iter().position(|&a| a == b);
    let Some(values) = code.bytes().map(value).collect::<Option<Vec<_>>>() else { return false };
    let [head @ .., check] = values.as_slice() else { return false };
    if head.len() != WEIGHTS.len() {
        return false;
    }
    let sum: usize = head.iter().zip(WEIGHTS).map(|(value, weight)| value * weight).sum();
    (31 - sum % 31) % 31 == *check
}

/// Tells whether a code has the structure of a 海关注册编码: 5 digits of place and zone, one of kind, 4 of sequence
/// (digits or upper-case letters). The structure alone: the register is not public.
#[must_use]
pub fn is_customs_code(code: &str) -> bool {
    let bytes = code.as_bytes();
    bytes.len() == 10
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4..].iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

/// 传输企业: an identity towards customs. The receiver is national, so a sender is chosen by kind and transmitting party,
/// never by office.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sender {
    /// Our short name for it.
    pub name: String,
    /// copCode and copName; the code must equal the identity of the connection (message specification, BaseTransfer).
    pub party: Party,
    /// dxpId, given by the data sub-centre; at most 16 characters.
    pub dxp_id: String,
    /// The name of the signer that holds its key.
    pub signer: String,
    /// The road its messages take unless a lane names another.
    pub road: String,
    /// BaseSubscribe of its messages: who else is to get data or receipts, at most 5.
    #[serde(default)]
    pub subscriptions: Vec<Subscription>,
    /// ExtendMessage of its messages, where somebody has agreed on one.
    #[serde(default)]
    pub extension: Option<Extension>,
}

/// Somebody else who is to get what a sender sends, or what customs answers (schema 2022-05, BaseSubscribe).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// status: ALL, DATA or RET.
    pub status: String,
    /// dxpAddress: the subscriber's identity on the exchange platform, at most 100 characters.
    pub dxp_address: String,
    /// note.
    #[serde(default)]
    pub note: Option<String>,
}

/// What a local platform has agreed on with a sender beside the messages (schema 2022-05, ExtendMessage).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// name, at most 30 characters.
    pub name: String,
    /// version, at most 30 characters.
    pub version: String,
    /// Message: one XML element without namespaces, or nothing.
    #[serde(default)]
    pub content: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_code_check_digit() {
        assert!(is_credit_code("91350100M000100Y43"), "the example of GB 32100-2015");
        assert!(!is_credit_code("91350100M000100Y44"));
        assert!(!is_credit_code("91350100M000100I43"), "I is not in the alphabet");
        assert!(!is_credit_code("91350100M000100Y4"));
    }

    #[test]
    fn customs_code_structure() {
        assert!(is_customs_code("4401960ABC"));
        assert!(!is_customs_code("44019"));
        assert!(!is_customs_code("ABCD960ABC"));
    }
}
