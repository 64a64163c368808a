//! What only one node does at a time: whoever has the turn, by a lease.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use uuid::Uuid;

use crate::{
    clock::{Clockwork, Timestamp},
    store::{self, Store},
};

/// The right of one node to do something that two would only do twice. It ends by itself when the node is gone. Nothing is lost or done
/// twice if two believe to have it for a moment, as clocks may have it: what they do is guarded where it is written.
#[derive(Clone)]
pub struct Turn {
    store: Arc<dyn Store>,
    clockwork: Clockwork,
    role: Arc<str>,
    holder: Uuid,
    length: Duration,
    until: Arc<Mutex<Option<Timestamp>>>,
}

impl Turn {
    /// The turn of that name, for a node; nobody has it yet.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clockwork: Clockwork, role: &str, holder: Uuid, length: Duration) -> Self {
        Self { store, clockwork, role: role.into(), holder, length, until: Arc::default() }
    }

    fn until(&self) -> Option<Timestamp> {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, until: Option<Timestamp>) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// Whether this node has it now, as far as it knows without asking.
    #[must_use]
    pub fn is_mine(&self) -> bool {
        let now = self.clockwork.now();
        // A clock that was set back must not make a lease longer than leases are.
        self.until().is_some_and(|until| until > now && until <= now + self.length)
    }

    /// Takes it, or keeps it where less than half of it is left; false if another node has it.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn take(&self) -> store::Result<bool> {
        let now = self.clockwork.now();
        if self.is_mine() && self.until().is_some_and(|until| until > now + self.length / 2) {
            return Ok(true);
        }
        let until = now + self.length;
        let taken = self.store.take_role(now, &self.role, self.holder, until).await?;
        self.set(taken.then_some(until));
        Ok(taken)
    }

    /// Lets another node have it at once.
    pub async fn pass_on(&self) {
        if !self.is_mine() {
            return;
        }
        self.set(None);
        let now = self.clockwork.now();
        if let Err(error) = self.store.take_role(now, &self.role, self.holder, now).await {
            tracing::debug!(role.name = &*self.role, error = %error, "the turn was not passed on; it ends by itself");
        }
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("role", &self.role).field("holder", &self.holder).field("until", &self.until()).finish_non_exhaustive()
    }
}
