//! The schema layer: messages against the schemas of `schemas/`, as the official XSD would judge them, every defect at once.
//!
//! The schemas of a pack are compiled at first use into automata and facets; a construct that the compiler does not know is refused, never
//! passed over. A message is then read once, piece by piece, without keeping it.
//!
//! Beyond the schema this layer refuses only what the reader refuses for safety: DOCTYPE, entities and processing instructions, other
//! encodings than UTF-8, more depth, size or elements than a message can have; a root that is no message; and `xsi:type`.

use std::fmt;

use super::{
    Message,
    error::Problem,
    pack::{self, Pack},
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
pub(super) use model::Model;
pub(super) use walk::Listener;

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

impl Refusal {
    /// Of a manifest in that folder.
    pub(super) const fn of_manifest(folder: &'static str, what: String) -> Self {
        Self { file: folder, line: 1, what }
    }
}

/// Compiles the schemas of every pack, unless that is done already.
///
/// # Errors
/// When a manifest is not taken, or a schema holds what the compiler does not know.
pub fn load() -> Result<(), Refusal> {
    pack::loaded()?.iter().try_for_each(|pack| pack.model().map(|_| ()).map_err(Clone::clone))
}

/// Every defect of a message by the schema of its date, at most [`MAX_DEFECTS`], in the order in which they stand; none if it is
/// valid.
#[must_use]
pub fn validate(xml: &[u8]) -> Vec<Defect> {
    validate_in(Pack::of(xml), xml)
}

/// As [`validate`], by the schema of a pack; nothing is valid by none.
#[must_use]
pub fn validate_in(pack: Option<&'static Pack>, xml: &[u8]) -> Vec<Defect> {
    match model(pack) {
        Ok(model) => validate_heard(model, xml, &mut ()),
        Err(defect) => vec![defect],
    }
}

/// The model of a pack, or what is told of every message while there is none.
pub(super) fn model(pack: Option<&'static Pack>) -> Result<&'static Model, Defect> {
    let Some(pack) = pack else {
        let refusal = pack::loaded().err().unwrap_or_else(|| Refusal::of_manifest("*", "there is no pack".to_owned()));
        return Err(not_loaded(&refusal));
    };
    pack.model().map_err(not_loaded)
}

/// As [`validate_in`], while somebody listens.
pub(super) fn validate_heard(model: &'static Model, xml: &[u8], listener: &mut impl Listener) -> Vec<Defect> {
    if xml.first() == Some(&0) {
        // Taken from the road (see the reader), but no XML.
        return vec![defect::whole(&Problem::Character.into())];
    }
    match tokens::decode(xml) {
        Ok(text) => defect::locate(text, walk::Walk::new(model, text, is_root, listener).run(), |name| model.repeats(name)),
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

#[cfg(test)]
mod tests;
