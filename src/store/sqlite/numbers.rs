//! The one table of numbers: uniqueness, Find, and the way from a receipt to its document.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

use super::rows::{documents, dossiers, hex, inconsistent, json, optional_id};
use crate::{
    clock::Timestamp,
    declaration::{DeclarationId, DocumentId},
    party::Tenant,
    receipt::Key,
    store::{Hit, Matches, Number, NumberKind, Result, Subject, order_scope},
};

/// A number as it travels into a statement.
#[derive(Debug, Serialize)]
pub(super) struct NumberRow {
    number: String,
    kind: &'static str,
    scope: String,
    holder: String,
    tenant: Option<String>,
    declaration: Option<String>,
    document_tenant: Option<String>,
    document: Option<String>,
}

impl NumberRow {
    /// A number that one declaration holds alone.
    pub(super) fn of_declaration(kind: NumberKind, number: &str, scope: String, tenant: &str, declaration: Uuid) -> Self {
        Self {
            number: number.to_owned(),
            kind: kind.as_str(),
            scope,
            holder: String::new(),
            tenant: Some(tenant.to_owned()),
            declaration: Some(hex(declaration)),
            document_tenant: None,
            document: None,
        }
    }

    /// A waybill number that one waybill holds alone.
    pub(super) fn of_waybill(number: &str, carrier: &str, tenant: &str, waybill: Uuid) -> Self {
        Self {
            number: number.to_owned(),
            kind: NumberKind::Waybill.as_str(),
            scope: carrier.to_owned(),
            holder: String::new(),
            tenant: None,
            declaration: None,
            document_tenant: Some(tenant.to_owned()),
            document: Some(hex(waybill)),
        }
    }

    /// The same number, shared with others: a bill, a bag.
    pub(super) fn shared(mut self) -> Self {
        self.holder = self.declaration.clone().unwrap_or_default();
        self
    }

    /// A number that customs gave.
    pub(super) fn given(number: &Number, tenant: &str) -> Self {
        Self {
            number: number.number.clone(),
            kind: number.kind.as_str(),
            scope: number.scope.clone(),
            // Customs' numbers are its own affair: should it give one twice, both are found.
            holder: number.declaration.map(|id| hex(id.0)).or_else(|| number.document.map(|id| hex(id.0))).unwrap_or_default(),
            tenant: Some(tenant.to_owned()),
            declaration: number.declaration.map(|id| hex(id.0)),
            document_tenant: None,
            document: number.document.map(|id| hex(id.0)),
        }
    }
}

/// Inserts numbers. Where a waybill's number is known from the other side (the seller's or the carrier's) the two become one row.
pub(super) async fn insert(connection: &mut SqliteConnection, now: Timestamp, rows: &[NumberRow]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO numbers (number, kind, scope, holder, at, tenant, declaration, document_tenant, document) \
         SELECT value->>'number', value->>'kind', value->>'scope', unhex(value->>'holder'), ?2, value->>'tenant', \
         unhex(value->>'declaration'), value->>'document_tenant', unhex(value->>'document') FROM json_each(?1) WHERE true \
         ON CONFLICT (number, kind, scope, holder) DO UPDATE SET \
         tenant = coalesce(numbers.tenant, excluded.tenant), declaration = coalesce(numbers.declaration, excluded.declaration), \
         document_tenant = coalesce(numbers.document_tenant, excluded.document_tenant), document = coalesce(numbers.document, excluded.document)",
    )
    .bind(json(&rows)?)
    .bind(now.0)
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes room for waybill numbers whose last use is older than a carrier must remember: the old use names its holder.
pub(super) async fn retire_waybills(connection: &mut SqliteConnection, keys: &[(String, String)]) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE numbers SET holder = coalesce(declaration, document) WHERE kind = 'waybill' AND holder = x'' \
         AND (scope, number) IN (SELECT value->>0, value->>1 FROM json_each(?1))",
    )
    .bind(json(&keys)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Finds what receipts are about.
pub(super) async fn matches(connection: &mut SqliteConnection, keys: &[Key]) -> Result<Matches> {
    let asked: Vec<_> = keys.iter().map(question).collect();
    let rows = sqlx::query(
        "SELECT j.key, n.declaration, n.document, d.id FROM json_each(?1) j \
         LEFT JOIN numbers n ON n.number = j.value->>0 AND n.kind = j.value->>1 AND n.scope = j.value->>2 AND n.holder = x'' \
         LEFT JOIN documents d ON (n.document IS NULL AND d.declaration = n.declaration AND d.kind = j.value->>3) OR d.id = n.document \
         ORDER BY j.key, d.id",
    )
    .bind(json(&asked)?)
    .fetch_all(&mut *connection)
    .await?;
    let mut declarations = Vec::new();
    let mut lone = Vec::new();
    let mut found = vec![None; keys.len()];
    for row in &rows {
        let declaration = optional_id("numbers", row, "declaration")?;
        let document = optional_id("documents", row, "id")?;
        match (declaration, document) {
            (Some(declaration), Some(_)) => declarations.push(declaration),
            (None, Some(document)) => lone.push(document),
            (_, None) => {}
        }
        let place = usize::try_from(row.try_get::<i64, _>("key")?).ok().and_then(|place| found.get_mut(place));
        if let (Some(place), Some(document)) = (place, document) {
            // Ordered by document: of several of a kind, the newest.
            *place = Some((declaration.unwrap_or(document), DocumentId(document)));
        }
    }
    let mut subjects = Vec::new();
    for ids in [&mut declarations, &mut lone] {
        ids.sort_unstable();
        ids.dedup();
    }
    subjects.extend(dossiers(connection, &declarations).await?.into_iter().map(Subject::Dossier));
    subjects.extend(documents(connection, &lone).await?.into_iter().map(Subject::Waybill));
    let places: HashMap<_, _> = subjects.iter().enumerate().map(|(place, subject)| (subject.id(), place)).collect();
    let of = found
        .into_iter()
        .map(|found: Option<(Uuid, DocumentId)>| found.and_then(|(subject, document)| places.get(&subject).map(|place| (*place, document))))
        .collect();
    Ok(Matches { subjects, of })
}

/// Number, kind, scope, and the kind of document meant.
fn question(key: &Key) -> (&str, &'static str, String, i64) {
    let kind = key.kind().number();
    match key {
        Key::Order { platform, seller, order_no } => (order_no, NumberKind::Order.as_str(), order_scope(platform, seller), kind),
        Key::Waybill { carrier, waybill_no } => (waybill_no, NumberKind::Waybill.as_str(), carrier.clone(), kind),
        Key::Inventory { enterprise_no, platform, seller, order_no, .. } if enterprise_no.is_empty() => {
            (order_no, NumberKind::Order.as_str(), order_scope(platform, seller), kind)
        }
        Key::Inventory { enterprise_no, .. } => (enterprise_no, NumberKind::Enterprise.as_str(), String::new(), kind),
    }
}

/// What numbers of any kind lead to.
/// A bill may be that of very many declarations.
const MOST_HITS: u32 = 1_001;

pub(super) async fn find(connection: &mut SqliteConnection, tenant: Option<&Tenant>, asked: &[String]) -> Result<Vec<Hit>> {
    let rows = sqlx::query(
        "SELECT n.number, n.kind, n.declaration, n.document FROM json_each(?1) j CROSS JOIN numbers n ON n.number = j.value \
         WHERE ?2 IS NULL OR n.tenant = ?2 OR n.document_tenant = ?2 ORDER BY j.key, n.kind, n.at DESC LIMIT ?3",
    )
    .bind(json(&asked)?)
    .bind(tenant.map(Tenant::as_str))
    .bind(MOST_HITS)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let kind: &str = row.try_get("kind")?;
            Ok(Hit {
                number: row.try_get("number")?,
                kind: NumberKind::ALL
                    .into_iter()
                    .find(|candidate| candidate.as_str() == kind)
                    .ok_or_else(|| inconsistent("numbers", format!("kind {kind}")))?,
                declaration: optional_id("numbers", row, "declaration")?.map(DeclarationId),
                document: optional_id("numbers", row, "document")?.map(DocumentId),
            })
        })
        .collect()
}
