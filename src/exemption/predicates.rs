//! The test of each rule, by its id. What a rule leads to stands in the pack's table.

use rust_decimal::Decimal;

use crate::declaration::{InvoiceStatus, Statistics};

use super::{
    case::{Case, amount_agrees, is_hs10, same_fields},
    deadlines,
    facts::{Direction, ListStatus, SellerKind, SellerNamed, Taxpayer, Trade},
    library::{Flag, Lookup},
    pack::RegimeStatus,
    places::{Confidence, same_city},
    reasons::Code,
    rules::{Found, Hit, Trail},
};

/// The trade mode of retail export (海关总署公告2014年第12号).
pub(super) const RETAIL_EXPORT: &str = "9610";

/// The test of a rule.
pub(super) type Predicate = fn(&Case<'_>, &Trail<'_>) -> Option<Hit>;

/// Every rule that has a test. D82 has none of its own: it compares the lines of an entity and year ([`super::mixed_regimes`]).
static ALL: [(&str, Predicate); 50] = [
    ("D01", |case, _| when(case.facts.direction != Direction::Export, Code::Direction)),
    ("D02", |case, _| when(case.facts.trade_mode != RETAIL_EXPORT, Code::TradeMode)),
    ("D03", list_cancelled),
    ("D04", |case, _| when(case.part == super::Part::Returned, Code::Returned)),
    ("D09", |case, _| when(case.facts.fields.export_date.is_none(), Code::FieldExportDate)),
    ("D05", |case, _| when(case.day < case.pack.policy_from, Code::BeforePolicy)),
    ("D11", hs_invalid),
    ("D14", |case, _| when(uncovered(case) && case.hint.is_some(), Code::ListReview)),
    ("D12", |case, _| when(uncovered(case) && case.hint.is_none(), Code::LibraryStale)),
    ("D13", |case, _| when(matches!(case.goods, Lookup::Ambiguous(_)), Code::HsAmbiguous)),
    ("D21", cancelled_goods),
    ("D22", materials_taxed),
    ("D23", materials_review),
    ("D30", |case, _| when(case.seller().is_some_and(|seller| seller.suspended.iter().any(|span| span.holds(case.day))), Code::Suspended)),
    ("D31", |case, _| when(case.facts.found.false_documents, Code::FalseDocuments)),
    ("D33", |case, _| when(case.facts.found.name_lending, Code::NameLending)),
    ("D32", |case, _| when(case.facts.seller_named == SellerNamed::Nowhere, Code::SellerUnidentified)),
    ("D40", |case, _| when(case.facts.invoice == InvoiceStatus::Unknown, Code::InvoiceUnknown)),
    ("D41", invoice_conflict),
    ("D46", |case, _| when(has_voucher(case) && flag(case) == Some(Flag::EXEMPT), Code::FlagExempt)),
    ("D45", |case, _| when(has_voucher(case) && taxpayer(case) == Taxpayer::Small, Code::Small)),
    ("D42", refundable),
    ("D43", refund_forgone),
    ("D44", |case, _| when(matches!(case.facts.invoice, InvoiceStatus::Ordinary | InvoiceStatus::OtherValid), Code::Voucher)),
    ("D47", |case, _| when(case.facts.invoice != InvoiceStatus::None, Code::VoucherUndecided)),
    (super::rules::REGIME_RULE, regime_unverified),
    ("D10", fields_missing),
    ("D50", seller_type),
    ("D51", not_exporter),
    ("D52", seller_not_zone),
    ("D53", zone_not_yet),
    ("D54", platform_unregistered),
    ("D55", platform_city),
    ("D56", |case, _| when(case.registered().is_none() && case.can_be_registered(), Code::LineUnregistered)),
    ("D56P", line_not_yet),
    ("D57", line_mismatch),
    ("D60", |case, _| when(case.office.is_none(), Code::CustomsUnmapped)),
    ("D61", customs_city),
    ("D62", customs_reading),
    ("D68", |_, trail| result(trail.asks_for_a_person())),
    ("D70", all_met),
    ("D71", met_so_far),
    ("D72", |_, trail| result(!trail.has_incurable())),
    ("D75", natural_person),
    ("D73", small_without_voucher),
    (TAXED_WITHOUT_VOUCHER, taxed_without_voucher),
    ("D76", |_, _| result(true)),
    ("D80", |case, _| when(deadlines::of(case).is_some_and(|due| due.stopped(case.today)), Code::Overdue)),
    ("D81", |case, _| when(deadlines::of(case).is_some_and(|due| due.warns(case.today)), Code::FilingDue)),
    ("D82", never),
];

/// Looks itself whether the rules it taxes on are verified.
const TAXED_WITHOUT_VOUCHER: &str = "D74";

/// A rule's id and test.
pub(super) fn named(id: &str) -> Option<(&'static str, Predicate)> {
    ALL.iter().find(|(name, _)| *name == id).copied()
}

/// Whether a rule that taxes asks the pack itself which rules are verified.
pub(super) fn looks_itself(id: &str) -> bool {
    id == TAXED_WITHOUT_VOUCHER
}

/// Never fires.
pub(super) const fn never(_: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    None
}

fn when(fires: bool, code: Code) -> Option<Hit> {
    fires.then(|| Hit { codes: vec![code], certain: true })
}

fn flag(case: &Case<'_>) -> Option<Flag> {
    case.goods.rate().map(|rate| rate.flag)
}

fn taxpayer(case: &Case<'_>) -> Taxpayer {
    case.seller().map_or(Taxpayer::Unknown, |seller| seller.taxpayer)
}

const fn has_voucher(case: &Case<'_>) -> bool {
    matches!(case.facts.invoice, InvoiceStatus::Special | InvoiceStatus::Ordinary | InvoiceStatus::OtherValid)
}

/// Whether materials of annex 9 make up as much of the cost as the pack's limit says (2026年第11号第九条(二)4; before, 财税〔2014〕98号).
fn materials_reach(case: &Case<'_>) -> bool {
    let limit = case.pack.limit("material_share_taxed", case.day);
    let share = case.facts.materials.as_ref().filter(|materials| !materials.annex_8).map(|materials| materials.share);
    share.zip(limit).is_some_and(|(share, limit)| share >= limit)
}

fn materials_tax(case: &Case<'_>) -> bool {
    case.pack.parameter("material_share_effect", case.day).is_some_and(|effect| effect.value == "tax")
}

fn materials_taxed(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    let taxed = case.material.and_then(|material| material.rate()).is_some_and(|rate| rate.flag == Flag::TAXED);
    when(materials_reach(case) && materials_tax(case) && taxed, Code::Silver)
}

fn materials_review(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    // D22 has decided where the pack taxes and the material's row says so; a row of another flag settles it the other way.
    let settled = case.material.is_some_and(|material| material.rate().is_some());
    let reached = materials_reach(case) && !(materials_tax(case) && settled);
    let unknown = case.facts.materials.is_none() && case.hint.is_some_and(|hint| hint.matches == "FLAG2/50%RULE");
    when(reached || unknown, Code::MaterialReview)
}

/// The special invoice's own rate caps the refund where it is a levy rate of 3 or 1 per cent (2026年第11号第三条(二)1).
fn refundable(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    let facts = case.facts;
    let refund = case.goods.rate().is_some_and(|rate| rate.refund > Decimal::ZERO);
    let fires =
        facts.invoice == InvoiceStatus::Special && taxpayer(case) == Taxpayer::General && facts.route == Statistics::Summed && refund;
    let capped = facts.invoice_rate.is_some_and(|rate| rate == Decimal::ONE || rate == Decimal::from(3));
    let mut codes = vec![Code::Refund];
    codes.extend((capped && case.pack.reasons.in_force(Code::RateCap, case.day)).then_some(Code::RateCap));
    fires.then_some(Hit { codes, certain: true })
}

/// Summed statistics foreclose a refund. Where one would be lost, that needs a recorded choice by name: nobody gives up money silently.
fn refund_forgone(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    let fires = case.facts.invoice == InvoiceStatus::Special && case.facts.route == Statistics::Simplified;
    let loses = case.goods.rate().is_none_or(|rate| rate.refund > Decimal::ZERO);
    when(fires && (!loses || case.facts.forgone.is_some()), Code::SpecialNoDeclaration)
}

/// A rule that adds no code to those that were collected.
fn result(fires: bool) -> Option<Hit> {
    fires.then(|| Hit { codes: Vec::new(), certain: true })
}

fn list_cancelled(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    when(matches!(case.facts.list, ListStatus::Cancelled | ListStatus::Rejected), Code::ListCancelled)
}

fn hs_invalid(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    when(!is_hs10(&case.facts.hs_code) || matches!(case.goods, Lookup::Absent(_)), Code::HsInvalid)
}

const fn uncovered(case: &Case<'_>) -> bool {
    matches!(case.goods, Lookup::NotCovered)
}

fn cancelled_goods(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    when(case.goods.rate().is_some_and(|rate| rate.flag == Flag::TAXED), Code::Cancelled)
}

fn invoice_conflict(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    when(case.facts.invoice == InvoiceStatus::None && case.facts.invoice_linked, Code::InvoiceConflict)
}

fn regime_unverified(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    let unverified = case.pack.regime_103 != RegimeStatus::Verified && case.settings.regime_override.is_none();
    when(case.facts.invoice == InvoiceStatus::None && unverified, Code::RegimeUnverified)
}

fn fields_missing(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
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

fn seller_type(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    when(case.seller().is_some_and(|seller| seller.kind == SellerKind::NaturalPerson), Code::SellerType)
}

fn not_exporter(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    when(case.seller().is_some_and(|seller| seller.role != Trade::Exporter), Code::NotExporter)
}

fn seller_not_zone(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    let missing = case.seller().is_some() && case.zone.is_none();
    // That our list lacks a city is no proof that it is no zone.
    missing.then(|| Hit { codes: vec![Code::SellerNotZone], certain: false })
}

fn zone_not_yet(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    let zone = case.zone.filter(|zone| zone.approved_on > case.day)?;
    Some(Hit { codes: vec![Code::ZoneNotYet], certain: zone.confidence == Confidence::H })
}

/// A seller without a profile has no registration on record; the profile is what cures it.
fn platform_unregistered(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    let registered = case.seller().and_then(|seller| seller.platform.as_ref());
    when(registered.is_none_or(|platform| platform.enterprise_reg_no.trim().is_empty()), Code::PlatformUnregistered)
}

fn platform_city(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    let seller = case.seller()?;
    let named = &seller.platform.as_ref()?.zone;
    let same = match (case.zones.of(named), case.zone) {
        (Some(platform), Some(own)) => platform.name == own.name,
        _ => same_city(named, &seller.city),
    };
    when(!same, Code::PlatformCity)
}

fn line_not_yet(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    when(case.registered().is_none() && !case.can_be_registered(), Code::LineRegistration)
}

fn line_mismatch(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    when(case.registered().is_some_and(|registered| !same_fields(registered, &case.facts.fields)), Code::LineMismatch)
}

/// The configured reading says no, or, if none is configured, every one does. Only the latter is certain: the readings are inferred.
fn customs_city(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    let office = case.office?;
    let every = case.every_reading_says_no();
    let says_no = case.settings.office_reading.map_or(every, |reading| case.says(reading) == Some(false));
    says_no.then(|| Hit { codes: vec![Code::CustomsCity], certain: every && office.certain })
}

fn customs_reading(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    when(case.office.is_some() && case.settings.office_reading.is_none() && case.readings_disagree(), Code::CustomsReading)
}

fn all_met(case: &Case<'_>, trail: &Trail<'_>) -> Option<Hit> {
    let met = trail.failures.is_empty() && trail.pending.is_empty() && case.facts.list.released() && case.registered().is_some();
    if !met {
        return None;
    }
    let mut codes = vec![Code::Ok103];
    codes.extend(case.pack.may_bear_consumption_tax(&case.facts.hs_code, case.day).then_some(Code::ConsumptionTax));
    codes.extend(case.pack.parameter("deemed_profit_rate", case.day).map(|_| Code::DeemedProfit));
    Some(Hit { codes, certain: true })
}

fn met_so_far(_: &Case<'_>, trail: &Trail<'_>) -> Option<Hit> {
    trail.failures.is_empty().then(|| Hit { codes: vec![Code::Ok103Provisional], certain: true })
}

fn natural_person(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    result(case.seller().is_some_and(|seller| seller.kind == SellerKind::NaturalPerson))
}

fn small_without_voucher(case: &Case<'_>, _: &Trail<'_>) -> Option<Hit> {
    when(case.seller().is_none_or(|seller| seller.taxpayer != Taxpayer::General), Code::SmallNoVoucher)
}

/// One failure on a verified rule and mapped facts is enough: 103号 is then out whatever the others rest on.
fn taxed_without_voucher(case: &Case<'_>, trail: &Trail<'_>) -> Option<Hit> {
    let general = case.seller().is_some_and(|seller| seller.taxpayer == Taxpayer::General);
    let sure = |found: &Found<'_>| found.rule.curable == Some(false) && found.certain && case.pack.is_verified(found.rule.id);
    when(case.facts.invoice == InvoiceStatus::None && general && trail.failures.iter().any(sure), Code::NoVoucher)
}
