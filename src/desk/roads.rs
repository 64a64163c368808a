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

    /// Lets stopped senders go on, one after the other, as the preview told.
    ///
    /// # Errors
    /// If the request makes no sense, or the store cannot be read or written.
    pub async fn resume_senders(&self, order: &Order, senders: &[String]) -> Result<Report, Error> {
        check(order, senders.len())?;
        let stopped = self.store.stopped().await?;
        let told = |sender: &String| {
            let (verdict, zh, en) = if stopped.iter().any(|(name, _)| name == sender) {
                (Verdict::Done, "恢复，待发报文立即发送", "goes on: what it had to send is sent at once")
            } else {
                (Verdict::Already, "未被停用", "is not stopped")
            };
            Told { asked: sender.clone(), id: Uuid::nil(), kind: None, verdict, zh: zh.to_owned(), en: en.to_owned() }
        };
        let mut report = Report { told: senders.iter().map(told).collect(), ..Report::default() };
        for line in report.told.iter().filter(|line| !order.dry_run && line.verdict == Verdict::Done) {
            report.applied |= self.resume_sender(order, &line.asked).await?;
        }
        Ok(report)
    }

    /// Lets a stopped sender go on. False: it is not stopped.
    ///
    /// # Errors
    /// If the store cannot be read or written.
    pub async fn resume_sender(&self, order: &Order, sender: &str) -> Result<bool, Error> {
        let stopped = self.store.stopped().await?;
        let Some((_, reason)) = stopped.into_iter().find(|(name, _)| name == sender) else { return Ok(false) };
        let now = self.clockwork.now();
        let changes = vec![task::difference(format!("sender.{sender}.stopped"), &reason, "")];
        let entry = self.entry(order, now, (&order.actor.tenant, Uuid::nil()), "resume_sender", changes);
        self.store.resume(now, sender, entry).await?;
        Ok(true)
    }
}

fn difference(road: &str, pause: bool) -> Difference {
    let (from, to) = if pause { ("no", "yes") } else { ("yes", "no") };
    task::difference(format!("road.{road}.paused"), from, to)
}
