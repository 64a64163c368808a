//! A month is archived by the command, killed over and over; everything answers as before, and what was altered is named.

use std::{fs, path::Path, time::Duration};

use tongguan::{
    access::{KeyOptions, new_key},
    clock::Clockwork,
    config::Config,
    party::Role,
    retention::Month,
};

use super::{
    accounts::after,
    console::Desk,
    rig::{self, Program, http},
    tamper,
};

const DAY_MS: i64 = 86_400_000;
const LONGEST: Duration = Duration::from_secs(60);

struct Archived {
    folder: tempfile::TempDir,
    month: String,
}

impl Archived {
    /// What the demonstration has left, some months later.
    fn new() -> Self {
        let folder = tamper::copy();
        fs::copy(tamper::log_key(), folder.path().join("audit.logkey")).unwrap();
        let archived = Self { folder, month: Month::of(Clockwork::system().now()).to_string() };
        archived.configure(200);
        archived
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// So many days later.
    fn configure(&self, days: i64) {
        self.configure_as(days, |_| ());
    }

    fn configure_as(&self, days: i64, more: impl FnOnce(&mut Config)) {
        let mut config = rig::config(self.folder.path());
        config.store.file = self.folder.path().join("tongguan.db");
        config.audit.key = self.folder.path().join("audit.logkey");
        config.node.clock_shift_ms = days * DAY_MS;
        more(&mut config);
        rig::write_config(&config, Path::new(&self.path("tongguan.toml")));
    }

    /// Signers' keys, so that a gateway can run on it.
    fn give_keys(&self) {
        let keys = rig::folder();
        fs::create_dir(self.path("keys")).unwrap();
        for file in rig::files(&keys.path().join("keys")) {
            fs::copy(&file, self.folder.path().join("keys").join(file.file_name().unwrap())).unwrap();
        }
    }

    fn archive(&self) -> [String; 6] {
        ["archive".into(), self.month.clone(), "--to".into(), self.path("archives"), "--config".into(), self.path("tongguan.toml")]
    }

    fn audit(&self, what: &[&str], at_hand: bool) -> (bool, String) {
        let (dir, archives) = (self.path(""), self.path("archives"));
        let at_hand: &[&str] = if at_hand { &["--archives", &archives] } else { &[] };
        rig::run(&[&["audit"], what, &["--dir", &dir], at_hand].concat())
    }

    fn retention(&self, what: &[&str]) -> (bool, String) {
        let (config, archives) = (self.path("tongguan.toml"), self.path("archives"));
        let archives: &[&str] = if what[0] == "report" { &[] } else { &["--archives", &archives] };
        rig::run(&[&["retention"], what, &["--config", &config], archives].concat())
    }
}

#[test]
fn a_month_is_archived_over_kills_and_stays_verifiable_and_readable() {
    let archived = Archived::new();
    let order = tamper::an_order();
    let (_, before) = archived.audit(&["show", &order], false);
    let command = archived.archive();
    let command: Vec<_> = command.iter().map(String::as_str).collect();
    for time in 0..12_u64 {
        let program = Program::start(&command, &archived.folder.path().join("archive.log"));
        std::thread::sleep(Duration::from_millis(15 + time * 37 % 210));
        program.kill();
        if time % 4 == 3 {
            let (whole, told) = archived.audit(&["verify"], true);
            assert!(whole, "after {time} kills: {told}");
            assert_eq!(archived.audit(&["show", &order], true).1, before, "after {time} kills");
        }
    }
    let (done, told) = rig::run(&command);
    assert!(done, "{told}");
    let (done, told) = rig::run(&command);
    assert!(done && told.contains("made 0 archives"), "{told}");
    assert_eq!(archived.audit(&["show", &order], true).1, before);
    let (whole, told) = archived.audit(&["verify"], true);
    assert!(whole && told.contains("archives are whole: 1") && !told.contains("leaf hash"), "{told}");
    let (whole, told) = archived.audit(&["verify"], false);
    assert!(whole && told.contains("leaf hash alone"), "{told}");
    let (done, told) = archived.audit(&["verify", "--archives", "/nowhere"], false);
    assert!(!done && told.contains("不存在") && told.contains("the folder of archives /nowhere is not there"), "{told}");
    let (_, told) = archived.audit(&["show", &order], false);
    assert!(told.contains("not at hand") && told.contains("已归档"), "{told}");
    let (done, told) = archived.retention(&["report"]);
    assert!(done && told.contains("emptied") && told.contains("2037-01-01"), "{told}");
    altered(&archived);
    destroyed(&archived);
}

/// Any byte of either file.
fn altered(archived: &Archived) {
    for name in [format!("archives/{}.1.json", archived.month), format!("archives/{}.1.jsonl.gz", archived.month)] {
        let file = archived.path(&name);
        let whole = fs::read(&file).unwrap();
        for at in [whole.len() / 5, whole.len() / 2] {
            let mut bytes = whole.clone();
            bytes[at] = bytes[at].wrapping_add(1);
            fs::write(&file, bytes).unwrap();
            let (whole, told) = archived.audit(&["verify"], true);
            assert!(!whole && told.contains(&format!("{}.1", archived.month)), "{name} at {at}: {told}");
        }
        fs::write(&file, whole).unwrap();
    }
}

fn destroyed(archived: &Archived) {
    let (done, told) = archived.retention(&["destroy"]);
    assert!(done && told.contains("nothing to destroy"), "{told}");
    archived.configure(12 * 366);
    let (done, told) = archived.retention(&["destroy"]);
    assert!(done, "{told}");
    let digest = told.split("digest: ").nth(1).unwrap().trim().to_owned();
    let (done, told) = archived.retention(&["destroy", "--confirm", "00", "--why", "期满"]);
    assert!(!done && told.contains("preview it again"), "{told}");
    let (done, told) = archived.retention(&["destroy", "--confirm", &digest, "--why", "期满"]);
    assert!(done, "{told}");
    let (whole, told) = archived.audit(&["verify"], true);
    assert!(whole && told.contains("lawfully destroyed"), "{told}");
}

/// Somebody's key: name, role, whose.
const STAFF: [(&str, Role, &str); 4] = [
    ("first", Role::Administrator, "wang"),
    ("again", Role::Administrator, "wang"),
    ("second", Role::Administrator, "li"),
    ("clerk", Role::Operator, "zhao"),
];

#[tokio::test(flavor = "multi_thread")]
async fn where_two_persons_are_asked_for_one_alone_destroys_nothing() {
    let archived = Archived::new();
    let command = archived.archive();
    assert!(rig::run(&command.iter().map(String::as_str).collect::<Vec<_>>()).0);
    let [door, console] = [(); 2].map(|()| format!("127.0.0.1:{}", rig::free_port()));
    let server = format!("http://{door}");
    let keys = STAFF.map(|(name, role, person)| {
        let (key, sha256) = new_key(&Clockwork::system());
        (key, KeyOptions { name: name.into(), tenant: "house".into(), role, sha256, until: None, person: Some(person.into()) })
    });
    archived.give_keys();
    archived.configure_as(12 * 366, |config| {
        config.access.keys = keys.iter().map(|(_, options)| options.clone()).collect();
        config.access.two_persons_over = Some(1_000);
        (config.grpc.listen, config.console.listen) = (door, console.clone());
    });
    let key = |name: &str| keys.iter().find(|(_, options)| options.name == name).unwrap().0.clone();
    let destroy = |what: &[&str], name: &str| {
        let key = key(name);
        archived.retention(&[&["destroy"], what, &["--server", &server, "--key", &key]].concat())
    };
    let desk = |what: &[&str], name: &str| rig::run(&[&["desk"], what, &["--server", &server, "--key", &key(name)]].concat());
    let config = archived.path("tongguan.toml");
    let serve = || Program::start(&["serve", "--config", &config], &archived.folder.path().join("serve.log"));
    let ready = async || rig::until(LONGEST, "the door opens", || async { desk(&["queues"], "clerk").0 }).await;
    let running = serve();
    ready().await;
    let (done, told) = destroy(&[], "first");
    assert!(done, "{told}");
    let digest = after(&told, "digest: ", '\n').trim().to_owned();
    let confirm = ["--confirm", &digest, "--why", "期满"];
    let (done, told) = destroy(&confirm, "clerk");
    assert!(!done && told.contains("the role of this key may not"), "{told}");
    let (done, told) = destroy(&["--confirm", "00", "--why", "期满"], "first");
    assert!(!done && told.contains("preview it again"), "{told}");
    let (done, told) = destroy(&confirm, "first");
    assert!(!done && told.contains("a second person is to approve it"), "{told}");
    let id = after(&told, "desk approve ", '\n').trim().to_owned();
    assert!(destroy(&confirm, "first").1.contains(&id), "the same again finds it");
    for (who, why) in [("first", "not the one who proposed it"), ("again", "not the one who proposed it"), ("clerk", "may not")] {
        let (done, told) = desk(&["approve", &id], who);
        assert!(!done && told.contains(why), "{who}: {told}");
    }
    let listed = desk(&["proposals"], "clerk").1;
    assert!(listed.contains(&id) && listed.contains("destroy"), "{listed}");
    let (done, told) = desk(&["proposals", &id], "clerk");
    assert!(
        done && told.contains(&format!("archive {}.1", archived.month)) && told.contains("须存至 2037-01-01") && told.contains("attempts"),
        "{told}"
    );
    let (done, told) = desk(&["proposals", "nothing"], "clerk");
    assert!(!done && told.contains("no such proposal is open: nothing") && !told.contains("until"), "{told}");
    assert!(running.stop().success());
    // Nobody has approved it: on the command line nothing leads around that.
    for (proposal, why) in [
        (id.as_str(), "no second person has approved"),
        ("00000000-0000-0000-0000-000000000001", "no such proposal"),
        ("nonsense", "应为提案的 ID"),
    ] {
        let (done, told) = archived.retention(&["destroy", "--approved", proposal]);
        assert!(!done && told.contains(why), "{told}");
    }
    assert!(fs::exists(archived.path(&format!("archives/{}.1.json", archived.month))).unwrap());
    let running = serve();
    ready().await;
    approved(&console, &key("second"), &id, &archived.month);
    let (done, told) = desk(&["approve", &id], "second");
    assert!(done && told.contains("so already"), "{told}");
    assert!(running.stop().success());
    for time in 0..2 {
        let (done, told) = archived.retention(&["destroy", "--approved", &id]);
        assert!(done && told.contains(&format!("archive {}.1", archived.month)) == (time == 0), "{told}");
    }
    let (whole, told) = archived.audit(&["verify"], true);
    assert!(whole && told.contains("lawfully destroyed"), "{told}");
}

/// The second person sees at the console what would go, and approves it there.
fn approved(console: &str, key: &str, id: &str, month: &str) {
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let post = |path: &str, cookie: &str, fields: &[(&str, &str)]| {
        http::ask(console, "POST", path, &[("Cookie", cookie), form], http::form(fields).as_bytes(), LONGEST).unwrap()
    };
    let signed_in = post("/sign-in", "", &[("key", key)]);
    let cookie = format!("{}; tongguan-language=en", signed_in.header("set-cookie").split(';').next().unwrap());
    let place = format!("/proposals/{id}");
    let page = http::ask(console, "GET", &place, &[("Cookie", &cookie)], b"", LONGEST).unwrap().text();
    for said in ["Destroy", &format!("archive {month}.1 "), "bodies", "had to be kept until 2037-01-01", "期满"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(page.contains("Approve") && !page.contains("Approve, and do it"), "{page}");
    let token = after(&page, "name=\"token\" value=\"", '"').to_owned();
    let done = post(&place, &cookie, &[("token", &token), ("verdict", "approve"), ("why", "")]);
    assert!(done.status == 200 && done.text().contains(&format!("retention destroy --approved {id}")), "{}", done.text());
    let page = http::ask(console, "GET", &place, &[("Cookie", &cookie)], b"", LONGEST).unwrap().text();
    assert!(page.contains("Approved by li") && page.contains("--approved"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_seen_at_the_console_placed_there_and_lifted() {
    let desk = Desk::new(|config| config.retention.archives = Some("archives".into()));
    rig::until(LONGEST, "the console answers", || async { desk.is_there() }).await;
    let english = |name: &str| format!("{}; tongguan-language=en", desk.sign_in(name));
    let (clerk, auditor, chief) = (english("desk"), english("audit"), english("chief"));
    let page = desk.get("/retention", &auditor).text();
    for said in ["Nothing is under legal hold", "Nothing is archived", "Not counted yet", "Place a hold", "aria-current=\"page\">Retention"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    let seen = desk.get("/retention", &clerk).text();
    assert!(seen.contains("Nothing is under legal hold") && !seen.contains("Place a hold"), "{seen}");
    assert!(desk.get("/retention", clerk.split(';').next().unwrap()).text().contains("没有法律保全"));
    let token = after(&page, "name=\"token\" value=\"", '"').to_owned();
    let post = |path: &str, fields: &[(&str, &str)]| desk.post(path, &auditor, &[&[("token", token.as_str())], fields].concat());
    let hold = |fields: &[(&str, &str)]| post("/retention/holds", fields);
    // What is wrong is told, all or none is done; a preview writes nothing.
    assert_eq!(hold(&[("act", "place"), ("items", "  ")]).status, 400);
    assert_eq!(hold(&[("act", "destroy"), ("items", "x")]).status, 404);
    assert_eq!(desk.post("/retention/holds", &auditor, &[("token", "x"), ("act", "place"), ("items", "month:2026-11")]).status, 403);
    let items = format!("{}\nmonth:2026-11", desk.order_no);
    let refused = hold(&[("act", "place"), ("items", "NOBODY<b> month:2026-11")]).text();
    assert!(refused.contains("Some of it cannot be done") && refused.contains("NOBODY&lt;b&gt;"), "{refused}");
    let preview = hold(&[("act", "place"), ("items", &items)]).text();
    assert!(preview.contains("preview") && preview.contains("neither archived nor destroyed"), "{preview}");
    let confirm =
        [("act", "place"), ("item", desk.order_no.as_str()), ("item", "month:2026-11"), ("step", "confirm"), ("back", "/retention")];
    let unsaid = hold(&[&confirm[..], &[("why", " ")]].concat()).text();
    assert!(unsaid.contains("give a reason"), "{unsaid}");
    assert!(desk.get("/retention", &auditor).text().contains("Nothing is under legal hold"));
    let done = hold(&[&confirm[..], &[("why", "稽查 <2026-31>")]].concat()).text();
    assert!(done.contains("It is done"), "{done}");
    let page = desk.get("/retention", &clerk).text();
    assert!(page.contains("month:2026-11") && page.contains("稽查 &lt;2026-31&gt;") && page.contains("audit"), "{page}");
    // On the declaration's own page, for whoever may see it.
    let place = desk.get(&format!("/find?numbers={}", desk.order_no), &chief).header("location").to_owned();
    let shown = desk.get(&place, &chief).text();
    assert!(shown.contains("Under legal hold") && shown.contains("Lift the legal hold") && shown.contains("month:2026-11"), "{shown}");
    let shown = desk.get(&place, &clerk).text();
    assert!(shown.contains("Under legal hold") && !shown.contains("Lift the legal hold"), "{shown}");
    let denied = [("token", desk.token(&clerk)), ("act", "lift".into()), ("item", "month:2026-11".into())];
    let denied = denied.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(desk.post("/retention/holds", &clerk, &denied).status, 403);
    let id = place.rsplit('/').next().unwrap();
    let lift = [("act", "lift"), ("item", id), ("item", "month:2026-11"), ("step", "confirm"), ("why", "结案")];
    assert!(hold(&lift).text().contains("It is done"));
    assert!(!desk.get(&place, &clerk).text().contains("Under legal hold"));
    // How much there is, counted behind the page.
    assert_eq!(post("/retention/count", &[]).header("location"), "/retention");
    desk.until(&auditor, "/retention", "keep until").await;
    let page = desk.get("/retention", &auditor).text();
    assert!(page.contains("declarations") && page.contains("sessions") && page.contains("2037-01-01"), "{page}");
    for act in ["legal_hold", "legal_hold_lift"] {
        desk.until(&auditor, &format!("/audit?act={act}"), &format!("<code>{act}</code>")).await;
    }
    assert!(desk.stop().1);
}
