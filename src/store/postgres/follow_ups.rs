//! Keeping what is submitted on its own.

use std::{collections::HashMap, sync::Arc};

use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::{
    matching, numbers, revisions,
    rows::{Result, column, count, digest, documents, dossiers, from_json, insert_documents, insert_entries, json, kind, readable, tenant},
};
use crate::{
    clock::Timestamp,
    declaration::{DeclarationId, DocumentId, FollowUp, Part},
    dossier::Dossier,
    party::Tenant,
    store::{
        BoundFollowUp, Concerned, FollowUpAcceptance, FollowUpAccepted, FollowUpFound, FollowUpLookup, KeptFollowUp, NumberKind,
        ShownFollowUp,
        following::{bill_no, happened_at, held_numbers, settled},
        matching::awaited,
        papers::Papers,
    },
};

const KEPT: &str = "f.id, f.whole, f.tenant, f.accepted_at, f.kind, f.part, f.parts, f.bill_no, f.happened_at, f.cut_off";

pub(super) async fn lookup(connection: &mut PgConnection, papers: &Papers, asked: &FollowUpLookup) -> Result<FollowUpFound> {
    let bound = match bound(connection, &asked.tenant, &asked.key, "").await? {
        Some((digest, whole)) => {
            let statement = "SELECT id FROM follow_ups WHERE whole = $1";
            let parts: Vec<Uuid> = sqlx::query_scalar(statement).bind(whole.0).fetch_all(&mut *connection).await?;
            Some(BoundFollowUp { digest, whole, documents: documents(connection, &parts).await? })
        }
        None => None,
    };
    Ok(FollowUpFound {
        bound,
        inventories: inventories(connection, papers, asked).await?,
        waybills: waybills(connection, asked).await?,
        of_bill: of_bill(connection, asked).await?,
    })
}

async fn bound(connection: &mut PgConnection, tenant: &Tenant, key: &str, locking: &str) -> Result<Option<([u8; 32], DocumentId)>> {
    let statement = format!("SELECT digest, declaration FROM idempotency_keys WHERE tenant = $1 AND key = $2 {locking}");
    let row = sqlx::query(AssertSqlSafe(statement)).bind(tenant.as_str()).bind(key).fetch_optional(connection).await?;
    row.map(|row| Ok((digest("idempotency_keys", row.try_get("digest")?)?, DocumentId(row.try_get("declaration")?)))).transpose()
}

/// Puts what rows name into their places, which count from 1.
fn placed<T: Clone>(rows: &[PgRow], places: usize, read: impl Fn(&PgRow) -> Result<T>) -> Result<Vec<Option<T>>> {
    let mut found = vec![None; places];
    for row in rows {
        let place = usize::try_from(row.try_get::<i64, _>("place")? - 1).ok().and_then(|place| found.get_mut(place));
        if let Some(place) = place {
            *place = Some(read(row)?);
        }
    }
    Ok(found)
}

/// The declarations of inventories. Should customs have given a number twice, the newest has it.
async fn inventories(connection: &mut PgConnection, papers: &Papers, asked: &FollowUpLookup) -> Result<Vec<Option<Dossier>>> {
    let rows = sqlx::query(
        "SELECT j.place, n.declaration FROM unnest($1::text[]) WITH ORDINALITY AS j (number, place) \
         CROSS JOIN LATERAL (SELECT declaration, at FROM numbers WHERE number = j.number AND kind = 'inventory' \
           AND declaration IS NOT NULL AND ($3 OR tenant = $2) OFFSET 0) n ORDER BY n.at",
    )
    .bind(&asked.inventory_nos)
    .bind(asked.tenant.as_str())
    .bind(asked.of_any_tenant)
    .fetch_all(&mut *connection)
    .await?;
    let found = placed(&rows, asked.inventory_nos.len(), |row| Ok(row.try_get::<Uuid, _>("declaration")?))?;
    let mut ids: Vec<_> = found.iter().flatten().copied().collect();
    ids.sort_unstable();
    ids.dedup();
    let known: HashMap<_, _> = dossiers(connection, papers, &ids).await?.into_iter().map(|dossier| (dossier.id.0, dossier)).collect();
    Ok(found.into_iter().map(|id| known.get(&id?).cloned()).collect())
}

async fn waybills(connection: &mut PgConnection, asked: &FollowUpLookup) -> Result<Vec<Option<Concerned>>> {
    let rows = sqlx::query(
        "SELECT j.place, n.declaration, n.tenant FROM unnest($1::text[]) WITH ORDINALITY AS j (number, place) \
         CROSS JOIN LATERAL (SELECT declaration, tenant FROM numbers WHERE number = j.number AND kind = 'waybill' AND scope = $2 AND holder = $3 \
           AND declaration IS NOT NULL LIMIT 1) n",
    )
    .bind(&asked.waybill_nos)
    .bind(asked.carrier.as_str())
    .bind(Uuid::nil())
    .fetch_all(connection)
    .await?;
    placed(&rows, asked.waybill_nos.len(), member)
}

fn member(row: &PgRow) -> Result<Concerned> {
    Ok((DeclarationId(row.try_get("declaration")?), tenant("numbers", row.try_get("tenant")?)?))
}

async fn of_bill(connection: &mut PgConnection, asked: &FollowUpLookup) -> Result<Vec<Concerned>> {
    let Some(bill_no) = &asked.bill_no else { return Ok(Vec::new()) };
    let rows = sqlx::query(
        "SELECT DISTINCT n.declaration, d.tenant FROM (SELECT declaration FROM numbers WHERE number = $1 AND kind = 'bill' OFFSET 0) n \
         CROSS JOIN LATERAL (SELECT tenant, carrier FROM declarations WHERE id = n.declaration LIMIT 1) d WHERE d.carrier = $2 ORDER BY n.declaration",
    )
    .bind(bill_no)
    .bind(asked.carrier.as_str())
    .fetch_all(connection)
    .await?;
    rows.iter().map(member).collect()
}

pub(super) async fn accept(connection: &mut PgConnection, now: Timestamp, acceptance: &FollowUpAcceptance) -> Result<FollowUpAccepted> {
    let bound = bound(connection, &acceptance.actor.tenant, &acceptance.key, "FOR UPDATE").await?;
    if let Some(settled) = settled(acceptance, bound) {
        return Ok(settled);
    }
    if !touch(connection, &acceptance.expected).await? {
        return Ok(FollowUpAccepted::Stale);
    }
    insert(connection, now, acceptance, bound.is_some()).await?;
    Ok(FollowUpAccepted::New)
}

/// Counts up the versions of documents, if each still has the one expected. They are locked in the order of their ids.
pub(super) async fn touch(connection: &mut PgConnection, expected: &[(DocumentId, i64)]) -> Result<bool> {
    if expected.is_empty() {
        return Ok(true);
    }
    let statement = "SELECT id, version FROM documents WHERE id = ANY($1) ORDER BY id FOR UPDATE";
    let ids = column(expected, |(id, _)| id.0);
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(statement).bind(&ids).fetch_all(&mut *connection).await?;
    let versions: HashMap<_, _> = rows.into_iter().collect();
    if !expected.iter().all(|(id, version)| versions.get(&id.0) == Some(version)) {
        return Ok(false);
    }
    sqlx::query("UPDATE documents SET version = version + 1 WHERE id = ANY($1)").bind(ids).execute(connection).await?;
    Ok(true)
}

async fn insert(connection: &mut PgConnection, now: Timestamp, acceptance: &FollowUpAcceptance, rebinds: bool) -> Result<()> {
    let Some(whole) = acceptance.parts.first().map(|part| part.id.0) else { return Ok(()) };
    take_key(connection, acceptance, whole, rebinds).await?;
    let parts = &acceptance.parts;
    let bodies = parts.iter().map(|part| json(&part.follow_up)).collect::<crate::store::Result<Vec<_>>>()?;
    sqlx::query(
        "INSERT INTO follow_ups (id, kind, part, parts, bill_no, happened_at, body, whole, tenant, accepted_at, cut_off, warnings) \
         SELECT j.*, $8, $9, $10, $11, $12 FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::text[]) j",
    )
    .bind(column(parts, |part| part.id.0))
    .bind(column(parts, |part| part.follow_up.kind().number()))
    .bind(column(parts, |part| i64::from(part.follow_up.part().number)))
    .bind(column(parts, |part| i64::from(part.follow_up.part().count)))
    .bind(column(parts, |part| bill_no(&part.follow_up)))
    .bind(column(parts, |part| happened_at(&part.follow_up).map(|at| at.0)))
    .bind(bodies)
    .bind(whole)
    .bind(acceptance.actor.tenant.as_str())
    .bind(now.0)
    .bind(acceptance.cut_off.map(|at| at.0))
    .bind(json(&acceptance.warnings)?)
    .execute(&mut *connection)
    .await?;
    let members: Vec<_> = parts.iter().flat_map(|part| part.members.iter().map(|(member, _)| (member.0, part.id.0))).collect();
    sqlx::query(
        "INSERT INTO follow_up_members (declaration, follow_up) SELECT * FROM unnest($1::uuid[], $2::uuid[]) ON CONFLICT DO NOTHING",
    )
    .bind(column(&members, |(member, _)| *member))
    .bind(column(&members, |(_, follow_up)| *follow_up))
    .execute(&mut *connection)
    .await?;
    matching::wait(connection, now, &awaited(acceptance)).await?;
    let documents: Vec<_> = parts.iter().filter_map(|part| part.document.as_ref()).collect();
    insert_documents(connection, &documents).await?;
    let held = held_numbers(acceptance);
    for row in held.iter().filter(|row| row.kind == NumberKind::Payment.as_str()) {
        numbers::retire(connection, row).await?;
    }
    numbers::insert(connection, now, held).await?;
    revisions::deadlines(connection, &acceptance.deadlines.iter().collect::<Vec<_>>()).await?;
    insert_entries(connection, now, &acceptance.entries.iter().collect::<Vec<_>>()).await
}

/// Binds the key; one that somebody else has bound meanwhile refuses it, and all is decided again.
async fn take_key(connection: &mut PgConnection, acceptance: &FollowUpAcceptance, whole: Uuid, rebinds: bool) -> Result<()> {
    let statement = if rebinds {
        "UPDATE idempotency_keys SET digest = $3, declaration = $4 WHERE tenant = $1 AND key = $2"
    } else {
        "INSERT INTO idempotency_keys (tenant, key, digest, declaration) VALUES ($1, $2, $3, $4)"
    };
    sqlx::query(statement)
        .bind(acceptance.actor.tenant.as_str())
        .bind(acceptance.key.as_str())
        .bind(acceptance.digest)
        .bind(whole)
        .execute(connection)
        .await?;
    Ok(())
}

/// What documents that are submitted on their own say; those that cannot be read were told and are left out.
pub(super) async fn bodies(connection: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, Arc<FollowUp>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query("SELECT id, body FROM follow_ups WHERE id = ANY($1)").bind(ids).fetch_all(connection).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        let Some(body) = readable(from_json("follow_ups", row.try_get("body")?)) else { continue };
        found.insert(row.try_get("id")?, Arc::new(body));
    }
    Ok(found)
}

fn kept(row: &PgRow) -> Result<KeptFollowUp> {
    const TABLE: &str = "follow_ups";
    Ok(KeptFollowUp {
        id: DocumentId(row.try_get("id")?),
        whole: DocumentId(row.try_get("whole")?),
        tenant: tenant(TABLE, row.try_get("tenant")?)?,
        accepted_at: Timestamp(row.try_get("accepted_at")?),
        kind: kind(TABLE, row.try_get("kind")?)?,
        part: Part { number: count(TABLE, row.try_get("part")?)?, count: count(TABLE, row.try_get("parts")?)? },
        bill_no: row.try_get("bill_no")?,
        happened_at: row.try_get::<Option<i64>, _>("happened_at")?.map(Timestamp),
        cut_off: row.try_get::<Option<i64>, _>("cut_off")?.map(Timestamp),
        document: None,
    })
}

/// Joins what is kept with its documents.
async fn with_documents(connection: &mut PgConnection, kept: &mut [KeptFollowUp]) -> Result<()> {
    let ids = column(kept, |kept| kept.id.0);
    let mut found: HashMap<_, _> = documents(connection, &ids).await?.into_iter().map(|document| (document.id, document)).collect();
    for kept in kept {
        kept.document = found.remove(&kept.id);
    }
    Ok(())
}

/// What was submitted on its own, with what it says and its documents; what cannot be read was told and is left out.
pub(super) async fn read(connection: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, (KeptFollowUp, Arc<FollowUp>)>> {
    let statement = format!("SELECT {KEPT} FROM follow_ups f WHERE f.id = ANY($1)");
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(ids).fetch_all(&mut *connection).await?;
    let mut found = rows.iter().map(kept).collect::<Result<Vec<_>>>()?;
    with_documents(connection, &mut found).await?;
    let mut bodies = bodies(connection, ids).await?;
    Ok(found.into_iter().filter_map(|kept| bodies.remove(&kept.id.0).map(|body| (kept.id.0, (kept, body)))).collect())
}

/// What was submitted on its own about a declaration, oldest first.
pub(super) async fn about(connection: &mut PgConnection, declaration: DeclarationId) -> Result<Vec<KeptFollowUp>> {
    let statement = format!(
        "SELECT {KEPT} FROM follow_up_members m CROSS JOIN LATERAL (SELECT * FROM follow_ups WHERE id = m.follow_up LIMIT 1) f \
         WHERE m.declaration = $1 ORDER BY f.id"
    );
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(declaration.0).fetch_all(&mut *connection).await?;
    let mut found = rows.iter().map(kept).collect::<Result<Vec<_>>>()?;
    with_documents(connection, &mut found).await?;
    Ok(found)
}

pub(super) async fn show(connection: &mut PgConnection, asking: Option<&Tenant>, asked: DocumentId) -> Result<Option<ShownFollowUp>> {
    let statement = format!(
        "SELECT {KEPT}, f.warnings FROM follow_ups f WHERE f.whole = (SELECT whole FROM follow_ups WHERE id = $1) \
         AND ($2::text IS NULL OR f.tenant = $2) ORDER BY f.part"
    );
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(asked.0).bind(asking.map(Tenant::as_str)).fetch_all(&mut *connection).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let warnings = from_json("follow_ups", first.try_get("warnings")?)?;
    let mut found = rows.iter().map(kept).collect::<Result<Vec<_>>>()?;
    with_documents(connection, &mut found).await?;
    let ids = column(&found, |kept| kept.id.0);
    let mut bodies = bodies(connection, &ids).await?;
    let statement = "SELECT count(DISTINCT declaration) FROM follow_up_members WHERE follow_up = ANY($1)";
    let members: i64 = sqlx::query_scalar(statement).bind(ids).fetch_one(connection).await?;
    let parts = found.into_iter().filter_map(|kept| bodies.remove(&kept.id.0).map(|body| (kept, body))).collect();
    Ok(Some(ShownFollowUp { parts, warnings, members: u64::try_from(members).unwrap_or(0) }))
}

/// The declarations that documents submitted on their own are about.
pub(super) async fn members(
    connection: &mut PgConnection,
    papers: &Papers,
    follow_ups: &[DocumentId],
) -> Result<Vec<(DocumentId, Dossier)>> {
    let statement = "SELECT m.follow_up, m.declaration FROM unnest($1::uuid[]) WITH ORDINALITY AS j (id, place) \
         CROSS JOIN LATERAL (SELECT follow_up, declaration FROM follow_up_members WHERE follow_up = j.id OFFSET 0) m ORDER BY j.place, m.declaration";
    let pairs: Vec<(Uuid, Uuid)> = sqlx::query_as(statement).bind(column(follow_ups, |id| id.0)).fetch_all(&mut *connection).await?;
    let mut ids = column(&pairs, |(_, declaration)| *declaration);
    ids.sort_unstable();
    ids.dedup();
    let known: HashMap<_, _> = dossiers(connection, papers, &ids).await?.into_iter().map(|dossier| (dossier.id.0, dossier)).collect();
    let known = |(follow_up, declaration): (Uuid, Uuid)| Some((DocumentId(follow_up), known.get(&declaration)?.clone()));
    Ok(pairs.into_iter().filter_map(known).collect())
}
