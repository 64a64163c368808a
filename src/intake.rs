//! Takes in what callers send. A draft is checked, assessed, planned and kept, each step a type that only it can make
//! ([`prepare`]); then comes the answer, never before.
//!
//! Calls ride together: each puts its request into a bounded queue, workers take what is there (up to a batch), ask the store
//! once what is taken already, and keep everything in one commit. A full queue says so at once ([`Refusal::Busy`]).

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::JoinSet,
};

use crate::{
    archive,
    check::{Conversion, Finding, Findings},
    clock::{
        Clockwork, Timestamp,
        meter::{Work, measure},
    },
    declaration::{DeclarationId, DocumentId, Kind, draft},
    exemption::{Advisor, Paper},
    lane::Lane,
    party::{Actor, Sender, Tenant},
    store::{self, Store},
};

mod amendments;
mod carrying;
pub mod deadlines;
mod declarations;
mod follow_ups;
pub mod prepare;
mod records;
mod relabelling;
pub mod rules;
mod waybills;

pub use self::{
    amendments::{AmendmentAnswer, Handled},
    carrying::WaybillAmended,
    follow_ups::{
        FollowUpAnswer, FollowUpSubmission,
        preview::{Group, Preview},
    },
    records::{OrderLines, RecordAnswer, RecordDraft, RecordSubmission, RegisteredLine, SellerDraft, WhatIf},
    relabelling::Meant,
};

/// How much is taken in at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Requests that may wait; one more is told to come back later.
    pub queue_length: usize,
    /// Requests that ride in one commit.
    pub batch: usize,
    /// Workers for declarations, and as many for waybills.
    pub workers: usize,
    /// Mebibytes of requests that may wait or be worked on.
    pub memory_mib: usize,
    /// Hours after acceptance at which a declaration should have reached customs if the caller does not say.
    pub needed_within_h: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { queue_length: 4_096, batch: 256, workers: 2, memory_mib: 64, needed_within_h: 24 }
    }
}

/// What intake works with.
#[derive(Clone)]
pub struct Parts {
    /// Where it is kept.
    pub store: Arc<dyn Store>,
    /// Time and randomness.
    pub clockwork: Clockwork,
    /// What it decides by.
    pub rules: Arc<Rules>,
}

/// What intake decides by: the same for every request.
pub struct Rules {
    /// Who transmits what, in the order in which they are tried.
    pub lanes: Vec<Lane>,
    /// Our identities towards customs.
    pub senders: Vec<Sender>,
    /// Advises on the exemption.
    pub advisor: Arc<Advisor>,
    /// Limits and exchange rates.
    pub parameters: crate::check::Parameters,
}

/// A declaration as a caller submits it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Submission {
    /// What is declared.
    pub draft: draft::Declaration,
    /// Makes a repeated call harmless; empty: the order's own number stands in.
    pub idempotency_key: String,
    /// SHA-256 of the request without the key.
    pub digest: [u8; 32],
    /// When it should have reached customs, if the caller says.
    pub needed_by: Option<Timestamp>,
    /// How many bytes the request has.
    pub size: usize,
}

/// A waybill as a caller pushes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Push {
    /// What is pushed.
    pub draft: draft::Waybill,
    /// SHA-256 of the request.
    pub digest: [u8; 32],
    /// How many bytes the request has.
    pub size: usize,
}

/// A declaration is kept. The same request gets the same answer again.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Our id of it.
    pub id: DeclarationId,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it should have reached customs.
    pub needed_by: Timestamp,
    /// What is likely to cause trouble.
    pub warnings: Vec<Finding>,
    /// The exemption advice of its acceptance.
    pub assessment: Paper,
}

/// A waybill is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaybillAnswer {
    /// Our id of it.
    pub id: DocumentId,
    /// The declaration it belongs to, if known.
    pub declaration: Option<DeclarationId>,
    /// What is likely to cause trouble.
    pub warnings: Vec<Finding>,
}

/// What a submission would lead to.
#[derive(Debug, Clone, PartialEq)]
pub struct Validation {
    /// Whether it would be accepted.
    pub acceptable: bool,
    /// Everything that is wrong or doubtful.
    pub findings: Vec<Finding>,
    /// The exemption advice, if it would be accepted.
    pub assessment: Option<Paper>,
    /// Codes that are written to customs otherwise than they were sent.
    pub converted: Vec<Conversion>,
    /// What the same request made earlier.
    pub earlier: Option<DeclarationId>,
}

/// Why something was not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Something is wrong with it.
    #[error("{total} findings")]
    Invalid {
        /// What is wrong, as much of it as is kept.
        findings: Vec<Finding>,
        /// How much is wrong in all.
        total: usize,
    },
    /// The idempotency key is bound to another request.
    #[error("the idempotency key is bound to another request")]
    KeyConflict,
    /// The order came before without a key, and with other content.
    #[error("the order was submitted with different content")]
    OrderConflict,
    /// There is no such declaration of this tenant.
    #[error("not found")]
    Unknown,
    /// Too much is waiting, or the store cannot write now: the same request may succeed later.
    #[error("busy")]
    Busy,
    /// It was archived, and the archive is not at hand.
    #[error("archived")]
    Archived,
    /// The gateway is at fault; the log says how.
    #[error("internal error")]
    Internal,
}

impl From<Findings> for Refusal {
    fn from(findings: Findings) -> Self {
        let total = findings.total();
        Self::Invalid { findings: findings.into_list(), total }
    }
}

impl Refusal {
    /// Turns a failure of the store into what the caller may know; the rest goes to the log.
    pub(crate) fn of_store(error: &store::Error) -> Self {
        let reason = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        match error {
            store::Error::Unavailable(_) => {
                tracing::warn!(error.message = %error, error.reason = reason, "the store did not take requests");
                Self::Busy
            }
            store::Error::Archived(archive::Error::Away(_)) => Self::Archived,
            store::Error::Inconsistent { .. } | store::Error::Schema(_) | store::Error::Archived(_) => {
                tracing::error!(error.message = %error, error.reason = reason, "the store failed");
                Self::Internal
            }
        }
    }
}

type Reply<A> = Result<A, Refusal>;

/// A request on its way to a worker; it holds its share of the memory until it is answered.
struct Job<Q, A> {
    actor: Actor,
    request: Q,
    answer: oneshot::Sender<Reply<A>>,
    _room: OwnedSemaphorePermit,
}

impl<Q, A> Job<Q, A> {
    fn reply(self, reply: Reply<A>) {
        // Nobody may be waiting any more: then the caller asks again and gets the same answer.
        let _ = self.answer.send(reply);
    }
}

type Jobs<Q, A> = Vec<Job<Q, A>>;

/// A request that has its room and its place in the queue.
#[derive(Debug)]
pub struct Queued<A>(Result<oneshot::Receiver<Reply<A>>, Refusal>);

impl<A> Queued<A> {
    /// Waits for its answer.
    ///
    /// # Errors
    /// Why it was not kept.
    pub async fn answer(self) -> Reply<A> {
        self.0?.await.unwrap_or(Err(Refusal::Internal))
    }
}

/// What workers and dry runs share.
struct Core {
    parts: Parts,
    needed_within: Duration,
}

/// The way in. When the last one is dropped, the workers finish what is waiting and end.
#[derive(Clone)]
pub struct Intake {
    declarations: mpsc::Sender<Job<Submission, Answer>>,
    waybills: mpsc::Sender<Job<Push, WaybillAnswer>>,
    room: Arc<Semaphore>,
    room_kib: u32,
    core: Arc<Core>,
}

impl Intake {
    /// Starts the workers. They end by themselves once every `Intake` is dropped.
    #[must_use]
    pub fn start(parts: Parts, options: &Options) -> (Self, JoinSet<()>) {
        let core = Arc::new(Core { parts, needed_within: Duration::from_secs(options.needed_within_h.saturating_mul(3_600)) });
        let (declarations, declarations_queue) = mpsc::channel(options.queue_length.clamp(1, 1 << 20));
        let (waybills, waybills_queue) = mpsc::channel(options.queue_length.clamp(1, 1 << 20));
        let (declarations_queue, waybills_queue) = (Arc::new(Mutex::new(declarations_queue)), Arc::new(Mutex::new(waybills_queue)));
        let batch = options.batch.clamp(1, 4_096);
        let mut tasks = JoinSet::new();
        for _ in 0..options.workers.clamp(1, 64) {
            let at = Arc::clone(&core);
            let orders = work(Arc::clone(&declarations_queue), batch, move |jobs| declarations::process(Arc::clone(&at), jobs));
            tasks.spawn(measure(Work::Intake, orders));
            let at = Arc::clone(&core);
            let waybills = work(Arc::clone(&waybills_queue), batch, move |jobs| waybills::process(Arc::clone(&at), jobs));
            tasks.spawn(measure(Work::Intake, waybills));
        }
        let room_kib = u32::try_from(options.memory_mib.clamp(8, 65_536) * 1_024).unwrap_or(65_536);
        let room = Arc::new(Semaphore::new(usize::try_from(room_kib).unwrap_or(65_536)));
        (Self { declarations, waybills, room, room_kib, core }, tasks)
    }

    /// Submits a declaration; answered once it is on disk.
    ///
    /// # Errors
    /// Why it was not kept; [`Refusal::Busy`] at once if too much is waiting.
    pub async fn submit(&self, actor: Actor, submission: Submission) -> Reply<Answer> {
        let size = submission.size;
        put(&self.declarations, self.room_now(size)?, actor, submission).await
    }

    /// Queues one declaration of many: waits for room instead of refusing, so that a stream slows down. The answer is awaited
    /// apart, so that the next is not even read before this one has its room.
    pub async fn queue_submission(&self, actor: Actor, submission: Submission) -> Queued<Answer> {
        let room = self.room_in_turn(submission.size).await;
        queue_in_turn(&self.declarations, room, actor, submission).await
    }

    /// Queues one waybill of many, likewise.
    pub async fn queue_push(&self, actor: Actor, push: Push) -> Queued<WaybillAnswer> {
        let room = self.room_in_turn(push.size).await;
        queue_in_turn(&self.waybills, room, actor, push).await
    }

    /// Pushes waybills; an answer for each, in their order.
    pub async fn push_waybills(&self, actor: &Actor, pushes: Vec<Push>) -> Vec<Reply<WaybillAnswer>> {
        futures_util::future::join_all(pushes.into_iter().map(async |push| self.queue_push(actor.clone(), push).await.answer().await)).await
    }

    /// Does everything that submitting does, but keeps nothing.
    ///
    /// # Errors
    /// If the store cannot be asked, or the key is bound to another request.
    pub async fn validate(&self, actor: &Actor, submission: Submission) -> Reply<Validation> {
        let _room = self.room_now(submission.size)?;
        declarations::validate(&self.core, actor, &submission).await
    }

    /// Submits a document on its own; answered once it is on disk.
    ///
    /// # Errors
    /// Why it was not kept; [`Refusal::Busy`] at once if too much is waiting.
    pub async fn submit_follow_up(&self, actor: &Actor, submission: FollowUpSubmission) -> Reply<FollowUpAnswer> {
        let _room = self.room_now(submission.size)?;
        follow_ups::submit(&self.core, actor, &submission).await
    }

    /// Gives a declaration of the actor's tenant other content; answered once it is on disk.
    ///
    /// # Errors
    /// Why it was not done; [`Refusal::Unknown`] if there is no such declaration.
    pub async fn amend(&self, actor: &Actor, id: DeclarationId, submission: Submission) -> Reply<AmendmentAnswer> {
        let _room = self.room_now(submission.size)?;
        amendments::amend(&self.core, actor, id, &submission).await
    }

    /// Takes an order, or an inventory, of the actor's tenant back; answered once it is on disk.
    ///
    /// # Errors
    /// As [`Intake::amend`].
    pub async fn delete(&self, actor: &Actor, id: DeclarationId, kind: Kind) -> Reply<Vec<Handled>> {
        amendments::delete(&self.core, actor, id, kind).await
    }

    /// Gives a waybill of the actor's tenant other content; answered once it is on disk. The same again changes nothing.
    ///
    /// # Errors
    /// As [`Intake::amend`].
    pub async fn amend_waybill(&self, actor: &Actor, push: Push) -> Reply<WaybillAmended> {
        let _room = self.room_now(push.size)?;
        carrying::amend(&self.core, actor, &push).await
    }

    /// Takes a waybill of the actor's tenant back; answered once it is on disk.
    ///
    /// # Errors
    /// As [`Intake::amend`].
    pub async fn delete_waybill(&self, actor: &Actor, carrier: &str, waybill_no: &str) -> Reply<Handled> {
        carrying::delete(&self.core, actor, carrier, waybill_no).await
    }

    /// Gives a declaration the number of its waybill, or another one, until its inventory is sealed; tells which declaration that is.
    ///
    /// # Errors
    /// As [`Intake::amend`].
    pub async fn bind_waybill(&self, actor: &Actor, meant: &Meant, carrier: &str, waybill_no: &str) -> Reply<DeclarationId> {
        relabelling::bind(&self.core, actor, meant, carrier, waybill_no).await
    }

    /// Keeps what a seller records for the exemption; answered once it is on disk.
    ///
    /// # Errors
    /// Why it was not kept; [`Refusal::Busy`] at once if too much is waiting.
    pub async fn record(&self, actor: &Actor, submission: RecordSubmission) -> Reply<RecordAnswer> {
        let _room = self.room_now(submission.size)?;
        records::record(&self.core, actor, &submission).await
    }

    /// What would be advised; keeps nothing.
    ///
    /// # Errors
    /// As [`Intake::amend`].
    pub async fn assess(&self, actor: &Actor, scope: Option<&Tenant>, what_if: WhatIf) -> Reply<(Paper, Vec<Finding>)> {
        let _room = self.room_now(what_if.size)?;
        records::what_if::assess(&self.core, actor, scope, what_if).await
    }

    /// Groups inventories as they would be summed; keeps nothing.
    ///
    /// # Errors
    /// If the store cannot be asked.
    pub async fn preview_summary(&self, tenant: &Tenant, numbers: Vec<String>, by_owner: bool) -> Reply<Preview> {
        follow_ups::preview::preview(&self.core, tenant, numbers, by_owner).await
    }

    fn share(&self, size: usize) -> u32 {
        u32::try_from(size / 1_024 + 1).unwrap_or(u32::MAX).clamp(1, self.room_kib)
    }

    fn room_now(&self, size: usize) -> Reply<OwnedSemaphorePermit> {
        Arc::clone(&self.room).try_acquire_many_owned(self.share(size)).map_err(|_| Refusal::Busy)
    }

    async fn room_in_turn(&self, size: usize) -> Reply<OwnedSemaphorePermit> {
        Arc::clone(&self.room).acquire_many_owned(self.share(size)).await.map_err(|_| Refusal::Busy)
    }
}

async fn put<Q, A>(queue: &mpsc::Sender<Job<Q, A>>, room: OwnedSemaphorePermit, actor: Actor, request: Q) -> Reply<A> {
    let (answer, answered) = oneshot::channel();
    queue.try_send(Job { actor, request, answer, _room: room }).map_err(|_| Refusal::Busy)?;
    answered.await.unwrap_or(Err(Refusal::Internal))
}

async fn queue_in_turn<Q, A>(queue: &mpsc::Sender<Job<Q, A>>, room: Reply<OwnedSemaphorePermit>, actor: Actor, request: Q) -> Queued<A> {
    let (answer, answered) = oneshot::channel();
    let queued = match room {
        Ok(room) => queue.send(Job { actor, request, answer, _room: room }).await.map_err(|_| Refusal::Busy),
        Err(refusal) => Err(refusal),
    };
    Queued(queued.map(|()| answered))
}

/// Takes what waits, up to a batch, and has it processed, until nobody can send any more.
async fn work<Q, A, F>(queue: Arc<Mutex<mpsc::Receiver<Job<Q, A>>>>, batch: usize, process: impl Fn(Jobs<Q, A>) -> F)
where
    F: Future<Output = ()>,
{
    loop {
        let mut jobs = Vec::with_capacity(batch);
        if queue.lock().await.recv_many(&mut jobs, batch).await == 0 {
            return;
        }
        process(jobs).await;
    }
}

#[cfg(test)]
mod tests;
