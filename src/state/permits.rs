//! What a state permits: one table, [`permits`]. What a caller may ask for depends on how far the document has come, and for an order or
//! a waybill on the inventory that rests on it.
//!
//! | who says it | what | how sure |
//! | --- | --- | --- |
//! | message specification 202205, appType | 1 new, 2 changed, 3 deleted, for every request | read there |
//! | the same, table 7-2, -301011 | an order whose list is declared is not changed any more | read there, in a table of imports |
//! | the same, -301014, -505016 | only a newer appTime counts | read there |
//! | the same, -623005, -623013 | a list must be in a fit state to be cancelled; which, is not said | read there, of imports |
//! | messages §5, one simulator of customs | the same key is accepted again unless it is alive: order 2, 120; list 2, 120, 399, 899 | one implementation |
//! | messages §5 | 100 may be declared again with appType 1 or 2; below zero nothing was stored | inferred |
//! | the gateway | no change under review or inspection, no deletion after the release, no cancellation after closing | cautious: nothing says so |

use super::State;

/// What a caller may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Another content for an order (appType 2, or anew).
    AmendOrder,
    /// Another content for a waybill.
    AmendWaybill,
    /// Another content for an inventory.
    AmendInventory,
    /// Take an order back (appType 3, or before it was sent).
    DeleteOrder,
    /// Take a waybill back.
    DeleteWaybill,
    /// Take an inventory back.
    DeleteInventory,
    /// Ask customs to cancel an inventory (605).
    Cancel,
    /// Declare that an inventory's goods come back (213, 215).
    DeclareReturn,
    /// Sum an inventory into a customs declaration (701).
    Summarise,
    /// Give an inventory the number of its waybill, or another one.
    Relabel,
    /// Send the same content anew.
    Retry,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::AmendOrder,
        Self::AmendWaybill,
        Self::AmendInventory,
        Self::DeleteOrder,
        Self::DeleteWaybill,
        Self::DeleteInventory,
        Self::Cancel,
        Self::DeclareReturn,
        Self::Summarise,
        Self::Relabel,
        Self::Retry,
    ];
}

/// How it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permit {
    /// Where it stands: customs does not have the document, and it has not been sealed.
    InPlace,
    /// Customs has turned it away: it goes anew, as a new one (appType 1), under the same numbers.
    Anew,
    /// Customs has it: a document of its own asks for it (appType 2 or 3, or another kind).
    Asked,
    /// Not now, or not at all.
    No(Obstacle),
}

/// What stands against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Obstacle {
    /// It is on its way: nobody knows yet whether customs has it.
    OnTheWay,
    /// Its inventory is declared.
    Declared,
    /// An officer is at it.
    UnderReview,
    /// Customs has passed it, and it can only be cancelled.
    Passed,
    /// It is closed: goods can only be declared to come back.
    Closed,
    /// Customs does not have it: there is nothing to cancel.
    NotThere,
    /// It has not been released.
    NotReleased,
    /// It is sealed.
    Sealed,
    /// It has not been turned away: to send it again would declare it twice.
    NotTurnedAway,
    /// It is over.
    Over,
}

/// What `operation` may do to a document in `state`; for an order or a waybill, beside an inventory in the state `inventory`.
///
/// A document that is due again while its earlier message may still go is to be given as [`State::Packed`].
#[must_use]
pub const fn permits(operation: Operation, state: State, inventory: Option<State>) -> Permit {
    match operation {
        Operation::AmendOrder | Operation::AmendWaybill => amend_beside(state, inventory),
        Operation::AmendInventory => amend(state),
        Operation::DeleteOrder | Operation::DeleteWaybill => delete_beside(state, inventory),
        Operation::DeleteInventory => delete(state),
        Operation::Cancel => cancel(state),
        Operation::DeclareReturn | Operation::Summarise => after_release(state),
        Operation::Relabel => relabel(state),
        Operation::Retry => retry(state),
    }
}

/// Whether an inventory in that state rests on its order and waybill: it is declared, or may be.
const fn is_declared(inventory: Option<State>) -> bool {
    match inventory {
        None => false,
        Some(state) => {
            !matches!(state, State::Waiting | State::Due | State::PortFailed | State::Refused | State::Rejected | State::Cancelled)
        }
    }
}

const fn amend_beside(state: State, inventory: Option<State>) -> Permit {
    match state {
        State::Held | State::Declaring | State::Unmatched | State::Sent | State::Stored | State::Passed if is_declared(inventory) => {
            Permit::No(Obstacle::Declared)
        }
        // Customs is done with an order or a waybill at 120 or 399, but it can still be changed as long as no list rests on it.
        State::Passed => Permit::Asked,
        _ => amend(state),
    }
}

const fn amend(state: State) -> Permit {
    match state {
        State::Waiting | State::Due => Permit::InPlace,
        State::Packed | State::Delivered => Permit::No(Obstacle::OnTheWay),
        State::PortFailed | State::Refused | State::Rejected => Permit::Anew,
        State::Held | State::Declaring | State::Unmatched | State::Sent | State::Stored => Permit::Asked,
        State::Review | State::Inspection => Permit::No(Obstacle::UnderReview),
        State::Passed | State::Released => Permit::No(Obstacle::Passed),
        State::Closed => Permit::No(Obstacle::Closed),
        State::Cancelled => Permit::No(Obstacle::Over),
    }
}

const fn delete_beside(state: State, inventory: Option<State>) -> Permit {
    match state {
        State::Held | State::Declaring | State::Unmatched | State::Sent | State::Stored | State::Passed if is_declared(inventory) => {
            Permit::No(Obstacle::Declared)
        }
        _ => delete(state),
    }
}

const fn delete(state: State) -> Permit {
    match state {
        State::Waiting | State::Due | State::PortFailed | State::Refused | State::Rejected => Permit::InPlace,
        State::Packed | State::Delivered => Permit::No(Obstacle::OnTheWay),
        State::Held | State::Declaring | State::Unmatched | State::Sent | State::Stored | State::Passed => Permit::Asked,
        State::Review | State::Inspection => Permit::No(Obstacle::UnderReview),
        State::Released => Permit::No(Obstacle::Passed),
        State::Closed => Permit::No(Obstacle::Closed),
        State::Cancelled => Permit::No(Obstacle::Over),
    }
}

const fn cancel(state: State) -> Permit {
    match state {
        State::Waiting | State::Due | State::PortFailed | State::Refused | State::Rejected => Permit::No(Obstacle::NotThere),
        State::Packed | State::Delivered => Permit::No(Obstacle::OnTheWay),
        State::Held
        | State::Declaring
        | State::Unmatched
        | State::Sent
        | State::Stored
        | State::Review
        | State::Inspection
        | State::Passed
        | State::Released => Permit::Asked,
        State::Closed => Permit::No(Obstacle::Closed),
        State::Cancelled => Permit::No(Obstacle::Over),
    }
}

const fn after_release(state: State) -> Permit {
    match state {
        State::Released | State::Closed => Permit::Asked,
        State::Cancelled => Permit::No(Obstacle::Over),
        _ => Permit::No(Obstacle::NotReleased),
    }
}

const fn relabel(state: State) -> Permit {
    match state {
        State::Waiting | State::Due | State::PortFailed | State::Refused | State::Rejected => Permit::InPlace,
        State::Cancelled => Permit::No(Obstacle::Over),
        _ => Permit::No(Obstacle::Sealed),
    }
}

const fn retry(state: State) -> Permit {
    match state {
        State::PortFailed | State::Refused | State::Rejected => Permit::Anew,
        State::Cancelled => Permit::No(Obstacle::Over),
        _ => Permit::No(Obstacle::NotTurnedAway),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Event, Next, next};

    /// The table once more, as a reader would write it: for each operation, each state's letter in the order of [`State::ALL`].
    /// p in place, n anew, a asked; the rest are obstacles.
    const TABLE: [(Operation, Option<State>, &str); 14] = [
        // Waiting Due Packed Delivered Held Declaring Unmatched Sent PortFailed Stored Review Inspection Passed Released Closed Refused Rejected Cancelled
        (Operation::AmendOrder, None, "p p w w a a a a n a r r a 8 9 n n x"),
        (Operation::AmendOrder, Some(State::Waiting), "p p w w a a a a n a r r a 8 9 n n x"),
        (Operation::AmendOrder, Some(State::Stored), "p p w w d d d d n d r r d 8 9 n n x"),
        (Operation::AmendWaybill, None, "p p w w a a a a n a r r a 8 9 n n x"),
        (Operation::AmendInventory, None, "p p w w a a a a n a r r 8 8 9 n n x"),
        (Operation::DeleteOrder, Some(State::Refused), "p p w w a a a a p a r r a 8 9 p p x"),
        (Operation::DeleteOrder, Some(State::Packed), "p p w w d d d d p d r r d 8 9 p p x"),
        (Operation::DeleteWaybill, Some(State::Closed), "p p w w d d d d p d r r d 8 9 p p x"),
        (Operation::DeleteInventory, None, "p p w w a a a a p a r r a 8 9 p p x"),
        (Operation::Cancel, None, "t t w w a a a a t a a a a a 9 t t x"),
        (Operation::DeclareReturn, None, "u u u u u u u u u u u u u a a u u x"),
        (Operation::Summarise, None, "u u u u u u u u u u u u u a a u u x"),
        (Operation::Relabel, None, "p p s s s s s s p s s s s s s p p x"),
        (Operation::Retry, None, "f f f f f f f f n f f f f f f n n x"),
    ];

    const fn letter(permit: Permit) -> &'static str {
        match permit {
            Permit::InPlace => "p",
            Permit::Anew => "n",
            Permit::Asked => "a",
            Permit::No(Obstacle::OnTheWay) => "w",
            Permit::No(Obstacle::Declared) => "d",
            Permit::No(Obstacle::UnderReview) => "r",
            Permit::No(Obstacle::Passed) => "8",
            Permit::No(Obstacle::Closed) => "9",
            Permit::No(Obstacle::NotThere) => "t",
            Permit::No(Obstacle::NotReleased) => "u",
            Permit::No(Obstacle::Sealed) => "s",
            Permit::No(Obstacle::NotTurnedAway) => "f",
            Permit::No(Obstacle::Over) => "x",
        }
    }

    #[test]
    fn the_table_is_what_is_written() {
        for (operation, inventory, row) in TABLE {
            let found: Vec<_> = State::ALL.into_iter().map(|state| letter(permits(operation, state, inventory))).collect();
            assert_eq!(found.join(" "), row, "{operation:?} beside {inventory:?}");
        }
        for operation in Operation::ALL {
            assert!(TABLE.iter().any(|(named, ..)| *named == operation), "{operation:?}");
        }
    }

    /// Every operation in every state, with every inventory beside it: what is permitted fits the machine.
    #[test]
    fn what_is_permitted_fits_the_machine() {
        let beside = State::ALL.into_iter().map(Some).chain([None]);
        for (operation, inventory, state) in beside
            .flat_map(|inventory| Operation::ALL.into_iter().map(move |operation| (operation, inventory)))
            .flat_map(|(operation, inventory)| State::ALL.into_iter().map(move |state| (operation, inventory, state)))
        {
            let told = format!("{operation:?} of {state:?} beside {inventory:?}");
            match permits(operation, state, inventory) {
                Permit::InPlace => assert!(!state.is_alive() && state != State::Cancelled || state == State::Due, "{told}"),
                Permit::Anew => assert_eq!(next(state, None, Event::Renewed), Next::To(State::Due), "{told}"),
                Permit::Asked => assert!(state.is_alive() && !matches!(state, State::Packed | State::Delivered), "{told}"),
                Permit::No(Obstacle::Over) => assert_eq!(state, State::Cancelled, "{told}"),
                Permit::No(Obstacle::OnTheWay) => assert!(matches!(state, State::Packed | State::Delivered), "{told}"),
                Permit::No(Obstacle::Declared) => assert!(is_declared(inventory) && state.is_alive(), "{told}"),
                Permit::No(_) => assert_ne!(state, State::Cancelled, "{told}"),
            }
            if matches!(operation, Operation::DeleteOrder | Operation::DeleteWaybill | Operation::DeleteInventory)
                && permits(operation, state, inventory) == Permit::InPlace
            {
                assert_eq!(next(state, None, Event::Withdrawn), Next::To(State::Cancelled), "{told}");
            }
            if operation == Operation::Cancel && permits(operation, state, inventory) == Permit::Asked {
                assert_eq!(next(state, None, Event::Revoked), Next::To(State::Cancelled), "{told}");
            }
            assert!(state != State::Cancelled || permits(operation, state, inventory) == Permit::No(Obstacle::Over), "{told}");
        }
    }
}
