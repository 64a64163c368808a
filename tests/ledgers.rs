//! Ledgers and replays of a folder that a demonstration left behind, as an accountant would ask for them: sums that agree with what is
//! shown of the same declarations, and the same bytes again.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use rust_decimal::Decimal;
use serde_json::Value;
use tongguan::{
    exemption::ledger::{Agency, Exchange, Quarter, Row},
    store::{ListFilter, Store, sqlite::Sqlite},
};

use super::rig;

/// What a run of the program wrote: to its output, and beside it.
fn run(args: &[&str]) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tongguan")).args(args).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {told}");
    (String::from_utf8(output.stdout).unwrap(), told)
}

fn exemption(folder: &Path, args: &[&str]) -> (String, String) {
    run(&[&["exemption"], args, &["--dir", folder.to_str().unwrap()]].concat())
}

fn rows(folder: &Path, which: &str) -> Vec<Value> {
    let (lines, _) = exemption(folder, &["ledger", which, "--format", "jsonl"]);
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn number(value: &Value) -> Decimal {
    value.as_str().unwrap_or("0").parse().unwrap()
}

/// A line as it is kept, read without any of the program's own types.
struct Kept {
    seller: String,
    hs_code: String,
    outcome: String,
    released: bool,
    amount: Decimal,
    cny: Decimal,
}

fn kept(body: &str) -> Vec<Kept> {
    let paper: Value = serde_json::from_str(body).unwrap();
    let mut found = Vec::new();
    for run in paper["runs"].as_array().unwrap() {
        for line in run["lines"].as_array().unwrap() {
            let verdict = &run["found"][usize::try_from(line["found"].as_u64().unwrap_or(0)).unwrap()];
            let amount = number(&line["sum"]);
            // The demonstration's own rates say where they come from.
            assert!(!run["fx"][1].as_str().unwrap().is_empty() && line["part"].is_null());
            let cny = (amount * number(&run["fx"][0])).round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
            found.push(Kept {
                seller: run["seller"][0].as_str().unwrap_or_default().to_owned(),
                hs_code: line["hs"].as_str().unwrap().to_owned(),
                outcome: verdict["out"].as_str().unwrap().to_owned(),
                released: verdict["stage"] == "customs-final",
                amount,
                cny,
            });
        }
    }
    found
}

/// The last decision of every declaration, as it is shown.
async fn shown(folder: &Path) -> Vec<(String, Vec<Kept>)> {
    let store = Sqlite::open_read_only(&folder.join("tongguan.db")).await.unwrap();
    let mut found = Vec::new();
    for dossier in store.list(ListFilter { limit: 1_000, ..ListFilter::default() }).await.unwrap().dossiers {
        let shown = store.show(None, dossier.id).await.unwrap().unwrap();
        found.push((dossier.declaration.order.order_no.clone(), kept(shown.assessments.last().unwrap())));
    }
    found
}

fn agrees(folder: &Path, lines: &[&Kept]) {
    let sales = rows(folder, "sales");
    let exempt: Vec<_> = lines.iter().filter(|line| line.released && line.outcome.starts_with("EXEMPT")).collect();
    assert!(!exempt.is_empty() && sales.len() == exempt.len());
    assert_eq!(sales.iter().map(|row| number(&row["amount"])).sum::<Decimal>(), exempt.iter().map(|line| line.amount).sum());
    let cny: Decimal = exempt.iter().map(|line| line.cny).sum();
    assert_eq!(sales.iter().map(|row| number(&row["amount_cny"])).sum::<Decimal>(), cny);
    let (_, told) = exemption(folder, &["ledger", "sales"]);
    assert!(told.contains(&format!("{} 行 · lines", exempt.len())) && told.contains(&format!("CNY {cny:.2}")), "{told}");

    let mut gross: BTreeMap<&str, Decimal> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.released && line.outcome == "EXEMPT_NO_INVOICE") {
        *gross.entry(&line.seller).or_default() += line.cny;
    }
    let income = rows(folder, "income");
    for row in &income {
        let seller = row["seller"].as_str().unwrap();
        let own = gross.remove(seller).unwrap_or_default();
        assert_eq!(number(&row["gross_cny"]), own, "{seller}");
        let four = (own * Decimal::new(4, 2)).round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
        assert_eq!(number(&row["deemed_profit_cny"]), four, "{seller}");
    }
    assert!(gross.is_empty() && !income.is_empty(), "{gross:?}");
    let all = |name: &str| income.iter().map(|row| number(&row[name])).sum::<Decimal>();
    let released: Decimal = lines.iter().filter(|line| line.released).map(|line| line.cny).sum();
    assert_eq!(all("gross_cny") + all("returned_cny") + all("other_cny"), released, "every released line is somewhere, once");

    let exchange = rows(folder, "exchange");
    assert_eq!(exchange.iter().map(|row| number(&row["amount_cny"])).sum::<Decimal>(), released);
}

/// Every column has its name in each row, and each ledger is the same when it is made again.
fn made_again(folder: &Path) {
    let columns = [
        ("sales", Row::SALES),
        ("registration", Row::REGISTRATION),
        ("income", Quarter::COLUMNS),
        ("exchange", Exchange::COLUMNS),
        ("agents", Agency::COLUMNS),
        ("agent-lines", Row::AGENCY),
    ];
    for (which, columns) in columns {
        let file = folder.join(format!("{which}.csv"));
        exemption(folder, &["ledger", which, "--out", file.to_str().unwrap()]);
        let made = fs::read_to_string(&file).unwrap();
        assert!(made.starts_with('\u{feff}') && made.ends_with("\r\n"), "{which}");
        assert_eq!(made, exemption(folder, &["ledger", which]).0, "{which}");
        let read = csv::ReaderBuilder::new().from_reader(made.trim_start_matches('\u{feff}').as_bytes()).into_records().map(Result::unwrap);
        let rows = rows(folder, which);
        assert_eq!(read.inspect(|record| assert_eq!(record.len(), columns.len())).count(), rows.len(), "{which}");
        for row in &rows {
            assert!(columns.iter().all(|(name, _)| row.get(*name).is_some()), "{which}: {row}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demonstrations_ledgers_agree_with_what_is_shown_of_its_declarations() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("demo");
    // What is shipped of laws and rates is of that year; the test is the same in every other.
    let listen = format!("127.0.0.1:{}", rig::free_port());
    run(&["demo", "--exit", "--today", "2026-11-26", "--dir", folder.to_str().unwrap(), "--listen", &listen]);
    let declarations = shown(&folder).await;
    let lines: Vec<&Kept> = declarations.iter().flat_map(|(_, lines)| lines).collect();
    agrees(&folder, &lines);
    made_again(&folder);

    let (same, _) = exemption(&folder, &["replay"]);
    assert!(same.contains(&format!("共 {} 行，0 行会变", lines.len())), "nothing differs, so nothing moves: {same}");
    let (moved, _) = exemption(&folder, &["replay", "--as-if-exported", "2027-01-01", "--lines"]);
    let batteries = |line: &&Kept| ["8507600090", "8506500090"].contains(&line.hs_code.as_str()) && line.outcome != "TAXABLE";
    let battery_orders: Vec<&str> =
        declarations.iter().flat_map(|(order, lines)| lines.iter().filter(batteries).map(move |_| order.as_str())).collect();
    let told: Vec<&str> =
        moved.lines().filter(|line| line.ends_with("TAXABLE T-CANCELLED")).filter_map(|line| line.split(' ').next()).collect();
    assert!(!told.is_empty());
    assert_eq!(told, battery_orders, "batteries and nothing else: {moved}");
    assert!(moved.contains(&format!("，{} 行会变", told.len())), "{moved}");

    let packs = place.path().join("packs");
    run(&["exemption", "packs", "--out", packs.to_str().unwrap()]);
    let own = packs.join("export-2026");
    let (same, _) = exemption(&folder, &["replay", "--pack", own.to_str().unwrap()]);
    assert!(same.contains("，0 行会变"), "{same}");
    // A pack that sends whatever has no voucher to a person, by its rules and not by its values.
    let rules = own.join("rules.tsv");
    let changed = fs::read_to_string(&rules).unwrap();
    let of_d70 = changed.lines().find(|line| line.starts_with("D70\t")).unwrap();
    fs::write(&rules, changed.replace(of_d70, &of_d70.replace("EXEMPT_NO_INVOICE", "REVIEW"))).unwrap();
    let (moved, _) = exemption(&folder, &["replay", "--pack", own.to_str().unwrap()]);
    assert!(moved.contains("EXEMPT_NO_INVOICE → REVIEW"), "{moved}");
}
