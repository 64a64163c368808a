//! `exemption replay`: kept lines decided again, nothing written.

use std::{fs, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Context, Result};
use clap::Args;
use time::Date;

use super::{WhereArgs, day, each_paper};
use crate::{
    cli::{say, shown},
    config::Config,
    exemption::{Advisor, Library, Override, Pack, Packs, Replay, library::Version},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct ReplayArgs {
    /// 配置文件：文库、例外与口径 · The configuration with its libraries, override and readings; without it, none of them.
    #[arg(long)]
    config: Option<PathBuf>,
    /// 另一规则包（参数文件）· Another rule pack: the file of its values; it decides for every export date.
    #[arg(long)]
    pack: Option<PathBuf>,
    /// 另一文库，加在已有文库之前 · Another version of the library, asked before the others.
    #[arg(long)]
    library: Option<PathBuf>,
    /// 使用示例文库 · Uses the shipped sample library as well.
    #[arg(long)]
    sample_library: bool,
    /// 假定103号现行有效（配置未署名例外时）· Assumes that notice 103 is in force, where the configuration names no override.
    #[arg(long)]
    assume_in_force: bool,
    /// 假定的出口日期 · As if exported on that day.
    #[arg(long, value_parser = day)]
    as_if_exported: Option<Date>,
    /// 出口日期自 · Only exported on that day or later.
    #[arg(long, value_parser = day)]
    from: Option<Date>,
    /// 出口日期至 · Only exported on that day or before.
    #[arg(long, value_parser = day)]
    to: Option<Date>,
    /// 逐行列出 · Names every line that would change.
    #[arg(long)]
    lines: bool,
    #[command(flatten)]
    place: WhereArgs,
}

pub(super) async fn replay(args: &ReplayArgs) -> Result<ExitCode> {
    let advisor = advisor(args)?;
    let store = args.place.open().await?;
    let mut replay = Replay::default();
    each_paper(store.as_ref(), |heading, paper| {
        let mut paper = paper.clone();
        let within =
            |day: Option<Date>| day.is_some_and(|day| args.from.is_none_or(|from| from <= day) && args.to.is_none_or(|to| day <= to));
        paper.lines.retain(|line| within(line.inputs.fields.export_date));
        for line in replay.add(&advisor, &paper, &heading.currency, args.as_if_exported) {
            if args.lines {
                say(&format!("{} {line}", shown(&heading.order_no)));
            }
        }
        Ok(())
    })
    .await?;
    for (moved, sum) in &replay.moves {
        say(&format!(
            "{} → {} {}: {} 行 · lines, {} ({})",
            moved.from.as_str(),
            moved.to.as_str(),
            moved.code,
            sum.lines,
            sum.amount,
            shown(&moved.currency)
        ));
    }
    say(&format!(
        "共 {} 行，{} 行会变，{} 行分拆不同 · {} lines looked at, {} would change, {} split otherwise; nothing was written",
        replay.lines,
        replay.moved(),
        replay.split,
        replay.lines,
        replay.moved(),
        replay.split
    ));
    Ok(ExitCode::SUCCESS)
}

fn advisor(args: &ReplayArgs) -> Result<Advisor> {
    let read = |file: &PathBuf| fs::read_to_string(file).with_context(|| format!("{0} 无法读取 · {0} cannot be read", file.display()));
    let version = |file: &PathBuf| {
        let parsed = Version::parse_csv(&read(file)?);
        parsed.with_context(|| format!("{0} 不是文库 · {0} is no library", file.display()))
    };
    let options = args.config.as_deref().map(Config::load).transpose()?.map(|config| config.exemption).unwrap_or_default();
    let mut library = if args.sample_library || options.sample_library { Library::sample()? } else { Library::default() };
    for file in options.libraries.iter().chain(&args.library) {
        library = library.with(version(file)?);
    }
    let mut settings = options.settings;
    if args.assume_in_force && settings.regime_override.is_none() {
        settings.regime_override = Some(Override { name: "replay".to_owned(), reason: "--assume-in-force".to_owned() });
    }
    let advisor = Advisor::new(library, settings, options.sellers)?;
    let Some(file) = &args.pack else { return Ok(advisor) };
    let pack = Pack::parse(&read(file)?).with_context(|| format!("{0} 不是规则包 · {0} is no rule pack", file.display()))?;
    Ok(advisor.with_packs(Packs::new(Vec::new(), Arc::new(pack))))
}
