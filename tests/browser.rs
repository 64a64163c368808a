//! The console in headless Chromium, driven by W3C WebDriver: somebody signs in, searches, reads, retries, resolves, switches the language.
//! Pictures of every page, as wide as a desk and as a phone, are left in `target/screenshots` to be looked at.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    accounts,
    console::Desk,
    rig::{self, Program, http},
};

const LONGEST: Duration = Duration::from_secs(60);
/// For the page after a click.
const PATIENCE: Duration = Duration::from_secs(15);
/// The key of an element in answers (W3C WebDriver, 11).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with its driver, ended together.
struct Browser {
    driver: Child,
    address: String,
    session: String,
    home: String,
    _profile: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends with its session; the driver may have ended already.
        drop(http::ask(&self.address, "DELETE", &format!("/session/{}", self.session), &[], b"", LONGEST));
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

impl Browser {
    async fn start(console: &str) -> Self {
        let address = format!("127.0.0.1:{}", rig::free_port());
        let port = address.rsplit(':').next().unwrap();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is needed: apt-get install chromium chromium-driver (tests/run does so)");
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Self { driver, address, session: String::new(), home: format!("http://{console}"), _profile: profile };
        let ready = || async { http::ask(&browser.address, "GET", "/status", &[], b"", LONGEST).is_ok_and(|answer| answer.status == 200) };
        rig::until(LONGEST, "the driver answers", ready).await;
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--lang=zh-CN".to_owned(),
            format!("--user-data-dir={}", browser._profile.path().display()),
        ];
        let options = json!({ "goog:chromeOptions": { "args": arguments } });
        let begun = browser.call("POST", "/session", &json!({ "capabilities": { "alwaysMatch": options } }));
        browser.session = begun["sessionId"].as_str().expect("a session").to_owned();
        // Whoever looks for an element waits for the page that has it.
        browser.ask("POST", "/timeouts", &json!({ "implicit": PATIENCE.as_millis() }));
        browser
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if method == "GET" { Vec::new() } else { serde_json::to_vec(body).unwrap() };
        let headers = [("Content-Type", "application/json; charset=utf-8")];
        let answer = http::ask(&self.address, method, path, &headers, &body, LONGEST).unwrap();
        let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        assert_eq!(answer.status, 200, "{method} {path}: {value}");
        value["value"].clone()
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        self.call(method, &format!("/session/{}{path}", self.session), body)
    }

    fn go(&self, path: &str) {
        self.ask("POST", "/url", &json!({ "url": format!("{}{path}", self.home) }));
    }

    fn element(&self, css: &str) -> String {
        let found = self.ask("POST", "/element", &json!({ "using": "css selector", "value": css }));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    fn click(&self, css: &str) {
        let element = self.element(css);
        self.ask("POST", &format!("/element/{element}/click"), &json!({}));
    }

    fn write(&self, css: &str, text: &str) {
        let element = self.element(css);
        self.ask("POST", &format!("/element/{element}/value"), &json!({ "text": text }));
    }

    fn page(&self) -> String {
        self.ask("GET", "/source", &json!(null)).as_str().unwrap().to_owned()
    }

    fn place(&self) -> String {
        self.ask("GET", "/url", &json!(null)).as_str().unwrap().trim_start_matches(&self.home).to_owned()
    }

    /// Waits until the page says so: a click comes back before the next page is there.
    fn says(&self, wanted: &str) {
        self.comes(wanted, || self.page().contains(wanted));
    }

    /// Waits until the page is at a place that begins so.
    fn is_at(&self, place: &str) {
        self.comes(place, || self.place().starts_with(place));
    }

    fn comes(&self, wanted: &str, is_so: impl Fn() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < PATIENCE, "{wanted:?} does not come; {}:\n{}", self.place(), self.page());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    async fn until(&self, path: &str, wanted: &str) {
        let is_so = || async {
            self.go(path);
            self.page().contains(wanted)
        };
        rig::until(LONGEST, wanted, is_so).await;
    }

    fn tell(&self, command: &str, parameters: &Value) -> Value {
        self.ask("POST", "/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    fn width(&self, width: u32, height: u32, is_phone: bool) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone });
        self.tell("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Pictures of the page as wide as a desk and as a phone; on neither does it go beyond the edge.
    fn picture(&self, name: &str) {
        for (device, width, height, is_phone) in [("phone", 390, 844, true), ("desk", 1_280, 900, false)] {
            self.width(width, height, is_phone);
            let taken = self.tell("Page.captureScreenshot", &json!({ "captureBeyondViewport": true }));
            let bytes = STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
            fs::write(pictures().join(format!("{name}-{device}.png")), bytes).unwrap();
            let asked = json!({ "expression": "document.documentElement.scrollWidth", "returnByValue": true });
            let wide = self.tell("Runtime.evaluate", &asked)["result"]["value"].as_u64().unwrap();
            assert!(wide <= u64::from(width), "{name} is {wide} wide on a {device} of {width}");
        }
    }
}

fn pictures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots")
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_works_at_the_console() {
    fs::create_dir_all(pictures()).unwrap();
    let mut one_time = String::new();
    let desk = Desk::prepared(accounts::quick, |file| one_time = accounts::add(file, "z-1", "administrator"));
    let browser = Browser::start(&desk.console).await;
    rig::until(LONGEST, "the console answers", || async { http::ask(&desk.console, "GET", "/livez", &[], b"", LONGEST).is_ok() }).await;
    sign_in(&browser, &desk);
    search(&browser, &desk);
    retry(&browser, &desk).await;
    resolve(&browser, &desk).await;
    let customs = customs(&desk);
    read(&browser, &desk).await;
    watch(&browser, &desk);
    elsewhere(&browser);
    browser.go("/");
    browser.click("form.out button");
    browser.is_at("/sign-in");
    account(&browser, &one_time, &desk.order_no);
    browser.go("/");
    browser.is_at("/sign-in");
    drop(browser);
    assert!(customs.stop().success());
    assert!(desk.stop().1);
}

fn sign_in(browser: &Browser, desk: &Desk) {
    browser.go("/language?to=zh&back=%2F");
    browser.is_at("/sign-in");
    browser.picture("sign-in");
    browser.write("#key", "tgk_wrong\u{e007}");
    browser.says("密钥不正确");
    browser.picture("sign-in-refused");
    browser.go("/sign-in");
    // By the keyboard alone: the key of return sends the form.
    browser.write("#key", &format!("{}\u{e007}", desk.key("desk")));
    browser.is_at("/");
    browser.says("总览");
}

/// From a one-time password to an account of one's own, and out again.
fn account(browser: &Browser, one_time: &str, order_no: &str) {
    browser.write("#name", "z-1");
    browser.write("#password", &format!("{one_time}\u{e007}"));
    browser.is_at("/account");
    browser.says("一次性密码");
    browser.picture("account-first");
    browser.write("#present", one_time);
    browser.write("#new", accounts::OWN);
    browser.write("#again", &format!("{}\u{e007}", accounts::OWN));
    browser.is_at("/account/code");
    browser.says("otpauth");
    browser.picture("account-code");
    let secret = accounts::after(&browser.page(), "id=\"secret\">", '<').to_owned();
    browser.write("#code", &format!("{}\u{e007}", accounts::code(&secret, 0)));
    browser.says("恢复码");
    browser.picture("account-recovery");
    browser.click("a.button");
    browser.is_at("/");
    browser.says("总览");
    for (path, says) in [("/accounts", "z-1"), ("/proposals", "没有待复核的提案"), ("/account", "剩余恢复码")] {
        browser.go(path);
        browser.says(says);
        browser.picture(path.trim_start_matches('/'));
    }
    keep(browser, order_no);
    browser.click("form.out button");
    browser.is_at("/sign-in");
}

fn search(browser: &Browser, desk: &Desk) {
    found(browser, desk, &desk.order_no);
    browser.go("/find");
    browser.picture("search-empty");
    browser.write("#numbers", &format!("{}\n<b>none</b>\nnothing", desk.order_no));
    browser.click("form.search button.strong");
    browser.says("个编号未找到");
    browser.picture("search");
}

/// A number that leads to the declaration, by the search.
fn found(browser: &Browser, desk: &Desk, number: &str) {
    browser.go("/find");
    browser.write("#numbers", number);
    browser.click("form.search button.strong");
    browser.is_at("/declarations/");
    browser.says(&desk.order_no);
}

async fn retry(browser: &Browser, desk: &Desk) {
    browser.until("/deliveries?state=shelved", "type=\"checkbox\"").await;
    browser.picture("shelved");
    browser.go("/");
    browser.picture("overview-trouble");
    desk.mend_roads();
    browser.go("/deliveries?state=shelved");
    browser.click("input[type=checkbox]");
    browser.click("button[value=retry]");
    browser.says("预览");
    browser.picture("retry-preview");
    browser.write("#why", "文件夹已恢复");
    browser.click("form.confirm button.strong");
    browser.says("已写入，并记入审计日志");
    browser.picture("retry-done");
}

async fn resolve(browser: &Browser, desk: &Desk) {
    browser.until("/deliveries?state=unanswered", "type=\"checkbox\"").await;
    browser.go(&format!("/find?numbers={}", desk.order_no));
    browser.is_at("/declarations/");
    browser.click("form.acts button[value=resolve_arrived]");
    browser.says("认定已送达");
    browser.write("#why", "口岸已确认\u{e007}");
    browser.says("已写入，并记入审计日志");
    browser.go("/deliveries?state=unanswered");
    browser.says("都已了结");
    browser.picture("deliveries-empty");
}

/// Customs comes to life, and the carrier pushes the waybill.
fn customs(desk: &Desk) -> Program {
    let file = desk.folder.path().join("tongguan.toml");
    let customs = Program::start(&["simulate", "--config", file.to_str().unwrap()], &desk.folder.path().join("simulate.log"));
    desk.push_waybill();
    customs
}

async fn read(browser: &Browser, desk: &Desk) {
    browser.until(&format!("/find?numbers={}", desk.order_no), "清单编号").await;
    let page = browser.page();
    let at = page.find("<dt>清单编号</dt><dd><code>").unwrap();
    let inventory_no = page[at..].split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    browser.until(&format!("/find?numbers={inventory_no}"), "aria-current=\"step\">已结关").await;
    found(browser, desk, &inventory_no);
    found(browser, desk, &desk.waybill_no());
    for told in ["文件夹已恢复", "口岸已确认", "海关放行"] {
        browser.says(told);
    }
    browser.picture("declaration");
    browser.click("ol.receipts a");
    browser.says("信封内的报文");
    browser.says("InventoryReturn&gt;");
    browser.picture("arrival");
    browser.go(&format!("/find?numbers={}", desk.order_no));
    browser.click("a.language");
    browser.says("Line of life");
    browser.says("Advice on the exemption");
    browser.picture("declaration-english");
    browser.go("/");
    browser.says("Whose turn it is");
    browser.picture("overview");
    browser.click("a.language");
    browser.says("轮到谁");
    browser.says("最近一小时");
}

/// A legal hold is placed, and what is kept is counted.
fn keep(browser: &Browser, order_no: &str) {
    browser.go("/retention");
    browser.says("没有法律保全");
    browser.write("#items", &format!("{order_no} seller:91440101MA5TG08HXC month:2026-11"));
    browser.click("button[value=place]");
    browser.says("预览");
    browser.picture("legal-hold-preview");
    browser.write("#why", "稽查 2026-31\u{e007}");
    browser.says("已写入");
    browser.go("/retention");
    browser.click("form[action='/retention/count'] button");
    browser.says("库中字节");
    browser.picture("retention");
    browser.go(&format!("/find?numbers={order_no}"));
    browser.says("法律保全：不归档、不销毁");
    browser.picture("declaration-held");
}

/// The log is followed while somebody else writes to it, then verified.
fn watch(browser: &Browser, desk: &Desk) {
    browser.go("/audit/tail?act=hold");
    browser.says("新记录将出现在这里");
    let cookie = desk.sign_in("chief");
    let token = desk.token(&cookie);
    let hold = [("token", token.as_str()), ("act", "hold"), ("item", desk.order_no.as_str()), ("step", "confirm"), ("why", "清点<货物>")];
    let held = desk.post("/act", &cookie, &hold).text();
    // What is closed cannot be held back: a road can.
    let road = desk.config.roads[0].road.as_str();
    let pause = [("token", token.as_str()), ("act", "pause_road"), ("item", road), ("step", "confirm"), ("why", "清点<货物>")];
    if !held.contains("已写入") {
        browser.go("/audit/tail?act=pause_road");
        assert!(desk.post("/act", &cookie, &pause).text().contains("已写入"));
    }
    browser.says("清点&lt;货物&gt;");
    browser.says("class=\"new\"");
    browser.picture("tail");
    browser.go("/");
    browser.says("通道暂停");
    browser.click(&format!("#road-{road}"));
    browser.click("button[value=resume_road]");
    browser.write("#why", "清点完毕\u{e007}");
    browser.says("已写入，并记入审计日志");
    browser.go("/audit/check");
    browser.picture("check-never");
    browser.click("button.strong");
    browser.says("日志完整");
    browser.go("/audit/check");
    browser.picture("check");
    browser.go("/audit");
    browser.click("table.entries td.number a");
    browser.says("证明成立");
    browser.picture("entry");
}

fn elsewhere(browser: &Browser) {
    for (path, name) in [
        ("/audit", "audit"),
        ("/unmatched", "unmatched"),
        ("/quarantined", "quarantined"),
        ("/logistics", "logistics"),
        ("/retention", "retention-empty"),
        ("/reference/sellers", "sellers"),
        ("/reference/keys", "keys"),
        ("/reference/tables", "tables"),
        ("/reference/rules", "rules"),
        ("/nothing", "not-found"),
    ] {
        browser.go(path);
        browser.picture(name);
    }
}
