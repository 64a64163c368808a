//! Many nodes that work on one store: what is leased, changed, settled and put into its place.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::future::join_all;
use tongguan::{
    declaration::{DocumentId, Kind},
    dossier::Document,
    queue::Fault,
    state::State,
    store::{Accepted, Application, Change, Disposition, Outcome, Settlement, Store, Subject, WaybillAcceptance, Written},
};
use uuid::Uuid;

use super::{
    super::{
        World, changing,
        log::{place, restore},
        samples::{START, order, tenant, waybill_key},
    },
    MANY, at_once,
};

on_each_store!(
    no_document_is_leased_twice,
    no_message_is_leased_twice,
    no_arrival_is_leased_twice,
    one_packs_what_was_leased,
    one_settles_an_attempt,
    of_many_changes_of_one_version_one_is_done,
    changes_that_cross_are_all_done_in_the_end,
    a_document_is_changed_or_packed_not_both,
    an_arrival_that_comes_twice_at_once_is_kept_once,
    a_role_is_taken_by_one,
    two_nodes_sequence_one_size_once,
    entries_written_while_places_are_given_get_one_each,
    a_receipt_meets_a_waybill_whole,
);

/// Each of those leased, by how many.
fn by_how_many<T: Ord>(leased: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    for one in leased {
        *counts.entry(one).or_default() += 1;
    }
    counts
}

async fn no_document_is_leased_twice(world: World) {
    let mut many: Vec<_> = (0..250).map(|n| world.acceptance(&format!("O{n}"), None)).collect();
    for (n, acceptance) in many.iter_mut().enumerate() {
        acceptance.documents[0].tenant = tenant(["a", "b", "c"][n % 3]);
    }
    world.store().accept(START, many).await.unwrap();
    let mut leased = Vec::new();
    // Those who come at the same moment may find everything held by each other; then they come again.
    for _ in 0..20 {
        let leases: Vec<_> = (0..MANY).map(|_| world.lease()).collect();
        let batches = at_once(&world, MANY, |n, store| {
            let lease = leases[n];
            async move { store.lease_documents(START, lease, 2).await.unwrap() }
        });
        let batches = batches.await.concat();
        assert!(batches.iter().all(|batch| (1..=100).contains(&batch.documents.len())));
        leased.extend(batches.iter().flat_map(|batch| &batch.documents).map(|leased| leased.document.id));
    }
    let counts = by_how_many(leased);
    assert_eq!((counts.len(), counts.values().max()), (250, Some(&1)));
}

/// Messages of one document each.
async fn messages(world: &World, many: usize) {
    for n in 0..many {
        world.accept_one(&format!("O{n}"), None).await;
        world.pack_all().await;
    }
}

pub async fn no_message_is_leased_twice(world: World) {
    messages(&world, 25).await;
    let mut leased = Vec::new();
    for _ in 0..20 {
        let leases: Vec<_> = (0..MANY).map(|_| world.lease()).collect();
        let deliveries = at_once(&world, MANY, |n, store| {
            let lease = leases[n];
            async move { store.lease_deliveries(START, lease, "guangzhou", 3).await.unwrap() }
        });
        leased.extend(deliveries.await.concat());
    }
    assert!(leased.iter().all(|delivery| (delivery.attempt, delivery.members.len()) == (1, 1)));
    let counts = by_how_many(leased.iter().map(|delivery| delivery.message));
    assert_eq!((counts.len(), counts.values().max()), (25, Some(&1)));
}

async fn no_arrival_is_leased_twice(world: World) {
    let arrivals = (0..40).map(|n| tongguan::store::Arrival { digest: [n; 32], ..world.arrival("a") });
    world.store().keep(START, arrivals.collect()).await.unwrap();
    let mut leased = Vec::new();
    for _ in 0..20 {
        let leases: Vec<_> = (0..MANY).map(|_| world.lease()).collect();
        let arrivals = at_once(&world, MANY, |n, store| {
            let lease = leases[n];
            async move { store.lease_arrivals(START, lease, None, 3).await.unwrap() }
        });
        leased.extend(arrivals.await.concat().into_iter().map(|arrival| arrival.id));
    }
    let counts = by_how_many(leased);
    assert_eq!((counts.len(), counts.values().max()), (40, Some(&1)));
}

fn done(written: &[Written]) -> usize {
    written.iter().filter(|written| **written == Written::Done).count()
}

async fn one_packs_what_was_leased(world: World) {
    let ids: Vec<_> = [world.accept_one("O1", None).await, world.accept_one("O2", None).await].into();
    let lease = world.lease();
    world.store().lease_documents(START, lease, 10).await.unwrap();
    let mut documents = Vec::new();
    for id in &ids {
        documents.push(world.now(*id, Kind::Order).await.id);
    }
    let packings: Vec<_> = (0..MANY)
        .map(|n| {
            let mut documents = documents.clone();
            documents.rotate_left(n % 2);
            world.packing(documents, Kind::Order)
        })
        .collect();
    let written = at_once(&world, MANY, |n, store| {
        let packing = packings[n].clone();
        async move { store.pack(START, lease.token, packing).await.unwrap() }
    });
    assert_eq!(done(&written.await), 1);
    assert_eq!(world.store().lease_deliveries(START, world.lease(), "guangzhou", 10).await.unwrap().len(), 1);
    assert_eq!((world.now(ids[0], Kind::Order).await.packed, world.acts(documents[1].0).await.len()), (1, 1));
}

async fn one_settles_an_attempt(world: World) {
    messages(&world, 2).await;
    let lease = world.lease();
    let deliveries = world.store().lease_deliveries(START, lease, "guangzhou", 10).await.unwrap();
    let at = START + Duration::from_secs(5);
    let settlements = |n: usize| {
        let settlement = |delivery: &tongguan::store::Delivery| Settlement {
            message: delivery.message,
            attempt: 1,
            outcome: Outcome::Again { fault: Fault::Transient(n.to_string()), at },
            entries: vec![world.entry("deliver", delivery.members[0].subject)],
        };
        let mut many: Vec<_> = deliveries.iter().map(settlement).collect();
        many.rotate_left(n % 2);
        many
    };
    let many: Vec<_> = (0..MANY).map(settlements).collect();
    let written = at_once(&world, MANY, |n, store| {
        let many = many[n].clone();
        async move { store.settle(START, lease.token, many).await.unwrap() }
    });
    assert_eq!(done(&written.await.concat()), 2);
    let again = world.store().lease_deliveries(at, world.lease(), "guangzhou", 10).await.unwrap();
    assert_eq!(again.iter().map(|delivery| (delivery.attempt, delivery.failed)).collect::<Vec<_>>(), [(2, 1), (2, 1)]);
}

pub async fn of_many_changes_of_one_version_one_is_done(world: World) {
    let id = world.accept_one("O1", None).await;
    let document = world.now(id, Kind::Order).await;
    let change = |n: usize| {
        let changed = Document { port_failures: u32::try_from(n).unwrap(), ..document.clone() };
        let mut application = changing(changed);
        application.changes[0].entries = vec![world.entry("receipt", id.0)];
        application.changes[0].assessment = Some((id, "{}".into()));
        application
    };
    let changes: Vec<_> = (0..MANY).map(change).collect();
    let written = at_once(&world, MANY, |n, store| {
        let application = changes[n].clone();
        async move { store.apply(START, application).await.unwrap() }
    });
    let written = written.await;
    assert_eq!(done(&written), 1);
    let won = written.iter().position(|written| *written == Written::Done).unwrap();
    let kept = world.now(id, Kind::Order).await;
    assert_eq!((kept.version, kept.port_failures), (1, u32::try_from(won).unwrap()));
    assert_eq!((world.acts(id.0).await.len(), world.shown(id).await.assessments.len()), (2, 2));
}

async fn changes_that_cross_are_all_done_in_the_end(world: World) {
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(world.accept_one(&format!("O{n}"), None).await);
    }
    // Each wants all four, in an order of its own, and looks again as long as it came too late.
    let until_done = async |n: usize, store: Arc<dyn Store>| {
        for _ in 0..1_000 {
            let mut changes = Vec::new();
            for k in 0..4 {
                let id = ids[if n.is_multiple_of(2) { (k + n) % 4 } else { (n + 4 - k) % 4 }];
                let document = store.show(None, id).await.unwrap().unwrap().dossier.document(Kind::Order).unwrap().clone();
                changes.push(Change {
                    expected: vec![(document.id, document.version)],
                    documents: vec![Document { port_failures: document.port_failures + 1, ..document }],
                    ..Change::default()
                });
            }
            if store.apply(START, Application { changes, ..Application::default() }).await.unwrap() == Written::Done {
                return;
            }
        }
        panic!("it never came first");
    };
    let handles: Vec<_> = (0..MANY).map(|_| Arc::clone(world.store())).collect();
    join_all(handles.into_iter().enumerate().map(|(n, store)| until_done(n, store))).await;
    for id in ids {
        let document = world.now(id, Kind::Order).await;
        assert_eq!((document.version, document.port_failures), (i64::try_from(MANY).unwrap(), u32::try_from(MANY).unwrap()));
    }
}

async fn a_document_is_changed_or_packed_not_both(world: World) {
    for n in 0..10 {
        let id = world.accept_one(&format!("O{n}"), None).await;
        let lease = world.lease();
        world.store().lease_documents(START, lease, 10).await.unwrap();
        let document = world.now(id, Kind::Order).await;
        let packing = world.packing(vec![document.id], Kind::Order);
        let (packer, other) = (Arc::clone(world.store()), Arc::clone(world.store()));
        let held = changing(Document { state: State::Waiting, ..document });
        let (packed, changed) = tokio::join!(packer.pack(START, lease.token, packing), other.apply(START, held));
        let (packed, changed) = (packed.unwrap(), changed.unwrap());
        assert_ne!(packed, changed);
        let wanted = if packed == Written::Done { State::Packed } else { State::Waiting };
        assert_eq!(world.now(id, Kind::Order).await.state, wanted);
    }
}

async fn an_arrival_that_comes_twice_at_once_is_kept_once(world: World) {
    let batch = |n: usize| {
        let mut names = ["a", "b", "c"];
        names.rotate_left(n % 3);
        names.map(|name| world.arrival(name)).to_vec()
    };
    let batches: Vec<_> = (0..MANY).map(batch).collect();
    at_once(&world, MANY, |n, store| {
        let batch = batches[n].clone();
        async move { store.keep(START, batch).await.unwrap() }
    })
    .await;
    let lease = world.lease();
    let leased = world.store().lease_arrivals(START, lease, None, 100).await.unwrap();
    assert_eq!(
        leased.iter().map(|arrival| (arrival.name.as_str(), arrival.bytes.len())).collect::<Vec<_>>(),
        [("a", 4), ("b", 4), ("c", 4)]
    );
    let arrivals: Vec<_> = leased.iter().map(|arrival| (arrival.id, Disposition::Read)).collect();
    let written = at_once(&world, MANY, |_, store| {
        let read = Application { token: Some(lease.token), arrivals: arrivals.clone(), ..Application::default() };
        async move { store.apply(START, read).await.unwrap() }
    });
    assert_eq!(done(&written.await), 1);
}

async fn a_role_is_taken_by_one(world: World) {
    let until = START + Duration::from_secs(5);
    let taken = at_once(&world, MANY, |n, store| async move {
        store.take_role(START, "sequencer", Uuid::from_u128(u128::try_from(n).unwrap() + 1), until).await.unwrap()
    });
    assert_eq!(taken.await.into_iter().filter(|taken| *taken).count(), 1);
}

pub async fn two_nodes_sequence_one_size_once(world: World) {
    for n in 0..20 {
        world.accept_one(&format!("O{n}"), None).await;
    }
    let pending = world.store().pending_entries(100).await.unwrap();
    let mut sequencings: Vec<_> = (1..=10).map(|n| place(&mut restore(&Default::default()), &pending[..2 * n])).collect();
    sequencings.rotate_left(3);
    let written = at_once(&world, 10, |n, store| {
        let sequencing = sequencings[n].clone();
        async move { store.sequence(START, sequencing).await.unwrap() }
    });
    let written = written.await;
    assert_eq!(done(&written), 1);
    let won = written.iter().position(|written| *written == Written::Done).unwrap();
    let size = i64::try_from(sequencings[won].entries.len()).unwrap();
    assert_eq!(world.store().log_head().await.unwrap().size, size);
    assert_eq!(world.store().last_checkpoint().await.unwrap().unwrap().root, sequencings[won].root);
    assert_eq!(world.store().pending_entries(100).await.unwrap().len(), 20 - sequencings[won].entries.len());
}

async fn entries_written_while_places_are_given_get_one_each(world: World) {
    const EACH: usize = 12;
    let writers = (0..4).map(|writer| {
        let store = Arc::clone(world.store());
        let many: Vec<_> = (0..EACH).map(|n| world.acceptance(&format!("O{writer}-{n}"), None)).collect();
        async move {
            for acceptance in many {
                store.accept(START, vec![acceptance]).await.unwrap();
            }
        }
    });
    // Two sequencers that know nothing of each other.
    let sequencers = (0..2).map(|_| {
        let store = Arc::clone(world.store());
        async move {
            loop {
                let head = store.log_head().await.unwrap();
                if head.size == i64::try_from(4 * EACH).unwrap() {
                    return;
                }
                let pending = store.pending_entries(7).await.unwrap();
                if pending.is_empty() {
                    tokio::task::yield_now().await;
                    continue;
                }
                store.sequence(START, place(&mut restore(&head), &pending)).await.ok();
            }
        }
    });
    let all = async { tokio::join!(join_all(writers), join_all(sequencers)) };
    tokio::time::timeout(Duration::from_secs(60), all).await.expect("every entry gets a place");
    let rows = world.store().stored_entries(0, 1_000).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.position).collect::<Vec<_>>(), (0..i64::try_from(4 * EACH).unwrap()).collect::<Vec<_>>());
    assert_eq!(by_how_many(rows.iter().map(|row| row.id)).len(), 4 * EACH);
    assert!(world.store().pending_entries(10).await.unwrap().is_empty());
    let tree = restore(&world.store().log_head().await.unwrap());
    let mut anew = tongguan::audit::Tree::empty();
    anew.sequence(rows.iter().map(|row| tongguan::audit::leaf_hash(&row.body)));
    assert_eq!(tree.root(), anew.root(), "the root is that of the rows in their places");
}

async fn a_receipt_meets_a_waybill_whole(world: World) {
    for n in 0..20 {
        let (order_no, number) = (format!("O{n}"), format!("W{n}"));
        let pushed = WaybillAcceptance { order: Some(order(&order_no)), ..world.waybill(&number) };
        let waybill: DocumentId = pushed.id;
        world.store().accept_waybills(START, vec![pushed]).await.unwrap();
        let acceptance = world.acceptance(&order_no, None);
        let id = acceptance.id;
        let (binding, reading) = (Arc::clone(world.store()), Arc::clone(world.store()));
        let keys = [waybill_key(&number)];
        let look = async {
            let mut found = Vec::new();
            for _ in 0..5 {
                found.push(reading.matches(&keys).await.unwrap());
            }
            found
        };
        let (accepted, found) = tokio::join!(binding.accept(START, vec![acceptance]), look);
        assert_eq!(accepted.unwrap(), [Accepted::New(id)]);
        for matches in found {
            assert_eq!(matches.of, [Some((0, waybill))]);
            // Either nobody knows its order yet, or all of it is told.
            match &matches.subjects[0] {
                Subject::Waybill(document) => assert_eq!(document.declaration, None),
                Subject::Dossier(dossier) => assert_eq!((dossier.id, dossier.waybill_no.as_ref()), (id, Some(&number))),
            }
        }
    }
}
