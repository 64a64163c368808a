//! Ledgers out of kept papers: exempt sales for the filing, the six values for the platform, and the quarterly sheet of the
//! deemed-profit rule. Each is made line by line from the latest paper of a declaration, so that totals reconcile to lines.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;
use time::Date;

use super::{
    deadlines::Deadlines,
    decision::{Outcome, Part, Stage},
    pack,
    page::Heading,
    paper::PaperLine,
    reasons::Code,
};

/// A rate of yuan for one unit of a currency, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Yuan {
    /// The rate.
    pub rate: Decimal,
    /// Its source.
    pub source: String,
}

/// One line of the ledgers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// 清单编号.
    pub inventory_no: String,
    /// The order.
    pub order_no: String,
    /// 序号 of the line.
    pub line: u32,
    /// Which part of it.
    pub part: Part,
    /// The real seller's credit code, or the code on the list where no profile is known.
    pub seller: String,
    /// 出口日期 of the list.
    pub export_date: Option<Date>,
    /// 10 digits.
    pub hs_code: String,
    /// 货物名称.
    pub name: String,
    /// 计量单位.
    pub unit: String,
    /// 数量.
    pub quantity: Option<Decimal>,
    /// 单价.
    pub price: Option<Decimal>,
    /// 金额.
    pub amount: Option<Decimal>,
    /// The customs code of its currency.
    pub currency: String,
    /// Yuan for one unit; nothing where no rate is known for the day.
    pub rate: Option<Decimal>,
    /// Where the rate comes from.
    pub rate_source: String,
    /// The amount in yuan, rounded half up to cents.
    pub amount_cny: Option<Decimal>,
    /// Whether a consumption tax may be exempted with it: a column of its own.
    pub consumption_tax: bool,
    /// What is advised.
    pub outcome: Outcome,
    /// The reasons' codes.
    pub codes: String,
    /// Their legal basis.
    pub legal_basis: String,
    /// How much was known.
    pub stage: Stage,
    /// To be filed by.
    pub due: Option<Date>,
    /// At the latest.
    pub last_day: Option<Date>,
    /// The rule pack: name, version, digest.
    pub pack: String,
    /// The rate library's version.
    pub library: String,
}

impl Row {
    /// A line of a paper as it stands in a ledger.
    #[must_use]
    pub fn of(heading: &Heading, line: &PaperLine, yuan: Option<Yuan>) -> Self {
        let fields = &line.inputs.fields;
        let deadlines = deadlines(line);
        let cents = |amount: Decimal| amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        let amount_cny = line.amount.zip(yuan.as_ref()).and_then(|(amount, yuan)| amount.checked_mul(yuan.rate)).map(cents);
        let joined = |texts: Vec<String>| texts.join("；");
        Self {
            inventory_no: heading.inventory_no.clone(),
            order_no: heading.order_no.clone(),
            line: line.line,
            part: line.part,
            seller: line.inputs.seller.as_ref().map_or_else(|| heading.seller.clone(), |seller| seller.code.clone()),
            export_date: fields.export_date,
            hs_code: line.inputs.hs_code.clone(),
            name: fields.name.clone().unwrap_or_default(),
            unit: fields.unit.clone().unwrap_or_default(),
            quantity: line.quantity,
            price: fields.price,
            amount: line.amount,
            currency: heading.currency.clone(),
            rate: yuan.as_ref().map(|yuan| yuan.rate),
            rate_source: yuan.map(|yuan| yuan.source).unwrap_or_default(),
            amount_cny,
            consumption_tax: line.reasons.iter().any(|reason| reason.code == Code::ConsumptionTax),
            outcome: line.outcome,
            codes: line.reasons.iter().map(|reason| reason.code.as_str()).collect::<Vec<_>>().join(" "),
            legal_basis: joined(line.reasons.iter().map(|reason| reason.legal_basis.to_string()).collect()),
            stage: line.stage,
            due: deadlines.map(|deadlines| deadlines.due),
            last_day: deadlines.map(|deadlines| deadlines.last),
            pack: format!("{} {} {}", line.pack.name, line.pack.version, line.pack.digest),
            library: line.library.as_ref().map(|used| used.version.clone()).unwrap_or_default(),
        }
    }

    /// Whether it is an exempt sale: exempt, and released by customs on the list's own date.
    #[must_use]
    pub fn is_exempt_sale(&self) -> bool {
        self.outcome.is_exempt() && self.stage != Stage::Forecast
    }
}

fn deadlines(line: &PaperLine) -> Option<Deadlines> {
    let used = pack::known().ok()?.iter().find(|pack| pack.digest == line.pack.digest)?;
    Deadlines::after(used, line.inputs.fields.export_date?)
}

/// Sums of rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Totals {
    /// How many.
    pub lines: u64,
    /// Amounts by currency.
    pub by_currency: BTreeMap<String, Decimal>,
    /// In yuan.
    pub cny: Decimal,
    /// Rows for whose currency and day no rate is known: not in the yuan.
    pub without_rate: u64,
}

impl Totals {
    /// Takes a row in.
    pub fn add(&mut self, row: &Row) {
        self.lines += 1;
        let sum = self.by_currency.entry(row.currency.clone()).or_default();
        *sum = sum.saturating_add(row.amount.unwrap_or_default());
        match row.amount_cny {
            Some(cny) => self.cny = self.cny.saturating_add(cny),
            None => self.without_rate += 1,
        }
    }
}

/// One seller's quarter under the deemed-profit rule (税务总局公告2019年第36号).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Quarter {
    /// Exempt without invoice, in yuan.
    pub gross_cny: Decimal,
    /// How many lines.
    pub lines: u64,
    /// What came back, in yuan: already not in the gross.
    pub returned_cny: Decimal,
    /// Lines that are not under 103号, in yuan: the rule does not cover them.
    pub other_cny: Decimal,
    /// How many.
    pub other_lines: u64,
    /// How many of those may have a refund: both cannot stand in one entity.
    pub refund_lines: u64,
    /// Lines for which no rate is known.
    pub without_rate: u64,
}

impl Quarter {
    /// Deemed profit: 4 % of the gross, to the cent.
    #[must_use]
    pub fn deemed_profit(&self) -> Decimal {
        let profit = self.gross_cny.checked_mul(Decimal::new(4, 2)).unwrap_or_default();
        profit.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
    }
}

/// The quarters of all sellers: by seller, year and quarter of export.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quarters(pub BTreeMap<(String, i32, u8), Quarter>);

impl Quarters {
    /// Takes a released row in; others say nothing yet.
    pub fn add(&mut self, row: &Row) {
        let Some(day) = row.export_date.filter(|_| row.stage != Stage::Forecast) else { return };
        let quarter = self.0.entry((row.seller.clone(), day.year(), (u8::from(day.month()) - 1) / 3 + 1)).or_default();
        let cny = row.amount_cny.unwrap_or_default();
        quarter.without_rate += u64::from(row.amount_cny.is_none());
        if row.outcome == Outcome::ExemptNoInvoice {
            quarter.lines += 1;
            quarter.gross_cny = quarter.gross_cny.saturating_add(cny);
        } else if row.part == Part::Returned {
            quarter.returned_cny = quarter.returned_cny.saturating_add(cny);
        } else {
            quarter.other_lines += 1;
            quarter.refund_lines += u64::from(row.outcome == Outcome::RefundEligible);
            quarter.other_cny = quarter.other_cny.saturating_add(cny);
        }
    }
}
