//! Nodes beside each other: one takes from a road at a time, and all together keep a road's limits.

use tongguan::node::{Share, Turn};
use uuid::Uuid;

use super::*;

impl World {
    /// The receiver of another node, which takes turns of ten seconds.
    fn receiver_of(&self, node: u128) -> Receiver {
        let turn = Turn::new(self.store.clone(), self.clockwork.clone(), "receiver/guangzhou", Uuid::from_u128(node), SECOND * 10);
        Receiver::new(self.store.clone(), self.clockwork.clone(), self.road.clone(), collector::Options::default()).in_turn(Some(turn))
    }

    fn arrives(&self, name: &str) {
        self.road.inward.lock().unwrap().push(Received { name: name.into(), bytes: name.as_bytes().to_vec() });
    }
}

#[tokio::test]
async fn one_node_at_a_time_takes_from_a_road_and_another_takes_over() {
    let world = world().await;
    let (one, other) = (world.receiver_of(1), world.receiver_of(2));
    assert_eq!((other.pass().await.unwrap(), one.pass().await.unwrap()), (0, 0), "where nothing is nobody takes the turn");
    for name in ["a.xml", "b.xml", "c.xml"] {
        world.arrives(name);
    }
    assert_eq!((one.pass().await.unwrap(), other.pass().await.unwrap()), (3, 0));
    world.arrives("d.xml");
    assert_eq!(other.pass().await.unwrap(), 0, "it is the first one's turn");
    world.clock.advance(SECOND * 6);
    assert_eq!((one.pass().await.unwrap(), other.pass().await.unwrap()), (1, 0));
    world.arrives("e.xml");
    world.clock.advance(SECOND * 9);
    assert_eq!(other.pass().await.unwrap(), 0, "the turn was kept");
    world.clock.advance(SECOND);
    assert_eq!((other.pass().await.unwrap(), one.pass().await.unwrap()), (1, 0), "the first one is gone, or slow");
    assert_eq!(world.road.acknowledged.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn nodes_keep_the_limits_of_a_road_together() {
    let world = world().await;
    for number in 0..12 {
        world.accept(&format!("O{number}"), None, Plan { inventory: Duty::External, ..Lane::default().plan() }).await;
        world.packer.pass().await.unwrap();
    }
    let shares = [(); 3].map(|()| Arc::new(Share::unknown()));
    let courier = |share: &Arc<Share>| {
        let options = endpoint::Options { road: "guangzhou".into(), per_second: 4, concurrent: 100, ..endpoint::Options::default() };
        let open = Road { endpoint: world.road.clone(), options };
        let senders: Arc<[Sender]> = [sender("seller", "SELLER")].into();
        let courier = Courier::new(world.store.clone(), world.clockwork.clone(), open, senders, courier::Options::default());
        courier.sharing(share.clone())
    };
    let couriers = shares.each_ref().map(courier);
    let carried = async || {
        let mut carried = Vec::new();
        for courier in &couriers {
            carried.push(courier.pass().await.unwrap());
        }
        carried
    };
    assert_eq!(carried().await, [0, 0, 0], "before it is known who shares");
    for (index, share) in shares.iter().enumerate() {
        share.set(index, 3);
    }
    // What was nobody's is not saved up.
    world.clock.advance(SECOND);
    assert_eq!(carried().await, [1, 1, 2]);
    assert_eq!(carried().await, [0, 0, 0]);
    world.clock.advance(SECOND);
    assert_eq!(carried().await, [1, 1, 2]);
    // The third is gone: the others carry what was its.
    shares[0].set(0, 2);
    shares[1].set(1, 2);
    shares[2].set(0, 0);
    world.clock.advance(SECOND);
    assert_eq!(carried().await, [2, 2, 0]);
    assert_eq!(world.sent().len(), 12);
}
