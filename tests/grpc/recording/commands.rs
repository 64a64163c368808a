//! The same by the commands, from files.

use std::sync::Arc;

use tongguan::{
    exemption::{Override, Settings},
    grpc,
    party::Role,
    store::sqlite::Sqlite,
};

use super::{SELLER, closed, decided, today};
use crate::grpc::world::world_on;

/// What a run of the program wrote: to its output, and beside it.
async fn run(args: Vec<String>) -> (bool, String, String) {
    let run = move || std::process::Command::new(env!("CARGO_BIN_EXE_tongguan")).args(args).output().unwrap();
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_record_from_files_and_explain_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tongguan.db");
    let store = Arc::new(Sqlite::open(&file).await.unwrap());
    let given = Override { name: "test".into(), reason: "a test".into() };
    let settings = Settings { regime_override: Some(given), ..Settings::default() };
    let keys = [("acme", "acme", Role::Seller)];
    let world = world_on(store, Box::new(()), &keys, grpc::Options::default(), settings).await;
    closed(&world, today("A1")).await;
    let key = world.authorization("acme").trim_start_matches("Bearer ").to_owned();
    let send = async |what: &str, lines: &str| {
        let records = folder.path().join("records.jsonl");
        std::fs::write(&records, lines).unwrap();
        let server = format!("http://{}", world.address);
        let args = ["exemption", what, records.to_str().unwrap(), "--server", &server, "--key", &key];
        run(args.map(str::to_owned).to_vec()).await
    };
    let seller = format!(
        r#"{{"code":"{SELLER}","kind":"enterprise","role":"exporter","city":"广州","taxpayer":"general","platform_zone":"广州","platform_reg_no":"GZ-1"}}"#
    );
    let (good, told, _) = send("seller", &seller).await;
    assert!(good && told.starts_with("1: seller "), "{told}");
    let (good, told, _) = send("seller", &seller).await;
    assert!(good && told.starts_with("1: seller "), "the same again is harmless: {told}");
    let records = [
        r#"{"record":"registration","platform":"广州","confirmed_on":"2026-11-23","lines":[{"order_no":"A1","line":1,"record_no":"R-9","export_date":"2026-11-23","name":"手提包","unit":"011","quantity":"2","price":"49.99","amount":"99.98"}]}"#.to_owned(),
        format!(r#"{{"record":"statement","seller":"{SELLER}","from":"2026-11-01","to":"2026-11-23","signed_on":"2026-11-23","signed_by":"王小明"}}"#),
        r#"{"record":"evidence","orders":[{"order_no":"A1"}],"what":"contract","number":"C-1","on":"2026-11-01"}"#.to_owned(),
        String::new(),
        r#"{"record":"evidence","orders":[{"order_no":"A1","lines":[1]}],"what":"payment","number":"P-1","on":"2026-11-02"}"#.to_owned(),
    ];
    let (good, told, beside) = send("record", &records.join("\n")).await;
    assert!(good && told.lines().count() == 4 && told.contains("1 单 · orders, 1 行 · lines"), "{told}{beside}");
    decided(&world).await;
    let explain = ["exemption", "explain", "A1", "--store", file.to_str().unwrap()].map(str::to_owned).to_vec();
    let (good, page, beside) = run(explain).await;
    assert!(good, "{beside}");
    for told in ["EXEMPT_NO_INVOICE", "evidence-complete", "广州平台 R-9", "采购合同 2026-11-01", "无票声明 2026-11-23"] {
        assert!(page.contains(told), "{told} in {page}");
    }
    let (good, _, beside) =
        send("record", r#"{"record":"evidence","orders":[{"order_no":"B7"}],"what":"gift","number":"","on":"2026-11-31"}"#).await;
    assert!(!good && ["R-WORD", "R-TEXT", "R-DAY", "R-NO-ORDER"].iter().all(|rule| beside.contains(rule)), "{beside}");
    let (good, told, beside) = send("record", "{\"record\":\"gift\"}\n").await;
    assert!(!good && told.is_empty() && beside.contains("第 1 行"), "{told}{beside}");
    world.stop().await;
}
