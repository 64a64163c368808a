//! The machine, event by event.

use super::*;

const EARLY: Timestamp = Timestamp(1);
const LATE: Timestamp = Timestamp(2);

fn run(verdicts: &[(Verdict, Timestamp)]) -> State {
    let mut state = State::Delivered;
    let mut last = None;
    for &(verdict, at) in verdicts {
        match next(state, last, Event::Answered(verdict, at)) {
            Next::To(to) => (state, last) = (to, last.max(Some(at))),
            Next::Noted => last = last.max(Some(at)),
            Next::Ignored => {}
        }
    }
    state
}

#[test]
fn the_usual_life() {
    use Verdict as V;
    let times = [V::Declaring, V::Sent, V::Stored, V::Review, V::Inspection, V::Review, V::Passed, V::Released, V::Closed];
    let life: Vec<_> = times.into_iter().enumerate().map(|(at, verdict)| (verdict, Timestamp(i64::try_from(at).unwrap()))).collect();
    assert_eq!(run(&life), State::Closed);
    let mut reversed = life;
    reversed.reverse();
    assert_eq!(run(&reversed), State::Closed, "the order of arrival does not matter");
}

#[test]
fn an_earlier_word_does_not_hold_back_what_goes_out_anew() {
    let late = |state, verdict| next(state, Some(LATE), Event::Answered(verdict, EARLY));
    for state in [State::Due, State::Packed, State::Delivered] {
        for verdict in [Verdict::Held, Verdict::Declaring, Verdict::Missing, Verdict::Sent, Verdict::PortFailed, Verdict::Duplicate] {
            assert_eq!(late(state, verdict), Next::Ignored, "{state:?} {verdict:?}");
        }
        assert_eq!(next(state, Some(EARLY), Event::Answered(Verdict::Declaring, LATE)), Next::To(State::Declaring));
    }
}

#[test]
fn no_way_back_from_a_good_state() {
    assert_eq!(run(&[(Verdict::Passed, EARLY), (Verdict::Stored, LATE)]), State::Passed);
    assert_eq!(run(&[(Verdict::Released, EARLY), (Verdict::Refused, LATE)]), State::Released);
    assert_eq!(run(&[(Verdict::Stored, LATE), (Verdict::Refused, EARLY)]), State::Stored, "an older refusal");
    assert_eq!(run(&[(Verdict::Stored, EARLY), (Verdict::Refused, LATE)]), State::Refused);
    assert_eq!(run(&[(Verdict::Declaring, EARLY), (Verdict::Duplicate, LATE)]), State::Declaring);
    assert_eq!(run(&[(Verdict::Stored, EARLY), (Verdict::Rejected, LATE)]), State::Stored);
    assert_eq!(run(&[(Verdict::Closed, EARLY), (Verdict::Rejected, LATE)]), State::Closed);
}

#[test]
fn a_duplicate_proves_arrival() {
    assert_eq!(next(State::Packed, None, Event::Answered(Verdict::Duplicate, EARLY)), Next::To(State::Declaring));
}

#[test]
fn missing_documents_and_their_arrival() {
    assert_eq!(run(&[(Verdict::Missing, EARLY)]), State::Unmatched);
    assert_eq!(run(&[(Verdict::Missing, EARLY), (Verdict::Stored, LATE)]), State::Stored);
    assert_eq!(run(&[(Verdict::Stored, LATE), (Verdict::Missing, EARLY)]), State::Stored);
}

#[test]
fn every_state_and_event_keeps_the_invariants() {
    use Verdict as V;
    let verdicts = [
        V::Held,
        V::Declaring,
        V::Missing,
        V::Sent,
        V::PortFailed,
        V::Refused,
        V::Stored,
        V::Review,
        V::Inspection,
        V::Passed,
        V::Released,
        V::Closed,
        V::Duplicate,
        V::Outdated,
        V::Rejected,
        V::Other,
    ];
    for state in State::ALL {
        for verdict in verdicts {
            let result = next(state, Some(LATE), Event::Answered(verdict, EARLY));
            if let Next::To(to) = result {
                assert!(to.rank() > state.rank(), "an older answer moved {state:?} to {to:?}");
            }
            let result = next(state, Some(EARLY), Event::Answered(verdict, LATE));
            if matches!(state, State::Released | State::Closed | State::Passed) {
                assert!(!matches!(result, Next::To(to) if to.rank() <= state.rank()), "{state:?} left by {verdict:?}");
            }
            if matches!(state, State::Waiting | State::Due) && !matches!(result, Next::To(to) if to.is_alive()) {
                assert_eq!(result, Next::Ignored, "{state:?} is not at customs, but {verdict:?} touched it");
            }
        }
    }
}

/// Every event but an answer in every state: where it leads, as a reader would write it.
#[test]
fn what_is_done_on_our_side_leads_where_it_is_written() {
    use State as S;
    let expected: [(Event, &[(S, S)]); 8] = [
        (Event::GateOpened, &[(S::Waiting, S::Due)]),
        (Event::Packed, &[(S::Due, S::Packed)]),
        (Event::Delivered, &[(S::Packed, S::Delivered)]),
        (Event::Dissolved, &[(S::Packed, S::Due), (S::Delivered, S::Due)]),
        (Event::TriedAgain, &[(S::PortFailed, S::Due)]),
        (Event::Renewed, &[(S::PortFailed, S::Due), (S::Refused, S::Due), (S::Rejected, S::Due)]),
        (
            Event::Withdrawn,
            &[
                (S::Waiting, S::Cancelled),
                (S::Due, S::Cancelled),
                (S::PortFailed, S::Cancelled),
                (S::Refused, S::Cancelled),
                (S::Rejected, S::Cancelled),
            ],
        ),
        (
            Event::Revoked,
            &[
                (S::Packed, S::Cancelled),
                (S::Delivered, S::Cancelled),
                (S::Held, S::Cancelled),
                (S::Declaring, S::Cancelled),
                (S::Unmatched, S::Cancelled),
                (S::Sent, S::Cancelled),
                (S::Stored, S::Cancelled),
                (S::Review, S::Cancelled),
                (S::Inspection, S::Cancelled),
                (S::Passed, S::Cancelled),
                (S::Released, S::Cancelled),
                (S::Closed, S::Cancelled),
            ],
        ),
    ];
    for (event, moves) in expected {
        for state in State::ALL {
            let to = moves.iter().find(|(from, _)| *from == state).map_or(Next::Ignored, |(_, to)| Next::To(*to));
            assert_eq!(next(state, Some(EARLY), event), to, "{event:?} in {state:?}");
        }
    }
}
