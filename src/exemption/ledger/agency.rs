//! What agents exported for whom (税务总局公告2025年第17号: 代理出口企业受托出口情况汇总表). An agent that cannot name the real
//! consignor is treated as if it exported on its own account.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::Serialize;

use super::{Column, Row, add_to, quarter_of};

/// What an agent exported for one principal in a quarter, in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Agency {
    /// The agent's name on the list.
    pub agent_name: String,
    /// The principal's.
    pub principal_name: String,
    /// How many lists.
    pub lists: u64,
    /// How many lines.
    pub lines: u64,
    /// Their amounts, in the currency.
    pub amount: Decimal,
    /// In yuan.
    pub amount_cny: Decimal,
    /// Lines for which no rate is known: not in the yuan.
    pub without_rate: u64,
    /// Lines for which no agency agreement is recorded.
    pub without_agreement: u64,
    /// The last list counted: lines come list by list.
    #[serde(skip)]
    last: String,
}

impl Agency {
    /// The columns.
    pub const COLUMNS: &[Column] = &[
        ("agent", "代理方代码"),
        ("agent_name", "代理方名称"),
        ("principal", "实际委托出口方代码"),
        ("principal_name", "实际委托出口方名称"),
        ("period", "季度"),
        ("lists", "清单数"),
        ("lines", "行数"),
        ("amount", "金额"),
        ("currency", "币制"),
        ("amount_cny", "人民币金额"),
        ("without_rate", "无汇率行数"),
        ("without_agreement", "未记录委托代理协议行数"),
    ];
}

/// Agent, principal, year, quarter, currency.
pub type Key = (String, String, i32, u8, String);

/// What all agents exported.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agencies {
    /// By agent, principal, quarter and currency.
    pub sums: BTreeMap<Key, Agency>,
    /// Agents that exported something for which the list names nobody.
    pub unnamed: BTreeSet<String>,
}

impl Agencies {
    /// Takes a released row in that an agent exported. Tells whether it did.
    pub fn add(&mut self, row: &Row) -> bool {
        let Some(day) = row.export_date.filter(|_| row.is_released() && !row.agent.is_empty()) else { return false };
        if row.principal.is_empty() {
            self.unnamed.insert(row.agent.clone());
        }
        let key = (row.agent.clone(), row.principal.clone(), day.year(), quarter_of(day), row.currency.clone());
        let sum = self.sums.entry(key).or_default();
        sum.agent_name.clone_from(&row.agent_name);
        sum.principal_name.clone_from(&row.principal_name);
        if sum.lists == 0 || sum.last != row.inventory_no {
            sum.lists += 1;
            sum.last.clone_from(&row.inventory_no);
        }
        sum.lines += 1;
        add_to(&mut sum.amount, row.amount);
        add_to(&mut sum.amount_cny, row.amount_cny);
        sum.without_rate += u64::from(row.amount_cny.is_none());
        sum.without_agreement += u64::from(row.agency_agreement.is_none());
        true
    }
}
