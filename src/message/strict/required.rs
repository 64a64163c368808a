//! What the specification marks 必填 (required); the schema lets most of it be empty. Source: message specification 202205, the
//! tables of §2.1, §2.5 and §2.11.

const TRANSFER: &[&str] = &["copCode", "copName", "dxpMode", "dxpId"];
const SUBSCRIPTION: &[&str] = &["status", "dxpMode", "dxpAddress"];
const ORDER_HEAD: &[&str] = &[
    "guid",
    "appType",
    "appTime",
    "appStatus",
    "orderType",
    "orderNo",
    "ebpCode",
    "ebpName",
    "ebcCode",
    "ebcName",
    "goodsValue",
    "freight",
    "currency",
];
const ORDER_LINE: &[&str] = &["gnum", "itemNo", "itemName", "unit", "currency", "qty", "price", "totalPrice"];
const WAYBILL: &[&str] = &[
    "guid",
    "appType",
    "appTime",
    "appStatus",
    "logisticsCode",
    "logisticsName",
    "logisticsNo",
    "freight",
    "insuredFee",
    "currency",
    "grossWeight",
    "packNo",
    "goodsInfo",
];
const INVENTORY_HEAD: &[&str] = &[
    "guid",
    "appType",
    "appTime",
    "appStatus",
    "customsCode",
    "ebpCode",
    "ebpName",
    "orderNo",
    "logisticsCode",
    "logisticsName",
    "logisticsNo",
    "copNo",
    "ieFlag",
    "portCode",
    "ieDate",
    "statisticsFlag",
    "agentCode",
    "agentName",
    "ebcCode",
    "ebcName",
    "ownerCode",
    "ownerName",
    "tradeMode",
    "trafMode",
    "country",
    "POD",
    "freight",
    "fCurrency",
    "fFlag",
    "insuredFee",
    "iCurrency",
    "iFlag",
    "wrapType",
    "packNo",
    "grossWeight",
    "netWeight",
];
const INVENTORY_LINE: &[&str] = &[
    "gnum",
    "itemNo",
    "gcode",
    "gname",
    "gmodel",
    "barCode",
    "country",
    "currency",
    "qty",
    "qty1",
    "unit",
    "unit1",
    "price",
    "totalPrice",
];

/// The fields of a block that must not be empty.
pub fn of(block: &str) -> &'static [&'static str] {
    match block {
        "BaseTransfer" => TRANSFER,
        "BaseSubscribe" => SUBSCRIPTION,
        "OrderHead" => ORDER_HEAD,
        "OrderList" => ORDER_LINE,
        "Logistics" => WAYBILL,
        "InventoryHead" => INVENTORY_HEAD,
        "InventoryList" => INVENTORY_LINE,
        _ => &[],
    }
}
