//! The schema layer: messages against the schemas of `schemas/`, as the official XSD would judge them, every defect at once.
//!
//! The schemas are compiled at first use into automata and facets; a construct that the compiler does not know is refused, never
//! passed over. A message is then read once, piece by piece, without keeping it.
//!
//! Beyond the schema this layer refuses only what the reader refuses for safety: DOCTYPE, entities and processing instructions, other
//! encodings than UTF-8, more depth, size or elements than a message can have; a root that is no message; and `xsi:type`.

use std::{fmt, sync::LazyLock};

use super::{
    Message,
    error::Problem,
    xml::{tokens, tree::Space},
};

mod compile;
mod content;
pub(super) mod defect;
mod lexical;
mod model;
mod source;
mod value;
mod walk;

pub use defect::{Defect, MAX_DEFECTS};
use model::Model;
pub(super) use walk::Listener;

static FILES: [(&str, &str); 27] = [
    ("shared.xsd", include_str!("../../schemas/shared.xsd")),
    ("xmldsig.xsd", include_str!("../../schemas/xmldsig.xsd")),
    ("DXP.xsd", include_str!("../../schemas/DXP.xsd")),
    ("CEB303.xsd", include_str!("../../schemas/CEB303.xsd")),
    ("CEB304.xsd", include_str!("../../schemas/CEB304.xsd")),
    ("CEB403.xsd", include_str!("../../schemas/CEB403.xsd")),
    ("CEB404.xsd", include_str!("../../schemas/CEB404.xsd")),
    ("CEB505.xsd", include_str!("../../schemas/CEB505.xsd")),
    ("CEB506.xsd", include_str!("../../schemas/CEB506.xsd")),
    ("CEB507.xsd", include_str!("../../schemas/CEB507.xsd")),
    ("CEB508.xsd", include_str!("../../schemas/CEB508.xsd")),
    ("CEB509.xsd", include_str!("../../schemas/CEB509.xsd")),
    ("CEB510.xsd", include_str!("../../schemas/CEB510.xsd")),
    ("CEB603.xsd", include_str!("../../schemas/CEB603.xsd")),
    ("CEB604.xsd", include_str!("../../schemas/CEB604.xsd")),
    ("CEB605.xsd", include_str!("../../schemas/CEB605.xsd")),
    ("CEB606.xsd", include_str!("../../schemas/CEB606.xsd")),
    ("CEB607.xsd", include_str!("../../schemas/CEB607.xsd")),
    ("CEB608.xsd", include_str!("../../schemas/CEB608.xsd")),
    ("CEB701.xsd", include_str!("../../schemas/CEB701.xsd")),
    ("CEB702.xsd", include_str!("../../schemas/CEB702.xsd")),
    ("CEB792.xsd", include_str!("../../schemas/CEB792.xsd")),
    ("CEB213.xsd", include_str!("../../schemas/CEB213.xsd")),
    ("CEB214.xsd", include_str!("../../schemas/CEB214.xsd")),
    ("CEB215.xsd", include_str!("../../schemas/CEB215.xsd")),
    ("CEB216.xsd", include_str!("../../schemas/CEB216.xsd")),
    ("CEB900.xsd", include_str!("../../schemas/CEB900.xsd")),
];

/// A schema that is not loaded, because something in it is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    file: &'static str,
    line: usize,
    what: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "schema {}:{}: not known here: {}", self.file, self.line, self.what)
    }
}

static MODEL: LazyLock<Result<Model, Refusal>> = LazyLock::new(|| compile::compile(&FILES));

/// Compiles the schemas, unless that is done already.
///
/// # Errors
/// When a schema holds what the compiler does not know.
pub fn load() -> Result<(), Refusal> {
    MODEL.as_ref().map(|_| ()).map_err(Clone::clone)
}

/// The schema files by name: what messages are held against, and what other tools may hold them against.
#[must_use]
pub const fn files() -> &'static [(&'static str, &'static str)] {
    &FILES
}

/// Every defect of a message by its schema, at most [`MAX_DEFECTS`], in the order in which they stand; none if it is valid.
#[must_use]
pub fn validate(xml: &[u8]) -> Vec<Defect> {
    validate_heard(xml, &mut ())
}

/// As [`validate`], while somebody listens.
pub(super) fn validate_heard(xml: &[u8], listener: &mut impl Listener) -> Vec<Defect> {
    if xml.first() == Some(&0) {
        // Taken from the road (see the reader), but no XML.
        return vec![defect::whole(&Problem::Character.into())];
    }
    let model = match &*MODEL {
        Ok(model) => model,
        Err(refusal) => return vec![not_loaded(refusal)],
    };
    match tokens::decode(xml) {
        Ok(text) => defect::locate(text, walk::Walk::new(model, text, is_root, listener).run(), repeats),
        Err(error) => vec![defect::whole(&error)],
    }
}

fn not_loaded(refusal: &Refusal) -> Defect {
    Defect {
        line: 1,
        column: 1,
        path: "/".to_owned(),
        code: "S-SCHEMA",
        zh: format!("报文模式未能加载：{refusal}"),
        en: refusal.to_string(),
    }
}

fn is_root(space: Space, name: &str) -> bool {
    match Message::from_wire_type(name) {
        Some(Message::Request(_) | Message::Receipts(_) | Message::SummaryResults | Message::Format) => space == Space::Ceb,
        Some(Message::Envelope | Message::RoutedEnvelope | Message::TransportReport) => space == Space::Dxp,
        None => false,
    }
}

/// Every element that is declared, with the numbers and names of those that may stand in it.
pub(super) fn contents() -> Vec<(&'static str, Vec<(usize, &'static str)>)> {
    let Ok(model) = &*MODEL else { return Vec::new() };
    let named = |id: usize| model.elements.get(id).map(|element| (id, element.name));
    let of = |element: &model::Element| (element.name, model.children(element).into_iter().filter_map(named).collect());
    model.elements.iter().map(of).collect()
}

/// Whether an element of that name may be there more than once.
pub(super) fn repeats(name: &str) -> bool {
    MODEL.as_ref().is_ok_and(|model| model.elements.iter().any(|element| element.repeats && element.name == name))
}

#[cfg(test)]
mod tests;
