//! What is handed to a store in tests.

use std::{sync::Arc, time::Duration};

use rust_decimal::Decimal;
use tongguan::{
    audit::Entry,
    clock::{Clockwork, Timestamp, parse_day},
    declaration::{
        Action, Declaration, DeclarationId, DocumentGuid, DocumentId, EnterpriseNo, Inventory, InventoryLine, InvoiceStatus, Kind,
        MessageId, Order, OrderLine, OrderType, Statistics, Waybill, draft::OrderReference,
    },
    dossier::Document,
    lane::Lane,
    party::{Actor, Party, Role, Tenant},
    queue::Lease,
    receipt::{Key, Receipt},
    state::State,
    store::{Acceptance, Arrival, Packing, WaybillAcceptance},
};
use uuid::Uuid;

pub const START: Timestamp = Timestamp(1_795_000_000_000_000);
pub const CARRIER: &str = "91440101MA59CARR1X";

pub fn party(code: &str) -> Party {
    Party { code: code.into(), name: "某公司".into() }
}

pub fn declaration(order_no: &str, waybill_no: Option<&str>) -> Declaration {
    let line = OrderLine {
        number: 1,
        item_no: "A1".into(),
        item_name: "T恤".into(),
        description: None,
        bar_code: None,
        unit: "011".into(),
        currency: "142".into(),
        quantity: Decimal::ONE,
        price: Decimal::TEN,
        total: Decimal::TEN,
        note: None,
    };
    let inventory_line = InventoryLine {
        number: 1,
        hs_code: "6109100010".into(),
        customs_name: "T恤".into(),
        specification: "棉".into(),
        country: "502".into(),
        legal_quantity: Decimal::ONE,
        legal_unit: "011".into(),
        record_no: None,
        second: None,
        invoice: InvoiceStatus::None,
        note: None,
    };
    Declaration {
        order: Order {
            order_no: order_no.into(),
            order_type: OrderType::Retail,
            platform: party("无"),
            seller: party("SELLER"),
            goods_value: Decimal::TEN,
            freight: Decimal::ZERO,
            currency: "142".into(),
            note: None,
            lines: vec![line],
        },
        inventory: Inventory {
            declared_at: "5141".into(),
            exits_at: "5141".into(),
            exit_date: parse_day("20261123").unwrap(),
            statistics: Statistics::Simplified,
            declarant: party("DECLARANT"),
            owner: party("OWNER"),
            owner_registered: true,
            area_enterprise: None,
            book_no: None,
            trade_mode: "9610".into(),
            transport: "5".into(),
            vehicle: None,
            voyage: None,
            bill_no: Some("BILL1".into()),
            bag_no: None,
            site: None,
            licence_no: None,
            country: "502".into(),
            destination_port: "3151".into(),
            freight: Decimal::ZERO,
            freight_currency: "142".into(),
            insured_fee: Decimal::ZERO,
            insured_currency: "142".into(),
            wrap: "2".into(),
            packs: 1,
            gross_weight: Decimal::ONE,
            net_weight: Decimal::ONE,
            note: None,
            carrier: party(CARRIER),
            waybill_no: waybill_no.map(Into::into),
            lines: vec![inventory_line],
        },
    }
}

/// Makes what is handed in, under ids of its own.
pub struct Maker {
    pub clockwork: Clockwork,
}

impl Maker {
    pub fn document(&self, kind: Kind, declaration: Option<DeclarationId>, state: State) -> Document {
        let id = self.clockwork.id();
        Document {
            id: DocumentId(id),
            version: 0,
            tenant: Tenant::local(),
            declaration,
            kind,
            action: Action::Add,
            guid: DocumentGuid(self.clockwork.id()),
            sender: if kind == Kind::Waybill { "carrier".into() } else { "declarant".into() },
            road: "guangzhou".into(),
            enterprise_no: (kind == Kind::Inventory).then(|| EnterpriseNo::from_id(id)),
            port_no: None,
            inventory_no: None,
            state,
            last_word: None,
            needed_by: START + Duration::from_secs(86_400),
            gate_at: (state == State::Waiting).then_some(START),
            lot: None,
            packed: 0,
            port_failures: 0,
            resent: None,
            message: None,
            on_hold: false,
        }
    }

    pub fn entry(&self, act: &str, subject: Uuid) -> Entry {
        let actor = Actor::new(Tenant::local(), Role::Seller, "test");
        Entry {
            id: self.clockwork.id(),
            at: self.clockwork.now(),
            actor,
            act: act.into(),
            subject,
            changes: Vec::new(),
            why: String::new(),
        }
    }

    pub fn acceptance(&self, order_no: &str, waybill_no: Option<&str>) -> Acceptance {
        let id = DeclarationId(self.clockwork.id());
        Acceptance {
            id,
            actor: Actor::new(Tenant::local(), Role::Seller, "test"),
            idempotency_key: None,
            digest: [7; 32],
            needed_by: START + Duration::from_secs(86_400),
            declaration: Arc::new(declaration(order_no, waybill_no)),
            warnings: Vec::new(),
            plan: Lane::default().plan(),
            documents: vec![self.document(Kind::Order, Some(id), State::Due), self.document(Kind::Inventory, Some(id), State::Waiting)],
            assessment: "{}".into(),
            entry: self.entry("accept", id.0),
        }
    }

    pub fn waybill(&self, waybill_no: &str) -> WaybillAcceptance {
        let document = self.document(Kind::Waybill, None, State::Due);
        WaybillAcceptance {
            id: document.id,
            actor: Actor::new(Tenant::parse("carrier").unwrap(), Role::Carrier, "test"),
            digest: [9; 32],
            waybill: Arc::new(Waybill {
                carrier: party(CARRIER),
                waybill_no: waybill_no.into(),
                freight: Decimal::ONE,
                insured_fee: Decimal::ZERO,
                currency: "142".into(),
                gross_weight: Decimal::ONE,
                packs: 1,
                goods_info: "衣物".into(),
                seller: None,
                seller_telephone: None,
                note: None,
            }),
            order: None,
            entry: self.entry("accept_waybill", document.id.0),
            document: Some(document),
        }
    }

    pub fn lease(&self) -> Lease {
        Lease::take(&self.clockwork, Duration::from_secs(60))
    }

    pub fn arrival(&self, name: &str) -> Arrival {
        let (road, bytes) = ("guangzhou".into(), b"<r/>".to_vec());
        Arrival { id: self.clockwork.id(), road, name: name.into(), bytes, digest: [2; 32], reserved: None }
    }

    pub fn packing(&self, documents: Vec<DocumentId>, kind: Kind) -> Packing {
        Packing {
            id: MessageId(self.clockwork.id()),
            sender: "declarant".into(),
            kind,
            road: "guangzhou".into(),
            bytes: b"<sealed/>".to_vec(),
            digest: [1; 32],
            needed_by: START,
            entries: documents.iter().map(|id| self.entry("pack", id.0)).collect(),
            documents,
        }
    }
}

/// An order as waybills and lookups name it.
pub fn order(order_no: &str) -> OrderReference {
    OrderReference { platform: "无".into(), seller: "SELLER".into(), order_no: order_no.into() }
}

pub fn tenant(name: &str) -> Tenant {
    Tenant::parse(name).unwrap()
}

/// The key of a receipt for an order.
pub fn order_key(order_no: &str) -> Key {
    Key::Order { platform: "无".into(), seller: "SELLER".into(), order_no: order_no.into() }
}

/// The key of a receipt for a waybill.
pub fn waybill_key(waybill_no: &str) -> Key {
    Key::Waybill { carrier: CARRIER.into(), waybill_no: waybill_no.into() }
}

/// The key of a receipt for an inventory; with no number of ours it goes by its order.
pub fn inventory_key(enterprise_no: &str, order_no: &str) -> Key {
    Key::Inventory {
        declarant: "DECLARANT".into(),
        enterprise_no: enterprise_no.into(),
        platform: "无".into(),
        seller: "SELLER".into(),
        order_no: order_no.into(),
    }
}

pub fn receipt(key: Key, code: &str) -> Receipt {
    Receipt {
        key,
        code: code.into(),
        at: Some(START),
        info: String::new(),
        port_no: None,
        inventory_no: None,
        summary_no: None,
        bill_no: None,
    }
}
