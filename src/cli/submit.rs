//! `submit FILE`: sends a file of orders or waybills, shows progress, writes a report.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::{
    complain,
    rows::{self, Unreadable},
    say,
    server::ServerArgs,
    sheet,
};
use crate::{
    check::Finding,
    clock::Clockwork,
    declaration::draft,
    grpc::client::{Answer, Client, Error, Item},
};

/// Findings shown on the screen for each refused item; the report holds all.
const SHOWN: usize = 5;

#[derive(Debug, Args)]
pub(super) struct SubmitArgs {
    /// 文件：.jsonl、.csv（UTF-8）或 .xlsx · The file: .jsonl or .csv in UTF-8, or .xlsx.
    file: PathBuf,
    /// 未接受的行写入此 .xlsx，附原因，改正后可再提交 · Writes the rows of an .xlsx that were not accepted to this .xlsx, with the reason beside
    /// each, to be corrected and submitted again.
    #[arg(long)]
    refused: Option<PathBuf>,
    /// 文件是运单（物流企业）· The file holds waybills, pushed as a carrier.
    #[arg(long)]
    waybills: bool,
    #[command(flatten)]
    server: ServerArgs,
    /// 出口日期为空时填今天 · Fills an empty exit date with today.
    #[arg(long)]
    exit_today: bool,
    /// 逐条结果写入此文件（JSON Lines）· Writes every answer to this file, a JSON line each.
    #[arg(long)]
    report: Option<PathBuf>,
    /// 网关不可用时最多等待秒数 · Seconds to wait for a gateway that is busy or away, since the last answer.
    #[arg(long, default_value_t = 60)]
    patience: u64,
}

/// One answer as reported.
#[derive(Debug, Serialize)]
struct Reported {
    /// Its place among all, for a spreadsheet the place of its group.
    #[serde(skip)]
    at: usize,
    /// The sheet, of a spreadsheet.
    #[serde(skip_serializing_if = "String::is_empty")]
    sheet: String,
    line: usize,
    status: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exemption: Vec<(u32, String, Vec<String>)>,
    #[serde(skip_serializing_if = "String::is_empty")]
    zh: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    en: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Finding>,
}

/// What is sent: both kinds of file go the same way.
enum Load {
    Orders(Vec<Item<draft::Declaration>>),
    Waybills(Vec<Item<draft::Waybill>>),
}

impl Load {
    fn len(&self) -> usize {
        match self {
            Self::Orders(items) => items.len(),
            Self::Waybills(items) => items.len(),
        }
    }

    /// Sends what has no answer yet.
    async fn send(&self, client: &Client, answers: &mut BTreeMap<String, Answer>, progress: &ProgressBar) -> Result<(), Error> {
        let open = |id: &String| answers.get(id).is_none_or(|answer| matches!(answer, Answer::Busy(_)));
        match self {
            Self::Orders(items) => {
                let open: Vec<_> = items.iter().filter(|item| open(&item.id)).cloned().collect();
                client.submit(open, |id, answer| note(answers, progress, id, answer)).await
            }
            Self::Waybills(items) => {
                let open: Vec<_> = items.iter().filter(|item| open(&item.id)).cloned().collect();
                client.push(open, |id, answer| note(answers, progress, id, answer)).await
            }
        }
    }
}

fn note(answers: &mut BTreeMap<String, Answer>, progress: &ProgressBar, id: String, answer: Answer) {
    if !matches!(answer, Answer::Busy(_)) {
        progress.inc(1);
    }
    answers.insert(id, answer);
}

pub(super) async fn submit(args: &SubmitArgs) -> Result<ExitCode> {
    let is_sheet = sheet::is_sheet(&args.file);
    if let Some(refused) = &args.refused {
        anyhow::ensure!(is_sheet && sheet::is_sheet(refused), "--refused 只用于 .xlsx 文件 · --refused goes with .xlsx files");
        anyhow::ensure!(refused != &args.file, "--refused 不能是所提交的文件 · --refused is the file that is submitted");
    }
    if is_sheet { submit_sheet(args).await } else { submit_lines(args).await }
}

async fn submit_lines(args: &SubmitArgs) -> Result<ExitCode> {
    let (load, bad) = if args.waybills {
        let (items, bad) = rows::waybills(&args.file)?;
        (Load::Waybills(items), bad)
    } else {
        let today = args.exit_today.then(|| Clockwork::system().now().day());
        let (items, bad) = rows::orders(&args.file, today)?;
        (Load::Orders(items), bad)
    };
    let answers = send_all(&load, args).await?;
    finish(args, report(answers, bad), load.len())
}

async fn submit_sheet(args: &SubmitArgs) -> Result<ExitCode> {
    let today = Clockwork::system().now().day();
    let (load, book) = if args.waybills {
        let (items, book) = sheet::waybills(&args.file, today)?;
        (Load::Waybills(items), book)
    } else {
        let (items, book) = sheet::orders(&args.file, today, args.exit_today)?;
        (Load::Orders(items), book)
    };
    book.notes.iter().for_each(|note| complain(note));
    let mut reported = report(send_all(&load, args).await?, Vec::new());
    reported.extend(book.groups.iter().enumerate().filter(|(_, group)| !group.findings.is_empty()).map(|(at, group)| Reported {
        at,
        findings: group.findings.clone(),
        ..Reported::new("unreadable", "表格内容有误，未发送", "the sheet has faults; not sent")
    }));
    reported.sort_by_key(|reported| reported.at);
    for reported in &mut reported {
        let (sheet, line) = book.groups.get(reported.at).map_or(("", 0), sheet::Group::place);
        (reported.sheet, reported.line) = (sheet.to_owned(), line);
    }
    if let Some(file) = &args.refused {
        write_refused(file, &book, &reported)?;
    }
    finish(args, reported, load.len())
}

/// Writes what was not accepted, if there is any.
fn write_refused(file: &Path, book: &sheet::Book, reported: &[Reported]) -> Result<()> {
    let refused: Vec<_> = reported.iter().filter(|reported| reported.status != "accepted").map(Reported::refused).collect();
    if refused.is_empty() {
        say("没有退回的行，未生成退回文件 · nothing was refused, no file of it is written");
        return Ok(());
    }
    sheet::write_refused(file, book, &refused)?;
    say(&format!("退回 {0} 票，见 {1} · {0} refused, written to {1}", refused.len(), file.display()));
    Ok(())
}

fn finish(args: &SubmitArgs, reported: Vec<Reported>, sent: usize) -> Result<ExitCode> {
    if let Some(path) = &args.report {
        write(path, &reported).with_context(|| format!("{0} 无法写入 · {0} cannot be written", path.display()))?;
    }
    Ok(summarize(&reported, sent))
}

/// Sends until everything has an answer. A stream that breaks is taken up again: keys make a repeated item harmless.
async fn send_all(load: &Load, args: &SubmitArgs) -> Result<BTreeMap<String, Answer>> {
    let server = args.server.read()?;
    let progress = bar(load.len());
    let patience = Duration::from_secs(args.patience);
    let mut answers = BTreeMap::new();
    let mut last_progress = (Instant::now(), 0);
    loop {
        let failed = match server.connect().await {
            Ok(client) => load.send(&client, &mut answers, &progress).await.err(),
            Err(error) => Some(error),
        };
        let done = answers.values().filter(|answer| !matches!(answer, Answer::Busy(_))).count();
        if done == load.len() {
            progress.finish_and_clear();
            return Ok(answers);
        }
        if done > last_progress.1 {
            last_progress = (Instant::now(), done);
        }
        let passing = failed.as_ref().is_none_or(Error::is_passing);
        if !passing || last_progress.0.elapsed() > patience {
            progress.abandon();
            let advice = if passing { "；稍后重新运行同一命令即可继续 · run the same command again to go on" } else { "" };
            let what = format!("{done}/{} 已答复 · answered{advice}", load.len());
            return Err(failed.map_or_else(|| anyhow::anyhow!("网关一直繁忙 · the gateway stays busy"), anyhow::Error::from)).context(what);
        }
        sleep(pause(&answers)).await;
    }
}

fn pause(answers: &BTreeMap<String, Answer>) -> Duration {
    const SHORTEST: Duration = Duration::from_millis(200);
    let asked = answers.values().filter_map(|answer| if let Answer::Busy(wait) = answer { Some(*wait) } else { None });
    asked.chain([SHORTEST]).fold(SHORTEST, |longest, wait| if wait > longest { wait } else { longest })
}

fn bar(length: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(length).unwrap_or(u64::MAX));
    // The template is a constant; were it wrong, the plain style would do.
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} {eta}").unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

impl Reported {
    fn new(status: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            at: 0,
            sheet: String::new(),
            line: 0,
            status,
            id: String::new(),
            exemption: Vec::new(),
            zh: zh.into(),
            en: en.into(),
            findings: Vec::new(),
        }
    }

    fn refused(&self) -> sheet::Refused<'_> {
        sheet::Refused { group: self.at, zh: &self.zh, en: &self.en, findings: &self.findings }
    }

    fn place(&self) -> String {
        if self.sheet.is_empty() {
            format!("第 {0} 行 · line {0}", self.line)
        } else {
            format!("{0}!{1} · 第 {1} 行 · row {1}", super::shown(&self.sheet), self.line)
        }
    }
}

fn report(answers: BTreeMap<String, Answer>, bad: Vec<Unreadable>) -> Vec<Reported> {
    let unreadable = bad.into_iter().map(|bad| Reported {
        at: bad.line,
        line: bad.line,
        ..Reported::new("unreadable", "该行无法读取", super::shown(&bad.why))
    });
    let answered = answers.into_iter().map(|(id, answer)| {
        let line = id.parse().unwrap_or(0);
        let reported = match answer {
            Answer::Kept { id, advice, warnings } => {
                Reported { id, exemption: advice, findings: warnings, ..Reported::new("accepted", "", "") }
            }
            Answer::Refused { zh, en, findings } => Reported { findings, ..Reported::new("refused", zh, en) },
            Answer::Busy(_) => Reported::new("unanswered", "网关繁忙", "busy"),
        };
        Reported { at: line, line, ..reported }
    });
    let mut all: Vec<_> = unreadable.chain(answered).collect();
    all.sort_by_key(|reported| reported.at);
    all
}

fn write(path: &PathBuf, reported: &[Reported]) -> Result<()> {
    let mut file = std::io::BufWriter::new(fs::File::create(path)?);
    for line in reported {
        serde_json::to_writer(&mut file, line)?;
        file.write_all(b"\n")?;
    }
    file.flush()?;
    Ok(())
}

/// Tells what was refused, then the sums; status 0 only if everything was accepted.
fn summarize(reported: &[Reported], sent: usize) -> ExitCode {
    let refused: Vec<_> = reported.iter().filter(|reported| reported.status != "accepted").collect();
    for reported in &refused {
        complain(&format!("{}: {} {} · {}", reported.place(), reported.status, reported.zh, reported.en));
        for finding in reported.findings.iter().take(SHOWN) {
            complain(&format!(
                "    {} {}: {} · {} → {} · {}",
                finding.rule, finding.path, finding.zh, finding.en, finding.remedy_zh, finding.remedy_en
            ));
        }
        if reported.findings.len() > SHOWN {
            complain(&format!("    … {} more", reported.findings.len() - SHOWN));
        }
    }
    let accepted = reported.len() - refused.len();
    say(&format!("提交 · sent {sent}, 接受 · accepted {accepted}, 拒绝 · not accepted {}", refused.len()));
    if refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
