//! `bench`: measures, and prints one JSON line.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use tokio::sync::watch;

use super::{complain, demo::set_up, migrate, say, serve};
use crate::{
    bench::{accepts, certificates, check, exemption, kept, life, load, message, schema, tenants},
    clock::Clockwork,
    config::Config,
    demo, simulator,
    store::postgres::{self, Address},
    telemetry,
};

/// The seed of what is made for a measurement.
const SEED: u64 = 11;

#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    #[command(flatten)]
    what: What,
    /// 存储：sqlite，或 postgres:// 地址（空库或空模式）· The store that is measured: sqlite, or the address of an empty PostgreSQL database or schema.
    #[arg(long, default_value = "sqlite")]
    store: String,
    /// 每秒提交票数；不指定则尽快 · Declarations a second, each a call of its own; as fast as they are taken if none is given.
    #[arg(long)]
    rate: Option<u32>,
    /// 保存一切的目录，须为新目录；不指定则用临时目录，测完删除 · A new folder for everything; if none is named a temporary one, removed afterwards.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// 订单商品项数（--check）· Lines of the order that is checked.
    #[arg(long, default_value_t = 10)]
    lines: usize,
    /// 轮数，取各轮中位数的中位数（--check）· Runs, of which the median counts.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// 每轮次数（--check）· Calls in a run.
    #[arg(long, default_value_t = 4_000)]
    calls: usize,
    /// 报文数（--schema）· How many messages.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(2..=20_000))]
    documents: u32,
    /// 轮数，取中位数（--schema、--message）；每类提问的次数（--kept）· How many rounds; medians are told; how often each is asked.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
    /// 同时运行的网关数（仅 PostgreSQL，--declarations）· Gateways that work together, on PostgreSQL.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=16))]
    nodes: u16,
    /// 每个网关的数据库连接数（仅 PostgreSQL）· Connections of each gateway, on PostgreSQL.
    #[arg(long, default_value_t = postgres::Options::default().connections, value_parser = clap::value_parser!(u32).range(1..=200))]
    connections: u32,
    /// 只有申报，不推运单（--accepts）· Only declarations, no waybills beside them.
    #[arg(long)]
    alone: bool,
    /// 双向 TLS，调用方持证书（--accepts；需 openssl）· By mutual TLS, callers with certificates; needs openssl.
    #[arg(long, requires = "accepts")]
    tls: bool,
    /// 不写审计记录（--declarations）：两次之差即审计的开销 · No audit entries are written: the difference is what the log costs.
    #[arg(long, requires = "declarations")]
    without_log: bool,
    /// 把跨度发往此 OTLP 采集器（--declarations）：两次之差即追踪的开销 · Spans are sent to this collector: the difference is what traces cost.
    #[arg(long, requires = "declarations", value_name = "URL")]
    otlp: Option<String>,
    #[arg(long, hide = true, default_value_t = 0)]
    lives: usize,
    #[arg(long, hide = true, default_value_t = 0)]
    first: usize,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// 票数：从提交到结关 · How many declarations go their whole way, from Submit to closed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    declarations: Option<u32>,
    /// 票数：只受理并落盘 · How many declarations, and as many waybills unless alone, are only kept.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    accepts: Option<u32>,
    /// 订单校验 · All checks of an order.
    #[arg(long)]
    check: bool,
    /// 无票免税逐行判定，文库 4 万行 · Deciding a line on the exemption, with a library of 40,000 rows.
    #[arg(long)]
    exemption: bool,
    /// 模式校验，与 libxml2（xmllint）同轮对比 · The check against the schemas, beside libxml2's (xmllint) in the same run.
    #[arg(long)]
    schema: bool,
    /// 报文：生成、解析、整包校验 · Messages: writing, reading, and the whole check of a full one.
    #[arg(long)]
    message: bool,
    /// 票数：已结关者如此之多时，检索、控制台页面与日志校验的耗时 · With so many declarations kept: how long search, pages and the check of the log take.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    kept: Option<u32>,
    /// 他人编号与不存在编号的应答耗时，密钥比对耗时 · How long another tenant's numbers take beside numbers of nothing, and wrong keys.
    #[arg(long)]
    tenants: bool,
    /// The callers of a measurement, in a process of their own.
    #[arg(long, hide = true, value_name = "ADDRESS")]
    load: Option<String>,
    /// The simulated customs of a measurement, in a process of its own, until its input ends.
    #[arg(long, hide = true)]
    customs: bool,
    /// Another gateway of a measurement, until its input ends.
    #[arg(long, hide = true)]
    node: bool,
}

pub(super) async fn bench(args: &BenchArgs) -> Result<ExitCode> {
    let clockwork = Clockwork::system();
    if let Some(many) = args.what.declarations {
        lives(usize::try_from(many)?, args, &clockwork).await?;
    } else if let Some(many) = args.what.accepts {
        let place = Place::prepare(args, &clockwork).await?;
        let certificates = args.tls.then(|| place.dir.clone());
        let options = accepts::Options { declarations: usize::try_from(many)?, alone: args.alone, certificates };
        let report = accepts::run(&options, &place.config, &clockwork).await;
        place.clear()?;
        say(&serde_json::to_string(&report?)?);
    } else if let Some(many) = args.what.kept {
        kept(usize::try_from(many)?, args, &clockwork).await?;
    } else if args.what.tenants {
        let place = Place::prepare(args, &clockwork).await?;
        let report = tenants::run(args.calls, &place.config, &clockwork).await;
        place.clear()?;
        say(&serde_json::to_string(&report?)?);
    } else if args.what.check {
        let report = check::run(&check::Options { lines: args.lines, runs: args.runs, rounds: args.calls })?;
        say(&serde_json::to_string(&report)?);
    } else if args.what.exemption {
        say(&serde_json::to_string(&exemption::run(&exemption::Options::default())?)?);
    } else if args.what.schema {
        schemas(args, &clockwork)?;
    } else if args.what.message {
        let report = message::run(&message::Options { rounds: usize::try_from(args.rounds)?, calls: args.calls, seed: SEED })?;
        say(&serde_json::to_string(&report)?);
    } else if let Some(server) = &args.what.load {
        let trust = args.dir.as_deref().map(certificates::trust).transpose()?;
        let (server, declarations, first) = (server.clone(), args.lives, args.first);
        let options = load::Options { server, declarations, first, rate: args.rate, alone: args.alone, trust };
        say(&serde_json::to_string(&load::run(&options, &clockwork).await?)?);
    } else if args.what.node {
        let postgres = postgres::Options { connections: args.connections, ..postgres::Options::at(&args.store) };
        node(args.dir.clone().context("--node needs --dir")?, postgres, &clockwork).await?;
    } else {
        customs(args.dir.clone().context("--customs needs --dir")?, clockwork).await?;
    }
    Ok(ExitCode::SUCCESS)
}

fn schemas(args: &BenchArgs, clockwork: &Clockwork) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("tongguan-bench-{}", clockwork.id().simple()));
    let (documents, rounds) = (usize::try_from(args.documents)?, usize::try_from(args.rounds)?);
    let report = schema::run(&schema::Options { documents, rounds, seed: SEED, folder: folder.clone() });
    remove(&folder)?;
    say(&serde_json::to_string(&report?)?);
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("{0} 无法删除 · {0} cannot be removed", folder.display()))?;
    }
    Ok(())
}

/// Where a gateway is measured.
struct Place {
    dir: PathBuf,
    config: Config,
    /// Made for the measurement, and removed after it.
    own: bool,
}

impl Place {
    async fn prepare(args: &BenchArgs, clockwork: &Clockwork) -> Result<Self> {
        let postgres = match args.store.as_str() {
            "sqlite" => None,
            url => Some(postgres::Options { connections: args.connections, ..migrate::prepare_empty(url).await? }),
        };
        let own = std::env::temp_dir().join(format!("tongguan-bench-{}", clockwork.id().simple()));
        let dir = args.dir.clone().unwrap_or(own);
        if dir.join("tongguan.db").exists() {
            bail!("{0} 已有数据库，请用新目录 · {0} has a database; take a new folder", dir.display());
        }
        set_up(&dir, clockwork)?;
        let config = configuration(&dir, postgres)?;
        serve::begin_log(&config.log)?;
        Ok(Self { dir, config, own: args.dir.is_none() })
    }

    fn clear(&self) -> Result<()> {
        if self.own { remove(&self.dir) } else { Ok(()) }
    }
}

fn configuration(dir: &Path, postgres: Option<postgres::Options>) -> Result<Config> {
    let mut config = life::configuration(demo::configuration(dir, "127.0.0.1:0", 1)?);
    config.store.postgres = postgres;
    config.fit()?;
    Ok(config)
}

async fn lives(declarations: usize, args: &BenchArgs, clockwork: &Clockwork) -> Result<()> {
    let place = Place::prepare(args, clockwork).await?;
    let (dir, nodes) = (place.dir.clone(), usize::from(args.nodes));
    let options = life::Options { declarations, rate: args.rate, dir, nodes, without_log: args.without_log };
    let traced = telemetry::Options { otlp: args.otlp.clone(), ..place.config.telemetry.clone() };
    let traces = telemetry::begin(&traced, "bench")?;
    let report = life::run(&options, &place.config, clockwork).await;
    if let Some(traces) = traces {
        traces.end().await;
    }
    place.clear()?;
    let report = report?;
    say(&serde_json::to_string(&report)?);
    complain(&report.table());
    Ok(())
}

/// The store of `--dir` is gone on with, if it was made by an earlier run.
async fn kept(declarations: usize, args: &BenchArgs, clockwork: &Clockwork) -> Result<()> {
    let is_there = args.dir.as_ref().filter(|dir| dir.join(kept::FILE).exists());
    let place = match is_there {
        None => Place::prepare(args, clockwork).await?,
        Some(dir) => {
            let postgres = Address::is_one(&args.store).then(|| postgres::Options::at(&args.store));
            let place = Place { dir: dir.clone(), config: configuration(dir, postgres)?, own: false };
            serve::begin_log(&place.config.log)?;
            place
        }
    };
    let options = kept::Options { declarations, dir: place.dir.clone(), rounds: usize::try_from(args.rounds)? };
    let report = kept::run(&options, &place.config, clockwork).await;
    place.clear()?;
    say(&serde_json::to_string(&report?)?);
    Ok(())
}

async fn node(dir: PathBuf, postgres: postgres::Options, clockwork: &Clockwork) -> Result<()> {
    let config = configuration(&dir, Some(postgres))?;
    serve::begin_log(&config.log)?;
    let over = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    life::node(&config, clockwork, |address| say(&address), over).await?;
    Ok(())
}

async fn customs(dir: PathBuf, clockwork: Clockwork) -> Result<()> {
    let config = life::configuration(demo::configuration(&dir, "127.0.0.1:0", 1)?);
    serve::begin_log(&config.log)?;
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(simulator::run(config.simulator, clockwork, stopped));
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    // If it has ended already, joining it tells why.
    let _ = stop.send(true);
    let report = running.await.context("the simulated customs broke off")??;
    say(&report.to_string());
    if !report.declared_twice.is_empty() {
        bail!("declared twice: {}", report.declared_twice.len());
    }
    Ok(())
}
