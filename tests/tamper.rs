//! Whoever alters the log is found out: one byte, a row, an order of rows, the tail, a tile, a checkpoint.

use std::{fs, path::Path, sync::OnceLock};

use sqlx::{Connection, Row, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use super::rig;

/// A log with everything in it: full tiles, and entries and checkpoints after them. Made once by the demonstration.
pub fn demonstration() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let listen = format!("127.0.0.1:{}", rig::free_port());
            let (content, said) = rig::run(&["demo", "--exit", "--dir", folder.path().to_str().unwrap(), "--listen", &listen]);
            assert!(content, "{said}");
            folder
        })
        .path()
}

/// A copy as it is.
pub fn copy() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in rig::files(demonstration()) {
        let name = file.file_name().unwrap().to_str().unwrap();
        if name.contains(".db") || name.ends_with(".vkey") {
            fs::copy(&file, folder.path().join(name)).unwrap();
        }
    }
    folder
}

async fn open(folder: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(folder.join("tongguan.db"))).await.unwrap()
}

/// Looks into the database without leaving a trace beside it.
async fn ask(folder: &Path, sql: &'static str) -> i64 {
    let options = SqliteConnectOptions::new().filename(folder.join("tongguan.db")).immutable(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let answer = sqlx::query(sql).fetch_one(&mut connection).await.unwrap().get(0);
    connection.close().await.unwrap();
    answer
}

/// The number of an order in the demonstration's log that was declared.
pub fn an_order() -> String {
    let unexpected = tongguan::demo::expected();
    let orders = tongguan::demo::ORDERS.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mut numbers = orders.map(|order| order["order"]["order_no"].as_str().unwrap().to_owned());
    numbers.find(|number| !unexpected.contains_key(number.as_str())).unwrap()
}

/// The secret key of the demonstration's log.
pub fn log_key() -> std::path::PathBuf {
    rig::files(demonstration()).into_iter().find(|file| file.extension().is_some_and(|e| e == "logkey")).unwrap()
}

/// A copy, altered.
pub async fn altered(statements: &[&'static str]) -> TempDir {
    let folder = copy();
    let mut connection = open(folder.path()).await;
    for sql in statements {
        let done = sqlx::query(*sql).execute(&mut connection).await.unwrap();
        assert!(done.rows_affected() > 0, "{sql}");
    }
    connection.close().await.unwrap();
    folder
}

/// Alters a copy, and tells what the check says: whether it is content, and its words.
async fn checked(statements: &[&'static str]) -> (bool, String) {
    let folder = altered(statements).await;
    rig::run(&["audit", "verify", "--dir", folder.path().to_str().unwrap()])
}

/// The check must fail, and the first thing it names must be this.
async fn found(what: &str, statements: &[&'static str]) {
    let (content, said) = checked(statements).await;
    assert!(!content, "{what}: {said}");
    let first = said.lines().find(|line| line.contains("first at")).unwrap_or_else(|| panic!("{what}: {said}"));
    assert!(first.contains(&format!("({what}")), "{what}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unaltered_log_passes_from_a_copy_that_may_not_be_written() {
    let folder = copy();
    for file in rig::files(folder.path()) {
        let mut permissions = fs::metadata(&file).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&file, permissions).unwrap();
    }
    let (content, said) = rig::run(&["audit", "verify", "--dir", folder.path().to_str().unwrap()]);
    assert!(content && said.contains("the log is whole"), "{said}");
    assert!(ask(demonstration(), "SELECT count(*) FROM audit_tiles WHERE level = 0").await >= 2, "the log is too short to try tiles");
    assert!(ask(demonstration(), "SELECT count(*) FROM audit_entries").await > 520);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_of_an_entry_or_of_what_stands_beside_it_names_the_entry() {
    // One byte becomes another, somewhere in the middle of the body.
    found(
        "entry 300:",
        &["UPDATE audit_entries SET body = cast(substr(body, 1, length(body) / 2) || x'7e' \
           || substr(body, length(body) / 2 + 2) AS BLOB) WHERE position = 300"],
    )
    .await;
    found("entry 0:", &["UPDATE audit_entries SET body = cast(body || x'20' AS BLOB) WHERE position = 0"]).await;
    found("entry 7:", &["UPDATE audit_entries SET leaf = randomblob(32) WHERE position = 7"]).await;
    found("entry 12:", &["UPDATE audit_entries SET act = act || '2' WHERE position = 12"]).await;
    found("entry 13:", &["UPDATE audit_entries SET at = at + 1 WHERE position = 13"]).await;
    found("entry 14:", &["UPDATE audit_entries SET tenant = 'other' WHERE position = 14"]).await;
    found("entry 15:", &["UPDATE audit_entries SET subject = randomblob(16) WHERE position = 15"]).await;
    found("entry 17:", &["UPDATE audit_entries SET trace = randomblob(16) WHERE position = 17"]).await;
    found("entry 16:", &["UPDATE audit_entries SET id = randomblob(16) WHERE position = 16"]).await;
    // In the tail, which no full tile covers.
    found("entry 520:", &["UPDATE audit_entries SET body = cast(replace(body, 'a', 'b') AS BLOB) WHERE position = 520"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_removed_swapped_or_put_in_are_named() {
    found("entry 100:", &["DELETE FROM audit_entries WHERE position = 100"]).await;
    found("entry 0:", &["DELETE FROM audit_entries WHERE position = 0"]).await;
    found(
        "entry 40:",
        &[
            "UPDATE audit_entries SET position = -1 WHERE position = 40",
            "UPDATE audit_entries SET position = 40 WHERE position = 41",
            "UPDATE audit_entries SET position = 41 WHERE position = -1",
        ],
    )
    .await;
    // Removed, and the rest moved up, as somebody would who knows how positions run.
    found(
        "entry 50:",
        &[
            "DELETE FROM audit_entries WHERE position = 50",
            "UPDATE audit_entries SET position = -position WHERE position > 50",
            "UPDATE audit_entries SET position = -position - 1 WHERE position < -50",
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_cut_off_with_its_checkpoints_is_told_by_its_tiles_and_without_them_by_its_checkpoints() {
    let (content, said) =
        checked(&["DELETE FROM audit_entries WHERE position >= 200", "DELETE FROM audit_checkpoints WHERE size > 200"]).await;
    assert!(!content && said.contains("tile"), "{said}");
    let (content, said) = checked(&["DELETE FROM audit_entries WHERE position >= 200"]).await;
    assert!(!content && said.contains("(entries 200 to"), "{said}");
    let last = ask(demonstration(), "SELECT max(position) FROM audit_entries").await;
    let (content, said) = checked(&["DELETE FROM audit_entries WHERE position = (SELECT max(position) FROM audit_entries)"]).await;
    assert!(!content && said.contains(&format!("entry {last}")), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_and_checkpoints_that_were_altered_or_removed_are_named() {
    found("tile 0 of level 0", &["UPDATE audit_tiles SET hashes = randomblob(8192) WHERE level = 0 AND idx = 0"]).await;
    found("tile 1 of level 0", &["DELETE FROM audit_tiles WHERE level = 0 AND idx = 1"]).await;
    let size = ask(demonstration(), "SELECT min(size) FROM audit_checkpoints").await;
    let named = format!("checkpoint of {size} entries");
    let first = "WHERE size = (SELECT min(size) FROM audit_checkpoints)";
    let signature = "note = substr(note, 1, length(note) - 10) || CASE substr(note, length(note) - 9, 1) WHEN 'A' THEN 'B' ELSE 'A' END \
                     || substr(note, length(note) - 8)";
    for change in ["root = randomblob(32)", signature, "note = ''"] {
        let sql: &'static str = format!("UPDATE audit_checkpoints SET {change} {first}").leak();
        found(&named, &[sql]).await;
    }
    let (content, said) = checked(&["DELETE FROM audit_checkpoints"]).await;
    assert!(!content && said.contains("no checkpoint is signed"), "{said}");
}
