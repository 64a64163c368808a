//! Makes sealed messages of documents that are due: leases them in batches, composes, seals (outside any transaction), and keeps
//! the result if the lease still holds. What cannot be composed stands aside and holds up nobody.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinSet};
use tracing::{debug, error, warn};
use uuid::Uuid;

use crate::{
    clock::{
        Clockwork, Timestamp,
        meter::{Work, measure},
    },
    declaration::{DocumentId, Kind, MessageId, wire_guid},
    message::Pack,
    node::Share,
    party::{Sender, Trace},
    queue::{Backoff, Lease},
    seal::{self, Sealed, Signer},
    signers::Signers,
    state::State,
    store::{Application, Batch, Change, Hint, Leased, Packing, Store, Written},
    task::{self, Error, Note, Pace, Task},
    telemetry,
};

mod composed;

use composed::{Composed, Unfit};

const NAME: &str = "packer";

/// How documents are packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Milliseconds between two looks when nothing hints at work.
    pub poll_ms: u64,
    /// Milliseconds after a pass in which documents may gather, so that messages are fuller; so much for each node that packs.
    pub gather_ms: u64,
    /// Batches that are leased at once, each up to 100 documents of one sender, kind and road.
    pub batches: u32,
    /// Seconds that a signature may take, waiting for its turn included.
    pub sign_s: u64,
    /// Seconds that a lease lasts; never less than twice `sign_s`.
    pub lease_s: u64,
    /// Seconds before the next try where a sender or its signer is not configured.
    pub again_s: u64,
    /// Seconds before the next try of a document that cannot be composed.
    pub aside_s: u64,
    /// Bytes of the largest message.
    pub largest_bytes: usize,
    /// How long to wait after a signer failed.
    pub backoff: Backoff,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            poll_ms: 500,
            gather_ms: 50,
            batches: 8,
            sign_s: 60,
            lease_s: 180,
            again_s: 60,
            aside_s: 86_400,
            largest_bytes: 4 << 20,
            backoff: Backoff::default(),
        }
    }
}

/// The task.
#[derive(Clone)]
pub struct Packer {
    store: Arc<dyn Store>,
    clockwork: Clockwork,
    senders: Arc<[Sender]>,
    signers: Arc<Signers>,
    /// Roads whose messages are of a pack of their own.
    packs: Arc<HashMap<String, &'static Pack>>,
    options: Options,
    /// How many pack together.
    share: Arc<Share>,
    /// Failures in a row, by signer.
    failures: Arc<Mutex<HashMap<String, u32>>>,
}

impl Packer {
    /// Joins its parts.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clockwork: Clockwork, senders: Arc<[Sender]>, signers: Arc<Signers>, options: Options) -> Self {
        Self {
            store,
            clockwork,
            senders,
            signers,
            packs: Arc::default(),
            options,
            share: Arc::new(Share::whole()),
            failures: Arc::default(),
        }
    }

    /// Writes messages for some roads by a pack of their own, whatever their date.
    #[must_use]
    pub fn with_packs(self, packs: HashMap<String, &'static Pack>) -> Self {
        Self { packs: Arc::new(packs), ..self }
    }

    /// Lets documents gather longer where other nodes pack too.
    #[must_use]
    pub fn sharing(self, share: Arc<Share>) -> Self {
        Self { share, ..self }
    }

    /// Runs until stopped.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let pace = Pace {
            poll: Duration::from_millis(self.options.poll_ms),
            rest: Duration::from_millis(self.options.gather_ms),
            backoff: Backoff::default(),
        };
        task::run(&self, pace, &self.clockwork, stop).await;
    }

    fn lease(&self) -> Lease {
        let (asked, least) = (self.options.lease_s, self.options.sign_s.saturating_mul(2));
        Lease::take(&self.clockwork, Duration::from_secs(if asked < least { least } else { asked }))
    }

    /// Packs one batch; tells how many messages came of it.
    async fn pack(self, token: Uuid, batch: Batch) -> Result<usize, Error> {
        let parts = self.senders.iter().find(|sender| sender.name == batch.sender);
        let Some((sender, signer)) = parts.and_then(|sender| Some((sender, self.signers.get(&sender.signer)?))) else {
            error!(sender.name = batch.sender, "documents wait: their sender or its signer is not configured");
            self.give_back(token, &batch.documents, Duration::from_secs(self.options.again_s)).await?;
            return Ok(0);
        };
        let at = self.clockwork.now();
        if !signer.identity().is_valid_at(at) {
            error!(signer.name = sender.signer, "documents wait: the signer's certificate is not valid now, or its last day has passed");
            self.give_back(token, &batch.documents, Duration::from_secs(self.options.again_s)).await?;
            return Ok(0);
        }
        let pack = self.packs.get(&batch.road).copied().or_else(|| Pack::at(at.day()));
        let (composed, unfit) =
            composed::compose(&self.clockwork, (pack, batch.kind), sender, &batch.documents, at, self.options.largest_bytes);
        for unfit in unfit {
            self.set_aside(token, at, unfit).await?;
        }
        let mut packed = 0;
        for message in composed {
            let since = Since { composing: at, sealing: self.clockwork.now() };
            match self.seal(&message.bytes, &*signer).await {
                Ok(sealed) => {
                    self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(&sender.signer);
                    packed += usize::from(self.keep(token, &batch, &message, &sealed, since).await?);
                }
                Err(failure) => self.unsealed(token, sender, message.documents, failure).await?,
            }
        }
        Ok(packed)
    }

    async fn seal(&self, unsigned: &[u8], signer: &dyn Signer) -> Result<Sealed, Failure> {
        match tokio::time::timeout(Duration::from_secs(self.options.sign_s), measure(Work::Seal, seal::seal(unsigned, signer))).await {
            Ok(sealed) => sealed.map_err(Failure::Seal),
            Err(_) => Err(Failure::Late),
        }
    }

    /// Keeps a sealed message; false if the lease was lost meanwhile, then another has these documents.
    async fn keep(&self, token: Uuid, batch: &Batch, message: &Composed<'_>, sealed: &Sealed, since: Since) -> Result<bool, Error> {
        let now = self.clockwork.now();
        let guid = wire_guid(message.id.0);
        let entries = message.documents.iter().map(|leased| {
            let document = &leased.document;
            let kind = document.kind.as_str();
            let changes = vec![
                task::difference(format!("{kind}.state"), document.state.as_str(), State::Packed.as_str()),
                task::difference(format!("{kind}.message"), "", &guid),
            ];
            let note = Note { task: NAME, act: "pack", subject: subject(leased), why: "" };
            task::entry(&self.clockwork, now, &document.tenant, note, changes).traced(leased.trace)
        });
        let packing = Packing {
            id: message.id,
            sender: batch.sender.clone(),
            kind: batch.kind,
            road: batch.road.clone(),
            bytes: sealed.bytes().to_vec(),
            digest: *sealed.digest(),
            documents: message.documents.iter().map(|leased| leased.document.id).collect(),
            needed_by: message.documents.iter().map(|leased| leased.document.needed_by).min().unwrap_or(now),
            entries: entries.collect(),
        };
        let count = packing.documents.len();
        let told = telemetry::of(&packing.entries);
        let kept = self.store.pack(now, token, packing).await? == Written::Done;
        if kept {
            told.stage("sign", since.sealing, now);
            told.stage("pack", since.composing, self.clockwork.now());
        }
        debug!(message.id = guid, message.documents = count, message.kept = kept, "message was sealed");
        Ok(kept)
    }

    async fn unsealed(&self, token: Uuid, sender: &Sender, documents: &[Leased], failure: Failure) -> Result<(), Error> {
        let failures = {
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            let count = failures.entry(sender.signer.clone()).or_default();
            *count = count.saturating_add(1);
            *count
        };
        if failure.needs_a_person() {
            // Trying again might lock the card: everything of this sender stops until somebody has looked.
            error!(sender.name = sender.name, signer.name = sender.signer, error = %failure, "signer refused; its sender is stopped");
            let stops = vec![(sender.name.clone(), failure.to_string())];
            self.store.apply(self.clockwork.now(), Application { stops, ..Application::default() }).await?;
        } else {
            warn!(signer.name = sender.signer, signer.failures = failures, error = %failure, "signer failed and will be tried again");
        }
        self.give_back(token, documents, self.options.backoff.after(failures, &self.clockwork)).await
    }

    async fn give_back(&self, token: Uuid, documents: &[Leased], wait: Duration) -> Result<(), Error> {
        let documents: Vec<DocumentId> = documents.iter().map(|leased| leased.document.id).collect();
        Ok(self.store.give_back(token, documents, self.clockwork.now() + wait).await?)
    }

    /// A document that cannot be composed should have been refused at acceptance: it waits for somebody, the others go.
    async fn set_aside(&self, token: Uuid, now: Timestamp, unfit: Unfit<'_>) -> Result<(), Error> {
        let document = &unfit.leased.document;
        let trace = unfit.leased.trace.map(|trace| Trace::shown(trace.id));
        error!(document.id = %document.id, document.kind = document.kind.as_str(), trace_id = trace, error = unfit.reason, "document cannot be composed and stands aside");
        let note = Note { task: NAME, act: "pack_failed", subject: subject(unfit.leased), why: &unfit.reason };
        let entry = task::entry(&self.clockwork, now, &document.tenant, note, Vec::new()).traced(unfit.leased.trace);
        let changes = vec![Change { entries: vec![entry], ..Change::default() }];
        self.store.apply(now, Application { changes, ..Application::default() }).await?;
        self.give_back(token, std::slice::from_ref(unfit.leased), Duration::from_secs(self.options.aside_s)).await
    }
}

fn subject(leased: &Leased) -> Uuid {
    leased.document.declaration.map_or(leased.document.id.0, |declaration| declaration.0)
}

/// Since when a message is being made.
#[derive(Clone, Copy)]
struct Since {
    composing: Timestamp,
    sealing: Timestamp,
}

/// Why a message was not sealed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("no signature came in time")]
    Late,
    #[error(transparent)]
    Seal(seal::Error),
}

impl Failure {
    const fn needs_a_person(&self) -> bool {
        match self {
            Self::Seal(seal::Error::Signer(error)) => !error.is_transient(),
            Self::Late | Self::Seal(_) => false,
        }
    }
}

#[async_trait]
impl Task for Packer {
    fn name(&self) -> &'static str {
        NAME
    }

    fn hint(&self) -> &Hint {
        &self.store.hints().pack
    }

    fn company(&self) -> u32 {
        self.share.among()
    }

    async fn pass(&self) -> Result<usize, Error> {
        let lease = self.lease();
        let batches = self.store.lease_documents(self.clockwork.now(), lease, self.options.batches).await?;
        let mut work = JoinSet::new();
        for batch in batches {
            work.spawn(measure(Work::Pack, self.clone().pack(lease.token, batch)));
        }
        let mut packed = 0;
        let mut failed = None;
        for done in work.join_all().await {
            match done {
                Ok(count) => packed += count,
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(packed), Err)
    }
}
