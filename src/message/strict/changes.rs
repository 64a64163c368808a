//! What a pack's manifest changes in the rules.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::rules::{Form, RULES, Rule};

/// What a pack's manifest changes in the rules.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleChanges {
    /// Rules that its text does not have, by code.
    without: Vec<String>,
    /// Other values for rules that list what a value may be, by code.
    values: BTreeMap<String, Vec<String>>,
}

impl RuleChanges {
    /// The rules with the changes; says which change is about no rule.
    pub fn apply(self) -> Result<Vec<Rule>, String> {
        let unknown = self.without.iter().chain(self.values.keys()).find(|code| !RULES.iter().any(|rule| rule.code == **code));
        if let Some(code) = unknown {
            return Err(format!("there is no rule {code}"));
        }
        let held = RULES.iter().filter(|rule| !self.without.iter().any(|code| code == rule.code));
        held.map(|rule| self.values.get(rule.code).map_or_else(|| Ok(*rule), |values| listing(*rule, values))).collect()
    }
}

fn listing(rule: Rule, values: &[String]) -> Result<Rule, String> {
    let Form::OneOf(_) = rule.form else { return Err(format!("{} does not list values", rule.code)) };
    // Kept for ever, as packs are.
    let lasting = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let listed: Vec<&'static str> = values.iter().map(|value| lasting(value.clone())).collect();
    let (zh, en) = (lasting(format!("应为 {}", listed.join("、"))), lasting(format!("must be {}", listed.join(" or "))));
    Ok(Rule { zh, en, form: Form::OneOf(Box::leak(listed.into_boxed_slice())), ..rule })
}
