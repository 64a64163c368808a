//! The audit log as the console shows it: searched, followed, verified, saved with proofs, and what happens when it was altered; and the
//! pages that tell what the gateway goes by. Against a running gateway.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
use tongguan::{audit::LogVerifier, proving::bundle::Bundle};

use super::{console::Desk, rig};

const LONGEST: Duration = Duration::from_secs(60);

async fn opened() -> (Desk, String) {
    let desk = Desk::new(|_| ());
    rig::until(LONGEST, "the console answers", || async { desk.is_there() }).await;
    let cookie = format!("{}; tongguan-language=en", desk.sign_in("desk"));
    desk.until(&cookie, &format!("/audit?number={}", desk.order_no), "/audit/entries/").await;
    (desk, cookie)
}

/// Where the acceptance of the order stands.
fn place(desk: &Desk, cookie: &str) -> i64 {
    let page = desk.get(&format!("/audit?act=accept&number={}", desk.order_no), cookie).text();
    page.split("/audit/entries/").nth(1).expect(&page).split('"').next().unwrap().parse().unwrap()
}

/// A stream of events, read until one of them says so.
fn followed(desk: &Desk, cookie: &str, path: &str, wanted: &str, between: impl FnOnce()) -> String {
    let mut stream = TcpStream::connect(&desk.console).unwrap();
    stream.set_read_timeout(Some(LONGEST)).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\nAccept: text/event-stream\r\n\r\n", desk.console);
    stream.write_all(head.as_bytes()).unwrap();
    let (mut text, mut some, mut between) = (String::new(), [0; 4_096], Some(between));
    loop {
        let read = stream.read(&mut some).unwrap();
        assert!(read > 0, "the stream ended without {wanted:?}:\n{text}");
        text.push_str(&String::from_utf8_lossy(&some[..read]));
        if text.contains("retry: 1000") || path.contains("check") {
            between.take().into_iter().for_each(|act| act());
        }
        if text.contains(wanted) {
            return text;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_searched_followed_and_saved() {
    let (desk, cookie) = opened().await;
    let has = |query: &str| desk.get(&format!("/audit?{query}"), &cookie).text().contains("<code>accept</code>");
    let day = tongguan::clock::Clockwork::system().now().to_string()[..10].to_owned();
    for (query, wanted) in [
        ("", true),
        (&format!("number={}", desk.order_no), true),
        (&format!("number={}&kind=inventory", desk.order_no), true),
        ("actor=erp", true),
        ("actor=nobody", false),
        ("act=accept", true),
        ("act=hold", false),
        ("kind=order&outcome=due", true),
        ("kind=order&outcome=closed", false),
        (&format!("from={day}"), true),
        (&format!("to={day}"), true),
        (&format!("from={day}T00:00&to={day}T23:59"), true),
        ("to=2020-01-01", false),
        ("from=2099-01-01T10:00", false),
        ("before=0", false),
        ("address=127.0.0.1", true),
        ("address=10.1.2.3", false),
    ] {
        assert_eq!(has(query), wanted, "{query}");
    }
    for wrong in ["from=yesterday", "to=2026-11-26T99:00", "kind=nonsense", "address=here", &format!("actor={}", "x".repeat(200))] {
        assert_eq!(desk.get(&format!("/audit?{wrong}"), &cookie).status, 400, "{wrong}");
    }
    let both = desk.get("/audit?from=yesterday&kind=nonsense", &cookie).text();
    assert!(both.contains("a time is written") && both.contains("no such kind"), "all that is wrong at once: {both}");
    let csv = desk.get(&format!("/audit/export?format=csv&number={}", desk.order_no), &cookie);
    assert!(csv.header("content-disposition").contains("tongguan-audit.csv") && csv.text().contains(",accept,"), "{}", csv.text());
    assert!(desk.get("/audit/export?format=xlsx", &cookie).body.starts_with(b"PK"));
    // Newer entries come as they are written, escaped, and only those that are asked for.
    let token = desk.token(&cookie);
    let act = || {
        let hold =
            [("token", token.as_str()), ("act", "hold"), ("item", desk.order_no.as_str()), ("step", "confirm"), ("why", "<b>now</b>")];
        assert!(desk.post("/act", &cookie, &hold).text().contains("It is done"));
    };
    let page = desk.get("/audit/tail?act=hold", &cookie);
    assert!(page.text().contains("data-follow=\"/audit/tail/events?act=hold") && page.text().contains("http-equiv=\"refresh\""));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self'") && policy.contains("connect-src 'self'") && !policy.contains("unsafe"), "{policy}");
    let told = followed(&desk, &cookie, "/audit/tail/events?act=hold", "event: rows", act);
    assert!(told.contains("text/event-stream") && told.contains("&lt;b&gt;now&lt;/b&gt;") && !told.contains("<b>now"), "{told}");
    assert!(!told.contains("<code>accept</code>"));
    let all = desk.get("/audit", &cookie).text();
    assert!(all.find("<code>hold</code>") < all.find("<code>accept</code>"), "the newest first");
    assert_eq!(desk.get("/audit/tail/events", "").status, 303);
    assert_eq!(desk.get("/audit/tail/events?number=nothing", &cookie).status, 404);
    assert!(desk.stop().1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_verified_and_what_was_altered_is_named() {
    let (desk, cookie) = opened().await;
    let token = desk.token(&cookie);
    assert!(desk.get("/audit/check", &cookie).text().contains("Nothing was verified"));
    assert_eq!(desk.post("/audit/check", &cookie, &[]).status, 403, "a form without the session's secret");
    let begun = desk.post("/audit/check", &cookie, &[("token", &token)]);
    assert_eq!((begun.status, begun.header("location")), (303, "/audit/check"));
    let told = followed(&desk, &cookie, "/audit/check/events", "event: end", || ());
    assert!(told.contains("The log is whole"), "{told}");
    let page = desk.get("/audit/check", &cookie).text();
    assert!(page.contains("The log is whole") && page.contains("Verify now"), "{page}");
    // Each entry by itself, and a declaration's for others to verify.
    let position = place(&desk, &cookie);
    let entry = desk.get(&format!("/audit/entries/{position}"), &cookie).text();
    assert!(entry.contains("The proof holds") && entry.contains("path (RFC 6962)"), "{entry}");
    for nothing in ["/audit/entries/999999", "/audit/entries/-1", "/audit/entries/x"] {
        assert_eq!(desk.get(nothing, &cookie).status, 404, "{nothing}");
    }
    let place = desk.get(&format!("/find?numbers={}", desk.order_no), &cookie).header("location").to_owned();
    let saved = desk.get(&format!("{place}/bundle"), &cookie);
    let bundle: Bundle = serde_json::from_slice(&saved.body).unwrap();
    let key = std::fs::read_to_string(desk.folder.path().join("audit.vkey")).unwrap();
    assert!(bundle.verify(&LogVerifier::parse(key.trim()).unwrap()).is_ok());
    // Somebody alters a row in the database itself.
    let file = desk.folder.path().join("tongguan.db");
    let mut connection = SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
    let altered = "UPDATE audit_entries SET body = replace(body, '\"accept\"', '\"accepd\"') WHERE position = ?1";
    assert_eq!(sqlx::query(altered).bind(position).execute(&mut connection).await.unwrap().rows_affected(), 1);
    desk.post("/audit/check", &cookie, &[("token", &token)]);
    let told = followed(&desk, &cookie, "/audit/check/events", "event: end", || ());
    assert!(
        told.contains("first at")
            && told.contains(&format!("/audit/entries/{position}"))
            && told.contains(&format!("entry {position}: altered")),
        "{told}"
    );
    assert!(desk.get(&format!("/audit/entries/{position}"), &cookie).text().contains("This entry was altered"));
    drop(connection);
    assert!(desk.stop().1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gateway_goes_by_is_shown_and_no_key_is() {
    let (desk, cookie) = opened().await;
    let overview = desk.get("/", &cookie).text();
    for told in ["Forecast", "Roads and senders", "certificates", "Today", "The last hour"] {
        assert!(overview.contains(told), "{told}: {overview}");
    }
    let keys = desk.get("/reference/keys", &cookie).text();
    assert!(keys.contains("<strong>erp</strong>") && keys.contains("administrator") && keys.contains("SM2 / SM3"), "{keys}");
    for key in &desk.config.access.keys {
        assert!(!keys.contains(&key.sha256));
    }
    let rules = desk.get("/reference/rules", &cookie).text();
    for code in tongguan::check::rules().iter().map(|rule| rule.code) {
        assert!(rules.contains(&format!("<code>{code}</code>")), "{code}");
    }
    assert!(desk.get("/reference/tables", &cookie).text().contains("export-2026"));
    assert!(desk.get("/reference/sellers", &cookie).text().contains("No profile is recorded"));
    assert!(desk.get("/logistics", &cookie).text().contains("data-follow=\"/audit/tail/events?kind=waybill"));
    assert_eq!(desk.get("/reference/nothing", &cookie).status, 404);
    // Many roads at once, by one form.
    let token = desk.token(&cookie);
    let roads: Vec<_> = desk.config.roads.iter().map(|road| road.road.as_str()).collect();
    let of = |act: &'static str| {
        let fixed = [("token", token.as_str()), ("act", act), ("step", "confirm"), ("why", "repair")];
        fixed.into_iter().chain(roads.iter().map(|road| ("item", *road))).collect::<Vec<_>>()
    };
    assert!(desk.post("/act", &cookie, &of("pause_road")).text().contains("It is done"));
    assert_eq!(desk.get("/", &cookie).text().matches("road paused").count(), roads.len());
    assert!(desk.post("/act", &cookie, &of("resume_road")).text().contains("It is done"));
    assert_eq!(desk.get("/", &cookie).text().matches("road paused").count(), 0);
    assert!(desk.stop().1);
}
