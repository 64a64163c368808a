//! What sellers record: from what callers send to what intake takes, and back; the other way for our own client.

use prost::Message;
use sha2::{Digest, Sha256};
use tonic::{Request, Response, Status};

use super::{Door, advice, convert, drafts, proto, scope, status};
use crate::{
    access::{Call, Caller},
    intake::{OrderLines, RecordDraft, RecordSubmission, RegisteredLine, SellerDraft, WhatIf},
};

/// A request that records something.
pub(super) trait Records: Message {
    /// The caller's key; taken out.
    fn key(&mut self) -> String;
    /// What is recorded.
    fn draft(self) -> RecordDraft;
}

macro_rules! records {
    ($($request:ident: |$asked:ident| $draft:expr;)*) => {
        $(impl Records for proto::$request {
            fn key(&mut self) -> String {
                std::mem::take(&mut self.idempotency_key)
            }
            fn draft(self) -> RecordDraft {
                let $asked = self;
                $draft
            }
        })*
    };
}

records! {
    PutSellerRequest: |asked| RecordDraft::Seller(seller(asked.seller.unwrap_or_default()));
    RecordInvoiceRequest: |asked| RecordDraft::Invoice {
        orders: orders(asked.orders),
        status: asked.status,
        number: asked.number,
        rate: asked.rate,
    };
    RecordRegistrationRequest: |asked| RecordDraft::Registration {
        platform: asked.platform,
        confirmed_on: asked.confirmed_on,
        lines: asked.lines.into_iter().map(registered).collect(),
    };
    RecordStatementRequest: |asked| RecordDraft::Statement {
        seller: asked.seller,
        from: asked.from,
        to: asked.to,
        signed_on: asked.signed_on,
        signed_by: asked.signed_by,
    };
    RecordEvidenceRequest: |asked| RecordDraft::Evidence {
        orders: orders(asked.orders),
        what: asked.what,
        number: asked.number,
        on: asked.on,
        sha256: asked.sha256,
    };
    RecordFilingRequest: |asked| RecordDraft::Filing {
        orders: orders(asked.orders),
        seller: asked.seller,
        from: asked.from,
        to: asked.to,
        on: asked.on,
        number: asked.number,
    };
    RecordChoiceRequest: |asked| RecordDraft::Choice { orders: orders(asked.orders), name: asked.name, amount: asked.amount };
}

/// Keeps a record.
pub(super) async fn record<R: Records>(door: &Door, request: Request<R>) -> Result<Response<proto::RecordKept>, Status> {
    let caller = door.admit(&request, Call::Record)?;
    let mut request = request.into_inner();
    let idempotency_key = request.key();
    // Of the request as encoded anew without the key, and with its name: two kinds may look alike.
    let encoded = request.encode_to_vec();
    let size = encoded.len();
    let draft = request.draft();
    let digest = Sha256::new().chain_update(draft.kind().as_str()).chain_update(&encoded).finalize();
    let submission = RecordSubmission { draft, idempotency_key, digest: digest.into(), size };
    let kept = door.parts.intake.record(&caller.actor, submission).await.map_err(|refusal| status::of_refusal(&refusal))?;
    let count = |many: usize| u32::try_from(many).unwrap_or(u32::MAX);
    Ok(Response::new(proto::RecordKept {
        record_id: kept.id.to_string(),
        recorded_at: Some(convert::timestamp(kept.recorded_at)),
        lines: count(kept.lines),
        declarations: count(kept.declarations),
    }))
}

/// What would be advised.
pub(super) async fn assess(door: &Door, caller: &Caller, asked: proto::AssessRequest) -> Result<proto::AssessResponse, Status> {
    let size = asked.encoded_len();
    let id = (!asked.declaration_id.is_empty()).then(|| convert::declaration_id(&asked.declaration_id)).transpose()?;
    let what_if = WhatIf {
        declaration: asked.declaration.map(drafts::declaration),
        id,
        list: asked.list,
        export_date: asked.export_date,
        seller: asked.seller.map(seller),
        registered: asked.registered,
        evidence: asked.evidence,
        size,
    };
    let (paper, findings) =
        door.parts.intake.assess(&caller.actor, scope(caller), what_if).await.map_err(|refusal| status::of_refusal(&refusal))?;
    Ok(proto::AssessResponse { advice: Some(advice::of(&paper)), findings: convert::findings(&findings) })
}

fn orders(orders: Vec<proto::OrderLines>) -> Vec<OrderLines> {
    let of = |one: proto::OrderLines| OrderLines { declaration_id: one.declaration_id, order_no: one.order_no, lines: one.lines };
    orders.into_iter().map(of).collect()
}

fn registered(line: proto::RegisteredLine) -> RegisteredLine {
    RegisteredLine {
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

fn seller(profile: proto::SellerProfile) -> SellerDraft {
    SellerDraft {
        code: profile.code,
        kind: profile.kind,
        role: profile.role,
        city: profile.city,
        taxpayer: profile.taxpayer,
        income_tax: profile.income_tax,
        platform_zone: profile.platform_zone,
        platform_reg_no: profile.platform_reg_no,
        registers_lines: profile.registers_lines,
        suspended: profile.suspended.into_iter().map(|span| [span.from, span.to]).collect(),
    }
}
