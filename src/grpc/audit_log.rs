//! `AuditLog`: what happened, who did it, when and why.

use std::collections::BTreeSet;

use tonic::{Request, Response, Status, async_trait};

use super::{
    Door, convert, declarations, find,
    follow::{self, Filter},
    outlet::Answers,
    proofs, proto, scope,
    sight::sight,
    status,
};
use crate::{
    access::{Call, Caller},
    audit::Entry,
    declaration::Kind,
    desk::{SEARCH_PAGE, Wanted, look_through, subjects, trace_asked},
    store::EntryFilter,
};

const LONGEST_STORY: u32 = 1_000;
const LONGEST_WORD: usize = 100;

#[async_trait]
impl proto::audit_log_server::AuditLog for Door {
    type TailStream = Answers<proto::TailResponse>;

    async fn timeline(&self, request: Request<proto::TimelineRequest>) -> Result<Response<proto::TimelineResponse>, Status> {
        let caller = self.admit(&request, Call::ReadAuditLog)?;
        let proto::TimelineRequest { number, reveal_why } = request.into_inner();
        let leads = find::leads(self, scope(&caller), std::slice::from_ref(&number)).await?;
        let subjects = subjects(self.store(), scope(&caller), &number).await.map_err(|error| status::of_store(&error))?;
        if subjects.is_empty() {
            return Err(status::not_found());
        }
        let declarations: BTreeSet<_> = leads.iter().filter_map(|lead| lead.declaration).filter(|id| subjects.contains(&id.0)).collect();
        // A bill leads to very many: they are named, and one alone is shown.
        let only = match declarations.first() {
            Some(id) if declarations.len() == 1 => find::at_hand(self.store().show(scope(&caller), *id).await)?,
            _ => None,
        };
        let declaration = match only {
            Some(shown) => {
                let sight = sight(self, &caller, reveal_why, &shown.dossier.tenant, shown.dossier.id.0).await?;
                Some(declarations::whole(&shown, self.parts.clockwork.now(), sight))
            }
            None => None,
        };
        let filter = EntryFilter {
            tenant: caller.scope.clone(),
            subjects: Some(subjects),
            pending: true,
            limit: LONGEST_STORY,
            ..EntryFilter::default()
        };
        let entries = self.store().entries(filter).await.map_err(|error| status::of_store(&error))?;
        Ok(Response::new(proto::TimelineResponse {
            declaration,
            declaration_ids: declarations.iter().map(ToString::to_string).collect(),
            entries: entries.into_iter().map(|placed| entry(placed.position, placed.entry)).collect(),
        }))
    }

    async fn search(&self, request: Request<proto::SearchRequest>) -> Result<Response<proto::SearchResponse>, Status> {
        let caller = self.admit(&request, Call::ReadAuditLog)?;
        let asked = request.into_inner();
        if [&asked.actor, &asked.act, &asked.outcome].iter().any(|word| word.len() > LONGEST_WORD) {
            return Err(status::invalid("操作者、操作或结果过长", "actor, act and outcome have at most 100 bytes"));
        }
        let wanted = wanted(&asked)?;
        let Some(filter) = self.search_filter(&caller, &asked).await? else {
            return Ok(Response::new(proto::SearchResponse::default()));
        };
        let fits = |entry: &Entry| wanted.fits(entry);
        let (found, next_after_position) = look_through(self.store(), filter, &fits, convert::page_size(asked.page_size))
            .await
            .map_err(|error| status::of_store(&error))?;
        let entries = found.into_iter().map(|placed| entry(placed.position, placed.entry)).collect();
        Ok(Response::new(proto::SearchResponse { entries, next_after_position }))
    }

    async fn checkpoint(&self, request: Request<proto::CheckpointRequest>) -> Result<Response<proto::CheckpointResponse>, Status> {
        self.admit(&request, Call::ReadAuditLog)?;
        proofs::checkpoint(self, request.get_ref()).await.map(Response::new)
    }

    async fn prove_inclusion(
        &self,
        request: Request<proto::ProveInclusionRequest>,
    ) -> Result<Response<proto::ProveInclusionResponse>, Status> {
        let caller = self.admit(&request, Call::ReadAuditLog)?;
        proofs::inclusion(self, &caller, request.get_ref()).await.map(Response::new)
    }

    async fn prove_consistency(
        &self,
        request: Request<proto::ProveConsistencyRequest>,
    ) -> Result<Response<proto::ProveConsistencyResponse>, Status> {
        self.admit(&request, Call::ReadAuditLog)?;
        proofs::consistency(self, request.get_ref()).await.map(Response::new)
    }

    async fn tail(&self, request: Request<proto::TailRequest>) -> Result<Response<Self::TailStream>, Status> {
        let caller = self.admit(&request, Call::ReadAuditLog)?;
        let filter = Filter { tenant: caller.scope.clone(), subjects: None };
        let show = |position, placed| Some(proto::TailResponse { entry: Some(entry(Some(position), placed)) });
        follow::follow(self, &caller, filter, request.get_ref().after_position, show).await.map(Response::new)
    }
}

impl Door {
    /// What to ask the store; nothing if the number leads nowhere.
    async fn search_filter(&self, caller: &Caller, asked: &proto::SearchRequest) -> Result<Option<EntryFilter>, Status> {
        let trace = Some(asked.trace_id.as_str()).filter(|text| !text.is_empty()).map(|text| {
            trace_asked(text).ok_or_else(|| status::invalid("trace_id 应为32位十六进制", "trace_id has 32 hexadecimal digits"))
        });
        let trace = trace.transpose()?;
        let subjects = if asked.number.is_empty() {
            None
        } else {
            let subjects = subjects(self.store(), scope(caller), &asked.number).await.map_err(|error| status::of_store(&error))?;
            if subjects.is_empty() {
                return Ok(None);
            }
            Some(subjects)
        };
        Ok(Some(EntryFilter {
            tenant: caller.scope.clone(),
            subjects,
            trace,
            act: (!asked.act.is_empty()).then(|| asked.act.clone()),
            from: asked.from.as_ref().map(convert::moment),
            to: asked.to.as_ref().map(convert::moment),
            after: asked.after_position,
            limit: SEARCH_PAGE,
            ..EntryFilter::default()
        }))
    }
}

/// What the store itself does not sort out.
fn wanted(asked: &proto::SearchRequest) -> Result<Wanted, Status> {
    let kind = match asked.kind() {
        proto::DocumentKind::Unspecified if asked.kind != 0 => return Err(status::invalid("单证种类不存在", "there is no such kind")),
        proto::DocumentKind::Unspecified => None,
        wanted => Kind::ALL.into_iter().find(|kind| convert::kind(*kind) == wanted),
    };
    let address = Some(&asked.address).filter(|text| !text.is_empty()).map(|text| text.parse()).transpose();
    let address = address.map_err(|_| status::invalid("address 应为 IP 地址", "address is an IP address"))?;
    Ok(Wanted { actor: asked.actor.clone(), kind, outcome: asked.outcome.clone(), address })
}

fn entry(position: Option<i64>, entry: Entry) -> proto::AuditEntry {
    proto::AuditEntry {
        address: entry.actor.address.map(|address| address.to_string()).unwrap_or_default(),
        trace_id: entry.trace_id().unwrap_or_default(),
        position,
        id: entry.id.to_string(),
        at: Some(convert::timestamp(entry.at)),
        tenant: entry.actor.tenant.to_string(),
        role: entry.actor.role.as_str().to_owned(),
        actor: entry.actor.name,
        act: entry.act,
        subject: entry.subject.to_string(),
        changes: entry
            .changes
            .into_iter()
            .map(|change| proto::FieldChange { field: change.field, from: change.from, to: change.to })
            .collect(),
        why: entry.why,
    }
}
