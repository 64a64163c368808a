use std::fs;

use super::*;
use crate::{
    access::KeyOptions,
    config::{EXAMPLE, Error},
    party::Role,
};

type Spoil = fn(&mut Config);

/// The example in a folder with everything that it needs.
fn example() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["declarant.key.pem", "declarant.cert.pem", "carrier.key.pem", "carrier.cert.pem", "audit.logkey"] {
        fs::write(folder.path().join(name), "x").unwrap();
    }
    for road in ["guangzhou", "huangpu"] {
        fs::create_dir_all(folder.path().join("roads").join(road)).unwrap();
    }
    let file = folder.path().join("tongguan.toml");
    fs::write(&file, EXAMPLE).unwrap();
    (folder, file)
}

fn found(change: impl FnOnce(&mut Config)) -> Vec<String> {
    let (_folder, file) = example();
    let mut config = Config::load_whole(&file).unwrap();
    change(&mut config);
    faults(&config)
}

/// What the example changed like this is refused for: one fault that says all of that.
fn one(change: impl FnOnce(&mut Config), said: &[&str]) {
    let faults = found(change);
    assert!(faults.len() == 1 && said.iter().all(|part| faults[0].contains(part)), "{said:?}: {faults:#?}");
}

#[test]
fn an_empty_file_is_not_right() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tongguan.toml");
    fs::write(&file, "").unwrap();
    let Error::Unfit(faults) = Config::load(&file).unwrap_err() else { panic!("unfit") };
    assert_eq!(faults.len(), 2, "{faults:#?}");
}

#[test]
fn no_number_stops_everything() {
    let zero: [(&str, Spoil); 8] = [
        ("roads \"guangzhou\".concurrent", |c| c.roads[0].concurrent = 0),
        ("gatekeeper.batch", |c| c.gatekeeper.batch = 0),
        ("packer.batches", |c| c.packer.batches = 0),
        ("collector.read_batch", |c| c.collector.read_batch = 0),
        ("collector.receive_batch", |c| c.collector.receive_batch = 0),
        ("courier.poll_ms", |c| c.courier.poll_ms = 0),
        ("courier.tries", |c| c.courier.tries = 0),
        ("intake.batch", |c| c.intake.batch = 0),
    ];
    for (name, set) in zero {
        one(set, &[name, "must not be 0", "不能为 0"]);
    }
    let all = found(|c| zero.iter().for_each(|(_, set)| set(c)));
    assert_eq!(all.len(), zero.len(), "every one is told");
}

#[test]
fn identities_and_names_are_looked_at() {
    one(|c| c.senders[0].party.code = "91440101MA5TG07G5C".into(), &["declarant", "91440101MA5TG07G5C", "信用代码"]);
    one(|c| c.senders[1].dxp_id = c.senders[0].dxp_id.clone(), &["DXPENT0000000001", "同一"]);
    one(|c| c.roads[1].folder = c.roads[0].folder.join("x/.."), &["guangzhou", "2 roads"]);
    one(|c| c.roads[1].folder = c.roads[0].folder.join("."), &["guangzhou", "2 roads"]);
    one(|c| c.signers.push(crate::signers::Options { name: "../key".into(), ..c.signers[0].clone() }), &["../key", "letters"]);
    one(|c| c.roads.push(crate::endpoint::Options { road: "黄埔".into(), ..crate::endpoint::Options::default() }), &["黄埔", "letters"]);
}

#[test]
fn every_key_is_looked_at() {
    let key = |name: &str, sha256: &str| KeyOptions {
        name: name.into(),
        tenant: "t".into(),
        role: Role::Seller,
        sha256: sha256.into(),
        until: None,
        person: None,
    };
    let good = "0f".repeat(32);
    assert!(found(|c| c.access.keys = vec![key("a", &good)]).is_empty());
    one(|c| c.access.keys = vec![key("a", "…")], &["key a", "64"]);
    let all = found(|c| c.access.keys = vec![key("a", "0f"), key("b", &"zz".repeat(32)), key("b", &good)]);
    assert_eq!(all.len(), 3, "{all:#?}");
}

#[test]
fn what_is_not_there_is_told_by_name() {
    let (folder, file) = example();
    assert!(Config::load_whole(&file).unwrap().notes().is_empty());
    fs::remove_dir(folder.path().join("roads/huangpu")).unwrap();
    let notes = Config::load_whole(&file).unwrap().notes();
    assert!(notes.len() == 1 && notes[0].contains("huangpu") && notes[0].contains("不存在"), "{notes:?}");
    for name in ["carrier.key.pem", "declarant.cert.pem", "audit.logkey"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    let told = Config::load_whole(&file).unwrap_err().to_string();
    for name in ["carrier.key.pem", "declarant.cert.pem", "audit.logkey"] {
        assert!(told.contains(name), "{told}");
    }
    assert!(Config::load(&file).is_ok(), "the simulated customs needs none of them");
}
