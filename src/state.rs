//! The life of a document at customs, in one match: [`next`]. Delivery is another machine ([`crate::queue`]); the two never mix.
//!
//! ```text
//! Waiting ─▶ Due ─▶ Packed ─▶ Delivered ─▶ Held 1, Declaring 2, Sent 3 ─▶ Stored 120 ─▶ Review 300, Inspection 500
//!   ─▶ Passed 399 ─▶ Released 800 ─▶ Closed 899
//! Unmatched: 2 that names missing documents    PortFailed 4    Refused 100    Rejected < 0    Cancelled
//! ```
//!
//! Receipts come late, twice and out of order. A document never moves back from a good state: a late 120 after 399 changes
//! nothing, a refusal counts only where customs can still refuse and only if it is newer than the last word.

use serde::{Deserialize, Serialize};

use crate::{clock::Timestamp, receipt::Verdict};

mod permits;

pub use permits::{Obstacle, Operation, Permit, permits};

/// How far a document has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits at its gate for other documents.
    Waiting,
    /// May be packed.
    Due,
    /// In a sealed message.
    Packed,
    /// The road has taken the message.
    Delivered,
    /// 1: the port holds it.
    Held,
    /// 2: the port is declaring it.
    Declaring,
    /// 2, with a text that names missing documents: send what is missing, not this again.
    Unmatched,
    /// 3: the port has sent it to customs.
    Sent,
    /// 4: the port could not send it; it is packed anew.
    PortFailed,
    /// 120: customs has stored it.
    Stored,
    /// 300: an officer looks at it.
    Review,
    /// 500: the goods are inspected.
    Inspection,
    /// 399: passed.
    Passed,
    /// 800: released.
    Released,
    /// 899: closed.
    Closed,
    /// 100: customs refused it.
    Refused,
    /// Below zero: not processed.
    Rejected,
    /// Withdrawn: by its sender before customs had it, or by a cancellation or a deletion that customs granted.
    Cancelled,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// The gateway's.
    Gateway,
    /// The seller's.
    Seller,
    /// The port's or customs'.
    Customs,
    /// The site operator's or the carrier's: goods must move.
    Carrier,
    /// Nobody's: it is over.
    Nobody,
}

/// What happens to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Its gate is open.
    GateOpened,
    /// It was sealed into a message.
    Packed,
    /// The road has taken its message, or may have.
    Delivered,
    /// Its message was refused whole, or could not be sent: pack it anew.
    Dissolved,
    /// Customs answered, at its own time.
    Answered(Verdict, Timestamp),
    /// A port failure is tried again.
    TriedAgain,
    /// Turned away, it is to go anew, corrected or not.
    Renewed,
    /// Its sender takes it back before customs has it.
    Withdrawn,
    /// Customs granted its cancellation (606: 399) or its deletion.
    Revoked,
}

/// What an event does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The document moves on.
    To(State),
    /// It stays, and what was said becomes its last word.
    Noted,
    /// It stays as it is: the event is late, repeated, or has no meaning here. Kept, without effect.
    Ignored,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 18] = [
        Self::Waiting,
        Self::Due,
        Self::Packed,
        Self::Delivered,
        Self::Held,
        Self::Declaring,
        Self::Unmatched,
        Self::Sent,
        Self::PortFailed,
        Self::Stored,
        Self::Review,
        Self::Inspection,
        Self::Passed,
        Self::Released,
        Self::Closed,
        Self::Refused,
        Self::Rejected,
        Self::Cancelled,
    ];

    /// Its name in logs, requests and the audit log; also how it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Due => "due",
            Self::Packed => "packed",
            Self::Delivered => "delivered",
            Self::Held => "held",
            Self::Declaring => "declaring",
            Self::Unmatched => "unmatched",
            Self::Sent => "sent",
            Self::PortFailed => "port_failed",
            Self::Stored => "stored",
            Self::Review => "review",
            Self::Inspection => "inspection",
            Self::Passed => "passed",
            Self::Released => "released",
            Self::Closed => "closed",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Customs' code for it, where it has one.
    #[must_use]
    pub const fn code(self) -> Option<i32> {
        match self {
            Self::Held => Some(1),
            Self::Declaring | Self::Unmatched => Some(2),
            Self::Sent => Some(3),
            Self::PortFailed => Some(4),
            Self::Refused => Some(100),
            Self::Stored => Some(120),
            Self::Review => Some(300),
            Self::Passed => Some(399),
            Self::Inspection => Some(500),
            Self::Released => Some(800),
            Self::Closed => Some(899),
            Self::Waiting | Self::Due | Self::Packed | Self::Delivered | Self::Rejected | Self::Cancelled => None,
        }
    }

    /// How far along the good road it is; nothing for what has left that road.
    const fn rank(self) -> Option<u8> {
        match self {
            Self::Waiting | Self::Due => Some(0),
            Self::Packed => Some(1),
            Self::Delivered => Some(2),
            Self::Held => Some(3),
            Self::Unmatched => Some(4),
            Self::Declaring => Some(5),
            Self::Sent => Some(6),
            Self::Stored => Some(7),
            Self::Review | Self::Inspection => Some(8),
            Self::Passed => Some(9),
            Self::Released => Some(10),
            Self::Closed => Some(11),
            Self::PortFailed | Self::Refused | Self::Rejected | Self::Cancelled => None,
        }
    }

    /// Whether the port has it for declaration: the mark `declared`.
    #[must_use]
    pub fn is_declared(self) -> bool {
        self.rank() >= Self::Declaring.rank()
    }

    /// Whether customs has stored it: the mark `stored`.
    #[must_use]
    pub fn is_stored(self) -> bool {
        self.rank() >= Self::Stored.rank()
    }

    /// Whether it may be at customs now: it was sent and has not been turned away.
    #[must_use]
    pub fn is_alive(self) -> bool {
        self.rank() >= Self::Packed.rank()
    }

    /// Whether it was turned away: customs does not have it, and it may be declared again under the same numbers.
    #[must_use]
    pub const fn is_turned_away(self) -> bool {
        matches!(self, Self::PortFailed | Self::Refused | Self::Rejected)
    }

    /// Whether nothing more will happen to it by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Closed | Self::Refused | Self::Rejected | Self::Cancelled)
    }

    /// Whose turn it is.
    #[must_use]
    pub const fn turn(self) -> Turn {
        match self {
            Self::Waiting | Self::Due | Self::Packed | Self::PortFailed => Turn::Gateway,
            Self::Delivered | Self::Held | Self::Declaring | Self::Sent | Self::Stored | Self::Review | Self::Inspection => Turn::Customs,
            Self::Unmatched | Self::Refused | Self::Rejected => Turn::Seller,
            Self::Passed | Self::Released => Turn::Carrier,
            Self::Closed | Self::Cancelled => Turn::Nobody,
        }
    }
}

/// What `event` does to a document in `state` whose last word from customs was spoken at `last`.
#[must_use]
pub fn next(state: State, last: Option<Timestamp>, event: Event) -> Next {
    match (state, event) {
        (State::Waiting, Event::GateOpened)
        | (State::PortFailed, Event::TriedAgain)
        | (State::Packed | State::Delivered, Event::Dissolved)
        | (State::PortFailed | State::Refused | State::Rejected, Event::Renewed) => Next::To(State::Due),
        (State::Waiting | State::Due | State::PortFailed | State::Refused | State::Rejected, Event::Withdrawn) => {
            Next::To(State::Cancelled)
        }
        // Customs alone knows when it was too late for it: its word counts whatever was heard before.
        (state, Event::Revoked) if state.is_alive() => Next::To(State::Cancelled),
        (State::Due, Event::Packed) => Next::To(State::Packed),
        (State::Packed, Event::Delivered) => Next::To(State::Delivered),
        (_, Event::Answered(verdict, at)) => answered(state, verdict, last.is_none_or(|last| at >= last)),
        (_, Event::GateOpened | Event::Packed | Event::Delivered | Event::Dissolved | Event::TriedAgain) => Next::Ignored,
        (_, Event::Renewed | Event::Withdrawn | Event::Revoked) => Next::Ignored,
    }
}

/// What customs' answer does; `newer` if it was spoken no earlier than the last word.
fn answered(state: State, verdict: Verdict, newer: bool) -> Next {
    use State as S;
    match (verdict, state) {
        (_, S::Closed | S::Cancelled) => Next::Ignored,
        // Customs has spoken before and the document goes out anew (after 4): what it said earlier is about the earlier sending.
        (_, S::Waiting | S::Due | S::Packed | S::Delivered) if !newer => Next::Ignored,
        (Verdict::Held, _) => forward(state, S::Held, newer),
        (Verdict::Missing, S::Declaring) if newer => Next::To(S::Unmatched),
        (Verdict::Missing, _) => forward(state, S::Unmatched, newer),
        (Verdict::Declaring, _) => forward(state, S::Declaring, newer),
        (Verdict::Sent, _) => forward(state, S::Sent, newer),
        (Verdict::Stored, _) => forward(state, S::Stored, newer),
        // Review and inspection may follow each other in either order: the newer word counts.
        (Verdict::Review, S::Inspection) if newer => Next::To(S::Review),
        (Verdict::Inspection, S::Review) if newer => Next::To(S::Inspection),
        (Verdict::Review, _) => forward(state, S::Review, newer),
        (Verdict::Inspection, _) => forward(state, S::Inspection, newer),
        (Verdict::Passed, _) => forward(state, S::Passed, newer),
        (Verdict::Released, _) => forward(state, S::Released, newer),
        (Verdict::Closed, _) => forward(state, S::Closed, newer),
        // "Already there" proves that the first one arrived, whatever became of our connection.
        (Verdict::Duplicate, S::Due | S::Packed | S::Delivered) => Next::To(S::Declaring),
        (Verdict::PortFailed, S::Packed | S::Delivered | S::Held | S::Declaring | S::Unmatched | S::Sent) if newer => {
            Next::To(S::PortFailed)
        }
        (
            Verdict::Refused,
            S::Packed | S::Delivered | S::Held | S::Declaring | S::Unmatched | S::Sent | S::Stored | S::Review | S::Inspection,
        ) if newer => Next::To(S::Refused),
        (Verdict::Rejected, S::Packed | S::Delivered | S::Held | S::Declaring | S::Unmatched | S::Sent) if newer => Next::To(S::Rejected),
        (Verdict::Other, S::Packed) => Next::To(S::Delivered),
        (Verdict::Other, _) if newer && state.is_alive() => Next::Noted,
        (Verdict::Duplicate | Verdict::Outdated | Verdict::PortFailed | Verdict::Refused | Verdict::Rejected | Verdict::Other, _) => {
            Next::Ignored
        }
    }
}

/// Forward along the good road, never back; from a refusal only if customs spoke later (it was declared again, or reinstated).
/// Also from `Waiting` and `Due`: if customs already has what we have yet to send, sending it would declare it twice.
fn forward(state: State, to: State, newer: bool) -> Next {
    match (state.rank(), to.rank()) {
        (Some(from), Some(rank)) if from < rank => Next::To(to),
        (None, Some(_)) if newer && to.is_stored() => Next::To(to),
        _ => Next::Ignored,
    }
}

#[cfg(test)]
mod tests;
