//! Inventories summed into a customs declaration: the application, and what customs made of it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Part;
use crate::{clock::Timestamp, party::Party};

/// 汇总申请单 (701): asks customs to sum inventories of the B kind into customs declarations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// customsCode.
    pub declared_at: String,
    /// 申报单位 (agentCode, agentName).
    pub declarant: Party,
    /// 收发货人 (ebcCode, ebcName).
    pub seller: Party,
    /// 报关单位 (declAgentCode, declAgentName) of the customs declaration that follows.
    pub customs_declarant: Party,
    /// startTime and endTime: overrides the list of numbers.
    pub period: Option<Period>,
    /// loctNo: the site, where an office has several.
    pub site: Option<String>,
    /// summaryFlag: by consignor alone (1), or by consignor and owner (2).
    pub by_owner: bool,
    /// itemNameFlag: by the item names of the inventories (1), or else by customs' own (0: messages §6).
    pub by_item_name: bool,
    /// Which part it is.
    #[serde(default)]
    pub part: Part,
    /// Free text; may be personal, never logged.
    pub note: Option<String>,
    /// invtNo of each inventory; empty only with a period.
    pub inventory_nos: Vec<String>,
}

/// A span of time, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// startTime.
    pub from: Timestamp,
    /// endTime: not before `from`.
    pub to: Timestamp,
}

/// 汇总结果单 (792): what customs made of a summary. One for each customs declaration, and more as that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryResult {
    /// customsCode.
    pub declared_at: String,
    /// sumNo: the number that customs gave the summary.
    pub summary_no: String,
    /// opDate.
    pub at: Option<Timestamp>,
    /// declSeqNo: stands for one customs declaration.
    pub declaration_seq_no: String,
    /// decTmpNo.
    pub draft_no: Option<String>,
    /// decPreNo.
    pub port_no: Option<String>,
    /// entryId: the customs declaration's number.
    pub customs_declaration_no: Option<String>,
    /// decState as received: no list of its values is published.
    pub state: String,
    /// agentCode.
    pub declarant: String,
    /// ebcCode.
    pub seller: String,
    /// declAgentCode.
    pub customs_declarant: String,
    /// grossWeight in kg.
    pub gross_weight: Option<Decimal>,
    /// netWeight in kg.
    pub net_weight: Option<Decimal>,
    /// Which part it is.
    pub part: Part,
    /// What was summed; may be empty in later ones.
    pub lines: Vec<SummaryResultLine>,
}

/// An inventory's line that went into a customs declaration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryResultLine {
    /// invtNo.
    pub inventory_no: String,
    /// logisticsNo.
    pub waybill_no: String,
    /// gseqno: the place in the customs declaration; customs leaves it out at times (messages §7, 5).
    pub place: Option<u32>,
    /// gnum: the inventory's line.
    pub number: u32,
    /// gcode.
    pub hs_code: String,
}
