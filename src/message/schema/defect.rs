//! Defects: what is wrong with a message, where, in both languages. Paths are made only when there is something to tell, in a
//! second reading, so that reading a good message keeps no account of them.

use std::collections::HashMap;

use crate::message::{
    error::{Error, Problem},
    xml::tokens::{Token, Tokens},
};

/// The most defects that are told of one message.
pub const MAX_DEFECTS: usize = 200;

/// Something in a message that should not be as it is. Its texts name elements and lengths, never values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// Local names from the root, with the place among those of the same name: `/CEB303Message/Order[2]/OrderHead/orderNo`.
    pub path: String,
    /// The rule: `S-…` of the schema, `X-…` of the specification's text.
    pub code: &'static str,
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// A defect whose place is known by bytes alone.
#[derive(Debug)]
pub struct Fault {
    pub code: &'static str,
    /// Where the element begins that is meant.
    pub element: usize,
    /// What stands below it in the path: an attribute, or an element that is not there.
    pub below: String,
    /// Where it was noticed.
    pub at: usize,
    pub zh: String,
    pub en: String,
}

/// What the reader refuses.
pub fn unreadable(error: &Error) -> (&'static str, String, String) {
    let code = match error.problem() {
        Problem::NotUtf8 | Problem::OtherEncoding => "S-ENCODING",
        Problem::TooLarge | Problem::TooDeep | Problem::TooManyElements | Problem::TooManyAttributes => "S-LIMIT",
        Problem::Prefix => "S-PREFIX",
        Problem::Doctype | Problem::Instruction | Problem::Entity => "S-REFUSED",
        _ => "S-XML",
    };
    (code, error.zh(), error.to_string())
}

/// A message of which nothing can be read.
pub fn whole(error: &Error) -> Defect {
    let (code, zh, en) = unreadable(error);
    let (line, column) = error.place().map_or((1, 1), |place| (place.line, place.column));
    Defect { line, column, path: "/".to_owned(), code, zh, en }
}

/// Finds lines, columns and paths. `repeats` says which elements may be there more than once: their place is told always.
pub fn locate(text: &str, mut faults: Vec<Fault>, repeats: impl Fn(&str) -> bool) -> Vec<Defect> {
    if faults.is_empty() {
        return Vec::new();
    }
    let paths = paths(text, &faults, repeats);
    faults.sort_by_key(|fault| fault.at);
    let mut place = Places { text: text.as_bytes(), at: 0, line: 1, column: 1 };
    let defect = |fault: Fault| {
        let (line, column) = place.go(fault.at);
        let path = paths.get(&fault.element).map_or("", String::as_str);
        let path = if path.is_empty() && fault.below.is_empty() { "/".to_owned() } else { format!("{path}{}", fault.below) };
        Defect { line, column, path, code: fault.code, zh: fault.zh, en: fault.en }
    };
    faults.into_iter().map(defect).collect()
}

struct Places<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
    column: usize,
}

impl Places<'_> {
    /// Goes on to a place that is not before the last one.
    fn go(&mut self, to: usize) -> (usize, usize) {
        for &byte in self.text.get(self.at..to).unwrap_or_default() {
            if byte == b'\n' {
                (self.line, self.column) = (self.line + 1, 1);
            } else if byte & 0xC0 != 0x80 {
                self.column += 1;
            }
        }
        self.at = if to > self.at { to } else { self.at };
        (self.line, self.column)
    }
}

/// The paths of the elements that are meant, by where they begin.
fn paths<'t>(text: &'t str, faults: &[Fault], repeats: impl Fn(&str) -> bool) -> HashMap<usize, String> {
    let mut paths: HashMap<usize, String> = faults.iter().map(|fault| (fault.element, String::new())).collect();
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut counts: Vec<HashMap<&'t str, usize>> = vec![HashMap::new()];
    let mut tokens = Tokens::new(text);
    while let Ok(Some(token)) = tokens.next() {
        match token {
            Token::Open { local: name, .. } => {
                let count = counts.last_mut().map_or(1, |counts| {
                    let count = counts.entry(name).or_insert(0);
                    *count += 1;
                    *count
                });
                open.push((name, count));
                counts.push(HashMap::new());
                if let Some(path) = paths.get_mut(&tokens.offset()) {
                    *path = open.iter().map(|&(name, count)| step(name, count, &repeats)).collect();
                }
            }
            Token::Close => {
                open.pop();
                counts.pop();
            }
            Token::Text(_) | Token::Char(_) => {}
        }
    }
    paths
}

/// One name of a path; long ones are cut, so that a path does not become as long as its message.
fn step(name: &str, count: usize, repeats: impl Fn(&str) -> bool) -> String {
    let name = name.char_indices().nth(60).map_or(name, |(end, _)| name.get(..end).unwrap_or(name));
    if count > 1 || repeats(name) { format!("/{name}[{count}]") } else { format!("/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(element: usize, below: &str, at: usize) -> Fault {
        Fault { code: "S-X", element, below: below.to_owned(), at, zh: String::new(), en: String::new() }
    }

    #[test]
    fn places_and_paths() {
        let text = "<p:a>\n<b/>中<b><c/></b>\n <d x=''/></a>";
        let c = text.find("<c").unwrap();
        let d = text.find("<d").unwrap();
        let b = text.find("<b").unwrap();
        let found = locate(text, vec![fault(d, "/@x", d), fault(c, "", c), fault(b, "/q", b)], |name| name == "d");
        let found: Vec<_> = found.iter().map(|defect| (defect.line, defect.column, defect.path.as_str())).collect();
        assert_eq!(found, [(2, 1, "/a/b/q"), (2, 9, "/a/b[2]/c"), (3, 2, "/a/d[1]/@x")]);
        assert_eq!(locate("", vec![fault(0, "", 0)], |_| false)[0].path, "/");
        assert!(locate(text, Vec::new(), |_| false).is_empty());
    }
}
