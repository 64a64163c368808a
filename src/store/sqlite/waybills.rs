//! Keeping what carriers push, and binding it to declarations.

use std::sync::Arc;

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{
    bulk::{Bound, Bulk, Script},
    numbers::{self, NumberRow},
    rows::{bind_id, digest, documents, from_json, hex, id, insert_documents, insert_entries, json, optional_id, tenant},
};
use crate::{
    clock::Timestamp,
    declaration::{DeclarationId, DocumentId, draft::OrderReference},
    party::Tenant,
    store::{
        KeptWaybill, Result, WaybillAcceptance, WaybillAccepted,
        accepting::{FreshWaybill, SeenWaybill, WAYBILL_NUMBER_LIFE, decide_waybills},
        order_scope,
    },
};

pub(super) async fn accept(connection: &mut SqliteConnection, now: Timestamp, many: &[WaybillAcceptance]) -> Result<Vec<WaybillAccepted>> {
    let mut seen = look(connection, now, many).await?;
    let (results, fresh) = decide_waybills(many, &mut seen);
    if !fresh.is_empty() {
        insert(connection, now, &fresh).await?;
    }
    Ok(results)
}

async fn look(connection: &mut SqliteConnection, now: Timestamp, many: &[WaybillAcceptance]) -> Result<Vec<SeenWaybill>> {
    let asked: Vec<_> = many
        .iter()
        .map(|acceptance| {
            let order = acceptance.order.as_ref();
            let scope = order.map(|order| order_scope(&order.platform, &order.seller)).unwrap_or_default();
            let order_no = order.map_or("", |order| order.order_no.as_str());
            (&acceptance.waybill.waybill_no, &acceptance.waybill.carrier.code, order_no, scope)
        })
        .collect();
    // A declaration that this waybill names counts only if it has no waybill number yet and waits for this carrier.
    let rows = sqlx::query(
        "SELECT n.at, n.document, w.digest, n.declaration, n.tenant, o.declaration AS named, o.tenant AS owner \
         FROM json_each(?1) j \
         LEFT JOIN numbers n ON n.number = j.value->>0 AND n.kind = 'waybill' AND n.scope = j.value->>1 AND n.holder = x'' \
         LEFT JOIN waybills w ON w.id = n.document \
         LEFT JOIN numbers o ON j.value->>2 <> '' AND o.number = j.value->>2 AND o.kind = 'order' AND o.scope = j.value->>3 AND o.holder = x'' \
         AND EXISTS (SELECT 1 FROM declarations d WHERE d.id = o.declaration AND d.waybill_no IS NULL AND d.carrier = j.value->>1) \
         ORDER BY j.key",
    )
    .bind(json(&asked)?)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let expired = row.try_get::<Option<i64>, _>("at")?.is_some_and(|at| Timestamp(at) + WAYBILL_NUMBER_LIFE < now);
            let document = optional_id("numbers", row, "document")?.filter(|_| !expired);
            let pushed = document
                .map(|id| Ok::<_, crate::store::Error>((DocumentId(id), digest("waybills", row.try_get("digest")?)?)))
                .transpose()?;
            // What an old use of the number was bound to is no longer its business; the order that it names is.
            let numbered = if expired { None } else { owned(row, "declaration", "tenant")? };
            let declaration = numbered.or(owned(row, "named", "owner")?);
            Ok(SeenWaybill { pushed, declaration, expired })
        })
        .collect()
}

/// A declaration with its tenant.
fn owned(row: &SqliteRow, declaration: &str, owner: &str) -> Result<Option<(DeclarationId, Tenant)>> {
    let name: Option<&str> = row.try_get(owner)?;
    let found = optional_id("numbers", row, declaration)?.zip(name);
    found.map(|(id, name)| Ok((DeclarationId(id), tenant("numbers", name)?))).transpose()
}

const WAYBILLS: Bulk = Bulk { before: "INSERT INTO waybills (id, tenant, accepted_at, digest, look_at, body) ", columns: 6, after: "" };
const ORDERS: Bulk =
    Bulk { before: "INSERT INTO waybill_orders (order_no, scope, carrier, waybill) ", columns: 4, after: " ON CONFLICT DO NOTHING" };

async fn insert(connection: &mut SqliteConnection, now: Timestamp, fresh: &[FreshWaybill<'_>]) -> Result<()> {
    let mut rows = Vec::with_capacity(fresh.len());
    for (acceptance, _) in fresh {
        rows.push((*acceptance, json(&acceptance.waybill)?));
    }
    let values = |query: Bound, (acceptance, body): &(&WaybillAcceptance, String)| {
        let look_at = acceptance.document.is_none().then_some(now.0);
        let query = bind_id(query, acceptance.id.0).bind(acceptance.actor.tenant.as_str()).bind(now.0);
        query.bind(acceptance.digest.to_vec()).bind(look_at).bind(body.as_str())
    };
    let mut script = Script::default();
    script.rows(&WAYBILLS, &rows, values);
    let waiting = fresh.iter().filter(|(_, seen)| seen.declaration.is_none());
    let waiting: Vec<_> = waiting.filter_map(|(acceptance, _)| acceptance.order.as_ref().map(|order| (*acceptance, order))).collect();
    let values = |query: Bound, (acceptance, order): &(&WaybillAcceptance, &OrderReference)| {
        let query = query.bind(order.order_no.as_str()).bind(order_scope(&order.platform, &order.seller));
        bind_id(query.bind(acceptance.waybill.carrier.code.as_str()), acceptance.id.0)
    };
    script.rows(&ORDERS, &waiting, values);
    insert_documents(&mut script, fresh.iter().filter_map(|(acceptance, _)| acceptance.document.as_ref()));
    let key = |acceptance: &WaybillAcceptance| (acceptance.waybill.carrier.code.clone(), acceptance.waybill.waybill_no.clone());
    let expired: Vec<_> = fresh.iter().filter(|(_, seen)| seen.expired).map(|(acceptance, _)| key(acceptance)).collect();
    numbers::retire_waybills(connection, &expired).await?;
    let mut held = Vec::with_capacity(fresh.len());
    for (acceptance, seen) in fresh {
        let waybill = &acceptance.waybill;
        held.push(NumberRow::of_waybill(&waybill.waybill_no, &waybill.carrier.code, acceptance.actor.tenant.as_str(), acceptance.id.0));
        held.extend(seen.declaration.as_ref().map(|(id, owner)| {
            let kind = crate::store::NumberKind::Waybill;
            NumberRow::of_declaration(kind, &waybill.waybill_no, waybill.carrier.code.clone(), owner.as_str(), id.0)
        }));
    }
    numbers::insert(&mut script, now, &held)?;
    insert_entries(&mut script, fresh.iter().map(|(acceptance, _)| &acceptance.entry));
    script.run(connection).await?;
    let bound: Vec<_> =
        fresh.iter().filter_map(|(acceptance, seen)| seen.declaration.as_ref().map(|(id, _)| (hex(acceptance.id.0), hex(id.0)))).collect();
    name_waybills(connection, fresh).await?;
    bind(connection, &bound).await?;
    wake(connection, now, &bound).await
}

/// Writes the number of the waybill into declarations that came without one.
async fn name_waybills(connection: &mut SqliteConnection, fresh: &[FreshWaybill<'_>]) -> Result<()> {
    let named: Vec<_> = fresh
        .iter()
        .filter(|(acceptance, _)| acceptance.order.is_some())
        .filter_map(|(acceptance, seen)| seen.declaration.as_ref().map(|(id, _)| (hex(id.0), &acceptance.waybill.waybill_no)))
        .collect();
    if named.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE declarations SET waybill_no = j.value->>1 FROM json_each(?1) j WHERE declarations.id = unhex(j.value->>0) AND waybill_no IS NULL",
    )
    .bind(json(&named)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Binds waybills to declarations; pairs of ids in hexadecimal.
pub(super) async fn bind(connection: &mut SqliteConnection, pairs: &[(String, String)]) -> Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    let pairs = json(&pairs)?;
    for statement in [
        "UPDATE waybills SET declaration = unhex(j.value->>1) FROM json_each(?1) j WHERE waybills.id = unhex(j.value->>0)",
        "UPDATE documents SET declaration = unhex(j.value->>1), version = version + 1 FROM json_each(?1) j WHERE documents.id = unhex(j.value->>0)",
        // By their ids: joined in an UPDATE … FROM, the whole table would come first.
        "UPDATE documents SET version = version + 1, declaration = (SELECT unhex(j.value->>1) FROM waybill_documents x \
         CROSS JOIN json_each(?1) j ON unhex(j.value->>0) = x.waybill WHERE x.document = documents.id) \
         WHERE id IN (SELECT x.document FROM json_each(?1) j CROSS JOIN waybill_documents x ON x.waybill = unhex(j.value->>0))",
        "DELETE FROM waybill_orders WHERE waybill IN (SELECT unhex(value->>0) FROM json_each(?1))",
    ] {
        sqlx::query(statement).bind(&pairs).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Has the gates of the declarations looked at.
async fn wake(connection: &mut SqliteConnection, now: Timestamp, pairs: &[(String, String)]) -> Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    let declarations: Vec<_> = pairs.iter().map(|(_, declaration)| declaration).collect();
    waking(now, json(&declarations)?).execute(connection).await?;
    Ok(())
}

/// Has the gates of declarations looked at, whose ids are given as JSON.
pub(super) fn waking(now: Timestamp, declarations: String) -> Bound {
    let statement = "UPDATE documents SET gate_at = ?2, version = version + 1 WHERE state = 'waiting' \
         AND declaration IN (SELECT unhex(value) FROM json_each(?1))";
    sqlx::query(statement).bind(declarations).bind(now.0)
}

/// One waybill by its carrier and number.
pub(super) async fn show(
    connection: &mut SqliteConnection,
    asking: Option<&Tenant>,
    carrier: &str,
    waybill_no: &str,
) -> Result<Option<KeptWaybill>> {
    let row = sqlx::query(
        "SELECT w.id, w.tenant, w.accepted_at, w.declaration, w.body FROM numbers n JOIN waybills w ON w.id = n.document \
         WHERE n.number = ?1 AND n.kind = 'waybill' AND n.scope = ?2 AND n.holder = x'' AND (?3 IS NULL OR n.tenant = ?3 OR n.document_tenant = ?3)",
    )
    .bind(waybill_no)
    .bind(carrier)
    .bind(asking.map(Tenant::as_str))
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let found = kept(&row)?;
    let document = documents(connection, &[found.id.0]).await?.pop();
    Ok(Some(KeptWaybill { document, ..found }))
}

/// Reads a waybill, without its document.
pub(super) fn kept(row: &SqliteRow) -> Result<KeptWaybill> {
    Ok(KeptWaybill {
        id: DocumentId(id("waybills", row, "id")?),
        tenant: tenant("waybills", row.try_get("tenant")?)?,
        accepted_at: Timestamp(row.try_get("accepted_at")?),
        waybill: Arc::new(from_json("waybills", row.try_get("body")?)?),
        declaration: optional_id("waybills", row, "declaration")?.map(DeclarationId),
        document: None,
    })
}
