//! What would be advised: of a declaration that is only sent along, or of one that is kept, as it stands or as if it stood otherwise.

use std::sync::Arc;

use serde::Deserialize;
use time::Date;

use super::{RecordDraft, SellerDraft, reading::Read};
use crate::{
    check::{self, Finding, Taken},
    clock::{Timestamp, parse_day},
    declaration::{Declaration, DeclarationId, draft},
    exemption::{self, Assessment, Cause, Facts, ListStatus, Paper, Recorded, Registration, Seller},
    intake::{Core, Refusal, Reply, rules::recording as rules},
    party::{Actor, Tenant},
    store::{DecisionFilter, Lookup, Only},
};

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct WhatIf {
    /// Of a declaration that is sent along.
    pub declaration: Option<draft::Declaration>,
    /// Or of one that is kept.
    pub id: Option<DeclarationId>,
    /// As if its list stood so: `not_declared`, `declared`, `released`, `closed`, `cancelled`; as it stands, if empty.
    pub list: String,
    /// As if it were exported on that day; as declared, if empty.
    pub export_date: String,
    /// As if this profile were recorded.
    pub seller: Option<SellerDraft>,
    /// As if every line were registered with the values of its list.
    pub registered: bool,
    /// As if statement, contract and payment were recorded.
    pub evidence: bool,
    /// How many bytes the request has.
    pub size: usize,
}

/// The words for how far a list is.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum List {
    NotDeclared,
    Declared,
    Released,
    Closed,
    Cancelled,
}

impl List {
    const fn on(self, today: Date) -> ListStatus {
        match self {
            Self::NotDeclared => ListStatus::NotDeclared,
            Self::Declared => ListStatus::Declared,
            Self::Released => ListStatus::Released { on: Some(today) },
            Self::Closed => ListStatus::Closed { on: Some(today) },
            Self::Cancelled => ListStatus::Cancelled,
        }
    }
}

/// What is decided on.
struct Subject {
    declaration: Declaration,
    recorded: Recorded,
    list: ListStatus,
    warnings: Vec<Finding>,
}

/// What would be advised, with what is doubtful about the declaration.
pub(in crate::intake) async fn assess(core: &Core, actor: &Actor, scope: Option<&Tenant>, asked: WhatIf) -> Reply<(Paper, Vec<Finding>)> {
    let now = core.parts.clockwork.now();
    let read = supposed(&asked, now.day());
    let subject = match (&asked.declaration, asked.id) {
        (Some(draft), None) => sent(core, actor, draft, now).await,
        (None, Some(id)) => kept(core, scope, id).await,
        _ => Err(invalid(vec![rules::NO_ORDERS.finding("declaration".into(), ("申报", "declarations"), "1")])),
    };
    let mut subject = match subject {
        Ok(subject) if read.0.is_empty() => subject,
        Ok(_) => return Err(invalid(read.0)),
        Err(Refusal::Invalid { findings, total }) => {
            return Err(Refusal::Invalid { total: total + read.0.len(), findings: [read.0, findings].concat() });
        }
        Err(refusal) => return Err(refusal),
    };
    let (_, list, export_date, seller) = read;
    subject.recorded.sellers.extend(seller.map(Arc::new));
    if let Some(day) = export_date {
        subject.declaration.inventory.exit_date = day;
    }
    let advisor = &core.parts.rules.advisor;
    let mut facts = advisor.facts(&subject.declaration, &subject.recorded, list.unwrap_or(subject.list));
    facts.iter_mut().for_each(|facts| suppose(facts, &asked, now.day()));
    let assessment: Assessment = advisor.assess_facts(&facts, Cause::WhatIf, now.day());
    Ok((Paper::from(&assessment), subject.warnings))
}

fn suppose(facts: &mut Facts, asked: &WhatIf, today: Date) {
    if asked.registered {
        facts.registration = Registration::Registered(facts.fields.clone());
    }
    if asked.evidence {
        let evidence = &mut facts.evidence;
        for paper in [&mut evidence.statement, &mut evidence.contract, &mut evidence.payment] {
            *paper = paper.or(Some(today));
        }
    }
}

/// What is supposed, and what is wrong with that.
fn supposed(asked: &WhatIf, today: Date) -> (Vec<Finding>, Option<ListStatus>, Option<Date>, Option<Seller>) {
    let mut findings = Vec::new();
    let word = || serde_json::from_value::<List>(serde_json::Value::String(asked.list.clone())).ok();
    let list = if asked.list.is_empty() { None } else { word().map(|list| list.on(today)) };
    if list.is_none() && !asked.list.is_empty() {
        let all = "not_declared, declared, released, closed, cancelled";
        findings.push(rules::WORD.finding("list".into(), ("清单状态", "state of the list"), all));
    }
    let export_date = parse_day(&asked.export_date);
    if export_date.is_none() && !asked.export_date.is_empty() {
        findings.push(rules::DAY.finding("export_date".into(), ("出口日期", "export date"), ""));
    }
    let read = asked.seller.clone().map(|seller| Read::of(&RecordDraft::Seller(seller), today));
    let seller = read.and_then(|read| {
        let within = |finding: Finding| Finding { path: format!("seller.{}", finding.path), ..finding };
        findings.extend(read.findings.into_iter().map(within));
        read.seller
    });
    (findings, list, export_date, seller)
}

async fn sent(core: &Core, actor: &Actor, draft: &draft::Declaration, now: Timestamp) -> Reply<Subject> {
    let checked = check::check(draft, &Taken::default(), &core.parts.rules.parameters, now.day())?;
    let (declaration, warnings) = checked.into_parts();
    let (order, inventory) = (&declaration.order, &declaration.inventory);
    let lookup = Lookup {
        tenant: actor.tenant.clone(),
        idempotency_key: None,
        order: draft::OrderReference {
            platform: order.platform.code.clone(),
            seller: order.seller.code.clone(),
            order_no: order.order_no.clone(),
        },
        waybill: None,
        owner: inventory.owner.code.clone(),
    };
    let found = core.parts.store.lookup(now, vec![lookup]).await.map_err(|error| Refusal::of_store(&error))?;
    let sellers = found.into_iter().next().map(|found| found.sellers).unwrap_or_default();
    Ok(Subject { declaration, recorded: Recorded { sellers, ..Recorded::default() }, list: ListStatus::NotDeclared, warnings })
}

async fn kept(core: &Core, scope: Option<&Tenant>, id: DeclarationId) -> Reply<Subject> {
    let filter = DecisionFilter { tenant: scope.cloned(), only: Some(Only::These(vec![id])), ..DecisionFilter::default() };
    let found = core.parts.store.decisions(filter).await.map_err(|error| Refusal::of_store(&error))?;
    let decided = found.into_iter().next().ok_or(Refusal::Unknown)?;
    let paper = decided.assessment.as_deref().map(exemption::read).transpose().map_err(|_| Refusal::Internal)?;
    let line = paper.as_ref().and_then(|paper| paper.lines.first());
    Ok(Subject {
        declaration: Declaration::clone(&decided.dossier.declaration),
        recorded: Recorded::clone(&decided.dossier.recorded),
        list: line.map_or(ListStatus::NotDeclared, |line| line.inputs.list),
        warnings: Vec::new(),
    })
}

fn invalid(findings: Vec<Finding>) -> Refusal {
    Refusal::Invalid { total: findings.len(), findings }
}
