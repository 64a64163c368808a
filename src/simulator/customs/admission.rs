//! What is taken. A document that is alive is not declared again; a change must be newer than what is on record, and come in time.

use std::{sync::Arc, time::Duration};

use crate::{
    clock::Timestamp,
    declaration::{Action, Kind},
};

use super::{
    Customs, Speech, Step,
    faults::{self, Fault},
};
use crate::simulator::{
    paper::{Letter, Name, Paper},
    record::{Record, Word, title},
    script::Outcome,
};

/// What becomes of a document that comes in.
enum Admission {
    /// It is on record from now on.
    Taken,
    /// It is there already, the same to the byte: harmless.
    Again,
    /// It is there already, under another digest or guid: declared twice.
    Twice,
    /// It makes no sense.
    Fault(Fault),
}

impl Customs {
    pub(super) fn enter(&mut self, letter: &Letter, paper: &Paper, at: Timestamp) {
        let name = paper.name();
        match self.admit(letter, paper, &name) {
            Admission::Taken => self.register(letter, paper, name, at),
            Admission::Again => {
                self.report.delivered_again += 1;
                self.report.of(name.kind).again += 1;
                self.duplicate(letter, paper, &name, at);
            }
            Admission::Twice => {
                self.report.declared_twice.push(name.text());
                self.report.of(name.kind).twice += 1;
                self.duplicate(letter, paper, &name, at);
            }
            Admission::Fault(fault) => {
                let (code, text) = fault.said(&name, paper.action);
                self.reject(letter, paper, code, text, at);
            }
        }
    }

    fn admit(&self, letter: &Letter, paper: &Paper, name: &Name) -> Admission {
        if paper.part.is_some_and(|part| !(1..=part.count).contains(&part.number) || self.counts_differ(name, part.count)) {
            return Admission::Fault(Fault::Part);
        }
        let before = self.records.get(name);
        let Some(record) = before.filter(|record| record.alive) else {
            // After a refusal (100) it may be declared again as new or as changed (spec of the messages, §5).
            let refused = before.is_some_and(|record| matches!(record.last, Some((Word::Refused(_), _))));
            return match paper.action {
                Action::Add => Admission::Taken,
                Action::Amend if refused => Admission::Taken,
                Action::Amend | Action::Delete => Admission::Fault(Fault::NotThere),
            };
        };
        let (mut same_guid, mut same_bytes) = (false, false);
        let now = (record.paper.action, &record.guid, &record.digest);
        let earlier = record.earlier.iter().map(|(action, guid, digest)| (*action, guid, digest));
        for (_, guid, digest) in earlier.chain([now]).filter(|(action, ..)| *action == paper.action) {
            same_guid |= *guid == paper.guid;
            same_bytes |= *guid == paper.guid && *digest == letter.digest;
        }
        let deleting = record.paper.action == Action::Delete && paper.action == Action::Delete;
        match paper.action {
            _ if same_bytes => Admission::Again,
            Action::Add => Admission::Twice,
            _ if same_guid || deleting => Admission::Twice,
            _ if paper.at <= record.paper.at => Admission::Fault(Fault::Outdated),
            _ if !self.yields(record, paper.action) => Admission::Fault(Fault::TooFar),
            Action::Amend | Action::Delete => Admission::Taken,
        }
    }

    /// Whether other parts of the whole say that there are more or fewer of them.
    fn counts_differ(&self, name: &Name, count: u32) -> bool {
        let mut others = self.parts(name).filter(|part| part.alive && part.name != *name);
        others.any(|other| other.paper.part.is_some_and(|part| part.count != count))
    }

    /// Whether what is on record may still be changed or deleted. An order or a waybill not once an inventory rests on it (-301011); an
    /// inventory not once an officer has it; it can be deleted until it is released. Nothing publishes when exactly.
    fn yields(&self, record: &Record, action: Action) -> bool {
        let last = record.last.as_ref().map(|(word, _)| word);
        let early = matches!(last, None | Some(Word::Declaring | Word::Sent | Word::Stored));
        match (record.name.kind, action) {
            (Kind::Order | Kind::Waybill, _) => early && !self.is_listed(&record.name),
            (Kind::Inventory, Action::Delete) => early || last == Some(&Word::Passed),
            _ => early,
        }
    }

    fn is_listed(&self, name: &Name) -> bool {
        let lists = self.named_by.get(name);
        lists.into_iter().flatten().any(|list| self.records.get(list).is_some_and(Record::is_declared))
    }

    fn register(&mut self, letter: &Letter, paper: &Paper, name: Name, at: Timestamp) {
        let before = self.records.remove(&name);
        let taken = before.as_ref().map_or(0, |record| record.taken) + 1;
        let mut record = Record { fate: self.fate(paper).map(Arc::new), ..Record::new(letter, paper, taken) };
        if record.is_numbered() {
            record.serial = before.as_ref().map_or_else(|| self.new_serial(&name.text()), |record| record.serial);
            self.serials.insert(record.serial, name.clone());
        }
        if let Some(before) = before.filter(|record| record.alive) {
            record.earlier = before.earlier;
            record.earlier.push((before.paper.action, before.guid, before.digest));
            (record.port_no, record.inventory_no) = (before.port_no, before.inventory_no);
        }
        self.index(paper, &name);
        let rejected = record.fated(Outcome::Rejected).map(|fate| Word::Rejected(fate.code.clone(), fate.text.clone()));
        let silent = record.fated(Outcome::Silent).is_some();
        self.records.insert(name.clone(), record);
        *self.report.documents.entry(name.kind).or_default() += 1;
        if !silent {
            self.later(&name, taken, rejected.unwrap_or(Word::Declaring), at);
        }
    }

    /// Notes by what numbers it will be looked for.
    fn index(&mut self, paper: &Paper, name: &Name) {
        if let Some(list) = &paper.list {
            for named in [&list.order, &list.waybill] {
                self.named_by.entry(named.clone()).or_default().insert(name.clone());
            }
            self.bills.name(&list.bill, &list.waybill);
        }
        if let (Kind::GoodsReturn, Some(follow_up)) = (name.kind, &paper.follow_up)
            && let Some(inventory_no) = follow_up.inventory_nos.first()
        {
            self.returns.entry(inventory_no.clone()).or_default().insert(name.clone());
        }
    }

    /// Says that the same document is there already, and how far it has come.
    fn duplicate(&mut self, letter: &Letter, paper: &Paper, name: &Name, at: Timestamp) {
        let last = self.records.get(name).and_then(|record| record.last.as_ref());
        let (time, code) = last.map_or((at, "2"), |(word, at)| (*at, word.code()));
        let (title, number) = (title(name.kind), name.number());
        let text = format!(
            "处理失败，业务主键重复入库失败，报文业务主键[{number}]，原{title}报送时间对应状态为[{} : {code};]",
            time.to_seconds(),
        );
        self.reject(letter, paper, faults::duplicate(name.kind), text, at);
    }

    /// Answers below zero; what is on record is untouched by it.
    fn reject(&mut self, letter: &Letter, paper: &Paper, code: &'static str, text: String, at: Timestamp) {
        let name = paper.name();
        self.report.rejected += 1;
        self.report.of(name.kind).rejected += 1;
        let word = Word::Rejected(code.to_owned(), text);
        let delay = self.wait(word.delay_ms(&self.options.delays), || paper.guid.clone());
        let at = at + delay.max(Duration::from_millis(1));
        let known = self.records.get(&name).and_then(|record| record.port_no.clone());
        let told = Record { port_no: known, ..Record::new(letter, paper, 0) }.tell(&word, "", at);
        if !self.already(&name, code) {
            self.plan(at, Step::Speech(letter.address.clone(), Speech::Receipt(Box::new(told))));
        }
    }
}
