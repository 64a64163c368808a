//! Everything a declaration or a waybill can get wrong, all at once, before it is accepted.

use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Not accepted.
    Error,
    /// Accepted; likely to cause trouble.
    Warning,
}

/// One thing that is wrong, where, by which rule, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Where: `order.lines[2].price`.
    pub path: String,
    /// The stable code of the rule.
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// What is wrong, in Chinese. Holds no value of a free-text field.
    pub zh: String,
    /// What is wrong, in English. Holds no value of a free-text field.
    pub en: String,
    /// What to do about it, in Chinese.
    pub remedy_zh: String,
    /// What to do about it, in English.
    pub remedy_en: String,
}
