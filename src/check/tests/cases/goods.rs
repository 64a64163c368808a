//! The rules of goods and of what stands for nothing.

use super::{Case, Trial};

pub(super) const CASES: &[Case] = &[
    ("F-PLACEHOLDER", "order.order_no", |t| t.d.order.order_no = "无".into(), |t| t.d.order.lines[0].bar_code = "无".into()),
    ("F-PLACEHOLDER", "inventory.bill_no", |t| t.d.inventory.bill_no = "NO".into(), |t| t.d.inventory.bill_no = "NO1".into()),
    (
        "F-PLACEHOLDER",
        "inventory.declarant.name",
        |t| t.d.inventory.declarant.name = "无".into(),
        |t| t.d.order.platform.code = "无".into(),
    ),
    (
        "F-PLACEHOLDER",
        "departure:lines[0].waybill_no",
        |t| t.f.departure.lines[0].waybill_no = "NO".into(),
        |t| t.f.departure.note = "无".into(),
    ),
    ("P-CREDIT-CODE", "inventory.owner.code", |t| t.d.inventory.owner.code = "NO".into(), |t| t.unregistered(super::SELLER)),
    ("P-CREDIT-CODE", "order.seller.code", |t| t.d.order.seller.code = "无".into(), |t| t.d.order.platform.code = "无".into()),
    ("F-LENGTH", "inventory.lines[0].hs_code", |t| t.hs("B", "42022200"), |t| t.hs("A", "42022200")),
    ("F-LENGTH", "inventory.lines[0].hs_code", |t| t.business_hs("4202"), |t| t.business_hs("420222")),
    (
        "F-LENGTH",
        "goods_return:lines[0].hs_code",
        |t| t.f.goods_return.lines[0].hs_code = "420".into(),
        |t| t.f.goods_return.lines[0].hs_code = "4202".into(),
    ),
    ("C-HS-PADDED", "inventory.lines[0].hs_code", |t| t.hs("B", "4202000000"), |t| t.hs("A", "4202000000")),
    ("C-HS-PADDED", "inventory.lines[0].hs_code", |t| t.business_hs("4202000000"), |t| t.business_hs("4202210000")),
    ("C-HS-CODE", "inventory.lines[0].hs_code", |t| t.hs("B", "4202210000"), |t| t.hs("A", "4202210000")),
    (
        "C-HS-CODE",
        "goods_return:lines[0].hs_code",
        |t| t.f.goods_return.lines[0].hs_code = "4202229999".into(),
        |t| t.f.goods_return.lines[0].hs_code = "420222".into(),
    ),
    ("C-ELEMENTS", "inventory.lines[0].specification", |t| t.hs("B", "4202220000"), |t| t.hs("A", "4202220000")),
    (
        "C-ELEMENTS",
        "inventory.lines[0].specification",
        |t| t.specified("无品牌|款号1|手提包"),
        |t| t.specified("无品牌｜款号1；手提包|塑料片"),
    ),
    ("C-DUAL-USE", "inventory.lines[0].hs_code", |t| t.hs("A", "1211500011"), |t| t.hs("A", "1211500000")),
    (
        "C-DUAL-USE",
        "inventory.lines[1].hs_code",
        |t| t.d.inventory.lines[1].hs_code = "1211500091".into(),
        |t| {
            t.d.inventory.lines[1].hs_code = "1211500091".into();
            super::licence_and_sum(t);
        },
    ),
    ("M-TRADE-ORDER", "order.order_type", |t| t.area_order("B"), |t| t.area_order("E")),
    (
        "M-AREA",
        "inventory.area_enterprise.code",
        |t| t.area().area_enterprise.code.clear(),
        |t| t.area().area_enterprise.code = super::CARRIER.into(),
    ),
    ("M-AREA", "inventory.area_enterprise.name", |t| t.area().area_enterprise.name.clear(), |t| t.area().site.clear()),
    ("M-AREA", "inventory.book_no", |t| t.area().book_no.clear(), |t| t.area().book_no = "T".repeat(30)),
    ("M-AREA", "inventory.lines[1].record_no", |t| t.area().lines[1].record_no.clear(), |t| t.area().lines[1].record_no = "1".into()),
    ("M-NOT-AREA", "inventory.book_no", |t| t.area().trade_mode = "9610".into(), |t| t.d.inventory.book_no = " ".into()),
    (
        "M-NOT-AREA",
        "inventory.lines[0].record_no",
        |t| t.d.inventory.lines[0].record_no = "1".into(),
        |t| t.area().lines[0].record_no = "2".into(),
    ),
    (
        "P-CUSTOMS-CODE",
        "inventory.area_enterprise.code",
        |t| t.area().area_enterprise.code = "440196XAB?".into(),
        |t| t.area().area_enterprise.code = "440196XABC".into(),
    ),
];

impl Trial {
    /// The list with what goods from a special area must say.
    fn area(&mut self) -> &mut crate::declaration::draft::Inventory {
        let list = &mut self.d.inventory;
        list.trade_mode = "1210".into();
        list.area_enterprise = crate::party::Party { code: "4401660XYZ".into(), name: "广州样例仓储有限公司".into() };
        list.book_no = "T5208W000001".into();
        list.lines.iter_mut().for_each(|line| line.record_no = "LH0001".into());
        list
    }

    fn area_order(&mut self, letter: &str) {
        self.area();
        self.d.order.order_type = letter.into();
    }

    /// A list of that kind, its first line with that code.
    fn hs(&mut self, statistics: &str, code: &str) {
        self.d.inventory.statistics = statistics.into();
        self.d.inventory.lines[0].hs_code = code.into();
    }

    /// Simplified, sold to business, its first line with that code.
    fn business_hs(&mut self, code: &str) {
        self.business();
        self.hs("A", code);
    }

    /// Summed, every line specified so.
    fn specified(&mut self, specification: &str) {
        self.d.inventory.statistics = "B".into();
        self.d.inventory.lines.iter_mut().for_each(|line| line.specification = specification.into());
    }
}
