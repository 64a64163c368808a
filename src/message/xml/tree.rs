//! A light tree over a message: elements by namespace and local name, their text, the root's attributes.

use std::borrow::Cow;

use super::{
    CEB, DS, DXP, names,
    tokens::{self, Scope, Token, Tokens},
};
use crate::message::error::{Error, Problem};

/// The namespaces that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Space {
    /// None at all; some production receipts have none.
    None,
    /// Business messages.
    Ceb,
    /// Envelopes.
    Dxp,
    /// Signatures.
    Ds,
    /// Any other.
    Other,
}

impl Space {
    /// The namespace of that name.
    pub fn of(uri: &str) -> Self {
        match uri {
            "" => Self::None,
            CEB => Self::Ceb,
            DXP => Self::Dxp,
            DS => Self::Ds,
            _ => Self::Other,
        }
    }
}

struct Node<'a> {
    space: Space,
    name: &'a str,
    text: Cow<'a, str>,
    offset: usize,
    /// One past its last descendant: the tree is kept in document order.
    end: usize,
}

/// A document read whole.
pub struct Document<'a> {
    text: &'a str,
    nodes: Vec<Node<'a>>,
    /// Of the root alone: no message has others that say anything.
    attributes: Vec<(&'a str, Cow<'a, str>)>,
}

impl<'a> Document<'a> {
    /// Reads bytes.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let text = tokens::decode(bytes)?;
        let mut tokens = Tokens::new(text);
        let mut document = Self { text, nodes: Vec::with_capacity(text.len() / 40 + 4), attributes: Vec::new() };
        let (mut open, mut scope, mut buffer) = (Vec::with_capacity(8), Scope::default(), Vec::new());
        while let Some(token) = tokens.next()? {
            match token {
                Token::Open { prefix, local, attributes, .. } => {
                    let node = element((prefix, local), attributes, open.len() + 1, &mut scope, &mut buffer)
                        .map_err(|error| tokens.error(error))?;
                    if document.nodes.is_empty() {
                        document.attributes = buffer.drain(..).map(|attribute| (attribute.name, attribute.value)).collect();
                    }
                    open.push(document.nodes.len());
                    document.nodes.push(Node { offset: tokens.offset(), ..node });
                }
                Token::Close => {
                    scope.leave(open.len());
                    let end = document.nodes.len();
                    if let Some(node) = open.pop().and_then(|index: usize| document.nodes.get_mut(index)) {
                        node.end = end;
                    }
                }
                Token::Text(text) => document.append(open.last(), text),
                Token::Char(c) => document.append_char(open.last(), c),
            }
        }
        Ok(document)
    }

    fn append(&mut self, to: Option<&usize>, text: &'a str) {
        let Some(node) = to.and_then(|&index| self.nodes.get_mut(index)) else { return };
        if node.text.is_empty() {
            // White space between elements is not kept.
            if text.bytes().all(|b| b.is_ascii_whitespace()) {
                return;
            }
            if !text.as_bytes().contains(&b'\r') {
                node.text = Cow::Borrowed(text);
                return;
            }
        }
        let target = node.text.to_mut();
        tokens::lines(text, |piece| target.push_str(piece));
    }

    fn append_char(&mut self, to: Option<&usize>, c: char) {
        if let Some(node) = to.and_then(|&index| self.nodes.get_mut(index)) {
            node.text.to_mut().push(c);
        }
    }

    /// The outermost element.
    pub fn root(&self) -> Element<'_, 'a> {
        Element { document: self, index: 0 }
    }

    /// An attribute of the outermost element.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_ref())
    }
}

fn element<'a>(
    (prefix, local): (&str, &'a str),
    raw: &'a str,
    depth: usize,
    scope: &mut Scope<'a>,
    buffer: &mut Vec<tokens::Attribute<'a>>,
) -> Result<Node<'a>, Error> {
    buffer.clear();
    if !raw.is_empty() {
        tokens::attributes(raw, buffer)?;
        scope.enter(depth, buffer)?;
        for attribute in buffer.iter().filter(|attribute| tokens::declared_prefix(attribute.name).is_none()) {
            scope.resolve(names::split(attribute.name).0)?;
        }
    }
    let space = Space::of(scope.resolve(prefix)?);
    Ok(Node { space, name: local, text: Cow::Borrowed(""), offset: 0, end: 0 })
}

/// An element of a document.
#[derive(Clone, Copy)]
pub struct Element<'d, 'a> {
    document: &'d Document<'a>,
    index: usize,
}

impl<'d, 'a> Element<'d, 'a> {
    fn node(&self) -> Option<&'d Node<'a>> {
        self.document.nodes.get(self.index)
    }

    /// Its local name.
    pub fn name(&self) -> &'a str {
        self.node().map_or("", |node| node.name)
    }

    /// Its namespace.
    pub fn space(&self) -> Space {
        self.node().map_or(Space::Other, |node| node.space)
    }

    /// Its own text, trimmed.
    pub fn text(&self) -> &'d str {
        self.node().map_or("", |node| node.text.trim())
    }

    /// Where it begins, in bytes of the text.
    pub fn offset(&self) -> usize {
        self.node().map_or(0, |node| node.offset)
    }

    /// Says where something is wrong: here.
    pub fn error(&self, problem: Problem) -> Error {
        let offset = self.node().map_or(0, |node| node.offset);
        Error::new(problem, self.name().to_owned()).at(self.document.text, offset)
    }

    /// Says that something is missing below this.
    pub fn missing(&self, name: &'static str) -> Error {
        let offset = self.node().map_or(0, |node| node.offset);
        Error::new(Problem::Missing, name).at(self.document.text, offset)
    }

    /// The elements directly below.
    pub fn children(&self) -> impl Iterator<Item = Self> + use<'d, 'a> {
        let document = self.document;
        let end = self.node().map_or(0, |node| node.end);
        let mut next = self.index + 1;
        std::iter::from_fn(move || {
            let index = next;
            next = document.nodes.get(index).filter(|_| index < end)?.end;
            Some(Self { document, index })
        })
    }

    /// The first element of that name directly below, in this element's namespace or in none.
    pub fn child(&self, name: &str) -> Option<Self> {
        let space = self.space();
        self.children().find(|child| child.name() == name && (child.space() == space || child.space() == Space::None))
    }

    /// Its trimmed text, empty if there is no such element.
    pub fn value(&self, name: &str) -> &'d str {
        self.child(name).map_or("", |child| child.text())
    }

    /// Its trimmed text, which must be there.
    pub fn required(&self, name: &'static str) -> Result<&'d str, Error> {
        Some(self.value(name)).filter(|value| !value.is_empty()).ok_or_else(|| self.missing(name))
    }
}
