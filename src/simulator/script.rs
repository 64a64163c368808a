//! What is to become of certain documents: a script of rules, or, in a sandbox, what their own numbers ask for.

use serde::{Deserialize, Serialize};

use crate::declaration::Kind;

mod suffix;

pub use suffix::asked_by;

/// The most rules of a script.
const MAX_RULES: usize = 1_000;
/// The most characters of a text that it has said (returnInfo: message specification 202205, C..1000).
const MAX_TEXT: usize = 1_000;
/// The longest that it delays an answer, in milliseconds: a day.
const MAX_DELAY_MS: u64 = 86_400_000;

/// How a document ends, or which way it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As it would without a script: for a delay alone.
    #[default]
    Pass,
    /// Refused (100) after 2.
    Refused,
    /// The port cannot pass it on (4), the first time or as many times as told.
    PortFailed,
    /// Answered below zero, by its code: nothing is on record.
    Rejected,
    /// Every message that holds it is refused whole (900).
    Poison,
    /// Taken, and never answered.
    Silent,
    /// Answered up to its code, and no further.
    Stops,
    /// An officer looks at it (300).
    Review,
    /// The goods are inspected (500).
    Inspection,
    /// Its code is said after 2, whatever it means; then it goes on.
    Says,
}

/// What is to become of a document.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Fate {
    /// How it ends.
    pub outcome: Outcome,
    /// returnStatus, where the outcome needs one.
    pub code: String,
    /// returnInfo; a usual one if it is empty.
    pub text: String,
    /// Milliseconds by which each answer comes later.
    pub delay_ms: u64,
    /// How many times in a row it happens to the same document when that is declared anew; 0: once for a failure of the port, and
    /// every time for all others.
    pub times: u32,
}

impl Fate {
    /// Nothing but an outcome.
    #[must_use]
    pub fn of(outcome: Outcome) -> Self {
        Self { outcome, ..Self::default() }
    }

    /// Whether it happens when the document is taken the `taken`th time.
    #[must_use]
    pub const fn happens(&self, taken: u32) -> bool {
        match (self.outcome, self.times) {
            (Outcome::PortFailed, 0) => taken <= 1,
            (_, 0) => true,
            (_, times) => taken <= times,
        }
    }
}

/// Documents, and what is to become of them. A number is written in full, or with `*` before or after its part that counts. Of several
/// numbers all must fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Documents of this kind.
    pub kind: Kind,
    /// orderNo: of an order, a payment, an inventory; of the inventories that a cancellation, return, tally or summary names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// logisticsNo: of a waybill, an inventory, a return, a tally; of any line of a manifest, an arrival, a departure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waybill: Option<String>,
    /// billNo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill: Option<String>,
    /// copNo (coElNo).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enterprise_no: Option<String>,
    /// How it ends.
    #[serde(default)]
    pub outcome: Outcome,
    /// As in [`Fate::code`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// As in [`Fate::text`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// As in [`Fate::delay_ms`].
    #[serde(default)]
    pub delay_ms: u64,
    /// As in [`Fate::times`].
    #[serde(default)]
    pub times: u32,
}

/// The numbers of a document.
#[derive(Debug, Clone, Default)]
pub struct Numbers<'a> {
    /// Its order's, or those of the inventories that it names.
    pub orders: Vec<&'a str>,
    /// Its waybill's, or its lines'.
    pub waybills: Vec<&'a str>,
    /// billNo.
    pub bill: &'a str,
    /// copNo.
    pub enterprise_no: &'a str,
}

impl Rule {
    /// A rule for the documents of a kind that carry this order number.
    #[must_use]
    pub fn of_order(kind: Kind, order_no: &str, outcome: Outcome) -> Self {
        let order = Some(order_no.to_owned());
        let (waybill, bill, enterprise_no) = (None, None, None);
        Self { kind, order, waybill, bill, enterprise_no, outcome, code: String::new(), text: String::new(), delay_ms: 0, times: 0 }
    }

    fn covers(&self, kind: Kind, numbers: &Numbers<'_>) -> bool {
        let any =
            |pattern: &Option<String>, given: &[&str]| pattern.as_ref().is_none_or(|pattern| given.iter().any(|no| fits(pattern, no)));
        self.kind == kind
            && any(&self.order, &numbers.orders)
            && any(&self.waybill, &numbers.waybills)
            && any(&self.bill, &[numbers.bill])
            && any(&self.enterprise_no, &[numbers.enterprise_no])
    }

    fn fate(&self) -> Fate {
        Fate { outcome: self.outcome, code: self.code.clone(), text: self.text.clone(), delay_ms: self.delay_ms, times: self.times }
    }

    /// What is wrong with it.
    fn faults(&self, number: usize) -> Vec<String> {
        let mut faults = Vec::new();
        let mut say = |zh: &str, en: &str| faults.push(format!("第{number}条规则：{zh} · rule {number}: {en}"));
        let patterns = [&self.order, &self.waybill, &self.bill, &self.enterprise_no];
        if patterns.iter().all(|pattern| pattern.is_none()) {
            say("未写任何单号", "it names no number");
        }
        let inner = |pattern: &str| pattern.trim_start_matches('*').trim_end_matches('*').to_owned();
        if patterns.into_iter().flatten().any(|pattern| inner(pattern).is_empty() || inner(pattern).contains('*')) {
            say("单号中的 * 只能在首尾，且不能只有 *", "a * stands only before or after a number, and never alone");
        }
        let digits = self.code.strip_prefix('-').unwrap_or(&self.code);
        let number = !digits.is_empty() && self.code.len() <= 10 && digits.bytes().all(|b| b.is_ascii_digit());
        let below = self.code.starts_with('-');
        match self.outcome {
            Outcome::Rejected if !(number && below) => say("rejected 需要负的 code", "rejected needs a code below zero"),
            Outcome::Stops | Outcome::Says if !number || below => {
                say("stops、says 需要非负的 code", "stops and says need a code that is not below zero")
            }
            Outcome::Rejected | Outcome::Stops | Outcome::Says => {}
            _ if !self.code.is_empty() => say("此 outcome 不用 code", "this outcome has no code"),
            _ => {}
        }
        if self.text.chars().count() > MAX_TEXT || self.text.chars().any(char::is_control) {
            say("text 超过1000字或含控制字符", "the text is longer than 1000 characters, or has control characters");
        }
        if self.delay_ms > MAX_DELAY_MS {
            say("delay_ms 超过一天", "delay_ms is more than a day");
        }
        faults
    }
}

/// Whether a number is what a pattern means.
fn fits(pattern: &str, number: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(rest), Some(_)) => number.contains(rest.strip_suffix('*').unwrap_or(rest)),
        (Some(end), None) => number.ends_with(end),
        (None, Some(start)) => number.starts_with(start),
        (None, None) => number == pattern,
    }
}

/// Rules; of several that cover a document the first counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// In TOML `[[rule]]`.
    pub rule: Vec<Rule>,
}

impl Script {
    /// Reads rows of order number, outcome and anything, by tabs: `refused` is the fate of the inventory, `poison` and `port_failed`
    /// of the order; other outcomes are not customs' affair.
    #[must_use]
    pub fn read(rows: &str) -> Self {
        let rule = |row: &str| {
            let mut columns = row.split('\t');
            let (order_no, outcome) = (columns.next()?, columns.next()?);
            let (kind, outcome) = match outcome {
                "refused" => (Kind::Inventory, Outcome::Refused),
                "poison" => (Kind::Order, Outcome::Poison),
                "port_failed" => (Kind::Order, Outcome::PortFailed),
                _ => return None,
            };
            Some(Rule::of_order(kind, order_no, outcome))
        };
        Self { rule: rows.lines().filter_map(rule).collect() }
    }

    /// The fate of a document with these numbers, if it was told one.
    #[must_use]
    pub fn fate(&self, kind: Kind, numbers: &Numbers<'_>) -> Option<Fate> {
        self.rule.iter().find(|rule| rule.covers(kind, numbers)).map(Rule::fate)
    }

    /// Everything that is wrong with it, in words.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        if self.rule.len() > MAX_RULES {
            return vec![format!("规则超过 {MAX_RULES} 条 · more than {MAX_RULES} rules")];
        }
        self.rule.iter().enumerate().flat_map(|(index, rule)| rule.faults(index + 1)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_number_or_a_part_of_it() {
        for (pattern, number, expected) in [
            ("A-1", "A-1", true),
            ("A-1", "A-12", false),
            ("A-*", "A-12", true),
            ("A-*", "B-A-", false),
            ("*-9", "A-9", true),
            ("*-9", "A-91", false),
            ("*-9*", "A-91", true),
        ] {
            assert_eq!(fits(pattern, number), expected, "{pattern} {number}");
        }
    }

    #[test]
    fn the_first_rule_that_covers_a_document_counts() {
        let rule = |order: &str, outcome| Rule::of_order(Kind::Inventory, order, outcome);
        let bill = Rule { bill: Some("B".into()), ..rule("A-*", Outcome::Silent) };
        let script = Script { rule: vec![bill, rule("A-1", Outcome::Refused), rule("A-*", Outcome::Review)] };
        assert_eq!(script.faults(), [""; 0]);
        let outcome = |kind, orders: &[&str], bill: &str| {
            let numbers = Numbers { orders: orders.to_vec(), bill, ..Numbers::default() };
            script.fate(kind, &numbers).map(|fate| fate.outcome)
        };
        assert_eq!(outcome(Kind::Inventory, &["A-1"], "B"), Some(Outcome::Silent));
        assert_eq!(outcome(Kind::Inventory, &["A-1"], ""), Some(Outcome::Refused));
        assert_eq!(outcome(Kind::Inventory, &["X", "A-2"], ""), Some(Outcome::Review));
        assert_eq!((outcome(Kind::Order, &["A-1"], ""), outcome(Kind::Inventory, &[], "")), (None, None));
    }

    #[test]
    fn every_fault_of_a_script_is_told() {
        let rule = |order: &str, outcome, code: &str| Rule { code: code.into(), ..Rule::of_order(Kind::Order, order, outcome) };
        let nameless = Rule { order: None, ..rule("", Outcome::Pass, "") };
        let rules = vec![
            nameless,
            rule("*", Outcome::Pass, ""),
            rule("A*B", Outcome::Pass, ""),
            rule("A", Outcome::Rejected, "301001"),
            rule("A", Outcome::Rejected, "-"),
            rule("A", Outcome::Stops, ""),
            rule("A", Outcome::Says, "-1"),
            rule("A", Outcome::Refused, "100"),
            Rule { text: "长".repeat(1_001), delay_ms: MAX_DELAY_MS + 1, ..rule("A", Outcome::Refused, "") },
        ];
        let count = rules.len();
        let faults = Script { rule: rules }.faults();
        assert_eq!(faults.len(), count + 1, "{faults:#?}");
        let many = Script { rule: vec![rule("A", Outcome::Pass, ""); MAX_RULES + 1] };
        assert_eq!(many.faults().len(), 1);
    }

    #[test]
    fn a_failure_of_the_port_happens_once_unless_told_otherwise() {
        let fate = Fate::of(Outcome::PortFailed);
        assert!(fate.happens(1) && !fate.happens(2));
        let twice = Fate { times: 2, ..fate };
        assert!(twice.happens(2) && !twice.happens(3));
        assert!(Fate::of(Outcome::Refused).happens(9));
        assert!(!Fate { times: 1, ..Fate::of(Outcome::Refused) }.happens(2));
    }
}
