//! Looking in: what is shown is what was handed in, and lists and counts tell of all that is there.

use std::{sync::Arc, time::Duration};

use tongguan::{
    check::Finding,
    clock::Timestamp,
    declaration::{DeclarationId, Kind},
    dossier::{Document, Dossier},
    party::Tenant,
    state::State,
    store::{Acceptance, Application, Change, Count, DecisionFilter, ListFilter, NumberKind, WaybillAcceptance},
};
use uuid::Uuid;

use super::{
    World,
    samples::{CARRIER, START, declaration, order, party, tenant},
};

on_each_store!(
    what_is_shown_is_what_was_handed_in,
    lists_are_in_the_order_of_ids_and_go_on_where_they_ended,
    decisions_are_read_in_pages_as_they_stood,
    documents_are_counted_by_kind_and_state,
    numbers_lead_to_all_that_bear_them,
    receipts_of_nobody_are_told_newest_first,
    words_in_any_letters_come_back_as_they_were,
);

async fn what_is_shown_is_what_was_handed_in(world: World) {
    let acceptance = world.acceptance("O1", Some("W1"));
    let id = acceptance.id;
    world.store().accept(START, vec![acceptance.clone()]).await.unwrap();
    let shown = world.shown(id).await;
    let mut documents = acceptance.documents.clone();
    documents.sort_by_key(|document| document.id);
    let expected = Dossier {
        id,
        tenant: Tenant::local(),
        accepted_at: START,
        needed_by: acceptance.needed_by,
        declaration: Arc::clone(&acceptance.declaration),
        waybill_no: Some("W1".into()),
        plan: acceptance.plan,
        documents,
        recorded: Arc::default(),
        trace: None,
    };
    assert_eq!(shown.dossier, expected);
    assert_eq!((shown.warnings, shown.assessments, shown.receipts), (Vec::<Finding>::new(), vec!["{}".to_owned()], Vec::new()));
    assert!(world.store().show(None, DeclarationId(Uuid::nil())).await.unwrap().is_none());
    let pushed = world.waybill("W1");
    let waybill = pushed.waybill.clone();
    world.store().accept_waybills(START + Duration::from_secs(1), vec![pushed]).await.unwrap();
    let kept = world.store().waybill(None, CARRIER, "W1").await.unwrap().unwrap();
    assert_eq!(
        (kept.tenant, kept.accepted_at, kept.waybill, kept.declaration),
        (tenant("carrier"), START + Duration::from_secs(1), waybill, Some(id))
    );
    assert_eq!(kept.document, world.shown(id).await.dossier.document(Kind::Waybill).cloned());
    assert!(world.store().waybill(None, "OTHER", "W1").await.unwrap().is_none());
    assert!(world.store().waybill(None, CARRIER, "W2").await.unwrap().is_none());
}

async fn lists_are_in_the_order_of_ids_and_go_on_where_they_ended(world: World) {
    let mut many: Vec<_> = (0..7).map(|n| world.acceptance(&format!("O{n}"), None)).collect();
    many.sort_by_key(|acceptance| acceptance.id);
    let offices = ["5141", "5165", "5208", "5208", "%", "514_", "5141"];
    for (n, (acceptance, office)) in many.iter_mut().zip(offices).enumerate() {
        let mut changed = declaration(&format!("O{n}"), None);
        changed.inventory.declared_at = office.into();
        acceptance.declaration = Arc::new(changed);
    }
    let ids: Vec<_> = many.iter().map(|acceptance| acceptance.id).collect();
    world.store().accept(START, many).await.unwrap();
    let listed = async |filter: ListFilter| {
        world.store().list(filter).await.unwrap().dossiers.into_iter().map(|dossier| dossier.id).collect::<Vec<_>>()
    };
    let all = || ListFilter { limit: 100, ..ListFilter::default() };
    assert_eq!(listed(all()).await, ids);
    assert_eq!(listed(ListFilter { limit: 3, ..all() }).await, ids[..3]);
    assert_eq!(listed(ListFilter { limit: 3, after: Some(ids[2]), ..all() }).await, ids[3..6]);
    assert_eq!(listed(ListFilter { after: Some(ids[6]), ..all() }).await, []);
    assert_eq!(listed(ListFilter { limit: 0, ..all() }).await, []);
    assert_eq!(listed(ListFilter { office: Some("52".into()), ..all() }).await, ids[2..4]);
    assert_eq!(listed(ListFilter { office: Some("%".into()), ..all() }).await, ids[4..5], "a sign, not a pattern");
    assert_eq!(listed(ListFilter { office: Some("514_".into()), ..all() }).await, ids[5..6]);
    assert_eq!(listed(ListFilter { office: Some(String::new()), ..all() }).await, ids);
    let inventory = world.now(ids[1], Kind::Inventory).await;
    world.change(START, Document { state: State::Released, ..inventory }).await;
    assert_eq!(listed(ListFilter { state: Some(State::Released), ..all() }).await, ids[1..2]);
    assert_eq!(listed(ListFilter { state: Some(State::Waiting), after: Some(ids[0]), limit: 2, ..all() }).await, ids[2..4]);
    assert_eq!(listed(ListFilter { state: Some(State::Due), ..all() }).await, [], "the order's state is not the inventory's");
    // States that few are in may be found in another way: to the same effect.
    let seldom = [
        State::Refused,
        State::Rejected,
        State::PortFailed,
        State::Unmatched,
        State::Held,
        State::Review,
        State::Inspection,
        State::Cancelled,
        State::Closed,
    ];
    for state in seldom {
        for id in &ids[2..5] {
            let inventory = world.now(*id, Kind::Inventory).await;
            world.change(START, Document { state, gate_at: None, ..inventory }).await;
        }
        let of = || ListFilter { state: Some(state), ..all() };
        assert_eq!(listed(of()).await, ids[2..5], "{state:?}");
        assert_eq!(listed(ListFilter { limit: 2, ..of() }).await, ids[2..4], "{state:?}");
        assert_eq!(listed(ListFilter { after: Some(ids[2]), ..of() }).await, ids[3..5], "{state:?}");
        assert_eq!(listed(ListFilter { office: Some("52".into()), ..of() }).await, ids[2..4], "{state:?}");
        assert_eq!(listed(ListFilter { tenant: Some(Tenant::local()), ..of() }).await, ids[2..5], "{state:?}");
        assert_eq!(listed(ListFilter { tenant: Some(tenant("other")), ..of() }).await, [], "{state:?}");
    }
    assert_eq!(listed(ListFilter { state: Some(State::Refused), ..all() }).await, [], "they have gone on");
}

async fn decisions_are_read_in_pages_as_they_stood(world: World) {
    let mut many: Vec<_> = (0..5).map(|n| world.acceptance(&format!("O{n}"), None)).collect();
    many.sort_by_key(|acceptance| acceptance.id);
    for (n, acceptance) in many.iter_mut().enumerate() {
        acceptance.assessment = format!("first {n}");
    }
    let ids: Vec<_> = many.iter().map(|acceptance| acceptance.id).collect();
    let paid = many[3].declaration.order.order_no.clone();
    world.store().accept(START, many).await.unwrap();
    let later = START + Duration::from_secs(10);
    let again = Change { assessment: Some((ids[1], "second 1".into())), ..Change::default() };
    world.store().apply(later, Application { changes: vec![again], ..Application::default() }).await.unwrap();
    let mut payment = world.follow_up("K1", vec![super::following::payment(&paid)]);
    payment.parts[0].members = vec![(ids[3], Tenant::local())];
    world.store().accept_follow_up(later, payment).await.unwrap();
    let read = async |filter: DecisionFilter| {
        let decided = world.store().decisions(filter).await.unwrap();
        let one = |decided: tongguan::store::Decided| (decided.dossier.id, decided.assessment, decided.follow_ups.len());
        decided.into_iter().map(one).collect::<Vec<_>>()
    };
    let all = || DecisionFilter { limit: 100, ..DecisionFilter::default() };
    let expected = |second: &str, payments: usize| {
        let text = |n: usize| if n == 1 { second.to_owned() } else { format!("first {n}") };
        ids.iter().enumerate().map(|(n, id)| (*id, Some(text(n)), if n == 3 { payments } else { 0 })).collect::<Vec<_>>()
    };
    assert_eq!(read(all()).await, expected("second 1", 0), "payments are read only where they are asked for");
    assert_eq!(read(DecisionFilter { kind: Some(Kind::Payment), ..all() }).await, expected("second 1", 1));
    assert_eq!(read(DecisionFilter { kind: Some(Kind::Manifest), ..all() }).await, expected("second 1", 0));
    let before = DecisionFilter { kind: Some(Kind::Payment), until: Some(later + Duration::ZERO), ..all() };
    assert_eq!(read(before).await, expected("second 1", 1), "what was decided at that moment counts");
    let before = DecisionFilter { kind: Some(Kind::Payment), until: Some(START), ..all() };
    assert_eq!(read(before).await, expected("first 1", 0));
    let never = read(DecisionFilter { until: Some(Timestamp(START.0 - 1)), ..all() }).await;
    assert!(
        never.len() == 5 && never.iter().all(|(_, assessment, _)| assessment.is_none()),
        "a page is whole, so that it can be gone on from"
    );
    let page = read(DecisionFilter { limit: 2, after: Some(ids[1]), ..all() }).await;
    assert_eq!(page, expected("second 1", 0)[2..4]);
    assert_eq!(read(DecisionFilter { after: Some(ids[4]), ..all() }).await, []);
    assert_eq!(read(DecisionFilter { tenant: Some(tenant("other")), ..all() }).await, []);
}

async fn documents_are_counted_by_kind_and_state(world: World) {
    assert_eq!(world.store().counts(None).await.unwrap(), []);
    let (a, _) = (world.accept_one("O1", Some("W1")).await, world.accept_one("O2", None).await);
    world.store().accept_waybills(START, vec![world.waybill("W1")]).await.unwrap();
    let inventory = world.now(a, Kind::Inventory).await;
    world.change(START, Document { state: State::PortFailed, ..inventory }).await;
    let count = |kind, state, count| Count { kind, state, count };
    let mut counts = world.store().counts(None).await.unwrap();
    counts.sort_by_key(|count| (count.kind.number(), count.state.as_str()));
    let expected = [
        count(Kind::Order, State::Due, 2),
        count(Kind::Waybill, State::Due, 1),
        count(Kind::Inventory, State::PortFailed, 1),
        count(Kind::Inventory, State::Waiting, 1),
    ];
    assert_eq!(counts, expected);
}

async fn numbers_lead_to_all_that_bear_them(world: World) {
    let (early, late) = (world.acceptance("O1", Some("BILL1")), world.acceptance("BILL1", None));
    let (first, second) = (early.id, late.id);
    world.store().accept(START, vec![early]).await.unwrap();
    world.store().accept(START + Duration::from_secs(1), vec![late]).await.unwrap();
    let lone = world.waybill("W9");
    let waybill = lone.id;
    world.store().accept_waybills(START, vec![lone]).await.unwrap();
    let found = world.store().find(None, &["W9".into(), "BILL1".into(), "none".into(), String::new()]).await.unwrap();
    let told: Vec<_> = found.iter().map(|hit| (hit.number.as_str(), hit.kind, hit.declaration, hit.document)).collect();
    assert_eq!(
        told,
        [
            ("W9", NumberKind::Waybill, None, Some(waybill)),
            ("BILL1", NumberKind::Bill, Some(second), None),
            ("BILL1", NumberKind::Bill, Some(first), None),
            ("BILL1", NumberKind::Order, Some(second), None),
            ("BILL1", NumberKind::Waybill, Some(first), None),
        ],
        "as asked, then by kind, then the newest first"
    );
    assert!(world.store().find(None, &[]).await.unwrap().is_empty());
}

async fn receipts_of_nobody_are_told_newest_first(world: World) {
    use tongguan::store::KeptReceipt;
    let arrivals = [world.arrival("a"), world.arrival("b")];
    let mut ids: Vec<_> = arrivals.iter().map(|arrival| arrival.id).collect();
    ids.sort_unstable();
    world.store().keep(START, arrivals.to_vec()).await.unwrap();
    let receipts = ids.iter().flat_map(|id| [0, 1].map(|ordinal| (*id, ordinal)));
    let kept = |(arrival, ordinal)| KeptReceipt {
        arrival,
        ordinal,
        at: START,
        receipt: super::samples::receipt(super::samples::order_key("X"), "2"),
        document: None,
        effect: false,
    };
    world.store().apply(START, Application { receipts: receipts.map(kept).collect(), ..Application::default() }).await.unwrap();
    let told = async |limit| {
        let receipts = world.store().unmatched(limit).await.unwrap();
        receipts.into_iter().map(|kept| (kept.arrival, kept.ordinal)).collect::<Vec<_>>()
    };
    assert_eq!(told(10).await, [(ids[1], 0), (ids[1], 1), (ids[0], 0), (ids[0], 1)]);
    assert_eq!(told(1).await, [(ids[1], 0)]);
}

async fn words_in_any_letters_come_back_as_they_were(world: World) {
    let odd = ["O'1\"\\", "O;--", "O{},[]", "O 1", "Ö①é\u{301}", "O\u{1f69a}", "\t\n", "NULL", "o%_", "O\u{7f}\u{200b}"];
    for (n, no) in odd.iter().enumerate() {
        let mut said = declaration(no, Some(&format!("W{no}")));
        said.order.note = Some(format!("{no}{no}"));
        said.inventory.bag_no = Some(format!("BAG{no}"));
        let mut acceptance = Acceptance { declaration: Arc::new(said.clone()), ..world.acceptance(no, None) };
        acceptance.documents[0].road = format!("road{n}{no}");
        let (id, document) = (acceptance.id, acceptance.documents[0].clone());
        world.store().accept(START, vec![acceptance]).await.unwrap();
        let shown = world.shown(id).await.dossier;
        assert_eq!((&*shown.declaration, shown.waybill_no), (&said, Some(format!("W{no}"))));
        assert_eq!(shown.documents.iter().find(|kept| kept.id == document.id), Some(&document));
        for number in [(*no).to_owned(), format!("W{no}"), format!("BAG{no}")] {
            assert_eq!(world.store().find(None, &[number]).await.unwrap()[0].declaration, Some(id));
        }
        let pushed = WaybillAcceptance { order: Some(order(&format!("after{no}"))), ..world.waybill(&format!("X{no}")) };
        let waybill = tongguan::declaration::Waybill { seller: Some(party(no)), goods_info: (*no).into(), ..(*pushed.waybill).clone() };
        world.store().accept_waybills(START, vec![WaybillAcceptance { waybill: Arc::new(waybill.clone()), ..pushed }]).await.unwrap();
        let named = world.accept_one(&format!("after{no}"), None).await;
        assert_eq!(world.shown(named).await.dossier.waybill_no, Some(format!("X{no}")));
        assert_eq!(*world.store().waybill(None, CARRIER, &format!("X{no}")).await.unwrap().unwrap().waybill, waybill);
        world.store().apply(START, Application { stops: vec![((*no).into(), (*no).into())], ..Default::default() }).await.unwrap();
    }
    let mut stopped: Vec<_> = world.store().stopped().await.unwrap().into_iter().map(|(sender, _)| sender).collect();
    let mut expected = odd.map(str::to_owned);
    stopped.sort();
    expected.sort();
    assert_eq!(stopped, expected);
    let leased = world.store().lease_documents(START, world.lease(), 1_000).await.unwrap();
    let roads = leased.iter().filter(|batch| batch.kind == Kind::Order && batch.road.starts_with("road")).count();
    assert_eq!(roads, odd.len());
}
