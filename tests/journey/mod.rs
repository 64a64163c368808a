//! The whole journey in one process: a gateway with all its parts, simulated customs behind folder roads, orders over gRPC, and
//! the lanes by which firms differ.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{sync::watch, task::JoinHandle};
use tongguan::{
    clock::Clockwork,
    config::Config,
    declaration::{DeclarationId, Kind},
    endpoint::Road,
    gateway::Gateway,
    grpc::client::{Answer, Client, Item},
    simulator::{self, Report},
    state::State,
    store::{EntryFilter, Shown},
};

use super::rig;

mod again;
mod bad_input;
mod full;
mod lanes;
mod locked;
mod matching;
mod oddities;
mod payments;
mod sandbox;
mod stopped;
mod story;

/// Generous: a lease of one minute may have to run out, on a machine that is busy.
const LONGEST: Duration = Duration::from_secs(180);

/// The simulated customs on a task of its own, and what stops it.
type Running = (watch::Sender<bool>, JoinHandle<Result<Report, simulator::Error>>);

/// A gateway in its folder, and customs if it was begun.
struct Town {
    folder: TempDir,
    config: Config,
    gateway: Gateway,
    client: Client,
    customs: Option<Running>,
}

/// A gateway and customs, configured as told.
async fn open(change: impl FnOnce(&mut Config)) -> Town {
    let mut town = open_alone(change, |_| {}).await;
    town.begin_customs();
    town
}

/// A gateway without customs, on roads as told.
async fn open_alone(change: impl FnOnce(&mut Config), pave: impl Fn(&mut Road)) -> Town {
    let folder = rig::folder();
    let mut config = rig::config(folder.path());
    change(&mut config);
    config.fit().unwrap();
    let mut roads: Vec<_> = config.roads.iter().cloned().map(Road::folder).collect();
    roads.iter_mut().for_each(pave);
    let gateway = Gateway::start_on(&config, &Clockwork::system(), roads).await.unwrap();
    let client = Client::connect(&format!("http://{}", gateway.address().unwrap()), None, None).await.unwrap();
    Town { folder, config, gateway, client, customs: None }
}

impl Town {
    fn begin_customs(&mut self) {
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(simulator::run(self.config.simulator.clone(), Clockwork::system(), stopped));
        self.customs = Some((stop, running));
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn road(&self, road: &str, folder: &str) -> PathBuf {
        let path = self.path().join(road).join(folder);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn server(&self) -> String {
        format!("http://{}", self.gateway.address().unwrap())
    }

    async fn try_submit(&self, orders: &[Value]) -> Vec<Answer> {
        let items = orders.iter().enumerate().map(|(at, order)| {
            let (draft, idempotency_key) = rig::draft_of(order);
            Item { id: at.to_string(), draft, idempotency_key, needed_by: None }
        });
        let mut answers = BTreeMap::new();
        self.client
            .submit(items.collect::<Vec<_>>(), |id, answer| drop(answers.insert(id.parse::<usize>().unwrap(), answer)))
            .await
            .unwrap();
        answers.into_values().collect()
    }

    /// Submits orders of which every one is to be accepted.
    async fn submit(&self, orders: &[Value]) -> Vec<DeclarationId> {
        let id = |answer: Answer| match answer {
            Answer::Kept { id, .. } => DeclarationId(id.parse().unwrap()),
            other => panic!("{other:?}"),
        };
        self.try_submit(orders).await.into_iter().map(id).collect()
    }

    async fn push(&self, waybills: &[Value]) {
        let items = waybills.iter().enumerate().map(|(at, waybill)| Item {
            id: at.to_string(),
            draft: rig::waybill_of(waybill),
            idempotency_key: String::new(),
            needed_by: None,
        });
        let kept = |_, answer| assert!(matches!(answer, Answer::Kept { .. }), "{answer:?}");
        self.client.push(items.collect::<Vec<_>>(), kept).await.unwrap();
    }

    async fn show(&self, id: DeclarationId) -> Shown {
        self.gateway.store().show(None, id).await.unwrap().unwrap()
    }

    async fn state(&self, id: DeclarationId, kind: Kind) -> Option<State> {
        self.show(id).await.dossier.document(kind).map(|document| document.state)
    }

    async fn reach(&self, ids: &[DeclarationId], kind: Kind, state: State) {
        let what = format!("{kind:?} {state:?}");
        for id in ids {
            rig::until(LONGEST, &what, || async { self.state(*id, kind).await == Some(state) }).await;
        }
    }

    async fn closed(&self, ids: &[DeclarationId]) {
        self.reach(ids, Kind::Inventory, State::Closed).await;
    }

    async fn whys(&self, id: DeclarationId) -> Vec<(String, String)> {
        let filter = EntryFilter { subjects: Some(vec![id.0]), pending: true, limit: 1_000, ..EntryFilter::default() };
        let entries = self.gateway.store().entries(filter).await.unwrap();
        entries.into_iter().map(|placed| (placed.entry.act, placed.entry.why)).collect()
    }

    /// Stops everything; nothing may have been declared twice, by customs' count and by ours.
    async fn end(self) -> (TempDir, Report) {
        self.gateway.stop().await;
        let (stop, running) = self.customs.unwrap();
        stop.send(true).unwrap();
        let report = running.await.unwrap().unwrap();
        assert_eq!(report.declared_twice, Vec::<String>::new());
        assert_eq!(rig::declared_twice(self.folder.path()), Vec::<String>::new());
        (self.folder, report)
    }
}

/// Orders that name their waybill, with the waybills.
fn numbered(count: usize) -> (Vec<Value>, Vec<Value>) {
    split(count, true)
}

/// Orders without a waybill number, with waybills that name them.
fn unnumbered(count: usize) -> (Vec<Value>, Vec<Value>) {
    split(count, false)
}

fn split(count: usize, with_number: bool) -> (Vec<Value>, Vec<Value>) {
    let (orders, waybills) = rig::many(188);
    let has = |order: &Value| order["inventory"].get("waybill_no").is_some();
    let both = orders.into_iter().zip(waybills).filter(|(order, _)| has(order) == with_number).take(count);
    both.unzip()
}
