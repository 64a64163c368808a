//! `bench`: measures, and prints one JSON line.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use super::say;
use crate::{bench::schema, clock::Clockwork};

#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    #[command(flatten)]
    what: What,
    /// 报文数 · How many messages.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(2..=20_000))]
    documents: u32,
    /// 轮数，取中位数 · How many rounds; medians are told.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
    /// 随机种子 · The seed of what is made for it.
    #[arg(long, default_value_t = 11)]
    seed: u64,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// 模式校验，与 libxml2（xmllint）同轮对比 · The check against the schemas, beside libxml2's (xmllint) in the same run.
    #[arg(long)]
    schema: bool,
}

pub(super) fn bench(args: &BenchArgs) -> Result<ExitCode> {
    if args.what.schema {
        let folder = std::env::temp_dir().join(format!("tongguan-bench-{}", Clockwork::system().id().simple()));
        let (documents, rounds) = (usize::try_from(args.documents)?, usize::try_from(args.rounds)?);
        let report = schema::run(&schema::Options { documents, rounds, seed: args.seed, folder: folder.clone() });
        if folder.exists() {
            std::fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
        }
        say(&serde_json::to_string(&report?)?);
    }
    Ok(ExitCode::SUCCESS)
}
