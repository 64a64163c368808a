//! One document at customs: how far it has come, and the words it is answered with.

use std::sync::Arc;

use crate::{
    clock::Timestamp,
    declaration::{Action, InventoryNo, Kind, PortNo, SummaryNo},
    receipt::Receipt,
};

use super::{
    customs::Told,
    options::Delays,
    paper::{Address, Letter, Listed, Name, Paper},
    script::{Fate, Outcome},
};

/// What customs says of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// 2.
    Declaring,
    /// 3.
    Sent,
    /// 4.
    PortFailed,
    /// 100, and why.
    Refused(String),
    /// 120.
    Stored,
    /// 300.
    Review,
    /// 500.
    Inspection,
    /// 399.
    Passed,
    /// 800.
    Released,
    /// 899.
    Closed,
    /// Below zero: code and text.
    Rejected(String, String),
    /// What a script has it say: code and text. It changes nothing.
    Aside(String, String),
}

impl Word {
    /// returnStatus.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Declaring => "2",
            Self::Sent => "3",
            Self::PortFailed => "4",
            Self::Refused(_) => "100",
            Self::Stored => "120",
            Self::Review => "300",
            Self::Inspection => "500",
            Self::Passed => "399",
            Self::Released => "800",
            Self::Closed => "899",
            Self::Rejected(code, _) | Self::Aside(code, _) => code,
        }
    }

    /// How long it takes to be said.
    #[must_use]
    pub const fn delay_ms(&self, delays: &Delays) -> u64 {
        match self {
            Self::Declaring | Self::Rejected(..) => delays.declaring_ms,
            Self::Sent | Self::PortFailed | Self::Aside(..) => delays.sent_ms,
            Self::Refused(_) | Self::Stored => delays.stored_ms,
            Self::Review | Self::Inspection => delays.review_ms,
            Self::Passed => delays.passed_ms,
            Self::Released => delays.released_ms,
            Self::Closed => delays.closed_ms,
        }
    }

    /// Whether the document is dead once this is said: its key may be declared anew.
    #[must_use]
    pub const fn kills(&self) -> bool {
        matches!(self, Self::PortFailed | Self::Refused(_) | Self::Rejected(..))
    }

    /// Whether this is the last word on a document of that kind that went well (spec of the messages, §5): 120 for what a parcel
    /// begins with, 899 for an inventory, 800 for goods that come back, 399 for all others, and for an inventory that is deleted.
    #[must_use]
    pub const fn ends(&self, kind: Kind, action: Action) -> bool {
        match (self, kind) {
            (Self::Stored, Kind::Order | Kind::Payment | Kind::Waybill) => true,
            (Self::Closed, Kind::Inventory) | (Self::Released, Kind::GoodsReturn) => true,
            (Self::Passed, Kind::Inventory | Kind::GoodsReturn) => matches!(action, Action::Delete),
            (Self::Passed, _) => true,
            _ => false,
        }
    }

    /// returnInfo, in the wording seen (transport §4.6, spec of the messages §5); `missing` names what is not there yet.
    #[must_use]
    pub fn info(&self, record: &Record, missing: &str) -> String {
        let guid = &record.guid;
        match self {
            Self::Declaring => format!("{}{}申报成功[{guid}]{missing}", title(record.name.kind), verb(record.paper.action)),
            Self::Sent => format!("发送海关成功[{guid}]"),
            Self::PortFailed => format!("发送海关失败[{guid}]"),
            Self::Refused(why) => format!("[Code:1313;Desc:海关退单]{why}"),
            Self::Stored => "[Code:1800;Desc:逻辑校验通过]".to_owned(),
            Self::Review => format!("人工审核[{guid}]"),
            Self::Inspection => format!("海关查验[{guid}]"),
            Self::Passed => record.passed(),
            Self::Released if record.name.kind == Kind::Manifest => format!("放行[{guid}]"),
            Self::Released => "[Code:2600;Desc:放行]".to_owned(),
            Self::Closed => format!("结关[{guid}]"),
            Self::Rejected(_, text) | Self::Aside(_, text) => text.clone(),
        }
    }
}

/// The document's name in texts.
#[must_use]
pub const fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Order => "订单",
        Kind::Waybill => "运单",
        Kind::Inventory => "清单",
        _ => kind.row().zh,
    }
}

/// What is done to it, in texts.
#[must_use]
pub const fn verb(action: Action) -> &'static str {
    match action {
        Action::Add => "新增",
        Action::Amend => "变更",
        Action::Delete => "删除",
    }
}

/// One document on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its kind and business key.
    pub name: Name,
    /// What it was last declared as.
    pub paper: Paper,
    /// guid of the document.
    pub guid: String,
    /// Digest of the message that brought it.
    pub digest: [u8; 32],
    /// What was declared of it before, while it was alive: action, guid of the document, digest of the message.
    pub earlier: Vec<(Action, String, [u8; 32])>,
    /// Where its answers go.
    pub address: Address,
    /// How often it was taken anew: answers to an earlier taking are void.
    pub taken: u32,
    /// Whether it is alive: not refused, failed, deleted or cancelled.
    pub alive: bool,
    /// The last word on it, and when.
    pub last: Option<(Word, Timestamp)>,
    /// Whether what it had to wait for has come: the other two of its three documents, the other parts of the whole.
    pub onward: bool,
    /// Whether an inventory went into a customs declaration.
    pub summed: bool,
    /// What it was told to become.
    pub fate: Option<Arc<Fate>>,
    /// The nine digits of its preNo and invtNo.
    pub serial: u64,
    /// preNo.
    pub port_no: Option<PortNo>,
    /// invtNo.
    pub inventory_no: Option<InventoryNo>,
    /// sumNo.
    pub summary_no: Option<SummaryNo>,
}

impl Record {
    /// A document as just taken, the `taken`th time.
    #[must_use]
    pub fn new(letter: &Letter, paper: &Paper, taken: u32) -> Self {
        Self {
            name: paper.name(),
            paper: paper.clone(),
            guid: paper.guid.clone(),
            digest: letter.digest,
            earlier: Vec::new(),
            address: letter.address.clone(),
            taken,
            alive: true,
            last: None,
            onward: false,
            summed: false,
            fate: None,
            serial: 0,
            port_no: None,
            inventory_no: None,
            summary_no: None,
        }
    }

    /// What an inventory says.
    #[must_use]
    pub fn list(&self) -> Option<&Listed> {
        self.paper.list.as_deref()
    }

    /// Whether the port gives it a number (preNo): orders, waybills and payments have none.
    #[must_use]
    pub const fn is_numbered(&self) -> bool {
        !matches!(self.name.kind, Kind::Order | Kind::Payment | Kind::Waybill)
    }

    /// Whether it waits for another document, or for another part.
    #[must_use]
    pub fn waits(&self) -> bool {
        let alone = matches!(self.name.kind, Kind::Order | Kind::Waybill | Kind::Cancellation | Kind::GoodsReturn | Kind::ReturnTally);
        !alone && self.is_declared() && !self.onward && self.paper.action != Action::Delete
    }

    /// Whether the port has said 2 and nothing bad since.
    #[must_use]
    pub const fn is_declared(&self) -> bool {
        self.alive && self.last.is_some()
    }

    /// Whether it may be stored or passed, as soon as what it waits for is there.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let stops = self.stops(&Word::Declaring) || self.stops(&Word::Sent);
        self.is_declared() && self.paper.action != Action::Delete && self.refusal().is_none() && !stops
    }

    /// Why it is to be refused, whatever else happens.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        let told = self.fated(Outcome::Refused).map(|fate| match fate.text.as_str() {
            "" if self.name.kind == Kind::Inventory => "商品归类与申报要素不符".to_owned(),
            "" => "海关审核不通过".to_owned(),
            text => text.to_owned(),
        });
        self.paper.quarrel.clone().or(told)
    }

    /// What it was told to become, if that is it and it happens this time.
    #[must_use]
    pub fn fated(&self, outcome: Outcome) -> Option<&Fate> {
        self.fate.as_deref().filter(|fate| fate.outcome == outcome && fate.happens(self.taken))
    }

    /// Whether nothing is to follow upon this word.
    #[must_use]
    pub fn stops(&self, word: &Word) -> bool {
        self.fated(Outcome::Stops).is_some_and(|fate| fate.code == word.code())
    }

    /// Whether this word may follow what was said last: what comes for two reasons is said once.
    #[must_use]
    pub fn may_hear(&self, word: &Word) -> bool {
        let last = self.last.as_ref().map(|(last, _)| last);
        match (word, self.name.kind) {
            (Word::Sent, _) => last == Some(&Word::Declaring),
            (Word::Released, Kind::Inventory | Kind::Manifest) => last == Some(&Word::Passed),
            (Word::Closed, _) => last == Some(&Word::Released),
            _ => true,
        }
    }

    /// Whether the last word of its life was spoken.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.last.as_ref().is_some_and(|(word, _)| word.ends(self.name.kind, self.paper.action))
    }

    /// Gives the numbers that come with a word: preNo with the first, invtNo to an inventory with 120, sumNo to a summary with 399.
    pub fn number(&mut self, word: &Word) {
        let serial = self.serial;
        if self.port_no.is_none() && self.is_numbered() {
            // 215 alone begins with an o (message specification 202205, 215 preNo).
            let letter = if self.name.kind == Kind::ReturnTally { 'o' } else { 'B' };
            self.port_no = Some(PortNo(format!("{letter}{}{serial:09}", crate::clock::day_to_wire(self.paper.at.day()))));
        }
        if let (None, Word::Stored, Some(list)) = (&self.inventory_no, word, &self.paper.list) {
            self.inventory_no = Some(InventoryNo(format!("{}{}E{serial:09}", list.office, self.paper.at.day().year())));
        }
    }

    /// The receipt that says a word.
    #[must_use]
    pub fn tell(&self, word: &Word, missing: &str, at: Timestamp) -> Told {
        let receipt = Receipt {
            key: self.paper.key.clone(),
            code: word.code().to_owned(),
            at: Some(at),
            info: word.info(self, missing),
            port_no: self.port_no.clone(),
            inventory_no: self.inventory_no.clone().or_else(|| self.about()),
            summary_no: self.summary_no.clone(),
            bill_no: None,
        };
        let statistics = self.list().map(|list| list.statistics.clone()).unwrap_or_default();
        Told { receipt, guid: self.guid.clone(), statistics, follow_up: self.paper.follow_up.clone() }
    }

    /// invtNo of the inventory that a cancellation or a return is about: their receipts repeat it.
    fn about(&self) -> Option<InventoryNo> {
        let follow_up = self.paper.follow_up.as_deref().filter(|_| matches!(self.name.kind, Kind::Cancellation | Kind::GoodsReturn))?;
        follow_up.inventory_nos.first().cloned().map(InventoryNo)
    }

    fn passed(&self) -> String {
        let guid = &self.guid;
        match (self.name.kind, self.about()) {
            (kind, _) if self.paper.action == Action::Delete => format!("{}删除审核通过[{guid}]", title(kind)),
            (Kind::Cancellation, Some(no)) => format!("[Code:2300;Desc:审核通过],撤单申请审核通过,清单[{no}]已成功撤单"),
            (Kind::Arrival | Kind::Departure, _) => format!("审核成功[{guid}]"),
            _ => format!("海关审结[{guid}]"),
        }
    }
}
