//! From what customs says to files: receipts gathered into messages, in the forms in which they really come.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::{
    clock::{Clockwork, Timestamp},
    declaration::{DocumentGuid, Kind, MessageId, wire_guid},
    message::{self, Message, Namespacing, Reply, Style, SummaryReply, dxp},
    receipt::{Key, Receipt},
};

use super::{
    customs::{Said, Speech, Summed, Told},
    dice::Dice,
    options::{Oddities, Options},
    paper::{Address, Name},
};

/// A file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The road it goes to.
    pub road: String,
    /// Its name.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Whether it answers anything: garbage does not, and is not kept.
    pub is_answer: bool,
}

/// Holds what is said until it is written.
#[derive(Debug)]
pub struct Writing {
    dxp_id: String,
    per_message: usize,
    oddities: Oddities,
    dice: Dice,
    clockwork: Clockwork,
    held: BTreeMap<(Timestamp, u64), Said>,
    held_ever: u64,
}

impl Writing {
    /// Nothing to be written yet.
    #[must_use]
    pub fn new(options: &Options, clockwork: Clockwork) -> Self {
        Self {
            dxp_id: options.dxp_id.clone(),
            per_message: options.receipts_per_message.clamp(1, message::MAX_DOCUMENTS),
            oddities: options.oddities,
            dice: Dice(options.seed),
            clockwork,
            held: BTreeMap::new(),
            held_ever: 0,
        }
    }

    /// Takes what was said: some of it will be written late, some twice.
    pub fn add(&mut self, said: Said) {
        if self.oddities.repeat == 0 && self.oddities.late == 0 {
            return self.hold(said.at, said);
        }
        let thing = match &said.speech {
            Speech::Summed(summed) => format!("{}{}", summed.result.declaration_seq_no, summed.result.state),
            Speech::Receipt(told) => format!("{}{}", Name::of_key(&told.receipt.key).text(), told.receipt.code),
            Speech::Format(receipt, _) => receipt.original.clone(),
            Speech::Transport(receipt, _) => receipt.original.clone(),
        };
        let late = |dice: Dice, purpose| {
            let wait = dice.below(self.oddities.late_ms.saturating_add(1), purpose, &thing);
            said.at + std::time::Duration::from_millis(wait)
        };
        let twice = self.dice.chance(self.oddities.repeat, "repeat", &thing).then(|| late(self.dice, "repeated"));
        let at = if self.dice.chance(self.oddities.late, "late", &thing) { late(self.dice, "later") } else { said.at };
        if let Some(again) = twice {
            self.hold(again, said.clone());
        }
        self.hold(at, said);
    }

    fn hold(&mut self, at: Timestamp, said: Said) {
        self.held_ever += 1;
        self.held.insert((at, self.held_ever), said);
    }

    /// The files that are to be written by `now`.
    ///
    /// # Errors
    /// When what is to be said cannot be written in XML.
    pub fn ready(&mut self, now: Timestamp) -> Result<Vec<File>, message::Error> {
        let mut gathered: BTreeMap<(Address, Kind), Vec<Told>> = BTreeMap::new();
        let mut summed: BTreeMap<Address, Vec<Summed>> = BTreeMap::new();
        let mut files = Vec::new();
        while let Some(entry) = self.held.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let said = entry.remove();
            match said.speech {
                Speech::Receipt(told) => gathered.entry((said.address, told.receipt.key.kind())).or_default().push(*told),
                Speech::Summed(one) => summed.entry(said.address).or_default().push(*one),
                Speech::Format(receipt, refused) => {
                    let guid = MessageId(self.clockwork.id());
                    let bytes = message::compose_format(guid, &receipt, &refused, "", self.style(&guid))?;
                    self.put(&mut files, &said.address, Message::Format, guid, bytes, now)?;
                }
                Speech::Transport(receipt, refused) => {
                    let guid = MessageId(self.clockwork.id());
                    let original = dxp::Address {
                        cop_msg_id: &receipt.original,
                        sender: &receipt.sender_dxp_id,
                        receiver: &self.dxp_id,
                        at: said.at,
                        msg_type: &refused,
                    };
                    let bytes = dxp::compose_report(&receipt.code, &receipt.info, said.at, &original)?;
                    files.push(self.file(&said.address, Message::TransportReport, guid, bytes));
                }
            }
        }
        for ((address, kind), receipts) in gathered {
            for some in receipts.chunks(self.per_message) {
                self.receipts(&mut files, &address, kind, some, now)?;
            }
        }
        for (address, results) in summed {
            for some in results.chunks(self.per_message) {
                self.results(&mut files, &address, some, now)?;
            }
        }
        Ok(files)
    }

    fn results(&self, files: &mut Vec<File>, address: &Address, summed: &[Summed], now: Timestamp) -> Result<(), message::Error> {
        let guid = MessageId(self.clockwork.id());
        let replies: Vec<_> = summed
            .iter()
            .map(|summed| SummaryReply {
                guid: DocumentGuid(self.clockwork.id()),
                result: &summed.result,
                names: summed.names.each_ref().map(String::as_str),
            })
            .collect();
        let bytes = message::compose_summary_results(guid, &replies, self.style(&guid))?;
        self.put(files, address, Message::SummaryResults, guid, bytes, now)
    }

    fn receipts(&self, files: &mut Vec<File>, address: &Address, kind: Kind, told: &[Told], now: Timestamp) -> Result<(), message::Error> {
        let guid = MessageId(self.clockwork.id());
        let replies: Vec<_> = told
            .iter()
            .map(|told| Reply {
                guid: self.guid(told),
                receipt: &told.receipt,
                statistics: &told.statistics,
                follow_up: told.follow_up.as_deref(),
            })
            .collect();
        let bytes = message::compose_receipts(kind, guid, &replies, self.style(&guid))?;
        self.put(files, address, Message::Receipts(kind), guid, bytes, now)?;
        if self.odd(self.oddities.stranger, "stranger", &guid) {
            self.stranger(files, address, now)?;
        }
        if self.odd(self.oddities.garbage, "garbage", &guid) {
            let bytes = b"\x1f\x8b\x08garbage <CEB604Message".to_vec();
            files.push(File { road: address.road.clone(), name: format!("garbage_{}.xml", guid.0), bytes, is_answer: false });
        }
        Ok(())
    }

    /// A receipt that belongs to another system behind the same identity.
    fn stranger(&self, files: &mut Vec<File>, address: &Address, now: Timestamp) -> Result<(), message::Error> {
        let guid = MessageId(self.clockwork.id());
        let order_no = format!("OTHER{}", self.clockwork.below(1_000_000_000));
        let key = Key::Order { platform: "无".to_owned(), seller: "OTHER-SYSTEM".to_owned(), order_no };
        let info = "[Code:1800;Desc:逻辑校验通过]".to_owned();
        let receipt = Receipt {
            key,
            code: "120".to_owned(),
            at: Some(now),
            info,
            port_no: None,
            inventory_no: None,
            summary_no: None,
            bill_no: None,
        };
        let reply = Reply { guid: DocumentGuid(guid.0), receipt: &receipt, statistics: "", follow_up: None };
        let bytes = message::compose_receipts(Kind::Order, guid, &[reply], self.style(&guid))?;
        self.put(files, address, Message::Receipts(Kind::Order), guid, bytes, now)
    }

    /// The document's guid, unless it was none or the dice give another.
    fn guid(&self, told: &Told) -> DocumentGuid {
        let odd = self.oddities.other_guid;
        let other = odd > 0 && self.dice.chance(odd, "guid", &format!("{}{}", told.guid, told.receipt.code));
        let own = Uuid::parse_str(&told.guid).ok().filter(|_| !other);
        DocumentGuid(own.unwrap_or_else(|| self.clockwork.id()))
    }

    fn style(&self, guid: &MessageId) -> Style {
        let prefixed = self.odd(self.oddities.prefixed, "prefixed", guid);
        Style {
            namespacing: if prefixed { Namespacing::Prefixed } else { Namespacing::Default },
            lower_case: self.odd(self.oddities.lower_case, "lower-case", guid),
        }
    }

    fn odd(&self, per_mille: u16, what: &str, guid: &MessageId) -> bool {
        per_mille > 0 && self.dice.chance(per_mille, what, &guid.0.to_string())
    }

    /// Adds a business message, in the envelope that its receiver expects.
    fn put(
        &self,
        files: &mut Vec<File>,
        address: &Address,
        message: Message,
        guid: MessageId,
        bytes: Vec<u8>,
        now: Timestamp,
    ) -> Result<(), message::Error> {
        let mut bytes = bytes;
        if address.enveloped {
            let outside = dxp::Address {
                cop_msg_id: &wire_guid(guid.0),
                sender: &self.dxp_id,
                receiver: &address.dxp_id,
                at: now,
                msg_type: message.wire_type(),
            };
            bytes = dxp::wrap(&outside, &bytes, "")?;
            if self.odd(self.oddities.shell, "shell", &guid) {
                bytes = dxp::shell(&bytes, guid.0, now)?;
            }
        }
        if self.odd(self.oddities.zero_byte, "zero-byte", &guid) {
            bytes.insert(0, 0);
        }
        files.push(self.file(address, message, guid, bytes));
        Ok(())
    }

    fn file(&self, address: &Address, message: Message, guid: MessageId, bytes: Vec<u8>) -> File {
        let name = format!("{}_{}.xml", message.wire_type(), wire_guid(guid.0));
        File { road: address.road.clone(), name, bytes, is_answer: true }
    }
}
