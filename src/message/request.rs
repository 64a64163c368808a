//! Reads requests: what a simulated customs does with them, and how a composed message is shown to say what was meant.
//! Values stay text: whether they make sense is for customs to say.

use super::{
    MAX_DOCUMENTS, Message,
    error::{Error, Problem},
    family,
    follow_up::FollowUpRequest,
    xml::tree::{Document, Element},
};
use crate::{
    declaration::{Action, Kind},
    receipt::Key,
};

/// A request as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What it carries.
    pub kind: Kind,
    /// guid of the message.
    pub guid: String,
    /// copCode: who transmits it.
    pub cop_code: String,
    /// copName.
    pub cop_name: String,
    /// dxpId.
    pub dxp_id: String,
    /// 1 to 100 documents.
    pub documents: Vec<RequestDocument>,
}

/// A document as received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestDocument {
    /// guid of the document.
    pub guid: String,
    /// appType.
    pub app_type: String,
    /// appTime.
    pub app_time: String,
    /// appStatus.
    pub app_status: String,
    /// What it says.
    pub content: RequestContent,
}

impl RequestDocument {
    /// appType in our words.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        self.app_type.parse().ok().and_then(Action::from_number)
    }
}

/// What a document says, as far as customs' side looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestContent {
    /// 303.
    Order(OrderRequest),
    /// 505.
    Waybill(WaybillRequest),
    /// 603.
    Inventory(Box<InventoryRequest>),
    /// 403, 507, 509, 605, 607, 701, 213, 215.
    FollowUp(Box<FollowUpRequest>),
}

impl RequestContent {
    /// What a receipt calls it.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::Order(order) => {
                Key::Order { platform: order.platform.clone(), seller: order.seller.clone(), order_no: order.order_no.clone() }
            }
            Self::Waybill(waybill) => Key::Waybill { carrier: waybill.carrier.clone(), waybill_no: waybill.waybill_no.clone() },
            Self::Inventory(inventory) => Key::Inventory {
                declarant: inventory.declarant.clone(),
                enterprise_no: inventory.enterprise_no.clone(),
                platform: inventory.platform.clone(),
                seller: inventory.seller.clone(),
                order_no: inventory.order_no.clone(),
            },
            Self::FollowUp(follow_up) => follow_up.key.clone(),
        }
    }
}

/// 电子订单 as received.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderRequest {
    /// orderType.
    pub order_type: String,
    /// orderNo.
    pub order_no: String,
    /// ebpCode.
    pub platform: String,
    /// ebcCode.
    pub seller: String,
    /// goodsValue.
    pub goods_value: String,
    /// freight.
    pub freight: String,
    /// currency.
    pub currency: String,
    /// Its goods.
    pub lines: Vec<RequestLine>,
}

/// 物流运单 as received.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WaybillRequest {
    /// logisticsCode.
    pub carrier: String,
    /// logisticsNo.
    pub waybill_no: String,
    /// freight.
    pub freight: String,
    /// insuredFee.
    pub insured_fee: String,
    /// currency.
    pub currency: String,
    /// grossWeight.
    pub gross_weight: String,
    /// packNo.
    pub packs: String,
    /// ebcCode.
    pub seller: String,
}

/// 出口清单 as received.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InventoryRequest {
    /// customsCode.
    pub declared_at: String,
    /// portCode.
    pub exits_at: String,
    /// ieDate.
    pub exit_date: String,
    /// statisticsFlag.
    pub statistics: String,
    /// agentCode.
    pub declarant: String,
    /// copNo.
    pub enterprise_no: String,
    /// preNo.
    pub port_no: String,
    /// invtNo.
    pub inventory_no: String,
    /// ebpCode.
    pub platform: String,
    /// ebcCode.
    pub seller: String,
    /// ownerCode.
    pub owner: String,
    /// orderNo.
    pub order_no: String,
    /// logisticsCode.
    pub carrier: String,
    /// logisticsNo.
    pub waybill_no: String,
    /// tradeMode.
    pub trade_mode: String,
    /// trafName.
    pub vehicle: String,
    /// voyageNo.
    pub voyage: String,
    /// billNo.
    pub bill_no: String,
    /// totalPackageNo.
    pub bag_no: String,
    /// loctNo.
    pub site: String,
    /// packNo.
    pub packs: String,
    /// grossWeight.
    pub gross_weight: String,
    /// netWeight.
    pub net_weight: String,
    /// Its goods.
    pub lines: Vec<RequestLine>,
}

/// A line of goods as received.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RequestLine {
    /// gnum.
    pub number: String,
    /// itemNo.
    pub item_no: String,
    /// gcode; an order has none.
    pub hs_code: String,
    /// qty.
    pub quantity: String,
    /// price.
    pub price: String,
    /// totalPrice.
    pub total: String,
}

impl RequestLine {
    pub(super) fn read_all(document: Element<'_, '_>, name: &str) -> Vec<Self> {
        let read = |line: Element<'_, '_>| {
            let text = |name| line.value(name).to_owned();
            Self {
                number: text("gnum"),
                item_no: text("itemNo"),
                hs_code: text("gcode"),
                quantity: text("qty"),
                price: text("price"),
                total: text("totalPrice"),
            }
        };
        document.children().filter(|line| line.name() == name).map(read).collect()
    }
}

/// Reads a request of any kind.
///
/// # Errors
/// When it cannot be read, is no request, or does not carry 1 to 100 documents. Missing fields are empty: see
/// [`super::validate`].
pub fn parse_request(xml: &[u8]) -> Result<Request, Error> {
    let document = Document::read(xml)?;
    let root = document.root();
    let Message::Request(kind) = Message::of(root)? else { return Err(root.error(Problem::UnknownMessage)) };
    let family = family::of(kind);
    let transfer = root.child("BaseTransfer").ok_or_else(|| root.missing("BaseTransfer"))?;
    let read = |document: Element<'_, '_>| {
        let head = family.head.and_then(|name| document.child(name)).unwrap_or(document);
        RequestDocument {
            guid: head.value("guid").to_owned(),
            app_type: head.value("appType").to_owned(),
            app_time: head.value("appTime").to_owned(),
            app_status: head.value("appStatus").to_owned(),
            content: (family.read)(document),
        }
    };
    let documents: Vec<_> = root.children().filter(|child| child.name() == family.document).map(read).collect();
    if !(1..=MAX_DOCUMENTS).contains(&documents.len()) {
        return Err(root.error(Problem::Count));
    }
    Ok(Request {
        kind,
        guid: document.attribute("guid").unwrap_or_default().to_owned(),
        cop_code: transfer.value("copCode").to_owned(),
        cop_name: transfer.value("copName").to_owned(),
        dxp_id: transfer.value("dxpId").to_owned(),
        documents,
    })
}
