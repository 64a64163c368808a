//! What must not bring the gateway down: files that are no answers, and requests that are no orders.

use std::collections::BTreeMap;

use sqlx::{Connection, Row, SqliteConnection, sqlite::SqliteConnectOptions};
use tongguan::check::Finding;

use super::*;

fn bomb() -> Vec<u8> {
    let mut text = "<?xml version=\"1.0\"?><!DOCTYPE b [<!ENTITY a0 \"ha\">".to_owned();
    for level in 1..30 {
        text.push_str(&format!("<!ENTITY a{level} \"&a{0};&a{0};&a{0};&a{0};\">", level - 1));
    }
    text.push_str(
        "]><CEB304Message xmlns=\"http://www.chinaport.gov.cn/ceb\"><OrderReturn><guid>&a29;</guid></OrderReturn></CEB304Message>",
    );
    text.into_bytes()
}

fn gbk() -> Vec<u8> {
    let head =
        b"<?xml version=\"1.0\" encoding=\"GBK\"?><CEB304Message xmlns=\"http://www.chinaport.gov.cn/ceb\"><OrderReturn><returnInfo>";
    [head, &b"\xb9\xe3\xd6\xdd"[..], b"</returnInfo></OrderReturn></CEB304Message>"].concat()
}

/// What became of arrivals: by name, state and reason.
async fn arrivals(town: &Town) -> BTreeMap<String, (String, String)> {
    let options = SqliteConnectOptions::new().filename(town.path().join("tongguan.db")).read_only(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let rows = sqlx::query("SELECT name, state, coalesce(reason, '') FROM arrivals").fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect()
}

#[tokio::test]
async fn files_that_are_no_answers_are_put_aside_with_a_reason_and_work_goes_on() {
    let town = open(|_| {}).await;
    let deep = "<a>".repeat(100_000).into_bytes();
    let bad: [(&str, Vec<u8>); 8] = [
        ("garbage.xml", (0..5_000_u32).flat_map(u32::to_le_bytes).collect()),
        ("empty.xml", Vec::new()),
        ("truncated.xml", b"<?xml version=\"1.0\"?><CEB304Message xmlns=\"http://www.chinaport.gov.cn/ceb\"><OrderReturn><gu".to_vec()),
        ("bomb.xml", bomb()),
        ("gbk.xml", gbk()),
        ("deep.xml", deep),
        ("another.xml", b"<html><body>502 Bad Gateway</body></html>".to_vec()),
        ("hollow.xml", b"<CEB304Message xmlns=\"http://www.chinaport.gov.cn/ceb\"></CEB304Message>".to_vec()),
    ];
    let inward = town.road("guangzhou", "in");
    for (name, bytes) in &bad {
        fs::write(inward.join(name), bytes).unwrap();
    }
    fs::write(inward.join("huge.xml"), vec![b' '; 40 << 20]).unwrap();
    let (orders, waybills) = numbered(3);
    town.push(&waybills).await;
    let ids = town.submit(&orders).await;
    town.closed(&ids).await;
    let aside = || async { arrivals(&town).await.values().filter(|(state, _)| state == "quarantined").count() == bad.len() };
    rig::until(LONGEST, "all are put aside", aside).await;
    let became = arrivals(&town).await;
    for (name, _) in &bad {
        let (state, reason) = &became[*name];
        assert_eq!(state, "quarantined", "{name}");
        assert!(!reason.is_empty(), "{name}");
    }
    let rejected = town.path().join("guangzhou/in/rejected");
    assert!(!became.contains_key("huge.xml") && rejected.join("huge.xml").exists());
    assert!(!fs::read_to_string(rejected.join("huge.xml.reason.txt")).unwrap().is_empty());
    assert!(rig::files(&inward).is_empty());
    assert_eq!(town.end().await.1.closed, 3);
}

/// What is found wrong with one order in which one value was replaced.
async fn findings(town: &Town, pointer: &str, value: &str) -> Vec<Finding> {
    let mut order = numbered(1).0.remove(0);
    *order.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value.into();
    order["idempotency_key"] = "bad".into();
    match town.try_submit(&[order]).await.remove(0) {
        Answer::Refused { findings, zh, en } => {
            assert!(!zh.is_empty() && !en.is_empty());
            findings
        }
        other => panic!("{pointer} {value:.30}: {other:?}"),
    }
}

/// `/inventory/lines/0/legal_quantity` as findings name it.
fn path_of(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace("/lines/0/", ".lines[0].").replace('/', ".")
}

#[tokio::test]
async fn amounts_below_zero_beyond_all_digits_or_no_numbers_are_named() {
    let town = open(|_| {}).await;
    let amounts = [
        "/order/goods_value",
        "/order/freight",
        "/order/lines/0/quantity",
        "/order/lines/0/price",
        "/order/lines/0/total",
        "/inventory/freight",
        "/inventory/insured_fee",
        "/inventory/gross_weight",
        "/inventory/net_weight",
        "/inventory/packs",
        "/inventory/lines/0/legal_quantity",
    ];
    for pointer in amounts {
        for value in [
            "-1",
            "-0.00001",
            "12345678901234567890",
            "1234567890123456789012345678901234567890",
            "1e3",
            "1,000",
            "１２",
            "0x10",
            "NaN",
            "∞",
        ] {
            let found = findings(&town, pointer, value).await;
            assert!(found.iter().any(|finding| finding.path == path_of(pointer)), "{pointer} {value}: {found:?}");
        }
    }
    assert!(town.gateway.store().list(tongguan::store::ListFilter { limit: 10, ..Default::default() }).await.unwrap().is_empty());
    town.end().await;
}

#[tokio::test]
async fn codes_that_nobody_knows_are_named() {
    let town = open(|_| {}).await;
    let codes = [
        ("/order/order_type", "X"),
        ("/order/currency", "999"),
        ("/order/lines/0/unit", "zzz"),
        ("/order/lines/0/currency", "000"),
        ("/inventory/declared_at", "9999"),
        ("/inventory/exits_at", "0000"),
        ("/inventory/statistics", "Z"),
        ("/inventory/trade_mode", "0000"),
        ("/inventory/transport", "?"),
        ("/inventory/country", "000"),
        ("/inventory/wrap", "97"),
        ("/inventory/freight_currency", "999"),
        ("/inventory/lines/0/hs_code", "9999999999"),
        ("/inventory/lines/0/country", "000"),
        ("/inventory/lines/0/legal_unit", "zzz"),
        ("/inventory/exit_date", "20261341"),
    ];
    for (pointer, value) in codes {
        let found = findings(&town, pointer, value).await;
        let path = path_of(pointer);
        let named = found.iter().find(|finding| finding.path == path);
        let named = named.unwrap_or_else(|| panic!("{pointer} {value}: {found:?}"));
        assert!(!named.rule.is_empty() && !named.remedy_zh.is_empty() && !named.remedy_en.is_empty());
    }
    town.end().await;
}

#[tokio::test]
async fn line_numbers_twice_characters_of_control_and_endless_texts_are_named() {
    let town = open(|_| {}).await;
    let (mut orders, _) = rig::many(60);
    let mut order =
        orders.iter().position(|order| order["order"]["lines"].as_array().unwrap().len() > 1).map(|at| orders.swap_remove(at)).unwrap();
    for part in ["order", "inventory"] {
        order[part]["lines"][1]["number"] = "1".into();
    }
    let Answer::Refused { findings: found, .. } = town.try_submit(&[order]).await.remove(0) else { panic!("accepted") };
    for path in ["order.lines[1].number", "inventory.lines[1].number"] {
        assert!(found.iter().any(|finding| finding.path == path), "{path}: {found:?}");
    }
    let texts = ["\0", "a\u{7}b", "\u{1b}[31mred", "\u{fffe}", "a\u{85}b\u{0}"].map(str::to_owned);
    // Just below what a request may hold as a whole.
    let endless = "货".repeat((2 << 20) / 3 - 4_000);
    for pointer in ["/order/order_no", "/order/lines/0/item_name", "/inventory/lines/0/customs_name", "/inventory/owner/name"] {
        for text in texts.iter().chain([&endless]) {
            let found = findings(&town, pointer, text).await;
            assert!(found.iter().any(|finding| finding.path == path_of(pointer)), "{pointer} {text:.10}: {:.400}", format!("{found:?}"));
            assert!(found.iter().all(|finding| finding.zh.len() + finding.en.len() < 4_000), "a finding repeats what was sent");
        }
    }
    let (good, waybills) = numbered(1);
    town.push(&waybills).await;
    let ids = town.submit(&good).await;
    town.closed(&ids).await;
    town.end().await;
}
