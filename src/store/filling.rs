//! Fills a store for a measurement: what is kept of a few lives is written again and again under other ids, numbers and times, by the
//! database itself. Only [`crate::bench`] calls it, on a store that it has made.
//!
//! Declarations, documents, waybills, their numbers, decisions and the last receipt of each document are copied; messages, arrivals and the
//! audit log are not.

/// How a store is filled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filling {
    /// How often everything is written again.
    pub copies: u32,
    /// Microseconds between one copy and the next.
    pub apart_us: i64,
    /// Milliseconds since 1970 that the ids of the first copy begin with.
    pub from_ms: u64,
}

impl Filling {
    /// What the numbers of a copy begin with.
    pub(crate) fn prefix(copy: u32) -> String {
        format!("C{copy}-")
    }

    /// What the ids of a copy begin with, in place of their own first 6 bytes: 12 hexadecimal digits.
    pub(crate) fn beginning(&self, copy: u32) -> String {
        let apart_ms = u64::try_from(self.apart_us / 1_000).unwrap_or(0);
        format!("{:012x}", self.from_ms.saturating_add(apart_ms.saturating_mul(u64::from(copy))))
    }

    /// How much later a copy is.
    pub(crate) fn later_us(&self, copy: u32) -> i64 {
        self.apart_us.saturating_mul(i64::from(copy))
    }
}

/// What becomes of a column in a copy; one that is not named stays as it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Becomes {
    /// An id, if it is one.
    Id,
    /// A number.
    Number,
    /// A moment.
    Moment,
    /// Text with numbers in it.
    Body,
    /// Nothing.
    Nothing,
}

/// A table that is copied: what of it, and what becomes of its columns.
pub(super) struct Table {
    pub name: &'static str,
    /// Which rows.
    pub rows: &'static str,
    pub columns: &'static [(&'static str, Becomes)],
}

use Becomes::{Body, Id, Moment, Nothing, Number};

pub(super) const TABLES: [Table; 7] = [
    Table {
        name: "declarations",
        rows: "true",
        columns: &[("id", Id), ("accepted_at", Moment), ("needed_by", Moment), ("waybill_no", Number), ("body", Body)],
    },
    Table {
        name: "documents",
        rows: "true",
        columns: &[
            ("id", Id),
            ("declaration", Id),
            ("guid", Id),
            ("enterprise_no", Number),
            ("port_no", Number),
            ("inventory_no", Number),
            ("verdict_at", Moment),
            ("needed_by", Moment),
            ("lot", Nothing),
            ("message", Nothing),
        ],
    },
    Table { name: "waybills", rows: "true", columns: &[("id", Id), ("declaration", Id), ("accepted_at", Moment), ("body", Body)] },
    Table { name: "waybill_documents", rows: "true", columns: &[("document", Id), ("waybill", Id)] },
    Table {
        name: "numbers",
        rows: "true",
        columns: &[("number", Number), ("holder", Id), ("at", Moment), ("declaration", Id), ("document", Id)],
    },
    Table { name: "assessments", rows: "true", columns: &[("declaration", Id), ("decided_at", Moment)] },
    Table {
        name: "receipts",
        rows: "document IS NOT NULL AND NOT EXISTS (SELECT 1 FROM receipts l WHERE l.document = receipts.document \
               AND (l.arrival, l.ordinal) > (receipts.arrival, receipts.ordinal))",
        columns: &[("arrival", Id), ("at", Moment), ("document", Id)],
    },
];

impl Table {
    /// The table that holds what is copied.
    pub(super) fn source(&self) -> String {
        format!("filling_{}", self.name)
    }

    /// The statement that writes a copy, from what a database does to a column.
    pub(super) fn statement(&self, columns: &[String], made: impl Fn(&str, Becomes) -> String) -> String {
        let named = |column: &String| self.columns.iter().find(|(name, _)| name == column).map(|(_, becomes)| *becomes);
        let values: Vec<_> =
            columns.iter().map(|column| named(column).map_or_else(|| column.clone(), |becomes| made(column, becomes))).collect();
        format!("INSERT INTO {} ({}) SELECT {} FROM {}", self.name, columns.join(", "), values.join(", "), self.source())
    }
}
