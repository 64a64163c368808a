//! The callers of a measurement: sellers who submit orders and carriers who push waybills, made of the demonstration's good ones
//! under numbers of their own.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::{Error, micros, process};
use crate::{
    clock::{Clockwork, day_to_wire},
    declaration::draft,
    demo,
    grpc::client::{Answer, Client, Item},
    tiles::Trust,
};

/// Rounds in which those that the gateway was too busy for are sent again.
const ROUNDS: u32 = 10_000;
const REST: Duration = Duration::from_millis(20);

/// What is sent.
#[derive(Debug, Clone)]
pub struct Options {
    /// The gateway's address.
    pub server: String,
    /// How many declarations, and as many waybills unless they come alone.
    pub declarations: usize,
    /// The number of the first: each has a number of its own.
    pub first: usize,
    /// Declarations a second, each a call of its own; nothing: one stream, as fast as it is taken.
    pub rate: Option<u32>,
    /// No waybills beside them.
    pub alone: bool,
    /// Whom to trust and what to show, where the gateway is reached by TLS.
    pub trust: Option<Trust>,
}

/// What the callers saw.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    /// Microseconds from sending to the answer, of every accepted declaration, sorted.
    pub answered_us: Vec<u64>,
    /// Microseconds until all declarations were answered.
    pub all_us: u64,
    /// How often the gateway was too busy.
    pub busy: u64,
    /// Microseconds of CPU that the callers used.
    pub cpu_us: u64,
    /// Their peak of memory, in KiB.
    pub peak_kib: u64,
}

impl Report {
    /// Adds what other callers saw at the same time.
    pub(super) fn add(&mut self, other: Self) {
        self.answered_us.extend(other.answered_us);
        self.answered_us.sort_unstable();
        self.all_us = if self.all_us < other.all_us { other.all_us } else { self.all_us };
        self.busy += other.busy;
        self.cpu_us += other.cpu_us;
        self.peak_kib += other.peak_kib;
    }

    /// Milliseconds within which so many in a thousand were answered.
    pub(super) fn quantile_ms(&self, per_mille: usize) -> u64 {
        let last = self.answered_us.len().saturating_sub(1);
        self.answered_us.get(last * per_mille / 1_000).copied().unwrap_or(0) / 1_000
    }
}

/// Sends everything, and comes back when all of it is accepted.
///
/// # Errors
/// If the gateway cannot be reached, breaks off, or refuses anything for good.
pub async fn run(options: &Options, clockwork: &Clockwork) -> Result<Report, Error> {
    run_as(options, None, clockwork).await
}

/// The same, as whoever has this key.
pub(super) async fn run_as(options: &Options, key: Option<&str>, clockwork: &Clockwork) -> Result<Report, Error> {
    let (orders, waybills) = make(options.first, options.declarations, clockwork)?;
    let client = Client::connect_as(&options.server, key, options.trust.as_ref()).await?;
    let waybills = if options.alone { Vec::new() } else { waybills };
    let carriers = tokio::spawn(push(client.clone(), waybills));
    let began = Instant::now();
    let mut report = match options.rate {
        Some(rate) => calls(&client, orders, rate).await?,
        None => stream(&client, orders).await?,
    };
    report.all_us = micros(began.elapsed());
    report.answered_us.sort_unstable();
    carriers.await.map_err(|error| Error::Wrong(error.to_string()))??;
    let used = process::used("self")?;
    (report.cpu_us, report.peak_kib) = (micros(used.cpu), used.peak_kib);
    Ok(report)
}

async fn stream(client: &Client, orders: Vec<Item<draft::Declaration>>) -> Result<Report, Error> {
    let mut report = Report::default();
    let mut open: BTreeMap<String, Item<draft::Declaration>> = orders.into_iter().map(|item| (item.id.clone(), item)).collect();
    for _ in 0..ROUNDS {
        let mut refused = None;
        let sent: Arc<Mutex<BTreeMap<String, Instant>>> = Arc::default();
        let leaving = Arc::clone(&sent);
        let items: Vec<_> = open.values().cloned().collect();
        let items = items.into_iter().inspect(move |item| {
            unpoisoned(&leaving).insert(item.id.clone(), Instant::now());
        });
        let answered = client.submit(items, |id, answer| match answer {
            Answer::Kept { .. } => {
                report.answered_us.extend(unpoisoned(&sent).remove(&id).map(|at| micros(at.elapsed())));
                open.remove(&id);
            }
            Answer::Busy(_) => report.busy += 1,
            Answer::Refused { en, findings, .. } => refused = Some(format!("order {id} was refused: {en} {findings:?}")),
        });
        answered.await?;
        if let Some(why) = refused {
            return Err(Error::Wrong(why));
        }
        if open.is_empty() {
            return Ok(report);
        }
        sleep(REST).await;
    }
    Err(Error::Wrong("the gateway stays busy".to_owned()))
}

/// Each declaration a call of its own, sent when its time has come whether or not earlier ones are answered.
async fn calls(client: &Client, orders: Vec<Item<draft::Declaration>>, rate: u32) -> Result<Report, Error> {
    let apart = Duration::from_secs(1) / rate.max(1);
    let began = Instant::now();
    let mut calls = JoinSet::new();
    for (number, item) in (0_u32..).zip(orders) {
        let at = began + apart * number;
        sleep_until(at).await;
        let client = client.clone();
        calls.spawn(async move {
            let mut busy = 0;
            loop {
                match client.submit_one(item.clone()).await? {
                    Answer::Kept { .. } => return Ok((micros(at.elapsed()), busy)),
                    Answer::Busy(wait) => sleep(wait).await,
                    Answer::Refused { en, findings, .. } => return Err(Error::Wrong(format!("an order was refused: {en} {findings:?}"))),
                }
                busy += 1;
            }
        });
    }
    let mut report = Report::default();
    while let Some(done) = calls.join_next().await {
        let (took, busy) = done.map_err(|error| Error::Wrong(error.to_string()))??;
        report.answered_us.push(took);
        report.busy += busy;
    }
    Ok(report)
}

async fn push(client: Client, waybills: Vec<Item<draft::Waybill>>) -> Result<(), Error> {
    let mut open: BTreeMap<String, Item<draft::Waybill>> = waybills.into_iter().map(|item| (item.id.clone(), item)).collect();
    for _ in 0..ROUNDS {
        let mut refused = None;
        let pushed = client.push(open.values().cloned().collect::<Vec<_>>(), |id, answer| match answer {
            Answer::Kept { .. } => drop(open.remove(&id)),
            Answer::Busy(_) => {}
            Answer::Refused { en, findings, .. } => refused = Some(format!("waybill {id} was refused: {en} {findings:?}")),
        });
        pushed.await?;
        if let Some(why) = refused {
            return Err(Error::Wrong(why));
        }
        if open.is_empty() {
            return Ok(());
        }
        sleep(REST).await;
    }
    Err(Error::Wrong("the gateway stays busy".to_owned()))
}

type Made = (Vec<Item<draft::Declaration>>, Vec<Item<draft::Waybill>>);

/// So many pairs, each like one of the demonstration's that must close.
fn make(first: usize, many: usize, clockwork: &Clockwork) -> Result<Made, Error> {
    let broken = |error: serde_json::Error| Error::Wrong(format!("the shipped orders are broken: {error}"));
    let expected = demo::expected();
    let mut orders = Vec::new();
    for line in demo::ORDERS.lines() {
        let order: draft::Declaration = read(line).map_err(broken)?;
        if !expected.contains_key(order.order.order_no.as_str()) {
            orders.push(order);
        }
    }
    let mut by_order = BTreeMap::new();
    let mut by_number = BTreeMap::new();
    for line in demo::WAYBILLS.lines() {
        let waybill: draft::Waybill = read(line).map_err(broken)?;
        let waybill = Arc::new(waybill);
        if let Some(order) = &waybill.order {
            by_order.insert(order.order_no.clone(), Arc::clone(&waybill));
        }
        by_number.insert(waybill.waybill_no.clone(), waybill);
    }
    let today = day_to_wire(clockwork.now().day());
    let pair = |number: usize| {
        let mut order = orders.get(number % orders.len().max(1))?.clone();
        let found = by_order.get(&order.order.order_no).or_else(|| by_number.get(&order.inventory.waybill_no))?;
        let mut waybill = draft::Waybill::clone(found);
        (order.order.order_no, waybill.waybill_no) = (format!("BN{number:012}"), format!("BW{number:012}"));
        if !order.inventory.waybill_no.is_empty() {
            order.inventory.waybill_no.clone_from(&waybill.waybill_no);
        }
        if let Some(reference) = &mut waybill.order {
            reference.order_no.clone_from(&order.order.order_no);
        }
        order.inventory.exit_date.clone_from(&today);
        let id = number.to_string();
        let item = Item { id: id.clone(), draft: order, idempotency_key: String::new(), needed_by: None };
        Some((item, Item { id, draft: waybill, idempotency_key: String::new(), needed_by: None }))
    };
    let pairs: Option<Vec<_>> = (first..first + many).map(pair).collect();
    Ok(pairs.ok_or_else(|| Error::Wrong("a shipped order has no waybill".to_owned()))?.into_iter().unzip())
}

/// A shipped line, which also names a key.
fn read<T: DeserializeOwned>(line: &str) -> serde_json::Result<T> {
    let mut value: serde_json::Value = serde_json::from_str(line)?;
    if let Some(object) = value.as_object_mut() {
        object.remove("idempotency_key");
    }
    serde_json::from_value(value)
}

fn unpoisoned<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_order_has_its_own_numbers_and_its_waybill() {
        let (orders, waybills) = make(0, 500, &Clockwork::system()).unwrap();
        assert_eq!((orders.len(), waybills.len()), (500, 500));
        let numbers: BTreeSet<_> = orders.iter().map(|item| &item.draft.order.order_no).collect();
        assert_eq!(numbers.len(), 500);
        for (order, waybill) in orders.iter().zip(&waybills) {
            let named = waybill.draft.order.as_ref().is_some_and(|named| named.order_no == order.draft.order.order_no);
            assert!(named || order.draft.inventory.waybill_no == waybill.draft.waybill_no, "{}", order.id);
            assert_eq!(order.draft.inventory.carrier.code, waybill.draft.carrier.code);
        }
    }
}
