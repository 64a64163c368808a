//! `serve` and `simulate`: run until Ctrl-C, then finish what is in hand.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result};
use clap::Args;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};
use tracing_subscriber::EnvFilter;

mod reload;

use super::{load_schemas, say};
use crate::{
    clock::Clockwork,
    config::{Config, LogFormat, LogOptions},
    gateway::Gateway,
    node::{self, Role},
    simulator, telemetry,
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

/// Hears Ctrl-C or a polite kill from now on, also while something is still being started.
pub(super) struct Asked {
    interrupt: Signal,
    terminate: Signal,
}

impl Asked {
    pub(super) fn listen() -> Result<Self> {
        let hear = |kind| signal(kind).context("无法等待系统信号 · signals cannot be waited for");
        Ok(Self { interrupt: hear(SignalKind::interrupt())?, terminate: hear(SignalKind::terminate())? })
    }

    /// Waits until somebody asks to stop.
    pub(super) async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
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
    let mut asked = Asked::listen()?;
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
    let traces = telemetry::begin(&config.telemetry, &config.node.shown_name())?;
    let clockwork = Clockwork::shifted(config.node.clock_shift_ms);
    let gateway = tokio::select! {
        started = Gateway::start(&config, &clockwork) => started?,
        // Nothing runs yet that has anything in hand.
        () = asked.wait() => return Ok(ExitCode::SUCCESS),
    };
    let node = format!("{} ({})", config.node.shown_name(), node::joined(&config.node.roles));
    say(&match gateway.address() {
        Some(address) => format!("通关网关已就绪 · the gateway listens on {address}; 节点 · node {node}"),
        None => format!("通关网关已就绪 · the gateway runs; 节点 · node {node}"),
    });
    if let Some(address) = gateway.tiles_address() {
        say(&format!("审计日志公布于 · the audit log is published at http://{address}"));
    }
    let watching = gateway.access().map(|access| tokio::spawn(reload::watch(args.config.clone(), Arc::clone(access))));
    asked.wait().await;
    if let Some(watching) = watching {
        watching.abort();
    }
    say("正在收尾 · finishing what is in hand");
    gateway.stop().await;
    if let Some(traces) = traces {
        traces.end().await;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn simulate(file: &Path) -> Result<ExitCode> {
    let mut asked = Asked::listen()?;
    load_schemas()?;
    let config = Config::load(file)?;
    begin_log(&config.log)?;
    let (stop, stopped) = watch::channel(false);
    let roads = config.simulator.roads.join(", ");
    let running = tokio::spawn(simulator::run(config.simulator, Clockwork::system(), stopped));
    say(&format!("模拟海关已就绪 · the simulated customs waits on {roads}"));
    asked.wait().await;
    // If it has ended already, joining it tells why.
    let _ = stop.send(true);
    let report = running.await.context("模拟海关中断 · the simulated customs broke off")??;
    say(&report.to_string());
    Ok(if report.declared_twice.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
