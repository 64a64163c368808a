//! A town for tests that kill: customs, callers and nodes as processes of their own, on SQLite or on a PostgreSQL of their own, and what
//! must be true of them in the end.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use sqlx::{Connection, PgConnection, Row, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tongguan::{
    config::Config,
    declaration::Kind,
    simulator::{Delays, Oddities},
    state::State,
    store::{Store, postgres, postgres::Postgres, sqlite::Sqlite},
};

use super::{
    Program,
    postgres::{Safety, Server},
};

/// Long enough for anything that ends by itself, on a machine that is busy.
pub const LONGEST: Duration = Duration::from_secs(300);

/// What the gateways keep things in.
pub enum Keeper {
    Sqlite,
    Postgres { server: Server, url: String },
}

impl Keeper {
    /// A PostgreSQL that keeps its word over a kill, with an empty database of the present schema.
    pub async fn postgres() -> Self {
        let server = Server::start(Safety::Durable);
        let name = server.create(None).await;
        let url = server.url(&name);
        postgres::migrate(&postgres::Options::at(&url)).await.unwrap();
        Self::Postgres { server, url }
    }

    pub fn server(&self) -> &Server {
        match self {
            Self::Postgres { server, .. } => server,
            Self::Sqlite => panic!("there is no server"),
        }
    }
}

/// The town. Its first configuration is that of customs, callers, and a gateway alone.
pub struct Town {
    pub folder: TempDir,
    pub keeper: Keeper,
    pub config: Config,
    orders: usize,
}

impl Town {
    /// With files of so many orders and their waybills.
    pub fn new(keeper: Keeper, orders: usize) -> Self {
        let folder = super::folder();
        let mut config = configuration(folder.path());
        if let Keeper::Postgres { url, .. } = &keeper {
            let reach = postgres::Options { connections: 8, patience_ms: 2_000, statement_ms: 5_000, ..postgres::Options::at(url) };
            config.store.postgres = Some(reach);
        }
        let (lines, waybills) = super::many(orders);
        super::write_lines(&folder.path().join("orders.jsonl"), &lines);
        super::write_lines(&folder.path().join("waybills.jsonl"), &waybills);
        let town = Self { folder, keeper, config, orders };
        town.configure("tongguan", |_| ());
        town
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes a configuration file that differs from the town's.
    pub fn configure(&self, name: &str, differs: impl FnOnce(&mut Config)) -> Config {
        let mut config = self.config.clone();
        differs(&mut config);
        let file = PathBuf::from(self.path(&format!("{name}.toml")));
        super::write_config(&config, &file);
        assert_eq!(Config::load(&file).unwrap(), config);
        config
    }

    /// Starts a command with the configuration file of that name.
    pub fn start(&self, command: &str, name: &str, more: &[&str]) -> Program {
        let file = self.path(&format!("{name}.toml"));
        let arguments = [&[command, "--config", &file], more].concat();
        Program::start(&arguments, &self.folder.path().join(format!("{command}-{name}.log")))
    }

    /// What a command with that configuration said, all its runs together.
    pub fn said(&self, command: &str, name: &str) -> String {
        fs::read_to_string(self.path(&format!("{command}-{name}.log"))).unwrap_or_default()
    }

    pub fn door(&self) -> String {
        format!("http://{}", self.config.grpc.listen)
    }

    /// Starts to submit one of the files at a door.
    pub fn submit(&self, what: &str, door: &str) -> Program {
        let (file, report) = (self.path(&format!("{what}.jsonl")), self.path(&format!("{what}.report")));
        let mut arguments = vec!["submit", &file, "--server", door, "--patience", "120", "--report", &report];
        if what == "waybills" {
            arguments.push("--waybills");
        }
        Program::start(&arguments, &self.folder.path().join(format!("{what}.log")))
    }

    /// How far the log has come: it grows with every step of every document.
    pub async fn steps(&self) -> u64 {
        let steps = match &self.keeper {
            Keeper::Sqlite => self.ask("SELECT coalesce(max(position) + 1, 0) FROM audit_entries").await,
            Keeper::Postgres { .. } => self.ask("SELECT coalesce(sum(cardinality(subjects)), 0)::bigint FROM audit_runs").await,
        };
        steps.map_or(0, |steps| u64::try_from(steps).unwrap())
    }

    /// A number from the database in use; nothing while it cannot be read.
    pub async fn ask(&self, sql: &'static str) -> Option<i64> {
        match &self.keeper {
            Keeper::Sqlite => {
                let options = SqliteConnectOptions::new().filename(&self.config.store.file).read_only(true);
                let mut connection = SqliteConnection::connect_with(&options).await.ok()?;
                sqlx::query(sql).fetch_one(&mut connection).await.ok()?.try_get(0).ok()
            }
            Keeper::Postgres { url, .. } => {
                let asked = async {
                    let mut connection = PgConnection::connect(url).await.ok()?;
                    let row = sqlx::query(sql).fetch_one(&mut connection).await.ok()?;
                    drop(connection.close().await);
                    row.try_get(0).ok()
                };
                tokio::time::timeout(Duration::from_secs(5), asked).await.ok().flatten()
            }
        }
    }

    /// Waits until every list is closed, every order and waybill stored.
    pub async fn all_closed(&self) {
        let open = "SELECT count(*) FROM documents WHERE state <> CASE kind WHEN 603 THEN 'closed' ELSE 'stored' END";
        let all = i64::try_from(self.orders * 3).unwrap();
        let is_done = || async { self.ask("SELECT count(*) FROM documents").await == Some(all) && self.ask(open).await == Some(0) };
        super::until(LONGEST, "every list is closed, every order and waybill stored", is_done).await;
    }

    async fn store(&self) -> Box<dyn Store> {
        match &self.keeper {
            Keeper::Sqlite => Box::new(Sqlite::open_read_only(&self.config.store.file).await.unwrap()),
            Keeper::Postgres { url, .. } => Box::new(Postgres::open_read_only(&postgres::Options::at(url)).await.unwrap()),
        }
    }

    /// Runs `audit verify` on what is kept.
    pub fn verify(&self) -> (bool, String) {
        let key = self.path("audit.vkey");
        match &self.keeper {
            Keeper::Sqlite => super::run(&["audit", "verify", "--dir", &self.path("")]),
            Keeper::Postgres { url, .. } => super::run(&["audit", "verify", "--store", url, "--key", &key]),
        }
    }

    /// Nothing was lost, nothing declared twice, and the log is whole. Customs has ended; what it said is believed only where the folders
    /// say the same.
    pub async fn is_whole(&self, customs_content: bool) {
        let orders = self.orders;
        let counts = self.store().await.counts(None).await.unwrap();
        for (kind, state) in [(Kind::Order, State::Stored), (Kind::Waybill, State::Stored), (Kind::Inventory, State::Closed)] {
            let counted: Vec<_> = counts.iter().filter(|count| count.kind == kind).map(|count| (count.state, count.count)).collect();
            assert_eq!(counted, [(state, i64::try_from(orders).unwrap())], "{kind:?}");
        }
        let folder = self.folder.path();
        assert_eq!(super::declared_twice(folder), Vec::<String>::new());
        let said = self.said("simulate", "tongguan");
        assert!(customs_content, "{said}");
        assert!(said.contains("declared twice 0") && said.contains(&format!("closed {orders}")), "{said}");
        let taken = super::taken(folder);
        for kind in Kind::OF_PARCEL {
            assert_eq!(super::count(&taken, kind), orders, "{kind:?} at customs");
        }
        let answered = super::answered(folder);
        let closed: BTreeSet<_> =
            answered.iter().filter(|receipt| receipt.code == "899").map(|receipt| super::name_of_key(&receipt.key)).collect();
        assert_eq!(closed.len(), orders, "lists that customs closed");
        for what in ["orders", "waybills"] {
            assert_eq!(self.accepted(what).len(), orders, "{what} accepted under ids of their own");
        }
        let (whole, told) = self.verify();
        assert!(whole && told.contains(", 0 waiting for a checkpoint"), "{told}");
    }

    /// The ids under which the callers were told that theirs were accepted.
    pub fn accepted(&self, what: &str) -> BTreeSet<String> {
        let lines = fs::read_to_string(self.path(&format!("{what}.report"))).unwrap();
        let line = |line: &str| {
            let value: Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["status"], "accepted", "{line}");
            value["id"].as_str().unwrap().to_owned()
        };
        lines.lines().map(line).collect()
    }
}

/// Leases, roles and turns are short, so that what a killed process held is soon free.
fn configuration(folder: &Path) -> Config {
    let mut config = super::config(folder);
    config.grpc.listen = format!("127.0.0.1:{}", super::free_port());
    config.simulator.delays = Delays { declaring_ms: 20, ..Delays::NONE };
    config.simulator.oddities = Oddities { late_ms: 200, ..Oddities::mild() };
    config.simulator.receipts_per_message = 100;
    config.simulator.poll_ms = 50;
    (config.packer.sign_s, config.packer.lease_s, config.packer.gather_ms) = (4, 8, 100);
    config.courier.send_s = 1;
    config.collector.lease_s = 4;
    (config.audit.sequencer.role_s, config.audit.sequencer.interval_ms) = (2, 50);
    (config.node.beat_ms, config.node.gone_s, config.node.turn_s) = (500, 3, 1);
    config.log.filter = "warn".to_owned();
    config
}
