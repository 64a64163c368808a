//! From due to closed: gates, and what receipts do.

use super::*;

/// What customs says of a document that it has already.
const REPETITION: (&str, &str) = ("-301010", "处理失败，业务主键重复入库失败");

#[tokio::test]
async fn a_declaration_goes_through_to_closed() {
    let world = world().await;
    let id = world.accept("O1", Some("W1"), Lane::default().plan()).await;
    world.settle().await;
    assert_eq!(world.state(id, Kind::Inventory).await, Some(State::Waiting));
    // Its lanes leave the waybill to its order: the gatekeeper makes the document.
    world.push("W1", false).await;
    world.settle().await;
    let kinds = |requests: Vec<Request>| requests.into_iter().map(|request| request.kind).collect::<Vec<_>>();
    assert_eq!(kinds(world.requests()), [Kind::Order, Kind::Waybill]);
    world.answer_fresh();
    world.settle().await;
    assert_eq!(kinds(world.requests()), [Kind::Order, Kind::Waybill, Kind::Inventory]);
    let inventory = keys(&world.requests()[2]);
    for (second, code) in ["2", "120", "399", "800", "899"].into_iter().enumerate() {
        world.answer(&inventory, code, "", world.clockwork.now() + SECOND * u32::try_from(second).unwrap());
        world.settle().await;
    }
    assert_eq!(world.state(id, Kind::Inventory).await, Some(State::Closed));
    let shown = world.show(id).await;
    assert_eq!(shown.assessments.len(), 3, "at acceptance, at release and at closing");
    assert_eq!(shown.receipts.iter().filter(|kept| kept.effect).count(), 7);
    let acts = world.acts(id).await;
    for act in ["accept", "gate", "pack", "deliver", "receipt"] {
        assert!(acts.iter().any(|found| found == act), "{act} is missing in {acts:?}");
    }
    assert!(world.store.pending_entries(10).await.unwrap().is_empty(), "every entry has its place");
}

#[tokio::test]
async fn late_repeated_and_reordered_receipts_do_no_harm() {
    let world = world().await;
    let id = world.accept("O1", None, Plan { inventory: Duty::External, ..Lane::default().plan() }).await;
    world.settle().await;
    let at = |seconds: u64| START + Duration::from_secs(seconds);
    let key = [order_key("O1")];
    for (code, info, seconds) in
        [("120", "", 30), ("2", "", 10), ("120", "", 30), ("100", "", 20), ("-304001", "已存在", 40), ("1", "", 50)]
    {
        world.answer(&key, code, info, at(seconds));
        world.settle().await;
        assert_eq!(world.state(id, Kind::Order).await, Some(State::Stored), "after {code}");
    }
    let shown = world.show(id).await;
    assert_eq!((shown.receipts.len(), shown.receipts.iter().filter(|kept| kept.effect).count()), (6, 1));
    // The same file again is the same arrival.
    let first = world.road.acknowledged.lock().unwrap().len();
    assert_eq!(first, 6);
}

#[tokio::test]
async fn stored_opens_at_the_longest_wait_and_says_so() {
    let world = world().await;
    let lane = Lane { mark: tongguan::lane::Mark::Stored, longest_wait_s: 60, ..Lane::default() };
    let id = world.accept("O1", Some("W1"), lane.plan()).await;
    world.push("W1", true).await;
    world.settle().await;
    world.answer_fresh();
    world.settle().await;
    assert_eq!(world.state(id, Kind::Inventory).await, Some(State::Waiting), "declared is not stored");
    world.after(Duration::from_secs(59)).await;
    assert_eq!(world.state(id, Kind::Inventory).await, Some(State::Waiting));
    world.after(SECOND * 2).await;
    assert_eq!(world.state(id, Kind::Inventory).await, Some(State::Delivered));
    let filter = EntryFilter { act: Some("gate".into()), limit: 10, ..EntryFilter::default() };
    let entries = world.store.entries(filter).await.unwrap();
    assert!(entries.iter().any(|placed| placed.entry.why.contains("longest wait")));
}

#[tokio::test]
async fn what_others_transmit_leaves_no_document_and_the_list_still_goes() {
    let world = world().await;
    let plan = Plan { order: Duty::External, waybill: Duty::External, ..Lane::default().plan() };
    let id = world.accept("O1", Some("W1"), plan).await;
    world.settle().await;
    let requests = world.requests();
    assert_eq!(requests.iter().map(|request| request.kind).collect::<Vec<_>>(), [Kind::Inventory]);
    world.answer_fresh();
    world.settle().await;
    assert_eq!(world.state(id, Kind::Inventory).await, Some(State::Declaring));
}

#[tokio::test]
async fn a_port_failure_is_packed_anew_a_bounded_number_of_times() {
    let world = world().await;
    let id = world.accept("O1", None, Plan { inventory: Duty::External, ..Lane::default().plan() }).await;
    world.settle().await;
    for second in 1..10 {
        world.answer(&[order_key("O1")], "4", "", world.clockwork.now());
        world.after(Duration::from_secs(second)).await;
    }
    assert_eq!(world.state(id, Kind::Order).await, Some(State::PortFailed));
    let mut names: Vec<_> = world.sent().into_iter().map(|item| item.name).collect();
    names.dedup();
    assert_eq!(names.len(), 6, "once, and five times anew, each time under another message");
}

#[tokio::test]
async fn a_repeated_port_failure_does_not_set_free_what_was_sent_anew() {
    let world = world().await;
    let id = world.accept("O1", None, Plan { inventory: Duty::External, ..Lane::default().plan() }).await;
    world.settle().await;
    let failed_at = world.clockwork.now();
    for _ in 0..3 {
        // The receipt comes late and again, when the second message is with customs.
        world.answer(&[order_key("O1")], "4", "", failed_at);
        world.after(SECOND).await;
        assert_eq!(world.state(id, Kind::Order).await, Some(State::Delivered));
    }
    let mut names: Vec<_> = world.sent().into_iter().map(|item| item.name).collect();
    names.dedup();
    assert_eq!(names.len(), 2, "sent, and sent anew once");
}

#[tokio::test]
async fn a_port_failure_from_before_the_same_bytes_went_again_is_out_of_date() {
    let world = world().await;
    let id = world.accept("O1", None, Plan { inventory: Duty::External, ..Lane::default().plan() }).await;
    world.settle().await;
    let spoken_at = world.clockwork.now();
    world.after(Duration::from_secs(3_600)).await;
    let names = || world.sent().into_iter().map(|item| item.name).collect::<Vec<_>>();
    assert_eq!(names().len(), 2, "nobody answered, so the same bytes went again");
    world.answer(&[order_key("O1")], "4", "", spoken_at);
    world.after(SECOND).await;
    assert_eq!(world.state(id, Kind::Order).await, Some(State::Delivered));
    assert_eq!(names().len(), 2);
    world.answer(&[order_key("O1")], "4", "", world.clockwork.now());
    world.after(SECOND).await;
    let mut names = names();
    names.dedup();
    assert_eq!(names.len(), 2, "a 4 to what was sent last is tried anew");
}

/// Sent, declared by the port and sent again all the same, as if the answer had come while the courier had it in hand.
async fn sent_twice(world: &World) -> (DeclarationId, Timestamp) {
    let id = world.accept("O1", None, Plan { inventory: Duty::External, ..Lane::default().plan() }).await;
    world.settle().await;
    let spoken_at = world.clockwork.now();
    world.after(Duration::from_secs(3_600)).await;
    world.answer(&[order_key("O1")], "2", "", spoken_at);
    world.after(SECOND).await;
    assert_eq!((world.state(id, Kind::Order).await, world.sent().len()), (Some(State::Declaring), 2));
    (id, spoken_at + SECOND)
}

fn messages(world: &World) -> usize {
    world.sent().into_iter().map(|item| item.name).collect::<BTreeSet<_>>().len()
}

#[tokio::test]
async fn a_port_failure_that_may_be_about_either_copy_lets_the_same_bytes_go_once_more() {
    let world = world().await;
    let (id, failed_at) = sent_twice(&world).await;
    world.answer(&[order_key("O1")], "4", "", failed_at);
    world.after(SECOND).await;
    assert_eq!((world.state(id, Kind::Order).await, world.sent().len()), (Some(State::Declaring), 2));
    world.after(Duration::from_secs(3_600)).await;
    assert_eq!((world.sent().len(), messages(&world)), (3, 1), "customs has said nothing since, so it is asked with the same bytes");
    world.answer(&[order_key("O1")], "120", "", world.clockwork.now());
    world.after(SECOND).await;
    world.after(Duration::from_secs(7_200)).await;
    assert_eq!((world.state(id, Kind::Order).await, world.sent().len()), (Some(State::Stored), 3));
}

#[tokio::test]
async fn a_port_failure_counts_once_the_other_copy_was_turned_away() {
    for failure_first in [true, false] {
        let world = world().await;
        let (id, failed_at) = sent_twice(&world).await;
        let turned_away = world.clockwork.now();
        let failure = || world.answer(&[order_key("O1")], "4", "", failed_at);
        let repetition = || world.answer(&[order_key("O1")], REPETITION.0, REPETITION.1, turned_away);
        let words: [&dyn Fn(); 2] = if failure_first { [&failure, &repetition] } else { [&repetition, &failure] };
        words[0]();
        world.after(SECOND).await;
        assert_eq!((world.state(id, Kind::Order).await, messages(&world)), (Some(State::Declaring), 1), "{failure_first}");
        words[1]();
        world.after(SECOND).await;
        assert_eq!((world.state(id, Kind::Order).await, messages(&world)), (Some(State::Delivered), 2), "{failure_first}");
        // What comes late of the first message moves nothing of the second.
        repetition();
        failure();
        world.after(SECOND).await;
        assert_eq!((world.state(id, Kind::Order).await, messages(&world)), (Some(State::Delivered), 2), "{failure_first}");
    }
}

#[tokio::test]
async fn a_word_spoken_in_the_far_future_does_not_outlive_all_others() {
    let world = world().await;
    let id = world.accept("O1", None, Plan { inventory: Duty::External, ..Lane::default().plan() }).await;
    world.settle().await;
    world.answer(&[order_key("O1")], "2", "", START + Duration::from_secs(86_400 * 10_000));
    world.after(SECOND).await;
    world.answer(&[order_key("O1")], "100", "", world.clockwork.now() + SECOND);
    world.settle().await;
    assert_eq!(world.state(id, Kind::Order).await, Some(State::Refused));
}

#[tokio::test]
async fn what_is_nobodys_is_kept_and_handed_on_and_garbage_is_put_aside() {
    let world = world().await;
    let id = world.accept("O1", None, Plan { inventory: Duty::External, ..Lane::default().plan() }).await;
    world.settle().await;
    world.answer(&[order_key("O1"), order_key("SOMEBODY")], "2", "", START);
    for (name, bytes) in [("g1.xml", &b"\xff\xfe not XML"[..]), ("g2.xml", b"<a><b></a>"), ("g3.xml", b""), ("g4.xml", b"<Unknown/>")] {
        world.arrive(name, bytes.to_vec());
    }
    world.settle().await;
    assert_eq!(world.state(id, Kind::Order).await, Some(State::Declaring), "ours counts though its neighbour is nobody's");
    assert_eq!(world.store.unmatched(10).await.unwrap().len(), 1);
    let forwarded: Vec<_> = std::fs::read_dir(world.folder.path().join("forward")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(forwarded.len(), 1, "{forwarded:?}");
    assert_eq!(world.road.acknowledged.lock().unwrap().len(), 5);
    world.after(Duration::from_secs(600)).await;
    assert_eq!(world.store.unmatched(10).await.unwrap().len(), 1, "nothing is read twice");
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_acknowledged() {
    let world = world().await;
    world.arrive("a.xml", b"<a/>".to_vec());
    let closed: Arc<dyn Store> = Arc::new(Sqlite::open_read_only(&world.folder.path().join("tongguan.db")).await.unwrap());
    let receiver = Receiver::new(closed, world.clockwork.clone(), world.road.clone(), collector::Options::default());
    assert!(receiver.pass().await.is_err());
    assert!(world.road.acknowledged.lock().unwrap().is_empty());
    world.settle().await;
    assert_eq!(*world.road.acknowledged.lock().unwrap(), ["a.xml"]);
}

/// Leases what has come again and again, and never finishes: as a process does that is ended each time.
async fn lease_in_vain(world: &World) {
    for _ in 0..10 {
        let lease = Lease::take(&world.clockwork, SECOND);
        world.store.lease_arrivals(world.clockwork.now(), lease, None, 10).await.unwrap();
        world.clock.advance(SECOND * 2);
    }
}

#[tokio::test]
async fn good_receipts_count_however_often_their_reading_was_broken_off() {
    let world = world().await;
    let id = world.accept("O1", None, Plan { inventory: Duty::External, ..Lane::default().plan() }).await;
    world.settle().await;
    world.answer(&[order_key("O1")], "2", "", world.clockwork.now());
    world.arrive("garbage.xml", b"<a><b></a>".to_vec());
    world.receiver.pass().await.unwrap();
    lease_in_vain(&world).await;
    assert_eq!(world.collector.pass().await.unwrap(), 2);
    assert_eq!(world.state(id, Kind::Order).await, Some(State::Declaring));
    assert_eq!(world.collector.pass().await.unwrap(), 0, "both are finished");
}

#[tokio::test]
async fn a_large_answer_is_read_too() {
    let world = world().await;
    let id = world.accept("O1", None, Plan { inventory: Duty::External, ..Lane::default().plan() }).await;
    world.settle().await;
    world.answer(&[order_key("O1")], "2", "", world.clockwork.now());
    world.road.inward.lock().unwrap()[0].bytes.extend_from_slice(&[b'\n'; 300 << 10]);
    world.settle().await;
    assert_eq!(world.state(id, Kind::Order).await, Some(State::Declaring));
}

#[tokio::test]
async fn no_more_arrivals_are_leased_than_fit_in_memory_but_always_one() {
    let world = world().await;
    for (name, length) in [("a.xml", 1), ("b.xml", 65 << 20), ("c.xml", 1), ("d.xml", 1)] {
        world.arrive(name, vec![b'x'; length]);
    }
    world.receiver.pass().await.unwrap();
    let mut names = Vec::new();
    for _ in 0..4 {
        let lease = Lease::take(&world.clockwork, SECOND);
        let leased = world.store.lease_arrivals(world.clockwork.now(), lease, None, 10).await.unwrap();
        names.push(leased.into_iter().map(|arrival| arrival.name).collect::<Vec<_>>().concat());
    }
    assert_eq!(names, ["a.xml", "b.xml", "c.xmld.xml", ""]);
}
