//! A client in another language, made from `proto/` by somebody else's tools: `tests/python/journey.py`; and the README's lines of grpcurl,
//! made by reflection: `tests/python/lines.py`.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use super::rig::{self, Program};

#[test]
fn a_python_client_makes_the_whole_journey() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = home.join("target/python/bin/python");
    assert!(python.exists(), "{} is not there: tests/python/setup makes it, tests/run calls that", python.display());

    let folder = rig::folder();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mut config = rig::config(folder.path());
    let port = rig::free_port();
    config.grpc.listen = format!("127.0.0.1:{port}");
    rig::write_config(&config, Path::new(&path("tongguan.toml")));
    let (orders, waybills) = rig::many(1);
    rig::write_lines(Path::new(&path("orders.jsonl")), &orders);
    rig::write_lines(Path::new(&path("waybills.jsonl")), &waybills);
    let start = |command: &str| Program::start(&[command, "--config", &path("tongguan.toml")], Path::new(&path(&format!("{command}.log"))));
    let (customs, gateway) = (start("simulate"), start("serve"));

    let output = Command::new(&python)
        .arg(home.join("tests/python/journey.py"))
        .args([&format!("127.0.0.1:{port}"), &path("orders.jsonl"), &path("waybills.jsonl")])
        .env_remove("TONGGUAN_KEY")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}\n{}", gateway.said());
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&told["same_again"], &told["waybill"], &told["match"]), (&true.into(), &"kept".into(), &"WAYBILL_MATCH_MATCHED".into()));
    let states: Vec<_> = told["states"].as_array().unwrap().iter().map(|state| state.as_str().unwrap()).collect();
    assert_eq!((states.first(), states.last()), (Some(&"DOCUMENT_STATE_WAITING"), Some(&"DOCUMENT_STATE_CLOSED")), "{states:?}");
    assert_eq!(told["documents"]["DOCUMENT_KIND_INVENTORY"], "DOCUMENT_STATE_CLOSED");
    assert_eq!(told["documents"]["DOCUMENT_KIND_ORDER"], "DOCUMENT_STATE_STORED");
    assert!(!told["inventory_no"].as_str().unwrap().is_empty());
    assert_eq!(told["refused"], "INVALID_ARGUMENT");
    let rule = |path: &str| told["findings"][path][0].as_str().unwrap_or("");
    assert_eq!(rule("order.freight"), "F-NEGATIVE", "{told}");
    assert!(rule("inventory.lines[0].hs_code").starts_with("F-"), "{told}");
    assert!(told["count"].as_u64().unwrap() >= 2 && !told["findings"]["order.freight"][2].as_str().unwrap().is_empty());

    lines_of_the_readme(&python, &format!("127.0.0.1:{port}"), &path("waybills.jsonl"));
    assert!(gateway.stop().success() && customs.stop().success());
    explain_all(folder.path());
}

/// The README's lines do what it says, by nothing but what the server tells of itself.
fn lines_of_the_readme(python: &Path, address: &str, waybills: &str) {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let arguments = [home.join("tests/python/lines.py"), home.join("README.md"), address.into(), waybills.into()];
    let output = Command::new(python).args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let answer = |call: &str| {
        let named = |(line, _): &(&String, &Value)| line.contains(call);
        told.as_object().unwrap().iter().find(named).unwrap_or_else(|| panic!("no line for {call}")).1
    };
    assert_eq!(answer("Health/Check")["status"], "SERVING");
    assert!(answer(" list").as_array().unwrap().contains(&"tongguan.v1.Operations".into()));
    let id = &answer("Declarations/Submit")["declaration_id"];
    assert!(id.as_str().is_some_and(|id| !id.is_empty()), "{told}");
    assert_eq!((&answer("Declarations/Get")["declaration_id"], answer("PushWaybills")["item_id"].as_str()), (id, Some("1")), "{told}");
    assert!(answer("Declarations/Watch").as_object().is_some_and(|event| !event.is_empty()), "{told}");
}

/// All that went to customs and came back on the way can be explained.
fn explain_all(folder: &Path) {
    let roads = tongguan::demo::ROADS.iter().flat_map(|road| ["sent", "received"].map(|side| folder.join(road).join(side)));
    let files: Vec<_> = roads.flat_map(|folder| rig::files(&folder)).map(|path| path.to_str().unwrap().to_owned()).collect();
    assert!(files.len() >= 6, "{files:?}");
    let arguments: Vec<_> = ["explain"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let (content, said) = rig::run(&arguments);
    assert!(content, "{said}");
    assert!(said.contains("结关") && said.contains("closed: the goods have left the country"), "{said}");
}
