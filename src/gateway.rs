//! The gateway as a whole: opens the store, the keys and the roads, starts every task, and stops them in the order in which work
//! flows, so that nothing in hand is left behind.

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc};

use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use uuid::Uuid;

use crate::{
    access::{self, Access},
    audit::{Checkpoint, Difference, Entry, LogKey, NoteError},
    clock::{
        Clockwork,
        meter::{Work, measure},
    },
    collector::{Collector, Receiver},
    config::{Config, StoreOptions, TableError},
    courier::Courier,
    endpoint::Road,
    exemption::{Advisor, DataError, Library, SetupError, Version},
    gatekeeper::Gatekeeper,
    grpc,
    intake::{self, Intake},
    packer::Packer,
    party::{Actor, Tenant},
    sequencer::Sequencer,
    signers::{self, Signers},
    store::{self, Application, Change, Store, postgres::Postgres, sqlite::Sqlite},
};

/// Why the gateway could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store.
    #[error("存储 {0} 无法打开 · the store {0} cannot be opened")]
    Store(String, #[source] store::Error),
    /// A file of the configuration.
    #[error("{path} 无法读取 · {path} cannot be read", path = .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// The key of the audit log.
    #[error("{path} 中没有审计日志的私钥 · {path} holds no secret key of an audit log", path = .0.display())]
    LogKey(PathBuf, #[source] NoteError),
    /// The store's log was signed with another key.
    #[error("存储中的审计日志由另一把密钥签名，不是 {path} · the store's audit log was signed with another key than {path}", path = .0.display())]
    OtherLogKey(PathBuf),
    /// A signer.
    #[error("签名密钥无法使用 · a signer cannot be opened")]
    Signers(#[from] signers::Error),
    /// Access keys.
    #[error("调用方密钥配置有误 · the access keys make no sense")]
    Access(#[from] access::Error),
    /// The exemption's tables or settings.
    #[error("无法建立无票免税建议 · the exemption advice cannot be set up")]
    Exemption(#[from] SetupError),
    /// Tables that declarations are checked by.
    #[error("校验所用的表有误 · the tables of the check are of no use:\n{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Check(Vec<TableError>),
    /// A rate library.
    #[error("出口退税率文库 {path} 无法读取 · the rate library {path} cannot be read", path = .0.display())]
    Library(PathBuf, #[source] DataError),
    /// The shipped sample library.
    #[error("样例文库无法读取 · the sample library cannot be read")]
    Sample(#[source] DataError),
    /// The address.
    #[error("无法监听 {0} · cannot listen on {0}")]
    Listen(String, #[source] std::io::Error),
}

/// A running gateway.
pub struct Gateway {
    address: SocketAddr,
    store: Arc<dyn Store>,
    stages: Vec<Stage>,
}

/// Tasks that stop together.
struct Stage {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Stage {
    fn new() -> (Self, watch::Receiver<bool>) {
        let (stop, stopped) = watch::channel(false);
        (Self { stop, tasks: JoinSet::new() }, stopped)
    }

    async fn end(mut self) {
        // A task that has ended already does not listen any more.
        let _ = self.stop.send(true);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(error = %error, "a task broke off");
            }
        }
    }
}

impl Gateway {
    /// Starts everything that the configuration names.
    ///
    /// # Errors
    /// If a file, a key or the address is of no use; then nothing runs.
    pub async fn start(config: &Config, clockwork: &Clockwork) -> Result<Self, Error> {
        let roads = config.roads.iter().cloned().map(Road::folder).collect();
        Self::start_on(config, clockwork, roads).await
    }

    /// Starts everything, on roads that the caller opened.
    ///
    /// # Errors
    /// As [`Gateway::start`].
    pub async fn start_on(config: &Config, clockwork: &Clockwork, roads: Vec<Road>) -> Result<Self, Error> {
        let log_key = log_key(config)?;
        let signers = Arc::new(Signers::open(&config.signers)?);
        let access = Arc::new(Access::new(&config.access)?);
        let advisor = Arc::new(advisor(config)?);
        let parameters = config.check.parameters().map_err(Error::Check)?;
        let at_store = |error| Error::Store(place(&config.store), error);
        let store = open(&config.store).await.map_err(at_store)?;
        let last = store.last_checkpoint().await.map_err(at_store)?;
        if last.is_some_and(|last| Checkpoint::open(&last.note, &log_key.verifier()).is_err()) {
            return Err(Error::OtherLogKey(config.audit.key.clone()));
        }
        let listen = &config.grpc.listen;
        let listener = TcpListener::bind(listen).await.map_err(|error| Error::Listen(listen.clone(), error))?;
        let address = listener.local_addr().map_err(|error| Error::Listen(listen.clone(), error))?;
        tell_override(&store, clockwork, config).await.map_err(at_store)?;
        let parts = Parts { config, clockwork, store: &store };
        let door = parts.door(listener, access, &advisor, parameters);
        let moving = parts.moving(roads, signers, &advisor);
        let log = parts.log(log_key);
        Ok(Self { address, store, stages: vec![door, moving, log] })
    }

    /// Where the door is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is kept.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Stops: first the door, so that nothing new comes in, then what moves, then the log, which takes in the last entries.
    pub async fn stop(self) {
        for stage in self.stages {
            stage.end().await;
        }
        self.store.close().await;
    }
}

struct Parts<'a> {
    config: &'a Config,
    clockwork: &'a Clockwork,
    store: &'a Arc<dyn Store>,
}

impl Parts<'_> {
    fn door(&self, listener: TcpListener, access: Arc<Access>, advisor: &Arc<Advisor>, parameters: crate::check::Parameters) -> Stage {
        let (mut stage, stopped) = Stage::new();
        let parts = intake::Parts {
            store: Arc::clone(self.store),
            clockwork: self.clockwork.clone(),
            rules: Arc::new(intake::Rules {
                lanes: self.config.lanes.clone(),
                senders: self.config.senders.clone(),
                advisor: Arc::clone(advisor),
                parameters,
            }),
        };
        let (intake, mut workers) = Intake::start(parts, &self.config.intake);
        let parts = grpc::Parts {
            store: Arc::clone(self.store),
            intake,
            access,
            clockwork: self.clockwork.clone(),
            options: self.config.grpc.clone(),
        };
        stage.tasks.spawn(async move {
            if let Err(error) = grpc::serve(listener, parts, stopped).await {
                tracing::error!(error = %error, "the door is shut");
            }
            // With the last handle gone, the workers finish what they have and end.
            while workers.join_next().await.is_some() {}
        });
        stage
    }

    fn moving(&self, roads: Vec<Road>, signers: Arc<Signers>, advisor: &Arc<Advisor>) -> Stage {
        let (mut stage, stopped) = Stage::new();
        let Config { gatekeeper, packer, courier, collector, .. } = self.config;
        let senders: Arc<[_]> = self.config.senders.clone().into();
        let lanes: Arc<[_]> = self.config.lanes.clone().into();
        let (store, clockwork) = (|| Arc::clone(self.store), || self.clockwork.clone());
        let gatekeeper = Gatekeeper::new(store(), clockwork(), lanes, Arc::clone(&senders), gatekeeper.clone());
        stage.tasks.spawn(measure(Work::Gate, gatekeeper.run(stopped.clone())));
        let packer = Packer::new(store(), clockwork(), Arc::clone(&senders), signers, packer.clone());
        stage.tasks.spawn(measure(Work::Pack, packer.run(stopped.clone())));
        for road in roads {
            let endpoint = Arc::clone(&road.endpoint);
            let receiver = Receiver::new(store(), clockwork(), endpoint, collector.clone());
            stage.tasks.spawn(measure(Work::Receive, receiver.run(stopped.clone())));
            let courier = Courier::new(store(), clockwork(), road, Arc::clone(&senders), courier.clone());
            stage.tasks.spawn(measure(Work::Deliver, courier.run(stopped.clone())));
        }
        let collector = Collector::new(store(), clockwork(), Arc::clone(advisor), collector.clone());
        stage.tasks.spawn(measure(Work::Collect, collector.run(stopped)));
        stage
    }

    fn log(&self, key: LogKey) -> Stage {
        let (mut stage, stopped) = Stage::new();
        let options = self.config.audit.sequencer.clone();
        let sequencer = Sequencer::new(Arc::clone(self.store), self.clockwork.clone(), Arc::new(key), options);
        stage.tasks.spawn(measure(Work::Sequence, sequencer.run(stopped)));
        stage
    }
}

/// Opens what the configuration keeps things in.
async fn open(options: &StoreOptions) -> store::Result<Arc<dyn Store>> {
    Ok(match &options.postgres {
        Some(postgres) => Arc::new(Postgres::open(postgres).await?),
        None => Arc::new(Sqlite::open_bounded(&options.file, options.largest_mib).await?),
    })
}

/// Where that is, in words.
fn place(options: &StoreOptions) -> String {
    options.postgres.as_ref().map_or_else(|| options.file.display().to_string(), |postgres| postgres.url.to_string())
}

fn read(path: &PathBuf) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|error| Error::File(path.clone(), error))
}

fn log_key(config: &Config) -> Result<LogKey, Error> {
    let file = &config.audit.key;
    LogKey::parse(read(file)?.trim()).map_err(|error| Error::LogKey(file.clone(), error))
}

fn advisor(config: &Config) -> Result<Advisor, Error> {
    let options = &config.exemption;
    let mut library = if options.sample_library { Library::sample().map_err(Error::Sample)? } else { Library::default() };
    for file in &options.libraries {
        library = library.with(Version::parse_csv(&read(file)?).map_err(|error| Error::Library(file.clone(), error))?);
    }
    Ok(Advisor::new(library, options.settings.clone(), options.sellers.clone())?)
}

/// An override of what is not verified is named in the log at every start, with its reason.
async fn tell_override(store: &Arc<dyn Store>, clockwork: &Clockwork, config: &Config) -> store::Result<()> {
    let Some(given) = &config.exemption.settings.regime_override else { return Ok(()) };
    let entry = Entry {
        id: clockwork.id(),
        at: clockwork.now(),
        actor: Actor::gateway(Tenant::local(), "start"),
        act: "override".to_owned(),
        subject: Uuid::nil(),
        changes: vec![Difference { field: "N-REGIME-UNVERIFIED".to_owned(), from: String::new(), to: given.name.clone() }],
        why: given.reason.clone(),
    };
    let change = Change { entries: vec![entry], ..Change::default() };
    store.apply(clockwork.now(), Application { changes: vec![change], ..Application::default() }).await?;
    Ok(())
}
