//! `demo`: gateway and simulated customs in one process, the shipped orders submitted over gRPC, until every good one is closed.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::{keys, load_schemas, migrate, outcome, rows, say, serve};
use crate::{
    clock::Clockwork,
    config::Config,
    demo::{self, Expected},
    endpoint::Road,
    gateway::Gateway,
    grpc::client::{Answer, Client},
    signers,
    simulator::{self, Report, flaky},
};

/// How long the orders may take until they have closed.
const LONGEST: Duration = Duration::from_secs(180);

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// 全部结束后退出，状态码 0 表示一切如预期 · Ends once all is done; status 0 only if all is as expected.
    #[arg(long)]
    exit: bool,
    /// 保存一切的目录；不指定则用临时目录 · The folder that keeps everything; a temporary one if none is named.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// PostgreSQL 地址，须为空库或空模式；不指定则用 SQLite · A PostgreSQL database (postgres://…, ?schema=… for a schema of its own) in place of SQLite.
    #[arg(long)]
    store: Option<String>,
    /// 监听地址 · Where the gateway listens.
    #[arg(long, default_value = "127.0.0.1:8650")]
    listen: String,
    /// 随机种子：模拟海关的种种意外 · The seed of the simulated customs' oddities.
    #[arg(long, default_value_t = 11)]
    seed: u64,
    /// 当作今天是该日，仅供演练 · As if it were that day: for rehearsals of what laws and tables say then.
    #[arg(long, value_parser = super::exemption::day)]
    today: Option<time::Date>,
}

pub(super) async fn demo(args: &DemoArgs) -> Result<ExitCode> {
    load_schemas()?;
    let clockwork = clockwork(args.today);
    let dir = match &args.dir {
        Some(dir) => dir.clone(),
        None => std::env::temp_dir().join(format!("tongguan-demo-{}", clockwork.id().simple())),
    };
    let mut config = demo::configuration(&dir, &args.listen, args.seed)?;
    config.store.postgres = match &args.store {
        Some(url) => Some(migrate::prepare(url).await?),
        None => None,
    };
    config.fit()?;
    set_up(&dir, &clockwork)?;
    serve::begin_log(&config.log)?;
    say(&format!("一切保存在 · everything is kept in {}", dir.display()));
    let customs = Customs::start(&config, &clockwork);
    let gateway = Gateway::start_on(&config, &clockwork, roads(&config, args.seed)).await?;
    let address = format!("http://{}", gateway.address().context("没有入口 · there is no door")?);
    say(&format!("网关 · gateway {address}; 模拟海关 · simulated customs: {}", demo::ROADS.join(", ")));
    let started = Instant::now();
    let (answers, numbers) = submit(&dir, &address).await?;
    wait(&gateway, &answers).await?;
    let seen = outcome::gather(&gateway, &answers, &numbers).await?;
    let as_expected = outcome::tell(&seen, &demo::expected());
    say(&format!("用时 · took {:.1?}", started.elapsed()));
    if !args.exit {
        say(&format!(
            "网关继续运行，Ctrl-C 结束 · the gateway stays up; Ctrl-C ends it\n  再次提交，答复相同，10 个有错的仍被拒 · the same again, the same answers, the 10 faulty ones refused again:\n    tongguan submit {0}/orders.jsonl --server {address}\n  查一票 · one parcel's story:\n    tongguan audit show <NUMBER> --dir {0}",
            dir.display()
        ));
        serve::Asked::listen()?.wait().await;
    }
    gateway.stop().await;
    let report = customs.end().await?;
    let twice = report.declared_twice.len();
    say(&format!("模拟海关 · the simulated customs saw:\n{report}"));
    let store = config.store.postgres.map(|options| format!(" --store '{}'", options.url)).unwrap_or_default();
    say(&format!("校验日志 · verify the log: tongguan audit verify --dir {}{store}", dir.display()));
    if twice > 0 {
        say(&format!("演示失败：重复申报 {twice} 次 · the demonstration failed: {twice} declared twice"));
    } else if !as_expected {
        say("演示失败：结果与预期不符 · the demonstration failed: not all is as expected");
    }
    Ok(if as_expected && twice == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The system's, or one that shows another day at the same hour.
fn clockwork(today: Option<time::Date>) -> Clockwork {
    const DAY_MS: i64 = 86_400_000;
    let system = Clockwork::system();
    let days = today.map(|day| (day - system.now().day()).whole_days());
    days.map_or(system, |days| Clockwork::shifted(days.saturating_mul(DAY_MS)))
}

/// Makes the folder, or takes it as it is: keys, configuration and files are made once.
pub(super) fn set_up(dir: &Path, clockwork: &Clockwork) -> Result<()> {
    let keys = dir.join("keys");
    fs::create_dir_all(&keys).with_context(|| format!("{0} 无法创建 · {0} cannot be made", keys.display()))?;
    for (name, _, firm) in demo::KEYS {
        if !keys.join(format!("{name}.key.pem")).exists() {
            let (key, certificate) = signers::new_key(clockwork, firm, 3_650)?;
            signers::write_key(&keys, name, &key, &certificate)?;
        }
    }
    if !dir.join("audit.logkey").exists() {
        keys::write_log_key(clockwork, demo::LOG, "audit", dir)?;
    }
    for (name, text) in [("orders.jsonl", fill_exit_dates(demo::ORDERS, clockwork)?), ("waybills.jsonl", demo::WAYBILLS.to_owned())] {
        let file = dir.join(name);
        if !file.exists() {
            fs::write(&file, text).with_context(|| format!("{0} 无法写入 · {0} cannot be written", file.display()))?;
        }
    }
    for road in demo::ROADS {
        for folder in ["out", "in"] {
            let folder = dir.join(road).join(folder);
            fs::create_dir_all(&folder).with_context(|| format!("{0} 无法创建 · {0} cannot be made", folder.display()))?;
        }
    }
    Ok(())
}

/// The shipped orders leave in the days to come: an empty exit date becomes today.
fn fill_exit_dates(orders: &str, clockwork: &Clockwork) -> Result<String> {
    let today = crate::clock::day_to_wire(clockwork.now().day());
    let mut filled = String::with_capacity(orders.len() + 8_192);
    for line in orders.lines() {
        let mut order: serde_json::Value = serde_json::from_str(line).context("the shipped orders are broken")?;
        if let Some(inventory) = order.get_mut("inventory").and_then(serde_json::Value::as_object_mut) {
            inventory.entry("exit_date").or_insert_with(|| today.clone().into());
        }
        filled.push_str(&order.to_string());
        filled.push('\n');
    }
    Ok(filled)
}

fn roads(config: &Config, seed: u64) -> Vec<Road> {
    let breaks = flaky::Breaks { before: 30, after: 30 };
    let flaky = |mut road: Road| {
        road.endpoint = Arc::new(flaky::Flaky::new(road.endpoint, seed, breaks));
        road
    };
    config.roads.iter().cloned().map(Road::folder).map(flaky).collect()
}

/// The simulated customs on a task of its own.
struct Customs {
    stop: watch::Sender<bool>,
    running: JoinHandle<Result<Report, simulator::Error>>,
}

impl Customs {
    fn start(config: &Config, clockwork: &Clockwork) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, running: tokio::spawn(simulator::run(config.simulator.clone(), clockwork.clone(), stopped)) }
    }

    async fn end(self) -> Result<Report> {
        // If it has ended already, joining it tells why.
        let _ = self.stop.send(true);
        Ok(self.running.await.context("模拟海关中断 · the simulated customs broke off")??)
    }
}

/// Submits the folder's orders, then pushes their waybills, both over gRPC. Gives the answers and the order numbers by line.
async fn submit(dir: &Path, address: &str) -> Result<(BTreeMap<String, Answer>, BTreeMap<String, String>)> {
    let client = Client::connect(address, None, None).await?;
    let (orders, unreadable) = rows::orders(&dir.join("orders.jsonl"), None)?;
    let (waybills, unreadable_waybills) = rows::waybills(&dir.join("waybills.jsonl"))?;
    if let Some(bad) = unreadable.first().or(unreadable_waybills.first()) {
        bail!("line {} of a shipped file cannot be read: {}", bad.line, bad.why);
    }
    let numbers = orders.iter().map(|item| (item.id.clone(), item.draft.order.order_no.clone())).collect();
    let mut answers = BTreeMap::new();
    client.submit(orders, |id, answer| drop(answers.insert(id, answer))).await?;
    let mut kept = 0;
    client.push(waybills, |_, answer| kept += usize::from(matches!(answer, Answer::Kept { .. }))).await?;
    let accepted = answers.values().filter(|answer| matches!(answer, Answer::Kept { .. })).count();
    say(&format!("提交 · submitted {} orders: {accepted} accepted; pushed waybills: {kept} kept", answers.len()));
    Ok((answers, numbers))
}

/// Waits until every accepted order has come to its end, showing how many have.
async fn wait(gateway: &Gateway, answers: &BTreeMap<String, Answer>) -> Result<()> {
    let accepted = answers.values().filter(|answer| matches!(answer, Answer::Kept { .. })).count();
    let bar = ProgressBar::new(u64::try_from(accepted)?);
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}")?);
    let began = Instant::now();
    loop {
        let progress = outcome::progress(gateway).await?;
        bar.set_position(u64::try_from(progress.ended)?);
        bar.set_message(progress.told);
        if progress.ended >= accepted || began.elapsed() > LONGEST {
            bar.finish_and_clear();
            return Ok(());
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Whether what became of an order is what was expected of it.
pub(super) fn fits(expected: Option<&Expected>, state: &str, rules: &[String]) -> bool {
    match expected.unwrap_or(&Expected::Closed) {
        Expected::Finding(rule) => state == outcome::NOT_ACCEPTED && rules.contains(rule),
        Expected::Refused => state == "refused",
        Expected::Poison => state == outcome::ORDER_REJECTED,
        Expected::Closed => state == "closed",
    }
}
