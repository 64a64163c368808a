//! Between what is kept and types, whatever keeps it. A value that is none of its type names its table.

use serde::{Serialize, de::DeserializeOwned};

use super::{Error, Result};
use crate::{
    archive,
    declaration::Kind,
    dossier::Document,
    party::{Tenant, Trace},
    state::State,
};

/// A value as the JSON text that a statement takes apart.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Unavailable(Box::new(error)))
}

/// A kept JSON text as a value.
pub(super) fn from_json<T: DeserializeOwned>(table: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Inconsistent { table, what: format!("a body: {error}") })
}

/// Reads a trace, where there is one.
pub(super) fn trace(table: &'static str, text: Option<&str>) -> Result<Option<Trace>> {
    text.map(|text| text.parse().map_err(|_| inconsistent(table, "a trace"))).transpose()
}

pub(super) fn inconsistent(table: &'static str, what: impl Into<String>) -> Error {
    Error::Inconsistent { table, what: what.into() }
}

pub(super) fn tenant(table: &'static str, name: &str) -> Result<Tenant> {
    Tenant::parse(name).ok_or_else(|| inconsistent(table, "a tenant's name"))
}

pub(super) fn kind(table: &'static str, number: i64) -> Result<Kind> {
    Kind::from_number(number).ok_or_else(|| inconsistent(table, format!("kind {number}")))
}

pub(super) fn count(table: &'static str, value: i64) -> Result<u32> {
    u32::try_from(value).map_err(|_| inconsistent(table, format!("count {value}")))
}

/// The state of a document by its name.
pub(super) fn state(name: &str) -> Result<State> {
    State::parse(name).ok_or_else(|| inconsistent("documents", format!("state {name}")))
}

/// The name of what is packed together, and, last, whose it is: the tenants of a queue take turns.
pub(super) fn queue_name(document: &Document) -> String {
    let lot = document.lot.map(|lot| lot.simple().to_string()).unwrap_or_default();
    format!("{}/{}/{}/{lot}/{}", document.sender, document.kind.number(), document.road, document.tenant)
}

/// A row that cannot be read must not hold up those beside it: it is told and left out.
pub(super) fn readable<T>(read: Result<T>) -> Option<T> {
    read.inspect_err(|error| match error {
        Error::Archived(archive::Error::Away(_)) => tracing::debug!(error = %error, "a row is archived and is left out"),
        error => tracing::error!(error = %error, "a row cannot be read and is left out"),
    })
    .ok()
}

/// Reads a digest of 32 bytes.
pub(super) fn digest(table: &'static str, bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| inconsistent(table, "a digest that is not 32 bytes"))
}
