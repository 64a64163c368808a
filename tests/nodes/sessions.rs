//! One console at every node: a session of one is known at the other, acts there and ends there; and metrics are told before all is counted.

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::time::Instant;
use tongguan::{
    access::{KeyOptions, new_key},
    clock::Clockwork,
    party::Role,
};

use crate::rig::{
    self,
    http::{self, Answer},
    town::{Keeper, Town},
};

const BOUND: Duration = Duration::from_secs(60);

fn get(console: &str, path: &str, cookie: &str) -> Answer {
    http::ask(console, "GET", path, &[("Cookie", cookie)], b"", BOUND).unwrap()
}

fn post(console: &str, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
    let headers = [("Cookie", cookie), ("Content-Type", "application/x-www-form-urlencoded")];
    http::ask(console, "POST", path, &headers, http::form(fields).as_bytes(), BOUND).unwrap()
}

async fn answers(console: &str) {
    rig::until(BOUND, "the console answers", || async { http::ask(console, "GET", "/livez", &[], b"", BOUND).is_ok() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_at_one_node_is_signed_in_at_another_and_out_of_both() {
    let mut town = Town::new(Keeper::postgres().await, 1);
    let (key, sha256) = new_key(&Clockwork::system());
    town.config.access.keys.push(KeyOptions {
        name: "desk".into(),
        tenant: "acme".into(),
        role: Role::Operator,
        sha256,
        until: None,
        person: None,
    });
    let consoles = ["one", "two"].map(|name| {
        let console = format!("127.0.0.1:{}", rig::free_port());
        town.configure(name, |config| {
            config.node.name = name.into();
            config.grpc.listen = format!("127.0.0.1:{}", rig::free_port());
            config.console.listen.clone_from(&console);
        });
        console
    });
    let [one, two] = consoles.each_ref().map(String::as_str);
    let nodes = ["one", "two"].map(|name| town.start("serve", name, &["--roles", "intake"]));
    answers(one).await;
    answers(two).await;
    let signed_in = post(one, "/sign-in", "", &[("key", &key)]);
    assert_eq!(signed_in.status, 303, "{}", signed_in.text());
    let cookie = format!("{}; tongguan-language=en", signed_in.header("set-cookie").split(';').next().unwrap());
    // Read at the other, and a form of its pages sent to it.
    let page = get(two, "/deliveries", &cookie);
    assert!(page.status == 200 && page.text().contains("desk"), "{}", page.text());
    let token = page.text().split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let road = town.config.roads[0].road.clone();
    let act = |console: &str, act: &str, token: &str| {
        let fields = [("token", token), ("act", act), ("item", &road), ("step", "confirm"), ("why", "repair")];
        post(console, "/act", &cookie, &fields)
    };
    assert_eq!(act(two, "pause_road", "made-up").status, 403);
    assert!(act(two, "pause_road", &token).text().contains("It is done"));
    assert!(get(one, "/", &cookie).text().contains("road paused"));
    // The same form's token holds at the first: it is the session's, not the node's.
    assert!(act(one, "resume_road", &token).text().contains("It is done"));
    assert!(!get(two, "/", &cookie).text().contains("road paused"));
    assert_eq!(post(one, "/sign-out", &cookie, &[("token", &token)]).status, 303);
    for console in [two, one] {
        let answer = get(console, "/deliveries", &cookie);
        assert_eq!((answer.status, answer.header("location")), (303, "/sign-in"));
        assert_eq!(act(console, "pause_road", &token).status, 303, "it is nobody's any more");
    }
    for node in nodes {
        assert!(node.stop().success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_told_while_what_is_kept_is_still_being_counted() {
    let mut town = Town::new(Keeper::postgres().await, 1);
    let console = format!("127.0.0.1:{}", rig::free_port());
    town.config.console.listen.clone_from(&console);
    town.configure("tongguan", |_| ());
    let Keeper::Postgres { url, .. } = &town.keeper else { panic!("it is kept there") };
    let mut connection = PgConnection::connect(url).await.unwrap();
    // Whoever counts waits for this.
    sqlx::raw_sql("BEGIN; LOCK TABLE documents IN ACCESS EXCLUSIVE MODE").execute(&mut connection).await.unwrap();
    let serve = town.start("serve", "tongguan", &["--roles", "intake"]);
    answers(&console).await;
    for _ in 0..3 {
        let began = Instant::now();
        let text = get(&console, "/metrics", "").text();
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        assert!(text.contains("tongguan_build_info") && text.contains("tongguan_accepted_total{what=\"declaration\"} 0"), "{text}");
        assert!(!text.contains("tongguan_due_documents") && !text.contains("tongguan_counted_age_seconds"), "nothing is made up: {text}");
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.unwrap();
    rig::until(BOUND, "what was counted is told", || async {
        let text = get(&console, "/metrics", "").text();
        text.contains("tongguan_due_documents 0\n") && text.contains("tongguan_counted_age_seconds ")
    })
    .await;
    assert!(serve.stop().success());
}
