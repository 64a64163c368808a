//! The customs side without any input or output: one for all roads. Messages go in with the time, words come out when they are due.
//!
//! What it decides by chance falls by [`Dice`], from the seed and the document alone, so that replaying what was taken leads
//! to the same answers.
//!
//! | part | does |
//! | --- | --- |
//! | `admission` | what is taken, and what is a duplicate, too old or too late |
//! | `faults` | what such a document is answered with |
//! | `speaking` | words, and what follows from them |
//! | `moving` | parts of a whole; manifests, arrivals, departures and the inventories of their bill |
//! | `undoing` | cancellations, and goods that come back |
//! | `summing` | summaries, and what they become |

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use crate::{
    clock::Timestamp,
    declaration::{Kind, SummaryResult},
    message::FollowUpRequest,
    receipt::{FormatReceipt, Receipt, TransportReceipt},
};

use super::{
    dice::Dice,
    options::Options,
    paper::{Address, Letter, Name, Paper, Refusal},
    record::{Record, Word},
    report::Report,
    script::{self, Fate, Numbers, Outcome},
};

mod admission;
mod faults;
mod moving;
mod speaking;
mod summing;
mod undoing;

/// Something customs says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speech {
    /// 304, 404, 506, 508, 510, 604, 606, 608, 702, 214, 216.
    Receipt(Box<Told>),
    /// 792.
    Summed(Box<Summed>),
    /// 900; with the MsgType of the message.
    Format(FormatReceipt, String),
    /// DxpRep; with the MsgType of the message.
    Transport(TransportReceipt, String),
}

/// A receipt about one document, and what repeats the document in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What it says.
    pub receipt: Receipt,
    /// guid of the document.
    pub guid: String,
    /// statisticsFlag of an inventory; others have none.
    pub statistics: String,
    /// What the document said, if it was submitted on its own.
    pub follow_up: Option<Arc<FollowUpRequest>>,
}

/// What a summary became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summed {
    /// What it says.
    pub result: SummaryResult,
    /// agentName, ebcName and declAgentName.
    pub names: [String; 3],
}

/// Something customs says, to whom, and when it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// To whom.
    pub address: Address,
    /// When.
    pub at: Timestamp,
    /// What.
    pub speech: Speech,
}

#[derive(Debug, Clone)]
enum Step {
    /// A word on a document on record, meant for its `taken`th taking.
    Word { name: Name, taken: u32, word: Word },
    /// Anything else.
    Speech(Address, Speech),
}

/// How often a word is already out: what a killed customs had written before.
type Spoken = BTreeMap<(Name, String), BTreeSet<Option<Timestamp>>>;

/// The customs side.
#[derive(Debug)]
pub struct Customs {
    options: Options,
    dice: Dice,
    records: BTreeMap<Name, Record>,
    /// The inventories that name an order or a waybill.
    named_by: BTreeMap<Name, BTreeSet<Name>>,
    bills: moving::Bills,
    /// The returns of an inventory, by its number.
    returns: BTreeMap<String, BTreeSet<Name>>,
    /// The inventories that went into a summary, by what comes before its parts.
    summed: BTreeMap<Name, Vec<Name>>,
    agenda: BTreeMap<(Timestamp, u64), Step>,
    planned: u64,
    /// Whose number ends with these nine digits.
    serials: BTreeMap<u64, Name>,
    report: Report,
    spoken: Spoken,
    spoken_results: BTreeSet<(String, String, u32)>,
    refused: BTreeSet<String>,
    /// Whether any document may have a fate.
    scripted: bool,
}

impl Customs {
    /// A customs that has seen nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            dice: Dice(options.seed),
            scripted: options.sandbox || !options.script.rule.is_empty(),
            options,
            records: BTreeMap::new(),
            named_by: BTreeMap::new(),
            bills: moving::Bills::default(),
            returns: BTreeMap::new(),
            summed: BTreeMap::new(),
            agenda: BTreeMap::new(),
            planned: 0,
            serials: BTreeMap::new(),
            report: Report::default(),
            spoken: BTreeMap::new(),
            spoken_results: BTreeSet::new(),
            refused: BTreeSet::new(),
        }
    }

    /// Notes a receipt that was written before a restart: it will not be said again.
    pub fn remember(&mut self, receipt: &Receipt) {
        self.spoken.entry((Name::of_key(&receipt.key), receipt.code.clone())).or_default().insert(receipt.at);
    }

    /// Notes a result of a summary that was written before a restart.
    pub fn remember_result(&mut self, result: &SummaryResult) {
        self.spoken_results.insert((result.declaration_seq_no.clone(), result.state.clone(), result.part.number));
    }

    /// Notes a message whose refusal was written before a restart.
    pub fn remember_refusal(&mut self, original: &str) {
        self.refused.insert(original.to_owned());
    }

    /// Takes a message.
    pub fn take(&mut self, letter: &Letter, at: Timestamp) {
        self.report.messages += 1;
        if letter.papers.iter().any(|paper| self.is_poison(paper)) {
            self.report.messages -= 1;
            let refusal = Refusal::Format { code: FORMAT_FAULT, info: "报文格式校验不通过：报文内容无法解析".to_owned() };
            return self.refuse(letter, refusal, at);
        }
        for paper in &letter.papers {
            self.enter(letter, paper, at);
        }
    }

    /// Reports a time-out (3003) for a message, whether or not it was taken.
    pub fn time_out(&mut self, letter: &Letter, at: Timestamp) {
        let at = at + self.wait(self.options.delays.declaring_ms, || letter.original.clone());
        let receipt = TransportReceipt {
            code: TIME_OUT.to_owned(),
            info: "远程系统处理超时".to_owned(),
            original: letter.original.clone(),
            sender_dxp_id: letter.address.dxp_id.clone(),
        };
        self.plan(at, Step::Speech(letter.address.clone(), Speech::Transport(receipt, letter.message_type.clone())));
    }

    /// Refuses a whole message; none of its documents is on record by it.
    pub fn refuse(&mut self, letter: &Letter, refusal: Refusal, at: Timestamp) {
        self.report.messages += 1;
        self.report.refused_messages += 1;
        if self.refused.remove(&letter.original) {
            return;
        }
        let at = at + self.wait(self.options.delays.declaring_ms, || letter.original.clone());
        let original = letter.original.clone();
        let speech = match refusal {
            Refusal::Format { code, info } => {
                Speech::Format(FormatReceipt { code: code.to_owned(), at: Some(at), info, original }, letter.message_type.clone())
            }
            Refusal::Transport { code, info } => {
                let receipt = TransportReceipt { code: code.to_owned(), info, original, sender_dxp_id: letter.address.dxp_id.clone() };
                Speech::Transport(receipt, letter.message_type.clone())
            }
        };
        self.plan(at, Step::Speech(letter.address.clone(), speech));
    }

    /// What is to be said by `now`, in the order in which it happened.
    pub fn due(&mut self, now: Timestamp) -> Vec<Said> {
        let mut said = Vec::new();
        while let Some(entry) = self.agenda.first_entry() {
            let &(at, _) = entry.key();
            if at > now {
                break;
            }
            match entry.remove() {
                Step::Speech(address, speech) => said.push(Said { address, at, speech }),
                Step::Word { name, taken, word } => said.extend(self.speak(&name, taken, &word, at)),
            }
        }
        said
    }

    /// When the next word is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.agenda.first_key_value().map(|(&(at, _), _)| at)
    }

    /// What it has seen.
    #[must_use]
    pub fn report(&self) -> Report {
        let mut report = self.report.clone();
        for record in self.records.values().filter(|record| record.waits()) {
            report.of(record.name.kind).waiting += 1;
        }
        report.unmatched = report.kinds.get(&Kind::Inventory).map_or(0, |counts| counts.waiting);
        report
    }

    /// Counts that the folders keep.
    pub const fn report_mut(&mut self) -> &mut Report {
        &mut self.report
    }

    /// The record of a document.
    #[must_use]
    pub fn record(&self, name: &Name) -> Option<&Record> {
        self.records.get(name)
    }

    fn is_poison(&self, paper: &Paper) -> bool {
        let before = self.scripted.then(|| self.records.get(&paper.name())).flatten();
        let taken = before.map_or(0, |record| record.taken) + 1;
        self.fate(paper).is_some_and(|fate| fate.outcome == Outcome::Poison && fate.happens(taken))
    }

    /// What a document is to become, by the script, or else by its own numbers.
    fn fate(&self, paper: &Paper) -> Option<Fate> {
        if !self.scripted {
            return None;
        }
        let name = paper.name();
        let mut numbers = Numbers::default();
        match (&paper.list, paper.follow_up.as_deref()) {
            (Some(list), _) => {
                numbers =
                    Numbers { orders: vec![name.number()], waybills: vec![list.waybill.number()], bill: &list.bill, enterprise_no: "" };
            }
            (None, Some(follow_up)) => {
                numbers.waybills = follow_up.waybill_nos.iter().map(String::as_str).collect();
                numbers.bill = &follow_up.bill_no;
                let lists = follow_up.inventory_nos.iter().filter_map(|no| self.list_of(no));
                numbers.orders = lists.map(|list| list.name.number()).collect();
                if name.kind == Kind::Payment { numbers.orders.push(name.number()) } else { numbers.enterprise_no = name.number() }
            }
            (None, None) if name.kind == Kind::Waybill => numbers.waybills.push(name.number()),
            (None, None) => numbers.orders.push(name.number()),
        }
        let told = self.options.script.fate(name.kind, &numbers);
        told.or_else(|| self.options.sandbox.then(|| script::asked_by(name.kind, &numbers)).flatten())
    }

    /// The inventory with that number, whatever has become of it.
    fn list_of(&self, inventory_no: &str) -> Option<&Record> {
        let digits = inventory_no.get(inventory_no.len().checked_sub(9)?..)?;
        let record = self.records.get(self.serials.get(&digits.parse().ok()?)?)?;
        record.inventory_no.as_ref().is_some_and(|no| no.0 == inventory_no).then_some(record)
    }

    /// Nine digits that no other number ends with: the thing's own, so that a restart gives them again; the next free ones if taken.
    fn new_serial(&self, thing: &str) -> u64 {
        let first = self.dice.below(1_000_000_000, "number", thing);
        (first..1_000_000_000).find(|serial| !self.serials.contains_key(serial)).unwrap_or(first)
    }

    fn happens(&self, per_mille: u16, what: &str, name: &Name) -> bool {
        per_mille > 0 && self.dice.chance(per_mille, what, &name.text())
    }

    fn later(&mut self, name: &Name, taken: u32, word: Word, at: Timestamp) {
        let delay = self.wait(word.delay_ms(&self.options.delays), || format!("{}{}", name.text(), word.code()));
        let fate = if self.scripted { self.records.get(name).and_then(|record| record.fate.as_deref()) } else { None };
        let told = fate.filter(|fate| fate.happens(taken)).map_or(0, |fate| fate.delay_ms);
        // A millisecond at least: returnTime counts milliseconds, and what follows must be seen to follow.
        let at = at + (delay + Duration::from_millis(told)).max(Duration::from_millis(1));
        self.plan(at, Step::Word { name: name.clone(), taken, word });
    }

    /// A wait, and up to half as much again; which thing it is for need not be said where there is nothing to wait for.
    fn wait(&self, milliseconds: u64, thing: impl FnOnce() -> String) -> Duration {
        let more = if milliseconds < 2 { 0 } else { self.dice.below(milliseconds / 2 + 1, "delay", &thing()) };
        Duration::from_millis(milliseconds + more)
    }

    fn plan(&mut self, at: Timestamp, step: Step) {
        self.planned += 1;
        self.agenda.insert((at, self.planned), step);
    }

    /// Whether this word was written before a restart; each writing silences it once.
    fn already(&mut self, name: &Name, code: &str) -> bool {
        if self.spoken.is_empty() {
            return false;
        }
        let key = (name.clone(), code.to_owned());
        let found = self.spoken.get_mut(&key).and_then(BTreeSet::pop_first).is_some();
        if self.spoken.get(&key).is_some_and(BTreeSet::is_empty) {
            self.spoken.remove(&key);
        }
        found
    }
}

/// ResponseCode of a time-out (message specification 202205, table 7-1).
pub(super) const TIME_OUT: &str = "3003";

/// returnStatus of a 900 (spec of the messages, §5).
pub(super) const FORMAT_FAULT: &str = "-999999";

#[cfg(test)]
mod tests;
