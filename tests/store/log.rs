//! The audit log: every entry gets one place, by one node, and the log can be gone on with and checked from what is kept.

use std::{collections::BTreeSet, time::Duration};

use tongguan::{
    audit::{Hash, Tile, TileId, Tree, leaf_hash},
    declaration::DeclarationId,
    party::Trace,
    store::{Acceptance, EntryFilter, LogHead, PendingEntry, Sequencing, StoredTile, Written},
};
use uuid::Uuid;

use super::{
    World,
    samples::{START, tenant},
};

on_each_store!(
    entries_get_their_place_once,
    the_log_goes_on_from_what_is_kept,
    entries_are_found_by_what_is_asked,
    entries_of_a_trace_are_found_wherever_they_stand,
    declarations_tell_the_traces_they_came_in,
    a_declaration_of_which_the_log_does_not_tell_is_named,
    a_role_is_held_by_one_until_its_time_is_over,
);

async fn entries_get_their_place_once(world: World) {
    let id = world.accept_one("O1", None).await;
    world.accept_one("O2", None).await;
    let holder = Uuid::from_u128(1);
    let until = START + Duration::from_secs(5);
    assert!(world.store().take_role(START, "sequencer", holder, until).await.unwrap());
    assert!(!world.store().take_role(START, "sequencer", Uuid::from_u128(2), until).await.unwrap());
    assert!(world.store().take_role(until, "sequencer", Uuid::from_u128(2), until + Duration::from_secs(5)).await.unwrap());
    let pending = world.store().pending_entries(10).await.unwrap();
    let sequencing = Sequencing {
        expected_size: 0,
        entries: pending.iter().map(|entry| (entry.id, *entry.leaf.as_bytes())).collect(),
        tiles: Vec::new(),
        root: [6; 32],
        note: "note".into(),
    };
    assert_eq!(world.store().sequence(START, sequencing.clone()).await.unwrap(), Written::Done);
    assert_eq!(world.store().sequence(START, sequencing).await.unwrap(), Written::Stale);
    let head = world.store().log_head().await.unwrap();
    assert_eq!((head.size, head.leaves.len(), head.tiles.len()), (2, 2, 0));
    world.pack_all().await;
    let about = EntryFilter { subjects: Some(vec![id.0]), pending: true, limit: 10, ..EntryFilter::default() };
    let placed = world.store().entries(about).await.unwrap();
    let place = pending.iter().position(|entry| entry.id == placed[0].entry.id).and_then(|place| i64::try_from(place).ok());
    assert_eq!(placed.iter().map(|placed| (placed.position, placed.entry.act.as_str())).collect::<Vec<_>>(), [(place, "accept")]);
    let tail = world.store().entries(EntryFilter { after: Some(0), limit: 10, ..EntryFilter::default() }).await.unwrap();
    assert_eq!(tail.len(), 1);
    let all = world.store().entries(EntryFilter { pending: true, limit: 10, ..EntryFilter::default() }).await.unwrap();
    assert_eq!(all.len(), 4);
}

/// The tree whose edge is kept.
pub fn restore(head: &LogHead) -> Tree {
    let leaves: Vec<_> = head.leaves.iter().map(|leaf| Hash::new(*leaf)).collect();
    let tile = |tile: &StoredTile| {
        let id = TileId { level: u8::try_from(tile.level).unwrap(), index: u64::try_from(tile.index).unwrap() };
        Tile::from_bytes(id, &tile.hashes).unwrap()
    };
    let tiles: Vec<_> = head.tiles.iter().map(tile).collect();
    Tree::restore(u64::try_from(head.size).unwrap(), &leaves, &tiles).unwrap()
}

/// What a sequencer with that tree would write of those entries.
pub fn place(tree: &mut Tree, pending: &[PendingEntry]) -> Sequencing {
    let done = tree.sequence(pending.iter().map(|entry| entry.leaf));
    let tile = |tile: &Tile| StoredTile {
        level: i64::from(tile.id().level),
        index: i64::try_from(tile.id().index).unwrap(),
        hashes: tile.to_bytes(),
    };
    Sequencing {
        expected_size: i64::try_from(done.first).unwrap(),
        entries: pending.iter().map(|entry| (entry.id, *entry.leaf.as_bytes())).collect(),
        tiles: done.tiles.iter().map(tile).collect(),
        root: *tree.root().as_bytes(),
        note: format!("note of {}", tree.size()),
    }
}

async fn the_log_goes_on_from_what_is_kept(world: World) {
    let empty = world.store().log_head().await.unwrap();
    assert_eq!((empty.size, empty.leaves.len(), empty.tiles.len()), (0, 0, 0));
    assert!(world.store().last_checkpoint().await.unwrap().is_none());
    let many: Vec<_> = (0..600).map(|n| world.acceptance(&format!("O{n}"), None)).collect();
    let mut entries: Vec<_> = many.iter().map(|acceptance| acceptance.entry.clone()).collect();
    world.store().accept(START, many).await.unwrap();
    let mut tree = Tree::empty();
    let mut order = Vec::new();
    for limit in [1, 254, 1, 1, 300, 1_000] {
        let pending = world.store().pending_entries(limit).await.unwrap();
        assert_eq!(pending.len(), usize::try_from(limit).unwrap().min(600 - order.len()));
        assert!(pending.last().unwrap().is_last || order.len() + pending.len() < 600, "what was accepted together ends with its last");
        order.extend(pending.iter().map(|entry| entry.id));
        let sequencing = place(&mut tree, &pending);
        assert_eq!(world.store().sequence(START, sequencing.clone()).await.unwrap(), Written::Done);
        assert_eq!(world.store().sequence(START, sequencing).await.unwrap(), Written::Stale);
        tree = restore(&world.store().log_head().await.unwrap());
    }
    assert!(world.store().pending_entries(10).await.unwrap().is_empty());
    let checkpoints = world.store().stored_checkpoints().await.unwrap();
    assert_eq!(checkpoints.iter().map(|checkpoint| checkpoint.size).collect::<Vec<_>>(), [1, 255, 256, 257, 557, 600]);
    let last = world.store().last_checkpoint().await.unwrap().unwrap();
    assert_eq!(
        (last.size, last.root.as_slice(), last.at, last.note.as_str()),
        (600, tree.root().as_bytes().as_slice(), START, "note of 600")
    );
    for (asked, covered) in [(0, Some(1)), (1, Some(1)), (2, Some(255)), (256, Some(256)), (558, Some(600)), (600, Some(600)), (601, None)]
    {
        let over = world.store().checkpoint_over(asked).await.unwrap();
        assert_eq!(over.map(|checkpoint| (checkpoint.size, checkpoint.note)), covered.map(|size| (size, format!("note of {size}"))));
    }
    assert_eq!(world.store().stored_tiles().await.unwrap(), [(0, 0), (0, 1)]);
    let tiles = world.store().tiles_from(0, 1, 9).await.unwrap();
    assert_eq!(tiles.iter().map(|tile| (tile.index, tile.hashes.len())).collect::<Vec<_>>(), [(1, 256 * 32)]);
    assert!(world.store().tiles_from(1, 0, 9).await.unwrap().is_empty());
    assert!(world.store().tiles_from(0, 0, 0).await.unwrap().is_empty());
    let mut rows = world.store().stored_entries(0, 500).await.unwrap();
    rows.extend(world.store().stored_entries(500, 500).await.unwrap());
    assert_eq!(rows.iter().map(|row| row.position).collect::<Vec<_>>(), (0..600).collect::<Vec<_>>());
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), order);
    entries.sort_by_key(|entry| order.iter().position(|id| *id == entry.id));
    for (row, entry) in rows.iter().zip(&entries) {
        assert_eq!((row.body.as_slice(), row.leaf.as_slice()), (entry.to_leaf().as_slice(), leaf_hash(&row.body).as_bytes().as_slice()));
        assert_eq!((row.at, row.tenant.as_str(), row.subject, row.act.as_str()), (entry.at, "local", entry.subject, "accept"));
    }
}

async fn entries_are_found_by_what_is_asked(world: World) {
    let mut many: Vec<_> = (0..5).map(|n| world.acceptance(&format!("O{n}"), None)).collect();
    for (n, acceptance) in (0..).zip(&mut many) {
        acceptance.entry.at = START + Duration::from_secs(n);
        if n > 2 {
            acceptance.entry.actor.tenant = tenant("other");
        }
        if n == 4 {
            acceptance.entry.act = "accept_waybill".into();
        }
    }
    let entries: Vec<_> = many.iter().map(|acceptance| acceptance.entry.clone()).collect();
    for acceptance in many {
        world.store().accept(START, vec![acceptance]).await.unwrap();
        let pending = world.store().pending_entries(1).await.unwrap();
        let mut tree = restore(&world.store().log_head().await.unwrap());
        if pending[0].id != entries[4].id {
            world.store().sequence(START, place(&mut tree, &pending)).await.unwrap();
        }
    }
    let asked = async |filter: EntryFilter| {
        let found = world.store().entries(EntryFilter { limit: filter.limit.max(1), ..filter }).await.unwrap();
        found.into_iter().map(|placed| placed.entry).collect::<Vec<_>>()
    };
    let all = || EntryFilter { limit: 10, ..EntryFilter::default() };
    assert_eq!(asked(all()).await, entries[..4]);
    assert_eq!(asked(EntryFilter { pending: true, ..all() }).await, entries);
    assert_eq!(asked(EntryFilter { limit: 2, ..all() }).await, entries[..2]);
    assert_eq!(asked(EntryFilter { after: Some(1), ..all() }).await, entries[2..4]);
    assert_eq!(asked(EntryFilter { after: Some(1), pending: true, ..all() }).await, entries[2..]);
    assert_eq!(asked(EntryFilter { before: Some(2), ..all() }).await, entries[..2]);
    assert_eq!(asked(EntryFilter { after: Some(0), before: Some(2), ..all() }).await, entries[1..2]);
    assert!(asked(EntryFilter { before: Some(0), ..all() }).await.is_empty());
    assert_eq!(asked(EntryFilter { tenant: Some(tenant("other")), pending: true, ..all() }).await, entries[3..]);
    assert_eq!(asked(EntryFilter { act: Some("accept_waybill".into()), pending: true, ..all() }).await, entries[4..]);
    let (from, to) = (Some(START + Duration::from_secs(1)), Some(START + Duration::from_secs(3)));
    assert_eq!(asked(EntryFilter { from, to, ..all() }).await, entries[1..3], "from included, to not");
    let subjects = Some(vec![entries[0].subject, entries[4].subject, Uuid::nil()]);
    let about = EntryFilter { subjects: subjects.clone(), pending: true, ..all() };
    assert_eq!(asked(about).await, [entries[0].clone(), entries[4].clone()]);
    let narrow = EntryFilter {
        subjects,
        tenant: Some(tenant("other")),
        act: Some("accept".into()),
        from,
        to,
        after: Some(0),
        pending: true,
        before: None,
        trace: None,
        limit: 10,
    };
    assert!(asked(narrow).await.is_empty());
    assert!(asked(EntryFilter { subjects: Some(Vec::new()), pending: true, ..all() }).await.is_empty(), "about nothing");
}

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn entries_of_a_trace_are_found_wherever_they_stand(world: World) {
    let (given, uuid) = (TRACE.parse::<Trace>().unwrap(), Uuid::try_parse(&TRACE[3..35]).unwrap());
    let mut entries = Vec::new();
    // One in three in the trace; whoever names none is in that of what it is done to.
    for (n, seconds) in (0..9).zip(0_u64..) {
        let mut acceptance = world.acceptance(&format!("O{n}"), None);
        acceptance.entry.at = START + Duration::from_secs(seconds);
        acceptance.entry.actor.trace = (n % 3 == 1).then_some(given);
        if n == 7 {
            acceptance.entry.actor.tenant = tenant("other");
        }
        entries.push(acceptance.entry.clone());
        world.store().accept(START, vec![acceptance]).await.unwrap();
        let pending = world.store().pending_entries(10).await.unwrap();
        if n < 6 {
            let mut tree = restore(&world.store().log_head().await.unwrap());
            world.store().sequence(START, place(&mut tree, &pending)).await.unwrap();
        }
    }
    let asked = async |filter: EntryFilter| {
        let found = world.store().entries(filter).await.unwrap();
        found.into_iter().map(|placed| (placed.position, placed.entry)).collect::<Vec<_>>()
    };
    let of = |trace: Uuid, limit: u32| EntryFilter { trace: Some(trace), pending: true, limit, ..EntryFilter::default() };
    let (one, two, three) = ((Some(1), entries[1].clone()), (Some(4), entries[4].clone()), (None, entries[7].clone()));
    assert_eq!(asked(of(uuid, 10)).await, [one.clone(), two.clone(), three.clone()]);
    assert_eq!(asked(EntryFilter { pending: false, ..of(uuid, 10) }).await, [one.clone(), two.clone()]);
    assert_eq!(asked(of(uuid, 1)).await, std::slice::from_ref(&one));
    assert_eq!(asked(EntryFilter { after: Some(1), ..of(uuid, 10) }).await, [two.clone(), three.clone()], "a page after another");
    assert_eq!(asked(EntryFilter { before: Some(4), pending: false, ..of(uuid, 10) }).await, std::slice::from_ref(&one));
    assert_eq!(asked(EntryFilter { tenant: Some(tenant("other")), ..of(uuid, 10) }).await, std::slice::from_ref(&three));
    let subjects = Some(vec![entries[4].subject]);
    assert_eq!(asked(EntryFilter { subjects, act: Some("accept".into()), ..of(uuid, 10) }).await, std::slice::from_ref(&two));
    let own = |n: usize| of(entries[n].subject, 10);
    assert_eq!(asked(own(2)).await, [(Some(2), entries[2].clone())]);
    assert_eq!(asked(own(8)).await, [(None, entries[8].clone())]);
    assert!(asked(own(1)).await.is_empty(), "it was told in the caller's");
    assert!(asked(of(Uuid::from_u128(7), 10)).await.is_empty());
    let rows = world.store().stored_entries(0, 10).await.unwrap();
    assert!(rows.iter().all(|row| row.trace == (row.position % 3 == 1).then_some(uuid)), "{rows:?}");
}

async fn declarations_tell_the_traces_they_came_in(world: World) {
    let given: Trace = TRACE.parse().unwrap();
    let mut with = world.acceptance("O1", None);
    with.actor.trace = Some(given);
    let without = world.acceptance("O2", None);
    let (id, other) = (with.id.0, without.id.0);
    world.store().accept(START, vec![with, without]).await.unwrap();
    let traces = world.store().traces(&[other, id, id, Uuid::from_u128(7)]).await.unwrap();
    assert_eq!(traces.into_iter().collect::<Vec<_>>(), [(id, given)]);
    assert!(world.store().traces(&[]).await.unwrap().is_empty());
}

async fn a_declaration_of_which_the_log_does_not_tell_is_named(world: World) {
    assert_eq!(world.store().untold().await.unwrap(), None);
    world.accept_one("O1", None).await;
    assert_eq!(world.store().untold().await.unwrap(), None, "also while its entry has no place yet");
    let silent = world.acceptance("O2", None);
    let id = silent.id;
    let entry = world.entry("something", id.0);
    world.store().accept(START, vec![Acceptance { entry, ..silent }]).await.unwrap();
    assert_eq!(world.store().untold().await.unwrap(), Some::<DeclarationId>(id));
    let entries = world.store().pending_entries(10).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.id).collect::<BTreeSet<_>>().len(), 2);
}

async fn a_role_is_held_by_one_until_its_time_is_over(world: World) {
    let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let after = |seconds| START + Duration::from_secs(seconds);
    let take = async |now, role, holder, until| world.store().take_role(now, role, holder, until).await.unwrap();
    assert!(take(START, "sequencer", a, after(5)).await);
    assert!(take(START, "other", b, after(5)).await, "roles are apart");
    assert!(take(after(4), "sequencer", a, after(9)).await, "its holder keeps it");
    assert!(!take(after(8), "sequencer", b, after(20)).await);
    assert!(take(after(9), "sequencer", b, after(20)).await);
    assert!(!take(after(10), "sequencer", a, after(20)).await);
    assert!(take(after(10), "sequencer", b, after(10)).await, "and gives it up");
    assert!(take(after(10), "sequencer", a, after(20)).await);
}
