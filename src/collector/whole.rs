//! Answers about a whole message: the port's refusal of its form (900), and what the transport says of it (DxpRep).
//!
//! A message that is refused whole is dissolved: its documents go back in two halves that are packed apart, until the bad one
//! stands alone and is rejected with what was said (DESIGN: the same bytes or nothing).

use std::time::Duration;

use tracing::{error, info, warn};
use uuid::Uuid;

use super::{
    Collector, NAME, RETRIES, Since,
    fold::{list_status, spoken},
    read::WholeAnswer,
};
use crate::{
    clock::Timestamp,
    declaration::{Action, DeclarationId, DocumentId, Kind},
    dossier::{Document, LastWord},
    receipt::{self, Verdict},
    state::{self, Event, Next, State},
    store::{Application, Change, Disposition, LeasedArrival, MessageChange, MessageFound, Written},
    task::{self, Error, Note},
    telemetry,
};

/// What an answer about a whole message means.
enum Meaning {
    /// Its form was refused: it is dissolved.
    Refused,
    /// It is already there.
    Duplicate,
    /// Its sender's signature, certificate or address is not accepted: nothing of this sender can pass.
    Stopped,
    /// It was lost on the way.
    Lost,
    /// Something between the two sides that only a person can read.
    Shelved,
    /// Nothing is wrong.
    Nothing,
    /// No code that anybody knows.
    Unknown,
}

/// An answer, whichever its form.
struct Said<'a> {
    by: &'static str,
    code: &'a str,
    info: &'a str,
    original: &'a str,
    /// When it was said.
    at: Timestamp,
    /// When it came in.
    came: Timestamp,
}

impl WholeAnswer {
    fn said(&self, came: Timestamp) -> Said<'_> {
        let (by, code, info, original, at) = match self {
            Self::Format(receipt) => ("CEB900", &receipt.code, &receipt.info, &receipt.original, spoken(receipt.at, came)),
            Self::Transport(report) => ("DxpRep", &report.code, &report.info, &report.original, came),
        };
        Said { by, code, info, original, at, came }
    }

    /// Message specification 202205: CEB900 returnStatus, and table 7-1 of DxpRep.
    fn meaning(&self, kind: Kind) -> Meaning {
        match self {
            Self::Format(receipt) if !receipt.code.trim().starts_with('-') => Meaning::Nothing,
            Self::Format(receipt) => match receipt::verdict(kind, &receipt.code, &receipt.info) {
                Verdict::Duplicate | Verdict::Outdated => Meaning::Duplicate,
                _ => Meaning::Refused,
            },
            Self::Transport(report) => match report.code.trim().parse::<u16>() {
                Ok(0) => Meaning::Nothing,
                Ok(1..=999) => Meaning::Refused,
                Ok(1_000..=2_999) => Meaning::Stopped,
                Ok(3_000..=3_999) => Meaning::Lost,
                Ok(4_000..=9_999) => Meaning::Shelved,
                Ok(_) | Err(_) => Meaning::Unknown,
            },
        }
    }
}

impl Collector {
    /// Takes one such answer in; false if the lease was lost or it could not be done now.
    pub(super) async fn take_whole(&self, token: Uuid, arrival: &LeasedArrival, answer: &WholeAnswer) -> Result<bool, Error> {
        let said = answer.said(arrival.at);
        for _ in 0..RETRIES {
            let Some(found) = self.store.message(said.original).await? else {
                let done =
                    self.forward(arrival).await && self.quarantine(token, vec![(arrival, format!("{}: not ours", said.by))]).await? > 0;
                return Ok(done);
            };
            let meaning = answer.meaning(found.kind);
            if matches!(meaning, Meaning::Unknown) {
                let reason = format!("{}: a code that nobody knows", said.by);
                return Ok(self.quarantine(token, vec![(arrival, reason)]).await? > 0);
            }
            let now = self.clockwork.now();
            let mut application = self.follow(&meaning, &said, &found, now).await?;
            telemetry::join(&*self.store, &mut application.changes).await?;
            application.token = Some(token);
            application.arrivals = vec![(arrival.id, Disposition::Read)];
            if self.apply(Since { came: arrival.at, began: now }, now, application).await? == Written::Done {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn follow(&self, meaning: &Meaning, said: &Said<'_>, found: &MessageFound, now: Timestamp) -> Result<Application, Error> {
        let mut application = Application::default();
        let (id, code) = (found.id, said.code);
        match meaning {
            Meaning::Refused => {
                warn!(message.id = %id, answer.by = said.by, answer.code = code, "message was refused whole and is dissolved");
                application.messages = vec![MessageChange::Dissolved(id)];
                application.changes = self.dissolve(said, found, now).await?;
                // Whichever of its documents changes meanwhile, all is decided anew: none may be left behind in a dissolved message.
                application.changes.push(Change { expected: versions(found), ..Change::default() });
            }
            Meaning::Duplicate => {
                application.changes = found.documents.iter().filter_map(|document| self.already_there(said, document, now)).collect();
            }
            Meaning::Stopped => {
                error!(message.id = %id, sender.name = found.sender, answer.code = code, "transport does not accept the sender; it is stopped");
                application.stops = vec![(found.sender.clone(), format!("{} {code}", said.by))];
                // No message of a stopped sender is leased: this one goes once the sender is resumed.
                application.messages = again(found, now);
                application.changes = self.tell(said, found, "sender stopped", now);
            }
            Meaning::Lost if again(found, now).is_empty() => {
                info!(message.id = %id, answer.code = code, "transport says that it lost a message that was answered; nothing needs to go");
            }
            Meaning::Lost => {
                warn!(message.id = %id, answer.code = code, "transport lost the message; it goes again");
                application.messages = again(found, now + Duration::from_secs(self.options.quiet_s));
                application.changes = self.tell(said, found, "goes again", now);
            }
            Meaning::Shelved => {
                error!(message.id = %id, answer.code = code, "transport gave a code that a person must read; the message is shelved");
                application.messages = vec![MessageChange::Shelved(id, format!("{} {code}", said.by))];
                application.changes = self.tell(said, found, "shelved", now);
            }
            Meaning::Nothing | Meaning::Unknown => info!(message.id = %id, answer.code = code, "answer about a message needs nothing done"),
        }
        Ok(application)
    }

    /// Documents that nobody has answered go back in two halves; one that was sealed alone is the bad one. One that is only left
    /// alone, because its neighbours have gone on in other messages, may be good.
    async fn dissolve(&self, said: &Said<'_>, found: &MessageFound, now: Timestamp) -> Result<Vec<Change>, Error> {
        if let ([document], 1) = (found.documents.as_slice(), found.sealed) {
            return self.reject(said, document, now).await;
        }
        let open: Vec<_> = found.documents.iter().filter(|document| is_open(document)).collect();
        let (left, right) = open.split_at(open.len().div_ceil(2));
        let mut changes = Vec::with_capacity(open.len());
        for half in [left, right] {
            let lot = self.clockwork.id();
            for &document in half {
                let Next::To(to) = state::next(document.state, None, Event::Dissolved) else { continue };
                let new = Document { state: to, message: None, lot: Some(lot), ..document.clone() };
                changes.push(self.change(said, "dissolve", document, new, "the whole message was refused", now));
            }
        }
        Ok(changes)
    }

    async fn reject(&self, said: &Said<'_>, document: &Document, now: Timestamp) -> Result<Vec<Change>, Error> {
        let last = document.last_word.as_ref().map(|word| word.at);
        // What was said of a message is no word about its document: while that is out unanswered, nothing said before outdates it.
        let at = if is_open(document) { last.filter(|last| *last > said.came).unwrap_or(said.came) } else { said.at };
        let Some(new) = answered(said, document, Verdict::Rejected, at) else { return Ok(Vec::new()) };
        let mut change = self.change(said, "receipt", document, new, "alone in a message that was refused whole", now);
        if let (Kind::Inventory, Action::Add, Some(declaration)) = (document.kind, document.action, document.declaration) {
            change.assessment = self.assess(declaration, now).await?;
        }
        Ok(vec![change])
    }

    fn already_there(&self, said: &Said<'_>, document: &Document, now: Timestamp) -> Option<Change> {
        let new = answered(said, document, Verdict::Duplicate, said.at)?;
        Some(self.change(said, "receipt", document, new, "the message is already there", now))
    }

    async fn assess(&self, id: DeclarationId, now: Timestamp) -> Result<Option<(DeclarationId, String)>, Error> {
        let shown = self.store.show(None, id).await?;
        Ok(shown.and_then(|shown| {
            let list = list_status(State::Rejected, None)?;
            let assessment = self.advisor.assess(&shown.dossier.declaration, &shown.dossier.recorded, list, now.day());
            Some((id, assessment.to_kept()))
        }))
    }

    fn change(&self, said: &Said<'_>, act: &str, old: &Document, new: Document, why: &str, now: Timestamp) -> Change {
        let field = format!("{}.state", old.kind.as_str());
        let changes = vec![task::difference(field, old.state.as_str(), new.state.as_str())];
        let why = format!("{why}: {} {}", said.by, said.code);
        let note = Note { task: NAME, act, subject: subject(old), why: &why };
        Change {
            expected: vec![(old.id, old.version)],
            entries: vec![task::entry(&self.clockwork, now, &old.tenant, note, changes)],
            documents: vec![new],
            ..Change::default()
        }
    }

    /// One entry about the message, under the first of its documents.
    fn tell(&self, said: &Said<'_>, found: &MessageFound, what: &str, now: Timestamp) -> Vec<Change> {
        let Some(first) = found.documents.first() else { return Vec::new() };
        let why = format!("{} {}: {what}", said.by, said.code);
        let note = Note { task: NAME, act: "transport", subject: subject(first), why: &why };
        vec![Change { entries: vec![task::entry(&self.clockwork, now, &first.tenant, note, Vec::new())], ..Change::default() }]
    }
}

/// Whether nobody has answered it since it was packed.
const fn is_open(document: &Document) -> bool {
    matches!(document.state, State::Packed | State::Delivered)
}

/// The same bytes again, unless every document in them has been answered.
fn again(found: &MessageFound, at: Timestamp) -> Vec<MessageChange> {
    found.documents.iter().any(is_open).then_some(MessageChange::Again(found.id, at)).into_iter().collect()
}

fn versions(found: &MessageFound) -> Vec<(DocumentId, i64)> {
    found.documents.iter().map(|document| (document.id, document.version)).collect()
}

fn answered(said: &Said<'_>, document: &Document, verdict: Verdict, at: Timestamp) -> Option<Document> {
    let last = document.last_word.as_ref().map(|word| word.at);
    let Next::To(to) = state::next(document.state, last, Event::Answered(verdict, at)) else { return None };
    let word = LastWord { code: said.code.to_owned(), at, info: said.info.to_owned() };
    Some(Document { state: to, last_word: Some(word), ..document.clone() })
}

fn subject(document: &Document) -> Uuid {
    document.declaration.map_or(document.id.0, |declaration| declaration.0)
}
