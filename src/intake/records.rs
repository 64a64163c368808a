//! What sellers record for the exemption: profiles, vouchers, registrations, statements, evidence, filings, choices. Each is checked
//! whole, kept with its audit entries and with what is to be decided again, and only then answered. Names of persons stay in what is
//! kept; entries carry its digest.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    audit::{Difference, Entry},
    clock::Timestamp,
    declaration::{DeclarationId, Kind},
    dossier::Dossier,
    exemption::{Cause, Said},
    party::Actor,
    store::{DecisionFilter, NumberKind, Only, RecordKept, RecordKind, Recording, Redecision},
};

use super::{Core, Refusal, Reply, prepare, rules as request, rules::recording as rules};

mod draft;
mod reading;
pub(super) mod what_if;

pub use self::{
    draft::{OrderLines, RecordDraft, RegisteredLine, SellerDraft},
    what_if::WhatIf,
};

use self::reading::Read;

/// How often a record is checked again because a declaration that it is about changed meanwhile.
const RETRIES: usize = 5;
/// Declarations that one record may be about.
const MOST_ORDERS: usize = 500;
/// Lines that one record may be about.
const MOST_LINES: usize = 4_000;
/// The earliest moment that an id of a declaration may carry before the days of a period: orders are declared within a year.
const DECLARED_BEFORE: time::Duration = time::Duration::days(400);

/// A record as a caller sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSubmission {
    /// What is recorded.
    pub draft: RecordDraft,
    /// Makes a repeated call harmless; empty: the same content is the same record.
    pub idempotency_key: String,
    /// SHA-256 of the request without the key.
    pub digest: [u8; 32],
    /// How many bytes the request has.
    pub size: usize,
}

/// A record is kept. The same request gets the same answer again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordAnswer {
    /// Our id of it.
    pub id: Uuid,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Lines that it names.
    pub lines: usize,
    /// Declarations that it names.
    pub declarations: usize,
}

/// Keeps a record.
pub(super) async fn record(core: &Core, actor: &Actor, submission: &RecordSubmission) -> Reply<RecordAnswer> {
    let store = &core.parts.store;
    for _ in 0..RETRIES {
        let now = core.parts.clockwork.now();
        let mut read = Read::of(&submission.draft, now.day());
        if !prepare::is_key(&submission.idempotency_key) {
            read.findings.push(request::KEY.finding("idempotency_key".into(), ("", ""), ""));
        }
        let known = known(core, actor, &mut read).await?;
        let lines = lines(&mut read, &known);
        if !read.findings.is_empty() {
            return Err(Refusal::Invalid { total: read.findings.len(), findings: read.findings });
        }
        let recording = recording(core, actor, submission, &read, (&known, lines), now)?;
        let (id, lines) = (recording.id, recording.lines.len());
        let declarations = recording.lines.iter().map(|(declaration, ..)| declaration).collect::<HashSet<_>>().len();
        let answer = |id, recorded_at| RecordAnswer { id, recorded_at, lines, declarations };
        match store.record(now, recording).await.map_err(|error| Refusal::of_store(&error))? {
            RecordKept::New => return Ok(answer(id, now)),
            RecordKept::Again(id, at) => return Ok(answer(id, at)),
            RecordKept::KeyConflict => return Err(Refusal::KeyConflict),
            RecordKept::Stale => {}
        }
    }
    Err(Refusal::Busy)
}

/// The declarations that are named, by their place among the names. What is not there is a finding.
async fn known(core: &Core, actor: &Actor, read: &mut Read) -> Reply<HashMap<usize, Dossier>> {
    let store = &core.parts.store;
    let failed = |error| Refusal::of_store(&error);
    let by_order = read.named.iter().filter(|named| named.declaration.is_none()).map(|named| named.order_no.clone());
    let numbers: Vec<_> = by_order.collect::<BTreeSet<_>>().into_iter().collect();
    let mut by_number: HashMap<String, Vec<DeclarationId>> = HashMap::new();
    if !numbers.is_empty() {
        for hit in store.find(Some(&actor.tenant), &numbers).await.map_err(failed)? {
            if let (NumberKind::Order, Some(id)) = (hit.kind, hit.declaration) {
                by_number.entry(hit.number).or_default().push(id);
            }
        }
    }
    let mut ids = BTreeMap::new();
    for (place, named) in read.named.iter().enumerate() {
        let found = by_number.get(&named.order_no).map(Vec::as_slice).unwrap_or_default();
        match (named.declaration, found) {
            (Some(id), _) => drop(ids.insert(place, id)),
            (None, [id]) => drop(ids.insert(place, *id)),
            (None, []) => read.findings.push(rules::NO_ORDER.finding(named.path.clone(), ("", ""), &named.order_no)),
            (None, _) => read.findings.push(rules::ORDER_UNCLEAR.finding(named.path.clone(), ("", ""), &named.order_no)),
        }
    }
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let only = Only::These(ids.values().copied().collect::<HashSet<_>>().into_iter().collect());
    let filter = DecisionFilter { tenant: Some(actor.tenant.clone()), only: Some(only), ..DecisionFilter::default() };
    let found: HashMap<_, _> =
        store.decisions(filter).await.map_err(failed)?.into_iter().map(|one| (one.dossier.id, one.dossier)).collect();
    let mut known = HashMap::with_capacity(ids.len());
    for (place, id) in ids {
        match (found.get(&id), read.named.get(place)) {
            (Some(dossier), _) => drop(known.insert(place, dossier.clone())),
            // Another tenant's is as if it were not there.
            (None, Some(named)) => read.findings.push(rules::NO_ORDER.finding(named.path.clone(), ("", ""), &id.to_string())),
            (None, None) => {}
        }
    }
    Ok(known)
}

/// What is said of which lines.
fn lines(read: &mut Read, known: &HashMap<usize, Dossier>) -> Vec<(DeclarationId, u32, Said)> {
    let mut told = Vec::new();
    let mut seen = HashSet::new();
    let Read { named, findings, .. } = read;
    for (place, named) in named.iter().enumerate() {
        let Some(dossier) = known.get(&place) else { continue };
        let there: Vec<u32> = dossier.declaration.inventory.lines.iter().map(|line| line.number).collect();
        let wanted = if named.lines.is_empty() { there.clone() } else { named.lines.clone() };
        for line in wanted {
            let mut wrong = |rule: &crate::check::Rule| findings.push(rule.finding(named.path.clone(), ("", ""), &line.to_string()));
            if !there.contains(&line) {
                wrong(&rules::ORDER_LINE);
            } else if !seen.insert((dossier.id, line)) {
                wrong(&rules::LINE_TWICE);
            } else if matches!(named.said, Some(Said::Choice(_))) && !is_forgone(dossier, line) {
                wrong(&rules::NOT_FORGONE);
            } else if let Some(said) = &named.said {
                told.push((dossier.id, line, said.clone()));
            }
        }
    }
    if told.len() > MOST_LINES {
        findings.push(rules::NO_ORDERS.finding("orders".into(), ("商品项", "lines"), &MOST_LINES.to_string()));
    }
    told
}

/// Whether a line has a refund that summed statistics give up: a special invoice, declared or recorded.
fn is_forgone(dossier: &Dossier, line: u32) -> bool {
    use crate::declaration::{InvoiceStatus, Statistics};
    let inventory = &dossier.declaration.inventory;
    let declared = inventory.lines.iter().find(|declared| declared.number == line).map(|declared| declared.invoice);
    let recorded = dossier.recorded.lines.iter().rev().find_map(|of_line| match of_line.said {
        Said::Invoice { status, .. } if of_line.line == line => Some(status),
        _ => None,
    });
    inventory.statistics == Statistics::Simplified && recorded.or(declared) == Some(InvoiceStatus::Special)
}

type Lines = Vec<(DeclarationId, u32, Said)>;

/// What the store is to keep.
fn recording(
    core: &Core,
    actor: &Actor,
    submission: &RecordSubmission,
    read: &Read,
    (known, lines): (&HashMap<usize, Dossier>, Lines),
    now: Timestamp,
) -> Reply<Recording> {
    let id = core.parts.clockwork.id();
    let kind = submission.draft.kind();
    let body = serde_json::to_string(&submission.draft).map_err(|_| Refusal::Internal)?;
    let digest = hex::encode(Sha256::digest(body.as_bytes()));
    let mut concerned: BTreeMap<DeclarationId, &Dossier> = BTreeMap::new();
    concerned.extend(known.values().map(|dossier| (dossier.id, dossier)));
    let entry = |subject, changes| Entry {
        id: core.parts.clockwork.id(),
        at: now,
        actor: actor.clone(),
        act: format!("record_{}", kind.as_str()),
        subject,
        changes,
        why: String::new(),
    };
    let difference = |field: &str, to: String| Difference { field: field.to_owned(), from: String::new(), to };
    let told = |about: Option<String>| {
        let about = about.map(|seller| difference("record.seller", seller));
        about.into_iter().chain([difference("record.id", id.to_string()), difference("record.sha256", digest.clone())]).collect()
    };
    let seller_code = read.seller.as_ref().map(|seller| &seller.code).or(read.period.as_ref().map(|period| &period.seller)).cloned();
    let entries = if concerned.is_empty() {
        vec![entry(id, told(seller_code.clone()))]
    } else {
        concerned.keys().map(|declaration| entry(declaration.0, told(None))).collect()
    };
    let inventories = concerned.values().filter_map(|dossier| dossier.document(Kind::Inventory));
    Ok(Recording {
        id,
        tenant: actor.tenant.clone(),
        kind,
        key: key(submission),
        digest: submission.digest,
        body,
        expected: inventories.map(|document| (document.id, document.version)).collect(),
        again: Some(again(actor, read, (id, kind), seller_code, now)),
        lines,
        seller: read.seller.clone(),
        period: read.period.clone(),
        entries,
    })
}

/// What is decided again: what is named, else what the seller is named in; of a period, nothing that was declared long before it.
fn again(actor: &Actor, read: &Read, (id, kind): (Uuid, RecordKind), seller: Option<String>, at: Timestamp) -> Redecision {
    let since = read.period.as_ref().map(|period| crate::clock::start_of(period.from.saturating_sub(DECLARED_BEFORE)));
    Redecision {
        id,
        tenant: Some(actor.tenant.clone()),
        seller: seller.filter(|_| read.named.is_empty()),
        cause: Cause::Evidence,
        why: format!("{} {id}", kind.as_str()),
        seen: since.map(DeclarationId::before),
        at,
    }
}

/// The caller's key, or one that the same content has again.
fn key(submission: &RecordSubmission) -> String {
    if submission.idempotency_key.is_empty() {
        format!("sha256:{}", hex::encode(submission.digest))
    } else {
        format!("key:{}", submission.idempotency_key)
    }
}
