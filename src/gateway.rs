//! The gateway as a whole: opens the store, the keys and the roads as far as this node's roles need them, starts the tasks of those
//! roles, and stops them in the order in which work flows, so that nothing in hand is left behind.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use uuid::Uuid;

use crate::{
    access::{self, Access},
    archive::Archives,
    archivist::Sweeper,
    audit::{Checkpoint, Difference, Entry, LogKey, NoteError},
    check,
    clock::{
        Clockwork,
        meter::{Work, measure},
    },
    collector::{Collector, Receiver},
    config::{Config, StoreOptions, TableError},
    console,
    courier::Courier,
    desk::Desk,
    endpoint::{self, Road},
    exemption::{Advisor, DataError, Override, SetupError},
    gatekeeper::Gatekeeper,
    grpc,
    intake::{self, Intake},
    message::Pack,
    node::{Beat, Role, Shares, Turn},
    packer::Packer,
    party::{Actor, Tenant},
    redecider::Redecider,
    sequencer::Sequencer,
    signers::{self, Signers},
    store::{self, Application, Change, Store, postgres::Postgres, sqlite::Sqlite},
    task, tiles,
    vault::{self, Vault},
};

mod files;

use files::{advisor, log_key, log_verifier};

/// After a store that cannot be reached yet.
const TELL_AGAIN: Duration = Duration::from_secs(1);

/// Why the gateway could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store.
    #[error("存储 {0} 无法打开 · the store {0} cannot be opened")]
    Store(String, #[source] store::Error),
    /// The keys of what is kept raw.
    #[error("加密密钥无法使用 · the keys of the store's vault are of no use")]
    Vault(#[from] vault::Error),
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

/// A running gateway: one node.
pub struct Gateway {
    address: Option<SocketAddr>,
    access: Option<Arc<Access>>,
    tiles_address: Option<SocketAddr>,
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
        let Opened { store, is_reached } = open(config, clockwork).await?;
        let parts = Parts { config, clockwork, store: &store, node: clockwork.id(), shares: Shares::unknown() };
        let advisor = runs(config, &[Role::Intake, Role::Collect]).then(|| advisor(config)).transpose()?.map(Arc::new);
        let signers = runs(config, &[Role::Pack]).then(|| Signers::open(&config.signers)).transpose()?.map(Arc::new);
        let log_key = runs(config, &[Role::Sequence]).then(|| log_key(config)).transpose()?;
        let door = match &advisor {
            Some(advisor) if runs(config, &[Role::Intake]) => Some(Doorway::open(config, clockwork, Arc::clone(advisor)).await?),
            _ => None,
        };
        if let Some(key) = log_key.as_ref().filter(|_| is_reached) {
            same_log(&store, key, config).await?;
        }
        let published = Publishing::open(config).await?;
        let address = door.as_ref().map(|door| door.address);
        let access = door.as_ref().map(|door| Arc::clone(&door.access));
        let tiles_address = published.as_ref().map(|published| published.address);
        let mut stages = vec![parts.telling(is_reached).await?];
        stages.extend(door.map(|door| parts.door(door)));
        stages.push(parts.moving(Moving { roads, signers, advisor }));
        stages.extend(log_key.map(|key| parts.log(key)));
        stages.extend(published.map(|published| parts.published(published)));
        stages.push(parts.node());
        Ok(Self { address, access, tiles_address, store, stages })
    }

    /// Where the door is; nothing where this node takes nothing in.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Who may come in; nothing where this node takes nothing in.
    #[must_use]
    pub const fn access(&self) -> Option<&Arc<Access>> {
        self.access.as_ref()
    }

    /// Where the audit log is published over HTTP; nothing where it is not.
    #[must_use]
    pub const fn tiles_address(&self) -> Option<SocketAddr> {
        self.tiles_address
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

/// Whether this node has one of these roles.
fn runs(config: &Config, roles: &[Role]) -> bool {
    config.node.runs_any(roles)
}

/// What the door needs, opened before anything runs.
struct Doorway {
    listener: TcpListener,
    address: SocketAddr,
    /// Where pages for operations staff are, if anywhere.
    console: Option<TcpListener>,
    access: Arc<Access>,
    advisor: Arc<Advisor>,
    parameters: check::Parameters,
}

impl Doorway {
    async fn open(config: &Config, clockwork: &Clockwork, advisor: Arc<Advisor>) -> Result<Self, Error> {
        let access = Arc::new(Access::new(&config.access)?.by(clockwork));
        let parameters = config.check.parameters().map_err(Error::Check)?;
        let listen = &config.grpc.listen;
        let bind = async |listen: &String| TcpListener::bind(listen).await.map_err(|error| Error::Listen(listen.clone(), error));
        let listener = bind(listen).await?;
        let console = if config.console.is_on() { Some(bind(&config.console.listen).await?) } else { None };
        let address = listener.local_addr().map_err(|error| Error::Listen(listen.clone(), error))?;
        Ok(Self { listener, address, console, access, advisor, parameters })
    }
}

/// Where the audit log is published, opened before anything runs.
struct Publishing {
    listener: TcpListener,
    address: SocketAddr,
}

impl Publishing {
    async fn open(config: &Config) -> Result<Option<Self>, Error> {
        let Some(listen) = &config.audit.tiles.listen else { return Ok(None) };
        let failed = |error| Error::Listen(listen.clone(), error);
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Some(Self { listener, address }))
    }
}

/// What the moving parts need, as far as they run here.
struct Moving {
    roads: Vec<Road>,
    signers: Option<Arc<Signers>>,
    advisor: Option<Arc<Advisor>>,
}

struct Parts<'a> {
    config: &'a Config,
    clockwork: &'a Clockwork,
    store: &'a Arc<dyn Store>,
    /// This node's id.
    node: Uuid,
    shares: Shares,
}

impl Parts<'_> {
    /// Tells the log what is to be told at every start; later, where the store is not reached yet.
    async fn telling(&self, is_reached: bool) -> Result<Stage, Error> {
        let (mut stage, mut stopped) = Stage::new();
        let given = self.config.exemption.settings.regime_override.as_ref().filter(|_| runs(self.config, &[Role::Intake, Role::Collect]));
        let Some(given) = given else { return Ok(stage) };
        if is_reached && unless_away(self.config, tell_override(self.store, self.clockwork, given).await)?.is_some() {
            return Ok(stage);
        }
        let (store, clockwork, given) = (Arc::clone(self.store), self.clockwork.clone(), given.clone());
        stage.tasks.spawn(async move {
            while let Err(error) = tell_override(&store, &clockwork, &given).await {
                tracing::debug!(error = %error, "the log was not told yet of an override");
                tokio::select! {
                    _ = stopped.changed() => return,
                    () = tokio::time::sleep(TELL_AGAIN) => {}
                }
            }
        });
        Ok(stage)
    }

    fn door(&self, door: Doorway) -> Stage {
        let (mut stage, stopped) = Stage::new();
        let Doorway { listener, console, access, advisor, parameters, .. } = door;
        let desk = self.desk(&advisor);
        if let Some(listener) = console {
            stage.tasks.spawn(self.console(listener, desk.clone(), Arc::clone(&access), stopped.clone()));
        }
        let parts = intake::Parts {
            store: Arc::clone(self.store),
            clockwork: self.clockwork.clone(),
            rules: Arc::new(intake::Rules { lanes: self.config.lanes.clone(), senders: self.config.senders.clone(), advisor, parameters }),
        };
        let (intake, mut workers) = Intake::start(parts, &self.config.intake);
        let parts = grpc::Parts {
            store: Arc::clone(self.store),
            intake,
            desk,
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

    /// The pages for operations staff.
    fn console(
        &self,
        listener: TcpListener,
        desk: Desk,
        access: Arc<Access>,
        stopped: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + use<> {
        let (store, clockwork, options) = (Arc::clone(self.store), self.clockwork.clone(), self.config.console.clone());
        let (log, signers) = (log_verifier(&self.config.audit.key), signers::standings(&self.config.signers));
        let retention = self.config.retention.clone();
        let serving =
            console::serve(listener, console::Parts { store, desk, access, clockwork, log, signers, retention, options }, stopped);
        async move {
            if let Err(error) = serving.await {
                tracing::error!(error = task::chain(&error), "the console is shut");
            }
        }
    }

    fn published(&self, published: Publishing) -> Stage {
        let (mut stage, stopped) = Stage::new();
        let (store, options) = (Arc::clone(self.store), self.config.audit.tiles.clone());
        stage.tasks.spawn(async move {
            if let Err(error) = tiles::serve(published.listener, store, &options, stopped).await {
                tracing::error!(error = %error, "the audit log is not published any more");
            }
        });
        stage
    }

    fn desk(&self, advisor: &Arc<Advisor>) -> Desk {
        let roads = self.config.roads.iter().map(|road| road.road.clone()).collect();
        let desk =
            Desk::new(Arc::clone(self.store), self.clockwork.clone(), Arc::clone(advisor), self.config.collector.port_retries, roads);
        desk.with_two_persons_over(self.config.access.two_persons_over).with_retention(self.config.retention.clone())
    }

    /// This node's turn at what one does at a time, where there may be other nodes.
    fn turn(&self, what: &str) -> Option<Turn> {
        let length = Duration::from_secs(self.config.node.turn_s);
        let turn = || Turn::new(Arc::clone(self.store), self.clockwork.clone(), what, self.node, length);
        self.config.store.postgres.is_some().then(turn)
    }

    fn moving(&self, moving: Moving) -> Stage {
        let (mut stage, stopped) = Stage::new();
        let Config { gatekeeper, packer, courier, collector, node, .. } = self.config;
        let senders: Arc<[_]> = self.config.senders.clone().into();
        let lanes: Arc<[_]> = self.config.lanes.clone().into();
        let (store, clockwork) = (|| Arc::clone(self.store), || self.clockwork.clone());
        if node.runs(Role::Gate) {
            let gatekeeper = Gatekeeper::new(store(), clockwork(), lanes, Arc::clone(&senders), gatekeeper.clone());
            stage.tasks.spawn(measure(Work::Gate, gatekeeper.in_turn(self.turn("gatekeeper")).run(stopped.clone())));
        }
        if let Some(signers) = moving.signers {
            let own = |road: &endpoint::Options| Some((road.road.clone(), Pack::named(road.pack.as_deref()?)?));
            let packs = self.config.roads.iter().filter_map(own).collect();
            let packer = Packer::new(store(), clockwork(), Arc::clone(&senders), signers, packer.clone()).with_packs(packs);
            stage.tasks.spawn(measure(Work::Pack, packer.sharing(self.shares.of(Role::Pack)).run(stopped.clone())));
        }
        let reader = (self.config.store.postgres.is_some() && node.runs(Role::Receive) && node.runs(Role::Collect)).then_some(self.node);
        for road in moving.roads {
            if node.runs(Role::Receive) {
                let turn = self.turn(&format!("receiver/{}", road.endpoint.road()));
                let receiver =
                    Receiver::new(store(), clockwork(), Arc::clone(&road.endpoint), collector.clone()).in_turn(turn).for_reader(reader);
                stage.tasks.spawn(measure(Work::Receive, receiver.run(stopped.clone())));
            }
            if node.runs(Role::Deliver) {
                let courier = Courier::new(store(), clockwork(), road, Arc::clone(&senders), courier.clone());
                stage.tasks.spawn(measure(Work::Deliver, courier.sharing(self.shares.of(Role::Deliver)).run(stopped.clone())));
            }
        }
        if let Some(advisor) = moving.advisor.filter(|_| node.runs(Role::Collect)) {
            let redecider = Redecider::new(store(), clockwork(), Arc::clone(&advisor));
            stage.tasks.spawn(measure(Work::Collect, redecider.run(stopped.clone())));
            let collector = Collector::new(store(), clockwork(), advisor, collector.clone());
            let collector = collector.sharing(self.shares.of(Role::Collect)).reading_as(reader);
            stage.tasks.spawn(measure(Work::Collect, collector.run(stopped)));
        }
        stage
    }

    /// The word to other nodes, and what sweeps; the last to stop.
    fn node(&self) -> Stage {
        let (mut stage, stopped) = Stage::new();
        let (store, shares) = (Arc::clone(self.store), self.shares.clone());
        let beat = Beat::new(store, self.clockwork.clone(), self.node, self.config.node.clone(), self.config.sections(), shares);
        let sweeper = Sweeper::new(Arc::clone(self.store), self.clockwork.clone(), self.config.retention.clone());
        stage.tasks.spawn(sweeper.run(stopped.clone()));
        stage.tasks.spawn(beat.run(stopped));
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

/// A store, and whether it could be reached.
struct Opened {
    store: Arc<dyn Store>,
    is_reached: bool,
}

/// Opens what the configuration keeps things in. A database that cannot be reached now is waited for: callers are told to come back, and
/// nobody need start the gateway anew.
async fn open(config: &Config, clockwork: &Clockwork) -> Result<Opened, Error> {
    let options = &config.store;
    let archives = config.retention.archives.as_deref().map(Archives::at).unwrap_or_default();
    let vault = Vault::open(&options.vault, clockwork)?;
    let at_store = |error| Error::Store(place(options), error);
    let Some(postgres) = &options.postgres else {
        let store = Sqlite::open_bounded(&options.file, options.largest_mib).await.map_err(at_store)?;
        return Ok(Opened { store: Arc::new(store.with_vault(vault).with_archives(archives)), is_reached: true });
    };
    let (store, failed) = Postgres::open_patiently(postgres).await.map_err(at_store)?;
    if let Some(error) = &failed {
        tracing::error!(
            store.place = place(options),
            error = task::chain(error),
            "数据库暂时无法连接，网关先行启动 · the database cannot be reached now; the gateway starts and waits for it"
        );
    }
    Ok(Opened { store: Arc::new(store.with_vault(vault).with_archives(archives)), is_reached: failed.is_none() })
}

/// What a command gave; nothing where a database went away that will be back: what is not done at the start is then done later.
fn unless_away<T>(config: &Config, done: store::Result<T>) -> Result<Option<T>, Error> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(store::Error::Unavailable(_)) if config.store.postgres.is_some() => Ok(None),
        Err(error) => Err(Error::Store(place(&config.store), error)),
    }
}

/// A log that was signed with another key is not gone on with; the sequencer looks as well, before it goes on with it.
async fn same_log(store: &Arc<dyn Store>, key: &LogKey, config: &Config) -> Result<(), Error> {
    let last = unless_away(config, store.last_checkpoint().await)?.flatten();
    if last.is_some_and(|last| Checkpoint::open(&last.note, &key.verifier()).is_err()) {
        return Err(Error::OtherLogKey(config.audit.key.clone()));
    }
    Ok(())
}

/// Where that is, in words.
fn place(options: &StoreOptions) -> String {
    options.postgres.as_ref().map_or_else(|| options.file.display().to_string(), |postgres| postgres.url.to_string())
}

/// An override of what is not verified is named in the log at every start, with its reason.
async fn tell_override(store: &Arc<dyn Store>, clockwork: &Clockwork, given: &Override) -> store::Result<()> {
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
