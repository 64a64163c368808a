//! Declarations whose gate is to be looked at.

use std::collections::HashMap;

use sqlx::SqliteConnection;
use uuid::Uuid;

use super::{
    papers::Papers,
    rows::{dossiers, hex, id, json},
    waybills::kept,
};
use crate::{
    clock::Timestamp,
    declaration::Kind,
    store::{Gated, KeptWaybill, Result},
};

pub(super) async fn gates(connection: &mut SqliteConnection, papers: &Papers, now: Timestamp, limit: u32) -> Result<Vec<Gated>> {
    // By the time at which they are due, so that one that cannot be dealt with does not stand in front of the others.
    let rows = sqlx::query(
        "SELECT declaration, gate_at AS at FROM documents WHERE state = 'waiting' AND gate_at <= ?1 AND declaration IS NOT NULL \
         UNION ALL SELECT declaration, look_at FROM waybills WHERE look_at <= ?1 AND declaration IS NOT NULL ORDER BY at LIMIT ?2",
    )
    .bind(now.0)
    .bind(limit)
    .fetch_all(&mut *connection)
    .await?;
    let mut ids = rows.iter().map(|row| id("documents", row, "declaration")).collect::<Result<Vec<_>>>()?;
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
async fn bound(connection: &mut SqliteConnection, declarations: &[Uuid]) -> Result<HashMap<Uuid, KeptWaybill>> {
    if declarations.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(
        "SELECT w.id, w.tenant, w.accepted_at, w.declaration, w.body FROM json_each(?1) j CROSS JOIN waybills w ON w.declaration = unhex(j.value)",
    )
    .bind(json(&declarations.iter().map(|id| hex(*id)).collect::<Vec<_>>())?)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((id("waybills", row, "declaration")?, kept(row)?))).collect()
}
