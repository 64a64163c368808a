//! What operations staff call, as our own commands do.

use tonic::{Request, Response, Status, transport::Channel};

use super::{Client, Error};
use crate::grpc::proto::{self, operations_client::OperationsClient, retention_client::RetentionClient};

/// Bytes of the largest answer: an arrival as it came, with room around it.
const LARGEST: usize = 32 << 20;

/// What is ordered of the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Hold documents.
    Hold,
    /// Release documents.
    Release,
    /// Try again.
    Retry,
    /// Say that messages arrived, or that they did not.
    Resolve {
        /// They did.
        arrived: bool,
    },
    /// Pause roads.
    Pause,
    /// Let roads go on.
    Resume,
    /// Place legal holds.
    LegalHold,
    /// Lift legal holds.
    LiftLegalHold,
}

/// An answer without what surrounds it.
fn inner<T>(answer: Result<Response<T>, Status>) -> Result<T, Error> {
    answer.map(Response::into_inner).map_err(Error::Ended)
}

impl Client {
    fn operations(&self) -> OperationsClient<Channel> {
        OperationsClient::new(self.channel.clone()).max_decoding_message_size(LARGEST)
    }

    fn retention(&self) -> RetentionClient<Channel> {
        RetentionClient::new(self.channel.clone())
    }

    /// What is under legal hold.
    ///
    /// # Errors
    /// If the call is refused or breaks off.
    pub async fn legal_holds(&self) -> Result<proto::ListLegalHoldsResponse, Error> {
        inner(self.retention().list_legal_holds(self.request(proto::ListLegalHoldsRequest {})).await)
    }

    /// Proposes to destroy what a preview named.
    ///
    /// # Errors
    /// If the call is refused or breaks off; asking again is harmless.
    pub async fn propose_destruction(&self, order: proto::DeskOrder, digest: String) -> Result<proto::DeskReport, Error> {
        let asked = proto::ProposeDestructionRequest { order: Some(order), digest };
        Ok(inner(self.retention().propose_destruction(self.request(asked)).await)?.report.unwrap_or_default())
    }

    /// Has the desk do something.
    ///
    /// # Errors
    /// If the call is refused or breaks off: what it asks for may be done; asking again is harmless.
    pub async fn order(&self, act: Act, order: proto::DeskOrder) -> Result<proto::DeskReport, Error> {
        let (mut desk, order) = (self.operations(), Some(order));
        let report = match act {
            Act::Hold => inner(desk.hold(self.request(proto::HoldRequest { order })).await)?.report,
            Act::Release => inner(desk.release(self.request(proto::ReleaseRequest { order })).await)?.report,
            Act::Retry => inner(desk.retry(self.request(proto::RetryRequest { order })).await)?.report,
            Act::Resolve { arrived } => inner(desk.resolve(self.request(proto::ResolveRequest { order, arrived })).await)?.report,
            Act::Pause => inner(desk.pause_endpoint(self.request(proto::PauseEndpointRequest { order })).await)?.report,
            Act::Resume => inner(desk.resume_endpoint(self.request(proto::ResumeEndpointRequest { order })).await)?.report,
            Act::LegalHold => inner(self.retention().place_legal_hold(self.request(proto::PlaceLegalHoldRequest { order })).await)?.report,
            Act::LiftLegalHold => {
                inner(self.retention().lift_legal_hold(self.request(proto::LiftLegalHoldRequest { order })).await)?.report
            }
        };
        Ok(report.unwrap_or_default())
    }

    /// What was proposed and is not decided.
    ///
    /// # Errors
    /// If the call is refused or breaks off.
    pub async fn proposals(&self) -> Result<Vec<proto::Proposal>, Error> {
        Ok(inner(self.operations().list_proposals(self.request(proto::ListProposalsRequest {})).await)?.proposals)
    }

    /// Approves a proposal of somebody else, and has it done.
    ///
    /// # Errors
    /// If the call is refused or breaks off: it may be done; asking again is harmless.
    pub async fn approve(&self, proposal_id: String) -> Result<proto::DeskReport, Error> {
        let answer = inner(self.operations().approve(self.request(proto::ApproveRequest { proposal_id })).await)?;
        Ok(answer.report.unwrap_or_default())
    }

    /// Declines a proposal.
    ///
    /// # Errors
    /// As [`Client::approve`].
    pub async fn decline(&self, proposal_id: String, why: String) -> Result<(), Error> {
        inner(self.operations().decline(self.request(proto::DeclineRequest { proposal_id, why })).await).map(drop)
    }

    /// Gives a receipt that matched nothing to a document.
    ///
    /// # Errors
    /// As [`Client::order`].
    pub async fn attach_receipt(&self, asked: proto::AttachReceiptRequest) -> Result<proto::DeskReport, Error> {
        Ok(inner(self.operations().attach_receipt(self.request(asked)).await)?.report.unwrap_or_default())
    }

    /// Messages that are not over, a page.
    ///
    /// # Errors
    /// If the call is refused or breaks off.
    pub async fn deliveries(&self, asked: proto::ListDeliveriesRequest) -> Result<proto::ListDeliveriesResponse, Error> {
        inner(self.operations().list_deliveries(self.request(asked)).await)
    }

    /// Arrivals that were put aside, a page.
    ///
    /// # Errors
    /// If the call is refused or breaks off.
    pub async fn quarantined(&self, asked: proto::QuarantinedArrivalsRequest) -> Result<proto::QuarantinedArrivalsResponse, Error> {
        inner(self.operations().quarantined_arrivals(self.request(asked)).await)
    }

    /// An arrival with its bytes; what is personal in them is masked where no reason is given.
    ///
    /// # Errors
    /// If there is none, or the call breaks off.
    pub async fn arrival(&self, arrival_id: String, reveal_why: String) -> Result<proto::GetArrivalResponse, Error> {
        inner(self.operations().get_arrival(self.request(proto::GetArrivalRequest { arrival_id, reveal_why })).await)
    }

    /// Receipts that match nothing.
    ///
    /// # Errors
    /// If the call is refused or breaks off.
    pub async fn unmatched(&self, page_size: u32) -> Result<proto::UnmatchedReceiptsResponse, Error> {
        let request: Request<_> = self.request(proto::UnmatchedReceiptsRequest { page_size });
        inner(self.operations().unmatched_receipts(request).await)
    }

    /// How much waits where.
    ///
    /// # Errors
    /// If the call is refused or breaks off.
    pub async fn queues(&self) -> Result<proto::QueuesResponse, Error> {
        inner(self.operations().queues(self.request(proto::QueuesRequest {})).await)
    }

    /// Lets a stopped sender go on; tells under which id it was only proposed, empty if it does.
    ///
    /// # Errors
    /// If it is not stopped, or the call breaks off.
    pub async fn resume_sender(&self, sender: String, why: String) -> Result<String, Error> {
        Ok(inner(self.operations().resume_sender(self.request(proto::ResumeSenderRequest { sender, why })).await)?.proposal_id)
    }
}
