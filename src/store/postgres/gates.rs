//! Declarations whose gate is to be looked at.

use std::collections::HashMap;

use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::{
    rows::{Result, dossiers},
    waybills::kept,
};
use crate::{
    clock::Timestamp,
    declaration::Kind,
    store::{Gated, KeptWaybill, papers::Papers},
};

pub(super) async fn gates(connection: &mut PgConnection, papers: &Papers, now: Timestamp, limit: u32) -> Result<Vec<Gated>> {
    // By the time at which they are due, so that one that cannot be dealt with does not stand in front of the others.
    let mut ids: Vec<Uuid> =
        sqlx::query_scalar("SELECT declaration FROM gates WHERE declaration IS NOT NULL AND at <= $1 ORDER BY at LIMIT $2")
            .bind(now.0)
            .bind(i64::from(limit))
            .fetch_all(&mut *connection)
            .await?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    ids.sort_unstable();
    ids.dedup();
    let mut waybills = bound(connection, &ids).await?;
    let mut found: Vec<_> = dossiers(connection, papers, &ids)
        .await?
        .into_iter()
        .map(|dossier| {
            let waybill = waybills.remove(&dossier.id.0);
            let document = dossier.document(Kind::Waybill).cloned();
            Gated { waybill: waybill.map(|waybill| KeptWaybill { document, ..waybill }), dossier }
        })
        .collect();
    found.sort_by_key(|gated| (gated.dossier.needed_by, gated.dossier.id));
    Ok(found)
}

/// The waybills of declarations, by declaration.
async fn bound(connection: &mut PgConnection, declarations: &[Uuid]) -> Result<HashMap<Uuid, KeptWaybill>> {
    let rows = sqlx::query(
        "SELECT w.*, b.declaration FROM unnest($1::uuid[]) AS j (id) \
         CROSS JOIN LATERAL (SELECT waybill, declaration FROM waybill_declarations WHERE declaration = j.id OFFSET 0) b \
         CROSS JOIN LATERAL (SELECT id, tenant, accepted_at, body FROM waybills WHERE id = b.waybill LIMIT 1) w",
    )
    .bind(declarations)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((row.try_get("declaration")?, kept(row)?))).collect()
}
