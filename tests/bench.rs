//! The measurements run and say what they ran. Nothing here is about how fast anything is.

use serde_json::Value;

use super::rig::{self, postgres};

fn measured(arguments: &[&str]) -> Value {
    let (content, said) = rig::run(arguments);
    assert!(content, "{said}");
    let line = said.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("{said}"));
    serde_json::from_str(line).unwrap()
}

#[test]
fn whole_lives_are_lived_by_processes_of_their_own() {
    for rate in [&[][..], &["--rate", "50"]] {
        let report = measured(&[&["bench", "--declarations", "30", "--store", "sqlite"], rate].concat());
        assert_eq!(report["declarations"], 30);
        for process in ["gateway", "customs", "sum"] {
            assert!(report["cpu_us_per_declaration"][process].as_u64().unwrap() > 0, "{report}");
            assert!(report["peak_rss_mib"][process].as_u64().unwrap() > 0, "{report}");
        }
        for figure in ["declarations_per_s", "accepts_per_s"] {
            assert!(report[figure].as_u64().unwrap() > 0, "{report}");
        }
        assert!(report["submit_p50_ms"].as_u64().unwrap() <= report["submit_p99_ms"].as_u64().unwrap(), "{report}");
        assert!(report["stages_us"]["seal"].as_u64().unwrap() > 0, "{report}");
    }
}

#[tokio::test]
async fn two_gateways_live_whole_lives_on_one_database() {
    let server = postgres::shared();
    let url = server.url(&server.create(None).await);
    let report = tokio::task::spawn_blocking(move || measured(&["bench", "--declarations", "30", "--nodes", "2", "--store", &url]));
    let report = report.await.unwrap();
    assert_eq!((&report["nodes"], &report["store"], &report["declarations"]), (&2.into(), &"postgres".into(), &30.into()), "{report}");
    let (content, said) = rig::run(&["bench", "--declarations", "1", "--nodes", "2"]);
    assert!(!content && said.contains("PostgreSQL"), "{said}");
}

#[test]
fn what_is_only_kept_is_measured_by_itself() {
    for (alone, waybills) in [(&[][..], 40), (&["--alone"], 0)] {
        let report = measured(&[&["bench", "--accepts", "40"], alone].concat());
        let kept = (&report["bench"], &report["declarations"], &report["waybills"]);
        assert_eq!(kept, (&"accepts".into(), &40.into(), &waybills.into()), "{report}");
        assert!(report["accepts_per_s"].as_u64().unwrap() > 0, "{report}");
        assert!(report["submit_p50_ms"].as_u64().unwrap() <= report["submit_p99_ms"].as_u64().unwrap(), "{report}");
    }
}

#[test]
fn what_the_log_and_certificates_cost_is_measured_beside_what_there_is_without() {
    let report = measured(&["bench", "--declarations", "20", "--without-log"]);
    assert_eq!((&report["without_log"], &report["stages_us"]["sequence"]), (&true.into(), &0.into()), "{report}");
    let report = measured(&["bench", "--accepts", "40", "--tls"]);
    assert_eq!((&report["mutual_tls"], &report["declarations"]), (&true.into(), &40.into()), "{report}");
}

#[test]
fn a_store_with_much_in_it_is_made_once_and_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("kept");
    for _ in 0..2 {
        let report = measured(&["bench", "--kept", "1200", "--rounds", "2", "--dir", place.to_str().unwrap()]);
        assert_eq!(report["declarations"], 1_200, "{report}");
        // All that the lives were told by, and five entries of each copy.
        assert!(report["entries"].as_u64().unwrap() > 800 * 5 && report["verify"]["entries"] == report["entries"], "{report}");
        assert!(report["search_us"]["inventory number"]["p95"].as_u64().unwrap() > 0, "{report}");
        assert!(report["pages_us"]["/declarations/ID"]["p95"].as_u64().unwrap() > 0, "{report}");
    }
}

#[test]
fn anothers_numbers_are_measured_beside_numbers_of_nothing() {
    let report = measured(&["bench", "--tenants", "--calls", "5"]);
    for call in ["Get", "Delete", "GetFollowUp", "GetWaybill"] {
        assert!(report["answers"][call]["theirs_per_mille"].as_u64().unwrap() > 0, "{report}");
    }
    assert!(report["keys"]["wrong in the last character"]["nanoseconds"].as_u64().unwrap() > 0, "{report}");
}

#[test]
fn a_folder_that_holds_a_store_is_not_measured_in() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tongguan.db"), "").unwrap();
    let (content, said) = rig::run(&["bench", "--declarations", "1", "--dir", folder.path().to_str().unwrap()]);
    assert!(!content && said.contains("请用新目录") && said.contains("take a new folder"), "{said}");
}

#[test]
fn checks_and_schemas_are_measured_by_themselves() {
    let check = measured(&["bench", "--check", "--lines", "3", "--runs", "2", "--calls", "20"]);
    assert_eq!((&check["bench"], &check["lines"]), (&"check".into(), &3.into()));
    let schema = measured(&["bench", "--schema", "--documents", "20", "--rounds", "2"]);
    assert_eq!(schema["documents"], 20);
    assert!(schema["ours_per_s"].as_u64().unwrap() > 0 && schema["libxml2_per_s"].as_u64().unwrap() > 0, "{schema}");
}
