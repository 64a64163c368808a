//! What can be asked after acceptance, through the door: amending and taking back what customs has, waybills, long manifests, summaries.

use std::time::Duration;

use tokio::time::timeout;
use tongguan::{
    declaration::{DeclarationId, Kind, MessageId},
    dossier::Document,
    grpc::proto::{self, DocumentKind, DocumentState, HandledHow},
    party::Role,
    state::State,
    store::{Application, Change, Number, NumberKind, Written},
};
use tonic::{Code, Status, Streaming};

use super::{
    samples::{self, CARRIER, DECLARANT, party, submit},
    world::{World, world},
};

const KEYS: [(&str, &str, Role); 5] = [
    ("acme", "acme", Role::Seller),
    ("rival", "rival", Role::Seller),
    ("van", "van", Role::Carrier),
    ("truck", "truck", Role::Carrier),
    ("desk", "desk", Role::Operator),
];
const NUMBER: &str = "51412026E000000001";

async fn next<T>(stream: &mut Streaming<T>) -> T {
    timeout(Duration::from_secs(10), stream.message()).await.unwrap().unwrap().unwrap()
}

fn rules(status: &Status) -> String {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    String::from_utf8_lossy(status.details()).into_owned()
}

impl World {
    async fn submitted(&self, order_no: &str, waybill_no: &str) -> String {
        self.declarations("acme").submit(submit(order_no, waybill_no)).await.unwrap().into_inner().declaration_id
    }

    async fn pushed(&self, name: &str, waybill: proto::Waybill) -> proto::WaybillKept {
        let item = proto::PushWaybillsRequest { item_id: "1".into(), waybill: Some(waybill) };
        let answers = self.logistics(name).push_waybills(tokio_stream::once(item)).await;
        match next(&mut answers.unwrap().into_inner()).await.result.unwrap() {
            proto::push_waybills_response::Result::Kept(kept) => kept,
            proto::push_waybills_response::Result::Refused(refused) => panic!("{refused:?}"),
        }
    }

    /// Has a document come so far, as receipts would.
    async fn customs(&self, id: &str, kind: Kind, state: State) {
        let id = DeclarationId(id.parse().unwrap());
        let dossier = self.store.show(None, id).await.unwrap().unwrap().dossier;
        let document = dossier.document(kind).unwrap().clone();
        let number = Number {
            kind: NumberKind::Inventory,
            number: NUMBER.into(),
            scope: String::new(),
            declaration: Some(id),
            document: Some(document.id),
        };
        let message = matches!(state, State::Packed | State::Delivered).then(|| MessageId(document.id.0));
        let change = Change {
            expected: vec![(document.id, document.version)],
            documents: vec![Document { state, packed: 1, gate_at: None, message, ..document }],
            numbers: if kind == Kind::Inventory { vec![number] } else { Vec::new() },
            ..Change::default()
        };
        let written = self.store.apply(self.now(), Application { changes: vec![change], ..Application::default() }).await.unwrap();
        assert_eq!(written, Written::Done);
    }

    async fn get(&self, id: &str) -> proto::GetResponse {
        self.declarations("acme").get(proto::GetRequest { declaration_id: id.into(), ..Default::default() }).await.unwrap().into_inner()
    }

    async fn queued(&self, kind: DocumentKind) -> Vec<(DocumentState, i64)> {
        let queues = self.operations("desk").queues(proto::QueuesRequest::default()).await.unwrap().into_inner();
        queues.counts.iter().filter(|count| count.kind() == kind).map(|count| (count.state(), count.count)).collect()
    }

    async fn listed(&self, state: DocumentState) -> usize {
        let asked = proto::ListRequest { state: state.into(), ..proto::ListRequest::default() };
        self.declarations("acme").list(asked).await.unwrap().into_inner().declarations.len()
    }
}

fn amended(id: &str, weight: &str) -> proto::AmendRequest {
    let mut declaration = samples::declaration("A1", "W1");
    declaration.inventory.as_mut().unwrap().gross_weight = weight.into();
    proto::AmendRequest { declaration_id: id.into(), declaration: Some(declaration), needed_by: None }
}

#[tokio::test]
async fn what_customs_has_is_amended_and_deleted_by_documents_of_their_own() {
    let world = world(&KEYS).await;
    let id = world.submitted("A1", "W1").await;
    world.customs(&id, Kind::Order, State::Stored).await;
    world.customs(&id, Kind::Inventory, State::Delivered).await;
    let mut acme = world.declarations("acme");
    assert!(rules(&acme.amend(amended(&id, "1.5")).await.unwrap_err()).contains("R-STATE"), "nobody knows whether customs has it");
    world.customs(&id, Kind::Inventory, State::Stored).await;
    assert_eq!(world.declarations("rival").amend(amended(&id, "1.5")).await.unwrap_err().code(), Code::NotFound);
    let answer = acme.amend(amended(&id, "1.5")).await.unwrap().into_inner();
    let told: Vec<_> = answer.handled.iter().map(|handled| (handled.kind(), handled.how(), handled.state())).collect();
    assert_eq!(told, [(DocumentKind::Inventory, HandledHow::Asked, DocumentState::Waiting)]);
    let shown = world.get(&id).await;
    assert_eq!(shown.revision, 1);
    let inventories = shown.documents.iter().filter(|document| document.kind() == DocumentKind::Inventory).count();
    assert_eq!(inventories, 2, "the amendment beside what it amends");
    // Whatever that is, it is one list.
    assert_eq!(world.queued(DocumentKind::Inventory).await, [(DocumentState::Waiting, 1)]);
    assert_eq!((world.listed(DocumentState::Stored).await, world.listed(DocumentState::Waiting).await), (0, 1));
    let again = acme.amend(amended(&id, "1.6")).await.unwrap().into_inner();
    assert_eq!((again.revision, again.handled[0].how()), (2, HandledHow::InPlace), "it has not been sent");

    world.customs(&id, Kind::Inventory, State::Refused).await;
    assert_eq!(world.queued(DocumentKind::Inventory).await, [(DocumentState::Stored, 1)], "an amendment that was turned away is none");
    let delete = proto::DeleteRequest { declaration_id: id.clone(), document: DocumentKind::Inventory.into() };
    let answer = acme.delete(delete.clone()).await.unwrap().into_inner();
    assert_eq!((answer.handled[0].how(), answer.handled[0].state()), (HandledHow::Asked, DocumentState::Due));
    let again = acme.delete(delete).await.unwrap().into_inner();
    assert_eq!(again.handled[0].document_id, answer.handled[0].document_id, "asked once");
    assert_eq!(world.queued(DocumentKind::Inventory).await, [(DocumentState::Stored, 1)]);
    let order = proto::DeleteRequest { declaration_id: id, document: DocumentKind::Order.into() };
    assert!(rules(&acme.delete(order).await.unwrap_err()).contains("R-STATE"), "its inventory is declared");
}

#[tokio::test]
async fn a_carrier_amends_its_waybill_and_takes_it_back() {
    let world = world(&KEYS).await;
    let heavier = |packs: &str| proto::Waybill { packs: packs.into(), ..samples::waybill("W1") };
    let amend = async |name: &str, packs: &str| {
        let request = proto::AmendWaybillRequest { waybill: Some(heavier(packs)) };
        world.logistics(name).amend_waybill(request).await.map(tonic::Response::into_inner)
    };
    let delete = async |name: &str| {
        let request = proto::DeleteWaybillRequest { carrier: CARRIER.into(), waybill_no: "W1".into() };
        world.logistics(name).delete_waybill(request).await.map(|answer| answer.into_inner().handled.unwrap())
    };
    assert_eq!(amend("van", "2").await.unwrap_err().code(), Code::NotFound);
    world.pushed("van", samples::waybill("W1")).await;
    assert_eq!(amend("truck", "2").await.unwrap_err().code(), Code::NotFound, "another carrier's");
    assert_eq!(world.declarations("acme").get(proto::GetRequest::default()).await.unwrap_err().code(), Code::NotFound);
    assert!(rules(&amend("van", "-2").await.unwrap_err()).contains("packs"));
    let first = amend("van", "2").await.unwrap().handled.unwrap();
    assert_eq!((first.kind(), first.how(), first.state()), (DocumentKind::Waybill, HandledHow::InPlace, DocumentState::Due));
    assert_eq!(amend("van", "2").await.unwrap().handled, None, "it says so already");
    let leased = async || {
        let lease = tongguan::queue::Lease { token: uuid::Uuid::from_u128(7), until: world.now() + Duration::from_secs(1) };
        let at = world.now() + Duration::from_secs(3_600);
        let batches = world.store.lease_documents(at, lease, 10).await.unwrap();
        let documents = batches.into_iter().flat_map(|batch| batch.documents);
        let said = documents.filter_map(|leased| match leased.content {
            tongguan::dossier::Content::Waybill(waybill) => Some((leased.document.id.to_string(), leased.document.action, waybill.packs)),
            _ => None,
        });
        said.collect::<Vec<_>>()
    };
    assert_eq!(leased().await, [(first.document_id.clone(), tongguan::declaration::Action::Add, 2)]);

    let id = world.submitted("A1", "W1").await;
    world.customs(&id, Kind::Waybill, State::Delivered).await;
    assert!(rules(&amend("van", "3").await.unwrap_err()).contains("R-STATE"));
    world.customs(&id, Kind::Waybill, State::Stored).await;
    let asked = amend("van", "3").await.unwrap().handled.unwrap();
    assert_eq!((asked.how(), asked.state()), (HandledHow::Asked, DocumentState::Due));
    assert_ne!(asked.document_id, first.document_id);
    assert_eq!(leased().await, [(asked.document_id.clone(), tongguan::declaration::Action::Amend, 3)]);
    assert_eq!(world.queued(DocumentKind::Waybill).await, [(DocumentState::Due, 1)]);
    // Customs answers by the number alone: what it has not got it cannot mean.
    let key = tongguan::receipt::Key::Waybill { carrier: CARRIER.into(), waybill_no: "W1".into() };
    let meant = async || world.store.matches(std::slice::from_ref(&key)).await.unwrap().of[0].unwrap().1.to_string();
    assert_eq!(meant().await, first.document_id);
    world.customs(&id, Kind::Waybill, State::Declaring).await;
    assert_eq!(meant().await, asked.document_id, "it is out now");
    world.customs(&id, Kind::Waybill, State::Stored).await;

    let deletion = delete("van").await.unwrap();
    assert_eq!((deletion.how(), deletion.state()), (HandledHow::Asked, DocumentState::Due));
    assert_eq!(delete("van").await.unwrap().document_id, deletion.document_id, "asked once");
    assert!(rules(&amend("van", "4").await.unwrap_err()).contains("R-STATE"), "it is to be deleted");
    let said = leased().await;
    assert_eq!(said, [(deletion.document_id, tongguan::declaration::Action::Delete, 3)]);
    world.customs(&id, Kind::Inventory, State::Stored).await;
    assert_eq!(delete("truck").await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_waybill_that_customs_has_not_got_is_taken_back_where_it_stands() {
    let world = world(&KEYS).await;
    world.pushed("van", samples::waybill("W1")).await;
    let request = proto::DeleteWaybillRequest { carrier: CARRIER.into(), waybill_no: "W1".into() };
    let taken = world.logistics("van").delete_waybill(request.clone()).await.unwrap().into_inner().handled.unwrap();
    assert_eq!((taken.how(), taken.state()), (HandledHow::InPlace, DocumentState::Cancelled));
    let again = world.logistics("van").delete_waybill(request).await.unwrap().into_inner().handled.unwrap();
    assert_eq!((again.how(), again.state()), (HandledHow::Already, DocumentState::Cancelled));
    assert_eq!(world.declarations("acme").validate(proto::ValidateRequest::default()).await.unwrap().into_inner().conversions, []);
    let strange = proto::DeleteWaybillRequest { carrier: "x".repeat(10_000), waybill_no: String::new() };
    assert_eq!(world.logistics("van").delete_waybill(strange).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_waybill_is_bound_by_its_carrier_until_the_inventory_is_sealed() {
    let world = world(&KEYS).await;
    let id = world.submitted("A1", "").await;
    let seller = samples::declaration("A1", "").order.unwrap().seller.unwrap().code;
    let order = proto::OrderReference { platform: "无".into(), seller, order_no: "A1".into() };
    let bind = async |name: &str, carrier: &str, waybill_no: &str| {
        let request = proto::BindWaybillRequest {
            declaration_id: String::new(),
            order: Some(order.clone()),
            carrier: carrier.into(),
            waybill_no: waybill_no.into(),
        };
        world.logistics(name).bind_waybill(request).await.map(|answer| answer.into_inner().declaration_id)
    };
    assert_eq!(bind("rival", CARRIER, "W1").await.unwrap_err().code(), Code::NotFound, "another seller's order");
    assert_eq!(bind("van", "91440101MA59ZZZZ1Z", "W1").await.unwrap_err().code(), Code::NotFound, "another carrier's parcel");
    assert!(rules(&bind("van", CARRIER, "运单").await.unwrap_err()).contains("R-WAYBILL-NO"));
    assert_eq!(bind("van", CARRIER, "W1").await.unwrap(), "", "a carrier does not see the declaration");
    assert_eq!(bind("acme", CARRIER, "W2").await.unwrap(), id, "its seller does");
    let known = world.store.show(None, DeclarationId(id.parse().unwrap())).await.unwrap().unwrap();
    assert_eq!(known.dossier.waybill_no.as_deref(), Some("W2"));
    world.customs(&id, Kind::Inventory, State::Packed).await;
    assert!(rules(&bind("acme", CARRIER, "W3").await.unwrap_err()).contains("R-STATE"));
}

#[tokio::test]
async fn carriers_watch_what_they_pushed_and_nothing_else() {
    let world = world(&KEYS).await;
    let from_start = proto::WatchRequest { after_position: Some(-1), ..Default::default() };
    let mut van = world.logistics("van").watch(from_start.clone()).await.unwrap().into_inner();
    world.submitted("A1", "W1").await;
    world.pushed("truck", samples::waybill("W2")).await;
    let kept = world.pushed("van", samples::waybill("W1")).await;
    world.sequence().await;
    let seen = next(&mut van).await;
    assert_eq!(seen.declaration_id, kept.waybill_id);
    assert_eq!((seen.changes[0].kind(), seen.changes[0].to()), (DocumentKind::Waybill, DocumentState::Due));
    let request = proto::DeleteWaybillRequest { carrier: CARRIER.into(), waybill_no: "W1".into() };
    world.logistics("van").delete_waybill(request).await.unwrap();
    let manifest = world.logistics("van").push_manifest(manifest(1)).await.unwrap().into_inner();
    world.sequence().await;
    let (deleted, declared) = (next(&mut van).await, next(&mut van).await);
    assert_eq!((&deleted.declaration_id, deleted.changes[0].to()), (&kept.waybill_id, DocumentState::Cancelled));
    assert_eq!((&declared.declaration_id, declared.changes[0].kind()), (&manifest.id, DocumentKind::Manifest));
    assert_eq!(world.logistics("acme").watch(from_start).await.unwrap_err().code(), Code::PermissionDenied);
}

pub(super) fn manifest(lines: usize) -> proto::PushManifestRequest {
    let line = |number: usize| proto::ManifestLine { waybill_no: format!("W{number}"), ..proto::ManifestLine::default() };
    proto::PushManifestRequest {
        manifest: Some(proto::Manifest {
            declared_at: "5141".into(),
            declarant: party(DECLARANT, "广州样例报关有限公司"),
            transport: "5".into(),
            vehicle: "CZ8099".into(),
            voyage: "CZ8099".into(),
            bill_no: "784-12345675".into(),
            gross_weight: "10".into(),
            carrier: party(CARRIER, "广州样例物流有限公司"),
            lines: (1..=lines).map(line).collect(),
            ..proto::Manifest::default()
        }),
        handling: None,
        cut_off: None,
    }
}

#[tokio::test]
async fn a_manifest_of_more_than_a_thousand_lines_goes_in_parts() {
    let world = world(&KEYS).await;
    let id = world.submitted("A1", "W1500").await;
    let kept = world.logistics("van").push_manifest(manifest(2_001)).await.unwrap().into_inner();
    assert_eq!((kept.parts, kept.matched, kept.unmatched.len(), kept.transmitted), (3, 1, 100, true));
    let request = proto::GetFollowUpRequest { id: kept.id.clone(), ..Default::default() };
    let shown = world.declarations("van").get_follow_up(request).await.unwrap().into_inner();
    assert_eq!(shown.parts.iter().map(|part| (part.part, part.parts)).collect::<Vec<_>>(), [(1, 3), (2, 3), (3, 3)]);
    assert_eq!(world.get(&id).await.follow_ups.iter().map(|part| part.part).collect::<Vec<_>>(), [2], "the part that it is on");
    // As they are written: one copNo, counted through.
    let whole = tongguan::declaration::DocumentId(kept.id.parse().unwrap());
    let parts = world.store.follow_up(None, whole).await.unwrap().unwrap().parts;
    let numbers: Vec<_> = parts.iter().map(|(part, _)| part.document.as_ref().unwrap().enterprise_no.clone()).collect();
    assert!(numbers.iter().all(|number| number.is_some() && *number == numbers[0]), "{numbers:?}");
    let lines: Vec<_> = parts
        .iter()
        .map(|(_, body)| match &**body {
            tongguan::declaration::FollowUp::Manifest(manifest) => (manifest.lines.len(), manifest.lines[0].number, manifest.part.count),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(lines, [(1_000, 1, 3), (1_000, 1_001, 3), (1, 2_001, 3)]);
}

#[tokio::test]
async fn a_summary_of_a_span_of_time_says_so() {
    let world = world(&KEYS).await;
    let mut request = submit("A1", "W1");
    samples::inventory(&mut request).statistics = "B".into();
    let id = world.declarations("acme").submit(request).await.unwrap().into_inner().declaration_id;
    world.customs(&id, Kind::Inventory, State::Released).await;
    let summary = proto::Summary {
        declared_at: "5141".into(),
        declarant: party(DECLARANT, "广州样例报关有限公司"),
        seller: samples::declaration("A1", "").order.unwrap().seller,
        customs_declarant: party(DECLARANT, "广州样例报关有限公司"),
        by_item_name: true,
        ..proto::Summary::default()
    };
    let apply = async |summary: proto::Summary| {
        let request = proto::ApplySummaryRequest { summary: Some(summary), handling: None };
        world.declarations("acme").apply_summary(request).await.map(tonic::Response::into_inner)
    };
    let span = |from: &str, to: &str, numbers: &[&str]| proto::Summary {
        from: from.into(),
        to: to.into(),
        inventory_nos: numbers.iter().map(|no| (*no).into()).collect(),
        ..summary.clone()
    };
    rules(&apply(span("", "", &[])).await.unwrap_err());
    rules(&apply(span("20261101000000", "", &[])).await.unwrap_err());
    rules(&apply(span("20261130235959", "20261101000000", &[])).await.unwrap_err());
    let kept = apply(span("20261101000000", "20261120235959", &[NUMBER])).await.unwrap();
    assert_eq!(kept.parts, 1);
    let warned: Vec<_> = kept.warnings.iter().map(|warning| (warning.rule.as_str(), warning.path.as_str())).collect();
    assert_eq!(warned, [("M-PERIOD", "inventory_nos")]);
    assert_eq!(kept.matched, 0, "which inventories customs picks only its results tell");
    let named = apply(span("", "", &[NUMBER])).await.unwrap();
    assert_eq!((named.matched, named.warnings.len()), (1, 0));
    let other = proto::Summary { note: "again".into(), ..span("", "", &[NUMBER]) };
    assert!(rules(&apply(other).await.unwrap_err()).contains("R-ASKED-ALREADY"), "the first one waits for its result");
    let preview = proto::PreviewSummaryRequest { inventory_nos: vec![NUMBER.into()], by_owner: false };
    let preview = world.declarations("acme").preview_summary(preview).await.unwrap().into_inner();
    assert_eq!((preview.groups.len(), preview.left_out), (0, vec![NUMBER.to_owned()]));
}

#[tokio::test]
async fn payments_and_tallies_are_kept_by_whom_their_lane_names() {
    let world = world(&KEYS).await;
    let id = world.submitted("A1", "W1").await;
    let payment = proto::DeclarePaymentRequest {
        payment: Some(proto::Payment {
            platform: party("无", "Example Marketplace"),
            seller: samples::declaration("A1", "").order.unwrap().seller,
            order_no: "A1".into(),
            payer_name: "现金支付".into(),
            charge: "99.98".into(),
            currency: "142".into(),
            received_at: "20261120100000".into(),
            ..proto::Payment::default()
        }),
        handling: None,
    };
    assert!(rules(&world.declarations("acme").declare_payment(payment.clone()).await.unwrap_err()).contains("R-NOT-SENT"));
    assert_eq!(world.declarations("van").declare_payment(payment).await.unwrap_err().code(), Code::PermissionDenied);
    world.customs(&id, Kind::Inventory, State::Released).await;
    let tally = proto::DeclareReturnTallyRequest {
        tally: Some(proto::ReturnTally {
            declared_at: "5141".into(),
            operator: party(CARRIER, "广州样例物流有限公司"),
            carrier: party(CARRIER, "广州样例物流有限公司"),
            waybill_no: "W1".into(),
            inventory_no: NUMBER.into(),
            bill_no: "W1".into(),
            transport: "5".into(),
            vehicle: "CZ8099".into(),
            voyage: "CZ8099".into(),
            location: "A-1".into(),
            ..proto::ReturnTally::default()
        }),
        handling: None,
    };
    let kept = world.declarations("van").declare_return_tally(tally.clone()).await.unwrap().into_inner();
    assert_eq!((kept.matched, kept.transmitted), (1, false), "the site's operator sends it");
    assert_eq!(world.declarations("van").declare_return_tally(tally).await.unwrap().into_inner().id, kept.id, "the same again");
    let follow_ups = world.get(&id).await.follow_ups;
    assert_eq!(follow_ups.iter().map(proto::FollowUp::kind).collect::<Vec<_>>(), [DocumentKind::ReturnTally]);
}

#[tokio::test]
async fn what_is_written_otherwise_is_shown_before_it_is_submitted() {
    let world = world(&KEYS).await;
    let mut request = submit("A1", "W1");
    samples::order(&mut request).currency = "CNY".into();
    samples::order(&mut request).lines[0].currency = "CNY".into();
    let inventory = samples::inventory(&mut request);
    (inventory.country, inventory.lines[0].country, inventory.lines[0].hs_code) = ("USA".into(), "502".into(), "4202".into());
    let answer = world.declarations("acme").validate(proto::ValidateRequest { submit: Some(request.clone()) }).await.unwrap().into_inner();
    assert!(answer.acceptable, "{:?}", answer.findings);
    let told: Vec<_> = answer.conversions.iter().map(|of| (of.path.as_str(), of.sent.as_str(), of.written.as_str())).collect();
    let expected = [
        ("order.currency", "CNY", "142"),
        ("order.lines[0].currency", "CNY", "142"),
        ("inventory.country", "USA", "502"),
        ("inventory.lines[0].hs_code", "4202", "4202000000"),
    ];
    assert_eq!(told, expected);
    samples::inventory(&mut request).packs = "-1".into();
    let answer = world.declarations("acme").validate(proto::ValidateRequest { submit: Some(request) }).await.unwrap().into_inner();
    assert_eq!((answer.acceptable, answer.conversions.len()), (false, 4), "whatever else is wrong");
}
