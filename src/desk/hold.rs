//! Documents that are held back are not packed; what had them for packing loses its lease. Released, they go on from where they were.

use std::collections::{BTreeMap, HashSet};

use uuid::Uuid;

use super::{
    Act, Decided, Desk, Error, Order, Report, TRIES, Told, Verdict, check, difference,
    targets::{Target, matter, subject},
};
use crate::{
    clock::Timestamp,
    dossier::Document,
    explain::explain_state,
    party::Tenant,
    state::State,
    store::{Application, Change},
};

impl Desk {
    /// Holds documents, or all of a declaration that is not on its way yet, by number or id.
    ///
    /// # Errors
    /// If the request makes no sense, or the store cannot be read or written.
    pub async fn hold(&self, order: &Order, items: &[String]) -> Result<Report, Error> {
        self.set(order, items, true).await
    }

    /// Releases what is held.
    ///
    /// # Errors
    /// As [`Desk::hold`].
    pub async fn release(&self, order: &Order, items: &[String]) -> Result<Report, Error> {
        self.set(order, items, false).await
    }

    async fn set(&self, order: &Order, items: &[String], on_hold: bool) -> Result<Report, Error> {
        check(order, items.len())?;
        for _ in 0..TRIES {
            let now = self.clockwork.now();
            let targets = self.targets(order, items, false).await?;
            let decided = self.decide(order, now, &targets, on_hold);
            if let Some(report) = self.settle(order, now, decided).await? {
                return Ok(report);
            }
        }
        Err(Error::Changing)
    }

    fn decide(&self, order: &Order, now: Timestamp, targets: &[Target], on_hold: bool) -> Decided {
        let mut told = Vec::new();
        let mut changing: BTreeMap<(Tenant, Uuid), Vec<&Document>> = BTreeMap::new();
        let mut seen = HashSet::new();
        for target in targets {
            if target.documents.is_empty() {
                told.push(target.missing());
                continue;
            }
            let lines = matter(target.documents.iter().map(|document| line(target, document, on_hold)).collect());
            let done: HashSet<_> = lines.iter().filter(|told| told.verdict == Verdict::Done).map(|told| told.id).collect();
            for document in target.documents.iter().filter(|document| done.contains(&document.id.0) && seen.insert(document.id)) {
                changing.entry((document.tenant.clone(), subject(document))).or_default().push(document);
            }
            told.extend(lines);
        }
        let (act, from, to) = if on_hold { ("hold", "no", "yes") } else { ("release", "yes", "no") };
        let change = |((tenant, subject), documents): ((Tenant, Uuid), Vec<&Document>)| Change {
            expected: documents.iter().map(|document| (document.id, document.version)).collect(),
            documents: documents.iter().map(|document| Document { on_hold, ..(*document).clone() }).collect(),
            entries: vec![self.entry(
                order,
                now,
                (&tenant, subject),
                act,
                documents.iter().map(|document| difference(document.kind, "on_hold", from, to)).collect(),
            )],
            ..Change::default()
        };
        let changes = changing.into_iter().map(change).collect();
        let act = Some(if on_hold { Act::Hold } else { Act::Release });
        Decided { told, application: Application { changes, ..Application::default() }, act, many: 0 }
    }
}

fn line(target: &Target, document: &Document, on_hold: bool) -> Told {
    if document.on_hold == on_hold {
        let (zh, en) = if on_hold { ("已被暂停", "is held already") } else { ("未被暂停", "is not held") };
        return target.line(document, Verdict::Already, zh, en);
    }
    if !on_hold {
        return target.line(document, Verdict::Done, "放行，继续处理", "is released and goes on");
    }
    match document.state {
        State::Waiting | State::Due | State::PortFailed => {
            target.line(document, Verdict::Done, "暂停，不再打包", "is held back and not packed")
        }
        state => {
            let meaning = explain_state(document.kind, state);
            let zh = format!("不能暂停：{}", meaning.meaning_zh);
            target.line(document, Verdict::Refused, &zh, &format!("cannot be held: {}", meaning.meaning_en))
        }
    }
}
