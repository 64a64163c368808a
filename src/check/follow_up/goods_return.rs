//! The rules of goods that come back: the application (213) and the tally (215).

use std::collections::HashMap;

use super::{
    super::{
        MOST_LINES,
        coded::{self, HsDigits},
        fields::Field,
        order::count,
        read::Amount,
        report::Report,
        rules,
    },
    check_operator,
};
use crate::{
    declaration::{GoodsReturn, ReturnLine, ReturnTally, draft},
    party::Party,
};

/// The country that goods cannot come back from: 中国.
const CHINA: &str = "142";
/// tradeMode of goods that come back: from retail export, and to a special area.
const MODES: [&str; 2] = ["9661", "1261"];
/// The longest billNo, in whose place the waybill's number may stand.
const LONGEST_BILL_NO: usize = 37;

pub(super) fn read(report: &mut Report, draft: &draft::GoodsReturn) -> GoodsReturn {
    // Goods may come back to another district than they left from, so that any office will do.
    let declared_at = coded::office(report, Field::ReturnDeclaredAt, &draft.declared_at);
    let waybill_no = report.required(Field::ReturnWaybillNo, 0, &draft.waybill_no);
    count(report, Field::ReturnLines, draft.lines.len(), MOST_LINES);
    GoodsReturn {
        site: coded::site(report, Field::ReturnSite, &draft.site, &declared_at),
        platform: Party {
            code: report.platform(Field::ReturnPlatformCode, &draft.platform.code),
            name: report.required(Field::ReturnPlatformName, 0, &draft.platform.name),
        },
        seller: report.party(Field::ReturnSellerCode, Field::ReturnSellerName, &draft.seller),
        carrier: report.party(Field::ReturnCarrierCode, Field::ReturnCarrierName, &draft.carrier),
        inventory_no: report.inventory_no(Field::ReturnInventoryNo, 0, &draft.inventory_no).unwrap_or_default(),
        trade_mode: coded::known(report, Field::ReturnTradeMode, &draft.trade_mode, &rules::RETURN_MODE, |mode, _| MODES.contains(&mode)),
        declarant: report.party(Field::ReturnDeclarantCode, Field::ReturnDeclarantName, &draft.declarant),
        bill_no: bill_no(report, Field::ReturnBillNo, &draft.bill_no, &waybill_no),
        transport: coded::transport(report, Field::ReturnTransport, &draft.transport),
        vehicle: report.required(Field::ReturnVehicle, 0, &draft.vehicle),
        voyage: report.required(Field::ReturnVoyage, 0, &draft.voyage),
        enters_at: coded::office(report, Field::EntersAt, &draft.enters_at),
        reason: report.required(Field::ReturnReason, 0, &draft.reason),
        country: abroad(report, &draft.country),
        note: report.text(Field::ReturnNote, 0, &draft.note),
        lines: read_lines(report, &draft.lines),
        declared_at,
        waybill_no,
    }
}

pub(super) fn read_tally(report: &mut Report, draft: &draft::ReturnTally) -> ReturnTally {
    let waybill_no = report.required(Field::TallyWaybillNo, 0, &draft.waybill_no);
    let tally = ReturnTally {
        declared_at: coded::office(report, Field::TallyDeclaredAt, &draft.declared_at),
        operator: report.party(Field::TallyOperatorCode, Field::TallyOperatorName, &draft.operator),
        carrier: report.party(Field::TallyCarrierCode, Field::TallyCarrierName, &draft.carrier),
        inventory_no: report.inventory_no(Field::TallyInventoryNo, 0, &draft.inventory_no),
        bill_no: bill_no(report, Field::TallyBillNo, &draft.bill_no, &waybill_no),
        transport: coded::transport(report, Field::TallyTransport, &draft.transport),
        vehicle: report.required(Field::TallyVehicle, 0, &draft.vehicle),
        voyage: report.required(Field::TallyVoyage, 0, &draft.voyage),
        location: report.text(Field::TallyLocation, 0, &draft.location),
        note: report.text(Field::TallyNote, 0, &draft.note),
        waybill_no,
    };
    check_operator(report, Field::TallyOperatorCode, &tally.transport, &tally.operator, &tally.carrier);
    tally
}

/// The bill, or where there is none the waybill (message specification 202205, 213 and 215 billNo), which must be short enough.
fn bill_no(report: &mut Report, field: Field, sent: &str, waybill_no: &str) -> String {
    if !sent.trim().is_empty() {
        return report.required(field, 0, sent);
    }
    if waybill_no.chars().count() > LONGEST_BILL_NO {
        report.add(&rules::BILL_IS_WAYBILL, field, 0, LONGEST_BILL_NO.to_string());
    }
    waybill_no.to_owned()
}

fn abroad(report: &mut Report, sent: &str) -> String {
    let country = coded::country(report, Field::ReturnCountry, 0, sent);
    if country == CHINA {
        report.add(&rules::COUNTRY_CHINA, Field::ReturnCountry, 0, "");
    }
    country
}

fn read_lines(report: &mut Report, draft: &[draft::ReturnLine]) -> Vec<ReturnLine> {
    let draft = draft.get(..MOST_LINES).unwrap_or(draft);
    let mut places: HashMap<u32, usize> = HashMap::new();
    let mut lines = Vec::with_capacity(draft.len());
    for (index, line) in draft.iter().enumerate() {
        let line = read_line(report, index, line);
        let place = index.saturating_add(1);
        let first = *places.entry(line.number).or_insert(place);
        if first != place && line.number != 0 {
            report.add(&rules::REPEATED, Field::ReturnLineNumber, index, first.to_string());
        }
        lines.push(line);
    }
    lines
}

fn read_line(report: &mut Report, index: usize, draft: &draft::ReturnLine) -> ReturnLine {
    let number = report.integer(Field::ReturnLineNumber, index, &draft.number);
    if number == Some(0) {
        report.add(&rules::POSITIVE, Field::ReturnLineNumber, index, "");
    }
    let line = ReturnLine {
        number: number.unwrap_or_default(),
        // As in the inventory, which may have been a simplified one.
        hs_code: coded::hs_code(report, Field::ReturnHsCode, index, &draft.hs_code, HsDigits::Four),
        customs_name: report.required(Field::ReturnCustomsName, index, &draft.customs_name),
        specification: report.required(Field::ReturnSpecification, index, &draft.specification),
        quantity: report.amount(Field::ReturnQuantity, index, &draft.quantity, Amount::Positive).unwrap_or_default(),
        unit: coded::unit(report, Field::ReturnUnit, index, &draft.unit).unwrap_or_default(),
        legal_quantity: report.amount(Field::ReturnLegalQuantity, index, &draft.legal_quantity, Amount::Positive).unwrap_or_default(),
        legal_unit: coded::unit(report, Field::ReturnLegalUnit, index, &draft.legal_unit).unwrap_or_default(),
        second: coded::second(
            report,
            (Field::ReturnSecondQuantity, Field::ReturnSecondUnit),
            index,
            (&draft.second_quantity, &draft.second_unit),
        ),
        note: report.text(Field::ReturnLineNote, index, &draft.note),
    };
    if !line.legal_quantity.is_zero() {
        let legal = (line.legal_quantity, line.legal_unit.as_str());
        coded::check_unit_equal(report, Field::ReturnLegalQuantity, index, legal, (line.quantity, &line.unit));
    }
    line
}
