//! `exemption seller FILE` and `exemption record FILE`: tell a gateway what was gathered for the exemption, a JSON object a line.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::Args;
use serde::de::DeserializeOwned;

use super::super::{complain, say, server::ServerArgs};
use crate::{
    check::Finding,
    grpc::client::Recorded,
    intake::{RecordDraft, SellerDraft},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct RecordArgs {
    /// JSON 文件，UTF-8，每行一条 · The file: JSON in UTF-8, an object a line.
    file: PathBuf,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn sellers(args: &RecordArgs) -> Result<ExitCode> {
    let profiles = read::<SellerDraft>(args)?;
    send(args, profiles.into_iter().map(|(line, profile)| (line, RecordDraft::Seller(profile))).collect()).await
}

pub(super) async fn records(args: &RecordArgs) -> Result<ExitCode> {
    send(args, read(args)?).await
}

/// Every line of the file, before anything is sent: a file with a broken line records nothing.
fn read<T: DeserializeOwned>(args: &RecordArgs) -> Result<Vec<(usize, T)>> {
    let file = args.file.display();
    let text = fs::read_to_string(&args.file).with_context(|| format!("{file} 无法读取 · {file} cannot be read"))?;
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate().map(|(place, line)| (place + 1, line));
    let mut read = Vec::new();
    for (line, text) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let one = serde_json::from_str(text)
            .with_context(|| format!("{file} 第 {line} 行有误，未发送任何内容 · line {line}; nothing was sent"))?;
        read.push((line, one));
    }
    Ok(read)
}

/// Sends each, and tells what became of it. The same file may be sent again: the same content is the same record.
async fn send(args: &RecordArgs, drafts: Vec<(usize, RecordDraft)>) -> Result<ExitCode> {
    let client = args.server.connect().await?;
    let mut refused = 0_usize;
    for (line, draft) in drafts {
        let kind = draft.kind().as_str();
        match client.record(draft, String::new()).await? {
            Recorded::Kept { id, lines, declarations } => {
                say(&format!("{line}: {kind} {id} ({declarations} 单 · orders, {lines} 行 · lines)"))
            }
            Recorded::Refused { message, findings } => {
                refused += 1;
                complain(&format!("{line}: {kind} 未记录 · not recorded: {message}"));
                findings.iter().for_each(|found| complain(&finding(found)));
            }
        }
    }
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn finding(finding: &Finding) -> String {
    let Finding { path, rule, zh, en, remedy_zh, remedy_en, .. } = finding;
    format!("  {path} {rule} {zh} · {en} → {remedy_zh} · {remedy_en}")
}
