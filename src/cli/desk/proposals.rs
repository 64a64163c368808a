//! `desk proposals|approve|decline`: what takes two persons.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::{ServerArgs, WIDTH, say, shown, table, tell, time};

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

pub(super) async fn list(server: &ServerArgs) -> Result<()> {
    let found = server.connect().await?.proposals().await?;
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
    Ok(())
}

pub(super) async fn approve(args: &ApproveArgs) -> Result<ExitCode> {
    Ok(tell(&args.server.connect().await?.approve(args.proposal.clone()).await?, false))
}

pub(super) async fn decline(args: &DeclineArgs) -> Result<()> {
    args.server.connect().await?.decline(args.proposal.clone(), args.why.clone()).await?;
    say(&format!("{} 已否决 · declined", shown(&args.proposal)));
    Ok(())
}
