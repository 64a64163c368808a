//! `retention` and `archive`: how long things are kept, months that are archived, and what is destroyed after its time.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use tokio::sync::watch;
use uuid::Uuid;

use super::{complain, desk, say, server::ServerArgs, table};
use crate::{
    archive::Archives,
    archivist::{self, Archivist, Preview},
    audit::LogKey,
    clock::{Clockwork, Timestamp, last_moment},
    config::Config,
    desk::approved,
    grpc::proto,
    retention::Month,
    sequencer::Sequencer,
    store::{KeptMonth, Store, postgres::Postgres, sqlite::Sqlite},
};

const WIDTH: usize = 60;

#[derive(Debug, Subcommand)]
pub(super) enum RetentionCommand {
    /// 按类别与月份列出所存内容、期限与大小，以及归档与保全 · By class and month: what is kept, until when, how large; archives and legal holds.
    Report(PlaceArgs),
    /// 预览或销毁已过期限的归档与发送记录 · Tells what has outlived its time; destroys it once the preview is confirmed.
    Destroy(Box<DestroyArgs>),
}

#[derive(Debug, Args)]
pub(super) struct PlaceArgs {
    /// 配置文件 · The configuration file.
    #[arg(long, env = "TONGGUAN_CONFIG", default_value = "tongguan.toml")]
    config: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ArchiveArgs {
    /// 月份，如 2026-11 · The month: 2026-11.
    #[arg(value_parser = month)]
    month: Month,
    /// 归档写入此文件夹，代替 retention.archives · The folder to write to, in place of retention.archives.
    #[arg(long)]
    to: Option<PathBuf>,
    #[command(flatten)]
    place: PlaceArgs,
}

fn proposal(text: &str) -> Result<Uuid, String> {
    Uuid::try_parse(text).map_err(|_| "应为提案的 ID，见 desk proposals · a proposal's id, as desk proposals lists it".to_owned())
}

#[derive(Debug, Args)]
pub(super) struct DestroyArgs {
    /// 期限在该日（含）之前届满者，默认今天 · What had to be kept until this day at most; today, if it is not said: 20370101.
    #[arg(long)]
    before: Option<String>,
    /// 预览给出的摘要：确认销毁；启用双人复核时为提出 · The digest that the preview printed: destroys it, or where two persons are asked for, proposes it.
    #[arg(long, requires = "why")]
    confirm: Option<String>,
    /// 原因，记入审计日志 · Why, for the audit log.
    #[arg(long)]
    why: Option<String>,
    /// 销毁已由另一人批准的提案 · Destroys what was proposed under this id and a second person has approved.
    #[arg(long, value_name = "PROPOSAL", value_parser = proposal, conflicts_with_all = ["confirm", "why", "before"])]
    approved: Option<Uuid>,
    /// 归档所在文件夹，代替 retention.archives · The folder with the archives, in place of retention.archives.
    #[arg(long)]
    archives: Option<PathBuf>,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    server: ServerArgs,
}

fn month(text: &str) -> Result<Month, String> {
    Month::parse(text).ok_or_else(|| "月份应为 2026-11 的形式 · a month is written 2026-11".to_owned())
}

pub(super) async fn run(command: &RetentionCommand) -> Result<ExitCode> {
    match command {
        RetentionCommand::Report(args) => report(&Config::load(&args.config)?).await,
        RetentionCommand::Destroy(args) => destroy(args).await,
    }
}

/// The store, for looking only.
async fn look(config: &Config) -> Result<Arc<dyn Store>> {
    let cannot = |what: &dyn std::fmt::Display| format!("{what} 无法打开 · cannot be opened");
    Ok(match &config.store.postgres {
        Some(postgres) => Arc::new(Postgres::open_read_only(postgres).await.with_context(|| cannot(&postgres.url))?),
        None => Arc::new(Sqlite::open_read_only(&config.store.file).await.with_context(|| cannot(&config.store.file.display()))?),
    })
}

/// The store, for writing: on SQLite the gateway must be stopped.
async fn open(config: &Config, folder: &std::path::Path) -> Result<Arc<dyn Store>> {
    let archives = Archives::at(folder);
    Ok(match &config.store.postgres {
        Some(postgres) => Arc::new(Postgres::open(postgres).await?.with_archives(archives)),
        None if !config.store.file.is_file() => bail!("没有数据库 {0} · there is no database {0}", config.store.file.display()),
        None => Arc::new(Sqlite::open(&config.store.file).await?.with_archives(archives)),
    })
}

fn folder(config: &Config, named: Option<&PathBuf>) -> Result<PathBuf> {
    let folder = named.or(config.retention.archives.as_ref()).cloned();
    folder
        .context("请以 --to 或 retention.archives 指明归档文件夹 · name the folder of the archives: --to, --archives or retention.archives")
}

async fn report(config: &Config) -> Result<ExitCode> {
    let store = look(config).await?;
    let row = |kept: &KeptMonth| {
        let until = config.retention.until(kept.class, kept.month).day().to_string();
        let class = format!("{} {}", kept.class.zh(), kept.class.as_str());
        vec![class, kept.month.to_string(), kept.count.to_string(), kept.archived.to_string(), kept.bytes.to_string(), until]
    };
    let rows: Vec<_> = store.kept_by_month().await?.iter().map(row).collect();
    let heading = ["类别 class", "月份 month", "条数 count", "已归档 archived", "库中字节 bytes here", "须存至 keep until"];
    say(&table::layout(&heading, &rows, WIDTH));
    let rows: Vec<_> = store
        .archives()
        .await?
        .iter()
        .map(|kept| {
            let until = config.retention.until(crate::retention::Class::Entries, kept.name.month).day().to_string();
            vec![kept.name.to_string(), kept.state.as_str().to_owned(), kept.items.to_string(), kept.bytes.to_string(), until]
        })
        .collect();
    say(&table::layout(&["归档 archive", "状态 state", "条数 items", "字节 bytes", "须存至 keep until"], &rows, WIDTH));
    for hold in store.legal_holds(None).await? {
        say(&format!(
            "法律保全 · legal hold: {} {} ({}, {})",
            hold.held.kind(),
            super::shown(&hold.held.target()),
            hold.at,
            super::shown(&hold.by)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn archive(args: &ArchiveArgs) -> Result<ExitCode> {
    let config = Config::load(&args.place.config)?;
    let (folder, clockwork) = (folder(&config, args.to.as_ref())?, Clockwork::shifted(config.node.clock_shift_ms));
    let store = open(&config, &folder).await?;
    let done = Archivist::new(Arc::clone(&store), clockwork.clone(), config.retention.clone(), &folder).archive(args.month).await?;
    sign(&config, &store, &clockwork).await;
    store.close().await;
    say(&format!(
        "{}：新归档 {} 个，续完 {} 个；{} 条，{} 字节，文件 {} 字节 · made {} archives, ended {} that were begun: {} bodies, {} bytes, {} in files",
        args.month,
        done.made,
        done.resumed,
        done.items,
        done.bytes,
        done.written,
        done.made,
        done.resumed,
        done.items,
        done.bytes,
        done.written
    ));
    Ok(ExitCode::SUCCESS)
}

/// Brings what was told under a checkpoint, by this process or by the node that has the role; if neither can now, the next start does.
async fn sign(config: &Config, store: &Arc<dyn Store>, clockwork: &Clockwork) {
    let key = std::fs::read_to_string(&config.audit.key).ok().and_then(|text| LogKey::parse(text.trim()).ok());
    let Some(key) = key else {
        complain("审计日志密钥不可用，记录待网关签署 · the log's key is not here: the gateway will sign what was told");
        return;
    };
    let (_stop, stopped) = watch::channel(true);
    Sequencer::new(Arc::clone(store), clockwork.clone(), Arc::new(key), config.audit.sequencer.clone()).run(stopped).await;
}

async fn destroy(args: &DestroyArgs) -> Result<ExitCode> {
    let config = Config::load(&args.place.config)?;
    if let Some(id) = args.approved {
        return destroy_approved(&config, args, id).await;
    }
    let (folder, clockwork) = (folder(&config, args.archives.as_ref())?, Clockwork::shifted(config.node.clock_shift_ms));
    let before = match &args.before {
        Some(day) => last_moment(&day.replace('-', "")).context("日期应为 20370101 的形式 · a day is written 20370101")?,
        None => clockwork.now(),
    };
    let Some((digest, why)) = args.confirm.as_ref().zip(args.why.as_ref()) else {
        let archivist = Archivist::new(look(&config).await?, clockwork, config.retention.clone(), &folder);
        tell(&archivist.preview(before).await?);
        return Ok(ExitCode::SUCCESS);
    };
    if why.trim().is_empty() || why.chars().count() > crate::desk::LONGEST_WHY {
        bail!("请填写原因：1至200个字符 · give a reason of 1 to 200 characters");
    }
    if config.access.two_persons_over.is_some() {
        let preview = Archivist::new(look(&config).await?, clockwork, config.retention.clone(), &folder).preview(before).await?;
        return propose(args, &preview, digest, why).await;
    }
    let store = open(&config, &folder).await?;
    let archivist = Archivist::new(Arc::clone(&store), clockwork.clone(), config.retention.clone(), &folder);
    let done = archivist.destroy(before, digest, why).await;
    sign(&config, &store, &clockwork).await;
    store.close().await;
    tell(&done?);
    say("已销毁 · destroyed");
    Ok(ExitCode::SUCCESS)
}

/// Where two persons are asked for, one alone destroys nothing: it is proposed to the gateway, under the name of the key that is given.
async fn propose(args: &DestroyArgs, preview: &Preview, digest: &str, why: &str) -> Result<ExitCode> {
    if preview.digest != digest {
        return Err(archivist::Error::Changed.into());
    }
    let order = proto::DeskOrder { items: preview.lines(), why: why.to_owned(), dry_run: false };
    let report = args.server.connect().await?.propose_destruction(order, digest.to_owned()).await?;
    Ok(desk::tell(&report, false))
}

/// Destroys what a second person has approved, or nothing.
async fn destroy_approved(config: &Config, args: &DestroyArgs, id: Uuid) -> Result<ExitCode> {
    let (folder, clockwork) = (folder(config, args.archives.as_ref())?, Clockwork::shifted(config.node.clock_shift_ms));
    let store = open(config, &folder).await?;
    let archivist = Archivist::new(Arc::clone(&store), clockwork.clone(), config.retention.clone(), &folder);
    let done = match store.proposal(id).await?.map(|kept| approved(&kept, clockwork.now())) {
        None => Err(crate::desk::Error::NoProposal.into()),
        Some(Err(error)) => Err(error.into()),
        Some(Ok(approved)) => archivist.destroy_approved(&approved).await.map_err(anyhow::Error::from),
    };
    sign(config, &store, &clockwork).await;
    store.close().await;
    tell(&done?);
    say("已销毁 · destroyed");
    Ok(ExitCode::SUCCESS)
}

fn tell(preview: &Preview) {
    for doomed in &preview.doomed {
        say(&format!(
            "归档 · archive {}: {} bodies, kept until {}, manifest {}",
            doomed.name,
            doomed.items,
            day(doomed.until),
            doomed.manifest
        ));
    }
    for (month, count) in &preview.attempts {
        say(&format!("发送记录 · attempts of {month}: {count}"));
    }
    for spared in &preview.spared {
        complain(&format!(
            "保留 · stays: {}: {} 项在法律保全中或未完结 · {} under legal hold or not over",
            spared.name, spared.held, spared.held
        ));
    }
    if preview.is_empty() {
        say("没有可销毁的内容 · there is nothing to destroy");
    } else {
        say(&format!("摘要 · digest: {}", preview.digest));
    }
}

fn day(at: Timestamp) -> String {
    at.day().to_string()
}
