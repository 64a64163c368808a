//! The console as a browser sees it, and as somebody who means harm does: against a running gateway.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use tongguan::{
    access::{KeyOptions, new_key},
    clock::Clockwork,
    config::Config,
    party::Role,
    store::{EntryFilter, Store, sqlite::Sqlite},
};

use super::rig::{
    self, Program,
    http::{self, Answer},
};

const LONGEST: Duration = Duration::from_secs(60);

/// A gateway with a console, on roads that do not work, and one order kept.
pub struct Desk {
    pub folder: tempfile::TempDir,
    pub console: String,
    pub config: Config,
    pub order_no: String,
    keys: Vec<(&'static str, String)>,
    serve: Program,
}

impl Desk {
    pub fn new(more: impl FnOnce(&mut Config)) -> Self {
        Self::prepared(more, |_| ())
    }

    /// The same, where something is done once the configuration is written and before the gateway starts.
    pub fn prepared(more: impl FnOnce(&mut Config), before: impl FnOnce(&Path)) -> Self {
        let folder = rig::folder();
        let mut config = rig::config(folder.path());
        let door = format!("127.0.0.1:{}", rig::free_port());
        let console = format!("127.0.0.1:{}", rig::free_port());
        (config.grpc.listen, config.console.listen) = (door.clone(), console.clone());
        (config.courier.tries, config.courier.silence_s) = (1, 1);
        let mut keys = Vec::new();
        let roles = [
            ("erp", Role::Seller),
            ("van", Role::Carrier),
            ("desk", Role::Operator),
            ("audit", Role::Auditor),
            ("chief", Role::Administrator),
        ];
        for (name, role) in roles {
            let (key, sha256) = new_key(&Clockwork::system());
            config.access.keys.push(KeyOptions { name: name.into(), tenant: "acme".into(), role, sha256, until: None, person: None });
            keys.push((name, key));
        }
        more(&mut config);
        // A file stands where each road's folder should be.
        for road in &config.roads {
            fs::create_dir_all(road.folder.parent().unwrap()).unwrap();
            fs::write(&road.folder, "").unwrap();
        }
        let file = folder.path().join("tongguan.toml");
        rig::write_config(&config, &file);
        before(&file);
        let serve = Program::start(&["serve", "--config", file.to_str().unwrap()], &folder.path().join("serve.log"));
        let (orders, waybills) = rig::many(1);
        rig::write_lines(&folder.path().join("waybills.jsonl"), &waybills);
        let order_no = orders[0]["order"]["order_no"].as_str().unwrap().to_owned();
        let desk = Self { folder, console, config, order_no, keys, serve };
        desk.submit(&orders, &door);
        desk
    }

    fn submit(&self, orders: &[serde_json::Value], door: &str) {
        let lines = self.folder.path().join("orders.jsonl");
        rig::write_lines(&lines, orders);
        let server = format!("http://{door}");
        let (fine, said) = rig::run(&["submit", lines.to_str().unwrap(), "--server", &server, "--key", self.key("erp")]);
        assert!(fine, "{said}");
    }

    /// The number of the order's waybill.
    pub fn waybill_no(&self) -> String {
        let text = fs::read_to_string(self.folder.path().join("waybills.jsonl")).unwrap();
        let waybill: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        waybill["waybill_no"].as_str().unwrap().to_owned()
    }

    /// Pushes the order's waybill, as its carrier.
    pub fn push_waybill(&self) {
        let file = self.folder.path().join("waybills.jsonl");
        let server = format!("http://{}", self.config.grpc.listen);
        let (fine, said) = rig::run(&["submit", "--waybills", file.to_str().unwrap(), "--server", &server, "--key", self.key("van")]);
        assert!(fine, "{said}");
    }

    pub fn key(&self, name: &str) -> &str {
        &self.keys.iter().find(|(known, _)| *known == name).unwrap().1
    }

    /// Lets the roads work.
    pub fn mend_roads(&self) {
        for road in &self.config.roads {
            fs::remove_file(&road.folder).unwrap();
        }
    }

    pub fn stop(self) -> (tempfile::TempDir, bool) {
        let stopped = self.serve.stop().success();
        (self.folder, stopped)
    }

    /// Whether the console answers.
    pub fn is_there(&self) -> bool {
        http::ask(&self.console, "GET", "/livez", &[], b"", LONGEST).is_ok()
    }

    pub fn get(&self, path: &str, cookie: &str) -> Answer {
        let headers: Vec<_> = [("Cookie", cookie)].into_iter().filter(|(_, value)| !value.is_empty()).collect();
        http::ask(&self.console, "GET", path, &headers, b"", LONGEST).unwrap()
    }

    pub fn post(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        let headers = [("Cookie", cookie), ("Content-Type", "application/x-www-form-urlencoded")];
        http::ask(&self.console, "POST", path, &headers, http::form(fields).as_bytes(), LONGEST).unwrap()
    }

    /// Signs in; gives the cookie.
    pub fn sign_in(&self, name: &str) -> String {
        let answer = self.post("/sign-in", "", &[("key", self.key(name))]);
        assert_eq!((answer.status, answer.header("location")), (303, "/"), "{}", answer.text());
        let cookie = answer.header("set-cookie").to_owned();
        for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        cookie.split(';').next().unwrap().to_owned()
    }

    /// The secret that forms of a session carry.
    pub fn token(&self, cookie: &str) -> String {
        self.token_at("/", cookie)
    }

    /// The same, for whom another page is the first.
    pub fn token_at(&self, path: &str, cookie: &str) -> String {
        let page = self.get(path, cookie).text();
        let at = page.find("name=\"token\" value=\"").expect(&page);
        page[at + 20..].split('"').next().unwrap().to_owned()
    }

    pub async fn until(&self, cookie: &str, path: &str, wanted: &str) {
        rig::until(LONGEST, wanted, || async { self.get(path, cookie).text().contains(wanted) }).await;
    }
}

fn is_guarded(answer: &Answer) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let policy = answer.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_gets_in_and_sees_what_is_theirs_to_see() {
    let desk = Desk::new(|_| ());
    rig::until(LONGEST, "the console answers", || async { http::ask(&desk.console, "GET", "/livez", &[], b"", LONGEST).is_ok() }).await;
    for path in
        ["/", "/find", "/deliveries", "/unmatched", "/quarantined", "/audit", "/declarations/x", "/messages/x", "/attach", "/retention"]
    {
        let answer = desk.get(path, "");
        assert_eq!((answer.status, answer.header("location")), (303, "/sign-in"), "{path}");
        is_guarded(&answer);
        assert_eq!(desk.get(path, "tongguan=made-up").status, 303, "{path}");
    }
    assert_eq!(desk.post("/act", "", &[("act", "hold")]).status, 303);
    for key in ["", "tgk_wrong", desk.key("erp"), "<script>"] {
        let answer = desk.post("/sign-in", "", &[("key", key)]);
        assert_eq!((answer.status, answer.header("set-cookie")), (401, ""), "{key}");
        is_guarded(&answer);
    }
    let cookie = desk.sign_in("desk");
    for path in ["/", "/find", "/deliveries", "/unmatched", "/quarantined", "/audit", "/reference/rules"] {
        let answer = desk.get(path, &cookie);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.header("cache-control"), "no-store");
        is_guarded(&answer);
        assert!(!answer.text().contains("<script") && !answer.text().contains("style=\""), "{path}");
    }
    let auditor = desk.sign_in("audit");
    assert_eq!((desk.get("/audit", &auditor).status, desk.get("/deliveries", &auditor).status), (200, 403));
    assert_eq!(desk.get("/", &auditor).header("location"), "/audit");
    // A token of one session is none of another.
    let (own, other) = (desk.token(&cookie), desk.token(&desk.sign_in("chief")));
    for token in ["", "x", other.as_str()] {
        let answer =
            desk.post("/act", &cookie, &[("token", token), ("act", "hold"), ("item", &desk.order_no), ("step", "confirm"), ("why", "x")]);
        assert_eq!(answer.status, 403, "{token}");
    }
    let named = |host: &str| http::ask(&desk.console, "GET", "/sign-in", &[("Host", host)], b"", LONGEST).unwrap().status;
    assert_eq!((named("evil.example"), named("localhost:1"), named("127.0.0.1")), (421, 200, 200));
    assert_eq!((desk.get("/nothing", &cookie).status, desk.get("/../etc/passwd", &cookie).status), (404, 404));
    assert_eq!(desk.post("/find", &cookie, &[("token", &own), ("numbers", &"x".repeat(600_000))]).status, 400);
    let many: String = (0..5_001).map(|n| format!("N{n}\n")).collect();
    assert_eq!(desk.post("/find", &cookie, &[("token", &own), ("numbers", &many)]).status, 400);
    let out = desk.post("/sign-out", &cookie, &[("token", &own)]);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(desk.get("/", &cookie).status, 303, "the session is over");
    assert_eq!(desk.get("/deliveries?state=shelved", &auditor).status, 403);
    let (back, elsewhere) = (desk.get("/language?to=en&back=%2Ffind", ""), desk.get("/language?to=en&back=%2F%2Fevil.example", ""));
    assert_eq!((back.header("location"), elsewhere.header("location")), ("/find", "/"));
    let file = desk.config.store.file.clone();
    let (_folder, stopped) = desk.stop();
    assert!(stopped);
    // Who is known and was turned away stands in the log, summed, with where it was.
    let store = Sqlite::open_read_only(&file).await.unwrap();
    let filter = EntryFilter { act: Some("refuse".into()), pending: true, limit: 100, ..EntryFilter::default() };
    let told: BTreeMap<_, _> = store
        .entries(filter)
        .await
        .unwrap()
        .into_iter()
        .map(|placed| placed.entry)
        .map(|entry| {
            let change = &entry.changes[0];
            assert!(entry.actor.address.is_some_and(|address| address.is_loopback()), "{entry:?}");
            ((entry.actor.name, entry.why), (change.field.clone(), change.to.clone()))
        })
        .collect();
    for (name, page, times) in [("audit", "GET /deliveries", "2"), ("desk", "POST /act", "3")] {
        let expected = ("refused.forbidden".to_owned(), times.to_owned());
        assert_eq!(told.get(&(name.to_owned(), page.to_owned())), Some(&expected), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_searched_for_is_found_escaped_and_saved() {
    let desk = Desk::new(|_| ());
    rig::until(LONGEST, "the console answers", || async { http::ask(&desk.console, "GET", "/livez", &[], b"", LONGEST).is_ok() }).await;
    let cookie = desk.sign_in("desk");
    let token = desk.token(&cookie);
    let one = desk.post("/find", &cookie, &[("token", &token), ("numbers", &desk.order_no)]);
    let place = one.header("location").to_owned();
    assert!(one.status == 303 && place.starts_with("/declarations/"), "{}", one.text());
    let chinese = desk.get(&place, &cookie).text();
    let english = desk.get(&place, &format!("{cookie}; tongguan-language=en")).text();
    assert!(chinese.contains("lang=\"zh-CN\"") && chinese.contains("无票免税建议") && chinese.contains(&desk.order_no));
    assert!(english.contains("lang=\"en\"") && english.contains("Advice on the exemption") && english.contains("Line of life"));
    let hostile = "<img/src=x>\n=1+1\n\"'&";
    let fields = [("token", token.as_str()), ("numbers", &format!("{hostile}\n{}", desk.order_no))];
    let page = desk.post("/find", &cookie, &fields).text();
    assert!(page.contains("&lt;img/src=x&gt;") && !page.contains("<img") && page.contains("未找到"), "{page}");
    let saved = |format| desk.post("/find", &cookie, &[fields[0], fields[1], ("format", format)]);
    let csv = saved("csv");
    assert!(
        csv.header("content-disposition").contains("tongguan.csv") && csv.text().contains("'=1+1,") && csv.text().contains(&desk.order_no)
    );
    let xlsx = saved("xlsx");
    assert!(xlsx.body.starts_with(b"PK") && xlsx.header("content-type").contains("spreadsheetml"));
    assert!(desk.get("/find?state=waiting", &cookie).text().contains(&desk.order_no));
    assert_eq!(desk.get("/declarations/01900000-0000-7000-8000-000000000000", &cookie).status, 404);
    let audit = desk.get(&format!("/audit?number={}", desk.order_no), &cookie).text();
    assert!(audit.contains("<code>accept</code>"), "{audit}");
    assert!(desk.get("/audit?number=nothing", &cookie).text().contains("没有这样的记录"));
    assert_eq!(desk.get("/audit?from=yesterday", &cookie).status, 400);
    let counted = "tongguan_documents{kind=\"inventory\",state=\"waiting\"} 1";
    rig::until(LONGEST, "what was kept is counted", || async { desk.get("/metrics", "").text().contains(counted) }).await;
    let metrics = desk.get("/metrics", "");
    let text = metrics.text();
    assert!(metrics.header("content-type").contains("0.0.4") && text.contains("tongguan_accepted_total{what=\"declaration\"} 1"), "{text}");
    assert!(text.contains(counted) && text.contains("tongguan_living_nodes 1"), "{text}");
    let of_trace = desk.get(&format!("/audit?trace={}", place.rsplit('/').next().unwrap()), &cookie).text();
    assert!(of_trace.contains("<code>accept</code>"), "{of_trace}");
    assert!(desk.get(&format!("/audit?trace={}", "9".repeat(32)), &cookie).text().contains("没有这样的记录"));
    assert_eq!(desk.get("/audit?trace=x", &cookie).status, 400);
    // What alerts and the dashboard ask for is told.
    for file in ["alerts.yml", "grafana.json"] {
        let asked = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/monitoring").join(file)).unwrap();
        let names = asked.split("tongguan_").skip(1).map(|rest| rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap());
        for name in names {
            assert!(text.contains(&format!("# TYPE tongguan_{name} ")), "{file} asks for tongguan_{name}");
        }
    }
    assert_eq!((desk.get("/readyz", "").text().as_str(), desk.get("/livez", "").text().as_str()), ("ok\n", "ok\n"));
    assert!(desk.stop().1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_is_previewed_reasoned_and_confirmed() {
    let desk = Desk::new(|_| ());
    rig::until(LONGEST, "the console answers", || async { http::ask(&desk.console, "GET", "/livez", &[], b"", LONGEST).is_ok() }).await;
    let cookie = format!("{}; tongguan-language=en", desk.sign_in("desk"));
    let token = desk.token(&cookie);
    desk.until(&cookie, "/deliveries?state=shelved", "type=\"checkbox\"").await;
    desk.mend_roads();
    let order_no = desk.order_no.clone();
    let base = [("token", token.as_str()), ("act", "retry"), ("item", order_no.as_str())];
    let preview = desk.post("/act", &cookie, &base).text();
    assert!(preview.contains("the same bytes go again") && preview.contains("name=\"why\""), "{preview}");
    let confirm = |why: &str| {
        let fields = [base.as_slice(), &[("step", "confirm"), ("why", why), ("back", "//evil.example")]].concat();
        desk.post("/act", &cookie, &fields).text()
    };
    let unreasoned = confirm("  ");
    assert!(unreasoned.contains("give a reason") && unreasoned.contains("preview"), "{unreasoned}");
    let done = confirm("folder <is> back");
    assert!(done.contains("It is done") && !done.contains("evil.example"), "{done}");
    assert!(confirm("again").contains("so already"), "the same form sent once more does nothing");
    desk.until(&cookie, "/deliveries?state=unanswered", "type=\"checkbox\"").await;
    let resolve =
        [("token", token.as_str()), ("act", "resolve_arrived"), ("item", order_no.as_str()), ("step", "confirm"), ("why", "port confirms")];
    assert!(desk.post("/act", &cookie, &resolve).text().contains("It is done"));
    let road = desk.config.roads[0].road.clone();
    let pause = [("token", token.as_str()), ("act", "pause_road"), ("item", road.as_str()), ("step", "confirm"), ("why", "repair")];
    assert!(desk.post("/act", &cookie, &pause).text().contains("It is done"));
    assert!(desk.get("/", &cookie).text().contains("road paused"));
    let refused = [("token", token.as_str()), ("act", "hold"), ("item", "nothing"), ("item", order_no.as_str())];
    let refused = desk.post("/act", &cookie, &refused).text();
    assert!(refused.contains("not found") && !refused.contains("name=\"why\""), "{refused}");
    assert_eq!(desk.post("/act", &cookie, &[("token", &token), ("act", "nonsense"), ("item", "x")]).status, 404);
    assert_eq!(desk.post("/act", &cookie, &[("token", &token), ("act", "hold")]).status, 400);
    let (folder, stopped) = desk.stop();
    assert!(stopped);
    let story = rig::run(&["audit", "show", &order_no, "--dir", Path::new(folder.path()).to_str().unwrap()]).1;
    assert!(story.contains("folder <is> back") && story.contains("port confirms") && story.contains("operator:desk@127.0.0.1"), "{story}");
}

const SECRET: &str = "请联系张三丰 13912345678";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_personal_is_masked_until_somebody_says_why() {
    let desk = Desk::new(|config| config.log.filter = "debug".into());
    let mut order = rig::many(2).0.remove(1);
    order["order"]["note"] = SECRET.into();
    order["inventory"]["note"] = SECRET.into();
    desk.submit(std::slice::from_ref(&order), &desk.config.grpc.listen.clone());
    let number = order["order"]["order_no"].as_str().unwrap();
    let cookie = format!("{}; tongguan-language=en", desk.sign_in("desk"));
    let token = desk.token(&cookie);
    let link = |page: &str, to: &str| {
        let at = page.find(&format!("href=\"{to}"))?;
        Some(page[at + 6..].split('"').next().unwrap().to_owned())
    };
    let declaration = desk.get(&format!("/find?numbers={number}"), &cookie).header("location").to_owned();
    desk.until(&cookie, &declaration, "href=\"/messages/").await;
    let page = desk.get(&declaration, &cookie).text();
    let message = link(&page, "/messages/").unwrap();
    let masked = desk.get(&message, &cookie).text();
    for shown in [&page, &masked] {
        assert!(!shown.contains("张三丰") && !shown.contains("13912345678"), "{shown}");
    }
    assert!(masked.contains("note") && masked.contains("＊＊＊") && masked.contains(number), "{masked}");
    let reveal = |fields: &[(&str, &str)]| {
        desk.post(&format!("{message}/reveal"), &cookie, &[[("token", token.as_str())].as_slice(), fields].concat())
    };
    for (fields, told) in
        [([("why", "seller asks"), ("confirm", "")], "audit log will tell"), ([("why", " "), ("confirm", "yes")], "give a reason")]
    {
        let refused = reveal(&fields);
        assert!(refused.status == 400 && refused.text().contains(told) && !refused.text().contains(SECRET), "{}", refused.text());
    }
    assert_eq!(
        desk.post(&format!("{message}/reveal"), &cookie, &[("why", "x"), ("confirm", "yes")]).status,
        403,
        "without the form's token"
    );
    assert!(!desk.get("/audit?act=reveal", &cookie).text().contains("message.shown"), "nothing was shown yet");
    let whole = reveal(&[("why", "seller asks"), ("confirm", "yes")]).text();
    assert!(whole.contains(SECRET), "{whole}");
    let auditor = format!("{}; tongguan-language=en", desk.sign_in("audit"));
    assert_eq!(desk.post(&format!("{message}/reveal"), &auditor, &[("why", "x"), ("confirm", "yes")]).status, 403, "without the token");
    assert!(!desk.get(&message, &auditor).text().contains("张三丰"));
    let own = desk.token_at(&message, &auditor);
    let whole = desk.post(&format!("{message}/reveal"), &auditor, &[("token", &own), ("why", "inquiry"), ("confirm", "yes")]).text();
    assert!(whole.contains(SECRET), "auditors may as well, for a reason: {whole}");
    let (folder, stopped) = desk.stop();
    assert!(stopped);
    let (story, log) = (
        rig::run(&["audit", "show", number, "--dir", folder.path().to_str().unwrap()]).1,
        fs::read_to_string(folder.path().join("serve.log")),
    );
    assert!(story.contains("operator:desk@127.0.0.1 reveal message.shown") && story.contains("(seller asks)"), "{story}");
    assert!(story.contains("auditor:audit@127.0.0.1 reveal message.shown") && story.contains("(inquiry)"), "{story}");
    for text in [story, log.unwrap()] {
        assert!(!text.contains("张三丰") && !text.contains("13912345678"), "{text}");
    }
}
