//! Decides the exemption again where something was recorded, or where libraries, packs or settings are new: a page of declarations at a
//! time, under a lease. A decision is written only where it differs from the last one, beside it; the entry says what changed and why.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tracing::{error, info};

use crate::{
    audit::Difference,
    clock::{Clockwork, Timestamp},
    collector::list_status,
    declaration::{DeclarationId, Kind},
    dossier::Dossier,
    exemption::{self, Advisor, Assessment, Cause, Change as Differs, ListStatus, Paper, Summary},
    intake::deadlines,
    queue::{Backoff, Lease},
    store::{Application, Change, Decided, DecisionFilter, Hint, ListFilter, Only, Redecision, RedecisionEnd, Store, Written},
    task::{self, Error, Note, Pace, Task},
};

const NAME: &str = "redecider";
/// Declarations in one turn.
const PAGE: u32 = 100;
/// How long a turn may take before another node begins it anew.
const LEASE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_secs(2);
const REST: Duration = Duration::from_millis(10);
/// After a turn in which declarations kept changing.
const AGAIN: Duration = Duration::from_secs(5);
/// How often one declaration is decided again because somebody else changed it.
const RETRIES: usize = 10;
/// Lines whose change an entry tells; of more it tells how many.
const TOLD: usize = 20;

/// The task.
#[derive(Clone)]
pub struct Redecider {
    store: Arc<dyn Store>,
    clockwork: Clockwork,
    advisor: Arc<Advisor>,
    /// Whether it was noted what decisions are made with.
    noted: Arc<AtomicBool>,
}

impl Redecider {
    /// Joins its parts.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clockwork: Clockwork, advisor: Arc<Advisor>) -> Self {
        Self { store, clockwork, advisor, noted: Arc::default() }
    }

    /// Runs until stopped.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let pace = Pace { poll: POLL, rest: REST, backoff: Backoff::default() };
        task::run(&self, pace, &self.clockwork, stop).await;
    }

    /// Has everything decided again if nothing was ever decided with what this advisor holds.
    async fn note_basis(&self) -> Result<(), Error> {
        let at = self.clockwork.now();
        let basis = self.advisor.basis();
        let again = Redecision {
            id: self.clockwork.id(),
            tenant: None,
            seller: None,
            cause: Cause::Version,
            why: format!("basis {:.16}", hex::encode(basis)),
            seen: None,
            at,
        };
        self.store.note_basis(basis, again).await?;
        Ok(())
    }

    async fn turn(&self, asked: &Redecision) -> Result<(RedecisionEnd, usize), Error> {
        let Page { concerned, last, full } = if asked.is_of_record() { self.of_record(asked).await? } else { self.scanned(asked).await? };
        let now = self.clockwork.now();
        let changes: Vec<_> = concerned.iter().filter_map(|decided| self.decide(asked, decided, now)).collect();
        let many = changes.len();
        if many > 0 && !self.apply(now, changes).await? {
            for decided in &concerned {
                if !self.alone(asked, decided.dossier.id).await? {
                    return Ok((RedecisionEnd::Later(None, now + AGAIN), 0));
                }
            }
        }
        Ok((if full { RedecisionEnd::Later(last, now) } else { RedecisionEnd::Done }, many))
    }

    async fn of_record(&self, asked: &Redecision) -> Result<Page, Error> {
        let only = Some(Only::OfRecord(asked.id));
        let filter = DecisionFilter { tenant: asked.tenant.clone(), after: asked.seen, only, limit: PAGE, ..DecisionFilter::default() };
        let concerned = self.store.decisions(filter).await?;
        let full = u32::try_from(concerned.len()).is_ok_and(|len| len >= PAGE);
        Ok(Page { last: concerned.last().map(|decided| decided.dossier.id), concerned, full })
    }

    /// One that cannot be read is passed over: it was told, and must not hold up those behind it.
    async fn scanned(&self, asked: &Redecision) -> Result<Page, Error> {
        let filter = ListFilter { tenant: asked.tenant.clone(), after: asked.seen, limit: PAGE, ..ListFilter::default() };
        let listed = self.store.list(filter).await?;
        let (last, full) = (listed.last, u32::try_from(listed.len()).is_ok_and(|len| len >= PAGE));
        let concerned = listed.dossiers.iter().filter(|dossier| concerns(asked, dossier)).map(|dossier| dossier.id).collect::<Vec<_>>();
        let concerned = if concerned.is_empty() {
            Vec::new()
        } else {
            self.store.decisions(DecisionFilter { only: Some(Only::These(concerned)), ..DecisionFilter::default() }).await?
        };
        Ok(Page { concerned, last, full })
    }

    async fn apply(&self, now: Timestamp, changes: Vec<Change>) -> Result<bool, Error> {
        let application = Application { changes, ..Application::default() };
        Ok(self.store.apply(now, application).await? == Written::Done)
    }

    /// One declaration, read again until nobody changes it meanwhile.
    async fn alone(&self, asked: &Redecision, id: DeclarationId) -> Result<bool, Error> {
        for _ in 0..RETRIES {
            let filter = DecisionFilter { only: Some(Only::These(vec![id])), limit: 1, ..DecisionFilter::default() };
            let now = self.clockwork.now();
            let found = self.store.decisions(filter).await?;
            let Some(change) = found.first().and_then(|decided| self.decide(asked, decided, now)) else { return Ok(true) };
            if self.apply(now, vec![change]).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The new decision, if it differs from the last one in anything but its day and cause.
    fn decide(&self, asked: &Redecision, decided: &Decided, now: Timestamp) -> Option<Change> {
        let (dossier, kept) = (&decided.dossier, decided.assessment.as_deref()?);
        let told = |error: &exemption::ReadError| error!(declaration.id = %dossier.id, error = %error, "a kept decision cannot be read");
        let before = exemption::read(kept).inspect_err(told).ok()?;
        let list = list_now(dossier, &before);
        let after = self.advisor.assess(&dossier.declaration, &dossier.recorded, list, now.day());
        let as_before = Assessment { on: before.on, cause: before.cause, ..after };
        if as_before.to_kept() == kept {
            return None;
        }
        let cause = if came_back(&before) == came_back(&Paper::from(&as_before)) { asked.cause } else { Cause::Returned };
        let after = Assessment { on: now.day(), cause, ..as_before };
        let differences = differences(&before, &Paper::from(&after));
        let note = Note { task: NAME, act: "decide", subject: dossier.id.0, why: &asked.why };
        Some(Change {
            expected: dossier.document(Kind::Inventory).map(|document| (document.id, document.version)).into_iter().collect(),
            deadlines: deadlines::filing(dossier, &after),
            assessment: Some((dossier.id, after.to_kept())),
            entries: vec![task::entry(&self.clockwork, now, &dossier.tenant, note, differences).traced(dossier.trace)],
            ..Change::default()
        })
    }
}

/// What one turn looks at.
struct Page {
    concerned: Vec<Decided>,
    last: Option<DeclarationId>,
    /// Whether more may stand behind it.
    full: bool,
}

#[async_trait]
impl Task for Redecider {
    fn name(&self) -> &'static str {
        NAME
    }

    fn hint(&self) -> &Hint {
        &self.store.hints().decide
    }

    async fn pass(&self) -> Result<usize, Error> {
        if !self.noted.load(Ordering::Relaxed) {
            self.note_basis().await?;
            self.noted.store(true, Ordering::Relaxed);
        }
        let lease = Lease::take(&self.clockwork, LEASE);
        let Some(asked) = self.store.lease_redecision(self.clockwork.now(), lease).await? else { return Ok(0) };
        let (end, many) = self.turn(&asked).await?;
        self.store.settle_redecision(lease.token, asked.id, end).await?;
        if many > 0 {
            info!(redecision.id = %asked.id, redecision.changed = many, "decisions about the exemption changed");
        }
        Ok(1)
    }
}

fn concerns(asked: &Redecision, dossier: &Dossier) -> bool {
    let names = |code: &String| [&dossier.declaration.order.seller.code, &dossier.declaration.inventory.owner.code].contains(&code);
    asked.seller.as_ref().is_none_or(names)
}

/// How far the list is: as the last decision knew it, unless its state says more.
fn list_now(dossier: &Dossier, before: &Paper) -> ListStatus {
    let known = before.lines.first().map_or(ListStatus::NotDeclared, |line| line.inputs.list);
    let inventory = dossier.document(Kind::Inventory);
    let spoken = inventory.and_then(|document| document.last_word.as_ref()).map(|word| word.at.day());
    let now = inventory.and_then(|document| list_status(document.state, spoken));
    now.filter(|now| std::mem::discriminant(now) != std::mem::discriminant(&known)).unwrap_or(known)
}

/// What came back of which lines.
fn came_back(paper: &Paper) -> Vec<(u32, Decimal)> {
    paper.lines.iter().map(|line| (line.line, line.inputs.returned)).filter(|(_, back)| !back.is_zero()).collect()
}

/// What changed, in codes and numbers.
fn differences(before: &Paper, after: &Paper) -> Vec<Difference> {
    let changes = exemption::compare(before, after);
    let mut told: Vec<_> = changes.iter().take(TOLD).map(difference).collect();
    if changes.len() > TOLD {
        told.push(task::difference("exemption.lines".to_owned(), "", &format!("{} more", changes.len() - TOLD)));
    }
    if told.is_empty() {
        told.push(task::difference("exemption.facts".to_owned(), &digest(before), &digest(after)));
    }
    told
}

fn difference(change: &Differs) -> Difference {
    let text = |summary: &Option<Summary>| {
        summary.as_ref().map(|one| {
            let codes: Vec<_> = one.codes.iter().map(|code| code.as_str()).collect();
            let library = one.library.as_ref().map_or("", |library| library.version.as_str());
            format!("{} {} [{}] {} {}", one.outcome.as_str(), one.stage.as_str(), codes.join(" "), one.pack.version, library)
        })
    };
    let [before, after] = [&change.before, &change.after].map(|side| text(side).unwrap_or_default());
    task::difference(format!("exemption.line.{}", change.line), before.trim_end(), after.trim_end())
}

/// A few digits by which facts are told apart: the facts themselves may name persons.
fn digest(paper: &Paper) -> String {
    let mut digest = Sha256::new();
    for line in &paper.lines {
        digest.update(serde_json::to_vec(&line.inputs).unwrap_or_default());
    }
    hex::encode(&digest.finalize()[..8])
}
