//! Everything that follows from some arrivals or a look at some gates, all or nothing, as it is meant.

use std::collections::BTreeSet;

use tongguan::{
    clock::Timestamp,
    declaration::MessageId,
    dossier::{Document, Resent},
    party::Tenant,
    state::State,
    store::{Application, Change, DeadlineChange, Disposition, KeptReceipt, MessageChange, Number, RoadChange, Written},
};
use uuid::Uuid;

use super::{Fact, Hold, Message, Model, Paper};

impl Model {
    pub fn apply(&mut self, now: Timestamp, application: &Application) -> Written {
        if application.apart {
            let mut left = application.clone();
            left.apart = false;
            left.changes.retain(|change| self.is_as_seen(change));
            let none_left = left.changes.is_empty() && !application.changes.is_empty();
            return if none_left { Written::Stale } else { self.apply(now, &left) };
        }
        let held = |id: &Uuid| self.arrivals.get(id).is_some_and(|came| came.unread && came.hold.token == application.token);
        let as_seen = application.changes.iter().all(|change| self.is_as_seen(change));
        let mut revisions = application.changes.iter().filter_map(|change| change.revision.as_ref());
        let as_revised = revisions.all(|new| self.declarations.get(&new.declaration).is_some_and(|known| known.amended.0 == new.expected));
        let given_up = application.messages.iter().filter_map(MessageChange::given_up).all(|id| self.is_given_up(id));
        let unmatched = application.attached.iter().all(|attached| {
            let same = |kept: &&KeptReceipt| (kept.arrival, kept.ordinal) == (attached.arrival, attached.ordinal);
            self.receipts.iter().find(same).is_some_and(|kept| kept.document.is_none())
        });
        if !as_seen || !given_up || !unmatched || !as_revised || !application.arrivals.iter().all(|(id, _)| held(id)) {
            return Written::Stale;
        }
        for change in &application.changes {
            self.change(now, change);
        }
        self.rouse(now, &application.changes);
        self.receipts.extend(application.receipts.iter().cloned());
        for (id, disposition) in &application.arrivals {
            let came = self.arrivals.get_mut(id).unwrap();
            (came.unread, came.hold) = match disposition {
                Disposition::PutOff(at) => (true, Hold { token: None, until: *at }),
                Disposition::Read | Disposition::Quarantined(_) => (false, Hold::NOBODY),
            };
        }
        for change in &application.messages {
            self.change_message(change);
        }
        for (sender, reason) in &application.stops {
            self.stops.entry(sender.clone()).or_insert_with(|| reason.clone());
        }
        for attached in &application.attached {
            let same = |kept: &&mut KeptReceipt| (kept.arrival, kept.ordinal) == (attached.arrival, attached.ordinal);
            let kept = self.receipts.iter_mut().find(same).unwrap();
            (kept.document, kept.effect) = (Some(attached.document), attached.effect);
        }
        for change in &application.roads {
            match change {
                RoadChange::Paused(road, why) => drop(self.pauses.entry(road.clone()).or_insert_with(|| why.clone())),
                RoadChange::Resumed(road) => drop(self.pauses.remove(road)),
            }
        }
        for sender in &application.resumed {
            self.stops.remove(sender);
            for message in self.messages.values_mut().filter(|message| message.sender == *sender && message.open && !message.delivered) {
                message.due_at = message.due_at.map(|_| now);
            }
        }
        Written::Done
    }

    fn is_as_seen(&self, change: &Change) -> bool {
        change.expected.iter().all(|(id, version)| self.papers.get(id).is_some_and(|paper| paper.document.version == *version))
    }

    fn rouse(&mut self, now: Timestamp, changes: &[Change]) {
        let woken: BTreeSet<_> = changes.iter().flat_map(|change| change.woken.iter().copied()).collect();
        let waits = |document: &Document| document.state == State::Waiting && document.declaration.is_some_and(|id| woken.contains(&id));
        for paper in self.papers.values_mut().filter(|paper| waits(&paper.document)) {
            paper.document.gate_at = Some(now);
            paper.document.version += 1;
        }
    }

    fn change(&mut self, now: Timestamp, change: &Change) {
        for changed in &change.documents {
            let paper = self.papers.get_mut(&changed.id).unwrap();
            paper.hold = Hold::NOBODY;
            // Who sends it by which road, and when its message went again, are not a change's business.
            let kept = paper.document.clone();
            let resent =
                kept.resent.map(|kept| Resent { at: kept.at, ..changed.resent.unwrap_or(Resent { copies: 0, set_aside: None, ..kept }) });
            paper.document = Document { version: kept.version + 1, sender: kept.sender, road: kept.road, resent, ..changed.clone() };
        }
        for document in &change.created {
            self.papers.insert(document.id, Paper { document: document.clone(), hold: Hold::NOBODY });
        }
        let settled = change.created.iter().map(|document| (document.id, None));
        for (id, at) in change.waybills.iter().copied().chain(settled) {
            if let Some(pushed) = self.waybills.get_mut(&id) {
                pushed.look_at = at;
            }
        }
        let owner = change.documents.first().map(|document| document.tenant.clone());
        for number in &change.numbers {
            self.learn(given(now, number, owner.clone()));
        }
        if let Some((id, text)) = &change.assessment {
            self.declarations.get_mut(id).unwrap().assessments.push(text.clone());
        }
        if let Some(new) = &change.revision {
            let declared = self.declarations.get_mut(&new.declaration).unwrap();
            declared.declaration = std::sync::Arc::clone(&new.content);
            declared.amended = (new.expected + 1, Some(new.digest));
        }
        for deadline in &change.deadlines {
            match deadline {
                DeadlineChange::Set(deadline) => drop(self.deadlines.insert((deadline.declaration, deadline.kind), deadline.clone())),
                DeadlineChange::Met(declaration, kind) => drop(self.deadlines.remove(&(*declaration, *kind))),
            }
        }
        self.tell(&change.entries);
    }

    fn change_message(&mut self, change: &MessageChange) {
        let open = |model: &mut Self, id: &MessageId, due_at: Option<Timestamp>| {
            let Some(message) = model.messages.get_mut(id).filter(|message| message.open) else { return };
            message.hold = Hold::NOBODY;
            message.due_at = due_at;
            message.delivered = false;
            message.open = due_at.is_some();
            message.shelved = matches!(change, MessageChange::Shelved(..));
            message.failed += u32::from(due_at.is_some());
        };
        match change {
            MessageChange::Dissolved(id) | MessageChange::Shelved(id, _) => open(self, id, None),
            MessageChange::Again(id, at) => open(self, id, Some(*at)),
            MessageChange::Retried(id, at) => self.take_up(*id, Some(*at)),
            MessageChange::Arrived(id) => self.take_up(*id, None),
        }
    }

    /// Whether a message waits for a person.
    pub(super) fn is_given_up(&self, id: MessageId) -> bool {
        let waits = |message: &Message| message.shelved || (message.delivered && message.due_at.is_some_and(|at| at >= Timestamp::NEVER));
        self.messages.get(&id).is_some_and(waits)
    }

    /// A person says what becomes of it: it goes again then, or it has arrived.
    fn take_up(&mut self, id: MessageId, again: Option<Timestamp>) {
        let message = self.messages.get_mut(&id).unwrap();
        (message.open, message.shelved, message.delivered) = (true, false, again.is_none());
        (message.due_at, message.failed, message.hold) = (again, 0, Hold::NOBODY);
    }

    pub fn take_role(&mut self, now: Timestamp, role: &str, holder: Uuid, until: Timestamp) -> bool {
        let free = self.roles.get(role).is_none_or(|(other, over)| *other == holder || *over <= now);
        if free {
            self.roles.insert(role.to_owned(), (holder, until));
        }
        free
    }
}

/// A number that customs gave: its own affair, also if it gives one twice.
fn given(now: Timestamp, number: &Number, owner: Option<Tenant>) -> Fact {
    Fact {
        number: number.number.clone(),
        kind: number.kind,
        scope: number.scope.clone(),
        beside: number.declaration.map(|id| id.0).or(number.document.map(|id| id.0)),
        at: now,
        owner,
        declaration: number.declaration,
        carrier: None,
        document: number.document,
    }
}
