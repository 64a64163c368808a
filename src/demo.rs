//! The shipped demonstration: 200 orders and their waybills, seller profiles, what is expected of each, and a configuration for a
//! folder of one's own.
//!
//! The firms are invented. `orders.jsonl` leaves the exit date empty; it is filled once, when the folder is set up, and kept there,
//! so that a second submission of the folder's file is the same request.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;

use crate::{
    collector,
    config::{AuditOptions, CheckOptions, Config, ExemptionOptions, LogOptions, StoreOptions},
    courier, endpoint,
    exemption::{Override, Seller, Settings},
    grpc,
    lane::{Duty, Lane},
    packer,
    party::{Party, Sender},
    signers, simulator,
};

/// The orders, a JSON line each.
pub const ORDERS: &str = include_str!("demo/orders.jsonl");
/// The carriers' waybills, a JSON line each.
pub const WAYBILLS: &str = include_str!("demo/waybills.jsonl");
const SELLERS: &str = include_str!("demo/sellers.toml");
const EXPECTED: &str = include_str!("demo/expected.tsv");

/// The roads, one for each customs.
pub const ROADS: [&str; 2] = ["guangzhou", "huangpu"];
/// The keys that the folder needs, and the firm that each belongs to.
pub const KEYS: [(&str, &str, &str); 3] = [
    ("declarant", "91440101MA5TG07G5B", "广州南粤通关服务有限公司（示例）"),
    ("carrier-guangzhou", "91440101MA5TG08HXC", "广州云桥国际物流有限公司（示例）"),
    ("carrier-dongguan", "91441900MA5TG09J2N", "东莞虎门速运有限公司（示例）"),
];
/// The name of the folder's audit log.
pub const LOG: &str = "demo.example/tongguan";

/// What must become of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Not accepted, by that rule.
    Finding(String),
    /// Accepted; customs refuses its inventory (100).
    Refused,
    /// Accepted; customs refuses every message that holds it (900).
    Poison,
    /// Closed (899).
    Closed,
}

/// What must become of the orders that do not close; all others must.
#[must_use]
pub fn expected() -> BTreeMap<&'static str, Expected> {
    let outcome = |row: &'static str| {
        let mut columns = row.split('\t');
        let (order_no, outcome, code) = (columns.next()?, columns.next()?, columns.next()?);
        let outcome = match outcome {
            "finding" => Expected::Finding(code.to_owned()),
            "refused" => Expected::Refused,
            "poison" => Expected::Poison,
            _ => return None,
        };
        Some((order_no, outcome))
    };
    EXPECTED.lines().filter_map(outcome).collect()
}

#[derive(Deserialize)]
struct Sellers {
    seller: Vec<Seller>,
}

/// The profiles of the demonstration's sellers.
///
/// # Errors
/// If the shipped file is broken.
pub fn sellers() -> Result<Vec<Seller>, crate::config::Error> {
    crate::config::read_toml::<Sellers>(SELLERS).map(|sellers| sellers.seller)
}

/// The configuration of a folder: the gateway, quick enough to be watched, and its simulated customs.
///
/// # Errors
/// If the shipped profiles are broken.
pub fn configuration(folder: &Path, listen: &str, seed: u64) -> Result<Config, crate::config::Error> {
    let keys = folder.join("keys");
    let sender = |(name, code, firm): &(&str, &str, &str), number: u32| Sender {
        name: (*name).to_owned(),
        party: Party { code: (*code).to_owned(), name: (*firm).to_owned() },
        dxp_id: format!("DXPENT{number:010}"),
        signer: (*name).to_owned(),
        road: if *name == "carrier-dongguan" { "huangpu" } else { "guangzhou" }.to_owned(),
        ..Sender::default()
    };
    let senders: Vec<_> = KEYS.iter().zip(1..).map(|(key, number)| sender(key, number)).collect();
    let declarant = || Duty::Send(Some("declarant".to_owned()));
    let lane = |office: &str, road: &str| Lane {
        office: office.to_owned(),
        order: declarant(),
        inventory: declarant(),
        // Waybills keep the road of their own sender: a carrier sends before it knows the office.
        road: road.to_owned(),
        ..Lane::default()
    };
    Ok(Config {
        store: StoreOptions { file: folder.join("tongguan.db"), ..StoreOptions::default() },
        grpc: grpc::Options { listen: listen.to_owned(), ..grpc::Options::default() },
        signers: KEYS
            .iter()
            .map(|(name, ..)| signers::Options {
                name: (*name).to_owned(),
                key: keys.join(format!("{name}.key.pem")),
                certificate: keys.join(format!("{name}.cert.pem")),
                until: None,
                pace: signers::Pace::default(),
            })
            .collect(),
        roads: ROADS
            .iter()
            .map(|road| endpoint::Options {
                road: (*road).to_owned(),
                folder: folder.join(road),
                quiet_s: 1,
                ..endpoint::Options::default()
            })
            .collect(),
        lanes: vec![lane("51", "guangzhou"), lane("52", "huangpu")],
        packer: packer::Options { gather_ms: 20, ..packer::Options::default() },
        courier: courier::Options { silence_s: 2, ..courier::Options::default() },
        collector: collector::Options { quiet_s: 1, ..collector::Options::default() },
        check: CheckOptions { sample_rates: true, ..CheckOptions::default() },
        audit: AuditOptions { key: folder.join("audit.logkey"), ..AuditOptions::default() },
        exemption: ExemptionOptions { libraries: Vec::new(), sample_library: true, sellers: sellers()?, settings: settings() },
        log: LogOptions { filter: "error".to_owned(), ..LogOptions::default() },
        simulator: simulator::Options {
            dir: folder.to_owned(),
            roads: ROADS.iter().map(|road| (*road).to_owned()).collect(),
            seed,
            known: senders
                .iter()
                .map(|sender| simulator::Identity { code: sender.party.code.clone(), dxp_id: sender.dxp_id.clone() })
                .collect(),
            delays: simulator::Delays::DEMO,
            oddities: simulator::Oddities::demo(),
            script: simulator::Script::read(EXPECTED),
            poll_ms: 20,
            ..simulator::Options::default()
        },
        senders,
        ..Config::default()
    })
}

/// The demonstration shows what the advice would be if 财税〔2018〕103号 were confirmed to hold: a named, labelled override.
fn settings() -> Settings {
    let given = Override {
        name: "demo".to_owned(),
        reason: "演示：假定103号现行有效，未经官方核实 · demonstration: assumes that notice 103 of 2018 holds, which is not verified"
            .to_owned(),
    };
    Settings { regime_override: Some(given), ..Settings::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_files_hang_together() {
        assert_eq!(ORDERS.lines().count(), 200);
        assert_eq!(sellers().unwrap().len(), 6);
        let expected = expected();
        assert_eq!(expected.values().filter(|outcome| matches!(outcome, Expected::Finding(_))).count(), 10);
        for order_no in expected.keys() {
            assert!(ORDERS.contains(order_no), "{order_no}");
        }
        configuration(Path::new("demo"), "127.0.0.1:0", 1).unwrap().fit().unwrap();
    }
}
