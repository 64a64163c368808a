//! What is kept for years: what is under legal hold, with forms that place and lift holds; archives; and how much of what there is, which
//! goes through everything, and so is counted behind the page when somebody asks for it.

use std::sync::Arc;

use maud::{Markup, html};
use tokio::sync::watch;

use super::{
    Console, acts, overview,
    page::{Problem, Reply, empty, token},
    routes::Asked,
    session::Session,
    words::{Lang, when},
};
use crate::{
    access::{Call, allows},
    archive::{Name, is_at_hand},
    clock::Timestamp,
    desk::{Error, MOST_ITEMS},
    retention::{Class, Options},
    store::{ArchiveState, Held, KeptArchive, KeptMonth, LegalHold},
    task,
};

/// Holds, archives and lines that the page shows.
const MOST_HOLDS: usize = 1_000;
const MOST_ARCHIVES: usize = 200;
const MOST_LINES: usize = 1_000;
const PLACE: &str = "/retention";

/// A count that goes on, or the last that ended.
#[derive(Debug, Clone)]
struct Counted {
    by: String,
    began: Timestamp,
    ended: Option<Ended>,
}

/// When a count ended, and how.
type Ended = (Timestamp, Result<Arc<Vec<KeptMonth>>, String>);

/// The one count of this console.
#[derive(Debug)]
pub(super) struct Counting(watch::Sender<Option<Counted>>);

impl Default for Counting {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

/// Begins to count, unless that goes on.
pub(super) fn count(console: &Console, session: &Session) -> Reply {
    let (now, by) = (console.parts.clockwork.now(), session.caller.actor.name.clone());
    let is_first = console.kept.0.send_if_modified(|counted| {
        let is_free = counted.as_ref().is_none_or(|counted| counted.ended.is_some());
        if is_free {
            *counted = Some(Counted { by: by.clone(), began: now, ended: None });
        }
        is_free
    });
    if is_first {
        let (store, clockwork, sender) = (Arc::clone(&console.parts.store), console.parts.clockwork.clone(), console.kept.0.clone());
        let mut stop = console.stop.clone();
        tokio::spawn(async move {
            let found = tokio::select! {
                // Nobody left to say so is a stop as well.
                _ = stop.wait_for(|stop| *stop) => return,
                found = store.kept_by_month() => found,
            };
            let found = found.map(Arc::new).map_err(|error| {
                let error = task::chain(&error);
                tracing::warn!(error, "what is kept could not be counted");
                error
            });
            let ended = clockwork.now();
            sender.send_modify(|counted| counted.iter_mut().for_each(|counted| counted.ended = Some((ended, found.clone()))));
        });
    }
    Reply::Go(PLACE.to_owned(), None)
}

pub(super) async fn page(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let role = session.caller.actor.role;
    let holds = console.store().legal_holds(session.caller.scope.as_ref()).await?;
    let archives = console.store().archives().await?;
    let counted = console.kept.0.borrow().clone();
    let may = allows(role, Call::LegalHold).then_some(session);
    let title = lang.t("保存、归档与法律保全", "Kept, archived, held");
    let now = console.parts.clockwork.now();
    let body = html! {
        h1 { (title) }
        section { h2 { (lang.t("法律保全", "Legal holds")) } (held(lang, &holds, may, allows(role, Call::Find))) }
        section { h2 { (lang.t("归档", "Archives")) } (archived(lang, &console.parts.retention, &archives).await) }
        section { h2 { (lang.t("保存数量与期限", "How much is kept, and until when")) }
            (months(lang, &console.parts.retention, counted.as_ref(), now))
            @if counted.as_ref().is_none_or(|counted| counted.ended.is_some()) {
                form method="post" action="/retention/count" { (token(session)) div.buttons { button { (lang.t("统计", "Count")) } } }
            }
        }
    };
    let goes_on = counted.is_some_and(|counted| counted.ended.is_none());
    Ok(if goes_on { Reply::again(title, PLACE, body) } else { Reply::page(title, PLACE, body) })
}

fn held(lang: Lang, holds: &[LegalHold], may: Option<&Session>, may_find: bool) -> Markup {
    let line = |hold: &LegalHold| {
        let (item, id) = (hold.held.item(), format!("hold-{}-{}", hold.held.kind(), hold.held.target()));
        html! { tr {
            @if may.is_some() { td { input type="checkbox" name="item" value=(item) id=(id) aria-label=(format!("{} {item}", lang.t("选择", "choose"))); } }
            td { @match &hold.held {
                Held::Declaration(declaration) if may_find => { a href=(format!("/declarations/{declaration}")) { code { (item) } } }
                _ => { code { (item) } }
            } }
            td { @match &hold.tenant { Some(tenant) => (tenant), None => (lang.t("全部", "all")) } }
            td { (when(hold.at)) }
            td { (hold.by) }
            td { (hold.why) }
        } }
    };
    html! {
        p.hint { (lang.t("被保全的内容不归档、不销毁，与暂停单证无关。", "What is held is neither archived nor destroyed. It has nothing to do with holding documents back from being packed.")) }
        @if holds.is_empty() { (empty(lang.t("没有法律保全。", "Nothing is under legal hold."))) }
        @else {
            form method="post" action="/retention/holds" {
                @if let Some(session) = may { (token(session)) input type="hidden" name="back" value=(PLACE); }
                div.scroll { table {
                    thead { tr {
                        @if may.is_some() { th scope="col" { span.sr { (lang.t("选择", "choose")) } } }
                        th scope="col" { (lang.t("对象", "on what")) }
                        th scope="col" { (lang.t("租户", "tenant")) }
                        th scope="col" { (lang.t("起", "since")) }
                        th scope="col" { (lang.t("由", "by")) }
                        th scope="col" { (lang.t("原因", "why")) }
                    } }
                    tbody { @for hold in holds.iter().take(MOST_HOLDS) { (line(hold)) } }
                } }
                @if holds.len() > MOST_HOLDS { p.hint { "… +" (holds.len() - MOST_HOLDS) } }
                @if may.is_some() { div.buttons { button name="act" value="lift" { (lang.t("解除保全", "Lift the hold")) } } }
            }
        }
        @if let Some(session) = may {
            form.place method="post" action="/retention/holds" {
                (token(session))
                input type="hidden" name="back" value=(PLACE);
                label for="items" { (lang.t("保全（每行一项：申报的编号或 ID、seller:代码、month:2026-11）", "To be held, one to a line: numbers or ids of declarations, seller:CODE, month:2026-11")) }
                textarea id="items" name="items" rows="3" required spellcheck="false" {}
                div.buttons { button name="act" value="place" { (lang.t("保全", "Place a hold")) } }
            }
        }
    }
}

async fn archived(lang: Lang, options: &Options, archives: &[KeptArchive]) -> Markup {
    let shown: Vec<KeptArchive> = archives.iter().rev().take(MOST_ARCHIVES).cloned().collect();
    let at_hand = at_hand(options, shown.iter().map(|kept| kept.name).collect()).await;
    let line = |kept: &KeptArchive, is_here: bool| {
        html! { tr {
            th scope="row" { code { (kept.name) } }
            td { (when(kept.made_at)) }
            td { @match kept.state {
                ArchiveState::Written => { span.mark.bad { (lang.t("未完成：请再次归档该月", "not ended: archive the month again")) } }
                ArchiveState::Emptied if is_here => { span.mark.good { (lang.t("在手边", "at hand")) } }
                ArchiveState::Emptied => { span.mark { (lang.t("不在手边", "not at hand")) } }
                ArchiveState::Destroyed => { span.mark { (lang.t("期满已销毁", "destroyed after its time")) } }
            } }
            td.number { (kept.items) }
            td.number { (kept.bytes) }
            td { (options.until(Class::Declarations, kept.name.month).day()) }
            td { code { (kept.digest_text()) } }
        } }
    };
    html! {
        @if shown.is_empty() { (empty(lang.t("还没有归档：tongguan archive 2026-11 --to 文件夹。", "Nothing is archived: tongguan archive 2026-11 --to FOLDER."))) }
        @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { (lang.t("归档", "archive")) }
                    th scope="col" { (lang.t("建立", "made")) }
                    th scope="col" { (lang.t("状态", "state")) }
                    th scope="col" { (lang.t("条数", "bodies")) }
                    th scope="col" { (lang.t("字节", "bytes")) }
                    th scope="col" { (lang.t("须存至", "keep until")) }
                    th scope="col" { (lang.t("清单摘要", "digest of its manifest")) }
                } }
                tbody { @for (kept, is_here) in shown.iter().zip(at_hand) { (line(kept, is_here)) } }
            } }
            @if archives.len() > MOST_ARCHIVES { p.hint { "… +" (archives.len() - MOST_ARCHIVES) } }
        }
    }
}

/// Which of these have their files here.
async fn at_hand(options: &Options, names: Vec<Name>) -> Vec<bool> {
    let (count, folder) = (names.len(), options.archives.clone());
    let Some(folder) = folder else { return vec![false; count] };
    let looked = tokio::task::spawn_blocking(move || names.into_iter().map(|name| is_at_hand(&folder, name)).collect());
    looked.await.unwrap_or_else(|_| vec![false; count])
}

fn months(lang: Lang, options: &Options, counted: Option<&Counted>, now: Timestamp) -> Markup {
    let Some(counted) = counted else {
        return empty(lang.t("尚未统计。统计会读遍所存全部内容。", "Not counted yet. Counting goes through all that is kept."));
    };
    let line = |kept: &KeptMonth| {
        let until = options.until(kept.class, kept.month);
        html! { tr {
            th scope="row" { (lang.t(kept.class.zh(), kept.class.as_str())) }
            td { (kept.month) }
            td.number { (kept.count) }
            td.number { (kept.archived) }
            td.number { (kept.bytes) }
            td { (until.day()) @if until <= now { " " span.mark { (lang.t("期满", "over")) } } }
        } }
    };
    html! {
        p { (lang.t("开始于", "begun")) " " (when(counted.began)) " · " (counted.by) }
        @match &counted.ended {
            None => { p.empty role="status" { (lang.t("正在统计，稍后自动显示……", "Being counted; it appears here in a moment …")) } }
            Some((_, Err(error))) => { p.problem role="alert" { (error) } }
            Some((ended, Ok(found))) => {
                p.hint { (lang.t("统计完成于", "counted")) " " (overview::age(lang, Some(*ended), now)) " " (lang.t("前", "ago")) }
                @if found.is_empty() { (empty(lang.t("还没有保存任何内容。", "Nothing is kept yet."))) }
                @else {
                    div.scroll { table {
                        thead { tr {
                            th scope="col" { (lang.t("类别", "class")) }
                            th scope="col" { (lang.t("月份", "month")) }
                            th scope="col" { (lang.t("条数", "count")) }
                            th scope="col" { (lang.t("已归档", "archived")) }
                            th scope="col" { (lang.t("库中字节", "bytes in the store")) }
                            th scope="col" { (lang.t("须存至", "keep until")) }
                        } }
                        tbody { @for kept in found.iter().take(MOST_LINES) { (line(kept)) } }
                    } }
                    @if found.len() > MOST_LINES { p.hint { "… +" (found.len() - MOST_LINES) } }
                }
            }
        }
    }
}

/// Places holds, or lifts them: a preview first, then the same confirmed, by the code that the gRPC calls run.
pub(super) async fn hold(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let (act, title, lifted) = match asked.one("act") {
        "place" => ("place", lang.t("保全", "Place a hold"), false),
        "lift" => ("lift", lang.t("解除保全", "Lift the hold"), true),
        _ => return Err(Problem::NotFound),
    };
    let mut items = asked.all("item");
    items.extend(asked.one("items").split_whitespace().take(MOST_ITEMS + 1).map(str::to_owned));
    if items.is_empty() {
        return Err(Problem::invalid("请先选择要处理的项", "choose what it is about first"));
    }
    let confirmed = asked.one("step") == "confirm";
    let (order, desk) = (acts::order(session, asked, confirmed), &console.parts.desk);
    let (report, fault) = match desk.legal_hold(&order, &items, lifted).await {
        Ok(report) => (report, None),
        // What is wrong with the reason is told beside it.
        Err(Error::Invalid(faults)) if confirmed => {
            let again = order.as_preview(acts::PREVIEW);
            (desk.legal_hold(&again, &items, lifted).await.map_err(acts::problem)?, Some(faults))
        }
        Err(error) => return Err(acts::problem(error)),
    };
    if report.applied {
        return Ok(Reply::page(title, PLACE, acts::finished(asked, title, &report)));
    }
    let fields = html! {
        input type="hidden" name="act" value=(act);
        @for item in &items { input type="hidden" name="item" value=(item); }
    };
    let preview = acts::Preview { title, to: "/retention/holds", report: &report, fields, fault };
    Ok(Reply::page(title, PLACE, acts::preview(session, asked, &preview)))
}

/// What holds a declaration, on its page; and a form that places or lifts the hold on it alone.
pub(super) fn on_one(lang: Lang, holds: &[LegalHold], may: Option<&Session>, item: &str, here: &str) -> Markup {
    let own = holds.iter().any(|hold| hold.held.item() == item);
    html! {
        @if !holds.is_empty() {
            section.held {
                h2 { (lang.t("法律保全：不归档、不销毁", "Under legal hold: neither archived nor destroyed")) }
                ul { @for hold in holds { li {
                    a href=(PLACE) { code { (hold.held.item()) } } " · " (when(hold.at)) " · " (hold.by) " · " (hold.why)
                } } }
            }
        }
        @if let Some(session) = may {
            form.acts method="post" action="/retention/holds" {
                (token(session))
                input type="hidden" name="back" value=(here);
                input type="hidden" name="item" value=(item);
                @if own { button name="act" value="lift" { (lang.t("解除法律保全", "Lift the legal hold")) } }
                @else { button name="act" value="place" { (lang.t("法律保全", "Place a legal hold")) } }
            }
        }
    }
}
