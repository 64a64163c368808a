//! `exemption ledger`: writes a ledger page by page as the store is read.

use std::{
    fs,
    io::{self, BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use time::Date;

use super::{WhereArgs, day, period, unfinished};
use crate::{
    check::parameters::Rates,
    cli::{complain, shown},
    ledgers::{self, Asked, Form, Ledger},
};

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
    /// 按该日终了时所知 · As it was known at the end of that day; without it, as it is known now.
    #[arg(long, value_parser = day)]
    known_on: Option<Date>,
    /// 汇率表（CSV：currency,rate,from,until,source），用于未保存汇率的判定 · Exchange rates for decisions that keep none.
    #[arg(long)]
    rates: Option<PathBuf>,
    /// 未保存汇率时使用示例汇率 · Uses the shipped sample rates where none is kept.
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
    /// 免税销售 · Exempt sales, released: for the filing of the exemption.
    Sales,
    /// 登记六项 · The six values of lines without voucher, for the zone's platform.
    Registration,
    /// 核定征收季度表 · The quarters of the deemed-profit rule.
    Income,
    /// 收结汇核对：订单、收款、清单 · Foreign exchange: order, payment and list beside each other.
    Exchange,
    /// 代理出口汇总（2025年第17号）· What agents exported, by whom it was for.
    Agents,
    /// 代理出口明细 · The same line by line.
    AgentLines,
}

impl From<Which> for ledgers::Which {
    fn from(which: Which) -> Self {
        match which {
            Which::Sales => Self::Sales,
            Which::Registration => Self::Registration,
            Which::Income => Self::Income,
            Which::Exchange => Self::Exchange,
            Which::Agents => Self::Agents,
            Which::AgentLines => Self::AgentLines,
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// CSV.
    #[default]
    Csv,
    /// JSON Lines.
    Jsonl,
}

impl From<Format> for Form {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Jsonl => Self::Jsonl,
        }
    }
}

pub(super) async fn ledger(args: &LedgerArgs) -> Result<ExitCode> {
    if let Some(file) = args.out.as_ref().filter(|file| file.exists()) {
        bail!("{0} 已存在 · {0} is there already", file.display());
    }
    let asked = args.asked()?;
    let store = args.place.open().await?;
    let unfinished = args.out.as_ref().map(|file| unfinished(file));
    let to: Box<dyn Write> = match &unfinished {
        Some(file) => Box::new(fs::File::create(file).with_context(|| format!("{0} 无法写入 · {0} cannot be written", file.display()))?),
        None => Box::new(io::stdout()),
    };
    let mut ledger = Ledger::open(store, asked);
    match write(&mut ledger, BufWriter::new(to)).await {
        // Whoever listened has seen enough (`| head`).
        Err(error) if args.out.is_none() && is_closed(&error) => return Ok(ExitCode::SUCCESS),
        written => written?,
    }
    if let (Some(unfinished), Some(file)) = (&unfinished, &args.out) {
        fs::File::open(unfinished)?.sync_all()?;
        fs::rename(unfinished, file)?;
    }
    tell(&ledger);
    Ok(ExitCode::SUCCESS)
}

async fn write(ledger: &mut Ledger, mut to: impl Write) -> Result<()> {
    while let Some(bytes) = ledger.next().await? {
        to.write_all(&bytes)?;
    }
    Ok(to.flush()?)
}

fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Beside the ledger, not in it: a sum in a column would be added to the lines by whoever sums it.
fn tell(ledger: &Ledger) {
    complain(&ledger.totals().to_string());
    if let Some((zh, en)) = ledger.note() {
        complain(&format!("{zh} · {en}"));
    }
    for mixed in ledger.mixed() {
        let (seller, year) = (shown(&mixed.seller), mixed.year);
        complain(&format!(
            "N-MIXED-INCOME-REGIME {seller} {year}: 核定征收与退税并存（无票免税 {} 行，退税 {} 行）· deemed profit and refunds in one year ({} lines without invoice, {} with a refund)",
            mixed.exempt, mixed.refund, mixed.exempt, mixed.refund
        ));
    }
    for agent in ledger.unnamed() {
        let agent = shown(agent);
        complain(&format!(
            "{agent}: 清单未载明实际委托出口方，将按自营出口处理（2025年第17号）· lists do not name for whom it exported; it would be treated as exporting for itself"
        ));
    }
}

impl LedgerArgs {
    fn asked(&self) -> Result<Asked> {
        Ok(Asked {
            which: self.which.into(),
            form: self.format.into(),
            tenant: None,
            seller: self.seller.clone(),
            exported: period(self.from, self.to)?,
            known_on: self.known_on,
            rates: Arc::new(self.rates()?),
        })
    }

    fn rates(&self) -> Result<Rates> {
        let Some(file) = &self.rates else { return Ok(if self.sample_rates { Rates::sample() } else { Rates::default() }) };
        let text = fs::read_to_string(file).with_context(|| format!("{0} 无法读取 · {0} cannot be read", file.display()))?;
        Rates::read(&text).map_err(|faults| anyhow::anyhow!("{}: {faults}", file.display()))
    }
}
