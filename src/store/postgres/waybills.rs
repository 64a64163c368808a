//! Keeping what carriers push, and binding it to declarations.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::{
    numbers::{self, NumberRow},
    rows::{Result, column, digest, documents, from_json, insert_documents, insert_entries, json, tenant},
    trying::Failed,
};
use crate::{
    clock::Timestamp,
    declaration::{DeclarationId, DocumentId},
    party::Tenant,
    store::{
        KeptWaybill, NumberKind, WaybillAcceptance, WaybillAccepted,
        accepting::{FreshWaybill, SeenWaybill, WAYBILL_NUMBER_LIFE, decide_waybills},
        order_scope,
    },
};

pub(super) async fn accept(connection: &mut PgConnection, now: Timestamp, many: &[WaybillAcceptance]) -> Result<Vec<WaybillAccepted>> {
    let (mut seen, by_order) = look(connection, now, many).await?;
    let (results, fresh) = decide_waybills(many, &mut seen);
    if !fresh.is_empty() {
        insert(connection, now, &fresh, &by_order).await?;
    }
    Ok(results)
}

fn order_of(acceptance: &WaybillAcceptance) -> (&str, String) {
    let order = acceptance.order.as_ref();
    (order.map_or("", |order| &order.order_no), order.map(|order| order_scope(&order.platform, &order.seller)).unwrap_or_default())
}

/// What is known of each, and the waybills whose declaration is known only by the order that they name.
async fn look(
    connection: &mut PgConnection,
    now: Timestamp,
    many: &[WaybillAcceptance],
) -> Result<(Vec<SeenWaybill>, HashSet<DocumentId>)> {
    // A declaration that this waybill names counts only if it has no waybill number yet and waits for this carrier.
    let rows = sqlx::query(
        "SELECT n.at, n.document, w.digest, n.declaration AS carried, n.tenant AS carried_tenant, o.declaration AS ordered, o.tenant AS ordered_tenant \
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS j (waybill_no, carrier, order_no, scope, place) \
         LEFT JOIN LATERAL (SELECT at, document, declaration, tenant FROM numbers \
           WHERE number = j.waybill_no AND kind = 'waybill' AND scope = j.carrier AND holder = $5 LIMIT 1) n ON true \
         LEFT JOIN LATERAL (SELECT digest FROM waybills WHERE id = n.document LIMIT 1) w ON true \
         LEFT JOIN LATERAL (SELECT declaration, tenant FROM numbers \
           WHERE j.order_no <> '' AND number = j.order_no AND kind = 'order' AND scope = j.scope AND holder = $5 \
           AND EXISTS (SELECT 1 FROM declarations d WHERE d.id = numbers.declaration AND d.waybill_no IS NULL AND d.carrier = j.carrier) LIMIT 1) o ON true \
         ORDER BY j.place",
    )
    .bind(column(many, |acceptance| acceptance.waybill.waybill_no.as_str()))
    .bind(column(many, |acceptance| acceptance.waybill.carrier.code.as_str()))
    .bind(column(many, |acceptance| order_of(acceptance).0))
    .bind(column(many, |acceptance| order_of(acceptance).1))
    .bind(Uuid::nil())
    .fetch_all(connection)
    .await?;
    let mut by_order = HashSet::new();
    let seen = rows.iter().zip(many).map(|(row, acceptance)| {
        let expired = row.try_get::<Option<i64>, _>("at")?.is_some_and(|at| Timestamp(at) + WAYBILL_NUMBER_LIFE < now);
        let document = row.try_get::<Option<Uuid>, _>("document")?.filter(|_| !expired);
        let pushed = document.map(|id| Ok::<_, Failed>((DocumentId(id), digest("waybills", row.try_get("digest")?)?))).transpose()?;
        // What an old use of the number was bound to is no longer its business; the order that it names is.
        let carried = row.try_get::<Option<Uuid>, _>("carried")?.filter(|_| !expired);
        let (id, owner): (Option<Uuid>, Option<String>) = if carried.is_some() {
            (carried, row.try_get("carried_tenant")?)
        } else {
            (row.try_get("ordered")?, row.try_get("ordered_tenant")?)
        };
        let declaration = id.zip(owner).map(|(id, name)| Ok::<_, Failed>((DeclarationId(id), tenant("numbers", &name)?))).transpose()?;
        if carried.is_none() && declaration.is_some() {
            by_order.insert(acceptance.id);
        }
        Ok(SeenWaybill { pushed, declaration, expired })
    });
    Ok((seen.collect::<Result<_>>()?, by_order))
}

async fn insert(connection: &mut PgConnection, now: Timestamp, fresh: &[FreshWaybill<'_>], by_order: &HashSet<DocumentId>) -> Result<()> {
    let named: Vec<_> = fresh.iter().filter(|(acceptance, seen)| seen.declaration.is_some() && by_order.contains(&acceptance.id)).collect();
    name_waybills(connection, &named).await?;
    let key = |acceptance: &WaybillAcceptance| (acceptance.waybill.carrier.code.clone(), acceptance.waybill.waybill_no.clone());
    let expired: Vec<_> = fresh.iter().filter(|(_, seen)| seen.expired).map(|(acceptance, _)| key(acceptance)).collect();
    numbers::retire_waybills(connection, &expired).await?;
    let (mut held, mut joined) = (Vec::new(), Vec::new());
    for (acceptance, seen) in fresh {
        let waybill = &acceptance.waybill;
        let row = NumberRow::of_waybill(&waybill.waybill_no, &waybill.carrier.code, acceptance.actor.tenant.as_str(), acceptance.id.0);
        match &seen.declaration {
            Some((id, owner)) if by_order.contains(&acceptance.id) => {
                held.push(NumberRow { tenant: Some(owner.as_str().to_owned()), declaration: Some(id.0), ..row });
            }
            Some(_) => joined.push(row),
            None => held.push(row),
        }
    }
    debug_assert!(held.iter().all(|row| row.kind == NumberKind::Waybill.as_str()), "waybills have waybill numbers");
    numbers::insert(connection, now, held).await?;
    numbers::join_documents(connection, now, &joined).await?;
    insert_waybills(connection, now, fresh).await?;
    leave_word(connection, fresh).await?;
    let documents: Vec<_> = fresh.iter().filter_map(|(acceptance, _)| acceptance.document.as_ref()).collect();
    insert_documents(connection, &documents).await?;
    let bound: Vec<_> =
        fresh.iter().filter_map(|(acceptance, seen)| seen.declaration.as_ref().map(|(id, _)| (acceptance.id.0, id.0))).collect();
    bind(connection, &bound).await?;
    wake(connection, now, &column(&bound, |(_, declaration)| *declaration)).await?;
    let entries: Vec<_> = fresh.iter().map(|(acceptance, _)| &acceptance.entry).collect();
    insert_entries(connection, now, &entries).await
}

async fn insert_waybills(connection: &mut PgConnection, now: Timestamp, fresh: &[FreshWaybill<'_>]) -> Result<()> {
    let looks: Vec<_> = fresh.iter().filter(|(acceptance, _)| acceptance.document.is_none()).collect();
    let bodies = fresh.iter().map(|(acceptance, _)| json(&acceptance.waybill)).collect::<crate::store::Result<Vec<_>>>()?;
    sqlx::query(
        // One without a document is looked at as soon as its declaration, which tells who transmits it, is known.
        "WITH looks AS (INSERT INTO gates (document, declaration, at) SELECT j.*, $5 FROM unnest($6::uuid[], $7::uuid[]) j) \
         INSERT INTO waybills (id, tenant, digest, body, accepted_at) SELECT j.*, $5 FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[]) j",
    )
    .bind(column(fresh, |(acceptance, _)| acceptance.id.0))
    .bind(column(fresh, |(acceptance, _)| acceptance.actor.tenant.as_str()))
    .bind(column(fresh, |(acceptance, _)| acceptance.digest))
    .bind(bodies)
    .bind(now.0)
    .bind(column(&looks, |(acceptance, _)| acceptance.id.0))
    .bind(column(&looks, |(_, seen)| seen.declaration.as_ref().map(|(id, _)| id.0)))
    .execute(connection)
    .await?;
    Ok(())
}

/// Leaves word of waybills that name an order which is not there yet. The first to name it has it; an order that came meanwhile must be
/// looked for again.
async fn leave_word(connection: &mut PgConnection, fresh: &[FreshWaybill<'_>]) -> Result<()> {
    let mut first: BTreeMap<(&str, String, &str), Uuid> = BTreeMap::new();
    for (acceptance, _) in fresh.iter().filter(|(acceptance, seen)| seen.declaration.is_none() && acceptance.order.is_some()) {
        let (order_no, scope) = order_of(acceptance);
        first.entry((order_no, scope, &acceptance.waybill.carrier.code)).or_insert(acceptance.id.0);
    }
    if first.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = first.iter().collect();
    let left = sqlx::query(
        "INSERT INTO waybill_orders (order_no, scope, carrier, waybill) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) \
         ON CONFLICT (order_no, scope, carrier) DO UPDATE SET waybill = waybill_orders.waybill WHERE waybill_orders.declaration IS NULL",
    )
    .bind(column(&rows, |((order_no, ..), _)| *order_no))
    .bind(column(&rows, |((_, scope, _), _)| scope.as_str()))
    .bind(column(&rows, |((.., carrier), _)| *carrier))
    .bind(column(&rows, |(_, waybill)| **waybill))
    .execute(connection)
    .await?;
    if usize::try_from(left.rows_affected()).ok() == Some(rows.len()) {
        Ok(())
    } else {
        Err(Failed::Raced("the order that a waybill names"))
    }
}

/// Writes the number of the waybill into declarations that came without one, and takes back the word that they left.
async fn name_waybills(connection: &mut PgConnection, named: &[&FreshWaybill<'_>]) -> Result<()> {
    if named.is_empty() {
        return Ok(());
    }
    let written = sqlx::query(
        "WITH heard AS (DELETE FROM waybill_orders WHERE order_no = ANY($3) AND declaration = ANY($1)) \
         UPDATE declarations SET waybill_no = ($2::text[])[array_position($1, id)] WHERE id = ANY($1) AND waybill_no IS NULL",
    )
    .bind(column(named, |(_, seen)| seen.declaration.as_ref().map(|(id, _)| id.0)))
    .bind(column(named, |(acceptance, _)| acceptance.waybill.waybill_no.as_str()))
    .bind(column(named, |(acceptance, _)| order_of(acceptance).0))
    .execute(connection)
    .await?;
    if usize::try_from(written.rows_affected()).ok() == Some(named.len()) {
        return Ok(());
    }
    Err(Failed::Raced("the waybill of an order"))
}

/// Binds waybills to declarations.
pub(super) async fn bind(connection: &mut PgConnection, pairs: &[(Uuid, Uuid)]) -> Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    // The key of the table keeps another node from binding one of them, too.
    sqlx::query(
        "WITH heard AS (DELETE FROM waybill_orders WHERE waybill = ANY($1)), \
         of_document AS (UPDATE documents SET declaration = ($2::uuid[])[array_position($1, id)], version = version + 1 WHERE id = ANY($1)), \
         beside AS (UPDATE documents d SET declaration = ($2::uuid[])[array_position($1, x.waybill)], version = d.version + 1 \
           FROM waybill_documents x WHERE x.waybill = ANY($1) AND d.id = x.document), \
         looks AS (UPDATE gates SET declaration = ($2::uuid[])[array_position($1, document)] WHERE document = ANY($1)) \
         INSERT INTO waybill_declarations (waybill, declaration) SELECT * FROM unnest($1::uuid[], $2::uuid[])",
    )
    .bind(column(pairs, |(waybill, _)| *waybill))
    .bind(column(pairs, |(_, declaration)| *declaration))
    .execute(connection)
    .await?;
    Ok(())
}

/// Has the gates of declarations looked at.
pub(super) async fn wake(connection: &mut PgConnection, now: Timestamp, declarations: &[Uuid]) -> Result<()> {
    if declarations.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "WITH woken AS (UPDATE documents SET gate_at = $2, version = version + 1 WHERE id = ANY(ARRAY( \
           SELECT id FROM documents WHERE state = 'waiting' AND declaration = ANY($1) ORDER BY id FOR UPDATE \
         )) RETURNING id, declaration) \
         INSERT INTO gates (document, declaration, at) SELECT id, declaration, $2 FROM woken ON CONFLICT (document) DO UPDATE SET at = excluded.at",
    )
    .bind(declarations)
    .bind(now.0)
    .execute(connection)
    .await?;
    Ok(())
}

/// One waybill by its carrier and number.
pub(super) async fn show(
    connection: &mut PgConnection,
    asking: Option<&Tenant>,
    carrier: &str,
    waybill_no: &str,
) -> Result<Option<KeptWaybill>> {
    let row = sqlx::query(
        "SELECT w.*, (SELECT b.declaration FROM waybill_declarations b WHERE b.waybill = w.id) AS declaration FROM ( \
           SELECT document FROM numbers WHERE number = $1 AND kind = 'waybill' AND scope = $2 AND holder = $4 \
           AND ($3::text IS NULL OR tenant = $3 OR document_tenant = $3) LIMIT 1 \
         ) n CROSS JOIN LATERAL (SELECT id, tenant, accepted_at, body FROM waybills WHERE id = n.document LIMIT 1) w",
    )
    .bind(waybill_no)
    .bind(carrier)
    .bind(asking.map(Tenant::as_str))
    .bind(Uuid::nil())
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let found = kept(&row)?;
    let document = documents(connection, &[found.id.0]).await?.pop();
    Ok(Some(KeptWaybill { document, ..found }))
}

/// Reads a waybill, without its document.
pub(super) fn kept(row: &PgRow) -> Result<KeptWaybill> {
    Ok(KeptWaybill {
        id: DocumentId(row.try_get("id")?),
        tenant: tenant("waybills", row.try_get("tenant")?)?,
        accepted_at: Timestamp(row.try_get("accepted_at")?),
        waybill: Arc::new(from_json("waybills", row.try_get("body")?)?),
        declaration: row.try_get::<Option<Uuid>, _>("declaration")?.map(DeclarationId),
        document: None,
    })
}
