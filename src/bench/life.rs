//! Whole lives: N declarations from Submit to 899 through a gateway in this process, with callers and a simulated customs in
//! processes of their own on the same machine.
//!
//! Each life is three documents and nine receipts, sealed with sm2-sm3, held against the schemas on both sides, told in the audit
//! log; receipts come 100 to a message, and nothing odd happens.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::Read,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::{
    Error, load, micros,
    process::{self, Used},
};
use crate::{
    clock::{Clockwork, Timestamp, meter},
    config::Config,
    declaration::Kind,
    gateway::Gateway,
    simulator,
    state::State,
    store::{EntryFilter, postgres},
};

/// No closing within so long: something is stuck.
const STUCK: Duration = Duration::from_secs(60);
const SELDOM: Duration = Duration::from_secs(2);
const OFTEN: Duration = Duration::from_millis(50);

/// What is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many lives.
    pub declarations: usize,
    /// Declarations a second; nothing: as fast as they are taken.
    pub rate: Option<u32>,
    /// The folder of keys and roads, and of the store.
    pub dir: PathBuf,
}

/// Of the gateway, the callers and the simulated customs.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ByProcess {
    /// The gateway, its store included.
    pub gateway: u64,
    /// Those who submit and push.
    pub callers: u64,
    /// The simulated customs.
    pub customs: u64,
    /// A database server on this machine; 0 if there is none.
    pub database: u64,
    /// All of them.
    pub sum: u64,
}

/// One run, as the JSON line tells it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    bench: &'static str,
    store: &'static str,
    /// Lives, each of which closed.
    pub declarations: usize,
    /// The rate asked for; nothing: as fast as they were taken.
    rate: Option<u32>,
    /// From the first submission to the last closing.
    pub milliseconds: u64,
    /// Whole lives in a second.
    pub declarations_per_s: u64,
    /// Durable accepts in a second, while the callers had something to send.
    pub accepts_per_s: u64,
    /// CPU of a life, in µs.
    pub cpu_us_per_declaration: ByProcess,
    /// Time to the answer: one half of all was faster.
    pub submit_p50_ms: u64,
    /// Time to the answer: all but one in a hundred were faster.
    pub submit_p99_ms: u64,
    /// How often the gateway said that it was busy.
    busy: u64,
    /// The peak of memory.
    pub peak_rss_mib: ByProcess,
    /// The database, in KiB a declaration.
    store_kib_per_declaration: u64,
    /// CPU of the gateway's stages, in µs a declaration.
    pub stages_us: BTreeMap<&'static str, u64>,
    /// What was run.
    conditions: &'static str,
}

impl Report {
    /// Where the CPU went, dearest first, as a table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut stages: Vec<_> = self.stages_us.iter().collect();
        stages.sort_by_key(|(_, used)| std::cmp::Reverse(**used));
        let cpu = &self.cpu_us_per_declaration;
        let mut table = format!("{:<16} {:>8} {:>5}\n", "CPU by stage", "µs/life", "%");
        for (stage, used) in stages {
            // Writing into a String does not fail.
            let _ = writeln!(table, "{stage:<16} {used:>8} {:>5}", percent(*used, cpu.gateway));
        }
        let all = [
            ("= gateway", cpu.gateway),
            ("+ database", cpu.database),
            ("+ customs", cpu.customs),
            ("+ callers", cpu.callers),
            ("= sum", cpu.sum),
        ];
        for (name, used) in all {
            let _ = writeln!(table, "{name:<16} {used:>8} {:>5}", percent(used, cpu.gateway));
        }
        table
    }
}

fn percent(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or(0)
}

/// The configuration of a run: the demonstration's, with nothing odd, no waiting for effect, and the parts at their usual pace.
#[must_use]
pub fn configuration(demonstration: Config) -> Config {
    let Config { simulator, .. } = &demonstration;
    let simulator = simulator::Options {
        delays: simulator::Delays::NONE,
        oddities: simulator::Oddities::none(),
        script: simulator::Script::default(),
        receipts_per_message: 100,
        poll_ms: 20,
        ..simulator.clone()
    };
    Config {
        simulator,
        packer: crate::packer::Options::default(),
        courier: crate::courier::Options::default(),
        collector: crate::collector::Options::default(),
        ..demonstration
    }
}

/// Runs N lives and reports what they cost. The folder has been set up; `config` is its [`configuration`].
///
/// # Errors
/// If anything is refused, stuck or declared twice: then there is no figure.
pub async fn run(options: &Options, config: &Config, clockwork: &Clockwork) -> Result<Report, Error> {
    let program = std::env::current_exe()?;
    let customs = Running::start(Command::new(&program).args(["bench", "--customs", "--dir"]).arg(&options.dir))?;
    let gateway = Gateway::start(config, clockwork).await?;
    let before = process::used("self")?;
    let database_before = database(config).await?;
    let began = clockwork.now();
    let mut command = Command::new(&program);
    let address = gateway.address().ok_or_else(|| Error::Wrong("the gateway has no door".to_owned()))?;
    command.args(["bench", "--load", &format!("http://{address}")]);
    command.args(["--lives", &options.declarations.to_string()]);
    if let Some(rate) = options.rate {
        command.args(["--rate", &rate.to_string()]);
    }
    let mut callers = Running::start(&mut command)?;
    wait(&gateway, options.declarations, &mut callers).await?;
    let took = last_closing(&gateway).await?.since(began);
    let after = process::used("self")?;
    let database_after = database(config).await?;
    let stages = stages(after.cpu.saturating_sub(before.cpu))?;
    let customs_used = process::used(&customs.child.id().to_string())?;
    let load: load::Report =
        serde_json::from_str(&callers.end().await?).map_err(|error| Error::Wrong(format!("the callers' report: {error}")))?;
    gateway.stop().await;
    customs.end().await?;
    let gateway_used = Used { cpu: after.cpu.saturating_sub(before.cpu), ..after };
    let database_used = Used { cpu: database_after.used.cpu.saturating_sub(database_before.used.cpu), ..database_after.used };
    let store = if config.store.postgres.is_some() { "postgres" } else { "sqlite" };
    Ok(report(options, store, took, &load, [gateway_used, customs_used, database_used], &stages, database_after.bytes))
}

/// What the store's server has used so far, and how large the store is.
struct Database {
    used: Used,
    bytes: u64,
}

async fn database(config: &Config) -> Result<Database, Error> {
    let Some(options) = &config.store.postgres else {
        return Ok(Database { used: Used::default(), bytes: fs::metadata(&config.store.file)?.len() });
    };
    let about = postgres::about(options).await?;
    Ok(Database { used: process::family(about.process)?, bytes: about.bytes })
}

/// Waits until all have closed. Counting is work for the store, so it is asked seldom, and often only near the end.
async fn wait(gateway: &Gateway, declarations: usize, callers: &mut Running) -> Result<(), Error> {
    let began = Instant::now();
    let mut last = (0, began);
    loop {
        let counts = gateway.store().counts(None).await?;
        let closed = counts.iter().filter(|count| count.kind == Kind::Inventory && count.state == State::Closed);
        let closed = closed.map(|count| usize::try_from(count.count).unwrap_or(0)).sum();
        if closed >= declarations {
            return Ok(());
        }
        if closed != last.0 {
            last = (closed, Instant::now());
        }
        if callers.failed()? || last.1.elapsed() > STUCK {
            return Err(Error::Wrong(format!("{closed} of {declarations} closed and no more: {counts:?}")));
        }
        let open = u32::try_from(declarations - closed).unwrap_or(u32::MAX);
        let each = began.elapsed().checked_div(u32::try_from(closed).unwrap_or(u32::MAX));
        let left = each.and_then(|each| each.checked_mul(open)).unwrap_or(SELDOM);
        sleep(left.clamp(OFTEN, SELDOM)).await;
    }
}

/// When the last receipt was taken in: counting comes seldom, and later.
async fn last_closing(gateway: &Gateway) -> Result<Timestamp, Error> {
    const ENOUGH: i64 = 5_000;
    let size = gateway.store().log_head().await?.size;
    let last = EntryFilter {
        act: Some("receipt".to_owned()),
        after: Some((size - ENOUGH).max(-1)),
        pending: true,
        limit: u32::MAX,
        ..EntryFilter::default()
    };
    let entries = gateway.store().entries(last).await?;
    entries.iter().map(|placed| placed.entry.at).max().ok_or_else(|| Error::Wrong("the log tells of no receipt".to_owned()))
}

/// What each stage used in all, in µs: what is measured, the store's threads, and the rest of the process, which is the door.
fn stages(all: Duration) -> Result<BTreeMap<&'static str, u64>, Error> {
    let mut stages: BTreeMap<_, _> = meter::used().into_iter().map(|(work, nanos)| (work.as_str(), nanos / 1_000)).collect();
    let mut threads = process::threads("sqlx-sqlite")?.into_iter().map(micros);
    // The writer's connection is opened first.
    stages.insert("sqlite writing", threads.next().unwrap_or(0));
    stages.insert("sqlite reading", threads.sum());
    let known: u64 = stages.values().sum();
    stages.insert("door and rest", micros(all).saturating_sub(known));
    Ok(stages)
}

fn report(
    options: &Options,
    store: &'static str,
    took: Duration,
    load: &load::Report,
    [gateway, customs, database]: [Used; 3],
    stages: &BTreeMap<&'static str, u64>,
    size: u64,
) -> Report {
    let many = u64::try_from(options.declarations).unwrap_or(u64::MAX).max(1);
    let each = |gateway: u64, callers: u64, customs: u64, database: u64, by: u64| ByProcess {
        gateway: gateway / by,
        callers: callers / by,
        customs: customs / by,
        database: database / by,
        sum: (gateway + callers + customs + database) / by,
    };
    let per_second = |time_us: u64| many.saturating_mul(1_000_000).checked_div(time_us).unwrap_or(0);
    let quantile = |per_mille: usize| {
        let last = load.answered_us.len().saturating_sub(1);
        load.answered_us.get(last * per_mille / 1_000).copied().unwrap_or(0) / 1_000
    };
    Report {
        bench: "lives",
        store,
        declarations: options.declarations,
        rate: options.rate,
        milliseconds: micros(took) / 1_000,
        declarations_per_s: per_second(micros(took)),
        accepts_per_s: per_second(load.all_us),
        cpu_us_per_declaration: each(micros(gateway.cpu), load.cpu_us, micros(customs.cpu), micros(database.cpu), many),
        submit_p50_ms: quantile(500),
        submit_p99_ms: quantile(990),
        busy: load.busy,
        peak_rss_mib: each(gateway.peak_kib, load.peak_kib, customs.peak_kib, database.peak_kib, 1_024),
        store_kib_per_declaration: size / 1_024 / many,
        stages_us: stages.iter().map(|(stage, used)| (*stage, used / many)).collect(),
        conditions: "3 documents, 9 receipts, sm2-sm3, schema on both sides, audit log, receipts 100 to a message; \
                     one declarant, a carrier for each district; callers and simulated customs on the same machine",
    }
}

/// Another process of the run; it does not outlive it.
struct Running {
    child: Child,
}

impl Running {
    fn start(command: &mut Command) -> Result<Self, Error> {
        Ok(Self { child: command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()? })
    }

    /// Whether it has ended with a fault.
    fn failed(&mut self) -> Result<bool, Error> {
        Ok(self.child.try_wait()?.is_some_and(|status| !status.success()))
    }

    /// Lets it end, and gives what it printed if it ended well.
    async fn end(mut self) -> Result<String, Error> {
        drop(self.child.stdin.take());
        let Some(mut stdout) = self.child.stdout.take() else { return Ok(String::new()) };
        let reading = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).map(|_| text)
        });
        let text = reading.await.map_err(|error| Error::Wrong(error.to_string()))??;
        let status = self.child.wait()?;
        if status.success() { Ok(text) } else { Err(Error::Wrong(format!("a process of the run ended with {status}: {text}"))) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
