//! Whole lives: N declarations from Submit to 899 through a gateway in this process, with callers and a simulated customs in
//! processes of their own on the same machine.
//!
//! Each life is three documents and nine receipts, sealed with sm2-sm3, held against the schemas on both sides, told in the audit
//! log; receipts come 100 to a message, and nothing odd happens.

use std::{collections::BTreeMap, fs, path::PathBuf, process::Command, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    Error,
    callers::{Callers, Calls},
    micros,
    process::{self, Used},
    running::Running,
};
use crate::{
    clock::{Clockwork, Timestamp, meter},
    config::Config,
    declaration::Kind,
    gateway::Gateway,
    node::Role,
    simulator,
    state::State,
    store::{EntryFilter, postgres, silence},
};

mod report;

pub use report::{ByProcess, Report};

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
    /// Gateways that work on it together, each in a process of its own; only one on SQLite.
    pub nodes: usize,
    /// No audit entry is written, and none gets a place: what the log costs is the difference.
    pub without_log: bool,
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
    let config = &if options.without_log { unlogged(options, config)? } else { config.clone() };
    let customs = Running::start(Command::new(&program).args(["bench", "--customs", "--dir"]).arg(&options.dir))?;
    let gateway = Gateway::start(config, clockwork).await?;
    let (others, mut addresses) = others(options, config).await?;
    addresses.extend(gateway.address().map(|address| address.to_string()));
    let before = process::used("self")?;
    let others_before = used_by(&others)?;
    let database_before = database(config).await?;
    let began = clockwork.now();
    let mut callers = Callers::start(&addresses, &Calls { declarations: options.declarations, rate: options.rate, ..Calls::default() })?;
    wait(&gateway, options.declarations, &mut callers).await?;
    let last = if options.without_log { clockwork.now() } else { last_closing(&gateway).await? };
    let took = last.since(began);
    let after = process::used("self")?;
    let others_after = used_by(&others)?;
    let database_after = database(config).await?;
    let stages = stages(after.cpu.saturating_sub(before.cpu))?;
    let customs_used = customs.used()?;
    let load = callers.end().await?;
    gateway.stop().await;
    for other in others {
        other.end().await?;
    }
    customs.end().await?;
    let gateways_used = Used {
        cpu: (after.cpu + others_after.cpu).saturating_sub(before.cpu + others_before.cpu),
        peak_kib: after.peak_kib + others_after.peak_kib,
    };
    let database_used = Used { cpu: database_after.used.cpu.saturating_sub(database_before.used.cpu), ..database_after.used };
    let store = if config.store.postgres.is_some() { "postgres" } else { "sqlite" };
    Ok(report::report(options, store, took, &load, [gateways_used, customs_used, database_used], &stages, database_after.bytes))
}

/// From now on this process, which is that of the one gateway, writes no entries, and nothing gives them places.
fn unlogged(options: &Options, config: &Config) -> Result<Config, Error> {
    if options.nodes != 1 {
        return Err(Error::Wrong("without the log there is one gateway".to_owned()));
    }
    silence::begin();
    let mut config = config.clone();
    config.node.roles.retain(|role| *role != Role::Sequence);
    Ok(config)
}

/// The other gateways, and where their doors are.
async fn others(options: &Options, config: &Config) -> Result<(Vec<Running>, Vec<String>), Error> {
    let program = std::env::current_exe()?;
    let (mut others, mut addresses) = (Vec::new(), Vec::new());
    for _ in 1..options.nodes {
        let Some(postgres) = &config.store.postgres else {
            return Err(Error::Wrong("several gateways need PostgreSQL".to_owned()));
        };
        let mut command = Command::new(&program);
        command.args(["bench", "--node", "--dir"]).arg(&options.dir).args([
            "--store",
            &postgres.url.0,
            "--connections",
            &postgres.connections.to_string(),
        ]);
        let mut other = Running::start(&mut command)?;
        addresses.push(other.line().await?);
        others.push(other);
    }
    Ok((others, addresses))
}

/// One of several gateways, until `over` ends; says where its door is.
///
/// # Errors
/// If it cannot start.
pub async fn node(config: &Config, clockwork: &Clockwork, say: impl FnOnce(String), over: impl Future) -> Result<(), Error> {
    let gateway = Gateway::start(config, clockwork).await?;
    say(gateway.address().map(|address| address.to_string()).unwrap_or_default());
    over.await;
    gateway.stop().await;
    Ok(())
}

fn used_by(many: &[Running]) -> Result<Used, Error> {
    let used = many.iter().map(Running::used).collect::<Result<Vec<_>, _>>()?;
    Ok(Used { cpu: used.iter().map(|used| used.cpu).sum(), peak_kib: used.iter().map(|used| used.peak_kib).sum() })
}

/// What the store's server has used so far, and how large the store is.
pub(super) struct Database {
    pub used: Used,
    pub bytes: u64,
}

pub(super) async fn database(config: &Config) -> Result<Database, Error> {
    let Some(options) = &config.store.postgres else {
        return Ok(Database { used: Used::default(), bytes: fs::metadata(&config.store.file)?.len() });
    };
    let about = postgres::about(options).await?;
    Ok(Database { used: process::family(about.process)?, bytes: about.bytes })
}

/// Waits until all have closed. Counting is work for the store, so it is asked seldom, and often only near the end.
async fn wait(gateway: &Gateway, declarations: usize, callers: &mut Callers) -> Result<(), Error> {
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
