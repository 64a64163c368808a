//! `migrate`: brings a PostgreSQL database to the schema of this version.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::say;
use crate::{
    config::Config,
    store::{
        ListFilter, Store,
        postgres::{self, Address, Options, Postgres},
    },
};

#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    /// 配置文件 · The configuration file that names the database.
    #[arg(long, env = "TONGGUAN_CONFIG", default_value = "tongguan.toml")]
    config: PathBuf,
    /// postgres:// 地址，代替配置文件 · The database's address, in place of a configuration.
    #[arg(long, env = "TONGGUAN_STORE", hide_env_values = true)]
    store: Option<String>,
}

pub(super) async fn migrate(args: &MigrateArgs) -> Result<ExitCode> {
    let options = match &args.store {
        Some(url) => address(url)?,
        None => match Config::load(&args.config)?.store.postgres {
            Some(options) => options,
            None => {
                say("SQLite 文件在打开时自动升级 · an SQLite file is brought to the present schema when it is opened");
                return Ok(ExitCode::SUCCESS);
            }
        },
    };
    bring(&options).await?;
    say(&format!("{} 的结构已是最新 · has the present schema", options.url));
    Ok(ExitCode::SUCCESS)
}

/// Brings the database of a demonstration or a measurement to the present schema.
pub(super) async fn prepare(url: &str) -> Result<Options> {
    let options = address(url)?;
    bring(&options).await?;
    Ok(options)
}

/// As [`prepare`], and makes sure that nothing is kept in it.
pub(super) async fn prepare_empty(url: &str) -> Result<Options> {
    let options = prepare(url).await?;
    let store = Postgres::open(&options).await?;
    let kept = store.list(ListFilter { limit: 1, ..ListFilter::default() }).await?;
    store.close().await;
    if !kept.is_empty() {
        bail!("{0} 已有申报，请用新模式（?schema=…）· {0} keeps declarations; take a new schema (?schema=…)", options.url);
    }
    Ok(options)
}

async fn bring(options: &Options) -> Result<()> {
    postgres::migrate(options).await.with_context(|| format!("{0} 无法升级 · {0} cannot be brought to the present schema", options.url))
}

fn address(url: &str) -> Result<Options> {
    if !Address::is_one(url) {
        bail!("不是 postgres:// 地址 · not an address of a PostgreSQL database (postgres://…)");
    }
    Ok(Options::at(url))
}
