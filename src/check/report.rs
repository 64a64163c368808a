//! Gathers findings as they come up and writes them out in the order of the document.

use time::Date;

use super::{Conversion, Finding, Findings, Severity, fields::Field, rules::Rule};

/// The most findings that are held, to be put in order; of more, which only a long list can have, those that came later are
/// only counted.
const MOST_HELD: usize = 20_000;

/// What was found so far.
pub(super) struct Report {
    /// The day on which codes must hold.
    pub(super) today: Date,
    found: Vec<Found>,
    unheld: usize,
    refused: bool,
    converted: Vec<Written>,
}

/// A code that is written otherwise than it was sent.
struct Written {
    field: Field,
    index: usize,
    sent: String,
    written: String,
}

struct Found {
    rule: &'static Rule,
    field: Field,
    index: usize,
    detail: String,
}

impl Found {
    /// Lines stand where their list stands: all fields of one line come before the next line.
    fn place(&self) -> (Field, usize, Field) {
        (self.field.list().unwrap_or(self.field), self.index, self.field)
    }

    fn write(&self) -> Finding {
        let spec = self.field.spec();
        self.rule.finding(spec.path_at(self.index), (spec.zh, spec.en), &self.detail)
    }
}

impl Report {
    pub(super) const fn new(today: Date) -> Self {
        Self { today, found: Vec::new(), unheld: 0, refused: false, converted: Vec::new() }
    }

    /// Notes that `rule` is broken by `field`, in the line with that index if it belongs to one.
    pub(super) fn add(&mut self, rule: &'static Rule, field: Field, index: usize, detail: impl Into<String>) {
        self.refused |= rule.severity == Severity::Error;
        if self.found.len() < MOST_HELD {
            self.found.push(Found { rule, field, index, detail: detail.into() });
        } else {
            self.unheld += 1;
        }
    }

    /// Notes that a code is written otherwise than it was sent.
    pub(super) fn convert(&mut self, field: Field, index: usize, sent: &str, written: &str) {
        if sent != written && self.converted.len() < MOST_HELD {
            self.converted.push(Written { field, index, sent: sent.to_owned(), written: written.to_owned() });
        }
    }

    /// The codes that are written otherwise than they were sent, in the order of the document.
    pub(super) fn conversions(mut self) -> Vec<Conversion> {
        self.converted.sort_by_key(|of| (of.field.list().unwrap_or(of.field), of.index, of.field));
        let told = |of: Written| Conversion { path: of.field.spec().path_at(of.index), sent: of.sent, written: of.written };
        self.converted.into_iter().map(told).collect()
    }

    /// The warnings, or everything if there is an error.
    pub(super) fn finish(mut self) -> Result<Vec<Finding>, Findings> {
        self.found.sort_by_cached_key(Found::place);
        let list = self.found.iter().take(Findings::MOST).map(Found::write).collect();
        if self.refused { Err(Findings { list, total: self.found.len() + self.unheld }) } else { Ok(list) }
    }
}
