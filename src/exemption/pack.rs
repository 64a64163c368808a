//! Rule packs: which law holds for which export dates, as data with a version and a digest.

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::Date;

use crate::clock::parse_day;

use super::{
    decision::PackUsed,
    places::Reading,
    reasons::Reasons,
    rules::Rules,
    table::{DataError, Span, rows, span},
};

const TABLE: &str = "rule pack";
const TO_2025: &str = include_str!("packs/export-2018-2.tsv");
const FROM_2026: &str = include_str!("packs/export-2026-2.tsv");
const REASONS: &str = include_str!("packs/reasons-1.tsv");
const RULES: &str = include_str!("packs/rules-1.tsv");

/// The files of a pack: its values, the texts of its reasons, its decision table.
struct Edition {
    values: &'static str,
    reasons: &'static str,
    /// Nothing: it decided by a table that stood in the program. It can be read, and decides nothing any more.
    rules: Option<&'static str>,
}

impl Edition {
    fn pack(&self) -> Result<Pack, DataError> {
        Pack::of(self.values, Reasons::parse(self.reasons)?, self.reasons, self.rules)
    }
}

/// The files of the packs that hold now, each with its name, in the order of [`Pack::FILES`]: to be changed and replayed.
pub fn shipped_files() -> impl Iterator<Item = (String, [&'static str; 3])> {
    let name = |values: &str| {
        let named = values.lines().find_map(|line| line.strip_prefix("pack\t")).and_then(|rest| rest.split('\t').next());
        named.unwrap_or_default().to_owned()
    };
    EDITIONS.iter().take(CURRENT).filter_map(move |edition| Some((name(edition.values), [edition.values, edition.rules?, edition.reasons])))
}

/// Every pack that ever decided, the current ones first: a paper names its pack by digest and reads as it did. A row that has landed
/// stays. Who changes a pack, its texts or its table raises its version, leaves the old files beside the new ones, and puts a row in
/// front.
const EDITIONS: [Edition; 4] = [
    Edition { values: TO_2025, reasons: REASONS, rules: Some(RULES) },
    Edition { values: FROM_2026, reasons: REASONS, rules: Some(RULES) },
    Edition { values: include_str!("packs/export-2018-1.tsv"), reasons: REASONS, rules: None },
    Edition { values: include_str!("packs/export-2026-1.tsv"), reasons: REASONS, rules: None },
];
/// How many of them hold now, at the front.
const CURRENT: usize = 2;

/// Whether 财税〔2018〕103号 is known to be in force for a pack's dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RegimeStatus {
    /// Checked against the official text.
    Verified,
    /// Not checked: decisions stop at D00 unless a named override is configured.
    Unverified,
}

/// A limit or reading by name, with its dates and its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The days it holds for.
    pub span: Span,
    /// Where it comes from.
    pub source: String,
}

/// The rules for a span of export dates. Two are the same if their digests are.
#[derive(Clone)]
pub struct Pack {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its values, its texts and its decision table, a zero byte between them, in hexadecimal.
    pub digest: String,
    /// The texts of its reasons.
    pub reasons: Reasons,
    /// Its decision table.
    pub(super) rules: Rules,
    /// The export dates it covers.
    pub covers: Span,
    /// Whether 财税〔2018〕103号 is verified for them.
    pub regime_103: RegimeStatus,
    /// The first export date of 财税〔2018〕103号.
    pub policy_from: Date,
    /// The readings of 综试区所在地海关 that are possible.
    pub readings: Vec<Reading>,
    verified_rules: Vec<String>,
    parameters: Vec<Parameter>,
}

impl PartialEq for Pack {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Pack {}

impl fmt::Debug for Pack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.version, self.digest)
    }
}

impl Pack {
    /// Reads the form of the shipped packs, with the current texts and decision table.
    ///
    /// # Errors
    /// If a row is not of that form or a value that every pack needs is missing.
    pub fn parse(values: &str) -> Result<Self, DataError> {
        Self::of(values, Reasons::parse(REASONS)?, REASONS, Some(RULES))
    }

    /// The names of the files of a pack in a folder: values, decision table, reasons.
    pub const FILES: [&str; 3] = ["values.tsv", "rules.tsv", "reasons.tsv"];

    /// Reads a whole pack: values, decision table, texts of its reasons.
    ///
    /// # Errors
    /// If a row is not of the form of the shipped packs, a value that every pack needs is missing, or a rule has no test here.
    pub fn read(values: &str, rules: &str, reasons: &str) -> Result<Self, DataError> {
        Self::of(values, Reasons::read(reasons)?, reasons, Some(rules))
    }

    /// Reads a pack from its files.
    ///
    /// # Errors
    /// If a row is not of that form or a value that every pack needs is missing.
    fn of(values: &str, texts: Reasons, reasons: &str, rules: Option<&str>) -> Result<Self, DataError> {
        let mut parameters = Vec::new();
        for row in rows(TABLE, ["name", "value", "from", "to", "source"], values)? {
            let [name, value, from, to, source] = row.cells;
            let span = span(TABLE, row.line, from, to)?;
            parameters.push(Parameter { name: name.to_owned(), value: value.to_owned(), span, source: source.to_owned() });
        }
        let find = |name: &str| parameters.iter().find(|parameter| parameter.name == name);
        let need = |name: &str| find(name).ok_or_else(|| DataError::new(TABLE, 0, format!("{name} is missing")));
        let regime_103 = match need("regime_103_status")?.value.as_str() {
            "VERIFIED" => RegimeStatus::Verified,
            "UNVERIFIED" => RegimeStatus::Unverified,
            _ => return Err(DataError::new(TABLE, 0, "regime_103_status is VERIFIED or UNVERIFIED")),
        };
        let policy_from = parse_day(&need("policy_from")?.value).ok_or_else(|| DataError::new(TABLE, 0, "policy_from is a day"))?;
        let readings: Option<Vec<Reading>> = listed(&need("readings")?.value).map(Reading::parse).collect();
        Ok(Self {
            name: need("pack")?.value.clone(),
            version: need("version")?.value.clone(),
            digest: digest([Some(values), Some(reasons), rules]),
            reasons: texts,
            rules: rules.map_or_else(|| Ok(Rules::default()), Rules::parse)?,
            covers: need("covers")?.span,
            regime_103,
            policy_from,
            readings: readings.filter(|some| !some.is_empty()).ok_or_else(|| DataError::new(TABLE, 0, "readings are not known"))?,
            verified_rules: listed(&need("verified_rules")?.value).map(str::to_owned).collect(),
            parameters,
        })
    }

    /// What a paper says of it.
    #[must_use]
    pub fn used(&self) -> PackUsed {
        PackUsed { name: self.name.clone(), version: self.version.clone(), digest: self.digest.clone() }
    }

    /// Whether a failure of this rule, on mapped facts, is sure enough to tax on.
    #[must_use]
    pub fn is_verified(&self, rule: &str) -> bool {
        self.verified_rules.iter().any(|verified| verified == rule)
    }

    /// A named parameter as it stands on a day.
    #[must_use]
    pub fn parameter(&self, name: &str, day: Date) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name && parameter.span.holds(day))
    }

    /// A named limit as it stands on a day.
    #[must_use]
    pub fn limit(&self, name: &str, day: Date) -> Option<Decimal> {
        self.parameter(name, day)?.value.parse().ok()
    }

    /// Whether goods of this code may bear a consumption tax.
    #[must_use]
    pub fn may_bear_consumption_tax(&self, hs_code: &str, day: Date) -> bool {
        self.parameter("consumption_tax_prefixes", day).is_some_and(|known| listed(&known.value).any(|prefix| hs_code.starts_with(prefix)))
    }
}

fn digest(files: [Option<&str>; 3]) -> String {
    let mut digest = Sha256::new();
    for (place, file) in files.into_iter().flatten().enumerate() {
        if place > 0 {
            digest.update([0]);
        }
        digest.update(file);
    }
    hex::encode(digest.finalize())
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

static KNOWN: LazyLock<Result<Vec<Arc<Pack>>, DataError>> =
    LazyLock::new(|| EDITIONS.iter().map(|edition| edition.pack().map(Arc::new)).collect());

/// Every pack that ever decided, the current ones first.
pub(super) fn known() -> Result<&'static [Arc<Pack>], DataError> {
    KNOWN.as_deref().map_err(Clone::clone)
}

/// The pack that a paper names by its digest, if the program knows it.
pub(super) fn of_digest(digest: &str) -> Option<&'static Pack> {
    known().ok()?.iter().map(|pack| &**pack).find(|pack| pack.digest == digest)
}

/// All packs that hold now; the latest answers for a date that none covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packs {
    earlier: Vec<Arc<Pack>>,
    latest: Arc<Pack>,
}

impl Packs {
    /// The shipped ones: to 2025-12-31, and from 2026-01-01.
    ///
    /// # Errors
    /// If a shipped table is broken.
    pub fn shipped() -> Result<Self, DataError> {
        let current = known()?.iter().take(CURRENT).cloned().collect::<Vec<_>>();
        let (latest, earlier) = current.split_last().ok_or_else(|| DataError::new(TABLE, 0, "there is none"))?;
        Ok(Self::new(earlier.to_vec(), Arc::clone(latest)))
    }

    /// Packs of one's own, for replays and tests.
    #[must_use]
    pub const fn new(earlier: Vec<Arc<Pack>>, latest: Arc<Pack>) -> Self {
        Self { earlier, latest }
    }

    /// The same with another in front: it decides for the export dates that it covers.
    #[must_use]
    pub fn under(mut self, pack: Arc<Pack>) -> Self {
        self.earlier.insert(0, pack);
        self
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Pack>> {
        self.earlier.iter().chain([&self.latest])
    }

    /// The pack for an export date.
    #[must_use]
    pub fn on(&self, day: Date) -> &Arc<Pack> {
        self.earlier.iter().find(|pack| pack.covers.holds(day)).unwrap_or(&self.latest)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    const DIGESTS: &str = "\
export-2018 2 a001705e00c75b25
export-2026 2 b63a222a7197c2ba
export-2018 1 94ad29627d199c15
export-2026 1 995e92edcd7f2f7d";

    #[test]
    fn packs_change_at_midnight_of_2026() {
        let packs = Packs::shipped().unwrap();
        assert_eq!(packs.on(date!(2025 - 12 - 31)).name, "export-2018");
        assert_eq!(packs.on(date!(2026 - 01 - 01)).name, "export-2026");
        assert_eq!(packs.on(date!(2017 - 01 - 01)).name, "export-2018");
    }

    #[test]
    fn limits_are_dated_and_the_digest_is_of_the_bytes() {
        let pack = Pack::parse(FROM_2026).unwrap();
        assert_eq!(pack.limit("parcel_limit_cny", date!(2026 - 01 - 01)), Some(Decimal::from(5_000)));
        assert_eq!(pack.limit("parcel_limit_cny", date!(2018 - 12 - 09)), None);
        assert_eq!(pack.limit("no such", date!(2026 - 01 - 01)), None);
        assert_eq!(pack.digest.len(), 64);
        assert_ne!(Pack::parse(&FROM_2026.replace("\t5000\t", "\t5001\t")).unwrap().digest, pack.digest);
    }

    #[test]
    fn every_pack_that_decided_is_known_and_told_apart() {
        // Whoever changes a pack or its texts adds an edition: see EDITIONS. What stands here never changes.
        let known: Vec<_> = known().unwrap().iter().map(|pack| format!("{} {} {}", pack.name, pack.version, &pack.digest[..16])).collect();
        let landed: Vec<&str> = DIGESTS.lines().collect();
        assert_eq!(known, landed);
    }

    #[test]
    fn a_whole_pack_is_read_and_decides_where_it_covers() {
        for (name, [values, rules, reasons]) in shipped_files() {
            let pack = Pack::read(values, rules, reasons).unwrap();
            assert_eq!(pack.name, name);
            assert!(known().unwrap().contains(&Arc::new(pack)), "{name}: the files are the pack that is shipped");
        }
        let (_, [values, rules, reasons]) = shipped_files().last().unwrap();
        assert!(Pack::read(values, &rules.replace("D70\t", "D99\t"), reasons).is_err(), "a rule without a test");
        assert!(Pack::read(values, rules, &reasons.replace("\nOK-103\t", "\nOK-104\t")).is_err(), "the list of reasons is closed");
        let mine = Pack::read(&values.replace("version\t2", "version\t3"), rules, reasons).unwrap();
        let packs = Packs::shipped().unwrap().under(Arc::new(mine));
        assert_eq!((packs.on(date!(2026 - 05 - 01)).version.as_str(), packs.on(date!(2025 - 05 - 01)).version.as_str()), ("3", "2"));
    }

    #[test]
    fn a_pack_without_its_values_is_refused() {
        assert!(Pack::parse(&FROM_2026.replace("UNVERIFIED", "PERHAPS")).is_err());
        assert!(Pack::parse(&FROM_2026.replace("own_city", "any_city")).is_err());
        assert!(Pack::parse(&FROM_2026.replace("policy_from", "policy")).is_err());
    }
}
