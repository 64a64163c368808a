//! Of what all nodes of a role may do together, what this one may do.

use std::sync::{Arc, Mutex, PoisonError};

use super::Role;

/// The part of a whole (messages a second on a road, messages on their way) that is this node's. The parts of all nodes make up the
/// whole: a node whose part is nothing does nothing, and another does it.
#[derive(Debug)]
pub struct Share(Mutex<Place>);

/// Which of how many; nothing of nothing: not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    index: u32,
    of: u32,
}

impl Share {
    /// All of it: there is no other node.
    #[must_use]
    pub const fn whole() -> Self {
        Self(Mutex::new(Place { index: 0, of: 1 }))
    }

    /// Nothing, until it is known how many share.
    #[must_use]
    pub const fn unknown() -> Self {
        Self(Mutex::new(Place { index: 0, of: 0 }))
    }

    /// Sets which of how many nodes this is, counted from 0; true if that is new.
    pub fn set(&self, index: usize, of: usize) -> bool {
        let place = Place { index: u32::try_from(index).unwrap_or(u32::MAX), of: u32::try_from(of).unwrap_or(u32::MAX) };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *known, place) != place
    }

    /// How many share it, this node among them.
    #[must_use]
    pub fn among(&self) -> u32 {
        let Place { of, .. } = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        of.clamp(1, u32::MAX)
    }

    /// This node's part of a whole.
    #[must_use]
    pub fn of(&self, whole: u32) -> u32 {
        let Place { index, of } = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if of == 0 {
            return 0;
        }
        let upto = |index: u32| u64::from(whole) * u64::from(index) / u64::from(of);
        u32::try_from(upto(index.saturating_add(1)) - upto(index)).unwrap_or(u32::MAX)
    }
}

/// What this node shares with others, by the role in which they do it.
#[derive(Debug, Clone)]
pub struct Shares([(Role, Arc<Share>); 3]);

impl Shares {
    /// Nothing is known of the others yet.
    #[must_use]
    pub fn unknown() -> Self {
        Self([Role::Pack, Role::Deliver, Role::Collect].map(|role| (role, Arc::new(Share::unknown()))))
    }

    /// This node's share of what all of a role do; all of it where nothing is shared.
    #[must_use]
    pub fn of(&self, role: Role) -> Arc<Share> {
        self.0.iter().find(|(shared, _)| *shared == role).map_or_else(|| Arc::new(Share::whole()), |(_, share)| Arc::clone(share))
    }

    /// Each with its role.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Role, &Share)> {
        self.0.iter().map(|(role, share)| (*role, &**share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_make_up_the_whole() {
        for of in 1..=7 {
            for whole in [0, 1, 3, 8, 200, u32::MAX] {
                let share = Share::unknown();
                assert_eq!(share.of(whole), 0, "nothing before it is known");
                let parts = (0..of).map(|index| {
                    share.set(index, of);
                    u64::from(share.of(whole))
                });
                assert_eq!(parts.sum::<u64>(), u64::from(whole), "{whole} among {of}");
            }
        }
        assert_eq!((Share::whole().of(9), Share::whole().among(), Share::unknown().among()), (9, 1, 1));
    }
}
