//! A declaration followed from outside: the real program, on each store, sends the spans of a life to a collector, all in one trace, and
//! a collector that is dead or deaf holds up nothing.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::any_value,
    trace::v1::Span,
};
use serde_json::Value;
use tokio::{net::TcpListener, time::Instant};
use tokio_stream::wrappers::TcpListenerStream;
use tongguan::{
    config::LogFormat,
    grpc::{
        client,
        proto::{
            AmendWaybillRequest, DeleteWaybillRequest, DeskOrder, GetWaybillRequest, HoldRequest, PushWaybillsRequest, ReleaseRequest,
            SubmitRequest, Waybill, declarations_client::DeclarationsClient, logistics_client::LogisticsClient,
            operations_client::OperationsClient, push_waybills_response,
        },
    },
};
use tonic::{Request, Response, Status, metadata::MetadataValue, transport::Server};

use super::rig::{
    self, Program,
    town::{Keeper, Town},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(&self, request: Request<ExportTraceServiceRequest>) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for resource in request.into_inner().resource_spans {
            let about = format!("{:?}", resource.resource);
            assert!(about.contains("service.name") && about.contains("tongguan"), "{about}");
            self.0.lock().unwrap().extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    /// Listens; gives the address.
    async fn open(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = TraceServiceServer::new(self.clone());
        tokio::spawn(Server::builder().add_service(service).serve_with_incoming(TcpListenerStream::new(listener)));
        format!("http://{address}")
    }

    fn of(&self, trace: &str) -> Vec<Span> {
        self.0.lock().unwrap().iter().filter(|span| hex(&span.trace_id) == trace).cloned().collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn town(keeper: Keeper, otlp: &str, orders: usize) -> Town {
    let mut town = Town::new(keeper, orders);
    town.config.telemetry.otlp = Some(otlp.to_owned());
    (town.config.log.format, town.config.log.filter) = (LogFormat::Json, "info,tongguan=debug".to_owned());
    town.configure("tongguan", |_| ());
    town
}

fn lines(town: &Town, what: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(town.path(&format!("{what}.jsonl"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Submits an order; gives its id.
async fn submit(town: &Town, order: &Value, traceparent: Option<&str>) -> String {
    let (draft, idempotency_key) = rig::draft_of(order);
    let mut request =
        Request::new(SubmitRequest { declaration: Some(client::message_of(draft)), idempotency_key, ..SubmitRequest::default() });
    if let Some(given) = traceparent {
        request.metadata_mut().insert("traceparent", MetadataValue::try_from(given).unwrap());
    }
    DeclarationsClient::connect(town.door()).await.unwrap().submit(request).await.unwrap().into_inner().declaration_id
}

async fn opened(serve: &Program) {
    rig::until(LONGEST, "the gateway", || async { serve.said().contains("the gateway listens") }).await;
}

/// What is personal in what was submitted: telephones, notes, and names of persons and firms.
fn personal(lines: &[Value], found: &mut BTreeSet<String>) {
    fn look(name: &str, value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| look(name, value, found)),
            Value::Array(items) => items.iter().for_each(|item| look(name, item, found)),
            Value::String(text) if ["name", "note", "seller_telephone", "item_info", "goods_info"].contains(&name) && text.len() > 5 => {
                found.insert(text.clone());
            }
            _ => {}
        }
    }
    lines.iter().for_each(|line| look("", line, found));
}

/// The life of one that came in a trace, and of one that did not.
async fn a_life_is_one_trace(keeper: Keeper) {
    let collector = Collector::default();
    let town = town(keeper, &collector.open().await, 2);
    let customs = town.start("simulate", "tongguan", &[]);
    let serve = town.start("serve", "tongguan", &[]);
    opened(&serve).await;
    let (orders, waybills) = (lines(&town, "orders"), lines(&town, "waybills"));
    let traced = submit(&town, &orders[0], Some(&format!("00-{TRACE}-{CALLER}-01"))).await;
    let own = submit(&town, &orders[1], None).await.replace('-', "");
    assert!(town.submit("waybills", &town.door()).wait(LONGEST).success());
    town.all_closed().await;
    assert!(serve.stop().success());
    assert!(customs.stop().success());

    for (trace, caller) in [(TRACE, CALLER), (own.as_str(), "")] {
        let spans = collector.of(trace);
        let stages: BTreeSet<_> = spans.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(stages, BTreeSet::from(["intake", "push", "gate", "sign", "pack", "send", "receive", "collect", "apply"]), "{spans:#?}");
        let (roots, rest): (Vec<_>, Vec<_>) = spans.iter().partition(|span| span.name == "intake");
        assert_eq!((roots.len(), hex(&roots[0].parent_span_id).trim_start_matches('0')), (1, caller));
        assert!(rest.iter().all(|span| span.parent_span_id == roots[0].span_id), "{rest:#?}");
        let ids: BTreeSet<_> = spans.iter().map(|span| span.span_id.clone()).collect();
        assert_eq!(ids.len(), spans.len(), "each has an id of its own");
        assert!(spans.iter().all(|span| span.start_time_unix_nano > 0 && span.start_time_unix_nano <= span.end_time_unix_nano));
        let tells = |name: &str, value: &str| {
            let is = |found: &any_value::Value| matches!(found, any_value::Value::StringValue(text) if text == value);
            let mut all = spans.iter().flat_map(|span| &span.attributes);
            all.any(|found| found.key == name && found.value.as_ref().and_then(|found| found.value.as_ref()).is_some_and(is))
        };
        // What customs said twice in a moment may be taken in together: of the states between, not all are told.
        for state in ["delivered", "closed"] {
            assert!(tells("tongguan.inventory.state", state), "{state}");
        }
    }
    let told = town.said("serve", "tongguan");
    let kept = told.lines().find(|line| line.contains("declaration was kept") && line.contains(&traced)).unwrap();
    assert!(kept.contains(&format!("\"trace_id\":\"{TRACE}\"")), "{kept}");
    let mut hidden = BTreeSet::new();
    personal(&[orders, waybills].concat(), &mut hidden);
    let spans = format!("{:?}", collector.0.lock().unwrap());
    assert!(hidden.len() > 3, "{hidden:?}");
    for text in hidden {
        assert!(!spans.contains(&text) && !told.contains(&text), "{text}");
    }
    let place: &[&str] = match &town.keeper {
        Keeper::Sqlite => &["--dir", &town.path("")],
        Keeper::Postgres { url, .. } => &["--store", url],
    };
    let story = rig::run(&[["audit", "show", traced.as_str()].as_slice(), place].concat()).1;
    for act in ["accept", "pack", "deliver", "receipt"] {
        assert!(story.lines().any(|line| line.contains(&format!(" {act} ")) && line.contains(&format!("[{TRACE}]"))), "{act}: {story}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_is_one_trace_on_sqlite() {
    a_life_is_one_trace(Keeper::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_is_one_trace_on_postgres() {
    a_life_is_one_trace(Keeper::postgres().await).await;
}

fn traced<T>(message: T, trace: &str) -> Request<T> {
    let mut request = Request::new(message);
    if !trace.is_empty() {
        request.metadata_mut().insert("traceparent", MetadataValue::try_from(format!("00-{trace}-{CALLER}-01")).unwrap());
    }
    request
}

/// What the desk and a carrier do to something that is on its way, each in a trace of its own, or in none.
async fn who_acts_is_told_in_his_trace_and_points_to_the_declarations(keeper: Keeper) {
    let traces = ["1", "2", "3", "4", "5"].map(|digit| digit.repeat(32));
    let [held, resumed, pushed, amended, deleted] = traces.each_ref().map(String::as_str);
    let collector = Collector::default();
    let town = town(keeper, &collector.open().await, 1);
    // Nobody packs: all of it can be held, amended and taken back.
    let serve = town.start("serve", "tongguan", &["--roles", "intake,gate,sequence"]);
    opened(&serve).await;
    let id = submit(&town, &lines(&town, "orders")[0], Some(&format!("00-{TRACE}-{CALLER}-01"))).await;
    let order = || Some(DeskOrder { items: vec![id.clone()], why: "盘点".into(), dry_run: false });
    let mut desk = OperationsClient::connect(town.door()).await.unwrap();
    for (trace, on_hold) in [(held, true), ("", false), ("", true), (resumed, false)] {
        let report = if on_hold {
            desk.hold(traced(HoldRequest { order: order() }, trace)).await.unwrap().into_inner().report
        } else {
            desk.release(traced(ReleaseRequest { order: order() }, trace)).await.unwrap().into_inner().report
        };
        assert!(report.unwrap().applied);
    }
    let waybill = client::waybill_of(rig::waybill_of(&lines(&town, "waybills")[0]));
    let mut carrier = LogisticsClient::connect(town.door()).await.unwrap();
    let push = PushWaybillsRequest { item_id: "1".into(), waybill: Some(waybill.clone()) };
    let mut answers = carrier.push_waybills(traced(tokio_stream::iter([push]), pushed)).await.unwrap().into_inner();
    assert!(matches!(answers.message().await.unwrap().unwrap().result, Some(push_waybills_response::Result::Kept(_))));
    let (code, waybill_no) = (waybill.carrier.clone().unwrap().code, waybill.waybill_no.clone());
    rig::until(LONGEST, "the waybill's document", || async {
        let asked = GetWaybillRequest { carrier: code.clone(), waybill_no: waybill_no.clone(), ..Default::default() };
        carrier.clone().get_waybill(asked).await.unwrap().into_inner().document.is_some()
    })
    .await;
    let other = Waybill { packs: "2".into(), ..waybill };
    carrier.amend_waybill(traced(AmendWaybillRequest { waybill: Some(other) }, amended)).await.unwrap();
    carrier.delete_waybill(traced(DeleteWaybillRequest { carrier: code, waybill_no }, deleted)).await.unwrap();
    assert!(serve.stop().success());

    let tells = |span: &Span, act: &str| {
        let is = |found: &any_value::Value| matches!(found, any_value::Value::StringValue(text) if text == act);
        let mut all = span.attributes.iter().filter(|found| found.key == "tongguan.act");
        all.any(|found| found.value.as_ref().and_then(|found| found.value.as_ref()).is_some_and(is))
    };
    let root = collector.of(TRACE).into_iter().find(|span| span.name == "intake" && tells(span, "accept")).unwrap().span_id;
    for (trace, stage, act) in [
        (held, "desk", "hold"),
        (resumed, "desk", "release"),
        (pushed, "push", "accept_waybill"),
        (amended, "push", "amend_waybill"),
        (deleted, "push", "delete_waybill"),
    ] {
        let spans = collector.of(trace);
        let [span] = &spans[..] else { panic!("{act}: {spans:#?}") };
        assert_eq!((span.name.as_str(), hex(&span.parent_span_id).as_str()), (stage, CALLER), "{act}");
        assert!(tells(span, act), "{span:?}");
        let points: Vec<_> = span.links.iter().map(|link| (hex(&link.trace_id), link.span_id.clone())).collect();
        assert_eq!(points, [(TRACE.to_owned(), root.clone())], "{act}");
    }
    // What was done in no trace hangs in the declaration's own.
    let own: Vec<_> = collector.of(TRACE).into_iter().filter(|span| span.name == "desk").collect();
    assert!(own.len() == 2 && own.iter().all(|span| span.parent_span_id == root), "{own:#?}");
    assert!(tells(&own[0], "release") && tells(&own[1], "hold"));
    let place: &[&str] = match &town.keeper {
        Keeper::Sqlite => &["--dir", &town.path("")],
        Keeper::Postgres { url, .. } => &["--store", url],
    };
    let search = |trace: &str| rig::run(&[["audit", "search", "--trace", trace].as_slice(), place].concat());
    let acts = |trace: &str| {
        let (fine, said) = search(trace);
        assert!(fine && said.lines().all(|line| line.contains(&format!("[{trace}]"))), "{said}");
        let act = |line: &str| line.split(&format!("[{trace}] ")).nth(1).and_then(|rest| rest.split(' ').next().map(str::to_owned));
        said.lines().filter_map(act).collect::<Vec<_>>()
    };
    assert_eq!(acts(TRACE)[..3], ["accept", "release", "hold"]);
    assert_eq!((acts(held), acts(deleted)), (vec!["hold".to_owned()], vec!["delete_waybill".to_owned()]));
    assert!(!search(&"9".repeat(32)).0 && !search("x").0, "nothing is told of it; it is none");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_acts_is_told_on_sqlite() {
    who_acts_is_told_in_his_trace_and_points_to_the_declarations(Keeper::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_acts_is_told_on_postgres() {
    who_acts_is_told_in_his_trace_and_points_to_the_declarations(Keeper::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_or_deaf_collector_holds_up_nothing() {
    // Whoever connects to the first is never answered; nobody listens at the second.
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addresses = [deaf.local_addr().unwrap().to_string(), format!("127.0.0.1:{}", rig::free_port())];
    for address in addresses {
        let town = town(Keeper::Sqlite, &format!("http://{address}"), 1);
        let customs = town.start("simulate", "tongguan", &[]);
        let serve = town.start("serve", "tongguan", &[]);
        opened(&serve).await;
        submit(&town, &lines(&town, "orders")[0], None).await;
        assert!(town.submit("waybills", &town.door()).wait(LONGEST).success());
        town.all_closed().await;
        let began = Instant::now();
        assert!(serve.stop().success());
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        assert!(customs.stop().success());
        let told = town.said("serve", "tongguan");
        assert!((1..=2).contains(&told.matches("trace collector").count()), "it is told, and not with every batch: {told}");
    }
}
