//! `exemption replay`: kept lines decided again, nothing written.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use time::Date;

use super::{WhereArgs, day, period};
use crate::{
    cli::{complain, say, shown},
    config::Config,
    exemption::{Advisor, Library, Move, Override, Pack, Packs, PaperLine, Replay, WhatIf, ledger::Money, library::Version},
    ledgers::{self, Pages, Work, heading, paper},
    store::{Decided, DecisionFilter},
};

/// The files of a pack are a few dozen kilobytes.
const LARGEST_PACK: u64 = 4 * 1024 * 1024;

#[derive(Debug, Args)]
pub(in crate::cli) struct ReplayArgs {
    /// 配置文件：文库、例外与口径 · The configuration with its libraries, override and readings; without it, none of them.
    #[arg(long)]
    config: Option<PathBuf>,
    /// 另一规则包：文件夹（values.tsv、rules.tsv、reasons.tsv）或仅参数文件；对其覆盖的出口日期生效 · Another rule pack: a folder with its
    /// values, rules and reasons, or the file of its values alone. It decides for the export dates that it covers.
    #[arg(long)]
    pack: Option<PathBuf>,
    /// 另一文库，加在已有文库之前 · Another version of the library, asked before the others.
    #[arg(long)]
    library: Option<PathBuf>,
    /// 使用示例文库 · Uses the shipped sample library as well.
    #[arg(long)]
    sample_library: bool,
    /// 假定103号现行有效（配置与原判定均未署名例外时）· Assumes that notice 103 is in force, where neither the configuration nor the line's own paper names an override.
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

/// What was found of a share of a page, and the lines that move, each with its order.
type Found = (Replay, Vec<(String, u32, Move)>);

pub(super) async fn replay(args: &ReplayArgs) -> Result<ExitCode> {
    let exported = period(args.from, args.to)?;
    let what_if = Arc::new(WhatIf::new(advisor(args)?, args.as_if_exported)?);
    let store = args.place.open().await?;
    let named = args.lines;
    let wanted = move |line: &PaperLine| line.inputs.fields.export_date.is_some_and(|day| exported.holds(day));
    let work: Work<Found> = Arc::new(move |share: &[Decided]| {
        let (mut replay, mut told) = (what_if.replay(), Vec::new());
        for decided in share {
            let Some(paper) = paper(decided)? else { continue };
            let heading = heading(&decided.dossier);
            let moves = replay.add(&paper, &heading.currency, wanted);
            told.extend(moves.into_iter().filter(|_| named).map(|(line, moved)| (heading.order_no.clone(), line, moved)));
        }
        Ok::<_, ledgers::Error>((replay, told))
    });
    let mut pages = Pages::open(store, DecisionFilter::default(), work);
    let mut found = Replay::default();
    while let Some(shares) = pages.next().await? {
        for (replay, told) in shares {
            found.join(replay);
            for (order_no, line, Move { from, to, code, .. }) in told {
                say(&format!("{} {line}: {} → {} {code}", shown(&order_no), from.as_str(), to.as_str()));
            }
        }
    }
    tell(&found, args.library.is_none());
    Ok(ExitCode::SUCCESS)
}

fn tell(found: &Replay, same_library: bool) {
    for (moved, sum) in &found.moves {
        let (from, to, currency) = (moved.from.as_str(), moved.to.as_str(), shown(&moved.currency));
        let unknown =
            if sum.without_rate > 0 { format!("（{} 行无汇率 · without a rate）", sum.without_rate) } else { String::new() };
        say(&format!(
            "{from} → {to} {}: {} 行 · lines, 币制 · currency {currency} {}, CNY {}{unknown}",
            moved.code,
            sum.lines,
            Money(sum.amount),
            Money(sum.cny)
        ));
    }
    say(&format!(
        "共 {0} 行，{1} 行会变，{2} 行分拆不同；未保存任何内容 · {0} lines looked at, {1} would change, {2} split otherwise; nothing was written",
        found.lines,
        found.moved(),
        found.split
    ));
    // Who names another library knows.
    if same_library && found.other_library > 0 {
        complain(&format!(
            "{0} 行原先依据的文库与此次不同：结果可能因此而变；用 --config 指明网关的配置 · {0} lines were decided with another library than now, which may be why they change; name the gateway's configuration with --config",
            found.other_library
        ));
    }
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
    let Some(place) = &args.pack else { return Ok(advisor) };
    Ok(advisor.with_packs(Packs::shipped()?.under(Arc::new(pack(place)?))))
}

/// A pack from its folder, or from the file of its values with the shipped rules and reasons.
fn pack(place: &Path) -> Result<Pack> {
    let read = |file: &Path| {
        let cannot = || format!("{0} 无法读取 · {0} cannot be read", file.display());
        if fs::metadata(file).with_context(cannot)?.len() > LARGEST_PACK {
            bail!("{0} 过大 · {0} is too large", file.display());
        }
        fs::read_to_string(file).with_context(cannot)
    };
    let parsed = if place.is_dir() {
        let [values, rules, reasons] = Pack::FILES.map(|name| read(&place.join(name)));
        Pack::read(&values?, &rules?, &reasons?)
    } else {
        Pack::parse(&read(place)?)
    };
    parsed.with_context(|| format!("{0} 不是规则包 · {0} is no rule pack", place.display()))
}
