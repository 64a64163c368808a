//! The log as it grows: a page that is told of every new entry, or loads itself again where no script runs. A follower is told at most
//! once a second, and of a bounded number each time; what went by faster is counted, and found by the search.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::body::Body;
use futures_util::stream;
use maud::{Markup, html};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep_until},
};

use super::{Search, filters, heading, kept, row, signed};
use crate::{
    console::{
        Console,
        page::{Problem, Reply},
        routes::Asked,
        session::Session,
        words::Lang,
    },
    declaration::Kind,
    desk::{Wanted, look_back},
    store::{EntryFilter, PlacedEntry, Store},
};

/// Followers of one console.
pub(in crate::console) const FOLLOWERS: usize = 64;
/// Entries that the page begins with.
const FIRST: usize = 50;
/// Entries told of at a time.
const AT_A_TIME: i64 = 200;
const BETWEEN: Duration = Duration::from_secs(1);
/// A stream ends after that, and the browser comes again: so it is asked again who it is.
const LONGEST: Duration = Duration::from_secs(60);

pub(in crate::console) async fn page(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let lang = asked.lang;
    let search = Search::of(console, session, asked).await?;
    let size = signed(console).await?;
    let (found, _) = search.look(console, Some(size), FIRST).await?;
    let query = kept(asked);
    let body = html! {
        h1 { (lang.t("审计日志：实时", "Audit log, live")) " " small role="status" data-status="1" { (size) " " (lang.t("条记录", "entries")) } }
        p.buttons {
            button type="button" data-pause="1" aria-pressed="false" hidden { (lang.t("暂停 / 继续", "Pause / go on")) }
            a.button href=(format!("/audit?{query}")) { (lang.t("查询", "Search")) }
        }
        noscript { p.hint { (lang.t("未启用脚本：本页每5秒自动刷新。", "No script runs: this page loads itself again every 5 seconds.")) } }
        (filters(lang, asked, "/audit/tail"))
        @if found.is_empty() { (nothing_yet(lang)) }
        div.scroll { table.entries {
            (heading(lang))
            tbody data-follow=(format!("/audit/tail/events?{query}after={}", size - 1)) { @for placed in &found { (row(lang, placed, size)) } }
        } }
    };
    Ok(Reply::live(lang.t("审计日志：实时", "Audit log, live"), format!("/audit/tail?{query}"), body))
}

/// What stands there until the first entry comes.
fn nothing_yet(lang: Lang) -> Markup {
    html! { p.empty data-empty="1" { (lang.t("还没有这样的记录，新记录将出现在这里。", "There is no such entry yet; new ones appear here.")) } }
}

/// The last entries about a kind of document, and a place that grows as more are written: for a page that is loaded with the script.
pub(in crate::console) async fn of_kind(console: &Console, session: &Session, asked: &Asked, kind: Kind) -> Result<Markup, Problem> {
    let lang = asked.lang;
    let size = signed(console).await?;
    let filter = EntryFilter { tenant: session.caller.scope.clone(), before: Some(size), ..EntryFilter::default() };
    let wanted = Wanted { kind: Some(kind), ..Wanted::default() };
    let (found, _) = look_back(console.store(), filter, &wanted, FIRST).await?;
    Ok(html! {
        @if found.is_empty() { (nothing_yet(lang)) }
        div.scroll { table.entries {
            (heading(lang))
            tbody data-follow=(format!("/audit/tail/events?kind={}&after={}", kind.as_str(), size - 1)) { @for placed in &found { (row(lang, placed, size)) } }
        } }
    })
}

/// Somebody who follows.
struct Follower {
    store: Arc<dyn Store>,
    filter: EntryFilter,
    wanted: Wanted,
    lang: Lang,
    /// The last position that was told of.
    after: i64,
    is_new: bool,
    next: Instant,
    until: Instant,
    _place: OwnedSemaphorePermit,
}

pub(in crate::console) async fn events(console: &Console, session: &Session, asked: &Asked) -> Result<Reply, Problem> {
    let place = Arc::clone(&console.followers).try_acquire_owned().map_err(|_| Problem::Busy)?;
    let search = Search::of(console, session, asked).await?;
    if search.is_nothing {
        return Err(Problem::NotFound);
    }
    // A browser that comes again says which event it saw last.
    let seen = asked.headers.get("last-event-id").and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    let after = seen.or(asked.one("after").parse().ok()).unwrap_or(signed(console).await? - 1);
    let now = Instant::now();
    let follower = Follower {
        store: Arc::clone(&console.parts.store),
        filter: EntryFilter { pending: false, before: None, ..search.filter },
        wanted: search.wanted,
        lang: asked.lang,
        after,
        is_new: true,
        next: now,
        until: now + LONGEST,
        _place: place,
    };
    let stop = console.stop.clone();
    let told = stream::unfold(follower, move |mut follower| {
        let mut stop = stop.clone();
        async move {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => None,
                told = follower.tell() => told.map(|text| (Ok::<_, Infallible>(text), follower)),
            }
        }
    });
    Ok(Reply::Events(Body::from_stream(told)))
}

impl Follower {
    /// What there is to tell next; nothing: the stream is over.
    async fn tell(&mut self) -> Option<String> {
        if std::mem::take(&mut self.is_new) {
            // The head goes out at once, and how long to wait before coming again.
            return Some("retry: 1000\n\n".to_owned());
        }
        loop {
            sleep_until(self.next.min(self.until)).await;
            if Instant::now() >= self.until {
                return None;
            }
            self.next = Instant::now() + BETWEEN;
            match self.grown().await {
                Ok(Some(text)) => return Some(text),
                // A line that says nothing: who is gone is noticed by it.
                Ok(None) => return Some(":\n\n".to_owned()),
                Err(error) => tracing::warn!(error = crate::task::chain(&error), "the audit log cannot be followed now"),
            }
        }
    }

    async fn grown(&mut self) -> crate::store::Result<Option<String>> {
        let size = self.store.last_checkpoint().await?.map_or(0, |last| last.size);
        if size - 1 <= self.after {
            return Ok(None);
        }
        let first = (self.after + 1).max(size - AT_A_TIME);
        let skipped = first - self.after - 1;
        let limit = u32::try_from(AT_A_TIME).unwrap_or(u32::MAX);
        let filter = EntryFilter { after: Some(first - 1), before: Some(size), limit, ..self.filter.clone() };
        let mut found = self.store.entries(filter).await?;
        found.retain(|placed| self.wanted.fits(&placed.entry));
        found.reverse();
        self.after = size - 1;
        Ok(Some(self.event(&found, size, skipped)))
    }

    fn event(&self, found: &[PlacedEntry], size: i64, skipped: i64) -> String {
        let lang = self.lang;
        let rows = html! {
            @for placed in found { (row(lang, placed, size)) }
            @if skipped > 0 { tr { td colspan="6" { small { (skipped) " " (lang.t("条记录过快，未显示；可查询", "more went by too fast to be shown: search for them")) } } } }
        };
        let status = format!("{size} {}", lang.t("条记录", "entries"));
        let rows = rows.into_string();
        let told = if rows.is_empty() { String::new() } else { event("rows", &rows) };
        format!("id: {}\n{}{told}", self.after, event("status", &status))
    }
}

/// One event: its data as JSON, in which no line ends.
pub(super) fn event(name: &str, text: &str) -> String {
    // A text always serialises.
    format!("event: {name}\ndata: {}\n\n", serde_json::to_string(text).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        assert_eq!(event("rows", "a\r\nb\n\ndata: c"), "event: rows\ndata: \"a\\r\\nb\\n\\ndata: c\"\n\n");
    }
}
