//! `legal-hold`: what may not be archived or destroyed, over gRPC.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use super::{
    desk::{self, OrderArgs},
    say,
    server::ServerArgs,
    shown, table,
};
use crate::grpc::{client::Act, proto};

const WIDTH: usize = 60;

#[derive(Debug, Subcommand)]
pub(super) enum LegalHoldCommand {
    /// 保全：申报（编号或 ID）、seller:代码、month:2026-11，不归档、不销毁 · Places holds: declarations (numbers or ids), seller:CODE, month:2026-11.
    Place(OrderArgs),
    /// 解除保全 · Lifts holds.
    Lift(OrderArgs),
    /// 列出保全 · Lists what is held.
    List(ServerArgs),
}

pub(super) async fn run(command: &LegalHoldCommand) -> Result<ExitCode> {
    let server = match command {
        LegalHoldCommand::Place(args) => return desk::order(args, Act::LegalHold).await,
        LegalHoldCommand::Lift(args) => return desk::order(args, Act::LiftLegalHold).await,
        LegalHoldCommand::List(server) => server,
    };
    let found = server.connect().await?.legal_holds().await?;
    let row = |hold: &proto::LegalHold| {
        let since = desk::time(hold.placed_at.as_ref().map(|at| at.seconds));
        vec![shown(&hold.item), shown(&hold.tenant), since, shown(&hold.placed_by), shown(&hold.why)]
    };
    let rows: Vec<_> = found.holds.iter().map(row).collect();
    say(&table::layout(&["对象 item", "租户 tenant", "起 since", "由 by", "原因 why"], &rows, WIDTH));
    if found.more {
        say("… 另有更多 · and more");
    }
    Ok(ExitCode::SUCCESS)
}
