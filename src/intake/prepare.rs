//! From a draft to what the store is to keep, without I/O: checked, then assessed, then planned. Each step has its own type,
//! made by that step alone.

use std::{sync::Arc, time::Duration};

use crate::{
    audit::{Difference, Entry},
    check::{self, Checked, Finding, Findings, Severity, Taken},
    clock::{Clockwork, Timestamp},
    declaration::{Action, Declaration, DeclarationId, DocumentGuid, DocumentId, EnterpriseNo, Kind, draft},
    dossier::Document,
    exemption::{Assessment, ListStatus, Paper, Recorded},
    lane::{self, Case, Duty, Lane, Plan},
    party::{Actor, Sender},
    state::State,
    store::Acceptance,
};

use super::{
    Refusal, Rules, Submission,
    rules::{self as request, LONGEST_KEY},
};

/// A checked declaration with the advice on its lines; only [`assess`] makes one.
#[derive(Debug, Clone)]
pub struct Assessed {
    checked: Checked,
    assessment: Assessment,
}

/// An assessed declaration of which it is known who transmits what; only [`plan`] makes one.
#[derive(Debug, Clone)]
pub struct Planned {
    declaration: Arc<Declaration>,
    warnings: Vec<Finding>,
    assessment: Assessment,
    plan: Plan,
    transmissions: Vec<Transmission>,
}

impl Planned {
    /// Warnings and exemption advice: what the answer tells of it.
    #[must_use]
    pub fn into_answer(self) -> (Vec<Finding>, Paper) {
        (self.warnings, Paper::from(&self.assessment))
    }
}

#[derive(Debug, Clone)]
struct Transmission {
    kind: Kind,
    sender: String,
    road: String,
}

/// Goes all the way from a draft to a plan, and reports everything that is wrong at once.
///
/// # Errors
/// Everything that is wrong.
pub fn prepare(rules: &Rules, submission: &Submission, taken: &Taken, recorded: &Recorded, now: Timestamp) -> Result<Planned, Refusal> {
    let own = own_findings(submission);
    match check::check(&submission.draft, taken, &rules.parameters, now.day()) {
        Ok(checked) => {
            let planned = plan(rules, assess(rules, checked, recorded, now));
            match planned {
                Ok(planned) if own.is_empty() => Ok(planned),
                Ok(planned) => Err(invalid([own, planned.warnings].concat())),
                Err(findings) => Err(invalid([own, findings].concat())),
            }
        }
        Err(findings) => {
            let own = [own, foreseen(rules, &submission.draft, &findings)].concat();
            let total = findings.total() + own.len();
            Err(Refusal::Invalid { findings: [own, findings.into_list()].concat(), total })
        }
    }
}

fn invalid(findings: Vec<Finding>) -> Refusal {
    Refusal::Invalid { total: findings.len(), findings }
}

/// What is wrong with the request around the declaration.
pub(super) fn own_findings(submission: &Submission) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !is_key(&submission.idempotency_key) {
        findings.push(request::KEY.finding("idempotency_key".into(), ("", ""), ""));
    }
    if submission.needed_by.is_some_and(|at| !(Timestamp(0)..=Timestamp::NEVER).contains(&at)) {
        findings.push(request::NEEDED_BY.finding("needed_by".into(), ("", ""), ""));
    }
    findings
}

/// What planning would find in a declaration that is refused already, so that the caller hears it now. Only what no faulty
/// field can have to do with.
fn foreseen(rules: &Rules, draft: &draft::Declaration, findings: &Findings) -> Vec<Finding> {
    let good = |path: &&str| !findings.list().iter().any(|finding| finding.path == *path && finding.severity == Severity::Error);
    let all_told = findings.total() == findings.list().len();
    if !all_told || !LANE_PATHS.iter().all(good) {
        return Vec::new();
    }
    let (order, inventory) = (&draft.order, &draft.inventory);
    let case =
        Case { office: &inventory.declared_at, site: inventory.site.trim(), trade_mode: &inventory.trade_mode, seller: &order.seller.code };
    let Some(lane) = lane::choose(&rules.lanes, case) else { return vec![no_lane()] };
    let missing = |kind: &Kind| {
        let known = transmitter_paths(*kind).iter().all(good);
        let parties = lane::draft_transmitters(draft, *kind);
        matches!(lane.duty(*kind), Duty::Send(_)) && known && lane::choose_sender(&rules.senders, lane.duty(*kind), &parties).is_none()
    };
    Kind::OF_PARCEL.into_iter().filter(missing).map(|kind| no_sender(kind, sender_path(kind))).collect()
}

/// Advises on the exemption as it stands before anything is declared.
#[must_use]
pub fn assess(rules: &Rules, checked: Checked, recorded: &Recorded, now: Timestamp) -> Assessed {
    let assessment = rules.advisor.assess(checked.declaration(), recorded, ListStatus::NotDeclared, now.day());
    Assessed { checked, assessment }
}

/// Chooses the lane, the senders and the roads.
///
/// # Errors
/// Where no lane covers the declaration, or nobody of ours can transmit what its lane wants sent; warnings included.
pub fn plan(rules: &Rules, assessed: Assessed) -> Result<Planned, Vec<Finding>> {
    let Assessed { checked, assessment } = assessed;
    let (declaration, warnings) = checked.into_parts();
    let inventory = &declaration.inventory;
    let case = Case {
        office: &inventory.declared_at,
        site: inventory.site.as_deref().unwrap_or_default(),
        trade_mode: &inventory.trade_mode,
        seller: &declaration.order.seller.code,
    };
    let Some(lane) = lane::choose(&rules.lanes, case) else { return Err([vec![no_lane()], warnings].concat()) };
    let mut transmissions = Vec::with_capacity(Kind::OF_PARCEL.len());
    let mut missing = Vec::new();
    for kind in Kind::OF_PARCEL.into_iter().filter(|kind| matches!(lane.duty(*kind), Duty::Send(_))) {
        match lane::choose_sender(&rules.senders, lane.duty(kind), &lane::transmitters(&declaration, kind)) {
            Some(sender) => transmissions.push(transmission(kind, lane, sender)),
            None => missing.push(no_sender(kind, sender_path(kind))),
        }
    }
    if !missing.is_empty() {
        return Err([missing, warnings].concat());
    }
    Ok(Planned { declaration: Arc::new(declaration), warnings, assessment, plan: lane.plan(), transmissions })
}

fn transmission(kind: Kind, lane: &Lane, sender: &Sender) -> Transmission {
    Transmission { kind, sender: sender.name.clone(), road: lane::choose_road(Some(lane), sender).to_owned() }
}

const fn sender_path(kind: Kind) -> &'static str {
    match kind {
        Kind::Order => "order.seller.code",
        Kind::Waybill => "inventory.carrier.code",
        _ => "inventory.declarant.code",
    }
}

/// What a lane is chosen by.
const LANE_PATHS: [&str; 4] = ["inventory.declared_at", "inventory.site", "inventory.trade_mode", "order.seller.code"];

/// The codes of [`lane::transmitters`].
const fn transmitter_paths(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Order => &["order.platform.code", "order.seller.code"],
        Kind::Waybill => &["inventory.carrier.code"],
        _ => &["inventory.declarant.code"],
    }
}

fn no_lane() -> Finding {
    request::NO_LANE.finding("inventory.declared_at".into(), ("", ""), "")
}

/// The finding that nobody of ours can transmit a document of that kind.
#[must_use]
pub fn no_sender(kind: Kind, path: &str) -> Finding {
    request::NO_SENDER.finding(path.into(), (kind.row().zh, kind.row().en), "")
}

/// Whether a caller may give this key; none is good too.
#[must_use]
pub fn is_key(key: &str) -> bool {
    key.chars().nth(LONGEST_KEY).is_none() && !key.chars().any(char::is_control)
}

/// The caller's key, if it gave one; else the store takes the order's own number for it.
#[must_use]
pub fn key_of(submission: &Submission) -> Option<String> {
    (!submission.idempotency_key.is_empty()).then(|| submission.idempotency_key.chars().take(LONGEST_KEY).collect())
}

/// What the store is to keep of a planned declaration.
#[must_use]
pub fn acceptance(
    planned: &Planned,
    submission: &Submission,
    actor: &Actor,
    clockwork: &Clockwork,
    now: Timestamp,
    needed_within: Duration,
) -> Acceptance {
    let id = DeclarationId(clockwork.id());
    let needed_by = submission.needed_by.unwrap_or(now + needed_within);
    let documents = planned
        .transmissions
        .iter()
        .filter(|transmission| transmission.kind != Kind::Waybill)
        .map(|transmission| {
            let Transmission { kind, sender, road } = transmission.clone();
            let waits = kind == Kind::Inventory;
            Document {
                declaration: Some(id),
                enterprise_no: waits.then(|| EnterpriseNo::from_id(clockwork.id())),
                state: if waits { State::Waiting } else { State::Due },
                gate_at: waits.then_some(now),
                ..new_document(kind, sender, road, actor, clockwork, needed_by)
            }
        })
        .collect::<Vec<_>>();
    Acceptance {
        id,
        actor: actor.clone(),
        idempotency_key: key_of(submission),
        digest: submission.digest,
        needed_by,
        entry: entry(planned, id, &documents, actor, clockwork, now),
        declaration: Arc::clone(&planned.declaration),
        warnings: planned.warnings.clone(),
        plan: planned.plan.clone(),
        documents,
        assessment: planned.assessment.to_kept(),
    }
}

/// A document that is due, before anything happened to it.
#[must_use]
pub fn new_document(kind: Kind, sender: String, road: String, actor: &Actor, clockwork: &Clockwork, needed_by: Timestamp) -> Document {
    Document {
        id: DocumentId(clockwork.id()),
        version: 0,
        tenant: actor.tenant.clone(),
        declaration: None,
        kind,
        action: Action::Add,
        guid: DocumentGuid(clockwork.id()),
        sender,
        road,
        enterprise_no: None,
        port_no: None,
        inventory_no: None,
        state: State::Due,
        last_word: None,
        needed_by,
        gate_at: None,
        lot: None,
        packed: 0,
        port_failures: 0,
        resent: None,
        message: None,
        on_hold: false,
    }
}

fn entry(planned: &Planned, id: DeclarationId, documents: &[Document], actor: &Actor, clockwork: &Clockwork, now: Timestamp) -> Entry {
    let new = |field: String, to: &str| Difference { field, from: String::new(), to: to.to_owned() };
    let mut changes = vec![
        new("order.no".into(), &planned.declaration.order.order_no),
        new("inventory.declared_at".into(), &planned.declaration.inventory.declared_at),
    ];
    changes.extend(documents.iter().map(|document| new(format!("{}.state", document.kind.as_str()), document.state.as_str())));
    // Advice that needed a named override of what is not verified says so in the log.
    changes.extend(planned.assessment.overrides_used().into_iter().map(|used| new("exemption.override".into(), &used.name)));
    Entry { id: clockwork.id(), at: now, actor: actor.clone(), act: "accept".into(), subject: id.0, changes, why: String::new() }
}
