//! Destroying what has outlived its time, where it takes two persons. It is proposed and approved here, and touches nothing: what was
//! approved is carried out by the command `retention destroy --approved`, which reads the archives and looks at everything once more.

use uuid::Uuid;

use super::{Act, Decided, Desk, Error, Order, Report, TRIES, Told, Verdict, check_why, proposals};
use crate::{
    access::{Call, allows},
    archivist::{Approved, Target},
    clock::Timestamp,
    retention::{Class, Month, Options},
    store::{ArchiveState, Held, KeptArchive, KeptProposal, LegalHold},
};

/// Lines of one destruction: a thousand archives, and months of attempts.
const MOST_LINES: usize = 2_000;

/// What the store says of what is to be destroyed.
struct Known<'a> {
    now: Timestamp,
    options: &'a Options,
    archives: Vec<KeptArchive>,
    holds: Vec<LegalHold>,
}

impl Desk {
    /// How long things are kept: what may be destroyed is decided by it.
    #[must_use]
    pub fn with_retention(self, retention: Options) -> Self {
        Self { retention, ..self }
    }

    /// Proposes to destroy what a preview has named, line by line, with the preview's digest.
    ///
    /// # Errors
    /// If it takes no second person here, the request makes no sense, or the store cannot be read or written.
    pub async fn propose_destruction(&self, order: &Order, lines: &[String], digest: &str) -> Result<Report, Error> {
        if self.two_persons_over.is_none() {
            return Err(proposals::invalid(
                "此处未启用双人复核（access.two_persons_over）：请直接运行 retention destroy",
                "no second person is asked for here (access.two_persons_over): `retention destroy` does it at once",
            ));
        }
        if Target::digest_of(lines) != digest {
            return Err(proposals::invalid("待销毁内容与摘要不符，请重新预览", "this is not what the digest is of: preview it again"));
        }
        self.destruction(order, lines).await
    }

    /// Proposes it, or writes down that it is approved.
    pub(super) async fn destruction(&self, order: &Order, lines: &[String]) -> Result<Report, Error> {
        check_why(order)?;
        if !allows(order.actor.role, Call::Destroy) {
            return Err(Error::Forbidden);
        }
        if lines.is_empty() || lines.len() > MOST_LINES {
            return Err(proposals::invalid("一次1至2000项", "give 1 to 2,000 lines at a time"));
        }
        for _ in 0..TRIES {
            let now = self.clockwork.now();
            let (archives, holds) = (self.store.archives().await?, self.store.legal_holds(None).await?);
            let known = Known { now, options: &self.retention, archives, holds };
            let told = lines.iter().map(|line| known.told(line)).collect();
            let decided = Decided { told, act: Some(Act::Destroy), ..Decided::default() };
            if let Some(report) = self.settle(order, now, decided).await? {
                let approved = order.approves.as_ref().filter(|_| report.applied).map(proposals::Approval::id);
                return Ok(Report { applied: report.applied && approved.is_none(), approved, ..report });
            }
        }
        Err(Error::Changing)
    }
}

impl Known<'_> {
    fn told(&self, line: &str) -> Told {
        let (verdict, zh, en) = match Target::parse(line) {
            Some(Target::Archive(name, manifest)) => {
                let kept = self.archives.iter().find(|kept| kept.name == name && kept.digest_text() == manifest);
                self.archive(kept)
            }
            Some(Target::Attempts(month)) => self.attempts(month),
            None => refused("不是预览中的一项", "no line of a preview"),
        };
        Told { asked: line.to_owned(), id: Uuid::nil(), kind: None, verdict, zh, en }
    }

    fn archive(&self, kept: Option<&KeptArchive>) -> (Verdict, String, String) {
        let Some(kept) = kept else { return refused("没有该归档", "there is no such archive") };
        let until = self.options.until(Class::Declarations, kept.name.month);
        let is_held = self.holds.iter().any(|hold| hold.held == Held::Month(kept.name.month) && hold.tenant.is_none());
        match kept.state {
            ArchiveState::Destroyed => already("已销毁", "is destroyed already"),
            ArchiveState::Written => refused("归档尚未完成", "is not archived to the end"),
            ArchiveState::Emptied if until > self.now => {
                refused(&format!("须保存至 {}", until.day()), &format!("must be kept until {}", until.day()))
            }
            ArchiveState::Emptied if is_held => refused("该月在法律保全中", "its month is under legal hold"),
            ArchiveState::Emptied => {
                let (items, bytes, day) = (kept.items, kept.bytes, until.day());
                // The figures first: a narrow table cuts the rest.
                let zh = format!("销毁 {items} 条，{bytes} 字节，须存至 {day}：申报、判定、报文、来文、回执、审计记录");
                let what = "declarations, decisions, messages, arrivals, receipts, entries";
                let en = format!("destroyed: {items} bodies, {bytes} bytes, had to be kept until {day}: {what}");
                (Verdict::Done, zh, en)
            }
        }
    }

    fn attempts(&self, month: Month) -> (Verdict, String, String) {
        let until = self.options.until(Class::Attempts, month);
        if until > self.now {
            return refused(&format!("须保存至 {}", until.day()), &format!("must be kept until {}", until.day()));
        }
        if !self.holds.is_empty() {
            return refused("有法律保全，发送记录全部保留", "something is under legal hold: all attempts stay");
        }
        let zh = format!("销毁 {month} 的发送记录，须存至 {}", until.day());
        (Verdict::Done, zh, format!("removed: attempts at delivery of {month}, had to be kept until {}", until.day()))
    }
}

fn refused(zh: &str, en: &str) -> (Verdict, String, String) {
    (Verdict::Refused, zh.to_owned(), en.to_owned())
}

fn already(zh: &str, en: &str) -> (Verdict, String, String) {
    (Verdict::Already, zh.to_owned(), en.to_owned())
}

/// What a proposal allows to be destroyed: it is one to destroy, was approved, and has not lapsed.
///
/// # Errors
/// What stands in the way.
pub fn approved(kept: &KeptProposal, now: Timestamp) -> Result<Approved, Error> {
    use crate::store::ProposalState::{Declined, Done, Open};
    if Act::parse(&kept.act) != Some(Act::Destroy) {
        return Err(proposals::invalid("该提案不是销毁", "the proposal is not to destroy anything"));
    }
    match kept.state {
        Declined => Err(proposals::invalid("提案已被否决", "the proposal was declined")),
        Open | Done if now >= kept.until => Err(proposals::invalid("提案已过期", "the proposal has lapsed")),
        Open => Err(proposals::invalid("提案尚未由另一人批准", "no second person has approved the proposal yet")),
        Done => Ok(Approved {
            targets: kept.items.iter().filter_map(|line| Target::parse(line)).collect(),
            why: kept.why.clone(),
            proposal: kept.id,
            proposed_by: kept.person.clone(),
            approved_by: kept.ended.as_ref().map(|(by, _)| by.clone()).unwrap_or_default(),
        }),
    }
}
