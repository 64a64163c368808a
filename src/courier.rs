//! Carries sealed messages along one road: the same bytes under the same name, as often as it takes, and writes down how each
//! attempt ended. What nobody answers goes again; what fails too often is shelved with an alarm.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinSet};
use tracing::{debug, error, info, warn};
use uuid::Uuid;

use crate::{
    audit::Entry,
    clock::{
        Clockwork, Timestamp,
        meter::{Work, measure},
    },
    declaration::wire_guid,
    endpoint::{Envelope, Road, Shipment},
    message::{self, dxp},
    node::Share,
    party::{Sender, Tenant, Trace},
    queue::{Backoff, Breaker, Fault, Lease},
    state::State,
    store::{self, Delivery, Hint, Member, Outcome, Settlement, Store, Written},
    tally::Event,
    task::{self, Error, Note, Pace, Task},
    telemetry,
};

mod rate;

use rate::Rate;

const NAME: &str = "courier";
/// A lease outlives its sends by this: the time to write down how they ended.
const MARGIN: Duration = Duration::from_secs(30);
/// When a message is looked at again that could not even be tried.
const PUT_OFF: Duration = Duration::from_secs(60);
/// How often one pass leases more in place of messages that it had to put off.
const ROUNDS: usize = 64;

/// How messages are carried; what differs from road to road is in [`crate::endpoint::Options`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Milliseconds between two looks when nothing hints at work.
    pub poll_ms: u64,
    /// Seconds that one send may take; after that nobody knows whether it was done.
    pub send_s: u64,
    /// Seconds after a delivery at which silence counts as a lost message.
    pub silence_s: u64,
    /// Attempts that may fail or fall silent before a message is left to a person.
    pub tries: u32,
    /// How long to wait after a failed attempt.
    pub backoff: Backoff,
    /// Failures in a row that shut the road.
    pub breaker_failures: u32,
    /// Seconds for which a shut road rests before one message is tried.
    pub breaker_rest_s: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { poll_ms: 500, send_s: 30, silence_s: 600, tries: 20, backoff: Backoff::default(), breaker_failures: 5, breaker_rest_s: 10 }
    }
}

/// The task, for one road.
#[derive(Clone)]
pub struct Courier {
    store: Arc<dyn Store>,
    clockwork: Clockwork,
    road: Road,
    senders: Arc<[Sender]>,
    options: Options,
    breaker: Arc<Mutex<Breaker>>,
    rate: Arc<Mutex<Rate>>,
    /// What of the road's limits is this node's.
    share: Arc<Share>,
    /// Senders of which the log has been told that their messages cannot be tried.
    warned: Arc<Mutex<HashSet<String>>>,
}

impl Courier {
    /// Joins its parts.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clockwork: Clockwork, road: Road, senders: Arc<[Sender]>, options: Options) -> Self {
        let breaker = Breaker::new(options.breaker_failures, Duration::from_secs(options.breaker_rest_s));
        let rate = Rate::new(road.options.per_second, clockwork.now());
        let (breaker, rate) = (Arc::new(Mutex::new(breaker)), Arc::new(Mutex::new(rate)));
        Self { store, clockwork, road, senders, options, breaker, rate, share: Arc::new(Share::whole()), warned: Arc::default() }
    }

    /// Keeps the road's limits together with other nodes.
    #[must_use]
    pub fn sharing(self, share: Arc<Share>) -> Self {
        Self { share, ..self }
    }

    /// Runs until stopped.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let pace = Pace { poll: Duration::from_millis(self.options.poll_ms), rest: Duration::ZERO, backoff: Backoff::default() };
        task::run(&self, pace, &self.clockwork, stop).await;
    }

    fn name(&self) -> &str {
        self.road.endpoint.road()
    }

    /// How many may start now.
    fn room(&self, now: Timestamp) -> usize {
        let options = &self.road.options;
        let concurrent = u32::try_from(options.concurrent).unwrap_or(u32::MAX);
        let wanted = usize::try_from(self.share.of(concurrent)).unwrap_or(usize::MAX);
        let paced = locked(&self.rate).allows(self.share.of(options.per_second), now);
        locked(&self.breaker).admits(if paced < wanted { paced } else { wanted }, now)
    }

    /// One attempt.
    async fn attempt(self, delivery: Delivery, shipment: Shipment) -> Settlement {
        let began = self.clockwork.now();
        let sent = self.send(&shipment).await;
        let now = self.clockwork.now();
        self.note(&sent, now);
        let outcome = self.outcome(&delivery, sent, now);
        count(&outcome);
        let entries = self.entries(&delivery, &outcome, now);
        // It happened, whether or not the lease still holds when it is written down.
        telemetry::of(&entries).stage("send", began, now);
        Settlement { message: delivery.message, attempt: delivery.attempt, outcome, entries }
    }

    async fn send(&self, shipment: &Shipment) -> Result<(), Fault> {
        match tokio::time::timeout(Duration::from_secs(self.options.send_s), self.road.endpoint.send(shipment)).await {
            Ok(sent) => sent,
            Err(_) => Err(Fault::Unknown("no answer in time".into())),
        }
    }

    /// Leases messages and starts to send them; tells how many were put off. Those that cannot be tried take no place from others.
    async fn start(&self, now: Timestamp, lease: Lease, mut room: u32, work: &mut JoinSet<Settlement>) -> Result<usize, store::Error> {
        let mut put_off = 0;
        for _ in 0..ROUNDS {
            let mut untried = Vec::new();
            for delivery in self.store.lease_deliveries(now, lease, self.name(), room).await? {
                match self.shipment(&delivery) {
                    Ok(shipment) => {
                        locked(&self.rate).used(1);
                        room = room.saturating_sub(1);
                        work.spawn(measure(Work::Deliver, self.clone().attempt(delivery, shipment)));
                    }
                    Err(fault) => untried.push(self.put_off(&delivery, fault, now)),
                }
            }
            if untried.is_empty() {
                break;
            }
            put_off += untried.len();
            self.store.settle(now, lease.token, untried).await?;
            if room == 0 {
                break;
            }
        }
        Ok(put_off)
    }

    /// Says nothing of the road and counts as no try: the settings may be mended one day.
    fn put_off(&self, delivery: &Delivery, fault: Fault, now: Timestamp) -> Settlement {
        if locked(&self.warned).insert(delivery.sender.clone()) {
            error!(road.name = self.name(), sender.name = delivery.sender, error = %fault, "messages of this sender wait: they cannot be tried");
        }
        let outcome = Outcome::PutOff { fault, at: now + PUT_OFF };
        count(&outcome);
        Settlement { message: delivery.message, attempt: delivery.attempt, outcome, entries: Vec::new() }
    }

    /// The bytes of every attempt: nothing in them depends on when they are sent.
    fn shipment(&self, delivery: &Delivery) -> Result<Shipment, Fault> {
        let cop_msg_id = wire_guid(delivery.message.0);
        let msg_type = message::wire_type(delivery.kind);
        let name = format!("{msg_type}_{cop_msg_id}.xml");
        let bytes = match self.road.options.envelope {
            Envelope::Plain => delivery.bytes.clone(),
            Envelope::Dxp => {
                let sender = self.senders.iter().find(|sender| sender.name == delivery.sender);
                let sender = sender.ok_or_else(|| Fault::Transient("its sender is not configured".into()))?;
                let address = dxp::Address {
                    cop_msg_id: &cop_msg_id,
                    sender: &sender.dxp_id,
                    receiver: &self.road.options.receiver,
                    at: delivery.sealed_at,
                    msg_type,
                };
                dxp::wrap(&address, &delivery.bytes, &name).map_err(|error| Fault::Permanent(error.to_string()))?
            }
        };
        Ok(Shipment { name, bytes, cop_msg_id })
    }

    /// Tells the breaker. A message that can never be sent says nothing of the road.
    fn note(&self, sent: &Result<(), Fault>, now: Timestamp) {
        let mut breaker = locked(&self.breaker);
        match sent {
            Ok(()) if breaker.admits(2, now) < 2 => {
                breaker.succeeded();
                info!(road.name = self.name(), "road is open again");
            }
            Ok(()) => breaker.succeeded(),
            Err(Fault::Permanent(_)) => {}
            Err(Fault::Transient(_) | Fault::Unknown(_)) => {
                if breaker.failed(now) {
                    error!(road.name = self.name(), "road is shut after failures in a row; one message at a time will try it");
                }
            }
        }
    }

    fn outcome(&self, delivery: &Delivery, sent: Result<(), Fault>, now: Timestamp) -> Outcome {
        let exhausted = delivery.failed.saturating_add(u32::from(sent.is_err())) >= self.options.tries;
        let id = wire_guid(delivery.message.0);
        match sent {
            Ok(()) if exhausted => {
                error!(
                    message.id = id,
                    message.attempt = delivery.attempt,
                    "message was delivered but nobody has answered it; it will not go again"
                );
                Outcome::Delivered { silent_at: Timestamp::NEVER }
            }
            Ok(()) => Outcome::Delivered { silent_at: now + Duration::from_secs(self.options.silence_s) },
            Err(fault @ Fault::Permanent(_)) => {
                error!(message.id = id, error = %fault, "message is shelved: it cannot be sent");
                Outcome::Shelved { fault }
            }
            Err(fault) if exhausted => {
                error!(message.id = id, message.attempt = delivery.attempt, error = %fault, "message is shelved: it failed too often");
                Outcome::Shelved { fault }
            }
            Err(fault) => {
                let backoff = self.options.backoff.after(delivery.failed.saturating_add(1), &self.clockwork);
                let wait = match &fault {
                    Fault::Unknown(_) => self.road.options.quiet() + backoff,
                    Fault::Transient(_) | Fault::Permanent(_) => backoff,
                };
                warn!(message.id = id, message.attempt = delivery.attempt, error = %fault, "message was not delivered and goes again");
                Outcome::Again { fault, at: now + wait }
            }
        }
    }

    /// One for each document that moves; one for the message where none does.
    fn entries(&self, delivery: &Delivery, outcome: &Outcome, now: Timestamp) -> Vec<Entry> {
        let kind = delivery.kind.as_str();
        let mut moving = delivery.members.iter().filter(|member| member.packed).map(whose).peekable();
        let again = || format!("the same bytes again, attempt {}", delivery.attempt);
        let first = || delivery.members.first().map_or((Uuid::nil(), Tenant::local(), None), whose);
        let moved = || vec![task::difference(format!("{kind}.state"), State::Packed.as_str(), State::Delivered.as_str())];
        let write = |(subject, tenant, trace): (Uuid, Tenant, Option<Trace>), act, changes, why: &str| {
            task::entry(&self.clockwork, now, &tenant, Note { task: NAME, act, subject, why }, changes).traced(trace)
        };
        match outcome {
            Outcome::Delivered { .. } if moving.peek().is_some() => {
                let why = if delivery.attempt == 1 { String::new() } else { again() };
                moving.map(|member| write(member, "deliver", moved(), &why)).collect()
            }
            Outcome::Delivered { .. } => vec![write(first(), "deliver", Vec::new(), &again())],
            Outcome::PutOff { .. } => Vec::new(),
            Outcome::Again { fault, .. } => vec![write(first(), "deliver_failed", Vec::new(), fault.as_str())],
            Outcome::Shelved { fault } => vec![write(first(), "deliver_failed", Vec::new(), &format!("{}, shelved", fault.as_str()))],
        }
    }
}

/// What an entry about a member says of whose it is.
fn whose(member: &Member) -> (Uuid, Tenant, Option<Trace>) {
    (member.subject, member.tenant.clone(), member.trace)
}

/// Counts how an attempt ended, for who looks from outside.
fn count(outcome: &Outcome) {
    let event = match outcome {
        Outcome::Delivered { .. } => Event::Delivered,
        Outcome::Again { fault: Fault::Unknown(_), .. } => Event::DeliveryUnknown,
        Outcome::Again { .. } => Event::DeliveredAgain,
        Outcome::PutOff { .. } => Event::DeliveryPutOff,
        Outcome::Shelved { .. } => Event::Shelved,
    };
    event.happened(1);
}

fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Task for Courier {
    fn name(&self) -> &'static str {
        NAME
    }

    fn hint(&self) -> &Hint {
        &self.store.hints().deliver
    }

    async fn pass(&self) -> Result<usize, Error> {
        let now = self.clockwork.now();
        let Some(room) = u32::try_from(self.room(now)).ok().filter(|room| *room > 0) else { return Ok(0) };
        let lease = Lease::take(&self.clockwork, Duration::from_secs(self.options.send_s) + MARGIN);
        let mut work = JoinSet::new();
        let started = self.start(now, lease, room, &mut work).await;
        // Whatever became of the leases, what is on its way is finished and written down.
        let settlements = work.join_all().await;
        if settlements.is_empty() {
            return Ok(started?);
        }
        let count = settlements.len();
        let written = self.store.settle(self.clockwork.now(), lease.token, settlements).await?;
        let stale = written.iter().filter(|written| **written == Written::Stale).count();
        debug!(road.name = self.name(), road.attempts = count, road.stale = stale, "messages were carried");
        Ok(started? + count)
    }
}
