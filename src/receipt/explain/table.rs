//! The tables in `src/receipt/*.tsv`, whose first lines name their source and their columns.

use std::sync::LazyLock;

use super::Side;

/// A row: for which answered messages and codes, and what it says.
pub(super) struct Row {
    kinds: &'static str,
    first: i64,
    last: i64,
    pub zh: &'static str,
    pub en: &'static str,
    pub fault: Fault,
    pub remedy: &'static Remedy,
    pub source: &'static str,
}

/// What to do about it.
pub(super) struct Remedy {
    key: &'static str,
    pub side: Fault,
    pub zh: &'static str,
    pub en: &'static str,
}

/// A phrase in a text, or the number of a remark, and what it says.
pub(super) struct Phrase {
    pub phrase: &'static str,
    kinds: &'static str,
    /// Whether it counts only in a text that says that something failed.
    pub of_errors: bool,
    pub zh: &'static str,
    pub en: &'static str,
    pub fault: Fault,
    pub remedy: Option<&'static Remedy>,
}

/// Who: somebody, or whoever's data the document holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Of(Side),
    Sender,
}

impl Fault {
    const NAMES: [(&'static str, Self); 9] = [
        ("gateway", Self::Of(Side::Gateway)),
        ("seller", Self::Of(Side::Seller)),
        ("carrier", Self::Of(Side::Carrier)),
        ("declarant", Self::Of(Side::Declarant)),
        ("site", Self::Of(Side::Site)),
        ("port", Self::Of(Side::Port)),
        ("customs", Self::Of(Side::Customs)),
        ("nobody", Self::Of(Side::Nobody)),
        ("sender", Self::Sender),
    ];

    fn parse(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, fault)| fault)
    }

    /// Who that is for a document of that message number (message specification 202205: who sends which, messages §1, §2).
    pub const fn side(self, number: i64) -> Side {
        match self {
            Self::Of(side) => side,
            Self::Sender => match number {
                505 | 509 | 511 | 513 => Side::Carrier,
                507 | 215 | 711 => Side::Site,
                605 | 607 | 701 | 623 => Side::Declarant,
                _ => Side::Seller,
            },
        }
    }
}

/// What to do, by key.
static REMEDIES: LazyLock<Vec<Remedy>> = LazyLock::new(|| {
    rows(include_str!("../remedies.tsv"), |cells| match *cells {
        [key, side, zh, en] => Some(Remedy { key, side: Fault::parse(side)?, zh, en }),
        _ => None,
    })
});
/// Codes of zero and above.
pub(super) static STATUSES: LazyLock<Vec<Row>> = LazyLock::new(|| rows(include_str!("../statuses.tsv"), row));
/// Codes below zero.
pub(super) static ERRORS: LazyLock<Vec<Row>> = LazyLock::new(|| rows(include_str!("../errors.tsv"), row));
/// The transport's own codes.
pub(super) static TRANSPORT: LazyLock<Vec<Row>> = LazyLock::new(|| rows(include_str!("../transport.tsv"), row));
/// Bracketed remarks, by their number.
pub(super) static REMARKS: LazyLock<Vec<Phrase>> = LazyLock::new(|| {
    rows(include_str!("../remarks.tsv"), |cells| match *cells {
        [phrase, zh, en, fault, key] => {
            Some(Phrase { phrase, kinds: "*", of_errors: false, zh, en, fault: Fault::parse(fault)?, remedy: remedy(key) })
        }
        _ => None,
    })
});
/// Phrases of texts.
pub(super) static PHRASES: LazyLock<Vec<Phrase>> = LazyLock::new(|| {
    rows(include_str!("../phrases.tsv"), |cells| match *cells {
        [phrase, kinds, when, zh, en, fault, key] => Some(Phrase {
            phrase,
            kinds,
            of_errors: when == "error",
            zh,
            en,
            fault: Fault::parse(fault).unwrap_or(Fault::Of(Side::Nobody)),
            remedy: remedy(key),
        }),
        _ => None,
    })
});

fn rows<T>(text: &'static str, read: fn(&[&'static str]) -> Option<T>) -> Vec<T> {
    text.lines().skip(1).filter_map(|line| read(&line.split('\t').collect::<Vec<_>>())).collect()
}

fn row(cells: &[&'static str]) -> Option<Row> {
    let [kinds, first, last, zh, en, fault, key, source] = *cells else { return None };
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    Some(Row { kinds, first, last, zh, en, fault: Fault::parse(fault)?, remedy: remedy(key)?, source })
}

/// The remedy of that key.
pub(super) fn remedy(key: &str) -> Option<&'static Remedy> {
    REMEDIES.iter().find(|remedy| remedy.key == key)
}

fn covers(kinds: &str, number: i64) -> bool {
    kinds == "*" || kinds.split(',').any(|known| known.parse() == Ok(number))
}

impl Row {
    /// Whether it speaks of that code, whichever message it answers.
    pub fn has(&self, code: i64) -> bool {
        let range = if self.first <= self.last { self.first..=self.last } else { self.last..=self.first };
        range.contains(&code)
    }

    /// Whether it speaks of that code in an answer to that message.
    pub fn fits(&self, number: i64, code: i64) -> bool {
        self.has(code) && covers(self.kinds, number)
    }

    /// Whether it speaks of one code alone.
    pub const fn is_exact(&self) -> bool {
        self.first == self.last
    }

    /// The messages it speaks of.
    pub const fn kinds(&self) -> &'static str {
        self.kinds
    }
}

impl Phrase {
    /// Whether it stands in an answer to that message.
    pub fn fits(&self, number: i64, text: &str) -> bool {
        covers(self.kinds, number) && text.contains(self.phrase)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_row_is_read() {
        let lines = |text: &str| text.lines().count() - 1;
        assert_eq!(REMEDIES.len(), lines(include_str!("../remedies.tsv")));
        assert_eq!(REMARKS.len(), lines(include_str!("../remarks.tsv")));
        assert_eq!(PHRASES.len(), lines(include_str!("../phrases.tsv")));
        for (rows, file) in [
            (&STATUSES, include_str!("../statuses.tsv")),
            (&ERRORS, include_str!("../errors.tsv")),
            (&TRANSPORT, include_str!("../transport.tsv")),
        ] {
            assert_eq!(rows.len(), lines(file));
            for row in rows.iter() {
                assert!(!row.zh.is_ascii() && row.en.is_ascii() && !row.en.is_empty() && !row.source.is_empty(), "{}", row.en);
            }
        }
        for remedy in REMEDIES.iter() {
            assert!(!remedy.zh.is_ascii() && remedy.en.is_ascii() && !remedy.en.is_empty(), "{}", remedy.key);
            assert_eq!(REMEDIES.iter().filter(|other| other.key == remedy.key).count(), 1, "{}", remedy.key);
        }
    }

    #[test]
    fn every_remedy_is_used() {
        let tables = ["errors", "statuses", "transport", "remarks", "phrases"]
            .map(|name| std::fs::read_to_string(format!("{}/src/receipt/{name}.tsv", env!("CARGO_MANIFEST_DIR"))).unwrap());
        let code = include_str!("../explain.rs");
        for remedy in REMEDIES.iter() {
            let in_table = tables.iter().any(|table| table.split(['\t', '\n']).any(|cell| cell == remedy.key));
            assert!(in_table || code.contains(&format!("\"{}\"", remedy.key)), "{}", remedy.key);
        }
    }
}
