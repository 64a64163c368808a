//! What is archived: bodies, each with the row it belongs to.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::retention::Class;

/// What a body is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A declaration; its key is its id.
    Declaration,
    /// A decision on the exemption; its key is the declaration's id and the ordinal: `ID/0`.
    Assessment,
    /// A sealed message; its key is its id.
    Message,
    /// An arrival; its key is its id.
    Arrival,
    /// A receipt; its key is the arrival, the place in it and the document: `ID/0/ID`.
    Receipt,
    /// An entry of the audit log; its key is its position.
    Entry,
}

impl Part {
    /// All of them, in the order in which they are archived.
    pub const ALL: [Self; 6] = [Self::Declaration, Self::Assessment, Self::Message, Self::Arrival, Self::Receipt, Self::Entry];

    /// Its name in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Declaration => "declaration",
            Self::Assessment => "assessment",
            Self::Message => "message",
            Self::Arrival => "arrival",
            Self::Receipt => "receipt",
            Self::Entry => "entry",
        }
    }

    /// The class it is kept by.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Declaration => Class::Declarations,
            Self::Assessment => Class::Decisions,
            Self::Message => Class::Messages,
            Self::Arrival => Class::Arrivals,
            Self::Receipt => Class::Receipts,
            Self::Entry => Class::Entries,
        }
    }
}

/// A body and the row it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub part: Part,
    /// Which row.
    pub key: String,
    /// The declarations and documents it is about: by these a legal hold is seen.
    pub about: Vec<Uuid>,
    /// The bytes, as they were kept.
    pub body: Vec<u8>,
}

/// An item as a line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    part: Part,
    key: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    about: Vec<Uuid>,
    /// The body, where it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The body, where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

impl Item {
    /// As a line, with its end.
    pub(super) fn to_line(&self) -> Vec<u8> {
        let (text, base64) = match std::str::from_utf8(&self.body) {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(STANDARD.encode(&self.body))),
        };
        let line = Line { part: self.part, key: self.key.clone(), about: self.about.clone(), text, base64 };
        // A struct of texts always serialises.
        let mut line = serde_json::to_vec(&line).unwrap_or_default();
        line.push(b'\n');
        line
    }

    /// From a line; nothing if it is none.
    pub(super) fn of_line(line: &[u8]) -> Option<Self> {
        let line: Line = serde_json::from_slice(line).ok()?;
        let body = match (line.text, line.base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(base64)) => STANDARD.decode(base64).ok()?,
            _ => return None,
        };
        Some(Self { part: line.part, key: line.key, about: line.about, body })
    }
}
