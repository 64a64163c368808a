//! What operations staff call: what it does, what it refuses, and what the log says of it.

use std::time::Duration;

use tongguan::{
    clock::Timestamp,
    declaration::{DeclarationId, Kind, MessageId},
    dossier::{Document, LastWord, Resent},
    grpc::proto::{self, Carriage, DeskOrder, DeskReport, DeskVerdict},
    party::Role,
    queue::{Fault, Lease},
    receipt::{Key, Receipt},
    state::State,
    store::{Application, Arrival, Change, Disposition, EntryFilter, KeptReceipt, Outcome, Packing, Settlement, Written},
};
use tonic::Code;
use uuid::Uuid;

use super::{
    samples::submit,
    world::{Operations, World, world},
};

async fn staffed() -> World {
    world(&[("acme", "acme", Role::Seller), ("desk", "house", Role::Operator), ("audit", "house", Role::Auditor)]).await
}

fn order(items: &[&str]) -> Option<DeskOrder> {
    Some(DeskOrder { items: items.iter().map(ToString::to_string).collect(), why: "库房盘点".into(), dry_run: false })
}

fn preview(items: &[&str]) -> Option<DeskOrder> {
    order(items).map(|order| DeskOrder { dry_run: true, ..order })
}

fn verdicts(report: &DeskReport) -> Vec<DeskVerdict> {
    report.lines.iter().map(proto::DeskLine::verdict).collect()
}

async fn hold(desk: &mut Operations, order: Option<DeskOrder>) -> DeskReport {
    desk.hold(proto::HoldRequest { order }).await.unwrap().into_inner().report.unwrap()
}

async fn retry(desk: &mut Operations, order: Option<DeskOrder>) -> DeskReport {
    desk.retry(proto::RetryRequest { order }).await.unwrap().into_inner().report.unwrap()
}

async fn resolve(desk: &mut Operations, order: Option<DeskOrder>, arrived: bool) -> DeskReport {
    desk.resolve(proto::ResolveRequest { order, arrived }).await.unwrap().into_inner().report.unwrap()
}

impl World {
    fn lease(&self) -> Lease {
        Lease::take(&self.clockwork, Duration::from_secs(60))
    }

    pub(super) async fn declared(&self, order_no: &str) -> DeclarationId {
        let submitted = self.declarations("acme").submit(submit(order_no, &format!("W{order_no}"))).await.unwrap();
        DeclarationId(Uuid::try_parse(&submitted.into_inner().declaration_id).unwrap())
    }

    pub(super) async fn document(&self, id: DeclarationId, kind: Kind) -> Document {
        self.store.show(None, id).await.unwrap().unwrap().dossier.document(kind).unwrap().clone()
    }

    pub(super) async fn set(&self, document: Document) {
        let change = Change { expected: vec![(document.id, document.version)], documents: vec![document], ..Change::default() };
        let application = Application { changes: vec![change], ..Application::default() };
        assert_eq!(self.store.apply(self.now(), application).await.unwrap(), Written::Done);
    }

    /// Packs what is due, sends it and ends it so.
    async fn sent(&self, outcome: Outcome) -> MessageId {
        let lease = self.lease();
        let batch = self.store.lease_documents(self.now(), lease, 1).await.unwrap().remove(0);
        let packing = Packing {
            id: MessageId(self.clockwork.id()),
            sender: batch.sender.clone(),
            kind: batch.kind,
            road: batch.road.clone(),
            bytes: b"<sealed/>".to_vec(),
            digest: [1; 32],
            documents: batch.documents.iter().map(|leased| leased.document.id).collect(),
            needed_by: self.now(),
            entries: Vec::new(),
        };
        let message = packing.id;
        assert_eq!(self.store.pack(self.now(), lease.token, packing).await.unwrap(), Written::Done);
        self.store.lease_deliveries(self.now(), lease, "national", 10).await.unwrap();
        let ended = vec![Settlement { message, attempt: 1, outcome, entries: Vec::new() }];
        assert_eq!(self.store.settle(self.now(), lease.token, ended).await.unwrap(), [Written::Done]);
        message
    }

    /// What was shown unmasked, and why.
    pub(super) async fn revealed(&self) -> Vec<(String, String)> {
        let filter = EntryFilter { act: Some("reveal".into()), pending: true, limit: 10, ..EntryFilter::default() };
        let entries = self.store.entries(filter).await.unwrap();
        entries.into_iter().map(|placed| (placed.entry.changes[0].to.clone(), placed.entry.why)).collect()
    }

    /// What the log says was done to a declaration by the desk.
    async fn acts(&self, number: &str) -> Vec<(String, String, String)> {
        let story = self
            .audit_log("audit")
            .timeline(proto::TimelineRequest { number: number.into(), ..Default::default() })
            .await
            .unwrap()
            .into_inner();
        let by_desk = story.entries.into_iter().filter(|entry| entry.actor == "desk");
        by_desk.map(|entry| (entry.act, entry.tenant, entry.why)).collect()
    }
}

fn shelved(fault: Fault) -> Outcome {
    Outcome::Shelved { fault }
}

fn told(act: &str) -> (String, String, String) {
    (act.to_owned(), "acme".to_owned(), "库房盘点".to_owned())
}

#[tokio::test]
async fn what_is_held_stays_until_it_is_released_and_the_log_says_who_and_why() {
    let world = staffed().await;
    let id = world.declared("A1").await;
    let mut desk = world.operations("desk");
    let seen = hold(&mut desk, preview(&["A1"])).await;
    assert_eq!((verdicts(&seen), seen.applied), (vec![DeskVerdict::Done; 2], false));
    assert!(!world.document(id, Kind::Order).await.on_hold, "a preview does nothing");
    let done = hold(&mut desk, order(&["A1", "A1", " A1 "])).await;
    assert_eq!((verdicts(&done), done.applied), (vec![DeskVerdict::Done; 2], true), "the same item counts once");
    assert!(world.document(id, Kind::Order).await.on_hold && world.document(id, Kind::Inventory).await.on_hold);
    let again = hold(&mut desk, order(&["WA1"])).await;
    assert_eq!((verdicts(&again), again.applied), (vec![DeskVerdict::Already; 2], false));
    let release = proto::ReleaseRequest { order: order(&[&id.to_string()]) };
    let released = desk.release(release.clone()).await.unwrap().into_inner().report.unwrap();
    assert_eq!((verdicts(&released), released.applied), (vec![DeskVerdict::Done; 2], true));
    assert_eq!(verdicts(&desk.release(release).await.unwrap().into_inner().report.unwrap()), [DeskVerdict::Already; 2]);
    assert_eq!(world.acts("A1").await, [told("hold"), told("release")], "one entry for each decision that did something");
}

#[tokio::test]
async fn one_item_that_cannot_be_done_keeps_the_others_from_being_done() {
    let world = staffed().await;
    let (good, gone) = (world.declared("A1").await, world.declared("A2").await);
    for kind in [Kind::Order, Kind::Inventory] {
        let document = world.document(gone, kind).await;
        world.set(Document { state: State::Stored, gate_at: None, ..document }).await;
    }
    let mut desk = world.operations("desk");
    let report = hold(&mut desk, order(&["A1", "A2", "nothing", "x"])).await;
    assert!(!report.applied && report.refused == 4, "{report:?}");
    let texts: Vec<_> = report.lines.iter().map(|line| (line.item.as_str(), line.verdict())).collect();
    assert_eq!(texts[0], ("A1", DeskVerdict::Done));
    assert_eq!(
        texts[2..],
        [("A2", DeskVerdict::Refused), ("A2", DeskVerdict::Refused), ("nothing", DeskVerdict::Refused), ("x", DeskVerdict::Refused)]
    );
    assert!(!world.document(good, Kind::Order).await.on_hold);
    assert_eq!(world.acts("A1").await, []);
}

#[tokio::test]
async fn a_request_without_reason_or_items_is_told_both() {
    let world = staffed().await;
    let mut desk = world.operations("desk");
    let bad = |items: Vec<String>, why: &str| proto::HoldRequest { order: Some(DeskOrder { items, why: why.into(), dry_run: true }) };
    let none = desk.hold(bad(Vec::new(), " ")).await.unwrap_err();
    assert_eq!(none.code(), Code::InvalidArgument);
    assert!(none.message().contains("reason") && none.message().contains("200 items"), "{}", none.message());
    for (items, why) in [
        (vec!["A1".to_owned(); 201], "why".to_owned()),
        (vec!["A1".to_owned()], "x".repeat(201)),
        (vec!["A1".to_owned()], "a\u{202e}b".to_owned()),
    ] {
        assert_eq!(desk.hold(bad(items, &why)).await.unwrap_err().code(), Code::InvalidArgument);
    }
    assert_eq!(desk.hold(proto::HoldRequest { order: None }).await.unwrap_err().code(), Code::InvalidArgument);
    let denied = world.operations("acme").hold(bad(vec!["A1".into()], "why")).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
    let denied = world.operations("audit").retry(proto::RetryRequest { order: order(&["A1"]) }).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_shelved_message_goes_again_by_its_id_or_a_number_in_it() {
    let world = staffed().await;
    let id = world.declared("A1").await;
    let message = world.sent(shelved(Fault::Permanent("no".into()))).await;
    let mut desk = world.operations("desk");
    let listed = async |carriage: Carriage| {
        let request = proto::ListDeliveriesRequest { carriage: carriage.into(), ..Default::default() };
        world.operations("desk").list_deliveries(request).await.unwrap().into_inner().deliveries
    };
    let [shelved] = &listed(Carriage::Shelved).await[..] else { panic!("one is shelved") };
    assert_eq!((shelved.message_id.as_str(), shelved.documents, shelved.attempts), (message.0.to_string().as_str(), 1, 1));
    assert!(!shelved.may_have_arrived && shelved.reason.contains("no"));
    // It was never handed over: nobody need guess what became of it.
    let report = resolve(&mut desk, order(&[&message.0.to_string()]), true).await;
    assert_eq!(verdicts(&report), [DeskVerdict::Refused]);
    let seen = retry(&mut desk, preview(&["A1"])).await;
    assert_eq!((seen.lines[0].id.as_str(), seen.lines[0].verdict()), (message.0.to_string().as_str(), DeskVerdict::Done));
    assert_eq!(listed(Carriage::Shelved).await.len(), 1);
    let done = retry(&mut desk, order(&[&message.0.to_string(), "A1"])).await;
    assert!(done.applied && done.refused == 0, "{done:?}");
    assert_eq!(listed(Carriage::Queued).await.len(), 1);
    assert!(retry(&mut desk, order(&[&message.0.to_string()])).await.lines.iter().all(|line| line.verdict() == DeskVerdict::Already));
    assert_eq!(world.document(id, Kind::Order).await.message, Some(message), "the same message");
    assert_eq!(world.acts("A1").await, [told("retry")]);
}

#[tokio::test]
async fn what_nobody_knows_the_outcome_of_is_resolved_either_way() {
    let world = staffed().await;
    let mut desk = world.operations("desk");
    let id = world.declared("A1").await;
    let message = world.sent(shelved(Fault::Unknown("broke".into()))).await;
    assert_eq!(world.document(id, Kind::Order).await.state, State::Packed);
    let done = resolve(&mut desk, order(&["A1"]), true).await;
    assert!(done.applied, "{done:?}");
    assert_eq!(world.document(id, Kind::Order).await.state, State::Delivered);
    let again = resolve(&mut desk, order(&[&message.0.to_string()]), true).await;
    assert_eq!((verdicts(&again), again.applied), (vec![DeskVerdict::Already], false));
    assert_eq!(
        verdicts(&resolve(&mut desk, order(&[&message.0.to_string()]), false).await),
        [DeskVerdict::Refused],
        "it was said to have arrived"
    );
    world.declared("A2").await;
    let silent = world.sent(Outcome::Delivered { silent_at: Timestamp::NEVER }).await;
    let done = resolve(&mut desk, order(&[&silent.0.to_string()]), false).await;
    assert!(done.applied, "{done:?}");
    let lease = world.lease();
    let deliveries = world.store.lease_deliveries(world.now(), lease, "national", 10).await.unwrap();
    assert_eq!(deliveries.iter().map(|delivery| (delivery.message, delivery.attempt)).collect::<Vec<_>>(), [(silent, 2)]);
    assert_eq!((world.acts("A1").await, world.acts("A2").await), (vec![told("resolve")], vec![told("resolve")]));
}

#[tokio::test]
async fn a_port_failure_that_was_set_aside_is_resolved_once_the_old_bytes_can_tell_no_more() {
    let world = staffed().await;
    let mut desk = world.operations("desk");
    let ids = [world.declared("A1").await, world.declared("A2").await, world.declared("A3").await];
    let message = world.sent(Outcome::Delivered { silent_at: world.now() }).await;
    let again = world.store.lease_deliveries(world.now(), world.lease(), "national", 10).await.unwrap();
    assert_eq!(again.iter().map(|delivery| delivery.attempt).collect::<Vec<_>>(), [2], "silence: the same bytes go again");
    let doubtful = |document: Document| {
        let resent = document.resent.map(|resent| Resent { set_aside: Some(world.now()), ..resent });
        assert!(resent.is_some());
        Document { state: State::Declaring, resent, ..document }
    };
    let mut names = Vec::new();
    for id in [ids[0], ids[1]] {
        let document = world.document(id, Kind::Order).await;
        names.push(document.id.0.to_string());
        world.set(doubtful(document)).await;
    }
    let (first, second) = (order(&[&names[0]]), order(&[&names[1]]));
    for arrived in [true, false] {
        let waits = resolve(&mut desk, first.clone(), arrived).await;
        assert_eq!((verdicts(&waits), waits.applied), (vec![DeskVerdict::Refused], false), "the answer will tell: {waits:?}");
    }
    // Another document of that message has moved on: its bytes must not go again.
    let moved = world.document(ids[2], Kind::Order).await;
    world.set(Document { state: State::Due, message: None, ..moved }).await;
    assert_eq!(verdicts(&retry(&mut desk, first.clone()).await), [DeskVerdict::Refused], "first whether customs has it");
    assert!(resolve(&mut desk, first, false).await.applied);
    assert!(resolve(&mut desk, second, true).await.applied);
    let [anew, waiting] = [world.document(ids[0], Kind::Order).await, world.document(ids[1], Kind::Order).await];
    assert_eq!((anew.state, anew.message), (State::Due, None));
    assert!(anew.resent.is_some_and(|resent| (resent.copies, resent.set_aside) == (0, None)));
    assert_eq!((waiting.state, waiting.message), (State::Declaring, Some(message)));
    assert!(waiting.resent.is_some_and(|resent| resent.set_aside.is_none()));
    assert_eq!((world.acts("A1").await, world.acts("A2").await), (vec![told("resolve")], vec![told("resolve")]));
}

#[tokio::test]
async fn a_document_that_was_turned_away_goes_anew_under_its_own_numbers() {
    let world = staffed().await;
    let mut desk = world.operations("desk");
    let id = world.declared("A1").await;
    world.sent(Outcome::Delivered { silent_at: Timestamp::NEVER }).await;
    let before = world.document(id, Kind::Order).await;
    let word = LastWord { code: "-1".into(), at: world.now(), info: String::new() };
    world.set(Document { state: State::Rejected, last_word: Some(word), ..before.clone() }).await;
    let inventory = world.document(id, Kind::Inventory).await;
    world.set(Document { state: State::Refused, gate_at: None, packed: 1, ..inventory.clone() }).await;
    let done = retry(&mut desk, order(&["A1"])).await;
    assert_eq!((verdicts(&done), done.applied), (vec![DeskVerdict::Done; 2], true));
    let after = world.document(id, Kind::Order).await;
    assert_eq!((after.state, after.message, after.guid == before.guid), (State::Due, None, false));
    let after = world.document(id, Kind::Inventory).await;
    assert_eq!((after.state, after.gate_at), (State::Waiting, Some(world.now())), "an inventory goes through its gate again");
    assert_eq!(after.enterprise_no, inventory.enterprise_no);
    assert_eq!(verdicts(&retry(&mut desk, order(&["A1"])).await), [DeskVerdict::Already; 2]);
    world.set(Document { state: State::Stored, gate_at: None, ..after }).await;
    assert_eq!(verdicts(&retry(&mut desk, order(&[&inventory.id.to_string()])).await), [DeskVerdict::Refused], "customs has it");
    let told_of = world.acts("A1").await;
    assert_eq!(told_of, [told("retry"), told("retry")], "one for each document that goes anew");
}

#[tokio::test]
async fn a_paused_road_is_told_and_goes_on() {
    let world = staffed().await;
    let mut desk = world.operations("desk");
    let pause = |roads: &[&str]| proto::PauseEndpointRequest { order: order(roads) };
    let report = desk.pause_endpoint(pause(&["nowhere", "national"])).await.unwrap().into_inner().report.unwrap();
    assert_eq!((verdicts(&report), report.applied), (vec![DeskVerdict::Refused, DeskVerdict::Done], false));
    let report = desk.pause_endpoint(pause(&["national"])).await.unwrap().into_inner().report.unwrap();
    assert!(report.applied);
    assert_eq!(verdicts(&desk.pause_endpoint(pause(&["national"])).await.unwrap().into_inner().report.unwrap()), [DeskVerdict::Already]);
    let paused = desk.queues(proto::QueuesRequest {}).await.unwrap().into_inner().paused;
    assert_eq!(paused, [proto::PausedEndpoint { road: "national".into(), reason: "库房盘点".into() }]);
    world.declared("A1").await;
    let lease = world.lease();
    assert!(world.store.lease_documents(world.now(), lease, 10).await.unwrap().is_empty());
    let resume = proto::ResumeEndpointRequest { order: order(&["national"]) };
    assert!(desk.resume_endpoint(resume).await.unwrap().into_inner().report.unwrap().applied);
    assert_eq!(world.store.lease_documents(world.now(), lease, 10).await.unwrap().len(), 1);
}

/// An arrival that names somebody.
async fn personal(world: &World) -> Uuid {
    let id = world.clockwork.id();
    let bytes = "<r><note>张三 13912345678</note></r>".as_bytes().to_vec();
    let arrival = Arrival { id, road: "national".into(), name: format!("{id}.xml"), bytes, digest: digest(id), reserved: None };
    world.store.keep(world.now(), vec![arrival]).await.unwrap();
    id
}

/// Keeps an arrival that is read, or put aside where there are no receipts.
async fn arrive(world: &World, receipts: Vec<Receipt>) -> Uuid {
    let id = world.clockwork.id();
    let lease = world.lease();
    let (name, bytes) = (format!("{id}.xml"), b"<r>&</r>".to_vec());
    let arrival = Arrival { id, road: "national".into(), name, bytes, digest: digest(id), reserved: None };
    world.store.keep(world.now(), vec![arrival]).await.unwrap();
    world.store.lease_arrivals(world.now(), lease, None, 10).await.unwrap();
    let disposition = if receipts.is_empty() { Disposition::Quarantined("no XML".into()) } else { Disposition::Read };
    let kept = |(ordinal, receipt)| KeptReceipt { arrival: id, ordinal, at: world.now(), receipt, document: None, effect: false };
    let receipts = (0_u32..).zip(receipts).map(kept).collect();
    let application = Application { token: Some(lease.token), arrivals: vec![(id, disposition)], receipts, ..Application::default() };
    assert_eq!(world.store.apply(world.now(), application).await.unwrap(), Written::Done);
    id
}

/// Bytes that differ as ids do.
fn digest(id: Uuid) -> [u8; 32] {
    let mut digest = [0; 32];
    digest[..16].copy_from_slice(id.as_bytes());
    digest
}

#[tokio::test]
async fn a_receipt_that_matched_nothing_is_given_to_its_document() {
    let world = staffed().await;
    let mut desk = world.operations("desk");
    let id = world.declared("A1").await;
    let key = Key::Order { platform: "无".into(), seller: "OTHER".into(), order_no: "A-1".into() };
    let receipt = |code: &str, at| Receipt {
        key: key.clone(),
        code: code.into(),
        at: Some(at),
        info: "新增申报成功".into(),
        port_no: None,
        inventory_no: None,
        summary_no: None,
        bill_no: None,
    };
    let arrival = arrive(&world, vec![receipt("2", world.now()), receipt("120", world.now() + Duration::from_secs(1))]).await;
    let attach = |ordinal: u32, target: &str| proto::AttachReceiptRequest {
        arrival_id: arrival.to_string(),
        ordinal,
        target: target.into(),
        why: "库房盘点".into(),
        dry_run: false,
    };
    let attached = async |request| world.operations("desk").attach_receipt(request).await.unwrap().into_inner().report.unwrap();
    let early = attached(attach(0, "A1")).await;
    assert_eq!(verdicts(&early), [DeskVerdict::Refused], "it was never sent");
    world.sent(Outcome::Delivered { silent_at: Timestamp::NEVER }).await;
    for wrong in [attach(0, "nothing"), attach(9, "A1"), attach(0, &world.document(id, Kind::Inventory).await.id.to_string())] {
        assert_eq!(verdicts(&attached(wrong).await), [DeskVerdict::Refused]);
    }
    let seen = attached(proto::AttachReceiptRequest { dry_run: true, ..attach(0, "A1") }).await;
    assert_eq!((verdicts(&seen), seen.applied), (vec![DeskVerdict::Done], false));
    assert_eq!(world.document(id, Kind::Order).await.state, State::Delivered);
    assert!(attached(attach(1, "A1")).await.applied);
    assert_eq!(world.document(id, Kind::Order).await.state, State::Stored);
    assert_eq!(verdicts(&attached(attach(1, "A1")).await), [DeskVerdict::Already]);
    // One that comes too late to move anything belongs to it all the same.
    let late = attached(attach(0, "A1")).await;
    assert!(late.applied && late.lines[0].text.as_ref().unwrap().en.contains("changes nothing"), "{late:?}");
    assert!(desk.unmatched_receipts(proto::UnmatchedReceiptsRequest::default()).await.unwrap().into_inner().receipts.is_empty());
    assert_eq!(world.acts("A1").await, [told("attach_receipt"), told("attach_receipt")]);
}

#[tokio::test]
async fn what_was_put_aside_is_listed_and_given_out_as_it_came() {
    let world = staffed().await;
    let mut desk = world.operations("desk");
    // Of one moment: the ids alone say which is the newer.
    let mut ids = [arrive(&world, Vec::new()).await, arrive(&world, Vec::new()).await];
    ids.sort_unstable();
    let [first, second] = ids;
    let page = |before: String| proto::QuarantinedArrivalsRequest { before_arrival_id: before, page_size: 1 };
    let one = desk.quarantined_arrivals(page(String::new())).await.unwrap().into_inner();
    assert_eq!((one.arrivals[0].arrival_id.clone(), one.arrivals[0].reason.as_str()), (second.to_string(), "no XML"));
    let two = desk.quarantined_arrivals(page(one.next_before_arrival_id)).await.unwrap().into_inner();
    assert_eq!(two.arrivals[0].arrival_id, first.to_string());
    assert!(desk.quarantined_arrivals(page(two.next_before_arrival_id)).await.unwrap().into_inner().arrivals.is_empty());
    let got =
        desk.get_arrival(proto::GetArrivalRequest { arrival_id: first.to_string(), reveal_why: "对账".into() }).await.unwrap().into_inner();
    assert_eq!((got.raw.as_slice(), got.arrival.unwrap().size), (b"<r>&</r>".as_slice(), 8));
    assert_eq!((got.masked, world.revealed().await), (false, vec![(first.to_string(), "对账".to_owned())]));
    let masked = proto::GetArrivalRequest { arrival_id: personal(&world).await.to_string(), reveal_why: String::new() };
    let got = desk.get_arrival(masked.clone()).await.unwrap().into_inner();
    assert_eq!((got.raw.as_slice(), got.masked), ("<r><note>＊＊＊</note></r>".as_bytes(), true));
    let unreasoned = desk.get_arrival(proto::GetArrivalRequest { reveal_why: " ".into(), ..masked }).await.unwrap_err();
    assert_eq!((unreasoned.code(), world.revealed().await.len()), (Code::InvalidArgument, 1));
    for nothing in ["", "x", &Uuid::nil().to_string()] {
        let error = desk.get_arrival(proto::GetArrivalRequest { arrival_id: nothing.into(), reveal_why: String::new() }).await.unwrap_err();
        assert_eq!(error.code(), Code::NotFound);
    }
    assert_eq!(desk.quarantined_arrivals(page("x".into())).await.unwrap_err().code(), Code::InvalidArgument);
    let denied = world.operations("acme").get_arrival(proto::GetArrivalRequest::default()).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
}
