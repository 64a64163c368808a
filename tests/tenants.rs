//! What is another tenant's is answered as what is not there: the same answer, by the same statements, counted in the program's own log
//! of them. On both stores, through the program.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use serde_json::Value;
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tongguan::{
    access::{KeyOptions, new_key},
    clock::{Clockwork, day_to_wire},
    config::{Config, LogFormat},
    grpc::proto::{
        AmendRequest, AmendWaybillRequest, ApplySummaryRequest, BindWaybillRequest, CancelRequest, Cancellation, DeclareReturnRequest,
        DeclareReturnTallyRequest, DeleteRequest, DeleteWaybillRequest, GetFollowUpRequest, GetRequest, GetWaybillRequest, GoodsReturn,
        PreviewSummaryRequest, PushWaybillsRequest, ReturnTally, Summary, declarations_client::DeclarationsClient,
        logistics_client::LogisticsClient,
    },
    node,
    party::{Party, Role, Sender},
    store::postgres,
};
use tonic::{
    Request, Status,
    metadata::MetadataValue,
    service::interceptor::InterceptedService,
    transport::{Channel, Endpoint},
};

use super::{
    grpc::samples,
    rig::{self, Program},
};

/// Tries of a call, of which the one with the fewest statements counts: the gateway now and then has something to do of its own.
const TRIES: usize = 4;

#[derive(Clone)]
struct Key(String);

impl tonic::service::Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", MetadataValue::try_from(format!("Bearer {}", self.0)).unwrap());
        Ok(request)
    }
}

type Caller = InterceptedService<Channel, Key>;

/// The numbers of something: another's, or of nothing. Those of one kind are equally long.
#[derive(Clone)]
struct Numbers {
    declaration: String,
    document: String,
    inventory: String,
    waybill: String,
}

/// What came of a call, and the statements that were run for it, each with how often.
#[derive(Debug, PartialEq)]
struct Came {
    answer: String,
    statements: BTreeMap<String, usize>,
}

struct Gateway {
    program: Program,
    address: String,
    keys: BTreeMap<&'static str, String>,
}

impl Gateway {
    async fn start(config: &mut Config, folder: &Path) -> Self {
        let mut keys = BTreeMap::new();
        config.access.keys.clear();
        for (name, tenant, role) in [
            ("acme", "acme", Role::Seller),
            ("acme-van", "acme", Role::Carrier),
            ("rival", "rival", Role::Seller),
            ("rival-van", "rival", Role::Carrier),
        ] {
            let (key, sha256) = new_key(&Clockwork::system());
            config.access.keys.push(KeyOptions { name: name.into(), tenant: tenant.into(), role, sha256, until: None, person: None });
            keys.insert(name, key);
        }
        let carrier = Party { code: samples::CARRIER.into(), name: "样例".into() };
        let (name, dxp_id) = ("carrier-samples".to_owned(), "DXPENT0000000099".to_owned());
        config.senders.retain(|sender| sender.name != name);
        config.senders.push(Sender { name, party: carrier, dxp_id, ..config.senders[0].clone() });
        config.grpc.listen = format!("127.0.0.1:{}", rig::free_port());
        // Nothing runs beside the door.
        config.node.roles = vec![node::Role::Intake];
        config.node.beat_ms = 60_000;
        config.node.gone_s = 300;
        config.log.format = LogFormat::Json;
        config.log.filter = "error,sqlx::query=trace".into();
        let file = folder.join("tongguan.toml");
        rig::write_config(config, &file);
        let said = folder.join("said");
        drop(fs::remove_file(&said));
        let program = Program::start(&["serve", "--config", file.to_str().unwrap()], &said);
        rig::until(Duration::from_secs(30), "the gateway", || async { program.said().contains("the gateway listens") }).await;
        Self { program, address: config.grpc.listen.clone(), keys }
    }

    async fn caller(&self, name: &str) -> (DeclarationsClient<Caller>, LogisticsClient<Caller>) {
        let channel = Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap();
        let key = Key(self.keys[name].clone());
        let caller = |channel| InterceptedService::new(channel, key.clone());
        (DeclarationsClient::new(caller(channel.clone())), LogisticsClient::new(caller(channel)))
    }

    /// The statements in what was said from an offset on.
    fn statements(&self, from: usize) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        for line in self.program.said()[from..].lines() {
            let Ok(told) = serde_json::from_str::<Value>(line) else { continue };
            if told["target"] == "sqlx::query" {
                let fields = &told["fields"];
                let text = if fields["db.statement"] == "" { &fields["summary"] } else { &fields["db.statement"] };
                let text = text.as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
                *found.entry(text).or_default() += 1;
            }
        }
        found
    }
}

/// A declaration of `acme` with its waybill.
async fn fill(gateway: &Gateway) -> Numbers {
    let (mut declarations, _) = gateway.caller("acme").await;
    let mut request = samples::submit("ORDER-0001", "WAYBILL-01");
    samples::inventory(&mut request).exit_date = day_to_wire(Clockwork::system().now().day());
    let declaration = declarations.submit(request).await.unwrap().into_inner().declaration_id;
    let (_, mut logistics) = gateway.caller("acme-van").await;
    let pushed = PushWaybillsRequest { item_id: "1".into(), waybill: Some(samples::waybill("WAYBILL-01")) };
    let mut answers = logistics.push_waybills(tokio_stream::iter([pushed])).await.unwrap().into_inner();
    assert!(answers.message().await.unwrap().is_some());
    let got = declarations.get(GetRequest { declaration_id: declaration.clone(), ..Default::default() }).await.unwrap().into_inner();
    let document = got.documents[0].id.clone();
    Numbers { declaration, document, inventory: "51412026E000000001".into(), waybill: "WAYBILL-01".into() }
}

/// What is asked about something, each by its name.
const CALLS: [&str; 13] = [
    "Get",
    "Amend",
    "Delete",
    "Cancel",
    "DeclareReturn",
    "DeclareReturnTally",
    "PreviewSummary",
    "ApplySummary",
    "GetFollowUp",
    "BindWaybill",
    "GetWaybill",
    "DeleteWaybill",
    "AmendWaybill",
];

async fn call(name: &str, gateway: &Gateway, numbers: &Numbers) -> Result<String, Status> {
    let (mut seller, mut carrier) = (gateway.caller("rival").await.0, gateway.caller("rival-van").await.1);
    let Numbers { declaration, document, inventory, waybill } = numbers.clone();
    let (office, party) = ("5141".to_owned(), samples::party("91440101MA5CXXXX1B", "广州样例贸易有限公司"));
    let code = samples::CARRIER.to_owned();
    let told = match name {
        "Get" => format!("{:?}", seller.get(GetRequest { declaration_id: declaration, ..Default::default() }).await?.into_inner()),
        "Amend" => {
            let declared = Some(samples::declaration("ORDER-0001", "WAYBILL-01"));
            let asked = AmendRequest { declaration_id: declaration, declaration: declared, ..AmendRequest::default() };
            format!("{:?}", seller.amend(asked).await?.into_inner())
        }
        "Delete" => {
            format!("{:?}", seller.delete(DeleteRequest { declaration_id: declaration, ..DeleteRequest::default() }).await?.into_inner())
        }
        "Cancel" => {
            let (declared_at, reason) = (office, "买家取消".into());
            let cancellation = Cancellation { declared_at, inventory_no: inventory, reason, seller: party, ..Cancellation::default() };
            let asked = CancelRequest { cancellation: Some(cancellation), ..CancelRequest::default() };
            format!("{:?}", seller.cancel(asked).await?.into_inner())
        }
        "DeclareReturn" => {
            let goods_return = GoodsReturn { declared_at: office, inventory_no: inventory, seller: party, ..GoodsReturn::default() };
            let asked = DeclareReturnRequest { goods_return: Some(goods_return), ..DeclareReturnRequest::default() };
            format!("{:?}", seller.declare_return(asked).await?.into_inner())
        }
        "DeclareReturnTally" => {
            let tally = ReturnTally { declared_at: office, inventory_no: inventory, waybill_no: waybill, ..ReturnTally::default() };
            let asked = DeclareReturnTallyRequest { tally: Some(tally), ..DeclareReturnTallyRequest::default() };
            format!("{:?}", seller.declare_return_tally(asked).await?.into_inner())
        }
        "PreviewSummary" => {
            let asked = PreviewSummaryRequest { inventory_nos: vec![inventory], ..PreviewSummaryRequest::default() };
            format!("{:?}", seller.preview_summary(asked).await?.into_inner())
        }
        "ApplySummary" => {
            let summary = Some(Summary { declared_at: office, seller: party, inventory_nos: vec![inventory], ..Summary::default() });
            let asked = ApplySummaryRequest { summary, ..ApplySummaryRequest::default() };
            format!("{:?}", seller.apply_summary(asked).await?.into_inner())
        }
        "GetFollowUp" => {
            format!("{:?}", seller.get_follow_up(GetFollowUpRequest { id: document, ..Default::default() }).await?.into_inner())
        }
        "BindWaybill" => {
            let waybill_no = "WAYBILL-99".into();
            let asked = BindWaybillRequest { declaration_id: declaration, carrier: code, waybill_no, ..BindWaybillRequest::default() };
            format!("{:?}", carrier.bind_waybill(asked).await?.into_inner())
        }
        "GetWaybill" => {
            format!(
                "{:?}",
                carrier.get_waybill(GetWaybillRequest { carrier: code, waybill_no: waybill, ..Default::default() }).await?.into_inner()
            )
        }
        "DeleteWaybill" => {
            format!("{:?}", carrier.delete_waybill(DeleteWaybillRequest { carrier: code, waybill_no: waybill }).await?.into_inner())
        }
        "AmendWaybill" => {
            let waybill = Some(samples::waybill(&waybill));
            format!("{:?}", carrier.amend_waybill(AmendWaybillRequest { waybill }).await?.into_inner())
        }
        _ => panic!("{name}"),
    };
    Ok(told)
}

/// The call that takes the fewest statements of several tries.
async fn came(name: &str, gateway: &Gateway, numbers: &Numbers) -> Came {
    let mut least: Option<Came> = None;
    for _ in 0..TRIES {
        let from = gateway.program.said().len();
        let answer = match call(name, gateway, numbers).await {
            Ok(told) => told,
            Err(status) => format!("{:?} {} {:?}", status.code(), status.message(), status.details()),
        };
        let Numbers { declaration, document, inventory, waybill } = numbers;
        let answer =
            [declaration, document, inventory, waybill].into_iter().fold(answer, |text, number| text.replace(number.as_str(), "…"));
        let statements = gateway.statements(from);
        if least.as_ref().is_none_or(|least| statements.values().sum::<usize>() < least.statements.values().sum()) {
            least = Some(Came { answer, statements });
        }
    }
    least.unwrap()
}

async fn compare(config: &mut Config, folder: &Path, number_of: impl AsyncFnOnce(&Numbers)) {
    let gateway = Gateway::start(config, folder).await;
    let theirs = fill(&gateway).await;
    assert!(tokio::task::spawn_blocking(move || gateway.program.stop()).await.unwrap().success());
    number_of(&theirs).await;
    let gateway = Gateway::start(config, folder).await;
    let nothing = Numbers {
        declaration: "01900000-0000-7000-8000-000000000000".into(),
        document: "01900000-0000-7000-8000-000000000001".into(),
        inventory: "51412026E999999999".into(),
        waybill: "WAYBILL-77".into(),
    };
    let mut silent = Vec::new();
    for name in CALLS {
        let (theirs, nobodys) = (came(name, &gateway, &theirs).await, came(name, &gateway, &nothing).await);
        assert_eq!(theirs, nobodys, "{name}");
        if theirs.statements.is_empty() {
            silent.push(name);
        }
    }
    // Some are refused for a fault before anything is looked up.
    assert!(silent.len() <= 5 && !silent.contains(&"Get") && !silent.contains(&"GetWaybill"), "no statement is told for {silent:?}");
    assert!(tokio::task::spawn_blocking(move || gateway.program.stop()).await.unwrap().success());
}

/// Customs has given the list a number.
const NUMBERED: &str = "INSERT INTO numbers (number, kind, scope, holder, at, tenant, declaration, document_tenant, document) \
     SELECT '51412026E000000001', 'inventory', '', holder, at, tenant, declaration, document_tenant, document FROM numbers WHERE kind = 'order'";

#[tokio::test(flavor = "multi_thread")]
async fn anothers_number_takes_the_same_statements_on_sqlite() {
    let folder = rig::folder();
    let mut config = rig::config(folder.path());
    let file = config.store.file.clone();
    compare(&mut config, folder.path(), async |_| {
        let mut connection = SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
        sqlx::query(NUMBERED).execute(&mut connection).await.unwrap();
        SqliteConnection::close(connection).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_number_takes_the_same_statements_on_postgres() {
    let folder = rig::folder();
    let mut config = rig::config(folder.path());
    let server = rig::postgres::shared();
    let database = server.create(None).await;
    let options = postgres::Options::at(&server.url(&database));
    postgres::migrate(&options).await.unwrap();
    config.store.postgres = Some(options);
    compare(&mut config, folder.path(), async |_| server.run(&database, NUMBERED).await).await;
}
