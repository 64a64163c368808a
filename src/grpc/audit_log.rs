//! `AuditLog`: what happened, who did it, when and why.

use tonic::{Request, Response, Status, async_trait};

use super::{
    Door, convert, declarations, find,
    follow::{self, Filter},
    outlet::Answers,
    proto, scope, status,
};
use crate::{
    access::{Call, Caller},
    audit::Entry,
    desk::{SEARCH_PAGE, look_through},
    store::EntryFilter,
};

const LONGEST_STORY: u32 = 1_000;
const LONGEST_WORD: usize = 100;

#[async_trait]
impl proto::audit_log_server::AuditLog for Door {
    type TailStream = Answers<proto::TailResponse>;

    async fn timeline(&self, request: Request<proto::TimelineRequest>) -> Result<Response<proto::TimelineResponse>, Status> {
        let caller = self.admit(&request, Call::ReadAuditLog)?;
        let number = request.into_inner().number;
        let leads = find::leads(self, scope(&caller), &[number]).await?;
        let shown = find::shown(self, scope(&caller), &leads).await?;
        let subjects = find::subjects(&leads, &shown);
        if subjects.is_empty() {
            return Err(status::not_found());
        }
        let filter = EntryFilter {
            tenant: caller.scope.clone(),
            subjects: Some(subjects),
            pending: true,
            limit: LONGEST_STORY,
            ..EntryFilter::default()
        };
        let entries = self.store().entries(filter).await.map_err(|error| status::of_store(&error))?;
        let mut declarations: Vec<_> = shown.into_values().collect();
        declarations.sort_by_key(|shown| shown.dossier.id);
        let only = if let [one] = declarations.as_slice() { Some(one) } else { None };
        Ok(Response::new(proto::TimelineResponse {
            declaration: only.map(|shown| declarations::whole(shown, self.parts.clockwork.now())),
            declaration_ids: declarations.iter().map(|shown| shown.dossier.id.to_string()).collect(),
            entries: entries.into_iter().map(|placed| entry(placed.position, placed.entry)).collect(),
        }))
    }

    async fn search(&self, request: Request<proto::SearchRequest>) -> Result<Response<proto::SearchResponse>, Status> {
        let caller = self.admit(&request, Call::ReadAuditLog)?;
        let asked = request.into_inner();
        if asked.actor.len() > LONGEST_WORD || asked.act.len() > LONGEST_WORD {
            return Err(status::invalid("操作者或操作过长", "actor and act have at most 100 bytes"));
        }
        let Some(filter) = self.search_filter(&caller, &asked).await? else {
            return Ok(Response::new(proto::SearchResponse::default()));
        };
        let (found, next_after_position) = look_through(self.store(), filter, &asked.actor, convert::page_size(asked.page_size))
            .await
            .map_err(|error| status::of_store(&error))?;
        let entries = found.into_iter().map(|placed| entry(placed.position, placed.entry)).collect();
        Ok(Response::new(proto::SearchResponse { entries, next_after_position }))
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
        let subjects = if asked.number.is_empty() {
            None
        } else {
            let leads = find::leads(self, scope(caller), std::slice::from_ref(&asked.number)).await?;
            let shown = find::shown(self, scope(caller), &leads).await?;
            let subjects = find::subjects(&leads, &shown);
            if subjects.is_empty() {
                return Ok(None);
            }
            Some(subjects)
        };
        Ok(Some(EntryFilter {
            tenant: caller.scope.clone(),
            subjects,
            act: (!asked.act.is_empty()).then(|| asked.act.clone()),
            from: asked.from.as_ref().map(convert::moment),
            to: asked.to.as_ref().map(convert::moment),
            after: asked.after_position,
            pending: false,
            limit: SEARCH_PAGE,
        }))
    }
}

fn entry(position: Option<i64>, entry: Entry) -> proto::AuditEntry {
    proto::AuditEntry {
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
