//! Recording for the exemption, as our own commands do it.

use tonic::{Response, Status};

use super::{Client, Error, finding};
use crate::{
    check::Finding,
    grpc::{
        proto::{self, exemptions_client::ExemptionsClient},
        status,
    },
    intake::{OrderLines, RecordDraft, RegisteredLine, SellerDraft},
};

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// It is kept.
    Kept {
        /// The id it got.
        id: String,
        /// Lines that it names.
        lines: u32,
        /// Declarations that it names.
        declarations: u32,
    },
    /// It is refused.
    Refused {
        /// Why, in both languages.
        message: String,
        /// What is wrong with it, as far as a status carries it.
        findings: Vec<Finding>,
    },
}

impl Client {
    /// Records something for the exemption. Sending the same again is harmless.
    ///
    /// # Errors
    /// If the call breaks off.
    pub async fn record(&self, draft: RecordDraft, idempotency_key: String) -> Result<Recorded, Error> {
        let mut exemptions = ExemptionsClient::new(self.channel.clone());
        let answer = match draft {
            RecordDraft::Seller(profile) => {
                let seller = Some(seller(profile));
                exemptions.put_seller(self.request(proto::PutSellerRequest { seller, idempotency_key })).await
            }
            RecordDraft::Invoice { orders, status, number, rate } => {
                let message = proto::RecordInvoiceRequest { orders: named(orders), status, number, rate, idempotency_key };
                exemptions.record_invoice(self.request(message)).await
            }
            RecordDraft::Registration { platform, confirmed_on, lines } => {
                let lines = lines.into_iter().map(registered).collect();
                let message = proto::RecordRegistrationRequest { platform, confirmed_on, lines, idempotency_key };
                exemptions.record_registration(self.request(message)).await
            }
            RecordDraft::Statement { seller, from, to, signed_on, signed_by } => {
                let message = proto::RecordStatementRequest { seller, from, to, signed_on, signed_by, idempotency_key };
                exemptions.record_statement(self.request(message)).await
            }
            RecordDraft::Evidence { orders, what, number, on, sha256 } => {
                let message = proto::RecordEvidenceRequest { orders: named(orders), what, number, on, sha256, idempotency_key };
                exemptions.record_evidence(self.request(message)).await
            }
            RecordDraft::Filing { orders, seller, from, to, on, number } => {
                let message = proto::RecordFilingRequest { orders: named(orders), seller, from, to, on, number, idempotency_key };
                exemptions.record_filing(self.request(message)).await
            }
            RecordDraft::Choice { orders, name, amount } => {
                let message = proto::RecordChoiceRequest { orders: named(orders), name, amount, idempotency_key };
                exemptions.record_choice(self.request(message)).await
            }
        };
        recorded(answer)
    }
}

fn recorded(answer: Result<Response<proto::RecordKept>, Status>) -> Result<Recorded, Error> {
    match answer {
        Ok(kept) => {
            let proto::RecordKept { record_id, lines, declarations, .. } = kept.into_inner();
            Ok(Recorded::Kept { id: record_id, lines, declarations })
        }
        Err(refused) => match Error::Ended(refused.clone()) {
            passing if passing.is_passing() => Err(passing),
            _ => {
                let findings = status::findings(&refused).into_iter().map(finding).collect();
                Ok(Recorded::Refused { message: refused.message().to_owned(), findings })
            }
        },
    }
}

fn named(orders: Vec<OrderLines>) -> Vec<proto::OrderLines> {
    let of = |one: OrderLines| proto::OrderLines { declaration_id: one.declaration_id, order_no: one.order_no, lines: one.lines };
    orders.into_iter().map(of).collect()
}

fn registered(line: RegisteredLine) -> proto::RegisteredLine {
    proto::RegisteredLine {
        declaration_id: line.declaration_id,
        order_no: line.order_no,
        line: line.line,
        record_no: line.record_no,
        export_date: line.export_date,
        name: line.name,
        unit: line.unit,
        quantity: line.quantity,
        price: line.price,
        amount: line.amount,
    }
}

fn seller(draft: SellerDraft) -> proto::SellerProfile {
    proto::SellerProfile {
        code: draft.code,
        kind: draft.kind,
        role: draft.role,
        city: draft.city,
        taxpayer: draft.taxpayer,
        income_tax: draft.income_tax,
        platform_zone: draft.platform_zone,
        platform_reg_no: draft.platform_reg_no,
        registers_lines: draft.registers_lines,
        suspended: draft.suspended.into_iter().map(|[from, to]| proto::DaySpan { from, to }).collect(),
    }
}
