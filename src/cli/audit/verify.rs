//! `audit verify`: of a store, of a published log, of a bundle.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use super::{super::server::TrustArgs, WhereArgs, complain, read, say};
use crate::{
    audit::{Damage, verify::Summary},
    proving::{
        archived::Hashed,
        bundle::Bundle,
        check::{self, Checked},
    },
    tiles::Remote,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct VerifyArgs {
    /// 早先另存的检查点：日志须包含它 · A checkpoint saved earlier elsewhere: the log must still hold what it signed.
    #[arg(long)]
    since: Option<PathBuf>,
    /// 校验以 HTTP 公布的日志 · Verifies a log published by tiles over HTTP (http://HOST:PORT, or https:// with --ca), instead of a database.
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["export", "store"])]
    tiles: Option<String>,
    /// 校验 audit export 的文件 · Verifies a file that audit export wrote, instead of a database.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["since", "store"])]
    export: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    place: WhereArgs,
}

pub(super) async fn verify(args: &VerifyArgs) -> Result<ExitCode> {
    let key = args.place.verifier()?;
    if let Some(file) = &args.export {
        return exported(&read(file)?, args);
    }
    let since = args.since.as_deref().map(read).transpose()?;
    let checked = match &args.tiles {
        Some(address) => check::published(&Remote::new(address, args.trust.read()?.as_ref())?, key, since.as_deref()).await?,
        None => {
            let folder = args.place.archives.as_deref();
            check::kept(args.place.open().await?.as_ref(), key, since.as_deref(), folder, &|_, _| ()).await?
        }
    };
    Ok(tell(&checked, since.is_none()))
}

fn exported(text: &str, args: &VerifyArgs) -> Result<ExitCode> {
    let bundle: Bundle = serde_json::from_str(text).context("不是 audit export 的文件 · this is no file of audit export")?;
    match bundle.verify(&args.place.verifier()?) {
        Ok(head) => {
            say(&format!(
                "证明成立 · the proofs hold: {} entries stand in the log {} of {} entries, root {}",
                bundle.entries.len(),
                head.origin,
                head.size,
                head.root
            ));
            Ok(ExitCode::SUCCESS)
        }
        Err(fault) => {
            complain(&format!("证明不成立 · the bundle is not to be believed: {fault}"));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn tell(checked: &Checked, is_alone: bool) -> ExitCode {
    match checked {
        Checked::Whole { summary, pending, hashed, archives } => {
            tell_archives(hashed, *archives);
            return tell_summary(summary, *pending, is_alone);
        }
        Checked::Archives(wrong) => wrong.iter().for_each(|wrong| complain(wrong)),
        Checked::Unsigned => complain("没有签名检查点 · no checkpoint is signed: nothing vouches for these entries"),
        Checked::Broken(damage) => tell_damage(damage),
        Checked::Untold(id) => complain(&format!(
            "日志已损坏：申报 {id} 的受理记录不存在 · the log is broken: it does not tell of the acceptance of declaration {id}"
        )),
        Checked::NoCheckpoint(error) => {
            complain(&format!("所公布的检查点不成立 · the published checkpoint does not hold: {error}"));
        }
        Checked::NotSince(error) => {
            complain(&format!("--since 的文件不是本日志的检查点 · what --since names is no checkpoint of this log: {error}"));
        }
        Checked::TilesDiffer => complain("哈希块与签名根不符 · the tiles do not have the root that was signed, the entries do"),
    }
    ExitCode::FAILURE
}

/// What was archived: read, known by its hashes alone, or destroyed.
fn tell_archives(hashed: &[Hashed], archives: usize) {
    if archives > 0 {
        say(&format!("归档完整 · archives are whole: {archives}"));
    }
    for Hashed { archive, first, last, count, is_destroyed } in hashed {
        let (zh, en) = if *is_destroyed {
            ("期满依法销毁，仅校验叶哈希", "lawfully destroyed after their time, as the log tells; verified by leaf hash alone")
        } else {
            ("归档不在手边，仅校验叶哈希（--archives）", "the archive is not at hand, verified by leaf hash alone (--archives)")
        };
        say(&format!(
            "第 {first} 至 {last} 号中 {count} 条记录在 {archive}：{zh} · {count} of the entries {first} to {last} are in {archive}: {en}"
        ));
    }
}

fn tell_summary(summary: &Summary, pending: usize, is_alone: bool) -> ExitCode {
    say(&format!(
        "日志完整 · the log is whole: {} entries, {} of them under {} signed checkpoints, {pending} waiting for a checkpoint; root {}",
        summary.entries, summary.signed, summary.checkpoints, summary.root
    ));
    if is_alone {
        say(
            "提示：截断到旧检查点的日志须用另存的检查点才能发现 · a log cut back to an old checkpoint is only seen with --since and a checkpoint saved elsewhere (audit checkpoint)",
        );
    }
    ExitCode::SUCCESS
}

fn tell_damage(damage: &Damage) {
    complain(&format!("日志已损坏 · the log is broken, first at: {}", damage.first));
    for broken in &damage.found {
        complain(&format!("  {broken}"));
    }
    if damage.unlisted > 0 {
        complain(&format!("  … {} more", damage.unlisted));
    }
}
