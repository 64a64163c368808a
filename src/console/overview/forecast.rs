//! When what waits will have left, and what will be late, if all goes on as in the last minutes.

use std::time::Duration;

use maud::{Markup, html};

use crate::{
    clock::Timestamp,
    console::{
        page::empty,
        words::{Lang, when},
    },
    declaration::DeclarationId,
    store::{DueBy, Pulse},
};

/// Minutes whose pace is gone by.
const LOOKED_AT: usize = 5;
/// Minutes with late documents that are listed.
const LISTED: usize = 10;
/// What takes longer is as good as never.
const LONGEST_MIN: u64 = 60 * 24 * 365;

/// What is to be expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Forecast {
    /// Documents that are due.
    due: u64,
    /// Documents that left in the minutes that were looked at, and how many minutes those were.
    sent: u64,
    minutes: u64,
    /// When the last of what is due now will have left; nothing: not at this pace.
    drained: Option<Timestamp>,
    /// Documents that will leave after they are needed.
    late: u64,
    /// By when those are needed, how many, one of their declarations.
    missed: Vec<(Timestamp, u64, Option<DeclarationId>)>,
}

impl Forecast {
    /// Goes through what is due in the order in which it leaves: the earliest deadline first.
    pub(super) fn of(pulses: &[Pulse], due: &[DueBy], now: Timestamp) -> Self {
        let last: Vec<_> = pulses.iter().rev().take(LOOKED_AT).collect();
        let count = |count: i64| u64::try_from(count).unwrap_or(0);
        let sent: u64 = last.iter().map(|pulse| count(pulse.sent)).sum();
        let minutes = u64::try_from(last.len()).unwrap_or(0);
        let leaves = |documents: u64| {
            let after = documents.saturating_mul(minutes).div_ceil(sent.max(1)).saturating_mul(60);
            (sent > 0 && after < LONGEST_MIN * 60).then(|| now + Duration::from_secs(after))
        };
        let mut forecast = Self { due: 0, sent, minutes, drained: None, late: 0, missed: Vec::new() };
        for waits in due {
            let documents = count(waits.count);
            forecast.due += documents;
            // The minute it is needed by has begun: what leaves within it is taken to be in time.
            let needed = waits.minute + Duration::from_secs(60);
            if leaves(forecast.due).is_none_or(|at| at > needed) {
                forecast.late += documents;
                forecast.missed.push((waits.minute, documents, waits.declaration));
            }
        }
        forecast.drained = leaves(forecast.due);
        forecast
    }
}

pub(super) fn shown(lang: Lang, forecast: &Forecast) -> Markup {
    if forecast.due == 0 {
        return empty(lang.t("没有待打包的单证，无积压。", "Nothing waits to be packed: there is no backlog."));
    }
    html! {
        dl.facts.plain {
            dt { (lang.t("待打包", "to be packed")) } dd { (forecast.due) " " (lang.t("份单证", "documents")) }
            dt { (lang.t("近期发出", "sent lately")) }
            dd { (forecast.sent) " " (lang.t("份 / ", "in ")) (forecast.minutes) " " (lang.t("分钟", "min")) }
            dt { (lang.t("按此速度清空于", "drained at this pace by")) }
            dd { @match forecast.drained {
                Some(at) => (when(at)),
                None => { strong.bad { (lang.t("按目前速度无法清空：没有单证发出", "not at all: nothing leaves")) } }
            } }
            dt { (lang.t("将误期", "will be late")) }
            dd { @if forecast.late == 0 { (lang.t("无", "none")) } @else { strong.bad { (forecast.late) } " " (lang.t("份单证", "documents")) } }
        }
        @if !forecast.missed.is_empty() {
            ul { @for (minute, count, declaration) in forecast.missed.iter().take(LISTED) {
                li {
                    (lang.t("最迟 ", "needed by ")) (when(*minute)) ": " (count)
                    @if let Some(id) = declaration { " · " a href=(format!("/declarations/{}", id.0)) { (lang.t("其中一票", "one of them")) } }
                }
            } @if forecast.missed.len() > LISTED { li { "… +" (forecast.missed.len() - LISTED) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_deadline_leaves_first_and_what_comes_after_its_own_is_late() {
        let now = Timestamp(0);
        let minute = |minutes: i64| Timestamp(minutes * 60_000_000);
        let pulse = |sent| Pulse { sent, ..Pulse::default() };
        let due = |at: i64, count| DueBy { minute: minute(at), count, declaration: None };
        // 100 a minute, of the last five minutes only.
        let pulses = [pulse(9_000), pulse(100), pulse(100), pulse(50), pulse(150), pulse(100)];
        let forecast = Forecast::of(&pulses, &[due(-5, 100), due(3, 200), due(4, 900), due(60, 100)], now);
        assert_eq!((forecast.due, forecast.drained), (1_300, Some(minute(13))));
        assert_eq!(
            (forecast.late, forecast.missed.iter().map(|missed| missed.0).collect::<Vec<_>>()),
            (1_000, vec![minute(-5), minute(4)])
        );
        let never = Forecast::of(&[pulse(0)], &[due(60, 1)], now);
        assert_eq!((never.drained, never.late), (None, 1));
        assert_eq!(Forecast::of(&[], &[], now).due, 0);
        assert!(shown(Lang::En, &never).into_string().contains("nothing leaves"));
    }
}
