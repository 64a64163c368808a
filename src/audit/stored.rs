//! Rows of the log as a store keeps them, and what a row must have in common with its entry.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use uuid::Uuid;

use super::broken::Fault;
use crate::{clock::Timestamp, party::Actor};

/// An entry that has its place. Numbers and lengths are as the row has them, which may be anything.
#[derive(Debug, Clone, Copy)]
pub struct StoredEntry<'a> {
    /// Its place in the tree, from 0.
    pub position: i64,
    /// The entry's id.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// The tenant of its actor.
    pub tenant: &'a str,
    /// What it was done to.
    pub subject: Uuid,
    /// What was done.
    pub act: &'a str,
    /// The trace that its caller named.
    pub trace: Option<Uuid>,
    /// The hash of the body.
    pub leaf: &'a [u8],
    /// The entry itself, as hashed.
    pub body: &'a [u8],
}

impl StoredEntry<'_> {
    /// What is wrong with the row if its body is right: the columns are there to search by and must say what the body says.
    pub(super) fn fault(&self) -> Option<Fault> {
        let Ok(entry) = serde_json::from_slice::<Glance<'_>>(self.body) else { return Some(Fault::NotAnEntry) };
        let columns = [
            ("id", entry.id == self.id),
            ("at", entry.at == self.at),
            ("tenant", entry.actor.tenant.as_str() == self.tenant),
            ("subject", entry.subject == self.subject),
            ("act", entry.act == self.act),
            ("trace", entry.actor.trace.map(|trace| trace.as_uuid()) == self.trace),
        ];
        columns.into_iter().find(|(_, same)| !same).map(|(column, _)| Fault::Column(column))
    }
}

/// An entry as it is read to be compared: what need not be kept of it is not, but all of it must be what an [`Entry`](super::Entry) is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Glance<'a> {
    id: Uuid,
    at: Timestamp,
    actor: Actor,
    #[serde(borrow)]
    act: Cow<'a, str>,
    subject: Uuid,
    #[serde(borrow, rename = "changes")]
    _changes: Each<DifferenceGlance<'a>>,
    #[serde(borrow, rename = "why")]
    _why: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DifferenceGlance<'a> {
    #[serde(borrow, rename = "field")]
    _field: Cow<'a, str>,
    #[serde(borrow, rename = "from")]
    _from: Cow<'a, str>,
    #[serde(borrow, rename = "to")]
    _to: Cow<'a, str>,
}

/// Any number of these, each read and let go.
struct Each<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Each<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reading<T> {
            type Value = Each<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Each<T>, A::Error> {
                while list.next_element::<T>()?.is_some() {}
                Ok(Each(PhantomData))
            }
        }
        deserializer.deserialize_seq(Reading(PhantomData))
    }
}

/// A checkpoint as kept. Numbers and lengths are as the row has them.
#[derive(Debug, Clone, Copy)]
pub struct StoredCheckpoint<'a> {
    /// How many entries it covers.
    pub size: i64,
    /// The root over them.
    pub root: &'a [u8],
    /// The signed note that says so.
    pub note: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::{Difference, Entry},
        party::Tenant,
    };

    #[test]
    fn a_glance_takes_what_an_entry_takes_and_nothing_else() {
        let change = Difference { field: "inventory.state".into(), from: "a \"quoted\" 单".into(), to: "\u{7}".into() };
        let entry = Entry {
            id: Uuid::from_u128(7),
            at: Timestamp(5),
            actor: Actor::gateway(Tenant::local(), "courier"),
            act: "deliver \\ \"x\"".into(),
            subject: Uuid::from_u128(9),
            changes: vec![change.clone(), change],
            why: "原因".into(),
        };
        let whole = String::from_utf8(entry.to_leaf()).unwrap();
        let spoilt = [
            whole.replace("\"why\"", "\"wyh\""),
            whole.replace("\"to\"", "\"ot\""),
            whole.replace("\"why\":\"原因\"", "\"why\":1"),
            whole.replace("\"why\"", "\"more\":1,\"why\""),
            whole.replacen("{\"field\"", "{\"field\":\"x\",\"field\"", 1),
            whole.replace("\"changes\":[", "\"changes\":[1,"),
            whole[..whole.len() - 1].to_owned(),
            format!("{whole} x"),
        ];
        for text in spoilt.iter().chain([&whole]) {
            let known = serde_json::from_str::<Entry>(text).is_ok();
            assert_eq!(serde_json::from_str::<Glance<'_>>(text).is_ok(), known, "{text}");
            assert_eq!(known, *text == whole, "{text}");
        }
        let glance: Glance<'_> = serde_json::from_str(&whole).unwrap();
        assert_eq!((glance.id, glance.at, glance.act.as_ref(), glance.subject), (entry.id, entry.at, entry.act.as_str(), entry.subject));
        assert_eq!(glance.actor, entry.actor);
    }
}
