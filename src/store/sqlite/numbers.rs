//! The one table of numbers: uniqueness, Find, and the way from a receipt to its document.

use std::collections::HashMap;

use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

use super::{
    bulk::{Bound, Bulk},
    papers::Papers,
    rows::{documents, dossiers, inconsistent, json, optional_id},
};
use crate::{
    clock::Timestamp,
    declaration::{DeclarationId, DocumentId, Kind},
    dossier::Document,
    party::Tenant,
    receipt::Key,
    store::{Hit, Matches, Number, NumberKind, Result, Subject, order_scope},
};

/// A number as it is kept.
#[derive(Debug)]
pub(super) struct NumberRow {
    number: String,
    kind: &'static str,
    scope: String,
    holder: Option<Uuid>,
    tenant: Option<String>,
    declaration: Option<Uuid>,
    document_tenant: Option<String>,
    document: Option<Uuid>,
}

impl NumberRow {
    /// A number that one declaration holds alone.
    pub(super) fn of_declaration(kind: NumberKind, number: &str, scope: String, tenant: &str, declaration: Uuid) -> Self {
        Self {
            number: number.to_owned(),
            kind: kind.as_str(),
            scope,
            holder: None,
            tenant: Some(tenant.to_owned()),
            declaration: Some(declaration),
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
            holder: None,
            tenant: None,
            declaration: None,
            document_tenant: Some(tenant.to_owned()),
            document: Some(waybill),
        }
    }

    /// The same number, shared with others: a bill, a bag.
    pub(super) fn shared(mut self) -> Self {
        self.holder = self.declaration;
        self
    }

    /// A number that customs gave.
    pub(super) fn given(number: &Number, tenant: &str) -> Self {
        Self {
            number: number.number.clone(),
            kind: number.kind.as_str(),
            scope: number.scope.clone(),
            // Customs' numbers are its own affair: should it give one twice, both are found.
            holder: number.declaration.map(|id| id.0).or_else(|| number.document.map(|id| id.0)),
            tenant: Some(tenant.to_owned()),
            declaration: number.declaration.map(|id| id.0),
            document_tenant: None,
            document: number.document.map(|id| id.0),
        }
    }
}

/// Inserts numbers. Where a waybill's number is known from the other side (the seller's or the carrier's) the two become one row.
pub(super) async fn insert(connection: &mut SqliteConnection, now: Timestamp, rows: &[NumberRow]) -> Result<()> {
    const INSERT: Bulk = Bulk {
        before: "INSERT INTO numbers (number, kind, scope, holder, at, tenant, declaration, document_tenant, document) ",
        columns: 9,
        after: " ON CONFLICT (number, kind, scope, holder) DO UPDATE SET \
                tenant = coalesce(numbers.tenant, excluded.tenant), declaration = coalesce(numbers.declaration, excluded.declaration), \
                document_tenant = coalesce(numbers.document_tenant, excluded.document_tenant), document = coalesce(numbers.document, excluded.document)",
    };
    let id = |id: Option<Uuid>| id.map(|id| id.as_bytes().to_vec());
    let bind = |query: Bound, row: &NumberRow| {
        let query =
            query.bind(row.number.as_str()).bind(row.kind).bind(row.scope.as_str()).bind(id(row.holder).unwrap_or_default()).bind(now.0);
        let query = query.bind(row.tenant.clone()).bind(id(row.declaration));
        query.bind(row.document_tenant.clone()).bind(id(row.document))
    };
    INSERT.run(connection, rows, bind).await?;
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
pub(super) async fn matches(connection: &mut SqliteConnection, papers: &Papers, keys: &[Key]) -> Result<Matches> {
    let asked: Vec<_> = keys.iter().map(question).collect();
    let rows = sqlx::query(
        "SELECT j.key, n.declaration, n.document FROM json_each(?1) j \
         CROSS JOIN numbers n ON n.number = j.value->>0 AND n.kind = j.value->>1 AND n.scope = j.value->>2 AND n.holder = x''",
    )
    .bind(json(&asked)?)
    .fetch_all(&mut *connection)
    .await?;
    let mut found = vec![None; keys.len()];
    for row in &rows {
        let place = usize::try_from(row.try_get::<i64, _>(0)?).ok().and_then(|place| found.get_mut(place));
        if let Some(place) = place {
            *place = Some((optional_id("numbers", row, "declaration")?, optional_id("numbers", row, "document")?));
        }
    }
    let (mut declarations, mut lone) = (Vec::new(), Vec::new());
    for held in found.iter().flatten() {
        match *held {
            (Some(declaration), _) => declarations.push(declaration),
            (None, Some(document)) => lone.push(document),
            (None, None) => {}
        }
    }
    for ids in [&mut declarations, &mut lone] {
        ids.sort_unstable();
        ids.dedup();
    }
    let mut subjects: Vec<_> = dossiers(connection, papers, &declarations).await?.into_iter().map(Subject::Dossier).collect();
    subjects.extend(documents(connection, &lone).await?.into_iter().map(Subject::Waybill));
    let places: HashMap<_, _> = subjects.iter().enumerate().map(|(place, subject)| (subject.id(), place)).collect();
    let of = keys.iter().zip(&found).map(|(key, held)| {
        let (declaration, document) = (*held)?;
        let place = *places.get(&declaration.or(document)?)?;
        Some((place, meant(subjects.get(place)?, key.kind(), document)?))
    });
    Ok(Matches { of: of.collect(), subjects })
}

/// The document of a subject that a number leads to: the one it names, or the newest of the kind.
fn meant(subject: &Subject, kind: Kind, named: Option<Uuid>) -> Option<DocumentId> {
    match subject {
        Subject::Waybill(document) => Some(document.id),
        Subject::Dossier(dossier) => {
            let fits = |document: &&Document| named.map_or(document.kind == kind, |named| document.id.0 == named);
            dossier.documents.iter().filter(fits).map(|document| document.id).max()
        }
    }
}

/// Number, kind, scope.
fn question(key: &Key) -> (&str, &'static str, String) {
    match key {
        Key::Order { platform, seller, order_no } => (order_no, NumberKind::Order.as_str(), order_scope(platform, seller)),
        Key::Waybill { carrier, waybill_no } => (waybill_no, NumberKind::Waybill.as_str(), carrier.clone()),
        Key::Inventory { enterprise_no, platform, seller, order_no, .. } if enterprise_no.is_empty() => {
            (order_no, NumberKind::Order.as_str(), order_scope(platform, seller))
        }
        Key::Inventory { enterprise_no, .. } => (enterprise_no, NumberKind::Enterprise.as_str(), String::new()),
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
