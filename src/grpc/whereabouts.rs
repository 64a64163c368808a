//! Where the goods of an inventory are, what customs summed it into, and what must be done by when.

use tonic::Status;

use super::{Door, convert, proto, scope, status};
use crate::{
    access::Caller,
    clock::Timestamp,
    declaration::{DeclarationId, Kind},
    intake::deadlines::returns,
    state::{State, Turn},
    store::{Deadline, DeadlineFilter, DeadlineKind, KeptFollowUp, Shown, Summed},
};

/// Where the goods are, as far as anybody has told: what was turned away does not count.
pub(super) fn of(shown: &Shown) -> proto::Whereabouts {
    let last = |kind: Kind| shown.follow_ups.iter().filter(|kept| kept.kind == kind && kept.stands()).max_by_key(|kept| kept.id);
    let (manifest, arrival, departure) = (last(Kind::Manifest), last(Kind::Arrival), last(Kind::Departure));
    let state = shown.dossier.document(Kind::Inventory).map(|document| document.state);
    let (turn, (zh, en)) = next(state, manifest, arrival, departure);
    let told = |kept: &KeptFollowUp| convert::timestamp(kept.happened_at.unwrap_or(kept.accepted_at));
    proto::Whereabouts {
        on_manifest_at: manifest.map(|kept| convert::timestamp(kept.accepted_at)),
        bill_no: manifest.and_then(|kept| kept.bill_no.clone()).unwrap_or_default(),
        arrived_at: arrival.map(told),
        left_at: departure.map(told),
        turn: convert::turn(turn).into(),
        next: Some(convert::text(zh, en)),
    }
}

/// Whose turn it is, and what is to happen next.
fn next(
    state: Option<State>,
    manifest: Option<&KeptFollowUp>,
    arrival: Option<&KeptFollowUp>,
    departure: Option<&KeptFollowUp>,
) -> (Turn, (&'static str, &'static str)) {
    let Some(state) = state else {
        return (Turn::Nobody, ("清单由他人报送，本网关不知其状态", "somebody else transmits the inventory; its state is not known here"));
    };
    let is_declared = state.is_declared();
    match (state, manifest, arrival, departure) {
        (State::Closed, ..) => (Turn::Nobody, ("已离境结关", "left and closed")),
        (State::Cancelled, ..) => (Turn::Nobody, ("清单已撤销", "the inventory is withdrawn")),
        (State::Refused | State::Rejected, ..) => (Turn::Seller, ("请更正清单后重新申报", "correct the inventory and declare it again")),
        (_, _, _, Some(_)) => (Turn::Customs, ("货物已离境，等待海关结关", "the goods have left; wait for customs to close it")),
        (State::Released, _, Some(_), None) => {
            (Turn::Carrier, ("可装运离境，离境后请推送离境单", "load the goods and leave, then push the departure"))
        }
        (_, _, Some(_), None) => {
            (Turn::Customs, ("货物已运抵，等待海关审核放行", "the goods are at the site; wait for customs to release them"))
        }
        (_, Some(_), None, None) => {
            (Turn::Carrier, ("请将货物送达监管场所并推送运抵单", "bring the goods to the site, then push the arrival"))
        }
        (_, None, None, None) if is_declared => {
            (Turn::Carrier, ("请推送清单总分单，说明提运单和运输工具", "push the manifest: which bill and which vehicle"))
        }
        (_, None, None, None) => (Turn::Gateway, ("清单尚未申报", "the inventory is not declared yet")),
    }
}

/// What customs summed an inventory into.
pub(super) fn summed(summed: &Summed) -> proto::CustomsDeclaration {
    proto::CustomsDeclaration {
        summary_no: summed.summary_no.clone(),
        seq_no: summed.seq_no.clone(),
        at: Some(convert::timestamp(summed.at)),
        draft_no: summed.draft_no.clone().unwrap_or_default(),
        port_no: summed.port_no.clone().unwrap_or_default(),
        no: summed.customs_declaration_no.clone().unwrap_or_default(),
        state: summed.state.clone(),
    }
}

/// Everything that must be done by when for one declaration: what is kept, and both return clocks once it is released.
pub(super) fn all_deadlines(shown: &Shown) -> Vec<proto::Deadline> {
    let mut all = shown.deadlines.clone();
    let missing = |kind| !shown.deadlines.iter().any(|known| known.kind == kind);
    all.extend(returns(shown).into_iter().filter(|deadline| missing(deadline.kind)));
    all.sort_by_key(|deadline| (deadline.at, deadline.kind));
    all.iter().map(deadline).collect()
}

fn deadline(deadline: &Deadline) -> proto::Deadline {
    let kind = match deadline.kind {
        DeadlineKind::CutOff => proto::DeadlineKind::CutOff,
        DeadlineKind::Summary => proto::DeadlineKind::Summary,
        DeadlineKind::ReturnTax => proto::DeadlineKind::ReturnTax,
        DeadlineKind::ReturnCustoms => proto::DeadlineKind::ReturnCustoms,
        DeadlineKind::Filing => proto::DeadlineKind::Filing,
        DeadlineKind::FilingEnd => proto::DeadlineKind::FilingEnd,
    };
    proto::Deadline { declaration_id: deadline.declaration.to_string(), kind: kind.into(), at: Some(convert::timestamp(deadline.at)) }
}

/// Open deadlines, a page of them, earliest first. A page ends between two declarations.
pub(super) async fn deadlines(door: &Door, caller: &Caller, asked: &proto::DeadlinesRequest) -> Result<proto::DeadlinesResponse, Status> {
    let limit = convert::page_size(asked.page_size);
    let after = (!asked.page_token.is_empty()).then(|| token(&asked.page_token)).transpose()?;
    let filter = DeadlineFilter { tenant: scope(caller).cloned(), after, limit };
    let found = door.store().deadlines(filter).await.map_err(|error| status::of_store(&error))?;
    let full = u32::try_from(found.len()).is_ok_and(|len| len >= limit);
    let last = found.last().filter(|_| full);
    let next_page_token = last.map(|last| format!("{}.{}", last.at.0, last.declaration)).unwrap_or_default();
    Ok(proto::DeadlinesResponse { deadlines: found.iter().map(deadline).collect(), next_page_token })
}

fn token(text: &str) -> Result<(Timestamp, DeclarationId), Status> {
    let invalid = || status::invalid("分页标记无效", "this page_token is none of ours");
    let (at, id) = text.split_once('.').ok_or_else(invalid)?;
    Ok((Timestamp(at.parse().map_err(|_| invalid())?), convert::declaration_id(id).map_err(|_| invalid())?))
}
