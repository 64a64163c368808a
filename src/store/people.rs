//! People at the console: their accounts, who is signed in, and what one of them has proposed that a second one is to decide.

use std::fmt;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Result, Written};
use crate::{
    audit::Entry,
    clock::Timestamp,
    party::{Actor, Role, Tenant},
    vault::{Locked, Place, Vault},
};

/// Accounts that are listed; more than a firm has.
pub const MOST_ACCOUNTS: u32 = 1_000;
/// Sessions at a time; the one that was used least recently makes room.
pub const MOST_SESSIONS: u32 = 1_000;

/// An account of a person.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptAccount {
    /// Its id.
    pub id: Uuid,
    /// Counted up by each change; 0: it is new.
    pub version: i64,
    /// Under which the person signs in, and which the log names.
    pub name: String,
    /// Whose entries it writes where they are about nobody else's data.
    pub tenant: Tenant,
    /// What it may do.
    pub role: Role,
    /// Whether it opens anything.
    pub enabled: bool,
    /// The password's hash, a PHC string.
    pub password: String,
    /// The password is to be changed, and opens until then; nothing: it is the person's own.
    pub one_time_until: Option<Timestamp>,
    /// What codes are made of; nothing: it was not made yet.
    pub secret: Option<Vec<u8>>,
    /// Whether a code has shown that the person has the secret.
    pub enrolled: bool,
    /// The step of the last code that opened.
    pub last_step: i64,
    /// SHA-256, in base64, of the recovery codes that are left.
    pub recovery: Vec<String>,
    /// Failures since the last that was none.
    pub failures: u32,
    /// Shut for so long.
    pub locked_until: Option<Timestamp>,
    /// When it was made.
    pub made_at: Timestamp,
    /// When somebody last signed in with it.
    pub signed_in_at: Option<Timestamp>,
}

impl fmt::Debug for KeptAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, version, name, role, enabled, .. } = self;
        f.debug_struct("KeptAccount")
            .field("id", id)
            .field("version", version)
            .field("name", name)
            .field("role", role)
            .field("enabled", enabled)
            .finish_non_exhaustive()
    }
}

/// Whose a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A person's with an account.
    Account(Uuid),
    /// Whose key has this SHA-256.
    Key([u8; 32]),
    /// Anybody's: no keys were configured.
    Anybody,
}

impl Holder {
    /// As columns: account and key.
    pub(super) fn columns(&self) -> (Option<Uuid>, Option<&[u8]>) {
        match self {
            Self::Account(id) => (Some(*id), None),
            Self::Key(digest) => (None, Some(digest.as_slice())),
            Self::Anybody => (None, None),
        }
    }
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSession {
    /// SHA-256 of the token that the browser holds.
    pub id: [u8; 32],
    /// Whose it is.
    pub holder: Holder,
    /// When it began.
    pub born: Timestamp,
    /// When it was last used.
    pub seen: Timestamp,
    /// When it is over in any case.
    pub until: Timestamp,
}

/// A change to an account: one commit.
#[derive(Debug, Clone)]
pub struct AccountChange {
    /// The account as it is to be; its `version` is the one expected, the store counts it up.
    pub account: KeptAccount,
    /// Whether all sessions of it end.
    pub ends: bool,
    /// A session that begins, after those have ended.
    pub begins: Option<KeptSession>,
    /// What was done.
    pub entries: Vec<Entry>,
}

/// Which sessions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// This one.
    One([u8; 32]),
    /// All of the same holder.
    Of(Holder),
}

/// How far a proposal has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposalState {
    /// Nobody has decided it.
    Open,
    /// It was approved, and done.
    Done,
    /// Somebody did not want it.
    Declined,
}

impl ProposalState {
    /// As kept and as shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Declined => "declined",
        }
    }

    /// By its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Open, Self::Done, Self::Declined].into_iter().find(|state| state.as_str() == name)
    }
}

/// What one person has proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptProposal {
    /// Its id.
    pub id: Uuid,
    /// What is to be done, by its name.
    pub act: String,
    /// What it is about, exactly.
    pub items: Vec<String>,
    /// What was told of each, as JSON.
    pub preview: String,
    /// Why.
    pub why: String,
    /// Who proposes.
    pub actor: Actor,
    /// Which person that is.
    pub person: String,
    /// When.
    pub at: Timestamp,
    /// When it lapses.
    pub until: Timestamp,
    /// How far it has come.
    pub state: ProposalState,
    /// Who ended it, and when.
    pub ended: Option<(String, Timestamp)>,
}

/// How a proposal that is open ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalEnd {
    /// Which one.
    pub id: Uuid,
    /// How.
    pub state: ProposalState,
    /// Who decided.
    pub by: String,
}

/// What is kept of people at the console.
#[async_trait]
pub trait People: Send + Sync {
    /// The account of that name.
    async fn account(&self, name: &str) -> Result<Option<KeptAccount>>;
    /// All accounts, by name.
    async fn accounts(&self) -> Result<Vec<KeptAccount>>;
    /// Writes an account, if it still has the version expected; a new one, if its name is free.
    async fn put_account(&self, now: Timestamp, change: AccountChange) -> Result<Written>;
    /// Begins a session that is no account's.
    async fn begin_session(&self, now: Timestamp, session: KeptSession, entry: Entry) -> Result<()>;
    /// A session that is not over, with its account.
    async fn session(&self, now: Timestamp, id: [u8; 32]) -> Result<Option<(KeptSession, Option<KeptAccount>)>>;
    /// Notes that a session was used.
    async fn touch_session(&self, now: Timestamp, id: [u8; 32]) -> Result<()>;
    /// Ends sessions.
    async fn end_sessions(&self, ending: Ending) -> Result<()>;
    /// Keeps a proposal.
    async fn propose(&self, now: Timestamp, proposal: KeptProposal, entry: Entry) -> Result<()>;
    /// Proposals that are open and have not lapsed, newest first.
    async fn proposals(&self, now: Timestamp, limit: u32) -> Result<Vec<KeptProposal>>;
    /// A proposal, however far it has come.
    async fn proposal(&self, id: Uuid) -> Result<Option<KeptProposal>>;
    /// Ends a proposal of which nothing else follows, if it is open and has not lapsed.
    async fn end_proposal(&self, now: Timestamp, end: ProposalEnd, entry: Entry) -> Result<Written>;
}

/// Roles that people at the console have.
pub(super) fn role(name: &str) -> Option<Role> {
    [Role::Operator, Role::Auditor, Role::Administrator].into_iter().find(|role| role.as_str() == name)
}

pub(super) fn lock_account(vault: &Vault, account: KeptAccount) -> KeptAccount {
    let secret = account.secret.map(|secret| vault.lock(Place::Account(account.id), secret));
    KeptAccount { secret, ..account }
}

/// An account whose secret cannot be decrypted opens with no code, only anew.
pub(super) fn unlock_account(vault: &Vault, account: KeptAccount) -> KeptAccount {
    let tell = |error: &Locked| tracing::error!(account.name, error = %error, "what an account's codes are made of cannot be decrypted");
    let secret = account.secret.map(|secret| vault.unlock(Place::Account(account.id), secret).inspect_err(tell).unwrap_or_default());
    KeptAccount { secret, ..account }
}
