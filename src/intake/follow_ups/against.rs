//! What a document that is submitted on its own says, held against what is kept: without input or output.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::{super::rules::following as rules, About};
use crate::{
    check::Finding,
    declaration::{Cancellation, Declaration, FollowUp, GoodsReturn, InventoryNo, Kind, ReturnLine, Statistics, Summary},
    dossier::{Document, Dossier},
    party::Party,
    state::{Obstacle, Operation, Permit, State, permits},
    store::{FollowUpFound, FollowUpLookup, KeptFollowUp, ShownFollowUp},
};

/// Everything that is wrong, and the documents that the decision rests on.
#[derive(Default)]
pub(super) struct Held<'a> {
    pub findings: Vec<Finding>,
    pub rests_on: Vec<&'a Document>,
}

/// Holds a document against what is kept.
pub(super) fn hold<'a>(follow_up: &FollowUp, asked: &FollowUpLookup, found: &'a FollowUpFound, about: &About) -> Held<'a> {
    let mut held = Held::default();
    match follow_up {
        FollowUp::Cancellation(cancellation) => held.cancellation(cancellation, found, about),
        FollowUp::GoodsReturn(goods_return) => held.goods_return(goods_return, found, about),
        FollowUp::Summary(summary) => held.summary(summary, asked, found, about),
        // What carriers and sites tell of is told, whatever is known here.
        FollowUp::Payment(_) | FollowUp::Arrival(_) | FollowUp::Departure(_) | FollowUp::Manifest(_) | FollowUp::ReturnTally(_) => {}
    }
    held
}

/// A document's state for the table: one whose earlier message may still go is on its way.
pub(in crate::intake) fn standing(document: &Document) -> State {
    if document.state == State::Due && document.message.is_some() { State::Packed } else { document.state }
}

/// The finding that a state does not permit something.
pub(in crate::intake) fn state_finding(path: &str, kind: Kind, obstacle: Obstacle) -> Finding {
    let (zh, en) = rules::obstacle(obstacle);
    let mut finding = rules::STATE.finding(path.to_owned(), (kind.row().zh, kind.row().en), zh);
    finding.en = finding.en.replace(zh, en);
    finding
}

impl<'a> Held<'a> {
    /// The declaration of the one inventory that a document names, if its state permits the operation.
    fn inventory(&mut self, operation: Operation, number: &str, path: &str, dossier: Option<&'a Dossier>) -> Option<&'a Dossier> {
        let Some((dossier, document)) = dossier.and_then(|dossier| Some((dossier, dossier.document(Kind::Inventory)?))) else {
            self.findings.push(rules::NO_INVENTORY.finding(path.to_owned(), ("", ""), number));
            return None;
        };
        if let Permit::No(obstacle) = permits(operation, standing(document), None) {
            self.findings.push(state_finding(path, Kind::Inventory, obstacle));
        }
        self.rests_on.push(document);
        Some(dossier)
    }

    fn asked_already(&mut self, kind: Kind, path: &str, about: &About) {
        let pending = |kept: &KeptFollowUp| kept.kind == kind && kept.stands();
        if about.shown.iter().flat_map(|shown| &shown.follow_ups).any(pending) {
            self.findings.push(rules::ASKED_ALREADY.finding(path.to_owned(), (kind.row().zh, kind.row().en), ""));
        }
    }

    fn party(&mut self, path: &str, name: (&str, &str), said: &Party, declared: &Party, number: &str) {
        if said.code != declared.code {
            self.findings.push(rules::OTHER_PARTY.finding(path.to_owned(), name, number));
        }
    }

    fn cancellation(&mut self, cancellation: &Cancellation, found: &'a FollowUpFound, about: &About) {
        let number = &cancellation.inventory_no;
        let dossier = found.inventories.first().and_then(Option::as_ref);
        let Some(dossier) = self.inventory(Operation::Cancel, number, "inventory_no", dossier) else { return };
        let inventory = &dossier.declaration.inventory;
        self.asked_already(Kind::Cancellation, "inventory_no", about);
        self.party("declarant.code", ("申报企业", "declarant"), &cancellation.declarant, &inventory.declarant, number);
        self.party("seller.code", ("电商企业", "seller"), &cancellation.seller, &dossier.declaration.order.seller, number);
    }

    fn goods_return(&mut self, goods_return: &GoodsReturn, found: &'a FollowUpFound, about: &About) {
        let number = &goods_return.inventory_no;
        let dossier = found.inventories.first().and_then(Option::as_ref);
        let Some(dossier) = self.inventory(Operation::DeclareReturn, number, "inventory_no", dossier) else { return };
        let order = &dossier.declaration.order;
        self.party("platform.code", ("电商平台", "platform"), &goods_return.platform, &order.platform, number);
        self.party("seller.code", ("电商企业", "seller"), &goods_return.seller, &order.seller, number);
        let earlier = came_back(&about.returns);
        for (index, line) in goods_return.lines.iter().enumerate() {
            self.return_line(&format!("lines[{index}]"), line, &dossier.declaration, &earlier);
        }
    }

    fn return_line(&mut self, path: &str, line: &ReturnLine, declared: &Declaration, earlier: &HashMap<u32, (Decimal, Decimal)>) {
        let lines = declared.inventory.lines.iter().find(|known| known.number == line.number);
        let Some((known, order)) = lines.and_then(|known| Some((known, declared.order_line(known)?))) else {
            self.findings.push(rules::NO_LINE.finding(format!("{path}.number"), ("", ""), &line.number.to_string()));
            return;
        };
        let same = [
            ("hs_code", ("商品编码", "commodity code"), &line.hs_code, &known.hs_code),
            ("unit", ("计量单位", "unit"), &line.unit, &order.unit),
            ("legal_unit", ("法定计量单位", "legal unit"), &line.legal_unit, &known.legal_unit),
        ];
        for (field, name, said, declared) in same {
            if said != declared {
                self.findings.push(rules::OTHER_LINE.finding(format!("{path}.{field}"), name, declared));
            }
        }
        let (before, legal_before) = earlier.get(&line.number).copied().unwrap_or_default();
        let mut bounded = vec![
            ("quantity", ("数量", "quantity"), line.quantity, order.quantity - before),
            ("legal_quantity", ("法定数量", "legal quantity"), line.legal_quantity, known.legal_quantity - legal_before),
        ];
        if let (Some((said, _)), Some((declared, _))) = (&line.second, &known.second) {
            bounded.push(("second_quantity", ("第二数量", "second quantity"), *said, *declared));
        }
        for (field, name, said, left) in bounded {
            if said > left {
                self.findings.push(rules::TOO_MUCH.finding(format!("{path}.{field}"), name, &left.normalize().to_string()));
            }
        }
    }

    fn summary(&mut self, summary: &Summary, asked: &FollowUpLookup, found: &'a FollowUpFound, about: &About) {
        for (index, (number, dossier)) in asked.inventory_nos.iter().zip(&found.inventories).enumerate() {
            let path = format!("inventory_nos[{index}]");
            let Some(dossier) = self.inventory(Operation::Summarise, number, &path, dossier.as_ref()) else { continue };
            let declaration = &dossier.declaration;
            let summed = about.summed.get(&dossier.id).copied();
            if declaration.inventory.statistics != Statistics::Summed || summed == Some(true) {
                self.findings.push(rules::NOT_TO_SUM.finding(path.clone(), ("", ""), number));
            } else if summed.is_some() {
                let kind = Kind::Summary.row();
                self.findings.push(rules::ASKED_ALREADY.finding(path.clone(), (kind.zh, kind.en), ""));
            }
            self.party(&path, ("收发货人", "consignor"), &summary.seller, &declaration.order.seller, number);
            self.party(&path, ("申报单位", "declarant"), &summary.declarant, &declaration.inventory.declarant, number);
        }
    }
}

/// What has come back before: by line, its quantity and its legal quantity.
fn came_back(returns: &[ShownFollowUp]) -> HashMap<u32, (Decimal, Decimal)> {
    let mut found: HashMap<u32, (Decimal, Decimal)> = HashMap::new();
    let bodies = returns.iter().flat_map(|shown| &shown.parts).filter_map(|(_, body)| match &**body {
        FollowUp::GoodsReturn(goods_return) => Some(goods_return),
        _ => None,
    });
    for line in bodies.flat_map(|goods_return| &goods_return.lines) {
        let (quantity, legal) = found.entry(line.number).or_default();
        *quantity += line.quantity;
        *legal += line.legal_quantity;
    }
    found
}

/// The inventory's number, once customs has given one.
pub(super) fn inventory_no(dossier: &Dossier) -> Option<&InventoryNo> {
    dossier.document(Kind::Inventory)?.inventory_no.as_ref()
}
