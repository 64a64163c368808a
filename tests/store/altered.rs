//! Rows of the log altered, dropped, put in and swapped directly in the database, one at a time, 500 times by a seed on each backend:
//! every one is found, and what is named is where it happened.

use std::{ops::RangeInclusive, sync::Arc};

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tongguan::{
    audit::{Damage, LogKey, Place, leaf_hash},
    proving::check::{self, Checked},
    sequencer::{Options, Sequencer},
    store::StoredRow,
    task::Task,
};
use uuid::Uuid;

use super::{Kept, World, samples::START};
use crate::rig::postgres::shared;

const ENTRIES: usize = 600;
const TIMES: u64 = 500;

/// Rows that are kept together: on PostgreSQL many to a row of the table.
#[derive(Debug, Clone)]
struct Run {
    id: Uuid,
    first: i64,
    rows: Vec<StoredRow>,
}

/// Throws that a seed decides.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(sides).unwrap()).unwrap()
    }
}

/// Does something to the rows; says what, and to which positions it may be put down.
fn alter(runs: &mut Vec<Run>, dice: &mut Dice) -> (String, RangeInclusive<i64>) {
    let at = dice.throw(runs.len());
    let place = dice.throw(runs[at].rows.len());
    let position = runs[at].first + i64::try_from(place).unwrap();
    let end = runs[at].first + i64::try_from(runs[at].rows.len()).unwrap() - 1;
    let exactly = |what: &str| (format!("{what} {position}"), position..=position);
    let row = &mut runs[at].rows[place];
    match dice.throw(12) {
        0 => {
            let byte = dice.throw(row.body.len());
            row.body[byte] ^= 1 << dice.throw(8);
            exactly("a bit of the body of")
        }
        1 => {
            row.body = [row.body.as_slice(), b" "].concat();
            row.leaf = leaf_hash(&row.body).as_bytes().to_vec();
            exactly("body and leaf hash of")
        }
        2 => {
            row.leaf[dice.throw(32)] ^= 1;
            exactly("the leaf hash of")
        }
        3 => {
            row.at.0 += 1;
            exactly("the time of")
        }
        4 => {
            row.tenant.push('x');
            exactly("the tenant of")
        }
        5 => {
            row.subject = Uuid::from_u128(row.subject.as_u128() ^ 1);
            exactly("the subject of")
        }
        6 => {
            row.act.push('x');
            exactly("the act of")
        }
        7 => {
            row.id = Uuid::from_u128(row.id.as_u128() ^ 1);
            exactly("the id of")
        }
        8 => {
            runs[at].rows.remove(place);
            if runs[at].rows.is_empty() {
                runs.remove(at);
            }
            (format!("dropped {position}"), position..=end)
        }
        9 | 10 => {
            let mut added = row.clone();
            added.body = added.body.iter().map(|byte| if *byte == b'0' { b'1' } else { *byte }).collect();
            added.leaf = leaf_hash(&added.body).as_bytes().to_vec();
            runs[at].rows.insert(place, added);
            for later in runs.iter_mut().skip(at + 1) {
                later.first += 1;
            }
            (format!("put in before {position}"), position..=position)
        }
        _ => {
            let other = (at + 1 + dice.throw(runs.len() - 1)) % runs.len();
            let there = dice.throw(runs[other].rows.len());
            let (mine, theirs) = (runs[at].rows[place].clone(), runs[other].rows[there].clone());
            (runs[at].rows[place], runs[other].rows[there]) = (theirs, mine);
            let other = runs[other].first + i64::try_from(there).unwrap();
            let first = if other < position { other } else { position };
            (format!("swapped {position} and {other}"), first..=first)
        }
    }
}

/// Writes the rows over those in the database.
async fn write(world: &World, runs: &[Run]) {
    match &world.kept {
        Kept::Folder { _folder: folder } => {
            let options = SqliteConnectOptions::new().filename(folder.path().join("tongguan.db"));
            let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
            let mut transaction = connection.begin().await.unwrap();
            sqlx::query("DELETE FROM audit_entries").execute(&mut *transaction).await.unwrap();
            for run in runs {
                for (position, row) in (run.first..).zip(&run.rows) {
                    sqlx::query(
                        "INSERT INTO audit_entries (position, id, at, tenant, subject, act, leaf, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    )
                    .bind(position)
                    .bind(row.id.as_bytes().as_slice())
                    .bind(row.at.0)
                    .bind(&row.tenant)
                    .bind(row.subject.as_bytes().as_slice())
                    .bind(&row.act)
                    .bind(&row.leaf)
                    .bind(&row.body)
                    .execute(&mut *transaction)
                    .await
                    .unwrap();
                }
            }
            transaction.commit().await.unwrap();
        }
        Kept::Database(name) => {
            let mut connection = shared().connect(name).await;
            let mut transaction = connection.begin().await.unwrap();
            sqlx::raw_sql("DELETE FROM audit_runs; DELETE FROM audit_places").execute(&mut *transaction).await.unwrap();
            for Run { id, first, rows } in runs {
                sqlx::query("INSERT INTO audit_places (first, run) VALUES ($1, $2)")
                    .bind(first)
                    .bind(id)
                    .execute(&mut *transaction)
                    .await
                    .unwrap();
                sqlx::query("INSERT INTO audit_runs (id, ids, ats, tenants, subjects, acts, leaves, bodies) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
                    .bind(id)
                    .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
                    .bind(rows.iter().map(|row| row.at.0).collect::<Vec<_>>())
                    .bind(rows.iter().map(|row| row.tenant.clone()).collect::<Vec<_>>())
                    .bind(rows.iter().map(|row| row.subject).collect::<Vec<_>>())
                    .bind(rows.iter().map(|row| row.act.clone()).collect::<Vec<_>>())
                    .bind(rows.iter().map(|row| row.leaf.clone()).collect::<Vec<_>>())
                    .bind(rows.iter().map(|row| row.body.clone()).collect::<Vec<_>>())
                    .execute(&mut *transaction)
                    .await
                    .unwrap();
            }
            transaction.commit().await.unwrap();
        }
    }
}

/// The rows as they are kept. With SQLite every row is a run of its own.
async fn read(world: &World) -> Vec<Run> {
    let rows = world.store().stored_entries(0, 10_000).await.unwrap();
    let Kept::Database(name) = &world.kept else {
        return rows.into_iter().map(|row| Run { id: row.id, first: row.position, rows: vec![row] }).collect();
    };
    let mut connection = shared().connect(name).await;
    let places: Vec<(i64, Uuid)> =
        sqlx::query_as("SELECT first, run FROM audit_places ORDER BY first").fetch_all(&mut connection).await.unwrap();
    let ends = places.iter().skip(1).map(|(first, _)| *first).chain([i64::MAX]);
    let within = |first: i64, end: i64| rows.iter().filter(|row| (first..end).contains(&row.position)).cloned().collect();
    places.iter().zip(ends).map(|((first, id), end)| Run { id: *id, first: *first, rows: within(*first, end) }).collect()
}

fn names(damage: &Damage, there: &RangeInclusive<i64>) -> bool {
    let (start, end) = (u64::try_from(*there.start()).unwrap(), u64::try_from(*there.end()).unwrap());
    match damage.first.place {
        Place::Entry(position) => (start..=end).contains(&position),
        Place::Entries { first, last } => first <= end && start <= last,
        Place::Tile { .. } | Place::Checkpoint { .. } => false,
    }
}

async fn whatever_is_done_to_a_row_is_found_and_named(world: World) {
    let key = Arc::new(LogKey::new("altered.example/log", &[4; 32]).unwrap());
    let mut many: Vec<_> = (0..ENTRIES).map(|n| world.acceptance(&format!("O{n}"), None)).collect();
    let mut dice = Dice(20_261_126);
    while !many.is_empty() {
        let together = if many.len() > 9 { 1 + dice.throw(9) } else { many.len() };
        world.store().accept(START, many.drain(..together).collect()).await.unwrap();
    }
    let options = Options { batch: 100, ..Options::default() };
    let sequencer = Sequencer::new(Arc::clone(world.store()), world.clockwork.clone(), Arc::clone(&key), options);
    while sequencer.pass().await.unwrap() > 0 {}
    let whole = read(&world).await;
    assert_eq!(whole.iter().map(|run| run.rows.len()).sum::<usize>(), ENTRIES);
    // Written anew as it was, it is whole: what is found below is what was done.
    write(&world, &whole).await;
    let checked = check::kept(world.store().as_ref(), key.verifier(), None, None, &|_, _| ()).await.unwrap();
    assert!(matches!(checked, Checked::Whole { .. }), "{checked:?}");
    let mut done = std::collections::BTreeMap::new();
    for time in 0..TIMES {
        let mut runs = whole.clone();
        let (what, there) = alter(&mut runs, &mut dice);
        write(&world, &runs).await;
        let checked = check::kept(world.store().as_ref(), key.verifier(), None, None, &|_, _| ()).await.unwrap();
        let Checked::Broken(damage) = checked else { panic!("{time}: {what}: {checked:?}") };
        assert!(names(&damage, &there), "{time}: {what}: {damage:?}");
        let what: String = what.chars().filter(|c| !c.is_ascii_digit()).collect();
        *done.entry(what).or_insert(0) += 1;
    }
    assert!(done.len() >= 11 && done.values().all(|times| *times >= 10), "each was tried: {done:?}");
}

on_each_store!(whatever_is_done_to_a_row_is_found_and_named);
