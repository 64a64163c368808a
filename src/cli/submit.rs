//! `submit FILE`: sends a file of orders or waybills, shows progress, writes a report.

use std::{collections::BTreeMap, fs, io::Write, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::{
    complain,
    rows::{self, Unreadable},
    say,
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
    /// 文件：.jsonl 或 .csv（UTF-8）· The file: .jsonl or .csv, in UTF-8.
    file: PathBuf,
    /// 网关证书的签发者（PEM），地址用 https:// · Who vouches for the gateway's certificate (PEM); the address then begins with https://.
    #[arg(long, env = "TONGGUAN_CA")]
    ca: Option<PathBuf>,
    /// 文件是运单（物流企业）· The file holds waybills, pushed as a carrier.
    #[arg(long)]
    waybills: bool,
    /// 网关地址 · The gateway.
    #[arg(long, env = "TONGGUAN_SERVER", default_value = "http://127.0.0.1:8650")]
    server: String,
    /// API 密钥 · The API key.
    #[arg(long, env = "TONGGUAN_KEY", hide_env_values = true)]
    key: Option<String>,
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
    let (load, bad) = if args.waybills {
        let (items, bad) = rows::waybills(&args.file)?;
        (Load::Waybills(items), bad)
    } else {
        let today = args.exit_today.then(|| Clockwork::system().now().day());
        let (items, bad) = rows::orders(&args.file, today)?;
        (Load::Orders(items), bad)
    };
    let answers = send_all(&load, args).await?;
    let reported = report(answers, bad);
    if let Some(path) = &args.report {
        write(path, &reported).with_context(|| format!("{0} 无法写入 · {0} cannot be written", path.display()))?;
    }
    Ok(summarize(&reported, load.len()))
}

/// Sends until everything has an answer. A stream that breaks is taken up again: keys make a repeated item harmless.
async fn send_all(load: &Load, args: &SubmitArgs) -> Result<BTreeMap<String, Answer>> {
    let authority =
        args.ca.as_ref().map(|ca| fs::read(ca).with_context(|| format!("{0} 无法读取 · {0} cannot be read", ca.display()))).transpose()?;
    let progress = bar(load.len());
    let patience = Duration::from_secs(args.patience);
    let mut answers = BTreeMap::new();
    let mut last_progress = (Instant::now(), 0);
    loop {
        let failed = match Client::connect(&args.server, args.key.as_deref(), authority.as_deref()).await {
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

fn report(answers: BTreeMap<String, Answer>, bad: Vec<Unreadable>) -> Vec<Reported> {
    let unreadable = bad.into_iter().map(|bad| Reported {
        line: bad.line,
        status: "unreadable",
        id: String::new(),
        exemption: Vec::new(),
        zh: "该行无法读取".to_owned(),
        en: super::shown(&bad.why),
        findings: Vec::new(),
    });
    let answered = answers.into_iter().map(|(id, answer)| {
        let line = id.parse().unwrap_or(0);
        match answer {
            Answer::Kept { id, advice, warnings } => {
                Reported { line, status: "accepted", id, exemption: advice, zh: String::new(), en: String::new(), findings: warnings }
            }
            Answer::Refused { zh, en, findings } => {
                Reported { line, status: "refused", id: String::new(), exemption: Vec::new(), zh, en, findings }
            }
            Answer::Busy(_) => Reported {
                line,
                status: "unanswered",
                id: String::new(),
                exemption: Vec::new(),
                zh: "网关繁忙".to_owned(),
                en: "busy".to_owned(),
                findings: Vec::new(),
            },
        }
    });
    let mut all: Vec<_> = unreadable.chain(answered).collect();
    all.sort_by_key(|reported| reported.line);
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
        complain(&format!("第 {} 行 · line {}: {} {} · {}", reported.line, reported.line, reported.status, reported.zh, reported.en));
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
