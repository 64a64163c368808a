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
    let mut ids: Vec<Uuid> = sqlx::query_scalar(
        "(SELECT declaration, at FROM gates WHERE at <= $1 ORDER BY at LIMIT $2) \
         UNION ALL (SELECT declaration, look_at FROM waybills WHERE look_at <= $1 AND declaration IS NOT NULL ORDER BY look_at LIMIT $2) \
         ORDER BY at LIMIT $2",
    )
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
        "SELECT w.id, w.tenant, w.accepted_at, w.declaration, w.body FROM unnest($1::uuid[]) j (id) JOIN waybills w ON w.declaration = j.id",
    )
    .bind(declarations)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((row.try_get("declaration")?, kept(row)?))).collect()
}
