//! Who may call, who sees what, and what every gRPC tool expects of a server.

use tongguan::{
    grpc::proto::{
        self, AuditEntry, FindRequest, GetRequest, ListRequest, NodesRequest, NumberKind, QueuesRequest, ResumeSenderRequest,
        SearchRequest, TimelineRequest, UnmatchedReceiptsRequest,
    },
    party::Role,
};
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient, server_reflection_request::MessageRequest,
    server_reflection_response::MessageResponse,
};

use super::{
    samples::{CARRIER, submit},
    world::{World, open_world, world},
};

async fn staffed() -> World {
    let keys = [
        ("acme", "acme", Role::Seller),
        ("rival", "rival", Role::Seller),
        ("van", "van", Role::Carrier),
        ("desk", "house", Role::Operator),
        ("audit", "house", Role::Auditor),
    ];
    world(&keys).await
}

#[tokio::test]
async fn tenants_do_not_see_each_other() {
    let world = staffed().await;
    let id = world.declarations("acme").submit(submit("A1", "W1")).await.unwrap().into_inner().declaration_id;
    let get = || GetRequest { declaration_id: id.clone(), ..Default::default() };
    let nobodys = GetRequest { declaration_id: "01900000-0000-7000-8000-000000000000".into(), ..Default::default() };
    let theirs = world.declarations("rival").get(get()).await.unwrap_err();
    let none = world.declarations("rival").get(nobodys).await.unwrap_err();
    assert_eq!((theirs.code(), theirs.message()), (Code::NotFound, none.message()));
    assert!(world.declarations("rival").list(ListRequest::default()).await.unwrap().into_inner().declarations.is_empty());
    assert_eq!(world.declarations("desk").get(get()).await.unwrap().into_inner().tenant, "acme");
    assert_eq!(world.declarations("desk").list(ListRequest::default()).await.unwrap().into_inner().declarations.len(), 1);
    // A key belongs to a tenant: another tenant's same key is another key, and its order number is told to be taken.
    assert_eq!(world.declarations("rival").submit(submit("A1", "W1")).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn roles_may_only_do_what_is_theirs() {
    let world = staffed().await;
    let denied = |result: Result<(), tonic::Status>| assert_eq!(result.unwrap_err().code(), Code::PermissionDenied);
    denied(world.declarations("van").submit(submit("A1", "W1")).await.map(|_| ()));
    denied(world.declarations("desk").submit(submit("A1", "W1")).await.map(|_| ()));
    denied(world.declarations("audit").list(ListRequest::default()).await.map(|_| ()));
    denied(world.logistics("acme").push_waybills(tokio_stream::iter([])).await.map(|_| ()));
    denied(world.operations("acme").find(FindRequest::default()).await.map(|_| ()));
    denied(world.operations("audit").queues(QueuesRequest {}).await.map(|_| ()));
    denied(world.operations("audit").nodes(NodesRequest {}).await.map(|_| ()));
    denied(world.audit_log("acme").timeline(TimelineRequest { number: "A1".into(), ..Default::default() }).await.map(|_| ()));
    denied(world.operations("acme").resume_sender(ResumeSenderRequest::default()).await.map(|_| ()));
    let unknown = world.declarations("nobody").list(ListRequest::default()).await.unwrap_err();
    assert_eq!(unknown.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn declarations_are_found_by_all_their_numbers() {
    let world = open_world().await;
    let id = world.declarations("").submit(submit("A1", "W1")).await.unwrap().into_inner().declaration_id;
    let got = world.declarations("").get(GetRequest { declaration_id: id.clone(), ..Default::default() }).await.unwrap().into_inner();
    let numbers =
        vec!["A1".into(), "W1".into(), got.enterprise_no.clone(), id.clone(), "784-12345675".into(), "nothing".into(), "x".repeat(9_000)];
    let found = world.operations("").find(FindRequest { numbers }).await.unwrap().into_inner();
    let kinds: Vec<_> = found.hits.iter().map(proto::Hit::kind).collect();
    assert_eq!(kinds, [NumberKind::Order, NumberKind::Waybill, NumberKind::Enterprise, NumberKind::Unspecified, NumberKind::Bill]);
    assert!(found.hits.iter().all(|hit| hit.declaration_id == id && hit.order_no == "A1" && hit.documents.len() == 2));
    assert_eq!(found.missing.len(), 2);
    let too_many = FindRequest { numbers: vec!["1".into(); 201] };
    assert_eq!(world.operations("").find(too_many).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn the_audit_log_tells_the_story() {
    let world = staffed().await;
    let id = world.declarations("acme").submit(submit("A1", "W1")).await.unwrap().into_inner().declaration_id;
    let mut log = world.audit_log("audit");
    let story = log.timeline(TimelineRequest { number: "W1".into(), ..Default::default() }).await.unwrap().into_inner();
    assert_eq!(story.declaration_ids, [id]);
    let [AuditEntry { position: None, act, actor, tenant, changes, .. }] = story.entries.as_slice() else { panic!("{story:?}") };
    assert_eq!((act.as_str(), actor.as_str(), tenant.as_str()), ("accept", "acme", "acme"));
    assert!(changes.iter().any(|change| change.field == "inventory.state" && change.to == "waiting"));
    assert_eq!(log.timeline(TimelineRequest { number: "W9".into(), ..Default::default() }).await.unwrap_err().code(), Code::NotFound);

    world.sequence().await;
    for n in 2..5 {
        world.declarations("rival").submit(submit(&format!("A{n}"), &format!("W{n}"))).await.unwrap();
    }
    world.sequence().await;
    let search = |request: SearchRequest| {
        let mut log = log.clone();
        async move { log.search(request).await.unwrap().into_inner() }
    };
    assert_eq!(search(SearchRequest { number: "A1".into(), ..Default::default() }).await.entries.len(), 1);
    assert_eq!(search(SearchRequest { act: "pack".into(), ..Default::default() }).await.entries.len(), 0);
    let page = search(SearchRequest { actor: "rival".into(), page_size: 2, ..Default::default() }).await;
    assert_eq!(page.entries.len(), 2);
    let rest = SearchRequest { actor: "rival".into(), after_position: page.next_after_position, ..Default::default() };
    assert_eq!(search(rest).await.entries.len(), 1);
}

#[tokio::test]
async fn operations_see_what_waits() {
    let world = open_world().await;
    world.declarations("").submit(submit("A1", "W1")).await.unwrap();
    let mut operations = world.operations("");
    let queues = operations.queues(QueuesRequest {}).await.unwrap().into_inner();
    assert_eq!(queues.counts.iter().map(|count| count.count).sum::<i64>(), 2);
    assert!(operations.unmatched_receipts(UnmatchedReceiptsRequest::default()).await.unwrap().into_inner().receipts.is_empty());
    let going = ResumeSenderRequest { sender: CARRIER.into(), why: "mended".into() };
    assert_eq!(operations.resume_sender(going).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn reflection_lists_the_services_and_health_says_serving() {
    let world = staffed().await;
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(MessageRequest::ListServices(String::new())) };
    let mut reflection = ServerReflectionClient::new(world.channel.clone());
    let mut answers = reflection.server_reflection_info(tokio_stream::iter([request])).await.unwrap().into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) = answers.message().await.unwrap().unwrap().message_response else { panic!() };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    for name in [
        "tongguan.v1.Declarations",
        "tongguan.v1.Logistics",
        "tongguan.v1.Exemptions",
        "tongguan.v1.AuditLog",
        "tongguan.v1.Retention",
        "tongguan.v1.Operations",
        "grpc.health.v1.Health",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    let mut health = HealthClient::new(world.channel.clone());
    for service in ["", "tongguan.v1.Declarations"] {
        let answer = health.check(HealthCheckRequest { service: service.into() }).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving);
    }
}
