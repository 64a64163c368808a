//! Matches manifests, arrivals and departures that came before the declarations they are about, as if they had come after them.

use std::collections::BTreeMap;

use super::{Gatekeeper, NAME};
use crate::{
    clock::Timestamp,
    declaration::{DeclarationId, Kind},
    dossier::Dossier,
    store::{Change, Deadline, DeadlineChange, DeadlineKind, Matching, Overtaking},
    task::{self, Note},
};

impl Gatekeeper {
    /// One change for each declaration that is matched, and one for all that nobody was found for.
    pub(super) fn matched(&self, overtaken: &[Overtaking], now: Timestamp) -> Vec<Change> {
        let mut found: BTreeMap<DeclarationId, (&Dossier, Vec<&Overtaking>)> = BTreeMap::new();
        let mut none = Change::default();
        for overtaking in overtaken {
            match &overtaking.found {
                Some(dossier) => found.entry(dossier.id).or_insert((dossier, Vec::new())).1.push(overtaking),
                None => none.matched.push(matching(overtaking, None)),
            }
        }
        let mut changes: Vec<_> = found.into_values().map(|(dossier, which)| self.join(dossier, which, now)).collect();
        if !none.matched.is_empty() {
            changes.push(none);
        }
        changes
    }

    fn join(&self, dossier: &Dossier, mut which: Vec<&Overtaking>, now: Timestamp) -> Change {
        // In the order in which they came: an arrival meets the cut-off that a manifest set.
        which.sort_unstable_by_key(|overtaking| overtaking.follow_up);
        let mut change = Change {
            // Another waybill's number counts the version up: then somebody else may be meant.
            expected: dossier.document(Kind::Inventory).map(|document| (document.id, document.version)).into_iter().collect(),
            ..Change::default()
        };
        let mut cut_off = None;
        for overtaking in which {
            change.matched.push(matching(overtaking, Some(dossier)));
            cut_off = match (overtaking.kind, overtaking.cut_off) {
                (Kind::Manifest, Some(at)) => Some(DeadlineChange::Set(Deadline {
                    declaration: dossier.id,
                    tenant: dossier.tenant.clone(),
                    kind: DeadlineKind::CutOff,
                    at,
                })),
                (Kind::Arrival | Kind::Departure, _) => Some(DeadlineChange::Met(dossier.id, DeadlineKind::CutOff)),
                _ => cut_off,
            };
            let kind = overtaking.kind.as_str();
            let differences = vec![task::difference(format!("inventory.{kind}"), "", &overtaking.whole.to_string())];
            let note = Note { task: NAME, act: kind, subject: dossier.id.0, why: "it came before the declaration" };
            change.entries.push(task::entry(&self.clockwork, now, &dossier.tenant, note, differences));
        }
        change.deadlines.extend(cut_off);
        change
    }
}

fn matching(overtaking: &Overtaking, dossier: Option<&Dossier>) -> Matching {
    Matching {
        follow_up: overtaking.follow_up,
        kind: overtaking.kind,
        bill_no: overtaking.bill_no.clone(),
        named: overtaking.named.clone(),
        look_at: overtaking.look_at,
        member: dossier.map(|dossier| (dossier.id, dossier.tenant.clone())),
    }
}
