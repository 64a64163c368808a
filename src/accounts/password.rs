//! Passwords: hashed by argon2id in a few threads at a time, whoever asks how often.

use std::{sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier},
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use super::{Error, LONGEST_PASSWORD, Options};
use crate::clock::Clockwork;

/// Characters of the shortest password.
pub const SHORTEST: usize = 12;
/// How long somebody waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(super) struct Passwords {
    argon: Argon2<'static>,
    turns: Arc<Semaphore>,
    /// The hash of what nobody knows: compared with where there is no account.
    nobodys: Arc<str>,
}

impl Passwords {
    pub(super) fn new(options: &Options, clockwork: &Clockwork) -> Result<Self, Error> {
        let params = Params::new(options.memory_kib, options.passes, 1, None).ok().filter(|_| options.faults().is_empty());
        let params = params.ok_or_else(|| Error::invalid("console.accounts 超出范围", "console.accounts are out of bounds"))?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let turns = Arc::new(Semaphore::new(usize::try_from(options.at_once).unwrap_or(1)));
        let mut unknown = [0; 32];
        clockwork.fill(&mut unknown);
        let nobodys = hashed(&argon, &unknown, salt(clockwork))?.into();
        Ok(Self { argon, turns, nobodys })
    }

    /// A password's hash, a PHC string.
    pub(super) async fn hash(&self, password: &str, clockwork: &Clockwork) -> Result<String, Error> {
        let (argon, password, salt) = (self.argon.clone(), password.to_owned(), salt(clockwork));
        self.in_turn(move || hashed(&argon, password.as_bytes(), salt)).await?
    }

    /// Whether a password is the one that was hashed; where nothing was, it takes as long.
    pub(super) async fn is(&self, password: &str, hash: Option<&str>) -> Result<bool, Error> {
        let (argon, password) = (self.argon.clone(), password.to_owned());
        let (is_somebodys, hash) = (hash.is_some(), hash.unwrap_or(&self.nobodys).to_owned());
        let is_same = self.in_turn(move || argon.verify_password(password.as_bytes(), hash.as_str()).is_ok()).await?;
        Ok(is_same && is_somebodys)
    }

    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let turn = timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(Error::Busy) };
        let worked = spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        worked.await.map_err(|_| Error::Busy)
    }
}

fn salt(clockwork: &Clockwork) -> [u8; 16] {
    let mut salt = [0; 16];
    clockwork.fill(&mut salt);
    salt
}

fn hashed(argon: &Argon2<'_>, password: &[u8], salt: [u8; 16]) -> Result<String, Error> {
    // It fails where there is no memory for it.
    argon.hash_password_with_salt(password, &salt).map(|hash| hash.to_string()).map_err(|_| Error::Busy)
}

/// What is wrong with a password that somebody chooses.
pub(super) fn faults(password: &str, name: &str) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    let length = password.chars().count();
    if !(SHORTEST..=LONGEST_PASSWORD).contains(&length) {
        faults.push((
            format!("密码为{SHORTEST}至{LONGEST_PASSWORD}个字符"),
            format!("a password has {SHORTEST} to {LONGEST_PASSWORD} characters"),
        ));
    }
    let mut distinct: Vec<char> = password.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if length >= SHORTEST && distinct.len() < 5 {
        faults.push(("密码须有至少5个不同的字符".to_owned(), "a password has at least 5 different characters".to_owned()));
    }
    if !name.is_empty() && password.to_lowercase().contains(&name.to_lowercase()) {
        faults.push(("密码不可含有账户名".to_owned(), "a password does not contain the account's name".to_owned()));
    }
    faults
}
