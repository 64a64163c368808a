//! `exemption ledger`: CSV (UTF-8 with a mark at the beginning, for Excel) or JSON lines, written line by line as the store is read.

use std::{
    fs,
    io::{self, BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use time::Date;

use super::{WhereArgs, day, each_paper};
use crate::{
    check::parameters::Rates,
    cli::complain,
    exemption::ledger::{Quarters, Row, Totals, Yuan},
};

const MARK: &[u8] = "\u{feff}".as_bytes();
/// The columns of the registration file: the six statutory values and where they belong.
const SIX: [&str; 9] = ["seller", "inventory_no", "line", "export_date", "name", "unit", "quantity", "price", "amount"];
const SALES: [&str; 25] = [
    "inventory_no",
    "order_no",
    "line",
    "part",
    "seller",
    "export_date",
    "hs_code",
    "name",
    "unit",
    "quantity",
    "price",
    "amount",
    "currency",
    "rate",
    "rate_source",
    "amount_cny",
    "consumption_tax",
    "outcome",
    "codes",
    "legal_basis",
    "stage",
    "due",
    "last_day",
    "pack",
    "library",
];
const INCOME: [&str; 10] = [
    "seller",
    "period",
    "gross_cny",
    "deemed_profit_cny",
    "lines",
    "returned_cny",
    "other_cny",
    "other_lines",
    "refund_lines",
    "without_rate",
];

#[derive(Debug, Args)]
pub(in crate::cli) struct LedgerArgs {
    /// 账簿 · Which ledger.
    #[arg(value_enum)]
    which: Which,
    /// 只取该卖家 · Only of the seller with this code.
    #[arg(long)]
    seller: Option<String>,
    /// 出口日期自 · Exported on that day or later.
    #[arg(long, value_parser = day)]
    from: Option<Date>,
    /// 出口日期至 · Exported on that day or before.
    #[arg(long, value_parser = day)]
    to: Option<Date>,
    /// 汇率表（CSV：currency,rate,from,until,source）· The table of exchange rates.
    #[arg(long)]
    rates: Option<PathBuf>,
    /// 使用示例汇率 · Uses the shipped sample rates.
    #[arg(long, conflicts_with = "rates")]
    sample_rates: bool,
    /// 格式 · The form.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// 写入的新文件；不指定则输出到屏幕 · A new file; standard output if none is named.
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    place: WhereArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// 免税销售 · Exempt sales, released.
    Sales,
    /// 登记六项 · The six values of lines without voucher, for the zone's platform.
    Registration,
    /// 核定征收季度表 · The quarters of the deemed-profit rule.
    Income,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// CSV.
    #[default]
    Csv,
    /// JSON Lines.
    Jsonl,
}

pub(super) async fn ledger(args: &LedgerArgs) -> Result<ExitCode> {
    let rates = rates(args)?;
    let store = args.place.open().await?;
    let unfinished = args.out.as_ref().map(|file| file.with_extension("unfinished"));
    if let Some(file) = args.out.as_ref().filter(|file| file.exists()) {
        bail!("{0} 已存在 · {0} is there already", file.display());
    }
    let to: Box<dyn Write> = match &unfinished {
        Some(file) => Box::new(fs::File::create(file).with_context(|| format!("{0} 无法写入 · {0} cannot be written", file.display()))?),
        None => Box::new(io::stdout()),
    };
    let mut out = Out { to: BufWriter::new(to), format: args.format, headed: false };
    let (mut totals, mut quarters) = (Totals::default(), Quarters::default());
    each_paper(store.as_ref(), |heading, paper| {
        for line in &paper.lines {
            let day = line.inputs.fields.export_date;
            let yuan = day.and_then(|day| rates.with_source(&heading.currency, day)).map(|(rate, source)| Yuan { rate, source });
            let row = Row::of(heading, line, yuan);
            if !args.wants(&row) {
                continue;
            }
            match args.which {
                Which::Sales if row.is_exempt_sale() => out.row(&serde_json::to_value(&row)?, &SALES)?,
                Which::Registration if row.codes.contains("OK-103") => out.row(&serde_json::to_value(&row)?, &SIX)?,
                Which::Income => quarters.add(&row),
                Which::Sales | Which::Registration => continue,
            }
            totals.add(&row);
        }
        Ok(())
    })
    .await?;
    for ((seller, year, quarter), sums) in &quarters.0 {
        let mut value = serde_json::to_value(sums)?;
        if let Value::Object(fields) = &mut value {
            fields.insert("seller".to_owned(), json!(seller));
            fields.insert("period".to_owned(), json!(format!("{year}Q{quarter}")));
            fields.insert("deemed_profit_cny".to_owned(), json!(sums.deemed_profit()));
        }
        out.row(&value, &INCOME)?;
    }
    out.to.flush()?;
    drop(out);
    if let (Some(unfinished), Some(file)) = (&unfinished, &args.out) {
        fs::rename(unfinished, file)?;
    }
    // Beside the ledger, not in it: a sum in a column would be added to the lines by whoever sums it.
    complain(&serde_json::to_string(&totals)?);
    Ok(ExitCode::SUCCESS)
}

impl LedgerArgs {
    fn wants(&self, row: &Row) -> bool {
        let within = |day: Date| self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to);
        row.export_date.is_some_and(within) && self.seller.as_ref().is_none_or(|seller| *seller == row.seller)
    }
}

fn rates(args: &LedgerArgs) -> Result<Rates> {
    let Some(file) = &args.rates else { return Ok(if args.sample_rates { Rates::sample() } else { Rates::default() }) };
    let text = fs::read_to_string(file).with_context(|| format!("{0} 无法读取 · {0} cannot be read", file.display()))?;
    Rates::read(&text).map_err(|faults| anyhow::anyhow!("{}: {faults}", file.display()))
}

/// Where rows go, one at a time.
struct Out {
    to: BufWriter<Box<dyn Write>>,
    format: Format,
    headed: bool,
}

impl Out {
    fn row(&mut self, row: &Value, columns: &[&str]) -> Result<()> {
        let Value::Object(fields) = row else { return Ok(()) };
        if self.format == Format::Jsonl {
            let picked: Map<String, Value> =
                columns.iter().filter_map(|&name| Some((name.to_owned(), fields.get(name)?.clone()))).collect();
            return Ok(writeln!(self.to, "{}", Value::Object(picked))?);
        }
        let cells: Vec<String> = columns.iter().map(|&name| cell(fields.get(name))).collect();
        let mut writer = csv::Writer::from_writer(Vec::new());
        if !self.headed {
            self.to.write_all(MARK)?;
            writer.write_record(columns)?;
            self.headed = true;
        }
        writer.write_record(&cells)?;
        Ok(self.to.write_all(&writer.into_inner().context("csv")?)?)
    }
}

/// A cell; what a spreadsheet would take for a formula is marked as text.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) if text.starts_with(['=', '+', '@', '\t']) => format!("'{text}"),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
