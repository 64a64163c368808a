//! Between rows and types. Rows travel as one array for each column, and are taken apart by `unnest`; from there every statement goes to
//! the tables one row at a time (`LATERAL … LIMIT`), by a key, whatever the statistics say: those of a table that has only just begun
//! would have it read whole.

use std::sync::LazyLock;

use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row, postgres::PgRow};
use uuid::Uuid;

use super::{papers, records, trying::Failed};
use crate::{
    audit::{Entry, leaf_hash},
    clock::Timestamp,
    declaration::{Action, DeclarationId, DocumentGuid, DocumentId, EnterpriseNo, InventoryNo, MessageId, PortNo},
    dossier::{Document, Dossier, LastWord, Resent},
    state::State,
    store::{papers::Papers, silence},
};

pub(super) use crate::store::reading::{count, digest, from_json, inconsistent, json, kind, queue_name, readable, state, tenant, trace};

/// What a part of a command gives.
pub(super) type Result<T> = std::result::Result<T, Failed>;

/// One column of rows.
pub(super) fn column<'r, R, T>(rows: &'r [R], of: impl Fn(&'r R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

pub(super) const DOCUMENT: &str = "id, version, tenant, declaration, kind, action, guid, sender, road, enterprise_no, port_no, inventory_no, \
     state, verdict_code, verdict_at, verdict_info, needed_by, gate_at, lot, packed, port_failures, resent_at, copies, set_aside, message, on_hold";

/// The cells of a row from left to right: looking each up by its name costs more than reading it.
struct Cells<'r> {
    row: &'r PgRow,
    next: usize,
}

impl<'r> Cells<'r> {
    fn take<T: sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>>(&mut self) -> Result<T> {
        let value = self.row.try_get(self.next)?;
        self.next += 1;
        Ok(value)
    }

    fn count(&mut self) -> Result<u32> {
        Ok(count("documents", self.take()?)?)
    }

    fn time(&mut self) -> Result<Option<Timestamp>> {
        Ok(self.take::<Option<i64>>()?.map(Timestamp))
    }
}

/// Reads a row that holds the columns of [`DOCUMENT`] and nothing before them.
pub(super) fn document(row: &PgRow) -> Result<Document> {
    const TABLE: &str = "documents";
    let mut cells = Cells { row, next: 0 };
    // Fields are read in the order in which they stand here: that of the columns.
    Ok(Document {
        id: DocumentId(cells.take()?),
        version: cells.take()?,
        tenant: tenant(TABLE, cells.take()?)?,
        declaration: cells.take::<Option<Uuid>>()?.map(DeclarationId),
        kind: kind(TABLE, cells.take()?)?,
        action: Action::from_number(cells.take()?).ok_or_else(|| inconsistent(TABLE, "an action"))?,
        guid: DocumentGuid(cells.take()?),
        sender: cells.take()?,
        road: cells.take()?,
        enterprise_no: cells.take::<Option<String>>()?.map(EnterpriseNo),
        port_no: cells.take::<Option<String>>()?.map(PortNo),
        inventory_no: cells.take::<Option<String>>()?.map(InventoryNo),
        state: state(cells.take()?)?,
        last_word: last_word(&mut cells)?,
        needed_by: Timestamp(cells.take()?),
        gate_at: cells.time()?,
        lot: cells.take()?,
        packed: cells.count()?,
        port_failures: cells.count()?,
        resent: resent(&mut cells)?,
        message: cells.take::<Option<Uuid>>()?.map(MessageId),
        on_hold: cells.take()?,
    })
}

fn resent(cells: &mut Cells<'_>) -> Result<Option<Resent>> {
    let (at, copies, set_aside) = (cells.time()?, cells.count()?, cells.time()?);
    Ok(at.map(|at| Resent { at, copies, set_aside }))
}

fn last_word(cells: &mut Cells<'_>) -> Result<Option<LastWord>> {
    let (code, at, info) = (cells.take::<Option<String>>()?, cells.time()?, cells.take::<Option<String>>()?);
    Ok(code.zip(at).map(|(code, at)| LastWord { code, at, info: info.unwrap_or_default() }))
}

/// Inserts new documents, and puts them on the lists of what is due and what waits.
pub(super) async fn insert_documents(connection: &mut PgConnection, documents: &[&Document]) -> Result<()> {
    if !documents.is_empty() {
        write_documents(connection, INSERT.as_str(), documents).await?;
    }
    Ok(())
}

/// Writes the mutable columns of documents, each of which must have the version that it says; tells whether all had. What is no longer due
/// or is held back loses its lease, so that a packer that has it finds it gone.
pub(super) async fn update_documents(connection: &mut PgConnection, documents: &[&Document]) -> Result<bool> {
    if documents.is_empty() {
        return Ok(true);
    }
    // Rows are locked one after the other: always in one order, so that two nodes wait for each other in one direction only.
    let mut documents = documents.to_vec();
    documents.sort_unstable_by_key(|document| document.id);
    let written = write_documents(connection, UPDATE.as_str(), &documents).await?;
    // One that was not there was inserted just now, under the version that it says.
    let versions: std::collections::HashMap<_, _> = written.into_iter().collect();
    Ok(documents.iter().all(|document| versions.get(&document.id.0) == Some(&(document.version + 1))))
}

/// How documents are written. The key alone leads to a row that is there, so that no plan can go astray; beside it the lists of what is due
/// and what waits, as the new state says.
fn writing(conflict: &str, leaving: &str) -> String {
    format!(
        "WITH written AS ( \
           INSERT INTO documents (id, tenant, version, declaration, kind, action, guid, sender, road, enterprise_no, port_no, inventory_no, state, \
             verdict_code, verdict_at, verdict_info, needed_by, gate_at, lot, packed, port_failures, copies, set_aside, message, on_hold) \
           SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::uuid[], $5::bigint[], $6::bigint[], $7::uuid[], $8::text[], $9::text[], \
             $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[], $16::text[], $17::bigint[], $18::bigint[], $19::uuid[], \
             $20::bigint[], $21::bigint[], $22::bigint[], $23::bigint[], $24::uuid[], $25::boolean[]) {conflict} RETURNING id, version \
         ), {leaving} due_now AS ( \
           INSERT INTO due (document, queue, needed_by, message) SELECT * FROM unnest($26::uuid[], $27::text[], $28::bigint[], $29::uuid[]) \
           ON CONFLICT (document) DO UPDATE SET queue = excluded.queue, needed_by = excluded.needed_by, message = excluded.message, \
             lease_token = NULL, lease_until = 0 \
         ), waiting_now AS ( \
           INSERT INTO gates (document, declaration, at) SELECT * FROM unnest($30::uuid[], $31::uuid[], $32::bigint[]) \
           ON CONFLICT (document) DO UPDATE SET declaration = excluded.declaration, at = excluded.at \
         ) SELECT id, version FROM written"
    )
}

static INSERT: LazyLock<String> = LazyLock::new(|| writing("", ""));
static UPDATE: LazyLock<String> = LazyLock::new(|| {
    writing(
        "ON CONFLICT (tenant, id) DO UPDATE SET version = documents.version + 1, port_no = excluded.port_no, inventory_no = excluded.inventory_no, \
         state = excluded.state, verdict_code = excluded.verdict_code, verdict_at = excluded.verdict_at, verdict_info = excluded.verdict_info, \
         needed_by = excluded.needed_by, gate_at = excluded.gate_at, lot = excluded.lot, packed = excluded.packed, \
         port_failures = excluded.port_failures, copies = excluded.copies, set_aside = excluded.set_aside, message = excluded.message, on_hold = excluded.on_hold WHERE documents.version = excluded.version",
        "not_due AS (DELETE FROM due WHERE document = ANY($33)), not_waiting AS (DELETE FROM gates WHERE document = ANY($34)),",
    )
});

async fn write_documents(connection: &mut PgConnection, statement: &'static str, documents: &[&Document]) -> Result<Vec<(Uuid, i64)>> {
    let is_due = |document: &Document| document.state == State::Due && !document.on_hold;
    let due: Vec<_> = documents.iter().filter(|document| is_due(document)).copied().collect();
    let waits = |document: &&Document| Some((document.id.0, document.declaration.map(|id| id.0), document.gate_at?.0));
    let waiting: Vec<_> = documents.iter().filter(|document| document.state == State::Waiting).filter_map(waits).collect();
    let word = |document: &&Document| document.last_word.clone();
    let words = column(documents, word);
    let query = sqlx::query_as(statement)
        .bind(column(documents, |document| document.id.0))
        .bind(column(documents, |document| document.tenant.as_str()))
        .bind(column(documents, |document| document.version))
        .bind(column(documents, |document| document.declaration.map(|id| id.0)))
        .bind(column(documents, |document| document.kind.number()))
        .bind(column(documents, |document| document.action.number()))
        .bind(column(documents, |document| document.guid.0))
        .bind(column(documents, |document| document.sender.as_str()))
        .bind(column(documents, |document| document.road.as_str()))
        .bind(column(documents, |document| document.enterprise_no.as_ref().map(|no| no.0.as_str())))
        .bind(column(documents, |document| document.port_no.as_ref().map(|no| no.0.as_str())))
        .bind(column(documents, |document| document.inventory_no.as_ref().map(|no| no.0.as_str())))
        .bind(column(documents, |document| document.state.as_str()))
        .bind(column(&words, |word| word.as_ref().map(|word| word.code.as_str())))
        .bind(column(&words, |word| word.as_ref().map(|word| word.at.0)))
        .bind(column(&words, |word| word.as_ref().map(|word| word.info.as_str())))
        .bind(column(documents, |document| document.needed_by.0))
        .bind(column(documents, |document| document.gate_at.map(|at| at.0)))
        .bind(column(documents, |document| document.lot))
        .bind(column(documents, |document| i64::from(document.packed)))
        .bind(column(documents, |document| i64::from(document.port_failures)))
        .bind(column(documents, |document| document.resent.map_or(0, |resent| i64::from(resent.copies))))
        .bind(column(documents, |document| document.resent.and_then(|resent| resent.set_aside).map(|at| at.0)))
        .bind(column(documents, |document| document.message.map(|id| id.0)))
        .bind(column(documents, |document| document.on_hold))
        .bind(column(&due, |document| document.id.0))
        .bind(column(&due, |document| queue_name(document)))
        .bind(column(&due, |document| document.needed_by.0))
        .bind(column(&due, |document| document.message.map(|id| id.0)))
        .bind(column(&waiting, |(document, ..)| *document))
        .bind(column(&waiting, |(_, declaration, _)| *declaration))
        .bind(column(&waiting, |(.., at)| *at));
    let query = if statement == UPDATE.as_str() {
        let others = |is_listed: &dyn Fn(&Document) -> bool| {
            documents.iter().filter(|document| !is_listed(document)).map(|document| document.id.0).collect::<Vec<_>>()
        };
        let is_waiting = |document: &Document| document.state == State::Waiting && document.gate_at.is_some();
        query.bind(others(&is_due)).bind(others(&is_waiting))
    } else {
        query
    };
    Ok(query.fetch_all(connection).await?)
}

/// Entries in a run.
const ENTRIES: usize = 1_000;

/// Writes audit entries; the sequencer gives them their place.
pub(super) async fn insert_entries(connection: &mut PgConnection, now: Timestamp, entries: &[&Entry]) -> Result<()> {
    if silence::is_kept() {
        return Ok(());
    }
    for entries in entries.chunks(ENTRIES) {
        let bodies = column(entries, |entry| entry.to_leaf());
        let subjects = column(entries, |entry| entry.subject);
        let traces = named(column(entries, |entry| entry.actor.trace.map(|trace| trace.as_uuid())));
        let mut distinct = subjects.clone();
        distinct.sort_unstable();
        distinct.dedup();
        sqlx::query(
            "WITH run AS (INSERT INTO audit_runs (id, ids, ats, tenants, subjects, acts, leaves, bodies, traces) \
                          VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $11)), \
             traced AS (INSERT INTO audit_traces (trace, run) SELECT DISTINCT trace, $1 FROM unnest($11::uuid[]) AS u (trace) WHERE trace IS NOT NULL), \
             told AS (INSERT INTO audit_subjects (subject, run) SELECT subject, $1 FROM unnest($9::uuid[]) AS u (subject)) \
             INSERT INTO audit_waiting (at, run) VALUES ($10, $1)",
        )
        .bind(entries.first().map(|entry| entry.id))
        .bind(column(entries, |entry| entry.id))
        .bind(column(entries, |entry| entry.at.0))
        .bind(column(entries, |entry| entry.actor.tenant.as_str()))
        .bind(subjects)
        .bind(column(entries, |entry| entry.act.as_str()))
        .bind(column(&bodies, |body| *leaf_hash(body).as_bytes()))
        .bind(&bodies)
        .bind(distinct)
        .bind(now.0)
        .bind(traces)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The traces of a run as they are kept: nothing where no entry names one.
pub(super) fn named(traces: Vec<Option<Uuid>>) -> Option<Vec<Option<Uuid>>> {
    traces.iter().any(Option::is_some).then_some(traces)
}

/// Whether an entry has been written: asked only where an earlier try may have been committed.
pub(super) async fn is_told(connection: &mut PgConnection, entry: &Entry) -> Result<bool> {
    let statement =
        "SELECT coalesce(bool_or($1 = ANY(r.ids)), false) FROM audit_subjects s JOIN audit_runs r ON r.id = s.run WHERE s.subject = $2";
    Ok(sqlx::query_scalar(statement).bind(entry.id).bind(entry.subject).fetch_one(connection).await?)
}

/// Takes back what a command has written so far, and begins it anew: it is to do nothing.
pub(super) async fn take_back(connection: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql("ROLLBACK AND CHAIN").execute(connection).await?;
    Ok(())
}

/// Reads declarations with their documents, in the order of `ids`; those that are not there are left out.
pub(super) async fn dossiers(connection: &mut PgConnection, known: &Papers, ids: &[Uuid]) -> Result<Vec<Dossier>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let statement = "SELECT j.id, d.waybill_no, d.revision FROM unnest($1::uuid[]) AS j (id) \
         CROSS JOIN LATERAL (SELECT waybill_no, revision FROM declarations WHERE id = j.id LIMIT 1) d";
    let rows: Vec<(Uuid, Option<String>, i64)> = sqlx::query_as(statement).bind(ids).fetch_all(&mut *connection).await?;
    let known = papers::of(connection, known, &column(&rows, |(id, _, revision)| (*id, *revision))).await?;
    let mut found = Vec::with_capacity(rows.len());
    for (id, waybill_no, _) in rows {
        // One that cannot be read was told and is left out.
        if let Some(paper) = known.get(&id) {
            found.push(paper.dossier(DeclarationId(id), waybill_no));
        }
    }
    let statement = format!(
        "SELECT d.* FROM unnest($1::uuid[]) AS j (id) CROSS JOIN LATERAL (SELECT {DOCUMENT} FROM documents WHERE declaration = j.id OFFSET 0) d"
    );
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(ids).fetch_all(&mut *connection).await?;
    let mut places: std::collections::HashMap<_, _> = found.iter().enumerate().map(|(place, dossier)| (dossier.id, place)).collect();
    for row in &rows {
        let document = document(row)?;
        if let Some(dossier) = document.declaration.and_then(|id| places.get_mut(&id)).and_then(|place| found.get_mut(*place)) {
            dossier.documents.push(document);
        }
    }
    for dossier in &mut found {
        dossier.documents.sort_unstable_by_key(|document| document.id);
    }
    records::fill(connection, &mut found).await?;
    Ok(found)
}

/// Reads documents by id, in the order of `ids`; those that are not there are left out.
pub(super) async fn documents(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Document>> {
    let statement = format!(
        "SELECT d.* FROM unnest($1::uuid[]) AS j (id) CROSS JOIN LATERAL (SELECT {DOCUMENT} FROM documents WHERE id = j.id LIMIT 1) d"
    );
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(ids).fetch_all(connection).await?;
    rows.iter().map(document).collect()
}
