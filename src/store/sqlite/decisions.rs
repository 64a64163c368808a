//! Decisions on the exemption, a page of declarations at a time.

use std::collections::HashMap;

use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

use super::{
    follow_ups,
    papers::Papers,
    records,
    rows::{dossiers, hex, id, json},
    views,
};
use crate::{
    archive::{Archives, Part},
    declaration::Kind,
    store::{
        Decided, DecisionFilter, ListFilter, Only, Result,
        deciding::{self, FollowUps},
        retaining::text,
    },
};

pub(super) async fn page(connection: &mut SqliteConnection, papers: &Papers, filter: DecisionFilter) -> Result<Vec<Decided>> {
    let DecisionFilter { tenant, after, until, kind, only, limit } = filter;
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
        papers.why(connection, *missing).await?;
    }
    found.retain(|dossier| tenant.as_ref().is_none_or(|tenant| dossier.tenant == *tenant));
    let asked = json(&ids.iter().map(|id| hex(*id)).collect::<Vec<_>>())?;
    let decided = assessments(connection, &papers.archives, &asked, until).await?;
    let told = match kind {
        Some(kind) => about(connection, &asked, kind, until).await?,
        None => HashMap::new(),
    };
    deciding::page(unread, found, decided, told)
}

async fn assessments(connection: &mut SqliteConnection, archives: &Archives, asked: &str, until: i64) -> Result<HashMap<Uuid, String>> {
    let rows = sqlx::query(
        "SELECT a.declaration, a.ordinal, a.body FROM json_each(?1) j CROSS JOIN assessments a ON a.declaration = unhex(j.value) \
         AND a.ordinal = (SELECT max(n.ordinal) FROM assessments n WHERE n.declaration = unhex(j.value) AND n.decided_at <= ?2)",
    )
    .bind(asked)
    .bind(until)
    .fetch_all(connection)
    .await?;
    let one = |row: &sqlx::sqlite::SqliteRow| {
        let (id, ordinal): (_, i64) = (id("assessments", row, "declaration")?, row.try_get("ordinal")?);
        Ok((id, text(archives, Part::Assessment, || format!("{id}/{ordinal}"), row.try_get("body")?)?.into_owned()))
    };
    rows.iter().map(one).collect()
}

async fn about(connection: &mut SqliteConnection, asked: &str, kind: Kind, until: i64) -> Result<FollowUps> {
    let rows = sqlx::query(
        "SELECT m.declaration, f.id FROM json_each(?1) j CROSS JOIN follow_up_members m ON m.declaration = unhex(j.value) \
         CROSS JOIN follow_ups f ON f.id = m.follow_up WHERE f.kind = ?2 AND f.accepted_at <= ?3 ORDER BY j.key, f.id",
    )
    .bind(asked)
    .bind(kind.number())
    .bind(until)
    .fetch_all(&mut *connection)
    .await?;
    let pairs = rows.iter().map(|row| Ok((id("follow_up_members", row, "declaration")?, id("follow_ups", row, "id")?)));
    let pairs = pairs.collect::<Result<Vec<_>>>()?;
    let known = follow_ups::read(connection, &pairs.iter().map(|(_, id)| *id).collect::<Vec<_>>()).await?;
    deciding::by_declaration(pairs, &known)
}
