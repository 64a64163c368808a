//! The form in which decisions are kept: what the pack does not already say. Texts are put in again where a paper is shown.
//!
//! One text of JSON. Lines that share the list, the seller and what they were decided with stand together in a run, which says it
//! once; what was found about them stands once for all lines of which the same was found. A pack is named by the beginning of its digest, and every pack that ever decided is in the program. Nothing is taken from
//! the declaration as it stands today: it may have been amended since.
//!
//! Papers kept before this form hold all their texts ([`Paper`] as JSON) and are read as they are.

use std::{borrow::Cow, sync::Arc};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, de::Error as _};
use time::Date;

use super::{
    decision::{Alternative, Assessment, Cause, LineAssessment, Outcome, Part, Stage, Yuan},
    facts::{Confirmed, Entered, Evidence, Facts, Forgone, Materials, Override, Registration, SellerNamed, SixFields, is_default},
    pack::{self, Pack},
    paper::Paper,
    places::Reading,
    predicates::RETAIL_EXPORT,
    table::DataError,
};
use crate::declaration::{InvoiceStatus, Statistics};

mod rows;

use self::rows::{HintRow, LibraryRow, ListRow, OfficeRow, PartRow, RateRow, ReasonRow, SellerMore, SellerRow, TestRow};

/// The number of this form, the first thing in it.
const FORM: u8 = 2;
/// How much of a pack's digest is kept: 64 bits tell the packs in the program apart, and the program has the rest.
const DIGEST: usize = 16;

/// Why a kept decision cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not of a form that is known.
    #[error("a kept decision is not of a known form")]
    Form(#[from] serde_json::Error),
    /// It was made under a pack that this program does not have.
    #[error("the rule pack {0} of a kept decision is not known")]
    Pack(String),
    /// A pack in the program is broken.
    #[error("a table of the exemption is broken")]
    Data(#[from] DataError),
}

#[derive(Deserialize)]
struct Numbered {
    #[serde(default)]
    v: u8,
}

#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    v: u8,
    on: Date,
    by: Cause,
    runs: Vec<Run<'a>>,
}

/// What is the same for lines that follow each other.
#[derive(Serialize, Deserialize, PartialEq)]
struct Run<'a> {
    pack: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lib: Option<LibraryRow<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "override")]
    over: Option<Cow<'a, Override>>,
    list: ListRow,
    #[serde(default = "retail", skip_serializing_if = "is_retail")]
    mode: Cow<'a, str>,
    route: Statistics,
    #[serde(default, skip_serializing_if = "is_default")]
    way: super::facts::Direction,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date: Option<Date>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    cur: Cow<'a, str>,
    /// Yuan for one unit of it, and the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fx: Option<(Decimal, Cow<'a, str>)>,
    at: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    office: Option<OfficeRow<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reading: Option<Reading>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seller: Option<SellerRow<'a>>,
    #[serde(default, skip_serializing_if = "is_default")]
    named: SellerNamed,
    #[serde(default, skip_serializing_if = "is_default")]
    evidence: Evidence,
    /// What few sellers have.
    #[serde(default, skip_serializing_if = "is_default")]
    more: SellerMore,
    found: Vec<Verdict<'a>>,
    lines: Vec<Line<'a>>,
}

/// What was found about a line.
#[derive(Serialize, Deserialize, PartialEq)]
struct Verdict<'a> {
    out: Outcome,
    #[serde(default = "forecast", skip_serializing_if = "is_forecast")]
    stage: Stage,
    rule: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cure: Option<bool>,
    /// Whether it needed the override of the run.
    #[serde(default, skip_serializing_if = "is_default")]
    past: bool,
    why: Vec<ReasonRow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    wait: Vec<ReasonRow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    note: Vec<ReasonRow>,
    /// What each possible reading would lead to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    either: Vec<Cow<'a, Alternative>>,
    tests: [TestRow; 4],
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Line<'a> {
    n: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part: Option<PartRow>,
    hs: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    qty: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sum: Option<Decimal>,
    invoice: InvoiceStatus,
    #[serde(default, skip_serializing_if = "is_default")]
    linked: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    back: Decimal,
    #[serde(default, skip_serializing_if = "is_default")]
    reg: Registered<'a>,
    /// Where that stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entered: Option<Cow<'a, Entered>>,
    /// Whether it counts as registered.
    #[serde(default, skip_serializing_if = "is_default")]
    done: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate: Option<RateRow<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint: Option<HintRow<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    invoice_rate: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    materials: Option<Cow<'a, Materials>>,
    #[serde(default, skip_serializing_if = "is_default")]
    confirmed: Confirmed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forgone: Option<Cow<'a, Forgone>>,
    /// The place in `found` of what was found about it.
    #[serde(default, skip_serializing_if = "is_default")]
    found: usize,
}

/// [`Registration`], with the values of the list left out.
#[derive(Serialize, Deserialize, PartialEq, Default)]
#[serde(rename_all = "snake_case")]
enum Registered<'a> {
    #[default]
    Not,
    Word,
    Same,
    Other(Cow<'a, SixFields>),
}

const fn retail() -> Cow<'static, str> {
    Cow::Borrowed(RETAIL_EXPORT)
}

fn is_retail(mode: &str) -> bool {
    mode == RETAIL_EXPORT
}

const fn forecast() -> Stage {
    Stage::Forecast
}

fn is_forecast(stage: &Stage) -> bool {
    *stage == Stage::Forecast
}

impl Assessment {
    /// The text in which it is kept.
    #[must_use]
    pub fn to_kept(&self) -> String {
        let mut runs: Vec<Run<'_>> = Vec::with_capacity(1);
        for decided in &self.lines {
            let run = run(decided);
            match runs.last_mut() {
                Some(last) if last.shares(&run) => last.join(run),
                _ => runs.push(run),
            }
        }
        let kept = Kept { v: FORM, on: self.on, by: self.cause, runs };
        // Text, numbers, days and lists of them always serialise.
        serde_json::to_string(&kept).unwrap_or_default()
    }
}

impl Run<'_> {
    /// Whether all but the lines is the same, as far as both say it.
    fn shares(&self, other: &Self) -> bool {
        let Self { pack, lib, over, list, mode, route, way, date, cur, fx, at, office, reading, seller, named, evidence, more, .. } = other;
        (&self.pack, &self.lib, &self.list, &self.mode) == (pack, lib, list, mode)
            && (self.over == *over || self.over.is_none() || over.is_none())
            && (&self.route, &self.way, &self.date, &self.at, &self.office) == (route, way, date, at, office)
            && (&self.cur, &self.fx) == (cur, fx)
            && (&self.reading, &self.seller, &self.named, &self.evidence, &self.more) == (reading, seller, named, evidence, more)
    }
}

impl<'a> Run<'a> {
    /// Takes in the lines of one that shares all else.
    fn join(&mut self, other: Self) {
        self.over = self.over.take().or(other.over);
        let mut places = Vec::with_capacity(other.found.len());
        for verdict in other.found {
            let place = self.found.iter().position(|known| *known == verdict).unwrap_or(self.found.len());
            if place == self.found.len() {
                self.found.push(verdict);
            }
            places.push(place);
        }
        let moved = |line: Line<'a>| Line { found: places.get(line.found).copied().unwrap_or_default(), ..line };
        self.lines.extend(other.lines.into_iter().map(moved));
    }
}

fn run(decided: &LineAssessment) -> Run<'_> {
    let (facts, looked) = (&decided.inputs, &decided.looked);
    Run {
        pack: Cow::Borrowed(decided.pack.digest.get(..DIGEST).unwrap_or(&decided.pack.digest)),
        lib: decided.library.as_deref().map(LibraryRow::from),
        over: decided.override_used.as_deref().map(Cow::Borrowed),
        list: ListRow::from(facts.list),
        mode: Cow::Borrowed(&facts.trade_mode),
        route: facts.route,
        way: facts.direction,
        date: facts.fields.export_date,
        cur: Cow::Borrowed(&facts.currency),
        fx: looked.yuan.as_deref().map(|yuan| (yuan.rate, Cow::Borrowed(yuan.source.as_str()))),
        at: Cow::Borrowed(&facts.declared_at),
        office: looked.office.as_deref().map(OfficeRow::from),
        reading: looked.reading,
        seller: facts.seller.as_deref().map(SellerRow::from),
        named: facts.seller_named,
        evidence: facts.evidence,
        more: facts.seller.as_deref().map(SellerMore::from).unwrap_or_default(),
        found: vec![verdict(decided)],
        lines: vec![line(decided)],
    }
}

fn verdict(decided: &LineAssessment) -> Verdict<'_> {
    let row = |reasons: &[super::Reason]| reasons.iter().map(|reason| ReasonRow::of(reason, &decided.rule)).collect();
    Verdict {
        out: decided.outcome,
        stage: decided.stage,
        rule: Cow::Borrowed(&decided.rule),
        cure: decided.curable,
        past: decided.override_used.is_some(),
        why: row(&decided.reasons),
        wait: row(&decided.pending),
        note: row(&decided.notes),
        either: decided.alternatives.iter().map(Cow::Borrowed).collect(),
        tests: decided.tests.each_ref().map(TestRow::from),
    }
}

fn line(decided: &LineAssessment) -> Line<'_> {
    let (facts, fields) = (&decided.inputs, &decided.inputs.fields);
    Line {
        n: decided.line,
        part: PartRow::of(decided),
        hs: Cow::Borrowed(&facts.hs_code),
        name: fields.name.as_deref().map(Cow::Borrowed),
        unit: fields.unit.as_deref().map(Cow::Borrowed),
        qty: fields.quantity,
        price: fields.price,
        sum: fields.amount,
        invoice: facts.invoice,
        linked: facts.invoice_linked,
        back: facts.returned,
        reg: match &facts.registration {
            Registration::NotRegistered => Registered::Not,
            Registration::OnWord => Registered::Word,
            Registration::Registered(values) if values == fields => Registered::Same,
            Registration::Registered(values) => Registered::Other(Cow::Borrowed(values)),
        },
        entered: facts.entered.as_ref().map(Cow::Borrowed),
        done: decided.looked.registered,
        rate: decided.looked.rate.as_deref().map(|rate| RateRow::of(rate, &facts.hs_code)),
        hint: decided.looked.hint.as_deref().map(HintRow::from),
        invoice_rate: facts.invoice_rate,
        materials: facts.materials.as_ref().map(Cow::Borrowed),
        confirmed: facts.found,
        forgone: facts.forgone.as_ref().map(Cow::Borrowed),
        found: 0,
    }
}

/// Reads a kept decision of either form, with its texts.
///
/// # Errors
/// If it is of no known form, or its pack is not in this program.
pub fn read(text: &str) -> Result<Paper, ReadError> {
    // A paper with all its texts has no number of a form.
    match serde_json::from_str::<Numbered>(text)?.v {
        0 => Ok(serde_json::from_str(text)?),
        _ => Ok(Paper::from(&read_short(text)?)),
    }
}

fn read_short(text: &str) -> Result<Assessment, ReadError> {
    let kept: Kept<'_> = serde_json::from_str(text)?;
    if kept.v != FORM {
        return Err(ReadError::Form(serde_json::Error::custom(format!("form {} of a kept decision", kept.v))));
    }
    let mut lines = Vec::new();
    for mut run in kept.runs {
        let pack = known(&run.pack)?;
        for line in std::mem::take(&mut run.lines) {
            lines.push(restored(&run, line, &pack)?);
        }
    }
    Ok(Assessment { on: kept.on, cause: kept.by, lines })
}

fn known(digest: &str) -> Result<Arc<Pack>, ReadError> {
    let mut packs = pack::known()?.iter();
    let found = packs.find(|pack| digest.len() == DIGEST && pack.digest.starts_with(digest));
    found.cloned().ok_or_else(|| ReadError::Pack(digest.to_owned()))
}

fn restored(run: &Run<'_>, line: Line<'_>, pack: &Arc<Pack>) -> Result<LineAssessment, ReadError> {
    let fields = SixFields {
        export_date: run.date,
        name: line.name.map(Cow::into_owned),
        unit: line.unit.map(Cow::into_owned),
        quantity: line.qty,
        price: line.price,
        amount: line.sum,
    };
    let whole = PartRow { part: Part::Whole, quantity: fields.quantity, amount: fields.amount };
    let PartRow { part, quantity, amount } = line.part.unwrap_or(whole);
    let verdict = run.found.get(line.found).ok_or_else(|| serde_json::Error::custom("nothing was found about a line"))?;
    let rows = |rows: &[ReasonRow]| rows.iter().map(|row| row.restored(&verdict.rule)).collect::<Result<Vec<_>, _>>();
    let (reasons, pending, notes) = (rows(&verdict.why)?, rows(&verdict.wait)?, rows(&verdict.note)?);
    let [a, b, c, d] = &verdict.tests;
    Ok(LineAssessment {
        line: line.n,
        part,
        quantity,
        amount,
        outcome: verdict.out,
        stage: verdict.stage,
        rule: Cow::Owned(verdict.rule.clone().into_owned()),
        curable: verdict.cure,
        reasons,
        pending,
        notes,
        alternatives: verdict.either.iter().map(|either| either.clone().into_owned()).collect(),
        tests: [a.restored()?, b.restored()?, c.restored()?, d.restored()?],
        looked: super::Looked {
            office: run.office.as_ref().map(OfficeRow::restored),
            reading: run.reading,
            rate: line.rate.map(|rate| Arc::new(rate.restored(&line.hs))),
            hint: line.hint.map(HintRow::restored),
            registered: line.done,
            yuan: run.fx.as_ref().map(|(rate, source)| Arc::new(Yuan { rate: *rate, source: source.clone().into_owned() })),
        },
        inputs: Facts {
            line: line.n,
            direction: run.way,
            trade_mode: run.mode.clone().into_owned(),
            route: run.route,
            list: run.list.restored()?,
            hs_code: line.hs.into_owned(),
            currency: run.cur.clone().into_owned(),
            declared_at: run.at.clone().into_owned(),
            invoice: line.invoice,
            invoice_linked: line.linked,
            returned: line.back,
            seller: run.seller.as_ref().map(|seller| seller.restored(&run.more)),
            seller_named: run.named,
            registration: match line.reg {
                Registered::Not => Registration::NotRegistered,
                Registered::Word => Registration::OnWord,
                Registered::Same => Registration::Registered(fields.clone()),
                Registered::Other(values) => Registration::Registered(values.into_owned()),
            },
            entered: line.entered.map(Cow::into_owned),
            evidence: run.evidence,
            invoice_rate: line.invoice_rate,
            materials: line.materials.map(Cow::into_owned),
            found: line.confirmed,
            forgone: line.forgone.map(Cow::into_owned),
            fields,
        },
        pack: Arc::clone(pack),
        library: run.lib.as_ref().map(LibraryRow::restored),
        override_used: run.over.as_deref().filter(|_| verdict.past).map(|used| Arc::new(used.clone())),
    })
}
