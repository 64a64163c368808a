//! The one table of numbers: uniqueness, Find, and the way from a receipt to its document.

use std::collections::BTreeMap;

use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::{
    matching,
    rows::{Result, column, documents, dossiers, inconsistent},
    trying::Failed,
};
use crate::{
    clock::Timestamp,
    declaration::{DeclarationId, DocumentId},
    party::Tenant,
    receipt::Key,
    store::{
        Hit, Matches, NumberKind, Subject,
        matching::told,
        numbering::{matched, question, subject_ids},
        papers::Papers,
    },
};

pub(super) use crate::store::numbering::NumberRow;

/// Whether only one may hold it, and somebody else's is a fault: then the key refuses a second one.
fn is_exclusive(row: &NumberRow) -> bool {
    row.holder.is_none() && [NumberKind::Order.as_str(), NumberKind::Waybill.as_str()].contains(&row.kind)
}

/// Inserts numbers that were not there when this command looked, and tells whoever waits for a declaration that has one.
pub(super) async fn insert(connection: &mut PgConnection, now: Timestamp, rows: Vec<NumberRow>) -> Result<()> {
    const MERGE: &str = " ON CONFLICT (number, kind, scope, holder) DO UPDATE SET \
         tenant = coalesce(numbers.tenant, excluded.tenant), declaration = coalesce(numbers.declaration, excluded.declaration), \
         document_tenant = coalesce(numbers.document_tenant, excluded.document_tenant), document = coalesce(numbers.document, excluded.document)";
    let told = told(&rows);
    let (mut new, others): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_exclusive);
    // Always in one order, so that two nodes wait for each other in one direction only.
    new.sort_unstable_by(|a, b| (&a.number, a.kind, &a.scope).cmp(&(&b.number, b.kind, &b.scope)));
    put(connection, now, &new.iter().collect::<Vec<_>>(), "").await?;
    // One row may be named many times; the first that says something counts.
    let mut merged: BTreeMap<(String, &'static str, String, Option<Uuid>), NumberRow> = BTreeMap::new();
    for row in others {
        let key = (row.number.clone(), row.kind, row.scope.clone(), row.holder);
        match merged.get_mut(&key) {
            Some(first) => {
                first.tenant = first.tenant.take().or(row.tenant);
                first.declaration = first.declaration.or(row.declaration);
                first.document_tenant = first.document_tenant.take().or(row.document_tenant);
                first.document = first.document.or(row.document);
            }
            None => drop(merged.insert(key, row)),
        }
    }
    put(connection, now, &merged.values().collect::<Vec<_>>(), MERGE).await?;
    matching::tell(connection, now, &told).await
}

/// Writes rows; tells how many.
async fn put(connection: &mut PgConnection, now: Timestamp, rows: &[&NumberRow], conflict: &'static str) -> Result<u64> {
    const INSERT: &str = "INSERT INTO numbers (number, kind, scope, holder, at, tenant, declaration, document_tenant, document) \
         SELECT number, kind, scope, holder, $9, tenant, declaration, document_tenant, document \
         FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::uuid[]) \
         AS j (number, kind, scope, holder, tenant, declaration, document_tenant, document)";
    if rows.is_empty() {
        return Ok(0);
    }
    let written = sqlx::query(sqlx::AssertSqlSafe(format!("{INSERT}{conflict}")))
        .bind(column(rows, |row| row.number.as_str()))
        .bind(column(rows, |row| row.kind))
        .bind(column(rows, |row| row.scope.as_str()))
        .bind(column(rows, |row| row.holder.unwrap_or_default()))
        .bind(column(rows, |row| row.tenant.as_deref()))
        .bind(column(rows, |row| row.declaration))
        .bind(column(rows, |row| row.document_tenant.as_deref()))
        .bind(column(rows, |row| row.document))
        .bind(now.0)
        .execute(connection)
        .await?;
    Ok(written.rows_affected())
}

/// Writes the declaration beside waybills' numbers that their carrier pushed before.
pub(super) async fn join_declarations(connection: &mut PgConnection, now: Timestamp, rows: &[NumberRow]) -> Result<()> {
    const JOIN: &str = " ON CONFLICT (number, kind, scope, holder) DO UPDATE SET tenant = excluded.tenant, declaration = excluded.declaration \
         WHERE numbers.declaration IS NULL";
    join(connection, now, rows, JOIN).await?;
    matching::tell(connection, now, &told(rows)).await
}

/// Writes the document beside waybills' numbers that their seller named before.
pub(super) async fn join_documents(connection: &mut PgConnection, now: Timestamp, rows: &[NumberRow]) -> Result<()> {
    const JOIN: &str = " ON CONFLICT (number, kind, scope, holder) DO UPDATE SET document_tenant = excluded.document_tenant, document = excluded.document \
         WHERE numbers.document IS NULL";
    join(connection, now, rows, JOIN).await
}

async fn join(connection: &mut PgConnection, now: Timestamp, rows: &[NumberRow], conflict: &'static str) -> Result<()> {
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_unstable_by_key(|row| (&row.number, &row.scope));
    let joined = put(connection, now, &rows, conflict).await?;
    if usize::try_from(joined).ok() == Some(rows.len()) { Ok(()) } else { Err(Failed::Raced("a waybill's number")) }
}

/// Makes room for waybill numbers whose last use is older than a carrier must remember: the old use names its holder.
pub(super) async fn retire_waybills(connection: &mut PgConnection, keys: &[(String, String)]) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE numbers n SET holder = coalesce(n.declaration, n.document) FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) AS j (scope, number, kind, holder) \
         WHERE n.number = j.number AND n.kind = j.kind AND n.scope = j.scope AND n.holder = j.holder",
    )
    .bind(column(keys, |(scope, _)| scope.as_str()))
    .bind(column(keys, |(_, number)| number.as_str()))
    .bind(column(keys, |_| NumberKind::Waybill.as_str()))
    .bind(column(keys, |_| Uuid::nil()))
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes room for the number of a payment: a new payment of an order stands for it from now on.
pub(super) async fn retire(connection: &mut PgConnection, row: &NumberRow) -> Result<()> {
    sqlx::query("UPDATE numbers SET holder = document WHERE number = $1 AND kind = $2 AND scope = $3 AND holder = $4")
        .bind(row.number.as_str())
        .bind(row.kind)
        .bind(row.scope.as_str())
        .bind(Uuid::nil())
        .execute(connection)
        .await?;
    Ok(())
}

/// Finds what receipts are about.
pub(super) async fn matches(connection: &mut PgConnection, papers: &Papers, keys: &[Key]) -> Result<Matches> {
    let asked: Vec<_> = keys.iter().map(question).collect();
    let rows = sqlx::query(
        "SELECT j.place, n.declaration, n.document FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS j (number, kind, scope, place) \
         CROSS JOIN LATERAL (SELECT declaration, document FROM numbers WHERE number = j.number AND kind = j.kind AND scope = j.scope AND holder = $4 LIMIT 1) n",
    )
    .bind(column(&asked, |(number, ..)| *number))
    .bind(column(&asked, |(_, kind, _)| *kind))
    .bind(column(&asked, |(.., scope)| scope.as_str()))
    .bind(Uuid::nil())
    .fetch_all(&mut *connection)
    .await?;
    let mut found = vec![None; keys.len()];
    for row in &rows {
        // Places count from 1.
        let place = usize::try_from(row.try_get::<i64, _>(0)? - 1).ok().and_then(|place| found.get_mut(place));
        if let Some(place) = place {
            *place = Some((row.try_get(1)?, row.try_get(2)?));
        }
    }
    let (declarations, lone) = subject_ids(&found);
    let mut subjects: Vec<_> = dossiers(connection, papers, &declarations).await?.into_iter().map(Subject::Dossier).collect();
    if !lone.is_empty() {
        subjects.extend(documents(connection, &lone).await?.into_iter().map(Subject::Waybill));
    }
    Ok(matched(keys, &found, subjects))
}

/// A bill may be that of very many declarations.
const MOST_HITS: i64 = 1_001;

/// What numbers of any kind lead to.
pub(super) async fn find(connection: &mut PgConnection, tenant: Option<&Tenant>, asked: &[String]) -> Result<Vec<Hit>> {
    let rows = sqlx::query(
        "SELECT n.number, n.kind, n.declaration, n.document FROM unnest($1::text[]) WITH ORDINALITY AS j (number, place) \
         JOIN numbers n ON n.number = j.number \
         WHERE $2::text IS NULL OR n.tenant = $2 OR n.document_tenant = $2 ORDER BY j.place, n.kind, n.at DESC LIMIT $3",
    )
    .bind(asked)
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
                declaration: row.try_get::<Option<Uuid>, _>("declaration")?.map(DeclarationId),
                document: row.try_get::<Option<Uuid>, _>("document")?.map(DocumentId),
            })
        })
        .collect()
}
