//! From numbers and ids to what they lead to.

use std::collections::HashMap;

use tonic::Status;
use uuid::Uuid;

use super::{Door, status};
use crate::{
    declaration::DeclarationId,
    party::Tenant,
    store::{self, Hit, Shown},
};

/// The longest number there is has 60 characters (orderNo).
const LONGEST_NUMBER: usize = 100;
/// The most hits that are shown: a bill may be that of very many declarations.
pub(super) const MOST_HITS: usize = 1_000;

/// What a number or an id leads to.
pub(super) struct Lead {
    pub(super) number: String,
    /// Nothing for an id.
    pub(super) hit: Option<Hit>,
    pub(super) declaration: Option<DeclarationId>,
}

/// What each number or id leads to, in the order of the numbers; those that cannot be numbers lead to nothing.
pub(super) async fn leads(door: &Door, tenant: Option<&Tenant>, numbers: &[String]) -> Result<Vec<Lead>, Status> {
    let asked: Vec<_> = numbers.iter().filter(|number| !number.is_empty() && number.chars().count() <= LONGEST_NUMBER).cloned().collect();
    let hits = door.store().find(tenant, &asked).await.map_err(|error| status::of_store(&error))?;
    let mut by_number: HashMap<&str, Vec<&Hit>> = HashMap::new();
    for hit in &hits {
        by_number.entry(&hit.number).or_default().push(hit);
    }
    let mut leads = Vec::new();
    for number in asked.iter() {
        if let Some(id) = Uuid::try_parse(number).ok().map(DeclarationId)
            && is_there(door.store().show(tenant, id).await)?
        {
            leads.push(Lead { number: number.clone(), hit: None, declaration: Some(id) });
        }
        for hit in by_number.remove(number.as_str()).unwrap_or_default() {
            leads.push(Lead { number: number.clone(), declaration: hit.declaration, hit: Some(hit.clone()) });
        }
    }
    Ok(leads)
}

/// Whether a declaration is there, at hand or archived.
fn is_there(shown: store::Result<Option<Shown>>) -> Result<bool, Status> {
    match shown {
        Ok(shown) => Ok(shown.is_some()),
        Err(store::Error::Archived(_)) => Ok(true),
        Err(error) => Err(status::of_store(&error)),
    }
}

/// What is shown of a declaration; nothing of one that was archived and is not at hand.
pub(super) fn at_hand(shown: store::Result<Option<Shown>>) -> Result<Option<Shown>, Status> {
    match shown {
        Err(store::Error::Archived(_)) => Ok(None),
        shown => shown.map_err(|error| status::of_store(&error)),
    }
}

/// Declarations, each shown once.
pub(super) async fn shown(door: &Door, tenant: Option<&Tenant>, leads: &[Lead]) -> Result<HashMap<DeclarationId, Shown>, Status> {
    let mut found = HashMap::new();
    for id in leads.iter().filter_map(|lead| lead.declaration) {
        if !found.contains_key(&id)
            && let Some(shown) = at_hand(door.store().show(tenant, id).await)?
        {
            found.insert(id, shown);
        }
    }
    Ok(found)
}
