//! `Retention`: legal holds, and what is to be destroyed.

use tonic::{Request, Response, Status, async_trait};

use super::{Door, convert, desk, proto, scope, status};
use crate::{access::Call, store::LegalHold};

/// Legal holds in one answer.
const MOST: usize = 1_000;

#[async_trait]
impl proto::retention_server::Retention for Door {
    async fn place_legal_hold(
        &self,
        request: Request<proto::PlaceLegalHoldRequest>,
    ) -> Result<Response<proto::PlaceLegalHoldResponse>, Status> {
        let caller = self.admit(&request, Call::LegalHold)?;
        let (order, items) = desk::order(caller, request.into_inner().order);
        let report = desk::report(self.parts.desk.legal_hold(&order, &items, false).await)?;
        Ok(Response::new(proto::PlaceLegalHoldResponse { report }))
    }

    async fn lift_legal_hold(
        &self,
        request: Request<proto::LiftLegalHoldRequest>,
    ) -> Result<Response<proto::LiftLegalHoldResponse>, Status> {
        let caller = self.admit(&request, Call::LegalHold)?;
        let (order, items) = desk::order(caller, request.into_inner().order);
        let report = desk::report(self.parts.desk.legal_hold(&order, &items, true).await)?;
        Ok(Response::new(proto::LiftLegalHoldResponse { report }))
    }

    async fn propose_destruction(
        &self,
        request: Request<proto::ProposeDestructionRequest>,
    ) -> Result<Response<proto::ProposeDestructionResponse>, Status> {
        let caller = self.admit(&request, Call::Destroy)?;
        let proto::ProposeDestructionRequest { order, digest } = request.into_inner();
        let (order, lines) = desk::order(caller, order);
        let report = desk::report(self.parts.desk.propose_destruction(&order, &lines, &digest).await)?;
        Ok(Response::new(proto::ProposeDestructionResponse { report }))
    }

    async fn list_legal_holds(
        &self,
        request: Request<proto::ListLegalHoldsRequest>,
    ) -> Result<Response<proto::ListLegalHoldsResponse>, Status> {
        let caller = self.admit(&request, Call::ReadLegalHolds)?;
        let mut found = self.store().legal_holds(scope(&caller)).await.map_err(|error| status::of_store(&error))?;
        let more = found.len() > MOST;
        found.truncate(MOST);
        Ok(Response::new(proto::ListLegalHoldsResponse { holds: found.into_iter().map(hold).collect(), more }))
    }
}

fn hold(hold: LegalHold) -> proto::LegalHold {
    proto::LegalHold {
        item: hold.held.item(),
        tenant: hold.tenant.map(|tenant| tenant.as_str().to_owned()).unwrap_or_default(),
        placed_at: Some(convert::timestamp(hold.at)),
        placed_by: hold.by,
        why: hold.why,
    }
}
