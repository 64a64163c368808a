//! The rules while the schema layer reads: whether there is anything to tell at all. Most messages are good, and are read once.

use super::{
    Message, NOTHING_SUMMED_IN,
    rules::{self, Rule, SPECIAL_AREAS, Side},
    schema,
};
use crate::message::{
    family::{self, Numbers},
    pack::Pack,
    schema::Model,
    xml::tokens::Attribute,
};

/// What an element is held against.
#[derive(Default)]
pub struct Held {
    requests: Vec<&'static Rule>,
    receipts: Vec<&'static Rule>,
    /// Whether a request must say something here.
    required: bool,
    place: Place,
}

/// What an element has to do with what is said of more than one.
#[derive(Default, Clone, Copy)]
enum Place {
    #[default]
    Nothing,
    /// It has lines.
    Document,
    /// It must name what is summed.
    Summary,
    Line,
    /// A line that names what is summed.
    Summed,
    /// The number of a line that is counted from 1.
    Counted,
    /// The number of a line that is counted upwards.
    Rising,
    TradeMode,
    /// How many parts there are.
    PartCount,
    /// Which part it is.
    PartNumber,
    /// The mode of transport: all but the post say so many other things behind it.
    Transport(u8),
    /// What only the post may leave out.
    UnlessByPost,
    /// It comes with another or not at all.
    Pair,
    /// The same, and it says what is summed.
    Span,
}

impl Place {
    fn of(block: &str, name: &str) -> Self {
        let numbers = |block: &str| family::of_block(block).and_then(|family| family.list).filter(|list| list.block == block);
        match name {
            NOTHING_SUMMED_IN => Self::Summary,
            "gnum" => match numbers(block).map(|list| list.numbers) {
                Some(Numbers::FromOne) => Self::Counted,
                Some(Numbers::Upwards) => Self::Rising,
                Some(Numbers::Other | Numbers::None) | None => Self::Nothing,
            },
            "tradeMode" => Self::TradeMode,
            "startTime" => Self::Span,
            "msgCount" => Self::PartCount,
            "msgSeqNo" => Self::PartNumber,
            _ if rules::UNLESS_BY_POST.iter().any(|(of, _)| *of == block) => Self::of_movement(block, name),
            _ if rules::PAIRS.iter().any(|(first, second)| *first == name || *second == name) => Self::Pair,
            _ if numbers(name).is_some_and(|list| list.numbers == Numbers::None) => Self::Summed,
            _ if numbers(name).is_some() => Self::Line,
            _ if family::of_block(name).is_some_and(|family| family.document == name) => Self::Document,
            _ => Self::Nothing,
        }
    }
}

impl Place {
    /// Of an element of a head that tells how goods move.
    fn of_movement(block: &str, name: &str) -> Self {
        let names = rules::UNLESS_BY_POST.iter().find(|(of, _)| *of == block).map_or(&[][..], |(_, names)| names);
        match name {
            "trafMode" => Self::Transport(u8::try_from(names.len()).unwrap_or(u8::MAX)),
            _ if names.contains(&name) => Self::UnlessByPost,
            _ => Self::Nothing,
        }
    }
}

/// What the elements of a model are held against, by their numbers.
fn held(pack: &'static Pack, model: &Model) -> Vec<Held> {
    let contents = model.contents();
    let mut held: Vec<_> = contents.iter().map(|(name, _)| of(pack, ("", name))).collect();
    // Of the same name in another block something else may be said: each is declared by itself.
    for (block, children) in &contents {
        for &(child, name) in children {
            if let Some(held) = held.get_mut(child) {
                *held = of(pack, (block, name));
            }
        }
    }
    held
}

fn of(pack: &'static Pack, (block, name): (&str, &str)) -> Held {
    let about = |side: Side| pack.rules.iter().filter(|rule| rule.is_about(side, block, name)).collect();
    Held {
        requests: about(Side::Request),
        receipts: about(Side::Receipt),
        required: pack.required(block).contains(&name),
        place: Place::of(block, name),
    }
}

/// Listens for anything that a rule might refuse. It may say so of what no rule refuses, never the other way about.
pub struct Quick {
    pack: &'static Pack,
    held: &'static [Held],
    side: Option<Side>,
    /// The number of the last line.
    line: u32,
    /// Whether the half of a pair waits for the other.
    waits: bool,
    /// Whether a summary waits for what it sums.
    is_empty: bool,
    /// How many parts there are.
    parts: u32,
    /// How many elements are waited for that only the post may leave out.
    owed: u8,
    is_spoilt: bool,
}

impl Quick {
    /// Listens for the rules of a pack.
    pub fn new(pack: &'static Pack, model: &Model) -> Self {
        let held = pack.held.get_or_init(|| held(pack, model));
        Self { pack, held, side: None, line: 0, waits: false, is_empty: false, parts: u32::MAX, owed: 0, is_spoilt: false }
    }

    /// Whether no rule has anything to tell, if the schema has not.
    pub const fn is_clean(&self) -> bool {
        !self.is_spoilt && !self.waits && !self.is_empty && self.owed == 0
    }
}

impl schema::Listener for Quick {
    fn root(&mut self, name: &str, attributes: &[Attribute<'_>]) {
        self.side = Message::from_wire_type(name).and_then(Side::of);
        let Some(side) = self.side else { return };
        for attribute in attributes {
            let spoilt = |rule: &Rule| rule.is_about(side, name, attribute.name) && !rule.form.fits(&attribute.value);
            self.is_spoilt |= self.pack.rules.iter().any(spoilt);
        }
    }

    fn open(&mut self, element: usize) {
        let Some(place) = self.held.get(element).map(|held| held.place) else { return };
        if matches!(place, Place::Document | Place::Summary) {
            self.is_spoilt |= self.waits || self.is_empty || self.owed > 0;
            (self.line, self.parts) = (0, u32::MAX);
        }
        match place {
            Place::Summary => self.is_empty = true,
            Place::Summed => self.is_empty = false,
            Place::Line => self.is_spoilt |= self.waits,
            _ => {}
        }
    }

    fn text(&mut self, element: usize, text: &str) {
        let (Some(held), Some(side)) = (self.held.get(element), self.side) else { return };
        let text = text.trim();
        if text.is_empty() {
            self.is_spoilt |= held.required && side == Side::Request;
            return;
        }
        let rules = if side == Side::Request { &held.requests } else { &held.receipts };
        self.is_spoilt |= rules.iter().any(|rule| !rule.form.fits(text));
        match held.place {
            Place::Counted | Place::Rising => self.number(text, matches!(held.place, Place::Rising)),
            Place::TradeMode => self.is_spoilt |= SPECIAL_AREAS.contains(&text),
            Place::PartCount => self.parts = text.parse().unwrap_or(0),
            Place::PartNumber => self.is_spoilt |= side == Side::Request && text.parse().map_or(true, |part: u32| part > self.parts),
            Place::Transport(owed) if text != rules::BY_POST => self.owed = owed,
            Place::UnlessByPost => self.owed = self.owed.saturating_sub(1),
            Place::Pair => self.waits = !self.waits,
            Place::Span => (self.waits, self.is_empty) = (!self.waits, false),
            Place::Transport(_) | Place::Nothing | Place::Document | Place::Summary | Place::Line | Place::Summed => {}
        }
    }
}

impl Quick {
    fn number(&mut self, text: &str, rising: bool) {
        let expected = self.line.saturating_add(1);
        let number = text.parse().unwrap_or(0);
        self.is_spoilt |= if rising { number < expected } else { number != expected };
        self.line = number;
    }
}
