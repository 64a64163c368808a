//! The rules of the cancellation (605).

use super::{
    super::{coded, fields::Field, report::Report},
    check_office,
};
use crate::declaration::{Cancellation, draft};

pub(super) fn read(report: &mut Report, draft: &draft::Cancellation) -> Cancellation {
    let cancellation = Cancellation {
        declared_at: coded::declaring_office(report, Field::CancellationDeclaredAt, &draft.declared_at),
        inventory_no: report.inventory_no(Field::CancelledInventoryNo, 0, &draft.inventory_no).unwrap_or_default(),
        reason: report.required(Field::CancellationReason, 0, &draft.reason),
        declarant: report.party(Field::CancellationDeclarantCode, Field::CancellationDeclarantName, &draft.declarant),
        seller: report.party(Field::CancellationSellerCode, Field::CancellationSellerName, &draft.seller),
        note: report.text(Field::CancellationNote, 0, &draft.note),
    };
    check_office(report, Field::CancelledInventoryNo, 0, &cancellation.inventory_no, &cancellation.declared_at);
    cancellation
}
