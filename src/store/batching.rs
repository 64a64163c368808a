//! What makes a batch of documents that are packed together: the same whatever keeps them.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use super::{Leased, Result, papers::Paper, reading::inconsistent};
use crate::{
    declaration::{FollowUp, Kind, Waybill},
    dossier::{Content, Document},
};

/// Documents in a message at most (message specification 202205: 1 to 100 of each business block).
pub(super) const TOGETHER: usize = 100;

/// Those of the queues whose road is not paused.
pub(super) fn open(heads: Vec<(i64, String)>, paused: &[(String, String)]) -> Vec<(i64, String)> {
    let takes = |queue: &str, road: &str| queue.rsplitn(3, '/').nth(2).is_some_and(|rest| rest.ends_with(&format!("/{road}")));
    heads.into_iter().filter(|(_, queue)| !paused.iter().any(|(road, _)| takes(queue, road))).collect()
}

/// Queues that differ only in their tenant belong together; groups and queues by their earliest deadline.
pub(super) fn groups(heads: Vec<(i64, String)>) -> Vec<Vec<String>> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<Vec<String>> = Vec::new();
    for (_, queue) in heads {
        let group = queue.rsplit_once('/').map_or_else(String::new, |(group, _)| group.to_owned());
        let place = *places.entry(group).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(queues) => queues.push(queue),
            None => groups.push(vec![queue]),
        }
    }
    groups
}

/// What documents say, by id: declarations with their waybill numbers, waybills, and what is submitted on its own.
#[derive(Default)]
pub(super) struct Contents {
    pub declarations: HashMap<Uuid, (Arc<Paper>, String)>,
    pub waybills: HashMap<Uuid, Arc<Waybill>>,
    pub follow_ups: HashMap<Uuid, Arc<FollowUp>>,
}

/// Joins a document with what it says.
pub(super) fn join(document: Document, contents: &Contents) -> Result<Leased> {
    let Contents { declarations, waybills, follow_ups } = contents;
    let missing = || inconsistent("documents", format!("{} says nothing", document.id));
    if document.kind.is_follow_up() {
        let follow_up = follow_ups.get(&document.id.0).ok_or_else(missing)?.clone();
        return Ok(Leased { waybill_no: String::new(), content: Content::FollowUp(follow_up), document, trace: None });
    }
    if document.kind == Kind::Waybill {
        let waybill = waybills.get(&document.id.0).ok_or_else(missing)?.clone();
        return Ok(Leased { waybill_no: waybill.waybill_no.clone(), content: Content::Waybill(waybill), document, trace: None });
    }
    let (paper, waybill_no) = document.declaration.and_then(|id| declarations.get(&id.0)).ok_or_else(missing)?.clone();
    Ok(Leased { document, content: Content::Declaration(Arc::clone(&paper.declaration)), waybill_no, trace: paper.trace })
}
