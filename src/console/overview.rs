//! How things stand: what is where, what is stuck and whose turn it is, what is stopped, who works.

use std::{collections::BTreeMap, time::Duration};

use maud::{Markup, html};

use super::{
    Console,
    page::{Problem, Reply, empty},
    routes::Asked,
    session::Session,
    words::{Lang, when},
};
use crate::{
    access::{Call, allows},
    clock::Timestamp,
    declaration::Kind,
    explain::explain_turn,
    node,
    state::{State, Turn},
    store::{Backlog, Carriage, Count, DeliveryFilter, KeptNode, OfficeCount},
};

mod charts;
mod figures;
mod forecast;
mod shut;

pub(super) use figures::{Cache, Figures};
pub(super) use shut::signers;

/// Messages that are looked at for late answers.
const LOOKED_AT: u32 = 500;
/// An answer is late after that.
const LATE: Duration = Duration::from_secs(600);
/// What is shown is counted at most so long ago, unless counting takes longer than a page may.
pub(super) const PATIENCE: Duration = Duration::from_millis(60);

pub(super) async fn page(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let role = session.caller.actor.role;
    if !allows(role, Call::ReadQueues) {
        return Ok(Reply::Go("/audit".to_owned(), None));
    }
    let now = console.parts.clockwork.now();
    let figures = console.figures.figures(console, session.caller.scope.as_ref(), PATIENCE).await;
    let stopped = console.store().stopped().await?;
    let paused = console.store().paused().await?;
    let nodes = console.store().nodes().await?;
    let waiting = DeliveryFilter { carriage: Some(Carriage::Delivered), limit: LOOKED_AT, ..DeliveryFilter::default() };
    let sent = console.store().messages(waiting).await?;
    let late = sent.iter().filter(|message| now.since(message.sealed_at) > LATE).count();
    let may_act = allows(role, Call::Desk).then_some(session);
    let title = lang.t("总览", "Overview");
    let shut = shut::Shut { stopped: &stopped, paused: &paused, queues: figures.as_ref().map_or(&[], |figures| &figures.overview.roads) };
    let body = html! {
        h1 { (title) " " small { @match &figures {
            Some(figures) => { (lang.t("统计于", "as of")) " " (when(figures.at)) " " (lang.t("北京时间", "Beijing time")) }
            None => { (when(now)) }
        } } }
        @match &figures {
            Some(figures) => { (counted(lang, figures, now, late)) }
            None => { p.empty role="status" { (lang.t("正在统计，稍后自动显示……", "Being counted; it appears here in a moment …")) } }
        }
        section { h2 { (lang.t("通道与传输企业", "Roads and senders")) } (shut::roads(lang, console, may_act, &shut, now)) }
        section { h2 { (lang.t("签名证书", "Signers' certificates")) } (signers(lang, &console.parts.signers, now)) }
        section { h2 { (lang.t("节点", "Nodes")) } (running(lang, &nodes, now)) }
    };
    // What is not counted yet is looked for again.
    Ok(if figures.is_some() { Reply::page(title, "/", body) } else { Reply::again(title, "/", body) })
}

/// All that was counted.
fn counted(lang: Lang, figures: &Figures, now: Timestamp, late: usize) -> Markup {
    let overview = &figures.overview;
    html! {
        (tiles(lang, &overview.backlog, now, late))
        section { h2 { (lang.t("轮到谁", "Whose turn it is")) } (turns(lang, &figures.counts)) }
        section { h2 { (lang.t("需要处理", "What waits for somebody")) } (stuck(lang, &figures.counts)) }
        section { h2 { (lang.t("今日清单：关区与状态", "Today's inventories by office and state")) } (offices(lang, &overview.offices)) }
        section { h2 { (lang.t("预测", "Forecast")) } (forecast::shown(lang, &forecast::Forecast::of(&figures.pulses, &overview.due, figures.at))) }
        section.charts { h2 { (lang.t("最近一小时", "The last hour")) } (charts::all(lang, &figures.pulses)) }
        section { h2 { (lang.t("全部单证：种类与状态", "All documents by kind and state")) } (kinds(lang, figures.counts.iter(), lang.t("还没有单证。", "There is no document yet."), |_| None)) }
    }
}

pub(super) fn age(lang: Lang, since: Option<Timestamp>, now: Timestamp) -> String {
    let Some(since) = since else { return "–".to_owned() };
    let seconds = now.since(since).as_secs();
    match seconds {
        0..=119 => format!("{seconds} {}", lang.t("秒", "s")),
        120..=7_199 => format!("{} {}", seconds / 60, lang.t("分", "min")),
        7_200..=172_799 => format!("{} {}", seconds / 3_600, lang.t("小时", "h")),
        _ => format!("{} {}", seconds / 86_400, lang.t("天", "d")),
    }
}

fn tiles(lang: Lang, backlog: &Backlog, now: Timestamp, late: usize) -> Markup {
    let tile = |name: &str, count: i64, note: String, to: Option<&str>, bad: bool| {
        html! {
            li.tile.bad[bad && count > 0] {
                @if let Some(to) = to { a href=(to) { (name) } } @else { span { (name) } }
                strong { (count) }
                small { (note) }
            }
        }
    };
    let oldest = |since| format!("{} {}", lang.t("最久", "oldest"), age(lang, since, now));
    html! {
        ul.tiles {
            (tile(lang.t("待打包单证", "documents to be packed"), backlog.due, oldest(backlog.oldest_due), None, false))
            (tile(lang.t("待发报文", "messages to be sent"), backlog.queued, oldest(backlog.oldest_queued), Some("/deliveries?state=queued"), false))
            (tile(lang.t("待人处理的报文", "messages that wait for a person"), backlog.given_up, lang.t("搁置或无回执", "shelved or unanswered").to_owned(), Some("/deliveries"), true))
            (tile(lang.t("迟到的回执", "late receipts"), i64::try_from(late).unwrap_or(i64::MAX), lang.t("发出超过10分钟", "sent over 10 minutes ago").to_owned(), Some("/deliveries?state=delivered"), true))
            (tile(lang.t("暂停的单证", "documents held"), backlog.on_hold, String::new(), None, false))
            (tile(lang.t("待读来文", "arrivals to be read"), backlog.unread, oldest(backlog.oldest_unread), None, false))
            (tile(lang.t("隔离来文", "arrivals put aside"), backlog.quarantined, String::new(), Some("/quarantined"), true))
        }
    }
}

const TURNS: [Turn; 5] = [Turn::Seller, Turn::Carrier, Turn::Customs, Turn::Gateway, Turn::Nobody];

fn turns(lang: Lang, counts: &[Count]) -> Markup {
    // One life to a declaration: that of its inventory.
    let of = |turn| {
        counts.iter().filter(|count| count.kind == Kind::Inventory && count.state.turn() == turn).map(|count| count.count).sum::<i64>()
    };
    let all: i64 = TURNS.into_iter().map(of).sum();
    html! {
        @if all == 0 { (empty(lang.t("还没有清单。", "There is no inventory yet."))) }
        @else {
            dl.turns { @for turn in TURNS {
                dt { (lang.t(explain_turn(turn).0, explain_turn(turn).1)) }
                dd { (of(turn)) " " meter min="0" max=(all) value=(of(turn)) {} }
            } }
        }
    }
}

/// States in which somebody must do something.
const STUCK: [State; 4] = [State::Unmatched, State::PortFailed, State::Refused, State::Rejected];

fn stuck(lang: Lang, counts: &[Count]) -> Markup {
    let found: Vec<_> = counts.iter().filter(|count| STUCK.contains(&count.state)).collect();
    html! {
        @if found.is_empty() { (empty(lang.t("没有被退回或缺少单证的申报。", "Nothing was turned away, nothing is missing."))) }
        @else {
            ul { @for count in found {
                li {
                    strong { (count.count) } " " (lang.kind(count.kind)) ": " (lang.state(count.kind, count.state)) " · "
                    (lang.t(explain_turn(count.state.turn()).0, explain_turn(count.state.turn()).1))
                    @if count.kind == Kind::Inventory { " · " a href=(format!("/find?state={}", count.state.as_str())) { (lang.t("查看", "see them")) } }
                }
            } }
        }
    }
}

fn offices(lang: Lang, counts: &[OfficeCount]) -> Markup {
    let states: Vec<_> = State::ALL.into_iter().filter(|state| counts.iter().any(|count| count.state == *state)).collect();
    let mut rows: BTreeMap<&str, BTreeMap<&str, i64>> = BTreeMap::new();
    for count in counts {
        rows.entry(count.office.as_str()).or_default().insert(count.state.as_str(), count.count);
    }
    html! {
        @if rows.is_empty() { (empty(lang.t("今日还没有清单。", "There is no inventory today yet."))) }
        @else {
            div.scroll { table.numbers {
                thead { tr {
                    th scope="col" { (lang.t("关区", "office")) }
                    @for state in &states { th scope="col" { (lang.state(Kind::Inventory, *state)) } }
                } }
                tbody { @for (office, row) in &rows { tr {
                    th scope="row" { (office) }
                    @for state in &states { td { @if let Some(count) = row.get(state.as_str()) { (count) } } }
                } } }
            } }
        }
    }
}

/// How many documents of each kind are in each state, and whose turn they are; `none` stands where there are none, `mark` beside a state.
pub(super) fn kinds<'c>(
    lang: Lang,
    counts: impl Iterator<Item = &'c Count>,
    none: &str,
    mark: impl Fn(&Count) -> Option<&'static str>,
) -> Markup {
    let mut counts = counts.peekable();
    html! {
        @if counts.peek().is_none() { (empty(none)) }
        @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { (lang.t("单证", "document")) }
                    th scope="col" { (lang.t("状态", "state")) }
                    th scope="col" { (lang.t("数量", "count")) }
                    th scope="col" { (lang.t("轮到谁", "whose turn")) }
                } }
                tbody { @for count in counts { tr {
                    td { (lang.kind(count.kind)) }
                    td { (lang.state(count.kind, count.state)) @if let Some(mark) = mark(count) { " " span.mark { (mark) } } }
                    td.number { (count.count) }
                    td { (lang.t(explain_turn(count.state.turn()).0, explain_turn(count.state.turn()).1)) }
                } } }
            } }
        }
    }
}

fn running(lang: Lang, nodes: &[KeptNode], now: Timestamp) -> Markup {
    let differing = node::disagreements(nodes.iter().filter(|node| !node::is_gone(node, now)));
    html! {
        ul { @for known in nodes {
            li {
                @if node::is_gone(known, now) { span.mark.bad { (lang.t("失联", "gone")) } } @else { span.mark.good { (lang.t("在", "lives")) } }
                " " strong { (node::label(known)) } " " small { (known.roles) " · " (known.version) }
            }
        } }
        @for found in &differing { p.problem { (lang.t("配置不一致：", "configured differently: ")) (found) } }
        @if nodes.is_empty() { (empty(lang.t("没有节点报到。", "No node has said a word."))) }
    }
}
