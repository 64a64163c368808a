//! `tongguan desk`, as people call it: against a running gateway whose road does not work, and customs that never answers.

use std::{fs, time::Duration};

use super::rig::{self, Program};

const LONGEST: Duration = Duration::from_secs(60);

/// Runs a command of the desk; whether it ended well, and what it said.
fn desk(server: &str, arguments: &[&str]) -> (bool, String) {
    rig::run(&[&["desk"], arguments, &["--server", server]].concat())
}

/// Waits until a command says something.
async fn until(server: &str, arguments: &[&str], wanted: &str) {
    rig::until(LONGEST, wanted, || async { desk(server, arguments).1.contains(wanted) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_shelved_retried_and_resolved_by_commands() {
    let folder = rig::folder();
    let mut config = rig::config(folder.path());
    let server = format!("http://127.0.0.1:{}", rig::free_port());
    config.grpc.listen = server.trim_start_matches("http://").to_owned();
    (config.courier.tries, config.courier.silence_s) = (1, 1);
    // A file stands where the road's folder should be.
    let roads: Vec<_> = config.roads.iter().map(|road| road.folder.clone()).collect();
    for road in &roads {
        fs::create_dir_all(road.parent().unwrap()).unwrap();
        fs::write(road, "").unwrap();
    }
    let file = folder.path().join("tongguan.toml");
    rig::write_config(&config, &file);
    let serve = Program::start(&["serve", "--config", file.to_str().unwrap()], &folder.path().join("serve.log"));
    let (orders, _) = rig::many(1);
    let order_no = orders[0]["order"]["order_no"].as_str().unwrap().to_owned();
    let lines = folder.path().join("orders.jsonl");
    rig::write_lines(&lines, &orders);
    let submitted = rig::run(&["submit", lines.to_str().unwrap(), "--server", &server]);
    assert!(submitted.0, "{}", submitted.1);

    let shelved = ["deliveries", "--state", "shelved"];
    until(&server, &shelved, "搁置 shelved").await;
    let (fine, said) = desk(&server, &["resolve", &order_no, "--arrived", "--why", "test"]);
    assert!(!fine && said.contains("never handed over") && said.contains("全部未执行"), "{said}");
    let (fine, said) = desk(&server, &["retry", &order_no, "--why", "test", "--dry-run"]);
    assert!(fine && said.contains("the same bytes go again") && said.contains("预览"), "{said}");
    assert!(desk(&server, &shelved).1.contains("搁置 shelved"), "a preview does nothing");
    let (fine, said) = desk(&server, &["hold", &order_no, "no such number", "--why", "test"]);
    assert!(!fine && said.contains("未找到") && said.contains("nothing was done"), "{said}");
    let (fine, said) = desk(&server, &["hold", &order_no, "--why", "   "]);
    assert!(!fine && said.contains("请填写原因"), "{said}");

    for road in &roads {
        fs::remove_file(road).unwrap();
    }
    let (fine, said) = desk(&server, &["retry", &order_no, "--why", "the folder is back"]);
    assert!(fine && said.contains("已执行"), "{said}");
    until(&server, &["deliveries", "--state", "unanswered"], "无回执 unanswered").await;
    let (fine, said) = desk(&server, &["resolve", &order_no, "--arrived", "--why", "the port confirms"]);
    assert!(fine && said.contains("counts as arrived"), "{said}");
    assert!(!desk(&server, &["deliveries"]).1.contains("unanswered"));

    let road = &config.roads[0].road;
    let (fine, said) = desk(&server, &["pause", road, "--why", "repair"]);
    assert!(fine && said.contains("已执行"), "{said}");
    assert!(desk(&server, &["queues"]).1.contains("road paused"));
    assert!(desk(&server, &["pause", road, "--why", "repair"]).1.contains("本已如此"));
    assert!(desk(&server, &["resume", road, "--why", "repaired"]).0);
    assert!(desk(&server, &["unmatched"]).0 && desk(&server, &["quarantined"]).0);
    let (fine, said) = desk(&server, &["arrival", "x", "nowhere"]);
    assert!(!fine && said.contains("not found"), "{said}");
    assert!(serve.stop().success());
    let (whole, said) = rig::run(&["audit", "show", &order_no, "--dir", folder.path().to_str().unwrap()]);
    assert!(whole && said.contains("the folder is back") && said.contains("the port confirms"), "{said}");
}
