//! How customs' own words are shown to whom.

use tonic::Status;
use uuid::Uuid;

use super::{Door, desk, status};
use crate::{
    access::{Call, Caller, Denied, Sight, allows},
    desk::Order,
    party::Tenant,
};

/// How the words about something are shown: to whom it belongs as they came, to staff masked. Staff who give a reason see them as they
/// came, once the log has been told of it.
pub(super) async fn sight(door: &Door, caller: &Caller, why: String, whose: &Tenant, subject: Uuid) -> Result<Sight, Status> {
    if caller.sight() == Sight::Whole || why.is_empty() {
        return Ok(caller.sight());
    }
    if !allows(caller.actor.role, Call::Reveal) {
        return Err(status::of_denied(Denied::Forbidden));
    }
    let order = Order::new(caller.clone(), why, false);
    door.parts.desk.reveal_words(&order, whose, subject).await.map_err(|error| desk::of_error(&error))?;
    Ok(Sight::Whole)
}
