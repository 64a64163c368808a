//! A database in trouble beneath a running gateway: callers are told to come back, what was acknowledged is kept, the gateway goes on
//! by itself once the trouble is over, and does not grow meanwhile.

use std::{fs, process::Command, sync::Arc, time::Duration};

use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::{Instant, timeout};
use tongguan::grpc::{
    client::{Answer, Client, Item},
    proto::{QueuesRequest, operations_client::OperationsClient},
};
use tonic::Code;
use tonic_types::StatusExt;

use crate::rig::{
    self, Program,
    postgres::url,
    proxy::{Proxy, Weather},
    town::{Keeper, LONGEST, Town},
};

const ORDERS: usize = 60;
/// How long trouble lasts: longer than the gateway's patience with a database, which is a second here.
const WHILE: Duration = Duration::from_secs(3);
const BOUND: Duration = Duration::from_secs(40);

/// A gateway that reaches its database by a way that may be bad, with customs beside it.
struct Front {
    town: Town,
    proxy: Proxy,
    customs: Program,
    serve: Option<Program>,
}

impl Front {
    async fn new() -> Self {
        Self::of("postgres", Keeper::postgres().await).await
    }

    async fn of(user: &str, keeper: Keeper) -> Self {
        let proxy = Proxy::before(keeper.server().port).await;
        let mut town = Town::new(keeper, ORDERS);
        let reach = town.config.store.postgres.as_mut().unwrap();
        let straight = reach.url.0.clone();
        reach.url = url(proxy.port, straight.rsplit('/').next().unwrap()).replacen("postgres@", &format!("{user}@"), 1).as_str().into();
        (reach.patience_ms, reach.statement_ms) = (1_000, 1_000);
        town.configure("tongguan", |_| ());
        let customs = town.start("simulate", "tongguan", &[]);
        Self { town, proxy, customs, serve: None }
    }

    fn database(&self) -> String {
        let Keeper::Postgres { url, .. } = &self.town.keeper else { unreachable!() };
        url.rsplit('/').next().unwrap().to_owned()
    }

    async fn sql(&self, sql: &str) {
        self.town.keeper.server().run(&self.database(), sql).await;
    }

    /// Starts the gateway and waits until it takes calls.
    async fn serve(&mut self) {
        self.serve = Some(self.town.start("serve", "tongguan", &[]));
        rig::until(BOUND, "the door is open", || async { Client::connect(&self.town.door(), None, None).await.is_ok() }).await;
    }

    /// An order of the file, by a call of its own.
    async fn submit(&self, client: &Client, order: usize) -> Answer {
        timeout(BOUND, client.submit_one(self.item(order))).await.expect("an answer in time").unwrap()
    }

    fn item(&self, order: usize) -> Item<tongguan::declaration::draft::Declaration> {
        let lines = fs::read_to_string(self.town.path("orders.jsonl")).unwrap();
        let order: Value = serde_json::from_str(lines.lines().nth(order).unwrap()).unwrap();
        let (draft, idempotency_key) = rig::draft_of(&order);
        Item { id: "1".into(), draft, idempotency_key, needed_by: None }
    }

    /// Orders are told to come back, sooner or later: each that is tried is another, since one that is kept is answered without a write.
    async fn refuses_orders(&self) {
        let client = Client::connect(&self.town.door(), None, None).await.unwrap();
        for order in 0..ORDERS {
            match self.submit(&client, order).await {
                Answer::Busy(_) => return,
                Answer::Kept { .. } => {}
                refused @ Answer::Refused { .. } => panic!("{refused:?}"),
            }
        }
        panic!("every order is taken");
    }

    /// Every kind of call is told to come back, and when.
    async fn is_busy(&self) {
        self.refuses_orders().await;
        let client = Client::connect(&self.town.door(), None, None).await.unwrap();
        let mut streamed = None;
        let one = client.submit([self.item(ORDERS - 1)], |_, answer| streamed = Some(answer));
        timeout(BOUND, one).await.unwrap().unwrap();
        assert_eq!(streamed, Some(Answer::Busy(Duration::from_secs(1))));
        let mut desk = OperationsClient::connect(self.town.door()).await.unwrap();
        let status = timeout(BOUND, desk.queues(QueuesRequest {})).await.unwrap().unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        assert_eq!(status.get_details_retry_info().unwrap().retry_delay, Some(Duration::from_secs(1)), "{status:?}");
    }

    /// Bytes of memory that the gateway has taken at most so far.
    fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.serve.as_ref().unwrap().id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
    }

    /// Waybills are taken in before the trouble, and are on their way while it lasts.
    async fn begin(&mut self) {
        self.serve().await;
        let mut waybills = self.town.submit("waybills", &self.town.door());
        assert!(waybills.wait(LONGEST).success(), "{}", waybills.said());
    }

    /// Orders that somebody goes on to submit are taken in once the trouble is over, and all comes to its end without a hand.
    async fn ends_well(mut self, mut orders: Program) {
        assert!(orders.wait(LONGEST).success(), "{}", orders.said());
        self.town.all_closed().await;
        assert!(self.serve.take().unwrap().stop().success());
        let customs_content = self.customs.stop().success();
        self.town.is_whole(customs_content).await;
    }

    fn orders(&self) -> Program {
        self.town.submit("orders", &self.town.door())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_down_at_the_start_is_waited_for() {
    let mut front = Front::new().await;
    front.proxy.set(Weather::Refusing);
    front.serve().await;
    front.is_busy().await;
    let (orders, mut waybills) = (front.orders(), front.town.submit("waybills", &front.town.door()));
    front.proxy.set(Weather::Fair);
    assert!(waybills.wait(LONGEST).success(), "{}", waybills.said());
    assert!(front.town.said("serve", "tongguan").contains("the database cannot be reached now"));
    front.ends_well(orders).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_schema_or_none_is_not_waited_for() {
    let keeper = Keeper::postgres().await;
    let server = keeper.server();
    let empty = server.create(None).await;
    for address in [server.url(&empty), server.url("nowhere")] {
        let mut town = Town::new(Keeper::Sqlite, 1);
        town.config.store.postgres = Some(tongguan::store::postgres::Options::at(&address));
        town.configure("tongguan", |_| ());
        let mut serve = town.start("serve", "tongguan", &[]);
        assert!(!serve.wait(BOUND).success());
        assert!(serve.said().contains("cannot be opened"), "{}", serve.said());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_for_a_while_is_found_again() {
    let mut front = Front::new().await;
    front.begin().await;
    front.town.keeper.server().kill();
    front.is_busy().await;
    let orders = front.orders();
    tokio::time::sleep(WHILE).await;
    front.town.keeper.server().start_again();
    front.ends_well(orders).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_no_writes_is_waited_for() {
    let mut front = Front::new().await;
    front.begin().await;
    front.sql("ALTER SYSTEM SET default_transaction_read_only = on").await;
    front.sql("SELECT pg_reload_conf()").await;
    front.is_busy().await;
    let orders = front.orders();
    tokio::time::sleep(WHILE).await;
    front.sql("ALTER SYSTEM RESET default_transaction_read_only").await;
    front.sql("SELECT pg_reload_conf()").await;
    front.ends_well(orders).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_a_connection_to_spare_is_waited_for() {
    let keeper = Keeper::postgres().await;
    let mut front = Front::of("gate", keeper).await;
    front.sql("CREATE ROLE gate LOGIN").await;
    front.sql("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO gate").await;
    front.begin().await;
    front.sql("ALTER ROLE gate CONNECTION LIMIT 0").await;
    front.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'gate'").await;
    front.is_busy().await;
    let orders = front.orders();
    tokio::time::sleep(WHILE).await;
    // Fewer than it wants, so that it goes on wanting.
    front.sql("ALTER ROLE gate CONNECTION LIMIT 3").await;
    front.ends_well(orders).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_slow_by_half_a_second_is_slow_and_nothing_else() {
    let mut front = Front::new().await;
    let reach = front.town.config.store.postgres.as_mut().unwrap();
    (reach.patience_ms, reach.statement_ms) = (10_000, 10_000);
    front.town.configure("tongguan", |_| ());
    front.begin().await;
    front.proxy.set(Weather::Slow(Duration::from_millis(500)));
    let orders = front.orders();
    let client = Client::connect(&front.town.door(), None, None).await.unwrap();
    let since = Instant::now();
    // A call that takes longer than calls may is told so, and the same is sent again.
    let taken = || async { matches!(client.submit_one(front.item(0)).await, Ok(Answer::Kept { .. })) };
    rig::until(BOUND, "an order is taken, slowly", taken).await;
    assert!(since.elapsed() > Duration::from_millis(500));
    front.proxy.set(Weather::Fair);
    front.ends_well(orders).await;
}

/// A disk of a few mebibytes beneath a database.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Nothing where nobody lets us mount one.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=24m,mode=1777", "tmpfs"]).arg(folder.path()).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(self.0.path()).status());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_goes_on_once_there_is_room() {
    let disk = SmallDisk::mount();
    let mut front = Front::new().await;
    if let Some(SmallDisk(folder)) = &disk {
        let room = folder.path().join("room");
        fs::create_dir(&room).unwrap();
        fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let owned = Command::new("chown").arg("postgres").arg(&room).status();
        assert!(owned.is_ok_and(|status| status.success()));
        let server = front.town.keeper.server();
        server.run("postgres", &format!("CREATE TABLESPACE small LOCATION '{}'", room.display())).await;
        server.run("postgres", &format!("ALTER DATABASE {} SET TABLESPACE small", front.database())).await;
    }
    front.begin().await;
    if disk.is_some() {
        front.sql("CREATE TABLE ballast (n TEXT)").await;
        // Until nothing goes in any more, in ever smaller pieces.
        let fill = "DO $$ BEGIN FOR part IN REVERSE 12..0 LOOP BEGIN LOOP \
             INSERT INTO ballast SELECT repeat('x', 900) FROM generate_series(1, 1 << part); END LOOP; \
             EXCEPTION WHEN disk_full THEN NULL; END; END LOOP; END $$";
        front.sql(fill).await;
    } else {
        // Said aloud: the failure of a full disk is made by hand where no small disk can be mounted.
        eprintln!("no small disk can be mounted here: its failure is injected");
        inject(&front, &["53100"], 1).await;
    }
    front.refuses_orders().await;
    let orders = front.orders();
    tokio::time::sleep(WHILE).await;
    front.sql(if disk.is_some() { "DROP TABLE ballast" } else { "UPDATE weather SET one_in = 0" }).await;
    front.ends_well(orders).await;
}

/// Makes one in so many statements that write fail, with one of the codes.
async fn inject(front: &Front, codes: &[&str], one_in: u32) {
    let codes = codes.join("', '");
    front.sql(&format!("CREATE TABLE weather (one_in INTEGER NOT NULL); INSERT INTO weather VALUES ({one_in})")).await;
    let fault = format!(
        "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE odds INTEGER; codes TEXT[] := ARRAY['{codes}']; BEGIN \
           SELECT one_in INTO odds FROM weather; \
           IF odds > 0 AND random() * odds < 1 THEN \
             RAISE EXCEPTION 'injected' USING ERRCODE = codes[1 + floor(random() * cardinality(codes))::integer]; END IF; \
           RETURN NULL; END $$"
    );
    front.sql(&fault).await;
    let everywhere = "DO $$ DECLARE t TEXT; BEGIN \
         FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('_sqlx_migrations', 'migrating', 'weather') \
         LOOP EXECUTE format('CREATE TRIGGER fault BEFORE INSERT OR UPDATE OR DELETE ON %I FOR EACH STATEMENT EXECUTE FUNCTION fault()', t); \
         END LOOP; END $$";
    front.sql(everywhere).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlocks_and_serialization_failures_everywhere_are_lived_through() {
    let mut front = Front::new().await;
    front.begin().await;
    inject(&front, &["40001", "40P01"], 20).await;
    let orders = front.orders();
    // They go on until everything has come to its end.
    front.ends_well(orders).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_whose_database_answers_nobody_takes_no_more_memory_than_it_may() {
    const MOST: u64 = 256 << 20;
    const CALLERS: usize = 16;
    let mut front = Front::new().await;
    front.begin().await;
    front.proxy.set(Weather::Mute);
    let front = Arc::new(front);
    let busy = join_all((0..CALLERS).map(|caller| flood(Arc::clone(&front), caller))).await;
    assert!(busy.iter().sum::<usize>() > 1_000, "told to come back: {busy:?}");
    let peak = front.peak();
    assert!(peak < MOST, "{peak} bytes");
    println!("{} calls came to nothing; the gateway took {} MiB at most", busy.iter().sum::<usize>(), peak >> 20);
    front.proxy.set(Weather::Fair);
    let orders = front.orders();
    Arc::into_inner(front).unwrap().ends_well(orders).await;
}

/// Longer than a statement is waited for that nobody answers: four times what a statement may take.
const FLOOD: Duration = Duration::from_secs(10);

/// Sends as many orders as go, on a stream of its own and without waiting; tells how many were told to come back.
async fn flood(front: Arc<Front>, caller: usize) -> usize {
    let client = Client::connect(&front.town.door(), None, None).await.unwrap();
    let (mut busy, item) = (0, front.item(caller));
    let until = Instant::now() + FLOOD;
    while Instant::now() < until {
        let many: Vec<_> = (0..2_000).map(|n| Item { id: n.to_string(), ..item.clone() }).collect();
        let sent = client.submit(many, |_, answer| busy += usize::from(matches!(answer, Answer::Busy(_))));
        // A stream that the gateway ends, or that lasts too long, is begun anew.
        drop(timeout(FLOOD, sent).await);
    }
    busy
}
