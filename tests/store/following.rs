//! What is submitted on its own, amended, summed, and due by when.

use std::{sync::Arc, time::Duration};

use rust_decimal::Decimal;
use tongguan::{
    declaration::{
        Action, Cancellation, DocumentGuid, DocumentId, EnterpriseNo, FollowUp, Kind, Manifest, ManifestLine, Part, Payment, Summary,
    },
    dossier::{Content, Document},
    party::{Actor, Role},
    receipt::Key,
    state::State,
    store::{
        Application, Change, Deadline, DeadlineChange, DeadlineFilter, DeadlineKind, FollowUpAcceptance, FollowUpAccepted, FollowUpLookup,
        FollowUpPart, Number, NumberKind, Revision, Subject, Summed, SummedLookup, Written,
    },
};

use super::{
    CARRIER, World, changing, declaration, party,
    samples::{Maker, START, tenant},
};

mod waybills;

on_each_store!(
    what_is_submitted_on_its_own_is_kept_once_and_found_by_its_numbers,
    a_key_is_taken_over_only_from_what_was_turned_away,
    what_rests_on_a_document_that_has_changed_is_decided_again,
    a_payment_stands_for_its_order_until_a_newer_one_does,
    what_is_amended_says_something_else_to_everybody,
    an_amendment_is_packed_later_and_under_its_own_guid,
    what_customs_summed_is_found_and_goes_on,
    deadlines_come_earliest_first_until_they_are_met,
    what_amends_another_is_counted_in_its_place,
);

pub fn manifest(bill_no: &str, part: Part, waybill_nos: &[&str]) -> FollowUp {
    let line = |(place, waybill_no): (usize, &&str)| ManifestLine {
        number: u32::try_from(place + 1).unwrap(),
        bag_no: None,
        waybill_no: (*waybill_no).into(),
        inventory_no: None,
        note: None,
    };
    FollowUp::Manifest(Manifest {
        declared_at: "5141".into(),
        declarant: party("DECLARANT"),
        site: None,
        transport: "5".into(),
        vehicle: "粤A12345".into(),
        voyage: "CZ0301".into(),
        bill_no: bill_no.into(),
        domestic_vehicle: None,
        gross_weight: Decimal::TEN,
        carrier: party(CARRIER),
        part,
        note: None,
        lines: waybill_nos.iter().enumerate().map(line).collect(),
    })
}

fn cancellation(inventory_no: &str) -> FollowUp {
    FollowUp::Cancellation(Cancellation {
        declared_at: "5141".into(),
        inventory_no: inventory_no.into(),
        reason: "买家取消".into(),
        declarant: party("DECLARANT"),
        seller: party("SELLER"),
        note: None,
    })
}

fn summary(inventory_nos: &[&str]) -> FollowUp {
    FollowUp::Summary(Summary {
        declared_at: "5141".into(),
        declarant: party("DECLARANT"),
        seller: party("SELLER"),
        customs_declarant: party("DECLARANT"),
        period: None,
        site: None,
        by_owner: false,
        by_item_name: true,
        part: Part::WHOLE,
        note: None,
        inventory_nos: inventory_nos.iter().map(|no| (*no).into()).collect(),
    })
}

pub fn payment(order_no: &str) -> FollowUp {
    FollowUp::Payment(Payment {
        platform: party("无"),
        seller: party("SELLER"),
        order_no: order_no.into(),
        payer_code: None,
        payer_name: "现金支付".into(),
        payment_no: None,
        charge: Decimal::TEN,
        currency: "142".into(),
        received_at: START,
        note: None,
    })
}

impl Maker {
    /// One to be kept, each part with a document of its own; of no declaration.
    pub fn follow_up(&self, key: &str, parts: Vec<FollowUp>) -> FollowUpAcceptance {
        let shared = EnterpriseNo::from_id(self.clockwork.id());
        let part = |follow_up: FollowUp| {
            let document = Document { enterprise_no: Some(shared.clone()), ..self.document(follow_up.kind(), None, State::Due) };
            FollowUpPart {
                id: document.id,
                follow_up: Arc::new(follow_up),
                document: Some(document),
                members: Vec::new(),
                awaited: Vec::new(),
            }
        };
        let parts: Vec<_> = parts.into_iter().map(part).collect();
        FollowUpAcceptance {
            actor: Actor::new(tenant("local"), Role::Seller, "test"),
            key: key.into(),
            digest: [5; 32],
            instead_of: None,
            expected: Vec::new(),
            cut_off: None,
            warnings: Vec::new(),
            deadlines: Vec::new(),
            entries: vec![self.entry("accept_follow_up", parts[0].id.0)],
            parts,
        }
    }
}

fn asking(key: &str) -> FollowUpLookup {
    FollowUpLookup {
        tenant: tenant("local"),
        key: key.into(),
        inventory_nos: Vec::new(),
        of_any_tenant: false,
        carrier: CARRIER.into(),
        waybill_nos: Vec::new(),
        bill_no: None,
    }
}

impl World {
    async fn keep(&self, acceptance: &FollowUpAcceptance) -> FollowUpAccepted {
        self.store().accept_follow_up(START, acceptance.clone()).await.unwrap()
    }

    async fn apply_change(&self, change: Change) -> Written {
        self.store().apply(START, Application { changes: vec![change], ..Application::default() }).await.unwrap()
    }

    /// A declaration whose inventory has a number from customs and is released.
    async fn released(&self, order_no: &str, inventory_no: &str) -> tongguan::declaration::DeclarationId {
        let id = self.accept_one(order_no, Some(&format!("W-{order_no}"))).await;
        let inventory = self.now(id, Kind::Inventory).await;
        let number = Number {
            kind: NumberKind::Inventory,
            number: inventory_no.into(),
            scope: String::new(),
            declaration: Some(id),
            document: Some(inventory.id),
        };
        let mut application = changing(Document { state: State::Released, gate_at: None, ..inventory });
        application.changes[0].numbers.push(number);
        assert_eq!(self.store().apply(START, application).await.unwrap(), Written::Done);
        id
    }
}

async fn what_is_submitted_on_its_own_is_kept_once_and_found_by_its_numbers(world: World) {
    let one = world.released("O1", "51412026E000000001").await;
    let two = world.accept_one("O2", Some("W-O2")).await;
    let asked = FollowUpLookup {
        inventory_nos: vec!["51412026E000000001".into(), "none".into()],
        waybill_nos: vec!["W-O2".into(), "W-none".into(), "W-O1".into()],
        bill_no: Some("BILL1".into()),
        ..asking("k")
    };
    let found = world.store().follow_up_lookup(&asked).await.unwrap();
    let local = tenant("local");
    assert_eq!(found.bound, None);
    assert_eq!(found.inventories.iter().map(|dossier| dossier.as_ref().map(|dossier| dossier.id)).collect::<Vec<_>>(), [Some(one), None]);
    assert_eq!(found.waybills, [Some((two, local.clone())), None, Some((one, local.clone()))]);
    let mut of_bill = found.of_bill;
    of_bill.sort_by_key(|(id, _)| *id != one);
    assert_eq!(of_bill, [(one, local.clone()), (two, local.clone())], "by the bill that the sellers named, and this carrier's");
    let of_others = FollowUpLookup { tenant: tenant("other"), ..asked.clone() };
    assert_eq!(world.store().follow_up_lookup(&of_others).await.unwrap().inventories, [None, None]);
    let of_any = FollowUpLookup { of_any_tenant: true, ..of_others };
    assert!(world.store().follow_up_lookup(&of_any).await.unwrap().inventories[0].is_some());

    let parts = [(1, "W-O1"), (2, "W-O2")].map(|(number, no)| manifest("BILL9", Part { number, count: 2 }, &[no]));
    let mut acceptance = world.follow_up("k", parts.to_vec());
    acceptance.parts[0].members.push((one, local.clone()));
    acceptance.parts[1].members.push((two, local));
    acceptance.cut_off = Some(START + Duration::from_secs(60));
    assert_eq!(world.keep(&acceptance).await, FollowUpAccepted::New);
    assert_eq!(world.keep(&acceptance).await, FollowUpAccepted::New, "the same command after a commit that nobody told of");
    let again = world.follow_up("k", parts.to_vec());
    assert_eq!(world.keep(&again).await, FollowUpAccepted::Again(acceptance.parts[0].id));
    let other = FollowUpAcceptance { digest: [6; 32], ..again };
    assert_eq!(world.keep(&other).await, FollowUpAccepted::KeyConflict);

    let found = world.store().follow_up_lookup(&asked).await.unwrap();
    let bound = found.bound.unwrap();
    assert_eq!((bound.digest, bound.whole, bound.documents.len()), ([5; 32], acceptance.parts[0].id, 2));
    let of_new_bill = FollowUpLookup { bill_no: Some("BILL9".into()), ..asking("z") };
    assert_eq!(world.store().follow_up_lookup(&of_new_bill).await.unwrap().of_bill.len(), 2, "a manifest gives its bill to what is on it");

    let no = acceptance.parts[0].document.as_ref().unwrap().enterprise_no.clone().unwrap().0;
    let key = |part| Key::FollowUp { kind: Kind::Manifest, party: "DECLARANT".into(), enterprise_no: no.clone(), part };
    let matches = world.store().matches(&[key(2), key(1), key(3)]).await.unwrap();
    let subjects: Vec<_> = matches.of.iter().map(|found| found.map(|(_, document)| document)).collect();
    assert_eq!(subjects, [Some(acceptance.parts[1].id), Some(acceptance.parts[0].id), None]);
    assert!(matches.subjects.iter().all(|subject| matches!(subject, Subject::Waybill(document) if document.kind == Kind::Manifest)));

    let shown = world.shown(one).await;
    assert_eq!(shown.follow_ups.len(), 1);
    let kept = &shown.follow_ups[0];
    assert_eq!((kept.kind, kept.bill_no.as_deref(), kept.part.number, kept.stands()), (Kind::Manifest, Some("BILL9"), 1, true));
    assert_eq!((kept.whole, kept.cut_off), (acceptance.parts[0].id, acceptance.cut_off));
    let whole = world.store().follow_up(Some(&tenant("local")), acceptance.parts[1].id).await.unwrap().unwrap();
    assert_eq!((whole.parts.len(), whole.members), (2, 2));
    assert_eq!(*whole.parts[1].1, parts[1]);
    assert!(world.store().follow_up(Some(&tenant("other")), acceptance.parts[1].id).await.unwrap().is_none());
    let members = world.store().members(&[acceptance.parts[1].id, acceptance.parts[0].id]).await.unwrap();
    let members: Vec<_> = members.into_iter().map(|(part, dossier)| (part, dossier.id)).collect();
    assert_eq!(members, [(acceptance.parts[1].id, two), (acceptance.parts[0].id, one)]);
    assert_eq!(world.acts(acceptance.parts[0].id.0).await, ["accept_follow_up"]);

    let lease = world.lease();
    let leased: Vec<_> =
        world.store().lease_documents(START, lease, 10).await.unwrap().into_iter().flat_map(|batch| batch.documents).collect();
    let contents: Vec<_> = leased.iter().filter(|leased| leased.document.kind == Kind::Manifest).map(|leased| &leased.content).collect();
    assert_eq!(contents.len(), 2);
    assert!(contents.iter().all(|content| matches!(content, Content::FollowUp(follow_up) if parts.contains(follow_up))));
}

async fn a_key_is_taken_over_only_from_what_was_turned_away(world: World) {
    let first = world.follow_up("k", vec![cancellation("I1")]);
    assert_eq!(world.keep(&first).await, FollowUpAccepted::New);
    let second = FollowUpAcceptance { instead_of: Some(first.parts[0].id), ..world.follow_up("k", vec![cancellation("I1")]) };
    assert_eq!(world.keep(&second).await, FollowUpAccepted::New);
    let bound = world.store().follow_up_lookup(&asking("k")).await.unwrap().bound.unwrap();
    assert_eq!(bound.whole, second.parts[0].id);
    let late = FollowUpAcceptance { instead_of: Some(first.parts[0].id), ..world.follow_up("k", vec![cancellation("I1")]) };
    assert_eq!(world.keep(&late).await, FollowUpAccepted::Again(second.parts[0].id), "somebody else took it over first");
}

async fn what_rests_on_a_document_that_has_changed_is_decided_again(world: World) {
    let id = world.released("O1", "51412026E000000001").await;
    let inventory = world.now(id, Kind::Inventory).await;
    let resting = |key: &str| FollowUpAcceptance {
        expected: vec![(inventory.id, inventory.version)],
        ..world.follow_up(key, vec![cancellation("51412026E000000001")])
    };
    let (first, second) = (resting("a"), resting("b"));
    assert_eq!(world.keep(&first).await, FollowUpAccepted::New);
    assert_eq!(world.keep(&second).await, FollowUpAccepted::Stale, "the first one counted the version up");
    assert!(world.store().follow_up(None, second.parts[0].id).await.unwrap().is_none(), "nothing of it is kept");
    assert_eq!(world.now(id, Kind::Inventory).await.version, inventory.version + 1);
}

async fn a_payment_stands_for_its_order_until_a_newer_one_does(world: World) {
    let key = Key::Payment { seller: "SELLER".into(), order_no: "O1".into(), payment_no: String::new() };
    for name in ["a", "b"] {
        let payment = world.follow_up(name, vec![payment("O1")]);
        assert_eq!(world.keep(&payment).await, FollowUpAccepted::New);
        let matches = world.store().matches(std::slice::from_ref(&key)).await.unwrap();
        assert_eq!(matches.of[0].map(|(_, document)| document), Some(payment.parts[0].id));
    }
}

async fn what_is_amended_says_something_else_to_everybody(world: World) {
    let id = world.accept_one("O1", Some("W1")).await;
    for store in &world.handles {
        // Each remembers what it says now.
        assert!(store.show(None, id).await.unwrap().is_some());
    }
    let mut content = declaration("O1", Some("W1"));
    content.inventory.gross_weight = Decimal::TWO;
    let order = world.now(id, Kind::Order).await;
    let revision =
        |expected| Revision { declaration: id, expected, content: Arc::new(content.clone()), warnings: Vec::new(), digest: [3; 32] };
    let change = |expected, order: &Document| Change {
        expected: vec![(order.id, order.version)],
        documents: vec![order.clone()],
        revision: Some(revision(expected)),
        entries: vec![world.entry("amend", id.0)],
        ..Change::default()
    };
    assert_eq!(world.apply_change(change(1, &order)).await, Written::Stale, "it has not been amended yet");
    assert_eq!(world.shown(id).await.amended, (0, None));
    assert_eq!(world.apply_change(change(0, &order)).await, Written::Done);
    for store in &world.handles {
        let shown = store.show(None, id).await.unwrap().unwrap();
        assert_eq!((shown.amended, shown.dossier.declaration.inventory.gross_weight), ((1, Some([3; 32])), Decimal::TWO));
    }
    let lease = world.lease();
    let batches = world.store().lease_documents(START, lease, 10).await.unwrap();
    let Content::Declaration(packed) = &batches[0].documents[0].content else { panic!("an order") };
    assert_eq!(packed.inventory.gross_weight, Decimal::TWO);
}

async fn an_amendment_is_packed_later_and_under_its_own_guid(world: World) {
    let id = world.accept_one("O1", Some("W1")).await;
    let order = world.now(id, Kind::Order).await;
    world.change(START, Document { state: State::Refused, ..order.clone() }).await;
    let refused = world.now(id, Kind::Order).await;
    let guid = DocumentGuid(world.clockwork.id());
    let anew = Change {
        expected: vec![(refused.id, refused.version)],
        documents: vec![Document { state: State::Stored, ..refused.clone() }],
        renewed: vec![(refused.id, guid)],
        ..Change::default()
    };
    assert_eq!(world.apply_change(anew).await, Written::Done);
    let stored = world.now(id, Kind::Order).await;
    assert_eq!((stored.guid, stored.id), (guid, order.id));
    let amendment = Document {
        action: Action::Amend,
        id: DocumentId::behind(order.id, world.clockwork.id()),
        guid: DocumentGuid(world.clockwork.id()),
        ..world.document(Kind::Order, Some(id), State::Due)
    };
    let later = START + Duration::from_secs(2);
    let change = Change {
        expected: vec![(stored.id, stored.version)],
        created: vec![amendment.clone()],
        not_before: Some(later),
        entries: vec![world.entry("amend", id.0)],
        ..Change::default()
    };
    assert_eq!(world.apply_change(change).await, Written::Done);
    assert_eq!(world.now(id, Kind::Order).await.id, amendment.id, "it counts from now on");
    let matches = world.store().matches(&[super::samples::order_key("O1")]).await.unwrap();
    assert_eq!(matches.of[0].map(|(_, document)| document), Some(order.id), "customs cannot speak of what it has not got");
    let lease = world.lease();
    assert!(world.store().lease_documents(START, lease, 10).await.unwrap().is_empty());
    let leased = world.store().lease_documents(later, lease, 10).await.unwrap();
    assert_eq!(leased[0].documents[0].document.action, Action::Amend);
}

async fn what_customs_summed_is_found_and_goes_on(world: World) {
    let one = world.released("O1", "51412026E000000001").await;
    let two = world.released("O2", "51412026E000000002").await;
    let asked = |numbers: &[&str]| SummedLookup {
        summary_no: "S1".into(),
        seq_no: "1".into(),
        inventory_nos: numbers.iter().map(|number| (*number).into()).collect(),
    };
    let first = world.store().summed(&[asked(&["51412026E000000001", "none"]), asked(&[])]).await.unwrap();
    assert_eq!(first.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0]);
    assert_eq!((first[0][0].declaration, &first[0][0].summed, first[0][0].applied), (one, &None, false));
    let mut summary = world.follow_up("summary", vec![summary(&["51412026E000000001"])]);
    summary.parts[0].members.push((one, tenant("local")));
    assert_eq!(world.keep(&summary).await, FollowUpAccepted::New);
    let of_two = ["51412026E000000001", "51412026E000000002"];
    let applied = async || {
        let found = world.store().summed(&[asked(&of_two)]).await.unwrap().remove(0);
        [one, two].map(|id| found.iter().find(|found| found.declaration == id).unwrap().applied)
    };
    assert_eq!(applied().await, [true, false], "its result is awaited");
    let document = summary.parts[0].document.clone().unwrap();
    assert_eq!(
        world.apply_change(Change { documents: vec![Document { state: State::Refused, ..document }], ..Change::default() }).await,
        Written::Done
    );
    assert_eq!(applied().await, [false, false], "no more");
    let said = |no: Option<&str>, at| Summed {
        declaration: one,
        tenant: tenant("local"),
        summary_no: "S1".into(),
        seq_no: "1".into(),
        at: START + Duration::from_secs(at),
        draft_no: Some("D1".into()),
        port_no: None,
        customs_declaration_no: no.map(Into::into),
        state: "0".into(),
    };
    assert_eq!(world.apply_change(Change { summed: vec![said(None, 1)], ..Change::default() }).await, Written::Done);
    assert_eq!(world.apply_change(Change { summed: vec![said(Some("514120260000000001"), 2)], ..Change::default() }).await, Written::Done);
    let later = world.store().summed(&[asked(&[])]).await.unwrap();
    assert_eq!(later[0][0].summed, Some(said(Some("514120260000000001"), 2)), "one without lines is about what an earlier one named");
    assert_eq!(world.shown(one).await.summed, Some(said(Some("514120260000000001"), 2)));
    assert_eq!(world.shown(two).await.summed, None);
    let hits = world.store().find(Some(&tenant("local")), &["514120260000000001".into()]).await.unwrap();
    assert_eq!(hits.iter().map(|hit| (hit.kind, hit.declaration)).collect::<Vec<_>>(), [(NumberKind::CustomsDeclaration, Some(one))]);
}

async fn deadlines_come_earliest_first_until_they_are_met(world: World) {
    let (one, two) = (world.accept_one("O1", None).await, world.accept_one("O2", None).await);
    let set = |declaration, kind, at| {
        DeadlineChange::Set(Deadline { declaration, tenant: tenant("local"), kind, at: START + Duration::from_secs(at) })
    };
    let changes = vec![
        set(one, DeadlineKind::Summary, 30),
        set(two, DeadlineKind::CutOff, 10),
        set(one, DeadlineKind::CutOff, 20),
        set(two, DeadlineKind::CutOff, 15),
    ];
    assert_eq!(world.apply_change(Change { deadlines: changes, ..Change::default() }).await, Written::Done);
    let listed = async |filter: DeadlineFilter| {
        let found = world.store().deadlines(filter).await.unwrap();
        found.into_iter().map(|deadline| (deadline.declaration, deadline.kind)).collect::<Vec<_>>()
    };
    let all = DeadlineFilter { limit: 10, ..DeadlineFilter::default() };
    let expected = [(two, DeadlineKind::CutOff), (one, DeadlineKind::CutOff), (one, DeadlineKind::Summary)];
    assert_eq!(listed(all.clone()).await, expected);
    let after = DeadlineFilter { after: Some((START + Duration::from_secs(15), two)), ..all.clone() };
    assert_eq!(listed(after).await, expected[1..]);
    assert_eq!(listed(DeadlineFilter { tenant: Some(tenant("other")), ..all.clone() }).await, []);
    let met = Change { deadlines: vec![DeadlineChange::Met(one, DeadlineKind::CutOff)], ..Change::default() };
    assert_eq!(world.apply_change(met).await, Written::Done);
    assert_eq!(listed(all).await, [expected[0], expected[2]]);
    assert_eq!(world.shown(one).await.deadlines.len(), 1);
}

async fn what_amends_another_is_counted_in_its_place(world: World) {
    let id = world.accept_one("O1", Some("W1")).await;
    let order = world.now(id, Kind::Order).await;
    world.change(START, Document { state: State::Stored, packed: 1, ..order.clone() }).await;
    let asking = |action, newest: &Document| Document {
        action,
        id: DocumentId::behind(newest.id, world.clockwork.id()),
        ..world.document(Kind::Order, Some(id), State::Due)
    };
    let counted = async || {
        let counts = world.store().counts(Some(&tenant("local"))).await.unwrap();
        counts.into_iter().filter(|count| count.kind == Kind::Order).map(|count| (count.state, count.count)).collect::<Vec<_>>()
    };
    assert_eq!(counted().await, [(State::Stored, 1)]);
    let amendment = asking(Action::Amend, &order);
    let deletion = asking(Action::Delete, &amendment);
    let create = |document: &Document| Change { created: vec![document.clone()], ..Change::default() };
    assert_eq!(world.apply_change(create(&amendment)).await, Written::Done);
    assert_eq!(counted().await, [(State::Due, 1)]);
    assert_eq!(world.apply_change(create(&deletion)).await, Written::Done);
    assert_eq!(counted().await, [(State::Due, 1)], "what asks for a deletion is no order");
    let amending = world.now(id, Kind::Order).await;
    assert_eq!(amending.id, amendment.id);
    world.change(START, Document { state: State::Rejected, ..amending }).await;
    assert_eq!(counted().await, [(State::Stored, 1)], "it stands as it was");
    let listed = async |state| {
        let filter = tongguan::store::ListFilter { state: Some(state), limit: 10, ..Default::default() };
        world.store().list(filter).await.unwrap().len()
    };
    let inventory = world.now(id, Kind::Inventory).await;
    let amends = Document {
        action: Action::Amend,
        id: DocumentId::behind(inventory.id, world.clockwork.id()),
        state: State::Due,
        gate_at: None,
        ..inventory
    };
    assert_eq!((listed(State::Waiting).await, listed(State::Due).await), (1, 0));
    assert_eq!(world.apply_change(create(&amends)).await, Written::Done);
    assert_eq!((listed(State::Waiting).await, listed(State::Due).await), (0, 1));
}
