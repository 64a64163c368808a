//! What is kept raw on its way through the vault: locked before it is kept, unlocked after it was read, the same whatever keeps it. A row
//! that does not open is told of and left out: it stays leased until its lease ends, and holds up nobody else.

use super::{
    Arrival, Delivery, LeasedArrival, Packing, Result,
    reading::inconsistent,
    retaining::{self, is_mark},
};
use crate::{
    archive::{Archives, Part},
    vault::{Locked, Place, Vault},
};

/// How far what is kept raw has come under the vault's first key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resealed {
    /// Where to go on; nothing: all was looked at.
    pub next: Option<Place>,
    /// Rows that were looked at.
    pub looked: usize,
    /// Rows that were written anew.
    pub changed: usize,
    /// Rows that do not open with any of the keys; they stay as they are.
    pub closed: usize,
}

/// A row of raw bytes.
pub(super) type Raw = (uuid::Uuid, Vec<u8>);

/// Of rows in one table, in the order of their ids, those that are to be written anew, and how far one has come with them. `at` makes the
/// place of an id, `then` is where to go on after the last row.
pub(super) fn renewed(
    vault: &Vault,
    rows: Vec<Raw>,
    limit: u32,
    at: impl Fn(uuid::Uuid) -> Place,
    then: Option<Place>,
) -> (Vec<Raw>, Resealed) {
    let is_end = u32::try_from(rows.len()).is_ok_and(|found| found < limit);
    let next = if is_end { then } else { rows.last().map(|(id, _)| at(*id)) };
    let mut done = Resealed { next, looked: rows.len(), ..Resealed::default() };
    let mut anew = Vec::new();
    for (id, bytes) in rows {
        // What was archived is encrypted there, and stays so.
        if vault.is_current(&bytes) || is_mark(&bytes) {
            continue;
        }
        match vault.unlock(at(id), bytes) {
            Ok(plain) => anew.push((id, vault.lock(at(id), plain))),
            Err(locked) => {
                tell(at(id), locked);
                done.closed += 1;
            }
        }
    }
    done.changed = anew.len();
    (anew, done)
}

pub(super) fn lock_packing(vault: &Vault, packing: Packing) -> Packing {
    let bytes = vault.lock(Place::Message(packing.id.0), packing.bytes);
    Packing { bytes, ..packing }
}

pub(super) fn lock_arrivals(vault: &Vault, many: Vec<Arrival>) -> Vec<Arrival> {
    let lock = |arrival: Arrival| Arrival { bytes: vault.lock(Place::Arrival(arrival.id), arrival.bytes), ..arrival };
    many.into_iter().map(lock).collect()
}

pub(super) fn unlock_deliveries(vault: &Vault, many: Vec<Delivery>) -> Vec<Delivery> {
    let open =
        |delivery: Delivery| Some(Delivery { bytes: unlock(vault, Place::Message(delivery.message.0), delivery.bytes)?, ..delivery });
    many.into_iter().filter_map(open).collect()
}

pub(super) fn unlock_arrivals(vault: &Vault, many: Vec<LeasedArrival>) -> Vec<LeasedArrival> {
    let open = |arrival: LeasedArrival| Some(LeasedArrival { bytes: unlock(vault, Place::Arrival(arrival.id), arrival.bytes)?, ..arrival });
    many.into_iter().filter_map(open).collect()
}

/// Bytes that somebody looks at.
pub(super) fn open(vault: &Vault, archives: &Archives, place: Place, bytes: Vec<u8>) -> Result<Vec<u8>> {
    let (table, bytes) = match place {
        Place::Message(id) => ("sealed", retaining::bytes(archives, Part::Message, || id.to_string(), bytes)?),
        Place::Arrival(id) => ("arrival_bytes", retaining::bytes(archives, Part::Arrival, || id.to_string(), bytes)?),
        // Never archived.
        Place::Account(_) => ("accounts", bytes),
    };
    vault.unlock(place, bytes).map_err(|locked| inconsistent(table, locked.to_string()))
}

fn unlock(vault: &Vault, place: Place, bytes: Vec<u8>) -> Option<Vec<u8>> {
    vault.unlock(place, bytes).map_err(|locked| tell(place, locked)).ok()
}

fn tell(place: Place, locked: Locked) {
    tracing::error!(store.place = ?place, error = %locked, "what is kept cannot be decrypted");
}
