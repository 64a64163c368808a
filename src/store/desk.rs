//! What operations staff look for, and what they write beside the lives of documents.

use uuid::Uuid;

use crate::{
    clock::Timestamp,
    declaration::{DocumentId, Kind, MessageId},
    dossier::Document,
};

/// How far a sealed message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carriage {
    /// It is to be sent, for the first time or once more.
    Queued,
    /// The road has taken it, and it goes again if nobody answers.
    Delivered,
    /// The road has taken it, nobody has answered, and it does not go again by itself.
    Unanswered,
    /// It failed, and it does not go again by itself.
    Shelved,
    /// It is over: answered, dissolved, or its documents have moved on.
    Over,
}

impl Carriage {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Delivered, Self::Unanswered, Self::Shelved, Self::Over];

    /// As written in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::Unanswered => "unanswered",
            Self::Shelved => "shelved",
            Self::Over => "over",
        }
    }

    /// Whether it waits for a person.
    #[must_use]
    pub const fn is_given_up(self) -> bool {
        matches!(self, Self::Unanswered | Self::Shelved)
    }

    /// What is kept says it so.
    /// `waits`: one of its documents has not been answered.
    pub(super) fn of(state: &str, due_at: Option<Timestamp>, waits: bool) -> Self {
        match (state, due_at) {
            ("queued", _) => Self::Queued,
            ("shelved", _) => Self::Shelved,
            // Answered after all, if late.
            ("delivered", Some(at)) if at >= Timestamp::NEVER && !waits => Self::Over,
            ("delivered", Some(at)) if at >= Timestamp::NEVER => Self::Unanswered,
            ("delivered", Some(_)) => Self::Delivered,
            _ => Self::Over,
        }
    }
}

/// Which messages are wanted: those that are not over, by their ids (the time of sealing).
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Only of this sender.
    pub sender: Option<String>,
    /// Only on this road.
    pub road: Option<String>,
    /// Only those that have come so far.
    pub carriage: Option<Carriage>,
    /// Only after this one.
    pub after: Option<MessageId>,
    /// At most so many.
    pub limit: u32,
}

/// A sealed message as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMessage {
    /// Its id and guid.
    pub id: MessageId,
    /// Who transmits it.
    pub sender: String,
    /// What it carries.
    pub kind: Kind,
    /// The road it takes.
    pub road: String,
    /// How far it has come.
    pub carriage: Carriage,
    /// Why it failed last; empty if it did not.
    pub reason: String,
    /// When it was sealed.
    pub sealed_at: Timestamp,
    /// The earliest deadline in it.
    pub needed_by: Timestamp,
    /// When it is sent next, or looked at for want of an answer; nothing: not by itself.
    pub due_at: Option<Timestamp>,
    /// How many times it was tried.
    pub attempts: u32,
    /// How many documents were sealed into it.
    pub sealed: u32,
    /// Whether one of the attempts may have brought it there.
    pub may_have_arrived: bool,
}

/// A message with the documents that it carries now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageWithDocuments {
    /// The message.
    pub message: KeptMessage,
    /// Its documents, by their ids.
    pub documents: Vec<Document>,
}

/// A receipt that somebody has found the document of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attached {
    /// The arrival it came in.
    pub arrival: Uuid,
    /// Its place there.
    pub ordinal: u32,
    /// The document it is about.
    pub document: DocumentId,
    /// Whether it moved the document.
    pub effect: bool,
}

/// What becomes of a road.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoadChange {
    /// Nothing is sent on it any more: its name, and why.
    Paused(String, String),
    /// It goes on.
    Resumed(String),
}

/// An arrival as shown, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptArrival {
    /// Its id.
    pub id: Uuid,
    /// The road it came by.
    pub road: String,
    /// Its name there.
    pub name: String,
    /// When it arrived.
    pub at: Timestamp,
    /// Why it was put aside; empty if it was not.
    pub reason: String,
    /// How many bytes it has.
    pub size: u64,
}

/// The time that a UUIDv7 begins with.
pub(super) fn made_at(id: Uuid) -> Option<Timestamp> {
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    let seconds = i64::try_from(seconds).ok()?;
    Some(Timestamp(seconds.saturating_mul(1_000_000).saturating_add(i64::from(nanos) / 1_000)))
}
