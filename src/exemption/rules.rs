//! The decision table: one row and one small function per rule, tried in this order.
//!
//! To add a rule, write its function and put its row in its place. Rules D22 to D33 (materials, suspension, false documents, name lending,
//! unidentified sellers), D42 to D46 (refund, exemption with a voucher) and D80 to D82 (later passes) have no row yet: what D42 to D46
//! would decide ends at D47, for a person.

use rust_decimal::Decimal;

use crate::declaration::InvoiceStatus;

use super::{
    Outcome::{self, ExemptNoInvoice, NotEligible, Review, Taxable},
    Part,
    case::{Case, amount_agrees, is_hs10, same_fields},
    facts::{Direction, ListStatus, SellerKind, Taxpayer, Trade},
    library::{Flag, Lookup},
    pack::RegimeStatus,
    places::{Confidence, same_city},
    reasons::Code,
};

/// The trade mode of retail export (海关总署公告2014年第12号).
pub(super) const RETAIL_EXPORT: &str = "9610";

/// The rule that an override passes.
pub(super) const REGIME_RULE: &str = "D00";

/// What a rule found.
pub(super) struct Hit {
    codes: Vec<Code>,
    /// Whether the facts it stands on are certain.
    certain: bool,
}

fn when(fires: bool, code: Code) -> Option<Hit> {
    fires.then(|| Hit { codes: vec![code], certain: true })
}

/// What happens when a rule fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// It decides.
    Stop(Outcome),
    /// It is noted, and the next rule is tried: a failure that leads to this outcome.
    Collect(Outcome),
    /// It is noted as something still to come.
    Await,
}

/// One row of the table.
pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) action: Action,
    pub(super) curable: Option<bool>,
    test: fn(&Case<'_>, &Trail) -> Option<Hit>,
}

/// One code a rule collected.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) rule: &'static Rule,
    pub(super) code: Code,
    /// Whether the facts it stands on are certain.
    pub(super) certain: bool,
}

/// What was collected so far.
#[derive(Default)]
pub(super) struct Trail {
    pub(super) failures: Vec<Found>,
    pub(super) pending: Vec<Found>,
}

impl Trail {
    fn keep(&mut self, rule: &'static Rule, hit: Hit) {
        let found = hit.codes.into_iter().map(|code| Found { rule, code, certain: hit.certain });
        if rule.action == Action::Await { self.pending.extend(found) } else { self.failures.extend(found) }
    }

    fn has_incurable(&self) -> bool {
        self.failures.iter().any(|found| found.rule.curable == Some(false))
    }
}

const fn stop(id: &'static str, outcome: Outcome, curable: Option<bool>, test: fn(&Case<'_>, &Trail) -> Option<Hit>) -> Rule {
    Rule { id, action: Action::Stop(outcome), curable, test }
}

const fn collect(id: &'static str, outcome: Outcome, curable: bool, test: fn(&Case<'_>, &Trail) -> Option<Hit>) -> Rule {
    Rule { id, action: Action::Collect(outcome), curable: Some(curable), test }
}

const CURABLE: Option<bool> = Some(true);
const FINAL: Option<bool> = Some(false);

/// The table, in its order; the last row is [`OTHERWISE`].
pub(super) static RULES: [Rule; 35] = [
    stop("D01", NotEligible, FINAL, |case, _| when(case.facts.direction != Direction::Export, Code::Direction)),
    stop("D02", NotEligible, FINAL, |case, _| when(case.facts.trade_mode != RETAIL_EXPORT, Code::TradeMode)),
    stop("D03", NotEligible, CURABLE, list_cancelled),
    stop("D04", NotEligible, FINAL, |case, _| when(case.part == Part::Returned, Code::Returned)),
    stop("D09", NotEligible, CURABLE, |case, _| when(case.facts.fields.export_date.is_none(), Code::FieldExportDate)),
    stop("D05", NotEligible, FINAL, |case, _| when(case.day < case.pack.policy_from, Code::BeforePolicy)),
    stop("D11", NotEligible, CURABLE, hs_invalid),
    stop("D14", Review, CURABLE, |case, _| when(uncovered(case) && case.hint.is_some(), Code::ListReview)),
    stop("D12", Review, CURABLE, |case, _| when(uncovered(case) && case.hint.is_none(), Code::LibraryStale)),
    stop("D13", Review, CURABLE, |case, _| when(matches!(case.goods, Lookup::Ambiguous(_)), Code::HsAmbiguous)),
    stop("D21", Taxable, FINAL, cancelled_goods),
    stop("D40", NotEligible, CURABLE, |case, _| when(case.facts.invoice == InvoiceStatus::Unknown, Code::InvoiceUnknown)),
    stop("D41", NotEligible, CURABLE, invoice_conflict),
    stop("D47", Review, CURABLE, |case, _| when(case.facts.invoice != InvoiceStatus::None, Code::VoucherUndecided)),
    stop(REGIME_RULE, Review, CURABLE, regime_unverified),
    collect("D10", NotEligible, true, fields_missing),
    collect("D50", NotEligible, false, seller_type),
    collect("D51", NotEligible, false, not_exporter),
    collect("D52", NotEligible, false, seller_not_zone),
    collect("D53", NotEligible, false, zone_not_yet),
    collect("D54", NotEligible, true, platform_unregistered),
    collect("D55", NotEligible, true, platform_city),
    collect("D56", NotEligible, true, |case, _| when(case.registered().is_none() && case.can_be_registered(), Code::LineUnregistered)),
    Rule { id: "D56P", action: Action::Await, curable: CURABLE, test: line_not_yet },
    collect("D57", NotEligible, true, line_mismatch),
    collect("D60", Review, true, |case, _| when(case.office.is_none(), Code::CustomsUnmapped)),
    collect("D61", NotEligible, false, customs_city),
    collect("D62", Review, true, customs_reading),
    stop("D68", Review, CURABLE, |_, trail| result(trail.failures.iter().any(|found| found.rule.action == Action::Collect(Review)))),
    stop("D70", ExemptNoInvoice, None, all_met),
    stop("D71", ExemptNoInvoice, None, met_so_far),
    stop("D72", NotEligible, CURABLE, |_, trail| result(!trail.has_incurable())),
    stop("D75", NotEligible, FINAL, natural_person),
    stop("D73", Review, FINAL, small_without_voucher),
    stop("D74", Taxable, FINAL, taxed_without_voucher),
];

/// D76, the last row: fires whenever no row above decided, so that every line has an outcome.
pub(super) static OTHERWISE: Rule = stop("D76", Review, FINAL, |_, _| result(true));

/// The rule that decides, the codes it adds, and what was collected on the way.
pub(super) struct Decision {
    pub(super) rule: &'static Rule,
    pub(super) codes: Vec<Code>,
    pub(super) trail: Trail,
    /// Whether D00 was asked and let it pass.
    pub(super) past_regime: bool,
}

impl Decision {
    /// Its outcome.
    pub(super) fn outcome(&self) -> Outcome {
        match self.rule.action {
            Action::Stop(outcome) | Action::Collect(outcome) => outcome,
            Action::Await => Review,
        }
    }
}

/// Tries the rules in their order.
pub(super) fn decide(case: &Case<'_>) -> Decision {
    let (mut trail, mut past_regime) = (Trail::default(), false);
    for rule in &RULES {
        if let Some(hit) = (rule.test)(case, &trail) {
            match rule.action {
                Action::Stop(_) => return Decision { rule, codes: hit.codes, trail, past_regime },
                Action::Collect(_) | Action::Await => trail.keep(rule, hit),
            }
        }
        past_regime |= rule.id == REGIME_RULE;
    }
    Decision { rule: &OTHERWISE, codes: Vec::new(), trail, past_regime }
}

/// What the rules of one condition say, whatever other rules decided: for the working paper. Phase 6 and 7 rules only.
pub(super) fn collected(case: &Case<'_>) -> Trail {
    let mut trail = Trail::default();
    for rule in RULES.iter().filter(|rule| !matches!(rule.action, Action::Stop(_))) {
        if let Some(hit) = (rule.test)(case, &trail) {
            trail.keep(rule, hit);
        }
    }
    trail
}

/// A rule that adds no code to those that were collected.
fn result(fires: bool) -> Option<Hit> {
    fires.then(|| Hit { codes: Vec::new(), certain: true })
}

fn list_cancelled(case: &Case<'_>, _: &Trail) -> Option<Hit> {
    when(matches!(case.facts.list, ListStatus::Cancelled | ListStatus::Rejected), Code::ListCancelled)
}

fn hs_invalid(case: &Case<'_>, _: &Trail) -> Option<Hit> {
    when(!is_hs10(&case.facts.hs_code) || matches!(case.goods, Lookup::Absent(_)), Code::HsInvalid)
}

const fn uncovered(case: &Case<'_>) -> bool {
    matches!(case.goods, Lookup::NotCovered)
}

fn cancelled_goods(case: &Case<'_>, _: &Trail) -> Option<Hit> {
    when(case.goods.rate().is_some_and(|rate| rate.flag == Flag::TAXED), Code::Cancelled)
}

fn invoice_conflict(case: &Case<'_>, _: &Trail) -> Option<Hit> {
    when(case.facts.invoice == InvoiceStatus::None && case.facts.invoice_linked, Code::InvoiceConflict)
}

fn regime_unverified(case: &Case<'_>, _: &Trail) -> Option<Hit> {
    let unverified = case.pack.regime_103 != RegimeStatus::Verified && case.settings.regime_override.is_none();
    when(case.facts.invoice == InvoiceStatus::None && unverified, Code::RegimeUnverified)
}

fn fields_missing(case: &Case<'_>, _: &Trail) -> Option<Hit> {
    let fields = &case.facts.fields;
    let blank = |text: &Option<String>| text.as_deref().is_none_or(|text| text.trim().is_empty());
    let is_unit = |unit: &str| unit.len() == 3 && unit.bytes().all(|b| b.is_ascii_digit());
    let positive = |number: Option<Decimal>| number.filter(|number| *number > Decimal::ZERO);
    let (quantity, price) = (positive(fields.quantity), positive(fields.price));
    let amount_fits = match (quantity, price, fields.amount) {
        (Some(quantity), Some(price), Some(amount)) => amount_agrees(quantity, price, amount),
        // Without quantity or price there is nothing to compare it with.
        (_, _, amount) => amount.is_some(),
    };
    let codes: Vec<Code> = [
        (blank(&fields.name), Code::FieldName),
        (!fields.unit.as_deref().is_some_and(is_unit), Code::FieldUnit),
        (quantity.is_none(), Code::FieldQuantity),
        (price.is_none(), Code::FieldPrice),
        (!amount_fits, Code::FieldAmount),
    ]
    .into_iter()
    .filter_map(|(wrong, code)| wrong.then_some(code))
    .collect();
    (!codes.is_empty()).then_some(Hit { codes, certain: true })
}

fn seller_type(case: &Case<'_>, _: &Trail) -> Option<Hit> {
    when(case.seller().is_some_and(|seller| seller.kind == SellerKind::NaturalPerson), Code::SellerType)
}

fn not_exporter(case: &Case<'_>, _: &Trail) -> Option<Hit> {
    when(case.seller().is_some_and(|seller| seller.role != Trade::Exporter), Code::NotExporter)
}

fn seller_not_zone(case: &Case<'_>, _: &Trail) -> Option<Hit> {
    let missing = case.seller().is_some() && case.zone.is_none();
    // That our list lacks a city is no proof that it is no zone.
    missing.then(|| Hit { codes: vec![Code::SellerNotZone], certain: false })
}

fn zone_not_yet(case: &Case<'_>, _: &Trail) -> Option<Hit> {
    let zone = case.zone.filter(|zone| zone.approved_on > case.day)?;
    Some(Hit { codes: vec![Code::ZoneNotYet], certain: zone.confidence == Confidence::H })
}

/// A seller without a profile has no registration on record; the profile is what cures it.
fn platform_unregistered(case: &Case<'_>, _: &Trail) -> Option<Hit> {
    let registered = case.seller().and_then(|seller| seller.platform.as_ref());
    when(registered.is_none_or(|platform| platform.enterprise_reg_no.trim().is_empty()), Code::PlatformUnregistered)
}

fn platform_city(case: &Case<'_>, _: &Trail) -> Option<Hit> {
    let seller = case.seller()?;
    let named = &seller.platform.as_ref()?.zone;
    let same = match (case.zones.of(named), case.zone) {
        (Some(platform), Some(own)) => platform.name == own.name,
        _ => same_city(named, &seller.city),
    };
    when(!same, Code::PlatformCity)
}

fn line_not_yet(case: &Case<'_>, _: &Trail) -> Option<Hit> {
    when(case.registered().is_none() && !case.can_be_registered(), Code::LineRegistration)
}

fn line_mismatch(case: &Case<'_>, _: &Trail) -> Option<Hit> {
    when(case.registered().is_some_and(|registered| !same_fields(registered, &case.facts.fields)), Code::LineMismatch)
}

/// The configured reading says no, or, if none is configured, every one does. Only the latter is certain: the readings are inferred.
fn customs_city(case: &Case<'_>, _: &Trail) -> Option<Hit> {
    let office = case.office?;
    let every = case.every_reading_says_no();
    let says_no = case.settings.office_reading.map_or(every, |reading| case.says(reading) == Some(false));
    says_no.then(|| Hit { codes: vec![Code::CustomsCity], certain: every && office.certain })
}

fn customs_reading(case: &Case<'_>, _: &Trail) -> Option<Hit> {
    when(case.office.is_some() && case.settings.office_reading.is_none() && case.readings_disagree(), Code::CustomsReading)
}

fn all_met(case: &Case<'_>, trail: &Trail) -> Option<Hit> {
    let met = trail.failures.is_empty() && trail.pending.is_empty() && case.facts.list.released() && case.registered().is_some();
    if !met {
        return None;
    }
    let mut codes = vec![Code::Ok103];
    codes.extend(case.pack.may_bear_consumption_tax(&case.facts.hs_code, case.day).then_some(Code::ConsumptionTax));
    codes.extend(case.pack.parameter("deemed_profit_rate", case.day).map(|_| Code::DeemedProfit));
    Some(Hit { codes, certain: true })
}

fn met_so_far(_: &Case<'_>, trail: &Trail) -> Option<Hit> {
    trail.failures.is_empty().then(|| Hit { codes: vec![Code::Ok103Provisional], certain: true })
}

fn natural_person(case: &Case<'_>, _: &Trail) -> Option<Hit> {
    result(case.seller().is_some_and(|seller| seller.kind == SellerKind::NaturalPerson))
}

fn small_without_voucher(case: &Case<'_>, _: &Trail) -> Option<Hit> {
    when(case.seller().is_none_or(|seller| seller.taxpayer != Taxpayer::General), Code::SmallNoVoucher)
}

/// One failure on a verified rule and mapped facts is enough: 103号 is then out whatever the others rest on.
fn taxed_without_voucher(case: &Case<'_>, trail: &Trail) -> Option<Hit> {
    let general = case.seller().is_some_and(|seller| seller.taxpayer == Taxpayer::General);
    let sure = |found: &Found| found.rule.curable == Some(false) && found.certain && case.pack.is_verified(found.rule.id);
    when(case.facts.invoice == InvoiceStatus::None && general && trail.failures.iter().any(sure), Code::NoVoucher)
}
