//! A real server on a loopback port over a fresh SQLite file, and callers of it.

use std::{any::Any, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tongguan::{
    access::{self, Access, KeyOptions, new_key},
    audit::LogKey,
    check::Parameters,
    clock::{Clock, Clockwork, ManualClock, SeededEntropy, Timestamp, parse_day, start_of},
    desk::Desk,
    exemption::{Advisor, Library, Settings},
    grpc::{self, Parts, proto},
    intake::{self, Intake, Rules},
    lane::{Duty, Lane},
    party::{Party, Role, Sender},
    sequencer::{self, Sequencer},
    store::{Sequencing, Store, sqlite::Sqlite},
};
use tonic::{
    Request, Status,
    metadata::MetadataValue,
    service::interceptor::InterceptedService,
    transport::{Channel, Endpoint},
};

use super::samples;

/// Puts a key into every call.
#[derive(Clone)]
pub(super) struct Key(Option<String>);

impl tonic::service::Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(key) = &self.0 {
            request.metadata_mut().insert("authorization", MetadataValue::try_from(format!("Bearer {key}")).unwrap());
        }
        Ok(request)
    }
}

type Caller = InterceptedService<Channel, Key>;
pub(super) type Declarations = proto::declarations_client::DeclarationsClient<Caller>;
pub(super) type Logistics = proto::logistics_client::LogisticsClient<Caller>;
pub(super) type AuditLog = proto::audit_log_client::AuditLogClient<Caller>;
pub(super) type Exemptions = proto::exemptions_client::ExemptionsClient<Caller>;
pub(super) type Operations = proto::operations_client::OperationsClient<Caller>;
pub(super) type Retention = proto::retention_client::RetentionClient<Caller>;

pub(super) struct World {
    /// What holds the store.
    _kept: Box<dyn Any>,
    pub(super) store: Arc<dyn Store>,
    pub(super) address: SocketAddr,
    pub(super) channel: Channel,
    pub(super) access: Arc<Access>,
    /// What the keys were made of.
    pub(super) options: access::Options,
    pub(super) clockwork: Clockwork,
    pub(super) clock: Arc<ManualClock>,
    pub(super) advisor: Arc<Advisor>,
    keys: Vec<(String, String)>,
    stop: watch::Sender<bool>,
    served: JoinHandle<Result<(), grpc::Error>>,
}

/// A server that anybody may call.
pub(super) async fn open_world() -> World {
    world(&[]).await
}

/// A server with a key for each name, tenant and role.
pub(super) async fn world(keys: &[(&str, &str, Role)]) -> World {
    bounded_world(keys, grpc::Options { followers: 4, ..grpc::Options::default() }).await
}

/// The same with other bounds.
pub(super) async fn bounded_world(keys: &[(&str, &str, Role)], options: grpc::Options) -> World {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("tongguan.db")).await.unwrap());
    world_on(store, Box::new(folder), keys, options, Settings::default()).await
}

/// The same on a store that the caller opened, with other settings of the exemption.
pub(super) async fn world_on(
    store: Arc<dyn Store>,
    kept: Box<dyn Any>,
    keys: &[(&str, &str, Role)],
    bounds: grpc::Options,
    settings: Settings,
) -> World {
    let noon = start_of(parse_day("20261123").unwrap()) + Duration::from_secs(43_200);
    let clock = Arc::new(ManualClock::at(noon));
    let clockwork = Clockwork::new(Arc::clone(&clock) as Arc<dyn Clock>, Arc::new(SeededEntropy::new(11)));
    let advisor = Arc::new(Advisor::new(Library::sample().unwrap(), settings, Vec::new()).unwrap());
    let mut plain = Vec::new();
    let mut options = access::Options::default();
    for (name, tenant, role) in keys {
        let (key, sha256) = new_key(&clockwork);
        plain.push(((*name).to_owned(), key));
        options.keys.push(KeyOptions { name: (*name).into(), tenant: (*tenant).into(), role: *role, sha256, until: None, person: None });
    }
    let parts = intake::Parts { store: Arc::clone(&store), clockwork: clockwork.clone(), rules: Arc::new(rules(&advisor)) };
    let desk = Desk::new(Arc::clone(&store), clockwork.clone(), Arc::clone(&advisor), 5, vec!["national".to_owned()]);
    let (intake, _workers) = Intake::start(parts, &intake::Options::default());
    tokio::spawn(async move { _workers.join_all().await });
    let access = Arc::new(Access::new(&options).unwrap().by(&clockwork));
    let parts =
        Parts { store: Arc::clone(&store), intake, desk, access: Arc::clone(&access), clockwork: clockwork.clone(), options: bounds };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let served = tokio::spawn(grpc::serve(listener, parts, stopped));
    let channel = Endpoint::try_from(format!("http://{address}")).unwrap().connect().await.unwrap();
    World { _kept: kept, store, address, channel, access, options, clockwork, clock, advisor, keys: plain, stop, served }
}

fn rules(advisor: &Arc<Advisor>) -> Rules {
    let sender = |name: &str, code: &str| Sender {
        name: name.into(),
        party: Party { code: code.into(), name: "样例".into() },
        dxp_id: "DXPENT0000000001".into(),
        signer: name.into(),
        road: "national".into(),
        ..Sender::default()
    };
    let guangzhou = Lane { office: "51".into(), order: Duty::Send(Some("declarant".into())), ..Lane::default() };
    Rules {
        lanes: vec![guangzhou],
        senders: vec![sender("declarant", samples::DECLARANT), sender("carrier", samples::CARRIER)],
        advisor: Arc::clone(advisor),
        parameters: Parameters::default(),
    }
}

impl World {
    fn caller(&self, name: &str) -> Key {
        Key(self.keys.iter().find(|(known, _)| known == name).map(|(_, key)| key.clone()))
    }

    /// The value of `authorization` for a key.
    pub(super) fn authorization(&self, name: &str) -> String {
        self.caller(name).0.map_or_else(String::new, |key| format!("Bearer {key}"))
    }

    pub(super) fn declarations(&self, name: &str) -> Declarations {
        Declarations::new(Caller::new(self.channel.clone(), self.caller(name)))
    }

    pub(super) fn logistics(&self, name: &str) -> Logistics {
        Logistics::new(Caller::new(self.channel.clone(), self.caller(name)))
    }

    pub(super) fn audit_log(&self, name: &str) -> AuditLog {
        AuditLog::new(Caller::new(self.channel.clone(), self.caller(name)))
    }

    pub(super) fn exemptions(&self, name: &str) -> Exemptions {
        Exemptions::new(Caller::new(self.channel.clone(), self.caller(name)))
    }

    pub(super) fn operations(&self, name: &str) -> Operations {
        Operations::new(Caller::new(self.channel.clone(), self.caller(name)))
    }

    pub(super) fn retention(&self, name: &str) -> Retention {
        Retention::new(Caller::new(self.channel.clone(), self.caller(name)))
    }

    /// Lets time pass.
    pub(super) fn wait(&self, time: Duration) {
        self.clock.advance(time);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clockwork.now()
    }

    /// Gives what waits its place in the log, as the sequencer would.
    pub(super) async fn sequence(&self) -> i64 {
        let pending = self.store.pending_entries(1_000).await.unwrap();
        let expected_size = self.store.log_head().await.unwrap().size;
        let entries: Vec<_> = pending.iter().map(|entry| (entry.id, [0; 32])).collect();
        let size = expected_size + i64::try_from(entries.len()).unwrap();
        let sequencing = Sequencing { expected_size, entries, tiles: Vec::new(), root: [0; 32], note: String::new() };
        self.store.sequence(self.now(), sequencing).await.unwrap();
        size
    }

    /// What gives entries their place under checkpoints that a key signs.
    pub(super) fn sequencer(&self, key: &Arc<LogKey>) -> Sequencer {
        Sequencer::new(Arc::clone(&self.store), self.clockwork.clone(), Arc::clone(key), sequencer::Options::default())
    }

    /// Stops the server and waits for it.
    pub(super) async fn stop(self) {
        self.stop.send(true).unwrap();
        drop(self.channel);
        tokio::time::timeout(Duration::from_secs(10), self.served).await.unwrap().unwrap().unwrap();
    }
}
