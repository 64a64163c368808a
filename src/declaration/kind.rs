//! The kinds of document that we send, a row each.

use serde::{Deserialize, Serialize};

/// The kinds of document we send: a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 电子订单, message 303.
    Order,
    /// 收款单, message 403: not sent for exports since 2024-12-15 unless a lane says so.
    Payment,
    /// 物流运单, message 505.
    Waybill,
    /// 物流运抵单, message 507.
    Arrival,
    /// 物流离境单, message 509.
    Departure,
    /// 出口清单, message 603.
    Inventory,
    /// 撤销申请单, message 605.
    Cancellation,
    /// 清单总分单, message 607.
    Manifest,
    /// 汇总申请单, message 701.
    Summary,
    /// 退货申请单, message 213.
    GoodsReturn,
    /// 退货理货明细单, message 215.
    ReturnTally,
}

/// What is said of a kind everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindRow {
    /// The kind.
    pub kind: Kind,
    /// The number of its message in the specification; also how it is stored.
    pub number: i64,
    /// Its name in logs, configuration and the audit log.
    pub name: &'static str,
    /// Its name in Chinese, as the specification has it.
    pub zh: &'static str,
    /// Its name in English.
    pub en: &'static str,
}

const fn row(kind: Kind, number: i64, name: &'static str, zh: &'static str, en: &'static str) -> KindRow {
    KindRow { kind, number, name, zh, en }
}

/// In the order of [`Kind`]: message specification 202205, chapters 2 and 3.
static ROWS: [KindRow; 11] = [
    row(Kind::Order, 303, "order", "电子订单", "order"),
    row(Kind::Payment, 403, "payment", "收款单", "payment"),
    row(Kind::Waybill, 505, "waybill", "物流运单", "waybill"),
    row(Kind::Arrival, 507, "arrival", "物流运抵单", "arrival"),
    row(Kind::Departure, 509, "departure", "物流离境单", "departure"),
    row(Kind::Inventory, 603, "inventory", "出口清单", "inventory"),
    row(Kind::Cancellation, 605, "cancellation", "撤销申请单", "cancellation"),
    row(Kind::Manifest, 607, "manifest", "清单总分单", "manifest"),
    row(Kind::Summary, 701, "summary", "汇总申请单", "summary"),
    row(Kind::GoodsReturn, 213, "goods_return", "退货申请单", "goods return"),
    row(Kind::ReturnTally, 215, "return_tally", "退货理货明细单", "return tally"),
];

impl Kind {
    /// The documents that one parcel needs, in the order in which it needs them.
    pub const OF_PARCEL: [Self; 3] = [Self::Order, Self::Waybill, Self::Inventory];

    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Order,
        Self::Payment,
        Self::Waybill,
        Self::Arrival,
        Self::Departure,
        Self::Inventory,
        Self::Cancellation,
        Self::Manifest,
        Self::Summary,
        Self::GoodsReturn,
        Self::ReturnTally,
    ];

    /// What is said of it everywhere.
    #[must_use]
    pub const fn row(self) -> &'static KindRow {
        &ROWS[self as usize]
    }

    /// The number of its message in the specification; also how it is stored.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.row().number
    }

    /// The kind with that message number.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        ROWS.iter().find(|row| row.number == number).map(|row| row.kind)
    }

    /// Its name in logs, configuration and the audit log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The kind with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.name == name).map(|row| row.kind)
    }

    /// Whether it is submitted on its own, neither a waybill nor out of a declaration.
    #[must_use]
    pub const fn is_follow_up(self) -> bool {
        !matches!(self, Self::Order | Self::Waybill | Self::Inventory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_row() {
        assert_eq!(Kind::ALL.map(|kind| kind.row().kind), Kind::ALL);
        for kind in Kind::ALL {
            assert_eq!((Kind::from_number(kind.number()), Kind::parse(kind.as_str())), (Some(kind), Some(kind)));
        }
        assert_eq!((Kind::from_number(304), Kind::parse("receipts")), (None, None));
    }
}
