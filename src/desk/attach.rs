//! A receipt that matched nothing is given to the document that it is about.

use uuid::Uuid;

use super::{Decided, Desk, Error, Order, Report, TRIES, Told, Verdict, check, targets::subject};
use crate::{
    clock::Timestamp,
    collector::{Attaching, attach},
    declaration::DocumentId,
    dossier::Document,
    explain::explain_state,
    state::State,
    store::{self, Application, Attached, Change, KeptReceipt, Subject},
    task,
};

/// Which receipt is given to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The arrival it came in.
    pub arrival: Uuid,
    /// Its place there, from 0.
    pub ordinal: u32,
    /// The document's id, or a number that leads to one document of the receipt's kind.
    pub target: String,
}

impl Desk {
    /// Gives a receipt that matched nothing to a document, as if it had matched.
    ///
    /// # Errors
    /// If the request makes no sense, or the store cannot be read or written.
    pub async fn attach(&self, order: &Order, asked: &Attachment) -> Result<Report, Error> {
        check(order, 1)?;
        for _ in 0..TRIES {
            let now = self.clockwork.now();
            let decided = self.decide_attachment(order, now, asked).await?;
            if let Some(report) = self.settle(order, now, decided).await? {
                return Ok(report);
            }
        }
        Err(Error::Changing)
    }

    async fn decide_attachment(&self, order: &Order, now: Timestamp, asked: &Attachment) -> Result<Decided, Error> {
        let told = |document: Option<&Document>, verdict, zh: &str, en: &str| Told {
            asked: asked.target.clone(),
            id: document.map_or(Uuid::nil(), |document| document.id.0),
            kind: document.map(|document| document.kind),
            verdict,
            zh: zh.to_owned(),
            en: en.to_owned(),
        };
        let only = |line| Ok(Decided { told: vec![line], ..Decided::default() });
        let nothing = DocumentId(Uuid::nil());
        let targets = self.targets(order, std::slice::from_ref(&asked.target), false).await?;
        let documents: Vec<_> = targets.into_iter().flat_map(|target| target.documents).collect();
        let mut unmatched = self.store.receipt(asked.arrival, asked.ordinal, nothing).await?;
        for document in &documents {
            if unmatched.is_none()
                && let Some(kept) = self.store.receipt(asked.arrival, asked.ordinal, document.id).await?
            {
                return only(if kept.document == Some(document.id) {
                    told(Some(document), Verdict::Already, "已归于该单证", "belongs to this document already")
                } else {
                    // It matched nothing a moment ago, and is looked at once more.
                    unmatched = Some(kept);
                    continue;
                });
            }
        }
        let Some(kept) = unmatched else {
            return only(told(None, Verdict::Refused, "没有该未匹配回执", "there is no such receipt that matches nothing"));
        };
        let candidates: Vec<_> = documents.iter().filter(|document| document.kind == kept.receipt.key.kind()).collect();
        let [document] = candidates.as_slice() else {
            return only(match (documents.is_empty(), candidates.len()) {
                (true, _) => told(None, Verdict::Refused, "未找到单证", "no document is found"),
                (_, 0) => told(documents.first(), Verdict::Refused, "回执针对另一种单证", "the receipt answers another kind of document"),
                _ => told(
                    None,
                    Verdict::Refused,
                    "该编号对应多份单证，请给出单证的ID",
                    "the number leads to several documents: give the document's id",
                ),
            });
        };
        if let Some((zh, en)) = forbidden(document) {
            return only(told(Some(document), Verdict::Refused, &zh, &en));
        }
        let (application, effect) = self.application(order, now, asked, &kept, document).await?;
        let (zh, en) = if effect {
            ("回执归于该单证并生效", "the receipt belongs to this document and takes effect")
        } else {
            ("回执归于该单证，状态不变", "the receipt belongs to this document and changes nothing")
        };
        Ok(Decided { told: vec![told(Some(document), Verdict::Done, zh, en)], application, ..Decided::default() })
    }

    async fn application(
        &self,
        order: &Order,
        now: Timestamp,
        asked: &Attachment,
        kept: &KeptReceipt,
        document: &Document,
    ) -> Result<(Application, bool), Error> {
        let subject_of = match document.declaration {
            Some(declaration) => self.store.show(None, declaration).await?.map(|shown| Subject::Dossier(shown.dossier)),
            None => None,
        };
        let with =
            Attaching { store: &*self.store, clockwork: &self.clockwork, advisor: &self.advisor, port_retries: self.port_retries, now };
        let about = subject_of.unwrap_or_else(|| Subject::Waybill(document.clone()));
        let (mut changes, effect) = attach(with, kept, about, document.id).await.map_err(|error| match error {
            task::Error::Store(error) => Error::Store(error),
            other => Error::Store(store::Error::Unavailable(Box::new(other))),
        })?;
        // What follows is theirs who decided it: the collector's entry about the document tells the same under their name.
        let own = subject(document);
        let mut is_told = false;
        for entry in changes.iter_mut().flat_map(|change| &mut change.entries).filter(|entry| entry.subject == own) {
            *entry = self.entry(order, now, (&document.tenant, own), "attach_receipt", std::mem::take(&mut entry.changes));
            is_told = true;
        }
        if !is_told {
            let field = format!("{}.receipt", document.kind.as_str());
            let difference = task::difference(field, "", &kept.receipt.code);
            let entry = self.entry(order, now, (&document.tenant, own), "attach_receipt", vec![difference]);
            changes.push(Change { expected: vec![(document.id, document.version)], entries: vec![entry], ..Change::default() });
        }
        let attached = Attached { arrival: asked.arrival, ordinal: asked.ordinal, document: document.id, effect };
        Ok((Application { changes, attached: vec![attached], ..Application::default() }, effect))
    }
}

/// Why a document can have no receipt: customs never had it, or it is over.
fn forbidden(document: &Document) -> Option<(String, String)> {
    let never_sent = document.packed == 0 && matches!(document.state, State::Waiting | State::Due);
    let is_over = matches!(document.state, State::Closed | State::Cancelled);
    let meaning = explain_state(document.kind, document.state);
    if never_sent {
        return Some(("该单证从未发送，不会有回执".to_owned(), "the document was never sent: no receipt can be about it".to_owned()));
    }
    is_over.then(|| (format!("该单证已了结：{}", meaning.meaning_zh), format!("the document is over: {}", meaning.meaning_en)))
}
