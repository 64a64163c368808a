//! One document at customs: how far it has come, and the words it is answered with.

use crate::{
    clock::Timestamp,
    declaration::{Action, InventoryNo, Kind, PortNo, SummaryNo},
    receipt::Receipt,
};

use super::{
    customs::{Told, summary_no},
    options::Delays,
    paper::{Address, Letter, Name, Paper, Trio},
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
    /// Below zero: code and text. The document on record is untouched by it.
    Rejected(&'static str, String),
}

impl Word {
    /// returnStatus.
    #[must_use]
    pub const fn code(&self) -> &'static str {
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
            Self::Rejected(code, _) => code,
        }
    }

    /// How long it takes to be said.
    #[must_use]
    pub const fn delay_ms(&self, delays: &Delays) -> u64 {
        match self {
            Self::Declaring | Self::Rejected(..) => delays.declaring_ms,
            Self::Sent | Self::PortFailed => delays.sent_ms,
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
        matches!(self, Self::PortFailed | Self::Refused(_))
    }

    /// returnInfo, in the wording seen (transport §4.6, spec of the messages §5); `missing` names what is not there yet.
    #[must_use]
    pub fn info(&self, record: &Record, missing: &str) -> String {
        let guid = &record.guid;
        match self {
            Self::Declaring => format!("{}新增申报成功[{guid}]{missing}", title(record.name.kind)),
            Self::Sent => format!("发送海关成功[{guid}]"),
            Self::PortFailed => format!("发送海关失败[{guid}]"),
            Self::Refused(why) => format!("[Code:1313;Desc:海关退单]{why}"),
            Self::Stored => "[Code:1800;Desc:逻辑校验通过]".to_owned(),
            Self::Review => format!("人工审核[{guid}]"),
            Self::Inspection => format!("海关查验[{guid}]"),
            Self::Passed => format!("海关审结[{guid}]"),
            Self::Released => "[Code:2600;Desc:放行]".to_owned(),
            Self::Closed => format!("结关[{guid}]"),
            Self::Rejected(_, text) => text.clone(),
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
    /// Where its answers go.
    pub address: Address,
    /// How often it was taken anew: answers to an earlier taking are void.
    pub taken: u32,
    /// Whether it is alive: neither refused nor failed.
    pub alive: bool,
    /// The last word on it, and when.
    pub last: Option<(Word, Timestamp)>,
    /// Whether 120 was said, or is about to be.
    pub storing: bool,
    /// The nine digits of its preNo and invtNo.
    pub serial: u64,
    /// preNo.
    pub port_no: Option<PortNo>,
    /// invtNo.
    pub inventory_no: Option<InventoryNo>,
    /// Whether its goods are at the site.
    pub arrived: bool,
    /// Whether its goods have left.
    pub left: bool,
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
            address: letter.address.clone(),
            taken,
            alive: true,
            last: None,
            storing: false,
            serial: 0,
            port_no: None,
            inventory_no: None,
            arrived: false,
            left: false,
        }
    }

    /// What an inventory names.
    #[must_use]
    pub const fn trio(&self) -> Option<&Trio> {
        self.paper.trio.as_ref()
    }

    /// Whether the port has said 2 and nothing bad since.
    #[must_use]
    pub const fn is_declared(&self) -> bool {
        self.alive && self.last.is_some()
    }

    /// Whether the last word of its life was spoken.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match (&self.last, self.name.kind) {
            (Some((Word::Stored, _)), Kind::Order | Kind::Waybill) => true,
            (Some((Word::Closed, _)), Kind::Inventory) => true,
            (Some((Word::Passed, _)), Kind::Inventory) => self.paper.action == Action::Delete,
            (Some((Word::Stored, _)), Kind::Payment) | (Some((Word::Released, _)), Kind::GoodsReturn) => true,
            (Some((Word::Passed, _)), kind) => kind.is_follow_up(),
            _ => false,
        }
    }

    /// sumNo, which comes with the 399 of a summary.
    fn summary_no(&self, word: &Word) -> Option<SummaryNo> {
        let paper = self.paper.follow_up.as_deref().filter(|_| self.name.kind == Kind::Summary && *word == Word::Passed)?;
        Some(SummaryNo(summary_no(paper, self.paper.day.year(), self.serial)))
    }

    /// Whether customs does not let it be amended or deleted any more: a list from 399 on, and for a deletion from 800 on.
    #[must_use]
    pub fn is_fixed(&self, action: Action) -> bool {
        let last = self.last.as_ref().map(|(word, _)| word);
        match last {
            Some(Word::Released | Word::Closed) => self.name.kind == Kind::Inventory,
            Some(Word::Passed) => self.name.kind == Kind::Inventory && action == Action::Amend,
            _ => false,
        }
    }

    /// Whether a word grants its own deletion: then its key may be declared anew.
    #[must_use]
    pub fn is_deleted(&self, word: &Word) -> bool {
        let granted = if self.name.kind == Kind::Inventory { Word::Passed } else { Word::Stored };
        self.paper.action == Action::Delete && *word == granted
    }

    /// Gives an inventory the numbers that come with a word: preNo from the first, invtNo from 120.
    pub fn number(&mut self, word: &Word) {
        let Some(trio) = &self.paper.trio else { return };
        let serial = self.serial;
        if self.port_no.is_none() {
            self.port_no = Some(PortNo(format!("B{}{serial:09}", crate::clock::day_to_wire(self.paper.day))));
        }
        if self.inventory_no.is_none() && *word == Word::Stored {
            self.inventory_no = Some(InventoryNo(format!("{}{}E{serial:09}", trio.office, self.paper.day.year())));
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
            inventory_no: self.inventory_no.clone(),
            summary_no: self.summary_no(word),
        };
        Told {
            receipt,
            guid: self.guid.clone(),
            statistics: self.trio().map(|trio| trio.statistics.clone()).unwrap_or_default(),
            follow_up: self.paper.follow_up.clone(),
        }
    }
}
