//! The rules of the manifest (607).

use super::{
    super::{coded, fields::Field, order::count, read::Amount, report::Report},
    MOST_NUMBERED, check_repeats, place,
};
use crate::declaration::{Manifest, ManifestLine, Part, draft};

pub(super) fn read(report: &mut Report, draft: &draft::Manifest) -> Manifest {
    let declared_at = coded::declaring_office(report, Field::ManifestDeclaredAt, &draft.declared_at);
    count(report, Field::ManifestLines, draft.lines.len(), MOST_NUMBERED);
    Manifest {
        declarant: report.party(Field::ManifestDeclarantCode, Field::ManifestDeclarantName, &draft.declarant),
        site: coded::site(report, Field::ManifestSite, &draft.site, &declared_at),
        transport: coded::transport(report, Field::ManifestTransport, &draft.transport),
        vehicle: report.required(Field::ManifestVehicle, 0, &draft.vehicle),
        voyage: report.required(Field::ManifestVoyage, 0, &draft.voyage),
        bill_no: report.required(Field::ManifestBillNo, 0, &draft.bill_no),
        domestic_vehicle: report.text(Field::DomesticVehicle, 0, &draft.domestic_vehicle),
        gross_weight: report.amount(Field::ManifestGrossWeight, 0, &draft.gross_weight, Amount::Positive).unwrap_or_default(),
        carrier: report.party(Field::ManifestCarrierCode, Field::ManifestCarrierName, &draft.carrier),
        part: Part::WHOLE,
        note: report.text(Field::ManifestNote, 0, &draft.note),
        lines: read_lines(report, &draft.lines),
        declared_at,
    }
}

fn read_lines(report: &mut Report, draft: &[draft::ManifestLine]) -> Vec<ManifestLine> {
    let draft = draft.get(..MOST_NUMBERED).unwrap_or(draft);
    check_repeats(report, Field::ManifestWaybillNo, draft.iter().map(|line| line.waybill_no.as_str()));
    check_repeats(report, Field::ManifestInventoryNo, draft.iter().map(|line| line.inventory_no.as_str()));
    let read = |(index, line): (usize, &draft::ManifestLine)| ManifestLine {
        number: place(report, Field::ManifestLineNumber, index, &line.number),
        bag_no: report.text(Field::ManifestBagNo, index, &line.bag_no),
        waybill_no: report.required(Field::ManifestWaybillNo, index, &line.waybill_no),
        inventory_no: report.inventory_no(Field::ManifestInventoryNo, index, &line.inventory_no),
        note: report.text(Field::ManifestLineNote, index, &line.note),
    };
    draft.iter().enumerate().map(read).collect()
}
