//! `desk`: what operations staff do, over gRPC, as the console does it.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};

use super::{complain, say, server::ServerArgs, shown, table};
use crate::{
    clock::Timestamp,
    declaration::Kind,
    grpc::{
        client::{Act, Error},
        proto::{self, DeskVerdict},
    },
};

mod proposals;

const WIDTH: usize = 60;
/// The status where something takes a second person.
const PROPOSED: u8 = 3;

#[derive(Debug, Subcommand)]
pub(super) enum DeskCommand {
    /// 各状态单证数、停用的传输企业、暂停的通道 · Documents by state, stopped senders, paused roads.
    Queues(ServerArgs),
    /// 在途、搁置、无回执的报文 · Messages on their way, shelved, unanswered.
    Deliveries(DeliveriesArgs),
    /// 暂停单证，不再打包 · Holds documents back: they are not packed.
    Hold(OrderArgs),
    /// 放行已暂停的单证 · Releases documents that are held.
    Release(OrderArgs),
    /// 重试：搁置的报文原样重发，被退回的单证重新打包 · Retries: shelved messages with the same bytes, documents that were turned away packed anew.
    Retry(OrderArgs),
    /// 认定结果未知的报文是否送达 · Says whether messages of unknown outcome arrived.
    Resolve(ResolveArgs),
    /// 暂停通道 · Pauses roads.
    Pause(OrderArgs),
    /// 恢复通道 · Lets paused roads go on.
    Resume(OrderArgs),
    /// 恢复被停用的传输企业 · Lets a stopped sender go on.
    ResumeSender(SenderArgs),
    /// 未匹配的回执 · Receipts that match nothing.
    Unmatched(PageArgs),
    /// 将未匹配的回执归于单证 · Gives a receipt that matched nothing to its document.
    Attach(AttachArgs),
    /// 隔离的来文 · Arrivals that were put aside.
    Quarantined(PageArgs),
    /// 取出一份来文原文 · Writes an arrival out as it came.
    Arrival(ArrivalArgs),
    /// 待复核的提案（双人复核）· What was proposed and waits for a second person.
    Proposals(proposals::ListArgs),
    /// 批准他人的提案并执行 · Approves what somebody else has proposed, and has it done.
    Approve(proposals::ApproveArgs),
    /// 否决提案，或撤回自己的 · Declines a proposal, or takes one's own back.
    Decline(proposals::DeclineArgs),
}

#[derive(Debug, Args)]
pub(super) struct OrderArgs {
    /// 单证或报文的 ID、任何编号、通道名称，1至200项 · Ids, numbers of any kind, or names of roads; 1 to 200.
    #[arg(required = true)]
    items: Vec<String>,
    /// 原因，记入审计日志，不含个人信息 · Why, for the audit log; no personal data.
    #[arg(long)]
    why: String,
    /// 只预览 · Only tells what would be done.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Args)]
pub(super) struct ResolveArgs {
    /// 已送达：等待回执，不再发送 · They arrived: an answer is waited for, they are not sent again.
    #[arg(long, conflicts_with = "not_arrived", required_unless_present = "not_arrived")]
    arrived: bool,
    /// 未送达：原样重发 · They did not: the same bytes go again.
    #[arg(long)]
    not_arrived: bool,
    #[command(flatten)]
    order: OrderArgs,
}

#[derive(Debug, Args)]
pub(super) struct SenderArgs {
    /// 传输企业 · The sender.
    sender: String,
    /// 原因 · Why.
    #[arg(long)]
    why: String,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Args)]
pub(super) struct DeliveriesArgs {
    /// 只列该传输企业 · Only of this sender.
    #[arg(long, default_value = "")]
    sender: String,
    /// 只列该通道 · Only on this road.
    #[arg(long, default_value = "")]
    road: String,
    /// 只列该状态 · Only those: queued, delivered, unanswered, shelved.
    #[arg(long, value_parser = ["queued", "delivered", "unanswered", "shelved"])]
    state: Option<String>,
    /// 从该报文之后开始 · Only after this message.
    #[arg(long, default_value = "")]
    after: String,
    #[command(flatten)]
    page: PageArgs,
}

#[derive(Debug, Args)]
pub(super) struct PageArgs {
    /// 最多条数 · At most so many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Args)]
pub(super) struct AttachArgs {
    /// 来文 ID · The arrival.
    arrival: String,
    /// 回执在来文中的序号，从0开始 · The receipt's place in it, from 0.
    ordinal: u32,
    /// 单证 ID 或编号 · The document's id, or a number that leads to it.
    target: String,
    /// 原因 · Why.
    #[arg(long)]
    why: String,
    /// 只预览 · Only tells what would be done.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Args)]
pub(super) struct ArrivalArgs {
    /// 来文 ID · The arrival.
    arrival: String,
    /// 写入此文件 · The file to be written.
    out: PathBuf,
    /// 显示个人信息的原因，记入审计日志；不给则遮盖 · Why what is personal in it is to be shown, for the audit log; without it that is masked.
    #[arg(long, value_name = "REASON")]
    unmask: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn run(command: &DeskCommand) -> Result<ExitCode> {
    match command {
        DeskCommand::Queues(server) => queues(&server.connect().await?.queues().await?),
        DeskCommand::Deliveries(args) => deliveries(args).await?,
        DeskCommand::Hold(args) => return order(args, Act::Hold).await,
        DeskCommand::Release(args) => return order(args, Act::Release).await,
        DeskCommand::Retry(args) => return order(args, Act::Retry).await,
        DeskCommand::Resolve(args) => return order(&args.order, Act::Resolve { arrived: args.arrived }).await,
        DeskCommand::Pause(args) => return order(args, Act::Pause).await,
        DeskCommand::Resume(args) => return order(args, Act::Resume).await,
        DeskCommand::ResumeSender(args) => {
            let proposal = args.server.connect().await?.resume_sender(args.sender.clone(), args.why.clone()).await?;
            if !proposal.is_empty() {
                return Ok(proposed(&proposal));
            }
            say(&format!("{} 已恢复 · goes on", shown(&args.sender)));
        }
        DeskCommand::Unmatched(args) => unmatched(&args.server.connect().await?.unmatched(args.limit).await?),
        DeskCommand::Attach(args) => return attach(args).await,
        DeskCommand::Quarantined(args) => quarantined(args).await?,
        DeskCommand::Arrival(args) => arrival(args).await?,
        DeskCommand::Proposals(args) => return proposals::list(args).await,
        DeskCommand::Approve(args) => return proposals::approve(args).await,
        DeskCommand::Decline(args) => proposals::decline(args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn order(args: &OrderArgs, act: Act) -> Result<ExitCode> {
    let order = proto::DeskOrder { items: args.items.clone(), why: args.why.clone(), dry_run: args.dry_run };
    let report = args.server.connect().await?.order(act, order).await?;
    Ok(tell(&report, args.dry_run))
}

async fn attach(args: &AttachArgs) -> Result<ExitCode> {
    let AttachArgs { arrival, ordinal, target, why, dry_run, server } = args;
    let asked = proto::AttachReceiptRequest {
        arrival_id: arrival.clone(),
        ordinal: *ordinal,
        target: target.clone(),
        why: why.clone(),
        dry_run: *dry_run,
    };
    Ok(tell(&server.connect().await?.attach_receipt(asked).await?, *dry_run))
}

/// What is told, line by line.
fn lines(lines: &[proto::DeskLine]) {
    let row = |line: &proto::DeskLine| {
        let verdict = match line.verdict() {
            DeskVerdict::Done => "✓",
            DeskVerdict::Already => "=",
            DeskVerdict::Refused | DeskVerdict::Unspecified => "✗",
        };
        let text = line.text.clone().unwrap_or_default();
        vec![verdict.to_owned(), shown(&line.item), kind(line.kind()), shown(&line.id), shown(&text.zh), shown(&text.en)]
    };
    let rows: Vec<_> = lines.iter().map(row).collect();
    say(&table::layout(&["", "项 item", "单证 document", "ID", "结果", "result"], &rows, WIDTH));
}

/// Status 0 unless something was refused, or was only proposed.
pub(super) fn tell(report: &proto::DeskReport, dry_run: bool) -> ExitCode {
    lines(&report.lines);
    if !report.proposal_id.is_empty() {
        return proposed(&report.proposal_id);
    }
    if !report.approved_id.is_empty() {
        let id = shown(&report.approved_id);
        say(&format!("已批准，尚未销毁 · approved, nothing is destroyed yet: tongguan retention destroy --approved {id}"));
        return ExitCode::SUCCESS;
    }
    match (report.refused, report.applied, dry_run) {
        (0, true, _) => say("已执行 · done"),
        (0, false, true) => say("预览，未执行 · a preview: nothing was done"),
        (0, false, false) => say("本已如此，未作改动 · it was so already: nothing was done"),
        (refused, ..) => complain(&format!("{refused} 项不能执行，全部未执行 · {refused} refused: nothing was done")),
    }
    if report.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn proposed(id: &str) -> ExitCode {
    complain(&format!(
        "尚未执行：须由另一人复核 · nothing was done yet, a second person is to approve it: tongguan desk approve {}",
        shown(id)
    ));
    ExitCode::from(PROPOSED)
}

fn kind(kind: proto::DocumentKind) -> String {
    let name = kind.as_str_name().trim_start_matches("DOCUMENT_KIND_").to_lowercase();
    Kind::parse(&name).map_or_else(String::new, |kind| format!("{} {}", kind.row().zh, kind.row().en))
}

pub(super) fn time(seconds: Option<i64>) -> String {
    seconds.map_or_else(String::new, |seconds| Timestamp(seconds.saturating_mul(1_000_000)).to_string())
}

fn queues(queues: &proto::QueuesResponse) {
    let row = |count: &proto::QueueCount| {
        let state = count.state().as_str_name().trim_start_matches("DOCUMENT_STATE_").to_lowercase();
        vec![kind(count.kind()), state, count.count.to_string()]
    };
    let rows: Vec<_> = queues.counts.iter().map(row).collect();
    say(&table::layout(&["单证 document", "状态 state", "数量 count"], &rows, WIDTH));
    for stopped in &queues.stopped {
        complain(&format!("传输企业停用 · sender stopped: {}: {}", shown(&stopped.sender), shown(&stopped.reason)));
    }
    for paused in &queues.paused {
        complain(&format!("通道暂停 · road paused: {}: {}", shown(&paused.road), shown(&paused.reason)));
    }
}

async fn deliveries(args: &DeliveriesArgs) -> Result<()> {
    let carriage = match args.state.as_deref() {
        Some("queued") => proto::Carriage::Queued,
        Some("delivered") => proto::Carriage::Delivered,
        Some("unanswered") => proto::Carriage::Unanswered,
        Some("shelved") => proto::Carriage::Shelved,
        _ => proto::Carriage::Unspecified,
    };
    let asked = proto::ListDeliveriesRequest {
        sender: args.sender.clone(),
        road: args.road.clone(),
        carriage: carriage.into(),
        after_message_id: args.after.clone(),
        page_size: args.page.limit,
    };
    let found = args.page.server.connect().await?.deliveries(asked).await?;
    let row = |delivery: &proto::DeliveryStanding| {
        let carriage = match (delivery.carriage(), delivery.sender_stopped, delivery.road_paused) {
            (proto::Carriage::Queued, true, _) => "传输企业停用 stopped",
            (proto::Carriage::Queued, _, true) => "通道暂停 paused",
            (proto::Carriage::Queued, ..) => "待发 queued",
            (proto::Carriage::Delivered, ..) => "已发 delivered",
            (proto::Carriage::Unanswered, ..) => "无回执 unanswered",
            (proto::Carriage::Shelved, ..) => "搁置 shelved",
            (proto::Carriage::Unspecified, ..) => "",
        };
        vec![
            shown(&delivery.message_id),
            kind(delivery.kind()),
            delivery.documents.to_string(),
            shown(&delivery.sender),
            shown(&delivery.road),
            carriage.to_owned(),
            delivery.attempts.to_string(),
            time(delivery.due_at.as_ref().map(|at| at.seconds)),
            shown(&delivery.reason),
        ]
    };
    let rows: Vec<_> = found.deliveries.iter().map(row).collect();
    let heading =
        ["报文 message", "单证 document", "份", "传输企业 sender", "通道 road", "状态 state", "次 tries", "下次 next", "原因 reason"];
    say(&table::layout(&heading, &rows, WIDTH));
    tell_more(&found.next_after_message_id, "--after");
    Ok(())
}

fn tell_more(next: &str, option: &str) {
    if !next.is_empty() {
        complain(&format!("后面还有 · there may be more: {option} {next}"));
    }
}

fn unmatched(found: &proto::UnmatchedReceiptsResponse) {
    let row = |receipt: &proto::UnmatchedReceipt| {
        let word = receipt.word.clone().unwrap_or_default();
        let key: Vec<_> = receipt.key.iter().map(|part| format!("{}={}", part.name, part.value)).collect();
        let meaning = word.explanation.unwrap_or_default();
        vec![
            shown(&receipt.arrival_id),
            receipt.ordinal.to_string(),
            kind(receipt.kind()),
            time(receipt.arrived_at.as_ref().map(|at| at.seconds)),
            shown(&key.join(" ")),
            shown(&word.code),
            shown(&format!("{} · {}", meaning.zh, meaning.en)),
        ]
    };
    let rows: Vec<_> = found.receipts.iter().map(row).collect();
    say(&table::layout(
        &["来文 arrival", "序号", "单证 document", "到达 arrived", "业务主键 key", "代码 code", "含义 meaning"],
        &rows,
        WIDTH,
    ));
}

async fn quarantined(args: &PageArgs) -> Result<()> {
    let asked = proto::QuarantinedArrivalsRequest { page_size: args.limit, before_arrival_id: String::new() };
    let found = args.server.connect().await?.quarantined(asked).await?;
    let row = |arrived: &proto::Arrived| {
        vec![
            shown(&arrived.arrival_id),
            time(arrived.arrived_at.as_ref().map(|at| at.seconds)),
            shown(&arrived.road),
            shown(&arrived.name),
            arrived.size.to_string(),
            shown(&arrived.reason),
        ]
    };
    let rows: Vec<_> = found.arrivals.iter().map(row).collect();
    say(&table::layout(&["来文 arrival", "到达 arrived", "通道 road", "名称 name", "字节 bytes", "原因 reason"], &rows, WIDTH));
    if !found.next_before_arrival_id.is_empty() {
        complain("后面还有，请用 --limit · there may be more: --limit");
    }
    Ok(())
}

async fn arrival(args: &ArrivalArgs) -> Result<()> {
    let got = match args.server.connect().await?.arrival(args.arrival.clone(), args.unmask.clone().unwrap_or_default()).await {
        Err(Error::Ended(status)) => bail!("{}", shown(status.message())),
        other => other?,
    };
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&args.out);
    let written =
        file.as_mut().map_err(|error| std::io::Error::from(error.kind())).and_then(|file| std::io::Write::write_all(file, &got.raw));
    written.with_context(|| format!("{0} 无法写入 · {0} cannot be written", args.out.display()))?;
    say(&format!("{}: {} 字节 · bytes", args.out.display(), got.raw.len()));
    if got.masked {
        complain("个人信息已遮盖，--unmask 原因 可显示 · what is personal in it is masked; --unmask REASON shows it");
    }
    Ok(())
}
