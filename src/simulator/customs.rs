//! The customs side without any input or output: one for all roads. Messages go in with the time, words come out when they are due.
//!
//! What it decides by chance falls by [`Dice`], from the seed and the document alone, so that replaying what was taken leads
//! to the same answers. What the site operator (arrival) and the carrier (manifest, departure) would report happens by itself,
//! after a delay.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    clock::Timestamp,
    declaration::{Action, Kind, SummaryResult},
    message::FollowUpRequest,
    receipt::{FormatReceipt, Receipt, TransportReceipt},
};

use super::{
    dice::Dice,
    options::{Fate, Matching, Options},
    paper::{Address, Letter, Name, Paper, Refusal},
    record::{Record, Word, title},
    report::Report,
};

mod follow_ups;

pub(super) use follow_ups::summary_no;

/// Something customs says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speech {
    /// 304, 506, 604, and those of what is submitted on its own.
    Receipt(Box<Told>),
    /// 792.
    Summed(Box<SummaryResult>),
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
    /// The document, of what is submitted on its own: its receipt repeats more of it than its key.
    pub follow_up: Option<Box<FollowUpRequest>>,
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
    /// The waybills of each bill, as manifests tell.
    bills: BTreeMap<String, BTreeSet<Name>>,
    agenda: BTreeMap<(Timestamp, u64), Step>,
    planned: u64,
    serials: BTreeSet<u64>,
    report: Report,
    spoken: Spoken,
    refused: BTreeSet<String>,
}

impl Customs {
    /// A customs that has seen nothing yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            dice: Dice(options.seed),
            options,
            records: BTreeMap::new(),
            named_by: BTreeMap::new(),
            bills: BTreeMap::new(),
            agenda: BTreeMap::new(),
            planned: 0,
            serials: BTreeSet::new(),
            report: Report::default(),
            spoken: BTreeMap::new(),
            refused: BTreeSet::new(),
        }
    }

    /// Notes a receipt that was written before a restart: it will not be said again.
    pub fn remember(&mut self, receipt: &Receipt) {
        self.spoken.entry((Name::of_key(&receipt.key), receipt.code.clone())).or_default().insert(receipt.at);
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
        let at = at + self.wait(self.options.delays.declaring_ms, &letter.original);
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
        let at = at + self.wait(self.options.delays.declaring_ms, &letter.original);
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
        let waits = |record: &&Record| record.name.kind == Kind::Inventory && record.is_declared() && !record.storing;
        Report { unmatched: count(self.records.values().filter(waits).count()), ..self.report.clone() }
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
        let name = paper.name();
        name.kind == Kind::Order && self.options.script.fate(name.number()) == Some(Fate::Poison)
    }

    fn enter(&mut self, letter: &Letter, paper: &Paper, at: Timestamp) {
        let name = paper.name();
        let before = self.records.get(&name);
        let alive = before.filter(|record| record.alive);
        let taken = before.map_or(0, |record| record.taken) + 1;
        match (alive, paper.action) {
            // An amendment of an amendment is another document, if it is newer; the same bytes again are not.
            (Some(record), action) if record.paper.action == action && !is_newer(record, paper) => {
                let record = record.clone();
                return self.duplicate(letter, paper, &record, at);
            }
            (Some(record), _) if paper.time < record.paper.time => {
                return self.reject(letter, paper, "-301014", "报文处理失败，接收报文为旧报文数据，不做处理".to_owned(), at);
            }
            (Some(record), Action::Amend | Action::Delete) if record.is_fixed(paper.action) => {
                let text = format!("处理失败，{}状态不符，报文业务主键[{}]", title(name.kind), name.number());
                return self.reject(letter, paper, not_found(name.kind), text, at);
            }
            (None, Action::Amend | Action::Delete) => {
                let text = format!("处理失败，未找到对应操作的{}，报文业务主键[{}]", title(name.kind), name.number());
                return self.reject(letter, paper, not_found(name.kind), text, at);
            }
            _ => {}
        }
        if let Some(trio) = &paper.trio {
            for named in [&trio.order, &trio.waybill] {
                self.named_by.entry(named.clone()).or_default().insert(name.clone());
            }
        }
        let serial = before.map_or_else(|| self.new_serial(&name), |record| record.serial);
        let (arrived, left) = before.map_or((false, false), |record| (record.arrived, record.left));
        let record = Record { serial, arrived, left, ..Record::new(letter, paper, taken) };
        if paper.trio.is_some() {
            self.serials.insert(serial);
        }
        self.records.insert(name.clone(), record);
        *self.report.documents.entry(name.kind).or_default() += 1;
        self.later(&name, taken, Word::Declaring, at);
    }

    /// The nine digits of preNo and invtNo: the document's own, so that a restart gives them again; the next free ones if taken.
    fn new_serial(&self, name: &Name) -> u64 {
        let first = self.dice.below(1_000_000_000, "number", &name.text());
        (first..1_000_000_000).find(|serial| !self.serials.contains(serial)).unwrap_or(first)
    }

    /// The same document again while the first is alive: harmless if it is the same to the byte, else declared twice.
    fn duplicate(&mut self, letter: &Letter, paper: &Paper, record: &Record, at: Timestamp) {
        if record.guid == paper.guid && record.digest == letter.digest {
            self.report.delivered_again += 1;
        } else {
            self.report.declared_twice.push(record.name.text());
        }
        let (time, code) = record.last.as_ref().map_or((at, "2"), |(word, at)| (*at, word.code()));
        let text = format!(
            "处理失败，业务主键重复入库失败，报文业务主键[{}]，原{}报送时间对应状态为[{} : {code};]",
            record.name.number(),
            title(record.name.kind),
            time.to_seconds(),
        );
        self.reject(letter, paper, duplicate_code(record.name.kind), text, at);
    }

    fn reject(&mut self, letter: &Letter, paper: &Paper, code: &'static str, text: String, at: Timestamp) {
        self.report.rejected += 1;
        let word = Word::Rejected(code, text);
        let at = at + self.wait(word.delay_ms(&self.options.delays), &paper.guid).max(Duration::from_millis(1));
        let told = Record::new(letter, paper, 0).tell(&word, "", at);
        if !self.already(&paper.name(), code) {
            self.plan(at, Step::Speech(letter.address.clone(), Speech::Receipt(Box::new(told))));
        }
    }

    /// Says a word on a document, and plans what follows from it.
    fn speak(&mut self, name: &Name, taken: u32, word: &Word, at: Timestamp) -> Option<Said> {
        let missing = if *word == Word::Declaring { self.missing(name) } else { String::new() };
        let record = self.records.get_mut(name).filter(|record| record.taken == taken && record.alive)?;
        if *word == Word::Sent && !record.last.as_ref().is_some_and(|(last, _)| *last == Word::Declaring) {
            return None;
        }
        record.number(word);
        record.alive = !word.kills() && !record.is_deleted(word);
        record.last = Some((word.clone(), at));
        let (told, address) = (record.tell(word, &missing, at), record.address.clone());
        self.tally(name.kind, word);
        self.follow(name, taken, word, at);
        let silent = self.already(name, word.code());
        (!silent).then_some(Said { address, at, speech: Speech::Receipt(Box::new(told)) })
    }

    fn tally(&mut self, kind: Kind, word: &Word) {
        let counter = match (word, kind) {
            (Word::Closed, _) => &mut self.report.closed,
            (Word::Stored, Kind::Order | Kind::Waybill) => &mut self.report.stored,
            (Word::Refused(_), _) => &mut self.report.refused,
            _ => return,
        };
        *counter += 1;
    }

    /// What a word leads to.
    fn follow(&mut self, name: &Name, taken: u32, word: &Word, at: Timestamp) {
        if name.kind.is_follow_up() {
            return self.follow_up(name, taken, word, at);
        }
        let Some(record) = self.records.get(name) else { return };
        let next = match word {
            Word::Declaring | Word::Sent => return self.after_declaring(&record.clone(), word, at),
            Word::Stored if name.kind != Kind::Inventory => None,
            Word::Stored if self.happens(self.options.oddities.review, "review", record) => Some(Word::Review),
            Word::Stored if self.happens(self.options.oddities.inspection, "inspection", record) => Some(Word::Inspection),
            Word::Stored | Word::Review | Word::Inspection => Some(Word::Passed),
            Word::Passed if record.paper.action == Action::Delete => None,
            Word::Passed | Word::Released => self.moves_on(name, word),
            Word::PortFailed | Word::Refused(_) | Word::Closed | Word::Rejected(..) => None,
        };
        if let Some(next) = next {
            self.later(name, taken, next, at);
        }
    }

    /// After 2 (and 3): failure, refusal, or on to 120 as far as the match allows.
    fn after_declaring(&mut self, record: &Record, word: &Word, at: Timestamp) {
        let (name, taken) = (record.name.clone(), record.taken);
        let fate = (name.kind != Kind::Waybill).then(|| self.options.script.fate(name.number())).flatten();
        let fails = self.happens(self.options.oddities.port_failed, "port-failed", record)
            || fate == Some(Fate::PortFailed) && name.kind == Kind::Order;
        if *word == Word::Declaring && taken == 1 && fails {
            return self.later(&name, taken, Word::PortFailed, at);
        }
        if *word == Word::Declaring && self.happens(self.options.oddities.sent, "sent", record) {
            self.later(&name, taken, Word::Sent, at);
        }
        if *word != Word::Declaring {
            return;
        }
        if let Some(why) = &record.paper.quarrel {
            return self.later(&name, taken, Word::Refused(why.clone()), at);
        }
        let refused = fate == Some(Fate::Refused) || fate == Some(Fate::RefusedOnce) && taken == 1;
        if refused && name.kind == Kind::Inventory {
            return self.later(&name, taken, Word::Refused("商品归类与申报要素不符".to_owned()), at);
        }
        if self.options.matching == Matching::Each && name.kind != Kind::Inventory {
            self.store(&name, at);
        }
        let inventories = match name.kind {
            Kind::Inventory => BTreeSet::from([name]),
            _ => self.named_by.get(&name).cloned().unwrap_or_default(),
        };
        for inventory in inventories {
            self.match_up(&inventory, at);
        }
    }

    /// Stores an inventory if all of its three are declared; with it the other two where they wait for each other.
    fn match_up(&mut self, inventory: &Name, at: Timestamp) {
        let Some(trio) = self.records.get(inventory).and_then(Record::trio).cloned() else { return };
        let three = [inventory, &trio.order, &trio.waybill];
        let fits = |record: &Record| record.is_declared() && record.paper.quarrel.is_none();
        if three.iter().all(|name| self.records.get(name).is_some_and(fits)) {
            for name in three {
                self.store(name, at);
            }
        }
    }

    fn store(&mut self, name: &Name, at: Timestamp) {
        let Some(record) = self.records.get_mut(name).filter(|record| record.is_declared() && !record.storing) else { return };
        let doomed = record.paper.quarrel.is_some();
        let fate = self.options.script.fate(name.number());
        let refused = name.kind == Kind::Inventory && (fate == Some(Fate::Refused) || fate == Some(Fate::RefusedOnce) && record.taken == 1);
        if doomed || refused {
            return;
        }
        record.storing = true;
        let taken = record.taken;
        self.later(name, taken, Word::Stored, at);
    }

    /// The part of a 2 that names documents which are not there (transport §4.1).
    fn missing(&self, name: &Name) -> String {
        let Some(record) = self.records.get(name) else { return String::new() };
        let Some(trio) = record.trio() else { return String::new() };
        let gone = |name: &Name| !self.records.get(name).is_some_and(|record| record.alive);
        let mut text = String::new();
        if let (true, crate::receipt::Key::Inventory { seller, order_no, .. }) = (gone(&trio.order), &record.paper.key) {
            text += &format!(" 对应电商企业为[{seller}]订单号为[{order_no}]的订单信息不存在");
        }
        if gone(&trio.waybill) {
            text += &format!(" 对应物流企业运单号为[{}]的运单信息不存在", trio.waybill.number());
        }
        text
    }

    fn happens(&self, per_mille: u16, what: &str, record: &Record) -> bool {
        self.dice.chance(per_mille, what, &record.name.text())
    }

    fn later(&mut self, name: &Name, taken: u32, word: Word, at: Timestamp) {
        let delay = self.wait(word.delay_ms(&self.options.delays), &format!("{}{}", name.text(), word.code()));
        // A millisecond at least: returnTime counts milliseconds, and what follows must be seen to follow.
        let at = at + delay.max(Duration::from_millis(1));
        self.plan(at, Step::Word { name: name.clone(), taken, word });
    }

    fn wait(&self, milliseconds: u64, thing: &str) -> Duration {
        Duration::from_millis(milliseconds + self.dice.below(milliseconds / 2 + 1, "delay", thing))
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

const fn duplicate_code(kind: Kind) -> &'static str {
    match kind {
        Kind::Order => "-304001",
        Kind::Waybill => "-504001",
        Kind::Inventory => "-604001",
        _ => "-999999",
    }
}

const fn not_found(kind: Kind) -> &'static str {
    match kind {
        Kind::Order => "-303009",
        Kind::Waybill => "-503009",
        Kind::Inventory => "-603009",
        _ => "-999999",
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// Whether a document amends another one anew.
fn is_newer(record: &Record, paper: &Paper) -> bool {
    paper.action != Action::Add && paper.time > record.paper.time
}

#[cfg(test)]
mod tests;
