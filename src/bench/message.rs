//! Messages: writing one, reading one, and the whole check of a full one, each in this process on one thread.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::{
    Error,
    schema::documents::{self, Sample},
};
use crate::{
    declaration::{DocumentGuid, InventoryNo, Kind, MessageId, PortNo},
    message::{self, MAX_DOCUMENTS, Reply, Style},
    receipt::{Key, Receipt},
};

/// What is measured.
#[derive(Debug)]
pub struct Options {
    /// How many rounds; medians are told.
    pub rounds: usize,
    /// How many calls in a round.
    pub calls: usize,
    /// Of what the messages say.
    pub seed: u64,
}

/// Medians over the rounds.
#[derive(Debug, Serialize)]
pub struct Report {
    bench: &'static str,
    rounds: usize,
    calls: usize,
    /// Of the message with one inventory.
    inventory_bytes: usize,
    /// Writing it.
    compose_ns: u64,
    /// Reading a 604 of one receipt.
    parse_604_ns: u64,
    /// Bytes of the message with 100 inventories.
    hundred_bytes: usize,
    /// Holding it against schema and text.
    check_100_us: u64,
    ran: &'static str,
}

/// Measures.
///
/// # Errors
/// When a message cannot be written or read, or is not valid.
pub fn run(options: &Options) -> Result<Report, Error> {
    let wrong = |error: message::Error| Error::Wrong(error.to_string());
    message::load_schemas().map_err(|refusal| Error::Wrong(refusal.to_string()))?;
    let samples = documents::samples(MAX_DOCUMENTS, options.seed);
    let one = samples.first().ok_or_else(|| Error::Wrong("nothing to measure".to_owned()))?;
    let compose = || one.compose().map_err(wrong);
    let inventory = compose()?;
    let receipt = receipt(one).map_err(wrong)?;
    let hundred = documents::together(&samples).map_err(wrong)?;
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..options.rounds {
        let [composing, parsing, checking] = &mut times;
        composing.push(timed(options.calls, || compose().map(drop))?);
        parsing.push(timed(options.calls, || message::parse_answer(&receipt).map(drop).map_err(wrong))?);
        checking.push(timed(options.calls.div_ceil(200), || match message::examine(&hundred).first() {
            None => Ok(()),
            Some(defect) => Err(Error::Wrong(format!("{} {}", defect.path, defect.code))),
        })?);
    }
    let [composing, parsing, checking] = times.map(median);
    Ok(Report {
        bench: "message",
        rounds: options.rounds,
        calls: options.calls,
        inventory_bytes: inventory.len(),
        compose_ns: nanos(composing),
        parse_604_ns: nanos(parsing),
        hundred_bytes: hundred.len(),
        check_100_us: super::micros(checking),
        ran: "compose of one 603, parse of one 604, examine (schema and text) of one 603 with 100 inventories; one thread, in memory",
    })
}

/// A release of the inventory, as production writes it.
fn receipt(of: &Sample) -> Result<Vec<u8>, message::Error> {
    let receipt = Receipt {
        key: Key::Inventory {
            declarant: "4401960ABC".to_owned(),
            enterprise_no: "TG01ABCDEFGHJKMNPQRSTVWXYZ".to_owned(),
            platform: "无".to_owned(),
            seller: "91440101MA5CXXXX1B".to_owned(),
            order_no: "GZ20261111000001".to_owned(),
        },
        code: "800".to_owned(),
        at: Some(of.at),
        info: "[Code:2600;Desc:放行]".to_owned(),
        port_no: Some(PortNo("B20261111000000001".to_owned())),
        inventory_no: Some(InventoryNo("51412026E000000001".to_owned())),
        summary_no: None,
        bill_no: None,
    };
    let reply = Reply { guid: DocumentGuid(of.guid.0), receipt: &receipt, statistics: "A", follow_up: None };
    message::compose_receipts(Kind::Inventory, MessageId(of.guid.0), &[reply], Style::default())
}

/// The time of one call.
fn timed(calls: usize, mut call: impl FnMut() -> Result<(), Error>) -> Result<Duration, Error> {
    let begun = Instant::now();
    for _ in 0..calls {
        call()?;
    }
    Ok(begun.elapsed() / u32::try_from(calls).unwrap_or(u32::MAX))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_measures_something() {
        let report = run(&Options { rounds: 1, calls: 2, seed: 1 }).unwrap();
        assert!(report.inventory_bytes > 2_000 && report.hundred_bytes > 100 * report.inventory_bytes / 2);
        assert!(report.compose_ns > 0 && report.parse_604_ns > 0 && report.check_100_us > 0);
    }
}
