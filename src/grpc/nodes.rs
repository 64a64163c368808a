//! Nodes, as operations staff see them.

use super::{convert, proto};
use crate::{
    clock::Timestamp,
    node::{self, Disagreement},
    store::KeptNode,
};

pub(super) fn shown(all: &[KeptNode], now: Timestamp) -> proto::NodesResponse {
    let living = all.iter().filter(|node| !node::is_gone(node, now));
    proto::NodesResponse {
        nodes: all.iter().map(|node| one(node, now)).collect(),
        disagreements: node::disagreements(living).into_iter().map(disagreement).collect(),
    }
}

fn one(node: &KeptNode, now: Timestamp) -> proto::Node {
    let ahead = node.clocks.iter().map(|(id, milliseconds)| proto::ClockAhead { id: id.to_string(), milliseconds: *milliseconds });
    proto::Node {
        id: node.id.to_string(),
        name: node.name.clone(),
        roles: node.roles.split(',').map(str::to_owned).collect(),
        version: node.version.clone(),
        started_at: Some(convert::timestamp(node.started_at)),
        seen_at: Some(convert::timestamp(node.seen_at)),
        is_gone: node::is_gone(node, now),
        clocks_ahead: ahead.collect(),
    }
}

fn disagreement(found: Disagreement) -> proto::Disagreement {
    let groups = found.groups.into_iter().map(|nodes| proto::NodeGroup { nodes }).collect();
    proto::Disagreement { section: found.section, groups }
}
