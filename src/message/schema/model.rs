//! What schemas compile to.

use super::{Refusal, compile::compile, value::Simple};
use crate::message::xml::tree::Space;

/// All schemas together.
#[derive(Debug, Default)]
pub struct Model {
    pub elements: Vec<Element>,
    pub complexes: Vec<Complex>,
    pub simples: Vec<Simple>,
    /// Elements that may stand at the top, or where a wildcard looks.
    pub globals: Vec<usize>,
}

impl Model {
    /// Compiles files that may include and import each other.
    pub fn compile(files: &[(&'static str, &'static str)]) -> Result<Self, Refusal> {
        compile(files)
    }

    /// Whether a message may have that root.
    pub fn has_root(&self, name: &str) -> bool {
        self.globals.iter().any(|global| self.elements.get(*global).is_some_and(|element| element.name == name))
    }

    /// Every element that is declared, with the numbers and names of those that may stand in it.
    pub fn contents(&self) -> Vec<(&'static str, Vec<(usize, &'static str)>)> {
        let named = |id: usize| self.elements.get(id).map(|element| (id, element.name));
        let of = |element: &Element| (element.name, self.children(element).into_iter().filter_map(named).collect());
        self.elements.iter().map(of).collect()
    }

    /// Whether an element of that name may be there more than once.
    pub fn repeats(&self, name: &str) -> bool {
        self.elements.iter().any(|element| element.repeats && element.name == name)
    }
}

/// An element's declaration.
#[derive(Debug)]
pub struct Element {
    pub space: Space,
    pub name: &'static str,
    pub kind: Kind,
    pub fixed: Option<&'static str>,
    /// An empty element has a value all the same: its default, or what it is fixed to.
    pub filled: bool,
    /// Whether it may be there more than once somewhere.
    pub repeats: bool,
}

/// What an element holds; the numbers are places in the model.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Text alone, and no attributes.
    Simple(usize),
    /// Attributes, and text or elements.
    Complex(usize),
    /// Anything: xs:anyType.
    Any,
}

/// A complex type.
#[derive(Debug)]
pub struct Complex {
    pub attributes: Vec<Attribute>,
    pub content: Content,
}

/// An attribute's declaration; none of the schemas' own has a namespace.
#[derive(Debug)]
pub struct Attribute {
    pub name: &'static str,
    pub required: bool,
    pub fixed: Option<&'static str>,
    pub simple: Simple,
}

/// What stands between an element's tags.
#[derive(Debug)]
pub enum Content {
    /// Nothing at all.
    Empty,
    /// Text.
    Text(usize),
    /// Elements; text between them only where it is mixed.
    Elements { automaton: Automaton, mixed: bool },
}

/// A deterministic automaton over elements. State 0 is the start; every other state is entered by one symbol alone.
#[derive(Debug, Default)]
pub struct Automaton {
    pub states: Vec<State>,
}

/// A state.
#[derive(Debug, Default)]
pub struct State {
    /// Whether the content may end here.
    pub accepting: bool,
    /// What may come next.
    pub edges: Vec<Edge>,
}

/// A step.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    pub symbol: Symbol,
    pub target: usize,
}

/// What a step is taken by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symbol {
    /// A declared element.
    Element { space: Space, name: &'static str, element: usize },
    /// xs:any.
    Any { other_than: Option<Space>, skip: bool },
}

impl Symbol {
    /// Whether an element of that name is meant.
    pub fn is(self, space: Space, name: &str) -> bool {
        match self {
            Self::Element { space: own, name: known, .. } => known == name && own == space,
            // ##other leaves out what has no namespace as well.
            Self::Any { other_than, .. } => other_than.is_none_or(|own| space != own && space != Space::None),
        }
    }

    /// Whether one element could be meant by both.
    pub fn overlaps(self, other: Self) -> bool {
        match (self, other) {
            (Self::Element { space, name, .. }, any) | (any, Self::Element { space, name, .. }) => any.is(space, name),
            (Self::Any { .. }, Self::Any { .. }) => true,
        }
    }
}

impl Automaton {
    /// The steps from a state.
    pub fn edges(&self, state: usize) -> &[Edge] {
        self.states.get(state).map_or(&[], |state| &state.edges)
    }

    /// The shortest way from a state to a step for which `wanted` holds: the steps that are left out, and that one.
    pub fn ahead(&self, from: usize, wanted: impl Fn(Symbol) -> bool) -> Option<(Vec<Symbol>, Edge)> {
        let is_end = |state: usize| self.edges(state).iter().copied().find(|edge| wanted(edge.symbol));
        self.shortest(from, is_end)
    }

    /// What is still needed before the content may end.
    pub fn needed(&self, from: usize) -> Vec<Symbol> {
        let is_end = |state: usize| self.states.get(state).filter(|state| state.accepting).map(|_| ());
        self.shortest(from, is_end).map(|(left_out, ())| left_out).unwrap_or_default()
    }

    fn shortest<E>(&self, from: usize, end: impl Fn(usize) -> Option<E>) -> Option<(Vec<Symbol>, E)> {
        let mut reached: Vec<(usize, Option<(usize, Symbol)>)> = vec![(from, None)];
        let mut seen = vec![false; self.states.len()];
        let mut next = 0;
        while let Some(&(state, _)) = reached.get(next) {
            if let Some(end) = end(state) {
                return Some((way(&reached, next), end));
            }
            for edge in self.edges(state) {
                if let Some(seen) = seen.get_mut(edge.target).filter(|seen| !**seen) {
                    *seen = true;
                    reached.push((edge.target, Some((next, edge.symbol))));
                }
            }
            next += 1;
        }
        None
    }

    /// The element of that name anywhere in the content.
    pub fn member(&self, space: Space, name: &str) -> Option<usize> {
        self.states.iter().flat_map(|state| &state.edges).find_map(|edge| match edge.symbol {
            Symbol::Element { element, .. } if edge.symbol.is(space, name) => Some(element),
            _ => None,
        })
    }
}

fn way(reached: &[(usize, Option<(usize, Symbol)>)], mut at: usize) -> Vec<Symbol> {
    let mut way = Vec::new();
    while let Some(&(_, Some((before, symbol)))) = reached.get(at) {
        way.push(symbol);
        at = before;
    }
    way.reverse();
    way
}

impl Model {
    /// The elements that may stand in an element.
    pub fn children(&self, of: &Element) -> Vec<usize> {
        let Kind::Complex(complex) = of.kind else { return Vec::new() };
        let Some(Content::Elements { automaton, .. }) = self.complexes.get(complex).map(|complex| &complex.content) else {
            return Vec::new();
        };
        let edges = automaton.states.iter().flat_map(|state| &state.edges);
        edges.filter_map(|edge| if let Symbol::Element { element, .. } = edge.symbol { Some(element) } else { None }).collect()
    }

    /// What may stand in the element of that number, in the order in which it must.
    pub fn order(&self, of: usize) -> Vec<(usize, &'static str)> {
        let mut order: Vec<(usize, &'static str)> = Vec::new();
        for child in self.elements.get(of).map(|element| self.children(element)).unwrap_or_default() {
            let known = order.iter().any(|(known, _)| *known == child);
            // Signatures are no content: they are made over it.
            if let Some(element) = self.elements.get(child).filter(|element| !known && element.space != Space::Ds) {
                order.push((child, element.name));
            }
        }
        order
    }

    /// The global element of that name.
    pub fn global(&self, space: Space, name: &str) -> Option<usize> {
        self.globals
            .iter()
            .copied()
            .find(|&global| self.elements.get(global).is_some_and(|element| element.name == name && element.space == space))
    }
}
