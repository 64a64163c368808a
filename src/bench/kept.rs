//! A store with very much in it: how long search, pages and the check of the whole log take there.
//!
//! A few hundred lives are run as in [`super::life`]; what is kept of them is written again and again under other numbers, ids and times
//! ([`crate::store::filling`]), with a few of the audit entries of each, which the sequencer gives their places under signed checkpoints.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::Serialize;
use tokio::time::Instant;

use super::{Error, life, micros, process};
use crate::{
    clock::Clockwork,
    config::Config,
    gateway::Gateway,
    node::Role,
    proving::check::{self, Checked},
};

mod asking;
mod making;
mod paging;

pub use making::{FILE, Filled};

/// What is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many declarations are kept.
    pub declarations: usize,
    /// The folder of keys and roads, and of the store.
    pub dir: PathBuf,
    /// How often each question is asked.
    pub rounds: usize,
}

/// Of one kind of question, in µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Times {
    /// One half was faster.
    pub p50: u64,
    /// All but one in twenty were faster.
    pub p95: u64,
    /// The slowest.
    pub longest: u64,
}

impl Times {
    pub(super) fn of(mut all: Vec<u64>) -> Self {
        all.sort_unstable();
        let at = |per_cent: usize| all.get(all.len().saturating_sub(1) * per_cent / 100).copied().unwrap_or(0);
        Self { p50: at(50), p95: at(95), longest: at(100) }
    }
}

/// The check of the whole log.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Verified {
    /// Entries that were checked.
    pub entries: u64,
    /// In so many milliseconds.
    pub milliseconds: u64,
    /// Milliseconds of CPU, of this program and of the database's server.
    pub cpu_ms: u64,
    /// Entries in a second.
    pub entries_per_s: u64,
    /// Entries in a second of one core.
    pub entries_per_cpu_s: u64,
}

/// One run, as the JSON line tells it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    bench: &'static str,
    store: &'static str,
    /// Declarations that are kept.
    pub declarations: usize,
    /// Entries of the audit log.
    pub entries: u64,
    /// The database, in MiB.
    pub store_mib: u64,
    /// Answers of `AuditLog` over gRPC, by what was asked.
    pub search_us: BTreeMap<&'static str, Times>,
    /// Pages of the console over HTTP, each on a connection of its own, by path.
    pub pages_us: BTreeMap<String, Times>,
    /// `audit verify`.
    pub verify: Verified,
    /// What was run.
    conditions: &'static str,
}

/// Makes a store with so many declarations, unless the folder has one from before, and asks it.
///
/// # Errors
/// If anything does not do what it should: then there is no figure.
pub async fn run(options: &Options, config: &Config, clockwork: &Clockwork) -> Result<Report, Error> {
    let filled = making::filled(options, config, clockwork).await?;
    // What was written last is a moment old.
    let clockwork = Clockwork::shifted(filled.until_ms.saturating_sub(clockwork.now().0 / 1_000).saturating_add(60_000));
    let mut config = config.clone();
    config.node.roles = vec![Role::Intake, Role::Sequence];
    config.console.listen = format!("127.0.0.1:{}", free_port()?);
    let gateway = Gateway::start(&config, &clockwork).await?;
    let address = gateway.address().map(|address| address.to_string()).unwrap_or_default();
    let search_us = asking::ask(&address, &filled, options.rounds).await?;
    let pages_us = paging::pages(&config.console.listen, &filled, options.rounds).await?;
    let bytes = life::database(&config).await?.bytes;
    gateway.stop().await;
    let verify = verified(&config).await?;
    Ok(Report {
        bench: "kept",
        store: if config.store.postgres.is_some() { "postgres" } else { "sqlite" },
        declarations: filled.declarations(),
        entries: verify.entries,
        store_mib: bytes >> 20,
        search_us,
        pages_us,
        verify,
        conditions: "declarations that have closed, each with its documents, waybill, numbers, decision, the last receipts and a few entries; one \
                     caller on the same machine, one question after another, each about another declaration",
    })
}

fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// `audit verify`, with no right to write.
async fn verified(config: &Config) -> Result<Verified, Error> {
    let (store, key) = making::looking(config).await?;
    let (before, database_before, began) = (process::used("self")?, life::database(config).await?, Instant::now());
    let checked = check::kept(store.as_ref(), key, None, None, &|_, _| ()).await.map_err(|error| Error::Wrong(error.to_string()))?;
    let took = began.elapsed();
    let cpu = process::used("self")?.cpu.saturating_sub(before.cpu);
    let cpu = cpu + life::database(config).await?.used.cpu.saturating_sub(database_before.used.cpu);
    let Checked::Whole { summary, .. } = checked else {
        return Err(Error::Wrong(format!("the log is not whole: {checked:?}")));
    };
    let rate = |time: Duration| summary.signed.saturating_mul(1_000_000).checked_div(micros(time)).unwrap_or(0);
    Ok(Verified {
        entries: summary.signed,
        milliseconds: micros(took) / 1_000,
        cpu_ms: micros(cpu) / 1_000,
        entries_per_s: rate(took),
        entries_per_cpu_s: rate(cpu),
    })
}
