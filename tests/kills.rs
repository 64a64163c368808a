//! kill -9 of `serve` while 2,000 orders are submitted: nothing is lost, nothing declared twice, the log is whole.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc, time::Duration};

use serde_json::Value;
use sqlx::{Connection, Row, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::time::Instant;
use tongguan::{
    clock::{Clockwork, SeededEntropy, SystemClock},
    config::Config,
    declaration::Kind,
    simulator::{Delays, Oddities},
    state::State,
    store::{Store, sqlite::Sqlite},
};

use super::rig::{self, Program};

const ORDERS: usize = 2_000;
const KILLS: u64 = 20;
const SEED: u64 = 20_261_123;
/// Entries of the log that 2,000 orders write at least before the last kill: one for each order and waybill, and some for what follows.
const BUSY: u64 = 9_000;
const LONGEST: Duration = Duration::from_secs(300);

struct Town {
    folder: tempfile::TempDir,
    server: String,
}

impl Town {
    fn new() -> Self {
        let folder = rig::folder();
        let port = rig::free_port();
        let config = configuration(folder.path(), port);
        let file = folder.path().join("tongguan.toml");
        rig::write_config(&config, &file);
        assert_eq!(Config::load(&file).unwrap(), config);
        let (orders, waybills) = rig::many(ORDERS);
        rig::write_lines(&folder.path().join("orders.jsonl"), &orders);
        rig::write_lines(&folder.path().join("waybills.jsonl"), &waybills);
        Self { folder, server: format!("http://127.0.0.1:{port}") }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn start(&self, command: &str) -> Program {
        Program::start(&[command, "--config", &self.path("tongguan.toml")], &self.folder.path().join(format!("{command}.log")))
    }

    fn submit(&self, what: &str, flags: &[&str]) -> Program {
        let (file, report) = (self.path(&format!("{what}.jsonl")), self.path(&format!("{what}.report")));
        let common = ["submit", &file, "--server", &self.server, "--patience", "120", "--report", &report];
        Program::start(&[&common, flags].concat(), &self.folder.path().join(format!("{what}.log")))
    }

    /// How much has been written into the log: it grows with every step of every document.
    async fn steps(&self) -> u64 {
        let sql = "SELECT coalesce(max(position) + 1, 0) FROM audit_entries";
        self.ask(sql).await.map_or(0, |steps| u64::try_from(steps).unwrap())
    }

    /// A number from the database of the running gateway; nothing while it cannot be read.
    async fn ask(&self, sql: &'static str) -> Option<i64> {
        let options = SqliteConnectOptions::new().filename(self.path("tongguan.db")).read_only(true);
        let mut connection = SqliteConnection::connect_with(&options).await.ok()?;
        sqlx::query(sql).fetch_one(&mut connection).await.ok()?.try_get(0).ok()
    }

    fn verify(&self) -> (bool, String) {
        rig::run(&["audit", "verify", "--dir", &self.path("")])
    }
}

/// Leases and the role are short, so that what a killed process held is soon free.
fn configuration(folder: &Path, port: u16) -> Config {
    let mut config = rig::config(folder);
    config.grpc.listen = format!("127.0.0.1:{port}");
    config.simulator.delays = Delays { declaring_ms: 20, ..Delays::NONE };
    config.simulator.oddities = Oddities { late_ms: 200, ..Oddities::mild() };
    config.simulator.receipts_per_message = 100;
    config.simulator.poll_ms = 50;
    (config.packer.sign_s, config.packer.lease_s, config.packer.gather_ms) = (4, 8, 100);
    config.courier.send_s = 1;
    config.collector.lease_s = 4;
    config.audit.sequencer.role_s = 2;
    config.log.filter = "warn".to_owned();
    config
}

/// Runs `serve`, and kills it each time after a number of further steps that the seed tells.
async fn kill_again_and_again(town: &Town) -> u64 {
    let dice = Clockwork::new(Arc::new(SystemClock), Arc::new(SeededEntropy::new(SEED)));
    let mut while_submitting = 0;
    let mut submits = [town.submit("orders", &[]), town.submit("waybills", &["--waybills"])];
    for kill in 0..KILLS {
        let before = town.steps().await;
        let mut serve = town.start("serve");
        let goal = before + 1 + dice.below(BUSY / KILLS * 2);
        let began = Instant::now();
        let mut last = (before, began);
        // Where all waits for what was held by the one killed before, nothing moves: then that is the moment.
        while last.0 < goal && last.1.elapsed() < Duration::from_secs(3) {
            tokio::time::sleep(Duration::from_millis(3)).await;
            let steps = town.steps().await;
            if steps > last.0 {
                last = (steps, Instant::now());
            }
        }
        while_submitting += u64::from(submits.iter_mut().any(|submit| !submit.ended()));
        assert!(!serve.ended(), "kill {kill}: it ended by itself\n{}", serve.said());
        serve.kill();
        assert!(began.elapsed() < LONGEST, "kill {kill}");
    }
    let serve = town.start("serve");
    for submit in &mut submits {
        assert!(submit.wait(LONGEST).success(), "{}", submit.said());
    }
    let open = "SELECT count(*) FROM documents WHERE state != iif(kind = 603, 'closed', 'stored')";
    rig::until(LONGEST, "every list is closed, every order and waybill stored", || async { town.ask(open).await == Some(0) }).await;
    assert!(serve.stop().success());
    while_submitting
}

fn accepted(report: &str) -> BTreeSet<String> {
    let lines = fs::read_to_string(report).unwrap();
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["status"], "accepted", "{line}");
        value["id"].as_str().unwrap().to_owned()
    };
    lines.lines().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_lose_nothing_and_declare_nothing_twice() {
    let town = Town::new();
    let customs = town.start("simulate");
    let while_submitting = kill_again_and_again(&town).await;
    let said = town.folder.path().join("simulate.log");
    let customs_content = customs.stop().success();
    let customs_said = fs::read_to_string(said).unwrap();

    let store = Sqlite::open_read_only(&town.folder.path().join("tongguan.db")).await.unwrap();
    for (kind, state) in [(Kind::Order, State::Stored), (Kind::Waybill, State::Stored), (Kind::Inventory, State::Closed)] {
        let counts = store.counts(None).await.unwrap();
        let counted: Vec<_> = counts.iter().filter(|count| count.kind == kind).map(|count| (count.state, count.count)).collect();
        assert_eq!(counted, [(state, i64::try_from(ORDERS).unwrap())], "{kind:?}");
    }

    assert_eq!(rig::declared_twice(town.folder.path()), Vec::<String>::new());
    assert!(customs_content, "{customs_said}");
    assert!(customs_said.contains("declared twice 0") && customs_said.contains(&format!("closed {ORDERS}")), "{customs_said}");
    let taken = rig::taken(town.folder.path());
    for kind in Kind::OF_PARCEL {
        assert_eq!(rig::count(&taken, kind), ORDERS, "{kind:?} at customs");
    }
    let closed: BTreeSet<_> = rig::answered(town.folder.path())
        .into_iter()
        .filter(|receipt| receipt.code == "899")
        .collect::<Vec<_>>()
        .iter()
        .map(|receipt| rig::name_of_key(&receipt.key))
        .collect();
    assert_eq!(closed.len(), ORDERS, "lists that customs closed");

    for what in ["orders", "waybills"] {
        assert_eq!(accepted(&town.path(&format!("{what}.report"))).len(), ORDERS, "{what} accepted under ids of their own");
    }
    let (whole, told) = town.verify();
    assert!(whole && told.contains(", 0 waiting for a checkpoint"), "{told}");
    assert!(while_submitting >= 5, "only {while_submitting} kills met a submit");
}
