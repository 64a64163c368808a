//! Good messages, and every way in which one may be spoilt: documents for two judges.

use std::ops::Range;

/// Where a leaf's text begins and ends, and where its tags do.
#[derive(Clone)]
pub struct Leaf {
    pub outer: Range<usize>,
    pub inner: Range<usize>,
}

/// The leaves of a message that is written without self-closing tags, comments and `>` in attributes.
pub fn leaves(text: &str) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    for (close, _) in text.match_indices("</") {
        let Some(open) = text[..close].rfind('<').filter(|&open| !text[open..].starts_with("</")) else { continue };
        let start = open + text[open..close].find('>').unwrap() + 1;
        let end = close + text[close..].find('>').unwrap() + 1;
        leaves.push(Leaf { outer: open..end, inner: start..close });
    }
    leaves
}

/// Texts at which a form may say no: lengths around every limit of the schemas, numbers at their bounds, moments, base64.
fn values() -> Vec<String> {
    let lengths = [1, 3, 4, 8, 9, 10, 13, 14, 15, 16, 17, 18, 19, 20, 30, 32, 36, 37, 50, 60, 100, 200, 250, 255, 300, 500, 1_000, 5_000];
    let mut values: Vec<_> = lengths.into_iter().flat_map(|length| [length, length + 1]).map(|length| "长".repeat(length)).collect();
    let others = [
        "",
        " ",
        "  ",
        " a  b ",
        "\t3\n",
        " 3",
        "3 ",
        "\u{a0}",
        "\u{3000}",
        "0",
        "3",
        "-0",
        "-1",
        "+1",
        "007",
        "1.0",
        "1.",
        ".5",
        ".",
        "-",
        "1e3",
        "1,5",
        "0x1",
        "１",
        "NaN",
        " 7 ",
        "1 2",
        "99999",
        "100000",
        "999999999",
        "1000000000",
        "2147483647",
        "2147483648",
        "-2147483648",
        "-2147483649",
        "0000000012345",
        "12345678901234.12345",
        "123456789012345.12345",
        "12345678901234.123450",
        "0.123456",
        "0.1234500",
        "-99999999999999.99999",
        "1234567890123456789",
        "12345678901234567890",
        "00000000000000000000000001.5",
        "AAAA",
        "AA==",
        "AAA=",
        "A A A A",
        "AAA",
        "2026-11-11",
        "2026-02-29",
        "2024-02-29Z",
        "2026-11-11+08:00",
        "2026-11-11T08:09:10",
        "2026-11-11T08:09:10.123Z",
        "2026-11-11T24:00:00",
        "2026-11-11T08:09:60",
        "20261111",
        "0000-01-01",
        "-0044-03-15",
        "2026-11-11T08:09:10+14:00",
        "2026-11-11T08:09:10+15:00",
        "2026-13-01",
        "12026-01-01",
        "&lt;&amp;&gt;",
        "&#32;3",
        "&#x4E2D;&#25991;",
        "&#13;",
        "\r\n",
        "a\rb",
    ];
    values.extend(others.map(str::to_owned));
    values
}

/// Ways to write a leaf: what it may still hold, and what it may not.
fn forms(outer: &str, inner: &str) -> Vec<String> {
    let open = &outer[..outer.find('>').unwrap()];
    let name = &open[1..open.find(' ').unwrap_or(open.len())];
    let local = name.split_once(':').map_or(name, |(_, local)| local);
    let element = |attributes: &str, text: &str| format!("{open}{attributes}>{text}</{name}>");
    let split = inner.chars().next().map_or(0, char::len_utf8);
    let (head, tail) = inner.split_at(split);
    vec![
        String::new(),
        format!("{open}/>"),
        outer.repeat(2),
        format!("{outer}\n{outer}\n{outer}"),
        element(" a=\"1\"", inner),
        element(" guid=\"1\"", inner),
        element(" xml:lang=\"zh\"", inner),
        element(" xmlns:q=\"u:q\"", inner),
        element(" xmlns:q=\"u:q\" q:a=\"1\"", inner),
        element(" xmlns=\"u:q\"", inner),
        element("\n", inner),
        element("", &format!("<!-- a -->{inner}")),
        element("", &format!("{head}<!---->{tail}")),
        element("", &format!("<![CDATA[{inner}]]>")),
        element("", &format!("{head}<![CDATA[{tail}]]>")),
        element("", "<![CDATA[]]>"),
        element("", "<!-- -->"),
        element("", &format!("{inner}<b/>")),
        element("", &format!("{inner} ")),
        element("", &format!("{inner}&nbsp;")),
        element("", &format!("{inner}&#0;")),
        element("", &format!("{inner}\u{1}")),
        element("", &format!("{inner}]]>")),
        element("", &format!("{inner}&")),
        element("", &format!("{inner}<")),
        format!("<{local} xmlns=\"\">{inner}</{local}>"),
        format!("<{local} xmlns=\"http://www.chinaport.gov.cn/ceb\">{inner}</{local}>"),
        format!("<q:{local} xmlns:q=\"http://www.chinaport.gov.cn/dxp\">{inner}</q:{local}>"),
        format!("<q:{local}>{inner}</q:{local}>"),
        format!("<{name}x>{inner}</{name}x>"),
        format!("<{name}>{inner}</{name}x>"),
        format!("<!-- {outer} -->"),
        format!("<![CDATA[{outer}]]>"),
        format!("a{outer}"),
        format!("&#32;{outer}"),
        format!("<![CDATA[ ]]>{outer}"),
        format!("{outer}<b><c/></b>"),
        format!("<b/>{outer}"),
        format!("\u{feff}{outer}"),
        format!("\t \r\n{outer}"),
    ]
}

/// Every leaf of a message spoilt in every way, one at a time; each leaf also changed with the next one.
pub fn of_leaves(text: &str) -> Vec<String> {
    let values = values();
    let leaves = leaves(text);
    let mut mutants = Vec::new();
    let put = |range: &Range<usize>, with: &str| [&text[..range.start], with, &text[range.end..]].concat();
    for (place, leaf) in leaves.iter().enumerate() {
        let outer = &text[leaf.outer.clone()];
        mutants.extend(forms(outer, &text[leaf.inner.clone()]).iter().map(|form| put(&leaf.outer, form)));
        mutants.extend(values.iter().map(|value| put(&leaf.inner, value)));
        for later in leaves.iter().skip(place + 1).take(2) {
            let between = &text[leaf.outer.end..later.outer.start];
            mutants.push(put(&(leaf.outer.start..later.outer.end), &[&text[later.outer.clone()], between, outer].concat()));
        }
    }
    mutants
}

/// The whole of a message spoilt: its root, its blocks, what stands before and behind.
pub fn of_whole(text: &str) -> Vec<String> {
    let body = text.split_once("?>").map_or(text, |(_, body)| body);
    let root_end = body.find('>').unwrap();
    let (open, rest) = body.split_at(root_end);
    let mut mutants = vec![
        format!("\u{feff}{text}"),
        format!("\u{feff}\u{feff}{text}"),
        format!("\0{text}"),
        format!("\n{text}"),
        format!("\n<?xml version=\"1.0\"?>{body}"),
        format!("<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n{body}\n"),
        format!("<?xml version=\"1.0\" encoding=\"GBK\"?>{body}"),
        format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{}", body.replace(|c: char| !c.is_ascii(), "a")),
        format!("<?xml encoding=\"UTF-8\"?>{body}"),
        format!("<!DOCTYPE a>{body}"),
        format!("<?a b?>{body}"),
        format!("{body}<?a b?>"),
        format!("<!-- a -->{body}<!-- b -->"),
        format!("<!-- a -- b -->{body}"),
        format!("{body}a"),
        format!("{body}{body}"),
        body[..body.len() - 1].to_owned(),
        body[..body.len() / 2].to_owned(),
        String::new(),
        format!("{open} a=\"1\"{rest}"),
        format!("{open} xml:lang=\"zh\"{rest}"),
        format!("{open} Id=\"a1\"{rest}"),
        format!("{open} Id=\"1a\"{rest}"),
        format!("{open} Id=\" a1 \"{rest}"),
        format!("{open} xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"{rest}"),
        format!("{open} xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:nil=\"false\"{rest}"),
        format!("{open} xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:nil=\"true\"{rest}"),
        format!("{open} xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:other=\"true\"{rest}"),
        format!("{open} xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:type=\"a\"{rest}"),
        format!("{open}>a{}", &rest[1..]),
        format!("{open}> <!-- a --> {}", &rest[1..]),
        format!("{open}><![CDATA[ ]]>{}", &rest[1..]),
        format!("{open}>&#32;{}", &rest[1..]),
        format!("{open}>&#97;{}", &rest[1..]),
        format!("{open}><other/>{}", &rest[1..]),
        format!("{open}><o:other xmlns:o=\"u:o\"><a/></o:other>{}", &rest[1..]),
        text.replace("http://www.chinaport.gov.cn/", "http://www.chinaport.gov.cn/x"),
        text.replace("Message", "message"),
        text.replace("><", ">\r\n\t<"),
        text.replace("><", "><!-- a --><"),
        text.replace('"', "'"),
        text.replace("version=\"1.0\"", ""),
        text.replace("version=\"1.0\"", "version=\"\""),
        text.replace("version=\"1.0\"", "version=\"1234567890\""),
        text.replace("version=\"1.0\"", "version=\"12345678901\""),
        text.replace("version=\"1.0\"", "version=\"1.0\" version=\"1.0\""),
        text.replace(" ver=\"1.0\"", ""),
        text.replace("ver=\"1.0\"", "ver=\"1.1\""),
        text.replace("ver=\"1.0\"", "ver=\" 1.0\""),
        text.replace("ver=\"1.0\"", "ver=\"1&#46;0\""),
        text.replace(" guid=\"A", " guid=\""),
        text.replace(" guid=\"A", " guid=\"&#x4e2d;"),
        text.replace(" guid=\"A", " guid=\"\n"),
        text.replace(" guid=\"A", " guid=\"<"),
        text.replace(" guid=\"A", " xguid=\"A"),
    ];
    mutants.extend(blocks(text));
    mutants.retain(|mutant| mutant != text);
    mutants
}

/// Blocks left out, doubled, exchanged, repeated to their bounds.
fn blocks(text: &str) -> Vec<String> {
    let mut found: Vec<(Range<usize>, String)> = Vec::new();
    // Every element that holds others, at the first place where it stands; what an extension holds is left alone.
    for (start, _) in text.match_indices("><").map(|(at, _)| (text[..at].rfind('<').unwrap(), at)) {
        let Some((tag, _)) = text[start + 1..].split_once('>') else { continue };
        let close = format!("</{tag}>");
        let known = tag.starts_with(['/', '?', '!'])
            || tag.contains([' ', '"'])
            || tag.starts_with("o:")
            || found.iter().any(|(_, other)| *other == close);
        let Some(end) = text[start..].find(&close).filter(|_| !known) else { continue };
        if text[start + tag.len() + 2..].starts_with("</") {
            continue;
        }
        found.push((start..start + end + close.len(), close));
    }
    let mut mutants = Vec::new();
    for (range, close) in &found {
        let (before, block, after) = (&text[..range.start], &text[range.clone()], &text[range.end..]);
        let open = &block[..block.find('>').unwrap() + 1];
        for with in [
            String::new(),
            block.repeat(2),
            block.repeat(5),
            block.repeat(6),
            block.repeat(100),
            block.repeat(101),
            format!("{open}{close}"),
            format!("{} a=\"1\">{}", &open[..open.len() - 1], &block[open.len()..]),
            format!("{open} a {}", &block[open.len()..]),
            format!("{open}<b/>{}", &block[open.len()..]),
            format!("{}<b/>{close}", &block[..block.len() - close.len()]),
        ] {
            mutants.push([before, &with, after].concat());
        }
        for (other, _) in found.iter().filter(|(other, _)| other.start >= range.end) {
            let moved = [before, &text[range.end..other.end], block, &text[other.end..]].concat();
            mutants.push(moved);
        }
    }
    mutants
}

/// Several leaves spoilt at once, by chance: the same ones in every run.
pub fn by_chance(text: &str, count: usize, seed: u64) -> Vec<String> {
    let values = values();
    let leaves = leaves(text);
    let mut state = seed;
    let mut chance = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let mut mutants = Vec::new();
    for _ in 0..count {
        let mut changes: Vec<_> = (0..=chance(3)).map(|_| chance(leaves.len())).collect();
        changes.sort_unstable();
        changes.dedup();
        let mut mutant = text.to_owned();
        for place in changes.into_iter().rev() {
            let Leaf { outer, inner } = leaves[place].clone();
            if chance(2) == 0 {
                let forms = forms(&text[outer.clone()], &text[inner]);
                // Those at the front leave the document readable.
                mutant.replace_range(outer, &forms[chance(17)]);
            } else {
                mutant.replace_range(inner, &values[chance(values.len())]);
            }
        }
        mutants.push(mutant);
    }
    mutants
}
