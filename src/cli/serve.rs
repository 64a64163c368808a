//! `serve` and `simulate`: run until Ctrl-C, then finish what is in hand.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use clap::Args;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tracing_subscriber::EnvFilter;

use super::{load_schemas, say};
use crate::{
    clock::Clockwork,
    config::{Config, LogFormat, LogOptions},
    gateway::Gateway,
    node::{self, Role},
    simulator,
};

/// Begins to write the program's own log to standard error.
pub(super) fn begin_log(options: &LogOptions) -> Result<()> {
    let filter = EnvFilter::try_new(&options.filter)
        .with_context(|| format!("log.filter {0:?} 无法理解 · log.filter {0:?} makes no sense", options.filter))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    match options.format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().init(),
    }
    Ok(())
}

/// Waits for Ctrl-C or a polite kill.
pub(super) async fn asked_to_stop() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("无法等待系统信号 · signals cannot be waited for")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("无法等待系统信号 · signals cannot be waited for")?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// 配置文件 · The configuration file; TONGGUAN_… variables of the environment override it.
    #[arg(long, env = "TONGGUAN_CONFIG", default_value = "tongguan.toml")]
    config: PathBuf,
    /// 本节点运行的部分，逗号分隔；默认全部 · The parts that run here, separated by commas, in place of node.roles:
    /// intake, gate, pack, deliver, receive, collect, sequence.
    #[arg(long, value_delimiter = ',')]
    roles: Vec<Role>,
    /// 本节点名称 · This node's name, in place of node.name.
    #[arg(long)]
    name: Option<String>,
}

pub(super) async fn serve(args: &ServeArgs) -> Result<ExitCode> {
    load_schemas()?;
    let config = Config::load_as(&args.config, |node| {
        if !args.roles.is_empty() {
            node.roles.clone_from(&args.roles);
        }
        if let Some(name) = &args.name {
            node.name.clone_from(name);
        }
    })?;
    begin_log(&config.log)?;
    for note in config.notes() {
        tracing::warn!("{}", note.trim());
    }
    let gateway = Gateway::start(&config, &Clockwork::shifted(config.node.clock_shift_ms)).await?;
    let node = format!("{} ({})", config.node.shown_name(), node::joined(&config.node.roles));
    say(&match gateway.address() {
        Some(address) => format!("通关网关已就绪 · the gateway listens on {address}; 节点 · node {node}"),
        None => format!("通关网关已就绪 · the gateway runs; 节点 · node {node}"),
    });
    asked_to_stop().await?;
    say("正在收尾 · finishing what is in hand");
    gateway.stop().await;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn simulate(file: &Path) -> Result<ExitCode> {
    load_schemas()?;
    let config = Config::load(file)?;
    begin_log(&config.log)?;
    let (stop, stopped) = watch::channel(false);
    let roads = config.simulator.roads.join(", ");
    let running = tokio::spawn(simulator::run(config.simulator, Clockwork::system(), stopped));
    say(&format!("模拟海关已就绪 · the simulated customs waits on {roads}"));
    asked_to_stop().await?;
    // If it has ended already, joining it tells why.
    let _ = stop.send(true);
    let report = running.await.context("模拟海关中断 · the simulated customs broke off")??;
    say(&report.to_string());
    Ok(if report.declared_twice.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
