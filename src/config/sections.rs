//! A digest of each section of a configuration, by which nodes see that they differ. What a node may have of its own does not count:
//! addresses, paths, pace of a device, where it listens. Of files their content counts, and of secret keys nothing.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Config;
use crate::{audit::LogKey, vault};

/// Bytes of a file that count; what is larger is cut, and its length counts.
const MOST: u64 = 64 << 20;
/// Hexadecimal digits of a digest: enough to tell configurations apart.
const DIGITS: usize = 16;

/// The sections by name.
pub(super) fn of(config: &Config) -> BTreeMap<String, String> {
    let Config { senders, lanes, roads, signers, gatekeeper, packer, courier, access, intake, exemption, .. } = config;
    let roads: Vec<_> = roads.iter().map(|road| without(road, &["folder"])).collect();
    // A card signs as fast as it can, wherever it is plugged in.
    let signers: Vec<_> = signers.iter().map(|signer| json!([signer.name, content(&signer.certificate)])).collect();
    let rates = config.check.rates.as_deref().map(content);
    let limits = config.check.limits.as_deref().map(content);
    let libraries: Vec<_> = exemption.libraries.iter().map(|file| content(file)).collect();
    let sections = [
        ("program", json!(env!("CARGO_PKG_VERSION"))),
        ("access", plain(access)),
        ("grpc", without(&config.grpc, &["listen", "tls"])),
        ("intake", plain(intake)),
        ("check", json!([rates, limits, config.check.sample_rates])),
        ("exemption", json!([without(exemption, &["libraries"]), libraries])),
        ("lanes", plain(lanes)),
        ("senders", plain(senders)),
        ("gatekeeper", plain(gatekeeper)),
        ("signers", json!(signers)),
        ("packer", plain(packer)),
        ("roads", json!(roads)),
        ("courier", plain(courier)),
        ("collector", without(&config.collector, &["forward"])),
        ("vault", json!(vault::signs(&config.store.vault).ok())),
        ("retention", without(&config.retention, &["archives"])),
        ("audit", json!([log(&config.audit.key), plain(&config.audit.sequencer)])),
    ];
    sections.into_iter().map(|(name, value)| (name.to_owned(), digest(value.to_string().as_bytes()))).collect()
}

/// A value as JSON; all of these are plain data, which JSON can hold.
fn plain(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn without(value: &impl Serialize, own: &[&str]) -> Value {
    let mut value = plain(value);
    if let Value::Object(fields) = &mut value {
        fields.retain(|name, _| !own.contains(&name.as_str()));
    }
    value
}

/// The digest of a file; nothing where it cannot be read, as where a part does not run that needs it.
fn content(file: &Path) -> Option<String> {
    let file = File::open(file).ok()?;
    let length = file.metadata().ok()?.len();
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes).ok()?;
    bytes.extend(length.to_be_bytes());
    Some(digest(&bytes))
}

/// The public key of the log.
fn log(key: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(key).ok()?.take(MOST).read_to_string(&mut text).ok()?;
    LogKey::parse(text.trim()).ok().map(|key| key.verifier().to_string())
}

fn digest(bytes: &[u8]) -> String {
    let mut text = hex::encode(Sha256::digest(bytes));
    text.truncate(DIGITS);
    text
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;
    use crate::{lane::Lane, node};

    #[test]
    fn every_section_is_known_to_the_nodes() {
        let named: BTreeSet<_> = node::SECTIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(of(&Config::default()).into_keys().collect::<BTreeSet<_>>(), named);
    }

    fn differing(one: &Config, other: &Config) -> Vec<String> {
        let (one, other) = (of(one), of(other));
        one.into_iter().filter(|(name, digest)| other[name] != *digest).map(|(name, _)| name).collect()
    }

    #[test]
    fn what_is_a_nodes_own_does_not_count() {
        let one = Config::default();
        let mut other = one.clone();
        other.grpc.listen = "127.0.0.1:9".into();
        (other.node.name, other.node.roles) = ("b".into(), vec![node::Role::Pack]);
        (other.store.file, other.log.filter) = ("elsewhere.db".into(), "debug".into());
        other.collector.forward = Some("elsewhere".into());
        assert_eq!(differing(&one, &other), Vec::<String>::new());
        other.lanes.push(Lane::default());
        other.grpc.calls += 1;
        other.courier.tries += 1;
        assert_eq!(differing(&one, &other), ["courier", "grpc", "lanes"]);
    }

    #[test]
    fn of_files_the_content_counts_wherever_they_lie() {
        let folder = tempfile::tempdir().unwrap();
        let with = |name: &str, text: &str| {
            let file = folder.path().join(name);
            fs::write(&file, text).unwrap();
            let mut config = Config::default();
            config.exemption.libraries = vec![file.clone()];
            config.check.rates = Some(file);
            config
        };
        assert_eq!(differing(&with("a", "x"), &with("b", "x")), Vec::<String>::new());
        assert_eq!(differing(&with("c", "x"), &with("d", "y")), ["check", "exemption"]);
    }
}
