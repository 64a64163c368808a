//! What is submitted on its own, amended or taken back: from what callers send to what intake takes, and back.

use prost::Message;
use sha2::{Digest, Sha256};
use tonic::{Response, Status};

use super::{Door, advice, convert, drafts, proto, scope, sight::sight, status};
use crate::{
    access::{Caller, Sight},
    declaration::{DocumentId, Kind, draft},
    intake::{FollowUpSubmission, Group, Handled, Meant},
    state::Permit,
    store::KeptFollowUp,
};

mod shapes;

use shapes::draft_of;

/// Inventories that a preview may name.
const MOST_NAMED: usize = 4_096;

/// A request that submits a document on its own.
pub(super) trait Submits: Message + Clone {
    /// What goes with the document; taken out.
    fn handling(&mut self) -> Option<proto::Handling>;
    /// When goods of its bill must be there.
    fn cut_off(&self) -> Option<prost_types::Timestamp> {
        None
    }
    /// The document.
    fn draft(self) -> draft::FollowUp;
}

macro_rules! submits {
    ($($request:ident { $field:ident: $kind:ident } $($cut_off:ident)?;)*) => {
        $(impl Submits for proto::$request {
            fn handling(&mut self) -> Option<proto::Handling> {
                self.handling.take()
            }
            $(fn cut_off(&self) -> Option<prost_types::Timestamp> {
                self.$cut_off
            })?
            fn draft(self) -> draft::FollowUp {
                draft::FollowUp::$kind(draft_of(self.$field.unwrap_or_default()))
            }
        })*
    };
}

submits! {
    CancelRequest { cancellation: Cancellation };
    DeclareReturnRequest { goods_return: GoodsReturn };
    DeclareReturnTallyRequest { tally: ReturnTally };
    DeclarePaymentRequest { payment: Payment };
    ApplySummaryRequest { summary: Summary };
    PushManifestRequest { manifest: Manifest } cut_off;
    PushArrivalRequest { arrival: Arrival };
    PushDepartureRequest { departure: Departure };
}

/// Submits a document on its own.
pub(super) async fn submit<R: Submits>(door: &Door, caller: &Caller, mut request: R) -> Result<Response<proto::FollowUpKept>, Status> {
    let handling = request.handling().unwrap_or_default();
    // Of the request as encoded anew without the key, and with its name: two kinds may look alike.
    let needed_by = handling.needed_by;
    let unkeyed = proto::Handling { needed_by, ..proto::Handling::default() };
    let encoded = [request.encode_to_vec(), unkeyed.encode_to_vec()].concat();
    let size = encoded.len();
    let cut_off = request.cut_off();
    let draft = request.draft();
    let digest = Sha256::new().chain_update(draft.kind().as_str()).chain_update(&encoded).finalize();
    let submission = FollowUpSubmission {
        draft,
        idempotency_key: handling.idempotency_key,
        digest: digest.into(),
        needed_by: needed_by.as_ref().map(convert::moment),
        cut_off: cut_off.as_ref().map(convert::moment),
        size,
    };
    let kept = door.parts.intake.submit_follow_up(&caller.actor, submission).await.map_err(|refusal| status::of_refusal(&refusal))?;
    Ok(Response::new(proto::FollowUpKept {
        id: kept.id.to_string(),
        accepted_at: Some(convert::timestamp(kept.accepted_at)),
        parts: kept.parts,
        transmitted: kept.transmitted,
        matched: kept.matched,
        unmatched: kept.unmatched,
        warnings: convert::findings(&kept.warnings),
    }))
}

/// Gives a declaration other content.
pub(super) async fn amend(door: &Door, caller: &Caller, request: proto::AmendRequest) -> Result<proto::AmendResponse, Status> {
    let id = convert::declaration_id(&request.declaration_id)?;
    let submission = drafts::amendment(request);
    let answer = door.parts.intake.amend(&caller.actor, id, submission).await.map_err(|refusal| status::of_refusal(&refusal))?;
    Ok(proto::AmendResponse {
        revision: answer.revision,
        handled: answer.handled.iter().map(handled).collect(),
        warnings: convert::findings(&answer.warnings),
        advice: Some(advice::of(&answer.assessment)),
    })
}

/// Takes an order or an inventory back.
pub(super) async fn delete(door: &Door, caller: &Caller, request: &proto::DeleteRequest) -> Result<proto::DeleteResponse, Status> {
    let id = convert::declaration_id(&request.declaration_id)?;
    let kind = match request.document() {
        proto::DocumentKind::Order => Kind::Order,
        proto::DocumentKind::Inventory => Kind::Inventory,
        _ => return Err(status::invalid("只能撤回订单或清单", "only an order or an inventory can be taken back")),
    };
    let answer = door.parts.intake.delete(&caller.actor, id, kind).await.map_err(|refusal| status::of_refusal(&refusal))?;
    Ok(proto::DeleteResponse { handled: answer.iter().map(handled).collect() })
}

/// Gives a waybill other content.
pub(super) async fn amend_waybill(
    door: &Door,
    caller: &Caller,
    request: proto::AmendWaybillRequest,
) -> Result<proto::AmendWaybillResponse, Status> {
    let push = drafts::push(request.waybill.unwrap_or_default());
    let answer = door.parts.intake.amend_waybill(&caller.actor, push).await.map_err(|refusal| status::of_refusal(&refusal))?;
    Ok(proto::AmendWaybillResponse { handled: answer.handled.as_ref().map(handled), warnings: convert::findings(&answer.warnings) })
}

/// Takes a waybill back.
pub(super) async fn delete_waybill(
    door: &Door,
    caller: &Caller,
    request: &proto::DeleteWaybillRequest,
) -> Result<proto::DeleteWaybillResponse, Status> {
    let answer = door.parts.intake.delete_waybill(&caller.actor, &request.carrier, &request.waybill_no).await;
    let answer = answer.map_err(|refusal| status::of_refusal(&refusal))?;
    Ok(proto::DeleteWaybillResponse { handled: Some(handled(&answer)) })
}

fn handled(handled: &Handled) -> proto::Handled {
    let how = match handled.permit {
        Permit::InPlace => proto::HandledHow::InPlace,
        Permit::Anew => proto::HandledHow::Anew,
        Permit::Asked => proto::HandledHow::Asked,
        Permit::No(_) => proto::HandledHow::Already,
    };
    proto::Handled {
        kind: convert::kind(handled.kind).into(),
        how: how.into(),
        document_id: handled.document.to_string(),
        state: convert::state(handled.state).into(),
    }
}

/// Gives a declaration the number of its waybill.
pub(super) async fn bind_waybill(
    door: &Door,
    caller: &Caller,
    request: proto::BindWaybillRequest,
) -> Result<proto::BindWaybillResponse, Status> {
    let meant = if request.declaration_id.is_empty() {
        let proto::OrderReference { platform, seller, order_no } = request.order.unwrap_or_default();
        Meant::Order(draft::OrderReference { platform, seller, order_no })
    } else {
        Meant::Declaration(convert::declaration_id(&request.declaration_id)?)
    };
    let bound = door.parts.intake.bind_waybill(&caller.actor, &meant, &request.carrier, &request.waybill_no).await;
    let id = bound.map_err(|refusal| status::of_refusal(&refusal))?;
    // A carrier sees that its waybill has found its order, but not another tenant's declaration.
    let own = door.store().show(scope(caller), id).await.map_err(|error| status::of_store(&error))?;
    Ok(proto::BindWaybillResponse { declaration_id: own.map(|_| id.to_string()).unwrap_or_default() })
}

/// Groups inventories as they would be summed.
pub(super) async fn preview(
    door: &Door,
    caller: &Caller,
    request: proto::PreviewSummaryRequest,
) -> Result<proto::PreviewSummaryResponse, Status> {
    if request.inventory_nos.len() > MOST_NAMED {
        return Err(status::invalid("一次最多4096个清单编号", "at most 4096 numbers at a time"));
    }
    let numbers = request.inventory_nos;
    let preview = door.parts.intake.preview_summary(&caller.actor.tenant, numbers, request.by_owner).await;
    let preview = preview.map_err(|refusal| status::of_refusal(&refusal))?;
    Ok(proto::PreviewSummaryResponse { groups: preview.groups.into_iter().map(group).collect(), left_out: preview.left_out })
}

fn group(group: Group) -> proto::SummaryGroup {
    proto::SummaryGroup {
        declared_at: group.declared_at,
        declarant: Some(convert::party(&group.declarant)),
        seller: Some(convert::party(&group.seller)),
        owner: group.owner.as_ref().map(convert::party),
        month: group.month,
        inventory_nos: group.inventory_nos,
        due: group.due.map(convert::timestamp),
    }
}

/// What was submitted on its own.
pub(super) async fn get(door: &Door, caller: &Caller, request: proto::GetFollowUpRequest) -> Result<proto::GetFollowUpResponse, Status> {
    let proto::GetFollowUpRequest { id, reveal_why } = request;
    let id = DocumentId(convert::declaration_id(&id)?.0);
    let shown = door.store().follow_up(scope(caller), id).await.map_err(|error| status::of_store(&error))?;
    let shown = shown.ok_or_else(status::not_found)?;
    let (first, _) = shown.parts.first().ok_or_else(status::not_found)?;
    let sight = sight(door, caller, reveal_why, &first.tenant, first.whole.0).await?;
    Ok(proto::GetFollowUpResponse {
        parts: shown.parts.iter().map(|(kept, _)| brief(kept, sight)).collect(),
        masked: sight == Sight::Masked,
        matched: shown.members,
        warnings: convert::findings(&shown.warnings),
    })
}

/// What was submitted on its own, in a few words.
pub(super) fn brief(kept: &KeptFollowUp, sight: Sight) -> proto::FollowUp {
    proto::FollowUp {
        id: kept.id.to_string(),
        whole_id: kept.whole.to_string(),
        kind: convert::kind(kept.kind).into(),
        accepted_at: Some(convert::timestamp(kept.accepted_at)),
        part: kept.part.number,
        parts: kept.part.count,
        bill_no: kept.bill_no.clone().unwrap_or_default(),
        happened_at: kept.happened_at.map(convert::timestamp),
        cut_off: kept.cut_off.map(convert::timestamp),
        document: kept.document.as_ref().map(|document| convert::document(document, sight)),
    }
}
