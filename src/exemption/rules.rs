//! The decision table of a pack: which rule, in which order, with which action and outcome, is data; each rule's test is in
//! [`predicates`](super::predicates) by its id.

use std::sync::Arc;

use super::{
    Outcome::{self, Review, Taxable},
    case::Case,
    predicates::{self, Predicate},
    reasons::Code,
    table::{DataError, rows},
};

/// The rule that an override passes.
pub(super) const REGIME_RULE: &str = "D00";
/// Taxes by the library's own flag, whatever the pack calls verified.
const FLAG_RULE: &str = "D21";

/// What a rule found.
pub(super) struct Hit {
    pub(super) codes: Vec<Code>,
    /// Whether the facts it stands on are certain.
    pub(super) certain: bool,
}

/// What happens when a rule fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// It decides.
    Stop(Outcome),
    /// It is noted, and the next rule is tried: a failure that leads to this outcome.
    Collect(Outcome),
    /// It is noted as something still to come.
    Await,
    /// After an exemption was decided: it takes its place.
    Append(Outcome),
    /// After an exemption was decided: it is noted beside it.
    Note,
}

/// One row of the table.
#[derive(Clone)]
pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) action: Action,
    pub(super) curable: Option<bool>,
    test: Predicate,
}

/// The rows of a pack, in their order.
#[derive(Clone, Default)]
pub(super) struct Rules(Arc<[Rule]>);

impl Rules {
    /// Reads the form of the shipped table.
    ///
    /// # Errors
    /// If a row is not of that form, names a rule that has no test, or stands twice.
    pub(super) fn parse(text: &str) -> Result<Self, DataError> {
        const TABLE: &str = "decision table";
        let mut rules: Vec<Rule> = Vec::new();
        for row in rows(TABLE, ["rule", "phase", "action", "outcome", "curable", "condition"], text)? {
            let [id, _, action, outcome, curable, _] = row.cells;
            let broken = |what: String| DataError::new(TABLE, row.line, what);
            let (id, test) = predicates::named(id).ok_or_else(|| broken(format!("{id} has no test")))?;
            let led = || Outcome::parse(outcome).ok_or_else(|| broken(format!("{outcome} is no outcome")));
            let action = match action {
                "stop" => Action::Stop(led()?),
                "collect" => Action::Collect(led()?),
                "append" => Action::Append(led()?),
                "await" => Action::Await,
                "note" => Action::Note,
                _ => return Err(broken(format!("{action} is no action"))),
            };
            let curable = match curable {
                "1" => Some(true),
                "0" => Some(false),
                "-" => None,
                _ => return Err(broken("curable is 1, 0 or -".to_owned())),
            };
            if rules.iter().any(|rule| rule.id == id) {
                return Err(broken(format!("{id} stands twice")));
            }
            rules.push(Rule { id, action, curable, test });
        }
        Ok(Self(rules.into()))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }
}

/// Where a table ends without having decided; no shipped one does.
static UNDECIDED: Rule = Rule { id: "D76", action: Action::Stop(Review), curable: Some(false), test: predicates::never };

/// One code a rule collected.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) rule: &'a Rule,
    pub(super) code: Code,
    /// Whether the facts it stands on are certain.
    pub(super) certain: bool,
}

/// What was collected so far.
#[derive(Default)]
pub(super) struct Trail<'a> {
    pub(super) failures: Vec<Found<'a>>,
    pub(super) pending: Vec<Found<'a>>,
}

impl<'a> Trail<'a> {
    fn keep(&mut self, rule: &'a Rule, hit: Hit) {
        let found = found(rule, hit);
        if rule.action == Action::Await { self.pending.extend(found) } else { self.failures.extend(found) }
    }

    pub(super) fn has_incurable(&self) -> bool {
        self.failures.iter().any(|found| found.rule.curable == Some(false))
    }

    pub(super) fn asks_for_a_person(&self) -> bool {
        self.failures.iter().any(|found| found.rule.action == Action::Collect(Review))
    }
}

fn found(rule: &Rule, hit: Hit) -> impl Iterator<Item = Found<'_>> {
    hit.codes.into_iter().map(move |code| Found { rule, code, certain: hit.certain })
}

/// The rule that decides, the codes it adds, what was collected on the way and what came after.
pub(super) struct Decision<'a> {
    pub(super) rule: &'a Rule,
    pub(super) outcome: Outcome,
    pub(super) codes: Vec<Code>,
    pub(super) trail: Trail<'a>,
    /// What took its place afterwards.
    pub(super) appended: Vec<Found<'a>>,
    /// What is noted beside it.
    pub(super) noted: Vec<Found<'a>>,
    /// Whether D00 was asked and let it pass.
    pub(super) past_regime: bool,
}

/// Tries the rules in their order, then those that come after an exemption.
pub(super) fn decide<'a>(case: &Case<'a>) -> Decision<'a> {
    let (mut trail, mut past_regime) = (Trail::default(), false);
    for rule in case.pack.rules.iter() {
        if matches!(rule.action, Action::Append(_) | Action::Note) {
            continue;
        }
        if let Some(hit) = (rule.test)(case, &trail) {
            match rule.action {
                Action::Stop(outcome) => return after(case, rule, outcome, hit.codes, trail, past_regime),
                _ => trail.keep(rule, hit),
            }
        }
        past_regime |= rule.id == REGIME_RULE;
    }
    after(case, &UNDECIDED, Review, Vec::new(), trail, past_regime)
}

fn after<'a>(case: &Case<'a>, rule: &'a Rule, outcome: Outcome, codes: Vec<Code>, trail: Trail<'a>, past_regime: bool) -> Decision<'a> {
    let outcome = firm(case, rule, outcome);
    let mut decision = Decision { rule, outcome, codes, trail, appended: Vec::new(), noted: Vec::new(), past_regime };
    if !outcome.is_exempt() {
        return decision;
    }
    for later in case.pack.rules.iter() {
        match later.action {
            Action::Append(taken) => {
                let Some(hit) = (later.test)(case, &decision.trail) else { continue };
                decision.outcome = firm(case, later, taken);
                decision.appended.extend(found(later, hit));
            }
            Action::Note => decision.noted.extend((later.test)(case, &decision.trail).into_iter().flat_map(|hit| found(later, hit))),
            Action::Stop(_) | Action::Collect(_) | Action::Await => {}
        }
    }
    decision
}

/// Nothing is called taxed on a rule that the pack does not call verified: a person must see it.
fn firm(case: &Case<'_>, rule: &Rule, outcome: Outcome) -> Outcome {
    let sure = outcome != Taxable || rule.id == FLAG_RULE || predicates::looks_itself(rule.id) || case.pack.is_verified(rule.id);
    if sure { outcome } else { Review }
}

/// What the rules of one condition say, whatever other rules decided: for the working paper. Phase 6 and 7 rules only.
pub(super) fn collected<'a>(case: &Case<'a>) -> Trail<'a> {
    let mut trail = Trail::default();
    for rule in case.pack.rules.iter().filter(|rule| matches!(rule.action, Action::Collect(_) | Action::Await)) {
        if let Some(hit) = (rule.test)(case, &trail) {
            trail.keep(rule, hit);
        }
    }
    trail
}
