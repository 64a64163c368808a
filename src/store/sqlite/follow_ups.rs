//! Keeping what is submitted on its own.

use std::{collections::HashMap, sync::Arc};

use sqlx::{AssertSqlSafe, Row, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    bulk::{Bound, Bulk, Script},
    matching, numbers,
    papers::Papers,
    rows::{
        bind_id, count, digest, documents, dossiers, from_json, hex, id, insert_documents, insert_entries, json, kind, readable, tenant,
    },
};
use crate::{
    clock::Timestamp,
    declaration::{DeclarationId, DocumentId, FollowUp, Part},
    dossier::Dossier,
    party::Tenant,
    store::{
        BoundFollowUp, Concerned, FollowUpAcceptance, FollowUpAccepted, FollowUpFound, FollowUpLookup, FollowUpPart, KeptFollowUp, Result,
        ShownFollowUp,
        following::{bill_no, happened_at, held_numbers, settled},
        matching::awaited,
    },
};

const KEPT: &str = "f.id, f.whole, f.tenant, f.accepted_at, f.kind, f.part, f.parts, f.bill_no, f.happened_at, f.cut_off";

pub(super) async fn lookup(connection: &mut SqliteConnection, papers: &Papers, asked: &FollowUpLookup) -> Result<FollowUpFound> {
    let bound = match bound(connection, &asked.tenant, &asked.key).await? {
        Some((digest, whole)) => {
            let parts: Vec<Vec<u8>> =
                sqlx::query_scalar("SELECT id FROM follow_ups WHERE whole = ?1").bind(bytes(whole.0)).fetch_all(&mut *connection).await?;
            let parts = parts.iter().map(|id| super::rows::uuid("follow_ups", id)).collect::<Result<Vec<_>>>()?;
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

async fn bound(connection: &mut SqliteConnection, tenant: &Tenant, key: &str) -> Result<Option<([u8; 32], DocumentId)>> {
    let row = sqlx::query("SELECT digest, declaration FROM idempotency_keys WHERE tenant = ?1 AND key = ?2")
        .bind(tenant.as_str())
        .bind(key)
        .fetch_optional(connection)
        .await?;
    const TABLE: &str = "idempotency_keys";
    row.map(|row| Ok((digest(TABLE, row.try_get("digest")?)?, DocumentId(id(TABLE, &row, "declaration")?)))).transpose()
}

fn bytes(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

/// The declarations of inventories. Should customs have given a number twice, the newest has it.
async fn inventories(connection: &mut SqliteConnection, papers: &Papers, asked: &FollowUpLookup) -> Result<Vec<Option<Dossier>>> {
    let rows = sqlx::query(
        "SELECT j.key AS place, n.declaration FROM json_each(?1) j CROSS JOIN numbers n ON n.number = j.value AND n.kind = 'inventory' \
         WHERE n.declaration IS NOT NULL AND (?3 OR n.tenant = ?2) ORDER BY n.at",
    )
    .bind(json(&asked.inventory_nos)?)
    .bind(asked.tenant.as_str())
    .bind(asked.of_any_tenant)
    .fetch_all(&mut *connection)
    .await?;
    let mut found = vec![None; asked.inventory_nos.len()];
    for row in &rows {
        let place = usize::try_from(row.try_get::<i64, _>("place")?).ok().and_then(|place| found.get_mut(place));
        if let Some(place) = place {
            *place = Some(id("numbers", row, "declaration")?);
        }
    }
    let mut ids: Vec<_> = found.iter().flatten().copied().collect();
    ids.sort_unstable();
    ids.dedup();
    let known: HashMap<_, _> = dossiers(connection, papers, &ids).await?.into_iter().map(|dossier| (dossier.id.0, dossier)).collect();
    Ok(found.into_iter().map(|id| known.get(&id?).cloned()).collect())
}

async fn waybills(connection: &mut SqliteConnection, asked: &FollowUpLookup) -> Result<Vec<Option<Concerned>>> {
    let rows = sqlx::query(
        "SELECT j.key AS place, n.declaration, n.tenant FROM json_each(?1) j \
         CROSS JOIN numbers n ON n.number = j.value AND n.kind = 'waybill' AND n.scope = ?2 AND n.holder = x'' WHERE n.declaration IS NOT NULL",
    )
    .bind(json(&asked.waybill_nos)?)
    .bind(asked.carrier.as_str())
    .fetch_all(connection)
    .await?;
    let mut found = vec![None; asked.waybill_nos.len()];
    for row in &rows {
        let place = usize::try_from(row.try_get::<i64, _>("place")?).ok().and_then(|place| found.get_mut(place));
        if let Some(place) = place {
            *place = Some(member(row)?);
        }
    }
    Ok(found)
}

fn member(row: &SqliteRow) -> Result<Concerned> {
    Ok((DeclarationId(id("numbers", row, "declaration")?), tenant("numbers", row.try_get("tenant")?)?))
}

async fn of_bill(connection: &mut SqliteConnection, asked: &FollowUpLookup) -> Result<Vec<Concerned>> {
    let Some(bill_no) = &asked.bill_no else { return Ok(Vec::new()) };
    let rows = sqlx::query(
        "SELECT DISTINCT n.declaration, d.tenant FROM numbers n CROSS JOIN declarations d ON d.id = n.declaration \
         WHERE n.number = ?1 AND n.kind = 'bill' AND d.carrier = ?2 ORDER BY n.declaration",
    )
    .bind(bill_no)
    .bind(asked.carrier.as_str())
    .fetch_all(connection)
    .await?;
    rows.iter().map(member).collect()
}

pub(super) async fn accept(connection: &mut SqliteConnection, now: Timestamp, acceptance: &FollowUpAcceptance) -> Result<FollowUpAccepted> {
    let bound = bound(connection, &acceptance.actor.tenant, &acceptance.key).await?;
    if let Some(settled) = settled(acceptance, bound) {
        return Ok(settled);
    }
    if !touch(connection, &acceptance.expected).await? {
        return Ok(FollowUpAccepted::Stale);
    }
    insert(connection, now, acceptance).await?;
    Ok(FollowUpAccepted::New)
}

/// Counts up the versions of documents, if each still has the one expected.
pub(super) async fn touch(connection: &mut SqliteConnection, expected: &[(DocumentId, i64)]) -> Result<bool> {
    if expected.is_empty() {
        return Ok(true);
    }
    let asked = json(&expected.iter().map(|(id, version)| (hex(id.0), version)).collect::<Vec<_>>())?;
    let same: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM json_each(?1) j CROSS JOIN documents d ON d.id = unhex(j.value->>0) WHERE d.version = j.value->>1",
    )
    .bind(&asked)
    .fetch_one(&mut *connection)
    .await?;
    if usize::try_from(same).ok() != Some(expected.len()) {
        return Ok(false);
    }
    sqlx::query("UPDATE documents SET version = version + 1 FROM json_each(?1) j WHERE documents.id = unhex(j.value->>0)")
        .bind(asked)
        .execute(connection)
        .await?;
    Ok(true)
}

const FOLLOW_UPS: Bulk = Bulk {
    before: "INSERT INTO follow_ups (id, tenant, accepted_at, kind, whole, part, parts, bill_no, happened_at, cut_off, warnings, body) ",
    columns: 12,
    after: "",
};
const MEMBERS: Bulk =
    Bulk { before: "INSERT INTO follow_up_members (declaration, follow_up) ", columns: 2, after: " ON CONFLICT DO NOTHING" };

async fn insert(connection: &mut SqliteConnection, now: Timestamp, acceptance: &FollowUpAcceptance) -> Result<()> {
    let Some(whole) = acceptance.parts.first().map(|part| part.id) else { return Ok(()) };
    let tenant = acceptance.actor.tenant.as_str();
    let warnings = json(&acceptance.warnings)?;
    let mut rows = Vec::with_capacity(acceptance.parts.len());
    for part in &acceptance.parts {
        rows.push((part, json(&part.follow_up)?));
    }
    let bind = |query: Bound, (part, body): &(&FollowUpPart, String)| {
        let follow_up = &*part.follow_up;
        let query = bind_id(query, part.id.0).bind(tenant.to_owned()).bind(now.0).bind(follow_up.kind().number());
        let query = bind_id(query, whole.0).bind(follow_up.part().number).bind(follow_up.part().count);
        let query = query.bind(bill_no(follow_up).map(str::to_owned)).bind(happened_at(follow_up).map(|at| at.0));
        query.bind(acceptance.cut_off.map(|at| at.0)).bind(warnings.clone()).bind(body.clone())
    };
    let mut script = Script::default();
    script.rows(&FOLLOW_UPS, &rows, bind);
    let members: Vec<_> = acceptance.parts.iter().flat_map(|part| part.members.iter().map(|(member, _)| (member.0, part.id.0))).collect();
    script.rows(&MEMBERS, &members, |query, (member, follow_up)| bind_id(bind_id(query, *member), *follow_up));
    let take_key = "INSERT INTO idempotency_keys (tenant, key, digest, declaration) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (tenant, key) DO UPDATE SET digest = excluded.digest, declaration = excluded.declaration";
    let take_key = sqlx::query(take_key).bind(tenant.to_owned()).bind(acceptance.key.clone()).bind(acceptance.digest.to_vec());
    script.add(bind_id(take_key, whole.0));
    matching::wait(&mut script, now, &awaited(acceptance));
    insert_documents(&mut script, acceptance.parts.iter().filter_map(|part| part.document.as_ref()));
    let held = held_numbers(acceptance);
    numbers::retire(connection, &held).await?;
    numbers::insert(&mut script, now, &held)?;
    super::revisions::deadlines(&mut script, &acceptance.deadlines);
    insert_entries(&mut script, acceptance.entries.iter());
    script.run(connection).await
}

/// What documents that are submitted on their own say; those that cannot be read were told and are left out.
pub(super) async fn bodies(connection: &mut SqliteConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, Arc<FollowUp>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query("SELECT f.id, f.body FROM json_each(?1) j CROSS JOIN follow_ups f ON f.id = unhex(j.value)")
        .bind(json(&ids.iter().map(|id| hex(*id)).collect::<Vec<_>>())?)
        .fetch_all(connection)
        .await?;
    let read = |row: &SqliteRow| Ok((id("follow_ups", row, "id")?, Arc::new(from_json("follow_ups", row.try_get("body")?)?)));
    Ok(rows.iter().filter_map(|row| readable(read(row))).collect())
}

fn kept(row: &SqliteRow) -> Result<KeptFollowUp> {
    const TABLE: &str = "follow_ups";
    let time = |column: &str| Ok::<_, crate::store::Error>(row.try_get::<Option<i64>, _>(column)?.map(Timestamp));
    Ok(KeptFollowUp {
        id: DocumentId(id(TABLE, row, "id")?),
        whole: DocumentId(id(TABLE, row, "whole")?),
        tenant: tenant(TABLE, row.try_get("tenant")?)?,
        accepted_at: Timestamp(row.try_get("accepted_at")?),
        kind: kind(TABLE, row.try_get("kind")?)?,
        part: Part { number: count(TABLE, row.try_get("part")?)?, count: count(TABLE, row.try_get("parts")?)? },
        bill_no: row.try_get("bill_no")?,
        happened_at: time("happened_at")?,
        cut_off: time("cut_off")?,
        document: None,
    })
}

/// Joins what is kept with its documents.
async fn with_documents(connection: &mut SqliteConnection, kept: &mut [KeptFollowUp]) -> Result<()> {
    let ids: Vec<_> = kept.iter().map(|kept| kept.id.0).collect();
    let mut found: HashMap<_, _> = documents(connection, &ids).await?.into_iter().map(|document| (document.id, document)).collect();
    for kept in kept {
        kept.document = found.remove(&kept.id);
    }
    Ok(())
}

/// What was submitted on its own, with what it says and its documents; what cannot be read was told and is left out.
pub(super) async fn read(connection: &mut SqliteConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, (KeptFollowUp, Arc<FollowUp>)>> {
    let statement = format!("SELECT {KEPT} FROM json_each(?1) j CROSS JOIN follow_ups f ON f.id = unhex(j.value)");
    let rows = sqlx::query(AssertSqlSafe(statement))
        .bind(json(&ids.iter().map(|id| hex(*id)).collect::<Vec<_>>())?)
        .fetch_all(&mut *connection)
        .await?;
    let mut found = rows.iter().map(kept).collect::<Result<Vec<_>>>()?;
    with_documents(connection, &mut found).await?;
    let mut bodies = bodies(connection, ids).await?;
    Ok(found.into_iter().filter_map(|kept| bodies.remove(&kept.id.0).map(|body| (kept.id.0, (kept, body)))).collect())
}

/// What was submitted on its own about a declaration, oldest first.
pub(super) async fn about(connection: &mut SqliteConnection, declaration: DeclarationId) -> Result<Vec<KeptFollowUp>> {
    let statement = format!(
        "SELECT {KEPT} FROM follow_up_members m CROSS JOIN follow_ups f ON f.id = m.follow_up WHERE m.declaration = ?1 ORDER BY f.id"
    );
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(bytes(declaration.0)).fetch_all(&mut *connection).await?;
    let mut found = rows.iter().map(kept).collect::<Result<Vec<_>>>()?;
    with_documents(connection, &mut found).await?;
    Ok(found)
}

pub(super) async fn show(connection: &mut SqliteConnection, asking: Option<&Tenant>, asked: DocumentId) -> Result<Option<ShownFollowUp>> {
    let statement = format!(
        "SELECT {KEPT}, f.warnings FROM follow_ups f WHERE f.whole = (SELECT whole FROM follow_ups WHERE id = ?1) \
         AND (?2 IS NULL OR f.tenant = ?2) ORDER BY f.part"
    );
    let rows =
        sqlx::query(AssertSqlSafe(statement)).bind(bytes(asked.0)).bind(asking.map(Tenant::as_str)).fetch_all(&mut *connection).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let warnings = from_json("follow_ups", first.try_get("warnings")?)?;
    let mut found = rows.iter().map(kept).collect::<Result<Vec<_>>>()?;
    with_documents(connection, &mut found).await?;
    let ids: Vec<_> = found.iter().map(|kept| kept.id.0).collect();
    let mut bodies = bodies(connection, &ids).await?;
    let asked = json(&ids.iter().map(|id| hex(*id)).collect::<Vec<_>>())?;
    let members: i64 = sqlx::query_scalar(
        "SELECT count(DISTINCT m.declaration) FROM json_each(?1) j CROSS JOIN follow_up_members m ON m.follow_up = unhex(j.value)",
    )
    .bind(asked)
    .fetch_one(connection)
    .await?;
    let parts = found.into_iter().filter_map(|kept| bodies.remove(&kept.id.0).map(|body| (kept, body))).collect();
    Ok(Some(ShownFollowUp { parts, warnings, members: u64::try_from(members).unwrap_or(0) }))
}

/// The declarations that documents submitted on their own are about.
pub(super) async fn members(
    connection: &mut SqliteConnection,
    papers: &Papers,
    follow_ups: &[DocumentId],
) -> Result<Vec<(DocumentId, Dossier)>> {
    let asked = json(&follow_ups.iter().map(|id| hex(id.0)).collect::<Vec<_>>())?;
    let rows = sqlx::query(
        "SELECT m.follow_up, m.declaration FROM json_each(?1) j CROSS JOIN follow_up_members m ON m.follow_up = unhex(j.value) ORDER BY j.key, m.declaration",
    )
    .bind(asked)
    .fetch_all(&mut *connection)
    .await?;
    let pair = |row| Ok((DocumentId(id("follow_up_members", row, "follow_up")?), id("follow_up_members", row, "declaration")?));
    let pairs = rows.iter().map(pair).collect::<Result<Vec<_>>>()?;
    let mut ids: Vec<_> = pairs.iter().map(|(_, declaration)| *declaration).collect();
    ids.sort_unstable();
    ids.dedup();
    let known: HashMap<_, _> = dossiers(connection, papers, &ids).await?.into_iter().map(|dossier| (dossier.id.0, dossier)).collect();
    Ok(pairs.into_iter().filter_map(|(follow_up, declaration)| Some((follow_up, known.get(&declaration)?.clone()))).collect())
}
