//! What administrators do to accounts, on the command line or at the console.

use std::time::Duration;

use super::{Accounts, Error, LONGEST_NAME, field, is_name, is_staff, new_account, password};
use crate::{
    check::characters::is_unseen,
    clock::Timestamp,
    party::{Actor, Role, Tenant},
    store::{AccountChange, KeptAccount, MOST_ACCOUNTS, Written},
};

/// Characters of a reason.
pub const LONGEST_WHY: usize = 200;

/// An account that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whose entries it writes; nothing: the house's own.
    pub tenant: Option<Tenant>,
}

/// Whether an account is to open.
const fn word(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

fn check_why(why: &str) -> Result<(), Error> {
    let why = why.trim();
    if why.is_empty() || why.chars().count() > LONGEST_WHY || why.chars().any(is_unseen) {
        return Err(Error::invalid(
            "请填写原因：1至200个可见字符，不含个人信息",
            "give a reason of 1 to 200 visible characters, no personal data",
        ));
    }
    Ok(())
}

impl Accounts {
    /// All accounts, by name.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn all(&self) -> Result<Vec<KeptAccount>, Error> {
        Ok(self.store.accounts().await?)
    }

    /// Makes an account; gives its one-time password, which is kept nowhere. Where one is given, it is that.
    ///
    /// # Errors
    /// If the name is none or taken, the role is no person's, or the store cannot be written.
    pub async fn add(&self, by: &Actor, new: &New, given: Option<String>, why: &str) -> Result<String, Error> {
        check_why(why)?;
        let mut faults = Vec::new();
        if !is_name(&new.name) {
            faults.push((
                format!("账户名为1至{LONGEST_NAME}个可见字符，不含空白和 : \" ' < > & / \\"),
                format!("a name has 1 to {LONGEST_NAME} visible characters, no spaces and none of : \" ' < > & / \\"),
            ));
        }
        if !is_staff(new.role) {
            faults.push((
                "账户的角色为 operator、auditor 或 administrator".to_owned(),
                "the role of an account is operator, auditor or administrator".to_owned(),
            ));
        }
        if let Some(given) = &given {
            faults.extend(password::faults(given, &new.name));
        }
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        if self.all().await?.len() >= usize::try_from(MOST_ACCOUNTS).unwrap_or(usize::MAX) {
            return Err(Error::invalid("账户过多", "there are too many accounts"));
        }
        let one_time = given.unwrap_or_else(|| self.one_time());
        let hash = self.passwords.hash(&one_time, &self.clockwork).await?;
        let now = self.clockwork.now();
        let account = new_account(self.clockwork.id(), new, hash, now, self.one_time_until(now));
        let changes = vec![field("name", "", &account.name), field("role", "", account.role.as_str())];
        let entries = vec![self.entry(by, &account, "account_add", changes, why)];
        let change = AccountChange { account, ends: false, begins: None, entries };
        match self.store.put_account(now, change).await? {
            Written::Done => Ok(one_time),
            Written::Stale => Err(Error::invalid("已有同名账户", "there is an account of that name")),
        }
    }

    fn one_time_until(&self, now: Timestamp) -> Timestamp {
        now + Duration::from_secs(self.options.one_time_h.saturating_mul(3_600))
    }

    /// Shuts an account for good, or opens it again. Shut, its sessions end at once.
    ///
    /// # Errors
    /// If there is none of that name, the reason is none, or the store cannot be written.
    pub async fn enable(&self, by: &Actor, name: &str, enabled: bool, why: &str) -> Result<(), Error> {
        check_why(why)?;
        if !enabled {
            self.keep_one(name).await?;
        }
        let act = if enabled { "account_enable" } else { "account_disable" };
        self.change(name, |account, _| {
            let changes = vec![field("enabled", word(account.enabled), word(enabled))];
            let entries = vec![self.entry(by, account, act, changes, why)];
            Ok(AccountChange { account: KeptAccount { enabled, ..account.clone() }, ends: !enabled, begins: None, entries })
        })
        .await
    }

    /// Whoever shuts the last administrator shuts himself out.
    async fn keep_one(&self, name: &str) -> Result<(), Error> {
        let all = self.all().await?;
        let mut open = all.iter().filter(|account| account.enabled && account.role == Role::Administrator);
        let is_one = all.iter().any(|account| account.name == name && account.role == Role::Administrator && account.enabled);
        if is_one && open.all(|account| account.name == name) {
            return Err(Error::invalid("这是最后一个可用的管理员账户", "this is the last administrator's account that opens"));
        }
        Ok(())
    }

    /// Gives an account a new one-time password and takes its codes away; its sessions end at once.
    ///
    /// # Errors
    /// As [`Accounts::enable`].
    pub async fn reset(&self, by: &Actor, name: &str, given: Option<String>, why: &str) -> Result<String, Error> {
        check_why(why)?;
        let faults = given.as_deref().map(|given| password::faults(given, name)).unwrap_or_default();
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        self.named(name).await?;
        let one_time = given.unwrap_or_else(|| self.one_time());
        let hash = self.passwords.hash(&one_time, &self.clockwork).await?;
        self.change(name, |account, now| {
            let changes = vec![field("password", "", "one-time"), field("codes", word(account.enrolled), "no")];
            let entries = vec![self.entry(by, account, "account_reset", changes, why)];
            let account = KeptAccount {
                password: hash.clone(),
                one_time_until: Some(self.one_time_until(now)),
                secret: None,
                enrolled: false,
                recovery: Vec::new(),
                failures: 0,
                locked_until: None,
                ..account.clone()
            };
            Ok(AccountChange { account, ends: true, begins: None, entries })
        })
        .await?;
        Ok(one_time)
    }

    /// Lets an account that was shut by failures open again.
    ///
    /// # Errors
    /// As [`Accounts::enable`].
    pub async fn unlock(&self, by: &Actor, name: &str, why: &str) -> Result<(), Error> {
        check_why(why)?;
        self.change(name, |account, _| {
            let changes = vec![field("failures", &account.failures.to_string(), "0")];
            let entries = vec![self.entry(by, account, "account_unlock", changes, why)];
            let account = KeptAccount { failures: 0, locked_until: None, ..account.clone() };
            Ok(AccountChange { account, ends: false, begins: None, entries })
        })
        .await
    }

    /// Ends all sessions of an account.
    ///
    /// # Errors
    /// If there is none of that name, or the store cannot be written.
    pub async fn sign_out_everywhere(&self, by: &Actor, name: &str) -> Result<(), Error> {
        self.change(name, |account, _| {
            let entries = vec![self.entry(by, account, "sign_out", vec![field("sessions", "", "none")], "")];
            Ok(AccountChange { account: account.clone(), ends: true, begins: None, entries })
        })
        .await
    }
}
