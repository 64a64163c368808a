//! A receipt that matched nothing, and of which somebody has found the document: what follows is what would have followed had it matched.

use super::{
    consequences,
    fold::{self, Rules},
    read::ReadReceipts,
};
use crate::{
    clock::{Clockwork, Timestamp},
    declaration::DocumentId,
    exemption::Advisor,
    store::{Change, KeptReceipt, LeasedArrival, Matches, Store, Subject},
    task::Error,
};

/// What is decided with.
#[derive(Clone, Copy)]
pub struct Attaching<'a> {
    /// What is kept.
    pub store: &'a dyn Store,
    /// Time and randomness.
    pub clockwork: &'a Clockwork,
    /// Advises on the exemption.
    pub advisor: &'a Advisor,
    /// Times that a document is packed; see [`super::Options::port_retries`].
    pub port_retries: u32,
    /// The time of the decision.
    pub now: Timestamp,
}

/// What follows for a document of the subject, and whether the receipt moves it.
///
/// # Errors
/// If the store cannot be read.
pub async fn attach(with: Attaching<'_>, kept: &KeptReceipt, subject: Subject, document: DocumentId) -> Result<(Vec<Change>, bool), Error> {
    let Attaching { store, clockwork, advisor, port_retries, now } = with;
    let rules = Rules { clockwork, advisor, port_retries, now };
    let arrival = LeasedArrival { id: kept.arrival, road: String::new(), name: String::new(), bytes: Vec::new(), at: kept.at, attempt: 1 };
    let read = ReadReceipts { arrival, receipts: vec![kept.receipt.clone()] };
    let matches = Matches { subjects: vec![subject], of: vec![Some((0, document))] };
    let mut folded = fold::fold(rules, &[&read], matches);
    consequences::follow(store, rules, &mut folded.changes).await?;
    let effect = folded.receipts.first().is_some_and(|receipt| receipt.effect);
    Ok((folded.changes, effect))
}
