//! Parts of a whole, and where goods are. A manifest ties waybills to a bill; an arrival and a departure move the inventories of theirs,
//! or those of them whose waybills they name. Which trigger does what: spec of the messages, §5, source crs.

use std::collections::{BTreeMap, BTreeSet};

use crate::{clock::Timestamp, declaration::Kind};

use super::Customs;
use crate::simulator::{
    paper::Name,
    record::{Record, Word},
};

/// What is known of bills.
#[derive(Debug, Default)]
pub(super) struct Bills {
    /// The waybills that inventories or manifests name with a bill.
    waybills: BTreeMap<String, BTreeSet<Name>>,
    /// The bill that a manifest gave to a waybill: it counts more than what the inventory says.
    given: BTreeMap<Name, String>,
    /// The manifests of a bill.
    manifests: BTreeMap<String, BTreeSet<Name>>,
    /// What has arrived, and what has left.
    moved: BTreeMap<(Kind, String), Moved>,
}

/// What of a bill has arrived, or left.
#[derive(Debug, Default)]
struct Moved {
    /// All of it.
    whole: bool,
    /// These waybills.
    waybills: BTreeSet<Name>,
}

impl Bills {
    /// Notes that an inventory names a bill.
    pub(super) fn name(&mut self, bill: &str, waybill: &Name) {
        if !bill.is_empty() {
            self.waybills.entry(bill.to_owned()).or_default().insert(waybill.clone());
        }
    }

    /// The bill of an inventory; empty as long as nobody has named one.
    fn of<'a>(&'a self, list: &'a Record) -> &'a str {
        list.list().map_or("", |list| self.given.get(&list.waybill).map_or(list.bill.as_str(), String::as_str))
    }

    /// Whether the goods of an inventory have arrived, or left. By post no bill is named, only waybills.
    pub(super) fn has_moved(&self, kind: Kind, list: &Record) -> bool {
        let Some(listed) = list.list() else { return false };
        let bill = self.of(list);
        let moved = |bill: &str| self.moved.get(&(kind, bill.to_owned()));
        let with_bill = moved(bill).is_some_and(|moved| moved.whole && !bill.is_empty() || moved.waybills.contains(&listed.waybill));
        with_bill || moved("").is_some_and(|moved| moved.waybills.contains(&listed.waybill))
    }
}

impl Customs {
    /// The parts of the whole that `name` is one of; the payments of its order.
    pub(super) fn parts(&self, name: &Name) -> impl Iterator<Item = &Record> {
        let first = Name::first_of(name.kind, name.party(), name.number());
        let beside = name.clone();
        self.records.range(first..).take_while(move |(name, _)| name.is_beside(&beside)).map(|(_, record)| record)
    }

    /// Passes all parts of a whole once the last one is there, and none is missing.
    pub(super) fn gather(&mut self, name: &Name, at: Timestamp) {
        let stored = name.kind == Kind::Manifest && self.options.manifest_stored;
        let ready = |record: &Record| record.is_good() && (!stored || matches!(record.last, Some((Word::Stored, _))));
        let parts: Vec<_> = self.parts(name).filter(|record| ready(record)).collect();
        let Some(count) = parts.first().and_then(|record| record.paper.part).map(|part| part.count) else { return };
        let numbers: BTreeSet<_> = parts.iter().filter_map(|record| record.paper.part).map(|part| part.number).collect();
        if u32::try_from(numbers.len()) != Ok(count) {
            return;
        }
        let names: Vec<_> = parts.iter().map(|record| record.name.clone()).collect();
        let refusal = if name.kind == Kind::Summary { self.pick(&names, at) } else { None };
        for name in names {
            self.onward(&name, refusal.clone().map_or(Word::Passed, Word::Refused), at);
        }
    }

    /// A manifest ties its waybills to its bill.
    pub(super) fn bind(&mut self, name: &Name, at: Timestamp) {
        let Some(manifest) = self.records.get(name).and_then(|record| record.paper.follow_up.clone()) else { return };
        for waybill_no in &manifest.waybill_nos {
            let waybill = Name::of_waybill(&manifest.carrier, waybill_no);
            self.bills.name(&manifest.bill_no, &waybill);
            self.bills.given.insert(waybill.clone(), manifest.bill_no.clone());
            self.move_lists(&waybill, at);
        }
        self.bills.manifests.entry(manifest.bill_no.clone()).or_default().insert(name.clone());
    }

    /// Goods have arrived, or left: inventories that waited for it go on.
    pub(super) fn move_goods(&mut self, name: &Name, at: Timestamp) {
        let Some(report) = self.records.get(name).and_then(|record| record.paper.follow_up.clone()) else { return };
        let named: BTreeSet<_> = report.waybill_nos.iter().map(|waybill_no| Name::of_waybill(&report.carrier, waybill_no)).collect();
        let moved = self.bills.moved.entry((name.kind, report.bill_no.clone())).or_default();
        moved.whole |= named.is_empty();
        moved.waybills.extend(named.iter().cloned());
        let waybills = if named.is_empty() { self.bills.waybills.get(&report.bill_no).cloned().unwrap_or_default() } else { named };
        for waybill in waybills {
            self.move_lists(&waybill, at);
        }
        if name.kind == Kind::Arrival && self.options.manifest_released {
            for manifest in self.bills.manifests.get(&report.bill_no).cloned().unwrap_or_default() {
                let taken = self.records.get(&manifest).map_or(0, |record| record.taken);
                self.later(&manifest, taken, Word::Released, at);
            }
        }
    }

    fn move_lists(&mut self, waybill: &Name, at: Timestamp) {
        for list in self.named_by.get(waybill).cloned().unwrap_or_default() {
            let Some(record) = self.records.get(&list).filter(|record| record.alive) else { continue };
            let next = match &record.last {
                Some((Word::Passed, _)) if self.bills.has_moved(Kind::Arrival, record) => Word::Released,
                Some((Word::Released, _)) if self.bills.has_moved(Kind::Departure, record) => Word::Closed,
                _ => continue,
            };
            let (taken, stops) = (record.taken, record.last.as_ref().is_some_and(|(last, _)| record.stops(last)));
            if !stops {
                self.later(&list, taken, next, at);
            }
        }
    }
}
