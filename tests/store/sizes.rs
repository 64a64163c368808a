//! Batches of none, one and a thousand.

use std::{collections::BTreeSet, time::Duration};

use tongguan::{
    declaration::Kind,
    dossier::Document,
    state::State,
    store::{Accepted, Application, Arrival, Change, Disposition, KeptReceipt, Lookup, Outcome, Settlement, WaybillAccepted, Written},
};
use uuid::Uuid;

use super::{
    World,
    log::place,
    samples::{CARRIER, START, order, order_key, receipt},
};

on_each_store!(nothing_is_done_for_nobody, a_thousand_lives_in_batches);

async fn nothing_is_done_for_nobody(world: World) {
    let lease = world.lease();
    assert!(world.store().lookup(START, Vec::new()).await.unwrap().is_empty());
    assert!(world.store().accept(START, Vec::new()).await.unwrap().is_empty());
    assert!(world.store().accept_waybills(START, Vec::new()).await.unwrap().is_empty());
    assert!(world.store().gates(START, 10).await.unwrap().is_empty());
    assert_eq!(world.store().apply(START, Application::default()).await.unwrap(), Written::Done);
    assert!(world.store().lease_documents(START, lease, 10).await.unwrap().is_empty());
    world.accept_one("O1", None).await;
    assert!(world.store().lease_documents(START, lease, 0).await.unwrap().is_empty());
    world.store().give_back(lease.token, Vec::new(), START).await.unwrap();
    assert!(world.store().lease_deliveries(START, lease, "guangzhou", 10).await.unwrap().is_empty());
    assert!(world.store().settle(START, lease.token, Vec::new()).await.unwrap().is_empty());
    world.store().keep(START, Vec::new()).await.unwrap();
    assert!(world.store().lease_arrivals(START, lease, None, 10).await.unwrap().is_empty());
    let matches = world.store().matches(&[]).await.unwrap();
    assert!(matches.subjects.is_empty() && matches.of.is_empty());
    assert!(world.store().pending_entries(0).await.unwrap().is_empty());
    assert!(world.store().stored_entries(0, 0).await.unwrap().is_empty());
    assert!(world.store().unmatched(10).await.unwrap().is_empty());
    assert_eq!(world.store().list(Default::default()).await.unwrap().dossiers, []);
}

async fn a_thousand_lives_in_batches(world: World) {
    let many: Vec<_> = (0..1_000).map(|n| world.acceptance(&format!("O{n}"), (n % 2 == 0).then(|| format!("W{n}")).as_deref())).collect();
    let ids: Vec<_> = many.iter().map(|acceptance| acceptance.id).collect();
    let answers = world.store().accept(START, many.clone()).await.unwrap();
    assert_eq!(answers, ids.iter().map(|id| Accepted::New(*id)).collect::<Vec<_>>());
    let again = world.store().accept(START, many).await.unwrap();
    assert_eq!(again, ids.iter().map(|id| Accepted::Again(*id)).collect::<Vec<_>>());
    let asked = (0..1_000).map(|n| Lookup {
        tenant: tongguan::party::Tenant::local(),
        idempotency_key: None,
        order: order(&format!("O{n}")),
        waybill: Some((CARRIER.into(), format!("W{n}"))),
        owner: "OWNER".into(),
    });
    let found = world.store().lookup(START, asked.collect()).await.unwrap();
    for (n, (found, id)) in found.iter().zip(&ids).enumerate() {
        assert_eq!((found.bound.map(|(_, id)| id), found.waybill_taken), (Some(*id), n % 2 == 0), "in the order asked");
    }
    let waybills: Vec<_> = (0..1_000).map(|n| world.waybill(&format!("W{n}"))).collect();
    let wanted: Vec<_> = (0..).zip(&waybills).zip(&ids).map(|((n, waybill), id)| (waybill.id, (n % 2 == 0).then_some(*id))).collect();
    let answers = world.store().accept_waybills(START, waybills).await.unwrap();
    assert_eq!(answers, wanted.into_iter().map(|(id, declaration)| WaybillAccepted::New { id, declaration }).collect::<Vec<_>>());
    assert_eq!(world.store().gates(START, 10_000).await.unwrap().len(), 1_000);
    let lease = world.lease();
    let batches = world.store().lease_documents(START, lease, 1).await.unwrap();
    assert_eq!(batches[0].documents.len(), 100);
    move_all(&world).await;
    deliver_all(&world).await;
    sequence_all(&world).await;
}

/// A thousand documents change in one application, with what a thousand receipts say.
async fn move_all(world: &World) {
    let arrivals = (0..1_000).map(|n| Arrival { digest: [u8::try_from(n % 250).unwrap(); 32], ..world.arrival(&format!("{n}")) });
    world.store().keep(START, arrivals.collect()).await.unwrap();
    let lease = world.lease();
    let leased = world.store().lease_arrivals(START, lease, None, 10_000).await.unwrap();
    assert_eq!(leased.len(), 1_000);
    let keys: Vec<_> = (0..1_000).map(|n| order_key(&format!("O{n}"))).collect();
    let matches = world.store().matches(&keys).await.unwrap();
    assert_eq!((matches.subjects.len(), matches.of.iter().flatten().count()), (1_000, 1_000));
    let mut application = Application { token: Some(lease.token), ..Application::default() };
    for ((arrival, key), of) in leased.iter().zip(keys).zip(&matches.of) {
        let (place, document) = of.unwrap();
        let tongguan::store::Subject::Dossier(dossier) = &matches.subjects[place] else { panic!("a dossier") };
        let inventory = dossier.document(Kind::Inventory).unwrap().clone();
        application.arrivals.push((arrival.id, Disposition::Read));
        let (at, receipt) = (START, receipt(key, "2"));
        application.receipts.push(KeptReceipt { arrival: arrival.id, ordinal: 0, at, receipt, document: Some(document), effect: true });
        application.changes.push(Change {
            expected: vec![(inventory.id, inventory.version)],
            entries: vec![world.entry("receipt", dossier.id.0)],
            documents: vec![Document { state: State::Due, gate_at: None, ..inventory }],
            ..Change::default()
        });
    }
    assert_eq!(world.store().apply(START, application).await.unwrap(), Written::Done);
    assert!(world.store().gates(START, 10).await.unwrap().is_empty());
}

async fn deliver_all(world: &World) {
    let mut packed = BTreeSet::new();
    loop {
        let lease = world.lease();
        let batches = world.store().lease_documents(START, lease, 1_000).await.unwrap();
        if batches.is_empty() {
            break;
        }
        for batch in batches {
            let documents: Vec<_> = batch.documents.iter().map(|leased| leased.document.id).collect();
            packed.extend(documents.iter().copied());
            let packing = world.packing(documents, batch.kind);
            assert_eq!(world.store().pack(START, lease.token, packing).await.unwrap(), Written::Done);
        }
    }
    // All but those that are leased by somebody else: 1,000 inventories, 1,000 waybills, 1,000 orders less 100.
    assert_eq!(packed.len(), 2_900);
    let lease = world.lease();
    let deliveries = world.store().lease_deliveries(START, lease, "guangzhou", 1_000).await.unwrap();
    assert_eq!(deliveries.iter().map(|delivery| delivery.members.len()).sum::<usize>(), 2_900);
    let silent_at = START + Duration::from_secs(60);
    let settlement = |delivery: &tongguan::store::Delivery| Settlement {
        message: delivery.message,
        attempt: delivery.attempt,
        outcome: Outcome::Delivered { silent_at },
        entries: delivery.members.iter().map(|member| world.entry("deliver", member.subject)).collect(),
    };
    let settled = world.store().settle(START, lease.token, deliveries.iter().map(settlement).collect()).await.unwrap();
    assert!(settled.iter().all(|written| *written == Written::Done));
    let counts = world.store().counts(None).await.unwrap();
    assert_eq!(counts.iter().filter(|count| count.state == State::Delivered).map(|count| count.count).sum::<i64>(), 2_900);
}

async fn sequence_all(world: &World) {
    let mut tree = tongguan::audit::Tree::empty();
    let mut seen = BTreeSet::<Uuid>::new();
    loop {
        let pending = world.store().pending_entries(1_000).await.unwrap();
        if pending.is_empty() {
            break;
        }
        assert!(pending.iter().all(|entry| seen.insert(entry.id)), "each once");
        assert_eq!(world.store().sequence(START, place(&mut tree, &pending)).await.unwrap(), Written::Done);
    }
    // 1,000 orders and 1,000 waybills taken, 1,000 receipts, 2,900 packed and delivered.
    assert_eq!(seen.len(), 3_000 + 2 * 2_900);
}
