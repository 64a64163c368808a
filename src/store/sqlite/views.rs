//! Looking in.

use sqlx::{AssertSqlSafe, Row, SqliteConnection};
use uuid::Uuid;

use super::{
    arrivals::receipt,
    follow_ups,
    papers::Papers,
    revisions,
    rows::{count, digest, dossiers, from_json, hex, id, inconsistent, json, kind},
};
use crate::{
    archive::Archives,
    declaration::DeclarationId,
    dossier::Dossier,
    party::Tenant,
    state::State,
    store::{Count, KeptReceipt, ListFilter, Listed, Result, Shown, retaining::assessments},
};

pub(super) async fn show(
    connection: &mut SqliteConnection,
    papers: &Papers,
    tenant: Option<&Tenant>,
    asked: DeclarationId,
) -> Result<Option<Shown>> {
    let row = sqlx::query("SELECT warnings, revision, amended FROM declarations WHERE id = ?1 AND (?2 IS NULL OR tenant = ?2)")
        .bind(asked.0.as_bytes().as_slice())
        .bind(tenant.map(Tenant::as_str))
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let warnings = from_json("declarations", row.try_get("warnings")?)?;
    let Some(dossier) = dossiers(connection, papers, &[asked.0]).await?.pop() else {
        return papers.why(connection, asked.0).await.map(|()| None);
    };
    let decided: Vec<(i64, String)> = sqlx::query_as("SELECT ordinal, body FROM assessments WHERE declaration = ?1 ORDER BY ordinal")
        .bind(asked.0.as_bytes().as_slice())
        .fetch_all(&mut *connection)
        .await?;
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

async fn receipts(connection: &mut SqliteConnection, archives: &Archives, dossier: &Dossier) -> Result<Vec<KeptReceipt>> {
    let documents = json(&dossier.documents.iter().map(|document| hex(document.id.0)).collect::<Vec<_>>())?;
    let rows = sqlx::query(
        "SELECT r.arrival, r.ordinal, r.at, r.document, r.effect, r.body FROM json_each(?1) j CROSS JOIN receipts r ON r.document = unhex(j.value)",
    )
    .bind(documents)
    .fetch_all(connection)
    .await?;
    let mut found = rows.iter().map(|row| receipt(archives, row)).collect::<Result<Vec<_>>>()?;
    found.sort_by_key(|kept| (kept.receipt.at.unwrap_or(kept.at), kept.at, kept.arrival, kept.ordinal));
    Ok(found)
}

pub(super) async fn list(connection: &mut SqliteConnection, papers: &Papers, filter: &ListFilter) -> Result<Listed> {
    let ids = ids(connection, filter).await?;
    Ok(Listed::of(&ids, dossiers(connection, papers, &ids).await?))
}

/// Whether a document `c` counts as that of its kind, as [`Dossier::document`] says: what only asks for a deletion does not, nor an
/// amendment that was turned away, nor what is amended by one that was not.
const COUNTS: &str = "c.action <> 3 AND NOT (c.action = 2 AND c.state IN ('port_failed', 'refused', 'rejected')) \
     AND NOT EXISTS (SELECT 1 FROM documents n WHERE n.action = 2 AND n.declaration = c.declaration AND n.kind = c.kind AND n.id > c.id \
       AND n.state NOT IN ('port_failed', 'refused', 'rejected'))";

/// Whether an inventory is in a state that few are in, as the index of those says it (`documents_seldom`): said otherwise it is not taken.
const SELDOM: &str = "(c.state = 'refused' OR c.state = 'rejected' OR c.state = 'port_failed' OR c.state = 'unmatched' \
     OR c.state = 'held' OR c.state = 'review' OR c.state = 'inspection' OR c.state = 'cancelled')";

/// The ids of a page of declarations.
pub(super) async fn ids(connection: &mut SqliteConnection, filter: &ListFilter) -> Result<Vec<Uuid>> {
    let mut conditions = vec!["?5 IS NOT NULL"];
    conditions.extend(filter.tenant.is_some().then_some("d.tenant = ?2"));
    conditions.extend(filter.office.is_some().then_some("substr(d.office, 1, length(?3)) = ?3"));
    let conditions = conditions.join(" AND ");
    let statement = match filter.state {
        Some(state) if SELDOM.contains(&format!("'{}'", state.as_str())) => format!(
            "SELECT DISTINCT c.declaration AS id FROM documents c CROSS JOIN declarations d ON d.id = c.declaration \
             WHERE c.kind = 603 AND {SELDOM} AND c.state = ?4 AND c.declaration > ?1 AND {COUNTS} AND {conditions} \
             AND (?2 IS NULL OR ?3 IS NULL OR true) ORDER BY c.declaration LIMIT ?5"
        ),
        Some(_) => format!(
            "SELECT d.id FROM declarations d WHERE d.id > ?1 AND {conditions} AND (?2 IS NULL OR ?3 IS NULL OR true) \
             AND EXISTS (SELECT 1 FROM documents c WHERE c.declaration = d.id AND c.kind = 603 AND c.state = ?4 AND {COUNTS}) \
             ORDER BY d.id LIMIT ?5"
        ),
        None => format!(
            "SELECT d.id FROM declarations d WHERE d.id > ?1 AND {conditions} AND (?2 IS NULL OR ?3 IS NULL OR ?4 IS NULL OR true) \
             ORDER BY d.id LIMIT ?5"
        ),
    };
    let rows = sqlx::query(AssertSqlSafe(statement))
        .bind(filter.after.unwrap_or(DeclarationId(Uuid::nil())).0.as_bytes().as_slice())
        .bind(filter.tenant.as_ref().map(Tenant::as_str))
        .bind(filter.office.as_deref())
        .bind(filter.state.map(State::as_str))
        .bind(filter.limit)
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| id("declarations", row, "id")).collect()
}

/// Those of some declarations that are there, in their order.
pub(super) async fn there(connection: &mut SqliteConnection, asked: &[Uuid]) -> Result<Vec<Uuid>> {
    let asked = json(&asked.iter().map(|id| hex(*id)).collect::<Vec<_>>())?;
    let found = "SELECT d.id FROM json_each(?1) j CROSS JOIN declarations d ON d.id = unhex(j.value) ORDER BY j.key";
    let rows = sqlx::query(found).bind(asked).fetch_all(connection).await?;
    rows.iter().map(|row| id("declarations", row, "id")).collect()
}

pub(super) async fn counts(connection: &mut SqliteConnection, tenant: Option<&Tenant>) -> Result<Vec<Count>> {
    let rows = sqlx::query(
        AssertSqlSafe(format!(
        "SELECT c.kind, c.state, count(*) AS count FROM documents c WHERE (?1 IS NULL OR c.tenant = ?1) AND {COUNTS} GROUP BY c.kind, c.state ORDER BY c.kind, c.state"
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

pub(super) async fn stopped(connection: &mut SqliteConnection) -> Result<Vec<(String, String)>> {
    Ok(sqlx::query_as("SELECT sender, reason FROM stops ORDER BY sender").fetch_all(connection).await?)
}
