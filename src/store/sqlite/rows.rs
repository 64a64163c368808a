//! Between rows and types. A row that is no value of its type names its table and column.

use std::sync::LazyLock;

use sqlx::{Row, Sqlite, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use super::{
    bulk::{Bound, Bulk, Script},
    papers::Papers,
    records,
};
use crate::{
    audit::{Entry, leaf_hash},
    clock::Timestamp,
    declaration::{Action, DeclarationId, DocumentGuid, DocumentId, EnterpriseNo, InventoryNo, MessageId, PortNo},
    dossier::{Document, Dossier, LastWord, Resent},
    store::{Result, silence},
};

pub(super) use crate::store::reading::{count, digest, from_json, inconsistent, json, kind, queue_name, readable, state, tenant, trace};

/// An id as it travels in JSON.
pub(super) fn hex(id: Uuid) -> String {
    id.simple().to_string()
}

/// Bytes as they travel in JSON.
pub(super) fn hex_bytes(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        text
    })
}

pub(super) fn uuid(table: &'static str, bytes: &[u8]) -> Result<Uuid> {
    Uuid::from_slice(bytes).map_err(|_| inconsistent(table, "an id that is not 16 bytes"))
}

/// Reads an id column.
pub(super) fn id(table: &'static str, row: &SqliteRow, column: &str) -> Result<Uuid> {
    uuid(table, row.try_get::<&[u8], _>(column)?)
}

/// Reads an id column that may be empty.
pub(super) fn optional_id(table: &'static str, row: &SqliteRow, column: &str) -> Result<Option<Uuid>> {
    row.try_get::<Option<&[u8]>, _>(column)?.map(|bytes| uuid(table, bytes)).transpose()
}

pub(super) const DOCUMENT: &str = "id, version, tenant, declaration, kind, action, guid, sender, road, enterprise_no, port_no, inventory_no, \
     state, verdict_code, verdict_at, verdict_info, needed_by, gate_at, lot, packed, port_failures, resent_at, copies, set_aside, message, on_hold";

/// The columns of [`DOCUMENT`] in a statement that calls the table `d`.
static DOCUMENT_OF_D: LazyLock<String> =
    LazyLock::new(|| DOCUMENT.split(", ").map(|column| format!("d.{column}")).collect::<Vec<_>>().join(", "));

/// The cells of a row from left to right: looking each up by its name costs more than reading it.
struct Cells<'r> {
    row: &'r SqliteRow,
    next: usize,
}

impl<'r> Cells<'r> {
    fn take<T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>>(&mut self) -> Result<T> {
        let value = self.row.try_get(self.next)?;
        self.next += 1;
        Ok(value)
    }

    fn id(&mut self) -> Result<Uuid> {
        uuid("documents", self.take()?)
    }

    fn optional_id(&mut self) -> Result<Option<Uuid>> {
        self.take::<Option<&[u8]>>()?.map(|bytes| uuid("documents", bytes)).transpose()
    }

    fn text(&mut self) -> Result<Option<String>> {
        self.take()
    }

    fn count(&mut self) -> Result<u32> {
        count("documents", self.take()?)
    }

    fn time(&mut self) -> Result<Option<Timestamp>> {
        Ok(self.take::<Option<i64>>()?.map(Timestamp))
    }
}

/// Reads a row that holds the columns of [`DOCUMENT`] and nothing before them.
pub(super) fn document(row: &SqliteRow) -> Result<Document> {
    const TABLE: &str = "documents";
    let mut cells = Cells { row, next: 0 };
    // Fields are read in the order in which they stand here: that of the columns.
    Ok(Document {
        id: DocumentId(cells.id()?),
        version: cells.take()?,
        tenant: tenant(TABLE, cells.take()?)?,
        declaration: cells.optional_id()?.map(DeclarationId),
        kind: kind(TABLE, cells.take()?)?,
        action: Action::from_number(cells.take()?).ok_or_else(|| inconsistent(TABLE, "an action"))?,
        guid: DocumentGuid(cells.id()?),
        sender: cells.take()?,
        road: cells.take()?,
        enterprise_no: cells.text()?.map(EnterpriseNo),
        port_no: cells.text()?.map(PortNo),
        inventory_no: cells.text()?.map(InventoryNo),
        state: state(cells.take()?)?,
        last_word: last_word(&mut cells)?,
        needed_by: Timestamp(cells.take()?),
        gate_at: cells.time()?,
        lot: cells.optional_id()?,
        packed: cells.count()?,
        port_failures: cells.count()?,
        resent: resent(&mut cells)?,
        message: cells.optional_id()?.map(MessageId),
        on_hold: cells.take()?,
    })
}

fn resent(cells: &mut Cells<'_>) -> Result<Option<Resent>> {
    let (at, copies, set_aside) = (cells.time()?, cells.count()?, cells.time()?);
    Ok(at.map(|at| Resent { at, copies, set_aside }))
}

fn last_word(cells: &mut Cells<'_>) -> Result<Option<LastWord>> {
    let (code, at, info) = (cells.text()?, cells.time()?, cells.text()?);
    Ok(code.zip(at).map(|(code, at)| LastWord { code, at, info: info.unwrap_or_default() }))
}

/// Inserts new documents.
pub(super) fn insert_documents<'a>(script: &mut Script, documents: impl Iterator<Item = &'a Document>) {
    const INSERT: Bulk = Bulk {
        before: "INSERT INTO documents (id, version, tenant, declaration, kind, action, guid, sender, road, queue, enterprise_no, port_no, \
                 inventory_no, state, verdict_code, verdict_at, verdict_info, needed_by, gate_at, lot, packed, port_failures, copies, set_aside, message, on_hold) ",
        columns: 26,
        after: "",
    };
    let rows: Vec<_> = documents.collect();
    let bind = |query: Bound, document: &&Document| {
        let query = bind_id(query, document.id.0)
            .bind(document.version)
            .bind(document.tenant.as_str())
            .bind(document.declaration.map(|id| id.0.as_bytes().to_vec()))
            .bind(document.kind.number())
            .bind(document.action.number());
        let query = bind_id(query, document.guid.0)
            .bind(document.sender.as_str())
            .bind(document.road.as_str())
            .bind(queue_name(document))
            .bind(document.enterprise_no.as_ref().map(|no| no.0.as_str()));
        bind_progress(query, document)
    };
    script.rows(&INSERT, &rows, bind);
}

/// Writes the mutable columns of documents. What is no longer due or is held back loses its lease, so that a packer that has it finds it gone.
pub(super) fn update_documents<'a>(script: &mut Script, documents: impl Iterator<Item = &'a Document>) {
    const UPDATE: Bulk = Bulk {
        before: "WITH j (id, queue, port_no, inventory_no, state, code, at, info, needed_by, gate_at, lot, packed, port_failures, copies, set_aside, message, on_hold) AS (",
        columns: 17,
        after: ") UPDATE documents SET version = version + 1, queue = j.queue, port_no = j.port_no, inventory_no = j.inventory_no, state = j.state, \
                verdict_code = j.code, verdict_at = j.at, verdict_info = j.info, needed_by = j.needed_by, gate_at = j.gate_at, lot = j.lot, \
                packed = j.packed, port_failures = j.port_failures, copies = j.copies, set_aside = j.set_aside, message = j.message, on_hold = j.on_hold, lease_token = NULL, lease_until = 0 \
                FROM j WHERE documents.id = j.id",
    };
    let rows: Vec<_> = documents.collect();
    let bind = |query: Bound, document: &&Document| bind_progress(bind_id(query, document.id.0).bind(queue_name(document)), document);
    script.rows(&UPDATE, &rows, bind);
}

/// What a document's life changes, in the order of the columns.
fn bind_progress(query: Bound, document: &Document) -> Bound {
    let word = document.last_word.as_ref();
    query
        .bind(document.port_no.as_ref().map(|no| no.0.as_str()))
        .bind(document.inventory_no.as_ref().map(|no| no.0.as_str()))
        .bind(document.state.as_str())
        .bind(word.map(|word| word.code.as_str()))
        .bind(word.map(|word| word.at.0))
        .bind(word.map(|word| word.info.as_str()))
        .bind(document.needed_by.0)
        .bind(document.gate_at.map(|at| at.0))
        .bind(document.lot.map(|id| id.as_bytes().to_vec()))
        .bind(document.packed)
        .bind(document.port_failures)
        .bind(document.resent.map_or(0, |resent| resent.copies))
        .bind(document.resent.and_then(|resent| resent.set_aside).map(|at| at.0))
        .bind(document.message.map(|id| id.0.as_bytes().to_vec()))
        .bind(document.on_hold)
}

pub(super) fn bind_id(query: Bound, id: Uuid) -> Bound {
    query.bind(id.as_bytes().to_vec())
}

/// Writes audit entries at the end of the log. There is one writer: entries stand in the order of their commits from the beginning,
/// and a checkpoint covers them a moment later.
pub(super) fn insert_entries<'a>(script: &mut Script, entries: impl Iterator<Item = &'a Entry>) {
    const INSERT: Bulk = Bulk {
        before: "WITH j (id, at, tenant, subject, act, trace, leaf, body) AS (",
        columns: 8,
        after: ") INSERT INTO audit_entries (position, id, at, tenant, subject, act, trace, leaf, body) SELECT \
                (SELECT coalesce(max(position), -1) FROM audit_entries) + row_number() OVER (), id, at, tenant, subject, act, trace, leaf, body FROM j",
    };
    if silence::is_kept() {
        return;
    }
    let entries: Vec<_> = entries.collect();
    let bind = |query: Bound, entry: &&Entry| {
        let body = entry.to_leaf();
        let leaf = leaf_hash(&body).as_bytes().to_vec();
        let query = bind_id(query, entry.id).bind(entry.at.0).bind(entry.actor.tenant.as_str());
        let trace = entry.actor.trace.map(|trace| trace.as_uuid().as_bytes().to_vec());
        bind_id(query, entry.subject).bind(entry.act.as_str()).bind(trace).bind(leaf).bind(body)
    };
    script.rows(&INSERT, &entries, bind);
}

/// Reads declarations with their documents, in the order of `ids`; those that are not there are left out.
pub(super) async fn dossiers(connection: &mut SqliteConnection, papers: &Papers, ids: &[Uuid]) -> Result<Vec<Dossier>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let asked = json(&ids.iter().map(|id| hex(*id)).collect::<Vec<_>>())?;
    let rows = sqlx::query(
        "SELECT d.id, d.waybill_no, d.revision FROM json_each(?1) j CROSS JOIN declarations d ON d.id = unhex(j.value) ORDER BY j.key",
    )
    .bind(&asked)
    .fetch_all(&mut *connection)
    .await?;
    let ids = rows.iter().map(|row| Ok((id("declarations", row, "id")?, row.try_get("revision")?))).collect::<Result<Vec<_>>>()?;
    let known = papers.of(connection, &ids).await?;
    let mut found = Vec::with_capacity(rows.len());
    for (row, (id, _)) in rows.iter().zip(ids) {
        // One that cannot be read was told and is left out.
        if let Some(paper) = known.get(&id) {
            found.push(paper.dossier(DeclarationId(id), row.try_get("waybill_no")?));
        }
    }
    let statement =
        format!("SELECT {} FROM json_each(?1) j CROSS JOIN documents d ON d.declaration = unhex(j.value)", DOCUMENT_OF_D.as_str());
    let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(&asked).fetch_all(&mut *connection).await?;
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
pub(super) async fn documents(connection: &mut SqliteConnection, ids: &[Uuid]) -> Result<Vec<Document>> {
    let asked = json(&ids.iter().map(|id| hex(*id)).collect::<Vec<_>>())?;
    let columns = DOCUMENT_OF_D.as_str();
    let statement = format!("SELECT {columns} FROM json_each(?1) j CROSS JOIN documents d ON d.id = unhex(j.value) ORDER BY j.key");
    let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(asked).fetch_all(connection).await?;
    rows.iter().map(document).collect()
}
