//! `key …`: test keys for signers, the audit log's key, keys for callers.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use uuid::Uuid;

use super::say;
use crate::{
    access,
    audit::LogKey,
    clock::Clockwork,
    config::{Config, StoreOptions},
    signers,
    store::{Resealed, Store, postgres::Postgres, sqlite::Sqlite},
    vault::{self, Place, Vault},
};

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// 生成测试用 SM2（或 RSA）私钥与自签证书 · Makes a test SM2 or RSA key with a self-signed certificate; customs knows neither.
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
        /// 旧卡所用的 RSA，1024 或 2048 位 · RSA as cards had before 2022-07-01: 1024 or 2048 bits.
        #[arg(long, value_name = "BITS", num_args = 0..=1, default_missing_value = "2048")]
        rsa: Option<usize>,
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
    /// 生成加密密钥 · Makes a key for [[store.vault.keys]]: what is kept raw is encrypted with the first of them.
    Vault {
        /// 文件 · The file it is written to.
        #[arg(default_value = "vault.key")]
        file: PathBuf,
    },
    /// 用第一把密钥重新加密已保存的原文 · Brings what is kept raw under the first key of [[store.vault.keys]]; then older ones can go.
    Reseal {
        /// 配置文件 · The configuration file.
        #[arg(long, env = "TONGGUAN_CONFIG", default_value = "tongguan.toml")]
        config: PathBuf,
    },
    /// 生成调用方 API 密钥 · Makes a key for a caller; the key is shown once, the digest goes into the configuration.
    Api,
}

pub(super) async fn run(command: &KeyCommand) -> Result<ExitCode> {
    let clockwork = Clockwork::system();
    match command {
        KeyCommand::New { name, dir, subject, days, rsa } => {
            let (key, certificate) = match rsa {
                Some(bits) => signers::new_rsa_key(&clockwork, subject, *days, *bits)?,
                None => signers::new_key(&clockwork, subject, *days)?,
            };
            let (key, certificate) = signers::write_key(dir, name, &key, &certificate).map_err(|error| match error {
                signers::Error::File { path, source } => unwritten(&path, source),
                other => other.into(),
            })?;
            say(&format!("{}\n{}", key.display(), certificate.display()));
        }
        KeyCommand::Log { origin, name, dir } => {
            let (secret, public) = write_log_key(&clockwork, origin, name, dir)?;
            say(&format!("{}\n{}", secret.display(), public.display()));
        }
        KeyCommand::Vault { file } => {
            write_secret(file, &vault::new_key(&clockwork)).map_err(|error| unwritten(file, error))?;
            say(&file.display().to_string());
        }
        KeyCommand::Reseal { config } => return reseal(&Config::load(config)?.store, &clockwork).await,
        KeyCommand::Api => {
            let (key, sha256) = access::new_key(&clockwork);
            say(&format!("key    = {key}\nsha256 = {sha256}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Rows that are read, encrypted and written at once.
const AT_ONCE: u32 = 16;

/// Brings what is kept raw under the first key, some rows in a commit: broken off, it can be begun anew.
async fn reseal(options: &StoreOptions, clockwork: &Clockwork) -> Result<ExitCode> {
    let keys = Vault::open(&options.vault, clockwork)?;
    let store: Box<dyn Store> = match &options.postgres {
        Some(postgres) => Box::new(Postgres::open(postgres).await?.with_vault(keys)),
        None if !options.file.is_file() => bail!("没有数据库 {0} · there is no database {0}", options.file.display()),
        None => Box::new(Sqlite::open(&options.file).await?.with_vault(keys)),
    };
    let (mut all, mut next) = (Resealed::default(), Some(Place::Message(Uuid::nil())));
    while let Some(from) = next {
        let done = store.reseal(from, AT_ONCE).await?;
        next = done.next;
        all.looked += done.looked;
        all.changed += done.changed;
        all.closed += done.closed;
    }
    store.close().await;
    let Resealed { looked, changed, closed, .. } = all;
    say(&format!(
        "查看 {looked} 份，重新加密 {changed} 份，{closed} 份没有可用的密钥 · looked at {looked}, wrote {changed} anew, {closed} open with none of the keys"
    ));
    Ok(if closed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Makes the audit log's key and writes it: the secret readable by its owner alone, the public one by all.
pub(super) fn write_log_key(clockwork: &Clockwork, origin: &str, name: &str, dir: &Path) -> Result<(PathBuf, PathBuf)> {
    let mut seed = [0; 32];
    clockwork.fill(&mut seed);
    let key = LogKey::new(origin, &seed).with_context(|| format!("{origin:?} 不能用作日志名称 · {origin:?} is no name for a log"))?;
    let secret = dir.join(format!("{name}.logkey"));
    let public = dir.join(format!("{name}.vkey"));
    if public.exists() {
        return Err(unwritten(&public, std::io::ErrorKind::AlreadyExists.into()));
    }
    write_secret(&secret, &key.to_secret_text()).map_err(|error| unwritten(&secret, error))?;
    fs::write(&public, format!("{}\n", key.verifier())).map_err(|error| unwritten(&public, error))?;
    Ok((secret, public))
}

fn unwritten(path: &Path, error: std::io::Error) -> anyhow::Error {
    if error.kind() == std::io::ErrorKind::AlreadyExists {
        return anyhow::anyhow!(
            "{0} 已存在，不会覆盖；请换名称或先移走 · {0} is there already and is not overwritten; take another name or move it away",
            path.display()
        );
    }
    anyhow::Error::new(error).context(format!("{0} 无法写入 · {0} cannot be written", path.display()))
}

fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_key_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let new = || KeyCommand::New { name: "a".into(), dir: folder.path().into(), subject: "firm".into(), days: 1, rsa: None };
        let log = || KeyCommand::Log { origin: "example.com/log".into(), name: "a".into(), dir: folder.path().into() };
        let vault = || KeyCommand::Vault { file: folder.path().join("a.key") };
        for (make, file) in [(&new as &dyn Fn() -> KeyCommand, "a.key.pem"), (&log, "a.logkey"), (&vault, "a.key")] {
            run(&make()).await.unwrap();
            let before = fs::read(folder.path().join(file)).unwrap();
            let told = run(&make()).await.unwrap_err().to_string();
            assert!(told.contains("已存在") && told.contains("not overwritten"), "{told}");
            assert_eq!(fs::read(folder.path().join(file)).unwrap(), before);
        }
    }
}
