//! Who may do what. A key belongs to a tenant and has a role; [`Access::identify`] tells whose call it is, [`allows`] whether
//! the role may make it. What is not in the one table is denied.
//!
//! Keys are kept as SHA-256 digests: they are random and long, so a slow hash would add nothing. Certificates are verified by the
//! handshake; here is only whose they are. [`Access::replace`] takes other keys and certificates while callers are in: whoever came in
//! with one that is gone is let go ([`Access::gone`]).

use std::{net::IpAddr, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    clock::{Clockwork, Timestamp},
    party::{Actor, Role, Tenant},
};

mod held;
mod presented;
mod rates;
mod refusals;

pub use self::{
    presented::Presented,
    rates::RateOptions,
    refusals::{Cause, Refusals},
};
use held::{Held, digest};

const PREFIX: &str = "tgk_";

/// Which keys exist.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The keys; none: every caller is the administrator of the tenant `local`, and only this machine may call.
    pub keys: Vec<KeyOptions>,
    /// Certificates that callers come in with, where `grpc.tls.client_ca` asks for them.
    pub certificates: Vec<CertificateOptions>,
    /// How often one of them may call.
    pub rate: RateOptions,
    /// What operations staff order of more than so many at once, or cannot take back, waits for a second person; nothing: for nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub two_persons_over: Option<u32>,
}

/// A certificate's owner: one of `subject` and `san` says which certificates these are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CertificateOptions {
    /// Its name, written into the audit log; never a person's.
    pub name: String,
    /// Whose data it works on.
    pub tenant: String,
    /// What it may do.
    pub role: Option<Role>,
    /// The whole subject, as RFC 4514 writes it: `CN=erp,O=Acme`.
    pub subject: Option<String>,
    /// One alternative name: `DNS:erp.acme.example`, `URI:spiffe://acme/erp`.
    pub san: Option<String>,
    /// The last day on which it opens, where that is before the certificate's own: `20270630`.
    pub until: Option<String>,
    /// Whose it is, where two persons are asked for: the name of an account, or what else tells persons apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
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
    /// The last day on which it opens, in China's time: `20270630`; nothing: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Whose it is, where two persons are asked for: the name of an account, or what else tells persons apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
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
    /// The person is none.
    #[error("{0}：person 为1至60个字符 · {0}: person takes 1 to 60 characters")]
    Person(String),
    /// The last day is none.
    #[error("{0}：until 应为8位日期 · {0}: until is a day of 8 digits")]
    Until(String),
    /// A certificate is not said by exactly one of subject and alternative name, or has no role.
    #[error("证书 {0}：须有 role，subject 与 san 须恰有其一 · certificate {0}: it needs a role, and one of subject and san")]
    Certificate(String),
    /// Nobody would be left who may call; without any key everybody could.
    #[error(
        "不能在运行中删除全部密钥和证书 · the last key cannot be taken away while the gateway runs: without keys everybody could come in"
    )]
    Nobody,
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
    /// Timeline, Search, Checkpoint, ProveInclusion, ProveConsistency, Tail.
    ReadAuditLog,
    /// Find.
    Find,
    /// UnmatchedReceipts, Queues, Nodes, ListDeliveries, QuarantinedArrivals and ListProposals.
    ReadQueues,
    /// GetArrival, and the pages of messages and arrivals: masked.
    ReadRaw,
    /// Any of these, Get, GetFollowUp, GetWaybill and Timeline with a reason for which nothing is masked.
    Reveal,
    /// ResumeSender.
    ResumeSender,
    /// Hold, Release, Retry, Resolve, PauseEndpoint, ResumeEndpoint, AttachReceipt, Approve and Decline.
    Desk,
    /// The pages where accounts are kept.
    Accounts,
    /// PlaceLegalHold and LiftLegalHold.
    LegalHold,
    /// ListLegalHolds.
    ReadLegalHolds,
    /// ProposeDestruction, and Approve of what it proposed.
    Destroy,
}

/// Who may call what: the one table. Who is not named is denied.
const TABLE: [(Call, &[Role]); 24] = [
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
    (Call::ReadRaw, &[Role::Operator, Role::Auditor, Role::Administrator]),
    (Call::Reveal, &[Role::Operator, Role::Auditor, Role::Administrator]),
    (Call::ResumeSender, &[Role::Operator, Role::Administrator]),
    (Call::Desk, &[Role::Operator, Role::Administrator]),
    (Call::Accounts, &[Role::Administrator]),
    (Call::LegalHold, &[Role::Auditor, Role::Administrator]),
    (Call::ReadLegalHolds, &[Role::Operator, Role::Auditor, Role::Administrator]),
    (Call::Destroy, &[Role::Administrator]),
];

/// Whether a role may make a call.
#[must_use]
pub fn allows(role: Role, call: Call) -> bool {
    TABLE.iter().any(|(named, roles)| *named == call && roles.contains(&role))
}

/// How words are shown that may name a person: customs' own, and raw messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// What is personal is put out of sight.
    Masked,
    /// As they came.
    Whole,
}

/// A known caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who it is: what it does is written down under this.
    pub actor: Actor,
    /// Whose data it sees; nothing: everybody's.
    pub scope: Option<Tenant>,
    /// Which person it is; nothing: nobody says.
    pub person: Option<String>,
}

impl Caller {
    /// The same in a call of which more is known: where it comes from, and its `traceparent`, if that is one.
    #[must_use]
    pub fn calling(mut self, address: Option<IpAddr>, traceparent: Option<&str>) -> Self {
        self.actor.address = address.map(|address| address.to_canonical());
        self.actor.trace = traceparent.and_then(|text| text.parse().ok());
        self
    }

    /// How it is shown what it does not ask to see for a reason: sellers and carriers see only what is about their own, and see it whole.
    #[must_use]
    pub const fn sight(&self) -> Sight {
        match self.actor.role {
            Role::Seller | Role::Carrier => Sight::Whole,
            Role::Operator | Role::Auditor | Role::Administrator | Role::Gateway => Sight::Masked,
        }
    }
}

/// Somebody who may come in, as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Who it is.
    pub actor: Actor,
    /// Whether by a certificate; else by a key.
    pub by_certificate: bool,
    /// Until when; nothing: for ever, or as long as the certificate lasts.
    pub until: Option<Timestamp>,
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

/// Keys and certificates, ready to be compared.
#[derive(Debug)]
pub struct Access {
    held: watch::Sender<Arc<Held>>,
    clockwork: Clockwork,
    rates: rates::Rates,
    refusals: Refusals,
}

impl Access {
    /// Reads the keys and certificates.
    ///
    /// # Errors
    /// If one has no proper name, tenant, role, digest or day.
    pub fn new(options: &Options) -> Result<Self, Error> {
        let held = watch::Sender::new(Arc::new(Held::new(options)?));
        Ok(Self { held, clockwork: Clockwork::system(), rates: rates::Rates::default(), refusals: Refusals::default() })
    }

    /// The same, by another clock.
    #[must_use]
    pub fn by(self, clockwork: &Clockwork) -> Self {
        Self { clockwork: clockwork.clone(), ..self }
    }

    /// Takes other keys and certificates in the place of those that were there. As open as it was at the start it does not become.
    ///
    /// # Errors
    /// As [`Access::new`]; then those that were there stay.
    pub fn replace(&self, options: &Options) -> Result<(), Error> {
        let held = Arc::new(Held::new(options)?);
        if held.principals.is_empty() && !self.is_open() {
            return Err(Error::Nobody);
        }
        self.held.send_replace(held);
        Ok(())
    }

    /// Whether anybody may call: no key or certificate is configured. Then only this machine may be listened to.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.held.borrow().principals.is_empty()
    }

    /// Tells who calls, from the value of `authorization`.
    ///
    /// # Errors
    /// If keys are configured and this is none of them.
    pub fn identify(&self, authorization: Option<&str>) -> Result<Caller, Denied> {
        self.identify_as(authorization, None)
    }

    /// Tells who calls, from the value of `authorization`, or where there is none, from its certificate.
    ///
    /// # Errors
    /// If it is nobody who is known, or no longer.
    pub fn identify_as(&self, authorization: Option<&str>, presented: Option<&Presented>) -> Result<Caller, Denied> {
        let held = Arc::clone(&self.held.borrow());
        if held.principals.is_empty() {
            return Ok(anybody());
        }
        let found = match (authorization, presented) {
            (Some(value), _) => held.of_key(value),
            (None, Some(presented)) => held.of_certificate(presented),
            (None, None) => None,
        };
        let now = self.clockwork.now();
        let standing = found.filter(|principal| principal.until.is_none_or(|until| now <= until));
        standing.map(|principal| principal.caller.clone()).ok_or(Denied::Unknown)
    }

    /// Whose the key with this digest is now.
    ///
    /// # Errors
    /// If it is nobody's, or nobody's any more.
    pub fn identify_digest(&self, key: &[u8; 32]) -> Result<Caller, Denied> {
        let held = self.held.borrow();
        let now = self.clockwork.now();
        let standing = held.of_digest(key).filter(|principal| principal.until.is_none_or(|until| now <= until));
        standing.map(|principal| principal.caller.clone()).ok_or(Denied::Unknown)
    }

    /// Tells who calls and whether it may.
    ///
    /// # Errors
    /// If the key is unknown or its role may not make the call.
    pub fn admit(&self, authorization: Option<&str>, call: Call) -> Result<Caller, Denied> {
        self.admit_as(authorization, None, call)
    }

    /// The same, where a certificate may say who calls.
    ///
    /// # Errors
    /// If the caller is unknown or its role may not make the call.
    pub fn admit_as(&self, authorization: Option<&str>, presented: Option<&Presented>, call: Call) -> Result<Caller, Denied> {
        let caller = self.identify_as(authorization, presented)?;
        if allows(caller.actor.role, call) { Ok(caller) } else { Err(Denied::Forbidden) }
    }

    /// Takes one call from what the caller may make at present.
    ///
    /// # Errors
    /// After how long there will be one.
    pub fn take(&self, caller: &Caller) -> Result<(), Duration> {
        let rate = self.held.borrow().rate;
        self.rates.take(rate, &caller.actor.name, self.clockwork.now())
    }

    /// Waits until what somebody came in with opens no longer, or opens as somebody else.
    pub async fn gone(self: Arc<Self>, authorization: Option<String>, presented: Option<Arc<Presented>>, caller: Caller) {
        let mut changes = self.held.subscribe();
        // This is the sender: it is not gone as long as somebody waits here.
        while changes.changed().await.is_ok() {
            if self.identify_as(authorization.as_deref(), presented.as_deref()).as_ref() != Ok(&caller) {
                return;
            }
        }
    }

    /// Looks again, since time has passed: whoever came in with what has expired is let go. To be called now and then.
    pub fn look_again(&self) {
        let now = self.clockwork.now();
        self.held.send_if_modified(|held| held.principals.iter().any(|principal| principal.until.is_some_and(|until| until < now)));
    }

    /// Who may come in, by name, without what opens to them.
    #[must_use]
    pub fn known(&self) -> Vec<Known> {
        self.held.borrow().principals.iter().map(held::Principal::known).collect()
    }

    /// What was refused.
    #[must_use]
    pub const fn refusals(&self) -> &Refusals {
        &self.refusals
    }
}

/// Who anybody on this machine is, where no keys are configured.
#[must_use]
pub fn anybody() -> Caller {
    let tenant = Tenant::local();
    let actor = Actor::new(tenant.clone(), Role::Administrator, Tenant::LOCAL);
    Caller { actor, scope: Some(tenant), person: None }
}

/// The digest by which a key is known.
#[must_use]
pub fn key_digest(key: &str) -> [u8; 32] {
    digest(key)
}

/// A new key and its SHA-256 in hexadecimal; only the latter belongs into the configuration.
#[must_use]
pub fn new_key(clockwork: &Clockwork) -> (String, String) {
    let mut random = [0; 32];
    clockwork.fill(&mut random);
    let plain = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
    let hash = hex::encode(digest(&plain));
    (plain, hash)
}

#[cfg(test)]
mod tests;
