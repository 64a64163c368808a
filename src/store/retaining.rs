//! What is kept for years: how much there is, what is under legal hold, what is ripe for an archive, and what stands in the place of what
//! was archived.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Result, Written};
use crate::{
    archive::{self, Archives, Item, Manifest, Name, Part, Reference, Set, Span},
    audit::Entry,
    clock::Timestamp,
    party::Tenant,
    retention::{Class, Month},
};

/// What is kept for years.
#[async_trait]
pub trait Retaining: Send + Sync {
    /// How much there is of each class and month. Goes through everything.
    async fn kept_by_month(&self) -> Result<Vec<KeptMonth>>;
    /// Which of these are under legal hold, for a tenant's sake or for all.
    async fn legal_holds_on(&self, tenant: &Tenant, any: &[Held]) -> Result<Vec<LegalHold>>;
    /// What is under legal hold, of a tenant (of any, if none is named).
    async fn legal_holds(&self, tenant: Option<&Tenant>) -> Result<Vec<LegalHold>>;
    /// Places or lifts legal holds; tells for each whether it changed anything.
    async fn change_legal_holds(&self, now: Timestamp, changes: Vec<HoldChange>) -> Result<Vec<bool>>;
    /// Of these declarations and documents, those that must stay: their lives go on, or they are under legal hold.
    async fn staying(&self, ids: &[Uuid]) -> Result<Vec<Uuid>>;
    /// A page of what may be archived.
    async fn ripe(&self, filter: RipeFilter) -> Result<Ripe>;
    /// Every archive, by its name.
    async fn archives(&self) -> Result<Vec<KeptArchive>>;
    /// Notes that an archive was written. Stale: there is another of that name.
    async fn note_archive(&self, now: Timestamp, archive: KeptArchive, entry: Entry) -> Result<Written>;
    /// Puts references in the place of bodies, where they are still, byte for byte, what was archived. Nothing is done for an archive that
    /// is not just written.
    async fn exchange(&self, archive: Name, many: Vec<Exchange>) -> Result<()>;
    /// Says how far an archive has come. Stale: it was not where it is to come from.
    async fn move_archive(&self, now: Timestamp, name: Name, to: ArchiveState, entry: Option<Entry>) -> Result<Written>;
    /// Removes attempts at delivery of messages over since before then, up to so many; tells how many.
    async fn forget_attempts(&self, before: Timestamp, limit: u32) -> Result<u64>;
    /// Removes sessions that are over and proposals that lapsed before a moment, up to so many of either; tells how many.
    async fn sweep(&self, now: Timestamp, proposals_before: Timestamp, limit: u32) -> Result<u64>;
    /// Keeps an entry that tells of what no other command does.
    async fn tell(&self, now: Timestamp, entry: Entry) -> Result<()>;
}

/// How much there is of a class in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMonth {
    /// The class.
    pub class: Class,
    /// The month.
    pub month: Month,
    /// How many.
    pub count: u64,
    /// How many of them are archived.
    pub archived: u64,
    /// Bytes of their bodies in the store.
    pub bytes: u64,
}

/// What is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// One declaration.
    Declaration(Uuid),
    /// All of a seller, by its code.
    Seller(String),
    /// All that was accepted in a month.
    Month(Month),
}

impl Held {
    /// As written in answers and as stored.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Declaration(_) => "declaration",
            Self::Seller(_) => "seller",
            Self::Month(_) => "month",
        }
    }

    /// What it is on, as text.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::Declaration(id) => id.to_string(),
            Self::Seller(code) => code.clone(),
            Self::Month(month) => month.to_string(),
        }
    }

    /// As an item of a request, which places or lifts it.
    #[must_use]
    pub fn item(&self) -> String {
        match self {
            Self::Declaration(_) => self.target(),
            Self::Seller(_) | Self::Month(_) => format!("{}:{}", self.kind(), self.target()),
        }
    }

    /// From its kind and target.
    #[must_use]
    pub fn parse(kind: &str, target: &str) -> Option<Self> {
        match kind {
            "declaration" => Uuid::try_parse(target).ok().map(Self::Declaration),
            "seller" => Some(Self::Seller(target.to_owned())),
            "month" => Month::parse(target).map(Self::Month),
            _ => None,
        }
    }

    pub(super) fn span(&self) -> (i64, i64) {
        match self {
            Self::Month(month) => (month.start().0, month.end().0),
            Self::Declaration(_) | Self::Seller(_) => (0, 0),
        }
    }
}

/// A legal hold (法律保全): what it is on is neither archived nor destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegalHold {
    /// What is held.
    pub held: Held,
    /// Whose; nothing: of all.
    pub tenant: Option<Tenant>,
    /// Since when.
    pub at: Timestamp,
    /// The name of the key that placed it.
    pub by: String,
    /// Why.
    pub why: String,
}

/// A legal hold that is placed or lifted.
#[derive(Debug, Clone)]
pub struct HoldChange {
    /// Which.
    pub hold: LegalHold,
    /// Whether it is lifted.
    pub lifted: bool,
    /// What is told of it, if it changes anything.
    pub entry: Entry,
}

/// Where one is in what may be archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Declarations with their decisions and receipts, after one.
    Declarations(Uuid),
    /// Messages, after one.
    Messages(Uuid),
    /// Arrivals, after one.
    Arrivals(Uuid),
    /// The log's entries, from a position on.
    Entries(i64),
}

/// What may be archived: of a month, from a place on.
#[derive(Debug, Clone, Copy)]
pub struct RipeFilter {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
    /// Where to go on.
    pub stage: Stage,
    /// Rows to be looked at.
    pub limit: u32,
}

impl RipeFilter {
    /// Ids that were made in that time lie between these: made when it was accepted, or a while before.
    pub(super) fn ids(&self) -> (Uuid, Uuid) {
        const MARGIN: Duration = Duration::from_secs(2 * 86_400);
        (Self::first_id(self.from - MARGIN), Self::first_id(self.to + MARGIN))
    }

    /// The least id that can have been made at a moment (UUIDv7).
    pub(super) fn first_id(at: Timestamp) -> Uuid {
        Uuid::from_u128(u128::from(u64::try_from(at.0 / 1_000).unwrap_or(0)) << 80)
    }

    /// Where to go on after this page: `last` is the last row that was looked at.
    pub(super) fn next(&self, looked: usize, last: Option<Stage>) -> Option<Stage> {
        let is_end = u32::try_from(looked).is_ok_and(|looked| looked < self.limit);
        let then = match self.stage {
            Stage::Declarations(_) => Some(Stage::Messages(Uuid::nil())),
            Stage::Messages(_) => Some(Stage::Arrivals(Uuid::nil())),
            Stage::Arrivals(_) => Some(Stage::Entries(0)),
            Stage::Entries(_) => None,
        };
        if is_end { then } else { last.or(then) }
    }
}

/// A page of what may be archived.
#[derive(Debug, Clone, Default)]
pub struct Ripe {
    /// The bodies, as they are kept.
    pub items: Vec<Item>,
    /// Where to go on; nothing: that was all.
    pub next: Option<Stage>,
}

/// How far an archive has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveState {
    /// It is written and verified; bodies are being taken out of the store.
    Written,
    /// They are.
    Emptied,
    /// Its time was over: its files are destroyed.
    Destroyed,
}

impl ArchiveState {
    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Emptied => "emptied",
            Self::Destroyed => "destroyed",
        }
    }

    /// What an archive must be before it comes so far.
    pub(super) const fn comes_from(self) -> Self {
        match self {
            Self::Written | Self::Emptied => Self::Written,
            Self::Destroyed => Self::Emptied,
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::Written, Self::Emptied, Self::Destroyed].into_iter().find(|state| state.as_str() == name)
    }
}

/// An archive, as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptArchive {
    /// Its name.
    pub name: Name,
    /// The digest of its manifest.
    pub digest: [u8; 32],
    /// When it was made.
    pub made_at: Timestamp,
    /// How far it has come.
    pub state: ArchiveState,
    /// The first and last of the log's entries in it.
    pub span: Option<Span>,
    /// How many bodies are in it.
    pub items: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

impl KeptArchive {
    /// An archive that was just written.
    #[must_use]
    pub fn of(set: &Set) -> Self {
        let Manifest { made_at, entries, parts, .. } = &set.manifest;
        Self {
            name: set.name,
            digest: set.digest,
            made_at: *made_at,
            state: ArchiveState::Written,
            span: *entries,
            items: set.manifest.items(),
            bytes: parts.values().map(|size| size.bytes).sum(),
        }
    }

    /// The digest in hexadecimal, as the audit log has it.
    #[must_use]
    pub fn digest_text(&self) -> String {
        hex::encode(self.digest)
    }

    pub(super) fn span_columns(&self) -> (Option<i64>, Option<i64>) {
        let column = |position: u64| i64::try_from(position).unwrap_or(i64::MAX);
        (self.span.map(|span| column(span.first)), self.span.map(|span| column(span.last)))
    }
}

/// A body that is to be taken out, and where it is from then on.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The body and its row.
    pub item: Item,
    /// Where it is in the archive.
    pub reference: Reference,
}

/// Why the body of an entry is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absent {
    /// It is in an archive that is not at hand, or was destroyed.
    Away(Name),
    /// It should be in an archive that is not what it was; what is told.
    Altered(String),
}

/// What a text begins with that stands for an archived one: no value that is kept begins so.
const TEXT_MARK: &str = "{\"archived\":\"";
/// What bytes begin with that stand for archived ones; the vault lets nothing else begin so.
const BYTES_MARK: [u8; 4] = [0, b'T', b'G', b'A'];

/// What is to stand in the place of a body.
pub(super) fn mark(exchange: &Exchange) -> Vec<u8> {
    let reference = exchange.reference.to_string();
    match exchange.item.part {
        Part::Message | Part::Arrival | Part::Entry => [&BYTES_MARK[..], reference.as_bytes()].concat(),
        Part::Assessment | Part::Receipt => format!("{TEXT_MARK}{reference}\"}}").into_bytes(),
        Part::Declaration => {
            // By these it is looked for: a hold on its seller, a manifest of its bill.
            let body: Value = serde_json::from_slice(&exchange.item.body).unwrap_or_default();
            let (seller, bill_no) = (&body["order"]["seller"]["code"], &body["inventory"]["bill_no"]);
            let rest = json!({ "order": { "seller": { "code": seller } }, "inventory": { "bill_no": bill_no } }).to_string();
            format!("{TEXT_MARK}{reference}\",{}", rest.trim_start_matches('{')).into_bytes()
        }
    }
}

/// Whether a body was archived.
pub(super) fn is_mark(body: &[u8]) -> bool {
    body.starts_with(TEXT_MARK.as_bytes()) || body.starts_with(&BYTES_MARK)
}

/// Leaves out what is archived already; gives also, once each, what the others are about.
pub(super) fn unarchived(mut items: Vec<Item>) -> (Vec<Item>, Vec<Uuid>) {
    items.retain(|item| !is_mark(&item.body));
    let about: BTreeSet<_> = items.iter().flat_map(|item| item.about.iter().copied()).collect();
    (items, about.into_iter().collect())
}

/// Leaves out what is about something that stays.
pub(super) fn leaving(mut items: Vec<Item>, staying: Vec<Uuid>) -> Vec<Item> {
    let staying: HashSet<_> = staying.into_iter().collect();
    items.retain(|item| !item.about.iter().any(|id| staying.contains(id)));
    items
}

/// What a mark refers to; nothing where it is none.
fn reference(body: &[u8]) -> Option<std::result::Result<Reference, archive::Error>> {
    let rest = body.strip_prefix(&BYTES_MARK).or_else(|| body.strip_prefix(TEXT_MARK.as_bytes()))?;
    let text = rest.split(|byte| *byte == b'"').next().and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
    let unclear = || archive::Error::Altered(text.to_owned(), "what stands in the store refers to no archive".to_owned());
    Some(Reference::parse(text).ok_or_else(unclear))
}

/// Bytes, out of their archive if they are in one.
pub(super) fn bytes(archives: &Archives, part: Part, key: impl FnOnce() -> String, body: Vec<u8>) -> Result<Vec<u8>> {
    match reference(&body) {
        Some(reference) => Ok(archives.fetch(&reference?, part, &key())?),
        None => Ok(body),
    }
}

/// A text, out of its archive if it is in one.
pub(super) fn text<'t>(archives: &Archives, part: Part, key: impl FnOnce() -> String, body: &'t str) -> Result<Cow<'t, str>> {
    let Some(reference) = reference(body.as_bytes()) else { return Ok(Cow::Borrowed(body)) };
    let reference = reference?;
    let name = reference.name.to_string();
    let text = String::from_utf8(archives.fetch(&reference, part, &key())?);
    Ok(Cow::Owned(text.map_err(|_| archive::Error::Altered(name, "a body is no text".to_owned()))?))
}

/// The decisions on a declaration, by their ordinals, out of their archives.
pub(super) fn assessments(archives: &Archives, of: Uuid, rows: Vec<(i64, String)>) -> Result<Vec<String>> {
    let one = |(ordinal, body): (i64, String)| text(archives, Part::Assessment, || format!("{of}/{ordinal}"), &body).map(Cow::into_owned);
    rows.into_iter().map(one).collect()
}

/// The body of an entry, or why it is not there.
pub(super) fn entry(archives: &Archives, position: i64, body: Vec<u8>) -> (Vec<u8>, Option<Absent>) {
    let Some(reference) = reference(&body) else { return (body, None) };
    let fetched = reference.and_then(|reference| {
        let fetched = archives.fetch(&reference, Part::Entry, &position.to_string());
        match fetched {
            Err(archive::Error::Away(_)) => Ok(Err(Absent::Away(reference.name))),
            other => other.map(Ok),
        }
    });
    match fetched {
        Ok(Ok(body)) => (body, None),
        Ok(Err(absent)) => (Vec::new(), Some(absent)),
        Err(error) => (Vec::new(), Some(Absent::Altered(error.to_string()))),
    }
}

impl Absent {
    /// What is told in the place of what the entry says.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Away(name) => archive::Error::Away(name.to_string()).to_string(),
            Self::Altered(told) => told.clone(),
        }
    }
}

/// Which documents are not over: conditions on a document `c`. A list is over once it is released; another document once customs has it.
pub(super) const MOVING: &str = "((c.kind = 603 AND c.state NOT IN ('released', 'closed', 'refused', 'rejected', 'cancelled')) OR c.state IN \
     ('waiting', 'due', 'packed', 'delivered', 'held', 'declaring', 'unmatched', 'sent', 'port_failed', 'review', 'inspection'))";

/// The part that a key names of a receipt or a decision: an id, an ordinal, and the second id if there is one.
pub(super) fn split_key(key: &str) -> Option<(Uuid, i64, Option<Uuid>)> {
    let mut parts = key.split('/');
    let id = Uuid::try_parse(parts.next()?).ok()?;
    let ordinal = parts.next().map_or(Some(0), |ordinal| ordinal.parse().ok())?;
    let second = parts.next().map(|id| Uuid::try_parse(id).ok());
    match second {
        Some(None) => None,
        Some(second) => Some((id, ordinal, second)),
        None => Some((id, ordinal, None)),
    }
}

/// A class in a month as a statement counts it: the month, how many, how many of them archived, how many bytes.
pub(super) type MonthRow = (Option<String>, i64, Option<i64>, Option<i64>);

/// What was counted; nothing where the month is none.
pub(super) fn kept_month(class: Class, (month, count, archived, bytes): MonthRow) -> Option<KeptMonth> {
    let number = |value: Option<i64>| u64::try_from(value.unwrap_or_default()).unwrap_or_default();
    let month = Month::parse(&month?)?;
    Some(KeptMonth { class, month, count: number(Some(count)), archived: number(archived), bytes: number(bytes) })
}
