//! What stands in the bytes: entities, encodings, declarations.

use super::{DECLARATION, ENCODING, REFUSED, Refused, Same, Trials, Valid};

pub(super) fn entities(trials: &mut Trials) {
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

pub(super) fn bytes(trials: &mut Trials) {
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

pub(super) fn declarations(trials: &mut Trials) {
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
