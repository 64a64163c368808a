//! Roads that are paused, and senders that were stopped.

use uuid::Uuid;

use super::{Act, Decided, Desk, Error, Order, Report, TRIES, Told, Verdict, check};
use crate::{
    audit::Difference,
    clock::Timestamp,
    party::Tenant,
    store::{Change, RoadChange},
    task,
};

/// Documents of a stopped sender that are counted, due or packed.
const MOST_COUNTED: u32 = 10_000;

impl Desk {
    /// Pauses roads: nothing is packed for them or sent on them until they go on. What arrives by them is still taken in.
    ///
    /// # Errors
    /// If the request makes no sense, or the store cannot be read or written.
    pub async fn pause(&self, order: &Order, roads: &[String]) -> Result<Report, Error> {
        self.turn(order, roads, true).await
    }

    /// Lets paused roads go on.
    ///
    /// # Errors
    /// As [`Desk::pause`].
    pub async fn unpause(&self, order: &Order, roads: &[String]) -> Result<Report, Error> {
        self.turn(order, roads, false).await
    }

    /// The names of all roads.
    #[must_use]
    pub fn roads(&self) -> &[String] {
        &self.roads
    }

    async fn turn(&self, order: &Order, roads: &[String], pause: bool) -> Result<Report, Error> {
        check(order, roads.len())?;
        for _ in 0..TRIES {
            let now = self.clockwork.now();
            let paused = self.store.paused().await?;
            let act = Some(if pause { Act::Pause } else { Act::Resume });
            let mut decided = Decided { act, ..Decided::default() };
            let mut changes = Vec::new();
            for (at, road) in roads.iter().enumerate() {
                let line = self.line(road, paused.iter().any(|(name, _)| name == road), pause);
                if line.verdict == Verdict::Done && !roads.iter().take(at).any(|earlier| earlier == road) {
                    changes.push(difference(road, pause));
                    let why = order.why.trim().to_owned();
                    let change = if pause { RoadChange::Paused(road.clone(), why) } else { RoadChange::Resumed(road.clone()) };
                    decided.application.roads.push(change);
                }
                decided.told.push(line);
            }
            let (act, tenant) = (if pause { "pause_road" } else { "resume_road" }, order.actor.tenant.clone());
            decided.application.changes = vec![self.about_nothing(order, now, &tenant, act, changes)];
            if let Some(report) = self.settle(order, now, decided).await? {
                return Ok(report);
            }
        }
        Err(Error::Changing)
    }

    /// A change that is only an entry.
    fn about_nothing(&self, order: &Order, now: Timestamp, tenant: &Tenant, act: &str, changes: Vec<Difference>) -> Change {
        Change { entries: vec![self.entry(order, now, (tenant, Uuid::nil()), act, changes)], ..Change::default() }
    }

    fn line(&self, road: &str, is_paused: bool, pause: bool) -> Told {
        let (verdict, zh, en) = match (self.roads.iter().any(|known| known == road), is_paused, pause) {
            (false, false, _) => (Verdict::Refused, "没有该通道", "there is no such road"),
            (_, true, true) => (Verdict::Already, "已暂停", "is paused already"),
            (_, false, false) => (Verdict::Already, "未暂停", "is not paused"),
            (_, false, true) => (Verdict::Done, "暂停打包和发送", "nothing is packed for it or sent on it any more"),
            // One that is no longer configured can still be let go.
            (_, true, false) => (Verdict::Done, "恢复", "goes on"),
        };
        Told { asked: road.to_owned(), id: Uuid::nil(), kind: None, verdict, zh: zh.to_owned(), en: en.to_owned() }
    }

    /// Lets stopped senders go on. What one has to send goes at once: it is that many documents that count, where two persons are asked for.
    ///
    /// # Errors
    /// If the request makes no sense, or the store cannot be read or written.
    pub async fn resume_senders(&self, order: &Order, senders: &[String]) -> Result<Report, Error> {
        check(order, senders.len())?;
        for _ in 0..TRIES {
            let now = self.clockwork.now();
            let stopped = self.store.stopped().await?;
            let waiting = self.store.awaiting(senders, MOST_COUNTED).await?;
            let mut decided = Decided { act: Some(Act::ResumeSender), ..Decided::default() };
            let mut changes = Vec::new();
            for (at, (sender, count)) in senders.iter().zip(&waiting).enumerate() {
                let reason = stopped.iter().find(|(name, _)| name == sender).map(|(_, reason)| reason);
                if let Some(reason) = reason.filter(|_| !senders.iter().take(at).any(|earlier| earlier == sender)) {
                    changes.push(task::difference(format!("sender.{sender}.stopped"), reason, ""));
                    decided.application.resumed.push(sender.clone());
                    decided.many += count;
                }
                decided.told.push(going(sender, reason.is_some(), *count));
            }
            decided.application.changes = vec![self.about_nothing(order, now, &order.actor.tenant, "resume_sender", changes)];
            if let Some(report) = self.settle(order, now, decided).await? {
                return Ok(report);
            }
        }
        Err(Error::Changing)
    }
}

/// What becomes of a sender.
fn going(sender: &str, is_stopped: bool, waiting: u64) -> Told {
    let (verdict, zh, en) = if is_stopped {
        let many = if waiting >= u64::from(MOST_COUNTED) { format!("{MOST_COUNTED}+") } else { waiting.to_string() };
        (Verdict::Done, format!("恢复，待发的 {many} 份单证立即发送"), format!("goes on: the {many} documents it has to send go at once"))
    } else {
        (Verdict::Already, "未被停用".to_owned(), "is not stopped".to_owned())
    };
    Told { asked: sender.to_owned(), id: Uuid::nil(), kind: None, verdict, zh, en }
}

fn difference(road: &str, pause: bool) -> Difference {
    let (from, to) = if pause { ("no", "yes") } else { ("yes", "no") };
    task::difference(format!("road.{road}.paused"), from, to)
}
