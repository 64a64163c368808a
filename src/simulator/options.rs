//! What the simulated customs is told: its roads, how strict it is, how fast, how odd.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::script::Script;

/// How 303, 505 and 603 find together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matching {
    /// Each order and waybill is stored (120) by itself; an inventory once both of its own are there.
    #[default]
    Each,
    /// None of the three is stored before all three are declared: the one public picture of the customs side (spec of the
    /// messages, §5, source crs).
    Together,
}

/// Who moves the goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Movement {
    /// They move by themselves: 800 and 899 come after a while, as if the site operator and the carrier had reported. Their reports are
    /// taken all the same, and bring both about at once.
    #[default]
    ByItself,
    /// 800 waits for the arrival (507) of the inventory's bill, and 899 for its departure (509).
    Reported,
}

/// How signatures are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signatures {
    /// XML-DSig to the letter, names of 2022-05.
    #[default]
    Strict,
    /// White space and the older names are forgiven.
    Lenient,
    /// Not looked at.
    Ignored,
}

/// A transmitting enterprise as its connection knows it (BaseTransfer: copCode must equal the identity of the client).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// copCode.
    pub code: String,
    /// dxpId.
    pub dxp_id: String,
}

/// How long each step takes, in milliseconds; up to half as much again is added by seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Delays {
    /// From taking to 2 declaring, and to refusals of a whole message.
    pub declaring_ms: u64,
    /// To 3 sent.
    pub sent_ms: u64,
    /// To 120 stored, or 100 refused.
    pub stored_ms: u64,
    /// To 300 review or 500 inspection.
    pub review_ms: u64,
    /// To 399 passed.
    pub passed_ms: u64,
    /// To 800 released: the site operator reports the arrival of the goods.
    pub released_ms: u64,
    /// To 899 closed: the carrier reports the departure.
    pub closed_ms: u64,
    /// To each result of a summary (792).
    pub summed_ms: u64,
}

impl Default for Delays {
    /// About what was seen in production (transport §4.6: 2 after 6 s, 120 ten seconds later), and goods that move fast.
    fn default() -> Self {
        Self {
            declaring_ms: 6_000,
            sent_ms: 2_000,
            stored_ms: 6_000,
            review_ms: 10_000,
            passed_ms: 2_000,
            released_ms: 30_000,
            closed_ms: 60_000,
            summed_ms: 20_000,
        }
    }
}

impl Delays {
    /// Fast enough to watch a life go by.
    pub const DEMO: Self = Self {
        declaring_ms: 60,
        sent_ms: 20,
        stored_ms: 60,
        review_ms: 80,
        passed_ms: 40,
        released_ms: 120,
        closed_ms: 160,
        summed_ms: 80,
    };
    /// No waiting at all.
    pub const NONE: Self =
        Self { declaring_ms: 0, sent_ms: 0, stored_ms: 0, review_ms: 0, passed_ms: 0, released_ms: 0, closed_ms: 0, summed_ms: 0 };
}

/// How often the customs side does what it should not, or need not: each in things of a thousand (transport §4.6, §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Oddities {
    /// The first delivery of a message is lost after it was taken from the road: nothing is answered.
    pub silence: u16,
    /// A receipt is written late, so that later ones overtake it.
    pub late: u16,
    /// How late, at most, in milliseconds.
    pub late_ms: u64,
    /// A receipt is written twice.
    pub repeat: u16,
    /// A receipt carries a new guid in place of the document's.
    pub other_guid: u16,
    /// A guid is written in lower case.
    pub lower_case: u16,
    /// A message of receipts uses the prefix `ceb:` in place of the default namespace.
    pub prefixed: u16,
    /// A file begins with a byte 0x00 (a relay's customs header).
    pub zero_byte: u16,
    /// A message is handed over in its routing shell (DxpMsgSv).
    pub shell: u16,
    /// A file of garbage lies beside a message.
    pub garbage: u16,
    /// A receipt for a document of another system lies beside a message.
    pub stranger: u16,
    /// The platform reports a time-out (DxpRep 3003); every second time it took the message all the same.
    pub time_out: u16,
    /// The port could not pass the document on (4) the first time.
    pub port_failed: u16,
    /// 3 comes between 2 and 120.
    pub sent: u16,
    /// An officer looks at an inventory, or at a return of goods (300).
    pub review: u16,
    /// The goods are inspected (500).
    pub inspection: u16,
}

impl Oddities {
    /// None: the straight road.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// A bit of everything.
    #[must_use]
    pub const fn mild() -> Self {
        Self {
            silence: 20,
            late: 50,
            late_ms: 500,
            repeat: 30,
            other_guid: 300,
            lower_case: 300,
            prefixed: 200,
            zero_byte: 50,
            shell: 100,
            garbage: 10,
            stranger: 10,
            time_out: 10,
            port_failed: 5,
            sent: 300,
            review: 50,
            inspection: 30,
        }
    }

    /// For a demonstration: mild, with so many of each that a few hundred documents meet them all.
    #[must_use]
    pub const fn demo() -> Self {
        Self { late: 80, late_ms: 300, repeat: 60, garbage: 60, stranger: 60, time_out: 40, silence: 60, port_failed: 10, ..Self::mild() }
    }
}

/// What the simulated customs is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Where its roads are: DIR/<road>/out is read, DIR/<road>/in written; DIR/<road>/sent and /received keep what went by.
    pub dir: PathBuf,
    /// The roads: one customs stands behind them all.
    pub roads: Vec<String>,
    /// The seed of everything that chance decides.
    pub seed: u64,
    /// How the three documents find together.
    pub matching: Matching,
    /// Who moves the goods.
    pub movement: Movement,
    /// A manifest is answered with 120 before 399: the specification's list has it, its schema's has not.
    pub manifest_stored: bool,
    /// A manifest is answered with 800 once the goods of its bill have arrived: seen in another simulator (spec of the messages, §5).
    pub manifest_released: bool,
    /// How signatures are looked at.
    pub signatures: Signatures,
    /// The senders it knows; if none is named, every sender is taken as it says it is.
    pub known: Vec<Identity>,
    /// Its own dxpId: the receiver of every export message (transport §1.6).
    pub dxp_id: String,
    /// Receipts to a message, 1 to 100.
    pub receipts_per_message: usize,
    /// How long each step takes.
    pub delays: Delays,
    /// How odd it is.
    pub oddities: Oddities,
    /// What is to become of certain documents.
    pub script: Script,
    /// A TOML file with more of it.
    pub script_file: Option<PathBuf>,
    /// Whether numbers ask for what is to become of their documents, as `docs/sandbox.md` says.
    pub sandbox: bool,
    /// Milliseconds between two looks at the roads.
    pub poll_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("roads"),
            roads: vec!["guangzhou".to_owned(), "huangpu".to_owned()],
            seed: 1,
            matching: Matching::default(),
            movement: Movement::default(),
            manifest_stored: false,
            manifest_released: false,
            signatures: Signatures::default(),
            known: Vec::new(),
            dxp_id: "DXPEDCCEB0000003".to_owned(),
            receipts_per_message: 20,
            delays: Delays::default(),
            oddities: Oddities::mild(),
            script: Script::default(),
            script_file: None,
            sandbox: false,
            poll_ms: 50,
        }
    }
}

impl Options {
    /// The time between two looks at the roads.
    #[must_use]
    pub fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms.max(1))
    }
}
