//! Documents and what is in them. A *declaration* is one order with what its export list needs; out of it come two
//! documents, the order (电子订单) and the inventory (清单). The carrier's waybill (运单) is a third, submitted on its own. All
//! others are a [`FollowUp`]: submitted on their own, too, mostly about inventories that are at customs already.
//!
//! The types here hold checked values: decimals, days, enumerations. What callers send, unchecked text, is in [`draft`].

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{clock::Timestamp, party::Party};

pub mod draft;
mod follow_up;
mod goods_return;
mod inventory;
mod kind;
mod manifest;
mod movement;
mod summary;

pub use follow_up::{Cancellation, FollowUp, Part, Payment};
pub use goods_return::{GoodsReturn, ReturnLine, ReturnTally};
pub use inventory::{Inventory, InventoryLine, InvoiceStatus, OWNER_UNREGISTERED, Statistics};
pub use kind::{Kind, KindRow};
pub use manifest::{Manifest, ManifestLine};
pub use movement::{Arrival, Departure, MovementLine};
pub use summary::{Period, Summary, SummaryResult, SummaryResultLine};

macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

macro_rules! id_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

id_newtype! {
    /// Our id of a declaration (UUIDv7).
    DeclarationId
}
impl DeclarationId {
    /// What no declaration's id of that moment or later lies before.
    #[must_use]
    pub fn before(moment: Timestamp) -> Self {
        let milliseconds = u64::try_from(moment.0 / 1_000).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(milliseconds, &[0; 10]).into_uuid())
    }
}

id_newtype! {
    /// Our id of a document (UUIDv7).
    DocumentId
}
id_newtype! {
    /// Our id of a message, and its guid on the wire, there in upper case.
    MessageId
}
id_newtype! {
    /// guid of one document, on the wire in upper case. Receipts do not reliably repeat it: never match on it.
    DocumentGuid
}
text_newtype! {
    /// copNo: the number by which the declaring enterprise knows an inventory; ours, at most 30 characters.
    EnterpriseNo
}
text_newtype! {
    /// preNo: given by the port (B, date, 9 digits).
    PortNo
}
text_newtype! {
    /// invtNo: given by customs at clearance (office, year, E, 9 to 11 digits).
    InventoryNo
}
text_newtype! {
    /// sumNo: given by customs to a summary, 18 characters.
    SummaryNo
}

impl DocumentId {
    /// The id of a document that comes after `earlier`: the new one, unless that is not greater, since two of one millisecond, and two
    /// nodes' clocks, come in any order.
    #[must_use]
    pub fn behind(earlier: Self, new: Uuid) -> Self {
        Self(if new > earlier.0 { new } else { Uuid::from_u128(earlier.0.as_u128().saturating_add(1)) })
    }
}

impl EnterpriseNo {
    /// The number of a document made under `id`: `TG` and the id in base 32 (Crockford), 28 characters.
    #[must_use]
    pub fn from_id(id: Uuid) -> Self {
        Self::in_base_32::<26>(id.as_u128())
    }

    /// The same for a document whose number has at most 20 characters (215 coElNo): 90 bits of the id, which of a UUIDv7 are
    /// its time and 42 random bits or fixed ones.
    #[must_use]
    pub fn short_from_id(id: Uuid) -> Self {
        Self::in_base_32::<18>(id.as_u128() >> 38)
    }

    fn in_base_32<const DIGITS: usize>(mut rest: u128) -> Self {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let mut digits = [b'0'; DIGITS];
        for digit in digits.iter_mut().rev() {
            *digit = ALPHABET[usize::try_from(rest & 31).unwrap_or(0)];
            rest >>= 5;
        }
        Self(digits.iter().fold(String::from("TG"), |mut text, &b| {
            text.push(char::from(b));
            text
        }))
    }
}

/// Writes a guid as the wire wants it: 36 characters, letters in upper case.
#[must_use]
pub fn wire_guid(guid: Uuid) -> String {
    let mut buffer = Uuid::encode_buffer();
    guid.hyphenated().encode_upper(&mut buffer).to_owned()
}

/// 报送类型 (appType).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// 新增, 1.
    Add,
    /// 变更, 2.
    Amend,
    /// 删除, 3.
    Delete,
}

impl Action {
    /// appType.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Add => 1,
            Self::Amend => 2,
            Self::Delete => 3,
        }
    }

    /// The action with that appType.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Add),
            2 => Some(Self::Amend),
            3 => Some(Self::Delete),
            _ => None,
        }
    }
}

/// 订单类型 (orderType).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderType {
    /// E: B2C export.
    Retail,
    /// B: B2B export.
    Business,
    /// W: overseas warehouse.
    OverseasWarehouse,
}

impl OrderType {
    /// The letter on the wire.
    #[must_use]
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Retail => "E",
            Self::Business => "B",
            Self::OverseasWarehouse => "W",
        }
    }

    /// The type with that letter.
    #[must_use]
    pub fn from_letter(letter: &str) -> Option<Self> {
        [Self::Retail, Self::Business, Self::OverseasWarehouse].into_iter().find(|kind| kind.letter() == letter)
    }
}

/// One order with what its inventory needs: what a seller submits, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declaration {
    /// 电子订单.
    pub order: Order,
    /// 清单.
    pub inventory: Inventory,
}

impl Declaration {
    /// The order line that an inventory line stands for.
    #[must_use]
    pub fn order_line(&self, line: &InventoryLine) -> Option<&OrderLine> {
        self.order.lines.iter().find(|candidate| candidate.number == line.number)
    }
}

/// 电子订单 (303).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// orderNo, unique per platform and seller; up to 60 characters.
    pub order_no: String,
    /// orderType.
    pub order_type: OrderType,
    /// 电商平台 (ebpCode, ebpName).
    pub platform: Party,
    /// 电商企业 (ebcCode, ebcName), the consignor of the inventory.
    pub seller: Party,
    /// goodsValue: FOB, without freight.
    pub goods_value: Decimal,
    /// freight: zero if there is none.
    pub freight: Decimal,
    /// Old three-digit currency code (142 = CNY).
    pub currency: String,
    /// Free text; may be personal, never logged.
    pub note: Option<String>,
    /// 1 to 100 lines.
    pub lines: Vec<OrderLine>,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// gnum: 1, 2, 3, …
    pub number: u32,
    /// itemNo: the seller's article number, up to 20 characters (30 in an order that no inventory follows).
    pub item_no: String,
    /// itemName.
    pub item_name: String,
    /// itemDescribe.
    pub description: Option<String>,
    /// barCode.
    pub bar_code: Option<String>,
    /// Old three-digit unit code (011 = 件).
    pub unit: String,
    /// Old three-digit currency code.
    pub currency: String,
    /// qty.
    pub quantity: Decimal,
    /// price per unit.
    pub price: Decimal,
    /// totalPrice.
    pub total: Decimal,
    /// Free text; may be personal, never logged.
    pub note: Option<String>,
}

/// 物流运单 (505): carries no order number and no office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waybill {
    /// 物流企业 (logisticsCode, logisticsName).
    pub carrier: Party,
    /// logisticsNo: unique per carrier within 6 months; up to 32 characters.
    pub waybill_no: String,
    /// freight.
    pub freight: Decimal,
    /// insuredFee.
    pub insured_fee: Decimal,
    /// Old three-digit currency code.
    pub currency: String,
    /// grossWeight in kg.
    pub gross_weight: Decimal,
    /// packNo.
    pub packs: u32,
    /// goodsInfo.
    pub goods_info: String,
    /// 电商企业 (ebcCode, ebcName).
    pub seller: Option<Party>,
    /// ebcTelephone: personal, never logged.
    pub seller_telephone: Option<String>,
    /// Free text; may be personal, never logged.
    pub note: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enterprise_numbers_fit_and_differ() {
        let no = EnterpriseNo::from_id(Uuid::from_u128(u128::MAX));
        assert_eq!(no.0, "TG7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
        assert_eq!(no.0.len(), 28);
        assert_ne!(no, EnterpriseNo::from_id(Uuid::from_u128(u128::MAX - 1)));
    }
}
