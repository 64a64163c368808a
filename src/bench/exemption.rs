//! What deciding a line costs, with a library as large as the authority's loaded.

use std::{fmt::Write as _, hint::black_box};

use rust_decimal::Decimal;
use serde::Serialize;
use time::{Date, macros::date};
use tokio::time::Instant;

use super::Error;
use crate::{
    declaration::{InvoiceStatus, Statistics},
    demo,
    exemption::{
        Advisor, Confirmed, Direction, Evidence, Facts, Library, ListStatus, Outcome, Override, Registration, SellerNamed, Settings,
        SixFields, library::Version,
    },
};

const DAY: Date = date!(2026 - 11 - 23);

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Rows of the library.
    pub rows: u32,
    /// Runs, of which the median counts.
    pub runs: usize,
    /// Lines decided in a run.
    pub lines: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { rows: 40_000, runs: 5, lines: 100_000 }
    }
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    bench: &'static str,
    build: &'static str,
    rows: u32,
    runs: usize,
    lines: usize,
    /// A line decided, in nanoseconds: the median of the runs.
    line_ns: u64,
    /// The same and written in the form in which it is kept.
    kept_ns: u64,
    /// How many bytes that takes.
    kept_bytes: usize,
    /// How much the resident memory grew by loading the library, in KiB.
    library_kib: u64,
}

/// Measures.
///
/// # Errors
/// If the library cannot be made, or lines are not decided as they should be.
pub fn run(options: &Options) -> Result<Report, Error> {
    let options = Options { runs: options.runs.clamp(1, 100), lines: options.lines.clamp(1_000, 10_000_000), ..*options };
    let wrong = |what: &dyn std::fmt::Display| Error::Wrong(format!("the exemption: {what}"));
    let text = library(options.rows);
    let before = resident_kib();
    let library = Library::default().with(Version::parse_csv(&text).map_err(|error| wrong(&error))?);
    let library_kib = resident_kib().saturating_sub(before);
    let sellers = demo::sellers().map_err(|error| wrong(&error))?;
    let given = Override { name: "bench".to_owned(), reason: "a measurement".to_owned() };
    let settings = Settings { regime_override: Some(given), ..Settings::default() };
    let advisor = Advisor::new(library, settings, sellers.clone()).map_err(|error| wrong(&error))?;
    let seller = sellers.into_iter().next().ok_or_else(|| wrong(&"no seller"))?;
    let facts: Vec<Facts> = (0..997_u32).map(|number| facts(&code(number * 40 % options.rows), seller.clone())).collect();
    if facts.iter().any(|facts| advisor.assess_line(facts, DAY).iter().any(|line| line.outcome != Outcome::ExemptNoInvoice)) {
        return Err(wrong(&"a good line is not exempt"));
    }
    let each = |work: &dyn Fn(&Facts)| {
        let mut times: Vec<u64> = (0..options.runs)
            .map(|_| {
                let begin = Instant::now();
                facts.iter().cycle().take(options.lines).for_each(work);
                u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX) / u64::try_from(options.lines).unwrap_or(u64::MAX)
            })
            .collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    };
    let line_ns = each(&|facts| drop(black_box(advisor.assess_line(black_box(facts), DAY))));
    let whole = |facts: &Facts| advisor.assess_facts(std::slice::from_ref(facts), facts.list.into(), DAY).to_kept();
    let kept_ns = each(&|facts| drop(black_box(whole(black_box(facts)))));
    Ok(Report {
        bench: "exemption",
        build: if cfg!(debug_assertions) { "debug" } else { "release" },
        rows: options.rows,
        runs: options.runs,
        lines: options.lines,
        line_ns,
        kept_ns,
        kept_bytes: facts.first().map(whole).map_or(0, |kept| kept.len()),
        library_kib,
    })
}

fn code(number: u32) -> String {
    format!("{:010}", 1_000_000_000_u64 + u64::from(number) * 150_000)
}

/// Rows of codes that lie apart, one each.
fn library(rows: u32) -> String {
    let mut text = String::from("# version: BENCH\n# covers: 2026-01-01..\ncode,zssl_set,tsl,tsflag,st_date,end_date\n");
    for number in 0..rows {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{},13,13,,2026-01-01,", code(number));
    }
    text
}

fn facts(hs_code: &str, seller: crate::exemption::Seller) -> Facts {
    let fields = SixFields {
        export_date: Some(date!(2026 - 11 - 11)),
        name: Some("棉制针织T恤衫".to_owned()),
        unit: Some("011".to_owned()),
        quantity: Some(Decimal::from(3)),
        price: Some(Decimal::new(1990, 2)),
        amount: Some(Decimal::new(5970, 2)),
    };
    Facts {
        line: 1,
        direction: Direction::Export,
        trade_mode: "9610".to_owned(),
        route: Statistics::Simplified,
        list: ListStatus::Released { on: Some(DAY) },
        hs_code: hs_code.to_owned(),
        registration: Registration::Registered(fields.clone()),
        fields,
        currency: "502".to_owned(),
        declared_at: "5141".to_owned(),
        invoice: InvoiceStatus::None,
        invoice_linked: false,
        returned: Decimal::ZERO,
        seller: Some(seller.into()),
        seller_named: SellerNamed::AsEnterprise,
        evidence: Evidence::default(),
        entered: None,
        invoice_rate: None,
        materials: None,
        found: Confirmed::default(),
        forgone: None,
    }
}

/// Resident memory of this process; 0 where the system does not tell.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
