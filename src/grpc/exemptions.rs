//! `Exemptions`: what sellers record for the exemption without invoice, what would be advised, and the ledgers.

use std::sync::Arc;

use time::Date;
use tonic::{Request, Response, Status, async_trait};

use super::{
    Door, convert,
    options::Options,
    outlet::{Answers, Outlet, outlet},
    proto::{self, export_ledger_response::Piece},
    records, status, stopped,
};
use crate::{
    access::{Call, Caller},
    clock::parse_day,
    exemption::Span,
    ledgers::{self, Asked, Form, Ledger, Which},
};

/// The most bytes of one answer.
const PIECE: usize = 256 * 1_024;
const LONGEST_CODE: usize = 100;

#[async_trait]
impl proto::exemptions_server::Exemptions for Door {
    type ExportLedgerStream = Answers<proto::ExportLedgerResponse>;

    async fn assess(&self, request: Request<proto::AssessRequest>) -> Result<Response<proto::AssessResponse>, Status> {
        let caller = self.admit(&request, Call::Assess)?;
        records::assess(self, &caller, request.into_inner()).await.map(Response::new)
    }

    async fn put_seller(&self, request: Request<proto::PutSellerRequest>) -> Result<Response<proto::RecordKept>, Status> {
        records::record(self, request).await
    }

    async fn record_invoice(&self, request: Request<proto::RecordInvoiceRequest>) -> Result<Response<proto::RecordKept>, Status> {
        records::record(self, request).await
    }

    async fn record_registration(&self, request: Request<proto::RecordRegistrationRequest>) -> Result<Response<proto::RecordKept>, Status> {
        records::record(self, request).await
    }

    async fn record_statement(&self, request: Request<proto::RecordStatementRequest>) -> Result<Response<proto::RecordKept>, Status> {
        records::record(self, request).await
    }

    async fn record_evidence(&self, request: Request<proto::RecordEvidenceRequest>) -> Result<Response<proto::RecordKept>, Status> {
        records::record(self, request).await
    }

    async fn record_filing(&self, request: Request<proto::RecordFilingRequest>) -> Result<Response<proto::RecordKept>, Status> {
        records::record(self, request).await
    }

    async fn record_choice(&self, request: Request<proto::RecordChoiceRequest>) -> Result<Response<proto::RecordKept>, Status> {
        records::record(self, request).await
    }

    async fn export_ledger(&self, request: Request<proto::ExportLedgerRequest>) -> Result<Response<Self::ExportLedgerStream>, Status> {
        let caller = self.admit(&request, Call::ReadLedgers)?;
        let asked = asked(&caller, request.get_ref())?;
        let pass = self.ledgers.enter(&caller).ok_or_else(status::too_many_ledgers)?;
        let (outlet, answers) = outlet(pass, Options::seconds(self.parts.options.stall_s));
        let ledger = Ledger::open(Arc::clone(&self.parts.store), asked);
        let stop = self.stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stopped(stop) => outlet.end_with(status::stopping()),
                () = give(ledger, &outlet) => {}
            }
        });
        Ok(Response::new(answers))
    }
}

async fn give(mut ledger: Ledger, outlet: &Outlet<proto::ExportLedgerResponse>) {
    let answer = |piece| proto::ExportLedgerResponse { piece: Some(piece) };
    loop {
        match ledger.next().await {
            Ok(Some(bytes)) => {
                for piece in bytes.chunks(PIECE) {
                    if !outlet.put(answer(Piece::Bytes(piece.to_vec()))).await {
                        return;
                    }
                }
            }
            Ok(None) => break,
            Err(error) => return outlet.end_with(broken(&error)),
        }
    }
    outlet.put(answer(Piece::Summary(summary(&ledger)))).await;
}

fn broken(error: &ledgers::Error) -> Status {
    match error {
        ledgers::Error::Store(error) => status::of_store(error),
        other => {
            tracing::error!(error.message = %other, "a ledger broke off");
            Status::internal("账簿无法生成完整，请查看网关日志 / the ledger cannot be made whole; the gateway's log says why")
        }
    }
}

fn asked(caller: &Caller, request: &proto::ExportLedgerRequest) -> Result<Asked, Status> {
    let which = match request.ledger() {
        proto::Ledger::Unspecified => return Err(status::invalid("请指明 ledger：哪一种账簿", "ledger says which one is wanted")),
        proto::Ledger::Sales => Which::Sales,
        proto::Ledger::Registration => Which::Registration,
        proto::Ledger::Income => Which::Income,
        proto::Ledger::Exchange => Which::Exchange,
        proto::Ledger::Agents => Which::Agents,
        proto::Ledger::AgentLines => Which::AgentLines,
    };
    let form = match request.form() {
        proto::LedgerForm::Unspecified | proto::LedgerForm::Csv => Form::Csv,
        proto::LedgerForm::Jsonl => Form::Jsonl,
    };
    if request.seller.len() > LONGEST_CODE {
        return Err(status::invalid("seller 过长", "seller has at most 100 bytes"));
    }
    let exported = Span { from: day(&request.from, "from")?, to: day(&request.to, "to")? };
    if exported.is_backwards() {
        return Err(status::invalid("期间先止后始", "the period ends before it begins"));
    }
    Ok(Asked {
        which,
        form,
        tenant: caller.scope.clone(),
        seller: Some(request.seller.clone()).filter(|seller| !seller.is_empty()),
        exported,
        known_on: day(&request.known_on, "known_on")?,
        // Decisions keep their own rates; what was decided without one is counted.
        rates: Arc::default(),
    })
}

fn day(text: &str, name: &str) -> Result<Option<Date>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || status::invalid(&format!("{name} 应为 YYYY-MM-DD"), &format!("{name} is a day, YYYY-MM-DD"));
    parse_day(text).map(Some).ok_or_else(wrong)
}

fn summary(ledger: &Ledger) -> proto::LedgerSummary {
    let totals = ledger.totals();
    let sum = |(currency, amount): (&String, &rust_decimal::Decimal)| proto::CurrencySum {
        currency: currency.clone(),
        amount: amount.to_string(),
    };
    let mixed = |mixed: crate::exemption::Mixed| proto::MixedRegimes {
        seller: mixed.seller,
        year: mixed.year,
        exempt_lines: mixed.exempt,
        refund_lines: mixed.refund,
    };
    proto::LedgerSummary {
        lines: totals.lines,
        by_currency: totals.by_currency.iter().map(sum).collect(),
        cny: totals.cny.to_string(),
        without_rate: totals.without_rate,
        mixed: ledger.mixed().into_iter().map(mixed).collect(),
        unnamed_agents: ledger.unnamed().map(str::to_owned).collect(),
        note: ledger.note().map(|(zh, en)| convert::text(zh, en)),
    }
}
