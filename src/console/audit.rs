//! The audit log: searching it, the newest first, and saving what was found; below it the live tail, the check of the whole, and proofs.

use maud::{Markup, html};

use super::{
    Console,
    page::{Problem, Reply, empty},
    routes::Asked,
    session::Session,
    sheet,
    words::{Lang, when},
};
use crate::{
    clock::{Timestamp, parse_day, start_of},
    declaration::Kind,
    desk::{Wanted, look_back, subjects, trace_asked},
    party::Trace,
    store::{EntryFilter, PlacedEntry},
};

pub(super) mod checking;
pub(super) mod proof;
pub(super) mod tail;

/// Entries on a page.
const PAGE: usize = 100;
/// Entries in a file.
const MOST_SAVED: usize = 20_000;
/// Looks of a bounded number of positions each, for one file.
const MOST_LOOKS: usize = 40;
const LONGEST_WORD: usize = 100;
const FIELDS: [&str; 9] = ["number", "actor", "act", "kind", "outcome", "address", "trace", "from", "to"];

/// What is searched for.
struct Search {
    filter: EntryFilter,
    wanted: Wanted,
    /// The number leads nowhere.
    is_nothing: bool,
}

impl Search {
    async fn of(console: &Console, session: &Session, asked: &Asked) -> Result<Self, Problem> {
        let fault = |zh: &str, en: &str| (zh.to_owned(), en.to_owned());
        let mut faults = Vec::new();
        if FIELDS.iter().any(|name| asked.one(name).len() > LONGEST_WORD) {
            faults.push(fault("筛选内容过长", "what is searched for is too long"));
        }
        let (from, to) = (moment(asked.one("from"), 0), moment(asked.one("to"), 1));
        if from.is_err() || to.is_err() {
            faults.push(fault("时间应为 2026-11-26 或 2026-11-26T10:30 的形式", "a time is written 2026-11-26 or 2026-11-26T10:30"));
        }
        let kind = asked.one("kind").trim();
        let kind = if kind.is_empty() { Ok(None) } else { Kind::parse(kind).map(Some).ok_or(()) };
        if kind.is_err() {
            faults.push(fault("没有这种单证", "there is no such kind of document"));
        }
        let address = asked.one("address").trim();
        let address = if address.is_empty() { Ok(None) } else { address.parse().map(Some) };
        if address.is_err() {
            faults.push(fault("地址应为 IP 地址", "an address is an IP address"));
        }
        let trace = Some(asked.one("trace").trim()).filter(|text| !text.is_empty());
        let trace = trace.map(|text| trace_asked(text).ok_or(())).transpose();
        if trace.is_err() {
            faults.push(fault("追踪号应为32位十六进制", "a trace has 32 hexadecimal digits"));
        }
        let (Ok(from), Ok(to), Ok(kind), Ok(address), Ok(trace), []) = (from, to, kind, address, trace, faults.as_slice()) else {
            return Err(Problem::Invalid(faults));
        };
        let scope = session.caller.scope.clone();
        let text = |name| asked.one(name).trim().to_owned();
        let number = text("number");
        let about = if number.is_empty() { None } else { Some(subjects(console.store(), scope.as_ref(), &number).await?) };
        let is_nothing = about.as_ref().is_some_and(Vec::is_empty);
        let filter = EntryFilter {
            tenant: scope,
            act: Some(text("act")).filter(|act| !act.is_empty()),
            from,
            to,
            before: asked.one("before").parse().ok(),
            // What was just decided about it is told at once.
            pending: about.is_some() || trace.is_some(),
            subjects: about,
            trace,
            ..EntryFilter::default()
        };
        Ok(Self { filter, wanted: Wanted { actor: text("actor"), kind, outcome: text("outcome"), address }, is_nothing })
    }

    async fn look(&self, console: &Console, before: Option<i64>, most: usize) -> Result<(Vec<PlacedEntry>, Option<i64>), Problem> {
        if self.is_nothing {
            return Ok((Vec::new(), None));
        }
        let filter = EntryFilter { before, ..self.filter.clone() };
        Ok(look_back(console.store(), filter, &self.wanted, most).await?)
    }
}

pub(super) async fn page(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let search = Search::of(console, session, asked).await?;
    let (found, next) = search.look(console, search.filter.before, PAGE).await?;
    let size = signed(console).await?;
    let query = kept(asked);
    let body = html! {
        h1 { (lang.t("审计日志", "Audit log")) " " small { (size) " " (lang.t("条记录在签名检查点之下", "entries under a signed checkpoint")) } }
        p.buttons {
            a.button href=(format!("/audit/tail?{query}")) { (lang.t("实时查看", "Follow live")) }
            a.button href="/audit/check" { (lang.t("校验整个日志", "Verify the whole log")) }
            a.button href=(format!("/audit/export?{query}format=csv")) { (lang.t("导出 CSV", "Save as CSV")) }
            a.button href=(format!("/audit/export?{query}format=xlsx")) { (lang.t("导出 XLSX", "Save as XLSX")) }
        }
        (filters(lang, asked, "/audit"))
        @if found.is_empty() && next.is_none() { (empty(lang.t("没有这样的记录。", "There is no such entry."))) }
        @else if found.is_empty() { (empty(lang.t("至此未找到，更早的记录尚未查看。", "Nothing so far; older entries are yet to be looked at."))) }
        @else { (entries(lang, &found, size)) }
        @if let Some(before) = next { p { a.button href=(format!("/audit?{query}before={before}")) { (lang.t("更早的记录", "Older entries")) } } }
    };
    Ok(Reply::page(lang.t("审计", "Audit"), format!("/audit?{query}"), body))
}

/// How many entries are under the newest checkpoint.
pub(super) async fn signed(console: &Console) -> Result<i64, Problem> {
    Ok(console.store().last_checkpoint().await?.map_or(0, |last| last.size))
}

/// What was found as a file.
pub(super) async fn export(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let search = Search::of(console, session, asked).await?;
    let (mut found, mut before) = (Vec::new(), None);
    for _ in 0..MOST_LOOKS {
        let (more, next) = search.look(console, before, MOST_SAVED - found.len()).await?;
        found.extend(more);
        before = next;
        if before.is_none() || found.len() >= MOST_SAVED {
            break;
        }
    }
    if before.is_some() {
        return Err(Problem::invalid(
            "结果过多，请缩小范围（一次最多2万条）",
            "that is too much for one file (20,000 entries): search for less",
        ));
    }
    let heading = [
        lang.t("序号", "place"),
        lang.t("时间", "when"),
        lang.t("租户", "tenant"),
        lang.t("角色", "role"),
        lang.t("操作者", "who"),
        lang.t("来源地址", "address"),
        lang.t("追踪号", "trace"),
        lang.t("操作", "act"),
        lang.t("对象", "about"),
        lang.t("变化", "what changed"),
        lang.t("原因", "why"),
    ];
    let rows = std::iter::once(heading.map(str::to_owned).to_vec()).chain(found.iter().map(cells));
    match asked.one("format") {
        "xlsx" => Ok(Reply::File(sheet::XLSX, Some("tongguan-audit.xlsx".to_owned()), sheet::xlsx(rows)?)),
        _ => Ok(Reply::File("text/csv; charset=utf-8", Some("tongguan-audit.csv".to_owned()), sheet::csv(rows)?)),
    }
}

fn cells(placed: &PlacedEntry) -> Vec<String> {
    let entry = &placed.entry;
    let changes: Vec<_> = entry.changes.iter().map(|change| format!("{}: {} → {}", change.field, change.from, change.to)).collect();
    vec![
        placed.position.map(|position| position.to_string()).unwrap_or_default(),
        entry.at.to_string(),
        entry.actor.tenant.to_string(),
        entry.actor.role.as_str().to_owned(),
        entry.actor.name.clone(),
        entry.actor.address.map(|address| address.to_string()).unwrap_or_default(),
        entry.trace_id().unwrap_or_default(),
        entry.act.clone(),
        if entry.subject.is_nil() { String::new() } else { entry.subject.to_string() },
        changes.join("; "),
        entry.why.clone(),
    ]
}

/// A moment of Beijing as a browser writes it (2026-11-26T10:30), or the beginning of a day or of one of the days after.
fn moment(text: &str, later: u64) -> Result<Option<Timestamp>, ()> {
    const MINUTE: u64 = 60;
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (day, clock) = text.split_once('T').map_or((text, None), |(day, clock)| (day, Some(clock)));
    let midnight = start_of(parse_day(&day.replace('-', "")).ok_or(())?);
    let after = match clock {
        None => later.saturating_mul(24 * 60),
        Some(clock) => {
            let mut parts = clock.split(':').map(|part| part.parse::<u64>().map_err(|_| ()));
            let (hour, minute) = (parts.next().ok_or(())??, parts.next().ok_or(())??);
            if hour > 23 || minute > 59 {
                return Err(());
            }
            hour * 60 + minute
        }
    };
    Ok(Some(midnight + std::time::Duration::from_secs(after * MINUTE)))
}

/// What was searched for, as it goes into addresses.
fn kept(asked: &Asked) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in FIELDS.into_iter().filter(|name| !asked.one(name).is_empty()) {
        query.append_pair(name, asked.one(name));
    }
    let text = query.finish();
    if text.is_empty() { text } else { text + "&" }
}

fn filters(lang: Lang, asked: &Asked, to: &str) -> Markup {
    let field = |name: &str, text: &str, kind: &str| {
        html! { label { (text) " " input type=(kind) name=(name) value=(asked.one(name)) maxlength=(LONGEST_WORD) spellcheck="false"; } }
    };
    html! {
        form.filters method="get" action=(to) {
            (field("number", lang.t("编号", "number"), "search"))
            (field("actor", lang.t("操作者", "actor"), "text"))
            (field("address", lang.t("来源地址", "address"), "text"))
            (field("trace", lang.t("追踪号", "trace"), "text"))
            (field("act", lang.t("操作", "act"), "text"))
            label { (lang.t("单证", "document")) " "
                select name="kind" {
                    option value="" { (lang.t("全部", "all")) }
                    @for kind in Kind::ALL { option value=(kind.as_str()) selected[asked.one("kind") == kind.as_str()] { (lang.kind(kind)) } }
                }
            }
            (field("outcome", lang.t("变为", "came to"), "text"))
            (field("from", lang.t("从", "from"), "datetime-local"))
            (field("to", lang.t("至", "to"), "datetime-local"))
            button.strong { (lang.t("查询", "Search")) }
        }
    }
}

/// Entries as a table; `size` is how many are under the newest checkpoint.
pub(super) fn entries(lang: Lang, entries: &[PlacedEntry], size: i64) -> Markup {
    html! {
        div.scroll { table.entries {
            (heading(lang))
            tbody { @for placed in entries { (row(lang, placed, size)) } }
        } }
    }
}

fn heading(lang: Lang) -> Markup {
    html! {
        thead { tr {
            th scope="col" { (lang.t("序号与证明", "place and proof")) }
            th scope="col" { (lang.t("时间", "when")) }
            th scope="col" { (lang.t("操作者", "who")) }
            th scope="col" { (lang.t("操作", "act")) }
            th scope="col" { (lang.t("变化", "what changed")) }
            th scope="col" { (lang.t("原因", "why")) }
        } }
    }
}

fn row(lang: Lang, placed: &PlacedEntry, size: i64) -> Markup {
    let entry = &placed.entry;
    html! {
        tr {
            td.number { (standing(lang, placed.position, size)) }
            td { (when(entry.at)) }
            td { (entry.actor.name) " " small {
                (entry.actor.role.as_str()) " · " (entry.actor.tenant)
                @if let Some(address) = entry.actor.address { " · " (address) }
                @if let Some(trace) = entry.actor.trace { br; @let id = Trace::shown(trace.id); a href=(format!("/audit?trace={id}")) { code { (id) } } }
            } }
            td { code { (entry.act) } }
            td { @for change in &entry.changes {
                div { span.code { (change.field) } ": " @if !change.from.is_empty() { (change.from) " → " } (change.to) }
            }
            @if !entry.subject.is_nil() { div { a href=(format!("/find?numbers={}", entry.subject)) { small { code { (entry.subject) } } } } } }
            td { (entry.why) }
        }
    }
}

/// Where an entry stands in the tree, and under which checkpoint.
fn standing(lang: Lang, position: Option<i64>, size: i64) -> Markup {
    html! {
        @match position {
            Some(position) => {
                a href=(format!("/audit/entries/{position}")) title=(format!("{} {position} · {} {size}", lang.t("树中位置", "in the tree at position"), lang.t("检查点大小", "under the checkpoint of size"))) { (position) }
                @if position < size { small.under { " / " (size) } }
            }
            None => { span.mark { (lang.t("待排入树", "awaits its place")) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_day_or_a_minute_of_it() {
        let day = start_of(parse_day("20261126").unwrap());
        let minutes = |minutes: u64| Ok(Some(day + std::time::Duration::from_secs(minutes * 60)));
        assert_eq!((moment("2026-11-26", 0), moment("20261126", 1)), (minutes(0), minutes(24 * 60)));
        assert_eq!((moment("2026-11-26T10:30", 1), moment(" ", 0)), (minutes(630), Ok(None)));
        for wrong in ["yesterday", "2026-11-31", "2026-11-26T25:00", "2026-11-26T10", "2026-11-26T", "2026-11-26T10:99"] {
            assert_eq!(moment(wrong, 0), Err(()), "{wrong}");
        }
    }
}
