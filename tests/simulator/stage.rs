//! A customs with its folders, and the gateway's side of them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;
use tongguan::{
    check::{self, Parameters, Taken, TakenWaybill},
    clock::{Clock, Clockwork, ManualClock, SeededEntropy, Timestamp, parse_day},
    declaration::{
        Action, Declaration, DeclarationId, DocumentGuid, DocumentId, EnterpriseNo, FollowUp, Kind, MessageId, Waybill, draft, wire_guid,
    },
    dossier::{Content, Document},
    message::{self, Outgoing, dxp},
    party::{Party, Sender, Tenant},
    receipt::{Answer, Receipt},
    simulator::{Delays, Oddities, Office, Options, Signatures},
    state::State,
};
use uuid::Uuid;

use super::demo::{DAY, drafts, waybills};

/// A customs with its folders, and the gateway's side of them.
pub struct Stage {
    pub place: TempDir,
    pub clock: Arc<ManualClock>,
    pub options: Options,
    pub office: Office,
    made: u128,
}

pub const ROADS: [&str; 2] = ["guangzhou", "huangpu"];

impl Stage {
    pub fn new(options: Options) -> Self {
        let place = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::parse_seconds("20261123100000").unwrap()));
        let options = Options { dir: place.path().to_owned(), roads: ROADS.map(str::to_owned).to_vec(), ..options };
        let office = Office::open(options.clone(), clockwork(&clock)).unwrap();
        Self { place, clock, options, office, made: 0 }
    }

    pub fn folder(&self, road: &str, name: &str) -> PathBuf {
        self.place.path().join(road).join(name)
    }

    pub fn restart(&mut self) {
        self.office = Office::open(self.options.clone(), clockwork(&self.clock)).unwrap();
    }

    pub fn guid(&mut self) -> Uuid {
        self.made += 1;
        Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | self.made)
    }

    /// The bytes of a message, not signed, in its envelope.
    pub fn message(&mut self, kind: Kind, guid: Uuid, contents: &[(Uuid, Content, &str)]) -> Vec<u8> {
        let documents: Vec<_> = contents.iter().map(|(guid, ..)| document(kind, *guid)).collect();
        let outgoing: Vec<_> =
            documents.iter().zip(contents).map(|(document, (_, content, waybill_no))| Outgoing { document, content, waybill_no }).collect();
        let now = self.clock_now();
        let payload = message::compose(kind, MessageId(guid), &sender(), &outgoing, now).unwrap();
        envelope(&payload, guid, message::wire_type(kind), now)
    }

    pub fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn put(&self, road: &str, name: &str, bytes: &[u8]) {
        fs::write(self.folder(road, "out").join(name), bytes).unwrap();
    }

    pub fn send(&mut self, road: &str, kind: Kind, contents: &[(Uuid, Content, &str)]) -> (String, Vec<u8>) {
        let guid = self.guid();
        let bytes = self.message(kind, guid, contents);
        let name = format!("{}_{}.xml", message::wire_type(kind), wire_guid(guid));
        self.put(road, &name, &bytes);
        (name, bytes)
    }

    /// Sends one document that is submitted on its own, under the enterprise's number `number`.
    pub fn follow_up(&mut self, road: &str, number: u128, action: Action, follow_up: &FollowUp) -> (String, Vec<u8>) {
        self.send_as(road, follow_up.kind(), number, action, &Content::FollowUp(Arc::new(follow_up.clone())), "")
    }

    /// Sends one document in a message of its own, under the enterprise's number `number`.
    pub fn send_as(
        &mut self,
        road: &str,
        kind: Kind,
        number: u128,
        action: Action,
        content: &Content,
        waybill_no: &str,
    ) -> (String, Vec<u8>) {
        let (guid, own) = (self.guid(), self.guid());
        let id = Uuid::from_u128(number << 64);
        let enterprise_no = Some(if kind == Kind::ReturnTally { EnterpriseNo::short_from_id(id) } else { EnterpriseNo::from_id(id) });
        let document = Document { action, enterprise_no, ..document(kind, own) };
        let now = self.clock_now();
        let outgoing = [Outgoing { document: &document, content, waybill_no }];
        let payload = message::compose(kind, MessageId(guid), &sender(), &outgoing, now).unwrap();
        let bytes = envelope(&payload, guid, message::wire_type(kind), now);
        let name = format!("{}_{}.xml", message::wire_type(kind), wire_guid(guid));
        self.put(road, &name, &bytes);
        (name, bytes)
    }

    /// Lets time go by; gives the answers of a road, and takes them away.
    pub fn play(&mut self, road: &str) -> Vec<Answer> {
        self.pass_time();
        self.answers(road)
    }

    /// Lets time go by until nothing more happens.
    pub fn pass_time(&mut self) {
        for _ in 0..200 {
            self.office.pass().unwrap();
            self.clock.advance(Duration::from_millis(50));
        }
    }

    pub fn answers(&self, road: &str) -> Vec<Answer> {
        let mut answers = Vec::new();
        for (name, bytes) in files(&self.folder(road, "in")) {
            let payload = match dxp::open(&bytes) {
                Ok(dxp::Opened::Envelope(envelope)) => envelope.data,
                Ok(_) => bytes,
                Err(_) => {
                    assert!(name.starts_with("garbage"), "{name}");
                    Vec::new()
                }
            };
            if !payload.is_empty() {
                answers.push(message::parse_answer(&payload).unwrap());
            }
            fs::remove_file(self.folder(road, "in").join(name)).unwrap();
        }
        answers
    }
}

pub fn clockwork(clock: &Arc<ManualClock>) -> Clockwork {
    Clockwork::new(clock.clone(), Arc::new(SeededEntropy::new(9)))
}

pub fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

pub fn envelope(payload: &[u8], guid: Uuid, msg_type: &str, at: Timestamp) -> Vec<u8> {
    let id = wire_guid(guid);
    let address = dxp::Address { cop_msg_id: &id, sender: &sender().dxp_id, receiver: dxp::EXPORT_RECEIVER, at, msg_type };
    dxp::wrap(&address, payload, "").unwrap()
}

pub fn sender() -> Sender {
    Sender {
        name: "declarant".to_owned(),
        party: Party { code: "91440101MA5TG07G5B".to_owned(), name: "广州南粤通关服务有限公司（示例）".to_owned() },
        dxp_id: "DXPENT0000000001".to_owned(),
        signer: "declarant".to_owned(),
        road: ROADS[0].to_owned(),
        ..Sender::default()
    }
}

pub fn document(kind: Kind, guid: Uuid) -> Document {
    Document {
        id: DocumentId(guid),
        version: 1,
        tenant: Tenant::local(),
        declaration: Some(DeclarationId(guid)),
        kind,
        action: Action::Add,
        guid: DocumentGuid(guid),
        sender: "declarant".to_owned(),
        road: ROADS[0].to_owned(),
        enterprise_no: Some(EnterpriseNo::from_id(guid)),
        port_no: None,
        inventory_no: None,
        state: State::Due,
        last_word: None,
        needed_by: Timestamp::NEVER,
        gate_at: None,
        lot: None,
        packed: 0,
        port_failures: 0,
        resent: None,
        message: None,
        on_hold: false,
    }
}

/// A parcel of the demonstration, checked: its declaration and its waybill.
pub fn parcel(index: usize) -> (Arc<Declaration>, Arc<Waybill>) {
    let today = parse_day(DAY).unwrap();
    let draft = drafts().swap_remove(index);
    let (declaration, _) = check::check(&draft, &Taken::default(), &Parameters::default(), today).unwrap().into_parts();
    let of = |waybill: &&draft::Waybill| match &waybill.order {
        Some(order) => order.order_no == draft.order.order_no,
        None => waybill.waybill_no == draft.inventory.waybill_no,
    };
    let waybills = waybills();
    let (waybill, ..) = check::check_waybill(waybills.iter().find(of).unwrap(), &TakenWaybill::default(), today).unwrap().into_parts();
    (Arc::new(declaration), Arc::new(waybill))
}

pub fn content(kind: Kind, parcel: &(Arc<Declaration>, Arc<Waybill>)) -> Content {
    match kind {
        Kind::Waybill => Content::Waybill(parcel.1.clone()),
        _ => Content::Declaration(parcel.0.clone()),
    }
}

pub fn quick() -> Options {
    Options {
        delays: Delays::DEMO,
        oddities: Oddities::none(),
        signatures: Signatures::Ignored,
        receipts_per_message: 100,
        ..Options::default()
    }
}

pub fn receipts(answers: &[Answer]) -> Vec<Receipt> {
    let each = answers.iter().flat_map(|answer| match answer {
        Answer::Receipts(receipts) => receipts.clone(),
        Answer::SummaryResults(_) | Answer::Format(_) | Answer::Transport(_) => Vec::new(),
    });
    let mut receipts: Vec<_> = each.collect();
    receipts.sort_by_key(|receipt| receipt.at);
    receipts
}

pub fn codes_of(answers: &[Answer], kind: Kind) -> Vec<String> {
    receipts(answers).into_iter().filter(|receipt| receipt.key.kind() == kind).map(|receipt| receipt.code).collect()
}

/// A message without an envelope and without a signature.
pub fn unsigned(guid: Uuid, parcel: &(Arc<Declaration>, Arc<Waybill>), at: Timestamp) -> Vec<u8> {
    let document = document(Kind::Order, guid);
    let outgoing = Outgoing { document: &document, content: &content(Kind::Order, parcel), waybill_no: "" };
    message::compose(Kind::Order, MessageId(guid), &sender(), &[outgoing], at).unwrap()
}
