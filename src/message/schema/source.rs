//! A schema file as a tree of its constructs, annotations left out. What names no construct of XML Schema is refused.

use std::borrow::Cow;

use super::Refusal;
use crate::message::{
    error::Error,
    xml::{
        names,
        tokens::{self, Attribute, Scope, Token, Tokens},
    },
};

const XS: &str = "http://www.w3.org/2001/XMLSchema";

/// A construct: `xs:element` and what stands in it.
pub struct Node {
    /// Its local name.
    pub name: &'static str,
    /// The line on which it stands.
    pub line: usize,
    attributes: Vec<(&'static str, Cow<'static, str>)>,
    /// What stands in it.
    pub children: Vec<Node>,
}

impl Node {
    /// An attribute's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_ref())
    }

    /// An attribute's value, kept for ever; schema files escape nothing in names.
    pub fn lasting(&self, name: &str) -> Option<&'static str> {
        self.attributes.iter().find(|(known, _)| *known == name).and_then(|(_, value)| match value {
            Cow::Borrowed(value) => Some(*value),
            Cow::Owned(_) => None,
        })
    }

    /// The names of its attributes, namespace declarations left out.
    pub fn attributes(&self) -> impl Iterator<Item = &'static str> {
        self.attributes.iter().map(|(name, _)| *name).filter(|name| tokens::declared_prefix(name).is_none())
    }
}

/// A schema file.
pub struct File {
    /// Its name, without a folder.
    pub name: &'static str,
    /// `xs:schema`.
    pub root: Node,
}

impl File {
    /// Reads a file.
    pub fn read(name: &'static str, text: &'static str) -> Result<Self, Refusal> {
        let mut reading = Reading { file: name, text, open: Vec::new(), scope: Scope::default(), buffer: Vec::new(), counted: (0, 1) };
        let mut tokens = Tokens::new(text);
        let mut root = None;
        while let Some(token) = tokens.next().map_err(|error| reading.unreadable(&error))? {
            match token {
                Token::Open { name, attributes, .. } => reading.open(name, attributes, tokens.offset())?,
                Token::Close => root = reading.close().or(root),
                Token::Text(_) | Token::Char(_) => {}
            }
        }
        match root {
            Some(root) if root.name == "schema" => Ok(Self { name, root }),
            _ => Err(Refusal { file: name, line: 1, what: "a root other than xs:schema".to_owned() }),
        }
    }

    /// Refuses a construct of this file.
    pub fn refuse(&self, node: &Node, what: impl Into<String>) -> Refusal {
        Refusal { file: self.name, line: node.line, what: what.into() }
    }

    /// The namespace of a name that an attribute holds, and its local part.
    pub fn resolve(&self, node: &Node, name: &'static str) -> Result<(&str, &'static str), Refusal> {
        let (prefix, local) = names::split(name);
        let declared = self.root.attributes.iter().find(|(known, _)| tokens::declared_prefix(known) == Some(prefix));
        declared.map(|(_, uri)| (uri.as_ref(), local)).ok_or_else(|| self.refuse(node, format!("the prefix of {name}")))
    }

    /// Whether that is the namespace of XML Schema itself.
    pub fn is_builtin(space: &str) -> bool {
        space == XS
    }
}

struct Reading {
    file: &'static str,
    text: &'static str,
    open: Vec<Node>,
    scope: Scope<'static>,
    buffer: Vec<Attribute<'static>>,
    /// How far lines are counted, and which one that is.
    counted: (usize, usize),
}

impl Reading {
    fn unreadable(&self, error: &Error) -> Refusal {
        Refusal { file: self.file, line: error.place().map_or(1, |place| place.line), what: error.to_string() }
    }

    fn open(&mut self, name: &'static str, attributes: &'static str, offset: usize) -> Result<(), Refusal> {
        let text = self.text;
        let mut buffer = std::mem::take(&mut self.buffer);
        let depth = self.open.len() + 1;
        let entered = tokens::attributes(attributes, &mut buffer).and_then(|()| self.scope.enter(depth, &buffer));
        entered.map_err(|error| self.unreadable(&error.at(text, offset)))?;
        let since = text.get(self.counted.0..offset).unwrap_or_default();
        self.counted = (offset, self.counted.1 + since.matches('\n').count());
        let line = self.counted.1;
        let (prefix, local) = names::split(name);
        if self.scope.resolve(prefix).ok() != Some(XS) && !self.in_annotation() {
            return Err(Refusal { file: self.file, line, what: format!("the element {name}") });
        }
        let attributes = buffer.drain(..).map(|attribute| (attribute.name, attribute.value)).collect();
        self.buffer = buffer;
        self.open.push(Node { name: local, line, attributes, children: Vec::new() });
        Ok(())
    }

    fn in_annotation(&self) -> bool {
        self.open.iter().any(|node| node.name == "annotation")
    }

    /// Closes the innermost construct; gives it if it was the outermost.
    fn close(&mut self) -> Option<Node> {
        self.scope.leave(self.open.len());
        let node = self.open.pop()?;
        match self.open.last_mut() {
            None => Some(node),
            Some(parent) => {
                if node.name != "annotation" {
                    parent.children.push(node);
                }
                None
            }
        }
    }
}
