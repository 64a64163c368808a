//! Between rows and types. A row that is no value of its type names its table and column.

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

use crate::{
    audit::Entry,
    clock::Timestamp,
    declaration::{Action, DeclarationId, DocumentGuid, DocumentId, EnterpriseNo, InventoryNo, Kind, MessageId, PortNo},
    dossier::{Document, Dossier, LastWord},
    party::Tenant,
    state::State,
    store::{Error, Result},
};

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

/// A value as the JSON text that a statement takes apart.
pub(super) fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Unavailable(Box::new(error)))
}

/// A kept JSON text as a value.
pub(super) fn from_json<T: DeserializeOwned>(table: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Inconsistent { table, what: format!("a body: {error}") })
}

pub(super) fn inconsistent(table: &'static str, what: impl Into<String>) -> Error {
    Error::Inconsistent { table, what: what.into() }
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

pub(super) fn tenant(table: &'static str, name: &str) -> Result<Tenant> {
    Tenant::parse(name).ok_or_else(|| inconsistent(table, "a tenant's name"))
}

pub(super) fn kind(table: &'static str, number: i64) -> Result<Kind> {
    Kind::from_number(number).ok_or_else(|| inconsistent(table, format!("kind {number}")))
}

pub(super) fn count(table: &'static str, value: i64) -> Result<u32> {
    u32::try_from(value).map_err(|_| inconsistent(table, format!("count {value}")))
}

/// The name of what is packed together, and, last, whose it is: the tenants of a queue take turns.
pub(super) fn queue_name(document: &Document) -> String {
    let lot = document.lot.map(hex).unwrap_or_default();
    format!("{}/{}/{}/{lot}/{}", document.sender, document.kind.number(), document.road, document.tenant)
}

pub(super) const DOCUMENT: &str = "id, version, tenant, declaration, kind, action, guid, sender, road, enterprise_no, port_no, inventory_no, \
     state, verdict_code, verdict_at, verdict_info, needed_by, gate_at, lot, packed, port_failures, resent_at, message";

/// Reads the columns of [`DOCUMENT`].
pub(super) fn document(row: &SqliteRow) -> Result<Document> {
    const TABLE: &str = "documents";
    let state: &str = row.try_get("state")?;
    let code: Option<String> = row.try_get("verdict_code")?;
    let at: Option<i64> = row.try_get("verdict_at")?;
    let info: Option<String> = row.try_get("verdict_info")?;
    Ok(Document {
        id: DocumentId(id(TABLE, row, "id")?),
        version: row.try_get("version")?,
        tenant: tenant(TABLE, row.try_get("tenant")?)?,
        declaration: optional_id(TABLE, row, "declaration")?.map(DeclarationId),
        kind: kind(TABLE, row.try_get("kind")?)?,
        action: Action::from_number(row.try_get("action")?).ok_or_else(|| inconsistent(TABLE, "an action"))?,
        guid: DocumentGuid(id(TABLE, row, "guid")?),
        sender: row.try_get("sender")?,
        road: row.try_get("road")?,
        enterprise_no: row.try_get::<Option<String>, _>("enterprise_no")?.map(EnterpriseNo),
        port_no: row.try_get::<Option<String>, _>("port_no")?.map(PortNo),
        inventory_no: row.try_get::<Option<String>, _>("inventory_no")?.map(InventoryNo),
        state: State::parse(state).ok_or_else(|| inconsistent(TABLE, format!("state {state}")))?,
        last_word: code.zip(at).map(|(code, at)| LastWord { code, at: Timestamp(at), info: info.unwrap_or_default() }),
        needed_by: Timestamp(row.try_get("needed_by")?),
        gate_at: row.try_get::<Option<i64>, _>("gate_at")?.map(Timestamp),
        lot: optional_id(TABLE, row, "lot")?,
        packed: count(TABLE, row.try_get("packed")?)?,
        port_failures: count(TABLE, row.try_get("port_failures")?)?,
        resent_at: row.try_get::<Option<i64>, _>("resent_at")?.map(Timestamp),
        message: optional_id(TABLE, row, "message")?.map(MessageId),
    })
}

/// A document as it travels into a statement.
#[derive(Serialize)]
struct DocumentRow<'a> {
    id: String,
    version: i64,
    tenant: &'a str,
    declaration: Option<String>,
    kind: i64,
    action: i64,
    guid: String,
    sender: &'a str,
    road: &'a str,
    queue: String,
    enterprise_no: Option<&'a str>,
    port_no: Option<&'a str>,
    inventory_no: Option<&'a str>,
    state: &'a str,
    code: Option<&'a str>,
    at: Option<i64>,
    info: Option<&'a str>,
    needed_by: i64,
    gate_at: Option<i64>,
    lot: Option<String>,
    packed: u32,
    port_failures: u32,
    message: Option<String>,
}

/// Documents as the JSON text that a statement takes apart.
pub(super) fn documents_json<'a>(documents: impl Iterator<Item = &'a Document>) -> Result<String> {
    let rows: Vec<_> = documents
        .map(|document| DocumentRow {
            id: hex(document.id.0),
            version: document.version,
            tenant: document.tenant.as_str(),
            declaration: document.declaration.map(|id| hex(id.0)),
            kind: document.kind.number(),
            action: document.action.number(),
            guid: hex(document.guid.0),
            sender: &document.sender,
            road: &document.road,
            queue: queue_name(document),
            enterprise_no: document.enterprise_no.as_ref().map(|no| no.0.as_str()),
            port_no: document.port_no.as_ref().map(|no| no.0.as_str()),
            inventory_no: document.inventory_no.as_ref().map(|no| no.0.as_str()),
            state: document.state.as_str(),
            code: document.last_word.as_ref().map(|word| word.code.as_str()),
            at: document.last_word.as_ref().map(|word| word.at.0),
            info: document.last_word.as_ref().map(|word| word.info.as_str()),
            needed_by: document.needed_by.0,
            gate_at: document.gate_at.map(|at| at.0),
            lot: document.lot.map(hex),
            packed: document.packed,
            port_failures: document.port_failures,
            message: document.message.map(|id| hex(id.0)),
        })
        .collect();
    json(&rows)
}

/// Inserts new documents.
pub(super) async fn insert_documents<'a>(connection: &mut SqliteConnection, documents: impl Iterator<Item = &'a Document>) -> Result<()> {
    let rows = documents_json(documents)?;
    if rows == "[]" {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO documents (id, version, tenant, declaration, kind, action, guid, sender, road, queue, enterprise_no, port_no, \
         inventory_no, state, verdict_code, verdict_at, verdict_info, needed_by, gate_at, lot, packed, port_failures, message) \
         SELECT unhex(value->>'id'), value->>'version', value->>'tenant', unhex(value->>'declaration'), value->>'kind', value->>'action', \
         unhex(value->>'guid'), value->>'sender', value->>'road', value->>'queue', value->>'enterprise_no', value->>'port_no', \
         value->>'inventory_no', value->>'state', value->>'code', value->>'at', value->>'info', value->>'needed_by', value->>'gate_at', \
         unhex(value->>'lot'), value->>'packed', value->>'port_failures', unhex(value->>'message') FROM json_each(?1)",
    )
    .bind(rows)
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes audit entries into the waiting room of the log.
pub(super) async fn insert_entries<'a>(connection: &mut SqliteConnection, entries: impl Iterator<Item = &'a Entry>) -> Result<()> {
    let rows: Vec<_> = entries
        .map(|entry| {
            // A leaf is JSON, so UTF-8.
            let body = String::from_utf8_lossy(&entry.to_leaf()).into_owned();
            (hex(entry.id), entry.at.0, entry.actor.tenant.as_str(), hex(entry.subject), &entry.act, body)
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO audit_pending (id, at, tenant, subject, act, body) \
         SELECT unhex(value->>0), value->>1, value->>2, unhex(value->>3), value->>4, CAST(value->>5 AS BLOB) FROM json_each(?1) WHERE true \
         ON CONFLICT DO NOTHING",
    )
    .bind(json(&rows)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Reads declarations with their documents, in the order of `ids`; those that are not there are left out.
pub(super) async fn dossiers(connection: &mut SqliteConnection, ids: &[Uuid]) -> Result<Vec<Dossier>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let asked = json(&ids.iter().map(|id| hex(*id)).collect::<Vec<_>>())?;
    let rows = sqlx::query(
        "SELECT d.id, d.tenant, d.accepted_at, d.needed_by, d.waybill_no, d.plan, d.body FROM json_each(?1) j \
         CROSS JOIN declarations d ON d.id = unhex(j.value) ORDER BY j.key",
    )
    .bind(&asked)
    .fetch_all(&mut *connection)
    .await?;
    let mut found: Vec<_> = rows.iter().filter_map(|row| readable(dossier(row))).collect();
    let columns = DOCUMENT.split(", ").map(|column| format!("d.{column}")).collect::<Vec<_>>().join(", ");
    let statement = format!("SELECT {columns} FROM json_each(?1) j CROSS JOIN documents d ON d.declaration = unhex(j.value) ORDER BY d.id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(&asked).fetch_all(connection).await?;
    let mut places: std::collections::HashMap<_, _> = found.iter().enumerate().map(|(place, dossier)| (dossier.id, place)).collect();
    for row in &rows {
        let document = document(row)?;
        if let Some(dossier) = document.declaration.and_then(|id| places.get_mut(&id)).and_then(|place| found.get_mut(*place)) {
            dossier.documents.push(document);
        }
    }
    Ok(found)
}

/// A row that cannot be read must not hold up those beside it: it is told and left out.
pub(super) fn readable<T>(read: Result<T>) -> Option<T> {
    read.inspect_err(|error| tracing::error!(error = %error, "a row cannot be read and is left out")).ok()
}

fn dossier(row: &SqliteRow) -> Result<Dossier> {
    const TABLE: &str = "declarations";
    Ok(Dossier {
        id: DeclarationId(id(TABLE, row, "id")?),
        tenant: tenant(TABLE, row.try_get("tenant")?)?,
        accepted_at: Timestamp(row.try_get("accepted_at")?),
        needed_by: Timestamp(row.try_get("needed_by")?),
        declaration: Arc::new(from_json(TABLE, row.try_get("body")?)?),
        waybill_no: row.try_get("waybill_no")?,
        plan: from_json(TABLE, row.try_get("plan")?)?,
        documents: Vec::with_capacity(3),
    })
}

/// Reads documents by id, in the order of `ids`; those that are not there are left out.
pub(super) async fn documents(connection: &mut SqliteConnection, ids: &[Uuid]) -> Result<Vec<Document>> {
    let asked = json(&ids.iter().map(|id| hex(*id)).collect::<Vec<_>>())?;
    let columns = DOCUMENT.split(", ").map(|column| format!("d.{column}")).collect::<Vec<_>>().join(", ");
    let statement = format!("SELECT {columns} FROM json_each(?1) j CROSS JOIN documents d ON d.id = unhex(j.value) ORDER BY j.key");
    let rows = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(asked).fetch_all(connection).await?;
    rows.iter().map(document).collect()
}

/// Reads a digest of 32 bytes.
pub(super) fn digest(table: &'static str, bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| inconsistent(table, "a digest that is not 32 bytes"))
}
