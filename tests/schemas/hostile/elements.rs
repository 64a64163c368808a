//! What stands in the tree: depth and size, odd places, xsi.

use super::{DECLARATION, LIMIT, REFUSED, Refused, Same, Trials, Valid};

pub(super) fn depth_and_size(trials: &mut Trials) {
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

pub(super) fn odd_places(trials: &mut Trials) {
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

pub(super) fn instances(trials: &mut Trials) {
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
