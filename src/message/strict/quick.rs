//! The rules while the schema layer reads: whether there is anything to tell at all. Most messages are good, and are read once.

use std::sync::LazyLock;

use super::{
    Message, required,
    rules::{RULES, Rule, SPECIAL_AREAS, Side},
    schema,
};
use crate::message::xml::tokens::Attribute;

/// What an element is held against.
#[derive(Default)]
struct Held {
    requests: Vec<&'static Rule>,
    receipts: Vec<&'static Rule>,
    /// Whether a request must say something here.
    required: bool,
    place: Place,
}

/// What an element has to do with the numbers of lines.
#[derive(Default, Clone, Copy)]
enum Place {
    #[default]
    Nothing,
    /// It has lines.
    Document,
    Line,
    LineNumber,
    TradeMode,
    /// It comes with another or not at all.
    Pair,
}

static HELD: LazyLock<Vec<Held>> = LazyLock::new(held);

fn held() -> Vec<Held> {
    let contents = schema::contents();
    let about = |side: Side, name: &str| RULES.iter().filter(|rule| rule.is_about(side, name)).collect();
    let place = |name: &str| match name {
        "Order" | "Inventory" => Place::Document,
        "OrderList" | "InventoryList" => Place::Line,
        "gnum" => Place::LineNumber,
        "tradeMode" => Place::TradeMode,
        "qty2" | "unit2" => Place::Pair,
        _ => Place::Nothing,
    };
    let of = |&(name, _): &(&str, _)| Held {
        requests: about(Side::Request, name),
        receipts: about(Side::Receipt, name),
        required: false,
        place: place(name),
    };
    let mut held: Vec<_> = contents.iter().map(of).collect();
    for (name, children) in &contents {
        let required = required::of(name);
        for &(child, _) in children.iter().filter(|(_, name)| required.contains(name)) {
            if let Some(held) = held.get_mut(child) {
                held.required = true;
            }
        }
    }
    held
}

/// Listens for anything that a rule might refuse. It may say so of what no rule refuses, never the other way about.
#[derive(Default)]
pub struct Quick {
    side: Option<Side>,
    lines: u32,
    /// Whether the half of a pair waits for the other.
    waits: bool,
    is_spoilt: bool,
}

impl Quick {
    /// Whether no rule has anything to tell, if the schema has not.
    pub const fn is_clean(&self) -> bool {
        !self.is_spoilt && !self.waits
    }
}

impl schema::Listener for Quick {
    fn root(&mut self, name: &str, attributes: &[Attribute<'_>]) {
        self.side = Message::from_wire_type(name).and_then(Side::of);
        let Some(side) = self.side else { return };
        for attribute in attributes {
            let spoilt = |rule: &Rule| rule.is_about(side, attribute.name) && !rule.form.fits(&attribute.value);
            self.is_spoilt |= RULES.iter().any(spoilt);
        }
    }

    fn open(&mut self, element: usize) {
        match HELD.get(element).map(|held| held.place) {
            Some(Place::Document) => self.lines = 0,
            Some(Place::Line) => {
                self.lines += 1;
                self.is_spoilt |= self.waits;
            }
            Some(_) | None => {}
        }
    }

    fn text(&mut self, element: usize, text: &str) {
        let (Some(held), Some(side)) = (HELD.get(element), self.side) else { return };
        let text = text.trim();
        if text.is_empty() {
            self.is_spoilt |= held.required && side == Side::Request;
            return;
        }
        let rules = if side == Side::Request { &held.requests } else { &held.receipts };
        self.is_spoilt |= rules.iter().any(|rule| !rule.form.fits(text));
        match held.place {
            Place::LineNumber => self.is_spoilt |= text.parse() != Ok(self.lines),
            Place::TradeMode => self.is_spoilt |= SPECIAL_AREAS.contains(&text),
            Place::Pair => self.waits = !self.waits,
            Place::Nothing | Place::Document | Place::Line => {}
        }
    }
}
