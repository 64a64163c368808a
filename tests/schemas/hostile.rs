//! Messages that mean harm, or are only odd: each has libxml2's verdict, or our refusal by name.

use std::path::PathBuf;

use tongguan::{
    declaration::Kind,
    message::{self, Message},
};

use super::{official_schema, our_schema, signed, verdicts};

/// What must become of a document.
#[derive(Clone, Copy)]
enum Verdict {
    /// As libxml2 says.
    Same,
    /// As libxml2 says: valid.
    Valid,
    /// We refuse it by this code, whatever libxml2 says.
    Refused(&'static str),
}
use Verdict::{Refused, Same, Valid};

const REFUSED: Verdict = Refused("S-REFUSED");
const LIMIT: Verdict = Refused("S-LIMIT");
const ENCODING: Verdict = Refused("S-ENCODING");
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
const EXTENSION: &str = concat!(
    "<ceb:ExtendMessage><ceb:name>a</ceb:name><ceb:version>1</ceb:version><ceb:Message>",
    "<o:other xmlns:o=\"u:o\"><o:a>b</o:a></o:other></ceb:Message></ceb:ExtendMessage>"
);

/// An inventory with a signature and an extension, in which anything may stand.
fn good() -> String {
    let text = String::from_utf8(signed(Kind::Inventory)).unwrap();
    text.replace("</ceb:CEB603Message>", &format!("{EXTENSION}</ceb:CEB603Message>"))
}

struct Trials {
    good: String,
    all: Vec<(String, Vec<u8>, Verdict)>,
}

impl Trials {
    fn add(&mut self, document: impl Into<Vec<u8>>, verdict: Verdict) {
        let document = document.into();
        let name = String::from_utf8_lossy(&document[..document.len().min(8_000)]).into_owned();
        self.all.push((name, document, verdict));
    }

    /// In place of something in the good message.
    fn instead(&mut self, of: &str, verdict: Verdict, with: &[&str]) {
        assert!(self.good.contains(of), "{of}");
        for with in with {
            let document = self.good.replacen(of, with, 1);
            self.all.push((format!("{of} → {}", with.chars().take(200).collect::<String>()), document.into_bytes(), verdict));
        }
    }

    /// In place of what stands in the extension.
    fn inside(&mut self, verdict: Verdict, with: &[&str]) {
        self.instead("<o:a>b</o:a>", verdict, with);
    }

    /// Around the whole message.
    fn around(&mut self, verdict: Verdict, pieces: &[(&str, &str)]) {
        for (before, after) in pieces {
            self.add(format!("{before}{}{after}", self.good), verdict);
        }
    }
}

fn depth_and_size(trials: &mut Trials) {
    let nested = |depth: usize| format!("{}{}", "<o:a>".repeat(depth), "</o:a>".repeat(depth));
    // The root, ExtendMessage, Message and other stand above: 32 in all are read.
    trials.inside(Valid, &[&nested(28)]);
    trials.inside(LIMIT, &[&nested(29), &nested(200), &nested(100_000), &"<o:a>".repeat(1_000_000)]);
    let attributes = |count: usize| format!("<o:a{}/>", (0..count).map(|number| format!(" a{number}=\"\"")).collect::<String>());
    trials.inside(Valid, &[&attributes(32)]);
    trials.inside(LIMIT, &[&attributes(33), &attributes(1_000_000)]);
    let declarations = |count: usize| format!("<o:a{}/>", (0..count).map(|number| format!(" xmlns:a{number}=\"u\"")).collect::<String>());
    trials.inside(LIMIT, &[&declarations(100_000)]);
    trials.inside(Valid, &[&"<o:a/>".repeat(100_000)]);
    trials.inside(LIMIT, &[&"<o:a/>".repeat(600_000)]);
    trials.inside(
        Valid,
        &[&"长".repeat(1_000_000), &format!("<o:{}/>", "n".repeat(40_000)), &format!("<o:a b=\"{}\"/>", "v".repeat(1_000_000))],
    );
    trials.instead(
        "<ceb:trafName>CZ<",
        Same,
        &[&format!("<ceb:trafName>{}<", "长".repeat(1_000_000)), &format!("<ceb:trafName>{}<", " ".repeat(101))],
    );
    trials.add(format!("{}{}", trials.good.clone(), " ".repeat(33 << 20)), LIMIT);
    trials.add(format!("<!--{}-->{}", "a".repeat(1_000_000), trials.good.clone()), Valid);
}

fn entities(trials: &mut Trials) {
    let laughs = (1..10).map(|level| format!("<!ENTITY l{level} \"{}\">", format!("&l{};", level - 1).repeat(10))).collect::<String>();
    let refused = [
        format!("<!DOCTYPE a [<!ENTITY l0 \"ha\">{laughs}]>"),
        "<!DOCTYPE a SYSTEM \"file:///etc/passwd\">".to_owned(),
        "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>".to_owned(),
        "<!DOCTYPE a [<!ENTITY % x SYSTEM \"http://localhost:1/x\"> %x;]>".to_owned(),
        "<!DOCTYPE a>".to_owned(),
        "<!DOCTYPE a [<!ATTLIST a b CDATA \"c\">]>".to_owned(),
        "<!DOCTYPE a [<!ELEMENT a ANY><!-- ]> -->]>".to_owned(),
    ];
    for doctype in &refused {
        trials.around(REFUSED, &[(doctype, "")]);
        trials.add(format!("{DECLARATION}\n{doctype}{}", trials.good.clone()), REFUSED);
    }
    trials.around(
        Same,
        &[
            ("<!DOCTYPE", ""),
            ("<!DOCTYPE>", ""),
            ("", "<!DOCTYPE a>"),
            ("<!DOCTYPE a [", ""),
            ("<!ENTITY a \"b\">", ""),
            ("<!doctype a>", ""),
        ],
    );
    let vehicle = |text: &str| format!("<ceb:trafName>{text}<");
    for text in [
        "&nbsp;",
        "&lt",
        "&;",
        "& ",
        "&#;",
        "&#x;",
        "&#+65;",
        "&#-65;",
        "&#X41;",
        "&#65 ;",
        "&# 65;",
        "&#x110000;",
        "&#xD800;",
        "&#0;",
        "&#x1F;",
        "&#xFFFE;",
        "&#99999999999;",
        "&#xFFFFFFFFF41;",
        "&LT;",
        "&amp",
        "&amp;lt;",
        "&#38;lt;",
        "&#38;#60;",
        "&#x26;amp;",
        "&#0065;",
        "&#00000000000000000065;",
        "&#x0000000000000041;",
        "&#9;&#10;&#13;",
        "&#x85;",
        "&quot;&apos;&gt;&lt;&amp;",
        "&#x10FFFF;",
        "&#127;",
    ] {
        trials.instead("<ceb:trafName>CZ<", Same, &[&vehicle(text)]);
    }
    trials.instead(
        "version=\"1.0\"",
        Same,
        &[
            "version=\"&nbsp;\"",
            "version=\"&#49;.0\"",
            "version=\"&lt;\"",
            "version=\"&#0;\"",
            "version=\"&amp\"",
            "version=\"<\"",
            "version=\"a>b\"",
        ],
    );
}

fn odd_places(trials: &mut Trials) {
    trials.instead(
        "<ceb:packNo>1<",
        Same,
        &[
            "<ceb:packNo>1<!-- a -->2<",
            "<ceb:packNo><!----><",
            "<ceb:packNo>1<!--><",
            "<ceb:packNo>1<!---><",
            "<ceb:packNo>1<!-- -- --><",
            "<ceb:packNo>1<!-- ---><",
            "<ceb:packNo>1<!- a --><",
            "<ceb:packNo>1<! a><",
            "<ceb:packNo>1<!---- a ---->",
            "<ceb:packNo><![CDATA[1]]><",
            "<ceb:packNo><![CDATA[1]]]><",
            "<ceb:packNo><![cdata[1]]><",
            "<ceb:packNo><![CDATA [1]]><",
            "<ceb:packNo><![CDATA[1]]><![CDATA[2]]><",
            "<ceb:packNo><![CDATA[<![CDATA[1]]>]]><",
            "<ceb:packNo>]]>1<",
            "<ceb:packNo><!-- a --",
            "<ceb:packNo><![CDATA[1",
            "<ceb:packNo ><",
            "<ceb:packNo\n>1<",
            "<ceb:packNo/>1<",
            "< ceb:packNo>1<",
            "<ceb :packNo>1<",
            "<ceb: packNo>1<",
            "<ceb:packNo/ >1<",
            "<ceb:packNo>1</ceb:packNo><",
            "<ceb:packNo a>1<",
            "<ceb:packNo a=>1<",
            "<ceb:packNo a=b>1<",
            "<ceb:packNo \"a\">1<",
            "<ceb:packNo =\"a\">1<",
            "<<ceb:packNo>1<",
            "<ceb:packNo>>1<",
            "<ceb:packNo>1\u{a0}<",
        ],
    );
    trials.instead(
        "</ceb:packNo>",
        Same,
        &[
            "</ceb:packno>",
            "</ceb:packNo >",
            "</ceb:packNo\r\n\t>",
            "</ ceb:packNo>",
            "</ceb:packNo/>",
            "</ceb:packNo a=\"b\">",
            "</packNo>",
            "</ceb:packNo",
            "</>",
            "",
        ],
    );
    trials.instead(
        "</ceb:trafName>",
        Same,
        &[
            "]]</ceb:trafName>",
            "]] ></ceb:trafName>",
            "<![CDATA[]]]]></ceb:trafName>",
            "<![CDATA[]]]]>></ceb:trafName>",
            "]]&gt;</ceb:trafName>",
            "<![CDATA[a\r\nb\rc]]></ceb:trafName>",
        ],
    );
    trials.instead(
        "<ceb:BaseTransfer>",
        Same,
        &["<!-- a --><ceb:BaseTransfer>", "<![CDATA[a]]><ceb:BaseTransfer>", "a<ceb:BaseTransfer>", "<ceb:BaseTransfer><!-- a -->"],
    );
    trials.around(
        Same,
        &[
            ("<![CDATA[ ]]>", ""),
            ("", "<![CDATA[ ]]>"),
            ("a", ""),
            ("", "a"),
            ("&#32;", ""),
            ("", "&#32;"),
            ("<a/>", ""),
            ("", "<a/>"),
            ("", "</a>"),
            ("<!-- a", ""),
            ("", "<!-- a"),
            ("", "<"),
            ("<", ""),
        ],
    );
    trials.around(Valid, &[("<!-- a -->", "<!-- b -->"), (" \n\t\r\n", "\r\n "), ("", "\n<!-- a -->\n"), ("<!--\u{FF0C}<a>&b;-->", "")]);
    trials.around(
        REFUSED,
        &[
            ("<?a?>", ""),
            ("<?xml-stylesheet href=\"file:///a\"?>", ""),
            ("", "<?a b?>"),
            (" <?xml version=\"1.0\"?>", ""),
            ("", DECLARATION),
            ("<?XML version=\"1.0\"?>", ""),
        ],
    );
    trials.inside(REFUSED, &["<?a?>", "<?xml version=\"1.0\"?>"]);
    trials.around(Same, &[("<?", ""), ("<??>", ""), ("<?a", ""), ("<?xml version=\"1.0\"", "")]);
    for whole in [
        "",
        " ",
        "\n\n",
        DECLARATION,
        "<!-- a -->",
        "a",
        "<",
        "<a",
        "<>",
        "</a>",
        "<a/>",
        "<a></b>",
        "&lt;",
        "\u{0}",
        "<ceb:CEB603Message/>",
    ] {
        trials.add(
            whole,
            Refused(if whole == "<a/>" || whole == "<a></b>" {
                "S-ROOT"
            } else if whole.starts_with("<ceb") {
                "S-PREFIX"
            } else {
                "S-XML"
            }),
        );
    }
    trials.instead(
        "guid=\"",
        Same,
        &[
            "guid = \"",
            "guid\n=\n\"",
            "guid=\"A\" guid=\"",
            "guid='A' Guid=\"",
            "a guid=\"",
            "guid=\"A\"guid=\"",
            ";guid=\"",
            "ceb:guid=\"",
            "xml:guid=\"A\" guid=\"",
            "xml:lang=\"zh\" guid=\"",
        ],
    );
}

fn declarations(trials: &mut Trials) {
    let declared = |inside: &str| format!("<?xml{inside}?>");
    for (inside, verdict) in [
        (" version='1.0' encoding='utf-8' standalone='yes'", Valid),
        (" version=\"1.0\"\nencoding = \"Utf-8\" ", Valid),
        (" version=\"1.0\" standalone=\"no\"", Valid),
        (" version=\"1.0\"", Valid),
        ("", Same),
        (" encoding=\"UTF-8\"", Same),
        (" encoding=\"UTF-8\" version=\"1.0\"", Same),
        (" version=\"1.0\"encoding=\"UTF-8\"", Same),
        (" version=\"1.0\" encoding=UTF-8", Same),
        (" version=\"1.0\" encoding=\"\"", Same),
        (" version=\"1.0\" encoding=\"UTF 8\"", Same),
        (" version=\"1.0\" standalone=\"maybe\"", Same),
        (" version=\"1.0\" a=\"b\"", Same),
        (" version=\"1.0\" version=\"1.0\"", Same),
        (" version=\"\"", Same),
        (" version=\"1\"", Same),
        // libxml2 reads what says 1.1 as 1.0; no message says so (messages §3).
        (" version=\"1.1\"", Refused("S-XML")),
        (" version=\"1.0\" encoding=\"GBK\"", ENCODING),
        (" version=\"1.0\" encoding=\"UTF-16\"", ENCODING),
        (" version=\"1.0\" encoding=\"UTF8\"", ENCODING),
        (" version=\"1.0\" encoding=\"ISO-8859-1\"", ENCODING),
        (" version=\"1.0\" encoding=\"US-ASCII\"", ENCODING),
        (" version=\"1.0\" encoding=\"UTF-7\"", ENCODING),
    ] {
        trials.add(format!("{}{}", declared(inside), trials.good.clone()), verdict);
    }
}

fn bytes(trials: &mut Trials) {
    let good = trials.good.clone();
    let with = |before: &[u8]| [before, good.as_bytes()].concat();
    trials.add(with(b"\xEF\xBB\xBF"), Valid);
    trials.add([b"\xEF\xBB\xBF".as_slice(), DECLARATION.as_bytes(), good.as_bytes()].concat(), Valid);
    for (before, verdict) in [
        (b"\xEF\xBB\xBF\xEF\xBB\xBF".as_slice(), Same),
        (b"\xEF\xBB", ENCODING),
        (b"\0", Refused("S-XML")),
        (b"\0\0", Refused("S-XML")),
        (b"\xFE\xFF", ENCODING),
        (b"\x00\x00\xFE\xFF", Refused("S-XML")),
        (b"\x1F\x8B\x08", Refused("S-ENCODING")),
    ] {
        trials.add(with(before), verdict);
    }
    trials.add([DECLARATION.as_bytes(), b"\xEF\xBB\xBF", good.as_bytes()].concat(), Same);
    for (mark, big) in [(b"\xFF\xFE", false), (b"\xFE\xFF", true)] {
        let units = good.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
        trials.add(mark.iter().copied().chain(units).collect::<Vec<_>>(), ENCODING);
    }
    let vehicle = good.find("<ceb:trafName>CZ").unwrap() + "<ceb:trafName>".len();
    let put = |text: &[u8]| [&good.as_bytes()[..vehicle], text, &good.as_bytes()[vehicle..]].concat();
    let broken: [&[u8]; 9] = [
        b"\xC0\xAF",
        b"\xC1\x81",
        b"\xE0\x80\xAF",
        b"\xED\xA0\x80",
        b"\xED\xA0\xBD\xED\xB8\x80",
        b"\xF4\x90\x80\x80",
        b"\xD6\xD0",
        b"\x80",
        b"\xE4\xB8",
    ];
    for text in broken {
        trials.add(put(text), ENCODING);
    }
    for text in [
        "\u{0}",
        "\u{1}",
        "\u{B}",
        "\u{1F}",
        "\u{7F}",
        "\u{80}",
        "\u{85}",
        "\u{FFFD}",
        "\u{FFFE}",
        "\u{FFFF}",
        "\u{FFE5}",
        "\u{FEFF}",
        "\u{1FFFE}",
        "\u{10FFFF}",
        "\u{2028}",
        "\u{E000}",
    ] {
        trials.add(put(text.as_bytes()), Same);
    }
    // A character is a character, whatever it takes to write it.
    trials.instead(
        "<ceb:appType>2<",
        Same,
        &[
            "<ceb:appType>😀<",
            "<ceb:appType>长<",
            "<ceb:appType>e\u{301}<",
            "<ceb:appType>\r\n<",
            "<ceb:appType>\r\r<",
            "<ceb:appType>&#13;&#10;<",
            "<ceb:appType>\u{200B}<",
        ],
    );
    trials.instead(
        "<ceb:fCurrency>142<",
        Same,
        &[
            "<ceb:fCurrency>a\r\nb<",
            "<ceb:fCurrency>a\rb<",
            "<ceb:fCurrency>a&#13;\nb<",
            "<ceb:fCurrency>\u{1F468}\u{200D}\u{1F469}<",
            "<ceb:fCurrency>\u{3000} \t<",
        ],
    );
}

fn namespaces(trials: &mut Trials) {
    const CEB: &str = "xmlns:ceb=\"http://www.chinaport.gov.cn/ceb\"";
    let good = trials.good.clone();
    trials.add(good.replace("xmlns:ceb=", "xmlns=").replace("ceb:", ""), Valid);
    trials.add(good.replace("ceb:", "q:").replace("xmlns:ceb=", "xmlns:q="), Valid);
    trials.add(good.replace("ceb:", "名:").replace("xmlns:ceb=", "xmlns:名="), Valid);
    trials.add(
        good.replace(CEB, &format!("{CEB} xmlns=\"http://www.chinaport.gov.cn/ceb\"")).replace("ceb:BaseTransfer", "BaseTransfer"),
        Valid,
    );
    trials.instead(
        "<ceb:BaseTransfer>",
        Valid,
        &[&format!("<ceb:BaseTransfer {CEB}>"), "<ceb:BaseTransfer xmlns=\"\">", "<ceb:BaseTransfer xmlns=\"u:q\">"],
    );
    trials.instead(
        "http://www.chinaport.gov.cn/ceb",
        Refused("S-ROOT"),
        &[
            "http://www.chinaport.gov.cn/CEB",
            "http://www.chinaport.gov.cn/ceb/",
            "https://www.chinaport.gov.cn/ceb",
            "http://www.chinaport.gov.cn/dxp",
            " http://www.chinaport.gov.cn/ceb",
            "http://www.chinaport.gov.cn/ce&#x62; ",
        ],
    );
    trials.instead("http://www.chinaport.gov.cn/ceb", Valid, &["&#104;ttp://www.chinaport.gov.cn/ceb"]);
    trials.instead(
        CEB,
        Refused("S-PREFIX"),
        &[
            "xmlns:ceb=\"\"",
            "xmlns:cec=\"http://www.chinaport.gov.cn/ceb\"",
            &format!("{CEB} xmlns:xml=\"u:q\""),
            &format!("{CEB} xmlns:xmlns=\"u:q\""),
            &format!("{CEB} xmlns:q=\"http://www.w3.org/2000/xmlns/\""),
        ],
    );
    trials.instead(CEB, Valid, &[&format!("{CEB} xmlns:xml=\"http://www.w3.org/XML/1998/namespace\"")]);
    trials.instead(
        "<ceb:packNo>1<",
        Same,
        &["<ceb:packNo xmlns:ceb=\"u:q\">1<", "<ceb:packNo xmlns:ceb=\"http://www.chinaport.gov.cn/dxp\">1<"],
    );
    trials.inside(Refused("S-PREFIX"), &["<p:a/>", "<o:a p:b=\"1\"/>", "<xmlns:a/>"]);
    // Names in XML 1.0, fifth edition: letters of every script, but no signs and no marks in front.
    for name in [
        "名称",
        "é",
        "a·b",
        "_",
        "a\u{300}",
        "\u{10000}",
        "\u{3002}",
        "\u{300}a",
        "×",
        "a\u{3000}b",
        "–",
        "·a",
        "\u{E000}",
        "\u{F900}",
        "a\u{2040}",
        "\u{200C}",
        "\u{2070}",
        "1a",
        "-a",
        "a,b",
        "a+b",
        "a$",
        "\u{37E}",
        "\u{FFFD}",
    ] {
        // Behind a prefix libxml2 only tells of what starts with no letter, and goes on.
        let starts = !name.starts_with(['\u{300}', '·', '1', '-']);
        trials.inside(if starts { Same } else { Refused("S-XML") }, &[&format!("<o:{name}/>")]);
        trials.inside(Same, &[&format!("<o:a {name}=\"1\"/>"), &format!("<{name}/>")]);
    }
    // libxml2 tells of these and goes on; to us they are no names (Namespaces in XML 1.0, 3 and 6.3).
    trials.inside(
        Refused("S-XML"),
        &[
            "<o:a:b/>",
            "<:a/>",
            "<o:/>",
            "<o:a :b=\"1\"/>",
            "<o:a o:b:c=\"1\"/>",
            "<o:1/>",
            "<o:a xmlns:p=\"u:o\" o:b=\"1\" p:b=\"2\"/>",
            "<o:a xmlns:p=\"u:p\" xmlns:q=\"u:p\" p:b=\"1\" q:b=\"2\"/>",
        ],
    );
    trials.inside(Valid, &["<o:a xmlns:p=\"u:p\" o:b=\"1\" p:b=\"2\" b=\"3\"/>", "<o:a xmlns:p=\"u:o\" o:b=\"1\" p:c=\"2\"/>"]);
}

fn instances(trials: &mut Trials) {
    let instance = Refused("S-INSTANCE");
    trials.instead(
        "<ceb:packNo>1<",
        instance,
        &[
            "<ceb:packNo xsi:type=\"xs:int\">1<",
            "<ceb:packNo xsi:nil=\"true\"><",
            "<ceb:packNo xsi:nil=\"false\">1<",
            "<ceb:packNo xsi:other=\"\">1<",
        ],
    );
    trials.instead(
        "<ceb:packNo>1<",
        instance,
        &["<ceb:packNo xmlns:x=\"http://www.w3.org/2001/XMLSchema\" xsi:type=\"x:string\">a<", "<ceb:packNo xsi:type=\"ceb:N9\">1<"],
    );
    // Nothing is fetched from there, by either.
    let locations = [
        "xsi:schemaLocation=\"http://www.chinaport.gov.cn/ceb http://localhost:1/a.xsd\" guid=\"",
        "xsi:noNamespaceSchemaLocation=\"file:///etc/passwd\" guid=\"",
    ];
    trials.instead("guid=\"", Valid, &locations);
    trials.instead("<ceb:packNo>1<", Valid, &["<ceb:packNo xsi:noNamespaceSchemaLocation=\"a.xsd\">1<"]);
    for id in ["名", "_a", "a.b-c", "1", "a b", "a:b", "", " a ", "×", "·a", "-a"] {
        trials.instead("<ds:Signature>", Same, &[&format!("<ds:Signature Id=\"{id}\">")]);
    }
}

#[test]
fn hostile_and_odd_documents_have_libxmls_verdict_or_a_named_refusal() {
    let mut trials = Trials { good: good(), all: Vec::new() };
    trials.around(Valid, &[("", "")]);
    for some in [depth_and_size, entities, odd_places, declarations, bytes, namespaces, instances] {
        some(&mut trials);
    }
    let message = Message::Request(Kind::Inventory);
    let schemas: Vec<PathBuf> = [Some(our_schema(message)), official_schema(message)].into_iter().flatten().collect();
    let mut wrong = Vec::new();
    let mut judged = Vec::new();
    for (name, document, verdict) in trials.all {
        let ours = message::validate(&document);
        let said: Vec<_> = ours.iter().map(|defect| (defect.code, defect.line, defect.column)).take(3).collect();
        let name = format!("{}: we say {said:?}", name.chars().take(300).collect::<String>());
        match verdict {
            // Of some of these libxml2 makes minutes of work.
            Refused(code) if ours.first().is_some_and(|defect| defect.code == code) => {}
            Refused(code) => wrong.push(format!("{name}, not {code}")),
            Same => judged.push((name, document, ours.is_empty())),
            Valid => {
                judged.push((name, document, true));
                wrong.extend((!ours.is_empty()).then(|| judged.last().map_or_else(String::new, |(name, ..)| format!("{name}, not valid"))));
            }
        }
    }
    let documents: Vec<_> = judged.iter().map(|(_, document, _)| document.clone()).collect();
    for schema in schemas {
        for ((name, _, ours), theirs) in judged.iter().zip(verdicts(&schema, &documents).0) {
            if *ours != theirs {
                wrong.push(format!("{name}, libxml2 {theirs}"));
            }
        }
    }
    println!("{} documents", documents.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn harm_takes_no_time() {
    let million = "<a>".repeat(1_000_000);
    let amps = format!("<CEB603Message xmlns=\"http://www.chinaport.gov.cn/ceb\" guid=\"{}", "&amp;".repeat(1_000_000));
    let open = "<!--".repeat(1_000_000);
    let quotes = format!("<a {}", "\"'".repeat(1_000_000));
    for document in
        [million, amps, open, quotes, "<".repeat(1_000_000), "&".repeat(1_000_000), "]]>".repeat(1_000_000), "<![CDATA[".repeat(500_000)]
    {
        assert!(!message::validate(document.as_bytes()).is_empty());
        assert!(!message::examine(document.as_bytes()).is_empty());
    }
}
