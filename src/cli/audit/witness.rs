//! `audit witness`: a second key countersigns what it sees of the log.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::{super::server::TrustArgs, WhereArgs, complain, read, say};
use crate::{
    audit::LogKey,
    clock::Clockwork,
    proving::{Kept, witness::countersign},
    tiles::Remote,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct WitnessArgs {
    /// 见证人私钥（tongguan key log 生成）· The witness's secret key, made by tongguan key log.
    #[arg(long, value_name = "FILE")]
    witness_key: PathBuf,
    /// 上次所见检查点的存放处，成功后更新 · Where the checkpoint seen last is kept; replaced by the one that is countersigned now. Not there: the first look.
    #[arg(long, value_name = "FILE")]
    seen: PathBuf,
    /// 读取以 HTTP 公布的日志 · Reads a log published by tiles over HTTP (http://HOST:PORT, or https:// with --ca), instead of a database.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "store")]
    tiles: Option<String>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    place: WhereArgs,
}

pub(super) async fn witness(args: &WitnessArgs) -> Result<ExitCode> {
    let log_key = args.place.verifier()?;
    let witness = LogKey::parse(&read(&args.witness_key)?)
        .with_context(|| format!("{0} 中没有私钥 · {0} holds no secret key of a log or a witness", args.witness_key.display()))?;
    if witness.verifier() == log_key {
        bail!("见证人须用另一把密钥 · a witness has a key of its own, not the log's");
    }
    let seen = match fs::metadata(&args.seen) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        _ => Some(read(&args.seen)?),
    };
    let seconds = u64::try_from(Clockwork::system().now().0 / 1_000_000).context("the clock is before 1970")?;
    let signed = match &args.tiles {
        Some(address) => {
            countersign(&Remote::new(address, args.trust.read()?.as_ref())?, &log_key, &witness, seen.as_deref(), seconds).await?
        }
        None => countersign(&Kept(args.place.open().await?), &log_key, &witness, seen.as_deref(), seconds).await?,
    };
    match signed {
        Ok(note) => {
            replace(&args.seen, &note).with_context(|| format!("{0} 无法写入 · {0} cannot be written", args.seen.display()))?;
            say(note.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Err(refused) => {
            complain(&format!("见证人拒签 · the witness does not sign: {refused}"));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The old file or the new one, whenever the machine stops.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    let mut written = fs::File::create(&new)?;
    written.write_all(text.as_bytes())?;
    written.sync_all()?;
    fs::rename(&new, file)
}
