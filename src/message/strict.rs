//! The strict layer: where the specification's text says more than its schema. Each rule is a row with its source; what the text
//! leaves open (receipt codes, which end with 等) is left open here.

use super::{
    Message,
    error::{Error, Problem},
    family::{self, Numbers},
    pack::Pack,
    schema::{
        self, Model,
        defect::{self, Defect, Fault, MAX_DEFECTS},
    },
    xml::{
        tokens,
        tree::{Document, Element, Space},
    },
};

mod changes;
mod quick;
mod rules;

pub(super) use changes::RuleChanges;
pub(super) use quick::Held;
use quick::Quick;
use rules::{Form, Side};
pub use rules::{RULES, Rule};

/// The deepest element that the rules look at; what stands in an ExtendMessage is nobody's business.
const MAX_LEVEL: usize = 4;

/// The document that may leave out its lines where it names a span of time.
const NOTHING_SUMMED_IN: &str = "SummaryApply";

/// Every defect of a message by schema and text of its date, at most [`MAX_DEFECTS`], in the order in which they stand; none if it
/// may be sent. An element that the schema refuses is not held against the text as well.
#[must_use]
pub fn examine(xml: &[u8]) -> Vec<Defect> {
    examine_in(Pack::of(xml), xml)
}

/// As [`examine`], by schema and text of a pack; nothing may be sent by none.
#[must_use]
pub fn examine_in(pack: Option<&'static Pack>, xml: &[u8]) -> Vec<Defect> {
    let (pack, model) = match (pack, schema::model(pack)) {
        (Some(pack), Ok(model)) => (pack, model),
        (_, Err(defect)) => return vec![defect],
        (None, Ok(_)) => return Vec::new(),
    };
    let mut quick = Quick::new(pack, model);
    let mut defects = schema::validate_heard(model, xml, &mut quick);
    if defects.is_empty() && quick.is_clean() {
        return defects;
    }
    let by_text = by_text(pack, model, xml);
    if by_text.iter().any(|defect| defect.code == rules::UTF8) {
        return by_text;
    }
    let known: std::collections::HashSet<_> = defects.iter().map(|defect| defect.path.clone()).collect();
    defects.extend(by_text.into_iter().filter(|defect| !known.contains(&defect.path)));
    defects.sort_by_key(|defect| (defect.line, defect.column));
    defects.truncate(MAX_DEFECTS);
    defects
}

/// What the strict layer alone finds. Of what cannot be read it says only whether that is for its encoding.
#[must_use]
pub fn strict_defects(xml: &[u8]) -> Vec<Defect> {
    let pack = Pack::of(xml);
    match (pack, schema::model(pack)) {
        (Some(pack), Ok(model)) => by_text(pack, model, xml),
        _ => Vec::new(),
    }
}

fn by_text(pack: &'static Pack, model: &Model, xml: &[u8]) -> Vec<Defect> {
    let (document, text) = match Document::read(xml).and_then(|document| Ok((document, tokens::decode(xml)?))) {
        Ok(read) => read,
        Err(error) => return not_utf8(&error).into_iter().collect(),
    };
    let root = document.root();
    let Some(side) = Message::of(root).ok().and_then(Side::of) else { return Vec::new() };
    let mut examination = Examination { pack, side, faults: Vec::new() };
    if let Some(guid) = document.attribute("guid") {
        examination.value((root.name(), "guid"), guid, root.offset(), "/@guid");
    }
    examination.element(root, 1);
    defect::locate(text, examination.faults, |name| model.repeats(name))
}

fn not_utf8(error: &Error) -> Option<Defect> {
    matches!(error.problem(), Problem::NotUtf8 | Problem::OtherEncoding).then(|| Defect { code: rules::UTF8, ..defect::whole(error) })
}

struct Examination {
    pack: &'static Pack,
    side: Side,
    faults: Vec<Fault>,
}

impl Examination {
    fn element(&mut self, parent: Element<'_, '_>, level: usize) {
        let required = if self.side == Side::Request { self.pack.required(parent.name()) } else { &[] };
        let mut number = 0;
        for child in parent.children().filter(|child| child.space() == Space::Ceb && child.name() != "ExtendMessage") {
            if self.faults.len() >= MAX_DEFECTS {
                return;
            }
            let name = child.name();
            if child.children().next().is_some() {
                self.block(child, &mut number);
                if level < MAX_LEVEL {
                    self.element(child, level + 1);
                }
            } else if !child.text().is_empty() {
                self.value((parent.name(), name), child.text(), child.offset(), "");
            } else if required.contains(&name) {
                self.fault(&rules::REQUIRED, child.offset(), "");
            }
        }
    }

    /// What is said of a block as a whole. `number` is that of the line before it.
    fn block(&mut self, block: Element<'_, '_>, number: &mut u32) {
        if block.name() == "InventoryHead" {
            self.special_area(block);
        }
        if block.name() == NOTHING_SUMMED_IN {
            self.nothing_summed(block);
        }
        let list = family::of_block(block.name()).and_then(|family| family.list).filter(|list| list.block == block.name());
        if let Some(list) = list {
            self.line_number(block, list.numbers, number);
        }
        rules::PAIRS.iter().for_each(|pair| self.pair(block, *pair));
        if self.side == Side::Request {
            self.part(block);
            self.by_post(block);
        }
    }

    /// A part that stands behind the last one.
    fn part(&mut self, block: Element<'_, '_>) {
        let number = |name| block.value(name).parse::<u32>().ok();
        let behind = number("msgSeqNo").zip(number("msgCount")).is_some_and(|(part, count)| part > count);
        if let Some(given) = block.child("msgSeqNo").filter(|_| behind) {
            self.fault(&rules::PART_ORDER, given.offset(), "");
        }
    }

    /// What is missing and only goods by post may leave out.
    fn by_post(&mut self, block: Element<'_, '_>) {
        let transport = block.value("trafMode");
        let Some((_, names)) = rules::UNLESS_BY_POST.iter().find(|(name, _)| *name == block.name()) else { return };
        if transport.is_empty() || transport == rules::BY_POST {
            return;
        }
        for name in names.iter().filter(|name| block.value(name).is_empty()) {
            match block.child(name) {
                Some(empty) => self.fault(&rules::POST_ONLY, empty.offset(), ""),
                None => self.fault(&rules::POST_ONLY, block.offset(), &format!("/{name}")),
            }
        }
    }

    fn value(&mut self, (block, name): (&str, &str), value: &str, offset: usize, below: &str) {
        let side = self.side;
        let broken = |rule: &&Rule| rule.is_about(side, block, name) && !rule.form.fits(value);
        for rule in self.pack.rules.iter().filter(broken) {
            self.fault(rule, offset, below);
        }
    }

    fn line_number(&mut self, line: Element<'_, '_>, numbers: Numbers, last: &mut u32) {
        let given = line.child("gnum");
        // What is no number is the schema's to refuse.
        let number = given.and_then(|gnum| gnum.text().parse::<u32>().ok());
        let expected = last.saturating_add(1);
        let rule = match numbers {
            Numbers::FromOne if number.is_some_and(|number| number != expected) => Some(&rules::LINE_NUMBER),
            Numbers::Upwards if number.is_some_and(|number| number < expected) => Some(&rules::RISING),
            Numbers::FromOne | Numbers::Upwards | Numbers::Other | Numbers::None => None,
        };
        if let Some((rule, gnum)) = rule.zip(given) {
            self.fault(rule, gnum.offset(), "");
        }
        *last = if numbers == Numbers::FromOne { expected } else { number.unwrap_or(*last) };
    }

    fn nothing_summed(&mut self, summary: Element<'_, '_>) {
        let Some(family) = family::of_block(summary.name()) else { return };
        let head = family.head.and_then(|name| summary.child(name));
        let listed = family.list.is_some_and(|list| summary.child(list.block).is_some());
        if let Some(head) = head.filter(|head| !listed && head.value("startTime").is_empty()) {
            self.fault(&rules::NOTHING_SUMMED, head.offset(), "");
        }
    }

    fn special_area(&mut self, head: Element<'_, '_>) {
        if self.side == Side::Request && rules::SPECIAL_AREAS.contains(&head.value("tradeMode")) {
            for name in rules::SPECIAL_AREA.fields.iter().filter(|name| head.value(name).is_empty()) {
                self.fault(&rules::SPECIAL_AREA, head.offset(), &format!("/{name}"));
            }
        }
    }

    fn pair(&mut self, block: Element<'_, '_>, (first, second): (&str, &str)) {
        if block.value(first).is_empty() != block.value(second).is_empty() {
            let given = block.child(first).filter(|half| !half.text().is_empty()).or_else(|| block.child(second)).unwrap_or(block);
            self.fault(&rules::PAIR, given.offset(), "");
        }
    }

    fn fault(&mut self, rule: &Rule, offset: usize, below: &str) {
        if !self.pack.rules.iter().any(|held| held.code == rule.code) {
            return;
        }
        let fault =
            Fault { code: rule.code, element: offset, below: below.to_owned(), at: offset, zh: rule.zh.to_owned(), en: rule.en.to_owned() };
        self.faults.push(fault);
    }
}

impl Side {
    /// Whose message that is; the text's rules are not about envelopes.
    const fn of(message: Message) -> Option<Self> {
        match message {
            Message::Request(_) => Some(Self::Request),
            Message::Receipts(_) | Message::SummaryResults | Message::Format => Some(Self::Receipt),
            Message::Envelope | Message::RoutedEnvelope | Message::TransportReport => None,
        }
    }
}

impl Rule {
    fn is_about(&self, side: Side, block: &str, name: &str) -> bool {
        (self.side == side || self.side == Side::Both)
            && !matches!(self.form, Form::Elsewhere)
            && self.fields.contains(&name)
            && (self.blocks.is_empty() || self.blocks.contains(&block))
    }
}

#[cfg(test)]
mod tests;
