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
    known: Arc<Mutex<Known>>,
}

/// What this node knows without asking.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// Until when it has the turn.
    until: Option<Timestamp>,
    /// When it learned last that another has it.
    refused_at: Option<Timestamp>,
}

/// For so long nobody asks again for a turn that another has.
const REFUSED: Duration = Duration::from_secs(1);

impl Turn {
    /// The turn of that name, for a node; nobody has it yet.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clockwork: Clockwork, role: &str, holder: Uuid, length: Duration) -> Self {
        Self { store, clockwork, role: role.into(), holder, length, known: Arc::default() }
    }

    fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, known: Known) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// Whether this node has it now, as far as it knows without asking.
    #[must_use]
    pub fn is_mine(&self) -> bool {
        let now = self.clockwork.now();
        // A clock that was set back must not make a lease longer than leases are.
        self.known().until.is_some_and(|until| until > now && until <= now + self.length)
    }

    /// Whether another has had it a moment ago: it need not be asked for yet.
    #[must_use]
    pub fn is_anothers(&self) -> bool {
        let now = self.clockwork.now();
        self.known().refused_at.is_some_and(|at| at <= now && now < at + REFUSED)
    }

    /// Takes it, or keeps it where less than half of it is left; false if another node has it. The store is not asked again for a second
    /// after it said so.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub async fn take(&self) -> store::Result<bool> {
        let now = self.clockwork.now();
        if self.is_mine() && self.known().until.is_some_and(|until| until > now + self.length / 2) {
            return Ok(true);
        }
        if self.is_anothers() {
            return Ok(false);
        }
        let until = now + self.length;
        let taken = self.store.take_role(now, &self.role, self.holder, until).await?;
        self.learn(Known { until: taken.then_some(until), refused_at: (!taken).then_some(now) });
        Ok(taken)
    }

    /// Lets another node have it at once.
    pub async fn pass_on(&self) {
        if !self.is_mine() {
            return;
        }
        self.learn(Known::default());
        let now = self.clockwork.now();
        if let Err(error) = self.store.take_role(now, &self.role, self.holder, now).await {
            tracing::debug!(role.name = &*self.role, error = %error, "the turn was not passed on; it ends by itself");
        }
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("role", &self.role).field("holder", &self.holder).field("known", &self.known()).finish_non_exhaustive()
    }
}
