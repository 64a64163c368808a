//! How things stand, counted for those who watch: what waits where, what moved in the last minutes, and what is due by when.

use uuid::Uuid;

use crate::{clock::Timestamp, declaration::DeclarationId, party::Tenant, state::State};

/// What is to be counted.
#[derive(Debug, Clone, Default)]
pub struct OverviewAsked {
    /// Inventories of this tenant only; whatever else is counted is everybody's.
    pub tenant: Option<Tenant>,
    /// Inventories that were accepted since.
    pub since: Timestamp,
    /// The minutes of which to tell what moved, by their beginnings.
    pub minutes: Vec<Timestamp>,
}

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overview {
    /// Inventories accepted since then, by office and state.
    pub offices: Vec<OfficeCount>,
    /// How much waits.
    pub backlog: Backlog,
    /// What waits to be sent on each road.
    pub roads: Vec<RoadQueue>,
    /// What moved in the minutes that were asked for, in their order.
    pub pulses: Vec<Pulse>,
    /// Documents that are due, by the minute by which they are needed; the earliest [`MOST_DUE`] such minutes.
    pub due: Vec<DueBy>,
}

/// Minutes with due documents that are told of.
pub const MOST_DUE: u32 = 3_000;

/// What waits to be sent on a road.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoadQueue {
    /// The road.
    pub road: String,
    /// Messages that are to be sent.
    pub queued: i64,
    /// Those of them that have failed since they were last taken.
    pub failing: i64,
    /// When the oldest of them was sealed.
    pub oldest: Option<Timestamp>,
}

/// What moved in one minute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulse {
    /// When it began.
    pub minute: Timestamp,
    /// Declarations that were accepted.
    pub accepted: i64,
    /// Documents in messages that a road took.
    pub sent: i64,
    /// Messages that came from customs.
    pub arrived: i64,
    /// From seal to road, in milliseconds: one for each message that was taken.
    pub sending_ms: Vec<i64>,
    /// From road to the first answer, in milliseconds: one document of each message that was taken, if it has been answered.
    pub answering_ms: Vec<i64>,
}

/// Documents that are due and needed by one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueBy {
    /// The minute's beginning.
    pub minute: Timestamp,
    /// How many.
    pub count: i64,
    /// One of their declarations.
    pub declaration: Option<DeclarationId>,
}

/// How many inventories that are declared at an office are in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficeCount {
    /// The office's code.
    pub office: String,
    /// The state.
    pub state: State,
    /// How many.
    pub count: i64,
}

/// How much waits, and since when.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Documents that are due and not held back.
    pub due: i64,
    /// When the oldest of them was made.
    pub oldest_due: Option<Timestamp>,
    /// Documents that are held back.
    pub on_hold: i64,
    /// Messages that are to be sent.
    pub queued: i64,
    /// When the oldest of them was sealed.
    pub oldest_queued: Option<Timestamp>,
    /// Messages that wait for a person.
    pub given_up: i64,
    /// Arrivals that are not read yet.
    pub unread: i64,
    /// When the oldest of them came.
    pub oldest_unread: Option<Timestamp>,
    /// Arrivals that were put aside.
    pub quarantined: i64,
}

/// A minute in microseconds.
pub(super) const MINUTE: i64 = 60_000_000;

/// The ids that were made in the minute that begins then: from the first up to the second.
pub(super) fn made_in(minute: Timestamp) -> (Uuid, Uuid) {
    (first_made_at(minute), first_made_at(Timestamp(minute.0.saturating_add(MINUTE))))
}

/// The smallest id that can have been made at a time.
pub(super) fn first_made_at(at: Timestamp) -> Uuid {
    let millis = u64::try_from(at.0.max(0) / 1_000).unwrap_or(0) & 0xffff_ffff_ffff;
    Uuid::from_u64_pair(millis << 16 | 0x7000, 0x8000_0000_0000_0000)
}

/// Puts times, given with the place of their minute, to their minutes.
pub(super) fn distribute(pulses: &mut [Pulse], times: Vec<(i64, i64)>, into: fn(&mut Pulse) -> &mut Vec<i64>) {
    for (place, millis) in times {
        if let Some(pulse) = usize::try_from(place).ok().and_then(|place| pulses.get_mut(place)) {
            into(pulse).push(millis);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::desk::made_at;

    #[test]
    fn ids_made_in_a_minute_lie_between_its_ends() {
        let minute = Timestamp(1_764_000_000_000_000);
        let (from, to) = made_in(minute);
        assert_eq!((made_at(from), made_at(to)), (Some(minute), Some(Timestamp(minute.0 + MINUTE))));
        assert!(from < to && first_made_at(Timestamp(-5)) < from);
    }
}
