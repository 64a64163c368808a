//! Takes in what customs answers, in two halves. The [`Receiver`] of a road keeps every arrival as it came and only then lets the
//! road forget it. The [`Collector`] reads what was kept: matches each receipt to its document by business key, moves the document by
//! [`crate::state::next`], and writes all of it in one commit. What cannot be read or is nobody's is kept raw with its reason.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tracing::{error, warn};
use uuid::Uuid;

use crate::{
    clock::{Clockwork, Timestamp},
    declaration::SummaryResult,
    exemption::Advisor,
    node::Share,
    queue::{Backoff, Lease},
    store::{self, Application, Disposition, Hint, LeasedArrival, Store, Written},
    task::{self, Error, Pace, Task},
    telemetry,
};

mod attach;
mod consequences;
mod copies;
mod fold;
mod forward;
mod read;
mod receiver;
mod summed;
mod whole;

pub use self::{
    attach::{Attaching, attach},
    fold::list_status,
    receiver::Receiver,
};

use fold::Rules;
use read::{ReadReceipts, Reading, WholeAnswer};

const NAME: &str = "collector";
/// After a pass that found something: what arrives meanwhile is taken in together.
const REST: Duration = Duration::from_millis(20);
/// How often a decision is made again because somebody else changed what it rested on. After that arrivals wait for their lease to
/// end, which is long: documents on their way change every few milliseconds.
const RETRIES: usize = 20;

/// How answers are taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Milliseconds between two looks when nothing hints at work.
    pub poll_ms: u64,
    /// Arrivals that are taken from a road at once.
    pub receive_batch: usize,
    /// Arrivals that are read at once.
    pub read_batch: u32,
    /// Seconds that a lease on arrivals lasts.
    pub lease_s: u64,
    /// Times that an arrival is read among others; after that it is taken last and alone, and put aside if it fails by itself.
    pub attempts: u32,
    /// Times that a document is packed; a port failure after that is left to a person.
    pub port_retries: u32,
    /// Seconds before a message goes again of which the transport says that it failed on the way.
    pub quiet_s: u64,
    /// Seconds that results of summaries (792) are kept back that nobody can say the inventories of: they may have come before what
    /// names those. After that they are put aside, or handed on.
    pub results_wait_s: u64,
    /// The folder that gets what is not ours: another system may share the identity. Nothing: it is only kept.
    pub forward: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            poll_ms: 200,
            receive_batch: 200,
            read_batch: 64,
            lease_s: 60,
            attempts: 5,
            port_retries: 5,
            quiet_s: 30,
            results_wait_s: 3_600,
            forward: None,
        }
    }
}

/// The half that reads.
#[derive(Clone)]
pub struct Collector {
    store: Arc<dyn Store>,
    clockwork: Clockwork,
    advisor: Arc<Advisor>,
    options: Options,
    /// How many read together.
    share: Arc<Share>,
    /// This node's id, where it reads what it receives and others read too.
    reader: Option<Uuid>,
}

impl Collector {
    /// Joins its parts.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clockwork: Clockwork, advisor: Arc<Advisor>, options: Options) -> Self {
        Self { store, clockwork, advisor, options, share: Arc::new(Share::whole()), reader: None }
    }

    /// Lets arrivals gather longer where other nodes read too.
    #[must_use]
    pub fn sharing(self, share: Arc<Share>) -> Self {
        Self { share, ..self }
    }

    /// Reads what the receivers of this node keep for it ([`Receiver::for_reader`]), and only then what others left.
    #[must_use]
    pub fn reading_as(self, reader: Option<Uuid>) -> Self {
        Self { reader, ..self }
    }

    /// Runs until stopped.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let pace = Pace { poll: Duration::from_millis(self.options.poll_ms), rest: REST, backoff: Backoff::default() };
        task::run(&self, pace, &self.clockwork, stop).await;
    }

    fn rules(&self, now: Timestamp) -> Rules<'_> {
        Rules { clockwork: &self.clockwork, advisor: &self.advisor, port_retries: self.options.port_retries, now }
    }

    /// Reads receipts together; one arrival at a time where that fails, so that one holds up nobody.
    async fn take_receipts(&self, token: Uuid, arrivals: &[ReadReceipts]) -> Result<usize, Error> {
        if arrivals.is_empty() {
            return Ok(0);
        }
        match self.apply_receipts(token, arrivals.iter().collect()).await {
            Ok(Some(done)) => return Ok(done),
            Ok(None) => {}
            Err(error) => warn!(error = error.chain(), "receipts cannot be applied together and are taken one by one"),
        }
        let mut done = 0;
        let mut failed = None;
        for arrival in arrivals {
            match self.apply_receipts(token, vec![arrival]).await {
                Ok(applied) => done += applied.unwrap_or(0),
                Err(error) => failed = Some(error),
            }
        }
        failed.filter(|_| done == 0).map_or(Ok(done), Err)
    }

    /// How many arrivals were taken; nothing if what was decided on kept changing, or the lease was lost.
    async fn apply_receipts(&self, token: Uuid, mut arrivals: Vec<&ReadReceipts>) -> Result<Option<usize>, Error> {
        for _ in 0..RETRIES {
            let began = self.clockwork.now();
            let keys: Vec<_> = arrivals.iter().flat_map(|read| &read.receipts).map(|receipt| receipt.key.clone()).collect();
            let matches = self.store.matches(&keys).await?;
            let now = self.clockwork.now();
            let mut folded = fold::fold(self.rules(now), &arrivals, matches);
            let answered = folded.changes.len();
            consequences::follow(&*self.store, self.rules(now), &mut folded.changes).await?;
            telemetry::join(&*self.store, folded.changes.get_mut(answered..).unwrap_or_default()).await?;
            let mut held = Vec::new();
            for (read, _) in arrivals.iter().zip(&folded.ours).filter(|(_, ours)| !**ours) {
                if !self.forward(&read.arrival).await {
                    held.push(read.arrival.id);
                }
            }
            if !held.is_empty() {
                // Without them everything is decided anew.
                arrivals.retain(|read| !held.contains(&read.arrival.id));
                if arrivals.is_empty() {
                    return Ok(Some(0));
                }
                continue;
            }
            let application = Application {
                token: Some(token),
                arrivals: arrivals.iter().map(|read| (read.arrival.id, Disposition::Read)).collect(),
                receipts: folded.receipts,
                changes: folded.changes,
                ..Application::default()
            };
            let came = arrivals.iter().map(|read| read.arrival.at).min().unwrap_or(began);
            if self.apply(Since { came, began }, now, application).await? == Written::Done {
                return Ok(Some(arrivals.len()));
            }
        }
        Ok(None)
    }

    /// Writes what was decided, and tells those who follow from outside.
    async fn apply(&self, since: Since, now: Timestamp, application: Application) -> Result<Written, Error> {
        let told = telemetry::of(application.changes.iter().flat_map(|change| &change.entries));
        let written = self.store.apply(now, application).await?;
        if written == Written::Done {
            told.stage("receive", since.came, since.began);
            told.stage("collect", since.began, now);
            told.stage("apply", now, self.clockwork.now());
        }
        Ok(written)
    }

    /// Puts aside what cannot be read or is nobody's.
    async fn quarantine(&self, token: Uuid, put_aside: Vec<(&LeasedArrival, String)>) -> Result<usize, Error> {
        if put_aside.is_empty() {
            return Ok(0);
        }
        let mut arrivals = Vec::with_capacity(put_aside.len());
        for (arrival, reason) in put_aside {
            warn!(arrival.id = %arrival.id, arrival.name = arrival.name, arrival.reason = reason, "arrival is put aside");
            arrivals.push((arrival.id, Disposition::Quarantined(reason)));
        }
        let count = arrivals.len();
        let application = Application { token: Some(token), arrivals, ..Application::default() };
        // Stale: the lease ran out, and another reads them.
        Ok(if self.store.apply(self.clockwork.now(), application).await? == Written::Done { count } else { 0 })
    }

    /// Takes in what was read; tells how many arrivals that finished.
    async fn take(&self, token: Uuid, sorted: &Sorted) -> Result<usize, Error> {
        let mut done = self.quarantine(token, sorted.put_aside.iter().map(|(arrival, reason)| (arrival, reason.clone())).collect()).await?;
        done += self.take_receipts(token, &sorted.receipts).await?;
        for (arrival, results) in &sorted.summed {
            done += usize::from(self.take_summed(token, arrival, results).await?);
        }
        for (arrival, answer) in &sorted.answers {
            done += usize::from(self.take_whole(token, arrival, answer).await?);
        }
        Ok(done)
    }

    /// Takes one that was leased too often and never finished: that may be its own fault, or that of a store that was away or of
    /// a process that was ended. Only what fails by itself is put aside.
    async fn take_alone(&self, token: Uuid, arrival: LeasedArrival) -> Result<usize, Error> {
        let marked = LeasedArrival { bytes: Vec::new(), name: arrival.name.clone(), road: arrival.road.clone(), ..arrival };
        let mut sorted = Sorted::default();
        sorted.add(read::read(arrival).await);
        match self.take(token, &sorted).await {
            Err(error @ Error::Store(store::Error::Unavailable(_))) => {
                warn!(arrival.id = %marked.id, error = error.chain(), "arrival cannot be taken now");
                Ok(0)
            }
            Err(error) => {
                let reason = format!("was taken {} times and never finished: {}", marked.attempt, error.chain());
                self.quarantine(token, vec![(&marked, reason)]).await
            }
            done => done,
        }
    }

    /// Hands on what is not ours. False: not now, it is to be read again later.
    async fn forward(&self, arrival: &LeasedArrival) -> bool {
        let Some(folder) = self.options.forward.clone() else { return true };
        let Err(fault) = forward::forward(folder, arrival).await else { return true };
        let last = arrival.attempt >= self.options.attempts;
        if last {
            error!(arrival.id = %arrival.id, error = %fault, "arrival cannot be handed on; it is only kept");
        } else {
            warn!(arrival.id = %arrival.id, error = %fault, "arrival cannot be handed on now");
        }
        last
    }
}

/// Since when an answer is there, and is being read.
#[derive(Clone, Copy)]
struct Since {
    came: Timestamp,
    began: Timestamp,
}

#[async_trait]
impl Task for Collector {
    fn name(&self) -> &'static str {
        NAME
    }

    fn hint(&self) -> &Hint {
        &self.store.hints().collect
    }

    fn company(&self) -> u32 {
        // What is its own it need not leave to others.
        if self.reader.is_some() { 1 } else { self.share.among() }
    }

    async fn pass(&self) -> Result<usize, Error> {
        let lease = Lease::take(&self.clockwork, Duration::from_secs(self.options.lease_s));
        let arrivals = self.store.lease_arrivals(self.clockwork.now(), lease, self.reader, self.options.read_batch).await?;
        let mut sorted = Sorted::default();
        let mut suspects = Vec::new();
        for arrival in arrivals {
            if arrival.attempt > self.options.attempts {
                suspects.push(arrival);
            } else {
                sorted.add(read::read(arrival).await);
            }
        }
        let mut done = self.take(lease.token, &sorted).await?;
        drop(sorted);
        for suspect in suspects {
            done += self.take_alone(lease.token, suspect).await?;
        }
        Ok(done)
    }
}

/// Arrivals, by what is to be done with them.
#[derive(Default)]
struct Sorted {
    receipts: Vec<ReadReceipts>,
    summed: Vec<(LeasedArrival, Vec<SummaryResult>)>,
    answers: Vec<(LeasedArrival, WholeAnswer)>,
    put_aside: Vec<(LeasedArrival, String)>,
}

impl Sorted {
    fn add(&mut self, (arrival, reading): (LeasedArrival, Reading)) {
        match reading {
            Reading::Receipts(receipts) => self.receipts.push(ReadReceipts { arrival, receipts }),
            Reading::Summed(results) => self.summed.push((arrival, results)),
            Reading::Whole(answer) => self.answers.push((arrival, answer)),
            Reading::Nothing(reason) => self.put_aside.push((arrival, reason)),
        }
    }
}
