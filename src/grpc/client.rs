//! A client of our own door, for `submit`, `demo` and `desk`: streams in turn, answers one by one.

use std::time::Duration;

use tokio::{sync::mpsc, task::JoinHandle};
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use tonic::{
    Code, Request, Status, Streaming,
    metadata::{Ascii, MetadataValue},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};

use super::proto::{
    self, declarations_client::DeclarationsClient, logistics_client::LogisticsClient, push_waybills_response, submit_stream_response,
};
use crate::{
    check::{Finding, Severity},
    clock::Timestamp,
    declaration::draft,
    party::Party,
    tiles::Trust,
};

mod desk;
mod looking;
mod records;

pub use self::{desk::Act, looking::Question, records::Recorded};

/// Items sent ahead of their answers.
const AHEAD: usize = 128;
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait where a busy gateway does not say.
const BUSY: Duration = Duration::from_millis(100);

/// Why a call failed as a whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is none.
    #[error("{0:?} 不是网关地址 · {0:?} is not the address of a gateway")]
    Address(String),
    /// The key cannot be sent.
    #[error("调用方密钥含有无效字符 · the API key has characters that no key has")]
    Key,
    /// The gateway cannot be reached.
    #[error("无法连接网关 · the gateway cannot be reached")]
    Unreachable(#[source] tonic::transport::Error),
    /// The call was refused or broke off.
    #[error("网关结束了调用 · the gateway ended the call: {}", .0.message())]
    Ended(Status),
}

impl Error {
    /// Whether the same may succeed later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Ended(status) => {
                matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled | Code::DeadlineExceeded)
            }
            Self::Address(_) | Self::Key => false,
        }
    }
}

/// A declaration to be submitted, with the caller's place for it.
#[derive(Debug, Clone)]
pub struct Item<T> {
    /// The caller's name for it.
    pub id: String,
    /// What is sent.
    pub draft: T,
    /// The idempotency key, if any; waybills need none.
    pub idempotency_key: String,
    /// When it should be delivered by.
    pub needed_by: Option<Timestamp>,
}

/// What became of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is kept.
    Kept {
        /// The id it got.
        id: String,
        /// Exemption advice: line, outcome, codes of the reasons.
        advice: Vec<(u32, String, Vec<String>)>,
        /// Warnings.
        warnings: Vec<Finding>,
    },
    /// It is refused for good.
    Refused {
        /// In Chinese.
        zh: String,
        /// In English.
        en: String,
        /// What is wrong with it.
        findings: Vec<Finding>,
    },
    /// The gateway is busy: send the same again after so long.
    Busy(Duration),
}

/// A connection to a gateway.
#[derive(Debug, Clone)]
pub struct Client {
    channel: Channel,
    authorization: Option<MetadataValue<Ascii>>,
}

impl Client {
    /// Connects, with TLS if an authority (PEM) is given that vouches for the gateway's certificate.
    ///
    /// # Errors
    /// If the address or the key makes no sense, or nobody answers.
    pub async fn connect(server: &str, key: Option<&str>, authority: Option<&[u8]>) -> Result<Self, Error> {
        let trust = authority.map(|pem| Trust { authority: pem.to_vec(), identity: None });
        Self::connect_as(server, key, trust.as_ref()).await
    }

    /// Connects, with TLS if it is said whom to trust, and with a certificate of its own if one is given.
    ///
    /// # Errors
    /// If the address, the key or a certificate makes no sense, or nobody answers.
    pub async fn connect_as(server: &str, key: Option<&str>, trust: Option<&Trust>) -> Result<Self, Error> {
        let address = || Error::Address(server.to_owned());
        let mut endpoint = Endpoint::from_shared(server.to_owned()).map_err(|_| address())?.connect_timeout(PATIENCE);
        if let Some(trust) = trust {
            let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&trust.authority));
            if let Some((certificate, key)) = &trust.identity {
                tls = tls.identity(Identity::from_pem(certificate, key));
            }
            endpoint = endpoint.tls_config(tls).map_err(Error::Unreachable)?;
        }
        let authorization = key.map(|key| format!("Bearer {key}").parse()).transpose().map_err(|_| Error::Key)?;
        let channel = endpoint.connect().await.map_err(Error::Unreachable)?;
        Ok(Self { channel, authorization })
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(authorization) = &self.authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        request
    }

    /// Submits one declaration by a call of its own.
    ///
    /// # Errors
    /// If the call breaks off: the declaration may or may not be kept; sending it again is harmless.
    pub async fn submit_one(&self, item: Item<draft::Declaration>) -> Result<Answer, Error> {
        let request = self.request(submit_request(item));
        match DeclarationsClient::new(self.channel.clone()).submit(request).await {
            Ok(answer) => Ok(submitted(submit_stream_response::Result::Accepted(answer.into_inner()))),
            Err(status) => refused_call(status),
        }
    }

    /// Submits declarations; `told` gets each answer as it comes.
    ///
    /// # Errors
    /// If the stream breaks off: what was not told may or may not be kept; sending it again is harmless.
    pub async fn submit<I>(&self, items: I, told: impl FnMut(String, Answer)) -> Result<(), Error>
    where
        I: IntoIterator<Item = Item<draft::Declaration>>,
        I::IntoIter: Send + 'static,
    {
        let (requests, feeding) =
            feed(items.into_iter().map(|item| proto::SubmitStreamRequest { item_id: item.id.clone(), submit: Some(submit_request(item)) }));
        let mut client = DeclarationsClient::new(self.channel.clone());
        let answers = client.submit_stream(self.request(requests)).await.map_err(Error::Ended)?.into_inner();
        hear(answers, |answer| answer.result.map(|result| (answer.item_id, submitted(result))), told).await?;
        feeding.abort();
        Ok(())
    }

    /// Pushes waybills; `told` gets each answer as it comes.
    ///
    /// # Errors
    /// If the stream breaks off: what was not told may or may not be kept; sending it again is harmless.
    pub async fn push<I>(&self, items: I, told: impl FnMut(String, Answer)) -> Result<(), Error>
    where
        I: IntoIterator<Item = Item<draft::Waybill>>,
        I::IntoIter: Send + 'static,
    {
        let request = |item: Item<draft::Waybill>| proto::PushWaybillsRequest { item_id: item.id, waybill: Some(waybill_of(item.draft)) };
        let (requests, feeding) = feed(items.into_iter().map(request));
        let mut client = LogisticsClient::new(self.channel.clone());
        let answers = client.push_waybills(self.request(requests)).await.map_err(Error::Ended)?.into_inner();
        hear(answers, |answer| answer.result.map(|result| (answer.item_id, pushed(result))), told).await?;
        feeding.abort();
        Ok(())
    }
}

/// Requests are made as they are taken, a few ahead of their answers.
fn feed<R: Send + 'static>(requests: impl Iterator<Item = R> + Send + 'static) -> (ReceiverStream<R>, JoinHandle<()>) {
    let (feed, fed) = mpsc::channel(AHEAD);
    let feeding = tokio::spawn(async move {
        for request in requests {
            if feed.send(request).await.is_err() {
                break;
            }
        }
    });
    (ReceiverStream::new(fed), feeding)
}

async fn hear<A>(
    mut answers: Streaming<A>,
    read: impl Fn(A) -> Option<(String, Answer)>,
    mut told: impl FnMut(String, Answer),
) -> Result<(), Error> {
    while let Some(answer) = answers.next().await {
        if let Some((id, answer)) = read(answer.map_err(Error::Ended)?) {
            told(id, answer);
        }
    }
    Ok(())
}

fn submit_request(item: Item<draft::Declaration>) -> proto::SubmitRequest {
    proto::SubmitRequest {
        declaration: Some(declaration(item.draft)),
        needed_by: item.needed_by.map(super::convert::timestamp),
        idempotency_key: item.idempotency_key,
    }
}

/// A call that was refused for a reason of its own, and not broken off.
fn refused_call(status: Status) -> Result<Answer, Error> {
    match status.code() {
        Code::Unavailable | Code::ResourceExhausted => Ok(Answer::Busy(BUSY)),
        Code::InvalidArgument | Code::AlreadyExists => {
            Ok(Answer::Refused { zh: String::new(), en: status.message().to_owned(), findings: Vec::new() })
        }
        _ => Err(Error::Ended(status)),
    }
}

fn submitted(result: submit_stream_response::Result) -> Answer {
    match result {
        submit_stream_response::Result::Accepted(kept) => Answer::Kept {
            id: kept.declaration_id,
            advice: kept.advice.unwrap_or_default().lines.into_iter().map(advice).collect(),
            warnings: kept.warnings.into_iter().map(finding).collect(),
        },
        submit_stream_response::Result::Refused(refused) => refusal(refused),
    }
}

fn pushed(result: push_waybills_response::Result) -> Answer {
    match result {
        push_waybills_response::Result::Kept(kept) => {
            Answer::Kept { id: kept.waybill_id, advice: Vec::new(), warnings: kept.warnings.into_iter().map(finding).collect() }
        }
        push_waybills_response::Result::Refused(refused) => refusal(refused),
    }
}

fn advice(line: proto::LineAdvice) -> (u32, String, Vec<String>) {
    (line.line, line.outcome, line.reasons.into_iter().chain(line.pending).map(|reason| reason.code).collect())
}

fn refusal(refused: proto::Refusal) -> Answer {
    if refused.retry_after_ms > 0 {
        return Answer::Busy(Duration::from_millis(u64::from(refused.retry_after_ms)));
    }
    Answer::Refused { zh: refused.zh, en: refused.en, findings: refused.findings.into_iter().map(finding).collect() }
}

fn finding(finding: proto::Finding) -> Finding {
    let severity = if finding.severity() == proto::Severity::Warning { Severity::Warning } else { Severity::Error };
    Finding {
        path: finding.path,
        rule: finding.rule,
        severity,
        zh: finding.zh,
        en: finding.en,
        remedy_zh: finding.remedy_zh,
        remedy_en: finding.remedy_en,
    }
}

fn party(party: Party) -> proto::Party {
    proto::Party { code: party.code, name: party.name }
}

/// A declaration as it travels.
#[must_use]
pub fn message_of(draft: draft::Declaration) -> proto::Declaration {
    declaration(draft)
}

fn declaration(draft: draft::Declaration) -> proto::Declaration {
    proto::Declaration { order: Some(order(draft.order)), inventory: Some(inventory(draft.inventory)) }
}

fn order(order: draft::Order) -> proto::Order {
    proto::Order {
        order_no: order.order_no,
        order_type: order.order_type,
        platform: Some(party(order.platform)),
        seller: Some(party(order.seller)),
        goods_value: order.goods_value,
        freight: order.freight,
        currency: order.currency,
        note: order.note,
        lines: order.lines.into_iter().map(order_line).collect(),
    }
}

fn order_line(line: draft::OrderLine) -> proto::OrderLine {
    proto::OrderLine {
        number: line.number,
        item_no: line.item_no,
        item_name: line.item_name,
        description: line.description,
        bar_code: line.bar_code,
        unit: line.unit,
        currency: line.currency,
        quantity: line.quantity,
        price: line.price,
        total: line.total,
        note: line.note,
    }
}

fn inventory(inventory: draft::Inventory) -> proto::Inventory {
    proto::Inventory {
        declared_at: inventory.declared_at,
        exits_at: inventory.exits_at,
        exit_date: inventory.exit_date,
        statistics: inventory.statistics,
        declarant: Some(party(inventory.declarant)),
        owner: Some(party(inventory.owner)),
        owner_registered: inventory.owner_registered,
        // Left out where there is none: an empty one would make another request of the same declaration.
        area_enterprise: Some(inventory.area_enterprise).filter(|enterprise| *enterprise != Party::default()).map(party),
        book_no: inventory.book_no,
        trade_mode: inventory.trade_mode,
        transport: inventory.transport,
        vehicle: inventory.vehicle,
        voyage: inventory.voyage,
        bill_no: inventory.bill_no,
        bag_no: inventory.bag_no,
        site: inventory.site,
        licence_no: inventory.licence_no,
        country: inventory.country,
        destination_port: inventory.destination_port,
        freight: inventory.freight,
        freight_currency: inventory.freight_currency,
        insured_fee: inventory.insured_fee,
        insured_currency: inventory.insured_currency,
        wrap: inventory.wrap,
        packs: inventory.packs,
        gross_weight: inventory.gross_weight,
        net_weight: inventory.net_weight,
        note: inventory.note,
        carrier: Some(party(inventory.carrier)),
        waybill_no: inventory.waybill_no,
        lines: inventory.lines.into_iter().map(inventory_line).collect(),
    }
}

fn inventory_line(line: draft::InventoryLine) -> proto::InventoryLine {
    proto::InventoryLine {
        number: line.number,
        record_no: line.record_no,
        hs_code: line.hs_code,
        customs_name: line.customs_name,
        specification: line.specification,
        country: line.country,
        legal_quantity: line.legal_quantity,
        legal_unit: line.legal_unit,
        second_quantity: line.second_quantity,
        second_unit: line.second_unit,
        invoice: line.invoice,
        note: line.note,
    }
}

/// A waybill as it travels.
#[must_use]
pub fn waybill_of(waybill: draft::Waybill) -> proto::Waybill {
    proto::Waybill {
        carrier: Some(party(waybill.carrier)),
        waybill_no: waybill.waybill_no,
        freight: waybill.freight,
        insured_fee: waybill.insured_fee,
        currency: waybill.currency,
        gross_weight: waybill.gross_weight,
        packs: waybill.packs,
        goods_info: waybill.goods_info,
        seller: Some(party(waybill.seller)),
        seller_telephone: waybill.seller_telephone,
        note: waybill.note,
        order: waybill.order.map(|order| proto::OrderReference {
            platform: order.platform,
            seller: order.seller,
            order_no: order.order_no,
        }),
    }
}
