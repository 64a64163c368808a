use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use super::*;
use crate::{
    clock::{Clock, Clockwork, ManualClock, SeededEntropy, Shifted},
    store::{Store, sqlite::Sqlite},
    task::Task,
};

fn node(number: u128, roles: &[Role], sections: &[(&str, &str)]) -> KeptNode {
    KeptNode {
        id: Uuid::from_u128(number),
        name: format!("n{number}"),
        roles: joined(roles),
        version: "1".into(),
        sections: sections.iter().map(|(name, digest)| ((*name).to_owned(), (*digest).to_owned())).collect(),
        clocks: BTreeMap::new(),
        started_at: Timestamp(0),
        seen_at: Timestamp(0),
        until: Timestamp(0),
        beats: 1,
    }
}

#[test]
fn roles_are_read_by_their_names() {
    for role in Role::ALL {
        assert_eq!(role.as_str().parse(), Ok(role));
        assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
    }
    let error = "leader".parse::<Role>().unwrap_err().to_string();
    assert!(error.contains("leader") && error.contains("intake,gate,pack"), "{error}");
}

#[test]
fn nodes_are_compared_where_a_section_concerns_both() {
    let doors =
        [node(1, &[Role::Intake], &[("lanes", "a"), ("senders", "s")]), node(2, &[Role::Intake], &[("lanes", "b"), ("senders", "s")])];
    let packer = node(3, &[Role::Pack], &[("lanes", "c"), ("senders", "t")]);
    let gate = node(4, &[Role::Gate], &[("lanes", "b"), ("senders", "s")]);
    let all = [&doors[0], &doors[1], &packer, &gate];
    let told: Vec<_> = disagreements(all).iter().map(ToString::to_string).collect();
    assert_eq!(told, ["lanes: n2#0002, n4#0004 | n1#0001", "senders: n1#0001, n2#0002, n4#0004 | n3#0003"]);
    assert_eq!(disagreements([&doors[1], &gate]), []);
}

struct Town {
    _folder: tempfile::TempDir,
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
}

impl Town {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Sqlite::open(&folder.path().join("tongguan.db")).await.unwrap());
        let clock = Arc::new(ManualClock::at(Timestamp(1_700_000_000_000_000)));
        Self { _folder: folder, store, clock }
    }

    fn clockwork(&self, shift_ms: i64) -> Clockwork {
        let clock: Arc<dyn Clock> = self.clock.clone();
        Clockwork::new(Arc::new(Shifted::new(clock, shift_ms)), Arc::new(SeededEntropy::new(7)))
    }

    fn node(&self, name: &str, number: u128, shift_ms: i64) -> (Beat, Arc<Share>) {
        let options = Options { name: name.into(), ..Options::default() };
        let shares = Shares::unknown();
        let sections = BTreeMap::from([("lanes".to_owned(), name.to_owned())]);
        let beat = Beat::new(Arc::clone(&self.store), self.clockwork(shift_ms), Uuid::from_u128(number), options, sections, shares.clone());
        (beat, shares.of(Role::Deliver))
    }

    fn wait(&self, milliseconds: u64) {
        self.clock.advance(Duration::from_millis(milliseconds));
    }
}

#[tokio::test]
async fn a_clock_that_differs_is_seen_without_another_clock() {
    let town = Town::new().await;
    let ((slow, _), (fast, _)) = (town.node("slow", 1, -2_000), town.node("fast", 2, 2_500));
    // They meet at ever other moments: the best look is the one soon after the beat.
    for milliseconds in [900, 100, 700] {
        fast.pass().await.unwrap();
        town.wait(milliseconds);
        slow.pass().await.unwrap();
        town.wait(50);
    }
    fast.pass().await.unwrap();
    slow.pass().await.unwrap();
    let kept = town.store.nodes().await.unwrap();
    let of = |name: &str| kept.iter().find(|node| node.name == name).unwrap();
    assert_eq!(of("fast").clocks, BTreeMap::new(), "who is behind is not told by the one ahead");
    let ahead = of("slow").clocks[&Uuid::from_u128(2)];
    assert!((4_390..=4_500).contains(&ahead), "{ahead}");
}

#[tokio::test]
async fn a_node_that_falls_silent_is_gone_by_the_watchers_clock_and_forgotten_later() {
    let town = Town::new().await;
    // However wrong its clock is.
    let ((one, share), (other, _)) = (town.node("one", 1, 0), town.node("other", 2, 3_600_000));
    other.pass().await.unwrap();
    one.pass().await.unwrap();
    assert_eq!((share.of(10), share.among(), town.store.nodes().await.unwrap().len()), (5, 2, 2));
    for _ in 0..4 {
        town.wait(3_000);
        one.pass().await.unwrap();
    }
    assert_eq!(share.of(10), 5, "it may still be there");
    town.wait(3_000);
    one.pass().await.unwrap();
    assert_eq!((share.of(10), town.store.nodes().await.unwrap().len()), (10, 2), "it is gone, and still shown");
    other.pass().await.unwrap();
    one.pass().await.unwrap();
    assert_eq!(share.of(10), 5, "it is back");
    town.wait(3_600_000);
    one.pass().await.unwrap();
    assert_eq!(share.of(10), 5, "who does not listen hears nobody fall silent");
    for _ in 0..30 {
        town.wait(5_000);
        one.pass().await.unwrap();
    }
    assert_eq!(town.store.nodes().await.unwrap().iter().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["one"]);
}

#[tokio::test]
async fn a_turn_is_had_by_one_passed_on_and_ends_by_itself() {
    let town = Town::new().await;
    let turn =
        |number| Turn::new(Arc::clone(&town.store), town.clockwork(0), "receiver/road", Uuid::from_u128(number), Duration::from_secs(10));
    let (one, other) = (turn(1), turn(2));
    assert!(one.take().await.unwrap() && one.is_mine());
    assert!(!other.take().await.unwrap() && !other.is_mine());
    one.pass_on().await;
    assert!(!other.take().await.unwrap(), "who was refused does not ask again at once");
    town.wait(1_000);
    assert!(other.take().await.unwrap() && !one.take().await.unwrap() && !one.is_mine());
    town.wait(10_000);
    assert!(!other.is_mine(), "it does not believe in a lease that is over");
    assert!(one.take().await.unwrap() && !other.take().await.unwrap());
}
