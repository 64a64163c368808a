//! `key …`: test keys for signers, the audit log's key, keys for callers.

use std::{fs, io::Write, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Subcommand;

use super::say;
use crate::{access, audit::LogKey, clock::Clockwork, signers};

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// 生成测试用 SM2 私钥与自签证书 · Makes a test SM2 key with a self-signed certificate; customs knows neither.
    New {
        /// 名称（文件名前缀）· The name: the files are NAME.key.pem and NAME.cert.pem.
        name: String,
        /// 目录 · The folder they are written to.
        #[arg(long, default_value = ".")]
        dir: PathBuf,
        /// 证书主体（企业名称）· The organisation that the certificate names.
        #[arg(long, default_value = "Tongguan test sender")]
        subject: String,
        /// 有效天数 · Days it is valid.
        #[arg(long, default_value_t = 365)]
        days: u32,
    },
    /// 生成审计日志密钥 · Makes the key that signs the audit log's checkpoints: NAME.logkey (secret) and NAME.vkey (public).
    Log {
        /// 名称 · The log's name, as in a host name: example.com/tongguan.
        origin: String,
        /// 文件名前缀 · What the files are called.
        #[arg(long, default_value = "audit")]
        name: String,
        /// 目录 · The folder they are written to.
        #[arg(long, default_value = ".")]
        dir: PathBuf,
    },
    /// 生成调用方 API 密钥 · Makes a key for a caller; the key is shown once, the digest goes into the configuration.
    Api,
}

pub(super) fn run(command: &KeyCommand) -> Result<ExitCode> {
    let clockwork = Clockwork::system();
    match command {
        KeyCommand::New { name, dir, subject, days } => {
            let (key, certificate) = signers::new_key(&clockwork, subject, *days)?;
            let (key, certificate) = signers::write_key(dir, name, &key, &certificate)?;
            say(&format!("{}\n{}", key.display(), certificate.display()));
        }
        KeyCommand::Log { origin, name, dir } => {
            let (secret, public) = write_log_key(&clockwork, origin, name, dir)?;
            say(&format!("{}\n{}", secret.display(), public.display()));
        }
        KeyCommand::Api => {
            let (key, sha256) = access::new_key(&clockwork);
            say(&format!("key    = {key}\nsha256 = {sha256}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes the audit log's key and writes it: the secret readable by its owner alone, the public one by all.
pub(super) fn write_log_key(clockwork: &Clockwork, origin: &str, name: &str, dir: &std::path::Path) -> Result<(PathBuf, PathBuf)> {
    let mut seed = [0; 32];
    clockwork.fill(&mut seed);
    let key = LogKey::new(origin, &seed).with_context(|| format!("{origin:?} is no name for a log"))?;
    let secret = dir.join(format!("{name}.logkey"));
    let public = dir.join(format!("{name}.vkey"));
    write_secret(&secret, &key.to_secret_text()).with_context(|| format!("{} cannot be written", secret.display()))?;
    fs::write(&public, format!("{}\n", key.verifier())).with_context(|| format!("{} cannot be written", public.display()))?;
    Ok((secret, public))
}

fn write_secret(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}
