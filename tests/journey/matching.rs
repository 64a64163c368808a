//! How 303, 505 and 603 find together, and what opens the gate.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use tongguan::{
    endpoint::{Endpoint, Received, Shipment},
    lane::Mark,
    queue::{Backoff, Fault},
    simulator::Matching,
};

use super::*;

#[tokio::test]
async fn where_customs_stores_only_all_three_the_longest_wait_opens_the_gate() {
    let town = open(|config| {
        config.simulator.matching = Matching::Together;
        for lane in &mut config.lanes {
            (lane.mark, lane.longest_wait_s) = (Mark::Stored, 2);
        }
    })
    .await;
    let (orders, waybills) = numbered(3);
    town.push(&waybills).await;
    let ids = town.submit(&orders).await;
    town.reach(&ids, Kind::Order, State::Declaring).await;
    town.closed(&ids).await;
    for id in &ids {
        let whys = town.whys(*id).await;
        assert!(whys.contains(&("gate".into(), "the longest wait is over".into())), "{whys:?}");
        let shown = town.show(*id).await;
        let filed = shown.receipts.iter().find(|kept| kept.receipt.key.kind() == Kind::Inventory).unwrap();
        assert!(filed.at.since(shown.dossier.accepted_at) >= Duration::from_secs(2));
    }
    assert_eq!(town.end().await.1.closed, 3);
}

#[tokio::test]
async fn stored_waits_for_120_where_customs_gives_it() {
    let town = open(|config| config.lanes.iter_mut().for_each(|lane| lane.mark = Mark::Stored)).await;
    let (orders, waybills) = numbered(3);
    town.push(&waybills).await;
    let ids = town.submit(&orders).await;
    town.closed(&ids).await;
    for id in &ids {
        assert!(!town.whys(*id).await.iter().any(|(_, why)| why.contains("longest wait")));
    }
    let (folder, _) = town.end().await;
    let receipts = rig::answered(folder.path());
    let stored = receipts.iter().filter(|receipt| receipt.code == "120" && receipt.key.kind() != Kind::Inventory).count();
    assert_eq!(stored, 6);
}

/// A road on which orders cannot be handed over until it is opened.
struct Held {
    inner: Arc<dyn Endpoint>,
    open: Arc<AtomicBool>,
}

#[async_trait]
impl Endpoint for Held {
    fn road(&self) -> &str {
        self.inner.road()
    }

    async fn send(&self, item: &Shipment) -> Result<(), Fault> {
        if item.name.starts_with("CEB303") && !self.open.load(Ordering::SeqCst) {
            return Err(Fault::Transient("held".into()));
        }
        self.inner.send(item).await
    }

    async fn receive(&self, limit: usize) -> Result<Vec<Received>, Fault> {
        self.inner.receive(limit).await
    }

    async fn acknowledge(&self, names: &[String]) -> Result<(), Fault> {
        self.inner.acknowledge(names).await
    }
}

#[tokio::test]
async fn a_list_that_comes_before_its_order_is_unmatched_until_the_order_comes_and_is_sent_once() {
    let gate = Arc::new(AtomicBool::new(false));
    let change = |config: &mut Config| {
        config.lanes.iter_mut().for_each(|lane| lane.mark = Mark::None);
        config.courier.backoff = Backoff { first_ms: 100, longest_ms: 200 };
        config.courier.breaker_failures = 10_000;
        config.courier.tries = 10_000;
    };
    let pave = |road: &mut Road| road.endpoint = Arc::new(Held { inner: Arc::clone(&road.endpoint), open: Arc::clone(&gate) });
    let mut town = open_alone(change, pave).await;
    town.begin_customs();
    let (orders, waybills) = numbered(3);
    town.push(&waybills).await;
    let ids = town.submit(&orders).await;
    town.reach(&ids, Kind::Inventory, State::Unmatched).await;
    gate.store(true, Ordering::SeqCst);
    town.closed(&ids).await;
    let (folder, report) = town.end().await;
    assert_eq!((report.closed, report.documents[&Kind::Inventory]), (3, 3));
    for (name, takings) in rig::taken(folder.path()) {
        assert_eq!(takings.len(), 1, "{name}");
    }
}
