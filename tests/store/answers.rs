//! What comes from customs: kept once, read by one, matched to what it is about, and applied whole or not at all.

use std::time::Duration;

use tongguan::{
    declaration::{DocumentId, InventoryNo, Kind, PortNo},
    dossier::{Document, LastWord},
    party::Tenant,
    queue::Lease,
    state::State,
    store::{Application, Arrival, Change, Disposition, Error, KeptReceipt, LeasedArrival, Number, NumberKind, Subject, Written},
};
use uuid::Uuid;

use super::{
    World, changing,
    samples::{START, inventory_key, order_key, receipt, waybill_key},
};

on_each_store!(
    what_arrives_is_kept_once_and_applied_whole_or_not_at_all,
    what_differs_in_name_road_or_bytes_is_kept_beside,
    arrivals_are_read_in_the_order_in_which_they_came,
    what_a_node_received_is_its_own_to_read_at_first,
    one_lease_brings_no_more_into_memory_than_is_good,
    what_cannot_be_read_is_put_aside,
    what_nobody_can_place_yet_is_leased_again_later,
    an_arrival_whose_lease_was_lost_is_not_closed,
    every_change_of_an_application_is_done_or_none,
    changes_that_stand_apart_are_done_but_for_stale_ones,
    an_inventory_that_waits_is_woken_in_whatever_version,
    what_a_change_says_is_kept_as_said,
    a_receipt_is_kept_once,
    a_decision_is_kept_beside_the_earlier_ones,
    inventories_are_matched_by_their_number_or_by_their_order,
    keys_lead_to_the_document_that_is_meant,
);

async fn what_arrives_is_kept_once_and_applied_whole_or_not_at_all(world: World) {
    let id = world.accept_one("O1", None).await;
    world.pack_all().await;
    world.store().keep(START, vec![world.arrival("a.xml"), world.arrival("b.xml")]).await.unwrap();
    world.store().keep(START, vec![world.arrival("a.xml")]).await.unwrap();
    let lease = world.lease();
    let leased = world.store().lease_arrivals(START, lease, None, 10).await.unwrap();
    assert_eq!(leased.iter().map(|arrival| arrival.name.as_str()).collect::<Vec<_>>(), ["a.xml", "b.xml"]);
    let key = order_key("O1");
    let stranger = waybill_key("W9");
    let matches = world.store().matches(&[key.clone(), stranger.clone()]).await.unwrap();
    let (place, document) = matches.of[0].unwrap();
    assert_eq!(matches.of[1], None);
    let Subject::Dossier(dossier) = &matches.subjects[place] else { panic!("a dossier") };
    let mut moved = dossier.document(Kind::Order).unwrap().clone();
    moved.state = State::Declaring;
    let application = |version| Application {
        token: Some(lease.token),
        arrivals: leased.iter().map(|arrival| (arrival.id, Disposition::Read)).collect(),
        receipts: vec![
            KeptReceipt {
                arrival: leased[0].id,
                ordinal: 0,
                at: START,
                receipt: receipt(key.clone(), "2"),
                document: Some(document),
                effect: true,
            },
            KeptReceipt {
                arrival: leased[0].id,
                ordinal: 1,
                at: START,
                receipt: receipt(stranger.clone(), "2"),
                document: None,
                effect: false,
            },
        ],
        changes: vec![Change {
            expected: vec![(document, version)],
            documents: vec![moved.clone()],
            entries: vec![world.entry("receipt", id.0)],
            ..Change::default()
        }],
        ..Application::default()
    };
    assert_eq!(world.store().apply(START, application(moved.version + 1)).await.unwrap(), Written::Stale);
    assert!(world.store().unmatched(10).await.unwrap().is_empty(), "a stale application leaves nothing");
    assert_eq!(world.store().apply(START, application(moved.version)).await.unwrap(), Written::Done);
    assert_eq!(world.store().apply(START, application(moved.version)).await.unwrap(), Written::Stale, "not twice");
    let shown = world.store().show(None, id).await.unwrap().unwrap();
    assert_eq!(shown.dossier.document(Kind::Order).unwrap().state, State::Declaring);
    assert_eq!(shown.receipts.len(), 1);
    assert_eq!(world.store().unmatched(10).await.unwrap()[0].receipt.key, stranger);
    assert!(world.store().lease_arrivals(START, world.lease(), None, 10).await.unwrap().is_empty());
}

async fn inventories_are_matched_by_their_number_or_by_their_order(world: World) {
    let acceptance = world.acceptance("O1", Some("W1"));
    let enterprise_no = acceptance.documents[1].enterprise_no.clone().unwrap().0;
    let inventory = acceptance.documents[1].id;
    world.store().accept(START, vec![acceptance]).await.unwrap();
    world.store().accept_waybills(START, vec![world.waybill("W1"), world.waybill("W2")]).await.unwrap();
    let (key, waybill) = (|enterprise_no: &str| inventory_key(enterprise_no, "O1"), waybill_key);
    let matches = world.store().matches(&[key(&enterprise_no), key(""), key("TGUNKNOWN"), waybill("W1"), waybill("W2")]).await.unwrap();
    assert_eq!(matches.of[0].map(|(_, id)| id), Some(inventory));
    assert_eq!(matches.of[1].map(|(_, id)| id), Some(inventory));
    assert_eq!(matches.of[2], None);
    assert!(matches!(matches.subjects[matches.of[3].unwrap().0], Subject::Dossier(_)));
    assert!(matches!(matches.subjects[matches.of[4].unwrap().0], Subject::Waybill(_)));
    assert_eq!(matches.subjects.len(), 2);
    let hits = world.store().find(Some(&Tenant::local()), &[enterprise_no, "BILL1".into(), "nothing".into()]).await.unwrap();
    assert_eq!(hits.iter().map(|hit| hit.kind).collect::<Vec<_>>(), [NumberKind::Enterprise, NumberKind::Bill]);
    assert!(world.store().find(Some(&Tenant::parse("other").unwrap()), &["O1".into()]).await.unwrap().is_empty());
}

async fn what_differs_in_name_road_or_bytes_is_kept_beside(world: World) {
    let first = world.arrival("a");
    let other_road = Arrival { road: "huangpu".into(), ..world.arrival("a") };
    let other_bytes = Arrival { bytes: b"<other/>".to_vec(), digest: [3; 32], ..world.arrival("a") };
    let again = world.arrival("a");
    let mut kept = [first.id, other_road.id, other_bytes.id];
    world.store().keep(START, vec![first.clone(), other_road, other_bytes, again, first]).await.unwrap();
    let mut leased = world.store().lease_arrivals(START, world.lease(), None, 10).await.unwrap();
    leased.sort_by_key(|arrival| arrival.id);
    kept.sort_unstable();
    assert_eq!(leased.iter().map(|arrival| arrival.id).collect::<Vec<_>>(), kept);
    for arrival in leased {
        let bytes: &[u8] = if arrival.bytes.len() == 4 { b"<r/>" } else { b"<other/>" };
        assert_eq!((arrival.name.as_str(), arrival.bytes.as_slice(), arrival.at, arrival.attempt), ("a", bytes, START, 1));
    }
}

async fn arrivals_are_read_in_the_order_in_which_they_came(world: World) {
    let arrival = |name: &str| Arrival { digest: [name.as_bytes()[0]; 32], ..world.arrival(name) };
    world.store().keep(START + Duration::from_secs(1), vec![arrival("c"), arrival("a")]).await.unwrap();
    // Another node's clock is behind.
    world.store().keep(START, vec![arrival("d"), arrival("B")]).await.unwrap();
    let mut names = Vec::new();
    for _ in 0..4 {
        let leased = world.store().lease_arrivals(START, world.lease(), None, 1).await.unwrap();
        names.extend(leased.into_iter().map(|arrival| arrival.name));
    }
    assert_eq!(names, ["B", "d", "a", "c"]);
    let lease = world.lease();
    let second = world.store().lease_arrivals(lease.until, lease, None, 10).await.unwrap();
    assert_eq!(second.iter().map(|arrival| arrival.attempt).collect::<Vec<_>>(), [2; 4], "a lease that ended by itself counts");
}

async fn what_a_node_received_is_its_own_to_read_at_first(world: World) {
    let until = |seconds| START + Duration::from_secs(seconds);
    let lease = |seconds| Lease { until: until(seconds), ..world.lease() };
    let own = lease(5);
    let other = Some(Uuid::from_u128(7));
    let arrival = |name: &str, reserved| Arrival { digest: [name.as_bytes()[0]; 32], reserved, ..world.arrival(name) };
    world.store().keep(START, vec![arrival("a", Some(own)), arrival("b", None), arrival("c", Some(own))]).await.unwrap();
    let names = |leased: &[LeasedArrival]| leased.iter().map(|arrival| arrival.name.clone()).collect::<Vec<_>>();
    let others = world.store().lease_arrivals(START, lease(60), other, 10).await.unwrap();
    assert_eq!(names(&others), ["b"], "what is reserved is left to whom it is for");
    assert!(world.store().lease_arrivals(START, lease(60), None, 10).await.unwrap().is_empty(), "nobody in particular is another, too");
    let mine = lease(60);
    let first = world.store().lease_arrivals(START, mine, Some(own.token), 1).await.unwrap();
    assert_eq!((names(&first), first[0].attempt), (vec!["a".to_owned()], 1));
    let rest = world.store().lease_arrivals(own.until, lease(60), other, 10).await.unwrap();
    assert_eq!(names(&rest), ["c"], "its node has left it for too long; what that one reads now is still its own");
    let read = Application { token: Some(mine.token), arrivals: vec![(first[0].id, Disposition::Read)], ..Application::default() };
    assert_eq!(world.store().apply(START, read).await.unwrap(), Written::Done);
}

async fn one_lease_brings_no_more_into_memory_than_is_good(world: World) {
    let large = |name: &str, mib: usize| Arrival { bytes: vec![b'x'; mib << 20], digest: [name.as_bytes()[0]; 32], ..world.arrival(name) };
    world.store().keep(START, vec![large("a", 40), large("b", 20)]).await.unwrap();
    world.store().keep(START, vec![large("c", 10), large("d", 1)]).await.unwrap();
    let leased = world.store().lease_arrivals(START, world.lease(), None, 10).await.unwrap();
    assert_eq!(leased.iter().map(|arrival| arrival.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let rest = world.store().lease_arrivals(START, world.lease(), None, 10).await.unwrap();
    assert_eq!(rest.iter().map(|arrival| arrival.name.as_str()).collect::<Vec<_>>(), ["c", "d"]);
}

async fn what_cannot_be_read_is_put_aside(world: World) {
    world.store().keep(START, vec![world.arrival("a")]).await.unwrap();
    let lease = world.lease();
    let leased = world.store().lease_arrivals(START, lease, None, 10).await.unwrap();
    let arrivals = vec![(leased[0].id, Disposition::Quarantined("no XML".into()))];
    let application = Application { token: Some(lease.token), arrivals, ..Application::default() };
    assert_eq!(world.store().apply(START, application).await.unwrap(), Written::Done);
    assert!(world.store().lease_arrivals(lease.until, world.lease(), None, 10).await.unwrap().is_empty());
    world.store().keep(START, vec![world.arrival("a")]).await.unwrap();
    assert!(world.store().lease_arrivals(lease.until, world.lease(), None, 10).await.unwrap().is_empty(), "still known");
}

async fn what_nobody_can_place_yet_is_leased_again_later(world: World) {
    world.store().keep(START, vec![world.arrival("a"), world.arrival("b")]).await.unwrap();
    let lease = world.lease();
    let leased = world.store().lease_arrivals(START, lease, None, 10).await.unwrap();
    let later = lease.until + Duration::from_secs(60);
    let arrivals = vec![(leased[0].id, Disposition::PutOff(later)), (leased[1].id, Disposition::Read)];
    let application = Application { token: Some(lease.token), arrivals, ..Application::default() };
    assert_eq!(world.store().apply(START, application.clone()).await.unwrap(), Written::Done);
    assert_eq!(world.store().apply(START, application).await.unwrap(), Written::Stale, "the lease is given back");
    assert!(world.store().lease_arrivals(lease.until, world.lease(), None, 10).await.unwrap().is_empty());
    let again = world.store().lease_arrivals(later, world.lease(), None, 10).await.unwrap();
    assert_eq!(again.iter().map(|arrival| (arrival.id, arrival.attempt)).collect::<Vec<_>>(), [(leased[0].id, 2)]);
    assert_eq!(again[0].bytes, leased[0].bytes);
}

async fn an_arrival_whose_lease_was_lost_is_not_closed(world: World) {
    let id = world.accept_one("O1", None).await;
    world.store().keep(START, vec![world.arrival("a"), world.arrival("b")]).await.unwrap();
    let (slow, quick) = (world.lease(), world.lease());
    let leased = world.store().lease_arrivals(START, slow, None, 1).await.unwrap();
    assert_eq!(world.store().lease_arrivals(slow.until, quick, None, 10).await.unwrap().len(), 2, "the other took over");
    let read = |token| {
        let arrivals = leased.iter().map(|arrival| (arrival.id, Disposition::Read)).collect();
        Application { token, arrivals, ..Application::default() }
    };
    let document = world.now(id, Kind::Order).await;
    let late = Application { changes: changing(Document { state: State::Declaring, ..document }).changes, ..read(Some(slow.token)) };
    assert_eq!(world.store().apply(slow.until, late).await.unwrap(), Written::Stale);
    assert_eq!(world.store().apply(slow.until, read(None)).await.unwrap(), Written::Stale);
    assert_eq!(world.now(id, Kind::Order).await.state, State::Due);
    assert_eq!(world.store().apply(slow.until, read(Some(quick.token))).await.unwrap(), Written::Done);
    let strange = Application { token: Some(quick.token), arrivals: vec![(Uuid::nil(), Disposition::Read)], ..Application::default() };
    assert_eq!(world.store().apply(slow.until, strange).await.unwrap(), Written::Stale);
}

async fn every_change_of_an_application_is_done_or_none(world: World) {
    let (a, b) = (world.accept_one("O1", None).await, world.accept_one("O2", None).await);
    let moved = async |id, by: i64| {
        let document = world.now(id, Kind::Order).await;
        Change {
            expected: vec![(document.id, document.version + by)],
            documents: vec![Document { state: State::Waiting, ..document }],
            entries: vec![world.entry("receipt", id.0)],
            ..Change::default()
        }
    };
    let application = |changes| Application { changes, stops: vec![("x".into(), "y".into())], ..Application::default() };
    let half = application(vec![moved(a, 0).await, moved(b, 1).await]);
    assert_eq!(world.store().apply(START, half).await.unwrap(), Written::Stale);
    let strange = Change { expected: vec![(DocumentId(Uuid::nil()), 0)], ..moved(a, 0).await };
    assert_eq!(world.store().apply(START, application(vec![strange])).await.unwrap(), Written::Stale);
    assert_eq!((world.now(a, Kind::Order).await.version, world.acts(a.0).await.len()), (0, 1));
    assert!(world.store().stopped().await.unwrap().is_empty());
    let whole = application(vec![moved(a, 0).await, moved(b, 0).await]);
    assert_eq!(world.store().apply(START, whole).await.unwrap(), Written::Done);
    for id in [a, b] {
        let document = world.now(id, Kind::Order).await;
        assert_eq!((document.version, document.state), (1, State::Waiting));
        assert_eq!(world.acts(id.0).await, ["accept", "receipt"]);
    }
    // A look that changed nothing rests on what it saw all the same.
    let seen = world.now(a, Kind::Order).await;
    let looked = |version| Application {
        changes: vec![Change { expected: vec![(seen.id, version)], ..Change::default() }],
        ..Application::default()
    };
    assert_eq!(world.store().apply(START, looked(seen.version - 1)).await.unwrap(), Written::Stale);
    assert_eq!(world.store().apply(START, looked(seen.version)).await.unwrap(), Written::Done);
    assert_eq!(world.now(a, Kind::Order).await, seen);
}

async fn changes_that_stand_apart_are_done_but_for_stale_ones(world: World) {
    let (a, b) = (world.accept_one("O1", None).await, world.accept_one("O2", None).await);
    let moved = async |id, by: i64| {
        let document = world.now(id, Kind::Order).await;
        Change {
            expected: vec![(document.id, document.version + by)],
            documents: vec![Document { state: State::Waiting, ..document }],
            entries: vec![world.entry("gate", id.0)],
            ..Change::default()
        }
    };
    let apart = |changes| Application { changes, apart: true, ..Application::default() };
    assert_eq!(world.store().apply(START, apart(vec![moved(a, 1).await, moved(b, 0).await])).await.unwrap(), Written::Done);
    assert_eq!((world.now(a, Kind::Order).await.state, world.now(b, Kind::Order).await.state), (State::Due, State::Waiting));
    assert_eq!((world.acts(a.0).await, world.acts(b.0).await), (vec!["accept".to_owned()], vec!["accept".to_owned(), "gate".to_owned()]));
    assert_eq!(world.store().apply(START, apart(vec![moved(a, 1).await, moved(b, 7).await])).await.unwrap(), Written::Stale);
    assert_eq!(world.store().apply(START, apart(vec![moved(a, 0).await, moved(b, 0).await])).await.unwrap(), Written::Done);
    assert_eq!((world.acts(a.0).await.len(), world.acts(b.0).await.len()), (2, 3));
}

async fn an_inventory_that_waits_is_woken_in_whatever_version(world: World) {
    let (a, b) = (world.accept_one("O1", None).await, world.accept_one("O2", None).await);
    let waiting = async |id| {
        let inventory = world.now(id, Kind::Inventory).await;
        world.change(START, Document { state: State::Waiting, gate_at: None, ..inventory }).await;
        world.now(id, Kind::Inventory).await
    };
    let (seen, still) = (waiting(a).await, waiting(b).await);
    assert!(world.store().gates(START, 10).await.unwrap().is_empty());
    let order = world.now(a, Kind::Order).await;
    let later = START + Duration::from_secs(5);
    let change = Change { expected: vec![(order.id, order.version)], documents: vec![order], woken: vec![a, a], ..Change::default() };
    let woken = Application { changes: vec![change], ..Application::default() };
    assert_eq!(world.store().apply(later, woken).await.unwrap(), Written::Done);
    let now = world.now(a, Kind::Inventory).await;
    assert_eq!(now, Document { version: seen.version + 1, gate_at: Some(later), ..seen.clone() });
    assert_eq!(world.now(b, Kind::Inventory).await, still);
    assert!(world.store().gates(START, 10).await.unwrap().is_empty());
    let gated = world.store().gates(later, 10).await.unwrap();
    assert_eq!(gated.iter().map(|gated| gated.dossier.id).collect::<Vec<_>>(), [a]);
    // What was decided before is stale, and what does not wait is not woken.
    let opened =
        Change { expected: vec![(seen.id, seen.version)], documents: vec![Document { state: State::Due, ..seen }], ..Change::default() };
    assert_eq!(world.store().apply(later, Application { changes: vec![opened], ..Application::default() }).await.unwrap(), Written::Stale);
    world.change(later, Document { state: State::Due, gate_at: None, ..now }).await;
    let now = world.now(a, Kind::Inventory).await;
    let woken = Change { woken: vec![a], ..Change::default() };
    world.store().apply(later, Application { changes: vec![woken], ..Application::default() }).await.unwrap();
    assert_eq!(world.now(a, Kind::Inventory).await, now);
}

async fn what_a_change_says_is_kept_as_said(world: World) {
    let id = world.accept_one("O1", None).await;
    world.pack_all().await;
    let document = world.now(id, Kind::Inventory).await;
    let changed = Document {
        port_no: Some(PortNo("B2026".into())),
        inventory_no: Some(InventoryNo("5141E".into())),
        state: State::PortFailed,
        last_word: Some(LastWord { code: "4".into(), at: START, info: "超时'\"\\ 🚚".into() }),
        needed_by: START - Duration::from_secs(1),
        gate_at: Some(START),
        lot: Some(Uuid::from_u128(3)),
        packed: 3,
        port_failures: 2,
        ..document.clone()
    };
    world.change(START, changed.clone()).await;
    assert_eq!(world.now(id, Kind::Inventory).await, Document { version: document.version + 1, ..changed.clone() });
    let bare = Document { version: document.version + 1, ..document.clone() };
    world.change(START, bare).await;
    assert_eq!(world.now(id, Kind::Inventory).await, Document { version: document.version + 2, ..document });
}

async fn a_receipt_is_kept_once(world: World) {
    let id = world.accept_one("O1", None).await;
    let document = world.now(id, Kind::Order).await.id;
    world.store().keep(START, vec![world.arrival("a"), world.arrival("b")]).await.unwrap();
    let lease = world.lease();
    let leased = world.store().lease_arrivals(START, lease, None, 10).await.unwrap();
    let kept = |arrival: usize, ordinal, at| {
        let mut receipt = receipt(order_key("O1"), "2");
        receipt.at = at;
        KeptReceipt { arrival: leased[arrival].id, ordinal, at: START, receipt, document: Some(document), effect: ordinal == 0 }
    };
    let early = START - Duration::from_secs(9);
    let receipts = vec![kept(0, 1, None), kept(0, 0, Some(START + Duration::from_secs(1))), kept(1, 0, Some(early))];
    let ordered = [receipts[2].clone(), receipts[0].clone(), receipts[1].clone()];
    let application = Application { receipts, ..Application::default() };
    assert_eq!(world.store().apply(START, application.clone()).await.unwrap(), Written::Done);
    assert_eq!(world.shown(id).await.receipts, ordered, "by what customs' clock said, else by ours");
    let again = world.store().apply(START, application).await;
    assert!(matches!(again, Err(Error::Inconsistent { .. })), "{again:?}");
    assert_eq!(world.shown(id).await.receipts, ordered);
}

async fn a_decision_is_kept_beside_the_earlier_ones(world: World) {
    let (id, other) = (world.accept_one("O1", None).await, world.accept_one("O2", None).await);
    let decided = |id, text: &str| Change { assessment: Some((id, text.into())), ..Change::default() };
    let first = vec![decided(id, "{\"n\":1}"), decided(other, "{\"n\":5}")];
    for changes in [first, vec![decided(id, "{\"n\":2}")]] {
        world.store().apply(START, Application { changes, ..Application::default() }).await.unwrap();
    }
    let texts = async |id| world.shown(id).await.assessments.iter().map(|text| text.replace(' ', "")).collect::<Vec<_>>();
    assert_eq!(
        (texts(id).await, texts(other).await),
        (vec!["{}".to_owned(), "{\"n\":1}".into(), "{\"n\":2}".into()], vec!["{}".to_owned(), "{\"n\":5}".into()])
    );
}

async fn keys_lead_to_the_document_that_is_meant(world: World) {
    let id = world.accept_one("O1", Some("W1")).await;
    let (order, inventory) = (world.now(id, Kind::Order).await.id, world.now(id, Kind::Inventory).await.id);
    let of = async |key| {
        let matches = world.store().matches(&[key]).await.unwrap();
        matches.of[0].map(|(place, document)| (matches.subjects[place].id(), document))
    };
    assert_eq!(of(order_key("O1")).await, Some((id.0, order)));
    assert_eq!(of(inventory_key("", "O1")).await, Some((id.0, inventory)));
    assert_eq!(of(waybill_key("W1")).await, None, "a waybill that nobody has pushed");
    assert_eq!(of(order_key("o1")).await, None);
    let lone = world.waybill("W2");
    let (pushed, bare) = (lone.id, tongguan::store::WaybillAcceptance { document: None, ..world.waybill("W3") });
    world.store().accept_waybills(START, vec![lone, bare, world.waybill("W1")]).await.unwrap();
    assert_eq!(of(waybill_key("W2")).await, Some((pushed.0, pushed)));
    assert_eq!(of(waybill_key("W3")).await, None, "nobody sends it");
    assert_eq!(of(waybill_key("W1")).await, Some((id.0, world.now(id, Kind::Waybill).await.id)));
    // Numbers that customs gave are found, and lead to their document.
    let number =
        |kind, number: &str| Number { kind, number: number.into(), scope: String::new(), declaration: Some(id), document: Some(inventory) };
    let document = world.now(id, Kind::Inventory).await;
    let change = Change {
        expected: vec![(document.id, document.version)],
        documents: vec![document],
        numbers: vec![number(NumberKind::Port, "B1"), number(NumberKind::Inventory, "E1"), number(NumberKind::Port, "B1")],
        ..Change::default()
    };
    world.store().apply(START, Application { changes: vec![change], ..Application::default() }).await.unwrap();
    let hits = world.store().find(Some(&Tenant::local()), &["E1".into(), "B1".into()]).await.unwrap();
    let told: Vec<_> = hits.iter().map(|hit| (hit.number.as_str(), hit.kind, hit.declaration, hit.document)).collect();
    assert_eq!(told, [("E1", NumberKind::Inventory, Some(id), Some(inventory)), ("B1", NumberKind::Port, Some(id), Some(inventory))]);
}
