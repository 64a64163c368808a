//! The rules of the payment (403).

use super::super::{coded, fields::Field, read::Amount, report::Report, rules};
use crate::{
    clock,
    declaration::{Payment, draft},
    party::Party,
};

/// payName of what was not paid online (message specification 202205, 403 payName).
const IN_CASH: &str = "现金支付";

pub(super) fn read(report: &mut Report, draft: &draft::Payment) -> Payment {
    let payment = Payment {
        platform: Party {
            code: report.platform(Field::PaymentPlatformCode, &draft.platform.code),
            name: report.required(Field::PaymentPlatformName, 0, &draft.platform.name),
        },
        seller: report.party(Field::PaymentSellerCode, Field::PaymentSellerName, &draft.seller),
        order_no: report.required(Field::PaymentOrderNo, 0, &draft.order_no),
        payer_code: Some(report.enterprise(Field::PayerCode, 0, &draft.payer_code)).filter(|code| !code.is_empty()),
        payer_name: report.required(Field::PayerName, 0, &draft.payer_name),
        payment_no: report.text(Field::PaymentNo, 0, &draft.payment_no),
        charge: report.amount(Field::Charge, 0, &draft.charge, Amount::Positive).unwrap_or_default(),
        currency: coded::currency(report, Field::PaymentCurrency, 0, &draft.currency),
        received_at: report.past(Field::ReceivedAt, &draft.received_at).unwrap_or_else(|| clock::start_of(report.today)),
        note: report.text(Field::PaymentNote, 0, &draft.note),
    };
    if draft.payer_code.trim().is_empty() && !payment.payer_name.is_empty() && payment.payer_name != IN_CASH {
        report.add(&rules::PAYER, Field::PayerCode, 0, "");
    }
    payment
}
