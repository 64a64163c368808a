//! Sending spans to a collector, many at a time. What it does not take in time is lost, and said to be.

use std::{sync::atomic::Ordering, time::Duration};

use opentelemetry::KeyValue;
use opentelemetry_otlp::{RetryPolicy, SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanExporter as _},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{EXPORT, Export, Options, WAITING};

/// Spans that are sent at once.
const TOGETHER: usize = 512;
/// How long spans gather.
const GATHER: Duration = Duration::from_millis(500);
/// How long the collector may take.
const LONGEST: Duration = Duration::from_secs(5);
/// How long the end may take.
const LONGEST_END: Duration = Duration::from_secs(3);

/// Why spans cannot be sent.
#[derive(Debug, thiserror::Error)]
#[error("telemetry.otlp {0:?} 无法使用 · telemetry.otlp {0:?} is of no use: {1}")]
pub struct Error(String, String);

/// Spans are being sent.
#[derive(Debug)]
pub struct Exporting {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Exporting {
    /// Sends what waits, as far as the collector takes it within a few seconds.
    pub async fn end(self) {
        self.stop.send_replace(true);
        let abort = self.task.abort_handle();
        if timeout(LONGEST_END, self.task).await.is_err() {
            abort.abort();
            tracing::warn!("trace collector did not take what was left in time; those spans are lost");
        }
    }
}

/// Begins to send this process's spans; nothing where no collector is named. Once for a process.
///
/// # Errors
/// If the address is of no use. A collector that is not there is no error.
pub fn begin(options: &Options, node: &str) -> Result<Option<Exporting>, Error> {
    let Some(url) = &options.otlp else { return Ok(None) };
    let failed = |error: &dyn std::fmt::Display| Error(url.clone(), error.to_string());
    let builder = SpanExporter::builder().with_tonic().with_endpoint(url).with_timeout(LONGEST);
    let mut exporter = builder.with_retry_policy(RetryPolicy::disabled()).build().map_err(|error| failed(&error))?;
    let about = [KeyValue::new("service.version", env!("CARGO_PKG_VERSION")), KeyValue::new("service.instance.id", node.to_owned())];
    exporter.set_resource(&Resource::builder_empty().with_service_name("tongguan").with_attributes(about).build());
    let (spans, waiting) = mpsc::channel(WAITING);
    if EXPORT.set(Export { spans, permille: options.sampled_permille, lost: 0.into() }).is_err() {
        return Err(failed(&"begun already"));
    }
    let (stop, stopped) = watch::channel(false);
    Ok(Some(Exporting { stop, task: tokio::spawn(run(exporter, waiting, stopped)) }))
}

async fn run(exporter: SpanExporter, mut waiting: mpsc::Receiver<SpanData>, mut stop: watch::Receiver<bool>) {
    let mut condition = Condition::default();
    let mut batch = Vec::with_capacity(TOGETHER);
    while !*stop.borrow() {
        tokio::select! {
            // An error means that the other side is gone, which is a stop as well.
            _ = stop.changed() => break,
            _ = waiting.recv_many(&mut batch, TOGETHER) => {}
        }
        if batch.len() < TOGETHER {
            tokio::select! {
                _ = stop.changed() => break,
                () = sleep(GATHER) => {}
            }
            fill(&mut waiting, &mut batch);
        }
        condition.after(send(&exporter, std::mem::take(&mut batch)).await);
    }
    fill(&mut waiting, &mut batch);
    while !batch.is_empty() {
        condition.after(send(&exporter, std::mem::take(&mut batch)).await);
        fill(&mut waiting, &mut batch);
    }
}

/// Takes what waits, as much as goes together.
fn fill(waiting: &mut mpsc::Receiver<SpanData>, batch: &mut Vec<SpanData>) {
    while batch.len() < TOGETHER
        && let Ok(span) = waiting.try_recv()
    {
        batch.push(span);
    }
}

/// Sends spans; tells why not, and how many are lost with that.
async fn send(exporter: &SpanExporter, batch: Vec<SpanData>) -> Result<(), (String, usize)> {
    let count = batch.len();
    match timeout(LONGEST, exporter.export(batch)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err((error.to_string(), count)),
        Err(_) => Err(("no answer in time".to_owned(), count)),
    }
}

/// Whether the collector takes spans, so that the log tells of a change and not of every batch.
#[derive(Default)]
struct Condition {
    failing: bool,
    lost: usize,
}

impl Condition {
    fn after(&mut self, sent: Result<(), (String, usize)>) {
        let overflown = EXPORT.get().map_or(0, |export| export.lost.swap(0, Ordering::Relaxed));
        self.lost = self.lost.saturating_add(usize::try_from(overflown).unwrap_or(usize::MAX));
        match sent {
            Ok(()) if self.failing || self.lost > 0 => {
                tracing::warn!(spans.lost = self.lost, "trace collector takes spans; some were lost");
                *self = Self::default();
            }
            Ok(()) => {}
            Err((error, count)) => {
                self.lost = self.lost.saturating_add(count);
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(error, "trace collector cannot be reached or is slow; spans are lost until it can");
                }
            }
        }
    }
}
