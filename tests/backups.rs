//! What operations are told to back up can be restored: taken while the gateway runs, brought back elsewhere, the log whole, and a gateway
//! on it gives the answers that were given.

use std::{
    fs::File,
    process::{Command, Stdio},
};

use super::rig::{
    self,
    town::{Keeper, LONGEST, Town},
};

const ORDERS: usize = 60;

/// A town in which all has come to its end, with the ids that callers were told, and a gateway that still runs.
async fn lived(keeper: Keeper) -> (Town, rig::Program, rig::Program) {
    let town = Town::new(keeper, ORDERS);
    let (customs, serve) = (town.start("simulate", "tongguan", &[]), town.start("serve", "tongguan", &[]));
    for what in ["orders", "waybills"] {
        let mut submit = town.submit(what, &town.door());
        assert!(submit.wait(LONGEST).success(), "{}", submit.said());
    }
    town.all_closed().await;
    let sequenced = || async { town.verify().1.contains(", 0 waiting for a checkpoint") };
    rig::until(LONGEST, "every entry is under a checkpoint", sequenced).await;
    (town, customs, serve)
}

/// A gateway on what was restored: it goes on, and says of the same orders what was said before.
async fn goes_on(town: &Town, restored: &str) {
    let before = town.accepted("orders");
    let mut serve = town.start("serve", restored, &[]);
    let mut submit = town.submit("orders", &town.door());
    assert!(submit.wait(LONGEST).success(), "{}{}", submit.said(), serve.said());
    assert_eq!(town.accepted("orders"), before, "the same answers");
    assert!(!serve.ended(), "{}", serve.said());
    assert!(serve.stop().success());
}

fn whole(store: &str, town: &Town) -> String {
    let (whole, told) = rig::run(&["audit", "verify", "--store", store, "--key", &town.path("audit.vkey")]);
    assert!(whole, "{told}");
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_postgres_is_restored_elsewhere() {
    let (town, customs, serve) = lived(Keeper::postgres().await).await;
    let Keeper::Postgres { server, url } = &town.keeper else { unreachable!() };
    let dump = town.path("tongguan.dump");
    let dumped = server.program("pg_dump").args(["-Fc", url]).stdout(File::create(&dump).unwrap()).status().unwrap();
    assert!(dumped.success());
    let elsewhere = server.url(&server.create(None).await);
    let mut restore = server.program("pg_restore");
    restore.args(["--exit-on-error", "--no-owner", "-d", &elsewhere]);
    assert!(restore.stdin(Stdio::from(File::open(&dump).unwrap())).status().unwrap().success());
    let (told, before) = (whole(&elsewhere, &town), town.verify().1);
    assert_eq!(told.lines().next(), before.lines().next(), "the same log, to its root");
    assert!(serve.stop().success() && customs.stop().success());
    town.configure("restored", |config| config.store.postgres.as_mut().unwrap().url = elsewhere.as_str().into());
    goes_on(&town, "restored").await;
    whole(&elsewhere, &town);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_sqlite_is_restored_elsewhere() {
    let (town, customs, serve) = lived(Keeper::Sqlite).await;
    let copy = town.path("copy.db");
    // As `sqlite3 tongguan.db ".backup copy.db"` does it; the program is not on every machine.
    let backup = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))";
    let copied = Command::new("python3").args(["-c", backup]).arg(&town.config.store.file).arg(&copy).status();
    assert!(copied.unwrap().success());
    let told = whole(&copy, &town);
    assert_eq!(told.lines().next(), whole(town.config.store.file.to_str().unwrap(), &town).lines().next(), "the same log, to its root");
    assert!(serve.stop().success() && customs.stop().success());
    town.configure("restored", |config| config.store.file = copy.clone().into());
    goes_on(&town, "restored").await;
    whole(&copy, &town);
}
