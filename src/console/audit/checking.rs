//! The check of the whole log: begun by a button, one at a time, going on behind; the page shows how far it has come, and in the end what
//! is broken and where.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::body::Body;
use futures_util::stream;
use maud::{Markup, html};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::tail::event;
use crate::{
    audit::{Broken, Damage},
    clock::Timestamp,
    console::{
        Console,
        page::{Reply, empty, token},
        routes::Asked,
        session::Session,
        words::{Lang, when},
    },
    proving::{
        archived::Hashed,
        check::{Checked, kept},
    },
    task,
};

/// Faults that the page lists.
const LISTED: usize = 50;
const BETWEEN: Duration = Duration::from_millis(500);
/// A stream ends after that, and the browser comes again.
const LONGEST: Duration = Duration::from_secs(60);

/// A check that goes on, or the last that ended.
#[derive(Debug, Clone)]
struct Run {
    by: String,
    began: Timestamp,
    done: u64,
    total: u64,
    ended: Option<(Timestamp, Result<Arc<Checked>, String>)>,
}

impl Run {
    fn goes_on(&self) -> bool {
        self.ended.is_none()
    }
}

/// The one check of this console.
#[derive(Debug)]
pub(in crate::console) struct Check(watch::Sender<Option<Run>>);

impl Default for Check {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

/// Begins a check, unless one goes on.
pub(in crate::console) fn begin(console: &Console, session: &Session) -> Reply {
    let Some(key) = console.parts.log.clone() else { return Reply::Go("/audit/check".to_owned(), None) };
    let now = console.parts.clockwork.now();
    let by = session.caller.actor.name.clone();
    let is_first = console.check.0.send_if_modified(|run| {
        let is_free = run.as_ref().is_none_or(|run| !run.goes_on());
        if is_free {
            *run = Some(Run { by: by.clone(), began: now, done: 0, total: 0, ended: None });
        }
        is_free
    });
    if is_first {
        let (store, clockwork, sender) = (Arc::clone(&console.parts.store), console.parts.clockwork.clone(), console.check.0.clone());
        let mut stop = console.stop.clone();
        tokio::spawn(async move {
            let told = |done, total| {
                sender.send_modify(|run| run.iter_mut().for_each(|run| (run.done, run.total) = (done, total)));
            };
            let checked = tokio::select! {
                // Nobody left to say so is a stop as well.
                _ = stop.wait_for(|stop| *stop) => return,
                checked = kept(store.as_ref(), key, None, None, &told) => checked,
            };
            let verdict = checked.map(Arc::new).map_err(|error| task::chain(&error));
            match &verdict {
                Ok(checked) if !matches!(**checked, Checked::Whole { .. }) => {
                    tracing::error!("审计日志校验未通过 · the audit log was verified at the console, and is not whole");
                }
                Ok(_) => tracing::info!("the audit log was verified at the console, and is whole"),
                Err(error) => tracing::warn!(error, "the audit log could not be verified"),
            }
            let ended = clockwork.now();
            sender.send_modify(|run| run.iter_mut().for_each(|run| run.ended = Some((ended, verdict.clone()))));
        });
    }
    Reply::Go("/audit/check".to_owned(), None)
}

pub(in crate::console) fn page(console: &Console, session: &Session, asked: &Asked) -> Reply {
    let lang = asked.lang;
    let run = console.check.0.borrow().clone();
    let goes_on = run.as_ref().is_some_and(Run::goes_on);
    let title = lang.t("校验审计日志", "Verify the audit log");
    let body = html! {
        h1 { (title) }
        p.hint { (lang.t(
            "逐条重算哈希，与哈希块和每个签名检查点核对，指出第一条被改动、删除、插入或调换的记录。与 tongguan audit verify 相同。",
            "Every entry is hashed again and held against the tiles and each signed checkpoint; the first that was altered, removed, inserted or moved is named. It is what tongguan audit verify does.",
        )) }
        @if goes_on {
            div data-follow="/audit/check/events" role="status" { (standing(lang, run.as_ref())) }
            noscript { p.hint { (lang.t("未启用脚本：本页每5秒自动刷新。", "No script runs: this page loads itself again every 5 seconds.")) } }
        } @else {
            div role="status" { (standing(lang, run.as_ref())) }
            @if console.parts.log.is_none() {
                p.problem { (lang.t("本节点没有日志公钥（audit.key 或同名 .vkey 文件）。", "This node has no public key of the log (audit.key, or the .vkey beside it).")) }
            } @else {
                form method="post" action="/audit/check" { (token(session)) div.buttons { button.strong accesskey="v" { (lang.t("开始校验", "Verify now")) } } }
            }
        }
        p { a href="/audit" { (lang.t("返回审计日志", "Back to the audit log")) } }
    };
    if goes_on { Reply::live(title, "/audit/check", body) } else { Reply::page(title, "/audit/check", body) }
}

/// How far it has come, as it goes on.
pub(in crate::console) fn events(console: &Console, asked: &Asked) -> Reply {
    let (lang, stop) = (asked.lang, console.stop.clone());
    let until = Instant::now() + LONGEST;
    let told = stream::unfold((console.check.0.subscribe(), false), move |(runs, is_over)| {
        let mut stop = stop.clone();
        async move {
            if is_over || Instant::now() >= until {
                return None;
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return None,
                () = sleep(BETWEEN) => {}
            }
            let run = runs.borrow().clone();
            let is_over = run.as_ref().is_none_or(|run| !run.goes_on());
            let mut text = event("whole", &standing(lang, run.as_ref()).into_string());
            if is_over {
                text.push_str(&event("end", ""));
            }
            Some((Ok::<_, Infallible>(text), (runs, is_over)))
        }
    });
    Reply::Events(Body::from_stream(told))
}

fn standing(lang: Lang, run: Option<&Run>) -> Markup {
    let Some(run) = run else { return empty(lang.t("本节点启动后尚未校验。", "Nothing was verified since this node started.")) };
    html! {
        p { (lang.t("开始于", "begun")) " " (when(run.began)) " · " (run.by) }
        @match &run.ended {
            None => {
                p { progress max=(run.total.max(1)) value=(run.done) aria-label=(lang.t("进度", "progress")) {} " " (run.done) " / " (run.total) }
            }
            Some((ended, verdict)) => {
                (verdict_of(lang, verdict))
                @let took = ended.since(run.began);
                p.hint { (lang.t("用时", "it took")) " " (took.as_secs()) "." (format!("{:03}", took.subsec_millis())) " " (lang.t("秒", "s"))
                    @if let Some(rate) = rate(run.done, took) { " · " (rate) " " (lang.t("条/秒", "entries/s")) } }
            }
        }
    }
}

fn rate(done: u64, took: Duration) -> Option<u64> {
    let millis = u64::try_from(took.as_millis()).ok()?;
    done.saturating_mul(1_000).checked_div(millis)
}

fn verdict_of(lang: Lang, verdict: &Result<Arc<Checked>, String>) -> Markup {
    let bad = |text: &str| html! { p.problem role="alert" { (text) } };
    match verdict.as_deref() {
        Err(error) => bad(error),
        Ok(Checked::Whole { summary, pending, hashed, .. }) => html! {
            p.done { strong { (lang.t("日志完整。", "The log is whole.")) } }
            dl.facts {
                dt { (lang.t("记录", "entries")) } dd { (summary.entries) }
                dt { (lang.t("签名检查点", "signed checkpoints")) } dd { (summary.checkpoints) }
                dt { (lang.t("待排入", "awaiting their place")) } dd { (pending) }
                dt { (lang.t("根", "root")) } dd { code { (summary.root) } }
            }
            @for hashed in hashed { p.hint { (in_archive(lang, hashed)) } }
            p.hint { (lang.t(
                "截断到旧检查点的日志，须用另存的检查点才能发现（audit verify --since）。",
                "A log cut back to an old checkpoint is only seen with a checkpoint saved elsewhere (audit verify --since).",
            )) }
        },
        Ok(Checked::Broken(damage)) => broken(lang, damage),
        Ok(Checked::Archives(wrong)) => html! { @for wrong in wrong { p.problem role="alert" { (wrong) } } },
        Ok(Checked::Unsigned) => bad(lang.t("没有签名检查点", "no checkpoint is signed: nothing vouches for these entries")),
        Ok(Checked::Untold(id)) => html! {
            p.problem role="alert" {
                (lang.t("日志没有此申报的受理记录：", "the log does not tell of the acceptance of the declaration ")) a href=(format!("/declarations/{}", id.0)) { code { (id.0) } }
            }
        },
        Ok(Checked::NoCheckpoint(error) | Checked::NotSince(error)) => bad(&error.to_string()),
        Ok(Checked::TilesDiffer) => bad(lang.t("哈希块与签名根不符", "the tiles do not have the root that was signed")),
    }
}

/// What only leaf hashes vouched for.
fn in_archive(lang: Lang, hashed: &Hashed) -> String {
    let Hashed { archive, first, last, count, is_destroyed } = hashed;
    let why = if *is_destroyed {
        lang.t("期满依法销毁", "lawfully destroyed after their time")
    } else {
        lang.t("归档不在手边", "the archive is not at hand")
    };
    match lang {
        Lang::Zh => format!("第 {first} 至 {last} 号中 {count} 条记录在 {archive}：{why}，仅校验叶哈希。"),
        Lang::En => format!("{count} of the entries {first} to {last} are in {archive}: {why}; verified by leaf hash alone."),
    }
}

fn broken(lang: Lang, damage: &Damage) -> Markup {
    let line =
        |broken: &Broken| html! { a href=(format!("/audit/entries/{}", broken.position())) { (lang.t(&broken.zh(), &broken.en())) } };
    let more = u64::try_from(damage.found.len().saturating_sub(LISTED)).unwrap_or(u64::MAX).saturating_add(damage.unlisted);
    html! {
        p.problem role="alert" { strong { (lang.t("日志已损坏，最先在：", "The log is broken, first at: ")) } (line(&damage.first)) }
        ul { @for found in damage.found.iter().take(LISTED) { li { (line(found)) } } @if more > 0 { li { "… +" (more) } } }
    }
}
