use super::*;
use crate::message::schema::compile::compile;

const HEAD: &str = "<xs:schema xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:ceb=\"http://www.chinaport.gov.cn/ceb\" \
    targetNamespace=\"http://www.chinaport.gov.cn/ceb\" elementFormDefault=\"qualified\">";

fn schema(body: &str) -> Result<Model, Refusal> {
    let text: &'static str = format!("{HEAD}\n{body}\n</xs:schema>").leak();
    compile(&[("a.xsd", text)])
}

#[test]
fn the_schemas_are_known_whole() {
    assert_eq!(load(), Ok(()));
    let model = Pack::newest().unwrap().model().unwrap();
    assert!(model.repeats("Order") && model.repeats("ReceiverId") && !model.repeats("OrderHead"));
}

#[test]
fn unknown_constructs_are_refused_by_file_and_line() {
    let string = |facet: &str| {
        format!(
            "<xs:element name=\"a\"><xs:simpleType><xs:restriction base=\"xs:string\">{facet}</xs:restriction></xs:simpleType></xs:element>"
        )
    };
    let complex = |body: &str| format!("<xs:element name=\"a\"><xs:complexType>{body}</xs:complexType></xs:element>");
    let unknown = [
        ("<xs:notation name=\"a\"/>".to_owned(), "xs:notation in xs:schema"),
        ("<xs:attribute name=\"a\"/>".to_owned(), "xs:attribute in xs:schema"),
        ("<xs:element name=\"a\" nillable=\"true\"/>".to_owned(), "xs:element nillable"),
        ("<xs:element name=\"a\" type=\"xs:duration\"/>".to_owned(), "the type xs:duration"),
        ("<xs:element name=\"a\" type=\"ceb:b\"/>".to_owned(), "the type ceb:b"),
        ("<xs:element name=\"a\" type=\"q:b\"/>".to_owned(), "the prefix of q:b"),
        ("<xs:element name=\"a\"/><xs:element name=\"a\"/>".to_owned(), "a second xs:element a"),
        ("<xs:element name=\"a\" type=\"xs:decimal\" fixed=\"1\"/>".to_owned(), "a fixed or default value that does not fit"),
        ("<other/>".to_owned(), "the element other"),
        (string("<xs:pattern value=\"a\"/>"), "xs:pattern in xs:restriction"),
        (string("<xs:enumeration value=\"a\"/>"), "xs:enumeration in xs:restriction"),
        (string("<xs:totalDigits value=\"1\"/>"), "xs:totalDigits of String"),
        (string("<xs:maxLength value=\"x\"/>"), "value=\"x\""),
        (string("<xs:maxLength value=\"1\" fixed=\"true\"/>"), "xs:maxLength fixed"),
        (complex("<xs:all/>"), "xs:all in xs:complexType"),
        (complex("<xs:sequence><xs:group ref=\"ceb:g\"/></xs:sequence>"), "xs:group in xs:sequence"),
        (complex("<xs:sequence><xs:element ref=\"ceb:b\"/></xs:sequence>"), "the element ceb:b"),
        (complex("<xs:sequence><xs:element name=\"b\" minOccurs=\"2\"/></xs:sequence>"), "an occurrence from more to less"),
        (complex("<xs:sequence><xs:any/></xs:sequence>"), "processContents=\"strict\""),
        (complex("<xs:sequence><xs:any namespace=\"u:x\" processContents=\"skip\"/></xs:sequence>"), "namespace=\"u:x\""),
        (complex("<xs:sequence/><xs:sequence/>"), "a second xs:sequence in a type"),
        (complex("<xs:attribute name=\"a\" type=\"xs:string\" use=\"prohibited\"/>"), "use=\"prohibited\""),
        (complex("<xs:anyAttribute/>"), "xs:anyAttribute in xs:complexType"),
        (complex("<xs:complexContent/>"), "xs:complexContent in xs:complexType"),
        (
            complex("<xs:sequence><xs:element name=\"b\" minOccurs=\"0\"/><xs:element name=\"b\"/></xs:sequence>"),
            "an ambiguous content model",
        ),
    ];
    for (body, what) in unknown {
        let refusal = schema(&body).unwrap_err();
        assert!(refusal.what.starts_with(what), "{body}: {refusal}");
        assert_eq!((refusal.file, refusal.line), ("a.xsd", 2), "{body}");
    }
    assert!(schema("<xs:include schemaLocation=\"b.xsd\"/>").unwrap_err().to_string().starts_with("schema a.xsd:2: "));
    assert!(compile(&[("a.xsd", "<xs:schema")]).is_err());
    assert!(compile(&[("a.xsd", "<a/>")]).is_err());
    let unqualified = HEAD.replace(" elementFormDefault=\"qualified\"", "") + "</xs:schema>";
    assert!(compile(&[("a.xsd", unqualified.leak())]).is_err());
}

const GUID: &str = "ABCD0000-0000-7000-8000-000000000002";

fn waybill(number: usize) -> String {
    format!(
        "<Logistics>\n<guid>{GUID}</guid><appType>1</appType><appTime>20261111080910</appTime><appStatus>2</appStatus>\
        <logisticsCode>C</logisticsCode><logisticsName>物流</logisticsName><logisticsNo>W-{number}</logisticsNo><freight>1</freight>\
        <insuredFee>0</insuredFee><currency>142</currency><grossWeight>0.6</grossWeight><packNo>1</packNo><goodsInfo>杯</goodsInfo></Logistics>\n"
    )
}

const TRANSFER: &str = "<BaseTransfer><copCode>C</copCode><copName>N</copName><dxpMode>DXP</dxpMode><dxpId>D</dxpId></BaseTransfer>";

fn message() -> String {
    let (first, second) = (waybill(1), waybill(2));
    format!(
        "<CEB505Message xmlns=\"http://www.chinaport.gov.cn/ceb\" guid=\"{GUID}\" version=\"1.0\">{first}{second}{TRANSFER}</CEB505Message>"
    )
}

fn told(xml: &str) -> Vec<(String, &'static str)> {
    validate(xml.as_bytes()).into_iter().map(|defect| (defect.path, defect.code)).collect()
}

/// What is told when the last `from` of a good message becomes `to`.
fn spoilt(from: &str, to: &str) -> Vec<(String, &'static str)> {
    let good = message();
    let at = good.rfind(from).unwrap();
    told(&format!("{}{to}{}", &good[..at], &good[at + from.len()..]))
}

#[test]
fn one_fault_is_told_once() {
    assert_eq!(told(&message()), []);
    let second = "/CEB505Message/Logistics[2]";
    let one = |from, to, below: &str, code| assert_eq!(spoilt(from, to), [(format!("{second}{below}"), code)], "{to}");
    one("<logisticsNo>W-2</logisticsNo>", "", "/logisticsNo", "S-MISSING");
    one("<goodsInfo>杯</goodsInfo>", "", "/goodsInfo", "S-MISSING");
    one("<freight>1</freight>", "<freight>1</freight><freight>1</freight>", "/freight[2]", "S-COUNT");
    one("<freight>1</freight><insuredFee>0</insuredFee>", "<insuredFee>0</insuredFee><freight>1</freight>", "/freight", "S-ORDER");
    one("<appStatus>2</appStatus>", "<appStatus>2</appStatus><b>1</b>", "/b", "S-UNEXPECTED");
    one("<packNo>1</packNo>", "<packNumber>1</packNumber>", "/packNumber", "S-UNEXPECTED");
    one("<packNo>1</packNo>", "<packNo xmlns=\"u:x\">1</packNo>", "/packNo", "S-NAMESPACE");
    one("<packNo>1</packNo>", "<packNo>1.5</packNo>", "/packNo", "S-INTEGER");
    one("<packNo>1</packNo>", "<packNo>1<b/><c/>x</packNo>", "/packNo/b", "S-UNEXPECTED");
    one("<packNo>1</packNo>", "<packNo a=\"1\">1</packNo>", "/packNo/@a", "S-ATTRIBUTE");
    one("<packNo>1</packNo>", "x<packNo>1</packNo>y", "", "S-TEXT");
    one("<goodsInfo>杯</goodsInfo>", "<goodsInfo>杯</goodsInfo><note>n</note><ebcName>E</ebcName>", "/ebcName", "S-ORDER");
    let root = |from, to, below: &str, code| assert_eq!(spoilt(from, to), [(format!("/CEB505Message{below}"), code)], "{to}");
    root(TRANSFER, "", "/BaseTransfer", "S-MISSING");
    root(" version=\"1.0\"", "", "/@version", "S-ATTRIBUTE-MISSING");
    root("</CEB505Message>", "</CEB505Messag>", "", "S-XML");
}

#[test]
fn every_fault_is_told() {
    let spoilt = message().replace("W-1", &"长".repeat(33)).replace("<freight>1<", "<freight>0.123456<").replace("<packNo>1</packNo>", "");
    let block = |number: usize, below: &str| format!("/CEB505Message/Logistics[{number}]/{below}");
    let expected = [
        (block(1, "logisticsNo"), "S-LENGTH"),
        (block(1, "freight"), "S-FRACTION"),
        (block(1, "packNo"), "S-MISSING"),
        (block(2, "freight"), "S-FRACTION"),
        (block(2, "packNo"), "S-MISSING"),
    ];
    assert_eq!(told(&spoilt), expected);
    let many = message().replace("<freight>1<", &format!("<b/>{}<freight>1<", "<c/>".repeat(300)));
    assert_eq!(told(&many).len(), MAX_DEFECTS);
}

#[test]
fn a_defect_says_where_and_what_in_both_languages() {
    let defects = validate(message().replacen("W-2", &"长".repeat(33), 1).as_bytes());
    let expected = Defect {
        line: 4,
        column: 192,
        path: "/CEB505Message/Logistics[2]/logisticsNo".to_owned(),
        code: "S-LENGTH",
        zh: "最多 32 个字符，实为 33 个".to_owned(),
        en: "must have at most 32 characters, has 33".to_owned(),
    };
    assert_eq!(defects, [expected]);
}

#[test]
fn what_is_unsafe_is_refused() {
    let code = |xml: &str| told(xml).into_iter().map(|(_, code)| code).collect::<Vec<_>>();
    let good = message();
    assert_eq!(code(&format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{good}")), ["S-REFUSED"]);
    assert_eq!(code(&good.replacen("W-1", "&b;", 1)), ["S-REFUSED"]);
    assert_eq!(code(&format!("\0{good}")), ["S-XML"]);
    assert_eq!(code(&format!("{}{}", "<a>".repeat(40), "</a>".repeat(40))), ["S-ROOT"]);
    let any = format!(
        "<ExtendMessage><name>a</name><version>1</version><Message>{}{}</Message></ExtendMessage>",
        "<a>".repeat(40),
        "</a>".repeat(40)
    );
    assert_eq!(code(&good.replace("</CEB505Message>", &format!("{any}</CEB505Message>"))), ["S-LIMIT"]);
    assert_eq!(code("<Logistics xmlns=\"http://www.chinaport.gov.cn/ceb\"/>"), ["S-ROOT"]);
    assert_eq!(code("<DxpMsgSv xmlns=\"http://www.chinaport.gov.cn/dxp\"/>"), ["S-ATTRIBUTE-MISSING", "S-MISSING", "S-MISSING"]);
    assert_eq!(code(""), ["S-XML"]);
    assert_eq!(validate(b"<a>\xFF</a>")[0].code, "S-ENCODING");
    let typed = good.replacen("<packNo>", "<packNo xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:type=\"a\">", 1);
    assert_eq!(code(&typed), ["S-INSTANCE"]);
}

#[test]
fn everything_in_the_schemas_says_in_both_languages_what_it_is_and_where_that_stands() {
    use crate::message::xml::tokens::{self, Token, Tokens};

    /// A construct: whether it must be explained, and the languages in which it is.
    struct Construct {
        line: usize,
        must: bool,
        languages: Vec<String>,
    }
    let mut explained = 0;
    let files =
        pack::packs().iter().flat_map(|pack| pack.files().iter().map(move |(name, text)| (format!("{}/{name}", pack.name()), *text)));
    for (file, text) in files {
        let (mut tokens, mut open, mut buffer) = (Tokens::new(text), Vec::<Construct>::new(), Vec::new());
        let (mut sourced, mut said) = (None, String::new());
        while let Some(token) = tokens.next().unwrap() {
            match token {
                Token::Open { local, attributes, .. } => {
                    tokens::attributes(attributes, &mut buffer).unwrap();
                    let get = |name: &str| buffer.iter().find(|known| known.name == name).map(|known| known.value.to_string());
                    let named = matches!(local, "element" | "attribute" | "simpleType" | "complexType") && get("name").is_some();
                    if local == "documentation" {
                        sourced = get("xml:lang").filter(|_| get("source").is_some_and(|source| !source.is_empty()));
                        said.clear();
                    }
                    let line = text[..tokens.offset()].lines().count();
                    open.push(Construct { line, must: named || local == "schema", languages: Vec::new() });
                }
                Token::Text(text) => said.push_str(text.trim()),
                Token::Char(c) => said.push(c),
                Token::Close => {
                    let closed = open.pop().unwrap();
                    if let Some(language) = sourced.take() {
                        let is_zh = said.chars().any(|c| c >= '\u{3400}');
                        assert!(!said.is_empty() && (is_zh || language == "en"), "{file}:{}", closed.line);
                        let count = open.len();
                        open[count - 2].languages.push(language);
                    }
                    explained += usize::from(closed.must);
                    assert!(!closed.must || closed.languages == ["zh", "en"], "{file}:{} {:?}", closed.line, closed.languages);
                }
            }
        }
    }
    assert!(explained > 1_000, "{explained}");
}
