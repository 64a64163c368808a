//! `Logistics`: what carriers call.

use tonic::{Request, Response, Status, Streaming, async_trait};

use super::{Door, convert, declarations, drafts, follow_ups, items, outlet::Answers, proto, scope, sight::sight, status};
use crate::{
    access::{Call, Sight},
    intake::WaybillAnswer,
};

const LONGEST_NUMBER: usize = 100;

#[async_trait]
impl proto::logistics_server::Logistics for Door {
    type PushWaybillsStream = Answers<proto::PushWaybillsResponse>;
    type WatchStream = Answers<proto::WatchResponse>;

    async fn push_waybills(
        &self,
        request: Request<Streaming<proto::PushWaybillsRequest>>,
    ) -> Result<Response<Self::PushWaybillsStream>, Status> {
        let caller = self.admit(&request, Call::PushWaybills)?;
        let (intake, actor) = (self.parts.intake.clone(), caller.actor.clone());
        let answers = items::answer_each(request.into_inner(), self, &caller, move |item: proto::PushWaybillsRequest| {
            let (intake, actor) = (intake.clone(), actor.clone());
            async move {
                let item_id = items::item_id(&item.item_id);
                let queued = intake.queue_push(actor, drafts::push(item.waybill.unwrap_or_default())).await;
                async move {
                    let result = match queued.answer().await {
                        Ok(answer) => proto::push_waybills_response::Result::Kept(kept(&answer)),
                        Err(refusal) => proto::push_waybills_response::Result::Refused(status::item(&refusal)),
                    };
                    proto::PushWaybillsResponse { item_id, result: Some(result) }
                }
            }
        })?;
        Ok(Response::new(answers))
    }

    async fn get_waybill(&self, request: Request<proto::GetWaybillRequest>) -> Result<Response<proto::GetWaybillResponse>, Status> {
        let caller = self.admit(&request, Call::ReadWaybills)?;
        let proto::GetWaybillRequest { carrier, waybill_no, reveal_why } = request.into_inner();
        if carrier.len() > LONGEST_NUMBER || waybill_no.len() > LONGEST_NUMBER {
            return Err(status::not_found());
        }
        let found = self.store().waybill(scope(&caller), &carrier, &waybill_no).await.map_err(|error| status::of_store(&error))?;
        let found = found.ok_or_else(status::not_found)?;
        let declaration_id = match found.declaration {
            // A carrier sees that its waybill has found its order, but not another tenant's declaration.
            Some(id) => self.store().show(scope(&caller), id).await.map_err(|error| status::of_store(&error))?.map(|_| id.to_string()),
            None => None,
        };
        let sight = sight(self, &caller, reveal_why, &found.tenant, found.id.0).await?;
        Ok(Response::new(proto::GetWaybillResponse {
            waybill_id: found.id.to_string(),
            accepted_at: Some(convert::timestamp(found.accepted_at)),
            carrier: Some(convert::party(&found.waybill.carrier)),
            waybill_no: found.waybill.waybill_no.clone(),
            r#match: matched(found.declaration.is_some()).into(),
            declaration_id: declaration_id.unwrap_or_default(),
            document: found.document.as_ref().map(|document| convert::document(document, sight)),
            masked: sight == Sight::Masked,
        }))
    }

    async fn amend_waybill(&self, request: Request<proto::AmendWaybillRequest>) -> Result<Response<proto::AmendWaybillResponse>, Status> {
        let caller = self.admit(&request, Call::PushWaybills)?;
        follow_ups::amend_waybill(self, &caller, request.into_inner()).await.map(Response::new)
    }

    async fn delete_waybill(
        &self,
        request: Request<proto::DeleteWaybillRequest>,
    ) -> Result<Response<proto::DeleteWaybillResponse>, Status> {
        let caller = self.admit(&request, Call::PushWaybills)?;
        follow_ups::delete_waybill(self, &caller, request.get_ref()).await.map(Response::new)
    }

    async fn bind_waybill(&self, request: Request<proto::BindWaybillRequest>) -> Result<Response<proto::BindWaybillResponse>, Status> {
        let caller = self.admit(&request, Call::PushManifest)?;
        follow_ups::bind_waybill(self, &caller, request.into_inner()).await.map(Response::new)
    }

    async fn push_manifest(&self, request: Request<proto::PushManifestRequest>) -> Result<Response<proto::FollowUpKept>, Status> {
        let caller = self.admit(&request, Call::PushManifest)?;
        follow_ups::submit(self, &caller, request.into_inner()).await
    }

    async fn push_arrival(&self, request: Request<proto::PushArrivalRequest>) -> Result<Response<proto::FollowUpKept>, Status> {
        let caller = self.admit(&request, Call::PushMovements)?;
        follow_ups::submit(self, &caller, request.into_inner()).await
    }

    async fn push_departure(&self, request: Request<proto::PushDepartureRequest>) -> Result<Response<proto::FollowUpKept>, Status> {
        let caller = self.admit(&request, Call::PushMovements)?;
        follow_ups::submit(self, &caller, request.into_inner()).await
    }

    async fn watch(&self, request: Request<proto::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let caller = self.admit(&request, Call::ReadWaybills)?;
        declarations::watch(self, &caller, &request.into_inner()).await.map(Response::new)
    }
}

const fn matched(matched: bool) -> proto::WaybillMatch {
    if matched { proto::WaybillMatch::Matched } else { proto::WaybillMatch::Waiting }
}

fn kept(answer: &WaybillAnswer) -> proto::WaybillKept {
    proto::WaybillKept {
        waybill_id: answer.id.to_string(),
        r#match: matched(answer.declaration.is_some()).into(),
        warnings: convert::findings(&answer.warnings),
    }
}
