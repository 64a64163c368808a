//! Summaries: inventories of the B kind become customs declarations, one for each consignor (and owner, if asked), month and office
//! (汇总申报 by calendar month: transport §4.3; the split by office is inferred). Each declaration is reported three times: summed, with
//! the port's numbers, with customs' number. What decState says is not published; here it counts these three.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::{
    clock::{Timestamp, day_to_wire},
    declaration::{Kind, Part, SummaryNo, SummaryResult, SummaryResultLine},
    message::{FollowUpRequest, SummaryTerms},
};

use super::{Customs, Speech, Step, Summed};
use crate::simulator::{
    paper::Name,
    record::{Record, Word},
};

/// The most lines of one result: longer ones are split (msgCount, msgSeqNo), as requests are.
const LINES_A_RESULT: usize = 1_000;

/// What goes into one customs declaration: owner, if that counts, month and office.
type Group = (String, (i32, u8), String);

impl Customs {
    /// Picks the inventories of a summary that is whole, or tells why it is refused.
    pub(super) fn pick(&mut self, parts: &[Name], at: Timestamp) -> Option<String> {
        let first = self.records.get(parts.first()?)?;
        let terms = first.paper.terms.clone()?;
        let asked = first.paper.follow_up.clone()?;
        let seller = &terms.seller.code;
        let picked = match period(&asked) {
            Some(period) => Ok(self.in_period(seller, period)),
            None => self.by_number(parts, seller),
        };
        let lists = match picked {
            Ok(lists) if lists.is_empty() => return Some("没有可以汇总的清单".to_owned()),
            Ok(lists) => lists,
            Err(why) => return Some(why),
        };
        let summary_no = SummaryNo(format!("{:0<4}{}S{:09}", asked.declared_at, at.day().year(), first.serial));
        for list in &lists {
            if let Some(record) = self.records.get_mut(list) {
                record.summed = true;
            }
        }
        for part in parts {
            if let Some(record) = self.records.get_mut(part) {
                record.summary_no = Some(summary_no.clone());
            }
        }
        self.summed.insert(whole(parts.first()?), lists);
        None
    }

    /// The inventories that it names, each once; or the first few that cannot be summed, with why.
    fn by_number(&self, parts: &[Name], seller: &str) -> Result<Vec<Name>, String> {
        let papers = parts.iter().filter_map(|part| self.records.get(part)?.paper.follow_up.as_deref());
        let numbers: BTreeSet<_> = papers.flat_map(|paper| &paper.inventory_nos).collect();
        let (mut lists, mut faults) = (Vec::new(), Vec::new());
        for number in numbers {
            match self.list_of(number) {
                None => faults.push(format!("清单[{number}]不存在")),
                Some(list) if list.name.party() != seller => faults.push(format!("清单[{number}]的收发货人不符")),
                Some(list) if list.summed => faults.push(format!("清单[{number}]已经汇总")),
                Some(list) if !may_be_summed(list) => faults.push(format!("清单[{number}]不是已放行的汇总申报清单")),
                Some(list) => lists.push(list.name.clone()),
            }
        }
        if faults.is_empty() { Ok(lists) } else { Err(faults.iter().take(3).cloned().collect::<Vec<_>>().join("；")) }
    }

    /// The seller's inventories whose last word fell in that time (a period overrides the list of numbers: message specification 202205,
    /// 701 startTime).
    fn in_period(&self, seller: &str, (from, to): (Timestamp, Timestamp)) -> Vec<Name> {
        let fits = |record: &&Record| {
            record.name.party() == seller
                && !record.summed
                && may_be_summed(record)
                && record.last.as_ref().is_some_and(|(_, at)| from <= *at && *at <= to)
        };
        self.records.values().filter(|record| record.name.kind == Kind::Inventory).filter(fits).map(|list| list.name.clone()).collect()
    }

    /// Once all parts of a summary have passed, its results follow.
    pub(super) fn sum(&mut self, name: &Name, at: Timestamp) {
        let passed = |record: &Record| matches!(record.last, Some((Word::Passed, _)));
        if !self.parts(name).filter(|part| part.alive).all(passed) {
            return;
        }
        let Some(lists) = self.summed.remove(&whole(name)) else { return };
        let Some(record) = self.records.get(name) else { return };
        let (Some(terms), Some(summary_no)) = (record.paper.terms.clone(), record.summary_no.clone()) else { return };
        let address = record.address.clone();
        for (index, ((_, _, office), lists)) in self.groups(lists, terms.by_owner).into_iter().enumerate() {
            let serial = self.new_serial(&format!("{}#{index}", name.text()));
            self.serials.insert(serial, name.clone());
            let mut results = self.results(&terms, &summary_no, &office, &lists, serial, at);
            let mut at = at;
            for stage in &mut results {
                at = at + self.wait(self.options.delays.summed_ms, || format!("{serial}")).max(std::time::Duration::from_millis(1));
                for result in stage.drain(..) {
                    self.say_result(SummaryResult { at: Some(at), ..result }, &terms, &address, at);
                }
            }
        }
    }

    fn say_result(&mut self, result: SummaryResult, terms: &SummaryTerms, address: &super::Address, at: Timestamp) {
        let said = (result.declaration_seq_no.clone(), result.state.clone(), result.part.number);
        if !self.spoken_results.remove(&said) {
            let names = [&terms.declarant, &terms.seller, &terms.customs_declarant].map(|party| party.name.clone());
            self.plan(at, Step::Speech(address.clone(), Speech::Summed(Box::new(Summed { result, names }))));
        }
    }

    fn groups(&self, lists: Vec<Name>, by_owner: bool) -> BTreeMap<Group, Vec<Name>> {
        let mut groups: BTreeMap<Group, Vec<Name>> = BTreeMap::new();
        for list in lists {
            let Some(record) = self.records.get(&list) else { continue };
            let (Some(listed), Some((_, at))) = (record.list(), &record.last) else { continue };
            let owner = if by_owner { listed.owner.clone() } else { String::new() };
            let day = at.day();
            groups.entry((owner, (day.year(), u8::from(day.month())), listed.office.clone())).or_default().push(list);
        }
        groups
    }

    /// The results of one customs declaration, in the three stages in which they come; the later ones name no inventories.
    fn results(
        &self,
        terms: &SummaryTerms,
        summary_no: &SummaryNo,
        office: &str,
        lists: &[Name],
        serial: u64,
        at: Timestamp,
    ) -> [Vec<SummaryResult>; 3] {
        let (lines, [gross, net]) = self.lines(lists);
        let (day, year) = (day_to_wire(at.day()), at.day().year());
        let whole = SummaryResult {
            declared_at: office.to_owned(),
            summary_no: summary_no.0.clone(),
            at: None,
            declaration_seq_no: format!("D{day}{serial:09}"),
            draft_no: None,
            port_no: None,
            customs_declaration_no: None,
            state: "1".to_owned(),
            declarant: terms.declarant.code.clone(),
            seller: terms.seller.code.clone(),
            customs_declarant: terms.customs_declarant.code.clone(),
            gross_weight: Some(gross),
            net_weight: Some(net),
            part: Part::WHOLE,
            lines: Vec::new(),
        };
        let count = u32::try_from(lines.len().div_ceil(LINES_A_RESULT)).unwrap_or(u32::MAX);
        let parts = lines.chunks(LINES_A_RESULT).zip(1..);
        let first = parts.map(|(lines, number)| SummaryResult { lines: lines.to_vec(), part: Part { number, count }, ..whole.clone() });
        let drafted = SummaryResult {
            draft_no: Some(format!("T{day}{serial:09}")),
            port_no: Some(format!("P{day}{serial:09}")),
            state: "2".to_owned(),
            ..whole.clone()
        };
        let declared =
            SummaryResult { customs_declaration_no: Some(format!("{office}{year}0{serial:09}")), state: "3".to_owned(), ..drafted.clone() };
        [first.collect(), vec![drafted], vec![declared]]
    }

    /// The lines of inventories, and their weights. Lines of one commodity code share a place in the customs declaration.
    fn lines(&self, lists: &[Name]) -> (Vec<SummaryResultLine>, [Decimal; 2]) {
        let (mut lines, mut places, mut weights) = (Vec::new(), BTreeMap::new(), [Decimal::ZERO; 2]);
        for record in lists.iter().filter_map(|list| self.records.get(list)) {
            let (Some(listed), Some(inventory_no)) = (record.list(), &record.inventory_no) else { continue };
            for (sum, weight) in weights.iter_mut().zip(listed.weights) {
                *sum = sum.saturating_add(weight);
            }
            for goods in &listed.goods {
                let next = u32::try_from(places.len()).unwrap_or(u32::MAX).saturating_add(1);
                let place = *places.entry(goods.hs_code.as_str()).or_insert(next);
                lines.push(SummaryResultLine {
                    inventory_no: inventory_no.0.clone(),
                    waybill_no: listed.waybill.number().to_owned(),
                    place: Some(place),
                    number: goods.number,
                    hs_code: goods.hs_code.clone(),
                });
            }
        }
        (lines, weights)
    }
}

fn whole(part: &Name) -> Name {
    Name::first_of(part.kind, part.party(), part.number())
}

fn may_be_summed(list: &Record) -> bool {
    let out = matches!(list.last, Some((Word::Released | Word::Closed, _)));
    list.alive && out && list.list().is_some_and(|listed| listed.statistics == "B")
}

/// startTime and endTime, where both can be read.
fn period(asked: &FollowUpRequest) -> Option<(Timestamp, Timestamp)> {
    Timestamp::parse_seconds(&asked.period.0).zip(Timestamp::parse_seconds(&asked.period.1))
}
