//! Reads the fields that hold a code of an official list.

use rust_decimal::Decimal;
use time::Date;

use super::{
    fields::Field,
    read::{Amount, shown},
    report::Report,
    rules::{self, Rule},
};
use crate::codes::{self, HsMatch};

/// The customs districts this gateway declares to: Guangzhou and Huangpu.
const DISTRICTS: [&str; 2] = ["51", "52"];
/// 海关总署, which clears nothing itself.
const ADMINISTRATION: &str = "0000";

/// A code that `known` knows; empty if it was not good, which is noted under `rule`.
pub(super) fn known(report: &mut Report, field: Field, value: &str, rule: &'static Rule, known: impl FnOnce(&str, Date) -> bool) -> String {
    report.code(field, 0, value, rule, known).unwrap_or_default()
}

/// A customs office, wherever it is.
pub(super) fn office(report: &mut Report, field: Field, value: &str) -> String {
    known(report, field, value, &rules::OFFICE, |code, today| code != ADMINISTRATION && codes::office(code, today).is_some())
}

/// A customs office that this gateway declares exports to.
pub(super) fn declaring_office(report: &mut Report, field: Field, value: &str) -> String {
    let code = office(report, field, value);
    if !code.is_empty() && !DISTRICTS.iter().any(|district| code.starts_with(district)) {
        report.add(&rules::OFFICE_DISTRICT, field, 0, shown(&code));
    }
    code
}

/// A supervised site of an office.
pub(super) fn site(report: &mut Report, field: Field, value: &str, declared_at: &str) -> Option<String> {
    let site = report.text(field, 0, value)?;
    let fits = codes::site(&site, report.today).is_some_and(|row| declared_at.is_empty() || declared_at.starts_with(row.office));
    if !fits {
        report.add(&rules::SITE, field, 0, shown(&site));
    }
    Some(site)
}

/// A currency.
pub(super) fn currency(report: &mut Report, field: Field, index: usize, value: &str) -> String {
    report.code(field, index, value, &rules::CURRENCY, |code, today| codes::currency(code, today).is_some()).unwrap_or_default()
}

/// A country.
pub(super) fn country(report: &mut Report, field: Field, index: usize, value: &str) -> String {
    report.code(field, index, value, &rules::COUNTRY, |code, today| codes::country(code, today).is_some()).unwrap_or_default()
}

/// A unit.
pub(super) fn unit(report: &mut Report, field: Field, index: usize, value: &str) -> Option<String> {
    report.code(field, index, value, &rules::UNIT, |code, today| codes::unit(code, today).is_some())
}

/// A mode of transport.
pub(super) fn transport(report: &mut Report, field: Field, value: &str) -> String {
    known(report, field, value, &rules::TRANSPORT, |code, today| codes::transport(code, today).is_some())
}

/// A kind of packing.
pub(super) fn wrap(report: &mut Report, field: Field, value: &str) -> String {
    known(report, field, value, &rules::WRAP, |code, today| codes::wrap(code, today).is_some())
}

/// A port.
pub(super) fn port(report: &mut Report, field: Field, value: &str) -> String {
    known(report, field, value, &rules::PORT, |code, today| codes::port(code, today).is_some())
}

/// A commodity.
pub(super) fn hs_code(report: &mut Report, field: Field, index: usize, value: &str) -> String {
    let digits = |code: &str, _| code.len() == 10 && code.bytes().all(|b| b.is_ascii_digit());
    if value.trim().is_empty() || digits(value, report.today) {
        let code = report.code(field, index, value, &rules::LENGTH, digits).unwrap_or_default();
        match codes::hs(&code, report.today) {
            HsMatch::Unknown if !code.is_empty() => report.add(&rules::HS_HEADING, field, index, shown(&code)),
            HsMatch::HeadingOnly(known) => report.add(&rules::HS_CODE, field, index, known.to_string()),
            _ => {}
        }
        return code;
    }
    report.add(&rules::LENGTH, field, index, "10");
    String::new()
}

/// A second quantity with its unit: both or neither.
pub(super) fn second(report: &mut Report, fields: (Field, Field), index: usize, sent: (&str, &str)) -> Option<(Decimal, String)> {
    let quantity = report.amount(fields.0, index, sent.0, Amount::Positive);
    let unit = unit(report, fields.1, index, sent.1);
    if sent.0.trim().is_empty() != sent.1.trim().is_empty() {
        report.add(&rules::SECOND, fields.0, index, "");
    }
    quantity.zip(unit)
}

/// One unit, one quantity (messages §6).
pub(super) fn check_unit_equal(
    report: &mut Report,
    field: Field,
    index: usize,
    (legal, legal_unit): (Decimal, &str),
    (quantity, unit): (Decimal, &str),
) {
    if !legal_unit.is_empty() && unit == legal_unit && !quantity.is_zero() && quantity != legal {
        report.add(&rules::UNIT_EQUAL, field, index, shown(&quantity.to_string()));
    }
}
