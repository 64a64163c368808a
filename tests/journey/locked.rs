//! What is kept raw is encrypted where there is a key; everything goes its way all the same, and the key can be changed.

use sqlx::{Connection, SqliteConnection};
use tongguan::vault::KeyOptions;

use super::*;

/// How many rows of raw bytes there are, and how many of them begin as XML does.
async fn raw(folder: &Path) -> (i64, i64) {
    let url = format!("sqlite://{}?mode=ro", folder.join("tongguan.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let statement = "SELECT count(*), count(*) FILTER (WHERE substr(bytes, 1, 1) = x'3c') FROM \
         (SELECT bytes FROM sealed UNION ALL SELECT bytes FROM arrival_bytes)";
    sqlx::query_as(statement).fetch_one(&mut connection).await.unwrap()
}

fn key(folder: &Path, name: &str) -> KeyOptions {
    let file = folder.join(name);
    let (made, said) = rig::run(&["key", "vault", file.to_str().unwrap()]);
    assert!(made, "{said}");
    KeyOptions { file: Some(file), environment: None }
}

/// Runs the command that brings everything under the first of these keys.
async fn reseal(config: &Config, folder: &Path, keys: Vec<KeyOptions>) -> (bool, String) {
    let mut config = config.clone();
    config.store.vault.keys = keys;
    let file = folder.join("reseal.toml");
    rig::write_config(&config, &file);
    tokio::task::spawn_blocking(move || rig::run(&["key", "reseal", "--config", file.to_str().unwrap()])).await.unwrap()
}

#[tokio::test]
async fn raw_messages_are_encrypted_and_their_key_can_be_changed() {
    let keys = tempfile::tempdir().unwrap();
    let (old, new) = (key(keys.path(), "old.key"), key(keys.path(), "new.key"));
    let town = open(|config| config.store.vault.keys = vec![old.clone()]).await;
    let (orders, waybills) = rig::many(12);
    let ids = town.submit(&orders).await;
    town.push(&waybills).await;
    town.closed(&ids).await;
    let config = town.config.clone();
    let (folder, report) = town.end().await;
    assert_eq!(report.closed, 12);
    let (rows, readable) = raw(folder.path()).await;
    assert!(rows > 4 && readable == 0, "{readable} of {rows} can be read");

    let (whole, said) = reseal(&config, folder.path(), vec![new.clone()]).await;
    assert!(!whole && said.contains(&format!("{rows} 份没有可用的密钥")), "{said}");
    let (whole, said) = reseal(&config, folder.path(), vec![new.clone(), old]).await;
    assert!(whole && said.contains(&format!("wrote {rows} anew, 0 open")), "{said}");
    let (whole, said) = reseal(&config, folder.path(), vec![new.clone()]).await;
    assert!(whole && said.contains("wrote 0 anew, 0 open"), "{said}");
    assert_eq!(raw(folder.path()).await, (rows, 0));
    let mut mistaken = config;
    mistaken.store.vault.keys = vec![KeyOptions { file: Some(keys.path().join("none.key")), environment: None }];
    assert!(Gateway::start(&mistaken, &Clockwork::system()).await.is_err(), "a key that is not there is no reason to write in the clear");
}
