//! `Declarations`: what sellers call.

use tonic::{Request, Response, Status, Streaming, async_trait};

use super::{
    Door, advice, convert, drafts,
    follow::{self, Filter},
    follow_ups, items,
    outlet::Answers,
    proto, scope,
    sight::sight,
    status, whereabouts,
};
use crate::{
    access::{Call, Caller, Sight},
    audit::Entry,
    clock::Timestamp,
    declaration::Kind,
    dossier::Document,
    explain::{explain_state, explain_wait, inventory_wait},
    intake::Answer,
    state::State,
    store::{ListFilter, Shown},
};

const MOST_WATCHED: usize = 1_000;
const LONGEST_OFFICE: usize = 4;

#[async_trait]
impl proto::declarations_server::Declarations for Door {
    type SubmitStreamStream = Answers<proto::SubmitStreamResponse>;
    type WatchStream = Answers<proto::WatchResponse>;

    async fn submit(&self, request: Request<proto::SubmitRequest>) -> Result<Response<proto::SubmitResponse>, Status> {
        let caller = self.admit(&request, Call::Submit)?;
        let submission = drafts::submission(request.into_inner());
        let answer = self.parts.intake.submit(caller.actor, submission).await.map_err(|refusal| status::of_refusal(&refusal))?;
        Ok(Response::new(submitted(&answer)))
    }

    async fn submit_stream(
        &self,
        request: Request<Streaming<proto::SubmitStreamRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        let caller = self.admit(&request, Call::Submit)?;
        let (intake, actor) = (self.parts.intake.clone(), caller.actor.clone());
        let answers = items::answer_each(request.into_inner(), self, &caller, move |item: proto::SubmitStreamRequest| {
            let (intake, actor) = (intake.clone(), actor.clone());
            async move {
                let item_id = items::item_id(&item.item_id);
                let queued = intake.queue_submission(actor, drafts::submission(item.submit.unwrap_or_default())).await;
                async move {
                    let result = match queued.answer().await {
                        Ok(answer) => proto::submit_stream_response::Result::Accepted(submitted(&answer)),
                        Err(refusal) => proto::submit_stream_response::Result::Refused(status::item(&refusal)),
                    };
                    proto::SubmitStreamResponse { item_id, result: Some(result) }
                }
            }
        })?;
        Ok(Response::new(answers))
    }

    async fn validate(&self, request: Request<proto::ValidateRequest>) -> Result<Response<proto::ValidateResponse>, Status> {
        let caller = self.admit(&request, Call::Validate)?;
        let submission = drafts::submission(request.into_inner().submit.unwrap_or_default());
        let validation = self.parts.intake.validate(&caller.actor, submission).await.map_err(|refusal| status::of_refusal(&refusal))?;
        Ok(Response::new(proto::ValidateResponse {
            acceptable: validation.acceptable,
            findings: convert::findings(&validation.findings),
            advice: validation.assessment.as_ref().map(advice::of),
            declaration_id: validation.earlier.map(|id| id.to_string()).unwrap_or_default(),
            conversions: validation.converted.into_iter().map(convert::conversion).collect(),
        }))
    }

    async fn get(&self, request: Request<proto::GetRequest>) -> Result<Response<proto::GetResponse>, Status> {
        let caller = self.admit(&request, Call::ReadDeclarations)?;
        let proto::GetRequest { declaration_id, reveal_why } = request.into_inner();
        let id = convert::declaration_id(&declaration_id)?;
        let shown = self.store().show(scope(&caller), id).await.map_err(|error| status::of_store(&error))?;
        let shown = shown.ok_or_else(status::not_found)?;
        let sight = sight(self, &caller, reveal_why, &shown.dossier.tenant, id.0).await?;
        Ok(Response::new(whole(&shown, self.parts.clockwork.now(), sight)))
    }

    async fn list(&self, request: Request<proto::ListRequest>) -> Result<Response<proto::ListResponse>, Status> {
        let caller = self.admit(&request, Call::ReadDeclarations)?;
        let asked = request.into_inner();
        let limit = convert::page_size(asked.page_size);
        let token =
            |text: &str| convert::declaration_id(text).map_err(|_| status::invalid("分页标记无效", "this page_token is none of ours"));
        if asked.office.len() > LONGEST_OFFICE || !asked.office.bytes().all(|b| b.is_ascii_digit()) {
            return Err(status::invalid("关区代码为至多4位数字", "an office has at most 4 digits"));
        }
        let filter = ListFilter {
            tenant: caller.scope,
            office: (!asked.office.is_empty()).then_some(asked.office),
            state: convert::wanted_state(asked.state)?,
            after: (!asked.page_token.is_empty()).then(|| token(&asked.page_token)).transpose()?,
            limit,
        };
        let found = self.store().list(filter).await.map_err(|error| status::of_store(&error))?;
        let full = u32::try_from(found.len()).is_ok_and(|len| len >= limit);
        let next_page_token = found.last.filter(|_| full).map(|last| last.to_string()).unwrap_or_default();
        let unreadable = found.unreadable.iter().map(ToString::to_string).collect();
        let declarations = found
            .dossiers
            .iter()
            .map(|dossier| proto::DeclarationSummary {
                declaration_id: dossier.id.to_string(),
                accepted_at: Some(convert::timestamp(dossier.accepted_at)),
                order_no: dossier.declaration.order.order_no.clone(),
                waybill_no: dossier.waybill_no.clone().unwrap_or_default(),
                declared_at: dossier.declaration.inventory.declared_at.clone(),
                documents: convert::standings(dossier),
            })
            .collect();
        Ok(Response::new(proto::ListResponse { declarations, next_page_token, unreadable }))
    }

    async fn watch(&self, request: Request<proto::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let caller = self.admit(&request, Call::ReadDeclarations)?;
        watch(self, &caller, &request.into_inner()).await.map(Response::new)
    }

    async fn amend(&self, request: Request<proto::AmendRequest>) -> Result<Response<proto::AmendResponse>, Status> {
        let caller = self.admit(&request, Call::Amend)?;
        follow_ups::amend(self, &caller, request.into_inner()).await.map(Response::new)
    }

    async fn delete(&self, request: Request<proto::DeleteRequest>) -> Result<Response<proto::DeleteResponse>, Status> {
        let caller = self.admit(&request, Call::Amend)?;
        follow_ups::delete(self, &caller, request.get_ref()).await.map(Response::new)
    }

    async fn cancel(&self, request: Request<proto::CancelRequest>) -> Result<Response<proto::FollowUpKept>, Status> {
        let caller = self.admit(&request, Call::Amend)?;
        follow_ups::submit(self, &caller, request.into_inner()).await
    }

    async fn declare_return(&self, request: Request<proto::DeclareReturnRequest>) -> Result<Response<proto::FollowUpKept>, Status> {
        let caller = self.admit(&request, Call::Amend)?;
        follow_ups::submit(self, &caller, request.into_inner()).await
    }

    async fn declare_return_tally(
        &self,
        request: Request<proto::DeclareReturnTallyRequest>,
    ) -> Result<Response<proto::FollowUpKept>, Status> {
        let caller = self.admit(&request, Call::TallyReturn)?;
        follow_ups::submit(self, &caller, request.into_inner()).await
    }

    async fn declare_payment(&self, request: Request<proto::DeclarePaymentRequest>) -> Result<Response<proto::FollowUpKept>, Status> {
        let caller = self.admit(&request, Call::Amend)?;
        follow_ups::submit(self, &caller, request.into_inner()).await
    }

    async fn preview_summary(
        &self,
        request: Request<proto::PreviewSummaryRequest>,
    ) -> Result<Response<proto::PreviewSummaryResponse>, Status> {
        let caller = self.admit(&request, Call::ReadDeclarations)?;
        follow_ups::preview(self, &caller, request.into_inner()).await.map(Response::new)
    }

    async fn apply_summary(&self, request: Request<proto::ApplySummaryRequest>) -> Result<Response<proto::FollowUpKept>, Status> {
        let caller = self.admit(&request, Call::Amend)?;
        follow_ups::submit(self, &caller, request.into_inner()).await
    }

    async fn get_follow_up(&self, request: Request<proto::GetFollowUpRequest>) -> Result<Response<proto::GetFollowUpResponse>, Status> {
        let caller = self.admit(&request, Call::ReadFollowUps)?;
        follow_ups::get(self, &caller, request.into_inner()).await.map(Response::new)
    }

    async fn deadlines(&self, request: Request<proto::DeadlinesRequest>) -> Result<Response<proto::DeadlinesResponse>, Status> {
        let caller = self.admit(&request, Call::ReadDeclarations)?;
        whereabouts::deadlines(self, &caller, request.get_ref()).await.map(Response::new)
    }
}

/// Changes of state of what is named, or of all that is the caller's.
pub(super) async fn watch(door: &Door, caller: &Caller, asked: &proto::WatchRequest) -> Result<Answers<proto::WatchResponse>, Status> {
    if asked.declaration_ids.len() > MOST_WATCHED {
        return Err(status::invalid("最多订阅1000个申报", "at most 1000 declarations can be named"));
    }
    let mut subjects = Vec::with_capacity(asked.declaration_ids.len());
    for id in &asked.declaration_ids {
        subjects.push(convert::declaration_id(id)?.0);
    }
    let filter = Filter { tenant: caller.scope.clone(), subjects: (!subjects.is_empty()).then_some(subjects) };
    follow::follow(door, caller, filter, asked.after_position, changes).await
}

fn submitted(answer: &Answer) -> proto::SubmitResponse {
    proto::SubmitResponse {
        declaration_id: answer.id.to_string(),
        accepted_at: Some(convert::timestamp(answer.accepted_at)),
        needed_by: Some(convert::timestamp(answer.needed_by)),
        warnings: convert::findings(&answer.warnings),
        advice: Some(advice::of(&answer.assessment)),
    }
}

/// Everything about one declaration.
pub(super) fn whole(shown: &Shown, now: Timestamp, sight: Sight) -> proto::GetResponse {
    let dossier = &shown.dossier;
    let inventory = dossier.document(Kind::Inventory);
    let number = |of: fn(&Document) -> Option<&str>| inventory.and_then(of).unwrap_or_default().to_owned();
    proto::GetResponse {
        declaration_id: dossier.id.to_string(),
        accepted_at: Some(convert::timestamp(dossier.accepted_at)),
        needed_by: Some(convert::timestamp(dossier.needed_by)),
        order_no: dossier.declaration.order.order_no.clone(),
        waybill_no: dossier.waybill_no.clone().unwrap_or_default(),
        enterprise_no: number(|document| document.enterprise_no.as_ref().map(|no| no.0.as_str())),
        port_no: number(|document| document.port_no.as_ref().map(|no| no.0.as_str())),
        inventory_no: number(|document| document.inventory_no.as_ref().map(|no| no.0.as_str())),
        declared_at: dossier.declaration.inventory.declared_at.clone(),
        documents: convert::documents(dossier).into_iter().map(|document| convert::document(document, sight)).collect(),
        inventory_waits_for: inventory_wait(dossier, now).map(explain_wait).map(|(zh, en)| convert::text(zh, en)),
        advice: shown.assessments.last().and_then(|body| advice::kept(dossier.id, body)),
        warnings: convert::findings(&shown.warnings),
        tenant: dossier.tenant.to_string(),
        revision: shown.amended.0,
        follow_ups: shown.follow_ups.iter().map(|kept| follow_ups::brief(kept, sight)).collect(),
        whereabouts: Some(whereabouts::of(shown)),
        customs_declaration: shown.summed.as_ref().map(whereabouts::summed),
        deadlines: whereabouts::all_deadlines(shown),
        masked: sight == Sight::Masked,
    }
}

/// The changes of state in an entry; nothing if there is none.
pub(super) fn changes(position: i64, entry: Entry) -> Option<proto::WatchResponse> {
    let changes: Vec<_> = entry
        .changes
        .iter()
        .filter_map(|change| {
            let name = change.field.strip_suffix(".state")?;
            let kind = Kind::parse(name)?;
            let to = State::parse(&change.to)?;
            let from = State::parse(&change.from).map_or(proto::DocumentState::Unspecified, convert::state);
            let explained = explain_state(kind, to);
            Some(proto::StateChange {
                kind: convert::kind(kind).into(),
                from: from.into(),
                to: convert::state(to).into(),
                meaning: Some(convert::text(explained.meaning_zh, explained.meaning_en)),
                next: Some(convert::text(explained.next_zh, explained.next_en)),
            })
        })
        .collect();
    (!changes.is_empty()).then(|| proto::WatchResponse {
        position,
        declaration_id: entry.subject.to_string(),
        at: Some(convert::timestamp(entry.at)),
        changes,
    })
}
