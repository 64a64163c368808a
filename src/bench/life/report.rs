//! What a run of whole lives tells.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use serde::Serialize;

use super::{
    super::{load, micros, process::Used},
    Options,
};

/// Of the gateway, the callers and the simulated customs.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ByProcess {
    /// The gateway, or all of them, an embedded store included.
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
    /// Gateways that worked on it together.
    pub nodes: usize,
    /// Whether what was done went untold.
    pub without_log: bool,
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
    /// CPU of the stages of the first gateway, in µs a declaration.
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

pub(super) fn report(
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
    Report {
        bench: "lives",
        store,
        nodes: options.nodes,
        without_log: options.without_log,
        declarations: options.declarations,
        rate: options.rate,
        milliseconds: micros(took) / 1_000,
        declarations_per_s: per_second(micros(took)),
        accepts_per_s: per_second(load.all_us),
        cpu_us_per_declaration: each(micros(gateway.cpu), load.cpu_us, micros(customs.cpu), micros(database.cpu), many),
        submit_p50_ms: load.quantile_ms(500),
        submit_p99_ms: load.quantile_ms(990),
        busy: load.busy,
        peak_rss_mib: each(gateway.peak_kib, load.peak_kib, customs.peak_kib, database.peak_kib, 1_024),
        store_kib_per_declaration: size / 1_024 / many,
        stages_us: stages.iter().map(|(stage, used)| (*stage, used / many)).collect(),
        conditions: "3 documents, 9 receipts, sm2-sm3, schema on both sides, audit log unless without_log, receipts 100 to a message; \
                     one declarant, a carrier for each district; callers and simulated customs on the same machine",
    }
}
