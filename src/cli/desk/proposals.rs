//! `desk proposals|approve|decline`: what takes two persons.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::{ServerArgs, WIDTH, complain, lines, say, shown, table, tell, time};

#[derive(Debug, Args)]
pub(in crate::cli) struct ListArgs {
    /// 只看此提案，逐项列出 · Only this proposal, line by line.
    proposal: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ApproveArgs {
    /// 提案 ID · The proposal.
    proposal: String,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DeclineArgs {
    /// 提案 ID · The proposal.
    proposal: String,
    /// 原因 · Why.
    #[arg(long)]
    why: String,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn list(args: &ListArgs) -> Result<ExitCode> {
    let mut found = args.server.connect().await?.proposals().await?;
    found.retain(|proposal| args.proposal.as_ref().is_none_or(|id| *id == proposal.id));
    if let Some(id) = args.proposal.as_ref().filter(|_| found.is_empty()) {
        complain(&format!("没有该待复核的提案 · no such proposal is open: {}", shown(id)));
        return Ok(ExitCode::FAILURE);
    }
    let row = |proposal: &crate::grpc::proto::Proposal| {
        vec![
            shown(&proposal.id),
            shown(&proposal.act),
            proposal.lines.len().to_string(),
            shown(&proposal.proposed_by),
            time(proposal.proposed_at.as_ref().map(|at| at.seconds)),
            time(proposal.until.as_ref().map(|at| at.seconds)),
            shown(&proposal.why),
        ]
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    let heading = ["提案 proposal", "操作 act", "项 lines", "提出者 by", "提出 at", "有效至 until", "原因 why"];
    say(&table::layout(&heading, &rows, WIDTH));
    if let Some(proposal) = found.first().filter(|_| args.proposal.is_some()) {
        lines(&proposal.lines);
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn approve(args: &ApproveArgs) -> Result<ExitCode> {
    Ok(tell(&args.server.connect().await?.approve(args.proposal.clone()).await?, false))
}

pub(super) async fn decline(args: &DeclineArgs) -> Result<()> {
    args.server.connect().await?.decline(args.proposal.clone(), args.why.clone()).await?;
    say(&format!("{} 已否决 · declined", shown(&args.proposal)));
    Ok(())
}
