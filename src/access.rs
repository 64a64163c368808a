//! Who may do what. A key belongs to a tenant and has a role; [`Access::identify`] tells whose call it is, [`allows`] whether
//! the role may make it. What is not in the one table is denied.
//!
//! Keys are kept as SHA-256 digests: they are random and long, so a slow hash would add nothing.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    clock::Clockwork,
    party::{Actor, Role, Tenant},
};

const PREFIX: &str = "tgk_";
const LONGEST_KEY: usize = 200;
const LONGEST_NAME: usize = 60;

/// Which keys exist.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The keys; none: every caller is the administrator of the tenant `local`, and only this machine may call.
    pub keys: Vec<KeyOptions>,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyOptions {
    /// Its name, written into the audit log; never a person's.
    pub name: String,
    /// Whose data it works on.
    pub tenant: String,
    /// What it may do.
    pub role: Role,
    /// SHA-256 of the key, in hexadecimal.
    pub sha256: String,
}

/// Why the keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A name is empty, too long, or given twice.
    #[error("密钥 {0}：名称不可重复，最多60个字符 · key {0}: its name must be given once, up to 60 characters")]
    Name(String),
    /// A tenant's name is not one.
    #[error("密钥 {0}：租户为1至40个 a-z、0-9 或 - · key {0}: the tenant takes 1 to 40 of a-z, 0-9 and -")]
    Tenant(String),
    /// The digest is not one.
    #[error("密钥 {0}：sha256 为64位十六进制 · key {0}: sha256 takes 64 hexadecimal digits")]
    Digest(String),
    /// The gateway's own role is not for callers.
    #[error("密钥 {0}：gateway 角色仅供网关自身使用 · key {0}: the role gateway is the gateway's own")]
    Role(String),
}

/// What can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// Submit and SubmitStream.
    Submit,
    /// Validate.
    Validate,
    /// Get, List, Watch and Deadlines of declarations, and PreviewSummary.
    ReadDeclarations,
    /// PushWaybills, AmendWaybill and DeleteWaybill.
    PushWaybills,
    /// GetWaybill, and Watch of what carriers push.
    ReadWaybills,
    /// Amend, Delete, Cancel, DeclareReturn, DeclarePayment and ApplySummary.
    Amend,
    /// DeclareReturnTally.
    TallyReturn,
    /// GetFollowUp.
    ReadFollowUps,
    /// PutSeller, RecordInvoice, RecordRegistration, RecordStatement, RecordEvidence, RecordFiling and RecordChoice.
    Record,
    /// Assess.
    Assess,
    /// ExportLedger.
    ReadLedgers,
    /// PushManifest and BindWaybill.
    PushManifest,
    /// PushArrival and PushDeparture.
    PushMovements,
    /// Timeline, Search, Tail.
    ReadAuditLog,
    /// Find.
    Find,
    /// UnmatchedReceipts, Queues, Nodes, ListDeliveries, QuarantinedArrivals and GetArrival.
    ReadQueues,
    /// ResumeSender.
    ResumeSender,
    /// Hold, Release, Retry, Resolve, PauseEndpoint, ResumeEndpoint and AttachReceipt.
    Desk,
}

/// Who may call what: the one table. Who is not named is denied.
const TABLE: [(Call, &[Role]); 18] = [
    (Call::Submit, &[Role::Seller, Role::Administrator]),
    (Call::Validate, &[Role::Seller, Role::Operator, Role::Administrator]),
    (Call::ReadDeclarations, &[Role::Seller, Role::Operator, Role::Administrator]),
    (Call::PushWaybills, &[Role::Carrier, Role::Administrator]),
    (Call::ReadWaybills, &[Role::Carrier, Role::Operator, Role::Administrator]),
    (Call::Amend, &[Role::Seller, Role::Administrator]),
    (Call::TallyReturn, &[Role::Seller, Role::Carrier, Role::Administrator]),
    (Call::ReadFollowUps, &[Role::Seller, Role::Carrier, Role::Operator, Role::Administrator]),
    (Call::Record, &[Role::Seller, Role::Administrator]),
    (Call::Assess, &[Role::Seller, Role::Operator, Role::Administrator]),
    (Call::ReadLedgers, &[Role::Seller, Role::Operator, Role::Administrator]),
    (Call::PushManifest, &[Role::Seller, Role::Carrier, Role::Administrator]),
    (Call::PushMovements, &[Role::Carrier, Role::Administrator]),
    (Call::ReadAuditLog, &[Role::Operator, Role::Auditor, Role::Administrator]),
    (Call::Find, &[Role::Operator, Role::Administrator]),
    (Call::ReadQueues, &[Role::Operator, Role::Administrator]),
    (Call::ResumeSender, &[Role::Operator, Role::Administrator]),
    (Call::Desk, &[Role::Operator, Role::Administrator]),
];

/// Whether a role may make a call.
#[must_use]
pub fn allows(role: Role, call: Call) -> bool {
    TABLE.iter().any(|(named, roles)| *named == call && roles.contains(&role))
}

/// A known caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who it is: what it does is written down under this.
    pub actor: Actor,
    /// Whose data it sees; nothing: everybody's.
    pub scope: Option<Tenant>,
}

/// Why a call is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No key, or an unknown one.
    #[error("no such key")]
    Unknown,
    /// The role may not do that.
    #[error("the role may not do that")]
    Forbidden,
}

#[derive(Debug, Clone)]
struct Key {
    digest: [u8; 32],
    caller: Caller,
}

/// The keys, ready to be compared.
#[derive(Debug, Clone)]
pub struct Access {
    keys: Vec<Key>,
}

impl Access {
    /// Reads the keys.
    ///
    /// # Errors
    /// If a key has no proper name, tenant, role or digest.
    pub fn new(options: &Options) -> Result<Self, Error> {
        let mut keys: Vec<Key> = Vec::with_capacity(options.keys.len());
        for key in &options.keys {
            let name = || key.name.clone();
            let known = keys.iter().any(|other| other.caller.actor.name == key.name);
            if known || key.name.is_empty() || key.name.chars().count() > LONGEST_NAME {
                return Err(Error::Name(name()));
            }
            if key.role == Role::Gateway {
                return Err(Error::Role(name()));
            }
            let tenant = Tenant::parse(&key.tenant).ok_or_else(|| Error::Tenant(name()))?;
            let digest = unhex(&key.sha256).ok_or_else(|| Error::Digest(name()))?;
            let scope = (!sees_everything(key.role)).then(|| tenant.clone());
            keys.push(Key { digest, caller: Caller { actor: Actor { tenant, role: key.role, name: name() }, scope } });
        }
        Ok(Self { keys })
    }

    /// Whether anybody may call: no key is configured. Then only this machine may be listened to.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.keys.is_empty()
    }

    /// Tells who calls, from the value of `authorization`.
    ///
    /// # Errors
    /// If keys are configured and this is none of them.
    pub fn identify(&self, authorization: Option<&str>) -> Result<Caller, Denied> {
        if self.is_open() {
            let tenant = Tenant::local();
            let actor = Actor { tenant: tenant.clone(), role: Role::Administrator, name: Tenant::LOCAL.to_owned() };
            return Ok(Caller { actor, scope: Some(tenant) });
        }
        let (scheme, key) = authorization.and_then(|value| value.split_once(' ')).ok_or(Denied::Unknown)?;
        let key = key.trim();
        if !scheme.eq_ignore_ascii_case("bearer") || key.len() > LONGEST_KEY {
            return Err(Denied::Unknown);
        }
        let digest = digest(key);
        // Every key is compared, each in full: the time taken tells nothing of a match.
        let mut found = None;
        for key in &self.keys {
            if same(&key.digest, &digest) {
                found = Some(key);
            }
        }
        found.map(|key| key.caller.clone()).ok_or(Denied::Unknown)
    }

    /// Tells who calls and whether it may.
    ///
    /// # Errors
    /// If the key is unknown or its role may not make the call.
    pub fn admit(&self, authorization: Option<&str>, call: Call) -> Result<Caller, Denied> {
        let caller = self.identify(authorization)?;
        if allows(caller.actor.role, call) { Ok(caller) } else { Err(Denied::Forbidden) }
    }
}

/// A new key and its SHA-256 in hexadecimal; only the latter belongs into the configuration.
#[must_use]
pub fn new_key(clockwork: &Clockwork) -> (String, String) {
    let mut random = [0; 32];
    clockwork.fill(&mut random);
    let plain = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let hash = hex(&digest(&plain));
    (plain, hash)
}

const fn sees_everything(role: Role) -> bool {
    matches!(role, Role::Operator | Role::Auditor | Role::Administrator)
}

fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter().zip(b).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for half in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(half), 16));
        }
        text
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let half = |digit: &u8| char::from(*digit).to_digit(16).and_then(|half| u8::try_from(half).ok());
        let [high, low] = pair else { return None };
        *byte = (half(high)? << 4) | half(low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::{ManualClock, SeededEntropy};

    fn clockwork() -> Clockwork {
        Clockwork::new(Arc::new(ManualClock::default()), Arc::new(SeededEntropy::new(3)))
    }

    fn key(name: &str, tenant: &str, role: Role, sha256: &str) -> KeyOptions {
        KeyOptions { name: name.into(), tenant: tenant.into(), role, sha256: sha256.into() }
    }

    #[test]
    fn the_whole_table() {
        use Role::{Administrator, Auditor, Carrier, Gateway, Operator, Seller};
        let roles = [Seller, Carrier, Operator, Auditor, Administrator, Gateway];
        let expected = [
            (Call::Submit, [true, false, false, false, true, false]),
            (Call::Validate, [true, false, true, false, true, false]),
            (Call::ReadDeclarations, [true, false, true, false, true, false]),
            (Call::PushWaybills, [false, true, false, false, true, false]),
            (Call::ReadWaybills, [false, true, true, false, true, false]),
            (Call::Amend, [true, false, false, false, true, false]),
            (Call::TallyReturn, [true, true, false, false, true, false]),
            (Call::ReadFollowUps, [true, true, true, false, true, false]),
            (Call::Record, [true, false, false, false, true, false]),
            (Call::Assess, [true, false, true, false, true, false]),
            (Call::ReadLedgers, [true, false, true, false, true, false]),
            (Call::PushManifest, [true, true, false, false, true, false]),
            (Call::PushMovements, [false, true, false, false, true, false]),
            (Call::ReadAuditLog, [false, false, true, true, true, false]),
            (Call::Find, [false, false, true, false, true, false]),
            (Call::ReadQueues, [false, false, true, false, true, false]),
            (Call::ResumeSender, [false, false, true, false, true, false]),
            (Call::Desk, [false, false, true, false, true, false]),
        ];
        assert_eq!(expected.len(), TABLE.len());
        for (call, row) in expected {
            for (role, may) in roles.into_iter().zip(row) {
                assert_eq!(allows(role, call), may, "{role:?} {call:?}");
            }
        }
    }

    #[test]
    fn without_keys_everybody_is_the_local_administrator_and_sees_one_tenant() {
        let access = Access::new(&Options::default()).unwrap();
        assert!(access.is_open());
        let caller = access.identify(Some("Bearer whatever")).unwrap();
        assert_eq!((caller.actor.role, caller.scope), (Role::Administrator, Some(Tenant::local())));
    }

    #[test]
    fn a_key_opens_for_its_tenant_and_role_only() {
        let (plain, hash) = new_key(&clockwork());
        let access = Access::new(&Options { keys: vec![key("erp", "acme", Role::Seller, &hash)] }).unwrap();
        assert!(plain.starts_with("tgk_") && plain.len() > 40);
        let caller = access.admit(Some(&format!("Bearer {plain}")), Call::Submit).unwrap();
        assert_eq!(caller.scope.as_ref().map(Tenant::as_str), Some("acme"));
        assert_eq!(access.admit(Some(&format!("bearer {plain}")), Call::Find), Err(Denied::Forbidden));
        for wrong in [None, Some(""), Some("Bearer"), Some("Bearer "), Some(plain.as_str()), Some("Basic x"), Some("Bearer tgk_x")] {
            assert_eq!(access.identify(wrong), Err(Denied::Unknown), "{wrong:?}");
        }
        assert_eq!(access.identify(Some(&format!("Bearer {hash}"))), Err(Denied::Unknown), "the digest is not the key");
    }

    #[test]
    fn staff_see_every_tenant() {
        let (plain, hash) = new_key(&clockwork());
        let access = Access::new(&Options { keys: vec![key("desk", "house", Role::Operator, &hash)] }).unwrap();
        assert_eq!(access.identify(Some(&format!("Bearer {plain}"))).unwrap().scope, None);
    }

    #[test]
    fn keys_that_are_none_are_refused() {
        let hash = "0".repeat(64);
        let one = |key: KeyOptions| Access::new(&Options { keys: vec![key] }).unwrap_err();
        assert!(matches!(one(key("", "a", Role::Seller, &hash)), Error::Name(_)));
        assert!(matches!(one(key("k", "A B", Role::Seller, &hash)), Error::Tenant(_)));
        assert!(matches!(one(key("k", "a", Role::Gateway, &hash)), Error::Role(_)));
        assert!(matches!(one(key("k", "a", Role::Seller, "zz")), Error::Digest(_)));
        assert!(matches!(one(key("k", "a", Role::Seller, &"é".repeat(32))), Error::Digest(_)));
        let twice = Options { keys: vec![key("k", "a", Role::Seller, &hash), key("k", "b", Role::Seller, &hash)] };
        assert!(matches!(Access::new(&twice), Err(Error::Name(_))));
    }
}
