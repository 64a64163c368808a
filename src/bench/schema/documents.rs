//! Many different inventories, the same ones in every run, through our own composer: messages of about 4 KB.

use std::sync::Arc;

use rust_decimal::Decimal;
use time::macros::date;
use uuid::Uuid;

use crate::{
    clock::{Clockwork, ManualClock, SeededEntropy, Timestamp},
    declaration::{
        Action, Declaration, DocumentGuid, DocumentId, EnterpriseNo, Inventory, InventoryLine, InvoiceStatus, Kind, MessageId, Order,
        OrderLine, OrderType, Statistics,
    },
    dossier::{Content, Document},
    message::{self, Outgoing},
    party::{Party, Sender, Tenant},
    state::State,
};

/// Goods: name, specification, HS code, unit.
const GOODS: [(&str, &str, &str, &str); 8] = [
    ("女式手提包", "女式|塑料片作面|无品牌|28×20×10厘米", "4202220000", "011"),
    ("瓷杯", "瓷制|日用|无品牌|350毫升", "6911101100", "011"),
    ("LED台灯", "家用|5V 1A|触摸调光|品牌:LUMEN<R&D>", "9405210090", "015"),
    ("男式针织T恤衫", "针织|棉95%氨纶5%|无品牌|L码", "6109100010", "011"),
    ("蓝牙耳机", "入耳式|蓝牙5.3|品牌:SONORA", "8518300000", "012"),
    ("塑料玩具积木", "ABS塑料|500片|品牌:BLOCKY", "9503006000", "142"),
    ("不锈钢保温杯", "304不锈钢|500毫升|无品牌", "9617001900", "011"),
    ("手机保护壳", "TPU|适用型号:X15 Pro|无品牌", "3926909090", "011"),
];
const PLATFORMS: [&str; 4] = ["Example Marketplace", "广州样例电子商务平台有限公司", "Shop & Ship", "Торговая площадка"];
/// Declaring office and site.
const OFFICES: [(&str, &str); 4] = [("5141", "514101"), ("5149", "514902"), ("5216", "521601"), ("5208", "520803")];

/// Dice that fall the same way in every run.
struct Dice(Clockwork);

impl Dice {
    fn below(&self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    fn one_of<'a, T>(&self, of: &'a [T]) -> Option<&'a T> {
        of.get(usize::try_from(self.below(of.len() as u64)).unwrap_or(0))
    }

    fn guid(&self) -> Uuid {
        self.0.id()
    }

    /// Of at most 4 digits before the point.
    fn amount(&self, scale: u32) -> Decimal {
        Decimal::new(i64::try_from(1 + self.below(999_999)).unwrap_or(1), scale)
    }
}

/// That many messages of one inventory each, mostly of three lines, some of two or four.
///
/// # Errors
/// When one cannot be composed.
pub fn inventories(count: usize, seed: u64) -> Result<Vec<Vec<u8>>, message::Error> {
    let at = Timestamp::from_beijing(date!(2026 - 11 - 11).midnight());
    let dice = Dice(Clockwork::new(Arc::new(ManualClock::at(at)), Arc::new(SeededEntropy::new(seed))));
    (0..count).map(|number| sample(number, &dice, at).compose()).collect()
}

/// That many inventories with what a message says beside them.
pub fn samples(count: usize, seed: u64) -> Vec<Sample> {
    let at = Timestamp::from_beijing(date!(2026 - 11 - 11).midnight());
    let dice = Dice(Clockwork::new(Arc::new(ManualClock::at(at)), Arc::new(SeededEntropy::new(seed))));
    (0..count).map(|number| sample(number, &dice, at)).collect()
}

/// One message of them all.
///
/// # Errors
/// When it cannot be composed.
pub fn together(samples: &[Sample]) -> Result<Vec<u8>, message::Error> {
    let Some(first) = samples.first() else { return Err(message::Error::from(message::Problem::Count)) };
    let outgoing: Vec<_> = samples.iter().map(Sample::outgoing).collect();
    message::compose(Kind::Inventory, first.guid, &first.sender, &outgoing, first.at)
}

/// An inventory with what a message says beside it.
pub struct Sample {
    document: Document,
    content: Content,
    waybill_no: String,
    sender: Sender,
    /// guid of the message.
    pub guid: MessageId,
    /// When it is sent.
    pub at: Timestamp,
}

impl Sample {
    fn outgoing(&self) -> Outgoing<'_> {
        Outgoing { document: &self.document, content: &self.content, waybill_no: &self.waybill_no }
    }

    /// A message of it alone.
    ///
    /// # Errors
    /// When it cannot be composed.
    pub fn compose(&self) -> Result<Vec<u8>, message::Error> {
        message::compose(Kind::Inventory, self.guid, &self.sender, &[self.outgoing()], self.at)
    }
}

fn sample(number: usize, dice: &Dice, at: Timestamp) -> Sample {
    let lines = u32::try_from(2 + dice.below(4).div_ceil(2)).unwrap_or(3);
    let content = Content::Declaration(Arc::new(declaration(number, lines, dice)));
    let document = document(dice);
    let waybill_no = format!("YT{:013}", dice.below(10_000_000_000_000));
    let sender = Sender {
        name: "s".to_owned(),
        party: party("4401960ABC", "广州样例报关有限公司"),
        dxp_id: "DXPENT0000000001".to_owned(),
        signer: "k".to_owned(),
        road: "r".to_owned(),
        ..Sender::default()
    };
    Sample { document, content, waybill_no, sender, guid: MessageId(dice.guid()), at }
}

fn party(code: &str, name: &str) -> Party {
    Party { code: code.to_owned(), name: name.to_owned() }
}

fn document(dice: &Dice) -> Document {
    let id = dice.guid();
    Document {
        id: DocumentId(id),
        version: 1,
        tenant: Tenant::local(),
        declaration: None,
        kind: Kind::Inventory,
        action: Action::Add,
        guid: DocumentGuid(dice.guid()),
        sender: "s".to_owned(),
        road: "r".to_owned(),
        enterprise_no: Some(EnterpriseNo::from_id(id)),
        port_no: None,
        inventory_no: None,
        state: State::Due,
        last_word: None,
        needed_by: Timestamp::NEVER,
        gate_at: None,
        lot: None,
        packed: 0,
        port_failures: 0,
        resent: None,
        message: None,
        on_hold: false,
    }
}

fn declaration(number: usize, lines: u32, dice: &Dice) -> Declaration {
    let (of_order, of_inventory): (Vec<_>, Vec<_>) = (1..=lines).map(|line| both_lines(line, dice)).unzip();
    let order = Order {
        order_no: format!("GZ20261111{number:08}-{}", dice.below(100_000)),
        order_type: OrderType::Retail,
        platform: party("无", dice.one_of(&PLATFORMS).copied().unwrap_or_default()),
        seller: party("91440101MA5CXXXX1B", "广州样例贸易有限公司"),
        goods_value: of_order.iter().map(|line| line.total).sum(),
        freight: Decimal::ZERO,
        currency: "142".to_owned(),
        note: None,
        lines: of_order,
    };
    Declaration { order, inventory: inventory_of(of_inventory, dice) }
}

fn inventory_of(lines: Vec<InventoryLine>, dice: &Dice) -> Inventory {
    let (office, site) = dice.one_of(&OFFICES).copied().unwrap_or_default();
    let is_by_air = dice.below(2) == 0;
    let flight = format!("CZ{}", 8_000 + dice.below(100));
    Inventory {
        declared_at: office.to_owned(),
        exits_at: office.to_owned(),
        exit_date: date!(2026 - 11 - 12),
        statistics: Statistics::Simplified,
        declarant: party("4401960ABC", "广州样例报关有限公司"),
        owner: party("91440101MA5BYYYY2C", "东莞样例制造有限公司"),
        owner_registered: dice.below(2) == 0,
        area_enterprise: None,
        book_no: None,
        trade_mode: "9610".to_owned(),
        transport: if is_by_air { "5" } else { "4" }.to_owned(),
        vehicle: is_by_air.then(|| flight.clone()),
        voyage: is_by_air.then_some(flight),
        bill_no: Some(format!("784-{:08}", dice.below(100_000_000))),
        bag_no: Some(format!("BAG{:010}", dice.below(10_000_000_000))),
        site: Some(site.to_owned()),
        licence_no: None,
        country: "502".to_owned(),
        destination_port: "3154".to_owned(),
        freight: dice.amount(3),
        freight_currency: "142".to_owned(),
        insured_fee: Decimal::ZERO,
        insured_currency: "142".to_owned(),
        wrap: "2".to_owned(),
        packs: 1,
        gross_weight: dice.amount(4),
        net_weight: dice.amount(5),
        note: None,
        carrier: party("91440101MA59ABCD2G", "广州样例国际物流有限公司"),
        waybill_no: None,
        lines,
    }
}

fn both_lines(number: u32, dice: &Dice) -> (OrderLine, InventoryLine) {
    let (name, specification, hs_code, unit) = dice.one_of(&GOODS).copied().unwrap_or_default();
    let quantity = Decimal::from(1 + dice.below(9));
    let price = dice.amount(2);
    let of_order = OrderLine {
        number,
        item_no: format!("SKU-{:08}", dice.below(100_000_000)),
        item_name: name.to_owned(),
        description: None,
        bar_code: (dice.below(2) == 0).then(|| format!("690{:010}", dice.below(10_000_000_000))),
        unit: unit.to_owned(),
        currency: "142".to_owned(),
        quantity,
        price,
        total: quantity.checked_mul(price).unwrap_or_default(),
        note: None,
    };
    let of_inventory = InventoryLine {
        number,
        hs_code: hs_code.to_owned(),
        customs_name: name.to_owned(),
        specification: specification.to_owned(),
        country: "502".to_owned(),
        legal_quantity: quantity,
        legal_unit: unit.to_owned(),
        record_no: None,
        second: (dice.below(3) == 0).then(|| (dice.amount(4), "035".to_owned())),
        invoice: InvoiceStatus::Unknown,
        note: None,
    };
    (of_order, of_inventory)
}
