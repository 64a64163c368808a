//! `compose`: a message out of JSON, as `parse` prints it.

use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::{complain, load_schemas, validate};
use crate::{message, seal, signers::FileSigner};

#[derive(Debug, Args)]
pub(super) struct ComposeArgs {
    /// JSON 文件，格式同 parse 的输出 · A JSON file as parse prints it.
    file: PathBuf,
    /// 签名 · Signs it, with the key and certificate that are named.
    #[arg(long, requires_all = ["key", "certificate"])]
    sign: bool,
    /// 私钥（PEM）· The private key.
    #[arg(long)]
    key: Option<PathBuf>,
    /// 证书（PEM）· Its certificate.
    #[arg(long)]
    certificate: Option<PathBuf>,
}

/// Prints the message; what is not valid is told on the error output and not printed.
pub(super) async fn compose(args: &ComposeArgs) -> Result<ExitCode> {
    load_schemas()?;
    let json = validate::read(&args.file).with_context(|| format!("{0} 无法读取 · {0} cannot be read", args.file.display()))?;
    let json = serde_json::from_slice(&json).context("不是 JSON · not JSON")?;
    let mut bytes = message::from_json(&json).map_err(|error| anyhow::anyhow!("{} · {error}", error.zh()))?;
    let defects = message::examine(&bytes);
    for defect in &defects {
        complain(&format!("{} {} {} · {}", defect.path, defect.code, defect.zh, defect.en));
    }
    if !defects.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    if args.sign {
        let (Some(key), Some(certificate)) = (&args.key, &args.certificate) else { bail!("--sign needs --key and --certificate") };
        bytes = seal::seal(&bytes, &FileSigner::open(key, certificate)?).await?.bytes().to_vec();
    }
    let mut out = std::io::stdout().lock();
    // Whoever listened may have gone: no fault of ours.
    let _ = out.write_all(&bytes).and_then(|()| out.flush());
    Ok(ExitCode::SUCCESS)
}
