//! What is amended, summed, and due by when.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::{
    numbers::NumberRow,
    rows::{Result, column, inconsistent, json, tenant},
};
use crate::{
    clock::Timestamp,
    declaration::DeclarationId,
    party::Tenant,
    store::{
        Change, Deadline, DeadlineChange, DeadlineFilter, DeadlineKind, NumberKind, Revision, Summed, SummedFound, SummedLookup,
        WaybillRevision,
    },
};

/// Whether every declaration to be amended has been amended as often as was thought. They stay locked until the commit.
pub(super) async fn expected(connection: &mut PgConnection, changes: &[Change]) -> Result<bool> {
    let revisions: Vec<_> = changes.iter().filter_map(|change| change.revision.as_ref()).collect();
    if revisions.is_empty() {
        return Ok(true);
    }
    let statement = "SELECT id, revision FROM declarations WHERE id = ANY($1) ORDER BY id FOR UPDATE";
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(statement).bind(column(&revisions, |new| new.declaration.0)).fetch_all(connection).await?;
    let known: HashMap<_, _> = rows.into_iter().collect();
    Ok(revisions.iter().all(|new| known.get(&new.declaration.0) == Some(&i64::from(new.expected))))
}

/// Everything that a change brings beside the lives of documents.
pub(super) async fn write(connection: &mut PgConnection, now: Timestamp, changes: &[Change]) -> Result<()> {
    for new in changes.iter().filter_map(|change| change.revision.as_ref()) {
        revise(connection, now, new).await?;
    }
    for new in changes.iter().filter_map(|change| change.rewritten.as_ref()) {
        rewrite(connection, now, new).await?;
    }
    renew(connection, changes).await?;
    put_off(connection, changes).await?;
    sum(connection, &changes.iter().flat_map(|change| &change.summed).collect::<Vec<_>>()).await?;
    deadlines(connection, &changes.iter().flat_map(|change| &change.deadlines).collect::<Vec<_>>()).await
}

async fn revise(connection: &mut PgConnection, now: Timestamp, new: &Revision) -> Result<()> {
    let keep = "INSERT INTO revisions (declaration, revision, until, warnings, body) SELECT id, revision, $2, warnings, body FROM declarations WHERE id = $1";
    sqlx::query(keep).bind(new.declaration.0).bind(now.0).execute(&mut *connection).await?;
    sqlx::query("UPDATE declarations SET revision = revision + 1, body = $2, warnings = $3, amended = $4 WHERE id = $1")
        .bind(new.declaration.0)
        .bind(json(&new.content)?)
        .bind(json(&new.warnings)?)
        .bind(new.digest)
        .execute(connection)
        .await?;
    Ok(())
}

async fn rewrite(connection: &mut PgConnection, now: Timestamp, new: &WaybillRevision) -> Result<()> {
    if let Some(content) = &new.content {
        let keep = "INSERT INTO waybill_revisions (waybill, until, body) SELECT id, $2, body FROM waybills WHERE id = $1";
        sqlx::query(keep).bind(new.waybill.0).bind(now.0).execute(&mut *connection).await?;
        let replace = "UPDATE waybills SET body = $2 WHERE id = $1";
        sqlx::query(replace).bind(new.waybill.0).bind(json(content)?).execute(&mut *connection).await?;
    }
    if let Some(by) = new.by {
        let insert = "INSERT INTO waybill_documents (document, waybill) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        sqlx::query(insert).bind(by.0).bind(new.waybill.0).execute(connection).await?;
    }
    Ok(())
}

/// Gives documents the guid under which they go out anew.
async fn renew(connection: &mut PgConnection, changes: &[Change]) -> Result<()> {
    let rows: Vec<_> = changes.iter().flat_map(|change| &change.renewed).collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query("UPDATE documents SET guid = ($2::uuid[])[array_position($1, id)] WHERE id = ANY($1)")
        .bind(column(&rows, |(id, _)| id.0))
        .bind(column(&rows, |(_, guid)| guid.0))
        .execute(connection)
        .await?;
    Ok(())
}

/// Has new documents packed no earlier than they may be.
async fn put_off(connection: &mut PgConnection, changes: &[Change]) -> Result<()> {
    for change in changes {
        let Some(at) = change.not_before.filter(|_| !change.created.is_empty()) else { continue };
        sqlx::query("UPDATE due SET lease_until = $2 WHERE document = ANY($1)")
            .bind(column(&change.created, |document| document.id.0))
            .bind(at.0)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn sum(connection: &mut PgConnection, rows: &[&Summed]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    // Always in one order, so that two nodes wait for each other in one direction only; of two words on one the last counts.
    let rows: std::collections::BTreeMap<_, _> = rows.iter().map(|row| (row.declaration, *row)).collect();
    let rows: Vec<_> = rows.into_values().collect();
    sqlx::query(
        "INSERT INTO summed (declaration, tenant, summary_no, seq_no, at, draft_no, port_no, customs_declaration_no, state) \
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[]) \
         ON CONFLICT (declaration) DO UPDATE SET summary_no = excluded.summary_no, seq_no = excluded.seq_no, at = excluded.at, \
           draft_no = excluded.draft_no, port_no = excluded.port_no, customs_declaration_no = excluded.customs_declaration_no, state = excluded.state WHERE summed.at <= excluded.at",
    )
    .bind(column(&rows, |row| row.declaration.0))
    .bind(column(&rows, |row| row.tenant.as_str()))
    .bind(column(&rows, |row| row.summary_no.as_str()))
    .bind(column(&rows, |row| row.seq_no.as_str()))
    .bind(column(&rows, |row| row.at.0))
    .bind(column(&rows, |row| row.draft_no.as_deref()))
    .bind(column(&rows, |row| row.port_no.as_deref()))
    .bind(column(&rows, |row| row.customs_declaration_no.as_deref()))
    .bind(column(&rows, |row| row.state.as_str()))
    .execute(connection)
    .await?;
    Ok(())
}

/// The numbers of customs declarations, by which what went into them is found.
pub(super) fn summed_numbers(changes: &[Change]) -> impl Iterator<Item = NumberRow> {
    changes.iter().flat_map(|change| &change.summed).filter_map(|row| {
        let number = row.customs_declaration_no.as_deref()?;
        let of = NumberRow::of_declaration(NumberKind::CustomsDeclaration, number, String::new(), row.tenant.as_str(), row.declaration.0);
        Some(of.shared())
    })
}

/// Sets deadlines, and takes away those that are met.
pub(super) async fn deadlines(connection: &mut PgConnection, changes: &[&DeadlineChange]) -> Result<()> {
    // Of several words on one the last counts.
    let mut words = std::collections::BTreeMap::new();
    for change in changes {
        match change {
            DeadlineChange::Set(deadline) => words.insert((deadline.declaration, deadline.kind), Some(deadline)),
            DeadlineChange::Met(declaration, kind) => words.insert((*declaration, *kind), None),
        };
    }
    let (set, met): (Vec<_>, Vec<_>) = words.into_iter().partition(|(_, deadline)| deadline.is_some());
    let set: Vec<_> = set.into_iter().filter_map(|(_, deadline)| deadline).collect();
    if !met.is_empty() {
        sqlx::query("DELETE FROM deadlines d USING unnest($1::uuid[], $2::text[]) AS j (declaration, kind) WHERE d.declaration = j.declaration AND d.kind = j.kind")
            .bind(column(&met, |((declaration, _), _)| declaration.0))
            .bind(column(&met, |((_, kind), _)| kind.as_str()))
            .execute(&mut *connection)
            .await?;
    }
    if !set.is_empty() {
        sqlx::query(
            "INSERT INTO deadlines (declaration, kind, tenant, at) SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) \
             ON CONFLICT (declaration, kind) DO UPDATE SET at = excluded.at",
        )
        .bind(column(&set, |deadline| deadline.declaration.0))
        .bind(column(&set, |deadline| deadline.kind.as_str()))
        .bind(column(&set, |deadline| deadline.tenant.as_str()))
        .bind(column(&set, |deadline| deadline.at.0))
        .execute(connection)
        .await?;
    }
    Ok(())
}

fn deadline(row: &PgRow) -> Result<Deadline> {
    const TABLE: &str = "deadlines";
    Ok(Deadline {
        declaration: DeclarationId(row.try_get("declaration")?),
        tenant: tenant(TABLE, row.try_get("tenant")?)?,
        kind: DeadlineKind::parse(row.try_get("kind")?).ok_or_else(|| inconsistent(TABLE, "a kind"))?,
        at: Timestamp(row.try_get("at")?),
    })
}

/// Open deadlines, earliest first.
pub(super) async fn open(connection: &mut PgConnection, filter: &DeadlineFilter) -> Result<Vec<Deadline>> {
    let (at, after) = filter.after.map_or((i64::MIN, Uuid::nil()), |(at, id)| (at.0, id.0));
    let rows = sqlx::query(
        "SELECT declaration, kind, tenant, at FROM deadlines WHERE (at, declaration) > ($1, $2) AND ($3::text IS NULL OR tenant = $3) \
         ORDER BY at, declaration, kind LIMIT $4",
    )
    .bind(at)
    .bind(after)
    .bind(filter.tenant.as_ref().map(Tenant::as_str))
    .bind(i64::from(filter.limit))
    .fetch_all(connection)
    .await?;
    rows.iter().map(deadline).collect()
}

/// The open deadlines of one declaration.
pub(super) async fn open_of(connection: &mut PgConnection, declaration: DeclarationId) -> Result<Vec<Deadline>> {
    let statement = "SELECT declaration, kind, tenant, at FROM deadlines WHERE declaration = $1 ORDER BY at, kind";
    let rows = sqlx::query(statement).bind(declaration.0).fetch_all(connection).await?;
    rows.iter().map(deadline).collect()
}

const SUMMED: &str = "s.declaration, s.tenant, s.summary_no, s.seq_no, s.at, s.draft_no, s.port_no, s.customs_declaration_no, s.state";

fn summed(row: &PgRow) -> Result<Summed> {
    Ok(Summed {
        declaration: DeclarationId(row.try_get("declaration")?),
        tenant: tenant("summed", row.try_get("tenant")?)?,
        summary_no: row.try_get("summary_no")?,
        seq_no: row.try_get("seq_no")?,
        at: Timestamp(row.try_get("at")?),
        draft_no: row.try_get("draft_no")?,
        port_no: row.try_get("port_no")?,
        customs_declaration_no: row.try_get("customs_declaration_no")?,
        state: row.try_get("state")?,
    })
}

/// What customs summed one declaration into.
pub(super) async fn summed_of(connection: &mut PgConnection, declaration: DeclarationId) -> Result<Option<Summed>> {
    let statement = format!("SELECT {SUMMED} FROM summed s WHERE s.declaration = $1");
    let row = sqlx::query(AssertSqlSafe(statement)).bind(declaration.0).fetch_optional(connection).await?;
    row.as_ref().map(summed).transpose()
}

/// Whether a summary that stands names it; somebody else's, of which no document is kept, stands.
const APPLIED: &str = "EXISTS (SELECT 1 FROM follow_up_members m \
     CROSS JOIN LATERAL (SELECT id FROM follow_ups WHERE id = m.follow_up AND kind = 701 LIMIT 1) f \
     LEFT JOIN LATERAL (SELECT id, state FROM documents WHERE id = f.id LIMIT 1) o ON true WHERE m.declaration = d.id \
     AND (o.id IS NULL OR o.state NOT IN ('port_failed', 'refused', 'rejected', 'cancelled')))";

/// The declarations that results of summaries are about.
pub(super) async fn find_summed(connection: &mut PgConnection, many: &[SummedLookup]) -> Result<Vec<Vec<SummedFound>>> {
    let mut found = Vec::with_capacity(many.len());
    for asked in many {
        // Those that its lines name, and those that an earlier result of the same customs declaration named.
        let statement = format!(
            "SELECT d.id, d.tenant AS owner, {APPLIED} AS applied, {SUMMED} FROM ( \
               SELECT n.declaration AS id FROM unnest($1::text[]) AS j (number) \
               CROSS JOIN LATERAL (SELECT declaration FROM numbers WHERE number = j.number AND kind = 'inventory' AND declaration IS NOT NULL OFFSET 0) n \
               UNION SELECT declaration FROM summed WHERE summary_no = $2 AND seq_no = $3 \
             ) k CROSS JOIN LATERAL (SELECT id, tenant FROM declarations WHERE id = k.id LIMIT 1) d \
             LEFT JOIN summed s ON s.declaration = d.id ORDER BY d.id"
        );
        let rows = sqlx::query(AssertSqlSafe(statement))
            .bind(&asked.inventory_nos)
            .bind(asked.summary_no.as_str())
            .bind(asked.seq_no.as_str())
            .fetch_all(&mut *connection)
            .await?;
        let read = |row: &PgRow| {
            let known: Option<Uuid> = row.try_get("declaration")?;
            Ok(SummedFound {
                declaration: DeclarationId(row.try_get("id")?),
                tenant: tenant("declarations", row.try_get("owner")?)?,
                summed: known.map(|_| summed(row)).transpose()?,
                applied: row.try_get("applied")?,
            })
        };
        found.push(rows.iter().map(read).collect::<Result<Vec<_>>>()?);
    }
    Ok(found)
}
