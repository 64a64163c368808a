//! What is submitted on its own: payments, manifests, arrivals, departures, cancellations, summaries and returns, with what each does
//! to the inventories that it is about (messages §5; the triggers are those of one public simulator of customs).

use std::{collections::BTreeSet, time::Duration};

use super::{Customs, Speech, Step};
use crate::{
    clock::Timestamp,
    declaration::{InventoryNo, Kind, Part, SummaryResult, SummaryResultLine},
    message::FollowUpRequest,
    simulator::{
        options::{Fate, Movements},
        paper::Name,
        record::{Record, Word},
    },
};

impl Customs {
    /// What a word on a document that was submitted on its own leads to.
    pub(super) fn follow_up(&mut self, name: &Name, taken: u32, word: &Word, at: Timestamp) {
        let Some(record) = self.records.get(name).cloned() else { return };
        let Some(paper) = record.paper.follow_up.as_deref() else { return };
        match word {
            Word::Declaring => self.answer(&record, paper, at),
            Word::Stored if name.kind == Kind::GoodsReturn => self.later(name, taken, Word::Released, at),
            Word::Passed => self.passed(&record, paper, at),
            _ => {}
        }
    }

    fn answer(&mut self, record: &Record, paper: &FollowUpRequest, at: Timestamp) {
        let (name, taken) = (&record.name, record.taken);
        match name.kind {
            Kind::Payment | Kind::GoodsReturn => self.later(name, taken, Word::Stored, at),
            Kind::Cancellation if self.fate_of_inventory(paper) == Some(Fate::NotCancelled) => {
                self.later(name, taken, Word::Refused("清单状态不符合撤销要求".to_owned()), at);
            }
            Kind::Cancellation | Kind::ReturnTally => self.later(name, taken, Word::Passed, at),
            // The last part that comes settles all.
            _ => {
                let parts = self.parts(name, paper);
                if parts.iter().all(|part| self.records.get(part).is_some_and(Record::is_declared)) {
                    for part in parts {
                        let taken = self.records.get(&part).map_or(1, |record| record.taken);
                        self.later(&part, taken, Word::Passed, at);
                    }
                }
            }
        }
    }

    /// Every part of the whole that a document belongs to.
    fn parts(&self, name: &Name, paper: &FollowUpRequest) -> Vec<Name> {
        let count = paper.part_count.parse::<u32>().unwrap_or(1).clamp(1, 10_000);
        (1..=count).map(|part| name.with_part(part)).collect()
    }

    fn passed(&mut self, record: &Record, paper: &FollowUpRequest, at: Timestamp) {
        match record.name.kind {
            Kind::Manifest => {
                let waybills = paper.waybill_nos.iter().map(|no| Name::of_waybill(&paper.carrier, no));
                self.bills.entry(paper.bill_no.clone()).or_default().extend(waybills);
            }
            Kind::Arrival => self.moved(paper, |record| record.arrived = true, at),
            Kind::Departure => self.moved(paper, |record| record.left = true, at),
            Kind::Cancellation => {
                for inventory in self.numbered(&paper.inventory_nos) {
                    if let Some(record) = self.records.get_mut(&inventory) {
                        record.alive = false;
                        self.report.cancelled += 1;
                    }
                }
            }
            Kind::Summary if record.name.part() == 1 => self.sum(record, paper, at),
            _ => {}
        }
    }

    /// Goods have moved: those of the waybills that are named, or all of the bill.
    fn moved(&mut self, paper: &FollowUpRequest, mark: fn(&mut Record), at: Timestamp) {
        let named: BTreeSet<_> = paper.waybill_nos.iter().map(|no| Name::of_waybill(&paper.carrier, no)).collect();
        let waybills = if named.is_empty() { self.bills.get(&paper.bill_no).cloned().unwrap_or_default() } else { named };
        let inventories: BTreeSet<_> = waybills.iter().filter_map(|name| self.named_by.get(name)).flatten().cloned().collect();
        for name in inventories.into_iter().filter(|name| name.kind == Kind::Inventory) {
            let Some(record) = self.records.get_mut(&name) else { continue };
            mark(record);
            let (taken, last) = (record.taken, record.last.as_ref().map(|(word, _)| word.clone()));
            if let Some(next) = last.and_then(|last| self.moves_on(&name, &last)) {
                self.later(&name, taken, next, at);
            }
        }
    }

    /// What follows 399 and 800 of a list: by itself, or once its goods have moved.
    pub(super) fn moves_on(&self, name: &Name, word: &Word) -> Option<Word> {
        let record = self.records.get(name)?;
        let by_itself = self.options.movements == Movements::ByThemselves;
        match word {
            Word::Passed if by_itself || record.arrived => Some(Word::Released),
            Word::Released if by_itself || record.left => Some(Word::Closed),
            _ => None,
        }
    }

    /// The inventories of those numbers.
    fn numbered(&self, numbers: &[String]) -> Vec<Name> {
        let has = |record: &&Record| record.inventory_no.as_ref().is_some_and(|InventoryNo(no)| numbers.contains(no));
        self.records.values().filter(has).map(|record| record.name.clone()).collect()
    }

    fn fate_of_inventory(&self, paper: &FollowUpRequest) -> Option<Fate> {
        self.numbered(&paper.inventory_nos).iter().find_map(|name| self.options.script.fate(name.number()))
    }

    /// Tells what became of a summary: first its lines, later the customs declaration's number.
    fn sum(&mut self, record: &Record, paper: &FollowUpRequest, at: Timestamp) {
        let parts = self.parts(&record.name, paper);
        let papers = parts.iter().filter_map(|part| self.records.get(part)?.paper.follow_up.clone());
        let numbers: Vec<_> = papers.flat_map(|paper| paper.inventory_nos.clone()).collect();
        let lines = self.numbered(&numbers).iter().filter_map(|name| self.records.get(name)).flat_map(lines_of).collect();
        let year = record.paper.day.year();
        let first = SummaryResult {
            declared_at: paper.declared_at.clone(),
            summary_no: summary_no(paper, year, record.serial),
            at: Some(at),
            declaration_seq_no: format!("{:09}", record.serial),
            draft_no: Some(format!("{}{year}1{:09}", paper.declared_at, record.serial)),
            port_no: None,
            customs_declaration_no: None,
            state: "0".to_owned(),
            declarant: paper_party(&record.name),
            seller: paper.seller.clone(),
            customs_declarant: paper_party(&record.name),
            gross_weight: None,
            net_weight: None,
            part: Part::WHOLE,
            lines,
        };
        // A second for each word: opDate of the later one must be seen to be later.
        let (soon, later) =
            (at + Duration::from_millis(5), at + Duration::from_millis(10) + self.wait(self.options.delays.passed_ms, "792"));
        let second = SummaryResult {
            at: Some(later),
            customs_declaration_no: Some(format!("{}{year}0{:09}", paper.declared_at, record.serial)),
            state: "1".to_owned(),
            lines: Vec::new(),
            ..first.clone()
        };
        for (when, result) in [(soon, SummaryResult { at: Some(soon), ..first }), (later, second)] {
            self.plan(when, Step::Speech(record.address.clone(), Speech::Summed(Box::new(result))));
        }
    }
}

/// sumNo: office, year, S and nine digits.
pub(in crate::simulator) fn summary_no(paper: &FollowUpRequest, year: i32, serial: u64) -> String {
    format!("{}{year}S{serial:09}", paper.declared_at)
}

fn paper_party(name: &Name) -> String {
    name.party().to_owned()
}

fn lines_of(record: &Record) -> Vec<SummaryResultLine> {
    let (Some(trio), Some(InventoryNo(inventory_no))) = (&record.paper.trio, &record.inventory_no) else { return Vec::new() };
    let line = |(number, hs_code): &(u32, String)| SummaryResultLine {
        inventory_no: inventory_no.clone(),
        waybill_no: trio.waybill.number().to_owned(),
        place: Some(1),
        number: *number,
        hs_code: hs_code.clone(),
    };
    trio.lines.iter().map(line).collect()
}
