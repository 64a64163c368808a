//! What the simulated customs has seen.

use std::{collections::BTreeMap, fmt};

use crate::declaration::Kind;

/// Counts since the folders were empty; after a restart counted again from what was kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Messages taken, refused ones among them.
    pub messages: u64,
    /// Messages refused whole.
    pub refused_messages: u64,
    /// Deliveries that were lost on purpose.
    pub silenced: u64,
    /// Files that could not be read at all.
    pub unreadable: u64,
    /// Files of a name that was there already with other bytes.
    pub renamed: u64,
    /// Documents taken, by kind; a document declared anew after a refusal counts again, and so does a change.
    pub documents: BTreeMap<Kind, u64>,
    /// What became of them, by kind.
    pub kinds: BTreeMap<Kind, Counts>,
    /// Inventories closed (899).
    pub closed: u64,
    /// Orders and waybills stored (120).
    pub stored: u64,
    /// Documents refused (100).
    pub refused: u64,
    /// Documents answered below zero.
    pub rejected: u64,
    /// Inventories that wait for an order or a waybill.
    pub unmatched: u64,
    /// One business key and action received under another sealed digest or document guid while the first was alive. None should be.
    pub declared_twice: Vec<String>,
    /// The same bytes delivered again: harmless.
    pub delivered_again: u64,
}

/// What became of the documents of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Came to their good end: 120 what a parcel begins with, 899 an inventory, 800 a return, 399 all others.
    pub ended: u64,
    /// Deleted or cancelled, as customs granted.
    pub withdrawn: u64,
    /// Refused (100).
    pub refused: u64,
    /// Answered below zero.
    pub rejected: u64,
    /// Wait for another document, or for another part.
    pub waiting: u64,
    /// The same bytes again.
    pub again: u64,
    /// Declared twice.
    pub twice: u64,
}

impl Report {
    /// The counts of a kind.
    pub(super) fn of(&mut self, kind: Kind) -> &mut Counts {
        self.kinds.entry(kind).or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let documents: Vec<_> = self.documents.iter().map(|(kind, count)| format!("{} {count}", kind.as_str())).collect();
        writeln!(
            f,
            "  报文 · messages {} (整份退回 · refused whole {}), 单证 · documents: {}",
            self.messages,
            self.refused_messages,
            documents.join(", ")
        )?;
        writeln!(
            f,
            "  入库 · stored {}, 结关 · closed {}, 退单 · refused {}, 异常 · rejected {}, 待匹配 · unmatched {}",
            self.stored, self.closed, self.refused, self.rejected, self.unmatched
        )?;
        for (kind, counts) in &self.kinds {
            writeln!(f, "    {} · {}: {counts}", kind.row().zh, kind.row().en)?;
        }
        writeln!(
            f,
            "  不予应答 · met with silence {}, 原样重送 · delivered again {}, 无法读取 · unreadable {}",
            self.silenced, self.delivered_again, self.unreadable
        )?;
        write!(f, "  重复申报 · declared twice {}", self.declared_twice.len())?;
        for key in &self.declared_twice {
            write!(f, "\n    {key}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "终结 · ended {}", self.ended)?;
        let others = [
            ("撤销 · withdrawn", self.withdrawn),
            ("退单 · refused", self.refused),
            ("异常 · rejected", self.rejected),
            ("等待 · waiting", self.waiting),
            ("重送 · again", self.again),
            ("重复 · twice", self.twice),
        ];
        others.iter().filter(|(_, count)| *count > 0).try_for_each(|(name, count)| write!(f, ", {name} {count}"))
    }
}
