//! `Operations`: what operations staff call.

use std::collections::HashSet;

use tonic::{Request, Response, Status, async_trait};
use uuid::Uuid;

use super::{
    Door, convert, desk,
    find::{self, Lead},
    nodes, proto, scope, status,
};
use crate::{
    access::{Call, Sight},
    declaration::MessageId,
    desk::{Attachment, Order, Revealed},
    dossier::LastWord,
    message::masked,
    receipt::Key,
    store::{DeliveryFilter, KeptReceipt, Shown},
};

const MOST_NUMBERS: usize = 200;
/// Bytes of the name of a sender or a road.
const LONGEST_NAME: usize = 200;

#[async_trait]
impl proto::operations_server::Operations for Door {
    async fn find(&self, request: Request<proto::FindRequest>) -> Result<Response<proto::FindResponse>, Status> {
        let caller = self.admit(&request, Call::Find)?;
        let numbers = request.into_inner().numbers;
        if numbers.is_empty() || numbers.len() > MOST_NUMBERS {
            return Err(status::invalid("一次查询1至200个编号", "ask for 1 to 200 numbers at a time"));
        }
        let mut leads = find::leads(self, scope(&caller), &numbers).await?;
        let more = leads.len() > find::MOST_HITS;
        leads.truncate(find::MOST_HITS);
        let shown = find::shown(self, scope(&caller), &leads).await?;
        let found: HashSet<_> = leads.iter().map(|lead| lead.number.as_str()).collect();
        let missing = numbers.iter().filter(|number| !found.contains(number.as_str())).cloned().collect();
        let hits = leads.iter().map(|lead| hit(lead, lead.declaration.and_then(|id| shown.get(&id)))).collect();
        Ok(Response::new(proto::FindResponse { hits, missing, more }))
    }

    async fn unmatched_receipts(
        &self,
        request: Request<proto::UnmatchedReceiptsRequest>,
    ) -> Result<Response<proto::UnmatchedReceiptsResponse>, Status> {
        self.admit(&request, Call::ReadQueues)?;
        let limit = convert::page_size(request.get_ref().page_size);
        let found = self.store().unmatched(limit).await.map_err(|error| status::of_store(&error))?;
        Ok(Response::new(proto::UnmatchedReceiptsResponse { receipts: found.iter().map(unmatched).collect() }))
    }

    async fn queues(&self, request: Request<proto::QueuesRequest>) -> Result<Response<proto::QueuesResponse>, Status> {
        let caller = self.admit(&request, Call::ReadQueues)?;
        let counts = self.store().counts(scope(&caller)).await.map_err(|error| status::of_store(&error))?;
        let stopped = self.store().stopped().await.map_err(|error| status::of_store(&error))?;
        let paused = self.store().paused().await.map_err(|error| status::of_store(&error))?;
        Ok(Response::new(proto::QueuesResponse {
            counts: counts
                .into_iter()
                .map(|count| proto::QueueCount {
                    kind: convert::kind(count.kind).into(),
                    state: convert::state(count.state).into(),
                    count: count.count,
                })
                .collect(),
            stopped: stopped.into_iter().map(|(sender, reason)| proto::StoppedSender { sender, reason }).collect(),
            paused: paused.into_iter().map(|(road, reason)| proto::PausedEndpoint { road, reason }).collect(),
        }))
    }

    async fn nodes(&self, request: Request<proto::NodesRequest>) -> Result<Response<proto::NodesResponse>, Status> {
        self.admit(&request, Call::ReadQueues)?;
        let all = self.store().nodes().await.map_err(|error| status::of_store(&error))?;
        Ok(Response::new(nodes::shown(&all, self.parts.clockwork.now())))
    }

    async fn resume_sender(&self, request: Request<proto::ResumeSenderRequest>) -> Result<Response<proto::ResumeSenderResponse>, Status> {
        let caller = self.admit(&request, Call::ResumeSender)?;
        let proto::ResumeSenderRequest { sender, why } = request.into_inner();
        let order = Order::new(caller, why, false);
        let report = self.parts.desk.resume_senders(&order, &[sender]).await.map_err(|error| desk::of_error(&error))?;
        match report.proposal {
            Some(id) => Ok(Response::new(proto::ResumeSenderResponse { proposal_id: id.to_string() })),
            None if report.applied => Ok(Response::new(proto::ResumeSenderResponse::default())),
            None => Err(status::not_found()),
        }
    }

    async fn list_deliveries(
        &self,
        request: Request<proto::ListDeliveriesRequest>,
    ) -> Result<Response<proto::ListDeliveriesResponse>, Status> {
        self.admit(&request, Call::ReadQueues)?;
        let asked = request.into_inner();
        if asked.sender.len() > LONGEST_NAME || asked.road.len() > LONGEST_NAME {
            return Err(status::invalid("传输企业或通道名称过长", "sender and road have at most 200 bytes"));
        }
        let some = |name: String| Some(name).filter(|name| !name.is_empty());
        let filter = DeliveryFilter {
            carriage: desk::carriage_asked(asked.carriage)?,
            after: desk::asked_id(&asked.after_message_id)?.map(MessageId),
            sender: some(asked.sender),
            road: some(asked.road),
            limit: convert::page_size(asked.page_size),
        };
        let full = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        let found = self.store().messages(filter).await.map_err(|error| status::of_store(&error))?;
        let stopped = self.store().stopped().await.map_err(|error| status::of_store(&error))?;
        let paused = self.store().paused().await.map_err(|error| status::of_store(&error))?;
        let next = found.last().filter(|_| found.len() == full).map(|last| last.id.0.to_string()).unwrap_or_default();
        let deliveries = found.into_iter().map(|message| desk::delivery(message, &stopped, &paused)).collect();
        Ok(Response::new(proto::ListDeliveriesResponse { deliveries, next_after_message_id: next }))
    }

    async fn hold(&self, request: Request<proto::HoldRequest>) -> Result<Response<proto::HoldResponse>, Status> {
        let caller = self.admit(&request, Call::Desk)?;
        let asked = request.into_inner();
        let (order, items) = desk::order(caller, asked.order);
        let report = desk::report(self.parts.desk.hold(&order, &items).await)?;
        Ok(Response::new(proto::HoldResponse { report }))
    }

    async fn release(&self, request: Request<proto::ReleaseRequest>) -> Result<Response<proto::ReleaseResponse>, Status> {
        let caller = self.admit(&request, Call::Desk)?;
        let asked = request.into_inner();
        let (order, items) = desk::order(caller, asked.order);
        let report = desk::report(self.parts.desk.release(&order, &items).await)?;
        Ok(Response::new(proto::ReleaseResponse { report }))
    }

    async fn retry(&self, request: Request<proto::RetryRequest>) -> Result<Response<proto::RetryResponse>, Status> {
        let caller = self.admit(&request, Call::Desk)?;
        let asked = request.into_inner();
        let (order, items) = desk::order(caller, asked.order);
        let report = desk::report(self.parts.desk.retry(&order, &items).await)?;
        Ok(Response::new(proto::RetryResponse { report }))
    }

    async fn resolve(&self, request: Request<proto::ResolveRequest>) -> Result<Response<proto::ResolveResponse>, Status> {
        let caller = self.admit(&request, Call::Desk)?;
        let asked = request.into_inner();
        let (order, items) = desk::order(caller, asked.order);
        let report = desk::report(self.parts.desk.resolve(&order, &items, asked.arrived).await)?;
        Ok(Response::new(proto::ResolveResponse { report }))
    }

    async fn pause_endpoint(
        &self,
        request: Request<proto::PauseEndpointRequest>,
    ) -> Result<Response<proto::PauseEndpointResponse>, Status> {
        let caller = self.admit(&request, Call::Desk)?;
        let asked = request.into_inner();
        let (order, items) = desk::order(caller, asked.order);
        let report = desk::report(self.parts.desk.pause(&order, &items).await)?;
        Ok(Response::new(proto::PauseEndpointResponse { report }))
    }

    async fn resume_endpoint(
        &self,
        request: Request<proto::ResumeEndpointRequest>,
    ) -> Result<Response<proto::ResumeEndpointResponse>, Status> {
        let caller = self.admit(&request, Call::Desk)?;
        let asked = request.into_inner();
        let (order, items) = desk::order(caller, asked.order);
        let report = desk::report(self.parts.desk.unpause(&order, &items).await)?;
        Ok(Response::new(proto::ResumeEndpointResponse { report }))
    }

    async fn attach_receipt(
        &self,
        request: Request<proto::AttachReceiptRequest>,
    ) -> Result<Response<proto::AttachReceiptResponse>, Status> {
        let caller = self.admit(&request, Call::Desk)?;
        let proto::AttachReceiptRequest { arrival_id, ordinal, target, why, dry_run } = request.into_inner();
        let order = Order::new(caller, why, dry_run);
        let arrival = desk::asked_id(&arrival_id)?.unwrap_or_default();
        let report = desk::report(self.parts.desk.attach(&order, &Attachment { arrival, ordinal, target }).await)?;
        Ok(Response::new(proto::AttachReceiptResponse { report }))
    }

    async fn quarantined_arrivals(
        &self,
        request: Request<proto::QuarantinedArrivalsRequest>,
    ) -> Result<Response<proto::QuarantinedArrivalsResponse>, Status> {
        self.admit(&request, Call::ReadQueues)?;
        let asked = request.into_inner();
        let (before, limit) = (desk::asked_id(&asked.before_arrival_id)?, convert::page_size(asked.page_size));
        let found = self.store().quarantined(before, limit).await.map_err(|error| status::of_store(&error))?;
        let is_full = u32::try_from(found.len()) == Ok(limit);
        let next = found.last().filter(|_| is_full).map(|last| last.id.to_string()).unwrap_or_default();
        let arrivals = found.into_iter().map(desk::arrived).collect();
        Ok(Response::new(proto::QuarantinedArrivalsResponse { arrivals, next_before_arrival_id: next }))
    }

    async fn list_proposals(
        &self,
        request: Request<proto::ListProposalsRequest>,
    ) -> Result<Response<proto::ListProposalsResponse>, Status> {
        self.admit(&request, Call::ReadQueues)?;
        let proposals = self.parts.desk.proposals().await.map_err(|error| desk::of_error(&error))?;
        Ok(Response::new(proto::ListProposalsResponse { proposals: proposals.into_iter().map(desk::proposal).collect() }))
    }

    async fn approve(&self, request: Request<proto::ApproveRequest>) -> Result<Response<proto::ApproveResponse>, Status> {
        let caller = self.admit(&request, Call::Desk)?;
        let id = Uuid::try_parse(&request.get_ref().proposal_id).map_err(|_| status::not_found())?;
        // The reason is the proposal's.
        let order = Order::new(caller, String::new(), false);
        let report = desk::report(self.parts.desk.approve(&order, id).await)?;
        Ok(Response::new(proto::ApproveResponse { report }))
    }

    async fn decline(&self, request: Request<proto::DeclineRequest>) -> Result<Response<proto::DeclineResponse>, Status> {
        let caller = self.admit(&request, Call::Desk)?;
        let proto::DeclineRequest { proposal_id, why } = request.into_inner();
        let id = Uuid::try_parse(&proposal_id).map_err(|_| status::not_found())?;
        let order = Order::new(caller, why, false);
        self.parts.desk.decline(&order, id).await.map_err(|error| desk::of_error(&error))?;
        Ok(Response::new(proto::DeclineResponse {}))
    }

    async fn get_arrival(&self, request: Request<proto::GetArrivalRequest>) -> Result<Response<proto::GetArrivalResponse>, Status> {
        let revealing = !request.get_ref().reveal_why.is_empty();
        let caller = self.admit(&request, if revealing { Call::Reveal } else { Call::ReadRaw })?;
        let proto::GetArrivalRequest { arrival_id, reveal_why } = request.into_inner();
        let id = Uuid::try_parse(&arrival_id).map_err(|_| status::not_found())?;
        let found = self.store().arrival(id).await.map_err(|error| status::of_store(&error))?;
        let (arrival, raw) = found.ok_or_else(status::not_found)?;
        let raw = if revealing {
            let order = Order::new(caller, reveal_why, false);
            let revealed = self.parts.desk.reveal(&order, Revealed::Arrival(id)).await.map_err(|error| desk::of_error(&error))?;
            revealed.ok_or_else(status::not_found)?
        } else {
            masked(&raw).into_bytes()
        };
        Ok(Response::new(proto::GetArrivalResponse { arrival: Some(desk::arrived(arrival)), raw, masked: !revealing }))
    }
}

fn hit(lead: &Lead, shown: Option<&Shown>) -> proto::Hit {
    let kind = lead.hit.as_ref().map_or(proto::NumberKind::Unspecified, |hit| convert::number_kind(hit.kind));
    let alone = lead.hit.as_ref().filter(|_| lead.declaration.is_none()).and_then(|hit| hit.document);
    proto::Hit {
        number: lead.number.clone(),
        kind: kind.into(),
        declaration_id: lead.declaration.map(|id| id.to_string()).unwrap_or_default(),
        document_id: alone.map(|id| id.to_string()).unwrap_or_default(),
        order_no: shown.map(|shown| shown.dossier.declaration.order.order_no.clone()).unwrap_or_default(),
        documents: shown.map(|shown| convert::standings(&shown.dossier)).unwrap_or_default(),
    }
}

fn unmatched(kept: &KeptReceipt) -> proto::UnmatchedReceipt {
    let receipt = &kept.receipt;
    let word = LastWord { code: receipt.code.clone(), at: receipt.at.unwrap_or(kept.at), info: receipt.info.clone() };
    proto::UnmatchedReceipt {
        arrival_id: kept.arrival.to_string(),
        ordinal: kept.ordinal,
        arrived_at: Some(convert::timestamp(kept.at)),
        kind: convert::kind(receipt.key.kind()).into(),
        key: key(&receipt.key),
        word: Some(convert::last_word(receipt.key.kind(), &word, Sight::Masked)),
    }
}

fn key(key: &Key) -> Vec<proto::KeyPart> {
    let parts: Vec<(&str, &String)> = match key {
        Key::Order { platform, seller, order_no } => vec![("platform", platform), ("seller", seller), ("order_no", order_no)],
        Key::Waybill { carrier, waybill_no } => vec![("carrier", carrier), ("waybill_no", waybill_no)],
        Key::Inventory { declarant, enterprise_no, platform, seller, order_no } => vec![
            ("declarant", declarant),
            ("enterprise_no", enterprise_no),
            ("platform", platform),
            ("seller", seller),
            ("order_no", order_no),
        ],
        Key::Payment { seller, order_no, payment_no } => vec![("seller", seller), ("order_no", order_no), ("payment_no", payment_no)],
        Key::FollowUp { party, enterprise_no, .. } => vec![("party", party), ("enterprise_no", enterprise_no)],
    };
    parts.into_iter().map(|(name, value)| proto::KeyPart { name: name.into(), value: value.clone() }).collect()
}
