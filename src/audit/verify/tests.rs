//! A kept log is built as the sequencer does it, then spoiled row by row.

mod kept;
mod spoil;

use std::collections::BTreeMap;

use uuid::Uuid;

use self::{kept::*, spoil::*};
use super::*;
use crate::audit::LogKey;

#[test]
fn a_sound_log_passes() {
    let log = Log::build(ENTRIES, 0);
    let summary = log.verify().unwrap();
    assert_eq!((summary.entries, summary.signed), (ENTRIES, ENTRIES));
    assert_eq!(summary.checkpoints, u64::try_from(log.checkpoints.len()).unwrap());
    assert_eq!(Some(summary.root), Hash::from_slice(&log.checkpoints.last().unwrap().1));
    let empty = Log::build(0, 0).verify().unwrap();
    assert_eq!((empty.entries, empty.signed, empty.root), (0, 0, Hash::EMPTY_ROOT));
}

#[test]
fn entries_after_the_last_checkpoint_are_not_yet_signed() {
    let mut log = Log::build(700, 100);
    let summary = log.verify().unwrap();
    assert_eq!((summary.entries, summary.signed), (800, 700));
    forge(log.row(790));
    assert_eq!(log.verify().unwrap_err().first, at(790, Fault::Undecided));
    let never = Log::build(0, 300).verify().unwrap();
    assert_eq!((never.entries, never.signed, never.checkpoints), (300, 0, 0));
}

#[test]
fn whatever_is_spoiled_is_found_and_named() {
    let sound = Log::build(ENTRIES, 0);
    for seed in 0..230 {
        let mut log = sound.clone();
        let expected = spoil(&mut log, seed % WAYS, &dice(seed));
        let damage = match log.verify() {
            Err(damage) => damage,
            Ok(_) => panic!("seed {seed}: nothing found, expected {expected}"),
        };
        assert_eq!(damage.first, expected, "seed {seed}: {:?}", damage.found);
        assert!(damage.unlisted == 0 || damage.found.len() == MOST_LISTED);
    }
}

#[test]
fn one_fault_is_told_once() {
    let sound = Log::build(ENTRIES, 0);
    for (seed, way) in (0..).zip([0, 1, 3, 5, 6, 7, 12, 13, 14, 15, 16, 19, 22]) {
        let mut log = sound.clone();
        let expected = spoil(&mut log, way, &dice(seed));
        assert_eq!(log.verify().unwrap_err().found, [expected], "way {way}");
    }
}

#[test]
fn several_faults_are_each_named() {
    let mut log = Log::build(ENTRIES, 0);
    forge(log.row(100));
    log.row(101).leaf[0] ^= 1;
    log.tile_hash(600)[0] ^= 1;
    log.row(1_300).pending.act.clear();
    log.entries.remove(700);
    let found = log.verify().unwrap_err().found;
    let gap = Broken { place: Place::Entries { first: 700, last: 700 }, fault: Fault::Missing };
    let rest = [tile_of(600, Fault::TileAltered), gap, at(1_300, Fault::Column("act"))];
    assert_eq!(found[2..], rest, "{found:?}");
    assert_eq!([found[0].position(), found[1].position()], [100, 101]);
}

#[test]
fn a_whole_tile_replaced_is_named_once() {
    let mut log = Log::build(ENTRIES, 0);
    log.tiles.insert(TileId { level: 0, index: 1 }, vec![9; Tile::FULL_BYTES]);
    assert_eq!(log.verify().unwrap_err().found, [tile_of(256, Fault::TileAltered)]);
    log.tiles.insert(TileId { level: 0, index: 1 }, vec![9; 5]);
    assert_eq!(log.verify().unwrap_err().found, [tile_of(256, Fault::TileAltered)]);
}

#[test]
fn a_log_cut_back_with_its_checkpoints_is_seen_against_one_kept_elsewhere() {
    let mut log = Log::build(ENTRIES, 0);
    let kept_elsewhere = log.checkpoints.last().unwrap().2.clone();
    assert!(log.verify_since(Some(&kept_elsewhere)).is_ok());
    log.checkpoints.truncate(5);
    let size = u64::try_from(log.checkpoints[4].0).unwrap();
    log.entries.truncate(usize::try_from(size).unwrap());
    log.tiles.retain(|id, _| (id.index + 1) * TILE_WIDTH <= size);
    assert!(log.verify().is_ok());
    let gap = Broken { place: Place::Entries { first: size, last: ENTRIES - 1 }, fault: Fault::Missing };
    assert_eq!(log.verify_since(Some(&kept_elsewhere)).unwrap_err().found, [gap]);
    assert!(Checkpoints::new(LogKey::new("other", &[1; 32]).unwrap().verifier()).since(&kept_elsewhere).is_err());
}

#[test]
fn rows_that_no_log_has_are_named_and_do_no_harm() {
    let mut log = Log::build(ENTRIES, 0);
    let last = i64::try_from(ENTRIES).unwrap();
    let mut row = log.entries[0].clone();
    row.position = -5;
    log.entries.insert(0, row.clone());
    row.position = i64::MAX;
    log.entries.push(row);
    let found = log.verify().unwrap_err().found;
    let gap = Place::Entries { first: ENTRIES, last: u64::try_from(i64::MAX - 1).unwrap() };
    assert_eq!(found[..2], [at(0, Fault::Stray { position: -5 }), Broken { place: gap, fault: Fault::Missing }]);
    let mut log = Log::build(ENTRIES, 0);
    log.checkpoints.insert(0, (i64::MIN, vec![], String::new()));
    log.checkpoints.push((last + 1, vec![0; 32], "\n\n".repeat(9)));
    let found = log.verify().unwrap_err().found;
    assert_eq!(found.iter().map(|broken| broken.fault).collect::<Vec<_>>(), [Fault::NoteMalformed; 2]);
}

#[test]
fn a_signed_body_that_is_no_entry_is_named() {
    let mut log = Log::build(0, 0);
    let mut tree = Tree::empty();
    log.grow(&mut tree, 3, &dice(1));
    let mut again = Tree::empty();
    log.row(1).pending.body = b"{}".to_vec();
    reseal(log.row(1));
    for row in &log.entries {
        again.append(leaf_hash(&row.pending.body));
    }
    log.sign(&again);
    assert_eq!(log.verify().unwrap_err().found, [at(1, Fault::NotAnEntry)]);
}

#[test]
fn an_unreadable_row_is_named_and_the_others_are_still_checked() {
    let log = Log::build(300, 0);
    let mut checkpoints = Checkpoints::new(key().verifier());
    for (size, root, note) in &log.checkpoints {
        checkpoints.add(&StoredCheckpoint { size: *size, root, note });
    }
    let mut verifier = checkpoints.verifier();
    verifier.tile(TileId { level: 0, index: 0 }, log.tiles.values().next().map(Vec::as_slice));
    verifier.unreadable(0);
    verifier.unreadable(0);
    let found = verifier.finish(1).unwrap_err().found;
    let gap = Broken { place: Place::Entries { first: 1, last: 299 }, fault: Fault::Missing };
    assert_eq!(found, [at(0, Fault::Unreadable), at(0, Fault::Stray { position: 0 }), gap]);
}

#[test]
fn upper_tiles_are_checked_too() {
    let mut tree = Tree::empty();
    let bodies: Vec<Vec<u8>> = (0..66_000).map(|number| entry(number, Uuid::nil()).to_leaf()).collect();
    let done = tree.sequence(bodies.iter().map(|body| leaf_hash(body)));
    let upper = TileId { level: 1, index: 0 };
    let tiles: BTreeMap<TileId, Vec<u8>> = done.tiles.iter().map(|tile| (tile.id(), tile.to_bytes())).collect();
    let check = |tiles: &BTreeMap<TileId, Vec<u8>>| {
        let mut verifier = Checkpoints::new(key().verifier()).verifier();
        for (position, leaf) in (0..).zip(&done.leaves) {
            while let Some(id) = verifier.wanted() {
                verifier.tile(id, tiles.get(&id).map(Vec::as_slice));
            }
            // The rows are not what is looked at here.
            let _ = verifier.reach(position);
            verifier.advance(*leaf, *leaf);
        }
        while let Some(id) = verifier.wanted() {
            verifier.tile(id, tiles.get(&id).map(Vec::as_slice));
        }
        verifier.finish(u64::try_from(tiles.len()).unwrap())
    };
    assert_eq!(check(&tiles).unwrap().root, tree.root());
    let mut altered = tiles.clone();
    altered.get_mut(&upper).unwrap()[7 * Hash::LENGTH] ^= 1;
    let first = 7 * TILE_WIDTH;
    assert_eq!(
        check(&altered).unwrap_err().found,
        [Broken { place: Place::Tile { level: 1, index: 0, first }, fault: Fault::TileAltered }]
    );
    altered.remove(&upper);
    assert_eq!(
        check(&altered).unwrap_err().found,
        [Broken { place: Place::Tile { level: 1, index: 0, first: 0 }, fault: Fault::TileMissing }]
    );
}

#[test]
fn every_fault_is_told_in_both_languages() {
    let broken = at(5, Fault::Moved { from: 9 });
    assert_eq!(broken.en(), "entry 5: reordered: the entry of position 9 stands here");
    assert_eq!(broken.zh(), "第 5 号记录：被调换，此处放的是第 9 号记录");
    let range = Broken { place: Place::Entries { first: 3, last: 8 }, fault: Fault::RootDiffers { size: 9 } };
    assert!(range.en().starts_with("entries 3 to 8: ") && range.zh().starts_with("第 3 至 8 号记录："));
}
