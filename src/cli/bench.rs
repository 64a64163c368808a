//! `bench`: measurements, each with one JSON line.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::say;
use crate::bench::check;

#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    #[command(flatten)]
    what: What,
    /// 订单商品项数 · Lines of the order that is checked.
    #[arg(long, default_value_t = 10)]
    lines: usize,
    /// 轮数，取各轮中位数的中位数 · Runs, of which the median counts.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// 每轮次数 · Calls in a run.
    #[arg(long, default_value_t = 4_000)]
    rounds: usize,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// 订单校验 · All checks of an order.
    #[arg(long)]
    check: bool,
}

pub(super) fn bench(args: &BenchArgs) -> Result<ExitCode> {
    if args.what.check {
        let report = check::run(&check::Options { lines: args.lines, runs: args.runs, rounds: args.rounds })?;
        say(&serde_json::to_string(&report)?);
    }
    Ok(ExitCode::SUCCESS)
}
