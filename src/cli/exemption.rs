//! `exemption`: the working paper of an order, what would change under other rules, the ledgers, what sellers record, and the authority's
//! rate library. What is recorded goes to a gateway; the papers, replays and ledgers only read a store.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};

use super::{audit::WhereArgs, say};
use crate::{
    clock::parse_day,
    declaration::DeclarationId,
    exemption::{self, Language, Page, Paper, Span},
    ledgers,
    store::Shown,
};

mod import;
mod ledger;
mod packs;
mod record;
mod replay;

#[derive(Debug, Subcommand)]
pub(super) enum ExemptionCommand {
    /// 无票免税工作底稿：逐行四项条件、依据与证据 · The working paper of an order, line by line, for the tax office.
    Explain(ExplainArgs),
    /// 若换规则包、文库或出口日期，哪些结论会变；不保存 · What would change under another pack or library, or on another export date.
    Replay(replay::ReplayArgs),
    /// 账簿：免税销售、登记六项、核定征收、收结汇、代理出口 · Ledgers: exempt sales, registration, deemed profit, foreign exchange, agents.
    Ledger(ledger::LedgerArgs),
    /// 记录卖家资料（JSON 文件，每行一条）· Records sellers' profiles from a file, a JSON object a line.
    Seller(record::RecordArgs),
    /// 记录凭证、平台登记、无票声明、合同付款、免税申报、放弃退税（JSON 文件，每行一条）· Records vouchers, registrations, statements, evidence, filings
    /// and choices from a file, a JSON object a line.
    Record(record::RecordArgs),
    /// 现行规则包；可写出其文件，修改后用 replay 试算 · The rule packs that hold now, and their files, to be changed and replayed.
    Packs(packs::PacksArgs),
    /// 把税务机关的文库（DBF、FPT）转换为网关可加载的文件 · Makes a file that a gateway loads of the authority's library (DBF, FPT).
    Import(import::ImportArgs),
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// 订单号、清单号等任一单号，或申报编号 · The order's number, any other of its numbers, or our id.
    number: String,
    /// 语言 · The language.
    #[arg(long, value_enum, default_value_t)]
    language: Tongue,
    /// 输出可打印的 HTML 页 · A page of HTML that prints well.
    #[arg(long)]
    html: bool,
    /// 写入文件（不覆盖）· Writes to a new file.
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    place: WhereArgs,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Tongue {
    /// 中文 · Chinese.
    #[default]
    Zh,
    /// 英文 · English.
    En,
}

pub(super) async fn run(command: &ExemptionCommand) -> Result<ExitCode> {
    match command {
        ExemptionCommand::Explain(args) => explain(args).await,
        ExemptionCommand::Replay(args) => replay::replay(args).await,
        ExemptionCommand::Ledger(args) => ledger::ledger(args).await,
        ExemptionCommand::Seller(args) => record::sellers(args).await,
        ExemptionCommand::Record(args) => record::records(args).await,
        ExemptionCommand::Packs(args) => packs::packs(args),
        ExemptionCommand::Import(args) => import::import(args),
    }
}

async fn explain(args: &ExplainArgs) -> Result<ExitCode> {
    let store = args.place.open().await?;
    let mut ids: Vec<DeclarationId> = uuid::Uuid::parse_str(&args.number).ok().map(DeclarationId).into_iter().collect();
    ids.extend(store.find(None, std::slice::from_ref(&args.number)).await?.into_iter().filter_map(|hit| hit.declaration));
    ids.dedup();
    let language = match args.language {
        Tongue::Zh => Language::Zh,
        Tongue::En => Language::En,
    };
    let mut text = String::new();
    for id in ids {
        let Some(shown) = store.show(None, id).await? else { continue };
        let (heading, papers) = (ledgers::heading(&shown.dossier), papers(&shown)?);
        let page = Page { heading: &heading, papers: &papers };
        text.push_str(&if args.html { page.html(language) } else { page.text(language) });
    }
    if text.is_empty() {
        bail!("没有这个单号 · nothing is kept under the number {}", super::shown(&args.number));
    }
    match &args.out {
        Some(file) => write_new(file, text.as_bytes())?,
        None => say(text.trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}

fn papers(shown: &Shown) -> Result<Vec<Paper>> {
    let broken = || format!("申报 {0} 的判定无法读取 · a decision about declaration {0} cannot be read", shown.dossier.id);
    shown.assessments.iter().map(|kept| exemption::read(kept).with_context(broken)).collect()
}

/// The days from one to another.
fn period(from: Option<time::Date>, to: Option<time::Date>) -> Result<Span> {
    let period = Span { from, to };
    if period.is_backwards() {
        bail!("期间先止后始 · the period ends before it begins");
    }
    Ok(period)
}

/// Beside a file, where it is written until it is whole.
fn unfinished(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".unfinished");
    PathBuf::from(name)
}

/// Writes a file that was not there, whole or not at all.
fn write_new(file: &Path, bytes: &[u8]) -> Result<()> {
    if file.exists() {
        bail!("{0} 已存在 · {0} is there already", file.display());
    }
    let unfinished = unfinished(file);
    let written = fs::File::create(&unfinished).and_then(|mut out| {
        out.write_all(bytes)?;
        out.sync_all()?;
        fs::rename(&unfinished, file)
    });
    written.with_context(|| format!("{0} 无法写入 · {0} cannot be written", file.display()))
}

pub(super) fn day(text: &str) -> Result<time::Date, String> {
    parse_day(text).ok_or_else(|| "YYYY-MM-DD".to_owned())
}
