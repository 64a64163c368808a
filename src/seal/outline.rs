//! Reads canonical XML (C14N 1.0, no comments) just enough to find the signature in it.
//!
//! It accepts only what canonical form can contain, and says of a message whether that alone proves it canonical
//! ([`Outline::plain`]): then nobody need canonicalise it again. One pass, bounded depth, no recursion.

use std::ops::Range;

/// The namespace of XML signatures.
pub const SIGNATURES: &str = "http://www.w3.org/2000/09/xmldsig#";

/// As deep as the reader of messages goes.
const DEEPEST: usize = 32;
const MOST_BINDINGS: usize = 64;
const MOST_NODES_IN_SIGNATURE: usize = 256;

/// Not canonical form; says what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken(pub &'static str);

/// An element inside the signature.
#[derive(Debug)]
pub struct Element<'a> {
    space: &'a str,
    local: &'a str,
    /// Its attributes as written, namespace declarations left out.
    pub attributes: Vec<(&'a str, &'a str)>,
    /// The elements in it.
    pub children: Vec<Self>,
    /// The text in it, as written.
    pub text: String,
    /// Where it stands, tags included.
    pub span: Range<usize>,
    /// Where its start tag ends.
    pub opened: usize,
    /// The namespaces in scope, outermost first: prefix and name.
    pub scope: Vec<(&'a str, &'a str)>,
}

impl Element<'_> {
    /// Whether it is the signature element of this name.
    pub fn is(&self, local: &str) -> bool {
        self.space == SIGNATURES && self.local == local
    }
}

/// What was found.
#[derive(Debug)]
pub struct Outline<'a> {
    /// The message itself.
    pub text: &'a str,
    /// The first `ds:Signature`.
    pub signature: Option<Element<'a>>,
    /// How many `ds:Signature` there are, at any depth.
    pub signatures: usize,
    /// How deep the first one stands: 1 is right under the root.
    pub depth: usize,
    /// The root's namespace declarations as written, each with a space before it.
    pub declarations: &'a str,
    /// The prefix that the root binds to the signature namespace.
    pub ds: Option<&'a str>,
    /// Where the root's end tag begins.
    pub end: usize,
    /// The root or the signature carries an `xml:` attribute, which canonical form would copy into a part.
    pub inherits: bool,
    /// Surely canonical: namespaces are declared on the root only, no attribute has a prefix, all names are plain.
    pub plain: bool,
}

/// Reads canonical XML; says what it met that canonical form does not contain.
pub fn read(bytes: &[u8]) -> Result<Outline<'_>, Broken> {
    let text = std::str::from_utf8(bytes).map_err(|_| Broken("bytes that are not UTF-8"))?;
    Reader::new(text).run()
}

struct Open<'a> {
    name: &'a str,
    bindings: usize,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    open: Vec<Open<'a>>,
    bindings: Vec<(&'a str, &'a str)>,
    building: Vec<Element<'a>>,
    built: usize,
    found: Outline<'a>,
}

struct Tag<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
    declared: Vec<(&'a str, &'a str)>,
    declarations: Range<usize>,
}

impl<'a> Reader<'a> {
    const fn new(text: &'a str) -> Self {
        let found =
            Outline { text, signature: None, signatures: 0, depth: 0, declarations: "", ds: None, end: 0, inherits: false, plain: true };
        Self { text, at: 0, open: Vec::new(), bindings: Vec::new(), building: Vec::new(), built: 0, found }
    }

    fn run(mut self) -> Result<Outline<'a>, Broken> {
        self.start()?;
        while !self.open.is_empty() {
            let run = self.rest().bytes().position(|byte| byte == b'<').ok_or(Broken("an end without the root's end tag"))?;
            self.characters(run)?;
            if self.rest().starts_with("</") { self.end()? } else { self.start()? }
        }
        if self.rest().is_empty() { Ok(self.found) } else { Err(Broken("something after the root")) }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn characters(&mut self, length: usize) -> Result<(), Broken> {
        let run = self.rest().get(..length).unwrap_or_default();
        written(run, &["&amp;", "&lt;", "&gt;", "&#xD;"], |byte| byte == b'>' || byte == b'\r')?;
        if let Some(element) = self.building.last_mut() {
            element.text.push_str(run);
        }
        self.at += length;
        Ok(())
    }

    fn start(&mut self) -> Result<(), Broken> {
        let from = self.at;
        let tag = self.tag()?;
        if self.open.len() >= DEEPEST {
            return Err(Broken("elements nested too deeply"));
        }
        self.note(&tag);
        self.open.push(Open { name: tag.name, bindings: self.bindings.len() });
        self.bindings.extend(&tag.declared);
        if self.bindings.len() > MOST_BINDINGS {
            return Err(Broken("too many namespaces"));
        }
        let (prefix, local) = tag.name.split_once(':').unwrap_or(("", tag.name));
        let space = self.resolve(prefix).ok_or(Broken("a prefix without a namespace"))?;
        if space == SIGNATURES && local == "Signature" {
            self.found.signatures += 1;
        }
        self.build(space, local, tag, from)
    }

    /// What matters of a start tag for the whole message.
    fn note(&mut self, tag: &Tag<'a>) {
        if self.open.is_empty() {
            self.found.declarations = self.text.get(tag.declarations.clone()).unwrap_or_default();
            self.found.ds = tag.declared.iter().find(|(_, space)| *space == SIGNATURES).map(|(prefix, _)| *prefix);
        } else if !tag.declared.is_empty() {
            self.found.plain = false;
        }
        let prefixed = tag.attributes.iter().any(|(name, _)| name.contains(':'));
        let default = tag.declared.iter().any(|(prefix, _)| prefix.is_empty());
        if prefixed || default || !is_plain(tag) {
            self.found.plain = false;
        }
        if (self.open.is_empty() || !self.building.is_empty()) && tag.attributes.iter().any(|(name, _)| name.starts_with("xml:")) {
            self.found.inherits = true;
        }
    }

    fn build(&mut self, space: &'a str, local: &'a str, tag: Tag<'a>, from: usize) -> Result<(), Broken> {
        let first = self.building.is_empty();
        if first && !(self.found.signatures == 1 && self.found.signature.is_none() && local == "Signature" && space == SIGNATURES) {
            return Ok(());
        }
        if first {
            self.found.depth = self.open.len() - 1;
            self.found.inherits |= tag.attributes.iter().any(|(name, _)| name.starts_with("xml:"));
        }
        self.built += 1;
        if self.built > MOST_NODES_IN_SIGNATURE {
            return Err(Broken("too many elements in the signature"));
        }
        let scope = if local == "SignedInfo" { self.bindings.clone() } else { Vec::new() };
        let span = from..from;
        self.building.push(Element {
            space,
            local,
            attributes: tag.attributes,
            children: Vec::new(),
            text: String::new(),
            span,
            opened: self.at,
            scope,
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Broken> {
        let Some(open) = self.open.pop() else { return Err(Broken("an end tag without a start tag")) };
        self.found.end = self.at;
        let after = self.rest().get(2..).and_then(|rest| rest.strip_prefix(open.name)).filter(|rest| rest.starts_with('>'));
        if after.is_none() {
            return Err(Broken("an end tag that fits no start tag"));
        }
        self.at += open.name.len() + 3;
        self.bindings.truncate(open.bindings);
        if let Some(mut element) = self.building.pop() {
            element.span.end = self.at;
            match self.building.last_mut() {
                Some(parent) => parent.children.push(element),
                None => self.found.signature = Some(element),
            }
        }
        Ok(())
    }

    fn tag(&mut self) -> Result<Tag<'a>, Broken> {
        let name = name(self.rest())?;
        self.at += name.len() + 1;
        let mut tag = Tag { name, attributes: Vec::new(), declared: Vec::new(), declarations: self.at..self.at };
        while !self.rest().starts_with('>') {
            let (name, value) = self.attribute()?;
            match name.strip_prefix("xmlns:").or_else(|| (name == "xmlns").then_some("")) {
                Some(prefix) if tag.attributes.is_empty() => {
                    tag.declared.push((prefix, value));
                    tag.declarations.end = self.at;
                }
                Some(_) => return Err(Broken("a namespace declared after an attribute")),
                None => tag.attributes.push((name, value)),
            }
        }
        self.at += 1;
        let declared_in_order = tag.declared.is_sorted_by(|one, next| one.0 < next.0);
        let plainly_in_order = tag.attributes.is_sorted_by(|one, next| one.0.contains(':') || next.0.contains(':') || one.0 < next.0);
        if declared_in_order && plainly_in_order { Ok(tag) } else { Err(Broken("attributes that are out of order or there twice")) }
    }

    fn attribute(&mut self) -> Result<(&'a str, &'a str), Broken> {
        const FORM: Broken = Broken("an attribute that is not written as canonical form writes it");
        let rest = self.rest().strip_prefix(' ').ok_or(FORM)?;
        let (name, after) = rest.split_once("=\"").ok_or(FORM)?;
        let (value, _) = after.split_once('"').ok_or(FORM)?;
        if name.is_empty() || name.contains(['<', '>', '"', '\'', '=', '&', '/']) || name.chars().any(char::is_whitespace) {
            return Err(FORM);
        }
        let escapes = ["&amp;", "&lt;", "&quot;", "&#x9;", "&#xA;", "&#xD;"];
        written(value, &escapes, |byte| matches!(byte, b'<' | b'\t' | b'\n' | b'\r'))?;
        self.at += name.len() + value.len() + 4;
        Ok((name, value))
    }

    fn resolve(&self, prefix: &str) -> Option<&'a str> {
        let bound = self.bindings.iter().rev().find(|(known, _)| *known == prefix).map(|(_, space)| *space);
        bound.or_else(|| prefix.is_empty().then_some(""))
    }
}

/// The name of the start tag with which the text begins. Nearly all are of plain characters, which are looked at once.
fn name(text: &str) -> Result<&str, Broken> {
    const OTHER: Broken = Broken("something other than an element");
    let rest = text.strip_prefix('<').ok_or(OTHER)?;
    let plain = rest.bytes().take_while(|byte| is_plain_byte(*byte) || *byte == b':').count();
    if plain > 0 && matches!(rest.as_bytes().get(plain), Some(b' ' | b'>')) {
        return rest.get(..plain).ok_or(OTHER);
    }
    let length = rest.find([' ', '>']).ok_or(Broken("a tag that does not end"))?;
    let name = rest.get(..length).unwrap_or_default();
    if name.is_empty() || name.contains(['!', '?', '/', '"', '=', '<', '&']) || name.chars().any(char::is_whitespace) {
        return Err(OTHER);
    }
    Ok(name)
}

const fn is_plain_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Names of letters, digits, `_`, `-` and `.`, with at most one prefix, so that no reader can see another name in them.
fn is_plain(tag: &Tag<'_>) -> bool {
    let part = |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && part.bytes().all(is_plain_byte);
    let is_named_plainly = match tag.name.split_once(':') {
        Some((prefix, local)) => part(prefix) && part(local),
        None => part(tag.name),
    };
    is_named_plainly
        && tag.attributes.iter().all(|(name, _)| part(name))
        && tag.declared.iter().all(|(prefix, space)| part(prefix) && !prefix.starts_with("xml") && !space.is_empty())
}

/// Text or an attribute's value as canonical form writes it: only these escapes, only XML's characters, none of the `refused`.
fn written(run: &str, escapes: &[&str], refused: impl Fn(u8) -> bool) -> Result<(), Broken> {
    let suspect = |byte: u8| byte < b' ' || byte == b'&' || byte == 0xEF || refused(byte);
    for (at, byte) in run.bytes().enumerate().filter(|(_, byte)| suspect(*byte)) {
        let from_here = run.as_bytes().get(at..).unwrap_or_default();
        let fine = match byte {
            b'&' => escapes.iter().any(|escape| from_here.starts_with(escape.as_bytes())),
            0xEF => !from_here.starts_with(b"\xEF\xBF\xBE") && !from_here.starts_with(b"\xEF\xBF\xBF"),
            b'\t' | b'\n' => !refused(byte),
            _ => false,
        };
        if !fine {
            return Err(Broken("a character that canonical form escapes or XML forbids"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{self, Part};

    const HEAD: &str = "<m:M xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" xmlns:m=\"urn:m\" guid=\"1\">";

    fn broken(inner: &str) -> bool {
        read(format!("{HEAD}{inner}</m:M>").as_bytes()).is_err()
    }

    #[test]
    fn finds_the_signature_its_place_and_what_is_in_scope() {
        let text = format!("{HEAD}<m:A>x &gt; &amp;</m:A><ds:Signature><ds:SignedInfo b=\"1\"></ds:SignedInfo></ds:Signature></m:M>");
        let outline = read(text.as_bytes()).unwrap();
        assert!(outline.plain && !outline.inherits);
        assert_eq!((outline.signatures, outline.depth, outline.ds), (1, 1, Some("ds")));
        assert_eq!(&text[outline.end..], "</m:M>");
        assert_eq!(outline.declarations, " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" xmlns:m=\"urn:m\"");
        let signature = outline.signature.unwrap();
        assert!(text[signature.span.clone()].starts_with("<ds:Signature>") && text[signature.span].ends_with("</ds:Signature>"));
        assert_eq!(signature.children[0].scope.len(), 2);
        assert_eq!(signature.children[0].attributes, [("b", "1")]);
    }

    #[test]
    fn a_signature_is_one_by_its_namespace_not_by_its_prefix() {
        let text = format!("{HEAD}<x:Signature xmlns:x=\"urn:else\"></x:Signature><Signature xmlns=\"{SIGNATURES}\"></Signature></m:M>");
        let outline = read(text.as_bytes()).unwrap();
        assert_eq!(outline.signatures, 1);
        assert!(!outline.plain);
        assert!(text[outline.signature.unwrap().span].starts_with("<Signature xmlns="));
    }

    #[test]
    fn what_canonical_form_does_not_contain_is_refused() {
        for inner in [
            "<m:A/>",
            "<m:A b='1'></m:A>",
            "<m:A  b=\"1\"></m:A>",
            "<m:A b=\"1\" ></m:A>",
            "<m:A b=\"1\" a=\"1\"></m:A>",
            "<m:A b=\"1\" b=\"1\"></m:A>",
            "<m:A b=\"1\" xmlns:c=\"urn:c\"></m:A>",
            "<m:A b=\"\n\"></m:A>",
            "<m:A></m:A >",
            "<m:A></m:B>",
            "<!-- a -->",
            "<![CDATA[a]]>",
            "<?a b?>",
            "a > b",
            "a\r\n",
            "&quot;",
            "&#65;",
            "\u{1}",
            "\u{FFFE}",
            "<z:A></z:A>",
            "<m:A",
        ] {
            assert!(broken(inner), "{inner}");
        }
        assert!(!broken("通关 \u{FEFF}\t\n <m:A a=\">\" b=\"&quot;&#xA;\"></m:A>"));
        assert!(read(b"<a></a><b></b>").is_err() && read(b"").is_err() && read(b"\xEF\xBB\xBF<a></a>").is_err());
        assert!(read("<a>".repeat(100).as_bytes()).is_err());
    }

    #[test]
    fn what_it_cannot_prove_canonical_is_not_called_plain() {
        for inner in
            ["<m:A xmlns:n=\"urn:n\"></m:A>", "<m:A m:b=\"1\"></m:A>", "<m:表></m:表>", "<m:A:B></m:A:B>", "<m:A xml:lang=\"zh\"></m:A>"]
        {
            let text = format!("{HEAD}{inner}</m:M>");
            assert!(!read(text.as_bytes()).unwrap().plain, "{inner}");
        }
    }

    const PIECES: [&str; 30] = [
        "<m:A>",
        "</m:A>",
        "<m:A/>",
        "<m:B c=\"1\">",
        "</m:B>",
        "<m:B a=\"1\" b=\"\">",
        "<ds:A>",
        "</ds:A>",
        "<m:A b=\"1\" a=\"1\">",
        "<A>",
        "</A>",
        "<m:A m:a=\"1\">",
        "<n:A xmlns:n=\"urn:n\">",
        "</n:A>",
        "<A xmlns=\"urn:a\">",
        "<A xmlns=\"\">",
        "a",
        "中",
        ">",
        "]]>",
        "\r",
        "\n",
        "\t",
        "&amp;",
        "&gt;",
        "&#xD;",
        "&quot;",
        "&#65;",
        "<!-- a -->",
        "<m:A b=\"&quot;&#xA;'\">",
    ];

    proptest::proptest! {
        /// What is called plain is what canonicalisation would give; what canonicalisation gives can always be read.
        #[test]
        fn agrees_with_canonical_xml(pieces in proptest::collection::vec(0..PIECES.len(), 0..8), closed in proptest::bool::weighted(0.7)) {
            let mut inner: Vec<&str> = pieces.into_iter().map(|index| PIECES[index]).collect();
            if closed {
                let opened: Vec<String> = inner.iter().filter(|piece| piece.starts_with('<') && !piece.contains(['/', '!'])).map(|piece| {
                    format!("</{}>", piece.trim_start_matches('<').split([' ', '>']).next().unwrap())
                }).collect();
                inner.retain(|piece| !piece.starts_with("</"));
                let text = format!("{HEAD}{}{}</m:M>", inner.concat(), opened.into_iter().rev().collect::<String>());
                agrees(&text);
            } else {
                agrees(&format!("{HEAD}{}</m:M>", inner.concat()));
            }
        }
    }

    fn agrees(text: &str) {
        let canonical = message::canonical(text.as_bytes(), Part::Whole);
        if read(text.as_bytes()).is_ok_and(|outline| outline.plain) {
            assert_eq!(canonical.as_deref(), Ok(text.as_bytes()), "{text}");
        }
        if let Ok(canonical) = canonical {
            assert!(read(&canonical).is_ok(), "{text}");
        }
    }
}
