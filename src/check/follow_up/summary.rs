//! The rules of the summary (701).

use super::{
    super::{coded, fields::Field, order::count, report::Report, rules},
    MOST_SUMMED, check_office, check_repeats,
};
use crate::declaration::{Part, Period, Summary, draft};

pub(super) fn read(report: &mut Report, draft: &draft::Summary) -> Summary {
    let declared_at = coded::declaring_office(report, Field::SummaryDeclaredAt, &draft.declared_at);
    let sent = is_sent(&draft.period);
    let numbers = read_numbers(report, draft, &declared_at);
    if sent && !draft.inventory_nos.is_empty() {
        report.add(&rules::PERIOD_OVERRIDES, Field::InventoryNos, 0, "");
    }
    if !sent && draft.inventory_nos.is_empty() {
        report.add(&rules::NOTHING_SUMMED, Field::InventoryNos, 0, "");
    }
    Summary {
        declarant: report.party(Field::SummaryDeclarantCode, Field::SummaryDeclarantName, &draft.declarant),
        seller: report.party(Field::SummarySellerCode, Field::SummarySellerName, &draft.seller),
        customs_declarant: report.party(Field::CustomsDeclarantCode, Field::CustomsDeclarantName, &draft.customs_declarant),
        period: period(report, &draft.period),
        site: coded::site(report, Field::SummarySite, &draft.site, &declared_at),
        by_owner: draft.by_owner,
        by_item_name: draft.by_item_name,
        part: Part::WHOLE,
        note: report.text(Field::SummaryNote, 0, &draft.note),
        inventory_nos: if sent { Vec::new() } else { numbers },
        declared_at,
    }
}

fn is_sent(period: &draft::Period) -> bool {
    !period.from.trim().is_empty() || !period.to.trim().is_empty()
}

/// Both ends or neither, the end no earlier than the start (message specification 202205, 701 startTime).
fn period(report: &mut Report, draft: &draft::Period) -> Option<Period> {
    if !is_sent(draft) {
        return None;
    }
    for (field, sent) in [(Field::PeriodFrom, &draft.from), (Field::PeriodTo, &draft.to)] {
        if sent.trim().is_empty() {
            report.add(&rules::REQUIRED, field, 0, "");
        }
    }
    let (from, to) = (report.moment(Field::PeriodFrom, &draft.from), report.moment(Field::PeriodTo, &draft.to));
    let (from, to) = from.zip(to)?;
    if to < from {
        report.add(&rules::PERIOD_ORDER, Field::PeriodTo, 0, "");
    }
    Some(Period { from, to })
}

fn read_numbers(report: &mut Report, draft: &draft::Summary, declared_at: &str) -> Vec<String> {
    count(report, Field::InventoryNos, draft.inventory_nos.len(), MOST_SUMMED);
    let sent = draft.inventory_nos.get(..MOST_SUMMED).unwrap_or(&draft.inventory_nos);
    check_repeats(report, Field::SummedInventoryNo, sent.iter().map(String::as_str));
    let mut numbers = Vec::with_capacity(sent.len());
    for (index, number) in sent.iter().enumerate() {
        let number = report.inventory_no(Field::SummedInventoryNo, index, number).unwrap_or_default();
        check_office(report, Field::SummedInventoryNo, index, &number, declared_at);
        numbers.push(number);
    }
    numbers
}
