//! What is kept raw is encrypted where there are keys, comes back as it was, and can be brought under another key.

use tongguan::{
    queue::{Fault, Lease},
    store::{Arrival, Delivery, Outcome, Resealed, Settlement},
    vault::{KeyOptions, Options, Place, Vault, new_key},
};
use uuid::Uuid;

use super::{START, World};

/// A vault with keys of these numbers, the first of which encrypts.
pub fn vault(world: &World, folder: &tempfile::TempDir, numbers: &[u8]) -> Vault {
    let key = |number: &u8| {
        let file = folder.path().join(number.to_string());
        if !file.exists() {
            std::fs::write(&file, new_key(&world.clockwork).as_str()).unwrap();
        }
        KeyOptions { file: Some(file), environment: None }
    };
    Vault::open(&Options { keys: numbers.iter().map(key).collect() }, &world.clockwork).unwrap()
}

/// Brings everything under the first key, a row at a time: what was looked at, written anew, and left closed.
async fn reseal(world: &World) -> (usize, usize, usize) {
    let (mut all, mut next) = ((0, 0, 0), Some(Place::Message(Uuid::nil())));
    while let Some(from) = next {
        let Resealed { next: then, looked, changed, closed } = world.store().reseal(from, 1).await.unwrap();
        all = (all.0 + looked, all.1 + changed, all.2 + closed);
        next = then;
    }
    all
}

/// The bytes of every message and arrival, by leases that are over at once, so that they can be leased again.
async fn read(world: &World) -> Vec<Vec<u8>> {
    let lease = Lease { until: START, ..world.lease() };
    let deliveries = world.store().lease_deliveries(START, lease, "guangzhou", 10).await.unwrap();
    let mut bytes: Vec<_> = deliveries.iter().map(|delivery| delivery.bytes.clone()).collect();
    let settle = |delivery: &Delivery| Settlement {
        message: delivery.message,
        attempt: delivery.attempt,
        outcome: Outcome::Again { fault: Fault::Transient("test".into()), at: START },
        entries: Vec::new(),
    };
    world.store().settle(START, lease.token, deliveries.iter().map(settle).collect()).await.unwrap();
    let arrivals = world.store().lease_arrivals(START, lease, None, 10).await.unwrap();
    bytes.extend(arrivals.into_iter().map(|arrival| arrival.bytes));
    bytes
}

on_each_store! {
    keys_follow_each_other_over_what_is_kept,
    what_no_key_opens_holds_up_nothing_else,
}

const ALL: [&[u8]; 2] = [b"<sealed/>", b"<r/>"];

async fn keys_follow_each_other_over_what_is_kept(mut world: World) {
    let folder = tempfile::tempdir().unwrap();
    let [none, first, both, second] = [&[][..], &[1], &[2, 1], &[2]].map(|numbers| vault(&world, &folder, numbers));
    world.accept_one("O1", None).await;
    world.pack_all().await;
    world.store().keep(START, vec![world.arrival("a")]).await.unwrap();
    assert_eq!((read(&world).await, reseal(&world).await), (ALL.map(<[u8]>::to_vec).to_vec(), (2, 0, 0)));
    for (vault, reads, done) in [
        (&first, &ALL[..], (2, 2, 0)),
        (&first, &ALL[..], (2, 0, 0)),
        (&second, &[][..], (2, 0, 2)),
        (&none, &[][..], (2, 0, 2)),
        (&both, &ALL[..], (2, 2, 0)),
        (&second, &ALL[..], (2, 0, 0)),
        (&first, &[][..], (2, 0, 2)),
    ] {
        world = world.with_vault(vault.clone()).await;
        assert_eq!(read(&world).await, reads, "{vault:?}");
        assert_eq!(reseal(&world).await, done, "{vault:?}");
    }
}

async fn what_no_key_opens_holds_up_nothing_else(world: World) {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = [&[1][..], &[2]].map(|numbers| vault(&world, &folder, numbers));
    let world = world.with_vault(first).await;
    world.store().keep(START, vec![world.arrival("a")]).await.unwrap();
    let world = world.with_vault(second).await;
    world.store().keep(START, vec![Arrival { digest: [9; 32], ..world.arrival("b") }]).await.unwrap();
    let read = world.store().lease_arrivals(START, world.lease(), None, 10).await.unwrap();
    assert_eq!(read.iter().map(|arrival| (arrival.name.as_str(), arrival.bytes.as_slice())).collect::<Vec<_>>(), [("b", &b"<r/>"[..])]);
}
