//! The rules of the arrival (507) and the departure (509).

use super::{
    super::{coded, fields::Field, order::count, report::Report},
    MOST_NUMBERED, check_operator, check_repeats, place, unless_by_post,
};
use crate::{
    clock,
    declaration::{Arrival, Departure, MovementLine, Part, draft},
};

/// The fields of a line: its number, waybill, bag and note.
struct LineFields {
    number: Field,
    waybill_no: Field,
    bag_no: Field,
    note: Field,
}

const OF_ARRIVAL: LineFields = LineFields {
    number: Field::ArrivalLineNumber,
    waybill_no: Field::ArrivalWaybillNo,
    bag_no: Field::ArrivalBagNo,
    note: Field::ArrivalLineNote,
};

const OF_DEPARTURE: LineFields = LineFields {
    number: Field::DepartureLineNumber,
    waybill_no: Field::DepartureWaybillNo,
    bag_no: Field::DepartureBagNo,
    note: Field::DepartureLineNote,
};

pub(super) fn read_arrival(report: &mut Report, draft: &draft::Arrival) -> Arrival {
    let declared_at = coded::declaring_office(report, Field::ArrivalDeclaredAt, &draft.declared_at);
    let transport = coded::transport(report, Field::ArrivalTransport, &draft.transport);
    count(report, Field::ArrivalLines, draft.lines.len(), MOST_NUMBERED);
    let arrival = Arrival {
        operator: report.party(Field::ArrivalOperatorCode, Field::ArrivalOperatorName, &draft.operator),
        site: coded::site(report, Field::ArrivalSite, &draft.site, &declared_at),
        bill_no: unless_by_post(report, Field::ArrivalBillNo, &draft.bill_no, &transport),
        vehicle: report.required(Field::ArrivalVehicle, 0, &draft.vehicle),
        carrier: report.party(Field::ArrivalCarrierCode, Field::ArrivalCarrierName, &draft.carrier),
        part: Part::WHOLE,
        note: report.text(Field::ArrivalNote, 0, &draft.note),
        lines: read_lines(report, &OF_ARRIVAL, &draft.lines),
        declared_at,
        transport,
    };
    check_operator(report, Field::ArrivalOperatorCode, &arrival.transport, &arrival.operator, &arrival.carrier);
    arrival
}

pub(super) fn read_departure(report: &mut Report, draft: &draft::Departure) -> Departure {
    let transport = coded::transport(report, Field::DepartureTransport, &draft.transport);
    count(report, Field::DepartureLines, draft.lines.len(), MOST_NUMBERED);
    Departure {
        declared_at: coded::declaring_office(report, Field::DepartureDeclaredAt, &draft.declared_at),
        carrier: report.party(Field::DepartureCarrierCode, Field::DepartureCarrierName, &draft.carrier),
        vehicle: unless_by_post(report, Field::DepartureVehicle, &draft.vehicle, &transport),
        voyage: unless_by_post(report, Field::DepartureVoyage, &draft.voyage, &transport),
        bill_no: unless_by_post(report, Field::DepartureBillNo, &draft.bill_no, &transport),
        left_at: report.past(Field::LeftAt, &draft.left_at).unwrap_or_else(|| clock::start_of(report.today)),
        part: Part::WHOLE,
        note: report.text(Field::DepartureNote, 0, &draft.note),
        lines: read_lines(report, &OF_DEPARTURE, &draft.lines),
        transport,
    }
}

fn read_lines(report: &mut Report, fields: &LineFields, draft: &[draft::MovementLine]) -> Vec<MovementLine> {
    let draft = draft.get(..MOST_NUMBERED).unwrap_or(draft);
    check_repeats(report, fields.waybill_no, draft.iter().map(|line| line.waybill_no.as_str()));
    let read = |(index, line): (usize, &draft::MovementLine)| MovementLine {
        number: place(report, fields.number, index, &line.number),
        waybill_no: report.required(fields.waybill_no, index, &line.waybill_no),
        bag_no: report.text(fields.bag_no, index, &line.bag_no),
        note: report.text(fields.note, index, &line.note),
    };
    draft.iter().enumerate().map(read).collect()
}
