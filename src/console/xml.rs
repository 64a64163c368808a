//! XML in colours, with a line for each element. Only the look is ours: every character goes out escaped, in its order, but for the line
//! breaks that are put between elements. What is no XML comes out as the text that it is.

use maud::{Markup, html};

/// Elements that lie deeper stand no farther in.
const DEEPEST: usize = 20;

/// A piece of XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'a> {
    /// `<…>`
    Tag(&'a str),
    /// What begins `<?` or `<!`.
    Aside(&'a str),
    Text(&'a str),
}

/// The pieces of a text, one after the other; all of it is in one of them.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let length = match rest.strip_prefix('<') {
            None => rest.find('<').unwrap_or(rest.len()),
            Some(_) if rest.starts_with("<!--") => rest.find("-->").map_or(rest.len(), |end| end + 3),
            Some(_) if rest.starts_with("<![CDATA[") => rest.find("]]>").map_or(rest.len(), |end| end + 3),
            Some(_) => rest.find('>').map_or(rest.len(), |end| end + 1),
        };
        let (piece, after) = rest.split_at(length);
        pieces.push(match piece {
            _ if !piece.starts_with('<') => Piece::Text(piece),
            _ if piece.starts_with("<?") || piece.starts_with("<!") => Piece::Aside(piece),
            _ => Piece::Tag(piece),
        });
        rest = after;
    }
    pieces
}

/// The text in colours.
pub(super) fn coloured(text: &str) -> Markup {
    let pieces = pieces(text);
    let mut depth: usize = 0;
    let mut lines = Vec::with_capacity(pieces.len());
    let mut before = None;
    for piece in pieces {
        let closes = matches!(piece, Piece::Tag(tag) if tag.starts_with("</"));
        depth = depth.saturating_sub(usize::from(closes));
        // Between two tags there is a line's end, but for an element that is empty.
        let breaks = match (before, piece) {
            (None, _) | (Some(Piece::Text(_)), _) | (_, Piece::Text(_)) => false,
            (Some(Piece::Tag(open)), Piece::Tag(close)) => !(close.starts_with("</") && !open.starts_with("</") && !open.ends_with("/>")),
            _ => true,
        };
        lines.push((breaks.then_some(depth), piece));
        let opens = matches!(piece, Piece::Tag(tag) if !tag.starts_with("</") && !tag.ends_with("/>"));
        depth += usize::from(opens);
        before = Some(piece);
    }
    html! {
        @for (line, piece) in lines {
            @if let Some(depth) = line { "\n" @for _ in 0..depth.min(DEEPEST) { "  " } }
            @match piece {
                Piece::Text(text) => { span.x-text { (text) } }
                Piece::Aside(text) => { span.x-mark { (text) } }
                Piece::Tag(tag) => { (coloured_tag(tag)) }
            }
        }
    }
}

/// The name of an element and its attributes.
fn coloured_tag(tag: &str) -> Markup {
    let end = tag.find([' ', '\t', '\r', '\n']).unwrap_or(tag.len());
    let (name, mut rest) = tag.split_at(end);
    let mut attributes = Vec::new();
    while let Some(at) = rest.find(['"', '\'']) {
        let (attribute, quoted) = rest.split_at(at);
        let quote = quoted.chars().next().unwrap_or('"');
        let Some(close) = quoted.get(1..).and_then(|inner| inner.find(quote)) else { break };
        let (value, after) = quoted.split_at(close + 2);
        attributes.push((attribute, value));
        rest = after;
    }
    html! {
        span.x-tag { (name) }
        @for (attribute, value) in attributes { span.x-name { (attribute) } span.x-value { (value) } }
        span.x-tag { (rest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left when the colours are taken away.
    fn plain(markup: &str) -> String {
        let mut text = String::new();
        let mut rest = markup;
        while let Some(at) = rest.find('<') {
            text.push_str(&rest[..at]);
            rest = &rest[at + rest[at..].find('>').unwrap() + 1..];
        }
        text.push_str(rest);
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    }

    #[test]
    fn every_character_comes_out_in_its_order_and_escaped() {
        for text in [
            "<?xml version=\"1.0\"?><a b=\"1>\" c='&lt;'><d>x &amp; y</d><e/><f></f></a>",
            "<script>alert('1')</script>",
            "no xml at all < & \" '",
            "<unfinished a=\"b",
            "<!-- <b> --><![CDATA[<c>]]>",
            "<a\n b='\"'>中文</a>",
            "",
        ] {
            let markup = coloured(text).into_string();
            let without = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            assert_eq!(without(&plain(&markup)), without(text), "{markup}");
            assert!(!markup.contains("<script") && !markup.contains("<b>"), "{markup}");
        }
        let markup = plain(&coloured("<a><b>1</b><c><d/></c><e></e></a>").into_string());
        assert_eq!(markup, "<a>\n  <b>1</b>\n  <c>\n    <d/>\n  </c>\n  <e></e>\n</a>");
    }
}
