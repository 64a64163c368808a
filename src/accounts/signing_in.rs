//! Signing in, and changing one's password.

use std::{net::IpAddr, time::Duration};

use super::{Accounts, Error, LONGEST_NAME, LONGEST_PASSWORD, Opening, TRIES, actor, caller, codes, field, password};
use crate::{
    access::Caller,
    clock::Timestamp,
    party::Actor,
    store::{self, AccountChange, Holder, KeptAccount, Written},
};

/// Characters of a code.
const LONGEST_CODE: usize = 40;

/// What somebody signs in with.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// The account's name.
    pub name: &'a str,
    /// The password.
    pub password: &'a str,
    /// The code, or a recovery code; empty where none is in use yet.
    pub code: &'a str,
    /// From where.
    pub address: Option<IpAddr>,
}

/// Why somebody is not let in. All of it is answered the same.
#[derive(Debug)]
pub enum Failure {
    /// There is no such account.
    Unknown,
    /// There is one, and it was told that it failed.
    Wrong,
    /// It is shut, for a while or for good: whose it is.
    Shut(Caller),
    /// It could not be tried.
    Error(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self::Error(error.into())
    }
}

impl Accounts {
    /// Lets somebody in, and begins the session.
    ///
    /// # Errors
    /// If name, password and code do not belong together, the account is shut, or it could not be tried.
    pub async fn sign_in(&self, attempt: Attempt<'_>, opening: Opening) -> Result<KeptAccount, Failure> {
        let fits = |text: &str, most| text.chars().count() <= most;
        let is_sane = fits(attempt.name, LONGEST_NAME) && fits(attempt.password, LONGEST_PASSWORD) && fits(attempt.code, LONGEST_CODE);
        let name = if is_sane { attempt.name.trim() } else { "" };
        let known = self.store.account(name).await?;
        let password = if is_sane { attempt.password } else { "" };
        let is_right = self.passwords.is(password, known.as_ref().map(|account| account.password.as_str())).await?;
        let Some(mut account) = known else { return Err(Failure::Unknown) };
        for _ in 0..TRIES {
            let now = self.clockwork.now();
            if !account.enabled || account.locked_until.is_some_and(|until| now < until) {
                return Err(Failure::Shut(caller(&account)));
            }
            let opened = if is_right { opened(&account, attempt.code, now) } else { None };
            let is_in = opened.is_some();
            let change = match opened {
                Some(opened) => self.let_in(&account, opened, attempt, opening, now),
                None => self.fail(&account, attempt.address, now),
            };
            if self.store.put_account(now, change).await? == Written::Done {
                return if is_in { Ok(account) } else { Err(Failure::Wrong) };
            }
            let hash = account.password;
            account = self.named(name).await?;
            // What was compared is no longer what opens.
            if account.password != hash {
                return Err(Failure::Wrong);
            }
        }
        Err(Error::Busy.into())
    }

    fn let_in(&self, was: &KeptAccount, opened: KeptAccount, attempt: Attempt<'_>, opening: Opening, now: Timestamp) -> AccountChange {
        let mut changes = vec![field("sessions", "", "another")];
        if opened.recovery.len() < was.recovery.len() {
            changes.push(field("recovery_codes", &was.recovery.len().to_string(), &opened.recovery.len().to_string()));
        }
        let entries = vec![self.entry(&at(was, attempt.address), was, "sign_in", changes, "")];
        let account = KeptAccount { failures: 0, locked_until: None, signed_in_at: Some(now), ..opened };
        AccountChange { begins: Some(opening.of(Holder::Account(account.id), now)), account, ends: false, entries }
    }

    /// One failure more; with too many the account is shut, for longer each time.
    fn fail(&self, account: &KeptAccount, address: Option<IpAddr>, now: Timestamp) -> AccountChange {
        let failures = account.failures.saturating_add(1);
        let by = at(account, address);
        let changes = vec![field("failures", &account.failures.to_string(), &failures.to_string())];
        let mut entries = vec![self.entry(&by, account, "sign_in_failed", changes, "")];
        let over = failures.checked_sub(self.options.failures);
        let shut = over.map(|over| {
            let seconds = self.options.shut_s.saturating_mul(1_u64.checked_shl(over).unwrap_or(u64::MAX));
            if seconds > self.options.longest_shut_s { self.options.longest_shut_s } else { seconds }
        });
        let locked_until = shut.map(|seconds| now + Duration::from_secs(seconds));
        if let Some(until) = locked_until {
            let changes = vec![field("locked_until", "", &until.to_string())];
            entries.push(self.entry(&by, account, "account_locked", changes, ""));
        }
        let account = KeptAccount { failures, locked_until, ..account.clone() };
        AccountChange { account, ends: false, begins: None, entries }
    }

    /// Changes one's own password: all sessions end but the one that begins with it.
    ///
    /// # Errors
    /// If the present one is wrong, the new one is none, or it could not be tried.
    pub async fn change_password(&self, attempt: Attempt<'_>, new: &str, opening: Opening) -> Result<(), Failure> {
        let account = self.named(attempt.name).await?;
        let now = self.clockwork.now();
        if !account.enabled || account.locked_until.is_some_and(|until| now < until) {
            return Err(Failure::Shut(caller(&account)));
        }
        let present = if attempt.password.chars().count() <= LONGEST_PASSWORD { attempt.password } else { "" };
        if !self.passwords.is(present, Some(&account.password)).await? {
            self.change(attempt.name, |account, now| Ok(self.fail(account, attempt.address, now))).await?;
            return Err(Failure::Wrong);
        }
        let mut faults = password::faults(new, &account.name);
        if new == attempt.password {
            faults.push(("新密码须与原密码不同".to_owned(), "the new password differs from the present one".to_owned()));
        }
        if !faults.is_empty() {
            return Err(Error::Invalid(faults).into());
        }
        let hash = self.passwords.hash(new, &self.clockwork).await?;
        let entry = self.entry(&at(&account, attempt.address), &account, "account_password", vec![field("password", "", "changed")], "");
        let begins = Some(opening.of(Holder::Account(account.id), now));
        let renewed = KeptAccount { password: hash, one_time_until: None, failures: 0, locked_until: None, ..account };
        let change = AccountChange { account: renewed, ends: true, begins, entries: vec![entry] };
        match self.store.put_account(now, change).await? {
            Written::Done => Ok(()),
            Written::Stale => Err(Error::Busy.into()),
        }
    }
}

/// Whose account it is, from where.
fn at(account: &KeptAccount, address: Option<IpAddr>) -> Actor {
    Actor { address, ..actor(account) }
}

/// The account with what the code has used up, if the code opens it too.
fn opened(account: &KeptAccount, code: &str, now: Timestamp) -> Option<KeptAccount> {
    if account.one_time_until.is_some_and(|until| until <= now) {
        return None;
    }
    if !account.enrolled {
        return Some(account.clone());
    }
    match codes::step_of(account, code, now) {
        Some(last_step) => Some(KeptAccount { last_step, ..account.clone() }),
        None => codes::recovered(account, code),
    }
}
