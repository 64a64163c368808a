//! What sellers record for the exemption, and what is to be decided again because of it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Error, Result, reading};
use crate::{
    audit::Entry,
    clock::{Timestamp, parse_day},
    declaration::{DeclarationId, DocumentId, FollowUp},
    dossier::Dossier,
    exemption::{Cause, OfLine, OfPeriod, PeriodKind, Recorded, Said, Seller},
    party::Tenant,
};

/// After so long nothing is written any more that was decided on what was known before.
const SETTLED: Duration = Duration::from_secs(3);

/// What can be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// A seller's profile.
    Seller,
    /// A voucher against order lines.
    Invoice,
    /// Registrations on a zone's platform.
    Registration,
    /// A signed statement of no voucher for a period.
    Statement,
    /// Contract, payment, agency agreement.
    Evidence,
    /// The filing of the exemption.
    Filing,
    /// That a refund is given up.
    Choice,
}

impl RecordKind {
    /// As stored, and in audit entries behind `record_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seller => "seller",
            Self::Invoice => "invoice",
            Self::Registration => "registration",
            Self::Statement => "statement",
            Self::Evidence => "evidence",
            Self::Filing => "filing",
            Self::Choice => "choice",
        }
    }
}

/// A record to be kept.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Its new id.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: Tenant,
    /// What it is.
    pub kind: RecordKind,
    /// The caller's key, or one made of the digest.
    pub key: String,
    /// SHA-256 of the request without the key.
    pub digest: [u8; 32],
    /// The whole of it as JSON: names of persons stand here and nowhere else.
    pub body: String,
    /// What it says of lines.
    pub lines: Vec<(DeclarationId, u32, Said)>,
    /// A profile that counts from now on.
    pub seller: Option<Seller>,
    /// What it says of a period.
    pub period: Option<OfPeriod>,
    /// The versions of the inventories that were looked at. They are counted up: whoever decides on what was known before decides again.
    pub expected: Vec<(DocumentId, i64)>,
    /// What is to be decided again, kept with it.
    pub again: Option<Redecision>,
    /// Audit entries.
    pub entries: Vec<Entry>,
}

/// Which sellers are wanted, by tenant and code.
#[derive(Debug, Clone, Default)]
pub struct SellerFilter {
    /// Only of this tenant.
    pub tenant: Option<Tenant>,
    /// Only behind this one.
    pub after: Option<(String, String)>,
    /// At most so many, and as many records.
    pub limit: u32,
}

/// Sellers, and what was recorded last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sellers {
    /// The sellers.
    pub sellers: Vec<KeptSeller>,
    /// The newest records, the newest first.
    pub records: Vec<KeptRecord>,
}

/// A seller's profile with what was said of whole periods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSeller {
    /// Whose it is.
    pub tenant: String,
    /// The profile that counts.
    pub seller: Seller,
    /// When it was put.
    pub at: Timestamp,
    /// Statements of no voucher, and the last day that one of them covers.
    pub statements: (i64, Option<String>),
    /// Filings of the exemption, and the last day that one of them covers.
    pub filings: (i64, Option<String>),
}

/// A record as shown: what kind, of whom, when; not what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRecord {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: String,
    /// What it is, as [`RecordKind::as_str`].
    pub kind: String,
    /// When it was recorded.
    pub at: Timestamp,
}

/// What became of a [`Recording`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKept {
    /// Kept.
    New,
    /// The same came before: its id, and when.
    Again(Uuid, Timestamp),
    /// The key is bound to another request.
    KeyConflict,
    /// What the decision rests on has changed.
    Stale,
}

/// Declarations that are to be decided again: one, those of a record's lines, those of a seller, or all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redecision {
    /// That of the declaration, or of the record, where there is one. Asked for again before it is done, it begins anew.
    pub id: Uuid,
    /// Of this tenant; of all, if none is named.
    pub tenant: Option<Tenant>,
    /// Those that name this seller; nothing beside a tenant: the one, or those of the record's lines.
    pub seller: Option<String>,
    /// Why they are decided again.
    pub cause: Cause,
    /// The same in a few words, for the log: no personal data.
    pub why: String,
    /// The last declaration that has been looked at.
    pub seen: Option<DeclarationId>,
    /// When it was asked for.
    pub at: Timestamp,
}

impl Redecision {
    /// When it is first done. What was read before a profile or a statement was kept is written by then, so that the last decision is
    /// one that knows it; the inventories of a record's lines are guarded by their versions, and are decided at once.
    pub(super) fn first_due(&self) -> Timestamp {
        if self.is_of_record() { self.at } else { self.at + SETTLED }
    }

    /// Whether it is about one declaration or the lines of a record.
    #[must_use]
    pub const fn is_of_record(&self) -> bool {
        self.tenant.is_some() && self.seller.is_none()
    }
}

/// How a turn at a [`Redecision`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedecisionEnd {
    /// Nothing is left of it.
    Done,
    /// To be gone on with at that time, behind that declaration.
    Later(Option<DeclarationId>, Timestamp),
}

pub(super) fn cause(name: &str) -> Result<Cause> {
    match name {
        "evidence" => Ok(Cause::Evidence),
        "version" => Ok(Cause::Version),
        other => Err(reading::inconsistent("redecisions", format!("cause {other}"))),
    }
}

/// What is asked of what is recorded: declarations, and the sellers that they name, by tenant.
pub(super) struct Question {
    pub(super) declarations: Vec<Uuid>,
    pub(super) tenants: Vec<String>,
    pub(super) codes: Vec<String>,
}

impl Question {
    pub(super) fn of(dossiers: &[Dossier]) -> Self {
        let sellers = dossiers.iter().flat_map(|dossier| codes(dossier).map(|code| (dossier.tenant.as_str(), code)));
        let sellers: BTreeSet<_> = sellers.collect();
        Self {
            declarations: dossiers.iter().map(|dossier| dossier.id.0).collect(),
            tenants: sellers.iter().map(|(tenant, _)| (*tenant).to_owned()).collect(),
            codes: sellers.iter().map(|(_, code)| (*code).to_owned()).collect(),
        }
    }
}

/// Those who may be a declaration's real seller.
fn codes(dossier: &Dossier) -> impl Iterator<Item = &str> {
    let (consignor, owner) = (&dossier.declaration.order.seller.code, &dossier.declaration.inventory.owner.code);
    [consignor, owner].into_iter().map(String::as_str).filter(|code| !code.is_empty())
}

/// A row of what a seller says of a period: tenant, seller, kind, first day, last day, day of signing or filing.
pub(super) type PeriodRow = (String, String, String, String, String, String);

/// What a [`Question`] finds, each list in the order in which it was recorded.
#[derive(Default)]
pub(super) struct Answer {
    /// Declaration, line, what is said.
    pub(super) lines: Vec<(Uuid, i64, String)>,
    /// Tenant, code, profile.
    pub(super) sellers: Vec<(String, String, String)>,
    pub(super) periods: Vec<PeriodRow>,
    /// Declaration, and what was said of goods that came back and that customs released.
    pub(super) returned: Vec<(Uuid, String)>,
}

impl Answer {
    /// Puts what is recorded into the declarations it is about.
    pub(super) fn put(self, dossiers: &mut [Dossier]) -> Result<()> {
        if self.lines.is_empty() && self.sellers.is_empty() && self.periods.is_empty() && self.returned.is_empty() {
            return Ok(());
        }
        let mut lines: HashMap<Uuid, Vec<OfLine>> = HashMap::new();
        for (declaration, line, body) in self.lines {
            let said: Said = reading::from_json("record_lines", &body)?;
            lines.entry(declaration).or_default().push(OfLine { line: reading::count("record_lines", line)?, said });
        }
        let mut sellers = HashMap::with_capacity(self.sellers.len());
        for (tenant, code, body) in self.sellers {
            sellers.insert((tenant, code), profile(&body)?);
        }
        let mut periods: HashMap<(String, String), Vec<OfPeriod>> = HashMap::new();
        for row in self.periods {
            let (key, period) = period(row)?;
            periods.entry(key).or_default().push(period);
        }
        let mut returned: HashMap<Uuid, Vec<(u32, Decimal)>> = HashMap::new();
        for (declaration, body) in self.returned {
            if let FollowUp::GoodsReturn(back) = reading::from_json("follow_ups", &body)? {
                returned.entry(declaration).or_default().extend(back.lines.iter().map(|line| (line.number, line.quantity)));
            }
        }
        for dossier in dossiers {
            let keys: BTreeSet<_> = codes(dossier).map(|code| (dossier.tenant.as_str().to_owned(), code.to_owned())).collect();
            let recorded = Recorded {
                sellers: keys.iter().filter_map(|key| sellers.get(key).cloned()).collect(),
                periods: keys.iter().filter_map(|key| periods.get(key)).flatten().cloned().collect(),
                lines: lines.remove(&dossier.id.0).unwrap_or_default(),
                returned: returned.remove(&dossier.id.0).unwrap_or_default(),
            };
            if recorded != Recorded::default() {
                dossier.recorded = Arc::new(recorded);
            }
        }
        Ok(())
    }
}

/// A kept profile.
pub(super) fn profile(body: &str) -> Result<Arc<Seller>> {
    Ok(Arc::new(reading::from_json("sellers", body)?))
}

fn period((tenant, seller, kind, from, to, on): PeriodRow) -> Result<((String, String), OfPeriod)> {
    let wrong = |what: &str| Error::Inconsistent { table: "seller_periods", what: format!("{seller}: {what}") };
    let day = |text: &str| parse_day(text).ok_or_else(|| wrong(text));
    let kind = PeriodKind::parse(&kind).ok_or_else(|| wrong(&kind))?;
    let period = OfPeriod { kind, from: day(&from)?, to: day(&to)?, on: day(&on)?, seller: seller.clone() };
    Ok(((tenant, seller), period))
}
