//! What one person may not do alone: acts upon many documents, messages or roads at once, and what cannot be taken back: saying of messages
//! that they arrived, and destroying what has outlived its time. One proposes, with the exact targets, the reason and what was told of each; a second one approves, and only then
//! it is done: once, in one commit with the end of the proposal, by the same code. Its entries name both.
//!
//! Two are two *persons*: an account is one, and a key or certificate is whose the configuration says. Of one that says nothing nobody
//! can tell whether it is another's, so it neither proposes nor approves.

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Desk, Error, Order, Report, Told, Verdict, check};
use crate::{
    audit::{Difference, Entry},
    clock::Timestamp,
    store::{Application, Change, KeptProposal, ProposalEnd, ProposalState, Written},
    task,
};

/// How long a proposal stands.
const LIFE: Duration = Duration::from_secs(24 * 3_600);
/// Proposals that are open at a time.
const MOST_OPEN: u32 = 200;

/// What is done to many at once, and can be proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Hold documents.
    Hold,
    /// Release documents.
    Release,
    /// Try again.
    Retry,
    /// Say that messages arrived.
    Arrived,
    /// Say that messages did not arrive.
    NotArrived,
    /// Pause roads.
    Pause,
    /// Let roads go on.
    Resume,
    /// Let stopped senders go on.
    ResumeSender,
    /// Destroy what has outlived its time.
    Destroy,
}

impl Act {
    const ALL: [Self; 9] = [
        Self::Hold,
        Self::Release,
        Self::Retry,
        Self::Arrived,
        Self::NotArrived,
        Self::Pause,
        Self::Resume,
        Self::ResumeSender,
        Self::Destroy,
    ];

    /// As kept and as shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Retry => "retry",
            Self::Arrived => "resolve_arrived",
            Self::NotArrived => "resolve_not_arrived",
            Self::Pause => "pause_road",
            Self::Resume => "resume_road",
            Self::ResumeSender => "resume_sender",
            Self::Destroy => "destroy",
        }
    }

    /// By its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == name)
    }

    /// Whether nothing brings back what was before.
    const fn is_final(self) -> bool {
        matches!(self, Self::Arrived | Self::Destroy)
    }
}

/// Who approves what: it is carried out in the approver's name.
#[derive(Debug, Clone)]
pub(super) struct Approval {
    id: Uuid,
    proposer: String,
}

impl Approval {
    /// The proposal.
    pub(super) const fn id(&self) -> Uuid {
        self.id
    }
}

/// A proposal as shown.
#[derive(Debug, Clone)]
pub struct Proposed {
    /// As kept.
    pub kept: KeptProposal,
    /// What is to be done; nothing: this version of the program does not know it.
    pub act: Option<Act>,
    /// What was told of each item.
    pub told: Vec<Told>,
}

/// What is told of an item, as kept.
#[derive(Serialize, Deserialize)]
struct Line {
    asked: String,
    id: Uuid,
    kind: Option<crate::declaration::Kind>,
    zh: String,
    en: String,
}

impl Proposed {
    fn of(kept: KeptProposal) -> Self {
        let lines: Vec<Line> = serde_json::from_str(&kept.preview).unwrap_or_default();
        let told = lines.into_iter().map(|line| Told {
            asked: line.asked,
            id: line.id,
            kind: line.kind,
            verdict: Verdict::Done,
            zh: line.zh,
            en: line.en,
        });
        Self { act: Act::parse(&kept.act), told: told.collect(), kept }
    }
}

/// What lines are about, each once: ids, or names of roads.
fn targets(told: &[Told]) -> Vec<String> {
    let done = told.iter().filter(|line| line.verdict == Verdict::Done);
    let distinct: BTreeSet<_> = done.map(|line| if line.id.is_nil() { line.asked.clone() } else { line.id.to_string() }).collect();
    distinct.into_iter().collect()
}

pub(super) fn invalid(zh: &str, en: &str) -> Error {
    Error::Invalid(vec![(zh.to_owned(), en.to_owned())])
}

impl Desk {
    /// What operations staff order of more than so many at once, or cannot take back, waits for a second person.
    #[must_use]
    pub fn with_two_persons_over(self, most: Option<u32>) -> Self {
        Self { two_persons_over: most.map(|most| usize::try_from(most).unwrap_or(usize::MAX)), ..self }
    }

    /// Whether an act that would do this waits for a second person.
    pub(super) fn takes_two(&self, order: &Order, act: Option<Act>, report: &Report, many: u64) -> Option<Act> {
        let (act, most) = (act?, self.two_persons_over?);
        let is_much = act.is_final() || targets(&report.told).len() > most || usize::try_from(many).map_or(true, |many| many > most);
        (order.approves.is_none() && is_much).then_some(act)
    }

    /// Keeps what is proposed; the same again finds it.
    pub(super) async fn propose(&self, order: &Order, now: Timestamp, act: Act, report: Report) -> Result<Report, Error> {
        let person = order.person.clone().ok_or_else(unnamed)?;
        let items = targets(&report.told);
        let open = self.store.proposals(now, MOST_OPEN).await?;
        let is_same = |known: &&KeptProposal| known.act == act.as_str() && known.person == person && known.items == items;
        if let Some(known) = open.iter().find(is_same) {
            return Ok(Report { proposal: Some(known.id), ..report });
        }
        if open.len() >= usize::try_from(MOST_OPEN).unwrap_or(usize::MAX) {
            return Err(invalid("待复核的提案过多，请先处理", "too many proposals are open: decide some of them first"));
        }
        let line = |told: &Told| Line { asked: told.asked.clone(), id: told.id, kind: told.kind, zh: told.zh.clone(), en: told.en.clone() };
        let lines: Vec<_> = report.told.iter().filter(|told| told.verdict == Verdict::Done).map(line).collect();
        let preview = serde_json::to_string(&lines).map_err(|error| crate::store::Error::Unavailable(Box::new(error)))?;
        let (id, until) = (self.clockwork.id(), now + LIFE);
        let changes = vec![
            task::difference("proposal.act".to_owned(), "", act.as_str()),
            task::difference("proposal.targets".to_owned(), "", &items.len().to_string()),
            task::difference("proposal.until".to_owned(), "", &until.to_string()),
        ];
        let entry = self.about(order, now, id, "propose", changes);
        let proposal = KeptProposal {
            id,
            act: act.as_str().to_owned(),
            items,
            preview,
            why: order.why.trim().to_owned(),
            actor: order.actor.clone(),
            person,
            at: now,
            until,
            state: ProposalState::Open,
            ended: None,
        };
        self.store.propose(now, proposal, entry).await?;
        Ok(Report { proposal: Some(id), ..report })
    }

    /// An entry about a proposal.
    fn about(&self, order: &Order, now: Timestamp, id: Uuid, act: &str, changes: Vec<Difference>) -> Entry {
        self.entry(order, now, (&order.actor.tenant, id), act, changes)
    }

    /// What ends the proposal that is carried out, in the same commit.
    pub(super) fn carry_out(&self, order: &Order, now: Timestamp, application: Application) -> Application {
        let Some(approval) = &order.approves else { return application };
        let changes = vec![state(ProposalState::Done)];
        let entry = self.about(order, now, approval.id, "approve", changes);
        let by = order.person.clone().unwrap_or_default();
        let mut application =
            Application { carries_out: Some(ProposalEnd { id: approval.id, state: ProposalState::Done, by }), ..application };
        application.changes.push(Change { entries: vec![entry], ..Change::default() });
        application
    }

    /// Who proposed what is being carried out, for its entries.
    pub(super) fn proposer(order: &Order) -> Option<Difference> {
        order.approves.as_ref().map(|approval| task::difference("proposed_by".to_owned(), "", &approval.proposer))
    }

    /// Proposals that are open, newest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn proposals(&self) -> Result<Vec<Proposed>, Error> {
        let open = self.store.proposals(self.clockwork.now(), MOST_OPEN).await?;
        Ok(open.into_iter().map(Proposed::of).collect())
    }

    /// A proposal, however far it has come.
    ///
    /// # Errors
    /// If there is none, or the store cannot be read.
    pub async fn proposal(&self, id: Uuid) -> Result<Proposed, Error> {
        self.store.proposal(id).await?.map(Proposed::of).ok_or(Error::NoProposal)
    }

    /// Approves a proposal of somebody else, and carries it out. Where something of it can no longer be done nothing is, and it stays open.
    ///
    /// # Errors
    /// If there is none, it is not open any more, it is the same person's, or the store cannot be read or written.
    pub async fn approve(&self, order: &Order, id: Uuid) -> Result<Report, Error> {
        let proposed = self.proposal(id).await?;
        let person = order.person.as_deref().ok_or_else(unnamed)?;
        if proposed.kept.person == person || proposed.kept.actor.name == order.actor.name {
            return Err(invalid("须由提出者以外的人复核", "a second person approves: not the one who proposed it"));
        }
        if let Some(report) = self.ended(&proposed, person)? {
            return Ok(report);
        }
        let act = proposed.act.ok_or_else(|| invalid("本程序不认识该操作", "this program does not know the act"))?;
        let kept = &proposed.kept;
        let approves = Some(Approval { id, proposer: kept.person.clone() });
        let order = Order { why: kept.why.clone(), approves, ..order.clone() };
        let done = self.act(&order, act, &kept.items).await;
        match done {
            // Somebody else may have decided it a moment ago.
            Err(Error::Changing) => self.ended(&self.proposal(id).await?, person)?.ok_or(Error::Changing),
            other => other,
        }
    }

    /// Does an act, or shows what it would do.
    ///
    /// # Errors
    /// As the act's own function.
    pub async fn act(&self, order: &Order, act: Act, items: &[String]) -> Result<Report, Error> {
        match act {
            Act::Hold => self.hold(order, items).await,
            Act::Release => self.release(order, items).await,
            Act::Retry => self.retry(order, items).await,
            Act::Arrived => self.resolve(order, items, true).await,
            Act::NotArrived => self.resolve(order, items, false).await,
            Act::Pause => self.pause(order, items).await,
            Act::Resume => self.unpause(order, items).await,
            Act::ResumeSender => self.resume_senders(order, items).await,
            Act::Destroy => self.destruction(order, items).await,
        }
    }

    /// What is told of a proposal that is not open: the same again, to the person who approved it.
    fn ended(&self, proposed: &Proposed, person: &str) -> Result<Option<Report>, Error> {
        let kept = &proposed.kept;
        let by = kept.ended.as_ref().map(|(by, _)| by.as_str());
        match kept.state {
            ProposalState::Open if self.clockwork.now() < kept.until => Ok(None),
            ProposalState::Open => Err(invalid("提案已过期", "the proposal has lapsed")),
            ProposalState::Declined => Err(invalid("提案已被否决", "the proposal was declined")),
            ProposalState::Done if by == Some(person) => {
                let told = proposed.told.iter().map(|told| Told { verdict: Verdict::Already, ..told.clone() }).collect();
                Ok(Some(Report { told, ..Report::default() }))
            }
            ProposalState::Done => Err(invalid("提案已由他人批准并执行", "the proposal was approved by somebody else, and is done")),
        }
    }

    /// Declines a proposal; whoever proposed it may take it back so.
    ///
    /// # Errors
    /// If there is none, it is not open any more, the reason is none, or the store cannot be read or written.
    pub async fn decline(&self, order: &Order, id: Uuid) -> Result<(), Error> {
        check(order, 1)?;
        let proposed = self.proposal(id).await?;
        let by = order.person.clone().unwrap_or_else(|| order.actor.name.clone());
        if proposed.kept.state == ProposalState::Declined && proposed.kept.ended.as_ref().is_some_and(|(known, _)| *known == by) {
            return Ok(());
        }
        self.ended(&proposed, "")?;
        let now = self.clockwork.now();
        let changes = vec![state(ProposalState::Declined), task::difference("proposed_by".to_owned(), "", &proposed.kept.person)];
        let entry = self.about(order, now, id, "decline", changes);
        let end = ProposalEnd { id, state: ProposalState::Declined, by };
        match self.store.end_proposal(now, end, entry).await? {
            Written::Done => Ok(()),
            Written::Stale => Err(Error::Changing),
        }
    }
}

fn unnamed() -> Error {
    invalid(
        "双人复核须知道是谁：请用账户登录，或在配置中为密钥写明 person",
        "two persons are asked for, and nobody says whose this key is: sign in with an account, or give the key its person in the configuration",
    )
}

fn state(to: ProposalState) -> Difference {
    task::difference("proposal.state".to_owned(), ProposalState::Open.as_str(), to.as_str())
}
