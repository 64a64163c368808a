//! Ledgers and papers out of what is kept, a page at a time: rows as CSV (UTF-8 with a mark at the beginning, for Excel) or JSON lines, with
//! totals that reconcile to them. Nothing is written to the store.
//!
//! Rows stand in the order in which declarations were accepted, each with the rate of exchange that was kept with its decision. So a
//! ledger of a closed period, as it was known on a day, has the same bytes whenever it is made.

use std::sync::Arc;

use time::{Date, Duration};

use crate::{
    check::parameters::Rates,
    clock::{Timestamp, start_of},
    declaration::{FollowUp, Kind, Payment},
    dossier::Dossier,
    exemption::{
        self, Heading, Mixed, Paper, ReadError, Regimes, Span, Yuan,
        ledger::{Agencies, Agency, Exchange, Quarter, Quarters, Row, Totals},
    },
    party::Tenant,
    store::{self, Decided, DecisionFilter, Store},
};

mod pages;
mod text;

pub use self::{
    pages::{Pages, Work},
    text::Form,
};

/// Why a ledger breaks off.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store.
    #[error("存储无法读取 · the store cannot be read")]
    Store(#[from] store::Error),
    /// A kept decision.
    #[error("申报 {0} 的判定无法读取 · a decision about declaration {0} cannot be read")]
    Paper(uuid::Uuid, #[source] ReadError),
    /// A row that cannot be written.
    #[error("账簿的一行无法写出 · a row of a ledger cannot be written")]
    Row(#[from] serde_json::Error),
    /// A task that was to do the work.
    #[error("任务中断 · a task broke off")]
    Broken,
}

/// Which ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Exempt sales, released, a row for each line.
    Sales,
    /// The six values of released lines without voucher, for the zone's platform.
    Registration,
    /// The quarters of the deemed-profit rule, a row for each seller.
    Income,
    /// Order, payment and list beside each other, a row for each order.
    Exchange,
    /// What agents exported, a row for each principal, quarter and currency.
    Agents,
    /// The same, a row for each line.
    AgentLines,
}

impl Which {
    const fn columns(self) -> &'static [exemption::ledger::Column] {
        match self {
            Self::Sales => Row::SALES,
            Self::Registration => Row::REGISTRATION,
            Self::Income => Quarter::COLUMNS,
            Self::Exchange => Exchange::COLUMNS,
            Self::Agents => Agency::COLUMNS,
            Self::AgentLines => Row::AGENCY,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Which ledger.
    pub which: Which,
    /// Its form.
    pub form: Form,
    /// Only what this tenant submitted; of any, if none is named.
    pub tenant: Option<Tenant>,
    /// Only of the real seller with this code.
    pub seller: Option<String>,
    /// Exported within these days.
    pub exported: Span,
    /// As it was known at the end of that day; as it is known now, if none is named.
    pub known_on: Option<Date>,
    /// For papers that keep no rate of exchange.
    pub rates: Arc<Rates>,
}

impl Asked {
    fn filter(&self) -> DecisionFilter {
        let kind = (self.which == Which::Exchange).then_some(Kind::Payment);
        DecisionFilter { tenant: self.tenant.clone(), until: self.known_on.map(end_of), kind, ..DecisionFilter::default() }
    }

    fn wants(&self, row: &Row) -> bool {
        row.export_date.is_some_and(|day| self.exported.holds(day)) && self.seller.as_ref().is_none_or(|seller| *seller == row.seller)
    }

    fn yuan(&self, currency: &str, day: Date) -> Option<Yuan> {
        let (rate, source) = self.rates.with_source(currency, day)?;
        Some(Yuan { rate, source: source.to_owned() })
    }
}

/// The last moment of a day in Beijing.
fn end_of(day: Date) -> Timestamp {
    Timestamp(start_of(day.saturating_add(Duration::DAY)).0 - 1)
}

/// A ledger being made.
pub struct Ledger {
    asked: Arc<Asked>,
    pages: Pages<Share>,
    totals: Totals,
    quarters: Quarters,
    agencies: Agencies,
    regimes: Regimes,
    headed: bool,
    ended: bool,
}

impl Ledger {
    /// Begins one.
    #[must_use]
    pub fn open(store: Arc<dyn Store>, asked: Asked) -> Self {
        let asked = Arc::new(asked);
        let given = Arc::clone(&asked);
        let pages = Pages::open(store, asked.filter(), Arc::new(move |share: &[Decided]| Share::of(&given, share)));
        let (quarters, agencies) = (Quarters::default(), Agencies::default());
        Self { asked, pages, totals: Totals::default(), quarters, agencies, regimes: Regimes::default(), headed: false, ended: false }
    }

    /// The next bytes; nothing after the last. Whole rows.
    ///
    /// # Errors
    /// If something cannot be read: then what came before is no whole ledger.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let mut bytes = Vec::new();
        if !self.headed {
            self.headed = true;
            self.asked.form.head(self.asked.which.columns(), &mut bytes);
        }
        while bytes.is_empty() && !self.ended {
            match self.pages.next().await? {
                Some(shares) => shares.into_iter().for_each(|share| self.take(share, &mut bytes)),
                None => {
                    self.ended = true;
                    self.sheets(&mut bytes)?;
                }
            }
        }
        Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }

    fn take(&mut self, share: Share, bytes: &mut Vec<u8>) {
        bytes.extend(share.bytes);
        self.regimes.join(share.regimes);
        for row in &share.rows {
            let counted = match self.asked.which {
                Which::Income => self.quarters.add(row),
                Which::Agents => self.agencies.add(row),
                _ => true,
            };
            if counted {
                self.totals.add(&row.currency, row.amount, row.amount_cny);
            }
        }
    }

    /// The rows that are known only at the end.
    fn sheets(&self, bytes: &mut Vec<u8>) -> Result<(), Error> {
        let (form, columns) = (self.asked.form, self.asked.which.columns());
        let mixed = self.regimes.mixed();
        for ((seller, year, quarter), sums) in &self.quarters.0 {
            let mut row = serde_json::to_value(sums)?;
            row["seller"] = seller.as_str().into();
            row["period"] = format!("{year}Q{quarter}").into();
            row["deemed_rate"] = sums.deemed_rate().into();
            row["deemed_profit_cny"] = sums.deemed_profit().to_string().into();
            row["mixed"] = mixed.iter().any(|mixed| (&mixed.seller, mixed.year) == (seller, *year)).into();
            form.row(&row, columns, bytes)?;
        }
        for ((agent, principal, year, quarter, currency), sums) in &self.agencies.sums {
            let mut row = serde_json::to_value(sums)?;
            for (name, value) in [("agent", agent), ("principal", principal), ("currency", currency)] {
                row[name] = value.as_str().into();
            }
            row["period"] = format!("{year}Q{quarter}").into();
            form.row(&row, columns, bytes)?;
        }
        Ok(())
    }

    /// The sums of all rows so far: of the lines that are summed, where a row is a sum itself.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Entities that have refunds beside the deemed-profit rule in a year of export: N-MIXED-INCOME-REGIME. Whole years are looked at,
    /// whatever period was asked for.
    #[must_use]
    pub fn mixed(&self) -> Vec<Mixed> {
        self.regimes.mixed()
    }

    /// What is to be known of it beside its rows, in Chinese and English.
    #[must_use]
    pub fn note(&self) -> Option<(&'static str, &'static str)> {
        let of_then = self.asked.which == Which::Exchange && self.asked.known_on.is_some();
        of_then.then_some((
            "判定与收款单为该日所知；订单内容与收款单是否被退回为今日所见",
            "decisions and payments as they were known on that day; what orders say, and which payments were turned away, as of today",
        ))
    }

    /// Agents that exported something for which the list names nobody.
    pub fn unnamed(&self) -> impl Iterator<Item = &str> {
        self.agencies.unnamed.iter().map(String::as_str)
    }
}

/// What a share of a page gives.
struct Share {
    bytes: Vec<u8>,
    rows: Vec<Row>,
    regimes: Regimes,
}

impl Share {
    fn of(asked: &Asked, share: &[Decided]) -> Result<Self, Error> {
        let mut made = Self { bytes: Vec::new(), rows: Vec::new(), regimes: Regimes::default() };
        for decided in share {
            if let Some(paper) = paper(decided)? {
                made.add(asked, decided, &paper)?;
            }
        }
        Ok(made)
    }

    fn add(&mut self, asked: &Asked, decided: &Decided, paper: &Paper) -> Result<(), Error> {
        let heading = heading(&decided.dossier);
        let columns = asked.which.columns();
        let mut rows = Vec::with_capacity(paper.lines.len());
        for line in &paper.lines {
            let row = Row::of(&heading, line, |currency, day| asked.yuan(currency, day));
            if row.is_released() && asked.seller.as_ref().is_none_or(|seller| *seller == row.seller) {
                self.regimes.add(&line.inputs, line.outcome);
            }
            rows.extend(Some(row).filter(|row| asked.wants(row)));
        }
        match asked.which {
            Which::Sales => rows.retain(Row::is_exempt_sale),
            Which::Registration => rows.retain(Row::is_to_be_registered),
            Which::AgentLines => rows.retain(|row| row.is_released() && !row.agent.is_empty()),
            Which::Exchange => {
                rows.retain(Row::is_released);
                let order = &decided.dossier.declaration.order;
                if let Some(exchange) = Exchange::of(order, &rows, &payments(decided)) {
                    asked.form.row(&serde_json::to_value(exchange)?, columns, &mut self.bytes)?;
                }
            }
            Which::Income | Which::Agents => {}
        }
        if matches!(asked.which, Which::Sales | Which::Registration | Which::AgentLines) {
            for row in &rows {
                asked.form.row(&serde_json::to_value(row)?, columns, &mut self.bytes)?;
            }
        }
        self.rows.append(&mut rows);
        Ok(())
    }
}

/// The payments for an order that nobody has turned away.
fn payments(decided: &Decided) -> Vec<&Payment> {
    let standing = decided.follow_ups.iter().filter(|(kept, _)| kept.stands());
    let payment = standing.map(|(_, follow_up)| match &**follow_up {
        FollowUp::Payment(payment) => Some(payment),
        _ => None,
    });
    payment.flatten().collect()
}

/// The paper that is asked for of a declaration, if there was one.
///
/// # Errors
/// If it cannot be read.
pub fn paper(decided: &Decided) -> Result<Option<Paper>, Error> {
    let read = |kept: &String| exemption::read(kept).map_err(|error| Error::Paper(decided.dossier.id.0, error));
    decided.assessment.as_ref().map(read).transpose()
}

/// What stands above a declaration's lines.
#[must_use]
pub fn heading(dossier: &Dossier) -> Heading {
    let list = dossier.document(Kind::Inventory);
    let (order, owner) = (&dossier.declaration.order, &dossier.declaration.inventory.owner);
    Heading {
        order_no: order.order_no.clone(),
        seller: order.seller.code.clone(),
        inventory_no: list.and_then(|list| list.inventory_no.as_ref()).map(|no| no.0.clone()).unwrap_or_default(),
        port_no: list.and_then(|list| list.port_no.as_ref()).map(|no| no.0.clone()).unwrap_or_default(),
        state: list.map(|list| list.state.as_str().to_owned()).unwrap_or_default(),
        currency: order.currency.clone(),
        seller_name: order.seller.name.clone(),
        owner: owner.code.clone(),
        owner_name: owner.name.clone(),
    }
}
