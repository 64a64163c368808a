//! Many at once on one row, from several handles as several nodes have them: one wins, the others are told so, nothing is half done.

use std::{future::Future, sync::Arc};

use futures_util::future::join_all;
use tongguan::{
    declaration::{DeclarationId, Kind},
    party::Actor,
    store::{Acceptance, Accepted, Store, WaybillAcceptance, WaybillAccepted},
};

use super::{
    World,
    samples::{CARRIER, START, order, tenant, waybill_key},
};

on_each_store!(
    of_many_that_want_one_order_number_one_has_it,
    of_many_that_want_one_key_one_has_it,
    of_many_that_want_one_waybill_number_one_has_it,
    of_many_waybills_of_one_number_one_is_kept,
    of_many_waybills_that_name_one_order_one_is_its,
    an_order_and_its_waybill_at_the_same_instant_find_each_other,
    a_waybill_that_names_one_order_and_is_claimed_by_another_has_one,
);

pub mod working;

const MANY: usize = 12;

/// Runs the same for many at once, each with a handle of its own.
async fn at_once<T, F: Future<Output = T>>(world: &World, many: usize, mut one: impl FnMut(usize, Arc<dyn Store>) -> F) -> Vec<T> {
    join_all((0..many).map(|n| one(n, Arc::clone(world.store())))).await
}

async fn accept_at_once(world: &World, many: Vec<Acceptance>) -> Vec<Accepted> {
    let one = async |store: Arc<dyn Store>, acceptance| store.accept(START, vec![acceptance]).await.unwrap().remove(0);
    join_all(many.into_iter().map(|acceptance| one(Arc::clone(world.store()), acceptance))).await
}

async fn push_at_once(world: &World, many: Vec<WaybillAcceptance>) -> Vec<WaybillAccepted> {
    let one = async |store: Arc<dyn Store>, acceptance| store.accept_waybills(START, vec![acceptance]).await.unwrap().remove(0);
    join_all(many.into_iter().map(|acceptance| one(Arc::clone(world.store()), acceptance))).await
}

/// The one that won.
fn winner(answers: &[Accepted]) -> DeclarationId {
    let won: Vec<_> = answers.iter().filter_map(|answer| if let Accepted::New(id) = answer { Some(*id) } else { None }).collect();
    let [id] = won[..] else { panic!("one wins: {answers:?}") };
    id
}

fn told(answers: &[Accepted], answer: Accepted) -> usize {
    answers.iter().filter(|other| **other == answer).count()
}

pub async fn of_many_that_want_one_order_number_one_has_it(world: World) {
    let same = accept_at_once(&world, (0..MANY).map(|_| world.acceptance("O1", None)).collect()).await;
    let id = winner(&same);
    assert_eq!(told(&same, Accepted::Again(id)), MANY - 1, "{same:?}");
    let other_body = |n: usize| Acceptance { digest: [u8::try_from(n).unwrap(); 32], ..world.acceptance("O2", None) };
    let differ = accept_at_once(&world, (0..MANY).map(other_body).collect()).await;
    winner(&differ);
    assert_eq!(told(&differ, Accepted::KeyConflict), MANY - 1, "{differ:?}");
    let other_key = |n: usize| Acceptance { idempotency_key: Some(format!("k{n}")), ..world.acceptance("O3", None) };
    let keyed = accept_at_once(&world, (0..MANY).map(other_key).collect()).await;
    winner(&keyed);
    assert_eq!(told(&keyed, Accepted::OrderTaken), MANY - 1, "{keyed:?}");
    let other_tenant = |n: usize| {
        let acceptance = world.acceptance("O4", None);
        Acceptance { actor: Actor { tenant: tenant(&format!("t{n}")), ..acceptance.actor }, ..acceptance }
    };
    let strange = accept_at_once(&world, (0..MANY).map(other_tenant).collect()).await;
    winner(&strange);
    assert_eq!(told(&strange, Accepted::OrderTaken), MANY - 1, "{strange:?}");
    assert_eq!(world.all().await.len(), 4);
    assert_eq!(world.store().pending_entries(100).await.unwrap().len(), 4, "who lost leaves no trace");
}

async fn of_many_that_want_one_key_one_has_it(world: World) {
    let keyed = |n: usize, same: bool| Acceptance {
        idempotency_key: Some(format!("{same}")),
        digest: [if same { 1 } else { u8::try_from(n).unwrap() }; 32],
        ..world.acceptance(&if same { "O".to_owned() } else { format!("O{n}") }, None)
    };
    let same = accept_at_once(&world, (0..MANY).map(|n| keyed(n, true)).collect()).await;
    let id = winner(&same);
    assert_eq!(told(&same, Accepted::Again(id)), MANY - 1, "{same:?}");
    let differ = accept_at_once(&world, (0..MANY).map(|n| keyed(n, false)).collect()).await;
    winner(&differ);
    assert_eq!(told(&differ, Accepted::KeyConflict), MANY - 1, "{differ:?}");
    assert_eq!(world.all().await.len(), 2);
}

async fn of_many_that_want_one_waybill_number_one_has_it(world: World) {
    // Batches that meet in several numbers, in different orders.
    let numbers = ["W1", "W2", "W3"];
    let batch = |n: usize| {
        let mut order: Vec<_> = (0..3).map(|k| (k + n) % 3).collect();
        if n.is_multiple_of(2) {
            order.reverse();
        }
        order.into_iter().map(|k| world.acceptance(&format!("O{n}-{k}"), Some(numbers[k]))).collect::<Vec<_>>()
    };
    let batches: Vec<_> = (0..MANY).map(batch).collect();
    let answers = at_once(&world, MANY, |n, store| {
        let batch = batches[n].clone();
        async move { store.accept(START, batch).await.unwrap() }
    });
    let answers = answers.await.concat();
    assert_eq!(told(&answers, Accepted::WaybillTaken), 3 * (MANY - 1), "{answers:?}");
    assert_eq!(world.all().await.len(), 3);
}

async fn of_many_waybills_of_one_number_one_is_kept(world: World) {
    let order_id = world.accept_one("O1", Some("W1")).await;
    let declaration = Some(order_id);
    let answers = push_at_once(&world, (0..MANY).map(|_| world.waybill("W1")).collect()).await;
    let new: Vec<_> = answers.iter().filter(|answer| matches!(answer, WaybillAccepted::New { .. })).collect();
    let [WaybillAccepted::New { id, declaration: bound }] = new[..] else { panic!("{answers:?}") };
    assert_eq!(*bound, declaration);
    let again = WaybillAccepted::Again { id: *id, declaration };
    assert_eq!(answers.iter().filter(|answer| **answer == again).count(), MANY - 1, "{answers:?}");
    let other = |n: usize| WaybillAcceptance { digest: [u8::try_from(n).unwrap(); 32], ..world.waybill("W2") };
    let answers = push_at_once(&world, (0..MANY).map(other).collect()).await;
    assert_eq!(answers.iter().filter(|answer| **answer == WaybillAccepted::Taken).count(), MANY - 1, "{answers:?}");
    assert_eq!(world.shown(order_id).await.dossier.documents.len(), 3);
}

async fn of_many_waybills_that_name_one_order_one_is_its(world: World) {
    let id = world.accept_one("O1", None).await;
    let named = |n: usize| WaybillAcceptance { order: Some(order("O1")), ..world.waybill(&format!("W{n}")) };
    let answers = push_at_once(&world, (0..MANY).map(named).collect()).await;
    let bound: Vec<_> = answers.iter().filter(|answer| matches!(answer, WaybillAccepted::New { declaration: Some(_), .. })).collect();
    let [WaybillAccepted::New { id: waybill, .. }] = bound[..] else { panic!("{answers:?}") };
    let dossier = world.shown(id).await.dossier;
    assert_eq!(
        dossier.documents.iter().filter(|document| document.kind == Kind::Waybill).map(|document| document.id).collect::<Vec<_>>(),
        [*waybill]
    );
    let number = dossier.waybill_no.expect("the number of its waybill");
    assert_eq!(world.store().waybill(None, CARRIER, &number).await.unwrap().unwrap().id, *waybill);
}

pub async fn an_order_and_its_waybill_at_the_same_instant_find_each_other(world: World) {
    const PAIRS: usize = 30;
    let pairs: Vec<_> = (0..PAIRS)
        .map(|n| {
            // Every second waybill names its order, the others are named by it.
            let (order_no, waybill_no) = (format!("O{n}"), format!("W{n}"));
            let pushed = world.waybill(&waybill_no);
            let named = n.is_multiple_of(2).then(|| order(&order_no));
            (world.acceptance(&order_no, (n % 2 == 1).then_some(waybill_no.as_str())), WaybillAcceptance { order: named, ..pushed })
        })
        .collect();
    let one = async |taking: Arc<dyn Store>, carrying: Arc<dyn Store>, (acceptance, waybill): (Acceptance, WaybillAcceptance)| {
        let (accepted, pushed) = tokio::join!(taking.accept(START, vec![acceptance]), carrying.accept_waybills(START, vec![waybill]));
        (accepted.unwrap().remove(0), pushed.unwrap().remove(0))
    };
    let wanted: Vec<_> =
        pairs.iter().map(|(acceptance, waybill)| (acceptance.id, waybill.id, waybill.waybill.waybill_no.clone())).collect();
    join_all(pairs.into_iter().map(|pair| one(Arc::clone(&world.handles[0]), Arc::clone(&world.handles[1]), pair))).await;
    let gated = world.store().gates(START, 100).await.unwrap();
    for (id, waybill, number) in wanted {
        let dossier = world.shown(id).await.dossier;
        assert_eq!(dossier.document(Kind::Waybill).map(|document| document.id), Some(waybill), "{number}");
        assert_eq!(dossier.waybill_no.as_ref(), Some(&number));
        assert_eq!(world.store().waybill(None, CARRIER, &number).await.unwrap().unwrap().declaration, Some(id));
        let gated = gated.iter().find(|gated| gated.dossier.id == id).expect("its gate is looked at");
        assert_eq!(gated.waybill.as_ref().map(|waybill| waybill.id), Some(waybill));
        let matches = world.store().matches(&[waybill_key(&number)]).await.unwrap();
        assert_eq!(matches.of, [Some((0, waybill))]);
    }
}

async fn a_waybill_that_names_one_order_and_is_claimed_by_another_has_one(world: World) {
    for n in 0..10 {
        let (named, claiming, number) = (format!("N{n}"), format!("C{n}"), format!("W{n}"));
        let pushed = WaybillAcceptance { order: Some(order(&named)), ..world.waybill(&number) };
        let (a, b) = (world.acceptance(&named, None), world.acceptance(&claiming, Some(&number)));
        let handles = [Arc::clone(world.store()), Arc::clone(world.store()), Arc::clone(world.store())];
        let (first, second, carried) = tokio::join!(
            handles[0].accept(START, vec![a.clone()]),
            handles[1].accept(START, vec![b.clone()]),
            handles[2].accept_waybills(START, vec![pushed.clone()]),
        );
        let (first, second) = (first.unwrap().remove(0), second.unwrap().remove(0));
        carried.unwrap();
        assert_eq!(first, Accepted::New(a.id));
        let kept = world.store().waybill(None, CARRIER, &number).await.unwrap().unwrap();
        let owner = kept.declaration.expect("one of them");
        let other = if owner == a.id { b.id } else { a.id };
        assert!([a.id, b.id].contains(&owner));
        if second == Accepted::WaybillTaken {
            assert_eq!(owner, a.id);
        } else {
            assert_eq!((second, world.shown(other).await.dossier.document(Kind::Waybill)), (Accepted::New(b.id), None));
        }
        assert_eq!(world.shown(owner).await.dossier.waybill_no, Some(number));
    }
}
