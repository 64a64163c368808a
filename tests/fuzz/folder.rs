//! The folder collector: the bytes are a script of what somebody does to a road's `in` folder, while a real receiver and a real
//! collector work on it over a real SQLite store. Nothing may be lost, nothing acknowledged before it is kept, nothing read from
//! outside the folder; what cannot be read stands aside with its reason, and everything else is read.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::symlink,
    },
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use sqlx::{Connection, Row, SqliteConnection, sqlite::SqliteConnectOptions};
use tongguan::{
    clock::{Clockwork, ManualClock, SeededEntropy, Timestamp},
    collector::{self, Collector, Receiver},
    declaration::{DocumentGuid, Kind, MessageId},
    endpoint::{Endpoint, Options, Received, Shipment, folder::Folder},
    exemption::{Advisor, Library, Settings},
    message::{self, Reply, Style},
    queue::Fault,
    receipt::{Answer, Key, Receipt},
    store::{Store, sqlite::Sqlite},
    task::Task,
};

const LARGEST: usize = 2_048;
const MOST_STEPS: usize = 48;
/// Stands in a file outside the folder, to which links lead.
const SECRET: &[u8] = b"7f1c outside of the folder 93ab";
const NAMES: [&[u8]; 12] = [
    b"a.xml",
    b"b.XML",
    b"c.xml",
    b".d.xml",
    b".e.xml.part",
    b"f.txt",
    b"\xff.xml",
    b"rejected.xml",
    b"'; DROP TABLE arrivals; --.xml",
    b"\n\x1b[31m.xml",
    b"%2e%2e%2fx.xml",
    b"xml",
];

struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A name that a file can have.
    fn name(&mut self) -> Option<OsString> {
        let number = usize::from(self.byte()?);
        let name = match NAMES.get(number % 16) {
            Some(name) => name,
            None => self.take(number / 16 * 16 + 3),
        };
        let fits = !name.is_empty() && name.len() <= 240 && !name.contains(&b'/') && !name.contains(&0);
        (fits && ![b".".as_slice(), b"..", b"rejected", b".put"].contains(&name)).then(|| OsString::from_vec(name.to_vec()))
    }

    /// Good receipts, spoilt ones, or anything.
    fn content(&mut self) -> Option<Vec<u8>> {
        let how = self.byte()?;
        let length = usize::from(self.byte()?) | usize::from(how & 0x0f) << 8;
        Some(match how >> 4 {
            0..4 => good(how >> 4),
            4..7 => {
                let mut bytes = good(how >> 4);
                for change in self.take(length % 16).chunks(2) {
                    let at = usize::from(change[0]) * 3 % bytes.len();
                    bytes[at] ^= change.get(1).copied().unwrap_or(1);
                }
                bytes
            }
            7 => Vec::new(),
            8 => vec![b'x'; LARGEST + 1 + length],
            9 => good(1)[..length % good(1).len()].to_vec(),
            _ => self.take(length).to_vec(),
        })
    }
}

fn good(number: u8) -> Vec<u8> {
    let key = Key::Waybill { carrier: "C".to_owned(), waybill_no: format!("W{number}") };
    let receipt = Receipt {
        key,
        code: "120".to_owned(),
        at: Some(Timestamp(0)),
        info: "[Code:1;Desc:]".to_owned(),
        port_no: None,
        inventory_no: None,
        summary_no: None,
        bill_no: None,
    };
    let reply = Reply { guid: DocumentGuid(Default::default()), receipt: &receipt, statistics: "", follow_up: None };
    message::compose_receipts(Kind::Waybill, MessageId(Default::default()), &[reply], Style::default()).unwrap()
}

/// The road, watched: what it is told to forget must be kept, byte by byte.
struct Watched {
    folder: Folder,
    database: PathBuf,
    given: Mutex<Vec<Received>>,
    /// What happens between reading and acknowledging.
    meanwhile: Mutex<Vec<(PathBuf, Vec<u8>)>>,
}

#[async_trait]
impl Endpoint for Watched {
    fn road(&self) -> &str {
        self.folder.road()
    }

    async fn send(&self, item: &Shipment) -> Result<(), Fault> {
        self.folder.send(item).await
    }

    async fn receive(&self, limit: usize) -> Result<Vec<Received>, Fault> {
        let received = self.folder.receive(limit).await?;
        assert!(received.len() <= limit);
        self.given.lock().unwrap().clone_from(&received);
        for (path, bytes) in self.meanwhile.lock().unwrap().drain(..) {
            replace(&path, &bytes);
        }
        Ok(received)
    }

    async fn acknowledge(&self, names: &[String]) -> Result<(), Fault> {
        let kept = kept(&self.database, self.road()).await;
        let given = std::mem::take(&mut *self.given.lock().unwrap());
        for item in given.iter().filter(|item| names.contains(&item.name)) {
            let is_kept = kept.iter().any(|row| row.name == item.name && row.bytes == item.bytes);
            assert!(is_kept, "{:?} is acknowledged and not kept", item.name);
        }
        self.folder.acknowledge(names).await
    }
}

struct Kept {
    name: String,
    bytes: Vec<u8>,
    state: String,
    reason: Option<String>,
    receipts: i64,
}

async fn kept(database: &Path, road: &str) -> Vec<Kept> {
    let options = SqliteConnectOptions::new().filename(database).read_only(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let rows = sqlx::query(
        "SELECT name, digest, bytes, state, reason, (SELECT count(*) FROM receipts WHERE arrival = id) AS receipts \
         FROM arrivals JOIN arrival_bytes ON arrival = id WHERE road = ?1",
    )
    .bind(road)
    .fetch_all(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
    let kept = |row: &sqlx::sqlite::SqliteRow| {
        let bytes: Vec<u8> = row.get("bytes");
        assert_eq!(row.get::<Vec<u8>, _>("digest"), Sha256::digest(&bytes).to_vec(), "kept under another's digest");
        Kept { name: row.get("name"), state: row.get("state"), reason: row.get("reason"), receipts: row.get("receipts"), bytes }
    };
    rows.iter().map(kept).collect()
}

/// Puts a file in its place as a careful writer does, whatever stood there.
fn replace(path: &Path, bytes: &[u8]) {
    clear(path);
    let part = path.parent().unwrap().join(".put");
    fs::write(&part, bytes).unwrap();
    fs::rename(part, path).unwrap();
}

fn clear(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => {}
    }
}

/// One process has one store; each script has a road of its own.
struct World {
    runtime: tokio::runtime::Runtime,
    place: tempfile::TempDir,
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    clockwork: Clockwork,
    collector: Collector,
    roads: u32,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let place = tempfile::tempdir().unwrap();
        let database = place.path().join("tongguan.db");
        let store: Arc<dyn Store> = Arc::new(runtime.block_on(Sqlite::open(&database)).unwrap());
        let clock = Arc::new(ManualClock::at(Timestamp(1_795_000_000_000_000)));
        let clockwork = Clockwork::new(clock.clone(), Arc::new(SeededEntropy::new(5)));
        let advisor = Arc::new(Advisor::new(Library::sample().unwrap(), Settings::default(), Vec::new()).unwrap());
        let collector = Collector::new(store.clone(), clockwork.clone(), advisor, collector::Options::default());
        fs::write(place.path().join("outside.xml"), SECRET).unwrap();
        Self { runtime, place, store, clock, clockwork, collector, roads: 0 }
    }

    fn road(&mut self) -> Road<'_> {
        self.roads += 1;
        let name = format!("road{}", self.roads);
        let folder = self.place.path().join(&name);
        fs::create_dir_all(folder.join("in")).unwrap();
        let options = Options { road: name, folder: folder.clone(), largest_bytes: u64::try_from(LARGEST).unwrap(), ..Options::default() };
        let mut road = Road { world: self, inward: folder.join("in"), options, watched: None, receiver: None, expected: BTreeMap::new() };
        road.start();
        road
    }
}

enum Expected {
    File(Vec<u8>),
    /// A link or a folder: not to be touched.
    Other,
}

struct Road<'w> {
    world: &'w World,
    inward: PathBuf,
    options: Options,
    watched: Option<Arc<Watched>>,
    receiver: Option<Receiver>,
    expected: BTreeMap<OsString, Expected>,
}

impl Road<'_> {
    /// As after a crash: what the last one knew is gone.
    fn start(&mut self) {
        let watched = Arc::new(Watched {
            folder: Folder::new(&self.options),
            database: self.world.place.path().join("tongguan.db"),
            given: Mutex::default(),
            meanwhile: Mutex::default(),
        });
        let options = collector::Options { receive_batch: 3, ..collector::Options::default() };
        let World { store, clockwork, .. } = self.world;
        self.receiver = Some(Receiver::new(store.clone(), clockwork.clone(), watched.clone(), options));
        self.watched = Some(watched);
    }

    fn pass(&self) -> usize {
        self.world.clock.advance(Duration::from_secs(1));
        self.world.runtime.block_on(self.receiver.as_ref().unwrap().pass()).unwrap()
    }

    /// One step of a script; nothing where it ends.
    fn step(&mut self, script: &mut Script<'_>) -> Option<()> {
        match script.byte()? % 8 {
            0 | 1 => {
                let (name, content) = (script.name()?, script.content()?);
                replace(&self.inward.join(&name), &content);
                self.expected.insert(name, Expected::File(content));
            }
            2 => {
                let (name, goal) = (script.name()?, script.byte()?);
                clear(&self.inward.join(&name));
                let goals = ["../../outside.xml", "nowhere", "..", "/dev/null"];
                symlink(goals[usize::from(goal) % goals.len()], self.inward.join(&name)).unwrap();
                self.expected.insert(name, Expected::Other);
            }
            3 => {
                let name = script.name()?;
                clear(&self.inward.join(&name));
                fs::create_dir(self.inward.join(&name)).unwrap();
                self.expected.insert(name, Expected::Other);
            }
            4 => {
                let name = script.name()?;
                clear(&self.inward.join(&name));
                self.expected.remove(&name);
            }
            5 => {
                // Another file takes its place between reading and acknowledging.
                let (name, content) = (script.name()?, script.content()?);
                self.watched.as_ref().unwrap().meanwhile.lock().unwrap().push((self.inward.join(&name), content.clone()));
                self.pass();
                // Where there was nothing to receive it still happens.
                self.expected.insert(name, Expected::File(content));
            }
            6 => {
                // A crash after reading, before anything is kept.
                let watched = self.watched.clone().unwrap();
                self.world.runtime.block_on(watched.folder.receive(3)).unwrap();
                self.start();
            }
            _ => drop(self.pass()),
        }
        Some(())
    }

    fn finish(&self) {
        let mut passes = 0;
        while self.pass() > 0 {
            passes += 1;
            assert!(passes < 500, "the receiver never rests");
        }
        while self.world.runtime.block_on(self.world.collector.pass()).unwrap() > 0 {
            passes += 1;
            assert!(passes < 500, "the collector never rests");
        }
        let database = self.world.place.path().join("tongguan.db");
        let kept = self.world.runtime.block_on(kept(&database, &self.options.road));
        for row in &kept {
            assert_taken(row);
        }
        for (name, expected) in &self.expected {
            self.assert_there(name, expected, &kept);
        }
        assert_eq!(fs::read(self.world.place.path().join("outside.xml")).unwrap(), SECRET);
        fs::remove_dir_all(self.inward.parent().unwrap()).unwrap();
    }

    /// What was put there is still there, stands aside, or is kept.
    fn assert_there(&self, name: &OsStr, expected: &Expected, kept: &[Kept]) {
        let path = self.inward.join(name);
        let Expected::File(bytes) = expected else {
            return assert!(fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()), "{name:?} was touched");
        };
        let text = name.to_str();
        let is_answer = text.is_some_and(|name| !name.starts_with('.') && name.to_lowercase().ends_with(".xml"));
        if text.is_none() || is_answer && bytes.len() > LARGEST {
            let aside = fs::read_dir(self.inward.join("rejected")).unwrap().map(|entry| entry.unwrap().path());
            let found = aside.filter(|path| path.file_name().unwrap().as_bytes().ends_with(name.as_bytes()));
            return assert!(found.into_iter().any(|path| fs::read(path).unwrap() == *bytes), "{name:?} does not stand aside");
        }
        if is_answer {
            assert!(kept.iter().any(|row| Some(row.name.as_str()) == text && row.bytes == *bytes), "{name:?} is lost");
            return assert!(fs::symlink_metadata(&path).is_err(), "{name:?} is kept and still there");
        }
        assert_eq!(fs::read(&path).ok().as_ref(), Some(bytes), "{name:?} was touched");
    }
}

fn assert_taken(row: &Kept) {
    assert_ne!(row.bytes, SECRET, "{:?} came from outside", row.name);
    let answer = match message::dxp::open(&row.bytes) {
        Ok(message::dxp::Opened::Business(_)) => message::parse_answer(&row.bytes),
        Ok(message::dxp::Opened::Envelope(envelope)) => message::parse_answer(&envelope.data),
        Ok(message::dxp::Opened::Report(report)) => Ok(Answer::Transport(report)),
        Err(error) => Err(error),
    };
    let is_aside = row.state == "quarantined" && row.reason.as_ref().is_some_and(|reason| !reason.is_empty());
    match answer {
        Ok(Answer::Receipts(receipts)) => assert_eq!((row.state.as_str(), row.receipts), ("read", i64::try_from(receipts.len()).unwrap())),
        // About a message that nobody sent: kept, and read or put aside.
        Ok(_) => assert!(row.state == "read" || is_aside, "{}", row.state),
        Err(_) => assert!(is_aside, "{:?} is {}", row.name, row.state),
    }
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// Plays the script.
pub fn folder(bytes: &[u8]) {
    WORLD.with_borrow_mut(|world| {
        let world = world.get_or_insert_with(World::new);
        let mut road = world.road();
        let mut script = Script(bytes);
        for _ in 0..MOST_STEPS {
            if road.step(&mut script).is_none() {
                break;
            }
        }
        road.finish();
    });
}
