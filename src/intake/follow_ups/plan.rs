//! From a checked document to what the store is to keep of it: who transmits it, in which parts, and what it is about.

use std::{collections::HashMap, sync::Arc};

use super::{
    super::{Core, Refusal, deadlines, prepare, rules},
    About, FollowUpAnswer, FollowUpSubmission, against, invalid,
};
use crate::{
    audit::{Difference, Entry},
    check::Finding,
    clock::Timestamp,
    declaration::{DocumentId, EnterpriseNo, FollowUp, Kind, ManifestLine, MovementLine, Part},
    dossier::Document,
    lane::{self, Duty, Known, Lane},
    party::{Actor, Sender, Tenant},
    store::{
        Concerned, Deadline, DeadlineChange, DeadlineKind, FollowUpAcceptance, FollowUpFound, FollowUpLookup, FollowUpPart, Named,
        NumberKind,
    },
};

/// Lines of a part at most (messages §3: what two implementations send in one message).
const LINES: usize = 1_000;

/// What a plan is made of.
pub(super) struct Plan<'a> {
    pub core: &'a Core,
    pub actor: &'a Actor,
    pub submission: &'a FollowUpSubmission,
    pub asked: &'a FollowUpLookup,
    pub found: &'a FollowUpFound,
    pub about: &'a About,
    pub now: Timestamp,
}

/// Who transmits it, by which road; nothing: somebody else.
type Way<'a> = Option<(&'a Sender, &'a str)>;

impl Plan<'_> {
    /// Makes it.
    ///
    /// # Errors
    /// Everything that speaks against it; warnings included.
    pub(super) fn make(&self, follow_up: FollowUp, warnings: Vec<Finding>) -> Result<(FollowUpAcceptance, FollowUpAnswer), Refusal> {
        let held = against::hold(&follow_up, self.asked, self.found, self.about);
        let way = self.way(&follow_up);
        let (way, mut findings) = way.map_or_else(|finding| (None, vec![*finding]), |way| (way, Vec::new()));
        findings.extend(held.findings);
        if !findings.is_empty() {
            return Err(invalid([findings, warnings].concat()));
        }
        let unmatched = self.unmatched();
        let parts = self.parts(follow_up, way);
        let Some(first) = parts.first() else { return Err(Refusal::Internal) };
        let members: std::collections::BTreeMap<_, Tenant> = parts.iter().flat_map(|part| part.members.clone()).collect();
        let answer = FollowUpAnswer {
            id: first.id,
            accepted_at: self.now,
            parts: u32::try_from(parts.len()).unwrap_or(u32::MAX),
            transmitted: way.is_some(),
            matched: u64::try_from(members.len()).unwrap_or(u64::MAX),
            unmatched,
            warnings: warnings.clone(),
        };
        let members: Vec<Concerned> = members.into_iter().collect();
        let acceptance = FollowUpAcceptance {
            actor: self.actor.clone(),
            key: self.asked.key.clone(),
            digest: self.submission.digest,
            instead_of: self.found.bound.as_ref().map(|bound| bound.whole),
            expected: held.rests_on.iter().map(|document| (document.id, document.version)).collect(),
            cut_off: self.submission.cut_off,
            warnings,
            deadlines: self.deadlines(first.follow_up.kind(), &members),
            entries: self.entries(&parts, &members),
            parts,
        };
        Ok((acceptance, answer))
    }

    /// Who transmits it: by the lane of the declarations that it is about, as far as they are known.
    fn way(&self, follow_up: &FollowUp) -> Result<Way<'_>, Box<Finding>> {
        let kind = follow_up.kind();
        let known = self.known(follow_up);
        let rules = &self.core.parts.rules;
        let Some(lane) = lane::choose_by(&rules.lanes, known) else {
            return Err(Box::new(rules::NO_LANE.finding("declared_at".into(), ("", ""), "")));
        };
        match lane::duty_on(lane, kind, self.day(follow_up)) {
            Duty::External => Ok(None),
            Duty::None => Err(Box::new(rules::following::NOT_SENT.finding(String::new(), (kind.row().zh, kind.row().en), ""))),
            duty @ Duty::Send(_) => self.sender(follow_up, lane, &duty).map(Some),
        }
    }

    fn sender<'a>(&'a self, follow_up: &FollowUp, lane: &'a Lane, duty: &Duty) -> Result<(&'a Sender, &'a str), Box<Finding>> {
        let senders = &self.core.parts.rules.senders;
        let sender = lane::choose_sender(senders, duty, &[&follow_up.transmitter().code]);
        let sender = sender.ok_or_else(|| Box::new(prepare::no_sender(follow_up.kind(), transmitter_path(follow_up.kind()))))?;
        Ok((sender, lane::choose_road(Some(lane), sender)))
    }

    /// What a lane can be chosen by.
    fn known<'a>(&'a self, follow_up: &'a FollowUp) -> Known<'a> {
        let of_inventory = self.found.inventories.iter().flatten().next();
        let dossier = of_inventory.or_else(|| self.about.shown.as_ref().map(|shown| &shown.dossier));
        let declaration = dossier.map(|dossier| &dossier.declaration);
        let office = follow_up.declared_at().or_else(|| declaration.map(|declaration| declaration.inventory.declared_at.as_str()));
        Known {
            office,
            site: None,
            trade_mode: declaration.map(|declaration| declaration.inventory.trade_mode.as_str()),
            seller: declaration.map(|declaration| declaration.order.seller.code.as_str()),
        }
    }

    /// The day by which the duty is decided: for a payment that of the money's arrival.
    fn day(&self, follow_up: &FollowUp) -> time::Date {
        match follow_up {
            FollowUp::Payment(payment) => payment.received_at.day(),
            _ => self.now.day(),
        }
    }

    /// Splits it, and gives each part its document and the declarations that it is about.
    fn parts(&self, follow_up: FollowUp, way: Way<'_>) -> Vec<FollowUpPart> {
        let clockwork = &self.core.parts.clockwork;
        let by_waybill: HashMap<&str, &Concerned> = self
            .asked
            .waybill_nos
            .iter()
            .zip(&self.found.waybills)
            .filter_map(|(no, found)| Some((no.as_str(), found.as_ref()?)))
            .collect();
        let mut copy_no = None;
        let mut parts = Vec::new();
        for part in split(follow_up) {
            let id = clockwork.id();
            let enterprise_no = copy_no.get_or_insert_with(|| enterprise_no(part.kind(), id)).clone();
            let document = way.map(|(sender, road)| self.document(&part, sender, road, DocumentId(id), enterprise_no));
            let members = self.members(&part, &by_waybill);
            let awaited = self.awaited(&part, &by_waybill);
            parts.push(FollowUpPart { id: DocumentId(id), follow_up: Arc::new(part), document, members, awaited });
        }
        parts
    }

    fn document(&self, part: &FollowUp, sender: &Sender, road: &str, id: DocumentId, enterprise_no: Option<EnterpriseNo>) -> Document {
        let needed_by = self.submission.needed_by.or(self.submission.cut_off).unwrap_or(self.now + self.core.needed_within);
        let new =
            prepare::new_document(part.kind(), sender.name.clone(), road.to_owned(), self.actor, &self.core.parts.clockwork, needed_by);
        Document { id, enterprise_no, ..new }
    }

    fn members(&self, part: &FollowUp, by_waybill: &HashMap<&str, &Concerned>) -> Vec<Concerned> {
        let of_lines = |waybill_nos: Vec<&str>| -> Vec<Concerned> {
            waybill_nos.into_iter().filter_map(|no| by_waybill.get(no).map(|found| (*found).clone())).collect()
        };
        let of_inventories = |numbers: &[String]| {
            let known = self.asked.inventory_nos.iter().zip(&self.found.inventories).filter(|(number, _)| numbers.contains(number));
            known.filter_map(|(_, dossier)| dossier.as_ref().map(|dossier| (dossier.id, dossier.tenant.clone()))).collect()
        };
        match part {
            FollowUp::Arrival(arrival) if arrival.lines.is_empty() => self.found.of_bill.clone(),
            FollowUp::Arrival(arrival) => of_lines(arrival.lines.iter().map(|line| line.waybill_no.as_str()).collect()),
            FollowUp::Departure(departure) => of_lines(departure.lines.iter().map(|line| line.waybill_no.as_str()).collect()),
            FollowUp::Manifest(manifest) => of_lines(manifest.lines.iter().map(|line| line.waybill_no.as_str()).collect()),
            FollowUp::Payment(_) => self.about.shown.iter().map(|shown| (shown.dossier.id, shown.dossier.tenant.clone())).collect(),
            FollowUp::Summary(summary) => of_inventories(&summary.inventory_nos),
            FollowUp::Cancellation(_) | FollowUp::GoodsReturn(_) | FollowUp::ReturnTally(_) => of_inventories(&self.asked.inventory_nos),
        }
    }

    /// What is to be matched once a declaration has it: waybills that none has, and the bill of what tells of a whole one.
    fn awaited(&self, part: &FollowUp, by_waybill: &HashMap<&str, &Concerned>) -> Vec<Named> {
        let named = |kind, number: &str| Named { kind, number: number.to_owned(), carrier: self.asked.carrier.clone() };
        let of_lines = |waybill_nos: Vec<&str>| -> Vec<Named> {
            let unknown = waybill_nos.into_iter().filter(|no| !by_waybill.contains_key(no));
            unknown.map(|no| named(NumberKind::Waybill, no)).collect()
        };
        match part {
            FollowUp::Arrival(arrival) if arrival.lines.is_empty() => {
                arrival.bill_no.iter().map(|bill_no| named(NumberKind::Bill, bill_no)).collect()
            }
            FollowUp::Arrival(arrival) => of_lines(arrival.lines.iter().map(|line| line.waybill_no.as_str()).collect()),
            FollowUp::Departure(departure) => of_lines(departure.lines.iter().map(|line| line.waybill_no.as_str()).collect()),
            FollowUp::Manifest(manifest) => of_lines(manifest.lines.iter().map(|line| line.waybill_no.as_str()).collect()),
            // Customs knows their inventories, and so do we.
            FollowUp::Payment(_)
            | FollowUp::Cancellation(_)
            | FollowUp::Summary(_)
            | FollowUp::GoodsReturn(_)
            | FollowUp::ReturnTally(_) => Vec::new(),
        }
    }

    /// Waybills of which no declaration is known.
    fn unmatched(&self) -> Vec<String> {
        self.asked.waybill_nos.iter().zip(&self.found.waybills).filter(|(_, found)| found.is_none()).map(|(no, _)| no.clone()).collect()
    }

    fn deadlines(&self, kind: Kind, members: &[Concerned]) -> Vec<DeadlineChange> {
        match (kind, self.submission.cut_off) {
            (Kind::Manifest, Some(at)) => members
                .iter()
                .map(|(id, tenant)| {
                    DeadlineChange::Set(Deadline { declaration: *id, tenant: tenant.clone(), kind: DeadlineKind::CutOff, at })
                })
                .collect(),
            (Kind::Arrival | Kind::Departure, _) => members.iter().map(|(id, _)| DeadlineChange::Met(*id, DeadlineKind::CutOff)).collect(),
            (Kind::GoodsReturn, _) => {
                self.about.shown.iter().flat_map(|shown| deadlines::returns(shown)).map(DeadlineChange::Set).collect()
            }
            _ => Vec::new(),
        }
    }

    /// One of the whole, and one of each declaration that it is about, for whoever follows that.
    fn entries(&self, parts: &[FollowUpPart], members: &[Concerned]) -> Vec<Entry> {
        let Some(first) = parts.first() else { return Vec::new() };
        let kind = first.follow_up.kind().as_str();
        let new = |field: String, to: &str| Difference { field, from: String::new(), to: to.to_owned() };
        let state = first.document.as_ref().map_or("external", |document| document.state.as_str());
        let mut changes = vec![new(format!("{kind}.state"), state)];
        if parts.len() > 1 {
            changes.push(new(format!("{kind}.parts"), &parts.len().to_string()));
        }
        if let Some(no) = first.document.as_ref().and_then(|document| document.enterprise_no.as_ref()) {
            changes.push(new(format!("{kind}.enterprise_no"), &no.0));
        }
        let entry = |actor: Actor, act: &str, subject, changes| Entry {
            id: self.core.parts.clockwork.id(),
            at: self.now,
            actor,
            act: act.to_owned(),
            subject,
            changes,
            why: String::new(),
        };
        let mut entries = vec![entry(self.actor.clone(), "accept_follow_up", first.id.0, changes)];
        for (id, tenant) in members {
            // Whose key another tenant used is no business of this one.
            let actor = if *tenant == self.actor.tenant { self.actor.clone() } else { Actor::gateway(tenant.clone(), "intake") };
            let changes = vec![new(format!("inventory.{kind}"), &first.id.to_string())];
            entries.push(entry(actor, kind, id.0, changes));
        }
        entries
    }
}

const fn transmitter_path(kind: Kind) -> &'static str {
    match kind {
        Kind::Payment => "seller.code",
        Kind::Arrival | Kind::ReturnTally => "operator.code",
        Kind::Departure => "carrier.code",
        _ => "declarant.code",
    }
}

/// The number by which the declaring enterprise knows it: what its first part's id gives. A payment has none.
fn enterprise_no(kind: Kind, id: uuid::Uuid) -> Option<EnterpriseNo> {
    match kind {
        Kind::Payment => None,
        // coElNo has at most 20 characters (message specification 202205, 215).
        Kind::ReturnTally => Some(EnterpriseNo::short_from_id(id)),
        _ => Some(EnterpriseNo::from_id(id)),
    }
}

/// Parts of at most a thousand lines, numbered without gaps; what is short, or has no lines, is its only part.
fn split(follow_up: FollowUp) -> Vec<FollowUp> {
    if follow_up.line_count() <= LINES {
        return vec![follow_up];
    }
    let count = u32::try_from(follow_up.line_count().div_ceil(LINES)).unwrap_or(u32::MAX);
    let part = |place: usize| Part { number: u32::try_from(place).unwrap_or(u32::MAX).saturating_add(1), count };
    match follow_up {
        FollowUp::Arrival(mut whole) => {
            let lines: Vec<MovementLine> = std::mem::take(&mut whole.lines);
            let of = |(place, lines): (usize, &[MovementLine])| crate::declaration::Arrival {
                part: part(place),
                lines: lines.to_vec(),
                ..whole.clone()
            };
            lines.chunks(LINES).enumerate().map(of).map(FollowUp::Arrival).collect()
        }
        FollowUp::Departure(mut whole) => {
            let lines: Vec<MovementLine> = std::mem::take(&mut whole.lines);
            let of = |(place, lines): (usize, &[MovementLine])| crate::declaration::Departure {
                part: part(place),
                lines: lines.to_vec(),
                ..whole.clone()
            };
            lines.chunks(LINES).enumerate().map(of).map(FollowUp::Departure).collect()
        }
        FollowUp::Manifest(mut whole) => {
            let lines: Vec<ManifestLine> = std::mem::take(&mut whole.lines);
            let of = |(place, lines): (usize, &[ManifestLine])| crate::declaration::Manifest {
                part: part(place),
                lines: lines.to_vec(),
                ..whole.clone()
            };
            lines.chunks(LINES).enumerate().map(of).map(FollowUp::Manifest).collect()
        }
        FollowUp::Summary(mut whole) => {
            let numbers: Vec<String> = std::mem::take(&mut whole.inventory_nos);
            let of = |(place, numbers): (usize, &[String])| crate::declaration::Summary {
                part: part(place),
                inventory_nos: numbers.to_vec(),
                ..whole.clone()
            };
            numbers.chunks(LINES).enumerate().map(of).map(FollowUp::Summary).collect()
        }
        other @ (FollowUp::Payment(_) | FollowUp::Cancellation(_) | FollowUp::GoodsReturn(_) | FollowUp::ReturnTally(_)) => vec![other],
    }
}
