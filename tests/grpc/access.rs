//! Who comes in: every call by every role, keys that expire or are revoked while streams are open, calls that come too often, and what
//! the log tells of what was refused.

use std::{collections::BTreeMap, time::Duration};

use prost::Message;
use prost_types::FileDescriptorSet;
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tongguan::{
    access::{Options, RateOptions},
    audit::Entry,
    grpc::{
        DESCRIPTORS,
        proto::{
            AmendRequest, AuditEntry, BindWaybillRequest, DeleteRequest, DeskOrder, FindRequest, GetFollowUpRequest, GetRequest,
            HoldRequest, ListRequest, QueuesRequest, SearchRequest, SubmitStreamRequest, TailRequest,
        },
    },
    party::Role,
    store::EntryFilter,
};
use tonic::{Code, Request, Status, client::Grpc, codegen::http::uri::PathAndQuery, metadata::MetadataValue, transport::Channel};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt;

use super::{samples::submit, world::world};

const STAFFED: [(&str, &str, Role); 5] = [
    ("seller", "acme", Role::Seller),
    ("carrier", "van", Role::Carrier),
    ("operator", "house", Role::Operator),
    ("auditor", "house", Role::Auditor),
    ("administrator", "house", Role::Administrator),
];

/// The letters of these roles in the table below.
pub(crate) const LETTERS: [(Role, char); 5] =
    [(Role::Seller, 'S'), (Role::Carrier, 'C'), (Role::Operator, 'O'), (Role::Auditor, 'A'), (Role::Administrator, 'M')];

/// Which of the roles above may call what: S, C, O, A for auditors, M for administrators.
const TABLE: [(&str, &str); 44] = [
    ("Declarations/Submit", "SM"),
    ("Declarations/SubmitStream", "SM"),
    ("Declarations/Validate", "SOM"),
    ("Declarations/Get", "SOM"),
    ("Declarations/List", "SOM"),
    ("Declarations/Watch", "SOM"),
    ("Declarations/Amend", "SM"),
    ("Declarations/Delete", "SM"),
    ("Declarations/Cancel", "SM"),
    ("Declarations/DeclareReturn", "SM"),
    ("Declarations/DeclareReturnTally", "SCM"),
    ("Declarations/DeclarePayment", "SM"),
    ("Declarations/PreviewSummary", "SOM"),
    ("Declarations/ApplySummary", "SM"),
    ("Declarations/GetFollowUp", "SCOM"),
    ("Declarations/Deadlines", "SOM"),
    ("Logistics/PushWaybills", "CM"),
    ("Logistics/AmendWaybill", "CM"),
    ("Logistics/DeleteWaybill", "CM"),
    ("Logistics/GetWaybill", "COM"),
    ("Logistics/BindWaybill", "SCM"),
    ("Logistics/PushManifest", "SCM"),
    ("Logistics/PushArrival", "CM"),
    ("Logistics/PushDeparture", "CM"),
    ("Logistics/Watch", "COM"),
    ("Exemptions/ExportLedger", "SOM"),
    ("AuditLog/Timeline", "OAM"),
    ("AuditLog/Search", "OAM"),
    ("AuditLog/Checkpoint", "OAM"),
    ("AuditLog/ProveInclusion", "OAM"),
    ("AuditLog/ProveConsistency", "OAM"),
    ("AuditLog/Tail", "OAM"),
    ("Operations/GetArrival", "OAM"),
    ("Operations/Find", "OM"),
    ("Operations/UnmatchedReceipts", "OM"),
    ("Operations/Queues", "OM"),
    ("Operations/Nodes", "OM"),
    ("Operations/ResumeSender", "OM"),
    ("Exemptions/Assess", "SOM"),
    ("Retention/ListLegalHolds", "OAM"),
    ("Retention/ProposeDestruction", "M"),
    // What is not named and begins so.
    ("Exemptions/", "SM"),
    ("Operations/", "OM"),
    ("Retention/", "AM"),
];

/// The letters of who may make a call.
pub(crate) fn may(name: &str) -> &'static str {
    let row = TABLE
        .iter()
        .find(|(named, _)| *named == name)
        .or_else(|| TABLE.iter().find(|(named, _)| named.ends_with('/') && name.starts_with(named)));
    row.unwrap_or_else(|| panic!("{name}: say in the table of this test who may call it")).1
}

/// Every call that the door has.
pub(crate) fn calls() -> Vec<String> {
    let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let services = set.file.iter().flat_map(|file| &file.service);
    services.flat_map(|service| service.method.iter().map(|method| format!("{}/{}", service.name(), method.name()))).collect()
}

/// Makes a call with an empty request, as whoever has this key.
pub(crate) async fn call(channel: &Channel, authorization: &str, call: &str) -> Result<(), Status> {
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let mut request = Request::new(());
    if !authorization.is_empty() {
        request.metadata_mut().insert("authorization", MetadataValue::try_from(authorization).unwrap());
    }
    let path = PathAndQuery::try_from(format!("/tongguan.v1.{call}")).unwrap();
    let codec = ProstCodec::<(), ()>::default();
    let mut answers = grpc.server_streaming(request, path, codec).await?.into_inner();
    match timeout(Duration::from_millis(50), answers.message()).await {
        Ok(answer) => answer.map(drop),
        // A stream that waits is open.
        Err(_) => Ok(()),
    }
}

#[tokio::test]
async fn every_call_by_every_role() {
    let world = world(&STAFFED).await;
    let calls = calls();
    assert!(calls.len() >= 35, "{calls:?}");
    for name in calls {
        for ((key, _, _), (_, letter)) in STAFFED.iter().zip(LETTERS) {
            let answer = call(&world.channel, &world.authorization(key), &name).await;
            let code = answer.map_or_else(|status| status.code(), |()| Code::Ok);
            assert_ne!(code, Code::Unauthenticated, "{name} by {key}");
            assert_eq!(code != Code::PermissionDenied, may(&name).contains(letter), "{name} by {key}: {code:?}");
        }
        for nobody in ["", "Bearer tgk_unknown", "Basic x"] {
            assert_eq!(call(&world.channel, nobody, &name).await.unwrap_err().code(), Code::Unauthenticated, "{name} by {nobody:?}");
        }
    }
}

#[tokio::test]
async fn anothers_number_is_answered_as_one_that_is_not_there() {
    let world = world(&[("acme", "acme", Role::Seller), ("rival", "rival", Role::Seller), ("van", "rival", Role::Carrier)]).await;
    let theirs = world.declarations("acme").submit(submit("A1", "W1")).await.unwrap().into_inner().declaration_id;
    let got =
        world.declarations("acme").get(GetRequest { declaration_id: theirs.clone(), ..Default::default() }).await.unwrap().into_inner();
    let document = got.documents[0].id.clone();
    let nobodys = "01900000-0000-7000-8000-000000000000".to_owned();
    let mut answers = Vec::new();
    for (id, document) in [(theirs, document), (nobodys.clone(), nobodys)] {
        let mut rival = world.declarations("rival");
        let told = |status: Status| (status.code(), status.message().to_owned(), status.details().to_vec());
        answers.push(vec![
            told(rival.get(GetRequest { declaration_id: id.clone(), ..Default::default() }).await.unwrap_err()),
            told(rival.amend(AmendRequest { declaration_id: id.clone(), ..AmendRequest::default() }).await.unwrap_err()),
            told(rival.delete(DeleteRequest { declaration_id: id.clone(), ..DeleteRequest::default() }).await.unwrap_err()),
            told(rival.get_follow_up(GetFollowUpRequest { id: document, ..Default::default() }).await.unwrap_err()),
            told(
                world
                    .logistics("van")
                    .bind_waybill(BindWaybillRequest { declaration_id: id.clone(), ..BindWaybillRequest::default() })
                    .await
                    .unwrap_err(),
            ),
        ]);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0][0].0, Code::NotFound);
}

async fn ended(stream: &mut tonic::Streaming<impl Send>) -> Status {
    let end = async {
        loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it ended as if all were well"),
                Err(status) => return status,
            }
        }
    };
    timeout(Duration::from_secs(10), end).await.expect("the stream goes on")
}

#[tokio::test]
async fn a_revoked_key_is_out_at_once_with_its_streams_and_others_stay() {
    let world = world(&STAFFED).await;
    let (items, sent) = mpsc::channel::<SubmitStreamRequest>(4);
    let mut submitting = world.declarations("seller").submit_stream(ReceiverStream::new(sent)).await.unwrap().into_inner();
    let item = |n: u32| SubmitStreamRequest { item_id: n.to_string(), submit: Some(submit(&format!("A{n}"), &format!("W{n}"))) };
    items.send(item(1)).await.unwrap();
    assert!(submitting.message().await.unwrap().is_some());
    let tail = TailRequest { after_position: None };
    let mut auditing = world.audit_log("auditor").tail(tail).await.unwrap().into_inner();
    let mut operating = world.audit_log("operator").tail(tail).await.unwrap().into_inner();

    let left = |names: &[&str]| Options {
        keys: world.options.keys.iter().filter(|key| names.contains(&key.name.as_str())).cloned().collect(),
        ..Options::default()
    };
    world.access.replace(&left(&["operator", "carrier"])).unwrap();
    for status in [ended(&mut submitting).await, ended(&mut auditing).await] {
        assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
        assert!(status.message().contains("已停用"), "{status:?}");
    }
    let refused = world.declarations("seller").list(ListRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let size = world.sequence().await;
    let entry = timeout(Duration::from_secs(10), operating.message()).await.unwrap().unwrap().unwrap();
    assert_eq!(entry.entry.unwrap().position, Some(size - 1), "who was not revoked goes on");

    // The same name with another key is somebody else; nothing at all is no set of keys.
    let mut others = left(&["operator"]);
    others.keys[0].sha256 = "0f".repeat(32);
    assert!(world.access.replace(&Options::default()).is_err());
    others.keys[0].until = Some("20270230".into());
    assert!(world.access.replace(&others).is_err(), "there is no such day");
    assert!(world.operations("operator").queues(QueuesRequest {}).await.is_ok(), "a refused set changes nothing");
    others.keys[0].until = None;
    world.access.replace(&others).unwrap();
    assert_eq!(ended(&mut operating).await.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_key_opens_to_the_end_of_its_last_day_in_china() {
    let world = world(&STAFFED).await;
    let mut options = world.options.clone();
    // It is noon of 23 November there.
    options.keys[3].until = Some("20261123".into());
    options.keys[2].until = Some("20261122".into());
    world.access.replace(&options).unwrap();
    assert_eq!(world.operations("operator").queues(QueuesRequest {}).await.unwrap_err().code(), Code::Unauthenticated);
    let mut auditing = world.audit_log("auditor").tail(TailRequest { after_position: None }).await.unwrap().into_inner();
    world.clock.advance(Duration::from_secs(12 * 3_600 - 2));
    assert!(world.audit_log("auditor").search(SearchRequest::default()).await.is_ok());
    world.clock.advance(Duration::from_secs(3));
    assert_eq!(world.audit_log("auditor").search(SearchRequest::default()).await.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(ended(&mut auditing).await.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn who_calls_too_often_is_told_when_to_come_back_and_others_are_not() {
    let world = world(&STAFFED).await;
    world.access.replace(&Options { rate: RateOptions { calls_per_s: 2, burst: 3 }, ..world.options.clone() }).unwrap();
    let mut seller = world.declarations("seller");
    for _ in 0..3 {
        seller.list(ListRequest::default()).await.unwrap();
    }
    let refused = seller.list(ListRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let wait = refused.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert_eq!(wait, Duration::from_millis(500));
    assert!(world.operations("operator").queues(QueuesRequest {}).await.is_ok());
    world.clock.advance(wait);
    assert!(seller.list(ListRequest::default()).await.is_ok());
    assert!(seller.list(ListRequest::default()).await.is_err());
}

#[tokio::test]
async fn what_was_refused_to_who_is_known_is_in_the_log_summed() {
    let world = world(&STAFFED).await;
    world.access.replace(&Options { rate: RateOptions { calls_per_s: 10, burst: 10 }, ..world.options.clone() }).unwrap();
    for _ in 0..3 {
        world.operations("seller").find(FindRequest::default()).await.unwrap_err();
    }
    let id = "01900000-0000-7000-8000-000000000000".to_owned();
    world.declarations("seller").get(GetRequest { declaration_id: id.clone(), ..Default::default() }).await.unwrap_err();
    world.declarations("operator").get(GetRequest { declaration_id: id, ..Default::default() }).await.unwrap_err();
    world.declarations("nobody").list(ListRequest::default()).await.unwrap_err();
    for _ in 0..12 {
        drop(world.logistics("carrier").push_waybills(tokio_stream::iter([])).await);
    }
    let store = std::sync::Arc::clone(&world.store);
    world.stop().await;
    let filter = EntryFilter { act: Some("refuse".into()), pending: true, limit: 100, ..EntryFilter::default() };
    let entries: Vec<Entry> = store.entries(filter).await.unwrap().into_iter().map(|placed| placed.entry).collect();
    let told: BTreeMap<_, _> = entries
        .iter()
        .map(|entry| ((entry.actor.name.as_str(), entry.changes[0].field.as_str(), entry.why.as_str()), entry.changes[0].to.as_str()))
        .collect();
    let expected = BTreeMap::from([
        (("seller", "refused.forbidden", "/tongguan.v1.Operations/Find"), "3"),
        (("seller", "refused.not_found", "/tongguan.v1.Declarations/Get"), "1"),
        (("carrier", "refused.rate", "/tongguan.v1.Logistics/PushWaybills"), "2"),
    ]);
    assert_eq!(told, expected, "staff see everything: what they do not find is not there");
    assert!(entries.iter().all(|entry| entry.subject.is_nil() && entry.actor.role != Role::Gateway));
    assert!(entries.iter().all(|entry| entry.actor.address == "127.0.0.1".parse().ok() && entry.actor.trace.is_none()));
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[tokio::test]
async fn an_entry_tells_where_a_call_came_from_and_in_the_course_of_what() {
    let world = world(&STAFFED).await;
    let traced = |traceparent: String, order: &str| {
        let mut request = Request::new(submit(order, ""));
        request.metadata_mut().insert("traceparent", MetadataValue::try_from(traceparent).unwrap());
        request
    };
    let mut ids = Vec::new();
    // The last is none: it is as if none had been given.
    for (order, given) in [("A1", format!("00-{TRACE}-b7ad6b7169203331-01")), ("A2", format!("00-{TRACE}-0000000000000000-01"))] {
        ids.push(world.declarations("seller").submit(traced(given, order)).await.unwrap().into_inner().declaration_id);
    }
    let order = DeskOrder { items: vec!["A1".into()], why: "库房盘点".into(), dry_run: false };
    world.operations("operator").hold(HoldRequest { order: Some(order) }).await.unwrap();
    world.sequence().await;
    let search = |number: &str, address: &str| {
        let asked = SearchRequest { number: number.into(), address: address.into(), ..SearchRequest::default() };
        let mut log = world.audit_log("auditor");
        async move { log.search(asked).await.map(|found| found.into_inner().entries) }
    };
    let told = |entries: Vec<AuditEntry>| -> Vec<_> {
        entries.into_iter().map(|entry| (entry.act, entry.role, entry.actor, entry.address, entry.trace_id)).collect()
    };
    let line =
        |act: &str, role: &str, trace: &str| (act.to_owned(), role.to_owned(), role.to_owned(), "127.0.0.1".to_owned(), trace.to_owned());
    // Whoever acts in no trace is told in the declaration's.
    let both = [line("accept", "seller", TRACE), line("hold", "operator", TRACE)];
    assert_eq!(told(search(&ids[0], "").await.unwrap()), both);
    let of_trace = |trace_id: &str, page_size: u32, after_position: Option<i64>| {
        let asked = SearchRequest { trace_id: trace_id.into(), page_size, after_position, ..SearchRequest::default() };
        let mut log = world.audit_log("auditor");
        async move { log.search(asked).await.map(|found| found.into_inner()) }
    };
    assert_eq!(told(of_trace(TRACE, 0, None).await.unwrap().entries), both);
    let page = of_trace(TRACE, 1, None).await.unwrap();
    assert_eq!(told(page.entries), both[..1]);
    assert_eq!(told(of_trace(TRACE, 1, page.next_after_position).await.unwrap().entries), both[1..]);
    for own in [ids[1].clone(), ids[1].replace('-', "").to_uppercase()] {
        assert_eq!(told(of_trace(&own, 0, None).await.unwrap().entries), [line("accept", "seller", &ids[1].replace('-', ""))]);
    }
    assert!(of_trace(&ids[0], 0, None).await.unwrap().entries.is_empty(), "it was told in its caller's");
    for none in ["x", &"0".repeat(32), &"1".repeat(31), &"1".repeat(5_000)] {
        assert_eq!(of_trace(none, 0, None).await.unwrap_err().code(), Code::InvalidArgument);
    }
    assert_eq!(told(search(&ids[1], "127.0.0.1").await.unwrap()), [line("accept", "seller", &ids[1].replace('-', ""))]);
    assert!(search(&ids[0], "10.0.0.1").await.unwrap().is_empty());
    assert_eq!(search("", "nowhere").await.unwrap_err().code(), Code::InvalidArgument);
    // The entry itself, in its canonical form.
    let filter = EntryFilter { act: Some("accept".into()), limit: 2, ..EntryFilter::default() };
    let leaf = String::from_utf8(world.store.entries(filter).await.unwrap()[0].entry.to_leaf()).unwrap();
    assert!(leaf.contains(&format!(r#""address":"127.0.0.1","trace":"00-{TRACE}-b7ad6b7169203331-01"}}"#)), "{leaf}");
}
