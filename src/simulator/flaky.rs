//! A road that breaks, by seed: before it has taken a message, or after.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;

use crate::{
    endpoint::{Endpoint, Received, Shipment},
    queue::Fault,
};

use super::dice::Dice;

/// How often it breaks, in sends of a thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Breaks {
    /// Before anything was handed over.
    pub before: u16,
    /// After it was handed over, so that nobody can say.
    pub after: u16,
}

/// A road that breaks at the first send of some messages; the second one goes through.
pub struct Flaky {
    inner: Arc<dyn Endpoint>,
    dice: Dice,
    breaks: Breaks,
    broken: Mutex<BTreeSet<String>>,
}

impl Flaky {
    /// That road, breaking by that seed.
    #[must_use]
    pub fn new(inner: Arc<dyn Endpoint>, seed: u64, breaks: Breaks) -> Self {
        Self { inner, dice: Dice(seed), breaks, broken: Mutex::default() }
    }

    fn is_first(&self, name: &str) -> bool {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned())
    }
}

#[async_trait]
impl Endpoint for Flaky {
    fn road(&self) -> &str {
        self.inner.road()
    }

    async fn send(&self, item: &Shipment) -> Result<(), Fault> {
        let breaks = |per_mille, purpose| self.dice.chance(per_mille, purpose, &item.name);
        let before = breaks(self.breaks.before, "before");
        let after = breaks(self.breaks.after, "after");
        if !(before || after) || !self.is_first(&item.name) {
            return self.inner.send(item).await;
        }
        if before {
            return Err(Fault::Transient("the connection could not be made (simulated)".into()));
        }
        self.inner.send(item).await?;
        Err(Fault::Unknown("the connection broke after writing (simulated)".into()))
    }

    async fn receive(&self, limit: usize) -> Result<Vec<Received>, Fault> {
        self.inner.receive(limit).await
    }

    async fn acknowledge(&self, names: &[String]) -> Result<(), Fault> {
        self.inner.acknowledge(names).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Taken(Mutex<Vec<String>>);

    #[async_trait]
    impl Endpoint for Taken {
        fn road(&self) -> &'static str {
            "r"
        }

        async fn send(&self, item: &Shipment) -> Result<(), Fault> {
            self.0.lock().unwrap().push(item.name.clone());
            Ok(())
        }

        async fn receive(&self, _: usize) -> Result<Vec<Received>, Fault> {
            Ok(Vec::new())
        }

        async fn acknowledge(&self, _: &[String]) -> Result<(), Fault> {
            Ok(())
        }
    }

    async fn send_twice(breaks: Breaks) -> (Result<(), Fault>, usize, Result<(), Fault>, usize) {
        let taken = Arc::new(Taken::default());
        let road = Flaky::new(taken.clone(), 1, breaks);
        let item = Shipment { name: "m".into(), bytes: vec![], cop_msg_id: "m".into() };
        let count = || taken.0.lock().unwrap().len();
        let first = road.send(&item).await;
        let then = count();
        (first, then, road.send(&item).await, count())
    }

    #[tokio::test]
    async fn it_breaks_before_or_after_and_heals() {
        assert!(matches!(send_twice(Breaks { before: 1_000, after: 0 }).await, (Err(Fault::Transient(_)), 0, Ok(()), 1)));
        assert!(matches!(send_twice(Breaks { before: 0, after: 1_000 }).await, (Err(Fault::Unknown(_)), 1, Ok(()), 2)));
        assert!(matches!(send_twice(Breaks::default()).await, (Ok(()), 1, Ok(()), 2)));
    }
}
