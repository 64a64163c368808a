//! Waybills in batches: each checked, one commit for all.

use std::sync::Arc;

use crate::{
    audit::{Difference, Entry},
    check::{self, CheckedWaybill, Finding, TakenWaybill},
    clock::Timestamp,
    declaration::{DeclarationId, DocumentId, Kind},
    dossier::Document,
    lane::{self, Duty},
    party::Actor,
    store::{Traces, WaybillAcceptance, WaybillAccepted},
    tally::Event,
    task,
    telemetry::{self, Home},
};

use super::{Core, Job, Jobs, Push, Refusal, Reply, WaybillAnswer, prepare};

type WaybillJob = Job<Push, WaybillAnswer>;

pub(super) async fn process(core: Arc<Core>, jobs: Jobs<Push, WaybillAnswer>) {
    let now = core.parts.clockwork.now();
    let mut acceptances = Vec::with_capacity(jobs.len());
    let mut waiting: Vec<(WaybillJob, Vec<Finding>)> = Vec::with_capacity(jobs.len());
    for job in jobs {
        match ready(&core, &job.actor, &job.request, now) {
            Ok((acceptance, warnings)) => {
                acceptances.push(acceptance);
                waiting.push((job, warnings));
            }
            Err(refusal) => job.reply(Err(refusal)),
        }
    }
    if acceptances.is_empty() {
        return;
    }
    let entries: Vec<_> = if telemetry::is_on() { acceptances.iter().map(|new| new.entry.clone()).collect() } else { Vec::new() };
    match core.parts.store.accept_waybills(now, acceptances).await {
        Ok(results) => {
            let kept_at = core.parts.clockwork.now();
            let new: Vec<_> = entries.into_iter().zip(&results).filter_map(|(entry, result)| Some((entry, belongs(result)?))).collect();
            Event::WaybillAccepted.happened(results.iter().filter(|result| matches!(result, WaybillAccepted::New { .. })).count());
            for ((job, warnings), result) in waiting.into_iter().zip(results) {
                let answer = settled(&job.request, result, warnings, now);
                job.reply(answer);
            }
            tell(&core, &new, now, kept_at).await;
        }
        Err(error) => {
            let refusal = Refusal::of_store(&error);
            for (job, _) in waiting {
                job.reply(Err(refusal.clone()));
            }
        }
    }
}

/// The declaration that a waybill which is new belongs to, if it is known; nothing for one that is not new.
const fn belongs(result: &WaybillAccepted) -> Option<Option<DeclarationId>> {
    match result {
        WaybillAccepted::New { declaration, .. } => Some(*declaration),
        WaybillAccepted::Again { .. } | WaybillAccepted::Taken => None,
    }
}

/// Tells those who follow from outside, each waybill in the trace of its declaration if that is known.
async fn tell(core: &Core, new: &[(Entry, Option<DeclarationId>)], began: Timestamp, ended: Timestamp) {
    let declarations: Vec<_> = new.iter().filter_map(|(_, declaration)| declaration.map(|id| id.0)).collect();
    let traces = if declarations.is_empty() { Ok(Traces::default()) } else { core.parts.store.traces(&declarations).await };
    match traces {
        Ok(traces) => {
            let home = |entry: &Entry, id: Option<DeclarationId>| Home::among(&traces, id.map_or(entry.subject, |id| id.0));
            telemetry::of_calls(new.iter().map(|(entry, id)| (entry, home(entry, *id)))).stage("push", began, ended);
        }
        Err(error) => tracing::warn!(error = task::chain(&error), "waybills were kept, and are not told of to the trace collector"),
    }
}

fn settled(push: &Push, result: WaybillAccepted, warnings: Vec<Finding>, now: Timestamp) -> Reply<WaybillAnswer> {
    match result {
        WaybillAccepted::New { id, declaration } | WaybillAccepted::Again { id, declaration } => {
            Ok(WaybillAnswer { id, declaration, warnings })
        }
        WaybillAccepted::Taken => match check::check_waybill(&push.draft, &TakenWaybill { waybill_taken: true }, now.day()) {
            Err(findings) => Err(findings.into()),
            Ok(_) => Err(Refusal::Internal),
        },
    }
}

fn ready(core: &Core, actor: &Actor, push: &Push, now: Timestamp) -> Reply<(WaybillAcceptance, Vec<Finding>)> {
    let checked = check::check_waybill(&push.draft, &TakenWaybill::default(), now.day())?;
    let id = DocumentId(core.parts.clockwork.id());
    let document = document(core, actor, &checked, id, now)?;
    let (waybill, order, warnings) = checked.into_parts();
    let entry = entry(core, actor, id, &waybill.waybill_no, document.as_ref(), now);
    let acceptance =
        WaybillAcceptance { id, actor: actor.clone(), digest: push.digest, waybill: Arc::new(waybill), order, document, entry };
    Ok((acceptance, warnings))
}

/// Its document, where every lane wants waybills sent alike: then it need not wait for its order.
fn document(core: &Core, actor: &Actor, checked: &CheckedWaybill, id: DocumentId, now: Timestamp) -> Reply<Option<Document>> {
    let Some(lane) = lane::unanimous_waybill(&core.parts.rules.lanes).filter(|lane| matches!(lane.waybill, Duty::Send(_))) else {
        return Ok(None);
    };
    let Some(sender) = lane::choose_sender(&core.parts.rules.senders, &lane.waybill, &lane::waybill_transmitters(checked.waybill())) else {
        let findings = [vec![prepare::no_sender(Kind::Waybill, "carrier.code")], checked.warnings().to_vec()].concat();
        return Err(Refusal::Invalid { total: findings.len(), findings });
    };
    let road = lane::choose_road(Some(lane), sender).to_owned();
    let new = prepare::new_document(Kind::Waybill, sender.name.clone(), road, actor, &core.parts.clockwork, now + core.needed_within);
    Ok(Some(Document { id, ..new }))
}

fn entry(core: &Core, actor: &Actor, id: DocumentId, waybill_no: &str, document: Option<&Document>, now: Timestamp) -> Entry {
    let new = |field: &str, to: &str| Difference { field: field.to_owned(), from: String::new(), to: to.to_owned() };
    let mut changes = vec![new("waybill.no", waybill_no)];
    changes.extend(document.map(|document| new("waybill.state", document.state.as_str())));
    Entry {
        id: core.parts.clockwork.id(),
        at: now,
        actor: actor.clone(),
        act: "accept_waybill".into(),
        subject: id.0,
        changes,
        why: String::new(),
    }
}
