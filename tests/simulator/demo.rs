//! The demonstration's data.

use std::collections::BTreeMap;

use figment::{
    Figment,
    providers::{Format, Toml},
};
use serde::Deserialize;
use tongguan::{
    check::{self, Parameters, Taken, TakenWaybill, parameters::Rates},
    clock::parse_day,
    codes,
    declaration::draft,
    exemption::{Advisor, Library, ListStatus, Outcome, Override, Seller, Settings},
    party,
};

const ORDERS: &str = include_str!("../../src/demo/orders.jsonl");
const WAYBILLS: &str = include_str!("../../src/demo/waybills.jsonl");
pub const EXPECTED: &str = include_str!("../../src/demo/expected.tsv");
const SELLERS: &str = include_str!("../../src/demo/sellers.toml");
pub const DAY: &str = "20261123";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    idempotency_key: String,
    order: draft::Order,
    inventory: draft::Inventory,
}

pub fn drafts() -> Vec<draft::Declaration> {
    let read = |line| {
        let Line { idempotency_key, order, mut inventory } = serde_json::from_str(line).unwrap();
        assert_eq!(idempotency_key, format!("demo-{}", order.order_no));
        assert_eq!(inventory.exit_date, "", "the day of the demonstration is filled in when it is loaded");
        inventory.exit_date = DAY.to_owned();
        draft::Declaration { order, inventory }
    };
    ORDERS.lines().map(read).collect()
}

pub fn waybills() -> Vec<draft::Waybill> {
    WAYBILLS.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub fn expected(order_no: &str) -> Option<(&'static str, &'static str)> {
    let columns = EXPECTED.lines().map(|row| row.split('\t').collect::<Vec<_>>());
    columns.into_iter().find(|columns| columns[0] == order_no).map(|columns| (columns[1], columns[2]))
}

#[test]
fn the_demonstration_has_its_faults_and_no_others() {
    let today = parse_day(DAY).unwrap();
    let parameters = Parameters { rates: Rates::sample(), ..Parameters::default() };
    let drafts = drafts();
    assert_eq!(drafts.len(), 200);
    let mut numbers: Vec<_> = drafts.iter().map(|draft| draft.order.order_no.as_str()).collect();
    for draft in &drafts {
        let no = &draft.order.order_no;
        let outcome = expected(no);
        match check::check(draft, &Taken::default(), &parameters, today) {
            Ok(checked) => {
                assert!(outcome.is_none_or(|(outcome, _)| outcome != "finding"), "{no} should not be accepted");
                // What is summed wants more elements than the short specifications of the demonstration say, and the code of its
                // power adapters is on the list of dual-use items, which does not say which adapters it means.
                let expected = |rule: &str| rule == "C-DUAL-USE" || (rule == "C-ELEMENTS" && draft.inventory.statistics == "B");
                let unexpected = checked.warnings().iter().find(|warning| !expected(&warning.rule));
                assert_eq!(unexpected, None, "{no}");
            }
            Err(findings) => {
                let rules: Vec<_> = findings.list().iter().map(|finding| finding.rule.as_str()).collect();
                assert!(outcome.is_some_and(|(_, rule)| rules.contains(&rule)), "{no}: {rules:?}");
            }
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 200);
    assert_eq!(EXPECTED.lines().filter(|row| row.contains("\tfinding\t")).count(), 10);
}

#[test]
fn every_good_order_of_the_demonstration_has_its_waybill() {
    let today = parse_day(DAY).unwrap();
    let waybills = waybills();
    for waybill in &waybills {
        check::check_waybill(waybill, &TakenWaybill::default(), today).unwrap();
    }
    let bound = |draft: &draft::Declaration| {
        let named = |waybill: &&draft::Waybill| match &waybill.order {
            Some(order) => order.order_no == draft.order.order_no,
            None => waybill.waybill_no == draft.inventory.waybill_no,
        };
        waybills.iter().filter(named).count()
    };
    for draft in drafts() {
        let refused = expected(&draft.order.order_no).is_some_and(|(outcome, _)| outcome == "finding");
        assert_eq!(bound(&draft), usize::from(!refused), "{}", draft.order.order_no);
    }
}

#[test]
fn the_demonstration_is_of_guangzhou_and_dongguan() {
    let codes_of = SELLERS.lines().filter_map(|line| line.strip_prefix("code = \"")?.split('"').next());
    let sellers: Vec<_> = codes_of.collect();
    assert_eq!(sellers.len(), 6);
    assert!(sellers.iter().all(|code| party::is_credit_code(code)));
    let day = parse_day(DAY).unwrap();
    let (mut guangzhou, mut huangpu) = (0, 0);
    for draft in drafts().iter().filter(|draft| expected(&draft.order.order_no).is_none()) {
        assert!(sellers.contains(&draft.order.seller.code.as_str()));
        let office = &draft.inventory.declared_at;
        assert!(codes::office(office, day).is_some(), "{office}");
        match office.get(..2) {
            Some("51") => guangzhou += 1,
            Some("52") => huangpu += 1,
            _ => panic!("{office}"),
        }
    }
    assert!(guangzhou > 50 && huangpu > 50, "{guangzhou} {huangpu}");
}

#[test]
fn the_demonstration_meets_many_kinds_of_advice() {
    #[derive(Deserialize)]
    struct Sellers {
        seller: Vec<Seller>,
    }
    let sellers: Sellers = Figment::from(Toml::string(SELLERS)).extract().unwrap();
    let person = Override { name: "demo".to_owned(), reason: "demo".to_owned() };
    let settings = Settings { regime_override: Some(person), ..Settings::default() };
    let advisor = Advisor::new(Library::sample().unwrap(), settings, sellers.seller).unwrap();
    let today = parse_day(DAY).unwrap();
    let mut outcomes: BTreeMap<&str, u32> = BTreeMap::new();
    for draft in drafts() {
        let Ok(checked) = check::check(&draft, &Taken::default(), &Parameters::default(), today) else { continue };
        for line in advisor.assess(checked.declaration(), &tongguan::exemption::Recorded::default(), ListStatus::NotDeclared, today).lines {
            *outcomes.entry(line.outcome.as_str()).or_insert(0) += 1;
        }
    }
    for outcome in Outcome::ALL {
        assert!(outcomes.contains_key(outcome.as_str()), "{outcomes:?}");
    }
}
