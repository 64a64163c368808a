//! A commit may have been done though nobody heard of it. Whoever calls again with the same arguments finds what was done, and does
//! nothing twice.

use std::time::Duration;

use tongguan::{
    declaration::Kind,
    dossier::Document,
    queue::Fault,
    state::State,
    store::{
        Acceptance, Accepted, Application, Change, Disposition, KeptReceipt, Outcome, Sequencing, Settlement, WaybillAcceptance,
        WaybillAccepted, Written,
    },
};
use uuid::Uuid;

use super::{
    World,
    log::{place, restore},
    samples::{START, order, order_key, receipt},
};

on_each_store!(
    what_was_accepted_is_not_accepted_twice,
    a_waybill_that_was_kept_is_not_kept_twice,
    what_was_packed_is_not_packed_twice,
    what_was_settled_is_not_settled_twice,
    what_was_applied_is_not_applied_twice,
    what_was_kept_is_not_kept_twice,
    places_are_not_given_twice,
    what_was_given_back_or_resumed_may_be_so_again,
);

async fn what_was_accepted_is_not_accepted_twice(world: World) {
    let many = vec![
        world.acceptance("O1", Some("W1")),
        Acceptance { idempotency_key: Some("k".into()), ..world.acceptance("O2", Some("W2")) },
        world.acceptance("O3", Some("W1")),
    ];
    let (a, b) = (many[0].id, many[1].id);
    let first = world.store().accept(START, many.clone()).await.unwrap();
    assert_eq!(first, [Accepted::New(a), Accepted::New(b), Accepted::WaybillTaken]);
    for _ in 0..3 {
        let again = world.store().accept(START, many.clone()).await.unwrap();
        assert_eq!(again, [Accepted::Again(a), Accepted::Again(b), Accepted::WaybillTaken], "the same ids");
    }
    assert_eq!(world.all().await.len(), 2);
    assert_eq!(
        (world.acts(a.0).await.len(), world.shown(a).await.assessments.len(), world.shown(a).await.dossier.documents.len()),
        (1, 1, 2)
    );
}

async fn a_waybill_that_was_kept_is_not_kept_twice(world: World) {
    let order_id = world.accept_one("O1", None).await;
    let declaration = Some(order_id);
    let many = vec![WaybillAcceptance { order: Some(order("O1")), ..world.waybill("W1") }, world.waybill("W2")];
    let (a, b) = (many[0].id, many[1].id);
    let first = world.store().accept_waybills(START, many.clone()).await.unwrap();
    assert_eq!(first, [WaybillAccepted::New { id: a, declaration }, WaybillAccepted::New { id: b, declaration: None }]);
    let again = world.store().accept_waybills(START, many).await.unwrap();
    assert_eq!(again, [WaybillAccepted::Again { id: a, declaration }, WaybillAccepted::Again { id: b, declaration: None }]);
    assert_eq!((world.acts(a.0).await.len(), world.now(order_id, Kind::Waybill).await.version), (1, 1));
}

async fn what_was_packed_is_not_packed_twice(world: World) {
    let id = world.accept_one("O1", None).await;
    let lease = world.lease();
    world.store().lease_documents(START, lease, 10).await.unwrap();
    let packing = world.packing(vec![world.now(id, Kind::Order).await.id], Kind::Order);
    for _ in 0..3 {
        assert_eq!(world.store().pack(START, lease.token, packing.clone()).await.unwrap(), Written::Done);
    }
    let document = world.now(id, Kind::Order).await;
    assert_eq!((document.packed, document.version, document.message), (1, 1, Some(packing.id)));
    assert_eq!(world.acts(document.id.0).await, ["pack"]);
    assert_eq!(world.store().lease_deliveries(START, world.lease(), "guangzhou", 10).await.unwrap().len(), 1);
    assert_eq!(world.store().pack(START, lease.token, packing).await.unwrap(), Written::Done, "also while it is on the road");
}

async fn what_was_settled_is_not_settled_twice(world: World) {
    let id = world.accept_one("O1", None).await;
    let message = world.pack_all().await[0];
    let lease = world.lease();
    world.store().lease_deliveries(START, lease, "guangzhou", 10).await.unwrap();
    let fault = Fault::Transient("no road".into());
    let at = START + Duration::from_secs(5);
    let entries = vec![world.entry("deliver", id.0)];
    let many = vec![Settlement { message, attempt: 1, outcome: Outcome::Again { fault, at }, entries }];
    assert_eq!(world.store().settle(START, lease.token, many.clone()).await.unwrap(), [Written::Done]);
    // It may say that it was done or that there is nothing left to do; it does not do it again.
    world.store().settle(START, lease.token, many).await.unwrap();
    assert_eq!(world.acts(id.0).await, ["accept", "deliver"]);
    let again = world.store().lease_deliveries(at, world.lease(), "guangzhou", 10).await.unwrap();
    assert_eq!((again[0].attempt, again[0].failed), (2, 1));
}

async fn what_was_applied_is_not_applied_twice(world: World) {
    let id = world.accept_one("O1", None).await;
    world.store().keep(START, vec![world.arrival("a")]).await.unwrap();
    let lease = world.lease();
    let arrival = world.store().lease_arrivals(START, lease, None, 10).await.unwrap()[0].id;
    let document = world.now(id, Kind::Order).await;
    let kept =
        KeptReceipt { arrival, ordinal: 0, at: START, receipt: receipt(order_key("O1"), "2"), document: Some(document.id), effect: true };
    let application = Application {
        token: Some(lease.token),
        arrivals: vec![(arrival, Disposition::Read)],
        receipts: vec![kept],
        changes: vec![Change {
            expected: vec![(document.id, document.version)],
            documents: vec![Document { state: State::Declaring, ..document }],
            assessment: Some((id, "{}".into())),
            entries: vec![world.entry("receipt", id.0)],
            ..Change::default()
        }],
        ..Application::default()
    };
    assert_eq!(world.store().apply(START, application.clone()).await.unwrap(), Written::Done);
    // Stale means: look again; whoever looks finds that it was done.
    assert_eq!(world.store().apply(START, application).await.unwrap(), Written::Stale);
    let shown = world.shown(id).await;
    assert_eq!((shown.receipts.len(), shown.assessments.len(), shown.dossier.document(Kind::Order).unwrap().version), (1, 2, 1));
    assert_eq!(world.acts(id.0).await, ["accept", "receipt"]);
}

async fn what_was_kept_is_not_kept_twice(world: World) {
    let many = vec![world.arrival("a"), world.arrival("b")];
    for _ in 0..3 {
        world.store().keep(START, many.clone()).await.unwrap();
    }
    let lease = world.lease();
    let leased = world.store().lease_arrivals(START, lease, None, 10).await.unwrap();
    assert_eq!(leased.len(), 2);
    let arrivals = leased.iter().map(|arrival| (arrival.id, Disposition::Read)).collect();
    world.store().apply(START, Application { token: Some(lease.token), arrivals, ..Application::default() }).await.unwrap();
    world.store().keep(START, many).await.unwrap();
    assert!(world.store().lease_arrivals(lease.until, world.lease(), None, 10).await.unwrap().is_empty(), "what was read stays read");
}

async fn places_are_not_given_twice(world: World) {
    for n in 0..3 {
        world.accept_one(&format!("O{n}"), None).await;
    }
    let pending = world.store().pending_entries(10).await.unwrap();
    let mut tree = restore(&world.store().log_head().await.unwrap());
    let sequencing: Sequencing = place(&mut tree, &pending);
    assert_eq!(world.store().sequence(START, sequencing.clone()).await.unwrap(), Written::Done);
    assert_eq!(world.store().sequence(START, sequencing).await.unwrap(), Written::Stale);
    assert_eq!(world.store().log_head().await.unwrap().size, 3);
    assert_eq!(world.store().stored_entries(0, 10).await.unwrap().len(), 3);
    assert_eq!(world.store().stored_checkpoints().await.unwrap().len(), 1);
    let holder = Uuid::from_u128(1);
    let until = START + Duration::from_secs(5);
    for _ in 0..3 {
        assert!(world.store().take_role(START, "sequencer", holder, until).await.unwrap());
    }
}

async fn what_was_given_back_or_resumed_may_be_so_again(world: World) {
    let id = world.accept_one("O1", None).await;
    let document = world.now(id, Kind::Order).await.id;
    let (first, second) = (world.lease(), world.lease());
    world.store().lease_documents(START, first, 10).await.unwrap();
    world.store().give_back(first.token, vec![document], START).await.unwrap();
    assert_eq!(world.store().lease_documents(START, second, 10).await.unwrap().len(), 1);
    world.store().give_back(first.token, vec![document], START).await.unwrap();
    assert_eq!(
        world.store().pack(START, second.token, world.packing(vec![document], Kind::Order)).await.unwrap(),
        Written::Done,
        "the second's"
    );
    let stop = Application { stops: vec![("declarant".into(), "1002".into())], ..Application::default() };
    world.store().apply(START, stop).await.unwrap();
    assert_eq!(world.store().apply(START, world.resuming("declarant")).await.unwrap(), Written::Done);
    assert!(world.store().stopped().await.unwrap().is_empty());
}
