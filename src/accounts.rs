//! Accounts of people at the console: a name, a password (argon2id) and a code of six digits (TOTP, RFC 6238) from a device that only the
//! person has. What callers over gRPC come in with stays what [`crate::access`] knows: keys and certificates.
//!
//! An account begins with a one-time password, from the command line or from an administrator; the person changes it at the first
//! sign-in, and shows by a code that the device has the secret. No code opens twice: the step of the last one is kept. Who fails too often
//! shuts the account for a while, longer each time. A name that is not known costs what a wrong password does, and is answered the same.
//!
//! Every sign-in, every failure of a known account and every change is an entry of the audit log, in the same commit.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    access::Caller,
    audit::{Difference, Entry},
    check::characters::is_unseen,
    clock::{Clockwork, Timestamp},
    message::masked_text,
    party::{Actor, Role, Tenant},
    store::{self, AccountChange, Holder, KeptAccount, KeptSession, Store, Written},
    task,
};

mod codes;
mod keeping;
mod password;
mod signing_in;

pub use self::{
    codes::Enrolment,
    keeping::{LONGEST_WHY, New},
    password::SHORTEST,
    signing_in::{Attempt, Failure},
};
use password::Passwords;

/// Characters of a name.
pub const LONGEST_NAME: usize = 60;
/// Characters of a password.
pub const LONGEST_PASSWORD: usize = 200;
/// Changes made anew because the account had changed.
const TRIES: usize = 8;

/// How accounts are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// KiB that hashing a password takes.
    pub memory_kib: u32,
    /// Times that it goes over them.
    pub passes: u32,
    /// Passwords that are hashed at a time; others wait.
    pub at_once: u32,
    /// Failures that shut an account.
    pub failures: u32,
    /// Seconds that it is shut for; twice as long with each failure after that.
    pub shut_s: u64,
    /// Seconds that it is shut for at most.
    pub longest_shut_s: u64,
    /// Hours that a one-time password opens.
    pub one_time_h: u64,
}

impl Default for Options {
    fn default() -> Self {
        // What OWASP recommends for argon2id: 19 MiB, two passes, one lane.
        Self { memory_kib: 19 * 1_024, passes: 2, at_once: 2, failures: 5, shut_s: 60, longest_shut_s: 3_600, one_time_h: 72 }
    }
}

impl Options {
    /// What is wrong with them: the names of what is out of bounds, with the bounds.
    #[must_use]
    pub fn faults(&self) -> Vec<&'static str> {
        let within = [
            ((64..=1_048_576).contains(&self.memory_kib), "memory_kib: 64–1048576"),
            ((1..=20).contains(&self.passes), "passes: 1–20"),
            ((1..=16).contains(&self.at_once), "at_once: 1–16"),
            ((1..=100).contains(&self.failures), "failures: 1–100"),
            ((1..=86_400).contains(&self.shut_s), "shut_s: 1–86400"),
            ((self.shut_s..=86_400).contains(&self.longest_shut_s), "longest_shut_s: shut_s–86400"),
            ((1..=720).contains(&self.one_time_h), "one_time_h: 1–720"),
        ];
        within.into_iter().filter(|(is_within, _)| !is_within).map(|(_, what)| what).collect()
    }
}

/// Why something about an account came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something about the request is wrong: every fault, in Chinese and English.
    #[error("{}", .0.iter().map(|(zh, en)| format!("{zh} / {en}")).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<(String, String)>),
    /// There is no such account.
    #[error("没有该账户 / there is no such account")]
    Nobody,
    /// Too much is asked at once, or it kept changing.
    #[error("请稍后重试 / try again in a moment")]
    Busy,
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    fn invalid(zh: &str, en: &str) -> Self {
        Self::Invalid(vec![(zh.to_owned(), en.to_owned())])
    }
}

/// Accounts, and what opens them.
#[derive(Clone)]
pub struct Accounts {
    store: Arc<dyn Store>,
    clockwork: Clockwork,
    options: Options,
    passwords: Passwords,
}

/// A session that is to begin: the digest of its token, and when it is over.
#[derive(Debug, Clone, Copy)]
pub struct Opening {
    /// SHA-256 of its token.
    pub id: [u8; 32],
    /// When it is over in any case.
    pub until: Timestamp,
}

impl Opening {
    /// As it is kept.
    #[must_use]
    pub const fn of(self, holder: Holder, now: Timestamp) -> KeptSession {
        KeptSession { id: self.id, holder, born: now, seen: now, until: self.until }
    }
}

impl Accounts {
    /// Joins its parts.
    ///
    /// # Errors
    /// If passwords cannot be hashed as the options say.
    pub fn new(store: Arc<dyn Store>, clockwork: Clockwork, options: Options) -> Result<Self, Error> {
        let passwords = Passwords::new(&options, &clockwork)?;
        Ok(Self { store, clockwork, options, passwords })
    }

    /// An account by its name.
    async fn named(&self, name: &str) -> Result<KeptAccount, Error> {
        self.store.account(name).await?.ok_or(Error::Nobody)
    }

    /// Changes an account as it is now; anew, where somebody else changed it meanwhile.
    async fn change(&self, name: &str, decide: impl Fn(&KeptAccount, Timestamp) -> Result<AccountChange, Error>) -> Result<(), Error> {
        for _ in 0..TRIES {
            let now = self.clockwork.now();
            let change = decide(&self.named(name).await?, now)?;
            if self.store.put_account(now, change).await? == Written::Done {
                return Ok(());
            }
        }
        Err(Error::Busy)
    }

    /// An entry about an account.
    fn entry(&self, by: &Actor, about: &KeptAccount, act: &str, changes: Vec<Difference>, why: &str) -> Entry {
        let why = masked_text(why.trim());
        Entry { id: self.clockwork.id(), at: self.clockwork.now(), actor: by.clone(), act: act.to_owned(), subject: about.id, changes, why }
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.clockwork.fill(&mut bytes);
        bytes
    }
}

/// Who somebody with an account is.
#[must_use]
pub fn caller(account: &KeptAccount) -> Caller {
    Caller { actor: actor(account), scope: None, person: Some(account.name.clone()) }
}

fn actor(account: &KeptAccount) -> Actor {
    Actor::new(account.tenant.clone(), account.role, &account.name)
}

/// An act upon the state of an account, as one difference.
fn field(name: &str, from: &str, to: &str) -> Difference {
    task::difference(format!("account.{name}"), from, to)
}

fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

/// Whether a name can be an account's.
fn is_name(name: &str) -> bool {
    let is_plain = |c: char| !is_unseen(c) && !c.is_whitespace() && !":\"'<>&/\\".contains(c);
    !name.is_empty() && name.chars().count() <= LONGEST_NAME && name.chars().all(is_plain)
}

/// Roles that an account may have.
#[must_use]
pub fn is_staff(role: Role) -> bool {
    matches!(role, Role::Operator | Role::Auditor | Role::Administrator)
}

/// A new account: shut to everything until its one-time password is changed.
fn new_account(id: Uuid, new: &New, password: String, now: Timestamp, until: Timestamp) -> KeptAccount {
    KeptAccount {
        id,
        version: 0,
        name: new.name.clone(),
        tenant: new.tenant.clone().unwrap_or_else(Tenant::local),
        role: new.role,
        enabled: true,
        password,
        one_time_until: Some(until),
        secret: None,
        enrolled: false,
        last_step: 0,
        recovery: Vec::new(),
        failures: 0,
        locked_until: None,
        made_at: now,
        signed_in_at: None,
    }
}

#[cfg(test)]
mod tests;
