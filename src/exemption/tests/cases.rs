//! The table of cases that a tax person can read and extend: tests/exemption/cases.tsv.

use std::{collections::BTreeSet, sync::Arc};

use time::macros::date;

use crate::clock::parse_day;

use super::{super::table::rows, *};

const CASES: &str = include_str!("../../../tests/exemption/cases.tsv");

/// A line to decide, and under what.
struct Asked {
    facts: Facts,
    settings: Settings,
    bare: bool,
    today: Date,
}

fn word<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn decimals(text: &str) -> Option<Decimal> {
    (!text.is_empty()).then(|| text.parse().unwrap())
}

fn texts(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl Asked {
    fn of(cell: &str) -> Self {
        let mut asked = Self { facts: good(), settings: overridden(), bare: false, today: TODAY };
        for part in cell.split(';').map(str::trim_start).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if !asked.of_line(name, value) && !asked.of_seller(name, value) {
                panic!("a case knows no {name}");
            }
        }
        asked
    }

    fn of_line(&mut self, name: &str, value: &str) -> bool {
        let facts = &mut self.facts;
        match name {
            "direction" => facts.direction = word(value),
            "mode" => value.clone_into(&mut facts.trade_mode),
            "list" => {
                facts.list = match value {
                    "cancelled" => ListStatus::Cancelled,
                    "rejected" => ListStatus::Rejected,
                    "declared" => ListStatus::Declared,
                    _ => panic!("no list stands as {value}"),
                }
            }
            "returned" => facts.returned = value.parse().unwrap(),
            "date" => facts.fields.export_date = parse_day(value),
            "hs" => value.clone_into(&mut facts.hs_code),
            "library" => self.bare = value == "none",
            "share" => facts.materials = Some(Materials { share: value.parse().unwrap(), hs_code: String::new(), annex_8: false }),
            "material" => value.clone_into(&mut facts.materials.as_mut().unwrap().hs_code),
            "annex8" => facts.materials.as_mut().unwrap().annex_8 = true,
            "false-documents" => facts.found.false_documents = value == "yes",
            "name-lending" => facts.found.name_lending = value == "yes",
            "named" => {
                facts.seller_named = word(match value {
                    "owner" => "as_owner",
                    "note" => "in_note",
                    other => other,
                })
            }
            "invoice" => facts.invoice = word(&value.to_lowercase()),
            "linked" => facts.invoice_linked = value == "yes",
            "invoice-rate" => facts.invoice_rate = decimals(value),
            "forgone" => facts.forgone = Some(Forgone { name: "王会计".to_owned(), amount: value.parse().unwrap() }),
            "route" => facts.route = Statistics::from_letter(value).unwrap(),
            "name" => facts.fields.name = texts(value),
            "unit" => facts.fields.unit = texts(value),
            "quantity" => facts.fields.quantity = decimals(value),
            "price" => facts.fields.price = decimals(value),
            "amount" => facts.fields.amount = decimals(value),
            "office" => value.clone_into(&mut facts.declared_at),
            "registered" => facts.registration = Registration::NotRegistered,
            "same" => facts.registration = Registration::Registered(facts.fields.clone()),
            "filed" => facts.evidence.filing = parse_day(value),
            "override" => {
                if value == "none" {
                    self.settings.regime_override = None;
                }
            }
            "reading" => self.settings.office_reading = Reading::parse(value),
            "today" => self.today = parse_day(value).unwrap(),
            _ => return false,
        }
        true
    }

    fn of_seller(&mut self, name: &str, value: &str) -> bool {
        if name == "seller" {
            self.facts.seller = None;
            return true;
        }
        let seller = Arc::make_mut(self.facts.seller.as_mut().unwrap());
        match name {
            "taxpayer" => seller.taxpayer = word(value),
            "kind" => seller.kind = word(value),
            "role" => seller.role = word(value),
            "city" => value.clone_into(&mut seller.city),
            "platform" if value.is_empty() => seller.platform = None,
            "platform" => value.clone_into(&mut seller.platform.as_mut().unwrap().zone),
            "suspended" => {
                let (from, to) = value.split_once("..").unwrap();
                seller.suspended = vec![Span { from: parse_day(from), to: parse_day(to) }];
            }
            _ => return false,
        }
        true
    }

    fn decided(&self) -> LineAssessment {
        let library = if self.bare { Library::default() } else { library() };
        Advisor::new(library, self.settings.clone(), Vec::new()).unwrap().assess_line(&self.facts, self.today).remove(0)
    }
}

#[test]
fn every_case_comes_out_as_the_table_says() {
    let mut wrong = Vec::new();
    for row in rows("cases", ["rule", "fires", "reason", "outcome", "facts", "what"], CASES).unwrap() {
        let [rule, fires_here, reason, outcome, facts, what] = row.cells;
        let line = Asked::of(facts).decided();
        let mut said = line.reasons.iter().chain(&line.pending).chain(&line.notes);
        let right = (fires_here == "yes") == fires(&line, rule)
            && said.any(|said| said.code.as_str() == reason)
            && line.outcome.as_str() == outcome;
        if !right {
            let said: Vec<_> = line.reasons.iter().chain(&line.pending).chain(&line.notes).map(|said| said.code.as_str()).collect();
            wrong.push(format!("line {}, {rule} {what}: {} by {}, {said:?}", row.line, line.outcome.as_str(), line.rule));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_and_every_reason_has_a_case() {
    let cases = rows("cases", ["rule", "fires", "reason", "outcome", "facts", "what"], CASES).unwrap();
    let rules: BTreeSet<&str> = cases.iter().filter(|row| row.cells[1] == "yes").map(|row| row.cells[0]).collect();
    let pack = advisor(overridden()).assess_line(&good(), TODAY).remove(0).pack;
    // D82 has a test of its own: it looks at an entity and a year.
    let missing: Vec<_> = pack.rules.iter().map(|rule| rule.id).filter(|id| !rules.contains(id) && *id != "D82").collect();
    assert_eq!((pack.rules.iter().count(), missing), (50, vec![]));
    let reasons: BTreeSet<&str> = cases.iter().map(|row| row.cells[2]).collect();
    // Three come from the check of the declaration, and one from the pass by entity and year.
    let elsewhere = ["N-LICENCE", "N-PROHIBITED", "N-OVER-5000", "N-MIXED-INCOME-REGIME"];
    let missing: Vec<_> =
        Code::ALL.iter().map(|code| code.as_str()).filter(|code| !reasons.contains(code) && !elsewhere.contains(code)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn all_six_outcomes_have_a_case() {
    let cases = rows("cases", ["rule", "fires", "reason", "outcome", "facts", "what"], CASES).unwrap();
    let outcomes: BTreeSet<&str> = cases.iter().map(|row| row.cells[3]).collect();
    assert!(Outcome::ALL.iter().all(|outcome| outcomes.contains(outcome.as_str())));
}

#[test]
fn refunds_beside_exemptions_are_noted_where_deemed_profit_is_asked_for() {
    let decided = |change: fn(&mut Facts)| decide(change);
    let deemed = |facts: &mut Facts| Arc::make_mut(facts.seller.as_mut().unwrap()).income_tax = IncomeTax::Deemed;
    let exempt = decided(|f| Arc::make_mut(f.seller.as_mut().unwrap()).income_tax = IncomeTax::Deemed);
    let mut facts = good();
    deemed(&mut facts);
    (facts.invoice, facts.route) = (InvoiceStatus::Special, Statistics::Summed);
    let refund = advisor(overridden()).assess_line(&facts, TODAY).remove(0);
    let mixed = |lines: &[&LineAssessment]| {
        let mut regimes = Regimes::default();
        lines.iter().for_each(|line| regimes.add(&line.inputs, line.outcome));
        let mut joined = Regimes::default();
        joined.join(regimes.clone());
        assert_eq!(joined, regimes);
        regimes.mixed()
    };
    assert_eq!(mixed(&[&exempt, &refund, &exempt]), [Mixed { seller: SELLER.to_owned(), year: 2026, exempt: 2, refund: 1 }]);
    assert_eq!(mixed(&[&exempt, &exempt]), []);
    assert_eq!(mixed(&[&decide(|_| ()), &refund]), [], "the one that asks for it is another profile's word");
    assert_eq!(date!(2026 - 11 - 11).year(), 2026);
}
