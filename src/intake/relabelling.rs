//! The number of a declaration's waybill, given or changed until the inventory that names it is sealed.

use crate::{
    audit::{Difference, Entry},
    check::Finding,
    declaration::{DeclarationId, Kind, draft::OrderReference},
    dossier::Dossier,
    party::{Actor, Role},
    receipt::Key,
    state::{Operation, Permit, permits},
    store::{Relabel, Relabelled, Subject},
};

use super::{
    Core, Refusal, Reply,
    follow_ups::{standing, state_finding},
    rules::following as rules,
};

const RETRIES: usize = 5;
/// logisticsNo has at most so many characters (message specification 202205).
const LONGEST: usize = 32;

/// Which declaration is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// By our id of it.
    Declaration(DeclarationId),
    /// By its order.
    Order(OrderReference),
}

/// Gives a declaration the number of its waybill, or another one; tells which declaration that is.
pub(super) async fn bind(core: &Core, actor: &Actor, meant: &Meant, carrier: &str, waybill_no: &str) -> Reply<DeclarationId> {
    let fits = !waybill_no.is_empty() && waybill_no.chars().count() <= LONGEST && waybill_no.bytes().all(|b| b.is_ascii_graphic());
    if !fits {
        return Err(invalid(rules::WAYBILL_NO.finding("waybill_no".into(), ("", ""), "")));
    }
    for _ in 0..RETRIES {
        let dossier = known(core, actor, meant).await?;
        if dossier.waybill_no.as_deref() == Some(waybill_no) {
            return Ok(dossier.id);
        }
        may(core, actor, &dossier, carrier).await?;
        let inventory = dossier.document(Kind::Inventory);
        if let Some(Permit::No(obstacle)) = inventory.map(|document| permits(Operation::Relabel, standing(document), None)) {
            return Err(invalid(state_finding("waybill_no", Kind::Inventory, obstacle)));
        }
        let now = core.parts.clockwork.now();
        let old = dossier.waybill_no.clone().unwrap_or_default();
        let actor = if actor.tenant == dossier.tenant { actor.clone() } else { Actor::gateway(dossier.tenant.clone(), "intake") };
        let relabel = Relabel {
            declaration: dossier.id,
            tenant: dossier.tenant.clone(),
            expected: inventory.map(|document| (document.id, document.version)).into_iter().collect(),
            carrier: carrier.to_owned(),
            waybill_no: waybill_no.to_owned(),
            entry: Entry {
                id: core.parts.clockwork.id(),
                at: now,
                actor,
                act: "bind_waybill".into(),
                subject: dossier.id.0,
                changes: vec![Difference { field: "waybill.no".into(), from: old, to: waybill_no.to_owned() }],
                why: String::new(),
            },
        };
        match core.parts.store.relabel(now, relabel).await.map_err(|error| Refusal::of_store(&error))? {
            Relabelled::Done => return Ok(dossier.id),
            Relabelled::Taken => return Err(invalid(rules::WAYBILL_TAKEN.finding("waybill_no".into(), ("", ""), waybill_no))),
            Relabelled::Stale => {}
        }
    }
    Err(Refusal::Busy)
}

async fn known(core: &Core, actor: &Actor, meant: &Meant) -> Reply<Dossier> {
    let failed = |error| Refusal::of_store(&error);
    match meant {
        Meant::Declaration(id) => {
            let shown = core.parts.store.show(Some(&actor.tenant), *id).await.map_err(failed)?;
            shown.map(|shown| shown.dossier).ok_or(Refusal::Unknown)
        }
        Meant::Order(order) => {
            let key = Key::Order { platform: order.platform.clone(), seller: order.seller.clone(), order_no: order.order_no.clone() };
            let found = core.parts.store.matches(&[key]).await.map_err(failed)?;
            let dossier = found.subjects.into_iter().find_map(|subject| match subject {
                Subject::Dossier(dossier) => Some(dossier),
                Subject::Waybill(_) => None,
            });
            // A seller's orders are its own; a carrier knows those that it carries.
            dossier.filter(|dossier| dossier.tenant == actor.tenant || actor.role == Role::Carrier).ok_or(Refusal::Unknown)
        }
    }
}

/// Whether the caller may say so: the declaration's own tenant, or the carrier whose waybill it has, or which it waits for.
async fn may(core: &Core, actor: &Actor, dossier: &Dossier, carrier: &str) -> Reply<()> {
    let named = &dossier.declaration.inventory.carrier.code;
    if dossier.tenant != actor.tenant {
        let present = match dossier.waybill_no.as_deref() {
            Some(no) => {
                core.parts.store.waybill(Some(&actor.tenant), named, no).await.map_err(|error| Refusal::of_store(&error))?.is_some()
            }
            None => true,
        };
        if !present || named != carrier {
            return Err(Refusal::Unknown);
        }
    }
    if named == carrier { Ok(()) } else { Err(invalid(rules::FIXED.finding("carrier".into(), ("物流企业", "carrier"), named))) }
}

fn invalid(finding: Finding) -> Refusal {
    Refusal::Invalid { total: 1, findings: vec![finding] }
}
