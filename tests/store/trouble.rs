//! PostgreSQL in trouble: down, gone, read-only, full, slow, mute; statements ended by others; answers that never come. Callers are told
//! that the store is unavailable, what was acknowledged is kept, once, and it recovers without a hand.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::future::join_all;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::time::{Instant, timeout};
use tongguan::{
    declaration::{DeclarationId, Kind},
    dossier::Document,
    store::{
        Accepted, Application, EntryFilter, Error, ListFilter, Result, Store, Written,
        postgres::{Options, Postgres},
    },
};

use super::{
    Backend, World, changing, postgres, races,
    samples::{Maker, START},
};
use crate::rig::{
    postgres::{Safety, Server, shared, url},
    proxy::{Proxy, Weather},
};

mod cuts;

/// Long enough for anything that ends by itself, on a machine that is busy.
const BOUND: Duration = Duration::from_secs(40);

/// A database, a way to it that may be bad, and a handle at the end of each of two ways.
struct Scene {
    name: String,
    proxy: Proxy,
    /// By the way that may be bad.
    store: Arc<Postgres>,
    /// By a good one.
    direct: Postgres,
    maker: Maker,
}

impl Scene {
    /// With patience that a test has.
    async fn on(server: &Server) -> Self {
        Self::with(server, |options| Options { patience_ms: 1_000, ..options }).await
    }

    async fn with(server: &Server, options: impl Fn(Options) -> Options) -> Self {
        let (name, straight) = postgres::database(server).await;
        let direct = Postgres::open(&straight).await.unwrap();
        let proxy = Proxy::before(server.port).await;
        let store = Postgres::open(&options(postgres::options(&url(proxy.port, &name)))).await.unwrap();
        Self { name, proxy, store: Arc::new(store), direct, maker: Maker::new(7) }
    }

    async fn accept(&self, order_no: impl AsRef<str>) -> Result<DeclarationId> {
        match self.store.accept(START, vec![self.maker.acceptance(order_no.as_ref(), None)]).await?[..] {
            [Accepted::New(id) | Accepted::Again(id)] => Ok(id),
            ref other => panic!("{other:?}"),
        }
    }

    /// Commands that come one after the other, while something happens: the orders that were acknowledged.
    async fn accept_while(&self, mark: &str, happens: impl Future<Output = ()>) -> Vec<(String, DeclarationId)> {
        let writer = async |writer: usize, over: &tokio::sync::watch::Receiver<bool>| {
            let mut kept = Vec::new();
            for n in 0.. {
                if *over.borrow() {
                    break;
                }
                let order_no = format!("{mark}-{writer}-{n}");
                match self.accept(&order_no).await {
                    Ok(id) => kept.push((order_no, id)),
                    Err(error) => assert!(matches!(error, Error::Unavailable(_)), "{error:?}"),
                }
            }
            kept
        };
        let (end, over) = tokio::sync::watch::channel(false);
        let happens = async {
            happens.await;
            end.send_replace(true);
        };
        let (kept, ()) = tokio::join!(join_all((0..4).map(|n| writer(n, &over))), happens);
        kept.concat()
    }

    /// Everything acknowledged is kept, once, and the log tells of it, once.
    async fn has(&self, acknowledged: &[(String, DeclarationId)]) {
        for (order_no, id) in acknowledged {
            let shown = self.direct.show(None, *id).await.unwrap().expect("it was acknowledged");
            assert_eq!(&shown.dossier.declaration.order.order_no, order_no);
        }
        let all = self.direct.list(ListFilter { limit: 100_000, ..ListFilter::default() }).await.unwrap().dossiers;
        let accepted = EntryFilter { act: Some("accept".into()), pending: true, limit: 100_000, ..EntryFilter::default() };
        let told = self.direct.entries(accepted).await.unwrap();
        assert_eq!(all.len(), told.len(), "what is kept is told, once");
        assert!(all.len() >= acknowledged.len());
    }

    async fn run(&self, server: &Server, sql: &str) {
        server.run(&self.name, sql).await;
    }
}

/// It is told that the store is unavailable, in a time that somebody may wait.
async fn unavailable<T>(command: impl Future<Output = Result<T>>) {
    let answer = timeout(BOUND, command).await.expect("an answer in time").map(drop);
    assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
}

/// It succeeds again, sooner or later, and without a hand.
async fn recovers<T, F: Future<Output = Result<T>>>(mut command: impl FnMut() -> F) -> T {
    let since = Instant::now();
    loop {
        match command().await {
            Ok(answer) => return answer,
            Err(error) => assert!(since.elapsed() < BOUND, "it does not recover: {error:?}"),
        }
    }
}

#[tokio::test]
async fn a_database_that_is_down_at_the_start_is_told_and_opened_later() {
    let nowhere = postgres::options(&url(crate::rig::free_port(), "test"));
    unavailable(Postgres::open(&nowhere)).await;
    let scene = Scene::on(shared()).await;
    let options = Options { patience_ms: 500, ..postgres::options(&url(scene.proxy.port, &scene.name)) };
    for weather in [Weather::Refusing, Weather::Mute] {
        scene.proxy.set(weather);
        unavailable(Postgres::open(&options)).await;
    }
    scene.proxy.set(Weather::Fair);
    assert!(Postgres::open(&options).await.is_ok());
}

#[tokio::test]
async fn a_database_that_was_killed_is_gone_for_a_while_and_has_kept_what_it_acknowledged() {
    let server = Server::start(Safety::Durable);
    let scene = Scene::on(&server).await;
    let killed = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        server.kill();
        unavailable(scene.accept("gone")).await;
        unavailable(scene.store.counts(None)).await;
        server.start_again();
        recovers(|| scene.store.counts(None)).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    let kept = scene.accept_while("R", killed).await;
    assert!(kept.len() > 10, "{} in all", kept.len());
    let direct = Postgres::open(&postgres::options(&server.url(&scene.name))).await.unwrap();
    let scene = Scene { direct, ..scene };
    scene.has(&kept).await;
}

#[tokio::test]
async fn a_database_that_stands_still_is_unavailable_until_it_goes_on() {
    let server = Server::start(Safety::Quick);
    let scene = Scene::with(&server, |options| Options { patience_ms: 500, statement_ms: 250, ..options }).await;
    let before = scene.accept("before").await.unwrap();
    server.pause();
    let all = join_all((0..10).map(|n| scene.accept(n.to_string()))).await;
    assert!(all.iter().all(|answer| matches!(answer, Err(Error::Unavailable(_)))), "{all:?}");
    server.go_on();
    let after = recovers(|| scene.accept("after")).await;
    scene.has(&[("before".into(), before), ("after".into(), after)]).await;
}

#[tokio::test]
async fn a_way_that_goes_mute_or_breaks_is_found_again() {
    let scene = Scene::with(shared(), |options| Options { patience_ms: 500, statement_ms: 250, ..options }).await;
    let storm = async {
        for weather in [Weather::Mute, Weather::Refusing, Weather::Mute] {
            tokio::time::sleep(Duration::from_millis(200)).await;
            scene.proxy.set(weather);
            scene.proxy.cut();
            unavailable(scene.store.counts(None)).await;
            scene.proxy.set(Weather::Fair);
            recovers(|| scene.store.counts(None)).await;
        }
    };
    let kept = scene.accept_while("M", storm).await;
    assert!(!kept.is_empty());
    scene.has(&kept).await;
}

#[tokio::test]
async fn a_slow_way_is_slow_and_nothing_else() {
    let scene = Scene::with(shared(), |options| Options { patience_ms: 20_000, ..options }).await;
    let mut kept = vec![("before".to_owned(), scene.accept("before").await.unwrap())];
    scene.proxy.set(Weather::Slow(Duration::from_millis(500)));
    let since = Instant::now();
    // One has the connection that is there, the other a new one.
    let (accepted, counted) = tokio::join!(scene.accept("slow"), scene.store.counts(None));
    kept.push(("slow".into(), accepted.unwrap()));
    assert!(!counted.unwrap().is_empty());
    assert!(since.elapsed() > Duration::from_millis(500), "it was slow");
    scene.has(&kept).await;
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_told_and_takes_them_again() {
    let server = Server::start(Safety::Quick);
    let scene = Scene::on(&server).await;
    let before = scene.accept("before").await.unwrap();
    // One statement in each: it must not stand in a transaction.
    scene.run(&server, "ALTER SYSTEM SET default_transaction_read_only = on").await;
    scene.run(&server, "SELECT pg_reload_conf()").await;
    let told = async {
        // Each time another: one that is there already is answered without a write.
        let mut turn = 0;
        while scene.accept(format!("while{turn}")).await.is_ok() {
            turn += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(BOUND, told).await.expect("it is noticed");
    unavailable(scene.accept("not")).await;
    scene.run(&server, "ALTER SYSTEM RESET default_transaction_read_only").await;
    scene.run(&server, "SELECT pg_reload_conf()").await;
    let after = recovers(|| scene.accept("after")).await;
    scene.has(&[("before".into(), before), ("after".into(), after)]).await;
}

#[tokio::test]
async fn a_database_without_connections_to_spare_is_busy_not_lost() {
    let server = shared();
    let scene = Scene::on(server).await;
    scene.run(server, "CREATE ROLE few LOGIN CONNECTION LIMIT 2; GRANT ALL ON ALL TABLES IN SCHEMA public TO few").await;
    let address = scene.store_address("few");
    let connect = || PgConnection::connect(&address);
    let (first, second) = (connect().await.unwrap(), connect().await.unwrap());
    let options = Options { patience_ms: 500, ..postgres::options(&address) };
    unavailable(Postgres::open(&options)).await;
    first.close().await.unwrap();
    // One connection for six.
    let options = Options { patience_ms: 10_000, ..options };
    let store = recovers(|| Postgres::open(&options)).await;
    let scene = Scene { store: Arc::new(store), ..scene };
    let all = join_all((0..20).map(|n| scene.accept(n.to_string()))).await;
    let mut kept = Vec::new();
    for (n, answer) in all.into_iter().enumerate() {
        match answer {
            Ok(id) => kept.push((n.to_string(), id)),
            Err(error) => assert!(matches!(error, Error::Unavailable(_)), "{error:?}"),
        }
    }
    assert!(!kept.is_empty(), "some come through");
    second.close().await.unwrap();
    kept.push(("after".into(), recovers(|| scene.accept("after")).await));
    scene.has(&kept).await;
}

impl Scene {
    fn store_address(&self, role: &str) -> String {
        url(self.proxy.port, &self.name).replacen("postgres@", &format!("{role}@"), 1)
    }
}

#[tokio::test]
async fn statements_that_others_cancel_or_connections_that_they_end_lose_nothing() {
    let server = shared();
    let scene = Scene::with(server, |options| Options { patience_ms: 5_000, ..options }).await;
    for function in ["pg_terminate_backend", "pg_cancel_backend"] {
        let meddling = async {
            let mut meddler = server.connect(&scene.name).await;
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_millis(120)).await;
                let statement = format!(
                    "SELECT {function}(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'tongguan' \
                     AND pid <> pg_backend_pid()"
                );
                sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut meddler).await.unwrap();
            }
        };
        let kept = scene.accept_while(function, meddling).await;
        assert!(kept.len() > 3, "{function}: {} in all", kept.len());
        recovers(|| scene.direct.counts(None)).await;
        scene.has(&kept).await;
    }
}

#[tokio::test]
async fn a_deadlock_with_somebody_else_is_begun_anew() {
    let server = shared();
    let scene = Scene::with(server, |options| Options { patience_ms: 10_000, ..options }).await;
    scene.run(server, &format!("ALTER DATABASE {} SET deadlock_timeout = '50ms'", scene.name)).await;
    let store = Postgres::open(&postgres::options(&server.url(&scene.name))).await.unwrap();
    let mut documents = Vec::new();
    for n in 0..2 {
        let id = scene.accept(&format!("{n}")).await.unwrap();
        documents.push(scene.direct.show(None, id).await.unwrap().unwrap().dossier.document(Kind::Order).unwrap().clone());
    }
    documents.sort_by_key(|document| document.id);
    let mut victims = 0;
    for round in 1..=4_u32 {
        let changes = documents.iter().map(|document| Document { port_failures: round, ..document.clone() });
        let changes = changes.flat_map(|changed| changing(changed).changes).collect();
        let mut other = server.connect(&scene.name).await;
        let lock = async |connection: &mut PgConnection, document: &Document| {
            let statement = format!("SELECT id FROM documents WHERE id = '{}' FOR UPDATE", document.id);
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop)
        };
        sqlx::raw_sql("BEGIN").execute(&mut other).await.unwrap();
        lock(&mut other, &documents[1]).await.unwrap();
        let crossing = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            // Whoever of the two is ended, the store's command is done in the end.
            let met = lock(&mut other, &documents[0]).await.is_err();
            sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
            met
        };
        let application = Application { changes, ..Application::default() };
        let (written, met) = tokio::join!(timeout(BOUND, store.apply(START, application)), crossing);
        assert_eq!(written.unwrap().unwrap(), Written::Done);
        victims += u32::from(met);
        for document in &mut documents {
            document.version += 1;
        }
    }
    assert!(victims <= 4);
}

#[tokio::test]
async fn a_row_that_somebody_holds_for_long_is_given_up_and_left_as_it_was() {
    let server = shared();
    let scene = Scene::with(server, |options| Options { patience_ms: 500, statement_ms: 200, ..options }).await;
    let id = scene.accept("O1").await.unwrap();
    let order = async || scene.direct.show(None, id).await.unwrap().unwrap().dossier.document(Kind::Order).unwrap().clone();
    let document = order().await;
    let mut other = server.connect(&scene.name).await;
    sqlx::raw_sql("BEGIN; SELECT id FROM documents FOR UPDATE").execute(&mut other).await.unwrap();
    let application = changing(Document { port_failures: 9, ..document.clone() });
    unavailable(scene.store.apply(START, application.clone())).await;
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(order().await, document);
    assert_eq!(recovers(|| scene.store.apply(START, application.clone())).await, Written::Done);
}

/// Makes the next so many insertions into a table fail with a code.
async fn inject(scene: &Scene, server: &Server, table: &str, code: &str, times: u32) {
    let statement = format!(
        "DROP SEQUENCE IF EXISTS faults; CREATE SEQUENCE faults; \
         CREATE OR REPLACE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
           IF nextval('faults') <= {times} THEN RAISE EXCEPTION 'injected' USING ERRCODE = '{code}'; END IF; RETURN NULL; END $$; \
         CREATE TRIGGER fault BEFORE INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION fault()"
    );
    scene.run(server, &statement).await;
}

#[tokio::test]
async fn failures_that_pass_are_begun_anew() {
    let server = shared();
    let scene = Scene::with(server, |options| Options { patience_ms: 5_000, ..options }).await;
    let mut connection = server.connect(&scene.name).await;
    let tables: Vec<String> = sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let codes = ["40001", "40P01", "57P01", "57P02", "08006", "53300"];
    let mut kept = Vec::new();
    // Each table, whether this command writes it or not.
    for (table, code) in tables.iter().zip(codes.iter().cycle()) {
        inject(&scene, server, table, code, 2).await;
        kept.push((table.clone(), scene.accept(table).await.unwrap()));
        scene.run(server, &format!("DROP TRIGGER fault ON {table}")).await;
    }
    assert!(kept.len() > 15);
    scene.has(&kept).await;
}

#[tokio::test]
async fn failures_that_do_not_pass_are_told_in_time_and_leave_nothing() {
    let server = shared();
    let scene = Scene::on(server).await;
    let mut kept = Vec::new();
    // disk_full, out_of_memory, io_error, query_canceled, and failures that never end.
    for code in ["53100", "53200", "58030", "57014", "40001", "57P01"] {
        inject(&scene, server, "documents", code, 1_000_000).await;
        unavailable(scene.accept(code)).await;
        scene.run(server, "DROP TRIGGER fault ON documents").await;
        let counts = scene.direct.counts(None).await.unwrap();
        assert_eq!(counts.iter().map(|count| count.count).sum::<i64>(), 2 * i64::try_from(kept.len()).unwrap(), "{code}");
        kept.push((code.to_owned(), recovers(|| scene.accept(code)).await));
    }
    scene.has(&kept).await;
}

#[tokio::test]
async fn more_commands_than_can_wait_are_refused_at_once() {
    let scene = Scene::with(shared(), |options| Options { patience_ms: 2_000, statement_ms: 500, ..options }).await;
    scene.proxy.set(Weather::Mute);
    let since = Instant::now();
    let one = async || {
        let answer = scene.store.counts(None).await;
        assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
        since.elapsed()
    };
    let ended = timeout(BOUND, join_all((0..2_000).map(|_| one()))).await.expect("all are told");
    let at_once = ended.iter().filter(|ended| **ended < Duration::from_millis(1_500)).count();
    assert!(at_once >= 900, "{at_once} of 2,000 had not to wait");
    scene.proxy.set(Weather::Fair);
    recovers(|| scene.store.counts(None)).await;
}

#[tokio::test]
async fn of_several_hosts_the_one_that_answers_is_used() {
    let server = shared();
    let (name, straight) = postgres::database(server).await;
    let (a, b) = (Proxy::before(server.port).await, Proxy::before(server.port).await);
    a.set(Weather::Refusing);
    let address = url(a.port, &name).replacen(&format!(":{}", a.port), &format!(":{},127.0.0.1:{}", a.port, b.port), 1);
    let store = Arc::new(Postgres::open(&postgres::options(&address)).await.unwrap());
    let direct = Postgres::open(&straight).await.unwrap();
    let scene = Scene { name, proxy: b, store, direct, maker: Maker::new(7) };
    let mut kept = vec![("first".to_owned(), scene.accept("first").await.unwrap())];
    a.set(Weather::Fair);
    scene.proxy.set(Weather::Refusing);
    scene.proxy.cut();
    kept.push(("second".into(), scene.accept("second").await.unwrap()));
    scene.has(&kept).await;
}

/// A world on a database in which every transaction is stricter than ours needs: others' commits show as failures to serialise.
async fn strict() -> World {
    let world = Backend::Postgres.world().await;
    let super::Kept::Database(name) = &world.kept else { panic!("a database") };
    shared().run(name, &format!("ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")).await;
    let mut handles: Vec<Arc<dyn Store>> = Vec::new();
    for _ in 0..2 {
        handles.push(Arc::new(Postgres::open(&postgres::options(&shared().url(name))).await.unwrap()));
    }
    World { handles, ..world }
}

#[tokio::test]
async fn races_end_the_same_when_transactions_fail_to_serialise() {
    races::of_many_that_want_one_order_number_one_has_it(strict().await).await;
    races::an_order_and_its_waybill_at_the_same_instant_find_each_other(strict().await).await;
    races::working::of_many_changes_of_one_version_one_is_done(strict().await).await;
    races::working::no_message_is_leased_twice(strict().await).await;
    races::working::two_nodes_sequence_one_size_once(strict().await).await;
}
