//! The moving parts together, over the embedded store and a pretended road, run dry pass by pass under a clock that stands still.

use std::{
    collections::{BTreeSet, VecDeque},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tongguan::{
    audit::{Entry, LogKey},
    clock::{Clockwork, ManualClock, SeededEntropy, Timestamp},
    collector::{self, Collector, Receiver},
    courier::{self, Courier},
    declaration::{Action, DeclarationId, DocumentGuid, DocumentId, EnterpriseNo, Kind, MessageId, Waybill},
    dossier::Document,
    endpoint::{self, Endpoint, Envelope, Received, Road, Shipment},
    exemption::{Advisor, Library, Settings},
    gatekeeper::{self, Gatekeeper},
    lane::{Duty, Lane, Plan},
    message::{self, Namespacing, Reply, Request, Style},
    packer::{self, Packer},
    party::{Actor, Party, Role, Sender, Tenant},
    queue::{Backoff, Fault, Lease},
    receipt::{Key, Receipt},
    sequencer::{self, Sequencer},
    signers::{self, FileSigner, Signers},
    state::State,
    store::{Acceptance, Accepted, EntryFilter, Shown, Store, WaybillAcceptance, WaybillAccepted, sqlite::Sqlite},
    task::Task,
};

use super::store::{CARRIER, declaration, party};

/// That in which every declaration here is submitted.
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

mod answers;
mod nodes;
mod road;
mod summed;
mod whole;

const START: Timestamp = Timestamp(1_795_000_000_000_000);
const SECOND: Duration = Duration::from_secs(1);

/// A road that remembers what it was given and hands out what it is told.
#[derive(Default)]
struct Pretended {
    sent: Mutex<Vec<Shipment>>,
    /// How the next sends end; done where nothing is said.
    ends: Mutex<VecDeque<Fault>>,
    inward: Mutex<Vec<Received>>,
    acknowledged: Mutex<Vec<String>>,
    slow: Mutex<Duration>,
}

#[async_trait]
impl Endpoint for Pretended {
    fn road(&self) -> &str {
        "guangzhou"
    }

    async fn send(&self, item: &Shipment) -> Result<(), Fault> {
        let slow = *self.slow.lock().unwrap();
        tokio::time::sleep(slow).await;
        self.sent.lock().unwrap().push(item.clone());
        self.ends.lock().unwrap().pop_front().map_or(Ok(()), Err)
    }

    async fn receive(&self, limit: usize) -> Result<Vec<Received>, Fault> {
        Ok(self.inward.lock().unwrap().iter().take(limit).cloned().collect())
    }

    async fn acknowledge(&self, names: &[String]) -> Result<(), Fault> {
        self.inward.lock().unwrap().retain(|item| !names.contains(&item.name));
        self.acknowledged.lock().unwrap().extend_from_slice(names);
        Ok(())
    }
}

struct World {
    folder: tempfile::TempDir,
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    clockwork: Clockwork,
    road: Arc<Pretended>,
    gatekeeper: Gatekeeper,
    packer: Packer,
    courier: Courier,
    receiver: Receiver,
    collector: Collector,
    sequencer: Sequencer,
    answered: Mutex<usize>,
}

fn sender(name: &str, code: &str) -> Sender {
    Sender {
        name: name.into(),
        party: Party { code: code.into(), name: "某公司".into() },
        dxp_id: "DXPENT0000000001".into(),
        signer: "key".into(),
        road: "guangzhou".into(),
        ..Sender::default()
    }
}

fn signers(folder: &Path, clockwork: &Clockwork) -> Signers {
    let (key, certificate) = signers::new_key(clockwork, "测试企业", 30).unwrap();
    let (key_file, certificate_file) = (folder.join("key.pem"), folder.join("cert.pem"));
    std::fs::write(&key_file, key.as_bytes()).unwrap();
    std::fs::write(&certificate_file, certificate).unwrap();
    let mut signers = Signers::default();
    signers.add("key", Arc::new(FileSigner::open(&key_file, &certificate_file).unwrap()), signers::Pace::default()).unwrap();
    signers
}

async fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("tongguan.db")).await.unwrap());
    let clock = Arc::new(ManualClock::at(START));
    let clockwork = Clockwork::new(clock.clone(), Arc::new(SeededEntropy::new(1)));
    let road = Arc::new(Pretended::default());
    let senders: Arc<[Sender]> = [sender("declarant", "DECLARANT"), sender("seller", "SELLER"), sender("carrier", CARRIER)].into();
    let lanes: Arc<[Lane]> = [Lane::default()].into();
    let signers = Arc::new(signers(folder.path(), &clockwork));
    let options = endpoint::Options { road: "guangzhou".into(), envelope: Envelope::Plain, ..endpoint::Options::default() };
    let open = Road { endpoint: road.clone(), options };
    let backoff = Backoff { first_ms: 1_000, longest_ms: 1_000 };
    let courier = courier::Options { tries: 4, breaker_failures: 100, backoff, ..courier::Options::default() };
    let collect = collector::Options { forward: Some(folder.path().join("forward")), ..collector::Options::default() };
    let advisor = Arc::new(Advisor::new(Library::sample().unwrap(), Settings::default(), Vec::new()).unwrap());
    let key = Arc::new(LogKey::new("log.example", &[7; 32]).unwrap());
    World {
        gatekeeper: Gatekeeper::new(store.clone(), clockwork.clone(), lanes, senders.clone(), gatekeeper::Options::default()),
        packer: Packer::new(store.clone(), clockwork.clone(), senders.clone(), signers, packer::Options::default()),
        courier: Courier::new(store.clone(), clockwork.clone(), open, senders, courier),
        receiver: Receiver::new(store.clone(), clockwork.clone(), road.clone(), collect.clone()),
        collector: Collector::new(store.clone(), clockwork.clone(), advisor, collect),
        sequencer: Sequencer::new(store.clone(), clockwork.clone(), key, sequencer::Options::default()),
        answered: Mutex::default(),
        folder,
        store,
        clock,
        clockwork,
        road,
    }
}

impl World {
    /// Runs everything until nothing is left to do now.
    async fn settle(&self) {
        let tasks: [&dyn Task; 6] = [&self.gatekeeper, &self.packer, &self.courier, &self.receiver, &self.collector, &self.sequencer];
        for _ in 0..1_000 {
            let mut done = 0;
            for task in tasks {
                done += task.pass().await.unwrap();
            }
            if done == 0 {
                return;
            }
            // What was just made due is due from the next microsecond on.
            self.clock.advance(Duration::from_micros(1));
        }
        panic!("the queues never run dry");
    }

    async fn after(&self, time: Duration) {
        self.clock.advance(time);
        self.settle().await;
    }

    fn document(&self, kind: Kind, declaration: Option<DeclarationId>, state: State) -> Document {
        let id = self.clockwork.id();
        let sender = match kind {
            Kind::Order => "seller",
            Kind::Waybill => "carrier",
            _ => "declarant",
        };
        Document {
            id: DocumentId(id),
            version: 0,
            tenant: Tenant::local(),
            declaration,
            kind,
            action: Action::Add,
            guid: DocumentGuid(self.clockwork.id()),
            sender: sender.into(),
            road: "guangzhou".into(),
            enterprise_no: (kind == Kind::Inventory).then(|| EnterpriseNo::from_id(id)),
            port_no: None,
            inventory_no: None,
            state,
            last_word: None,
            needed_by: START + Duration::from_secs(86_400),
            gate_at: (state == State::Waiting).then_some(START),
            lot: None,
            packed: 0,
            port_failures: 0,
            resent: None,
            message: None,
            on_hold: false,
        }
    }

    fn entry(&self, act: &str, subject: uuid::Uuid) -> Entry {
        let actor = Actor::new(Tenant::local(), Role::Seller, "test");
        Entry {
            id: self.clockwork.id(),
            at: self.clockwork.now(),
            actor,
            act: act.into(),
            subject,
            changes: Vec::new(),
            why: String::new(),
        }
    }

    async fn accept(&self, order_no: &str, waybill_no: Option<&str>, plan: Plan) -> DeclarationId {
        let id = DeclarationId(self.clockwork.id());
        let mut documents = vec![self.document(Kind::Inventory, Some(id), State::Waiting)];
        if matches!(plan.order, Duty::Send(_)) {
            documents.push(self.document(Kind::Order, Some(id), State::Due));
        }
        let acceptance = Acceptance {
            id,
            actor: Actor { trace: TRACE.parse().ok(), ..Actor::new(Tenant::local(), Role::Seller, "test") },
            idempotency_key: None,
            digest: [7; 32],
            needed_by: START + Duration::from_secs(86_400),
            declaration: Arc::new(declaration(order_no, waybill_no)),
            warnings: Vec::new(),
            plan,
            documents,
            assessment: "{}".into(),
            entry: self.entry("accept", id.0),
        };
        assert_eq!(self.store.accept(self.clockwork.now(), vec![acceptance]).await.unwrap(), [Accepted::New(id)]);
        id
    }

    async fn push(&self, waybill_no: &str, transmitted: bool) {
        let document = self.document(Kind::Waybill, None, State::Due);
        let waybill = Waybill {
            carrier: party(CARRIER),
            waybill_no: waybill_no.into(),
            freight: 1.into(),
            insured_fee: 0.into(),
            currency: "142".into(),
            gross_weight: 1.into(),
            packs: 1,
            goods_info: "衣物".into(),
            seller: None,
            seller_telephone: None,
            note: None,
        };
        let acceptance = WaybillAcceptance {
            id: document.id,
            actor: Actor::new(Tenant::local(), Role::Carrier, "test"),
            digest: [9; 32],
            waybill: Arc::new(waybill),
            order: None,
            entry: self.entry("accept_waybill", document.id.0),
            document: transmitted.then_some(document),
        };
        let accepted = self.store.accept_waybills(self.clockwork.now(), vec![acceptance]).await.unwrap();
        assert!(matches!(accepted[..], [WaybillAccepted::New { .. }]), "{accepted:?}");
    }

    async fn show(&self, id: DeclarationId) -> Shown {
        self.store.show(None, id).await.unwrap().unwrap()
    }

    async fn state(&self, id: DeclarationId, kind: Kind) -> Option<State> {
        self.show(id).await.dossier.document(kind).map(|document| document.state)
    }

    fn sent(&self) -> Vec<Shipment> {
        self.road.sent.lock().unwrap().clone()
    }

    fn requests(&self) -> Vec<Request> {
        self.sent().iter().map(|item| message::parse_request(&item.bytes).unwrap()).collect()
    }

    /// Messages sent since the last call.
    fn fresh(&self) -> Vec<(Shipment, Request)> {
        let all: Vec<_> = self.sent().into_iter().zip(self.requests()).collect();
        let mut answered = self.answered.lock().unwrap();
        let fresh = all[*answered..].to_vec();
        *answered = all.len();
        fresh
    }

    fn arrive(&self, name: &str, bytes: Vec<u8>) {
        self.road.inward.lock().unwrap().push(Received { name: name.into(), bytes });
    }

    /// Customs answers documents of one kind.
    fn answer(&self, keys: &[Key], code: &str, info: &str, at: Timestamp) {
        let receipts: Vec<_> = keys
            .iter()
            .map(|key| Receipt {
                key: key.clone(),
                code: code.into(),
                at: Some(at),
                info: info.into(),
                port_no: None,
                inventory_no: None,
                summary_no: None,
                bill_no: None,
            })
            .collect();
        let replies: Vec<_> = receipts
            .iter()
            .map(|receipt| Reply { guid: DocumentGuid(self.clockwork.id()), receipt, statistics: "A", follow_up: None })
            .collect();
        let style = Style { namespacing: Namespacing::Default, lower_case: true };
        let id = self.clockwork.id();
        let bytes = message::compose_receipts(keys[0].kind(), MessageId(id), &replies, style).unwrap();
        self.arrive(&format!("{id}.xml"), bytes);
    }

    /// Customs answers 2 to whatever was sent since the last call, in every document.
    fn answer_fresh(&self) {
        for (_, request) in self.fresh() {
            self.answer(&keys(&request), "2", "", self.clockwork.now());
        }
    }

    /// What the gateway told of a declaration by itself, all of it in the trace in which that was submitted.
    async fn traced(&self, id: DeclarationId) -> BTreeSet<String> {
        let filter = EntryFilter { subjects: Some(vec![id.0]), pending: true, limit: 1_000, ..EntryFilter::default() };
        let entries = self.store.entries(filter).await.unwrap().into_iter().map(|placed| placed.entry);
        let own: Vec<_> = entries.filter(|entry| entry.actor.role == Role::Gateway).collect();
        assert!(own.iter().all(|entry| entry.trace_id().as_deref() == Some(&TRACE[3..35])), "{own:?}");
        own.into_iter().map(|entry| entry.act).collect()
    }

    async fn acts(&self, id: DeclarationId) -> Vec<String> {
        let filter = EntryFilter { subjects: Some(vec![id.0]), pending: true, limit: 1_000, ..EntryFilter::default() };
        self.store.entries(filter).await.unwrap().into_iter().map(|placed| placed.entry.act).collect()
    }
}

fn keys(request: &Request) -> Vec<Key> {
    request.documents.iter().map(|document| document.content.key()).collect()
}

fn order_key(order_no: &str) -> Key {
    Key::Order { platform: "无".into(), seller: "SELLER".into(), order_no: order_no.into() }
}
