//! What nodes say of themselves.

use std::{collections::BTreeMap, time::Duration};

use tongguan::store::KeptNode;
use uuid::Uuid;

use super::{World, samples::START};

fn node(number: u128, beats: i64) -> KeptNode {
    KeptNode {
        id: Uuid::from_u128(number),
        name: format!("节点{number}"),
        roles: "pack,deliver".into(),
        version: "0.1.0".into(),
        sections: BTreeMap::from([("lanes".into(), "ab".into()), ("roads".into(), "\"'".into())]),
        clocks: BTreeMap::from([(Uuid::from_u128(number + 1), -7)]),
        started_at: START,
        seen_at: START + Duration::from_secs(u64::try_from(beats).unwrap()),
        until: START + Duration::from_secs(15),
        beats,
    }
}

async fn a_node_is_told_what_all_said_last(world: World) {
    assert_eq!(world.store().beat(node(2, 1)).await.unwrap(), [node(2, 1)]);
    assert_eq!(world.store().beat(node(1, 1)).await.unwrap(), [node(1, 1), node(2, 1)]);
    let renamed = KeptNode { name: "other".into(), roles: "gate".into(), ..node(2, 2) };
    assert_eq!(world.store().beat(renamed.clone()).await.unwrap(), [node(1, 1), renamed.clone()]);
    // A word that was on its way for long, and one that is said twice.
    assert_eq!(world.store().beat(node(2, 1)).await.unwrap(), [node(1, 1), renamed.clone()]);
    assert_eq!(world.store().beat(renamed.clone()).await.unwrap(), [node(1, 1), renamed.clone()]);
    assert_eq!(world.store().nodes().await.unwrap(), [node(1, 1), renamed]);
}

async fn a_node_is_forgotten_unless_it_has_spoken_since(world: World) {
    world.store().beat(node(1, 3)).await.unwrap();
    world.store().beat(node(2, 4)).await.unwrap();
    let gone = [(1, 2), (2, 4), (3, 9)].map(|(number, beats)| (Uuid::from_u128(number), beats));
    world.store().forget(gone.to_vec()).await.unwrap();
    assert_eq!(world.store().nodes().await.unwrap(), [node(1, 3)]);
    world.store().forget(gone.to_vec()).await.unwrap();
    world.store().forget(Vec::new()).await.unwrap();
    assert_eq!(world.store().nodes().await.unwrap(), [node(1, 3)]);
}

on_each_store!(a_node_is_told_what_all_said_last, a_node_is_forgotten_unless_it_has_spoken_since);
