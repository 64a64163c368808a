//! Durable accepts: declarations over the stream, with their waybills beside them or alone, each answered once it is on disk. Nothing
//! else runs but the log: no document is packed, no customs is there.

use std::path::PathBuf;

use serde::Serialize;

use super::{
    Error,
    callers::{Callers, Calls},
    certificates, life, load, micros, process,
};
use crate::{
    clock::Clockwork,
    config::Config,
    gateway::Gateway,
    node::{self, Role},
};

/// One run, as the JSON line tells it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    bench: &'static str,
    store: &'static str,
    /// Whether callers came by TLS, each with a certificate.
    pub mutual_tls: bool,
    /// Declarations that were kept.
    pub declarations: usize,
    /// Waybills that were kept beside them, at the same time.
    pub waybills: usize,
    /// From the first submission to the last answer.
    pub milliseconds: u64,
    /// Declarations kept in a second.
    pub accepts_per_s: u64,
    /// CPU of a declaration, and its waybill if there are any, in µs.
    pub cpu_us_per_declaration: life::ByProcess,
    /// Time to the answer: one half of all was faster.
    pub submit_p50_ms: u64,
    /// Time to the answer: all but one in a hundred were faster.
    pub submit_p99_ms: u64,
    /// What was run.
    conditions: &'static str,
}

/// What is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many declarations.
    pub declarations: usize,
    /// No waybills beside them.
    pub alone: bool,
    /// A folder for certificates: callers come by mutual TLS.
    pub certificates: Option<PathBuf>,
}

/// Keeps so many declarations, with as many waybills unless alone, and tells what that costs.
///
/// # Errors
/// If anything is refused: then there is no figure.
pub async fn run(options: &Options, config: &Config, clockwork: &Clockwork) -> Result<Report, Error> {
    let Options { declarations, alone, .. } = *options;
    let node = node::Options { roles: vec![Role::Intake, Role::Sequence], ..config.node.clone() };
    let mut config = Config { node, ..config.clone() };
    if let Some(folder) = &options.certificates {
        certificates::secure(&mut config, folder)?;
    }
    let gateway = Gateway::start(&config, clockwork).await?;
    let address = gateway.address().map(|address| address.to_string()).unwrap_or_default();
    let (before, database_before) = (process::used("self")?, life::database(&config).await?);
    let calls = Calls { declarations, rate: None, alone, certificates: options.certificates.clone() };
    let load = Callers::start(&[address], &calls)?.end().await?;
    let (after, database_after) = (process::used("self")?, life::database(&config).await?);
    gateway.stop().await;
    let cpu = micros(after.cpu.saturating_sub(before.cpu));
    let database = micros(database_after.used.cpu.saturating_sub(database_before.used.cpu));
    let store = if config.store.postgres.is_some() { "postgres" } else { "sqlite" };
    Ok(report(store, options, &load, [cpu, database]))
}

fn report(store: &'static str, options: &Options, load: &load::Report, [gateway, database]: [u64; 2]) -> Report {
    let Options { declarations, alone, .. } = *options;
    let many = u64::try_from(declarations).unwrap_or(u64::MAX).max(1);
    let each = |all: u64| all / many;
    Report {
        bench: "accepts",
        store,
        mutual_tls: options.certificates.is_some(),
        declarations,
        waybills: if alone { 0 } else { declarations },
        milliseconds: load.all_us / 1_000,
        accepts_per_s: many.saturating_mul(1_000_000).checked_div(load.all_us).unwrap_or(0),
        cpu_us_per_declaration: life::ByProcess {
            gateway: each(gateway),
            callers: each(load.cpu_us),
            customs: 0,
            database: each(database),
            sum: each(gateway + load.cpu_us + database),
        },
        submit_p50_ms: load.quantile_ms(500),
        submit_p99_ms: load.quantile_ms(990),
        conditions: "a stream of declarations and one of waybills if there are any, as fast as they are taken, each answered once it is on disk; \
                     checks, exemption and audit log; nothing is packed; callers on the same machine",
    }
}
