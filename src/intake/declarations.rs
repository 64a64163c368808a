//! Declarations in batches: one question to the store for all, each checked, one commit for all.

use std::sync::Arc;

use crate::{
    check::{self, Taken},
    clock::{
        Timestamp,
        meter::{Work, measured},
    },
    declaration::DeclarationId,
    exemption::{self, Recorded},
    party::{Actor, Tenant, Trace},
    store::{Acceptance, Accepted, Error, Found, Lookup},
    tally::Event,
    telemetry,
};

use super::{
    Answer, Core, Job, Jobs, Refusal, Reply, Submission, Validation,
    prepare::{self, Planned},
};

/// From this many on, checking leaves the threads that serve calls.
const MANY: usize = 32;
/// Numbers are cut here before the store is asked; longer ones are refused by the check.
const LONGEST_NUMBER: usize = 100;

type DeclarationJob = Job<Submission, Answer>;

/// What is to be done for a request, once it is known what is taken.
enum Decision {
    Kept(DeclarationId),
    Refused(Refusal),
    Ready(Box<(Planned, Acceptance)>),
}

pub(super) async fn process(core: Arc<Core>, jobs: Jobs<Submission, Answer>) {
    let now = core.parts.clockwork.now();
    let asked = jobs.iter().map(|job| lookup(&job.actor, &job.request)).collect();
    let found = match core.parts.store.lookup(now, asked).await {
        Ok(found) if found.len() == jobs.len() => found,
        Ok(_) => return refuse_all(jobs, &Refusal::Internal),
        Err(error) => return refuse_all(jobs, &Refusal::of_store(&error)),
    };
    let Some(decided) = decide_all(&core, jobs, found, now).await else { return };
    keep(&core, decided, now).await;
}

fn refuse_all(jobs: Vec<DeclarationJob>, refusal: &Refusal) {
    for job in jobs {
        job.reply(Err(refusal.clone()));
    }
}

/// Decides each; nothing if the helping thread was lost, whose jobs are answered by being dropped.
async fn decide_all(
    core: &Arc<Core>,
    jobs: Vec<DeclarationJob>,
    found: Vec<Found>,
    now: Timestamp,
) -> Option<Vec<(DeclarationJob, Decision)>> {
    let many = jobs.len() > MANY;
    let core = Arc::clone(core);
    let all = move || {
        let one = |(job, found): (DeclarationJob, Found)| {
            let decision = decide(&core, &job.actor, &job.request, &found, now);
            (job, decision)
        };
        measured(Work::Check, || jobs.into_iter().zip(found).map(one).collect())
    };
    if !many {
        return Some(all());
    }
    tokio::task::spawn_blocking(all).await.inspect_err(|error| tracing::error!(error.message = %error, "checking failed")).ok()
}

fn lookup(actor: &Actor, submission: &Submission) -> Lookup {
    let cut = |text: &str| text.chars().take(LONGEST_NUMBER).collect::<String>();
    let (order, inventory) = (&submission.draft.order, &submission.draft.inventory);
    Lookup {
        tenant: actor.tenant.clone(),
        idempotency_key: prepare::key_of(submission),
        order: crate::declaration::draft::OrderReference {
            platform: cut(&order.platform.code),
            seller: cut(&order.seller.code),
            order_no: cut(&order.order_no),
        },
        waybill: (!inventory.waybill_no.is_empty()).then(|| (cut(&inventory.carrier.code), cut(&inventory.waybill_no))),
        owner: cut(&inventory.owner.code),
    }
}

fn decide(core: &Core, actor: &Actor, submission: &Submission, found: &Found, now: Timestamp) -> Decision {
    // A key that no caller may give finds nothing: the check tells what is wrong with it.
    match found.bound.filter(|_| prepare::is_key(&submission.idempotency_key)) {
        Some((digest, id)) if digest == submission.digest => return Decision::Kept(id),
        Some(_) => return Decision::Refused(conflict(submission)),
        None => {}
    }
    let taken = Taken { order_taken: found.order_taken, waybill_taken: found.waybill_taken, waybill_seller: found.waybill_seller.clone() };
    let recorded = Recorded { sellers: found.sellers.clone(), ..Recorded::default() };
    match prepare::prepare(&core.parts.rules, submission, &taken, &recorded, now) {
        Ok(planned) => {
            let acceptance = prepare::acceptance(&planned, submission, actor, &core.parts.clockwork, now, core.needed_within);
            Decision::Ready(Box::new((planned, acceptance)))
        }
        Err(refusal) => Decision::Refused(refusal),
    }
}

/// What to say where the key is bound to another request: a caller that gave none knows only its order.
const fn conflict(submission: &Submission) -> Refusal {
    if submission.idempotency_key.is_empty() { Refusal::OrderConflict } else { Refusal::KeyConflict }
}

async fn keep(core: &Core, decided: Vec<(DeclarationJob, Decision)>, now: Timestamp) {
    let mut acceptances = Vec::with_capacity(decided.len());
    let mut waiting = Vec::with_capacity(decided.len());
    for (job, decision) in decided {
        match decision {
            Decision::Refused(refusal) => job.reply(Err(refusal)),
            Decision::Kept(id) => {
                let answer = first_answer(core, &job.actor.tenant, id).await;
                job.reply(answer);
            }
            Decision::Ready(ready) => {
                let (planned, acceptance) = *ready;
                waiting.push((job, planned, acceptance.id, acceptance.needed_by));
                acceptances.push(acceptance);
            }
        }
    }
    if acceptances.is_empty() {
        return;
    }
    let told = telemetry::of(acceptances.iter().map(|acceptance| &acceptance.entry));
    let results = core.parts.store.accept(now, acceptances).await.map_err(|error| Refusal::of_store(&error));
    match results {
        Ok(results) => {
            told.stage("intake", now, core.parts.clockwork.now());
            for ((job, planned, id, needed_by), accepted) in waiting.into_iter().zip(results) {
                let answer = match accepted {
                    Accepted::New(new) if new == id => {
                        Event::Accepted.happened(1);
                        tracing::debug!(declaration.id = %id, trace_id = trace_id(&job.actor, id), "declaration was kept");
                        Ok(new_answer(planned, id, now, needed_by))
                    }
                    other => settled(core, &job, other, now).await,
                };
                job.reply(answer);
            }
        }
        Err(refusal) => refuse_all(waiting.into_iter().map(|(job, ..)| job).collect(), &refusal),
    }
}

/// The trace that it belongs to: the caller's, or else its own.
fn trace_id(actor: &Actor, id: DeclarationId) -> String {
    actor.trace.map_or_else(|| id.0.simple().to_string(), |trace| Trace::shown(trace.id))
}

fn new_answer(planned: Planned, id: DeclarationId, accepted_at: Timestamp, needed_by: Timestamp) -> Answer {
    let (warnings, assessment) = planned.into_answer();
    Answer { id, accepted_at, needed_by, warnings, assessment }
}

/// What to say where somebody else was first, since the question was asked or within the same batch.
async fn settled(core: &Core, job: &DeclarationJob, accepted: Accepted, now: Timestamp) -> Reply<Answer> {
    let taken = match accepted {
        Accepted::New(id) | Accepted::Again(id) => return first_answer(core, &job.actor.tenant, id).await,
        Accepted::KeyConflict => return Err(conflict(&job.request)),
        Accepted::OrderTaken => Taken { order_taken: true, ..Taken::default() },
        Accepted::WaybillTaken => Taken { waybill_taken: true, ..Taken::default() },
    };
    match prepare::prepare(&core.parts.rules, &job.request, &taken, &Recorded::default(), now) {
        Err(refusal) => Err(refusal),
        Ok(_) => Err(Refusal::Internal),
    }
}

/// The answer that was given first, from what was kept.
async fn first_answer(core: &Core, tenant: &Tenant, id: DeclarationId) -> Reply<Answer> {
    let shown = core.parts.store.show(Some(tenant), id).await.map_err(|error| Refusal::of_store(&error))?;
    let inconsistent = |what: &str| Refusal::of_store(&Error::Inconsistent { table: "declarations", what: format!("{id}: {what}") });
    let shown = shown.ok_or_else(|| inconsistent("bound to a key but not there"))?;
    let first = shown.assessments.first().ok_or_else(|| inconsistent("no assessment"))?;
    let assessment = exemption::read(first).map_err(|error| inconsistent(&format!("assessment: {error}")))?;
    let dossier = shown.dossier;
    Ok(Answer { id, accepted_at: dossier.accepted_at, needed_by: dossier.needed_by, warnings: shown.warnings, assessment })
}

pub(super) async fn validate(core: &Core, actor: &Actor, submission: &Submission) -> Reply<Validation> {
    let now = core.parts.clockwork.now();
    let found = core.parts.store.lookup(now, vec![lookup(actor, submission)]).await.map_err(|error| Refusal::of_store(&error))?;
    let found = found.into_iter().next().ok_or(Refusal::Internal)?;
    let converted = check::conversions(&submission.draft, now.day());
    match decide(core, actor, submission, &found, now) {
        Decision::Kept(id) => {
            let first = first_answer(core, &actor.tenant, id).await?;
            Ok(Validation { acceptable: true, findings: first.warnings, assessment: Some(first.assessment), converted, earlier: Some(id) })
        }
        Decision::Ready(ready) => {
            let (findings, assessment) = ready.0.into_answer();
            Ok(Validation { acceptable: true, findings, assessment: Some(assessment), converted, earlier: None })
        }
        Decision::Refused(Refusal::Invalid { findings, .. }) => {
            Ok(Validation { acceptable: false, findings, assessment: None, converted, earlier: None })
        }
        Decision::Refused(refusal) => Err(refusal),
    }
}
