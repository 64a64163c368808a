//! What came and went as it is, what is personal in it included: for a reason, which the log keeps before anything is shown.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Desk, Error, Order, check};
use crate::{
    clock::Timestamp,
    declaration::MessageId,
    party::Tenant,
    store::{Application, Change},
    task,
};

/// What is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revealed {
    /// A sealed message.
    Message(MessageId),
    /// What came from customs.
    Arrival(Uuid),
}

impl Desk {
    /// The bytes as they are, once the log has been told who asks for them, and why: under every declaration that a message carries, and
    /// under none where that is not known. Nothing: they are not there.
    ///
    /// # Errors
    /// If no reason is given, or the store cannot be read or written.
    pub async fn reveal(&self, order: &Order, what: Revealed) -> Result<Option<Vec<u8>>, Error> {
        check(order, 1)?;
        let now = self.clockwork.now();
        let own = order.actor.tenant.clone();
        let (bytes, field, id, about) = match what {
            Revealed::Arrival(id) => {
                let found = self.store.arrival(id).await?;
                (found.map(|(_, bytes)| bytes), "arrival.shown", id, BTreeSet::from([(own, Uuid::nil())]))
            }
            Revealed::Message(id) => {
                let found = self.store.messages_of(&[id]).await?.pop();
                let documents = found.into_iter().flat_map(|with| with.documents);
                let whose = documents.map(|document| {
                    let subject = document.declaration.map_or(document.id.0, |declaration| declaration.0);
                    (document.tenant, subject)
                });
                let mut about: BTreeSet<_> = whose.collect();
                if about.is_empty() {
                    about.insert((own, Uuid::nil()));
                }
                (self.store.sealed(id).await?, "message.shown", id.0, about)
            }
        };
        let Some(bytes) = bytes else { return Ok(None) };
        self.tell_of(order, now, &about, field, id).await?;
        Ok(Some(bytes))
    }

    /// Tells the log who asks for customs' own words about a declaration, a waybill or a document submitted on its own, and why; then they
    /// may be shown as they came.
    ///
    /// # Errors
    /// If no reason is given, or the store cannot be written.
    pub async fn reveal_words(&self, order: &Order, whose: &Tenant, subject: Uuid) -> Result<(), Error> {
        check(order, 1)?;
        let about = BTreeSet::from([(whose.clone(), subject)]);
        self.tell_of(order, self.clockwork.now(), &about, "words.shown", subject).await
    }

    async fn tell_of(&self, order: &Order, now: Timestamp, about: &BTreeSet<(Tenant, Uuid)>, field: &str, id: Uuid) -> Result<(), Error> {
        let told = |(tenant, subject): &(Tenant, Uuid)| {
            let changes = vec![task::difference(field.to_owned(), "", &id.to_string())];
            self.entry(order, now, (tenant, *subject), "reveal", changes)
        };
        let change = Change { entries: about.iter().map(told).collect(), ..Change::default() };
        self.store.apply(now, Application { changes: vec![change], ..Application::default() }).await?;
        Ok(())
    }
}
