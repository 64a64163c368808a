//! Between the desk's words and the wire's.

use tonic::{Code, Status};
use uuid::Uuid;

use super::{convert, proto, status};
use crate::{
    access::{Caller, Denied},
    desk::{Error, Order, Proposed, Report, Told, Verdict},
    store::{Carriage, KeptArrival, KeptMessage},
};

/// Who orders what: the order with the items it is about.
pub(super) fn order(caller: Caller, asked: Option<proto::DeskOrder>) -> (Order, Vec<String>) {
    let proto::DeskOrder { items, why, dry_run } = asked.unwrap_or_default();
    (Order::new(caller, why, dry_run), items)
}

pub(super) fn report(done: Result<Report, Error>) -> Result<Option<proto::DeskReport>, Status> {
    let report = done.map_err(|error| of_error(&error))?;
    let proposal_id = report.proposal.map(|id| id.to_string()).unwrap_or_default();
    let approved_id = report.approved.map(|id| id.to_string()).unwrap_or_default();
    let refused = u32::try_from(report.refused()).unwrap_or(u32::MAX);
    let lines = report.told.into_iter().map(line).collect();
    Ok(Some(proto::DeskReport { lines, applied: report.applied, refused, proposal_id, approved_id }))
}

pub(super) fn of_error(error: &Error) -> Status {
    match error {
        Error::Invalid(_) => Status::invalid_argument(error.to_string()),
        Error::Forbidden => status::of_denied(Denied::Forbidden),
        Error::NoProposal => status::not_found(),
        Error::Changing => status::busy(Code::Unavailable, &error.to_string()),
        Error::Store(error) => status::of_store(error),
    }
}

pub(super) fn proposal(proposed: Proposed) -> proto::Proposal {
    let Proposed { kept, told, .. } = proposed;
    proto::Proposal {
        id: kept.id.to_string(),
        act: kept.act,
        lines: told.into_iter().map(line).collect(),
        why: kept.why,
        proposed_by: kept.actor.name,
        proposed_at: Some(convert::timestamp(kept.at)),
        until: Some(convert::timestamp(kept.until)),
    }
}

fn line(told: Told) -> proto::DeskLine {
    let verdict = match told.verdict {
        Verdict::Done => proto::DeskVerdict::Done,
        Verdict::Already => proto::DeskVerdict::Already,
        Verdict::Refused => proto::DeskVerdict::Refused,
    };
    proto::DeskLine {
        item: told.asked,
        id: written(told.id),
        kind: told.kind.map_or(proto::DocumentKind::Unspecified, convert::kind).into(),
        verdict: verdict.into(),
        text: Some(convert::text(told.zh, told.en)),
    }
}

fn written(id: Uuid) -> String {
    if id.is_nil() { String::new() } else { id.to_string() }
}

/// An id as sent; empty: none is asked for.
pub(super) fn asked_id(text: &str) -> Result<Option<Uuid>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    Uuid::try_parse(text).map(Some).map_err(|_| status::invalid("ID 应为 UUID", "an id is a UUID"))
}

/// How far messages are to have come; nothing: all.
pub(super) fn carriage_asked(number: i32) -> Result<Option<Carriage>, Status> {
    if number == i32::from(proto::Carriage::Unspecified) {
        return Ok(None);
    }
    let found =
        Carriage::ALL.into_iter().find(|known| carriage(*known) != proto::Carriage::Unspecified && i32::from(carriage(*known)) == number);
    found.map(Some).ok_or_else(|| status::invalid("没有该报文状态", "there is no such carriage"))
}

const fn carriage(carriage: Carriage) -> proto::Carriage {
    match carriage {
        Carriage::Queued => proto::Carriage::Queued,
        Carriage::Delivered => proto::Carriage::Delivered,
        Carriage::Unanswered => proto::Carriage::Unanswered,
        Carriage::Shelved => proto::Carriage::Shelved,
        Carriage::Over => proto::Carriage::Unspecified,
    }
}

pub(super) fn delivery(message: KeptMessage, stopped: &[(String, String)], paused: &[(String, String)]) -> proto::DeliveryStanding {
    proto::DeliveryStanding {
        message_id: message.id.0.to_string(),
        kind: convert::kind(message.kind).into(),
        carriage: carriage(message.carriage).into(),
        sealed_at: Some(convert::timestamp(message.sealed_at)),
        needed_by: Some(convert::timestamp(message.needed_by)),
        due_at: message.due_at.map(convert::timestamp),
        attempts: message.attempts,
        documents: message.sealed,
        may_have_arrived: message.may_have_arrived,
        sender_stopped: stopped.iter().any(|(sender, _)| *sender == message.sender),
        road_paused: paused.iter().any(|(road, _)| *road == message.road),
        sender: message.sender,
        road: message.road,
        reason: message.reason,
    }
}

pub(super) fn arrived(arrival: KeptArrival) -> proto::Arrived {
    let KeptArrival { id, road, name, at, reason, size } = arrival;
    proto::Arrived { arrival_id: id.to_string(), road, name, arrived_at: Some(convert::timestamp(at)), reason, size }
}
