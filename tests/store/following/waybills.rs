//! Another waybill for a declaration, and a waybill that says something else.

use std::sync::Arc;

use tongguan::{
    declaration::{Action, DocumentId, Kind},
    dossier::{Content, Document},
    state::State,
    store::{Change, Relabel, Relabelled, WaybillAccepted, WaybillRevision, Written},
};

use crate::store::{
    CARRIER, World,
    samples::{START, tenant, waybill_key},
};

on_each_store!(
    a_declaration_gets_another_waybill_until_it_is_somebody_elses,
    a_waybill_says_something_else_and_is_asked_about_by_documents_of_their_own,
);

async fn a_declaration_gets_another_waybill_until_it_is_somebody_elses(world: World) {
    let (one, two) = (world.accept_one("O1", Some("W1")).await, world.accept_one("O2", Some("W9")).await);
    let (first, third) = (world.waybill("W1"), world.waybill("W3"));
    world.store().accept_waybills(START, vec![first.clone(), third.clone()]).await.unwrap();
    let asked = async |declaration, waybill_no: &str| Relabel {
        declaration,
        tenant: tenant("local"),
        expected: vec![world.now(declaration, Kind::Inventory).await].into_iter().map(|document| (document.id, document.version)).collect(),
        carrier: CARRIER.into(),
        waybill_no: waybill_no.into(),
        entry: world.entry("bind_waybill", declaration.0),
    };
    let bound = async |waybill_no: &str| {
        let kept = world.store().waybill(None, CARRIER, waybill_no).await.unwrap();
        kept.map(|kept| (kept.declaration, kept.document.and_then(|document| document.declaration)))
    };
    assert_eq!(bound("W1").await, Some((Some(one), Some(one))));
    let stale = Relabel { expected: vec![(first.id, 99)], ..asked(one, "W2").await };
    assert_eq!(world.store().relabel(START, stale).await.unwrap(), Relabelled::Stale);
    // One that nobody has pushed yet.
    let relabel = asked(one, "W2").await;
    assert_eq!(world.store().relabel(START, relabel.clone()).await.unwrap(), Relabelled::Done);
    assert_eq!(world.store().relabel(START, relabel).await.unwrap(), Relabelled::Done, "the same again");
    assert_eq!(world.shown(one).await.dossier.waybill_no.as_deref(), Some("W2"));
    assert_eq!(world.shown(one).await.dossier.document(Kind::Waybill), None);
    assert_eq!(bound("W1").await, Some((None, None)), "the first one is free again");
    let hits = world.store().find(Some(&tenant("local")), &["W1".into(), "W2".into()]).await.unwrap();
    assert_eq!(hits.iter().map(|hit| hit.declaration).collect::<Vec<_>>(), [Some(one), Some(one)], "and the declaration is found by both");
    let second = world.waybill("W2");
    let kept = world.store().accept_waybills(START, vec![second.clone()]).await.unwrap();
    assert_eq!(kept, [WaybillAccepted::New { id: second.id, declaration: Some(one) }]);
    assert_eq!(world.store().relabel(START, asked(two, "W2").await).await.unwrap(), Relabelled::Taken);
    assert_eq!(world.shown(two).await.dossier.waybill_no.as_deref(), Some("W9"), "nothing was done");
    // One that was pushed and waits.
    assert_eq!(world.store().relabel(START, asked(two, "W3").await).await.unwrap(), Relabelled::Done);
    assert_eq!(bound("W3").await, Some((Some(two), Some(two))));
    assert!(world.now(two, Kind::Inventory).await.gate_at.is_some());
}

async fn a_waybill_says_something_else_and_is_asked_about_by_documents_of_their_own(world: World) {
    let (one, two) = (world.accept_one("O1", Some("W1")).await, world.accept_one("O2", Some("W2")).await);
    let waybill = world.waybill("W1");
    world.store().accept_waybills(START, vec![waybill.clone()]).await.unwrap();
    let first = world.now(one, Kind::Waybill).await;
    world.change(START, Document { state: State::Stored, packed: 1, ..first.clone() }).await;
    let stored = world.now(one, Kind::Waybill).await;
    let mut content = (*waybill.waybill).clone();
    content.packs = 7;
    let amendment = Document {
        action: Action::Amend,
        id: DocumentId::behind(first.id, world.clockwork.id()),
        ..world.document(Kind::Waybill, Some(one), State::Due)
    };
    let rewritten = WaybillRevision { waybill: waybill.id, content: Some(Arc::new(content.clone())), by: Some(amendment.id) };
    let change = Change {
        expected: vec![(stored.id, stored.version)],
        created: vec![amendment.clone()],
        rewritten: Some(rewritten),
        entries: vec![world.entry("amend_waybill", waybill.id.0)],
        ..Change::default()
    };
    assert_eq!(world.apply_change(change.clone()).await, Written::Done);
    let kept = world.store().waybill(None, CARRIER, "W1").await.unwrap().unwrap();
    assert_eq!((kept.id, kept.waybill.packs), (waybill.id, 7));
    assert_eq!(world.now(one, Kind::Waybill).await.id, amendment.id, "it counts from now on");
    let lease = world.lease();
    let batches = world.store().lease_documents(START, lease, 10).await.unwrap();
    let leased = batches.iter().flat_map(|batch| &batch.documents).find(|leased| leased.document.kind == Kind::Waybill).unwrap();
    assert_eq!((leased.document.id, &leased.content), (amendment.id, &Content::Waybill(Arc::new(content))));
    // Customs names the waybill alone: it means what it has.
    let meant = async || {
        let matches = world.store().matches(&[waybill_key("W1")]).await.unwrap();
        matches.of[0].map(|(_, document)| document)
    };
    assert_eq!(meant().await, Some(first.id));
    world.change(START, Document { state: State::Declaring, packed: 1, ..world.now(one, Kind::Waybill).await }).await;
    assert_eq!(meant().await, Some(amendment.id));
    // All of it goes where the waybill goes.
    for (declaration, waybill_no) in [(one, "W9"), (two, "W1")] {
        let inventory = world.now(declaration, Kind::Inventory).await;
        let relabel = Relabel {
            declaration,
            tenant: tenant("local"),
            expected: vec![(inventory.id, inventory.version)],
            carrier: CARRIER.into(),
            waybill_no: waybill_no.into(),
            entry: world.entry("bind_waybill", declaration.0),
        };
        assert_eq!(world.store().relabel(START, relabel).await.unwrap(), Relabelled::Done);
    }
    assert_eq!(world.shown(one).await.dossier.document(Kind::Waybill), None);
    assert_eq!(world.now(two, Kind::Waybill).await.id, amendment.id);
    assert_eq!(world.shown(two).await.dossier.spoken_of(Kind::Waybill).map(|document| document.id), Some(amendment.id));
}
