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

/// A currency: the old code, also where ISO letters were sent.
pub(super) fn currency(report: &mut Report, field: Field, index: usize, value: &str) -> String {
    report.listed(field, index, value, &rules::CURRENCY, codes::currency_to_wire).unwrap_or_default()
}

/// A country: the old code, also where ISO letters were sent.
pub(super) fn country(report: &mut Report, field: Field, index: usize, value: &str) -> String {
    report.listed(field, index, value, &rules::COUNTRY, codes::country_to_wire).unwrap_or_default()
}

/// A unit.
pub(super) fn unit(report: &mut Report, field: Field, index: usize, value: &str) -> Option<String> {
    report.code(field, index, value, &rules::UNIT, |code, today| codes::unit(code, today).is_some())
}

/// A mode of transport.
pub(super) fn transport(report: &mut Report, field: Field, value: &str) -> String {
    known(report, field, value, &rules::TRANSPORT, |code, today| codes::transport(code, today).is_some())
}

/// A kind of packing: the old code, also where the new one was sent.
pub(super) fn wrap(report: &mut Report, field: Field, value: &str) -> String {
    report.listed(field, 0, value, &rules::WRAP, codes::wrap_to_wire).unwrap_or_default()
}

/// A port: the old code, also where the new one was sent.
pub(super) fn port(report: &mut Report, field: Field, value: &str) -> String {
    report.listed(field, 0, value, &rules::PORT, codes::port_to_wire).unwrap_or_default()
}

/// How much of a code must be said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum HsDigits {
    /// The heading: of a simplified list the first 4 digits count (message specification 202205, 603 gcode).
    Four,
    /// The subheading: simplified, where business buys (transport §4.7).
    Six,
    /// All of it: what is summed becomes a customs declaration.
    All,
}

impl HsDigits {
    /// The lengths that may be sent: as written, and the shortest.
    const fn lengths(self) -> (&'static str, usize) {
        match self {
            Self::Four => ("4/6/8/10", 4),
            Self::Six => ("6/8/10", 6),
            Self::All => ("10", 10),
        }
    }
}

/// A commodity: 10 digits, also where fewer were sent that are enough; zeros take the place of the others, as the schema wants 10
/// and no text says what else to write (messages §6).
pub(super) fn hs_code(report: &mut Report, field: Field, index: usize, value: &str, needed: HsDigits) -> String {
    let (lengths, shortest) = needed.lengths();
    let fits = |code: &str, _| matches!(code.len(), 4 | 6 | 8 | 10) && code.len() >= shortest && code.bytes().all(|b| b.is_ascii_digit());
    if !value.trim().is_empty() && !fits(value, report.today) {
        report.add(&rules::LENGTH, field, index, lengths);
        return String::new();
    }
    let Some(mut code) = report.code(field, index, value, &rules::LENGTH, fits) else { return String::new() };
    code.extend(std::iter::repeat_n('0', 10_usize.saturating_sub(code.len())));
    report.convert(field, index, value, &code);
    if let Some((rule, detail)) = hs_fault(&code, needed, report.today) {
        report.add(rule, field, index, detail);
    }
    code
}

/// What is wrong with 10 digits, by the tariff.
fn hs_fault(code: &str, needed: HsDigits, today: Date) -> Option<(&'static Rule, String)> {
    let (_, shortest) = needed.lengths();
    match codes::hs(code, today) {
        HsMatch::Known(_) => None,
        HsMatch::Unknown => Some((&rules::HS_HEADING, shown(code).into_owned())),
        HsMatch::HeadingOnly(known) => {
            let padded = code.bytes().skip(usize::from(known)).all(|b| b == b'0');
            match usize::from(known) {
                known if padded && known >= shortest => None,
                4 if padded => Some((&rules::HS_PADDED, shortest.to_string())),
                known => Some((&rules::HS_CODE, known.to_string())),
            }
        }
    }
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
