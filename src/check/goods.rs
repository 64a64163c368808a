//! What the goods of a line ask for by their code: only warnings, because the tables are older than today, or name goods by more
//! than a code.

use super::{fields::Field, report::Report, rules};
use crate::{
    codes,
    declaration::{Inventory, InventoryLine, Statistics},
};

/// The most bytes of names in one finding.
const LONGEST_NAMES: usize = 160;

/// Looks at the goods of a line.
pub(super) fn check(report: &mut Report, index: usize, line: &InventoryLine, inventory: &Inventory) {
    if inventory.licence_no.is_none() && codes::dual_use(&line.hs_code, report.today).is_some() {
        report.add(&rules::DUAL_USE, Field::HsCode, index, "");
    }
    // Only what is summed becomes a customs declaration, which has to say them.
    if inventory.statistics == Statistics::Summed {
        check_elements(report, index, line);
    }
}

/// Elements are told apart by bars; how many there are is all that can be known of free text.
fn check_elements(report: &mut Report, index: usize, line: &InventoryLine) {
    let wanted = codes::elements(&line.hs_code).count();
    let said = line.specification.split(['|', '｜', ';', '；']).filter(|part| !part.trim().is_empty()).count();
    if said < wanted && said > 0 {
        report.add(&rules::ELEMENTS, Field::Specification, index, names(&line.hs_code));
    }
}

/// The names of the elements, as many as a finding has room for.
fn names(hs_code: &str) -> String {
    let mut names = String::new();
    for element in codes::elements(hs_code) {
        if names.len() + element.len() > LONGEST_NAMES {
            names.push('…');
            break;
        }
        if !names.is_empty() {
            names.push('|');
        }
        names.push_str(element);
    }
    names
}
