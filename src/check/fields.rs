//! Every field a caller fills: where it is, what it is called, what form it has. Forms and lengths: message specification
//! 202205, tables of the kinds (schema 2022-05 where the two differ: messages §7).

use crate::declaration::Kind;

/// The form of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// C..n: a name or a number, without spaces around it.
    Text(usize),
    /// C..n written by people: may begin or end with spaces. Never repeated in a finding.
    Free(usize),
    /// A code of one of the lists or of a few letters.
    Code,
    /// An enterprise code, C..18.
    Enterprise,
    /// A commodity code: 4, 6, 8 or 10 digits, as many as its kind of list and its trade mode want at least.
    Commodity,
    /// N19,5: at most 14 digits before the point and 5 after it.
    Decimal,
    /// N5, N9: a whole number of at most n digits.
    Integer(usize),
    /// A calendar day.
    Day,
    /// C14: a moment to the second.
    Moment,
    /// The number that customs gave an inventory: C..20.
    InventoryNo,
    /// A list of lines, or a yes or no: nothing to read as text.
    Other,
}

/// What one field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// The kind of document that it goes into.
    pub kind: Kind,
    /// Its path; `[]` stands for the index of a line, counted from 0 in the list as sent.
    pub path: &'static str,
    /// Its Chinese name.
    pub zh: &'static str,
    /// Its English name.
    pub en: &'static str,
    /// Its form.
    pub form: Form,
    /// Whether it must be filled.
    pub required: bool,
}

impl Spec {
    /// Tells whether it belongs to a line.
    #[must_use]
    pub fn in_line(&self) -> bool {
        self.path.contains("[]")
    }

    /// Its path in the line with that index.
    #[must_use]
    pub fn path_at(&self, index: usize) -> String {
        match self.path.split_once("[]") {
            Some((list, rest)) => format!("{list}[{index}]{rest}"),
            None => self.path.to_owned(),
        }
    }
}

macro_rules! fields {
    (@required required) => { true };
    (@required optional) => { false };
    ($($kind:ident { $($name:ident: $path:literal, $zh:literal, $en:literal, $form:expr, $required:ident;)* })*) => {
        /// A field, in the order of the documents.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each is explained by its row")]
        pub enum Field {
            $($($name,)*)*
        }

        impl Field {
            /// All of them, in the order of the documents.
            pub const ALL: &[Self] = &[$($(Self::$name,)*)*];

            /// What it is.
            #[must_use]
            pub fn spec(self) -> &'static Spec {
                // Every field has its row: the table is written from the same rows.
                &SPECS[self as usize]
            }
        }

        static SPECS: [Spec; Field::ALL.len()] = [$($(Spec {
            kind: Kind::$kind,
            path: $path,
            zh: $zh,
            en: $en,
            form: $form,
            required: fields!(@required $required),
        },)*)*];
    };
}

impl Field {
    /// The list whose lines it belongs to: the fields of a line stand behind their list.
    #[must_use]
    pub fn list(self) -> Option<Self> {
        let up_to_it = Self::ALL.get(..=self as usize).unwrap_or_default();
        if self.spec().in_line() { up_to_it.iter().rev().find(|field| !field.spec().in_line()).copied() } else { None }
    }
}

use Form::{Code, Commodity, Day, Decimal, Enterprise, Free, Integer, InventoryNo, Moment, Other, Text};

fields! {
    Order {
        OrderNo: "order.order_no", "订单编号", "order number", Text(60), required;
        OrderType: "order.order_type", "订单类型", "order type", Code, required;
        PlatformCode: "order.platform.code", "电商平台代码", "platform code", Enterprise, required;
        PlatformName: "order.platform.name", "电商平台名称", "platform name", Text(100), required;
        SellerCode: "order.seller.code", "电商企业代码", "seller code", Enterprise, required;
        SellerName: "order.seller.name", "电商企业名称", "seller name", Text(100), required;
        GoodsValue: "order.goods_value", "商品金额", "goods value", Decimal, required;
        OrderFreight: "order.freight", "运杂费", "order freight", Decimal, required;
        OrderCurrency: "order.currency", "订单币制", "order currency", Code, required;
        OrderNote: "order.note", "订单备注", "order note", Free(1000), optional;
        OrderLines: "order.lines", "订单商品表体", "order lines", Other, required;
        LineNumber: "order.lines[].number", "订单商品序号", "order line number", Integer(5), required;
        ItemNo: "order.lines[].item_no", "企业商品货号", "article number", Text(30), required;
        ItemName: "order.lines[].item_name", "企业商品名称", "article name", Free(250), required;
        Description: "order.lines[].description", "企业商品描述", "article description", Free(1000), optional;
        BarCode: "order.lines[].bar_code", "条形码", "bar code", Text(50), optional;
        Unit: "order.lines[].unit", "计量单位", "unit", Code, required;
        LineCurrency: "order.lines[].currency", "商品币制", "line currency", Code, required;
        Quantity: "order.lines[].quantity", "数量", "quantity", Decimal, required;
        Price: "order.lines[].price", "单价", "price", Decimal, required;
        Total: "order.lines[].total", "总价", "line total", Decimal, required;
        LineNote: "order.lines[].note", "订单商品备注", "order line note", Free(1000), optional;
    }

    Inventory {
        DeclaredAt: "inventory.declared_at", "申报地海关代码", "declaring office", Code, required;
        ExitsAt: "inventory.exits_at", "出口口岸代码", "office of exit", Code, required;
        ExitDate: "inventory.exit_date", "出口日期", "exit date", Day, required;
        Statistics: "inventory.statistics", "申报业务类型", "kind of declaration", Code, required;
        DeclarantCode: "inventory.declarant.code", "申报企业代码", "declarant code", Enterprise, required;
        DeclarantName: "inventory.declarant.name", "申报企业名称", "declarant name", Text(100), required;
        OwnerCode: "inventory.owner.code", "生产销售企业代码", "owner code", Enterprise, required;
        OwnerName: "inventory.owner.name", "生产销售企业名称", "owner name", Text(100), required;
        AreaEnterpriseCode: "inventory.area_enterprise.code", "区内企业代码", "area enterprise's code", Enterprise, optional;
        AreaEnterpriseName: "inventory.area_enterprise.name", "区内企业名称", "area enterprise's name", Text(100), optional;
        BookNo: "inventory.book_no", "账册编号", "book number", Text(30), optional;
        TradeMode: "inventory.trade_mode", "贸易方式", "trade mode", Code, required;
        Transport: "inventory.transport", "运输方式", "mode of transport", Code, required;
        Vehicle: "inventory.vehicle", "运输工具名称", "vehicle", Text(100), optional;
        Voyage: "inventory.voyage", "航班航次号", "voyage or flight number", Text(32), optional;
        BillNo: "inventory.bill_no", "提运单号", "bill number", Text(37), optional;
        BagNo: "inventory.bag_no", "总包号", "bag number", Text(37), optional;
        Site: "inventory.site", "监管场所代码", "supervised site", Text(10), optional;
        LicenceNo: "inventory.licence_no", "许可证号", "licence number", Text(19), optional;
        Country: "inventory.country", "运抵国(地区)", "country of arrival", Code, required;
        DestinationPort: "inventory.destination_port", "指运港代码", "port of destination", Code, required;
        Freight: "inventory.freight", "运费", "freight", Decimal, required;
        FreightCurrency: "inventory.freight_currency", "运费币制", "freight currency", Code, required;
        InsuredFee: "inventory.insured_fee", "保费", "insurance", Decimal, required;
        InsuredCurrency: "inventory.insured_currency", "保费币制", "insurance currency", Code, required;
        Wrap: "inventory.wrap", "包装种类代码", "kind of packing", Code, required;
        Packs: "inventory.packs", "件数", "number of parcels", Integer(9), required;
        GrossWeight: "inventory.gross_weight", "毛重", "gross weight", Decimal, required;
        NetWeight: "inventory.net_weight", "净重", "net weight", Decimal, required;
        InventoryNote: "inventory.note", "清单备注", "inventory note", Free(1000), optional;
        CarrierCode: "inventory.carrier.code", "物流企业代码", "carrier code", Enterprise, required;
        CarrierName: "inventory.carrier.name", "物流企业名称", "carrier name", Text(100), required;
        InventoryWaybillNo: "inventory.waybill_no", "物流运单编号", "waybill number", Text(32), optional;
        InventoryLines: "inventory.lines", "清单商品表体", "inventory lines", Other, required;
        InventoryLineNumber: "inventory.lines[].number", "清单商品序号", "inventory line number", Integer(5), required;
        RecordNo: "inventory.lines[].record_no", "账册备案料号", "number in the books", Text(30), optional;
        HsCode: "inventory.lines[].hs_code", "商品编码", "HS code", Commodity, required;
        CustomsName: "inventory.lines[].customs_name", "商品名称", "customs name", Free(250), required;
        Specification: "inventory.lines[].specification", "规格型号", "specification", Free(250), required;
        LineCountry: "inventory.lines[].country", "目的国(地区)代码", "country of destination", Code, required;
        LegalQuantity: "inventory.lines[].legal_quantity", "法定数量", "legal quantity", Decimal, required;
        LegalUnit: "inventory.lines[].legal_unit", "法定计量单位", "legal unit", Code, required;
        SecondQuantity: "inventory.lines[].second_quantity", "第二数量", "second quantity", Decimal, optional;
        SecondUnit: "inventory.lines[].second_unit", "第二计量单位", "second unit", Code, optional;
        Invoice: "inventory.lines[].invoice", "进货凭证情况", "purchase voucher", Code, optional;
        InventoryLineNote: "inventory.lines[].note", "清单商品备注", "inventory line note", Free(1000), optional;
    }

    Waybill {
        WaybillCarrierCode: "carrier.code", "物流企业代码", "carrier code", Enterprise, required;
        WaybillCarrierName: "carrier.name", "物流企业名称", "carrier name", Text(100), required;
        WaybillNo: "waybill_no", "物流运单编号", "waybill number", Text(32), required;
        WaybillFreight: "freight", "运费", "freight", Decimal, required;
        WaybillInsuredFee: "insured_fee", "保价费", "insurance", Decimal, required;
        WaybillCurrency: "currency", "币制", "currency", Code, required;
        WaybillGrossWeight: "gross_weight", "毛重", "gross weight", Decimal, required;
        WaybillPacks: "packs", "件数", "number of parcels", Integer(9), required;
        GoodsInfo: "goods_info", "主要货物信息", "description of goods", Free(200), required;
        WaybillSellerCode: "seller.code", "电商企业代码", "seller code", Enterprise, optional;
        WaybillSellerName: "seller.name", "电商企业名称", "seller name", Text(100), optional;
        SellerTelephone: "seller_telephone", "电商企业电话", "seller's telephone", Free(50), optional;
        WaybillNote: "note", "备注", "note", Free(1000), optional;
        ReferencePlatform: "order.platform", "所属订单的电商平台代码", "platform code of its order", Enterprise, required;
        ReferenceSeller: "order.seller", "所属订单的电商企业代码", "seller code of its order", Enterprise, required;
        ReferenceOrderNo: "order.order_no", "所属订单编号", "number of its order", Text(60), required;
    }

    Payment {
        PaymentPlatformCode: "platform.code", "电商平台代码", "platform code", Enterprise, required;
        PaymentPlatformName: "platform.name", "电商平台名称", "platform name", Text(100), required;
        PaymentSellerCode: "seller.code", "电商企业代码", "seller code", Enterprise, required;
        PaymentSellerName: "seller.name", "电商企业名称", "seller name", Text(100), required;
        PaymentOrderNo: "order_no", "订单编号", "order number", Text(60), required;
        PayerCode: "payer_code", "支付企业代码", "payment firm's code", Enterprise, optional;
        PayerName: "payer_name", "支付企业名称", "payment firm's name", Text(100), required;
        PaymentNo: "payment_no", "支付交易编号", "payment number", Text(60), optional;
        Charge: "charge", "收款金额", "amount received", Decimal, required;
        PaymentCurrency: "currency", "币制", "currency", Code, required;
        ReceivedAt: "received_at", "到账时间", "time of receipt", Moment, required;
        PaymentNote: "note", "备注", "note", Free(1000), optional;
    }

    Arrival {
        ArrivalDeclaredAt: "declared_at", "申报地海关代码", "declaring office", Code, required;
        ArrivalOperatorCode: "operator.code", "监管场所经营人代码", "operator's code", Enterprise, required;
        ArrivalOperatorName: "operator.name", "监管场所经营人名称", "operator's name", Text(100), required;
        ArrivalSite: "site", "监管场所代码", "supervised site", Text(10), optional;
        ArrivalTransport: "transport", "运输方式", "mode of transport", Code, required;
        ArrivalBillNo: "bill_no", "提运单号", "bill number", Text(37), optional;
        ArrivalVehicle: "vehicle", "境内运输工具编号", "domestic vehicle", Text(100), required;
        ArrivalCarrierCode: "carrier.code", "物流企业代码", "carrier code", Enterprise, required;
        ArrivalCarrierName: "carrier.name", "物流企业名称", "carrier name", Text(100), required;
        ArrivalNote: "note", "备注", "note", Free(1000), optional;
        ArrivalLines: "lines", "运抵单表体", "lines of the arrival", Other, optional;
        ArrivalLineNumber: "lines[].number", "序号", "line number", Integer(5), optional;
        ArrivalWaybillNo: "lines[].waybill_no", "物流运单编号", "waybill number", Text(32), required;
        ArrivalBagNo: "lines[].bag_no", "总包号", "bag number", Text(37), optional;
        ArrivalLineNote: "lines[].note", "表体备注", "line note", Free(1000), optional;
    }

    Departure {
        DepartureDeclaredAt: "declared_at", "申报地海关代码", "declaring office", Code, required;
        DepartureCarrierCode: "carrier.code", "物流企业代码", "carrier code", Enterprise, required;
        DepartureCarrierName: "carrier.name", "物流企业名称", "carrier name", Text(100), required;
        DepartureTransport: "transport", "运输方式", "mode of transport", Code, required;
        DepartureVehicle: "vehicle", "运输工具名称", "vehicle", Text(100), optional;
        DepartureVoyage: "voyage", "航班航次号", "voyage or flight number", Text(32), optional;
        DepartureBillNo: "bill_no", "提运单号", "bill number", Text(37), optional;
        LeftAt: "left_at", "离境时间", "time of departure", Moment, required;
        DepartureNote: "note", "备注", "note", Free(1000), optional;
        DepartureLines: "lines", "离境单表体", "lines of the departure", Other, required;
        DepartureLineNumber: "lines[].number", "序号", "line number", Integer(5), optional;
        DepartureWaybillNo: "lines[].waybill_no", "物流运单编号", "waybill number", Text(32), required;
        DepartureBagNo: "lines[].bag_no", "总包号", "bag number", Text(37), optional;
        DepartureLineNote: "lines[].note", "表体备注", "line note", Free(1000), optional;
    }

    Cancellation {
        CancellationDeclaredAt: "declared_at", "申报地海关代码", "declaring office", Code, required;
        CancelledInventoryNo: "inventory_no", "原清单编号", "inventory number", InventoryNo, required;
        CancellationReason: "reason", "撤单原因", "reason", Free(1000), required;
        CancellationDeclarantCode: "declarant.code", "申报企业代码", "declarant code", Enterprise, required;
        CancellationDeclarantName: "declarant.name", "申报企业名称", "declarant name", Text(100), required;
        CancellationSellerCode: "seller.code", "收发货人代码", "consignor code", Enterprise, required;
        CancellationSellerName: "seller.name", "收发货人名称", "consignor name", Text(100), required;
        CancellationNote: "note", "备注", "note", Free(1000), optional;
    }

    Manifest {
        ManifestDeclaredAt: "declared_at", "申报地海关代码", "declaring office", Code, required;
        ManifestDeclarantCode: "declarant.code", "申报企业代码", "declarant code", Enterprise, required;
        ManifestDeclarantName: "declarant.name", "申报企业名称", "declarant name", Text(100), required;
        ManifestSite: "site", "监管场所代码", "supervised site", Text(10), optional;
        ManifestTransport: "transport", "运输方式", "mode of transport", Code, required;
        ManifestVehicle: "vehicle", "运输工具名称", "vehicle", Text(100), required;
        ManifestVoyage: "voyage", "航班航次号", "voyage or flight number", Text(32), required;
        ManifestBillNo: "bill_no", "提运单号", "bill number", Text(37), required;
        DomesticVehicle: "domestic_vehicle", "境内运输工具编号", "domestic vehicle", Text(100), optional;
        ManifestGrossWeight: "gross_weight", "毛重", "gross weight", Decimal, required;
        ManifestCarrierCode: "carrier.code", "物流企业代码", "carrier code", Enterprise, required;
        ManifestCarrierName: "carrier.name", "物流企业名称", "carrier name", Text(100), required;
        ManifestNote: "note", "备注", "note", Free(1000), optional;
        ManifestLines: "lines", "总分单表体", "lines of the manifest", Other, required;
        ManifestLineNumber: "lines[].number", "序号", "line number", Integer(5), optional;
        ManifestBagNo: "lines[].bag_no", "总包号", "bag number", Text(60), optional;
        ManifestWaybillNo: "lines[].waybill_no", "物流运单编号", "waybill number", Text(32), required;
        ManifestInventoryNo: "lines[].inventory_no", "出口清单编号", "inventory number", InventoryNo, optional;
        ManifestLineNote: "lines[].note", "表体备注", "line note", Free(1000), optional;
    }

    Summary {
        SummaryDeclaredAt: "declared_at", "申报地海关代码", "declaring office", Code, required;
        SummaryDeclarantCode: "declarant.code", "申报单位代码", "declarant code", Enterprise, required;
        SummaryDeclarantName: "declarant.name", "申报单位名称", "declarant name", Text(100), required;
        SummarySellerCode: "seller.code", "收发货人代码", "consignor code", Enterprise, required;
        SummarySellerName: "seller.name", "收发货人名称", "consignor name", Text(100), required;
        CustomsDeclarantCode: "customs_declarant.code", "报关单位代码", "code of the customs declarant", Enterprise, required;
        CustomsDeclarantName: "customs_declarant.name", "报关单位名称", "name of the customs declarant", Text(100), required;
        PeriodFrom: "period.from", "汇总开始时间", "start of the period", Moment, optional;
        PeriodTo: "period.to", "汇总结束时间", "end of the period", Moment, optional;
        SummarySite: "site", "监管场所代码", "supervised site", Text(10), optional;
        SummaryNote: "note", "备注", "note", Free(1000), optional;
        InventoryNos: "inventory_nos", "待汇总的清单编号", "inventory numbers", Other, optional;
        SummedInventoryNo: "inventory_nos[]", "清单编号", "inventory number", InventoryNo, required;
    }

    GoodsReturn {
        ReturnDeclaredAt: "declared_at", "关区代码", "declaring office", Code, required;
        ReturnSite: "site", "监管场所代码", "supervised site", Text(10), optional;
        ReturnPlatformCode: "platform.code", "电商平台代码", "platform code", Enterprise, required;
        ReturnPlatformName: "platform.name", "电商平台名称", "platform name", Text(100), required;
        ReturnSellerCode: "seller.code", "电商企业代码", "seller code", Enterprise, required;
        ReturnSellerName: "seller.name", "电商企业名称", "seller name", Text(100), required;
        ReturnCarrierCode: "carrier.code", "物流企业代码", "carrier code", Enterprise, required;
        ReturnCarrierName: "carrier.name", "物流企业名称", "carrier name", Text(100), required;
        ReturnWaybillNo: "waybill_no", "物流运单号", "waybill number", Text(80), required;
        ReturnInventoryNo: "inventory_no", "原清单号", "inventory number", InventoryNo, required;
        ReturnTradeMode: "trade_mode", "退货监管方式", "trade mode of the return", Code, required;
        ReturnDeclarantCode: "declarant.code", "申报企业代码", "declarant code", Enterprise, required;
        ReturnDeclarantName: "declarant.name", "申报企业名称", "declarant name", Text(100), required;
        ReturnBillNo: "bill_no", "提运单号", "bill number", Text(37), optional;
        ReturnTransport: "transport", "运输方式", "mode of transport", Code, required;
        ReturnVehicle: "vehicle", "运输工具名称", "vehicle", Text(100), required;
        ReturnVoyage: "voyage", "航班航次", "voyage or flight number", Text(32), required;
        EntersAt: "enters_at", "进出口岸", "office of entry", Code, required;
        ReturnReason: "reason", "退货原因", "reason", Free(500), required;
        ReturnCountry: "country", "启运国（地区）", "country they come from", Code, required;
        ReturnNote: "note", "备注", "note", Free(500), optional;
        ReturnLines: "lines", "退货商品表体", "lines of the return", Other, required;
        ReturnLineNumber: "lines[].number", "商品项号", "line number", Integer(4), required;
        ReturnHsCode: "lines[].hs_code", "商品编码", "HS code", Commodity, required;
        ReturnCustomsName: "lines[].customs_name", "商品名称", "customs name", Free(250), required;
        ReturnSpecification: "lines[].specification", "规格型号", "specification", Free(250), required;
        ReturnQuantity: "lines[].quantity", "申报数量", "quantity", Decimal, required;
        ReturnUnit: "lines[].unit", "申报计量单位", "unit", Code, required;
        ReturnLegalQuantity: "lines[].legal_quantity", "法定数量", "legal quantity", Decimal, required;
        ReturnLegalUnit: "lines[].legal_unit", "法定计量单位", "legal unit", Code, required;
        ReturnSecondQuantity: "lines[].second_quantity", "法定第二数量", "second quantity", Decimal, optional;
        ReturnSecondUnit: "lines[].second_unit", "法定第二计量单位", "second unit", Code, optional;
        ReturnLineNote: "lines[].note", "商品备注", "line note", Free(500), optional;
    }

    ReturnTally {
        TallyDeclaredAt: "declared_at", "关区代码", "declaring office", Code, required;
        TallyOperatorCode: "operator.code", "监管场所经营人代码", "operator's code", Enterprise, required;
        TallyOperatorName: "operator.name", "监管场所经营人名称", "operator's name", Text(100), required;
        TallyCarrierCode: "carrier.code", "物流企业代码", "carrier code", Enterprise, required;
        TallyCarrierName: "carrier.name", "物流企业名称", "carrier name", Text(100), required;
        TallyWaybillNo: "waybill_no", "物流运单号", "waybill number", Text(80), required;
        TallyInventoryNo: "inventory_no", "原清单号", "inventory number", InventoryNo, optional;
        TallyBillNo: "bill_no", "提运单号", "bill number", Text(37), optional;
        TallyTransport: "transport", "运输方式", "mode of transport", Code, required;
        TallyVehicle: "vehicle", "运输工具名称", "vehicle", Text(100), required;
        TallyVoyage: "voyage", "航班航次", "voyage or flight number", Text(32), required;
        TallyLocation: "location", "仓储位置", "place of storage", Free(250), optional;
        TallyNote: "note", "备注", "note", Free(250), optional;
    }
}
