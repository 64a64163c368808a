//! What operations staff decide: documents are held back and released, what failed is tried again, what nobody knows the outcome of is
//! resolved, roads are paused, receipts that matched nothing are given to their document. The door and the console share it.
//!
//! Every decision is one commit with an audit entry for each subject, under the name of who decided and with the reason given. All items
//! of a request are done or none: where one is refused, each says why and nothing is written. A request that is made again finds what it
//! did, and says so. What takes two persons is proposed first ([`Desk::approve`]). A preview ([`Order::dry_run`]) decides the same and writes nothing.

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    access::Caller,
    audit::{Difference, Entry},
    check::characters::is_unseen,
    clock::{Clockwork, Timestamp},
    declaration::Kind,
    exemption::Advisor,
    message::masked_text,
    party::{Actor, Tenant},
    retention,
    store::{self, Application, Store, Written},
    task,
    telemetry::{self, Home},
};

mod attach;
mod destruction;
mod doubt;
mod hold;
mod legal;
mod look;
mod proposals;
mod retry;
mod reveal;
mod roads;
mod targets;

use proposals::Approval;

pub use attach::Attachment;
pub use destruction::approved;
pub use look::{SEARCH_PAGE, Wanted, look_back, look_through, subjects, trace_asked};
pub use proposals::{Act, Proposed};
pub use reveal::Revealed;

/// Items in a request at most.
pub const MOST_ITEMS: usize = 200;
/// Documents that one request may lead to: a bill has very many.
pub const MOST_DOCUMENTS: usize = 2_000;
/// Characters of a reason.
pub const LONGEST_WHY: usize = 200;
/// Decisions made anew because what they rested on had changed.
const TRIES: usize = 8;

/// Who decides, and why.
#[derive(Debug, Clone)]
pub struct Order {
    /// Whose decision it is.
    pub actor: Actor,
    /// Which person that is; nothing: nobody says.
    pub person: Option<String>,
    /// Whose data it may touch; nothing: everybody's.
    pub scope: Option<Tenant>,
    /// The reason, 1 to 200 characters, for the audit log; what looks like a person's number is masked in it before it is kept anywhere.
    pub why: String,
    /// Only tells what would be done.
    pub dry_run: bool,
    /// What it carries out.
    approves: Option<Approval>,
}

impl Order {
    /// What a caller orders.
    #[must_use]
    pub fn new(caller: Caller, why: String, dry_run: bool) -> Self {
        let why = masked_text(&why);
        Self { actor: caller.actor, person: caller.person, scope: caller.scope, why, dry_run, approves: None }
    }

    /// The same, only to tell what would be done: for a reason that writes nothing.
    #[must_use]
    pub fn as_preview(self, why: &str) -> Self {
        Self { why: why.to_owned(), dry_run: true, ..self }
    }
}

/// What becomes of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is done, or would be.
    Done,
    /// It was so already.
    Already,
    /// It cannot be done.
    Refused,
}

/// What is told of an item: a line for each document, message or road that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The item as asked.
    pub asked: String,
    /// The document or message; nil for a road and for what is not found.
    pub id: Uuid,
    /// What it is; nothing for a road and for what is not found.
    pub kind: Option<Kind>,
    /// What becomes of it.
    pub verdict: Verdict,
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Line by line, in the order of the items.
    pub told: Vec<Told>,
    /// Whether anything was done: not in a preview, not where one item was refused, and not where all was so already.
    pub applied: bool,
    /// It was not done but proposed, under this id: a second person is to approve it.
    pub proposal: Option<Uuid>,
    /// A second person has approved it, under this id: `retention destroy --approved` carries it out.
    pub approved: Option<Uuid>,
}

impl Report {
    /// How many lines were refused.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.told.iter().filter(|told| told.verdict == Verdict::Refused).count()
    }
}

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something about the request itself is wrong: every fault, in Chinese and English.
    #[error("{}", .0.iter().map(|(zh, en)| format!("{zh} / {en}")).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<(String, String)>),
    /// The role may not do that.
    #[error("该角色无权如此 / the role may not do that")]
    Forbidden,
    /// There is no such proposal.
    #[error("没有该提案 / there is no such proposal")]
    NoProposal,
    /// What it rests on kept changing: the same may succeed in a moment.
    #[error("所依据的单证一直在变化，请稍后重试 / what it rests on kept changing: try again in a moment")]
    Changing,
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The desk.
#[derive(Clone)]
pub struct Desk {
    store: Arc<dyn Store>,
    clockwork: Clockwork,
    advisor: Arc<Advisor>,
    port_retries: u32,
    roads: Arc<[String]>,
    two_persons_over: Option<usize>,
    retention: retention::Options,
}

/// What was decided: what to write, and what to tell.
#[derive(Default)]
struct Decided {
    told: Vec<Told>,
    application: Application,
    /// What it is, where it may take two persons.
    act: Option<Act>,
    /// How much it is about, where that is more than the lines tell.
    many: u64,
}

impl Desk {
    /// Joins its parts; `port_retries` is the collector's, `roads` are the names of all there are.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clockwork: Clockwork, advisor: Arc<Advisor>, port_retries: u32, roads: Vec<String>) -> Self {
        let retention = retention::Options::default();
        Self { store, clockwork, advisor, port_retries, roads: roads.into(), two_persons_over: None, retention }
    }

    /// Who advises on the exemption.
    #[must_use]
    pub fn advisor(&self) -> &Advisor {
        &self.advisor
    }

    /// Writes what was decided, if nothing was refused and it is no preview. Nothing: it is to be decided anew.
    async fn settle(&self, order: &Order, now: Timestamp, decided: Decided) -> Result<Option<Report>, Error> {
        let Decided { told, application, act, many } = decided;
        let report = Report { told, ..Report::default() };
        let done = report.told.iter().any(|told| told.verdict == Verdict::Done);
        if order.dry_run || !done && order.approves.is_none() || report.refused() > 0 {
            return Ok(Some(report));
        }
        if let Some(act) = self.takes_two(order, act, &report, many) {
            return self.propose(order, now, act, report).await.map(Some);
        }
        // What is so already has nothing to be written but that it was approved.
        let application = if done { application } else { Application::default() };
        let mut application = self.carry_out(order, now, application);
        let traces = telemetry::join(&*self.store, &mut application.changes).await?;
        let entries = application.changes.iter().flat_map(|change| &change.entries);
        let told = telemetry::of_calls(entries.map(|entry| (entry, Home::among(&traces, entry.subject))));
        let written = self.store.apply(now, application).await?;
        if written == Written::Done {
            told.stage("desk", now, self.clockwork.now());
        }
        Ok((written == Written::Done).then_some(Report { applied: true, ..report }))
    }

    /// An entry for the log, under the tenant whose it is.
    fn entry(&self, order: &Order, now: Timestamp, about: (&Tenant, Uuid), act: &str, changes: Vec<Difference>) -> Entry {
        let (tenant, subject) = about;
        let actor = Actor { tenant: tenant.clone(), ..order.actor.clone() };
        let changes = changes.into_iter().chain(Self::proposer(order)).collect();
        Entry { id: self.clockwork.id(), at: now, actor, act: act.to_owned(), subject, changes, why: order.why.trim().to_owned() }
    }
}

/// What is wrong with the reason.
fn fault_of_why(order: &Order) -> Option<(String, String)> {
    let why = order.why.trim();
    let is_wrong = why.is_empty() || why.chars().count() > LONGEST_WHY || why.chars().any(is_unseen);
    is_wrong.then(|| {
        (
            "请填写原因：1至200个可见字符，不含个人信息".to_owned(),
            "give a reason of 1 to 200 visible characters, no personal data".to_owned(),
        )
    })
}

/// Looks at the reason.
fn check_why(order: &Order) -> Result<(), Error> {
    fault_of_why(order).map_or(Ok(()), |fault| Err(Error::Invalid(vec![fault])))
}

/// Looks at the reason and the number of items.
fn check(order: &Order, items: usize) -> Result<(), Error> {
    let mut faults: Vec<_> = fault_of_why(order).into_iter().collect();
    // What was proposed by numbers is carried out by the ids that they led to.
    let most = if order.approves.is_some() { MOST_DOCUMENTS } else { MOST_ITEMS };
    if items == 0 || items > most {
        faults.push((format!("一次1至{MOST_ITEMS}项"), format!("give 1 to {MOST_ITEMS} items at a time")));
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

/// A field that changed.
fn difference(kind: Kind, name: &str, from: &str, to: &str) -> Difference {
    task::difference(format!("{}.{name}", kind.as_str()), from, to)
}
