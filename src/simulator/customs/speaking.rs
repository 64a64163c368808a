//! Words, and what follows from them.

use std::collections::BTreeSet;

use crate::{
    clock::Timestamp,
    declaration::{Action, Kind},
    receipt::Key,
};

use super::{Customs, Said, Speech};
use crate::simulator::{
    options::{Matching, Movement},
    paper::Name,
    record::{Record, Word},
    script::Outcome,
};

impl Customs {
    /// Says a word on a document, and plans what follows from it.
    pub(super) fn speak(&mut self, name: &Name, taken: u32, word: &Word, at: Timestamp) -> Option<Said> {
        let missing = if *word == Word::Declaring { self.missing(name) } else { String::new() };
        let judged = self.judge(name, word);
        let word = judged.as_ref().unwrap_or(word);
        let record = self.records.get_mut(name).filter(|record| record.taken == taken && record.alive && record.may_hear(word))?;
        record.number(word);
        let gone = record.paper.action == Action::Delete && word.ends(name.kind, Action::Delete);
        record.alive = !word.kills() && !gone;
        if !matches!(word, Word::Aside(..)) {
            record.last = Some((word.clone(), at));
        }
        let (told, address, action) = (record.tell(word, &missing, at), record.address.clone(), record.paper.action);
        self.tally(name.kind, action, word);
        if !gone {
            self.bring_about(name, word, at);
            self.follow(name, taken, word, at);
        }
        let silent = self.already(name, word.code());
        (!silent).then_some(Said { address, at, speech: Speech::Receipt(Box::new(told)) })
    }

    fn tally(&mut self, kind: Kind, action: Action, word: &Word) {
        if word.ends(kind, action) {
            let counts = self.report.of(kind);
            if action == Action::Delete { counts.withdrawn += 1 } else { counts.ended += 1 }
        }
        match (word, kind) {
            (Word::Closed, _) => self.report.closed += 1,
            (Word::Stored, Kind::Order | Kind::Waybill) => self.report.stored += 1,
            (Word::Refused(_), _) => {
                self.report.refused += 1;
                self.report.of(kind).refused += 1;
            }
            (Word::Rejected(..), _) => {
                self.report.rejected += 1;
                self.report.of(kind).rejected += 1;
            }
            _ => {}
        }
    }

    /// What a word does to other documents.
    fn bring_about(&mut self, name: &Name, word: &Word, at: Timestamp) {
        match (name.kind, word) {
            (Kind::Cancellation, Word::Passed) => self.cancel(name),
            (Kind::Manifest, Word::Passed) => self.bind(name, at),
            (Kind::Arrival | Kind::Departure, Word::Passed) => self.move_goods(name, at),
            (Kind::Summary, Word::Passed) => self.sum(name, at),
            (Kind::Inventory, Word::Passed) if self.options.matching == Matching::Together => self.store_payments(name, at),
            _ => {}
        }
    }

    /// What a word leads to.
    fn follow(&mut self, name: &Name, taken: u32, word: &Word, at: Timestamp) {
        let Some(record) = self.records.get(name) else { return };
        match word {
            Word::Declaring => return self.after_declaring(name, at),
            Word::Stored if name.kind == Kind::Manifest => return self.gather(name, at),
            _ if record.stops(word) => return,
            _ => {}
        }
        let goods = matches!(name.kind, Kind::Inventory | Kind::GoodsReturn);
        let looks = |what, outcome, per_mille| goods && (record.fated(outcome).is_some() || self.happens(per_mille, what, name));
        let odd = self.options.oddities;
        let next = match (word, name.kind) {
            (Word::Stored, _) if looks("review", Outcome::Review, odd.review) => Word::Review,
            (Word::Stored, _) if looks("inspection", Outcome::Inspection, odd.inspection) => Word::Inspection,
            (Word::Stored | Word::Review | Word::Inspection, Kind::Inventory) => Word::Passed,
            (Word::Stored | Word::Review | Word::Inspection, Kind::GoodsReturn) => Word::Released,
            (Word::Passed, Kind::Inventory) if self.moves(Kind::Arrival, record) => Word::Released,
            (Word::Released, Kind::Inventory) if self.moves(Kind::Departure, record) => Word::Closed,
            _ => return,
        };
        self.later(name, taken, next, at);
    }

    /// Whether the goods of an inventory have arrived or left, or do so by themselves.
    fn moves(&self, kind: Kind, list: &Record) -> bool {
        self.options.movement == Movement::ByItself || self.bills.has_moved(kind, list)
    }

    /// After 2 (and 3): failure, refusal, or on as far as it need not wait for others.
    fn after_declaring(&mut self, name: &Name, at: Timestamp) {
        let Some(record) = self.records.get(name) else { return };
        let (taken, kind, action) = (record.taken, name.kind, record.paper.action);
        let fails = taken == 1 && self.happens(self.options.oddities.port_failed, "port-failed", name);
        if fails || record.fated(Outcome::PortFailed).is_some() {
            return self.later(name, taken, Word::PortFailed, at);
        }
        let (refusal, stops, stops_sent) = (record.refusal(), record.stops(&Word::Declaring), record.stops(&Word::Sent));
        let aside = record.fated(Outcome::Says).map(|fate| Word::Aside(fate.code.clone(), fate.text.clone()));
        if stops_sent || !stops && self.happens(self.options.oddities.sent, "sent", name) {
            self.later(name, taken, Word::Sent, at);
        }
        if let Some(aside) = aside {
            self.later(name, taken, aside, at);
        }
        if stops || stops_sent {
            return;
        }
        if let Some(why) = refusal {
            return self.later(name, taken, Word::Refused(why), at);
        }
        if action == Action::Delete {
            let parcel = matches!(kind, Kind::Order | Kind::Payment | Kind::Waybill);
            return self.later(name, taken, if parcel { Word::Stored } else { Word::Passed }, at);
        }
        match kind {
            Kind::Order | Kind::Waybill if self.options.matching == Matching::Each => self.onward(name, Word::Stored, at),
            Kind::Order | Kind::Waybill | Kind::Inventory => {}
            Kind::Payment if self.options.matching == Matching::Each || self.is_paid_list_passed(name) => {
                self.onward(name, Word::Stored, at);
            }
            Kind::Payment => {}
            Kind::Cancellation | Kind::ReturnTally => self.onward(name, Word::Passed, at),
            Kind::GoodsReturn => self.onward(name, Word::Stored, at),
            Kind::Manifest if self.options.manifest_stored => self.later(name, taken, Word::Stored, at),
            Kind::Manifest | Kind::Arrival | Kind::Departure | Kind::Summary => self.gather(name, at),
        }
        self.match_lists(name, at);
    }

    fn match_lists(&mut self, name: &Name, at: Timestamp) {
        if name.kind == Kind::Inventory {
            return self.match_up(name, at);
        }
        let lists: BTreeSet<_> = self.named_by.get(name).cloned().unwrap_or_default();
        for list in lists {
            self.match_up(&list, at);
        }
    }

    /// Stores an inventory if all of its three are declared; with it the other two where they wait for each other.
    fn match_up(&mut self, list: &Name, at: Timestamp) {
        let Some(listed) = self.records.get(list).and_then(|record| record.paper.list.clone()) else { return };
        let three = [list, &listed.order, &listed.waybill];
        if three.iter().all(|name| self.records.get(name).is_some_and(Record::is_good)) {
            for name in three {
                self.onward(name, Word::Stored, at);
            }
        }
    }

    /// What a document has waited for is there: it goes on with that word, once.
    pub(super) fn onward(&mut self, name: &Name, word: Word, at: Timestamp) {
        let Some(record) = self.records.get_mut(name).filter(|record| record.is_good() && !record.onward) else { return };
        record.onward = true;
        let taken = record.taken;
        self.later(name, taken, word, at);
    }

    /// Payments are stored once their inventory is passed, where documents wait for each other (spec of the messages, §5, source crs).
    fn store_payments(&mut self, list: &Name, at: Timestamp) {
        if !self.report.documents.contains_key(&Kind::Payment) {
            return;
        }
        let payments: Vec<_> =
            self.parts(&Name::first_of(Kind::Payment, list.party(), list.number())).map(|record| record.name.clone()).collect();
        for payment in payments {
            self.onward(&payment, Word::Stored, at);
        }
    }

    fn is_paid_list_passed(&self, payment: &Name) -> bool {
        let follow_up = self.records.get(payment).and_then(|record| record.paper.follow_up.as_deref());
        let list = follow_up.map(|paid| Name::of_order(Kind::Inventory, &paid.platform, payment.party(), payment.number()));
        let last = list.and_then(|list| self.records.get(&list)).and_then(|list| list.last.as_ref());
        last.is_some_and(|(word, _)| matches!(word, Word::Passed | Word::Released | Word::Closed))
    }

    /// The part of a 2 that names documents which are not there (transport §4.1).
    fn missing(&self, name: &Name) -> String {
        let Some(record) = self.records.get(name).filter(|record| record.paper.action != Action::Delete) else { return String::new() };
        let Some(list) = record.list() else { return String::new() };
        let gone = |name: &Name| !self.records.get(name).is_some_and(|record| record.alive);
        let mut text = String::new();
        if let (true, Key::Inventory { seller, order_no, .. }) = (gone(&list.order), &record.paper.key) {
            text += &format!(" 对应电商企业为[{seller}]订单号为[{order_no}]的订单信息不存在");
        }
        if gone(&list.waybill) {
            text += &format!(" 对应物流企业运单号为[{}]的运单信息不存在", list.waybill.number());
        }
        text
    }
}
