//! What checking an order costs: from what a caller sent to [`check::Checked`], or to everything that is wrong with it.

use std::{hint::black_box, time::Duration};

use serde::Serialize;
use time::{Date, macros::date};
use tokio::time::Instant;

use super::Error;
use crate::{
    check::{self, Parameters, Taken, parameters::Rates},
    declaration::draft::{Declaration, InventoryLine, OrderLine},
    demo,
};

/// The day of the measurement: the same codes hold on it whenever it is run.
const DAY: Date = date!(2026 - 11 - 23);
/// Calls before the first that counts.
const WARM_UP: usize = 500;

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Lines of the order.
    pub lines: usize,
    /// Runs, of which the median counts.
    pub runs: usize,
    /// Calls in a run.
    pub rounds: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { lines: 10, runs: 5, rounds: 4_000 }
    }
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    bench: &'static str,
    build: &'static str,
    lines: usize,
    runs: usize,
    rounds: usize,
    /// A good order: the median of the runs' medians, in microseconds, rounded up.
    median_us: u64,
    /// The same in nanoseconds.
    median_ns: u64,
    /// 99 of 100 calls of all runs took no longer.
    p99_us: u64,
    /// An order with a fault in every line, all of them written out.
    faulty_median_us: u64,
    /// How many faults those are.
    faulty_findings: usize,
}

/// Measures.
///
/// # Errors
/// If the good order is not found good, or the faulty one not faulty.
pub fn run(options: &Options) -> Result<Report, Error> {
    let options = Options { runs: options.runs.clamp(1, 1_000), rounds: options.rounds.clamp(1, 1_000_000), ..*options };
    let good = order(options.lines)?;
    let faulty = spoiled(good.clone());
    let parameters = Parameters { rates: Rates::sample(), ..Parameters::default() };
    let check = |draft: &Declaration| check::check(draft, &Taken::default(), &parameters, DAY);
    match check(&good) {
        Ok(checked) if checked.warnings().is_empty() => {}
        other => return Err(Error::Wrong(format!("the good order is not good: {other:?}"))),
    }
    let Err(findings) = check(&faulty) else { return Err(Error::Wrong("the faulty order is good".to_owned())) };
    let mut accepted = times(&options, || drop(black_box(check(black_box(&good)))));
    let mut refused = times(&options, || drop(black_box(check(black_box(&faulty)))));
    let median_ns = median_of_medians(&mut accepted);
    Ok(Report {
        bench: "check",
        build: if cfg!(debug_assertions) { "debug" } else { "release" },
        lines: options.lines,
        runs: options.runs,
        rounds: options.rounds,
        median_us: median_ns.div_ceil(1_000),
        median_ns,
        p99_us: share(&mut accepted.concat(), 99).div_ceil(1_000),
        faulty_median_us: median_of_medians(&mut refused).div_ceil(1_000),
        faulty_findings: findings.total(),
    })
}

/// The nanoseconds of every call, by run.
fn times(options: &Options, call: impl Fn()) -> Vec<Vec<u64>> {
    for _ in 0..WARM_UP {
        call();
    }
    let nanoseconds = |took: Duration| u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
    let one = || {
        let begin = Instant::now();
        call();
        nanoseconds(begin.elapsed())
    };
    (0..options.runs).map(|_| (0..options.rounds).map(|_| one()).collect()).collect()
}

fn median_of_medians(runs: &mut [Vec<u64>]) -> u64 {
    share(&mut runs.iter_mut().map(|run| share(run, 50)).collect::<Vec<_>>(), 50)
}

/// The value that so many of a hundred do not pass.
fn share(values: &mut [u64], percent: usize) -> u64 {
    values.sort_unstable();
    let place = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    values.get(place).copied().unwrap_or_default()
}

/// An order of the demonstration, with as many lines as are asked for.
fn order(lines: usize) -> Result<Declaration, Error> {
    let broken = |what: &str| Error::Wrong(format!("the shipped orders: {what}"));
    let first = demo::ORDERS.lines().next().ok_or_else(|| broken("none"))?;
    let mut value: serde_json::Value = serde_json::from_str(first).map_err(|error| broken(&error.to_string()))?;
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, _| name == "order" || name == "inventory");
    }
    let mut draft: Declaration = serde_json::from_value(value).map_err(|error| broken(&error.to_string()))?;
    let (Some(line), Some(list)) = (draft.order.lines.first().cloned(), draft.inventory.lines.first().cloned()) else {
        return Err(broken("no lines"));
    };
    let line = OrderLine { quantity: "2".into(), price: "2.11".into(), total: "4.22".into(), ..line };
    let list = InventoryLine { legal_quantity: "2".into(), ..list };
    let numbers = || (1..=lines).map(|number| number.to_string());
    draft.order.lines = numbers().map(|number| OrderLine { number, ..line.clone() }).collect();
    draft.inventory.lines = numbers().map(|number| InventoryLine { number, ..list.clone() }).collect();
    let cents = lines.saturating_mul(422);
    draft.order.goods_value = format!("{}.{:02}", cents / 100, cents % 100);
    draft.inventory.exit_date = "20261124".into();
    Ok(draft)
}

/// Several faults in every line.
fn spoiled(mut draft: Declaration) -> Declaration {
    for line in &mut draft.order.lines {
        line.unit = "件".into();
        line.total = "4.23".into();
    }
    for line in &mut draft.inventory.lines {
        line.hs_code = "9999000000".into();
        line.country = "U.S.".into();
    }
    draft
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_measures_good_and_faulty_orders() {
        let report = run(&Options { lines: 10, runs: 3, rounds: 4 }).unwrap();
        assert_eq!((report.lines, report.faulty_findings), (10, 41));
        assert!(report.median_ns > 0 && report.p99_us > 0);
        let line = serde_json::to_string(&report).unwrap();
        assert!(line.starts_with("{\"bench\":\"check\",") && !line.contains('\n'), "{line}");
        assert!(run(&Options { lines: 100, runs: 1, rounds: 1 }).is_ok());
        assert!(matches!(run(&Options { lines: 101, runs: 1, rounds: 1 }), Err(Error::Wrong(_))));
        assert!(matches!(run(&Options { lines: 0, runs: 1, rounds: 1 }), Err(Error::Wrong(_))));
    }

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(share(&mut [5, 1, 3], 50), 3);
        assert_eq!(share(&mut (1..=100).collect::<Vec<_>>(), 99), 100);
        assert_eq!(share(&mut [], 50), 0);
        assert_eq!(median_of_medians(&mut [vec![1, 2, 3], vec![9, 9, 9], vec![4, 4, 5]]), 4);
    }
}
