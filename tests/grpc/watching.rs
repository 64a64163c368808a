//! Watch and Tail: nothing missed, nobody else's seen, an end when the gateway stops.

use std::time::Duration;

use tokio::time::timeout;
use tongguan::{
    grpc::proto::{DocumentState, SubmitStreamRequest, TailRequest, WatchRequest},
    party::Role,
};
use tonic::{Code, Streaming};

use super::{
    samples::submit,
    world::{open_world, world},
};

async fn next<T>(stream: &mut Streaming<T>) -> T {
    timeout(Duration::from_secs(10), stream.message()).await.unwrap().unwrap().unwrap()
}

#[tokio::test]
async fn a_watcher_goes_on_from_its_last_position() {
    let world = world(&[("acme", "acme", Role::Seller), ("rival", "rival", Role::Seller)]).await;
    let mut acme = world.declarations("acme");
    let mut all = acme.watch(WatchRequest { after_position: Some(-1), ..Default::default() }).await.unwrap().into_inner();
    let mut later = acme.watch(WatchRequest::default()).await.unwrap().into_inner();
    let mut ids = Vec::new();
    for (number, name) in ["acme", "rival", "acme"].into_iter().enumerate() {
        let request = submit(&format!("A{number}"), &format!("W{number}"));
        ids.push(world.declarations(name).submit(request).await.unwrap().into_inner().declaration_id);
        world.sequence().await;
    }
    let (first, second) = (next(&mut all).await, next(&mut all).await);
    assert_eq!((&first.declaration_id, &second.declaration_id), (&ids[0], &ids[2]), "a rival's is not seen");
    assert_eq!(first.changes[0].to(), DocumentState::Due);
    assert_eq!(first.changes[0].from(), DocumentState::Unspecified);
    assert_eq!(next(&mut later).await, first, "what happens from now on");

    let from_first = WatchRequest { after_position: Some(first.position), ..Default::default() };
    let mut resumed = acme.watch(from_first).await.unwrap().into_inner();
    assert_eq!(next(&mut resumed).await, second);
    drop(resumed);
    let of_one = WatchRequest { after_position: Some(-1), declaration_ids: vec![ids[2].clone()] };
    let mut one = acme.watch(of_one).await.unwrap().into_inner();
    assert_eq!(next(&mut one).await, second);
}

#[tokio::test]
async fn a_stop_ends_every_stream() {
    let world = open_world().await;
    world.declarations("").submit(submit("A1", "W1")).await.unwrap();
    let size = world.sequence().await;
    let mut tail = world.audit_log("").tail(TailRequest { after_position: Some(-1) }).await.unwrap().into_inner();
    assert_eq!(next(&mut tail).await.entry.unwrap().position, Some(size - 1));
    world.stop().await;
    assert!(timeout(Duration::from_secs(10), tail.message()).await.unwrap().is_ok_and(|end| end.is_none()));
}

#[tokio::test]
async fn whoever_is_still_submitting_at_a_stop_is_told_to_come_back() {
    let world = open_world().await;
    let (items, stream) = tokio::sync::mpsc::channel(1);
    items.send(SubmitStreamRequest { item_id: "1".into(), submit: Some(submit("A1", "W1")) }).await.unwrap();
    let stream = tokio_stream::wrappers::ReceiverStream::new(stream);
    let mut answers = world.declarations("").submit_stream(stream).await.unwrap().into_inner();
    assert_eq!(next(&mut answers).await.item_id, "1");
    world.stop().await;
    let end = timeout(Duration::from_secs(10), answers.message()).await.unwrap();
    assert_eq!(end.unwrap_err().code(), Code::Unavailable);
    drop(items);
}

#[tokio::test]
async fn followers_are_counted_and_cursors_looked_at() {
    let world = open_world().await;
    let mut log = world.audit_log("");
    assert_eq!(log.tail(TailRequest { after_position: Some(-2) }).await.unwrap_err().code(), Code::InvalidArgument);
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(log.tail(TailRequest::default()).await.unwrap());
    }
    assert_eq!(log.tail(TailRequest::default()).await.unwrap_err().code(), Code::ResourceExhausted);
    drop(open);
    let freed = async {
        while log.tail(TailRequest::default()).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), freed).await.unwrap();
}
