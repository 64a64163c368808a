//! Who is signed in. A session's token is random, 256 bits; its digest is kept in the store, so that every node of it knows the session, and
//! a restart ends none. It ends after a while without a request, after some hours in any case, and at once where what it was opened with no
//! longer opens: the account was shut, the key revoked. Who fails to sign in waits longer each time.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::{Options, Parts};
use crate::{
    access::{Caller, anybody},
    accounts::{self, Opening},
    clock::{Clockwork, Timestamp},
    store::{self, Ending, Holder, KeptAccount, KeptSession},
    task,
};

/// Addresses of which failures are remembered.
const MOST_ADDRESSES: usize = 10_000;
/// Failures that shut an address out, for as long as the last is remembered.
const MOST_FAILURES: u32 = 10;
const REMEMBERED: Duration = Duration::from_secs(300);
const LONGEST_COOKIE: usize = 200;
/// That a session was used is noted no more often: looking at a page is to write nothing.
const NOTED: Duration = Duration::from_secs(15);

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Who it is.
    pub caller: Caller,
    /// What its forms must carry.
    pub token: String,
    /// With which account; nothing: with a key.
    pub account: Option<KeptAccount>,
    /// Whose it is.
    pub holder: Holder,
}

impl Session {
    /// The same in a request of which more is known than whose it is.
    pub(super) fn asking(mut self, peer: IpAddr, headers: &HeaderMap) -> Self {
        let traceparent = headers.get("traceparent").and_then(|value| value.to_str().ok());
        self.caller = self.caller.calling(Some(peer), traceparent);
        self
    }

    /// Whether a form carries the session's own token; compared in full, whatever differs.
    pub(super) fn vouches(&self, given: &str) -> bool {
        let (given, own) = (digest(given), digest(&self.token));
        given.iter().zip(own).fold(0, |different, (a, b)| different | (a ^ b)) == 0
    }

    /// Where somebody must go before anything else: to a password and a device of his own.
    pub(super) fn owes(&self) -> Option<&'static str> {
        let account = self.account.as_ref()?;
        if account.one_time_until.is_some() {
            return Some("/account");
        }
        (!account.enrolled).then_some("/account/code")
    }
}

/// How sessions are told.
pub(super) struct Sessions {
    failed: Mutex<HashMap<IpAddr, (u32, Timestamp)>>,
    idle: Duration,
    longest: Duration,
    name: &'static str,
    is_secure: bool,
}

fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// What forms carry: it tells nothing of the session's own token.
fn form_token(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&format!("tongguan form {token}")))
}

/// A cookie's value.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, value)| *known == name && value.len() <= LONGEST_COOKIE).map(|(_, value)| value.to_owned())
}

impl Sessions {
    pub(super) fn new(options: &Options) -> Self {
        let is_secure = options.is_by_tls();
        Self {
            failed: Mutex::default(),
            idle: Duration::from_secs(options.idle_min.saturating_mul(60)),
            longest: Duration::from_secs(options.longest_h.saturating_mul(3_600)),
            // A browser takes a cookie of the first name from this place by TLS alone.
            name: if is_secure { "__Host-tongguan" } else { "tongguan" },
            is_secure,
        }
    }

    /// The session that a request names. What it was opened with is asked for each time.
    pub(super) async fn find(&self, parts: &Parts, headers: &HeaderMap) -> store::Result<Option<Session>> {
        let Some(token) = cookie(headers, self.name) else { return Ok(None) };
        let (id, now) = (digest(&token), parts.clockwork.now());
        let Some((kept, account)) = parts.store.session(now, id).await? else { return Ok(None) };
        let caller = if now.since(kept.seen) > self.idle { None } else { standing(parts, &kept, account.as_ref()) };
        let Some(caller) = caller else {
            parts.store.end_sessions(Ending::One(id)).await?;
            return Ok(None);
        };
        if now.since(kept.seen) > NOTED
            && let Err(error) = parts.store.touch_session(now, id).await
        {
            // A page can be looked at all the same; the session may end early.
            tracing::warn!(error = task::chain(&error), "it was not noted that a session was used");
        }
        Ok(Some(Session { caller, token: form_token(&token), account, holder: kept.holder }))
    }

    /// A session that is to begin, under a token that nobody has seen before, and its cookie.
    pub(super) fn opening(&self, clockwork: &Clockwork) -> (Opening, String) {
        let mut bytes = [0; 32];
        clockwork.fill(&mut bytes);
        let token = URL_SAFE_NO_PAD.encode(bytes);
        (Opening { id: digest(&token), until: clockwork.now() + self.longest }, self.written(&token, self.longest))
    }

    /// Signs out; gives the cookie that takes the other away.
    pub(super) async fn end(&self, parts: &Parts, headers: &HeaderMap) -> store::Result<String> {
        if let Some(token) = cookie(headers, self.name) {
            parts.store.end_sessions(Ending::One(digest(&token))).await?;
        }
        Ok(self.written("", Duration::ZERO))
    }

    fn written(&self, token: &str, age: Duration) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        format!("{}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{secure}", self.name, age.as_secs())
    }

    /// Whether an address may try to sign in now.
    pub(super) fn may_try(&self, peer: IpAddr, now: Timestamp) -> bool {
        let failed = locked(&self.failed);
        failed.get(&peer).is_none_or(|(times, last)| *times < MOST_FAILURES || now.since(*last) > REMEMBERED)
    }

    /// Notes a failure; gives how long its answer is held back: twice as long each time.
    pub(super) fn failed(&self, peer: IpAddr, now: Timestamp) -> Duration {
        let mut failed = locked(&self.failed);
        if failed.len() >= MOST_ADDRESSES {
            failed.retain(|_, (_, last)| now.since(*last) <= REMEMBERED);
        }
        if failed.len() >= MOST_ADDRESSES {
            failed.clear();
        }
        let (times, last) = failed.entry(peer).or_insert((0, now));
        *times = if now.since(*last) > REMEMBERED { 1 } else { times.saturating_add(1) };
        *last = now;
        Duration::from_millis(125 << (*times).clamp(1, 6))
    }

    /// Forgets failures: somebody has signed in.
    pub(super) fn succeeded(&self, peer: IpAddr) {
        locked(&self.failed).remove(&peer);
    }
}

/// Who a session's holder is now; nobody, where what it was opened with opens no longer.
fn standing(parts: &Parts, kept: &KeptSession, account: Option<&KeptAccount>) -> Option<Caller> {
    match kept.holder {
        Holder::Account(_) => account.filter(|account| account.enabled).map(accounts::caller),
        Holder::Key(digest) => parts.access.identify_digest(&digest).ok(),
        Holder::Anybody => parts.access.is_open().then(anybody),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::{ManualClock, SeededEntropy};

    #[test]
    fn each_session_has_a_token_of_its_own_and_its_forms_another() {
        let clockwork = Clockwork::new(Arc::new(ManualClock::default()), Arc::new(SeededEntropy::new(2)));
        let sessions = Sessions::new(&Options { behind_tls: true, ..Options::default() });
        let ((one, first), (two, second)) = (sessions.opening(&clockwork), sessions.opening(&clockwork));
        assert!(one.id != two.id && first != second);
        assert!(first.starts_with("__Host-tongguan=") && first.ends_with("; Secure") && first.contains("HttpOnly; SameSite=Strict"));
        let token = first.split(['=', ';']).nth(1).unwrap();
        assert_eq!(digest(token), one.id);
        assert_ne!(form_token(token), token);
        let session = |token: &str| Session { caller: anybody(), token: form_token(token), account: None, holder: Holder::Anybody };
        let own = session(token);
        assert!(own.vouches(&own.token) && !own.vouches(&session("other").token) && !own.vouches("") && !own.vouches(token));
        let plain = Sessions::new(&Options::default());
        assert!(!plain.opening(&clockwork).1.contains("Secure"));
    }

    #[test]
    fn who_fails_waits_longer_and_is_shut_out_for_a_while() {
        let sessions = Sessions::new(&Options::default());
        let (peer, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let waits: Vec<_> = (0..10).map(|_| sessions.failed(peer, Timestamp(0)).as_millis()).collect();
        assert_eq!(waits[..4], [250, 500, 1_000, 2_000]);
        assert!(waits.iter().all(|wait| *wait <= 8_000));
        assert!(!sessions.may_try(peer, Timestamp(0)) && sessions.may_try(other, Timestamp(0)));
        assert!(sessions.may_try(peer, Timestamp(0) + REMEMBERED + Duration::from_secs(1)));
        sessions.succeeded(peer);
        assert!(sessions.may_try(peer, Timestamp(0)));
    }
}
