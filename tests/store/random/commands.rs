//! Commands made at random, about few things, so that they meet.

use std::{sync::Arc, time::Duration};

use tongguan::{
    audit::Entry,
    clock::{Clockwork, ManualClock, SeededEntropy, Timestamp},
    declaration::{Declaration, DeclarationId, DocumentId, InventoryNo, Kind, MessageId, PortNo, Waybill},
    dossier::{Document, LastWord, Resent},
    party::{Actor, Tenant},
    queue::{Fault, Lease},
    receipt::{Key, Receipt},
    state::State,
    store::{
        Acceptance, Application, Arrival, Attached, Change, Deadline, DeadlineChange, DeadlineKind, Disposition, KeptReceipt, Lookup,
        MessageChange, Number, NumberKind, Outcome, Packing, Revision, RoadChange, Settlement, WaybillAcceptance,
    },
};
use uuid::Uuid;

use super::super::{
    model::Model,
    samples::{Maker, declaration, inventory_key, order, order_key, party, receipt, tenant},
};

pub const ORDERS: u64 = 6;
pub const WAYBILLS: u64 = 5;
pub const CARRIERS: [&str; 2] = ["CARRIER-A", "CARRIER-B"];
pub const TENANTS: [&str; 2] = ["a", "b"];
const ROADS: [&str; 2] = ["guangzhou", "huangpu"];
const SENDERS: [&str; 2] = ["declarant", "seller"];

/// What is asked of a store.
#[derive(Debug, Clone)]
pub enum Command {
    Lookup(Vec<Lookup>),
    Accept(Vec<Acceptance>),
    Push(Vec<WaybillAcceptance>),
    LeaseDocuments(Lease),
    Pack(Uuid, Packing),
    GiveBack(Uuid, Vec<DocumentId>, Timestamp),
    LeaseDeliveries(Lease, &'static str, u32),
    Settle(Uuid, Vec<Settlement>),
    Keep(Vec<Arrival>),
    LeaseArrivals(Lease, Option<Uuid>, u32),
    Apply(Application),
    TakeRole(Uuid, Timestamp),
    /// Gives places to so many entries, or does so on a size that is not the log's.
    Sequence {
        limit: u32,
        stale: bool,
    },
    /// Looks at everything.
    Look,
}

/// What somebody leased and may write about.
#[derive(Debug, Clone, Default)]
pub struct Held {
    pub documents: Vec<(Uuid, Vec<Document>)>,
    pub messages: Vec<(Uuid, MessageId, u32)>,
    pub arrivals: Vec<(Uuid, Uuid)>,
    pub packings: Vec<(Uuid, Packing)>,
}

/// One step of a sequence: what it is about, and the seed of all else about it. Steps can be left out, and the others still make sense.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    pub what: u8,
    pub seed: u64,
}

impl Step {
    pub const KINDS: u64 = 80;
}

/// Makes one command.
pub struct Dice<'a> {
    dice: Clockwork,
    pub now: Timestamp,
    pub maker: &'a Maker,
    pub model: &'a Model,
    pub held: &'a Held,
}

impl<'a> Dice<'a> {
    pub fn new(seed: u64, now: Timestamp, maker: &'a Maker, model: &'a Model, held: &'a Held) -> Self {
        let dice = Clockwork::new(Arc::new(ManualClock::at(now)), Arc::new(SeededEntropy::new(seed)));
        Self { dice, now, maker, model, held }
    }

    /// The same dice at another moment.
    pub fn at(self, now: Timestamp) -> Self {
        Self { now, ..self }
    }

    pub fn below(&self, bound: u64) -> u64 {
        self.dice.below(bound)
    }

    fn index(&self, length: usize) -> usize {
        usize::try_from(self.below(u64::try_from(length).unwrap())).unwrap()
    }

    fn one_in(&self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    fn pick<T: Clone>(&self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.index(from.len())].clone())
    }

    fn any<T: Clone>(&self, from: &[T]) -> T {
        self.pick(from).unwrap()
    }

    fn some<T>(&self, most: u64, mut one: impl FnMut() -> T) -> Vec<T> {
        (0..=self.below(most)).map(|_| one()).collect()
    }

    /// A deadline that no other document has.
    fn deadline(&self) -> Timestamp {
        self.now + Duration::from_micros(self.below(1 << 40))
    }

    fn lease(&self) -> Lease {
        Lease { token: self.maker.clockwork.id(), until: self.now + Duration::from_secs(60) }
    }

    /// The command of a step; nothing if there is nothing to do it to.
    pub fn command(&self, what: u8) -> Option<Command> {
        // A look at everything costs as much as many commands.
        if what == 79 {
            return Some(Command::Look);
        }
        Some(match what % 39 {
            0..=5 => Command::Accept(self.some(3, || self.acceptance())),
            6..=9 => Command::Push(self.some(3, || self.waybill())),
            10 => Command::Lookup(self.some(4, || self.asked())),
            11..=14 => Command::LeaseDocuments(self.lease()),
            15..=17 => {
                let (token, packing) = self.packing()?;
                Command::Pack(token, packing)
            }
            18 => {
                let (token, documents) = self.pick(&self.held.documents)?;
                let after = Duration::from_secs(self.below(30));
                Command::GiveBack(
                    token,
                    documents.iter().map(|document| document.id).filter(|_| !self.one_in(4)).collect(),
                    self.now + after,
                )
            }
            19..=21 => Command::LeaseDeliveries(self.lease(), self.any(&ROADS), u32::try_from(self.below(3) + 1).unwrap()),
            22..=24 => {
                let (token, settlements) = self.settlements()?;
                Command::Settle(token, settlements)
            }
            25 | 26 => Command::Keep(self.some(3, || self.arrival())),
            27 | 28 => Command::LeaseArrivals(self.lease(), self.reader(), u32::try_from(self.below(3) + 1).unwrap()),
            29..=34 => Command::Apply(self.application()),
            35 => Command::TakeRole(Uuid::from_u128(u128::from(self.below(2)) + 1), self.now + Duration::from_secs(self.below(20))),
            36 => Command::Apply(Application {
                resumed: vec![self.any(&SENDERS).into()],
                changes: vec![Change { entries: vec![self.entry("resume", Uuid::nil())], ..Change::default() }],
                ..Application::default()
            }),
            _ => Command::Sequence { limit: u32::try_from(self.below(12) + 1).unwrap(), stale: self.one_in(4) },
        })
    }

    fn entry(&self, act: &str, subject: Uuid) -> Entry {
        let entry = self.maker.entry(act, subject);
        Entry { at: self.now, actor: Actor { tenant: self.tenant(), ..entry.actor }, ..entry }
    }

    fn tenant(&self) -> Tenant {
        tenant(self.any(&TENANTS))
    }

    fn order_no(&self) -> String {
        format!("O{}", self.below(ORDERS))
    }

    fn waybill_no(&self) -> String {
        format!("W{}", self.below(WAYBILLS))
    }

    fn key(&self) -> Option<String> {
        self.one_in(4).then(|| format!("k{}", self.below(3)))
    }

    fn digest(&self, about: &str) -> [u8; 32] {
        let mut digest = [u8::try_from(self.below(2)).unwrap(); 32];
        digest[1..=about.len()].copy_from_slice(about.as_bytes());
        digest
    }

    fn acceptance(&self) -> Acceptance {
        let (order_no, waybill_no) = (self.order_no(), (!self.one_in(3)).then(|| self.waybill_no()));
        let mut said: Declaration = declaration(&order_no, waybill_no.as_deref());
        said.inventory.carrier = party(self.any(&CARRIERS));
        said.inventory.declared_at = self.any(&["5141", "5208"]).into();
        said.inventory.bag_no = self.one_in(3).then(|| "BAG1".into());
        let owner = self.tenant();
        let made = self.maker.acceptance(&order_no, None);
        let mut documents = made.documents;
        for document in &mut documents {
            document.tenant = owner.clone();
            document.sender = self.any(&SENDERS).into();
            document.road = self.any(&ROADS).into();
            document.needed_by = self.deadline();
            document.gate_at = document.gate_at.map(|_| self.now + Duration::from_secs(self.below(100)));
        }
        if self.one_in(4) {
            // Somebody else transmits the order.
            documents.remove(0);
        }
        Acceptance {
            actor: Actor { tenant: owner.clone(), ..made.actor },
            idempotency_key: self.key(),
            digest: self.digest(&order_no),
            needed_by: self.deadline(),
            declaration: Arc::new(said),
            documents,
            entry: Entry { at: self.now, actor: Actor { tenant: owner, ..made.entry.actor.clone() }, ..made.entry },
            ..made
        }
    }

    fn waybill(&self) -> WaybillAcceptance {
        let made = self.maker.waybill(&self.waybill_no());
        let named = self.one_in(2).then(|| self.order_no());
        let seller = self.one_in(3).then(|| party("SELLER"));
        let document = made.document.filter(|_| !self.one_in(3)).map(|document| Document {
            sender: self.any(&SENDERS).into(),
            tenant: tenant("carrier"),
            needed_by: self.deadline(),
            ..document
        });
        WaybillAcceptance {
            digest: self.digest(named.as_deref().unwrap_or("none")),
            waybill: Arc::new(Waybill { carrier: party(self.any(&CARRIERS)), seller, ..Waybill::clone(&made.waybill) }),
            order: named.map(|no| order(&no)),
            document,
            ..made
        }
    }

    fn asked(&self) -> Lookup {
        let waybill = (!self.one_in(3)).then(|| (self.any(&CARRIERS).to_owned(), self.waybill_no()));
        Lookup { tenant: self.tenant(), idempotency_key: self.key(), order: order(&self.order_no()), waybill, owner: "OWNER".into() }
    }

    fn packing(&self) -> Option<(Uuid, Packing)> {
        if self.one_in(5)
            && let Some(again) = self.pick(&self.held.packings)
        {
            return Some(again);
        }
        let (token, documents) = self.pick(&self.held.documents)?;
        let documents: Vec<_> = documents.into_iter().filter(|_| !self.one_in(5)).collect();
        let first = documents.first()?;
        let token = if self.one_in(10) { Uuid::nil() } else { token };
        let ids: Vec<_> = documents.iter().map(|document| document.id).collect();
        let packing = Packing {
            sender: first.sender.clone(),
            road: first.road.clone(),
            needed_by: documents.iter().map(|document| document.needed_by).min()?,
            entries: ids.iter().map(|id| self.entry("pack", id.0)).collect(),
            ..self.maker.packing(ids, first.kind)
        };
        Some((token, packing))
    }

    fn settlements(&self) -> Option<(Uuid, Vec<Settlement>)> {
        let (token, _, _) = self.pick(&self.held.messages)?;
        let later = || self.now + Duration::from_secs(self.below(90));
        let fault = || match self.below(3) {
            0 => Fault::Transient("no road".into()),
            1 => Fault::Unknown("broke".into()),
            _ => Fault::Permanent("no such road".into()),
        };
        let outcome = || match self.below(6) {
            0 => Outcome::Again { fault: fault(), at: later() },
            1 => Outcome::PutOff { fault: fault(), at: later() },
            2 => Outcome::Shelved { fault: fault() },
            _ if self.one_in(5) => Outcome::Delivered { silent_at: Timestamp::NEVER },
            _ => Outcome::Delivered { silent_at: later() },
        };
        let of_lease = self.held.messages.iter().filter(|(other, _, _)| *other == token);
        let settlement = |(_, message, attempt): &(Uuid, MessageId, u32)| Settlement {
            message: *message,
            attempt: if self.one_in(10) { attempt + 1 } else { *attempt },
            outcome: outcome(),
            entries: vec![self.entry("deliver", message.0)],
        };
        let settlements = of_lease.filter(|_| !self.one_in(4)).map(settlement).collect();
        Some((if self.one_in(10) { Uuid::nil() } else { token }, settlements))
    }

    /// One of two nodes, or a node that reads for itself alone.
    fn reader(&self) -> Option<Uuid> {
        [None, Some(Uuid::from_u128(1)), Some(Uuid::from_u128(2))][usize::try_from(self.below(3)).unwrap()]
    }

    fn arrival(&self) -> Arrival {
        let name = self.below(12);
        let road = ROADS[usize::from(name.is_multiple_of(2))];
        let reserved = self.reader().map(|token| Lease { token, ..self.lease() });
        Arrival { road: road.into(), digest: [u8::try_from(name).unwrap(); 32], reserved, ..self.maker.arrival(&format!("{name:02}")) }
    }

    fn application(&self) -> Application {
        let mut application = Application::default();
        let keys = self.some(2, || self.business_key());
        if let Some((token, _)) = self.pick(&self.held.arrivals) {
            application.token = Some(token);
            for (_, arrival) in self.held.arrivals.iter().filter(|(other, _)| *other == token) {
                let read = match self.below(6) {
                    0 => Disposition::Quarantined("no XML".into()),
                    1 => Disposition::PutOff(self.now + Duration::from_secs(self.below(30))),
                    _ => Disposition::Read,
                };
                // What is put off is read again: nothing of it is kept yet.
                let keys = if matches!(read, Disposition::PutOff(_)) { &[][..] } else { &keys[..] };
                application.arrivals.push((*arrival, read));
                let receipts = (0_u32..).zip(keys).map(|(ordinal, key)| self.kept(*arrival, ordinal, key));
                application.receipts.extend(receipts);
            }
        }
        application.changes = self.changes();
        application.apart = self.one_in(3);
        if let Some(message) = self.pick(&self.model.message_ids()).filter(|_| self.one_in(3)) {
            application.messages.push(match self.below(3) {
                0 => MessageChange::Dissolved(message),
                1 => MessageChange::Shelved(message, "3001".into()),
                _ => MessageChange::Again(message, self.now + Duration::from_secs(self.below(30))),
            });
        }
        let any = if self.one_in(9) { self.model.message_ids() } else { self.model.given_up_ids() };
        if let Some(message) = self.pick(&any).filter(|_| self.one_in(3) && application.messages.is_empty()) {
            let at = self.now + Duration::from_secs(self.below(30));
            let change = if self.one_in(2) { MessageChange::Arrived(message) } else { MessageChange::Retried(message, at) };
            application.messages.push(change);
        }
        if self.one_in(8) {
            application.stops.push((self.any(&SENDERS).into(), format!("{}", self.below(3))));
        }
        if self.one_in(8) {
            let road = self.any(&ROADS).to_owned();
            let change = if self.one_in(3) { RoadChange::Paused(road, "repair".into()) } else { RoadChange::Resumed(road) };
            application.roads.push(change);
        }
        if let Some(kept) = self.pick(&self.model.unmatched()).filter(|_| self.one_in(6))
            && let Some(document) = self.pick(&self.model.documents())
        {
            let (arrival, ordinal, effect) = (kept.arrival, kept.ordinal, self.one_in(2));
            application.attached.push(Attached { arrival, ordinal, document: document.id, effect });
        }
        application
    }

    fn business_key(&self) -> Key {
        match self.below(4) {
            0 => Key::Waybill { carrier: self.any(&CARRIERS).into(), waybill_no: self.waybill_no() },
            1 => inventory_key("", &self.order_no()),
            _ => order_key(&self.order_no()),
        }
    }

    fn kept(&self, arrival: Uuid, ordinal: u32, key: &Key) -> KeptReceipt {
        let at = (!self.one_in(3)).then(|| self.now - Duration::from_secs(self.below(100)));
        let matched = self.model.matched(key).map(|(_, document)| document);
        KeptReceipt {
            arrival,
            ordinal,
            at: self.now,
            receipt: Receipt { at, ..receipt(key.clone(), "2") },
            document: matched,
            effect: matched.is_some(),
        }
    }

    /// Changes of different documents; one that nobody wants to change any more is there too, to be looked at only.
    fn changes(&self) -> Vec<Change> {
        let mut documents = self.model.documents();
        let mut changes = Vec::new();
        for _ in 0..self.below(3) {
            if documents.is_empty() {
                break;
            }
            let document = documents.swap_remove(self.index(documents.len()));
            let late = if self.one_in(6) { 1 } else { 0 };
            let mut change = Change { expected: vec![(document.id, document.version - late)], ..Change::default() };
            change.entries.push(self.entry("receipt", document.id.0));
            // A subject is decided on once at a time.
            let decided =
                |changes: &[Change], id| changes.iter().any(|change| change.assessment.as_ref().is_some_and(|(other, _)| *other == id));
            let amended =
                |changes: &[Change], id| changes.iter().any(|change| change.revision.as_ref().is_some_and(|new| new.declaration == id));
            if let Some(id) = document.declaration.filter(|id| self.one_in(3) && !decided(&changes, *id)) {
                change.assessment = Some((id, format!("{{\"n\":{}}}", self.below(9))));
            }
            if let Some(id) = document.declaration.filter(|id| self.one_in(3) && !amended(&changes, *id)) {
                self.amend(&mut change, id);
            }
            if self.one_in(4) {
                change.numbers.push(self.number(&document));
            }
            change.woken.extend(document.declaration.filter(|_| self.one_in(3)));
            change.documents.push(self.changed(document));
            changes.push(change);
        }
        changes.extend(self.settled().filter(|_| self.one_in(2)));
        changes
    }

    /// Other content, at times decided on content that is not there any more; and a deadline that is set or met.
    fn amend(&self, change: &mut Change, id: DeclarationId) {
        let (content, revision, owner) = self.model.content(id);
        let mut content = (*content).clone();
        content.order.note = Some(format!("note {}", self.below(9)));
        let expected = revision + u32::from(self.one_in(6));
        change.revision = Some(Revision { declaration: id, expected, content: Arc::new(content), warnings: Vec::new(), digest: [4; 32] });
        let kind = self.any(&DeadlineKind::ALL);
        change.deadlines.push(if self.one_in(3) {
            DeadlineChange::Met(id, kind)
        } else {
            DeadlineChange::Set(Deadline { declaration: id, tenant: owner, kind, at: self.deadline() })
        });
    }

    fn number(&self, document: &Document) -> Number {
        let kind = if self.one_in(2) { NumberKind::Port } else { NumberKind::Inventory };
        Number {
            kind,
            number: format!("N{}", self.below(3)),
            scope: String::new(),
            declaration: document.declaration,
            document: Some(document.id),
        }
    }

    fn changed(&self, document: Document) -> Document {
        const STATES: [State; 9] = [
            State::Waiting,
            State::Due,
            State::Due,
            State::Declaring,
            State::Unmatched,
            State::PortFailed,
            State::Refused,
            State::Stored,
            State::Released,
        ];
        // A waybill without an order waits at no gate.
        let state = if document.declaration.is_none() { self.any(&STATES[1..]) } else { self.any(&STATES) };
        let word = LastWord { code: "2".into(), at: self.now, info: "收到".into() };
        Document {
            state,
            port_no: self.one_in(3).then(|| PortNo("B1".into())),
            inventory_no: self.one_in(3).then(|| InventoryNo("E1".into())),
            last_word: (!self.one_in(3)).then_some(word),
            needed_by: if self.one_in(4) { self.deadline() } else { document.needed_by },
            gate_at: (state == State::Waiting).then(|| self.now + Duration::from_secs(self.below(20))),
            lot: self.one_in(4).then(|| Uuid::from_u128(u128::from(self.below(2)) + 1)),
            on_hold: self.one_in(6),
            port_failures: document.port_failures + u32::from(state == State::PortFailed),
            resent: document.resent.map(|resent| Resent { set_aside: self.one_in(3).then_some(self.now), ..resent }),
            ..document
        }
    }

    /// A look at a waybill of a known order whose document nobody has made yet: it is made, or the look is put off.
    fn settled(&self) -> Option<Change> {
        let bare: Vec<_> = self.model.without_document().into_iter().filter(|(_, declaration)| declaration.is_some()).collect();
        let (id, declaration) = self.pick(&bare)?;
        let made = self.maker.document(Kind::Waybill, declaration, State::Due);
        let made = Document { id, tenant: tenant("carrier"), needed_by: self.deadline(), ..made };
        Some(if self.one_in(2) {
            Change { created: vec![made], ..Change::default() }
        } else {
            Change { waybills: vec![(id, self.one_in(2).then(|| self.now + Duration::from_secs(9)))], ..Change::default() }
        })
    }
}
