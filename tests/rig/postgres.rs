//! Private PostgreSQL servers on loopback: one that all tests of meaning share, and servers of their own for tests that kill, pause
//! or starve them. A child that reads from a pipe of ours ends them all and removes their files when this process ends, however it
//! ends.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{sync::OnceCell, time::Instant};

const LONGEST: Duration = Duration::from_secs(60);
const OWNER: &str = "postgres";

/// Whether what a server has said is committed survives a loss of power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safety {
    /// As in earnest.
    Durable,
    /// Not, but quick: for tests of meaning only.
    Quick,
}

/// A server with a data folder of its own.
pub struct Server {
    data: PathBuf,
    pub port: u16,
    safety: Safety,
    postmaster: Mutex<Option<Child>>,
    template: OnceCell<String>,
}

/// Where all servers live, and who ends them.
struct Ground {
    folder: PathBuf,
    programs: PathBuf,
    as_root: bool,
    /// Reads from us until we are gone.
    _watchdog: Child,
}

/// Ends every server below the folder and removes it, once nobody holds the other end of its input.
const WATCHDOG: &str = r#"
cat >/dev/null
for file in "$0"/*/postmaster.pid; do
    [ -f "$file" ] || continue
    pid=$(head -n 1 "$file")
    [ "$(cat /proc/$pid/comm 2>/dev/null)" = postgres ] || { rm -f "$file"; continue; }
    kill -QUIT "$pid"; kill -CONT "$pid"
done
for try in $(seq 100); do
    ls "$0"/*/postmaster.pid >/dev/null 2>&1 || break
    sleep 0.1
done
rm -rf "$0"
"#;

static GROUND: LazyLock<Ground> = LazyLock::new(Ground::new);
static SHARED: LazyLock<Server> = LazyLock::new(|| Server::start(Safety::Quick));

/// The server that tests of meaning share, each in a database of its own.
pub fn shared() -> &'static Server {
    &SHARED
}

impl Ground {
    fn new() -> Self {
        use std::os::unix::process::CommandExt;
        let programs = programs().expect("PostgreSQL is needed: apt-get install postgresql (tests/run does so)");
        let as_root = fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0).unwrap();
        let folder = tempfile::Builder::new().prefix("tongguan-postgres-").tempdir().unwrap().keep();
        let mut watchdog = Command::new("sh");
        watchdog.args(["-c", WATCHDOG]).arg(&folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // In a group of its own, so that an interrupt from the keyboard does not end it before us.
        let watchdog = watchdog.process_group(0).spawn().unwrap();
        let ground = Self { folder, programs, as_root, _watchdog: watchdog };
        if as_root {
            run(Command::new("chown").arg(OWNER).arg(&ground.folder));
        }
        // As many who run it for real: an order of letters that is not that of bytes.
        let locale = ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"];
        let mut initdb = ground.program("initdb");
        run(initdb
            .args(["--auth=trust", "--no-sync", "--no-instructions", "--username", OWNER])
            .args(locale)
            .arg("-D")
            .arg(ground.pristine()));
        ground
    }

    fn pristine(&self) -> PathBuf {
        self.folder.join("pristine")
    }

    /// One of PostgreSQL's programs, run as somebody that it consents to be run by.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if self.as_root {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", OWNER, "--regid", OWNER, "--init-groups", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir("/").env_remove("PGDATA").env_remove("PGPORT").stdin(Stdio::null());
        command
    }
}

/// Where the newest PostgreSQL has its programs: where Debian puts them, or beside an `initdb` on the path.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    versions.sort_by_key(|path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    let debian = versions.into_iter().rev().map(|path| path.join("bin"));
    let others = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    debian.chain(others).find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn signal(name: &str, pid: u32) {
    run(Command::new("sh").arg("-c").arg(format!("kill -{name} {pid}")));
}

impl Server {
    /// Starts a new, empty server and waits until it answers.
    pub fn start(safety: Safety) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let ground = &*GROUND;
        let data = ground.folder.join(format!("server-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        run(Command::new("cp").arg("-a").arg(ground.pristine()).arg(&data));
        let mut server = Self { data, port: super::free_port(), safety, postmaster: Mutex::new(None), template: OnceCell::new() };
        // Somebody else may take the port between our look and its start.
        for _ in 0..5 {
            if server.try_start(LONGEST) {
                return server;
            }
            server.port = super::free_port();
        }
        panic!("PostgreSQL does not start:\n{}", server.said());
    }

    /// One of PostgreSQL's own programs, for what is done by hand.
    pub fn program(&self, name: &str) -> Command {
        GROUND.program(name)
    }

    fn log(&self) -> PathBuf {
        self.data.with_extension("log")
    }

    /// What it said.
    pub fn said(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn try_start(&self, longest: Duration) -> bool {
        let out = fs::OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let durable = if self.safety == Safety::Durable { "on" } else { "off" };
        let mut command = GROUND.program("postgres");
        command.arg("-D").arg(&self.data).arg("-p").arg(self.port.to_string());
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=400",
            "shared_buffers=64MB",
            "lc_messages=C",
            &format!("fsync={durable}"),
            &format!("full_page_writes={durable}"),
        ] {
            command.arg("-c").arg(setting);
        }
        let child = command.stdout(out.try_clone().unwrap()).stderr(out).spawn().unwrap();
        let mut postmaster = self.postmaster.lock().unwrap();
        let child = postmaster.insert(child);
        let began = Instant::now();
        while began.elapsed() < longest {
            if child.try_wait().unwrap().is_some() {
                *postmaster = None;
                return false;
            }
            if self.answers() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("PostgreSQL does not answer:\n{}", self.said());
    }

    fn answers(&self) -> bool {
        let port = self.port.to_string();
        let mut asking = GROUND.program("pg_isready");
        asking.args(["-q", "-h", "127.0.0.1", "-p", &port]).status().unwrap().success()
    }

    /// Where a database is reached.
    pub fn url(&self, database: &str) -> String {
        url(self.port, database)
    }

    /// A connection of the test's own.
    pub async fn connect(&self, database: &str) -> PgConnection {
        let options: PgConnectOptions = self.url(database).parse().unwrap();
        options.disable_statement_logging().connect().await.unwrap()
    }

    /// Runs statements on a connection of their own.
    pub async fn run(&self, database: &str, sql: &str) {
        let mut connection = self.connect(database).await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Makes a database with a name of its own, a copy of another if one is named.
    pub async fn create(&self, template: Option<&str>) -> String {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let template = template.unwrap_or("template1");
        self.run(OWNER, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        name
    }

    /// The name of a database that others are copies of; the first to ask fills it.
    pub async fn template(&self, fill: impl AsyncFnOnce(String)) -> String {
        let made = self.template.get_or_init(|| async {
            let name = self.create(None).await;
            fill(self.url(&name)).await;
            name
        });
        made.await.clone()
    }

    fn pid(&self) -> u32 {
        self.postmaster.lock().unwrap().as_ref().expect("a server that runs").id()
    }

    /// Kills it as a loss of power would: it has no chance to say or write anything.
    pub fn kill(&self) {
        let mut child = self.postmaster.lock().unwrap().take().expect("a server that runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts it again after [`Server::kill`], on the same port.
    pub fn start_again(&self) {
        let began = Instant::now();
        // Until the last of its processes has noticed that their parent is gone, a new one does not start.
        while !self.try_start(LONGEST) {
            assert!(began.elapsed() < LONGEST, "PostgreSQL does not start again:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Its processes stand still until [`Server::go_on`]: it is there and answers nobody.
    pub fn pause(&self) {
        for pid in self.processes() {
            signal("STOP", pid);
        }
    }

    /// Ends [`Server::pause`].
    pub fn go_on(&self) {
        for pid in self.processes() {
            signal("CONT", pid);
        }
    }

    fn processes(&self) -> Vec<u32> {
        let postmaster = self.pid();
        let children = fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children")).unwrap_or_default();
        std::iter::once(postmaster).chain(children.split_whitespace().map(|pid| pid.parse().unwrap())).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(mut child) = self.postmaster.lock().unwrap().take() else { return };
        signal("QUIT", child.id());
        signal("CONT", child.id());
        drop(child.wait());
        drop(fs::remove_dir_all(&self.data));
    }
}

/// Where a database is reached on a port of this machine.
pub fn url(port: u16, database: &str) -> String {
    format!("postgres://{OWNER}@127.0.0.1:{port}/{database}")
}

#[tokio::test]
async fn a_server_that_was_killed_has_kept_what_it_acknowledged() {
    let server = Server::start(Safety::Durable);
    let name = server.create(None).await;
    server.run(&name, "CREATE TABLE t (n INTEGER)").await;
    server.run(&name, "INSERT INTO t VALUES (7)").await;
    server.kill();
    server.start_again();
    let mut connection = server.connect(&name).await;
    let kept: i32 = sqlx::query_scalar("SELECT n FROM t").fetch_one(&mut connection).await.unwrap();
    assert_eq!(kept, 7);
    server.pause();
    let asked = tokio::time::timeout(Duration::from_millis(200), connection.ping()).await;
    assert!(asked.is_err(), "a paused server answers nobody");
    server.go_on();
    connection.ping().await.unwrap();
}
