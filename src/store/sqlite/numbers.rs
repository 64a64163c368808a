//! The one table of numbers: uniqueness, Find, and the way from a receipt to its document.

use sqlx::{Row, SqliteConnection};
use uuid::Uuid;

use super::{
    bulk::{Bound, Bulk, Script},
    papers::Papers,
    rows::{documents, dossiers, inconsistent, json, optional_id},
};
pub(super) use crate::store::numbering::NumberRow;
use crate::{
    clock::Timestamp,
    declaration::{DeclarationId, DocumentId},
    party::Tenant,
    receipt::Key,
    store::{
        Hit, Matches, NumberKind, Result, Subject,
        matching::told,
        numbering::{matched, question, subject_ids},
    },
};

/// Inserts numbers, and tells whoever waits for a declaration that has one. Where a waybill's number is known from the other side (the seller's or the carrier's) the two become one row.
pub(super) fn insert(script: &mut Script, now: Timestamp, rows: &[NumberRow]) -> Result<()> {
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
    script.rows(&INSERT, rows, bind);
    let told = told(rows);
    if !told.is_empty() {
        script.add(super::matching::tell(now, json(&told)?));
    }
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

/// Makes room for the numbers of payments: a new payment of an order stands for it from now on.
pub(super) async fn retire(connection: &mut SqliteConnection, rows: &[NumberRow]) -> Result<()> {
    for row in rows.iter().filter(|row| row.kind == NumberKind::Payment.as_str()) {
        sqlx::query("UPDATE numbers SET holder = document WHERE number = ?1 AND kind = ?2 AND scope = ?3 AND holder = x''")
            .bind(row.number.as_str())
            .bind(row.kind)
            .bind(row.scope.as_str())
            .execute(&mut *connection)
            .await?;
    }
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
    let (declarations, lone) = subject_ids(&found);
    let mut subjects: Vec<_> = dossiers(connection, papers, &declarations).await?.into_iter().map(Subject::Dossier).collect();
    subjects.extend(documents(connection, &lone).await?.into_iter().map(Subject::Waybill));
    Ok(matched(keys, &found, subjects))
}

/// A bill may be that of very many declarations.
const MOST_HITS: u32 = 1_001;

/// What numbers of any kind lead to.
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
