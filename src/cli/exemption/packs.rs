//! `exemption packs`: the rule packs that hold now, and their files, to be changed and replayed.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::write_new;
use crate::{
    cli::say,
    exemption::{Pack, shipped_files},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct PacksArgs {
    /// 把各规则包的三个文件写入该新文件夹 · Writes the files of each into this new folder: values, rules, reasons.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) fn packs(args: &PacksArgs) -> Result<ExitCode> {
    if let Some(folder) = &args.out {
        if folder.exists() {
            bail!("{0} 已存在 · {0} is there already", folder.display());
        }
        for (name, texts) in shipped_files() {
            let place = folder.join(&name);
            fs::create_dir_all(&place).with_context(|| format!("{0} 无法写入 · {0} cannot be written", place.display()))?;
            for (file, text) in Pack::FILES.iter().zip(texts) {
                write_new(&place.join(file), text.as_bytes())?;
            }
        }
    }
    for (_, [values, rules, reasons]) in shipped_files() {
        let pack = Pack::read(values, rules, reasons)?;
        let day = |day: Option<time::Date>| day.map(|day| day.to_string()).unwrap_or_default();
        let used = pack.used();
        say(&format!(
            "{} {}: 出口日期 · export dates {}..{}, SHA-256 {}",
            used.name,
            used.version,
            day(pack.covers.from),
            day(pack.covers.to),
            used.digest
        ));
    }
    Ok(ExitCode::SUCCESS)
}
