//! What follows from receipts: pure, but for ids. Receipts are folded over the documents they name in the order in which customs
//! spoke; each subject gets one change with one audit entry.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    audit::Difference,
    clock::{Clockwork, Timestamp},
    declaration::{Action, DocumentId, Kind},
    dossier::{Document, Dossier, LastWord},
    exemption::{Advisor, Assessment, Cause, ListStatus},
    intake,
    receipt::{self, Receipt, Verdict},
    state::{self, Event, Next, State},
    store::{Change, DeadlineChange, KeptReceipt, Matches, Number, NumberKind, Subject},
    task::{self, Note},
};

use super::{
    NAME, consequences,
    copies::{self, Weighed},
    read::ReadReceipts,
};

/// A returnTime further than this ahead of the arrival is a broken clock: believed, it would make every later word an older one.
const SKEW: Duration = Duration::from_secs(86_400);

/// What decisions are made with.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub clockwork: &'a Clockwork,
    pub advisor: &'a Advisor,
    pub port_retries: u32,
    pub now: Timestamp,
}

/// What follows.
pub(super) struct Folded {
    pub receipts: Vec<KeptReceipt>,
    pub changes: Vec<Change>,
    /// For each arrival, whether every receipt in it is about something of ours.
    pub ours: Vec<bool>,
}

/// A receipt on its way through the fold.
struct Item<'a> {
    arrival: usize,
    ordinal: usize,
    receipt: &'a Receipt,
    at: Timestamp,
    came: Timestamp,
    target: Option<(usize, DocumentId)>,
    effect: bool,
}

/// Folds all receipts over their subjects.
pub(super) fn fold(rules: Rules<'_>, arrivals: &[&ReadReceipts], matches: Matches) -> Folded {
    let mut items = items(arrivals, &matches);
    let mut works: Vec<_> = matches.subjects.into_iter().map(Work::new).collect();
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|place| items.get(*place).map(|item| item.at));
    for place in order {
        let Some(item) = items.get_mut(place) else { continue };
        let target = item.target.and_then(|(work, document)| Some((works.get_mut(work)?, document)));
        let Some((work, document)) = target else { continue };
        item.effect = work.hear(rules, document, item);
    }
    let mut ours = vec![true; arrivals.len()];
    for item in items.iter().filter(|item| item.target.is_none()) {
        if let Some(ours) = ours.get_mut(item.arrival) {
            *ours = false;
        }
    }
    let receipts = items.iter().filter_map(|item| {
        let arrival = &arrivals.get(item.arrival)?.arrival;
        Some(KeptReceipt {
            arrival: arrival.id,
            ordinal: u32::try_from(item.ordinal).ok()?,
            at: arrival.at,
            receipt: item.receipt.clone(),
            document: item.target.map(|(_, document)| document),
            effect: item.effect,
        })
    });
    Folded { receipts: receipts.collect(), changes: works.into_iter().filter_map(|work| work.change(rules)).collect(), ours }
}

/// When something was said that came in at `came`: then, if it gives no time or one that cannot be.
pub(super) fn spoken(at: Option<Timestamp>, came: Timestamp) -> Timestamp {
    at.filter(|at| *at <= came + SKEW).unwrap_or(came)
}

fn items<'a>(arrivals: &[&'a ReadReceipts], matches: &Matches) -> Vec<Item<'a>> {
    let receipts = arrivals.iter().copied().enumerate().flat_map(|(arrival, read)| {
        read.receipts.iter().enumerate().map(move |(ordinal, receipt)| {
            let came = read.arrival.at;
            (arrival, ordinal, receipt, (spoken(receipt.at, came), came))
        })
    });
    let targets = matches.of.iter().copied().chain(std::iter::repeat(None));
    receipts
        .zip(targets)
        .map(|((arrival, ordinal, receipt, (at, came)), target)| Item { arrival, ordinal, receipt, at, came, target, effect: false })
        .collect()
}

/// A subject while receipts are folded over it.
struct Work {
    subject: Subject,
    documents: BTreeMap<DocumentId, Document>,
    numbers: Vec<Number>,
    why: Vec<String>,
}

impl Work {
    fn new(subject: Subject) -> Self {
        let documents = originals(&subject).iter().map(|document| (document.id, document.clone())).collect();
        Self { subject, documents, numbers: Vec::new(), why: Vec::new() }
    }

    /// Takes one receipt in; tells whether it did anything.
    fn hear(&mut self, rules: Rules<'_>, document: DocumentId, item: &Item<'_>) -> bool {
        let (receipt, at) = (item.receipt, item.at);
        let Some(document) = self.documents.get_mut(&document) else { return false };
        let numbered = take_numbers(document, receipt, &mut self.numbers);
        let verdict = meaning(document, receipt);
        // The same word again says nothing new: a repeated 4 must not set free what has been sent anew since.
        if document.last_word.as_ref().is_some_and(|word| (word.at, &word.code) == (at, &receipt.code)) {
            return numbered;
        }
        let (verdict, spoken) = match copies::weigh(document, verdict, receipt, at, item.came) {
            Weighed::Counts(verdict, spoken) => (verdict, spoken),
            Weighed::Known => return numbered,
            Weighed::SetAside => {
                self.why.push(format!("{}: a port failure from before the same bytes went again, set aside", document.kind.as_str()));
                return true;
            }
        };
        let last = copies::last(document, verdict);
        let next = state::next(document.state, last, Event::Answered(verdict, spoken));
        if next == Next::Ignored {
            return numbered;
        }
        if document.last_word.as_ref().is_none_or(|word| at >= word.at) {
            document.last_word = Some(LastWord { code: receipt.code.clone(), at, info: receipt.info.clone() });
        }
        if let Next::To(to) = next {
            document.state = to;
            document.gate_at = None;
            self.why.extend(try_again(document, rules.port_retries));
        }
        true
    }

    /// What is to be written; nothing if nothing changed.
    fn change(mut self, rules: Rules<'_>) -> Option<Change> {
        consequences::delete(self.documents.values_mut());
        let before = originals(&self.subject);
        let mut differences: Vec<Difference> =
            before.iter().filter_map(|old| Some((old, self.documents.get(&old.id)?))).flat_map(|(old, new)| compare(old, new)).collect();
        let changed = |document: &Document| before.iter().any(|old| old.id == document.id && old != document);
        if !self.documents.values().any(changed) {
            return None;
        }
        // Whatever has changed may be what an inventory waits for.
        let waits = self.documents.values().any(|document| document.kind == Kind::Inventory && document.state == State::Waiting);
        let woken = match &self.subject {
            Subject::Dossier(dossier) if waits => vec![dossier.id],
            Subject::Dossier(_) | Subject::Waybill(_) => Vec::new(),
        };
        let decided = assess(rules, &self.subject, &self.documents, &mut differences);
        let mut deadlines = deadlines(&self.subject, &self.documents);
        deadlines.extend(decided.iter().flat_map(|(dossier, decided)| to_file(dossier, decided)));
        let assessment = decided.map(|(dossier, decided)| (dossier.id, decided.to_kept()));
        let tenant = before.first().map(|document| document.tenant.clone())?;
        let (tenant, trace) =
            if let Subject::Dossier(dossier) = &self.subject { (dossier.tenant.clone(), dossier.trace) } else { (tenant, None) };
        let note = Note { task: NAME, act: "receipt", subject: self.subject.id(), why: &self.why.join("; ") };
        let entries = vec![task::entry(rules.clockwork, rules.now, &tenant, note, differences).traced(trace)];
        Some(Change {
            // Each is decided on by itself: what moves its neighbours meanwhile changes nothing here.
            expected: self
                .documents
                .values()
                .filter(|document| changed(document))
                .map(|document| (document.id, document.version))
                .collect(),
            documents: self.documents.values().filter(|document| changed(document)).cloned().collect(),
            woken,
            numbers: self.numbers,
            assessment,
            deadlines,
            entries,
            ..Change::default()
        })
    }
}

fn originals(subject: &Subject) -> &[Document] {
    match subject {
        Subject::Dossier(dossier) => &dossier.documents,
        Subject::Waybill(document) => std::slice::from_ref(document),
    }
}

/// What an answer means for a document. That the same is there already proves that a new one has arrived; an amendment or a deletion,
/// if it was sent once, was turned down by it.
fn meaning(document: &Document, receipt: &Receipt) -> Verdict {
    match receipt::verdict(document.kind, &receipt.code, &receipt.info) {
        Verdict::Duplicate if document.action != Action::Add && document.resent.is_none() => Verdict::Rejected,
        verdict => verdict,
    }
}

/// Deadlines that follow for a declaration.
fn deadlines(subject: &Subject, documents: &BTreeMap<DocumentId, Document>) -> Vec<DeadlineChange> {
    let Subject::Dossier(dossier) = subject else { return Vec::new() };
    let Some((old, new)) = dossier.document(Kind::Inventory).and_then(|old| Some((old, documents.get(&old.id)?))) else {
        return Vec::new();
    };
    consequences::of_inventory(dossier, old.state, new)
}

/// preNo, invtNo and sumNo: kept even from a receipt that comes too late to move anything.
fn take_numbers(document: &mut Document, receipt: &Receipt, numbers: &mut Vec<Number>) -> bool {
    if matches!(document.kind, Kind::Order | Kind::Waybill | Kind::Payment) {
        return false;
    }
    let (declaration, id) = (document.declaration, document.id);
    let mut found = |kind, number: &str| {
        numbers.push(Number { kind, number: number.to_owned(), scope: String::new(), declaration, document: Some(id) });
        true
    };
    let mut taken = false;
    if let Some(given) = receipt.port_no.as_ref().filter(|given| !given.0.is_empty() && document.port_no.as_ref() != Some(*given)) {
        taken |= found(NumberKind::Port, &given.0);
        document.port_no = Some(given.clone());
    }
    if let Some(given) = receipt.summary_no.as_ref().filter(|given| !given.0.is_empty()) {
        // Written again it stays one number.
        found(NumberKind::Summary, &given.0);
    }
    // That of a cancellation or of a return is the inventory's, and known.
    let of_inventory = receipt.inventory_no.as_ref().filter(|_| document.kind == Kind::Inventory);
    if let Some(given) = of_inventory.filter(|given| !given.0.is_empty() && document.inventory_no.as_ref() != Some(*given)) {
        taken |= found(NumberKind::Inventory, &given.0);
        document.inventory_no = Some(given.clone());
    }
    taken
}

/// A port failure is packed anew by itself, a bounded number of times.
fn try_again(document: &mut Document, limit: u32) -> Option<String> {
    if document.state != State::PortFailed || document.port_failures >= limit {
        return None;
    }
    let Next::To(to) = state::next(document.state, None, Event::TriedAgain) else { return None };
    // It keeps its message: should that be on the road once more at this moment, it is declared by that again (store::settle).
    document.state = to;
    document.port_failures = document.port_failures.saturating_add(1);
    Some(format!("{}: the port could not pass it on, packed anew", document.kind.as_str()))
}

/// The fields that changed. Texts from customs may name persons: only codes and numbers.
fn compare(old: &Document, new: &Document) -> Vec<Difference> {
    let kind = new.kind.as_str();
    let code = |document: &Document| document.last_word.as_ref().map(|word| word.code.clone()).unwrap_or_default();
    let number = |number: Option<&String>| number.cloned().unwrap_or_default();
    let fields = [
        ("state", old.state.as_str().to_owned(), new.state.as_str().to_owned()),
        ("verdict", code(old), code(new)),
        ("port_no", number(old.port_no.as_ref().map(|no| &no.0)), number(new.port_no.as_ref().map(|no| &no.0))),
        ("inventory_no", number(old.inventory_no.as_ref().map(|no| &no.0)), number(new.inventory_no.as_ref().map(|no| &no.0))),
    ];
    fields
        .into_iter()
        .filter(|(_, from, to)| from != to)
        .map(|(name, from, to)| task::difference(format!("{kind}.{name}"), &from, &to))
        .collect()
}

/// Decides the exemption again where the list has come to a point that matters for it.
fn assess<'s>(
    rules: Rules<'_>,
    subject: &'s Subject,
    documents: &BTreeMap<DocumentId, Document>,
    differences: &mut Vec<Difference>,
) -> Option<(&'s Dossier, Assessment)> {
    let Subject::Dossier(dossier) = subject else { return None };
    let old = dossier.document(Kind::Inventory)?;
    // An amendment that is turned down leaves the list as it stands.
    let stands = |new: &&Document| new.action == Action::Add || !new.state.is_turned_away();
    let new = documents.get(&old.id).filter(|new| new.state != old.state).filter(stands)?;
    let spoken = new.last_word.as_ref().map(|word| word.at.day());
    let list = list_status(new.state, spoken)?;
    let assessment = rules.advisor.assess(&dossier.declaration, &dossier.recorded, list, rules.now.day());
    let mut outcomes: Vec<_> = assessment.lines.iter().map(|line| line.outcome.as_str()).collect();
    outcomes.sort_unstable();
    outcomes.dedup();
    differences.push(task::difference("exemption.outcomes".to_owned(), "", &outcomes.join(" ")));
    Some((dossier, assessment))
}

/// When what is exempt must be filed. That nothing is to be filed is told only where something was: of a list that ends.
fn to_file(dossier: &Dossier, assessment: &Assessment) -> Vec<DeadlineChange> {
    let ended = matches!(assessment.cause, Cause::Cancelled);
    if ended || assessment.to_file().is_some() { intake::deadlines::filing(dossier, assessment) } else { Vec::new() }
}

/// What a state of the list means for the exemption; nothing if nothing is decided anew.
#[must_use]
pub const fn list_status(state: State, on: Option<time::Date>) -> Option<ListStatus> {
    match state {
        State::Released => Some(ListStatus::Released { on }),
        State::Closed => Some(ListStatus::Closed { on }),
        State::Cancelled => Some(ListStatus::Cancelled),
        State::Refused | State::Rejected => Some(ListStatus::Rejected),
        State::Waiting
        | State::Due
        | State::Packed
        | State::Delivered
        | State::Held
        | State::Declaring
        | State::Unmatched
        | State::Sent
        | State::PortFailed
        | State::Stored
        | State::Review
        | State::Inspection
        | State::Passed => None,
    }
}
