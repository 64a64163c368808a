//! What becomes of what sellers submit and carriers push, once a look has told what is taken: the same whatever keeps it.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use uuid::Uuid;

use super::{Acceptance, Accepted, Found, Lookup, NumberKind, WaybillAcceptance, WaybillAccepted, numbering::NumberRow, order_scope};
use crate::{
    declaration::{DeclarationId, DocumentId, Kind, draft::OrderReference},
    party::Tenant,
};

/// How long a carrier must not use a waybill number again (message specification 202205, logisticsNo: six months).
pub(super) const WAYBILL_NUMBER_LIFE: Duration = Duration::from_secs(183 * 24 * 3_600);

/// What one look at the numbers tells, with what only the writer needs to know.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub found: Found,
    /// The waybill that was pushed under that number, or that names that order.
    pub waybill: Option<Uuid>,
    /// Whether an older use of the waybill number has to make room.
    pub expired: bool,
}

/// What acceptance asks of what is taken.
pub(super) fn question(acceptance: &Acceptance) -> Lookup {
    let order = &acceptance.declaration.order;
    let inventory = &acceptance.declaration.inventory;
    Lookup {
        tenant: acceptance.actor.tenant.clone(),
        idempotency_key: acceptance.idempotency_key.clone(),
        order: OrderReference {
            platform: order.platform.code.clone(),
            seller: order.seller.code.clone(),
            order_no: order.order_no.clone(),
        },
        waybill: inventory.waybill_no.clone().map(|no| (inventory.carrier.code.clone(), no)),
        owner: inventory.owner.code.clone(),
    }
}

/// Those of a tenant who may be the real seller of what is asked about.
pub(super) fn sellers(lookup: &Lookup) -> (&str, [&str; 2]) {
    (lookup.tenant.as_str(), [&lookup.order.seller, &lookup.owner])
}

/// Decides one after the other, so that of two that collide within the batch the first is kept; a waybill that goes to one of them is
/// not seen by the others any more.
pub(super) fn decide(many: &[Acceptance], asked: &[Lookup], seen: &mut [Seen]) -> Vec<Accepted> {
    let mut keys: HashMap<_, ([u8; 32], DeclarationId)> = HashMap::new();
    let mut orders = HashSet::new();
    let mut waybills = HashSet::new();
    let mut bound = HashSet::new();
    many.iter()
        .zip(asked)
        .zip(seen)
        .map(|((acceptance, lookup), seen)| {
            let own = lookup.idempotency_key.is_none().then_some(&lookup.order);
            let key = (lookup.tenant.as_str(), lookup.idempotency_key.as_deref(), own);
            if let Some((digest, id)) = seen.found.bound.or_else(|| keys.get(&key).copied()) {
                return if digest == acceptance.digest { Accepted::Again(id) } else { Accepted::KeyConflict };
            }
            if seen.found.order_taken || orders.contains(&lookup.order) {
                return Accepted::OrderTaken;
            }
            // One that names an order may have been given to it, or its number to another order, a moment ago.
            let gone = seen.waybill.is_some_and(|waybill| bound.contains(&waybill));
            let taken = |waybill| gone || waybills.contains(waybill);
            if seen.found.waybill_taken || lookup.waybill.as_ref().is_some_and(taken) {
                return Accepted::WaybillTaken;
            }
            seen.waybill = seen.waybill.filter(|_| !gone);
            bound.extend(seen.waybill);
            keys.insert(key, (acceptance.digest, acceptance.id));
            orders.insert(lookup.order.clone());
            waybills.extend(lookup.waybill.clone());
            Accepted::New(acceptance.id)
        })
        .collect()
}

/// Carrier and number of the waybill that an acceptance names.
pub(super) fn waybill_key(acceptance: &Acceptance) -> (String, String) {
    let inventory = &acceptance.declaration.inventory;
    (inventory.carrier.code.clone(), inventory.waybill_no.clone().unwrap_or_default())
}

/// The numbers by which a new declaration can be found.
pub(super) fn held_numbers(acceptance: &Acceptance, waybill_no: Option<&str>) -> Vec<NumberRow> {
    let order = &acceptance.declaration.order;
    let inventory = &acceptance.declaration.inventory;
    let row = |kind, number: &str, scope: String| {
        NumberRow::of_declaration(kind, number, scope, acceptance.actor.tenant.as_str(), acceptance.id.0)
    };
    let mut rows = vec![row(NumberKind::Order, &order.order_no, order_scope(&order.platform.code, &order.seller.code))];
    rows.extend(waybill_no.map(|no| row(NumberKind::Waybill, no, inventory.carrier.code.clone())));
    rows.extend(inventory.bill_no.as_deref().map(|no| row(NumberKind::Bill, no, String::new()).shared()));
    rows.extend(inventory.bag_no.as_deref().map(|no| row(NumberKind::Bag, no, String::new()).shared()));
    for document in acceptance.documents.iter().filter(|document| document.kind == Kind::Inventory) {
        rows.extend(document.enterprise_no.as_ref().map(|no| row(NumberKind::Enterprise, &no.0, String::new())));
    }
    rows
}

/// A waybill pushed earlier: its id, the digest of the request, and the declaration it is bound to.
type Earlier = (DocumentId, [u8; 32], Option<DeclarationId>);

/// What one look at the numbers tells of a waybill.
#[derive(Debug, Clone)]
pub(super) struct SeenWaybill {
    /// The waybill already pushed under this number, with its digest.
    pub pushed: Option<(DocumentId, [u8; 32])>,
    /// The declaration that names this number, or that this waybill names.
    pub declaration: Option<(DeclarationId, Tenant)>,
    /// Whether an older use of the number has to make room.
    pub expired: bool,
}

/// A waybill to be kept, with what was seen of it.
pub(super) type FreshWaybill<'a> = (&'a WaybillAcceptance, &'a SeenWaybill);

/// Decides one after the other, so that of two that collide within the batch the first is kept; tells which are to be kept.
pub(super) fn decide_waybills<'a>(
    many: &'a [WaybillAcceptance],
    seen: &'a mut [SeenWaybill],
) -> (Vec<WaybillAccepted>, Vec<FreshWaybill<'a>>) {
    one_each(seen);
    let seen = &*seen;
    let mut kept: HashMap<(&str, &str), Earlier> = HashMap::new();
    let mut results = Vec::with_capacity(many.len());
    let mut fresh = Vec::new();
    for (acceptance, seen) in many.iter().zip(seen) {
        let key = (acceptance.waybill.carrier.code.as_str(), acceptance.waybill.waybill_no.as_str());
        let declaration = seen.declaration.as_ref().map(|(id, _)| *id);
        let earlier = seen.pushed.map(|(id, digest)| (id, digest, declaration)).or_else(|| kept.get(&key).copied());
        results.push(match earlier {
            Some((id, digest, declaration)) if digest == acceptance.digest => WaybillAccepted::Again { id, declaration },
            Some(_) => WaybillAccepted::Taken,
            None => {
                kept.insert(key, (acceptance.id, acceptance.digest, declaration));
                fresh.push((acceptance, seen));
                WaybillAccepted::New { id: acceptance.id, declaration }
            }
        });
    }
    (results, fresh)
}

/// Of several new waybills that name one order, the first has it; the others wait for nothing.
fn one_each(seen: &mut [SeenWaybill]) {
    let mut claimed = HashSet::new();
    for seen in seen.iter_mut().filter(|seen| seen.pushed.is_none()) {
        if seen.declaration.as_ref().is_some_and(|(id, _)| !claimed.insert(*id)) {
            seen.declaration = None;
        }
    }
}
