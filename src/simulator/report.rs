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
    /// Documents taken, by kind; a document declared anew after a refusal counts again.
    pub documents: BTreeMap<Kind, u64>,
    /// Inventories closed (899).
    pub closed: u64,
    /// Orders and waybills stored (120).
    pub stored: u64,
    /// Documents refused (100).
    pub refused: u64,
    /// Inventories cancelled (606: 399).
    pub cancelled: u64,
    /// Documents answered below zero.
    pub rejected: u64,
    /// Inventories that wait for an order or a waybill.
    pub unmatched: u64,
    /// One business key and action received under another sealed digest or document guid while the first was alive. None should be.
    pub declared_twice: Vec<String>,
    /// The same bytes delivered again: harmless.
    pub delivered_again: u64,
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
            "  入库 · stored {}, 结关 · closed {}, 退单 · refused {}, 撤销 · cancelled {}, 异常 · rejected {}, 待匹配 · unmatched {}",
            self.stored, self.closed, self.refused, self.cancelled, self.rejected, self.unmatched
        )?;
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
