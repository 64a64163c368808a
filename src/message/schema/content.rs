//! Content models: particles to automata (Glushkov's construction). Occurrences are written out, so that a state is a number and
//! nothing is counted while a message is read.

use super::model::{Automaton, Edge, State, Symbol};

/// A particle of a content model.
#[derive(Debug, Clone)]
pub enum Particle {
    One(Symbol),
    Sequence(Vec<Particle>),
    Choice(Vec<Particle>),
    Repeated { least: usize, most: Option<usize>, particle: Box<Particle> },
}

/// The most states of a content model.
const MAX_STATES: usize = 1_000;

/// The automaton of a content model, or why there is none.
pub fn automaton(content: &Particle) -> Result<Automaton, String> {
    let mut builder = Builder { automaton: Automaton { states: vec![State::default()] }, entered_by: vec![None] };
    let whole = builder.build(content)?;
    builder.join(&[0], &whole.first);
    for &state in whole.last.iter().chain(whole.nullable.then_some(&0)) {
        if let Some(state) = builder.automaton.states.get_mut(state) {
            state.accepting = true;
        }
    }
    for state in &builder.automaton.states {
        for (place, edge) in state.edges.iter().enumerate() {
            if state.edges.iter().skip(place + 1).any(|other| other.symbol.overlaps(edge.symbol)) {
                return Err(format!("an ambiguous content model at {:?}", edge.symbol));
            }
        }
    }
    Ok(builder.automaton)
}

struct Builder {
    automaton: Automaton,
    entered_by: Vec<Option<Symbol>>,
}

/// A part of the automaton: where it may begin and end.
struct Part {
    nullable: bool,
    first: Vec<usize>,
    last: Vec<usize>,
}

impl Part {
    const EMPTY: Self = Self { nullable: true, first: Vec::new(), last: Vec::new() };
}

impl Builder {
    fn build(&mut self, particle: &Particle) -> Result<Part, String> {
        match particle {
            Particle::One(symbol) => self.one(*symbol),
            Particle::Sequence(particles) => {
                let mut whole = Part::EMPTY;
                for particle in particles {
                    let part = self.build(particle)?;
                    whole = self.sequence(whole, part);
                }
                Ok(whole)
            }
            Particle::Choice(particles) => {
                let mut whole = Part { nullable: particles.is_empty(), ..Part::EMPTY };
                for particle in particles {
                    let part = self.build(particle)?;
                    whole.nullable |= part.nullable;
                    whole.first.extend(part.first);
                    whole.last.extend(part.last);
                }
                Ok(whole)
            }
            Particle::Repeated { least, most: Some(most), particle } => self.bounded(*least, *most, particle),
            Particle::Repeated { least, most: None, particle } => {
                let mut whole = Part::EMPTY;
                for _ in 1..*least {
                    let part = self.build(particle)?;
                    whole = self.sequence(whole, part);
                }
                let mut last = self.build(particle)?;
                self.join(&last.last, &last.first);
                last.nullable |= *least == 0;
                Ok(self.sequence(whole, last))
            }
        }
    }

    /// a(a(a)?)?: each copy leads to the next one alone.
    fn bounded(&mut self, least: usize, most: usize, particle: &Particle) -> Result<Part, String> {
        let mut whole = Part::EMPTY;
        for copy in (0..most).rev() {
            let part = self.build(particle)?;
            whole = self.sequence(part, whole);
            whole.nullable |= copy >= least;
        }
        Ok(whole)
    }

    fn one(&mut self, symbol: Symbol) -> Result<Part, String> {
        let state = self.automaton.states.len();
        if state >= MAX_STATES {
            return Err(format!("a content model of more than {MAX_STATES} states"));
        }
        self.automaton.states.push(State::default());
        self.entered_by.push(Some(symbol));
        Ok(Part { nullable: false, first: vec![state], last: vec![state] })
    }

    fn sequence(&mut self, before: Part, after: Part) -> Part {
        self.join(&before.last, &after.first);
        let mut first = before.first;
        if before.nullable {
            first.extend(&after.first);
        }
        let mut last = after.last;
        if after.nullable {
            last.extend(before.last);
        }
        Part { nullable: before.nullable && after.nullable, first, last }
    }

    fn join(&mut self, from: &[usize], to: &[usize]) {
        for &state in from {
            let Some(state) = self.automaton.states.get_mut(state) else { continue };
            for &target in to {
                let known = state.edges.iter().any(|edge| edge.target == target);
                if let Some(symbol) = self.entered_by.get(target).copied().flatten().filter(|_| !known) {
                    state.edges.push(Edge { symbol, target });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::xml::tree::Space;

    fn one(name: &'static str) -> Particle {
        Particle::One(Symbol::Element { space: Space::Ceb, name, element: 0 })
    }

    fn repeated(least: usize, most: Option<usize>, particle: Particle) -> Particle {
        Particle::Repeated { least, most, particle: Box::new(particle) }
    }

    fn accepts(automaton: &Automaton, names: &str) -> bool {
        let mut state = 0;
        for name in names.chars() {
            let name = name.to_string();
            let Some(edge) = automaton.edges(state).iter().find(|edge| edge.symbol.is(Space::Ceb, &name)) else { return false };
            state = edge.target;
        }
        automaton.states[state].accepting
    }

    #[test]
    fn sequences_choices_and_counts() {
        let content = Particle::Sequence(vec![
            repeated(1, Some(3), one("a")),
            one("b"),
            repeated(0, Some(1), one("c")),
            repeated(0, None, Particle::Choice(vec![one("d"), Particle::Sequence(vec![one("e"), one("f")])])),
            repeated(2, None, one("g")),
        ]);
        let automaton = automaton(&content).unwrap();
        for good in ["abgg", "aaabcgg", "abdefdggg", "aabcefefgggg"] {
            assert!(accepts(&automaton, good), "{good}");
        }
        for bad in ["", "bgg", "aaaabgg", "abccgg", "abegg", "abg", "abggd", "ab"] {
            assert!(!accepts(&automaton, bad), "{bad}");
        }
    }

    #[test]
    fn ambiguous_and_huge_models_are_refused() {
        let ambiguous = Particle::Sequence(vec![repeated(0, Some(1), one("a")), one("a")]);
        assert!(automaton(&ambiguous).unwrap_err().contains("ambiguous"));
        assert!(automaton(&repeated(1, Some(5_000), one("a"))).is_err());
    }

    #[test]
    fn says_what_is_missing() {
        let names = |symbols: Vec<Symbol>| -> String {
            let name = |symbol| if let Symbol::Element { name, .. } = symbol { name } else { "*" };
            symbols.into_iter().map(name).collect()
        };
        let content = Particle::Sequence(vec![one("a"), repeated(0, Some(1), one("b")), one("c"), repeated(1, None, one("d")), one("e")]);
        let automaton = automaton(&content).unwrap();
        let (left_out, edge) = automaton.ahead(1, |symbol| symbol.is(Space::Ceb, "e")).unwrap();
        assert_eq!(names(left_out), "cd");
        assert!(edge.symbol.is(Space::Ceb, "e"));
        assert_eq!(names(automaton.needed(0)), "acde");
        assert!(automaton.ahead(edge.target, |symbol| symbol.is(Space::Ceb, "a")).is_none());
        assert!(automaton.member(Space::Ceb, "b").is_some() && automaton.member(Space::Dxp, "b").is_none());
    }
}
