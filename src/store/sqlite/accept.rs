//! Keeping what sellers submit.

use std::collections::HashMap;

use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

use super::{
    bulk::{Bound, Bulk, Script},
    numbers, records,
    rows::{bind_id, digest, hex, id, insert_documents, insert_entries, json, optional_id},
};
use crate::{
    clock::Timestamp,
    declaration::DeclarationId,
    store::{
        Acceptance, Accepted, Found, Lookup, Result,
        accepting::{Seen, WAYBILL_NUMBER_LIFE, decide, held_numbers, question, sellers, waybill_key},
        order_scope,
    },
};

pub(super) async fn lookup(connection: &mut SqliteConnection, now: Timestamp, asked: &[Lookup]) -> Result<Vec<Found>> {
    // Which waybill names an order matters only once the order is kept.
    let carriers = vec![""; asked.len()];
    let seen = look(connection, now, asked, &carriers).await?;
    let profiles = records::profiles(connection, &asked.iter().map(sellers).collect::<Vec<_>>()).await?;
    Ok(seen.into_iter().zip(profiles).map(|(seen, sellers)| Found { sellers, ..seen.found }).collect())
}

async fn look(connection: &mut SqliteConnection, now: Timestamp, asked: &[Lookup], carriers: &[&str]) -> Result<Vec<Seen>> {
    let questions: Vec<_> = asked
        .iter()
        .zip(carriers)
        .map(|(lookup, named_carrier)| {
            let scope = order_scope(&lookup.order.platform, &lookup.order.seller);
            let (carrier, waybill_no) = lookup.waybill.as_ref().map_or(("", ""), |(carrier, no)| (carrier, no));
            (lookup.tenant.as_str(), &lookup.idempotency_key, &lookup.order.order_no, scope, waybill_no, carrier, *named_carrier)
        })
        .collect();
    let rows = sqlx::query(
        "SELECT coalesce(k.digest, d.digest) AS digest, coalesce(k.declaration, d.id) AS bound, o.declaration AS ordered, w.declaration AS carried, w.document AS pushed, w.at, r.waybill AS named, \
         (SELECT p.body->'seller'->>'code' FROM waybills p WHERE p.id = w.document) AS consignor \
         FROM json_each(?1) j \
         LEFT JOIN idempotency_keys k ON k.tenant = j.value->>0 AND k.key = j.value->>1 \
         LEFT JOIN numbers o ON o.number = j.value->>2 AND o.kind = 'order' AND o.scope = j.value->>3 AND o.holder = x'' \
         LEFT JOIN declarations d ON j.value->>1 IS NULL AND d.id = o.declaration AND d.tenant = j.value->>0 AND d.digest IS NOT NULL \
         LEFT JOIN numbers w ON j.value->>4 <> '' AND w.number = j.value->>4 AND w.kind = 'waybill' AND w.scope = j.value->>5 AND w.holder = x'' \
         LEFT JOIN waybill_orders r ON j.value->>4 = '' AND r.order_no = j.value->>2 AND r.scope = j.value->>3 AND r.carrier = j.value->>6 \
         ORDER BY j.key",
    )
    .bind(json(&questions)?)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let bound = optional_id("idempotency_keys", row, "bound")?
                .map(|bound| Ok::<_, crate::store::Error>((digest("idempotency_keys", row.try_get("digest")?)?, DeclarationId(bound))))
                .transpose()?;
            let used = row.try_get::<Option<i64>, _>("at")?.map(Timestamp);
            let expired = used.is_some_and(|at| at + WAYBILL_NUMBER_LIFE < now);
            let carried = optional_id("numbers", row, "carried")?;
            let pushed = if expired { None } else { optional_id("numbers", row, "pushed")? };
            Ok(Seen {
                found: Found {
                    bound,
                    order_taken: optional_id("numbers", row, "ordered")?.is_some(),
                    waybill_taken: carried.is_some() && !expired,
                    waybill_seller: row.try_get::<Option<String>, _>("consignor")?.filter(|_| !expired),
                    sellers: Vec::new(),
                },
                waybill: pushed.or(optional_id("waybill_orders", row, "named")?),
                expired,
            })
        })
        .collect()
}

pub(super) async fn accept(connection: &mut SqliteConnection, now: Timestamp, many: &[Acceptance]) -> Result<Vec<Accepted>> {
    let asked: Vec<_> = many.iter().map(question).collect();
    let carriers: Vec<_> = many.iter().map(|acceptance| acceptance.declaration.inventory.carrier.code.as_str()).collect();
    let mut seen = look(connection, now, &asked, &carriers).await?;
    let results = decide(many, &asked, &mut seen);
    let fresh: Vec<_> =
        many.iter().zip(&seen).zip(&results).filter(|(_, result)| matches!(result, Accepted::New(_))).map(|(pair, _)| pair).collect();
    if !fresh.is_empty() {
        let named = waybill_numbers(connection, &fresh).await?;
        insert(connection, now, &fresh, &named).await?;
        bind(connection, &fresh).await?;
    }
    Ok(results)
}

type Fresh<'a> = (&'a Acceptance, &'a Seen);

/// The number of the waybill that names an order which came without one.
async fn waybill_numbers(connection: &mut SqliteConnection, fresh: &[Fresh<'_>]) -> Result<HashMap<Uuid, String>> {
    let ids: Vec<_> = fresh
        .iter()
        .filter(|(acceptance, _)| acceptance.declaration.inventory.waybill_no.is_none())
        .filter_map(|(_, seen)| seen.waybill)
        .map(hex)
        .collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows =
        sqlx::query("SELECT w.id, w.body->>'waybill_no' AS number FROM json_each(?1) j CROSS JOIN waybills w ON w.id = unhex(j.value)")
            .bind(json(&ids)?)
            .fetch_all(connection)
            .await?;
    rows.iter().map(|row| Ok((id("waybills", row, "id")?, row.try_get("number")?))).collect()
}

async fn insert(connection: &mut SqliteConnection, now: Timestamp, fresh: &[Fresh<'_>], named: &HashMap<Uuid, String>) -> Result<()> {
    let waybill_no = |(acceptance, seen): &Fresh<'_>| {
        acceptance.declaration.inventory.waybill_no.clone().or_else(|| seen.waybill.and_then(|id| named.get(&id).cloned()))
    };
    let waybill_nos: Vec<_> = fresh.iter().map(waybill_no).collect();
    let mut script = Script::default();
    insert_declarations(&mut script, now, fresh, &waybill_nos)?;
    let new: Vec<_> = fresh.iter().map(|(acceptance, _)| *acceptance).collect();
    let keys: Vec<_> = new.iter().filter_map(|acceptance| Some((*acceptance, acceptance.idempotency_key.as_deref()?))).collect();
    let bind = |query: Bound, (acceptance, key): &(&Acceptance, &str)| {
        let query = query.bind(acceptance.actor.tenant.as_str()).bind(*key);
        bind_id(query.bind(acceptance.digest.to_vec()), acceptance.id.0)
    };
    script.rows(&KEYS, &keys, bind);
    let bind =
        |query: Bound, acceptance: &&Acceptance| bind_id(query, acceptance.id.0).bind(0).bind(now.0).bind(acceptance.assessment.as_str());
    script.rows(&ASSESSMENTS, &new, bind);
    insert_documents(&mut script, fresh.iter().flat_map(|(acceptance, _)| &acceptance.documents));
    let expired: Vec<_> = fresh.iter().filter(|(_, seen)| seen.expired).map(|(acceptance, _)| waybill_key(acceptance)).collect();
    numbers::retire_waybills(connection, &expired).await?;
    let held: Vec<_> = fresh.iter().zip(&waybill_nos).flat_map(|((acceptance, _), no)| held_numbers(acceptance, no.as_deref())).collect();
    numbers::insert(&mut script, now, &held)?;
    insert_entries(&mut script, fresh.iter().map(|(acceptance, _)| &acceptance.entry));
    script.run(connection).await
}

const DECLARATIONS: Bulk = Bulk {
    before: "INSERT INTO declarations (id, tenant, accepted_at, needed_by, office, carrier, waybill_no, plan, warnings, body, digest, trace) ",
    columns: 12,
    after: "",
};
const KEYS: Bulk = Bulk { before: "INSERT INTO idempotency_keys (tenant, key, digest, declaration) ", columns: 4, after: "" };
const ASSESSMENTS: Bulk = Bulk { before: "INSERT INTO assessments (declaration, ordinal, decided_at, body) ", columns: 4, after: "" };

fn insert_declarations(script: &mut Script, now: Timestamp, fresh: &[Fresh<'_>], waybill_nos: &[Option<String>]) -> Result<()> {
    let mut rows = Vec::with_capacity(fresh.len());
    for ((acceptance, _), waybill_no) in fresh.iter().zip(waybill_nos) {
        let texts = [json(&acceptance.plan)?, json(&acceptance.warnings)?, json(&acceptance.declaration)?];
        rows.push((*acceptance, waybill_no.as_deref(), texts));
    }
    let bind = |query: Bound, (acceptance, waybill_no, texts): &(&Acceptance, Option<&str>, [String; 3])| {
        let inventory = &acceptance.declaration.inventory;
        let query = bind_id(query, acceptance.id.0).bind(acceptance.actor.tenant.as_str()).bind(now.0).bind(acceptance.needed_by.0);
        let query = query.bind(inventory.declared_at.as_str()).bind(inventory.carrier.code.as_str()).bind(*waybill_no);
        let own = acceptance.idempotency_key.is_none().then(|| acceptance.digest.to_vec());
        texts
            .iter()
            .fold(query, |query, text| query.bind(text.as_str()))
            .bind(own)
            .bind(acceptance.actor.trace.map(|trace| trace.to_string()))
    };
    script.rows(&DECLARATIONS, &rows, bind);
    Ok(())
}

/// Binds waybills that came before their order.
async fn bind(connection: &mut SqliteConnection, fresh: &[Fresh<'_>]) -> Result<()> {
    let pairs: Vec<_> =
        fresh.iter().filter_map(|(acceptance, seen)| seen.waybill.map(|waybill| (hex(waybill), hex(acceptance.id.0)))).collect();
    super::waybills::bind(connection, &pairs).await
}
