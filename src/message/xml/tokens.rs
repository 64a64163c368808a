//! The bounded reader: text to tags and text, refusing what messages have no use for.

use std::borrow::Cow;

use quick_xml::{
    Reader,
    events::{BytesDecl, Event},
};

use super::names;
use crate::message::error::{Error, Problem};

/// The most bytes that are read as one message.
pub const MAX_BYTES: usize = 32 << 20;
/// The deepest nesting that is read; the deepest message of the catalogue needs 9.
pub const MAX_DEPTH: usize = 32;
/// The most elements that are read: 100 documents of 100 lines of 20 elements are 200,000.
pub const MAX_ELEMENTS: usize = 500_000;
/// The most attributes, namespace declarations included, that are read on one element.
pub const MAX_ATTRIBUTES: usize = 32;

/// Bytes as text: one leading 0x00 (messages that crossed the customs-side queue carry it, transport §1.7) and a byte-order mark
/// are left out.
pub fn decode(bytes: &[u8]) -> Result<&str, Error> {
    if bytes.len() > MAX_BYTES {
        return Err(Problem::TooLarge.into());
    }
    let bytes = bytes.strip_prefix(b"\0").unwrap_or(bytes);
    let bytes = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error.valid_up_to()))?;
    match forbidden(text) {
        Some(offset) => Err(Error::from(Problem::Character).at(text, offset)),
        None => Ok(text),
    }
}

/// Where the first character stands that XML does not allow.
fn forbidden(text: &str) -> Option<usize> {
    let is_control = |b: u8| b < 0x20 && !is_space(b);
    let bytes = text.as_bytes();
    // Without a way out in between, so that the compiler takes many bytes at a time. U+FFFE and U+FFFF begin with EF BF.
    let pairs = bytes.iter().zip(bytes.get(1..).unwrap_or_default());
    let is_likely = bytes.iter().fold(false, |found, &b| found | ((b < 0x20) & (b != b'\t') & (b != b'\n') & (b != b'\r')))
        | pairs.fold(false, |found, (&a, &b)| found | ((a == 0xEF) & (b == 0xBF)));
    if !is_likely {
        return None;
    }
    let control = text.bytes().position(is_control);
    control.or_else(|| text.find('\u{FFFE}')).or_else(|| text.find('\u{FFFF}'))
}

/// GBK bytes usually come with a declaration that says so: then that is the better answer.
fn not_utf8(bytes: &[u8], valid: usize) -> Error {
    let (head, _) = bytes.split_at_checked(valid).unwrap_or((bytes, &[]));
    let head = std::str::from_utf8(head).unwrap_or_default();
    let declared = head.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>")).and_then(|(declaration, _)| {
        let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
        let quote = value.chars().next().filter(|&c| c == '"' || c == '\'')?;
        value[1..].split_once(quote).map(|(name, _)| name)
    });
    match declared {
        Some(name) if !name.eq_ignore_ascii_case("utf-8") && is_encoding_name(name) => Error::new(Problem::OtherEncoding, name.to_owned()),
        _ => Error::from(Problem::NotUtf8),
    }
    .at(head, valid)
}

fn is_encoding_name(name: &str) -> bool {
    name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// A piece of a document.
pub enum Token<'a> {
    /// A start tag. For `<a/>` a [`Token::Close`] follows.
    Open {
        /// With its prefix.
        name: &'a str,
        /// Empty if it has none.
        prefix: &'a str,
        /// Without its prefix.
        local: &'a str,
        /// The attributes, not yet taken apart.
        attributes: &'a str,
    },
    /// An end tag.
    Close,
    /// Text without references; line ends as they came.
    Text(&'a str),
    /// What a reference stood for.
    Char(char),
}

/// An attribute as written.
pub struct Attribute<'a> {
    /// With its prefix.
    pub name: &'a str,
    /// Its value, references resolved, white space normalised.
    pub value: Cow<'a, str>,
}

/// Reads a document piece by piece. Tags and text are most of it and are taken apart here, from bytes that are known to be
/// UTF-8; what is rare (declaration, comment, CDATA, reference) quick-xml reads, one piece at a time.
pub struct Tokens<'a> {
    text: &'a str,
    /// Where the token that was read last began.
    offset: usize,
    /// Where the next one begins.
    next: usize,
    /// The names of the open elements, as written.
    open: Vec<&'a str>,
    elements: usize,
    close_pending: bool,
}

impl<'a> Tokens<'a> {
    /// A reader at the start of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, offset: 0, next: 0, open: Vec::with_capacity(8), elements: 0, close_pending: false }
    }

    /// Where the token that was read last began.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Says where something is wrong: at the token that was read last.
    pub fn error(&self, error: impl Into<Error>) -> Error {
        error.into().at(self.text, self.offset)
    }

    /// The next piece; nothing at the end of a whole document.
    pub fn next(&mut self) -> Result<Option<Token<'a>>, Error> {
        if std::mem::take(&mut self.close_pending) {
            self.open.pop();
            return Ok(Some(Token::Close));
        }
        loop {
            self.offset = self.next;
            let rest = self.text.as_bytes().get(self.offset..).unwrap_or_default();
            let piece = match *rest {
                [] if self.open.is_empty() && self.elements > 0 => return Ok(None),
                [] => Err(Problem::Syntax.into()),
                [b'<', b'/', ..] => self.close(rest).map(Some),
                [b'<', b'!' | b'?', ..] | [b'&', ..] => self.rare(),
                [b'<', ..] => self.open(rest).map(Some),
                _ => self.text(rest),
            };
            match piece {
                Ok(Some(token)) => return Ok(Some(token)),
                Ok(None) => {}
                Err(error) if error.place().is_some() => return Err(error),
                Err(error) => return Err(self.error(error)),
            }
        }
    }

    fn between(&self, from: usize, to: usize) -> Result<&'a str, Error> {
        self.text.get(from..to).ok_or_else(|| Problem::Syntax.into())
    }

    fn close(&mut self, rest: &[u8]) -> Result<Token<'a>, Error> {
        let name = self.open.pop().ok_or(Problem::Syntax)?;
        let after = rest.get(2..).and_then(|rest| rest.strip_prefix(name.as_bytes())).ok_or(Problem::Syntax)?;
        let spaces = after.iter().take_while(|&&b| is_space(b)).count();
        if after.get(spaces) != Some(&b'>') {
            return Err(Problem::Syntax.into());
        }
        self.next = self.offset + 2 + name.len() + spaces + 1;
        Ok(Token::Close)
    }

    fn open(&mut self, rest: &'a [u8]) -> Result<Token<'a>, Error> {
        let from = self.offset + 1;
        let name = names::leading(rest.get(1..).unwrap_or_default()).ok_or(Problem::Syntax)?;
        let behind = from + name.length;
        let mut end = behind;
        match *rest.get(1 + name.length..).unwrap_or_default() {
            [b'>', ..] => self.next = behind + 1,
            [b'/', b'>', ..] => {
                self.close_pending = true;
                self.next = behind + 2;
            }
            [b, ref after @ ..] if is_space(b) => {
                end = behind + 1 + tag_end(after).ok_or(Problem::Syntax)?;
                self.next = end + 1;
                if self.text.as_bytes().get(end - 1) == Some(&b'/') {
                    self.close_pending = true;
                    end -= 1;
                }
            }
            _ => return Err(Problem::Syntax.into()),
        }
        let tag = self.between(from, behind)?;
        let (prefix, local) = match name.colon {
            Some(colon) => (self.between(from, from + colon)?, self.between(from + colon + 1, behind)?),
            None => ("", tag),
        };
        if !name.is_plain && !(names::is_part(local) && (name.colon.is_none() || names::is_part(prefix))) {
            return Err(Problem::Syntax.into());
        }
        if self.open.is_empty() && self.elements > 0 {
            return Err(Problem::Syntax.into());
        }
        self.elements += 1;
        self.open.push(tag);
        if self.open.len() > MAX_DEPTH {
            return Err(Problem::TooDeep.into());
        }
        if self.elements > MAX_ELEMENTS {
            return Err(Problem::TooManyElements.into());
        }
        Ok(Token::Open { name: tag, prefix, local, attributes: self.between(behind, end)? })
    }

    fn text(&mut self, rest: &[u8]) -> Result<Option<Token<'a>>, Error> {
        let mut has_bracket = false;
        let ends = |&b: &u8| {
            has_bracket |= b == b']';
            b == b'<' || b == b'&'
        };
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        self.next = self.offset + length;
        let text = self.between(self.offset, self.next)?;
        if self.open.is_empty() {
            return if text.bytes().all(is_space) { Ok(None) } else { Err(Problem::Syntax.into()) };
        }
        if has_bracket && text.contains("]]>") {
            return Err(Problem::Syntax.into());
        }
        Ok(Some(Token::Text(text)))
    }

    fn rare(&mut self) -> Result<Option<Token<'a>>, Error> {
        let mut reader = Reader::from_str(self.between(self.offset, self.text.len())?);
        reader.config_mut().check_comments = true;
        let event = reader.read_event();
        let position = |within: u64| self.offset.saturating_add(usize::try_from(within).unwrap_or(usize::MAX));
        let event = event.map_err(|_| Error::from(Problem::Syntax).at(self.text, position(reader.error_position())))?;
        self.next = position(reader.buffer_position());
        match event {
            Event::CData(text) => match text.into_inner() {
                Cow::Borrowed(text) if !self.open.is_empty() => Ok(Some(Token::Text(text))),
                _ => Err(Problem::Syntax.into()),
            },
            Event::GeneralRef(name) if !self.open.is_empty() => Ok(Some(Token::Char(reference(&name)?))),
            Event::Comment(_) => Ok(None),
            Event::Decl(declaration) if self.offset == 0 => declared(&declaration).map(|()| None),
            Event::Decl(_) | Event::PI(_) => Err(Problem::Instruction.into()),
            Event::DocType(_) => Err(Problem::Doctype.into()),
            _ => Err(Problem::Syntax.into()),
        }
    }
}

/// Where a start tag ends: the `>` that is in no quotes.
fn tag_end(rest: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let tail = rest.get(from..)?;
        let at = tail.iter().position(|b| matches!(b, b'>' | b'"' | b'\''))?;
        let quote = *tail.get(at)?;
        if quote == b'>' {
            return Some(from + at);
        }
        let value = tail.get(at + 1..)?.iter().position(|&b| b == quote)?;
        from += at + value + 2;
    }
}

fn declared(declaration: &BytesDecl<'_>) -> Result<(), Error> {
    let text = declaration.strip_prefix("xml").ok_or(Problem::Syntax)?;
    let mut parts = Vec::new();
    attributes(text, &mut parts)?;
    let names: Vec<_> = parts.iter().map(|part| part.name).collect();
    let version = parts.first().map(|part| part.value.as_ref());
    let order = ["version", "encoding", "standalone"];
    let follows = |names: &[&str]| names == order.get(..names.len()).unwrap_or_default() || names == ["version", "standalone"];
    let standalone = parts.iter().find(|part| part.name == "standalone").is_none_or(|part| matches!(part.value.as_ref(), "yes" | "no"));
    if !follows(&names) || version != Some("1.0") || !standalone {
        return Err(Problem::Syntax.into());
    }
    match parts.iter().find(|part| part.name == "encoding").map(|part| part.value.as_ref()) {
        None => Ok(()),
        Some(name) if name.eq_ignore_ascii_case("utf-8") => Ok(()),
        Some(name) if is_encoding_name(name) => Err(Error::new(Problem::OtherEncoding, name.to_owned())),
        Some(_) => Err(Problem::OtherEncoding.into()),
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Takes a start tag's attributes apart into `into`, which is emptied first.
pub fn attributes<'a>(raw: &'a str, into: &mut Vec<Attribute<'a>>) -> Result<(), Error> {
    into.clear();
    let mut rest = raw;
    loop {
        let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        if trimmed.is_empty() {
            return Ok(());
        }
        let (name, after) = trimmed.split_once('=').ok_or(Problem::Syntax)?;
        let name = name.trim_end_matches([' ', '\t', '\n', '\r']);
        let after = after.trim_start_matches([' ', '\t', '\n', '\r']);
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or(Problem::Syntax)?;
        let (value, after) = after[1..].split_once(quote).ok_or(Problem::Syntax)?;
        // The tag's name and each attribute must be followed by white space.
        if trimmed.len() == rest.len() || !names::is_qualified(name) {
            return Err(Problem::Syntax.into());
        }
        if into.iter().any(|known| known.name == name) {
            return Err(Error::new(Problem::AttributeTwice, name.to_owned()));
        }
        if into.len() == MAX_ATTRIBUTES {
            return Err(Problem::TooManyAttributes.into());
        }
        into.push(Attribute { name, value: attribute_value(value)? });
        rest = after;
    }
}

fn attribute_value(raw: &str) -> Result<Cow<'_, str>, Error> {
    if !raw.contains(['&', '<', '\t', '\n', '\r']) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '<', '\t', '\n', '\r']) {
        let (before, special) = rest.split_at(at);
        value.push_str(before);
        rest = if let Some(named) = special.strip_prefix('&') {
            let (name, after) = named.split_once(';').ok_or(Problem::Syntax)?;
            value.push(reference(name)?);
            after
        } else if special.starts_with('<') {
            return Err(Problem::Syntax.into());
        } else {
            value.push(' ');
            special.strip_prefix("\r\n").unwrap_or(&special[1..])
        };
    }
    value.push_str(rest);
    Ok(Cow::Owned(value))
}

fn reference(name: &str) -> Result<char, Error> {
    let number = match name {
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "amp" => return Ok('&'),
        "apos" => return Ok('\''),
        "quot" => return Ok('"'),
        _ => name.strip_prefix('#').filter(|number| !number.contains('+')),
    };
    let code = number.and_then(|number| match number.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => number.parse().ok(),
    });
    match code.and_then(char::from_u32) {
        Some(c) if matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && !matches!(c, '\u{FFFE}' | '\u{FFFF}')) => Ok(c),
        Some(_) => Err(Problem::Character.into()),
        None => Err(Problem::Entity.into()),
    }
}

/// Gives each piece of a text with its line ends as XML wants them: CRLF and CR become LF.
pub fn lines(text: &str, mut each: impl FnMut(&str)) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\r') {
        each(before);
        if !after.starts_with('\n') {
            each("\n");
        }
        rest = after;
    }
    each(rest);
}

/// The namespaces in scope, innermost last.
#[derive(Default)]
pub struct Scope<'a> {
    /// Prefix, namespace, and the depth of the element that declares it.
    pub bindings: Vec<(&'a str, Cow<'a, str>, usize)>,
}

/// Always bound to the prefix `xml`.
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";

impl<'a> Scope<'a> {
    /// Takes the declarations among an element's attributes.
    pub fn enter(&mut self, depth: usize, attributes: &[Attribute<'a>]) -> Result<(), Error> {
        for attribute in attributes {
            let Some(prefix) = declared_prefix(attribute.name) else { continue };
            let uri = &attribute.value;
            let reserved = prefix == "xmlns" || (prefix == "xml") != (uri == XML) || uri == "http://www.w3.org/2000/xmlns/";
            if reserved || (!prefix.is_empty() && uri.is_empty()) {
                return Err(Error::new(Problem::Prefix, prefix.to_owned()));
            }
            self.bindings.push((prefix, uri.clone(), depth));
        }
        self.differ(attributes)
    }

    /// Two names may be one: their prefixes may stand for the same namespace (Namespaces in XML 1.0, 6.3).
    fn differ(&self, attributes: &[Attribute<'a>]) -> Result<(), Error> {
        let prefixed = || attributes.iter().filter(|attribute| attribute.name.contains(':') && declared_prefix(attribute.name).is_none());
        if prefixed().nth(1).is_none() {
            return Ok(());
        }
        let mut known = Vec::new();
        for attribute in prefixed() {
            let (prefix, local) = names::split(attribute.name);
            let name = (self.resolve(prefix)?, local);
            if known.contains(&name) {
                return Err(Error::new(Problem::AttributeTwice, attribute.name.to_owned()));
            }
            known.push(name);
        }
        Ok(())
    }

    /// Forgets what the element at `depth` declared.
    pub fn leave(&mut self, depth: usize) {
        while self.bindings.last().is_some_and(|&(_, _, at)| at >= depth) {
            self.bindings.pop();
        }
    }

    /// The namespace of a prefix: empty for no prefix and no default namespace.
    pub fn resolve(&self, prefix: &str) -> Result<&str, Error> {
        match self.bindings.iter().rev().find(|(known, _, _)| *known == prefix) {
            Some((_, uri, _)) => Ok(uri),
            None if prefix.is_empty() => Ok(""),
            None if prefix == "xml" => Ok(XML),
            None => Err(Error::new(Problem::Prefix, prefix.to_owned())),
        }
    }
}

/// The prefix that an attribute of this name declares, if it declares one.
pub fn declared_prefix(name: &str) -> Option<&str> {
    if name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:") }
}
