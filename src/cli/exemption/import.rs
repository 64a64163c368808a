//! `exemption import`: the authority's DBF and FPT become one text file, checked whole before anything is written.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::{day, write_new};
use crate::{
    cli::{complain, say, shown},
    exemption::{
        Span,
        library::official::{About, convert},
    },
};

/// The authority's files have a few megabytes.
const LARGEST: u64 = 256 * 1024 * 1024;

#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArgs {
    /// DBF 文件；同名 FPT 自动读取 · The DBF file; the FPT file of the same name is read beside it.
    file: PathBuf,
    /// 文库版本 · The version of the library, such as 2026B.
    #[arg(long)]
    version: String,
    /// 来源说明 · Where it was got, for people.
    #[arg(long, default_value = "")]
    label: String,
    /// 覆盖的出口日期自 · The first export date that it speaks for.
    #[arg(long, value_parser = day)]
    from: time::Date,
    /// 覆盖的出口日期至 · The last export date that it speaks for; open if none is named.
    #[arg(long, value_parser = day)]
    to: Option<time::Date>,
    /// 写入的新文件 · The new file.
    #[arg(long)]
    out: PathBuf,
}

pub(super) fn import(args: &ImportArgs) -> Result<ExitCode> {
    if args.to.is_some_and(|to| to < args.from) {
        bail!("覆盖期间先止后始 · the dates end before they begin");
    }
    let table = read(&args.file)?;
    let memo = memo_beside(&args.file)?.map(|file| read(&file)).transpose()?;
    let about = About { version: args.version.clone(), label: args.label.clone(), covers: Span { from: Some(args.from), to: args.to } };
    match convert(&table, memo.as_deref(), &about) {
        Ok(text) => {
            write_new(&args.out, text.as_bytes())?;
            // The comments and the header are no rows.
            say(&format!("{}: {} 行 · rows", args.out.display(), text.lines().filter(|line| !line.starts_with('#')).count() - 1));
            Ok(ExitCode::SUCCESS)
        }
        Err(faults) => {
            for fault in faults {
                complain(&shown(&fault.to_string()));
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let cannot = || format!("{0} 无法读取 · {0} cannot be read", file.display());
    if fs::metadata(file).with_context(cannot)?.len() > LARGEST {
        bail!("{0} 过大 · {0} is too large", file.display());
    }
    fs::read(file).with_context(cannot)
}

/// The memo file, whatever the case of its extension.
fn memo_beside(file: &Path) -> Result<Option<PathBuf>> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).with_context(|| format!("{0} 无法读取 · {0} cannot be read", folder.display()))?;
    let beside = |path: &PathBuf| {
        path.file_stem() == file.file_stem() && path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("fpt"))
    };
    Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).find(beside))
}
