//! What only the store on SQLite has to do: one gateway to a file, a file that may be read beside it, and old files taken over.

use std::{sync::Arc, time::Duration};

use sqlx::{Connection, SqliteConnection, migrate::Migrator, sqlite::SqliteConnectOptions};
use tongguan::{
    audit::leaf_hash,
    declaration::DeclarationId,
    store::{Acceptance, Accepted, Error, ListFilter, Listed, Store, sqlite::Sqlite},
};
use uuid::Uuid;

use super::samples::{Maker, START};

#[tokio::test]
async fn a_store_is_served_by_one_and_is_no_other_programs() {
    let (folder, made) = (tempfile::tempdir().unwrap(), Maker::new(1));
    let file = folder.path().join("tongguan.db");
    let store = Sqlite::open(&file).await.unwrap();
    assert!(Sqlite::open(&file).await.is_err(), "another gateway has it");
    store.accept(START, vec![made.acceptance("O1", None)]).await.unwrap();
    std::fs::remove_file(&file).unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(store.accept(START, vec![made.acceptance("O2", None)]).await.is_err(), "what nobody could find again is not taken in");
    let foreign = folder.path().join("foreign.db");
    let output = std::process::Command::new("python3")
        .args(["-c", "import sqlite3,sys; sqlite3.connect(sys.argv[1]).execute('create table t(x)')"])
        .arg(&foreign)
        .status();
    if output.is_ok_and(|status| status.success()) {
        assert!(matches!(Sqlite::open(&foreign).await, Err(Error::Schema(_))));
    }
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_restart_and_readable_without_writing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tongguan.db");
    let made = Maker::new(1);
    let store = Sqlite::open(&file).await.unwrap();
    let first = made.acceptance("O1", None);
    let id = first.id;
    store.accept(START, vec![first]).await.unwrap();
    let beside = Sqlite::open_read_only(&file).await.unwrap();
    assert!(beside.show(None, id).await.unwrap().is_some(), "while another process writes");
    assert!(beside.accept(START, vec![made.acceptance("O2", None)]).await.is_err());
    drop(beside);
    drop(store);
    let reopened = Sqlite::open(&file).await.unwrap();
    assert_eq!(reopened.accept(START, vec![made.acceptance("O1", None)]).await.unwrap(), [Accepted::Again(id)]);
}

#[tokio::test]
async fn a_declaration_that_cannot_be_read_is_listed_as_such_and_ends_no_page() {
    let folder = tempfile::tempdir().unwrap();
    let (file, made) = (folder.path().join("tongguan.db"), Maker::new(1));
    let store = Sqlite::open(&file).await.unwrap();
    let many: Vec<_> = ["O1", "O2", "O3"].into_iter().map(|order_no| made.acceptance(order_no, None)).collect();
    let mut ids: Vec<_> = many.iter().map(|acceptance| acceptance.id).collect();
    ids.sort();
    store.accept(START, many).await.unwrap();
    drop(store);
    let mut raw = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&file)).await.unwrap();
    let spoil = sqlx::query("UPDATE declarations SET body = '{' WHERE id = ?1").bind(ids[1].0.as_bytes().to_vec());
    assert_eq!(spoil.execute(&mut raw).await.unwrap().rows_affected(), 1);
    drop(raw);
    let store = Sqlite::open(&file).await.unwrap();
    let page = |after| ListFilter { after, limit: 2, ..ListFilter::default() };
    let first = store.list(page(None)).await.unwrap();
    let read = |listed: &Listed| listed.dossiers.iter().map(|dossier| dossier.id).collect::<Vec<_>>();
    assert_eq!((read(&first), first.unreadable.clone(), first.len()), (vec![ids[0]], vec![ids[1]], 2));
    assert_eq!(read(&store.list(page(first.last)).await.unwrap()), [ids[2]], "what stands behind it is reached");
}

#[tokio::test]
async fn a_store_of_the_first_schema_is_taken_over_with_its_keys_and_its_waiting_entries() {
    let folder = tempfile::tempdir().unwrap();
    let (file, first) = (folder.path().join("tongguan.db"), folder.path().join("first"));
    std::fs::create_dir(&first).unwrap();
    let name = "migrations/sqlite/0001_first.sql";
    std::fs::copy(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name), first.join("0001_first.sql")).unwrap();
    let mut old = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&file).create_if_missing(true)).await.unwrap();
    Migrator::new(first).await.unwrap().run(&mut old).await.unwrap();
    let made = Maker::new(1);
    let (acceptance, entry) = (made.acceptance("O1", None), made.entry("accept", Uuid::from_u128(7)));
    for sql in [
        "PRAGMA application_id = 1413961561",
        "INSERT INTO declarations (id, tenant, accepted_at, needed_by, office, carrier, plan, warnings, body) \
         VALUES (?1, 'local', 1, 1, '5141', 'C', '{}', '[]', '{}')",
        "INSERT INTO numbers (number, kind, scope, holder, at, tenant, declaration) VALUES ('O1', 'order', '无|SELLER', x'', 1, 'local', ?1)",
        "INSERT INTO idempotency_keys VALUES ('local', 'tongguan:order:3:无|6:SELLER|2:O1', ?2, ?1), ('local', 'mine', ?2, ?1)",
        "INSERT INTO audit_pending VALUES (?1, ?3, 'local', ?1, 'accept', ?4)",
    ] {
        let query = sqlx::query(sql).bind(entry.subject.as_bytes().to_vec()).bind(vec![7_u8; 32]).bind(entry.at.0).bind(entry.to_leaf());
        query.execute(&mut old).await.unwrap();
    }
    old.close().await.unwrap();
    let store = Sqlite::open(&file).await.unwrap();
    let pending = store.pending_entries(10).await.unwrap();
    assert_eq!(pending.iter().map(|entry| entry.leaf).collect::<Vec<_>>(), [leaf_hash(&entry.to_leaf())]);
    let accepted = store.accept(START, vec![acceptance.clone(), Acceptance { idempotency_key: Some("mine".into()), ..acceptance }]).await;
    assert_eq!(accepted.unwrap(), [Accepted::Again(DeclarationId(entry.subject)); 2]);
}

#[tokio::test]
async fn a_full_store_refuses_and_keeps_what_it_has() {
    let (folder, made) = (tempfile::tempdir().unwrap(), Maker::new(1));
    let store = Arc::new(Sqlite::open_bounded(&folder.path().join("tongguan.db"), 2).await.unwrap());
    let mut kept = 0;
    let refused = loop {
        let many = (0..50).map(|n| made.acceptance(&format!("O{kept}-{n}"), None)).collect();
        match store.accept(START, many).await {
            Ok(answers) => kept += answers.len(),
            Err(error) => break error,
        }
        assert!(kept < 10_000, "it is never full");
    };
    assert!(matches!(refused, Error::Unavailable(_)), "{refused:?}");
    let all = store.list(ListFilter { limit: 10_000, ..Default::default() }).await.unwrap();
    assert_eq!(all.len(), kept, "nothing of what was refused, all of what was not");
    assert!(store.accept(START, vec![made.acceptance("O0-0", None)]).await.is_ok(), "what needs no room is answered");
}
