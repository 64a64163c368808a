//! What a port failure is worth once the same bytes have gone more than once. A 4 kills the copy that it is about, and frees the document
//! for another message; but if a later copy was taken meanwhile, another message would declare it twice. Stamps of different clocks
//! cannot tell; what customs says of the copies can: a copy is taken, or turned away as a repetition of one that is alive.

use crate::{
    clock::Timestamp,
    declaration::Action,
    dossier::{Document, LastWord, Resent},
    receipt::{self, Receipt, Verdict},
    state::{self, Event, Next},
};

/// What is made of a verdict.
pub(super) enum Weighed {
    /// It says this, and it was said then.
    Counts(Verdict, Timestamp),
    /// A 4 that may be about a copy that is dead while another lives: the answer to the bytes that go once more will tell (store::lease_deliveries).
    SetAside,
    /// It was set aside before.
    Known,
}

/// Weighs what was spoken at `at` and came in at `came`.
pub(super) fn weigh(document: &mut Document, verdict: Verdict, receipt: &Receipt, at: Timestamp, came: Timestamp) -> Weighed {
    let dies = matches!(state::next(document.state, None, Event::Answered(Verdict::PortFailed, at)), Next::To(_));
    let (only, adds) = (document.packed == 1, document.action == Action::Add);
    let Some(resent) = document.resent.as_mut() else { return Weighed::Counts(verdict, at) };
    match verdict {
        Verdict::PortFailed if dies && resent.copies > 0 && (at < resent.at || came < resent.at) => {
            if resent.set_aside.is_some_and(|aside| aside >= at) {
                return Weighed::Known;
            }
            resent.set_aside = Some(at);
            Weighed::SetAside
        }
        Verdict::PortFailed => {
            resent.set_aside = None;
            Weighed::Counts(verdict, at)
        }
        // The one copy was turned away, so the first was alive: a 4 is about that, and nothing is left of either.
        Verdict::Duplicate if only && adds && resent.copies == 1 => {
            resent.copies = 0;
            // Said once more when the document is on its way in another message, it must not count for that.
            if document.last_word.as_ref().is_none_or(|word| at >= word.at) {
                document.last_word = Some(LastWord { code: receipt.code.clone(), at, info: receipt.info.clone() });
            }
            resent.set_aside.take().map_or(Weighed::Counts(verdict, at), |aside| Weighed::Counts(Verdict::PortFailed, aside))
        }
        Verdict::Duplicate | Verdict::Outdated | Verdict::Other => Weighed::Counts(verdict, at),
        // Said after the 4: of a copy that lives.
        _ => {
            *resent = Resent { set_aside: resent.set_aside.filter(|aside| *aside >= at), ..*resent };
            Weighed::Counts(verdict, at)
        }
    }
}

/// When the last word was spoken that this one must not be older than. That a copy is a repetition is said of the copy: the 4 that the first
/// was given may be older.
pub(super) fn last(document: &Document, verdict: Verdict) -> Option<Timestamp> {
    let word = document.last_word.as_ref()?;
    let of_a_copy = || receipt::verdict(document.kind, &word.code, &word.info) == Verdict::Duplicate;
    (verdict != Verdict::PortFailed || document.resent.is_none() || !of_a_copy()).then_some(word.at)
}
