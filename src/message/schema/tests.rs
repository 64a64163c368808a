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
    assert!(repeats("Order") && repeats("ReceiverId") && !repeats("OrderHead"));
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
