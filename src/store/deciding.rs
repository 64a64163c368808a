//! Pages of decisions, put together from what either database gives.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use super::{Decided, KeptFollowUp, Result, reading::inconsistent};
use crate::{declaration::FollowUp, dossier::Dossier};

/// What was submitted about declarations, by declaration.
pub(super) type FollowUps = HashMap<Uuid, Vec<(KeptFollowUp, Arc<FollowUp>)>>;

/// A page of declarations, each with its decision and what was submitted about it; so many of it could not be read.
///
/// # Errors
/// If one cannot be read: what is left out would be missing from a sum.
pub(super) fn page(unread: usize, found: Vec<Dossier>, mut decided: HashMap<Uuid, String>, mut told: FollowUps) -> Result<Vec<Decided>> {
    if unread > 0 {
        return Err(inconsistent("declarations", format!("{unread} of a page cannot be read")));
    }
    let one = |dossier: Dossier| Decided {
        assessment: decided.remove(&dossier.id.0),
        follow_ups: told.remove(&dossier.id.0).unwrap_or_default(),
        dossier,
    };
    Ok(found.into_iter().map(one).collect())
}

/// What is known of pairs of a declaration and what was submitted about it, in their order.
///
/// # Errors
/// If something of a pair cannot be read.
pub(super) fn by_declaration(pairs: Vec<(Uuid, Uuid)>, known: &HashMap<Uuid, (KeptFollowUp, Arc<FollowUp>)>) -> Result<FollowUps> {
    let mut found = FollowUps::new();
    for (declaration, id) in pairs {
        let one = known.get(&id).ok_or_else(|| inconsistent("follow_ups", format!("{id} cannot be read")))?;
        found.entry(declaration).or_default().push(one.clone());
    }
    Ok(found)
}
