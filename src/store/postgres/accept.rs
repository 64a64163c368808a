//! Keeping what sellers submit. Whatever two nodes take in at once, the keys of the tables decide: who comes second is refused by one,
//! looks again, and answers as if it had come second.

use std::collections::HashMap;

use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::{
    numbers::{self, NumberRow},
    records,
    rows::{Result, column, digest, insert_documents, insert_entries, json},
    trying::Failed,
    waybills,
};
use crate::{
    clock::Timestamp,
    declaration::DeclarationId,
    store::{
        Acceptance, Accepted, Found, Lookup, NumberKind,
        accepting::{Seen, WAYBILL_NUMBER_LIFE, decide, held_numbers, question, sellers, waybill_key},
        order_scope,
    },
};

pub(super) async fn lookup(connection: &mut PgConnection, now: Timestamp, asked: &[Lookup]) -> Result<Vec<Found>> {
    // Which waybill names an order matters only once the order is kept.
    let carriers = vec![""; asked.len()];
    let seen = look(connection, now, asked, &carriers, true).await?;
    let profiles = records::profiles(connection, &asked.iter().map(sellers).collect::<Vec<_>>()).await?;
    Ok(seen.into_iter().zip(profiles).map(|(seen, sellers)| Found { sellers, ..seen.found }).collect())
}

async fn look(connection: &mut PgConnection, now: Timestamp, asked: &[Lookup], carriers: &[&str], sellers: bool) -> Result<Vec<Seen>> {
    fn waybill(lookup: &Lookup) -> (&str, &str) {
        lookup.waybill.as_ref().map_or(("", ""), |(carrier, no)| (carrier, no))
    }
    let rows = sqlx::query(
        "SELECT coalesce(k.digest, d.digest) AS digest, coalesce(k.declaration, d.id) AS bound, o.declaration AS ordered, \
         w.declaration AS carried, w.document AS pushed, w.at, r.waybill AS named, \
         (SELECT p.body::json->'seller'->>'code' FROM waybills p WHERE $8 AND p.id = w.document) AS consignor \
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) WITH ORDINALITY \
         AS j (tenant, key, order_no, scope, waybill_no, carrier, named_carrier, place) \
         LEFT JOIN LATERAL (SELECT digest, declaration FROM idempotency_keys WHERE tenant = j.tenant AND key = j.key LIMIT 1) k ON true \
         LEFT JOIN LATERAL (SELECT declaration FROM numbers WHERE number = j.order_no AND kind = 'order' AND scope = j.scope AND holder = $9 LIMIT 1) o ON true \
         LEFT JOIN LATERAL (SELECT id, digest FROM declarations WHERE j.key IS NULL AND tenant = j.tenant AND id = o.declaration AND digest IS NOT NULL LIMIT 1) d ON true \
         LEFT JOIN LATERAL (SELECT declaration, document, at FROM numbers \
           WHERE j.waybill_no <> '' AND number = j.waybill_no AND kind = 'waybill' AND scope = j.carrier AND holder = $9 LIMIT 1) w ON true \
         LEFT JOIN LATERAL (SELECT waybill FROM waybill_orders \
           WHERE j.waybill_no = '' AND order_no = j.order_no AND scope = j.scope AND carrier = j.named_carrier LIMIT 1) r ON true \
         ORDER BY j.place",
    )
    .bind(column(asked, |lookup| lookup.tenant.as_str()))
    .bind(column(asked, |lookup| lookup.idempotency_key.as_deref()))
    .bind(column(asked, |lookup| lookup.order.order_no.as_str()))
    .bind(column(asked, |lookup| order_scope(&lookup.order.platform, &lookup.order.seller)))
    .bind(column(asked, |lookup| waybill(lookup).1))
    .bind(column(asked, |lookup| waybill(lookup).0))
    .bind(carriers)
    .bind(sellers)
    .bind(Uuid::nil())
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let bound = row
                .try_get::<Option<Uuid>, _>("bound")?
                .map(|bound| Ok::<_, Failed>((digest("idempotency_keys", row.try_get("digest")?)?, DeclarationId(bound))))
                .transpose()?;
            let used = row.try_get::<Option<i64>, _>("at")?.map(Timestamp);
            let expired = used.is_some_and(|at| at + WAYBILL_NUMBER_LIFE < now);
            let carried: Option<Uuid> = row.try_get("carried")?;
            let pushed = if expired { None } else { row.try_get("pushed")? };
            Ok(Seen {
                found: Found {
                    bound,
                    order_taken: row.try_get::<Option<Uuid>, _>("ordered")?.is_some(),
                    waybill_taken: carried.is_some() && !expired,
                    waybill_seller: row.try_get::<Option<String>, _>("consignor")?.filter(|_| !expired),
                    sellers: Vec::new(),
                },
                waybill: pushed.or(row.try_get("named")?),
                expired,
            })
        })
        .collect()
}

pub(super) async fn accept(connection: &mut PgConnection, now: Timestamp, many: &[Acceptance]) -> Result<Vec<Accepted>> {
    let asked: Vec<_> = many.iter().map(question).collect();
    let carriers: Vec<_> = many.iter().map(|acceptance| acceptance.declaration.inventory.carrier.code.as_str()).collect();
    let mut seen = look(connection, now, &asked, &carriers, false).await?;
    let results = decide(many, &asked, &mut seen);
    let fresh: Vec<_> =
        many.iter().zip(&seen).zip(&results).filter(|(_, result)| matches!(result, Accepted::New(_))).map(|(pair, _)| pair).collect();
    if !fresh.is_empty() {
        let named = waybill_numbers(connection, &fresh).await?;
        insert(connection, now, &fresh, &named).await?;
    }
    Ok(results)
}

type Fresh<'a> = (&'a Acceptance, &'a Seen);

/// The number of the waybill that names an order which came without one.
async fn waybill_numbers(connection: &mut PgConnection, fresh: &[Fresh<'_>]) -> Result<HashMap<Uuid, String>> {
    let without = fresh.iter().filter(|(acceptance, _)| acceptance.declaration.inventory.waybill_no.is_none());
    let ids: Vec<_> = without.filter_map(|(_, seen)| seen.waybill).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = "SELECT w.id, w.body::json->>'waybill_no' FROM unnest($1::uuid[]) AS j (id) \
         CROSS JOIN LATERAL (SELECT id, body FROM waybills WHERE id = j.id LIMIT 1) w";
    Ok(sqlx::query_as::<_, (Uuid, String)>(statement).bind(ids).fetch_all(connection).await?.into_iter().collect())
}

async fn insert(connection: &mut PgConnection, now: Timestamp, fresh: &[Fresh<'_>], named: &HashMap<Uuid, String>) -> Result<()> {
    let waybill_no = |(acceptance, seen): &Fresh<'_>| {
        acceptance.declaration.inventory.waybill_no.clone().or_else(|| seen.waybill.and_then(|id| named.get(&id).cloned()))
    };
    let waybill_nos: Vec<_> = fresh.iter().map(waybill_no).collect();
    let expired: Vec<_> = fresh.iter().filter(|(_, seen)| seen.expired).map(|(acceptance, _)| waybill_key(acceptance)).collect();
    numbers::retire_waybills(connection, &expired).await?;
    let (mut held, mut joined) = (Vec::new(), Vec::new());
    for ((acceptance, seen), waybill_no) in fresh.iter().zip(&waybill_nos) {
        let is_joined = |row: &NumberRow| row.kind == NumberKind::Waybill.as_str() && seen.waybill.is_some();
        let (join, hold): (Vec<_>, Vec<_>) = held_numbers(acceptance, waybill_no.as_deref()).into_iter().partition(is_joined);
        held.extend(hold);
        joined.extend(join);
    }
    numbers::insert(connection, now, held).await?;
    numbers::join_declarations(connection, now, &joined).await?;
    insert_declarations(connection, now, fresh, &waybill_nos).await?;
    insert_keys(connection, fresh).await?;
    let documents: Vec<_> = fresh.iter().flat_map(|(acceptance, _)| &acceptance.documents).collect();
    insert_documents(connection, &documents).await?;
    let pairs: Vec<_> = fresh.iter().filter_map(|(acceptance, seen)| Some((seen.waybill?, acceptance.id.0))).collect();
    waybills::bind(connection, &pairs).await?;
    // Last: the word of a waybill that went to another order of this batch is gone by now.
    leave_word(connection, fresh, &waybill_nos).await?;
    let entries: Vec<_> = fresh.iter().map(|(acceptance, _)| &acceptance.entry).collect();
    insert_entries(connection, now, &entries).await
}

async fn insert_declarations(
    connection: &mut PgConnection,
    now: Timestamp,
    fresh: &[Fresh<'_>],
    waybill_nos: &[Option<String>],
) -> Result<()> {
    let (mut plans, mut warnings, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
    for (acceptance, _) in fresh {
        plans.push(json(&acceptance.plan)?);
        warnings.push(json(&acceptance.warnings)?);
        bodies.push(json(&acceptance.declaration)?);
    }
    let own = |(acceptance, _): &Fresh<'_>| acceptance.idempotency_key.is_none().then_some(acceptance.digest);
    sqlx::query(
        "WITH advice AS (INSERT INTO assessments (declaration, ordinal, decided_at, body) SELECT id, 0, $11, advice FROM unnest($1::uuid[], $12::text[]) a (id, advice)) \
         INSERT INTO declarations (id, tenant, needed_by, office, carrier, waybill_no, plan, warnings, body, digest, trace, accepted_at) \
         SELECT j.*, $11 FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bytea[], $13::text[]) j",
    )
    .bind(column(fresh, |(acceptance, _)| acceptance.id.0))
    .bind(column(fresh, |(acceptance, _)| acceptance.actor.tenant.as_str()))
    .bind(column(fresh, |(acceptance, _)| acceptance.needed_by.0))
    .bind(column(fresh, |(acceptance, _)| acceptance.declaration.inventory.declared_at.as_str()))
    .bind(column(fresh, |(acceptance, _)| acceptance.declaration.inventory.carrier.code.as_str()))
    .bind(waybill_nos)
    .bind(plans)
    .bind(warnings)
    .bind(bodies)
    .bind(column(fresh, own))
    .bind(now.0)
    .bind(column(fresh, |(acceptance, _)| acceptance.assessment.as_str()))
    .bind(column(fresh, |(acceptance, _)| acceptance.actor.trace.map(|trace| trace.to_string())))
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_keys(connection: &mut PgConnection, fresh: &[Fresh<'_>]) -> Result<()> {
    let mut keys: Vec<_> = fresh
        .iter()
        .filter_map(|(acceptance, _)| Some((acceptance.actor.tenant.as_str(), acceptance.idempotency_key.as_deref()?, *acceptance)))
        .collect();
    if keys.is_empty() {
        return Ok(());
    }
    // Always in one order, so that two nodes wait for each other in one direction only.
    keys.sort_unstable_by_key(|(tenant, key, _)| (*tenant, *key));
    sqlx::query(
        "INSERT INTO idempotency_keys (tenant, key, digest, declaration) SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[])",
    )
    .bind(column(&keys, |(tenant, ..)| *tenant))
    .bind(column(&keys, |(_, key, _)| *key))
    .bind(column(&keys, |(.., acceptance)| acceptance.digest))
    .bind(column(&keys, |(.., acceptance)| acceptance.id.0))
    .execute(connection)
    .await?;
    Ok(())
}

/// Leaves word of orders without a waybill's number, for the waybill that will name them.
async fn leave_word(connection: &mut PgConnection, fresh: &[Fresh<'_>], waybill_nos: &[Option<String>]) -> Result<()> {
    let open: Vec<_> = fresh.iter().zip(waybill_nos).filter(|(_, no)| no.is_none()).map(|((acceptance, _), _)| *acceptance).collect();
    if open.is_empty() {
        return Ok(());
    }
    let statement = "INSERT INTO waybill_orders (order_no, scope, carrier, declaration) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[])";
    sqlx::query(statement)
        .bind(column(&open, |acceptance| acceptance.declaration.order.order_no.as_str()))
        .bind(column(&open, |acceptance| {
            let order = &acceptance.declaration.order;
            order_scope(&order.platform.code, &order.seller.code)
        }))
        .bind(column(&open, |acceptance| acceptance.declaration.inventory.carrier.code.as_str()))
        .bind(column(&open, |acceptance| acceptance.id.0))
        .execute(connection)
        .await?;
    Ok(())
}
