//! What the specification marks 必填 (required); the schema lets most of it be empty. Source: message specification 202205, the
//! tables of §2. 213's tradeMode is required by the text and optional in the schema: it is sent (messages §7, 9).

use std::{collections::HashMap, sync::LazyLock};

/// Blocks, and the fields of each that must not be empty.
const REQUIRED: [(&str, &str); 20] = [
    ("BaseTransfer", "copCode copName dxpMode dxpId"),
    ("BaseSubscribe", "status dxpMode dxpAddress"),
    ("OrderHead", "guid appType appTime appStatus orderType orderNo ebpCode ebpName ebcCode ebcName goodsValue freight currency"),
    ("OrderList", "gnum itemNo itemName unit currency qty price totalPrice"),
    ("Receipts", "guid appType appTime appStatus ebpCode ebpName ebcCode ebcName orderNo payName charge currency accountingDate"),
    (
        "Logistics",
        "guid appType appTime appStatus logisticsCode logisticsName logisticsNo freight insuredFee currency grossWeight packNo \
        goodsInfo",
    ),
    (
        "ArrivalHead",
        "guid appType appTime appStatus customsCode copNo operatorCode operatorName ieFlag trafMode domesticTrafNo logisticsCode \
        logisticsName msgCount msgSeqNo",
    ),
    ("ArrivalList", "gnum logisticsNo"),
    ("DepartureHead", "guid appType appTime appStatus customsCode copNo logisticsCode logisticsName trafMode leaveTime msgCount msgSeqNo"),
    ("DepartureList", "gnum logisticsNo"),
    (
        "InventoryHead",
        "guid appType appTime appStatus customsCode ebpCode ebpName orderNo logisticsCode logisticsName logisticsNo copNo ieFlag \
        portCode ieDate statisticsFlag agentCode agentName ebcCode ebcName ownerCode ownerName tradeMode trafMode country POD \
        freight fCurrency fFlag insuredFee iCurrency iFlag wrapType packNo grossWeight netWeight",
    ),
    ("InventoryList", "gnum itemNo gcode gname gmodel barCode country currency qty qty1 unit unit1 price totalPrice"),
    ("InvtCancel", "guid appType appTime appStatus customsCode copNo invtNo reason agentCode agentName ebcCode ebcName"),
    (
        "WayBillHead",
        "guid appType appTime appStatus customsCode copNo agentCode agentName trafMode trafName voyageNo billNo grossWeight \
        logisticsCode logisticsName msgCount msgSeqNo",
    ),
    ("WayBillList", "gnum logisticsNo"),
    (
        "SummaryApplyHead",
        "guid appType appTime appStatus customsCode copNo agentCode agentName ebcCode ebcName declAgentCode declAgentName \
        summaryFlag itemNameFlag msgCount msgSeqNo",
    ),
    ("SummaryApplyList", "invtNo"),
    (
        "InvtRefundHead",
        "guid appType appTime appStatus customsCode ebpCode ebpName ebcCode ebcName logisticsNo logisticsCode logisticsName \
        coElNo invtNo tradeMode agentCode agentName billNo ieFlag trafMode trafName portCode reason country voyageNo",
    ),
    ("InvtRefundList", "gnum gcode gname gmodel qty qty1 unit unit1"),
    (
        "InvtRefundDetail",
        "guid appType appTime appStatus customsCode operatorCode operatorName logisticsCode logisticsName logisticsNo coElNo \
        billNo ieFlag trafMode trafName voyageNo",
    ),
];

static BY_BLOCK: LazyLock<HashMap<&str, Vec<&str>>> =
    LazyLock::new(|| REQUIRED.into_iter().map(|(block, fields)| (block, fields.split_ascii_whitespace().collect())).collect());

/// The fields of a block that must not be empty.
pub fn of(block: &str) -> &'static [&'static str] {
    BY_BLOCK.get(block).map_or(&[], Vec::as_slice)
}
