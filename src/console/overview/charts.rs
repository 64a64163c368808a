//! The last hour as lines: drawn on the server, without script or style in the page, each with its numbers as a table.

use maud::{Markup, html};

use crate::{
    clock::Timestamp,
    console::{page::empty, words::Lang},
    store::Pulse,
};

const WIDTH: i64 = 420;
const HEIGHT: i64 = 170;
const LEFT: i64 = 48;
const BOTTOM: i64 = 24;
const TOP: i64 = 10;
/// Lines across.
const STEPS: i64 = 4;

/// One line: its class, its name, its values; a minute without any has none.
struct Line<'a> {
    class: &'static str,
    name: &'a str,
    values: Vec<Option<i64>>,
}

pub(super) fn all(lang: Lang, pulses: &[Pulse]) -> Markup {
    if pulses.len() < 2 {
        return empty(lang.t("还没有满一分钟的数据。", "No minute has been counted yet."));
    }
    let of = |value: fn(&Pulse) -> Option<i64>| pulses.iter().map(value).collect::<Vec<_>>();
    let pace = [
        Line { class: "one", name: lang.t("接受的申报", "declarations accepted"), values: of(|pulse| Some(pulse.accepted)) },
        Line { class: "two", name: lang.t("发出的单证", "documents sent"), values: of(|pulse| Some(pulse.sent)) },
        Line { class: "three", name: lang.t("海关来文", "messages from customs"), values: of(|pulse| Some(pulse.arrived)) },
    ];
    let (half, most) = (lang.t("中位", "median"), lang.t("95% 以内", "95 % within"));
    let sending = [
        Line { class: "one", name: half, values: of(|pulse| share(&pulse.sending_ms, 50)) },
        Line { class: "two", name: most, values: of(|pulse| share(&pulse.sending_ms, 95)) },
    ];
    let answering = [
        Line { class: "one", name: half, values: of(|pulse| share(&pulse.answering_ms, 50)) },
        Line { class: "two", name: most, values: of(|pulse| share(&pulse.answering_ms, 95)) },
    ];
    html! {
        div.drawn {
            (chart(lang, lang.t("每分钟数量", "How many a minute"), pulses, &pace, count))
            (chart(lang, lang.t("签名到发出", "From seal to road"), pulses, &sending, time))
            (chart(lang, lang.t("发出到首个回执", "From road to the first receipt"), pulses, &answering, time))
        }
        p.hint { (lang.t("按分钟统计，所有节点合计；数据取自存储。", "By the minute, all nodes together, read from the store.")) }
    }
}

/// The value that so many of a hundred do not exceed.
fn share(values: &[i64], percent: usize) -> Option<i64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied()
}

fn count(value: i64) -> String {
    match value {
        0..10_000 => value.to_string(),
        10_000..10_000_000 => format!("{}k", value / 1_000),
        _ => format!("{}M", value / 1_000_000),
    }
}

fn time(millis: i64) -> String {
    match millis {
        ..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        60_000..7_200_000 => format!("{} min", millis / 60_000),
        _ => format!("{} h", millis / 3_600_000),
    }
}

/// A round number that is not less.
fn ceiling(value: i64) -> i64 {
    let mut round = STEPS;
    while round < value {
        let next = [5, 10, 20].into_iter().map(|times| round / 4 * times).find(|next| *next >= value);
        round = next.unwrap_or(round.saturating_mul(10));
    }
    round
}

fn chart(lang: Lang, title: &str, pulses: &[Pulse], lines: &[Line<'_>], worded: fn(i64) -> String) -> Markup {
    let top = ceiling(lines.iter().flat_map(|line| &line.values).flatten().copied().fold(0, i64::max));
    let last = i64::try_from(pulses.len()).unwrap_or(1) - 1;
    let x = |place: i64| LEFT + (WIDTH - LEFT - 8) * place / last.max(1);
    let y = |value: i64| HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top;
    let is_empty = lines.iter().flat_map(|line| &line.values).flatten().next().is_none();
    html! {
        figure.chart {
            figcaption { (title) }
            @if is_empty { (empty(lang.t("这一小时没有数据。", "Nothing in this hour."))) }
            @else {
                svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(title) {
                    @for step in 0..=STEPS {
                        @let value = top * step / STEPS;
                        line.grid x1=(LEFT) x2=(WIDTH - 8) y1=(y(value)) y2=(y(value)) {}
                        text.tick x=(LEFT - 6) y=(y(value) + 4) text-anchor="end" { (worded(value)) }
                    }
                    @for (place, pulse) in (0..).zip(pulses).filter(|(_, pulse)| pulse.minute.0 / 60_000_000 % 15 == 0) {
                        text.tick x=(x(place)) y=(HEIGHT - 6) text-anchor="middle" { (clock(pulse.minute)) }
                    }
                    @for line in lines {
                        @for points in runs(&line.values, |place, value| format!("{},{}", x(place), y(value))) {
                            polyline class=(format!("line {}", line.class)) points=(points) { title { (line.name) } }
                        }
                    }
                }
                ul.legend { @for line in lines { li { span class=(format!("key {}", line.class)) {} (line.name) ": "
                    strong { @match line.values.iter().rev().flatten().next() { Some(value) => (worded(*value)), None => { "–" } } } } } }
                (table(lang, pulses, lines, worded))
            }
        }
    }
}

/// The points of a line, broken where there is nothing; what stands alone is drawn as a short stroke.
fn runs(values: &[Option<i64>], point: impl Fn(i64, i64) -> String) -> Vec<String> {
    let mut runs: Vec<Vec<String>> = vec![Vec::new()];
    for (place, value) in (0_i64..).zip(values) {
        match (value, runs.last_mut()) {
            (Some(value), Some(run)) => run.push(point(place, *value)),
            (None, Some(run)) if !run.is_empty() => runs.push(Vec::new()),
            _ => {}
        }
    }
    runs.retain(|run| !run.is_empty());
    let whole = |run: Vec<String>| if let [only] = run.as_slice() { format!("{only} {only}") } else { run.join(" ") };
    runs.into_iter().map(whole).collect()
}

fn clock(minute: Timestamp) -> String {
    let text = minute.to_string();
    text.get(11..16).unwrap_or_default().to_owned()
}

fn table(lang: Lang, pulses: &[Pulse], lines: &[Line<'_>], worded: fn(i64) -> String) -> Markup {
    html! {
        details {
            summary { (lang.t("以表格查看", "As a table")) }
            div.scroll { table.numbers {
                thead { tr { th scope="col" { (lang.t("分钟", "minute")) } @for line in lines { th scope="col" { (line.name) } } } }
                tbody { @for (place, pulse) in pulses.iter().enumerate().rev() { tr {
                    th scope="row" { (clock(pulse.minute)) }
                    @for line in lines { td { @match line.values.get(place).copied().flatten() { Some(value) => (worded(value)), None => { "–" } } } }
                } } }
            } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_ceilings_and_runs() {
        assert_eq!((share(&[5, 1, 3, 2, 4], 50), share(&[5, 1, 3, 2, 4], 95), share(&[], 50)), (Some(3), Some(5), None));
        for (value, round) in [(0, 4), (4, 4), (5, 5), (6, 10), (11, 20), (21, 40), (41, 50), (99, 100), (101, 200), (12_345, 20_000)] {
            let found = ceiling(value);
            assert!(found >= value && found <= round.max(4) * 2 && found > 0, "{value}: {found}");
        }
        let points = runs(&[None, Some(1), Some(2), None, None, Some(3)], |place, value| format!("{place},{value}"));
        assert_eq!(points, ["1,1 2,2", "5,3 5,3"]);
        assert_eq!((time(999), time(1_250), time(90_000), count(12_345)), ("999 ms".into(), "1.2 s".into(), "1 min".into(), "12k".into()));
    }

    #[test]
    fn what_is_drawn_has_no_style_and_no_script() {
        let pulse =
            |minute: i64| Pulse { minute: Timestamp(minute * 60_000_000), accepted: minute, sending_ms: vec![minute], ..Pulse::default() };
        let drawn = all(Lang::En, &(0..60).map(pulse).collect::<Vec<_>>()).into_string();
        assert!(
            drawn.contains("<polyline")
                && drawn.contains("Nothing in this hour")
                && !drawn.contains("style=")
                && !drawn.contains("<script")
        );
        assert!(all(Lang::Zh, &[]).into_string().contains("还没有"));
    }
}
