//! Ways to spoil a kept log, and what should be found.

use super::{super::*, kept::*};
use crate::{
    audit::LogKey,
    clock::{Clockwork, Timestamp},
};

/// How many ways there are.
pub(super) const WAYS: u64 = ENTRY_WAYS + ROW_WAYS + CHECKPOINT_WAYS;
const ENTRY_WAYS: u64 = 8;
const ROW_WAYS: u64 = 8;
const CHECKPOINT_WAYS: u64 = 7;

/// Spoils the log in one of many ways and tells what should be found first.
pub(super) fn spoil(log: &mut Log, way: u64, work: &Clockwork) -> Broken {
    if way < ENTRY_WAYS {
        spoil_entry(log, way, work)
    } else if way < ENTRY_WAYS + ROW_WAYS {
        spoil_rows(log, way - ENTRY_WAYS, work)
    } else {
        spoil_checkpoint(log, way - ENTRY_WAYS - ROW_WAYS, work)
    }
}

/// Alters an entry, or the hashes that vouch for it.
fn spoil_entry(log: &mut Log, way: u64, work: &Clockwork) -> Broken {
    let position = work.below(ENTRIES);
    let tiled = work.below(TILED);
    let bit = 1 << work.below(8);
    match way {
        0 => {
            forge(log.row(position));
            at(position, Fault::Altered)
        }
        1 => {
            let row = log.row(position);
            let place = usize::try_from(work.below(u64::try_from(row.pending.body.len()).unwrap())).unwrap();
            row.pending.body[place] ^= bit;
            at(position, Fault::Altered)
        }
        2 => {
            forge(log.row(position));
            reseal(log.row(position));
            if position < TILED { at(position, Fault::Altered) } else { log.range(position) }
        }
        3 => {
            log.row(position).leaf[usize::try_from(work.below(32)).unwrap()] ^= bit;
            at(position, Fault::LeafAltered)
        }
        4 => {
            log.row(position).leaf.pop();
            at(position, Fault::LeafAltered)
        }
        5 => {
            log.tile_hash(tiled)[usize::try_from(work.below(32)).unwrap()] ^= bit;
            tile_of(tiled, Fault::TileAltered)
        }
        6 => {
            forge(log.row(tiled));
            reseal(log.row(tiled));
            let leaf = log.row(tiled).leaf.clone();
            log.tile_hash(tiled).copy_from_slice(&leaf);
            log.range(tiled)
        }
        _ => {
            let pending = &mut log.row(position).pending;
            let column = ["id", "at", "tenant", "subject", "act"][usize::try_from(work.below(5)).unwrap()];
            match column {
                "id" => pending.id = work.id(),
                "at" => pending.at = Timestamp(pending.at.0 - 1),
                "tenant" => pending.tenant.push('x'),
                "subject" => pending.subject = work.id(),
                _ => pending.act = "accept".to_owned(),
            }
            at(position, Fault::Column(column))
        }
    }
}

/// Removes, adds or moves rows.
fn spoil_rows(log: &mut Log, way: u64, work: &Clockwork) -> Broken {
    let position = work.below(ENTRIES);
    let tiled = work.below(TILED);
    match way {
        0 => {
            log.entries.remove(usize::try_from(position).unwrap());
            Broken { place: Place::Entries { first: position, last: position }, fault: Fault::Missing }
        }
        1 => {
            // Removed, and the others moved up: in a full tile the next entry is seen where this one was.
            let position = tiled;
            log.entries.remove(usize::try_from(position).unwrap());
            log.renumber();
            if position % TILE_WIDTH == 255 {
                at(position, shifted(log, position))
            } else {
                at(position, Fault::Moved { from: position + 1 })
            }
        }
        2 => swap(log, position, work),
        3 => {
            // A forged entry between others.
            let mut row = log.row(position).clone();
            forge(&mut row);
            reseal(&mut row);
            log.entries.insert(usize::try_from(position).unwrap(), row);
            log.renumber();
            if position < TILED { at(position, shifted(log, position)) } else { log.range(position) }
        }
        4 => {
            let row = log.row(position).clone();
            log.entries.insert(usize::try_from(position).unwrap(), row);
            at(position, Fault::Stray { position: i64::try_from(position).unwrap() })
        }
        5 => {
            log.tiles.remove(&TileId { level: 0, index: tiled / TILE_WIDTH });
            tile_of(tiled, Fault::TileMissing)
        }
        6 => {
            log.tiles.insert(TileId { level: 1, index: 0 }, vec![0; Tile::FULL_BYTES]);
            at(ENTRIES, Fault::TilesTooMany { count: 1 })
        }
        _ => {
            log.entries.truncate(usize::try_from(position).unwrap());
            Broken { place: Place::Entries { first: position, last: ENTRIES - 1 }, fault: Fault::Missing }
        }
    }
}

/// What is told of an entry when all after it were shifted too. Where no signed root comes before the part without tiles, which was
/// altered as well, the last entry of the last tile stands alone against its tile.
fn shifted(log: &Log, position: u64) -> Fault {
    if position + 1 == TILED && log.around(position).1 > TILED { Fault::Undecided } else { Fault::Altered }
}

fn swap(log: &mut Log, position: u64, work: &Clockwork) -> Broken {
    let other = (position + 1 + work.below(ENTRIES - 1)) % ENTRIES;
    let (first, second) = (position.min(other), position.max(other));
    log.entries.swap(usize::try_from(first).unwrap(), usize::try_from(second).unwrap());
    log.renumber();
    if first >= TILED {
        log.range(first)
    } else if first / TILE_WIDTH == second / TILE_WIDTH {
        at(first, Fault::Moved { from: second })
    } else if (TILED..log.around(first).1).contains(&second) {
        at(first, Fault::Undecided)
    } else {
        at(first, Fault::Altered)
    }
}

fn spoil_checkpoint(log: &mut Log, way: u64, work: &Clockwork) -> Broken {
    let count = u64::try_from(log.checkpoints.len()).unwrap();
    let place = usize::try_from(1 + work.below(count - 2)).unwrap();
    let next = log.checkpoints[place + 1].clone();
    let (size, root, note) = &mut log.checkpoints[place];
    let covers = u64::try_from(*size).unwrap();
    let mut checkpoint = Checkpoint { origin: key().name().to_owned(), size: covers, root: Hash::from_slice(root).unwrap() };
    let fault = match way {
        0 => {
            root[3] ^= 1;
            Fault::NoteDiffers
        }
        1 => {
            *size += 1;
            Fault::NoteDiffers
        }
        2 => {
            *note = note.replace(&format!("\n{covers}\n"), &format!("\n{}\n", covers + 1));
            Fault::NoteUnsigned
        }
        3 => {
            let forger = LogKey::new(key().name(), &[6; 32]).unwrap();
            *note = checkpoint.sign(&forger).unwrap();
            Fault::NoteUnsigned
        }
        4 => {
            let other = LogKey::new("tongguan.example/other", &[5; 32]).unwrap();
            checkpoint.origin = other.name().to_owned();
            *note = checkpoint.sign(&other).unwrap();
            Fault::OtherLog
        }
        5 => {
            note.truncate(20);
            Fault::NoteMalformed
        }
        _ => {
            log.checkpoints.insert(place, next.clone());
            return Broken { place: Place::Checkpoint { size: i64::try_from(covers).unwrap() }, fault: Fault::OutOfOrder };
        }
    };
    Broken { place: Place::Checkpoint { size: *size }, fault }
}
