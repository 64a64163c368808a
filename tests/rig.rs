//! What the black-box tests stand on: a folder with keys and a configuration, orders by the hundred, the program as a child
//! process, and a reading of the customs' folders that does not trust the program's own counts.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::time::Instant;
use tongguan::{
    audit::LogKey,
    clock::{Clockwork, Timestamp, day_to_wire},
    config::Config,
    declaration::{Action, Kind, draft},
    demo,
    message::{self, RequestContent, dxp},
    receipt::{Answer, Key, Receipt},
    signers,
};

pub mod http;
pub mod postgres;
pub mod proxy;
pub mod town;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tongguan");

/// A folder with the keys that the demonstration's configuration names.
pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let clockwork = Clockwork::system();
    let keys = folder.path().join("keys");
    fs::create_dir_all(&keys).unwrap();
    for (name, _, firm) in demo::KEYS {
        let (key, certificate) = signers::new_key(&clockwork, firm, 30).unwrap();
        signers::write_key(&keys, name, &key, &certificate).unwrap();
    }
    let log = LogKey::new(demo::LOG, &[7; 32]).unwrap();
    fs::write(folder.path().join("audit.logkey"), log.to_secret_text()).unwrap();
    fs::write(folder.path().join("audit.vkey"), log.verifier().to_string()).unwrap();
    folder
}

/// The demonstration's configuration, with customs that loses no time and no whims.
pub fn config(folder: &Path) -> Config {
    let mut config = demo::configuration(folder, "127.0.0.1:0", 5).unwrap();
    config.simulator.delays = tongguan::simulator::Delays::NONE;
    config.simulator.oddities = tongguan::simulator::Oddities::none();
    config.simulator.poll_ms = 10;
    config.collector.poll_ms = 20;
    config.packer.poll_ms = 50;
    config.courier.poll_ms = 50;
    config.gatekeeper.poll_ms = 100;
    config
}

/// Writes a configuration as TOML.
pub fn write_config(config: &Config, file: &Path) {
    let Value::Object(parts) = serde_json::to_value(config).unwrap() else { panic!("a configuration is a table") };
    let lines: Vec<_> =
        parts.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| format!("{name} = {}\n", toml(value))).collect();
    fs::write(file, lines.concat()).unwrap();
}

/// A value as TOML on one line; the strings of JSON are strings of TOML.
fn toml(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        // A variant that may hold something and does not: `send`.
        Value::Object(fields) if fields.len() == 1 && fields.values().all(Value::is_null) => {
            fields.keys().map(|name| Value::from(name.as_str()).to_string()).collect()
        }
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            let fields: Vec<_> = fields.map(|(name, value)| format!("{} = {}", Value::from(name.as_str()), toml(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

/// The good orders of the demonstration, `count` of them, renumbered round by round, and their waybills; as the lines of files.
pub fn many(count: usize) -> (Vec<Value>, Vec<Value>) {
    let expected = demo::expected();
    let read = |text: &'static str| text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let good: Vec<_> = read(demo::ORDERS).filter(|order| !expected.contains_key(order["order"]["order_no"].as_str().unwrap())).collect();
    let waybills: Vec<_> = read(demo::WAYBILLS).collect();
    let of = |order: &Value| {
        let names = |waybill: &&Value| match waybill.get("order") {
            Some(named) => named["order_no"] == order["order"]["order_no"],
            None => waybill["waybill_no"] == order["inventory"]["waybill_no"],
        };
        waybills.iter().find(names).unwrap().clone()
    };
    let today = day_to_wire(Clockwork::system().now().day());
    let mut made = (Vec::new(), Vec::new());
    for number in 0..count {
        let mut order = good[number % good.len()].clone();
        let mut waybill = of(&order);
        let round = format!("R{}", number / good.len());
        let renumber = |value: Option<&mut Value>| {
            if let Some(value) = value {
                *value = format!("{}{round}", value.as_str().unwrap()).into();
            }
        };
        for pointer in ["/idempotency_key", "/order/order_no", "/inventory/waybill_no"] {
            renumber(order.pointer_mut(pointer));
        }
        for pointer in ["/waybill_no", "/order/order_no"] {
            renumber(waybill.pointer_mut(pointer));
        }
        order["inventory"]["exit_date"] = today.clone().into();
        made.0.push(order);
        made.1.push(waybill);
    }
    made
}

/// An order of a file as it is submitted, and its key.
pub fn draft_of(order: &Value) -> (draft::Declaration, String) {
    let mut order = order.clone();
    let key = order.as_object_mut().unwrap().remove("idempotency_key").unwrap();
    (serde_json::from_value(order).unwrap(), key.as_str().unwrap().to_owned())
}

/// A waybill of a file as it is pushed.
pub fn waybill_of(waybill: &Value) -> draft::Waybill {
    serde_json::from_value(waybill.clone()).unwrap()
}

/// Writes lines of JSON.
pub fn write_lines(file: &Path, lines: &[Value]) {
    fs::write(file, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

/// A child process, killed when it is dropped.
pub struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts the program; what it says goes to a file beside `log`.
    pub fn start(arguments: &[&str], log: &Path) -> Self {
        let out = fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let err = out.try_clone().unwrap();
        let mut command = Command::new(PROGRAM);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TONGGUAN_") {
                command.env_remove(name);
            }
        }
        let child = command.args(arguments).stdin(Stdio::null()).stdout(out).stderr(err).spawn().unwrap();
        Self { child, log: log.to_owned() }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it without a chance to say anything: SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) -> ExitStatus {
        let asked = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.child.id())).status().unwrap();
        assert!(asked.success());
        self.wait(Duration::from_secs(60))
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self, longest: Duration) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < longest, "it does not end:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// What it said.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already: then there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs the program to its end: whether it was content, and what it said.
pub fn run(arguments: &[&str]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(arguments, &folder.path().join("said"));
    let status = program.wait(Duration::from_secs(300));
    (status.success(), program.said())
}

/// A port on which nobody listens now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until something is so; `told` says how far it is when it takes too long.
pub async fn until<F: Future<Output = bool>>(longest: Duration, what: &str, mut is_so: impl FnMut() -> F) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < longest, "waited {longest:?} for: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The whole files of a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file() && !path.file_name().unwrap().to_string_lossy().starts_with('.'));
    files.sort();
    files
}

/// One taking of a document by customs, read from its folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taking {
    pub road: String,
    pub at: Timestamp,
    pub digest: [u8; 32],
    pub message: String,
    pub guid: String,
    pub content: RequestContent,
}

/// The business key of a document, as text: kind, key, action.
pub fn name_of(content: &RequestContent, action: Action) -> String {
    match content {
        RequestContent::Order(order) => format!("303 {}|{}|{} {action:?}", order.platform, order.seller, order.order_no),
        RequestContent::Waybill(waybill) => format!("505 {}|{} {action:?}", waybill.carrier, waybill.waybill_no),
        RequestContent::Inventory(inventory) => {
            format!("603 {}|{}|{} {action:?}", inventory.platform, inventory.seller, inventory.order_no)
        }
        RequestContent::FollowUp(follow_up) => format!("{:?} {action:?}", follow_up.key),
    }
}

/// The business key that a receipt names, as text, of an addition.
pub fn name_of_key(key: &Key) -> String {
    match key {
        Key::Order { platform, seller, order_no } => format!("303 {platform}|{seller}|{order_no} Add"),
        Key::Waybill { carrier, waybill_no } => format!("505 {carrier}|{waybill_no} Add"),
        Key::Inventory { platform, seller, order_no, .. } => format!("603 {platform}|{seller}|{order_no} Add"),
        Key::Payment { seller, order_no, .. } => format!("403 {seller}|{order_no} Add"),
        Key::FollowUp { kind, party, enterprise_no, part } => format!("{} {party}|{enterprise_no}|{part} Add", kind.number()),
    }
}

/// What lies inside a file on a road.
pub fn payload(bytes: &[u8]) -> Vec<u8> {
    match dxp::open(bytes).unwrap() {
        dxp::Opened::Envelope(envelope) => envelope.data,
        _ => bytes.to_vec(),
    }
}

/// Everything that customs took, by business key, each in the order in which it was taken.
pub fn taken(folder: &Path) -> BTreeMap<String, Vec<Taking>> {
    let mut taken: BTreeMap<String, Vec<Taking>> = BTreeMap::new();
    for road in demo::ROADS {
        for path in files(&folder.join(road).join("sent")) {
            let sealed = payload(&fs::read(&path).unwrap());
            let since = fs::metadata(&path).unwrap().modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
            let at = Timestamp(i64::try_from(since.as_micros()).unwrap());
            let digest = Sha256::digest(&sealed).into();
            let request = message::parse_request(&sealed).unwrap();
            for document in request.documents {
                let name = name_of(&document.content, document.action().unwrap());
                let (guid, content, message) = (document.guid, document.content, request.guid.clone());
                taken.entry(name).or_default().push(Taking { road: road.to_owned(), at, digest, message, guid, content });
            }
        }
    }
    for takings in taken.values_mut() {
        takings.sort_by_key(|taking| taking.at);
    }
    taken
}

/// Every receipt that customs wrote about documents.
pub fn answered(folder: &Path) -> Vec<Receipt> {
    let mut receipts = Vec::new();
    for road in demo::ROADS {
        for path in files(&folder.join(road).join("received")) {
            let bytes = fs::read(&path).unwrap();
            let bytes = bytes.strip_prefix(&[0]).unwrap_or(&bytes);
            if let Ok(Answer::Receipts(more)) = message::parse_answer(&payload(bytes)) {
                receipts.extend(more);
            }
        }
    }
    receipts
}

/// The messages that were refused whole: by their form (900), or by the transport before customs saw them (DxpRep below 1000).
fn refused(folder: &Path) -> BTreeSet<String> {
    let mut refused = BTreeSet::new();
    for path in demo::ROADS.iter().flat_map(|road| files(&folder.join(road).join("received"))) {
        let bytes = fs::read(path).unwrap();
        let answer = match dxp::open(bytes.strip_prefix(&[0]).unwrap_or(&bytes)).unwrap() {
            dxp::Opened::Envelope(envelope) => message::parse_answer(&envelope.data).unwrap(),
            dxp::Opened::Report(report) => Answer::Transport(report),
            dxp::Opened::Business(_) => message::parse_answer(bytes.strip_prefix(&[0]).unwrap_or(&bytes)).unwrap(),
        };
        match answer {
            Answer::Format(receipt) if receipt.code.starts_with('-') => drop(refused.insert(receipt.original)),
            Answer::Transport(report) if report.code.parse::<u16>().unwrap() < 1_000 => drop(refused.insert(report.original)),
            Answer::Format(_) | Answer::Transport(_) | Answer::Receipts(_) | Answer::SummaryResults(_) => {}
        }
    }
    refused
}

/// What was declared twice: one business key and action under two sealed digests or document guids while the first was alive.
/// One that the port failed (4) or customs refused (100) before the next was taken is dead.
pub fn declared_twice(folder: &Path) -> Vec<String> {
    let mut deaths: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    for receipt in answered(folder) {
        if matches!(receipt.code.as_str(), "4" | "100") {
            deaths.entry(name_of_key(&receipt.key)).or_default().push(receipt.at.unwrap());
        }
    }
    let mut twice = Vec::new();
    let refused = refused(folder);
    for (name, mut takings) in taken(folder) {
        takings.retain(|taking| !refused.contains(&taking.message));
        for pair in takings.windows(2) {
            let same = pair[0].digest == pair[1].digest && pair[0].guid == pair[1].guid;
            // Receipts tell whole seconds.
            let second = Duration::from_secs(1);
            let died = deaths.get(&name).is_some_and(|at| at.iter().any(|at| *at + second >= pair[0].at && *at <= pair[1].at));
            if !same && !died {
                twice.push(format!("{name}: {} and {}", pair[0].message, pair[1].message));
            }
        }
    }
    twice
}

/// How many documents of a kind customs took.
pub fn count(taken: &BTreeMap<String, Vec<Taking>>, kind: Kind) -> usize {
    taken.keys().filter(|name| name.starts_with(&kind.number().to_string())).count()
}
