//! What was refused, summed: what known callers were refused becomes entries of the audit log, unknown ones are told of in the program's
//! own log. Both are bounded, whoever knocks how often.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use uuid::Uuid;

use super::Caller;
use crate::{
    audit::{Difference, Entry},
    clock::Clockwork,
    party::Actor,
};

/// Sums of one minute, at most, of each sort; beyond them all go into one.
const MOST: usize = 1_000;

/// Why a known caller was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Its role may not make the call.
    Forbidden,
    /// It asked for what is not there, or is another tenant's: nobody is told which.
    NotFound,
    /// It called too often.
    Rate,
    /// Its account is shut, for a while or for good.
    Locked,
}

impl Cause {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Rate => "rate",
            Self::Locked => "locked",
        }
    }
}

type Known = (String, Option<IpAddr>, Cause, String);

#[derive(Debug, Default)]
struct Sums {
    /// By caller's name, where it called from, cause and call.
    known: BTreeMap<Known, (Actor, u64)>,
    /// By address; nothing: those beyond the bound, and those whose address is not known.
    unknown: BTreeMap<Option<IpAddr>, u64>,
}

/// Sums since they were last taken.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<Sums>);

impl Refusals {
    /// Counts a refusal of a known caller.
    pub fn known(&self, caller: &Caller, cause: Cause, call: &str) {
        let known = &mut self.0.lock().unwrap_or_else(PoisonError::into_inner).known;
        let mut key = (caller.actor.name.clone(), caller.actor.address, cause, call.to_owned());
        if known.len() >= MOST && !known.contains_key(&key) {
            // As many of these as there are keys and causes.
            key = (key.0, None, cause, "…".to_owned());
        }
        // A sum is of many calls, each of which may have had a trace of its own.
        let actor = Actor { address: key.1, trace: None, ..caller.actor.clone() };
        known.entry(key).or_insert((actor, 0)).1 += 1;
    }

    /// Counts a call of somebody who is not known.
    pub fn unknown(&self, address: Option<IpAddr>) {
        let unknown = &mut self.0.lock().unwrap_or_else(PoisonError::into_inner).unknown;
        let room = unknown.len() < MOST || unknown.contains_key(&address);
        *unknown.entry(address.filter(|_| room)).or_default() += 1;
    }

    /// Takes the sums: of known callers as entries, of unknown ones by address.
    pub fn take(&self, clockwork: &Clockwork) -> (Vec<Entry>, BTreeMap<Option<IpAddr>, u64>) {
        let Sums { known, unknown } = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let now = clockwork.now();
        let entry = |((_, _, cause, call), (actor, count)): (Known, (Actor, u64))| Entry {
            id: clockwork.id(),
            at: now,
            actor,
            act: "refuse".to_owned(),
            subject: Uuid::nil(),
            changes: vec![Difference { field: format!("refused.{}", cause.as_str()), from: String::new(), to: count.to_string() }],
            why: call,
        };
        (known.into_iter().map(entry).collect(), unknown)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        clock::{ManualClock, SeededEntropy},
        party::{Role, Tenant},
    };

    #[test]
    fn refusals_are_summed_and_bounded() {
        let clockwork = Clockwork::new(Arc::new(ManualClock::default()), Arc::new(SeededEntropy::new(1)));
        let refusals = Refusals::default();
        let caller = Caller { actor: Actor::new(Tenant::local(), Role::Seller, "erp"), scope: None, person: None };
        for _ in 0..3 {
            refusals.known(&caller, Cause::Forbidden, "/tongguan.v1.Operations/Find");
        }
        for n in 0..5_000_u32 {
            refusals.known(&caller, Cause::NotFound, &n.to_string());
            refusals.unknown(Some(IpAddr::from(n.to_be_bytes())));
        }
        let (entries, unknown) = refusals.take(&clockwork);
        assert_eq!((entries.len(), unknown.len()), (MOST + 1, MOST + 1));
        assert_eq!(entries[0].why, "/tongguan.v1.Operations/Find");
        assert_eq!((entries[0].changes[0].field.as_str(), entries[0].changes[0].to.as_str()), ("refused.forbidden", "3"));
        let counted = |entry: &Entry| entry.changes[0].to.parse::<u64>().unwrap();
        assert_eq!(entries.iter().map(counted).sum::<u64>() + unknown.values().sum::<u64>(), 10_003, "none is lost");
        let (entries, unknown) = refusals.take(&clockwork);
        assert!(entries.is_empty() && unknown.is_empty());
        for address in ["10.0.0.1", "10.0.0.2", "::ffff:10.0.0.2"] {
            let trace = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
            refusals.known(&caller.clone().calling(address.parse().ok(), trace), Cause::Rate, "x");
        }
        let told: Vec<_> =
            refusals.take(&clockwork).0.into_iter().map(|entry| (entry.actor.address, entry.changes[0].to.clone())).collect();
        let at = |address: &str| address.parse().ok();
        assert_eq!(told, [(at("10.0.0.1"), "1".to_owned()), (at("10.0.0.2"), "2".to_owned())]);
    }
}
