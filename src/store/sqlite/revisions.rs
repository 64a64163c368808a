//! What is amended, summed, and due by when.

use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{
    bulk::{Bound, Bulk, Script},
    numbers::NumberRow,
    rows::{bind_id, hex, id, inconsistent, json, optional_id, tenant},
};
use crate::{
    clock::Timestamp,
    declaration::DeclarationId,
    party::Tenant,
    store::{
        Change, Deadline, DeadlineChange, DeadlineFilter, DeadlineKind, Error, NumberKind, Result, Revision, Summed, SummedFound,
        SummedLookup, WaybillRevision,
    },
};

/// Whether every declaration to be amended has been amended as often as was thought.
pub(super) async fn expected(connection: &mut SqliteConnection, asked: &str, many: usize) -> Result<bool> {
    let same: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM json_each(?1) j CROSS JOIN declarations d ON d.id = unhex(j.value->>0) WHERE d.revision = j.value->>1",
    )
    .bind(asked)
    .fetch_one(connection)
    .await?;
    Ok(usize::try_from(same).ok() == Some(many))
}

/// What [`expected`] asks, and how many.
pub(super) fn asked(changes: &[Change]) -> Result<Option<(String, usize)>> {
    let rows: Vec<_> =
        changes.iter().filter_map(|change| change.revision.as_ref()).map(|new| (hex(new.declaration.0), new.expected)).collect();
    if rows.is_empty() { Ok(None) } else { Ok(Some((json(&rows)?, rows.len()))) }
}

/// Everything that a change brings beside the lives of documents.
pub(super) fn write(script: &mut Script, now: Timestamp, changes: &[Change]) -> Result<()> {
    for new in changes.iter().filter_map(|change| change.revision.as_ref()) {
        revise(script, now, new)?;
    }
    for new in changes.iter().filter_map(|change| change.rewritten.as_ref()) {
        rewrite(script, now, new)?;
    }
    renew(script, changes)?;
    put_off(script, changes)?;
    let rows: Vec<_> = changes.iter().flat_map(|change| &change.summed).collect();
    sum(script, &rows);
    deadlines(script, changes.iter().flat_map(|change| &change.deadlines));
    Ok(())
}

fn revise(script: &mut Script, now: Timestamp, new: &Revision) -> Result<()> {
    let keep = "INSERT INTO revisions (declaration, revision, until, warnings, body) SELECT id, revision, ?2, warnings, body FROM declarations WHERE id = ?1";
    script.add(bind_id(sqlx::query(keep), new.declaration.0).bind(now.0));
    let replace = "UPDATE declarations SET revision = revision + 1, body = ?2, warnings = ?3, amended = ?4 WHERE id = ?1";
    let replace = bind_id(sqlx::query(replace), new.declaration.0).bind(json(&new.content)?).bind(json(&new.warnings)?);
    script.add(replace.bind(new.digest.to_vec()));
    Ok(())
}

fn rewrite(script: &mut Script, now: Timestamp, new: &WaybillRevision) -> Result<()> {
    if let Some(content) = &new.content {
        let keep = "INSERT INTO waybill_revisions (waybill, until, body) SELECT id, ?2, body FROM waybills WHERE id = ?1";
        script.add(bind_id(sqlx::query(keep), new.waybill.0).bind(now.0));
        let replace = "UPDATE waybills SET body = ?2 WHERE id = ?1";
        script.add(bind_id(sqlx::query(replace), new.waybill.0).bind(json(content)?));
    }
    if let Some(by) = new.by {
        let insert = "INSERT INTO waybill_documents (document, waybill) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        script.add(bind_id(bind_id(sqlx::query(insert), by.0), new.waybill.0));
    }
    Ok(())
}

/// Gives documents the guid under which they go out anew.
fn renew(script: &mut Script, changes: &[Change]) -> Result<()> {
    let rows: Vec<_> = changes.iter().flat_map(|change| &change.renewed).map(|(id, guid)| (hex(id.0), hex(guid.0))).collect();
    if !rows.is_empty() {
        let statement = "UPDATE documents SET guid = unhex(j.value->>1) FROM json_each(?1) j WHERE documents.id = unhex(j.value->>0)";
        script.add(sqlx::query(statement).bind(json(&rows)?));
    }
    Ok(())
}

/// Has new documents packed no earlier than they may be.
fn put_off(script: &mut Script, changes: &[Change]) -> Result<()> {
    for change in changes {
        let Some(at) = change.not_before.filter(|_| !change.created.is_empty()) else { continue };
        let ids: Vec<_> = change.created.iter().map(|document| hex(document.id.0)).collect();
        let statement = "UPDATE documents SET lease_until = ?2 FROM json_each(?1) j WHERE documents.id = unhex(j.value)";
        script.add(sqlx::query(statement).bind(json(&ids)?).bind(at.0));
    }
    Ok(())
}

fn sum(script: &mut Script, rows: &[&Summed]) {
    const UPSERT: Bulk = Bulk {
        before: "INSERT INTO summed (declaration, tenant, summary_no, seq_no, at, draft_no, port_no, customs_declaration_no, state) ",
        columns: 9,
        after: " ON CONFLICT (declaration) DO UPDATE SET summary_no = excluded.summary_no, seq_no = excluded.seq_no, at = excluded.at, \
                draft_no = excluded.draft_no, port_no = excluded.port_no, customs_declaration_no = excluded.customs_declaration_no, state = excluded.state WHERE summed.at <= excluded.at",
    };
    let bind = |query: Bound, row: &&Summed| {
        let query = bind_id(query, row.declaration.0).bind(row.tenant.as_str().to_owned()).bind(row.summary_no.clone());
        let query = query.bind(row.seq_no.clone()).bind(row.at.0).bind(row.draft_no.clone()).bind(row.port_no.clone());
        query.bind(row.customs_declaration_no.clone()).bind(row.state.clone())
    };
    script.rows(&UPSERT, rows, bind);
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
pub(super) fn deadlines<'a>(script: &mut Script, changes: impl IntoIterator<Item = &'a DeadlineChange>) {
    const SET: Bulk = Bulk {
        before: "INSERT INTO deadlines (declaration, kind, tenant, at) ",
        columns: 4,
        after: " ON CONFLICT (declaration, kind) DO UPDATE SET at = excluded.at",
    };
    let (mut set, mut met) = (Vec::new(), Vec::new());
    for change in changes {
        match change {
            DeadlineChange::Set(deadline) => set.push(deadline),
            DeadlineChange::Met(declaration, kind) => met.push((*declaration, *kind)),
        }
    }
    let bind = |query: Bound, deadline: &&Deadline| {
        let query = bind_id(query, deadline.declaration.0).bind(deadline.kind.as_str());
        query.bind(deadline.tenant.as_str().to_owned()).bind(deadline.at.0)
    };
    script.rows(&SET, &set, bind);
    for (declaration, kind) in met {
        let statement = sqlx::query("DELETE FROM deadlines WHERE declaration = ?1 AND kind = ?2");
        script.add(bind_id(statement, declaration.0).bind(kind.as_str()));
    }
}

fn deadline(row: &SqliteRow) -> Result<Deadline> {
    const TABLE: &str = "deadlines";
    Ok(Deadline {
        declaration: DeclarationId(id(TABLE, row, "declaration")?),
        tenant: tenant(TABLE, row.try_get("tenant")?)?,
        kind: DeadlineKind::parse(row.try_get("kind")?).ok_or_else(|| inconsistent(TABLE, "a kind"))?,
        at: Timestamp(row.try_get("at")?),
    })
}

/// Open deadlines, earliest first.
pub(super) async fn open(connection: &mut SqliteConnection, filter: &DeadlineFilter) -> Result<Vec<Deadline>> {
    let (at, after) = filter.after.map_or((i64::MIN, Vec::new()), |(at, id)| (at.0, id.0.as_bytes().to_vec()));
    let rows = sqlx::query(
        "SELECT declaration, kind, tenant, at FROM deadlines WHERE (at, declaration) > (?1, ?2) AND (?3 IS NULL OR tenant = ?3) \
         ORDER BY at, declaration, kind LIMIT ?4",
    )
    .bind(at)
    .bind(after)
    .bind(filter.tenant.as_ref().map(Tenant::as_str))
    .bind(filter.limit)
    .fetch_all(connection)
    .await?;
    rows.iter().map(deadline).collect()
}

/// The open deadlines of one declaration.
pub(super) async fn open_of(connection: &mut SqliteConnection, declaration: DeclarationId) -> Result<Vec<Deadline>> {
    let statement = "SELECT declaration, kind, tenant, at FROM deadlines WHERE declaration = ?1 ORDER BY at, kind";
    let rows = bind_id(sqlx::query(statement), declaration.0).fetch_all(connection).await?;
    rows.iter().map(deadline).collect()
}

const SUMMED: &str = "s.declaration, s.tenant, s.summary_no, s.seq_no, s.at, s.draft_no, s.port_no, s.customs_declaration_no, s.state";

fn summed(row: &SqliteRow) -> Result<Summed> {
    const TABLE: &str = "summed";
    Ok(Summed {
        declaration: DeclarationId(id(TABLE, row, "declaration")?),
        tenant: tenant(TABLE, row.try_get("tenant")?)?,
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
pub(super) async fn summed_of(connection: &mut SqliteConnection, declaration: DeclarationId) -> Result<Option<Summed>> {
    let statement = format!("SELECT {SUMMED} FROM summed s WHERE s.declaration = ?1");
    let row = bind_id(sqlx::query(sqlx::AssertSqlSafe(statement)), declaration.0).fetch_optional(connection).await?;
    row.as_ref().map(summed).transpose()
}

/// Whether a summary that stands names it; somebody else's, of which no document is kept, stands.
const APPLIED: &str = "EXISTS (SELECT 1 FROM follow_up_members m CROSS JOIN follow_ups f ON f.id = m.follow_up AND f.kind = 701 \
     LEFT JOIN documents o ON o.id = f.id WHERE m.declaration = d.id \
     AND (o.id IS NULL OR o.state NOT IN ('port_failed', 'refused', 'rejected', 'cancelled')))";

/// The declarations that results of summaries are about.
pub(super) async fn find_summed(connection: &mut SqliteConnection, many: &[SummedLookup]) -> Result<Vec<Vec<SummedFound>>> {
    let mut found = Vec::with_capacity(many.len());
    for asked in many {
        // Those that its lines name, and those that an earlier result of the same customs declaration named.
        let statement = format!(
            "SELECT d.id, d.tenant AS owner, {APPLIED} AS applied, {SUMMED} FROM ( \
               SELECT n.declaration AS id FROM json_each(?1) j CROSS JOIN numbers n ON n.number = j.value AND n.kind = 'inventory' WHERE n.declaration IS NOT NULL \
               UNION SELECT declaration FROM summed WHERE summary_no = ?2 AND seq_no = ?3 \
             ) k CROSS JOIN declarations d ON d.id = k.id LEFT JOIN summed s ON s.declaration = d.id ORDER BY d.id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(json(&asked.inventory_nos)?)
            .bind(asked.summary_no.as_str())
            .bind(asked.seq_no.as_str())
            .fetch_all(&mut *connection)
            .await?;
        let read = |row: &SqliteRow| {
            let known = optional_id("summed", row, "declaration")?;
            Ok::<_, Error>(SummedFound {
                declaration: DeclarationId(id("declarations", row, "id")?),
                tenant: tenant("declarations", row.try_get("owner")?)?,
                summed: known.map(|_| summed(row)).transpose()?,
                applied: row.try_get("applied")?,
            })
        };
        found.push(rows.iter().map(read).collect::<Result<Vec<_>>>()?);
    }
    Ok(found)
}
