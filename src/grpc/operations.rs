//! `Operations`: what operations staff call.

use std::collections::HashSet;

use tonic::{Request, Response, Status, async_trait};
use uuid::Uuid;

use super::{
    Door, convert,
    find::{self, Lead},
    nodes, proto, scope, status,
};
use crate::{
    access::Call,
    audit::{Difference, Entry},
    dossier::LastWord,
    receipt::Key,
    store::{KeptReceipt, Shown},
};

const MOST_NUMBERS: usize = 200;
const LONGEST_WHY: usize = 200;

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
        if why.chars().count() > LONGEST_WHY {
            return Err(status::invalid("原因最多200个字符", "why has at most 200 characters"));
        }
        let stopped = self.store().stopped().await.map_err(|error| status::of_store(&error))?;
        let (_, reason) = stopped.into_iter().find(|(name, _)| *name == sender).ok_or_else(status::not_found)?;
        let now = self.parts.clockwork.now();
        let entry = Entry {
            id: self.parts.clockwork.id(),
            at: now,
            actor: caller.actor,
            act: "resume_sender".into(),
            subject: Uuid::nil(),
            changes: vec![Difference { field: format!("sender.{sender}.stopped"), from: reason, to: String::new() }],
            why,
        };
        self.store().resume(now, &sender, entry).await.map_err(|error| status::of_store(&error))?;
        Ok(Response::new(proto::ResumeSenderResponse {}))
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
        word: Some(convert::last_word(receipt.key.kind(), &word)),
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
