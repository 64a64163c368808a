//! Between rows and types. Rows travel as one array for each column, and are taken apart by `unnest`.

use std::sync::LazyLock;

use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row, postgres::PgRow};
use uuid::Uuid;

use super::{papers, trying::Failed};
use crate::{
    audit::{Entry, leaf_hash},
    clock::Timestamp,
    declaration::{Action, DeclarationId, DocumentGuid, DocumentId, EnterpriseNo, InventoryNo, MessageId, PortNo},
    dossier::{Document, Dossier, LastWord},
    state::State,
    store::papers::Papers,
};

pub(super) use crate::store::reading::{count, digest, from_json, inconsistent, json, kind, queue_name, readable, state, tenant};

/// What a part of a command gives.
pub(super) type Result<T> = std::result::Result<T, Failed>;

/// One column of rows.
pub(super) fn column<'r, R, T>(rows: &'r [R], of: impl Fn(&'r R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

pub(super) const DOCUMENT: &str = "id, version, tenant, declaration, kind, action, guid, sender, road, enterprise_no, port_no, inventory_no, \
     state, verdict_code, verdict_at, verdict_info, needed_by, gate_at, lot, packed, port_failures, resent_at, message";

/// The columns of [`DOCUMENT`] in a statement that calls the table `d`.
pub(super) static DOCUMENT_OF_D: LazyLock<String> =
    LazyLock::new(|| DOCUMENT.split(", ").map(|column| format!("d.{column}")).collect::<Vec<_>>().join(", "));

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
        resent_at: cells.time()?,
        message: cells.take::<Option<Uuid>>()?.map(MessageId),
    })
}

fn last_word(cells: &mut Cells<'_>) -> Result<Option<LastWord>> {
    let (code, at, info) = (cells.take::<Option<String>>()?, cells.time()?, cells.take::<Option<String>>()?);
    Ok(code.zip(at).map(|(code, at)| LastWord { code, at, info: info.unwrap_or_default() }))
}

/// Inserts new documents, and their places among what is due and what waits.
pub(super) async fn insert_documents(connection: &mut PgConnection, documents: &[&Document]) -> Result<()> {
    if documents.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(
        "INSERT INTO documents (id, tenant, version, declaration, kind, action, guid, sender, road, enterprise_no, port_no, inventory_no, state, \
         verdict_code, verdict_at, verdict_info, needed_by, gate_at, lot, packed, port_failures, message) \
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::uuid[], $5::bigint[], $6::bigint[], $7::uuid[], $8::text[], $9::text[], \
         $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[], $16::text[], $17::bigint[], $18::bigint[], $19::uuid[], \
         $20::bigint[], $21::bigint[], $22::uuid[])",
    );
    let query = query
        .bind(column(documents, |document| document.id.0))
        .bind(column(documents, |document| document.tenant.as_str()))
        .bind(column(documents, |document| document.version))
        .bind(column(documents, |document| document.declaration.map(|id| id.0)))
        .bind(column(documents, |document| document.kind.number()))
        .bind(column(documents, |document| document.action.number()))
        .bind(column(documents, |document| document.guid.0))
        .bind(column(documents, |document| document.sender.as_str()))
        .bind(column(documents, |document| document.road.as_str()))
        .bind(column(documents, |document| document.enterprise_no.as_ref().map(|no| no.0.as_str())));
    bind_progress(query, documents).execute(&mut *connection).await?;
    line_up(connection, documents).await
}

/// Writes the mutable columns of documents whose rows are locked. What is no longer due loses its lease, so that a packer that has it
/// finds it gone.
pub(super) async fn update_documents(connection: &mut PgConnection, documents: &[&Document]) -> Result<()> {
    if documents.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(
        "UPDATE documents d SET version = d.version + 1, port_no = j.port_no, inventory_no = j.inventory_no, state = j.state, \
         verdict_code = j.code, verdict_at = j.at, verdict_info = j.info, needed_by = j.needed_by, gate_at = j.gate_at, lot = j.lot, \
         packed = j.packed, port_failures = j.port_failures, message = j.message \
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::bigint[], $9::bigint[], $10::uuid[], \
         $11::bigint[], $12::bigint[], $13::uuid[]) \
         AS j (id, port_no, inventory_no, state, code, at, info, needed_by, gate_at, lot, packed, port_failures, message) WHERE d.id = j.id",
    );
    let query = query.bind(column(documents, |document| document.id.0));
    bind_progress(query, documents).execute(&mut *connection).await?;
    leave(connection, &column(documents, |document| document.id.0)).await?;
    line_up(connection, documents).await
}

type Query = sqlx::query::Query<'static, Postgres, sqlx::postgres::PgArguments>;

/// What a document's life changes, in the order of the columns.
fn bind_progress(query: Query, documents: &[&Document]) -> Query {
    query
        .bind(column(documents, |document| document.port_no.as_ref().map(|no| no.0.as_str())))
        .bind(column(documents, |document| document.inventory_no.as_ref().map(|no| no.0.as_str())))
        .bind(column(documents, |document| document.state.as_str()))
        .bind(column(documents, |document| document.last_word.as_ref().map(|word| word.code.as_str())))
        .bind(column(documents, |document| document.last_word.as_ref().map(|word| word.at.0)))
        .bind(column(documents, |document| document.last_word.as_ref().map(|word| word.info.as_str())))
        .bind(column(documents, |document| document.needed_by.0))
        .bind(column(documents, |document| document.gate_at.map(|at| at.0)))
        .bind(column(documents, |document| document.lot))
        .bind(column(documents, |document| i64::from(document.packed)))
        .bind(column(documents, |document| i64::from(document.port_failures)))
        .bind(column(documents, |document| document.message.map(|id| id.0)))
}

/// Takes documents off the lists of what is due and what waits.
async fn leave(connection: &mut PgConnection, documents: &[Uuid]) -> Result<()> {
    sqlx::query("WITH gone AS (DELETE FROM gates WHERE document = ANY($1)) DELETE FROM due WHERE document = ANY($1)")
        .bind(documents)
        .execute(connection)
        .await?;
    Ok(())
}

/// Puts documents on the list of what is due or of what waits, as their state says.
async fn line_up(connection: &mut PgConnection, documents: &[&Document]) -> Result<()> {
    let due: Vec<_> = documents.iter().filter(|document| document.state == State::Due).copied().collect();
    if !due.is_empty() {
        sqlx::query(
            "INSERT INTO due (document, queue, needed_by, message) SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::uuid[])",
        )
        .bind(column(&due, |document| document.id.0))
        .bind(column(&due, |document| queue_name(document)))
        .bind(column(&due, |document| document.needed_by.0))
        .bind(column(&due, |document| document.message.map(|id| id.0)))
        .execute(&mut *connection)
        .await?;
    }
    let waits = |document: &&Document| Some((document.id.0, document.declaration?.0, document.gate_at?.0));
    let waiting: Vec<_> = documents.iter().filter(|document| document.state == State::Waiting).filter_map(waits).collect();
    if !waiting.is_empty() {
        sqlx::query("INSERT INTO gates (document, declaration, at) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[])")
            .bind(column(&waiting, |(document, ..)| *document))
            .bind(column(&waiting, |(_, declaration, _)| *declaration))
            .bind(column(&waiting, |(.., at)| *at))
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Entries in a row of what waits for its place.
const ENTRIES: usize = 1_000;

/// Writes audit entries; the sequencer gives them their place.
pub(super) async fn insert_entries(connection: &mut PgConnection, now: Timestamp, entries: &[&Entry]) -> Result<()> {
    for entries in entries.chunks(ENTRIES) {
        let bodies = column(entries, |entry| entry.to_leaf());
        let statement = "INSERT INTO audit_pending (at, id, ids, ats, tenants, subjects, acts, leaves, bodies) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        sqlx::query(statement)
            .bind(now.0)
            .bind(entries.first().map(|entry| entry.id))
            .bind(column(entries, |entry| entry.id))
            .bind(column(entries, |entry| entry.at.0))
            .bind(column(entries, |entry| entry.actor.tenant.as_str()))
            .bind(column(entries, |entry| entry.subject))
            .bind(column(entries, |entry| entry.act.as_str()))
            .bind(column(&bodies, |body| *leaf_hash(body).as_bytes()))
            .bind(&bodies)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Whether an entry has been written: asked only where an earlier try may have been committed.
pub(super) async fn is_told(connection: &mut PgConnection, entry: &Entry) -> Result<bool> {
    let statement = "SELECT EXISTS (SELECT 1 FROM audit_entries WHERE subject = $2 AND id = $1) OR EXISTS (SELECT 1 FROM audit_pending WHERE $1 = ANY(ids))";
    Ok(sqlx::query_scalar(statement).bind(entry.id).bind(entry.subject).fetch_one(connection).await?)
}

/// Reads declarations with their documents, in the order of `ids`; those that are not there are left out.
pub(super) async fn dossiers(connection: &mut PgConnection, known: &Papers, ids: &[Uuid]) -> Result<Vec<Dossier>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let known = papers::of(connection, known, ids).await?;
    let statement = "SELECT d.id, d.waybill_no FROM unnest($1::uuid[]) WITH ORDINALITY j (id, place) JOIN declarations d ON d.id = j.id ORDER BY j.place";
    let rows = sqlx::query(statement).bind(ids).fetch_all(&mut *connection).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let id: Uuid = row.try_get(0)?;
        // One that cannot be read was told and is left out.
        if let Some(paper) = known.get(&id) {
            found.push(paper.dossier(DeclarationId(id), row.try_get(1)?));
        }
    }
    let statement =
        format!("SELECT {} FROM unnest($1::uuid[]) j (id) JOIN documents d ON d.declaration = j.id ORDER BY d.id", DOCUMENT_OF_D.as_str());
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(ids).fetch_all(connection).await?;
    let mut places: std::collections::HashMap<_, _> = found.iter().enumerate().map(|(place, dossier)| (dossier.id, place)).collect();
    for row in &rows {
        let document = document(row)?;
        if let Some(dossier) = document.declaration.and_then(|id| places.get_mut(&id)).and_then(|place| found.get_mut(*place)) {
            dossier.documents.push(document);
        }
    }
    Ok(found)
}

/// Reads documents by id, in the order of `ids`; those that are not there are left out.
pub(super) async fn documents(connection: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Document>> {
    let columns = DOCUMENT_OF_D.as_str();
    let statement =
        format!("SELECT {columns} FROM unnest($1::uuid[]) WITH ORDINALITY j (id, place) JOIN documents d ON d.id = j.id ORDER BY j.place");
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(ids).fetch_all(connection).await?;
    rows.iter().map(document).collect()
}
