//! What is shown to those who look in, as it is meant.

use std::collections::BTreeMap;

use tongguan::{
    declaration::{DeclarationId, DocumentId, Kind, MessageId},
    dossier::{Document, Dossier},
    party::Tenant,
    receipt::Key,
    store::{Deadline, Hit, KeptReceipt, KeptWaybill, ListFilter, NumberKind, Subject, order_scope},
};

use super::{Fact, Model};

/// A declaration with what is kept beside it.
pub type Seen = (Dossier, Vec<String>, Vec<KeptReceipt>, (u32, Option<[u8; 32]>));

impl Model {
    pub fn ids(&self) -> Vec<DeclarationId> {
        self.declarations.keys().copied().collect()
    }

    pub fn documents(&self) -> Vec<Document> {
        self.papers.values().map(|paper| paper.document.clone()).collect()
    }

    pub fn message_ids(&self) -> Vec<MessageId> {
        self.messages.keys().copied().collect()
    }

    pub fn given_up_ids(&self) -> Vec<MessageId> {
        self.messages.keys().copied().filter(|id| self.is_given_up(*id)).collect()
    }

    /// Waybills without a document of their own, and their declarations.
    pub fn without_document(&self) -> Vec<(DocumentId, Option<DeclarationId>)> {
        let bare = self.waybills.iter().filter(|(id, _)| !self.papers.contains_key(id));
        bare.map(|(id, pushed)| (*id, pushed.declaration)).collect()
    }

    fn visible(&self, tenant: Option<&Tenant>, id: DeclarationId) -> bool {
        tenant.is_none_or(|tenant| self.declarations[&id].tenant == *tenant)
    }

    pub fn show(&self, tenant: Option<&Tenant>, id: DeclarationId) -> Option<Seen> {
        if !self.declarations.contains_key(&id) || !self.visible(tenant, id) {
            return None;
        }
        let dossier = self.dossier(id);
        let ours = |kept: &&KeptReceipt| dossier.documents.iter().any(|document| Some(document.id) == kept.document);
        let mut receipts: Vec<_> = self.receipts.iter().filter(ours).cloned().collect();
        receipts.sort_by_key(|kept| (kept.receipt.at.unwrap_or(kept.at), kept.at, kept.arrival, kept.ordinal));
        let declared = &self.declarations[&id];
        Some((dossier, declared.assessments.clone(), receipts, declared.amended))
    }

    /// Open deadlines, earliest first.
    pub fn deadlines(&self, tenant: Option<&Tenant>) -> Vec<Deadline> {
        let mut found: Vec<_> =
            self.deadlines.values().filter(|deadline| tenant.is_none_or(|tenant| deadline.tenant == *tenant)).cloned().collect();
        found.sort_by_key(|deadline| (deadline.at, deadline.declaration, deadline.kind.as_str()));
        found
    }

    /// What a declaration says, and how often it was amended.
    pub fn content(&self, id: DeclarationId) -> (std::sync::Arc<tongguan::declaration::Declaration>, u32, Tenant) {
        let declared = &self.declarations[&id];
        (std::sync::Arc::clone(&declared.declaration), declared.amended.0, declared.tenant.clone())
    }

    pub fn list(&self, filter: &ListFilter) -> Vec<DeclarationId> {
        let wanted = |id: &DeclarationId| {
            let dossier = self.dossier(*id);
            let office = &dossier.declaration.inventory.declared_at;
            self.visible(filter.tenant.as_ref(), *id)
                && filter.after.is_none_or(|after| *id > after)
                && filter.office.as_ref().is_none_or(|start| office.starts_with(start))
                && filter.state.is_none_or(|state| dossier.document(Kind::Inventory).is_some_and(|document| document.state == state))
        };
        self.declarations.keys().copied().filter(wanted).take(usize::try_from(filter.limit).unwrap()).collect()
    }

    fn seen_by(fact: &Fact, tenant: Option<&Tenant>) -> bool {
        tenant.is_none_or(|tenant| fact.owner.as_ref() == Some(tenant) || fact.carrier.as_ref() == Some(tenant))
    }

    pub fn waybill(&self, tenant: Option<&Tenant>, carrier: &str, number: &str) -> Option<KeptWaybill> {
        let fact = self.fact(NumberKind::Waybill, number, carrier).filter(|fact| Self::seen_by(fact, tenant))?;
        fact.document.map(|id| self.kept(id))
    }

    /// What a number leads to, by kind, the newest of a kind first.
    pub fn find(&self, tenant: Option<&Tenant>, number: &str) -> Vec<Hit> {
        let mut facts: Vec<_> = self.facts.iter().filter(|fact| fact.number == number && Self::seen_by(fact, tenant)).collect();
        facts.sort_by_key(|fact| (fact.kind.as_str(), std::cmp::Reverse(fact.at)));
        let hit = |fact: &Fact| Hit { number: number.to_owned(), kind: fact.kind, declaration: fact.declaration, document: fact.document };
        facts.into_iter().map(hit).collect()
    }

    pub fn matched(&self, key: &Key) -> Option<(Subject, DocumentId)> {
        let fact = match key {
            Key::Waybill { carrier, waybill_no } => self.fact(NumberKind::Waybill, waybill_no, carrier),
            Key::Inventory { enterprise_no, .. } if !enterprise_no.is_empty() => self.fact(NumberKind::Enterprise, enterprise_no, ""),
            Key::Order { platform, seller, order_no } | Key::Inventory { platform, seller, order_no, .. } => {
                self.fact(NumberKind::Order, order_no, &order_scope(platform, seller))
            }
            Key::Payment { seller, order_no, .. } => self.fact(NumberKind::Payment, order_no, seller),
            Key::FollowUp { kind, enterprise_no, part, .. } => {
                self.fact(NumberKind::Enterprise, enterprise_no, &format!("{}/{part}", kind.number()))
            }
        }?;
        let Some(declaration) = fact.declaration else {
            let document = self.papers.get(&fact.document?)?.document.clone();
            return Some((Subject::Waybill(document.clone()), document.id));
        };
        let dossier = self.dossier(declaration);
        let meant = |document: &&Document| fact.document.map_or(document.kind == key.kind(), |named| document.id == named);
        let document = dossier.documents.iter().filter(meant).map(|document| document.id).max()?;
        Some((Subject::Dossier(dossier), document))
    }

    pub fn message(&self, id: MessageId) -> Option<(String, Kind, usize, Vec<Document>)> {
        let message = self.messages.get(&id)?;
        let carried = self.papers.values().map(|paper| &paper.document).filter(|document| document.message == Some(id));
        Some((message.sender.clone(), message.kind, message.members.len(), carried.cloned().collect()))
    }

    pub fn unmatched(&self) -> Vec<KeptReceipt> {
        let mut receipts: Vec<_> = self.receipts.iter().filter(|kept| kept.document.is_none()).cloned().collect();
        receipts.sort_by_key(|kept| (std::cmp::Reverse(kept.arrival), kept.ordinal));
        receipts
    }

    pub fn counts(&self, tenant: Option<&Tenant>) -> BTreeMap<(i64, &'static str), i64> {
        let mut counts = BTreeMap::new();
        for paper in self.papers.values() {
            let dossier = paper.document.declaration.map(|id| self.dossier(id));
            let present =
                dossier.as_ref().map_or(Some(paper.document.id), |of| of.document(paper.document.kind).map(|document| document.id));
            if present == Some(paper.document.id) && tenant.is_none_or(|tenant| paper.document.tenant == *tenant) {
                *counts.entry((paper.document.kind.number(), paper.document.state.as_str())).or_default() += 1;
            }
        }
        counts
    }

    pub fn paused(&self) -> Vec<(String, String)> {
        self.pauses.iter().map(|(road, why)| (road.clone(), why.clone())).collect()
    }

    pub fn stopped(&self) -> Vec<(String, String)> {
        self.stops.iter().map(|(sender, reason)| (sender.clone(), reason.clone())).collect()
    }
}
