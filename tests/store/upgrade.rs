//! A store of the second schema, filled, is brought to the present one: nothing of it is lost, and the new kinds have room.

use std::{fs, path::Path};

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection, migrate::Migrator, sqlite::SqliteConnectOptions};
use tongguan::{
    audit::{Entry, leaf_hash},
    declaration::{DeclarationId, DocumentId, Kind},
    party::{Actor, Role},
    state::State,
    store::{
        EntryFilter, FollowUpAccepted, Store,
        postgres::{Postgres, migrate},
        sqlite::Sqlite,
    },
};
use uuid::Uuid;

use super::{
    declaration, postgres,
    samples::{Maker, START, order_key, tenant},
};
use crate::rig::postgres::shared;

/// The migrations up to the second, as they were.
async fn first_two(kind: &str, folder: &Path) -> Migrator {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(kind);
    for name in ["0001_first.sql", "0002_fewer_rows.sql"] {
        fs::copy(from.join(name), folder.join(name)).unwrap();
    }
    Migrator::new(folder.to_owned()).await.unwrap()
}

const DECLARATION: Uuid = Uuid::from_u128(1);
const ORDER: Uuid = Uuid::from_u128(2);

/// What a store of the second schema holds: a declaration with an order that customs has stored.
fn filled(id: &str, order: &str, nobody: &str) -> Vec<String> {
    let body = serde_json::to_string(&declaration("O1", Some("W1"))).unwrap().replace('\'', "''");
    let plan = serde_json::to_string(&tongguan::lane::Lane::default().plan()).unwrap();
    vec![
        format!(
            "INSERT INTO declarations (id, tenant, accepted_at, needed_by, office, carrier, waybill_no, plan, warnings, body) \
             VALUES ({id}, 'local', 1, 2, '5141', 'C', 'W1', '{plan}', '[]', '{body}')"
        ),
        format!(
            "INSERT INTO documents (id, version, tenant, declaration, kind, action, guid, sender, road, enterprise_no, state, \
             verdict_code, verdict_at, verdict_info, needed_by, packed, port_failures) VALUES \
             ({order}, 3, 'local', {id}, 303, 1, {order}, 'seller', 'guangzhou', NULL, 'stored', '120', 5, '', 2, 1, 0)"
        ),
        format!(
            "INSERT INTO numbers (number, kind, scope, holder, at, tenant, declaration) \
             VALUES ('O1', 'order', '无|SELLER', {nobody}, 1, 'local', {id})"
        ),
        format!("INSERT INTO assessments (declaration, ordinal, decided_at, body) VALUES ({id}, 0, 1, '{{}}')"),
    ]
}

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Entries of the log as they were kept before there was a column for traces: one in none, one in a trace, one that only speaks of it.
fn told() -> [Entry; 3] {
    let entry = |number: u128, trace: Option<&str>, why: &str| Entry {
        id: Uuid::from_u128(number),
        at: START,
        actor: Actor { trace: trace.and_then(|text| text.parse().ok()), ..Actor::new(tenant("local"), Role::Operator, "desk") },
        act: "hold".into(),
        subject: DECLARATION,
        changes: Vec::new(),
        why: why.into(),
    };
    [entry(11, None, "单"), entry(12, Some(TRACE), "票"), entry(13, None, &format!("\"trace\":\"{TRACE}\""))]
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The log is searched by traces from before, too.
async fn traced(store: &dyn Store) {
    let of = |trace: Uuid| EntryFilter { trace: Some(trace), pending: true, limit: 10, ..EntryFilter::default() };
    let [first, second, third] = told();
    for (trace, expected) in [(Uuid::try_parse(&TRACE[3..35]).unwrap(), vec![second]), (DECLARATION, vec![first, third])] {
        let found: Vec<_> = store.entries(of(trace)).await.unwrap().into_iter().map(|placed| placed.entry).collect();
        assert_eq!(found, expected);
    }
    let rows = store.stored_entries(0, 10).await.unwrap();
    let named: Vec<_> = rows.iter().map(|row| row.trace.is_some()).collect();
    assert_eq!(named, [false, true, false]);
}

/// What is to be found afterwards, and what is to find room.
async fn hold(store: &dyn Store) {
    let id = DeclarationId(DECLARATION);
    let shown = store.show(Some(&tenant("local")), id).await.unwrap().unwrap();
    assert_eq!((shown.dossier.declaration.order.order_no.as_str(), shown.amended, shown.follow_ups.len()), ("O1", (0, None), 0));
    let order = shown.dossier.document(Kind::Order).unwrap();
    assert_eq!((order.id, order.version, order.state), (DocumentId(ORDER), 3, State::Stored));
    let matches = store.matches(&[order_key("O1")]).await.unwrap();
    assert_eq!(matches.of[0].map(|(_, document)| document), Some(DocumentId(ORDER)));
    let made = Maker::new(1);
    for follow_up in [super::following::manifest("BILL9", tongguan::declaration::Part::WHOLE, &["W1"]), super::following::payment("O1")] {
        let acceptance = made.follow_up(follow_up.kind().as_str(), vec![follow_up]);
        assert_eq!(store.accept_follow_up(START, acceptance).await.unwrap(), FollowUpAccepted::New);
    }
}

#[tokio::test]
async fn a_filled_store_of_the_second_schema_on_sqlite_is_taken_over() {
    let (folder, old) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = folder.path().join("tongguan.db");
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    first_two("sqlite", old.path()).await.run(&mut connection).await.unwrap();
    let hex = |id: Uuid| format!("x'{}'", id.simple());
    let mut filling = filled(&hex(DECLARATION), &hex(ORDER), "x''");
    filling[1] =
        filling[1].replace("road, enterprise_no", "road, queue, enterprise_no").replace("'guangzhou', NULL", "'guangzhou', 'q', NULL");
    for (position, entry) in told().iter().enumerate() {
        let (leaf, body) = (leaf_hash(&entry.to_leaf()), hexadecimal(&entry.to_leaf()));
        filling.push(format!(
            "INSERT INTO audit_entries (position, id, at, tenant, subject, act, leaf, body) VALUES ({position}, {}, {}, 'local', {}, 'hold', x'{}', x'{body}')",
            hex(entry.id),
            entry.at.0,
            hex(entry.subject),
            hexadecimal(leaf.as_bytes())
        ));
    }
    filling.push("PRAGMA application_id = 1413961561".to_owned());
    for sql in filling {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    let store = Sqlite::open(&file).await.unwrap();
    traced(&store).await;
    hold(&store).await;
    store.close().await;
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let whole: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await.unwrap();
    assert_eq!(whole, "ok");
    for wrong in ["UPDATE documents SET kind = 999", "UPDATE numbers SET kind = 'other'"] {
        assert!(sqlx::query(AssertSqlSafe(wrong)).execute(&mut connection).await.is_err(), "{wrong}: the check still stands");
    }
}

#[tokio::test]
async fn a_filled_store_of_the_second_schema_on_postgresql_is_taken_over() {
    let old = tempfile::tempdir().unwrap();
    let server = shared();
    let name = server.create(None).await;
    let mut connection: PgConnection = server.connect(&name).await;
    let mut migrator = first_two("postgres", old.path()).await;
    migrator.set_locking(false);
    migrator.run(&mut connection).await.unwrap();
    let quoted = |id: Uuid| format!("'{id}'::uuid");
    for sql in filled(&quoted(DECLARATION), &quoted(ORDER), &quoted(Uuid::nil())) {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
    let entries = told();
    let all = |of: &dyn Fn(&Entry) -> String| entries.iter().map(of).collect::<Vec<_>>().join(", ");
    for sql in [
        format!(
            "INSERT INTO audit_runs (id, ids, ats, tenants, subjects, acts, leaves, bodies) VALUES ({0}, ARRAY[{1}], ARRAY[{2}]::bigint[], \
             ARRAY['local', 'local', 'local'], ARRAY[{3}], ARRAY['hold', 'hold', 'hold'], ARRAY[{4}]::bytea[], ARRAY[{5}]::bytea[])",
            quoted(entries[0].id),
            all(&|entry| quoted(entry.id)),
            all(&|entry| entry.at.0.to_string()),
            all(&|entry| quoted(entry.subject)),
            all(&|entry| format!("'\\x{}'", hexadecimal(leaf_hash(&entry.to_leaf()).as_bytes()))),
            all(&|entry| format!("'\\x{}'", hexadecimal(&entry.to_leaf()))),
        ),
        format!("INSERT INTO audit_places (first, run) VALUES (0, {})", quoted(entries[0].id)),
        format!("INSERT INTO audit_subjects (subject, run) VALUES ({}, {})", quoted(DECLARATION), quoted(entries[0].id)),
    ] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
    let options = postgres::options(&server.url(&name));
    assert!(Postgres::open(&options).await.is_err(), "served only once it was migrated");
    migrate(&options).await.unwrap();
    let store = Postgres::open(&options).await.unwrap();
    traced(&store).await;
    hold(&store).await;
    for wrong in ["UPDATE documents SET kind = 999", "UPDATE numbers SET kind = 'other'"] {
        assert!(sqlx::query(AssertSqlSafe(wrong)).execute(&mut connection).await.is_err(), "{wrong}: the check still stands");
    }
}
