//! Leases, messages and their attempts, as they are meant.

use std::collections::BTreeMap;

use tongguan::{
    clock::Timestamp,
    declaration::{DocumentId, Kind, MessageId},
    dossier::{Document, Resent},
    queue::{Fault, Lease},
    state::State,
    store::{Arrival, Delivery, LeasedArrival, Member, Outcome, Packing, Settlement, Written},
};
use uuid::Uuid;

use super::{Came, Hold, Message, Model};

/// What is packed together, and what it says.
pub type Packed = Vec<(Document, String, String)>;

/// Set free while copies of it may live.
fn has_copies(document: &Document) -> bool {
    document.state == State::Due && document.resent.is_some_and(|resent| resent.copies > 0)
}

impl Model {
    fn on_the_road(&self, message: Option<MessageId>, now: Timestamp) -> bool {
        message.and_then(|id| self.messages.get(&id)).is_some_and(|message| message.hold.until > now)
    }

    /// Batches by what is packed together; fewer than a hundred documents of each are in play.
    pub fn lease_documents(&mut self, now: Timestamp, lease: Lease) -> Vec<Packed> {
        let mut batches: BTreeMap<(String, i64, String, Option<Uuid>), Vec<DocumentId>> = BTreeMap::new();
        for (id, paper) in &self.papers {
            let document = &paper.document;
            let free = paper.hold.is_free(now) && !self.on_the_road(document.message, now) && !self.stops.contains_key(&document.sender);
            if document.state == State::Due && free && !document.on_hold && !self.pauses.contains_key(&document.road) {
                let key = (document.sender.clone(), document.kind.number(), document.road.clone(), document.lot);
                batches.entry(key).or_default().push(*id);
            }
        }
        for id in batches.values().flatten() {
            self.papers.get_mut(id).unwrap().hold = Hold::by(lease);
        }
        let mut told: Vec<Packed> = batches.into_values().map(|ids| ids.into_iter().map(|id| self.said(id)).collect()).collect();
        for batch in &mut told {
            batch.sort_by_key(|(document, _, _)| (document.needed_by, document.id));
        }
        told
    }

    /// A document with the number of what it says, and of its waybill.
    fn said(&self, id: DocumentId) -> (Document, String, String) {
        let document = self.papers[&id].document.clone();
        if document.kind == Kind::Waybill {
            let number = self.waybills[&id].waybill.waybill_no.clone();
            return (document, number.clone(), number);
        }
        let declared = &self.declarations[&document.declaration.unwrap()];
        (document, declared.declaration.order.order_no.clone(), declared.waybill_no.clone().unwrap_or_default())
    }

    pub fn pack(&mut self, now: Timestamp, token: Uuid, packing: &Packing) -> Written {
        if self.messages.contains_key(&packing.id) {
            return Written::Done;
        }
        let held = |id: &DocumentId| {
            self.papers.get(id).is_some_and(|paper| paper.hold.token == Some(token) && paper.document.state == State::Due)
        };
        if !packing.documents.iter().all(held) {
            return Written::Stale;
        }
        for id in &packing.documents {
            let paper = self.papers.get_mut(id).unwrap();
            paper.hold = Hold::NOBODY;
            let document = &mut paper.document;
            (document.state, document.message, document.lot, document.resent) = (State::Packed, Some(packing.id), None, None);
            document.packed += 1;
            document.version += 1;
        }
        let message = Message {
            sender: packing.sender.clone(),
            kind: packing.kind,
            road: packing.road.clone(),
            open: true,
            shelved: false,
            delivered: false,
            sealed_at: now,
            needed_by: packing.needed_by,
            due_at: Some(now),
            attempt: 0,
            failed: 0,
            hold: Hold::NOBODY,
            bytes: packing.bytes.clone(),
            members: packing.documents.clone(),
        };
        self.messages.insert(packing.id, message);
        self.tell(&packing.entries);
        Written::Done
    }

    pub fn give_back(&mut self, token: Uuid, documents: &[DocumentId], at: Timestamp) {
        for id in documents {
            if let Some(paper) = self.papers.get_mut(id).filter(|paper| paper.hold.token == Some(token)) {
                paper.hold = Hold { token: None, until: at };
            }
        }
    }

    /// Customs takes a message whole or not at all: an answer to one document of it proves that all arrived.
    fn has_arrived(&self, id: MessageId, message: &Message) -> bool {
        let unanswered = |state| matches!(state, State::Packed | State::Delivered);
        let is_aside = |document: &Document| document.resent.is_some_and(|resent| resent.set_aside.is_some());
        let waits = self
            .papers
            .values()
            .any(|paper| paper.document.message == Some(id) && (unanswered(paper.document.state) || is_aside(&paper.document)));
        let doubtful = self.papers.values().any(|paper| paper.document.message == Some(id) && is_aside(&paper.document));
        let proves = |member: &DocumentId| {
            let document = &self.papers[member].document;
            let turned_away =
                matches!(document.state, State::Due | State::PortFailed | State::Refused | State::Rejected | State::Cancelled);
            document.message != Some(id) || turned_away || (!doubtful && document.packed == 1 && !unanswered(document.state))
        };
        message.attempt > 0 && (!waits || message.members.iter().any(proves))
    }

    pub fn lease_deliveries(&mut self, now: Timestamp, lease: Lease, road: &str, limit: usize) -> Vec<Delivery> {
        let due = |message: &Message| message.road == road && message.due_at.is_some_and(|at| at <= now) && message.hold.is_free(now);
        let arrived: Vec<_> =
            self.messages.iter().filter(|(id, message)| due(message) && self.has_arrived(**id, message)).map(|(id, _)| *id).collect();
        for id in arrived {
            let message = self.messages.get_mut(&id).unwrap();
            (message.due_at, message.delivered) = (None, true);
            self.change_members(id, |document| (document.state == State::Packed).then_some(State::Delivered));
        }
        let open =
            |message: &Message| due(message) && !self.stops.contains_key(&message.sender) && !self.pauses.contains_key(&message.road);
        let mut ids: Vec<_> =
            self.messages.iter().filter(|(_, message)| open(message)).map(|(id, message)| (message.needed_by, *id)).collect();
        ids.sort_unstable();
        ids.truncate(limit);
        ids.into_iter().map(|(_, id)| self.lease_message(now, lease, id)).collect()
    }

    fn lease_message(&mut self, now: Timestamp, lease: Lease, id: MessageId) -> Delivery {
        let message = self.messages.get_mut(&id).unwrap();
        message.hold = Hold::by(lease);
        message.attempt += 1;
        message.failed += u32::from(message.delivered);
        let again = message.attempt > 1;
        let mut members = Vec::new();
        for paper in self.papers.values_mut().filter(|paper| paper.document.message == Some(id)) {
            let document = &mut paper.document;
            if again {
                let copies = document.resent.map_or(0, |resent| resent.copies) + 1;
                document.resent = Some(Resent { at: now, copies, set_aside: document.resent.and_then(|resent| resent.set_aside) });
                document.version += 1;
            }
            members.push(Member {
                document: document.id,
                subject: document.declaration.map_or(document.id.0, |id| id.0),
                tenant: document.tenant.clone(),
                packed: document.state == State::Packed,
                trace: document.declaration.and_then(|id| self.declarations.get(&id)?.trace),
            });
        }
        let message = &self.messages[&id];
        Delivery {
            message: id,
            sender: message.sender.clone(),
            kind: message.kind,
            road: message.road.clone(),
            bytes: message.bytes.clone(),
            sealed_at: message.sealed_at,
            attempt: message.attempt,
            failed: message.failed,
            members,
        }
    }

    /// Moves the documents that a message carries now.
    fn change_members(&mut self, id: MessageId, next: impl Fn(&Document) -> Option<State>) -> Vec<DocumentId> {
        let mut changed = Vec::new();
        for paper in self.papers.values_mut().filter(|paper| paper.document.message == Some(id)) {
            if let Some(state) = next(&paper.document) {
                paper.document.state = state;
                paper.document.version += 1;
                changed.push(paper.document.id);
            }
        }
        changed
    }

    /// A 4 that came while the same bytes were on the road once more may be about either copy.
    fn set_aside(&mut self, id: MessageId) {
        for paper in self.papers.values_mut().filter(|paper| paper.document.message == Some(id) && has_copies(&paper.document)) {
            let spoken = paper.document.last_word.as_ref().map(|word| word.at);
            if let Some(resent) = paper.document.resent.as_mut() {
                resent.set_aside = spoken.or(resent.set_aside);
            }
        }
    }

    pub fn settle(&mut self, token: Uuid, settlement: &Settlement) -> Written {
        let id = settlement.message;
        let held = |message: &Message| message.hold.token == Some(token) && message.attempt == settlement.attempt && message.open;
        if !self.messages.get(&id).is_some_and(held) {
            return Written::Stale;
        }
        let message = self.messages.get_mut(&id).unwrap();
        message.hold = Hold::NOBODY;
        let fault = match &settlement.outcome {
            Outcome::Delivered { silent_at } => {
                (message.delivered, message.due_at) = (true, Some(*silent_at));
                None
            }
            Outcome::Again { fault, at } => {
                (message.delivered, message.due_at) = (false, Some(*at));
                message.failed += 1;
                Some(fault)
            }
            Outcome::PutOff { fault, at } => {
                (message.delivered, message.due_at) = (false, Some(*at));
                Some(fault)
            }
            Outcome::Shelved { fault } => {
                (message.open, message.shelved, message.due_at) = (false, true, None);
                message.failed += 1;
                Some(fault)
            }
        };
        // Set free or not: these bytes are at customs, or may be.
        let moved = match fault {
            None => {
                self.set_aside(id);
                let goes = |document: &Document| document.state == State::Packed || has_copies(document);
                self.change_members(id, |document| goes(document).then_some(State::Delivered))
            }
            Some(Fault::Unknown(_)) => {
                self.set_aside(id);
                self.change_members(id, |document| has_copies(document).then_some(State::Packed))
            }
            Some(_) => Vec::new(),
        };
        for document in moved {
            self.papers.get_mut(&document).unwrap().hold = Hold::NOBODY;
        }
        self.tell(&settlement.entries);
        Written::Done
    }

    pub fn keep(&mut self, now: Timestamp, arrival: &Arrival) {
        let same = |came: &Came| (&came.road, &came.name, came.digest) == (&arrival.road, &arrival.name, arrival.digest);
        if self.arrivals.contains_key(&arrival.id) || self.arrivals.values().any(same) {
            return;
        }
        let came = Came {
            road: arrival.road.clone(),
            name: arrival.name.clone(),
            bytes: arrival.bytes.clone(),
            digest: arrival.digest,
            at: now,
            unread: true,
            attempt: 0,
            hold: arrival.reserved.map_or(Hold::NOBODY, Hold::by),
        };
        self.arrivals.insert(arrival.id, came);
    }

    pub fn lease_arrivals(&mut self, now: Timestamp, lease: Lease, own: Option<Uuid>, limit: usize) -> Vec<LeasedArrival> {
        let mut waiting: Vec<_> = {
            let may = |came: &Came| came.unread && (came.hold.is_free(now) || own.is_some() && came.hold.token == own);
            self.arrivals.iter_mut().filter(|(_, came)| may(came)).collect()
        };
        waiting.sort_by(|(_, a), (_, b)| (a.at, &a.name).cmp(&(b.at, &b.name)));
        waiting.truncate(limit);
        let leased = |(id, came): (&Uuid, &mut Came)| {
            came.hold = Hold::by(lease);
            came.attempt += 1;
            LeasedArrival {
                id: *id,
                road: came.road.clone(),
                name: came.name.clone(),
                bytes: came.bytes.clone(),
                at: came.at,
                attempt: came.attempt,
            }
        };
        waiting.into_iter().map(leased).collect()
    }
}
