//! What is seen from outside: Prometheus metrics in text, and whether the process lives and can work.

use std::{fmt::Write as _, time::Duration};

use super::{
    Console,
    overview::Figures,
    page::{Problem, Reply},
};
use crate::{clock::Timestamp, node, tally::Event};

/// The exposition format 0.0.4.
const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is counted within that is waited for; else what was counted last is told, if anything was.
const PATIENCE: Duration = Duration::from_millis(250);

/// Ready: the store can be read.
pub(super) async fn ready(console: &Console) -> Result<Reply, Problem> {
    console.store().stopped().await?;
    Ok(Reply::text("ok\n".to_owned()))
}

/// Metrics being written.
struct Page(String);

impl Page {
    fn about(&mut self, name: &str, kind: &str, help: &str) {
        // Writing into a string does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.about(name, "gauge", help);
        self.value(name, &[], value);
    }

    /// What counting all that is kept gave.
    fn counted(&mut self, figures: &Figures, now: Timestamp) {
        let age = |since: Option<Timestamp>| since.map_or(0, |since| now.since(since).as_secs());
        self.gauge("tongguan_counted_age_seconds", "Since when documents, messages and arrivals were counted.", age(Some(figures.at)));
        self.about("tongguan_documents", "gauge", "Documents by kind and state.");
        for count in &figures.counts {
            self.value("tongguan_documents", &[("kind", count.kind.as_str()), ("state", count.state.as_str())], count.count);
        }
        let backlog = &figures.overview.backlog;
        self.gauge("tongguan_due_documents", "Documents to be packed.", backlog.due);
        self.gauge("tongguan_due_oldest_seconds", "Age of the oldest document to be packed.", age(backlog.oldest_due));
        self.gauge("tongguan_held_documents", "Documents that are held back.", backlog.on_hold);
        self.gauge("tongguan_queued_messages", "Messages to be sent.", backlog.queued);
        self.gauge("tongguan_queued_oldest_seconds", "Age of the oldest message to be sent.", age(backlog.oldest_queued));
        self.gauge("tongguan_given_up_messages", "Messages that wait for a person.", backlog.given_up);
        self.gauge("tongguan_unread_arrivals", "Arrivals to be read.", backlog.unread);
        self.gauge("tongguan_unread_oldest_seconds", "Age of the oldest arrival to be read.", age(backlog.oldest_unread));
        self.gauge("tongguan_quarantined_arrivals", "Arrivals that were put aside.", backlog.quarantined);
    }
}

pub(super) async fn metrics(console: &Console) -> Result<Reply, Problem> {
    let now = console.parts.clockwork.now();
    let mut page = Page(String::new());
    page.about("tongguan_build_info", "gauge", "The program that runs.");
    page.value("tongguan_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    // Series that are not known yet are not there: a zero would be a lie.
    if let Some(figures) = console.figures.figures(console, None, PATIENCE).await {
        page.counted(&figures, now);
    }
    page.gauge("tongguan_stopped_senders", "Senders that are stopped.", console.store().stopped().await?.len());
    page.gauge("tongguan_paused_roads", "Roads that are paused.", console.store().paused().await?.len());
    let nodes = console.store().nodes().await?;
    page.gauge("tongguan_living_nodes", "Nodes that live.", nodes.iter().filter(|node| !node::is_gone(node, now)).count());
    page.about("tongguan_accepted_total", "counter", "What this process has kept of what callers sent, by kind.");
    for (what, event) in [("declaration", Event::Accepted), ("waybill", Event::WaybillAccepted)] {
        page.value("tongguan_accepted_total", &[("what", what)], event.times());
    }
    page.about("tongguan_deliveries_total", "counter", "Attempts of this process to send messages, by outcome.");
    for (outcome, event) in [
        ("delivered", Event::Delivered),
        ("transient", Event::DeliveredAgain),
        ("unknown", Event::DeliveryUnknown),
        ("put_off", Event::DeliveryPutOff),
        ("shelved", Event::Shelved),
    ] {
        page.value("tongguan_deliveries_total", &[("outcome", outcome)], event.times());
    }
    Ok(Reply::File(KIND, None, page.0.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_written_as_the_format_asks() {
        let mut page = Page(String::new());
        page.about("a_total", "counter", "Things.");
        page.value("a_total", &[("b", "c\"\\\n"), ("d", "e")], 3);
        assert_eq!(page.0, "# HELP a_total Things.\n# TYPE a_total counter\na_total{b=\"c\\\"\\\\\\n\",d=\"e\"} 3\n");
    }
}
