//! Writes requests: canonical bytes, so that what is digested and signed is what is sent.

use uuid::Uuid;

use super::{
    MAX_DOCUMENTS, Message, Pack,
    error::{Error, Problem},
    family::{self, Head},
    transfer,
    xml::{self, writer::Writer},
};
use crate::{
    clock::Timestamp,
    declaration::{Kind, MessageId},
    dossier::{Content, Document},
    party::Sender,
};

/// A document to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// Its guid, action and numbers.
    pub document: &'a Document,
    /// What it says.
    pub content: &'a Content,
    /// Of an inventory: the waybill that is bound to it. Others have no use for it.
    pub waybill_no: &'a str,
}

/// Composes a request of 1 to 100 documents of one kind as the pack of its date has it, in canonical form, not signed.
///
/// The root declares the three namespaces over which published signatures were made; no white space stands between elements
/// (transport §2.2, §2.3).
///
/// # Errors
/// When there are no documents, or more than 100, or one is of another kind, lacks its number, or holds a character that XML does not
/// allow; when the pack has no such message; when the sender's subscriptions or extension do not fit.
pub fn compose(kind: Kind, guid: MessageId, sender: &Sender, documents: &[Outgoing<'_>], at: Timestamp) -> Result<Vec<u8>, Error> {
    compose_in(Pack::at(at.day()), kind, guid, sender, documents, at)
}

/// As [`compose`], as that pack has it.
///
/// # Errors
/// As [`compose`]; none has any message.
pub fn compose_in(
    pack: Option<&'static Pack>,
    kind: Kind,
    guid: MessageId,
    sender: &Sender,
    documents: &[Outgoing<'_>],
    at: Timestamp,
) -> Result<Vec<u8>, Error> {
    if !(1..=MAX_DOCUMENTS).contains(&documents.len()) {
        return Err(Problem::Count.into());
    }
    let family = family::of(kind);
    let Some(pack) = pack.filter(|pack| pack.has(Message::Request(kind))) else {
        return Err(Error::new(Problem::NotInPack, family.request));
    };
    let time = at.to_seconds();
    let mut writer = Writer::new("ceb:", 1_024 + documents.iter().map(room).sum::<usize>());
    writer.begin(family.request);
    writer.attribute("xmlns:ceb", xml::CEB);
    writer.attribute("xmlns:ds", xml::DS);
    writer.attribute("xmlns:xsi", xml::XSI);
    writer.attribute("guid", guid.0.hyphenated().encode_upper(&mut Uuid::encode_buffer()));
    writer.attribute("version", "1.0");
    writer.opened();
    for outgoing in documents {
        if outgoing.document.kind != kind {
            return Err(Error::new(Problem::Content, family.document));
        }
        let Document { guid, action, .. } = *outgoing.document;
        let head = Head { guid, action, time: &time, differences: pack.differences };
        writer.open(family.document);
        (family.write)(&mut writer, &head, outgoing)?;
        writer.close(family.document);
    }
    transfer::write(&mut writer, sender)?;
    writer.close(family.request);
    writer.finish()
}

/// About how many bytes a document takes.
fn room(outgoing: &Outgoing<'_>) -> usize {
    match outgoing.content {
        Content::Declaration(declaration) => 2_560 + declaration.order.lines.len() * 1_024,
        Content::Waybill(_) => 1_024,
        Content::FollowUp(follow_up) => 2_048 + follow_up.line_count() * 384,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::{
        declaration::{Action, DocumentGuid, DocumentId, EnterpriseNo, PortNo},
        message::{Part, Request, RequestContent, canonical, examine, parse_request, signature_position},
        party::{Party, Tenant},
        state::State,
    };

    fn guid(number: u128) -> Uuid {
        Uuid::from_u128(0xABCD_0000_0000_7000_8000_0000_0000_0000 | number)
    }

    fn party(code: &str, name: &str) -> Value {
        json!({ "code": code, "name": name })
    }

    fn declaration() -> Content {
        let seller = party("91440101MA5AAAAAAA", "卖家<甲>&Co");
        let line = json!({
            "number": 1, "item_no": "SKU-1", "item_name": "茶杯", "description": null, "bar_code": null, "unit": "011", "currency": "142",
            "quantity": "2.000", "price": "49.90", "total": "99.80000", "note": null
        });
        let of_inventory = json!({
            "number": 1, "hs_code": "6911101100", "customs_name": "瓷杯", "specification": "瓷|无牌", "country": "502", "legal_quantity": "0.5",
            "legal_unit": "035", "second": null, "invoice": "unknown", "note": null
        });
        let value = json!({
            "order": {
                "order_no": "A-1", "order_type": "retail", "platform": party("无", "Shop"), "seller": seller, "goods_value": "99.80",
                "freight": "0", "currency": "142", "note": null, "lines": [line]
            },
            "inventory": {
                "declared_at": "5141", "exits_at": "5141", "exit_date": "2026-11-11", "statistics": "simplified",
                "declarant": party("4401960ABC", "报关行"), "owner": party("91440101MA5BBBBBBB", "工厂"), "owner_registered": false,
                "trade_mode": "9610", "transport": "5", "vehicle": null, "voyage": null, "bill_no": null, "bag_no": null, "site": "514101",
                "licence_no": null, "country": "502", "destination_port": "USA", "freight": "0", "freight_currency": "142", "insured_fee": "0",
                "insured_currency": "142", "wrap": "2", "packs": 1, "gross_weight": "0.6", "net_weight": "0.5", "note": null,
                "carrier": party("4401980DEF", "物流"), "waybill_no": null, "lines": [of_inventory]
            }
        });
        Content::Declaration(Arc::new(declaration_from(value)))
    }

    fn declaration_from(mut value: Value) -> crate::declaration::Declaration {
        // The form in which serde keeps a day is its own affair: ask it.
        value["inventory"]["exit_date"] = serde_json::to_value(crate::clock::parse_day("20261111").unwrap()).unwrap();
        serde_json::from_value(value).unwrap()
    }

    fn waybill() -> Content {
        let value = json!({
            "carrier": party("4401980DEF", "物流"), "waybill_no": "W-1", "freight": "12.30", "insured_fee": "0", "currency": "142",
            "gross_weight": "0.6", "packs": 1, "goods_info": "茶杯", "seller": null, "seller_telephone": null, "note": null
        });
        Content::Waybill(Arc::new(serde_json::from_value(value).unwrap()))
    }

    fn document(kind: Kind, action: Action) -> Document {
        Document {
            id: DocumentId(guid(1)),
            version: 1,
            tenant: Tenant::local(),
            declaration: None,
            kind,
            action,
            guid: DocumentGuid(guid(2)),
            sender: "s".to_owned(),
            road: "r".to_owned(),
            enterprise_no: Some(EnterpriseNo("TG1".to_owned())),
            port_no: Some(PortNo("B20261111000000001".to_owned())),
            inventory_no: None,
            state: State::Due,
            last_word: None,
            needed_by: Timestamp::NEVER,
            gate_at: None,
            lot: None,
            packed: 0,
            port_failures: 0,
            resent: None,
            message: None,
            on_hold: false,
        }
    }

    fn sender() -> Sender {
        Sender {
            name: "s".to_owned(),
            party: Party { code: "4401960ABC".to_owned(), name: "报关行".to_owned() },
            dxp_id: "DXPENT0000000001".to_owned(),
            signer: "k".to_owned(),
            road: "r".to_owned(),
            ..Sender::default()
        }
    }

    fn composed(kind: Kind, action: Action, content: &Content, count: usize) -> Result<Vec<u8>, Error> {
        let document = document(kind, action);
        let outgoing = Outgoing { document: &document, content, waybill_no: "W-1" };
        let at = Timestamp::parse_seconds("20261111080910").unwrap();
        compose(kind, MessageId(guid(3)), &sender(), &vec![outgoing; count], at)
    }

    fn read_back(kind: Kind, action: Action, content: &Content) -> (Vec<u8>, Request) {
        let bytes = composed(kind, action, content, 1).unwrap();
        assert_eq!(canonical(&bytes, Part::Whole).unwrap(), bytes, "composed bytes are canonical as they stand");
        assert_eq!(examine(&bytes), []);
        let request = parse_request(&bytes).unwrap();
        assert_eq!(request.kind, kind);
        assert_eq!(request.guid, "ABCD0000-0000-7000-8000-000000000003");
        assert_eq!((request.cop_code.as_str(), request.dxp_id.as_str()), ("4401960ABC", "DXPENT0000000001"));
        let head = &request.documents[0];
        assert_eq!(head.guid, "ABCD0000-0000-7000-8000-000000000002");
        assert_eq!((head.action(), head.app_time.as_str(), head.app_status.as_str()), (Some(action), "20261111080910", "2"));
        (bytes, request)
    }

    #[test]
    fn a_waybill_word_for_word() {
        let (bytes, _) = read_back(Kind::Waybill, Action::Delete, &waybill());
        let expected = concat!(
            r#"<ceb:CEB505Message xmlns:ceb="http://www.chinaport.gov.cn/ceb" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" "#,
            r#"xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" guid="ABCD0000-0000-7000-8000-000000000003" version="1.0">"#,
            "<ceb:Logistics><ceb:guid>ABCD0000-0000-7000-8000-000000000002</ceb:guid><ceb:appType>3</ceb:appType>",
            "<ceb:appTime>20261111080910</ceb:appTime><ceb:appStatus>2</ceb:appStatus><ceb:logisticsCode>4401980DEF</ceb:logisticsCode>",
            "<ceb:logisticsName>物流</ceb:logisticsName><ceb:logisticsNo>W-1</ceb:logisticsNo><ceb:freight>12.3</ceb:freight>",
            "<ceb:insuredFee>0</ceb:insuredFee><ceb:currency>142</ceb:currency><ceb:grossWeight>0.6</ceb:grossWeight>",
            "<ceb:packNo>1</ceb:packNo><ceb:goodsInfo>茶杯</ceb:goodsInfo></ceb:Logistics>",
            "<ceb:BaseTransfer><ceb:copCode>4401960ABC</ceb:copCode><ceb:copName>报关行</ceb:copName><ceb:dxpMode>DXP</ceb:dxpMode>",
            "<ceb:dxpId>DXPENT0000000001</ceb:dxpId></ceb:BaseTransfer></ceb:CEB505Message>"
        );
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn an_order_reads_back() {
        let (bytes, request) = read_back(Kind::Order, Action::Add, &declaration());
        let RequestContent::Order(order) = &request.documents[0].content else { panic!("an order") };
        assert_eq!((order.order_no.as_str(), order.platform.as_str(), order.seller.as_str()), ("A-1", "无", "91440101MA5AAAAAAA"));
        assert_eq!(order.goods_value, "99.8");
        let line = &order.lines[0];
        assert_eq!([&line.number, &line.item_no, &line.quantity, &line.price, &line.total], ["1", "SKU-1", "2", "49.9", "99.8"]);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("<ceb:ebcName>卖家&lt;甲&gt;&amp;Co</ceb:ebcName>"));
        assert!(!text.contains("barCode") && !text.contains("note"), "what an order does not say is left out");
    }

    #[test]
    fn an_inventory_reads_back() {
        let (bytes, request) = read_back(Kind::Inventory, Action::Add, &declaration());
        let RequestContent::Inventory(inventory) = &request.documents[0].content else { panic!("an inventory") };
        assert_eq!((inventory.declared_at.as_str(), inventory.enterprise_no.as_str()), ("5141", "TG1"));
        assert_eq!((inventory.order_no.as_str(), inventory.waybill_no.as_str(), inventory.exit_date.as_str()), ("A-1", "W-1", "20261111"));
        assert_eq!((inventory.owner.as_str(), inventory.statistics.as_str(), inventory.site.as_str()), ("NO", "A", "514101"));
        assert_eq!(inventory.port_no, "", "who adds has no number of the port");
        assert_eq!(inventory.lines[0].hs_code, "6911101100");
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("<ceb:barCode>无</ceb:barCode>"));
        assert!(text.contains("<ceb:note>实际卖家统一社会信用代码:91440101MA5BBBBBBB</ceb:note>"));
        let (_, request) = read_back(Kind::Inventory, Action::Amend, &declaration());
        let RequestContent::Inventory(inventory) = &request.documents[0].content else { panic!("an inventory") };
        assert_eq!(inventory.port_no, "B20261111000000001");
    }

    #[test]
    fn one_to_a_hundred_of_one_kind() {
        let problem = |kind, content: &Content, count| composed(kind, Action::Add, content, count).unwrap_err().problem();
        assert_eq!(problem(Kind::Order, &declaration(), 0), Problem::Count);
        assert_eq!(problem(Kind::Order, &declaration(), 101), Problem::Count);
        assert_eq!(problem(Kind::Order, &waybill(), 1), Problem::Content);
        assert_eq!(problem(Kind::Waybill, &declaration(), 1), Problem::Content);
        let hundred = composed(Kind::Inventory, Action::Add, &declaration(), 100).unwrap();
        assert_eq!(parse_request(&hundred).unwrap().documents.len(), 100);
        let one_more =
            String::from_utf8(hundred).unwrap().replacen("<ceb:BaseTransfer>", "<ceb:Inventory></ceb:Inventory><ceb:BaseTransfer>", 1);
        assert_eq!(parse_request(one_more.as_bytes()).unwrap_err().problem(), Problem::Count);
        assert_eq!(examine(one_more.as_bytes())[0].path, "/CEB603Message/Inventory[101]");
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        let mut nameless = document(Kind::Inventory, Action::Add);
        nameless.enterprise_no = None;
        let content = declaration();
        let at = Timestamp::default();
        let compose_one = |outgoing| compose(Kind::Inventory, MessageId(guid(3)), &sender(), &[outgoing], at).unwrap_err();
        assert_eq!(compose_one(Outgoing { document: &nameless, content: &content, waybill_no: "W" }).subject(), "copNo");
        let whole = document(Kind::Inventory, Action::Add);
        assert_eq!(compose_one(Outgoing { document: &whole, content: &content, waybill_no: "" }).subject(), "logisticsNo");
        let order = document(Kind::Order, Action::Add);
        assert_eq!(compose_one(Outgoing { document: &order, content: &content, waybill_no: "W" }).problem(), Problem::Content);
        let Content::Declaration(declaration) = &content else { panic!("a declaration") };
        let mut unprintable = Arc::unwrap_or_clone(Arc::clone(declaration));
        unprintable.order.platform.name = "a\u{8}b".to_owned();
        let unprintable = Content::Declaration(Arc::new(unprintable));
        let error = compose_one(Outgoing { document: &whole, content: &unprintable, waybill_no: "W" });
        assert_eq!((error.problem(), error.subject()), (Problem::Character, "ebpName"));
    }

    #[test]
    fn a_signature_goes_before_the_end_tag() {
        let bytes = composed(Kind::Waybill, Action::Add, &waybill(), 1).unwrap();
        let at = signature_position(&bytes);
        assert_eq!(&bytes[at..], b"</ceb:CEB505Message>");
        assert!(bytes[..at].ends_with(b"</ceb:BaseTransfer>"));
    }
}
