//! Faults of the road: the same bytes again, or nothing.

use tokio::sync::watch;

use super::*;

async fn one_order(world: &World) -> DeclarationId {
    world.accept("O1", None, Plan { inventory: Duty::External, ..Lane::default().plan() }).await
}

#[tokio::test]
async fn after_an_unknown_end_the_same_bytes_go_again_after_the_quiet_time() {
    let world = world().await;
    let id = one_order(&world).await;
    world.road.ends.lock().unwrap().push_back(Fault::Unknown("broke".into()));
    world.settle().await;
    assert_eq!(world.state(id, Kind::Order).await, Some(State::Packed));
    world.after(SECOND * 29).await;
    assert_eq!(world.sent().len(), 1);
    world.after(SECOND * 3).await;
    let sent = world.sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], sent[1]);
    assert_eq!(world.state(id, Kind::Order).await, Some(State::Delivered));
}

#[tokio::test]
async fn silence_sends_the_same_bytes_again_until_somebody_answers() {
    let world = world().await;
    one_order(&world).await;
    world.settle().await;
    world.after(SECOND * 601).await;
    let sent = world.sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], sent[1]);
    world.answer_fresh();
    world.settle().await;
    world.after(SECOND * 6_000).await;
    assert_eq!(world.sent().len(), 2);
}

#[tokio::test]
async fn silence_without_end_is_left_to_a_person() {
    let world = world().await;
    one_order(&world).await;
    for _ in 0..20 {
        world.after(SECOND * 601).await;
    }
    assert_eq!(world.sent().len(), 5, "once, and four times after silence");
}

#[tokio::test]
async fn what_fails_too_often_is_shelved() {
    let world = world().await;
    one_order(&world).await;
    for _ in 0..20 {
        world.road.ends.lock().unwrap().push_back(Fault::Transient("full".into()));
        world.after(SECOND * 2).await;
    }
    assert_eq!(world.sent().len(), 4);
}

#[tokio::test]
async fn the_envelope_is_the_same_at_every_attempt() {
    let world = world().await;
    one_order(&world).await;
    let open =
        Road { endpoint: world.road.clone(), options: endpoint::Options { road: "guangzhou".into(), ..endpoint::Options::default() } };
    let senders: Arc<[Sender]> = [sender("seller", "SELLER")].into();
    let courier = Courier::new(world.store.clone(), world.clockwork.clone(), open, senders, courier::Options::default());
    world.packer.pass().await.unwrap();
    world.road.ends.lock().unwrap().push_back(Fault::Unknown("broke".into()));
    courier.pass().await.unwrap();
    world.clock.advance(SECOND * 60);
    courier.pass().await.unwrap();
    let sent = world.sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], sent[1]);
    let envelope = message::dxp::unwrap(&sent[0].bytes).unwrap();
    assert_eq!((envelope.cop_msg_id.as_str(), envelope.msg_type.as_str()), (sent[0].cop_msg_id.as_str(), "CEB303Message"));
    assert_eq!(envelope.cop_msg_id, envelope.cop_msg_id.to_uppercase());
}

#[tokio::test]
async fn a_stop_finishes_what_is_in_hand() {
    let world = world().await;
    let id = one_order(&world).await;
    world.packer.pass().await.unwrap();
    *world.road.slow.lock().unwrap() = Duration::from_millis(50);
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(world.courier.clone().run(stopped));
    tokio::time::sleep(Duration::from_millis(20)).await;
    stop.send_replace(true);
    running.await.unwrap();
    assert_eq!(world.state(id, Kind::Order).await, Some(State::Delivered));
}

#[tokio::test]
async fn messages_of_a_sender_that_is_gone_wait_and_hold_up_nobody() {
    let world = world().await;
    let open = || Road {
        endpoint: world.road.clone(),
        options: endpoint::Options { road: "guangzhou".into(), concurrent: 1, ..endpoint::Options::default() },
    };
    let courier = |names: &[(&str, &str)]| {
        let senders: Arc<[Sender]> = names.iter().map(|(name, code)| sender(name, code)).collect();
        let options = courier::Options { tries: 2, breaker_failures: 1, ..courier::Options::default() };
        Courier::new(world.store.clone(), world.clockwork.clone(), open(), senders, options)
    };
    for number in 0..3 {
        world.accept(&format!("O{number}"), None, Plan { inventory: Duty::External, ..Lane::default().plan() }).await;
        world.packer.pass().await.unwrap();
    }
    world.push("W9", true).await;
    world.packer.pass().await.unwrap();
    let without = courier(&[("carrier", CARRIER)]);
    for _ in 0..10 {
        without.pass().await.unwrap();
        let types: Vec<_> = world.sent().iter().map(|item| message::dxp::unwrap(&item.bytes).unwrap().msg_type).collect();
        assert_eq!(types, ["CEB505Message"], "all the others' turns are the carrier's, and the road stays open");
        world.clock.advance(SECOND * 30);
    }
    world.clock.advance(SECOND * 60);
    let with = courier(&[("carrier", CARRIER), ("seller", "SELLER")]);
    for _ in 0..5 {
        with.pass().await.unwrap();
    }
    assert_eq!(world.sent().len(), 4, "nothing was counted as a try");
}

#[tokio::test]
async fn a_delivery_is_written_down_for_each_document_whichever_attempt_it_was() {
    let world = world().await;
    let id = one_order(&world).await;
    world.road.ends.lock().unwrap().push_back(Fault::Unknown("broke".into()));
    world.settle().await;
    world.after(SECOND * 60).await;
    world.after(SECOND * 700).await;
    assert_eq!(world.sent().len(), 3);
    let filter =
        EntryFilter { subjects: Some(vec![id.0]), act: Some("deliver".into()), pending: true, limit: 10, ..EntryFilter::default() };
    let entries = world.store.entries(filter).await.unwrap();
    let mut moved: Vec<_> = entries.iter().map(|placed| placed.entry.changes.len()).collect();
    moved.sort_unstable();
    assert_eq!(moved, [0, 1], "one that moved it, one that only went again");
}
