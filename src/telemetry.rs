//! Traces (OpenTelemetry): one declaration's way from the seller's call to customs' last receipt, for who looks from outside.
//!
//! A trace is that of the caller (`traceparent`), which is kept with the declaration, or else the declaration's own: its id is the
//! trace's. So nothing need be carried from stage to stage: whoever writes an audit entry tells of the stage that it came out of
//! ([`of`], [`Told::stage`]), and all that a span holds comes from that entry, in which nothing personal stands. The span of the
//! acceptance has an id that follows from the declaration's as well; those of later stages hang under it, on whichever node they are made.
//!
//! What a person or a carrier does to it is told in the trace that its call names, and points from there to the declaration's; where it
//! names none, in the declaration's ([`of_calls`]).
//!
//! Off, this costs one look at a word. On, spans wait in a bounded queue; when it is full they are lost and counted: a collector that
//! is slow or dead slows nothing ([`exporting`]).

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{Link, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{audit::Entry, clock::Timestamp};

mod calls;
mod exporting;

pub use self::{
    calls::{Home, is_on, join, of_calls},
    exporting::{Error, Exporting, begin},
};

/// Spans that wait to be sent.
const WAITING: usize = 8_192;
/// Changes of an entry that a span tells.
const CHANGES: usize = 20;
/// The whole, of which [`Options::sampled_permille`] is a part.
const WHOLE: u32 = 1_000;
/// What an entry of an acceptance is called.
const ACCEPT: &str = "accept";

/// Where traces go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// A collector that speaks OTLP over gRPC, `http://127.0.0.1:4317`; nothing: traces are off.
    pub otlp: Option<String>,
    /// Of how many traces in a thousand spans are sent. Which ones follows from their ids, so that all nodes send the same.
    pub sampled_permille: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { otlp: None, sampled_permille: WHOLE }
    }
}

impl Options {
    /// What is wrong with them.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.otlp.as_ref().is_some_and(|url| !url.starts_with("http://") || url.len() <= "http://".len()) {
            faults.push("telemetry.otlp 应为 http:// 地址 · telemetry.otlp is an http:// address".to_owned());
        }
        if self.sampled_permille > WHOLE {
            faults.push("telemetry.sampled_permille 应为 0 至 1000 · telemetry.sampled_permille is 0 to 1000".to_owned());
        }
        faults
    }
}

/// Where spans of this process go, once that has begun.
static EXPORT: OnceLock<Export> = OnceLock::new();

#[derive(Debug)]
struct Export {
    spans: mpsc::Sender<SpanData>,
    permille: u32,
    lost: AtomicU64,
}

/// Entries as far as spans tell of them: taken before the entries are written, and told once they are.
#[derive(Debug, Default)]
pub struct Told(Vec<Seed>);

/// What all spans of one entry have in common.
#[derive(Debug)]
struct Seed {
    trace: u128,
    /// What it hangs under; zero: nothing.
    parent: u64,
    /// Whether that is the caller's.
    is_remote: bool,
    /// The span's id, where others hang under it; else it follows from the entry and the stage.
    id: Option<u64>,
    /// What it points to: a trace and a span in it.
    link: Option<(u128, u64)>,
    /// Whether it comes out of a call.
    is_call: bool,
    entry: Uuid,
    attributes: Vec<KeyValue>,
}

/// What is to be told of entries; nothing where traces are off, or these are not sampled.
#[must_use]
pub fn of<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Told {
    EXPORT.get().map_or_else(Told::default, |export| Told(entries.into_iter().filter_map(|entry| seed(entry, export.permille)).collect()))
}

impl Told {
    /// Tells of a stage that they came out of.
    pub fn stage(&self, name: &'static str, from: Timestamp, to: Timestamp) {
        let Some(export) = EXPORT.get() else { return };
        for seed in &self.0 {
            if export.spans.try_send(span(seed, name, from, to)).is_err() {
                export.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Whether a trace is among those in a thousand that are sent: by the end of its id, which is random in UUIDs and in what W3C asks for.
fn is_sampled(trace: u128, permille: u32) -> bool {
    let [.., a, b, c, d] = trace.to_be_bytes();
    let end = u64::from(u32::from_be_bytes([a, b, c, d]));
    (end * u64::from(WHOLE)) >> 32 < u64::from(permille)
}

fn seed(entry: &Entry, permille: u32) -> Option<Seed> {
    let given = entry.actor.trace;
    let trace = given.map_or(entry.subject.as_u128(), |given| given.id.get());
    if trace == 0 || given.is_some_and(|given| !given.is_sampled) || !is_sampled(trace, permille) {
        return None;
    }
    let is_call = entry.act == ACCEPT;
    let called = given.filter(|_| is_call);
    Some(Seed {
        trace,
        parent: if is_call { called.map_or(0, |called| called.span.get()) } else { root(entry.subject) },
        is_remote: called.is_some(),
        id: is_call.then(|| root(entry.subject)),
        link: None,
        is_call,
        entry: entry.id,
        attributes: attributes(entry),
    })
}

fn attributes(entry: &Entry) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("tongguan.act", entry.act.clone()),
        KeyValue::new("tongguan.subject", entry.subject.to_string()),
        KeyValue::new("tongguan.tenant", entry.actor.tenant.to_string()),
        KeyValue::new("tongguan.role", entry.actor.role.as_str()),
        KeyValue::new("tongguan.actor", entry.actor.name.clone()),
    ];
    attributes
        .extend(entry.changes.iter().take(CHANGES).map(|change| KeyValue::new(format!("tongguan.{}", change.field), change.to.clone())));
    attributes
}

/// The id of the span under which all that becomes of a declaration hangs: the random end of its id.
const fn root(subject: Uuid) -> u64 {
    subject.as_u64_pair().1
}

/// An id for a stage's span: the random end of its entry's, and the stage.
fn own(entry: Uuid, stage: &str) -> u64 {
    // FNV-1a: stages of one entry must differ, no more.
    let stage = stage.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    entry.as_u64_pair().1 ^ stage
}

fn context(trace: u128, span: u64) -> SpanContext {
    let (trace, span) = (TraceId::from_bytes(trace.to_be_bytes()), SpanId::from_bytes(span.to_be_bytes()));
    SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE)
}

fn span(seed: &Seed, name: &'static str, from: Timestamp, to: Timestamp) -> SpanData {
    let mut links = SpanLinks::default();
    links.links.extend(seed.link.map(|(trace, span)| Link::with_context(context(trace, span))));
    SpanData {
        span_context: context(seed.trace, seed.id.unwrap_or_else(|| own(seed.entry, name))),
        parent_span_id: SpanId::from_bytes(seed.parent.to_be_bytes()),
        parent_span_is_remote: seed.is_remote,
        span_kind: if seed.is_call { SpanKind::Server } else { SpanKind::Internal },
        name: name.into(),
        start_time: system(from),
        end_time: system(to),
        attributes: seed.attributes.clone(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links,
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::builder("tongguan").with_version(env!("CARGO_PKG_VERSION")).build(),
    }
}

fn system(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(at.0).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::Difference,
        party::{Actor, Role, Tenant},
    };

    const SUBJECT: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_002a);
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn entry(act: &str, trace: Option<&str>) -> Entry {
        let actor = Actor { trace: trace.map(|text| text.parse().unwrap()), ..Actor::new(Tenant::local(), Role::Seller, "erp") };
        let changes = vec![Difference { field: "order.state".into(), from: "due".into(), to: "packed".into() }];
        Entry { id: Uuid::from_u128(7), at: Timestamp(5), actor, act: act.into(), subject: SUBJECT, changes, why: "secret".into() }
    }

    fn told(entry: &Entry) -> SpanData {
        span(&seed(entry, WHOLE).unwrap(), "stage", Timestamp(1), Timestamp(2))
    }

    #[test]
    fn later_stages_hang_under_the_acceptance_without_knowing_it() {
        for trace in [None, Some(TRACE)] {
            let (accepted, packed) = (told(&entry(ACCEPT, trace)), told(&entry("pack", trace)));
            assert_eq!(packed.parent_span_id, accepted.span_context.span_id());
            assert_eq!(packed.span_context.trace_id(), accepted.span_context.trace_id());
            assert_ne!(packed.span_context.span_id(), accepted.span_context.span_id());
            let expected = trace.map_or_else(|| SUBJECT.simple().to_string(), |_| TRACE[3..35].to_owned());
            assert_eq!(accepted.span_context.trace_id().to_string(), expected);
            assert_eq!(accepted.parent_span_id.to_string(), trace.map_or("0000000000000000", |trace| &trace[36..52]));
            assert!(packed.attributes.iter().all(|attribute| attribute.value.as_str() != "secret"), "reasons are free text");
            assert!(packed.attributes.contains(&KeyValue::new("tongguan.order.state", "packed")));
        }
        assert_ne!(own(SUBJECT, "sign"), own(SUBJECT, "pack"));
    }

    #[test]
    fn of_a_thousand_traces_so_many_are_sent_and_none_that_a_caller_does_not_want() {
        assert!(seed(&entry("pack", Some(&TRACE.replace("-01", "-00"))), WHOLE).is_none());
        assert!(seed(&Entry { subject: Uuid::nil(), ..entry("start", None) }, WHOLE).is_none());
        let ids: Vec<_> = (0..10_000_u128).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)).collect();
        for (permille, least, most) in [(0, 0, 0), (100, 900, 1_100), (1_000, 10_000, 10_000)] {
            let sampled = ids.iter().filter(|id| is_sampled(**id, permille)).count();
            assert!((least..=most).contains(&sampled), "{permille}: {sampled}");
        }
    }

    #[test]
    fn where_traces_are_off_nothing_is_gathered() {
        assert!(of(&[entry("pack", None)]).0.is_empty());
        let options = |otlp: &str, sampled_permille| Options { otlp: Some(otlp.into()), sampled_permille };
        assert!(Options::default().faults().is_empty() && options("http://127.0.0.1:4317", 1).faults().is_empty());
        assert_eq!((options("https://x", 1).faults().len(), options("x", 1_001).faults().len()), (1, 2));
    }
}
