//! Packing and delivery: what is due is leased once, written under the lease alone, and goes again when nobody answers.

use std::time::Duration;

use tongguan::{
    declaration::{Kind, MessageId},
    dossier::{Content, Document, LastWord, Resent},
    queue::{Fault, Lease},
    state::State,
    store::{Application, Change, Delivery, MessageChange, Outcome, Settlement, Written},
};
use uuid::Uuid;

use super::{
    World,
    samples::{START, tenant},
};

on_each_store!(
    due_documents_are_leased_once_and_packed_under_their_token,
    documents_of_a_lot_and_of_a_stopped_sender_stay_apart,
    tenants_share_a_batch_and_each_has_its_earliest_deadline_first,
    the_queue_with_the_earliest_deadline_is_leased_first,
    what_is_leased_says_what_it_says_and_by_what_waybill,
    what_was_changed_meanwhile_is_not_packed,
    what_was_given_back_waits_as_long_as_was_said,
    deliveries_end_done_again_or_silent,
    the_earliest_deadline_is_delivered_first,
    what_may_have_been_sent_is_not_packed_anew,
    what_was_answered_while_it_was_sent_for_the_first_time_is_packed_anew,
    what_was_put_off_or_shelved_is_so,
    what_was_answered_does_not_go_again,
    what_was_turned_away_is_not_declared_again_by_its_old_message,
    a_stopped_sender_delivers_nothing_until_it_goes_on,
    whole_messages_are_dissolved_shelved_or_sent_again,
    gates_are_looked_at_when_they_are_due,
);

async fn due_documents_are_leased_once_and_packed_under_their_token(world: World) {
    for n in 0..101 {
        world.accept_one(&format!("O{n}"), None).await;
    }
    let lease = world.lease();
    let batches = world.store().lease_documents(START, lease, 10).await.unwrap();
    assert_eq!(batches.iter().map(|batch| batch.documents.len()).collect::<Vec<_>>(), [100], "one queue, a hundred at most");
    let rest = world.store().lease_documents(START, lease, 10).await.unwrap();
    assert_eq!(rest[0].documents.len(), 1);
    assert!(world.store().lease_documents(START, world.lease(), 10).await.unwrap().is_empty(), "what is leased is not leased again");
    let ids: Vec<_> = batches[0].documents.iter().map(|leased| leased.document.id).collect();
    let packing = world.packing(ids.clone(), Kind::Order);
    assert_eq!(world.store().pack(START, Uuid::nil(), packing.clone()).await.unwrap(), Written::Stale);
    assert_eq!(world.store().pack(START, lease.token, packing.clone()).await.unwrap(), Written::Done);
    assert_eq!(world.store().pack(START, lease.token, packing).await.unwrap(), Written::Done, "told again after an unknown commit");
    assert_eq!(
        world.store().pack(START, lease.token, world.packing(ids, Kind::Order)).await.unwrap(),
        Written::Stale,
        "not into a second message"
    );
    let expired = START + Duration::from_secs(61);
    let again = world.store().lease_documents(expired, world.lease(), 10).await.unwrap();
    assert_eq!(again[0].documents.len(), 1, "a lease ends by itself");
    world.store().give_back(lease.token, vec![rest[0].documents[0].document.id], expired).await.unwrap();
}

async fn documents_of_a_lot_and_of_a_stopped_sender_stay_apart(world: World) {
    let mut acceptances: Vec<_> = (0..4).map(|n| world.acceptance(&format!("O{n}"), None)).collect();
    acceptances[0].documents[0].lot = Some(Uuid::from_u128(1));
    acceptances[1].documents[0].lot = Some(Uuid::from_u128(2));
    world.store().accept(START, acceptances).await.unwrap();
    let sizes: Vec<_> =
        world.store().lease_documents(START, world.lease(), 10).await.unwrap().iter().map(|batch| batch.documents.len()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 4);
    assert_eq!(sizes.len(), 3);
    let stop = Application { stops: vec![("declarant".into(), "1002".into())], ..Application::default() };
    world.store().apply(START, stop).await.unwrap();
    let later = START + Duration::from_secs(61);
    assert!(world.store().lease_documents(later, world.lease(), 10).await.unwrap().is_empty());
    assert_eq!(world.store().stopped().await.unwrap().len(), 1);
    let senders = ["declarant".to_owned(), "nobody".to_owned()];
    for (most, count) in [(10, 4), (2, 2)] {
        assert_eq!(world.store().awaiting(&senders, most).await.unwrap(), [count, 0]);
    }
    assert_eq!(world.store().apply(later, world.resuming("declarant")).await.unwrap(), Written::Done);
    assert_eq!(world.store().lease_documents(later, world.lease(), 10).await.unwrap().len(), 3);
}

async fn tenants_share_a_batch_and_each_has_its_earliest_deadline_first(world: World) {
    let small = tenant("small");
    let mut acceptances: Vec<_> = (0..300).map(|n| world.acceptance(&format!("BIG{n}"), None)).collect();
    for n in 0..30 {
        let mut acceptance = world.acceptance(&format!("SMALL{n}"), None);
        acceptance.actor.tenant = small.clone();
        for document in &mut acceptance.documents {
            document.tenant = small.clone();
            document.needed_by = START + Duration::from_secs(90_000 - n);
        }
        acceptances.push(acceptance);
    }
    world.store().accept(START, acceptances).await.unwrap();
    let batch = world.store().lease_documents(START, world.lease(), 1).await.unwrap().remove(0);
    let of_small: Vec<_> = batch.documents.iter().map(|leased| &leased.document).filter(|document| document.tenant == small).collect();
    assert_eq!((batch.documents.len(), of_small.len()), (100, 30), "the smaller gets all of its half, the larger the rest");
    assert!(of_small.is_sorted_by_key(|document| document.needed_by));
    let next = world.store().lease_documents(START, world.lease(), 1).await.unwrap().remove(0);
    assert_eq!(next.documents.len(), 100);
}

async fn deliveries_end_done_again_or_silent(world: World) {
    let id = world.accept_one("O1", None).await;
    let message = world.pack_all().await[0];
    let lease = world.lease();
    assert!(world.store().lease_deliveries(START, lease, "huangpu", 10).await.unwrap().is_empty());
    let deliveries = world.store().lease_deliveries(START, lease, "guangzhou", 10).await.unwrap();
    assert_eq!((deliveries[0].message, deliveries[0].attempt, deliveries[0].bytes.as_slice()), (message, 1, b"<sealed/>".as_slice()));
    assert_eq!(deliveries[0].members[0].subject, id.0);
    let settle = |attempt, outcome| vec![Settlement { message, attempt, outcome, entries: Vec::new() }];
    let again = Outcome::Again { fault: Fault::Transient("no road".into()), at: START + Duration::from_secs(5) };
    assert_eq!(world.store().settle(START, Uuid::nil(), settle(1, again.clone())).await.unwrap(), [Written::Stale]);
    assert_eq!(world.store().settle(START, lease.token, settle(1, again)).await.unwrap(), [Written::Done]);
    assert!(world.store().lease_deliveries(START, lease, "guangzhou", 10).await.unwrap().is_empty());
    let soon = START + Duration::from_secs(5);
    let deliveries = world.store().lease_deliveries(soon, lease, "guangzhou", 10).await.unwrap();
    assert_eq!((deliveries[0].attempt, deliveries[0].failed), (2, 1));
    let silent_at = START + Duration::from_secs(60);
    assert_eq!(world.store().settle(soon, lease.token, settle(2, Outcome::Delivered { silent_at })).await.unwrap(), [Written::Done]);
    let shown = world.store().show(None, id).await.unwrap().unwrap();
    assert_eq!(shown.dossier.document(Kind::Order).unwrap().state, State::Delivered);
    let deliveries = world.store().lease_deliveries(silent_at, world.lease(), "guangzhou", 10).await.unwrap();
    assert_eq!((deliveries[0].attempt, deliveries[0].bytes.as_slice()), (3, b"<sealed/>".as_slice()), "silence: the same bytes again");
}

async fn what_was_turned_away_is_not_declared_again_by_its_old_message(world: World) {
    let (id, other) = (world.accept_one("O1", None).await, world.accept_one("O2", None).await);
    let message = world.pack_all().await[0];
    let lease = world.lease();
    let delivered = |attempt, at| vec![Settlement { message, attempt, outcome: Outcome::Delivered { silent_at: at }, entries: Vec::new() }];
    let (first, second) = (START + Duration::from_secs(10), START + Duration::from_secs(20));
    world.store().lease_deliveries(START, lease, "guangzhou", 10).await.unwrap();
    world.store().settle(START, lease.token, delivered(1, first)).await.unwrap();
    // Silence: the same bytes are on the road again when the port says of one document that it could not pass it on.
    assert_eq!(world.store().lease_deliveries(first, lease, "guangzhou", 10).await.unwrap().len(), 1);
    let free = world.store().show(None, id).await.unwrap().unwrap().dossier.document(Kind::Order).unwrap().clone();
    let free = Document { state: State::Due, port_failures: 1, ..free };
    let change = Change { expected: vec![(free.id, free.version)], documents: vec![free], ..Change::default() };
    world.store().apply(first, Application { changes: vec![change], ..Application::default() }).await.unwrap();
    assert!(world.store().lease_documents(first, world.lease(), 10).await.unwrap().is_empty(), "not while its bytes are on the road");
    world.store().settle(first, lease.token, delivered(2, second)).await.unwrap();
    let state = async |id| world.store().show(None, id).await.unwrap().unwrap().dossier.document(Kind::Order).unwrap().state;
    assert_eq!((state(id).await, state(other).await), (State::Delivered, State::Delivered), "they declare it anew");
    // The next silence finds it turned away: the old bytes stay where they are, and it goes in a message of its own.
    let free = world.store().show(None, id).await.unwrap().unwrap().dossier.document(Kind::Order).unwrap().clone();
    let free = Document { state: State::Due, port_failures: 2, ..free };
    let change = Change { expected: vec![(free.id, free.version)], documents: vec![free], ..Change::default() };
    world.store().apply(first, Application { changes: vec![change], ..Application::default() }).await.unwrap();
    let later = START + Duration::from_secs(100);
    assert!(world.store().lease_deliveries(later, world.lease(), "guangzhou", 10).await.unwrap().is_empty());
    assert_eq!(world.store().lease_documents(later, world.lease(), 10).await.unwrap()[0].documents.len(), 1);
}

async fn the_queue_with_the_earliest_deadline_is_leased_first(world: World) {
    let mut acceptances: Vec<_> = (0..3).map(|n| world.acceptance(&format!("O{n}"), None)).collect();
    for (n, acceptance) in (0..).zip(&mut acceptances) {
        acceptance.documents[0].road = format!("road{n}");
        acceptance.documents[0].needed_by = START + Duration::from_secs(100 - n);
    }
    world.store().accept(START, acceptances).await.unwrap();
    let batches = world.store().lease_documents(START, world.lease(), 2).await.unwrap();
    assert_eq!(batches.iter().map(|batch| batch.road.as_str()).collect::<Vec<_>>(), ["road2", "road1"]);
    let rest = world.store().lease_documents(START, world.lease(), 2).await.unwrap();
    assert_eq!(rest.iter().map(|batch| batch.road.as_str()).collect::<Vec<_>>(), ["road0"]);
}

async fn what_is_leased_says_what_it_says_and_by_what_waybill(world: World) {
    let (numbered, bare) = (world.accept_one("O1", Some("W1")).await, world.accept_one("O2", None).await);
    world.store().accept_waybills(START, vec![world.waybill("W1"), world.waybill("W9")]).await.unwrap();
    let batches = world.store().lease_documents(START, world.lease(), 10).await.unwrap();
    let mut said = Vec::new();
    for leased in batches.iter().flat_map(|batch| &batch.documents) {
        match &leased.content {
            Content::Declaration(declaration) => {
                said.push((leased.document.declaration, declaration.order.order_no.clone(), leased.waybill_no.clone()))
            }
            Content::Waybill(waybill) => said.push((leased.document.declaration, waybill.waybill_no.clone(), leased.waybill_no.clone())),
            Content::FollowUp(other) => panic!("nobody handed in {other:?}"),
        }
    }
    said.sort_by(|a, b| a.1.cmp(&b.1));
    let row = |declaration, says: &str, waybill_no: &str| (declaration, says.to_owned(), waybill_no.to_owned());
    assert_eq!(said, [row(Some(numbered), "O1", "W1"), row(Some(bare), "O2", ""), row(Some(numbered), "W1", "W1"), row(None, "W9", "W9")]);
}

async fn what_was_changed_meanwhile_is_not_packed(world: World) {
    let (id, other) = (world.accept_one("O1", None).await, world.accept_one("O2", None).await);
    let lease = world.lease();
    let batch = world.store().lease_documents(START, lease, 10).await.unwrap().remove(0);
    let held = world.now(id, Kind::Order).await;
    world.change(START, Document { state: State::Waiting, ..held }).await;
    let packing = world.packing(batch.documents.iter().map(|leased| leased.document.id).collect(), Kind::Order);
    assert_eq!(world.store().pack(START, lease.token, packing).await.unwrap(), Written::Stale);
    let left = world.now(other, Kind::Order).await;
    assert_eq!((left.state, left.message, left.packed), (State::Due, None, 0), "all or nothing");
    let (document, alone) = (left.id.0, world.packing(vec![left.id], Kind::Order));
    assert_eq!(world.store().pack(START, lease.token, alone).await.unwrap(), Written::Done, "the rest of the lease holds");
    assert_eq!(world.acts(document).await, ["pack"], "once");
}

async fn what_was_given_back_waits_as_long_as_was_said(world: World) {
    let id = world.accept_one("O1", None).await;
    let document = world.now(id, Kind::Order).await.id;
    let (lease, at) = (world.lease(), START + Duration::from_secs(5));
    assert_eq!(world.store().lease_documents(START, lease, 10).await.unwrap().len(), 1);
    world.store().give_back(Uuid::nil(), vec![document], START).await.unwrap();
    assert!(world.store().lease_documents(START, world.lease(), 10).await.unwrap().is_empty(), "by nobody who does not hold it");
    world.store().give_back(lease.token, vec![document], at).await.unwrap();
    assert_eq!(world.store().pack(START, lease.token, world.packing(vec![document], Kind::Order)).await.unwrap(), Written::Stale);
    let before = at - Duration::from_micros(1);
    assert!(world.store().lease_documents(before, world.lease(), 10).await.unwrap().is_empty());
    assert_eq!(world.store().lease_documents(at, world.lease(), 10).await.unwrap().len(), 1);
}

/// Leases what is due on the road of these tests.
async fn deliver(world: &World, now: tongguan::clock::Timestamp, lease: Lease) -> Vec<Delivery> {
    world.store().lease_deliveries(now, lease, "guangzhou", 10).await.unwrap()
}

fn ended(message: MessageId, attempt: u32, outcome: Outcome) -> Vec<Settlement> {
    vec![Settlement { message, attempt, outcome, entries: Vec::new() }]
}

async fn the_earliest_deadline_is_delivered_first(world: World) {
    let mut wanted = Vec::new();
    for n in 0..4_u64 {
        let id = world.accept_one(&format!("O{n}"), None).await;
        let lease = world.lease();
        world.store().lease_documents(START, lease, 1).await.unwrap();
        let mut packing = world.packing(vec![world.now(id, Kind::Order).await.id], Kind::Order);
        packing.needed_by = START + Duration::from_secs(100 - n);
        wanted.insert(0, packing.id);
        world.store().pack(START, lease.token, packing).await.unwrap();
    }
    let first = world.store().lease_deliveries(START, world.lease(), "guangzhou", 3).await.unwrap();
    assert_eq!(first.iter().map(|delivery| delivery.message).collect::<Vec<_>>(), wanted[..3]);
    let rest = world.store().lease_deliveries(START, world.lease(), "guangzhou", 3).await.unwrap();
    assert_eq!(rest.iter().map(|delivery| delivery.message).collect::<Vec<_>>(), wanted[3..]);
}

async fn what_may_have_been_sent_is_not_packed_anew(world: World) {
    let id = world.accept_one("O1", None).await;
    let message = world.pack_all().await[0];
    let lease = world.lease();
    deliver(&world, START, lease).await;
    let (soon, later) = (START + Duration::from_secs(5), START + Duration::from_secs(10));
    let unknown = |at| Outcome::Again { fault: Fault::Unknown("broke".into()), at };
    assert_eq!(world.store().settle(START, lease.token, ended(message, 1, unknown(soon))).await.unwrap(), [Written::Done]);
    deliver(&world, soon, lease).await;
    // A 4 comes, and nobody can say which copy it is about.
    let document = world.now(id, Kind::Order).await;
    let word = LastWord { code: "4".into(), at: soon, info: String::new() };
    world.change(soon, Document { state: State::Due, last_word: Some(word), ..document }).await;
    assert_eq!(world.store().settle(soon, lease.token, ended(message, 2, unknown(later))).await.unwrap(), [Written::Done]);
    assert_eq!(world.now(id, Kind::Order).await.state, State::Packed);
    assert!(world.store().lease_documents(later, world.lease(), 10).await.unwrap().is_empty());
    let again = deliver(&world, later, world.lease()).await;
    assert_eq!((again[0].message, again[0].attempt, again[0].failed, again[0].members[0].packed), (message, 3, 2, true));
    assert_eq!(world.now(id, Kind::Order).await.resent, Some(Resent { at: later, copies: 2, set_aside: Some(soon) }));
}

async fn what_was_answered_while_it_was_sent_for_the_first_time_is_packed_anew(world: World) {
    for (order, outcome) in [
        ("O1", Outcome::Delivered { silent_at: START + Duration::from_secs(5) }),
        ("O2", Outcome::Again { fault: Fault::Unknown("broke".into()), at: START + Duration::from_secs(5) }),
    ] {
        let id = world.accept_one(order, None).await;
        let message = world.pack_all().await[0];
        let lease = world.lease();
        deliver(&world, START, lease).await;
        // The 4 is read before the courier has written down that the message was taken: it can only be about that.
        let document = world.now(id, Kind::Order).await;
        world.change(START, Document { state: State::Due, ..document }).await;
        assert!(world.store().lease_documents(START, world.lease(), 10).await.unwrap().is_empty(), "not while it is on the road");
        assert_eq!(world.store().settle(START, lease.token, ended(message, 1, outcome)).await.unwrap(), [Written::Done]);
        assert_eq!(world.now(id, Kind::Order).await.state, State::Due);
        let later = START + Duration::from_secs(60);
        assert!(deliver(&world, later, world.lease()).await.is_empty(), "the old bytes stay where they are");
        let batches = world.store().lease_documents(later, world.lease(), 10).await.unwrap();
        assert_eq!(
            batches.iter().flat_map(|batch| &batch.documents).map(|leased| leased.document.id).collect::<Vec<_>>(),
            [world.now(id, Kind::Order).await.id]
        );
        world.change(later, Document { state: State::Closed, ..world.now(id, Kind::Order).await }).await;
    }
}

async fn what_was_put_off_or_shelved_is_so(world: World) {
    world.accept_one("O1", None).await;
    let message = world.pack_all().await[0];
    let (lease, soon) = (world.lease(), START + Duration::from_secs(5));
    deliver(&world, START, lease).await;
    let put_off = Outcome::PutOff { fault: Fault::Transient("no key".into()), at: soon };
    assert_eq!(world.store().settle(START, lease.token, ended(message, 1, put_off)).await.unwrap(), [Written::Done]);
    let lease = world.lease();
    let again = deliver(&world, soon, lease).await;
    assert_eq!((again[0].attempt, again[0].failed), (2, 0), "not counted as a failure");
    let shelved = Outcome::Shelved { fault: Fault::Permanent("no such road".into()) };
    assert_eq!(
        world.store().settle(soon, lease.token, ended(message, 1, shelved.clone())).await.unwrap(),
        [Written::Stale],
        "an older attempt"
    );
    assert_eq!(world.store().settle(soon, lease.token, ended(message, 2, shelved)).await.unwrap(), [Written::Done]);
    assert!(deliver(&world, soon + Duration::from_secs(86_400), world.lease()).await.is_empty());
}

async fn what_was_answered_does_not_go_again(world: World) {
    let id = world.accept_one("O1", None).await;
    let message = world.pack_all().await[0];
    let (lease, silent_at) = (world.lease(), START + Duration::from_secs(60));
    deliver(&world, START, lease).await;
    world.store().settle(START, lease.token, ended(message, 1, Outcome::Delivered { silent_at })).await.unwrap();
    let document = world.now(id, Kind::Order).await;
    world.change(START, Document { state: State::Declaring, ..document }).await;
    assert!(deliver(&world, silent_at, world.lease()).await.is_empty());
    assert_eq!(world.now(id, Kind::Order).await.resent, None);
}

async fn a_stopped_sender_delivers_nothing_until_it_goes_on(world: World) {
    world.accept_one("O1", None).await;
    let message = world.pack_all().await[0];
    let lease = world.lease();
    deliver(&world, START, lease).await;
    let later = START + Duration::from_secs(3_600);
    let again = Outcome::Again { fault: Fault::Transient("1002".into()), at: later };
    world.store().settle(START, lease.token, ended(message, 1, again)).await.unwrap();
    let stop = |reason: &str| Application { stops: vec![("declarant".into(), reason.into())], ..Application::default() };
    world.store().apply(START, stop("1002")).await.unwrap();
    world.store().apply(START, stop("2001")).await.unwrap();
    assert_eq!(world.store().stopped().await.unwrap(), [("declarant".to_owned(), "1002".to_owned())], "the first reason stays");
    assert!(deliver(&world, later, world.lease()).await.is_empty());
    assert_eq!(world.store().awaiting(&["declarant".to_owned()], 10).await.unwrap(), [1], "what is in its message");
    let soon = START + Duration::from_secs(5);
    assert_eq!(world.store().apply(soon, world.resuming("declarant")).await.unwrap(), Written::Done);
    assert!(world.store().stopped().await.unwrap().is_empty());
    assert_eq!(deliver(&world, soon, world.lease()).await.len(), 1, "what it had queued is due at once");
    assert_eq!(world.acts(Uuid::nil()).await, ["resume"]);
}

async fn whole_messages_are_dissolved_shelved_or_sent_again(world: World) {
    let mut messages = Vec::new();
    for n in 0..3 {
        world.accept_one(&format!("O{n}"), None).await;
        messages.extend(world.pack_all().await);
    }
    let lease = world.lease();
    assert_eq!(deliver(&world, START, lease).await.len(), 3);
    let soon = START + Duration::from_secs(5);
    let changes = vec![
        MessageChange::Dissolved(messages[0]),
        MessageChange::Shelved(messages[1], "3001".into()),
        MessageChange::Again(messages[2], soon),
    ];
    world.store().apply(START, Application { messages: changes, ..Application::default() }).await.unwrap();
    for message in &messages {
        let shelved = Outcome::Delivered { silent_at: soon };
        assert_eq!(world.store().settle(START, lease.token, ended(*message, 1, shelved)).await.unwrap(), [Written::Stale]);
    }
    let late: Vec<_> = messages.iter().map(|message| MessageChange::Again(*message, soon)).collect();
    world.store().apply(START, Application { messages: late, ..Application::default() }).await.unwrap();
    let again = deliver(&world, soon, world.lease()).await;
    assert_eq!(
        again.iter().map(|delivery| (delivery.message, delivery.attempt, delivery.failed)).collect::<Vec<_>>(),
        [(messages[2], 2, 2)]
    );
    let found = world.store().message(&messages[2].0.to_string().to_uppercase()).await.unwrap().unwrap();
    assert_eq!(
        (found.id, found.sender.as_str(), found.kind, found.sealed, found.documents.len()),
        (messages[2], "declarant", Kind::Order, 1, 1)
    );
    assert!(world.store().message("no guid").await.unwrap().is_none());
    assert!(world.store().message(&Uuid::nil().to_string()).await.unwrap().is_none());
}

async fn gates_are_looked_at_when_they_are_due(world: World) {
    let mut acceptances: Vec<_> = (0..3).map(|n| world.acceptance(&format!("O{n}"), None)).collect();
    for (n, acceptance) in (0..).zip(&mut acceptances) {
        acceptance.documents[1].gate_at = Some(START + Duration::from_secs(n));
        acceptance.needed_by = START + Duration::from_secs(1_000 - n);
    }
    acceptances.push(world.acceptance("O4", None));
    acceptances[3].documents[1].gate_at = None;
    let ids: Vec<_> = acceptances.iter().map(|acceptance| acceptance.id).collect();
    world.store().accept(START, acceptances).await.unwrap();
    let gates = async |seconds, limit| {
        let gated = world.store().gates(START + Duration::from_secs(seconds), limit).await.unwrap();
        gated.into_iter().map(|gated| gated.dossier.id).collect::<Vec<_>>()
    };
    assert_eq!(gates(0, 10).await, [ids[0]]);
    assert_eq!(gates(9, 10).await, [ids[2], ids[1], ids[0]], "earliest deadline first");
    assert_eq!(gates(9, 2).await, [ids[1], ids[0]], "those that wait longest are not passed over");
    assert_eq!(gates(9, 0).await, []);
    let inventory = world.now(ids[0], Kind::Inventory).await;
    world.change(START, Document { state: State::Due, gate_at: None, ..inventory }).await;
    assert_eq!(gates(9, 10).await, [ids[2], ids[1]]);
    let later = Change { waybills: vec![(inventory.id, None)], ..Change::default() };
    let done = world.store().apply(START, Application { changes: vec![later], ..Application::default() }).await.unwrap();
    assert_eq!(done, Written::Done, "a waybill that is not there is nobody's");
}
