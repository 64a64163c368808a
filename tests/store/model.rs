//! What the commands of a store mean, written down a second time: in memory, one thing after the other, without a thought of speed. It
//! knows nothing of how the stores do it, and says what they must answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tongguan::{
    audit::Entry,
    clock::Timestamp,
    declaration::{Declaration, DeclarationId, DocumentId, Kind, MessageId, Waybill, draft::OrderReference},
    dossier::{Document, Dossier},
    lane::Plan,
    party::{Tenant, Trace},
    queue::Lease,
    state::State,
    store::{
        Acceptance, Accepted, Deadline, DeadlineKind, Found, KeptReceipt, KeptWaybill, Lookup, NumberKind, WaybillAcceptance,
        WaybillAccepted, order_scope,
    },
};
use uuid::Uuid;

mod applying;
mod looking;
mod moving;

/// A carrier must not use a waybill number again for six months.
const LIFE_OF_A_NUMBER: Duration = Duration::from_secs(183 * 86_400);

/// Who has the right to work on something, and until when.
#[derive(Debug, Clone, Copy)]
struct Hold {
    token: Option<Uuid>,
    until: Timestamp,
}

impl Hold {
    const NOBODY: Self = Self { token: None, until: Timestamp(i64::MIN) };

    const fn by(lease: Lease) -> Self {
        Self { token: Some(lease.token), until: lease.until }
    }

    fn is_free(&self, now: Timestamp) -> bool {
        self.until <= now
    }
}

#[derive(Debug)]
struct Declared {
    tenant: Tenant,
    accepted_at: Timestamp,
    needed_by: Timestamp,
    declaration: Arc<Declaration>,
    waybill_no: Option<String>,
    plan: Plan,
    key: Option<String>,
    digest: [u8; 32],
    assessments: Vec<String>,
    trace: Option<Trace>,
    /// How often it was amended, and the digest of the request that last did.
    amended: (u32, Option<[u8; 32]>),
}

#[derive(Debug)]
struct Paper {
    document: Document,
    hold: Hold,
}

#[derive(Debug)]
struct Pushed {
    tenant: Tenant,
    accepted_at: Timestamp,
    digest: [u8; 32],
    declaration: Option<DeclarationId>,
    look_at: Option<Timestamp>,
    waybill: Arc<Waybill>,
}

/// A number and what it leads to.
#[derive(Debug)]
struct Fact {
    number: String,
    kind: NumberKind,
    scope: String,
    /// Nothing: the one that has it now. Else one of several that have or had it.
    beside: Option<Uuid>,
    at: Timestamp,
    owner: Option<Tenant>,
    declaration: Option<DeclarationId>,
    carrier: Option<Tenant>,
    document: Option<DocumentId>,
}

#[derive(Debug)]
struct Message {
    sender: String,
    kind: Kind,
    road: String,
    /// Whether it may go again.
    open: bool,
    shelved: bool,
    delivered: bool,
    sealed_at: Timestamp,
    needed_by: Timestamp,
    due_at: Option<Timestamp>,
    attempt: u32,
    failed: u32,
    hold: Hold,
    bytes: Vec<u8>,
    members: Vec<DocumentId>,
}

#[derive(Debug)]
struct Came {
    road: String,
    name: String,
    bytes: Vec<u8>,
    digest: [u8; 32],
    at: Timestamp,
    unread: bool,
    attempt: u32,
    hold: Hold,
}

/// All that is kept.
#[derive(Debug, Default)]
pub struct Model {
    declarations: BTreeMap<DeclarationId, Declared>,
    papers: BTreeMap<DocumentId, Paper>,
    waybills: BTreeMap<DocumentId, Pushed>,
    /// Waybills that name an order which is not there: by order number, its scope, and the carrier.
    waiting: BTreeMap<(String, String, String), DocumentId>,
    facts: Vec<Fact>,
    messages: BTreeMap<MessageId, Message>,
    arrivals: BTreeMap<Uuid, Came>,
    receipts: Vec<KeptReceipt>,
    roles: BTreeMap<String, (Uuid, Timestamp)>,
    stops: BTreeMap<String, String>,
    pauses: BTreeMap<String, String>,
    deadlines: BTreeMap<(DeclarationId, DeadlineKind), Deadline>,
    pub entries: BTreeMap<Uuid, Entry>,
}

impl Model {
    fn tell<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>) {
        self.entries.extend(entries.into_iter().map(|entry| (entry.id, entry.clone())));
    }

    /// The fact about a number that only one may have.
    fn fact(&self, kind: NumberKind, number: &str, scope: &str) -> Option<&Fact> {
        self.facts
            .iter()
            .find(|fact| fact.beside.is_none() && (fact.kind, fact.number.as_str(), fact.scope.as_str()) == (kind, number, scope))
    }

    /// Adds a fact, or what it knows beyond one that is there.
    fn learn(&mut self, new: Fact) {
        let same =
            |fact: &&mut Fact| (fact.kind, &fact.number, &fact.scope, fact.beside) == (new.kind, &new.number, &new.scope, new.beside);
        match self.facts.iter_mut().find(same) {
            Some(fact) => {
                fact.owner = fact.owner.take().or(new.owner);
                fact.declaration = fact.declaration.or(new.declaration);
                fact.carrier = fact.carrier.take().or(new.carrier);
                fact.document = fact.document.or(new.document);
            }
            None => self.facts.push(new),
        }
    }

    /// The present use of a waybill number; one that is older than a carrier must remember is put aside.
    fn use_of(&mut self, now: Timestamp, carrier: &str, number: &str) -> Option<(Option<DeclarationId>, Option<DocumentId>)> {
        let present =
            |fact: &&mut Fact| fact.beside.is_none() && fact.kind == NumberKind::Waybill && fact.scope == carrier && fact.number == number;
        let fact = self.facts.iter_mut().find(present)?;
        Some((fact.declaration, fact.document)).filter(|_| fact.at + LIFE_OF_A_NUMBER >= now)
    }

    fn put_aside(&mut self, carrier: &str, number: &str) {
        let present =
            |fact: &&mut Fact| fact.beside.is_none() && fact.kind == NumberKind::Waybill && fact.scope == carrier && fact.number == number;
        if let Some(fact) = self.facts.iter_mut().find(present) {
            fact.beside = fact.declaration.map(|id| id.0).or(fact.document.map(|id| id.0));
        }
    }

    fn of_order(&self, order: &OrderReference) -> Option<DeclarationId> {
        self.fact(NumberKind::Order, &order.order_no, &order_scope(&order.platform, &order.seller))?.declaration
    }

    pub fn lookup(&mut self, now: Timestamp, asked: &Lookup) -> Found {
        let bound = self.bound(&asked.tenant, asked.idempotency_key.as_deref(), &asked.order);
        let used = asked.waybill.as_ref().and_then(|(carrier, number)| self.use_of(now, carrier, number));
        let pushed = used.and_then(|(_, waybill)| waybill).and_then(|id| self.waybills.get(&id));
        Found {
            bound: bound.map(|id| (self.declarations[&id].digest, id)),
            order_taken: self.of_order(&asked.order).is_some(),
            waybill_taken: used.is_some_and(|(declaration, _)| declaration.is_some()),
            waybill_seller: pushed.and_then(|pushed| pushed.waybill.seller.as_ref()).map(|seller| seller.code.clone()),
            sellers: Vec::new(),
        }
    }

    /// What was made of an earlier request that this one repeats.
    fn bound(&self, tenant: &Tenant, key: Option<&str>, order: &OrderReference) -> Option<DeclarationId> {
        let under = |declared: &Declared| declared.tenant == *tenant && declared.key.as_deref() == key;
        match key {
            Some(_) => self.declarations.iter().find(|(_, declared)| under(declared)).map(|(id, _)| *id),
            None => self.of_order(order).filter(|id| under(&self.declarations[id])),
        }
    }

    pub fn accept(&mut self, now: Timestamp, acceptance: &Acceptance) -> Accepted {
        let (order, inventory) = (&acceptance.declaration.order, &acceptance.declaration.inventory);
        let reference =
            OrderReference { platform: order.platform.code.clone(), seller: order.seller.code.clone(), order_no: order.order_no.clone() };
        if let Some(id) = self.bound(&acceptance.actor.tenant, acceptance.idempotency_key.as_deref(), &reference) {
            let same = self.declarations[&id].digest == acceptance.digest;
            return if same { Accepted::Again(id) } else { Accepted::KeyConflict };
        }
        if self.of_order(&reference).is_some() {
            return Accepted::OrderTaken;
        }
        let carrier = inventory.carrier.code.clone();
        let scope = order_scope(&reference.platform, &reference.seller);
        let (waybill, waybill_no) = match &inventory.waybill_no {
            Some(number) => match self.use_of(now, &carrier, number) {
                Some((Some(_), _)) => return Accepted::WaybillTaken,
                Some((None, pushed)) => (pushed, Some(number.clone())),
                None => {
                    self.put_aside(&carrier, number);
                    (None, Some(number.clone()))
                }
            },
            None => {
                let waybill = self.waiting.get(&(reference.order_no.clone(), scope.clone(), carrier.clone())).copied();
                (waybill, waybill.map(|id| self.waybills[&id].waybill.waybill_no.clone()))
            }
        };
        self.declare(now, acceptance, waybill_no.clone());
        self.learn_of(now, acceptance, waybill_no);
        self.papers
            .extend(acceptance.documents.iter().map(|document| (document.id, Paper { document: document.clone(), hold: Hold::NOBODY })));
        if let Some(waybill) = waybill {
            self.bind(waybill, acceptance.id);
        }
        self.tell([&acceptance.entry]);
        Accepted::New(acceptance.id)
    }

    fn declare(&mut self, now: Timestamp, acceptance: &Acceptance, waybill_no: Option<String>) {
        let declared = Declared {
            tenant: acceptance.actor.tenant.clone(),
            accepted_at: now,
            needed_by: acceptance.needed_by,
            declaration: Arc::clone(&acceptance.declaration),
            waybill_no,
            plan: acceptance.plan.clone(),
            key: acceptance.idempotency_key.clone(),
            digest: acceptance.digest,
            assessments: vec![acceptance.assessment.clone()],
            trace: acceptance.actor.trace,
            amended: (0, None),
        };
        self.declarations.insert(acceptance.id, declared);
    }

    /// Every number by which a new declaration can be found.
    fn learn_of(&mut self, now: Timestamp, acceptance: &Acceptance, waybill_no: Option<String>) {
        let (order, inventory) = (&acceptance.declaration.order, &acceptance.declaration.inventory);
        let fact = |kind, number: String, scope: String, shared: bool| Fact {
            number,
            kind,
            scope,
            beside: shared.then_some(acceptance.id.0),
            at: now,
            owner: Some(acceptance.actor.tenant.clone()),
            declaration: Some(acceptance.id),
            carrier: None,
            document: None,
        };
        let scope = order_scope(&order.platform.code, &order.seller.code);
        let mut facts = vec![fact(NumberKind::Order, order.order_no.clone(), scope, false)];
        facts.extend(waybill_no.map(|number| fact(NumberKind::Waybill, number, inventory.carrier.code.clone(), false)));
        facts.extend(inventory.bill_no.clone().map(|number| fact(NumberKind::Bill, number, String::new(), true)));
        facts.extend(inventory.bag_no.clone().map(|number| fact(NumberKind::Bag, number, String::new(), true)));
        let numbered = acceptance.documents.iter().filter_map(|document| document.enterprise_no.clone());
        facts.extend(numbered.map(|number| fact(NumberKind::Enterprise, number.0, String::new(), false)));
        facts.into_iter().for_each(|fact| self.learn(fact));
    }

    fn bind(&mut self, waybill: DocumentId, declaration: DeclarationId) {
        self.waybills.get_mut(&waybill).unwrap().declaration = Some(declaration);
        if let Some(paper) = self.papers.get_mut(&waybill) {
            paper.document.declaration = Some(declaration);
            paper.document.version += 1;
        }
        self.waiting.retain(|_, waiting| *waiting != waybill);
    }

    pub fn push(&mut self, now: Timestamp, acceptance: &WaybillAcceptance) -> WaybillAccepted {
        let (carrier, number) = (&acceptance.waybill.carrier.code, &acceptance.waybill.waybill_no);
        let used = self.use_of(now, carrier, number);
        if let Some((_, Some(id))) = used {
            let pushed = &self.waybills[&id];
            let again = WaybillAccepted::Again { id, declaration: pushed.declaration };
            return if pushed.digest == acceptance.digest { again } else { WaybillAccepted::Taken };
        }
        if used.is_none() {
            self.put_aside(carrier, number);
        }
        let declaration = used.and_then(|(declaration, _)| declaration).or_else(|| self.named(acceptance));
        let pushed = Pushed {
            tenant: acceptance.actor.tenant.clone(),
            accepted_at: now,
            digest: acceptance.digest,
            declaration: None,
            look_at: acceptance.document.is_none().then_some(now),
            waybill: Arc::clone(&acceptance.waybill),
        };
        self.waybills.insert(acceptance.id, pushed);
        if let Some(document) = acceptance.document.clone() {
            self.papers.insert(document.id, Paper { document, hold: Hold::NOBODY });
        }
        self.learn(Fact {
            number: number.clone(),
            kind: NumberKind::Waybill,
            scope: carrier.clone(),
            beside: None,
            at: now,
            owner: declaration.map(|id| self.declarations[&id].tenant.clone()),
            declaration,
            carrier: Some(acceptance.actor.tenant.clone()),
            document: Some(acceptance.id),
        });
        match (declaration, &acceptance.order) {
            (Some(declaration), _) => self.wake(now, acceptance, declaration),
            (None, Some(order)) => {
                let key = (order.order_no.clone(), order_scope(&order.platform, &order.seller), carrier.clone());
                self.waiting.entry(key).or_insert(acceptance.id);
            }
            (None, None) => {}
        }
        self.tell([&acceptance.entry]);
        WaybillAccepted::New { id: acceptance.id, declaration }
    }

    /// The declaration of the order that a waybill names, if it waits for a waybill of this carrier.
    fn named(&self, acceptance: &WaybillAcceptance) -> Option<DeclarationId> {
        let id = self.of_order(acceptance.order.as_ref()?)?;
        let declared = &self.declarations[&id];
        let waits = declared.waybill_no.is_none() && declared.declaration.inventory.carrier.code == acceptance.waybill.carrier.code;
        waits.then_some(id)
    }

    /// Binds a new waybill to its declaration, whose gate is then looked at.
    fn wake(&mut self, now: Timestamp, acceptance: &WaybillAcceptance, id: DeclarationId) {
        let declared = self.declarations.get_mut(&id).unwrap();
        declared.waybill_no.get_or_insert_with(|| acceptance.waybill.waybill_no.clone());
        self.bind(acceptance.id, id);
        for paper in self.papers.values_mut() {
            if paper.document.declaration == Some(id) && paper.document.state == State::Waiting {
                paper.document.gate_at = Some(now);
                paper.document.version += 1;
            }
        }
    }

    fn dossier(&self, id: DeclarationId) -> Dossier {
        let declared = &self.declarations[&id];
        let of_it = self.papers.values().map(|paper| &paper.document).filter(|document| document.declaration == Some(id));
        Dossier {
            id,
            tenant: declared.tenant.clone(),
            accepted_at: declared.accepted_at,
            needed_by: declared.needed_by,
            declaration: Arc::clone(&declared.declaration),
            waybill_no: declared.waybill_no.clone(),
            plan: declared.plan.clone(),
            documents: of_it.cloned().collect(),
            recorded: Arc::default(),
            trace: declared.trace,
        }
    }

    fn kept(&self, id: DocumentId) -> KeptWaybill {
        let pushed = &self.waybills[&id];
        KeptWaybill {
            id,
            tenant: pushed.tenant.clone(),
            accepted_at: pushed.accepted_at,
            waybill: Arc::clone(&pushed.waybill),
            declaration: pushed.declaration,
            document: self.papers.get(&id).map(|paper| paper.document.clone()),
        }
    }

    pub fn gates(&self, now: Timestamp) -> Vec<(Dossier, Option<KeptWaybill>)> {
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        let documents = self.papers.values().map(|paper| &paper.document);
        let waiting = documents
            .filter(|document| document.state == State::Waiting && due(document.gate_at))
            .filter_map(|document| document.declaration);
        let unsettled = self.waybills.values().filter(|pushed| due(pushed.look_at)).filter_map(|pushed| pushed.declaration);
        let ids: BTreeSet<_> = waiting.chain(unsettled).collect();
        let waybill = |id| self.waybills.iter().find(|(_, pushed)| pushed.declaration == Some(id)).map(|(waybill, _)| self.kept(*waybill));
        let mut gated: Vec<_> = ids.into_iter().map(|id| (self.dossier(id), waybill(id))).collect();
        gated.sort_by_key(|(dossier, _)| (dossier.needed_by, dossier.id));
        gated
    }
}
