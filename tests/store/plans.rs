//! No statement of the store goes through a whole table that grows: one that does costs nothing in a test and everything after a week. The
//! statements are read from the source and explained by the database itself; here by SQLite.

use std::{fs, path::Path};

use sqlx::{Connection, Row, SqliteConnection};
use tongguan::store::sqlite::Sqlite;

mod postgres;

/// Tables that grow with every declaration.
const GROWING: [&str; 22] = [
    "declarations",
    "documents",
    "waybills",
    "waybill_orders",
    "idempotency_keys",
    "numbers",
    "assessments",
    "messages",
    "sealed",
    "attempts",
    "arrivals",
    "arrival_bytes",
    "receipts",
    "audit_entries",
    "follow_ups",
    "follow_up_members",
    "deadlines",
    "records",
    "record_lines",
    "seller_periods",
    "waybill_documents",
    "proposals",
];
/// The beginnings of statements that may: they are asked once in a while, and answer about everything.
const MAY: [&str; 6] = [
    // `audit verify`.
    "SELECT d.id FROM declarations d WHERE NOT EXISTS (SELECT 1 FROM audit_entries",
    // `retention report`.
    "SELECT m.sealed_at AS at, octet_length",
    "SELECT a.at AS at, octet_length",
    "SELECT at, octet_length(body) AS bytes",
    "SELECT started_at AS at, octet_length",
    "SELECT at, octet_length(items)",
];
/// Fewer than are there: if no more are found, the reading is broken.
const AT_LEAST: usize = 100;

/// The string literals of a file that begin as statements do, put together as the compiler does.
fn statements(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('"') {
        let body = &rest[at + 1..];
        let mut escaped = false;
        let end = body.char_indices().find(|(_, c)| {
            let is_end = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            is_end
        });
        let Some((end, _)) = end else { break };
        let statement: Vec<_> = body[..end].split("\\\n").map(str::trim_start).collect();
        let statement = statement.concat();
        if ["SELECT ", "UPDATE ", "DELETE ", "WITH "].iter().any(|verb| statement.starts_with(verb)) && !statement.contains('{') {
            found.push(statement);
        }
        rest = &body[end + 1..];
    }
    found
}

#[tokio::test]
async fn no_statement_goes_through_a_table_that_grows() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tongguan.db");
    Sqlite::open(&file).await.map(drop).unwrap();
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}?mode=ro", file.display())).await.unwrap();
    // An index of what is open holds little, however much is kept.
    let open: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql LIKE '% WHERE %'")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let is_of_little =
        |step: &str| step.split_once(" INDEX ").is_some_and(|(_, rest)| open.iter().any(|name| rest.starts_with(name.as_str())));
    let (mut explained, mut wrong) = (0, Vec::new());
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/sqlite");
    for entry in fs::read_dir(sources).unwrap() {
        let path = entry.unwrap().path();
        for statement in statements(&fs::read_to_string(&path).unwrap()) {
            // Pieces of statements are none.
            let asked = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            let Ok(plan) = sqlx::query(asked).fetch_all(&mut connection).await else { continue };
            explained += 1;
            let steps: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
            let scans = steps.iter().filter(|step| {
                let table = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
                let grows = |growing: &str| table == growing || statement.contains(&format!(" {growing} {table} "));
                GROWING.iter().any(|growing| grows(growing)) && !is_of_little(step)
            });
            if scans.count() > 0 && !MAY.iter().any(|may| statement.starts_with(may)) {
                wrong.push(format!("{}: {statement}\n  {}", path.display(), steps.join("\n  ")));
            }
        }
    }
    assert!(explained >= AT_LEAST, "only {explained} statements were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_is_asked_seldom_is_found_by_its_index_in_the_order_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tongguan.db");
    Sqlite::open(&file).await.map(drop).unwrap();
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}?mode=ro", file.display())).await.unwrap();
    let entries = "FROM audit_entries WHERE ?6 IS NOT NULL";
    for (statement, index) in [
        (format!("SELECT position, body {entries} AND trace = ?10 AND position > ?7 ORDER BY position LIMIT ?6"), "audit_entries_trace"),
        (
            format!("SELECT position, body {entries} AND subject = ?10 AND trace IS NULL AND position > ?7 ORDER BY position LIMIT ?6"),
            "audit_entries_subject",
        ),
        (
            "SELECT DISTINCT c.declaration AS id FROM documents c CROSS JOIN declarations d ON d.id = c.declaration WHERE c.kind = 603 \
             AND (c.state = 'refused' OR c.state = 'rejected' OR c.state = 'port_failed' OR c.state = 'unmatched' \
             OR c.state = 'held' OR c.state = 'review' OR c.state = 'inspection' OR c.state = 'cancelled') AND c.state = ?4 \
             AND c.declaration > ?1 ORDER BY c.declaration LIMIT ?5"
                .to_owned(),
            "documents_seldom",
        ),
    ] {
        let plan = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"))).fetch_all(&mut connection).await.unwrap();
        let steps: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        assert!(steps.iter().any(|step| step.contains(&format!("INDEX {index} "))), "{statement}: {steps:?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE")), "{statement}: {steps:?}");
    }
}

#[test]
fn statements_are_read_as_the_compiler_reads_them() {
    assert_eq!(statements("a(\"SELECT 1 \\\n    FROM t\", \"no \\\" SELECT\", \"UPDATE {x}\")"), ["SELECT 1 FROM t"]);
}
