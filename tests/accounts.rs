//! People at the console, against a running gateway: from a one-time password to codes, what shuts an account, what ends a session, and
//! what one person cannot do alone.

use std::{path::Path, time::Duration};

use tongguan::{clock::Clockwork, config::Config, party::Role};
use totp_rs::{Builder, Secret};

use super::{
    console::Desk,
    rig::{
        self,
        http::{self, Answer},
    },
};

const LONGEST: Duration = Duration::from_secs(60);
pub const OWN: &str = "correct horse battery";

/// Hashing that costs next to nothing, and few failures.
pub fn quick(config: &mut Config) {
    let accounts = &mut config.console.accounts;
    (accounts.memory_kib, accounts.passes, accounts.failures, accounts.shut_s) = (64, 1, 3, 600);
}

/// Makes an account on the command line; gives its one-time password.
pub fn add(file: &Path, name: &str, role: &str) -> String {
    let (fine, said) = rig::run(&["account", "add", name, "--role", role, "--config", file.to_str().unwrap()]);
    assert!(fine, "{said}");
    said.lines().find_map(|line| line.strip_prefix("password = ")).unwrap().to_owned()
}

/// What stands after a mark, up to the end named.
pub fn after<'t>(text: &'t str, mark: &str, end: char) -> &'t str {
    let at = text.find(mark).unwrap_or_else(|| panic!("{mark} is not in {text}"));
    text[at + mark.len()..].split(end).next().unwrap()
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// A code of so many steps from now.
pub fn code(secret: &str, steps: u64) -> String {
    let seconds = u64::try_from(Clockwork::system().now().0 / 1_000_000).unwrap() + 30 * steps;
    let totp = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap();
    totp.generate(seconds).to_string()
}

/// Somebody who has set up an account.
struct Person {
    name: &'static str,
    cookie: String,
    secret: String,
    recovery: Vec<String>,
}

async fn ready(desk: &Desk) {
    rig::until(LONGEST, "the console answers", || async { http::ask(&desk.console, "GET", "/livez", &[], b"", LONGEST).is_ok() }).await;
}

fn try_in(desk: &Desk, name: &str, password: &str, code: &str) -> Answer {
    desk.post("/sign-in", "", &[("name", name), ("password", password), ("code", code)])
}

/// The secret that a page's forms carry.
fn form_of(desk: &Desk, path: &str, cookie: &str) -> String {
    after(&desk.get(path, cookie).text(), "name=\"token\" value=\"", '"').to_owned()
}

/// From a one-time password to a password and codes of one's own.
fn set_up(desk: &Desk, name: &'static str, one_time: &str) -> Person {
    let first = try_in(desk, name, one_time, "");
    assert_eq!((first.status, first.header("location")), (303, "/"), "{}", first.text());
    let first = cookie(&first);
    for path in ["/", "/find", "/account/code"] {
        assert_eq!(desk.get(path, &first).header("location"), "/account", "{path}: first of all a password of one's own");
    }
    let token = form_of(desk, "/account", &first);
    let change = |new: &str, again: &str| {
        desk.post("/account/password", &first, &[("token", &token), ("present", one_time), ("new", new), ("again", again)])
    };
    assert_eq!(change(OWN, "other").status, 400);
    let weak = change("aaa", "aaa");
    assert!(weak.status == 400 && weak.text().contains("12"), "{}", weak.text());
    assert_eq!(change(one_time, one_time).status, 400, "the same");
    let changed = change(OWN, OWN);
    assert_eq!(changed.status, 303, "{}", changed.text());
    let second = cookie(&changed);
    assert_eq!(desk.get("/account", &first).header("location"), "/sign-in", "the former session is over");
    assert_eq!(desk.get("/", &second).header("location"), "/account/code");
    let page = desk.get("/account/code", &second).text();
    assert!(page.contains("<svg") && page.contains("otpauth://totp/Tongguan"), "{page}");
    let secret = after(&page, "id=\"secret\">", '<').to_owned();
    assert!(desk.get("/account/code", &second).text().contains(&secret), "until a code has come of it");
    let token = form_of(desk, "/account/code", &second);
    assert_eq!(desk.post("/account/code", &second, &[("token", &token), ("code", "000")]).status, 400);
    let given = code(&secret, 0);
    let enrolled = desk.post("/account/code", &second, &[("token", &token), ("code", &given)]);
    assert_eq!(enrolled.status, 200, "{}", enrolled.text());
    let page = enrolled.text();
    let recovery: Vec<_> = page.split("<li><code>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect();
    assert_eq!(recovery.len(), 8);
    let third = cookie(&enrolled);
    assert_eq!(desk.get("/account", &second).status, 303, "the former session is over");
    assert!(!desk.get("/account/code", &third).text().contains(&secret), "it is never shown again");
    assert_eq!(try_in(desk, name, OWN, &given).status, 401, "the code that set it up opens nothing more");
    Person { name, cookie: third, secret, recovery }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_from_its_first_password_to_its_last_session() {
    let mut one_time = String::new();
    let desk = Desk::prepared(quick, |file| one_time = add(file, "z-1", "administrator"));
    ready(&desk).await;
    let chief = set_up(&desk, "z-1", &one_time);
    assert_eq!(try_in(&desk, "z-1", &one_time, "").status, 401, "the one-time password is gone");
    // A code opens once, a recovery code too.
    let next = code(&chief.secret, 1);
    assert_eq!(try_in(&desk, "z-1", OWN, &next).status, 303);
    assert_eq!(try_in(&desk, "z-1", OWN, &next).status, 401, "replayed");
    assert_eq!(try_in(&desk, "z-1", OWN, &chief.recovery[0].to_uppercase()).status, 303);
    assert_eq!(try_in(&desk, "z-1", OWN, &chief.recovery[0]).status, 401, "replayed");
    // Another account, made at the console.
    let token = form_of(&desk, "/accounts", &chief.cookie);
    let act = |fields: &[(&str, &str)]| desk.post("/accounts", &chief.cookie, &[&[("token", token.as_str())], fields].concat());
    let bad = act(&[("act", "add"), ("name", "a b"), ("role", "operator"), ("why", "new")]);
    assert_eq!(bad.status, 400, "{}", bad.text());
    let made = act(&[("act", "add"), ("name", "z-2"), ("role", "operator"), ("why", "new")]).text();
    let one_time = after(&made, "id=\"one-time\">", '<').to_owned();
    assert_eq!(act(&[("act", "add"), ("name", "z-2"), ("role", "operator"), ("why", "new")]).status, 400, "the name is taken");
    let clerk = set_up(&desk, "z-2", &one_time);
    assert_eq!(desk.get("/accounts", &clerk.cookie).status, 403);
    assert_eq!(desk.get("/deliveries", &clerk.cookie).status, 200);
    // A token that came along is not gone on with.
    let planted = [("name", clerk.name), ("password", OWN), ("code", &code(&clerk.secret, 1))];
    let fresh = desk.post("/sign-in", "tongguan=planted-by-somebody", &planted);
    assert!(fresh.status == 303 && !fresh.header("set-cookie").contains("planted"), "{}", fresh.text());
    assert_eq!(desk.get("/", "tongguan=planted-by-somebody").status, 303);
    // A form of a session that is over, and one of another session.
    let theirs = form_of(&desk, "/account", &clerk.cookie);
    assert_eq!(desk.post("/accounts", &chief.cookie, &[("token", &theirs), ("act", "disable"), ("name", "z-2")]).status, 403);
    // Shut, all its sessions are over at once, and do not come back.
    assert_eq!(act(&[("act", "disable"), ("name", "z-2"), ("why", "left")]).status, 303);
    for cookie in [&clerk.cookie, &cookie(&fresh)] {
        assert_eq!(desk.get("/deliveries", cookie).header("location"), "/sign-in");
        assert_eq!(desk.post("/account/out", cookie, &[("token", &theirs)]).header("location"), "/sign-in", "a replayed form");
    }
    assert_eq!(try_in(&desk, "z-2", OWN, &clerk.recovery[0]).status, 401);
    assert_eq!(act(&[("act", "enable"), ("name", "z-2"), ("why", "back")]).status, 303);
    assert_eq!(desk.get("/deliveries", &clerk.cookie).status, 303);
    assert_eq!(act(&[("act", "disable"), ("name", "z-1"), ("why", "x")]).status, 400, "the last administrator");
    // Everywhere.
    let again = try_in(&desk, "z-2", OWN, &clerk.recovery[1]);
    let (one, two) = (cookie(&again), cookie(&try_in(&desk, "z-2", OWN, &clerk.recovery[2])));
    let out = desk.post("/account/out", &one, &[("token", &form_of(&desk, "/account", &one))]);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!((desk.get("/find", &one).status, desk.get("/find", &two).status), (303, 303));
    for act in ["account_add", "account_enrol", "account_password", "sign_in", "sign_in_failed", "account_disable", "sign_out"] {
        // An entry is shown once it has its place.
        desk.until(&chief.cookie, &format!("/audit?act={act}"), &format!("<code>{act}</code>")).await;
    }
    let log = desk.get("/audit", &chief.cookie).text();
    let (folder, stopped) = desk.stop();
    assert!(stopped);
    let said = std::fs::read_to_string(folder.path().join("serve.log")).unwrap_or_default();
    for secret in [OWN, &one_time, &chief.secret, &clerk.recovery[3], "$argon2"] {
        assert!(!said.contains(secret) && !log.contains(secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_shuts_the_account_and_learns_nothing() {
    let mut one_time = String::new();
    let desk = Desk::prepared(quick, |file| {
        one_time = add(file, "z-1", "administrator");
        add(file, "z-3", "auditor");
        // What the command line does to an account.
        let config = file.to_str().unwrap();
        for act in ["disable", "enable", "unlock"] {
            assert!(rig::run(&["account", act, "z-3", "--config", config]).0, "{act}");
        }
        let (fine, said) = rig::run(&["account", "disable", "z-1", "--config", config]);
        assert!(!fine && said.contains("last administrator"), "{said}");
        assert!(!rig::run(&["account", "disable", "nobody", "--config", config]).0);
        let listed = rig::run(&["account", "list", "--config", config]).1;
        assert!(listed.contains("z-1") && listed.contains("auditor"), "{listed}");
    });
    ready(&desk).await;
    let told = |answer: Answer| (answer.status, answer.text());
    let unknown = told(try_in(&desk, "nobody", "whatever it is", "1"));
    assert_eq!(told(try_in(&desk, "z-1", "whatever it is", "1")), unknown, "one answer");
    for _ in 0..2 {
        assert_eq!(try_in(&desk, "z-1", "whatever it is", "").status, 401);
    }
    assert_eq!(told(try_in(&desk, "z-1", &one_time, "")), unknown, "three failures have shut it, and say no more");
    // Whoever has a key that may sees it in the log, and an administrator opens it again.
    let chief = desk.sign_in("chief");
    desk.until(&chief, "/audit?act=account_locked", "<code>account_locked</code>").await;
    let token = form_of(&desk, "/accounts", &chief);
    assert!(desk.get("/accounts", &format!("{chief}; tongguan-language=en")).text().contains("locked"));
    assert_eq!(desk.post("/accounts", &chief, &[("token", &token), ("act", "unlock"), ("name", "z-1"), ("why", "called")]).status, 303);
    assert_eq!(try_in(&desk, "z-1", &one_time, "").status, 303);
    // A key that is revoked takes its sessions with it.
    let clerk = desk.sign_in("desk");
    assert_eq!(desk.get("/deliveries", &clerk).status, 200);
    let mut config = desk.config.clone();
    config.access.keys.retain(|key| key.name != "desk");
    rig::write_config(&config, &desk.folder.path().join("tongguan.toml"));
    rig::until(LONGEST, "the session ends", || async { desk.get("/deliveries", &clerk).status == 303 }).await;
    assert_eq!(desk.get("/accounts", &chief).status, 200, "the others stay");
    rig::write_config(&desk.config, &desk.folder.path().join("tongguan.toml"));
    let back = || async { desk.post("/sign-in", "", &[("key", desk.key("desk"))]).status == 303 };
    rig::until(LONGEST, "the key opens again", back).await;
    assert_eq!(desk.get("/deliveries", &clerk).status, 303, "the session does not come back");
    assert!(desk.stop().1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_two_persons_is_done_once_the_second_approves() {
    let desk = Desk::new(|config| {
        quick(config);
        config.access.two_persons_over = Some(0);
        for (name, person) in [("desk", "wang"), ("chief", "li")] {
            config.access.keys.iter_mut().find(|key| key.name == name).unwrap().person = Some(person.into());
        }
        // Another key of the same person.
        let keys = &mut config.access.keys;
        let audit = keys.iter_mut().find(|key| key.name == "audit").unwrap();
        (audit.role, audit.person) = (Role::Operator, Some("wang".into()));
    });
    ready(&desk).await;
    let server = format!("http://{}", desk.config.grpc.listen);
    let run = |key: &str, arguments: &[&str]| rig::run(&[&["desk"], arguments, &["--server", &server, "--key", desk.key(key)]].concat());
    let held = |many: u32| desk.get("/metrics", "").text().contains(&format!("tongguan_held_documents {many}\n"));
    // The order is in a message then, and the inventory alone can be held.
    desk.until(&desk.sign_in("desk"), "/deliveries?state=shelved", "type=\"checkbox\"").await;
    let (fine, preview) = run("desk", &["hold", &desk.order_no, "--why", "flood", "--dry-run"]);
    assert!(fine && preview.contains("preview"), "{preview}");
    let (fine, said) = run("desk", &["hold", &desk.order_no, "--why", "flood"]);
    assert!(!fine && said.contains("a second person is to approve it"), "{said}");
    let id = after(&said, "tongguan desk approve ", '\n').trim().to_owned();
    assert!(run("desk", &["hold", &desk.order_no, "--why", "flood"]).1.contains(&id), "the same again finds it");
    assert!(run("chief", &["proposals"]).1.contains(&id));
    assert!(held(0));
    for own in ["desk", "audit"] {
        let (fine, said) = run(own, &["approve", &id]);
        assert!(!fine && said.contains("not the one who proposed it"), "{own}: {said}");
    }
    let (fine, said) = run("chief", &["approve", &id]);
    assert!(fine && said.contains("done"), "{said}");
    rig::until(LONGEST, "what was counted is counted again", || async { held(1) }).await;
    let (fine, said) = run("chief", &["approve", &id]);
    assert!(fine && said.contains("so already"), "once: {said}");
    assert!(!run("desk", &["decline", &id, "--why", "late"]).0, "it is done");
    // At the console: proposed there, seen by both, declined by the other.
    let (clerk, chief) = (desk.sign_in("desk"), desk.sign_in("chief"));
    let english = |cookie: &str| format!("{cookie}; tongguan-language=en");
    let token = desk.token(&clerk);
    let release = [("token", token.as_str()), ("act", "release"), ("item", &desk.order_no), ("step", "confirm"), ("why", "over <b>")];
    let place = desk.post("/act", &clerk, &release).header("location").to_owned();
    assert!(place.starts_with("/proposals/"), "{place}");
    let own = desk.get(&place, &english(&clerk)).text();
    assert!(own.contains("Nothing is done yet") && !own.contains("Approve, and do it") && own.contains("over &lt;b&gt;"), "{own}");
    assert!(desk.get("/proposals", &chief).text().contains(&place));
    let other = desk.get(&place, &english(&chief)).text();
    assert!(other.contains("Approve, and do it"), "{other}");
    let decide = |cookie: &str, verdict: &str, why: &str| {
        desk.post(&place, &english(cookie), &[("token", &desk.token(cookie)), ("verdict", verdict), ("why", why)])
    };
    assert_eq!(decide(&clerk, "approve", "").status, 400);
    assert_eq!(decide(&chief, "decline", " ").status, 400, "a reason");
    assert_eq!(decide(&chief, "decline", "not yet").status, 303);
    assert_eq!(decide(&chief, "approve", "").status, 400, "it is over");
    assert!(
        desk.get("/proposals/x", &chief).status == 404 && desk.get("/proposals/00000000-0000-0000-0000-000000000000", &chief).status == 404
    );
    let log = desk.get(&format!("/audit?number={}", desk.order_no), &english(&chief)).text();
    assert!(log.contains("<code>hold</code>") && log.contains("proposed_by") && log.contains("wang") && log.contains("chief"), "{log}");
    for act in ["propose", "approve", "decline"] {
        desk.until(&chief, &format!("/audit?act={act}"), &format!("<code>{act}</code>")).await;
    }
    assert!(desk.stop().1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_person_may_do_alone_is_done_at_once() {
    let desk = Desk::new(|config| config.access.two_persons_over = Some(5));
    ready(&desk).await;
    let server = format!("http://{}", desk.config.grpc.listen);
    let run = |arguments: &[&str]| rig::run(&[&["desk"], arguments, &["--server", &server, "--key", desk.key("desk")]].concat());
    let clerk = desk.sign_in("desk");
    desk.until(&clerk, "/deliveries?state=shelved", "type=\"checkbox\"").await;
    let (fine, said) = run(&["hold", &desk.order_no, "--why", "flood"]);
    assert!(fine && said.contains("done"), "{said}");
    assert!(run(&["release", &desk.order_no, "--why", "over"]).0);
    desk.mend_roads();
    assert!(run(&["retry", &desk.order_no, "--why", "mended"]).0);
    desk.until(&clerk, "/deliveries?state=unanswered", "type=\"checkbox\"").await;
    // That it arrived cannot be taken back; and of a key that is nobody's none can tell whether two are two.
    let (fine, said) = run(&["resolve", &desk.order_no, "--arrived", "--why", "told so"]);
    assert!(!fine && said.contains("nobody says whose this key is"), "{said}");
    assert!(desk.stop().1);
}
