//! `nodes`: who works on the database, and where they differ.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use super::{complain, say, shown, table};
use crate::{
    clock::{Clockwork, Timestamp},
    config::{Config, StoreOptions},
    node,
    store::{
        KeptNode, Store,
        postgres::{self, Address, Postgres},
        sqlite::Sqlite,
    },
};

const WIDTH: usize = 140;

#[derive(Debug, Args)]
pub(super) struct NodesArgs {
    /// 配置文件 · The configuration file that names the store.
    #[arg(long, env = "TONGGUAN_CONFIG", default_value = "tongguan.toml")]
    config: PathBuf,
    /// 数据库文件或 postgres:// 地址，代替配置文件 · The database file or address, in place of a configuration.
    #[arg(long, env = "TONGGUAN_STORE", hide_env_values = true)]
    store: Option<String>,
}

impl NodesArgs {
    async fn open(&self) -> Result<Box<dyn Store>> {
        let cannot = |what: &dyn std::fmt::Display| format!("{what} 无法打开 · cannot be opened");
        let options = match &self.store {
            Some(url) if Address::is_one(url) => StoreOptions { postgres: Some(postgres::Options::at(url)), ..StoreOptions::default() },
            Some(file) => StoreOptions { file: PathBuf::from(file), ..StoreOptions::default() },
            None => Config::load(&self.config)?.store,
        };
        Ok(match options.postgres {
            Some(postgres) => Box::new(Postgres::open_read_only(&postgres).await.with_context(|| cannot(&postgres.url))?),
            None => Box::new(Sqlite::open_read_only(&options.file).await.with_context(|| cannot(&options.file.display()))?),
        })
    }
}

/// Status 0 only if all that live agree.
pub(super) async fn nodes(args: &NodesArgs) -> Result<ExitCode> {
    let all = args.open().await?.nodes().await?;
    let now = Clockwork::system().now();
    let rows: Vec<_> = all.iter().map(|node| row(node, now)).collect();
    say(&table::layout(&["节点 node", "运行 roles", "版本 version", "启动 started", "最近 last word", "状态"], &rows, WIDTH));
    let living = all.iter().filter(|node| !node::is_gone(node, now));
    let differing = node::disagreements(living.clone());
    for found in &differing {
        complain(&format!("配置不一致 · configured differently: {}", shown(&found.to_string())));
    }
    let mut clocks = 0;
    for node in living {
        for (id, ahead) in &node.clocks {
            let other = all.iter().find(|other| other.id == *id).map_or_else(|| id.to_string(), node::label);
            complain(&format!("时钟不一致 · clocks differ: {} is {ahead} ms behind {} at least", shown(&node::label(node)), shown(&other)));
            clocks += 1;
        }
    }
    Ok(if differing.is_empty() && clocks == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(node: &KeptNode, now: Timestamp) -> Vec<String> {
    let word = if node.seen_at > now {
        format!("时钟快 · clock ahead {} s", node.seen_at.since(now).as_secs())
    } else {
        format!("{} s", now.since(node.seen_at).as_secs())
    };
    let state = if node::is_gone(node, now) { "失联 gone" } else { "在 lives" };
    vec![shown(&node::label(node)), shown(&node.roles), shown(&node.version), node.started_at.to_string(), word, state.to_owned()]
}
