//! Namespaces.

use super::{Refused, Same, Trials, Valid};

pub(super) fn namespaces(trials: &mut Trials) {
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
