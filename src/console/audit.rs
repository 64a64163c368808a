//! Searching the audit log.

use std::net::IpAddr;

use maud::{Markup, html};

use super::{
    Console,
    page::{Problem, Reply, empty},
    routes::Asked,
    session::Session,
    words::{Lang, when},
};
use crate::{
    audit::Entry,
    clock::{parse_day, start_of},
    desk::{look_through, subjects},
    party::Trace,
    store::{EntryFilter, PlacedEntry},
};

/// Entries on a page.
const PAGE: u32 = 100;
const LONGEST_WORD: usize = 100;
const FIELDS: [&str; 6] = ["number", "actor", "address", "act", "from", "to"];

pub(super) async fn page(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let lang = asked.lang;
    if FIELDS.iter().any(|name| asked.one(name).len() > LONGEST_WORD) {
        return Err(Problem::invalid("筛选内容过长", "what is searched for is too long"));
    }
    let scope = session.caller.scope.clone();
    let number = asked.one("number").trim();
    let about = if number.is_empty() { None } else { Some(subjects(console.store(), scope.as_ref(), number).await?) };
    let filter = EntryFilter {
        tenant: scope,
        act: Some(asked.one("act").trim().to_owned()).filter(|act| !act.is_empty()),
        from: day(asked.one("from"), 0)?,
        to: day(asked.one("to"), 1)?,
        after: asked.one("after").parse().ok(),
        // What was just decided about it is told at once.
        pending: about.is_some(),
        subjects: about.clone(),
        ..EntryFilter::default()
    };
    let actor = asked.one("actor").trim();
    let address = address(asked.one("address"))?;
    let fits = |entry: &Entry| (actor.is_empty() || entry.actor.name == actor) && (address.is_none() || entry.actor.address == address);
    let (found, next) = match &about {
        Some(ids) if ids.is_empty() => (Vec::new(), None),
        _ => look_through(console.store(), filter, &fits, PAGE).await?,
    };
    let body = html! {
        h1 { (lang.t("审计日志", "Audit log")) }
        (filters(lang, asked))
        @if found.is_empty() { (empty(lang.t("没有这样的记录。", "There is no such entry."))) }
        @else { (entries(lang, &found)) }
        @if let Some(after) = next { p { a href=(format!("/audit?{}after={after}", kept(asked))) { (lang.t("下一页", "Next page")) } } }
    };
    Ok(Reply::page(lang.t("审计", "Audit"), format!("/audit?{}", kept(asked)), body))
}

/// The beginning of a Beijing day as a browser writes it (2026-11-26), or of one of the days after.
fn day(text: &str, later: u64) -> Result<Option<crate::clock::Timestamp>, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let day =
        parse_day(&text.replace('-', "")).ok_or_else(|| Problem::invalid("日期应为 2026-11-26 的形式", "a day is written 2026-11-26"))?;
    Ok(Some(start_of(day) + std::time::Duration::from_secs(86_400 * later)))
}

fn address(text: &str) -> Result<Option<IpAddr>, Problem> {
    let read = |text: &str| text.parse().map_err(|_| Problem::invalid("地址应为 IP 地址", "an address is an IP address"));
    Some(text.trim()).filter(|text| !text.is_empty()).map(read).transpose()
}

fn kept(asked: &Asked) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in FIELDS.into_iter().filter(|name| !asked.one(name).is_empty()) {
        query.append_pair(name, asked.one(name));
    }
    let text = query.finish();
    if text.is_empty() { text } else { text + "&" }
}

fn filters(lang: Lang, asked: &Asked) -> Markup {
    let field = |name: &str, text: &str, kind: &str| {
        html! { label { (text) " " input type=(kind) name=(name) value=(asked.one(name)) maxlength=(LONGEST_WORD) spellcheck="false"; } }
    };
    html! {
        form.filters method="get" action="/audit" {
            (field("number", lang.t("编号", "number"), "text"))
            (field("actor", lang.t("操作者", "actor"), "text"))
            (field("address", lang.t("来源地址", "address"), "text"))
            (field("act", lang.t("操作", "act"), "text"))
            (field("from", lang.t("从", "from"), "date"))
            (field("to", lang.t("至", "to"), "date"))
            button { (lang.t("查询", "Search")) }
        }
    }
}

/// Entries as a table.
pub(super) fn entries(lang: Lang, entries: &[PlacedEntry]) -> Markup {
    html! {
        div.scroll { table.entries {
            thead { tr {
                th scope="col" { (lang.t("序号", "place")) }
                th scope="col" { (lang.t("时间", "when")) }
                th scope="col" { (lang.t("操作者", "who")) }
                th scope="col" { (lang.t("操作", "act")) }
                th scope="col" { (lang.t("变化", "what changed")) }
                th scope="col" { (lang.t("原因", "why")) }
            } }
            tbody { @for placed in entries {
                @let entry = &placed.entry;
                tr {
                    td.number { @match placed.position { Some(place) => (place), None => (lang.t("待排", "waits")) } }
                    td { (when(entry.at)) }
                    td { (entry.actor.name) " " small {
                        (entry.actor.role.as_str()) " · " (entry.actor.tenant)
                        @if let Some(address) = entry.actor.address { " · " (address) }
                        @if let Some(trace) = entry.actor.trace { br; code { (Trace::shown(trace.id)) } }
                    } }
                    td { code { (entry.act) } }
                    td { @for change in &entry.changes {
                        div { span.code { (change.field) } ": " @if !change.from.is_empty() { (change.from) " → " } (change.to) }
                    }
                    @if !entry.subject.is_nil() { div { a href=(format!("/find?numbers={}", entry.subject)) { small { code { (entry.subject) } } } } } }
                    td { (entry.why) }
                }
            } }
        } }
    }
}
