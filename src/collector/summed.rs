//! Takes in what customs made of summaries (792): which customs declaration each inventory went into, and how that goes on.

use std::{collections::BTreeMap, time::Duration};

use uuid::Uuid;

use super::{Collector, NAME, Since, fold::spoken};
use crate::{
    audit::Difference,
    clock::Timestamp,
    declaration::{DeclarationId, SummaryResult},
    store::{Application, Change, DeadlineChange, DeadlineKind, Disposition, LeasedArrival, Summed, SummedFound, SummedLookup, Written},
    task::{self, Error, Note},
    telemetry,
};

/// When what cannot be placed yet is read again first.
const SOON: Duration = Duration::from_secs(1);
const NOT_OURS: &str = "results of summaries: not ours";
const NOT_ALL: &str = "results of summaries: of some nobody can say the inventories";

/// The declarations that results speak of.
struct Told<'a> {
    of: BTreeMap<DeclarationId, (SummedFound, Vec<&'a SummaryResult>)>,
    /// Whether each result speaks of some.
    all: bool,
}

impl Collector {
    /// Takes one such arrival in; false if the lease was lost or it could not be done now.
    pub(super) async fn take_summed(&self, token: Uuid, arrival: &LeasedArrival, results: &[SummaryResult]) -> Result<bool, Error> {
        let asked: Vec<_> = results.iter().map(question).collect();
        let found = self.store.summed(&asked).await?;
        let now = self.clockwork.now();
        let Told { of, all } = told(results, found);
        let disposition = if all { Some(Disposition::Read) } else { self.keep_back(arrival, now) };
        let Some(disposition) = disposition.or_else(|| (!of.is_empty()).then(|| Disposition::Quarantined(NOT_ALL.to_owned()))) else {
            return Ok(self.forward(arrival).await && self.quarantine(token, vec![(arrival, NOT_OURS.to_owned())]).await? > 0);
        };
        let done = !matches!(disposition, Disposition::PutOff(_));
        let mut changes: Vec<_> = of.values().filter_map(|(found, results)| self.summed(arrival, results, found, now)).collect();
        telemetry::join(&*self.store, &mut changes).await?;
        let application = Application { token: Some(token), arrivals: vec![(arrival.id, disposition)], changes, ..Application::default() };
        Ok(self.apply(Since { came: arrival.at, began: now }, now, application).await? == Written::Done && done)
    }

    /// What nobody can say the inventories of may have come before what names them: it is read again, soon at first. Nothing: that has
    /// been tried long enough.
    fn keep_back(&self, arrival: &LeasedArrival, now: Timestamp) -> Option<Disposition> {
        let age = now.since(arrival.at);
        let waits = age < Duration::from_secs(self.options.results_wait_s);
        waits.then(|| Disposition::PutOff(now + (age / 2).max(SOON)))
    }

    /// What the results of one message say of one declaration, one after the other; nothing if it is old.
    fn summed(&self, arrival: &LeasedArrival, results: &[&SummaryResult], found: &SummedFound, now: Timestamp) -> Option<Change> {
        let old = found.summed.as_ref();
        let new = results.iter().fold(old.cloned(), |kept, result| renewed(arrival, result, found, kept.as_ref()).or(kept))?;
        let changes = differences(old, &new);
        if changes.is_empty() {
            return None;
        }
        let note = Note { task: NAME, act: "summed", subject: found.declaration.0, why: "" };
        Some(Change {
            entries: vec![task::entry(&self.clockwork, now, &found.tenant, note, changes)],
            deadlines: vec![DeadlineChange::Met(found.declaration, DeadlineKind::Summary)],
            summed: vec![new],
            ..Change::default()
        })
    }
}

/// Each declaration with the results that speak of it. One without lines speaks of what an earlier one of its number names, which may
/// stand in the same message.
fn told(results: &[SummaryResult], found: Vec<Vec<SummedFound>>) -> Told<'_> {
    let mut named: BTreeMap<(&str, &str), Vec<SummedFound>> = BTreeMap::new();
    let mut told = Told { of: BTreeMap::new(), all: true };
    for (result, found) in results.iter().zip(found) {
        let named = named.entry((&result.summary_no, &result.declaration_seq_no)).or_default();
        if !found.is_empty() {
            *named = found;
        }
        told.all &= !named.is_empty();
        for found in named {
            told.of.entry(found.declaration).or_insert_with(|| (found.clone(), Vec::new())).1.push(result);
        }
    }
    told
}

/// What is known after a result; nothing if it is an old one.
fn renewed(arrival: &LeasedArrival, result: &SummaryResult, found: &SummedFound, old: Option<&Summed>) -> Option<Summed> {
    let at = spoken(result.at, arrival.at);
    // One without a line of this inventory goes on with what an earlier one said of it.
    let same = old.filter(|old| (&old.summary_no, &old.seq_no) == (&result.summary_no, &result.declaration_seq_no));
    if old.is_some_and(|old| old.at > at) {
        return None;
    }
    let keep = |new: &Option<String>, old: Option<&Option<String>>| new.clone().or_else(|| old.cloned().flatten());
    Some(Summed {
        declaration: found.declaration,
        tenant: found.tenant.clone(),
        summary_no: result.summary_no.clone(),
        seq_no: result.declaration_seq_no.clone(),
        at,
        draft_no: keep(&result.draft_no, same.map(|old| &old.draft_no)),
        port_no: keep(&result.port_no, same.map(|old| &old.port_no)),
        customs_declaration_no: keep(&result.customs_declaration_no, same.map(|old| &old.customs_declaration_no)),
        state: result.state.clone(),
    })
}

fn question(result: &SummaryResult) -> SummedLookup {
    let mut inventory_nos: Vec<_> = result.lines.iter().map(|line| line.inventory_no.clone()).collect();
    inventory_nos.sort_unstable();
    inventory_nos.dedup();
    SummedLookup { summary_no: result.summary_no.clone(), seq_no: result.declaration_seq_no.clone(), inventory_nos }
}

fn differences(old: Option<&Summed>, new: &Summed) -> Vec<Difference> {
    let text = |of: fn(&Summed) -> Option<&str>| (old.and_then(of).unwrap_or_default().to_owned(), of(new).unwrap_or_default().to_owned());
    let fields = [
        ("summary_no", text(|summed| Some(&summed.summary_no))),
        ("seq_no", text(|summed| Some(&summed.seq_no))),
        ("draft_no", text(|summed| summed.draft_no.as_deref())),
        ("port_no", text(|summed| summed.port_no.as_deref())),
        ("no", text(|summed| summed.customs_declaration_no.as_deref())),
        ("verdict", text(|summed| Some(&summed.state))),
    ];
    let changed = fields.into_iter().filter(|(_, (from, to))| from != to);
    changed.map(|(name, (from, to))| task::difference(format!("customs_declaration.{name}"), &from, &to)).collect()
}
