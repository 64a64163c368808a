//! A port failure (4) that was set aside, since it may be about a copy that is dead while another one lives (see the collector). Where the
//! old bytes must not go once more, because another document of their message has moved on, nothing but a person's word ends the doubt.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    Desk, Order, Told, Verdict, difference,
    retry::Wish,
    targets::{Target, subject},
};
use crate::{
    clock::Timestamp,
    dossier::{Document, Resent},
    receipt,
    state::{self, Event, Next, State},
    store::{Carriage, Change, MessageWithDocuments},
    task,
};

/// What a 4 that was set aside would do, if it counted.
fn pending(document: &Document) -> Option<State> {
    let aside = document.resent.as_ref()?.set_aside?;
    match state::next(document.state, None, Event::Answered(receipt::Verdict::PortFailed, aside)) {
        Next::To(to) => Some(to),
        _ => None,
    }
}

/// A line about a document in doubt, in this message; nothing where it is in none.
pub(super) fn line(target: &Target, document: &Document, wish: Wish, with: Option<&MessageWithDocuments>) -> Option<Told> {
    pending(document)?;
    let is_whole = |with: &MessageWithDocuments| usize::try_from(with.message.sealed).is_ok_and(|sealed| sealed == with.documents.len());
    if with.is_some_and(|with| with.message.carriage != Carriage::Over && is_whole(with)) {
        return Some(target.line(
            document,
            Verdict::Refused,
            "原样重发后的回执会说明，请等待",
            "the same bytes go once more, and the answer to them will tell: wait for it",
        ));
    }
    Some(match wish {
        Wish::Again => target.line(
            document,
            Verdict::Refused,
            "不清楚海关是否持有：请先认定",
            "whether customs has it is not known: resolve that first",
        ),
        Wish::Arrived => {
            target.line(document, Verdict::Done, "认定海关持有，等待回执", "counts as taken by customs: an answer is waited for")
        }
        Wish::NotArrived => {
            target.line(document, Verdict::Done, "认定海关未持有，重新打包", "counts as not taken by customs: it is packed anew")
        }
    })
}

impl Desk {
    /// Ends the doubt about a document; nothing where it is in none.
    pub(super) fn end_doubt(
        &self,
        order: &Order,
        now: Timestamp,
        wish: Wish,
        document: &Document,
        families: &BTreeMap<Uuid, Vec<Document>>,
    ) -> Option<Change> {
        let failed = pending(document)?;
        if wish == Wish::NotArrived {
            let dead = Document { state: failed, resent: None, ..document.clone() };
            let mut change = self.anew(order, now, "resolve", &dead, families);
            let first = difference(document.kind, "state", document.state.as_str(), failed.as_str());
            change.entries.iter_mut().for_each(|entry| entry.changes.insert(0, first.clone()));
            return Some(change);
        }
        let resent = document.resent.map(|resent| Resent { set_aside: None, ..resent });
        let taken = task::difference(format!("{}.port_failure", document.kind.as_str()), "set_aside", "void");
        Some(Change {
            expected: vec![(document.id, document.version)],
            documents: vec![Document { resent, ..document.clone() }],
            entries: vec![self.entry(order, now, (&document.tenant, subject(document)), "resolve", vec![taken])],
            ..Change::default()
        })
    }
}
