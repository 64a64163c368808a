//! Manifests, arrivals and departures that come before the declarations they are about.

use std::{sync::Arc, time::Duration};

use tongguan::{
    clock::Timestamp,
    declaration::{Arrival, DeclarationId, DocumentId, FollowUp, Kind, Part},
    store::{
        Accepted, Application, Change, Deadline, DeadlineChange, DeadlineKind, FollowUpAcceptance, FollowUpAccepted, FollowUpLookup,
        Matching, Named, NumberKind, Overtaking, Relabel, Relabelled, Written,
    },
};

use super::{
    CARRIER, World, declaration,
    following::manifest,
    party,
    samples::{START, tenant},
};

on_each_store!(
    what_came_before_its_declaration_is_matched_once_that_is_there,
    a_waybill_that_names_its_order_brings_it_what_waited_for_it,
    what_crossed_with_its_declaration_is_looked_at_later,
    a_look_that_nothing_came_of_is_not_taken_again_until_somebody_tells,
    what_was_relabelled_meanwhile_is_not_matched,
    another_waybill_takes_its_manifest_with_it,
);

fn arrival(bill_no: &str) -> FollowUp {
    FollowUp::Arrival(Arrival {
        declared_at: "5141".into(),
        operator: party("SITE"),
        transport: "5".into(),
        bill_no: Some(bill_no.into()),
        site: None,
        vehicle: "粤A12345".into(),
        carrier: party(CARRIER),
        part: Part::WHOLE,
        note: None,
        lines: Vec::new(),
    })
}

fn named(kind: NumberKind, number: &str) -> Named {
    Named { kind, number: number.into(), carrier: CARRIER.into() }
}

impl World {
    async fn keep_awaiting(&self, key: &str, follow_up: FollowUp, awaited: Vec<Named>) -> DocumentId {
        let mut acceptance: FollowUpAcceptance = self.follow_up(key, vec![follow_up]);
        acceptance.parts[0].awaited = awaited;
        acceptance.cut_off = Some(START + Duration::from_secs(3_600));
        assert_eq!(self.store().accept_follow_up(START, acceptance.clone()).await.unwrap(), FollowUpAccepted::New);
        acceptance.parts[0].id
    }

    async fn manifest_of(&self, bill_no: &str, waybill_nos: &[&str]) -> DocumentId {
        let awaited = waybill_nos.iter().map(|no| named(NumberKind::Waybill, no)).collect();
        self.keep_awaiting(bill_no, manifest(bill_no, Part::WHOLE, waybill_nos), awaited).await
    }

    async fn overtaken_at(&self, now: Timestamp) -> Vec<Overtaking> {
        self.store().overtaken(now, 100).await.unwrap()
    }

    /// What waits and whom it finds.
    async fn found(&self) -> Vec<(DocumentId, Option<DeclarationId>)> {
        let found = self.overtaken_at(START).await;
        found.into_iter().map(|overtaking| (overtaking.follow_up, overtaking.found.map(|dossier| dossier.id))).collect()
    }

    /// Writes down what a look came to, as the gatekeeper would.
    async fn match_all(&self, overtaken: Vec<Overtaking>) -> Written {
        let change = |overtaking: Overtaking| {
            let dossier = overtaking.found.as_ref();
            let inventory = dossier.and_then(|dossier| dossier.document(Kind::Inventory));
            let cut_off = dossier.zip(overtaking.cut_off).map(|(dossier, at)| {
                DeadlineChange::Set(Deadline { declaration: dossier.id, tenant: dossier.tenant.clone(), kind: DeadlineKind::CutOff, at })
            });
            Change {
                expected: inventory.map(|document| (document.id, document.version)).into_iter().collect(),
                deadlines: cut_off.into_iter().collect(),
                matched: vec![Matching {
                    follow_up: overtaking.follow_up,
                    kind: overtaking.kind,
                    bill_no: overtaking.bill_no.clone(),
                    named: overtaking.named.clone(),
                    look_at: overtaking.look_at,
                    member: dossier.map(|dossier| (dossier.id, dossier.tenant.clone())),
                }],
                ..Change::default()
            }
        };
        let changes = overtaken.into_iter().map(change).collect();
        self.store().apply(START, Application { changes, apart: true, ..Application::default() }).await.unwrap()
    }

    async fn match_now(&self) -> Written {
        let overtaken = self.overtaken_at(START).await;
        self.match_all(overtaken).await
    }

    async fn about(&self, id: DeclarationId) -> Vec<DocumentId> {
        self.shown(id).await.follow_ups.into_iter().map(|kept| kept.id).collect()
    }

    async fn of_bill(&self, bill_no: &str) -> Vec<DeclarationId> {
        let asked = FollowUpLookup {
            tenant: tenant("local"),
            key: "asks".into(),
            inventory_nos: Vec::new(),
            of_any_tenant: false,
            carrier: CARRIER.into(),
            waybill_nos: Vec::new(),
            bill_no: Some(bill_no.into()),
        };
        let found = self.store().follow_up_lookup(&asked).await.unwrap();
        found.of_bill.into_iter().map(|(id, _)| id).collect()
    }

    async fn relabelled(&self, id: DeclarationId, waybill_no: &str) {
        let inventory = self.now(id, Kind::Inventory).await;
        let relabel = Relabel {
            declaration: id,
            tenant: tenant("local"),
            expected: vec![(inventory.id, inventory.version)],
            carrier: CARRIER.into(),
            waybill_no: waybill_no.into(),
            entry: self.entry("bind_waybill", id.0),
        };
        assert_eq!(self.store().relabel(START, relabel).await.unwrap(), Relabelled::Done);
    }
}

async fn what_came_before_its_declaration_is_matched_once_that_is_there(world: World) {
    let on_bill = world.manifest_of("BILL9", &["W1", "W2"]).await;
    let arrived = world.keep_awaiting("a", arrival("BILL9"), vec![named(NumberKind::Bill, "BILL9")]).await;
    assert_eq!(world.found().await, [], "nobody has said anything yet");
    let one = world.accept_one("O1", Some("W1")).await;
    world.accept_one("O3", Some("W3")).await;
    assert_eq!(world.found().await, [(on_bill, Some(one))]);
    let of_manifest = world.overtaken_at(START).await.remove(0);
    assert_eq!((of_manifest.whole, of_manifest.kind, of_manifest.bill_no.as_deref()), (on_bill, Kind::Manifest, Some("BILL9")));
    assert_eq!((of_manifest.named, of_manifest.cut_off), (named(NumberKind::Waybill, "W1"), Some(START + Duration::from_secs(3_600))));
    assert_eq!(world.match_now().await, Written::Done);
    assert_eq!(world.about(one).await, [on_bill]);
    assert_eq!(world.of_bill("BILL9").await, [one], "a manifest gives its bill");
    assert_eq!(world.shown(one).await.deadlines.len(), 1);
    let hits = world.store().find(Some(&tenant("local")), &["BILL9".into()]).await.unwrap();
    assert!(hits.iter().any(|hit| hit.kind == NumberKind::Bill && hit.declaration == Some(one)), "{hits:?}");
    // That bill is what the arrival has waited for.
    assert_eq!(world.found().await, [(arrived, Some(one))]);
    assert_eq!(world.match_now().await, Written::Done);
    let mut about = vec![on_bill, arrived];
    about.sort_unstable();
    assert_eq!(world.about(one).await, about);
    assert_eq!(world.found().await, [(arrived, None)], "a bill is looked at until nothing new is on it");
    assert_eq!(world.match_now().await, Written::Done);
    assert_eq!(world.found().await, []);
    // The other parcel of the bill comes later still.
    let two = world.accept_one("O2", Some("W2")).await;
    for _ in 0..3 {
        world.match_now().await;
    }
    assert_eq!((world.about(two).await, world.found().await), (about, vec![]));
    assert_eq!(world.store().follow_up(None, on_bill).await.unwrap().unwrap().members, 2);
    let mut others = world.acceptance("O4", Some("W1"));
    Arc::make_mut(&mut others.declaration).inventory.carrier = party("ANOTHER");
    assert_eq!(world.store().accept(START, vec![others.clone()]).await.unwrap(), [Accepted::New(others.id)]);
    for _ in 0..2 {
        world.match_now().await;
    }
    assert_eq!(world.about(others.id).await, [], "another carrier's number");
}

async fn a_waybill_that_names_its_order_brings_it_what_waited_for_it(world: World) {
    let on_bill = world.manifest_of("BILL9", &["W1"]).await;
    let one = world.accept_one("O1", None).await;
    world.match_now().await;
    assert_eq!(world.about(one).await, []);
    let mut waybill = world.waybill("W1");
    waybill.order = Some(super::samples::order("O1"));
    world.store().accept_waybills(START, vec![waybill]).await.unwrap();
    assert_eq!(world.found().await, [(on_bill, Some(one))]);
    world.match_now().await;
    assert_eq!(world.about(one).await, [on_bill]);
}

/// A declaration that is accepted between the look and the commit of a manifest sees nothing of it, and the other way round.
async fn what_crossed_with_its_declaration_is_looked_at_later(world: World) {
    let one = world.accept_one("O1", Some("W1")).await;
    let on_bill = world.manifest_of("BILL9", &["W1", "W2"]).await;
    assert_eq!(world.found().await, []);
    let later = world.overtaken_at(START + Duration::from_secs(60)).await;
    let found: Vec<_> = later.iter().map(|found| (found.follow_up, found.found.as_ref().map(|dossier| dossier.id))).collect();
    assert_eq!(found, [(on_bill, Some(one)), (on_bill, None)]);
    assert_eq!(world.match_all(later).await, Written::Done);
    assert_eq!(world.about(one).await, [on_bill]);
    assert!(world.overtaken_at(START + Duration::from_secs(60)).await.is_empty(), "one look is enough");
}

async fn a_look_that_nothing_came_of_is_not_taken_again_until_somebody_tells(world: World) {
    let on_bill = world.manifest_of("BILL9", &["W1"]).await;
    let later = START + Duration::from_secs(60);
    let old = world.overtaken_at(later).await;
    assert_eq!(old.len(), 1);
    // Somebody tells while that look is taken: it must not be forgotten.
    let one = world.accept_one("O1", Some("W1")).await;
    assert_eq!(world.match_all(old).await, Written::Done);
    assert_eq!(world.found().await, [(on_bill, Some(one))]);
    let half_a_year = START + Duration::from_secs(184 * 86_400);
    let late = world.overtaken_at(half_a_year).await;
    assert!(late.iter().all(|overtaking| overtaking.found.is_none()), "by then a carrier may use the number for something else");
}

async fn what_was_relabelled_meanwhile_is_not_matched(world: World) {
    let on_bill = world.manifest_of("BILL9", &["W1"]).await;
    let one = world.accept_one("O1", Some("W1")).await;
    let old = world.overtaken_at(START).await;
    world.relabelled(one, "W2").await;
    assert_eq!(world.match_all(old).await, Written::Stale);
    assert_eq!(world.about(one).await, []);
    assert_eq!(world.found().await, [(on_bill, None)]);
}

async fn another_waybill_takes_its_manifest_with_it(world: World) {
    let one = world.accept_one("O1", Some("W1")).await;
    let wrong = world.manifest_of("BILL8", &["W1"]).await;
    let right = world.manifest_of("BILL9", &["W2"]).await;
    let arrived = world.keep_awaiting("a", arrival("BILL8"), vec![named(NumberKind::Bill, "BILL8")]).await;
    // It names the bill that the seller gave, which stays.
    let own = world.keep_awaiting("b", arrival("BILL1"), vec![named(NumberKind::Bill, "BILL1")]).await;
    assert_eq!(declaration("O1", None).inventory.bill_no.as_deref(), Some("BILL1"));
    for _ in 0..3 {
        let all = world.overtaken_at(START + Duration::from_secs(60)).await;
        world.match_all(all).await;
    }
    let mut about = vec![wrong, arrived, own];
    about.sort_unstable();
    assert_eq!(world.about(one).await, about);
    assert_eq!(world.of_bill("BILL8").await, [one]);
    world.relabelled(one, "W2").await;
    assert_eq!(world.about(one).await, [own]);
    assert_eq!((world.of_bill("BILL8").await, world.of_bill("BILL1").await), (vec![], vec![one]));
    assert!(world.shown(one).await.deadlines.is_empty(), "the cut-off was that of the other bill");
    world.match_now().await;
    let mut about = vec![own, right];
    about.sort_unstable();
    assert_eq!((world.about(one).await, world.of_bill("BILL9").await), (about, vec![one]));
    // Whoever gets the old number is on the old manifest.
    let two = world.accept_one("O2", Some("W1")).await;
    for _ in 0..2 {
        world.match_now().await;
    }
    assert!(world.about(two).await.contains(&wrong) && world.about(two).await.contains(&arrived));
}
