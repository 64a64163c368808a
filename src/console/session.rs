//! Who is signed in. A session's token is random, 256 bits, and only its digest is kept, in memory: a restart signs everybody out. It ends
//! after a while without a request, and after some hours in any case. Who fails to sign in waits longer each time.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::Options;
use crate::{
    access::Caller,
    clock::{Clockwork, Timestamp},
};

/// Sessions at a time; the one that was used least recently makes room.
const MOST: usize = 1_000;
/// Addresses of which failures are remembered.
const MOST_ADDRESSES: usize = 10_000;
/// Failures that shut an address out, for as long as the last is remembered.
const MOST_FAILURES: u32 = 10;
const REMEMBERED: Duration = Duration::from_secs(300);
const LONGEST_COOKIE: usize = 200;

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// Who it is.
    pub caller: Caller,
    /// What its forms must carry.
    pub token: String,
    born: Timestamp,
    seen: Timestamp,
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
}

/// All that are signed in.
pub(super) struct Sessions {
    known: Mutex<HashMap<[u8; 32], Session>>,
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

fn random(clockwork: &Clockwork) -> String {
    let mut bytes = [0; 32];
    clockwork.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A cookie's value.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, value)| *known == name && value.len() <= LONGEST_COOKIE).map(|(_, value)| value.to_owned())
}

impl Sessions {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            known: Mutex::default(),
            failed: Mutex::default(),
            idle: Duration::from_secs(options.idle_min.saturating_mul(60)),
            longest: Duration::from_secs(options.longest_h.saturating_mul(3_600)),
            // A browser takes a cookie of the first name from this place by TLS alone.
            name: if options.is_by_tls() { "__Host-tongguan" } else { "tongguan" },
            is_secure: options.is_by_tls(),
        }
    }

    fn is_over(&self, session: &Session, now: Timestamp) -> bool {
        now.since(session.seen) > self.idle || now.since(session.born) > self.longest
    }

    /// The session that a request names.
    pub(super) fn find(&self, headers: &HeaderMap, now: Timestamp) -> Option<Session> {
        let key = digest(&cookie(headers, self.name)?);
        let mut known = locked(&self.known);
        if known.get(&key).is_some_and(|session| self.is_over(session, now)) {
            known.remove(&key);
        }
        let session = known.get_mut(&key)?;
        session.seen = now;
        Some(session.clone())
    }

    /// Signs somebody in, under a token that nobody has seen before; gives the cookie.
    pub(super) fn begin(&self, caller: Caller, clockwork: &Clockwork) -> String {
        let (token, now) = (random(clockwork), clockwork.now());
        let session = Session { caller, token: random(clockwork), born: now, seen: now };
        let mut known = locked(&self.known);
        known.retain(|_, session| !self.is_over(session, now));
        if known.len() >= MOST
            && let Some(oldest) = known.iter().min_by_key(|(_, session)| session.seen).map(|(key, _)| *key)
        {
            known.remove(&oldest);
        }
        known.insert(digest(&token), session);
        self.written(&token, self.longest)
    }

    /// Signs out; gives the cookie that takes the other away.
    pub(super) fn end(&self, headers: &HeaderMap) -> String {
        if let Some(token) = cookie(headers, self.name) {
            locked(&self.known).remove(&digest(&token));
        }
        self.written("", Duration::ZERO)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        clock::{ManualClock, SeededEntropy},
        party::{Actor, Role, Tenant},
    };

    fn caller() -> Caller {
        Caller { actor: Actor::new(Tenant::local(), Role::Operator, "desk"), scope: None }
    }

    fn with(cookie: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, format!("a=b; {}", cookie.split(';').next().unwrap()).parse().unwrap());
        headers
    }

    #[test]
    fn a_session_ends_when_idle_and_in_any_case() {
        let clock = Arc::new(ManualClock::default());
        let clockwork = Clockwork::new(Arc::clone(&clock) as _, Arc::new(SeededEntropy::new(1)));
        let sessions = Sessions::new(&Options { idle_min: 30, longest_h: 1, ..Options::default() });
        let cookie = sessions.begin(caller(), &clockwork);
        assert!(cookie.contains("HttpOnly; SameSite=Strict") && !cookie.contains("Secure"));
        let at = |minutes: u64| Timestamp(0) + Duration::from_secs(minutes * 60);
        let began = clockwork.now();
        let later = |minutes: u64| began + at(minutes).since(Timestamp(0));
        for minutes in [20, 40, 60] {
            assert!(sessions.find(&with(&cookie), later(minutes)).is_some(), "{minutes}");
        }
        assert!(sessions.find(&with(&cookie), later(61)).is_none(), "in any case");
        let idle = sessions.begin(caller(), &clockwork);
        assert!(sessions.find(&with(&idle), later(31)).is_none(), "idle");
        assert!(sessions.find(&with(&idle), later(1)).is_none(), "it does not come back");
    }

    #[test]
    fn each_session_has_a_secret_of_its_own_and_ends_when_told() {
        let clockwork = Clockwork::new(Arc::new(ManualClock::default()), Arc::new(SeededEntropy::new(2)));
        let sessions = Sessions::new(&Options { behind_tls: true, ..Options::default() });
        let (one, two) = (sessions.begin(caller(), &clockwork), sessions.begin(caller(), &clockwork));
        assert!(one != two && one.starts_with("__Host-tongguan=") && one.ends_with("; Secure"));
        let session = sessions.find(&with(&one), clockwork.now()).unwrap();
        let other = sessions.find(&with(&two), clockwork.now()).unwrap();
        assert!(session.vouches(&session.token) && !session.vouches(&other.token) && !session.vouches(""));
        let gone = sessions.end(&with(&one));
        assert!(gone.contains("Max-Age=0") && sessions.find(&with(&one), clockwork.now()).is_none());
        assert!(sessions.find(&with(&two), clockwork.now()).is_some());
        assert!(sessions.find(&with("__Host-tongguan=made-up"), clockwork.now()).is_none());
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
