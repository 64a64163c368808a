//! Documents that are submitted on their own: each checked by itself, then against what is kept, split where it is long, and kept
//! in one commit. One that somebody else transmits is kept all the same: it tells where the goods are.

use std::collections::HashMap;

use crate::{
    check::{self, Finding},
    clock::{
        Timestamp,
        meter::{Work, measured},
    },
    declaration::{DeclarationId, DocumentId, FollowUp, draft},
    party::Actor,
    receipt::Key,
    state::State,
    store::{BoundFollowUp, FollowUpAccepted, FollowUpFound, FollowUpLookup, ShownFollowUp, Store, Subject},
};

use super::{Core, Refusal, Reply, prepare, rules};

mod against;
mod plan;
pub mod preview;

pub(super) use against::{standing, state_finding};
use plan::Plan;

/// How often a decision is made again because somebody else changed what it rested on.
const RETRIES: usize = 5;
/// Waybills without a declaration that an answer names.
const MOST_TOLD: usize = 100;

/// A document that is submitted on its own, as a caller sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUpSubmission {
    /// What is submitted.
    pub draft: draft::FollowUp,
    /// Makes a repeated call harmless; empty: the request's own content stands in.
    pub idempotency_key: String,
    /// SHA-256 of the request without the key.
    pub digest: [u8; 32],
    /// When it should have reached customs, if the caller says.
    pub needed_by: Option<Timestamp>,
    /// When goods of its bill must be there, if the caller says.
    pub cut_off: Option<Timestamp>,
    /// How many bytes the request has.
    pub size: usize,
}

/// It is kept. The same request gets the same answer again, but for what has been matched since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUpAnswer {
    /// Our id of it.
    pub id: DocumentId,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// How many parts it was split into.
    pub parts: u32,
    /// Whether we transmit it; else somebody else does.
    pub transmitted: bool,
    /// How many declarations it is about.
    pub matched: u64,
    /// Waybills on it of which no declaration is known, the first of them.
    pub unmatched: Vec<String>,
    /// What is likely to cause trouble.
    pub warnings: Vec<Finding>,
}

pub(super) async fn submit(core: &Core, actor: &Actor, submission: &FollowUpSubmission) -> Reply<FollowUpAnswer> {
    let own = own_findings(submission);
    let now = core.parts.clockwork.now();
    let checked = measured(Work::Check, || check::follow_up::check(&submission.draft, &core.parts.rules.parameters, now.day()));
    let (follow_up, warnings) = match checked {
        Ok(checked) if own.is_empty() => checked.into_parts(),
        Ok(checked) => return Err(invalid([own, checked.into_parts().1].concat())),
        Err(findings) => {
            let total = findings.total() + own.len();
            return Err(Refusal::Invalid { findings: [own, findings.into_list()].concat(), total });
        }
    };
    for _ in 0..RETRIES {
        let asked = question(actor, submission, &follow_up);
        let found = store(core).follow_up_lookup(&asked).await.map_err(|error| Refusal::of_store(&error))?;
        if let Some(earlier) = found.bound.as_ref().filter(|bound| !is_free(bound)) {
            return if earlier.digest == submission.digest {
                first_answer(core, actor, earlier.whole).await
            } else {
                Err(Refusal::KeyConflict)
            };
        }
        let about = about(core, &follow_up, &found).await?;
        let now = core.parts.clockwork.now();
        let plan = Plan { core, actor, submission, asked: &asked, found: &found, about: &about, now };
        let planned = plan.make(follow_up.clone(), warnings.clone())?;
        let (acceptance, mut answer) = planned;
        match store(core).accept_follow_up(now, acceptance).await.map_err(|error| Refusal::of_store(&error))? {
            FollowUpAccepted::New => {
                answer.unmatched.truncate(MOST_TOLD);
                return Ok(answer);
            }
            FollowUpAccepted::Again(whole) => return first_answer(core, actor, whole).await,
            FollowUpAccepted::KeyConflict => return Err(Refusal::KeyConflict),
            FollowUpAccepted::Stale => {}
        }
    }
    Err(Refusal::Busy)
}

fn store(core: &Core) -> &dyn Store {
    &*core.parts.store
}

fn invalid(findings: Vec<Finding>) -> Refusal {
    Refusal::Invalid { total: findings.len(), findings }
}

/// What is wrong with the request around the document.
fn own_findings(submission: &FollowUpSubmission) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !prepare::is_key(&submission.idempotency_key) {
        findings.push(rules::KEY.finding("idempotency_key".into(), ("", ""), ""));
    }
    for (path, at) in [("needed_by", submission.needed_by), ("cut_off", submission.cut_off)] {
        if at.is_some_and(|at| !(Timestamp(0)..=Timestamp::NEVER).contains(&at)) {
            findings.push(rules::NEEDED_BY.finding(path.into(), ("", ""), ""));
        }
    }
    findings
}

/// A key under which everything was turned away may be used again: the same request is then a new one.
fn is_free(bound: &BoundFollowUp) -> bool {
    !bound.documents.is_empty()
        && bound.documents.iter().all(|document| document.state.is_turned_away() && document.state != State::PortFailed)
}

/// What the document is about, as the store is asked.
fn question(actor: &Actor, submission: &FollowUpSubmission, follow_up: &FollowUp) -> FollowUpLookup {
    let of_lines = |numbers: Vec<&String>| numbers.into_iter().cloned().collect::<Vec<_>>();
    let empty = FollowUpLookup {
        tenant: actor.tenant.clone(),
        key: key(submission),
        inventory_nos: Vec::new(),
        of_any_tenant: false,
        carrier: String::new(),
        waybill_nos: Vec::new(),
        bill_no: None,
    };
    match follow_up {
        FollowUp::Payment(_) => empty,
        FollowUp::Arrival(arrival) => FollowUpLookup {
            carrier: arrival.carrier.code.clone(),
            waybill_nos: of_lines(arrival.lines.iter().map(|line| &line.waybill_no).collect()),
            bill_no: arrival.bill_no.clone().filter(|_| arrival.lines.is_empty()),
            ..empty
        },
        FollowUp::Departure(departure) => FollowUpLookup {
            carrier: departure.carrier.code.clone(),
            waybill_nos: of_lines(departure.lines.iter().map(|line| &line.waybill_no).collect()),
            ..empty
        },
        FollowUp::Manifest(manifest) => FollowUpLookup {
            carrier: manifest.carrier.code.clone(),
            waybill_nos: of_lines(manifest.lines.iter().map(|line| &line.waybill_no).collect()),
            ..empty
        },
        FollowUp::Cancellation(cancellation) => FollowUpLookup { inventory_nos: vec![cancellation.inventory_no.clone()], ..empty },
        FollowUp::Summary(summary) => FollowUpLookup { inventory_nos: summary.inventory_nos.clone(), ..empty },
        FollowUp::GoodsReturn(goods_return) => FollowUpLookup { inventory_nos: vec![goods_return.inventory_no.clone()], ..empty },
        FollowUp::ReturnTally(tally) => {
            FollowUpLookup { inventory_nos: tally.inventory_no.iter().cloned().collect(), of_any_tenant: true, ..empty }
        }
    }
}

/// The caller's key; else the digest, so that the same request is known again.
fn key(submission: &FollowUpSubmission) -> String {
    if submission.idempotency_key.is_empty() {
        return format!("tongguan:follow_up:{}", hex::encode(submission.digest));
    }
    submission.idempotency_key.clone()
}

/// What is kept about the one declaration that a document is about, where it is about one.
#[derive(Default)]
struct About {
    /// The declaration, with what was submitted about it before.
    shown: Option<Box<crate::store::Shown>>,
    /// What was declared to have come back before.
    returns: Vec<ShownFollowUp>,
    /// Those that were summed already, each with whether customs has said so.
    summed: HashMap<DeclarationId, bool>,
}

async fn about(core: &Core, follow_up: &FollowUp, found: &FollowUpFound) -> Reply<About> {
    let failed = |error| Refusal::of_store(&error);
    let mut about = About::default();
    let one = match follow_up {
        FollowUp::Cancellation(_) | FollowUp::GoodsReturn(_) => {
            found.inventories.first().and_then(|dossier| dossier.as_ref()).map(|dossier| dossier.id)
        }
        FollowUp::Payment(payment) => {
            let key = Key::Order {
                platform: payment.platform.code.clone(),
                seller: payment.seller.code.clone(),
                order_no: payment.order_no.clone(),
            };
            let matches = store(core).matches(&[key]).await.map_err(failed)?;
            matches.subjects.into_iter().find_map(|subject| match subject {
                Subject::Dossier(dossier) => Some(dossier.id),
                Subject::Waybill(_) => None,
            })
        }
        _ => None,
    };
    if let Some(id) = one {
        about.shown = store(core).show(None, id).await.map_err(failed)?.map(Box::new);
    }
    if let (FollowUp::GoodsReturn(_), Some(shown)) = (follow_up, &about.shown) {
        for kept in shown.follow_ups.iter().filter(|kept| kept.kind == follow_up.kind() && kept.stands()) {
            about.returns.extend(store(core).follow_up(None, kept.id).await.map_err(failed)?);
        }
    }
    if let FollowUp::Summary(summary) = follow_up {
        about.summed = preview::summed(store(core), &summary.inventory_nos).await.map_err(failed)?;
    }
    Ok(about)
}

/// The answer that was given first, from what was kept.
async fn first_answer(core: &Core, actor: &Actor, whole: DocumentId) -> Reply<FollowUpAnswer> {
    let shown = store(core).follow_up(Some(&actor.tenant), whole).await.map_err(|error| Refusal::of_store(&error))?;
    // The key was given with something else before.
    let shown = shown.ok_or(Refusal::KeyConflict)?;
    let (first, _) = shown.parts.first().ok_or(Refusal::Internal)?;
    Ok(FollowUpAnswer {
        id: first.whole,
        accepted_at: first.accepted_at,
        parts: first.part.count,
        transmitted: first.document.is_some(),
        matched: shown.members,
        unmatched: Vec::new(),
        warnings: shown.warnings,
    })
}
