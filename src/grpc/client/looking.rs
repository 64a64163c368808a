//! What is asked without changing anything.

use tonic::Code;

use super::{Client, Error};
use crate::grpc::proto::{
    self, audit_log_client::AuditLogClient, declarations_client::DeclarationsClient, logistics_client::LogisticsClient,
};

/// Something that may or may not be there, as far as the caller may know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// A declaration, by its id.
    Declaration(String),
    /// A document submitted on its own, by its id.
    FollowUp(String),
    /// A declaration that is to be deleted, which is refused where it is not there.
    Delete(String),
    /// A waybill by carrier and number.
    Waybill(String, String),
}

impl Client {
    /// Looks through the audit log.
    ///
    /// # Errors
    /// If the call is refused or breaks off.
    pub async fn search(&self, asked: proto::SearchRequest) -> Result<proto::SearchResponse, Error> {
        let answer = AuditLogClient::new(self.channel.clone()).search(self.request(asked)).await;
        answer.map(tonic::Response::into_inner).map_err(Error::Ended)
    }

    /// What the audit log tells of a number.
    ///
    /// # Errors
    /// If the call is refused or breaks off.
    pub async fn timeline(&self, number: String) -> Result<proto::TimelineResponse, Error> {
        let answer = AuditLogClient::new(self.channel.clone())
            .timeline(self.request(proto::TimelineRequest { number, reveal_why: String::new() }))
            .await;
        answer.map(tonic::Response::into_inner).map_err(Error::Ended)
    }

    /// Whether something is there.
    ///
    /// # Errors
    /// If the call is refused for another reason than that, or breaks off.
    pub async fn is_there(&self, question: Question) -> Result<bool, Error> {
        let (mut declarations, mut waybills) = (DeclarationsClient::new(self.channel.clone()), LogisticsClient::new(self.channel.clone()));
        let answer = match question {
            Question::Declaration(declaration_id) => {
                let request = proto::GetRequest { declaration_id, reveal_why: String::new() };
                declarations.get(self.request(request)).await.map(drop)
            }
            Question::FollowUp(id) => {
                let request = proto::GetFollowUpRequest { id, reveal_why: String::new() };
                declarations.get_follow_up(self.request(request)).await.map(drop)
            }
            Question::Delete(declaration_id) => {
                let request = proto::DeleteRequest { declaration_id, document: proto::DocumentKind::Order.into() };
                declarations.delete(self.request(request)).await.map(drop)
            }
            Question::Waybill(carrier, waybill_no) => {
                let request = proto::GetWaybillRequest { carrier, waybill_no, reveal_why: String::new() };
                waybills.get_waybill(self.request(request)).await.map(drop)
            }
        };
        match answer {
            Ok(()) => Ok(true),
            Err(status) if status.code() == Code::NotFound => Ok(false),
            Err(status) => Err(Error::Ended(status)),
        }
    }
}
