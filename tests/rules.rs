//! The list of rules, as it is printed and as it is kept.

use std::process::Command;

use serde_json::Value;

fn rules(format: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tongguan")).args(["rules", "--format", format]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_page_of_rules_is_the_one_that_is_printed() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules.md")).unwrap();
    assert!(page == rules("markdown"), "docs/rules.md is stale: tongguan rules --format markdown > docs/rules.md");
}

#[test]
fn rules_are_printed_for_people_and_for_programs() {
    let listed: Vec<Value> = serde_json::from_str(&rules("json")).unwrap();
    let text = rules("text");
    for rule in &listed {
        let code = rule["code"].as_str().unwrap();
        assert!(text.contains(&format!("\n{code}  ")), "{code}");
        assert!(["error", "warning"].contains(&rule["severity"].as_str().unwrap()), "{code}");
        for key in ["layer", "source_zh", "source_en", "zh", "en"] {
            assert!(!rule[key].as_str().unwrap().is_empty(), "{code} {key}");
        }
    }
    for (code, layer) in [("A-TOTAL", "check"), ("R-NO-LANE", "request"), ("S-LENGTH", "schema"), ("X-GNUM", "strict")] {
        assert!(listed.iter().any(|rule| rule["code"] == code && rule["layer"] == layer), "{code}");
    }
}
