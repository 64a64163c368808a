//! Looking in.

use sqlx::{AssertSqlSafe, PgConnection, Row};
use uuid::Uuid;

use super::{
    arrivals::receipt,
    follow_ups, papers, revisions,
    rows::{Result, column, count, digest, dossiers, from_json, inconsistent, kind},
};
use crate::{
    archive::Archives,
    declaration::DeclarationId,
    dossier::Dossier,
    party::Tenant,
    state::State,
    store::{Count, KeptReceipt, ListFilter, Listed, Shown, papers::Papers, retaining::assessments},
};

pub(super) async fn show(
    connection: &mut PgConnection,
    papers: &Papers,
    tenant: Option<&Tenant>,
    asked: DeclarationId,
) -> Result<Option<Shown>> {
    let statement = "SELECT warnings, revision, amended FROM declarations WHERE id = $1 AND ($2::text IS NULL OR tenant = $2)";
    let row = sqlx::query(statement).bind(asked.0).bind(tenant.map(Tenant::as_str)).fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(None) };
    let warnings = from_json("declarations", row.try_get("warnings")?)?;
    let Some(dossier) = dossiers(connection, papers, &[asked.0]).await?.pop() else {
        return papers::why(connection, papers, asked.0).await.map(|()| None);
    };
    let statement = "SELECT ordinal, body FROM assessments WHERE declaration = $1 ORDER BY ordinal";
    let decided: Vec<(i64, String)> = sqlx::query_as(statement).bind(asked.0).fetch_all(&mut *connection).await?;
    let assessments = assessments(&papers.archives, asked.0, decided)?;
    let receipts = receipts(connection, &papers.archives, &dossier).await?;
    let digest = row.try_get::<Option<&[u8]>, _>("amended")?.map(|bytes| digest("declarations", bytes)).transpose()?;
    Ok(Some(Shown {
        dossier,
        warnings,
        assessments,
        receipts,
        amended: (count("declarations", row.try_get("revision")?)?, digest),
        follow_ups: follow_ups::about(connection, asked).await?,
        summed: revisions::summed_of(connection, asked).await?,
        deadlines: revisions::open_of(connection, asked).await?,
    }))
}

async fn receipts(connection: &mut PgConnection, archives: &Archives, dossier: &Dossier) -> Result<Vec<KeptReceipt>> {
    let statement = "SELECT arrival, ordinal, at, document, effect, body FROM receipts WHERE document = ANY($1)";
    let rows = sqlx::query(statement).bind(column(&dossier.documents, |document| document.id.0)).fetch_all(connection).await?;
    let mut found = rows.iter().map(|row| receipt(archives, row)).collect::<Result<Vec<_>>>()?;
    found.sort_by_key(|kept| (kept.receipt.at.unwrap_or(kept.at), kept.at, kept.arrival, kept.ordinal));
    Ok(found)
}

pub(super) async fn list(connection: &mut PgConnection, papers: &Papers, filter: &ListFilter) -> Result<Listed> {
    let ids = ids(connection, filter).await?;
    Ok(Listed::of(&ids, dossiers(connection, papers, &ids).await?))
}

/// Whether a document `c` counts as that of its kind, as [`Dossier::document`] says: what only asks for a deletion does not, nor an
/// amendment that was turned away, nor what is amended by one that was not.
const COUNTS: &str = "c.action <> 3 AND NOT (c.action = 2 AND c.state IN ('port_failed', 'refused', 'rejected')) \
     AND NOT EXISTS (SELECT 1 FROM documents n WHERE n.action = 2 AND n.declaration = c.declaration AND n.kind = c.kind AND n.id > c.id \
       AND n.state NOT IN ('port_failed', 'refused', 'rejected'))";

/// The ids of a page of declarations.
pub(super) async fn ids(connection: &mut PgConnection, filter: &ListFilter) -> Result<Vec<Uuid>> {
    let in_state = format!("EXISTS (SELECT 1 FROM documents c WHERE c.declaration = d.id AND c.kind = 603 AND c.state = $4 AND {COUNTS})");
    let mut conditions = vec!["d.id > $1"];
    conditions.extend(filter.tenant.is_some().then_some("d.tenant = $2"));
    conditions.extend(filter.office.is_some().then_some("left(d.office, length($3)) = $3"));
    conditions.extend(filter.state.is_some().then_some(in_state.as_str()));
    let statement = format!(
        "SELECT d.id FROM declarations d WHERE {} AND ($2::text IS NULL OR $3::text IS NULL OR $4::text IS NULL OR true) ORDER BY d.id LIMIT $5",
        conditions.join(" AND ")
    );
    let found = sqlx::query_scalar(AssertSqlSafe(statement))
        .bind(filter.after.map_or(Uuid::nil(), |id| id.0))
        .bind(filter.tenant.as_ref().map(Tenant::as_str))
        .bind(filter.office.as_deref())
        .bind(filter.state.map(State::as_str))
        .bind(i64::from(filter.limit))
        .fetch_all(connection)
        .await?;
    Ok(found)
}

/// Those of some declarations that are there, in their order.
pub(super) async fn there(connection: &mut PgConnection, asked: &[Uuid]) -> Result<Vec<Uuid>> {
    let found = "SELECT d.id FROM unnest($1::uuid[]) WITH ORDINALITY AS j (id, place) \
         CROSS JOIN LATERAL (SELECT id FROM declarations WHERE id = j.id LIMIT 1) d ORDER BY j.place";
    Ok(sqlx::query_scalar(found).bind(asked).fetch_all(connection).await?)
}

pub(super) async fn counts(connection: &mut PgConnection, tenant: Option<&Tenant>) -> Result<Vec<Count>> {
    // All of them, however they are reached.
    sqlx::raw_sql("SET LOCAL enable_seqscan = on").execute(&mut *connection).await?;
    let rows = sqlx::query(
        AssertSqlSafe(format!(
        "SELECT c.kind, c.state, count(*) AS count FROM documents c WHERE ($1::text IS NULL OR c.tenant = $1) AND {COUNTS} GROUP BY c.kind, c.state ORDER BY c.kind, c.state"
    )),
    )
    .bind(tenant.map(Tenant::as_str))
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let state: &str = row.try_get("state")?;
            Ok(Count {
                kind: kind("documents", row.try_get("kind")?)?,
                state: State::parse(state).ok_or_else(|| inconsistent("documents", format!("state {state}")))?,
                count: row.try_get("count")?,
            })
        })
        .collect()
}

pub(super) async fn stopped(connection: &mut PgConnection) -> Result<Vec<(String, String)>> {
    Ok(sqlx::query_as("SELECT sender, reason FROM stops ORDER BY sender").fetch_all(connection).await?)
}
