//! What became of the demonstration's orders, as a table.

use std::collections::BTreeMap;

use anyhow::Result;

use super::{demo::fits, say, shown, table};
use crate::{
    check::Finding,
    declaration::{DeclarationId, Kind},
    demo::Expected,
    exemption::{self, Paper},
    gateway::Gateway,
    grpc::client::Answer,
    state::State,
    store::ListFilter,
};

/// What stands in place of a state for an order that was not accepted.
pub(super) const NOT_ACCEPTED: &str = "not accepted";
/// What stands in place of a state for an inventory whose order customs has turned away.
pub(super) const ORDER_REJECTED: &str = "order rejected";

/// One order's end.
pub(super) struct Seen {
    order_no: String,
    office: String,
    state: String,
    exemption: String,
    findings: Vec<Finding>,
    refusal: String,
}

/// How far all orders are.
pub(super) struct Progress {
    /// Orders that have come to their end.
    pub ended: usize,
    /// How many are where.
    pub told: String,
}

/// Counts orders that have come to their end: closed, refused, or with an order that was turned away.
pub(super) async fn progress(gateway: &Gateway) -> Result<Progress> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut ended = 0;
    for dossier in list(gateway).await? {
        let state = standing(&dossier);
        ended += usize::from(state == ORDER_REJECTED || State::parse(&state).is_some_and(State::is_final));
        *counts.entry(state).or_default() += 1;
    }
    let told = counts.into_iter().map(|(state, count)| format!("{state} {count}")).collect::<Vec<_>>().join(", ");
    Ok(Progress { ended, told })
}

async fn list(gateway: &Gateway) -> Result<Vec<crate::dossier::Dossier>> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = gateway.store().list(ListFilter { after, limit: 500, ..ListFilter::default() }).await?;
        if page.is_empty() {
            return Ok(all);
        }
        after = page.last;
        all.extend(page.dossiers);
    }
}

fn standing(dossier: &crate::dossier::Dossier) -> String {
    let turned_away = |kind| dossier.document(kind).is_some_and(|document| matches!(document.state, State::Rejected | State::Refused));
    let state = dossier.document(Kind::Inventory).map_or("none", |document| document.state.as_str());
    if state == "waiting" && (turned_away(Kind::Order) || turned_away(Kind::Waybill)) {
        ORDER_REJECTED.to_owned()
    } else {
        state.to_owned()
    }
}

/// Gathers what became of every order that was submitted.
pub(super) async fn gather(gateway: &Gateway, answers: &BTreeMap<String, Answer>, numbers: &BTreeMap<String, String>) -> Result<Vec<Seen>> {
    let mut seen = Vec::new();
    for (line, answer) in answers {
        let order_no = numbers.get(line).cloned().unwrap_or_default();
        seen.push(match answer {
            Answer::Kept { id, .. } => kept(gateway, order_no, id).await?,
            Answer::Refused { findings, zh, en } => Seen {
                order_no,
                office: "—".to_owned(),
                state: NOT_ACCEPTED.to_owned(),
                exemption: "—".to_owned(),
                refusal: if findings.is_empty() { format!("{zh} · {en}") } else { String::new() },
                findings: findings.clone(),
            },
            Answer::Busy(_) => Seen {
                order_no,
                office: "—".to_owned(),
                state: "unanswered".to_owned(),
                exemption: "—".to_owned(),
                findings: Vec::new(),
                refusal: "网关繁忙 · busy".to_owned(),
            },
        });
    }
    seen.sort_by(|a, b| a.order_no.cmp(&b.order_no));
    Ok(seen)
}

async fn kept(gateway: &Gateway, order_no: String, id: &str) -> Result<Seen> {
    let id = DeclarationId(uuid::Uuid::parse_str(id)?);
    let Some(shown) = gateway.store().show(None, id).await? else {
        anyhow::bail!("declaration {id} was accepted and is not there");
    };
    let state = standing(&shown.dossier);
    let assessment = shown.assessments.last().map(|text| exemption::read(text)).transpose()?;
    let speaking = if state == ORDER_REJECTED { Kind::Order } else { Kind::Inventory };
    let word = shown.dossier.document(speaking).and_then(|document| document.last_word.as_ref());
    let refusal = match word {
        Some(word) if state != "closed" => {
            let meaning = crate::receipt::explain(speaking, &word.code, &crate::message::masked_text(&word.info));
            format!("[{}] {} · {}", word.code, meaning.meaning_zh, meaning.meaning_en)
        }
        _ => String::new(),
    };
    let office = shown.dossier.declaration.inventory.declared_at.clone();
    Ok(Seen {
        order_no,
        office,
        state,
        exemption: assessment.map(|paper| advice(&paper)).unwrap_or_default(),
        findings: Vec::new(),
        refusal,
    })
}

/// The advice of every line: equal ones together.
fn advice(paper: &Paper) -> String {
    let mut by_advice: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in &paper.lines {
        let codes: Vec<_> = line.reasons.iter().chain(&line.pending).map(|reason| reason.code.as_str()).collect();
        by_advice.entry(format!("{} {}", line.outcome.as_str(), codes.join(","))).or_default().push(line.line.to_string());
    }
    by_advice.into_iter().map(|(advice, lines)| format!("{}: {advice}", lines.join(","))).collect::<Vec<_>>().join("; ")
}

/// Prints the table and what was refused and why; true if all is as expected.
pub(super) fn tell(seen: &[Seen], expected: &BTreeMap<&'static str, Expected>) -> bool {
    let rows: Vec<_> = seen
        .iter()
        .filter(|seen| seen.state != NOT_ACCEPTED)
        .map(|seen| vec![shown(&seen.order_no), seen.office.clone(), seen.state.clone(), seen.exemption.clone()])
        .collect();
    say(&table::layout(&["订单 order", "关区 office", "状态 state", "无票免税建议 exemption advice, by line"], &rows, 110));
    say("建议仅供参考，申报主体为卖家 · advice only: the seller declares");
    say("\n未接受或被退 · not accepted or refused:");
    for seen in seen.iter().filter(|seen| seen.state != "closed") {
        say(&format!("  {} {} {}", shown(&seen.order_no), seen.state, shown(&seen.refusal)));
        for finding in &seen.findings {
            say(&format!("    {} {}: {} · {}", finding.rule, finding.path, finding.zh, finding.en));
            say(&format!("      → {} · {}", finding.remedy_zh, finding.remedy_en));
        }
    }
    let odd: Vec<_> = seen
        .iter()
        .filter(|seen| {
            let rules: Vec<_> = seen.findings.iter().map(|finding| finding.rule.clone()).collect();
            !fits(expected.get(seen.order_no.as_str()), &seen.state, &rules)
        })
        .collect();
    for seen in &odd {
        say(&format!("出乎意料 · not as expected: {} is {}", seen.order_no, seen.state));
    }
    let closed = seen.iter().filter(|seen| seen.state == "closed").count();
    say(&format!("\n共 {} 票，结关 {closed} · {} orders, {closed} closed, {} not as expected", seen.len(), seen.len(), odd.len()));
    odd.is_empty()
}
