//! Canonical XML 1.0 without comments, of a whole document, of a document without one element, or of one element as it stands in
//! its document (<http://www.w3.org/TR/2001/REC-xml-c14n-20010315>): what signatures are made over.

use std::borrow::Cow;

use super::{
    names,
    tokens::{self, Attribute, Scope, Token, Tokens},
    writer,
};
use crate::message::error::{Error, Problem};

/// An element by namespace and local name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ElementName<'a> {
    /// Namespace; empty for none.
    pub space: &'a str,
    /// Local name.
    pub local: &'a str,
}

/// How much of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// All of it.
    Whole,
    /// All but the element of that name directly below the root, if there is one; two are refused.
    Without(ElementName<'a>),
    /// The element of that name alone, with the namespaces it inherits; it must be there, and there once.
    Only(ElementName<'a>),
}

/// The canonical form of `part` of a document.
///
/// # Errors
/// When the document cannot be read (see [`super`]), or the element is not there, or is there twice.
pub fn canonical(xml: &[u8], part: Part<'_>) -> Result<Vec<u8>, Error> {
    let text = tokens::decode(xml)?;
    let mut tokens = Tokens::new(text);
    let capacity = if matches!(part, Part::Only(_)) { 2_048 } else { text.len() + text.len() / 8 };
    let mut canon = Canon {
        part,
        out: Vec::with_capacity(capacity),
        scope: Scope::default(),
        names: Vec::new(),
        inherited: Vec::new(),
        attributes: Vec::new(),
        found: false,
        edge: None,
    };
    while let Some(token) = tokens.next()? {
        match token {
            Token::Open { name, attributes, .. } => canon.open(name, attributes).map_err(|error| tokens.error(error))?,
            Token::Close => canon.close(),
            Token::Text(text) => canon.text(text),
            Token::Char(c) => canon.text_char(c),
        }
    }
    match part {
        Part::Only(name) if !canon.found => Err(Error::new(Problem::Missing, name.local.to_owned())),
        _ => Ok(canon.out),
    }
}

struct Canon<'a, 'p> {
    part: Part<'p>,
    out: Vec<u8>,
    scope: Scope<'a>,
    names: Vec<&'a str>,
    /// Attributes like xml:lang of open elements, with their depth: an element that is taken alone inherits them.
    inherited: Vec<(&'a str, Cow<'a, str>, usize)>,
    attributes: Vec<Attribute<'a>>,
    found: bool,
    /// The depth of the named element, while inside it.
    edge: Option<usize>,
}

impl<'a> Canon<'a, '_> {
    const fn writes(&self) -> bool {
        match self.part {
            Part::Whole => true,
            Part::Without(_) => self.edge.is_none(),
            Part::Only(_) => self.edge.is_some(),
        }
    }

    fn open(&mut self, name: &'a str, raw: &'a str) -> Result<(), Error> {
        let depth = self.names.len() + 1;
        let mut attributes = std::mem::take(&mut self.attributes);
        let before = self.scope.bindings.len();
        tokens::attributes(raw, &mut attributes)?;
        self.scope.enter(depth, &attributes)?;
        self.names.push(name);
        let apex = self.is_named(name, depth)?;
        if apex {
            self.edge = Some(depth);
            self.found = true;
        }
        self.check_attributes(&attributes)?;
        if self.writes() {
            let only = apex && matches!(self.part, Part::Only(_));
            self.start(name, &attributes, if only { None } else { Some(before) })?;
        }
        let xml_attributes = attributes.iter().filter(|attribute| attribute.name.starts_with("xml:"));
        self.inherited.extend(xml_attributes.map(|attribute| (attribute.name, attribute.value.clone(), depth)));
        self.attributes = attributes;
        Ok(())
    }

    fn is_named(&self, name: &str, depth: usize) -> Result<bool, Error> {
        let (prefix, local) = names::split(name);
        let space = self.scope.resolve(prefix)?;
        let named = match self.part {
            Part::Whole => false,
            Part::Without(wanted) => depth == 2 && space == wanted.space && local == wanted.local,
            Part::Only(wanted) => space == wanted.space && local == wanted.local,
        };
        if named && self.found {
            return Err(Error::new(Problem::ElementTwice, local.to_owned()));
        }
        Ok(named)
    }

    /// Two attributes under different prefixes may still be one and the same.
    fn check_attributes(&self, attributes: &[Attribute<'a>]) -> Result<(), Error> {
        for (index, attribute) in attributes.iter().enumerate() {
            let (prefix, local) = names::split(attribute.name);
            if prefix.is_empty() || prefix == "xmlns" {
                continue;
            }
            let space = self.scope.resolve(prefix)?;
            for other in attributes.iter().skip(index + 1) {
                let (other_prefix, other_local) = names::split(other.name);
                let is_same = other_local == local && !other_prefix.is_empty() && other_prefix != "xmlns";
                if is_same && self.scope.resolve(other_prefix)? == space {
                    return Err(Error::new(Problem::AttributeTwice, other.name.to_owned()));
                }
            }
        }
        Ok(())
    }

    /// Writes a start tag. `before` is how many bindings its parent has, where the parent was written too.
    fn start(&mut self, name: &str, attributes: &[Attribute<'a>], before: Option<usize>) -> Result<(), Error> {
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
        for (prefix, uri) in shown(&self.scope.bindings, before) {
            self.out.extend_from_slice(if prefix.is_empty() { b" xmlns".as_slice() } else { b" xmlns:" });
            self.out.extend_from_slice(prefix.as_bytes());
            value(&mut self.out, uri);
        }
        let mut ordered = Vec::with_capacity(attributes.len());
        for attribute in attributes.iter().filter(|attribute| tokens::declared_prefix(attribute.name).is_none()) {
            let (prefix, local) = names::split(attribute.name);
            // No prefix means no namespace, whatever the default is.
            let space = if prefix.is_empty() { "" } else { self.scope.resolve(prefix)? };
            ordered.push((space, local, attribute.name, attribute.value.as_ref()));
        }
        if before.is_none() {
            for (index, (name, value, _)) in self.inherited.iter().enumerate() {
                let is_innermost = !self.inherited.iter().skip(index + 1).any(|(later, _, _)| later == name);
                if is_innermost && !attributes.iter().any(|own| own.name == *name) {
                    ordered.push((tokens::XML, names::split(name).1, name, value));
                }
            }
        }
        ordered.sort_unstable();
        for (_, _, name, text) in ordered {
            self.out.push(b' ');
            self.out.extend_from_slice(name.as_bytes());
            value(&mut self.out, text);
        }
        self.out.push(b'>');
        Ok(())
    }

    fn close(&mut self) {
        let depth = self.names.len();
        let Some(name) = self.names.pop() else { return };
        if self.writes() {
            self.out.extend_from_slice(b"</");
            self.out.extend_from_slice(name.as_bytes());
            self.out.push(b'>');
        }
        if self.edge == Some(depth) {
            self.edge = None;
        }
        self.scope.leave(depth);
        while self.inherited.last().is_some_and(|&(_, _, at)| at >= depth) {
            self.inherited.pop();
        }
    }

    fn text(&mut self, text: &str) {
        if self.writes() {
            // The reader has refused what XML does not allow.
            tokens::lines(text, |piece| {
                writer::text(&mut self.out, piece);
            });
        }
    }

    fn text_char(&mut self, c: char) {
        if self.writes() {
            writer::text(&mut self.out, c.encode_utf8(&mut [0; 4]));
        }
    }
}

/// The declarations that a start tag shows, in order: those that change what its parent has, or all for want of a parent.
fn shown<'b>(bindings: &'b [(&str, Cow<'_, str>, usize)], before: Option<usize>) -> Vec<(&'b str, &'b str)> {
    let (outer, own) = bindings.split_at_checked(before.unwrap_or(0)).unwrap_or((bindings, &[]));
    let in_parent = |prefix: &str| outer.iter().rev().find(|(known, _, _)| *known == prefix).map_or("", |(_, uri, _)| uri.as_ref());
    let innermost =
        own.iter().enumerate().filter(|(index, (prefix, _, _))| !own.iter().skip(index + 1).any(|(later, _, _)| later == prefix));
    let all = innermost.map(|(_, (prefix, uri, _))| (*prefix, uri.as_ref()));
    let mut shown: Vec<_> = all.filter(|(prefix, uri)| *prefix != "xml" && in_parent(prefix) != *uri).collect();
    shown.sort_unstable();
    shown
}

fn value(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(b"=\"");
    writer::attribute_value(out, text);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(xml: &str) -> String {
        String::from_utf8(canonical(xml.as_bytes(), Part::Whole).unwrap()).unwrap()
    }

    fn problem(xml: &str) -> Problem {
        canonical(xml.as_bytes(), Part::Whole).unwrap_err().problem()
    }

    #[test]
    fn declaration_comments_and_outer_white_space_go() {
        let xml = "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- a -->\n<a>b<!-- c -->d</a>\n<!-- e -->\n";
        assert_eq!(whole(xml), "<a>bd</a>");
    }

    #[test]
    fn tags_come_in_pairs_and_attributes_in_order() {
        let xml = "<a  z='1'\n b = \"2\" xmlns:y='u:1' xmlns:x='u:2' y:c='3' x:a='4' xmlns='u:0' ><b /></a >";
        let expected = r#"<a xmlns="u:0" xmlns:x="u:2" xmlns:y="u:1" b="2" z="1" y:c="3" x:a="4"><b></b></a>"#;
        assert_eq!(whole(xml), expected);
    }

    #[test]
    fn superfluous_declarations_go() {
        let xml = r#"<p:a xmlns:p="u:1"><p:b xmlns:p="u:1" xmlns=""><p:c xmlns:p="u:2"><p:d xmlns:p="u:1"/></p:c></p:b></p:a>"#;
        let expected = r#"<p:a xmlns:p="u:1"><p:b><p:c xmlns:p="u:2"><p:d xmlns:p="u:1"></p:d></p:c></p:b></p:a>"#;
        assert_eq!(whole(xml), expected);
        assert_eq!(whole(r#"<a xmlns="u:1"><b xmlns=""/></a>"#), r#"<a xmlns="u:1"><b xmlns=""></b></a>"#);
    }

    #[test]
    fn line_ends_references_and_cdata() {
        assert_eq!(whole("<a>\r\n1\r2\n&#13;&#xA;&lt;&gt;&amp;&quot;&apos;&#x4E2D;</a>"), "<a>\n1\n2\n&#xD;\n&lt;&gt;&amp;\"'中</a>");
        assert_eq!(whole("<a><![CDATA[<b>&amp;\r\n]]></a>"), "<a>&lt;b&gt;&amp;amp;\n</a>");
        assert_eq!(whole("<a b='\r\n\t &#13;&#10;&#9;\"&lt;>&amp;'/>"), "<a b=\"   &#xD;&#xA;&#x9;&quot;&lt;>&amp;\"></a>");
    }

    #[test]
    fn one_element_shows_what_it_inherits() {
        let xml = r#"<r xmlns="u:d" xmlns:z="u:z" xmlns:b="u:b" xml:lang="zh"><z:s xmlns:b="u:c" a="1"><t/></z:s><u/></r>"#;
        let name = ElementName { space: "u:z", local: "s" };
        let only = canonical(xml.as_bytes(), Part::Only(name)).unwrap();
        let expected = r#"<z:s xmlns="u:d" xmlns:b="u:c" xmlns:z="u:z" a="1" xml:lang="zh"><t></t></z:s>"#;
        assert_eq!(String::from_utf8(only).unwrap(), expected);
        let without = canonical(xml.as_bytes(), Part::Without(name)).unwrap();
        let expected = r#"<r xmlns="u:d" xmlns:b="u:b" xmlns:z="u:z" xml:lang="zh"><u></u></r>"#;
        assert_eq!(String::from_utf8(without).unwrap(), expected);
    }

    #[test]
    fn what_is_there_twice_or_not_at_all() {
        let name = ElementName { space: "u:1", local: "s" };
        let refused = |xml: &str, part| canonical(xml.as_bytes(), part).unwrap_err().problem();
        let twice = r#"<r xmlns:p="u:1"><p:s/><q:s xmlns:q="u:1"/></r>"#;
        assert_eq!(refused(twice, Part::Without(name)), Problem::ElementTwice);
        assert_eq!(refused(twice, Part::Only(name)), Problem::ElementTwice);
        assert_eq!(refused("<r><s/></r>", Part::Only(name)), Problem::Missing);
        let deep = r#"<r xmlns:p="u:1"><b><p:s></p:s></b></r>"#;
        assert_eq!(canonical(deep.as_bytes(), Part::Without(name)).unwrap(), deep.as_bytes());
    }

    #[test]
    fn hostile_documents_are_refused() {
        assert_eq!(problem("<!DOCTYPE a><a/>"), Problem::Doctype);
        assert_eq!(problem("<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>"), Problem::Doctype);
        assert_eq!(problem("<a>&nbsp;</a>"), Problem::Entity);
        assert_eq!(problem("<a b='&x;'/>"), Problem::Entity);
        assert_eq!(problem("<a><?php echo ?></a>"), Problem::Instruction);
        assert_eq!(problem("<a/><?xml version=\"1.0\"?>"), Problem::Instruction);
        assert_eq!(problem(&format!("{}{}", "<a>".repeat(33), "</a>".repeat(33))), Problem::TooDeep);
        assert_eq!(problem(&format!("<a>{}</a>", "<b/>".repeat(500_000))), Problem::TooManyElements);
        let attributes: String = (0..33).map(|n| format!(" a{n}=''")).collect();
        assert_eq!(problem(&format!("<a{attributes}/>")), Problem::TooManyAttributes);
        assert_eq!(canonical(&vec![b' '; tokens::MAX_BYTES + 1], Part::Whole).unwrap_err().problem(), Problem::TooLarge);
        assert_eq!(problem("<a>\u{1}</a>"), Problem::Character);
        assert_eq!(problem("<a>&#0;</a>"), Problem::Character);
        assert_eq!(problem("<a>\u{FFFF}</a>"), Problem::Character);
        assert_eq!(problem("<p:a/>"), Problem::Prefix);
        assert_eq!(problem("<a b='1' b='2'/>"), Problem::AttributeTwice);
        assert_eq!(problem("<a xmlns:p='u:1' xmlns:q='u:1' p:b='1' q:b='2'/>"), Problem::AttributeTwice);
        for broken in [
            "",
            " ",
            "a",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/><b/>",
            "<a/>b",
            "<a>]]></a>",
            "<a b='<'/>",
            "<a b='1'c='2'/>",
            "<a b=1/>",
            "<1/>",
            "<a:b:c/>",
            "<a>&amp</a>",
            "<a><!-- a -- b --></a>",
            "<a",
            "<a b='1/>",
            "&lt;<a/>",
            "<a>< b/></a>",
            "<![CDATA[a]]><a/>",
            "<a b/>",
        ] {
            assert_eq!(problem(broken), Problem::Syntax, "{broken}");
        }
    }

    #[test]
    fn encodings() {
        let gbk = b"<?xml version=\"1.0\" encoding=\"GBK\"?><a>\xD6\xD0</a>";
        let error = canonical(gbk, Part::Whole).unwrap_err();
        assert_eq!((error.problem(), error.subject()), (Problem::OtherEncoding, "GBK"));
        assert_eq!(canonical(b"<a>\xD6\xD0</a>", Part::Whole).unwrap_err().problem(), Problem::NotUtf8);
        assert_eq!(problem("<?xml version=\"1.0\" encoding='gb2312'?><a/>"), Problem::OtherEncoding);
        assert_eq!(canonical(b"\xFF\xFE<\0a\0/\0>\0", Part::Whole).unwrap_err().problem(), Problem::NotUtf8);
        assert_eq!(whole("\0\u{FEFF}<?xml version='1.0'?><a/>"), "<a></a>");
        assert_eq!(problem("\0\0<a/>"), Problem::Character);
    }

    #[test]
    fn an_error_says_where() {
        let error = canonical("<a>\n  <b>中&x;</b></a>".as_bytes(), Part::Whole).unwrap_err();
        assert_eq!(error.place(), Some(crate::message::error::Place { line: 2, column: 7 }));
    }

    /// Pieces that make up documents, good and bad.
    const PIECES: [&str; 24] = [
        "<a>",
        "</a>",
        "<p:b>",
        "</p:b>",
        "<c xmlns=''/>",
        "<c xmlns='u:1' d=\"e\"/>",
        "<p:b xmlns:p='u:2'>",
        "<a x='1' xmlns:x='u:1' x:x='&lt;'>",
        "text",
        "\r\n",
        "&amp;",
        "&#13;",
        "&#x4E2D;",
        "&",
        ";",
        "<",
        ">",
        "<![CDATA[<]]>",
        "<!-- c -->",
        "中",
        "]]>",
        "\"",
        "=",
        "<?xml version='1.0'?>",
    ];

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(pieces in proptest::collection::vec(0..PIECES.len(), 0..24)) {
            let inner: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
            for xml in [format!("<r xmlns:p='u:0'>{inner}</r>"), inner] {
                let tree = crate::message::xml::tree::Document::read(xml.as_bytes());
                match canonical(xml.as_bytes(), Part::Whole) {
                    Ok(once) => {
                        proptest::prop_assert!(tree.is_ok());
                        proptest::prop_assert_eq!(&canonical(&once, Part::Whole).unwrap(), &once);
                    }
                    Err(error) => proptest::prop_assert!(tree.is_err() || error.problem() == Problem::AttributeTwice),
                }
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            let _ = canonical(&bytes, Part::Whole);
            let _ = crate::message::dxp::open(&bytes);
        }
    }
}
