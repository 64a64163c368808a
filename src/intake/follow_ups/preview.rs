//! What could be summed, in the groups in which customs would sum it: shown before anything is sent.

use std::collections::{BTreeMap, HashMap};

use super::{
    super::{Core, Refusal, Reply},
    against::inventory_no,
};
use crate::{
    clock::Timestamp,
    declaration::{DeclarationId, Kind, Statistics},
    dossier::Dossier,
    party::{Party, Tenant},
    state::{Operation, Permit, permits},
    store::{self, DeadlineFilter, DeadlineKind, FollowUpLookup, Store, SummedLookup},
};

/// Inventories that a preview looks at.
const MOST: u32 = 4_096;
/// Deadlines that are read at once.
const PAGE: u32 = 500;

/// Inventories that go into one application: of one office, declarant, seller, owner where that counts, and month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// customsCode.
    pub declared_at: String,
    /// 申报企业.
    pub declarant: Party,
    /// 收发货人.
    pub seller: Party,
    /// 生产销售企业, where the groups are by owner.
    pub owner: Option<Party>,
    /// The month in which customs closed them, as `yyyyMM`; empty where that is not known.
    pub month: String,
    /// invtNo of each, in order.
    pub inventory_nos: Vec<String>,
    /// By when they are to be summed: the earliest of theirs.
    pub due: Option<Timestamp>,
}

/// What a preview shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preview {
    /// The groups.
    pub groups: Vec<Group>,
    /// Numbers that cannot be summed: not the caller's, of the A kind, not released, or summed already, be it that the result is awaited.
    pub left_out: Vec<String>,
}

/// Groups the inventories named, or, if none is, all of the tenant that wait to be summed.
pub(in crate::intake) async fn preview(core: &Core, tenant: &Tenant, numbers: Vec<String>, by_owner: bool) -> Reply<Preview> {
    let store = &*core.parts.store;
    let failed = |error| Refusal::of_store(&error);
    let named = !numbers.is_empty();
    let dossiers: Vec<(String, Option<Dossier>)> = if named {
        let asked = FollowUpLookup {
            tenant: tenant.clone(),
            key: String::new(),
            inventory_nos: numbers.clone(),
            of_any_tenant: false,
            carrier: String::new(),
            waybill_nos: Vec::new(),
            bill_no: None,
        };
        let found = store.follow_up_lookup(&asked).await.map_err(failed)?;
        numbers.into_iter().zip(found.inventories).collect()
    } else {
        let waiting = waiting(store, tenant).await.map_err(failed)?;
        waiting.into_iter().filter_map(|dossier| Some((inventory_no(&dossier)?.0.clone(), Some(dossier)))).collect()
    };
    let numbers: Vec<_> = dossiers.iter().map(|(number, _)| number.clone()).collect();
    let summed = summed(store, &numbers).await.map_err(failed)?;
    Ok(group(dossiers, &summed, by_owner))
}

/// The declarations of a tenant whose inventories wait to be summed.
async fn waiting(store: &dyn Store, tenant: &Tenant) -> store::Result<Vec<Dossier>> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.deadlines(DeadlineFilter { tenant: Some(tenant.clone()), after, limit: PAGE }).await?;
        let full = u32::try_from(page.len()).is_ok_and(|len| len >= PAGE);
        after = page.last().map(|last| (last.at, last.declaration));
        for deadline in page.into_iter().filter(|deadline| deadline.kind == DeadlineKind::Summary) {
            found.extend(store.show(Some(tenant), deadline.declaration).await?.map(|shown| shown.dossier));
            if u32::try_from(found.len()).is_ok_and(|len| len >= MOST) {
                return Ok(found);
            }
        }
        if !full {
            return Ok(found);
        }
    }
}

/// The declarations of those numbers that have been summed already, each with whether customs has said so: else a summary that names it
/// waits for its results.
pub(super) async fn summed(store: &dyn Store, numbers: &[String]) -> store::Result<HashMap<DeclarationId, bool>> {
    let asked = SummedLookup { summary_no: String::new(), seq_no: String::new(), inventory_nos: numbers.to_vec() };
    let found = store.summed(&[asked]).await?.into_iter().flatten();
    let found = found.filter(|found| found.summed.is_some() || found.applied);
    Ok(found.map(|found| (found.declaration, found.summed.is_some())).collect())
}

fn group(dossiers: Vec<(String, Option<Dossier>)>, summed: &HashMap<DeclarationId, bool>, by_owner: bool) -> Preview {
    let mut groups: BTreeMap<(String, String, String, String, String), Group> = BTreeMap::new();
    let mut left_out = Vec::new();
    for (number, dossier) in dossiers {
        let document = dossier.as_ref().and_then(|dossier| Some((dossier, dossier.document(Kind::Inventory)?)));
        let may = document.is_some_and(|(dossier, document)| {
            dossier.declaration.inventory.statistics == Statistics::Summed
                && permits(Operation::Summarise, document.state, None) == Permit::Asked
                && !summed.contains_key(&dossier.id)
        });
        let Some((dossier, document)) = document.filter(|_| may) else {
            left_out.push(number);
            continue;
        };
        let (order, inventory) = (&dossier.declaration.order, &dossier.declaration.inventory);
        let closed_at = document.last_word.as_ref().filter(|_| document.state == crate::state::State::Closed).map(|word| word.at);
        let month = closed_at.map(|at| crate::clock::day_to_wire(at.day()).chars().take(6).collect::<String>()).unwrap_or_default();
        let owner = by_owner.then(|| inventory.owner.clone());
        let key = (
            inventory.declared_at.clone(),
            inventory.declarant.code.clone(),
            order.seller.code.clone(),
            owner.as_ref().map(|owner| owner.code.clone()).unwrap_or_default(),
            month.clone(),
        );
        let group = groups.entry(key).or_insert_with(|| Group {
            declared_at: inventory.declared_at.clone(),
            declarant: inventory.declarant.clone(),
            seller: order.seller.clone(),
            owner,
            month,
            inventory_nos: Vec::new(),
            due: closed_at.map(super::super::deadlines::summary_due),
        });
        group.inventory_nos.push(number);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    for group in &mut groups {
        group.inventory_nos.sort_unstable();
    }
    Preview { groups, left_out }
}
