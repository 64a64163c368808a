//! What came to an end that nobody wanted: a message that was given up, a document that was turned away, an outcome that nobody knows.
//!
//! A message goes again with the same bytes, or not at all (a document goes into another message only after the first one came to its end
//! by an answer). A document that was turned away is packed anew, under new guids and with its business keys.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    Act, Decided, Desk, Error, Order, Report, TRIES, Told, Verdict, check, difference, doubt,
    targets::{Target, matter, subject},
};
use crate::{
    clock::Timestamp,
    declaration::{Action, DocumentGuid, Kind, MessageId},
    dossier::{Document, current},
    explain::explain_state,
    state::{self, Event, Next, State},
    store::{Carriage, Change, MessageChange, MessageWithDocuments},
    task,
};

/// What is to be done about messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Again,
    Arrived,
    NotArrived,
}

impl Wish {
    const fn act(self) -> Act {
        match self {
            Self::Again => Act::Retry,
            Self::Arrived => Act::Arrived,
            Self::NotArrived => Act::NotArrived,
        }
    }
}

impl Desk {
    /// Tries again: messages that were given up with the same bytes; documents that were turned away packed anew. By id, or by a number of
    /// what is in them.
    ///
    /// # Errors
    /// If the request makes no sense, or the store cannot be read or written.
    pub async fn retry(&self, order: &Order, items: &[String]) -> Result<Report, Error> {
        self.wish(order, items, Wish::Again).await
    }

    /// Says what became of messages whose outcome nobody knows: that they arrived, and are not sent again, or that they did not, and the
    /// same bytes go again.
    ///
    /// # Errors
    /// As [`Desk::retry`].
    pub async fn resolve(&self, order: &Order, items: &[String], arrived: bool) -> Result<Report, Error> {
        self.wish(order, items, if arrived { Wish::Arrived } else { Wish::NotArrived }).await
    }

    async fn wish(&self, order: &Order, items: &[String], wish: Wish) -> Result<Report, Error> {
        check(order, items.len())?;
        for _ in 0..TRIES {
            let now = self.clockwork.now();
            let targets = self.targets(order, items, true).await?;
            let decided = self.decide_wish(order, now, wish, targets).await?;
            if let Some(report) = self.settle(order, now, decided).await? {
                return Ok(report);
            }
        }
        Err(Error::Changing)
    }

    async fn decide_wish(&self, order: &Order, now: Timestamp, wish: Wish, targets: Vec<Target>) -> Result<Decided, Error> {
        let documents: Vec<_> = targets.iter().flat_map(|target| &target.documents).collect();
        let families = self.families(&documents).await?;
        let carried: BTreeSet<_> = documents.iter().filter_map(|document| document.message).collect();
        let carried: Vec<_> = carried.into_iter().collect();
        let carrying = if carried.is_empty() { Vec::new() } else { self.store.messages_of(&carried).await? };
        let carrying: BTreeMap<MessageId, &MessageWithDocuments> = carrying.iter().map(|with| (with.message.id, with)).collect();
        let mut decided = Decided { act: Some(wish.act()), ..Decided::default() };
        let mut done = BTreeSet::new();
        for target in &targets {
            if let Some(with) = &target.message {
                let line = message_line(target, with, wish);
                if line.verdict == Verdict::Done && done.insert(with.message.id.0) {
                    self.do_message(order, now, wish, with, &mut decided);
                }
                decided.told.push(line);
                continue;
            }
            if target.documents.is_empty() {
                decided.told.push(target.missing());
                continue;
            }
            let mut lines = Vec::new();
            for document in &target.documents {
                let with = document.message.and_then(|id| carrying.get(&id)).copied();
                if let Some(line) = doubt::line(target, document, wish, with) {
                    lines.push(line);
                    continue;
                }
                let with = with.filter(|_| is_on_its_way(document));
                match with {
                    Some(with) if with.message.carriage.is_given_up() || wish != Wish::Again => {
                        lines.push(message_line(target, with, wish))
                    }
                    _ if wish == Wish::Again => lines.push(document_line(target, document, &families)),
                    _ => lines.push(target.line(document, Verdict::Refused, "不在结果未知的报文中", "is in no message of unknown outcome")),
                }
            }
            let lines = matter(lines);
            for line in lines.iter().filter(|line| line.verdict == Verdict::Done) {
                if !done.insert(line.id) {
                    continue;
                }
                if let Some(with) = carrying.get(&MessageId(line.id)) {
                    self.do_message(order, now, wish, with, &mut decided);
                } else if let Some(document) = target.documents.iter().find(|document| document.id.0 == line.id) {
                    let ended = self.end_doubt(order, now, wish, document, &families);
                    decided.application.changes.push(ended.unwrap_or_else(|| self.anew(order, now, "retry", document, &families)));
                }
            }
            decided.told.extend(lines);
        }
        Ok(decided)
    }

    /// A message that was given up: its own change, and an entry for each subject in it.
    fn do_message(&self, order: &Order, now: Timestamp, wish: Wish, with: &MessageWithDocuments, decided: &mut Decided) {
        let message = &with.message;
        decided.application.messages.push(match wish {
            Wish::Arrived => MessageChange::Arrived(message.id),
            Wish::Again | Wish::NotArrived => MessageChange::Retried(message.id, now),
        });
        let mut subjects: BTreeMap<Uuid, Vec<&Document>> = BTreeMap::new();
        for document in &with.documents {
            subjects.entry(subject(document)).or_default().push(document);
        }
        let (act, to) = match wish {
            Wish::Again => ("retry", "queued"),
            Wish::Arrived => ("resolve", "arrived"),
            Wish::NotArrived => ("resolve", "not_arrived"),
        };
        for (subject, documents) in subjects {
            let Some(first) = documents.first() else { continue };
            let mut changes = vec![task::difference("message.carriage".to_owned(), message.carriage.as_str(), to)];
            let mut change =
                Change { expected: documents.iter().map(|document| (document.id, document.version)).collect(), ..Change::default() };
            for document in documents.iter().filter(|_| wish == Wish::Arrived) {
                if let Next::To(to) = state::next(document.state, None, Event::Delivered) {
                    changes.push(difference(document.kind, "state", document.state.as_str(), to.as_str()));
                    change.documents.push(Document { state: to, ..(*document).clone() });
                }
            }
            change.entries = vec![self.entry(order, now, (&first.tenant, subject), act, changes)];
            decided.application.changes.push(change);
        }
    }

    /// A document that was turned away goes anew. An inventory goes through its gate again, as its order may have to be ahead of it.
    pub(super) fn anew(
        &self,
        order: &Order,
        now: Timestamp,
        act: &str,
        document: &Document,
        families: &BTreeMap<Uuid, Vec<Document>>,
    ) -> Change {
        let Next::To(to) = state::next(document.state, None, Event::Renewed) else { return Change::default() };
        let has_order = family(document, families).iter().any(|other| other.kind == Kind::Order);
        let waits = document.kind == Kind::Inventory && has_order;
        let (to, gate_at) = if waits { (State::Waiting, Some(now)) } else { (to, None) };
        let guid = DocumentGuid(self.clockwork.id());
        let renewed = Document { state: to, gate_at, guid, message: None, lot: None, port_failures: 0, ..document.clone() };
        let changes = vec![difference(document.kind, "state", document.state.as_str(), to.as_str())];
        Change {
            expected: vec![(document.id, document.version)],
            documents: vec![renewed],
            renewed: vec![(document.id, guid)],
            entries: vec![self.entry(order, now, (&document.tenant, subject(document)), act, changes)],
            ..Change::default()
        }
    }
}

/// Whether its message is still what matters of it.
const fn is_on_its_way(document: &Document) -> bool {
    matches!(document.state, State::Packed | State::Delivered)
}

fn family<'a>(document: &Document, families: &'a BTreeMap<Uuid, Vec<Document>>) -> &'a [Document] {
    document.declaration.and_then(|id| families.get(&id.0)).map_or(&[], Vec::as_slice)
}

fn message_line(target: &Target, with: &MessageWithDocuments, wish: Wish) -> Told {
    let message = &with.message;
    let (verdict, zh, en) = match (message.carriage, wish) {
        (Carriage::Queued | Carriage::Delivered, Wish::Again | Wish::NotArrived) => {
            (Verdict::Already, "报文已在途中", "the message is on its way already")
        }
        (Carriage::Over, Wish::Arrived) => (Verdict::Already, "报文已送达，不再发送", "the message has arrived and is not sent again"),
        (Carriage::Queued | Carriage::Delivered, Wish::Arrived) => {
            (Verdict::Refused, "网关仍在发送或等待回执", "the gateway still sends it or waits for an answer")
        }
        (Carriage::Over, _) => (Verdict::Refused, "报文已了结", "the message is over"),
        (Carriage::Shelved | Carriage::Unanswered, Wish::Again) => (Verdict::Done, "原样重发", "the same bytes go again"),
        (Carriage::Shelved | Carriage::Unanswered, _) if !message.may_have_arrived => {
            (Verdict::Refused, "报文从未交出，结果并非未知，请重试", "it was never handed over, its outcome is known: retry it")
        }
        (Carriage::Shelved | Carriage::Unanswered, Wish::Arrived) => {
            (Verdict::Done, "认定已送达，等待回执，不再发送", "counts as arrived: an answer is waited for, it is not sent again")
        }
        (Carriage::Shelved | Carriage::Unanswered, Wish::NotArrived) => {
            (Verdict::Done, "认定未送达，原样重发", "counts as not arrived: the same bytes go again")
        }
    };
    let (zh, en) = (format!("{zh}（{}份单证）", with.documents.len()), format!("{en} ({} documents)", with.documents.len()));
    Told { asked: target.asked.clone(), id: message.id.0, kind: Some(message.kind), verdict, zh, en }
}

fn document_line(target: &Target, document: &Document, families: &BTreeMap<Uuid, Vec<Document>>) -> Told {
    let refused = |zh: &str, en: &str| target.line(document, Verdict::Refused, zh, en);
    let own = family(document, families);
    match document.state {
        State::Waiting | State::Due | State::Packed | State::Delivered => {
            target.line(document, Verdict::Already, "已在处理中", "is on its way already")
        }
        state if !state.is_turned_away() => {
            let meaning = explain_state(document.kind, state);
            refused(&format!("无需重试：{}", meaning.meaning_zh), &format!("nothing to retry: {}", meaning.meaning_en))
        }
        _ if document.action != Action::Add => refused(
            "变更或删除申请被退回，请由卖家重新提交",
            "an amendment or deletion that was turned away is submitted anew by the seller",
        ),
        _ if !own.is_empty() && current(own, document.kind).is_none_or(|current| current.id != document.id) => {
            refused("已由另一份单证取代", "another document has taken its place")
        }
        _ if own.iter().any(|other| other.kind == document.kind && other.action == Action::Delete && !other.state.is_turned_away()) => {
            refused("正在申请删除", "its deletion is being asked for")
        }
        _ => target.line(document, Verdict::Done, "以原编号重新打包发送", "is packed anew under its own numbers"),
    }
}
