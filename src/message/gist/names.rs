//! What messages and their numbers are called (message specification 202205 §2, §3).

/// A message by its number.
pub struct Name {
    pub number: i64,
    /// What it answers; itself if it answers nothing.
    pub about: i64,
    pub zh: &'static str,
    pub en: &'static str,
}

impl Name {
    /// Whether it comes from customs.
    pub const fn is_answer(&self) -> bool {
        self.about != self.number || self.number == SUMMARY_RESULT
    }
}

/// 汇总结果单: sent by customs unasked.
pub const SUMMARY_RESULT: i64 = 792;

/// What stands around the documents of a message.
pub const AROUND: [&str; 4] = ["BaseTransfer", "BaseSubscribe", "Signature", "ExtendMessage"];

const fn pair(number: i64, zh: &'static str, en: &'static str) -> [Name; 2] {
    [Name { number, about: number, zh, en }, Name { number: number + 1, about: number, zh, en }]
}

/// Every message of the unified system, exports first; 900 is told apart before.
pub static NAMES: [Name; 39] = {
    let [order, order_return] = pair(303, "电子订单", "order");
    let [payment, payment_return] = pair(403, "收款单", "payment");
    let [waybill, waybill_return] = pair(505, "物流运单", "waybill");
    let [arrival, arrival_return] = pair(507, "物流运抵单", "arrival");
    let [departure, departure_return] = pair(509, "物流离境单", "departure");
    let [list, list_return] = pair(603, "出口清单", "export list");
    let [cancel, cancel_return] = pair(605, "撤销申请单", "cancellation");
    let [manifest, manifest_return] = pair(607, "清单总分单", "manifest");
    let [summary, summary_return] = pair(701, "汇总申请单", "summary application");
    let [refund, refund_return] = pair(213, "出口退货申请单", "goods return");
    let [tally, tally_return] = pair(215, "退货理货明细单", "return tally");
    let [import_order, import_order_return] = pair(311, "进口订单", "import order");
    let [import_payment, import_payment_return] = pair(411, "进口支付单", "import payment");
    let [import_waybill, import_waybill_return] = pair(511, "进口运单", "import waybill");
    let [import_state, import_state_return] = pair(513, "进口运单状态", "import waybill state");
    let [import_list, import_list_return] = pair(621, "进口清单", "import list");
    let [import_cancel, import_cancel_return] = pair(623, "进口撤销申请单", "import cancellation");
    let [import_refund, import_refund_return] = pair(625, "进口退货申请单", "import return");
    let [import_store, import_store_return] = pair(711, "进口入库明细单", "import storing note");
    let result = Name { number: SUMMARY_RESULT, about: SUMMARY_RESULT, zh: "汇总结果单", en: "summary result" };
    [
        order,
        order_return,
        payment,
        payment_return,
        waybill,
        waybill_return,
        arrival,
        arrival_return,
        departure,
        departure_return,
        list,
        list_return,
        cancel,
        cancel_return,
        manifest,
        manifest_return,
        summary,
        summary_return,
        result,
        refund,
        refund_return,
        tally,
        tally_return,
        import_order,
        import_order_return,
        import_payment,
        import_payment_return,
        import_waybill,
        import_waybill_return,
        import_state,
        import_state_return,
        import_list,
        import_list_return,
        import_cancel,
        import_cancel_return,
        import_refund,
        import_refund_return,
        import_store,
        import_store_return,
    ]
};

/// Fields that identify a document: name on the wire, in Chinese, in English.
pub static LABELS: [(&str, &str, &str); 17] = [
    ("orderNo", "订单编号", "order"),
    ("payNo", "支付交易编号", "payment"),
    ("logisticsNo", "运单编号", "waybill"),
    ("copNo", "企业内部编号", "copNo"),
    ("coElNo", "企业内部编号", "coElNo"),
    ("preNo", "电子口岸编号", "preNo"),
    ("invtNo", "清单编号", "list"),
    ("billNo", "提运单号", "bill"),
    ("sumNo", "汇总申请编号", "summary"),
    ("entryId", "报关单编号", "customs declaration"),
    ("msgSeqNo", "报文序号", "part"),
    ("customsCode", "申报地海关", "office"),
    ("ebpCode", "电商平台", "platform"),
    ("ebcCode", "电商企业", "seller"),
    ("agentCode", "申报企业", "declarant"),
    ("logisticsCode", "物流企业", "carrier"),
    ("operatorCode", "监管场所经营人", "site operator"),
];
