//! Decisions on the exemption, a page of declarations at a time.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    follow_ups, records,
    rows::{Result, dossiers},
    views,
};
use crate::{
    archive::{Archives, Part},
    declaration::Kind,
    store::{
        Decided, DecisionFilter, ListFilter, Only,
        deciding::{self, FollowUps},
        papers::Papers,
        retaining::text,
    },
};

pub(super) async fn page(connection: &mut PgConnection, papers: &Papers, filter: &DecisionFilter) -> Result<Vec<Decided>> {
    let DecisionFilter { tenant, after, until, kind, only, limit } = filter.clone();
    let until = until.map_or(i64::MAX, |until| until.0);
    let ids = match only {
        None => views::ids(connection, &ListFilter { tenant: tenant.clone(), after, limit, ..ListFilter::default() }).await?,
        Some(Only::OfRecord(record)) => records::ids_of(connection, record, after.map_or(Uuid::nil(), |id| id.0), limit).await?,
        Some(Only::These(these)) => {
            let these: Vec<_> = these.into_iter().map(|id| id.0).collect();
            views::there(connection, &these).await?
        }
    };
    let mut found = dossiers(connection, papers, &ids).await?;
    let unread = ids.len() - found.len();
    if let Some(missing) = ids.iter().find(|id| unread > 0 && !found.iter().any(|dossier| dossier.id.0 == **id)) {
        super::papers::why(connection, papers, *missing).await?;
    }
    found.retain(|dossier| tenant.as_ref().is_none_or(|tenant| dossier.tenant == *tenant));
    let decided = assessments(connection, &papers.archives, &ids, until).await?;
    let told = match kind {
        Some(kind) => about(connection, &ids, kind, until).await?,
        None => HashMap::new(),
    };
    Ok(deciding::page(unread, found, decided, told)?)
}

async fn assessments(connection: &mut PgConnection, archives: &Archives, asked: &[Uuid], until: i64) -> Result<HashMap<Uuid, String>> {
    let statement = "SELECT a.declaration, a.ordinal, a.body FROM unnest($1::uuid[]) AS j (id) CROSS JOIN LATERAL \
         (SELECT declaration, ordinal, body FROM assessments WHERE declaration = j.id AND decided_at <= $2 ORDER BY ordinal DESC LIMIT 1) a";
    let rows: Vec<(Uuid, i64, String)> = sqlx::query_as(statement).bind(asked).bind(until).fetch_all(connection).await?;
    let one = |(id, ordinal, body): (Uuid, i64, String)| {
        Ok((id, text(archives, Part::Assessment, || format!("{id}/{ordinal}"), &body)?.into_owned()))
    };
    rows.into_iter().map(one).collect()
}

async fn about(connection: &mut PgConnection, asked: &[Uuid], kind: Kind, until: i64) -> Result<FollowUps> {
    let statement = "SELECT m.declaration, f.id FROM unnest($1::uuid[]) AS j (id) \
         CROSS JOIN LATERAL (SELECT declaration, follow_up FROM follow_up_members WHERE declaration = j.id OFFSET 0) m \
         CROSS JOIN LATERAL (SELECT id, kind, accepted_at FROM follow_ups WHERE id = m.follow_up LIMIT 1) f \
         WHERE f.kind = $2 AND f.accepted_at <= $3 ORDER BY f.id";
    let pairs: Vec<(Uuid, Uuid)> =
        sqlx::query_as(statement).bind(asked).bind(kind.number()).bind(until).fetch_all(&mut *connection).await?;
    let known = follow_ups::read(connection, &pairs.iter().map(|(_, id)| *id).collect::<Vec<_>>()).await?;
    Ok(deciding::by_declaration(pairs, &known)?)
}
