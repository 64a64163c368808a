//! What is told of a defect.

use super::{Automaton, Fault, Inside, Listener, MAX_DEFECTS, Simple, Symbol, Walk};
use crate::message::schema::value::Wrong;

/// The most names that a text lists.
const MAX_NAMES: usize = 5;

fn name(symbol: Symbol) -> &'static str {
    match symbol {
        Symbol::Element { name, .. } => name,
        Symbol::Any { .. } => "*",
    }
}

/// A name from a message: long ones are cut.
fn cut(name: &str) -> String {
    name.chars().take(60).collect()
}

impl<L: Listener> Walk<'_, '_, L> {
    fn fault(&mut self, code: &'static str, element: usize, below: String, zh: impl Into<String>, en: impl Into<String>) {
        let at = self.tokens.offset();
        if self.faults.len() < MAX_DEFECTS {
            self.faults.push(Fault { code, element, below, at, zh: zh.into(), en: en.into() });
        }
    }

    /// Something about the element that begins here.
    fn here(&mut self, code: &'static str, below: String, zh: impl Into<String>, en: impl Into<String>) {
        self.fault(code, self.tokens.offset(), below, zh, en);
    }

    fn parent(&self) -> usize {
        self.frames.last().map_or(0, |frame| frame.offset)
    }

    pub(super) fn unknown_root(&mut self, local: &str) {
        let name = cut(local);
        self.here(
            "S-ROOT",
            String::new(),
            format!("根节点 {name} 不是已知报文，或命名空间不符"),
            format!("the root {name} is no known message, or is in another namespace"),
        );
    }

    pub(super) fn missing(&mut self, left_out: &[Symbol]) {
        let (parent, strays) = (self.parent(), self.frames.last().map_or(0, |frame| frame.strays));
        for &symbol in left_out.iter().skip(strays) {
            let name = name(symbol);
            if let Symbol::Element { element, .. } = symbol {
                self.missed.push((parent, element, self.faults.len()));
            }
            self.fault("S-MISSING", parent, format!("/{name}"), format!("缺少节点 {name}"), format!("the element {name} is missing"));
        }
    }

    /// An element that may not come any more. One that was missed stands in the wrong place: that is one fault, not two.
    pub(super) fn misplaced(&mut self, element: usize) {
        let parent = self.parent();
        let name = self.model.elements.get(element).map_or("", |element| element.name);
        let offset = self.tokens.offset();
        let missed = self.missed.iter().find(|&&(at, missed, _)| at == parent && missed == element).map(|&(_, _, fault)| fault);
        let (zh, en) = (format!("节点 {name} 顺序不符"), format!("the element {name} is not in its place in the order"));
        if let Some(fault) = missed.and_then(|fault| self.faults.get_mut(fault)).filter(|fault| fault.code == "S-MISSING") {
            *fault = Fault { code: "S-ORDER", element: offset, below: String::new(), at: offset, zh, en };
        } else if self.frames.last().is_some_and(|frame| frame.last == Some(element)) {
            self.here("S-COUNT", String::new(), format!("节点 {name} 出现次数过多"), format!("the element {name} is there too often"));
        } else {
            self.here("S-ORDER", String::new(), zh, en);
        }
    }

    pub(super) fn wrong_namespace(&mut self, local: &str) {
        let name = cut(local);
        self.here(
            "S-NAMESPACE",
            String::new(),
            format!("节点 {name} 的命名空间不符"),
            format!("the element {name} is in the wrong namespace"),
        );
    }

    pub(super) fn unknown_child(&mut self, automaton: &Automaton, state: usize, local: &str) {
        let mut expected: Vec<_> = automaton.edges(state).iter().map(|edge| name(edge.symbol)).take(MAX_NAMES).collect();
        if automaton.edges(state).len() > MAX_NAMES {
            expected.push("…");
        }
        let ends = automaton.states.get(state).is_some_and(|state| state.accepting);
        let (found, expected) = (cut(local), expected.join("、"));
        let (zh, en) = match (expected.is_empty(), ends) {
            (true, _) => (String::new(), String::new()),
            (false, false) => (format!("，应为 {expected}"), format!("; expected here: {}", expected.replace('、', ", "))),
            (false, true) => (format!("，可为 {expected}"), format!("; allowed here: {}", expected.replace('、', ", "))),
        };
        self.here("S-UNEXPECTED", String::new(), format!("不应有节点 {found}{zh}"), format!("the element {found} has no place here{en}"));
        // It may be a misspelt one that must be there: that one is not told missing as well.
        if let Some(frame) = self.frames.last_mut().filter(|_| !ends) {
            frame.strays += 1;
        }
    }

    /// An element where only text, or nothing at all, may be.
    pub(super) fn element_in_text(&mut self, local: &str) {
        let Some(frame) = self.frames.last_mut() else { return };
        if !std::mem::replace(&mut frame.told, true) {
            let name = cut(local);
            self.here(
                "S-UNEXPECTED",
                String::new(),
                format!("此处不应有节点 {name}"),
                format!("there must be no element here, there is {name}"),
            );
        }
    }

    pub(super) fn misplaced_text(&mut self) {
        let parent = self.parent();
        let is_empty = self.frames.last().is_some_and(|frame| matches!(frame.inside, Inside::Nothing));
        let (zh, en) = if is_empty {
            ("节点应为空", "must be empty")
        } else {
            ("节点之间不应有文字", "there must be no text between elements")
        };
        self.fault("S-TEXT", parent, String::new(), zh, en);
    }

    pub(super) fn close_text(&mut self, simple: &Simple, id: usize, offset: usize) {
        let text = self.value.text();
        self.listener.text(id, text);
        let Some(element) = self.model.elements.get(id) else { return };
        if text.is_empty() && element.filled {
            return;
        }
        let wrong = match (simple.check(text), element.fixed) {
            (Err(wrong), _) => wrong,
            (Ok(()), Some(fixed)) if !simple.is_fixed(text, fixed) => fixed_at(fixed),
            (Ok(()), _) => return,
        };
        if self.faults.len() < MAX_DEFECTS {
            self.faults.push(Fault { code: wrong.code, element: offset, below: String::new(), at: offset, zh: wrong.zh, en: wrong.en });
        }
    }

    pub(super) fn unknown_attribute(&mut self, name: &str) {
        let name = cut(name);
        self.here("S-ATTRIBUTE", format!("/@{name}"), format!("不应有属性 {name}"), format!("the attribute {name} has no place here"));
    }

    pub(super) fn missing_attribute(&mut self, name: &str) {
        self.here("S-ATTRIBUTE-MISSING", format!("/@{name}"), format!("缺少属性 {name}"), format!("the attribute {name} is missing"));
    }

    pub(super) fn instance(&mut self, name: &str) {
        let name = cut(name);
        self.here("S-INSTANCE", format!("/@{name}"), format!("不接受属性 {name}"), format!("the attribute {name} is not accepted"));
    }

    pub(super) fn wrong_attribute(&mut self, name: &str, wrong: Wrong) {
        self.here(wrong.code, format!("/@{name}"), wrong.zh, wrong.en);
    }

    pub(super) fn not_fixed_attribute(&mut self, name: &str, fixed: &str) {
        self.wrong_attribute(name, fixed_at(fixed));
    }

    pub(super) fn id_twice(&mut self, name: &str) {
        self.here("S-ID", format!("/@{name}"), "标识重复", "another element has this identity");
    }
}

fn fixed_at(fixed: &str) -> Wrong {
    Wrong { code: "S-FIXED", zh: format!("应为固定值 {fixed}"), en: format!("must be {fixed}") }
}
