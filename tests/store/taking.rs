//! What sellers submit and carriers push: taken once, found again, bound to each other from either side.

use std::{sync::Arc, time::Duration};

use tongguan::{
    declaration::{Kind, Waybill},
    party::Tenant,
    store::{Acceptance, Accepted, ListFilter, Lookup, WaybillAcceptance, WaybillAccepted},
};

use super::{
    World,
    samples::{CARRIER, START, order, party},
};

on_each_store!(
    the_same_request_gets_the_first_answer_and_another_is_refused,
    of_two_that_collide_in_one_batch_the_first_is_kept,
    a_request_under_a_key_is_known_by_it_alone,
    what_was_refused_binds_nothing,
    lookup_tells_what_is_taken,
    a_waybill_number_is_free_again_after_six_months,
    a_waybill_that_uses_an_old_number_again_is_bound_to_what_it_names,
    a_waybill_meets_its_order_from_either_side,
    a_waybill_that_names_its_order_gives_it_its_number,
    an_order_has_one_waybill_and_only_of_its_own_carrier,
    of_two_waybills_of_one_number_in_one_batch_the_first_is_kept,
    a_waybill_named_by_one_order_and_numbered_by_another_has_one,
    a_waybill_without_a_document_is_looked_at_once_its_order_is_known,
);

async fn the_same_request_gets_the_first_answer_and_another_is_refused(world: World) {
    let first = world.accept_one("O1", Some("W1")).await;
    let again = world.store().accept(START, vec![world.acceptance("O1", Some("W1"))]).await.unwrap();
    assert_eq!(again, [Accepted::Again(first)]);
    let other_body = Acceptance { digest: [8; 32], ..world.acceptance("O1", Some("W1")) };
    let other_key = Acceptance { idempotency_key: Some("mine".into()), ..world.acceptance("O1", Some("W2")) };
    let same_waybill = world.acceptance("O2", Some("W1"));
    let results = world.store().accept(START, vec![other_body, other_key, same_waybill]).await.unwrap();
    assert_eq!(results, [Accepted::KeyConflict, Accepted::OrderTaken, Accepted::WaybillTaken]);
    assert_eq!(world.store().list(ListFilter { limit: 10, ..ListFilter::default() }).await.unwrap().len(), 1);
}

async fn of_two_that_collide_in_one_batch_the_first_is_kept(world: World) {
    let (a, b) = (world.acceptance("O1", Some("W1")), world.acceptance("O1", Some("W1")));
    let c = Acceptance { idempotency_key: Some("c".into()), ..world.acceptance("O1", Some("W3")) };
    let d = world.acceptance("O2", Some("W1"));
    let id = a.id;
    let results = world.store().accept(START, vec![a, b, c, d]).await.unwrap();
    assert_eq!(results, [Accepted::New(id), Accepted::Again(id), Accepted::OrderTaken, Accepted::WaybillTaken]);
}

async fn lookup_tells_what_is_taken(world: World) {
    let id = world.accept_one("O1", Some("W1")).await;
    let ask = |key: Option<&str>, order_no: &str, waybill: Option<&str>| Lookup {
        tenant: Tenant::local(),
        idempotency_key: key.map(str::to_owned),
        order: order(order_no),
        waybill: waybill.map(|no| (CARRIER.to_owned(), no.to_owned())),
        owner: "OWNER".into(),
    };
    let asked = vec![ask(None, "O1", Some("W1")), ask(Some("x"), "O2", Some("W1")), ask(Some("x"), "O2", None)];
    let found = world.store().lookup(START, asked.clone()).await.unwrap();
    assert_eq!(found[0].bound, Some(([7; 32], id)));
    assert!(found[0].order_taken && found[0].waybill_taken);
    assert!(!found[1].order_taken && found[1].waybill_taken);
    assert_eq!(found[2], tongguan::store::Found::default());
    let pushed = world.waybill("W9");
    let waybill = Arc::new(Waybill { seller: Some(party("OTHER")), ..Waybill::clone(&pushed.waybill) });
    world.store().accept_waybills(START, vec![WaybillAcceptance { waybill, ..pushed }]).await.unwrap();
    let found_pushed = world.store().lookup(START, vec![ask(None, "O9", Some("W9")), ask(None, "O9", None)]).await.unwrap();
    assert_eq!(found_pushed.into_iter().map(|found| found.waybill_seller).collect::<Vec<_>>(), [Some("OTHER".to_owned()), None]);
    let later = world.store().lookup(START + Duration::from_secs(184 * 86_400), asked).await.unwrap();
    assert!(!later[1].waybill_taken, "a carrier may use a number again after six months");
}

async fn a_waybill_number_is_free_again_after_six_months(world: World) {
    let old = world.accept_one("O1", Some("W1")).await;
    let later = START + Duration::from_secs(184 * 86_400);
    let new = world.acceptance("O2", Some("W1"));
    let id = new.id;
    assert_eq!(world.store().accept(later, vec![new]).await.unwrap(), [Accepted::New(id)]);
    let hits = world.store().find(None, &["W1".into()]).await.unwrap();
    assert_eq!(hits.iter().map(|hit| hit.declaration).collect::<Vec<_>>(), [Some(id), Some(old)], "both are found, the newer first");
}

async fn a_waybill_meets_its_order_from_either_side(world: World) {
    let waybill = world.waybill("W1");
    let first = waybill.id;
    assert_eq!(world.store().accept_waybills(START, vec![waybill]).await.unwrap(), [WaybillAccepted::New { id: first, declaration: None }]);
    let early = world.accept_one("O1", Some("W1")).await;
    let late = world.accept_one("O2", Some("W2")).await;
    let dossiers: Vec<_> = world.store().gates(START, 10).await.unwrap().into_iter().map(|gated| gated.dossier).collect();
    assert_eq!(dossiers.len(), 2);
    assert_eq!(dossiers[0].document(Kind::Waybill).unwrap().declaration, Some(early));
    assert!(dossiers[1].document(Kind::Waybill).is_none());
    let second = world.waybill("W2");
    let id = second.id;
    assert_eq!(
        world.store().accept_waybills(START, vec![second.clone()]).await.unwrap(),
        [WaybillAccepted::New { id, declaration: Some(late) }]
    );
    assert_eq!(
        world.store().accept_waybills(START, vec![second.clone()]).await.unwrap(),
        [WaybillAccepted::Again { id, declaration: Some(late) }]
    );
    assert_eq!(
        world.store().accept_waybills(START, vec![WaybillAcceptance { digest: [3; 32], ..second }]).await.unwrap(),
        [WaybillAccepted::Taken]
    );
    let kept = world.store().waybill(Some(&Tenant::local()), CARRIER, "W2").await.unwrap().expect("the seller sees its carrier's waybill");
    assert_eq!(kept.declaration, Some(late));
    assert!(world.store().waybill(Some(&Tenant::parse("other").unwrap()), CARRIER, "W2").await.unwrap().is_none());
}

async fn a_waybill_that_names_its_order_gives_it_its_number(world: World) {
    let after = world.accept_one("O1", None).await;
    let results =
        world.store().accept_waybills(START, vec![WaybillAcceptance { order: Some(order("O1")), ..world.waybill("W1") }]).await.unwrap();
    assert!(matches!(results[..], [WaybillAccepted::New { declaration: Some(id), .. }] if id == after), "{results:?}");
    world.store().accept_waybills(START, vec![WaybillAcceptance { order: Some(order("O2")), ..world.waybill("W2") }]).await.unwrap();
    let before = world.accept_one("O2", None).await;
    let dossiers = world.store().list(ListFilter { limit: 10, ..ListFilter::default() }).await.unwrap().dossiers;
    assert_eq!(dossiers.iter().map(|dossier| dossier.id).collect::<Vec<_>>(), [after, before]);
    assert_eq!(dossiers.iter().map(|dossier| dossier.waybill_no.as_deref()).collect::<Vec<_>>(), [Some("W1"), Some("W2")]);
    assert!(dossiers.iter().all(|dossier| dossier.document(Kind::Waybill).is_some()));
    assert_eq!(world.store().find(None, &["W2".into()]).await.unwrap()[0].declaration, Some(before));
}

async fn an_order_has_one_waybill_and_only_of_its_own_carrier(world: World) {
    let named = |no: &str, order_no: &str| WaybillAcceptance { order: Some(order(order_no)), ..world.waybill(no) };
    let stranger = |no: &str, order_no: &str| {
        let acceptance = named(no, order_no);
        let waybill = Waybill { carrier: party("OTHER"), ..(*acceptance.waybill).clone() };
        WaybillAcceptance { waybill: Arc::new(waybill), ..acceptance }
    };
    let id = world.accept_one("O1", None).await;
    let results = world.store().accept_waybills(START, vec![stranger("X1", "O1"), named("W1", "O1"), named("W2", "O1")]).await.unwrap();
    let bound: Vec<_> = results
        .iter()
        .map(|result| if let WaybillAccepted::New { declaration, .. } = result { *declaration } else { panic!("{result:?}") })
        .collect();
    assert_eq!(bound, [None, Some(id), None]);
    world.store().accept_waybills(START, vec![stranger("X3", "O2"), named("W3", "O2"), named("W4", "O2")]).await.unwrap();
    let late = world.accept_one("O2", None).await;
    let shown = world.store().show(None, late).await.unwrap().unwrap();
    assert_eq!(shown.dossier.waybill_no.as_deref(), Some("W3"), "the first of its own carrier");
    assert_eq!(world.store().gates(START, 10).await.unwrap().len(), 2);
}

async fn a_request_under_a_key_is_known_by_it_alone(world: World) {
    let keyed = |key: &str, order_no: &str, digest| Acceptance {
        idempotency_key: Some(key.into()),
        digest: [digest; 32],
        ..world.acceptance(order_no, None)
    };
    let first = keyed("k", "O1", 1);
    let id = first.id;
    assert_eq!(world.store().accept(START, vec![first]).await.unwrap(), [Accepted::New(id)]);
    let asked = vec![keyed("k", "O1", 1), keyed("k", "O2", 1), keyed("k", "O1", 2), keyed("l", "O1", 1), world.acceptance("O1", None)];
    let answers = world.store().accept(START, asked).await.unwrap();
    // The digest covers the order: one that is equal names the same order, whatever the columns say.
    assert_eq!(answers, [Accepted::Again(id), Accepted::Again(id), Accepted::KeyConflict, Accepted::OrderTaken, Accepted::OrderTaken]);
    let odd = ["k'\"\\", "K", " k", "键", "%"];
    let many: Vec<_> = odd.iter().enumerate().map(|(n, key)| keyed(key, &format!("P{n}"), 3)).collect();
    let ids: Vec<_> = many.iter().map(|acceptance| Accepted::New(acceptance.id)).collect();
    assert_eq!(world.store().accept(START, many).await.unwrap(), ids, "keys differ by any letter");
}

async fn what_was_refused_binds_nothing(world: World) {
    let first = world.accept_one("O1", Some("W1")).await;
    let keyed =
        |order_no: &str, waybill_no: &str| Acceptance { idempotency_key: Some("k".into()), ..world.acceptance(order_no, Some(waybill_no)) };
    let refused = world.store().accept(START, vec![keyed("O1", "W2"), keyed("O2", "W1")]).await.unwrap();
    assert_eq!(refused, [Accepted::OrderTaken, Accepted::WaybillTaken]);
    let good = keyed("O2", "W2");
    let id = good.id;
    assert_eq!(world.store().accept(START, vec![good]).await.unwrap(), [Accepted::New(id)]);
    assert_eq!(world.all().await.len(), 2);
    assert_eq!(world.acts(first.0).await, ["accept"]);
}

async fn a_waybill_that_uses_an_old_number_again_is_bound_to_what_it_names(world: World) {
    let old = world.accept_one("O1", Some("W1")).await;
    let later = START + Duration::from_secs(184 * 86_400);
    let waiting = world.acceptance("O2", None);
    let id = waiting.id;
    world.store().accept(later, vec![waiting]).await.unwrap();
    let named = WaybillAcceptance { order: Some(order("O2")), ..world.waybill("W1") };
    let waybill = named.id;
    let answer = world.store().accept_waybills(later, vec![named]).await.unwrap();
    assert_eq!(answer, [WaybillAccepted::New { id: waybill, declaration: Some(id) }]);
    let hits = world.store().find(None, &["W1".into()]).await.unwrap();
    assert_eq!(hits.iter().map(|hit| hit.declaration).collect::<Vec<_>>(), [Some(id), Some(old)]);
    assert_eq!(world.shown(old).await.dossier.document(Kind::Waybill), None);
}

async fn of_two_waybills_of_one_number_in_one_batch_the_first_is_kept(world: World) {
    let id = world.accept_one("O1", Some("W1")).await;
    let (a, b) = (world.waybill("W1"), world.waybill("W1"));
    let c = WaybillAcceptance { digest: [3; 32], ..world.waybill("W1") };
    let first = a.id;
    let answers = world.store().accept_waybills(START, vec![a, b, c]).await.unwrap();
    let declaration = Some(id);
    assert_eq!(
        answers,
        [WaybillAccepted::New { id: first, declaration }, WaybillAccepted::Again { id: first, declaration }, WaybillAccepted::Taken]
    );
    assert_eq!(world.shown(id).await.dossier.documents.len(), 3);
}

async fn a_waybill_named_by_one_order_and_numbered_by_another_has_one(world: World) {
    // The waybill W1 names O1; the seller of O2 says that its number is W1. In one batch, and one after the other.
    for (round, together) in [("a", true), ("b", false)] {
        let (named, numbered, waybill_no) = (format!("O1{round}"), format!("O2{round}"), format!("W1{round}"));
        let pushed = WaybillAcceptance { order: Some(order(&named)), ..world.waybill(&waybill_no) };
        world.store().accept_waybills(START, vec![pushed]).await.unwrap();
        let (first, second) = (world.acceptance(&named, None), world.acceptance(&numbered, Some(&waybill_no)));
        let id = first.id;
        let answers = if together {
            world.store().accept(START, vec![first, second]).await.unwrap()
        } else {
            let mut answers = world.store().accept(START, vec![first]).await.unwrap();
            answers.extend(world.store().accept(START, vec![second]).await.unwrap());
            answers
        };
        assert_eq!(answers, [Accepted::New(id), Accepted::WaybillTaken]);
        let kept = world.store().waybill(None, CARRIER, &waybill_no).await.unwrap().unwrap();
        assert_eq!(kept.declaration, Some(id));
    }
}

async fn a_waybill_without_a_document_is_looked_at_once_its_order_is_known(world: World) {
    let id = world.accept_one("O1", Some("W1")).await;
    let inventory = world.now(id, Kind::Inventory).await;
    world.change(START, tongguan::dossier::Document { gate_at: None, ..inventory }).await;
    assert!(world.store().gates(START, 10).await.unwrap().is_empty());
    let lone = WaybillAcceptance { document: None, ..world.waybill("W2") };
    let of_order = WaybillAcceptance { document: None, ..world.waybill("W1") };
    let waybill = of_order.id;
    world.store().accept_waybills(START, vec![lone, of_order]).await.unwrap();
    let gated = world.store().gates(START, 10).await.unwrap();
    assert_eq!(gated.iter().map(|gated| (gated.dossier.id, gated.waybill.as_ref().unwrap().id)).collect::<Vec<_>>(), [(id, waybill)]);
    assert_eq!(gated[0].waybill.as_ref().unwrap().document, None);
    // Once its lane is known its document is made, and the waybill is settled.
    let made = tongguan::dossier::Document { id: waybill, ..world.document(Kind::Waybill, Some(id), tongguan::state::State::Due) };
    let change = tongguan::store::Change { created: vec![made], ..Default::default() };
    let inventory = tongguan::dossier::Document { gate_at: None, ..world.now(id, Kind::Inventory).await };
    let change = tongguan::store::Change { expected: vec![(inventory.id, inventory.version)], documents: vec![inventory], ..change };
    let done = world.store().apply(START, tongguan::store::Application { changes: vec![change], ..Default::default() }).await.unwrap();
    assert_eq!(done, tongguan::store::Written::Done);
    assert!(world.store().gates(START, 10).await.unwrap().is_empty());
    assert_eq!(world.now(id, Kind::Waybill).await.id, waybill);
}
