//! Reads a message once and holds every element against what the schemas declare. After a defect it goes on from where the content
//! makes sense again, so that one fault is told once.

use std::collections::HashSet;

use super::{
    defect::{Fault, MAX_DEFECTS, unreadable},
    model::{Automaton, Complex, Content, Edge, Kind, Model, Symbol},
    value::Simple,
};
use crate::message::{
    error::Error,
    xml::{
        names,
        tokens::{self, Attribute, Scope, Token, Tokens},
        tree::Space,
    },
};

mod attributes;
mod report;

/// A piece of text.
#[derive(Clone, Copy)]
enum Piece<'a> {
    Text(&'a str),
    Char(char),
}

impl Piece<'_> {
    fn is_space(self) -> bool {
        match self {
            Self::Text(text) => text.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')),
            Self::Char(c) => matches!(c, ' ' | '\t' | '\n' | '\r'),
        }
    }

    fn is_empty(self) -> bool {
        matches!(self, Self::Text(""))
    }
}

/// The text of an element, borrowed as long as it is one piece.
#[derive(Default)]
struct Value<'a> {
    whole: Option<&'a str>,
    pieces: String,
    /// Whether the message has line ends that must be changed.
    returns: bool,
}

impl<'a> Value<'a> {
    fn clear(&mut self) {
        self.whole = None;
        self.pieces.clear();
    }

    fn push(&mut self, piece: Piece<'a>) {
        match piece {
            Piece::Text(text) if self.whole.is_none() && self.pieces.is_empty() && !(self.returns && text.contains('\r')) => {
                self.whole = Some(text)
            }
            Piece::Text(text) => {
                self.spill();
                tokens::lines(text, |line| self.pieces.push_str(line));
            }
            Piece::Char(c) => {
                self.spill();
                self.pieces.push(c);
            }
        }
    }

    fn spill(&mut self) {
        if let Some(text) = self.whole.take() {
            self.pieces.push_str(text);
        }
    }

    fn text(&self) -> &str {
        self.whole.unwrap_or(&self.pieces)
    }
}

/// What is checked of an open element's content.
#[derive(Clone, Copy)]
enum Inside<'m> {
    /// Elements in an order.
    Elements { automaton: &'m Automaton, mixed: bool },
    /// Nothing may be there.
    Nothing,
    /// Text.
    Text { simple: &'m Simple, element: usize },
    /// Elements that are declared at the top are checked, others are not.
    Lax,
    /// Nothing is checked: xs:any says so, or the element has no business there.
    Skipped,
}

struct Frame<'m> {
    inside: Inside<'m>,
    /// Where its start tag begins.
    offset: usize,
    state: usize,
    /// What the last child was.
    last: Option<usize>,
    /// Elements of unknown names since then: each may stand in another's place.
    strays: usize,
    /// Whether misplaced text or a misplaced element was told already.
    told: bool,
}

/// Is told what a message holds while it is read.
pub trait Listener {
    /// The outermost element.
    fn root(&mut self, name: &str, attributes: &[Attribute<'_>]);
    /// An element that is declared begins; the number is its place in the model.
    fn open(&mut self, element: usize);
    /// The whole text of an element that is declared to hold text.
    fn text(&mut self, element: usize, text: &str);
}

/// Nobody listens.
impl Listener for () {
    fn root(&mut self, _: &str, _: &[Attribute<'_>]) {}
    fn open(&mut self, _: usize) {}
    fn text(&mut self, _: usize, _: &str) {}
}

/// The reader of one message.
pub struct Walk<'m, 'a, L> {
    model: &'m Model,
    listener: &'m mut L,
    tokens: Tokens<'a>,
    scope: Scope<'a>,
    /// The prefix that was resolved last, as long as no declaration came or went.
    resolved: Option<(&'a str, Space)>,
    buffer: Vec<Attribute<'a>>,
    frames: Vec<Frame<'m>>,
    value: Value<'a>,
    ids: HashSet<String>,
    faults: Vec<Fault>,
    /// Elements that were told missing: the parent's offset, what it is, and the fault's place in `faults`.
    missed: Vec<(usize, usize, usize)>,
    is_root: fn(Space, &str) -> bool,
}

impl<'m, 'a, L: Listener> Walk<'m, 'a, L> {
    /// A reader that takes as the root what `is_root` says.
    pub fn new(model: &'m Model, text: &'a str, is_root: fn(Space, &str) -> bool, listener: &'m mut L) -> Self {
        Self {
            model,
            listener,
            tokens: Tokens::new(text),
            scope: Scope::default(),
            resolved: None,
            buffer: Vec::new(),
            frames: Vec::with_capacity(8),
            value: Value { returns: text.as_bytes().contains(&b'\r'), ..Value::default() },
            ids: HashSet::new(),
            faults: Vec::new(),
            missed: Vec::new(),
            is_root,
        }
    }

    /// Reads to the end, or until enough is wrong.
    pub fn run(mut self) -> Vec<Fault> {
        while self.faults.len() < MAX_DEFECTS {
            let token = match self.tokens.next() {
                Ok(Some(token)) => token,
                Ok(None) => break,
                Err(error) => {
                    self.broken(&error);
                    break;
                }
            };
            match token {
                Token::Open { prefix, local, attributes, .. } => match self.open(prefix, local, attributes) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        let error = self.tokens.error(error);
                        self.broken(&error);
                        break;
                    }
                },
                Token::Close => self.close(),
                Token::Text(text) => self.text(Piece::Text(text)),
                Token::Char(c) => self.text(Piece::Char(c)),
            }
        }
        self.faults
    }

    fn broken(&mut self, error: &Error) {
        let (code, zh, en) = unreadable(error);
        let (element, at) = (self.frames.last().map_or(0, |frame| frame.offset), self.tokens.offset());
        self.faults.push(Fault { code, element, below: String::new(), at, zh, en });
    }

    /// Takes a start tag; false if the rest is not worth reading.
    fn open(&mut self, prefix: &'a str, local: &'a str, attributes: &'a str) -> Result<bool, Error> {
        self.buffer.clear();
        if !attributes.is_empty() {
            tokens::attributes(attributes, &mut self.buffer)?;
            let before = self.scope.bindings.len();
            self.scope.enter(self.frames.len() + 1, &self.buffer)?;
            if self.scope.bindings.len() > before {
                self.resolved = None;
            }
        }
        let space = self.space(prefix)?;
        let offset = self.tokens.offset();
        let kind = match self.frames.last().map(|frame| frame.inside) {
            None if !((self.is_root)(space, local) && self.model.global(space, local).is_some()) => {
                self.unknown_root(local);
                return Ok(false);
            }
            None => {
                self.listener.root(local, &self.buffer);
                self.model.global(space, local)
            }
            Some(Inside::Elements { automaton, .. }) => return self.child(automaton, space, local),
            Some(Inside::Nothing | Inside::Text { .. }) => {
                self.element_in_text(local);
                return self.enter(Inside::Skipped, offset);
            }
            Some(Inside::Lax) => return self.lax(space, local),
            Some(Inside::Skipped) => return self.enter(Inside::Skipped, offset),
        };
        match kind {
            Some(element) => self.enter_declared(element),
            None => Ok(false),
        }
    }

    fn space(&mut self, prefix: &'a str) -> Result<Space, Error> {
        if let Some((known, space)) = self.resolved
            && known == prefix
        {
            return Ok(space);
        }
        let space = Space::of(self.scope.resolve(prefix)?);
        self.resolved = Some((prefix, space));
        Ok(space)
    }

    fn lax(&mut self, space: Space, local: &str) -> Result<bool, Error> {
        match self.model.global(space, local) {
            Some(element) => self.enter_declared(element),
            None => {
                self.free_attributes()?;
                self.enter(Inside::Lax, self.tokens.offset())
            }
        }
    }

    /// Takes a child of an element whose content has an order.
    fn child(&mut self, automaton: &'m Automaton, space: Space, local: &'a str) -> Result<bool, Error> {
        let state = self.frames.last().map_or(0, |frame| frame.state);
        let edge = automaton.edges(state).iter().find(|edge| edge.symbol.is(space, local)).copied();
        if let Some(edge) = edge {
            return self.step(edge, space, local);
        }
        // Something required was left out.
        let named = |symbol: Symbol| matches!(symbol, Symbol::Element { .. });
        if let Some((left_out, edge)) = automaton.ahead(state, |symbol| named(symbol) && symbol.is(space, local)) {
            self.missing(&left_out);
            return self.step(edge, space, local);
        }
        // A known name that may not come any more: told as out of order if it was missed before.
        if let Some(element) = automaton.member(space, local) {
            self.misplaced(element);
            return self.enter_declared(element);
        }
        // The right name in the wrong namespace.
        let alike = |symbol: Symbol| matches!(symbol, Symbol::Element { name, .. } if name == local);
        if let Some((left_out, edge)) = automaton.ahead(state, alike) {
            self.wrong_namespace(local);
            self.missing(&left_out);
            return self.step(edge, space, local);
        }
        self.unknown_child(automaton, state, local);
        self.enter(Inside::Skipped, self.tokens.offset())
    }

    fn step(&mut self, edge: Edge, space: Space, local: &str) -> Result<bool, Error> {
        let Some(frame) = self.frames.last_mut() else { return Ok(false) };
        (frame.state, frame.strays) = (edge.target, 0);
        match edge.symbol {
            Symbol::Element { element, .. } => {
                frame.last = Some(element);
                self.enter_declared(element)
            }
            Symbol::Any { skip: true, .. } => self.enter(Inside::Skipped, self.tokens.offset()),
            Symbol::Any { skip: false, .. } => self.lax(space, local),
        }
    }

    fn enter(&mut self, inside: Inside<'m>, offset: usize) -> Result<bool, Error> {
        if matches!(inside, Inside::Skipped) {
            // A prefix must be declared even where nothing else is checked.
            for attribute in self.buffer.iter().filter(|attribute| tokens::declared_prefix(attribute.name).is_none()) {
                self.scope.resolve(names::split(attribute.name).0)?;
            }
        }
        self.frames.push(Frame { inside, offset, state: 0, last: None, strays: 0, told: false });
        Ok(true)
    }

    fn enter_declared(&mut self, id: usize) -> Result<bool, Error> {
        let model = self.model;
        let Some(element) = model.elements.get(id) else { return Ok(false) };
        let simple = |of: usize| model.simples.get(of).map(|simple| Inside::Text { simple, element: id });
        self.listener.open(id);
        let inside = match element.kind {
            Kind::Any => {
                self.free_attributes()?;
                Some(Inside::Lax)
            }
            Kind::Simple(id) => {
                self.attributes(&[])?;
                simple(id)
            }
            Kind::Complex(id) => match model.complexes.get(id) {
                None => None,
                Some(Complex { attributes, content }) => {
                    self.attributes(attributes)?;
                    match content {
                        Content::Empty => Some(Inside::Nothing),
                        Content::Text(id) => simple(*id),
                        Content::Elements { automaton, mixed } => Some(Inside::Elements { automaton, mixed: *mixed }),
                    }
                }
            },
        };
        if matches!(inside, Some(Inside::Text { .. })) {
            self.value.clear();
        }
        self.enter(inside.unwrap_or(Inside::Skipped), self.tokens.offset())
    }

    fn text(&mut self, piece: Piece<'a>) {
        let Some(frame) = self.frames.last_mut() else { return };
        let misplaced = match frame.inside {
            Inside::Text { .. } => {
                self.value.push(piece);
                false
            }
            Inside::Elements { mixed, .. } => !mixed && !piece.is_space(),
            Inside::Nothing => !piece.is_empty(),
            Inside::Lax | Inside::Skipped => false,
        };
        if misplaced && !std::mem::replace(&mut frame.told, true) {
            self.misplaced_text();
        }
    }

    fn close(&mut self) {
        let before = self.scope.bindings.len();
        self.scope.leave(self.frames.len());
        if self.scope.bindings.len() < before {
            self.resolved = None;
        }
        let Some(frame) = self.frames.last() else { return };
        match frame.inside {
            Inside::Elements { automaton, .. } => {
                let state = frame.state;
                if !automaton.states.get(state).is_some_and(|state| state.accepting) {
                    self.missing(&automaton.needed(state));
                }
            }
            Inside::Text { simple, element } if !frame.told => self.close_text(simple, element, frame.offset),
            _ => {}
        }
        self.frames.pop();
    }
}
